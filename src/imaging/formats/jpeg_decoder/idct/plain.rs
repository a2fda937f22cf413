//! The transforms one column at a time.

#![cfg_attr(
    target_arch = "x86_64",
    allow(dead_code, reason = "the reference for the wide ones, and what other machines run")
)]

/// Turns a difference to the middle into a sample.
#[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "the range is limited")]
fn sample(value: i32) -> u8 {
    (value.clamp(-128, 127) + 128) as u8
}

#[expect(clippy::cast_possible_truncation, reason = "the range is limited")]
fn saturated(value: i32) -> i16 {
    value.clamp(-32768, 32767) as i16
}

/// Shifts right and rounds.
fn descale(value: i32, shift: u32) -> i32 {
    value.wrapping_add(1 << (shift - 1)) >> shift
}

fn times(value: i16, factor: i32) -> i32 {
    i32::from(value) * factor
}

/// Returns the one sample of a block at an eighth.
pub(super) fn one(value: i16, quantizer: i16) -> u8 {
    let mean = descale(i32::from(value) * i32::from(quantizer), 3) & 1023;
    // Wraps around beyond what pictures have.
    if mean < 512 { sample(mean.min(127)) } else { sample((mean - 1024).max(-128)) }
}

/// Returns the sample of all places of a block of eight or four without other frequencies.
pub(super) fn flat(value: i16, quantizer: i16) -> u8 {
    let scaled = value.wrapping_mul(quantizer).wrapping_shl(2);
    sample((i32::from(scaled) + 16) >> 5)
}

/// Returns the sample of all places of a block of two without other frequencies.
pub(super) fn flat_two(value: i16, quantizer: i16) -> u8 {
    // Both passes scale up and down by the same but for three bits.
    sample(descale(i32::from(value.wrapping_mul(quantizer)).wrapping_shl(17), 20))
}

/// Returns the sums of one dimension of eight, not yet scaled down.
fn pass(x: [i16; 8]) -> [i32; 8] {
    let low = i32::from(x[0].wrapping_add(x[4])) << 13;
    let high = i32::from(x[0].wrapping_sub(x[4])) << 13;
    let third = times(x[2], 10_703) + times(x[6], 4433);
    let second = times(x[2], 4433) + times(x[6], -10_704);
    let even = [low + third, high + second, high - second, low - third];
    let (a, b) = (x[7].wrapping_add(x[3]), x[5].wrapping_add(x[1]));
    let z3 = times(a, -6436) + times(b, 9633);
    let z4 = times(a, 9633) + times(b, 6437);
    let odd = [
        (times(x[7], -7373) + times(x[1], 4926)).wrapping_add(z4),
        (times(x[5], -20_995) + times(x[3], 4177)).wrapping_add(z3),
        (times(x[5], -4176) + times(x[3], -20_995)).wrapping_add(z4),
        (times(x[7], -4927) + times(x[1], -7373)).wrapping_add(z3),
    ];
    std::array::from_fn(|at| {
        if at < 4 { even[at].wrapping_add(odd[at]) } else { even[7 - at].wrapping_sub(odd[7 - at]) }
    })
}

/// Computes a block of 8 × 8.
pub(super) fn eight(block: &[i16; 64], table: &[i16; 64]) -> [[u8; 8]; 8] {
    let input =
        |row: usize, column: usize| block[row * 8 + column].wrapping_mul(table[row * 8 + column]);
    let mut between = [[0_i16; 8]; 8];
    let flat = block[8..].iter().all(|value| *value == 0);
    for column in 0..8 {
        let sums = pass(std::array::from_fn(|row| input(row, column)));
        for (row, sum) in between.iter_mut().zip(sums) {
            row[column] =
                if flat { input(0, column).wrapping_shl(2) } else { saturated(descale(sum, 11)) };
        }
    }
    between.map(|row| pass(row).map(|sum| sample(descale(sum, 18))))
}

/// Returns the sums of four samples of one dimension of eight, not yet scaled down.
fn pass_four(x: [i16; 8]) -> [i32; 4] {
    let low = i32::from(x[0]) << 14;
    let second = times(x[2], 15_137) + times(x[6], -6270);
    let even = [low.wrapping_add(second), low.wrapping_sub(second)];
    let odd = [
        (times(x[1], 20_995) + times(x[3], 7373))
            .wrapping_add(times(x[5], -4926) + times(x[7], -4176)),
        (times(x[1], 8697) + times(x[3], -17_799))
            .wrapping_add(times(x[5], 11_893) + times(x[7], -1730)),
    ];
    [
        even[0].wrapping_add(odd[0]),
        even[1].wrapping_add(odd[1]),
        even[1].wrapping_sub(odd[1]),
        even[0].wrapping_sub(odd[0]),
    ]
}

/// Computes a block of 4 × 4.
pub(super) fn four(block: &[i16; 64], table: &[i16; 64]) -> [[u8; 4]; 4] {
    let input =
        |row: usize, column: usize| block[row * 8 + column].wrapping_mul(table[row * 8 + column]);
    let mut between = [[0_i16; 8]; 4];
    let flat = block[8..32].iter().chain(&block[40..]).all(|value| *value == 0);
    for column in 0..8 {
        let sums = pass_four(std::array::from_fn(|row| input(row, column)));
        for (row, sum) in between.iter_mut().zip(sums) {
            row[column] =
                if flat { input(0, column).wrapping_shl(2) } else { saturated(descale(sum, 12)) };
        }
    }
    between.map(|row| pass_four(row).map(|sum| sample(descale(sum, 19))))
}

fn odd_two([a, b, c, d]: [i16; 4]) -> i32 {
    (times(a, 29_692) + times(b, -10_426)).wrapping_add(times(c, 6967) + times(d, -5906))
}

/// Computes a block of 2 × 2.
pub(super) fn two(block: &[i16; 64], table: &[i16; 64]) -> [[u8; 2]; 2] {
    let input =
        |row: usize, column: usize| block[row * 8 + column].wrapping_mul(table[row * 8 + column]);
    // Top and bottom of a column.
    let column = |at: usize| {
        let low = i32::from(input(0, at)) << 15;
        let odd = odd_two([1, 3, 5, 7].map(|row| input(row, at)));
        [low.wrapping_add(odd), low.wrapping_sub(odd)].map(|sum| descale(sum, 13))
    };
    let (first, others) = (column(0), [1, 3, 5, 7].map(column));
    [0, 1].map(|row| {
        let low = first[row].wrapping_shl(15);
        let odd = odd_two(others.map(|other| saturated(other[row])));
        [low.wrapping_add(odd), low.wrapping_sub(odd)].map(|sum| sample(descale(sum, 20)))
    })
}
