//! Profiles: which are of use, the two that are built in, and what the first bytes of one say.

use lcms2::{
    CIExyY, ColorSpaceSignature, Flags, InfoType, Intent, Locale, PixelFormat, Profile,
    ProfileClassSignature, ToneCurve, Transform,
};

use crate::diag::{Phrase, phrase};
use crate::imaging::PixelType;

/// Bytes of a profile's header (ICC.1:2022, 7.2).
pub const HEADER: usize = 128;

/// Reads the type of the pixels that a profile is for from its first [`HEADER`] bytes; `length`
/// is how many bytes the file has.
///
/// # Errors
/// What the file is instead, in words that follow "it is".
pub fn pixel_type_of(header: &[u8], length: u64) -> Result<PixelType, Phrase> {
    let field = |at: usize| -> [u8; 4] {
        header.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default()
    };
    if header.len() < HEADER || field(36) != *b"acsp" {
        return Err(phrase!("not-a-profile", "not a colour profile"));
    }
    if u64::from(u32::from_be_bytes(field(0))) > length {
        return Err(phrase!("profile-cut-short", "a colour profile that is cut short"));
    }
    match &field(12) {
        b"scnr" | b"mntr" | b"prtr" | b"spac" => {}
        b"link" => {
            return Err(phrase!("profile-link", "a device link, not the profile of one device"));
        }
        b"abst" => {
            return Err(phrase!("profile-abstract", "an abstract profile, not that of a device"));
        }
        b"nmcl" => {
            return Err(phrase!(
                "profile-named-colours",
                "a list of named colours, not the profile of a device"
            ));
        }
        _ => return Err(phrase!("profile-class", "a colour profile of an unknown class")),
    }
    match &field(16) {
        b"GRAY" => Ok(PixelType::Gray),
        b"RGB " => Ok(PixelType::Rgb),
        b"CMYK" => Ok(PixelType::Cmyk),
        _ => Err(phrase!(
            "profile-pixels",
            "a colour profile for something other than gray, RGB or CMYK"
        )),
    }
}

/// Opens a profile that is of use for pictures of this type: of a device, and complete enough to
/// leave it.
pub(super) fn open(bytes: &[u8], pixel_type: PixelType) -> Option<Profile> {
    use ProfileClassSignature::{ColorSpaceClass, DisplayClass, InputClass, OutputClass};
    let profile = Profile::new_icc(bytes).ok()?;
    let wanted = match pixel_type {
        PixelType::Gray => ColorSpaceSignature::GrayData,
        PixelType::Rgb => ColorSpaceSignature::RgbData,
        PixelType::Cmyk => ColorSpaceSignature::CmykData,
    };
    let device =
        matches!(profile.device_class(), InputClass | DisplayClass | OutputClass | ColorSpaceClass);
    (device && profile.color_space() == wanted && leads_out(&profile, pixel_type))
        .then_some(profile)
}

/// Tells whether colours can be converted from a profile: one may open and still lack what that
/// needs.
fn leads_out(profile: &Profile, pixel_type: PixelType) -> bool {
    Transform::<u8, u8>::new_flags(
        profile,
        format_of(pixel_type, 1),
        &Profile::new_srgb(),
        PixelFormat::RGB_8,
        Intent::RelativeColorimetric,
        Flags::NO_OPTIMIZE,
    )
    .is_ok()
}

/// Returns the library's name for pixels without alpha; `depth` is in bytes.
pub(super) const fn format_of(pixel_type: PixelType, depth: usize) -> PixelFormat {
    match (pixel_type, depth) {
        (PixelType::Gray, 1) => PixelFormat::GRAY_8,
        (PixelType::Gray, _) => PixelFormat::GRAY_16,
        (PixelType::Rgb, 1) => PixelFormat::RGB_8,
        (PixelType::Rgb, _) => PixelFormat::RGB_16,
        (PixelType::Cmyk, 1) => PixelFormat::CMYK_8,
        (PixelType::Cmyk, _) => PixelFormat::CMYK_16,
    }
}

