//! Which colour spaces a picture comes from and goes to (reference pages *icc*, *IccProfile*).
//!
//! Profiles have names: those of `[imaging.profiles]` in the configuration, and `sRGB` and `gray`,
//! which are built in. The names of the reference's own catalogue come in pairs, a short one and
//! the one the profile itself bears; either finds a profile that is configured under the other.
//! What a name stands for is known here by its pixel type alone; the bytes are handed to whoever
//! executes the plan ([`Aux::Profile`]).
//!
//! A source is in the space of its embedded profile, else in `icc_src_…`, else in `icc_…`, else in
//! the built-in one of its type. A reply is in the space of `icc`, else in `icc_…`, else in the
//! built-in one, else, if it is CMYK like its source, in the source's. Nobody knows the space of
//! CMYK without all that: such conversions are naïve.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::wanted::{At, Wanted};
use super::{Aux, Defaults};
use crate::diag::{Code, Diagnostic, Phrase, Severity, nearest, phrase};
use crate::imaging::modifiers::values::{Fmt, Icc, Intent, PIXEL_TYPES, Req};
use crate::imaging::{PixelType, SourceInfo};

/// The built-in profile of RGB.
pub const SRGB: &str = "sRGB";
/// The built-in profile of gray: the tone curve of sRGB.
pub const GRAY: &str = "gray";

/// Profiles of the reference's catalogue: short names first, then what the profile calls itself.
const CATALOGUE: &[&[&str]] = &[
    &["AdobeRGB", "Adobe RGB (1998)"],
    &["AppleRGB", "Apple RGB"],
    &["CIERGB", "CIE RGB"],
    &["ColorMatchRGB", "ColorMatch RGB"],
    &["NTSC", "NTSC (1953)"],
    &["PAL", "PAL/SECAM"],
    &["ProPhoto", "ProPhoto RGB", "ProPhotoRGB"],
    &["SMPTE", "SMPTE-C"],
    &[SRGB, "sRGB IEC61966-2.1"],
    &["WideGamutRGB", "Wide Gamut RGB"],
    &["CoatedFogra27", "Coated FOGRA27 (ISO 12647-2:2004)"],
    &["CoatedFogra39", "Coated FOGRA39 (ISO 12647-2:2004)"],
    &["CoatedGraCol", "Coated GRACoL 2006 (ISO 12647-2:2004)"],
    &["EuropeISOCoated", "Europe ISO Coated FOGRA27"],
    &["EuroscaleCoated", "Euroscale Coated v2"],
    &["EuroscaleUncoated", "Euroscale Uncoated v2"],
    &["JapanColorCoated", "Japan Color 2001 Coated"],
    &["JapanColorNewspaper", "Japan Color 2002 Newspaper"],
    &["JapanColorUncoated", "Japan Color 2001 Uncoated"],
    &["JapanColorWebCoated", "Japan Color 2003 Web Coated"],
    &["JapanWebCoated", "Japan Web Coated (Ad)"],
    &["NewsprintSNAP2007", "US Newsprint (SNAP 2007)"],
    &["PS4Default", "Photoshop 4 Default CMYK"],
    &["PS5Default", "Photoshop 5 Default CMYK"],
    &["SheetfedCoated", "U.S. Sheetfed Coated v2"],
    &["SheetfedUncoated", "U.S. Sheetfed Uncoated v2"],
    &["UncoatedFogra29", "Uncoated FOGRA29 (ISO 12647-2:2004)"],
    &["WebCoated", "U.S. Web Coated (SWOP) v2"],
    &["WebCoatedFogra28", "Web Coated FOGRA28 (ISO 12647-2:2004)"],
    &["WebCoatedGrade3", "Web Coated SWOP 2006 Grade 3 Paper"],
    &["WebCoatedGrade5", "Web Coated SWOP 2006 Grade 5 Paper", "Web Coated SWOP Grade 5 Paper"],
    &["WebUncoated", "U.S. Web Uncoated v2"],
];

/// What gives the components of a picture their meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Space {
    /// Nobody says. What leads here or leaves here is naïve.
    Unknown,
    /// The profile in the source's file.
    Embedded,
    /// sRGB, or gray with its tone curve, because nothing else was asked for. Gray of another type
    /// is then the luma of sRGB, as in JPEG.
    BuiltIn,
    /// A profile by its name in the configuration, or a built-in one that was asked for by name.
    Named(String),
}

