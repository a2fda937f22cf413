#!/usr/bin/env python3
"""Every reply the program can write, opened by other people's programs.

The matrix of formats, pixel types, alpha and compressions is that of `fmt`; what this build does
not take it says itself (`exportd explain`). Each reply is opened by ImageMagick and libvips, or by
two of the format's own tools, and must have the size, the components, the colour profile, the
resolution and the pixels that were asked for: exactly where the format keeps them, within a stated
loss where it does not.
"""

import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from exportd_test import PROGRAM, check, main
from pictures import CONFIG, CONVERT, LONG, Bench, apart, cut_out, flat, gray_of, magick, np, photo, psnr, run, save, supports, vips_file, vips_header

WIDTH, HEIGHT = 150, 113
DPI = 300

# Format -> (pixel types, compressions). An empty compression is none given.
MATRIX = {
    "jpeg": (("rgb", "gray", "cmyk"), ("",)),
    "pjpeg": (("rgb", "gray", "cmyk"), ("",)),
    "png": (("rgb", "gray"), ("",)),
    "png-alpha": (("rgb", "gray"), ("",)),
    "png8": (("rgb",), ("",)),
    "png8-alpha": (("rgb",), ("",)),
    "gif": (("rgb", "gray"), ("",)),
    "gif-alpha": (("rgb", "gray"), ("",)),
    "tif": (("rgb", "gray", "cmyk"), ("none", "lzw", "zip", "jpeg")),
    "tif-alpha": (("rgb", "gray", "cmyk"), ("none", "lzw", "zip")),
    "webp": (("rgb",), ("lossy", "lossless")),
    "webp-alpha": (("rgb",), ("lossy", "lossless")),
    "avif": (("rgb",), ("lossy", "lossless")),
    "avif-alpha": (("rgb",), ("lossy", "lossless")),
    "jpeg2000": (("rgb", "gray"), ("lossy", "lossless")),
    "jpeg2000-alpha": (("rgb", "gray"), ("lossy", "lossless")),
    "pdf": (("rgb", "gray", "cmyk"), ("none", "zip", "jpeg")),
    "eps": (("rgb", "gray", "cmyk"), ("",)),
}
# What must be there whatever the build: a mistake in `explain` may not empty the matrix.
ALWAYS = ("jpeg", "pjpeg", "png", "png-alpha", "gif", "tif,rgb,lzw", "tif,cmyk,none", "tif-alpha,rgb,zip", "webp,rgb,lossless")

# Where a profile and a resolution are kept.
HOLDS_PROFILE = {"jpeg", "pjpeg", "png", "png-alpha", "png8", "png8-alpha", "tif", "tif-alpha", "pdf"}
HOLDS_DPI = {"jpeg", "pjpeg", "png", "png-alpha", "png8", "png8-alpha", "tif", "tif-alpha"}

# Least PSNR in dB of what loses something, at quality 90 with full chroma. Palettes: 256 colours, dithered.
LOSS = {"jpeg": 35, "pjpeg": 35, "tif": 35, "pdf": 35, "webp": 31, "avif": 32, "jpeg2000": 33, "gif": 26, "png8": 26}
LOSS_OF_INKS = 33
# Most levels that alpha may be off; JPEG 2000 codes it like a colour.
LOSS_OF_ALPHA = {"jpeg2000": 16}


class Wanted:
    """One row of the matrix."""

    def __init__(self, format, pixels, compression):
        self.format, self.pixels, self.compression = format, pixels, compression
        self.plain = format.removesuffix("-alpha")
        self.alpha = format.endswith("-alpha")
        self.name = "-".join(part for part in (format, pixels, compression) if part)
        self.fmt = ",".join((format, pixels, compression)).rstrip(",")
        self.palette = self.plain in ("gif", "png8")
        self.lossy = self.plain in ("jpeg", "pjpeg") or compression in ("jpeg", "lossy") or self.palette

    def modifiers(self):
        return f"scl=1&qlt=90,1&iccEmbed=1&printRes={DPI}&fmt={self.fmt}"

    def bands(self):
        return {"gray": 1, "rgb": 3, "cmyk": 4}[self.pixels] + self.alpha


