//! Obeying a plan.

use std::io::Cursor;
use std::sync::Arc;

use super::color::{Colors, color_in, naive};
use super::finish::finished;
use super::formats::{self, Header, Shrink, SourceFormat};
use super::hands::Hands;
use super::ops::{self, Resampler, Usm};
use super::paths::{self, Path};
use super::plan::{Affine, Area, Aux, Output, Plan, Side, Step};
use super::raster::Raster;
use super::thumbnail::{self, Thumbnail};
use super::{
    ConvertError, Inputs, Limits, Orientation, PixelType, Reply, Showing, Size, Uprighting,
};
use crate::diag::phrase;

/// How many times larger than its target a picture stays when it is decoded smaller: the final
/// filter then still sees all it needs. At 2, some photographs with little colour resolution lose
/// more than 0.3 of SSIMULACRA2 against full decoding.
const LEFT_FOR_FILTER: f64 = 2.25;

/// Makes the replies of one source.
#[derive(Debug)]
pub(super) struct Engine<'a> {
    inputs: Inputs<'a>,
    header: &'a Header,
    uprighting: Uprighting,
    orientation: Orientation,
    limits: &'a Limits,
    colors: Colors<'a>,
    resampler: Resampler<'a>,
    showing: Showing,
}

impl<'a> Engine<'a> {
    pub(super) fn new(
        inputs: Inputs<'a>,
        header: &'a Header,
        uprighting: Uprighting,
        limits: &'a Limits,
    ) -> Self {
        Self {
            inputs,
            header,
            uprighting,
            orientation: uprighting.of(header),
            limits,
            colors: Colors::of(header.profile.as_deref(), header.pixel_type, inputs.aux)
                .by(inputs.hands),
            resampler: Resampler::by(inputs.hands),
            showing: Showing::Nothing,
        }
    }

    /// Has thumbnails made too, of a document for its first page.
    pub(super) fn showing(self, showing: Showing) -> Self {
        let first = matches!(self.header.page, None | Some(1));
        Self { showing: if first { showing } else { Showing::Nothing }, ..self }
    }

    /// Tells whether the source is shown.
    pub(super) fn shows(&self) -> bool {
        self.showing == Showing::Thumbnails
    }

    /// Shows the upright picture, however much smaller it was decoded.
    pub(super) fn thumbnail(&mut self, picture: &Raster) -> Option<Thumbnail> {
        thumbnail::of_source(&mut self.resampler, &mut self.colors, picture)
    }

    /// Says how much smaller the source may be decoded for a plan. Depends on nothing but the
    /// source's header and the plan.
    pub(super) fn shrink(&self, plan: &Plan) -> Shrink {
        let Some(Step::Resample { from, to, .. }) = plan.steps.first() else {
            return Shrink::Full;
        };
        if self.header.format != SourceFormat::Jpeg {
            return Shrink::Full;
        }
        let reduction = (from.width / f64::from(to.width)).min(from.height / f64::from(to.height));
        let enough = |s: &Shrink| reduction >= LEFT_FOR_FILTER * f64::from(s.divisor());
        Shrink::STRONGEST_FIRST.into_iter().find(enough).unwrap_or_default()
    }

