//! Mirroring, right angles and the eight orientations: pixels move, none changes.

use super::super::Orientation;
use super::super::plan::{Flip, Turn};
use super::super::raster::{Raster, Sample, each_depth};
use super::super::{Size, raster::Samples};

/// Rows that are transposed together, so that what is read and what is written stays in cache.
const BAND: usize = 32;

/// Runs one generic expression on whole pixels, whatever their depth and number of components.
macro_rules! rearranged {
    ($picture:expr, $pixels:ident => $body:expr) => {
        each_depth!($picture.samples(), samples => match $picture.channels() {
            1 => { let $pixels = samples.as_chunks::<1>().0; flat($body) }
            2 => { let $pixels = samples.as_chunks::<2>().0; flat($body) }
            3 => { let $pixels = samples.as_chunks::<3>().0; flat($body) }
            4 => { let $pixels = samples.as_chunks::<4>().0; flat($body) }
            _ => { let $pixels = samples.as_chunks::<5>().0; flat($body) }
        })
    };
}

fn flat<S: Sample, const N: usize>(pixels: Vec<[S; N]>) -> Samples {
    S::wrap(pixels.into_flattened())
}

/// Mirrors.
#[must_use]
pub fn flip(picture: &Raster, axis: Flip) -> Raster {
    let width = picture.width();
    let samples = match axis {
        Flip::Lr => rearranged!(picture, pixels => mirrored(pixels, width)),
        Flip::Ud => {
            let row = width * picture.channels();
            each_depth!(picture.samples(), s => upside_down(s, row))
        }
        Flip::Lrud => rearranged!(picture, pixels => pixels.iter().rev().copied().collect()),
    };
    picture.with_samples(picture.size(), samples)
}

/// Turns by right angles, clockwise.
#[must_use]
pub fn turn(picture: &Raster, by: Turn) -> Raster {
    match by {
        Turn::Half => flip(picture, Flip::Lrud),
        Turn::Quarter => transpose(picture, Mirror { x: false, y: true }),
        Turn::ThreeQuarters => transpose(picture, Mirror { x: true, y: false }),
    }
}

/// Does to the stored pixels what their orientation asks for.
#[must_use]
pub fn orient(picture: Raster, orientation: Orientation) -> Raster {
    match orientation {
        Orientation::Upright => picture,
        Orientation::FlipHorizontal => flip(&picture, Flip::Lr),
        Orientation::Rotate180 => flip(&picture, Flip::Lrud),
        Orientation::FlipVertical => flip(&picture, Flip::Ud),
        Orientation::Transpose => transpose(&picture, Mirror { x: false, y: false }),
        Orientation::Rotate90 => turn(&picture, Turn::Quarter),
        Orientation::Transverse => transpose(&picture, Mirror { x: true, y: true }),
        Orientation::Rotate270 => turn(&picture, Turn::ThreeQuarters),
    }
}

fn mirrored<P: Copy>(pixels: &[P], width: usize) -> Vec<P> {
    pixels.chunks_exact(width).flat_map(|row| row.iter().rev().copied()).collect()
}

fn upside_down<S: Sample>(samples: &[S], row: usize) -> Samples {
    let mut out = Vec::with_capacity(samples.len());
    for row in samples.chunks_exact(row).rev() {
        out.extend_from_slice(row);
    }
    S::wrap(out)
}

/// Which axes of the source are mirrored before rows and columns change places.
#[derive(Clone, Copy)]
struct Mirror {
    x: bool,
    y: bool,
}

fn transpose(picture: &Raster, mirror: Mirror) -> Raster {
    let Size { width, height } = picture.size();
    let width_of = picture.width();
    let samples = rearranged!(picture, pixels => transposed(pixels, width_of, mirror));
    picture.with_samples(Size::new(height, width), samples)
}

fn transposed<P: Copy>(pixels: &[P], width: usize, mirror: Mirror) -> Vec<P> {
    let Some(&first) = pixels.first() else { return Vec::new() };
    let height = pixels.len() / width;
    let mut out = vec![first; pixels.len()];
    for band in (0..height).step_by(BAND) {
        for x in 0..width {
            let row = if mirror.x { width - 1 - x } else { x };
            for y in band..height.min(band + BAND) {
                let column = if mirror.y { height - 1 - y } else { y };
                out[row * height + column] = pixels[y * width + x];
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::PixelType;
    use crate::imaging::raster::Alpha;

    fn picture(width: u32, height: u32, samples: &[u8]) -> Raster {
        let samples = Samples::Eight(samples.to_vec());
        Raster::new(Size::new(width, height), PixelType::Gray, Alpha::None, samples).unwrap()
    }

    #[test]
    fn each_orientation_turns_its_picture_upright() {
        // 1 2 3
        // 4 5 6
        let upright = picture(3, 2, &[1, 2, 3, 4, 5, 6]);
        for (orientation, width, stored) in [
            (Orientation::Upright, 3, [1, 2, 3, 4, 5, 6]),
            (Orientation::FlipHorizontal, 3, [3, 2, 1, 6, 5, 4]),
            (Orientation::Rotate180, 3, [6, 5, 4, 3, 2, 1]),
            (Orientation::FlipVertical, 3, [4, 5, 6, 1, 2, 3]),
            (Orientation::Transpose, 2, [1, 4, 2, 5, 3, 6]),
            (Orientation::Rotate90, 2, [3, 6, 2, 5, 1, 4]),
            (Orientation::Transverse, 2, [6, 3, 5, 2, 4, 1]),
            (Orientation::Rotate270, 2, [4, 1, 5, 2, 6, 3]),
        ] {
            let stored = picture(width, 6 / width, &stored);
            assert_eq!(orient(stored, orientation), upright, "{orientation:?}");
        }
    }

    #[test]
    fn turns_are_clockwise() {
        let wide = picture(2, 1, &[1, 2]);
        assert_eq!(turn(&wide, Turn::Quarter), picture(1, 2, &[1, 2]));
        assert_eq!(turn(&wide, Turn::ThreeQuarters), picture(1, 2, &[2, 1]));
        let high = picture(1, 2, &[1, 2]);
        assert_eq!(turn(&high, Turn::Quarter), picture(2, 1, &[2, 1]));
    }
}
