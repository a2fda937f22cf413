//! Modifiers + [`SourceInfo`] + [`Defaults`] → [`Plan`]: all arithmetic, no pixels.
//!
//! A plan is a value one can print. It names every step that will be done to the pixels, in
//! order, with whole-pixel sizes; whoever executes it has nothing left to decide.
//!
//! The types are here. `decide` puts a plan together of `layer` (source to composite), `view`
//! (composite to reply), `steps` (what is done to the pixels for both) and what is written;
//! `wanted` sorts the settings before, `explain` tells the result.

use serde::{Deserialize, Serialize};

mod decide;
mod explain;
mod geometry;
mod layer;
mod steps;
#[cfg(test)]
mod tests;
mod view;
mod wanted;
mod words;

pub use decide::{Planned, check, plan};
pub use explain::{Explained, Explanation, Refusal, Remark, explain};

pub use super::modifiers::values::{Color, Flip, Kernel};
use super::{PixelType, Size, SourceInfo};

/// A rectangle in whole pixels; the position may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rect {
    /// Left edge.
    pub x: i64,
    /// Top edge.
    pub y: i64,
    /// Size.
    pub size: Size,
}

/// A part of a picture in fractions of pixels; always inside the picture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Area {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width, more than 0.
    pub width: f64,
    /// Height, more than 0.
    pub height: f64,
}

/// Quarter turns, clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Turn {
    /// 90°.
    Quarter,
    /// 180°.
    Half,
    /// 270°.
    ThreeQuarters,
}

/// One thing done to the pixels.
///
/// Steps run in the order of [`Plan::steps`]. Until [`Step::ToOutput`] the pixels are in the
/// source's colour space and depth; after it they are in the reply's space, still with alpha.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "step")]
pub enum Step {
    /// Resamples `from` to exactly `to` pixels, on premultiplied alpha, edges clamped to `from`.
    Resample {
        /// Part of the present picture.
        from: Area,
        /// New size.
        to: Size,
        /// Filter.
        kernel: Kernel,
    },
    /// Puts the picture on a transparent canvas, or cuts it: offsets may be negative, and the
    /// picture may lie beside the canvas altogether.
    Place {
        /// Left edge of the picture on the canvas.
        x: i64,
        /// Top edge of the picture on the canvas.
        y: i64,
        /// Size of the canvas, the new picture.
        canvas: Size,
    },
    /// Mirrors.
    Flip {
        /// Which axes.
        axis: Flip,
    },
    /// Turns by right angles.
    Turn {
        /// How far.
        by: Turn,
    },
    /// Turns by any angle around the centre; uncovered corners are transparent.
    Rotate {
        /// Degrees, clockwise.
        degrees: f64,
        /// Size of the result: the rotated bounding box.
        to: Size,
        /// Filter.
        kernel: Kernel,
    },
    /// Puts a colour under everything transparent (`bgColor`).
    Fill {
        /// The colour; always of the pixel type the picture has at this step.
        color: Color,
    },
    /// Unsharp mask: `out = in + amount·(in − gauss(in, radius))` where the difference exceeds the
    /// threshold; alpha too.
    Usm {
        /// 0–5; 1 is 100 %.
        amount: f64,
        /// Standard deviation of the Gaussian in pixels, 0–250.
        radius: f64,
        /// Levels of 255.
        threshold: f64,
        /// Brightness only.
        mono: bool,
    },
    /// 3 × 3 sharpening: centre 2, neighbours −1/8; alpha too.
    Sharpen,
    /// Converts to the reply's colour space; exactly once in every plan.
    ///
    /// It stands as late as possible, behind all that makes the picture smaller: last, or before
    /// the first [`Step::Fill`] whose colour is not in the source's space, or before
    /// [`Step::Mask`].
    ToOutput,
    /// Replaces the picture by its alpha as opaque gray (`req=mask`); only ever the last step.
    ///
    /// A reply of another pixel type repeats the gray in it, without colour management.
    Mask,
}

/// TIFF compressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TiffCompression {
    /// None.
    None,
    /// LZW with horizontal prediction.
    Lzw,
    /// Deflate with horizontal prediction.
    Zip,
}

