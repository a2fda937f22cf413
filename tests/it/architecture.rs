//! The house rules that no compiler knows: layers, doors, purity, names, sizes.
//!
//! The test reads `src/**/*.rs` as text. Comments, string contents and what stands under
//! `#[cfg(test)]` do not count. It is a reader of paths, not a Rust parser: a macro could hide a
//! path from it, and nobody here wants to. [`the_reader_finds_what_it_is_for`] shows on made-up
//! sources that each rule can fail.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules by layer; each may import only what stands in a lower row (see ARCHITECTURE.md).
const LAYERS: &[&[&str]] = &[
    &["diag", "fs", "pulse"],
    &["imaging", "library"],
    &["worker", "spool"],
    &["job"],
    &["report"],
    &["config"],
    &["daemon"],
    &["cli"],
    &["main"],
];

/// The same inside `imaging`; what `imaging/mod.rs` itself defines is the vocabulary of all.
const ENGINE: &[&[&str]] = &[
    &["angle", "hands", "modifiers", "raster"],
    &["plan"],
    &["color", "paths"],
    &["ops", "formats"],
    &["finish"],
    &["thumbnail"],
    &["execute"],
    &["mod", "tests"],
];

/// Words of one module that a lower one may say, with the reason.
const WORDS: &[(&str, &str)] = &[
    // What a header says is part of what is planned from.
    ("plan", "formats::SourceFormat"),
];

/// Which files may name an outside crate; a prefix with a slash is a folder.
const DOORS: &[(&str, &[&str])] = &[
    // what people write
    ("toml", &["job/manifest/", "library/", "config/"]),
    ("toml_parser", &["job/manifest/"]),
    ("clap", &["cli/"]),
    ("clap_complete", &["cli/completions.rs"]),
    ("clap_mangen", &["cli/manual/"]),
    ("annotate_snippets", &["diag/"]),
    ("strsim", &["diag/"]),
    ("unicode_normalization", &["fs/names.rs", "library/", "job/"]),
    ("croner", &["job/schedule.rs"]),
    // pictures
    ("image", &["imaging/formats/"]),
    ("mozjpeg", &["imaging/formats/"]),
    ("mozjpeg_sys", &["imaging/formats/"]),
    (
        "fearless_simd",
        &[
            "imaging/formats/jpeg_decoder/",
            "imaging/formats/webp_encoder/",
            "imaging/formats/webp_encoder.rs",
        ],
    ),
    ("png", &["imaging/formats/"]),
    ("tiff", &["imaging/formats/"]),
    ("gif", &["imaging/formats/"]),
    ("hayro_ccitt", &["imaging/formats/"]),
    ("weezl", &["imaging/formats/"]),
    ("flate2", &["imaging/formats/"]),
    ("webp", &["imaging/formats/"]),
    ("ravif", &["imaging/formats/avif/rav1e.rs"]),
    ("rgb", &["imaging/formats/avif/rav1e.rs"]),
    ("libaom_sys", &["imaging/formats/avif/libaom.rs"]),
    ("re_rav1d", &["imaging/formats/avif/"]),
    ("hayro_jpeg2000", &["imaging/formats/jpeg2000.rs"]),
    ("openjp2", &["imaging/formats/jpeg2000/"]),
    ("resvg", &["imaging/formats/svg.rs", "imaging/formats/svg/"]),
    ("hayro", &["imaging/formats/pdf.rs"]),
    ("lcms2", &["imaging/color.rs", "imaging/color/"]),
    ("fast_image_resize", &["imaging/ops/resample.rs", "imaging/ops/resample/"]),
    ("rayon_core", &["imaging/hands.rs"]),
    ("bytemuck", &["imaging/ops/resample.rs"]),
    ("base64", &["imaging/thumbnail.rs", "report/webhook/signature.rs"]),
    // files, processes, signals
    ("notify", &["spool/watch.rs"]),
    ("crc32fast", &["spool/journal.rs", "imaging/formats/tests.rs", "imaging/formats/tests/"]),
    ("landlock", &["worker/sandbox.rs"]),
    ("libc", &["worker/sandbox.rs", "imaging/formats/jpeg_scans.rs"]),
    ("seccompiler", &["worker/sandbox.rs"]),
    ("signal_hook", &["daemon/"]),
    ("sd_notify", &["daemon/"]),
    // mail and words
    ("lettre", &["report/smtp/"]),
    ("idna", &["report/smtp/address.rs"]),
    ("ureq", &["report/webhook/caller.rs"]),
    ("rustls", &["report/webhook/caller.rs"]),
    ("rustls_native_certs", &["report/webhook/caller.rs"]),
    ("hmac", &["report/webhook/signature.rs"]),
    ("mailparse", &["report/reading.rs", "report/smtp/message.rs"]),
    ("indicatif", &["cli/progress.rs"]),
    ("minijinja", &["report/html.rs"]),
    ("fluent_bundle", &["report/locale/"]),
    ("unic_langid", &["report/locale/"]),
    ("unicode_width", &["report/text/page.rs"]),
    ("nix", &["daemon/people.rs"]),
    ("tracing_subscriber", &["daemon/"]),
];

