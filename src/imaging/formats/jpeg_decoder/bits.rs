//! The bits of a scan (ITU T.81, F.2.2.5).
//!
//! The bytes are copied without the zeros stuffed into them to a window, from which eight at a
//! time can be taken without looking at them. It is filled before a unit begins, with more than a
//! unit can take, up to the marker that ends the bits; behind that come zeros.

use super::error::Error;

/// Bytes of the window.
const WINDOW: usize = 1 << 13;
/// More than the codes of the ten blocks of a unit can take.
const UNIT: usize = 2560;

/// The bytes that bits are taken from.
pub(super) struct Window {
    bytes: Box<[u8; WINDOW + 8]>,
    /// Where they end.
    end: usize,
}

/// A place in the window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    /// The next bits, from the highest.
    pub(super) bits: u64,
    /// How many of them count.
    count: u32,
    /// The byte that comes next; beyond the end of the window when more is taken than is there.
    at: usize,
}

impl Cursor {
    /// Makes sure that there are 56 bits.
    #[inline(always)]
    pub(super) fn refill(&mut self, window: &Window) {
        let at = self.at.min(window.end) & (WINDOW - 1);
        if let Some(bytes) = window.bytes[at..].first_chunk::<8>() {
            self.bits |= u64::from_be_bytes(*bytes) >> self.count;
        }
        self.at += ((63 - self.count) >> 3) as usize;
        self.count |= 56;
    }

    /// Drops bits that were there; at most 32.
    #[inline(always)]
    pub(super) const fn drop(&mut self, count: u32) {
        self.bits <<= count;
        self.count = self.count.wrapping_sub(count);
    }

    /// Takes bits that are there: 0 to 16.
    #[inline(always)]
    pub(super) const fn take(&mut self, count: u32) -> u32 {
        let taken = (self.bits >> 32) as u32;
        self.drop(count);
        (taken as u64 >> (32 - count)) as u32
    }

    /// Tells which byte the next bit is in.
    #[inline(always)]
    const fn consumed(&self) -> usize {
        self.at.saturating_sub((self.count / 8) as usize)
    }

    /// Tells whether more was taken than the window has.
    #[inline(always)]
    pub(super) const fn is_beyond(&self, window: &Window) -> bool {
        self.at > window.end && self.at * 8 > window.end * 8 + self.count as usize
    }
}

/// Tells how many bytes come before the first 0xff of sixteen.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the halves are taken apart")]
const fn before_marked(bytes: u128) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    // What is zero borrows from its highest bit; above the first, others may seem to be.
    let (low, high) = (!(bytes as u64), !((bytes >> 64) as u64));
    let low = low.wrapping_sub(ONES) & !low & TOPS;
    let high = high.wrapping_sub(ONES) & !high & TOPS;
    if low | high == 0 {
        16
    } else if low == 0 {
        8 + (high.trailing_zeros() / 8) as usize
    } else {
        (low.trailing_zeros() / 8) as usize
    }
}

/// A reader of the bits between two markers.
pub(super) struct Bits<'a> {
    file: &'a [u8],
    /// The byte of the file that comes into the window next, or is behind the marker.
    next: usize,
    marker: Option<u8>,
    pub(super) window: Window,
    pub(super) cursor: Cursor,
    /// The byte of the window that the unit begins in.
    unit: usize,
    /// The last three bits of the restart marker that comes next.
    restart: u8,
}

impl<'a> Bits<'a> {
    /// Starts at a byte of the file.
    pub(super) fn new(file: &'a [u8], next: usize) -> Self {
        Self {
            file,
            next,
            marker: None,
            window: Window { bytes: Box::new([0; WINDOW + 8]), end: 0 },
            cursor: Cursor::default(),
            unit: 0,
            restart: 0,
        }
    }

    /// Starts anew behind the header of another scan.
    pub(super) fn start(&mut self, next: usize) {
        self.next = next;
        self.restart = 0;
        self.clear();
    }

