//! Frequencies, levels, and samples again.

#![expect(clippy::cast_possible_truncation, reason = "two's complement is meant")]

use std::arch::x86_64::{
    __m256i, _mm256_abs_epi16, _mm256_add_epi16, _mm256_add_epi32, _mm256_blend_epi16,
    _mm256_madd_epi16, _mm256_max_epi16, _mm256_min_epi16, _mm256_mulhi_epi16, _mm256_mulhi_epu16,
    _mm256_mulhrs_epi16, _mm256_mullo_epi16, _mm256_or_si256, _mm256_packs_epi32,
    _mm256_permute2x128_si256, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_sign_epi16, _mm256_slli_epi16, _mm256_srai_epi16,
    _mm256_srai_epi32, _mm256_sub_epi16, _mm256_unpackhi_epi16, _mm256_unpackhi_epi64,
    _mm256_unpacklo_epi16, _mm256_unpacklo_epi64,
};

use fearless_simd::{Avx2, kernel};

use super::super::kernels::{Coded, Levels, Lines, Lowest, Matrix, Quad};
use super::vectors::{
    Four, NONE, blocks_of, columns, factors, lines_in, lines_out, load, load_unsigned, minus, sums,
    texture_of, turned, twice, values,
};

/// Multiplies pairs with two factors, rounds and divides by 65,536.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn pairs(low: __m256i, high: __m256i, factors: __m256i) -> __m256i {
    let half = _mm256_set1_epi32(1 << 15);
    let low = _mm256_add_epi32(_mm256_madd_epi16(low, factors), half);
    let high = _mm256_add_epi32(_mm256_madd_epi16(high, factors), half);
    _mm256_packs_epi32(_mm256_srai_epi32::<16>(low), _mm256_srai_epi32::<16>(high))
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn forward_of(d: Four) -> Four {
    let (a0, a1) = (_mm256_add_epi16(d[0], d[3]), _mm256_add_epi16(d[1], d[2]));
    let a2 = _mm256_slli_epi16::<4>(_mm256_sub_epi16(d[1], d[2]));
    let a3 = _mm256_slli_epi16::<4>(_mm256_sub_epi16(d[0], d[3]));
    let (sine, cosine) = (_mm256_set1_epi16(8868), _mm256_set1_epi16(21_408));
    let r = turned([
        _mm256_slli_epi16::<3>(_mm256_add_epi16(a0, a1)),
        _mm256_add_epi16(_mm256_mulhrs_epi16(a2, sine), _mm256_mulhrs_epi16(a3, cosine)),
        _mm256_slli_epi16::<3>(_mm256_sub_epi16(a0, a1)),
        _mm256_sub_epi16(_mm256_mulhrs_epi16(a3, sine), _mm256_mulhrs_epi16(a2, cosine)),
    ]);
    let (b0, b1) = (_mm256_add_epi16(r[0], r[3]), _mm256_add_epi16(r[1], r[2]));
    let (b2, b3) = (_mm256_sub_epi16(r[1], r[2]), _mm256_sub_epi16(r[0], r[3]));
    let (low, high) = (_mm256_unpacklo_epi16(b2, b3), _mm256_unpackhi_epi16(b2, b3));
    let eight = _mm256_set1_epi16(8);
    [
        _mm256_srai_epi16::<4>(_mm256_add_epi16(_mm256_add_epi16(b0, b1), eight)),
        pairs(low, high, _mm256_set1_epi32(factors(2217, 5352))),
        _mm256_srai_epi16::<4>(_mm256_add_epi16(_mm256_sub_epi16(b0, b1), eight)),
        pairs(low, high, _mm256_set1_epi32(factors(-5352, 2217))),
    ]
}

#[inline]
#[target_feature(enable = "avx2")]
fn inverse_pass(x: Four) -> Four {
    let (sine, cosine) = (_mm256_set1_epi16((35_468 - 65_536) as i16), _mm256_set1_epi16(20_091));
    let (a, b) = (_mm256_add_epi16(x[0], x[2]), _mm256_sub_epi16(x[0], x[2]));
    let c = _mm256_sub_epi16(
        _mm256_add_epi16(x[1], _mm256_mulhi_epi16(x[1], sine)),
        _mm256_add_epi16(x[3], _mm256_mulhi_epi16(x[3], cosine)),
    );
    let d = _mm256_add_epi16(
        _mm256_add_epi16(x[1], _mm256_mulhi_epi16(x[1], cosine)),
        _mm256_add_epi16(x[3], _mm256_mulhi_epi16(x[3], sine)),
    );
    [_mm256_add_epi16(a, d), _mm256_add_epi16(b, c), _mm256_sub_epi16(b, c), _mm256_sub_epi16(a, d)]
}

/// Quantizes a line; the levels and what they stand for.
#[inline]
#[target_feature(enable = "avx2")]
fn quantized(avx2: Avx2, line: __m256i, matrix: &Matrix, row: usize) -> (__m256i, __m256i) {
    let size = _mm256_add_epi16(_mm256_abs_epi16(line), load_unsigned(avx2, &matrix.offset[row]));
    let level = _mm256_mulhi_epu16(size, load_unsigned(avx2, &matrix.inverse[row]));
    let level = _mm256_sign_epi16(level, line);
    (level, _mm256_mullo_epi16(level, load_unsigned(avx2, &matrix.step[row])))
}

