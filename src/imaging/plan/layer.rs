//! Layer 0: from the source to the composite (rules C, Z, O and E).
//!
//! The order is that of the reference, *layer transforms*: crop, scale, flip, rotate, extend.

use std::ops::Range;

use super::geometry::{
    FAR, Part, Turning, bounds, down, length, proportion, real, round, then, up, within,
};
use super::wanted::{At, Wanted};
use super::{Affine, Defaults, Rect};
use crate::diag::{Code, Diagnostic, phrase};
use crate::imaging::angle::sin_cos_degrees;
use crate::imaging::modifiers::values::{Crop, Extend, SizeBox, Window};
use crate::imaging::{Size, SourceInfo};

/// The geometry of layer 0.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layer {
    /// Size of the source.
    pub(super) source: Size,
    /// The part of the source it is made of; may reach outside.
    pub(super) crop: Rect,
    /// Size after scaling.
    pub(super) scaled: Size,
    /// Mirroring and quarter turns.
    pub(super) turning: Turning,
    /// Any other angle, in degrees clockwise, after the turning.
    pub(super) tilt: Option<f64>,
    /// Size after rotating.
    pub(super) rotated: Size,
    /// Where the rotated picture stands on the canvas.
    pub(super) at: (i64, i64),
    /// Size after `extend`.
    pub(super) canvas: Size,
    /// The part of the canvas that paths leave of it, all of it if there are none.
    pub(super) cut: Rect,
    /// Size of the composite: what is left of the canvas.
    pub(super) composite: Size,
}

impl Layer {
    /// Computes the sizes of layer 0.
    ///
    /// # Errors
    /// A size that is empty or beyond the limits; `res` without a resolution to relate it to.
    pub(super) fn new(
        wanted: &Wanted,
        source: &SourceInfo,
        defaults: &Defaults,
    ) -> Result<Self, Diagnostic> {
        let (info, source) = (source, source.size);
        let limits = &defaults.limits;
        let crop = crop(wanted.crop.as_ref(), source, defaults)?;
        let (scaled, place) = scaled(wanted, crop.size, defaults)?;
        let scaled = if scaled == crop.size {
            scaled
        } else {
            within(
                (i64::from(scaled.width), i64::from(scaled.height)),
                limits,
                Part::Layer,
                &place,
            )?
        };
        let degrees = wanted.rotate.as_ref().map_or(0.0, |at| at.value.rem_euclid(360.0));
        let (quarters, tilt) = right_angles(degrees);
        let turning = Turning::flip(wanted.layer.flip).then(Turning::quarters(quarters));
        let place = wanted.rotate.as_ref().map_or(0..0, |at| at.place.clone());
        let rotated = match tilt {
            None => turning.of(scaled),
            Some(degrees) => {
                within(bounding_box(scaled, degrees), limits, Part::RotatedLayer, &place)?
            }
        };
        let [left, top, right, bottom] = margins(wanted.extend.as_ref(), rotated);
        let width = i64::from(rotated.width) + left + right;
        let height = i64::from(rotated.height) + top + bottom;
        let canvas = within((width, height), limits, Part::Composite, &Self::blamed(wanted))?;
        let at = (left, top);
        let cut = Rect { x: 0, y: 0, size: canvas };
        let composite = canvas;
        Self { source, crop, scaled, turning, tilt, rotated, at, canvas, cut, composite }
            .cut_along_paths(wanted, info, defaults)
    }

    /// Cuts to the bounding boxes of embedded paths, one after another; unknown ones are passed over
    /// (reference page *cropPath*).
    fn cut_along_paths(
        mut self,
        wanted: &Wanted,
        source: &SourceInfo,
        defaults: &Defaults,
    ) -> Result<Self, Diagnostic> {
        let map = self.map();
        // Files hold coordinates to 2^−24 of the source's sides: a path along the edge of a pixel
        // does not touch the next one.
        let [left, top, right, bottom] = bounds(map, [0.0, 0.0, 1.0, 1.0]);
        let (across, along) = ((right - left) / FINEST, (bottom - top) / FINEST);
        let both = [&wanted.layer.crop_path, &wanted.composite.crop_path];
        for At { value, place } in both.into_iter().flatten() {
            let known = |name: &String| source.paths.iter().find(|path| path.name == *name);
            for path in value.iter().filter_map(known) {
                let [left, top, right, bottom] = bounds(map, path.bounds);
                let x = down(left + across).max(self.cut.x);
                let y = down(top + along).max(self.cut.y);
                let right = up(right - across).min(self.cut.x + i64::from(self.cut.size.width));
                let bottom = up(bottom - along).min(self.cut.y + i64::from(self.cut.size.height));
                let size = within((right - x, bottom - y), &defaults.limits, Part::Crop, place)?;
                self.cut = Rect { x, y, size };
            }
        }
        self.composite = self.cut.size;
        Ok(self)
    }

