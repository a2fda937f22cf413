"""Source files of every kind the engine is to read, and what other decoders see in them.

`CLASSES` is the one table of what is expected: a class says how far a conversion may be from the
reference (mean and largest difference in levels of 255 on any channel), and whether the program
must read it at all. `make` writes the files; each is listed with its class and its reference.
"""

import pathlib
import struct
import zlib

from exportd_test import check
from pictures import CONVERT, cut_out, deep, gray_of, magick, np, pam, photo, pnm, run, save, vips_file

# Class -> (must be converted, mean, largest difference allowed). Lossless classes differ by rounding
# from 16 bits alone; JPEG by the inverse DCT and the way chroma is enlarged at hard edges; colour
# management by rounding of tables; drawings and documents by antialiasing along their edges.
CLASSES = {
    "bmp": (True, 0.0, 0),
    "bmp-16": (True, 0.5, 1),
    "gif": (True, 0.0, 0),
    "jpeg": (True, 0.3, 2),
    "jpeg-subsampled": (True, 0.5, 4),
    "jpeg-cmyk": (True, 0.5, 4),
    "png": (True, 0.0, 0),
    "png-16": (True, 0.6, 1),
    "tiff": (True, 0.0, 0),
    "tiff-16": (True, 0.6, 1),
    "tiff-float": (True, 0.6, 1),
    "tiff-planar-tiled": (False, 0.0, 0),
    "tiff-jpeg": (True, 0.5, 4),
    "tiff-g3": (True, 0.0, 0),
    "tiff-g4": (True, 0.0, 0),
    "tiff-cmyk": (True, 1.0, 4),
    "tiff-lab": (True, 1.0, 12),
    # Steps of a whole unit of a and b.
    "tiff-lab8": (True, 1.2, 16),
    "webp": (True, 0.6, 4),
    "webp-lossless": (True, 0.0, 0),
    "psd": (True, 0.0, 0),
    "psd-16": (True, 0.6, 1),
    "psd-cmyk": (True, 1.0, 4),
    "avif": (True, 0.8, 6),
    "jp2": (True, 0.0, 1),
    "jp2-lossy": (True, 0.8, 6),
    "svg": (True, 1.5, 255),
    "pdf": (True, 1.5, 255),
    "eps": (True, 0.0, 0),
    "eps-drawing": (False, 1.5, 255),
}


class Source:
    """One file: its handle, its class, and what gives the RGBA others see in it.

    Drawings have no pixels of their own: their references take the size to be drawn at.
    """

    DRAWN = ("svg", "pdf", "eps-drawing")

    def __init__(self, handle, kind, reference):
        self.handle, self.kind, self.reference = handle, kind, reference

    def expected(self, size):
        return self.reference(size) if self.kind in self.DRAWN else self.reference()


class Maker:
    """Collects sources while they are written below a folder of assets."""

    def __init__(self, assets, scratch, width, height):
        self.assets, self.scratch = pathlib.Path(assets), pathlib.Path(scratch)
        self.rgb, self.rgba = photo(width, height), cut_out(width, height)
        self.gray = gray_of(self.rgb)
        self.size = width, height
        self.sources = []
        for name, picture in (("rgb", self.rgb), ("gray", self.gray)):
            (self.scratch / f"{name}.pnm").write_bytes(pnm(picture))
            (self.scratch / f"{name}16.pnm").write_bytes(pnm(deep(picture)))
        (self.scratch / "rgba.pam").write_bytes(pam(self.rgba))
        save(self.rgba, self.scratch / "rgba.png")
        save(self.rgb, self.scratch / "rgb.png")
        save(self.rgb, self.scratch / "rgb.tif")

    def path(self, handle):
        path = self.assets / handle
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def given(self, name):
        return self.scratch / name

    def add(self, handle, kind, reference=None):
        """Lists a file that was written; without a reference ImageMagick is asked."""
        path = self.path(handle)
        self.sources.append(Source(handle, kind, reference or (lambda: magick(path))))

    def by_magick(self, handle, kind, picture, *options, prefix="", reference=None):
        save(picture, f"{prefix}{self.path(handle)}", *options)
        self.add(handle, kind, reference)

    def by_tool(self, handle, kind, *command, reference=None):
        """Runs a tool; the word OUT stands for the file."""
        path = self.path(handle)
        output = run(*[path if word == "OUT" else word for word in command])
        if "OUT" not in command:
            path.write_bytes(output)
        self.add(handle, kind, reference)

    def by_hand(self, handle, kind, data, reference=None):
        self.path(handle).write_bytes(data)
        self.add(handle, kind, reference)