/// What the engine may not know: it gets bytes and gives bytes.
const OUTSIDE_OF_THE_ENGINE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::os",
    "std::path",
    "std::process",
    "std::thread",
    "std::time",
    "crate::fs",
    "rustix",
    "jiff",
    "tracing",
];

/// What C libraries compute, each in its own way: the engine's bytes are the same with any of them.
const INEXACT: &[&str] = &[
    "sin", "cos", "tan", "sin_cos", "asin", "acos", "atan", "atan2", "exp", "exp2", "ln", "log",
    "log2", "log10", "powf", "cbrt", "hypot",
];

/// Modules that may contain `unsafe`, each with its reason.
const UNSAFE: &[(&str, &str)] = &[
    ("daemon/idle.rs", "what is done with memory that is mapped has no safe face"),
    (
        "imaging/formats/avif/libaom.rs",
        "the encoder of packaged builds is in C, and its binding has no safe face",
    ),
    (
        "imaging/formats/jpeg.rs",
        "which of its messages libjpeg means stands behind a pointer that only C fills",
    ),
    (
        "imaging/formats/jpeg2000/sink.rs",
        "the encoder hands over the bytes it writes behind a pointer, and knows no other way",
    ),
    ("imaging/formats/jpeg_scans.rs", "a list of scans goes to libjpeg through a pointer"),
];

/// Files longer than [`LONGEST`] lines, each with its reason. Tables may be.
const LONG: &[(&str, &str)] = &[];
const LONGEST: usize = 1_000;
const LONGEST_MAIN: usize = 50;

/// Names that say nothing about the problem.
const EMPTY_NAMES: &[&str] = &[
    "utils", "util", "common", "helpers", "helper", "types", "manager", "service", "misc", "shared",
];

