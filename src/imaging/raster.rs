//! The picture in memory.
//!
//! Components lie interleaved, row after row without padding, alpha last and not premultiplied. A
//! raster keeps the depth of its source: 16-bit pictures are reduced to 8 bits only when they are
//! written. Pictures are never empty: both sides are at least 1.

use std::sync::Arc;

use super::{PixelType, Size};

/// The components of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Samples {
    /// 8 bits each.
    Eight(Vec<u8>),
    /// 16 bits each.
    Sixteen(Vec<u16>),
}

/// A picture in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster {
    size: Size,
    pixel_type: PixelType,
    alpha: bool,
    samples: Samples,
    profile: Option<Arc<[u8]>>,
}

/// Whether the last component of a pixel is its opacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alpha {
    /// Colour alone; every pixel is opaque.
    None,
    /// The last component is the opacity, the colour is not multiplied by it.
    Straight,
}

impl Alpha {
    /// Makes one from a header's answer.
    #[must_use]
    pub const fn from_bool(present: bool) -> Self {
        if present { Self::Straight } else { Self::None }
    }
}

/// One component of a pixel: `u8` or `u16`.
pub(crate) trait Sample:
    Copy + Default + Ord + Into<f32> + Into<usize> + Send + Sync + 'static
{
    /// Full intensity.
    const MAX: Self;
    /// Full intensity as a number.
    const TOP: f32;

    /// Rounds half up and clamps.
    fn round(value: f32) -> Self;

    /// Scales a value of 0–255.
    fn widen(value: u8) -> Self;

    /// Multiplies two values as fractions of [`Self::MAX`], rounded to nearest.
    fn times(self, other: Self) -> Self;

    /// Returns full intensity minus this.
    fn inverted(self) -> Self;

    /// Appends the bytes as they lie in memory.
    fn put(self, bytes: &mut Vec<u8>);

    /// Reads the bytes back; 0 when there are not enough.
    fn take(bytes: &[u8]) -> Self;

    /// Wraps components of this depth.
    fn wrap(samples: Vec<Self>) -> Samples;
}

impl Sample for u8 {
    const MAX: Self = Self::MAX;
    const TOP: f32 = 255.0;

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    fn round(value: f32) -> Self {
        (value + 0.5).clamp(0.0, Self::TOP) as Self
    }

    fn widen(value: u8) -> Self {
        value
    }

    #[expect(clippy::cast_possible_truncation, reason = "a product of fractions is a fraction")]
    fn times(self, other: Self) -> Self {
        ((u32::from(self) * u32::from(other) + 127) / 255) as Self
    }

    fn inverted(self) -> Self {
        Self::MAX - self
    }

    fn put(self, bytes: &mut Vec<u8>) {
        bytes.push(self);
    }

    fn take(bytes: &[u8]) -> Self {
        bytes.first().copied().unwrap_or_default()
    }

    fn wrap(samples: Vec<Self>) -> Samples {
        Samples::Eight(samples)
    }
}

impl Sample for u16 {
    const MAX: Self = Self::MAX;
    const TOP: f32 = 65_535.0;

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    fn round(value: f32) -> Self {
        (value + 0.5).clamp(0.0, Self::TOP) as Self
    }

    fn widen(value: u8) -> Self {
        Self::from(value) * 257
    }

    #[expect(clippy::cast_possible_truncation, reason = "a product of fractions is a fraction")]
    fn times(self, other: Self) -> Self {
        ((u64::from(self) * u64::from(other) + 32_767) / 65_535) as Self
    }

    fn inverted(self) -> Self {
        Self::MAX - self
    }

    fn put(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_ne_bytes());
    }

    fn take(bytes: &[u8]) -> Self {
        bytes.first_chunk().copied().map(Self::from_ne_bytes).unwrap_or_default()
    }

    fn wrap(samples: Vec<Self>) -> Samples {
        Samples::Sixteen(samples)
    }
}

/// Runs one generic expression on the components, whatever their depth.
macro_rules! each_depth {
    ($samples:expr, $name:ident => $body:expr) => {
        match $samples {
            $crate::imaging::raster::Samples::Eight($name) => $body,
            $crate::imaging::raster::Samples::Sixteen($name) => $body,
        }
    };
}
pub(crate) use each_depth;

