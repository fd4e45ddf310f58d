# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Screens that come and go: nothing is lost, and all comes home."""

import random
import subprocess

from wm import app, clients, fion, xserver  # noqa: F401 (fixtures)


def randr(fion, *words):
    subprocess.run(["xrandr", *words], env=fion.env, check=True,
                   capture_output=True)


def monitors(fion, *geometries):
    """Exactly these monitors: "NAME WxH+X+Y"."""
    listed = subprocess.run(
        ["xrandr", "--listmonitors"], env=fion.env, text=True,
        capture_output=True, check=True).stdout.splitlines()[1:]
    old = [line.split()[1].strip("+*") for line in listed]
    new = dict(g.split() for g in geometries)
    for name in old:
        if name != "screen" and name not in new:
            randr(fion, "--delmonitor", name)
    for i, (name, g) in enumerate(new.items()):
        w, rest = g.split("x")
        h, x, y = rest.split("+")
        if name in old:
            randr(fion, "--delmonitor", name)
        randr(fion, "--setmonitor", name, f"{w}/100x{h}/100+{x}+{y}",
              "screen" if i == 0 else "none")


def keys(fion):
    return sorted(s["screen"] for s in fion.screens())


LEFT, RIGHT = "left 640x800+0+0", "right 640x800+640+0"


def test_a_screen_goes_and_comes_back_with_its_workspaces(fion, app):
    monitors(fion, LEFT, RIGHT)
    fion.until("two screens", lambda: keys(fion) == ["left", "right"])
    fion.do("workspace rename here")
    fion.do("screen right")
    fion.do("workspace rename home")
    fion.do("workspace create mail")
    fion.do("tile create column 30")
    app.window("a")
    fion.until("a", lambda: fion.focused() == "a")

    def there():
        return [(s["screen"], [(w["name"], w["current"],
                                [t["rect"] for t in fion.tiles(w)])
                               for w in s["workspaces"]])
                for s in fion.screens()]
    before = there()
    assert dict(before)["right"][-1][0] == "mail"
    monitors(fion, LEFT)
    fion.until("one screen", lambda: keys(fion) == ["left"])
    assert "a" in fion.windows()
    names = [w["name"] for w in fion.screen()["workspaces"]]
    assert "mail" in names
    monitors(fion, LEFT, RIGHT)
    try:
        fion.until("as before", lambda: there() == before)
    finally:
        print("before", before, "after", there(), sep="\n")
    assert fion.windows()["a"]["workspace"] == "mail"


def test_a_window_is_where_its_screen_is(fion, app):
    monitors(fion, LEFT, RIGHT)
    fion.until("two screens", lambda: keys(fion) == ["left", "right"])
    w = app.window("a")
    fion.until("a", lambda: fion.focused() == "a" and w.viewable())
    assert w.place()[0] < 640
    fion.do("tab screen right")
    fion.sync()
    x, _, width, _ = w.place()
    assert x >= 640 and x + width <= 1280


def test_screens_that_show_the_same_are_one(fion):
    monitors(fion, "one 640x800+0+0", "two 640x800+0+0", RIGHT)
    fion.until("the mirror is not a second one",
               lambda: len(keys(fion)) == 2)


def test_a_thousand_changes_of_screens_lose_nothing(fion, app):
    """Fewer as processes, which are slow; the model's test does the rest."""
    chance = random.Random(7)
    for n in range(6):
        app.window(f"w{n}")
        fion.do("workspace create")
    every = [LEFT, RIGHT, "top 1280x300+0+0", "low 500x200+300+500"]
    monitors(fion, LEFT, RIGHT)
    fion.until("two screens", lambda: keys(fion) == ["left", "right"])
    fion.until("all windows", lambda: len(fion.windows()) == 6)
    for _ in range(15):
        some = chance.sample(every, chance.randint(1, 4))
        monitors(fion, *some)
        if chance.random() < 0.5:
            fion.ask({"cmd": ["screen", "next"]})
        fion.sync()
        assert len(fion.windows()) == 6
    monitors(fion, LEFT, RIGHT)
    fion.until("two screens", lambda: keys(fion) == ["left", "right"])
    for ws in fion.screen()["workspaces"]:
        assert fion.tiles(ws)
    assert len(fion.windows()) == 6


