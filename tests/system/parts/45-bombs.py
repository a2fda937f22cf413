#!/usr/bin/env python3
"""Small files that would be huge, and files changed at random: the daemon stays as it is.

Bombs are refused by what their header says or are harmless; each has its verdict in words, in
time. Then seeds of every source format are changed in a few places by a seeded generator, and
every one of these files must come to a verdict as well. The daemon itself may not grow.
"""

import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import sources
from exportd_test import Daemon, check, chunk, main, manifest, png, png_header
from pictures import LONG

MUTATED = 2000 if LONG else 200
MOST_GROWN = 5_000_000
# For all bombs together; each has the 120 s of a worker at most.
BOMB_SECONDS = 150


# ---------------------------------------------------------------- bombs


def zeros(count, block=1 << 20):
    """`count` zero bytes, deflated: one block that refers to nothing, again and again."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    one = deflate.compress(bytes(block)) + deflate.flush(zlib.Z_FULL_FLUSH)
    last = deflate.compress(bytes(count % block)) + deflate.flush()
    # Adler-32 of zero bytes: the first half stays 1, the second counts them.
    return b"\x78\xda" + one * (count // block) + last + struct.pack(">HH", count % 65_521, 1)


def png_of(width, height, bits, color, channels):
    data = zeros(height * (1 + (width * channels * bits + 7) // 8))
    return png_header(width, height, bits, color) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def png_with(kind, body):
    """A good picture with one more chunk before its data."""
    good = png(32, 32, 1)
    at = good.index(b"IDAT") - 4
    return good[:at] + chunk(kind, body) + good[at:]


def tiff_of(entries, order="<"):
    """A TIFF of one directory: (tag, type, count, value)."""
    head = struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, 8)
    body = b"".join(struct.pack(order + "HHII", *entry) for entry in entries)
    return head + struct.pack(order + "H", len(entries)) + body + bytes(4)


def tiff_strips(width, height, strip):
    """Gray, deflated, one strip that unpacks to `strip` bytes."""
    data = zeros(strip)
    entries = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1),
        (273, 4, 1, 8 + 2 + 9 * 12 + 4), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, len(data)),
    ]
    return tiff_of(entries) + data


def gif_of(width, height, frames):
    """A canvas of any size with frames of one pixel each."""
    frame = b"\x2c" + struct.pack("<4HB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return b"GIF89a" + struct.pack("<2H3B", width, height, 0x80, 0, 0) + bytes(6) + frame * frames + b";"


def jpeg_of(width, height):
    """A header that promises much, and a scan that is over at once."""
    good = subprocess.run(["cjpeg", "-grayscale"], input=b"P5 8 8 255\n" + bytes(64), capture_output=True, check=True).stdout
    at = good.index(b"\xff\xc0")
    return good[: at + 5] + struct.pack(">2H", height, width) + good[at + 9 :]


def webp_of(width, height):
    """Lossless: one colour for all pixels, in a few bytes."""
    bits = (width - 1) | (height - 1) << 14
    # Alpha unused, version 0, no transforms, no colour cache, no meta codes, five codes of one symbol.
    value, length = bits, 32
    for bit_values in ((0, 1), (0, 1), (0, 1)):
        value |= bit_values[0] << length
        length += bit_values[1]
    for _ in range(5):
        value |= 0b0001 << length
        length += 4
    body = b"\x2f" + value.to_bytes((length + 7) // 8 + 8, "little")
    return b"RIFF" + struct.pack("<I", 12 + len(body) + len(body) % 2) + b"WEBPVP8L" + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def bmp_runs(width, height):
    """Eight bits in runs: almost nothing stored for a huge picture."""
    data = b"\xff\x00" * 2000 + b"\0\1"
    head = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 1078 + len(data), 0, 0, 1078, 40, width, height, 1, 8, 1, len(data), 0, 0, 256, 0)
    return head + bytes(1024) + data


def psd_of(width, height):
    """Runs of zero bytes for every row."""
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, height, width, 8, 3) + bytes(12)
    return head + struct.pack(">H", 1) + struct.pack(">H", 2) * (height * 3) + b"\x81\0" * 1000


def jp2_of(width, height):
    """A good picture's codestream whose size says otherwise."""
    with tempfile.TemporaryDirectory() as folder:
        given, target = pathlib.Path(folder, "a.pgm"), pathlib.Path(folder, "a.j2k")
        given.write_bytes(b"P5\n64 64\n255\n" + bytes(4096))
        subprocess.run(["opj_compress", "-i", given, "-o", target], capture_output=True, check=True)
        good = target.read_bytes()
    at = good.index(b"\xff\x51") + 6
    return good[:at] + struct.pack(">2I", width, height) + good[at + 8 :]


