#!/usr/bin/env python3
"""What safety costs: a process for every decoder, and a copy with hash and fsync.

Isolation may cost 10 ms an asset; here everything an asset costs is counted. A copied original has
to be there in no more than the time of `cp`, `sync` and `sha256sum` over 0.9, publication and
report included.
"""

import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from exportd_test import Daemon, check, main, manifest, png

LONG = os.environ.get("EXPORTD_LONG") == "1"
SMALL = 400
MOST_EACH = 0.010
BYTES = 1 << 30 if LONG else 256 << 20
LEAST = 0.9
ROUNDS = 5


def timed(work):
    began = time.monotonic()
    work()
    return time.monotonic() - began


def export(daemon, name, handles, **keys):
    """Seconds from dropping a manifest to its report."""
    def work():
        daemon.drop_text(f"{name}.toml", manifest(name, handles, emailSetting="None", **keys))
        run = daemon.run(name, 120)
        check(run.report["verdict"] == "clean", f"{name}: {run.report['verdict']}")
    return timed(work)


def test():
    with Daemon() as daemon:
        (daemon.assets / "small").mkdir()
        picture = png(8, 8, 1)
        for k in range(SMALL):
            (daemon.assets / f"small/s{k:03}.png").write_bytes(picture)
        export(daemon, "warm", ["small/s000.png"], is_modifier="wid=4&fmt=png")
        each = min(export(daemon, f"small{k}", ["small/*.png"], is_modifier="wid=4&fmt=png") for k in range(3)) / SMALL
        # Two processes work at once.
        each *= len(os.sched_getaffinity(0))
        print(f"{each * 1000:.2f} ms of a core for an asset of 8 × 8 pixels")
        check(each <= MOST_EACH, f"an asset costs {each * 1000:.1f} ms, {MOST_EACH * 1000:.0f} are allowed")

        large = daemon.assets / "large.bin"
        with open(large, "wb") as file:
            block = os.urandom(1 << 20)
            for k in range(BYTES >> 20):
                file.write(k.to_bytes(4, "little") + block[4:])
        copy = daemon.root / "copy.bin"

        def theirs():
            subprocess.run(["cp", large, copy], check=True)
            subprocess.run(["sync", copy, daemon.root], check=True)
            subprocess.run(["sha256sum", copy], stdout=subprocess.DEVNULL, check=True)

        pairs = []
        for k in range(ROUNDS):
            pairs.append((timed(theirs), export(daemon, f"large{k}", ["large.bin"], fmt="orig")))
            copy.unlink()
        ours, cp = sorted(own for _, own in pairs)[ROUNDS // 2], sorted(cp for cp, _ in pairs)[ROUNDS // 2]
        print(f"{BYTES >> 20} MiB: cp, sync and sha256sum {cp:.2f} s, exported in {ours:.2f} s: {cp / ours:.2f}")
        check(cp / ours >= LEAST, f"a copy is exported at {cp / ours:.2f} of the speed of cp, {LEAST} is allowed")


if __name__ == "__main__":
    main(test)
