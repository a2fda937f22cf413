//! What the kernels compute, one value after the other.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "samples, frequencies and levels fit by the rules of the format"
)]

use super::kernels::{
    Block, Coded, Kernels, Levels, Lines, Lowest, Matrix, ModeCosts, Price, Quad, RANKS, SLOT,
    Sides,
};
use super::modes::{self, ACROSS, DOWN, FLAT, SLOPE};
use super::tables::{BAND, ZIGZAG};
use super::tokens::{Costs, TOP};

/// For machines without vectors, or with such that the compiler makes something of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain;

/// How much frequencies count for the texture.
pub(super) const WEIGHTS: [[i16; 4]; 4] =
    [[38, 32, 20, 9], [32, 28, 17, 7], [20, 17, 10, 4], [9, 7, 4, 2]];

/// Multiplies and divides by 32,768, rounding.
#[inline(always)]
fn scaled(value: i16, factor: i16) -> i16 {
    ((i32::from(value) * i32::from(factor) + (1 << 14)) >> 15) as i16
}

/// Multiplies by 35468 / 65536 and by 85627 / 65536 (RFC 6386, 14.3).
#[inline(always)]
fn sine(value: i16) -> i16 {
    ((i32::from(value) * 35_468) >> 16) as i16
}

#[inline(always)]
fn cosine(value: i16) -> i16 {
    (i32::from(value) + ((i32::from(value) * 20_091) >> 16)) as i16
}

/// The four values of each block in one.
#[inline(always)]
fn packed(line: &[i16; 16]) -> [u64; 4] {
    let mut out = [0; 4];
    for (out, values) in out.iter_mut().zip(line.as_chunks::<4>().0) {
        let [[a, b], [c, d], [e, f], [g, h]] = values.map(i16::to_le_bytes);
        *out = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    }
    out
}

#[inline(always)]
fn unpacked(words: [u64; 4]) -> [i16; 16] {
    let mut out = [0; 16];
    for (out, word) in out.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        let [a, b, c, d, e, f, g, h] = word.to_le_bytes();
        *out = [[a, b], [c, d], [e, f], [g, h]].map(i16::from_le_bytes);
    }
    out
}

/// Turns rows into columns, of each block.
#[inline(always)]
fn turned(lines: &Lines) -> Lines {
    const EVEN: u64 = 0x0000_ffff_0000_ffff;
    const LOW: u64 = 0x0000_0000_ffff_ffff;
    let [a, b, c, d] = [packed(&lines[0]), packed(&lines[1]), packed(&lines[2]), packed(&lines[3])];
    let mut out = [[0; 4]; 4];
    for i in 0..4 {
        let first = (a[i] & EVEN) | ((b[i] & EVEN) << 16);
        let second = ((a[i] >> 16) & EVEN) | (b[i] & !EVEN);
        let third = (c[i] & EVEN) | ((d[i] & EVEN) << 16);
        let fourth = ((c[i] >> 16) & EVEN) | (d[i] & !EVEN);
        out[0][i] = (first & LOW) | (third << 32);
        out[1][i] = (second & LOW) | (fourth << 32);
        out[2][i] = (first >> 32) | (third & !LOW);
        out[3][i] = (second >> 32) | (fourth & !LOW);
    }
    [unpacked(out[0]), unpacked(out[1]), unpacked(out[2]), unpacked(out[3])]
}

#[inline(always)]
fn difference(a: &Lines, b: &Lines) -> Lines {
    let mut out = *a;
    for (out, b) in out.as_flattened_mut().iter_mut().zip(b.as_flattened()) {
        *out -= b;
    }
    out
}

#[inline(always)]
fn hadamard_pass(x: &Lines) -> Lines {
    let mut out = [[0; 16]; 4];
    for i in 0..16 {
        let (a, b) = (x[0][i] + x[2][i], x[1][i] + x[3][i]);
        let (c, d) = (x[0][i] - x[2][i], x[1][i] - x[3][i]);
        (out[0][i], out[1][i], out[2][i], out[3][i]) = (a + b, c + d, c - d, a - b);
    }
    out
}

