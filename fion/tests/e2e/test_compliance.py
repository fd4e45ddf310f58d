# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""ICCCM and EWMH as a client sees them; doc/fion-compliance.md lists them."""

import re

import pytest

from wm import (  # noqa: F401 (fixtures)
    ROOT, Fion, X, app, clients, fion, xserver)
from Xlib import Xutil
from Xlib.protocol import event

DOCK = {"kind": "DOCK", "size": (1280, 40), "managed": False}


def set_state(client, action, *names):
    atoms = [client.app.atom("_NET_WM_STATE_" + n) for n in names] + [0]
    client.tell("_NET_WM_STATE", action, *atoms[:2], 1)


def protocols(client, name):
    """The messages of WM_PROTOCOLS that name it."""
    return [data for data in client.messages("WM_PROTOCOLS")
            if data[0] == client.app.atom(name)]


def strut(bottom):
    return [("_NET_WM_STRUT_PARTIAL", "CARDINAL", 32,
             [0, 0, 0, bottom, 0, 0, 0, 0, 0, 0, 0, 1279])]


# --- managing ---

def test_a_mapped_window_is_normal_and_framed(clients):
    client = clients()
    assert client.property("WM_STATE")[0] == 1
    assert client.w.query_tree().parent != client.app.root
    assert len(client.property("_NET_FRAME_EXTENTS")) == 4


def test_withdrawing_ends_it(fion, clients):
    client = clients()
    root = client.app.root
    client.w.unmap()
    root.send_event(event.UnmapNotify(
        event=root, window=client.w, from_configure=0),
        X.SubstructureRedirectMask | X.SubstructureNotifyMask)
    client.app.d.sync()
    fion.until("it is withdrawn", lambda: (
        client.property("WM_STATE") in (None, [0, 0])))
    assert client.property("_NET_WM_STATE") is None
    assert client.property("_NET_WM_DESKTOP") is None
    assert fion.windows() == {}
    client.map()
    fion.until("it is back", lambda: client.title in fion.windows())


def test_override_redirect_is_left_alone(fion, clients):
    client = clients(managed=False, override=True)
    fion.sync()
    assert client.w.query_tree().parent == client.app.root
    assert fion.windows() == {}


def test_windows_that_were_there_are_managed(xserver, app, tmp_path):
    client = app.window("shown")
    hidden = app.window("hidden", mapped=False)
    fion = Fion(xserver, tmp_path)
    fion.until("it is managed", lambda: client.property("WM_STATE"))
    assert list(fion.windows()) == ["shown"]
    assert hidden.property("WM_STATE") is None
    assert fion.end() == 0


def test_iconic_at_first_is_not_shown(fion, clients):
    first = clients()
    clients(hints={"flags": Xutil.StateHint,
                   "initial_state": Xutil.IconicState})
    assert fion.focused() == first.title


def test_a_wish_to_be_iconic_is_refused_in_words(fion, clients):
    client = clients()
    client.tell("WM_CHANGE_STATE", Xutil.IconicState)
    fion.sync()
    assert client.property("WM_STATE")[0] == 1
    assert client.viewable()


# --- configuring ---

def test_each_configure_request_is_answered(fion, clients):
    client = clients()
    place = client.place()
    client.take(X.ConfigureNotify)
    client.w.configure(x=5, y=5, width=50, height=50, border_width=9)
    client.app.d.sync()
    *_, last = fion.until("an answer", lambda: client.take(X.ConfigureNotify))
    assert (last.x, last.y, last.width, last.height) == place
    assert last.border_width == 0
    assert client.place() == place


def test_a_window_that_is_not_managed_gets_what_it_asks_for(fion, clients):
    client = clients(mapped=False, managed=False)
    client.w.configure(x=30, y=40, width=321, height=123, border_width=0)
    client.app.d.sync()
    fion.sync()
    assert client.place() == (30, 40, 321, 123)


def test_a_dialog_floats_at_its_size_over_its_leader(fion, clients):
    leader = clients()
    dialog = clients(size=(300, 120), kind="DIALOG", leader=leader)
    x, y, w, h = dialog.place()
    lx, ly, lw, lh = leader.place()
    assert (w, h) == (300, 120)
    assert abs((x + w / 2) - (lx + lw / 2)) < 4
    assert abs((y + h / 2) - (ly + lh / 2)) < 20
    assert fion.focused() == dialog.title
    dialog.app.close()
    fion.until("its leader has the focus", leader.has_focus)


