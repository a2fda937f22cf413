//! CIE L\*a\*b\*, which some TIFF and PSD files hold, brought to sRGB while a file is read.
//!
//! A format's reader undoes its own encoding (offsets, signs, depths) and gives plain numbers, so
//! that the several encodings there are stay where they belong.

use lcms2::{CIExyY, Intent, PixelFormat, Profile, Transform};

use crate::imaging::ConvertError;
use crate::imaging::raster::Sample;

/// The way from L\*a\*b\* of the connection space (D50) to sRGB, relative colorimetric.
pub struct LabToRgb {
    transform: Transform<[f32; 3], [f32; 3]>,
    /// One row on its way.
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

    /// Converts pixels and appends red, green and blue of 16 bits each.
    ///
    /// L\* is 0 to 100, a\* and b\* are −128 to 128; what lies outside of sRGB is clipped. A row or
    /// a strip at a time keeps the memory small.
    pub fn convert(&mut self, lab: &[[f32; 3]], rgb: &mut Vec<u16>) {
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
