# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""ICCCM and EWMH as a client sees them; doc/fion-compliance.md lists them."""

import re

import pytest
from client import Client
from conftest import ROOT, wait_for

X = pytest.importorskip("Xlib.X")
from Xlib import Xatom, Xutil  # noqa: E402
from Xlib.protocol import event  # noqa: E402


def states(client):
    return client.atoms("_NET_WM_STATE")


def set_state(client, action, *names):
    client.send("_NET_WM_STATE", action, *[client.atom(n) for n in names], 1)


# --- managing ---

def test_a_mapped_window_is_normal_and_framed(clients):
    client = clients()
    assert list(client.get("WM_STATE"))[0] == 1
    assert client.window.query_tree().parent != client.root
    assert len(client.get("_NET_FRAME_EXTENTS")) == 4


def test_withdrawing_ends_it(fion, clients):
    client = clients()
    client.window.unmap()
    client.root.send_event(event.UnmapNotify(
        event=client.root, window=client.window, from_configure=0),
        X.SubstructureRedirectMask | X.SubstructureNotifyMask)
    client.x.sync()
    wait_for("it is withdrawn", lambda: client.get("WM_STATE") is None
             or client.get("WM_STATE")[0] == 0)
    assert client.get("_NET_WM_STATE") is None
    assert client.get("_NET_WM_DESKTOP") is None
    fion.sync()
    assert fion.windows() == []
    client.map()
    wait_for("it is back", lambda: client.id in fion.windows())


def test_override_redirect_is_left_alone(fion, clients):
    client = clients(managed=False, override_redirect=1)
    fion.sync()
    assert client.window.query_tree().parent == client.root
    assert fion.windows() == []


def test_windows_that_were_there_are_managed(unstarted):
    client = Client(unstarted.x.name)
    hidden = Client(unstarted.x.name)
    client.map()
    unstarted.start()
    wait_for("it is managed", client.managed)
    assert unstarted.windows() == [client.id]
    assert not hidden.managed()
    unstarted.stop()
    client.close()
    hidden.close()


def test_iconic_at_first_is_not_shown(fion, clients):
    first = clients()
    client = Client(fion.x.name)
    client.window.set_wm_hints(flags=Xutil.StateHint,
                               initial_state=Xutil.IconicState)
    client.map()
    wait_for("it is managed", lambda: client.id in fion.windows())
    assert fion.focused() == first.id
    client.close()


def test_a_wish_to_be_iconic_is_refused_in_words(fion, clients):
    client = clients()
    client.send("WM_CHANGE_STATE", Xutil.IconicState)
    fion.sync()
    assert client.get("WM_STATE")[0] == 1
    assert client.visible()


# --- configuring ---

def test_each_configure_request_is_answered(fion, clients):
    client = clients()
    place = client.place()
    client.read()
    client.events.clear()
    client.window.configure(x=5, y=5, width=50, height=50, border_width=9)
    client.x.sync()
    fion.sync()

    def told():
        return [e for e in client.read() if e.type == X.ConfigureNotify]
    wait_for("an answer", told)
    last = told()[-1]
    assert (last.x, last.y, last.width, last.height) == place
    assert last.border_width == 0
    assert client.place() == place


def test_a_window_that_is_not_managed_gets_what_it_asks_for(fion):
    client = Client(fion.x.name)
    client.window.configure(x=30, y=40, width=321, height=123)
    client.x.sync()
    fion.sync()
    assert client.place() == (30, 40, 321, 123)
    client.close()


def test_a_dialog_floats_at_its_size_over_its_leader(fion, clients):
    leader = clients()
    dialog = Client(fion.x.name, size=(300, 120))
    dialog.set_atoms("_NET_WM_WINDOW_TYPE", "_NET_WM_WINDOW_TYPE_DIALOG")
    dialog.window.set_wm_transient_for(leader.window)
    dialog.map()
    wait_for("it is managed", dialog.managed)
    fion.sync()
    x, y, w, h = dialog.place()
    lx, ly, lw, lh = leader.place()
    assert (w, h) == (300, 120)
    assert abs((x + w / 2) - (lx + lw / 2)) < 4
    assert abs((y + h / 2) - (ly + lh / 2)) < 20
    assert fion.focused() == dialog.id
    dialog.close()
    wait_for("its leader has the focus", leader.has_focus)


def test_a_window_of_one_size_floats(fion):
    client = Client(fion.x.name, size=(222, 111))
    client.window.set_wm_normal_hints(
        flags=Xutil.PMinSize | Xutil.PMaxSize, min_width=222, max_width=222,
        min_height=111, max_height=111)
    client.map()
    wait_for("it is managed", client.managed)
    fion.sync()
    assert client.place()[2:] == (222, 111)
    client.close()


def test_transients_in_a_circle_are_cut(fion, clients):
    one, two = clients(), clients()
    one.window.set_wm_transient_for(two.window)
    two.window.set_wm_transient_for(one.window)
    one.x.sync()
    two.x.sync()
    fion.sync()
    assert sorted(fion.windows()) == sorted([one.id, two.id])


