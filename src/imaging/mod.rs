//! The conversion engine: bytes and modifiers in, bytes out.
//!
//! Nothing in here knows a path, a clock, an environment variable or a network. The road is
//!
//! ```text
//! text ──modifiers::parse──▶ Modifiers ─┐
//! bytes ──probe──▶ SourceInfo ──────────┼─plan──▶ Plan ──convert──▶ bytes
//! Limits, Defaults ─────────────────────┘
//! ```
//!

//! arithmetic, everything that can be decided without pixels; [`convert()`] obeys. A reply depends
//! on the source's bytes and its own plan alone.

use serde::{Deserialize, Serialize};

pub mod color;
pub mod formats;
pub mod modifiers;
pub mod ops;
pub mod plan;
pub mod raster;

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl Size {
    /// Makes a size.
    #[must_use]
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// Counts the pixels.
    #[must_use]
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }
}

/// What the components of a pixel mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PixelType {
    /// One component, black to white.
    Gray,
    /// Red, green, blue.
    Rgb,
    /// Cyan, magenta, yellow, black; 0 is no ink.
    Cmyk,
}

impl PixelType {
    /// Counts the colour components, alpha not included.
    #[must_use]
    pub const fn components(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }
}

/// The eight EXIF orientations: what has to be done to the stored pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Orientation {
    /// Nothing (1).
    #[default]
    Upright,
    /// Mirror left and right (2).
    FlipHorizontal,
    /// Half a turn (3).
    Rotate180,
    /// Mirror top and bottom (4).
    FlipVertical,
    /// Mirror left and right, then turn by 270° clockwise (5).
    Transpose,
    /// Turn by 90° clockwise (6).
    Rotate90,
    /// Mirror left and right, then turn by 90° clockwise (7).
    Transverse,
    /// Turn by 270° clockwise (8).
    Rotate270,
}

impl Orientation {
    /// Tells whether width and height change places.
    #[must_use]
    pub const fn swaps(self) -> bool {
        matches!(self, Self::Transpose | Self::Rotate90 | Self::Transverse | Self::Rotate270)
    }
}

/// What the header of a source says; everything [`plan`] needs to know of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// The format of the bytes, whatever the file is called.
    pub format: formats::SourceFormat,
    /// Size after the orientation has been applied.
    pub size: Size,
    /// Meaning of the components (a palette counts as what it holds).
    pub pixel_type: PixelType,
    /// Bits per component: 1, 2, 4, 8, 16 or 32.
    pub bits: u8,
    /// Whether any pixel can be transparent.
    pub alpha: bool,
    /// Print resolution in dots per inch, where the file tells it.
    pub dpi: Option<f64>,
    /// What turns the stored pixels upright.
    pub orientation: Orientation,
    /// Name of the embedded colour profile, where there is one.
    pub profile: Option<String>,
}

/// What a source may be before anything of it is decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Most pixels (width × height) of a source, a composite or a reply.
    pub max_pixels: u64,
    /// Longest side in pixels.
    pub max_side: u32,
    /// Most memory in bytes a decoder may ask for.
    pub max_alloc: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_pixels: 100_000_000, max_side: 65_500, max_alloc: 640 << 20 }
    }
}
