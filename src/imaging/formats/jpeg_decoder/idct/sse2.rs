//! The transforms of eight columns at a time, with the vectors that every x86-64 has.

use std::arch::x86_64::{
    __m128i, _mm_add_epi16, _mm_add_epi32, _mm_cvtsi128_si32, _mm_cvtsi128_si64, _mm_madd_epi16,
    _mm_mullo_epi16, _mm_or_si128, _mm_packs_epi16, _mm_packs_epi32, _mm_set_epi64x, _mm_set1_epi8,
    _mm_set1_epi32, _mm_setzero_si128, _mm_slli_epi16, _mm_slli_epi32, _mm_srai_epi32,
    _mm_srli_si128, _mm_sub_epi16, _mm_sub_epi32, _mm_unpackhi_epi16, _mm_unpackhi_epi32,
    _mm_unpackhi_epi64, _mm_unpacklo_epi16, _mm_unpacklo_epi32, _mm_unpacklo_epi64, _mm_xor_si128,
};

use fearless_simd::kernel;

type Eight = [__m128i; 8];
/// Sums of 32 bits for eight columns.
type Wide = [__m128i; 2];

/// Loads eight values.
#[inline]
#[target_feature(enable = "sse2")]
fn load(values: &[i16]) -> __m128i {
    let Some(v) = values.first_chunk::<8>() else { return _mm_setzero_si128() };
    let half = |a: i16, b: i16, c: i16, d: i16| {
        let [a, b, c, d] = [a, b, c, d].map(|value| u64::from(value.cast_unsigned()));
        (a | b << 16 | c << 32 | d << 48).cast_signed()
    };
    _mm_set_epi64x(half(v[4], v[5], v[6], v[7]), half(v[0], v[1], v[2], v[3]))
}

/// Loads and dequantizes a row of a block.
#[inline]
#[target_feature(enable = "sse2")]
fn input(block: &[i16; 64], table: &[i16; 64], row: usize) -> __m128i {
    _mm_mullo_epi16(load(&block[row * 8..]), load(&table[row * 8..]))
}

#[inline]
#[target_feature(enable = "sse2")]
fn lanes(vector: __m128i) -> [u64; 2] {
    [_mm_cvtsi128_si64(vector), _mm_cvtsi128_si64(_mm_unpackhi_epi64(vector, vector))]
        .map(i64::cast_unsigned)
}

/// Two factors, for the first and second value of every pair.
#[inline]
#[target_feature(enable = "sse2")]
fn pair(first: i16, second: i16) -> __m128i {
    let [first, second] = [first, second].map(|factor| u32::from(factor.cast_unsigned()));
    _mm_set1_epi32((second << 16 | first).cast_signed())
}

#[inline]
#[target_feature(enable = "sse2")]
fn pairs(a: __m128i, b: __m128i) -> Wide {
    [_mm_unpacklo_epi16(a, b), _mm_unpackhi_epi16(a, b)]
}

/// Multiplies pairs with two factors and adds up.
#[inline]
#[target_feature(enable = "sse2")]
fn sums(pairs: Wide, first: i16, second: i16) -> Wide {
    pairs.map(|vector| _mm_madd_epi16(vector, pair(first, second)))
}

#[inline]
#[target_feature(enable = "sse2")]
fn plus(a: Wide, b: Wide) -> Wide {
    [_mm_add_epi32(a[0], b[0]), _mm_add_epi32(a[1], b[1])]
}

#[inline]
#[target_feature(enable = "sse2")]
fn minus(a: Wide, b: Wide) -> Wide {
    [_mm_sub_epi32(a[0], b[0]), _mm_sub_epi32(a[1], b[1])]
}

/// Rounds, scales down and saturates.
#[inline]
#[target_feature(enable = "sse2")]
fn descale<const SHIFT: i32>(sums: Wide) -> __m128i {
    let [a, b] = sums.map(|vector| {
        _mm_srai_epi32::<SHIFT>(_mm_add_epi32(vector, _mm_set1_epi32(1 << (SHIFT - 1))))
    });
    _mm_packs_epi32(a, b)
}

