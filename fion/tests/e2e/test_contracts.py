# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""What clients and fion promise each other beyond the everyday: sizes that
wait until they are drawn, several screens covered at once, visuals that are
not the root's, user times kept elsewhere, long titles."""

import pytest
from test_outputs import LEFT, RIGHT, keys, monitors
from wm import (  # noqa: F401 (fixtures)
    App, Fion, X, app, fion, wait_for, xserver)
from Xlib.protocol import rq

# --- _NET_WM_SYNC_REQUEST; python3-xlib has no XSync, so by hand ---


class Initialize(rq.ReplyRequest):
    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(0), rq.RequestLength(),
        rq.Card8("major"), rq.Card8("minor"), rq.Pad(2))
    _reply = rq.Struct(
        rq.ReplyCode(), rq.Pad(1), rq.Card16("sequence_number"),
        rq.ReplyLength(), rq.Card8("major"), rq.Card8("minor"), rq.Pad(22))


class CreateCounter(rq.Request):
    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(2), rq.RequestLength(),
        rq.Card32("counter"), rq.Int32("hi"), rq.Card32("lo"))


class SetCounter(rq.Request):
    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(3), rq.RequestLength(),
        rq.Card32("counter"), rq.Int32("hi"), rq.Card32("lo"))


class Counter:
    def __init__(self, app):
        self.app, self.dpy = app, app.d.display
        self.opcode = app.d.query_extension("SYNC").major_opcode
        Initialize(display=self.dpy, opcode=self.opcode, major=3, minor=0)
        self.id = self.dpy.allocate_resource_id()
        CreateCounter(display=self.dpy, opcode=self.opcode, counter=self.id,
                      hi=0, lo=0)

    def set(self, hi, lo):
        SetCounter(display=self.dpy, opcode=self.opcode, counter=self.id,
                   hi=hi, lo=lo)
        self.app.d.sync()


def synced(app, counter, title="slow"):
    return app.window(
        title, protocols=["_NET_WM_SYNC_REQUEST", "WM_DELETE_WINDOW"],
        props=[("_NET_WM_SYNC_REQUEST_COUNTER", "CARDINAL", 32, [counter])])


def requests(app, w):
    """The values asked for: high and low."""
    kind = app.atom("_NET_WM_SYNC_REQUEST")
    return [(m[3], m[2]) for m in w.messages("WM_PROTOCOLS") if m[0] == kind]


def sizes(w):
    return [(ev.width, ev.height) for ev in w.take(X.ConfigureNotify)]


def test_a_size_waits_until_the_last_is_drawn(fion, app):
    counter = Counter(app)
    w = synced(app, counter.id)
    fion.until("it is shown", w.viewable)
    fion.do("tile create row")
    app.collect()
    [(hi, lo)] = requests(app, w)
    first = w.place()[2]
    # It draws: the next size is told, and announced with a larger number.
    counter.set(hi, lo)
    fion.do("tile left")
    fion.do("tile resize left 100")
    fion.until("the new size", lambda: w.place()[2] < first)
    fion.sync()
    [(hi2, lo2)] = requests(app, w)
    assert (hi2, lo2) > (hi, lo)
    counter.set(hi2, lo2)
    # It draws slowly: one is announced, and what comes meanwhile waits.
    w.take(X.ConfigureNotify)
    wanted = fion.tile()["rect"][2]
    for _ in range(5):
        fion.do("tile resize right 10")
    fion.sync()
    [(hi3, lo3)] = requests(app, w)
    counter.set(hi3, lo3)
    fion.until("the last size",
               lambda: w.place()[2] > wanted)
    fion.sync()
    assert fion.tile()["rect"][2] > wanted


def test_who_never_answers_gets_its_sizes_all_the_same(fion, app):
    counter = Counter(app)
    w = synced(app, counter.id)
    fion.until("it is shown", w.viewable)
    for _ in range(3):
        before = w.place()[2]
        fion.do("tile create row")
        fion.until("it is narrower", lambda: w.place()[2] < before)
        fion.do("tile left")
    # It was asked once and then no more, until it answers.
    assert len(requests(app, w)) == 1


@pytest.mark.parametrize("counter", [0, 1, 0x1fffffff, "window"])
def test_counters_that_are_none(fion, app, counter):
    other = app.window("other")
    w = synced(app, other.id if counter == "window" else counter)
    fion.until("it is shown", w.viewable)
    before = w.place()[2]
    fion.do("tile create row")
    fion.until("it is narrower", lambda: w.place()[2] < before)


def test_a_counter_that_goes(fion, app):
    other = App(fion.x)
    counter = Counter(other)
    w = synced(app, counter.id)
    fion.until("it is shown", w.viewable)
    other.close()
    for _ in range(2):
        before = w.place()[2]
        fion.do("tile create row")
        fion.until("it is narrower", lambda: w.place()[2] < before)
        fion.do("tile left")


# --- _NET_WM_FULLSCREEN_MONITORS ---

