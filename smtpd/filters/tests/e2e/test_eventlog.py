# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""filter-eventlog, with a server of every temper."""

import os
import pathlib
import select
import subprocess
import threading

from filterserver import FILTERS

DAY = 86400
NOV_14 = 1700000000  # 2023-11-14, UTC


def rss_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def test_keeps_reports_as_they_came_a_day_a_file(start, tmp_path):
    f = start("eventlog", "-d", tmp_path)
    # OpenSMTPD says an event once for each time that it was asked for.
    assert f.registered == ["register|report|smtp-in|*",
                            "register|report|smtp-out|*", "register|ready"]
    f.send("config|protocol|0.7\nconfig|ready\n")
    f.report("link-connect", 1, "a", "pass", "1.2.3.4:5", "1.2.3.4:25")
    f.report("link-disconnect", 1, at=NOV_14 + DAY)
    out, errors, code = f.end()
    assert (out, errors, code) == (b"", "", 0)
    first = (tmp_path / "2023-11-14.events").read_text()
    assert first == (
        "report|0.7|1700000000.000001|smtp-in|link-connect|"
        "0000000000000001|a|pass|1.2.3.4:5|1.2.3.4:25\n"
    )
    second = (tmp_path / "2023-11-15.events").read_text()
    assert second.endswith("|link-disconnect|0000000000000001\n")


def test_a_day_that_was_kept_can_be_given_again(start, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    f = start("eventlog", "-d", tmp_path / "a")
    for n in range(1000):
        f.report("tx-begin", n, f"{n:08x}")
    assert f.end()[2] == 0
    kept = (tmp_path / "a" / "2023-11-14.events").read_bytes()
    assert kept.count(b"\n") == 1000
    again = start("eventlog", "-d", tmp_path / "b")
    again.send(kept)
    assert again.end()[2] == 0
    assert (tmp_path / "b" / "2023-11-14.events").read_bytes() == kept


def test_passes_over_what_it_does_not_understand(start, tmp_path):
    f = start("eventlog", "-d", tmp_path)
    f.send(b"\n\0\0\nreport\nreport|0.7\nnews|1\nconfig\n|||||||\n")
    f.report("link-dance", 1, "x")
    f.report("link-disconnect", 77)
    out, errors, code = f.end()
    assert (out, code) == (b"", 0)
    assert errors.count("passed over") == 4
    kept = (tmp_path / "2023-11-14.events").read_text().splitlines()
    assert [line.split("|")[4] for line in kept] == [
        "link-dance", "link-disconnect"]


def test_a_line_cut_by_a_hang_up_is_no_report(start, tmp_path):
    f = start("eventlog", "-d", tmp_path)
    f.send("report|0.7|1700000000.000001|smtp-in|timeout|00000000000000")
    assert f.end()[1:] == ("", 0)
    assert list(tmp_path.iterdir()) == []


def test_answers_what_it_did_not_ask_for_in_the_servers_order(start, tmp_path):
    f = start("eventlog", "-d", tmp_path)
    f.request("helo", 1, "00ff", "me")
    assert f.answer() == "filter-result|0000000000000001|00ff|proceed"
    f.request("helo", 1, "00ff", "me", version="0.4")
    assert f.answer() == "filter-result|00ff|0000000000000001|proceed"


def test_a_megabyte_line_is_kept_whole(start, tmp_path):
    f = start("eventlog", "-d", tmp_path)
    f.report("protocol-client", 1, "x" * 1048576)
    assert f.end()[2] == 0
    kept = (tmp_path / "2023-11-14.events").read_bytes()
    assert kept.endswith(b"|" + b"x" * 1048576 + b"\n")


def test_a_line_without_an_end_ends_the_filter_and_says_why(start, tmp_path):
    f = start("eventlog", "-d", tmp_path)
    try:
        for _ in range(16):
            f.send(b"x" * 1048576)
    except BrokenPipeError:
        pass
    f.proc.wait(60)
    assert f.proc.returncode == 1
    assert b"a line above" in f.proc.stderr.read()


def test_memory_stays_flat_over_a_hundred_mebibytes(start, tmp_path):
    f = start("eventlog", "-d", tmp_path)
    block = b"config|x|" + b"y" * 1000 + b"\n"
    f.send(block * 1000)
    f.request("noop", 1, "01", "")
    f.answer()
    before = rss_kib(f.proc.pid)
    for _ in range(100):
        f.send(block * 1040)
    f.request("noop", 1, "02", "")
    assert f.answer().endswith("|02|proceed")
    assert rss_kib(f.proc.pid) - before < 4096
    assert f.end()[2] == 0


def test_thousands_of_sessions_at_once_are_each_answered(start, tmp_path):
    f = start("eventlog", "-d", tmp_path)
    for at in range(0, 5000, 100):
        batch = range(at, at + 100)
        for n in batch:
            f.report("link-connect", n, "a", "pass", "1.2.3.4:5", "[::1]:25")
            f.request("helo", n, f"{n:x}", "me")
        for n in batch:
            assert f.answer() == f"filter-result|{n:016x}|{n:x}|proceed"
    assert f.end()[2] == 0


def test_says_what_is_wrong_before_it_starts(tmp_path):
    def run(*args):
        return subprocess.run(
            [FILTERS / "filter-eventlog", *args], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60)

    assert run("--help").returncode == 0
    assert "usage: filter-eventlog" in run("--help").stdout
    assert run().returncode == 2
    missing = run("-d", str(tmp_path / "none"))
    assert missing.returncode == 1
    assert "No such file" in missing.stderr


def test_waits_for_a_server_that_does_not_listen(start, tmp_path):
    f = start("eventlog", "-d", tmp_path)
    n = 100000  # answers of 46 bytes: more than pipe and filter hold
    os.set_blocking(f.proc.stdin.fileno(), False)
    lines = b"".join(
        b"filter|0.7|1.000000|smtp-in|noop|0000000000000001|%06x|\n" % i
        for i in range(n))
    sent = 0
    while sent < len(lines):
        # Both pipes fill up: the filter has stopped to read.
        ready = select.select([], [f.proc.stdin], [], 1)[1]
        if not ready:
            break
        sent += os.write(f.proc.stdin.fileno(), lines[sent:sent + 4096])
    assert sent < len(lines)
    assert rss_kib(f.proc.pid) < 64 * 1024
    os.set_blocking(f.proc.stdin.fileno(), True)
    rest = threading.Thread(target=f.send, args=(lines[sent:],))
    rest.start()
    for i in range(n):
        assert f.answer() == (
            f"filter-result|0000000000000001|{i:06x}|proceed")
    rest.join()
    assert f.end()[2] == 0
