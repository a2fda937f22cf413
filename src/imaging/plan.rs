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
mod spaces;
mod steps;
#[cfg(test)]
mod tests;
mod view;
mod wanted;
mod words;

pub use decide::{Planned, check, plan};
pub use explain::{Explained, Explanation, Refusal, Remark, explain};
pub use spaces::{
    ColorDefaults, Conversion, GRAY, NoProfile, PerType, Profiles, SRGB, Space, is_built_in,
};

pub use super::modifiers::values::{
    Color, Colorize, Distribution, Flip, Intent, Kernel, Levels, Noise, PaletteKind, Quantize,
};
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

/// A map of coordinates: x′ = a·x + b·y + c, y′ = d·x + e·y + f, in the order a to f.
pub type Affine = [f64; 6];

/// Which part of a picture a path leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// What is inside of all paths.
    Inside,
    /// What is outside of all paths.
    Outside,
}

/// Something a plan needs beside its source; whoever has it executed hands it over.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Aux {
    /// A colour profile, by its name in the configuration.
    Profile(String),
    /// A picture to take the alpha from, by its handle.
    Mask(String),
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
    /// Puts a colour under everything transparent (`color`, `bgColor`).
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
    /// Replaces the alpha by a mask: that picture's alpha if it has one, else its gray. It is as
    /// large as the present picture.
    TakeMask {
        /// Which of [`Plan::aux`].
        mask: Aux,
    },
    /// Makes what is transparent opaque and the other way round.
    InvertMask,
    /// Makes everything opaque; what was transparent shows the colour it hid.
    Unmask,
    /// Lets the alpha grow, or shrink if the radius is negative.
    GrowMask {
        /// Pixels of the present picture.
        radius: f64,
    },
    /// Multiplies the alpha.
    Opacity {
        /// 0–100.
        percent: f64,
    },
    /// Makes transparent what is not inside of paths embedded in the source, or what is.
    Clip {
        /// Names of the paths; all that the source has count.
        names: Vec<String>,
        /// Which part stays.
        keep: Side,
        /// From the source to the present picture, both from 0 to 1 on each axis.
        map: Box<Affine>,
    },
    /// Converts to RGB without colour management, for operations that know no other; the profile
    /// is dropped.
    ToRgb,
    /// Inverts each colour component.
    Invert,
    /// Adds `2.55 · amount` levels to each component.
    Brightness {
        /// −100–100.
        amount: i32,
    },
    /// Stretches levels around the middle, 127.5, by `1 + amount/100`, or `100/(100 − amount)` if
    /// the amount is above 0.
    Contrast {
        /// −100–100.
        amount: i32,
    },
    /// As brightness, for each component.
    ColorBalance {
        /// Red, green, blue, −100–100 each.
        amounts: [i32; 3],
    },
    /// Turns the hue.
    Hue {
        /// −180–180.
        degrees: i32,
    },
    /// Moves each component away from the luma, or towards it if the amount is negative.
    Saturation {
        /// −100–100.
        amount: i32,
    },
    /// Replaces the colour and keeps light and shadow.
    Colorize {
        /// How.
        colorize: Colorize,
    },
    /// Lets what is light grow, or what is dark if the radius is negative, in each component.
    Grow {
        /// Pixels of the present picture.
        radius: f64,
    },
    /// Blurs with a Gaussian; alpha too.
    Blur {
        /// Standard deviation in pixels.
        radius: f64,
    },
    /// Adds noise, the same on every run.
    Noise {
        /// How much of which kind.
        noise: Noise,
    },
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

impl Step {
    /// Returns what this step needs beside the source.
    const fn needs(&self) -> Option<&Aux> {
        match self {
            Self::TakeMask { mask } => Some(mask),
            _ => None,
        }
    }

    /// Returns the size of the picture after this step, if it is a matter of the step alone.
    const fn resized(&self) -> Option<Size> {
        match self {
            Self::Resample { to, .. } | Self::Rotate { to, .. } => Some(*to),
            Self::Place { canvas, .. } => Some(*canvas),
            Self::Flip { .. }
            | Self::Turn { .. }
            | Self::Fill { .. }
            | Self::Usm { .. }
            | Self::Sharpen
            | Self::TakeMask { .. }
            | Self::InvertMask
            | Self::Unmask
            | Self::GrowMask { .. }
            | Self::Opacity { .. }
            | Self::Clip { .. }
            | Self::ToRgb
            | Self::Invert
            | Self::Brightness { .. }
            | Self::Contrast { .. }
            | Self::ColorBalance { .. }
            | Self::Hue { .. }
            | Self::Saturation { .. }
            | Self::Colorize { .. }
            | Self::Grow { .. }
            | Self::Blur { .. }
            | Self::Noise { .. }
            | Self::ToOutput
            | Self::Mask => None,
        }
    }
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
    /// JPEG.
    Jpeg {
        /// 1–100.
        quality: u8,
        /// Whether chroma keeps its full resolution.
        full_chroma: bool,
    },
}

/// How the picture inside of a PDF is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PdfCompression {
    /// Not at all.
    None,
    /// Deflate.
    Zip,
    /// JPEG.
    Jpeg {
        /// 1–100.
        quality: u8,
        /// Whether chroma keeps its full resolution.
        full_chroma: bool,
    },
}

