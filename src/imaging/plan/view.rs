//! The view: how large the reply is and where the composite stands in it (rules S, D, U, G, A, N,
//! P, X and M).
//!
//! Both axes are the same arithmetic; [`Axis`] is one of them.

use std::ops::Range;

use super::geometry::{
    FAR, Part, Span, ask_for_less, down, length, proportion, real, round, within,
};
use super::layer::smaller;
use super::wanted::{At, Wanted};
use super::{Defaults, Rect, ThumbType, Thumbnails};
use crate::diag::{Argument, Code, Diagnostic, phrase};
use crate::imaging::Size;
use crate::imaging::modifiers::values::{Align, Fit, FitMode, Req, Tile, Window};

/// One axis of the map between the composite and the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    /// Length of the composite.
    pub(super) composite: u32,
    /// Where the region begins in the composite.
    pub(super) region_at: i64,
    /// Length of the region.
    pub(super) region: u32,
    /// Length of the region in the view.
    pub(super) scaled: i64,
    /// Where the scaled region begins in the view.
    pub(super) at: i64,
    /// Length of the view.
    pub(super) view: i64,
}

impl Axis {
    /// Returns the view's pixels that the composite covers entirely.
    pub(super) fn covered(&self) -> Range<i64> {
        let (scaled, region) = (i128::from(self.scaled), i128::from(self.region));
        let before = i128::from(self.region_at) * scaled;
        let behind = (i128::from(self.composite) - i128::from(self.region_at)) * scaled;
        // Up for the left edge, down for the right one.
        let start = i128::from(self.at) - before.div_euclid(region);
        let end = i128::from(self.at) + behind.div_euclid(region);
        let whole = |n: i128| i64::try_from(n).unwrap_or(if n < 0 { -FAR } else { FAR });
        whole(start)..whole(end)
    }

    /// Returns the view's pixels that show the composite; the others are bars.
    pub(super) fn shows(&self) -> Range<i64> {
        let covered = self.covered();
        covered.start.max(0)..covered.end.min(self.view)
    }

    /// Returns the piece of the composite that some of the view's pixels show.
    pub(super) fn shown(&self, pixels: &Range<i64>) -> Span {
        let (parts, region) = (i128::from(self.scaled), i128::from(self.region));
        let edge = |pixel: i64| {
            i128::from(self.region_at) * parts + (i128::from(pixel) - i128::from(self.at)) * region
        };
        Span { start: edge(pixels.start), end: edge(pixels.end), parts }
    }

    /// Scales the whole view (the factor of `rect`).
    fn rescaled(self, factor: f64) -> Self {
        Self {
            scaled: length(real(self.scaled) * factor),
            at: down(real(self.at) * factor),
            view: length(real(self.view) * factor),
            ..self
        }
    }
}

/// The view, and the part of it that is the reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    /// Horizontal.
    pub(super) x: Axis,
    /// Vertical.
    pub(super) y: Axis,
    /// The part that is the reply (`rect`), in pixels of the view.
    pub(super) window: Rect,
}

/// Sizes of one request: the region, what it is scaled to, and the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sizes {
    scaled: (i64, i64),
    view: (i64, i64),
}

impl View {
    /// Computes the view of a composite.
    ///
    /// # Errors
    /// `fit` without a size, and replies beyond `MaxPix` or the limits.
    pub(super) fn new(
        wanted: &Wanted,
        composite: Size,
        defaults: &Defaults,
    ) -> Result<Self, Diagnostic> {
        if let (Some(fit), Req::Tmb) = (&wanted.fit, wanted.req.value) {
            let message = phrase!(
                "fit-of-thumbnails",
                "`fit` is not for thumbnails; how they fit is the ThumbType"
            );
            let help = phrase!("leave-fit-out", "leave `fit` out");
            return Err(Diagnostic::error(Code::Value, fit.place.clone(), message).help(help));
        }
        if let (Some(fit), None, None) = (&wanted.fit, &wanted.wid, &wanted.hei) {
            let message = phrase!("fit-needs-size", "fit needs wid or hei");
            return Err(Diagnostic::error(Code::Missing, fit.place.clone(), message));
        }
        let whole = Window { x: 0, y: 0, width: composite.width, height: composite.height };
        let region = wanted.rgn.as_ref().map_or(whole, |at| at.value);
        let sizes = sizes(wanted, region, defaults);
        let Align { h, v } = alignment(wanted, defaults);
        let axis = |composite, region_at, region, scaled: i64, view: i64, align: f64| {
            let at = down(real(view - scaled) * (align + 1.0) / 2.0);
            Axis { composite, region_at, region, scaled, at, view }
        };
        let (sw, sh) = sizes.scaled;
        let (vw, vh) = sizes.view;
        let x = axis(composite.width, region.x, region.width, sw, vw, h);
        let y = axis(composite.height, region.y, region.height, sh, vh, v);
        Self::cut(wanted, (x, y), defaults)
    }

