//! A plan in words, for `explain`.

use std::fmt;

use super::{
    Area, Aux, Color, Colorize, Distribution, Encoding, Flip, Levels, Noise, Output,
    PdfCompression, Scans, Side, Space, Step, TiffCompression, Turn,
};
use crate::diag::{Phrase, phrase};
use crate::imaging::PixelType;

impl fmt::Display for PixelType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words())
    }
}

impl PixelType {
    /// Names it.
    #[must_use]
    pub fn words(self) -> Phrase {
        match self {
            Self::Gray => phrase!("pixels-gray", "gray"),
            Self::Rgb => "RGB".into(),
            Self::Cmyk => "CMYK".into(),
        }
    }
}

/// Rounds to two places.
fn short(n: f64) -> f64 {
    (n * 100.0).round() / 100.0
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { x, y, width, height } = self;
        write!(f, "{} x {} at {}, {}", short(*width), short(*height), short(*x), short(*y))
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.pixel_type)?;
        for component in &self.components[..self.pixel_type.components()] {
            write!(f, " {component}")?;
        }
        if self.alpha < 255 { write!(f, ", alpha {}", self.alpha) } else { Ok(()) }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resample { from, to, kernel } => {
                write!(f, "scale {from} to {} x {} ({kernel})", to.width, to.height)
            }
            Self::Place { x, y, canvas } => {
                write!(f, "place at {x}, {y} on {} x {}", canvas.width, canvas.height)
            }
            Self::Flip { axis: Flip::Lr } => f.write_str("mirror left and right"),
            Self::Flip { axis: Flip::Ud } => f.write_str("mirror top and bottom"),
            Self::Flip { axis: Flip::Lrud } => f.write_str("mirror both ways"),
            Self::Turn { by: Turn::Quarter } => f.write_str("turn by 90° clockwise"),
            Self::Turn { by: Turn::Half } => f.write_str("turn by 180°"),
            Self::Turn { by: Turn::ThreeQuarters } => f.write_str("turn by 270° clockwise"),
            Self::Rotate { degrees, to, kernel } => {
                write!(f, "turn by {degrees}° into {} x {} ({kernel})", to.width, to.height)
            }
            Self::Fill { color } => write!(f, "fill what is transparent with {color}"),
            Self::Usm { amount, radius, threshold, mono } => {
                let what = if *mono { "brightness" } else { "every component" };
                write!(f, "unsharp mask {amount}, radius {radius}, threshold {threshold}, {what}")
            }
            Self::Sharpen => f.write_str("sharpen lightly"),
            Self::TakeMask { mask: Aux::Mask(handle) } => write!(f, "take the mask from {handle}"),
            Self::TakeMask { mask: Aux::Profile(_) } => f.write_str("take no mask"),
            Self::InvertMask => f.write_str("invert the mask"),
            Self::Unmask => f.write_str("make everything opaque"),
            Self::GrowMask { radius } => {
                write!(f, "let the mask grow by {} pixels", short(*radius))
            }
            Self::Opacity { percent } => write!(f, "make it {} % opaque", short(*percent)),
            Self::Clip { names, keep, .. } => {
                let side = match keep {
                    Side::Inside => "inside",
                    Side::Outside => "outside",
                };
                write!(f, "keep what is {side} of the paths {}", names.join(", "))
            }
            Self::ToRgb => f.write_str("convert to RGB without colour management"),
            Self::Invert => f.write_str("invert"),
            Self::Brightness { amount } => write!(f, "brightness {amount}"),
            Self::Contrast { amount } => write!(f, "contrast {amount}"),
            Self::ColorBalance { amounts: [r, g, b] } => write!(f, "colour balance {r}, {g}, {b}"),
            Self::Hue { degrees } => write!(f, "turn the hue by {degrees}°"),
            Self::Saturation { amount } => write!(f, "saturation {amount}"),
            Self::Colorize { colorize: Colorize { color: [r, g, b], levels, contrast } } => {
                write!(f, "colour it {r:02x}{g:02x}{b:02x}")?;
                match levels {
                    Levels::Off => Ok(()),
                    Levels::Norm => write!(f, ", median in the middle, contrast {contrast}"),
                }
            }
            Self::Grow { radius } => {
                write!(f, "let what is light grow by {} pixels", short(*radius))
            }
            Self::Blur { radius } => write!(f, "blur, radius {}", short(*radius)),
            Self::Noise { noise: Noise { percent, distribution, mono } } => {
                let kind = match distribution {
                    Distribution::Uniform => "uniform",
                    Distribution::Gaussian => "gaussian",
                };
                let what = if *mono { "brightness" } else { "every component" };
                write!(f, "add {percent} % of {kind} noise, {what}")
            }
            Self::ToOutput => f.write_str("convert to the colours of the reply"),
            Self::Mask => f.write_str("take the mask as a gray picture"),
        }
    }
}

