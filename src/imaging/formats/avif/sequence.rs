//! The first thing in AV1 data: what all its frames have in common (AV1 specification, 5.5).
//!
//! It is read here, before the decoder sees anything, so that a size or a depth the container did
//! not announce is refused before memory is asked for.

use super::description::Cicp;
use crate::diag::phrase;
use crate::imaging::formats::boxes::Bytes;
use crate::imaging::formats::damaged;
use crate::imaging::{ConvertError, Size};

const SEQUENCE_HEADER: u8 = 1;

/// What the frames have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sequence {
    /// Largest size of a frame.
    pub(super) size: Size,
    /// 0 for halved chroma or none, 1 for full chroma, 2 for the rest.
    pub(super) profile: u8,
    /// What a decoder must be able to do, by the table of the AV1 specification, A.3; 31 is no bound.
    pub(super) level: u8,
    /// 8, 10 or 12.
    pub(super) bits: u8,
    pub(super) monochrome: bool,
    pub(super) cicp: Cicp,
    /// Whether there is half the chroma only, across and down.
    pub(super) halved: (bool, bool),
}

impl Sequence {
    /// Finds and reads the sequence header among the units of AV1 data.
    pub(super) fn of(data: &[u8]) -> Result<Self, ConvertError> {
        let mut bytes = Bytes(data);
        while !bytes.0.is_empty() {
            let head = bytes.byte()?;
            if head >> 2 & 1 == 1 {
                bytes.byte()?;
            }
            let length = if head >> 1 & 1 == 1 { length(&mut bytes)? } else { bytes.0.len() };
            let unit = bytes.take(length)?;
            if head >> 3 & 15 == SEQUENCE_HEADER {
                return Self::parse(&mut Bits { bytes: unit, at: 0 });
            }
        }
        Err(damaged(phrase!("damage-no-av1-sequence-header", "it has no AV1 sequence header")))
    }

    fn parse(bits: &mut Bits) -> Result<Self, ConvertError> {
        let profile = bits.take(3)?;
        bits.take(1)?;
        let reduced = bits.flag()?;
        let level = if reduced { bits.take(5)? } else { timing(bits)? };
        let (width, height) = (bits.take(4)? + 1, bits.take(4)? + 1);
        let size = Size::new(bits.take(width)? + 1, bits.take(height)? + 1);
        if !reduced && bits.flag()? {
            bits.take(7)?;
        }
        bits.take(3)?;
        if !reduced {
            tools(bits)?;
        }
        bits.take(3)?;
        let [kind, level] = [profile, level].map(|number| u8::try_from(number).unwrap_or(u8::MAX));
        let blank = Cicp { primaries: 2, transfer: 2, matrix: 2, full_range: false };
        let halved = (false, false);
        let sequence =
            Self { size, profile: kind, level, bits: 8, monochrome: false, cicp: blank, halved };
        sequence.with_colours(bits, profile)
    }

    fn with_colours(self, bits: &mut Bits, profile: u32) -> Result<Self, ConvertError> {
        let high = bits.flag()?;
        let depth = match (high, profile) {
            (false, _) => 8,
            (true, 2) if bits.flag()? => 12,
            (true, _) => 10,
        };
        let monochrome = profile != 1 && bits.flag()?;
        let mut cicp = self.cicp;
        if bits.flag()? {
            cicp.primaries = bits.byte()?;
            cicp.transfer = bits.byte()?;
            cicp.matrix = bits.byte()?;
        }
        let srgb = (cicp.primaries, cicp.transfer, cicp.matrix) == (1, 13, 0);
        cicp.full_range = (!monochrome && srgb) || bits.flag()?;
        let halved = match (profile, depth) {
            _ if monochrome => (true, true),
            _ if srgb => (false, false),
            (0, _) => (true, true),
            (1, _) => (false, false),
            (_, 12) => {
                let across = bits.flag()?;
                (across, across && bits.flag()?)
            }
            (_, _) => (true, false),
        };
        Ok(Self { bits: depth, monochrome, cicp, halved, ..self })
    }
}

/// Steps over timing, decoder model and operating points, and returns the level of the first of these.
fn timing(bits: &mut Bits) -> Result<u32, ConvertError> {
    let mut delay_length = None;
    if bits.flag()? {
        bits.take(32)?;
        bits.take(32)?;
        if bits.flag()? {
            // A number of as many bits as there are zeros before it.
            let mut zeros = 0;
            while !bits.flag()? {
                zeros += 1;
            }
            bits.take(zeros)?;
        }
        if bits.flag()? {
            delay_length = Some(bits.take(5)? + 1);
            bits.take(32)?;
            bits.take(10)?;
        }
    }
    let display_delay = bits.flag()?;
    let mut first = None;
    for _ in 0..=bits.take(5)? {
        bits.take(12)?;
        let level = bits.take(5)?;
        first.get_or_insert(level);
        if level > 7 {
            bits.take(1)?;
        }
        if let Some(length) = delay_length
            && bits.flag()?
        {
            bits.take(length)?;
            bits.take(length)?;
            bits.take(1)?;
        }
        if display_delay && bits.flag()? {
            bits.take(4)?;
        }
    }
    first.ok_or_else(too_short)
}

/// Steps over the switches of the coding tools only sequences have.
fn tools(bits: &mut Bits) -> Result<(), ConvertError> {
    bits.take(4)?;
    let order_hint = bits.flag()?;
    if order_hint {
        bits.take(2)?;
    }
    let screen_content = bits.flag()? || bits.flag()?;
    if screen_content && !bits.flag()? {
        bits.take(1)?;
    }
    if order_hint {
        bits.take(3)?;
    }
    Ok(())
}

/// Takes a length of up to 8 groups of 7 bits, the lowest first.
fn length(bytes: &mut Bytes) -> Result<usize, ConvertError> {
    let mut length = 0_usize;
    for group in 0..8 {
        let byte = bytes.byte()?;
        length |= usize::from(byte & 0x7f) << (7 * group);
        if byte >> 7 == 0 {
            return Ok(length);
        }
    }
    Err(too_short())
}

fn too_short() -> ConvertError {
    damaged(phrase!("damage-av1-sequence-header-makes-no", "its AV1 sequence header is invalid"))
}

/// Bits that are taken from the front, highest first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn flag(&mut self) -> Result<bool, ConvertError> {
        let byte = self.bytes.get(self.at / 8).ok_or_else(too_short)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Ok(bit == 1)
    }

    /// Takes a number; of more than 32 bits the last 32 remain.
    fn take(&mut self, count: u32) -> Result<u32, ConvertError> {
        let mut number = 0_u32;
        for _ in 0..count {
            number = number << 1 | u32::from(self.flag()?);
        }
        Ok(number)
    }

    fn byte(&mut self) -> Result<u16, ConvertError> {
        let mut number = 0;
        for _ in 0..8 {
            number = number << 1 | u16::from(self.flag()?);
        }
        Ok(number)
    }
}
