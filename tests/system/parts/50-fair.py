#!/usr/bin/env python3
"""A small job dropped behind one of 10,000 assets does not wait for it, and the daemon stays small."""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from exportd_test import Daemon, check, main, manifest, png, wait_for

ASSETS, LIMIT = 10_000, 5.0
MOST_MEMORY = 34_000_000


def test():
    with Daemon() as daemon:
        (daemon.assets / "big").mkdir()
        (daemon.assets / "small").mkdir()
        pictures = [png(96, 72, seed) for seed in range(50)]
        for k in range(ASSETS):
            (daemon.assets / f"big/b{k:05}.png").write_bytes(pictures[k % len(pictures)])
        for k in range(3):
            (daemon.assets / f"small/s{k}.png").write_bytes(pictures[k])

        began = time.monotonic()
        daemon.drop_text("big.toml", manifest("big", ["big/*.png"], is_modifier="wid=64&fmt=jpeg"))
        wait_for(lambda: daemon.progress() >= 50 or daemon.runs("big"), 60, "the big job does not begin")
        check(not daemon.runs("big"), "the big job was over at once")
        start = time.monotonic()
        daemon.drop_text("small.toml", manifest("small", ["small/*.png"], is_modifier="wid=64&fmt=jpeg"))
        small = daemon.run("small", 60)
        took = time.monotonic() - start
        still = not daemon.runs("big")
        print(f"small job: {took:.2f} s")

        check(small.counts() == (3, 3, 0, 0, 0), f"small: {small.counts()}")
        check(took <= LIMIT, f"the small job took {took:.1f} s, {LIMIT} s are allowed")
        check(still, "the big job was over first: nothing was shown")
        big = daemon.run("big", 400)
        check(big.counts() == (ASSETS, ASSETS, 0, 0, 0), f"big: {big.counts()}")
        whole, peak = time.monotonic() - began, daemon.rss("VmHWM")
        print(f"big job: {whole:.1f} s, {ASSETS / whole:.0f} assets/s; the daemon's peak {peak / 1e6:.1f} MB")
        check(peak <= MOST_MEMORY, f"the daemon took {peak / 1e6:.1f} MB")
        big.check_sums()


if __name__ == "__main__":
    main(test)
