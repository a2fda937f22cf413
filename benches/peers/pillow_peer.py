"""Pillow-SIMD: one process a core, requests as lines on standard input."""

import json
import sys

from PIL import Image, ImageFilter

Image.MAX_IMAGE_PIXELS = None


def thumbnail(source, side):
    picture = Image.open(source)
    # Shrinks while loading, leaving twice the size for the filter, as Pillow itself advises.
    picture.thumbnail((side, side), Image.LANCZOS, reducing_gap=2.0)
    return picture


def four(source, to):
    thumbnail(source, 2000).save(to + "-1.jpg", quality=85)
    thumbnail(source, 1200).save(to + "-2.webp", quality=80)
    thumbnail(source, 500).save(to + "-3.jpg", quality=85)
    small = thumbnail(source, 200).convert("RGBA")
    tile = Image.new("RGBA", (200, 200))
    tile.paste(small, ((200 - small.width) // 2, (200 - small.height) // 2))
    tile.save(to + "-4.png")


WORK = {
    "W1": lambda source, to: thumbnail(source, 1200).save(to + ".jpg", quality=85),
    "W2": lambda source, to: thumbnail(source, 200).save(to + ".jpg", quality=85),
    "W4": lambda source, to: thumbnail(source, 1200).save(to + ".webp", quality=80),
    "W5": lambda source, to: Image.open(source).save(to + ".jpg", quality=85),
    "W6": lambda source, to: thumbnail(source, 1200).filter(ImageFilter.UnsharpMask(1, 100, 5)).save(
        to + ".jpg", quality=85),
    "W10": lambda source, to: four(source, to),
}

for line in sys.stdin:
    request = json.loads(line)
    WORK[request["work"]](request["source"], request["to"])
    print(flush=True)
