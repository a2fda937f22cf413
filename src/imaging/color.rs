//! The meaning of components: colour profiles and conversions between gray, RGB and CMYK.
//!
//! The space of every reply is sRGB for RGB and sRGB's tone curve for gray; CMYK has no space of
//! its own. A source's embedded profile is honoured (relative colorimetric, black-point
//! compensation) wherever a picture leaves its space; a profile that cannot be read, or is not
//! for the picture's type, is treated as if it were not there. Where there is no profile the
//! conversion is naïve:
//!
//! - gray from RGB: luma with the weights of Rec. 601, 0.299 R + 0.587 G + 0.114 B, as in JPEG
//! - RGB from CMYK: R = (1 − C)(1 − K), and so on
//! - CMYK from RGB: K = min(1 − R, 1 − G, 1 − B), C = (1 − R − K)/(1 − K), and so on, which is
//!   exactly undone by the line above
//!
//! Everything here is the same on every run: the tables come from one library that is linked
//! statically, and the profiles that are made carry a fixed date.

use std::fmt;

use lcms2::{
    CIExyY, ColorSpaceSignature, Flags, InfoType, Intent, Locale, PixelFormat, Profile, ToneCurve,
    Transform,
};

use super::plan::Color;
use super::raster::{Alpha, Raster, Sample, Samples, each_depth};
use super::{ConvertError, PixelType};

mod lab;

pub use lab::LabToRgb;

/// What the components of one source mean, and the conversions made for it so far.
pub struct Colors {
    source: Source,
    transforms: Vec<(Route, Transform<u8, u8>)>,
}

enum Source {
    /// No profile, or one that is sRGB in effect.
    Plain,
    Managed(Box<Profile>),
}

/// From where to where a transform leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Route {
    from: PixelType,
    to: PixelType,
    /// Bytes per component.
    depth: usize,
}

impl fmt::Debug for Colors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes: Vec<_> = self.transforms.iter().map(|(route, _)| route).collect();
        let managed = matches!(self.source, Source::Managed(_));
        f.debug_struct("Colors").field("managed", &managed).field("routes", &routes).finish()
    }
}

impl Colors {
    /// Looks at the profile of a source.
    #[must_use]
    pub fn of(profile: Option<&[u8]>, pixel_type: PixelType) -> Self {
        // A profile may open and still lack what a conversion needs: the first conversion is made
        // here, and kept for the picture.
        let route = Route { from: pixel_type, to: PixelType::Rgb, depth: 1 };
        let managed = profile.and_then(|bytes| open(bytes, pixel_type)).and_then(|profile| {
            let transform = make(&profile, route).ok()?;
            Some((profile, transform))
        });
        match managed {
            Some((_, transform)) if pixel_type == PixelType::Rgb && is_identity(&transform) => {
                Self { source: Source::Plain, transforms: Vec::new() }
            }
            Some((profile, transform)) => Self {
                source: Source::Managed(Box::new(profile)),
                transforms: vec![(route, transform)],
            },
            None => Self { source: Source::Plain, transforms: Vec::new() },
        }
    }

    /// Converts a picture of this source to the space of replies; CMYK that stays CMYK keeps its
    /// components and its profile.
    ///
    /// # Errors
    /// [`ConvertError::Internal`] when the colour library refuses a profile it accepted before.
    pub fn to_output(
        &mut self,
        picture: Raster,
        wanted: PixelType,
    ) -> Result<Raster, ConvertError> {
        let found = picture.pixel_type();
        if found == PixelType::Cmyk && wanted == PixelType::Cmyk {
            return Ok(picture);
        }
        let picture = if picture.profile().is_some() {
            // Gray stays gray on the way; everything else goes through sRGB.
            let to = if found == PixelType::Gray && wanted == PixelType::Gray {
                PixelType::Gray
            } else {
                PixelType::Rgb
            };
            self.managed(picture, to)?
        } else {
            picture
        };
        Ok(naive(picture, wanted).with_profile(None))
    }

