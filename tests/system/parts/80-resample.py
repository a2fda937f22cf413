#!/usr/bin/env python3
"""Reducing and enlarging, held against exact arithmetic and against libvips and ImageMagick.

Photographs are reduced by every `resMode`, by the same kernels of the other two, and by this script
in floating point from the full decode. SSIMULACRA2 says how far each is from the exact result:
every mode may be 0.3 worse than the other two at most, and sharp2 has to be as good as the better of
them in the mean.
A zone plate shows what is left of frequencies that the reply cannot hold, a blob whether anything
is shifted.
"""

import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import scipy.ndimage
import scipy.sparse
import ssimulacra2.ssimulacra2 as metric
from exportd_test import check, main
from pictures import CONVERT, LONG, Bench, magick, np, run, save
from ssimulacra2 import compute_ssimulacra2


class Blur:
    """The blur the metric asks for, in the words of an older scipy: it knows no `axes`."""

    @staticmethod
    def gaussian_filter(image, sigma, axes, **options):
        return scipy.ndimage.gaussian_filter(image, [sigma if k in axes else 0 for k in range(image.ndim)], **options)


metric.ndimage = Blur

# Photographs of Debian's package lomiri-wallpapers-16.04.
BACKGROUNDS = pathlib.Path("/usr/share/backgrounds")
PHOTOS = [
    "picosdeeuropa_by_Aitzol_Berasategi", "Picture_0B_by_freespace", "greentock_by_Peter_Nerlich",
    "Picture_1A_by_freespace", "Dragonfly_by_Bolly", "aitzgorri_by_Aitzol_Berasategi", "free_by_Peter_Nerlich",
    "friends_by_Aitzol_Berasategi", "umang_by_Abhishek_Mudgal", "Bridge_by_Sander_Klootwijk",
]
# The metric wants 256 pixels on the short side.
SIZES = (1200, 800, 480) if LONG else (480,)
WORSE = 0.3

# resMode -> (support, kernel, libvips' name, ImageMagick's options). libvips has no bisharp.
def linear(x):
    return np.maximum(1 - abs(x), 0)


def cubic(a):
    def kernel(x):
        x = abs(x)
        inner = (a + 2) * x**3 - (a + 3) * x**2 + 1
        outer = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
        return np.where(x < 1, inner, np.where(x < 2, outer, 0))

    return kernel


