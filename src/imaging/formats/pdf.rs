//! PDF documents, reading only: each page is a picture (ISO 32000).
//!
//! A page is drawn as it would be printed, on white paper: opaque RGB, cut to the crop box, turned
//! as `/Rotate` says, annotations included. Its size in pixels is its size in points at
//! [`Limits::page_resolution`], rounded; the drawing fills them. Fonts that a document names
//! without bringing them are replaced by the ones the renderer holds, the same on every machine.
//!
//! A page with a picture or a font that cannot be read is an error, not a page with holes. So is a
//! document that asks for a password; one that is encrypted but opens without is read.
//!
//! Page trees, nested objects and nested drawings are bounded by the renderer. Streams that unpack
//! to more than fits end at the memory a worker may have.

use std::io::{BufRead, Seek};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use hayro::hayro_interpret::util::TransformExt;
use hayro::hayro_interpret::{InterpreterSettings, InterpreterWarning};
use hayro::hayro_syntax::object::Object;
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::kurbo::Affine;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::vello_cpu::{Pixmap, RasterizerSettings, RenderContext, Resources, TargetInit};
use hayro::{RenderCache, RenderSettings};

use super::{Header, SourceFormat, damaged, jpeg, unsupported};
use crate::diag::{Argument, phrase};
use crate::imaging::raster::{Alpha, Raster, Samples};
use crate::imaging::{ConvertError, Limits, PixelType, Size};

/// Most pages of a document.
const MAX_PAGES: usize = 1000;

/// Points of a page in an inch.
const POINTS: f64 = 72.0;

pub(super) fn header<R: BufRead + Seek>(
    input: &mut R,
    limits: &Limits,
) -> Result<Header, ConvertError> {
    let document = open(super::read_whole(input, limits.max_alloc)?)?;
    let pages = document.pages();
    if pages.len() > MAX_PAGES {
        return Err(unsupported(phrase!(
            "source-pdf-pages",
            "a PDF document of {count} pages; at most {most} are allowed",
            count = Argument::count(pages.len()),
            most = Argument::count(MAX_PAGES),
        )));
    }
    if document.objects().into_iter().any(|object| is_misread(object)) {
        return Err(unsupported(phrase!(
            "source-pdf-document-jpeg-colours-stored",
            "a PDF document with a JPEG whose colours are stored one after the other"
        )));
    }
    let sizes: Vec<Size> = pages.iter().map(|page| size(page, limits)).collect();
    let Some(first) = sizes.first() else {
        return Err(damaged(phrase!("damage-no-pages", "it has no pages")));
    };
    Ok(Header {
        dpi: Some(f64::from(limits.page_resolution)),
        page: Some(1),
        pages: sizes.as_slice().into(),
        ..Header::new(SourceFormat::Pdf, *first)
    })
}

pub(super) fn decode(bytes: &[u8], header: &Header) -> Result<Raster, ConvertError> {
    let document = open(bytes.to_vec())?;
    let number = header.page.and_then(|number| usize::try_from(number.checked_sub(1)?).ok());
    let Some(page) = number.and_then(|number| document.pages().get(number)) else {
        return Err(ConvertError::Changed);
    };
    let holes = Arc::new(Holes::default());
    let canvas = draw(page, header.size, &holes)?;
    holes.refuse()?;
    let mut samples = Vec::with_capacity(canvas.data().len() * 3);
    samples.extend(canvas.data().iter().flat_map(|pixel| [pixel.r, pixel.g, pixel.b]));
    Raster::new(header.size, PixelType::Rgb, Alpha::None, Samples::Eight(samples))
        .map_err(|_| ConvertError::internal("a page of another size than it was given"))
}

fn open(bytes: Vec<u8>) -> Result<Pdf, ConvertError> {
    Pdf::new(bytes).map_err(|error| match error {
        LoadPdfError::Invalid => {
            damaged(phrase!("damage-pages-not-found", "its pages cannot be found"))
        }
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => unsupported(phrase!(
            "source-pdf-document-needs-password-save",
            "a PDF document that needs a password"
        )),
        LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => unsupported(phrase!(
            "source-pdf-document-encrypted-rare-way",
            "a PDF document encrypted in a rare way"
        )),
        LoadPdfError::Decryption(
            DecryptionError::MissingIDEntry | DecryptionError::InvalidEncryption,
        ) => damaged(phrase!("damage-encryption-makes-no-sense", "its encryption is invalid")),
    })
}

