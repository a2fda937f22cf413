#!/usr/bin/env python3
"""Ends and beginnings: an orderly stop, an impatient one, jobs that break things, an older spool.

- Idle, the daemon stops within a second; at work, within 40, and what was not done is done by the
  next start. A second SIGTERM ends it within two seconds.
- A job whose every attempt ends with the daemon's death is put aside with a mail after the third,
  and keeps neither the start nor other jobs.
- A daemon that ends by itself has interrupted nothing: a disk that fails in the middle of a job (code
  74), be it the journal only or the whole spool, and signals while the job hangs, more often than a
  job may break the daemon, and it is finished all the same.
- A worker that dies fails its asset and no other.
- Processes that the daemon starts know nothing of systemd's sockets and watchdog.
- The spool that an earlier release left (tests/system/spools) is taken over: what waited runs, what
  was at work ends once, a schedule stays, and a job of a later release is held.
"""

import errno
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[3] / "tests/support")]
import calls
import invariants
from exportd_test import CONFIG, Daemon, check, in_session, main, manifest, png, run_each, wait_for

SPOOLS = HERE.parents[1] / "spools"
IDLE, BUSY, IMPATIENT = 1.0, 40.0, 2.0
# Seconds of work: a blur as wide as the picture, for each of many.
SLOW = {"is_modifier": "op_blur=100&wid=1500&fmt=png", "emailSetting": "All"}


def fill(daemon, count, side=1500):
    for k in range(count):
        (daemon.assets / f"p{k:03}.png").write_bytes(png(side, side, k))


def in_state(daemon, state):
    return sorted(os.listdir(daemon.root / "spool" / state))


def workers(daemon):
    return [pid for pid in in_session(daemon.process.pid) if pid != daemon.process.pid]


def ended(daemon, seconds):
    """Waits for the end of the daemon; returns its code and how long that took."""
    began = time.monotonic()
    return daemon.process.wait(seconds), time.monotonic() - began


def idle():
    with Daemon() as daemon:
        daemon.process.send_signal(signal.SIGTERM)
        code, took = ended(daemon, 30)
        print(f"stopped idle after {took:.2f} s")
        check(code == 0, f"exit code {code}")
        check(took <= IDLE, f"an idle daemon took {took:.1f} s to stop")
        daemon.start()


def busy():
    with Daemon() as daemon:
        fill(daemon, 40)
        daemon.drop_text("busy.toml", manifest("busy", ["*.png"], **SLOW))
        wait_for(lambda: daemon.progress() >= 2, 60, "no progress")
        daemon.process.send_signal(signal.SIGTERM)
        code, took = ended(daemon, 60)
        print(f"stopped at work after {took:.2f} s")
        check(code == 0, f"exit code {code}")
        check(took <= BUSY, f"it took {took:.1f} s to stop")
        check(not daemon.runs("busy"), "the job was over: nothing was shown")
        daemon.start()
        run = daemon.run("busy", 120)
        check(run.counts() == (40, 40, 0, 0, 0), f"counts {run.counts()}")
        run.check_sums()


def impatient():
    with Daemon() as daemon:
        fill(daemon, 12)
        # Seconds each, so that a stop waits for those in hand.
        slower = {**SLOW, "is_modifier": "op_blur=100&wid=6000&fmt=png"}
        daemon.drop_text("busy.toml", manifest("busy", ["*.png"], **slower))
        wait_for(lambda: daemon.progress() >= 1, 60, "no progress")
        daemon.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        check(daemon.alive(), "the first signal ended it at once: nothing was shown")
        session = daemon.process.pid
        daemon.process.send_signal(signal.SIGTERM)
        code, took = ended(daemon, 30)
        print(f"stopped by a second signal after {took:.2f} s, code {code}")
        check(took <= IMPATIENT, f"a second signal took {took:.1f} s")
        wait_for(lambda: not in_session(session), 5, "workers outlive the daemon")
        for path in daemon.assets.iterdir():
            path.write_bytes(png(40, 40, 1))
        daemon.start()
        run = daemon.run("busy", 120)
        check(run.counts()[0] == 12, f"counts {run.counts()}")


def poison():
    with Daemon() as daemon:
        # More than three beginnings of it get done.
        fill(daemon, 60)
        daemon.drop_text("poison.toml", manifest("poison", ["*.png"], **SLOW))
        for attempt in range(3):
            wait_for(lambda: in_state(daemon, "active"), 30, f"attempt {attempt + 1} does not begin")
            wait_for(lambda: workers(daemon), 30, "nobody works")
            time.sleep(0.3)
            check(not daemon.runs("poison"), "it was over too soon: nothing was shown")
            daemon.kill()
            if attempt < 2:
                daemon.start()
        began = time.monotonic()
        daemon.start()
        ready = time.monotonic() - began
        check(ready <= 5, f"a bad job kept the start for {ready:.1f} s")
        wait_for(lambda: in_state(daemon, "corrupt"), 15, "the job is not put aside")
        daemon.drop_text("good.toml", manifest("good", ["p000.png"], is_modifier="wid=20&fmt=png"))
        check(daemon.run("good", 20).report["verdict"] == "clean", "another job suffers")
        run = daemon.run("poison", 10)
        check(run.report["verdict"] in ("failed", "fatal"), f"verdict {run.report['verdict']}")
        mails = lambda: [mail for mail in daemon.mails() if mail["X-Exportd-Run"] == run.name]
        wait_for(mails, 10, "whoever dropped it gets no mail")
        notices = lambda: [mail for mail in daemon.mails() if mail["X-Exportd-Notice"] == "put-aside"]
        wait_for(notices, 10, "whoever runs the daemon gets no mail")
        daemon.stop()
        found = invariants.violations(daemon.root, settled=True)
        check(not found, f"{found}")
        daemon.start()