fn chroma(full: bool) -> &'static str {
    if full { "4:4:4" } else { "4:2:0" }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.encoding {
            Encoding::Jpeg { quality, full_chroma, scans, most_bytes } => {
                let kind = match scans {
                    Scans::Baseline => "JPEG".to_owned(),
                    Scans::Progressive => "progressive JPEG".to_owned(),
                    Scans::Exactly(n) => format!("progressive JPEG of {n} scans"),
                };
                write!(f, "{kind}, quality {quality}, {}", chroma(*full_chroma))?;
                if let Some(bytes) = most_bytes {
                    write!(f, ", at most {bytes} bytes")?;
                }
            }
            Encoding::Png8 { palette } => write!(f, "PNG, palette {palette}")?,
            Encoding::Png => f.write_str("PNG")?,
            Encoding::Tiff { compression: TiffCompression::None } => f.write_str("TIFF")?,
            Encoding::Tiff { compression: TiffCompression::Lzw } => f.write_str("TIFF, LZW")?,
            Encoding::Tiff { compression: TiffCompression::Zip } => f.write_str("TIFF, ZIP")?,
            Encoding::Tiff { compression: TiffCompression::Jpeg { quality, full_chroma } } => {
                write!(f, "TIFF, JPEG, quality {quality}, {}", chroma(*full_chroma))?;
            }
            Encoding::Gif { palette } => write!(f, "GIF, palette {palette}")?,
            Encoding::Avif { quality: Some(quality) } => write!(f, "AVIF, quality {quality}")?,
            Encoding::Avif { quality: None } => f.write_str("AVIF, lossless")?,
            Encoding::Jpeg2000 { quality: Some(quality) } => {
                write!(f, "JPEG 2000, quality {quality}")?;
            }
            Encoding::Jpeg2000 { quality: None } => f.write_str("JPEG 2000, lossless")?,
            Encoding::Pdf { compression: PdfCompression::None } => f.write_str("PDF")?,
            Encoding::Pdf { compression: PdfCompression::Zip } => f.write_str("PDF, ZIP")?,
            Encoding::Pdf { compression: PdfCompression::Jpeg { quality, full_chroma } } => {
                write!(f, "PDF, JPEG, quality {quality}, {}", chroma(*full_chroma))?;
            }
            Encoding::Eps => f.write_str("EPS")?,
            Encoding::Webp { quality: Some(quality) } => write!(f, "WebP, quality {quality}")?,
            Encoding::Webp { quality: None } => f.write_str("WebP, lossless")?,
        }
        write!(f, ", {}", self.pixel_type)?;
        match &self.conversion.to {
            Space::Named(name) => write!(f, " in {name}")?,
            Space::Embedded => f.write_str(" in the source's space")?,
            Space::BuiltIn | Space::Unknown => {}
        }
        if self.alpha {
            f.write_str(" with alpha")?;
        } else {
            write!(f, " on {}", self.background)?;
        }
        if let Some(dpi) = self.dpi {
            write!(f, ", {dpi} dpi")?;
        }
        for (embedded, what) in [
            (self.embed_profile, "profile"),
            (self.embed_xmp, "XMP"),
            (self.paths.is_some(), "paths"),
        ] {
            if embedded {
                write!(f, ", {what} embedded")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::plan::Kernel;

    #[test]
    fn a_step_reads_as_a_sentence() {
        let from = Area { x: 486.666_666, y: 0.0, width: 1_026.666_666, height: 1000.0 };
        let to = crate::imaging::Size::new(308, 300);
        let step = Step::Resample { from, to, kernel: Kernel::Sharp2 };
        assert_eq!(step.to_string(), "scale 1026.67 x 1000 at 486.67, 0 to 308 x 300 (sharp2)");
    }
}
