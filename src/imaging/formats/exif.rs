//! The two facts an EXIF block is read for: orientation and print resolution.
//!
//! An EXIF block is a small TIFF file: byte order, then a directory of 12-byte entries (TIFF 6.0,
//! section 2; EXIF 2.32, section 4.6). Nothing in it is trusted: what does not parse is not there.

use crate::imaging::Orientation;

/// What an EXIF block says.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Exif {
    /// Tag 274.
    pub(super) orientation: Orientation,
    /// Tags 282 and 296, in dots per inch.
    pub(super) dpi: Option<f64>,
}

const ORIENTATION: u16 = 274;
const X_RESOLUTION: u16 = 282;
const RESOLUTION_UNIT: u16 = 296;

const SHORT: u16 = 3;
const RATIONAL: u16 = 5;

impl Exif {
    /// Reads a block, with or without the `Exif\0\0` that JPEG puts before it.
    pub(super) fn parse(block: &[u8]) -> Self {
        let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
        Self::try_parse(block).unwrap_or_default()
    }

    fn try_parse(block: &[u8]) -> Option<Self> {
        let bytes = Bytes {
            block,
            little: match block.get(..4)? {
                b"II\x2a\0" => true,
                b"MM\0\x2a" => false,
                _ => return None,
            },
        };
        let start = bytes.long(4)?;
        let mut orientation = None;
        let mut resolution = None;
        let mut unit = 2;
        for n in 0..usize::from(bytes.short(start)?) {
            let entry = start.checked_add(2 + 12 * n)?;
            // An entry that is cut off ends the list; what was read before it holds.
            let (Some(tag), Some(kind)) = (bytes.short(entry), bytes.short(entry + 2)) else {
                break;
            };
            match (tag, kind) {
                (ORIENTATION, SHORT) => orientation = bytes.short(entry + 8),
                (RESOLUTION_UNIT, SHORT) => unit = bytes.short(entry + 8)?,
                (X_RESOLUTION, RATIONAL) => {
                    resolution = bytes.long(entry + 8).and_then(|at| bytes.rational(at));
                }
                _ => {}
            }
        }
        Some(Self {
            orientation: orientation.map(orientation_of).unwrap_or_default(),
            dpi: resolution.and_then(|value| dots_per_inch(value, unit)),
        })
    }
}

/// Returns the orientation of a tag's value; what is not 1–8 is upright.
pub(super) const fn orientation_of(value: u16) -> Orientation {
    match value {
        2 => Orientation::FlipHorizontal,
        3 => Orientation::Rotate180,
        4 => Orientation::FlipVertical,
        5 => Orientation::Transpose,
        6 => Orientation::Rotate90,
        7 => Orientation::Transverse,
        8 => Orientation::Rotate270,
        _ => Orientation::Upright,
    }
}

/// Turns a resolution and its unit (2 is inch, 3 is centimetre) into dots per inch.
pub(super) fn dots_per_inch(value: f64, unit: u16) -> Option<f64> {
    match unit {
        2 => super::resolution(value),
        3 => super::resolution(value * 2.54),
        _ => None,
    }
}

/// Makes a block, with its `Exif\0\0`, that says only how many dots per inch there are.
pub(super) fn resolution_block(dpi: f64) -> Vec<u8> {
    let mut block = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x03".to_vec();
    let offset = 8 + 2 + 3 * 12 + 4_u32;
    for (tag, kind, value) in [
        (X_RESOLUTION, RATIONAL, offset),
        (X_RESOLUTION + 1, RATIONAL, offset),
        (RESOLUTION_UNIT, SHORT, 2 << 16),
    ] {
        block.extend(tag.to_be_bytes());
        block.extend(kind.to_be_bytes());
        block.extend(1_u32.to_be_bytes());
        block.extend(value.to_be_bytes());
    }
    block.extend(0_u32.to_be_bytes());
    // Hundredths, like most writers.
    block.extend(super::whole(dpi * 100.0, u32::MAX).to_be_bytes());
    block.extend(100_u32.to_be_bytes());
    block
}

struct Bytes<'a> {
    block: &'a [u8],
    little: bool,
}

impl Bytes<'_> {
    fn short(&self, at: usize) -> Option<u16> {
        let bytes = self.block.get(at..)?.first_chunk::<2>()?;
        Some(if self.little { u16::from_le_bytes(*bytes) } else { u16::from_be_bytes(*bytes) })
    }

    fn number(&self, at: usize) -> Option<u32> {
        let bytes = self.block.get(at..)?.first_chunk::<4>()?;
        Some(if self.little { u32::from_le_bytes(*bytes) } else { u32::from_be_bytes(*bytes) })
    }

    fn long(&self, at: usize) -> Option<usize> {
        usize::try_from(self.number(at)?).ok()
    }

    fn rational(&self, at: usize) -> Option<f64> {
        let above = self.number(at)?;
        let below = self.number(at.checked_add(4)?)?;
        (below != 0).then(|| f64::from(above) / f64::from(below))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Makes a block with an orientation and 300 dpi.
    pub(in crate::imaging) fn block(orientation: u16, little: bool) -> Vec<u8> {
        let short = |v: u16| if little { v.to_le_bytes() } else { v.to_be_bytes() };
        let long = |v: u32| if little { v.to_le_bytes() } else { v.to_be_bytes() };
        let mut block = Vec::from(if little { b"II" } else { b"MM" });
        block.extend(short(42));
        block.extend(long(8));
        block.extend(short(3));
        for (tag, kind, value) in [
            (ORIENTATION, SHORT, [short(orientation), [0; 2]].concat()),
            (X_RESOLUTION, RATIONAL, long(50).to_vec()),
            (RESOLUTION_UNIT, SHORT, [short(2), [0; 2]].concat()),
        ] {
            block.extend(short(tag));
            block.extend(short(kind));
            block.extend(long(1));
            block.extend(value);
        }
        block.extend(long(0));
        assert_eq!(block.len(), 50);
        block.extend(long(3000));
        block.extend(long(10));
        block
    }

    #[test]
    fn both_byte_orders_are_read() {
        for little in [true, false] {
            let exif = Exif::parse(&block(6, little));
            assert_eq!(exif, Exif { orientation: Orientation::Rotate90, dpi: Some(300.0) });
        }
        let with_name = [b"Exif\0\0".as_slice(), &block(8, true)].concat();
        assert_eq!(Exif::parse(&with_name).orientation, Orientation::Rotate270);
    }

    #[test]
    fn nothing_in_a_broken_block_is_believed() {
        let whole = block(3, true);
        for length in 0..whole.len() {
            let exif = Exif::parse(&whole[..length]);
            assert!(exif.dpi.is_none(), "{length}");
        }
        assert_eq!(Exif::parse(&block(9, true)).orientation, Orientation::Upright);
        assert_eq!(Exif::parse(b"II\x2a\0\xff\xff\xff\xff"), Exif::default());
    }

    #[test]
    fn a_written_resolution_is_read_back() {
        assert_eq!(Exif::parse(&resolution_block(299.5)).dpi, Some(299.5));
    }

    #[test]
    fn centimetres_become_inches() {
        assert_eq!(dots_per_inch(100.0, 3), Some(254.0));
        assert_eq!(dots_per_inch(100.0, 1), None);
        assert_eq!(dots_per_inch(0.0, 2), None);
    }
}