    /// Returns the map from the source, 0 to 1 on each axis, to pixels of the composite.
    pub(super) fn map(&self) -> Affine {
        let real_size = |size: Size| (f64::from(size.width), f64::from(size.height));
        let (width, height) = real_size(self.source);
        let (cw, ch) = real_size(self.crop.size);
        let (sw, sh) = real_size(self.scaled);
        let mut map = [width, 0.0, -real(self.crop.x), 0.0, height, -real(self.crop.y)];
        map = then(map, [sw / cw, 0.0, 0.0, 0.0, sh / ch, 0.0]);
        map = then(map, self.turning.map(self.scaled));
        if let Some(degrees) = self.tilt {
            let (sin, cos) = sin_cos_degrees(degrees);
            let (w, h) = real_size(self.turning.of(self.scaled));
            let (rw, rh) = real_size(self.rotated);
            map = then(map, [1.0, 0.0, -w / 2.0, 0.0, 1.0, -h / 2.0]);
            map = then(map, [cos, -sin, rw / 2.0, sin, cos, rh / 2.0]);
        }
        let (x, y) = (self.at.0 - self.cut.x, self.at.1 - self.cut.y);
        then(map, [1.0, 0.0, real(x), 0.0, 1.0, real(y)])
    }

    /// Tells whether a path cuts something off.
    pub(super) fn is_cut(&self) -> bool {
        self.composite != self.canvas
    }

    /// Returns the command that decides most about the size of the composite.
    fn blamed(wanted: &Wanted) -> Range<usize> {
        let places = [
            wanted.extend.as_ref().map(|at| &at.place),
            wanted.size.as_ref().map(|at| &at.place),
            wanted.scale.as_ref().map(|at| &at.place),
            wanted.res.as_ref().map(|at| &at.place),
            wanted.crop.as_ref().map(|at| &at.place),
        ];
        places.into_iter().flatten().next().cloned().unwrap_or(0..0)
    }

    /// Tells whether the crop reaches outside of the source.
    pub(super) fn overhangs(&self) -> bool {
        let Rect { x, y, size } = self.crop;
        x < 0
            || y < 0
            || x + i64::from(size.width) > i64::from(self.source.width)
            || y + i64::from(size.height) > i64::from(self.source.height)
    }

    /// Tells whether margins are added or cut.
    pub(super) fn is_extended(&self) -> bool {
        self.canvas != self.rotated || self.at != (0, 0)
    }

    /// Returns the larger reduction of the two axes, at most 1.
    pub(super) fn factor(&self) -> f64 {
        self.scale().min(1.0)
    }

    /// Returns the smaller scale of the two axes.
    pub(super) fn scale(&self) -> f64 {
        let x = f64::from(self.scaled.width) / f64::from(self.crop.size.width);
        let y = f64::from(self.scaled.height) / f64::from(self.crop.size.height);
        x.min(y)
    }
}

/// How fine the coordinates of paths in files are.
const FINEST: f64 = 16_777_216.0;

/// Finds the part of the source (C1, C2, C4).
fn crop(wanted: Option<&At<Crop>>, source: Size, defaults: &Defaults) -> Result<Rect, Diagnostic> {
    let Some(At { value, place }) = wanted else {
        return Ok(Rect { x: 0, y: 0, size: source });
    };
    let (x, y, width, height) = match *value {
        Crop::Whole => return Ok(Rect { x: 0, y: 0, size: source }),
        Crop::Pixels(Window { x, y, width, height }) => (x, y, i64::from(width), i64::from(height)),
        Crop::Normalised([x, y, width, height]) => {
            let (w, h) = (f64::from(source.width), f64::from(source.height));
            let (x0, x1) = (round(x * w), round((x + width) * w));
            let (y0, y1) = (round(y * h), round((y + height) * h));
            (x0, y0, (x1 - x0).max(1), (y1 - y0).max(1))
        }
    };
    let inside = |at: i64, length: i64, axis: u32| at >= 0 && at + length <= i64::from(axis);
    let size = if inside(x, width, source.width) && inside(y, height, source.height) {
        Size::new(u32::try_from(width).unwrap_or(1), u32::try_from(height).unwrap_or(1))
    } else {
        // What reaches outside needs a canvas of its own.
        within((width, height), &defaults.limits, Part::Crop, place)?
    };
    Ok(Rect { x, y, size })
}