/// Tells whether an object is a picture that the renderer would draw wrongly without a word.
fn is_misread(object: Object<'_>) -> bool {
    object.into_stream().is_some_and(|stream| jpeg::has_separate_scans(&stream.raw_data()))
}

/// Returns a page's size in pixels, as it is shown.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn size(page: &Page<'_>, limits: &Limits) -> Size {
    // A page may count in larger units than points.
    let unit = page.raw().get::<f32>(b"UserUnit").filter(|unit| *unit > 0.0).unwrap_or(1.0);
    let scale = f64::from(unit) * f64::from(limits.page_resolution) / POINTS;
    let pixels = |points: f32| {
        let pixels = f64::from(points) * scale;
        pixels.round().clamp(1.0, f64::from(u32::MAX)) as u32
    };
    let (width, height) = page.render_dimensions();
    Size::new(pixels(width), pixels(height))
}

fn draw(page: &Page<'_>, size: Size, holes: &Arc<Holes>) -> Result<Pixmap, ConvertError> {
    let (Ok(width), Ok(height)) = (u16::try_from(size.width), u16::try_from(size.height)) else {
        let limit = phrase!(
            "limit-side",
            "{pixels} pixels on each side",
            pixels = Argument::pixels(u16::MAX)
        );
        let (width, height) = (u64::from(size.width), u64::from(size.height));
        return Err(ConvertError::TooLarge { width, height, limit });
    };
    let noting = Arc::clone(holes);
    let interpreter = InterpreterSettings {
        warning_sink: Arc::new(move |warning| noting.note(warning)),
        ..InterpreterSettings::default()
    };
    // Hints move outlines for screens of few pixels; a page is to look as it would in print.
    let settings = RenderSettings { hinting: false, ..RenderSettings::default() };
    let (natural_width, natural_height) = page.render_dimensions();
    let fill = Affine::scale_non_uniform(
        f64::from(width) / f64::from(natural_width),
        f64::from(height) / f64::from(natural_height),
    );
    let transform = fill * page.initial_transform(true).to_kurbo();
    let mut context = RenderContext::new(width, height);
    let cache = RenderCache::new();
    hayro::render_into(page, &cache, &interpreter, &settings, &mut context, transform);
    context.flush();
    let mut canvas = Pixmap::new(width, height);
    let rasterizer = RasterizerSettings {
        target_init: TargetInit::Clear(WHITE),
        ..RasterizerSettings::default()
    };
    context.render_with(&mut canvas, &mut Resources::default(), rasterizer);
    Ok(canvas)
}

/// What could not be drawn on a page.
#[derive(Default)]
struct Holes(AtomicU8);

impl Holes {
    const FONT: u8 = 1;
    const PICTURE: u8 = 2;

    fn note(&self, warning: InterpreterWarning) {
        let hole = match warning {
            InterpreterWarning::UnsupportedFont => Self::FONT,
            InterpreterWarning::ImageDecodeFailure => Self::PICTURE,
            // A note or a form field without an appearance is not part of what is printed.
            _ => 0,
        };
        self.0.fetch_or(hole, Ordering::Relaxed);
    }

