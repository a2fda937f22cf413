//! Decodes baseline and progressive JPEG (ITU T.81) to the bytes libjpeg-turbo would give.
//!
//! What is decoded: 8-bit Huffman-coded pictures of one, three or four components, with any
//! sampling that libjpeg accepts, in one scan or many. A picture can be had at a half, a quarter
//! or an eighth of its size, for which the fine part of its cosines is left out, and at several
//! sizes from one reading.
//!
//! The bytes are those of libjpeg-turbo with its accurate integer transform, with smooth
//! upsampling of colour and with its SIMD code, wherever the coefficients are those of a picture
//! and also where they are not. Damage that libjpeg warns of is an error here.
//!
//! From the file to the pixels: `segments` and `markers` are what stands between the scans, `frame`
//! sizes; `bits` are bytes without stuffing, `huffman` tables that tell two coefficients at once,
//! `scan` the order of blocks, `sequential` and `progressive` their coefficients, `blocks` those
//! kept in memory and `smoothing` guesses at those that never came; `idct` makes samples of them,
//! `upsample` rows as wide as the picture, and `colour` pixels. Whoever wants no pixels takes the
//! coefficients from `bands`.
//!
//! Vectors come through `fearless_simd`, which proves that the machine has them. Without them, the
//! plain transforms give the same bytes.

mod bands;
mod bits;
mod blocks;
mod colour;
mod error;
mod frame;
mod huffman;
mod idct;
mod machine;
mod markers;
mod picture;
mod progressive;
mod scan;
mod segments;
mod sequential;
mod smoothing;
#[cfg(test)]
mod tests;
mod upsample;

pub(super) use bands::{BAND, Band, Layout};
pub(super) use error::{Error, UNEVEN};
pub(super) use machine::at_best;
pub(super) use markers::ZIGZAG;
pub(super) use picture::{Decoder, Reading};
