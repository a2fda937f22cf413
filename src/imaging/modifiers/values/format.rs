//! `fmt`: every format of the reference with what it can hold (reference page *fmt*).

use std::fmt;

use crate::imaging::PixelType;
use crate::imaging::modifiers::Support;

/// A reply format of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Baseline JPEG (`jpg` too).
    Jpeg,
    /// Progressive JPEG.
    Pjpeg,
    /// PNG without alpha.
    Png,
    /// PNG with alpha.
    PngAlpha,
    /// PNG with a palette.
    Png8,
    /// PNG with a palette and transparency.
    Png8Alpha,
    /// GIF without transparency.
    Gif,
    /// GIF with a transparent colour.
    GifAlpha,
    /// TIFF without alpha.
    Tif,
    /// TIFF with alpha.
    TifAlpha,
    /// One page of PDF.
    Pdf,
    /// Encapsulated PostScript.
    Eps,
    /// WebP without alpha.
    Webp,
    /// WebP with alpha.
    WebpAlpha,
    /// AVIF without alpha.
    Avif,
    /// AVIF with alpha.
    AvifAlpha,
    /// JPEG 2000 without alpha.
    Jpeg2000,
    /// JPEG 2000 with alpha.
    Jpeg2000Alpha,
    /// JPEG XR without alpha.
    Jpegxr,
    /// JPEG XR with alpha.
    JpegxrAlpha,
    /// HEIC.
    Heic,
    /// Flash.
    Swf,
    /// Flash with alpha.
    SwfAlpha,
    /// Flash 3.
    Swf3,
    /// Flash 3 with alpha.
    Swf3Alpha,
    /// Flash video manifest.
    F4m,
    /// HTTP live streaming playlist.
    M3u8,
}

/// How the pixels of a reply are compressed, where the format leaves a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// LZW.
    Lzw,
    /// Deflate.
    Zip,
    /// JPEG inside of another format.
    Jpeg,
    /// The format's own lossy method.
    Lossy,
    /// The format's own lossless method.
    Lossless,
}

impl Compression {
    /// Every compression with its name.
    pub const NAMES: [(&'static str, Self); 6] = [
        ("none", Self::None),
        ("lzw", Self::Lzw),
        ("zip", Self::Zip),
        ("jpeg", Self::Jpeg),
        ("lossy", Self::Lossy),
        ("lossless", Self::Lossless),
    ];

    /// Returns its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        super::name_of(&Self::NAMES, &self)
    }
}

/// What the reference says of one format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormatEntry {
    /// The format.
    pub format: Format,
    /// Its name in `fmt`.
    pub name: &'static str,
    /// Other spellings, slips of the reference among them.
    pub aliases: &'static [&'static str],
    /// File name extension without the dot.
    pub extension: &'static str,
    /// What its components may mean.
    pub pixel_types: &'static [PixelType],
    /// Whether it keeps alpha.
    pub alpha: bool,
    /// Whether it can hold a colour profile.
    pub icc: bool,
    /// What may stand behind the second comma; the first is the default.
    pub compressions: &'static [Compression],
    /// Whether it can be written.
    pub support: Support,
}

const ALL: &[PixelType] = &[PixelType::Rgb, PixelType::Gray, PixelType::Cmyk];
const NO_INK: &[PixelType] = &[PixelType::Rgb, PixelType::Gray];
const RGB: &[PixelType] = &[PixelType::Rgb];
const LOSSY: &[Compression] = &[Compression::Lossy, Compression::Lossless];

/// The row most others are written as a difference to.
const BASE: FormatEntry = FormatEntry {
    format: Format::Jpeg,
    name: "",
    aliases: &[],
    extension: "",
    pixel_types: NO_INK,
    alpha: false,
    icc: false,
    compressions: &[],
    support: Support::NotYet,
};

