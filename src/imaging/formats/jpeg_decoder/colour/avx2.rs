//! Sixteen pixels at a time, with vectors of 256 bits.
//!
//! No closures: they would not be compiled into functions for a machine other than the least.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_cvtsi128_si64, _mm_or_si128, _mm_packus_epi16, _mm_set_epi64x,
    _mm_shuffle_epi8, _mm_unpackhi_epi64, _mm256_add_epi16, _mm256_add_epi32,
    _mm256_castsi256_si128, _mm256_cvtepu8_epi16, _mm256_extracti128_si256, _mm256_madd_epi16,
    _mm256_mulhi_epi16, _mm256_packs_epi32, _mm256_set1_epi16, _mm256_set1_epi32,
    _mm256_slli_epi16, _mm256_srai_epi16, _mm256_srai_epi32, _mm256_sub_epi16,
    _mm256_unpackhi_epi16, _mm256_unpacklo_epi16,
};

use fearless_simd::kernel;

/// Pixels of a step.
const STEP: usize = 16;

#[inline]
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8; STEP]) -> __m256i {
    let value = u128::from_le_bytes(*bytes);
    #[expect(clippy::cast_possible_truncation, reason = "the halves are taken apart")]
    let (low, high) = (value as u64, (value >> 64) as u64);
    _mm256_cvtepu8_epi16(_mm_set_epi64x(high.cast_signed(), low.cast_signed()))
}

/// Rounds a product with a fraction of 65536ths: half of twice the product, plus one.
#[inline]
#[target_feature(enable = "avx2")]
fn rounded(twice: __m256i, factor: i16) -> __m256i {
    let product = _mm256_mulhi_epi16(twice, _mm256_set1_epi16(factor));
    _mm256_srai_epi16::<1>(_mm256_add_epi16(product, _mm256_set1_epi16(1)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn sum(pairs: __m256i) -> __m256i {
    // 46802 does not fit: 18734 - 65536 is the same, and 65536 of it are one whole.
    let factors = _mm256_set1_epi32((18_734 << 16) | (-22_554_i32 & 0xffff));
    let sum = _mm256_madd_epi16(pairs, factors);
    _mm256_srai_epi32::<16>(_mm256_add_epi32(sum, _mm256_set1_epi32(1 << 15)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn bytes(samples: __m256i) -> __m128i {
    let high = _mm256_extracti128_si256::<1>(samples);
    _mm_packus_epi16(_mm256_castsi256_si128(samples), high)
}

/// Puts bytes of three colours to every third place, beginning at one; others are zero.
#[expect(clippy::cast_possible_truncation, reason = "less than 16")]
const fn spread(colour: usize, part: usize) -> (i64, i64) {
    let mut places = [-1_i8; 16];
    let mut at = 0;
    while at < 16 {
        let place = part * 16 + at;
        if place % 3 == colour {
            places[at] = (place / 3) as i8;
        }
        at += 1;
    }
    let (mut halves, mut at) = ([0_i64; 2], 0);
    while at < 16 {
        halves[at / 8] |= (places[at].cast_unsigned() as i64) << (at % 8 * 8);
        at += 1;
    }
    (halves[0], halves[1])
}

#[inline]
#[target_feature(enable = "avx2")]
fn third<const COLOUR: usize, const PART: usize>(bytes: __m128i) -> __m128i {
    let (low, high) = const { spread(COLOUR, PART) };
    _mm_shuffle_epi8(bytes, _mm_set_epi64x(high, low))
}

#[inline]
#[target_feature(enable = "avx2")]
fn part<const PART: usize>([r, g, b]: [__m128i; 3]) -> [u8; 16] {
    let (r, g) = (third::<0, PART>(r), third::<1, PART>(g));
    let vector = _mm_or_si128(_mm_or_si128(r, g), third::<2, PART>(b));
    let low = _mm_cvtsi128_si64(vector).cast_unsigned();
    let high = _mm_cvtsi128_si64(_mm_unpackhi_epi64(vector, vector)).cast_unsigned();
    (low as u128 | (high as u128) << 64).to_le_bytes()
}

#[inline]
#[target_feature(enable = "avx2")]
fn rgb(y: __m256i, cb: __m256i, cr: __m256i) -> [__m128i; 3] {
    let middle = _mm256_set1_epi16(128);
    let (cb, cr) = (_mm256_sub_epi16(cb, middle), _mm256_sub_epi16(cr, middle));
    let (cb2, cr2) = (_mm256_slli_epi16::<1>(cb), _mm256_slli_epi16::<1>(cr));
    // 1.402 = 1 + 26345/65536; 1.772 = 2 - 14942/65536.
    let red = _mm256_add_epi16(_mm256_add_epi16(y, cr), rounded(cr2, 26_345));
    let blue = _mm256_add_epi16(_mm256_add_epi16(y, cb2), rounded(cb2, -14_942));
    let (low, high) = (_mm256_unpacklo_epi16(cb, cr), _mm256_unpackhi_epi16(cb, cr));
    let green = _mm256_sub_epi16(_mm256_packs_epi32(sum(low), sum(high)), cr);
    [bytes(red), bytes(_mm256_add_epi16(y, green)), bytes(blue)]
}

kernel!(
    /// Writes as many whole steps as the rows have; tells how many pixels that were.
    pub(super) fn to_rgb(avx2: Avx2, rows: [&[u8]; 3], out: &mut [u8]) -> usize {
        let [y, cb, cr] = rows;
        let steps = out.as_chunks_mut::<{ 3 * STEP }>().0;
        let done = steps.len() * STEP;
        let (y, cb) = (y.as_chunks::<STEP>().0, cb.as_chunks::<STEP>().0);
        for (((out, y), cb), cr) in steps.iter_mut().zip(y).zip(cb).zip(cr.as_chunks::<STEP>().0) {
            let colours = rgb(load(y), load(cb), load(cr));
            if let [first, second, last] = out.as_chunks_mut::<16>().0 {
                *first = part::<0>(colours);
                *second = part::<1>(colours);
                *last = part::<2>(colours);
            }
        }
        done
    }
);
