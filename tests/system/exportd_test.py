"""What the system tests share: a daemon below a folder of its own, pictures, and the wait for runs.

Only Python's standard library is used. Everything here speaks to the daemon as a user does: files
in folders, the command line, signals. The program is `EXPORTD`, or the release build of this tree.
"""

import contextlib
import email
import email.policy
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

TREE = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("EXPORTD", str(TREE / "target/release/exportd"))
DEMO = TREE / "config/demo"
CONFIG = """
[macros]
web = "wid=1200&fmt=jpeg&qlt=85"

[users.mia]
address = "Mia Wang <mia@studio.example>"
"""


def check(condition, words):
    """Fails the test, with words, unless the condition holds."""
    if not condition:
        raise AssertionError(words)


def wait_for(what, seconds, words, every=0.02):
    """Polls until `what()` is truthy and returns it."""
    end = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        check(time.monotonic() < end, f"{words}: not within {seconds} s")
        time.sleep(every)


class Receiver:
    """Takes the calls of a webhook; `ids` are those it has, `config` is what makes a daemon call it."""

    def __init__(self):
        ids = self.ids = set()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                ids.add(self.headers["webhook-id"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.config = CONFIG + f'\n[webhook]\nurl = "http://127.0.0.1:{self.server.server_port}/"\n'

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def check(self, daemon):
        """What is said to be taken was."""
        sent = {path.stem for path in (daemon.root / "mail/webhook/sent").iterdir()}
        check(sent <= self.ids, f"{len(sent - self.ids)} calls count as taken and were not")
        return len(sent)


# ---------------------------------------------------------------- pictures


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width, height, bits, color):
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0))


