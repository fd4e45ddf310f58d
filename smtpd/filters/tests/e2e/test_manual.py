# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The programs in smtpd-filters(7), taken out of the page and run."""

import json
import pathlib
import re
import subprocess

import pytest

from filterserver import BUILD, ENV, ROOT

PAGE = ROOT / "smtpd" / "man" / "smtpd-filters.7"
DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
CONFIG = ["config|smtpd-version|7.8.0", "config|protocol|0.7",
          "config|subsystem|smtp-in", "config|something-new|1",
          "config|ready"]


def examples():
    """The marked displays of the page by name, as a reader sees them."""
    found = re.findall(
        r'^\.\\" example (\S+)\n\.Bd -literal\n(.*?)^\.Ed\n',
        PAGE.read_text(), re.M | re.S)
    return {name: text.replace("\\e", "\\").replace("\\&", "")
            for name, text in found}


def build_c(source):
    """Compile as the tree's own programs are, sanitizers and all."""
    options = json.loads(subprocess.run(
        ["meson", "introspect", "--buildoptions", BUILD], check=True,
        capture_output=True, text=True).stdout)
    sanitize = next(o["value"] for o in options if o["name"] == "b_sanitize")
    flags = [] if sanitize == "none" else ["-fsanitize=" + sanitize]
    libraries = [BUILD / "smtpd/filters/libfilter.a",
                 *sorted((BUILD / "lib").glob("*.a"))]
    wanted = subprocess.run(
        ["pkg-config", "--libs", "libevent", "libbsd"], check=True,
        capture_output=True, text=True).stdout.split()
    program = source.with_suffix("")
    subprocess.run(
        ["cc", "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
         *flags, "-I", ROOT, "-o", program, source, *libraries, *wanted],
        check=True)
    return program


@pytest.fixture
def example(tmp_path):
    def go(name):
        path = tmp_path / name
        path.write_text(examples()[name])
        path.chmod(0o755)
        return build_c(path) if path.suffix == ".c" else path

    return go


def run(program, lines):
    """What the program says to these lines, its registrations first."""
    done = subprocess.run(
        [program], input="".join(line + "\n" for line in CONFIG + lines),
        capture_output=True, encoding="latin-1", timeout=60, check=True,
        env=ENV)
    assert done.stderr == ""
    said = done.stdout.splitlines()
    ready = said.index("register|ready")
    assert all(line.startswith("register|") for line in said[:ready])
    return said[:ready], said[ready + 1:]


def ask(phase, param, session=1):
    return (f"filter|0.7|1.000000|smtp-in|{phase}|{session:016x}|"
            f"00000000000000aa|{param}")


def verdict(line):
    return line.split("|00000000000000aa|")[1]


def test_the_page_has_three_languages():
    assert {name.split(".")[1] for name in examples()} == {"sh", "py", "c"}


def test_the_shell_script(example):
    registered, said = run(example("refuse-localhost.sh"), [
        ask("helo", "localhost"), ask("ehlo", "mx.example.org"),
        ask("ehlo", "a|b")])
    assert len(registered) == 2
    assert [verdict(line) for line in said] == [
        "reject|550 you are not me", "proceed", "proceed"]


def test_the_shortest_script(example):
    registered, said = run(example("refuse-domain.sh"), [
        ask("mail-from", "a@spam.example"), ask("mail-from", "a@x.org"),
        ask("mail-from", "")])
    assert registered == ["register|filter|smtp-in|mail-from"]
    assert [verdict(line) for line in said] == [
        "reject|550 5.7.1 not this", "proceed", "proceed"]


def test_the_python_program(example):
    connect = "report|0.7|1.000000|smtp-in|link-connect|%016x|h|pass|%s|b:25"
    registered, said = run(example("add-client.py"), [
        connect % (1, "192.0.2.1:9"), connect % (2, "[2001:db8::1]:9"),
        *[ask("data-line", text, session) for session in (1, 2, 1)
          for text in ("Subject: a | b", "", "\xe9", "..", ".")],
        "report|0.7|1.000000|smtp-in|link-disconnect|%016x" % 1])
    assert len(registered) == 3
    body = ["Subject: a | b", "", "\xe9", "..", "."]
    assert [verdict(line) for line in said] == [
        "X-Client: 192.0.2.1:9", *body, "X-Client: [2001:db8::1]:9", *body,
        "X-Client: 192.0.2.1:9", *body]


def test_the_c_program(example):
    report = "report|0.7|1.000000|smtp-in|%s|%016x|0a0b0c0d%s"
    rcpt = ("tx-rcpt", 1, "|ok|a@b")
    registered, said = run(example("two-recipients.c"), [
        report % ("tx-begin", 1, ""), ask("rcpt-to", "a@b"), report % rcpt,
        report % ("tx-rcpt", 1, "|permfail|x@b"), ask("rcpt-to", "a@b"),
        report % rcpt, ask("rcpt-to", "c@d"), ask("rcpt-to", "c@d", 2),
        report % ("tx-begin", 1, ""), ask("rcpt-to", "c@d")])
    assert len(registered) == 4  # link-disconnect too
    assert [verdict(line) for line in said] == [
        "proceed", "proceed", "reject|452 4.5.3 two at a time", "proceed",
        "proceed"]


@pytest.mark.parametrize("name", sorted(examples()))
def test_each_goes_through_a_real_servers_lines(example, name, tmp_path):
    recording = tmp_path / "recording"
    with open(recording, "w", encoding="latin-1") as out:
        for path in sorted(DATA.glob("opensmtpd-*/*.lines")):
            for line in path.read_text("latin-1").splitlines():
                if line.startswith("> "):
                    out.write(line[2:] + "\n")
    done = subprocess.run(
        ["smtpctl", "replay", recording, "--", example(name)],
        executable=BUILD / "smtpd" / "smtpd", capture_output=True,
        timeout=100, env=ENV, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b" data-line " in done.stdout or b" proceed\n" in done.stdout


def test_the_page_names_what_the_server_knows():
    """Each event and phase that a real server used is in the page."""
    text = PAGE.read_text()
    used = {line.split("|")[4]
            for path in DATA.glob("opensmtpd-*/*.lines")
            for line in path.read_text("latin-1").splitlines()
            if line.startswith(("> report|", "> filter|"))}
    assert len(used) > 20
    assert [name for name in sorted(used) if name not in text] == []