    fn managed(&mut self, picture: Raster, to: PixelType) -> Result<Raster, ConvertError> {
        let depth = match picture.samples() {
            Samples::Eight(_) => 1,
            Samples::Sixteen(_) => 2,
        };
        let route = Route { from: picture.pixel_type(), to, depth };
        let Some(transform) = self.transform(route)? else { return Ok(picture) };
        let alpha = Alpha::from_bool(picture.has_alpha());
        let samples = match picture.samples() {
            Samples::Eight(samples) if alpha == Alpha::None => {
                let pixels = samples.len() / route.from.components();
                let mut out = vec![0; pixels * to.components()];
                transform.transform_pixels(samples, &mut out);
                Samples::Eight(out)
            }
            samples => each_depth!(samples, s => by_row(transform, s, &picture, route)),
        };
        Ok(picture.retyped(to, alpha, samples))
    }

    fn transform(&mut self, route: Route) -> Result<Option<&Transform<u8, u8>>, ConvertError> {
        let Source::Managed(profile) = &self.source else { return Ok(None) };
        let at = match self.transforms.iter().position(|(made, _)| *made == route) {
            Some(at) => at,
            None => {
                let made = make(profile, route)
                    .map_err(|error| ConvertError::internal(error.to_string()))?;
                self.transforms.push((route, made));
                self.transforms.len() - 1
            }
        };
        Ok(self.transforms.get(at).map(|(_, transform)| transform))
    }
}

fn make(source: &Profile, route: Route) -> lcms2::LCMSResult<Transform<u8, u8>> {
    let output = match route.to {
        PixelType::Gray => gray_curve_profile()?,
        PixelType::Rgb | PixelType::Cmyk => Profile::new_srgb(),
    };
    Transform::new_flags(
        source,
        format_of(route.from, route.depth),
        &output,
        format_of(route.to, route.depth),
        Intent::RelativeColorimetric,
        Flags::BLACKPOINT_COMPENSATION,
    )
}

const fn format_of(pixel_type: PixelType, depth: usize) -> PixelFormat {
    match (pixel_type, depth) {
        (PixelType::Gray, 1) => PixelFormat::GRAY_8,
        (PixelType::Gray, _) => PixelFormat::GRAY_16,
        (PixelType::Rgb, 1) => PixelFormat::RGB_8,
        (PixelType::Rgb, _) => PixelFormat::RGB_16,
        (PixelType::Cmyk, 1) => PixelFormat::CMYK_8,
        (PixelType::Cmyk, _) => PixelFormat::CMYK_16,
    }
}

/// Transforms row by row through buffers of bytes: the library takes no alpha and no words.
fn by_row<S: Sample>(
    transform: &Transform<u8, u8>,
    samples: &[S],
    picture: &Raster,
    route: Route,
) -> Samples {
    let alpha = usize::from(picture.has_alpha());
    let (from, to) = (route.from.components(), route.to.components());
    let row = picture.width();
    let mut given = Vec::with_capacity(row * from * route.depth);
    let mut made = vec![0; row * to * route.depth];
    let mut out = Vec::with_capacity(picture.height() * row * (to + alpha));
    for pixels in samples.chunks_exact(row * (from + alpha)) {
        given.clear();
        for pixel in pixels.chunks_exact(from + alpha) {
            for value in &pixel[..from] {
                value.put(&mut given);
            }
        }
        transform.transform_pixels(&given, &mut made);
        let colors = made.chunks_exact(to * route.depth);
        for (color, pixel) in colors.zip(pixels.chunks_exact(from + alpha)) {
            out.extend(color.chunks_exact(route.depth).map(S::take));
            out.extend_from_slice(&pixel[from..]);
        }
    }
    S::wrap(out)
}

// -- profiles

/// Opens a profile that fits a picture of this type.
fn open(bytes: &[u8], pixel_type: PixelType) -> Option<Profile> {
    let profile = Profile::new_icc(bytes).ok()?;
    let wanted = match pixel_type {
        PixelType::Gray => ColorSpaceSignature::GrayData,
        PixelType::Rgb => ColorSpaceSignature::RgbData,
        PixelType::Cmyk => ColorSpaceSignature::CmykData,
    };
    (profile.color_space() == wanted).then_some(profile)
}

