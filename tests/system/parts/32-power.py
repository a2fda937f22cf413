#!/usr/bin/env python3
"""Nothing acknowledged is lost when the power is cut.

The folders lie on loop-mounted ext4 and XFS images, all on one or spool, outputs and the rest on a
file system each. The daemon works; at some moment the file systems are shut down, so that whatever
is not on their disks is gone; what had been acknowledged before is noted from outside: a manifest
that has left drop/, a report, a mail. Half of the cuts come at a random moment, half after a while
in which nothing was written: only then is a name lost that nobody has synced, because otherwise
the next writer's sync takes it along. Then they are mounted again, the daemon is started, and the
invariants hold.
"""

import contextlib
import hashlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[3] / "tests/support")]
import invariants
from exportd_test import Daemon, check, main, manifest, png, wait_for

LONG = os.environ.get("EXPORTD_LONG") == "1"
CUTS = int(os.environ.get("EXPORTD_CUTS", "100" if LONG else "10"))
# What lies on a file system of its own; the rest lies on the one of the whole.
LAYOUTS = {"one": [], "apart": ["spool", "out", "mail"]}
SIZE = {"ext4": "64M", "xfs": "320M"}
QUIET = 0.7


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}")


class Disks:
    """The file systems below one folder, as long as this is entered."""

    def __init__(self, kind, root, folders):
        self.kind, self.root = kind, root
        self.images = pathlib.Path(tempfile.mkdtemp(prefix="exportd-disks-"))
        self.places = [root] + [root / name for name in folders]
        self.mounted = []

    def __enter__(self):
        try:
            for number in range(len(self.places)):
                image = self.images / str(number)
                run("truncate", "-s", SIZE[self.kind], str(image))
                run(f"mkfs.{self.kind}", "-q", "-F" if self.kind == "ext4" else "-f", str(image))
            self.mount()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.unmount()
        shutil.rmtree(self.images, ignore_errors=True)

    def mount(self):
        for number, place in enumerate(self.places):
            place.mkdir(exist_ok=True)
            run("mount", "-o", "loop", str(self.images / str(number)), str(place))
            self.mounted.append(place)

    def unmount(self):
        while self.mounted:
            place = self.mounted.pop()
            for _ in range(50):
                if subprocess.run(["umount", str(place)], capture_output=True, check=False).returncode == 0:
                    break
                time.sleep(0.1)
            else:
                subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=False)

    def cut(self):
        """Takes the power away from all of them."""
        for place in reversed(self.mounted):
            run("xfs_io", "-x", "-c", "shutdown", str(place))


