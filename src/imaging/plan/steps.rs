//! From geometry to steps.
//!
//! Written down literally, a request is: cut the source, scale it to the layer, mirror, turn,
//! extend, fill, mirror again, scale to the view, cut. Done like that, a picture would be
//! resampled twice and always decoded at its full size. So where layer 0 is nothing but a part of
//! the source, scaled, mirrored and turned by right angles, the whole map from the source to the
//! view is composed first and done by one [`Step::Resample`], from the part of the source that
//! shows. Mirroring and turning commute with it, and so does filling what is transparent.
//!
//! What is done to the composite (`op_blur` and the others) is done to the pixels of the view, with
//! its radii scaled: reductions come first, as the reference leaves open. So that the edge of a cut
//! is the same as without the cut, as much more is shown before as an operation looks at; all of
//! the view, where it looks at all of it.
//!
//! That is not done where it would change the picture: for corners and margins that layer 0
//! uncovers (their edges lie on whole pixels of the composite, not of the reply), for sharpening
//! of layer 0, and for a layer that is reduced and then enlarged again, which is meant to be soft.

use std::ops::Range;

use super::geometry::{Part, Span, Turning, real};
use super::layer::Layer;
use super::view::{Axis, View};
use super::wanted::{At, Operations, Scoped, Wanted};
use super::{Affine, Area, Aux, Defaults, Kernel, Output, Side, Step, UsmScaling};
use crate::diag::Diagnostic;
use crate::imaging::modifiers::values::{GrowMask, MaskUse, Paint, PaintSpace, RadiusOf, Req, Usm};
use crate::imaging::{PixelType, Size, SourceInfo};

use super::geometry::within;

/// The steps so far and what the picture is after them.
pub(super) struct Steps<'a> {
    source: &'a SourceInfo,
    output: &'a Output,
    defaults: &'a Defaults,
    kernel: Kernel,
    steps: Vec<Step>,
    size: Size,
    /// What the components mean by now.
    pixel_type: PixelType,
    /// Whether there is any alpha by now.
    alpha: bool,
    converted: bool,
}

/// The picture that the view shows: a part of the present picture, scaled and turned.
struct Scene<'w> {
    /// The part of the present picture.
    part: ([i64; 2], Size),
    /// What the part is scaled to before it is turned.
    scaled: Size,
    /// Mirroring and quarter turns.
    turning: Turning,
    /// What is done to the pixels that show, before bars are put around them.
    touch: Touch<'w>,
}

/// What is done to pixels that have been scaled, in this order: first what belongs to layer 0, as
/// far as it was not done before, then what acts on the composite.
struct Touch<'w> {
    /// Put under transparent parts (`color`).
    color: Option<Paint>,
    /// Of layer 0, 0–100.
    opacity: Option<f64>,
    /// Put under transparent parts (`bgColor`).
    bg_color: Option<Paint>,
    /// Acts on the composite.
    composite: &'w Scoped,
    /// Pixels of the view a pixel of the composite is wide.
    factor: f64,
    /// From the source to pixels of the view.
    map: Affine,
}

impl Touch<'_> {
    /// Tells whether there is nothing to do.
    fn is_empty(&self) -> bool {
        self.color.is_none()
            && self.bg_color.is_none()
            && self.opacity.is_none()
            && self.composite.touches_nothing()
    }

    /// Returns how many pixels around it decide about a pixel.
    fn reach(&self) -> i64 {
        /// A Gaussian ends at so many standard deviations.
        const SIGMAS: f64 = 3.0;
        let Operations { grow, blur, .. } = &self.composite.operations;
        let blur = blur.map_or(0.0, |radius| radius * self.factor * SIGMAS);
        let grow = grow.map_or(0.0, |radius| f64::from(radius.abs()) * self.factor);
        super::geometry::round(blur.ceil() + grow.ceil())
    }
}

