//! Resampling: the one operation nearly every reply needs.
//!
//! The filter's support grows with the reduction; enlarging uses it as it is. Pixel centres are
//! at halves, so nothing is shifted. Taps that fall outside the area are left out and the others
//! weighted up. Values are those of the file (not linear light), on premultiplied alpha.
//!
//! Where alpha ends abruptly, a filter with negative weights makes more of it than there can be,
//! and of the premultiplied colour with it. Both are divided before either is cut off: a picture of
//! one colour keeps it up to the edge.

use std::ops::Range;

use bytemuck::Pod;
use fast_image_resize::images::{CroppedImage, Image, ImageRef};
use fast_image_resize::{
    Filter, FilterType, IntoImageView, PixelType as Pixels, ResizeAlg, ResizeOptions, Resizer,
};

use super::super::angle::sin_cos_degrees;
use super::super::hands::Hands;
use super::super::plan::{Area, Kernel};
use super::super::raster::{Raster, Sample, Samples, as_usize, each_depth};
use super::super::{ConvertError, Size};
use super::place::place;

mod passes;

/// Full opacity while it is resampled: half of what 16 bits hold, the rest is for overshoot.
const OPAQUE: f32 = 32_768.0;

/// A resampler that keeps its buffers from one picture to the next.
#[derive(Debug, Default)]
pub struct Resampler<'h> {
    resizer: Resizer,
    hands: Hands<'h>,
}

impl<'h> Resampler<'h> {
    /// Makes one that several threads work with; what it makes is the same.
    #[must_use]
    pub fn by(hands: Hands<'h>) -> Self {
        Self { resizer: Resizer::default(), hands }
    }
}

/// Resamples `from` to exactly `to` pixels.
///
/// An area of whole pixels that already has the size is cut out unchanged.
///
/// # Errors
/// [`ConvertError::Internal`] when the area is not inside the picture.
pub fn resample(
    resampler: &mut Resampler<'_>,
    picture: &Raster,
    from: Area,
    to: Size,
    kernel: Kernel,
) -> Result<Raster, ConvertError> {
    let window = Window::around(from, picture.size())
        .ok_or_else(|| ConvertError::internal("an area outside its picture"))?;
    let Window { left, top, size, inner } = window;
    if size == to && inner == window.whole() {
        return Ok(place(picture, -i64::from(left), -i64::from(top), to));
    }
    let Resampler { resizer, hands } = resampler;
    let job = Job { resizer, hands: *hands, window, to, filter: filter(kernel)? };
    job.run(picture).map_err(|error| ConvertError::internal(error.to_string()))
}

/// The whole pixels an area touches, and the area inside them.
#[derive(Clone, Copy)]
struct Window {
    left: u32,
    top: u32,
    size: Size,
    inner: Area,
}

impl Window {
    fn around(area: Area, picture: Size) -> Option<Self> {
        let (left, width, x, w) = Self::side(area.x, area.width, picture.width)?;
        let (top, height, y, h) = Self::side(area.y, area.height, picture.height)?;
        let inner = Area { x, y, width: w, height: h };
        Some(Self { left, top, size: Size::new(width, height), inner })
    }

    /// Returns the area that is all of the window.
    fn whole(&self) -> Area {
        let Size { width, height } = self.size;
        Area { x: 0.0, y: 0.0, width: f64::from(width), height: f64::from(height) }
    }

    /// Returns first pixel, count of pixels, and start and length inside them.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    fn side(start: f64, length: f64, whole: u32) -> Option<(u32, u32, f64, f64)> {
        const ROUNDING: f64 = 1e-6;
        let most = f64::from(whole);
        let inside = start >= -ROUNDING && length > 0.0 && start + length <= most + ROUNDING;
        if !inside {
            return None;
        }
        // What is within a rounding error of a whole pixel is that pixel.
        let snap = |v: f64| if (v - v.round()).abs() < ROUNDING { v.round() } else { v };
        let (start, end) = (snap(start).clamp(0.0, most), snap(start + length).clamp(0.0, most));
        let (first, last) = (start.floor(), end.ceil());
        (end > start).then_some((first as u32, (last - first) as u32, start - first, end - start))
    }
}

fn filter(kernel: Kernel) -> Result<FilterType, ConvertError> {
    // Lanczos comes from here because the platform's sine must not decide about pixels.
    let (name, function, support): (_, fn(f64) -> f64, _) = match kernel {
        Kernel::Bilin => return Ok(FilterType::Bilinear),
        Kernel::Bicub => return Ok(FilterType::CatmullRom),
        Kernel::Sharp2 => ("sharp2", lanczos3, 3.0),
        Kernel::Bisharp => ("bisharp", bisharp, 2.0),
    };
    Filter::new(name, function, support)
        .map(FilterType::Custom)
        .map_err(|error| ConvertError::internal(error.to_string()))
}

