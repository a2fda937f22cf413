//! One AV1 picture: decoded, and its components as fractions, row by row.
//!
//! The decoder runs without threads. It is told the largest frame it may make, and is asked only
//! after the sequence header has said what the container promised.

use re_rav1d::dav1d::{
    Decoder, Error, Picture, PixelLayout, PlanarImageComponent as Component, Plane, Settings,
};

use super::description::{Cicp, Coding};
use super::sequence::Sequence;
use crate::diag::phrase;
use crate::imaging::formats::{cut_short, damaged, unsupported};
use crate::imaging::raster::{Sample, as_usize};
use crate::imaging::{ConvertError, Size};

/// Most turns a decoder is given to find the first picture.
const PIECES: u32 = 64;

/// A decoded picture.
pub(super) struct Frame {
    size: Size,
    bits: u8,
    /// What the AV1 data themselves say of the components.
    pub(super) cicp: Cicp,
    halved: (bool, bool),
    luma: Plane,
    chroma: Option<[Plane; 2]>,
    /// Bytes from row to row.
    strides: [usize; 2],
}

impl Frame {
    /// Decodes AV1 data of which the container told size and coding.
    pub(super) fn decode(data: Vec<u8>, size: Size, coding: Coding) -> Result<Self, ConvertError> {
        let sequence = Sequence::of(&data)?;
        let Sequence { bits, monochrome, cicp, halved, .. } = sequence;
        if sequence.size != size || (Coding { bits, monochrome }) != coding {
            return Err(damaged(phrase!(
                "damage-pixels-unlike-header",
                "its pixels are not what its header says"
            )));
        }
        let picture = first_picture(data, size)?;
        let layout = match (monochrome, halved) {
            (true, _) => PixelLayout::I400,
            (_, (true, true)) => PixelLayout::I420,
            (_, (true, false)) => PixelLayout::I422,
            (_, (false, _)) => PixelLayout::I444,
        };
        let found = Size::new(picture.width(), picture.height());
        if found != size || picture.pixel_layout() != layout {
            return Err(damaged(phrase!(
                "damage-pixels-unlike-header",
                "its pixels are not what its header says"
            )));
        }
        let stride = |component| as_usize(picture.stride(component));
        Ok(Self {
            size,
            bits,
            cicp,
            halved,
            luma: picture.plane(Component::Y),
            chroma: (!monochrome)
                .then(|| [picture.plane(Component::U), picture.plane(Component::V)]),
            strides: [stride(Component::Y), stride(Component::U)],
        })
    }

    /// Paints the colour, or the gray, into interleaved components; what lies beyond the right
    /// and the lower edge is left out.
    pub(super) fn paint<S: Sample>(
        &self,
        cicp: Cicp,
        onto: &mut Canvas<S>,
        at: (usize, usize),
    ) -> Result<(), ConvertError> {
        let matrix = Matrix::of(cicp)?;
        let width = as_usize(self.size.width);
        let mut rows = [vec![0.0; width], vec![0.0; width], vec![0.0; width]];
        let mut halves = vec![0.0; width];
        let (channels, colors) = (onto.channels, if self.chroma.is_some() { 3 } else { 1 });
        for y in 0..as_usize(self.size.height) {
            let Some(pixels) = onto.row(at.1 + y, at.0) else { break };
            let luma = Levels::luma(self.bits, cicp.full_range);
            read(&self.luma, y * self.strides[0], self.bits, luma, &mut rows[0]);
            if let Some(chroma) = &self.chroma {
                let levels = match matrix {
                    Matrix::Identity => luma,
                    Matrix::Weights { .. } => Levels::chroma(self.bits, cicp.full_range),
                };
                for (plane, row) in chroma.iter().zip(&mut rows[1..]) {
                    self.chroma_row(plane, y, levels, (row, &mut halves));
                }
                matrix.turn(&mut rows);
            }
            for (x, pixel) in pixels.chunks_exact_mut(channels).enumerate().take(width) {
                for (value, row) in pixel.iter_mut().zip(&rows[..colors]) {
                    *value = S::round(row[x] * S::TOP);
                }
            }
        }
        Ok(())
    }

    /// Paints the luma into the last component.
    pub(super) fn paint_alpha<S: Sample>(
        &self,
        full_range: bool,
        onto: &mut Canvas<S>,
        at: (usize, usize),
    ) {
        let levels = Levels::luma(self.bits, full_range);
        let mut row = vec![0.0; as_usize(self.size.width)];
        let channels = onto.channels;
        for y in 0..as_usize(self.size.height) {
            let Some(pixels) = onto.row(at.1 + y, at.0) else { break };
            read(&self.luma, y * self.strides[0], self.bits, levels, &mut row);
            for (pixel, value) in pixels.chunks_exact_mut(channels).zip(&row) {
                pixel[channels - 1] = S::round(value * S::TOP);
            }
        }
    }

