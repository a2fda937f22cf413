//! Encapsulated PostScript around one picture of pixels, as Photoshop writes it, reading only.
//!
//! Such a file says in a comment, `%ImageData: columns rows depth mode pad-channels block-size
//! encoding "start"`, what picture it holds, and after a line that is `start` come its components:
//! as they are, in hexadecimal digits, in ASCII base 85, or as a JPEG. Gray, RGB and CMYK of 8
//! bits and bitmaps of 1 bit are read; CMYK means what it means in PostScript, 0 is no ink. Rows
//! lie interleaved by pixel (block size 1) or component after component. Pad channels are left
//! out. The resolution follows from the bounding box; Photoshop's image resources, with the colour
//! profile, stand as digits in comments.
//!
//! Everything else is a program in the PostScript language and is refused in words: drawing it
//! takes an interpreter, and its preview, where there is one, is no substitute. Of a file with a
//! picture the clipping path is not applied, as little as Photoshop does when it opens one.
//!
//! The DOS binary form (Adobe technical note 5002), which puts a header and a preview around the
//! PostScript, is unwrapped.

use std::borrow::Cow;
use std::io::{BufRead, Cursor, Seek};

use super::photoshop::{self, Resource};
use super::{Header, Shrink, SourceFormat, cut_short, damaged, jpeg, psd, unsupported};
use crate::diag::phrase;
use crate::imaging::raster::{Alpha, Raster, Samples};
use crate::imaging::{ConvertError, Limits, PixelType, Size};

const DOS_MAGIC: [u8; 4] = [0xc5, 0xd0, 0xd3, 0xc6];
const JPEG_MAGIC: [u8; 3] = [0xff, 0xd8, 0xff];

/// What a file says of the picture in it.
#[derive(Debug, Clone, Copy)]
struct Shape {
    size: Size,
    pixel_type: PixelType,
    /// Bits per component, 1 or 8.
    depth: u8,
    /// Components stored for each pixel, pad channels included.
    channels: usize,
    order: Order,
    encoding: Encoding,
}

/// How the components of a row lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    ByPixel,
    ByComponent,
}

/// How the components are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Binary,
    Hex,
    /// To be told by what is there.
    Unsaid,
}

/// A picture, and where its components are.
#[derive(Debug)]
struct Found<'a> {
    shape: Shape,
    dpi: Option<f64>,
    /// From behind the start line to the end of the section or the file.
    data: &'a [u8],
    /// Photoshop's image resources, which stand as digits in comments.
    resources: Vec<u8>,
}

pub(super) fn header<R: BufRead + Seek>(
    input: &mut R,
    limits: &Limits,
) -> Result<Header, ConvertError> {
    let bytes = super::read_whole(input, limits.max_alloc)?;
    let Found { shape, dpi, data: _, resources } = find(&bytes)?;
    let profile = wanted(&resources, |id| id == psd::PROFILE).pop();
    // In inches, and exact, which the bounding box need not be.
    let exact = wanted(&resources, |id| id == psd::RESOLUTION).pop();
    let exact = exact.and_then(|resource| resource.data.first_chunk::<4>().copied());
    let exact = exact.map(|bytes| f64::from(u32::from_be_bytes(bytes)) / 65_536.0);
    Ok(Header {
        profile: profile.map(|resource| resource.data.into()),
        pixel_type: shape.pixel_type,
        bits: shape.depth,
        dpi: exact.and_then(super::resolution).or(dpi),
        ..Header::new(SourceFormat::Eps, shape.size)
    })
}

pub(super) fn decode(
    bytes: &[u8],
    header: &Header,
    limits: &Limits,
) -> Result<Raster, ConvertError> {
    let found = find(bytes)?;
    let shape = found.shape;
    if shape.size != header.size {
        return Err(ConvertError::Changed);
    }
    let wanted = shape.stored_bytes();
    limits.allow(shape.size, wanted.saturating_add(header.decoded_bytes()))?;
    let wanted = usize::try_from(wanted)
        .map_err(|_| damaged(phrase!("damage-size-impossible", "its size is impossible")))?;
    let stored = found.stored(wanted);
    if stored.starts_with(&JPEG_MAGIC) {
        return shape.of_jpeg(&stored, limits);
    }
    let Some(stored) = stored.get(..wanted) else { return Err(cut_short()) };
    let samples = Samples::Eight(shape.samples(stored));
    Raster::new(shape.size, shape.pixel_type, Alpha::None, samples).map_err(|_| {
        damaged(phrase!(
            "damage-pixels-fewer-than-it-says",
            "it does not have as many pixels as it says"
        ))
    })
}

