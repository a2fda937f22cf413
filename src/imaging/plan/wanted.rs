//! The settings of a single-layer picture, each in a field of its own.
//!
//! This is where the compiler stops when a command gets a value: [`Wanted::new`] matches every
//! one.

use std::ops::Range;

use crate::diag::{Code, Diagnostic, phrase};
use crate::imaging::modifiers::values::{
    Align, Colorize, Crop, Extend, Fit, Flip, GrowMask, Icc, Kernel, Levels, MaskUse, Noise,
    Opacity, Operation, Paint, Qlt, Quantize, Req, SizeBox, Tile, Usm, Window,
};
use crate::imaging::modifiers::{Modifiers, Setting, Target, Value};

/// A value and the place a finding about it points at.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: Range<usize>,
}

/// What a request asks for, commands that act on layer 0 and those that act on the composite apart.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Wanted {
    pub(super) wid: Option<At<u32>>,
    pub(super) hei: Option<At<u32>>,
    pub(super) fit: Option<At<Fit>>,
    pub(super) scl: Option<At<f64>>,
    pub(super) align: Option<Align>,
    pub(super) bgc: Option<Paint>,
    pub(super) rgn: Option<At<Window>>,
    pub(super) rect: Option<At<Tile>>,
    pub(super) qlt: Option<Qlt>,
    pub(super) jpeg_size: u32,
    pub(super) pscan: Option<u8>,
    pub(super) quantize: Option<Quantize>,
    pub(super) icc: Option<At<Icc>>,
    pub(super) icc_embed: At<bool>,
    pub(super) xmp_embed: bool,
    pub(super) path_embed: bool,
    pub(super) print_res: Option<f64>,
    pub(super) res_mode: Option<Kernel>,
    pub(super) dpr: Option<f64>,
    pub(super) req: At<Req>,
    pub(super) crop: Option<At<Crop>>,
    pub(super) size: Option<At<SizeBox>>,
    pub(super) scale: Option<At<f64>>,
    pub(super) res: Option<At<f64>>,
    pub(super) rotate: Option<At<f64>>,
    pub(super) extend: Option<At<Extend>>,
    pub(super) color: Option<Paint>,
    pub(super) bg_color: Option<Paint>,
    pub(super) mask: Option<At<String>>,
    pub(super) mask_use: MaskUse,
    pub(super) grow_mask: Option<GrowMask>,
    pub(super) layer: Scoped,
    pub(super) composite: Scoped,
}

/// What acts on layer 0 or on the composite, as the scope says.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Scoped {
    pub(super) flip: Option<Flip>,
    pub(super) sharpen: bool,
    pub(super) usm: Option<Usm>,
    /// Parts of 100 that show; `None` is all.
    pub(super) opacity: Option<f64>,
    pub(super) crop_path: Option<At<Vec<String>>>,
    pub(super) clip_path: Vec<String>,
    pub(super) clip_x_path: Vec<String>,
    pub(super) operations: Operations,
}

/// The image operations of one scope; `None` where they would do nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Operations {
    pub(super) invert: bool,
    pub(super) brightness: Option<i32>,
    pub(super) contrast: Option<i32>,
    pub(super) color_balance: Option<[i32; 3]>,
    pub(super) hue: Option<i32>,
    pub(super) saturation: Option<i32>,
    pub(super) colorize: Option<Colorize>,
    pub(super) grow: Option<i32>,
    pub(super) blur: Option<f64>,
    pub(super) noise: Option<Noise>,
}

impl Operations {
    /// Tells whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Tells whether one looks at all of the picture: at its median, or at where in it a pixel is.
    pub(super) fn looks_at_all(&self) -> bool {
        self.noise.is_some()
            || self.colorize.is_some_and(|colorize| colorize.levels == Levels::Norm)
    }

    fn put(&mut self, operation: Operation) {
        let some = |n: i32| (n != 0).then_some(n);
        match operation {
            Operation::Blur(radius) => self.blur = (radius > 0.0).then_some(radius),
            Operation::Brightness(amount) => self.brightness = some(amount),
            Operation::Contrast(amount) => self.contrast = some(amount),
            Operation::ColorBalance(amounts) => {
                self.color_balance = (amounts != [0; 3]).then_some(amounts);
            }
            Operation::Hue(degrees) => self.hue = some(degrees),
            Operation::Saturation(amount) => self.saturation = some(amount),
            Operation::Invert(on) => self.invert = on,
            Operation::Colorize(colorize) => self.colorize = Some(colorize),
            Operation::Grow(radius) => self.grow = some(radius),
            Operation::Noise(noise) => self.noise = (noise.percent > 0.0).then_some(noise),
        }
    }
}

impl Scoped {
    /// Tells whether pixels stay as they are, mirroring and sharpening apart.
    pub(super) fn touches_nothing(&self) -> bool {
        self.operations.is_empty()
            && self.opacity.is_none()
            && self.clip_path.is_empty()
            && self.clip_x_path.is_empty()
    }

    /// Tells whether there is any sharpening that changes pixels.
    pub(super) fn sharpens(&self) -> bool {
        self.sharpen || self.usm.is_some()
    }
}

