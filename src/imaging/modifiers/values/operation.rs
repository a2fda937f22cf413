//! The values of image operations (`op_*`), each with the range the reference allows.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{RadiusOf, list, name_of};

/// What one image operation does; 0 is always nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Operation {
    /// `op_blur`: standard deviation of the Gaussian in composite pixels, 0–100.
    Blur(f64),
    /// `op_brightness`: −100–100.
    Brightness(i32),
    /// `op_contrast`: −100–100.
    Contrast(i32),
    /// `op_colorbalance`: red, green, blue, −100–100 each.
    ColorBalance([i32; 3]),
    /// `op_hue`: degrees, −180–180.
    Hue(i32),
    /// `op_saturation`: −100–100.
    Saturation(i32),
    /// `op_invert`.
    Invert(bool),
    /// `op_colorize`.
    Colorize(Colorize),
    /// `op_grow`: composite pixels, −100–100.
    Grow(i32),
    /// `op_noise`.
    Noise(Noise),
}

impl Operation {
    /// Returns the name of the command.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blur(_) => "op_blur",
            Self::Brightness(_) => "op_brightness",
            Self::Contrast(_) => "op_contrast",
            Self::ColorBalance(_) => "op_colorbalance",
            Self::Hue(_) => "op_hue",
            Self::Saturation(_) => "op_saturation",
            Self::Invert(_) => "op_invert",
            Self::Colorize(_) => "op_colorize",
            Self::Grow(_) => "op_grow",
            Self::Noise(_) => "op_noise",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blur(radius) => write!(f, "{radius}"),
            Self::Brightness(n)
            | Self::Contrast(n)
            | Self::Hue(n)
            | Self::Saturation(n)
            | Self::Grow(n) => write!(f, "{n}"),
            Self::ColorBalance(parts) => list(f, parts),
            Self::Invert(on) => write!(f, "{}", u8::from(*on)),
            Self::Colorize(Colorize { color: [r, g, b], levels, contrast }) => {
                let levels = name_of(&Levels::NAMES, levels);
                write!(f, "{r:02x}{g:02x}{b:02x},{levels},{contrast}")
            }
            Self::Noise(Noise { percent, distribution, mono }) => {
                let distribution = name_of(&Distribution::NAMES, distribution);
                write!(f, "{percent},{distribution}{}", if *mono { ",mono" } else { "" })
            }
        }
    }
}

/// The value of `op_colorize`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colorize {
    /// Red, green, blue of a middle gray.
    pub color: [u8; 3],
    /// What is done to the brightness before.
    pub levels: Levels,
    /// 0 keeps the contrast, 100 is the most; means nothing with [`Levels::Off`].
    pub contrast: u8,
}

/// What `op_colorize` does to the brightness of a picture before it is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Levels {
    /// Nothing.
    Off,
    /// Shifts it so that its median is the middle.
    Norm,
}

impl Levels {
    /// Both with their names.
    pub const NAMES: [(&'static str, Self); 2] = [("off", Self::Off), ("norm", Self::Norm)];
}

/// The value of `op_noise`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// Strength, 0–100.
    pub percent: f64,
    /// How it is distributed.
    pub distribution: Distribution,
    /// Whether all components of a pixel get the same.
    pub mono: bool,
}

/// How noise is distributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Distribution {
    /// Every deviation is as likely as any other.
    Uniform,
    /// Small deviations are likelier.
    Gaussian,
}

impl Distribution {
    /// Both with their names.
    pub const NAMES: [(&'static str, Self); 2] =
        [("uniform", Self::Uniform), ("gaussian", Self::Gaussian)];
}

/// The value of `maskUse`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MaskUse {
    /// The foreground shows.
    #[default]
    Norm,
    /// The background shows.
    Invert,
    /// All of the rectangle shows.
    Off,
}

impl MaskUse {
    /// Every use with its name.
    pub const NAMES: [(&'static str, Self); 3] =
        [("norm", Self::Norm), ("invert", Self::Invert), ("off", Self::Off)];
}

/// The value of `op_growMask` and `op_growMaskR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrowMask {
    /// Pixels, −100–100; negative shrinks.
    pub radius: i32,
    /// What the radius counts.
    pub radius_of: RadiusOf,
}

/// The value of `opac`, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opacity {
    /// Of the layer, 0–100.
    pub opacity: u8,
    /// Of its foreground without its effects, 0–100.
    pub fill: u8,
}