/// Reads Photoshop's image resources that somebody wants; none where the picture is not found.
pub(super) fn resources<R: BufRead + Seek>(
    input: &mut R,
    limits: &Limits,
    is_wanted: impl Fn(u16) -> bool,
) -> Vec<Resource> {
    let bytes = super::read_whole(input, limits.max_alloc);
    match bytes.and_then(|bytes| Ok(find(&bytes)?.resources)) {
        Ok(resources) => wanted(&resources, is_wanted),
        Err(_) => Vec::new(),
    }
}

fn wanted(resources: &[u8], is_wanted: impl Fn(u16) -> bool) -> Vec<Resource> {
    let length = resources.len() as u64;
    photoshop::resources(&mut Cursor::new(resources), length, is_wanted)
}

// -- finding the picture

fn find(bytes: &[u8]) -> Result<Found<'_>, ConvertError> {
    let program = postscript(bytes)?;
    let (mut said, mut points, mut section) = (None, None, program.len());
    let (mut resources, mut in_resources) = (Vec::new(), false);
    let mut at = 0;
    while let Some((line, next)) = line_at(program, at) {
        at = next;
        if let Some(value) = line.strip_prefix(b"%ImageData:") {
            said = Some(described(value)?);
        } else if let Some(value) = line.strip_prefix(b"%%HiResBoundingBox:") {
            points = width(value).or(points);
        } else if let Some(value) = line.strip_prefix(b"%%BoundingBox:") {
            points = points.or_else(|| width(value));
        } else if let Some(value) =
            line.strip_prefix(b"%%BeginBinary:").or_else(|| line.strip_prefix(b"%%BeginData:"))
        {
            let end = number(words(value).next()).and_then(|length| next.checked_add(length));
            section = end.map_or(program.len(), |end| end.min(program.len()));
        } else if line.starts_with(b"%BeginPhotoshop:") || line == b"%EndPhotoshop" {
            in_resources = line != b"%EndPhotoshop";
        } else if let (true, Some(digits)) = (in_resources, line.strip_prefix(b"%")) {
            resources.extend(from_hex(digits, digits.len()));
        }
        if let Some((shape, start)) = said
            && line == start
        {
            let line_end = next - 1 - usize::from(program[..next].ends_with(b"\r\n"));
            let data = program.get(line_end..section).unwrap_or_default();
            let dpi = points.and_then(|points: f64| {
                super::resolution(f64::from(shape.size.width) * 72.0 / points)
            });
            return Ok(Found { shape, dpi, data, resources });
        }
    }
    Err(match said {
        Some(_) => cut_short(),
        None => unsupported(phrase!(
            "source-postscript-document-program-instead-pixels",
            "a PostScript document that is a program instead of pixels"
        )),
    })
}

/// Returns the PostScript of a file, without what the DOS form puts around it.
fn postscript(bytes: &[u8]) -> Result<&[u8], ConvertError> {
    let Some(fields) = bytes.strip_prefix(&DOS_MAGIC) else { return Ok(bytes) };
    let field = |at: usize| {
        let four = fields.get(at..)?.first_chunk()?;
        usize::try_from(u32::from_le_bytes(*four)).ok()
    };
    let section = field(0).zip(field(4)).and_then(|(start, length)| {
        let end = start.checked_add(length)?;
        bytes.get(start..end)
    });
    section.ok_or_else(cut_short)
}

/// Returns the line that begins at `at` without its end, and where the next one begins; lines end
/// with a carriage return, a line feed or both.
fn line_at(text: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
    let length = rest.iter().position(|b| matches!(b, b'\r' | b'\n'))?;
    let end = if rest[length..].starts_with(b"\r\n") { 2 } else { 1 };
    Some((&rest[..length], at + length + end))
}

fn words(text: &[u8]) -> impl Iterator<Item = &str> {
    std::str::from_utf8(text).unwrap_or_default().split_ascii_whitespace()
}