/// The reply's file format with everything its writer has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "format")]
pub enum Encoding {
    /// Baseline or progressive JPEG.
    Jpeg {
        /// 1–100.
        quality: u8,
        /// Whether chroma keeps its full resolution (4:4:4) instead of 4:2:0.
        full_chroma: bool,
        /// Whether it is progressive (`pjpeg`).
        progressive: bool,
    },
    /// PNG, 8 bits.
    Png,
    /// TIFF, 8 bits.
    Tiff {
        /// Strip compression.
        compression: TiffCompression,
    },
    /// GIF with an adaptive palette of at most 256 colours.
    Gif,
    /// WebP; `None` is lossless.
    Webp {
        /// 1–100.
        quality: Option<u8>,
    },
}

/// What the reply is written as.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// The file format.
    pub encoding: Encoding,
    /// Meaning of its components.
    pub pixel_type: PixelType,
    /// Whether it keeps its alpha; without, it is flattened on `background`.
    pub alpha: bool,
    /// What transparent parts of a reply without alpha show; opaque, of `pixel_type`.
    pub background: Color,
    /// Whether the output profile is embedded, where the format can hold it.
    pub embed_profile: bool,
    /// Resolution written into the header, dots per inch.
    pub dpi: Option<f64>,
}

/// Everything that will be done to one source for one reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Size of the source, upright.
    pub source: Size,
    /// Size of the composite (layer 0 after its transforms).
    pub composite: Size,
    /// Size of the reply.
    pub reply: Size,
    /// The scaled region's rectangle in the reply; parts may lie outside.
    pub placement: Rect,
    /// What is done to the pixels, in order.
    pub steps: Vec<Step>,
    /// What is written.
    pub output: Output,
    /// File name extension without the dot.
    pub extension: String,
}

impl Plan {
    /// Estimates the most memory, in bytes, that executing this takes, decoding included.
    #[must_use]
    pub fn peak_memory(&self, source: &SourceInfo) -> u64 {
        let depth = u64::from(source.bits.div_ceil(8).max(1));
        let components = source.pixel_type.components() as u64 + u64::from(source.alpha);
        let mut peak = self.source.pixels() * components * depth;
        let mut present = peak;
        for step in &self.steps {
            let next = match step {
                Step::Resample { to, .. } | Step::Rotate { to, .. } => to.pixels(),
                Step::Place { canvas, .. } => canvas.pixels(),
                Step::Flip { .. }
                | Step::Turn { .. }
                | Step::Fill { .. }
                | Step::Usm { .. }
                | Step::Sharpen
                | Step::ToOutput
                | Step::Mask => 0,
            } * (components + 1)
                * depth;
            let next = if next == 0 { present } else { next };
            peak = peak.max(present + next);
            present = next;
        }
        peak
    }
}

/// How `op_usm`'s radius, meant for the full resolution, is applied to a reduced picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UsmScaling {
    /// As written.
    #[default]
    Output,
    /// Multiplied by the reduction, at least 0.3.
    Reference,
}

/// The attributes of the reference that stand in for commands that were not given.
#[derive(Debug, Clone, PartialEq)]
pub struct Defaults {
    /// Reply limit when no size is asked (`DefaultPix`); 0 is no limit on that side.
    pub default_pix: (u32, u32),
    /// Largest reply (`MaxPix`); 0 is no limit on that side.
    pub max_pix: (u32, u32),
    /// `qlt`: quality and full chroma.
    pub jpeg_quality: (u8, bool),
    /// `resMode`.
    pub res_mode: Kernel,
    /// `bgc`: red, green, blue.
    pub background: [u8; 3],
    /// How `op_usm` scales.
    pub usm_scaling: UsmScaling,
    /// `Resolution`: pixels per unit of the full-size source, for `res`.
    pub resolution: Option<f64>,
    /// Unknown commands are errors.
    pub strict: bool,
    /// Numbers out of range are clamped with a warning instead of refused.
    pub lenient: bool,
    /// Whether layer 0's `size` enlarges.
    pub size_upscale: bool,
    /// Largest composite and reply.
    pub limits: super::Limits,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            default_pix: (0, 0),
            max_pix: (0, 0),
            jpeg_quality: (80, false),
            res_mode: Kernel::Sharp2,
            background: [255; 3],
            usm_scaling: UsmScaling::Output,
            resolution: None,
            strict: false,
            lenient: false,
            size_upscale: true,
            limits: super::Limits::default(),
        }
    }
}
