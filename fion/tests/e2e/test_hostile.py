# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Clients that lie, flood, hang, and die between any two requests."""

import random

import pytest

from wm import App, X, app, fion, wait_for, xserver  # noqa: F401

TEXTS = [("WM_NAME", "STRING"), ("_NET_WM_NAME", "UTF8_STRING"),
         ("WM_CLASS", "STRING"), ("WM_WINDOW_ROLE", "STRING")]
OTHERS = [("WM_HINTS", "WM_HINTS"), ("WM_NORMAL_HINTS", "WM_SIZE_HINTS"),
          ("WM_TRANSIENT_FOR", "WINDOW"), ("WM_PROTOCOLS", "ATOM"),
          ("_NET_WM_WINDOW_TYPE", "ATOM"), ("_NET_WM_STATE", "ATOM"),
          ("_NET_WM_STRUT", "CARDINAL"), ("_NET_WM_STRUT_PARTIAL", "CARDINAL"),
          ("_NET_WM_USER_TIME", "CARDINAL"),
          ("_NET_WM_USER_TIME_WINDOW", "WINDOW"), ("_NET_WM_PID", "CARDINAL"),
          ("_MOTIF_WM_HINTS", "_MOTIF_WM_HINTS"), ("WM_STATE", "WM_STATE"),
          ("_XEMBED_INFO", "_XEMBED_INFO")]


def lies():
    """(type, format, data) that no property should have."""
    for kind in ("ATOM", "STRING", "UTF8_STRING", "CARDINAL"):
        yield kind, 8, b""
        yield kind, 8, b"\xff\xfe\x00\x80" * 9
        yield kind, 16, [0xffff] * 7
        yield kind, 32, [0xffffffff] * 3
        yield kind, 32, [0x80000000] * 40
        yield kind, 32, []


@pytest.mark.parametrize("name,_", TEXTS + OTHERS)
def test_properties_that_lie(fion, app, name, _):
    """Before the window is mapped, and after; the neighbour is not hurt."""
    good = app.window("good")
    fion.until("good", lambda: "good" in fion.windows())
    for i, (kind, size, data) in enumerate(lies()):
        w = app.window(f"bad{i}", mapped=False)
        w.set(name, kind, size, data)
        w.map()
        w.set(name, kind, size, list(data)[:1] if size == 32 else data)
        w.w.delete_property(app.atom(name))
        app.d.flush()
    fion.sync()
    assert "good" in fion.windows()
    for w in app.open[1:]:
        w.destroy()
    fion.until("they are gone", lambda: set(fion.windows()) == {"good"})
    assert good.viewable()


def test_a_megabyte_of_title(fion, app):
    app.window("\N{SNOWMAN}" * 80000)
    fion.until("mapped", lambda: len(fion.windows()) == 1)
    (title,) = fion.windows()
    assert 0 < len(title.encode()) <= 4096
    title.encode().decode()
    w = app.open[0]
    for i in range(50):
        w.set("_NET_WM_NAME", "UTF8_STRING", 8, b"x" * 100000 + b"%d" % i)
    w.set("_NET_WM_NAME", "UTF8_STRING", 8, b"short")
    fion.until("the last one", lambda: "short" in fion.windows())


def test_titles_are_data(fion, app):
    w = app.window("<b>&amp;%s%n\x1b[2J\n\u202eevil")
    fion.until("mapped", lambda: len(fion.windows()) == 1)
    (title,) = fion.windows()
    assert "<b>&amp;%s%n" in title
    assert not any(c in title for c in "\x1b\n\u202e")
    w.set("_NET_WM_NAME", "UTF8_STRING", 8, b"\xff\xfe bad \x80")
    fion.until("not UTF-8", lambda: "bad" in next(iter(fion.windows())))


def test_windows_that_die_at_any_moment(xserver, fion, app):
    """The n-th request is the last one, for every n; flushed or not."""
    app.window("good")
    fion.until("good", lambda: "good" in fion.windows())

    def deeds(program):
        w = program.window("doomed", mapped=False)
        yield
        w.set("WM_PROTOCOLS", "ATOM", 32, [program.atom("WM_TAKE_FOCUS")])
        yield
        w.w.map()
        yield
        w.set("WM_HINTS", "WM_HINTS", 32, [257] + [1] * 8)
        yield
        w.w.configure(width=50, stack_mode=X.Above)
        yield
        w.tell("_NET_WM_STATE", 1, program.atom("_NET_WM_STATE_FULLSCREEN"))
        yield
        w.tell("_NET_ACTIVE_WINDOW", 2)
        yield
        w.w.unmap()
        yield
        w.w.map()
        yield
        w.w.reparent(program.root, 5, 5)
        yield
        w.w.map()
        yield
        w.w.destroy()
        yield
    for last in range(12):
        for flush in (True, False):
            program = App(xserver)
            for n, _ in enumerate(deeds(program)):
                if flush:
                    program.d.flush()
                if n == last:
                    break
            program.close()
    fion.until("only the good one is left",
               lambda: set(fion.windows()) == {"good"})
    assert app.open[0].viewable()


def test_a_thousand_windows(fion, app):
    for i in range(1000):
        app.window(f"w{i}", mapped=False).w.map()
    app.d.sync()
    fion.until("all are there", lambda: len(fion.windows()) == 1000)
    assert len(fion.here()) == 1000
    fion.do("tab next")
    fion.do("tile create row")
    fion.do("tab pick 1", fails=True)
    for w in app.open:
        w.w.destroy()
    app.d.sync()
    fion.until("none is left", lambda: not fion.windows())