    /// Makes a row of chroma in full width; where there is half of it, the nearer sample counts
    /// three times as much as the other.
    fn chroma_row(
        &self,
        plane: &Plane,
        y: usize,
        levels: Levels,
        (row, halves): (&mut Vec<f32>, &mut Vec<f32>),
    ) {
        let (across, down) = self.halved;
        let half =
            |length: u32, halved: bool| as_usize(if halved { length.div_ceil(2) } else { length });
        let width = half(self.size.width, across);
        let (near, far) = if down { neighbours(y, half(self.size.height, down)) } else { (y, y) };
        row.truncate(width);
        row.resize(width, 0.0);
        read(plane, near * self.strides[1], self.bits, levels, row);
        if far != near {
            halves.resize(width, 0.0);
            read(plane, far * self.strides[1], self.bits, levels, &mut halves[..width]);
            for (near, far) in row.iter_mut().zip(halves.iter()) {
                *near = *near * 0.75 + *far * 0.25;
            }
        }
        if across {
            halves.clear();
            halves.extend((0..as_usize(self.size.width)).map(|x| {
                let (near, far) = neighbours(x, width);
                row[near] * 0.75 + row[far] * 0.25
            }));
            std::mem::swap(row, halves);
        }
    }
}

/// Returns which of half as many samples is nearest to a position, and which is on its other side.
fn neighbours(position: usize, count: usize) -> (usize, usize) {
    let near = position / 2;
    let far = if position.is_multiple_of(2) { near.saturating_sub(1) } else { near + 1 };
    (near, far.min(count - 1))
}

fn first_picture(data: Vec<u8>, size: Size) -> Result<Picture, ConvertError> {
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_all_layers(false);
    settings.set_frame_size_limit(u32::try_from(size.pixels()).unwrap_or(u32::MAX));
    let mut decoder = Decoder::with_settings(&settings).map_err(error)?;
    let mut sent = decoder.send_data(data, None, None, None);
    // Each turn takes a picture or some of the data.
    for _ in 0..PIECES {
        match decoder.get_picture() {
            Ok(picture) => return Ok(picture),
            Err(Error::Again) if sent == Err(Error::Again) => sent = decoder.send_pending_data(),
            // The whole of the data was taken, and no picture was in it.
            Err(Error::Again) => return Err(sent.map_or_else(error, |()| cut_short())),
            Err(other) => return Err(error(other)),
        }
    }
    Err(damaged(phrase!(
        "damage-compressed-data-make-no-sense",
        "its compressed data cannot be read"
    )))
}

fn error(error: Error) -> ConvertError {
    match error {
        Error::NotEnoughMemory => ConvertError::internal("the AV1 decoder got no memory"),
        Error::UnsupportedBitstream => {
            unsupported(phrase!("source-rare-avif", "a rare kind of AVIF"))
        }
        _ => damaged(phrase!(
            "damage-compressed-data-make-no-sense",
            "its compressed data cannot be read"
        )),
    }
}

/// Interleaved components that are painted on.
pub(super) struct Canvas<S> {
    pub(super) samples: Vec<S>,
    pub(super) width: usize,
    pub(super) channels: usize,
}

impl<S> Canvas<S> {
    /// Returns a row from a column on; none below the last row or right of the last column.
    fn row(&mut self, y: usize, from: usize) -> Option<&mut [S]> {
        let length = self.width * self.channels;
        let row = self.samples.get_mut(y.checked_mul(length)?..)?.get_mut(..length)?;
        row.get_mut(from * self.channels..).filter(|rest| !rest.is_empty())
    }
}

/// What a stored number has to be moved and divided by to become a fraction.
#[derive(Clone, Copy)]
struct Levels {
    zero: f32,
    span: f32,
}

impl Levels {
    fn luma(bits: u8, full_range: bool) -> Self {
        let unit = f32::from(1_u16 << (bits - 8));
        if full_range {
            Self { zero: 0.0, span: 256.0 * unit - 1.0 }
        } else {
            Self { zero: 16.0 * unit, span: 219.0 * unit }
        }
    }

    fn chroma(bits: u8, full_range: bool) -> Self {
        let unit = f32::from(1_u16 << (bits - 8));
        let span = if full_range { 256.0 * unit - 1.0 } else { 224.0 * unit };
        Self { zero: 128.0 * unit, span }
    }
}

/// Reads as much of a row as there is place for.
fn read(plane: &[u8], start: usize, bits: u8, levels: Levels, into: &mut [f32]) {
    let row = plane.get(start..).unwrap_or_default();
    let fraction = |value: f32| (value - levels.zero) / levels.span;
    if bits == 8 {
        for (value, &byte) in into.iter_mut().zip(row) {
            *value = fraction(f32::from(byte));
        }
    } else {
        for (value, pair) in into.iter_mut().zip(row.as_chunks().0) {
            *value = fraction(f32::from(u16::from_ne_bytes(*pair)));
        }
    }
}

