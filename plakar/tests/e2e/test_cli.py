# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The command line: what each command does, and says when it is misused."""

import json
import os
import pathlib
import pty
import re
import resource
import select
import subprocess
import time

import pytest

from maison import PATIENCE, ROOT, clean_env, need, program, wait_for

LINE = re.compile(r"\d{4}-\d\d-\d\d-\d\d:\d\d:\d\d ([0-9a-f]{32}) "
                  r"dcnt=(\d+) fcnt=(\d+) size=\S+")
COMMANDS = ["init", "push", "pull", "list", "ls", "cat", "trash", "check",
            "help", "version"]


class Cli:
    """plakar in a home of its own, with a passphrase in its environment."""

    def __init__(self, home):
        self.home = home
        self.source = home / "source"
        self.repository = home / ".plakar"
        self.env = clean_env(home, PLAKAR_PASSPHRASE="secret")

    def __call__(self, *args, status=0, env=None, **run):
        done = subprocess.run(
            [program("plakar/plakar"), *map(str, args)], cwd=self.home,
            env=self.env if env is None else env, timeout=PATIENCE,
            stdin=subprocess.DEVNULL, start_new_session=True,
            capture_output=True, text=True, check=False, **run)
        said = done.stdout + done.stderr
        assert "Sanitizer" not in said and "runtime error" not in said, said
        assert done.returncode == status, (done.returncode, said)
        return done

    def fail(self, *args, words, status=1, **run):
        """It fails, says why in one line, and prints nothing else."""
        done = self(*args, status=status, **run)
        assert words in done.stderr
        assert done.stderr.startswith("plakar: ")
        assert done.stderr.count("\n") == 1
        return done

    def push(self):
        said = self("push", self.source).stdout
        return re.search(r"^snapshot ([0-9a-f]{32}): ", said, re.M)[1]

    def without(self, name):
        return {k: v for k, v in self.env.items() if k != name}


@pytest.fixture
def cli(tmp_path):
    cli = Cli(tmp_path)
    (cli.source / "sub").mkdir(parents=True)
    (cli.source / "letter").write_text("Dear reader,\n")
    (cli.source / "sub/big").write_bytes(bytes(range(256)) * 2000)
    (cli.source / "empty").touch()
    (cli.source / "link").symlink_to("letter")
    with open(cli.source / "sparse", "wb") as f:
        f.seek(300_000)
        f.write(b"end")
    return cli


@pytest.fixture
def pushed(cli):
    cli("init")
    cli.id = cli.push()
    return cli


# --- what each command is for ---

def test_first_push_makes_the_repository(cli):
    done = cli("push", cli.source)
    assert re.search(r"^snapshot [0-9a-f]{32}: dirs=\d+, files=5, errors=0$",
                     done.stdout, re.M)
    assert (cli.repository / "config").is_file()
    assert len(list((cli.repository / "keys").iterdir())) == 1


def test_list_prints_a_line_a_snapshot(pushed):
    second = pushed.push()
    lines = pushed("list").stdout.splitlines()
    assert [LINE.match(line)[1] for line in lines] == [pushed.id, second]
    assert LINE.match(lines[0])[3] == "5"
    assert str(pushed.source) in lines[0]


def test_list_by_tag(pushed):
    pushed("push", "--tag", "daily", pushed.source)
    assert len(pushed("list", "--tag", "daily").stdout.splitlines()) == 1
    assert pushed("list", "--tag", "weekly").stdout == ""


def test_ls_lists_a_directory(pushed):
    spec = f"{pushed.id[:8]}:{pushed.source}"
    assert pushed("ls", spec).stdout.splitlines() == [
        "empty", "letter", "link", "sparse", "sub/"]
    lines = pushed("ls", "-l", spec).stdout.splitlines()
    assert lines[1].startswith("-rw") and " 13 " in lines[1]
    assert lines[2].startswith("l") and lines[2].endswith("link -> letter")
    lines = pushed("ls", "-R", spec).stdout.splitlines()
    assert lines[-1] == f"{pushed.source}/sub/big"
    assert pushed("ls", f"{spec}/letter").stdout == "letter\n"
    assert pushed("ls", "latest").stdout.count("\n") == 1


def test_ls_escapes_names(pushed):
    (pushed.source / "two\nlines\033[2J").touch()
    pushed.push()
    assert "two\\x0alines\\x1b[2J\n" in pushed(
        "ls", f"latest:{pushed.source}").stdout