/// Scales up by two to the power of 16 less the shift.
#[inline]
#[target_feature(enable = "sse2")]
fn scaled<const SHIFT: i32>(vector: __m128i) -> Wide {
    pairs(_mm_setzero_si128(), vector).map(|half| _mm_srai_epi32::<SHIFT>(half))
}

/// Computes one dimension for eight columns.
#[inline]
#[target_feature(enable = "sse2")]
fn pass<const SHIFT: i32>(x: Eight) -> Eight {
    let low = scaled::<3>(_mm_add_epi16(x[0], x[4]));
    let high = scaled::<3>(_mm_sub_epi16(x[0], x[4]));
    let p = pairs(x[2], x[6]);
    let (third, second) = (sums(p, 10_703, 4433), sums(p, 4433, -10_704));
    let p = pairs(_mm_add_epi16(x[7], x[3]), _mm_add_epi16(x[5], x[1]));
    let (z3, z4) = (sums(p, -6436, 9633), sums(p, 9633, 6437));
    let (p, q) = (pairs(x[7], x[1]), pairs(x[5], x[3]));
    butterflies::<SHIFT>(
        [plus(low, third), plus(high, second), minus(high, second), minus(low, third)],
        [
            plus(sums(p, -7373, 4926), z4),
            plus(sums(q, -20_995, 4177), z3),
            plus(sums(q, -4176, -20_995), z4),
            plus(sums(p, -4927, -7373), z3),
        ],
    )
}

#[inline]
#[target_feature(enable = "sse2")]
fn butterflies<const SHIFT: i32>(even: [Wide; 4], odd: [Wide; 4]) -> Eight {
    let upper = |at: usize| descale::<SHIFT>(plus(even[at], odd[at]));
    let lower = |at: usize| descale::<SHIFT>(minus(even[at], odd[at]));
    [upper(0), upper(1), upper(2), upper(3), lower(3), lower(2), lower(1), lower(0)]
}

/// Computes one dimension for eight columns whose last four values are zero.
#[inline]
#[target_feature(enable = "sse2")]
fn pass_low<const SHIFT: i32>(x: [__m128i; 4]) -> Eight {
    let zero = _mm_setzero_si128();
    let low = scaled::<3>(x[0]);
    let p = pairs(x[2], zero);
    let (third, second) = (sums(p, 10_703, 0), sums(p, 4433, 0));
    // With the two that are zero left out, each sum is one of the same two values.
    let p = pairs(x[3], x[1]);
    butterflies::<SHIFT>(
        [plus(low, third), plus(low, second), minus(low, second), minus(low, third)],
        [
            sums(p, 9633, 6437 + 4926),
            sums(p, -6436 + 4177, 9633),
            sums(p, 9633 - 20_995, 6437),
            sums(p, -6436, 9633 - 7373),
        ],
    )
}

#[inline]
#[target_feature(enable = "sse2")]
fn transposed(x: Eight) -> Eight {
    let lo = |a: usize, b: usize| _mm_unpacklo_epi16(x[a], x[b]);
    let hi = |a: usize, b: usize| _mm_unpackhi_epi16(x[a], x[b]);
    let a = [lo(0, 1), lo(2, 3), lo(4, 5), lo(6, 7), hi(0, 1), hi(2, 3), hi(4, 5), hi(6, 7)];
    let lo = |i: usize, j: usize| _mm_unpacklo_epi32(a[i], a[j]);
    let hi = |i: usize, j: usize| _mm_unpackhi_epi32(a[i], a[j]);
    let b = [lo(0, 1), lo(2, 3), hi(0, 1), hi(2, 3), lo(4, 5), lo(6, 7), hi(4, 5), hi(6, 7)];
    let lo = |i: usize, j: usize| _mm_unpacklo_epi64(b[i], b[j]);
    let hi = |i: usize, j: usize| _mm_unpackhi_epi64(b[i], b[j]);
    [lo(0, 1), hi(0, 1), lo(2, 3), hi(2, 3), lo(4, 5), hi(4, 5), lo(6, 7), hi(6, 7)]
}

/// Turns two rows of differences to the middle into samples.
#[inline]
#[target_feature(enable = "sse2")]
fn samples(a: __m128i, b: __m128i) -> [[u8; 8]; 2] {
    let packed = _mm_xor_si128(_mm_packs_epi16(a, b), _mm_set1_epi8(-128));
    lanes(packed).map(u64::to_le_bytes)
}