    /// Cuts the reply out of the view and checks its size (X1, M1).
    fn cut(wanted: &Wanted, (x, y): (Axis, Axis), defaults: &Defaults) -> Result<Self, Diagnostic> {
        let place = blamed(wanted);
        let (x, y, window) = match &wanted.rect {
            None => {
                let size = within((x.view, y.view), &defaults.limits, Part::Reply, &place)?;
                (x, y, Rect { x: 0, y: 0, size })
            }
            Some(At { value: Tile { window, scale }, place }) => {
                let (width, height) = (i64::from(window.width), i64::from(window.height));
                let size = within((width, height), &defaults.limits, Part::Reply, place)?;
                let (x, y) = (x.rescaled(*scale), y.rescaled(*scale));
                (x, y, Rect { x: window.x, y: window.y, size })
            }
        };
        let longest = x.scaled.max(x.view).max(y.scaled).max(y.view);
        if longest >= FAR {
            return Err(Diagnostic::error(
                Code::Value,
                place,
                phrase!("view-too-large", "the picture area would be too large"),
            )
            .help(ask_for_less()));
        }
        let Size { width, height } = window.size;
        let (most_wide, most_high) = defaults.max_pix;
        if (most_wide > 0 && width > most_wide) || (most_high > 0 && height > most_high) {
            let message = phrase!(
                "reply-too-large",
                "the exported picture would be {width} × {height} pixels; at most {wide} × \
                 {high} are allowed",
                width = Argument::pixels(width),
                height = Argument::pixels(height),
                wide = Argument::pixels(most_wide),
                high = Argument::pixels(most_high),
            );
            return Err(Diagnostic::error(Code::Value, place, message).help(ask_for_less()));
        }
        Ok(Self { x, y, window })
    }

    /// Returns the scaled region's rectangle in the reply.
    pub(super) fn placement(&self) -> Rect {
        let size = |length: i64| u32::try_from(length).unwrap_or(u32::MAX);
        Rect {
            x: self.x.at - self.window.x,
            y: self.y.at - self.window.y,
            size: Size::new(size(self.x.scaled), size(self.y.scaled)),
        }
    }

    /// Returns the smaller factor of the two axes, from the composite to the view.
    pub(super) fn scale(&self) -> f64 {
        let of = |axis: &Axis| real(axis.scaled) / f64::from(axis.region);
        of(&self.x).min(of(&self.y))
    }

    /// Returns the larger reduction of the two axes, at most 1.
    pub(super) fn factor(&self) -> f64 {
        self.scale().min(1.0)
    }
}

/// Returns the command that decides most about the size of the reply.
fn blamed(wanted: &Wanted) -> Range<usize> {
    let places = [
        wanted.rect.as_ref().map(|at| &at.place),
        wanted.wid.as_ref().map(|at| &at.place),
        wanted.hei.as_ref().map(|at| &at.place),
        wanted.scl.as_ref().map(|at| &at.place),
        wanted.rgn.as_ref().map(|at| &at.place),
        wanted.size.as_ref().map(|at| &at.place),
        wanted.scale.as_ref().map(|at| &at.place),
        wanted.extend.as_ref().map(|at| &at.place),
        wanted.crop.as_ref().map(|at| &at.place),
    ];
    places.into_iter().flatten().next().cloned().unwrap_or(0..0)
}

/// Returns where the picture stands in the view (A1, A2).
fn alignment(wanted: &Wanted, defaults: &Defaults) -> Align {
    if wanted.req.value == Req::Tmb {
        let (h, v) = defaults.thumbnails.align;
        return Align { h, v };
    }
    const CENTRE: Align = Align { h: 0.0, v: 0.0 };
    let align = wanted.align.unwrap_or(CENTRE);
    if wanted.scl.is_some() {
        return align;
    }
    let mode = wanted.fit.as_ref().map_or(FitMode::Fit, |fit| fit.value.mode);
    match (mode, &wanted.wid, &wanted.hei) {
        (FitMode::Constrain | FitMode::Stretch, _, _) | (_, None, _) | (_, _, None) => CENTRE,
        _ => align,
    }
}

