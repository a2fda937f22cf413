//! Rules that look at more than one key.

use std::collections::HashMap;

use super::walk::Table;
use super::{Manifest, Placeholder, Request};
use crate::diag::{Code, Diagnostic, Phrase, Spanned, phrase};
use crate::fs::RelPath;
use crate::job::Fmt;
use crate::library::AssetType;
use crate::library::toml::{Section, write};

/// What a required key looks like.
const REQUIRED: [(&str, &str); 4] = [
    ("jobName", "jobName = \"spring-tops\""),
    ("assetHandleArray", "assetHandleArray = [\"tops/10023-front.tif\", \"tops/*.psd\"]"),
    ("fmt", "fmt = \"convert\""),
    ("emailSetting", "emailSetting = \"ErrorAndWarning\""),
];

fn add(key: &str, example: &str) -> Phrase {
    if key == "fmt" {
        return phrase!(
            "add-fmt",
            "add fmt = \"convert\", or fmt = \"orig\" for the files as they are"
        );
    }
    phrase!("add", "add {example}", example = example)
}

/// Names the required keys that are not there; what is to be made of which assets may also stand
/// in every `[[exportJob]]`.
pub(super) fn required(top: &mut Section<'_, '_>, tables: &mut [Table<'_, '_>]) {
    let beginning = if top.document.text.starts_with('\u{feff}') { 3 } else { 0 };
    for (key, example) in REQUIRED {
        if top.has(key) {
            continue;
        }
        let in_tables = matches!(key, "assetHandleArray" | "fmt") && top.has("exportJob");
        if !in_tables {
            top.findings.push(
                Diagnostic::error(
                    Code::Missing,
                    beginning..beginning,
                    phrase!("key-missing", "`{key}` is missing", key = key),
                )
                .help(add(key, example)),
            );
            continue;
        }
        for table in tables.iter_mut() {
            if !table.section.has(key) {
                table.section.findings.push(
                    Diagnostic::error(
                        Code::Missing,
                        table.rendition.span.clone(),
                        phrase!(
                            "key-missing-here",
                            "`{key}` is missing, here and at the top of the manifest",
                            key = key
                        ),
                    )
                    .help(add(key, example)),
                );
            }
        }
    }
    for table in tables {
        if !table.section.has("rendition") {
            table.section.findings.push(
                Diagnostic::error(
                    Code::Missing,
                    table.rendition.span.clone(),
                    phrase!("no-rendition", "this [[exportJob]] has no `rendition`"),
                )
                .help(phrase!(
                    "add-rendition",
                    "add rendition = \"web\", a name of its own for each"
                )),
            );
        }
    }
}

/// Names the renditions whose name an earlier one bears, also when it only looks the same.
pub(super) fn unique_names(tables: &mut [Table<'_, '_>]) {
    let mut names: HashMap<String, String> = HashMap::new();
    for table in tables {
        let Some(name) = &table.rendition.name else { continue };
        let Ok(path) = RelPath::parse(&name.value) else { continue };
        if let Some(earlier) = names.insert(path.folded(), name.value.clone()) {
            table.section.findings.push(
                Diagnostic::error(
                    Code::Value,
                    name.span.clone(),
                    phrase!(
                        "rendition-twice",
                        "there is a rendition \"{earlier}\" already",
                        earlier = earlier
                    ),
                )
                .help(phrase!("rendition-names", "give each rendition a name of its own")),
            );
        }
    }
}

/// Looks at keys that do not go together.
pub(super) fn together(manifest: &Manifest, top: &mut Section<'_, '_>) {
    if let (Some(time), Some(schedule)) = (top.get("execTime"), top.get("execSchedule")) {
        let later = time.key_span.start.max(schedule.key_span.start);
        let span = if later == time.key_span.start { time.key_span } else { schedule.key_span };
        top.findings.push(
            Diagnostic::error(
                Code::Value,
                span,
                phrase!(
                    "time-and-schedule",
                    "`execTime` and `execSchedule` cannot be used together"
                ),
            )
            .help(phrase!(
                "keep-time-or-schedule",
                "keep `execTime` to run once, `execSchedule` to run again and again"
            )),
        );
    }
    if let Some(overwrite) = &manifest.overwrite
        && overwrite.value
        && !top.has("destination")
    {
        top.findings.push(
            Diagnostic::warning(
                Code::Value,
                overwrite.span.clone(),
                phrase!(
                    "overwrite-alone",
                    "`overwrite` has no effect without `destination`: each run has a folder of \
                     its own"
                ),
            )
            .help(phrase!("add-destination", "add `destination`, or leave `overwrite` out")),
        );
    }
    if !top.has("exportJob")
        && let Some(name) = &manifest.common.output_name
        && name.value.uses(Placeholder::Rendition)
    {
        top.findings.push(
            Diagnostic::error(
                Code::Value,
                name.span.clone(),
                phrase!(
                    "rendition-without-tables",
                    "`outputName`: {{rendition}} means nothing without [[exportJob]] tables"
                ),
            )
            .help(phrase!("remove-or-add-tables", "remove it, or add [[exportJob]] tables")),
        );
    }
    ignored_modifiers(manifest, &mut top.findings);
    for request in requests(manifest) {
        extension(request, &mut top.findings);
    }
}

fn requests(manifest: &Manifest) -> impl Iterator<Item = &Request> {
    std::iter::once(&manifest.common).chain(manifest.renditions.iter().map(|r| &r.request))
}

/// Warns of modifiers that a job of originals ignores.
fn ignored_modifiers(manifest: &Manifest, findings: &mut Vec<Diagnostic>) {
    let common = manifest.common.fmt.as_ref().map(|fmt| fmt.value);
    let fmt = |request: &Request| request.fmt.as_ref().map(|fmt| fmt.value).or(common);
    let renditions = &manifest.renditions;
    // Defaults are used as long as one rendition converts.
    let of_top = if renditions.is_empty() {
        common == Some(Fmt::Orig)
    } else {
        renditions.iter().all(|rendition| fmt(&rendition.request) == Some(Fmt::Orig))
    };
    let originals = renditions
        .iter()
        .map(|rendition| &rendition.request)
        .filter(|request| fmt(request) == Some(Fmt::Orig));
    for request in of_top.then_some(&manifest.common).into_iter().chain(originals) {
        let modifier = request.is_modifier.as_ref().map(|text| ("is_modifier", &text.span));
        let preset = request.preset.as_ref().map(|name| ("macro", &name.span));
        for (key, span) in modifier.into_iter().chain(preset) {
            findings.push(
                Diagnostic::warning(
                    Code::Value,
                    span.clone(),
                    phrase!(
                        "ignored-with-orig",
                        "`{key}` is ignored: fmt = \"orig\" delivers the files as they are",
                        key = key
                    ),
                )
                .help(phrase!(
                    "write-convert-for-pictures",
                    "to make pictures from them write fmt = \"convert\""
                )),
            );
        }
    }
}

/// Warns of a template that ends with an extension, which would then be there twice.
fn extension(request: &Request, findings: &mut Vec<Diagnostic>) {
    let Some(Spanned { value, span }) = &request.output_name else { return };
    let Some((before, extension)) = value.as_str().rsplit_once('.') else { return };
    if AssetType::from_extension(Some(extension)) != AssetType::Unknown && !before.ends_with('/') {
        findings.push(
            Diagnostic::warning(
                Code::Value,
                span.clone(),
                phrase!(
                    "ends-with-extension",
                    "`outputName` ends with \".{extension}\", and the extension follows by itself",
                    extension = extension
                ),
            )
            .help(write(format!("\"{before}\""))),
        );
    }
}