#[inline]
#[target_feature(enable = "sse2")]
fn finished(x: Eight) -> [[u8; 8]; 8] {
    let x = transposed(x);
    let [[a, b], [c, d]] = [samples(x[0], x[1]), samples(x[2], x[3])];
    let [[e, f], [g, h]] = [samples(x[4], x[5]), samples(x[6], x[7])];
    [a, b, c, d, e, f, g, h]
}

#[inline]
#[target_feature(enable = "sse2")]
fn all_zero(vectors: &[__m128i]) -> bool {
    let all = vectors.iter().fold(_mm_setzero_si128(), |all, v| _mm_or_si128(all, *v));
    let [a, b] = lanes(all);
    a | b == 0
}

/// Computes a block of 8 × 8.
#[inline]
#[target_feature(enable = "sse2")]
fn eight_columns(block: &[i16; 64], table: &[i16; 64]) -> [[u8; 8]; 8] {
    let raw: [__m128i; 7] = std::array::from_fn(|row| load(&block[row * 8 + 8..]));
    let first = input(block, table, 0);
    if all_zero(&raw) {
        return only_first_row(first);
    }
    let x = std::array::from_fn(|row| {
        if row == 0 { first } else { _mm_mullo_epi16(raw[row - 1], load(&table[row * 8..])) }
    });
    finished(pass::<18>(transposed(pass::<11>(x))))
}

#[inline]
#[target_feature(enable = "sse2")]
fn only_first_row(first: __m128i) -> [[u8; 8]; 8] {
    finished(pass::<18>(transposed([_mm_slli_epi16::<2>(first); 8])))
}

/// Computes a block of 8 × 8 that has coefficients only among the first four of the first
/// four rows.
#[inline]
#[target_feature(enable = "sse2")]
fn eight_low_columns(block: &[i16; 64], table: &[i16; 64]) -> [[u8; 8]; 8] {
    let raw: [__m128i; 3] = std::array::from_fn(|row| load(&block[row * 8 + 8..]));
    let first = input(block, table, 0);
    if all_zero(&raw) {
        return only_first_row(first);
    }
    let x: [__m128i; 3] =
        std::array::from_fn(|row| _mm_mullo_epi16(raw[row], load(&table[row * 8 + 8..])));
    let y = transposed(pass_low::<11>([first, x[0], x[1], x[2]]));
    finished(pass_low::<18>([y[0], y[1], y[2], y[3]]))
}

#[inline]
#[target_feature(enable = "sse2")]
fn pass_four<const SHIFT: i32>(x: Eight) -> [__m128i; 4] {
    let low = scaled::<2>(x[0]);
    let second = sums(pairs(x[2], x[6]), 15_137, -6270);
    let (p, q) = (pairs(x[1], x[3]), pairs(x[5], x[7]));
    let outer = plus(sums(p, 20_995, 7373), sums(q, -4926, -4176));
    let inner = plus(sums(p, 8697, -17_799), sums(q, 11_893, -1730));
    let (even, other) = (plus(low, second), minus(low, second));
    [
        descale::<SHIFT>(plus(even, outer)),
        descale::<SHIFT>(plus(other, inner)),
        descale::<SHIFT>(minus(other, inner)),
        descale::<SHIFT>(minus(even, outer)),
    ]
}

/// Computes a block of 4 × 4.
#[inline]
#[target_feature(enable = "sse2")]
fn four_columns(block: &[i16; 64], table: &[i16; 64]) -> [[u8; 4]; 4] {
    let raw: Eight = std::array::from_fn(|row| load(&block[row * 8..]));
    let first = input(block, table, 0);
    let zero = _mm_setzero_si128();
    let between = if all_zero(&[raw[1], raw[2], raw[3], raw[5], raw[6], raw[7]]) {
        [_mm_slli_epi16::<2>(first); 4]
    } else {
        let x = std::array::from_fn(|row| _mm_mullo_epi16(raw[row], load(&table[row * 8..])));
        pass_four::<12>(x)
    };
    let [a, b, c, d] = between;
    let columns = transposed([a, b, c, d, zero, zero, zero, zero]);
    let [a, b, c, d] = pass_four::<19>(columns);
    // Four columns of four rows, in the lower halves.
    let (ab, cd) = (_mm_unpacklo_epi16(a, b), _mm_unpacklo_epi16(c, d));
    let rows = [_mm_unpacklo_epi32(ab, cd), _mm_unpackhi_epi32(ab, cd)];
    let packed = _mm_xor_si128(_mm_packs_epi16(rows[0], rows[1]), _mm_set1_epi8(-128));
    let [top, bottom] = lanes(packed).map(u64::to_le_bytes);
    let ([a, b], [c, d]) = (halves(top), halves(bottom));
    [a, b, c, d]
}

