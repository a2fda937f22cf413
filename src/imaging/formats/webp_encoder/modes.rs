//! Guesses of what is in a block (RFC 6386, 12).

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "means of samples are samples"
)]

use super::kernels::{Block, Sides};

/// The order of modes of whole macroblocks.
pub(super) const FLAT: usize = 0;
/// What is above, repeated.
pub(super) const DOWN: usize = 1;
/// What is to the left, repeated.
pub(super) const ACROSS: usize = 2;
/// The slopes of both together.
pub(super) const SLOPE: usize = 3;

/// Modes of blocks that stand for those of the macroblock where it is not in blocks.
pub(super) const AS_BLOCKS: [u8; 4] = [0, 2, 3, 1];

/// Means of three neighbours, by the one in the middle: places in the first 16 bytes; of two, by the
/// first: places in the second 16. What is around a block comes from the lower left to the upper right,
/// with the first and the last twice.
pub(super) const PLACES: [[u8; 16]; 10] = {
    const fn t(i: u8) -> u8 {
        i + 1
    }
    const fn d(i: u8) -> u8 {
        i + 17
    }
    [
        [0; 16],
        [0; 16],
        [
            t(5),
            t(6),
            t(7),
            t(8),
            t(5),
            t(6),
            t(7),
            t(8),
            t(5),
            t(6),
            t(7),
            t(8),
            t(5),
            t(6),
            t(7),
            t(8),
        ],
        [
            t(3),
            t(3),
            t(3),
            t(3),
            t(2),
            t(2),
            t(2),
            t(2),
            t(1),
            t(1),
            t(1),
            t(1),
            t(0),
            t(0),
            t(0),
            t(0),
        ],
        [
            t(6),
            t(7),
            t(8),
            t(9),
            t(7),
            t(8),
            t(9),
            t(10),
            t(8),
            t(9),
            t(10),
            t(11),
            t(9),
            t(10),
            t(11),
            t(12),
        ],
        [
            t(4),
            t(5),
            t(6),
            t(7),
            t(3),
            t(4),
            t(5),
            t(6),
            t(2),
            t(3),
            t(4),
            t(5),
            t(1),
            t(2),
            t(3),
            t(4),
        ],
        [
            d(4),
            d(5),
            d(6),
            d(7),
            t(4),
            t(5),
            t(6),
            t(7),
            t(3),
            d(4),
            d(5),
            d(6),
            t(2),
            t(4),
            t(5),
            t(6),
        ],
        [
            d(5),
            d(6),
            d(7),
            d(8),
            t(6),
            t(7),
            t(8),
            t(9),
            d(6),
            d(7),
            d(8),
            t(10),
            t(7),
            t(8),
            t(9),
            t(11),
        ],
        [
            d(3),
            t(4),
            t(5),
            t(6),
            d(2),
            t(3),
            d(3),
            t(4),
            d(1),
            t(2),
            d(2),
            t(3),
            d(0),
            t(1),
            d(1),
            t(2),
        ],
        [d(2), t(2), d(1), t(1), d(1), t(1), d(0), t(0), d(0), t(0), 16, 16, 16, 16, 16, 16],
    ]
};

/// Makes the ten guesses for a block.
pub(super) fn guess(edge: &[u8; 16], guesses: &mut [Block; 12]) {
    let mut means = [0_u8; 32];
    for i in 1..15 {
        let (a, b, c) = (u16::from(edge[i - 1]), u16::from(edge[i]), u16::from(edge[i + 1]));
        means[i] = ((a + 2 * b + c + 2) >> 2) as u8;
    }
    for i in 0..15 {
        means[16 + i] = ((u16::from(edge[i]) + u16::from(edge[i + 1]) + 1) >> 1) as u8;
    }
    let sum: u16 = edge[1..5].iter().chain(&edge[6..10]).map(|&sample| u16::from(sample)).sum();
    guesses[0] = [((sum + 4) >> 3) as u8; 16];
    for (place, sample) in guesses[1].iter_mut().enumerate() {
        let (left, above) = (edge[4 - place / 4], edge[6 + place % 4]);
        let sum = i16::from(left) + i16::from(above) - i16::from(edge[5]);
        *sample = sum.clamp(0, 255) as u8;
    }
    for (guess, places) in guesses.iter_mut().zip(&PLACES).skip(2) {
        *guess = places.map(|place| means[usize::from(place)]);
    }
    guesses[10] = guesses[0];
    guesses[11] = guesses[0];
}

/// What is around a macroblock's plane of so many samples a side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<const N: usize> {
    pub(super) above: [u8; N],
    pub(super) left: [u8; N],
    pub(super) corner: u8,
    pub(super) has_above: bool,
    pub(super) has_left: bool,
}

impl<const N: usize> Around<N> {
    /// The mean of the sides that there are.
    fn flat(&self) -> u8 {
        let total = |side: &[u8; N]| side.iter().map(|&sample| u32::from(sample)).sum::<u32>();
        let size = N as u32;
        let mean = match (self.has_above, self.has_left) {
            (true, true) => (total(&self.above) + total(&self.left) + size) / (2 * size),
            (true, false) => (total(&self.above) + size / 2) / size,
            (false, true) => (total(&self.left) + size / 2) / size,
            (false, false) => 128,
        };
        mean as u8
    }
}

impl Around<16> {
    /// What counts for each row of blocks.
    pub(super) fn rows(&self) -> [Sides; 4] {
        let (flat, corner) = (self.flat(), self.corner);
        [0, 1, 2, 3].map(|row| {
            let mut left = [0; 16];
            for part in left.chunks_exact_mut(4) {
                part.copy_from_slice(&self.left[row * 4..][..4]);
            }
            Sides { above: self.above, left, corner, flat }
        })
    }
}

impl Around<8> {
    /// What counts for the four blocks.
    pub(super) fn all(&self) -> Sides {
        let (mut above, mut left) = ([0; 16], [0; 16]);
        for block in 0..4 {
            above[block * 4..][..4].copy_from_slice(&self.above[block % 2 * 4..][..4]);
            left[block * 4..][..4].copy_from_slice(&self.left[block / 2 * 4..][..4]);
        }
        Sides { above, left, corner: self.corner, flat: self.flat() }
    }
}
