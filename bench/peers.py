# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The backup programs that are measured, each by the same five verbs.

They run as they come: their own default key derivation (it is in every
figure), their own cache in the scratch folder, zstd at level 3 or the
default that comes next to it.
"""

import os
import pathlib

PASSPHRASE = "correct horse battery staple"


class Peer:
    name = ""

    def __init__(self, scratch):
        self.home = pathlib.Path(scratch) / self.name
        self.repository = self.home / "repository"
        self.pushes = 0

    def env(self):
        return {"PATH": os.environ["PATH"], "HOME": str(self.home),
                "LC_ALL": "C.UTF-8", "TZ": "UTC", "TMPDIR": str(self.home),
                "XDG_CACHE_HOME": str(self.home / "cache")}

    # What is run for each verb; source and target are absolute paths.
    def init(self):
        raise NotImplementedError

    def push(self, source):
        raise NotImplementedError

    def pull(self, target):
        raise NotImplementedError

    def check(self):
        raise NotImplementedError

    def cat(self, path):
        """One file of the latest snapshot to standard output."""
        raise NotImplementedError

    def pulled(self, target, source):
        """Where below target the files of source came back."""
        return pathlib.Path(target) / str(source).lstrip("/")


class Plakar(Peer):
    name = "plakar"

    def __init__(self, scratch, build):
        super().__init__(scratch)
        self.program = str(pathlib.Path(build) / "plakar" / "plakar")

    def env(self):
        return {**super().env(), "PLAKAR_REPOSITORY": str(self.repository),
                "PLAKAR_PASSPHRASE": PASSPHRASE}

    def init(self):
        return [self.program, "init"]

    def init_open(self):
        """A repository whose opening derives no key: to see what is left
        of the memory when the derivation's is not counted."""
        return [self.program, "init", "--no-passphrase"]

    def push(self, source):
        return [self.program, "push", str(source)]

    def pull(self, target):
        return [self.program, "pull", "latest", "--to", str(target)]

    def check(self):
        return [self.program, "check", "--data"]

    def cat(self, path):
        return [self.program, "cat", f"latest:{path}"]

    def pulled(self, target, source):
        full = super().pulled(target, source)
        return full if full.exists() else pathlib.Path(target)


class Restic(Peer):
    name = "restic"

    def env(self):
        return {**super().env(), "RESTIC_REPOSITORY": str(self.repository),
                "RESTIC_PASSWORD": PASSPHRASE,
                "RESTIC_CACHE_DIR": str(self.home / "cache")}

    def init(self):
        return ["restic", "-q", "init"]

    def push(self, source):
        return ["restic", "-q", "backup", "--host", "bench", str(source)]

    def pull(self, target):
        return ["restic", "-q", "restore", "latest", "--target", str(target)]

    def check(self):
        return ["restic", "-q", "check", "--read-data"]

    def cat(self, path):
        return ["restic", "-q", "dump", "latest", str(path)]


class Borg(Peer):
    name = "borg"

    def env(self):
        return {**super().env(), "BORG_REPO": str(self.repository),
                "BORG_PASSPHRASE": PASSPHRASE,
                "BORG_BASE_DIR": str(self.home)}

    def init(self):
        return ["borg", "init", "-e", "repokey-blake2"]

    def push(self, source):
        self.pushes += 1
        return ["borg", "create", "-C", "zstd,3", f"::{self.pushes}",
                str(source)]

    def pull(self, target):
        # borg extracts to where it stands.
        return ["sh", "-c", 'cd "$1" && exec borg extract "::$2"', "sh",
                str(target), str(self.pushes)]

    def check(self):
        return ["borg", "check", "--verify-data"]

    def cat(self, path):
        return ["borg", "extract", "--stdout", f"::{self.pushes}",
                str(path).lstrip("/")]
