//! The modifier language: the commands behind the `?` of an Image Serving request.
//!
//! ```text
//! "wid=500&$web$"  ──parse──▶  Modifiers  ──over──▶  Modifiers  ──plan──▶  Plan
//!  what was written             typed, last wins     with the catalogue's    (super::plan)
//!                                                    defaults below
//! ```
//!
//! This module knows the grammar and every command of the reference, and no pixels: what a command
//! means for a certain picture is decided in [`super::plan`]. [`parse()`] never fails. It returns
//! what it understood and a list of findings with their places in the text; what a finding stops
//! is the caller's policy.
//!
//! A request is a small program: `layer=` and `effect=` select what the commands behind them act
//! on, `$name=` defines a variable for what follows, `$name$` stands for the text of a preset, and
//! of two commands that set one attribute the later one wins. [`Modifiers`] is what is left when
//! all of that has been done: for each target and attribute one typed [`Value`]. Its `Display` form
//! is a request that means the same.
//!
//! * [`commands`]: the table, one entry per command of the reference.
//! * [`values`]: the types of the values.
//! * `reader`: presets, variables, scopes; `text`: splitting and decoding; `expand`: presets
//!   written out for people.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use crate::diag::{Code, Diagnostic, Phrase, phrase};

pub mod commands;
mod expand;
mod reader;
mod text;
pub mod values;

pub use commands::{Binding, Class, Command, Concerns, Group, Support, find, table};
pub use expand::expand;
pub use reader::parse;
pub use text::encode;

use values::{
    Align, Crop, Extend, Fit, FitMode, Flip, Fmt, Format, GrowMask, Icc, Kernel, MaskUse, Opacity,
    Operation, Paint, PaletteKind, Qlt, Quantize, RadiusOf, Req, SizeBox, Tile, Usm, Window, list,
    name_of,
};

/// The presets a request may name as `$name$`: the definition of each, or why it cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Presets(BTreeMap<String, Result<String, Phrase>>);

impl Presets {
    /// Collects presets from names and definitions; names are the same in any case.
    pub fn new<N: AsRef<str>, D: Into<String>>(presets: impl IntoIterator<Item = (N, D)>) -> Self {
        let mut all = Self::default();
        for (name, text) in presets {
            all.put(name.as_ref(), Ok(text.into()));
        }
        all
    }

    /// Adds a preset, in the place of one that has its name; one that cannot be used has a reason
    /// that begins with a verb instead of a definition.
    pub fn put(&mut self, name: &str, definition: Result<String, Phrase>) {
        self.0.insert(name.to_ascii_lowercase(), definition);
    }

    /// Returns the definition of a preset, or why it cannot be used.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Result<&str, &Phrase>> {
        let found = self.0.get(&name.to_ascii_lowercase())?;
        Some(found.as_ref().map(String::as_str))
    }

    /// Returns the names, in lower case and sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl From<&BTreeMap<String, String>> for Presets {
    fn from(presets: &BTreeMap<String, String>) -> Self {
        Self::new(presets)
    }
}

/// How much the parser lets pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// Unknown commands are errors instead of warnings.
    pub strict: bool,
    /// Numbers out of range are clamped with a warning instead of refused.
    pub lenient: bool,
}

/// What [`parse()`] understood, and what it found on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The commands that were understood.
    pub modifiers: Modifiers,
    /// What is to be said of the text; spans are byte offsets in the text as given, and what is
    /// inside of a preset points at its `$name$`.
    pub findings: Vec<Diagnostic>,
}

impl Parsed {
    /// Returns the first error of the text, if there is any.
    #[must_use]
    pub fn error(&self) -> Option<&Diagnostic> {
        self.findings.iter().filter(|finding| finding.is_error()).min_by_key(|f| f.span.start)
    }
}

/// What a command acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The request and the view.
    Request,
    /// The composite, or the finished view.
    Composite,
    /// One layer.
    Layer(u32),
    /// An effect of a layer, or of the composite.
    Effect(Option<u32>, i32),
}

impl Target {
    /// Tells whether a picture of a single layer has this.
    #[must_use]
    pub const fn is_single_layer(self) -> bool {
        matches!(self, Self::Request | Self::Composite | Self::Layer(0))
    }
}