def test_fullscreen_over_several_screens(fion, app):
    monitors(fion, LEFT, RIGHT)
    fion.until("two screens", lambda: keys(fion) == ["left", "right"])
    w = app.window("w")
    fion.until("it is shown", w.viewable)
    whole = (0, 0, 1280, 800)
    w.tell("_NET_WM_FULLSCREEN_MONITORS", 0, 0, 0, 1, 1)
    w.tell("_NET_WM_STATE", 1, app.atom("_NET_WM_STATE_FULLSCREEN"), 0, 1)
    fion.until("it covers both", lambda: w.place() == whole)
    assert w.property("_NET_WM_FULLSCREEN_MONITORS") == [0, 0, 0, 1]
    # Without the second screen it covers the one there is.
    monitors(fion, LEFT)
    fion.until("it covers one", lambda: w.place() == (0, 0, 640, 800))
    monitors(fion, LEFT, RIGHT)
    fion.until("it covers both again", lambda: w.place() == whole)
    w.tell("_NET_WM_STATE", 0, app.atom("_NET_WM_STATE_FULLSCREEN"), 0, 1)
    fion.until("it is back in its tile", lambda: w.place()[2] <= 640)


@pytest.mark.parametrize("which", [
    (9, 0, 0, 0), (0, 0, 0, 0xffffffff), (0, 0, 1, 0)])
def test_fullscreen_over_screens_that_are_none(fion, app, which):
    monitors(fion, LEFT, RIGHT)
    fion.until("two screens", lambda: keys(fion) == ["left", "right"])
    w = app.window("w")
    fion.until("it is shown", w.viewable)
    w.tell("_NET_WM_FULLSCREEN_MONITORS", *which, 1)
    w.tell("_NET_WM_STATE", 1, app.atom("_NET_WM_STATE_FULLSCREEN"), 0, 1)
    fion.until("it covers its own", lambda: w.place()[2:] == (640, 800))
    assert w.property("_NET_WM_FULLSCREEN_MONITORS") is None


# --- visuals ---

def argb(app):
    """The number of a visual with an alpha channel, and its colour map."""
    for depth in app.d.screen().allowed_depths:
        if depth["depth"] == 32:
            visual = depth["visuals"][0]["visual_id"]
            return visual, app.root.create_colormap(visual, X.AllocNone)
    return pytest.skip("the server has no visual of depth 32")


def test_an_argb_window_gets_a_frame_of_its_depth(fion, app):
    visual, colours = argb(app)
    w = app.window("glass", depth={
        "depth": 32, "visual": visual, "colormap": colours,
        "border_pixel": 0, "background_pixel": 0x80ff0000})
    fion.until("it is shown", w.viewable)
    frame = w.w.query_tree().parent
    assert frame.id != app.root.id
    assert frame.get_geometry().depth == 32
    attributes = frame.get_attributes()
    assert attributes.visual == visual
    assert attributes.colormap != X.NONE
    assert w.w.get_geometry().border_width == 0
    fion.do("tab fullscreen")
    fion.until("it is as large as the screen",
               lambda: w.place() == (0, 0, 1280, 800))
    w.destroy()
    fion.until("it is gone", lambda: fion.windows() == {})


# --- what is said elsewhere, and at length ---

def test_a_user_time_kept_on_another_window(fion, app):
    first = app.window("first")
    fion.until("it has the focus", lambda: fion.focused() == "first")
    keeper = app.window("keeper", mapped=False)
    keeper.set("_NET_WM_USER_TIME", "CARDINAL", 32, [0])
    app.window("second", props=[
        ("_NET_WM_USER_TIME_WINDOW", "WINDOW", 32, [keeper.id])])
    fion.until("it is there", lambda: "second" in fion.windows())
    assert fion.focused() == "first"
    # Those that name windows of fion, or of others, do no harm.
    frame = first.w.query_tree().parent.id
    for n, window in enumerate((app.root.id, frame, first.id, 0x1fffffff)):
        w = app.window(f"liar {n}", props=[
            ("_NET_WM_USER_TIME_WINDOW", "WINDOW", 32, [window])])
        fion.until("it is there", lambda n=n: f"liar {n}" in fion.windows())
        w.destroy()
    # What keeps the time may itself become a window.
    keeper.map()
    fion.until("it is managed", lambda: "keeper" in fion.windows())
    keeper.destroy()
    app.window("last")
    fion.until("the root is still ours", lambda: "last" in fion.windows())


@pytest.mark.parametrize("letter", ["x", "é", "語", "𝄞"])
@pytest.mark.parametrize("lead", range(4))
def test_a_long_title_is_cut_on_a_character(fion, app, letter, lead):
    title = "a" * lead + letter * 5000
    w = app.window(title)
    fion.until("it is there", lambda: len(fion.windows()) == 1)
    [shown] = fion.windows()
    size = len(letter.encode())
    assert title.startswith(shown)
    assert 4096 - size < len(shown.encode()) <= 4096
    w.destroy()


def test_all_that_changes_at_once_is_read(fion, app):
    windows = [app.window(f"w{n}") for n in range(20)]
    fion.until("all are there", lambda: len(fion.windows()) == 20)
    for round_ in range(5):
        for n, w in enumerate(windows):
            w.set("_NET_WM_NAME", "UTF8_STRING", 8,
                  f"{round_} of {n}".encode())
            w.set("WM_NAME", "STRING", 8, b"less")
    app.d.sync()
    fion.until("the last titles",
               lambda: set(fion.windows()) == {f"4 of {n}" for n in range(20)})
