# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Do what doc/smtpd.md says, from nothing, and see what it says."""

import pathlib
import re
import shlex
import tempfile

import pytest
from conftest import ROOT, wait_for
from stage import ELSEWHERE, Stage

PAGE = (ROOT / "doc" / "smtpd.md").read_text()
ZONES = ("example.org", "example.net", "2.0.192.in-addr.arpa")
FRIEND = [f"friend.example.net. A {ELSEWHERE}",
          "example.net. MX 10 friend.example.net."]


def parts():
    """(kind, text) of what is to be done, in the order of the page.

    Indented are commands, after "# " (here) or "$ " (elsewhere), each with
    what it prints; a block of conf that begins with a path is that file; a
    comment says what to wait for, or what a friend's server does meanwhile.
    """
    found = re.finditer(
        r"^```(?P<fence>\w+)\n(?P<block>.*?)^```$"
        r"|^<!-- (?P<verb>\w+): (?P<what>.*?) -->$"
        r"|^    (?P<prompt>[#$]) (?P<command>[^\n]*)\n"
        r"(?P<output>(?:    [^\n]*\n)*)",
        PAGE, re.MULTILINE | re.DOTALL)
    for m in found:
        if m["fence"]:
            yield m["fence"], m["block"]
        elif m["verb"]:
            yield m["verb"], m["what"]
        else:
            yield from commands(m["prompt"], m["command"], m["output"])


def commands(prompt, command, rest):
    """Commands follow each other, with what they print between them."""
    output = []
    for line in [*rest.splitlines(), None]:
        text = None if line is None else line[4:]
        if text is None or text[:2] in ("# ", "$ "):
            yield ("here" if prompt == "#" else "elsewhere",
                   (command, "\n".join(output)))
            if text is not None:
                prompt, command, output = text[0], text[2:], []
        else:
            output.append(text)


def prints(expected):
    return re.compile(
        r"\s*" + ".*".join(map(re.escape, expected.split("..."))) + r"\s*",
        re.DOTALL)


class Reader:
    """Who follows the page."""

    def __init__(self, stage):
        self.stage = stage
        self.friend = None
        self.done = 0

    def follow(self):
        self.friend_is("back")
        for kind, what in parts():
            if kind == "friend":
                self.friend_is(what)
            else:
                getattr(self, kind)(what)
            self.done += 1

    def here(self, what, elsewhere=False):
        command, expected = what
        got = (self.stage.install() if command == "./dev install" else
               self.stage.run(command, elsewhere))
        if expected or command == "mailq":
            assert prints(expected).fullmatch(got), f"{command}\n{got}"

    def elsewhere(self, what):
        self.here(what, True)

    def wait(self, condition):
        try:
            self.stage.wait(condition)
        except AssertionError as e:
            e.add_note(self.stage.run("mailq; journalctl -u smtpd"))
            raise

    def friend_is(self, what):
        if what == "away":
            self.stage.run("kill $(cat /run/friend)")
            self.friend.wait()
        else:
            self.friend = self.stage.serve_mail()
            self.stage.wait(f"bash -c '</dev/tcp/{ELSEWHERE}/25'")

    def dns(self, block):
        records = [x for x in block.splitlines() if x] + FRIEND
        self.stage.serve_names({
            zone: [x for x in records
                   if x.split()[0].removesuffix(".").endswith(zone)]
            for zone in ZONES})

    def conf(self, block):
        first = re.match(r"# (/\S+)\n", block)
        if first is None:
            return  # a variation
        path = self.stage.inside(first[1])
        path.write_text(block)


@pytest.fixture(scope="module")
def reader():
    """Has followed the page from its first command to its last."""
    with tempfile.TemporaryDirectory(prefix="smtpd-stage.") as where:
        pathlib.Path(where).chmod(0o755)
        stage = Stage(pathlib.Path(where))
        try:
            reader = Reader(stage)
            reader.follow()
            yield reader
        finally:
            stage.stop()


def test_the_page_is_true_from_its_first_command_to_its_last(reader):
    kinds = [kind for kind, _ in parts()]
    assert set(kinds) == {
        "here", "elsewhere", "dns", "conf", "wait", "friend"}
    assert kinds.count("here") > 20
    assert reader.done == len(kinds)
    conf = reader.stage.inside("/etc/mail/smtpd.conf").read_text()
    assert conf.count("\n") < 20


