//! From coefficients to samples (ITU T.81, A.3.3), as libjpeg-turbo's SIMD code does it.
//!
//! That code computes with 16 bits between its two passes, wraps around where dequantized
//! coefficients do not fit and saturates behind each pass. Pictures do not get that far, damaged
//! files do. [`plain`] says what is computed; the others are the
//! same, several columns at a time.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx2_small;
mod plain;
#[cfg(target_arch = "x86_64")]
mod sse2;

use super::machine::{Vectors, vectors};

/// The last coefficient of those that all are among the first four of the first four rows.
#[cfg(target_arch = "x86_64")]
const LOW: u32 = 9;

/// Turns the blocks of a component into samples.
#[derive(Clone, Debug)]
pub(super) struct Transformer {
    /// Samples in each direction: 1, 2, 4 or 8.
    size: usize,
    table: [i16; 64],
    vectors: Option<Vectors>,
}

impl Transformer {
    /// Makes one for blocks of 1, 2, 4 or 8 samples a side.
    #[expect(clippy::cast_possible_wrap, reason = "libjpeg keeps them in 16 bits with a sign")]
    pub(super) fn new(size: usize, table: Option<&[u16; 64]>) -> Self {
        let table = table.map_or([0; 64], |table| table.map(|value| value as i16));
        Self { size, table, vectors: vectors() }
    }

    /// Tells whether only the lowest frequency counts.
    pub(super) const fn needs_lowest_only(&self) -> bool {
        self.size == 1
    }

    /// Returns the sample that the lowest frequency alone stands for.
    pub(super) fn lowest(&self, value: i16) -> u8 {
        plain::one(value, self.table[0])
    }

    /// Writes the samples of a block to rows that are so many bytes apart.
    ///
    /// Coefficients behind the last have to be zero. If the last is the ninth, others may be there
    /// as long as they are among the first four of the first four rows.
    #[inline]
    pub(super) fn run(&self, block: &[i16; 64], last: u32, out: &mut [u8], stride: usize) {
        let table = &self.table;
        match (self.size, last) {
            (8, 0) => fill::<8>(plain::flat(block[0], table[0]), out, stride),
            (4, 0) => fill::<4>(plain::flat(block[0], table[0]), out, stride),
            (2, 0) => fill::<2>(plain::flat_two(block[0], table[0]), out, stride),
            (1, _) => fill::<1>(self.lowest(block[0]), out, stride),
            _ => match self.vectors {
                Some(vectors) => self.wide(vectors, (block, last), out, stride),
                None => self.plain(block, out, stride),
            },
        }
    }

    #[cold]
    #[inline(never)]
    fn plain(&self, block: &[i16; 64], out: &mut [u8], stride: usize) {
        match self.size {
            8 => store(&plain::eight(block, &self.table), out, stride),
            4 => store(&plain::four(block, &self.table), out, stride),
            _ => store(&plain::two(block, &self.table), out, stride),
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn wide(
        &self,
        vectors: Vectors,
        (block, last): (&[i16; 64], u32),
        out: &mut [u8],
        stride: usize,
    ) {
        let table = &self.table;
        match (vectors, self.size) {
            (Vectors::Whole(avx2), size) => {
                let done = match size {
                    8 if last <= LOW => avx2::eight_low(avx2, block, table, out, stride),
                    8 => avx2::eight(avx2, block, table, out, stride),
                    4 => avx2_small::four(avx2, block, table, out, stride),
                    _ => {
                        avx2_small::two(avx2, block, table, out, stride);
                        true
                    }
                };
                if !done {
                    self.plain(block, out, stride);
                }
            }
            (Vectors::Half(sse2), 8) if last <= LOW => {
                store(&sse2::eight_low(sse2, block, table), out, stride);
            }
            (Vectors::Half(sse2), 8) => store(&sse2::eight(sse2, block, table), out, stride),
            (Vectors::Half(sse2), 4) => store(&sse2::four(sse2, block, table), out, stride),
            (Vectors::Half(sse2), _) => store(&sse2::two(sse2, block, table), out, stride),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn wide(&self, vectors: Vectors, _: (&[i16; 64], u32), _: &mut [u8], _: usize) {
        match vectors {}
    }
}

#[inline(always)]
fn fill<const N: usize>(sample: u8, out: &mut [u8], stride: usize) {
    store(&[[sample; N]; N], out, stride);
}

#[inline(always)]
fn store<const N: usize>(rows: &[[u8; N]; N], out: &mut [u8], stride: usize) {
    let mut rest = out;
    for row in rows {
        if let Some(place) = rest.first_chunk_mut::<N>() {
            *place = *row;
        }
        rest = rest.get_mut(stride..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests;
