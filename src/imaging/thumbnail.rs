//! Small pictures for people to look at: of a source, and of what became of it.
//!
//! They are a by-product: made from pixels that are in memory anyway, of at most nine pixels for each
//! of their own, and what cannot be shown is not. So they cost next to nothing beside the
//! conversion they belong to. The same source and the same plans give the same bytes. Of a document
//! the first page is shown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::color::Colors;
use super::finish::finished;
use super::formats::{self, Embedded, Header, Shrink, SourceFormat};
use super::modifiers::values::{Color, Quantize};
use super::ops::{self, Resampler};
use super::plan::{Area, Conversion, Encoding, Kernel, Output, Scans};
use super::raster::{Raster, Samples};
use super::{ConvertError, PixelType, Size};

/// Longest side in pixels.
pub const LONGEST: u32 = 160;
/// Most bytes of one: what is larger is none. A palette of 256 colours stays below it whatever it
/// shows.
pub const MOST_BYTES: usize = 40 << 10;
/// At most so many pixels of the picture, on each side, are looked at for one of the thumbnail.
const LOOKED_AT: u32 = 3;
/// Compression of those without transparency.
const QUALITY: u8 = 78;

/// How a thumbnail is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Everything is opaque.
    Jpeg,
    /// Parts are transparent.
    Png,
}

/// A small picture in sRGB; in JSON the file in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Thumbnail {
    /// How it is written.
    pub kind: Kind,
    /// The file, at most [`MOST_BYTES`] long.
    pub bytes: Vec<u8>,
}

impl Thumbnail {
    /// Takes bytes for a thumbnail if they can be one, going by their length and how they begin.
    #[must_use]
    pub fn recognise(bytes: Vec<u8>) -> Option<Self> {
        let kind = match bytes.as_slice() {
            [0xff, 0xd8, 0xff, ..] => Kind::Jpeg,
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Kind::Png,
            _ => return None,
        };
        (bytes.len() <= MOST_BYTES).then_some(Self { kind, bytes })
    }

    /// Writes it as a page can hold it.
    #[must_use]
    pub fn data_uri(&self) -> String {
        format!("data:{};base64,{}", self.kind.media_type(), STANDARD.encode(&self.bytes))
    }
}

impl Kind {
    /// Returns its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    /// Returns the suffix of a file of this kind.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }
}

impl From<Thumbnail> for String {
    fn from(thumbnail: Thumbnail) -> Self {
        STANDARD.encode(thumbnail.bytes)
    }
}

impl TryFrom<String> for Thumbnail {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = STANDARD.decode(text).map_err(|_| "a thumbnail that is not base64")?;
        Self::recognise(bytes).ok_or("a thumbnail that is none")
    }
}

/// Says how much smaller a source is decoded to be shown. Depends on its header alone.
pub(super) fn shrink(header: &Header) -> Shrink {
    if header.format != SourceFormat::Jpeg {
        return Shrink::Full;
    }
    let longest = header.size.width.max(header.size.height);
    let enough = |shrink: &Shrink| longest / shrink.divisor() >= 2 * LONGEST;
    Shrink::STRONGEST_FIRST.into_iter().find(enough).unwrap_or_default()
}

/// Shows a source, decoded and upright.
pub(super) fn of_source(
    resampler: &mut Resampler<'_>,
    colors: &mut Colors<'_>,
    picture: &Raster,
) -> Option<Thumbnail> {
    let small = small(resampler, picture).ok()?;
    let output = output(picture.has_alpha());
    let shown = colors.to_output(small, &output).ok()?;
    write(finished(shown, &output), output)
}

/// Shows a reply as it is about to be written.
pub(super) fn of_reply(
    resampler: &mut Resampler<'_>,
    colors: &mut Colors<'_>,
    picture: &Raster,
    reply: &Output,
) -> Option<Thumbnail> {
    let small = small(resampler, picture).ok()?;
    let output = output(picture.has_alpha());
    let shown = colors.reply_to_srgb(small, reply).ok()?;
    write(finished(shown, &output), output)
}

