//! A plan in words, for `explain`.

use std::fmt;

use super::{Area, Color, Encoding, Flip, Output, Step, TiffCompression, Turn};
use crate::imaging::PixelType;

impl fmt::Display for PixelType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gray => "gray",
            Self::Rgb => "RGB",
            Self::Cmyk => "CMYK",
        })
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |n: f64| (n * 100.0).round() / 100.0;
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
            Self::ToOutput => f.write_str("convert to the colours of the reply"),
            Self::Mask => f.write_str("take the mask as a gray picture"),
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.encoding {
            Encoding::Jpeg { quality, full_chroma, progressive } => {
                let kind = if progressive { "progressive JPEG" } else { "JPEG" };
                let chroma = if full_chroma { "4:4:4" } else { "4:2:0" };
                write!(f, "{kind}, quality {quality}, {chroma}")?;
            }
            Encoding::Png => f.write_str("PNG")?,
            Encoding::Tiff { compression: TiffCompression::None } => f.write_str("TIFF")?,
            Encoding::Tiff { compression: TiffCompression::Lzw } => f.write_str("TIFF, LZW")?,
            Encoding::Tiff { compression: TiffCompression::Zip } => f.write_str("TIFF, ZIP")?,
            Encoding::Gif => f.write_str("GIF")?,
            Encoding::Webp { quality: Some(quality) } => write!(f, "WebP, quality {quality}")?,
            Encoding::Webp { quality: None } => f.write_str("WebP, lossless")?,
        }
        write!(f, ", {}", self.pixel_type)?;
        if self.alpha {
            f.write_str(" with alpha")?;
        } else {
            write!(f, " on {}", self.background)?;
        }
        if let Some(dpi) = self.dpi {
            write!(f, ", {dpi} dpi")?;
        }
        if self.embed_profile { f.write_str(", profile embedded") } else { Ok(()) }
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
