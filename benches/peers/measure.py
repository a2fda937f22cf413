#!/usr/bin/env python3
"""Measures exportd against its peers, side by side, and prints the table of docs/performance.md.

  measure.py [--rounds N] [--quality] [--json FILE] [WORKLOAD ...]

Rounds are interleaved: each goes through all programs before the next begins, so that what else the
machine does is spread over all. The first round of each program warms it up and is not counted.
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

import pyvips
from corpus import make
from drivers import Copy, Exportd, Lines, Once
from judge import judge
from workloads import WORKLOADS

HERE = pathlib.Path(__file__).resolve().parent
TARGET = HERE.parents[1] / "target/peers"
CORPUS = TARGET / "corpus"
# Stands before the number of a copy in its name.
COPY = "--"

STAYING = {
    "sharp": ["node", str(TARGET / "node/sharp_peer.mjs")],
    "pyvips": [str(TARGET / "vips/bin/python"), "vips_peer.py"],
    "pillow-simd": [str(TARGET / "pillow/bin/python"), "pillow_peer.py"],
}
PASSING = {
    "vipsthumbnail": lambda source, target: ["vipsthumbnail", source, "-s", "1200x1200>", "-o", f"{target}[Q=85]"],
    "graphicsmagick": lambda source, target: [
        "gm", "convert", "-size", "2400x2400", source, "-resize", "1200x1200>", "-quality", "85", target],
    "imagemagick": lambda source, target: [
        "convert", "-define", "jpeg:size=2400x2400", source, "-resize", "1200x1200>", "-quality", "85", target],
}


def programs():
    """Starts every program that stays."""
    return {
        "exportd": Exportd(CORPUS),
        **{name: Lines(command) for name, command in STAYING.items()},
        **{name: Once(command) for name, command in PASSING.items()},
        "cp": Copy(),
    }


def copied(path, number):
    """Another name of a picture, for another of its turns."""
    copy = path.with_stem(f"{path.stem}{COPY}{number}")
    if not copy.exists():
        copy.hardlink_to(path)
    return copy


def pictures_of(workload):
    """Its sources: each picture as often as it comes in a round, first all of them once."""
    pictures = sorted({path for pattern in workload.sources for path in CORPUS.glob(pattern)
                       if path.is_file() and not path.stem.partition(COPY)[1]})
    return [*pictures, *(copied(path, number) for path in pictures for number in range(1, workload.copies))]


def measure(workload, running, rounds, scratch):
    """Medians of one workload by program."""
    sources = pictures_of(workload)
    pictures = sources[: len(sources) // workload.copies]
    names = ["exportd", *workload.peers] + ["sharp, decoding once"] * bool(workload.beside)
    seen = {name: [] for name in names}
    replies = {}
    for count in range(rounds + 1):
        for name in names:
            program = running["sharp" if name == "sharp, decoding once" else name]
            out = pathlib.Path(tempfile.mkdtemp(dir=scratch))
            more = {"work": "W10-once"} if name == "sharp, decoding once" else {}
            program.usage.forget_peaks()
            before = program.usage.seconds()
            took = program.round(workload, sources, out, **more)
            figures = took, program.usage.seconds() - before, program.usage.peak()
            if count:
                seen[name].append(figures)
            if count == rounds:
                replies[name] = out
            else:
                shutil.rmtree(out)
    rows = {}
    for name, figures in seen.items():
        took, cpu, peak = (statistics.median(column) for column in zip(*figures))
        rows[name] = {
            "per_second": len(sources) / took, "seconds": took, "peak_bytes": peak,
            # As if each picture came once.
            "cpu_seconds": cpu / workload.copies,
            "spread": (max(f[0] for f in figures) - min(f[0] for f in figures)) / took,
            "bytes": sum(path.stat().st_size for path in replies[name].rglob("*")
                         if path.is_file() and COPY not in path.name and path.name not in ("SHA256SUMS", "SUMS")),
        }
    return pictures, rows, replies


def conclude(workload, rows):
    """The ratio to the fastest peer, and to the one that has a bound of its own."""
    best = max((name for name in workload.peers), key=lambda name: rows[name]["per_second"])
    ratio = rows["exportd"]["per_second"] / rows[best]["per_second"]
    found = {"best": best, "ratio": ratio, "goal": workload.goal, "met": ratio >= workload.goal}
    if workload.beside:
        name, bound = workload.beside
        found["beside"] = {"peer": name, "ratio": rows["exportd"]["per_second"] / rows[name]["per_second"], "goal": bound}
    return found


def table(results):
    """The result as Markdown."""
    lines = ["| | work | program | pictures/s | CPU s | peak MB | MB written | SSIMULACRA2 | ratio | goal |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    for result in results:
        ordered = sorted(result["rows"].items(), key=lambda row: (row[0] != "exportd", -row[1]["per_second"]))
        for name, row in ordered:
            first = name == "exportd"
            ratio = "" if first else f"{result['rows']['exportd']['per_second'] / row['per_second']:.2f}"
            goal = f"{result['goal']:.2f}" if name == result["best"] else ""
            if name == result.get("beside", {}).get("peer"):
                goal = f"{result['beside']['goal']:.2f}"
            known = lambda value, words: words.format(value) if value else "–"
            lines.append("| " + " | ".join([
                result["name"] if first else "", result["words"] if first else "", name,
                f"{row['per_second']:.1f}", known(row["cpu_seconds"], "{:.2f}"),
                known(row["peak_bytes"] / 1e6, "{:.0f}"), f"{row['bytes'] / 1e6:.1f}",
                known(row.get("score"), "{:.2f}"), ratio, goal]) + " |")
    ratios = [result["ratio"] for result in results]
    lines += ["", f"Geometric mean of the ratios: {statistics.geometric_mean(ratios):.2f}"]
    return "\n".join(lines)


def machine():
    """What the figures hold for."""
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    first = lambda *command: subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0]
    sharp = json.loads((TARGET / "node/node_modules/sharp/package.json").read_text())["version"]
    return {
        "processor": model, "cores": os.cpu_count(), "kernel": platform.release(),
        "rustc": first("rustc", "--version"), "sharp": sharp,
        "pyvips": importlib.metadata.version("pyvips"), "libvips": ".".join(str(pyvips.version(k)) for k in range(3)),
        "vipsthumbnail": first("vips", "--version"), "graphicsmagick": first("gm", "version"),
        "imagemagick": first("convert", "--version"),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quality", action="store_true", help="judge the replies with SSIMULACRA2, which takes minutes")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("workloads", nargs="*")
    options = parser.parse_args()
    make(CORPUS, pyvips)
    wanted = [w for w in WORKLOADS if not options.workloads or w.name in options.workloads]
    scratch = pathlib.Path(tempfile.mkdtemp(dir=TARGET))
    running, results = programs(), []
    try:
        for workload in wanted:
            sources, rows, replies = measure(workload, running, options.rounds, scratch)
            if options.quality and workload.judged:
                judge(workload, sources, rows, replies)
            results.append({"name": workload.name, "words": workload.words, "rows": rows, **conclude(workload, rows)})
            print(f"{workload.name}: {results[-1]['ratio']:.2f} of {results[-1]['best']}", file=sys.stderr, flush=True)
            for folder in replies.values():
                shutil.rmtree(folder)
    finally:
        for program in running.values():
            program.close()
        shutil.rmtree(scratch, ignore_errors=True)
    told = {"machine": machine(), "rounds": options.rounds, "results": results}
    if options.json:
        options.json.write_text(json.dumps(told, indent=1))
    print("\n".join(f"- {key}: {value}" for key, value in told["machine"].items()))
    print()
    print(table(results))


if __name__ == "__main__":
    main()