# --- focus ---

@pytest.mark.parametrize("input,take", [
    (True, False), (True, True), (False, True), (False, False)])
def test_the_four_models_of_focus(fion, clients, input, take):
    other = clients()
    client = clients(input=input,
                     protocols=["WM_TAKE_FOCUS"] if take else [])
    assert fion.focused() == client.id
    if input:
        wait_for("it has the focus", client.has_focus)
    else:
        assert not client.has_focus()
    if take:
        [message, *_] = wait_for(
            "it is told", lambda: client.messages("WM_TAKE_FOCUS"))
        assert message.data[1][1] != 0  # a time, not "now"
    assert not other.has_focus()


def test_with_nothing_left_the_focus_is_still_somewhere(fion, clients):
    client = clients()
    client.close()
    wait_for("it is gone", lambda: fion.windows() == [])
    focus = fion.x.x.get_input_focus().focus
    assert getattr(focus, "id", focus) not in (X.NONE, X.PointerRoot)


def test_a_client_does_not_steal_the_focus(fion, clients):
    thief = clients()
    owner = clients()
    assert fion.focused() == owner.id
    thief.window.set_input_focus(X.RevertToParent, X.CurrentTime)
    thief.x.sync()
    fion.sync()
    wait_for("it is back", owner.has_focus)
    thief.send("_NET_ACTIVE_WINDOW", 1, 0)
    fion.sync()
    assert fion.focused() == owner.id
    wait_for("it is urgent instead", lambda:
             "_NET_WM_STATE_DEMANDS_ATTENTION" in states(thief))


def test_a_pager_may_give_the_focus(fion, clients):
    first = clients()
    clients()
    first.send("_NET_ACTIVE_WINDOW", 2, 0)
    fion.sync()
    assert fion.focused() == first.id
    assert list(first.get("_NET_ACTIVE_WINDOW", first.root)) == [first.id]


def test_user_time_zero_asks_for_no_focus(fion, clients):
    first = clients()
    client = Client(fion.x.name)
    client.set_cards("_NET_WM_USER_TIME", 0)
    client.map()
    wait_for("it is managed", client.managed)
    fion.sync()
    assert fion.focused() == first.id
    client.close()


def test_urgency_goes_with_the_focus(fion, clients):
    client = clients()
    other = clients()
    client.window.set_wm_hints(flags=Xutil.UrgencyHint)
    client.x.sync()
    fion.sync()
    [mine] = [w for w in fion.get("windows") if w["window"] == client.id]
    assert mine["urgent"]
    fion.press("Win+u")
    assert fion.focused() == client.id
    [mine] = [w for w in fion.get("windows") if w["window"] == client.id]
    assert not mine["urgent"]
    assert other.id in fion.windows()


# --- states ---

def test_hidden_is_who_is_behind_in_its_tile(fion, clients):
    behind = clients()
    front = clients()
    assert "_NET_WM_STATE_HIDDEN" in states(behind)
    assert "_NET_WM_STATE_HIDDEN" not in states(front)
    assert "_NET_WM_STATE_FOCUSED" in states(front)
    fion.do("workspace", "create")
    fion.sync()
    assert "_NET_WM_STATE_HIDDEN" not in states(front)


def test_fullscreen_by_message_and_back(fion, clients):
    client = clients()
    before = client.place()
    set_state(client, 1, "_NET_WM_STATE_FULLSCREEN")
    wait_for("it fills the screen",
             lambda: client.place() == (0, 0, 1280, 800))
    assert "_NET_WM_STATE_FULLSCREEN" in states(client)
    set_state(client, 2, "_NET_WM_STATE_FULLSCREEN")
    wait_for("it is back", lambda: client.place() == before)


def test_fullscreen_before_it_is_mapped(fion):
    client = Client(fion.x.name)
    client.set_atoms("_NET_WM_STATE", "_NET_WM_STATE_FULLSCREEN")
    client.map()
    wait_for("it fills the screen", lambda: client.managed()
             and client.place() == (0, 0, 1280, 800))
    client.close()


def test_maximized_is_kept_as_a_word(fion, clients):
    client = clients()
    before = client.place()
    set_state(client, 1, "_NET_WM_STATE_MAXIMIZED_VERT",
              "_NET_WM_STATE_MAXIMIZED_HORZ")
    fion.sync()
    assert {"_NET_WM_STATE_MAXIMIZED_VERT",
            "_NET_WM_STATE_MAXIMIZED_HORZ"} <= states(client)
    assert client.place() == before


# --- closing ---

def test_closing_asks_first(fion, clients):
    polite = clients(protocols=["WM_DELETE_WINDOW"])
    fion.press("Win+q")
    wait_for("it is asked", lambda: polite.messages("WM_DELETE_WINDOW"))
    assert polite.id in fion.windows()


