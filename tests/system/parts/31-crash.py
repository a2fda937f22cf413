#!/usr/bin/env python3
"""Nothing accepted is lost and nothing half-made is seen, wherever the daemon is killed or refused.

1. `random`: kill -9 at random moments over small jobs, while a reader opens every file that
   appears in out/.
2. `kill`: the daemon is killed at the n-th call that changes anything, for all n.
3. `tear`: the same at every write, half of which reaches the disk.
4. `fail`: the n-th call is refused, once or from there on for a second, with five errors.

Then the daemon is started again, every job must end once and well, and the invariants hold. The
short form takes every k-th n. EXPORTD_ONLY=kill,fail runs some, EXPORTD_STRIDE=1 takes every n,
EXPORTD_SEED fixes the random ones.
"""

import concurrent.futures
import contextlib
import errno
import hashlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[3] / "tests/support")]
import calls
import invariants
from exportd_test import CONFIG, Daemon, check, main, manifest, png, wait_for

LONG = os.environ.get("EXPORTD_LONG") == "1"
ONLY = os.environ.get("EXPORTD_ONLY", "random,kill,tear,fail").split(",")
STRIDE = os.environ.get("EXPORTD_STRIDE")
# Cycles are mostly waiting, for disks and for clocks.
AT_ONCE = 6
PICTURES = {f"p{k}.png": png(24 + k, 16, k) for k in range(3)}
NOTES = b"words, delivered as they are\n"
ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES)
# What the daemon may end with when its own folders cannot be used: no output, no journal.
IN_ORDER = (0, 73, 74)


def renditions(name, *tables, **keys):
    """A manifest with several renditions."""
    text = manifest(name, list(PICTURES) + ["notes.txt"], **{"fmt": "convert", **keys})
    return text + "".join(f"\n[[exportJob]]\n{table}\n" for table in tables)


class Scenario:
    """One job: what lies there before, its manifest, and what its report must say."""

    def __init__(self, name, text, verdict, counts, begun=False, before=None):
        self.name, self.text, self.verdict, self.counts = name, text, verdict, counts
        # `begun`: it was interrupted before, and is met at the start.
        self.begun, self.before = begun, before or {}

    def prepare(self, daemon):
        for name, content in PICTURES.items():
            (daemon.assets / name).write_bytes(content)
        (daemon.assets / "notes.txt").write_bytes(NOTES)
        for name, content in self.before.items():
            path = daemon.out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


# total, Success, Error, Warning, Cancel, Duplicate, Update
OWN = Scenario(
    "own",
    renditions("own", 'rendition = "small"\nis_modifier = "wid=12&fmt=jpeg"',
               'rendition = "whole"\nfmt = "orig"'),
    "warnings", (8, 8, 0, 0, 0, 0, 0))
INTO = Scenario(
    "into", manifest("into", ["p0.png", "p1.png", "notes.txt"], fmt="orig", destination="shop/tops", overwrite=True),
    "clean", (3, 3, 0, 0, 0, 1, 1),
    before={"shop/tops/p0.png": b"an older one\n", "shop/tops/notes.txt": NOTES, "shop/tops/other.txt": b"stays\n"})
AGAIN = Scenario("again", OWN.text.replace('"own"', '"again"', 1), OWN.verdict, OWN.counts, begun=True)
REFUSED = Scenario("refused", manifest("refused", ["p0.png"], fmt="konvert"), "refused", (0, 0, 0, 0, 0, 0, 0))


