# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""fionctl subscribe: all that changes is told, once, whoever changed it."""

import json

import pytest
from wm import app, fion, xserver  # noqa: F401 (fixtures)


class Listener:
    """A subscriber; all() is what has been told until now."""

    def __init__(self, fion):
        self.fion = fion
        self.file = fion.connect().makefile("rw")
        first = self.ask({"subscribe": True})
        assert first["ok"] and first["result"]["fion"] == 1
        self.sequence = None

    def ask(self, request):
        self.file.write(json.dumps(request) + "\n")
        self.file.flush()
        return json.loads(self.file.readline())

    def all(self):
        """What was told of all that was done before this call."""
        self.fion.sync()
        self.file.write(json.dumps({"get": "version", "id": "end"}) + "\n")
        self.file.flush()
        got = []
        while True:
            line = json.loads(self.file.readline())
            if line.get("id") == "end":
                return got
            if self.sequence is not None:
                assert line["sequence"] == self.sequence + 1
            self.sequence = line["sequence"]
            got.append(line)

    def names(self):
        return [line["event"] for line in self.all()]


@pytest.mark.parametrize("command,told", [
    ("workspace create mail", {"workspace", "tile", "layout"}),
    ("workspace rename home", {"workspace"}),
    ("tile create row", {"tile", "layout"}),
    ("tile rename web", {"layout"}),
    ("tile equal", set()),
])
def test_commands_are_told(fion, command, told):
    listener = Listener(fion)
    fion.do(command)
    assert set(listener.names()) == told
    assert listener.names() == []


def test_what_is_told_says_what_it_is_now(fion):
    listener = Listener(fion)
    fion.do("workspace create mail")
    told = {line["event"]: line for line in listener.all()}
    assert told["workspace"]["workspace"] == "mail"
    assert told["tile"]["tile"]["workspace"] == "mail"
    fion.do("tile create column 30")
    told = {line["event"]: line for line in listener.all()}
    assert told["tile"]["tile"]["tile"] == fion.tile()["tile"]
    assert told["tile"]["tile"]["rect"] == fion.tile()["rect"]
    fion.do("tile resize up 50")
    assert listener.names() == ["layout"]
    fion.do("scratch")
    assert "tile" in listener.names()


def test_windows_that_come_and_go_change_the_layout(fion, app):
    listener = Listener(fion)
    a = app.window("a")
    fion.until("a", lambda: fion.focused() == "a")
    told = [line["event"] for line in listener.all()]
    assert told.count("window-new") == 1 and told.count("layout") == 1
    a.destroy()
    fion.until("none", lambda: fion.windows() == {})
    told = [line["event"] for line in listener.all()]
    assert told.count("window-gone") == 1 and told.count("layout") == 1


def test_what_keys_and_pagers_do_is_told_too(fion, app):
    fion.do("workspace create two")
    listener = Listener(fion)
    fion.x.press("Win+w")
    fion.x.press("p")
    told = listener.names()
    assert told.count("workspace") == 1 and told.count("mode") == 2
    app.send_root(app.root, "_NET_CURRENT_DESKTOP", [1])
    assert "workspace" in listener.names()


def test_a_second_subscriber_hears_only_what_comes(fion):
    first = Listener(fion)
    fion.do("tile create row")
    second = Listener(fion)
    fion.do("tile create row")
    assert first.names().count("tile") == 2
    assert second.names().count("tile") == 1
