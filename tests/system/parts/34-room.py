#!/usr/bin/env python3
"""A full disk, by bytes and by inodes, below outputs, spool, reports and mail: the job waits and ends.

Each folder in turn lies on a tmpfs that is too small. The job must not be reported as failed, other
folders must stay usable, and once there is room it ends by itself, without a start.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[3] / "tests/support")]
import invariants
from exportd_test import Daemon, check, main, manifest, wait_for

PICTURE = os.urandom(300_000)
COPIES = 3
# The folder that is full, what it is short of, and how much of that is left. A report needs a page,
# a mail another; what comes after the last step that finds room must not be needed.
CASES = [("out", "bytes", 400_000), ("out", "inodes", 5), ("spool", "bytes", 4096), ("spool", "inodes", 3),
         ("reports", "bytes", 4096), ("reports", "inodes", 2), ("mail", "bytes", 0), ("mail", "inodes", 0)]



def mount(*arguments):
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"mount {' '.join(arguments)}: {done.stderr.strip()}")


class Small(Daemon):
    """A daemon one of whose folders is a small tmpfs."""

    def __init__(self, folder):
        super().__init__()
        self.place = self.root / folder

    def __enter__(self):
        self.place.mkdir(exist_ok=True)
        # The start has what it needs: it is the job that finds the disk full.
        mount("-t", "tmpfs", "-o", "size=16m,mode=755", "tmpfs", str(self.place))
        return super().__enter__()

    def __exit__(self, *what):
        if self.process and self.process.poll() is None:
            self.stop(quiet=True)
        subprocess.run(["umount", "--lazy", str(self.place)], capture_output=True, check=False)
        super().__exit__(*what)

    def resize(self, options):
        mount("-o", f"remount,{options}", str(self.place))

    def fill(self, short_of, leave):
        """Takes all that is left but a little, as others on the same disk do."""
        (self.place / ".others").mkdir()
        here = os.statvfs(self.place)
        if short_of == "bytes":
            with open(self.place / ".others/all", "wb") as file:
                os.posix_fallocate(file.fileno(), 0, here.f_bavail * here.f_frsize - leave)
        else:
            for k in range(here.f_ffree - leave):
                (self.place / ".others" / str(k)).touch()

    def free(self):
        subprocess.run(["rm", "-rf", str(self.place / ".others")], check=True)


def one(folder, short_of, leave):
    name = f"{folder}-{short_of}"
    with Small(folder) as daemon:
        if short_of == "inodes":
            daemon.resize("size=16m,nr_inodes=60")
        for k in range(COPIES):
            (daemon.assets / f"a{k}.bin").write_bytes(PICTURE + bytes([k]))
        originals = invariants.hashes(daemon.assets)
        daemon.fill(short_of, leave)
        text = manifest(name, ["*.bin"], fmt="orig")
        daemon.drop_text(f"{name}.toml", text)
        time.sleep(3)
        check(daemon.alive(), f"{name}: the daemon has ended")
        # Of the mail's disk nothing is known before the report is written.
        told = daemon.mails() if folder == "mail" else daemon.runs(name)
        check(not told, f"{name}: it was reported although its disk is full")
        check(not os.listdir(daemon.root / "spool/done"), f"{name}: it is over although its disk is full")
        states = [json.loads(path.read_text())["state"] for path in daemon.reports.glob("*/status.json")]
        if folder == "out":
            check(states == ["WaitingCoordinator"], f"{name}: status.json says {states}")
        daemon.free()
        began = time.monotonic()
        run = daemon.run(name, 90)
        check(run.report["verdict"] == "clean", f"{name}: verdict {run.report['verdict']}")
        check(run.counts()[:3] == (COPIES, COPIES, 0), f"{name}: counts {run.counts()}")
        spool = daemon.root / "spool"
        wait_for(lambda: not any(os.listdir(spool / state) for state in ("queue", "active")), 90, f"{name}: not over")
        took = time.monotonic() - began
        check(daemon.alive(), f"{name}: the daemon has ended")
        daemon.stop()
        found = invariants.violations(daemon.root, True, [hashlib.sha256(text.encode()).hexdigest()], originals)
        check(not found, f"{name}: " + "; ".join(f"{number}: {what}" for number, what in found))
        print(f"{name}: it went on {took:.1f} s after there was room", flush=True)


def test():
    failures = []
    for case in CASES:
        try:
            one(*case)
        except AssertionError as error:
            failures.append(str(error))
    check(not failures, f"{len(failures)} failed:\n" + "\n".join(failures))


if __name__ == "__main__":
    main(test)
