#!/usr/bin/env python3
"""Runs a program one thread of which hangs: `hang.py FILE PROGRAM [ARGUMENT ...]`.

FILE, which may come later, says which in one line: `PID THREAD CALL N [PATH]`. Of the process of
that id, the N-th call of that name (see calls.py) by a thread whose name begins with THREAD is
never answered, as if a disk were gone; with PATH only calls on a descriptor of a file of that name
count. The program keeps its process id, so that a service manager sees no difference; what it has
restarted has another id, and nothing of it hangs.
"""

import os
import pathlib
import select
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import calls


class Hang:
    """Says of each call whether it is the one."""

    def __init__(self, file, process):
        self.file, self.process, self.count, self.done = pathlib.Path(file), process, 0, False

    def is_it(self, thread, name, arguments):
        if self.done:
            return False
        try:
            pid, who, call, n, *path = self.file.read_text().split()
            if int(pid) != self.process or name != call:
                return False
            if not pathlib.Path(f"/proc/{thread}/comm").read_text().startswith(who):
                return False
            # A child that is being started bears the name of its thread.
            status = pathlib.Path(f"/proc/{thread}/status").read_text()
            if f"\nTgid:\t{pid}\n" not in status:
                return False
            if path and os.path.basename(os.readlink(f"/proc/{thread}/fd/{arguments[0]}")) != path[0]:
                return False
        except FileNotFoundError:
            return False
        except (OSError, ValueError) as error:
            print(f"hang.py: {error!r}", file=sys.stderr, flush=True)
            return False
        self.count += 1
        self.done = self.count == int(n)
        if self.done:
            print(f"held {who} in {name} at {time.time():.3f}", file=sys.stderr, flush=True)
        return self.done


def serve(listener, hang):
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while True:
        (_, what), = poll.poll()
        if not what & select.POLLIN:
            return
        received = calls.receive(listener)
        if received:
            ident, thread, number, arguments = received
            if not hang.is_it(thread, calls.name_of(number), arguments):
                calls.answer(listener, ident)


def main():
    file, *command = sys.argv[1:]
    program = calls.Filter()
    ours, theirs = socket.socketpair()
    process = os.getpid()
    if os.fork() == 0:
        theirs.close()
        serve(calls.receive_listener(ours), Hang(file, process))
        os._exit(0)
    ours.close()
    program.enter(theirs)
    theirs.close()
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