/// Computes the sizes, `dpr` included (P1).
fn sizes(wanted: &Wanted, region: Window, defaults: &Defaults) -> Sizes {
    let ratio = wanted.dpr.unwrap_or(1.0);
    let side = |side: &Option<At<u32>>, factor: f64| {
        side.as_ref().map(|at| length(f64::from(at.value) * factor))
    };
    let (wid, hei) = (side(&wanted.wid, ratio), side(&wanted.hei, ratio));
    if wanted.req.value == Req::Tmb {
        return thumbnail(region, (wid, hei), defaults);
    }
    let sizes = fitted(wanted, region, (wid, hei), defaults);
    #[expect(clippy::float_cmp, reason = "off is exactly 1")]
    if ratio == 1.0 || wanted.rect.is_some() {
        return sizes;
    }
    let (most_wide, most_high) = defaults.max_pix;
    let excess = |most: u32, length: i64| {
        if most == 0 { 1.0 } else { (f64::from(most) / real(length)).min(1.0) }
    };
    let shrink = excess(most_wide, sizes.view.0).min(excess(most_high, sizes.view.1));
    if shrink >= 1.0 {
        return sizes;
    }
    let by = |rounded: fn(f64) -> i64| {
        let side = |side: Option<i64>| side.map(|side| rounded(real(side) * shrink).max(1));
        fitted(wanted, region, (side(wid), side(hei)), defaults)
    };
    let sizes = by(round);
    // What is computed from a side that was rounded up may still be a pixel too long.
    let fits = excess(most_wide, sizes.view.0).min(excess(most_high, sizes.view.1)) >= 1.0;
    if fits { sizes } else { by(down) }
}

/// Computes the sizes for a width and a height (S1, S2, D1, U0–G7).
fn fitted(
    wanted: &Wanted,
    region: Window,
    (wid, hei): (Option<i64>, Option<i64>),
    defaults: &Defaults,
) -> Sizes {
    let (rw, rh) = (i64::from(region.width), i64::from(region.height));
    let Fit { mode, upscale } = wanted.fit.as_ref().map_or(Fit::DEFAULT, |fit| fit.value);
    let by = |(num, den)| (proportion(rw, num, den), proportion(rh, num, den));
    if let Some(At { value, .. }) = &wanted.scl {
        let scaled = (length(real(rw) / value), length(real(rh) / value));
        return Sizes { scaled, view: (wid.unwrap_or(scaled.0), hei.unwrap_or(scaled.1)) };
    }
    let cap = |factor: (i64, i64)| {
        if upscale || !smaller((1, 1), factor) { factor } else { (1, 1) }
    };
    let (fx, fy) = (wid.map(|wid| cap((wid, rw))), hei.map(|hei| cap((hei, rh))));
    let (scaled, exact) = match (fx, fy) {
        (None, None) => {
            let scaled = by(default_factor((rw, rh), defaults));
            return Sizes { scaled, view: scaled };
        }
        (Some(factor), None) | (None, Some(factor)) => (by(factor), (wid, hei)),
        (Some(fx), Some(fy)) => {
            let (least, most) = if smaller(fy, fx) { (fy, fx) } else { (fx, fy) };
            let scaled = match mode {
                FitMode::Fit | FitMode::Constrain => by(least),
                FitMode::Crop | FitMode::Wrap => by(most),
                FitMode::Hfit => by(fx),
                FitMode::Vfit => by(fy),
                FitMode::Stretch => (proportion(rw, fx.0, fx.1), proportion(rh, fy.0, fy.1)),
            };
            (scaled, (wid, hei))
        }
    };
    let view = match mode {
        FitMode::Constrain | FitMode::Wrap => scaled,
        FitMode::Fit | FitMode::Crop | FitMode::Stretch | FitMode::Hfit | FitMode::Vfit => {
            (exact.0.unwrap_or(scaled.0), exact.1.unwrap_or(scaled.1))
        }
    };
    Sizes { scaled, view }
}

/// Computes the sizes of a thumbnail; its picture is enlarged too (reference page *ThumbType*).
fn thumbnail(region: Window, (wid, hei): (Option<i64>, Option<i64>), defaults: &Defaults) -> Sizes {
    let Thumbnails { pix: (wide, high), kind, .. } = defaults.thumbnails;
    let given = |side: Option<i64>, default: u32| side.unwrap_or(i64::from(default).max(1));
    let view = (given(wid, wide), given(hei, high));
    let (rw, rh) = (i64::from(region.width), i64::from(region.height));
    let (fx, fy) = ((view.0, rw), (view.1, rh));
    let (least, most) = if smaller(fy, fx) { (fy, fx) } else { (fx, fy) };
    let by = |(num, den)| (proportion(rw, num, den), proportion(rh, num, den));
    let scaled = match (kind, defaults.resolution) {
        (ThumbType::Crop, _) => by(most),
        (ThumbType::Texture { resolution }, Some(of)) if of > 0.0 => {
            (length(real(rw) * resolution / of), length(real(rh) * resolution / of))
        }
        (ThumbType::Fit | ThumbType::Texture { .. }, _) => by(least),
    };
    Sizes { scaled, view }
}

/// Returns the reduction to `DefaultPix`, never more than 1 (D1).
fn default_factor((rw, rh): (i64, i64), defaults: &Defaults) -> (i64, i64) {
    let (wide, high) = defaults.default_pix;
    let mut factor = (1, 1);
    for (most, side) in [(wide, rw), (high, rh)] {
        if most > 0 && smaller((i64::from(most), side), factor) {
            factor = (i64::from(most), side);
        }
    }
    factor
}