    fn refuse(&self) -> Result<(), ConvertError> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            Self::FONT => Err(unsupported(phrase!(
                "source-pdf-font",
                "a PDF page with a font that cannot be read"
            ))),
            _ => Err(damaged(phrase!(
                "damage-picture-on-page",
                "a picture on the page cannot be read"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::super::Shrink;
    use super::*;

    /// Writes a document: the catalogue is object 1, the page tree 2, then come page and content
    /// of each page, then `more`.
    fn document(pages: &[(&str, &str)], more: &[&str]) -> Vec<u8> {
        let kids: Vec<String> = (0..pages.len()).map(|n| format!("{} 0 R", 3 + 2 * n)).collect();
        let mut objects = vec![
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()),
        ];
        for (n, (page, content)) in pages.iter().enumerate() {
            let content_number = 4 + 2 * n;
            objects.push(format!(
                "<< /Type /Page /Parent 2 0 R /Contents {content_number} 0 R {page} >>"
            ));
            let length = content.len();
            objects.push(format!("<< /Length {length} >>\nstream\n{content}\nendstream"));
        }
        objects.extend(more.iter().map(|object| (*object).to_owned()));
        let mut file = b"%PDF-1.7\n".to_vec();
        let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
        for (n, object) in objects.iter().enumerate() {
            table.push_str(&format!("{:010} 00000 n \n", file.len()));
            file.extend(format!("{} 0 obj\n{object}\nendobj\n", n + 1).bytes());
        }
        let start = file.len();
        let size = objects.len() + 1;
        file.extend(table.bytes());
        file.extend(
            format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").bytes(),
        );
        file
    }

    /// 144 points by 72 points: 300 by 150 pixels.
    const BOX: &str = "/MediaBox [0 0 144 72]";
    /// Red in the lower left quarter.
    const RED: &str = "1 0 0 rg 0 0 72 36 re f";

    fn header_of(bytes: &[u8]) -> Result<Header, ConvertError> {
        super::super::header(Cursor::new(bytes), &Limits::default())
    }

    fn page(bytes: &[u8], number: u32) -> Result<Raster, ConvertError> {
        let header = header_of(bytes)?.on_page(Some(number)).unwrap();
        super::super::decode(bytes, &header, Shrink::Full, &Limits::default())
    }

    fn pixel(picture: &Raster, x: u32, y: u32) -> [u8; 3] {
        let Samples::Eight(samples) = picture.samples() else { panic!("16 bits") };
        let at = (y * picture.size().width + x) as usize * 3;
        samples[at..at + 3].try_into().unwrap()
    }

    const WHITE_PIXEL: [u8; 3] = [255; 3];
    const RED_PIXEL: [u8; 3] = [255, 0, 0];

    #[test]
    fn each_page_is_an_opaque_picture_on_white_paper() {
        let small = ("/MediaBox [0 0 36 36]", "0 0 1 rg 0 0 36 36 re f");
        let file = document(&[(BOX, RED), small, (BOX, "")], &[]);
        let header = header_of(&file).unwrap();
        let (large, small) = (Size::new(300, 150), Size::new(75, 75));
        assert_eq!((header.format, header.page), (SourceFormat::Pdf, Some(1)));
        assert_eq!((header.size, &*header.pages), (large, [large, small, large].as_slice()));
        assert_eq!((header.dpi, header.alpha), (Some(150.0), false));
        assert_eq!(header.pixel_type, PixelType::Rgb);
        let first = page(&file, 1).unwrap();
        assert_eq!((first.size(), first.has_alpha()), (large, false));
        assert_eq!(pixel(&first, 10, 140), RED_PIXEL);
        assert_eq!(pixel(&first, 140, 80), RED_PIXEL);
        assert_eq!(pixel(&first, 160, 140), WHITE_PIXEL);
        assert_eq!(pixel(&first, 10, 10), WHITE_PIXEL);
        assert_eq!(pixel(&page(&file, 2).unwrap(), 0, 0), [0, 0, 255]);
        assert_eq!(pixel(&page(&file, 3).unwrap(), 10, 140), WHITE_PIXEL);
        assert!(header.on_page(Some(4)).is_none() && header.on_page(None).is_none());
        assert!(header.on_page(Some(0)).is_none());
    }

    #[test]
    fn pages_are_turned_cut_and_scaled_as_they_say() {
        for (rotate, size, red) in [
            (0, (300, 150), (10, 140)),
            (90, (150, 300), (10, 10)),
            (180, (300, 150), (290, 10)),
            (270, (150, 300), (140, 290)),
            (-90, (150, 300), (140, 290)),
        ] {
            let file = document(&[(&format!("{BOX} /Rotate {rotate}"), RED)], &[]);
            let picture = page(&file, 1).unwrap();
            assert_eq!(picture.size(), Size::new(size.0, size.1), "{rotate}");
            assert_eq!(pixel(&picture, red.0, red.1), RED_PIXEL, "{rotate}");
            let opposite = pixel(&picture, size.0 - 1 - red.0, size.1 - 1 - red.1);
            assert_eq!(opposite, WHITE_PIXEL, "{rotate}");
        }
        let cropped = document(&[(&format!("{BOX} /CropBox [36 0 108 36]"), RED)], &[]);
        let picture = page(&cropped, 1).unwrap();
        assert_eq!(picture.size(), Size::new(150, 75));
        assert_eq!(pixel(&picture, 74, 37), RED_PIXEL);
        assert_eq!(pixel(&picture, 76, 37), WHITE_PIXEL);
        let large = document(&[(&format!("{BOX} /UserUnit 2"), RED)], &[]);
        let picture = page(&large, 1).unwrap();
        assert_eq!(picture.size(), Size::new(600, 300));
        assert_eq!(pixel(&picture, 299, 151), RED_PIXEL);
    }

    #[test]
    fn the_resolution_is_a_setting() {
        let limits = Limits { page_resolution: 72, ..Limits::default() };
        let file = document(&[(BOX, RED)], &[]);
        let header = super::super::header(Cursor::new(&file), &limits).unwrap();
        assert_eq!((header.size, header.dpi), (Size::new(144, 72), Some(72.0)));
    }

    #[test]
    fn text_in_a_standard_font_is_drawn() {
        let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>";
        let content = "BT /F 60 Tf 10 10 Td (HHH) Tj ET";
        let file = document(
            &[(&format!("{BOX} /Resources << /Font << /F 5 0 R >> >>"), content)],
            &[font],
        );
        let picture = page(&file, 1).unwrap();
        let Samples::Eight(samples) = picture.samples() else { panic!("16 bits") };
        let dark = samples.iter().filter(|v| **v < 64).count();
        assert!(dark > samples.len() / 20, "{dark} of {}", samples.len());
        assert_eq!(picture, page(&file, 1).unwrap());
    }

    #[test]
    fn a_page_with_a_picture_that_cannot_be_read_is_an_error() {
        let content = "144 0 0 72 0 0 cm /I Do";
        let resources = format!("{BOX} /Resources << /XObject << /I 5 0 R >> >>");
        let image = |data: &str| {
            let length = data.len();
            format!(
                "<< /Type /XObject /Subtype /Image /Width 2 /Height 1 /BitsPerComponent 8 \
                 /ColorSpace /DeviceRGB /Filter [{}] /Length {length} >>\nstream\n{data}\nendstream",
                if data.starts_with("ff") {
                    "/ASCIIHexDecode"
                } else {
                    "/ASCIIHexDecode /DCTDecode"
                },
            )
        };
        let good = document(&[(&resources, content)], &[&image("ff000000ff00>")]);
        let picture = page(&good, 1).unwrap();
        assert_eq!(pixel(&picture, 20, 75), RED_PIXEL);
        assert_eq!(pixel(&picture, 280, 75), [0, 255, 0]);
        let bad = document(&[(&resources, content)], &[&image("0102030405>")]);
        assert!(matches!(page(&bad, 1), Err(ConvertError::Damaged { .. })));
    }

    #[test]
    fn a_jpeg_that_would_be_drawn_wrongly_is_refused() {
        let (luma, down, up) = (vec![128; 64 * 64], vec![90; 32 * 32], vec![200; 32 * 32]);
        let jpeg = super::super::tests::non_interleaved(64, 64, [&luma, &down, &up]);
        assert!(jpeg::has_separate_scans(&jpeg));
        let resources = format!("{BOX} /Resources << /XObject << /I 5 0 R >> >>");
        let stand_in = "#".repeat(jpeg.len());
        let image = format!(
            "<< /Type /XObject /Subtype /Image /Width 64 /Height 64 /BitsPerComponent 8 \
             /ColorSpace /DeviceRGB /Filter /DCTDecode /Length {} >>\nstream\n{stand_in}\nendstream",
            jpeg.len()
        );
        let mut file = document(&[(&resources, "144 0 0 72 0 0 cm /I Do")], &[&image]);
        let at = file.windows(2).position(|window| window == b"##").unwrap();
        file[at..at + jpeg.len()].copy_from_slice(&jpeg);
        match header_of(&file) {
            Err(ConvertError::Unsupported { detail }) => assert!(detail.contains("JPEG")),
            other => panic!("{other:?}"),
        }
        // The same in one scan is none of it.
        let gray = Samples::Eight(luma);
        let gray = Raster::new(Size::new(64, 64), PixelType::Gray, Alpha::None, gray).unwrap();
        let plain = super::super::tests::write_jpeg(&gray);
        assert!(!jpeg::has_separate_scans(&plain) && !jpeg::has_separate_scans(b"text"));
    }

    #[test]
    fn too_many_pages_too_large_pages_and_none_are_refused() {
        let many = document(&vec![(BOX, ""); 1001], &[]);
        match header_of(&many) {
            Err(ConvertError::Unsupported { detail }) => {
                assert!(detail.contains("1,001"), "{detail}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(header_of(&document(&vec![(BOX, ""); 1000], &[])).unwrap().pages.len(), 1000);
        let huge = document(&[(BOX, ""), ("/MediaBox [0 0 999999 999999]", "")], &[]);
        match header_of(&huge) {
            Err(ConvertError::Page { number: 2, source }) => {
                assert!(matches!(*source, ConvertError::TooLarge { .. }));
            }
            other => panic!("{other:?}"),
        }
        for none in [document(&[], &[]), b"%PDF-1.7\n".to_vec(), b"%PDF-1.7 nothing".to_vec()] {
            assert!(matches!(header_of(&none), Err(ConvertError::Damaged { .. })));
        }
    }

    #[test]
    fn a_document_that_needs_a_password_is_refused_in_words() {
        let mut file = String::from_utf8(document(&[(BOX, RED)], &[])).unwrap();
        let key = "00".repeat(32);
        let id = "00".repeat(16);
        file = file.replace(
            "/Root 1 0 R",
            &format!(
                "/Root 1 0 R /ID [<{id}> <{id}>] /Encrypt << /Filter /Standard /V 2 /R 3 \
                 /Length 128 /P -4 /O <{key}> /U <{key}> >>"
            ),
        );
        match header_of(file.as_bytes()) {
            Err(ConvertError::Unsupported { detail }) => assert!(detail.contains("password")),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn something_before_the_document_and_a_lost_table_are_forgiven() {
        let file = document(&[(BOX, RED)], &[]);
        let mail = [b"From: mia\nSubject: proof\n\n".as_slice(), &file].concat();
        assert_eq!(page(&mail, 1).unwrap(), page(&file, 1).unwrap());
        let cut = &file[..file.len() - 120];
        assert_eq!(page(cut, 1).unwrap(), page(&file, 1).unwrap());
    }

    #[test]
    fn trees_and_drawings_that_go_round_or_deep_end() {
        let work = || {
            let looping = "<< /Type /Pages /Kids [2 0 R 5 0 R 3 0 R] /Count 3 >>";
            let mut file = document(&[(BOX, RED)], &[looping]);
            let text = String::from_utf8(file).unwrap();
            file = text.replacen("/Kids [3 0 R]", "/Kids [5 0 R]", 1).into_bytes();
            let _ = header_of(&file);
            let resources = format!("{BOX} /Resources << /XObject << /F 5 0 R >> >>");
            let form = "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 11 /Resources << /XObject << /F 5 0 R >> >> >>\nstream\n/F Do /F Do\nendstream";
            // Twice each level would be 2^50 drawings; one is enough to go down all the way.
            let once = form.replace("/F Do /F Do", "/F Do      ");
            let _ = page(&document(&[(&resources, "/F Do")], &[&once]), 1);
            let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
            let _ = page(&document(&[(BOX, &format!("{deep} 0 d {RED}"))], &[&deep]), 1);
            let saves = "q ".repeat(200_000);
            let _ = page(&document(&[(BOX, &format!("{saves}{RED}"))], &[]), 1);
        };
        std::thread::Builder::new().stack_size(8 << 20).spawn(work).unwrap().join().unwrap();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(80))]
        #[test]
        fn no_damage_ever_panics(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        ) {
            let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>";
            let shading = "<< /ShadingType 2 /ColorSpace /DeviceRGB /Coords [0 0 9 9] /Function \
                << /FunctionType 2 /Domain [0 1] /C0 [1 0 0] /C1 [0 0 1] /N 1 >> >>";
            let page = "/MediaBox [0 0 36 36] /Resources << /Font << /F 5 0 R >> /Shading << /S 6 0 R >> >>";
            let content = "q 1 0 0 rg 2 2 20 20 re W n /S sh Q 0 1 1 0 k 3 w 1 1 m 9 3 8 2 9 9 c S \
                BT /F 9 Tf 3 3 Td (Ab) Tj ET BI /W 2 /H 2 /BPC 8 /CS /G ID abcd EI";
            let mut file = document(&[(page, content)], &[font, shading]);
            for (at, value) in changes {
                let at = at.index(file.len());
                file[at] = value;
            }
            let limits = Limits { max_pixels: 1 << 16, ..Limits::default() };
            if let Ok(header) = super::super::header(Cursor::new(&file), &limits)
                && header.format == SourceFormat::Pdf
            {
                let _ = super::super::decode(&file, &header, Shrink::Full, &limits);
            }
        }
    }
}
