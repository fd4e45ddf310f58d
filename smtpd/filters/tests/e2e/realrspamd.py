# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The distribution's rspamd, on its own: no network, no files of others."""

import socket
import subprocess
import time

from ports import free_port

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
  bind_socket = ["{dir}/socket mode=0600", "127.0.0.1:{port}"];
  mime = true; count = 1;
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


def is_there(path):
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect(str(path))
        except OSError:
            return False
        return True


class Rspamd:
    """Runs in folder, and listens at socket and at url."""

    def __init__(self, folder):
        port = free_port()
        self.socket = folder / "socket"
        self.key = folder / "key.pem"
        self.url = f"http://127.0.0.1:{port}"
        (folder / "rspamd.conf").write_text(CONF.format(
            dir=folder, plugin=PLUGIN, port=port))
        (folder / "rules.lua").write_text(RULES)
        (folder / "tld").write_text("com\nnet\norg\n")
        subprocess.run(
            ["openssl", "genrsa", "-out", self.key, "2048"],
            check=True, capture_output=True)
        with open(folder / "log", "wb") as log:
            # -i: it may run as root.
            self.proc = subprocess.Popen(
                ["rspamd", "-c", folder / "rspamd.conf", "-f", "-i"],
                stdout=log, stderr=log)
        end = time.monotonic() + 60
        while not is_there(self.socket):
            assert self.proc.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end, (folder / "log").read_text()
            time.sleep(0.05)

    def stop(self):
        self.proc.terminate()
        self.proc.wait(60)