/// How three components become red, green and blue (ISO/IEC 23091-2, `MatrixCoefficients`).
#[derive(Clone, Copy)]
enum Matrix {
    /// They are green, blue, red.
    Identity,
    /// Luma and two differences; the weights of red and blue in the luma.
    Weights { red: f32, blue: f32 },
}

impl Matrix {
    fn of(cicp: Cicp) -> Result<Self, ConvertError> {
        let (red, blue) = match cicp.matrix {
            0 => return Ok(Self::Identity),
            1 => (0.2126, 0.0722),
            // 2 is “not said”; readers agree on BT.601.
            2 | 5 | 6 => (0.299, 0.114),
            4 => (0.30, 0.11),
            7 => (0.212, 0.087),
            9 => (0.2627, 0.0593),
            _ => {
                return Err(unsupported(phrase!(
                    "source-avif-rare-kind-colour-coding",
                    "an AVIF with a rare kind of colour coding"
                )));
            }
        };
        Ok(Self::Weights { red, blue })
    }

    fn turn(self, rows: &mut [Vec<f32>; 3]) {
        match self {
            Self::Identity => rows.rotate_right(1),
            Self::Weights { red, blue } => {
                let green = 1.0 - red - blue;
                let (to_red, to_blue) = (2.0 - 2.0 * red, 2.0 - 2.0 * blue);
                let [first, second, third] = rows;
                for ((y, cb), cr) in first.iter_mut().zip(second).zip(third) {
                    let (r, b) = (*y + to_red * *cr, *y + to_blue * *cb);
                    let g = (*y - red * r - blue * b) / green;
                    (*y, *cb, *cr) = (r, g, b);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f32, wanted: f32) -> bool {
        (found - wanted).abs() < 1e-5
    }

    /// H.273, equations 20 to 31: where black, white and the ends of the differences lie.
    #[test]
    fn ranges_end_where_the_standard_says() {
        for (bits, unit) in [(8, 1.0), (10, 4.0), (12, 16.0)] {
            let fraction = |levels: Levels, value: f32| (value - levels.zero) / levels.span;
            let luma = Levels::luma(bits, false);
            assert!(
                near(fraction(luma, 16.0 * unit), 0.0) && near(fraction(luma, 235.0 * unit), 1.0)
            );
            let chroma = Levels::chroma(bits, false);
            assert!(near(fraction(chroma, 16.0 * unit), -0.5));
            assert!(near(fraction(chroma, 128.0 * unit), 0.0));
            assert!(near(fraction(chroma, 240.0 * unit), 0.5));
            let full = Levels::luma(bits, true);
            let top = 256.0 * unit - 1.0;
            assert!(near(fraction(full, 0.0), 0.0) && near(fraction(full, top), 1.0));
            let chroma = Levels::chroma(bits, true);
            assert!(near(fraction(chroma, 128.0 * unit), 0.0));
            assert!(near(fraction(chroma, top), 0.5 - 0.5 / top));
        }
    }

    #[test]
    fn half_as_many_samples_lie_between_the_pixels() {
        let found: Vec<_> = (0..7).map(|position| neighbours(position, 4)).collect();
        assert_eq!(found, [(0, 0), (0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (3, 2)]);
        assert_eq!(neighbours(7, 4), (3, 3));
    }

    #[test]
    fn colours_come_back_with_the_weights_of_their_standard() {
        for (matrix, red, blue) in [
            (1, 0.2126, 0.0722),
            (2, 0.299, 0.114),
            (4, 0.30, 0.11),
            (5, 0.299, 0.114),
            (6, 0.299, 0.114),
            (7, 0.212, 0.087),
            (9, 0.2627, 0.0593),
        ] {
            let cicp = Cicp { primaries: 1, transfer: 13, matrix, full_range: true };
            for color in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.9, 0.4, 0.1]] {
                let [r, g, b]: [f32; 3] = color;
                let y = red * r + (1.0 - red - blue) * g + blue * b;
                let (cb, cr) = ((b - y) / (2.0 - 2.0 * blue), (r - y) / (2.0 - 2.0 * red));
                let mut rows = [vec![y], vec![cb], vec![cr]];
                Matrix::of(cicp).unwrap().turn(&mut rows);
                let back = rows.iter().flatten().zip(color).all(|(a, b)| near(*a, b));
                assert!(back, "{matrix}: {color:?} {rows:?}");
            }
        }
        for matrix in [3, 8, 10, 11, 14] {
            let cicp = Cicp { primaries: 1, transfer: 13, matrix, full_range: true };
            assert!(Matrix::of(cicp).is_err(), "{matrix}");
        }
    }
}