/// In how many scans a JPEG comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scans {
    /// One: baseline.
    Baseline,
    /// Progressive, as many as the writer likes.
    Progressive,
    /// Progressive, exactly so many: 3 to 5.
    Exactly(u8),
}

/// The reply's file format with everything its writer has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "format")]
pub enum Encoding {
    /// Baseline or progressive JPEG.
    Jpeg {
        /// 1–100.
        quality: u8,
        /// Whether chroma keeps its full resolution (4:4:4) instead of 4:2:0.
        full_chroma: bool,
        /// Baseline or progressive (`pjpeg`).
        scans: Scans,
        /// Most bytes of the file; the quality is lowered for it.
        most_bytes: Option<u64>,
    },
    /// PNG, 8 bits.
    Png,
    /// PNG with a palette.
    Png8 {
        /// Its colours.
        palette: Quantize,
    },
    /// TIFF, 8 bits.
    Tiff {
        /// Strip compression.
        compression: TiffCompression,
    },
    /// GIF.
    Gif {
        /// Its colours.
        palette: Quantize,
    },
    /// WebP; `None` is lossless.
    Webp {
        /// 1–100.
        quality: Option<u8>,
    },
    /// AVIF; `None` is lossless.
    Avif {
        /// 1–100.
        quality: Option<u8>,
    },
    /// JPEG 2000; `None` is lossless.
    Jpeg2000 {
        /// 1–100.
        quality: Option<u8>,
    },
    /// PDF of one page.
    Pdf {
        /// How its picture is compressed.
        compression: PdfCompression,
    },
    /// Encapsulated PostScript.
    Eps,
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
    /// How colours get from the source's space to the reply's.
    pub conversion: Conversion,
    /// Whether the output profile is embedded, where the format can hold it.
    pub embed_profile: bool,
    /// Whether the source's XMP is embedded.
    pub embed_xmp: bool,
    /// Embeds the source's paths: the map from the source to the reply, both from 0 to 1 on each
    /// axis.
    pub paths: Option<Box<Affine>>,
    /// Resolution written into the header, dots per inch.
    pub dpi: Option<f64>,
}

/// Everything that will be done to one source for one reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The page of a document this is about, from 1; `None` for a picture.
    pub page: Option<u32>,
    /// Size of the source, upright; of a document, that of the page.
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
    /// What is needed beside the source, each once.
    pub aux: Vec<Aux>,
    /// File name extension without the dot.
    pub extension: String,
}

impl Plan {
    /// Tells whether every pixel of the reply is that of the source in its place, but for its colour
    /// space and what writing loses.
    #[must_use]
    pub fn keeps_pixels(&self) -> bool {
        self.source == self.reply && self.steps.iter().all(|step| *step == Step::ToOutput)
    }

    /// Estimates the most memory, in bytes, that executing this takes, decoding included.
    #[must_use]
    pub fn peak_memory(&self, source: &SourceInfo) -> u64 {
        let mut depth = u64::from(source.bits.div_ceil(8).max(1));
        let mut components = source.pixel_type.components() as u64 + u64::from(source.alpha);
        let mut pixels = self.source.pixels();
        let mut peak = pixels * components * depth;
        let mut present = peak;
        for step in &self.steps {
            pixels = step.resized().map_or(pixels, Size::pixels);
            if *step == Step::ToOutput {
                components = self.output.pixel_type.components() as u64 + u64::from(source.alpha);
                depth = if self.output.conversion.dither { 2 } else { depth };
            }
            let remade = step.resized().is_some() || *step == Step::ToOutput;
            let next = if remade { pixels * (components + 1) * depth } else { present };
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

/// How a thumbnail shows its picture (`ThumbType`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ThumbType {
    /// Fills the view; what does not fit is cut (1).
    Crop,
    /// Shows all of it between bars (2).
    Fit,
    /// Shows a texture at `ThumbRes`, cut or between bars (3).
    Texture {
        /// `ThumbRes`, in the unit of `Resolution`; above 0.
        resolution: f64,
    },
}

/// The attributes of the reference for thumbnails.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thumbnails {
    /// `DefaultThumbPix`: width and height where `wid` or `hei` do not say.
    pub pix: (u32, u32),
    /// `ThumbType`.
    pub kind: ThumbType,
    /// `ThumbHorizAlign`, `ThumbVertAlign`: −1 is left or top, 0 centre, 1 right or bottom.
    pub align: (f64, f64),
    /// `ThumbBkgColor`: red, green, blue.
    pub background: [u8; 3],
}

impl Default for Thumbnails {
    fn default() -> Self {
        Self { pix: (100, 100), kind: ThumbType::Fit, align: (0.0, 0.0), background: [255; 3] }
    }
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
    /// `PrintResolution`: dots per inch where `printRes` does not say; before the source's own.
    pub print_resolution: Option<f64>,
    /// What holds for `req=tmb`.
    pub thumbnails: Thumbnails,
    /// Profiles, and the spaces where nobody asks for one.
    pub colors: ColorDefaults,
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
            print_resolution: None,
            thumbnails: Thumbnails::default(),
            colors: ColorDefaults::default(),
            strict: false,
            lenient: false,
            size_upscale: true,
            limits: super::Limits::default(),
        }
    }
}