class Cycle(Daemon):
    """A daemon of one scenario; `plan` meddles with its calls."""

    def __init__(self, scenario, config=CONFIG):
        super().__init__(config)
        self.scenario, self.watched, self.dropped = scenario, None, False
        scenario.prepare(self)
        self.originals = invariants.hashes(self.assets)

    def __enter__(self):
        # Not begun yet: that is part of each cycle.
        return self

    def spawn(self, command, **keywords):
        if self.watched:
            return self.watched.popen(command, **keywords)
        return subprocess.Popen(command, **keywords)

    def interrupt(self):
        """Kills the first attempt when something is staged."""
        plan = calls.Kill(1)
        decide = plan.decide
        plan.decide = lambda call: decide(call) if "/files/" in call.path and call.name in calls.SYNCS else None
        self.first(plan)
        check(plan.hit, "the first attempt was not interrupted")

    def drop_it(self):
        if not self.dropped:
            self.dropped = True
            self.drop_text(f"{self.scenario.name}.toml", self.scenario.text)

    def over(self):
        """Whether the job is over and nothing is under way."""
        spool = self.root / "spool"
        busy = any(any((spool / state).iterdir()) for state in ("queue", "active") if (spool / state).is_dir())
        return not busy and not any(self.drop.glob("*.toml")) and self.runs(self.scenario.name)

    def first(self, plan, patience=0.0):
        """Runs under a plan until the job is over or the daemon has died; returns its exit code."""
        self.watched = calls.Watched(self.root, plan)
        try:
            try:
                self.start()
            except AssertionError:
                if self.process.poll() is None:
                    raise
            else:
                self.drop_it()
                end = time.monotonic() + 60
                ease = None
                while self.process.poll() is None and not self.over():
                    check(time.monotonic() < end, f"it neither ended nor died: {plan.hit}")
                    if plan.hit and ease is None:
                        ease = time.monotonic() + patience
                    if ease and time.monotonic() > ease:
                        plan.on = False
                    time.sleep(0.005)
            if self.process.poll() is None:
                # Its end is part of the run, and may be where it is killed.
                self.stop(quiet=True)
            plan.on = False
            code = self.process.wait()
            self.watched.join()
            return code
        finally:
            self.watched = None

    def finish(self, words):
        """Starts without a plan, lets the job end, and checks everything."""
        if not (self.dropped and self.over()):
            self.start()
            self.drop_it()
            wait_for(self.over, 60, f"{words}: the job does not end", 0.005)
            self.stop()
        # A start puts in order what the last end left.
        self.start()
        self.stop()
        self.judge(words)

    def judge(self, words):
        accepted = [hashlib.sha256(self.scenario.text.encode()).hexdigest()]
        found = invariants.violations(self.root, True, accepted, self.originals)
        check(not found, words + ": " + "; ".join(f"{number}: {what}" for number, what in found))
        runs = self.runs(self.scenario.name)
        check(len(runs) == 1, f"{words}: {len(runs)} runs")
        report = runs[0].report
        check(report["verdict"] == self.scenario.verdict,
              f"{words}: verdict {report['verdict']}: {[d['logMessage'] for d in report['details']]}")
        counts = runs[0].counts() + (report["fileDuplicateCount"], report["fileUpdateCount"])
        check(counts == self.scenario.counts, f"{words}: counts {counts}")
        for name, content in self.scenario.before.items():
            if name.endswith("other.txt"):
                check((self.out / name).read_bytes() == content, f"{words}: {name} was touched")


def one(scenario, plan, words, allowed, patience=0.0):
    """One cycle; tells whether the plan came to something."""
    cycle = Cycle(scenario)
    with cycle:
        if scenario.begun:
            cycle.interrupt()
        code = cycle.first(plan, patience)
        words = f"{scenario.name}: {words} {plan.hit}"
        check(code in allowed, f"{words}: the daemon ended with {code}")
        cycle.finish(words)
    return plan.hit


def sweep(title, scenario, plan, numbers, allowed, patience=0.0):
    """Cycles for all numbers, several at once, until they lead behind the end."""
    failures, done, ends = [], 0, 0
    lock, numbers = threading.Lock(), iter(numbers)

    def work():
        nonlocal done, ends
        while True:
            with lock:
                n = next(numbers, None)
                # Runs differ by a call or two: the end is where several in a row met nothing.
                if n is None or ends >= 3 or len(failures) > 5:
                    return
            made, words = plan(n)
            try:
                hit = one(scenario, made, words, allowed, patience)
            except AssertionError as error:
                with lock:
                    failures.append(str(error))
                    print(error, flush=True)
                continue
            with lock:
                done, ends = done + bool(hit), ends + (not hit)

    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for future in [pool.submit(work) for _ in range(AT_ONCE)]:
            future.result()
    print(f"{title} {scenario.name}: {done} cycles in {time.monotonic() - began:.1f} s, {len(failures)} failed", flush=True)
    return failures


