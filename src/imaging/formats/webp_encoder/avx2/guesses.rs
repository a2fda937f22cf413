//! Guesses, and how well they fit.

#![expect(clippy::cast_possible_truncation, reason = "there are ten modes")]

use std::arch::x86_64::{
    __m128i, __m256i, _mm_add_epi32, _mm_and_si128, _mm_avg_epu8, _mm_cvtsi128_si32, _mm_max_epi16,
    _mm_minpos_epu16, _mm_or_si128, _mm_packus_epi16, _mm_sad_epu8, _mm_set1_epi8,
    _mm_setzero_si128, _mm_shuffle_epi8, _mm_srli_si128, _mm_sub_epi8, _mm_unpacklo_epi16,
    _mm_xor_si128, _mm256_abs_epi16, _mm256_add_epi16, _mm256_castsi256_si128, _mm256_cmpeq_epi16,
    _mm256_cmpgt_epi16, _mm256_cvtepu8_epi16, _mm256_extracti128_si256, _mm256_madd_epi16,
    _mm256_max_epi16, _mm256_min_epi16, _mm256_min_epu16, _mm256_mulhi_epu16, _mm256_or_si256,
    _mm256_packs_epi32, _mm256_set_m128i, _mm256_set1_epi16, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_slli_epi16, _mm256_srli_epi16, _mm256_sub_epi16, _mm256_xor_si256,
};

use fearless_simd::prelude::*;
use fearless_simd::{Avx2, i32x8, kernel};

use super::super::kernels::{Block, Lines, ModeCosts, RANKS, Sides};
use super::super::modes::{ACROSS, DOWN, FLAT, PLACES};
use super::transforms::forward_of;
use super::vectors::{
    Four, NONE, bytes_of, columns, lines_in, lines_out, load, load_bytes, load_unsigned, minus,
    satd_sums, sums, twice, values,
};

/// The guess that is one value, and the one that has the slopes of both sides.
#[inline]
#[target_feature(enable = "avx2")]
fn flat_and_slope(avx2: Avx2, edge: &[u8; 16]) -> (__m128i, __m128i) {
    let around = load_bytes(avx2, *edge);
    let sides = [0, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0];
    let sum = _mm_sad_epu8(_mm_and_si128(around, load_bytes(avx2, sides)), _mm_setzero_si128());
    let sum = _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_srli_si128::<8>(sum)));
    let flat = _mm_set1_epi8(((sum + 4) >> 3) as i8);
    let left = _mm_shuffle_epi8(
        around,
        load_bytes(avx2, [4, 4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1]),
    );
    let above = _mm_shuffle_epi8(
        around,
        load_bytes(avx2, [6, 7, 8, 9, 6, 7, 8, 9, 6, 7, 8, 9, 6, 7, 8, 9]),
    );
    let sum = _mm256_add_epi16(_mm256_cvtepu8_epi16(left), _mm256_cvtepu8_epi16(above));
    let sum = _mm256_sub_epi16(sum, _mm256_set1_epi16(i16::from(edge[5])));
    let (low, high) = (_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
    (flat, _mm_packus_epi16(low, high))
}

kernel!(
    #[inline]
    pub(super) fn guess(
        avx2: Avx2,
        edge: &[u8; 16],
        source: &Lines,
        costs: (&ModeCosts, u16),
        guesses: &mut [Block; 12],
    ) -> [u8; 16] {
        let (flat, slope) = flat_and_slope(avx2, edge);
        let around = load_bytes(avx2, *edge);
        let (next, after) = (_mm_srli_si128::<1>(around), _mm_srli_si128::<2>(around));
        let two = _mm_avg_epu8(around, next);
        // Half the sum of the outer ones, rounded down.
        let odd = _mm_and_si128(_mm_xor_si128(around, after), _mm_set1_epi8(1));
        let three = _mm_avg_epu8(_mm_sub_epi8(_mm_avg_epu8(around, after), odd), next);
        guesses[0] = bytes_of(avx2, flat);
        guesses[1] = bytes_of(avx2, slope);
        for mode in 2..10 {
            let (of_three, of_two) = &SHUFFLES[mode];
            let from_three = _mm_shuffle_epi8(three, load_bytes(avx2, *of_three));
            let from_two = _mm_shuffle_epi8(two, load_bytes(avx2, *of_two));
            guesses[mode] = bytes_of(avx2, _mm_or_si128(from_three, from_two));
        }
        let source = lines_in(avx2, source);
        let [a, b, c, d, e, f, g, h, i, j, ..] = *guesses;
        let first = satd_sums(minus(source, columns(avx2, &[a, b, c, d])));
        let second = satd_sums(minus(source, columns(avx2, &[e, f, g, h])));
        let third = satd_sums(minus(source, columns(avx2, &[i, j, i, j])));
        order_of(avx2, [first, second, third], costs)
    }
);

