#!/usr/bin/env python3
"""What may lie in a drop folder or a spool: manifests made to hurt, things that are no files, damage.

The spool is damaged at random, again and again: the daemon starts all the same, what is whole is
done, and nothing that cannot be explained is deleted.
"""

import contextlib
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from exportd_test import CONFIG, PROGRAM, Daemon, check, main, manifest, run_each, wait_for
from mounts import alone, in_memory

LONG = os.environ.get("EXPORTD_LONG") == "1"
# A build for debugging is slower by this.
SLOWER = 20 if "debug" in PROGRAM else 1
# What a manifest may cost beyond a small one, in megabytes.
MOST_MEMORY = 32


# ---------------------------------------------------------------- manifests


def cruel():
    """Manifests of up to a megabyte that cost a parser the most."""
    head = 'jobName = "x"\nfmt = "orig"\nemailSetting = "All"\n'
    whole = head + 'assetHandleArray = ["note.txt"]\n'
    absent = "assetHandleArray = [" + "".join(f'"no{n:05}.tif",' for n in range(10_000)) + "]\n"
    fill = lambda text, unit: text + unit * ((1_048_000 - len(text)) // len(unit))
    yield "comments", fill(whole, "# nothing to see here\n")
    yield "one long line", fill(whole, "#") + "\n"
    yield "one long string", whole + 'description = "' + "x" * 1_000_000 + '"\n'
    yield "open string", whole + 'description = "' + "x" * 1_000_000
    yield "20,000 arrays deep", whole + "x = " + "[" * 20_000 + "]" * 20_000 + "\n"
    yield "20,000 tables deep", whole + "x = " + "{a=" * 20_000 + "1" + "}" * 20_000 + "\n"
    yield "20,000 parts in a key", whole + "a" + ".a" * 20_000 + " = 1\n"
    yield "20,000 parts in a header", whole + "[a" + ".a" * 20_000 + "]\n"
    yield "120,000 keys", whole + "".join(f"{n:x}=1\n" for n in range(120_000))
    yield "60,000 wrong keys in a table", whole + "[[exportJob]]\n" + "".join(f"jobNam{n}=1\n" for n in range(60_000))
    yield "30,000 renditions", head + "[[exportJob]]\nrendition='r'\n" * 30_000
    keys = lambda count: "".join(f"{n:x}=1\n" for n in range(count))
    yield "24,000 keys", whole + keys(24_000)
    yield "24,000 wrong keys in a table", whole + "[[exportJob]]\n" + keys(24_000)
    yield "16,000 tables", whole + "x = [" + "{a=1}," * 16_000 + "]\n"
    yield "9,000 renditions", head + "[[exportJob]]\nrendition='r'\n" * 9_000
    yield "9,000 headers", whole + "".join(f"[a{n}]\nb=1\n" for n in range(9_000))
    lots = "&wiid=1" * 8_000
    yield "unknown modifiers", head.replace("orig", "convert") + f'assetHandleArray = ["note.txt"]\nis_modifier = "{lots}"\n'
    tables = "".join(f"[[exportJob]]\nrendition='r{n}'\n" for n in range(100))
    yield "unknown modifiers shared", head.replace("orig", "convert") + f'assetHandleArray = ["note.txt"]\nis_modifier = "{lots}"\n' + tables
    tables = "".join(f"[[exportJob]]\nrendition='r{n}'\n" for n in range(1_000))
    yield "1,000 renditions of 10,000 absent handles", head + absent + tables
    yield "120,000 handles", head + "assetHandleArray = [" + '"a.tif",' * 120_000 + "]\n"
    yield "10,000 absent handles", head + absent
    yield "wrong handles", head + "assetHandleArray = [" + '"../../etc/passwd\\u0000",' * 30_000 + "]\n"
    yield "long modifier", head.replace("orig", "convert") + 'assetHandleArray = ["note.txt"]\nis_modifier = "' + "&wid=1" * 150_000 + '"\n'
    yield "long unknown modifiers", head.replace("orig", "convert") + 'assetHandleArray = ["note.txt"]\nis_modifier = "' + "&wiid=1" * 120_000 + '"\n'
    yield "long template", whole + 'outputName = "' + "{stem}" * 150_000 + '"\n'
    yield "braces", whole + 'outputName = "' + "{" * 900_000 + '"\n'
    yield "long job name", whole.replace('"x"', '"' + "x" * 1_000_000 + '"')
    yield "not UTF-8", (whole + "# ").encode() + b"\xff" * 1_000_000
    yield "zeros", bytes(1_000_000)


def run_measured(command):
    """Runs a program; returns what it said, and the most memory it had, in bytes.

    By way of a small program: the peak of a process counts what it was before it became another.
    """
    with tempfile.NamedTemporaryFile("r") as told:
        measured = ["/usr/bin/time", "--quiet", "--format", "%M", "--output", told.name, *command]
        done = subprocess.run(measured, capture_output=True, check=False)
        return done, int(told.read()) * 1024


def manifests():
    """Each is judged within a quarter of a second, in few words and little memory."""
    with in_memory():
        daemon = Daemon()
        (daemon.assets / "note.txt").write_text("for everybody\n")
        path = daemon.root / "cruel.toml"

        def judge(content):
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            times, peaks = [], []
            for _ in range(3):
                begun = time.perf_counter()
                done, peak = run_measured(daemon.command("check", "--json", path))
                times.append(time.perf_counter() - begun)
                peaks.append(peak)
            return min(times), min(peaks) / 1e6, done

        small = judge(manifest("x", ["note.txt"], fmt="orig"))
        slow, large, judged = [], [], 0
        for name, content in cruel():
            check(len(content) <= 1_048_576, f"{name}: {len(content)} bytes")
            took, peak, done = judge(content)
            took, more = took - small[0], peak - small[1]
            check(done.returncode in (0, 65), f"{name}: exit code {done.returncode}: {done.stderr[-300:]}")
            findings = json.loads(done.stdout)
            check(len(findings) <= 101, f"{name}: {len(findings)} findings")
            for finding in findings:
                for key in ("message", "help"):
                    length = len(finding.get(key) or "")
                    check(length <= 300, f"{name}: {key} of {length} characters")
            if took > 0.25 * SLOWER:
                slow.append(f"{name}: {took * 1000:.0f} ms")
            if more > MOST_MEMORY:
                large.append(f"{name}: {more:.0f} MB")
            print(f"  {name}: {took * 1000:.0f} ms, {more:.1f} MB more than a small one, {len(findings)} findings")
            judged += 1
        print(f"  {judged} manifests")
        check(not slow, "; ".join(slow))
        check(not large, "; ".join(large))
        daemon.log.close()


# ---------------------------------------------------------------- what is no file


def strange_things():
    """Pipes, devices, sockets, folders and links by the name of a manifest: told once, never opened."""
    with in_memory(), Daemon() as daemon:
        (daemon.assets / "note.txt").write_text("for everybody\n")
        text = manifest("linked", ["note.txt"], fmt="orig")
        (daemon.root / "elsewhere.toml").write_text(text)
        os.mkfifo(daemon.drop / "pipe.toml")
        os.mknod(daemon.drop / "device.toml", 0o600 | 0o020000, os.makedev(1, 5))
        (daemon.drop / "folder.toml").mkdir()
        (daemon.drop / "link.toml").symlink_to(daemon.root / "elsewhere.toml")
        (daemon.drop / "lost.toml").symlink_to("nowhere")
        names = ["pipe", "device", "folder", "link", "lost", "socket"]
        with socket.socket(socket.AF_UNIX) as ear:
            ear.bind(str(daemon.drop / "socket.toml"))
            (daemon.drop / os.fsdecode(b"bad\xff.toml")).write_text(text)
            for k in range(3):
                daemon.drop_text(f"j{k}.toml", manifest(f"j{k}", ["note.txt"], fmt="orig"))
                daemon.run(f"j{k}", 10)
        log = (daemon.root / "stderr.log").read_text(errors="replace")
        for name in names:
            told = log.count(f"{name}.toml")
            check(told == 1, f"{name}.toml: said {told} times")
            check((daemon.drop / f"{name}.toml").is_symlink() or (daemon.drop / f"{name}.toml").exists(), f"{name}.toml is gone")
        check(log.count("not UTF-8") == 1, "a name that cannot be read is not told once")
        check(not daemon.runs("linked"), "a link was followed")


# ---------------------------------------------------------------- damage


def template(folder):
    """A spool as a killed daemon leaves it: jobs at work, waiting, scheduled, done and failed."""
    with Daemon(CONFIG + '[job]\nwait_for_assets = "1h"\n') as daemon:
        (daemon.assets / "note.txt").write_text("for everybody\n")
        for k in range(3):
            daemon.drop_text(f"done{k}.toml", manifest(f"done{k}", ["note.txt"], fmt="orig", emailSetting="None"))
            daemon.run(f"done{k}", 10)
        daemon.drop_text("wrong.toml", manifest("wrong", ["note.txt"], fmt="none"))
        daemon.drop_text("later.toml", manifest("later", ["note.txt"], fmt="orig").replace("fmt", "execTime = 2099-01-01T00:00:00Z\nfmt"))
        for k in range(8):
            daemon.drop_text(f"live{k}.toml", manifest(f"live{k}", ["late.txt"], fmt="orig", emailSetting="None"))
        spool = daemon.root / "spool"
        count = lambda state: len(list((spool / state).iterdir()))
        wait_for(lambda: count("active") == 8 and count("scheduled") == 1 and count("failed") == 1, 20, "no jobs")
        daemon.kill()
        for job in sorted((spool / "active").iterdir())[:4]:
            job.rename(spool / "queue" / job.name)
        (spool / "ballast").unlink(missing_ok=True)
        shutil.copytree(spool, folder)


def damage(spool, chance):
    """Damages some files; returns the ids that are touched, and the names that were planted."""
    files = sorted(p for p in spool.rglob("*") if p.is_file() and p.parent.parent.parent == spool)
    touched, planted = set(), set()
    for _ in range(chance.randint(1, 5)):
        victim = chance.choice(files)
        touched.add(victim.parent.name)
        way = chance.randrange(7)
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            if way == 0:
                os.truncate(victim, chance.randrange(victim.stat().st_size + 1))
            elif way == 1:
                other = chance.choice(files)
                touched.add(other.parent.name)
                a, b = victim.read_bytes(), other.read_bytes()
                victim.write_bytes(b)
                other.write_bytes(a)
            elif way == 2:
                victim.unlink()
            elif way == 3:
                victim.write_bytes(chance.randbytes(chance.randrange(5000)))
            elif way == 4:
                os.truncate(victim, 2 << 30)
                # Nothing else happens to it: nobody wants to read and write all that.
                files.remove(victim)
            elif way == 5:
                content = bytearray(victim.read_bytes())
                for _ in range(3):
                    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
                victim.write_bytes(content)
            else:
                victim.unlink()
                victim.mkdir()
    for state in ("queue", "active", "scheduled", "done", "failed", "hold", "corrupt"):
        if chance.random() < 0.3:
            name = chance.choice(["core", "notes.txt", "x" * 200, "-rf", "20260101T000000Z-000000000000", "job.json"]) + f"-{state}"
            path = spool / state / name
            if chance.random() < 0.5:
                path.write_bytes(chance.randbytes(1000))
                if chance.random() < 0.3:
                    os.truncate(path, 2 << 30)
            else:
                path.mkdir()
                (path / "journal").write_bytes(chance.randbytes(200))
            planted.add(name)
    if chance.random() < 0.3:
        (spool / "number").write_bytes(chance.randbytes(40))
    return touched, planted


def spools():
    count = 1000 if LONG else 100
    with in_memory() as memory:
        whole = pathlib.Path(memory) / "template"
        template(whole)
        live = {job.name: json.loads((job / "job.json").read_text()) for state in ("queue", "active") for job in (whole / state).iterdir()}
        check(len(live) == 8, f"{len(live)} live jobs")
        slowest = 0
        for seed in range(count):
            chance = random.Random(seed)
            # Leaving after a failure keeps the folder, and with it the spool.
            with Daemon(CONFIG) as daemon:
                daemon.stop()
                for name in ("note.txt", "late.txt"):
                    (daemon.assets / name).write_text("for everybody\n")
                spool = daemon.root / "spool"
                shutil.rmtree(spool)
                shutil.copytree(whole, spool)
                touched, planted = damage(spool, chance)
                begun = time.monotonic()
                daemon.ready = 10
                daemon.start()
                slowest = max(slowest, time.monotonic() - begun)
                for job in sorted(set(live) - touched):
                    name = live[job]["name"].removesuffix(".toml")
                    run = daemon.run(name, 20)
                    check(run.report["verdict"] == "clean", f"seed {seed}: {name} is {run.report['verdict']}")
                check(daemon.alive(), f"seed {seed}: the daemon died")
                daemon.stop()
                left = {path.name for path in spool.glob("*/*")}
                for name in touched | planted:
                    check(any(name in other for other in left), f"seed {seed}: {name} is gone without a word")
        print(f"  {count} damaged spools, the slowest start took {slowest:.2f} s")
        check(slowest <= 5, f"a start took {slowest:.1f} s")


TESTS = (manifests, strange_things, spools)


def test():
    run_each(TESTS)


if __name__ == "__main__":
    alone()
    main(test)