/// Tells whether a transform from RGB to sRGB changes no colour by more than one level of 255.
fn is_identity(transform: &Transform<u8, u8>) -> bool {
    let levels = || (0..=255_u8).step_by(51);
    let grid: Vec<u8> = levels()
        .flat_map(|r| levels().flat_map(move |g| levels().flat_map(move |b| [r, g, b])))
        .collect();
    let mut out = vec![0; grid.len()];
    transform.transform_pixels(&grid, &mut out);
    grid.iter().zip(&out).all(|(a, b)| a.abs_diff(*b) <= 1)
}

/// Returns the name a profile bears, at most 80 characters; none for one that does not open or is
/// for another type.
#[must_use]
pub fn profile_name(bytes: &[u8], pixel_type: PixelType) -> Option<String> {
    let profile = open(bytes, pixel_type)?;
    let name = profile.info(InfoType::Description, Locale::none())?;
    let name: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    Some(name.trim().to_owned())
}

/// Returns the profile of replies of this type; CMYK has none.
#[must_use]
pub fn reply_profile(pixel_type: PixelType) -> Option<Vec<u8>> {
    let profile = match pixel_type {
        PixelType::Gray => gray_curve_profile().ok()?,
        PixelType::Rgb => Profile::new_srgb(),
        PixelType::Cmyk => return None,
    };
    let mut bytes = profile.icc().ok()?;
    // Bytes 24 to 35 are the date of making (ICC.1:2022, 7.2.8): the day of sRGB's standard.
    let date = [1999_u16, 10, 18, 0, 0, 0];
    let field = bytes.get_mut(24..36)?;
    for (to, part) in field.as_chunks_mut().0.iter_mut().zip(date) {
        *to = part.to_be_bytes();
    }
    Some(bytes)
}

/// Makes a gray profile with sRGB's tone curve (IEC 61966-2-1).
fn gray_curve_profile() -> lcms2::LCMSResult<Profile> {
    let curve =
        ToneCurve::new_parametric(4, &[2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.040_45])?;
    // D50, the white of the connection space.
    let white = CIExyY { x: 0.3457, y: 0.3585, Y: 1.0 };
    Profile::new_gray(&white, &curve)
}

// -- naïve conversions

/// Converts without profiles.
fn naive(picture: Raster, wanted: PixelType) -> Raster {
    use PixelType::{Cmyk, Gray, Rgb};
    if picture.pixel_type() == wanted {
        return picture;
    }
    let alpha = Alpha::from_bool(picture.has_alpha());
    let found = picture.pixel_type();
    let samples = each_depth!(picture.samples(), s => match (found, wanted) {
        (Gray, Rgb) => mapped(s, alpha, |[v]: [_; 1]| [v; 3]),
        (Gray, Cmyk) => mapped(s, alpha, |[v]: [_; 1]| rgb_to_cmyk([v; 3])),
        (Rgb, Gray) => mapped(s, alpha, luma),
        (Rgb, Cmyk) => mapped(s, alpha, rgb_to_cmyk),
        (Cmyk, Gray) => mapped(s, alpha, |inks| luma(cmyk_to_rgb(inks))),
        (Cmyk, Rgb) => mapped(s, alpha, cmyk_to_rgb),
        (Gray, Gray) | (Rgb, Rgb) | (Cmyk, Cmyk) => return picture,
    });
    picture.retyped(wanted, alpha, samples)
}

fn mapped<S: Sample, const N: usize, const M: usize>(
    samples: &[S],
    alpha: Alpha,
    convert: impl Fn([S; N]) -> [S; M],
) -> Samples {
    let rest = usize::from(alpha == Alpha::Straight);
    let mut out = Vec::with_capacity(samples.len() / (N + rest) * (M + rest));
    for pixel in samples.chunks_exact(N + rest) {
        if let Some((color, alpha)) = pixel.split_first_chunk::<N>() {
            out.extend_from_slice(&convert(*color));
            out.extend_from_slice(alpha);
        }
    }
    S::wrap(out)
}

fn luma<S: Sample>([r, g, b]: [S; 3]) -> [S; 1] {
    let (r, g, b): (f32, f32, f32) = (r.into(), g.into(), b.into());
    [S::round(0.299 * r + 0.587 * g + 0.114 * b)]
}

