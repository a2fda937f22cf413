#!/usr/bin/env python3
"""The same manifest twice gives the same bytes, in every format that is written."""

import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from exportd_test import DEMO, Daemon, check, main, manifest

HANDLES = [
    "tops/10023-front.jpg", "bags/backpack-blue.tif", "kitchen/mug-clay.jpg", "lighting/lamp-pine.png",
    "shoes/runner-coral.jpg", "fabrics/linen-natural.webp", "fabrics/colour-card.gif", "labels/care-linen.bmp",
]
RENDITIONS = ("jpeg", "pjpeg", "png", "png-alpha", "gif", "tif,,lzw", "tif-alpha", "webp", "webp-alpha")


def renditions():
    for number, fmt in enumerate(RENDITIONS):
        yield f'[[exportJob]]\nrendition = "r{number}"\nis_modifier = "wid=300&op_usm=1,1,4&fmt={fmt}"\n'


def test():
    with Daemon() as daemon:
        shutil.copytree(DEMO / "assets", daemon.assets, dirs_exist_ok=True)
        text = manifest("same", HANDLES) + "\n" + "\n".join(renditions())
        found = []
        for count in (1, 2):
            daemon.drop_text("same.toml", text)
            run = daemon.run("same", 60, count)
            check(run.report["verdict"] in ("clean", "warnings"), f"verdict {run.report['verdict']}")
            check(len(run.files()) == len(HANDLES) * len(RENDITIONS), f"{len(run.files())} files")
            run.check_sums()
            found.append({name: (run.out / name).read_bytes() for name in [*run.files(), "SHA256SUMS"]})
        first, second = found
        check(first.keys() == second.keys(), "the names differ")
        differ = [name for name in first if first[name] != second[name]]
        check(not differ, f"not the same bytes: {differ}")


if __name__ == "__main__":
    main(test)
