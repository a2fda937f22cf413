//! AVIF, both ways (AVIF 1.1; ISO/IEC 23008-12 for the container, AV1 for the pixels).
//!
//! Read are still pictures, whole or in a grid of tiles, with 8, 10 or 12 bits, of every chroma
//! layout, in YCbCr or RGB; of a sequence that has a still picture, that one. Transparency is
//! found beside the colour, as a second picture. Turning and mirroring (`irot`, `imir`) are left
//! to the caller as an orientation; cutting (`clap`) is done here. A profile in the file counts;
//! without one, primaries other than sRGB's are made into a profile. High dynamic range (PQ, HLG)
//! is refused, because as it is it would look wrong everywhere.
//!
//! Written are lossy pictures of 8 bits, by rav1e or, where the build has it, by libaom. The former knows
//! no lossless coding, so lossless replies are refused. Colour profiles and the print resolution cannot be held; the
//! numbers for sRGB are always written.

use std::io::{BufRead, Cursor, Seek};

use super::boxes::{Bytes, nonsense};
use super::{Header, SourceFormat, damaged, divide_alpha, unsupported};
use crate::diag::phrase;
use crate::imaging::raster::{Alpha, Raster, Sample, Samples, as_usize};
use crate::imaging::{ConvertError, Limits, Orientation, PixelType, Size};

mod description;
mod frame;
#[cfg(feature = "libaom")]
mod libaom;
mod profile;
#[cfg(any(test, not(feature = "libaom")))]
mod rav1e;
mod sequence;
#[cfg(test)]
mod tests;
mod write;

use description::{Cicp, Coding, Item, Meta, Property};
use frame::{Canvas, Frame};
pub(super) use write::encode;

/// What an auxiliary picture is called that holds the transparency.
const ALPHA: [&[u8]; 2] =
    [b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1"];

/// The picture of a file, as its description has it.
struct Still {
    /// Size before it is cut.
    size: Size,
    coding: Coding,
    cicp: Option<Cicp>,
    profile: Option<Vec<u8>>,
    orientation: Orientation,
    /// Left and upper edge, and size, of what remains when it is cut.
    kept: (u32, u32, Size),
    /// Number of the picture of its transparency.
    alpha: Option<u32>,
    premultiplied: bool,
}

impl Still {
    fn of(meta: &Meta) -> Result<Self, ConvertError> {
        let primary = meta.primary()?;
        let (size, coding) = described(meta, primary)?;
        let mut still = Self {
            size,
            coding,
            cicp: None,
            profile: None,
            orientation: Orientation::Upright,
            kept: (0, 0, size),
            alpha: None,
            premultiplied: false,
        };
        let mut turned = Turned::default();
        for property in meta.properties(primary)? {
            match property {
                Property::Colour(cicp) => still.cicp = Some(*cicp),
                Property::Profile(profile) => still.profile = Some(profile.clone()),
                Property::Turn(quarters) => turned.turn(*quarters),
                Property::Mirror { sideways } => turned.mirror(*sideways),
                Property::Crop(fractions) => still.kept = kept(size, fractions)?,
                Property::Size(_)
                | Property::Coding(_)
                | Property::Meaning(_)
                | Property::Harmless
                | Property::Unknown(_) => {}
            }
        }
        still.orientation = turned.orientation();
        for number in meta.referring(b"auxl", primary.number) {
            let is_alpha = |property: &&Property| matches!(property, Property::Meaning(name) if ALPHA.contains(&name.as_slice()));
            if meta.properties(meta.item(number)?)?.iter().any(is_alpha) {
                still.alpha = Some(number);
                still.premultiplied = meta.referred(b"prem", primary.number).contains(&number);
                break;
            }
        }
        Ok(still)
    }

    /// Returns the profile in the file, else the one that the numbers stand for.
    fn profile(&self) -> Result<Option<Vec<u8>>, ConvertError> {
        match (&self.profile, self.cicp) {
            (Some(profile), _) => Ok(Some(profile.clone())),
            (None, Some(cicp)) if !self.coding.monochrome => profile::of(cicp),
            (None, _) => Ok(None),
        }
    }
}

/// Returns what an item, or the first tile of its grid, says of itself.
fn described(meta: &Meta, item: &Item) -> Result<(Size, Coding), ConvertError> {
    let mut size = None;
    let mut coding = None;
    for property in meta.properties(item)? {
        match property {
            Property::Size(found) => size = Some(*found),
            Property::Coding(found) => coding = Some(*found),
            _ => {}
        }
    }
    let coding = match &item.kind {
        b"av01" => coding,
        b"grid" => {
            let tiles = meta.referred(b"dimg", item.number);
            let first = meta.item(*tiles.first().ok_or_else(nonsense)?)?;
            if &first.kind != b"av01" {
                return Err(kind_not_read(first));
            }
            Some(described(meta, first)?.1)
        }
        _ => return Err(kind_not_read(item)),
    };
    Ok((size.ok_or_else(nonsense)?, coding.ok_or_else(nonsense)?))
}

fn kind_not_read(item: &Item) -> ConvertError {
    unsupported(match &item.kind {
        b"hvc1" | b"hev1" => {
            phrase!("source-heic", "a HEIC picture (HEVC)")
        }
        _ => phrase!("source-avif-put-together", "an AVIF that is put together in a rare way"),
    })
}

/// Turns and mirrorings, one after the other: first mirrored left and right or not, then turned
/// by so many quarters clockwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Turned {
    mirrored: bool,
    quarters: u8,
}