def test_who_cannot_be_asked_is_closed(fion, clients):
    client = clients()
    fion.press("Win+q")
    wait_for("it is gone", lambda: client.id not in fion.windows())


def test_a_pager_may_close(fion, clients):
    client = clients(protocols=["WM_DELETE_WINDOW"])
    client.send("_NET_CLOSE_WINDOW", 0, 2)
    wait_for("it is asked", lambda: client.messages("WM_DELETE_WINDOW"))


# --- what pagers and bars read ---

def test_the_root_tells_what_there_is(fion, clients):
    one, two = clients(), clients()
    root = one.root
    assert list(one.get("_NET_CLIENT_LIST", root)) == [one.id, two.id]
    assert set(one.get("_NET_CLIENT_LIST_STACKING", root)) == {
        one.id, two.id}
    assert list(one.get("_NET_ACTIVE_WINDOW", root)) == [two.id]
    assert list(one.get("_NET_NUMBER_OF_DESKTOPS", root)) == [1]
    fion.do("workspace", "create", "mäil")
    fion.sync()
    assert list(one.get("_NET_NUMBER_OF_DESKTOPS", root)) == [2]
    assert one.get("_NET_DESKTOP_NAMES", root).decode().split("\0")[1] == \
        "mäil"
    assert list(one.get("_NET_CURRENT_DESKTOP", root)) == [1]
    assert list(one.get("_NET_WM_DESKTOP")) == [0]
    check = one.get("_NET_SUPPORTING_WM_CHECK", root)[0]
    window = one.x.create_resource_object("window", check)
    assert one.get("_NET_SUPPORTING_WM_CHECK", window)[0] == check
    assert one.get("_NET_WM_NAME", window) == b"fion"
    supported = one.atoms("_NET_SUPPORTED", root)
    assert {"_NET_WM_STATE_FULLSCREEN", "_NET_ACTIVE_WINDOW",
            "_NET_CLIENT_LIST"} <= supported


def test_a_pager_may_change_the_workspace(fion, clients):
    client = clients()
    fion.do("workspace", "create")
    client.send("_NET_CURRENT_DESKTOP", 0, 0, about=client.root)
    fion.sync()
    assert fion.workspaces().index(fion.workspace()["name"]) == 0
    client.send("_NET_WM_DESKTOP", 1, 2)
    fion.sync()
    assert list(client.get("_NET_WM_DESKTOP")) == [1]


def test_a_dock_gets_its_strut_and_gives_it_back(fion, clients):
    client = clients()
    before = client.place()
    dock = Client(fion.x.name, size=(1280, 40))
    dock.set_atoms("_NET_WM_WINDOW_TYPE", "_NET_WM_WINDOW_TYPE_DOCK")
    dock.set_cards("_NET_WM_STRUT_PARTIAL",
                   0, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 1279)
    dock.map()
    wait_for("room is made", lambda: client.place()[3] == before[3] - 40)
    area = list(client.get("_NET_WORKAREA", client.root))[:4]
    assert area[3] <= 800 - 40
    dock.close()
    wait_for("the room is back", lambda: client.place() == before)


def test_a_strut_never_takes_the_whole_screen(fion, clients):
    client = clients()
    dock = Client(fion.x.name, size=(1280, 40))
    dock.set_atoms("_NET_WM_WINDOW_TYPE", "_NET_WM_WINDOW_TYPE_DOCK")
    dock.set_cards("_NET_WM_STRUT_PARTIAL",
                   0, 0, 0, 4000, 0, 0, 0, 0, 0, 0, 0, 1279)
    dock.map()
    fion.sync()
    assert client.place()[3] > 50
    dock.close()


def test_frame_extents_are_told_before_the_map(fion):
    client = Client(fion.x.name)
    client.send("_NET_REQUEST_FRAME_EXTENTS")
    wait_for("an answer", lambda: client.get("_NET_FRAME_EXTENTS"))
    client.close()


# --- titles ---

@pytest.mark.parametrize("name,title", [
    ("WM_NAME", b"caf\xe9"), ("_NET_WM_NAME", "café ☂".encode())])
def test_titles_in_both_encodings(fion, clients, name, title):
    client = clients()
    kind = Xatom.STRING if name == "WM_NAME" else client.atom("UTF8_STRING")
    client.window.change_property(client.atom(name), kind, 8, title)
    client.x.sync()
    fion.sync()
    [mine] = fion.get("windows")
    assert mine["title"] == ("café" if name == "WM_NAME" else "café ☂")


def test_the_page_names_tests_that_are_there():
    page = (ROOT / "doc/fion-compliance.md").read_text()
    named = set(re.findall(r"\b(test_\w+) \|", page))
    there = {name for path in (ROOT / "fion/tests/e2e").glob("test_*.py")
             for name in re.findall(r"^def (test_\w+)", path.read_text(),
                                    re.MULTILINE)}
    assert len(named) > 40
    assert named <= there