def matrix():
    rows = [Wanted(f, p, c) for f, (pixels, compressions) in MATRIX.items() for p in pixels for c in compressions]
    for fmt in ALWAYS:
        check(supports(f"fmt={fmt}"), f"fmt={fmt} is not taken any more")
    taken = [row for row in rows if supports(row.modifiers())]
    print(f"{len(taken)} of {len(rows)} kinds of reply are written")
    missing = sorted({row.format for row in rows} - {row.format for row in taken})
    print(f"not written at all: {', '.join(missing) or 'none'}")
    return taken


# ---------------------------------------------------------------- other people's programs


# The TIFF writer notes "no predictor" for strips without compression too, where libtiff knows no such note.
HARMLESS = ("Unknown field with tag 317",)


def quiet(*command):
    """Runs a checker: it must be content and have nothing to say on standard error."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"{command[0]}: {(done.stdout + done.stderr).strip()[-200:]}")
    said = [line for line in done.stderr.splitlines() if line.strip() and not any(word in line for word in HARMLESS)]
    check(not said, f"{command[0]} says: {' '.join(said)[-200:]}")
    return done.stdout


def own_tool(wanted, path, scratch):
    """Has the format's own tools look at a reply; some of them decode it as well: an array or None."""
    kind = wanted.plain
    if kind in ("png", "png8"):
        quiet("pngcheck", "-q", path)
    elif kind in ("jpeg", "pjpeg"):
        # djpeg knows no file it could write inks into.
        if wanted.pixels != "cmyk":
            quiet("djpeg", "-outfile", scratch / "own.ppm", path)
    elif kind == "tif":
        quiet("tiffinfo", "-D", path)
    elif kind == "gif":
        quiet("gifsicle", "--info", path)
    elif kind == "webp":
        quiet("webpinfo", "-quiet", path)
        run("dwebp", "-quiet", path, "-pam", "-o", scratch / "own.pam")
        return magick(scratch / "own.pam")
    elif kind == "avif":
        run("avifdec", "--jobs", "1", path, scratch / "own.png")
        return magick(scratch / "own.png")
    elif kind == "jpeg2000":
        run("opj_decompress", "-i", path, "-o", scratch / "own.png")
        return magick(scratch / "own.png")
    return None


def document(wanted, path, scratch):
    """Other programs' pictures of a page, at one pixel of the reply each."""
    pages = {}
    gs = ["gs", "-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-sDEVICE=png16m", f"-r{DPI}", "-dEPSCrop"]
    run(*gs, f"-sOutputFile={scratch / 'gs.png'}", path)
    pages["ghostscript"] = magick(scratch / "gs.png")
    if wanted.plain == "pdf":
        run("pdftoppm", "-r", DPI, "-png", "-singlefile", path, scratch / "poppler")
        check(magick(scratch / "poppler.png").shape[:2] == (HEIGHT, WIDTH), "poppler sees another size")
        run("mutool", "draw", "-q", "-r", DPI, "-o", scratch / "mupdf.png", path)
        pages["mupdf"] = magick(scratch / "mupdf.png")
        listed = run("pdfimages", "-list", path).decode().splitlines()[2:]
        check(len(listed) == 1, f"pdfimages finds {len(listed)} pictures")
        _, _, _, width, height, color, _, bits = listed[0].split()[:8]
        check((int(width), int(height)) == (WIDTH, HEIGHT), f"pdfimages sees {width}x{height}")
        check(color in {"gray": ("gray", "icc"), "rgb": ("rgb", "icc"), "cmyk": ("cmyk", "icc")}[wanted.pixels], f"pdfimages: {color}")
        check(bits == "8", f"pdfimages: {bits} bits")
        # Poppler draws pictures a little larger than their place; what it takes out of the file is exact.
        if wanted.pixels != "cmyk":
            run("pdfimages", "-png", path, scratch / "poppler-image")
            pages["poppler"] = magick(scratch / "poppler-image-000.png")
    return pages


def by_vips(path, scratch):
    target = scratch / "vips.v"
    run("vips", "copy", path, target)
    return vips_file(target)


# ---------------------------------------------------------------- what is right


