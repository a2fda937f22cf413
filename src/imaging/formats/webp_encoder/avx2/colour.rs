//! From RGB to luma and chroma, 16 pixels at a time.

use std::arch::x86_64::{
    __m256i, _mm_cvtsi128_si64, _mm_packs_epi32, _mm_packus_epi16, _mm256_add_epi16,
    _mm256_add_epi32, _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_hadd_epi32,
    _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_packs_epi32, _mm256_set_m128i,
    _mm256_set1_epi8, _mm256_set1_epi32, _mm256_shuffle_epi8, _mm256_srai_epi32, _mm256_srli_epi32,
};

use fearless_simd::{Avx2, kernel};

use super::super::kernels::Kernels as _;
use super::super::plain::Plain;
use super::vectors::{NONE, bytes_of, factors, four_times, load, load_bytes, twice};

/// Four pixels in each half: what red and green, green and blue add to luma, times 65,536.
#[inline]
#[target_feature(enable = "avx2")]
fn luma_of(avx2: Avx2, first: [u8; 16], second: [u8; 16]) -> __m256i {
    let pixels = _mm256_set_m128i(load_bytes(avx2, second), load_bytes(avx2, first));
    let red = [0, NONE, 1, NONE, 3, NONE, 4, NONE, 6, NONE, 7, NONE, 9, NONE, 10, NONE];
    let blue = [1, NONE, 2, NONE, 4, NONE, 5, NONE, 7, NONE, 8, NONE, 10, NONE, 11, NONE];
    let red = _mm256_shuffle_epi8(pixels, twice(avx2, red));
    let blue = _mm256_shuffle_epi8(pixels, twice(avx2, blue));
    let sum = _mm256_add_epi32(
        _mm256_madd_epi16(red, _mm256_set1_epi32(factors(16_839, 16_530))),
        _mm256_madd_epi16(blue, _mm256_set1_epi32(factors(16_529, 6420))),
    );
    _mm256_srli_epi32::<16>(_mm256_add_epi32(sum, _mm256_set1_epi32((1 << 15) + (16 << 16))))
}

kernel!(
    #[inline]
    pub(super) fn luma(avx2: Avx2, row: &[u8], out: &mut [u8]) {
        let mut done = 0;
        for out in out.as_chunks_mut::<16>().0 {
            let Some(pixels) = row[done * 3..].first_chunk::<52>() else { break };
            let [a, b, c, d] = quarters(pixels);
            let both = _mm256_packs_epi32(luma_of(avx2, *a, *c), luma_of(avx2, *b, *d));
            let (low, high) = (_mm256_castsi256_si128(both), _mm256_extracti128_si256::<1>(both));
            *out = bytes_of(avx2, _mm_packus_epi16(low, high));
            done += 16;
        }
        Plain.luma(&row[done * 3..], &mut out[done..]);
    }
);

/// The sums of four pixels each: red, green, blue and nothing, of two in each half.
#[inline]
#[target_feature(enable = "avx2")]
fn fours(avx2: Avx2, above: [&[u8; 16]; 2], below: [&[u8; 16]; 2]) -> __m256i {
    let pairs = twice(avx2, [0, 3, 1, 4, 2, 5, NONE, NONE, 6, 9, 7, 10, 8, 11, NONE, NONE]);
    let above = _mm256_set_m128i(load_bytes(avx2, *above[1]), load_bytes(avx2, *above[0]));
    let below = _mm256_set_m128i(load_bytes(avx2, *below[1]), load_bytes(avx2, *below[0]));
    let one = _mm256_set1_epi8(1);
    _mm256_add_epi16(
        _mm256_maddubs_epi16(_mm256_shuffle_epi8(above, pairs), one),
        _mm256_maddubs_epi16(_mm256_shuffle_epi8(below, pairs), one),
    )
}

/// Eight samples of chroma from sums, by the factors of these.
#[inline]
#[target_feature(enable = "avx2")]
fn chroma_of(avx2: Avx2, first: __m256i, second: __m256i, factors: [i16; 4]) -> [u8; 8] {
    let factors = load(avx2, &four_times(factors));
    let sum =
        _mm256_hadd_epi32(_mm256_madd_epi16(first, factors), _mm256_madd_epi16(second, factors));
    let sum = _mm256_add_epi32(sum, _mm256_set1_epi32((128 << 18) + (1 << 17)));
    let sum = _mm256_srai_epi32::<18>(sum);
    let words = _mm_packs_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
    _mm_cvtsi128_si64(_mm_packus_epi16(words, words)).to_le_bytes()
}

kernel!(
    #[inline]
    pub(super) fn chroma(avx2: Avx2, rows: [&[u8]; 2], blue: &mut [u8], red: &mut [u8]) {
        let mut done = 0;
        for (blue, red) in blue.as_chunks_mut::<8>().0.iter_mut().zip(red.as_chunks_mut::<8>().0) {
            let [Some(above), Some(below)] =
                [rows[0][done * 6..].first_chunk::<52>(), rows[1][done * 6..].first_chunk::<52>()]
            else {
                break;
            };
            let ([a, b, c, d], [e, f, g, h]) = (quarters(above), quarters(below));
            let (first, second) = (fours(avx2, [a, c], [e, g]), fours(avx2, [b, d], [f, h]));
            *blue = chroma_of(avx2, first, second, [-9719, -19_081, 28_800, 0]);
            *red = chroma_of(avx2, first, second, [28_800, -24_116, -4684, 0]);
            done += 8;
        }
        if done < blue.len() {
            let rest = [&rows[0][done * 6..], &rows[1][done * 6..]];
            Plain.chroma(rest, &mut blue[done..], &mut red[done..]);
        }
    }
);

/// Sixteen pixels: four bytes too many with every four.
#[inline(always)]
fn quarters(pixels: &[u8; 52]) -> [&[u8; 16]; 4] {
    [0, 12, 24, 36].map(
        #[inline(always)]
        |at| pixels[at..].first_chunk().unwrap_or(&[0; 16]),
    )
}