def avif_of(width, height):
    """A good picture's container that promises another size."""
    with tempfile.TemporaryDirectory() as folder:
        given, target = pathlib.Path(folder, "a.png"), pathlib.Path(folder, "a.avif")
        given.write_bytes(png(32, 32, 1))
        subprocess.run(["avifenc", "--speed", "10", "--jobs", "1", given, target], capture_output=True, check=True)
        good = target.read_bytes()
    at = good.index(b"ispe") + 8
    return good[:at] + struct.pack(">2I", width, height) + good[at + 8 :]


def svg_entities():
    """A billion laughs."""
    levels = "".join(f'<!ENTITY l{k} "{f"&l{k - 1};" * 10}">' for k in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY l0 "lol">{levels}]><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><desc>&l9;</desc></svg>'.encode()


def svg_uses():
    """Groups that use groups: ten thousand million rectangles."""
    text = '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="900"><g id="u0"><rect width="900" height="900" opacity=".5"/></g>'
    for k in range(1, 11):
        text += f'<g id="u{k}">' + f'<use href="#u{k - 1}"/>' * 10 + "</g>"
    return (text + "</svg>").encode()


def svg_nested():
    return b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">' + b"<g>" * 200_000 + b"</g>" * 200_000 + b"</svg>"


def pdf_of(objects, root=1):
    out = b"%PDF-1.4\n"
    for number, body in enumerate(objects, 1):
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    return out + b"trailer << /Size %d /Root %d 0 R >>\n%%%%EOF\n" % (len(objects) + 1, root)


def pdf_page(width, height, content, extra=b""):
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R /Resources << /XObject << /F 5 0 R >> >> >>"
    stream = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)
    return pdf_of([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page % (width, height), stream, extra or b"null"])