/// Scales by `size`, `scale` or `res`, whichever comes first (Z1–Z7).
fn scaled(
    wanted: &Wanted,
    from: Size,
    defaults: &Defaults,
) -> Result<(Size, Range<usize>), Diagnostic> {
    let Size { width, height } = from;
    let (w, h) = (i64::from(width), i64::from(height));
    let at = |(w, h): (i64, i64), place: &Range<usize>| {
        let size = |length: i64| u32::try_from(length).unwrap_or(u32::MAX);
        Ok((Size::new(size(w), size(h)), place.clone()))
    };
    let by = |factor: f64| (length(real(w) * factor), length(real(h) * factor));
    match (&wanted.size, &wanted.scale, &wanted.res) {
        (Some(At { value, place }), _, _) if value.width > 0 || value.height > 0 => {
            let (num, den) = box_factor(*value, from);
            if num > den && !defaults.size_upscale {
                return at((w, h), place);
            }
            at((proportion(w, num, den), proportion(h, num, den)), place)
        }
        (_, Some(At { value, place }), _) => at(by(*value), place),
        (_, None, Some(At { value, place })) => match defaults.resolution {
            Some(resolution) if resolution > 0.0 => {
                let of = |side: i64| length(real(side) * value / resolution);
                at((of(w), of(h)), place)
            }
            Some(_) | None => {
                let message = phrase!(
                    "res-needs-resolution",
                    "`res` needs the resolution of the source, which is not known"
                );
                Err(Diagnostic::error(Code::Missing, place.clone(), message)
                    .help(phrase!("use-scale", "use `scale` instead")))
            }
        },
        (_, None, None) => Ok((from, 0..0)),
    }
}

/// Returns the factor that fits a size into a box, as numerator and denominator.
fn box_factor(wanted: SizeBox, from: Size) -> (i64, i64) {
    let x = (i64::from(wanted.width), i64::from(from.width));
    let y = (i64::from(wanted.height), i64::from(from.height));
    match (wanted.width, wanted.height) {
        (_, 0) => x,
        (0, _) => y,
        _ if smaller(y, x) => y,
        _ => x,
    }
}

/// Tells whether one fraction is below another.
pub(super) fn smaller(a: (i64, i64), b: (i64, i64)) -> bool {
    i128::from(a.0) * i128::from(b.1) < i128::from(b.0) * i128::from(a.1)
}

/// Splits an angle from 0 to 360 into quarter turns or, if it is not made of them, itself.
fn right_angles(degrees: f64) -> (u8, Option<f64>) {
    for (quarters, angle) in [(0, 0.0), (1, 90.0), (2, 180.0), (3, 270.0), (0, 360.0)] {
        if (degrees - angle).abs() < 1e-9 {
            return (quarters, None);
        }
    }
    (0, Some(degrees))
}

/// Returns the size of a rotated picture (O2), rounded up so that nothing is cut.
fn bounding_box(size: Size, degrees: f64) -> (i64, i64) {
    let (sin, cos) = sin_cos_degrees(degrees);
    let (sin, cos) = (sin.abs(), cos.abs());
    let (w, h) = (f64::from(size.width), f64::from(size.height));
    (up(w * cos + h * sin).max(1), up(w * sin + h * cos).max(1))
}

/// Returns the margins in pixels (E1, E2).
fn margins(wanted: Option<&At<Extend>>, rotated: Size) -> [i64; 4] {
    match wanted.map(|at| at.value) {
        None => [0; 4],
        Some(Extend::Pixels(margins)) => margins.map(|margin| margin.clamp(-FAR, FAR)),
        Some(Extend::Normalised([left, top, right, bottom])) => {
            let (w, h) = (f64::from(rotated.width), f64::from(rotated.height));
            [round(left * w), round(top * h), round(right * w), round(bottom * h)]
        }
    }
}
