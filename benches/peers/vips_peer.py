"""pyvips: one thread, one process a core, requests as lines on standard input."""

import json
import sys

import pyvips

pyvips.cache_set_max(0)


def thumbnail(source, side, **more):
    return pyvips.Image.thumbnail(source, side, height=side, size="down", **more)


def whole(source):
    return pyvips.Image.new_from_file(source, access="sequential")


def tile(source):
    picture = thumbnail(source, 200)
    picture = picture if picture.hasalpha() else picture.bandjoin(255)
    return picture.gravity("centre", 200, 200, background=[0, 0, 0, 0])


def four(source, to):
    thumbnail(source, 2000).jpegsave(to + "-1.jpg", Q=85)
    thumbnail(source, 1200).webpsave(to + "-2.webp", Q=80)
    thumbnail(source, 500).jpegsave(to + "-3.jpg", Q=85)
    tile(source).pngsave(to + "-4.png")


WORK = {
    "W1": lambda source, to, _: thumbnail(source, 1200).jpegsave(to + ".jpg", Q=85),
    "W2": lambda source, to, _: thumbnail(source, 200).jpegsave(to + ".jpg", Q=85),
    "W3": lambda source, to, _: thumbnail(source, 1600).pngsave(to + ".png"),
    "W4": lambda source, to, _: thumbnail(source, 1200).webpsave(to + ".webp", Q=80),
    "W5": lambda source, to, _: whole(source).jpegsave(to + ".jpg", Q=85),
    "W6": lambda source, to, _: thumbnail(source, 1200).sharpen().jpegsave(to + ".jpg", Q=85),
    "W8": lambda source, to, _: thumbnail(source, 1200, export_profile="srgb").jpegsave(to + ".jpg", Q=85),
    "W9": lambda source, to, quality: thumbnail(source, 1200).heifsave(
        to + ".avif", compression="av1", effort=0, Q=quality),
    "W10": lambda source, to, _: four(source, to),
}

for line in sys.stdin:
    request = json.loads(line)
    WORK[request["work"]](request["source"], request["to"], request["quality"])
    print(flush=True)
