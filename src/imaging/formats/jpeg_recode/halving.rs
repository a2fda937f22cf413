//! Blocks of half as many samples, from the coefficients of two or four blocks: those of the means
//! of two samples side by side, of both directions or one.

/// cos(n·π/16).
const COSINES: [f64; 9] = [
    1.0,
    0.980_785_280_403_230_4,
    0.923_879_532_511_286_7,
    0.831_469_612_302_545_2,
    std::f64::consts::FRAC_1_SQRT_2,
    0.555_570_233_019_602_2,
    0.382_683_432_365_089_8,
    0.195_090_322_016_128_27,
    0.0,
];

/// Returns cos(n·π/16) for any n.
const fn cosine(n: usize) -> f64 {
    let n = n % 32;
    let n = if n > 16 { 32 - n } else { n };
    if n > 8 { -COSINES[16 - n] } else { COSINES[n] }
}

/// Returns the share of a frequency in a sample (ITU T.81, A.3.3, one of both directions).
const fn share(frequency: usize, sample: usize) -> f64 {
    let share = cosine((2 * sample + 1) * frequency) / 2.0;
    if frequency == 0 { share * std::f64::consts::FRAC_1_SQRT_2 } else { share }
}

/// What coefficient `to` of the half gets from coefficient `from` of the first of two blocks, as
/// `FIRST[from][to]`; of the second it is the same, negative where one is odd and the other even.
#[expect(clippy::cast_possible_truncation, reason = "nearly 24 bits remain")]
const FIRST: [[f32; 8]; 8] = {
    let mut table = [[0.0; 8]; 8];
    let mut from = 0;
    while from < 8 {
        let mut to = 0;
        while to < 8 {
            let (mut sum, mut sample) = (0.0, 0);
            while sample < 4 {
                let mean = (share(from, 2 * sample) + share(from, 2 * sample + 1)) / 2.0;
                sum += share(to, sample) * mean;
                sample += 1;
            }
            table[from][to] = sum as f32;
            to += 1;
        }
        from += 1;
    }
    table
};

const SECOND: [[f32; 8]; 8] = {
    let mut table = FIRST;
    let mut from = 0;
    while from < 8 {
        let mut to = 1 - from % 2;
        while to < 8 {
            table[from][to] = -table[from][to];
            to += 2;
        }
        from += 1;
    }
    table
};

/// Adds the coefficients of one of two blocks to those of the half, row by row.
#[inline(always)]
fn add_across(half: &mut [f32; 64], block: &[f32; 64], table: &[[f32; 8]; 8]) {
    let rows = half.as_chunks_mut::<8>().0.iter_mut().zip(block.as_chunks::<8>().0);
    for (to, from) in rows.filter(|(_, from)| **from != [0.0; 8]) {
        for (value, factors) in from.iter().zip(table) {
            for (to, factor) in to.iter_mut().zip(factors) {
                *to += value * factor;
            }
        }
    }
}

/// The same from above and below.
#[inline(always)]
fn add_down(half: &mut [f32; 64], block: &[f32; 64], table: &[[f32; 8]; 8]) {
    let rows = block.as_chunks::<8>().0.iter().zip(table);
    for (from, factors) in rows.filter(|(from, _)| **from != [0.0; 8]) {
        for (to, factor) in half.as_chunks_mut::<8>().0.iter_mut().zip(factors) {
            for (to, value) in to.iter_mut().zip(from) {
                *to += value * factor;
            }
        }
    }
}

/// Makes one block of two that lie side by side. Where there is no second, the first is continued
/// as its mirror.
#[inline(always)]
pub(super) fn across(first: &[f32; 64], second: Option<&[f32; 64]>) -> [f32; 64] {
    let mut half = [0.0; 64];
    add_across(&mut half, first, &FIRST);
    match second {
        Some(second) => add_across(&mut half, second, &SECOND),
        None => {
            let mut mirror = *first;
            mirror.iter_mut().skip(1).step_by(2).for_each(|value| *value = -*value);
            add_across(&mut half, &mirror, &SECOND);
        }
    }
    half
}

/// Makes one block of two that lie one above the other.
#[inline(always)]
pub(super) fn down(first: &[f32; 64], second: Option<&[f32; 64]>) -> [f32; 64] {
    let mut half = [0.0; 64];
    add_down(&mut half, first, &FIRST);
    match second {
        Some(second) => add_down(&mut half, second, &SECOND),
        None => {
            let mut mirror = *first;
            let odd = mirror.as_chunks_mut::<8>().0.iter_mut().skip(1).step_by(2);
            odd.flatten().for_each(|value| *value = -*value);
            add_down(&mut half, &mirror, &SECOND);
        }
    }
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computes samples from coefficients by the formula, in rows of eight.
    fn samples(block: &[f32; 64]) -> [f64; 64] {
        std::array::from_fn(|at| {
            let (y, x) = (at / 8, at % 8);
            let each = (0..64)
                .map(|from| f64::from(block[from]) * share(from / 8, y) * share(from % 8, x));
            each.sum()
        })
    }

    fn block(seed: u32) -> [f32; 64] {
        let mut state = seed;
        std::array::from_fn(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from((state >> 24) as u8) - 128.0
        })
    }

    fn check(half: &[f32; 64], mean: impl Fn(usize, usize) -> f64) {
        let found = samples(half);
        for (y, x) in (0..64).map(|at| (at / 8, at % 8)) {
            let (found, wanted) = (found[y * 8 + x], mean(y, x));
            assert!((found - wanted).abs() < 0.001, "{x}, {y}: {found}, not {wanted}");
        }
    }

    #[test]
    fn halves_hold_means() {
        let blocks = [block(1), block(2)];
        let all = blocks.map(|block| samples(&block));
        let place = |at: usize| (at / 8, at % 8);
        check(&across(&blocks[0], Some(&blocks[1])), |y, x| {
            let [a, b] = [2 * x, 2 * x + 1].map(place).map(|(of, x)| all[of][y * 8 + x]);
            f64::midpoint(a, b)
        });
        check(&down(&blocks[0], Some(&blocks[1])), |y, x| {
            let [a, b] = [2 * y, 2 * y + 1].map(place).map(|(of, y)| all[of][y * 8 + x]);
            f64::midpoint(a, b)
        });
    }

    #[test]
    fn a_missing_half_is_the_mirror_of_the_other() {
        let block = block(3);
        let all = samples(&block);
        let mirrored = |at: usize| if at < 8 { at } else { 15 - at };
        check(&across(&block, None), |y, x| {
            let [a, b] = [2 * x, 2 * x + 1].map(|x| all[y * 8 + mirrored(x)]);
            f64::midpoint(a, b)
        });
        check(&down(&block, None), |y, x| {
            let [a, b] = [2 * y, 2 * y + 1].map(|y| all[mirrored(y) * 8 + x]);
            f64::midpoint(a, b)
        });
    }
}
