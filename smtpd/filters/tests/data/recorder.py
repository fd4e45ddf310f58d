#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A filter that asks for everything and writes it to a file.

usage: recorder.py FILE

A line that the server said is kept behind "> ", an answer behind "< ".  What
an address or a HELO name begins with decides the answer: reject, disconnect,
junk, rewrite; a message whose Subject says so is rejected at commit.
"""

import sys

PHASES = ["connect", "helo", "ehlo", "starttls", "auth", "mail-from",
          "rcpt-to", "data", "data-line", "commit", "quit", "rset", "noop"]


def verdict(phase, param, state):
    if phase in ("helo", "ehlo", "mail-from", "rcpt-to"):
        if param.startswith("reject"):
            return "reject|550 the filter says no"
        if param.startswith("disconnect"):
            return "disconnect|421 the filter hangs up"
        if param.startswith("junk"):
            return "junk"
        if param.startswith("rewrite"):
            return "rewrite|<new@example.org>"
    if phase == "commit" and state.pop("refuse", False):
        return "reject|550 the filter refuses the message"
    return "proceed"


def main():
    state = {}
    with open(sys.argv[1], "a", buffering=1, encoding="latin-1") as log:
        def say(line):
            log.write("< " + line + "\n")
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

        sys.stdin.reconfigure(encoding="latin-1", newline="\n")
        sys.stdout.reconfigure(encoding="latin-1")
        for line in sys.stdin:
            line = line.rstrip("\n")
            log.write("> " + line + "\n")
            field = line.split("|")
            if line == "config|ready":
                say("register|report|smtp-in|*")
                say("register|report|smtp-out|*")
                for phase in PHASES:
                    say("register|filter|smtp-in|" + phase)
                say("register|ready")
            elif field[0] == "filter":
                phase, session, token = field[4:7]
                param = "|".join(field[7:])
                if phase == "data-line":
                    if param == "Subject: refuse":
                        state["refuse"] = True
                    say(f"filter-dataline|{session}|{token}|{param}")
                else:
                    say(f"filter-result|{session}|{token}|"
                        + verdict(phase, param, state))


main()
