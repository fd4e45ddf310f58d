# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Rules for windows, a configuration that changes, layouts that are kept."""

import json
import signal

import pytest

from wm import Fion, app, fion, wait_for, xserver  # noqa: F401 (fixtures)

RULES = """
rule class=Web -> workspace=web
rule class=Tool* role=side -> tile=tools
rule class=Under -> tile=scratch
rule instance=loose -> float
rule type=dialog class=Still -> tiled
rule class=Film -> fullscreen
rule class=Clip -> fullscreen=tile
rule class=Never -> fullscreen=none
rule title=quiet* -> nofocus
rule class=Two workspace=x -> float
""".replace("rule class=Two workspace=x -> float\n", "")
CONFIG = {"test_each_rule_does_what_it_says": RULES}


def test_each_rule_does_what_it_says(fion, app):
    first = fion.opens(app, "first")
    fion.until("focus", lambda: fion.focused() == "first")
    fion.opens(app, "page", cls=("web", "Web"))
    assert fion.windows()["page"]["workspace"] == "web"
    assert fion.focused() == "first"
    fion.do("tile create row")
    fion.do(["tile", "rename", "tools"])
    fion.do("tile left")
    fion.opens(app, "side", cls=("tool", "Toolbox"), props=[
        ("WM_WINDOW_ROLE", "STRING", 8, b"side")])
    fion.opens(app, "other", cls=("tool", "Toolbox"))
    assert fion.tabs() == [["first", "other"], ["side"]]
    fion.opens(app, "below", cls=("a", "Under"))
    tree = fion.get("tree")
    assert [w["title"] for w in tree["scratch"]["tabs"]] == ["below"]
    fion.opens(app, "loose", cls=("loose", "Any"))
    assert fion.windows()["loose"]["floating"]
    fion.opens(app, "still", cls=("a", "Still"), kind="DIALOG",
           leader=first)
    assert not fion.windows()["still"].get("floating")
    fion.do("tile focus tools")
    quiet = fion.focused()
    fion.opens(app, "quiet one")
    assert fion.focused() == quiet
    film = fion.opens(app, "film", cls=("a", "Film"))
    fion.until("over the screen",
               lambda: film.place() == (0, 0, 1280, 800))
    assert fion.windows()["film"]["fullscreen"] == "screen"
    film.destroy()
    clip = fion.opens(app, "clip", cls=("a", "Clip"))
    assert fion.windows()["clip"]["fullscreen"] == "tile"
    fion.until("it believes it", lambda: "FULLSCREEN" in clip.states())
    assert clip.place()[2] < 700
    fion.opens(app, "never", cls=("a", "Never"), props=[
        ("_NET_WM_STATE", "ATOM", 32,
         [app.atom("_NET_WM_STATE_FULLSCREEN")])])
    assert fion.windows()["never"]["fullscreen"] == "none"


def setting(fion, name):
    return fion.get("config")[name]


@pytest.mark.parametrize("how", ["command", "key", "signal"])
def test_a_good_configuration_is_taken(fion, how):
    fion.config("set border-width 7\nbind Win+F7 workspace create new\n"
                "unbind Win+q\n")
    if how == "command":
        fion.do("reload")
    elif how == "key":
        fion.x.press("Win+x")
        fion.x.press("r")
    else:
        fion.process.send_signal(signal.SIGHUP)
    fion.until("it is in force", lambda: setting(fion, "border-width") == "7")
    fion.x.press("Win+F7")
    fion.until("the key too", lambda: fion.workspace()["name"] == "new")
    modes = {m["mode"]: m["keys"] for m in fion.get("keys")}
    assert "Win+q" not in modes["default"]


