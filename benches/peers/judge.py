"""How good the replies are: SSIMULACRA2 against the full decode, reduced with Lanczos in floating point."""

import pathlib
import statistics
import tempfile

import pyvips
from ssimulacra2 import compute_ssimulacra2

# The metric takes seconds a picture; these stand for the others.
JUDGED = ("picos", "storm", "umang", "water", "landing", "picos-lzw", "wings", "free", "dragonfly")


def judge(workload, sources, rows, replies):
    """Adds to each row the mean score of what its program made."""
    with tempfile.TemporaryDirectory() as scratch:
        truth, shown = pathlib.Path(scratch, "truth.png"), pathlib.Path(scratch, "shown.png")
        scores = {name: [] for name in rows}
        for source in sources:
            if source.stem not in JUDGED:
                continue
            for name, folder in replies.items():
                reply = reply_of(folder, source)
                if reply is None:
                    continue
                picture = flat(pyvips.Image.new_from_file(str(reply)))
                reference(source, picture).pngsave(str(truth))
                picture.pngsave(str(shown))
                scores[name].append(compute_ssimulacra2(truth, shown))
    for name, list_of in scores.items():
        if list_of:
            rows[name]["score"] = statistics.mean(list_of)


def reply_of(folder, source):
    """Finds what was made of a source, whatever the program calls it."""
    for path in folder.rglob("*"):
        if path.is_file() and path.stem in (source.stem, f"{source.parent.name}-{source.stem}"):
            if path.parent.name in (source.parent.name, folder.name, "1"):
                return path
    return None


def flat(picture):
    picture = picture.flatten(background=255) if picture.hasalpha() else picture
    return picture.colourspace("srgb").cast("uchar")


def reference(source, reply):
    """The source, every pixel decoded, at the reply's size."""
    picture = pyvips.Image.new_from_file(str(source))
    if picture.interpretation == "cmyk":
        picture = picture.icc_transform("srgb", embedded=True, intent="relative")
    picture = flat(picture)
    if (picture.width, picture.height) == (reply.width, reply.height):
        return picture
    # No box before the filter, and nothing rounded before the end: nobody's short cuts.
    shrinks = picture.width / reply.width, picture.height / reply.height
    return picture.cast("float").reduce(*shrinks, kernel="lanczos3", gap=0).rint().cast("uchar")
