//! Resampling: the one operation nearly every reply needs.
//!
//! The filter's support grows with the reduction; enlarging uses it as it is. Pixel centres are
//! at halves, so nothing is shifted. Taps that fall outside the area are left out and the others
//! weighted up. Values are those of the file (not linear light), on premultiplied alpha.

use fast_image_resize::images::{CroppedImage, Image, ImageRef};
use fast_image_resize::{
    Filter, FilterType, IntoImageView, PixelType as Pixels, ResizeAlg, ResizeOptions, Resizer,
};

use super::super::plan::{Area, Kernel};
use super::super::raster::{Raster, Sample, Samples, as_usize};
use super::super::{ConvertError, PixelType, Size};
use super::place::place;
use super::rotate::sin_cos_degrees;

/// A resampler that keeps its buffers from one picture to the next.
#[derive(Debug, Default)]
pub struct Resampler(Resizer);

/// Resamples `from` to exactly `to` pixels.
///
/// An area of whole pixels that already has the size is cut out unchanged.
///
/// # Errors
/// [`ConvertError::Internal`] when the area is not inside the picture.
pub fn resample(
    resampler: &mut Resampler,
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
    let job = Job { resizer: &mut resampler.0, window, to, filter: filter(kernel)? };
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

/// Lanczos with three lobes: sinc(x)·sinc(x/3).
fn lanczos3(x: f64) -> f64 {
    fn sinc(x: f64) -> f64 {
        if x == 0.0 { 1.0 } else { sin_cos_degrees(180.0 * x).0 / (std::f64::consts::PI * x) }
    }
    if x.abs() < 3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

/// The cubic with a = −0.75 (Keys 1981).
fn bisharp(x: f64) -> f64 {
    super::rotate::cubic(x, -0.75)
}

struct Job<'a> {
    resizer: &'a mut Resizer,
    window: Window,
    to: Size,
    filter: FilterType,
}

/// Resamples a picture of one to four components; the flag weighs the first by the last.
type Plane<J, S> = fn(&mut J, &[S], &Raster, usize, bool) -> Resized<Vec<S>>;

type Resized<T> = Result<T, Box<dyn std::error::Error>>;

impl Job<'_> {
    fn run(mut self, picture: &Raster) -> Resized<Raster> {
        let weigh = picture.has_alpha() && !picture.is_opaque();
        let samples = match (picture.samples(), picture.channels()) {
            (Samples::Eight(s), 5) => Samples::Eight(self.five(s, picture, Self::eight)?),
            (Samples::Sixteen(s), 5) => Samples::Sixteen(self.five(s, picture, Self::sixteen)?),
            (Samples::Eight(s), n) => Samples::Eight(self.eight(s, picture, n, weigh)?),
            (Samples::Sixteen(s), n) => Samples::Sixteen(self.sixteen(s, picture, n, weigh)?),
        };
        Ok(picture.with_samples(self.to, samples))
    }

    fn eight(
        &mut self,
        samples: &[u8],
        picture: &Raster,
        channels: usize,
        weigh: bool,
    ) -> Resized<Vec<u8>> {
        let pixels = [Pixels::U8, Pixels::U8x2, Pixels::U8x3, Pixels::U8x4][channels - 1];
        let Size { width, height } = picture.size();
        let source = ImageRef::new(width, height, samples, pixels)?;
        let Window { left, top, size, .. } = self.window;
        let view = CroppedImage::new(&source, left, top, size.width, size.height)?;
        let room = as_usize(self.to.width) * as_usize(self.to.height) * channels;
        let mut out = Image::from_vec_u8(self.to.width, self.to.height, vec![0; room], pixels)?;
        self.resize(&view, &mut out, weigh)?;
        Ok(out.into_vec())
    }

    /// As [`Self::eight`]; the resizer takes bytes, so the window is copied once.
    fn sixteen(
        &mut self,
        samples: &[u16],
        picture: &Raster,
        channels: usize,
        weigh: bool,
    ) -> Resized<Vec<u16>> {
        let pixels = [Pixels::U16, Pixels::U16x2, Pixels::U16x3, Pixels::U16x4][channels - 1];
        let Window { left, top, size, .. } = self.window;
        let mut source = Image::new(size.width, size.height, pixels);
        let row = as_usize(size.width) * channels;
        let rows = samples.chunks_exact(picture.width() * channels).skip(as_usize(top));
        for (to, from) in source.buffer_mut().chunks_exact_mut(row * 2).zip(rows) {
            let from = &from[as_usize(left) * channels..][..row];
            for (to, from) in to.as_chunks_mut::<2>().0.iter_mut().zip(from) {
                *to = from.to_ne_bytes();
            }
        }
        let mut out = Image::new(self.to.width, self.to.height, pixels);
        self.resize(&source, &mut out, weigh)?;
        drop(source);
        Ok(out.buffer().as_chunks().0.iter().map(|pair| u16::from_ne_bytes(*pair)).collect())
    }

    /// CMYK with alpha: the resizer knows no pixels of five, so colour and alpha go separately.
    fn five<S: Sample>(
        &mut self,
        samples: &[S],
        picture: &Raster,
        one: Plane<Self, S>,
    ) -> Resized<Vec<S>> {
        debug_assert_eq!(picture.pixel_type(), PixelType::Cmyk);
        let pixels = samples.as_chunks::<5>().0;
        let inks: Vec<S> =
            pixels.iter().flat_map(|&[c, m, y, k, a]| [c, m, y, k].map(|v| v.times(a))).collect();
        let inks = one(self, &inks, picture, 4, false)?;
        let alpha: Vec<S> = pixels.iter().map(|pixel| pixel[4]).collect();
        let alpha = one(self, &alpha, picture, 1, false)?;
        let mut out = Vec::with_capacity(alpha.len() * 5);
        for (ink, a) in inks.as_chunks::<4>().0.iter().zip(alpha) {
            let opacity: f32 = a.into();
            out.extend(ink.map(|v| {
                let v: f32 = v.into();
                if opacity > 0.0 { S::round(v * S::TOP / opacity) } else { S::default() }
            }));
            out.push(a);
        }
        Ok(out)
    }

    fn resize(&mut self, source: &impl IntoImageView, out: &mut Image, weigh: bool) -> Resized<()> {
        let Area { x, y, width, height } = self.window.inner;
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(self.filter))
            .crop(x, y, width, height)
            .use_alpha(weigh);
        Ok(self.resizer.resize(source, out, &options)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
}