def png(width, height, seed):
    """A colour gradient that is different for every seed."""
    red = bytes((x * 255 // max(1, width - 1)) for x in range(width))
    rows = []
    for y in range(height):
        row = bytearray(3 * width)
        row[0::3] = red
        row[1::3] = bytes([y * 255 // max(1, height - 1)]) * width
        row[2::3] = bytes((seed * 37 + x // 7 * 5 + y // 5 * 3) % 256 for x in range(width))
        rows.append(b"\0" + bytes(row))
    return png_header(width, height, 8, 2) + chunk(b"IDAT", zlib.compress(b"".join(rows), 6)) + chunk(b"IEND", b"")


def png_bomb(side=60_000):
    """A correct one-bit picture of side × side pixels: half a gigabyte in half a megabyte."""
    deflate = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    parts = [deflate.compress(row * 100) for _ in range(side // 100)]
    parts.append(deflate.flush())
    return png_header(side, side, 1, 0) + chunk(b"IDAT", b"".join(parts)) + chunk(b"IEND", b"")


# ---------------------------------------------------------------- manifests and runs


def manifest(name, handles, **keys):
    """A manifest's text; keyword arguments are further keys."""
    keys = {"fmt": "convert", "emailSetting": "All", "userHandle": "mia", **keys}
    lines = [f"jobName = {json.dumps(name)}", f"assetHandleArray = {json.dumps(handles)}"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items() if value is not None]
    return "\n".join(lines) + "\n"


class Run:
    """A finished run: its report and its folders."""

    def __init__(self, daemon, folder):
        self.report = json.loads((folder / "report.json").read_text())
        self.name = self.report["run"]
        self.reports = folder
        self.out = daemon.root / "out" / self.name

    def files(self):
        """Delivered files, relative; SHA256SUMS is none."""
        found = (p.relative_to(self.out) for p in self.out.rglob("*") if p.is_file())
        return sorted(str(p) for p in found if p.name != "SHA256SUMS")

    def counts(self):
        names = ("total", "Success", "Error", "Warning", "Cancel")
        keys = ["totalFileCount"] + [f"file{name}Count" for name in names[1:]]
        return tuple(self.report[key] for key in keys)

    def of(self, handle):
        """The entries of one handle."""
        return [entry for entry in self.report["details"] if entry.get("assetHandle") == handle]

    def check_sums(self):
        """Lets coreutils verify SHA256SUMS, and checks that it lists every delivered file."""
        done = subprocess.run(
            ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"],
            cwd=self.out, capture_output=True, text=True, check=False,
        )
        check(done.returncode == 0, f"sha256sum: {done.stdout}{done.stderr}")
        lines = (self.out / "SHA256SUMS").read_text().splitlines()
        listed = sorted(re.sub(r"^[0-9a-f]{64} [ *](\./)?", "", line) for line in lines)
        check(listed == self.files(), "SHA256SUMS does not list the delivered files")


class Daemon:
    """`exportd run --root DIR` in a temporary folder; a context manager.

    The test is told by the readiness protocol (NOTIFY_SOCKET) when the daemon watches its drop
    folder. Leaving the context stops it and removes the folder; after a failure the folder stays
    and its name is printed.
    """

    def __init__(self, config=CONFIG, ready=30):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="exportd-test-"))
        self.drop, self.assets = self.root / "drop", self.root / "assets"
        self.out, self.reports = self.root / "out", self.root / "reports"
        for folder in (self.drop, self.assets, self.out, self.reports):
            folder.mkdir()
        self.config = self.root / "exportd.toml"
        self.config.write_text(config)
        self.ready, self.process = ready, None
        self.log = open(self.root / "stderr.log", "ab")

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, error, trace):
        if self.process and self.process.poll() is None:
            self.stop(quiet=kind is not None)
        self.log.close()
        if kind is None:
            # An hour's soak leaves a quarter of a million folders.
            subprocess.run(["rm", "-rf", self.root], check=False)
        else:
            print(f"left for you: {self.root}", file=sys.stderr)
            tail = (self.root / "stderr.log").read_text(errors="replace").splitlines()[-30:]
            print("\n".join(f"  | {line}" for line in tail), file=sys.stderr)

    # How the daemon is begun; a test may watch over its calls instead.
    spawn = staticmethod(subprocess.Popen)

    def command(self, *arguments):
        return [PROGRAM, *arguments, "--root", str(self.root), "--config", str(self.config)]

    def start(self):
        """Starts the daemon and waits for READY=1."""
        address = self.root / "notify"
        with contextlib.suppress(FileNotFoundError):
            address.unlink()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
            ear.bind(str(address))
            ear.settimeout(0.2)
            self.process = self.spawn(
                self.command("run"), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                start_new_session=True, env={**os.environ, "NOTIFY_SOCKET": str(address)},
            )
            end = time.monotonic() + self.ready
            while True:
                with contextlib.suppress(TimeoutError):
                    if b"READY=1" in ear.recv(4096):
                        return
                code = self.process.poll()
                check(code is None, f"the daemon ended with {code} before it was ready")
                check(time.monotonic() < end, f"the daemon was not ready within {self.ready} s")

    def stop(self, quiet=False):
        """Asks the daemon to end, and checks that it does so in order."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(45)
        except subprocess.TimeoutExpired:
            self.kill()
            check(quiet, "the daemon did not stop within 45 s")
            return
        check(quiet or code == 0, f"the daemon stopped with {code}")

    def kill(self):
        """kill -9 for the daemon alone; checks that its workers go with it."""
        session = self.process.pid
        self.process.kill()
        self.process.wait()
        wait_for(lambda: not in_session(session), 10, "workers outlive a killed daemon", 0.05)

    def alive(self):
        return self.process.poll() is None

    def rss(self, what="VmRSS"):
        """Resident memory of the daemon itself, without workers, in bytes; `VmHWM` is its peak."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{what}:\s+(\d+) kB", text, re.MULTILINE).group(1)) * 1024

    def own(self):
        """Memory the daemon has for itself. What is mapped of its program comes and goes with use."""
        return self.rss("RssAnon")

    def drop_text(self, name, text):
        """Puts a manifest into drop/ as scripts should: write aside, then rename."""
        aside = self.drop / f".{name}.tmp"
        aside.write_text(text)
        aside.rename(self.drop / name)

    def runs(self, job):
        """Finished runs of a job, oldest first."""
        found = []
        for path in self.reports.glob("*/report.json"):
            run = Run(self, path.parent)
            if run.report["jobName"] == job:
                found.append(run)
        return sorted(found, key=lambda run: (run.report["endDate"], run.name))

    def run(self, job, seconds, count=1):
        """Waits for the count-th finished run of a job."""
        what = lambda: self.runs(job)[count - 1 : count]
        return wait_for(what, seconds, f"no report of {job}")[0]

    def staged(self):
        """What is not published, by path; an output begins empty."""
        sizes = {}
        # `os.walk` does not mind a folder that is published under it.
        for folder, _, files in os.walk(self.out / ".exportd-stage"):
            for path in (pathlib.Path(folder, name) for name in files):
                with contextlib.suppress(FileNotFoundError):
                    sizes[path] = path.stat().st_size
        return sizes

    def progress(self):
        """How many outputs have content and are not published."""
        return sum(size > 0 and "files" in path.parts for path, size in self.staged().items())

    def mails(self):
        """Messages that would have been sent (there is no [mail]), oldest first."""
        sent = sorted((self.root / "mail/sent").glob("*.eml"), key=lambda p: (p.stat().st_mtime_ns, p.name))
        return [email.message_from_bytes(p.read_bytes(), policy=email.policy.default) for p in sent]


def in_session(session):
    """Processes of a session that still run (zombies do not)."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return found


def run_each(tests):
    """Runs tests one after the other and says how long each took; EXPORTD_ONLY names some of them."""
    wanted = os.environ.get("EXPORTD_ONLY", "").split()
    unknown = set(wanted) - {one.__name__ for one in tests}
    check(not unknown, f"EXPORTD_ONLY: there is no {', '.join(sorted(unknown))}")
    for one in tests:
        if not wanted or one.__name__ in wanted:
            begun = time.monotonic()
            one()
            print(f"{one.__name__}: {time.monotonic() - begun:.1f} s", flush=True)


def main(test):
    """Runs one test function; the exit code is the result."""
    # A time limit ends the test in order: daemons are stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped by its time limit"))
    try:
        test()
    except AssertionError as error:
        print(f"{pathlib.Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        sys.exit(1)