/// Makes a picture small: of a large one single pixels are taken first.
fn small(resampler: &mut Resampler<'_>, picture: &Raster) -> Result<Raster, ConvertError> {
    let size = picture.size();
    let longest = size.width.max(size.height);
    let to = if longest <= LONGEST {
        size
    } else {
        let side = |side: u32| {
            let scaled = u64::from(side) * u64::from(LONGEST) + u64::from(longest / 2);
            u32::try_from(scaled / u64::from(longest)).unwrap_or(LONGEST).max(1)
        };
        Size::new(side(size.width), side(size.height))
    };
    let thinned = ops::thinned(picture, longest.div_ceil(LONGEST * LOOKED_AT));
    let size = thinned.as_ref().map_or(size, Raster::size);
    let from =
        Area { x: 0.0, y: 0.0, width: f64::from(size.width), height: f64::from(size.height) };
    ops::resample(resampler, thinned.as_ref().unwrap_or(picture), from, to, Kernel::Bilin)
}

fn output(alpha: bool) -> Output {
    Output {
        encoding: Encoding::Jpeg {
            quality: QUALITY,
            full_chroma: false,
            scans: Scans::Baseline,
            most_bytes: None,
        },
        pixel_type: PixelType::Rgb,
        alpha,
        background: Color::rgb([255; 3]),
        conversion: Conversion::default(),
        embed_profile: false,
        embed_xmp: false,
        paths: None,
        dpi: None,
    }
}

fn write(mut picture: Raster, mut output: Output) -> Option<Thumbnail> {
    let (picture, kind) = if picture.is_opaque() {
        (picture.without_alpha(), Kind::Jpeg)
    } else {
        let palette = Quantize { diffuse: false, ..Quantize::default() };
        output.encoding = Encoding::Png8 { palette };
        coarsen(&mut picture);
        (picture, Kind::Png)
    };
    let bytes = formats::encode(&picture, &output, Embedded::default()).ok()?;
    (bytes.len() <= MOST_BYTES).then_some(Thumbnail { kind, bytes })
}

