//! What was asked of the assets of a run, put so that a person can look it up.

use std::collections::BTreeMap;

use super::check::{ExportJob, Make};
use super::precedence;
use crate::diag::{Phrase, phrase};
use crate::imaging::modifiers::{Target, expand};
use crate::library::{ImageCatalogs, Scope};

/// So many renditions are told.
const MOST: usize = 50;

/// What one rendition asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// Its name; `None` when the manifest has no `[[exportJob]]`.
    pub rendition: Option<String>,
    /// The request with every preset written out; `None` when originals are asked for.
    pub request: Option<String>,
    /// What holds of it, command by command.
    pub commands: Vec<Said>,
}

/// One command, and who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The command with its value.
    pub command: String,
    /// Where it stands, such as `macro $web$`.
    pub by: Phrase,
}

/// Tells what each rendition of a job asks for, with the presets of the configuration and of the
/// default catalogue. A catalogue may add to it, asset by asset.
#[must_use]
pub fn recipes(
    job: &ExportJob,
    images: &ImageCatalogs,
    configured: &BTreeMap<String, String>,
) -> Vec<Recipe> {
    let presets = precedence::presets(images, Scope::DEFAULT, configured);
    let origin = |written: &str| origin(written.trim_matches('$'), images, configured);
    let of = |rendition: &super::check::Rendition| {
        let mut told =
            Recipe { rendition: rendition.name.clone(), request: None, commands: Vec::new() };
        let Make::Convert(recipe) = &rendition.make else { return told };
        told.request = Some(expand(&recipe.text, &presets));
        let Ok(modifiers) = recipe.modifiers(Scope::DEFAULT) else { return told };
        let said = modifiers.iter().map(|(target, setting)| {
            let place = setting.place();
            let written = recipe.text.get(place.clone()).unwrap_or_default();
            let preset = written.strip_prefix('$').is_some_and(|rest| rest.ends_with('$'));
            let by = match (recipe.is_of_macro(&place), preset) {
                (true, _) => by_macro(written, origin(written)),
                (false, true) => by_preset(written, origin(written)),
                (false, false) => "is_modifier".into(),
            };
            let command = format!("{}{}={}", on(target), setting.value.name(), setting.value);
            Said { command, by }
        });
        told.commands = said.collect();
        told
    };
    job.renditions.iter().take(MOST).map(of).collect()
}

/// Says where a preset is defined.
fn origin(
    name: &str,
    images: &ImageCatalogs,
    configured: &BTreeMap<String, String>,
) -> Option<Phrase> {
    if configured.contains_key(&name.to_lowercase()) {
        return Some(phrase!("the-configuration", "the configuration"));
    }
    let found = images.macros(Scope::DEFAULT).find(|found| found.name.eq_ignore_ascii_case(name));
    found.map(|found| found.from.to_string().into())
}

fn by_macro(written: &str, origin: Option<Phrase>) -> Phrase {
    match origin {
        Some(origin) => phrase!(
            "by-macro-from",
            "macro {name} (from {origin})",
            name = written,
            origin = origin,
        ),
        None => phrase!("by-macro", "macro {name}", name = written),
    }
}

fn by_preset(written: &str, origin: Option<Phrase>) -> Phrase {
    match origin {
        Some(origin) => phrase!(
            "by-preset-from",
            "{name} in is_modifier (from {origin})",
            name = written,
            origin = origin,
        ),
        None => phrase!("by-preset", "{name} in is_modifier", name = written),
    }
}

/// Says what a command acts on, where that is not plain from its name.
#[must_use]
pub fn on(target: Target) -> String {
    match target {
        Target::Request | Target::Composite | Target::Layer(0) => String::new(),
        Target::Layer(n) => format!("layer {n}: "),
        Target::Effect(Some(layer), n) => format!("effect {n} of layer {layer}: "),
        Target::Effect(None, n) => format!("effect {n}: "),
    }
}