@pytest.mark.parametrize("name", ["letter", "sub/big", "empty", "sparse"])
def test_cat_prints_what_was_saved(pushed, name):
    done = subprocess.run(
        [program("plakar/plakar"), "cat", f"latest:{pushed.source}/{name}"],
        env=pushed.env, capture_output=True, check=True)
    assert done.stdout == (pushed.source / name).read_bytes()


def test_pull_brings_it_back(pushed):
    pushed("pull", pushed.id[:4])
    back = pathlib.Path(f"{pushed.home}/{pushed.id}{pushed.source}")
    subprocess.run(["diff", "-r", "--no-dereference", pushed.source, back],
                   check=True)
    pushed("pull", f"latest:{pushed.source}/letter", "--to",
           pushed.home / "to")
    assert pathlib.Path(f"{pushed.home}/to{pushed.source}/letter").is_file()


@pytest.mark.parametrize("name", ["trash", "remove"])
def test_trash_hides_and_undo_shows(pushed, name):
    pushed(name, pushed.id[:6])
    assert pushed("list").stdout == ""
    assert pushed.id in pushed("list", "--trashed").stdout
    pushed.fail("ls", pushed.id, words="snapshot")
    pushed(name, "--undo", pushed.id[:6])
    assert pushed.id in pushed("list").stdout
    pushed.fail(name, "--undo", pushed.id, words="not in the trash", status=2)


def test_trash_is_all_or_nothing(pushed):
    pushed.fail("trash", pushed.id, "ffffffffffff", words="ffffffffffff")
    assert pushed.id in pushed("list").stdout


def test_check_says_ok_or_ko(pushed):
    assert f"{pushed.id}: OK" in pushed("check", "--data").stdout
    pushed("check", "--keyless", env=pushed.without("PLAKAR_PASSPHRASE"))
    pack = next((pushed.repository / "data").rglob("?" * 64))
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(content)
    done = pushed("check", "--data", status=1)
    assert f"{pushed.id}: KO" in done.stdout
    assert pack.name in done.stderr


def test_location_by_word_environment_or_home(cli):
    cli("at", "elsewhere", "init")
    assert (cli.home / "elsewhere/config").is_file()
    cli("--quiet", "at", "third", "--no-passphrase", "init",
        env=cli.without("PLAKAR_PASSPHRASE"))
    assert cli("at", "third", "list").stdout == ""
    env = dict(cli.env, PLAKAR_REPOSITORY=str(cli.home / "elsewhere"))
    assert cli("list", env=env).stdout == ""


# --- what programs read ---

def test_json_is_an_object_a_line(pushed):
    os.mkdir(os.fsencode(pushed.source) + b"/caf\xe9")
    for args in (["push", pushed.source], ["list"], ["version"],
                 ["ls", "-R", "latest"], ["check"], ["trash", pushed.id],
                 ["pull", "latest", "--to", "x"]):
        for words in (["--json", *args], [*args, "--json"]):
            if words[-2:] == [pushed.id, "--json"]:
                continue
            done = pushed(*words)
            assert done.stdout
            for line in done.stdout.splitlines():
                assert json.loads(line)["type"]
    entries = [json.loads(line) for line in
               pushed("--json", "ls", "-R", "latest").stdout.splitlines()]
    assert any(bytes.fromhex(e.get("path_hex", "")).endswith(b"/caf\xe9")
               for e in entries)
    letter = next(e for e in entries
                  if e.get("path", "").endswith("/letter"))
    assert letter["size"] == 13 and letter["kind"] == "file"


def test_quiet_says_only_results(pushed):
    assert pushed("--quiet", "trash", pushed.id).stdout == ""
    assert pushed("-q", "list", "--trashed").stdout.count("\n") == 1


def test_no_progress_without_a_terminal(pushed):
    done = pushed("push", "--force", pushed.source)
    assert done.stderr == "" and "\r" not in done.stdout


def test_tables_are_five_fields_a_line(cli):
    rows = [line.split("\t") for line in
            cli("help", "--tables").stdout.splitlines()]
    assert all(len(row) == 5 for row in rows)
    assert [row[0] for row in rows if not row[2]] == ["", *COMMANDS]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_the_terminal(cli, name):
    text = cli(name, "--help").stdout
    assert text == cli("help", name).stdout
    assert f"plakar [at LOCATION] {name}" in text
    assert max(map(len, text.splitlines())) <= 80


def test_usage_names_every_command(cli):
    text = cli("help").stdout
    assert text == cli("--help").stdout
    for name in COMMANDS:
        assert f"\n  {name} " in text
    assert cli(status=2).stderr == text
    assert max(map(len, text.splitlines())) <= 80