/// Writes down what has to be done.
///
/// # Errors
/// An intermediate picture beyond the limits.
pub(super) fn steps(
    wanted: &Wanted,
    (layer, view): (&Layer, &View),
    (source, output): (&SourceInfo, &Output),
    defaults: &Defaults,
) -> Result<Vec<Step>, Diagnostic> {
    let kernel = wanted.res_mode.unwrap_or(defaults.res_mode);
    let mut steps = Steps {
        source,
        output,
        defaults,
        kernel,
        steps: Vec::new(),
        size: layer.source,
        pixel_type: source.pixel_type,
        alpha: source.alpha,
        converted: false,
    };
    steps.mask(wanted, layer.scale());
    let flip = Turning::flip(wanted.composite.flip);
    let touch = Touch {
        color: None,
        opacity: None,
        bg_color: None,
        composite: &wanted.composite,
        factor: view.scale(),
        map: super::geometry::to_view(layer.map(), flip, layer.composite, view),
    };
    let scene = if is_plain(wanted, layer, view) {
        Scene {
            part: ([layer.crop.x, layer.crop.y], layer.crop.size),
            scaled: layer.scaled,
            turning: layer.turning.then(flip),
            touch: Touch {
                color: wanted.color,
                opacity: wanted.layer.opacity,
                bg_color: wanted.bg_color,
                ..touch
            },
        }
    } else {
        steps.layer(wanted, layer);
        let whole = layer.composite;
        Scene { part: ([0, 0], whole), scaled: whole, turning: flip, touch }
    };
    if wanted.composite.sharpens() || wanted.composite.operations.looks_at_all() {
        let size = within((view.x.view, view.y.view), &defaults.limits, Part::View, &(0..0))?;
        steps.show(&scene, (&view.x, &view.y), &super::Rect { x: 0, y: 0, size });
        steps.sharpen(&wanted.composite, view.factor() * layer.factor());
        steps.place(-view.window.x, -view.window.y, view.window.size);
    } else {
        steps.show(&scene, (&view.x, &view.y), &view.window);
    }
    steps.convert();
    if wanted.req.value == Req::Mask {
        steps.steps.push(Step::Mask);
    }
    // A job keeps a plan for every asset.
    steps.steps.shrink_to_fit();
    Ok(steps.steps)
}

/// Tells whether one resampling from the source to the view gives the picture that was meant.
fn is_plain(wanted: &Wanted, layer: &Layer, view: &View) -> bool {
    let swaps = layer.turning.swaps();
    let (x, y) = if swaps { (&view.y, &view.x) } else { (&view.x, &view.y) };
    let softens =
        |from: u32, to: u32, axis: &Axis| to < from && axis.scaled > i64::from(axis.region);
    let (crop, scaled) = (layer.crop.size, layer.scaled);
    layer.tilt.is_none()
        && !layer.overhangs()
        && !layer.is_extended()
        && !layer.is_cut()
        && !wanted.layer.sharpens()
        && wanted.layer.operations.is_empty()
        && wanted.layer.clip_path.is_empty()
        && wanted.layer.clip_x_path.is_empty()
        && !softens(crop.width, scaled.width, x)
        && !softens(crop.height, scaled.height, y)
}