# One more smtpd, and what becomes of a mail to friend@example.com.
OTHER = """export SMTPD_SPOOL=/var/spool/other SMTPD_RELAY_PATIENCE=1
cat >/run/other.conf <<END
listen on socket
action out {}
match for any action out
END
smtpd -f /run/other.conf -d &
until echo x | sendmail friend@example.com; do sleep 0.1; done
until mailq | grep friend@example.com.*45; do sleep 0.1; done
kill $!
wait $!
rm -r $SMTPD_SPOOL"""
# What makes smtpd or smtpctl say what the page explains.
ASKED = {
    "the user _smtpd is missing":
    "grep -v _smtpd /etc/passwd >/run/passwd; "
    "mount --bind /run/passwd /etc/passwd; smtpd -d",
    "Address already in use": "smtpd -d",
    "a private key that others can get at":
    "chmod 644 /etc/letsencrypt/archive/*.key; smtpd -n; "
    "chmod 600 /etc/letsencrypt/archive/*.key",
    "the user _smtpd can't read it":
    "chmod 600 /etc/mail/logins; smtpd -n; chmod 640 /etc/mail/logins",
    "550 5.1.1 Invalid recipient":
    "echo hello | sendmail nobody-at-all@example.org",
    "535 5.7.8 Authentication failed": "swaks --server 192.0.2.1:587 --tls "
    "--auth PLAIN --auth-user you --auth-password no --to x@example.net",
    "530 5.7.0": "swaks --server 192.0.2.1:587 --to x@example.net",
    "only root may do that": "setpriv --reuid=you --regid=you --clear-groups "
    "smtpctl show queue",
    "Connection timed out": "ip neigh replace 192.0.2.9 lladdr "
    "02:00:00:00:00:09 dev eth0 nud permanent; "
    + OTHER.format('relay host "smtp://192.0.2.9"'),
}


def test_what_the_page_says_of_messages_is_what_is_said(reader):
    said = re.findall(r"^- `([^`]+)`[:,]", PAGE, re.MULTILINE)
    said.remove("DNS does not answer")  # not before it was long waited for
    assert sorted(said) == sorted(ASKED)
    stage = reader.stage
    for message, command in ASKED.items():
        got = stage.run(f"unshare --mount sh -c {shlex.quote(command)}",
                        check=False)
        assert message in got, f"{command}\n{got}"


def test_the_variations_of_the_page_are_configurations(reader):
    stage = reader.stage
    conf = stage.inside("/etc/mail/smtpd.conf").read_text()
    others = [text for kind, text in parts()
              if kind == "conf" and not text.startswith("# /")]
    others.append(" ".join(re.search(
        r"`(action \"mailbox\" lmtp.*?)`", PAGE, re.DOTALL)[1].split()))
    assert len(others) == 2
    stage.inside("/etc/mail/secrets").write_text("provider me:secret\n")
    stage.run("chown root:_smtpd /etc/mail/secrets")
    stage.run("chmod 640 /etc/mail/secrets")
    for other in others:
        action = re.match(r'action "\w+"', other)[0]
        lines = [other if line.startswith(action) else line
                 for line in conf.splitlines()]
        assert other in lines
        stage.inside("/etc/mail/other.conf").write_text(
            'table secrets "/etc/mail/secrets"\n' + "\n".join(lines) + "\n")
        assert stage.run("smtpd -n -f /etc/mail/other.conf") == \
            "configuration OK\n"


def test_the_example_of_the_readme_is_a_configuration(reader):
    stage = reader.stage
    head = "".join(
        line + "\n" for line in stage.inside(
            "/etc/mail/smtpd.conf").read_text().splitlines()
        if line.startswith(("pki ", "table ")))
    readme = (ROOT / "README.md").read_text()
    example = re.search(r"^    listen on .*\n(?:    .*\n|\n)*", readme,
                        re.MULTILINE)[0]
    stage.inside("/etc/mail/readme.conf").write_text(head + example)
    assert stage.run("smtpd -n -f /etc/mail/readme.conf") == \
        "configuration OK\n"


def test_the_example_of_the_manual_is_a_configuration(reader):
    page = (ROOT / "smtpd/man/smtpd.conf.5").read_text()
    examples = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed",
                          page.partition(".Sh EXAMPLES")[2],
                          re.MULTILINE | re.DOTALL)
    assert examples
    for example in examples:
        reader.stage.inside("/etc/mail/manual.conf").write_text(
            example.replace("\\&", ""))
        assert reader.stage.run("smtpd -n -f /etc/mail/manual.conf") == \
            "configuration OK\n"
