"""What the parts about pixels share: made-up pictures, conversions, and other people's decoders.

Arrays are numpy's, rows × columns × channels. Nothing here knows how the program works inside: a
picture goes in as a file with a manifest, and comes out as a file. `magick` and `vips` are the two
independent decoders nearly every check leans on.
"""

import functools
import json
import os
import pathlib
import re
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from exportd_test import PROGRAM, check

import numpy as np

# Debian's ImageMagick, whatever else is called so.
CONVERT = "/usr/bin/convert"
LONG = os.environ.get("EXPORTD_LONG") == "1"
CONFIG = '[users.mia]\naddress = "Mia Wang <mia@studio.example>"\n'


def run(*command, stdin=None, codes=(0,)):
    """Runs a program and returns what it wrote to standard output."""
    done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, check=False)
    said = done.stderr.decode(errors="replace").strip()[-300:]
    check(done.returncode in codes, f"{' '.join(map(str, command))}: exit {done.returncode}: {said}")
    return done.stdout


# ---------------------------------------------------------------- made-up pictures


def photo(width, height, seed=1):
    """Something like a photograph: soft colour, grain, a few hard edges; the same on every machine."""
    grain = np.random.Generator(np.random.PCG64(seed))
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    bands = []
    for channel in range(3):
        band = 0.5 + 0.2 * np.sin(3 * x * (channel + 2) + seed) + 0.18 * np.cos(5 * y + 2 * x + channel)
        bands.append(band)
    picture = np.stack(bands, axis=2)
    for _ in range(12):
        cx, cy, radius = grain.uniform(0, 1), grain.uniform(0, height / width), grain.uniform(0.02, 0.15)
        inside = (x - cx) ** 2 + (y - cy) ** 2 < radius**2
        picture[inside] = picture[inside] * 0.4 + grain.uniform(0, 0.6, 3)
    picture += grain.normal(0, 0.01, picture.shape)
    return np.clip(np.rint(picture * 255), 0, 255).astype(np.uint8)


def cut_out(width, height, seed=2):
    """The same with alpha: a soft-edged disk, transparent outside."""
    y, x = np.mgrid[0:height, 0:width]
    away = np.hypot(x - width / 2 + 0.5, y - height / 2 + 0.5)
    alpha = np.clip((min(width, height) * 0.42 - away) / 6 + 0.5, 0, 1)
    alpha = np.rint(alpha * 255).astype(np.uint8)
    color = photo(width, height, seed)
    color[alpha == 0] = 0
    return np.dstack([color, alpha])


def gray_of(picture):
    """A gray picture of a colour one, by the plain mean."""
    return np.rint(picture[..., :3].mean(axis=2)).astype(picture.dtype)[..., None]


def deep(picture, seed=3):
    """16 bits per component, of which the lower eight are noise."""
    low = np.random.Generator(np.random.PCG64(seed)).integers(0, 256, picture.shape, dtype=np.uint16)
    return (picture.astype(np.uint16) << 8) | low


def pam(picture):
    """A netpbm file: what ImageMagick reads for any number of channels up to four."""
    height, width, depth = picture.shape
    kind = {1: "GRAYSCALE", 2: "GRAYSCALE_ALPHA", 3: "RGB", 4: "RGB_ALPHA"}[depth]
    most = 65535 if picture.dtype == np.uint16 else 255
    head = f"P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH {depth}\nMAXVAL {most}\nTUPLTYPE {kind}\nENDHDR\n"
    return head.encode() + picture.astype(">u2" if most > 255 else "u1").tobytes()


def pnm(picture):
    """A PGM or PPM file, which every tool reads."""
    height, width, depth = picture.shape
    most = 65535 if picture.dtype == np.uint16 else 255
    head = f"P{5 if depth == 1 else 6}\n{width} {height}\n{most}\n".encode()
    return head + picture.astype(">u2" if most > 255 else "u1").tobytes()


def save(picture, path, *options):
    """Has ImageMagick write a picture; options stand before the name, `path` may say `FORMAT:`."""
    run(CONVERT, "pam:-", *options, path, stdin=pam(picture))


# ---------------------------------------------------------------- other people's decoders


def magick(path, order="rgba", *options):
    """ImageMagick's decode, 8 bits per component in the given order (`rgb`, `rgba`, `gray`, `cmyk`)."""
    width, height = magick_size(path)
    data = run(CONVERT, f"{path}[0]", *options, "-depth", "8", f"{order}:-")
    return np.frombuffer(data, np.uint8).reshape(height, width, -1)


def magick_size(path):
    words = run("identify", "-format", "%w %h\n", f"{path}[0]").split()
    return int(words[0]), int(words[1])