/// How colours get from the source to the reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conversion {
    /// The space of the source; an embedded profile that is of no use counts as none.
    pub from: Space,
    /// The space of the reply.
    pub to: Space,
    /// What becomes of colours that the reply cannot show.
    pub intent: Intent,
    /// Whether the darkest colour of one space becomes the darkest of the other.
    pub black_point: bool,
    /// Whether 16 bits become 8 by error diffusion; conversions are then made with 16 bits.
    pub dither: bool,
}

impl Default for Conversion {
    /// What holds when neither request nor configuration say anything.
    fn default() -> Self {
        Self {
            from: Space::Embedded,
            to: Space::BuiltIn,
            intent: Intent::Relative,
            black_point: true,
            dither: false,
        }
    }
}

impl Conversion {
    /// Tells whether components stay as they are between pictures of these types.
    #[must_use]
    pub fn keeps(&self, from: PixelType, to: PixelType) -> bool {
        from == to
            && (self.from == self.to || self.from == Space::Unknown || self.to == Space::Unknown)
    }

    /// Tells whether no profile has a say between pictures of these types.
    #[must_use]
    pub fn is_naive(&self, from: PixelType, to: PixelType) -> bool {
        let plain = |space: &Space| matches!(space, Space::BuiltIn | Space::Unknown);
        self.keeps(from, to) || plain(&self.from) && plain(&self.to)
    }

    /// Lists the profiles that have to be handed over.
    pub(super) fn needs(&self, from: PixelType, to: PixelType, embed: Embed) -> Vec<Aux> {
        let profile = |space: &Space| match space {
            Space::Named(name) if name != GRAY => Some(Aux::Profile(name.clone())),
            Space::Named(_) | Space::Unknown | Space::Embedded | Space::BuiltIn => None,
        };
        let (from, keeps) = (profile(&self.from), self.keeps(from, to));
        let to = profile(&self.to).filter(|_| !keeps || embed == Embed::Profile);
        from.filter(|_| !keeps).into_iter().chain(to).collect()
    }
}

/// Whether the profile is written into the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Embed {
    Profile,
    Nothing,
}

/// One name for each pixel type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PerType {
    /// For RGB.
    pub rgb: Option<String>,
    /// For gray.
    pub gray: Option<String>,
    /// For CMYK.
    pub cmyk: Option<String>,
}

impl PerType {
    fn of(&self, pixel_type: PixelType) -> Option<&str> {
        match pixel_type {
            PixelType::Rgb => self.rgb.as_deref(),
            PixelType::Gray => self.gray.as_deref(),
            PixelType::Cmyk => self.cmyk.as_deref(),
        }
    }

    /// Returns every name that is set, with the pixel type it is for.
    pub fn iter(&self) -> impl Iterator<Item = (PixelType, &str)> {
        PIXEL_TYPES.iter().filter_map(|(_, known)| Some((*known, self.of(*known)?)))
    }
}

/// What the configuration says about colours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColorDefaults {
    /// The profiles there are.
    pub profiles: Profiles,
    /// Default spaces of replies (`IccProfileRgb` and so on).
    pub output: PerType,
    /// Default spaces of sources without a profile (`IccProfileSrcRgb` and so on).
    pub source: PerType,
    /// `IccRenderIntent`.
    pub intent: Intent,
    /// `IccBlackPointCompensation`.
    pub black_point: bool,
    /// `IccDither`.
    pub dither: bool,
}

impl Default for ColorDefaults {
    fn default() -> Self {
        let Conversion { intent, black_point, dither, .. } = Conversion::default();
        let (profiles, none) = (Profiles::default(), PerType::default());
        Self { profiles, output: none.clone(), source: none, intent, black_point, dither }
    }
}

/// The profiles of the configuration by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profiles(BTreeMap<String, PixelType>);

/// Why a name stands for no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NoProfile {
    /// What is wrong.
    pub message: Phrase,
    /// What to do about it.
    pub help: Phrase,
}

impl Profiles {
    /// Collects profiles with the type of their pixels.
    pub fn new<N: Into<String>>(profiles: impl IntoIterator<Item = (N, PixelType)>) -> Self {
        Self(profiles.into_iter().map(|(name, pixel_type)| (name.into(), pixel_type)).collect())
    }

    /// Adds a profile; another one of that name, in any case, is replaced.
    pub fn put(&mut self, name: &str, pixel_type: PixelType) {
        self.0.retain(|known, _| !known.eq_ignore_ascii_case(name));
        self.0.insert(name.to_owned(), pixel_type);
    }