def opaque(picture):
    """RGBA of 8 bits of a gray, RGB or RGBA picture."""
    if picture.dtype != np.uint8:
        most = 255 if picture.max() <= 255 and picture.dtype.kind == "f" else 65535
        picture = np.rint(picture.astype(np.float64) * 255 / most).astype(np.uint8)
    if picture.shape[2] in (1, 2):
        picture = np.dstack([picture[..., :1]] * 3 + [picture[..., 1:]])
    if picture.shape[2] == 3:
        picture = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    return picture


# ---------------------------------------------------------------- one function per format


def bmp(make):
    make.by_magick("bmp/one.bmp", "bmp", make.gray, "-threshold", "50%", "-type", "bilevel", prefix="bmp3:")
    make.by_magick("bmp/four.bmp", "bmp", make.rgb, "+dither", "-colors", "12", "-type", "palette", prefix="bmp3:")
    make.by_magick("bmp/eight.bmp", "bmp", make.rgb, "-colors", "200", "-type", "palette", "-compress", "none", prefix="bmp3:")
    make.by_magick("bmp/run-length.bmp", "bmp", make.rgb, "+dither", "-colors", "20", "-type", "palette", "-compress", "rle", prefix="bmp3:")
    make.by_magick("bmp/rgb565.bmp", "bmp-16", make.rgb, "-define", "bmp:subtype=RGB565")
    make.by_magick("bmp/rgb555.bmp", "bmp-16", make.rgb, "-define", "bmp:subtype=RGB555")
    make.by_magick("bmp/true.bmp", "bmp", make.rgb, prefix="bmp3:")
    make.by_magick("bmp/alpha.bmp", "bmp", make.rgba, prefix="bmp:")
    make.by_hand("bmp/top-down.bmp", "bmp", bmp_top_down(make.rgb), lambda: opaque(make.rgb))


def bmp_top_down(picture):
    """24 bits, a negative height: the first row is the top one."""
    height, width, _ = picture.shape
    pad = bytes(-3 * width % 4)
    rows = b"".join(row[:, ::-1].tobytes() + pad for row in picture)
    head = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 54 + len(rows), 0, 0, 54, 40, width, -height, 1, 24, 0, len(rows), 2835, 2835, 0, 0)
    return head + rows


def gif(make):
    make.by_magick("gif/plain.gif", "gif", make.rgb)
    make.by_magick("gif/interlaced.gif", "gif", make.rgb, "-interlace", "GIF")
    make.by_magick("gif/transparent.gif", "gif", make.rgba, "-channel", "A", "-threshold", "50%")
    make.by_tool(
        "gif/animated.gif", "gif", CONVERT, "-delay", "10", make.given("rgb.pnm"),
        "(", "+clone", "-negate", ")", "OUT",
    )