#[inline(always)]
fn hadamard(x: &Lines) -> Lines {
    hadamard_pass(&turned(&hadamard_pass(x)))
}

/// Adds up the values of each block.
#[inline(always)]
fn sums(values: [u32; 16]) -> [u32; 4] {
    SLOT.map(|slot| values[slot * 4..][..4].iter().sum())
}

fn satd(source: &Lines, guesses: &Lines) -> [u32; 4] {
    let all = hadamard(&difference(source, guesses));
    let mut columns = [0; 16];
    for line in &all {
        for (sum, value) in columns.iter_mut().zip(line) {
            *sum += u32::from(value.unsigned_abs());
        }
    }
    sums(columns).map(|sum| sum / 2)
}

#[inline(always)]
fn forward_of(d: &Lines) -> Lines {
    let mut t = [[0; 16]; 4];
    for i in 0..16 {
        let (a0, a1) = (d[0][i] + d[3][i], d[1][i] + d[2][i]);
        let (a2, a3) = ((d[1][i] - d[2][i]) << 4, (d[0][i] - d[3][i]) << 4);
        t[0][i] = (a0 + a1) << 3;
        t[1][i] = scaled(a2, 8868) + scaled(a3, 21_408);
        t[2][i] = (a0 - a1) << 3;
        t[3][i] = scaled(a3, 8868) - scaled(a2, 21_408);
    }
    let r = turned(&t);
    let mut out = [[0; 16]; 4];
    for j in 0..16 {
        let (b0, b1) = (r[0][j] + r[3][j], r[1][j] + r[2][j]);
        let (b2, b3) = (i32::from(r[1][j] - r[2][j]), i32::from(r[0][j] - r[3][j]));
        out[0][j] = (b0 + b1 + 8) >> 4;
        out[1][j] = ((b2 * 2217 + b3 * 5352 + (1 << 15)) >> 16) as i16;
        out[2][j] = (b0 - b1 + 8) >> 4;
        out[3][j] = ((b3 * 2217 - b2 * 5352 + (1 << 15)) >> 16) as i16;
    }
    out
}

#[inline(always)]
fn inverse_pass(x: &Lines) -> Lines {
    let mut out = [[0_i16; 16]; 4];
    for i in 0..16 {
        let (a, b) = (x[0][i].wrapping_add(x[2][i]), x[0][i].wrapping_sub(x[2][i]));
        let c = sine(x[1][i]).wrapping_sub(cosine(x[3][i]));
        let d = cosine(x[1][i]).wrapping_add(sine(x[3][i]));
        out[0][i] = a.wrapping_add(d);
        out[1][i] = b.wrapping_add(c);
        out[2][i] = b.wrapping_sub(c);
        out[3][i] = a.wrapping_sub(d);
    }
    out
}

/// The inverse, rows in, columns out.
#[inline(always)]
fn inverse_of(values: &Lines) -> Lines {
    let mut columns = turned(&inverse_pass(values));
    columns[0] = columns[0].map(|value| value.wrapping_add(4));
    inverse_pass(&columns).map(|column| column.map(|value| value >> 3))
}

/// What is to the left of each row of the blocks, and above each column.
#[inline(always)]
fn sides_of(sides: &Sides) -> ([i16; 16], Lines) {
    let (mut left, mut above) = ([0; 16], [[0; 16]; 4]);
    for (block, slot) in SLOT.into_iter().enumerate() {
        for i in 0..4 {
            left[slot * 4 + i] = i16::from(sides.left[block * 4 + i]);
            above[i][slot * 4..][..4].fill(i16::from(sides.above[block * 4 + i]));
        }
    }
    (left, above)
}

