#!/usr/bin/env python3
"""Draws the sample pictures of the demo: a small studio shoot of things that do not exist.

    pip install numpy pillow
    python config/demo/draw.py [--draft] [NAME ...]

The objects are distance fields, found by sphere tracing (Hart, "Sphere tracing", 1996) and lit by
one softbox, a fill and a rim light on a paper sweep. Nothing is sampled from a photograph, so the
pictures belong to this project. They are drawn at twice their size and reduced. `--draft` draws
at a third of the size into the current folder's `draft/`, for looking at while changing things.
"""

import argparse
import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

HERE = pathlib.Path(__file__).resolve().parent
F = np.float32


# ---------------------------------------------------------------- distance fields
# A point is a tuple of three arrays (x, y, z): right, up, towards the camera. One unit is about
# the size of the object; the floor is y = 0. Every field returns the distance to its surface,
# negative inside.


def move(p, x=0.0, y=0.0, z=0.0):
    return p[0] - F(x), p[1] - F(y), p[2] - F(z)


def turn(p, degrees, axis):
    """Turns the space against the object, around one axis."""
    c, s = F(np.cos(np.radians(degrees))), F(np.sin(np.radians(degrees)))
    x, y, z = p
    if axis == "x":
        return x, c * y + s * z, c * z - s * y
    if axis == "y":
        return c * x - s * z, y, c * z + s * x
    return c * x + s * y, c * y - s * x, z


def mirror_x(p):
    return np.abs(p[0]), p[1], p[2]


def length(*parts):
    return np.sqrt(sum(part * part for part in parts))


def box(p, half, radius):
    qx, qy, qz = (np.abs(c) - F(h - radius) for c, h in zip(p, half))
    outside = length(np.maximum(qx, 0), np.maximum(qy, 0), np.maximum(qz, 0))
    return outside + np.minimum(np.maximum(qx, np.maximum(qy, qz)), 0) - F(radius)


def cylinder(p, radius, half, edge):
    qx, qy = length(p[0], p[2]) - F(radius - edge), np.abs(p[1]) - F(half - edge)
    return length(np.maximum(qx, 0), np.maximum(qy, 0)) + np.minimum(np.maximum(qx, qy), 0) - F(edge)


def cone(p, bottom, top, half):
    """A capped cone around y, not exact near its edges but never too large."""
    t = np.clip(p[1] / F(2 * half) + F(0.5), 0, 1)
    r = F(bottom) + (F(top) - F(bottom)) * t
    slope = F(np.cos(np.arctan2(abs(bottom - top), 2 * half)))
    return np.maximum((length(p[0], p[2]) - r) * slope, np.abs(p[1]) - F(half))


def torus(p, ring, tube):
    return length(length(p[0], p[1]) - F(ring), p[2]) - F(tube)


def capsule(p, a, b, radius, end=None):
    ab = [F(t - f) for f, t in zip(a, b)]
    ap = [c - F(f) for c, f in zip(p, a)]
    h = np.clip(sum(u * v for u, v in zip(ap, ab)) / F(sum(v * v for v in ab)), 0, 1)
    r = F(radius) + (F(end if end is not None else radius) - F(radius)) * h
    return length(*(u - v * h for u, v in zip(ap, ab))) - r


def ellipsoid(p, radii):
    k0 = length(*(c / F(r) for c, r in zip(p, radii)))
    k1 = length(*(c / F(r * r) for c, r in zip(p, radii)))
    return k0 * (k0 - 1) / np.maximum(k1, F(1e-6))


def join(a, b, k):
    """The union of two, with a fillet of about k."""
    h = np.maximum(F(k) - np.abs(a - b), 0) / F(k)
    return np.minimum(a, b) - h * h * F(k) * F(0.25)


def cut(a, b, k):
    return -join(-a, b, k)


def noise(x, y, z):
    """Smooth noise in −1…1 from a few incommensurate waves."""
    return (
        np.sin(x * F(1.7) + np.sin(y * F(2.3) + F(0.5)) * F(1.3))
        + np.sin(y * F(2.1) + np.sin(z * F(1.9)) * F(1.1) + F(1.7))
        + np.sin(z * F(2.6) + np.sin(x * F(1.4)) * F(1.5) + F(4.2))
    ) / F(3)


# ---------------------------------------------------------------- light


def unit(v):
    v = np.asarray(v, F)
    return v / np.linalg.norm(v)


KEY, RIM = unit((-0.55, 0.85, 0.62)), unit((0.75, 0.45, -0.6))


def softbox(d, centre, right, width, height, blur):
    """Brightness of a rectangular light seen in direction d; the blur stands for roughness."""
    centre, right = unit(centre), unit(right)
    up = np.cross(centre, right)
    depth = sum(c * F(k) for c, k in zip(d, centre))
    u = sum(c * F(k) for c, k in zip(d, right)) / np.maximum(depth, F(0.05))
    v = sum(c * F(k) for c, k in zip(d, up)) / np.maximum(depth, F(0.05))

    def edge(value, half):
        return np.clip((F(half + blur) - np.abs(value)) / F(2 * blur), 0, 1)

    return np.where(depth > 0.05, edge(u, width) * edge(v, height), 0).astype(F)


