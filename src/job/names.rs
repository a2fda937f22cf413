//! Output names: made from the template, fixed before the first pixel is decoded.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Argument, Fault, Phrase, phrase, shown};
use crate::fs::{MOST_NAME_BYTES, MOST_PATH_BYTES, RelPath, RelPathError};

/// The list of hashes that stands beside the files of a run.
pub const SUMS: &str = "SHA256SUMS";

/// Turns a filled template and an extension into an output name: Unicode NFC, no empty `{path}/`.
///
/// # Errors
/// [`Fault::BadOutputName`] when the name leaves its folder, is too long or belongs to exportd.
pub fn output_name(filled: &str, extension: Option<&str>) -> Result<RelPath, Fault> {
    let text = match extension {
        Some(extension) => format!("{filled}.{extension}"),
        None => filled.to_owned(),
    };
    let bad = |reason: Phrase| Fault::BadOutputName { name: shown(&text), reason };
    let name = RelPath::parse(&text).map_err(|e: RelPathError| bad(path_words(&e)))?.nfc();
    // NFC can lengthen a name.
    let name = RelPath::parse(name.as_str()).map_err(|e| bad(path_words(&e)))?;
    let folded = name.folded();
    if folded == SUMS.to_lowercase() {
        return Err(bad(phrase!(
            "name-of-sums",
            "that name is reserved for the list of checksums"
        )));
    }
    if folded.split('/').any(|part| part.starts_with(".exportd")) {
        return Err(bad(name_of_ours()));
    }
    Ok(name)
}

/// Says whose names begin with `.exportd`.
pub(super) fn name_of_ours() -> Phrase {
    phrase!("name-of-ours", "names that begin with \".exportd\" are reserved for exportd")
}

/// Says why a text is no path, in words that other languages know.
pub(super) fn path_words(error: &RelPathError) -> Phrase {
    match error {
        RelPathError::Empty => phrase!("path-empty", "the name is empty"),
        RelPathError::Absolute => phrase!(
            "path-absolute",
            "the name begins with \"/\"; names are relative to their folder"
        ),
        RelPathError::Dots => {
            phrase!("path-dots", "the name contains \".\" or \"..\" between slashes")
        }
        RelPathError::EmptyPart => {
            phrase!(
                "path-part-empty",
                "the name has two slashes in a row (\"//\") or a \"/\" at its end"
            )
        }
        RelPathError::LongPart => phrase!(
            "path-part-long",
            "a part of the name is longer than {most} bytes",
            most = Argument::count(MOST_NAME_BYTES)
        ),
        RelPathError::Long => phrase!(
            "path-long",
            "the name is longer than {most} bytes",
            most = Argument::count(MOST_PATH_BYTES)
        ),
        RelPathError::Character(c) => phrase!(
            "path-unseen",
            "the name has an invisible character ({number})",
            number = format!("U+{c:04X}")
        ),
    }
}

/// Finds the outputs that cannot stand beside each other.
///
/// `wanted` holds each output with the handle that wants it. Two outputs collide when their names
/// are equal after NFC and case folding, or when one would be the folder of the other. Returns,
/// for each place in `wanted` that collides, the fault that names all the others.
#[must_use]
pub fn collisions(wanted: &[(&RelPath, &str)]) -> BTreeMap<usize, Fault> {
    let mut by_name: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for (at, (name, _)) in wanted.iter().enumerate() {
        by_name.entry(name.folded()).or_default().insert(at);
    }
    let mut groups: BTreeMap<String, BTreeSet<usize>> = by_name
        .iter()
        .filter(|(_, at)| at.len() > 1)
        .map(|(n, at)| (n.clone(), at.clone()))
        .collect();
    for (name, below) in &by_name {
        let mut end = name.len();
        while let Some(slash) = name[..end].rfind('/') {
            end = slash;
            if let Some(files) = by_name.get(&name[..slash]) {
                let group = groups.entry(name[..slash].to_owned()).or_default();
                group.extend(files);
                group.extend(below);
            }
        }
    }
    let mut faults = BTreeMap::new();
    for group in groups.values() {
        for &at in group {
            let (name, _) = wanted[at];
            let others = group
                .iter()
                .filter(|&&other| other != at)
                .take(5)
                .map(|&other| wanted[other].1.to_owned())
                .collect();
            faults.insert(at, Fault::Collision { name: name.to_string(), others });
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_refused_in_its_own_words() {
        for error in [
            RelPathError::Empty,
            RelPathError::Absolute,
            RelPathError::Dots,
            RelPathError::EmptyPart,
            RelPathError::LongPart,
            RelPathError::Long,
            RelPathError::Character(0x202e),
        ] {
            // Numbers are grouped for people.
            assert_eq!(path_words(&error).replace(',', ""), error.to_string());
        }
    }

    fn name(text: &str) -> RelPath {
        RelPath::parse(text).unwrap()
    }

    #[test]
    fn names_equal_after_folding_collide_and_name_each_other() {
        let (a, b, c) = (name("Tops/é.jpg"), name("tops/e\u{301}.JPG"), name("tops/f.jpg"));
        let faults = collisions(&[(&a, "one"), (&b, "two"), (&c, "three")]);
        assert_eq!(faults.len(), 2);
        assert_eq!(
            faults[&0],
            Fault::Collision { name: "Tops/é.jpg".into(), others: vec!["two".into()] }
        );
    }

    #[test]
    fn a_file_cannot_be_the_folder_of_another() {
        let (a, b) = (name("a"), name("a/b/c"));
        assert_eq!(collisions(&[(&a, "one"), (&b, "two")]).len(), 2);
        let (a, b) = (name("a.jpg"), name("a/b.jpg"));
        assert!(collisions(&[(&a, "one"), (&b, "two")]).is_empty());
    }

    #[test]
    fn names_that_are_ours_or_leave_the_folder_are_refused() {
        for bad in ["../x", "/x", "", "SHA256SUMS", "sha256sums", ".exportd-stage/x", "a//b"] {
            assert!(output_name(bad, None).is_err(), "{bad}");
        }
        assert_eq!(output_name("a/e\u{301}", Some("png")).unwrap().as_str(), "a/é.png");
    }
}