fn number(word: Option<&str>) -> Option<usize> {
    word?.parse().ok()
}

/// Returns the width of a bounding box in points.
fn width(value: &[u8]) -> Option<f64> {
    let mut edges = words(value).map_while(|word| word.parse::<f64>().ok());
    let (left, _, right) = (edges.next()?, edges.next()?, edges.next()?);
    Some(right - left).filter(|width| *width > 0.0)
}

/// Reads `columns rows depth mode pad-channels block-size encoding "start"`.
fn described(value: &[u8]) -> Result<(Shape, &[u8]), ConvertError> {
    let nonsense = || {
        damaged(phrase!("damage-imagedata-line-makes-no-sense", "its %ImageData line is invalid"))
    };
    let mut words = words(value);
    let mut next = || number(words.next()).ok_or_else(nonsense);
    let (columns, rows, depth, mode) = (next()?, next()?, next()?, next()?);
    let (pads, block, encoding) = (next()?, next()?, next()?);
    let start = words.next().ok_or_else(nonsense)?.trim_matches('"').as_bytes();
    let side = |side: usize| u32::try_from(side).map_err(|_| nonsense());
    let (pixel_type, depth) = match (mode, depth) {
        (1, 1) => (PixelType::Gray, 1),
        (1, 8) => (PixelType::Gray, 8),
        (3, 8) => (PixelType::Rgb, 8),
        (4, 8) => (PixelType::Cmyk, 8),
        (2, _) => {
            return Err(unsupported(phrase!("source-eps-picture-lab", "an EPS picture in Lab")));
        }
        (_, depth) => {
            return Err(unsupported(phrase!(
                "source-eps-bits",
                "an EPS picture with {depth} bits per component",
                depth = depth
            )));
        }
    };
    if pads > 64 || start.is_empty() {
        return Err(nonsense());
    }
    let shape = Shape {
        size: Size::new(side(columns)?, side(rows)?),
        pixel_type,
        depth,
        channels: pixel_type.components() + pads,
        order: if block == 1 { Order::ByPixel } else { Order::ByComponent },
        encoding: match encoding {
            1 => Encoding::Binary,
            2 => Encoding::Hex,
            _ => Encoding::Unsaid,
        },
    };
    Ok((shape, start))
}

// -- its components

impl Found<'_> {
    /// Returns the components as stored, or the JPEG they are in; decodes no more than `wanted`
    /// bytes of what is not binary.
    fn stored(&self, wanted: usize) -> Cow<'_, [u8]> {
        let text = self.data.trim_ascii_start();
        if text.starts_with(&JPEG_MAGIC) {
            return Cow::Borrowed(text);
        }
        let sample = &text[..text.len().min(512)];
        let digits = |b: &u8| b.is_ascii_hexdigit() || b.is_ascii_whitespace();
        let base85 = |b: &u8| matches!(b, b'!'..=b'u' | b'z' | b'~') || b.is_ascii_whitespace();
        match self.shape.encoding {
            Encoding::Binary => Cow::Borrowed(self.binary(wanted)),
            Encoding::Hex => Cow::Owned(from_hex(text, wanted)),
            Encoding::Unsaid if sample.iter().all(digits) => Cow::Owned(from_hex(text, wanted)),
            Encoding::Unsaid if sample.iter().all(base85) => Cow::Owned(from_base85(text, wanted)),
            Encoding::Unsaid => Cow::Borrowed(self.binary(wanted)),
        }
    }

    /// Returns binary data without the line end before them, which the interpreter takes for one
    /// character; where the section's length leaves room for two, it was two.
    fn binary(&self, wanted: usize) -> &[u8] {
        let two = self.data.starts_with(b"\r\n") && self.data.len() > wanted.saturating_add(1);
        self.data.get(if two { 2 } else { 1 }..).unwrap_or_default()
    }
}

impl Shape {
    fn row_bytes(&self) -> u64 {
        let components = u64::from(self.size.width) * self.channels as u64;
        if self.depth == 1 { components.div_ceil(8) } else { components }
    }

    fn stored_bytes(&self) -> u64 {
        self.row_bytes().saturating_mul(u64::from(self.size.height))
    }

