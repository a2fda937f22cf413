//! What stands in the segments between the scans (ITU T.81, B.2).

use super::error::Error;
use super::huffman::Spec;
use super::segments::Segments;

/// The order in which coefficients are coded, as places in rows of eight (ITU T.81, figure A.6).
///
/// Places beyond the last are the last, so that a run that leads out of a block stays in it.
pub(in crate::imaging::formats) const ZIGZAG: [u8; 80] = {
    let mut order = [63; 80];
    let (mut row, mut column, mut at) = (0_u8, 0_u8, 0);
    while at < 64 {
        order[at] = row * 8 + column;
        // Diagonals run upwards when row and column add up to an even number.
        if (row + column).is_multiple_of(2) {
            if column == 7 {
                row += 1;
            } else if row == 0 {
                column += 1;
            } else {
                row -= 1;
                column += 1;
            }
        } else if row == 7 {
            column += 1;
        } else if column == 0 {
            row += 1;
        } else {
            row += 1;
            column -= 1;
        }
        at += 1;
    }
    order
};

/// A component as its frame header describes it (B.2.2).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FrameComponent {
    pub(super) id: u8,
    pub(super) horizontal: u8,
    pub(super) vertical: u8,
    pub(super) table: u8,
}

/// A frame header (B.2.2).
#[derive(Clone, Debug)]
pub(super) struct FrameHeader {
    pub(super) progressive: bool,
    pub(super) precision: u8,
    pub(super) height: u16,
    pub(super) width: u16,
    pub(super) components: Vec<FrameComponent>,
}

/// A component of a scan (B.2.3).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ScanComponent {
    /// Its number in the frame.
    pub(super) index: usize,
    pub(super) dc_table: u8,
    pub(super) ac_table: u8,
}

/// A scan header (B.2.3).
#[derive(Clone, Debug)]
pub(super) struct ScanHeader {
    pub(super) components: Vec<ScanComponent>,
    /// First and last coefficient of the band.
    pub(super) first: u8,
    pub(super) last: u8,
    /// Bits of each coefficient that came before, and that are still missing after this scan.
    pub(super) high: u8,
    pub(super) low: u8,
}

/// The Adobe marker (Adobe technical note 5116, section 18).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Adobe {
    /// How the colours are transformed; not there when the segment is too short.
    pub(super) transform: Option<u8>,
    /// Whether any segment begins with the name.
    pub(super) named: bool,
}

/// Everything that segments set for what comes after them.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    /// In rows of eight.
    pub(super) quantization: [Option<[u16; 64]>; 4],
    pub(super) dc: [Option<Spec>; 4],
    pub(super) ac: [Option<Spec>; 4],
    /// Units between restart markers; 0 for none.
    pub(super) restart: u16,
    pub(super) frame: Option<FrameHeader>,
    pub(super) jfif: bool,
    pub(super) adobe: Adobe,
}

/// What ended a stretch of segments.
pub(super) enum Next {
    /// A scan begins.
    Scan(ScanHeader),
    /// The picture is over.
    End,
}

impl Tables {
    /// Reads segments up to the next scan or the end, the first marker being known already or not.
    pub(super) fn read(
        &mut self,
        segments: &mut Segments<'_>,
        known: Option<u8>,
    ) -> Result<Next, Error> {
        let mut known = known;
        loop {
            let marker = match known.take() {
                Some(marker) => marker,
                None => segments.next_marker()?,
            };
            match marker {
                0xd8 => return Err(Error::Header("a second start marker")),
                0xc0 | 0xc1 => self.frame(segments, false)?,
                0xc2 => self.frame(segments, true)?,
                0xc3 | 0xc5..=0xc7 | 0xc8 | 0xcd..=0xcf => {
                    return Err(Error::Unsupported("a lossless or hierarchical JPEG"));
                }
                0xc9..=0xcb => return Err(Error::Unsupported("an arithmetic-coded JPEG")),
                0xda => return Ok(Next::Scan(self.scan(segments)?)),
                0xd9 => return Ok(Next::End),
                0xc4 => self.huffman(segments)?,
                0xdb => self.quantization(segments)?,
                0xdd => self.restart(segments)?,
                0xe0 => self.jfif(segments.content()?),
                0xee => self.adobe(segments.content()?),
                0xe1..=0xed | 0xef | 0xfe | 0xdc | 0xcc => {
                    segments.content()?;
                }
                // Markers without a length.
                0xd0..=0xd7 | 0x01 => {}
                _ => return Err(Error::Header("an unknown marker")),
            }
        }
    }