# --- what goes wrong ---

@pytest.mark.parametrize("args,words", [
    (["lst"], 'is it "list"?'),
    (["frobnicate"], '"plakar help" lists them'),
    (["at"], "needs a location"),
    (["--nonsense", "list"], "--nonsense"),
    (["list", "--nonsense"], "--nonsense"),
    (["list", "superfluous"], "superfluous argument"),
    (["cat"], "missing argument"),
    (["ls"], "missing argument"),
    (["ls", "a", "b"], "superfluous argument"),
    (["help", "lst"], 'is it "list"?'),
    (["push", "--jobs", "0"], "--jobs"),
    (["--key-file", "x", "--passphrase-file", "y", "init"], "give one of"),
])
def test_misuse_is_told(cli, args, words):
    cli.fail(*args, words=words, status=2)


def test_no_repository_says_how_to_make_one(cli):
    cli.fail("list", words="init")
    cli.fail("at", cli.source, "list", words=str(cli.source))
    cli.fail("at", cli.source / "letter", "list", words="letter")


def test_init_does_not_take_over_what_is_there(pushed):
    pushed.fail("init", words=str(pushed.repository))
    pushed.fail("at", pushed.source, "init", words=str(pushed.source))


def test_wrong_and_empty_passphrase(pushed):
    pushed.fail("list", words="wrong passphrase",
                env=dict(pushed.env, PLAKAR_PASSPHRASE="guess"))
    pushed.fail("list", words="PLAKAR_PASSPHRASE is empty", status=2,
                env=dict(pushed.env, PLAKAR_PASSPHRASE=""))
    pushed.fail("list", words="no terminal",
                env=pushed.without("PLAKAR_PASSPHRASE"))
    (pushed.home / "pass").write_text("\n")
    pushed.fail("--passphrase-file", "pass", "list", words="empty", status=2)
    pushed.fail("--passphrase-command", "exit 4", "list",
                words="command failed")
    pushed.fail("--no-passphrase", "list", words="passphrase")


def test_every_way_to_a_passphrase(cli):
    (cli.home / "pass").write_text("from file\n")
    (cli.home / "key").write_bytes(os.urandom(32))
    bare = cli.without("PLAKAR_PASSPHRASE")
    for name, option in {
            "a": ["--passphrase-file", "pass"],
            "b": ["--passphrase-command", "echo from command"],
            "c": ["--key-file", "key"],
            "d": ["--no-passphrase"]}.items():
        cli("at", name, *option, "init", env=bare)
        cli("at", name, *option, "list", env=bare)
    # Without a secret there is nothing to ask for.
    cli("at", "d", "list", env=bare)
    assert "wrong passphrase" in cli(
        "at", "a", "list", status=1,
        env=dict(bare, PLAKAR_PASSPHRASE="x")).stderr


def test_passphrase_is_nowhere_in_the_repository(pushed):
    for path in pushed.repository.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"secret" not in content and b"letter" not in content


def test_no_home(cli):
    cli.fail("list", words="HOME", status=2, env=cli.without("HOME"))


def test_prefix_must_be_unambiguous(pushed):
    ids = [pushed.id]
    while len({i[0] for i in ids}) == len(ids):
        ids.append(pushed.push())
    twice = next(i[0] for i in ids if sum(j[0] == i[0] for j in ids) > 1)
    done = pushed.fail("ls", twice, words="2", status=2)
    assert twice in done.stderr


@pytest.mark.parametrize("spec,status", [
    ("ffffffffffffffff", 1), ("xyz", 2), ("", 2), ("ABCD", 2),
    ("latest:/nonexistent", 1), ("latest:relative", 2),
    ("latest:/a/../b", 2)])
def test_what_is_not_there(pushed, spec, status):
    pushed.fail("ls", spec, words="", status=status)
    pushed.fail("cat", spec, words="", status=status)


def test_cat_of_a_directory(pushed):
    pushed.fail("cat", f"latest:{pushed.source}", words="not a file", status=2)


def config_with(repository, change):
    path = repository / "config"
    content = bytearray(path.read_bytes())
    change(content)
    path.chmod(0o600)
    path.write_bytes(content)


def test_newer_format_is_refused(pushed):
    config_with(pushed.repository,
                lambda c: c.__setitem__(slice(8, 12), b"\2\0\0\0"))
    pushed.fail("list", words="version 2")