const JPEG: FormatEntry = FormatEntry {
    extension: "jpg",
    pixel_types: ALL,
    icc: true,
    support: Support::Supported,
    ..BASE
};
const PNG: FormatEntry = FormatEntry { extension: "png", icc: true, ..BASE };
const TIF: FormatEntry = FormatEntry {
    extension: "tiff",
    pixel_types: ALL,
    icc: true,
    support: Support::Supported,
    ..BASE
};
const WEBP: FormatEntry = FormatEntry {
    extension: "webp",
    pixel_types: RGB,
    compressions: LOSSY,
    support: Support::Supported,
    ..BASE
};
const AVIF: FormatEntry = FormatEntry {
    extension: "avif",
    pixel_types: RGB,
    compressions: LOSSY,
    support: Support::Supported,
    ..BASE
};
const JP2: FormatEntry =
    FormatEntry { extension: "jp2", compressions: LOSSY, support: Support::Supported, ..BASE };
const JXR: FormatEntry = FormatEntry {
    extension: "jxr",
    pixel_types: RGB,
    compressions: LOSSY,
    support: Support::NotInThisBuild,
    ..BASE
};
const SWF: FormatEntry = FormatEntry { extension: "swf", support: Support::Refused, ..BASE };

/// The matrix of reference page *fmt*.
static FORMATS: [FormatEntry; 27] = [
    FormatEntry { format: Format::Jpeg, name: "jpeg", aliases: &["jpg"], ..JPEG },
    FormatEntry { format: Format::Pjpeg, name: "pjpeg", ..JPEG },
    FormatEntry { format: Format::Png, name: "png", support: Support::Supported, ..PNG },
    FormatEntry {
        format: Format::PngAlpha,
        name: "png-alpha",
        alpha: true,
        support: Support::Supported,
        ..PNG
    },
    FormatEntry {
        format: Format::Png8,
        name: "png8",
        pixel_types: RGB,
        support: Support::Supported,
        ..PNG
    },
    FormatEntry {
        format: Format::Png8Alpha,
        name: "png8-alpha",
        pixel_types: RGB,
        alpha: true,
        support: Support::Supported,
        ..PNG
    },
    FormatEntry {
        format: Format::Gif,
        name: "gif",
        extension: "gif",
        support: Support::Supported,
        ..BASE
    },
    FormatEntry {
        format: Format::GifAlpha,
        name: "gif-alpha",
        extension: "gif",
        alpha: true,
        support: Support::Supported,
        ..BASE
    },
    FormatEntry {
        format: Format::Tif,
        name: "tif",
        compressions: &[Compression::None, Compression::Lzw, Compression::Zip, Compression::Jpeg],
        ..TIF
    },
    FormatEntry {
        format: Format::TifAlpha,
        name: "tif-alpha",
        alpha: true,
        compressions: &[Compression::None, Compression::Lzw, Compression::Zip],
        ..TIF
    },
    FormatEntry {
        format: Format::Pdf,
        name: "pdf",
        extension: "pdf",
        pixel_types: ALL,
        icc: true,
        compressions: &[Compression::None, Compression::Zip, Compression::Jpeg],
        support: Support::Supported,
        ..BASE
    },
    FormatEntry {
        format: Format::Eps,
        name: "eps",
        extension: "eps",
        pixel_types: ALL,
        icc: true,
        support: Support::Supported,
        ..BASE
    },
    FormatEntry { format: Format::Webp, name: "webp", ..WEBP },
    FormatEntry {
        format: Format::WebpAlpha,
        name: "webp-alpha",
        aliases: &["web-alpha"],
        alpha: true,
        ..WEBP
    },
    FormatEntry { format: Format::Avif, name: "avif", ..AVIF },
    FormatEntry { format: Format::AvifAlpha, name: "avif-alpha", alpha: true, ..AVIF },
    FormatEntry { format: Format::Jpeg2000, name: "jpeg2000", ..JP2 },
    FormatEntry { format: Format::Jpeg2000Alpha, name: "jpeg2000-alpha", alpha: true, ..JP2 },
    FormatEntry { format: Format::Jpegxr, name: "jpegxr", ..JXR },
    FormatEntry { format: Format::JpegxrAlpha, name: "jpegxr-alpha", alpha: true, ..JXR },
    FormatEntry {
        format: Format::Heic,
        name: "heic",
        extension: "heic",
        pixel_types: RGB,
        compressions: &[Compression::Lossless],
        support: Support::NotInThisBuild,
        ..BASE
    },
    FormatEntry { format: Format::Swf, name: "swf", ..SWF },
    FormatEntry { format: Format::SwfAlpha, name: "swf-alpha", alpha: true, ..SWF },
    FormatEntry { format: Format::Swf3, name: "swf3", ..SWF },
    FormatEntry {
        format: Format::Swf3Alpha,
        name: "swf3-alpha",
        aliases: &["swf-alpha3"],
        alpha: true,
        ..SWF
    },
    FormatEntry { format: Format::F4m, name: "f4m", extension: "f4m", ..SWF },
    FormatEntry { format: Format::M3u8, name: "m3u8", extension: "m3u8", ..SWF },
];