/// The length of a buffer whose length is known not to fit the size it should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a picture of {wanted} components has {found}")]
pub struct WrongLength {
    /// Components the size asks for.
    pub wanted: u64,
    /// Components there are.
    pub found: u64,
}

impl Raster {
    /// Makes a picture from its components.
    ///
    /// # Errors
    /// [`WrongLength`] when there are more or fewer than the size asks for, or none.
    pub fn new(
        size: Size,
        pixel_type: PixelType,
        alpha: Alpha,
        samples: Samples,
    ) -> Result<Self, WrongLength> {
        let alpha = alpha == Alpha::Straight;
        let channels = pixel_type.components() as u64 + u64::from(alpha);
        let wanted = size.pixels().saturating_mul(channels);
        let found = each_depth!(&samples, s => s.len()) as u64;
        if wanted != found || wanted == 0 {
            return Err(WrongLength { wanted, found });
        }
        Ok(Self { size, pixel_type, alpha, samples, profile: None })
    }

    /// Returns a picture of other components and size that is like this one in everything else.
    pub(crate) fn with_samples(&self, size: Size, samples: Samples) -> Self {
        debug_assert_eq!(
            each_depth!(&samples, s => s.len()),
            as_usize(size.width) * as_usize(size.height) * self.channels()
        );
        Self { size, samples, profile: self.profile.clone(), ..*self }
    }

    /// Returns a picture of the same size whose pixels mean something else; it has no profile.
    pub(crate) fn retyped(&self, pixel_type: PixelType, alpha: Alpha, samples: Samples) -> Self {
        Self::checked(self.size, pixel_type, alpha, samples)
    }

    /// Returns a picture of the same type, but another size and alpha; it has no profile.
    pub(crate) fn reshaped(&self, size: Size, alpha: Alpha, samples: Samples) -> Self {
        Self::checked(size, self.pixel_type, alpha, samples)
    }

    fn checked(size: Size, pixel_type: PixelType, alpha: Alpha, samples: Samples) -> Self {
        let alpha = alpha == Alpha::Straight;
        let made = Self { size, pixel_type, alpha, samples, profile: None };
        debug_assert_eq!(
            each_depth!(&made.samples, s => s.len()),
            made.width() * made.height() * made.channels()
        );
        made
    }

    /// Attaches the colour profile that gives the components their meaning.
    #[must_use]
    pub fn with_profile(mut self, profile: Option<Arc<[u8]>>) -> Self {
        self.profile = profile;
        self
    }

    /// Returns width and height.
    #[must_use]
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Returns the meaning of the colour components.
    #[must_use]
    pub const fn pixel_type(&self) -> PixelType {
        self.pixel_type
    }

    /// Tells whether there is an alpha component.
    #[must_use]
    pub const fn has_alpha(&self) -> bool {
        self.alpha
    }

    /// Counts the components of a pixel, alpha included: 1 to 5.
    #[must_use]
    pub const fn channels(&self) -> usize {
        self.pixel_type.components() + self.alpha as usize
    }

    /// Returns how many bytes a pixel takes once it has alpha.
    pub(crate) const fn bytes_per_pixel(&self) -> u64 {
        let depth = match self.samples {
            Samples::Eight(_) => 1,
            Samples::Sixteen(_) => 2,
        };
        (self.pixel_type.components() as u64 + 1) * depth
    }

    /// Returns the components.
    #[must_use]
    pub const fn samples(&self) -> &Samples {
        &self.samples
    }

    pub(crate) const fn samples_mut(&mut self) -> &mut Samples {
        &mut self.samples
    }

    #[cfg(test)]
    pub(crate) fn into_samples(self) -> Samples {
        self.samples
    }

    /// Returns the embedded colour profile.
    #[must_use]
    pub const fn profile(&self) -> Option<&Arc<[u8]>> {
        self.profile.as_ref()
    }

    /// Returns the width as an index.
    pub(crate) fn width(&self) -> usize {
        as_usize(self.size.width)
    }