/// One command with its value, as understood.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `wid`: pixels, more than 0.
    Wid(u32),
    /// `hei`: pixels, more than 0.
    Hei(u32),
    /// `fit`.
    Fit(Fit),
    /// `scl`: reduction, more than 0.
    Scl(f64),
    /// `align`.
    Align(Align),
    /// `bgc`.
    Bgc(Paint),
    /// `rgn`.
    Rgn(Window),
    /// `rect`.
    Rect(Tile),
    /// `fmt`.
    Fmt(Fmt),
    /// `qlt`.
    Qlt(Qlt),
    /// `jpegSize`: 1,024 bytes each; 0 is no limit.
    JpegSize(u32),
    /// `pscan`: scans of a progressive JPEG, 3 to 5; `None` leaves it to the writer.
    Pscan(Option<u8>),
    /// `quantize`.
    Quantize(Quantize),
    /// `icc`.
    Icc(Icc),
    /// `iccEmbed`.
    IccEmbed(bool),
    /// `xmpEmbed`.
    XmpEmbed(bool),
    /// `pathEmbed`.
    PathEmbed(bool),
    /// `printRes`: dots per inch, more than 0.
    PrintRes(f64),
    /// `resMode`.
    ResMode(Kernel),
    /// `dpr`: factor, more than 0; 1 is off.
    Dpr(f64),
    /// `req`.
    Req(Req),
    /// `crop`, `cropN`.
    Crop(Crop),
    /// `size`.
    Size(SizeBox),
    /// `scale`: factor, more than 0.
    Scale(f64),
    /// `res`: in the unit of the source's `Resolution`, more than 0.
    Res(f64),
    /// `flip`; `None` undoes one of lower precedence.
    Flip(Option<Flip>),
    /// `rotate`: degrees, clockwise.
    Rotate(f64),
    /// `extend`, `extendN`.
    Extend(Extend),
    /// `color`.
    Color(Paint),
    /// `bgColor`.
    BgColor(Paint),
    /// `opac`.
    Opac(Opacity),
    /// `mask`: the object the mask is made of.
    Mask(String),
    /// `maskUse`.
    MaskUse(MaskUse),
    /// `op_growMask`, `op_growMaskR`.
    GrowMask(GrowMask),
    /// `cropPathE`: names of embedded paths; none undoes one of lower precedence.
    CropPath(Vec<String>),
    /// `clipPathE`: names of embedded paths.
    ClipPath(Vec<String>),
    /// `clipXPathE`: names of embedded paths.
    ClipXPath(Vec<String>),
    /// The image operations that change more than sharpness.
    Operation(Operation),
    /// `op_usm`, `op_usmR`.
    Usm(Usm),
    /// `op_sharpen`.
    Sharpen(bool),
    /// A command of the reference that is not built yet, with its value as written.
    Other(&'static Command, String),
}