    /// Finds what a name stands for: the name in the configuration, or [`SRGB`] or [`GRAY`]; and
    /// the type of its pixels.
    ///
    /// Names are the same in any case.
    ///
    /// # Errors
    /// [`NoProfile`].
    pub fn find(&self, name: &str) -> Result<(&str, PixelType), NoProfile> {
        let name = name.trim();
        if is_built_in(name) {
            let gray = name.eq_ignore_ascii_case(GRAY);
            return Ok(if gray { (GRAY, PixelType::Gray) } else { (SRGB, PixelType::Rgb) });
        }
        let configured = |name: &str| {
            let found = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(known, pixel_type)| (known.as_str(), *pixel_type))
        };
        let names = catalogue(name).unwrap_or_default();
        if let Some(found) = configured(name).or_else(|| names.iter().find_map(|n| configured(n))) {
            return Ok(found);
        }
        let shown = crate::diag::shown(name);
        Err(match names.first() {
            Some(short) => NoProfile {
                message: phrase!(
                    "no-profile-here",
                    "there is no profile `{name}` on this machine",
                    name = shown
                ),
                help: phrase!(
                    "set-profile",
                    "set `imaging.profiles.{name}` to the path of its file, or ask whoever \
                     runs exportd to do so",
                    name = *short
                ),
            },
            None => NoProfile {
                message: phrase!("no-profile", "there is no profile `{name}`", name = shown),
                help: match nearest(name, self.names()) {
                    Some(near) => phrase!("did-you-mean", "did you mean `{near}`?", near = near),
                    None => phrase!(
                        "profiles-named",
                        "profiles get their names in `imaging.profiles`; ask whoever runs \
                         exportd which there are"
                    ),
                },
            },
        })
    }

    /// Returns every name that could be meant.
    fn names(&self) -> impl Iterator<Item = &str> {
        let catalogue = CATALOGUE.iter().flat_map(|names| names.iter().copied());
        self.0.keys().map(String::as_str).chain(catalogue).chain([GRAY])
    }
}

/// Tells whether a name stands for a built-in profile.
#[must_use]
pub fn is_built_in(name: &str) -> bool {
    let srgb = catalogue(SRGB).unwrap_or_default();
    srgb.iter().chain(&[GRAY]).any(|known| known.eq_ignore_ascii_case(name))
}