impl Wanted {
    /// Sorts the settings into their fields.
    ///
    /// # Errors
    /// The first one that cannot be done for any source.
    pub(super) fn new(modifiers: &Modifiers) -> Result<Self, Diagnostic> {
        if let Some(finding) =
            modifiers.unsupported().into_iter().min_by_key(|finding| finding.span.start)
        {
            return Err(finding);
        }
        let mut wanted = Self::default();
        for (target, setting) in modifiers.iter() {
            match target {
                Target::Request => wanted.request(setting)?,
                Target::Composite => wanted.composite.put(setting)?,
                Target::Layer(0) => wanted.layer(setting)?,
                Target::Layer(_) | Target::Effect(..) => return Err(misplaced(setting)),
            }
        }
        Ok(wanted)
    }

    /// Takes what acts on request and view.
    fn request(&mut self, setting: &Setting) -> Result<(), Diagnostic> {
        let place = setting.place();
        match &setting.value {
            Value::Wid(value) => self.wid = Some(At { value: *value, place }),
            Value::Hei(value) => self.hei = Some(At { value: *value, place }),
            Value::Fit(value) => self.fit = Some(At { value: *value, place }),
            Value::Scl(value) => self.scl = Some(At { value: *value, place }),
            Value::Align(align) => self.align = Some(*align),
            Value::Bgc(paint) => self.bgc = Some(*paint),
            Value::Rgn(value) => self.rgn = Some(At { value: *value, place }),
            Value::Rect(value) => self.rect = Some(At { value: *value, place }),
            Value::Qlt(qlt) => self.qlt = Some(*qlt),
            Value::JpegSize(size) => self.jpeg_size = *size,
            Value::Pscan(scans) => self.pscan = *scans,
            Value::Quantize(quantize) => self.quantize = Some(quantize.clone()),
            Value::Icc(value) => self.icc = Some(At { value: value.clone(), place }),
            Value::IccEmbed(on) => self.icc_embed = At { value: *on, place },
            Value::XmpEmbed(on) => self.xmp_embed = *on,
            Value::PathEmbed(on) => self.path_embed = *on,
            Value::PrintRes(dpi) => self.print_res = Some(*dpi),
            Value::ResMode(kernel) => self.res_mode = Some(*kernel),
            Value::Dpr(ratio) => self.dpr = Some(*ratio),
            Value::Req(req) => self.req = At { value: *req, place },
            // Read by `Modifiers::fmt`; the others were looked at by `Modifiers::unsupported`.
            Value::Fmt(_) | Value::Other(..) => {}
            Value::Crop(_)
            | Value::Size(_)
            | Value::Scale(_)
            | Value::Res(_)
            | Value::Flip(_)
            | Value::Rotate(_)
            | Value::Extend(_)
            | Value::Color(_)
            | Value::BgColor(_)
            | Value::Opac(_)
            | Value::Mask(_)
            | Value::MaskUse(_)
            | Value::GrowMask(_)
            | Value::CropPath(_)
            | Value::ClipPath(_)
            | Value::ClipXPath(_)
            | Value::Operation(_)
            | Value::Usm(_)
            | Value::Sharpen(_) => return Err(misplaced(setting)),
        }
        Ok(())
    }

    /// Takes what acts on layer 0.
    fn layer(&mut self, setting: &Setting) -> Result<(), Diagnostic> {
        let place = setting.place();
        match &setting.value {
            Value::Crop(value) => self.crop = Some(At { value: *value, place }),
            Value::Size(value) => self.size = Some(At { value: *value, place }),
            Value::Scale(value) => self.scale = Some(At { value: *value, place }),
            Value::Res(value) => self.res = Some(At { value: *value, place }),
            Value::Rotate(value) => self.rotate = Some(At { value: *value, place }),
            Value::Extend(value) => self.extend = Some(At { value: *value, place }),
            Value::Color(paint) => self.color = Some(*paint),
            Value::BgColor(paint) => self.bg_color = Some(*paint),
            Value::Mask(object) => {
                self.mask = (!object.is_empty()).then(|| At { value: object.clone(), place });
            }
            Value::MaskUse(mask_use) => self.mask_use = *mask_use,
            Value::GrowMask(grow) => self.grow_mask = (grow.radius != 0).then_some(*grow),
            _ => self.layer.put(setting)?,
        }
        Ok(())
    }
}

impl Scoped {
    /// Takes what may act on either.
    fn put(&mut self, setting: &Setting) -> Result<(), Diagnostic> {
        match &setting.value {
            Value::Flip(flip) => self.flip = *flip,
            Value::Sharpen(on) => self.sharpen = *on,
            Value::Opac(Opacity { opacity, fill }) => {
                let percent = f64::from(*opacity) * f64::from(*fill) / 100.0;
                self.opacity = (percent < 100.0).then_some(percent);
            }
            Value::CropPath(names) => {
                let place = setting.place();
                self.crop_path = (!names.is_empty()).then(|| At { value: names.clone(), place });
            }
            Value::ClipPath(names) => self.clip_path.clone_from(names),
            Value::ClipXPath(names) => self.clip_x_path.clone_from(names),
            Value::Operation(operation) => self.operations.put(*operation),
            Value::Usm(usm) => {
                self.usm = (usm.amount > 0.0 && usm.radius > 0.0).then_some(*usm);
            }
            Value::Other(..) => {}
            _ => return Err(misplaced(setting)),
        }
        Ok(())
    }
}

/// Reports a value in a place the parser never puts it.
fn misplaced(setting: &Setting) -> Diagnostic {
    let message = phrase!(
        "no-meaning-here",
        "`{command}` has no meaning here",
        command = setting.value.name()
    );
    Diagnostic::error(Code::Other, setting.place(), message)
        .help(phrase!("leave-it-out", "leave it out"))
}
