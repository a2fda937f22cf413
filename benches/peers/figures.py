#!/usr/bin/env python3
"""Memory, latency and growth of exportd alone; prints the second half of docs/performance.md.

  figures.py [memory] [latency] [overhead] [growth]

Each figure is of a daemon of its own with two workers, on the corpus that `run` makes.
"""

import json
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests/system"))
from drivers import ONE_THREAD, Exportd, Lines, Usage  # noqa: E402
from exportd_test import Daemon, check, manifest, png, wait_for  # noqa: E402
from measure import pictures_of  # noqa: E402
from workloads import WORKLOADS  # noqa: E402

CORPUS = HERE.parents[1] / "target/peers/corpus"
CONFIG = "workers = 2\n"
SMALL = "wid=64&fmt=png"


def drop(daemon, job, handles, **keys):
    """Drops a job; returns the seconds until its outputs are published, and until it is over."""
    text = manifest(job, handles, emailSetting="None", userHandle=None, **keys)
    aside = daemon.drop / f".{job}.tmp"
    aside.write_text(text)
    begun = time.perf_counter()
    aside.rename(daemon.drop / f"{job}.toml")
    wait_for(lambda: list(daemon.out.glob(f"{job}_*")), 1800, f"{job} publishes nothing", 0.001)
    published = time.perf_counter() - begun
    wait_for(lambda: list(daemon.reports.glob(f"{job}_*/report.json")), 60, f"{job} does not end", 0.001)
    return published, time.perf_counter() - begun


