//! Quantization (ITU T.81, A.3.4): tables, and from the steps of one to those of another.

use super::coder::Quantized;

/// The tables of annex K.1, for brightness and colour, in rows of eight.
#[rustfmt::skip]
const EXAMPLES: [[u16; 64]; 2] = [
    [
        16, 11, 10, 16,  24,  40,  51,  61,
        12, 12, 14, 19,  26,  58,  60,  55,
        14, 13, 16, 24,  40,  57,  69,  56,
        14, 17, 22, 29,  51,  87,  80,  62,
        18, 22, 37, 56,  68, 109, 103,  77,
        24, 35, 55, 64,  81, 104, 113,  92,
        49, 64, 78, 87, 103, 121, 120, 101,
        72, 92, 95, 98, 112, 100, 103,  99,
    ],
    [
        17, 18, 24, 47, 99, 99, 99, 99,
        18, 21, 26, 66, 99, 99, 99, 99,
        24, 26, 56, 99, 99, 99, 99, 99,
        47, 66, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
    ],
];

/// Largest coefficient: of the highest frequencies it has ten bits, and two of the lowest differ by
/// eleven.
const MOST: f32 = 1023.0;

/// Returns libjpeg's tables for a quality of 1 to 100; none where a step takes more than a byte,
/// which is no baseline any more.
pub(super) fn tables(quality: u8) -> Option<[[u8; 64]; 2]> {
    let quality = u32::from(quality.clamp(1, 100));
    let scale = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    let steps = EXAMPLES.map(|table| table.map(|step| (u32::from(step) * scale + 50) / 100));
    let short = |step: u32| u8::try_from(step.max(1));
    steps
        .as_flattened()
        .iter()
        .all(|step| short(*step).is_ok())
        .then(|| steps.map(|table| table.map(|step| short(step).unwrap_or(u8::MAX))))
}

/// Returns what coefficients of one table are multiplied by for another.
pub(super) fn ratio(from: &[u16; 64], to: &[u8; 64]) -> [f32; 64] {
    std::array::from_fn(|at| f32::from(from[at]) / f32::from(to[at]))
}

/// Quantizes; a value in the middle between two steps goes to the one nearer to zero, which is
/// shorter.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "values of at most ten bits")]
pub(super) fn quantized(values: &[f32; 64], ratio: &[f32; 64]) -> Quantized {
    /// Added to a number, it leaves the nearest whole one in the lowest bits.
    const WHOLE: f32 = 12_582_912.0;
    let mut block = [0; 64];
    for ((to, value), ratio) in block.iter_mut().zip(values).zip(ratio) {
        let exact = value * ratio;
        let short = exact.abs().min(MOST) - 1.0 / 1024.0;
        let whole = (short + WHOLE).to_bits().wrapping_sub(WHOLE.to_bits()) as i16;
        let sign = (exact.to_bits().cast_signed() >> 31) as i16;
        *to = (whole ^ sign).wrapping_sub(sign);
    }
    Quantized { marks: marks(&block), values: block }
}

/// Tells which values are not zero, from the lowest bit.
#[inline(always)]
fn marks(block: &[i16; 64]) -> u64 {
    /// Gathers the lowest bit of each byte in the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let flags: [u8; 64] = block.map(|value| u8::from(value != 0));
    let bytes = flags.as_chunks::<8>().0.iter();
    let bytes = bytes.map(|eight| u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56);
    bytes.rev().fold(0, |marks, byte| marks << 8 | byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_to_the_nearest_step() {
        let mut values = [0.0; 64];
        values[..8].copy_from_slice(&[7.0, -7.0, 3.0, -3.0, 3.1, -2.9, 1e9, -1e9]);
        let found = quantized(&values, &ratio(&[1; 64], &[6; 64]));
        assert_eq!(found.values[..8], [1, -1, 0, 0, 1, 0, 1023, -1023]);
        assert_eq!(found.marks, 0b1101_0011);
        values[63] = 5.0;
        assert_eq!(quantized(&values, &[1.0; 64]).marks >> 63, 1);
    }

    #[test]
    fn equal_steps_change_nothing() {
        for step in 1..=255_u8 {
            let ratio = ratio(&[step.into(); 64], &[step; 64]);
            for value in -1023..=1023_i16 {
                let found = quantized(&[f32::from(value); 64], &ratio);
                assert_eq!(found.values, [value; 64], "{step}");
            }
        }
    }
}
