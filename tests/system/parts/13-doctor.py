#!/usr/bin/env python3
"""What `exportd doctor` says of a machine that is in a bad way, for which a machine has to be:

- a disk that is full, and one that can hold no more files;
- a file system of its own below the output folder, and below the stage;
- a file system that is mounted read-only;
- no inotify left;
- an account that may not write, while the doctor is root.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from exportd_test import PROGRAM, check, main, run_each  # noqa: E402
from mounts import alone, mounted  # noqa: E402


def doctor(root, *before):
    """What it finds below a root, and its exit code."""
    command = [*before, PROGRAM, "--root", str(root), "--config", str(root / "exportd.toml"), "doctor", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    check(done.stdout, f"the doctor says nothing: {done.stderr}")
    return json.loads(done.stdout), done.returncode


def expect(root, kind, words, state="error", before=()):
    findings, code = doctor(root, *before)
    found = [finding for finding in findings if finding["check"] == kind and words in finding["message"]]
    check(len(found) == 1 and found[0]["state"] == state, f"no {kind}: {words} in {json.dumps(findings, indent=1)}")
    check(found[0].get("help"), f"nothing to do about {words}")
    check(code == (1 if state == "error" else 0), f"exit code {code} for {words}")
    return found[0]


@contextlib.contextmanager
def root():
    with tempfile.TemporaryDirectory(prefix="exportd-test-") as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        (folder / "exportd.toml").write_text("")
        for name in ("drop", "assets", "out", "reports", "spool", "mail"):
            (folder / name).mkdir()
        yield folder


def healthy():
    with root() as folder:
        findings, code = doctor(folder)
        bad = [finding for finding in findings if finding["state"] == "error"]
        check(code == 0 and not bad, f"{code}: {bad}")


def full_disk():
    with root() as folder, mounted("-t", "tmpfs", "-o", "size=100m,nr_inodes=5000", "tmpfs", folder / "out"):
        (folder / "out/large").write_bytes(bytes(50 << 20))
        expect(folder, "out", "its disk is full: 52.4 MB left")
        (folder / "out/large").unlink()
        for n in range(4500):
            (folder / f"out/{n}").touch()
        expect(folder, "out", "more files")


def little_room():
    with root() as folder, mounted("-t", "tmpfs", "-o", "size=500m", "tmpfs", folder / "spool"):
        expect(folder, "spool", "nearly full", "warning")


def other_file_systems():
    with root() as folder:
        for below in ("catalogue", ".exportd-stage"):
            (folder / "out" / below).mkdir()
            with mounted("-t", "tmpfs", "tmpfs", folder / "out" / below):
                expect(folder, "file systems", f"out/{below} is another file system")


def read_only():
    with root() as folder, mounted("-t", "tmpfs", "-o", "ro", "tmpfs", folder / "reports"):
        expect(folder, "reports", "mounted read-only")


def no_inotify():
    with root() as folder:
        script = "echo 0 > /proc/sys/user/max_inotify_instances && exec \"$@\""
        before = ("unshare", "--user", "--map-root-user", "sh", "-c", script, "sh")
        finding = expect(folder, "watching", "max_user_instances is reached", "warning", before)
        check("sysctl fs.inotify" in finding["help"], finding["help"])


def another_account():
    with root() as folder:
        for name in ("drop", "reports", "spool", "mail"):
            os.chown(folder / name, 65534, 65534)
        expect(folder, "out", "the daemon has no permission to write to")
        findings, _ = doctor(folder)
        check(any(f["check"] == "account" and "nobody" in f["message"] for f in findings), findings)


def test():
    run_each((healthy, full_disk, little_room, other_file_systems, read_only, no_inotify, another_account))


if __name__ == "__main__":
    alone()
    main(test)
