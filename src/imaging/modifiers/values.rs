//! The values commands take: typed, checked, and printed in the form the grammar reads back.
//!
//! A value of a type of this module is one the reference allows; what it does to a picture is
//! decided in [`super::super::plan`]. Numbers keep the unit of the request (pixels, factors,
//! degrees); nothing here has been combined with a source yet.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::imaging::PixelType;

mod format;
mod operation;
mod palette;

pub(in crate::imaging) use format::PIXEL_TYPES;
pub use format::{Compression, Fmt, Format, FormatEntry};
pub use operation::{Colorize, Distribution, GrowMask, Levels, MaskUse, Noise, Opacity, Operation};
pub use palette::{PaletteKind, Quantize};

/// The resampling filter (`resMode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kernel {
    /// Triangle.
    Bilin,
    /// Cubic with a = −0.5 (Catmull–Rom).
    Bicub,
    /// Lanczos with three lobes.
    Sharp2,
    /// Cubic with a = −0.75.
    Bisharp,
}

impl Kernel {
    /// Returns how far the filter reaches from its centre, in source pixels of an enlargement.
    #[must_use]
    pub const fn reach(self) -> u32 {
        match self {
            Self::Bilin => 1,
            Self::Bicub | Self::Bisharp => 2,
            Self::Sharp2 => 3,
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bilin => "bilin",
            Self::Bicub => "bicub",
            Self::Sharp2 => "sharp2",
            Self::Bisharp => "bisharp",
        })
    }
}

/// Mirror axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flip {
    /// Left and right change places.
    Lr,
    /// Top and bottom change places.
    Ud,
    /// Both.
    Lrud,
}

impl fmt::Display for Flip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lr => "lr",
            Self::Ud => "ud",
            Self::Lrud => "lrud",
        })
    }
}

/// A colour as a command gave it, components in 0–255 (CMYK too), not premultiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Color {
    /// Meaning of `components`.
    pub pixel_type: PixelType,
    /// The first [`PixelType::components`] count; the others are 0.
    pub components: [u8; 4],
    /// 255 is opaque.
    pub alpha: u8,
}

impl Color {
    /// Makes an opaque colour of red, green and blue.
    #[must_use]
    pub const fn rgb([r, g, b]: [u8; 3]) -> Self {
        Self { pixel_type: PixelType::Rgb, components: [r, g, b, 0], alpha: 255 }
    }

    /// Makes an opaque gray.
    #[must_use]
    pub const fn gray(level: u8) -> Self {
        Self { pixel_type: PixelType::Gray, components: [level, 0, 0, 0], alpha: 255 }
    }

    /// Converts without colour management: gray is Rec. 601 luma, black ink is the minimum of the
    /// three others, red is (1 − c)(1 − k).
    #[must_use]
    pub fn naive(self, to: PixelType) -> Self {
        if self.pixel_type == to {
            return self;
        }
        let [a, b, c, d] = self.components;
        let [r, g, b] = match self.pixel_type {
            PixelType::Gray => [a; 3],
            PixelType::Rgb => [a, b, c],
            PixelType::Cmyk => [a, b, c].map(|ink| over_255(255 - ink, 255 - d)),
        };
        let components = match to {
            PixelType::Gray => [luma(r, g, b), 0, 0, 0],
            PixelType::Rgb => [r, g, b, 0],
            PixelType::Cmyk => {
                let inks = [255 - r, 255 - g, 255 - b];
                let black = inks[0].min(inks[1]).min(inks[2]);
                let [c, m, y] = inks.map(|ink| without_black(ink, black));
                [c, m, y, black]
            }
        };
        Self { pixel_type: to, components, alpha: self.alpha }
    }
}

/// Returns a·b/255, rounded.
fn over_255(a: u8, b: u8) -> u8 {
    let product = (u32::from(a) * u32::from(b) + 127) / 255;
    u8::try_from(product).unwrap_or(u8::MAX)
}

/// Returns the part of an ink that black does not print: (ink − k)/(1 − k).
fn without_black(ink: u8, black: u8) -> u8 {
    let white = 255 - u32::from(black);
    if white == 0 {
        return 0;
    }
    let part = (u32::from(ink - black) * 255 + white / 2) / white;
    u8::try_from(part).unwrap_or(u8::MAX)
}

/// Returns 0.299 r + 0.587 g + 0.114 b, rounded.
fn luma(r: u8, g: u8, b: u8) -> u8 {
    let sum = 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b);
    u8::try_from((sum + 500) / 1000).unwrap_or(u8::MAX)
}

/// A colour argument: the colour and the space it is meant in (reference page *color*).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// The colour.
    pub color: Color,
    /// Whose colour space it is in.
    pub space: PaintSpace,
}

/// Whose colour space a colour argument is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaintSpace {
    /// The reply's.
    Output,
    /// The source's (the suffix `s`).
    Source,
}

impl fmt::Display for Paint {
    /// Writes hexadecimal for gray and RGB, percentages for CMYK.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Color { pixel_type, components: [a, b, c, d], alpha } = self.color;
        match pixel_type {
            PixelType::Gray | PixelType::Rgb => {
                if pixel_type == PixelType::Gray {
                    write!(f, "0x{a:02x}")?;
                } else {
                    write!(f, "{a:02x}{b:02x}{c:02x}")?;
                }
                if alpha != 255 {
                    write!(f, "{alpha:02x}")?;
                }
                f.write_str(if pixel_type == PixelType::Gray { "g" } else { "" })?;
            }
            PixelType::Cmyk => {
                let [c1, m, y, k] = [a, b, c, d].map(percent);
                write!(f, "{c1},{m},{y},{k}")?;
                if alpha != 255 {
                    write!(f, ",{}", percent(alpha))?;
                }
                f.write_str("k")?;
            }
        }
        f.write_str(match self.space {
            PaintSpace::Output => "",
            PaintSpace::Source => "s",
        })
    }
}