impl Value {
    /// Returns the name of the command that has this value.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Wid(_) => "wid",
            Self::Hei(_) => "hei",
            Self::Fit(_) => "fit",
            Self::Scl(_) => "scl",
            Self::Align(_) => "align",
            Self::Bgc(_) => "bgc",
            Self::Rgn(_) => "rgn",
            Self::Rect(_) => "rect",
            Self::Fmt(_) => "fmt",
            Self::Qlt(_) => "qlt",
            Self::JpegSize(_) => "jpegSize",
            Self::Pscan(_) => "pscan",
            Self::Quantize(_) => "quantize",
            Self::Icc(_) => "icc",
            Self::IccEmbed(_) => "iccEmbed",
            Self::XmpEmbed(_) => "xmpEmbed",
            Self::PathEmbed(_) => "pathEmbed",
            Self::PrintRes(_) => "printRes",
            Self::ResMode(_) => "resMode",
            Self::Dpr(_) => "dpr",
            Self::Req(_) => "req",
            Self::Crop(Crop::Normalised(_)) => "cropN",
            Self::Crop(_) => "crop",
            Self::Size(_) => "size",
            Self::Scale(_) => "scale",
            Self::Res(_) => "res",
            Self::Flip(_) => "flip",
            Self::Rotate(_) => "rotate",
            Self::Extend(Extend::Pixels(_)) => "extend",
            Self::Extend(Extend::Normalised(_)) => "extendN",
            Self::Color(_) => "color",
            Self::BgColor(_) => "bgColor",
            Self::Opac(_) => "opac",
            Self::Mask(_) => "mask",
            Self::MaskUse(_) => "maskUse",
            Self::GrowMask(GrowMask { radius_of: RadiusOf::Source, .. }) => "op_growMask",
            Self::GrowMask(GrowMask { radius_of: RadiusOf::Present, .. }) => "op_growMaskR",
            Self::CropPath(_) => "cropPathE",
            Self::ClipPath(_) => "clipPathE",
            Self::ClipXPath(_) => "clipXPathE",
            Self::Operation(operation) => operation.name(),
            Self::Usm(Usm { radius_of: RadiusOf::Source, .. }) => "op_usm",
            Self::Usm(Usm { radius_of: RadiusOf::Present, .. }) => "op_usmR",
            Self::Sharpen(_) => "op_sharpen",
            Self::Other(command, _) => command.name,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wid(n) | Self::Hei(n) | Self::JpegSize(n) => write!(f, "{n}"),
            Self::Fit(Fit { mode, upscale }) => {
                write!(f, "{},{}", name_of(&FitMode::NAMES, mode), u8::from(*upscale))
            }
            Self::Scl(x) | Self::PrintRes(x) | Self::Scale(x) | Self::Res(x) | Self::Rotate(x) => {
                write!(f, "{x}")
            }
            Self::Align(Align { h, v }) => write!(f, "{h},{v}"),
            Self::Bgc(paint) | Self::Color(paint) | Self::BgColor(paint) => write!(f, "{paint}"),
            Self::Pscan(Some(scans)) => write!(f, "{scans}"),
            Self::Pscan(None) => f.write_str("auto"),
            Self::Quantize(quantize) => write!(f, "{quantize}"),
            Self::Opac(Opacity { opacity, fill }) => write!(f, "{opacity},{fill}"),
            Self::Mask(object) => write!(f, "{}", text::encode(object)),
            Self::MaskUse(mask_use) => f.write_str(name_of(&MaskUse::NAMES, mask_use)),
            Self::GrowMask(GrowMask { radius, .. }) => write!(f, "{radius}"),
            Self::CropPath(names) | Self::ClipPath(names) | Self::ClipXPath(names) => {
                let names: Vec<String> = names.iter().map(|name| text::encode(name)).collect();
                list(f, &names)
            }
            Self::Operation(operation) => write!(f, "{operation}"),
            Self::Rgn(window) => print_window(f, *window),
            Self::Rect(Tile { window, scale }) => {
                print_window(f, *window)?;
                write!(f, ",{scale}")
            }
            Self::Fmt(fmt) => write!(f, "{fmt}"),
            Self::Qlt(Qlt { quality, full_chroma }) => {
                write!(f, "{quality},{}", u8::from(*full_chroma))
            }
            Self::Icc(icc) => print_icc(f, icc),
            Self::IccEmbed(on) | Self::XmpEmbed(on) | Self::PathEmbed(on) | Self::Sharpen(on) => {
                write!(f, "{}", u8::from(*on))
            }
            Self::ResMode(kernel) => write!(f, "{kernel}"),
            Self::Dpr(ratio) => write!(f, "on,{ratio}"),
            Self::Req(Req::Img) => f.write_str("img"),
            Self::Req(Req::Mask) => f.write_str("mask"),
            Self::Req(Req::Tmb) => f.write_str("tmb"),
            Self::Crop(Crop::Whole) => f.write_str("0,0,0,0"),
            Self::Crop(Crop::Pixels(window)) => print_window(f, *window),
            Self::Crop(Crop::Normalised(parts)) | Self::Extend(Extend::Normalised(parts)) => {
                list(f, parts)
            }
            Self::Size(SizeBox { width, height }) => write!(f, "{width},{height}"),
            Self::Flip(Some(flip)) => write!(f, "{flip}"),
            Self::Flip(None) => Ok(()),
            Self::Extend(Extend::Pixels(margins)) => list(f, margins),
            Self::Usm(Usm { amount, radius, threshold, mono, .. }) => {
                write!(f, "{amount},{radius},{threshold},{}", u8::from(*mono))
            }
            Self::Other(_, text) => write!(f, "{}", text::encode(text)),
        }
    }
}

/// Writes x, y, width, height.
fn print_window(f: &mut fmt::Formatter<'_>, window: Window) -> fmt::Result {
    write!(f, "{},{},{},{}", window.x, window.y, window.width, window.height)
}

/// Writes the value of `icc` with empties for what was not given.
fn print_icc(f: &mut fmt::Formatter<'_>, icc: &Icc) -> fmt::Result {
    let Icc { profile, intent, bpc, dither } = icc;
    let intent = intent.as_ref().map_or("", |intent| name_of(&values::Intent::NAMES, intent));
    let flag = |flag: &Option<bool>| flag.map_or("", |on| if on { "1" } else { "0" });
    write!(f, "{},{intent},{},{}", text::encode(profile), flag(bpc), flag(dither))
}

/// A value and where it was written.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The value.
    pub value: Value,
    /// Bytes of the text that was parsed; `None` when it came from another text.
    pub span: Option<Range<usize>>,
}