/// Places of the first eight coefficients among the first eight, and the last eight; then of the others.
const ORDER: [[u8; 16]; 4] = [
    [0, 1, 2, 3, 8, 9, NONE, NONE, 10, 11, 4, 5, 6, 7, 12, 13],
    [NONE, NONE, NONE, NONE, NONE, NONE, 0, 1, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE],
    [NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, 14, 15, NONE, NONE, NONE, NONE, NONE, NONE],
    [2, 3, 8, 9, 10, 11, 4, 5, NONE, NONE, 6, 7, 12, 13, 14, 15],
];

/// Puts the levels of two blocks into their order.
#[inline]
#[target_feature(enable = "avx2")]
fn ordered(avx2: Avx2, low: __m256i, high: __m256i) -> (__m256i, __m256i) {
    let first = _mm256_or_si256(
        _mm256_shuffle_epi8(low, twice(avx2, ORDER[0])),
        _mm256_shuffle_epi8(high, twice(avx2, ORDER[1])),
    );
    let second = _mm256_or_si256(
        _mm256_shuffle_epi8(low, twice(avx2, ORDER[2])),
        _mm256_shuffle_epi8(high, twice(avx2, ORDER[3])),
    );
    (
        _mm256_permute2x128_si256::<0x20>(first, second),
        _mm256_permute2x128_si256::<0x31>(first, second),
    )
}

#[inline]
#[target_feature(enable = "avx2")]
fn levels_of(avx2: Avx2, l: Four, out: &mut [Levels; 4]) {
    let (a, b) =
        ordered(avx2, _mm256_unpacklo_epi64(l[0], l[1]), _mm256_unpacklo_epi64(l[2], l[3]));
    let (c, d) =
        ordered(avx2, _mm256_unpackhi_epi64(l[0], l[1]), _mm256_unpackhi_epi64(l[2], l[3]));
    *out = [values(avx2, a), values(avx2, b), values(avx2, c), values(avx2, d)];
}

kernel!(
    #[inline]
    pub(super) fn forward(avx2: Avx2, source: &Lines, guesses: &Lines) -> Lines {
        lines_out(avx2, forward_of(minus(lines_in(avx2, source), lines_in(avx2, guesses))))
    }
);

/// Turns levels' values into samples, and compares these with the source.
#[inline]
#[target_feature(enable = "avx2")]
fn restore(avx2: Avx2, values: Four, (source, guess): (Four, Four), out: &mut Coded) {
    let mut columns = turned(inverse_pass(values));
    columns[0] = _mm256_add_epi16(columns[0], _mm256_set1_epi16(4));
    let added = inverse_pass(columns);
    let mut samples = [_mm256_setzero_si256(); 4];
    let mut error = _mm256_setzero_si256();
    let most = _mm256_set1_epi16(255);
    for column in 0..4 {
        let sum = _mm256_add_epi16(guess[column], _mm256_srai_epi16::<3>(added[column]));
        let sample = _mm256_min_epi16(_mm256_max_epi16(sum, _mm256_setzero_si256()), most);
        samples[column] = sample;
        let off = _mm256_sub_epi16(sample, source[column]);
        error = _mm256_add_epi32(error, _mm256_madd_epi16(off, off));
    }
    blocks_of(avx2, samples, &mut out.samples);
    out.error = sums(avx2, error);
    out.texture = texture_of(avx2, samples);
}

kernel!(
    #[inline]
    pub(super) fn finish(
        avx2: Avx2,
        input: (&Lines, Lowest),
        matrix: &Matrix,
        both: (&Lines, &Lines),
        out: &mut Coded,
    ) {
        let [a, b, c, d] = lines_in(avx2, input.0);
        let (mut level, mut value) = quantized(avx2, a, matrix, 0);
        if let Some([a, b, c, d]) = input.1 {
            let lowest = load(avx2, &[a, 0, 0, 0, c, 0, 0, 0, b, 0, 0, 0, d, 0, 0, 0]);
            value = _mm256_blend_epi16::<0b0001_0001>(value, lowest);
            level = _mm256_blend_epi16::<0b0001_0001>(level, _mm256_setzero_si256());
        }
        let (second, third) = (quantized(avx2, b, matrix, 1), quantized(avx2, c, matrix, 2));
        let fourth = quantized(avx2, d, matrix, 3);
        levels_of(avx2, [level, second.0, third.0, fourth.0], &mut out.levels);
        let values = [value, second.1, third.1, fourth.1];
        restore(avx2, values, (lines_in(avx2, both.0), lines_in(avx2, both.1)), out);
    }
);

kernel!(
    #[inline]
    pub(super) fn code(
        avx2: Avx2,
        source: &Lines,
        guesses: &Quad,
        matrix: &Matrix,
        out: &mut Coded,
    ) {
        let (source, guess) = (lines_in(avx2, source), columns(avx2, guesses));
        let [a, b, c, d] = forward_of(minus(source, guess));
        let (first, second) = (quantized(avx2, a, matrix, 0), quantized(avx2, b, matrix, 1));
        let (third, fourth) = (quantized(avx2, c, matrix, 2), quantized(avx2, d, matrix, 3));
        levels_of(avx2, [first.0, second.0, third.0, fourth.0], &mut out.levels);
        restore(avx2, [first.1, second.1, third.1, fourth.1], (source, guess), out);
    }
);