impl Steps<'_> {
    /// Gives the source its mask, `scale` being that of layer 0.
    ///
    /// It grows before it is scaled, for what is then seen: scaling forgets the colour of what is
    /// transparent.
    fn mask(&mut self, wanted: &Wanted, scale: f64) {
        if let Some(At { value, .. }) = &wanted.mask {
            self.steps.push(Step::TakeMask { mask: Aux::Mask(value.clone()) });
            self.alpha = true;
        }
        match wanted.mask_use {
            MaskUse::Norm => {}
            MaskUse::Invert => {
                self.steps.push(Step::InvertMask);
                self.alpha = true;
            }
            MaskUse::Off if self.alpha => {
                self.steps.push(Step::Unmask);
                self.alpha = false;
            }
            MaskUse::Off => {}
        }
        let Some(GrowMask { radius, radius_of }) = wanted.grow_mask.filter(|_| self.alpha) else {
            return;
        };
        let radius = match radius_of {
            RadiusOf::Source => f64::from(radius),
            RadiusOf::Present => f64::from(radius) / scale,
        };
        self.steps.push(Step::GrowMask { radius });
    }

    /// Makes the composite.
    fn layer(&mut self, wanted: &Wanted, layer: &Layer) {
        let mut part = ([layer.crop.x, layer.crop.y], layer.crop.size);
        if layer.overhangs() {
            // Only the picture has that colour behind it, not what the crop adds.
            self.fill(wanted.color);
            self.place(-layer.crop.x, -layer.crop.y, layer.crop.size);
            part = ([0, 0], layer.crop.size);
        }
        if layer.scaled == layer.crop.size {
            let [x, y] = part.0;
            self.place(-x, -y, part.1);
        } else {
            let ([x, y], Size { width, height }) = part;
            let (x, y, width, height) = (real(x), real(y), f64::from(width), f64::from(height));
            self.resample(Area { x, y, width, height }, layer.scaled);
        }
        self.operate(&wanted.layer.operations, 1.0);
        self.sharpen(&wanted.layer, layer.factor());
        if !layer.overhangs() {
            self.fill(wanted.color);
        }
        self.turn(layer.turning);
        if let Some(degrees) = layer.tilt {
            self.steps.push(Step::Rotate { degrees, to: layer.rotated, kernel: self.kernel });
            self.size = layer.rotated;
            self.alpha = true;
        }
        self.place(layer.at.0, layer.at.1, layer.canvas);
        let offset = (layer.cut.x, layer.cut.y);
        self.clip(
            &wanted.layer,
            super::geometry::within_part(layer.map(), (-offset.0, -offset.1), layer.canvas),
        );
        self.opacity(wanted.layer.opacity);
        self.fill(wanted.bg_color);
        self.place(-offset.0, -offset.1, layer.composite);
    }

    /// Shows a scene in a window of the view.
    fn show(&mut self, scene: &Scene<'_>, axes: (&Axis, &Axis), window: &super::Rect) {
        let pixels = |at: i64, length: u32| at..at + i64::from(length);
        let wx = pixels(window.x, window.size.width);
        let wy = pixels(window.y, window.size.height);
        let x = common(&wx, &axes.0.shows());
        let y = common(&wy, &axes.1.shows());
        if x.is_empty() || y.is_empty() {
            // Nothing of it shows: the picture is put just beside the canvas.
            self.force_place(i64::from(window.size.width), 0, window.size);
            return;
        }
        let (seen_x, seen_y) = self.with_surroundings(scene, axes, (&x, &y));
        let area = scene.source_of(axes, (&seen_x, &seen_y));
        let to = scene.turning.of(lengths(&seen_x, &seen_y));
        if let Some((at, size)) = whole(area)
            && size == to
        {
            let canvas = ([seen_x.start - wx.start, seen_y.start - wy.start], window.size);
            self.cut_out(scene, (at, size), canvas, (seen_x.start, seen_y.start));
            return;
        }
        let (all_x, all_y) = self.all_of_the_view(scene, axes).unwrap_or((seen_x, seen_y));
        let (wide_x, wide_y) = self.with_margins(scene, axes, (&all_x, &all_y));
        let [ax, ay] = scene.source_of(axes, (&wide_x, &wide_y));
        let (left, width) = ax.reals(self.size.width);
        let (top, height) = ay.reals(self.size.height);
        let to = scene.turning.of(lengths(&wide_x, &wide_y));
        self.resample(Area { x: left, y: top, width, height }, to);
        self.turn(scene.turning);
        self.touch(&scene.touch, (wide_x.start, wide_y.start));
        // Margins that would show are cut off first.
        if common(&wide_x, &wx) == x && common(&wide_y, &wy) == y {
            self.place(wide_x.start - wx.start, wide_y.start - wy.start, window.size);
        } else {
            self.place(wide_x.start - x.start, wide_y.start - y.start, lengths(&x, &y));
            self.place(x.start - wx.start, y.start - wy.start, window.size);
        }
    }

    /// Shows a part of the present picture pixel by pixel.
    fn cut_out(
        &mut self,
        scene: &Scene,
        ([x, y], size): ([i64; 2], Size),
        ([to_x, to_y], canvas): ([i64; 2], Size),
        origin: (i64, i64),
    ) {
        let shows_no_more = |at: i64, length: u32, picture: u32, to: i64, canvas: u32| {
            let (at, length, canvas) = (at, i64::from(length), i64::from(canvas));
            let placed = to - at..to - at + i64::from(picture);
            common(&placed, &(0..canvas)) == (to..to + length)
        };
        let direct = scene.turning.is_identity()
            && scene.touch.is_empty()
            && shows_no_more(x, size.width, self.size.width, to_x, canvas.width)
            && shows_no_more(y, size.height, self.size.height, to_y, canvas.height);
        if direct {
            self.place(to_x - x, to_y - y, canvas);
            return;
        }
        self.place(-x, -y, size);
        self.turn(scene.turning);
        self.touch(&scene.touch, origin);
        self.place(to_x, to_y, canvas);
    }

    /// Does what is to be done to pixels of the view; `origin` is the place of the first one.
    fn touch(&mut self, touch: &Touch, origin: (i64, i64)) {
        self.fill(touch.color);
        self.opacity(touch.opacity);
        self.fill(touch.bg_color);
        self.operate(&touch.composite.operations, touch.factor);
        self.clip(touch.composite, super::geometry::within_part(touch.map, origin, self.size));
        self.opacity(touch.composite.opacity);
    }

    /// Widens what is shown by what the operations on it look at.
    fn with_surroundings(
        &self,
        scene: &Scene,
        axes: (&Axis, &Axis),
        (x, y): (&Range<i64>, &Range<i64>),
    ) -> (Range<i64>, Range<i64>) {
        let reach = scene.touch.reach();
        let widened = |axis: &Axis, pixels: &Range<i64>| {
            common(&(pixels.start - reach..pixels.end + reach), &axis.covered())
        };
        let (wide_x, wide_y) = (widened(axes.0, x), widened(axes.1, y));
        let (width, height) = (wide_x.end - wide_x.start, wide_y.end - wide_y.start);
        match within((width, height), &self.defaults.limits, Part::View, &(0..0)) {
            Ok(_) if reach > 0 => (wide_x, wide_y),
            Ok(_) | Err(_) => (x.clone(), y.clone()),
        }
    }

    /// Returns all that the view shows and the operations on it look at; not where that would be
    /// too large.
    ///
    /// Rounded weights of a filter depend on all pixels that are resampled together. So that
    /// tiles fit together, they are cut from the whole.
    fn all_of_the_view(
        &self,
        scene: &Scene,
        axes: (&Axis, &Axis),
    ) -> Option<(Range<i64>, Range<i64>)> {
        let shows = (axes.0.shows(), axes.1.shows());
        let (x, y) = self.with_surroundings(scene, axes, (&shows.0, &shows.1));
        let size = (x.end - x.start, y.end - y.start);
        within(size, &self.defaults.limits, Part::View, &(0..0)).is_ok().then_some((x, y))
    }

    /// Widens what is resampled by what the filter looks at, so that the edge of a cut is the same
    /// as without the cut; not where that would be too large.
    fn with_margins(
        &self,
        scene: &Scene,
        axes: (&Axis, &Axis),
        (x, y): (&Range<i64>, &Range<i64>),
    ) -> (Range<i64>, Range<i64>) {
        let (part, scaled) = (scene.turning.of(scene.part.1), scene.turning.of(scene.scaled));
        let widened = |axis: &Axis, pixels: &Range<i64>, part: u32, scaled: u32| {
            let factor =
                real(axis.scaled) / f64::from(axis.region) * f64::from(scaled) / f64::from(part);
            let reach = f64::from(self.kernel.reach()) * factor.max(1.0);
            let margin = super::geometry::round(reach.ceil()) + 1;
            common(&(pixels.start - margin..pixels.end + margin), &axis.covered())
        };
        let wide_x = widened(axes.0, x, part.width, scaled.width);
        let wide_y = widened(axes.1, y, part.height, scaled.height);
        let (width, height) = (wide_x.end - wide_x.start, wide_y.end - wide_y.start);
        match within((width, height), &self.defaults.limits, Part::View, &(0..0)) {
            Ok(_) => (wide_x, wide_y),
            Err(_) => (x.clone(), y.clone()),
        }
    }

    fn resample(&mut self, from: Area, to: Size) {
        self.steps.push(Step::Resample { from, to, kernel: self.kernel });
        self.size = to;
    }

    /// Places the picture on a canvas, unless it stays as it is.
    fn place(&mut self, x: i64, y: i64, canvas: Size) {
        if (x, y) != (0, 0) || canvas != self.size {
            self.force_place(x, y, canvas);
        }
    }

    fn force_place(&mut self, x: i64, y: i64, canvas: Size) {
        let covers = |at: i64, picture: u32, canvas: u32| {
            at <= 0 && at + i64::from(picture) >= i64::from(canvas)
        };
        if !covers(x, self.size.width, canvas.width) || !covers(y, self.size.height, canvas.height)
        {
            self.alpha = true;
        }
        self.steps.push(Step::Place { x, y, canvas });
        self.size = canvas;
    }

    fn turn(&mut self, turning: Turning) {
        let (flip, turn) = turning.parts();
        self.steps.extend(flip.map(|axis| Step::Flip { axis }));
        self.steps.extend(turn.map(|by| Step::Turn { by }));
        self.size = turning.of(self.size);
    }

    /// Fills what is transparent with a colour in the space the picture is in; converts the picture
    /// before, if the colour is not of the source's space.
    fn fill(&mut self, paint: Option<Paint>) {
        let Some(paint) = paint.filter(|_| self.alpha) else { return };
        let source = self.source;
        let Output { conversion, pixel_type, .. } = self.output;
        let same = paint.color.pixel_type == source.pixel_type
            && conversion.is_naive(source.pixel_type, *pixel_type);
        if paint.space == PaintSpace::Output && !same {
            self.convert();
        }
        self.steps.push(Step::Fill { color: paint.color.naive(self.pixel_type) });
    }

    fn opacity(&mut self, percent: Option<f64>) {
        if let Some(percent) = percent {
            self.steps.push(Step::Opacity { percent });
            self.alpha = true;
        }
    }

    /// Clips by embedded paths; `map` leads from the source to the present picture.
    fn clip(&mut self, scoped: &Scoped, map: Affine) {
        let known = |names: &[String]| -> Vec<String> {
            let known = |name: &&String| self.source.paths.iter().any(|path| path.name == **name);
            names.iter().filter(known).cloned().collect()
        };
        let both = [(Side::Inside, &scoped.clip_path), (Side::Outside, &scoped.clip_x_path)];
        for (keep, names) in both.map(|(keep, names)| (keep, known(names))) {
            if !names.is_empty() {
                self.steps.push(Step::Clip { names, keep, map: Box::new(map) });
                self.alpha = true;
            }
        }
    }

    /// Does the image operations of one scope, in an order of our own: the reference has none.
    /// `factor` is what their radii are multiplied by.
    fn operate(&mut self, operations: &Operations, factor: f64) {
        let Operations {
            invert,
            brightness,
            contrast,
            color_balance,
            hue,
            saturation,
            colorize,
            grow,
            blur,
            noise,
        } = *operations;
        if invert {
            self.steps.push(Step::Invert);
        }
        let rgb = [
            brightness.map(|amount| Step::Brightness { amount }),
            contrast.map(|amount| Step::Contrast { amount }),
            color_balance.map(|amounts| Step::ColorBalance { amounts }),
            hue.map(|degrees| Step::Hue { degrees }),
            saturation.map(|amount| Step::Saturation { amount }),
            colorize.map(|colorize| Step::Colorize { colorize }),
        ];
        let rgb: Vec<Step> = rgb.into_iter().flatten().collect();
        if !rgb.is_empty() && self.pixel_type != PixelType::Rgb {
            self.steps.push(Step::ToRgb);
            self.pixel_type = PixelType::Rgb;
        }
        self.steps.extend(rgb);
        self.steps.extend(grow.map(|radius| Step::Grow { radius: f64::from(radius) * factor }));
        self.steps.extend(blur.map(|radius| Step::Blur { radius: radius * factor }));
        self.steps.extend(noise.map(|noise| Step::Noise { noise }));
    }

    /// Sharpens; `factor` is the reduction since the source.
    fn sharpen(&mut self, scoped: &Scoped, factor: f64) {
        /// The reference does not say where a reduced radius ends; below this nothing is visible.
        const LEAST: f64 = 0.3;
        if scoped.sharpen {
            self.steps.push(Step::Sharpen);
        }
        if let Some(Usm { amount, radius, threshold, mono, radius_of }) = scoped.usm {
            let radius = match (radius_of, self.defaults.usm_scaling) {
                (RadiusOf::Source, UsmScaling::Reference) => (radius * factor).max(LEAST),
                (RadiusOf::Source, UsmScaling::Output) | (RadiusOf::Present, _) => radius,
            };
            self.steps.push(Step::Usm { amount, radius, threshold, mono });
        }
    }

    fn convert(&mut self) {
        if !self.converted {
            self.converted = true;
            self.pixel_type = self.output.pixel_type;
            self.steps.push(Step::ToOutput);
        }
    }
}

