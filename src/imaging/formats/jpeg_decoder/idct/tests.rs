#![cfg(target_arch = "x86_64")]
#![allow(clippy::cast_possible_truncation, reason = "some bits of random numbers")]

use super::super::machine::Vectors;
use super::super::markers::ZIGZAG;
use super::Transformer;

/// Numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn value(&mut self, bits: u32) -> i16 {
        (self.next() as i16) >> (16 - bits)
    }
}

fn block(numbers: &mut Numbers, last: usize, bits: u32) -> [i16; 64] {
    let mut block = [0; 64];
    for place in &ZIGZAG[..=last] {
        if !numbers.next().is_multiple_of(3) {
            block[usize::from(*place)] = numbers.value(bits);
        }
    }
    block
}

/// Runs the transforms that vectors of one kind have, as a block would be.
fn run(vectors: Option<Vectors>, size: usize, case: (&[i16; 64], &[i16; 64], u32)) -> [u8; 64] {
    let (block, table, last) = case;
    let mut out = [0; 64];
    Transformer { size, table: *table, vectors }.run(block, last, &mut out, 8);
    out
}

#[test]
fn all_transforms_compute_what_plain_ones_do() {
    let level = fearless_simd::Level::new();
    let kinds = [level.as_sse2().map(Vectors::Half), level.as_avx2().map(Vectors::Whole)];
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for round in 0..4_000 {
        let bits = 3 + round % 14;
        let table = std::array::from_fn(|_| numbers.value(1 + (round / 7) % 16));
        let last = (numbers.next() % 64) as u32;
        let block = block(&mut numbers, last as usize, bits);
        for size in [1, 2, 4, 8] {
            let expected = run(None, size, (&block, &table, 63));
            for vectors in kinds.into_iter().flatten() {
                assert_eq!(run(Some(vectors), size, (&block, &table, last)), expected);
                assert_eq!(run(Some(vectors), size, (&block, &table, 63)), expected);
            }
            let mut flat = [0; 64];
            flat[0] = block[0];
            let expected = run(None, size, (&flat, &table, 63));
            assert_eq!(run(None, size, (&flat, &table, 0)), expected);
        }
    }
}
