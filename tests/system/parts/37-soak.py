#!/usr/bin/env python3
"""Days of work in two minutes, an hour with --long: jobs of every kind, and something always goes wrong.

Producers drop manifests (originals, conversions, several renditions, patterns, missing and damaged
assets, mistakes) while the daemon is killed, stopped, reloaded and started again, assets are
replaced under it, jobs are stopped, paused, resumed and deleted, and its workers are killed. In the end what was accepted is
what is done, failed or on hold, and every invariant holds. Then nothing is disturbed for a while,
and the daemon may not grow: neither in memory nor in threads nor in open files.
"""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

TREE = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(TREE / "tests/system"), str(TREE / "tests/support")]
import invariants
from exportd_test import Daemon, Receiver, check, in_session, main, manifest, png, wait_for

LONG = os.environ.get("EXPORTD_LONG") == "1"
DISTURBED, CALM = (3000, 500) if LONG else (75, 30)
SEED = int(os.environ.get("SOAK_SEED", "1"))
CONVERSIONS = ["wid=64&fmt=jpeg", "wid=40&hei=40&fit=fit,1&fmt=png-alpha", "op_blur=2&fmt=webp", "rect=4,4,20,20&fmt=tif"]
MISTAKES = ["jobName = ", 'jobName = "x"\nwidht = 3\n', "\0\1\2", 'jobName = "a/b"\nassetHandleArray = []\n', "[" * 3000]


class Soak:
    def __init__(self, daemon):
        self.daemon, self.chance = daemon, random.Random(SEED)
        self.dropped, self.done = 0, {}

    def count(self, what):
        self.done[what] = self.done.get(what, 0) + 1

    # -- work

    def drop(self):
        """Drops one manifest of some kind."""
        self.dropped += 1
        name = f"soak{self.dropped % 7}"
        kind = self.chance.choices(["orig", "convert", "several", "pattern", "missing", "mistake"], [4, 6, 3, 1, 2, 1])[0]
        some = [f"a{self.chance.randrange(40):02}.png" for _ in range(self.chance.randint(1, 6))]
        level = self.chance.choice(["All", "Error", "ErrorAndWarning", "JobCompletion", "None"])
        modifiers = self.chance.choice(CONVERSIONS)
        if kind == "orig":
            text = manifest(name, some, fmt="orig", emailSetting=level)
        elif kind == "convert":
            text = manifest(name, some, is_modifier=modifiers, emailSetting=level)
        elif kind == "several":
            text = manifest(name, some, emailSetting=level)
            for k, one in enumerate(self.chance.sample(CONVERSIONS, 3)):
                text += f'[[exportJob]]\nrendition = "r{k}"\nis_modifier = "{one}"\n'
        elif kind == "pattern":
            text = manifest(name, ["a1*.png", "bad/*"], is_modifier=modifiers, emailSetting=level)
        elif kind == "missing":
            text = manifest(name, [*some, "nowhere.png", "bad/cut.png"], is_modifier=modifiers, emailSetting=level)
        else:
            text = self.chance.choice(MISTAKES)
        self.count(kind)
        self.daemon.drop_text(f"m{self.dropped:06}.toml", text)

    # -- trouble

    def trouble(self):
        act = self.chance.choices([self.kill, self.restart, self.reload, self.replace, self.rest_a_job, self.wake_a_job, self.kill_a_worker],
                                  [2, 1, 2, 4, 2, 2, 4])[0]
        self.count(act.__name__)
        act()

    def kill(self):
        self.daemon.kill()
        self.daemon.start()

    def restart(self):
        self.daemon.stop()
        self.daemon.start()

    def reload(self):
        self.daemon.process.send_signal(signal.SIGHUP)

    def replace(self):
        """Puts another picture in the place of one, as a person would."""
        k = self.chance.randrange(40)
        aside = self.daemon.root / "aside.png"
        aside.write_bytes(png(60 + self.chance.randrange(30), 50, self.chance.randrange(1000)))
        aside.rename(self.daemon.assets / f"a{k:02}.png")

    def ask(self, what, state):
        jobs = os.listdir(self.daemon.root / "spool" / state)
        if jobs:
            subprocess.run(self.daemon.command(what, self.chance.choice(jobs)), capture_output=True, timeout=60, check=False)

    def rest_a_job(self):
        self.ask(self.chance.choice(["stop", "pause"]), "active")

    def wake_a_job(self):
        self.ask(self.chance.choice(["resume", "resume", "delete"]), "hold")

    def kill_a_worker(self):
        workers = [pid for pid in in_session(self.daemon.process.pid) if pid != self.daemon.process.pid]
        if workers:
            try:
                os.kill(self.chance.choice(workers), signal.SIGKILL)
            except ProcessLookupError:
                self.count("a worker was gone already")

    # -- phases

    def go_on(self, seconds, disturbed):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            # As many as the daemon can do, so that something is always under way.
            if self.waiting() < 20:
                self.drop()
            if disturbed and self.chance.random() < 0.04:
                self.trouble()
            time.sleep(0.02)

    def waiting(self):
        spool = self.daemon.root / "spool"
        dropped = sum(name.endswith(".toml") for name in os.listdir(self.daemon.drop))
        return dropped + sum(len(os.listdir(spool / state)) for state in ("queue", "active"))

    def size(self):
        """Memory, threads and descriptors of the daemon: the least of some looks, for it may be at something."""
        proc = pathlib.Path(f"/proc/{self.daemon.process.pid}")
        looks = []
        for _ in range(20):
            looks.append((self.daemon.own(), len(os.listdir(proc / "task")), len(os.listdir(proc / "fd"))))
            time.sleep(0.1)
        return tuple(map(min, zip(*looks)))

    def settle(self):
        wait_for(lambda: self.waiting() == 0, 120, "jobs that do not end", 0.1)


