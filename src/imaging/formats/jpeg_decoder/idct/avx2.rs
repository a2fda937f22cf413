//! The transforms of eight columns at a time, with vectors of 256 bits.
//!
//! No closures: they would not be compiled into functions for a machine other than the least.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_add_epi16, _mm_add_epi32, _mm_cmpeq_epi16, _mm_cvtsi128_si64,
    _mm_madd_epi16, _mm_movemask_epi8, _mm_mullo_epi16, _mm_packs_epi32, _mm_set_epi64x,
    _mm_set1_epi32, _mm_setzero_si128, _mm_slli_epi16, _mm_srai_epi16, _mm_srai_epi32,
    _mm_sub_epi16, _mm_sub_epi32, _mm_unpackhi_epi16, _mm_unpackhi_epi32, _mm_unpackhi_epi64,
    _mm_unpacklo_epi16, _mm_unpacklo_epi32, _mm_unpacklo_epi64, _mm256_add_epi32,
    _mm256_castsi256_si128, _mm256_cvtepi16_epi32, _mm256_extracti128_si256, _mm256_madd_epi16,
    _mm256_packs_epi16, _mm256_packs_epi32, _mm256_set_epi64x, _mm256_set_m128i, _mm256_set1_epi8,
    _mm256_set1_epi32, _mm256_shuffle_epi8, _mm256_slli_epi32, _mm256_srai_epi32, _mm256_sub_epi32,
    _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
    _mm256_xor_si256,
};

use fearless_simd::kernel;

/// Eight values of 16 bits.
pub(super) type Row = __m128i;
/// Eight sums of 32 bits.
pub(super) type Sums = __m256i;

#[inline]
#[target_feature(enable = "avx2")]
fn load(values: &[i16; 64], row: usize) -> Row {
    let Some(v) = values[row * 8..].first_chunk::<8>() else { return _mm_setzero_si128() };
    _mm_set_epi64x(half([v[4], v[5], v[6], v[7]]), half([v[0], v[1], v[2], v[3]]))
}

#[inline(always)]
const fn half([a, b, c, d]: [i16; 4]) -> i64 {
    a.cast_unsigned() as i64
        | (b.cast_unsigned() as i64) << 16
        | (c.cast_unsigned() as i64) << 32
        | (d as i64) << 48
}

/// Loads and dequantizes a row of a block.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn input(block: &[i16; 64], table: &[i16; 64], row: usize) -> Row {
    _mm_mullo_epi16(load(block, row), load(table, row))
}

/// Two factors, for the first and second value of every pair.
#[inline(always)]
pub(super) const fn factors(first: i16, second: i16) -> i32 {
    ((second.cast_unsigned() as u32) << 16 | first.cast_unsigned() as u32).cast_signed()
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn pairs(a: Row, b: Row) -> Sums {
    _mm256_set_m128i(_mm_unpackhi_epi16(a, b), _mm_unpacklo_epi16(a, b))
}

/// Multiplies pairs with two factors and adds up.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn times(pairs: Sums, first: i16, second: i16) -> Sums {
    _mm256_madd_epi16(pairs, _mm256_set1_epi32(factors(first, second)))
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn plus(a: Sums, b: Sums) -> Sums {
    _mm256_add_epi32(a, b)
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn minus(a: Sums, b: Sums) -> Sums {
    _mm256_sub_epi32(a, b)
}

/// Scales up and adds a half of what it is scaled down to later.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn scaled<const UP: i32, const DOWN: i32>(row: Row) -> Sums {
    let sums = _mm256_slli_epi32::<UP>(_mm256_cvtepi16_epi32(row));
    _mm256_add_epi32(sums, _mm256_set1_epi32(1 << (DOWN - 1)))
}

/// Scales two vectors down; the first and then the second in each half.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn packed<const DOWN: i32>(a: Sums, b: Sums) -> __m256i {
    _mm256_packs_epi32(_mm256_srai_epi32::<DOWN>(a), _mm256_srai_epi32::<DOWN>(b))
}

