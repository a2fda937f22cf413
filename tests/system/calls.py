"""Meddling with one system call of a process tree: the n-th that changes files below a folder.

A seccomp filter hands the calls that open, write, sync, move and remove files to this program
before they are carried out, those of all threads and all children in one order. Those that concern
the folder are counted, and a `Plan` decides about each: to let it through, to kill the process, to
let only half of a write reach the file and then kill, to answer with an error instead, or not at
all. Unlike an injection by strace, which counts in each thread alone, every call of a run can be
reached.
"""

import array
import contextlib
import ctypes
import errno
import fcntl
import os
import pathlib
import platform
import select
import signal
import socket
import struct
import subprocess
import threading

# Calls by their numbers, with what of their arguments says which file is meant: the index of a
# descriptor, or that of a path with that of the descriptor of the folder it starts from.
_FD, _PATH, _AT = "fd", "path", "at"
_CALLS = {
    "x86_64": {
        1: ("write", _FD, 0), 18: ("pwrite64", _FD, 0), 20: ("writev", _FD, 0), 74: ("fsync", _FD, 0),
        75: ("fdatasync", _FD, 0), 77: ("ftruncate", _FD, 0), 285: ("fallocate", _FD, 0), 326: ("copy_file_range", _FD, 2),
        2: ("open", _PATH, 0), 257: ("openat", _AT, 0), 437: ("openat2", _AT, 0),
        82: ("rename", _PATH, 1), 264: ("renameat", _AT, 2), 316: ("renameat2", _AT, 2),
        83: ("mkdir", _PATH, 0), 258: ("mkdirat", _AT, 0), 84: ("rmdir", _PATH, 0),
        87: ("unlink", _PATH, 0), 263: ("unlinkat", _AT, 0), 86: ("link", _PATH, 1), 265: ("linkat", _AT, 2),
        90: ("chmod", _PATH, 0), 91: ("fchmod", _FD, 0), 268: ("fchmodat", _AT, 0),
    },
    "aarch64": {
        64: ("write", _FD, 0), 68: ("pwrite64", _FD, 0), 66: ("writev", _FD, 0), 82: ("fsync", _FD, 0),
        83: ("fdatasync", _FD, 0), 46: ("ftruncate", _FD, 0), 47: ("fallocate", _FD, 0), 285: ("copy_file_range", _FD, 2),
        56: ("openat", _AT, 0), 437: ("openat2", _AT, 0), 38: ("renameat", _AT, 2), 276: ("renameat2", _AT, 2),
        34: ("mkdirat", _AT, 0), 35: ("unlinkat", _AT, 0), 37: ("linkat", _AT, 2),
        52: ("fchmod", _FD, 0), 53: ("fchmodat", _AT, 0),
    },
}
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# include/uapi/linux/seccomp.h
_SET_MODE_FILTER, _NEW_LISTENER = 1, 1 << 3
_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_CONTINUE = 1
_PR_SET_NO_NEW_PRIVS = 38
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
OPENS = ("open", "openat", "openat2")
WRITES = ("write", "pwrite64", "writev", "copy_file_range")
SYNCS = ("fsync", "fdatasync")


def available():
    """Tells why this cannot be used here, or None."""
    return None if platform.machine() in _CALLS else f"no table of calls for {platform.machine()}"


def _program():
    """The filter: hand over what is in the table, let the rest pass."""
    numbers = sorted(_CALLS[platform.machine()])
    ins = [struct.pack("HBBI", 0x20, 0, 0, 4), struct.pack("HBBI", 0x15, 1, 0, _AUDIT[platform.machine()]),
           struct.pack("HBBI", 0x06, 0, 0, _ALLOW), struct.pack("HBBI", 0x20, 0, 0, 0)]
    for at, number in enumerate(numbers):
        ins.append(struct.pack("HBBI", 0x15, len(numbers) - at, 0, number))
    ins += [struct.pack("HBBI", 0x06, 0, 0, _ALLOW), struct.pack("HBBI", 0x06, 0, 0, _NOTIFY)]
    return ins