class Truth:
    """What a source has to look like in each pixel type, as far as it can be known."""

    def __init__(self, rgba, inks=None, profile=None):
        self.rgba, self.inks, self.profile = rgba, inks, profile

    def opaque(self):
        return self.rgba is None or self.rgba[..., 3].min() == 255

    def shown(self, wanted):
        """The RGBA a reply should show, or None when colour management decides."""
        if self.rgba is None:
            return None
        if wanted.alpha:
            return self.rgba
        return np.dstack([flat(self.rgba), np.full(self.rgba.shape[:2], 255, np.uint8)])


def on_paper(inks):
    paper = 1 - inks.astype(np.float64) / 255
    return np.rint(paper[..., :3] * paper[..., 3:4] * 255).astype(np.uint8)


def luma(rgba):
    return np.rint(rgba[..., :3] @ np.array([0.299, 0.587, 0.114]))


def compare(wanted, truth, seen, words):
    """Compares what a decoder shows (RGBA) with what is right; returns nothing or a finding."""
    want = truth.shown(wanted)
    if want is None:
        return None
    if seen.shape != want.shape:
        return f"{words}: {seen.shape} instead of {want.shape}"
    check_alpha = wanted.alpha and wanted.plain != "gif" and not wanted.palette
    # ImageMagick 6 reads no alpha of AVIF; libvips and the format's own tool do.
    if check_alpha and not (wanted.plain == "avif" and words.startswith("imagemagick")):
        mean, most = apart(seen[..., 3], want[..., 3])
        if most > (LOSS_OF_ALPHA.get(wanted.plain, 6) if wanted.lossy else 0):
            return f"{words}: alpha is off by {most}"
    # Alpha of one bit, and colours that nobody sees, are left out.
    solid = want[..., 3] == 255
    if wanted.pixels == "gray":
        got, right, least = seen[..., 1][solid], luma(want)[solid], 30
    else:
        got, right, least = seen[..., :3][solid], want[..., :3][solid], 36
        bound = 1 if truth.profile is None else 2
    if wanted.lossy or wanted.pixels == "gray":
        least = LOSS.get(wanted.plain, least) if wanted.pixels == "rgb" else min(30, LOSS.get(wanted.plain, 30))
        found = psnr(got, right)
        return f"{words}: PSNR {found:.1f} dB, {least} are asked for" if found < least else None
    _, most = apart(got, right)
    return f"{words}: pixels are off by {most}" if most > bound else None


def profile_of(wanted, path):
    """The profile in a reply as ImageMagick extracts it; of a PDF, every stream that unpacks."""
    if wanted.plain != "pdf":
        done = subprocess.run([CONVERT, str(path), "icc:-"], capture_output=True, check=False)
        return [done.stdout] if done.returncode == 0 else []
    streams = []
    for match in re.finditer(rb"stream\r?\n", path.read_bytes()):
        data = path.read_bytes()[match.end() :]
        streams.append(data)
        try:
            streams.append(zlib.decompressobj().decompress(data))
        except zlib.error:
            pass
    return streams


def findings(wanted, truth, reply, scratch):
    """Everything that is wrong with one reply."""
    found = []
    path = reply.path
    try:
        if wanted.plain in ("pdf", "eps"):
            for name, seen in document(wanted, path, scratch).items():
                wrong = compare(wanted, truth, seen, name) if wanted.pixels != "cmyk" else None
                if seen.shape[:2] != (HEIGHT, WIDTH):
                    wrong = f"{name}: the page has {seen.shape[1]}x{seen.shape[0]} pixels at {DPI} dpi"
                found.append(wrong)
        else:
            found += pixels(wanted, truth, path, scratch)
    except AssertionError as error:
        found.append(str(error))
    found.append(profile(wanted, truth, path))
    return [finding for finding in found if finding]


def profile(wanted, truth, path):
    """CMYK of CMYK keeps the source's profile, byte for byte; RGB has become sRGB and says so."""
    if truth.profile is None or wanted.plain not in HOLDS_PROFILE:
        return None
    if wanted.pixels == "rgb":
        inside = any(stream[36:40] == b"acsp" and stream[16:20] == b"RGB " for stream in profile_of(wanted, path))
        return None if inside else "no RGB profile is there"
    if truth.inks is None or wanted.pixels != "cmyk":
        return None
    inside = any(stream.startswith(truth.profile) for stream in profile_of(wanted, path))
    return None if inside else "the profile is not there, byte for byte"