def test_a_window_of_one_size_floats(fion, clients):
    client = clients(size=(222, 111), mapped=False, managed=False)
    client.w.set_wm_normal_hints(
        flags=Xutil.PMinSize | Xutil.PMaxSize, min_width=222, max_width=222,
        min_height=111, max_height=111)
    client.map()
    fion.until("it is managed", lambda: client.title in fion.windows())
    assert client.place()[2:] == (222, 111)


def test_transients_in_a_circle_are_cut(fion, clients):
    one, two = clients(), clients()
    one.w.set_wm_transient_for(two.w)
    two.w.set_wm_transient_for(one.w)
    one.app.d.sync()
    two.app.d.sync()
    fion.sync()
    assert sorted(fion.windows()) == [one.title, two.title]


# --- focus ---

@pytest.mark.parametrize("input,take", [
    (True, False), (True, True), (False, True), (False, False)])
def test_the_four_models_of_focus(fion, clients, input, take):
    other = clients()
    client = clients(hints={"flags": Xutil.InputHint, "input": int(input)},
                     protocols=["WM_TAKE_FOCUS"] if take else [])
    assert fion.focused() == client.title
    if input:
        fion.until("it has the focus", client.has_focus)
    else:
        assert not client.has_focus()
    if take:
        [message, *_] = fion.until(
            "it is told", lambda: protocols(client, "WM_TAKE_FOCUS"))
        assert message[1] != 0  # a time, not "now"
    assert not other.has_focus()


def test_with_nothing_left_the_focus_is_still_somewhere(fion, clients):
    client = clients()
    client.app.close()
    fion.until("it is gone", lambda: fion.windows() == {})
    focus = fion.x.x.get_input_focus().focus
    assert getattr(focus, "id", focus) not in (X.NONE, X.PointerRoot)


def test_a_client_does_not_steal_the_focus(fion, clients):
    thief = clients()
    owner = clients()
    assert fion.focused() == owner.title
    thief.w.set_input_focus(X.RevertToParent, X.CurrentTime)
    thief.app.d.sync()
    fion.until("it is back", owner.has_focus)
    thief.tell("_NET_ACTIVE_WINDOW", 1, 0)
    fion.sync()
    assert fion.focused() == owner.title
    fion.until("it is urgent instead", lambda: (
        "DEMANDS_ATTENTION" in thief.states()))


def test_a_pager_may_give_the_focus(fion, clients):
    first = clients()
    clients()
    first.tell("_NET_ACTIVE_WINDOW", 2, 0)
    fion.sync()
    assert fion.focused() == first.title
    assert first.app.root_property("_NET_ACTIVE_WINDOW") == [first.id]


def test_user_time_zero_asks_for_no_focus(fion, clients):
    first = clients()
    clients(props=[("_NET_WM_USER_TIME", "CARDINAL", 32, [0])])
    assert fion.focused() == first.title


def test_urgency_goes_with_the_focus(fion, clients):
    client = clients()
    other = clients()
    client.w.set_wm_hints(flags=Xutil.UrgencyHint)
    client.app.d.sync()
    fion.sync()
    assert fion.windows()[client.title]["urgent"]
    fion.press("Win+u")
    assert fion.focused() == client.title
    assert not fion.windows()[client.title]["urgent"]
    assert other.title in fion.windows()


# --- states ---

def test_hidden_is_who_is_behind_in_its_tile(fion, clients):
    behind = clients()
    front = clients()
    assert "HIDDEN" in behind.states()
    assert "HIDDEN" not in front.states()
    assert "FOCUSED" in front.states()
    fion.do("workspace create")
    fion.sync()
    assert "HIDDEN" not in front.states()


def test_fullscreen_by_message_and_back(fion, clients):
    client = clients()
    before = client.place()
    set_state(client, 1, "FULLSCREEN")
    fion.until("it fills the screen",
               lambda: client.place() == (0, 0, 1280, 800))
    assert "FULLSCREEN" in client.states()
    set_state(client, 2, "FULLSCREEN")
    fion.until("it is back", lambda: client.place() == before)


def test_fullscreen_before_it_is_mapped(fion, clients):
    client = clients(mapped=False, managed=False)
    client.set("_NET_WM_STATE", "ATOM", 32,
               [client.app.atom("_NET_WM_STATE_FULLSCREEN")])
    client.map()
    fion.until("it fills the screen", lambda: (
        client.title in fion.windows()
        and client.place() == (0, 0, 1280, 800)))


def test_maximized_is_kept_as_a_word(fion, clients):
    client = clients()
    before = client.place()
    set_state(client, 1, "MAXIMIZED_VERT", "MAXIMIZED_HORZ")
    fion.sync()
    assert {"MAXIMIZED_VERT", "MAXIMIZED_HORZ"} <= client.states()
    assert client.place() == before


