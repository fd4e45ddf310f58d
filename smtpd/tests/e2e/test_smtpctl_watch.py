# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""Watching smtpd with smtpctl, and what it says when it can't."""

import json
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from conftest import (BUILD, GID, MAILDIR, PATIENCE, ROOT, SMTPD, UID,
                      wait_for)

SUBJECTS = ("bounce", "expand", "filters", "imsg", "lookup", "mproc", "mta",
            "rules", "scheduler", "smtp", "stat", "all")


def traced(smtpd, subject, wanted, do):
    """Whether wanted is logged by do when subject is traced; and then not
    when it is not."""
    verb, subject = subject.split() if " " in subject else ("trace", subject)
    smtpd.ctl(verb, subject)

    def said():
        before = len(smtpd.log_text())
        do()
        return wanted in smtpd.log_text()[before:]
    wait_for(said, f"{verb} {subject} logs {wanted!r}")
    smtpd.ctl("un" + verb, subject)
    wait_for(lambda: not said(), f"{verb} {subject} has an end")


def send(smtpd):
    smtpd.send("alice@example.org")
    smtpd.wait_queue_empty()


@pytest.mark.parametrize("subject, wanted", [
    ("smtp", "smtp reply 250 "),
    ("expand", "expand: "),
    ("rules", "expand: "),
    ("lookup", 'lookup: user "alice" of action here found'),
    ("scheduler", " due"),
    ("stat", "stat: scheduler.delivery.ok +1 = "),
    ("imsg", "imsg: queue.0 <- "),
    ("profile imsg", "profile-imsg: queue.0 <- "),
    ("profile queue", "profile-queue: commit bytes="),
])
def test_trace_says_more_until_it_is_undone(smtpd, subject, wanted):
    smtpd.start(MAILDIR)

    def do():
        send(smtpd)
        if subject == "lookup":  # who delivers is known for a while
            smtpd.process.send_signal(signal.SIGHUP)
    traced(smtpd, subject, wanted, do)


def test_trace_of_notices(smtpd):
    smtpd.start('action here mda "exit 1" virtual <users> userbase <base>\n'
                'action back maildir virtual <users> userbase <base>\n'
                'match from any for rcpt-to "alice@example.org" action here\n'
                'match from any for any action back\n', "-T", "bounce")
    smtpd.send("alice@example.org", sender="bob@example.org")
    smtpd.wait_mails("bob", 1)
    assert " failed, in a notice of 1" in smtpd.log_text()


def test_trace_of_filters(smtpd):
    filters = BUILD / "smtpd" / "filters" / "filter-eventlog"
    smtpd.start(f'filter log proc-exec "{filters} -d {{dir}}/alice"\n'
                "listen on 127.0.0.1 port {port} filter log\n" + MAILDIR
                .replace("virtual <users> userbase <base>", "user nobody"))
    traced(smtpd, "filters", "filters: log <- report|",
           lambda: smtpd.smtp().quit())


def test_trace_knows_its_subjects(smtpd):
    smtpd.start(MAILDIR)
    for subject in SUBJECTS:
        smtpd.ctl("trace", subject)
    smtpd.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "read again" in smtpd.log_text(), "a reload")
    send(smtpd)
    assert "stat: " in smtpd.log_text(), "it is traced after a reload"
    for verb, told in (("trace", "scheduler"), ("profile", "queue")):
        done = smtpd.ctl(verb, "nonsense", ok=False)
        assert done.returncode == 1 and told in done.stderr


def test_monitor_counts(smtpd):
    smtpd.start(MAILDIR)
    link = smtpd.dir / "smtpctl"
    link.symlink_to(SMTPD)
    with subprocess.Popen([link, "monitor", "-j"], env=smtpd.env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          **smtpd.as_user()) as watch:
        first = json.loads(watch.stdout.readline())
        assert first["clients"] == 0 and first["ok"] == 0
        old = smtpd.smtp()
        smtpd.send(["alice@example.org", "bob@example.org"])
        total = dict.fromkeys(("connected", "disconnected", "enqueued",
                               "dequeued", "ok"), 0)
        while total["ok"] < 2 or total["dequeued"] < 2 \
                or total["disconnected"] < 1:
            line = json.loads(watch.stdout.readline())
            for key in total:
                total[key] += line[key]
        assert total == {"connected": 2, "disconnected": 1, "enqueued": 2,
                         "dequeued": 2, "ok": 2}
        assert (line["clients"], line["envelopes"]) == (1, 0)
        old.quit()
        smtpd.stop()
        assert watch.wait(PATIENCE) == 1
        assert "smtpd" in watch.stderr.read()


