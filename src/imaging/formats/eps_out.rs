//! EPS, written (Adobe technical notes 5001 and 5002): PostScript level 2 with the picture as
//! uncompressed bytes.
//!
//! The bounding box is as large as the resolution says, 72 pixels an inch where there is none.
//! `%ImageData` tells programs that know it where the pixels are without running the PostScript.
//! A profile (ICC.1:2001-04, annex B.2) and paths go into comments, which printers pass over. There
//! is no date and no name of a program in the file.

use std::fmt::Write;

use super::pdf_out::decimal;
use super::{Embedded, photoshop};
use crate::imaging::raster::{Raster, Samples};
use crate::imaging::{ConvertError, PixelType, Size};

/// Points an inch.
const POINTS: f64 = 72.0;

/// The line in front of the pixels, whose command reads them.
const START: &str = "image";

/// Bytes in a line of digits.
const LINE: usize = 32;

/// Writes an EPS.
pub(super) fn encode(
    picture: &Raster,
    dpi: Option<f64>,
    embedded: Embedded<'_>,
) -> Result<Vec<u8>, ConvertError> {
    let Samples::Eight(samples) = picture.samples() else {
        return Err(ConvertError::internal("16-bit pixels reached the EPS writer"));
    };
    if picture.has_alpha() {
        return Err(ConvertError::internal("transparent pixels reached the EPS writer"));
    }
    let head = head(picture, dpi, embedded, samples.len());
    let mut file = Vec::with_capacity(head.len() + samples.len() + 64);
    file.extend(head.bytes());
    file.extend_from_slice(samples);
    file.extend(b"\n%%EndBinary\ngrestore\nshowpage\n%%Trailer\n%%EOF\n");
    Ok(file)
}

/// Makes everything that stands before the pixels.
fn head(picture: &Raster, dpi: Option<f64>, embedded: Embedded, length: usize) -> String {
    let Size { width, height } = picture.size();
    // The number of the mode is Photoshop's.
    let (mode, space, range) = match picture.pixel_type() {
        PixelType::Gray => (1, "DeviceGray", "0 1"),
        PixelType::Rgb => (3, "DeviceRGB", "0 1 0 1 0 1"),
        PixelType::Cmyk => (4, "DeviceCMYK", "0 1 0 1 0 1 0 1"),
    };
    let per_pixel = POINTS / dpi.unwrap_or(POINTS);
    let (wide, high) = (f64::from(width) * per_pixel, f64::from(height) * per_pixel);
    let (exact_wide, exact_high) = (decimal(wide), decimal(high));
    let (wide, high) = (wide.ceil(), high.ceil());
    // What is counted begins behind the line that counts.
    let length = START.len() + 1 + length + 1;
    let mut head = format!(
        "%!PS-Adobe-3.0 EPSF-3.0\n\
         %%BoundingBox: 0 0 {wide} {high}\n\
         %%HiResBoundingBox: 0 0 {exact_wide} {exact_high}\n\
         %%LanguageLevel: 2\n\
         %%DocumentData: Binary\n\
         %%Pages: 1\n\
         %%EndComments\n\
         %ImageData: {width} {height} 8 {mode} 0 1 1 \"{START}\"\n"
    );
    put_profile(&mut head, embedded.profile.unwrap_or_default());
    put_paths(&mut head, &photoshop::block(embedded.paths));
    // Writing to a string does not fail.
    let _ = write!(
        head,
        "%%Page: 1 1\n\
         gsave\n\
         {exact_wide} {exact_high} scale\n\
         /{space} setcolorspace\n\
         << /ImageType 1 /Width {width} /Height {height} /BitsPerComponent 8 /Decode [{range}]\n\
         /ImageMatrix [{width} 0 0 -{height} 0 {height}] /DataSource currentfile >>\n\
         %%BeginBinary: {length}\n\
         {START}\n"
    );
    head
}

/// Writes a profile as comments.
fn put_profile(head: &mut String, profile: &[u8]) {
    if profile.is_empty() {
        return;
    }
    let lines = profile.len().div_ceil(LINE);
    let _ = writeln!(head, "%%BeginICCProfile: (embedded) {lines} Hex Lines");
    put_digits(head, profile);
    head.push_str("%%EndICCProfile\n");
}

/// Writes image resources as comments, as Photoshop does.
fn put_paths(head: &mut String, resources: &[u8]) {
    if resources.is_empty() {
        return;
    }
    let _ = writeln!(head, "%BeginPhotoshop: {}", resources.len());
    put_digits(head, resources);
    head.push_str("%EndPhotoshop\n");
}

/// Writes comments with two digits for every byte.
fn put_digits(head: &mut String, bytes: &[u8]) {
    for line in bytes.chunks(LINE) {
        head.push_str("% ");
        for byte in line {
            let _ = write!(head, "{byte:02X}");
        }
        head.push('\n');
    }
}
