//! Scans of a progressive picture (ITU T.81, G.1.2 and G.2).

use super::bits::{Bits, Cursor, Window};
use super::blocks::Plane;
use super::error::Error;
use super::huffman::Table;
use super::markers::{ScanHeader, Tables, ZIGZAG};
use super::scan::Visit;

/// What is known of the coefficients: the bits still missing, or none at all.
pub(super) type Progress = [Option<u8>; 64];

/// What the scan of a band does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    LowestFirst,
    LowestRefined,
    First,
    Refined,
}

/// Reads a scan into planes.
pub(super) struct Progressive<'p> {
    planes: &'p mut [Plane],
    indices: &'p [usize],
    kind: Kind,
    /// First and last coefficient, and the bits missing.
    band: (usize, usize, u32),
    tables: Vec<Option<Table>>,
    predictions: Vec<i32>,
    /// Blocks without anything new that are still to come.
    run: usize,
}

impl<'p> Progressive<'p> {
    /// Checks a scan and makes its tables ready.
    pub(super) fn new(
        planes: &'p mut [Plane],
        header: &ScanHeader,
        indices: &'p [usize],
        tables: &Tables,
    ) -> Result<Self, Error> {
        let ScanHeader { first, last, high, low, .. } = *header;
        let lowest = first == 0;
        let band = if lowest { last == 0 } else { first <= last && last < 64 };
        let alone = lowest || indices.len() == 1;
        let refines = high == 0 || low + 1 == high;
        if !band || !alone || !refines || low > 13 {
            return Err(Error::Header("a progressive scan of an impossible band"));
        }
        let kind = match (lowest, high == 0) {
            (true, true) => Kind::LowestFirst,
            (true, false) => Kind::LowestRefined,
            (false, true) => Kind::First,
            (false, false) => Kind::Refined,
        };
        let list = header.components.iter().map(|part| {
            let dc = || tables.dc.get(usize::from(part.dc_table)).and_then(Option::as_ref);
            let ac = || tables.ac.get(usize::from(part.ac_table)).and_then(Option::as_ref);
            match kind {
                Kind::LowestFirst => Table::dc(dc()).map(Some),
                Kind::LowestRefined => Ok(None),
                Kind::First | Kind::Refined => Table::ac(ac()).map(Some),
            }
        });
        Ok(Self {
            planes,
            indices,
            kind,
            band: (usize::from(first), usize::from(last), u32::from(low)),
            tables: list.collect::<Result<_, _>>()?,
            predictions: vec![0; indices.len()],
            run: 0,
        })
    }

    /// Notes what a scan makes known of a component.
    pub(super) fn note(header: &ScanHeader, progress: &mut Progress) {
        for known in &mut progress[usize::from(header.first)..=usize::from(header.last)] {
            *known = Some(header.low);
        }
    }
}

impl Visit for Progressive<'_> {
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "coefficients are 16 bits in memory")]
    fn block(
        &mut self,
        bits: &mut Bits<'_>,
        place: usize,
        at: (usize, usize),
    ) -> Result<(), Error> {
        let plane = &mut self.planes[self.indices[place]];
        let number = plane.number(at);
        let table = self.tables[place].as_ref();
        match (self.kind, table) {
            (Kind::LowestFirst, Some(table)) => {
                let prediction = &mut self.predictions[place];
                lowest_first(bits, table, prediction)?;
                plane.lowest[number] = (*prediction << self.band.2) as i16;
            }
            (Kind::First, Some(table)) => {
                self.run = first(bits, table, self.band, plane.marked(number))?;
            }
            (Kind::Refined, Some(table)) => {
                // Most blocks have nothing yet, and nothing new.
                if self.run > 0 && plane.marks[number] & between(self.band.0, self.band.1 + 1) == 0
                {
                    self.run -= 1;
                    return Ok(());
                }
                let block = plane.marked(number);
                self.run = refined(bits, table, self.band, self.run, block)?;
            }
            _ => {
                bits.cursor.refill(&bits.window);
                plane.lowest[number] |= (bits.cursor.take(1) << self.band.2) as i16;
            }
        }
        Ok(())
    }

    fn restart(&mut self) {
        self.predictions.fill(0);
        self.run = 0;
    }

    #[inline(always)]
    fn run(&mut self, most: usize) -> usize {
        // Where something came before, even blocks without anything new have bits.
        if self.kind != Kind::First {
            return 0;
        }
        let passed = self.run.min(most);
        self.run -= passed;
        passed
    }
}

/// Reads the upper bits of a lowest frequency (G.1.2.1).
#[inline(always)]
fn lowest_first(bits: &mut Bits<'_>, table: &Table, prediction: &mut i32) -> Result<(), Error> {
    bits.cursor.refill(&bits.window);
    let mut step = table.step(bits.cursor.bits);
    if step.is_long() {
        step = table.long(bits.cursor.bits).ok_or(Error::BadCode)?;
    }
    let sum = prediction.checked_add(step.value(bits.cursor.bits));
    *prediction = sum.ok_or(Error::Header("a lowest frequency beyond all bounds"))?;
    bits.cursor.drop(step.length());
    Ok(())
}

/// Takes the symbol that comes next.
#[inline(always)]
fn symbol(cursor: &mut Cursor, table: &Table) -> Result<u8, Error> {
    let (length, symbol) = table.symbol(cursor.bits).ok_or(Error::BadCode)?;
    cursor.drop(length);
    Ok(symbol)
}