    /// Makes one reply from the upright picture, decoded as [`Self::shrink`] says.
    pub(super) fn reply(
        &mut self,
        picture: Arc<Raster>,
        plan: &Plan,
    ) -> Result<Reply, ConvertError> {
        if plan.source != self.orientation.applied(self.header.size) {
            return Err(ConvertError::Changed);
        }
        let mut picture = picture;
        for (number, step) in plan.steps.iter().enumerate() {
            picture = match step {
                Step::Resample { from, to, kernel } if number == 0 => {
                    let from = self.shrunk(*from, self.shrink(plan));
                    let step = Step::Resample { from, to: *to, kernel: *kernel };
                    self.step(picture, &step, &plan.output)?
                }
                step => self.step(picture, step, &plan.output)?,
            };
        }
        if picture.size() != plan.reply {
            return Err(ConvertError::internal("a plan whose steps do not lead to its reply"));
        }
        let mut picture = Arc::unwrap_or_clone(picture);
        if !plan.steps.contains(&Step::ToOutput) {
            // A plan says where; one that does not means here.
            picture = self.colors.to_output(picture, &plan.output)?;
        }
        let picture = finished(picture, &plan.output);
        let hands = self.inputs.hands;
        let write = |embedded: formats::Embedded<'_>| {
            formats::encode_by(&picture, &plan.output, embedded, hands)
        };
        let file = self.embedding(&plan.output, write)?;
        let thumbnail = match self.showing {
            Showing::Nothing => None,
            Showing::Thumbnails => {
                let (resampler, colors) = (&mut self.resampler, &mut self.colors);
                thumbnail::of_reply(resampler, colors, &picture, &plan.output)
            }
        };
        Ok(Reply { file, thumbnail })
    }

    /// Makes one reply without decoding the picture, where a plan changes no pixel of it and its
    /// format allows that; a picture that cannot be read is not told apart from others.
    pub(super) fn recoded(&self, plan: &Plan) -> Option<Vec<u8>> {
        let output = &plan.output;
        let same = plan.keeps_pixels()
            && plan.source == self.header.size
            && self.orientation == Orientation::Upright
            && self.header.pixel_type == output.pixel_type
            && !output.alpha
            && self.colors.keeps(&output.conversion, output.pixel_type);
        if !same {
            return None;
        }
        let source = self.inputs.source;
        self.embedding(output, |embedded| formats::recode(source, self.header, output, embedded))
    }

    /// Gathers what is written beside the pixels.
    fn embedding<T>(&self, output: &Output, write: impl FnOnce(formats::Embedded<'_>) -> T) -> T {
        let profile = if output.embed_profile { self.colors.profile_of(output) } else { None };
        let xmp = output.embed_xmp.then(|| self.xmp()).flatten();
        let map = output.paths.as_deref();
        let paths = map.map(|map| self.paths(map)).unwrap_or_default();
        let (profile, xmp) = (profile.as_deref(), xmp.as_deref());
        write(formats::Embedded { profile, xmp, paths: &paths })
    }

    /// Reads the XMP packet of the source.
    fn xmp(&self) -> Option<Vec<u8>> {
        formats::xmp(Cursor::new(self.inputs.source), self.header, self.limits)
    }

    /// Reads the paths of the source, where a map from the upright source takes them.
    fn paths(&self, map: &Affine) -> Vec<Path> {
        let upright = paths::upright(self.orientation);
        let stored = formats::paths(Cursor::new(self.inputs.source), self.header, self.limits);
        stored.iter().map(|path| path.mapped(&upright).mapped(map)).collect()
    }

    fn step(
        &mut self,
        picture: Arc<Raster>,
        step: &Step,
        output: &Output,
    ) -> Result<Arc<Raster>, ConvertError> {
        // The first of these leave their input as it is, shared or not.
        let made = match *step {
            Step::Resample { from, to, kernel } => {
                self.allow(to, &picture)?;
                ops::resample(&mut self.resampler, &picture, from, to, kernel)?
            }
            Step::Flip { axis } => ops::flip(&picture, axis),
            Step::Turn { by } => ops::turn(&picture, by),
            Step::Mask => ops::mask(&picture),
            Step::Place { x, y, canvas } => {
                self.allow(canvas, &picture)?;
                ops::place(&picture, x, y, canvas)
            }
            Step::Rotate { degrees, to, kernel } => {
                self.allow(to, &picture)?;
                ops::rotate(Arc::unwrap_or_clone(picture), degrees, to, kernel)
            }
            Step::TakeMask { ref mask } => {
                let mask = self.mask(mask)?;
                ops::take_mask(Arc::unwrap_or_clone(picture), mask)?
            }
            Step::Usm { radius, .. } | Step::Blur { radius } => {
                self.limits.allow(picture.size(), ops::blur_memory(&picture, radius))?;
                retouched(Arc::unwrap_or_clone(picture), step, self.inputs.hands)
            }
            Step::Fill { .. }
            | Step::Sharpen
            | Step::InvertMask
            | Step::Unmask
            | Step::GrowMask { .. }
            | Step::Opacity { .. }
            | Step::ToRgb
            | Step::Invert
            | Step::Brightness { .. }
            | Step::Contrast { .. }
            | Step::ColorBalance { .. }
            | Step::Hue { .. }
            | Step::Saturation { .. }
            | Step::Colorize { .. }
            | Step::Grow { .. }
            | Step::Noise { .. } => {
                retouched(Arc::unwrap_or_clone(picture), step, self.inputs.hands)
            }
            Step::ToOutput => self.colors.to_output(Arc::unwrap_or_clone(picture), output)?,
            Step::Clip { ref names, keep, ref map } => {
                self.allow(picture.size(), &picture)?;
                self.clip(Arc::unwrap_or_clone(picture), names, keep, map)?
            }
        };
        Ok(Arc::new(made))
    }

    /// Decodes the picture a mask is taken from, and turns it upright.
    fn mask(&self, wanted: &Aux) -> Result<Raster, ConvertError> {
        let (Aux::Mask(name) | Aux::Profile(name)) = wanted;
        let file = self.inputs.aux.iter().find(|(aux, _)| aux == wanted);
        let (_, file) = file.ok_or_else(|| ConvertError::internal("a mask nobody handed over"))?;
        let read = || {
            let header = formats::header(Cursor::new(file), self.limits)?;
            let stored = formats::decode(file, &header, Shrink::Full, self.limits)?;
            Ok(ops::orient(stored, self.uprighting.of(&header)))
        };
        read().map_err(|error: ConvertError| {
            let message = phrase!(
                "mask-unusable",
                "the mask {name} cannot be used: {cause}",
                name = format!("{name:?}"),
                cause = error.words(),
            );
            let help = phrase!("name-a-picture", "name a picture in a format that is read");
            ConvertError::unwritable(message, help)
        })
    }

    /// Clips by embedded paths: to what all of them cover, or to what none does.
    fn clip(
        &self,
        picture: Raster,
        names: &[String],
        keep: Side,
        map: &Affine,
    ) -> Result<Raster, ConvertError> {
        let mut paths = self.paths(map);
        paths.retain(|path| names.contains(&path.name));
        let size = picture.size();
        let identity = paths::upright(Orientation::Upright);
        paths.iter().try_fold(picture, |picture, path| {
            Ok(ops::clip(picture, &paths::coverage(path, size, &identity)?, keep))
        })
    }

    /// Checks what a step is about to make; alpha may be added to it.
    fn allow(&self, size: Size, picture: &Raster) -> Result<(), ConvertError> {
        if size.width == 0 || size.height == 0 {
            return Err(ConvertError::internal("a plan with an empty picture"));
        }
        self.limits.allow(size, size.pixels() * picture.bytes_per_pixel())
    }

    /// Turns an area of the upright source into the same area of the picture decoded smaller.
    ///
    /// The last stored column and row of such a picture may stand for less than a whole pixel.
    /// Where mirroring brings them to the front, everything begins that much later.
    fn shrunk(&self, area: Area, shrink: Shrink) -> Area {
        let by = f64::from(shrink.divisor());
        let upright = self.orientation.applied(self.header.size);
        let decoded = self.orientation.applied(shrink.applied(self.header.size));
        let (mirror_x, mirror_y) = match self.orientation {
            Orientation::Upright | Orientation::Transpose => (false, false),
            Orientation::FlipHorizontal | Orientation::Rotate90 => (true, false),
            Orientation::FlipVertical | Orientation::Rotate270 => (false, true),
            Orientation::Rotate180 | Orientation::Transverse => (true, true),
        };
        let late = |mirrored: bool, decoded: u32, upright: u32| {
            if mirrored { f64::from(decoded) - f64::from(upright) / by } else { 0.0 }
        };
        Area {
            x: area.x / by + late(mirror_x, decoded.width, upright.width),
            y: area.y / by + late(mirror_y, decoded.height, upright.height),
            width: area.width / by,
            height: area.height / by,
        }
    }
}