/// Returns the name a profile bears, at most 80 characters, or that it has none; nothing for one
/// that is of no use for pictures of this type.
#[must_use]
pub fn profile_name(bytes: &[u8], pixel_type: PixelType) -> Option<String> {
    let profile = open(bytes, pixel_type)?;
    let name = profile.info(InfoType::Description, Locale::none()).unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    let name = name.trim();
    Some(if name.is_empty() { "unnamed".into() } else { name.to_owned() })
}

/// Returns the built-in profile of this type; CMYK has none.
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
pub(super) fn gray_curve_profile() -> lcms2::LCMSResult<Profile> {
    let curve =
        ToneCurve::new_parametric(4, &[2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.040_45])?;
    // D50, the white of the connection space.
    let white = CIExyY { x: 0.3457, y: 0.3585, Y: 1.0 };
    Profile::new_gray(&white, &curve)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_of(bytes: &[u8]) -> Result<PixelType, Phrase> {
        pixel_type_of(&bytes[..bytes.len().min(HEADER)], bytes.len() as u64)
    }

    #[test]
    fn a_header_tells_the_type_of_the_pixels() {
        for pixel_type in [PixelType::Gray, PixelType::Rgb] {
            assert_eq!(type_of(&reply_profile(pixel_type).unwrap()), Ok(pixel_type));
        }
    }

    #[test]
    fn what_is_no_profile_of_a_device_is_refused_in_words() {
        let good = reply_profile(PixelType::Rgb).unwrap();
        let with = |at: usize, field: &[u8; 4]| {
            let mut bytes = good.clone();
            bytes[at..at + 4].copy_from_slice(field);
            bytes
        };
        for (bytes, words) in [
            (with(36, b"xxxx"), "not a colour profile"),
            (good[..100].to_vec(), "not a colour profile"),
            (good[..300].to_vec(), "cut short"),
            (with(12, b"link"), "device link"),
            (with(12, b"abst"), "abstract"),
            (with(12, b"nmcl"), "named colours"),
            (with(12, b"????"), "unknown class"),
            (with(16, b"Lab "), "something other than gray, RGB or CMYK"),
        ] {
            let error = type_of(&bytes).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn every_kind_of_device_counts() {
        let good = reply_profile(PixelType::Rgb).unwrap();
        for class in [b"scnr", b"mntr", b"prtr", b"spac"] {
            let mut profile = good.clone();
            profile[12..16].copy_from_slice(class);
            assert_eq!(type_of(&profile), Ok(PixelType::Rgb));
            assert!(open(&profile, PixelType::Rgb).is_some(), "{}", class.escape_ascii());
        }
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
    fn a_profile_without_a_name_is_one_nevertheless() {
        let mut nameless = reply_profile(PixelType::Rgb).unwrap();
        for entry in nameless[132..].chunks_exact_mut(12).take(16) {
            if entry.starts_with(b"desc") {
                entry[..4].copy_from_slice(b"xxxx");
            }
        }
        assert_eq!(profile_name(&nameless, PixelType::Rgb).as_deref(), Some("unnamed"));
    }

    #[test]
    fn links_and_torsos_are_of_no_use() {
        let good = reply_profile(PixelType::Rgb).unwrap();
        let mut link = good.clone();
        link[12..16].copy_from_slice(b"link");
        let mut torso = good.clone();
        // The first entry of the tag table gets another name, until the curves are gone.
        for entry in torso[132..].chunks_exact_mut(12).take(16) {
            if entry.starts_with(b"rTRC") {
                entry[..4].copy_from_slice(b"xTRC");
            }
        }
        for bytes in [&link, &torso] {
            assert!(open(bytes, PixelType::Rgb).is_none());
        }
        assert!(open(&good, PixelType::Rgb).is_some());
    }
}