def test_counters(smtpd):
    smtpd.start(MAILDIR)
    send(smtpd)
    stats = dict(line.split("=") for line in
                 smtpd.ctl("show", "stats").stdout.splitlines())
    assert stats["scheduler.delivery.ok"] == "1"
    assert (stats["scheduler.envelope"], stats["queue.message"]) == ("0", "1")
    assert stats["scheduler.envelope.incoming"] == "1"
    assert 0 <= int(stats["uptime"]) < 300
    done = smtpd.ctl("resume", "route", "77", ok=False)
    assert done.returncode == 1 and "no such route" in done.stderr


def test_monitor_as_a_table(smtpd):
    smtpd.start(MAILDIR)
    link = smtpd.dir / "smtpctl"
    link.symlink_to(SMTPD)
    with subprocess.Popen([link, "monitor"], env=smtpd.env, text=True,
                          stdout=subprocess.PIPE,
                          **smtpd.as_user()) as watch:
        lines = [watch.stdout.readline().rstrip("\n") for _ in range(3)]
        watch.stdout.close()
        watch.terminate()
    assert all(len(line) <= 80 for line in lines)
    assert lines[1].split() == ("curr conn disc curr enq deq ok tmpfail "
                                "prmfail loop expire remove bounce").split()
    assert lines[2].split() == ["0"] * 13
    assert smtpd.ctl("monitor", "-x", ok=False).returncode == 2


def test_not_running(smtpd):
    smtpd.configure(MAILDIR)
    (smtpd.dir / "spool").mkdir()
    smtpd.own()
    done = smtpd.ctl("show", "queue", ok=False)
    assert done.returncode == 1 and done.stdout == ""
    assert "smtpd is not running" in done.stderr and "start it" in done.stderr
    old = socket.socket(socket.AF_UNIX)
    old.bind(str(smtpd.dir / "spool" / "smtpd.sock"))
    old.close()
    smtpd.own()
    done = smtpd.ctl("show", "queue", ok=False)
    assert done.returncode == 1
    assert "left over" in done.stderr and "start it" in done.stderr
    smtpd.start(MAILDIR)
    assert smtpd.ctl("show", "queue").stdout == ""


def test_no_right(smtpd):
    if os.getuid() != 0:
        pytest.skip("takes root, to be somebody else")
    smtpd.start(MAILDIR)
    shutil.copy(SMTPD, smtpd.dir / "smtpctl")
    os.chmod(smtpd.dir / "smtpctl", 0o755)
    done = subprocess.run(
        [smtpd.dir / "smtpctl", "show", "queue"], env=smtpd.env, text=True,
        capture_output=True, user=UID - 1, group=GID, extra_groups=[])
    assert done.returncode == 1 and done.stdout == ""
    assert "only root" in done.stderr or "no right" in done.stderr


def test_another_daemon_at_the_socket(smtpd):
    smtpd.configure(MAILDIR)
    (smtpd.dir / "spool").mkdir()
    path = smtpd.dir / "spool" / "smtpd.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        smtpd.own()
        for said, told in ((b"\xff" * 64, "no smtpd of this version"),
                           (b"\0\0\0\0\x01\0\0\0", "no smtpd of this version"),
                           (b"\0", "without an answer")):
            link = smtpd.dir / "smtpctl"
            if not link.exists():
                link.symlink_to(SMTPD)
            with subprocess.Popen(
                    [link, "show", "stats"], env=smtpd.env, text=True,
                    stderr=subprocess.PIPE, **smtpd.as_user()) as ctl:
                peer, _ = other.accept()
                peer.recv(4096)
                peer.sendall(said)
                peer.close()
                assert told in ctl.stderr.read()
            assert ctl.returncode == 1