class Filter:
    """What a process puts on before it becomes the program; made before the fork."""

    def __init__(self):
        instructions = b"".join(_program())
        self.buffer = ctypes.create_string_buffer(instructions)
        self.program = struct.pack("HxxxxxxP", len(instructions) // 8, ctypes.addressof(self.buffer))
        self.libc = ctypes.CDLL(None, use_errno=True)

    def enter(self, whom):
        """Puts it on and sends the descriptor on which calls are answered through a socket."""
        self.libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        number = _SECCOMP[platform.machine()]
        listener = self.libc.syscall(number, _SET_MODE_FILTER, _NEW_LISTENER, self.program)
        if listener < 0:
            raise OSError(ctypes.get_errno(), "seccomp")
        whom.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener]))])
        os.close(listener)


def receive_listener(sock):
    """The descriptor that a filter sends; None when its process has failed."""
    _, ancillary, _, _ = sock.recvmsg(1, socket.CMSG_SPACE(4))
    return struct.unpack("i", ancillary[0][2][:4])[0] if ancillary else None


def receive(listener):
    """The next call: what to answer it by, its thread, number and arguments; None when it is gone."""
    note = bytearray(80)
    try:
        fcntl.ioctl(listener, _RECEIVE, note)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EINTR):
            return None
        raise
    ident, pid, _, number = struct.unpack_from("QIIi", note)
    return ident, pid, number, struct.unpack_from("6Q", note, 32)


def name_of(number):
    """A call's name."""
    return _CALLS[platform.machine()][number][0]


def answer(listener, ident, error=0):
    """Lets a call pass, or answers it with an error."""
    reply = struct.pack("QqiI", ident, 0, -error, 0 if error else _CONTINUE)
    with contextlib.suppress(OSError):
        fcntl.ioctl(listener, _SEND, bytearray(reply))


class Call:
    """One call, before it is carried out."""

    def __init__(self, number, pid, name, path, arguments, writing):
        self.number, self.pid, self.name, self.path = number, pid, name, path
        self.arguments, self.writing = arguments, writing

    def __str__(self):
        return f"call {self.number}, {self.name} of {self.path}"


class Plan:
    """Decides about calls; this one lets all pass."""

    def decide(self, call):  # pylint: disable=unused-argument
        """None lets it pass, an errno answers with it, "kill" kills, "tear" writes half and kills;
        "hold" never answers, so that its thread hangs."""
        return None


class Kill(Plan):
    """Kills at the n-th call that changes something, from 1; `tear` lets half of a write happen."""

    def __init__(self, n, tear=False):
        self.n, self.tear, self.count, self.hit = n, tear, 0, None

    def decide(self, call):
        if not call.writing or (self.tear and call.name != "write"):
            return None
        self.count += 1
        if self.count != self.n:
            return None
        self.hit = call
        return "tear" if self.tear else "kill"


class Fail(Plan):
    """Answers the n-th call of some names with an error, or that and all that follow."""

    def __init__(self, n, error, names, forever=False, below=None):
        self.n, self.error, self.names, self.forever = n, error, names, forever
        self.below, self.count, self.hit, self.on = below, 0, None, True

    def decide(self, call):
        if not self.on or call.name not in self.names:
            return None
        if self.below and not call.path.startswith(self.below):
            return None
        self.count += 1
        if self.count == self.n or (self.forever and self.count > self.n):
            self.hit = self.hit or call
            return self.error
        return None


