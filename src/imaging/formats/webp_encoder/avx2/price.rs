//! What levels cost.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "places and levels are small"
)]

use std::arch::x86_64::{
    _mm256_abs_epi16, _mm256_add_epi16, _mm256_alignr_epi8, _mm256_cmpeq_epi16,
    _mm256_insert_epi16, _mm256_min_epi16, _mm256_movemask_epi8, _mm256_mullo_epi16,
    _mm256_permute2x128_si256, _mm256_set1_epi16, _mm256_setzero_si256,
};

use fearless_simd::kernel;

use super::super::kernels::{Levels, Price};
use super::super::tables::BAND;
use super::super::tokens::{Costs, TOP};
use super::vectors::{load, load_unsigned, values};

/// Where the costs of the bands begin.
const BASES: [u16; 16] = {
    let mut bases = [0; 16];
    let mut place = 0;
    while place < 16 {
        bases[place] = BAND[place] as u16 * 204;
        place += 1;
    }
    bases
};

kernel!(
    #[inline]
    pub(super) fn price(
        avx2: Avx2,
        levels: &Levels,
        costs: &Costs,
        first: usize,
        context: usize,
    ) -> Price {
        let size = _mm256_abs_epi16(load(avx2, levels));
        let zeros = _mm256_cmpeq_epi16(size, _mm256_setzero_si256());
        let mask = !_mm256_movemask_epi8(zeros).cast_unsigned();
        let count = (33 - mask.leading_zeros()) as usize / 2;
        if count <= first {
            return Price { rate: u32::from(costs.end[BAND[first]][context]), count: 0, some: 0 };
        }
        let amount = _mm256_min_epi16(size, _mm256_set1_epi16(2));
        // One place further, across the halves.
        let carried = _mm256_permute2x128_si256::<0x08>(amount, amount);
        let before = _mm256_alignr_epi8::<14>(amount, carried);
        let before = if first == 0 {
            _mm256_insert_epi16::<0>(before, context as i16)
        } else {
            _mm256_insert_epi16::<1>(before, context as i16)
        };
        let level = _mm256_min_epi16(size, _mm256_set1_epi16(TOP as i16));
        let place = _mm256_add_epi16(_mm256_mullo_epi16(before, _mm256_set1_epi16(68)), level);
        let place = values(avx2, _mm256_add_epi16(place, load_unsigned(avx2, &BASES)));
        let mut rate = if context == 0 { u32::from(costs.go_on[first]) } else { 0 };
        for &place in &place[first..count] {
            rate += u32::from(costs.level[usize::from(place.cast_unsigned()) & 2047]);
        }
        if count < 16 {
            let last = usize::from(levels[count - 1].unsigned_abs()).min(2);
            rate += u32::from(costs.end[BAND[count]][last]);
        }
        Price { rate, count: count as u8, some: (mask.count_ones() / 2) as u8 }
    }
);
