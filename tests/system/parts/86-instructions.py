#!/usr/bin/env python3
"""How many instructions each stage but journal and spool takes, small, under callgrind, beside benches/instructions.toml.

A clock cannot tell 3 % on a machine that does other things as well; a count can. More than 3 % either
way fails: what has become slower is to be mended, what has become faster or has to be slower is kept
with UPDATE_INSTRUCTIONS=1. Counts depend on compilers, the C library, what of the processor valgrind
knows and whether there was an assembler. Where one of them is not that of the table, they are shown
and not judged.

benches/instructions.rs is linked with the library of the release build that is there already, by the
compiler itself: as a target of Cargo it would have the library compiled once more, with the features
that tests ask for. STAGES="decode/png probe/jpeg" counts only those.
"""

import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from exportd_test import TREE, check, main

TABLE = TREE / "benches/instructions.toml"
RELEASE = TREE / "target/release"
MOST = 0.03
HEAD = """\
# Instructions of each stage as benches/instructions.rs does it, and a number of what it is given.
# UPDATE_INSTRUCTIONS=1 tests/system/run 86 writes this; tests/system/parts/86-instructions.py judges
# by it where everything it was made with is the same.
"""


def said(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    check(done.returncode == 0, f"{' '.join(map(str, command))[:200]}: {done.returncode}\n{done.stderr[-3000:]}")
    return done.stdout


def linked(folder):
    """Links the program that does the stages."""
    # What was built last may have been for tests; this puts the right library back, or makes it.
    said("cargo", "build", "--release", "--locked", "--quiet", cwd=TREE)
    program = folder / "instructions"
    said("rustc", "--edition=2024", "--crate-name=instructions", "-Copt-level=3", "-Cstrip=debuginfo",
         f"--extern=exportd={RELEASE}/libexportd.rlib", f"-Ldependency={RELEASE}/deps",
         TREE / "benches/instructions.rs", "-o", program)
    return program


def level():
    """What the processor can do, as far as valgrind knows it: AVX2, no AVX-512."""
    flags = set(re.search(r"^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)[1].split())
    if flags >= {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"}:
        return "x86-64-v3"
    return "x86-64-v2" if flags >= {"sse4_2", "popcnt", "ssse3"} else "x86-64-v1"


def made_with(program):
    symbols = said("nm", program)
    return {
        "rustc": said("rustc", "--version").split(maxsplit=1)[1].strip(),
        "cc": said("cc", "--version").splitlines()[0],
        "libc": " ".join(platform.libc_ver()),
        "valgrind": said("valgrind", "--version").strip(),
        "cpu": level(),
        "assembler": "nasm" if re.search(r"jsimd_\w+_avx2", symbols) else "none",
    }


def counted(program, folder, stages):
    """Each stage's instructions and the number of its input."""
    counts = folder / "counts"
    work = folder / "work"
    work.mkdir()
    printed = said("valgrind", "--tool=callgrind", f"--callgrind-out-file={counts}",
                   # Of two patterns that are the same, callgrind obeys one.
                   "--toggle-collect=*measured_*", "--dump-after=*measured_stage*", program, work, *stages,
                   env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TMPDIR": str(folder)})
    lines = [line.split() for line in printed.splitlines()]
    dumps = len(list(folder.glob("counts.*")))
    check(dumps == len(lines), f"{len(lines)} stages, but {dumps} counts")
    found = {}
    for number, (name, given) in enumerate(lines, 1):
        dump = (folder / f"counts.{number}").read_text()
        found[name] = {"instructions": int(re.search(r"^(?:totals|summary): (\d+)$", dump, re.M)[1]), "input": given}
        check(found[name]["instructions"] > 0, f"{name}: nothing was counted")
    return found


def written(tools, found):
    lines = [HEAD, "[made_with]", *(f'{key} = "{value}"' for key, value in tools.items()), "", "[stages]"]
    lines += [f'"{name}" = {{ instructions = {one["instructions"]}, input = "{one["input"]}" }}'
              for name, one in found.items()]
    return "\n".join(lines) + "\n"


def compared(found, kept):
    """Shows each stage beside what is kept, and returns what is out of bounds."""
    out = []
    for name, one in found.items():
        before = kept.get(name)
        line = f"{name:28} {one['instructions']:>13,}"
        if before is None:
            out.append(f"{name} is not in {TABLE.name}")
            print(line)
            continue
        change = one["instructions"] / before["instructions"] - 1
        other = "" if one["input"] == before["input"] else "  given something else than then"
        print(f"{line}  {change:+.2%}{other}")
        if abs(change) > MOST:
            out.append(f"{name}: {change:+.1%}{other}")
    return out


def test():
    if platform.machine() != "x86_64":
        print(f"not judged: the table is for x86_64, this is {platform.machine()}")
        return
    check(shutil.which("valgrind"), "there is no valgrind")
    stages = os.environ.get("STAGES", "").split()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        program = linked(folder)
        tools = made_with(program)
        found = counted(program, folder, stages)
    check(found, f"there is no stage {' '.join(stages)}")
    if os.environ.get("UPDATE_INSTRUCTIONS") == "1":
        check(not stages, "only all stages together are kept")
        TABLE.write_text(written(tools, found))
        print(f"{len(found)} stages written to {TABLE.name}")
        return
    table = tomllib.loads(TABLE.read_text())
    kept = table["stages"]
    out = compared(found, kept)
    gone = sorted(kept.keys() - found.keys()) if not stages else []
    differs = [f"{key} is {tools.get(key)}, was {was}" for key, was in table["made_with"].items() if tools.get(key) != was]
    if differs:
        print(f"not judged: {'; '.join(differs)}")
        out = [one for one in out if one.endswith(TABLE.name)]
    check(not gone, f"no longer there, but in {TABLE.name}: {', '.join(gone)}")
    check(not out, f"more than {MOST:.0%} from {TABLE.name}, or not in it:\n  " + "\n  ".join(out))


if __name__ == "__main__":
    main(test)