def pixels(wanted, truth, path, scratch):
    header = vips_header(path)
    found = []
    size = int(header["width"]), int(header["height"])
    if size != (WIDTH, HEIGHT):
        found.append(f"{size[0]}x{size[1]} pixels")
    # Formats with a palette are shown as what the palette holds.
    # So are WebP and AVIF, which say themselves whether anything in them is transparent.
    says_so = wanted.plain in ("webp", "avif") and truth.opaque()
    bands = {wanted.bands(), 3} if says_so else {wanted.bands()}
    if not wanted.palette and int(header["bands"]) not in bands:
        found.append(f"libvips sees {header['bands']} components instead of {wanted.bands()}")
    if wanted.plain in HOLDS_DPI:
        dpi = float(header["xres"]) * 25.4
        if abs(dpi - DPI) > 0.5:
            found.append(f"{dpi:.1f} dpi instead of {DPI}")
    if wanted.pixels == "cmyk":
        return found + inks(wanted, truth, path, scratch)
    one, two = magick(path), opaque_rgba(by_vips(path, scratch))
    own = own_tool(wanted, path, scratch)
    for name, seen in (("imagemagick", one), ("libvips", two), ("its own tool", own)):
        if seen is not None:
            found.append(compare(wanted, truth, seen, name))
    return found


def inks(wanted, truth, path, scratch):
    """CMYK: both decoders agree on the inks, and these are the source's or look like it."""
    own_tool(wanted, path, scratch)
    one, two = magick(path, "cmyk"), by_vips(path, scratch)[..., :4]
    if apart(one, two)[1] > 0:
        return ["the decoders see different inks"]
    if truth.inks is not None:
        if wanted.lossy:
            return [f"inks: PSNR {psnr(one, truth.inks):.1f} dB"] if psnr(one, truth.inks) < LOSS_OF_INKS else []
        return [f"inks are off by {apart(one, truth.inks)[1]}"] if apart(one, truth.inks)[1] else []
    shown = truth.shown(wanted)
    if shown is None or truth.profile is not None:
        return []
    solid = shown[..., 3] == 255
    found = psnr(on_paper(one)[solid], shown[..., :3][solid])
    return [f"inks on paper: PSNR {found:.1f} dB"] if found < (34 if wanted.lossy else 40) else []


def opaque_rgba(picture):
    if picture.shape[2] in (1, 2):
        picture = np.dstack([picture[..., :1]] * 3 + [picture[..., 1:]])
    if picture.shape[2] == 3:
        picture = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    return picture


# ---------------------------------------------------------------- sources


def make_sources(bench, scratch):
    """Writes the sources; name -> what is right."""
    rgb, rgba = photo(WIDTH, HEIGHT), cut_out(WIDTH, HEIGHT)
    full = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    save(rgb, bench.assets / "photo.png")
    save(rgba, bench.assets / "cut-out.png")
    gray = gray_of(rgb)
    save(gray, bench.assets / "gray.png")
    truths = {
        "photo.png": Truth(np.dstack([rgb, full])), "cut-out.png": Truth(rgba),
        "gray.png": Truth(np.dstack([gray, gray, gray, full])),
    }
    # A wide gamut, and inks with and without a profile.
    run("vips", "icc_transform", bench.assets / "photo.png", bench.assets / "wide.png", "p3", "--input-profile", "srgb")
    # What is right is the sRGB that libvips makes of it again.
    run("vips", "icc_transform", bench.assets / "wide.png", scratch / "srgb.v", "srgb", "--embedded")
    truths["wide.png"] = Truth(np.dstack([vips_file(scratch / "srgb.v"), full]), profile=run(CONVERT, bench.assets / "wide.png", "icc:-"))
    run("vips", "icc_transform", bench.assets / "photo.png", bench.assets / "inks-profile.tif", "cmyk", "--input-profile", "srgb")
    own = run(CONVERT, bench.assets / "inks-profile.tif", "icc:-")
    truths["inks-profile.tif"] = Truth(None, magick(bench.assets / "inks-profile.tif", "cmyk"), own)
    save(rgb, bench.assets / "inks.tif", "-colorspace", "CMYK", "-compress", "lzw")
    stored = magick(bench.assets / "inks.tif", "cmyk")
    truths["inks.tif"] = Truth(np.dstack([on_paper(stored), full]), stored)
    return truths