/// Does one of the steps that change pixels where they are.
fn retouched(picture: Raster, step: &Step, hands: Hands<'_>) -> Raster {
    match *step {
        Step::Fill { ref color } => {
            let color = color_in(*color, picture.pixel_type());
            ops::fill(picture, &color)
        }
        Step::Usm { amount, radius, threshold, mono } => {
            ops::usm_by(picture, Usm { amount, radius, threshold, mono }, hands)
        }
        Step::Sharpen => ops::sharpen_by(picture, hands),
        Step::InvertMask => ops::invert_mask(picture),
        Step::Unmask => ops::unmask(picture),
        Step::GrowMask { radius } => ops::grow_mask(picture, radius),
        Step::Opacity { percent } => ops::opacity(picture, percent),
        Step::ToRgb => naive(picture, PixelType::Rgb).with_profile(None),
        Step::Invert => ops::invert(picture),
        Step::Brightness { amount } => ops::brightness(picture, amount),
        Step::Contrast { amount } => ops::contrast(picture, amount),
        Step::ColorBalance { amounts } => ops::color_balance(picture, amounts),
        Step::Hue { degrees } => ops::hue(picture, degrees),
        Step::Saturation { amount } => ops::saturation(picture, amount),
        Step::Colorize { colorize } => ops::colorize(picture, colorize),
        Step::Grow { radius } => ops::grow(picture, radius),
        Step::Blur { radius } => ops::blur_by(picture, radius, hands),
        Step::Noise { noise } => ops::noise(picture, noise),
        Step::Resample { .. }
        | Step::Place { .. }
        | Step::Flip { .. }
        | Step::Turn { .. }
        | Step::Rotate { .. }
        | Step::TakeMask { .. }
        | Step::Clip { .. }
        | Step::ToOutput
        | Step::Mask => picture,
    }
}