class Disk(calls.Fail):
    """Fails everything below a folder from when it is switched on, or never answers."""

    def __init__(self, below, error):
        names = {name for name, _, _ in calls._CALLS[os.uname().machine].values()}
        super().__init__(1, error, names, forever=True, below=below)
        self.on = False


def innocent(below, error):
    """Lets a job's daemon end again and again, because of the disk or by signals."""
    with tempfile.TemporaryDirectory() as memory, Daemon("workers = 2\n" + CONFIG) as daemon:
        daemon.stop()
        os.environ["RUNTIME_DIRECTORY"] = memory
        # More than four beginnings of it get done.
        fill(daemon, 60)
        daemon.drop_text("innocent.toml", manifest("innocent", ["*.png"], **SLOW))
        for attempt in range(4):
            plan = Disk(below, error)
            daemon.spawn = calls.Watched(daemon.root, plan).popen
            daemon.start()
            wait_for(lambda: in_state(daemon, "active") and workers(daemon), 30, f"attempt {attempt + 1} does not begin")
            time.sleep(0.3)
            check(not daemon.runs("innocent"), "it was over too soon: nothing was shown")
            plan.on = True
            if error == "hold":
                wait_for(lambda: plan.hit, 60, "nothing is written")
                daemon.process.send_signal(signal.SIGTERM)
                # Two at once are one.
                time.sleep(0.3)
                daemon.process.send_signal(signal.SIGTERM)
            code, _ = ended(daemon, 60)
            check(code == (0 if error == "hold" else 74), f"exit code {code}")
        daemon.spawn = subprocess.Popen
        daemon.start()
        run = daemon.run("innocent", 120)
        check(run.report["verdict"] == "clean", f"verdict {run.report['verdict']}")
        check(in_state(daemon, "corrupt") == [], "the job was put aside")
        check(os.listdir(memory) == [], f"{os.listdir(memory)} is left")
        daemon.stop()
        found = invariants.violations(daemon.root, settled=True)
        check(not found, f"{found}")
        daemon.start()
        del os.environ["RUNTIME_DIRECTORY"]


def job_hangs():
    innocent("spool/active", "hold")


def journal_fails():
    innocent("spool/active", errno.EIO)


def spool_fails():
    innocent("spool", errno.EIO)


def worker_dies():
    with Daemon() as daemon:
        fill(daemon, 8)
        daemon.drop_text("hit.toml", manifest("hit", ["*.png"], **SLOW))
        victim = wait_for(lambda: in_state(daemon, "active") and workers(daemon), 30, "nobody works")[0]
        # It has something in hand when it has used some time.
        stat = pathlib.Path(f"/proc/{victim}/stat")
        wait_for(lambda: int(stat.read_text().rpartition(")")[2].split()[11]) > 15, 30, "the worker does nothing")
        os.kill(victim, signal.SIGKILL)
        run = daemon.run("hit", 120)
        total, good, bad, _, _ = run.counts()
        check(total == 8 and good >= 7 and bad == 8 - good, f"counts {run.counts()}")
        print(f"a killed worker: {bad} of 8 assets failed")


def family():
    os.environ["WATCHDOG_USEC"] = "60000000"
    try:
        with Daemon() as daemon:
            fill(daemon, 6)
            daemon.drop_text("seen.toml", manifest("seen", ["*.png"], **SLOW))
            seen = set()
            while not daemon.runs("seen"):
                for pid in workers(daemon):
                    try:
                        words = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
                    except OSError:
                        continue
                    seen.add(pid)
                    for name in (b"NOTIFY_SOCKET", b"WATCHDOG"):
                        check(name not in words, f"a child knows {name.decode()}")
                time.sleep(0.01)
            check(seen, "no child was seen")
    finally:
        del os.environ["WATCHDOG_USEC"]


def earlier_spool():
    for fixture in sorted(SPOOLS.iterdir()):
        daemon = Daemon()
        shutil.copytree(fixture / "spool", daemon.root / "spool")
        for k in range(6):
            (daemon.assets / f"p{k}.png").write_bytes(png(900, 700, k))
        expected = json.loads((fixture / "expected.json").read_text())
        with daemon:
            for job in expected["run"]:
                run = daemon.run(job, 30)
                check(run.report["verdict"] == "clean", f"{fixture.name}: {job}: {run.report['verdict']}")
                check(len(daemon.runs(job)) == 1, f"{fixture.name}: {job} ran twice")
                run.check_sums()
            for state, ids in expected["stay"].items():
                check(set(ids) <= set(in_state(daemon, state)), f"{fixture.name}: {state} holds {in_state(daemon, state)}")
            check(in_state(daemon, "corrupt") == [], f"{fixture.name}: {in_state(daemon, 'corrupt')} in corrupt")
        print(f"spool of {fixture.name}: {len(expected['run'])} jobs done")


TESTS = (idle, busy, impatient, poison, job_hangs, journal_fails, spool_fails, worker_dies, family, earlier_spool)


def test():
    run_each(TESTS)


if __name__ == "__main__":
    main(test)
