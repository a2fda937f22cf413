//! Who may say what about a picture, and who is asked first.
//!
//! From the weakest to the strongest: what is built in, the configuration, the attributes of the
//! default image catalogue, those of the asset's own, the fields of its record; then the modifiers
//! of its catalogue entry, `is_modifier`, the macro, and the record's `PostModifier` (reference
//! page *Image catalogs*, `ExportJob`). A command that nobody gives falls back on the first part.
//!
//! Presets are looked up in the other direction: first the macros of the asset's own catalogue,
//! then those of the configuration, then those of the default catalogue.

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, Fault, Phrase, phrase};
use crate::imaging::PixelType;
use crate::imaging::modifiers::{self, Modifiers, Presets, Rules};
use crate::imaging::plan::{
    ColorDefaults, Defaults, Intent, Kernel, NoProfile, PerType, ThumbType, Thumbnails,
};
use crate::library::{
    self, Asset, Attributes, Given, ImageCatalogs, RenderIntent, ResMode, Scope, ThumbAlign,
};

/// Collects the presets that hold for the assets of an image catalogue.
#[must_use]
pub fn presets(
    images: &ImageCatalogs,
    scope: Scope,
    configured: &BTreeMap<String, String>,
) -> Presets {
    let mut presets = Presets::default();
    for found in images.macros(Scope::DEFAULT) {
        presets.put(&found.name, found.expanded.clone());
    }
    for (name, definition) in configured {
        presets.put(name, Ok(definition.clone()));
    }
    if scope != Scope::DEFAULT {
        for found in images.macros(scope) {
            presets.put(&found.name, found.expanded.clone());
        }
    }
    presets
}

/// What the catalogue asks for an asset, around what a job asks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Own {
    /// `Modifier`: weaker than the job.
    pub below: Modifiers,
    /// `PostModifier`: stronger than the job.
    pub above: Modifiers,
}

impl Own {
    /// Reads the modifiers that a catalogue gives an asset.
    ///
    /// # Errors
    /// The first that is wrong in them.
    pub fn read(asset: &Asset, presets: &Presets, rules: Rules) -> Result<Self, Fault> {
        let read = |text: &str| {
            let parsed = modifiers::parse(text, presets, rules);
            match parsed.error() {
                None => Ok(parsed.modifiers),
                Some(Diagnostic { message, .. }) => Err(Fault::Modifiers {
                    message: phrase!(
                        "catalogue-entry-wrong",
                        "its catalogue entry is wrong: {message}",
                        message = message.clone()
                    ),
                    help: Some(phrase!("step-catalogue", "tell whoever looks after the catalogue")),
                }),
            }
        };
        let mut below = asset.modifier.clone().unwrap_or_default();
        if let Some(mask) = &asset.mask {
            // So a record is read by the reference: its mask, then its modifiers.
            below = format!("mask={}&{below}", modifiers::encode(mask.path.as_str()));
        }
        let above = asset.post_modifier.as_deref().unwrap_or_default();
        Ok(Self { below: read(&below)?, above: read(above)? })
    }

    /// Joins them with what a job asks; places are those of the job's text.
    #[must_use]
    pub fn around(&self, asked: &Modifiers) -> Modifiers {
        asked.clone().over(&self.below).under(&self.above)
    }
}

/// Tells whether a catalogue says something about how an asset is made.
#[must_use]
pub fn completes(asset: &Asset) -> bool {
    asset.modifier.is_some() || asset.post_modifier.is_some() || asset.mask.is_some()
}