fn guess_part(sides: &Sides, mode: usize) -> Lines {
    let (left, above) = sides_of(sides);
    match mode {
        FLAT => [[i16::from(sides.flat); 16]; 4],
        DOWN => above,
        ACROSS => [left; 4],
        _ => {
            let mut out = above;
            for line in &mut out {
                for (value, left) in line.iter_mut().zip(left) {
                    *value = (*value + left - i16::from(sides.corner)).clamp(0, 255);
                }
            }
            out
        }
    }
}

/// Quantizes: levels, and what they stand for.
#[inline(always)]
fn quantized(frequencies: &Lines, matrix: &Matrix) -> (Lines, Lines) {
    let (mut levels, mut values) = ([[0; 16]; 4], [[0; 16]; 4]);
    for row in 0..4 {
        for i in 0..16 {
            let value = frequencies[row][i];
            let sum = u32::from(value.unsigned_abs() + matrix.offset[row][i]);
            let level = ((sum * u32::from(matrix.inverse[row][i])) >> 16) as i16;
            let level = if value < 0 { -level } else { level };
            levels[row][i] = level;
            values[row][i] = level.wrapping_mul(matrix.step[row][i] as i16);
        }
    }
    (levels, values)
}

impl Kernels for Plain {
    fn run<R>(self, work: impl FnOnce() -> R) -> R {
        work()
    }

    fn luma(self, row: &[u8], out: &mut [u8]) {
        for (pixel, out) in row.chunks_exact(3).zip(out) {
            let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
            *out = ((16_839 * r + 33_059 * g + 6420 * b + (1 << 15) + (16 << 16)) >> 16) as u8;
        }
    }

    fn chroma(self, [above, below]: [&[u8]; 2], blue: &mut [u8], red: &mut [u8]) {
        let last = above.len() / 3 - 1;
        for (x, (blue, red)) in blue.iter_mut().zip(red).enumerate() {
            let (left, right) = (6 * x, (2 * x + 1).min(last) * 3);
            let mut sums = [0; 3];
            for (channel, sum) in sums.iter_mut().enumerate() {
                let places = [left + channel, right + channel];
                *sum = places.iter().map(|&at| i32::from(above[at]) + i32::from(below[at])).sum();
            }
            let [r, g, b] = sums;
            let middle = (128 << 18) + (1 << 17);
            *blue = ((28_800 * b - 9719 * r - 19_081 * g + middle) >> 18).clamp(0, 255) as u8;
            *red = ((28_800 * r - 24_116 * g - 4684 * b + middle) >> 18).clamp(0, 255) as u8;
        }
    }

    fn lines(self, blocks: &Quad) -> Lines {
        let mut lines = [[0; 16]; 4];
        for (block, samples) in blocks.iter().enumerate() {
            for (place, &sample) in samples.iter().enumerate() {
                lines[place % 4][SLOT[block] * 4 + place / 4] = i16::from(sample);
            }
        }
        lines
    }

    fn texture(self, source: &Lines) -> [u32; 4] {
        let mut columns = [0; 16];
        for (line, weights) in hadamard(source).iter().zip(&WEIGHTS) {
            for (i, (sum, value)) in columns.iter_mut().zip(line).enumerate() {
                *sum += u32::from(value.unsigned_abs()) * u32::from(weights[i % 4].unsigned_abs());
            }
        }
        sums(columns)
    }

    fn guess(
        self,
        edge: &[u8; 16],
        source: &Lines,
        (costs, lambda): (&ModeCosts, u16),
        guesses: &mut [Block; 12],
    ) -> [u8; 16] {
        modes::guess(edge, guesses);
        let [a, b, c, d, e, f, g, h, i, j, ..] = *guesses;
        let quads = [[a, b, c, d], [e, f, g, h], [i, j, i, j]];
        let ranks = quads.map(|quad| satd(source, &self.lines(&quad)));
        let mut keys = [0; 10];
        for (mode, (key, rank)) in keys.iter_mut().zip(ranks.as_flattened()).enumerate() {
            let cost = (u32::from(costs[mode] << 4) * u32::from(lambda)) >> 16;
            let most = u32::from(RANKS) - 1;
            *key = (*rank.min(&most) + cost).min(most) << 4 | mode as u32;
        }
        keys.sort_unstable();
        let mut order = [0; 16];
        for (place, key) in order.iter_mut().zip(keys) {
            *place = (key & 15) as u8;
        }
        order
    }

