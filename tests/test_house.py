# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The checks of the house find what they are there to find."""

import pathlib
import shutil
import subprocess
import sys

import pytest

import maison

ROOT = maison.ROOT
LICENCE = ("/* SPDX-License-Identifier: ISC */\n"
           "/* Copyright (c) 2026 The maison authors */\n")


def run(*command, **more):
    return subprocess.run(
        [str(word) for word in command], text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)


@pytest.fixture
def tree(tmp_path):
    """A small tree that keeps the rules."""
    files = {
        "tools/layers": "plakar/a:\nplakar/b: plakar/a\nplakar: *\n"
                        "smtpd: *\n",
        "lib/buf.h": "",
        "plakar/a/a.h": "",
        "plakar/a/a_internal.h": "",
        "plakar/a/a.c": '#include "plakar/a/a_internal.h"\n',
        "plakar/b/b.h": "",
        "plakar/b/b.c": '#include "lib/buf.h"\n#include "plakar/a/a.h"\n',
        "plakar/main.c": '#include "plakar/b/b.h"\n',
        "smtpd/s.h": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(LICENCE * name.endswith((".c", ".h")) + text)
    return tmp_path


def check_layers(tree):
    done = run(ROOT / "tools" / "check-layers", tree)
    return done.returncode, done.stdout


def test_layers_accept_a_tree_that_keeps_the_rules(tree):
    assert check_layers(tree) == (0, "8 sources, 0 faults\n")


@pytest.mark.parametrize("path, text, fault", [
    ("lib/x.c", '#include "plakar/a/a.h"\n', "lib includes plakar/a/a.h"),
    ("plakar/a/x.c", '#include "smtpd/s.h"\n', "plakar includes smtpd/s.h"),
    ("plakar/a/x.c", '#include "plakar/b/b.h"\n',
     "plakar/a includes plakar/b"),
    ("plakar/a/x.c", '#include "a.h"\n', "not a path from the root"),
    ("plakar/b/x.c", '#include "plakar/a/a_internal.h"\n',
     "internal to its folder"),
    ("plakar/a/x.c", "char *f(char *a) { return strcpy(a, a); }\n",
     "strcpy() is forbidden"),
    ("plakar/a/x.c", "\n" * 901, "two thoughts"),
    ("plakar/c/x.c", "", "plakar/c: a room that tools/layers does not list"),
    ("plakar/a/x.h", '#include "plakar/a/x.h"\n', "a circle"),
])
def test_layers_find_a_broken_rule(tree, path, text, fault):
    (tree / path).parent.mkdir(exist_ok=True)
    (tree / path).write_text(LICENCE + text)
    status, output = check_layers(tree)
    assert status == 1
    assert fault in output


def test_layers_want_a_licence(tree):
    (tree / "lib/x.c").write_text("int x;\n")
    status, output = check_layers(tree)
    assert status == 1
    assert "lib/x.c: no SPDX line" in output


def test_layers_overlook_comments_and_strings(tree):
    (tree / "lib/x.c").write_text(
        LICENCE + '/* never strcpy(a, b) */\nchar *s = "gets(x)";\n')
    assert check_layers(tree)[0] == 0


def test_layers_find_a_circle_in_their_own_table(tree):
    (tree / "tools/layers").write_text("plakar/a: plakar/b\nplakar/b:\n")
    assert "which is not above" in check_layers(tree)[1]


@pytest.fixture
def house(tmp_path):
    """A copy of the checks, with a program of its own to check."""
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    program = tmp_path / "program"
    program.write_text(
        "#!/bin/sh\n"
        "printf 'push\\t\\t\\t\\tsave a directory\\n'\n"
        "printf 'push\\tn\\tdry-run\\t\\tonly say\\n'\n"
        "printf 'push\\t\\texclude\\tPATTERN\\tleave out\\n'\n")
    program.chmod(0o755)
    man = tmp_path / "plakar" / "man"
    man.mkdir(parents=True)
    return tmp_path


PAGE = """\
.\\" SPDX-License-Identifier: ISC
.Dd November 21, 2026
.Dt PLAKAR-PUSH 1
.Os
.Sh NAME
.Nm plakar-push
.Nd save a directory
.Sh SYNOPSIS
.Nm
.Op Fl n
.Sh DESCRIPTION
It saves.
.Bl -tag -width Ds
{items}
.El
"""
GOOD = (".It Fl n , Fl -dry-run\nOnly say.\n"
        ".It Fl -exclude Ar pattern\nLeave out.")


def check_man(house, items):
    page = house / "plakar" / "man" / "plakar-push.1"
    page.write_text(PAGE.format(items=items))
    done = run(house / "tools" / "check-man", "plakar", house / "program")
    return done.returncode, done.stdout


def test_manual_that_tells_all_options_passes(house):
    assert check_man(house, GOOD) == (0, "1 pages, 0 faults\n")


@pytest.mark.parametrize("old, new, fault", [
    (".It Fl n , Fl -dry-run", ".It Fl n", "--dry-run is missing"),
    (".It Fl n , Fl -dry-run", ".It Fl -dry-run", "-n is missing"),
    ("-exclude Ar pattern", "-exclude", "takes nothing, its table says"),
    ("Leave out.", "Leave.\n.It Fl -more\nX.", "--more is in no table"),
    ("Only say.", "Only say. \nYes.", "whitespace at end of input line"),
])
def test_manual_and_tables_that_differ_are_found(house, old, new, fault):
    maison.need("mandoc")
    status, output = check_man(house, GOOD.replace(old, new))
    assert status == 1
    assert fault in output


def test_command_without_a_manual_is_found(house):
    (house / "plakar" / "man" / "plakar-other.1").write_text(
        PAGE.format(items=GOOD))
    done = run(house / "tools" / "check-man", "plakar", house / "program")
    assert "plakar-push: no manual page" in done.stdout


def test_completions_are_scripts_that_their_shells_accept(house):
    for shell in ("bash", "zsh", "fish"):
        done = run(house / "tools" / "completions", "plakar",
                   house / "program", shell)
        assert done.returncode == 0, done.stdout
        for word in ("push", "exclude"):
            assert word in done.stdout
        script = house / f"completion.{shell}"
        script.write_text(done.stdout)
        if shutil.which(shell):
            checked = run(shell, "-n", script)
            assert (checked.returncode, checked.stdout) == (0, "")


def test_bash_completes_commands_and_options(house):
    done = run(house / "tools" / "completions", "plakar", house / "program",
               "bash")
    script = house / "completion.bash"
    script.write_text(done.stdout)

    def complete(*words):
        probe = (f". {script}; COMP_WORDS=({' '.join(words)}); "
                 f"COMP_CWORD={len(words) - 1}; _plakar; "
                 'printf "%s\\n" "${COMPREPLY[@]}"')
        return run("bash", "-c", probe).stdout.split()

    assert complete("plakar", "pu") == ["push"]
    assert complete("plakar", "push", "--d") == ["--dry-run"]
    assert complete("plakar", "push", "--") == ["--dry-run", "--exclude"]


def test_install_brings_programs_manuals_and_completions(tmp_path):
    done = run("meson", "install", "-C", maison.build_dir(), "--no-rebuild",
               "--quiet", "--destdir", tmp_path)
    assert done.returncode == 0, done.stdout
    installed = {path.name for path in tmp_path.rglob("*")}
    for page in ROOT.glob("*/man/*.[1-8]"):
        assert page.name in installed, f"{page.name} is not installed"
    for folder, name in (("plakar", "plakar"), ("smtpd", "smtpctl"),
                         ("fion", "fion")):
        if (maison.build_dir() / folder / name).is_file():
            assert {name, f"_{name}", f"{name}.fish"} <= installed


def test_front_door_says_what_it_can_do():
    done = run(ROOT / "dev", "help")
    assert done.returncode == 0
    for command in ("build", "demo", "test", "check", "bench", "fuzz",
                    "lint", "fmt", "install"):
        assert f"\n  {command} " in done.stdout
    assert run(ROOT / "dev", "nonsense").returncode == 2


def test_daemon_of_the_support_is_ended_with_its_children(tmp_path):
    script = "sh -c 'echo $$; exec sleep 1000' & wait"
    with maison.Daemon(["sh", "-c", script], tmp_path / "log") as daemon:
        child = daemon.wait_for("the child's number", daemon.output)
    def ended():
        stat = pathlib.Path(f"/proc/{int(child)}/stat")
        try:
            return stat.read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except FileNotFoundError:
            return True
    maison.wait_for("the child's end", ended)


def test_daemon_of_the_support_reports_sanitizers(tmp_path):
    with pytest.raises(AssertionError, match="AddressSanitizer"):
        with maison.Daemon(
                [sys.executable, "-c", "print('AddressSanitizer: oh')"],
                tmp_path / "log") as daemon:
            daemon.process.wait()
