//! Where a path of a catalogue leads: below an asset root, or nowhere.
//!
//! The reference puts paths together from the right: a file, before it `RootPath`, before that the
//! folder of the server, until the whole is absolute. Here the asset roots stand for the folder of
//! the server, and an absolute path is only good when it lies below one of them (reference page
//! *File paths*).

use std::path::{Path, PathBuf};

use crate::fs::RelPath;

/// Where a file may lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::library) enum Place {
    /// Below whichever root has it.
    Below(RelPath),
    /// Below this root.
    In(usize, RelPath),
    /// Outside of all of them, or under a name that no file can have.
    Outside,
}

/// What stands before the paths of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Prefix {
    /// A folder below any root, with its `/`; empty is the root itself.
    Below(String),
    /// A folder below this root.
    In(usize, String),
    /// A folder outside of all of them.
    Outside,
}

/// The folders that everything has to lie below.
#[derive(Debug, Clone)]
pub(super) struct Roots(Vec<PathBuf>);

impl Roots {
    pub(super) fn new(roots: &[PathBuf]) -> Self {
        Self(roots.to_vec())
    }

    /// Returns the root that an absolute path lies below, and what is left of it.
    fn below(&self, path: &str) -> Option<(usize, String)> {
        self.0.iter().enumerate().find_map(|(at, root)| {
            let rest = Path::new(path).strip_prefix(root).ok()?;
            Some((at, rest.to_str()?.to_owned()))
        })
    }
}

impl Default for Prefix {
    fn default() -> Self {
        Self::Below(String::new())
    }
}

impl Prefix {
    /// Reads a `RootPath`.
    pub(super) fn new(root_path: &str, roots: &Roots) -> Self {
        let folder = |path: &str| {
            let parts = clean(path)?;
            Some(if parts.is_empty() { parts } else { parts + "/" })
        };
        if !root_path.starts_with('/') {
            return folder(root_path).map_or(Self::Outside, Self::Below);
        }
        match roots.below(root_path).map(|(root, rest)| (root, folder(&rest))) {
            Some((root, Some(rest))) => Self::In(root, rest),
            Some((_, None)) | None => Self::Outside,
        }
    }

    /// Finds where a path leads; `ext` is added to a last part without a suffix.
    pub(super) fn place(&self, path: &str, ext: &str, roots: &Roots) -> Place {
        let named = |path: &str| {
            let mut path = clean(path).filter(|path| !path.is_empty())?;
            if !path.rsplit('/').next().is_some_and(|last| last.contains('.')) {
                path.push_str(ext);
            }
            RelPath::parse(&path).ok()
        };
        if path.starts_with('/') {
            return match roots.below(path).map(|(root, rest)| (root, named(&rest))) {
                Some((root, Some(rest))) => Place::In(root, rest),
                Some((_, None)) | None => Place::Outside,
            };
        }
        let place = match self {
            Self::Below(folder) => named(&format!("{folder}{path}")).map(Place::Below),
            Self::In(root, folder) => {
                named(&format!("{folder}{path}")).map(|path| Place::In(*root, path))
            }
            Self::Outside => None,
        };
        place.unwrap_or(Place::Outside)
    }
}

/// Takes empty parts and `.` out; `None` when a part leads up.
fn clean(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    (!parts.contains(&"..")).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(root_path: &str, path: &str) -> String {
        let roots = Roots::new(&["/srv/a".into(), "/srv/b/c".into()]);
        match Prefix::new(root_path, &roots).place(path, ".tif", &roots) {
            Place::Below(path) => path.to_string(),
            Place::In(root, path) => format!("{root}:{path}"),
            Place::Outside => "outside".into(),
        }
    }

    #[test]
    fn a_path_is_put_together_from_the_right() {
        assert_eq!(place("", "x/y.png"), "x/y.png");
        assert_eq!(place("images/acme", "x/y"), "images/acme/x/y.tif");
        assert_eq!(place("./images//acme/", "/srv/a/y.jpg"), "0:y.jpg");
        assert_eq!(place("/srv/b/c/d", "y.jpg"), "1:d/y.jpg");
        assert_eq!(place("/srv/b/c", "y.b/c"), "1:y.b/c.tif");
    }

    #[test]
    fn nothing_leads_out() {
        for (root_path, path) in [
            ("", "../y.png"),
            ("..", "y.png"),
            ("/srv/a/..", "y.png"),
            ("/srv", "y.png"),
            ("/srv/ab", "y.png"),
            ("x", "/etc/passwd"),
            ("x", "/srv/a/../y.png"),
            ("", "a\u{7}.tif"),
            ("/srv/a", "/srv/a"),
        ] {
            assert_eq!(place(root_path, path), "outside", "{root_path} {path}");
        }
    }
}