    fn guess_part(self, sides: &Sides, mode: usize) -> Lines {
        guess_part(sides, mode)
    }

    fn rank_parts(self, source: &Lines, sides: &Sides, ranks: &mut [u32; 4]) {
        for (mode, rank) in ranks.iter_mut().enumerate() {
            *rank += satd(source, &guess_part(sides, mode)).iter().sum::<u32>();
        }
    }

    fn forward(self, source: &Lines, guesses: &Lines) -> Lines {
        forward_of(&difference(source, guesses))
    }

    fn finish(
        self,
        (frequencies, lowest): (&Lines, Lowest),
        matrix: &Matrix,
        (source, guesses): (&Lines, &Lines),
        out: &mut Coded,
    ) {
        let (mut levels, mut values) = quantized(frequencies, matrix);
        for (lowest, slot) in lowest.iter().flatten().zip(SLOT) {
            levels[0][slot * 4] = 0;
            values[0][slot * 4] = *lowest;
        }
        for (out, slot) in out.levels.iter_mut().zip(SLOT) {
            *out = ZIGZAG.map(|place| levels[place / 4][slot * 4 + place % 4]);
        }
        let mut samples = inverse_of(&values);
        let mut errors = [0; 16];
        for column in 0..4 {
            for i in 0..16 {
                let sample = (guesses[column][i] + samples[column][i]).clamp(0, 255);
                samples[column][i] = sample;
                errors[i] += i32::from(sample - source[column][i]).pow(2).unsigned_abs();
            }
        }
        out.error = sums(errors);
        for (out, slot) in out.samples.iter_mut().zip(SLOT) {
            for (place, out) in out.iter_mut().enumerate() {
                *out = samples[place % 4][slot * 4 + place / 4] as u8;
            }
        }
        out.texture = self.texture(&samples);
    }

    fn code(self, source: &Lines, guesses: &Quad, matrix: &Matrix, out: &mut Coded) {
        let guesses = self.lines(guesses);
        let frequencies = self.forward(source, &guesses);
        self.finish((&frequencies, None), matrix, (source, &guesses), out);
    }

    fn price(self, levels: &Levels, costs: &Costs, first: usize, context: usize) -> Price {
        let count = 16 - levels.iter().rev().take_while(|&&level| level == 0).count();
        if count <= first {
            return Price { rate: u32::from(costs.end[BAND[first]][context]), count: 0, some: 0 };
        }
        let mut rate = if context == 0 { u32::from(costs.go_on[first]) } else { 0 };
        let mut context = context;
        for place in first..count {
            let level = usize::from(levels[place].unsigned_abs()).min(TOP);
            rate += u32::from(costs.level[(BAND[place] * 3 + context) * 68 + level]);
            context = level.min(2);
        }
        if count < 16 {
            rate += u32::from(costs.end[BAND[count]][context]);
        }
        let some = levels.iter().filter(|&&level| level != 0).count();
        Price { rate, count: count as u8, some: some as u8 }
    }

    fn spread(self, source: &Lines, sides: &Sides, counts: &mut [[u32; 5]; 2]) {
        for (counts, mode) in counts.iter_mut().zip([FLAT, SLOPE]) {
            let (mut most, mut found) = (0, [0_u16; 4]);
            for value in self.forward(source, &guess_part(sides, mode)).as_flattened() {
                let value = value.unsigned_abs() >> 3;
                most = most.max(value);
                found[0] += u16::from(value == 0);
                found[1] += u16::from(value == 1);
                found[2] += u16::from(value == 2);
                found[3] += u16::from(value > 30);
            }
            counts[0] = counts[0].max(u32::from(most));
            for (count, found) in counts[1..].iter_mut().zip(found) {
                *count += u32::from(found);
            }
        }
    }
}