/// Leaves five bits of each component: of ten thousands of colours a palette takes longer to choose
/// than many a conversion.
fn coarsen(picture: &mut Raster) {
    if let Samples::Eight(samples) = picture.samples_mut() {
        for sample in samples {
            *sample = (*sample & 0xf8) | (*sample >> 5);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::imaging::modifiers::{Presets, Rules, parse};
    use crate::imaging::plan::{Defaults, plan};
    use crate::imaging::raster::Alpha;
    use crate::imaging::{Inputs, Limits, Made, Uprighting, convert_and_show, probe, show};

    /// A picture of noise, the worst there is to compress; with alpha parts are transparent.
    fn noise(width: u32, height: u32, alpha: Alpha) -> Vec<u8> {
        let channels = if alpha == Alpha::Straight { 4 } else { 3 };
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        let samples = (0..width * height * channels).map(|_| next()).collect();
        let size = Size::new(width, height);
        let picture = Raster::new(size, PixelType::Rgb, alpha, Samples::Eight(samples)).unwrap();
        let output = Output { encoding: Encoding::Png, ..output(alpha == Alpha::Straight) };
        formats::encode(&picture, &output, Embedded::default()).unwrap()
    }

    fn size(thumbnail: &Thumbnail) -> Size {
        let file = Cursor::new(&thumbnail.bytes);
        probe(file, &Limits::default(), Uprighting::Apply).unwrap().size
    }

    fn shown(file: &[u8]) -> Thumbnail {
        show(file, &Limits::default(), Uprighting::Apply).unwrap().unwrap()
    }

    /// Makes replies of a file; returns the thumbnails of it and of each.
    fn made(file: &[u8], requests: &[&str]) -> (Vec<Thumbnail>, Vec<Option<Thumbnail>>) {
        let limits = Limits::default();
        let info = probe(Cursor::new(file), &limits, Uprighting::Apply).unwrap();
        let planned = |text: &&str| {
            let parsed = parse(text, &Presets::default(), Rules::default());
            plan(&parsed.modifiers, &info, &Defaults::default()).unwrap().plan
        };
        let plans: Vec<_> = requests.iter().map(planned).collect();
        let (mut sources, mut replies) = (Vec::new(), vec![None; plans.len()]);
        let each = &mut |made| match made {
            Made::Source(thumbnail) => sources.push(thumbnail),
            Made::Reply(at, reply) => replies[at] = reply.unwrap().thumbnail,
        };
        convert_and_show(Inputs::of(file), &plans, &limits, Uprighting::Apply, each).unwrap();
        (sources, replies)
    }

    #[test]
    fn a_thumbnail_is_small_and_the_same_each_time() {
        for (picture, wanted) in [
            ((1000, 500), (160, 80)),
            ((90, 40), (90, 40)),
            ((3000, 1), (160, 1)),
            ((1, 3000), (1, 160)),
            ((161, 160), (160, 159)),
        ] {
            for (alpha, kind) in [(Alpha::None, Kind::Jpeg), (Alpha::Straight, Kind::Png)] {
                let file = noise(picture.0, picture.1, alpha);
                let thumbnail = shown(&file);
                assert_eq!(thumbnail.kind, kind, "{picture:?}");
                assert_eq!(size(&thumbnail), Size::new(wanted.0, wanted.1), "{picture:?}");
                assert_eq!(shown(&file), thumbnail);
                // In an answer and on a page it is text.
                let text = serde_json::to_string(&thumbnail).unwrap();
                assert_eq!(serde_json::from_str::<Thumbnail>(&text).unwrap(), thumbnail);
            }
        }
        assert!(shown(&noise(160, 160, Alpha::Straight)).bytes.len() < MOST_BYTES);
    }

    #[test]
    fn what_is_no_small_picture_is_no_thumbnail() {
        let long = [&[0xff, 0xd8, 0xff][..], &vec![0; MOST_BYTES]].concat();
        for bytes in [b"<svg/>".to_vec(), Vec::new(), long] {
            assert_eq!(Thumbnail::recognise(bytes.clone()), None);
            let text = serde_json::to_string(&STANDARD.encode(bytes)).unwrap();
            assert!(serde_json::from_str::<Thumbnail>(&text).is_err());
        }
        assert!(show(b"no picture", &Limits::default(), Uprighting::Apply).is_err());
    }

    #[test]
    fn source_and_reply_are_shown_whatever_else_is_made() {
        let file = noise(900, 600, Alpha::None);
        let (sources, alone) = made(&file, &["wid=300&hei=300&fmt=png&bgc=ff0000"]);
        assert_eq!(sources, [shown(&file)]);
        let thumbnail = alone[0].clone().unwrap();
        assert_eq!(size(&thumbnail), Size::new(160, 160));
        let (sources, both) =
            made(&file, &["wid=50&fmt=tif", "wid=300&hei=300&fmt=png&bgc=ff0000", "fmt=gif"]);
        assert_eq!(sources, [shown(&file)]);
        assert_eq!(both[1].as_ref(), Some(&thumbnail));
        assert_eq!(size(both[0].as_ref().unwrap()).width, 50);
    }

    #[test]
    fn a_jpeg_is_shown_as_it_is_decoded_for_its_replies() {
        let samples = (0..2000 * 1000 * 3).map(|n| u8::try_from(n / 3 % 200).unwrap()).collect();
        let picture = Raster::new(
            Size::new(2000, 1000),
            PixelType::Rgb,
            Alpha::None,
            Samples::Eight(samples),
        );
        let file = formats::encode(&picture.unwrap(), &output(false), Embedded::default()).unwrap();
        for request in ["fmt=png", "wid=400&fmt=png", "wid=20&fmt=png"] {
            let (sources, _) = made(&file, &[request]);
            let [source] = sources.as_slice() else { panic!("{} for {request}", sources.len()) };
            assert_eq!(size(source), Size::new(160, 80), "{request}");
        }
    }
}
