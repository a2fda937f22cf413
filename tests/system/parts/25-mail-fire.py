#!/usr/bin/env python3
"""Mail under fire: a relay that is bad in every way, a storm of failures, a daemon that is killed.

The daemon runs with EXPORTD_MAIL_HASTE, so that minutes of its mail pass in half a second: back-off,
deadlines and probes are the real ones, only faster. What is held: no mail is lost, a mail comes
twice only when its acknowledgement was lost, and then under the same Message-ID, no conversation
outlasts its wall clock, jobs never wait for mail, and the daemon's memory stays where it was. And, by
the clock on the wall: a relay that has come back gets at most five mails a second, on one connection.
"""

import collections
import contextlib
import email
import email.policy
import os
import pathlib
import re
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from exportd_test import CONFIG, Daemon, check, in_session, main, manifest, png, wait_for

LONG = os.environ.get("EXPORTD_LONG") == "1"
HASTE = 150
# Five minutes for a transaction, ten for the answer to the final dot, and what starting and ending
# a process may take on a busy machine.
TRANSACTION, ANSWER, SLACK = 300 / HASTE, 600 / HASTE, 8
# Enough that nobody is sent more than goes singly.
PEOPLE = 30

STEPS = ["greeting", "ehlo", "mail", "rcpt", "data", "dot"]
# What takes time is done at fewer places in the short mode; the unit tests have all.
SLOW = STEPS if LONG else ["greeting", "data", "dot"]
MODES = (
    [("dribble", step) for step in SLOW]
    + [("silence", step) for step in SLOW]
    + [("endless", step) for step in (STEPS if LONG else ["ehlo", "dot"])]
    + [("binary", step) for step in STEPS]
    + [("421 4.3.2 closing", step) for step in STEPS]
    + [("451 4.3.0 not now", step) for step in ["mail", "rcpt", "data", "dot"]]
    + [("550 5.7.1 not you", "mail")]
    + [("drop", step) for step in STEPS]
    + [("half-close", step) for step in STEPS]
)
TLS_MODES = [("garbage", "starttls"), ("stripped", "ehlo"), ("wrong name", "starttls")]


class Ended(Exception):
    """The conversation is over, one way or the other."""


