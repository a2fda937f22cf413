//! The second transform: of the lowest frequencies of 16 blocks (RFC 6386, 14.3).

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "steps and levels fit by the rules of the format"
)]

use super::kernels::{Levels, Matrix};
use super::tables::ZIGZAG;

/// The transform.
pub(super) fn forward(input: [i16; 16]) -> [i16; 16] {
    let x = input.map(i32::from);
    let mut t = [0; 16];
    for i in 0..4 {
        let r = i * 4;
        let (a, b) = (x[r] + x[r + 2], x[r + 1] + x[r + 3]);
        let (c, d) = (x[r + 1] - x[r + 3], x[r] - x[r + 2]);
        (t[r], t[r + 1], t[r + 2], t[r + 3]) = (a + b, d + c, d - c, a - b);
    }
    let mut out = [0; 16];
    for i in 0..4 {
        let (a, b) = (t[i] + t[8 + i], t[4 + i] + t[12 + i]);
        let (c, d) = (t[4 + i] - t[12 + i], t[i] - t[8 + i]);
        out[i] = ((a + b) >> 1) as i16;
        out[4 + i] = ((d + c) >> 1) as i16;
        out[8 + i] = ((d - c) >> 1) as i16;
        out[12 + i] = ((a - b) >> 1) as i16;
    }
    out
}

/// Its inverse.
pub(super) fn inverse(input: [i16; 16]) -> [i16; 16] {
    let x = input.map(i32::from);
    let mut t = [0; 16];
    for i in 0..4 {
        let (a, b) = (x[i] + x[12 + i], x[4 + i] + x[8 + i]);
        let (c, d) = (x[4 + i] - x[8 + i], x[i] - x[12 + i]);
        (t[i], t[4 + i], t[8 + i], t[12 + i]) = (a + b, c + d, a - b, d - c);
    }
    let mut out = [0; 16];
    for i in 0..4 {
        let r = i * 4;
        let first = t[r] + 3;
        let (a, b) = (first + t[r + 3], t[r + 1] + t[r + 2]);
        let (c, d) = (t[r + 1] - t[r + 2], first - t[r + 3]);
        out[r] = ((a + b) >> 3) as i16;
        out[r + 1] = ((c + d) >> 3) as i16;
        out[r + 2] = ((a - b) >> 3) as i16;
        out[r + 3] = ((d - c) >> 3) as i16;
    }
    out
}

/// Quantizes: levels in their order, and what they stand for.
pub(super) fn quantized(values: [i16; 16], matrix: &Matrix) -> (Levels, [i16; 16]) {
    let (mut levels, mut out) = ([0; 16], [0; 16]);
    for (place, &value) in values.iter().enumerate() {
        let (row, at) = (place / 4, place % 4);
        let sum = u32::from(value.unsigned_abs()) + u32::from(matrix.offset[row][at]);
        let level = ((sum * u32::from(matrix.inverse[row][at])) >> 16).min(2047) as i16;
        let level = if value < 0 { -level } else { level };
        levels[place] = level;
        out[place] = level.wrapping_mul(matrix.step[row][at] as i16);
    }
    (ZIGZAG.map(|place| levels[place]), out)
}
