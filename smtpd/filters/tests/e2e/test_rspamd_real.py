# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""filter-rspamd, with the distribution's rspamd, without the network."""

import shutil
import subprocess
import time
import socket

import pytest

from mailtalk import begin, judge

CONF = """
options {{
  pidfile = "{dir}/pid";
  tempdir = "{dir}";
  hs_cache_dir = "{dir}";
  url_tld = "{dir}/tld";
  filters = "dkim";
  disable_hyperscan = true;
  dns {{ nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }}
}}
logging {{ type = "console"; level = "info"; }}
actions {{
  reject = 15; "add header" = 6; "rewrite subject" = 4; greylist = 2;
  subject = "***SPAM*** %s";
}}
worker "normal" {{
  bind_socket = "{dir}/socket mode=0600"; mime = true; count = 1;
}}
lua = "{dir}/rules.lua";
modules {{ path = "{plugin}"; }}
dkim {{ }}
dkim_signing {{
  enabled = true; sign_local = true; use_domain = "envelope";
  allow_hdrfrom_mismatch = true; allow_username_mismatch = true;
  use_redis = false; use_esld = false;
  domain {{ example.org {{ path = "{dir}/key.pem"; selector = "s1"; }} }}
}}
"""
RULES = """
rspamd_config:register_symbol({ name = 'TEST', score = 0.0,
  callback = function(task)
    local rcpt = {}
    for _, r in ipairs(task:get_recipients('smtp') or {}) do
      rcpt[#rcpt + 1] = r.addr
    end
    local from = (task:get_from('smtp') or {})[1] or {}
    task:set_milter_reply({
      add_headers = { ['X-Seen'] = table.concat({
        tostring(task:get_ip()), tostring(task:get_hostname()),
        tostring(task:get_helo()), tostring(task:get_user()),
        tostring(task:get_queue_id()), from.addr or '',
        table.concat(rcpt, ',') }, ' ') },
      remove_headers = { ['X-Drop'] = 0 } })
    local want = task:get_header('X-Want')
    if want == 'soft' then
      task:set_pre_result('soft reject', 'come back')
    elseif want then
      task:insert_result(want, 1.0)
    end
    return true
  end })
rspamd_config:set_metric_symbol({ name = 'WANT_SPAM', score = 7.0 })
rspamd_config:set_metric_symbol({ name = 'WANT_SUBJECT', score = 5.0 })
rspamd_config:set_metric_symbol({ name = 'WANT_GREY', score = 3.0 })
"""
PLUGIN = "/usr/share/rspamd/plugins/dkim_signing.lua"
GTUBE = ("XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL"
         "*C.34X")


def is_there(path):
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect(str(path))
        except OSError:
            return False
        return True


@pytest.fixture(scope="module")
def rspamd(tmp_path_factory):
    if shutil.which("rspamd") is None:
        pytest.skip("rspamd is not installed")
    folder = tmp_path_factory.mktemp("r")
    (folder / "rspamd.conf").write_text(CONF.format(
        dir=folder, plugin=PLUGIN))
    (folder / "rules.lua").write_text(RULES)
    (folder / "tld").write_text("com\nnet\norg\n")
    subprocess.run(["openssl", "genrsa", "-out", folder / "key.pem", "2048"],
                   check=True, capture_output=True)
    with open(folder / "log", "wb") as log:
        # -i: it may run as root, which it is not going to be for long.
        proc = subprocess.Popen(
            ["rspamd", "-c", folder / "rspamd.conf", "-f", "-i"],
            stdout=log, stderr=log)
    end = time.monotonic() + 60
    while not is_there(folder / "socket"):
        assert proc.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < end, (folder / "log").read_text()
        time.sleep(0.05)
    yield folder / "socket"
    proc.terminate()
    proc.wait(60)


@pytest.fixture
def f(start, rspamd, tmp_path):
    return start("rspamd", "-url", rspamd, "-spool", tmp_path)


def mail(*headers, body="hello"):
    return ["From: <a@example.org>", "To: <b@example.net>",
            "Message-Id: <1@example.org>", "Subject: a test",
            "Date: Sat, 21 Nov 2026 10:00:00 +0000", *headers, "", body]


def test_rspamd_hears_all_and_edits_the_header(f):
    begin(f, sender="x@example.com")
    lines = mail("X-Drop: me", " and me", "X-Keep: me")
    out, verdict = judge(f, lines)
    assert verdict == "proceed"
    assert out == [
        "X-Seen: 192.0.2.7 mx.example.org helo.example.org nil 0a0b0c0d "
        "x@example.com b@example.net,c@example.net",
        *mail("X-Keep: me"), "."]
    assert f.end() == (b"", "", 0)


def test_rspamd_rejects_its_test_message(f):
    begin(f)
    lines = mail(body=GTUBE)
    assert judge(f, lines) == (
        [*lines, "."], "reject|550 5.7.1 Gtube pattern")


def test_rspamd_asks_to_come_back(f):
    begin(f)
    lines = mail("X-Want: soft")
    assert judge(f, lines) == ([*lines, "."], "reject|451 4.7.1 come back")


def test_rspamd_marks_spam(f):
    begin(f)
    out, verdict = judge(f, mail("X-Want: WANT_SPAM"))
    assert verdict == "proceed"
    assert out[:4] == [
        "X-Spam: yes", "X-Spam-Score: 7 / 15",
        "X-Spam-Status: Yes, score=7.000 required=15.000",
        "\ttests=[R_DKIM_NA=0.000, TEST=0.000, WANT_SPAM=7.000]"]


def test_rspamd_rewrites_the_subject(f):
    begin(f)
    out, verdict = judge(f, mail("X-Want: WANT_SUBJECT"))
    assert verdict == "proceed"
    subjects = [line for line in out if line.lower().startswith("subject")]
    assert subjects == ["Subject: ***SPAM*** a test"]


def test_a_greylisted_message_that_came_back_passes(f):
    begin(f, sender="x@example.com")
    lines = mail("X-Want: WANT_GREY")
    out, verdict = judge(f, lines)
    assert verdict == "proceed"
    assert out[1:] == [*lines, "."]


def test_rspamd_signs_for_our_own(f):
    f.report("link-auth", 1, "pass", "a")
    begin(f)
    lines = mail()
    out, verdict = judge(f, lines)
    assert verdict == "proceed"
    at = out.index(lines[0])
    assert out[at:] == [*lines, "."]
    signature = [line for line in out[:at] if not line.startswith("X-Seen")]
    assert signature[0].startswith("DKIM-Signature: v=1; a=rsa-sha256;")
    assert len(signature) > 4
    assert all(line[0] in " \t" for line in signature[1:])
    assert all(len(line) <= 78 for line in signature)