def jpeg(make):
    quality = ["-quality", "92"]
    rgb, gray = make.given("rgb.pnm"), make.given("gray.pnm")
    cjpeg = ["cjpeg", *quality, "-optimize"]
    make.by_tool("jpeg/444.jpg", "jpeg", *cjpeg, "-sample", "1x1", "-baseline", rgb)
    make.by_tool("jpeg/422.jpg", "jpeg-subsampled", *cjpeg, "-sample", "2x1", rgb)
    make.by_tool("jpeg/420.jpg", "jpeg-subsampled", *cjpeg, "-sample", "2x2", rgb)
    make.by_tool("jpeg/411.jpg", "jpeg-subsampled", *cjpeg, "-sample", "4x1", rgb)
    make.by_tool("jpeg/440.jpg", "jpeg-subsampled", *cjpeg, "-sample", "1x2", rgb)
    make.by_tool("jpeg/progressive.jpg", "jpeg-subsampled", *cjpeg, "-progressive", rgb)
    make.by_tool("jpeg/gray.jpg", "jpeg", *cjpeg, gray)
    make.by_tool("jpeg/gray-progressive.jpg", "jpeg", *cjpeg, "-progressive", gray)
    make.by_tool("jpeg/rgb.jpg", "jpeg", "cjpeg", *quality, "-rgb", rgb)
    make.by_tool("jpeg/restart.jpg", "jpeg-subsampled", *cjpeg, "-restart", "3B", rgb)
    scans = make.given("three.scans")
    scans.write_text("0;\n1;\n2;\n")
    make.by_tool("jpeg/scans.jpg", "jpeg-subsampled", "cjpeg", *quality, "-sample", "2x2", "-scans", scans, rgb)
    upright = make.path("jpeg/444.jpg").read_bytes()
    for turn in range(1, 9):
        path = make.path(f"jpeg/turned{turn}.jpg")
        path.write_bytes(upright[:2] + exif(turn) + upright[2:])
        make.add(f"jpeg/turned{turn}.jpg", "jpeg", lambda path=path: turned(path))
    inks(make)


def exif(turn):
    """An APP1 marker that holds an orientation and nothing else."""
    body = b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHH", 0x0112, 3, 1, turn, 0) + bytes(4)
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def turned(path):
    """ImageMagick's decode, turned upright by ImageMagick."""
    upright = path.with_suffix(".upright.pam")
    run(CONVERT, path, "-auto-orient", "-depth", "8", upright)
    picture = magick(upright)
    upright.unlink()
    return picture


def inks(make):
    """CMYK: Adobe's inverted form, YCCK, and the plain form without Adobe's marker."""
    ycck = make.path("jpeg/ycck.jpg")
    run(CONVERT, make.given("rgb.pnm"), "-colorspace", "CMYK", "-quality", "92", "-sampling-factor", "1x1", ycck)
    data = ycck.read_bytes()
    at = data.index(b"\xff\xee\0\x0eAdobe")
    check(data[at + 15] == 2, "ImageMagick writes YCCK no more")
    # The same components, now said to be inks: other colours, but the same for everybody.
    cmyk = data[: at + 15] + b"\0" + data[at + 16 :]
    for name, content in (("ycck", data), ("cmyk", cmyk)):
        path = make.path(f"jpeg/{name}.jpg")
        make.by_hand(f"jpeg/{name}.jpg", "jpeg-cmyk", content, naive_inks(path))
    # Decoders do not agree on what there is without Adobe's marker. Here 0 is no ink then, as the
    # standard has it; ImageMagick inverts all the same.
    plain = make.path("jpeg/no-adobe.jpg")
    reference = lambda: ink_on_paper(255 - magick(plain, "cmyk"))
    make.by_hand("jpeg/no-adobe.jpg", "jpeg-cmyk", data[:at] + data[at + 16 :], reference)


def naive_inks(path):
    """A reference: the inks ImageMagick reads, turned into RGB by (1 − ink)·(1 − black)."""

    return lambda: ink_on_paper(magick(path, "cmyk"))


def ink_on_paper(inks):
    """RGB of CMYK that no profile explains."""
    paper = 1 - inks.astype(np.float64) / 255
    return opaque(np.rint(paper[..., :3] * paper[..., 3:] * 255).astype(np.uint8))