#[inline]
#[target_feature(enable = "sse2")]
fn halves(x: [u8; 8]) -> [[u8; 4]; 2] {
    [[x[0], x[1], x[2], x[3]], [x[4], x[5], x[6], x[7]]]
}

/// Computes a block of 2 × 2.
#[inline]
#[target_feature(enable = "sse2")]
fn two_columns(block: &[i16; 64], table: &[i16; 64]) -> [[u8; 2]; 2] {
    let [a, b, c, d] = [1, 3, 5, 7].map(|row| input(block, table, row));
    let first = input(block, table, 0);
    // The top and the bottom of all columns.
    let odd = plus(sums(pairs(a, b), 29_692, -10_426), sums(pairs(c, d), 6967, -5906));
    let low = scaled::<1>(first);
    let [top, bottom] = [plus(low, odd), minus(low, odd)].map(|half| {
        half.map(|sum| _mm_srai_epi32::<13>(_mm_add_epi32(sum, _mm_set1_epi32(1 << 12))))
    });
    // Columns 1 and 3 beside each other, then 5 and 7, top and bottom.
    let odds = |x: Wide| {
        let packed = _mm_packs_epi32(x[0], x[1]);
        _mm_srai_epi32::<16>(packed)
    };
    let (top_odd, bottom_odd) = (odds(top), odds(bottom));
    let odd = _mm_packs_epi32(top_odd, bottom_odd);
    let factors = _mm_unpacklo_epi32(pair(29_692, -10_426), pair(6967, -5906));
    let products = _mm_madd_epi16(odd, factors);
    // Products of columns 1 and 3 are in even lanes, those of 5 and 7 behind them.
    let both = _mm_add_epi32(products, _mm_srli_si128::<4>(products));
    let [top_sum, bottom_sum] = [_mm_cvtsi128_si32(both), _mm_cvtsi128_si32(high(both))];
    [(top[0], top_sum), (bottom[0], bottom_sum)].map(|(column, odd)| {
        let low = _mm_cvtsi128_si32(_mm_slli_epi32::<15>(column));
        [low.wrapping_add(odd), low.wrapping_sub(odd)].map(|sum| {
            let value = sum.wrapping_add(1 << 19) >> 20;
            (value.clamp(-128, 127) + 128).to_le_bytes()[0]
        })
    })
}

#[inline]
#[target_feature(enable = "sse2")]
fn high(vector: __m128i) -> __m128i {
    _mm_unpackhi_epi64(vector, vector)
}

kernel!(
    /// Computes a block of 8 × 8.
    #[inline]
    pub(super) fn eight(sse2: Sse2, block: &[i16; 64], table: &[i16; 64]) -> [[u8; 8]; 8] {
        eight_columns(block, table)
    }
);

kernel!(
    /// Computes a block of 8 × 8 that has coefficients only among the first four of the first
    /// four rows.
    #[inline]
    pub(super) fn eight_low(sse2: Sse2, block: &[i16; 64], table: &[i16; 64]) -> [[u8; 8]; 8] {
        eight_low_columns(block, table)
    }
);

kernel!(
    /// Computes a block of 4 × 4.
    #[inline]
    pub(super) fn four(sse2: Sse2, block: &[i16; 64], table: &[i16; 64]) -> [[u8; 4]; 4] {
        four_columns(block, table)
    }
);

kernel!(
    /// Computes a block of 2 × 2.
    #[inline]
    pub(super) fn two(sse2: Sse2, block: &[i16; 64], table: &[i16; 64]) -> [[u8; 2]; 2] {
        two_columns(block, table)
    }
);