/// Lays the attributes of an asset over those of the configuration.
#[must_use]
pub fn defaults(configured: &Defaults, attributes: &Attributes) -> Defaults {
    // Taken apart whole: a new attribute does not compile until it is decided.
    let Attributes {
        default_pix,
        max_pix,
        bkg_color,
        jpeg_quality,
        res_mode,
        resolution,
        print_resolution,
        default_thumb_pix,
        thumb_bkg_color,
        thumb_type,
        thumb_res,
        thumb_horiz_align,
        thumb_vert_align,
        icc_profile_rgb,
        icc_profile_gray,
        icc_profile_cmyk,
        icc_profile_src_rgb,
        icc_profile_src_gray,
        icc_profile_src_cmyk,
        icc_render_intent,
        icc_black_point_compensation,
        icc_dither,
    } = attributes;
    let colors = &configured.colors;
    let (output, source) = (&colors.output, &colors.source);
    let colors = ColorDefaults {
        output: PerType {
            rgb: profile(icc_profile_rgb, &output.rgb),
            gray: profile(icc_profile_gray, &output.gray),
            cmyk: profile(icc_profile_cmyk, &output.cmyk),
        },
        source: PerType {
            rgb: profile(icc_profile_src_rgb, &source.rgb),
            gray: profile(icc_profile_src_gray, &source.gray),
            cmyk: profile(icc_profile_src_cmyk, &source.cmyk),
        },
        intent: value(icc_render_intent).map_or(colors.intent, intent),
        black_point: value(icc_black_point_compensation).unwrap_or(colors.black_point),
        dither: value(icc_dither).unwrap_or(colors.dither),
        profiles: colors.profiles.clone(),
    };
    let base = &configured.thumbnails;
    let resolution_of_thumbs = value(thumb_res);
    let thumbnails = Thumbnails {
        pix: value(default_thumb_pix).unwrap_or(base.pix),
        kind: thumbnail(base.kind, value(thumb_type), resolution_of_thumbs),
        align: (
            value(thumb_horiz_align).map_or(base.align.0, align),
            value(thumb_vert_align).map_or(base.align.1, align),
        ),
        background: value(thumb_bkg_color).unwrap_or(base.background),
    };
    Defaults {
        default_pix: value(default_pix).unwrap_or(configured.default_pix),
        max_pix: value(max_pix).unwrap_or(configured.max_pix),
        jpeg_quality: value(jpeg_quality).unwrap_or(configured.jpeg_quality),
        res_mode: value(res_mode).map_or(configured.res_mode, kernel),
        background: value(bkg_color).unwrap_or(configured.background),
        resolution: value(resolution).or(configured.resolution),
        print_resolution: value(print_resolution).or(configured.print_resolution),
        thumbnails,
        colors,
        ..configured.clone()
    }
}

/// Says which profiles that an asset's catalogue names for pictures of some types are not there;
/// without them their colours are taken for others.
#[must_use]
pub fn missing_profiles(colors: &ColorDefaults, types: &[PixelType]) -> Vec<Phrase> {
    let mut missing = Vec::new();
    for (pixel_type, name) in colors.output.iter().chain(colors.source.iter()) {
        if !types.contains(&pixel_type) {
            continue;
        }
        let problem = match colors.profiles.find(name) {
            Ok((_, found)) if found == pixel_type => continue,
            Ok((_, found)) => phrase!(
                "profile-for-other",
                "`{name}` is for {found}, not for {wanted}",
                name = name,
                found = found.words(),
                wanted = pixel_type.words(),
            ),
            Err(NoProfile { message, help }) => {
                phrase!("and-help", "{message}; {help}", message = message, help = help)
            }
        };
        let told = phrase!(
            "catalogue-profile-unused",
            "the colour profile of its catalogue is not used: {problem}",
            problem = problem
        );
        if !missing.contains(&told) {
            missing.push(told);
        }
    }
    missing
}

/// Returns the name of a profile; an empty one switches the configured one off.
fn profile(given: &Option<Given<String>>, configured: &Option<String>) -> Option<String> {
    match given {
        Some(given) => Some(given.value.clone()).filter(|name| !name.is_empty()),
        None => configured.clone(),
    }
}

fn intent(intent: RenderIntent) -> Intent {
    match intent {
        RenderIntent::Perceptual => Intent::Perceptual,
        RenderIntent::Relative => Intent::Relative,
        RenderIntent::Saturation => Intent::Saturation,
        RenderIntent::Absolute => Intent::Absolute,
    }
}