impl Turned {
    fn turn(&mut self, against_the_clock: u8) {
        self.quarters = (self.quarters + 4 - against_the_clock % 4) % 4;
    }

    fn mirror(&mut self, sideways: bool) {
        self.mirrored = !self.mirrored;
        // What was turned before is turned the other way by the mirror.
        self.quarters = (4 - self.quarters + if sideways { 0 } else { 2 }) % 4;
    }

    fn orientation(self) -> Orientation {
        match (self.mirrored, self.quarters) {
            (false, 1) => Orientation::Rotate90,
            (false, 2) => Orientation::Rotate180,
            (false, 3) => Orientation::Rotate270,
            (false, _) => Orientation::Upright,
            (true, 1) => Orientation::Transverse,
            (true, 2) => Orientation::FlipVertical,
            (true, 3) => Orientation::Transpose,
            (true, _) => Orientation::FlipHorizontal,
        }
    }
}

/// Returns what `clap` leaves of a picture: edges in whole pixels, inside the picture.
fn kept(size: Size, fractions: &[(u32, u32); 4]) -> Result<(u32, u32, Size), ConvertError> {
    let [width, height, across, down] = *fractions;
    let side = |whole: u32, (n, d): (u32, u32), offset: (u32, u32)| {
        let length = (d != 0 && n % d == 0).then(|| n / d).filter(|&n| n > 0 && n <= whole)?;
        // The centre's distance from the picture's centre; the numerator is signed.
        let (n, d) = (i64::from(offset.0.cast_signed()), i64::from(offset.1));
        let doubled = (d != 0 && 2 * n % d == 0).then(|| 2 * n / d)?;
        let start = i64::from(whole) - i64::from(length) + doubled;
        let start = (start % 2 == 0).then(|| u32::try_from(start / 2).ok())??;
        (start <= whole - length).then_some((start, length))
    };
    match (side(size.width, width, across), side(size.height, height, down)) {
        (Some((x, width)), Some((y, height))) => Ok((x, y, Size::new(width, height))),
        _ => Err(unsupported(phrase!(
            "source-avif-cut-between-pixels",
            "an AVIF that is cut between its pixels"
        ))),
    }
}

pub(super) fn header<R: BufRead + Seek>(input: R, limits: &Limits) -> Result<Header, ConvertError> {
    let still = Still::of(&Meta::read(input)?)?;
    let colors = if still.coding.monochrome { 1 } else { 3 };
    let depth = u64::from(still.coding.bits.div_ceil(8));
    // The decoder's planes are there beside the picture they become.
    let planes = still.size.pixels().saturating_mul(colors * depth);
    limits.allow(still.size, planes.saturating_mul(2))?;
    let profile = still.profile()?;
    Ok(Header {
        pixel_type: if still.coding.monochrome { PixelType::Gray } else { PixelType::Rgb },
        bits: if still.coding.bits > 8 { 16 } else { 8 },
        alpha: still.alpha.is_some(),
        orientation: still.orientation,
        profile: profile.map(Into::into),
        ..Header::new(SourceFormat::Avif, still.kept.2)
    })
}

pub(super) fn decode(bytes: &[u8], header: &Header) -> Result<Raster, ConvertError> {
    let meta = Meta::read(Cursor::new(bytes))?;
    let still = Still::of(&meta)?;
    let samples = if still.coding.bits > 8 {
        Samples::Sixteen(File { meta: &meta, bytes }.picture(&still)?)
    } else {
        Samples::Eight(File { meta: &meta, bytes }.picture(&still)?)
    };
    let alpha = Alpha::from_bool(still.alpha.is_some());
    Raster::new(header.size, header.pixel_type, alpha, samples).map_err(|_| {
        damaged(phrase!(
            "damage-pixels-fewer-than-header-says",
            "it does not have as many pixels as its header says"
        ))
    })
}

