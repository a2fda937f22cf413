//! PDF, written (ISO 32000-1): one page that is the picture.
//!
//! The page is as large as the resolution says, 72 pixels an inch where there is none. With a
//! profile the colours are those of the profile (`ICCBased`), else the device's own. There is no
//! date, no name of a program and no random number in the file.

use std::borrow::Cow;

use super::jpeg::{self, Settings};
use super::{Embedded, png};
use crate::imaging::plan::{PdfCompression, Scans};
use crate::imaging::raster::{Raster, Samples};
use crate::imaging::{ConvertError, PixelType, Size};

/// Points an inch.
const POINTS: f64 = 72.0;

/// Longest side of a page in units; larger pages have larger units.
const LONGEST: f64 = 14_400.0;

/// Numbers of the objects; the profile, which is last, may be missing.
const CATALOG: usize = 1;
const PAGES: usize = 2;
const PAGE: usize = 3;
const CONTENTS: usize = 4;
const PICTURE: usize = 5;
const PROFILE: usize = 6;

/// Writes a PDF of one page.
pub(super) fn encode(
    picture: &Raster,
    compression: PdfCompression,
    dpi: Option<f64>,
    profile: Option<&[u8]>,
) -> Result<Vec<u8>, ConvertError> {
    let data = Data::new(picture, compression)?;
    let page = Page::new(picture.size(), dpi);
    let mut document = Document::new();
    document.object(CATALOG, &format!("<< /Type /Catalog /Pages {PAGES} 0 R >>"));
    document.object(PAGES, &format!("<< /Type /Pages /Kids [{PAGE} 0 R] /Count 1 >>"));
    document.object(PAGE, &page.dictionary());
    document.stream(CONTENTS, "", page.contents().as_bytes());
    document.stream(PICTURE, &data.dictionary(picture, profile.is_some()), &data.bytes);
    if let Some(profile) = profile {
        let (space, count) = space(picture.pixel_type());
        document.stream(PROFILE, &format!(" /N {count} /Alternate /{space}"), profile);
    }
    Ok(document.finish())
}

/// Names the device's colour space and counts its components.
const fn space(pixel_type: PixelType) -> (&'static str, usize) {
    let name = match pixel_type {
        PixelType::Gray => "DeviceGray",
        PixelType::Rgb => "DeviceRGB",
        PixelType::Cmyk => "DeviceCMYK",
    };
    (name, pixel_type.components())
}

/// The compressed picture and what says how to read it.
struct Data<'a> {
    bytes: Cow<'a, [u8]>,
    /// Entries of its dictionary.
    filter: String,
}

impl<'a> Data<'a> {
    fn new(picture: &'a Raster, compression: PdfCompression) -> Result<Self, ConvertError> {
        let Samples::Eight(samples) = picture.samples() else {
            return Err(ConvertError::internal("16-bit pixels reached the PDF writer"));
        };
        if picture.has_alpha() {
            return Err(ConvertError::internal("transparent pixels reached the PDF writer"));
        }
        match compression {
            PdfCompression::None => {
                Ok(Self { bytes: Cow::Borrowed(samples), filter: String::new() })
            }
            PdfCompression::Zip => {
                let (count, width) = (picture.channels(), picture.width());
                // The filters of rows are PNG's, predictor 15.
                let filter = format!(
                    " /Filter /FlateDecode /DecodeParms << /Predictor 15 /Colors {count} \
                     /BitsPerComponent 8 /Columns {width} >>"
                );
                Ok(Self { bytes: png::deflate(picture.size(), count, samples)?.into(), filter })
            }
            PdfCompression::Jpeg { quality, full_chroma } => {
                let settings = Settings { quality, full_chroma, scans: Scans::Baseline };
                let bytes = jpeg::encode(picture, settings, None, Embedded::default())?.into();
                // Four components are stored inverted, as everywhere but in a TIFF.
                let decode = match picture.pixel_type() {
                    PixelType::Gray | PixelType::Rgb => "",
                    PixelType::Cmyk => " /Decode [1 0 1 0 1 0 1 0]",
                };
                Ok(Self { bytes, filter: format!(" /Filter /DCTDecode{decode}") })
            }
        }
    }