def studio(d, blur):
    """What a reflection sees: paper below, dim room above, two softboxes."""
    base = F(0.30) + F(0.22) * np.clip(d[1] * F(0.8) + F(0.2), 0, 1) - F(0.16) * np.clip(-d[2], 0, 1)
    return (
        base
        + F(2.3 / (1 + 2 * blur)) * softbox(d, KEY, (1, 0, 1), 0.55, 0.75, 0.04 + blur)
        + F(1.3 / (1 + 2 * blur)) * softbox(d, (0.95, 0.35, 0.25), (0, 0, -1), 0.22, 0.9, 0.04 + blur)
    )


class Part:
    """A field with its surface: colour (sRGB, or a function of the point), gloss and metal."""

    def __init__(self, field, colour, gloss=0.04, rough=0.5, metal=False, glow=0.0, weave=0.0):
        self.field, self.colour, self.gloss, self.rough = field, colour, gloss, rough
        self.metal, self.glow, self.weave = metal, glow, weave

    def albedo(self, p):
        value = self.colour(p) if callable(self.colour) else np.broadcast_to(self.colour, p[0].shape + (3,))
        rgb = (np.asarray(value, F) / F(255)) ** F(2.2)
        if self.weave:
            u, v = (p[0] + p[2] * F(0.4)) * F(self.weave), (p[1] + p[2] * F(0.3)) * F(self.weave)
            rgb = rgb * (F(0.93) + F(0.09) * np.sin(u) * np.sin(v))[..., None]
        return rgb


