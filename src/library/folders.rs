//! Listings of folders, each read once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::fs::{OpenError, RelPath, Root};

/// What a name in a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// A link, a pipe, a socket, a device.
    Other,
}

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// As it is on the disk.
    pub(super) raw: String,
    /// In NFC, when that differs.
    nfc: Option<String>,
    pub(super) kind: Kind,
}

impl Name {
    fn new(raw: String, kind: Kind) -> Self {
        let nfc = match is_nfc_quick(raw.chars()) {
            IsNormalized::Yes => None,
            IsNormalized::No | IsNormalized::Maybe => {
                Some(raw.nfc().collect::<String>()).filter(|nfc| *nfc != raw)
            }
        };
        Self { raw, nfc, kind }
    }

    /// Returns the name in NFC.
    pub(super) fn key(&self) -> &str {
        self.nfc.as_deref().unwrap_or(&self.raw)
    }

    /// Returns the name in NFC without its extension.
    pub(super) fn stem(&self) -> &str {
        let key = self.key();
        match key.rfind('.') {
            Some(at) if at > 0 => &key[..at],
            _ => key,
        }
    }

    /// Tells whether the name is hidden or that of an unfinished or a system file.
    pub(super) fn is_ignored(&self) -> bool {
        super::is_ignored(&self.raw)
    }
}

/// What is in a folder, sorted by NFC name.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) names: Vec<Name>,
}

impl Folder {
    /// Returns the names whose NFC form begins with a text.
    pub(super) fn beginning_with<'f>(&'f self, prefix: &'f str) -> impl Iterator<Item = &'f Name> {
        let start = self.names.partition_point(|name| name.key() < prefix);
        self.names[start..].iter().take_while(move |name| name.key().starts_with(prefix))
    }

    /// Returns the names whose NFC form is this; more than one when the disk tells forms apart.
    pub(super) fn called<'f>(&'f self, key: &'f str) -> impl Iterator<Item = &'f Name> {
        let start = self.names.partition_point(|name| name.key() < key);
        self.names[start..].iter().take_while(move |name| name.key() == key)
    }

    /// Returns the visible files with this NFC stem.
    pub(super) fn with_stem<'f>(&'f self, stem: &'f str) -> impl Iterator<Item = &'f Name> {
        self.beginning_with(stem).filter(move |name| {
            name.kind == Kind::File && !name.is_ignored() && name.stem() == stem
        })
    }
}

/// Why a folder has no listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoFolder {
    /// There is none, or it is a file.
    Absent,
    /// A link is on the way.
    Outside,
    /// It may not be read.
    Denied,
}

/// A folder's listing, or why there is none.
pub(super) type Listing = Result<Arc<Folder>, NoFolder>;

/// The listings of all roots.
#[derive(Debug, Default)]
pub(super) struct Folders {
    known: Mutex<HashMap<(usize, Option<RelPath>), Listing>>,
}

impl Folders {
    /// Returns the listing of a folder, `None` being the root itself.
    pub(super) fn list(&self, roots: &[Root], root: usize, folder: Option<&RelPath>) -> Listing {
        let place = (root, folder.cloned());
        if let Some(listing) = self.lock().get(&place) {
            return listing.clone();
        }
        let listing = read(&roots[root], folder);
        self.lock().insert(place, listing.clone());
        listing
    }

    /// Forgets all listings.
    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(usize, Option<RelPath>), Listing>> {
        // Nothing in here is half done when a thread panics.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(root: &Root, folder: Option<&RelPath>) -> Listing {
    let entries = root.list(folder).map_err(|error| match error {
        OpenError::NotFound | OpenError::NotAFile(_) => NoFolder::Absent,
        OpenError::Outside => NoFolder::Outside,
        OpenError::Denied | OpenError::Io(_) => NoFolder::Denied,
    })?;
    let mut names: Vec<Name> = entries
        .into_iter()
        .map(|entry| {
            let kind = match (entry.folder, entry.file) {
                (true, _) => Kind::Folder,
                (_, true) => Kind::File,
                _ => Kind::Other,
            };
            Name::new(entry.name, kind)
        })
        .collect();
    names.sort_by(|a, b| a.key().cmp(b.key()).then_with(|| a.raw.cmp(&b.raw)));
    Ok(Arc::new(Folder { names }))
}

/// Joins a folder and a name; `None` when that is no path of ours (far too long).
pub(super) fn join(folder: Option<&RelPath>, name: &str) -> Option<RelPath> {
    match folder {
        None => RelPath::parse(name).ok(),
        Some(folder) => RelPath::parse(&format!("{folder}/{name}")).ok(),
    }
}