def pdf_deflated():
    """A stream that unpacks to a gigabyte, through two filters."""
    data = zlib.compress(zeros(1 << 30), 9)
    stream = b"<< /Length %d /Filter [/FlateDecode /FlateDecode] >>\nstream\n%s\nendstream" % (len(data), data)
    return pdf_of([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R >>", stream])


def pdf_recursive():
    """A form that draws itself twice."""
    form = b"<< /Type /XObject /Subtype /Form /BBox [0 0 99 99] /Resources << /XObject << /F 5 0 R >> >> /Length 11 >>\nstream\n/F Do /F Do\nendstream"
    return pdf_page(99, 99, b"/F Do", form)


def pdf_nested():
    return pdf_page(99, 99, b"[" * 200_000 + b"]" * 200_000)


def bombs():
    """Name -> bytes. Some promise pixels, some memory, some depth."""
    return {
        "gray.png": png_of(22_000, 22_000, 8, 0, 1),
        "deep.png": png_of(8_100, 8_100, 16, 6, 4),
        "text.png": png_with(b"zTXt", b"Comment\0\0" + zeros(1 << 29)),
        "profile.png": png_with(b"iCCP", b"p\0\0" + zeros(1 << 30)),
        "strip.tif": tiff_strips(9_000, 9_000, 1 << 30),
        "count.tif": tiff_of([(256, 4, 1, 9), (257, 4, 1, 9), (34675, 7, 0xF000_0000, 8), (273, 4, 0x4000_0000, 8), (279, 4, 0x4000_0000, 8)]),
        "canvas.gif": gif_of(65_535, 65_535, 1),
        "frames.gif": gif_of(2_000, 2_000, 200_000),
        "sides.jpg": jpeg_of(65_500, 65_500),
        "sides.webp": webp_of(16_383, 16_383),
        "runs.bmp": bmp_runs(60_000, 60_000),
        "runs9000.bmp": bmp_runs(9_000, 9_000),
        "runs.psd": psd_of(30_000, 30_000),
        "size.j2k": jp2_of(1 << 31, 1 << 31),
        "size9000.j2k": jp2_of(9_000, 9_000),
        "size.avif": avif_of(65_535, 65_535),
        "laughs.svg": svg_entities(),
        "uses.svg": svg_uses(),
        "nested.svg": svg_nested(),
        "page.pdf": pdf_page(1_000_000, 1_000_000, b"0 0 9 9 re f"),
        "deflated.pdf": pdf_deflated(),
        "recursive.pdf": pdf_recursive(),
        "nested.pdf": pdf_nested(),
    }


# What each must come to. Those that are exported promise little or unpack to what a worker may use.
LARGE, MEMORY = ("ExportError", "is too large"), ("ExportError", "needs more memory")
VERDICTS = {
    "gray.png": LARGE, "canvas.gif": LARGE, "sides.jpg": LARGE, "sides.webp": LARGE, "runs.bmp": LARGE, "runs.psd": LARGE,
    "size.j2k": LARGE, "size.avif": LARGE, "page.pdf": LARGE, "deep.png": MEMORY, "deflated.pdf": MEMORY,
    "count.tif": ("ExportError", "cannot be read"), "laughs.svg": ("ExportError", "not valid XML"),
    "uses.svg": ("ExportError", "too many elements"), "nested.svg": ("ExportWarning", "nested more than"),
}
HARMLESS = {"text.png", "profile.png", "strip.tif", "frames.gif", "runs9000.bmp", "size9000.j2k", "recursive.pdf", "nested.pdf"}


def as_expected(run, name):
    """Checks that a bomb was refused for what it is, or is one of the harmless ones."""
    kind, words = VERDICTS.get(name, ("ExportSuccess", ""))
    check((kind == "ExportSuccess") == (name in HARMLESS), f"{name} is in no table")
    entry = run.of(f"bombs/{name}")[-1]
    said = f"{entry['logType']}: {entry['logMessage']}"
    check(entry["logType"] == kind and words in entry["logMessage"], f"{name}: {kind} of {words!r} was expected, it is {said}")


# ---------------------------------------------------------------- changed files


def changed(data, chance):
    """A few bytes other than they were; sometimes cut, or with a part repeated."""
    data = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16, 64))):
        # Headers are where a byte means most.
        at = chance.randrange(min(len(data), chance.choice((64, 512, len(data)))))
        data[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, data[at] ^ 1 << chance.randrange(8), chance.randrange(256)))
    kind = chance.randrange(6)
    if kind == 0:
        del data[chance.randrange(len(data)) :]
    elif kind == 1:
        at = chance.randrange(len(data))
        data[at:at] = data[at : at + chance.randrange(200)]
    if data.startswith(b"\x89PNG") and chance.randrange(4):
        correct_sums(data)
    return bytes(data)


def correct_sums(data):
    """Makes a PNG's check sums right, or nothing but them would be tested."""
    at = 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            return
        data[end : end + 4] = struct.pack(">I", zlib.crc32(data[at + 4 : end]))
        at = end + 4


def seeds(folder):
    """Small files of every source format, format by format."""
    (folder / "scratch").mkdir(parents=True)
    made = sources.make(folder / "seeds", folder / "scratch", 64, 48).sources
    found = {}
    for source in made:
        path = folder / "seeds" / source.handle
        found.setdefault(path.parent.name, []).append(path)
    return found