/// Reads the upper bits of a band; returns how many blocks without any follow (G.1.2.2).
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "coefficients are 16 bits in memory")]
fn first(
    bits: &mut Bits<'_>,
    table: &Table,
    (start, end, low): (usize, usize, u32),
    (block, marks): (&mut [i16; 64], &mut u64),
) -> Result<usize, Error> {
    let mut cursor = bits.cursor;
    let mut at = start;
    let mut run = 0;
    let mut marked = *marks;
    while at <= end {
        cursor.refill(&bits.window);
        let mut step = table.step(cursor.bits);
        if step.is_long() {
            step = table.long(cursor.bits).ok_or(Error::BadCode)?;
        }
        let symbol = step.symbol();
        let further = usize::from(symbol >> 4);
        if symbol & 15 != 0 {
            at += further;
            let value = (step.value(cursor.bits) << low) as i16;
            block[usize::from(ZIGZAG[at])] = value;
            // A value may have been shifted out altogether.
            marked = marked & !mark(at) | (mark(at) & u64::from(value == 0).wrapping_sub(1));
            cursor.drop(step.length());
        } else {
            cursor.drop(step.length());
            if further < 15 {
                run = (1 << further) + cursor.take(further as u32) as usize - 1;
                break;
            }
            at += 15;
        }
        at += 1;
    }
    bits.cursor = cursor;
    *marks = marked;
    Ok(run)
}

/// Returns the mark of a coefficient; one beyond the block is the last.
#[inline(always)]
const fn mark(at: usize) -> u64 {
    1 << if at < 63 { at } else { 63 }
}

/// Returns the marks from one coefficient up to before another, which may be the 64th.
#[inline(always)]
const fn between(start: usize, end: usize) -> u64 {
    // Shifted twice, since 64 at once are none.
    (u64::MAX << (start & 63)) & !(u64::MAX << 1 << (end.saturating_sub(1) & 63))
}

/// Reads another bit of a band; returns how many blocks without anything new follow (G.1.2.3).
#[inline(always)]
fn refined(
    bits: &mut Bits<'_>,
    table: &Table,
    (start, end, low): (usize, usize, u32),
    run: usize,
    (block, marks): (&mut [i16; 64], &mut u64),
) -> Result<usize, Error> {
    let mut cursor = bits.cursor;
    let window = &bits.window;
    let bit = 1_i16 << low;
    let (mut at, mut run) = (start, run);
    // Those that were there before; the new ones are not corrected.
    let there = *marks;
    let mut marked = there;
    if run == 0 {
        while at <= end {
            cursor.refill(window);
            let symbol = symbol(&mut cursor, table)?;
            let further = symbol >> 4;
            let mut new = 0;
            if symbol & 15 != 0 {
                if symbol & 15 != 1 {
                    return Err(Error::BadCode);
                }
                new = if cursor.take(1) == 1 { bit } else { -bit };
            } else if further < 15 {
                run = (1 << further) + cursor.take(u32::from(further)) as usize;
                break;
            }
            let place = free(there, (at, end), further);
            if at < place {
                let passed = there & between(at, place);
                cursor = correct(window, cursor, passed, low, block);
            }
            at = place;
            if new != 0 {
                block[usize::from(ZIGZAG[at])] = new;
                marked |= mark(at);
            }
            at += 1;
        }
    }
    if run > 0 {
        run -= 1;
        if at <= end {
            cursor = correct(window, cursor, there & between(at, end + 1), low, block);
        }
    }
    bits.cursor = cursor;
    *marks = marked;
    Ok(run)
}

/// Returns the place behind so many that are zero, which is zero itself or behind the band.
#[inline(always)]
fn free(there: u64, (at, end): (usize, usize), zeros: u8) -> usize {
    let mut free = !there & between(at, end + 1);
    // Few zeros are the rule: without a branch for each.
    let one = free & free.wrapping_sub(1);
    free = if zeros & 1 == 0 { free } else { one };
    let one = free & free.wrapping_sub(1);
    let two = one & one.wrapping_sub(1);
    free = if zeros & 2 == 0 { free } else { two };
    for _ in 0..zeros >> 2 {
        for _ in 0..4 {
            free &= free.wrapping_sub(1);
        }
    }
    if free == 0 { end + 1 } else { free.trailing_zeros() as usize }
}

/// Reads a bit for each marked coefficient: whether it is one step further from zero.
#[inline(always)]
fn correct(
    window: &Window,
    cursor: Cursor,
    marked: u64,
    low: u32,
    block: &mut [i16; 64],
) -> Cursor {
    let (mut cursor, mut left) = (cursor, marked);
    while left != 0 {
        cursor.refill(window);
        let mut some = cursor.bits;
        let mut taken = 0;
        while left != 0 && taken < 32 {
            let value = &mut block[usize::from(ZIGZAG[left.trailing_zeros() as usize])];
            // Every other bit is set: without a branch. One that is set already stays.
            let grows = (some >> 63) as i16 & !(*value >> low);
            let step = ((*value >> 15) | 1) << low;
            *value = value.wrapping_add(step & (grows & 1).wrapping_neg());
            some <<= 1;
            taken += 1;
            left &= left - 1;
        }
        cursor.drop(taken);
    }
    cursor
}
