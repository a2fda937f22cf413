#!/usr/bin/env python3
"""More than a thousand colours through three press profiles, both ways, against LittleCMS's own tool.

The profiles are made by Argyll from measurements that Debian ships; `transicc` computes in floating
point what should come out, and what each result looks like. A picture of patches goes in as a PNG or
a TIFF and comes out as the other. What is left of a difference is the rounding to 8 bits and the
tables that make conversions fast.
"""

import itertools
import math
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from exportd_test import CONFIG, Daemon, check, chunk, main, manifest, png_header

MEASURED = pathlib.Path("/usr/share/color/icc")
PRESSES = ("FOGRA39L", "TR003", "FOGRA29L")
# Largest mean and largest single difference, ΔE2000.
MEAN, MOST = 0.5, 2.0

# Asked of the first press; as `transicc` counts them.
INTENTS = ("perceptual", "relative", "saturation", "absolute")

RGB = list(itertools.product(range(0, 256, 25), repeat=3))
INKS = [ink for ink in itertools.product((0, 51, 102, 153, 204, 255), repeat=4) if sum(ink) <= 3 * 255]


def transicc(colours, source, target, *flags, most=None):
    """Converts numbers as `transicc` does, in floating point; clips to 0 and `most`, if given."""
    text = "".join(" ".join(f"{v:.6f}" for v in colour) + "\n" for colour in colours)
    command = ["transicc", "-n", "-i", str(source), "-o", str(target), *flags]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    found = [tuple(map(float, line)) for line in lines if line]
    check(len(found) == len(colours), f"{len(found)} lines of transicc for {len(colours)} colours")
    return found if most is None else [tuple(min(max(v, 0), most) for v in colour) for colour in found]