class Powered(Daemon):
    """A daemon whose folders are mounted; its log and configuration lie elsewhere."""

    def __init__(self, kind, folders):
        super().__init__()
        self.aside = pathlib.Path(tempfile.mkdtemp(prefix="exportd-test-"))
        for name in ("exportd.toml", "stderr.log"):
            shutil.move(self.root / name, self.aside / name)
        self.config = self.aside / "exportd.toml"
        shutil.rmtree(self.root)
        self.root.mkdir()
        self.disks = Disks(kind, self.root, folders)
        self.jobs = {}

    def __enter__(self):
        self.disks.__enter__()
        for folder in (self.drop, self.assets, self.out, self.reports):
            folder.mkdir(exist_ok=True)
        for k in range(3):
            (self.assets / f"p{k}.png").write_bytes(png(24 + k, 16, k))
        os.sync()
        return self

    def __exit__(self, kind, error, trace):
        try:
            if self.process and self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            if kind is not None:
                tail = (self.aside / "stderr.log").read_text(errors="replace").splitlines()[-15:]
                print("\n".join(f"  | {line}" for line in tail), file=sys.stderr)
        finally:
            self.log.close()
            self.disks.__exit__()
            shutil.rmtree(self.root, ignore_errors=True)
            shutil.rmtree(self.aside, ignore_errors=True)

    def add(self, dice):
        n = len(self.jobs)
        text = dice.choice((
            lambda: manifest(f"j{n}", ["p0.png", "p1.png"], is_modifier=f"wid={8 + n % 9}&fmt=png"),
            lambda: manifest(f"j{n}", ["p2.png"], fmt="orig"),
            lambda: manifest(f"j{n}", ["p0.png"], fmt="orig", destination=f"shop/{n}", outputName="{stem}"),
        ))()
        self.jobs[f"j{n}"] = text
        # Durable before it is seen, as `exportd submit` does it: what a submitter's own disk
        # forgets is not for the daemon to keep.
        aside = self.drop / f".j{n}.tmp"
        with open(aside, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(self.drop / f"j{n}.toml")

    def acknowledged(self):
        """What somebody outside has been told: manifests taken, runs reported, mails."""
        taken = {name for name in self.jobs if not (self.drop / f"{name}.toml").exists()}
        reports, mails = {}, set()
        for path in self.reports.glob("*/report.json"):
            reports[path.parent.name] = path.read_bytes()
        mails.update(path.name for path in (self.root / "mail/sent").glob("*.eml"))
        return taken, reports, mails

    def idle(self):
        spool = self.root / "spool"
        busy = any(os.listdir(spool / state) for state in ("queue", "active"))
        return not busy and not any(self.drop.glob("*.toml"))


def cut(kind, folders, quiet, seed):
    dice = random.Random(seed)
    with Powered(kind, folders) as daemon:
        originals = invariants.hashes(daemon.assets)
        daemon.start()
        if quiet:
            for _ in range(dice.randint(1, 3)):
                daemon.add(dice)
            wait_for(daemon.idle, 30, "jobs do not end")
            time.sleep(QUIET)
        else:
            end = time.monotonic() + dice.uniform(0.02, 0.6)
            while time.monotonic() < end:
                daemon.add(dice)
                time.sleep(dice.uniform(0.0, 0.04))
        taken, reports, mails = daemon.acknowledged()
        daemon.disks.cut()
        daemon.process.kill()
        daemon.process.wait()
        daemon.disks.unmount()
        daemon.disks.mount()

        words = f"{kind}, {'idle' if quiet else 'at work'}, seed {seed}"
        # Before anything is mended: reports and mails that were seen are there as they were.
        now = daemon.acknowledged()
        for name, content in reports.items():
            check(now[1].get(name) == content, f"{words}: the report of {name} is lost or another")
        check(mails <= now[2], f"{words}: mails are lost: {mails - now[2]}")
        daemon.start()
        wait_for(daemon.idle, 60, f"{words}: jobs do not end")
        daemon.stop()
        daemon.start()
        daemon.stop()
        known = {name for name in daemon.jobs if daemon.runs(name)}
        check(taken <= known, f"{words}: taken and lost: {sorted(taken - known)}")
        accepted = [hashlib.sha256(daemon.jobs[name].encode()).hexdigest() for name in known]
        found = invariants.violations(daemon.root, True, accepted, originals)
        check(not found, f"{words}: " + "; ".join(f"{number}: {what}" for number, what in found[:8]))
        for name in known:
            runs = daemon.runs(name)
            check(len(runs) == 1 and runs[0].report["verdict"] == "clean", f"{words}: {name}: {[r.report for r in runs]}")
        return len(taken), len(reports)


def test():
    failures = []
    first = int(os.environ.get("EXPORTD_SEED", time.time()))
    for kind in ("ext4", "xfs"):
        taken = reports = 0
        began = time.monotonic()
        for number in range(CUTS):
            layout = list(LAYOUTS.values())[number // 2 % len(LAYOUTS)]
            try:
                seen = cut(kind, layout, number % 2 == 0, first + number)
                taken, reports = taken + seen[0], reports + seen[1]
            except AssertionError as error:
                failures.append(str(error))
        print(f"{kind}: {CUTS} cuts in {time.monotonic() - began:.1f} s, {taken} manifests and {reports} reports "
              f"acknowledged before, {len(failures)} failed", flush=True)
    check(not failures, f"{len(failures)} failed:\n" + "\n".join(failures))


if __name__ == "__main__":
    main(test)
