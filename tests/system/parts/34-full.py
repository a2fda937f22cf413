#!/usr/bin/env python3
"""Full disks, by bytes and by files, of outputs, reports, spool and mail.

A job that meets one waits as `waiting-space`, other jobs go on, the operator is told once, and when
there is room again the job ends as if nothing had been. What that leaves behind is looked at with
each folder short of bytes and of files in turn.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[3] / "tests/support")]
import invariants
from exportd_test import CONFIG, Daemon, check, main, manifest, png, run_each, wait_for
from mounts import alone, call, in_memory, mounted

LONG = os.environ.get("EXPORTD_LONG") == "1"
# How soon a job must be at work again after there is room.
SOON = 10
# The folder that is full, what it is short of, and how much of that is left. A report needs a page,
# a mail another; what comes after the last step that finds room must not be needed.
SHORT = [("out", "bytes", 400_000), ("out", "files", 5), ("spool", "bytes", 4096), ("spool", "files", 3),
         ("reports", "bytes", 4096), ("reports", "files", 2), ("mail", "bytes", 0), ("mail", "files", 0)]


class Small(Daemon):
    """A daemon one folder of which is a small disk."""

    def __init__(self, folder, options):
        super().__init__(CONFIG)
        self.disk = self.root / folder
        self.disk.mkdir(exist_ok=True)
        self.options = options
        self.stack = contextlib.ExitStack()
        (self.assets / "note.txt").write_text("for everybody\n")

    def __enter__(self):
        self.stack.enter_context(mounted("-t", "tmpfs", "-o", self.options, "tmpfs", self.disk))
        return super().__enter__()

    def __exit__(self, *error):
        if self.process and self.process.poll() is None:
            self.stop(quiet=error[0] is not None)
        self.stack.close()
        super().__exit__(*error)

    def grow(self, options):
        call("mount", "-o", f"remount,{options}", self.disk)

    def fill(self):
        """Takes every byte that is left."""
        with open(self.disk / "filler", "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def take(self, short_of, leave):
        """Takes all that is left but a little, as others on the same disk do."""
        others = self.disk / ".others"
        others.mkdir()
        here = os.statvfs(self.disk)
        if short_of == "bytes":
            with open(others / "all", "wb") as file:
                os.posix_fallocate(file.fileno(), 0, here.f_bavail * here.f_frsize - leave)
        else:
            for k in range(here.f_ffree - leave):
                (others / str(k)).touch()

    def give_back(self):
        shutil.rmtree(self.disk / ".others")

    def waits(self, name):
        """The job as it waits for room, or None."""
        with contextlib.suppress(OSError, ValueError):
            board = json.loads((self.drop / ".exportd/status.json").read_text())
            for job in board["jobs"]:
                if job["manifest"] == name and job.get("waiting") == "waiting-space":
                    return job
        return None

    def said(self, words):
        return (self.root / "stderr.log").read_text(errors="replace").count(words)

    def finishes(self, job, seconds, handles=("note.txt",), **keys):
        self.drop_text(f"{job}.toml", manifest(job, list(handles), fmt="orig", **keys))
        return self.run(job, seconds)

    def told_once(self, by_mail=True):
        check(self.said("goes on by itself") == 1, "the operator was not told exactly once")
        notices = lambda: [mail for mail in self.mails() if mail["X-Exportd-Notice"] == "disk-full"]
        if by_mail:
            wait_for(notices, 5, "the operator gets no mail of a full disk")
            check(len(notices()) == 1, f"{len(notices())} mails of one full disk")
            check(str(self.disk) in notices()[0].get_body(("plain",)).get_content(), "the mail does not name the folder")


def waiting(daemon, name):
    job = wait_for(lambda: daemon.waits(name), 15, f"{name} does not wait for space")
    check(job["state"] == "WaitingCoordinator", f"state {job['state']}")
    shown = subprocess.run(daemon.command("status"), capture_output=True, text=True, check=False)
    check("waiting-space" in shown.stdout, f"status: {shown.stdout}{shown.stderr}")
    check(f"no room left in {daemon.disk}" in shown.stderr, f"status: {shown.stderr}")


def ends_well(daemon, job, files):
    begun = time.monotonic()
    run = daemon.run(job, SOON)
    check(run.report["verdict"] == "clean", f"{job}: {run.report['verdict']}")
    check(run.counts() == (files, files, 0, 0, 0), f"{job}: {run.counts()}")
    run.check_sums()
    mails = lambda: [mail for mail in daemon.mails() if mail["X-Exportd-Run"] == run.name]
    wait_for(mails, 10, f"{job}: no mail")
    check(len(mails()) == 1, f"{job}: {len(mails())} mails")
    check(not daemon.staged(), "something is left in the stage")
    # The word follows the last step of the job.
    wait_for(lambda: daemon.said("there is room again") == 1, 5, "nobody says that there is room")
    return time.monotonic() - begun


def output_bytes():
    with Small("out", "size=1m") as daemon:
        for k in range(5):
            (daemon.assets / f"big{k}.bin").write_bytes(os.urandom(400_000))
        daemon.drop_text("big.toml", manifest("big", ["big*.bin"], fmt="orig"))
        daemon.drop_text("more.toml", manifest("more", ["big*.bin"], fmt="orig"))
        waiting(daemon, "big.toml")
        waiting(daemon, "more.toml")
        check(daemon.finishes("small", 10).report["verdict"] == "clean", "another job does not go on")
        time.sleep(2)
        check(not daemon.staged(), "a job that waits keeps what it staged")
        check(not daemon.runs("big") and not daemon.runs("more"), "a job ended on a full disk")
        daemon.told_once()
        # Enough for one of both: it must not be kept by the other.
        daemon.grow("size=3500k")
        first = wait_for(lambda: daemon.runs("big") or daemon.runs("more"), SOON, "neither job goes on")
        check(first[0].report["verdict"] == "clean", first[0].report["verdict"])
        daemon.grow("size=20m")
        wait_for(lambda: daemon.runs("big") and daemon.runs("more"), SOON, "the other job does not go on")
        for job in ("big", "more"):
            ends_well(daemon, job, 5)


def output_files():
    with Small("out", "size=20m,nr_inodes=20") as daemon:
        for k in range(40):
            (daemon.assets / f"p{k:02}.png").write_bytes(png(30, 20, k))
        text = manifest("many", ["p*.png"], is_modifier="wid=20&fmt=png")
        daemon.drop_text("many.toml", text)
        waiting(daemon, "many.toml")
        daemon.told_once()
        # It waits across a restart, too.
        daemon.stop()
        daemon.start()
        waiting(daemon, "many.toml")
        daemon.grow("nr_inodes=400")
        ends_well(daemon, "many", 40)


def stopped_while_waiting():
    with Small("out", "size=200k") as daemon:
        (daemon.assets / "big.bin").write_bytes(os.urandom(400_000))
        daemon.drop_text("big.toml", manifest("big", ["big.bin"], fmt="orig"))
        waiting(daemon, "big.toml")
        call(*daemon.command("stop", "big.toml"))
        check(daemon.run("big", SOON).report["verdict"] == "stopped", "it cannot be stopped while it waits")


def reports():
    with Small("reports", "size=1m") as daemon:
        daemon.fill()
        daemon.drop_text("told.toml", manifest("told", ["note.txt"], fmt="orig"))
        waiting(daemon, "told.toml")
        daemon.told_once()
        (daemon.disk / "filler").unlink()
        ends_well(daemon, "told", 1)


def mail():
    with Small("mail", "size=1m") as daemon:
        daemon.fill()
        daemon.drop_text("told.toml", manifest("told", ["note.txt"], fmt="orig"))
        waiting(daemon, "told.toml")
        # A mail has no room either.
        daemon.told_once(by_mail=False)
        said = lambda *words: subprocess.run(daemon.command(*words), capture_output=True, text=True, check=False).stderr
        unsaid = "1 mail to whoever runs exportd cannot be queued"
        wait_for(lambda: unsaid in said("status"), 5, f"status does not say what cannot be mailed: {said('status')}")
        listed = said("mail", "list")
        check(unsaid in listed and f"no room left in {daemon.disk}" in listed, f"mail list: {listed}")
        silent = manifest("silent", ["note.txt"], fmt="orig", emailSetting="None")
        daemon.drop_text("silent.toml", silent)
        daemon.run("silent", 10)
        (daemon.disk / "filler").unlink()
        ends_well(daemon, "told", 1)
        # Once there is room it is told all the same.
        daemon.told_once()
        wait_for(lambda: unsaid not in said("status"), 5, f"status: {said('status')}")


def spool():
    with Small("spool", "size=6m") as daemon:
        daemon.finishes("before", 10)
        daemon.fill()
        daemon.drop_text("kept.toml", manifest("kept", ["note.txt"], fmt="orig"))
        words = lambda: daemon.said("goes on by itself") == 1
        wait_for(words, 15, "nobody is told of the full spool")
        time.sleep(6)
        check((daemon.drop / "kept.toml").exists(), "a manifest left the drop folder without being safe")
        check(daemon.alive(), "the daemon died of a full spool")
        daemon.told_once()
        (daemon.disk / "filler").unlink()
        ends_well(daemon, "kept", 1)


def spool_in_the_middle():
    """The spool's disk fills up while a job is at work: the ballast lets it end, or it waits."""
    with Small("spool", "size=6m") as daemon:
        for k in range(60):
            (daemon.assets / f"p{k:02}.png").write_bytes(png(200, 150, k))
        daemon.drop_text("busy.toml", manifest("busy", ["p*.png"], is_modifier="wid=180&fmt=png"))
        wait_for(lambda: daemon.progress() > 5, 20, "no progress", 0.005)
        daemon.fill()
        time.sleep(3)
        check(daemon.alive(), "the daemon died of a full spool")
        (daemon.disk / "filler").unlink()
        run = daemon.run("busy", 30)
        check(run.report["verdict"] == "clean", run.report["verdict"])
        check(run.counts() == (60, 60, 0, 0, 0), f"{run.counts()}")
        run.check_sums()
        check(len(daemon.runs("busy")) == 1, "it ran twice")


