"""What is measured: the workloads, what each peer runs for it, and the figure to reach."""

import dataclasses

FIT = "fit=constrain&resMode=sharp2"


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str
    words: str
    # Globs below the corpus.
    sources: tuple
    # Renditions of exportd: name -> modifier; None is the original.
    asked: dict
    # How many times faster than the fastest peer exportd has to be.
    goal: float
    peers: tuple
    # Whether the replies can be compared with SSIMULACRA2: same picture, same quality asked.
    judged: bool = True
    # A further bound against one peer alone.
    beside: tuple = ()
    # How often each picture comes in a round, under another name each time: a round is long enough
    # that how a job begins and ends does not count.
    copies: int = 3


ALL = ("sharp", "pyvips", "pillow-simd")
CLI = ("vipsthumbnail", "graphicsmagick", "imagemagick")
FOUR = {
    "1": f"wid=2000&hei=2000&{FIT}&fmt=jpeg&qlt=85",
    "2": f"wid=1200&hei=1200&{FIT}&fmt=webp&qlt=80",
    "3": f"wid=500&hei=500&{FIT}&fmt=jpeg&qlt=85",
    "4": "wid=200&hei=200&fit=fit&resMode=sharp2&fmt=png-alpha",
}

WORKLOADS = [
    Workload("W1", "JPEG to 1200², JPEG q85", ("jpeg/*",),
             {"1": f"wid=1200&hei=1200&{FIT}&fmt=jpeg&qlt=85"}, 1.10, ALL + CLI),
    Workload("W2", "JPEG to 200²", ("jpeg/*",),
             {"1": f"wid=200&hei=200&{FIT}&fmt=jpeg&qlt=85"}, 1.10, ALL, judged=False),
    Workload("W3", "PNG, TIFF to 1600², PNG", ("png/*", "tiff/*"),
             {"1": f"wid=1600&hei=1600&{FIT}&fmt=png-alpha"}, 1.25, ("sharp", "pyvips")),
    Workload("W4", "JPEG to 1200², WebP q80", ("jpeg/*",),
             {"1": f"wid=1200&hei=1200&{FIT}&fmt=webp&qlt=80"}, 1.10, ALL),
    Workload("W5", "JPEG to JPEG q85, full size", ("jpeg/*",),
             {"1": "scl=1&fmt=jpeg&qlt=85"}, 1.10, ALL),
    Workload("W6", "W1 with unsharp mask", ("jpeg/*",),
             {"1": f"wid=1200&hei=1200&{FIT}&op_usm=1,1,5&fmt=jpeg&qlt=85"}, 1.25, ALL, judged=False),
    Workload("W7", "originals", ("*/*",), {"1": None}, 0.95, ("cp",), judged=False, copies=1),
    Workload("W8", "CMYK TIFF with profile to 1200², sRGB JPEG", ("cmyk/*",),
             {"1": f"wid=1200&hei=1200&{FIT}&icc=sRGB,relative,0&fmt=jpeg,rgb&qlt=85"}, 1.15, ("sharp", "pyvips")),
    Workload("W9", "JPEG to 1200², AVIF of equal quality", ("jpeg/*",),
             {"1": f"wid=1200&hei=1200&{FIT}&fmt=avif&qlt=80"}, 1.0, ("sharp", "pyvips")),
    Workload("W10", "four renditions of each JPEG", ("jpeg/*",), FOUR, 2.5, ALL, judged=False,
             beside=("sharp, decoding once", 1.3)),
]
# Quality asked of libvips's AVIF so that it scores what exportd's does; see `--quality`.
AVIF_QUALITY = 59
