"""Mounts for system tests, in a namespace that takes them away with the test."""

import contextlib
import os
import subprocess
import sys
import tempfile

from exportd_test import check


def alone():
    """Starts the test again where its mounts are nobody else's."""
    if os.environ.get("EXPORTD_OWN_MOUNTS") != "1":
        os.environ["EXPORTD_OWN_MOUNTS"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])


def call(*command):
    """Runs a program that has to succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr}")


@contextlib.contextmanager
def mounted(*command):
    """A mount at the last argument, for as long as the context lasts."""
    call("mount", *command)
    try:
        yield command[-1]
    finally:
        call("umount", "--lazy", command[-1])


@contextlib.contextmanager
def in_memory(size="2g"):
    """Temporary folders are made in memory: the test is not about a disk."""
    folder = tempfile.mkdtemp(prefix="exportd-memory-")
    before = tempfile.tempdir
    with mounted("-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder):
        tempfile.tempdir = folder
        try:
            yield folder
        finally:
            tempfile.tempdir = before
    os.rmdir(folder)
