//! Guesses at what a progressive picture that was not finished lacks (ITU T.81, K.8).
//!
//! libjpeg guesses the first nine higher frequencies of a block from the lowest frequencies of the
//! 25 blocks around it, as far as they are zero and not known for certain. Where a component has
//! nothing but lowest frequencies, these are smoothed as well.

use super::blocks::Plane;
use super::frame::{Component, Frame};
use super::progressive::Progress;

/// Where the lowest frequency and the first nine of the others are.
const PLACES: [usize; 10] = [0, 1, 8, 16, 9, 2, 3, 10, 17, 24];

/// What is guessed of a component.
pub(super) struct Smoothing {
    /// The bits missing of the ten coefficients; none at all is known of some.
    known: [Option<u8>; 10],
    table: [i64; 10],
}

impl Smoothing {
    /// Tells what has to be guessed; nothing, if libjpeg would not.
    pub(super) fn of(
        frame: &Frame,
        progress: &[Progress],
        quantizers: &[Option<[u16; 64]>],
    ) -> Option<Vec<Self>> {
        if !frame.progressive || progress.iter().any(|known| known[0].is_none()) {
            return None;
        }
        let finished = |known: &Progress| known[1..10].iter().all(|missing| *missing == Some(0));
        if progress.iter().all(finished) {
            return None;
        }
        let components = progress.iter().zip(quantizers).map(|(progress, table)| {
            let table = PLACES.map(|place| table.map_or(0, |table| i64::from(table[place])));
            let known = std::array::from_fn(|at| progress[at]);
            (!table.contains(&0)).then_some(Self { known, table })
        });
        components.collect()
    }

    /// Returns a block with guesses in it.
    #[expect(clippy::cast_possible_truncation, reason = "libjpeg keeps the lower bits, too")]
    pub(super) fn smooth(&self, mut block: [i16; 64], lowest: &[i16; 25]) -> [i16; 64] {
        block[0] = lowest[12];
        let alone = self.known[1..].iter().all(Option::is_none);
        let sum = |weights: &[i16; 25]| -> i64 {
            let products = weights.iter().zip(lowest);
            self.table[0] * products.map(|(a, b)| i64::from(*a) * i64::from(*b)).sum::<i64>()
        };
        let weights: &[[i16; 25]] = if alone { &WITHOUT_OTHERS[..9] } else { &WITH_OTHERS };
        for (at, weights) in (1..).zip(weights) {
            let place = PLACES[at];
            if self.known[at] != Some(0) && block[place] == 0 {
                block[place] = quotient(sum(weights), self.table[at], self.known[at]) as i16;
            }
        }
        if alone {
            block[0] = quotient(sum(&WITHOUT_OTHERS[9]), self.table[0], None) as i16;
        }
        block
    }
}

/// Divides by 256 steps and rounds; stays below what is known to be zero.
fn quotient(sum: i64, step: i64, missing: Option<u8>) -> i64 {
    let mut size = (step * 128 + sum.abs()) / (step * 256);
    if let Some(bits @ 1..) = missing {
        size = size.min((1 << bits) - 1);
    }
    if sum < 0 { -size } else { size }
}

/// The lowest frequencies of five rows of blocks.
pub(super) struct Around<'p> {
    rows: [&'p [i16]; 5],
}

impl<'p> Around<'p> {
    /// Finds the rows above and below one.
    pub(super) fn new(
        frame: &Frame,
        component: &Component,
        plane: &'p Plane,
        (unit, row): (usize, usize),
    ) -> Self {
        let last = unit + 1 == frame.units_down;
        // In the last row of units, libjpeg counts rows by what is left of it.
        let rest = component.blocks_down - (frame.units_down - 1) * component.vertical;
        let each = if last { rest } else { component.vertical };
        let (number, count) = (unit * each + row, each * frame.units_down);
        let at = unit * component.vertical + row;
        let above = number.min(2);
        let below = (count - 1 - number).min(2);
        let line = |row: usize| {
            let blocks = plane.lowest.get(row * plane.across..).unwrap_or_default();
            blocks.get(..component.blocks_across).unwrap_or_default()
        };
        let rows = [at - above, at - above.min(1), at, at + below.min(1), at + below];
        Self { rows: rows.map(line) }
    }