    /// Brings the stored components into our order, one byte each.
    fn samples(&self, stored: &[u8]) -> Vec<u8> {
        let width = self.size.width as usize;
        let kept = self.pixel_type.components();
        let rows = stored.chunks_exact(usize::try_from(self.row_bytes()).unwrap_or(1).max(1));
        let mut samples = Vec::with_capacity(stored.len());
        for row in rows {
            match (self.depth, self.order) {
                (1, _) => {
                    let bit = |x: usize| row.get(x / 8).copied().unwrap_or_default() >> (7 - x % 8);
                    samples.extend((0..width).map(|x| if bit(x) & 1 == 1 { 255 } else { 0 }));
                }
                (_, Order::ByPixel) => {
                    samples.extend(row.chunks_exact(self.channels).flat_map(|px| &px[..kept]));
                }
                (_, Order::ByComponent) => {
                    samples.extend(
                        (0..width).flat_map(|x| (0..kept).map(move |c| row[c * width + x])),
                    );
                }
            }
        }
        samples
    }

    fn of_jpeg(&self, bytes: &[u8], limits: &Limits) -> Result<Raster, ConvertError> {
        let header = jpeg::header(&mut Cursor::new(bytes), limits)?;
        if header.pixel_type == PixelType::Cmyk {
            return Err(unsupported(phrase!(
                "source-eps-picture-cmyk-jpeg",
                "an EPS picture that is a CMYK JPEG"
            )));
        }
        if (header.size, header.pixel_type) != (self.size, self.pixel_type) {
            return Err(damaged(phrase!(
                "damage-pixels-another-picture-than-says",
                "its picture does not match its own description"
            )));
        }
        jpeg::decode(bytes, &header, Shrink::Full)
    }
}

fn from_hex(text: &[u8], most: usize) -> Vec<u8> {
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut digits = text.iter().filter(|b| !b.is_ascii_whitespace()).map_while(digit);
    let mut bytes = Vec::new();
    while bytes.len() < most {
        let (Some(high), Some(low)) = (digits.next(), digits.next()) else { break };
        bytes.push(high << 4 | low);
    }
    bytes
}

