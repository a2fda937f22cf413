//! The colour profiles of the configuration: looked at when it is read, by their first bytes only.
//!
//! What is in a profile is for a worker to read. Here it is enough to know that the file is one,
//! and of which type its pixels are, so that a wrong path is said when the configuration is
//! checked and not when the first picture needs it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::{Config, ConfigError};
use crate::imaging::PixelType;
use crate::imaging::color::{HEADER, pixel_type_of};
use crate::imaging::plan::{PerType, Profiles};

/// Reads the header of every profile and checks the names that stand for one.
///
/// # Errors
/// [`ConfigError::Wrong`] with every mistake.
pub(super) fn look(config: &mut Config) -> Result<(), ConfigError> {
    let mut wrong = String::new();
    let mut complain = |key: &str, problem: &str| {
        let origin = config
            .origins
            .get(key)
            .map_or_else(String::new, |(_, origin)| format!("\n  --> {origin}"));
        let _ = write!(wrong, "error: `{key}`: {problem}{origin}\n\n");
    };
    let policy = &mut config.settings.policy;
    let mut found = Vec::new();
    for (name, path) in &policy.profiles {
        match type_of(path) {
            Ok(pixel_type) => found.push((name.clone(), pixel_type)),
            Err(problem) => complain(&format!("imaging.profiles.{name}"), &problem),
        }
    }
    let colors = &mut policy.imaging.colors;
    colors.profiles = Profiles::new(found);
    let names = |names: &PerType, prefix: &str| -> Vec<(String, PixelType, String)> {
        let key = |pixel_type: PixelType| {
            format!("imaging.{prefix}_{}", pixel_type.to_string().to_lowercase())
        };
        names.iter().map(|(kind, name)| (key(kind), kind, name.to_owned())).collect()
    };
    for (key, wanted, name) in
        names(&colors.output, "icc").into_iter().chain(names(&colors.source, "icc_src"))
    {
        match colors.profiles.find(&name) {
            Ok((_, found)) if found == wanted => {}
            Ok((_, found)) => complain(&key, &format!("{name} is for {found}, not for {wanted}")),
            Err(none) if policy.profiles.contains_key(&name) => drop(none),
            Err(none) => complain(&key, &format!("{}; {}", none.message, none.help)),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(ConfigError::Wrong(wrong)) }
}

/// Reads the type of a profile's pixels.
fn type_of(path: &Path) -> Result<PixelType, String> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| format!("{shown} cannot be read: {error}");
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        return Err(format!("{shown} is no file"));
    }
    let mut header = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(HEADER as u64).read_to_end(&mut header).map_err(unreadable)?;
    pixel_type_of(&header, about.len()).map_err(|what| format!("{shown} is {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layer, Reader};
    use crate::imaging::color::reply_profile;

    /// Reads a configuration with `{}` standing for a folder that holds `rgb.icc` and `note.icc`.
    fn read(text: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let rgb = reply_profile(PixelType::Rgb).unwrap();
        crate::fs::write_new(&dir.path().join("rgb.icc"), &rgb, 0o644).unwrap();
        crate::fs::write_new(&dir.path().join("note.icc"), b"buy milk", 0o644).unwrap();
        let text = text.replace("{}", dir.path().to_str().unwrap());
        let mut reader = Reader::default();
        reader.read(&Layer { file: "a.toml".into(), text });
        let mut config = reader.finish().map_err(|error| error.to_string())?;
        look(&mut config).map_err(|error| error.to_string())?;
        Ok(config)
    }

    #[test]
    fn a_profile_is_known_by_its_header() {
        let text = "[imaging]\nicc_rgb = \"House\"\n[imaging.profiles]\nhouse = \"{}/rgb.icc\"\n";
        let policy = read(text).unwrap().settings.policy;
        let colors = &policy.imaging.colors;
        assert_eq!(colors.profiles.find("HOUSE"), Ok(("house", PixelType::Rgb)));
        assert_eq!(colors.output.rgb.as_deref(), Some("House"));
        assert!(policy.profiles["house"].ends_with("rgb.icc"));
    }

    #[test]
    fn what_is_no_profile_is_refused_in_words_with_its_place() {
        for (text, words) in [
            ("[imaging.profiles]\na = \"{}/note.icc\"\n", "note.icc is not a colour profile"),
            ("[imaging.profiles]\na = \"{}/absent.icc\"\n", "absent.icc cannot be read"),
            ("[imaging.profiles]\na = \"{}\"\n", "is no file"),
            ("[imaging.profiles]\nsRGB = \"{}/rgb.icc\"\n", "sRGB is built in"),
            ("[imaging.profiles]\n\"a,b\" = \"{}/rgb.icc\"\n", "comma"),
            ("[imaging.profiles]\na = \"rgb.icc\"\n", "absolute path"),
            (
                "[imaging]\nicc_cmyk = \"WebCoated\"\n",
                "set `imaging.profiles.WebCoated` to the path of its file",
            ),
            (
                "[imaging]\nicc_cmyk = \"a\"\n[imaging.profiles]\na = \"{}/rgb.icc\"\n",
                "`imaging.icc_cmyk`: a is for RGB, not for CMYK",
            ),
            (
                "[imaging]\nicc_src_gray = \"sRGB\"\n",
                "`imaging.icc_src_gray`: sRGB is for RGB, not for gray",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
            assert!(error.contains("a.toml:2"), "{text}: {error}");
        }
    }

    #[test]
    fn built_in_names_are_the_defaults() {
        let colors = read("").unwrap().settings.policy.imaging.colors;
        assert_eq!(colors.output.rgb.as_deref(), Some("sRGB"));
        assert_eq!(colors.output.gray.as_deref(), Some("gray"));
        assert_eq!((colors.output.cmyk, colors.source), (None, PerType::default()));
    }
}
