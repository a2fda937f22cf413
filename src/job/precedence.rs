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

use crate::diag::{Diagnostic, Fault};
use crate::imaging::modifiers::values::Kernel;
use crate::imaging::modifiers::{self, Modifiers, Presets, Rules};
use crate::imaging::plan::{Defaults, ThumbType, Thumbnails};
use crate::library::{self, Asset, Attributes, Given, ImageCatalogs, ResMode, Scope, ThumbAlign};

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
        let read = |text: &Option<String>| {
            let Some(text) = text else { return Ok(Modifiers::default()) };
            let parsed = modifiers::parse(text, presets, rules);
            match parsed.error() {
                None => Ok(parsed.modifiers),
                Some(Diagnostic { message, help, .. }) => Err(Fault::Modifiers {
                    message: format!("its catalogue entry is wrong: {message}"),
                    help: help.clone(),
                }),
            }
        };
        Ok(Self { below: read(&asset.modifier)?, above: read(&asset.post_modifier)? })
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
    asset.modifier.is_some() || asset.post_modifier.is_some()
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
        icc_profile_rgb: _,
        icc_profile_gray: _,
        icc_profile_cmyk: _,
        icc_profile_src_rgb: _,
        icc_profile_src_gray: _,
        icc_profile_src_cmyk: _,
        icc_render_intent: _,
        icc_black_point_compensation: _,
        icc_dither: _,
    } = attributes;
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
        ..configured.clone()
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
