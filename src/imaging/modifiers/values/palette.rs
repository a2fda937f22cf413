//! The value of `quantize`: the palette of a reply with one.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::name_of;

/// Where the colours of a palette come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PaletteKind {
    /// From the picture.
    Adaptive,
    /// The 216 colours of old browsers.
    Web,
    /// The 256 colours of old Macintosh computers.
    Mac,
}

impl PaletteKind {
    /// Every kind with its name.
    pub const NAMES: [(&'static str, Self); 3] =
        [("adaptive", Self::Adaptive), ("web", Self::Web), ("mac", Self::Mac)];
}

/// The value of `quantize`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantize {
    /// Where the colours come from.
    pub palette: PaletteKind,
    /// Whether what a pixel misses is spread over its neighbours (Floyd–Steinberg).
    pub diffuse: bool,
    /// Most colours, 2–256.
    pub colors: u16,
    /// Red, green, blue of colours that must be there.
    pub forced: Vec<[u8; 3]>,
}

impl Default for Quantize {
    fn default() -> Self {
        Self {
            palette: PaletteKind::Adaptive,
            diffuse: true,
            colors: Self::MOST,
            forced: Vec::new(),
        }
    }
}

impl Quantize {
    /// Most colours of a palette.
    pub const MOST: u16 = 256;

    /// What becomes of rounding errors, with its name.
    pub(in crate::imaging::modifiers) const DIFFUSION: [(&'static str, bool); 2] =
        [("diffuse", true), ("off", false)];
}

impl fmt::Display for Quantize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { palette, diffuse, colors, forced } = self;
        let palette = name_of(&PaletteKind::NAMES, palette);
        write!(f, "{palette},{},{colors}", name_of(&Self::DIFFUSION, diffuse))?;
        for [r, g, b] in forced {
            write!(f, ",{r:02x}{g:02x}{b:02x}")?;
        }
        Ok(())
    }
}