@pytest.mark.parametrize("text,where,why", [
    ("set border-width 7\nset border-width many\n", ":3:18:", "many"),
    ("set border-width 7\nbind Win+F9 tile nxt\n", ":3:", "nxt"),
    ("set border-width 7\nnonsense\n", ":3:1:", "nonsense"),
    ("set border-width 7\ninclude missing\n", ":3:", "missing"),
    ("set border-width 7\nset font \"open\n", ":3:", ""),
    ("set border-width 7\nbind Win+NoSuchKey tile next\n", ":3:", "NoSuch"),
    ("set border-width 7\nrule size=3 -> float\n", ":3:6:", "size"),
])
def test_a_bad_one_is_refused_whole(fion, text, where, why):
    before = fion.get("config")
    fion.config(text)
    said = fion.do("reload", fails=True)
    assert str(fion.config_path) + where in said and why in said, said
    assert fion.get("config") == before
    fion.process.send_signal(signal.SIGHUP)
    fion.sync()
    assert fion.get("config") == before


def test_a_bad_one_at_the_start_is_told_and_the_defaults_hold(
        xserver, tmp_path):
    fion = Fion(xserver, tmp_path, "nonsense\n")
    assert setting(fion, "border-width") == "2"
    fion.config("set border-width 3\n")
    fion.do("reload")
    assert setting(fion, "border-width") == "3"
    assert fion.end() == 0
    assert ":2:1:" in fion.log, fion.log


def test_include_is_relative_to_who_includes(fion):
    folder = fion.config_path.parent / "parts"
    folder.mkdir()
    (folder / "one").write_text("include two\n")
    (folder / "two").write_text("set border-width 9\n")
    fion.config("include parts/one\n")
    fion.do("reload")
    assert setting(fion, "border-width") == "9"
    (folder / "two").write_text("include one\n")
    fion.do("reload", fails=True)
    assert setting(fion, "border-width") == "9"


def test_a_layout_puts_windows_back_and_those_that_come_later(fion, app):
    fion.do("workspace rename work")
    fion.do("tile create row 30")
    fion.do(["tile", "rename", "right"])
    fion.opens(app, "a", cls=("a", "A"))
    fion.do("workspace create other")
    late = fion.opens(app, "b", cls=("b", "B"))
    fion.do("save day")
    before = [t["rect"] for w in fion.screen()["workspaces"]
              for t in fion.tiles(w)]
    late.destroy()
    fion.until("gone", lambda: "b" not in fion.windows())
    fion.do("workspace pick work")
    fion.do("tile destroy")
    fion.do("tab send elsewhere")
    fion.do("load day")
    names = {w["name"]: w for w in fion.screen()["workspaces"]}
    assert {"work", "other"} <= set(names)
    assert [t["rect"] for n in ("work", "other")
            for t in fion.tiles(names[n])] == before
    assert fion.windows()["a"]["workspace"] == "work"
    fion.do("workspace pick work")
    fion.opens(app, "b2", cls=("b", "B"))
    assert fion.windows()["b2"]["workspace"] == "other"


@pytest.mark.parametrize("text", [
    "", "[]", "{", '{"fion":2}', '{"fion":1,"screens":7}',
    '{"fion":1,"screens":[{"screen":"screen","workspaces":[{"name":"x",'
    '"tree":{"split":"row","children":[]}}]}]}', "x" * 5_000_000],
    ids=range(7))
def test_a_faulty_layout_changes_nothing(fion, app, text):
    fion.opens(app, "a")
    fion.do("tile create row")
    before = fion.get("tree")
    folder = fion.dir / "state" / "fion"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bad.json").write_text(text)
    assert "bad" in fion.do("load bad", fails=True)
    assert fion.get("tree") == before


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "-\n", ".x"])
def test_layouts_have_names_and_no_paths(fion, name):
    fion.do(["save", name], fails=True)
    fion.do(["load", name], fails=True)


def test_fionctl_prints_what_is_asked(fion, app):
    fion.opens(app, "a")
    for what in ("tree", "screens", "workspaces", "windows", "focused",
                 "keys", "commands", "config"):
        done = fion.ctl("get", what)
        assert done.returncode == 0
        assert json.loads(done.stdout) == fion.get(what), what
        whole = json.loads(fion.ctl("-j", "get", what).stdout)
        assert whole["ok"] and whole["result"] == fion.get(what)
    assert fion.ctl("get", "mode").stdout == "default\n"
    assert fion.ctl("get", "version").stdout.strip()
    failed = fion.ctl("tile", "focus", "no-such")
    assert failed.returncode == 1 and "no tile" in failed.stderr
