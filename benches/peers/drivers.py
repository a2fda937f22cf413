"""How each program is kept running and given pictures: two at a time, the largest first."""

import json
import os
import pathlib
import selectors
import shlex
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests/system"))
from exportd_test import Daemon, check, wait_for  # noqa: E402
from workloads import AVIF_QUALITY  # noqa: E402

WORKERS = 2
ONE_THREAD = {**os.environ, "VIPS_CONCURRENCY": "1", "OMP_NUM_THREADS": "1", "MAGICK_THREAD_LIMIT": "1"}


class Usage:
    """Processor seconds and the sum of the memory peaks of some processes and their children."""

    def __init__(self, processes):
        self.processes = processes

    def tree(self):
        children = {}
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        found, ahead = [], [process.pid for process in self.processes]
        while ahead:
            found.append(ahead.pop())
            ahead += children.get(found[-1], [])
        return found

    def seconds(self):
        ticks = 0
        for pid in self.tree():
            try:
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            ticks += sum(map(int, fields[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def forget_peaks(self):
        for pid in self.tree():
            try:
                pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
            except OSError:
                continue

    def peak(self):
        total = 0
        for pid in self.tree():
            try:
                lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
        return total


class Lines:
    """A peer that stays: a process a core, which reads requests and answers each with a line."""

    def __init__(self, command, env=ONE_THREAD):
        self.workers = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, cwd=HERE)
            for _ in range(WORKERS)
        ]
        self.usage = Usage(self.workers)

    def round(self, workload, sources, out, work=None):
        """Converts every source; returns the seconds it took."""
        ahead = [
            {"work": work or workload.name, "source": str(source), "quality": AVIF_QUALITY, "asked": workload.asked,
             "to": str(out / f"{source.parent.name}-{source.stem}")}
            for source in largest_first(sources)
        ]
        left = len(ahead)
        begun = time.perf_counter()
        with selectors.DefaultSelector() as selector:
            for worker in self.workers:
                selector.register(worker.stdout, selectors.EVENT_READ, worker)
                self.give(worker, ahead)
            while left:
                for key, _ in selector.select():
                    check(key.fileobj.readline(), f"a peer ended in {workload.name}")
                    left -= 1
                    self.give(key.data, ahead)
        return time.perf_counter() - begun

    @staticmethod
    def give(worker, ahead):
        if ahead:
            worker.stdin.write(json.dumps(ahead.pop(0)).encode() + b"\n")
            worker.stdin.flush()

    def close(self):
        for worker in self.workers:
            worker.stdin.close()
            worker.wait()


class Once:
    """A program of the command line: a process a picture, two at a time."""

    def __init__(self, command):
        self.command = command
        self.usage = Usage([])

    def round(self, workload, sources, out):
        # Each picture once: a process for each takes as long the third time.
        ahead, running = largest_first(sources)[::workload.copies], []
        begun = time.perf_counter()
        while ahead or running:
            while ahead and len(running) < WORKERS:
                source = ahead.pop(0)
                target = out / f"{source.parent.name}-{source.stem}.jpg"
                running.append(subprocess.Popen(self.command(source, target), env=ONE_THREAD))
            running.remove(self.ended(running))
        return (time.perf_counter() - begun) * workload.copies

    @staticmethod
    def ended(running):
        pid, status = os.wait()
        process = next(process for process in running if process.pid == pid)
        process.returncode = os.waitstatus_to_exitcode(status)
        check(process.returncode == 0, f"{process.args[0]} failed")
        return process

    def close(self):
        pass


class Copy:
    """`cp`, then the hash and the syncing that exportd does as well."""

    def __init__(self):
        self.usage = Usage([])

    def round(self, workload, sources, out):
        folder = sources[0].parent.parent
        files = shlex.join(str(source.relative_to(folder)) for source in sources)
        script = (
            f"cp --parents {files} {out}/ && cd {out} && find . -type f -print0"
            f" | xargs -0 -P{WORKERS} -n4 sha256sum > SUMS && sync $(find .)"
        )
        begun = time.perf_counter()
        subprocess.run(["bash", "-ec", script], cwd=folder, check=True)
        return time.perf_counter() - begun

    def close(self):
        pass


class Exportd:
    """The daemon as it is shipped: a manifest goes into its folder, a run's report comes out."""

    CONFIG = f"workers = {WORKERS}\n[folders]\nassets = [{{assets}}]\n"

    def __init__(self, corpus):
        self.daemon = Daemon(self.CONFIG.format(assets=json.dumps(str(corpus))))
        self.daemon.__enter__()
        self.usage = Usage([self.daemon.process])
        self.corpus, self.jobs = corpus, 0

    def round(self, workload, sources, out):
        self.jobs += 1
        job = f"{workload.name}-{self.jobs}"
        handles = [str(source.relative_to(self.corpus)) for source in sources]
        lines = [f"jobName = {json.dumps(job)}", f"assetHandleArray = {json.dumps(handles)}", 'emailSetting = "None"']
        for name, modifier in workload.asked.items():
            lines += ["[[exportJob]]", f'rendition = "{name}"']
            lines += ['fmt = "orig"'] if modifier is None else ['fmt = "convert"', f"is_modifier = {json.dumps(modifier)}"]
        aside = self.daemon.drop / f".{job}.tmp"
        aside.write_text("\n".join(lines))
        begun = time.perf_counter()
        aside.rename(self.daemon.drop / f"{job}.toml")
        ended = lambda: list(self.daemon.reports.glob(f"{job}_*/report.json"))
        (report,) = wait_for(ended, 900, f"{job} does not end", 0.001)
        took = time.perf_counter() - begun
        told = json.loads(report.read_text())
        wrong = [entry["logMessage"] for entry in told["details"] if entry["logType"] == "ExportError"]
        check(not wrong, f"{workload.name}: {wrong[:3]}")
        run = self.daemon.out / told["run"]
        run.rename(out / "run")
        return took

    def close(self):
        self.daemon.__exit__(None, None, None)


def largest_first(sources):
    return sorted(sources, key=lambda source: source.stat().st_size, reverse=True)