    fn dictionary(&self, picture: &Raster, has_profile: bool) -> String {
        let Size { width, height } = picture.size();
        let space = if has_profile {
            format!("[/ICCBased {PROFILE} 0 R]")
        } else {
            format!("/{}", space(picture.pixel_type()).0)
        };
        format!(
            " /Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace {space} \
             /BitsPerComponent 8{}",
            self.filter
        )
    }
}

/// How large the page is, in units of a multiple of a point.
struct Page {
    width: f64,
    height: f64,
    unit: f64,
}

impl Page {
    fn new(size: Size, dpi: Option<f64>) -> Self {
        let per_pixel = POINTS / dpi.unwrap_or(POINTS);
        let (width, height) =
            (f64::from(size.width) * per_pixel, f64::from(size.height) * per_pixel);
        let unit = (width.max(height) / LONGEST).ceil().max(1.0);
        Self { width: width / unit, height: height / unit, unit }
    }

    fn dictionary(&self) -> String {
        let unit =
            if self.unit > 1.0 { format!(" /UserUnit {}", self.unit) } else { String::new() };
        format!(
            "<< /Type /Page /Parent {PAGES} 0 R /MediaBox [0 0 {} {}]{unit} /Contents {CONTENTS} \
             0 R /Resources << /XObject << /Picture {PICTURE} 0 R >> >> >>",
            decimal(self.width),
            decimal(self.height)
        )
    }

    fn contents(&self) -> String {
        format!("q {} 0 0 {} 0 0 cm /Picture Do Q\n", decimal(self.width), decimal(self.height))
    }
}

/// Writes a number with at most four places and no needless zero.
pub(super) fn decimal(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A file being put together, objects in the order of their numbers.
struct Document {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Document {
    fn new() -> Self {
        // Bytes above 127 say that the file is no text. `UserUnit` came with 1.6.
        Self { bytes: b"%PDF-1.6\n%\xe2\xe3\xcf\xd3\n".to_vec(), places: Vec::new() }
    }

    fn object(&mut self, number: usize, body: &str) {
        self.places.push(self.bytes.len());
        self.bytes.extend(format!("{number} 0 obj\n{body}\nendobj\n").bytes());
    }

    fn stream(&mut self, number: usize, entries: &str, data: &[u8]) {
        self.places.push(self.bytes.len());
        let length = data.len();
        let head = format!("{number} 0 obj\n<< /Length {length}{entries} >>\nstream\n");
        self.bytes.extend(head.bytes());
        self.bytes.extend_from_slice(data);
        self.bytes.extend(b"\nendstream\nendobj\n");
    }

    /// Appends the table of places, every line of 20 bytes.
    fn finish(mut self) -> Vec<u8> {
        let start = self.bytes.len();
        let size = self.places.len() + 1;
        let mut table = format!("xref\n0 {size}\n0000000000 65535 f \n");
        for place in &self.places {
            table += &format!("{place:010} 00000 n \n");
        }
        table += &format!("trailer\n<< /Size {size} /Root {CATALOG} 0 R >>\n");
        table += &format!("startxref\n{start}\n%%EOF\n");
        self.bytes.extend(table.bytes());
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(decimal(120.0), "120");
        assert_eq!(decimal(0.5), "0.5");
        assert_eq!(decimal(1.0 / 3.0), "0.3333");
    }

    #[test]
    fn large_pages_have_large_units() {
        let page = Page::new(Size::new(30_000, 100), None);
        assert_eq!((page.width, page.unit), (10_000.0, 3.0));
        assert!(page.dictionary().contains("/UserUnit 3 "));
        let page = Page::new(Size::new(30_000, 100), Some(300.0));
        assert_eq!((page.width, page.height, page.unit), (7200.0, 24.0, 1.0));
        assert!(!page.dictionary().contains("UserUnit"));
    }
}