def peak_of_workers(daemon):
    usage = Usage([daemon.process])
    pids = [pid for pid in usage.tree() if pid != daemon.process.pid]
    words = "VmHWM:"
    status = [pathlib.Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return max(int(text.split(words)[1].split()[0]) * 1024 for text in status)


def row(words, value, bound):
    print(f"| {words} | {value} | {bound} |", flush=True)


def memory():
    with Daemon(CONFIG) as daemon:
        for k in range(10_000):
            (daemon.assets / f"a{k}.png").write_bytes(png(8, 8, k))
        drop(daemon, "many", ["a*.png"], is_modifier="wid=4&fmt=png")
        row("daemon, peak in a job of 10,000 assets", f"{daemon.rss('VmHWM') / 1e6:.1f} MB", "≤ 30 MB")
    with Daemon(CONFIG) as daemon:
        photo = (CORPUS / "jpeg/camera24.jpg").read_bytes()
        (daemon.assets / "camera24.jpg").write_bytes(photo)
        drop(daemon, "large", ["camera24.jpg"], is_modifier="wid=1200&hei=1200&fit=constrain&fmt=jpeg")
        row("worker, 24 megapixels JPEG to 1200²", f"{peak_of_workers(daemon) / 1e6:.0f} MB", "≤ 180 MB")
    with Daemon(CONFIG) as daemon:
        (daemon.assets / "one.png").write_bytes(png(300, 200, 1))
        sizes = [f"wid={20 + k}&fmt=png" for k in range(100)]
        # One source in a hundred renditions, ten times, then ninety times more.
        text = ['jobName = "{}"', 'assetHandleArray = ["one.png"]', 'fmt = "convert"', 'emailSetting = "None"']
        for k, size in enumerate(sizes):
            text += ["[[exportJob]]", f'rendition = "r{k}"', f"is_modifier = {json.dumps(size)}"]

        def again(job):
            daemon.drop_text(f"{job}.toml", "\n".join(text).format(job))
            daemon.run(job, 120)

        for k in range(10):
            again(f"first{k}")
        before = peak_of_workers(daemon), daemon.own()
        for k in range(90):
            again(f"then{k}")
        after = peak_of_workers(daemon), daemon.own()
        grown = "{:+.1f} MB worker, {:+.1f} MB daemon".format(*((b - a) / 1e6 for a, b in zip(before, after)))
        row("growth from 1,000 to 10,000 pictures", grown, "none")


def latency():
    with Daemon(CONFIG) as daemon:
        (daemon.assets / "storm.jpg").write_bytes((CORPUS / "jpeg/storm.jpg").read_bytes())
        keys = {"is_modifier": "wid=1200&hei=1200&fit=constrain&fmt=jpeg"}
        drop(daemon, "warm", ["storm.jpg"], **keys)
        took = []
        for k in range(20):
            time.sleep(0.2)
            took.append(drop(daemon, f"one{k}", ["storm.jpg"], **keys)[0])
        words = f"{statistics.median(took) * 1000:.0f} ms, slowest of 20: {max(took) * 1000:.0f} ms"
        row("2.5 megapixels JPEG to 1200², from drop to published", words, "≤ 150 ms")


def alone():
    """Builds the engine alone, without isolation, journal, hash and syncing."""
    built = subprocess.run(
        ["cargo", "bench", "--locked", "--quiet", "--bench", "alone", "--no-run", "--message-format=json"],
        cwd=HERE.parents[1], capture_output=True, text=True, check=True).stdout
    (program,) = [message["executable"] for message in map(json.loads, built.splitlines())
                  if message.get("executable") and message["target"]["name"] == "alone"]
    return program


def overhead():
    (workload,) = [workload for workload in WORKLOADS if workload.name == "W1"]
    sources = pictures_of(workload)
    daemon = Exportd(CORPUS)
    scratch = pathlib.Path(tempfile.mkdtemp(dir=CORPUS.parent))

    def turn(program):
        out = pathlib.Path(tempfile.mkdtemp(dir=scratch))
        before = program.usage.seconds()
        took = program.round(workload, sources, out)
        shutil.rmtree(out)
        return took, program.usage.seconds() - before

    turn(daemon)
    # The engine alone has the heap that workers have.
    said = "".join(pathlib.Path(f"/proc/{pid}/environ").read_text() for pid in daemon.usage.tree())
    heap = re.search("GLIBC_TUNABLES=([^\0]*)", said)
    check(heap, "workers have the usual heap")
    bare = Lines([alone()], ONE_THREAD | {"GLIBC_TUNABLES": heap.group(1)})
    turn(bare)
    turns = [(turn(daemon), turn(bare)) for _ in range(9)]
    for unit, words in enumerate(("by the clock", "in processor time")):
        whole, engine = (statistics.median(one[side][unit] for one in turns) for side in (0, 1))
        row(f"W1 beside the engine alone, {words}", f"{(whole / engine - 1) * 100:+.1f} %", "≤ 6 %")
    bare.close()
    daemon.close()
    shutil.rmtree(scratch)


def growth():
    with Daemon(CONFIG) as daemon:
        for k in range(10_000):
            (daemon.assets / f"{k:05}.png").write_bytes(png(8, 8, k))
        drop(daemon, "warm", ["00000.png"], is_modifier=SMALL)
        for count in (10, 100, 1_000, 10_000):
            handles = [f"{k:05}.png" for k in range(count)]
            took = drop(daemon, f"assets{count}", handles, is_modifier=SMALL)[1]
            row(f"a job of {count:,} assets", f"{took / count * 1000:.2f} ms each", "linear")
        for count in (1, 10, 100, 1_000):
            begun = time.perf_counter()
            for k in range(count):
                daemon.drop_text(f"j{count}-{k}.toml", manifest(
                    f"j{count}-{k}", ["00001.png"], is_modifier=SMALL, emailSetting="None", userHandle=None))
            ended = lambda: len(list(daemon.reports.glob(f"j{count}-*/report.json"))) == count
            wait_for(ended, 600, "jobs do not end", 0.01)
            row(f"{count:,} jobs at once", f"{(time.perf_counter() - begun) / count * 1000:.2f} ms each", "linear")
    for count in (1_000, 100_000, 1_000_000):
        with Daemon(CONFIG) as daemon:
            for k in range(count):
                folder = daemon.assets / f"{k // 1000:04}"
                if k % 1000 == 0:
                    folder.mkdir()
                (folder / f"{k:07}.txt").touch()
            stems = [f"{k // 1000:04}/{k:07}" for k in range(0, count, count // 1_000)]
            took = drop(daemon, "stems", stems, fmt="orig")[1]
            row(f"1,000 handles without extension, {count:,} files in the library", f"{took:.2f} s", "linear")
            took = drop(daemon, "globs", ["**/*000.txt"], fmt="orig")[1]
            row(f"one glob, {count:,} files in the library", f"{took:.2f} s", "linear")


PARTS = {"memory": memory, "latency": latency, "overhead": overhead, "growth": growth}

if __name__ == "__main__":
    print("| what | seen | to reach |\n|---|---|---|")
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