/// Lanczos with three lobes: sinc(x)·sinc(x/3), by one sine: sin 3a = 3 sin a − 4 sin³ a.
fn lanczos3(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    if x.abs() >= 3.0 {
        return 0.0;
    }
    let third = sin_cos_degrees(60.0 * x).0;
    let whole = third * (3.0 - 4.0 * third * third);
    3.0 * whole * third / (std::f64::consts::PI * x).powi(2)
}

/// The cubic with a = −0.75 (Keys 1981).
fn bisharp(x: f64) -> f64 {
    super::rotate::cubic(x, -0.75)
}

struct Job<'a> {
    resizer: &'a mut Resizer,
    hands: Hands<'a>,
    window: Window,
    to: Size,
    filter: FilterType,
}

type Resized<T> = Result<T, Box<dyn std::error::Error>>;

impl Job<'_> {
    fn run(mut self, picture: &Raster) -> Resized<Raster> {
        let channels = picture.channels();
        let weigh = picture.has_alpha() && !picture.is_opaque();
        // The resizer knows no pixels of five, whether anything is transparent or not.
        let samples = if weigh || channels > 4 {
            each_depth!(picture.samples(), s => self.weighed(s, picture)?)
        } else {
            let at = channels - 1;
            match picture.samples() {
                Samples::Eight(s) => {
                    let pixels = [Pixels::U8, Pixels::U8x2, Pixels::U8x3, Pixels::U8x4][at];
                    Samples::Eight(self.plain(s, picture, pixels)?)
                }
                Samples::Sixteen(s) => {
                    let pixels = [Pixels::U16, Pixels::U16x2, Pixels::U16x3, Pixels::U16x4][at];
                    Samples::Sixteen(self.plain(s, picture, pixels)?)
                }
            }
        };
        Ok(picture.with_samples(self.to, samples))
    }

    /// Resamples components as they lie.
    fn plain<S: Sample + Pod>(
        &mut self,
        samples: &[S],
        picture: &Raster,
        pixels: Pixels,
    ) -> Resized<Vec<S>> {
        let Size { width, height } = picture.size();
        let source = ImageRef::new(width, height, bytemuck::cast_slice(samples), pixels)?;
        let Window { left, top, size, .. } = self.window;
        let view = CroppedImage::new(&source, left, top, size.width, size.height)?;
        let room = as_usize(self.to.width) * as_usize(self.to.height) * picture.channels();
        let mut made = vec![S::default(); room];
        let bytes = bytemuck::cast_slice_mut(&mut made);
        let mut out = Image::from_slice_u8(self.to.width, self.to.height, bytes, pixels)?;
        self.resize(&view, &mut out)?;
        Ok(made)
    }

    /// Resamples premultiplied colour with alpha, the fifth component by itself.
    fn weighed<S: Sample>(&mut self, samples: &[S], picture: &Raster) -> Resized<Samples> {
        let (channels, alpha) = (picture.channels(), picture.channels() - 1);
        let weight = OPAQUE / (S::TOP * S::TOP);
        let premultiplied = |pixel: &[S], n: usize| {
            let opacity: f32 = pixel[alpha].into();
            let value: f32 = if n == alpha { S::TOP } else { pixel[n].into() };
            u16::round(value * opacity * weight)
        };
        let cut = channels.min(4);
        let first = self.words(picture, samples, 0..cut, premultiplied);
        let first: Vec<u16> = self.resized(&first)?;
        let rest: Vec<u16> = if cut < channels {
            let rest = self.words(picture, samples, cut..channels, premultiplied);
            self.resized(&rest)?
        } else {
            Vec::new()
        };
        let mut out = Vec::with_capacity(first.len() / cut * channels);
        for (n, pixel) in first.chunks_exact(cut).enumerate() {
            let opacity = f32::from(rest.get(n).copied().unwrap_or(pixel[cut - 1]));
            let share = if opacity > 0.0 { S::TOP / opacity } else { 0.0 };
            out.extend(pixel[..alpha].iter().map(|&v| S::round(f32::from(v) * share)));
            out.push(S::round(opacity * S::TOP / OPAQUE));
        }
        Ok(S::wrap(out))
    }

    /// Copies some components of the window; the resizer takes them as bytes.
    fn words<S: Sample>(
        &self,
        picture: &Raster,
        samples: &[S],
        part: Range<usize>,
        value: impl Fn(&[S], usize) -> u16 + Sync,
    ) -> Image<'static> {
        let pixels = [Pixels::U16, Pixels::U16x2, Pixels::U16x3, Pixels::U16x4][part.len() - 1];
        let Window { left, top, size, .. } = self.window;
        let mut out = Image::new(size.width, size.height, pixels);
        let channels = picture.channels();
        let given = picture.width() * channels;
        let row = as_usize(size.width) * part.len() * 2;
        let band = self.hands.band(as_usize(size.height));
        let bands = samples[as_usize(top) * given..].chunks(given * band);
        self.hands.each(out.buffer_mut().chunks_mut(row * band).zip(bands), |(to, from)| {
            for (to, from) in to.chunks_exact_mut(row).zip(from.chunks_exact(given)) {
                let from = from[as_usize(left) * channels..].chunks_exact(channels);
                for (to, pixel) in to.chunks_exact_mut(part.len() * 2).zip(from) {
                    for (to, n) in to.as_chunks_mut().0.iter_mut().zip(part.clone()) {
                        *to = value(pixel, n).to_ne_bytes();
                    }
                }
            }
        });
        out
    }

    fn resized(&mut self, source: &Image<'_>) -> Resized<Vec<u16>> {
        let mut out = Image::new(self.to.width, self.to.height, source.pixel_type());
        self.resize(source, &mut out)?;
        Ok(out.buffer().as_chunks().0.iter().map(|pair| u16::from_ne_bytes(*pair)).collect())
    }

    fn resize(&mut self, source: &impl IntoImageView, out: &mut Image<'_>) -> Resized<()> {
        let crop = self.window.inner;
        if !self.hands.is_alone() {
            return passes::resize(
                source,
                out,
                passes::Way { crop, filter: self.filter, hands: self.hands },
            );
        }
        let Area { x, y, width, height } = crop;
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(self.filter))
            .crop(x, y, width, height)
            .use_alpha(false);
        Ok(self.resizer.resize(source, out, &options)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::PixelType;
    use crate::imaging::raster::Alpha;

    #[test]
    fn the_sine_of_lanczos_is_the_sine() {
        assert!((lanczos3(0.5) - 0.607_927_101_854_026_6).abs() < 1e-15);
        assert!((lanczos3(-1.5) + 0.135_094_911_523_117).abs() < 1e-14);
        assert!(lanczos3(1.0).abs() < 1e-15 && lanczos3(3.0) == 0.0);
    }

    #[test]
    fn an_area_outside_is_refused() {
        let samples = Samples::Eight(vec![0; 4]);
        let picture = Raster::new(Size::new(2, 2), PixelType::Gray, Alpha::None, samples).unwrap();
        for (x, width) in [(0.0, 2.1), (-0.1, 1.0), (1.0, 0.0), (f64::NAN, 1.0)] {
            let from = Area { x, y: 0.0, width, height: 2.0 };
            let to = Size::new(1, 1);
            let done = resample(&mut Resampler::default(), &picture, from, to, Kernel::Bicub);
            assert!(done.is_err(), "{x} {width}");
        }
    }

    #[test]
    fn pixels_outside_the_area_do_not_bleed_in() {
        // White left of the area, black in it.
        let samples = Samples::Eight([vec![255; 8], vec![0; 8]].concat());
        let picture = Raster::new(Size::new(16, 1), PixelType::Gray, Alpha::None, samples).unwrap();
        let from = Area { x: 8.0, y: 0.0, width: 8.0, height: 1.0 };
        for kernel in [Kernel::Bilin, Kernel::Bicub, Kernel::Sharp2, Kernel::Bisharp] {
            let mut resampler = Resampler::default();
            let part = resample(&mut resampler, &picture, from, Size::new(4, 1), kernel).unwrap();
            assert_eq!(part.samples(), &Samples::Eight(vec![0; 4]), "{kernel:?}");
        }
    }

    #[test]
    fn colours_of_transparent_pixels_do_not_bleed() {
        let samples = Samples::Eight(vec![255, 0, 0, 255, 0, 255, 0, 0]);
        let picture =
            Raster::new(Size::new(2, 1), PixelType::Rgb, Alpha::Straight, samples).unwrap();
        let from = Area { x: 0.0, y: 0.0, width: 2.0, height: 1.0 };
        let one =
            resample(&mut Resampler::default(), &picture, from, Size::new(1, 1), Kernel::Bilin);
        assert_eq!(one.unwrap().samples(), &Samples::Eight(vec![255, 0, 0, 128]));
    }

    #[test]
    fn the_edge_of_a_cut_out_keeps_its_colour() {
        let row = [[200, 100, 40, 9, 255]; 6].into_iter().chain([[0, 0, 0, 255, 0]; 6]);
        let samples = Samples::Eight(row.flatten().collect());
        let size = Size::new(12, 1);
        let cmyk = Raster::new(size, PixelType::Cmyk, Alpha::Straight, samples).unwrap();
        let from = Area { x: 0.0, y: 0.0, width: 12.0, height: 1.0 };
        for kernel in [Kernel::Bilin, Kernel::Bicub, Kernel::Sharp2, Kernel::Bisharp] {
            let mut resampler = Resampler::default();
            let made = resample(&mut resampler, &cmyk, from, Size::new(31, 1), kernel).unwrap();
            let Samples::Eight(samples) = made.samples() else { panic!("16 bits") };
            let pixels = samples.as_chunks::<5>().0;
            let seen: Vec<_> = pixels.iter().filter(|pixel| pixel[4] > 3).collect();
            assert!(seen.len() >= 15 && seen.len() <= 18, "{kernel:?}: {pixels:?}");
            for pixel in seen {
                for (found, wanted) in pixel.iter().zip([200, 100, 40, 9]) {
                    assert!(found.abs_diff(wanted) <= 1, "{kernel:?}: {pixel:?}");
                }
            }
        }
    }
}