class Watched:
    """Starts a program whose calls are handed over; answers them on a thread until it ends."""

    def __init__(self, folder, plan):
        self.folder, self.plan = str(folder).rstrip("/"), plan
        self.calls, self.process, self.thread, self.listener = 0, None, None, None
        self.names = []

    def popen(self, command, **keywords):
        ours, theirs = socket.socketpair()
        prepared = Filter()

        def enter():
            prepared.enter(theirs)

        # The parent must answer before exec is through: fork happens on a thread of its own.
        failed = []

        def fork():
            try:
                self.process = subprocess.Popen(command, preexec_fn=enter, **keywords)
            except OSError as error:
                failed.append(error)
            finally:
                theirs.close()

        forking = threading.Thread(target=fork)
        forking.start()
        with ours:
            self.listener = receive_listener(ours)
        if self.listener is not None:
            self.thread = threading.Thread(target=self._serve, daemon=True)
            self.thread.start()
        forking.join()
        if failed:
            raise failed[0]
        return self.process

    def join(self):
        """Waits until every process under watch has ended."""
        self.thread.join(20)

    def _serve(self):
        poll = select.poll()
        poll.register(self.listener, select.POLLIN)
        try:
            while True:
                (_, what), = poll.poll()
                if what & select.POLLIN:
                    self._answer()
                elif what & (select.POLLHUP | select.POLLERR):
                    return
        finally:
            os.close(self.listener)

    def _answer(self):
        received = receive(self.listener)
        if not received:
            return
        ident, pid, number, arguments = received
        decided = None
        call = self._call(pid, number, arguments)
        if call:
            decided = self.plan.decide(call)
        if decided == "tear":
            self._tear(call)
        if decided in ("kill", "tear"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid if self.process else pid, signal.SIGKILL)
            decided = errno.EINTR
        if decided != "hold":
            answer(self.listener, ident, decided or 0)

    def _call(self, pid, number, arguments):
        name, kind, index = _CALLS[platform.machine()][number]
        try:
            if kind == _FD:
                path = os.readlink(f"/proc/{pid}/fd/{arguments[index]}")
            else:
                path = self._path(pid, arguments, kind, index)
        except (OSError, ValueError):
            return None
        if not (path == self.folder or path.startswith(self.folder + "/")):
            return None
        if path.endswith("stderr.log"):
            return None
        try:
            writing = name not in OPENS or bool(self._flags(pid, name, arguments) & _WRITING)
        except (OSError, struct.error):
            # It was killed meanwhile.
            return None
        self.calls += 1
        return Call(self.calls, pid, name, path[len(self.folder) + 1:], arguments, writing)

    @staticmethod
    def _flags(pid, name, arguments):
        if name == "open":
            return arguments[1]
        if name == "openat":
            return arguments[2]
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            memory.seek(arguments[2])
            return struct.unpack("Q", memory.read(8))[0]

    @staticmethod
    def _path(pid, arguments, kind, index):
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            memory.seek(arguments[index + 1 if kind == _AT else index])
            text = b""
            # Not past the end of a page: the next may not be there.
            while b"\0" not in text and len(text) < 8192:
                at = memory.tell()
                text += memory.read(4096 - at % 4096)
        path = os.fsdecode(text.partition(b"\0")[0])
        if path.startswith("/"):
            return path
        at = struct.unpack("i", struct.pack("Q", arguments[index])[:4])[0] if kind == _AT else -100
        start = os.readlink(f"/proc/{pid}/cwd" if at == -100 else f"/proc/{pid}/fd/{at}")
        return start if path in ("", ".") else str(pathlib.PurePath(start, path))

    @staticmethod
    def _tear(call):
        """Lets the first half of a write reach its file, as a kill in its middle does."""
        with open(f"/proc/{call.pid}/mem", "rb", buffering=0) as memory:
            memory.seek(call.arguments[1])
            piece = memory.read(call.arguments[2] // 2)
        # A descriptor of our own: at the end for journals, which are appended to, and else behind
        # what the process has written, which is the end as well.
        with contextlib.suppress(OSError), open(f"/proc/{call.pid}/fd/{call.arguments[0]}", "ab", buffering=0) as file:
            file.write(piece)