# ---------------------------------------------------------------- kills at each call


def kills():
    stride = int(STRIDE or (1 if LONG else 3))
    failures = []
    for scenario in (OWN, INTO, AGAIN, REFUSED):
        failures += sweep("kill", scenario, lambda n: (calls.Kill(n), "killed at"),
                          range(1, 2000, stride), (-signal.SIGKILL, *IN_ORDER))
    return failures


def tears():
    stride = int(STRIDE or (1 if LONG else 2))
    failures = []
    for scenario in (OWN, INTO):
        failures += sweep("tear", scenario, lambda n: (calls.Kill(n, tear=True), "torn at"),
                          range(1, 2000, stride), (-signal.SIGKILL, *IN_ORDER))
    return failures


# ---------------------------------------------------------------- errors at each call


class Fail(calls.Fail):
    """Errors wherever the daemon keeps something; what it only reads from is not its own."""

    def decide(self, call):
        if call.path.startswith("assets") or call.path == "exportd.toml":
            return None
        return super().decide(call)


def fails():
    names = {name for name, _, _ in next(iter(calls._CALLS.values())).values()}
    stride = int(STRIDE or (1 if LONG else 23))
    scenarios = (OWN, INTO, AGAIN, REFUSED) if LONG else (OWN, INTO)
    failures = []
    for forever in (False, True):
        for at, error in enumerate(ERRORS):
            for scenario in scenarios:
                words = f"{errno.errorcode[error]}{' from here on' if forever else ''} at"
                # Another start for each error, so that all of them together reach many calls.
                failures += sweep(f"fail {words}", scenario,
                                  lambda n: (Fail(n, error, names, forever), words),
                                  range(1 + (5 * at + 11 * forever) % stride, 2000, stride),
                                  IN_ORDER, 0.5)
    if not LONG:
        # A start that meets a job: what cannot be read then must not wait for the next one.
        failures += sweep("fail ENOSPC at", AGAIN, lambda n: (Fail(n, errno.ENOSPC, names, False), "ENOSPC at"),
                          range(4, 2000, 5), IN_ORDER, 0.5)
    return failures


# ---------------------------------------------------------------- random kills, and a reader


class Reader(threading.Thread):
    """Opens every file that appears in out/ and notes what it holds, while it is first seen."""

    def __init__(self, out):
        super().__init__(daemon=True)
        self.out, self.seen, self.ended, self.opened = out, {}, threading.Event(), 0

    def run(self):
        known = set()
        while not self.ended.is_set():
            for above, folders, names in os.walk(self.out):
                if invariants.STAGE in folders:
                    folders.remove(invariants.STAGE)
                for name in names:
                    path = os.path.join(above, name)
                    with contextlib.suppress(FileNotFoundError):
                        key = (path, os.stat(path).st_ino)
                        if key not in known:
                            known.add(key)
                            self.seen.setdefault(os.path.relpath(path, self.out), set()).add(invariants.sha256(path))
                            self.opened += 1
            time.sleep(0.001)

    def judge(self, reports):
        """Whatever was seen under a final name is what some report says of it."""
        told = {}
        for run in reports:
            base = invariants.Tree._manifest(run.reports).get("destination", run.name)
            for name, entry in invariants.Tree._outputs(run.report).items():
                told.setdefault(os.path.join(base, name), set()).add(entry["sha256"])
        for path, hashes in self.seen.items():
            if os.path.basename(path) != "SHA256SUMS":
                check(hashes <= told.get(path, set()), f"out/{path} was seen with a content that no report knows")
        return self.opened


