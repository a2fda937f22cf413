#!/usr/bin/env python3
"""Pictures of every kind that is read, seen as two other families of decoders see them.

`sources.py` writes more than a hundred files with ImageMagick, libvips, libtiff, libjpeg-turbo,
netpbm, libwebp, libavif, OpenJPEG and by hand, and holds the table of what is expected of each
class. What the program hands on as it is counts as not read.
"""

import collections
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import sources
from exportd_test import check, main
from pictures import Bench, apart, magick

LEAST = 60
RENDITION = {"as-is": "scl=1&fmt=png-alpha"}


def finding(source, reply):
    """What is wrong with one conversion, or None."""
    _, mean_allowed, most_allowed = sources.CLASSES[source.kind]
    got = magick(reply.path)
    want = source.expected(got.shape[1::-1])
    if got.shape != want.shape:
        return f"{got.shape[1]}x{got.shape[0]} pixels, others see {want.shape[1]}x{want.shape[0]}"
    # What nobody can see may be anything.
    visible = (got[..., 3:] > 0) | (want[..., 3:] > 0)
    mean, most = apart(got * visible, want * visible)
    if mean > mean_allowed or most > most_allowed:
        return f"differs by {mean:.2f} levels in the mean, {most} at most; {mean_allowed} and {most_allowed} are allowed"
    return None


def test():
    with tempfile.TemporaryDirectory(prefix="exportd-readers-") as folder:
        folder = pathlib.Path(folder)
        for name in ("bench", "scratch"):
            (folder / name).mkdir()
        bench = Bench(folder / "bench")
        made = sources.make(bench.assets, folder / "scratch").sources
        check(len(made) >= LEAST, f"only {len(made)} sources")
        replies = bench.convert([source.handle for source in made], RENDITION)
        counts, findings = collections.Counter(), []
        for source in made:
            reply = replies.get((source.handle, "as-is"))
            expected = sources.CLASSES[source.kind][0]
            if reply is None or not reply.converted(".png"):
                counts["not read"] += 1
                reason = "nothing" if reply is None else reply.reason
                print(f"not read: {source.handle} ({source.kind}): {reason}")
                if expected:
                    findings.append(f"{source.handle} ought to be read: {reason}")
                continue
            if not expected:
                findings.append(f"{source.handle} is read now: say so in CLASSES ({source.kind})")
            counts["read"] += 1
            wrong = finding(source, reply)
            if wrong:
                findings.append(f"{source.handle}: {wrong}")
        print(f"{counts['read']} of {len(made)} sources read, {counts['not read']} not")
        check(not findings, f"{len(findings)} findings\n" + "\n".join(findings))


if __name__ == "__main__":
    main(test)