class Shoot:
    """Parts before a sweep, a camera, and the paper's colour."""

    def __init__(self, parts, paper, eye=(0, 1.15, 5.6), look=(0, 0.82, 0), zoom=3.3, step=0.9):
        self.parts, self.paper, self.eye, self.look = parts, paper, eye, look
        self.zoom, self.step = zoom, step

    def distance(self, p):
        d = self.parts[0].field(p)
        for part in self.parts[1:]:
            d = np.minimum(d, part.field(p))
        return d

    def trace(self, o, d, far, steps=110):
        """Returns how far each ray goes; infinite where it meets nothing."""
        t = np.zeros(d[0].shape, F)
        hit = np.full(d[0].shape, np.inf, F)
        live = np.arange(t.size)
        for _ in range(steps):
            p = tuple((oc if np.ndim(oc) == 0 else oc[live]) + dc[live] * t[live] for oc, dc in zip(o, d))
            near = self.distance(p)
            done = near < 6e-4 * (1 + t[live])
            hit[live[done]] = t[live[done]]
            t[live] += near * F(self.step)
            live = live[~done & (t[live] < far)]
            if live.size == 0:
                break
        return hit

    def shade_to(self, o, light, reach=3.2, hard=6.5, steps=26):
        """How much of a light arrives, 0…1, with a penumbra (Quilez, "soft shadows in raymarched SDFs")."""
        t, open_ = np.full(o[0].shape, 0.025, F), np.ones(o[0].shape, F)
        for _ in range(steps):
            near = self.distance(tuple(c + F(k) * t for c, k in zip(o, light)))
            open_ = np.minimum(open_, F(hard) * near / t)
            t += np.clip(near, F(0.02), F(reach / 9))
        open_ = np.clip(open_, 0, 1)
        return open_ * open_ * (3 - 2 * open_)

    def nooks(self, p, n, reach=0.5):
        """How open the surroundings are, 0…1."""
        shut = np.zeros(p[0].shape, F)
        for k in range(1, 6):
            h = F(reach * k / 5)
            near = self.distance(tuple(c + nc * h for c, nc in zip(p, n)))
            near = np.minimum(near, p[1] + n[1] * h)
            shut += (h - near) / h * F(0.62**k)
        return np.clip(1 - F(0.62) * shut, 0, 1)

    def normal(self, p):
        e, n = F(1.2e-3), [0, 0, 0]
        for k in ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)):
            d = self.distance(tuple(c + F(s) * e for c, s in zip(p, k)))
            n = [a + F(s) * d for a, s in zip(n, k)]
        size = np.maximum(length(*n), F(1e-9))
        return tuple(c / size for c in n)

    def lit(self, p, d):
        """Linear light of surface points seen along d."""
        n = self.normal(p)
        which = np.argmin(np.stack([part.field(p) for part in self.parts]), axis=0)
        raised = tuple(c + nc * F(0.004) for c, nc in zip(p, n))
        key, open_ = self.shade_to(raised, KEY), self.nooks(p, n)
        facing = sum(a * F(b) for a, b in zip(n, KEY))
        behind = np.clip(sum(a * F(b) for a, b in zip(n, RIM)), 0, 1)
        cosine = sum(a * b for a, b in zip(n, d))
        mirror = tuple(dc - 2 * cosine * nc for dc, nc in zip(d, n))
        fresnel = np.clip(1 + cosine, 0, 1) ** 5
        # Half-lambert on the key: a softbox reaches round the edge.
        diffuse = (
            F(1.55) * key * np.clip(facing * F(0.8) + F(0.2), 0, 1)
            + open_ * (F(0.42) + F(0.16) * n[1] + F(0.12) * n[2])
            + F(0.45) * behind * open_
        )
        out = np.zeros(p[0].shape + (3,), F)
        for i, part in enumerate(self.parts):
            m = which == i
            if not m.any():
                continue
            pm, albedo = tuple(c[m] for c in p), None
            albedo = part.albedo(pm)
            shine = studio(tuple(c[m] for c in mirror), part.rough) * (F(0.35) + F(0.65) * open_[m])
            weight = F(part.gloss) + (1 - F(part.gloss)) * fresnel[m] * F(1 - 0.75 * min(part.rough, 1))
            if part.metal:
                out[m] = albedo * (shine * F(1.05) + diffuse[m] * F(0.12))[:, None] + (fresnel[m] * shine * 0.4)[:, None]
            else:
                out[m] = albedo * diffuse[m][:, None] * (1 - weight)[:, None] + (weight * shine)[:, None]
            if part.glow:
                out[m] += albedo * F(part.glow)
        return out

    def rays(self, width, height):
        eye, look = np.asarray(self.eye, F), np.asarray(self.look, F)
        ahead = unit(look - eye)
        right = unit(np.cross(ahead, (0, 1, 0)))
        up = np.cross(right, ahead)
        u = (np.arange(width, dtype=F) + F(0.5) - F(width / 2)) / F(height / 2)
        v = (F(height / 2) - np.arange(height, dtype=F) - F(0.5)) / F(height / 2)
        uu, vv = (a.ravel() for a in np.meshgrid(u, v))
        d = [F(ahead[k] * self.zoom) + F(right[k]) * uu + F(up[k]) * vv for k in range(3)]
        size = length(*d)
        return tuple(F(c) for c in eye), tuple(c / size for c in d), uu, vv

    def sweep(self, uu, vv):
        """The paper: brighter behind the object, darker to the corners."""
        paper = (np.asarray(self.paper, F) / F(255)) ** F(2.2)
        glow = F(1.06) - F(0.24) * (uu * uu * F(0.55) + (vv - F(0.15)) ** 2 * F(0.8)) - F(0.05) * np.clip(-vv, 0, 1)
        return paper[None, :] * glow[:, None]

    def floor_shadow(self, o, d):
        """What reaches the floor along each ray, 0…1; 1 where the ray goes up."""
        down = d[1] < -1e-3
        t = np.where(down, -o[1] / np.where(down, d[1], -1), 0).astype(F)
        p = tuple(np.asarray(oc + dc * t, F)[down] for oc, dc in zip(o, d))
        near = length(p[0], p[2]) < 4.5
        p = tuple(c[near] for c in p)
        ground = (p[0], p[1] + F(0.004), p[2])
        n = tuple(np.full(p[0].shape, k, F) for k in (0, 1, 0))
        lit = F(0.30) + F(0.70) * self.shade_to(ground, KEY, hard=3.6)
        # The far edge of the paper rises and loses the shadow.
        fade = np.clip((F(4.2) - length(p[0], p[2])) / F(1.6), 0, 1)
        value = np.ones(d[0].shape, F)
        index = np.flatnonzero(down)[near]
        value[index] = 1 - (1 - lit * (F(0.25) + F(0.75) * self.nooks(ground, n, 0.7))) * fade
        return value

    def draw(self, width, height, alpha=False):
        """Draws at twice the size and reduces; with alpha the paper is left out, the shadow kept."""
        w, h = width * 2, height * 2
        o, d, uu, vv = self.rays(w, h)
        t = self.trace(o, d, 12.0)
        hit = np.isfinite(t)
        # Shadows are smooth: a quarter of the rays is enough.
        so, sd, _, _ = self.rays(w // 4, h // 4)
        shadow = self.floor_shadow(so, sd).reshape(h // 4, w // 4)
        shadow = np.asarray(Image.fromarray(shadow).resize((w, h), Image.BICUBIC), F)
        light = self.sweep(uu, vv) * np.clip(shadow, 0, 1).ravel()[:, None]
        rows = np.flatnonzero(hit)
        for chunk in np.array_split(rows, max(1, rows.size // 200_000)):
            dd = tuple(c[chunk] for c in d)
            light[chunk] = self.lit(tuple(oc + dc * t[chunk] for oc, dc in zip(o, dd)), dd)
        rgb = film(light).reshape(h, w, 3)
        if not alpha:
            return reduce(rgb, width, height)
        a = np.where(hit.reshape(h, w), 1, (1 - shadow) * F(0.75)).astype(F)
        rgb = np.where(hit.reshape(h, w)[..., None], rgb, F(0.09))
        mixed = reduce(np.dstack([rgb * a[..., None], a]), width, height)
        a = mixed[..., 3:]
        return np.dstack([np.where(a > 1e-3, mixed[..., :3] / np.maximum(a, F(1e-3)), 0), a])


def film(light):
    """Linear light to sRGB with a soft shoulder."""
    soft = np.where(light < 0.72, light, 0.72 + 0.28 * (1 - np.exp(-(light - 0.72) / 0.28)))
    return np.clip(soft, 0, 1) ** F(1 / 2.2)


def reduce(values, width, height):
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(values[..., k], F)).resize((width, height), Image.LANCZOS))
        for k in range(values.shape[2])
    ]
    return np.clip(np.dstack(planes), 0, 1)


# ---------------------------------------------------------------- the things


def mug():
    def body(p):
        p = move(p, y=0.62)
        wall = cylinder(p, 0.55, 0.60, 0.05)
        return cut(wall, cylinder(move(p, y=0.12), 0.485, 0.62, 0.09), 0.03)

    def handle(p):
        q = move(turn(p, 24, "y"), 0.58, 0.62)
        ring = length(length(q[0], q[1] * F(0.82)) - F(0.30), q[2] * F(0.72)) - F(0.062)
        return np.maximum(ring, F(0.50) - length(p[0], p[2]))

    def glaze(p):
        edge = F(0.40) + F(0.035) * np.sin(np.arctan2(p[0], p[2]) * 5 + F(0.6)) + F(0.02) * np.sin(np.arctan2(p[0], p[2]) * 11)
        high = np.clip((p[1] - edge) / F(0.012), 0, 1)[..., None]
        # Iron spots: one at a random place of every third cell of the wall.
        u, v = np.arctan2(p[0], p[2]) * F(11), p[1] * F(20)
        i, j = np.floor(u), np.floor(v)
        lot = [np.abs(np.sin(i * F(12.99 + k) + j * F(78.23 - k)) * F(437.58)) % 1 for k in (0, 3, 7)]
        far = length(u - i - F(0.2) - F(0.6) * lot[0], v - j - F(0.2) - F(0.6) * lot[1])
        speck = np.where(lot[2] < 0.45, np.clip((F(0.17) * lot[2] / F(0.45) + F(0.03) - far) / F(0.05), 0, 1), 0)[..., None] * F(46)
        clay = np.asarray((186, 106, 74), F) - F(8) * noise(p[0] * 3, p[1] * 40, p[2] * 3)[..., None]
        return clay * (1 - high) + (np.asarray((236, 228, 212), F) - speck) * high

    def coffee(p):
        return cylinder(move(p, y=1.02), 0.49, 0.01, 0.005)

    whole = lambda p: join(body(p), handle(p), 0.06)
    return Shoot(
        [Part(whole, glaze, 0.05, 0.12), Part(coffee, (58, 34, 22), 0.05, 0.05)],
        (222, 214, 203), eye=(0.2, 2.15, 5.3), look=(0.13, 0.56, 0), zoom=5.0,
    )


def backpack():
    def body(p):
        p = move(p, y=0.95)
        t = np.clip((p[1] + F(0.9)) / F(1.8), 0, 1)
        q = (p[0] * (F(1) + F(0.20) * t * t), p[1], p[2] * (F(1) + F(0.25) * t))
        soft = F(0.012) * noise(p[0] * 4, p[1] * 3, p[2] * 4)
        return (box(q, (0.62, 0.92, 0.34), 0.26) + soft) * F(0.85)

    def pocket(p):
        p = move(p, y=0.56, z=0.33)
        return (box(p, (0.47, 0.36, 0.13), 0.12) + F(0.008) * noise(p[0] * 5, p[1] * 5, p[2] * 5)) * F(0.9)

    def sides(p):
        return box(move(turn(mirror_x(p), -4, "z"), 0.60, 0.52, 0.02), (0.09, 0.30, 0.22), 0.08)

    def handle(p):
        q = move(p, y=1.83, z=-0.02)
        return np.maximum(length(length(q[0] * F(0.75), q[1]) - F(0.14), q[2] * F(0.55)) - F(0.030), -q[1] - F(0.02))

    def straps(p):
        p = mirror_x(p)
        return np.minimum(
            capsule(p, (0.34, 1.66, -0.22), (0.60, 1.15, -0.40), 0.085, 0.07),
            capsule(p, (0.60, 1.15, -0.40), (0.62, 0.35, -0.36), 0.07, 0.03),
        )

    def zips(p):
        arch = np.maximum(np.abs(length(p[0] * F(1.02), np.maximum(p[1] - F(1.16), 0)) - F(0.44)) - F(0.016), F(1.0) - p[1])
        upper = np.maximum(arch, body(p) - F(0.012))
        lower = np.maximum(np.maximum(np.abs(p[1] - F(0.83)) - F(0.013), np.abs(p[0]) - F(0.40)), pocket(p) - F(0.010))
        return np.maximum(np.minimum(upper, lower), -p[2])

    def pulls(p):
        return np.minimum(
            capsule(p, (0.33, 0.83, 0.475), (0.34, 0.70, 0.49), 0.017),
            capsule(p, (0.445, 1.10, 0.30), (0.46, 0.97, 0.335), 0.017),
        )

    def patch(p):
        return box(move(p, y=0.55, z=0.462), (0.15, 0.085, 0.014), 0.012)

    def leather(p):
        u, v = np.abs(p[0]), np.abs(p[1] - F(0.55))
        stitch = ((np.abs(u - F(0.13)) < 0.004) & (v < 0.068)) | ((np.abs(v - F(0.066)) < 0.004) & (u < 0.13))
        mark = (length(p[0], (p[1] - F(0.55))) < 0.042) & (length(p[0], (p[1] - F(0.55))) > 0.028)
        shade = np.where(stitch | mark, 0.62, 1.0)[..., None]
        return np.asarray((188, 124, 72), F) * shade

    navy = (44, 78, 132)
    return Shoot(
        [
            Part(body, navy, 0.03, 0.8, weave=260), Part(pocket, (50, 88, 146), 0.03, 0.8, weave=260),
            Part(sides, (38, 68, 118), 0.03, 0.8, weave=260), Part(handle, (150, 96, 54), 0.04, 0.4),
            Part(straps, (34, 60, 104), 0.03, 0.8, weave=260), Part(zips, (212, 168, 84), 0.2, 0.35),
            Part(pulls, (226, 190, 110), 0.5, 0.2, metal=True), Part(patch, leather, 0.05, 0.45),
        ],
        (214, 220, 226), eye=(1.5, 1.5, 6.0), look=(0.05, 0.90, 0), zoom=4.9, step=0.8,
    )


def lamp():
    def tip(p):
        return turn(move(p, 0.10, 1.42), -38, "z")

    def shade(p):
        q = tip(p)
        outer = cone(q, 0.50, 0.15, 0.34)
        return np.maximum(outer, -cone(move(q, y=-0.03), 0.475, 0.13, 0.345)) * F(0.8) - F(0.006)

    def cap(p):
        q = move(tip(p), y=0.36)
        return join(cylinder(q, 0.14, 0.05, 0.02), capsule(q, (0, 0, 0), (0, 0.12, 0), 0.035), 0.03)

    def inside(p):
        return ellipsoid(move(tip(p), y=-0.12), (0.13, 0.15, 0.13))

    def arm(p):
        return np.minimum(
            capsule(p, (-0.34, 0.10, 0), (-0.42, 1.02, 0), 0.024),
            np.minimum(capsule(p, (-0.42, 1.02, 0), (0.28, 1.80, 0), 0.024), np.minimum(
                length(*move(p, -0.42, 1.02)) - F(0.062), length(*move(p, 0.29, 1.80)) - F(0.05))),
        )

    def foot(p):
        p = move(p, -0.33, 0.055)
        return join(cylinder(p, 0.40, 0.055, 0.03), cone(move(p, y=0.09), 0.10, 0.03, 0.06), 0.06)

    brass = (222, 176, 100)
    return Shoot(
        [
            Part(shade, (40, 84, 78), 0.05, 0.25), Part(inside, (255, 228, 170), glow=1.6),
            Part(cap, brass, 0.6, 0.18, metal=True), Part(arm, brass, 0.6, 0.15, metal=True),
            Part(foot, (40, 84, 78), 0.05, 0.22),
        ],
        (236, 232, 226), eye=(0.5, 1.15, 6.2), look=(0.42, 0.95, 0), zoom=4.7, step=0.75,
    )


def runner():
    """A running shoe seen from its outer side; the toe points to the right."""

    def outline(p):
        # Half width of the sole along its length, narrow at the waist.
        x = p[0]
        return F(0.30) + F(0.05) * np.cos((x - F(0.55)) * F(2.4)) - F(0.02) * np.cos(x * F(5))

    def plan_view(p, grow):
        along = np.abs(p[0]) - F(1.0 + grow)
        across = np.abs(p[2]) - outline(p) - F(grow)
        r = F(0.30)
        return length(np.maximum(along + r, 0), np.maximum(across + r, 0)) + np.minimum(np.maximum(along, across) + r, 0) - r

    def lift(p):
        """The toe rises."""
        return p[0], p[1] - F(0.17) * np.clip(p[0] - F(0.35), 0, 1) ** 2, p[2]

    def sole(p):
        q = lift(p)
        thick = F(0.125) - F(0.03) * np.clip(q[0] + F(0.2), 0, 1)
        a, b = plan_view(q, 0.03), np.abs(q[1] - F(0.15)) - thick
        d = length(np.maximum(a + F(0.05), 0), np.maximum(b + F(0.05), 0)) + np.minimum(np.maximum(a, b) + F(0.05), 0) - F(0.05)
        groove = np.abs(q[1] - F(0.13) - F(0.015) * np.sin(q[0] * 9)) - F(0.008)
        return cut(d, np.maximum(groove, -(d + F(0.018))), 0.01) * F(0.75)

    def tread(p):
        q = lift(p)
        a, b = plan_view(q, 0.015), np.abs(q[1] - F(0.035)) - F(0.035)
        return np.maximum(a, b) * F(0.8)

    def solid(p):
        q = lift(p)
        toe = ellipsoid(move(q, 0.55, 0.24), (0.50, 0.25, 0.31))
        mid = ellipsoid(turn(move(q, 0.02, 0.36), -24, "z"), (0.66, 0.27, 0.27))
        heel = ellipsoid(move(q, -0.64, 0.42), (0.36, 0.42, 0.26))
        return join(join(toe, mid, 0.22), heel, 0.30)

    def mouth(p):
        return ellipsoid(turn(move(p, -0.50, 0.90), 14, "z"), (0.36, 0.27, 0.165))

    def upper(p):
        return cut(np.maximum(solid(p), F(0.20) - p[1]), mouth(p), 0.05) * F(0.8)

    def collar(p):
        return cut(np.abs(upper(p)) - F(0.026), F(0.075) - mouth(p), 0.03) * F(0.8)

    def tongue(p):
        return box(turn(move(p, -0.10, 0.715), -45, "z"), (0.20, 0.034, 0.125), 0.03) * F(0.9)

    def laces(p):
        near = np.abs(upper(p) - F(0.010)) - F(0.017)
        along = (F(0.37) - p[0] - F(0.28) * np.abs(p[2])) / F(0.098)
        row = np.abs(along - np.clip(np.round(along), 0, 4)) * F(0.098) - F(0.023)
        return np.maximum(np.maximum(near, row), np.maximum(np.abs(p[2]) - F(0.125), F(0.38) - p[1])) * F(0.7)

    def colours(p):
        x, y = p[0], p[1]
        out = np.empty(x.shape + (3,), F)
        out[:] = (238, 238, 234)
        mesh = ((np.sin(x * 150) * np.sin((y * F(0.9) + p[2]) * 150)) > 0.25)[..., None] * F(14)
        out -= mesh
        swoop = y - (F(0.30) + F(0.42) * np.clip(-(x + F(0.05)), 0, 1) ** F(1.3) + F(0.05) * np.sin(x * 3))
        for k, colour in ((0.0, (232, 88, 60)), (0.105, (36, 66, 104))):
            band = (np.abs(swoop - F(k)) < F(0.036) * np.clip((F(0.42) - x) * F(2.2), 0, 1)) & (x > -0.85) & (y > 0.2)
            out[band] = colour
        toe = (x > F(0.66) - F(0.5) * np.abs(p[2])) & (y < F(0.40) + F(0.10) * (x - F(0.7)))
        out[toe & (x > 0.6)] = (214, 216, 216)
        out[(x < -0.80) & (y > 0.30)] = (36, 66, 104)
        return out

    return Shoot(
        [
            Part(sole, (246, 245, 240), 0.04, 0.5), Part(tread, (232, 88, 60), 0.04, 0.6),
            Part(upper, colours, 0.03, 0.7), Part(collar, (36, 66, 104), 0.03, 0.9),
            Part(tongue, (226, 226, 222), 0.03, 0.9), Part(laces, (250, 250, 248), 0.03, 0.8),
        ],
        (216, 222, 220), eye=(1.1, 1.7, 5.4), look=(0.03, 0.40, 0), zoom=5.3, step=0.75,
    )


def top(back=False, ground=(240, 236, 226), stripe=(38, 58, 96)):
    """A shirt on nobody."""

    drop = 1.70 if back else 1.60

    def torso(p):
        q = move(p, y=0.92)
        waist = F(0.47) + F(0.025) * np.cos(q[1] * F(2.6) + F(0.8)) + F(0.04) * np.clip(q[1], 0, 1)
        fall = F(0.020) * np.sin(q[0] * 8 + np.sin(q[1] * 2) * 2) * np.clip(F(0.30) - q[1], 0, 1)
        side = (length(q[0] / waist, q[2] / (waist * F(0.46))) - 1) * waist * F(0.46) + fall
        slope = q[1] - (F(0.80) - F(0.32) * np.abs(q[0]))
        return cut(side, -slope * F(0.95), 0.16)

    def sleeves(p):
        q = mirror_x(p)
        flat = (q[0], q[1], q[2] * F(1.2))
        arm = capsule(flat, (0.36, 1.47, 0), (0.80, 0.90, 0), 0.165, 0.150)
        ends = (q[0] - F(0.70)) * F(0.611) - (q[1] - F(1.03)) * F(0.792)
        crease = F(0.008) * np.sin((q[0] - q[1]) * 15 + q[2] * 5)
        return arm + crease, ends

    def whole(p):
        arm, ends = sleeves(p)
        d = join(torso(p), arm, 0.10) + F(0.006) * noise(p[0] * 5 + p[1] * 3, p[1] * 2.2 - p[0] * 2, p[2] * 3)
        return d, ends

    def neck(p):
        return length(p[0] * F(0.92), p[1] - F(drop + 0.14), p[2] * F(0.25))

    def cloth(p):
        d, ends = whole(p)
        shell = np.abs(d + F(0.014)) - F(0.014)
        return cut(np.maximum(np.maximum(shell, F(0.12) - p[1]), np.minimum(ends, np.abs(p[0]) - F(0.52))), neck(p) - F(0.235), 0.01) * F(0.62)

    def collar(p):
        d, _ = whole(p)
        ring = np.abs(neck(p) - F(0.260)) - F(0.030)
        return np.maximum(np.maximum(ring, np.abs(d + F(0.012)) - F(0.024)), p[1] - F(1.76)) * F(0.62)

    def stripes(p):
        level = p[1] + F(0.02) * np.sin(p[0] * 4) + F(0.30) * np.clip(np.abs(p[0]) - F(0.47), 0, 1)
        wave = np.abs(((level * F(8.6)) % 1) - F(0.5))
        on = np.clip((F(0.20) - wave) / F(0.03), 0, 1) * (p[1] < 1.36) * (p[1] > 0.24)
        return np.asarray(ground, F) * (1 - on[..., None]) + np.asarray(stripe, F) * on[..., None]

    parts = [Part(cloth, stripes, 0.02, 0.9, weave=300), Part(collar, ground if not back else stripe, 0.02, 0.9, weave=300)]
    return Shoot(parts, (226, 221, 214), eye=(0.0, 1.15, 6.0), look=(0, 0.93, 0), zoom=4.7, step=0.8)


# ---------------------------------------------------------------- flat things


def linen(width, height):
    """A swatch with pinked edges on paper."""
    y, x = np.mgrid[0 : height * 2, 0 : width * 2].astype(F) / F(2)
    rng = np.random.default_rng(7)

    def threads(n):
        return np.convolve(rng.normal(0, 1, n + 8), np.ones(3) / 3, "same")[4 : n + 4].astype(F)

    pitch = F(5.0)
    slub_x, slub_y = threads(int(width / pitch) + 3), threads(int(height / pitch) + 3)
    i, j = (x / pitch).astype(int), (y / pitch).astype(int)
    over = (i + j) % 2 == 0
    u, v = np.abs((x / pitch) % 1 - F(0.5)) * 2, np.abs((y / pitch) % 1 - F(0.5)) * 2
    height_map = np.where(over, np.cos(u * F(1.35)) - F(0.30) * v * v, np.cos(v * F(1.35)) - F(0.30) * u * u)
    tone = np.where(over, slub_x[i], slub_y[j]) * F(0.05)
    light = F(0.60) + F(0.36) * height_map + tone + F(0.02) * noise(x / 60, y / 60, x * 0)
    colour = np.stack([light * F(k) for k in (0.80, 0.70, 0.56)], -1)
    tooth, border = F(18), F(0.085 * width)

    def inset(grow=0.0):
        zig = lambda t: np.abs((t / tooth) % 1 - F(0.5)) * tooth
        left, top_ = x - border - zig(y), y - border - zig(x)
        right, bottom = width - x - border - zig(y), height - y - border - zig(x)
        return np.minimum(np.minimum(left, right), np.minimum(top_, bottom)) + F(grow)

    mask = np.clip(inset() * 2, 0, 1)
    soft = Image.fromarray((np.clip(inset(), 0, 1) * 255).astype(np.uint8))
    near = np.asarray(soft.filter(ImageFilter.GaussianBlur(9)), F) / 255
    far = np.asarray(soft.filter(ImageFilter.GaussianBlur(36)), F) / 255
    shadow = 1 - F(0.30) * np.roll(near, (10, 8), (0, 1)) - F(0.26) * np.roll(far, (36, 28), (0, 1))
    paper = np.stack([np.full_like(x, k) for k in (0.80, 0.78, 0.75)], -1)
    paper *= (F(1.05) - F(0.16) * (x / width * F(0.5) + y / height))[..., None]
    fall = (F(1.10) - F(0.20) * (x / width * F(0.6) + y / height * F(0.7)))[..., None]
    rgb = paper * shadow[..., None] * (1 - mask[..., None]) + colour * fall * mask[..., None]
    return reduce(film(rgb), width, height)


def letters(size):
    return ImageFont.load_default(size)


def colour_card(width, height):
    """The season's colours as chips: flat, few colours, made for a palette."""
    image = Image.new("RGB", (width, height), (247, 244, 238))
    pen = ImageDraw.Draw(image)
    chips = [
        ("ivory", (240, 236, 226)), ("sand", (214, 192, 158)), ("clay", (186, 106, 74)), ("coral", (232, 88, 60)),
        ("brass", (212, 168, 84)), ("moss", (110, 122, 70)), ("pine", (40, 84, 78)), ("sky", (150, 186, 210)),
        ("navy", (44, 78, 132)), ("ink", (38, 58, 96)), ("plum", (110, 62, 92)), ("coal", (48, 46, 48)),
    ]
    gap, cols = width // 30, 4
    w = (width - gap * (cols + 1)) // cols
    h = (height - gap * 4) // 3
    for k, (name, colour) in enumerate(chips):
        x, y = gap + (w + gap) * (k % cols), gap + (h + gap) * (k // cols)
        pen.rectangle((x, y, x + w, y + h - 26), fill=colour)
        pen.text((x, y + h - 20), name, fill=(60, 58, 56), font=letters(15))
    return np.asarray(image, F) / 255


def care_label(width, height):
    """A woven label: name, size, three symbols."""
    k = 4
    image = Image.new("L", (width * k, height * k), 246)
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((6 * k, 6 * k, (width - 6) * k, (height - 6) * k), 8 * k, outline=60, width=2 * k)
    pen.text((20 * k, 16 * k), "NORTHGATE", fill=40, font=letters(26 * k))
    pen.text((20 * k, 52 * k), "100% linen    size M", fill=70, font=letters(15 * k))
    x, y, s = 20 * k, 84 * k, 34 * k
    pen.line((x, y, x + 5 * k, y + s, x + s + 4 * k, y + s, x + s + 9 * k, y), fill=40, width=2 * k)
    pen.text((x + 13 * k, y + 5 * k), "30", fill=40, font=letters(16 * k))
    x += 70 * k
    pen.polygon((x, y + s, x + s // 2, y, x + s, y + s), outline=40, width=2 * k)
    pen.line((x, y, x + s, y + s), fill=40, width=2 * k)
    pen.line((x + s, y, x, y + s), fill=40, width=2 * k)
    x += 60 * k
    pen.rectangle((x, y, x + s, y + s), outline=40, width=2 * k)
    pen.ellipse((x + 3 * k, y + 3 * k, x + s - 3 * k, y + s - 3 * k), outline=40, width=2 * k)
    image = image.resize((width, height), Image.LANCZOS)
    return np.dstack([np.asarray(image, F) / 255] * 3)


# ---------------------------------------------------------------- files


def picture(values):
    """Rounds to 8 bits, without dither: noise costs bytes."""
    values = (values * 255 + 0.5).astype(np.uint8)
    return Image.fromarray(values, "RGBA" if values.shape[2] == 4 else "RGB")


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010E] = "exportd demo"
    return tags.tobytes()


def ink(image):
    """RGB to CMYK with the black taken out (UCR), without a profile."""
    rgb = np.asarray(image, F) / 255
    cmy = 1 - rgb
    k = cmy.min(axis=2) ** F(1.3) * F(0.9)
    ink_ = (cmy - k[..., None]) / np.maximum(1 - k[..., None], F(1e-3))
    return Image.fromarray((np.dstack([ink_, k]) * 255 + 0.5).astype(np.uint8), "CMYK")


SHOTS = {
    "tops/10023-front.jpg": (lambda s: top().draw(1200 // s, 1600 // s), "orientation"),
    "tops/10023-back.jpg": (lambda s: top(back=True).draw(1200 // s, 1600 // s), "jpeg"),
    "tops/10041-front.jpg": (lambda s: top(ground=(118, 128, 78), stripe=(236, 228, 208)).draw(600 // s, 800 // s), "truncated"),
    "bags/backpack-blue.tif": (lambda s: backpack().draw(600 // s, 600 // s), "tiff"),
    "kitchen/mug-clay.jpg": (lambda s: mug().draw(1600 // s, 1200 // s), "jpeg"),
    "lighting/lamp-pine.png": (lambda s: lamp().draw(720 // s, 720 // s, alpha=True), "png"),
    "shoes/runner-coral.jpg": (lambda s: runner().draw(1200 // s, 900 // s), "cmyk"),
    "fabrics/linen-natural.webp": (lambda s: linen(800 // s, 800 // s), "webp"),
    "fabrics/colour-card.gif": (lambda s: colour_card(640, 480), "gif"),
    "labels/care-linen.bmp": (lambda s: care_label(300, 140), "bmp"),
}

NOT_A_PICTURE = """Backorder: the sand tote is shot on Thursday.
Placeholder so that the list is complete -- do not export!
"""


def save(values, path, how):
    image = picture(values)
    jpeg = {"quality": 84, "subsampling": "4:2:0", "optimize": True}
    if how == "orientation":
        # Stored lying on its side, as a camera does that was turned; tag 6 turns it upright.
        image.transpose(Image.ROTATE_90).save(path, exif=exif(6), **jpeg)
    elif how == "jpeg":
        image.save(path, dpi=(300, 300), **jpeg)
    elif how == "truncated":
        image.save(path, **jpeg)
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) * 2 // 5])
    elif how == "cmyk":
        ink(image).save(path, **jpeg)
    elif how == "tiff":
        image.save(path, compression="tiff_lzw", tiffinfo={317: 2}, dpi=(300, 300))
    elif how == "png":
        image.save(path, optimize=True)
    elif how == "webp":
        image.save(path, quality=72, method=6)
    elif how == "gif":
        image.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)
    elif how == "bmp":
        image.convert("L").quantize(16).save(path)


def main():
    args = argparse.ArgumentParser(description="draw the demo's pictures")
    args.add_argument("--draft", action="store_true")
    args.add_argument("names", nargs="*")
    args = args.parse_args()
    folder = pathlib.Path("draft") if args.draft else HERE / "assets"
    for name, (draw, how) in SHOTS.items():
        if args.names and not any(wanted in name for wanted in args.names):
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        values = draw(3 if args.draft else 1)
        if args.draft:
            picture(values).save(path.with_suffix(".png"))
        else:
            save(values, path, how)
        print(name, values.shape, path.stat().st_size if path.exists() else "draft", flush=True)
    if not args.draft and not args.names:
        (folder / "bags/tote-sand.png").write_text(NOT_A_PICTURE)


if __name__ == "__main__":
    main()