struct File<'a> {
    meta: &'a Meta,
    bytes: &'a [u8],
}

/// A coded picture, and where it lies in the whole.
type Tile<'a> = (&'a Item, (usize, usize));

impl File<'_> {
    /// Decodes colour and transparency, interleaved, and cuts the picture.
    fn picture<S: Sample>(&self, still: &Still) -> Result<Vec<S>, ConvertError> {
        let colors = if still.coding.monochrome { 1 } else { 3 };
        let channels = colors + usize::from(still.alpha.is_some());
        let width = as_usize(still.size.width);
        let samples = vec![S::default(); width * as_usize(still.size.height) * channels];
        let mut canvas = Canvas { samples, width, channels };
        for (item, at) in self.tiles(self.meta.primary()?, still.size)? {
            let frame = self.frame(item)?;
            frame.paint(still.cicp.unwrap_or(frame.cicp), &mut canvas, at)?;
        }
        if let Some(number) = still.alpha {
            let item = self.meta.item(number)?;
            if described(self.meta, item)?.0 != still.size {
                return Err(unsupported(phrase!(
                    "source-avif-transparency-another-size",
                    "an AVIF whose transparency has another size"
                )));
            }
            for (item, at) in self.tiles(item, still.size)? {
                let frame = self.frame(item)?;
                frame.paint_alpha(frame.cicp.full_range, &mut canvas, at);
            }
        }
        let mut samples = cut(canvas, still);
        if still.premultiplied {
            divide_alpha(&mut samples, channels);
        }
        Ok(samples)
    }

    fn frame(&self, item: &Item) -> Result<Frame, ConvertError> {
        let (size, coding) = described(self.meta, item)?;
        Frame::decode(self.meta.bytes(item, self.bytes)?, size, coding)
    }

    /// Lists the coded pictures an item is made of; they cover all of it.
    fn tiles(&self, item: &Item, size: Size) -> Result<Vec<Tile<'_>>, ConvertError> {
        if &item.kind == b"av01" {
            return Ok(vec![(self.meta.item(item.number)?, (0, 0))]);
        }
        // ISO/IEC 23008-12, 6.6.2.3.
        let rule = self.meta.bytes(item, self.bytes)?;
        let mut rule = Bytes(&rule);
        let (_, flags) = (rule.byte()?, rule.byte()?);
        let (rows, columns) = (usize::from(rule.byte()?) + 1, usize::from(rule.byte()?) + 1);
        let mut side = || if flags & 1 == 1 { rule.long() } else { rule.short().map(u32::from) };
        let whole = Size::new(side()?, side()?);
        let numbers = self.meta.referred(b"dimg", item.number);
        if whole != size || numbers.len() != rows * columns {
            return Err(nonsense());
        }
        let tiles: Result<Vec<&Item>, _> = numbers.iter().map(|&n| self.meta.item(n)).collect();
        let tiles = tiles?;
        let (tile, coding) = described(self.meta, tiles[0])?;
        for other in &tiles {
            if &other.kind != b"av01" || described(self.meta, other)? != (tile, coding) {
                return Err(unsupported(phrase!(
                    "source-avif-tiles-unlike",
                    "an AVIF of tiles that are not alike"
                )));
            }
        }
        let (width, height) = (as_usize(tile.width), as_usize(tile.height));
        let covered = |count: usize, tile: usize, whole: u32| {
            tile > 0 && count * tile >= as_usize(whole) && (count - 1) * tile < as_usize(whole)
        };
        if !covered(columns, width, size.width) || !covered(rows, height, size.height) {
            return Err(nonsense());
        }
        let at = |n: usize| (n % columns * width, n / columns * height);
        Ok(tiles.into_iter().enumerate().map(|(n, item)| (item, at(n))).collect())
    }
}

/// Keeps what `clap` leaves.
fn cut<S: Sample>(canvas: Canvas<S>, still: &Still) -> Vec<S> {
    let (x, y, size) = still.kept;
    if size == still.size {
        return canvas.samples;
    }
    let rows = canvas.samples.chunks_exact(canvas.width * canvas.channels);
    let columns = as_usize(x) * canvas.channels..as_usize(x + size.width) * canvas.channels;
    let rows = rows.skip(as_usize(y)).take(as_usize(size.height));
    rows.flat_map(|row| row[columns.clone()].iter().copied()).collect()
}