/// Returns a component as a percentage of 255.
fn percent(component: u8) -> f64 {
    f64::from(component) * 100.0 / 255.0
}

/// What `fit` does with a picture whose aspect is not the view's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FitMode {
    /// Shows all of it; bars fill the rest.
    Fit,
    /// Shows all of it; the reply shrinks to it.
    Constrain,
    /// Fills the view; what does not fit is cut.
    Crop,
    /// Fills the view; the reply grows to all of it.
    Wrap,
    /// Fills the view with a factor for each axis.
    Stretch,
    /// Fits the width.
    Hfit,
    /// Fits the height.
    Vfit,
}

impl FitMode {
    /// Every mode with its name.
    pub const NAMES: [(&'static str, Self); 7] = [
        ("fit", Self::Fit),
        ("constrain", Self::Constrain),
        ("crop", Self::Crop),
        ("wrap", Self::Wrap),
        ("stretch", Self::Stretch),
        ("hfit", Self::Hfit),
        ("vfit", Self::Vfit),
    ];
}

/// The value of `fit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    /// What to do.
    pub mode: FitMode,
    /// Whether the picture may be enlarged for it.
    pub upscale: bool,
}

impl Fit {
    /// What holds without the command.
    pub const DEFAULT: Self = Self { mode: FitMode::Fit, upscale: false };
}

/// The value of `align`: −1 is left or top, 0 centre, 1 right or bottom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Align {
    /// Horizontal, −1 to 1.
    pub h: f64,
    /// Vertical, −1 to 1.
    pub v: f64,
}

/// A rectangle that a command names, in pixels; width and height are at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Left edge.
    pub x: i64,
    /// Top edge.
    pub y: i64,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// The value of `rect`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tile {
    /// The part of the view, in pixels after `scale`.
    pub window: Window,
    /// Factor applied to the view first.
    pub scale: f64,
}

/// The value of `crop` and `cropN`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Crop {
    /// All of the source (width and height 0).
    Whole,
    /// A rectangle in source pixels.
    Pixels(Window),
    /// x, y, width, height as parts of the source's size; width and height are more than 0.
    Normalised([f64; 4]),
}

/// The value of `extend` and `extendN`: left, top, right, bottom; negative cuts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Extend {
    /// In pixels.
    Pixels([i64; 4]),
    /// As parts of the layer's size after rotation.
    Normalised([f64; 4]),
}

/// The value of `size`: 0 is derived from the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeBox {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// The value of `qlt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Qlt {
    /// 1–100.
    pub quality: u8,
    /// Whether chroma keeps its full resolution.
    pub full_chroma: bool,
}

/// The value of `op_usm` and `op_usmR`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usm {
    /// 0–5.
    pub amount: f64,
    /// 0–250 pixels.
    pub radius: f64,
    /// 0–255 levels.
    pub threshold: f64,
    /// Brightness only.
    pub mono: bool,
    /// What the radius counts.
    pub radius_of: RadiusOf,
}

/// What pixels a radius counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RadiusOf {
    /// Pixels of the full-size source (`op_usm`).
    Source,
    /// Pixels as they are when the operation runs (`op_usmR`).
    Present,
}

/// What a request asks for (`req`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Req {
    /// The picture.
    #[default]
    Img,
    /// Its alpha, as gray.
    Mask,
    /// A thumbnail.
    Tmb,
}

/// Rendering intents of `icc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Intent {
    /// Perceptual.
    Perceptual,
    /// Relative colorimetric.
    Relative,
    /// Saturation.
    Saturation,
    /// Absolute colorimetric.
    Absolute,
}

impl Intent {
    /// Every intent with its name.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("perceptual", Self::Perceptual),
        ("relative", Self::Relative),
        ("saturation", Self::Saturation),
        ("absolute", Self::Absolute),
    ];
}

impl fmt::Display for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&Self::NAMES, self))
    }
}

/// The value of `icc`; what was not given is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Icc {
    /// Name or path of the profile.
    pub profile: String,
    /// Rendering intent.
    pub intent: Option<Intent>,
    /// Black point compensation.
    pub bpc: Option<bool>,
    /// Error diffusion.
    pub dither: Option<bool>,
}

/// Returns the name that stands for a value in a list of names.
pub(super) fn name_of<T: PartialEq>(
    names: &'static [(&'static str, T)],
    value: &T,
) -> &'static str {
    names.iter().find(|(_, v)| v == value).map_or("", |(name, _)| name)
}

/// Writes numbers with commas between them.
pub(super) fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, numbers: &[T]) -> fmt::Result {
    for (n, number) in numbers.iter().enumerate() {
        if n > 0 {
            f.write_str(",")?;
        }
        write!(f, "{number}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn naive_conversions_keep_black_white_and_gray() {
        for level in [0, 1, 77, 254, 255] {
            let gray = Color::gray(level);
            let rgb = gray.naive(PixelType::Rgb);
            assert_eq!(rgb, Color::rgb([level; 3]));
            assert_eq!(rgb.naive(PixelType::Gray), gray);
            assert_eq!(rgb.naive(PixelType::Cmyk).naive(PixelType::Rgb), rgb);
        }
    }

    #[test]
    fn red_has_no_cyan_and_no_black() {
        let red = Color::rgb([255, 0, 0]).naive(PixelType::Cmyk);
        assert_eq!(red.components, [0, 255, 255, 0]);
        assert_eq!(red.naive(PixelType::Rgb), Color::rgb([255, 0, 0]));
    }
}