/// Turns what is packed, of four columns in each half, into four pairs of columns.
#[inline]
#[target_feature(enable = "avx2")]
fn transposed([a, b, c, d]: [__m256i; 4]) -> [__m256i; 4] {
    let (a, b, c, d) = (interleaved(a), interleaved(b), interleaved(c), interleaved(d));
    let (e, f) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    let (g, h) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
    [
        _mm256_unpacklo_epi64(e, g),
        _mm256_unpackhi_epi64(e, g),
        _mm256_unpacklo_epi64(f, h),
        _mm256_unpackhi_epi64(f, h),
    ]
}

/// Brings the first and second four values of each half into turns.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn interleaved(vector: __m256i) -> __m256i {
    let (low, high) = (0x0b0a_0302_0908_0100, 0x0f0e_0706_0d0c_0504);
    _mm256_shuffle_epi8(vector, _mm256_set_epi64x(high, low, high, low))
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn halves(vector: __m256i) -> (Row, Row) {
    (_mm256_castsi256_si128(vector), _mm256_extracti128_si256::<1>(vector))
}

/// Adds and subtracts the odd part, scales down and packs.
#[inline]
#[target_feature(enable = "avx2")]
fn butterflies<const DOWN: i32>([a, b, c, d]: [Sums; 4], [w, x, y, z]: [Sums; 4]) -> [__m256i; 4] {
    [
        packed::<DOWN>(plus(a, w), plus(b, x)),
        packed::<DOWN>(plus(c, y), plus(d, z)),
        packed::<DOWN>(minus(d, z), minus(c, y)),
        packed::<DOWN>(minus(b, x), minus(a, w)),
    ]
}

/// Computes one dimension for eight columns.
#[inline]
#[target_feature(enable = "avx2")]
fn pass<const DOWN: i32>(x: [Row; 8]) -> [__m256i; 4] {
    let low = scaled::<13, DOWN>(_mm_add_epi16(x[0], x[4]));
    let high = scaled::<13, DOWN>(_mm_sub_epi16(x[0], x[4]));
    let p = pairs(x[2], x[6]);
    let (third, second) = (times(p, 10_703, 4433), times(p, 4433, -10_704));
    let p = pairs(_mm_add_epi16(x[7], x[3]), _mm_add_epi16(x[5], x[1]));
    let (z3, z4) = (times(p, -6436, 9633), times(p, 9633, 6437));
    let (p, q) = (pairs(x[7], x[1]), pairs(x[5], x[3]));
    butterflies::<DOWN>(
        [plus(low, third), plus(high, second), minus(high, second), minus(low, third)],
        [
            plus(times(p, -7373, 4926), z4),
            plus(times(q, -20_995, 4177), z3),
            plus(times(q, -4176, -20_995), z4),
            plus(times(p, -4927, -7373), z3),
        ],
    )
}

/// The same where the last four values are zero.
#[inline]
#[target_feature(enable = "avx2")]
fn pass_low<const DOWN: i32>([x0, x1, x2, x3]: [Row; 4]) -> [__m256i; 4] {
    let low = scaled::<13, DOWN>(x0);
    let wide = _mm256_cvtepi16_epi32(x2);
    let (third, second) = (times(wide, 10_703, 0), times(wide, 4433, 0));
    // With the two that are zero left out, each sum is one of the same two values.
    let p = pairs(x3, x1);
    butterflies::<DOWN>(
        [plus(low, third), plus(low, second), minus(low, second), minus(low, third)],
        [
            times(p, 9633, 6437 + 4926),
            times(p, -6436 + 4177, 9633),
            times(p, 9633 - 20_995, 6437),
            times(p, -6436, 9633 - 7373),
        ],
    )
}

/// Writes eight rows of samples.
#[inline]
#[target_feature(enable = "avx2")]
fn store_eight(sums: [__m256i; 4], out: &mut [u8], stride: usize) {
    let [a, b, c, d] = transposed(sums);
    let middle = _mm256_set1_epi8(-128);
    let (ab, ef) = halves(_mm256_xor_si256(_mm256_packs_epi16(a, b), middle));
    let (cd, gh) = halves(_mm256_xor_si256(_mm256_packs_epi16(c, d), middle));
    let mut rest = out;
    for vector in [ab, cd, ef, gh] {
        for half in [vector, _mm_unpackhi_epi64(vector, vector)] {
            if let Some(place) = rest.first_chunk_mut::<8>() {
                *place = _mm_cvtsi128_si64(half).to_le_bytes();
            }
            rest = rest.get_mut(stride..).unwrap_or_default();
        }
    }
}