def png(make):
    kinds = {
        "gray1": (make.gray, 0, 1), "gray2": (make.gray, 0, 2), "gray4": (make.gray, 0, 4), "gray8": (make.gray, 0, 8),
        "rgb8": (make.rgb, 2, 8), "gray-alpha8": (np.dstack([make.gray, make.rgba[..., 3]]), 4, 8), "rgba8": (make.rgba, 6, 8),
        "gray16": (deep(make.gray), 0, 16), "rgb16": (deep(make.rgb), 2, 16), "rgba16": (deep(make.rgba), 6, 16),
    }
    for name, (picture, color, bits) in kinds.items():
        kind = "png-16" if bits == 16 else "png"
        options = ["-define", f"png:color-type={color}", "-define", f"png:bit-depth={bits}"]
        if bits < 8:
            options = ["-depth", str(bits), *options]
        make.by_magick(f"png/{name}.png", kind, picture, *options)
    for colors, bits in ((2, 1), (4, 2), (16, 4), (250, 8)):
        make.by_magick(f"png/palette{bits}.png", "png", make.rgb, "-colors", str(colors), "-define", f"png:color-type=3")
    make.by_magick("png/palette-alpha.png", "png", make.rgba, "-colors", "60", prefix="png8:")
    for name in ("gray1", "rgb8", "rgba16", "gray8"):
        picture, color, bits = kinds[name]
        kind = "png-16" if bits == 16 else "png"
        make.by_magick(
            f"png/interlaced-{name}.png", kind, picture, "-interlace", "PNG", "-depth", str(bits),
            "-define", f"png:color-type={color}", "-define", f"png:bit-depth={bits}",
        )
    for name, color in (("gray8", make.gray[0, 0]), ("rgb8", make.rgb[0, 0])):
        data = make.path(f"png/{name}.png").read_bytes()
        key = b"".join(struct.pack(">H", value) for value in color)
        at = data.index(b"IDAT") - 4
        make.by_hand(f"png/key-{name}.png", "png", data[:at] + png_chunk(b"tRNS", key) + data[at:])


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def tiff(make):
    rgb, gray = make.given("rgb.tif"), make.given("gray.pnm")
    known = lambda: opaque(make.rgb)
    for name in ("none", "lzw", "deflate", "packbits"):
        make.by_tool(f"tiff/{name}.tif", "tiff", "vips", "tiffsave", rgb, "OUT", "--compression", name, reference=known)
    for name in ("lzw", "deflate"):
        make.by_tool(
            f"tiff/{name}-predictor.tif", "tiff", "vips", "tiffsave", rgb, "OUT", "--compression", name,
            "--predictor", "horizontal", reference=known,
        )
    make.by_tool("tiff/jpeg.tif", "tiff-jpeg", "vips", "tiffsave", rgb, "OUT", "--compression", "jpeg", "--Q", "90")
    tile = ["--tile", "--tile-width", "64", "--tile-height", "64"]
    make.by_tool("tiff/tiled.tif", "tiff", "vips", "tiffsave", rgb, "OUT", *tile, "--compression", "deflate", reference=known)
    make.by_tool("tiff/tiled-jpeg.tif", "tiff-jpeg", "vips", "tiffsave", rgb, "OUT", *tile, "--compression", "jpeg")
    make.by_tool("tiff/pyramid.tif", "tiff", "vips", "tiffsave", rgb, "OUT", *tile, "--pyramid", reference=known)
    make.by_tool("tiff/big.tif", "tiff", "vips", "tiffsave", rgb, "OUT", "--bigtiff", reference=known)
    make.by_tool("tiff/gray.tif", "tiff", "vips", "tiffsave", gray, "OUT")
    make.by_tool("tiff/gray16.tif", "tiff-16", "vips", "tiffsave", make.given("gray16.pnm"), "OUT", "--compression", "lzw", "--predictor", "horizontal")
    make.by_tool("tiff/rgb16.tif", "tiff-16", "vips", "tiffsave", make.given("rgb16.pnm"), "OUT", "--compression", "deflate")
    make.by_tool("tiff/one-bit.tif", "tiff", "vips", "tiffsave", gray, "OUT", "--bitdepth", "1")
    make.by_tool("tiff/one-bit-white.tif", "tiff", "vips", "tiffsave", gray, "OUT", "--bitdepth", "1", "--miniswhite")
    make.by_tool("tiff/alpha.tif", "tiff", "vips", "tiffsave", make.given("rgba.png"), "OUT", reference=lambda: make.rgba)
    # Rewritten by libtiff's own tools.
    copies = {
        "planar": ["-p", "separate"], "big-endian": ["-B"], "little-endian": ["-L"], "rows": ["-r", "7"],
        "one-strip": ["-r", "100000"], "planar-lzw": ["-p", "separate", "-c", "lzw"], "zip-2": ["-c", "zip:2"],
        "planar-tiled": ["-p", "separate", "-t", "-w", "32", "-l", "32"], "big-endian-big": ["-B", "-8", "-c", "lzw"],
    }
    for name, options in copies.items():
        kind = "tiff-planar-tiled" if name == "planar-tiled" else "tiff"
        make.by_tool(f"tiff/{name}.tif", kind, "tiffcp", *options, make.path("tiff/none.tif"), "OUT", reference=known)
    make.by_tool("tiff/big-endian16.tif", "tiff-16", "tiffcp", "-B", "-c", "none", make.path("tiff/rgb16.tif"), "OUT")
    for name, option in (("g3", "g3"), ("g3-2d", "g3:2d"), ("g4", "g4")):
        make.by_tool(f"tiff/{name}.tif", f"tiff-{name[:2]}", "tiffcp", "-c", option, make.path("tiff/one-bit-white.tif"), "OUT")
    make.by_magick("tiff/indexed.tif", "tiff-16", make.rgb, "-colors", "100", "-type", "palette")
    make.by_magick("tiff/indexed4.tif", "tiff", make.rgb, "-colors", "12", "-type", "palette", "-depth", "4")
    turned_tiff = make.path("tiff/turned.tif")
    turned_tiff.write_bytes(make.path("tiff/none.tif").read_bytes())
    run("tiffset", "-s", "Orientation", "6", turned_tiff)
    make.add("tiff/turned.tif", "tiff", lambda: opaque(np.rot90(make.rgb, -1)))
    far(make)