class Certificates:
    """One for 127.0.0.1 and one for somebody else, both of their own authority."""

    def __init__(self, folder):
        self.folder = folder
        for name, alternative in (("right", "IP:127.0.0.1"), ("wrong", "DNS:wrong.example")):
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternative}",
                 "-addext", "basicConstraints=critical,CA:false",
                 "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"],
                check=True, capture_output=True,
            )
        self.ca = folder / "ca.pem"
        self.ca.write_text((folder / "right.pem").read_text() + (folder / "wrong.pem").read_text())

    def context(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context


class BadRelay:
    """An SMTP server, one thread a connection; each connection takes the next mode of the script, and
    so does each further mail on it that can meet it."""

    def __init__(self, certificates=None):
        self.certificates = certificates
        self.script, self.served = collections.deque(), collections.Counter()
        self.always = None
        # (Message-ID, message, whether 250 was said); seconds of conversations; passwords seen.
        self.given, self.lasted, self.logins = [], [], 0
        # When mails were taken, and on which connection.
        self.taken, self.connections = [], 0
        self.lock, self.open, self.ended = threading.Lock(), True, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.open = False
        self.ended.set()
        self.listener.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                stream, _ = self.listener.accept()
                with self.lock:
                    self.connections += 1
                    mode = self.always or (self.script.popleft() if self.script else (None, None))
                threading.Thread(target=self.serve, args=(stream, mode), daemon=True).start()

    def next_mail(self, talk):
        """What a further mail on a connection meets."""
        with self.lock:
            if talk.mode[0] and talk.met:
                self.served[talk.mode] += 1
            talk.mode, talk.met = (None, None), False
            waiting = self.always or (self.script[0] if self.script else (None, None))
            if waiting[1] in (None, "mail", "rcpt", "data", "dot"):
                talk.mode = waiting
                if self.script and not self.always:
                    self.script.popleft()

    def serve(self, stream, mode):
        begin = time.monotonic()
        talk = Talk(self, stream, mode)
        with contextlib.suppress(Ended, OSError, ssl.SSLError, ValueError):
            talk.all()
        with contextlib.suppress(OSError):
            talk.stream.close()
        with self.lock:
            self.lasted.append((time.monotonic() - begin, mode))
            if talk.mode[0] and talk.met:
                self.served[talk.mode] += 1

    def accepted(self):
        with self.lock:
            return [(name, message) for name, message, taken in self.given if taken]


class Talk:
    def __init__(self, relay, stream, mode):
        self.relay, self.stream, self.mode = relay, stream, mode
        self.pending, self.encrypted, self.met, self.mails = b"", False, False, 0

    def say(self, line):
        self.stream.sendall(line.encode() + b"\r\n")

    def gone(self, seconds=60):
        """Listens until the other side is gone."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.relay.ended.is_set():
            if select.select([self.stream], [], [], 0.05)[0] and not self.stream.recv(4096):
                break
        raise Ended

    def for_ever(self, data, pause):
        while not self.relay.ended.is_set():
            self.stream.sendall(data)
            time.sleep(pause)
        raise Ended

    def answer(self, step, line):
        what, where = self.mode
        if where != step or what in (None, "garbage", "stripped", "wrong name"):
            return self.say(line)
        self.met = True
        if what == "drop":
            raise Ended
        if what == "silence":
            self.gone()
        if what == "dribble":
            self.for_ever(b"2", 0.1)
        if what == "endless":
            self.for_ever(b"2" * 65536, 0)
        if what == "half-close":
            self.stream.shutdown(socket.SHUT_WR)
            self.gone()
        if what == "binary":
            return self.stream.sendall(b"\xff\x00\xfe\r\n\x80\r\n")
        self.say(what)
        if what.startswith("421"):
            raise Ended

    def line(self):
        while b"\r\n" not in self.pending:
            data = self.stream.recv(65536)
            if not data:
                raise Ended
            self.pending += data
        line, self.pending = self.pending.split(b"\r\n", 1)
        return line.decode("utf-8", "replace")

    def all(self):
        self.answer("greeting", "220 bad.example ESMTP")
        while True:
            line = self.line()
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                self.ehlo()
            elif verb == "STARTTLS":
                self.starttls()
            elif verb == "AUTH":
                self.relay.logins += 1
                self.say("235 2.7.0 welcome")
            elif verb == "MAIL":
                self.mails += 1
                if self.mails > 1:
                    self.relay.next_mail(self)
                self.answer("mail", "250 2.1.0 ok")
            elif verb == "RSET":
                self.say("250 2.0.0 ok")
            elif verb == "RCPT":
                self.answer("rcpt", "250 2.1.5 ok")
            elif verb == "DATA":
                self.data()
            elif verb == "QUIT":
                return self.say("221 bye")
            else:
                self.say("500 what?")

    def ehlo(self):
        offers = ["bad.example", "8BITMIME", "SIZE 10485760"]
        if self.relay.certificates and not self.encrypted:
            if self.mode[0] == "stripped":
                self.met = True
            else:
                offers.append("STARTTLS")
        if self.encrypted:
            offers.append("AUTH PLAIN")
        lines = [f"250-{offer}" for offer in offers[:-1]] + [f"250 {offers[-1]}"]
        self.answer("ehlo", "\r\n".join(lines))

    def starttls(self):
        if self.mode[0] == "garbage":
            self.met = True
            self.say("220 go ahead\r\n250 this is no TLS")
            raise Ended
        self.say("220 go ahead")
        wrong = self.mode[0] == "wrong name"
        self.met |= wrong
        self.stream = self.relay.certificates.context("wrong" if wrong else "right").wrap_socket(
            self.stream, server_side=True)
        self.pending, self.encrypted = b"", True

    def data(self):
        self.answer("data", "354 go on")
        if self.mode[1] == "data" and self.mode[0] and self.mode[0][0] in "45":
            return
        while b"\r\n.\r\n" not in self.pending:
            data = self.stream.recv(65536)
            if not data:
                raise Ended
            self.pending += data
        message, self.pending = self.pending.split(b"\r\n.\r\n", 1)
        message = re.sub(rb"(?m)^\.", b"", message)
        name = email.message_from_bytes(message)["Message-ID"]
        bad = self.mode[0] and self.mode[1] == "dot"
        # A refusal is an answer: what was refused has not arrived.
        if not (bad and self.mode[0][0] in "45"):
            with self.relay.lock:
                self.relay.given.append((name, message, not bad))
                if not bad:
                    self.relay.taken.append((time.monotonic(), self))
        self.answer("dot", "250 2.0.0 queued")


def parsed(message):
    return email.message_from_bytes(message, policy=email.policy.default)


def told(messages):
    """The runs that were told of, each as often as it was: singly, or as a line of a digest."""
    runs = collections.Counter()
    for _, message in messages:
        mail = parsed(message)
        if mail["X-Exportd-Run"]:
            runs[mail["X-Exportd-Run"]] += 1
        elif mail["X-Exportd-Digest"]:
            text = mail.get_body(("plain",)).get_content()
            runs.update(re.findall(r"^  - (\S+): ", text, re.MULTILINE))
    return runs


def settings(relay, more=""):
    people = "".join(f'[users.p{k}]\naddress = "P{k} <p{k}@studio.example>"\n' for k in range(PEOPLE))
    return (
        CONFIG + people + f'\n[mail]\nhost = "127.0.0.1"\nport = {relay.port}\n{more}'
        'from = "exportd <exportd@studio.example>"\nto = ["ops@studio.example"]\n'
    )


def waiting(daemon):
    return [path for state in ("new", "deferred") for path in (daemon.root / "mail" / state).glob("*.eml")]


def dead(daemon):
    return sorted((daemon.root / "mail/dead").glob("*.eml"))


def names(daemon):
    return {path.parent.name for path in daemon.reports.glob("*/report.json")}


def no_mailers(daemon):
    """Whether no sender is at work."""
    for pid in in_session(daemon.process.pid):
        with contextlib.suppress(OSError):
            if b"mailer" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                return False
    return True


def check_once(relay):
    """At most one more copy than acknowledgements that were lost, each the same bytes."""
    lost, taken, bytes_of = collections.Counter(), collections.Counter(), {}
    with relay.lock:
        given = list(relay.given)
    for name, message, accepted in given:
        (taken if accepted else lost)[name] += 1
        check(bytes_of.setdefault(name, message) == message, f"{name} came with other bytes")
    for name, count in taken.items():
        check(count == 1, f"{name} was taken {count} times")
    return sum(lost.values()), len(given)


def check_lasted(relay):
    longest, mode = max(relay.lasted, key=lambda pair: pair[0])
    # No mail begins on a connection that is older than a transaction may be.
    limit = 2 * TRANSACTION + ANSWER + SLACK
    check(longest < limit, f"a conversation took {longest:.1f} s ({mode}), {limit:.1f} are allowed")
    return longest


def every_mode():
    relay = BadRelay()
    try:
        with Daemon(settings(relay, 'tls = "none"\n')) as daemon:
            (daemon.assets / "p.png").write_bytes(png(16, 16, 1))
            # While the relay takes nothing, jobs come to their end all the same.
            relay.always = ("silence", "greeting")
            jobs = 2 * len(MODES) + PEOPLE
            begin = time.monotonic()
            for k in range(jobs):
                daemon.drop_text(f"m{k}.toml", manifest(f"m{k}", ["p.png"], fmt="orig", userHandle=f"p{k % PEOPLE}"))
            wait_for(lambda: len(names(daemon)) == jobs, 60, "jobs wait for mail", 0.1)
            took = time.monotonic() - begin
            check(not relay.accepted(), "the relay was not silent")
            before = daemon.own()
            # A good conversation after each bad one, or the breaker would make this long; the last
            # ones come in a row.
            for mode in MODES[:-4]:
                relay.script.extend([mode, (None, None)])
            relay.script.extend(MODES[-4:])
            relay.always = None
            # Every bad conversation needs a mail; what has been sent cannot meet one.
            extra = 0
            end = time.monotonic() + (400 if LONG else 110)
            while relay.script or waiting(daemon):
                check(time.monotonic() < end, f"{len(relay.script)} modes, {len(waiting(daemon))} mails are left")
                if relay.script and not waiting(daemon):
                    daemon.drop_text(f"x{extra}.toml", manifest(f"x{extra}", ["p.png"], fmt="orig", userHandle=f"p{extra % PEOPLE}"))
                    extra += 1
                time.sleep(0.1)
            wait_for(lambda: len(names(daemon)) == jobs + extra and not waiting(daemon), 60, "mail is left", 0.1)
            grown = daemon.own() - before
            runs, messages = names(daemon), relay.accepted()
            count = told(messages)
            check(set(count) == runs, f"lost: {sorted(runs - set(count))[:5]}, invented: {sorted(set(count) - runs)[:5]}")
            check(max(count.values()) == 1, f"told twice: {count.most_common(3)}")
            check(not dead(daemon), f"given up: {dead(daemon)}")
            lost, given = check_once(relay)
            met = [mode for mode in MODES if relay.served[mode]]
            check(len(met) == len(MODES), f"never met: {[m for m in MODES if m not in met]}")
            check(grown < 8 << 20, f"the daemon grew by {grown >> 10} KiB")
            longest = check_lasted(relay)
            check(not list((daemon.root / "mail/tmp").iterdir()), "something is left in mail/tmp")
            print(
                f"modes {len(MODES)}, mails {len(messages)} for {len(runs)} runs, lost acknowledgements {lost}, "
                f"copies {given}, longest conversation {longest:.1f} s, jobs done in {took:.1f} s behind a silent "
                f"relay, memory {grown >> 10} KiB more"
            )
    finally:
        relay.close()


def tls():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="exportd-tls-"))
    relay = BadRelay(Certificates(folder))
    try:
        (folder / "password").write_text("s3cret\n")
        more = (
            f'tls = "starttls"\nuser = "exportd"\npassword_file = "{folder}/password"\n'
            f'ca_file = "{relay.certificates.ca}"\n'
        )
        relay.script.extend(TLS_MODES)
        with Daemon(settings(relay, more)) as daemon:
            (daemon.assets / "p.png").write_bytes(png(16, 16, 1))
            daemon.drop_text("t.toml", manifest("t", ["p.png"], fmt="orig", userHandle="p0"))
            wait_for(lambda: relay.accepted(), 30, "no mail after three bad servers", 0.05)
            check(all(relay.served[mode] == 1 for mode in TLS_MODES), f"met: {relay.served}")
            check(relay.logins == 1, f"the password was said {relay.logins} times")
            check(len(relay.given) == 1, "a mail was said to a bad server")
    finally:
        relay.close()
        shutil.rmtree(folder, ignore_errors=True)


def killed_at_the_dot():
    """kill -9 while the relay has the mail and has not answered: the sender ends with the daemon,
    and the next start waits before it sends the same mail again."""
    relay = BadRelay()
    try:
        with Daemon(settings(relay, 'tls = "none"\n')) as daemon:
            (daemon.assets / "p.png").write_bytes(png(16, 16, 1))
            relay.script.append(("silence", "dot"))
            daemon.drop_text("k.toml", manifest("k", ["p.png"], fmt="orig", userHandle="p0"))
            wait_for(lambda: relay.given, 20, "no mail", 0.01)
            daemon.kill()
            killed = time.monotonic()
            daemon.start()
            wait_for(lambda: relay.accepted(), 60, "no mail after the kill", 0.02)
            waited = time.monotonic() - killed
            check(waited > 600 / HASTE * 0.5, f"sent again after {waited:.1f} s")
            wait_for(lambda: not waiting(daemon), 10, "mail is left", 0.05)
            lost, given = check_once(relay)
            check((lost, given) == (1, 2), f"{given} copies, {lost} acknowledgements lost")
            print(f"killed at the final dot: the same mail again after {waited:.1f} s")
    finally:
        relay.close()


def storm():
    """Hundreds of jobs that fail for one person: few mails, and every job in one of them."""
    jobs = 1500 if LONG else 300
    relay = BadRelay()
    try:
        with Daemon(settings(relay, 'tls = "none"\n')) as daemon:
            for k in range(jobs):
                daemon.drop_text(f"s{k}.toml", manifest(f"s{k}", [f"missing-{k}.tif"], userHandle="p0"))
            wait_for(lambda: len(names(daemon)) == jobs, 60 if not LONG else 240, "jobs are left", 0.2)
            wait_for(lambda: not waiting(daemon), 60, "mail is left", 0.2)
            messages = relay.accepted()
            check(len(messages) <= 30, f"{len(messages)} mails about {jobs} failures")
            counted = sum(int(parsed(message)["X-Exportd-Digest"] or 1) for _, message in messages)
            check(counted == jobs, f"{counted} of {jobs} are counted")
            to = {parsed(message)["To"] for _, message in messages}
            check(all("p0@studio.example" in who for who in to), f"mail to {to}")
            largest = max((message for _, message in messages), key=len)
            check(len(largest) < 1 << 20, f"a digest of {len(largest)} bytes")
            text = parsed(largest).get_body(("plain",)).get_content()
            check("What to do" in text and text.splitlines()[0].endswith("."), f"the digest says {text[:300]}")
            wait_for(lambda: no_mailers(daemon), 10, "a sender is left", 0.05)
            print(f"storm: {jobs} failures, {len(messages)} mails, largest {len(largest)} bytes")
    finally:
        relay.close()


def drained():
    """A relay that was away is back: what has waited for it comes on one connection, and slowly."""
    relay = BadRelay()
    try:
        with Daemon(settings(relay, 'tls = "none"\n')) as daemon:
            (daemon.assets / "p.png").write_bytes(png(16, 16, 1))
            relay.always = ("421 4.3.2 closing", "greeting")
            jobs = PEOPLE - 1
            for k in range(jobs):
                daemon.drop_text(f"d{k}.toml", manifest(f"d{k}", ["p.png"], fmt="orig", userHandle=f"p{k}"))
            wait_for(lambda: len(names(daemon)) == jobs and len(waiting(daemon)) == jobs, 60, "jobs are left", 0.1)
            relay.always, before = None, relay.connections
            # Somebody has mended it and says so; the next job's mail wakes the daemon.
            subprocess.run(daemon.command("mail", "retry", "--all"), check=True, capture_output=True)
            daemon.drop_text("last.toml", manifest("last", ["p.png"], fmt="orig", userHandle=f"p{jobs}"))
            wait_for(lambda: len(relay.accepted()) == PEOPLE, 60, "mail is left", 0.1)
            wait_for(lambda: not waiting(daemon), 10, "mail is left", 0.05)
            check_once(relay)
            times = [at for at, _ in relay.taken]
            most = max(sum(begin <= at < begin + 1 for at in times) for begin in times)
            check(most <= 6, f"{most} mails in one second")
            carried = max(collections.Counter(talk for _, talk in relay.taken).values())
            connections = relay.connections - before
            check(carried >= jobs - 1 and connections <= 3, f"{connections} connections, at most {carried} mails on one")
            print(
                f"drained: {PEOPLE} mails in {times[-1] - times[0]:.1f} s after an outage, at most {most} in one "
                f"second, {connections} connections, {carried} mails on one"
            )
    finally:
        relay.close()


def test():
    drained()
    os.environ["EXPORTD_MAIL_HASTE"] = str(HASTE)
    for part in (tls, killed_at_the_dot, storm, every_mode):
        begin = time.monotonic()
        part()
        print(f"{part.__name__}: {time.monotonic() - begin:.1f} s")


if __name__ == "__main__":
    main(test)