    fn clear(&mut self) {
        self.marker = None;
        self.window.end = 0;
        self.window.bytes[..8].fill(0);
        self.cursor = Cursor::default();
    }

    /// Makes sure that the window has all that the next unit can take.
    ///
    /// # Errors
    /// [`Error::CutShort`] when the file ends before a marker does end the bits.
    #[inline(always)]
    pub(super) fn prepare(&mut self) -> Result<(), Error> {
        if self.marker.is_none() && self.cursor.at + UNIT > self.window.end {
            self.fill()?;
        }
        self.unit = self.cursor.consumed();
        Ok(())
    }

    #[cold]
    fn fill(&mut self) -> Result<(), Error> {
        let at = self.cursor.at.min(self.window.end);
        self.window.bytes.copy_within(at..self.window.end, 0);
        self.cursor.at -= at;
        let mut end = self.window.end - at;
        while end + 16 < WINDOW {
            let whole = self.file.get(self.next..).and_then(<[u8]>::first_chunk::<16>);
            let Some(whole) = whole else {
                if self.byte(&mut end)? {
                    continue;
                }
                break;
            };
            self.window.bytes[end..end + 16].copy_from_slice(whole);
            let plain = before_marked(u128::from_le_bytes(*whole));
            end += plain;
            self.next += plain;
            if plain < 16 && !self.byte(&mut end)? {
                break;
            }
        }
        self.window.end = end;
        self.window.bytes[end..end + 8].fill(0);
        Ok(())
    }

    /// Brings one byte into the window; tells whether there was one before a marker (B.1.1.5).
    fn byte(&mut self, end: &mut usize) -> Result<bool, Error> {
        let mut next = || {
            let byte = self.file.get(self.next).copied();
            self.next += 1;
            byte.ok_or(Error::CutShort)
        };
        let mut byte = next()?;
        if byte == 0xff {
            while byte == 0xff {
                byte = next()?;
            }
            if byte != 0 {
                self.marker = Some(byte);
                return Ok(false);
            }
            byte = 0xff;
        }
        self.window.bytes[*end] = byte;
        *end += 1;
        Ok(true)
    }

    /// Tells whether what was taken so far was there.
    #[inline(always)]
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.cursor.is_beyond(&self.window) { Err(Error::MissingData) } else { Ok(()) }
    }

    /// Goes on behind the restart marker that has to come now (E.2.4).
    pub(super) fn restart(&mut self) -> Result<(), Error> {
        let expected = 0xd0 | self.restart;
        let found = self.marker()?;
        if found != expected {
            return Err(Error::Restart { expected, found });
        }
        self.restart = (self.restart + 1) & 7;
        self.clear();
        Ok(())
    }

    /// Finds the marker that ends the bits; what is left of them is passed over.
    pub(super) fn marker(&mut self) -> Result<u8, Error> {
        if let Some(marker) = self.marker {
            return Ok(marker);
        }
        let mut segments = super::segments::Segments::new(self.file, self.next);
        let marker = segments.next_marker()?;
        self.next = segments.position();
        self.marker = Some(marker);
        Ok(marker)
    }

    /// Tells which byte of the file comes behind the marker.
    pub(super) const fn position(&self) -> usize {
        self.next
    }

    /// Tells how many bytes of the file are behind the beginning of the unit, as libjpeg counts
    /// them within a few; none when a marker is near, in front of which it takes more care.
    #[cold]
    pub(super) fn left(&self) -> usize {
        let read_ahead = 4;
        let window = self.window.end.saturating_sub(self.cursor.at);
        if self.marker.is_some() && window < 8 {
            return 0;
        }
        let rest = self.window.bytes.get(self.unit..self.window.end).unwrap_or_default();
        let stuffed = rest.iter().filter(|byte| **byte == 0xff).count();
        let marker = if self.marker.is_some() { 2 } else { 0 };
        let behind = self.file.len().saturating_sub(self.next) + marker;
        (behind + rest.len() + stuffed).saturating_sub(read_ahead)
    }
}
