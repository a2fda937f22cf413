//! Which page of a TIFF is the picture, and a view of the file in which it is the first.
//!
//! A file is a chain of directories, one a page (TIFF 6.0, section 2). The picture is the first
//! page; where that is marked as reduced (a preview before its picture, a pyramid from its top),
//! it is the largest page, those below the first one (`SubIFDs`) included. The decoder is shown
//! the file with a few bytes exchanged: the chosen directory is the first, and components that it
//! would refuse or invert are gray to it.

use std::io::{self, Read, Seek, SeekFrom};

use super::{damaged, read_error};
use crate::diag::phrase;
use crate::imaging::ConvertError;

/// Most pages that are looked at.
const MAX_PAGES: usize = 100;

/// Most entries of a directory.
const MAX_ENTRIES: u64 = 4096;

/// Most pages below the first.
const MAX_BELOW: u64 = 16;

const NEW_SUBFILE_TYPE: u16 = 254;
const SUBFILE_TYPE: u16 = 255;
const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const PHOTOMETRIC: u16 = 262;
const SUB_IFDS: u16 = 330;
const SAMPLE_FORMAT: u16 = 339;

/// What the decoder is to believe of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// What the file says.
    Plain,
    /// That its components are some grays.
    Gray,
    /// The same, and that none is signed.
    UnsignedGray,
}

/// Where a chosen page is, and what its directory says that the decoder is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) photometric: Option<u16>,
    /// What is exchanged, and where.
    patches: Vec<(u64, Vec<u8>)>,
}

impl Choice {
    /// Chooses a page and shows it as its photometric interpretation asks for.
    pub(super) fn read<R: Read + Seek>(
        input: R,
        shown: impl Fn(u16) -> Shown,
    ) -> Result<Self, ConvertError> {
        let mut file = Directories::open(input)?;
        let mut pages = file.pages()?;
        // Of pages of one size the first, which is the last here.
        pages.reverse();
        let chosen = if pages.len() == 1 {
            pages.pop()
        } else {
            pages.into_iter().filter(|page| !page.mask).max_by_key(|page| page.pixels)
        };
        let chosen = chosen.ok_or_else(|| {
            damaged(phrase!("damage-no-page-picture", "it has no page that is a picture"))
        })?;
        let (at, length) = if file.big { (8, 8) } else { (4, 4) };
        let mut patches = vec![(at, file.order.bytes(chosen.at, length))];
        let photometric = chosen.number(PHOTOMETRIC).and_then(|n| u16::try_from(n).ok());
        let shown = photometric.map_or(Shown::Plain, shown);
        if let Some(entry) = chosen.find(PHOTOMETRIC).filter(|_| shown != Shown::Plain) {
            let length = if entry.kind == 4 { 4 } else { 2 };
            patches.push((entry.value_at, file.order.bytes(1, length)));
        }
        if let Some(entry) = chosen.find(SAMPLE_FORMAT).filter(|_| shown == Shown::UnsignedGray) {
            // Without the tag they are whole numbers above 0; the new one is nobody's.
            patches.push((entry.at, file.order.bytes(65_000, 2)));
        }
        Ok(Self { photometric, patches })
    }

    /// Shows a file with the page as its first.
    pub(super) fn view<R: Read + Seek>(&self, input: R) -> View<R> {
        View { input, at: 0, patches: self.patches.clone() }
    }
}

/// A file with some bytes exchanged.
pub(super) struct View<R> {
    input: R,
    at: u64,
    patches: Vec<(u64, Vec<u8>)>,
}

impl<R: Read> Read for View<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(buffer)?;
        for (at, bytes) in &self.patches {
            for (at, byte) in (*at..).zip(bytes) {
                let place = at.checked_sub(self.at).and_then(|n| usize::try_from(n).ok());
                if let Some(place) = place.and_then(|n| buffer[..length].get_mut(n)) {
                    *place = *byte;
                }
            }
        }
        self.at += length as u64;
        Ok(length)
    }
}

impl<R: Seek> Seek for View<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.input.seek(to)?;
        Ok(self.at)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Order {
    /// Writes the last bytes of a number.
    fn bytes(self, value: u64, length: usize) -> Vec<u8> {
        match self {
            Self::Little => value.to_le_bytes()[..length].to_vec(),
            Self::Big => value.to_be_bytes()[8 - length..].to_vec(),
        }
    }

    fn number(self, bytes: &[u8]) -> u64 {
        let add = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
        match self {
            Self::Little => bytes.iter().rev().fold(0, add),
            Self::Big => bytes.iter().fold(0, add),
        }
    }
}

struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// Where the entry stands in the file.
    at: u64,
    /// Where its value stands, or the place of its value.
    value_at: u64,
    /// The field of the value.
    value: u64,
    /// The same as the first number of two bytes.
    short: u64,
}

struct Page {
    at: u64,
    entries: Vec<Entry>,
    reduced: bool,
    mask: bool,
    pixels: u64,
}