impl Setting {
    /// Returns the place a finding about this value points at.
    #[must_use]
    pub fn place(&self) -> Range<usize> {
        self.span.clone().unwrap_or(0..0)
    }
}

/// Two settings are equal when they set the same, wherever that was written.
impl PartialEq for Setting {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// What a request asks for: one value for each target and attribute.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Modifiers {
    settings: BTreeMap<(Target, &'static str), Setting>,
}

impl Modifiers {
    /// Sets a value; what set the same attribute before is replaced and returned.
    pub(super) fn set(
        &mut self,
        target: Target,
        command: &Command,
        setting: Setting,
    ) -> Option<Setting> {
        self.settings.insert((target, command.attribute()), setting)
    }

    /// Lays these over defaults: where both set an attribute, these win.
    ///
    /// Spans of the defaults are dropped, as they are places in another text.
    #[must_use]
    pub fn over(mut self, defaults: &Self) -> Self {
        for (key, setting) in &defaults.settings {
            let inherited = || Setting { value: setting.value.clone(), span: None };
            self.settings.entry(*key).or_insert_with(inherited);
        }
        self
    }

    /// Lays these under others: where both set an attribute, those win.
    ///
    /// Spans of the others are dropped, as they are places in another text.
    #[must_use]
    pub fn under(mut self, others: &Self) -> Self {
        for (key, setting) in &others.settings {
            let value = setting.value.clone();
            self.settings.insert(*key, Setting { value, span: None });
        }
        self
    }

    /// Tells whether these set what a command sets on a target.
    #[must_use]
    pub fn sets(&self, target: Target, command: &str) -> bool {
        find(command)
            .is_some_and(|command| self.settings.contains_key(&(target, command.attribute())))
    }

    /// Tells whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty()
    }

    /// Returns every setting with its target.
    pub fn iter(&self) -> impl Iterator<Item = (Target, &Setting)> {
        self.settings.iter().map(|((target, _), setting)| (*target, setting))
    }

    /// Returns the value of `fmt`.
    #[must_use]
    pub fn fmt(&self) -> Fmt {
        match self.settings.get(&(Target::Request, "fmt")).map(|setting| &setting.value) {
            Some(Value::Fmt(fmt)) => *fmt,
            Some(_) | None => Fmt::DEFAULT,
        }
    }

    /// Returns the profile that `icc` names.
    #[must_use]
    pub fn profile(&self) -> Option<&str> {
        match self.settings.get(&(Target::Request, "icc")).map(|setting| &setting.value) {
            Some(Value::Icc(icc)) => Some(&icc.profile),
            Some(_) | None => None,
        }
    }

    /// Lists what is asked for and cannot be done for any source: commands, formats and layers
    /// that are not built yet or have no place in an export.
    #[must_use]
    pub fn unsupported(&self) -> Vec<Diagnostic> {
        let mut findings = self.unsupported_on_single_layer();
        let upper = self.iter().find(|(target, _)| !target.is_single_layer());
        if let Some((target, setting)) = upper {
            findings.push(upper_target(target, setting.place()));
        }
        findings
    }

    /// As [`Self::unsupported`], without what belongs to further layers and effects.
    fn unsupported_on_single_layer(&self) -> Vec<Diagnostic> {
        let format = self.fmt().format;
        self.iter()
            .filter(|(target, _)| target.is_single_layer())
            .filter_map(|(_, setting)| {
                let (message, help) = refusal(&setting.value, format)?;
                let error = Diagnostic::error(Code::Value, setting.place(), message);
                Some(Diagnostic { help, ..error })
            })
            .collect()
    }
}

/// Makes the error for a layer or an effect that is not built yet.
fn upper_target(target: Target, span: Range<usize>) -> Diagnostic {
    let message = match target {
        Target::Effect(..) => phrase!("no-effects", "effects are not supported yet"),
        Target::Layer(_) | Target::Request | Target::Composite => {
            phrase!("no-upper-layers", "layers above 0 are not supported yet")
        }
    };
    Diagnostic::error(Code::Value, span, message).help(phrase!("leave-it-out", "leave it out"))
}

