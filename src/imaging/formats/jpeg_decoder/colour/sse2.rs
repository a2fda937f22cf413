//! Sixteen pixels at a time, with the vectors that every x86-64 has.

use std::arch::x86_64::{
    __m128i, _mm_add_epi16, _mm_add_epi32, _mm_and_si128, _mm_cvtsi128_si64, _mm_madd_epi16,
    _mm_mulhi_epi16, _mm_or_si128, _mm_packs_epi32, _mm_packus_epi16, _mm_set_epi64x,
    _mm_set1_epi16, _mm_set1_epi32, _mm_setzero_si128, _mm_slli_epi16, _mm_slli_si128,
    _mm_srai_epi16, _mm_srai_epi32, _mm_srli_epi64, _mm_srli_si128, _mm_sub_epi16,
    _mm_unpackhi_epi8, _mm_unpackhi_epi16, _mm_unpackhi_epi64, _mm_unpacklo_epi8,
    _mm_unpacklo_epi16,
};

use fearless_simd::kernel;

/// Pixels of a step.
const STEP: usize = 16;

#[inline]
#[target_feature(enable = "sse2")]
fn load(bytes: &[u8; STEP]) -> __m128i {
    let value = u128::from_le_bytes(*bytes);
    #[expect(clippy::cast_possible_truncation, reason = "the halves are taken apart")]
    let (low, high) = (value as u64, (value >> 64) as u64);
    _mm_set_epi64x(high.cast_signed(), low.cast_signed())
}

#[inline]
#[target_feature(enable = "sse2")]
fn store(vector: __m128i) -> [u8; 16] {
    let low = _mm_cvtsi128_si64(vector).cast_unsigned();
    let high = _mm_cvtsi128_si64(_mm_unpackhi_epi64(vector, vector)).cast_unsigned();
    (u128::from(low) | u128::from(high) << 64).to_le_bytes()
}

/// Rounds a product with a fraction of 65536ths: half of twice the product, plus one.
#[inline]
#[target_feature(enable = "sse2")]
fn rounded(twice: __m128i, factor: i16) -> __m128i {
    let product = _mm_mulhi_epi16(twice, _mm_set1_epi16(factor));
    _mm_srai_epi16::<1>(_mm_add_epi16(product, _mm_set1_epi16(1)))
}

/// Computes what is added to the brightness for green.
#[inline]
#[target_feature(enable = "sse2")]
fn green(cb: __m128i, cr: __m128i) -> __m128i {
    // 46802 does not fit: 18734 - 65536 is the same, and 65536 of it are one whole.
    let factors = _mm_set1_epi32((18_734 << 16) | (-22_554_i32 & 0xffff));
    let half = |pairs: __m128i| {
        let sum = _mm_madd_epi16(pairs, factors);
        _mm_srai_epi32::<16>(_mm_add_epi32(sum, _mm_set1_epi32(1 << 15)))
    };
    let (low, high) = (half(_mm_unpacklo_epi16(cb, cr)), half(_mm_unpackhi_epi16(cb, cr)));
    _mm_sub_epi16(_mm_packs_epi32(low, high), cr)
}

/// Computes eight pixels.
#[inline]
#[target_feature(enable = "sse2")]
fn rgb(y: __m128i, cb: __m128i, cr: __m128i) -> [__m128i; 3] {
    let middle = _mm_set1_epi16(128);
    let (cb, cr) = (_mm_sub_epi16(cb, middle), _mm_sub_epi16(cr, middle));
    let (cb2, cr2) = (_mm_slli_epi16::<1>(cb), _mm_slli_epi16::<1>(cr));
    // 1.402 = 1 + 26345/65536; 1.772 = 2 - 14942/65536.
    let red = _mm_add_epi16(_mm_add_epi16(y, cr), rounded(cr2, 26_345));
    let blue = _mm_add_epi16(_mm_add_epi16(y, cb2), rounded(cb2, -14_942));
    [red, _mm_add_epi16(y, green(cb, cr)), blue]
}

/// Moves four pixels of four bytes together to twelve bytes.
#[inline]
#[target_feature(enable = "sse2")]
fn squeezed(pixels: __m128i) -> __m128i {
    let low = _mm_and_si128(pixels, _mm_set_epi64x(0xff_ffff, 0xff_ffff));
    let high = 0xffff_ff00_0000;
    let high = _mm_and_si128(_mm_srli_epi64::<8>(pixels), _mm_set_epi64x(high, high));
    let both = _mm_or_si128(low, high);
    let first = _mm_and_si128(both, _mm_set_epi64x(0, -1));
    // The upper six bytes come down by two; what was below them is cut off.
    let second = _mm_slli_si128::<6>(_mm_srli_si128::<8>(both));
    _mm_or_si128(first, second)
}

#[inline]
#[target_feature(enable = "sse2")]
fn interleaved([r, g, b]: [__m128i; 3]) -> [__m128i; 3] {
    let zero = _mm_setzero_si128();
    let (rg, bz) = (_mm_unpacklo_epi8(r, g), _mm_unpacklo_epi8(b, zero));
    let (a, c) = (_mm_unpacklo_epi16(rg, bz), _mm_unpackhi_epi16(rg, bz));
    let (rg, bz) = (_mm_unpackhi_epi8(r, g), _mm_unpackhi_epi8(b, zero));
    let (d, e) = (_mm_unpacklo_epi16(rg, bz), _mm_unpackhi_epi16(rg, bz));
    let (a, c, d, e) = (squeezed(a), squeezed(c), squeezed(d), squeezed(e));
    [
        _mm_or_si128(a, _mm_slli_si128::<12>(c)),
        _mm_or_si128(_mm_srli_si128::<4>(c), _mm_slli_si128::<8>(d)),
        _mm_or_si128(_mm_srli_si128::<8>(d), _mm_slli_si128::<4>(e)),
    ]
}

kernel!(
    /// Writes as many whole steps as the rows have; tells how many pixels that were.
    #[inline]
    pub(super) fn to_rgb(sse2: Sse2, rows: [&[u8]; 3], out: &mut [u8]) -> usize {
        steps_to_rgb(rows, out)
    }
);

#[inline]
#[target_feature(enable = "sse2")]
fn steps_to_rgb([y, cb, cr]: [&[u8]; 3], out: &mut [u8]) -> usize {
    let steps = out.as_chunks_mut::<{ 3 * STEP }>().0;
    let done = steps.len() * STEP;
    let zero = _mm_setzero_si128();
    let chunks = |row| <[u8]>::as_chunks::<STEP>(row).0;
    for (((out, y), cb), cr) in steps.iter_mut().zip(chunks(y)).zip(chunks(cb)).zip(chunks(cr)) {
        let [y, cb, cr] = [load(y), load(cb), load(cr)];
        let low = |vector| _mm_unpacklo_epi8(vector, zero);
        let high = |vector| _mm_unpackhi_epi8(vector, zero);
        let [r, g, b] = rgb(low(y), low(cb), low(cr));
        let [r2, g2, b2] = rgb(high(y), high(cb), high(cr));
        let pack = |a, b| _mm_packus_epi16(a, b);
        let vectors = interleaved([pack(r, r2), pack(g, g2), pack(b, b2)]);
        for (to, vector) in out.as_chunks_mut::<16>().0.iter_mut().zip(vectors) {
            *to = store(vector);
        }
    }
    done
}
