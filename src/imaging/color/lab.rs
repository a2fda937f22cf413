//! CIE L\*a\*b\*, which some TIFF and PSD files hold, brought to sRGB while a file is read.
//!
//! A format's reader undoes its own encoding (offsets, signs, depths) and gives plain numbers, so
//! that the several encodings there are stay where they belong.

use lcms2::{CIExyY, Intent, PixelFormat, Profile, Transform};

use crate::imaging::ConvertError;
use crate::imaging::raster::Sample;

/// Pixels converted at once, to keep the memory small.
const AT_ONCE: usize = 4096;

/// The way from L\*a\*b\* of the connection space (D50) to sRGB, relative colorimetric.
pub struct LabToRgb {
    transform: Transform<[f32; 3], [f32; 3]>,
    /// Some pixels on their way.
    row: Vec<[f32; 3]>,
}

impl std::fmt::Debug for LabToRgb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LabToRgb").finish_non_exhaustive()
    }
}

impl LabToRgb {
    /// Makes the conversion.
    ///
    /// # Errors
    /// [`ConvertError::Internal`] when the colour library does not make it.
    pub fn new() -> Result<Self, ConvertError> {
        // Without a white point the library takes D50.
        let white = CIExyY { x: 0.3457, y: 0.3585, Y: 1.0 };
        let lab = Profile::new_lab4_context(lcms2::GlobalContext::new(), &white);
        let transform = lab.and_then(|lab| {
            Transform::new(
                &lab,
                PixelFormat::Lab_FLT,
                &Profile::new_srgb(),
                PixelFormat::RGB_FLT,
                Intent::RelativeColorimetric,
            )
        });
        let transform = transform.map_err(|error| ConvertError::internal(error.to_string()))?;
        Ok(Self { transform, row: Vec::new() })
    }

    /// Converts pixels of `channels` components, the first three of which are a colour; `numbers`
    /// says which. What follows them stays, brought to 16 bits.
    ///
    /// L\* is 0 to 100, a\* and b\* are −128 to 128; what lies outside of sRGB is clipped.
    pub(in crate::imaging) fn pixels<S: Sample>(
        &mut self,
        samples: &[S],
        channels: usize,
        numbers: impl Fn(&[S]) -> [f32; 3],
    ) -> Vec<u16> {
        let mut out = Vec::with_capacity(samples.len());
        let (mut colors, mut rgb) = (Vec::new(), Vec::new());
        for pixels in samples.chunks(channels * AT_ONCE) {
            colors.clear();
            rgb.clear();
            colors.extend(pixels.chunks_exact(channels).map(&numbers));
            self.convert(&colors, &mut rgb);
            for (pixel, rgb) in pixels.chunks_exact(channels).zip(rgb.as_chunks::<3>().0) {
                out.extend_from_slice(rgb);
                out.extend(pixel[3..].iter().map(|alpha| {
                    let alpha: f32 = (*alpha).into();
                    u16::round(alpha * (u16::TOP / S::TOP))
                }));
            }
        }
        out
    }

    /// Converts colours and appends red, green and blue of 16 bits each.
    fn convert(&mut self, lab: &[[f32; 3]], rgb: &mut Vec<u16>) {
        self.row.resize(lab.len(), [0.0; 3]);
        self.transform.transform_pixels(lab, &mut self.row);
        rgb.extend(self.row.iter().flatten().map(|v| u16::round(v * u16::TOP)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_colours_come_out_as_they_should() {
        // L*a*b* (D50) of sRGB's corners, to three digits.
        let cases = [
            ([100.0, 0.0, 0.0], [255, 255, 255]),
            ([0.0, 0.0, 0.0], [0, 0, 0]),
            ([53.585, 0.0, 0.0], [128, 128, 128]),
            ([54.291, 80.805, 69.891], [255, 0, 0]),
            ([87.819, -79.271, 80.994], [0, 255, 0]),
            ([29.568, 68.287, -112.030], [0, 0, 255]),
        ];
        let mut lab = LabToRgb::new().unwrap();
        for (from, to) in cases {
            let mut rgb = Vec::new();
            lab.convert(&[from], &mut rgb);
            let rgb: Vec<i32> = rgb.iter().map(|v| (i32::from(*v) + 128) / 257).collect();
            let off = rgb.iter().zip(to).all(|(a, b)| (a - b).abs() <= 1);
            assert!(off, "{from:?} {rgb:?} {to:?}");
        }
    }

    #[test]
    fn what_srgb_does_not_have_is_clipped() {
        let mut rgb = vec![7];
        LabToRgb::new().unwrap().convert(&[[50.0, -128.0, 128.0], [100.0, 0.0, 0.0]], &mut rgb);
        assert_eq!((rgb.len(), rgb[0], rgb[1], rgb[4]), (7, 7, 0, 65_535));
    }
}