def far(make):
    """TIFF in other colour spaces: CMYK with and without a profile, Lab, floating point."""
    cmyk = make.path("tiff/cmyk.tif")
    run(CONVERT, make.given("rgb.pnm"), "-colorspace", "CMYK", "-compress", "lzw", cmyk)
    make.add("tiff/cmyk.tif", "tiff-cmyk", naive_inks(cmyk))
    profiled = make.path("tiff/cmyk-profile.tif")
    run("vips", "icc_transform", make.given("rgb.png"), profiled, "cmyk", "--input-profile", "srgb")
    make.add("tiff/cmyk-profile.tif", "tiff-cmyk", lambda: srgb_of(make, profiled))
    # Lab of white D50, as Photoshop and profiles have it; both tools would take D65 by themselves.
    run("vips", "icc_import", make.given("rgb.png"), make.given("lab.v"), "--pcs", "lab", "--input-profile", "srgb")
    lab16 = make.path("tiff/lab16.tif")
    run("vips", "colourspace", make.given("lab.v"), lab16, "labs")
    make.add("tiff/lab16.tif", "tiff-lab", lambda: opaque(make.rgb))
    by_hand = lab_tiff(vips_file(make.given("lab.v")))
    make.by_hand("tiff/lab.tif", "tiff-lab8", by_hand, lambda: opaque(make.rgb))
    run("vips", "linear", make.given("rgb.png"), make.given("float.v"), str(1 / 255), "0")
    float32 = make.path("tiff/float.tif")
    run("vips", "copy", make.given("float.v"), make.given("float2.v"), "--interpretation", "srgb")
    run("vips", "copy", make.given("float2.v"), float32)
    make.add("tiff/float.tif", "tiff-float", lambda: opaque(make.rgb))


def srgb_of(make, path):
    """A reference: libvips' conversion of a picture with a profile to sRGB."""
    target = make.given("srgb.v")
    run("vips", "icc_transform", path, target, "srgb", "--embedded", "--intent", "relative", "--black-point-compensation")
    return opaque(vips_file(target))


def lab_tiff(lab):
    """An uncompressed TIFF of Lab in 8 bits; a and b have signs."""
    height, width, _ = lab.shape
    data = np.rint(lab * [2.55, 1, 1]).astype(np.int16).astype(np.uint8).tobytes()
    bits = struct.pack("<3H", 8, 8, 8)
    entries = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, 126), (259, 3, 1, 1), (262, 3, 1, 8),
        (273, 4, 1, 132), (277, 3, 1, 3), (278, 4, 1, height), (279, 4, 1, len(data)),
    ]
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries))
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    return (head + table).ljust(126, b"\0") + bits + data