    /// Returns the height as an index.
    pub(crate) fn height(&self) -> usize {
        as_usize(self.size.height)
    }

    /// Tells whether nothing of the picture is transparent.
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        fn full<S: Sample>(samples: &[S], channels: usize) -> bool {
            samples.chunks_exact(channels).all(|pixel| pixel[channels - 1] == S::MAX)
        }
        !self.alpha || each_depth!(&self.samples, s => full(s, self.channels()))
    }

    /// Adds an opaque alpha component where there is none.
    #[must_use]
    pub fn with_alpha(self) -> Self {
        fn add<S: Sample>(samples: &[S], channels: usize) -> Samples {
            let mut out = Vec::with_capacity(samples.len() / channels * (channels + 1));
            for pixel in samples.chunks_exact(channels) {
                out.extend_from_slice(pixel);
                out.push(S::MAX);
            }
            S::wrap(out)
        }
        if self.alpha {
            return self;
        }
        let samples = each_depth!(&self.samples, s => add(s, self.channels()));
        Self { samples, alpha: true, ..self }
    }

    /// Drops the alpha component; the colour stays as it is.
    #[must_use]
    pub fn without_alpha(self) -> Self {
        fn drop<S: Sample>(mut samples: Vec<S>, channels: usize) -> Samples {
            let pixels = samples.len() / channels;
            for pixel in 0..pixels {
                let from = pixel * channels;
                samples.copy_within(from..from + channels - 1, pixel * (channels - 1));
            }
            samples.truncate(pixels * (channels - 1));
            S::wrap(samples)
        }
        if !self.alpha {
            return self;
        }
        let channels = self.channels();
        let samples = each_depth!(self.samples, s => drop(s, channels));
        Self { samples, alpha: false, ..self }
    }

    /// Reduces 16 bits to 8, rounded to nearest.
    #[must_use]
    pub fn to_eight(self) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "65,535 becomes 255")]
        fn reduce(v: u16) -> u8 {
            ((u32::from(v) * 255 + 32_767) / 65_535) as u8
        }
        match self.samples {
            Samples::Eight(_) => self,
            Samples::Sixteen(wide) => {
                let samples = Samples::Eight(wide.into_iter().map(reduce).collect());
                Self { samples, ..self }
            }
        }
    }
}

/// Turns a count of pixels into an index; exact on every platform this builds for.
pub(crate) const fn as_usize(n: u32) -> usize {
    n as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(width: u32, height: u32, samples: Vec<u8>) -> Result<Raster, WrongLength> {
        let size = Size::new(width, height);
        Raster::new(size, PixelType::Gray, Alpha::None, Samples::Eight(samples))
    }

    #[test]
    fn lengths_are_checked() {
        assert!(gray(2, 2, vec![0; 4]).is_ok());
        assert_eq!(gray(2, 2, vec![0; 5]), Err(WrongLength { wanted: 4, found: 5 }));
        assert_eq!(gray(0, 2, vec![]), Err(WrongLength { wanted: 0, found: 0 }));
    }

    #[test]
    fn alpha_comes_and_goes() {
        let picture = gray(3, 1, vec![1, 2, 3]).unwrap();
        let with = picture.clone().with_alpha();
        assert_eq!(with.samples(), &Samples::Eight(vec![1, 255, 2, 255, 3, 255]));
        assert!(with.is_opaque());
        assert_eq!(with.without_alpha(), picture);
    }

    #[test]
    fn sixteen_bits_become_eight_and_ends_stay_ends() {
        let wide = Samples::Sixteen(vec![0, 128, 129, 257, 65_535]);
        let size = Size::new(5, 1);
        let picture = Raster::new(size, PixelType::Gray, Alpha::None, wide).unwrap();
        assert_eq!(picture.to_eight().samples(), &Samples::Eight(vec![0, 0, 1, 1, 255]));
        for v in 0..=255_u8 {
            let size = Size::new(1, 1);
            let wide = Samples::Sixteen(vec![u16::widen(v)]);
            let one = Raster::new(size, PixelType::Gray, Alpha::None, wide).unwrap();
            assert_eq!(one.to_eight().samples(), &Samples::Eight(vec![v]));
        }
    }
}
