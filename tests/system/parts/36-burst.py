#!/usr/bin/env python3
"""Very many manifests at once: all are accepted soon, the daemon stays small, and starts at once.

5,000 manifests here, 100,000 with --long, on an ext4 with a journal. Jobs go on and requests are
answered meanwhile; the last one dropped is accepted like the first; killed with what is left in the
queue, the daemon is ready within seconds.
"""

import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from exportd_test import Daemon, check, main, manifest, png, wait_for
from mounts import alone, on_ext4

LONG = os.environ.get("EXPORTD_LONG") == "1"
MANIFESTS = 100_000 if LONG else 5_000
# 0.6 ms for each of two durable writes, and parsing: 150 s for 100,000.
SECONDS_EACH = 150 / 100_000
MOST_MEMORY = 150_000_000
READY = 5.0
LAST_SEEN = 60.0
REQUEST = 15.0


def waiting(folder):
    """Manifests that still lie in a drop folder; reading names is all it costs."""
    with os.scandir(folder) as entries:
        return sum(entry.name.endswith(".toml") for entry in entries)


def in_spool(daemon, *states):
    """Counts the jobs in these folders; one that moves on while they are listed is one."""
    return len({job for state in states for job in os.listdir(daemon.root / "spool" / state)})


def request_meanwhile(daemon):
    """Asks, in the middle of the flood, for a job to be taken off the list: the youngest waits longest."""
    queue = daemon.root / "spool" / "queue"
    job = max(os.listdir(queue))
    control = daemon.drop / ".exportd" / "control"
    (control / ".stop.tmp").write_text(json.dumps({"op": "stop", "run": job}))
    begun = time.monotonic()
    (control / ".stop.tmp").rename(control / "stop.json")
    wait_for(lambda: not (queue / job).exists(), REQUEST, "a request is not heard in the flood", 0.05)
    return time.monotonic() - begun


def flood(daemon):
    """Drops all of them, waits until they are accepted, and returns how long that took."""
    text = manifest("burst", ["a.png"], fmt="orig", emailSetting="None")
    aside = daemon.drop / ".aside"
    aside.mkdir()
    for k in range(MANIFESTS):
        (aside / f"m{k:06}.toml").write_text(text)
    began = time.monotonic()
    for k in range(MANIFESTS):
        os.rename(aside / f"m{k:06}.toml", daemon.drop / f"m{k:06}.toml")
    dropped = time.monotonic() - began
    most = max(SECONDS_EACH * MANIFESTS, 15)
    wait_for(lambda: waiting(daemon.drop) <= MANIFESTS // 2, most, "half of them are not accepted", 0.2)
    heard = request_meanwhile(daemon)
    wait_for(lambda: waiting(daemon.drop) == 0, most + LAST_SEEN, "the drop folder is not empty", 0.2)
    accepted = time.monotonic() - began
    done = in_spool(daemon, "done", "failed") - 1
    print(f"{MANIFESTS} manifests dropped in {dropped:.1f} s, accepted after {accepted:.1f} s;")
    print(f"{done} jobs done meanwhile, a request heard after {heard:.2f} s")
    check(accepted <= most, f"accepting took {accepted:.0f} s, {most:.0f} s are allowed")
    check(done >= MANIFESTS // 1000, f"only {done} jobs were done meanwhile")


def test():
    with on_ext4(4 if LONG else 1), Daemon(ready=READY) as daemon:
        (daemon.assets / "a.png").write_bytes(png(16, 16, 1))
        flood(daemon)
        began = time.monotonic()
        daemon.drop_text("last.toml", manifest("last", ["a.png"], fmt="orig", emailSetting="None"))
        wait_for(lambda: waiting(daemon.drop) == 0, LAST_SEEN, "the last one is not seen", 0.05)
        peak = daemon.rss("VmHWM")
        print(f"one dropped last is seen after {time.monotonic() - began:.2f} s; peak {peak / 1e6:.1f} MB")
        check(peak <= MOST_MEMORY, f"the daemon took {peak / 1e6:.0f} MB")

        states = ("queue", "active", "done", "failed", "corrupt", "hold", "scheduled")
        jobs = in_spool(daemon, *states)
        check(jobs == MANIFESTS + 1, f"{jobs} jobs of {MANIFESTS + 1} manifests")
        check(in_spool(daemon, "failed", "corrupt", "hold") == 0, "jobs that failed")

        daemon.kill()
        left = in_spool(daemon, "queue", "active")
        began = time.monotonic()
        daemon.start()
        ready = time.monotonic() - began
        print(f"ready again after {ready:.2f} s with {left} jobs waiting or interrupted")
        check(ready <= READY, f"ready after {ready:.1f} s")
        check(left > MANIFESTS // 10, "nothing was left to start with")
        if not LONG:
            wait_for(lambda: in_spool(daemon, "done") == MANIFESTS + 1, 240, "not every job ended well", 0.2)
        peak = daemon.rss("VmHWM")
        check(peak <= MOST_MEMORY, f"the daemon took {peak / 1e6:.0f} MB after the start")


if __name__ == "__main__":
    alone()
    main(test)