def webp(make):
    rgb, rgba = make.given("rgb.png"), make.given("rgba.png")
    make.by_tool("webp/lossy.webp", "webp", "cwebp", "-quiet", "-q", "85", rgb, "-o", "OUT")
    make.by_tool("webp/lossy-alpha.webp", "webp", "cwebp", "-quiet", "-q", "85", rgba, "-o", "OUT")
    make.by_tool("webp/lossless.webp", "webp-lossless", "cwebp", "-quiet", "-lossless", rgb, "-o", "OUT")
    make.by_tool("webp/lossless-alpha.webp", "webp-lossless", "cwebp", "-quiet", "-lossless", "-exact", rgba, "-o", "OUT")
    make.by_tool("webp/animated.webp", "webp-lossless", "gif2webp", "-quiet", make.path("gif/animated.gif"), "-o", "OUT",
                 reference=lambda: magick(make.path("gif/animated.gif")))


def psd(make):
    known = lambda: opaque(make.rgb)
    make.by_magick("psd/rgb.psd", "psd", make.rgb, "-compress", "rle", reference=known)
    make.by_magick("psd/raw.psd", "psd", make.rgb, "-compress", "none", reference=known)
    make.by_magick("psd/gray.psd", "psd", make.gray, "-type", "grayscale", reference=lambda: opaque(make.gray))
    make.by_magick("psd/rgb16.psd", "psd-16", deep(make.rgb), "-depth", "16", reference=lambda: magick(make.path("psd/rgb16.psd")))
    make.by_magick("psd/large.psb", "psd", make.rgb, prefix="psb:", reference=known)
    path = make.path("psd/cmyk.psd")
    save(make.rgb, path, "-colorspace", "CMYK")
    make.add("psd/cmyk.psd", "psd-cmyk", naive_inks(path))


def avif(make):
    rgb, rgba = make.given("rgb.png"), make.given("rgba.png")
    encode = ["avifenc", "--speed", "8", "--jobs", "1"]
    for name, options, given in (
        ("420", ["--min", "12", "--max", "18"], rgb), ("444", ["-y", "444", "--min", "12", "--max", "18"], rgb),
        ("gray", ["-y", "400", "--min", "12", "--max", "18"], rgb), ("alpha", ["-y", "444", "--min", "8", "--max", "12"], rgba),
        ("lossless", ["--lossless"], rgb), ("ten-bit", ["-d", "10", "-y", "444", "--min", "8", "--max", "12"], rgb),
    ):
        make.by_tool(f"avif/{name}.avif", "avif", *encode, *options, given, "OUT", reference=avif_decoded(make, name))


def avif_decoded(make, name):
    """A reference: avifdec's decode."""

    def reference():
        target = make.given(f"avif-{name}.png")
        run("avifdec", "--depth", "8", "--jobs", "1", make.path(f"avif/{name}.avif"), target)
        return magick(target)

    return reference


def jp2(make):
    rgb, rgba, gray = make.given("rgb.pnm"), make.given("rgba.png"), make.given("gray.pnm")
    given = make.given("rgb.ppm")
    given.write_bytes(rgb.read_bytes())
    one = make.given("gray.pgm")
    one.write_bytes(gray.read_bytes())
    make.by_tool("jp2/lossless.jp2", "jp2", "opj_compress", "-n", "3", "-i", given, "-o", "OUT", reference=lambda: opaque(make.rgb))
    make.by_tool("jp2/gray.jp2", "jp2", "opj_compress", "-n", "3", "-i", one, "-o", "OUT", reference=lambda: opaque(make.gray))
    make.by_tool("jp2/tiled.jp2", "jp2", "opj_compress", "-n", "3", "-t", "64,64", "-i", given, "-o", "OUT", reference=lambda: opaque(make.rgb))
    make.by_tool("jp2/lossy.jp2", "jp2-lossy", "opj_compress", "-n", "3", "-I", "-r", "8", "-i", given, "-o", "OUT")
    make.by_tool("jp2/codestream.j2k", "jp2", "opj_compress", "-n", "3", "-i", given, "-o", "OUT", reference=lambda: opaque(make.rgb))
    make.by_tool("jp2/alpha.jp2", "jp2", "vips", "jp2ksave", rgba, "OUT", "--lossless", reference=lambda: make.rgba)


SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 120 90">
<defs><linearGradient id="g" x2="1"><stop stop-color="#06c"/><stop offset="1" stop-color="#fc3"/></linearGradient></defs>
<rect x="5" y="5" width="110" height="80" rx="8" fill="url(#g)"/>
<circle cx="45" cy="45" r="24" fill="#c33" fill-opacity="0.7"/>
<path d="M60 70 L80 20 Q100 45 105 70 Z" fill="#fff" stroke="#222" stroke-width="2"/>
</svg>
"""


def svg(make):
    width, height = make.size
    text = SVG.format(w=width, h=height)
    path = make.path("svg/drawing.svg")
    make.by_hand("svg/drawing.svg", "svg", text.encode(), lambda size: rsvg(make, path, size))


def rsvg(make, path, size):
    """A reference: librsvg's picture at a size."""
    target = make.given("svg.png")
    run("rsvg-convert", "-w", size[0], "-h", size[1], path, "-o", target)
    return magick(target)


PAGE = """0.1 0.4 0.8 rg 10 10 {a} {b} re f
0.8 0.2 0.2 rg 20 20 m {a} 30 l 60 {b} l h f
0 0 0 RG 3 w 15 {b} m {a} 15 l S
"""


def pdf(make):
    width, height = make.size
    content = PAGE.format(a=width - 20, b=height - 20).encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents 4 0 R /Resources << >> >>".encode(),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start
    path = make.path("pdf/drawing.pdf")
    make.by_hand("pdf/drawing.pdf", "pdf", out, lambda size: rasterised(make, path, size))


def eps(make):
    """Pictures as Photoshop wraps them, which can be read; a drawing, which takes an interpreter."""
    for name, picture, mode in (("rgb", make.rgb, 3), ("gray", make.gray, 1)):
        height, width, _ = picture.shape
        by_pixel, by_component = picture.tobytes(), picture.transpose(0, 2, 1).tobytes()
        known = lambda picture=picture: opaque(picture)
        make.by_hand(f"eps/{name}.eps", "eps", photoshop(width, height, f"8 {mode} 0 1 1", by_pixel), known)
        make.by_hand(f"eps/{name}-hex.eps", "eps", photoshop(width, height, f"8 {mode} 0 {width} 2", by_component.hex().encode()), known)
    width, height = make.size
    text = f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 {width} {height}\n%%EndComments\n"
    text += f"0 0 1 setrgbcolor 10 10 moveto {width} 20 lineto 30 {height} lineto fill\nshowpage\n%%EOF\n"
    path = make.path("eps/drawing.eps")
    make.by_hand("eps/drawing.eps", "eps-drawing", text.encode(), lambda size: rasterised(make, path, size))


def photoshop(width, height, shape, data):
    """An EPS around a picture; `shape` is depth, mode, pads, block size and encoding."""
    head = f"%!PS-Adobe-3.0 EPSF-3.0\r%%Creator: a test\r%%BoundingBox: 0 0 {width} {height}\r%%EndComments\r"
    head += f'%ImageData: {width} {height} {shape} "beginimage"\r/beginimage {{ image }} def\r'
    body = b"beginimage\r" + data
    return head.encode() + b"%%%%BeginBinary: %d\r" % len(body) + body + b"\r%%EndBinary\rgrestore showpage\r%%EOF\r"


def rasterised(make, path, size):
    """A reference: Ghostscript's picture of a page, in the number of pixels the program chose."""
    target = make.given(path.name + ".png")
    dpi = 72 * size[0] / make.size[0]
    gs = ["gs", "-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-sDEVICE=png16m", "-dGraphicsAlphaBits=4", "-dEPSCrop"]
    run(*gs, f"-r{dpi}", f"-sOutputFile={target}", path)
    return magick(target)


FORMATS = (bmp, gif, jpeg, png, tiff, webp, psd, avif, jp2, svg, pdf, eps)


def make(assets, scratch, width=160, height=120):
    """Writes every source below `assets` and lists them."""
    maker = Maker(assets, scratch, width, height)
    for format in FORMATS:
        format(maker)
    return maker