def test():
    with Receiver() as receiver, Daemon(receiver.config) as daemon:
        (daemon.assets / "bad").mkdir()
        for k in range(40):
            (daemon.assets / f"a{k:02}.png").write_bytes(png(60 + k, 50, k))
        (daemon.assets / "bad/cut.png").write_bytes(png(60, 50, 1)[:700])
        (daemon.assets / "bad/text.jpg").write_bytes(b"no picture at all\n" * 40)
        soak = Soak(daemon)
        soak.go_on(DISTURBED, disturbed=True)
        soak.settle()
        # The daemon that is measured has done work before it is.
        soak.go_on(CALM / 3, disturbed=False)
        soak.settle()
        before = soak.size()
        soak.go_on(CALM * 2 / 3, disturbed=False)
        soak.settle()
        after = soak.size()
        print(f"{soak.dropped} manifests: " + ", ".join(f"{count} {what}" for what, count in sorted(soak.done.items())))
        print("memory, threads, descriptors: " + ", ".join(f"{a / 1e6 if a > 1e5 else a:.4g} then {b / 1e6 if b > 1e5 else b:.4g}"
                                                          for a, b in zip(before, after)))

        spool = daemon.root / "spool"
        ended = {state: len(os.listdir(spool / state)) for state in ("done", "failed", "hold", "corrupt")}
        check(sum(ended.values()) == soak.dropped, f"{soak.dropped} manifests were dropped, and there are {ended}")
        check(ended["corrupt"] == 0, f"no job is poison, but there are {ended}")
        print(f"{receiver.check(daemon)} calls of the webhook")
        found = invariants.violations(daemon.root, settled=True)
        check(not found, "\n".join(map(str, found[:20])))
        print(f"every invariant holds: {ended}")
        check(after[0] <= before[0] + 3_000_000, f"memory grew from {before[0]} to {after[0]}")
        check(after[1] <= before[1], f"threads grew from {before[1]} to {after[1]}")
        check(after[2] <= before[2] + 2, f"descriptors grew from {before[2]} to {after[2]}")


if __name__ == "__main__":
    main(test)
