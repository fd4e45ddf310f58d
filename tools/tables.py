# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The option tables of a program, as the program itself prints them.

"PROGRAM help --tables" prints a line for each command and each option, five
fields between tabs:

    command  letter  long  ARG  help

A line with neither letter nor long name is the command itself, its help the
one-line summary; its ARG, if any, what it takes.  The command "" stands for
the program's own options; its ARG, when it has a summary, is what the program takes besides.
A command may be two words, "noun verb".
"""

import dataclasses
import subprocess


@dataclasses.dataclass
class Option:
    letter: str
    long: str
    arg: str
    help: str


@dataclasses.dataclass
class Command:
    name: str
    summary: str
    options: list
    arg: str = ""


def read_tables(program, *face):
    """Run program; returns its commands by name, or None without tables.
    face: another name of it, that its tables are asked for."""
    try:
        done = subprocess.run(
            [program, "help", "--tables", *face], text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        return None
    if done.returncode != 0:
        return None
    commands = {}
    for line in done.stdout.splitlines():
        name, letter, long, arg, text = line.split("\t")
        command = commands.setdefault(name, Command(name, "", []))
        if letter or long:
            command.options.append(Option(letter, long, arg, text))
        else:
            command.summary = text
            command.arg = arg
    return commands