def test_a_flood_of_requests_hurts_nobody(fion, app):
    chance = random.Random(3)
    app.window("good")
    w = app.window("flood")
    fion.until("both", lambda: len(fion.windows()) == 2)
    for _ in range(2000):
        w.w.configure(x=chance.randint(-99999, 99999) % 32768,
                      width=chance.randint(1, 32767))
        w.tell("_NET_WM_STATE", chance.randint(0, 5),
               chance.getrandbits(32), chance.getrandbits(32)) \
            if chance.random() < 0.1 else None
    app.d.sync()
    fion.until("both", lambda: len(fion.windows()) == 2)


def test_messages_that_lie(fion, app):
    chance = random.Random(5)
    w = app.window("w")
    fion.until("w", lambda: "w" in fion.windows())
    names = ["_NET_ACTIVE_WINDOW", "_NET_WM_DESKTOP", "_NET_CURRENT_DESKTOP",
             "_NET_NUMBER_OF_DESKTOPS", "_NET_MOVERESIZE_WINDOW",
             "_NET_RESTACK_WINDOW", "_NET_WM_STATE", "WM_CHANGE_STATE",
             "_NET_REQUEST_FRAME_EXTENTS", "_NET_SYSTEM_TRAY_OPCODE",
             "_NET_WM_FULLSCREEN_MONITORS", "WM_PROTOCOLS", "_XEMBED",
             "MANAGER"]
    for name in names:
        for _ in range(30):
            data = [chance.choice((0, 1, 2, 3, chance.getrandbits(32)))
                    for _ in range(5)]
            about = chance.choice((w.w, app.root))
            app.send_root(about, name, data)
    fion.sync()
    assert "w" in fion.windows()


def test_windows_that_are_not_to_be_managed(fion, app):
    app.window("menu", override=True, at=(30, 40))
    w = app.window("good")
    fion.until("good", lambda: set(fion.windows()) == {"good"})
    assert app.open[0].place()[:2] == (33, 43)
    assert w.viewable()


def test_a_client_that_reparents_its_window_keeps_it(fion, app):
    w = app.window("a")
    home = app.window("home", override=True)
    fion.until("a", lambda: "a" in fion.windows())
    w.w.reparent(home.w, 1, 1)
    app.d.sync()
    fion.until("let go", lambda: "a" not in fion.windows())
    assert w.w.query_tree().parent.id == home.id


def test_a_hung_client_is_marked_and_killed_at_the_second_try(fion, app):
    app.window("hung", protocols=["WM_DELETE_WINDOW", "_NET_WM_PING"])
    fion.until("mapped", lambda: "hung" in fion.windows())
    fion.do("tab destroy")
    fion.until("marked", lambda: fion.windows()["hung"]["hung"])
    fion.do("tab destroy")
    fion.until("killed", lambda: "hung" not in fion.windows())


def test_a_slow_client_that_answers_is_not_marked(fion, app):
    w = app.window("slow", protocols=["WM_DELETE_WINDOW", "_NET_WM_PING"])
    fion.until("mapped", lambda: "slow" in fion.windows())
    fion.do("tab destroy")
    ping = app.atom("_NET_WM_PING")
    got = []

    def pinged():
        got.extend(w.messages("WM_PROTOCOLS"))
        return any(m[0] == ping for m in got)
    wait_for("a ping", pinged)
    data = next(m for m in got if m[0] == ping)
    app.send_root(app.root, "WM_PROTOCOLS", data)
    fion.sync()
    assert not fion.windows()["slow"]["hung"]


def test_loops_of_transients(fion, app):
    a = app.window("a", mapped=False)
    b = app.window("b", mapped=False)
    a.w.set_wm_transient_for(b.w)
    b.w.set_wm_transient_for(a.w)
    self_made = app.window("c", mapped=False)
    self_made.w.set_wm_transient_for(self_made.w)
    for w in (a, b, self_made):
        w.map()
    fion.until("all three", lambda: len(fion.windows()) == 3)
    a.destroy()
    fion.until("two", lambda: len(fion.windows()) == 2)


def test_focus_thieves_do_not_win_nor_loop(fion, app):
    good = app.window("good")
    fion.until("good", lambda: fion.focused() == "good")
    app.window("thief", props=[("_NET_WM_USER_TIME", "CARDINAL", 32, [0])])
    fion.until("thief", lambda: "thief" in fion.windows())
    assert fion.focused() == "good"
    assert fion.windows()["thief"]["urgent"]
    thief = app.open[1]
    for _ in range(5):
        thief.tell("_NET_ACTIVE_WINDOW", 1)
        thief.w.configure(stack_mode=X.Above)
        app.d.sync()
    fion.sync()
    assert fion.focused() == "good"
    assert app.d.get_input_focus().focus.id == good.id


def test_focus_set_by_another_comes_back(fion, app):
    good = app.window("good")
    fion.until("good", lambda: fion.focused() == "good")
    other = app.window("menu", override=True)
    other.w.set_input_focus(X.RevertToNone, X.CurrentTime)
    app.d.sync()
    other.destroy()
    fion.until("good has it again",
               lambda: getattr(app.d.get_input_focus().focus, "id", 0)
               == good.id)
    app.root.set_input_focus(X.RevertToNone, X.CurrentTime)
    fion.until("and again",
               lambda: getattr(app.d.get_input_focus().focus, "id", 0)
               == good.id)