/// The order of modes whose ranks stand in vectors, each twice, as lines have the blocks.
#[inline]
#[target_feature(enable = "avx2")]
fn order_of(avx2: Avx2, sums: [__m256i; 3], (costs, lambda): (&ModeCosts, u16)) -> [u8; 16] {
    // Of each half the first ones of the pairs.
    let pick =
        twice(avx2, [0, 1, 4, 5, 8, 9, 12, 13, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE]);
    let low = _mm256_shuffle_epi8(_mm256_packs_epi32(sums[0], sums[1]), pick);
    let high = _mm256_shuffle_epi8(_mm256_packs_epi32(sums[2], sums[2]), pick);
    let low = _mm_unpacklo_epi16(_mm256_castsi256_si128(low), _mm256_extracti128_si256::<1>(low));
    let high =
        _mm_unpacklo_epi16(_mm256_castsi256_si128(high), _mm256_extracti128_si256::<1>(high));
    let most = _mm256_set1_epi16((RANKS - 1).cast_signed());
    let sums = _mm256_min_epu16(_mm256_set_m128i(high, low), most);
    let costs = _mm256_slli_epi16::<4>(load_unsigned(avx2, costs));
    let costs = _mm256_mulhi_epu16(costs, _mm256_set1_epi16(lambda.cast_signed()));
    let keys = _mm256_slli_epi16::<4>(_mm256_min_epu16(_mm256_add_epi16(sums, costs), most));
    let modes = load(avx2, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    let keys = _mm256_xor_si256(_mm256_or_si256(keys, modes), _mm256_set1_epi16(i16::MIN));
    let each = values(avx2, keys);
    // How many are before each.
    let mut places = _mm256_setzero_si256();
    for key in &each[..10] {
        places = _mm256_sub_epi16(places, _mm256_cmpgt_epi16(keys, _mm256_set1_epi16(*key)));
    }
    let places = values(avx2, places);
    let mut order = [0; 16];
    for (mode, place) in places[..10].iter().enumerate() {
        order[usize::from(place.cast_unsigned()) & 15] = mode as u8;
    }
    order
}

/// Where the samples of a guess come from: means of three, which stand one place before the one in the
/// middle, and means of two.
const SHUFFLES: [([u8; 16], [u8; 16]); 10] = {
    let mut out = [([NONE; 16], [NONE; 16]); 10];
    let mut mode = 2;
    while mode < 10 {
        let mut place = 0;
        while place < 16 {
            let from = PLACES[mode][place];
            if from < 16 {
                out[mode].0[place] = from - 1;
            } else {
                out[mode].1[place] = from - 16;
            }
            place += 1;
        }
        mode += 1;
    }
    out
};

/// What is to the left of each row and above each column, of four blocks.
#[inline]
#[target_feature(enable = "avx2")]
fn sides_of(avx2: Avx2, sides: &Sides) -> (__m256i, Four) {
    // As lines have the blocks.
    let order = [0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15];
    let left = _mm_shuffle_epi8(load_bytes(avx2, sides.left), load_bytes(avx2, order));
    let above = twice(avx2, sides.above);
    // The second byte of each value is zero.
    let place = _mm256_set_m128i(
        load_bytes(
            avx2,
            [4, NONE, 4, NONE, 4, NONE, 4, NONE, 12, NONE, 12, NONE, 12, NONE, 12, NONE],
        ),
        load_bytes(avx2, [0, NONE, 0, NONE, 0, NONE, 0, NONE, 8, NONE, 8, NONE, 8, NONE, 8, NONE]),
    );
    let next = _mm256_set1_epi16(1);
    let second = _mm256_add_epi16(place, next);
    let third = _mm256_add_epi16(second, next);
    let columns = [
        _mm256_shuffle_epi8(above, place),
        _mm256_shuffle_epi8(above, second),
        _mm256_shuffle_epi8(above, third),
        _mm256_shuffle_epi8(above, _mm256_add_epi16(third, next)),
    ];
    (_mm256_cvtepu8_epi16(left), columns)
}

/// The guess that has the slopes of both sides.
#[inline]
#[target_feature(enable = "avx2")]
fn slope_of(left: __m256i, above: Four, corner: u8) -> Four {
    let (zero, most) = (_mm256_setzero_si256(), _mm256_set1_epi16(255));
    let left = _mm256_sub_epi16(left, _mm256_set1_epi16(i16::from(corner)));
    let mut out = above;
    for column in &mut out {
        let sum = _mm256_add_epi16(*column, left);
        *column = _mm256_min_epi16(_mm256_max_epi16(sum, zero), most);
    }
    out
}

kernel!(
    #[inline]
    pub(super) fn guess_part(avx2: Avx2, sides: &Sides, mode: usize) -> Lines {
        let (left, above) = sides_of(avx2, sides);
        let guess = match mode {
            FLAT => [_mm256_set1_epi16(i16::from(sides.flat)); 4],
            DOWN => above,
            ACROSS => [left; 4],
            _ => slope_of(left, above, sides.corner),
        };
        lines_out(avx2, guess)
    }
);

kernel!(
    #[inline]
    pub(super) fn rank_parts(avx2: Avx2, source: &Lines, sides: &Sides, ranks: &mut [u32; 4]) {
        let source = lines_in(avx2, source);
        let (left, above) = sides_of(avx2, sides);
        let flat = [_mm256_set1_epi16(i16::from(sides.flat)); 4];
        let slope = slope_of(left, above, sides.corner);
        for (rank, guess) in ranks.iter_mut().zip([flat, above, [left; 4], slope]) {
            let all: i32x8<Avx2> = satd_sums(minus(source, guess)).simd_into(avx2);
            let [a, _, b, _, c, _, d, _]: [i32; 8] = all.into();
            *rank += (a + b + c + d).cast_unsigned();
        }
    }
);

#[inline]
#[target_feature(enable = "avx2")]
fn spread_of(avx2: Avx2, frequencies: Four, counts: &mut [u32; 5]) {
    let mut most = _mm256_setzero_si256();
    let mut found = [_mm256_setzero_si256(); 4];
    for line in frequencies {
        let size = _mm256_srli_epi16::<3>(_mm256_abs_epi16(line));
        most = _mm256_max_epi16(most, size);
        found[0] = _mm256_sub_epi16(found[0], _mm256_cmpeq_epi16(size, _mm256_setzero_si256()));
        found[1] = _mm256_sub_epi16(found[1], _mm256_cmpeq_epi16(size, _mm256_set1_epi16(1)));
        found[2] = _mm256_sub_epi16(found[2], _mm256_cmpeq_epi16(size, _mm256_set1_epi16(2)));
        found[3] = _mm256_sub_epi16(found[3], _mm256_cmpgt_epi16(size, _mm256_set1_epi16(30)));
    }
    let half = _mm_max_epi16(_mm256_castsi256_si128(most), _mm256_extracti128_si256::<1>(most));
    // There is a search for the least of eight.
    let least = _mm_minpos_epu16(_mm_xor_si128(half, _mm_set1_epi8(-1)));
    let most = !_mm_cvtsi128_si32(least) & 0xffff;
    counts[0] = counts[0].max(most.cast_unsigned());
    for (count, found) in counts[1..].iter_mut().zip(found) {
        let [a, b, c, d] = sums(avx2, _mm256_madd_epi16(found, _mm256_set1_epi16(1)));
        *count += a + b + c + d;
    }
}

kernel!(
    #[inline]
    pub(super) fn spread(avx2: Avx2, source: &Lines, sides: &Sides, counts: &mut [[u32; 5]; 2]) {
        let source = lines_in(avx2, source);
        let (left, above) = sides_of(avx2, sides);
        let flat = [_mm256_set1_epi16(i16::from(sides.flat)); 4];
        spread_of(avx2, forward_of(minus(source, flat)), &mut counts[0]);
        let slope = slope_of(left, above, sides.corner);
        spread_of(avx2, forward_of(minus(source, slope)), &mut counts[1]);
    }
);