/// Tells whether four times a value is always one of 16 bits.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn is_small(row: Row) -> bool {
    let back = _mm_srai_epi16::<2>(_mm_slli_epi16::<2>(row));
    _mm_movemask_epi8(_mm_cmpeq_epi16(back, row)) == 0xffff
}

kernel!(
    /// Computes a block of 8 × 8; tells whether it could.
    #[inline]
    pub(super) fn eight(
        avx2: Avx2,
        block: &[i16; 64],
        table: &[i16; 64],
        out: &mut [u8],
        stride: usize,
    ) -> bool {
        let first = input(block, table, 0);
        let x = [
            first,
            input(block, table, 1),
            input(block, table, 2),
            input(block, table, 3),
            input(block, table, 4),
            input(block, table, 5),
            input(block, table, 6),
            input(block, table, 7),
        ];
        let [a, b, c, d] = transposed(pass::<11>(x));
        let ((x0, x4), (x1, x5)) = (halves(a), halves(b));
        let ((x2, x6), (x3, x7)) = (halves(c), halves(d));
        store_eight(pass::<18>([x0, x1, x2, x3, x4, x5, x6, x7]), out, stride);
        is_small(first)
    }
);

kernel!(
    /// Computes a block of 8 × 8 that has coefficients only among the first four of the first
    /// four rows; tells whether it could.
    #[inline]
    pub(super) fn eight_low(
        avx2: Avx2,
        block: &[i16; 64],
        table: &[i16; 64],
        out: &mut [u8],
        stride: usize,
    ) -> bool {
        let first = input(block, table, 0);
        let x = [first, input(block, table, 1), input(block, table, 2), input(block, table, 3)];
        store_eight(pass_low::<18>(columns_low(x)), out, stride);
        is_small(first)
    }
);

/// Computes the first four columns of four values each and turns them into rows.
#[inline]
#[target_feature(enable = "avx2")]
fn columns_low([x0, x1, x2, x3]: [Row; 4]) -> [Row; 4] {
    let zero = _mm_setzero_si128();
    let low = _mm_srai_epi32::<3>(_mm_unpacklo_epi16(zero, x0));
    let low = _mm_add_epi32(low, _mm_set1_epi32(1 << 10));
    let p = _mm_unpacklo_epi16(x2, zero);
    let (third, second) = (times_four(p, 10_703, 0), times_four(p, 4433, 0));
    let p = _mm_unpacklo_epi16(x3, x1);
    let (a, b) = (_mm_add_epi32(low, third), _mm_add_epi32(low, second));
    let (c, d) = (_mm_sub_epi32(low, second), _mm_sub_epi32(low, third));
    let (w, x) = (times_four(p, 9633, 6437 + 4926), times_four(p, -6436 + 4177, 9633));
    let (y, z) = (times_four(p, 9633 - 20_995, 6437), times_four(p, -6436, 9633 - 7373));
    let first = packed_four(_mm_add_epi32(a, w), _mm_add_epi32(b, x));
    let third = packed_four(_mm_add_epi32(c, y), _mm_add_epi32(d, z));
    let fifth = packed_four(_mm_sub_epi32(d, z), _mm_sub_epi32(c, y));
    let seventh = packed_four(_mm_sub_epi32(b, x), _mm_sub_epi32(a, w));
    // Rows 0 to 3 of each column beside rows 4 to 7.
    let (a, b) = (turns(first), turns(third));
    let (c, d) = (turns(fifth), turns(seventh));
    let (e, f) = (_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
    let (g, h) = (_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
    [
        _mm_unpacklo_epi64(e, g),
        _mm_unpackhi_epi64(e, g),
        _mm_unpacklo_epi64(f, h),
        _mm_unpackhi_epi64(f, h),
    ]
}

#[inline]
#[target_feature(enable = "avx2")]
fn times_four(pairs: Row, first: i16, second: i16) -> Row {
    _mm_madd_epi16(pairs, _mm_set1_epi32(factors(first, second)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn packed_four(a: Row, b: Row) -> Row {
    _mm_packs_epi32(_mm_srai_epi32::<11>(a), _mm_srai_epi32::<11>(b))
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn turns(vector: Row) -> Row {
    _mm_unpacklo_epi16(vector, _mm_unpackhi_epi64(vector, vector))
}