def difference(first, second):
    """ΔE2000 (CIE 142-2001) of two L*a*b*."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    mean_c = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(mean_c**7 / (mean_c**7 + 25**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = (math.degrees(math.atan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = 0.0
    mean_h = h1 + h2
    if c1 * c2:
        turn = h2 - h1
        if abs(turn) > 180:
            mean_h += 360 if mean_h < 360 else -360
            turn += 360 if turn < -180 else -360
        mean_h /= 2
    dl, dc, dh = l2 - l1, c2 - c1, 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn) / 2)
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    cos = lambda degrees: math.cos(math.radians(degrees))
    t = 1 - 0.17 * cos(mean_h - 30) + 0.24 * cos(2 * mean_h) + 0.32 * cos(3 * mean_h + 6) - 0.20 * cos(4 * mean_h - 63)
    sl = 1 + 0.015 * (mean_l - 50) ** 2 / math.sqrt(20 + (mean_l - 50) ** 2)
    sc, sh = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    bend = 30 * math.exp(-(((mean_h - 275) / 25) ** 2))
    rt = -2 * math.sqrt(mean_c**7 / (mean_c**7 + 25**7)) * math.sin(math.radians(2 * bend))
    return math.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rt * dc / sc * dh / sh)


def check_difference():
    """Three of the published pairs for implementations (Sharma, Wu and Dalal, 2005)."""
    for first, second, wanted in (
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (58, 24, 15), 19.4535),
        ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
    ):
        found = difference(first, second)
        check(abs(found - wanted) < 1e-4, f"the formula gives {found} for {wanted}")


# ---------------------------------------------------------------- pictures of one row


def png_of(colours):
    row = b"\0" + bytes(v for colour in colours for v in colour)
    return png_header(len(colours), 1, 8, 2) + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")


def png_row(data):
    """Components of the only row of an RGB PNG of 8 bits, and whether it has a profile."""
    at, packed, profile = 8, b"", False
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind = data[at + 4 : at + 8]
        packed += data[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        profile |= kind == b"iCCP"
        at += length + 12
    row = bytearray(zlib.decompress(packed))
    filtered, row = row[0], row[1:]
    # Above the first row is nothing: Up does nothing, Paeth is Sub, Average is half of that.
    for x in range(3, len(row)):
        before = {0: 0, 1: row[x - 3], 2: 0, 3: row[x - 3] // 2, 4: row[x - 3]}[filtered]
        row[x] = (row[x] + before) % 256
    return [tuple(row[x : x + 3]) for x in range(0, len(row), 3)], profile


def tiff_of(colours, profile):
    """An uncompressed CMYK TIFF with a profile."""
    strip = bytes(v for colour in colours for v in colour)
    bits_at = 8 + len(strip)
    profile_at = bits_at + 8
    directory = profile_at + len(profile) + len(profile) % 2
    entries = [
        (256, 4, 1, len(colours)), (257, 4, 1, 1), (258, 3, 4, bits_at), (259, 3, 1, 1), (262, 3, 1, 5),
        (273, 4, 1, 8), (277, 3, 1, 4), (278, 4, 1, 1), (279, 4, 1, len(strip)), (34675, 7, len(profile), profile_at),
    ]
    body = b"II*\0" + struct.pack("<I", directory) + strip + struct.pack("<4H", 8, 8, 8, 8) + profile
    body += bytes(len(profile) % 2) + struct.pack("<H", len(entries))
    return body + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)


def tiff_row(data):
    """Pixels of an uncompressed CMYK TIFF of one row, and its profile."""
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack(order + "I", data[4:8])
    (count,) = struct.unpack(order + "H", data[at : at + 2])
    tags = {}
    for n in range(count):
        entry = data[at + 2 + 12 * n : at + 14 + 12 * n]
        tag, kind, length = struct.unpack(order + "HHI", entry[:8])
        short = kind == 3 and length == 1
        tags[tag] = (length, struct.unpack(order + ("H" if short else "I"), entry[8 : 10 if short else 12])[0])
    check(tags[262][1] == 5, f"photometric {tags[262]}, not CMYK")
    check(tags[273][0] == 1, "more than one strip")
    start, (_, width) = tags[273][1], tags[256]
    strip = data[start : start + 4 * width]
    length, begin = tags[34675]
    return [tuple(strip[x : x + 4]) for x in range(0, len(strip), 4)], data[begin : begin + length]


# ---------------------------------------------------------------- the comparison


def compare(words, wanted, found):
    """Prints and checks how far colours, as seen, are off."""
    off = [difference(a, b) for a, b in zip(wanted, found)]
    mean, most = sum(off) / len(off), max(off)
    print(f"{words}: {len(off)} colours, mean {mean:.3f}, largest {most:.3f}")
    check(mean <= MEAN and most <= MOST, f"{words}: mean {mean:.3f}, largest {most:.3f}")


def inks(colours):
    """Inks of 0 to 255 in per cent, as `transicc` counts them."""
    return [tuple(v / 2.55 for v in colour) for colour in colours]


def test():
    check_difference()
    with tempfile.TemporaryDirectory() as folder:
        profiles = {}
        for press in PRESSES:
            shutil.copy(MEASURED / f"{press}.ti3", folder)
            subprocess.run(["colprof", "-ql", "-D", press, press], cwd=folder, check=True, capture_output=True)
            profiles[press] = pathlib.Path(folder, f"{press}.icc")
        lines = "".join(f'{press} = "{path}"\n' for press, path in profiles.items())
        with Daemon(config=f"{CONFIG}\n[imaging.profiles]\n{lines}") as daemon:
            export(daemon, profiles)


def export(daemon, profiles):
    (daemon.assets / "colours.png").write_bytes(png_of(RGB))
    for press, path in profiles.items():
        (daemon.assets / f"{press}.tif").write_bytes(tiff_of(INKS, path.read_bytes()))
    asked = [(press, "relative") for press in PRESSES[1:]] + [(PRESSES[0], intent) for intent in INTENTS]
    parts = [
        f'[[exportJob]]\nrendition = "{press}-{intent}"\n'
        f'is_modifier = "scl=1&fmt=tif&icc={press},{intent},1&iccEmbed=1"\n'
        for press, intent in asked
    ]
    daemon.drop_text("press.toml", manifest("press", ["colours.png"]) + "\n" + "\n".join(parts))
    sources = [f"{press}.tif" for press in profiles]
    daemon.drop_text("screen.toml", manifest("screen", sources, is_modifier="scl=1&fmt=png&iccEmbed=1"))
    to_press, to_screen = daemon.run("press", 120), daemon.run("screen", 120)
    for run in (to_press, to_screen):
        check(run.report["verdict"] == "clean", f"{run.name}: {run.report['details']}")
    for press, intent in asked:
        path = profiles[press]
        (file,) = [name for name in to_press.files() if f"{press}-{intent}" in name]
        found, embedded = tiff_row((to_press.out / file).read_bytes())
        check(embedded == path.read_bytes(), f"{file}: another profile is embedded")
        wanted = transicc(RGB, "*sRGB", path, f"-t{INTENTS.index(intent)}", "-b", most=100)
        seen = [transicc(colours, path, "*Lab", "-t1") for colours in (wanted, inks(found))]
        compare(f"sRGB to {press}, {intent}", *seen)
    for press, path in profiles.items():
        (file,) = [name for name in to_screen.files() if press in name]
        found, embedded = png_row((to_screen.out / file).read_bytes())
        check(embedded, f"{file}: no profile")
        wanted = transicc(inks(INKS), path, "*sRGB", "-t1", "-b", most=255)
        seen = [transicc(colours, "*sRGB", "*Lab", "-t1") for colours in (wanted, found)]
        compare(f"{press} to sRGB", *seen)


if __name__ == "__main__":
    main(test)