    /// Returns the lowest frequencies of the blocks around one; at the sides they are repeated.
    pub(super) fn lowest(&self, column: usize) -> [i16; 25] {
        let last = self.rows[2].len() - 1;
        std::array::from_fn(|at| {
            let column = (column + at % 5).saturating_sub(2).min(last);
            self.rows[at / 5].get(column).copied().unwrap_or_default()
        })
    }
}

/// Weights of the 25 blocks around for the coefficients, row by row, and at last for the lowest
/// frequency itself: where nothing else is known of a component.
#[rustfmt::skip]
const WITHOUT_OTHERS: [[i16; 25]; 10] = [
    [
        -1, -1, 0, 1, 1,
        -3, 13, 0, -13, 3,
        -3, 38, 0, -38, 3,
        -3, 13, 0, -13, 3,
        -1, -1, 0, 1, 1,
    ],
    [
        -1, -3, -3, -3, -1,
        -1, 13, 38, 13, -1,
        0, 0, 0, 0, 0,
        1, -13, -38, -13, 1,
        1, 3, 3, 3, 1,
    ],
    [
        0, 0, 1, 0, 0,
        0, 2, 7, 2, 0,
        0, -5, -14, -5, 0,
        0, 2, 7, 2, 0,
        0, 0, 1, 0, 0,
    ],
    [
        -1, 0, 0, 0, 1,
        0, 9, 0, -9, 0,
        0, 0, 0, 0, 0,
        0, -9, 0, 9, 0,
        1, 0, 0, 0, -1,
    ],
    [
        0, 0, 0, 0, 0,
        0, 2, -5, 2, 0,
        1, 7, -14, 7, 1,
        0, 2, -5, 2, 0,
        0, 0, 0, 0, 0,
    ],
    [
        0, 0, 0, 0, 0,
        0, 1, 0, -1, 0,
        0, 2, 0, -2, 0,
        0, 1, 0, -1, 0,
        0, 0, 0, 0, 0,
    ],
    [
        0, 0, 0, 0, 0,
        0, 1, -3, 1, 0,
        0, 0, 0, 0, 0,
        0, -1, 3, -1, 0,
        0, 0, 0, 0, 0,
    ],
    [
        0, 0, 0, 0, 0,
        0, 1, 0, -1, 0,
        0, -3, 0, 3, 0,
        0, 1, 0, -1, 0,
        0, 0, 0, 0, 0,
    ],
    [
        0, 0, 0, 0, 0,
        0, 1, 2, 1, 0,
        0, 0, 0, 0, 0,
        0, -1, -2, -1, 0,
        0, 0, 0, 0, 0,
    ],
    [
        -2, -6, -8, -6, -2,
        -6, 6, 42, 6, -6,
        -8, 42, 152, 42, -8,
        -6, 6, 42, 6, -6,
        -2, -6, -8, -6, -2,
    ],
];

/// Weights for the first five coefficients where something else is known.
#[rustfmt::skip]
const WITH_OTHERS: [[i16; 25]; 5] = [
    [
        0, 0, 0, 0, 0,
        0, 0, 0, 0, 0,
        -7, 50, 0, -50, 7,
        0, 0, 0, 0, 0,
        0, 0, 0, 0, 0,
    ],
    [
        0, 0, -7, 0, 0,
        0, 0, 50, 0, 0,
        0, 0, 0, 0, 0,
        0, 0, -50, 0, 0,
        0, 0, 7, 0, 0,
    ],
    [
        0, 0, -1, 0, 0,
        0, 0, 13, 0, 0,
        0, 0, -24, 0, 0,
        0, 0, 13, 0, 0,
        0, 0, -1, 0, 0,
    ],
    [
        0, -1, 0, 1, 0,
        -1, 10, 0, -10, 1,
        0, 0, 0, 0, 0,
        1, -10, 0, 10, -1,
        0, 1, 0, -1, 0,
    ],
    [
        0, 0, 0, 0, 0,
        0, 0, 0, 0, 0,
        -1, 13, -24, 13, -1,
        0, 0, 0, 0, 0,
        0, 0, 0, 0, 0,
    ],
];