VIPS_TYPES = {0: "u1", 1: "i1", 2: "u2", 3: "i2", 4: "u4", 5: "i4", 6: "f4", 8: "f8"}


def vips_file(path):
    """Reads libvips' own format: 64 bytes of header, then the samples."""
    data = pathlib.Path(path).read_bytes()
    width, height, bands, _, kind = struct.unpack_from("<5I", data, 4)
    samples = np.frombuffer(data, "<" + VIPS_TYPES[kind], width * height * bands, 64)
    return samples.reshape(height, width, bands)


def vips(path, scratch, *operation):
    """libvips' decode as stored, or after an operation such as `icc_transform PATH OUT srgb`."""
    target = pathlib.Path(scratch) / "decoded.v"
    first, *rest = operation or ("copy",)
    run("vips", first, path, target, *rest)
    return vips_file(target)


def vips_header(path):
    """What vipsheader says: size, bands, interpretation, resolution."""
    text = run("vipsheader", "-a", path).decode(errors="replace")
    found = dict(re.findall(r"^([\w-]+): (.*)$", text, re.MULTILINE))
    return found


def flat(picture, ground=255):
    """Puts a colour under an RGBA picture."""
    alpha = picture[..., 3:].astype(np.float64) / 255
    return np.rint(picture[..., :3] * alpha + ground * (1 - alpha)).astype(np.uint8)


def psnr(one, two):
    """Peak signal-to-noise ratio in dB; 99 when equal."""
    error = np.mean((one.astype(np.float64) - two.astype(np.float64)) ** 2)
    return 99.0 if error == 0 else 10 * np.log10(255**2 / error)


def apart(one, two):
    """Mean and largest difference in levels."""
    difference = np.abs(one.astype(np.int32) - two.astype(np.int32))
    return float(difference.mean()), int(difference.max())


# ---------------------------------------------------------------- the program


@functools.lru_cache(maxsize=None)
def supports(modifiers):
    """Tells whether the program takes modifiers; it says so itself."""
    done = subprocess.run(
        [PROGRAM, "explain", "--source", "64x64", "--json", "--", modifiers], capture_output=True, check=False
    )
    check(done.returncode in (0, 65), f"explain -- {modifiers}: exit {done.returncode}")
    return done.returncode == 0


class Reply:
    """What became of one source with one modifier string: a file, or a reason in words."""

    def __init__(self, entry, out):
        self.path = out / entry["output"] if "output" in entry else None
        self.kind, self.reason = entry["logType"], entry["logMessage"]

    def converted(self, extension):
        """Whether there is a file of this extension; an original keeps its own."""
        return self.path is not None and self.path.suffix == extension


class Bench:
    """A folder with assets; `convert` runs manifests over it with `exportd once`."""

    def __init__(self, folder, config=CONFIG):
        self.root = pathlib.Path(folder)
        self.assets = self.root / "assets"
        for name in ("drop", "assets", "out", "reports"):
            (self.root / name).mkdir(exist_ok=True)
        self.config = self.root / "exportd.toml"
        self.config.write_text(config)
        self.runs = 0

    def convert(self, handles, renditions):
        """Makes every rendition (name -> modifiers) of every handle: {(handle, name): Reply}."""
        self.runs += 1
        job = f"bench{self.runs}"
        text = f'jobName = "{job}"\nassetHandleArray = {json.dumps(list(handles))}\nfmt = "convert"\n'
        text += 'emailSetting = "None"\nuserHandle = "mia"\n'
        for name, modifiers in renditions.items():
            text += f'[[exportJob]]\nrendition = "{name}"\nis_modifier = {json.dumps(modifiers)}\n'
        manifest = self.root / f"{job}.toml"
        manifest.write_text(text)
        done = subprocess.run(
            [PROGRAM, "once", str(manifest), "--root", str(self.root), "--config", str(self.config)],
            capture_output=True, text=True, check=False,
        )
        reports = sorted(self.reports(job))
        check(reports, f"once {job}: exit {done.returncode}, no report: {done.stderr[-400:]}{done.stdout[-400:]}")
        report = json.loads(reports[-1].read_text())
        check(not report["fatalError"], f"once {job}: {done.stderr[-400:]}{done.stdout[-400:]}")
        out = self.root / "out" / report["run"]
        found = {}
        for entry in report["details"]:
            if "assetHandle" in entry:
                # A single rendition has no folder of its own in some entries, a failed source none at all.
                names = [entry["rendition"]] if entry.get("rendition") else list(renditions)
                for name in names:
                    found.setdefault((entry["assetHandle"], name), Reply(entry, out))
        return found

    def reports(self, job):
        return (self.root / "reports").glob(f"{job}_*/report.json")