def third_attempt(daemon):
    """Whether a job is at work that is given up when it is interrupted once more."""
    for path in (daemon.root / "spool/active").glob("*/journal"):
        with contextlib.suppress(OSError):
            if b'"attempt","n":3' in path.read_bytes():
                return True
    return False


def randomly():
    seed = int(os.environ.get("EXPORTD_SEED", time.time()))
    dice = random.Random(seed)
    aim, limit = (1000, 3600) if LONG else (10_000, 55)
    kinds = (
        lambda n: (renditions(f"r{n}", 'rendition = "a"\nis_modifier = "wid=12&fmt=jpeg"', 'rendition = "b"\nfmt = "orig"'), "warnings"),
        lambda n: (manifest(f"r{n}", ["p0.png", "p1.png"], is_modifier=f"wid={8 + n % 8}&fmt=png"), "clean"),
        lambda n: (manifest(f"r{n}", ["p0.png", "notes.txt"], fmt="orig", destination=f"shop/{n % 3}", outputName=f"{n}-{{stem}}"), "clean"),
        lambda n: (manifest(f"r{n}", ["p1.png"], destination="same", outputName="one", is_modifier=f"wid={4 + n % 16}&fmt=png", overwrite=True), "clean"),
    )
    dropped, killed = {}, 0
    with Daemon() as daemon:
        OWN.prepare(daemon)
        originals = invariants.hashes(daemon.assets)
        reader = Reader(daemon.out)
        reader.start()
        spool = daemon.root / "spool"
        under_way = lambda: sum(1 for folder in (daemon.drop, spool / "queue", spool / "active")
                                for name in os.listdir(folder) if not name.startswith("."))
        at_work = lambda: sum(len(os.listdir(spool / state)) for state in ("queue", "active"))
        end = time.monotonic() + limit
        while killed < aim and time.monotonic() < end:
            # What was dropped before a kill keeps still for a while before it is taken, so that
            # new ones must come: those are taken at once.
            for _ in range(max(0, 3 - at_work())):
                n = len(dropped)
                text, verdict = dice.choice(kinds)(n)
                dropped[f"r{n}"] = (text, verdict)
                daemon.drop_text(f"r{n}.toml", text)
            time.sleep(dice.uniform(0.0, 0.3))
            while third_attempt(daemon):
                time.sleep(0.01)
            daemon.kill()
            killed += 1
            daemon.start()
        wait_for(lambda: not under_way(), 120, "jobs do not end", 0.05)
        daemon.stop()
        time.sleep(0.1)
        reader.ended.set()
        reader.join()
        accepted = [hashlib.sha256(text.encode()).hexdigest() for text, _ in dropped.values()]
        found = invariants.violations(daemon.root, True, accepted, originals)
        check(not found, f"seed {seed}: " + "; ".join(f"{number}: {what}" for number, what in found[:10]))
        reports = []
        for name, (_, verdict) in dropped.items():
            runs = daemon.runs(name)
            check(len(runs) == 1, f"seed {seed}: {name} has {len(runs)} runs")
            check(runs[0].report["verdict"] == verdict, f"seed {seed}: {name} is {runs[0].report['verdict']}")
            reports += runs
        opened = reader.judge(reports)
        print(f"random: seed {seed}, {killed} kills, {len(dropped)} jobs, {opened} files opened as they appeared", flush=True)
        check(LONG or killed >= 50, f"only {killed} kills")


# ---------------------------------------------------------------- the checker itself


def tamper(path, change):
    content = path.read_bytes()
    path.write_bytes(change(content))


