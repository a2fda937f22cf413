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


@contextlib.contextmanager
def on_ext4(gigabytes):
    """Temporary folders are made on an ext4 with a journal, whatever the machine's own disk has.

    An image on that disk: every sync still waits for it.
    """
    image, folder = tempfile.mkstemp(prefix="exportd-image-")[1], tempfile.mkdtemp(prefix="exportd-ext4-")
    before = tempfile.tempdir
    try:
        call("fallocate", "--length", f"{gigabytes}GiB", image)
        # The image has room for a million jobs; by default it would have too few inodes.
        call("mkfs.ext4", "-q", "-F", "-O", "has_journal", "-N", str(gigabytes * 250_000), image)
        with mounted("-o", "loop", image, folder):
            tempfile.tempdir = folder
            try:
                yield folder
            finally:
                tempfile.tempdir = before
        os.rmdir(folder)
    finally:
        os.unlink(image)