impl Format {
    /// Returns every format of the reference, in its order.
    #[must_use]
    pub fn table() -> &'static [FormatEntry] {
        &FORMATS
    }

    /// Finds the format that a name stands for, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static FormatEntry> {
        FORMATS.iter().find(|entry| {
            entry.name.eq_ignore_ascii_case(name)
                || entry.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
        })
    }

    /// Returns what the reference says of this format.
    #[must_use]
    pub fn entry(self) -> &'static FormatEntry {
        FORMATS.iter().find(|entry| entry.format == self).unwrap_or(&FORMATS[0])
    }

    /// Tells whether this is JPEG of either kind.
    #[must_use]
    pub const fn is_jpeg(self) -> bool {
        matches!(self, Self::Jpeg | Self::Pjpeg)
    }

    /// Tells whether it is written with a palette.
    #[must_use]
    pub const fn has_palette(self) -> bool {
        matches!(self, Self::Gif | Self::GifAlpha | Self::Png8 | Self::Png8Alpha)
    }
}

/// The value of `fmt`; only combinations the reference permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fmt {
    /// The format.
    pub format: Format,
    /// What its components mean, where asked.
    pub pixel_type: Option<PixelType>,
    /// How it is compressed, where asked.
    pub compression: Option<Compression>,
}

impl Fmt {
    /// What holds without the command.
    pub const DEFAULT: Self = Self { format: Format::Jpeg, pixel_type: None, compression: None };

    /// Returns how it is compressed: as asked, else the format's first choice.
    #[must_use]
    pub fn compression(&self) -> Option<Compression> {
        self.compression.or_else(|| self.format.entry().compressions.first().copied())
    }
}

/// Every pixel type with its name in `fmt`.
pub(in crate::imaging) const PIXEL_TYPES: [(&str, PixelType); 3] =
    [("rgb", PixelType::Rgb), ("gray", PixelType::Gray), ("cmyk", PixelType::Cmyk)];

impl fmt::Display for Fmt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.format.entry().name)?;
        if self.pixel_type.is_some() || self.compression.is_some() {
            f.write_str(",")?;
        }
        if let Some(pixel_type) = self.pixel_type {
            f.write_str(super::name_of(&PIXEL_TYPES, &pixel_type))?;
        }
        match self.compression {
            Some(compression) => write!(f, ",{}", compression.name()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_one_row_and_every_name_finds_it() {
        for entry in Format::table() {
            assert_eq!(entry.format.entry(), entry);
            for name in entry.aliases.iter().chain([&entry.name]) {
                assert_eq!(Format::named(&name.to_uppercase()), Some(entry));
            }
            assert_eq!(entry.name.ends_with("-alpha"), entry.alpha, "{}", entry.name);
        }
    }
}
