# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The system tray: icons that dock, hide, leave, die and misbehave."""

import pytest
from Xlib.protocol import event
from wm import (  # noqa: F401 (fixtures)
    App, Fion, X, app, fion, wait_for, xserver)


def tray(app):
    return app.d.get_selection_owner(app.atom("_NET_SYSTEM_TRAY_S0"))


def ask(app, window):
    """Ask the tray to dock a window, by its number."""
    owner = tray(app)
    owner.send_event(event.ClientMessage(
        window=owner, client_type=app.atom("_NET_SYSTEM_TRAY_OPCODE"),
        data=(32, [X.CurrentTime, 0, window, 0, 0])))
    app.d.sync()


def icon(app, title="icon", flags=None, **options):
    w = app.window(title, mapped=False, size=(24, 24), **options)
    if flags is not None:
        w.set("_XEMBED_INFO", "_XEMBED_INFO", 32, [0, flags])
    ask(app, w.id)
    return w


def docked(app, w):
    return w.w.query_tree().parent.id != app.root.id


def test_an_icon_is_docked_and_shown(fion, app):
    assert tray(app).get_full_property(
        app.atom("_NET_SYSTEM_TRAY_ORIENTATION"), X.AnyPropertyType)
    [visual] = tray(app).get_full_property(
        app.atom("_NET_SYSTEM_TRAY_VISUAL"), X.AnyPropertyType).value
    assert visual == app.d.screen().root_visual
    w = icon(app)
    fion.until("it is shown", w.viewable)
    [told] = w.messages("_XEMBED")
    assert told[1] == 0 and told[3] == w.w.query_tree().parent.id
    x, y, width, height = w.place()
    bar = w.w.query_tree().parent.get_geometry()
    assert y == 1 and width == height == bar.height - 2
    assert x + width <= bar.width
    assert fion.windows() == {}
    other = icon(app, "other")
    fion.until("it is shown too", other.viewable)
    assert abs(other.place()[0] - w.place()[0]) == bar.height


def test_an_icon_hides_and_shows_itself(fion, app):
    w = icon(app, flags=0)
    fion.until("it is docked", lambda: docked(app, w))
    assert not w.viewable()
    w.set("_XEMBED_INFO", "_XEMBED_INFO", 32, [0, 1])
    fion.until("it is shown", w.viewable)
    w.set("_XEMBED_INFO", "_XEMBED_INFO", 32, [0, 0])
    fion.until("it is hidden", lambda: not w.viewable())
    w.set("_XEMBED_INFO", "_XEMBED_INFO", 32, [0, 1])
    fion.until("it is shown again", w.viewable)
    w.unmap()
    fion.until("its place is free", lambda: not w.viewable())
    w.map()
    fion.until("mapping shows it", w.viewable)


@pytest.mark.parametrize("how", ["destroy", "die", "leave"])
def test_an_icon_goes(fion, app, how):
    mine = App(fion.x)
    first, second = icon(mine, "first"), icon(app, "second")
    fion.until("both are shown",
               lambda: first.viewable() and second.viewable())
    # The last docked lies rightmost; the place of the first is filled.
    before = second.place()
    if how == "destroy":
        first.destroy()
    elif how == "die":
        mine.close()
    else:
        first.w.reparent(mine.root, 0, 0)
        mine.d.sync()
    third = icon(app, "third")
    fion.until("two are left", lambda: third.viewable()
               and third.place() == before)
    if how == "leave":  # it was mapped, and so becomes a window as any
        fion.until("it is managed", lambda: "first" in fion.windows())
    if how != "die":
        mine.close()


def test_an_icon_stays_where_it_is_put(fion, app):
    w = icon(app)
    fion.until("it is shown", w.viewable)
    before = w.place()
    for _ in range(50):
        w.w.configure(x=0, y=0, width=5000, height=5000)
    fion.until("it is in its place", lambda: w.place() == before)


def test_what_is_no_icon_is_not_docked(fion, app):
    managed = app.window("managed")
    fion.until("it is managed", lambda: "managed" in fion.windows())
    frame = managed.w.query_tree().parent
    bar = icon(app, "one")
    fion.until("one is shown", bar.viewable)
    for window in (0, app.root.id, managed.id, frame.id, tray(app).id,
                   bar.w.query_tree().parent.id, bar.id, 0x1fffffff,
                   app.root_property("_NET_SUPPORTING_WM_CHECK")[0]):
        ask(app, window)
    fion.sync()
    assert managed.w.query_tree().parent == frame
    assert managed.viewable() and bar.viewable()


def test_icons_without_end_leave_the_bar_usable(fion, app):
    icons = [icon(app, f"i{n}") for n in range(100)]
    fion.until("some are docked",
               lambda: any(docked(app, w) for w in icons))
    fion.sync()
    assert sum(docked(app, w) for w in icons) == 32


def test_a_bar_that_goes_takes_no_icon_with_it(fion, app):
    w = icon(app)
    fion.until("it is shown", w.viewable)
    fion.do("bar")
    fion.until("it waits", lambda: not docked(app, w))
    assert not w.viewable()
    fion.do("bar")
    fion.until("it is shown again", w.viewable)
    assert docked(app, w)


def test_icons_are_given_back_at_the_end(xserver, app, tmp_path):
    wm = Fion(xserver, tmp_path)
    w = icon(app)
    wm.until("it is shown", w.viewable)
    assert wm.end() == 0
    assert not docked(app, w)


def test_another_tray_is_left_alone(xserver, app, tmp_path):
    owner = app.window("owner", mapped=False)
    owner.w.set_selection_owner(app.atom("_NET_SYSTEM_TRAY_S0"),
                                X.CurrentTime)
    app.d.sync()
    wm = Fion(xserver, tmp_path)
    wm.sync()
    assert tray(app).id == owner.id
    assert wm.end() == 0