def mutated(daemon, folder):
    """Writes the changed files, as many of each format, and returns their handles."""
    chance = random.Random(20)
    found = seeds(folder)
    formats = sorted(found)
    handles = []
    (daemon.assets / "changed").mkdir()
    for number in range(MUTATED):
        paths = found[formats[number % len(formats)]]
        path = paths[chance.randrange(len(paths))]
        handle = f"changed/{number:04}{path.suffix}"
        (daemon.assets / handle).write_bytes(changed(path.read_bytes(), chance))
        handles.append(handle)
    return handles


# ---------------------------------------------------------------- the test


def verdicts(run, handles):
    """Checks that each asset has exactly one end, with a reason unless it is well."""
    kinds = {}
    for handle in handles:
        entries = [entry for entry in run.of(handle) if entry["logType"] in ("ExportSuccess", "ExportError", "ExportWarning")]
        check(entries, f"{handle}: no verdict")
        worst = "ExportError" if any(e["logType"] == "ExportError" for e in entries) else entries[-1]["logType"]
        kinds[worst] = kinds.get(worst, 0) + 1
        for entry in entries:
            words = entry["logMessage"]
            check(entry["logType"] == "ExportSuccess" or len(words) > 15, f"{handle}: the reason is {words!r}")
            for word in ("panick", "unwrap(", "::", "RUST_BACKTRACE"):
                check(word not in words, f"{handle}: not for people: {words!r}")
    return kinds


def grown(daemon, before, words):
    size = daemon.own() - before
    print(f"{words}: the daemon grew by {size / 1e6:.1f} MB")
    check(size <= MOST_GROWN, f"{words}: the daemon grew by {size / 1e6:.1f} MB")


def test():
    with Daemon() as daemon, tempfile.TemporaryDirectory(prefix="exportd-seeds-") as folder:
        (daemon.assets / "good").mkdir()
        good = [f"good/g{k:02}.png" for k in range(20)]
        for k, name in enumerate(good):
            (daemon.assets / name).write_bytes(png(200, 150, k))
        asked = {"is_modifier": "wid=100&fmt=jpeg"}
        daemon.drop_text("warm.toml", manifest("warm", good, **asked))
        check(daemon.run("warm", 60).report["verdict"] == "clean", "the good pictures alone are not clean")
        before = daemon.own()

        (daemon.assets / "bombs").mkdir()
        handles = []
        for name, data in bombs().items():
            (daemon.assets / "bombs" / name).write_bytes(data)
            handles.append(f"bombs/{name}")
        start = time.monotonic()
        daemon.drop_text("bombs.toml", manifest("bombs", [*handles, *good], **asked))
        run = daemon.run("bombs", BOMB_SECONDS)
        print(f"{len(handles)} bombs: {time.monotonic() - start:.1f} s, {verdicts(run, handles)}")
        for handle in handles:
            print(f"  {handle}: {run.of(handle)[-1]['logMessage']}")
            as_expected(run, pathlib.Path(handle).name)
        fine = [name for name in good if [entry["logType"] for entry in run.of(name)] == ["ExportSuccess"]]
        check(len(fine) == len(good), "a good picture among bombs is not well")
        grown(daemon, before, "bombs")
        shutil.rmtree(daemon.assets / "bombs")

        handles = mutated(daemon, pathlib.Path(folder))
        start = time.monotonic()
        daemon.drop_text("changed.toml", manifest("changed", [*handles, *good], **asked))
        run = daemon.run("changed", 900 if LONG else 200)
        print(f"{len(handles)} changed files: {time.monotonic() - start:.1f} s, {verdicts(run, handles)}")
        check(daemon.alive(), "the daemon is dead")
        # The report of so many assets is the daemon's, and was held in memory once.
        grown(daemon, before, "changed files")


if __name__ == "__main__":
    main(test)
