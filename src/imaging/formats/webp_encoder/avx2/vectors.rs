//! Vectors of 256 bits: four blocks in four of them.

use std::arch::x86_64::{
    __m128i, __m256i, _mm256_abs_epi16, _mm256_add_epi16, _mm256_add_epi32, _mm256_castsi256_si128,
    _mm256_extracti128_si256, _mm256_madd_epi16, _mm256_max_epi16, _mm256_packus_epi16,
    _mm256_set_m128i, _mm256_set1_epi16, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_shuffle_epi32, _mm256_sub_epi16, _mm256_unpackhi_epi8, _mm256_unpackhi_epi16,
    _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi8, _mm256_unpacklo_epi16,
    _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
};

use fearless_simd::prelude::*;
use fearless_simd::{Avx2, i16x16, i32x8, kernel, u8x16, u16x16};

use super::super::kernels::{Lines, Quad};
use super::super::plain::WEIGHTS;

pub(super) type Four = [__m256i; 4];

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load(avx2: Avx2, values: &[i16; 16]) -> __m256i {
    let vector: i16x16<Avx2> = (*values).simd_into(avx2);
    vector.into()
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load_unsigned(avx2: Avx2, values: &[u16; 16]) -> __m256i {
    let vector: u16x16<Avx2> = (*values).simd_into(avx2);
    vector.into()
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load_bytes(avx2: Avx2, bytes: [u8; 16]) -> __m128i {
    let vector: u8x16<Avx2> = bytes.simd_into(avx2);
    vector.into()
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn twice(avx2: Avx2, bytes: [u8; 16]) -> __m256i {
    let half = load_bytes(avx2, bytes);
    _mm256_set_m128i(half, half)
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn values(avx2: Avx2, vector: __m256i) -> [i16; 16] {
    let vector: i16x16<Avx2> = vector.simd_into(avx2);
    vector.into()
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn lines_in(avx2: Avx2, lines: &Lines) -> Four {
    [load(avx2, &lines[0]), load(avx2, &lines[1]), load(avx2, &lines[2]), load(avx2, &lines[3])]
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn lines_out(avx2: Avx2, [a, b, c, d]: Four) -> Lines {
    [values(avx2, a), values(avx2, b), values(avx2, c), values(avx2, d)]
}

/// Rows to columns of bytes, and back.
const TURN: [u8; 16] = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];

/// The columns of four blocks.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn columns(avx2: Avx2, blocks: &Quad) -> Four {
    let turn = twice(avx2, TURN);
    let zero = _mm256_setzero_si256();
    let a = _mm256_set_m128i(load_bytes(avx2, blocks[1]), load_bytes(avx2, blocks[0]));
    let b = _mm256_set_m128i(load_bytes(avx2, blocks[3]), load_bytes(avx2, blocks[2]));
    let (a, b) = (_mm256_shuffle_epi8(a, turn), _mm256_shuffle_epi8(b, turn));
    let (low, high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    [
        _mm256_unpacklo_epi8(low, zero),
        _mm256_unpackhi_epi8(low, zero),
        _mm256_unpacklo_epi8(high, zero),
        _mm256_unpackhi_epi8(high, zero),
    ]
}

/// The way back, of what is clamped to bytes.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn blocks_of(avx2: Avx2, [a, b, c, d]: Four, out: &mut Quad) {
    let turn = twice(avx2, TURN);
    let low = _mm256_shuffle_epi32::<0b11_01_10_00>(_mm256_packus_epi16(a, b));
    let high = _mm256_shuffle_epi32::<0b11_01_10_00>(_mm256_packus_epi16(c, d));
    let first = _mm256_shuffle_epi8(_mm256_unpacklo_epi64(low, high), turn);
    let second = _mm256_shuffle_epi8(_mm256_unpackhi_epi64(low, high), turn);
    out[0] = bytes_of(avx2, _mm256_castsi256_si128(first));
    out[1] = bytes_of(avx2, _mm256_extracti128_si256::<1>(first));
    out[2] = bytes_of(avx2, _mm256_castsi256_si128(second));
    out[3] = bytes_of(avx2, _mm256_extracti128_si256::<1>(second));
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn bytes_of(avx2: Avx2, vector: __m128i) -> [u8; 16] {
    let vector: u8x16<Avx2> = vector.simd_into(avx2);
    vector.into()
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn minus(a: Four, b: Four) -> Four {
    [
        _mm256_sub_epi16(a[0], b[0]),
        _mm256_sub_epi16(a[1], b[1]),
        _mm256_sub_epi16(a[2], b[2]),
        _mm256_sub_epi16(a[3], b[3]),
    ]
}

/// Rows to columns.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn turned([a, b, c, d]: Four) -> Four {
    let (e, f) = (_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b));
    let (g, h) = (_mm256_unpacklo_epi16(c, d), _mm256_unpackhi_epi16(c, d));
    let (a, b) = (_mm256_unpacklo_epi32(e, g), _mm256_unpackhi_epi32(e, g));
    let (c, d) = (_mm256_unpacklo_epi32(f, h), _mm256_unpackhi_epi32(f, h));
    [
        _mm256_unpacklo_epi64(a, c),
        _mm256_unpackhi_epi64(a, c),
        _mm256_unpacklo_epi64(b, d),
        _mm256_unpackhi_epi64(b, d),
    ]
}

/// The first half of what makes frequencies of whole numbers.
#[inline]
#[target_feature(enable = "avx2")]
fn butterflies([a, b, c, d]: Four) -> Four {
    [_mm256_add_epi16(a, c), _mm256_add_epi16(b, d), _mm256_sub_epi16(a, c), _mm256_sub_epi16(b, d)]
}

#[inline]
#[target_feature(enable = "avx2")]
fn whole([a, b, c, d]: Four) -> Four {
    [_mm256_add_epi16(a, b), _mm256_add_epi16(c, d), _mm256_sub_epi16(c, d), _mm256_sub_epi16(a, b)]
}

/// Adds up the two sums of each block; these stand as the blocks do in lines.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn sums(avx2: Avx2, pairs: __m256i) -> [u32; 4] {
    let both = _mm256_add_epi32(pairs, _mm256_shuffle_epi32::<0b10_11_00_01>(pairs));
    let all: i32x8<Avx2> = both.simd_into(avx2);
    let all: [i32; 8] = all.into();
    [all[0].cast_unsigned(), all[4].cast_unsigned(), all[2].cast_unsigned(), all[6].cast_unsigned()]
}

/// Half the sums of absolute frequencies, each twice.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn satd_sums(difference: Four) -> __m256i {
    let [a, b, c, d] = butterflies(turned(whole(butterflies(difference))));
    // The sum and the difference of two together are twice the greater.
    let first = _mm256_max_epi16(_mm256_abs_epi16(a), _mm256_abs_epi16(b));
    let second = _mm256_max_epi16(_mm256_abs_epi16(c), _mm256_abs_epi16(d));
    let pairs = _mm256_madd_epi16(_mm256_add_epi16(first, second), _mm256_set1_epi16(1));
    _mm256_add_epi32(pairs, _mm256_shuffle_epi32::<0b10_11_00_01>(pairs))
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn texture_of(avx2: Avx2, lines: Four) -> [u32; 4] {
    let all = whole(butterflies(turned(whole(butterflies(lines)))));
    let mut sum = _mm256_setzero_si256();
    for (line, weights) in all.iter().zip(&WEIGHTS) {
        let weights = load(avx2, &four_times(*weights));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_abs_epi16(*line), weights));
    }
    sums(avx2, sum)
}

#[inline(always)]
pub(super) const fn four_times([a, b, c, d]: [i16; 4]) -> [i16; 16] {
    [a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d]
}

#[inline(always)]
pub(super) const fn factors(first: i16, second: i16) -> i32 {
    ((second.cast_unsigned() as u32) << 16 | first.cast_unsigned() as u32).cast_signed()
}

/// What makes a shuffle write zero.
pub(super) const NONE: u8 = 0x80;

kernel!(
    #[inline]
    pub(super) fn lines(avx2: Avx2, blocks: &Quad) -> Lines {
        lines_out(avx2, columns(avx2, blocks))
    }
);

kernel!(
    #[inline]
    pub(super) fn texture(avx2: Avx2, source: &Lines) -> [u32; 4] {
        texture_of(avx2, lines_in(avx2, source))
    }
);