def nothing_is_left():
    """Each folder short of each: the job is not reported before its time, then ends, and the invariants hold."""
    failures = []
    for folder, short_of, leave in SHORT:
        try:
            short(folder, short_of, leave)
        except AssertionError as error:
            failures.append(f"{folder} short of {short_of}: {error}")
    check(not failures, f"{len(failures)} failed:\n" + "\n".join(failures))


def short(folder, short_of, leave):
    # The start has what it needs: it is the job that finds the disk full.
    with Small(folder, "size=16m" if short_of == "bytes" else "size=16m,nr_inodes=60") as daemon:
        for k in range(3):
            (daemon.assets / f"a{k}.bin").write_bytes(os.urandom(300_000))
        originals = invariants.hashes(daemon.assets)
        daemon.take(short_of, leave)
        text = manifest("short", ["*.bin"], fmt="orig")
        daemon.drop_text("short.toml", text)
        time.sleep(3)
        check(daemon.alive(), "the daemon has ended")
        # Of the mail's disk nothing is known before the report is written.
        told = [mail for mail in daemon.mails() if mail["X-Exportd-Run"]] if folder == "mail" else daemon.runs("short")
        check(not told, "it was reported although its disk is full")
        check(not os.listdir(daemon.root / "spool/done"), "it is over although its disk is full")
        daemon.give_back()
        run = daemon.run("short", 90)
        check(run.report["verdict"] == "clean", f"verdict {run.report['verdict']}")
        check(run.counts()[:3] == (3, 3, 0), f"counts {run.counts()}")
        spool = daemon.root / "spool"
        wait_for(lambda: not any(os.listdir(spool / state) for state in ("queue", "active")), 90, "not over")
        check(daemon.alive(), "the daemon has ended")
        daemon.stop()
        found = invariants.violations(daemon.root, True, [hashlib.sha256(text.encode()).hexdigest()], originals)
        check(not found, "; ".join(f"{number}: {what}" for number, what in found))


TESTS = (output_bytes, output_files, stopped_while_waiting, reports, mail, spool, spool_in_the_middle,
         nothing_is_left)


def test():
    with in_memory():
        run_each(TESTS)


if __name__ == "__main__":
    alone()
    main(test)