def test_the_screen_changes_its_size(fion, app):
    w = app.window("a")
    fion.until("a", w.viewable)
    randr(fion, "--newmode", "small", "38", "800", "832", "912", "1024",
          "600", "603", "607", "624")
    randr(fion, "--addmode", "screen", "small")
    randr(fion, "--output", "screen", "--mode", "small")
    fion.until("smaller", lambda: fion.screen()["rect"] == [0, 0, 800, 600])
    fion.until("the window too", lambda: w.place()[2] < 800)
    assert app.root_property("_NET_DESKTOP_GEOMETRY") == [800, 600]
    randr(fion, "--output", "screen", "--mode", "1280x800")
    fion.until("larger", lambda: fion.screen()["rect"] == [0, 0, 1280, 800])


def test_no_screen_at_all(fion, app):
    app.window("a")
    fion.until("a", lambda: "a" in fion.windows())
    randr(fion, "--output", "screen", "--off", "--fb", "1280x800")
    fion.sync()
    fion.do("workspace create while-dark")
    app.window("b")
    fion.until("b", lambda: "b" in fion.windows())
    randr(fion, "--output", "screen", "--mode", "1280x800")
    fion.until("light again", lambda: (
        [s["rect"] for s in fion.screens()] == [[0, 0, 1280, 800]]))
    assert set(fion.windows()) == {"a", "b"}


def places(fion):
    return {s["screen"]: tuple(s["rect"]) for s in fion.screens()}


def two_screens(fion):
    monitors(fion, LEFT, RIGHT)
    fion.until("two screens", lambda: keys(fion) == ["left", "right"])


def test_screens_are_what_the_server_says(fion):
    two_screens(fion)
    assert places(fion) == {
        "left": (0, 0, 640, 800), "right": (640, 0, 640, 800)}
    for screen in fion.screens():
        assert len(screen["workspaces"]) >= 1


def test_workspaces_come_back_with_their_screen(fion, clients):
    two_screens(fion)
    fion.do("screen pick 2")
    fion.do("workspace create chat")
    fion.do("tile create column")
    client = clients()
    place = client.place()
    assert place[0] >= 640
    monitors(fion, LEFT)
    fion.until("one screen", lambda: keys(fion) == ["left"])
    assert client.title in fion.windows()
    fion.do(f"tab focus {client.id}")
    fion.sync()
    assert client.place()[0] < 640 and client.viewable()
    two_screens(fion)
    fion.until("it is back", lambda: client.place() == place)
    [right] = [s for s in fion.screens() if s["screen"] == "right"]
    assert "chat" in [w["name"] for w in right["workspaces"]]


def test_what_was_shown_is_shown_on_when_its_screen_goes(fion, clients):
    client = clients()
    two_screens(fion)  # the one there was has gone
    assert client.viewable()
    assert fion.focused() == client.title


def test_keys_go_from_screen_to_screen(fion, clients):
    two_screens(fion)
    fion.do("screen pick 1")
    first = clients()
    fion.press("Win+s", "Right")
    second = clients()
    assert first.place()[0] < 640 <= second.place()[0]
    fion.press("Win+s", "n")
    assert fion.focused() == first.title
    fion.press("Win+s", "2")
    assert fion.focused() == second.title
    fion.press("Win+b", "s")
    assert second.place()[0] < 640


def test_a_storm_of_screens_loses_nothing(fion, clients):
    made = [clients() for _ in range(4)]
    chance = random.Random(5)
    every = ["640x800+0+0", "640x800+640+0", "1280x400+0+0", "300x300+640+300"]
    for _ in range(25):
        monitors(fion, *(f"m{n} {chance.choice(every)}"
                         for n in range(chance.randrange(1, 4))))
    monitors(fion, "all 1280x800+0+0")
    fion.until("one screen", lambda: places(fion) == {
        "all": (0, 0, 1280, 800)})
    assert sorted(fion.windows()) == [c.title for c in made]
    for client in made:
        fion.do(f"tab focus {client.id}")
        fion.sync()
        assert client.viewable()
