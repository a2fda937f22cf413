"""The pictures that are measured: photographs of Debian packages, and what is made of them.

Nothing is kept in the repository. `make` unpacks the packages below a folder and writes:

  jpeg/   18 photographs, 2 to 48 megapixels, five of them progressive. 16 are the packages' own files
          without their metadata, so that no tool spends time on profiles; two are put together from
          the larger ones, as a camera would store them (quality 92, 4:2:0, baseline)
  png/    ten: six RGB, two with alpha, one of 16 bit, one gray
  tiff/   five: LZW, LZW with predictor, tiles of deflate, 16 bit, alpha
  cmyk/   four CMYK TIFF, LZW, with libvips's own CMYK profile embedded
  webp/   three, quality 90
"""

import pathlib
import shutil
import subprocess

PACKAGES = ["lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04", "mate-backgrounds",
            "plasma-workspace-wallpapers", "ukui-wallpapers"]

_LOMIRI, _MATE, _PLASMA = "usr/share/backgrounds", "usr/share/backgrounds/mate/nature", "usr/share/wallpapers"
PHOTOGRAPHS = {
    "analogpattern": f"{_LOMIRI}/analogpattern_by_Peter_Nerlich.jpg",
    "free": f"{_LOMIRI}/free_by_Peter_Nerlich.jpg",
    "umang": f"{_LOMIRI}/umang_by_Abhishek_Mudgal.jpg",
    "kleiber": f"{_LOMIRI}/Kleiber_by_Lukas_Baubkus.jpg",
    "picos": f"{_LOMIRI}/picosdeeuropa_by_Aitzol_Berasategi.jpg",
    "seeding": f"{_LOMIRI}/seeding_by_Clements_Engelhardt.jpg",
    "dragonfly": f"{_LOMIRI}/Dragonfly_by_Bolly.jpg",
    "bridge": f"{_LOMIRI}/Bridge_by_Sander_Klootwijk.jpg",
    "raindrops": f"{_MATE}/RainDrops.jpg",
    "storm": f"{_MATE}/Storm.jpg",
    "blinds": f"{_MATE}/Blinds.jpg",
    "wings": f"{_MATE}/TwoWings.jpg",
    "water": f"{_PLASMA}/BytheWater/contents/images/2560x1600.jpg",
    "leaf": f"{_PLASMA}/FallenLeaf/contents/images/2560x1600.jpg",
    "landing": f"{_PLASMA}/SafeLanding/contents/images/5120x2880.jpg",
    "rhythm": f"{_LOMIRI}/rhythm.jpg",
}


def make(folder, pyvips):
    """Writes the corpus below a folder unless it is there already."""
    folder = pathlib.Path(folder)
    if (folder / "complete").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    for kind in ("jpeg", "png", "tiff", "cmyk", "webp"):
        (folder / kind).mkdir(parents=True)
    unpacked = unpack(folder / "packages")
    for name, path in PHOTOGRAPHS.items():
        (folder / f"jpeg/{name}.jpg").write_bytes(without_metadata((unpacked / path).read_bytes()))
    photo = lambda name: pyvips.Image.new_from_file(str(folder / f"jpeg/{name}.jpg"))
    camera(folder, photo, pyvips)
    pngs(folder / "png", photo)
    tiffs(folder, photo)
    for name in ("seeding", "picos", "umang"):
        photo(name).webpsave(str(folder / f"webp/{name}.webp"), Q=90)
    shutil.rmtree(unpacked)
    (folder / "complete").touch()


def unpack(folder):
    folder.mkdir(parents=True)
    # Downloaded, not installed: hundreds of files nobody wants on their machine.
    subprocess.run(["apt-get", "download", "-qq", *PACKAGES], cwd=folder, check=True, stderr=subprocess.DEVNULL)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, folder], check=True)
    return folder


def without_metadata(jpeg):
    """Leaves out what applications wrote (APP1 to APP15, comments); no pixel changes."""
    kept, at = bytearray(jpeg[:2]), 2
    while jpeg[at + 1] != 0xDA:
        length = 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if not (0xE1 <= jpeg[at + 1] <= 0xEF or jpeg[at + 1] == 0xFE):
            kept += jpeg[at : at + length]
        at += length
    return bytes(kept + jpeg[at:])


def camera(folder, photo, pyvips):
    """Two pictures of today's cameras: 24 and 48 megapixels."""
    cell = lambda name, wide, tall: photo(name).thumbnail_image(wide, height=tall, crop="centre", size="both")
    names = ["picos", "dragonfly", "seeding", "bridge"]
    for target, wide, tall in (("camera24", 6000, 4000), ("camera48", 8064, 6048)):
        joined = pyvips.Image.arrayjoin([cell(name, wide // 2, tall // 2) for name in names], across=2)
        joined.jpegsave(str(folder / f"jpeg/{target}.jpg"), Q=92, strip=True)


def pngs(folder, photo):
    for name in ("picos", "umang", "water", "wings", "free", "storm"):
        photo(name).pngsave(str(folder / f"{name}.png"))
    for name in ("leaf", "analogpattern"):
        picture = photo(name)
        # Transparent towards the dark, as a cut-out product is.
        picture.bandjoin((picture.colourspace("b-w") * 3).cast("uchar")).pngsave(str(folder / f"{name}-alpha.png"))
    photo("raindrops").colourspace("rgb16").pngsave(str(folder / "raindrops-16.png"))
    photo("bridge").colourspace("b-w").pngsave(str(folder / "bridge-gray.png"))


def tiffs(folder, photo):
    save = lambda picture, name, **how: picture.tiffsave(str(folder / f"tiff/{name}.tif"), **how)
    save(photo("picos"), "picos-lzw", compression="lzw")
    save(photo("dragonfly"), "dragonfly-lzw", compression="lzw", predictor="horizontal")
    save(photo("seeding"), "seeding-tiles", compression="deflate", tile=True, tile_width=256, tile_height=256)
    save(photo("umang").colourspace("rgb16"), "umang-16", compression="lzw", predictor="horizontal")
    picture = photo("analogpattern")
    save(picture.bandjoin((picture.colourspace("b-w") * 3).cast("uchar")), "pattern-alpha", compression="lzw")
    for name in ("picos", "free", "dragonfly", "umang"):
        cmyk = photo(name).icc_transform("cmyk", input_profile="srgb", intent="relative")
        cmyk.tiffsave(str(folder / f"cmyk/{name}.tif"), compression="lzw", keep="icc")
