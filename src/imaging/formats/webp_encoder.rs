//! A lossy WebP encoder: one VP8 key frame (RFC 6386) in a RIFF file (RFC 9649), without alpha.
//!
//! It takes about a quarter of libwebp's time (method 4, its default) where the machine has AVX2, as
//! long as libwebp where not, and needs some per cent fewer bytes for the same SSIMULACRA2; the figures
//! are in docs/performance.md. How it goes about it:
//!
//! - Colours become planes with half the colour resolution (`planes`).
//! - By how much happens in a macroblock it comes into one of four segments, each with steps and a loop
//!   filter of its own (`segments`).
//! - Each 4 × 4 block is predicted in all ten ways, which are ranked by what is left after a transform;
//!   only the four best are coded as far as their price (`modes`, `blocks`). A macroblock as a whole
//!   and its colours are decided by the same guesses with one attempt each (`macroblock`, `decide`).
//! - What was decided is kept as tokens; when all of them are counted, the probabilities follow and
//!   everything is written (`tokens`, `coder`, `header`).
//!
//! Everything is done with whole numbers, so the bytes are the same on every machine. `plain` is the
//! reference of the vectors in `avx2`; tests compare them bit for bit, and have two decoders restore
//! exactly what the encoder saw.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod blocks;
mod coder;
mod decide;
mod frame;
mod header;
mod kernels;
mod macroblock;
mod modes;
mod plain;
mod planes;
mod second;
mod segments;
mod surroundings;
mod tables;
#[cfg(test)]
mod tests;
mod tokens;

use frame::Order;
use kernels::Kernels;
use plain::Plain;
use planes::Planes;

/// Longest side that the format can hold.
const LONGEST: usize = 16_383;

/// Encodes RGB with a quality from 0 to 100; none if there is no such picture or the format has no room
/// for it.
pub(super) fn encode_rgb(rgb: &[u8], width: usize, height: usize, quality: u8) -> Option<Vec<u8>> {
    let sides = 1..=LONGEST;
    if !sides.contains(&width) || !sides.contains(&height) || rgb.len() != width * height * 3 {
        return None;
    }
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = fearless_simd::Level::new().as_avx2() {
        return encode_with(avx2, rgb, (width, height), quality);
    }
    encode_with(Plain, rgb, (width, height), quality)
}

fn encode_with<K: Kernels>(
    kernels: K,
    rgb: &[u8],
    (width, height): (usize, usize),
    quality: u8,
) -> Option<Vec<u8>> {
    let planes = &Planes::new(kernels, rgb, width, height);
    let first = header::LONGEST;
    let order = Order { planes, width, height, quality, first, smoothing: true };
    frame::encode(kernels, &order, |_, _| {})
}