def test_words_may_be_shortened_while_they_are_clear(smtpd):
    smtpd.start(MAILDIR)
    done = smtpd.ctl("sh", "st", ok=False)
    assert done.returncode == 2
    assert "show stats, show status" in done.stderr
    done = smtpd.ctl("pause", ok=False)
    assert done.returncode == 2 and "pause mda, pause mta" in done.stderr
    assert smtpd.ctl("sh", "statu").stdout.startswith("MDA ")
    assert smtpd.ctl("show", "hosts").stdout == ""
    done = smtpd.ctl("show", "nonsense", ok=False)
    assert done.returncode == 2 and "smtpctl help" in done.stderr
    for words in (("pause", "envelope"), ("schedule",), ("remove", "1", "2"),
                  ("show", "queue", "-x"), ("show", "message"), ("-x",)):
        assert smtpd.ctl(*words, ok=False).returncode == 2, words


def test_help_fits_a_narrow_terminal(smtpd):
    smtpd.configure(MAILDIR)
    smtpd.own()
    text = smtpd.ctl("--help").stdout
    assert max(map(len, text.splitlines())) <= 80
    assert text == smtpd.ctl("help").stdout == smtpd.ctl("-h").stdout
    assert smtpd.ctl(ok=False).returncode == 2
    only = smtpd.ctl("help", "show").stdout.splitlines()
    assert only and all(line.startswith("  show ") for line in only)
    assert smtpd.ctl("help", "nonsense", ok=False).returncode == 2


FACES = {"mailq", "makemap", "newaliases", "sendmail"}


def completion(smtpd, program, shell):
    binary = BUILD / "smtpd" / ("smtpctl" if program in FACES else program)
    made = subprocess.run(
        [ROOT / "tools" / "completions", Path(program).name, binary, shell,
         *FACES & {program}], capture_output=True, text=True, check=True)
    script = smtpd.dir / f"{Path(program).name}.{shell}"
    script.write_text(made.stdout)
    return script


COMPLETED = {"smtpctl": "monitor", "smtpd": "debug",
             "mailq": "mailq", "newaliases": "newaliases",
             "makemap": "-t", "sendmail": "-f",
             "filters/filter-checksenderdomain": "resolver",
             "filters/filter-eventlog": "help",
             "filters/filter-rspamd": "timeout",
             "filters/filter-senderscore": "allowlist"}


@pytest.mark.parametrize("program", COMPLETED)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_are_scripts_of_their_shells(smtpd, program, shell):
    script = completion(smtpd, program, shell)
    text = script.read_text()
    assert COMPLETED[program].lstrip("-" if shell == "fish" else "") in text
    if shutil.which(shell):
        done = subprocess.run([shell, "-n", script], capture_output=True,
                              text=True)
        assert (done.returncode, done.stderr) == (0, "")


def test_fish_completes_words(smtpd):
    if not shutil.which("fish"):
        pytest.skip("there is no fish")
    script = completion(smtpd, "smtpctl", "fish")
    done = subprocess.run(
        ["fish", "--no-config", "-c",
         f"source {script}; complete -C 'smtpctl show st'"],
        capture_output=True, text=True, env=dict(smtpd.env, TERM="dumb"))
    assert done.stderr == ""
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == [
        "stats", "status"]


def test_options_of_the_daemon(smtpd):
    def run(*args):
        return subprocess.run([SMTPD, *args], capture_output=True, text=True,
                              env=smtpd.env, **smtpd.as_user())
    smtpd.configure(MAILDIR)
    smtpd.own()
    told = run("--help")
    assert told.returncode == 0 and "--check" in told.stdout
    assert max(map(len, told.stdout.splitlines())) <= 80
    assert told.stdout == run("-h").stdout
    done = run("--check", "--file", smtpd.dir / "smtpd.conf")
    assert (done.returncode, done.stderr) == (0, "configuration OK\n")
    for args, wanted in ((("--bad",), "--bad"), (("-P", "x"), "mda, mta"),
                         (("-T", "x"), '"x"'), (("-D", "x"), "NAME=VALUE"),
                         (("operand",), '"operand"')):
        done = run(*args)
        assert done.returncode == 2 and wanted in done.stderr, args
        assert "--help" in done.stderr