def checker():
    """Damages a good tree in a way for each invariant, and has each of them seen."""
    with Daemon() as daemon:
        for scenario in (OWN, INTO):
            scenario.prepare(daemon)
        for scenario in (OWN, INTO):
            daemon.drop_text(f"{scenario.name}.toml", scenario.text)
            daemon.run(scenario.name, 30)
        wait_for(lambda: not os.listdir(daemon.root / "spool/active"), 10, "not settled")
        daemon.stop()
        originals = invariants.hashes(daemon.assets)
        accepted = [hashlib.sha256(s.text.encode()).hexdigest() for s in (OWN, INTO)]

        def twice(tree):
            (job,) = [path for path in (tree / "spool/done").iterdir() if b'"own.toml"' in (path / "job.json").read_bytes()]
            shutil.copytree(job, tree / "spool/hold" / job.name)

        def back(tree):
            # A file keeps its inode and its times only by a link.
            (job,) = [path for path in (tree / "spool/done").iterdir() if b'"own.toml"' in (path / "job.json").read_bytes()]
            path = tree / "drop/own.toml"
            path.write_text(OWN.text)
            record = job / "job.json"
            inode = str(path.stat().st_ino).encode()
            tamper(record, lambda text: __import__("re").sub(rb'"ino":\d+', b'"ino":' + inode, text))

        def one_of(tree, pattern):
            return sorted(tree.glob(pattern))[0]

        damages = {
            1: [twice, lambda tree: shutil.rmtree(one_of(tree, "spool/done/*")) or shutil.rmtree(tree / "reports")],
            2: [lambda tree: tamper(one_of(tree, "out/own_*/small/*"), lambda b: b[:-1]),
                lambda tree: (tree / "out/shop/tops/p1.png").unlink(),
                lambda tree: tamper(one_of(tree, "reports/into_*/SHA256SUMS"), lambda b: b.replace(b"a", b"b"))],
            3: [lambda tree: (tree / "out/.exportd-stage/20260101T000000Z-0123456789ab/files").mkdir(parents=True),
                lambda tree: one_of(tree, "reports/own_*").joinpath(".report.json.12-3.tmp").touch(),
                lambda tree: (tree / "spool/tmp/x").touch()],
            4: [lambda tree: one_of(tree, "mail/sent/own_*").unlink(),
                lambda tree: shutil.copy(one_of(tree, "mail/sent/own_*"), tree / "mail/dead")],
            5: [lambda tree: tamper(tree / "assets/p0.png", lambda b: b + b"\0"), lambda tree: (tree / "assets/p1.png").unlink()],
            6: [back],
            7: [lambda tree: tamper(one_of(tree, "spool/done/*/journal"), lambda b: b.replace(b'"seq":3', b'"seq":4')),
                lambda tree: tamper(one_of(tree, "spool/done/*/journal"), lambda b: b[:-7]),
                lambda tree: one_of(tree, "spool/done/*").rename(tree / "spool/failed" / one_of(tree, "spool/done/*").name)],
            8: [lambda tree: tamper(one_of(tree, "reports/own_*/report.json"), lambda b: b.replace(b'"fileSuccessCount": 8', b'"fileSuccessCount": 7')),
                lambda tree: tamper(one_of(tree, "mail/sent/own_*"), lambda b: b.replace(b"Verdict: warnings", b"Verdict: partial"))],
        }
        with tempfile.TemporaryDirectory(prefix="exportd-test-") as scratch:
            for number, ways in damages.items():
                for at, way in enumerate(ways):
                    tree = pathlib.Path(scratch, f"{number}-{at}")
                    shutil.copytree(daemon.root, tree, ignore=shutil.ignore_patterns("notify"))
                    good = invariants.violations(tree, True, accepted, originals)
                    check(not good, f"violations in a good tree: {good}")
                    way(tree)
                    found = {n for n, _ in invariants.violations(tree, True, accepted, originals)}
                    check(number in found, f"damage {number}.{at + 1} was not seen: {found}")
        print(f"checker: {sum(map(len, damages.values()))} damages seen", flush=True)


def test():
    why = calls.available()
    check(why is None, f"this part cannot run: {why}")
    checker()
    if "random" in ONLY:
        randomly()
    failures = []
    for name, part in (("kill", kills), ("tear", tears), ("fail", fails)):
        if name in ONLY:
            failures += part()
    check(not failures, f"{len(failures)} failed:\n" + "\n".join(failures[:40]))


if __name__ == "__main__":
    main(test)