fn cmyk_to_rgb<S: Sample>([c, m, y, k]: [S; 4]) -> [S; 3] {
    [c, m, y].map(|ink| ink.inverted().times(k.inverted()))
}

fn rgb_to_cmyk<S: Sample>(rgb: [S; 3]) -> [S; 4] {
    let [c, m, y] = rgb.map(|v| {
        let v: f32 = v.into();
        S::TOP - v
    });
    let k = c.min(m).min(y);
    let rest = S::TOP - k;
    let ink = |v: f32| if rest > 0.0 { S::round((v - k) / rest * S::TOP) } else { S::default() };
    [ink(c), ink(m), ink(y), S::round(k)]
}

/// Converts a colour somebody wrote, naïvely.
#[must_use]
pub fn color_in(color: Color, wanted: PixelType) -> Color {
    use PixelType::{Cmyk, Gray, Rgb};
    let [a, b, c, d] = color.components;
    let components = match (color.pixel_type, wanted) {
        (Gray, Rgb) => [a, a, a, 0],
        (Gray, Cmyk) => rgb_to_cmyk([a; 3]),
        (Rgb, Gray) => [luma([a, b, c])[0], 0, 0, 0],
        (Rgb, Cmyk) => rgb_to_cmyk([a, b, c]),
        (Cmyk, Gray) => [luma(cmyk_to_rgb([a, b, c, d]))[0], 0, 0, 0],
        (Cmyk, Rgb) => {
            let [r, g, b] = cmyk_to_rgb([a, b, c, d]);
            [r, g, b, 0]
        }
        (Gray, Gray) | (Rgb, Rgb) | (Cmyk, Cmyk) => color.components,
    };
    Color { pixel_type: wanted, components, alpha: color.alpha }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Size;

    fn one(pixel_type: PixelType, samples: &[u8]) -> Raster {
        let alpha = Alpha::from_bool(samples.len() > pixel_type.components());
        let samples = Samples::Eight(samples.to_vec());
        Raster::new(Size::new(1, 1), pixel_type, alpha, samples).unwrap()
    }

    fn wide(pixel_type: PixelType, samples: &[u16]) -> Raster {
        let alpha = Alpha::from_bool(samples.len() > pixel_type.components());
        let samples = Samples::Sixteen(samples.to_vec());
        Raster::new(Size::new(1, 1), pixel_type, alpha, samples).unwrap()
    }

    fn converted(picture: Raster, profile: Option<&[u8]>, wanted: PixelType) -> Samples {
        let mut colors = Colors::of(profile, picture.pixel_type());
        let picture = picture.with_profile(profile.map(Into::into));
        colors.to_output(picture, wanted).unwrap().into_samples()
    }

    /// An RGB profile with sRGB's curves and red and green exchanged.
    fn swapped() -> Vec<u8> {
        let mut bytes = reply_profile(PixelType::Rgb).unwrap();
        // The tag table starts at 128 with a count; entries are 12 bytes.
        for entry in bytes[132..].chunks_exact_mut(12).take(16) {
            match &entry[..4] {
                b"rXYZ" => entry[..4].copy_from_slice(b"gXYZ"),
                b"gXYZ" => entry[..4].copy_from_slice(b"rXYZ"),
                _ => {}
            }
        }
        bytes
    }

    #[test]
    fn naive_conversions_follow_their_formulas() {
        use PixelType::{Cmyk, Gray, Rgb};
        for (from, samples, to, wanted) in [
            (Rgb, vec![255, 0, 0], Gray, vec![76]),
            (Rgb, vec![10, 20, 30], Gray, vec![18]),
            (Gray, vec![9], Rgb, vec![9, 9, 9]),
            (Rgb, vec![255, 128, 0], Cmyk, vec![0, 127, 255, 0]),
            (Rgb, vec![0, 0, 0], Cmyk, vec![0, 0, 0, 255]),
            (Rgb, vec![128, 64, 64], Cmyk, vec![0, 128, 128, 127]),
            (Cmyk, vec![0, 128, 128, 127], Rgb, vec![128, 64, 64]),
            (Cmyk, vec![0, 0, 0, 0], Gray, vec![255]),
            (Rgb, vec![1, 2, 3, 77], Rgb, vec![1, 2, 3, 77]),
            (Cmyk, vec![255, 0, 0, 0, 77], Rgb, vec![0, 255, 255, 77]),
        ] {
            let found = converted(one(from, &samples), None, to);
            assert_eq!(found, Samples::Eight(wanted), "{from:?} {samples:?}");
        }
    }

    #[test]
    fn every_rgb_comes_back_from_cmyk() {
        for r in (0..=255).step_by(15) {
            for g in (0..=255).step_by(15) {
                for b in (0..=255).step_by(17) {
                    let back: [u8; 3] = cmyk_to_rgb(rgb_to_cmyk([r, g, b]));
                    let off = [r.abs_diff(back[0]), g.abs_diff(back[1]), b.abs_diff(back[2])];
                    assert!(off.iter().all(|&d| d <= 1), "{r} {g} {b} {back:?}");
                }
            }
        }
    }

    #[test]
    fn an_embedded_profile_decides() {
        let profile = swapped();
        let found = converted(one(PixelType::Rgb, &[255, 0, 0]), Some(&profile), PixelType::Rgb);
        assert_eq!(found, Samples::Eight(vec![0, 255, 0]));
        let picture = wide(PixelType::Rgb, &[0, 65_535, 0, 400]);
        let found = converted(picture, Some(&profile), PixelType::Rgb);
        let Samples::Sixteen(found) = found else { panic!("8 bits") };
        assert!(found[0] > 65_000 && found[1] < 300 && found[3] == 400, "{found:?}");
    }

    #[test]
    fn alpha_takes_the_same_road() {
        let profile = swapped();
        let with = converted(one(PixelType::Rgb, &[9, 99, 199, 7]), Some(&profile), PixelType::Rgb);
        let without = converted(one(PixelType::Rgb, &[9, 99, 199]), Some(&profile), PixelType::Rgb);
        let (Samples::Eight(with), Samples::Eight(without)) = (with, without) else { panic!() };
        assert_eq!((&with[..3], with[3]), (without.as_slice(), 7));
    }

    #[test]
    fn srgb_and_broken_profiles_change_nothing() {
        let srgb = reply_profile(PixelType::Rgb).unwrap();
        let gray = reply_profile(PixelType::Gray).unwrap();
        for profile in [&srgb, &gray, &srgb[..200].to_vec(), &b"not a profile".to_vec()] {
            let found =
                converted(one(PixelType::Rgb, &[1, 77, 200]), Some(profile), PixelType::Rgb);
            assert_eq!(found, Samples::Eight(vec![1, 77, 200]));
        }
        assert!(matches!(Colors::of(Some(&srgb), PixelType::Rgb).source, Source::Plain));
    }

    #[test]
    fn profiles_are_the_same_on_every_run_and_have_names() {
        for pixel_type in [PixelType::Gray, PixelType::Rgb] {
            let bytes = reply_profile(pixel_type).unwrap();
            assert_eq!(Some(&bytes), reply_profile(pixel_type).as_ref());
            assert_eq!(bytes[24..30], [0x07, 0xcf, 0, 10, 0, 18]);
            assert!(profile_name(&bytes, pixel_type).is_some());
        }
        let srgb = reply_profile(PixelType::Rgb).unwrap();
        assert!(profile_name(&srgb, PixelType::Rgb).unwrap().contains("sRGB"));
        assert_eq!(profile_name(&srgb, PixelType::Cmyk), None);
    }

    #[test]
    fn gray_profiles_keep_grays_of_their_curve() {
        let gray = reply_profile(PixelType::Gray).unwrap();
        for v in [0, 1, 60, 128, 255_u8] {
            let found = converted(one(PixelType::Gray, &[v]), Some(&gray), PixelType::Rgb);
            let Samples::Eight(rgb) = found else { panic!() };
            assert!(rgb.iter().all(|w| w.abs_diff(v) <= 1), "{v} {rgb:?}");
        }
    }
}