/// Returns why a value cannot be done, and what to write instead.
fn refusal(value: &Value, format: Format) -> Option<(Phrase, Option<Phrase>)> {
    match value {
        Value::Fmt(fmt) => refused_format(*fmt),
        Value::Quantize(Quantize { palette: PaletteKind::Mac, .. })
            if format.has_palette() && format.entry().alpha =>
        {
            let message = phrase!(
                "no-room-for-key-colour",
                "`quantize=mac` leaves no room for the key colour of {format}",
                format = format.entry().name
            );
            Some((message, Some(phrase!("use-adaptive", "use adaptive or web"))))
        }
        Value::Other(command, text) => (command.concerns.format(format)
            && !command.is_neutral(text))
        .then(|| {
            let leave_out = phrase!("leave-out", "leave `{command}` out", command = command.name);
            (not_yet(command.name), Some(leave_out))
        }),
        _ => None,
    }
}

fn not_yet(what: &str) -> Phrase {
    phrase!("not-supported-yet", "`{what}` is not supported yet", what = what)
}

fn one_of_three([first, second, third]: &[String; 3]) -> Phrase {
    phrase!(
        "use-one-of-three",
        "use {first}, {second} or {third}",
        first = first,
        second = second,
        third = third,
    )
}

/// Returns why a format cannot be written.
fn refused_format(fmt: Fmt) -> Option<(Phrase, Option<Phrase>)> {
    let entry = fmt.format.entry();
    let supported = || {
        let names = Format::table().iter().filter(|e| e.support == Support::Supported);
        let names: Vec<&str> = names.map(|e| e.name).collect();
        Some(phrase!("supported-are", "supported are {formats}", formats = names.join(", ")))
    };
    match entry.support {
        Support::Refused => {
            let what = match fmt.format {
                Format::F4m | Format::M3u8 => phrase!("a-playlist", "a playlist of a video server"),
                _ => "Flash".into(),
            };
            let message = phrase!(
                "format-refused",
                "`fmt={format}` is {what} and cannot be exported",
                format = entry.name,
                what = what,
            );
            Some((message, supported()))
        }
        Support::NotYet => Some((not_yet(&format!("fmt={}", entry.name)), supported())),
        Support::NotInThisBuild => {
            let instead = match (fmt.format, entry.alpha) {
                (Format::Heic, _) => {
                    ["fmt=png", "fmt=webp,,lossless", "fmt=jpeg2000,,lossless"].map(str::to_owned)
                }
                (_, true) => {
                    ["fmt=webp-alpha", "fmt=avif-alpha", "fmt=jpeg2000-alpha"].map(str::to_owned)
                }
                (_, false) => ["fmt=webp", "fmt=avif", "fmt=jpeg2000"].map(str::to_owned),
            };
            let message = phrase!(
                "not-in-this-build",
                "`fmt={format}` is not supported by this installation",
                format = entry.name
            );
            Some((message, Some(one_of_three(&instead))))
        }
        Support::Supported
            if matches!(fmt.format, Format::Avif | Format::AvifAlpha)
                && fmt.compression == Some(values::Compression::Lossless) =>
        {
            let alpha = if entry.alpha { "-alpha" } else { "" };
            let message = phrase!(
                "no-lossless-avif",
                "`fmt={format}`: lossless AVIF is not supported by this installation",
                format = fmt.to_string()
            );
            let instead = [
                format!("fmt=webp{alpha},,lossless"),
                format!("fmt=jpeg2000{alpha},,lossless"),
                format!("fmt=png{alpha}"),
            ];
            Some((message, Some(one_of_three(&instead))))
        }
        Support::Supported | Support::Ignored | Support::IgnoredWithWarning => None,
    }
}

impl fmt::Display for Modifiers {
    /// Writes a request that parses to the same modifiers: what needs no layer first, then what
    /// has to say that it means layer 0, then further layers and effects.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |target: Target, value: &Value| match target {
            Target::Request | Target::Composite => true,
            Target::Layer(0) => {
                find(value.name()).is_some_and(|command| command.binding == Binding::Layer0)
            }
            Target::Layer(_) | Target::Effect(..) => false,
        };
        let mut separator = "";
        for (target, Setting { value, .. }) in self.iter() {
            if is_plain(target, value) {
                write!(f, "{separator}{}={value}", value.name())?;
                separator = "&";
            }
        }
        let mut selected = None;
        for (target, Setting { value, .. }) in self.iter() {
            if is_plain(target, value) {
                continue;
            }
            if selected != Some(target) {
                write!(f, "{separator}")?;
                match target {
                    Target::Layer(n) => write!(f, "layer={n}")?,
                    Target::Effect(Some(layer), n) => write!(f, "layer={layer}&effect={n}")?,
                    Target::Effect(None, n) => write!(f, "layer=comp&effect={n}")?,
                    Target::Request | Target::Composite => {}
                }
                selected = Some(target);
            }
            write!(f, "&{}={value}", value.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