#[test]
fn the_house_is_as_the_plan_says() {
    let sources = sources();
    assert!(sources.len() > 10, "only {} files under src/", sources.len());
    let findings: Vec<String> =
        sources.iter().flat_map(|(file, text)| findings(file, text)).collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn every_door_leads_somewhere() {
    let sources = sources();
    let leads = |name: &str, place: &str| {
        sources.iter().any(|(file, text)| {
            let here = if place.ends_with('/') { file.starts_with(place) } else { file == place };
            here && Code::read_whole(text).names_crate(name)
        })
    };
    let doors = DOORS.iter().flat_map(|(name, places)| places.iter().map(move |at| (*name, *at)));
    let walled: Vec<_> = doors.filter(|(name, place)| !leads(name, place)).collect();
    assert!(walled.is_empty(), "named in none of these places: {walled:?}");
}

#[test]
fn the_reader_finds_what_it_is_for() {
    let text = r##"
//! crate::cli in a comment does not count.
use std::path::Path;
use crate::{diag::Fault, fs, library::{Asset, Library}};
use super::super::spool::Claim;
/* nor crate::daemon /* here */ nor there */
const TEXT: &str = "crate::daemon::run";
const RAW: &str = r#"lettre::Message " crate::cli"#;
fn close<'a>(c: char) -> bool { c == '"' || c == '\'' }
fn work() { let _ = crate::job::check::check; let _ = lettre::Message::builder(); }
mod inner { fn f() { super::super::ops::resample::run(); } }
unsafe fn danger() {}
fn turn(x: f64) -> f64 { x.sin() }
#[cfg(test)]
mod tests { use super::*; use crate::cli::Args; use image::open; }
fn after() { let _ = crate::report::mail; }
"##;
    let found = findings("imaging/raster.rs", text);
    let expected = [
        "imaging/raster.rs: layer 1 imports crate::library::Asset (layer 1)",
        "imaging/raster.rs: layer 1 imports crate::library::Library (layer 1)",
        "imaging/raster.rs: layer 1 imports crate::spool::Claim (layer 2)",
        "imaging/raster.rs: layer 1 imports crate::job::check::check (layer 3)",
        "imaging/raster.rs: imaging::raster imports crate::imaging::ops::resample::run",
        "imaging/raster.rs: layer 1 imports crate::report::mail (layer 4)",
        "imaging/raster.rs: lettre belongs to report/smtp/",
        "imaging/raster.rs: the engine knows no std::path",
        "imaging/raster.rs: the engine knows no crate::fs",
        "imaging/raster.rs: the engine knows no sin that is the same everywhere",
        "imaging/raster.rs: unsafe",
    ];
    assert_eq!(found, expected);

    assert_eq!(findings("spool/utils.rs", ""), ["spool/utils.rs: a name that says nothing"]);
    assert_eq!(
        findings("imaging/attic.rs", "use super::plan::Plan;"),
        ["imaging/attic.rs: imaging::attic is in no layer of the engine"]
    );
    assert_eq!(findings("attic/mod.rs", ""), ["attic/mod.rs: attic is in no layer"]);
    assert_eq!(findings("main.rs", &"\n".repeat(51)), ["main.rs: 51 lines, 50 are allowed"]);
    assert_eq!(
        findings("job/run.rs", "use notify::Watcher; use notify; fn f(notify: u8) {}"),
        ["job/run.rs: notify belongs to spool/watch.rs"]
    );
    // The same paths where they belong.
    assert_eq!(findings("spool/watch.rs", "use notify::Watcher; use crate::fs;"), [""; 0]);
    assert_eq!(
        findings("imaging/plan.rs", "use super::{Size, formats::SourceFormat, modifiers::Fit};"),
        [""; 0]
    );
    assert_eq!(findings("main.rs", "fn main() { exportd::cli::run(); }"), [""; 0]);
    assert_eq!(
        findings("job/mod.rs", "use exportd::report::Report;"),
        ["job/mod.rs: layer 3 imports crate::report::Report (layer 4)"]
    );
}

/// Applies every rule to one file, named by its path below `src/`.
fn findings(file: &str, text: &str) -> Vec<String> {
    let code = Code::read(text);
    let paths = code.paths(&module_of(file));
    let mut found = names_and_size(file, text);
    found.extend(layers(file, &paths));
    found.extend(doors(file, &code));
    if file.starts_with("imaging/") {
        found.extend(purity(file, &code, &paths));
    }
    let may = UNSAFE.iter().any(|(allowed, _)| *allowed == file);
    if !may && code.tokens.iter().any(|token| token == "unsafe" || token == "unsafe_code") {
        found.push(format!("{file}: unsafe"));
    }
    found
}

fn names_and_size(file: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let stem = file.trim_end_matches(".rs");
    if stem.split('/').any(|part| EMPTY_NAMES.contains(&part)) {
        found.push(format!("{file}: a name that says nothing"));
    }
    let most = if file == "main.rs" { LONGEST_MAIN } else { LONGEST };
    let lines = text.lines().count();
    if lines > most && !LONG.iter().any(|(allowed, _)| *allowed == file) {
        found.push(format!("{file}: {lines} lines, {most} are allowed"));
    }
    found
}

fn layers(file: &str, paths: &[Vec<String>]) -> Vec<String> {
    let module = module_of(file);
    let Some(top) = module.first() else { return Vec::new() }; // lib.rs holds the map only
    let Some(own) = rank(LAYERS, top) else {
        return vec![format!("{file}: {top} is in no layer")];
    };
    let mut found = Vec::new();
    for path in paths {
        let Some(target) = path.first() else { continue };
        let Some(other) = rank(LAYERS, target) else { continue };
        if target != top && other >= own {
            let path = path.join("::");
            found.push(format!("{file}: layer {own} imports crate::{path} (layer {other})"));
        } else if target == "imaging" && top == "imaging" {
            found.extend(engine_layer(file, &module, path));
        }
    }
    found
}

/// Holds the order inside `imaging`; a path to a name of `imaging/mod.rs` itself is vocabulary.
fn engine_layer(file: &str, module: &[String], path: &[String]) -> Option<String> {
    let from = module.get(1).map_or("mod", String::as_str);
    let to = path.get(1)?;
    let Some(own) = rank(ENGINE, from) else {
        return Some(format!("{file}: imaging::{from} is in no layer of the engine"));
    };
    let other = rank(ENGINE, to)?;
    let inner = path[1..].join("::");
    let word = WORDS.iter().any(|(who, what)| *who == from && inner.starts_with(what));
    (from != to && other >= own && !word)
        .then(|| format!("{file}: imaging::{from} imports crate::{}", path.join("::")))
}

fn doors(file: &str, code: &Code) -> Vec<String> {
    let open = |places: &[&str]| {
        places.iter().any(|place| {
            if place.ends_with('/') { file.starts_with(place) } else { file == *place }
        })
    };
    DOORS
        .iter()
        .filter(|(name, places)| !open(places) && code.names_crate(name))
        .map(|(name, places)| format!("{file}: {name} belongs to {}", places.join(", ")))
        .collect()
}

fn purity(file: &str, code: &Code, paths: &[Vec<String>]) -> Vec<String> {
    OUTSIDE_OF_THE_ENGINE
        .iter()
        .filter(|what| match what.split_once("::") {
            Some(("crate", module)) => {
                paths.iter().any(|path| path.first().is_some_and(|top| top == module))
            }
            Some((_, module)) => code.std_paths().contains(module),
            None => code.names_crate(what),
        })
        .map(|what| format!("{file}: the engine knows no {what}"))
        .chain(
            INEXACT.iter().filter(|name| code.calls_method(name)).map(|name| {
                format!("{file}: the engine knows no {name} that is the same everywhere")
            }),
        )
        .collect()
}

fn rank(table: &[&[&str]], name: &str) -> Option<usize> {
    table.iter().position(|row| row.contains(&name))
}

/// The module a file is: `spool/watch.rs` is `[spool, watch]`, `spool/mod.rs` is `[spool]`.
fn module_of(file: &str) -> Vec<String> {
    let stem = file.trim_end_matches(".rs");
    if stem == "lib" {
        return Vec::new();
    }
    stem.trim_end_matches("/mod").split('/').map(str::to_owned).collect()
}

/// A source without comments, literals and tests, as tokens: words, `::` and single marks.
struct Code {
    tokens: Vec<String>,
}

impl Code {
    fn read(text: &str) -> Self {
        let mut code = Self { tokens: tokens(text) };
        code.drop_tests();
        code
    }

    /// The same with its tests.
    fn read_whole(text: &str) -> Self {
        Self { tokens: tokens(text) }
    }

    /// Removes what `#[cfg(test)]` stands before: up to the end of its braces, or its semicolon.
    fn drop_tests(&mut self) {
        const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
        while let Some(start) = self.tokens.windows(MARK.len()).position(|window| window == MARK) {
            let mut depth = 0_usize;
            let mut end = self.tokens.len();
            for (at, token) in self.tokens.iter().enumerate().skip(start + MARK.len()) {
                match token.as_str() {
                    "{" => depth += 1,
                    "}" => depth -= 1,
                    _ => {}
                }
                if depth == 0 && matches!(token.as_str(), "}" | ";") {
                    end = at + 1;
                    break;
                }
            }
            self.tokens.drain(start..end);
        }
    }

    fn at(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", String::as_str)
    }

    /// Tells whether a word begins a path (and is not the middle of one).
    fn begins_path(&self, index: usize) -> bool {
        let before = if index == 0 { "" } else { self.at(index - 1) };
        self.at(index + 1) == "::" && before != "::"
    }

    /// Tells whether an outside crate is named: as the root of a path, or in a `use`.
    fn names_crate(&self, name: &str) -> bool {
        (0..self.tokens.len()).any(|i| {
            self.at(i) == name
                && (self.begins_path(i) || (i > 0 && self.at(i - 1) == "use"))
                && !(i > 1 && self.at(i - 1) == "{" && self.at(i - 2) == "::")
        })
    }

    /// Tells whether a method of that name is called.
    fn calls_method(&self, name: &str) -> bool {
        self.tokens.windows(3).any(|w| w[0] == "." && w[1] == name && w[2] == "(")
    }

    /// Returns the modules of `std` that are named.
    fn std_paths(&self) -> BTreeSet<String> {
        let roots = (0..self.tokens.len()).filter(|i| self.at(*i) == "std" && self.begins_path(*i));
        roots.flat_map(|i| self.tree(i + 2)).filter_map(|path| path.first().cloned()).collect()
    }

    /// Returns every path into this crate, from its root, with `use` trees unfolded.
    fn paths(&self, module: &[String]) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        let mut inline: Vec<(String, usize)> = Vec::new(); // `mod name {` and its depth
        let mut depth = 0;
        for i in 0..self.tokens.len() {
            match self.at(i) {
                "{" => {
                    depth += 1;
                    if i > 1 && self.at(i - 2) == "mod" {
                        inline.push((self.at(i - 1).to_owned(), depth));
                    }
                }
                "}" => {
                    inline.retain(|(_, opened)| *opened < depth);
                    depth -= 1;
                }
                "crate" | "exportd" if self.begins_path(i) => found.extend(self.tree(i + 2)),
                "super" if self.begins_path(i) => {
                    let mut base = module.to_vec();
                    base.extend(inline.iter().map(|(name, _)| name.clone()));
                    base.pop();
                    let mut next = i + 2;
                    while self.at(next) == "super" {
                        base.pop();
                        next += 2;
                    }
                    found.extend(
                        self.tree(next).into_iter().map(|path| [&base[..], &path].concat()),
                    );
                }
                _ => {}
            }
        }
        found
    }

    /// Unfolds the path or `use` tree that begins at a token.
    fn tree(&self, start: usize) -> Vec<Vec<String>> {
        let mut path = Vec::new();
        let mut at = start;
        loop {
            match self.at(at) {
                "{" => {
                    let mut all = Vec::new();
                    let mut item = at + 1;
                    while !matches!(self.at(item), "}" | "") {
                        all.extend(
                            self.tree(item).into_iter().map(|rest| [&path[..], &rest].concat()),
                        );
                        item = self.next_item(item);
                    }
                    return all;
                }
                word if is_word(word) => path.push(word.to_owned()),
                _ => return vec![path],
            }
            if self.at(at + 1) != "::" {
                return vec![path];
            }
            at += 2;
        }
    }

    /// Returns where the next element of a `{…}` list begins, or its closing brace.
    fn next_item(&self, mut at: usize) -> usize {
        let mut depth = 0;
        loop {
            match self.at(at) {
                "{" => depth += 1,
                "}" if depth == 0 => return at,
                "}" => depth -= 1,
                "," if depth == 0 => return at + 1,
                "" => return at,
                _ => {}
            }
            at += 1;
        }
    }
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Cuts a source into tokens; comments and the insides of literals are left out.
fn tokens(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = raw_string(rest) {
            length
        } else if first == '"' || rest.starts_with("b\"") || rest.starts_with("c\"") {
            quoted(rest, '"')
        } else if first == '\'' && is_char(rest) {
            quoted(rest, '\'')
        } else if first.is_alphanumeric() || first == '_' {
            let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
            let word = &rest[..word.unwrap_or(rest.len())];
            out.push(word.to_owned());
            word.len()
        } else if rest.starts_with("::") {
            out.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                out.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    out
}

/// Length of a block comment; they nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// Length of a raw string, if one begins here.
fn raw_string(rest: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"].into_iter().find(|prefix| {
        rest.strip_prefix(prefix).is_some_and(|after| after.starts_with(['"', '#']))
    })?;
    let hashes = rest[prefix.len()..].chars().take_while(|c| *c == '#').count();
    let open = prefix.len() + hashes;
    if !rest[open..].starts_with('"') {
        return None; // a raw identifier
    }
    let close = format!("\"{}", "#".repeat(hashes));
    let body = open + 1;
    Some(rest[body..].find(&close).map_or(rest.len(), |end| body + end + close.len()))
}