impl Page {
    fn find(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    /// Returns the number of a tag that stands in its entry.
    fn number(&self, tag: u16) -> Option<u64> {
        let entry = self.find(tag).filter(|entry| entry.count == 1)?;
        match entry.kind {
            3 => Some(entry.short),
            4 | 16 => Some(entry.value),
            _ => None,
        }
    }
}

struct Directories<R> {
    input: R,
    order: Order,
    /// Whether it is a `BigTIFF`.
    big: bool,
}

impl<R: Read + Seek> Directories<R> {
    fn open(mut input: R) -> Result<Self, ConvertError> {
        let mut start = [0; 4];
        input.read_exact(&mut start).map_err(read_error)?;
        let order = if start[0] == b'I' { Order::Little } else { Order::Big };
        let big = order.number(&start[2..]) == 43;
        Ok(Self { input, order, big })
    }

    fn bytes(&mut self, at: u64, length: u64) -> Result<Vec<u8>, ConvertError> {
        if i64::try_from(at).is_err() {
            return Err(damaged(phrase!("damage-header-makes-no-sense", "its header is invalid")));
        }
        self.input.seek(SeekFrom::Start(at)).map_err(read_error)?;
        let mut bytes = Vec::new();
        self.input.by_ref().take(length).read_to_end(&mut bytes).map_err(read_error)?;
        if (bytes.len() as u64) < length {
            return Err(super::cut_short());
        }
        Ok(bytes)
    }

    fn number(&mut self, at: u64, length: u64) -> Result<u64, ConvertError> {
        let bytes = self.bytes(at, length)?;
        Ok(self.order.number(&bytes))
    }

    /// Lists the pages that may be the picture; only the first has to be whole.
    fn pages(&mut self) -> Result<Vec<Page>, ConvertError> {
        let first = if self.big { self.number(8, 8)? } else { self.number(4, 4)? };
        let (page, mut next) = self.page(first)?;
        let mut pages = vec![page];
        if !pages[0].reduced {
            return Ok(pages);
        }
        let below = self.below(&pages[0]).unwrap_or_default();
        pages.extend(below.into_iter().filter_map(|at| Some(self.page(at).ok()?.0)));
        while next != 0 && pages.len() < MAX_PAGES {
            let Ok((page, after)) = self.page(next) else { break };
            pages.push(page);
            next = after;
        }
        Ok(pages)
    }

    /// Reads a directory and where the next one is.
    fn page(&mut self, at: u64) -> Result<(Page, u64), ConvertError> {
        let (counter, entry) = if self.big { (8, 20) } else { (2, 12) };
        let count = self.number(at, counter)?.min(MAX_ENTRIES);
        let list = at.saturating_add(counter);
        let bytes = self.bytes(list, count * entry)?;
        let order = self.order;
        let field = usize::try_from(entry).unwrap_or(12);
        // Tag and type take four bytes; count and value share the rest.
        let half = (field - 4) / 2;
        let entries: Vec<Entry> = (list..)
            .step_by(field)
            .zip(bytes.chunks_exact(field))
            .map(|(at, bytes)| Entry {
                tag: u16::try_from(order.number(&bytes[..2])).unwrap_or_default(),
                kind: u16::try_from(order.number(&bytes[2..4])).unwrap_or_default(),
                count: order.number(&bytes[4..4 + half]),
                at,
                value_at: at + 4 + half as u64,
                value: order.number(&bytes[4 + half..]),
                short: order.number(&bytes[4 + half..][..2]),
            })
            .map(|entry| match (entry.kind, order) {
                // Of a field of eight bytes, a LONG fills the first four.
                (4, Order::Big) if half == 8 => Entry { value: entry.value >> 32, ..entry },
                (4, Order::Little) => Entry { value: entry.value & 0xffff_ffff, ..entry },
                _ => entry,
            })
            .collect();
        let next = self.number(list.saturating_add(count * entry), if self.big { 8 } else { 4 });
        let mut page = Page { at, entries, reduced: false, mask: false, pixels: 0 };
        let kind = page.number(NEW_SUBFILE_TYPE).unwrap_or(0);
        page.mask = kind & 4 != 0;
        page.reduced = kind & 1 != 0 || page.mask || page.number(SUBFILE_TYPE) == Some(2);
        let side = |tag| page.number(tag).unwrap_or(0);
        page.pixels = side(WIDTH).saturating_mul(side(HEIGHT));
        Ok((page, next.unwrap_or(0)))
    }

    /// Lists the places of the pages below a page.
    fn below(&mut self, page: &Page) -> Result<Vec<u64>, ConvertError> {
        let Some(entry) = page.find(SUB_IFDS) else { return Ok(Vec::new()) };
        let width: u8 = match entry.kind {
            4 | 13 => 4,
            16 | 18 => 8,
            _ => return Ok(Vec::new()),
        };
        let count = entry.count.min(MAX_BELOW);
        let length = count * u64::from(width);
        let inside = length <= if self.big { 8 } else { 4 };
        let bytes = self.bytes(if inside { entry.value_at } else { entry.value }, length)?;
        Ok(bytes.chunks_exact(width.into()).map(|bytes| self.order.number(bytes)).collect())
    }
}
