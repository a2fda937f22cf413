//! The settings of a single-layer picture, each in a field of its own.
//!
//! This is where the compiler stops when a command gets a value: [`Wanted::new`] matches every
//! one.

use std::ops::Range;

use crate::diag::{Code, Diagnostic};
use crate::imaging::modifiers::values::{
    Align, Crop, Extend, Fit, Flip, Icc, Kernel, Paint, Qlt, Req, SizeBox, Tile, Usm, Window,
};
use crate::imaging::modifiers::{Modifiers, Setting, Target, Value};

/// A value and the place a finding about it points at.
#[derive(Debug, Clone, PartialEq)]
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
    pub(super) icc: Option<At<Icc>>,
    pub(super) icc_embed: bool,
    pub(super) print_res: Option<f64>,
    pub(super) res_mode: Option<Kernel>,
    pub(super) dpr: Option<f64>,
    pub(super) mask: bool,
    pub(super) crop: Option<At<Crop>>,
    pub(super) size: Option<At<SizeBox>>,
    pub(super) scale: Option<At<f64>>,
    pub(super) res: Option<At<f64>>,
    pub(super) rotate: Option<At<f64>>,
    pub(super) extend: Option<At<Extend>>,
    pub(super) bg_color: Option<Paint>,
    pub(super) layer: Scoped,
    pub(super) composite: Scoped,
}

/// What acts on layer 0 or on the composite, as the scope says.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Scoped {
    pub(super) flip: Option<Flip>,
    pub(super) sharpen: bool,
    pub(super) usm: Option<Usm>,
}

impl Scoped {
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
            Value::Icc(value) => self.icc = Some(At { value: value.clone(), place }),
            Value::IccEmbed(on) => self.icc_embed = *on,
            Value::PrintRes(dpi) => self.print_res = Some(*dpi),
            Value::ResMode(kernel) => self.res_mode = Some(*kernel),
            Value::Dpr(ratio) => self.dpr = Some(*ratio),
            Value::Req(req) => self.mask = *req == Req::Mask,
            // Read by `Modifiers::fmt`; the others were looked at by `Modifiers::unsupported`.
            Value::Fmt(_) | Value::Other(..) => {}
            Value::Crop(_)
            | Value::Size(_)
            | Value::Scale(_)
            | Value::Res(_)
            | Value::Flip(_)
            | Value::Rotate(_)
            | Value::Extend(_)
            | Value::BgColor(_)
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
            Value::BgColor(paint) => self.bg_color = Some(*paint),
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
    let message = format!("`{}` has no meaning here", setting.value.name());
    Diagnostic::error(Code::Other, setting.place(), message)
}
