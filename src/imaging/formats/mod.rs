//! One file format per file; nothing else in the engine knows a codec.

use serde::{Deserialize, Serialize};

/// A file format that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceFormat {
    /// JPEG: gray, RGB, CMYK, YCCK.
    Jpeg,
    /// PNG.
    Png,
    /// TIFF.
    Tiff,
    /// GIF, its first frame.
    Gif,
    /// WebP.
    Webp,
    /// Windows bitmap.
    Bmp,
}