# --- closing ---

def test_closing_asks_first(fion, clients):
    polite = clients(protocols=["WM_DELETE_WINDOW"])
    fion.press("Win+q")
    fion.until("it is asked", lambda: protocols(polite, "WM_DELETE_WINDOW"))
    assert polite.title in fion.windows()


def test_who_cannot_be_asked_is_closed(fion, clients):
    client = clients()
    fion.press("Win+q")
    fion.until("it is gone", lambda: client.title not in fion.windows())


def test_a_pager_may_close(fion, clients):
    client = clients(protocols=["WM_DELETE_WINDOW"])
    client.tell("_NET_CLOSE_WINDOW", 0, 2)
    fion.until("it is asked", lambda: protocols(client, "WM_DELETE_WINDOW"))


# --- what pagers and bars read ---

def test_the_root_tells_what_there_is(fion, clients):
    one, two = clients(), clients()
    root = one.app.root_property
    assert root("_NET_CLIENT_LIST") == [one.id, two.id]
    assert set(root("_NET_CLIENT_LIST_STACKING")) == {one.id, two.id}
    assert root("_NET_ACTIVE_WINDOW") == [two.id]
    assert root("_NET_NUMBER_OF_DESKTOPS") == [1]
    fion.do("workspace create mäil")
    fion.sync()
    assert root("_NET_NUMBER_OF_DESKTOPS") == [2]
    assert bytes(root("_NET_DESKTOP_NAMES")).decode().split("\0")[1] == "mäil"
    assert root("_NET_CURRENT_DESKTOP") == [1]
    assert one.property("_NET_WM_DESKTOP") == [0]
    [check] = root("_NET_SUPPORTING_WM_CHECK")
    window = one.app.d.create_resource_object("window", check)

    def of_check(name):
        return window.get_full_property(
            one.app.atom(name), X.AnyPropertyType).value
    assert list(of_check("_NET_SUPPORTING_WM_CHECK")) == [check]
    assert of_check("_NET_WM_NAME") == b"fion"
    assert {"_NET_WM_STATE_FULLSCREEN", "_NET_ACTIVE_WINDOW",
            "_NET_CLIENT_LIST"} <= {
                one.app.name(a) for a in root("_NET_SUPPORTED")}


def test_a_pager_may_change_the_workspace(fion, clients):
    client = clients()
    fion.do("workspace create")
    client.app.send_root(client.app.root, "_NET_CURRENT_DESKTOP", [0])
    fion.sync()
    assert fion.workspaces().index(fion.workspace()["name"]) == 0
    client.tell("_NET_WM_DESKTOP", 1, 2)
    fion.sync()
    assert client.property("_NET_WM_DESKTOP") == [1]


def test_a_dock_gets_its_strut_and_gives_it_back(fion, clients):
    client = clients()
    before = client.place()
    dock = clients(props=strut(40), **DOCK)
    fion.until("room is made", lambda: client.place()[3] == before[3] - 40)
    assert client.app.root_property("_NET_WORKAREA")[3] <= 800 - 40
    dock.app.close()
    fion.until("the room is back", lambda: client.place() == before)


def test_a_strut_never_takes_the_whole_screen(fion, clients):
    client = clients()
    dock = clients(props=strut(4000), **DOCK)
    fion.until("it is shown", dock.viewable)
    assert client.place()[3] > 50


def test_frame_extents_are_told_before_the_map(fion, clients):
    client = clients(mapped=False, managed=False)
    client.tell("_NET_REQUEST_FRAME_EXTENTS")
    fion.until("an answer", lambda: client.property("_NET_FRAME_EXTENTS"))


# --- titles ---

@pytest.mark.parametrize("name,title", [
    ("WM_NAME", b"caf\xe9"), ("_NET_WM_NAME", "café ☂".encode())])
def test_titles_in_both_encodings(fion, clients, name, title):
    client = clients()
    client.w.delete_property(client.app.atom("_NET_WM_NAME"))
    client.set(name, "STRING" if name == "WM_NAME" else "UTF8_STRING", 8,
               title)
    client.app.d.sync()
    fion.sync()
    assert list(fion.windows()) == [
        "café" if name == "WM_NAME" else "café ☂"]


def test_the_page_names_tests_that_are_there():
    page = (ROOT / "doc/fion-compliance.md").read_text()
    named = set(re.findall(r"\b(test_\w+) \|", page))
    there = {name for path in (ROOT / "fion/tests/e2e").glob("test_*.py")
             for name in re.findall(r"^def (test_\w+)", path.read_text(),
                                    re.MULTILINE)}
    assert len(named) > 40
    assert named <= there