    fn frame(&mut self, segments: &mut Segments<'_>, progressive: bool) -> Result<(), Error> {
        let length = segments.word()?;
        let precision = segments.byte()?;
        let (height, width) = (segments.word()?, segments.word()?);
        let count = segments.byte()?;
        if self.frame.is_some() {
            return Err(Error::Header("a second frame header"));
        }
        if height == 0 || width == 0 || count == 0 {
            return Err(Error::Header("a picture without pixels"));
        }
        if length != 8 + 3 * u16::from(count) {
            return Err(Error::Header("a frame header of the wrong length"));
        }
        let list = segments.take(usize::from(count) * 3)?.as_chunks::<3>().0;
        let components = list.iter().map(|&[id, factors, table]| FrameComponent {
            id,
            horizontal: factors >> 4,
            vertical: factors & 15,
            table,
        });
        let components = components.collect();
        self.frame = Some(FrameHeader { progressive, precision, height, width, components });
        Ok(())
    }

    fn scan(&self, segments: &mut Segments<'_>) -> Result<ScanHeader, Error> {
        let Some(frame) = &self.frame else {
            return Err(Error::Header("a scan before the frame header"));
        };
        let length = segments.word()?;
        let count = segments.byte()?;
        if length != u16::from(count) * 2 + 6 || !(1..=4).contains(&count) {
            return Err(Error::Header("a scan header of the wrong length"));
        }
        let mut components: Vec<ScanComponent> = Vec::with_capacity(usize::from(count));
        for &[id, tables] in segments.take(usize::from(count) * 2)?.as_chunks::<2>().0 {
            // A component counts as taken when the scan has got as many already: components have
            // to stand in the order of the frame (B.2.3).
            let mut unused = frame.components.iter().take(4).enumerate().skip(components.len());
            let found = unused.find(|(_, component)| component.id == id);
            let index = found.map(|(index, _)| index);
            let index = index.filter(|at| components.iter().all(|other| other.index != *at));
            let Some(index) = index else {
                return Err(Error::Header("a scan of a component that the frame does not have"));
            };
            components.push(ScanComponent { index, dc_table: tables >> 4, ac_table: tables & 15 });
        }
        let [first, last, bits] = [segments.byte()?, segments.byte()?, segments.byte()?];
        Ok(ScanHeader { components, first, last, high: bits >> 4, low: bits & 15 })
    }

    /// Reads Huffman tables (B.2.4.2).
    fn huffman(&mut self, segments: &mut Segments<'_>) -> Result<(), Error> {
        let mut left = i32::from(segments.word()?) - 2;
        while left > 16 {
            let place = segments.byte()?;
            let counts = segments.take(16)?;
            let total: i32 = counts.iter().copied().map(i32::from).sum();
            left -= 17;
            if total > 256 || total > left {
                return Err(Error::Header("a Huffman table of too many codes"));
            }
            let mut spec = Spec::default();
            spec.counts.copy_from_slice(counts);
            spec.used = usize::try_from(total).unwrap_or_default();
            spec.symbols[..spec.used].copy_from_slice(segments.take(spec.used)?);
            left -= total;
            let list = if place & 0x10 == 0 { &mut self.dc } else { &mut self.ac };
            let Some(table) = list.get_mut(usize::from(place & !0x10)) else {
                return Err(Error::Header("a Huffman table of an impossible number"));
            };
            *table = Some(spec);
        }
        if left == 0 { Ok(()) } else { Err(Error::Header("Huffman tables of the wrong length")) }
    }

    /// Reads quantization tables (B.2.4.1).
    fn quantization(&mut self, segments: &mut Segments<'_>) -> Result<(), Error> {
        let mut left = i32::from(segments.word()?) - 2;
        while left > 0 {
            let place = segments.byte()?;
            let wide = place >> 4 != 0;
            let Some(table) = self.quantization.get_mut(usize::from(place & 15)) else {
                return Err(Error::Header("a quantization table of an impossible number"));
            };
            let table = table.insert([0; 64]);
            for at in &ZIGZAG[..64] {
                table[usize::from(*at)] =
                    if wide { segments.word()? } else { u16::from(segments.byte()?) };
            }
            left -= if wide { 129 } else { 65 };
        }
        if left == 0 { Ok(()) } else { Err(Error::Header("quantization tables of a wrong length")) }
    }

    /// Reads the restart interval (B.2.4.4).
    fn restart(&mut self, segments: &mut Segments<'_>) -> Result<(), Error> {
        if segments.word()? != 4 {
            return Err(Error::Header("a restart interval of the wrong length"));
        }
        self.restart = segments.word()?;
        Ok(())
    }

    fn jfif(&mut self, content: &[u8]) {
        self.jfif |= content.len() >= 14 && content.starts_with(b"JFIF\0");
    }

    fn adobe(&mut self, content: &[u8]) {
        if content.starts_with(b"Adobe") {
            self.adobe.named = true;
            if let Some(transform) = content.get(11) {
                self.adobe.transform = Some(*transform);
            }
        }
    }
}