# ---------------------------------------------------------------- profiles by name


def knows_profiles():
    """Whether this build takes profiles from its configuration."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write("[imaging.profiles]\n")
        file.flush()
        done = subprocess.run([PROGRAM, "config", "--config", file.name], capture_output=True, check=False)
    return done.returncode == 0


def managed(folder):
    """`icc=NAME&iccEmbed=1`: the file's bytes are in the reply, the pixels are libvips' conversion."""
    (folder / "managed").mkdir()
    scratch = folder / "managed-scratch"
    scratch.mkdir()
    plain = Bench(folder / "managed")
    save(photo(WIDTH, HEIGHT), plain.assets / "photo.png")
    expected, text = {}, CONFIG + "[imaging.profiles]\n"
    for name, own in (("wide", "p3"), ("press", "cmyk")):
        target = scratch / f"{name}.tif"
        run("vips", "icc_transform", plain.assets / "photo.png", target, own, "--input-profile", "srgb", "--intent", "relative", "--black-point-compensation")
        (scratch / f"{name}.icc").write_bytes(run(CONVERT, target, "icc:-"))
        expected[name] = by_vips(target, scratch)
        text += f'{name} = "{scratch / name}.icc"\n'
    bench = Bench(folder / "managed", text)
    rows = {f"wide-{f}": ("wide", f) for f in ("jpeg", "pjpeg", "png", "png-alpha", "tif", "tif-alpha", "pdf") if supports(f"fmt={f}")}
    rows |= {f"press-{f}": ("press", f) for f in ("jpeg", "tif", "tif-alpha", "pdf") if supports(f"fmt={f}")}
    asked = {name: f"scl=1&qlt=95,1&icc={icc},relative,1&iccEmbed=1&fmt={f}" for name, (icc, f) in rows.items()}
    replies = bench.convert(["photo.png"], asked)
    found = []
    for name, (icc, format) in rows.items():
        reply = replies[("photo.png", name)]
        wanted = Wanted(format, "rgb" if icc == "wide" else "cmyk", "")
        if reply.path is None:
            found.append(f"icc={icc} as {format}: {reply.reason}")
            continue
        profile = (scratch / f"{icc}.icc").read_bytes()
        if not any(stream.startswith(profile) for stream in profile_of(wanted, reply.path)):
            found.append(f"icc={icc} as {format}: the profile is not there, byte for byte")
        if format != "pdf":
            bands = expected[icc].shape[2]
            score = psnr(by_vips(reply.path, scratch)[..., :bands], expected[icc])
            if score < (LOSS_OF_INKS if format in ("jpeg", "pjpeg") else 45):
                found.append(f"icc={icc} as {format}: PSNR {score:.1f} dB against libvips")
    return found


def looked_at(handle, rows):
    """All rows for two of the sources, or with --long for all; the others once a pixel type."""
    if LONG or handle in ("photo.png", "cut-out.png"):
        return rows
    return list({(row.format, row.pixels): row for row in rows}.values())


def test():
    rows = matrix()
    with tempfile.TemporaryDirectory(prefix="exportd-writers-") as folder:
        folder = pathlib.Path(folder)
        (folder / "bench").mkdir()
        bench = Bench(folder / "bench")
        truths = make_sources(bench, folder)
        replies = bench.convert(truths, {row.name: row.modifiers() for row in rows})
        jobs, found = [], []

        def one(handle, row):
            reply = replies.get((handle, row.name))
            if reply is None or reply.path is None:
                return [f"{handle} as {row.fmt}: {reply.reason if reply else 'nothing'}"]
            scratch = folder / f"{handle}-{row.name}"
            scratch.mkdir()
            return [f"{handle} as {row.fmt}: {words}" for words in findings(row, truths[handle], reply, scratch)]

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(one, handle, row) for handle in truths for row in looked_at(handle, rows)]
            for job in jobs:
                found += job.result()
        print(f"{len(jobs)} replies looked at")
        if knows_profiles():
            found += managed(folder)
        else:
            print("profiles by name are not known to this build")
        check(not found, f"{len(found)} findings\n" + "\n".join(found))


if __name__ == "__main__":
    main(test)