fn catalogue(name: &str) -> Option<&'static [&'static str]> {
    let named = |names: &&&[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    CATALOGUE.iter().find(named).copied()
}

/// What a reply is before its source is known.
pub(super) struct Reply {
    pub(super) pixel_type: PixelType,
    /// The profile asked for by `icc`, by its name in the configuration.
    asked: Option<String>,
}

impl Reply {
    /// Decides type and profile, and warns of a type that is not used.
    ///
    /// # Errors
    /// A profile that is not there, or of a type that the format cannot hold; under strict rules a
    /// type in `fmt` that is not the profile's.
    pub(super) fn new(
        wanted: &Wanted,
        fmt: Fmt,
        defaults: &Defaults,
        warnings: &mut Vec<Diagnostic>,
    ) -> Result<Self, Diagnostic> {
        let entry = fmt.format.entry();
        let Some(At { value: Icc { profile, .. }, place }) = &wanted.icc else {
            let gray =
                wanted.req.value == Req::Mask && entry.pixel_types.contains(&PixelType::Gray);
            let usual = if gray { PixelType::Gray } else { PixelType::Rgb };
            return Ok(Self { pixel_type: fmt.pixel_type.unwrap_or(usual), asked: None });
        };
        let error = |message: Phrase| Diagnostic::error(Code::Value, place.clone(), message);
        let (name, pixel_type) = defaults
            .colors
            .profiles
            .find(profile)
            .map_err(|NoProfile { message, help }| error(message).help(help))?;
        if !entry.pixel_types.contains(&pixel_type) {
            let message = phrase!(
                "format-cannot-hold-profile",
                "`{format}` cannot hold {pixels}, the type of `{name}`",
                format = entry.name,
                pixels = pixel_type.words(),
                name = name,
            );
            return Err(error(message).help(phrase!(
                "use-jpeg-or-tif",
                "use jpeg or tif, or a profile of another type"
            )));
        }
        if fmt.pixel_type.is_some_and(|asked| asked != pixel_type) {
            let message = phrase!(
                "profile-type-wins",
                "the profile of `icc` is {pixels}; the pixel type of `fmt` is not used",
                pixels = pixel_type.words()
            );
            let finding = Diagnostic::warning(Code::Value, place.clone(), message);
            if defaults.strict {
                return Err(Diagnostic { severity: Severity::Error, ..finding });
            }
            warnings.push(finding);
        }
        Ok(Self { pixel_type, asked: Some(name.to_owned()) })
    }

    /// Decides how colours get there from a source.
    pub(super) fn conversion(
        &self,
        wanted: &Wanted,
        source: &SourceInfo,
        defaults: &Defaults,
    ) -> Conversion {
        let colors = &defaults.colors;
        let icc = wanted.icc.as_ref().map(|icc| &icc.value);
        Conversion {
            from: colors.space_of(source),
            to: match &self.asked {
                Some(name) => named(name),
                None => colors.output_of(self.pixel_type, source),
            },
            intent: icc.and_then(|icc| icc.intent).unwrap_or(colors.intent),
            black_point: icc.and_then(|icc| icc.bpc).unwrap_or(colors.black_point),
            dither: icc.and_then(|icc| icc.dither).unwrap_or(colors.dither),
        }
    }
}

impl ColorDefaults {
    /// Returns the space that a default names; one that is not there, or is of another type, counts
    /// as none. The configuration has been refused with such names, a catalogue is warned about.
    fn given(&self, names: &PerType, pixel_type: PixelType) -> Option<Space> {
        let (name, found) = self.profiles.find(names.of(pixel_type)?).ok()?;
        let space = || if is_built_in(name) { Space::BuiltIn } else { named(name) };
        (found == pixel_type).then(space)
    }

    /// Returns the space of a source.
    fn space_of(&self, source: &SourceInfo) -> Space {
        let pixel_type = source.pixel_type;
        if source.profile.is_some() {
            return Space::Embedded;
        }
        self.given(&self.source, pixel_type)
            .or_else(|| self.given(&self.output, pixel_type))
            .unwrap_or(if pixel_type == PixelType::Cmyk { Space::Unknown } else { Space::BuiltIn })
    }

    /// Returns the space of replies that do not ask for one.
    fn output_of(&self, pixel_type: PixelType, source: &SourceInfo) -> Space {
        let own = source.pixel_type == pixel_type && source.profile.is_some();
        let usual = match pixel_type {
            PixelType::Rgb | PixelType::Gray => Space::BuiltIn,
            PixelType::Cmyk if own => Space::Embedded,
            PixelType::Cmyk => Space::Unknown,
        };
        self.given(&self.output, pixel_type).unwrap_or(usual)
    }
}

/// Makes the space of a name; sRGB is what is built in, asked for or not.
fn named(name: &str) -> Space {
    if name == SRGB { Space::BuiltIn } else { Space::Named(name.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profiles() -> Profiles {
        Profiles::new([("WebCoated", PixelType::Cmyk), ("House RGB", PixelType::Rgb)])
    }

    #[test]
    fn either_name_of_the_catalogue_finds_a_profile_in_any_case() {
        let profiles = profiles();
        for name in ["webcoated", "U.S. Web Coated (SWOP) v2", "u.s. web coated (swop) V2"] {
            assert_eq!(profiles.find(name), Ok(("WebCoated", PixelType::Cmyk)), "{name}");
        }
        let long = Profiles::new([("Web Coated SWOP 2006 Grade 5 Paper", PixelType::Cmyk)]);
        for name in ["WebCoatedGrade5", "web coated swop grade 5 paper"] {
            assert!(long.find(name).is_ok(), "{name}");
        }
        assert_eq!(profiles.find("house rgb"), Ok(("House RGB", PixelType::Rgb)));
        assert_eq!(profiles.find("srgb iec61966-2.1"), Ok((SRGB, PixelType::Rgb)));
        assert_eq!(profiles.find("Gray"), Ok((GRAY, PixelType::Gray)));
    }

    #[test]
    fn what_is_not_there_is_said_with_the_key_to_set() {
        let known = profiles().find("Coated FOGRA39 (ISO 12647-2:2004)").unwrap_err();
        assert!(known.help.contains("`imaging.profiles.CoatedFogra39`"), "{known:?}");
        let slip = profiles().find("WebCoatd").unwrap_err();
        assert_eq!(slip.help, "did you mean `WebCoated`?");
        let nothing = profiles().find("zzzzzzzzzzzz").unwrap_err();
        assert!(nothing.help.contains("`imaging.profiles`"), "{nothing:?}");
    }

    #[test]
    fn no_name_stands_for_two_profiles() {
        let mut names: Vec<String> = CATALOGUE
            .iter()
            .flat_map(|names| names.iter().map(|name| name.to_lowercase()))
            .collect();
        names.sort();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(names.iter().all(|name| !name.contains(',')));
    }
}