fn value<T: Copy>(given: &Option<Given<T>>) -> Option<T> {
    given.as_ref().map(|given| given.value)
}

fn kernel(mode: ResMode) -> Kernel {
    match mode {
        ResMode::Bilin => Kernel::Bilin,
        ResMode::Bicub => Kernel::Bicub,
        ResMode::Sharp2 => Kernel::Sharp2,
    }
}

fn align(align: ThumbAlign) -> f64 {
    match align {
        ThumbAlign::Start => -1.0,
        ThumbAlign::Middle => 0.0,
        ThumbAlign::End => 1.0,
    }
}

/// Decides how thumbnails are made; a texture without a resolution cannot be one.
fn thumbnail(
    base: ThumbType,
    kind: Option<library::ThumbType>,
    resolution: Option<f64>,
) -> ThumbType {
    match (kind, base, resolution) {
        (Some(library::ThumbType::Crop), _, _) => ThumbType::Crop,
        (Some(library::ThumbType::Fit), _, _) => ThumbType::Fit,
        (Some(library::ThumbType::Texture), _, Some(resolution))
        | (None, ThumbType::Texture { .. }, Some(resolution)) => ThumbType::Texture { resolution },
        (Some(library::ThumbType::Texture), ThumbType::Texture { resolution }, None) => {
            ThumbType::Texture { resolution }
        }
        (Some(library::ThumbType::Texture), ThumbType::Crop | ThumbType::Fit, None) => {
            ThumbType::Fit
        }
        (None, base, _) => base,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::RelPath;
    use crate::imaging::plan::Profiles;
    use crate::library::{AssetType, Origin, SourceFile};
    use crate::library::{ThumbAlign as Align, ThumbType as Kind};

    fn asset(modifier: Option<&str>, post_modifier: Option<&str>) -> Asset {
        Asset {
            handle: "a".into(),
            name: "a".into(),
            kind: AssetType::Image,
            file: None,
            modifier: modifier.map(str::to_owned),
            post_modifier: post_modifier.map(str::to_owned),
            mask: None,
            entry: None,
            scope: Scope::DEFAULT,
            attributes: std::sync::Arc::default(),
        }
    }

    /// What is asked of an asset in the end.
    fn asked(modifier: Option<&str>, post_modifier: Option<&str>, request: &str) -> String {
        let presets = Presets::new([("view", "wid=240&fmt=jpeg&qlt=85")]);
        let asset = asset(modifier, post_modifier);
        let own = Own::read(&asset, &presets, Rules::default()).unwrap();
        let request = modifiers::parse(request, &presets, Rules::default()).modifiers;
        own.around(&request).to_string()
    }

    #[test]
    fn a_record_is_weaker_than_a_request_and_its_post_modifier_stronger() {
        // P-4 and P-5 of the worked examples.
        assert_eq!(asked(Some("wid=100&qlt=50"), None, "wid=200"), "qlt=50,0&wid=200");
        assert_eq!(asked(Some("$view$"), None, "wid=10"), "fmt=jpeg&qlt=85,0&wid=10");
        assert_eq!(asked(None, Some("wid=1&fmt=png"), "wid=10&$view$"), "fmt=png&qlt=85,0&wid=1");
        assert_eq!(asked(Some("crop=1,1,5,5"), None, "cropN=0,0,1,1"), "cropN=0,0,1,1");
        assert_eq!(asked(Some("crop=1,1,5,5"), Some("cropN=0,0,1,1"), ""), "cropN=0,0,1,1");
    }

    #[test]
    fn what_is_wrong_in_a_record_fails_its_asset() {
        for (modifier, post) in [(Some("wid=abc"), None), (None, Some("$none$"))] {
            let read = Own::read(&asset(modifier, post), &Presets::default(), Rules::default());
            let message = read.unwrap_err().to_string();
            assert!(message.starts_with("its catalogue entry is wrong: "), "{message}");
        }
    }

    #[test]
    fn attributes_stand_in_for_the_configuration() {
        fn given<T>(value: T) -> Option<Given<T>> {
            let from = Origin { file: std::sync::Arc::from("a.ini"), line: 1 };
            Some(Given { value, from })
        }
        let house =
            PerType { rgb: Some("sRGB".into()), gray: Some("gray".into()), ..PerType::default() };
        let configured = Defaults {
            max_pix: (9, 9),
            strict: true,
            resolution: Some(7.0),
            colors: ColorDefaults { output: house.clone(), ..ColorDefaults::default() },
            ..Defaults::default()
        };
        assert_eq!(defaults(&configured, &Attributes::default()), configured);
        let attributes = Attributes {
            default_pix: given((1, 2)),
            bkg_color: given([3, 4, 5]),
            jpeg_quality: given((6, true)),
            res_mode: given(ResMode::Bilin),
            print_resolution: given(300.0),
            default_thumb_pix: given((7, 8)),
            thumb_bkg_color: given([9, 10, 11]),
            thumb_type: given(Kind::Texture),
            thumb_res: given(12.0),
            thumb_horiz_align: given(Align::End),
            thumb_vert_align: given(Align::Start),
            icc_profile_rgb: given(String::new()),
            icc_profile_src_cmyk: given("Press".to_owned()),
            icc_render_intent: given(RenderIntent::Perceptual),
            icc_black_point_compensation: given(false),
            icc_dither: given(true),
            ..Attributes::default()
        };
        let expected = Defaults {
            default_pix: (1, 2),
            background: [3, 4, 5],
            jpeg_quality: (6, true),
            res_mode: Kernel::Bilin,
            print_resolution: Some(300.0),
            thumbnails: Thumbnails {
                pix: (7, 8),
                kind: ThumbType::Texture { resolution: 12.0 },
                align: (1.0, -1.0),
                background: [9, 10, 11],
            },
            colors: ColorDefaults {
                output: PerType { rgb: None, ..house.clone() },
                source: PerType { cmyk: Some("Press".into()), ..PerType::default() },
                intent: Intent::Perceptual,
                black_point: false,
                dither: true,
                ..configured.colors.clone()
            },
            ..configured.clone()
        };
        assert_eq!(defaults(&configured, &attributes), expected);
    }

    #[test]
    fn a_mask_is_a_modifier_that_a_request_replaces() {
        let path = RelPath::parse("a (1)/m&m.tif").unwrap();
        let mask = Some(SourceFile { root: 0, path });
        let masked = Asset { mask: mask.map(Box::new), ..asset(Some("wid=5"), None) };
        let own = Own::read(&masked, &Presets::default(), Rules::default()).unwrap();
        assert_eq!(own.below.to_string(), "wid=5&mask=a%20%281%29/m%26m.tif");
        let request = modifiers::parse("mask=b", &Presets::default(), Rules::default()).modifiers;
        assert_eq!(own.around(&request).to_string(), "wid=5&mask=b");
    }

    #[test]
    fn profiles_that_are_not_there_are_told_where_they_matter() {
        let colors = ColorDefaults {
            profiles: Profiles::new([("Press", PixelType::Cmyk)]),
            output: PerType { cmyk: Some("WebCoated".into()), ..PerType::default() },
            source: PerType { rgb: Some("Press".into()), cmyk: Some("press".into()), gray: None },
            ..ColorDefaults::default()
        };
        assert_eq!(missing_profiles(&colors, &[PixelType::Gray]), [""; 0]);
        assert_eq!(
            missing_profiles(&colors, &[PixelType::Rgb, PixelType::Cmyk]),
            [
                "the colour profile of its catalogue is not used: there is no profile `WebCoated` \
                 on this machine; set `imaging.profiles.WebCoated` to the path of its file, or ask \
                 whoever runs exportd to do so",
                "the colour profile of its catalogue is not used: `Press` is for CMYK, not for RGB",
            ]
        );
    }
}
