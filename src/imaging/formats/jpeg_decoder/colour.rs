//! Colours from brightness and differences (JFIF 1.02, conversion to and from RGB).

use super::frame::Transform;
use super::machine::{Vectors, vectors};

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod sse2;

/// Writes a row of pixels from rows of components as wide.
pub(super) fn convert(transform: Transform, rows: &[&[u8]], out: &mut [u8]) {
    match (transform, rows) {
        (Transform::ToRgb, [y, cb, cr]) => to_rgb(vectors(), [y, cb, cr], out),
        (Transform::ToCmyk, [y, cb, cr, k]) => to_cmyk([y, cb, cr, k], out),
        (_, [gray]) => out.copy_from_slice(&gray[..out.len()]),
        (_, [r, g, b]) => {
            let pixels = out.as_chunks_mut::<3>().0.iter_mut();
            for (((pixel, r), g), b) in pixels.zip(*r).zip(*g).zip(*b) {
                *pixel = [*r, *g, *b];
            }
        }
        (_, [c, m, y, k]) => {
            let pixels = out.as_chunks_mut::<4>().0.iter_mut();
            for ((((pixel, c), m), y), k) in pixels.zip(*c).zip(*m).zip(*y).zip(*k) {
                *pixel = [*c, *m, *y, *k];
            }
        }
        _ => {}
    }
}

/// Computes one pixel, in steps of 1/65536.
#[inline(always)]
fn rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let red = (91_881 * cr + HALF) >> 16;
    let green = (-22_554 * cb - 46_802 * cr + HALF) >> 16;
    let blue = (116_130 * cb + HALF) >> 16;
    [y + red, y + green, y + blue].map(|value| value.clamp(0, 255).to_le_bytes()[0])
}

#[cfg(target_arch = "x86_64")]
fn wide(vectors: Vectors, rows: [&[u8]; 3], out: &mut [u8]) -> usize {
    match vectors {
        Vectors::Half(sse2) => sse2::to_rgb(sse2, rows, out),
        Vectors::Whole(avx2) => avx2::to_rgb(avx2, rows, out),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn wide(vectors: Vectors, _: [&[u8]; 3], _: &mut [u8]) -> usize {
    match vectors {}
}

fn to_rgb(vectors: Option<Vectors>, rows: [&[u8]; 3], out: &mut [u8]) {
    let done = vectors.map_or(0, |vectors| wide(vectors, rows, out));
    let [y, cb, cr] = rows.map(|row| &row[done..]);
    let pixels = out.as_chunks_mut::<3>().0[done..].iter_mut();
    for (((pixel, y), cb), cr) in pixels.zip(y).zip(cb).zip(cr) {
        *pixel = rgb(*y, *cb, *cr);
    }
}

/// Three inks are the complements of red, green and blue; black is as it is (Adobe).
fn to_cmyk([y, cb, cr, k]: [&[u8]; 4], out: &mut [u8]) {
    let pixels = out.as_chunks_mut::<4>().0.iter_mut();
    for ((((pixel, y), cb), cr), k) in pixels.zip(y).zip(cb).zip(cr).zip(k) {
        let [r, g, b] = rgb(*y, *cb, *cr);
        *pixel = [255 - r, 255 - g, 255 - b, *k];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "x86_64")]
    fn kinds() -> [Option<Vectors>; 3] {
        let level = fearless_simd::Level::new();
        [None, level.as_sse2().map(Vectors::Half), level.as_avx2().map(Vectors::Whole)]
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn kinds() -> [Option<Vectors>; 1] {
        [None]
    }

    #[test]
    fn rows_and_single_pixels_agree() {
        for cb in (0..=255_u8).step_by(5) {
            for cr in (0..=255_u8).step_by(3) {
                let y: Vec<u8> = (0..37).map(|at: u8| at.wrapping_mul(71) ^ cb ^ cr).collect();
                let (cbs, crs) = ([cb; 37], [cr; 37]);
                let mut out = [0; 111];
                for vectors in kinds() {
                    to_rgb(vectors, [&y, &cbs, &crs], &mut out);
                    for (pixel, y) in out.as_chunks::<3>().0.iter().zip(&y) {
                        assert_eq!(*pixel, rgb(*y, cb, cr));
                    }
                }
            }
        }
    }
}
