//! The smaller transforms, with vectors of 256 bits.

use std::arch::x86_64::{
    __m256i, _mm_add_epi32, _mm_cvtsi128_si64, _mm_madd_epi16, _mm_packs_epi16, _mm_packs_epi32,
    _mm_set1_epi8, _mm_set1_epi32, _mm_slli_epi32, _mm_srai_epi32, _mm_sub_epi32,
    _mm_unpackhi_epi32, _mm_unpackhi_epi64, _mm_unpacklo_epi32, _mm_xor_si128,
    _mm256_castsi256_si128, _mm256_madd_epi16, _mm256_packs_epi32, _mm256_set_m128i,
    _mm256_srai_epi32, _mm256_unpackhi_epi16, _mm256_unpackhi_epi32, _mm256_unpacklo_epi16,
    _mm256_unpacklo_epi32,
};

use fearless_simd::kernel;

use super::avx2::{
    Row, factors, halves, input, interleaved, is_small, minus, packed, pairs, plus, scaled, times,
    turns,
};

/// The same two factors for pairs in the lower half, two others in the upper half.
#[inline]
#[target_feature(enable = "avx2")]
fn times_halves(pairs: __m256i, low: i32, high: i32) -> Row {
    let factors = _mm256_set_m128i(_mm_set1_epi32(high), _mm_set1_epi32(low));
    let (a, b) = halves(_mm256_madd_epi16(pairs, factors));
    _mm_add_epi32(a, b)
}

kernel!(
    /// Computes a block of 4 × 4; tells whether it could.
    #[inline]
    pub(super) fn four(
        avx2: Avx2,
        block: &[i16; 64],
        table: &[i16; 64],
        out: &mut [u8],
        stride: usize,
    ) -> bool {
        let first = input(block, table, 0);
        let low = scaled::<14, 12>(first);
        let p = pairs(input(block, table, 2), input(block, table, 6));
        let second = times(p, 15_137, -6270);
        let p = pairs(input(block, table, 1), input(block, table, 3));
        let q = pairs(input(block, table, 5), input(block, table, 7));
        let outer = plus(times(p, 20_995, 7373), times(q, -4926, -4176));
        let inner = plus(times(p, 8697, -17_799), times(q, 11_893, -1730));
        let (even, other) = (plus(low, second), minus(low, second));
        let top = interleaved(packed::<12>(plus(even, outer), plus(other, inner)));
        let bottom = interleaved(packed::<12>(minus(other, inner), minus(even, outer)));
        // Columns 0, 1, 4, 5 and then 2, 3, 6, 7, of four rows each.
        let a = _mm256_unpacklo_epi32(top, bottom);
        let b = _mm256_unpackhi_epi32(top, bottom);
        let (even, odd) = (_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b));
        store_four(rows_four(even, odd), out, stride);
        is_small(first)
    }
);

/// Computes four samples of four rows from pairs of even columns and of odd ones.
#[inline]
#[target_feature(enable = "avx2")]
fn rows_four(even: __m256i, odd: __m256i) -> [Row; 4] {
    let half = _mm_set1_epi32(1 << 18);
    let upper = times_halves(even, factors(16_384, 15_137), factors(0, -6270));
    let lower = times_halves(even, factors(16_384, -15_137), factors(0, 6270));
    let outer = times_halves(odd, factors(20_995, 7373), factors(-4926, -4176));
    let inner = times_halves(odd, factors(8697, -17_799), factors(11_893, -1730));
    let (upper, lower) = (_mm_add_epi32(upper, half), _mm_add_epi32(lower, half));
    [
        _mm_srai_epi32::<19>(_mm_add_epi32(upper, outer)),
        _mm_srai_epi32::<19>(_mm_add_epi32(lower, inner)),
        _mm_srai_epi32::<19>(_mm_sub_epi32(lower, inner)),
        _mm_srai_epi32::<19>(_mm_sub_epi32(upper, outer)),
    ]
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_four([a, b, c, d]: [Row; 4], out: &mut [u8], stride: usize) {
    let (ab, cd) = (turns(_mm_packs_epi32(a, b)), turns(_mm_packs_epi32(c, d)));
    let rows = (_mm_unpacklo_epi32(ab, cd), _mm_unpackhi_epi32(ab, cd));
    let bytes = _mm_xor_si128(_mm_packs_epi16(rows.0, rows.1), _mm_set1_epi8(-128));
    let top = _mm_cvtsi128_si64(bytes).to_le_bytes();
    let bottom = _mm_cvtsi128_si64(_mm_unpackhi_epi64(bytes, bytes)).to_le_bytes();
    let mut rest = out;
    for half in [top, bottom] {
        for row in half.as_chunks::<4>().0 {
            if let Some(place) = rest.first_chunk_mut::<4>() {
                *place = *row;
            }
            rest = rest.get_mut(stride..).unwrap_or_default();
        }
    }
}

kernel!(
    /// Computes a block of 2 × 2.
    #[inline]
    pub(super) fn two(
        avx2: Avx2,
        block: &[i16; 64],
        table: &[i16; 64],
        out: &mut [u8],
        stride: usize,
    ) {
        let p = pairs(input(block, table, 1), input(block, table, 3));
        let q = pairs(input(block, table, 5), input(block, table, 7));
        let odd = plus(times(p, 29_692, -10_426), times(q, 6967, -5906));
        let low = scaled::<15, 13>(input(block, table, 0));
        let top = _mm256_srai_epi32::<13>(plus(low, odd));
        let bottom = _mm256_srai_epi32::<13>(minus(low, odd));
        // Odd columns of both, saturated: 1, 3 of the top and of the bottom, then 5, 7.
        let odds = _mm256_srai_epi32::<16>(_mm256_packs_epi32(top, bottom));
        let (a, b) = halves(odds);
        let (a, b) = (_mm_packs_epi32(a, a), _mm_packs_epi32(b, b));
        let a = _mm_madd_epi16(a, _mm_set1_epi32(factors(29_692, -10_426)));
        let b = _mm_madd_epi16(b, _mm_set1_epi32(factors(6967, -5906)));
        let odd = _mm_add_epi32(a, b);
        // The first column, top and bottom.
        let even = _mm_unpacklo_epi32(_mm256_castsi256_si128(top), _mm256_castsi256_si128(bottom));
        let even = _mm_add_epi32(_mm_slli_epi32::<15>(even), _mm_set1_epi32(1 << 19));
        let left = _mm_srai_epi32::<20>(_mm_add_epi32(even, odd));
        let right = _mm_srai_epi32::<20>(_mm_sub_epi32(even, odd));
        let words = _mm_unpacklo_epi32(left, right);
        let bytes = _mm_packs_epi16(_mm_packs_epi32(words, words), words);
        let bytes = _mm_cvtsi128_si64(_mm_xor_si128(bytes, _mm_set1_epi8(-128))).to_le_bytes();
        if let Some(place) = out.first_chunk_mut::<2>() {
            *place = [bytes[0], bytes[1]];
        }
        if let Some(place) = out.get_mut(stride..).and_then(<[u8]>::first_chunk_mut::<2>) {
            *place = [bytes[2], bytes[3]];
        }
    }
);