def bash_completes(script, *words):
    name = words[0].replace("-", "_")
    probe = (f". {script}; COMP_WORDS=({' '.join(words)}); "
             f"COMP_CWORD={len(words) - 1}; _{name}; "
             'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", probe], capture_output=True,
                          text=True, check=True, cwd=script.parent)
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_what_other_names_take(smtpd):
    (smtpd.dir / "file").touch()
    for program, takes_files in (("makemap", True), ("sendmail", False),
                                 ("mailq", False),
                                 ("filters/filter-rspamd", False)):
        script = completion(smtpd, program, "bash")
        name = Path(program).name
        assert ("file" in bash_completes(script, name, "fi")) == takes_files
    script = smtpd.dir / "makemap.bash"
    assert bash_completes(script, "makemap", "-") == ["-o", "-t"]
    assert "file" in bash_completes(script, "makemap", "-o", "fi")
    assert bash_completes(script, "makemap", "-t", "fi") == []
    assert "-t" in bash_completes(smtpd.dir / "sendmail.bash", "sendmail",
                                  "-")
    assert bash_completes(smtpd.dir / "filter-rspamd.bash", "filter-rspamd",
                          "--tim") == ["--timeout"]


def test_bash_completes_words(smtpd):
    script = completion(smtpd, "smtpctl", "bash")

    def complete(*words):
        return bash_completes(script, *words)

    assert complete("smtpctl", "sho") == ["show"]
    assert complete("smtpctl", "show", "st") == ["stats", "status"]
    assert complete("smtpctl", "pause", "") == ["envelope", "mda", "mta",
                                                "smtp"]
    assert complete("smtpctl", "--") == ["--help"]
    assert complete("smtpctl", "spf", "walk", "-") == ["-4", "-6"]


def test_the_configuration_read_back_is_one(smtpd):
    (smtpd.dir / "more.conf").write_text('w = "away"\n')
    smtpd.start(
        'include "{dir}/more.conf"\n'
        "listen on 127.0.0.1 port {port} tag $w\n"
        'table users { "alice@example.org" = alice }\n'
        f'table base {{ alice = "{UID}:{GID}:{{dir}}/alice" }}\n'
        'table secrets { label = "joe:hunter2" }\n'
        "srs key hunter3\n"
        'action here maildir "{dir}/alice/Maildir" virtual <users> '
        "userbase <base>\n"
        'action out relay host "smtp+tls://label@127.0.0.1" '
        "auth <secrets> srs\n"
        'match tag away from any for domain "example.org" action here\n'
        "match from auth for any action out\n")
    text = smtpd.ctl("show", "config").stdout
    assert "hunter" not in text and '"joe:***"' in text
    assert "include" not in text and 'tag "away"' in text
    (smtpd.dir / "again.conf").write_text(text)
    (smtpd.dir / "again.conf").chmod(0o600)  # its table was one of passwords
    smtpd.own()
    done = subprocess.run(
        [SMTPD, "-n", "-f", smtpd.dir / "again.conf"], env=smtpd.env,
        capture_output=True, text=True, **smtpd.as_user())
    assert (done.returncode, done.stderr) == (0, "configuration OK\n")
    smtpd.stop()
    (smtpd.dir / "smtpd.conf").write_text(text)
    smtpd.start()
    assert smtpd.ctl("show", "config").stdout == text
    smtpd.send("alice@example.org")
    smtpd.wait_mails("alice", 1)


@pytest.mark.parametrize("name", ["mailq", "makemap", "newaliases",
                                  "sendmail"])
def test_each_face_says_how_it_is_used(smtpd, name):
    smtpd.own()
    done = smtpd.ctl("--help", name=name)
    assert done.stdout.startswith(f"usage: {name}") and done.stderr == ""
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_mailq_takes_what_show_queue_takes(smtpd):
    smtpd.start(MAILDIR, "-P", "mda")
    smtpd.send("alice@example.org")
    entry = json.loads(smtpd.ctl("-j", name="mailq").stdout)
    assert smtpd.ctl(entry["evpid"], name="mailq").stdout \
        == smtpd.ctl("show", "queue").stdout
    assert smtpd.ctl("-x", name="mailq", ok=False).returncode == 2
