# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""smtpd.conf(5) and the grammar know the same words."""

import re

from conftest import ROOT

PAGE = (ROOT / "smtpd/man/smtpd.conf.5").read_text()
MACROS = {"Ar", "Fl", "It", "Li", "Ns", "No", "Oc", "Oo", "Op", "Pa", "Pq",
          "Ql", "Qq", "Sy", "Xc", "Xo", "Xr"}
# What stands where a keyword could, and is a value of one.
VALUES = {"all", "stdin", "auto", "compat", "none", "secure", "starttls",
          "reserve", "tlsv1.2", "tlsv1.3", "sender", "rcpt", "dest", "user.username",
          "user.directory", "mbox.from"}


def keywords():
    text = (ROOT / "smtpd/conf/lex.c").read_text()
    table = text.partition("keywords[] = {")[2].partition("};")[0]
    return re.findall(r'{ "([^"]+)", \w+ }', table)


def limits():
    text = "".join(path.read_text()
                   for path in (ROOT / "smtpd/conf").glob("build*.c"))
    return set(re.findall(r'"((?:[a-z]+-)+[a-z]+)"', text))


def told():
    """The words that the page sets as commands."""
    for line in PAGE.splitlines():
        command = False
        for word in line.removeprefix(".").split() if line[:1] == "." else ():
            if word in ("Cm", "Ic"):
                command = True
            elif word in MACROS:
                command = False
            elif command and re.fullmatch(r"[a-z][a-z0-9.-]+", word):
                yield word


def test_each_keyword_is_in_the_manual():
    known = keywords()
    assert len(known) > 80
    assert [word for word in known if not re.search(
        rf"(?<![\w-]){re.escape(word)}(?![\w-])", PAGE)] == []


def test_the_manual_has_no_word_that_the_grammar_lacks():
    assert "max-mails" in limits()
    assert set(told()) - set(keywords()) - limits() - VALUES == set()
