#!/usr/bin/env python3
"""Mail through a real relay: OpenSMTPD on a loopback port, local delivery into a maildir.

First the relay alone (smtplib), so that a failure of the second half is the daemon's.
"""

import contextlib
import email
import email.policy
import pathlib
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from exportd_test import CONFIG, Daemon, check, main, manifest, png, wait_for


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Relay:
    """smtpd in the foreground with a configuration of its own; every address ends in one maildir."""

    def __init__(self):
        check(shutil.which("smtpd"), "OpenSMTPD (smtpd) is not installed")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="exportd-relay-"))
        self.folder.chmod(0o755)
        self.box = self.folder / "box"
        self.box.mkdir()
        shutil.chown(self.box, "nobody")
        self.port = free_port()
        self.config = self.folder / "smtpd.conf"
        self.config.write_text(
            'table people { "@" = nobody }\n'
            f"listen on 127.0.0.1 port {self.port} hostname relay.studio.example\n"
            f'action "keep" maildir "{self.box}" virtual <people>\n'
            'match from local for any action "keep"\n'
        )
        # Its log goes to a file: nobody would read a pipe.
        self.log = open(self.folder / "log", "wb")

    def __enter__(self):
        self.process = subprocess.Popen(["smtpd", "-d", "-f", str(self.config)], stdout=self.log, stderr=self.log)
        wait_for(self.answers, 15, "the relay does not answer", 0.1)
        return self

    def __exit__(self, kind, error, trace):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        if kind is not None:
            print((self.folder / "log").read_text(errors="replace")[-3000:], file=sys.stderr)
        shutil.rmtree(self.folder, ignore_errors=True)

    def answers(self):
        check(self.process.poll() is None, "the relay ended: " + (self.folder / "log").read_text(errors="replace"))
        with contextlib.suppress(OSError), smtplib.SMTP("127.0.0.1", self.port, timeout=5) as client:
            return client.noop()[0] == 250
        return False

    def messages(self):
        # A maildir's names sort by the second only.
        files = sorted(self.box.glob("new/*"), key=lambda file: file.stat().st_mtime_ns)
        return [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]

    def arrived(self, count, seconds):
        wait_for(lambda: len(self.messages()) >= count, seconds, f"message {count} did not arrive", 0.1)
        return self.messages()


def relay_alone(relay):
    with smtplib.SMTP("127.0.0.1", relay.port, timeout=10) as client:
        client.sendmail("a@studio.example", ["b@studio.example"], "Subject: relay works\r\n\r\nyes\r\n")
    check(relay.arrived(1, 10)[0]["Subject"] == "relay works", "the relay mangles mail")


def one_run(relay, daemon):
    for k in range(2):
        (daemon.assets / f"p{k}.png").write_bytes(png(80, 60, k))
    daemon.drop_text("post.toml", manifest("post", ["p0.png", "p1.png"], is_modifier="wid=40&fmt=jpeg"))
    run = daemon.run("post", 20)
    check(run.report["verdict"] == "clean", f"verdict {run.report['verdict']}: {run.report['details']}")
    (mail,) = [mail for mail in relay.arrived(2, 20) if mail["X-Exportd-Run"] == run.name]
    expected = {
        "Subject": "[exportd] post: done, 2 files",
        "From": "exportd <exportd@studio.example>",
        "To": "Mia Wang <mia@studio.example>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "X-Exportd-Run": run.name,
        "X-Exportd-Verdict": "clean",
    }
    for name, value in expected.items():
        check(mail[name] == value, f"{name}: {mail[name]!r}, not {value!r}")
    for name in ("Message-ID", "Date", "List-Id"):
        check(mail[name], f"no {name}")
    check("studio.example" in mail["Message-ID"], f"Message-ID is the relay's: {mail['Message-ID']}")
    text = mail.get_body(("plain",)).get_content()
    check(run.name in text, "the text part does not say where the files are")


def test():
    with Relay() as relay:
        relay_alone(relay)
        settings = (
            f'\n[mail]\nhost = "127.0.0.1"\nport = {relay.port}\ntls = "none"\n'
            'from = "exportd <exportd@studio.example>"\nto = ["ops@studio.example"]\n'
        )
        with Daemon(CONFIG + settings) as daemon:
            one_run(relay, daemon)
            # Exactly one: nothing follows.
            daemon.stop()
            check(len(relay.messages()) == 2, f"{len(relay.messages()) - 1} mails about one run")


if __name__ == "__main__":
    main(test)