def lanczos(x):
    return np.where(abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


MODES = {
    "bilin": (1, linear, "linear", ["-filter", "Triangle"]),
    "bicub": (2, cubic(-0.5), "cubic", ["-filter", "Catrom"]),
    "sharp2": (3, lanczos, "lanczos3", ["-filter", "Lanczos"]),
    "bisharp": (2, cubic(-0.75), None, ["-filter", "Cubic", "-define", "filter:b=0", "-define", "filter:c=0.75"]),
}


def weights(length, wanted, support, kernel):
    """A matrix that makes `wanted` samples of `length`: centres at halves, the kernel widened to reduce."""
    scale = length / wanted
    wide = max(scale, 1)
    rows, columns, values = [], [], []
    for to in range(wanted):
        centre = (to + 0.5) * scale
        first = max(int(np.floor(centre - support * wide)), 0)
        last = min(int(np.ceil(centre + support * wide)), length)
        taps = np.arange(first, last)
        value = kernel((taps + 0.5 - centre) / wide)
        rows += [to] * len(taps)
        columns += taps.tolist()
        values += (value / value.sum()).tolist()
    return scipy.sparse.csr_matrix((values, (rows, columns)), (wanted, length))


def exact(picture, width, height, mode):
    """The resampled picture, rounded once at the end."""
    support, kernel, *_ = MODES[mode]
    tall, wide, bands = picture.shape
    picture = picture.astype(np.float64)
    rows = weights(tall, height, support, kernel) @ picture.reshape(tall, -1)
    rows = rows.reshape(height, wide, bands).transpose(1, 0, 2).reshape(wide, -1)
    out = (weights(wide, width, support, kernel) @ rows).reshape(width, height, bands).transpose(1, 0, 2)
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def theirs(source, target, width, height, mode, tool):
    """Has one of the other two make the same; says whether it can."""
    _, _, vips_name, options = MODES[mode]
    if tool == "imagemagick":
        run(CONVERT, source, *options, "-resize", f"{width}x{height}!", target)
    elif vips_name is None:
        return False
    else:
        wide, tall = run("vipsheader", "-f", "width", source), run("vipsheader", "-f", "height", source)
        scales = [str(width / int(wide)), "--vscale", str(height / int(tall))]
        run("vips", "resize", source, target, *scales, "--kernel", vips_name)
    return magick(target, "rgb").shape == (height, width, 3)


# ---------------------------------------------------------------- photographs


def photographs(bench, scratch):
    """Every photograph, size and mode; returns findings."""
    names = PHOTOS if LONG else PHOTOS[:4]
    for name in names:
        # Without profile and orientation: this is about resampling alone.
        data = run("jpegtran", "-copy", "none", BACKGROUNDS / f"{name}.jpg")
        (bench.assets / f"{name}.jpg").write_bytes(data)
    asked = {f"{mode}-{size}": f"wid={size}&resMode={mode}&fmt=png" for mode in MODES for size in SIZES}
    replies = bench.convert([f"{name}.jpg" for name in names], asked)
    found, losses = [], {}
    for name in names:
        source = bench.assets / f"{name}.jpg"
        full = magick(source, "rgb")
        for size in SIZES:
            scores = {}
            for mode in MODES:
                reply = replies[(f"{name}.jpg", f"{mode}-{size}")]
                check(reply.path is not None, f"{name}: {reply.reason}")
                height, width, _ = magick(reply.path, "rgb").shape
                reference = scratch / "exact.png"
                save(exact(full, width, height, mode), reference)
                scores[mode] = {"ours": compute_ssimulacra2(reference, reply.path)}
                for tool in ("libvips", "imagemagick"):
                    target = scratch / f"{tool}.png"
                    if theirs(source, target, width, height, mode, tool):
                        scores[mode][tool] = compute_ssimulacra2(reference, target)
            found += judged(f"{name} at {size}", scores, losses)
    for mode, differences in losses.items():
        print(f"{mode}: {np.mean(differences):+.2f} against the best of the others, worst {min(differences):+.2f}")
    if np.mean(losses["sharp2"]) < 0:
        found.append(f"sharp2 is worse than the best of the others by {-np.mean(losses['sharp2']):.2f} in the mean")
    return found


def judged(words, scores, losses):
    """Findings about one photograph at one size."""
    found = []
    for mode, score in scores.items():
        ours = score["ours"]
        best = max(value for tool, value in score.items() if tool != "ours")
        losses.setdefault(mode, []).append(ours - best)
        print(f"{words} {mode}: " + ", ".join(f"{tool} {value:.2f}" for tool, value in score.items()))
        if ours < best - WORSE:
            found.append(f"{words}: {mode} scores {ours:.2f}, another {best:.2f}")
    return found


# ---------------------------------------------------------------- made-up pictures


def zone_plate(side):
    """Rings whose frequency grows to the highest one at the edge."""
    y, x = np.mgrid[0:side, 0:side] - (side - 1) / 2
    rings = 127.5 + 127 * np.cos(np.pi * (x**2 + y**2) / side)
    return np.repeat(np.rint(rings).astype(np.uint8)[..., None], 3, axis=2)


def ghosts(picture):
    """Energy where only frequencies were that are too high: it should be an even gray."""
    side = picture.shape[0]
    y, x = np.mgrid[0:side, 0:side] - (side - 1) / 2
    # In the source the frequency at radius r is r / R of the highest; 1 / 2.5 of it can be kept.
    outside = (np.hypot(x, y) > 0.6 * side / 2) & (np.hypot(x, y) < 0.95 * side / 2)
    return float(np.var(picture[..., 1][outside].astype(np.float64)))


def aliasing(bench, scratch):
    side, small = 1000, 400
    save(zone_plate(side), bench.assets / "zone.png")
    replies = bench.convert(["zone.png"], {mode: f"wid={small}&resMode={mode}&fmt=png" for mode in MODES})
    found = []
    for mode in MODES:
        ours = ghosts(magick(replies[("zone.png", mode)].path, "rgb"))
        others = {}
        for tool in ("libvips", "imagemagick"):
            target = scratch / f"{tool}.png"
            if theirs(bench.assets / "zone.png", target, small, small, mode, tool):
                others[tool] = ghosts(magick(target, "rgb"))
        print(f"zone plate {mode}: ours {ours:.2f}, " + ", ".join(f"{tool} {value:.2f}" for tool, value in others.items()))
        # Rounding to whole levels alone is a twelfth.
        if ours > min(others.values()) * 1.05 + 0.1:
            found.append(f"zone plate: {mode} leaves {ours:.2f}, others {others}")
    return found


def blob(side, x0, y0, sigma):
    y, x = np.mgrid[0:side, 0:side]
    hill = 230 * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / (2 * sigma**2))
    return np.repeat(np.rint(hill).astype(np.uint8)[..., None], 3, axis=2)


def centre(picture):
    # Rounding makes a plain far from the hill that is none; it is left out.
    values = np.where(picture[..., 1] > 3, picture[..., 1], 0).astype(np.float64)
    y, x = np.mgrid[0 : values.shape[0], 0 : values.shape[1]]
    return (values * x).sum() / values.sum(), (values * y).sum() / values.sum()


def shifts(bench):
    side, x0, y0 = 240, 101.0, 133.0
    save(blob(side, x0, y0, 18), bench.assets / "blob.png")
    asked = {f"{mode}-{size}": f"wid={size}&hei={size}&fit=fit,1&resMode={mode}&fmt=png" for mode in MODES for size in (71, 96, 120, 333)}
    replies = bench.convert(["blob.png"], asked)
    found = []
    for name in asked:
        scale = int(name.rpartition("-")[2]) / side
        x, y = centre(magick(replies[("blob.png", name)].path, "rgb"))
        off = max(abs(x - ((x0 + 0.5) * scale - 0.5)), abs(y - ((y0 + 0.5) * scale - 0.5)))
        if off > 0.02:
            found.append(f"blob: {name} is shifted by {off:.3f} pixels")
    return found


def test():
    check(metric_is_sane(), "the metric does not tell equal from different")
    with tempfile.TemporaryDirectory(prefix="exportd-resample-") as folder:
        folder = pathlib.Path(folder)
        (folder / "bench").mkdir()
        bench = Bench(folder / "bench")
        found = shifts(bench) + aliasing(bench, folder) + photographs(bench, folder)
        check(not found, f"{len(found)} findings\n" + "\n".join(found))


def metric_is_sane():
    """Equal pictures score 100, a blurred one less, a more blurred one still less."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder, f"{k}.png") for k in range(3)]
        run(CONVERT, "-size", "300x300", "plasma:red-blue", "-seed", "1", paths[0])
        run(CONVERT, paths[0], "-blur", "0x1", paths[1])
        run(CONVERT, paths[0], "-blur", "0x3", paths[2])
        same, little, much = (compute_ssimulacra2(paths[0], path) for path in paths)
        return same == 100 and 100 > little > much


if __name__ == "__main__":
    main(test)