/// Tells a character literal from a lifetime.
fn is_char(rest: &str) -> bool {
    let mut chars = rest.chars().skip(1);
    matches!((chars.next(), chars.next()), (Some('\\'), _) | (Some(_), Some('\'')))
}

/// Length of a quoted literal with its escapes, from its first character on.
fn quoted(rest: &str, mark: char) -> usize {
    let open = rest.find(mark).map_or(rest.len(), |at| at + 1);
    let mut escaped = false;
    for (at, c) in rest[open..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == mark => return open + at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Every source below `src/` but those that are modules of tests, with its path from there.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    collect(&root, &mut all);
    all.sort();
    let only_tests: BTreeSet<PathBuf> =
        all.iter().flat_map(|(file, text)| test_modules(file, text)).collect();
    all.into_iter()
        .filter(|(file, _)| {
            !only_tests.iter().any(|test| file.with_extension("").starts_with(test))
        })
        .map(|(file, text)| {
            let file = file.strip_prefix(&root).expect("below src/").to_string_lossy();
            (file.replace('\\', "/"), text)
        })
        .collect()
}

fn collect(folder: &Path, all: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).expect("src/ can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, all);
        } else if path.extension().is_some_and(|suffix| suffix == "rs") {
            let text = fs::read_to_string(&path).expect("a source in UTF-8");
            all.push((path, text));
        }
    }
}

/// Returns the files (without suffix) that `#[cfg(test)] mod name;` declares.
fn test_modules(file: &Path, text: &str) -> Vec<PathBuf> {
    let folder = match file.file_stem().and_then(|stem| stem.to_str()) {
        Some("mod" | "lib" | "main") => file.with_file_name(""),
        _ => file.with_extension(""),
    };
    let tokens = tokens(text);
    tokens
        .windows(10)
        .filter(|window| window[..8] == ["#", "[", "cfg", "(", "test", ")", "]", "mod"])
        .filter(|window| window[9] == ";")
        .map(|window| folder.join(&window[8]))
        .collect()
}