/// Decodes ASCII base 85 (PostScript Language Reference, third edition, 3.13.3) up to its end mark
/// or the first character that cannot be in it.
fn from_base85(text: &[u8], most: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::new();
    let (mut group, mut count) = (0_u32, 0_u32);
    for &b in text.iter().filter(|b| !b.is_ascii_whitespace()) {
        if bytes.len() >= most {
            return bytes;
        }
        match b {
            b'z' if count == 0 => bytes.extend([0; 4]),
            b'!'..=b'u' => {
                group = group.wrapping_mul(85).wrapping_add(u32::from(b - b'!'));
                count += 1;
                if count == 5 {
                    bytes.extend(group.to_be_bytes());
                    (group, count) = (0, 0);
                }
            }
            _ => break,
        }
    }
    if count > 1 {
        for _ in count..5 {
            group = group.wrapping_mul(85).wrapping_add(84);
        }
        bytes.extend(&group.to_be_bytes()[..count as usize - 1]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A file as Photoshop writes it; `line` is what follows `%ImageData:`.
    fn eps(line: &str, data: &[u8]) -> Vec<u8> {
        let head = format!(
            "%!PS-Adobe-3.0 EPSF-3.0\r%%Creator: a test\r%%BoundingBox: 0 0 2 1\r\
             %%HiResBoundingBox: 0 0 1.44 0.96\r%%EndComments\r%ImageData: {line}\r\
             /beginimage {{ image }} def\r"
        );
        let length = "beginimage\r".len() + data.len();
        let mut file = head.into_bytes();
        file.extend(format!("%%BeginBinary: {length}\rbeginimage\r").bytes());
        file.extend(data);
        file.extend(b"\r%%EndBinary\rgrestore showpage\r%%EOF\r");
        file
    }

    fn read(bytes: &[u8]) -> Result<(Header, Raster), ConvertError> {
        let limits = Limits::default();
        let header = super::super::header(Cursor::new(bytes), &limits)?;
        assert_eq!(header.format, SourceFormat::Eps);
        let picture = super::super::decode(bytes, &header, Shrink::Full, &limits)?;
        Ok((header, picture))
    }

    fn samples(picture: &Raster) -> &[u8] {
        let Samples::Eight(samples) = picture.samples() else { panic!("16 bits") };
        samples
    }

    const PIXELS: [u8; 18] = [10, 13, 32, 9, 255, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 200, 201, 202];

    #[test]
    fn binary_gray_rgb_and_cmyk_are_read() {
        for (mode, pixel_type, columns) in [(1, PixelType::Gray, 9), (3, PixelType::Rgb, 3)] {
            let file = eps(&format!("{columns} 2 8 {mode} 0 1 1 \"beginimage\""), &PIXELS);
            let (header, picture) = read(&file).unwrap();
            assert_eq!((header.size, header.pixel_type), (Size::new(columns, 2), pixel_type));
            assert_eq!(samples(&picture), PIXELS);
        }
        let file = eps("2 2 8 4 0 1 1 \"beginimage\"", &PIXELS[..16]);
        let (header, picture) = read(&file).unwrap();
        assert_eq!((header.pixel_type, samples(&picture)), (PixelType::Cmyk, &PIXELS[..16]));
    }

    #[test]
    fn the_resolution_follows_from_the_bounding_box() {
        let (header, _) = read(&eps("3 2 8 3 0 1 1 \"beginimage\"", &PIXELS)).unwrap();
        assert!((header.dpi.unwrap() - 150.0).abs() < 1e-9, "{:?}", header.dpi);
    }

    #[test]
    fn photoshop_s_resources_are_read_from_comments() {
        let resource = |id: u16, data: &[u8]| {
            let mut bytes = b"8BIM".to_vec();
            bytes.extend(id.to_be_bytes());
            bytes.extend([0, 0]);
            bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
            bytes.extend(data);
            bytes
        };
        let resolution = [0, 240, 0, 0, 0, 1, 0, 1, 0, 240, 0, 0, 0, 1, 0, 1];
        let block = [
            resource(psd::RESOLUTION, &resolution),
            resource(psd::PROFILE, b"a profile."),
            resource(psd::XMP, b"<x:xmpmeta/>"),
        ]
        .concat();
        let digits: String = block
            .chunks(32)
            .map(|line| {
                let digits: String = line.iter().map(|b| format!("{b:02X}")).collect();
                format!("% {digits}\r")
            })
            .collect();
        let comments = format!("%BeginPhotoshop: {}\r{digits}%EndPhotoshop\r", block.len());
        let mut file = eps("3 2 8 3 0 1 1 \"beginimage\"", &PIXELS);
        let at = file.windows(14).position(|window| window == b"%%EndComments\r").unwrap();
        file.splice(at..at, comments.bytes());
        let (header, picture) = read(&file).unwrap();
        assert_eq!(
            (header.dpi, header.profile.as_deref()),
            (Some(240.0), Some(&b"a profile."[..]))
        );
        assert_eq!(samples(&picture), PIXELS);
        let xmp = super::super::xmp(Cursor::new(&file), &header, &Limits::default());
        assert_eq!(xmp.as_deref(), Some(&b"<x:xmpmeta/>"[..]));
    }

    #[test]
    fn rows_of_components_and_pad_channels_are_put_in_order() {
        let file = eps("3 2 8 3 0 3 1 \"beginimage\"", &PIXELS);
        let wanted = [10, 9, 1, 13, 255, 2, 32, 0, 3, 4, 7, 200, 5, 8, 201, 6, 0, 202];
        let (_, picture) = read(&file).unwrap();
        assert_eq!(samples(&picture), wanted);
        let file = eps("2 1 8 1 1 1 1 \"beginimage\"", &[7, 0, 9, 0]);
        let (_, picture) = read(&file).unwrap();
        assert_eq!(samples(&picture), [7, 9]);
        let file = eps("10 2 1 1 0 2 1 \"beginimage\"", &[0b1010_0000, 0b0100_0000, 0xff, 0xff]);
        let (header, picture) = read(&file).unwrap();
        assert_eq!(header.bits, 1);
        assert_eq!(samples(&picture)[..10], [255, 0, 255, 0, 0, 0, 0, 0, 0, 255]);
    }

    #[test]
    fn digits_base_85_and_jpeg_are_read() {
        let hex: String = PIXELS.iter().map(|b| format!("{b:02X} \n")).collect();
        for encoding in [2, 3] {
            let file = eps(&format!("3 2 8 3 0 1 {encoding} \"beginimage\""), hex.as_bytes());
            assert_eq!(samples(&read(&file).unwrap().1), PIXELS);
        }
        let file = eps("9 1 8 1 0 1 3 \"beginimage\"", b"87cUR\r\nzB`~>");
        assert_eq!(samples(&read(&file).unwrap().1), b"Hell\0\0\0\0i");
        let gray = Samples::Eight(vec![120; 64]);
        let gray = Raster::new(Size::new(8, 8), PixelType::Gray, Alpha::None, gray).unwrap();
        let data = super::super::tests::write_jpeg(&gray);
        let file = eps("8 8 8 1 0 1 5 \"beginimage\"", &data);
        assert!(samples(&read(&file).unwrap().1).iter().all(|v| v.abs_diff(120) < 3));
        let other = eps("9 8 8 1 0 1 5 \"beginimage\"", &data);
        assert!(matches!(read(&other), Err(ConvertError::Damaged { .. })));
    }

    #[test]
    fn the_dos_form_is_unwrapped() {
        let program = eps("3 2 8 3 0 1 1 \"beginimage\"", &PIXELS);
        let mut file = DOS_MAGIC.to_vec();
        file.extend(32_u32.to_le_bytes());
        file.extend(u32::try_from(program.len()).unwrap().to_le_bytes());
        file.extend([0; 20]);
        file.extend(&program);
        file.extend(b"II*\0 a preview");
        assert_eq!(samples(&read(&file).unwrap().1), PIXELS);
        for cut in [4, 11, 31, 100] {
            assert!(matches!(read(&file[..cut]), Err(ConvertError::Damaged { .. })), "{cut}");
        }
    }

    #[test]
    fn programs_lab_and_cut_files_are_refused() {
        let program = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n0 0 9 9 rectfill\n";
        match read(program) {
            Err(ConvertError::Unsupported { detail }) => assert!(detail.contains("program")),
            other => panic!("{other:?}"),
        }
        for rare in ["3 2 8 2 0 1 1 \"beginimage\"", "3 2 16 3 0 1 1 \"beginimage\""] {
            assert!(matches!(read(&eps(rare, &PIXELS)), Err(ConvertError::Unsupported { .. })));
        }
        for nonsense in [
            "",
            "3 2 8 3 0 1",
            "3 x 8 3 0 1 1 \"b\"",
            "3 2 8 3 9999 1 1 \"b\"",
            "3 2 8 3 0 1 1 \"\"",
        ] {
            assert!(
                matches!(read(&eps(nonsense, &PIXELS)), Err(ConvertError::Damaged { .. })),
                "{nonsense}"
            );
        }
        let huge = eps("99999999 99999999 8 3 0 1 1 \"beginimage\"", &PIXELS);
        assert!(matches!(read(&huge), Err(ConvertError::TooLarge { .. })));
        let file = eps("3 2 8 3 0 1 1 \"beginimage\"", &PIXELS);
        let end = file.windows(4).position(|window| window == &PIXELS[14..]).unwrap() + 4;
        assert!(matches!(read(&file[..end - 1]), Err(ConvertError::Damaged { .. })));
        // Data that are shorter than their section.
        let short = eps("3 3 8 3 0 1 1 \"beginimage\"", &PIXELS);
        assert!(matches!(read(&short), Err(ConvertError::Damaged { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn no_damage_ever_panics(
            kind in 0..4_usize,
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let line = ["3 2 8 3 0 1 1", "3 2 8 3 0 3 2", "3 1 8 4 1 1 3", "9 9 1 1 0 2 1"][kind];
            let mut file = eps(&format!("{line} \"beginimage\""), &PIXELS);
            for (at, value) in changes {
                let at = at.index(file.len());
                file[at] = value;
            }
            let limits = Limits { max_pixels: 1 << 16, ..Limits::default() };
            if let Ok(header) = super::super::header(Cursor::new(&file), &limits)
                && header.format == SourceFormat::Eps
            {
                let _ = super::super::decode(&file, &header, Shrink::Full, &limits);
            }
        }
    }
}