def test_unknown_feature_is_named(pushed):
    def add(content):
        feature = bytes([7, 12]) + b"time-machine"
        content[-32:-32] = feature
        content[12:16] = (len(content) - 48).to_bytes(4, "little")
    config_with(pushed.repository, add)
    pushed.fail("list", words='"time-machine"')


def test_changed_config_is_noticed(pushed):
    config_with(pushed.repository,
                lambda c: c.__setitem__(-1, c[-1] ^ 1))
    pushed.fail("list", words="config")


def as_nobody(cli, *args):
    for path in [cli.home, *cli.home.parents]:
        if path == pathlib.Path("/tmp"):
            break
        path.chmod(path.stat().st_mode | 0o055)
    env = dict(cli.env, HOME="/nonexistent", PLAKAR_CACHE=str(
        cli.home / "cache"), PLAKAR_REPOSITORY=str(cli.repository))
    return subprocess.run(
        [need("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups",
         program("plakar/plakar"), *map(str, args)], env=env, cwd=cli.home,
        capture_output=True, text=True, check=False, timeout=PATIENCE)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_read_only_repository_can_be_read(pushed):
    for path in [pushed.repository, *pushed.repository.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    cache = pushed.home / "cache"
    cache.mkdir()
    cache.chmod(0o777)
    done = as_nobody(pushed, "list")
    assert done.returncode == 0 and pushed.id in done.stdout, done.stderr
    done = as_nobody(pushed, "cat", f"latest:{pushed.source}/letter")
    assert done.stdout == "Dear reader,\n", done.stderr
    done = as_nobody(pushed, "push", pushed.source)
    assert done.returncode == 1
    assert "Permission denied" in done.stderr


def test_no_space_for_the_cache(pushed):
    """The size of files is limited to nothing: the index can't be kept."""
    cache = pushed.home / ".cache/plakar"
    subprocess.run(["rm", "-rf", cache], check=True)
    done = subprocess.run(
        [program("plakar/plakar"), "cat", f"latest:{pushed.source}/letter"],
        env=pushed.env, capture_output=True, text=True, check=False,
        timeout=PATIENCE, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (0, 0)))
    # It says so, or does without; never a wrong answer, never a crash.
    if done.returncode == 0:
        assert done.stdout == "Dear reader,\n"
    else:
        assert done.returncode in (1, -25), done  # 25: SIGXFSZ
    assert pushed("cat", f"latest:{pushed.source}/letter").stdout == \
        "Dear reader,\n"


def test_full_output_is_an_error(pushed):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [program("plakar/plakar"), "cat",
             f"latest:{pushed.source}/letter"],
            env=pushed.env, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert b"No space left" in done.stderr


def test_unreadable_file_gives_three(pushed):
    if os.geteuid() == 0:
        missing = pushed.home / "missing"
        done = pushed("push", pushed.source, missing, status=3)
    else:
        (pushed.source / "letter").chmod(0)
        done = pushed("push", pushed.source, status=3)
    assert "errors=1" in done.stdout
    assert "error: " in done.stderr


# --- at a terminal ---

class Terminal:
    """plakar at a terminal of its own."""

    def __init__(self, cli, *args, **env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cli.home)
            os.execve(program("plakar/plakar"), ["plakar", *map(str, args)],
                      {**cli.without("PLAKAR_PASSPHRASE"), **env})
        self.said = ""

    def read(self):
        """Read some; False at the end."""
        ready, _, _ = select.select([self.fd], [], [], PATIENCE)
        assert ready, self.said
        try:
            data = os.read(self.fd, 4096)
        except OSError:
            return False
        self.said += data.decode(errors="replace")
        return data != b""

    def expect(self, words):
        end = time.monotonic() + PATIENCE
        while words not in self.said:
            assert self.read() and time.monotonic() < end, self.said
        self.said = self.said.split(words, 1)[1]

    def answer(self, text):
        os.write(self.fd, text.encode() + b"\n")

    def end(self):
        """Everything said since; the exit status."""
        while self.read():
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_init_asks_twice_and_list_once(cli):
    t = Terminal(cli, "init")
    t.expect("New passphrase of")
    t.answer("typed by hand")
    t.expect("same again:")
    t.answer("typed by hand")
    assert t.end() == 0
    assert "typed by hand" not in t.said
    t = Terminal(cli, "list")
    t.expect("Passphrase of")
    t.answer("a slip")
    t.expect("Wrong passphrase.")
    t.expect("Passphrase of")
    t.answer("typed by hand")
    assert t.end() == 0


def test_first_push_asks_twice_and_no_more(cli):
    t = Terminal(cli, "push", cli.source)
    t.expect("New passphrase of")
    t.answer("typed by hand")
    t.expect("same again:")
    t.answer("typed by hand")
    assert t.end() == 0
    assert "Passphrase of" not in t.said
    assert re.search(r"snapshot [0-9a-f]{32}: ", t.said)
    cli("list", env=dict(cli.env, PLAKAR_PASSPHRASE="typed by hand"))


def test_three_wrong_passphrases_are_enough(pushed):
    t = Terminal(pushed, "list")
    for _ in range(3):
        t.expect("Passphrase of")
        t.answer("guess")
    assert t.end() == 1
    assert "wrong passphrase" in t.said


@pytest.mark.parametrize("answers,words", [
    (["one", "another"], "differ"), ([""], "protects nothing")])
def test_slips_at_creation_make_no_repository(cli, answers, words):
    t = Terminal(cli, "init")
    for prompt, answer in zip(["New passphrase of", "same again:"], answers):
        t.expect(prompt)
        t.answer(answer)
    assert t.end() == 2
    assert words in t.said
    assert not (cli.repository / "config").exists()


def test_progress_fits_the_terminal(pushed):
    for i in range(30):
        (pushed.source / f"more{i}").write_bytes(os.urandom(4 << 20))
    t = Terminal(pushed, "push", pushed.source, PLAKAR_PASSPHRASE="secret")
    assert t.end() == 0
    lines = re.split(r"[\r\n]+", re.sub(r"\033\[K", "", t.said))
    assert any(line.startswith("pushing ") for line in lines), t.said
    assert max(map(len, lines)) < 80
    assert re.search(r"\r\033\[Ksnapshot [0-9a-f]{32}: ", t.said), t.said


def test_signal_ends_a_push_in_order(pushed):
    """The signal comes while the passphrase is got: before any work."""
    done = pushed("push", "--passphrase-command",
                  "kill -TERM $PPID; echo secret", pushed.source, status=3)
    assert "interrupted" in done.stderr
    pushed("check", "--data")


# --- the manual ---

def examples():
    """(page, the lines) of each displayed example in the manual."""
    for page in sorted((ROOT / "plakar/man").glob("*.1")):
        text = page.read_text()
        if ".Sh EXAMPLES" not in text:
            continue
        text = text.split(".Sh EXAMPLES", 1)[1].split("\n.Sh ", 1)[0]
        for block in re.findall(r"\.Bd -literal[^\n]*\n(.*?)\.Ed", text,
                                re.S):
            yield pytest.param(block, id=page.stem)


@pytest.mark.parametrize("block", examples())
def test_examples_of_the_manual_run(pushed, block):
    for name in ("Documents", "src"):
        (pushed.home / name).mkdir()
        (pushed.home / name / "letter.txt").write_text("Dear reader,\n")
    pushed("push", pushed.home / "Documents")
    bin_dir = pushed.home / "bin"
    bin_dir.mkdir()
    (bin_dir / "plakar").symlink_to(program("plakar/plakar"))
    script = block.replace("\\e", "\\")
    for place in ("/tmp/", "/mnt/disk/"):
        script = script.replace(place, f"{pushed.home}/")
    done = subprocess.run(
        ["sh", "-eu", "-c", script], cwd=pushed.home, check=False,
        env=dict(pushed.env, PATH=f"{bin_dir}:{pushed.env['PATH']}"),
        capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, (script, done.stdout, done.stderr)


@pytest.mark.parametrize("command", ["cat", "pull"])
def test_what_reads_a_repository_is_confined(cli, command):
    snapshot = cli.push()
    args = {"cat": ["cat", f"{snapshot}:{cli.source}/sub/big"],
            "pull": ["pull", "-v", "--to", cli.home / "out", snapshot]}
    read, write = os.pipe()
    os.set_blocking(write, False)
    while True:  # until it is full: who writes more waits for us
        try:
            os.write(write, bytes(1))
        except BlockingIOError:
            break
    os.set_blocking(write, True)
    with subprocess.Popen(
            [program("plakar/plakar"), *map(str, args[command])],
            env=cli.env, cwd=cli.home, stdin=subprocess.DEVNULL,
            stdout=write, stderr=write) as process:
        os.close(write)
        status = pathlib.Path(f"/proc/{process.pid}/status")
        wait_for("it to be confined",
                 lambda: "\nSeccomp:\t2\n" in status.read_text())
        assert "\nNoNewPrivs:\t1\n" in status.read_text()
        while os.read(read, 65536):
            pass
    os.close(read)
    assert process.returncode == 0