impl Scene<'_> {
    /// Finds the part of the present picture that some pixels of the view show.
    fn source_of(&self, axes: (&Axis, &Axis), pixels: (&Range<i64>, &Range<i64>)) -> [Span; 2] {
        let composite = self.turning.of(self.scaled);
        let shown = [axes.0.shown(pixels.0), axes.1.shown(pixels.1)];
        let [x, y] = self.turning.back(composite, shown);
        let ([left, top], part) = self.part;
        [x.map(part.width, self.scaled.width, left), y.map(part.height, self.scaled.height, top)]
    }
}

/// Returns what two ranges have in common.
fn common(a: &Range<i64>, b: &Range<i64>) -> Range<i64> {
    a.start.max(b.start)..a.end.min(b.end)
}

/// Returns the size of a part of the view; it is within the limits.
fn lengths(x: &Range<i64>, y: &Range<i64>) -> Size {
    let length = |range: &Range<i64>| u32::try_from(range.end - range.start).unwrap_or(u32::MAX);
    Size::new(length(x), length(y))
}

/// Returns position and size of a part, if it is one of whole pixels.
fn whole([x, y]: [Span; 2]) -> Option<([i64; 2], Size)> {
    let ((x, width), (y, height)) = (x.whole()?, y.whole()?);
    Some(([x, y], Size::new(u32::try_from(width).ok()?, u32::try_from(height).ok()?)))
}
