//! What the machine can compute several of at once.

#[cfg(target_arch = "x86_64")]
use fearless_simd::{Avx2, Level, Simd as _, Sse2};

/// Proof that the machine has certain vectors.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(super) enum Vectors {
    /// Of 128 bits, as every x86-64 has them.
    Half(Sse2),
    /// Of 256 bits.
    Whole(Avx2),
}

/// Stands for vectors on machines for which there is no code with them.
#[cfg(not(target_arch = "x86_64"))]
#[derive(Clone, Copy, Debug)]
pub(super) enum Vectors {}

/// Finds out which vectors there are.
#[inline]
pub(super) fn vectors() -> Option<Vectors> {
    #[cfg(target_arch = "x86_64")]
    let found = {
        let level = Level::new();
        level.as_avx2().map(Vectors::Whole).or_else(|| level.as_sse2().map(Vectors::Half))
    };
    #[cfg(not(target_arch = "x86_64"))]
    let found = None;
    found
}

/// Does some work with code made for machines that have vectors of 256 bits, where there are such:
/// these have better shifts, too. What is to gain by it must be inlined.
#[inline(always)]
pub(in crate::imaging::formats) fn at_best<R>(work: impl FnOnce() -> R) -> R {
    match vectors() {
        #[cfg(target_arch = "x86_64")]
        Some(Vectors::Whole(avx2)) => avx2.vectorize(work),
        _ => work(),
    }
}
