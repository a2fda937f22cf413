//! The asset library: what a handle names, and reading it without ever leaving the asset roots.
//!
//! A root is a folder of originals; there may be several, and the first that has an asset wins. A
//! handle is tried in this order:
//!
//! 1. the id or handle of an entry of `catalog.toml`, a record of an image catalogue (`objId`,
//!    `rootId/objId`), or a handle that says by itself that it names a set (`a|<id>|22|…`,
//!    `a|<id>|44|…`);
//! 2. a path below a root: exactly, then as the only name in that folder that is equal in Unicode
//!    NFC (a file copied from a Mac), then without its extension, when one file has that stem;
//!    then as image catalogues see it, below their `RootPath` and with their `DefaultExt`;
//! 3. a pattern below the roots: `*`, `?`, `[..]`, `**`.
//!
//! A file that one catalogue entry describes is that asset, however it is named: by id, by path or
//! by a pattern. Of a file that several records of image catalogues describe, none does, and it
//! has the attributes of its catalogue alone.
//!
//! Every file is opened with `openat2` beneath its root and without symbolic links, so no handle
//! and no race leads out. Folders are listed when a look-up first needs them and remembered, so
//! ten thousand handles cost one listing a folder and not ten thousand; [`Library::refresh`] looks
//! again. Nothing is ever written.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use unicode_normalization::UnicodeNormalization;

use crate::diag::{Fault, Phrase, nearest, phrase};
use crate::fs::{OpenError, RelPath, RelPathError, Root, Stamp};

mod asset_type;
mod catalog;
mod folders;
mod glob;
mod handle;
mod image_catalog;
pub(crate) mod toml;

pub use asset_type::{AssetType, Delivery, Reason};
pub use catalog::{CATALOG, CatalogFindings};
pub use handle::{AssetHandle, HandleError};
pub use image_catalog::{
    Attributes, FontEntry, Given, ImageCatalogs, Macro, Origin, ProfileEntry, RenderIntent,
    ResMode, Rgb, Scope, ThumbAlign, ThumbType,
};

use catalog::{Catalog, CatalogEntry};
use folders::{Folders, Kind, NoFolder, join};
use glob::Part;
use image_catalog::{Place, Record};

/// Most names a look-up that failed is compared with.
const MOST_COMPARED: usize = 2_000;
/// Comparisons that all failed look-ups of a job may make together: half a second.
const COMPARISONS: usize = 400_000;
/// Most files named in an ambiguity.
const MOST_CANDIDATES: usize = 5;

/// A file below an asset root.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceFile {
    /// Which root, from 0, in the order they were given.
    pub root: usize,
    /// Where below it.
    pub path: RelPath,
}

/// What a handle names.
#[derive(Debug, Clone, PartialEq)]
pub struct Asset {
    /// The handle as listed; for a pattern the path it matched.
    pub handle: String,
    /// Name for people: the catalogue's, else the file's, else the handle.
    pub name: String,
    /// Its kind.
    pub kind: AssetType,
    /// Its file; sets and records have none.
    pub file: Option<SourceFile>,
    /// Modifiers of its own, below those of a job.
    pub modifier: Option<String>,
    /// Modifiers of its own, above those of a job.
    pub post_modifier: Option<String>,
    /// A picture whose alpha or gray stands in for its own alpha.
    pub mask: Option<Box<SourceFile>>,
    /// The record of an image catalogue that describes it.
    pub entry: Option<Origin>,
    /// Whose macros and profiles hold for it.
    pub scope: Scope,
    /// What stands in for commands that nobody gives.
    pub attributes: Arc<Attributes>,
}

/// Why there is no library.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// A root is absent, not a folder, or may not be entered.
    #[error("asset folder {path}: {source}")]
    Root {
        /// The root.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A catalogue is there but cannot be read.
    #[error("catalogue {path}: {reason}")]
    Catalog {
        /// The catalogue.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

impl LibraryError {
    /// Turns into the reason a run failed.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Root { path, .. } => Fault::NoAssets { path: path.display().to_string() },
            Self::Catalog { .. } => Fault::Internal { detail: self.to_string().into() },
        }
    }
}

/// The asset roots with their catalogues.
#[derive(Debug)]
pub struct Library {
    roots: Vec<Root>,
    catalog: Catalog,
    images: ImageCatalogs,
    findings: Vec<CatalogFindings>,
    folders: Folders,
    comparisons: AtomicUsize,
}

/// How a look-up in one root went, when it met nothing worse.
enum Found {
    File(RelPath),
    Nothing,
}

impl Library {
    /// Opens the roots and reads their catalogues and the image catalogues of a folder; no folder
    /// of assets is listed yet.
    ///
    /// # Errors
    /// See [`LibraryError`]. Wrong entries of a catalogue are no error: see
    /// [`Library::findings`].
    pub fn open(roots: &[PathBuf], catalogs: Option<&Path>) -> Result<Self, LibraryError> {
        let mut library = Self {
            roots: Vec::with_capacity(roots.len()),
            catalog: Catalog::default(),
            images: ImageCatalogs::open(catalogs, roots)?,
            findings: Vec::new(),
            folders: Folders::default(),
            comparisons: AtomicUsize::new(COMPARISONS),
        };
        for (at, path) in roots.iter().enumerate() {
            let root = Root::open(path)
                .map_err(|source| LibraryError::Root { path: path.clone(), source })?;
            if let Some(text) = read_catalog(&root)? {
                let findings = library.catalog.add(at, &text);
                if !findings.is_empty() {
                    let file = path.join(CATALOG).display().to_string();
                    library.findings.push(CatalogFindings { file, text, findings });
                }
            }
            library.roots.push(root);
        }
        library.findings.extend_from_slice(library.images.findings());
        Ok(library)
    }

    /// Returns the image catalogues.
    #[must_use]
    pub fn images(&self) -> &ImageCatalogs {
        &self.images
    }

    /// Returns what is wrong in the catalogues.
    #[must_use]
    pub fn findings(&self) -> &[CatalogFindings] {
        &self.findings
    }

    /// Forgets what the folders hold, so that new files are seen.
    pub fn refresh(&self) {
        self.folders.forget();
        self.comparisons.store(COMPARISONS, Ordering::Relaxed);
    }

    /// Finds what a handle names: one asset, or for a pattern several, sorted by path.
    ///
    /// # Errors
    /// The reason for which this handle's asset cannot be exported.
    pub fn resolve(&self, handle: &AssetHandle) -> Result<Vec<Asset>, Fault> {
        let text = handle.as_str();
        if let Some(entry) = self.catalog.find(text) {
            return self.described(text, entry).map(|asset| vec![asset]);
        }
        if let Some((scope, record)) = self.images.find(text) {
            return self.recorded(text, scope, record).map(|asset| vec![asset]);
        }
        if let Some(kind) = AssetType::of_handle(text) {
            return Ok(vec![self.bare(text, kind)]);
        }
        let path = match RelPath::parse(text) {
            Ok(path) => path,
            Err(error) => return Err(self.no_path(text, error)),
        };
        if let Some(file) = self.by_path(&path)? {
            return Ok(vec![self.asset(text, file)]);
        }
        if let Some((scope, place)) = self.images.path_of(text)
            && let Ok(Some(file)) = self.placed(&place)
        {
            return Ok(vec![self.asset_of(scope, text, file)]);
        }
        if glob::is_pattern(text) {
            return self.by_pattern(text);
        }
        let titled = self.images.titled(text).map(str::to_owned);
        Err(Fault::NotFound { nearest: titled.or_else(|| self.nearest(&path)) })
    }

    /// Opens the file of an asset.
    ///
    /// # Errors
    /// [`Fault::NotFound`], [`Fault::OutsideRoot`], [`Fault::NotAFile`], [`Fault::Unreadable`].
    pub fn open_source(&self, file: &SourceFile) -> Result<(File, Stamp), Fault> {
        let Some(root) = self.roots.get(file.root) else {
            return Err(Fault::NotFound { nearest: None });
        };
        root.open_file(&file.path).map_err(|error| fault_of(&error))
    }

    /// Returns the path of a root as it was given.
    #[must_use]
    pub fn root(&self, root: usize) -> Option<&Path> {
        self.roots.get(root).map(Root::path)
    }

    /// Finds what an object inside of a request names, as in `src=` or `mask=`: an entry of
    /// `catalog.toml`, a record of the image catalogue whose request it is, or of the one it
    /// names, or a file.
    ///
    /// # Errors
    /// The reason for which there is no such picture.
    pub fn resolve_object(&self, main: Scope, object: &str) -> Result<Asset, Fault> {
        if let Some(entry) = self.catalog.find(object) {
            return self.described(object, entry);
        }
        if let Some((scope, record)) = self.images.find_in(main, object) {
            return self.recorded(object, scope, record);
        }
        if let Some((scope, place)) = self.images.path_of(object)
            && let Some(file) = self.placed(&place)?
        {
            return Ok(self.asset_of(scope, object, file));
        }
        let path = RelPath::parse(object).map_err(|error| self.no_path(object, error))?;
        match self.by_path(&path)? {
            Some(file) => Ok(self.asset_of(main, object, file)),
            None => Err(Fault::NotFound { nearest: self.nearest(&path) }),
        }
    }

    /// Makes the asset of a file below a root, as it is when it is named by its path.
    #[must_use]
    pub fn describe(&self, file: &SourceFile) -> Asset {
        self.asset(file.path.as_str(), file.clone())
    }

    /// Makes an asset without a file, about which nothing else is known.
    fn bare(&self, handle: &str, kind: AssetType) -> Asset {
        Asset {
            handle: handle.to_owned(),
            name: handle.to_owned(),
            kind,
            file: None,
            modifier: None,
            post_modifier: None,
            mask: None,
            entry: None,
            scope: Scope::DEFAULT,
            attributes: self.images.attributes(Scope::DEFAULT),
        }
    }

    /// Makes the asset of a catalogue entry, checking that its file is there.
    fn described(&self, handle: &str, entry: &CatalogEntry) -> Result<Asset, Fault> {
        let file = match &entry.file {
            None => None,
            Some(file) => match self.in_root(file.root, &file.path, Stems::Whole)? {
                Found::File(path) => Some(SourceFile { root: file.root, path }),
                Found::Nothing => {
                    return Err(Fault::NotFound { nearest: self.nearest(&file.path) });
                }
            },
        };
        Ok(Asset {
            name: entry.name.clone().unwrap_or_else(|| {
                file.as_ref().map_or(handle, |file| file.path.file_name()).to_owned()
            }),
            file,
            modifier: entry.modifier.clone(),
            ..self.bare(handle, entry.kind)
        })
    }

    /// Makes the asset of a record of an image catalogue, checking that its files are there.
    fn recorded(&self, handle: &str, scope: Scope, record: &Record) -> Result<Asset, Fault> {
        let file = match &record.path {
            None => None,
            Some(place) => Some(self.placed(place)?.ok_or_else(|| match place {
                Place::Below(path) | Place::In(_, path) => {
                    Fault::NotFound { nearest: self.nearest(path) }
                }
                Place::Outside => Fault::OutsideRoot,
            })?),
        };
        let mask = match &record.mask {
            None => None,
            Some(place) => match self.placed(place) {
                Ok(Some(mask)) => Some(Box::new(mask)),
                Ok(None) | Err(_) => return Err(no_mask(place)),
            },
        };
        Ok(Asset {
            file,
            modifier: record.modifier.clone(),
            post_modifier: record.post_modifier.clone(),
            mask,
            entry: Some(record.from.clone()),
            scope,
            attributes: record.attributes(&self.images.attributes(scope)),
            ..self.bare(handle, record.kind)
        })
    }

    /// Makes the asset of a file: the catalogue's, else what its suffix says.
    fn asset(&self, handle: &str, file: SourceFile) -> Asset {
        let scope = match self.images.path_of(file.path.as_str()) {
            Some((scope, Place::Below(path) | Place::In(_, path))) if path == file.path => scope,
            Some(_) | None => Scope::DEFAULT,
        };
        self.asset_of(scope, handle, file)
    }

    /// Makes the asset of a file that belongs to an image catalogue unless it is described.
    fn asset_of(&self, scope: Scope, handle: &str, file: SourceFile) -> Asset {
        let name = file.path.file_name().to_owned();
        if let Some(entry) = self.catalog.of_file(&file) {
            return Asset {
                name: entry.name.clone().unwrap_or(name),
                modifier: entry.modifier.clone(),
                file: Some(file),
                ..self.bare(handle, entry.kind)
            };
        }
        if let Some((scope, record)) = self.images.of_file(&file)
            && let Ok(asset) = self.recorded(handle, scope, record)
        {
            return Asset { name, file: Some(file), ..asset };
        }
        let kind = AssetType::from_extension(file.path.extension());
        let attributes = self.images.attributes(scope);
        Asset { name, scope, attributes, file: Some(file), ..self.bare(handle, kind) }
    }

    /// Finds the file at a place of an image catalogue.
    fn placed(&self, place: &Place) -> Result<Option<SourceFile>, Fault> {
        let (roots, path) = match place {
            Place::Below(path) => (0..self.roots.len(), path),
            Place::In(root, path) => (*root..*root + 1, path),
            Place::Outside => return Err(Fault::OutsideRoot),
        };
        for root in roots {
            if let Found::File(path) = self.in_root(root, path, Stems::Whole)? {
                return Ok(Some(SourceFile { root, path }));
            }
        }
        Ok(None)
    }

    fn by_path(&self, path: &RelPath) -> Result<Option<SourceFile>, Fault> {
        for root in 0..self.roots.len() {
            match self.in_root(root, path, Stems::Too)? {
                Found::File(path) => return Ok(Some(SourceFile { root, path })),
                Found::Nothing => {}
            }
        }
        Ok(None)
    }

    /// Looks a path up in one root: exactly, then in another Unicode form, then by its stem.
    fn in_root(&self, root: usize, path: &RelPath, stems: Stems) -> Result<Found, Fault> {
        let folder_in_the_way = match self.roots[root].open_file(path) {
            Ok(_) => return Ok(Found::File(path.clone())),
            Err(OpenError::NotFound) => None,
            // A folder may bear the stem of a file beside it.
            Err(error @ OpenError::NotAFile("a folder")) => Some(fault_of(&error)),
            Err(error) => return Err(fault_of(&error)),
        };
        let nothing = || folder_in_the_way.map_or(Ok(Found::Nothing), Err);
        let folder = match path.parent().map(RelPath::parse) {
            None => None,
            Some(Err(_)) => return nothing(),
            Some(Ok(parent)) => match self.real_folder(root, &parent)? {
                Some(folder) => Some(folder),
                None => return nothing(),
            },
        };
        let Ok(listing) = self.folders.list(&self.roots, root, folder.as_ref()) else {
            return nothing();
        };
        let name: String = path.file_name().nfc().collect();
        let mut found: Vec<&str> = listing
            .called(&name)
            .filter(|entry| entry.kind == Kind::File)
            .map(|entry| entry.raw.as_str())
            .collect();
        if found.is_empty() && stems == Stems::Too {
            found = listing.with_stem(&name).map(|entry| entry.raw.as_str()).collect();
        }
        let paths: Vec<RelPath> =
            found.iter().filter_map(|name| join(folder.as_ref(), name)).collect();
        match paths.as_slice() {
            [] => nothing(),
            [only] => match self.roots[root].open_file(only) {
                Ok(_) => Ok(Found::File(only.clone())),
                Err(error) => Err(fault_of(&error)),
            },
            several => Err(Fault::Ambiguous {
                candidates: several.iter().take(MOST_CANDIDATES).map(RelPath::to_string).collect(),
            }),
        }
    }

    /// Finds the folder that is meant, whatever Unicode form its parts have on the disk.
    fn real_folder(&self, root: usize, folder: &RelPath) -> Result<Option<RelPath>, Fault> {
        match self.folders.list(&self.roots, root, Some(folder)) {
            Ok(_) => return Ok(Some(folder.clone())),
            Err(NoFolder::Outside) => return Err(Fault::OutsideRoot),
            Err(NoFolder::Denied) => return Err(Fault::Unreadable),
            Err(NoFolder::Absent) if folder.as_str().is_ascii() => return Ok(None),
            Err(NoFolder::Absent) => {}
        }
        let mut at: Option<RelPath> = None;
        for part in folder.as_str().split('/') {
            let Ok(listing) = self.folders.list(&self.roots, root, at.as_ref()) else {
                return Ok(None);
            };
            let key: String = part.nfc().collect();
            let called: Vec<&str> = listing
                .called(&key)
                .filter(|name| name.kind == Kind::Folder)
                .map(|name| name.raw.as_str())
                .collect();
            let name = match called.as_slice() {
                [] => return Ok(None),
                [only] => only,
                several => match several.iter().find(|name| **name == part) {
                    Some(exact) => exact,
                    None => {
                        return Err(Fault::Ambiguous {
                            candidates: several.iter().map(|name| (*name).to_owned()).collect(),
                        });
                    }
                },
            };
            at = join(at.as_ref(), name);
            if at.is_none() {
                return Ok(None);
            }
        }
        Ok(at)
    }

    fn by_pattern(&self, pattern: &str) -> Result<Vec<Asset>, Fault> {
        let Some(parts) = glob::parse(pattern) else {
            return Err(Fault::NotFound { nearest: None });
        };
        let mut found: BTreeMap<RelPath, usize> = BTreeMap::new();
        for root in 0..self.roots.len() {
            let mut walk = Walk { library: self, root, found: &mut found, seen: HashSet::new() };
            walk.descend(None, &parts);
        }
        if found.is_empty() {
            return Err(Fault::NothingMatches);
        }
        Ok(found
            .into_iter()
            .map(|(path, root)| {
                let handle = path.to_string();
                self.asset(&handle, SourceFile { root, path })
            })
            .collect())
    }

    /// Says why a text that is no path names nothing.
    fn no_path(&self, text: &str, error: RelPathError) -> Fault {
        match error {
            RelPathError::Absolute => Fault::OutsideRoot,
            RelPathError::Dots if text.split('/').any(|part| part == "..") => Fault::OutsideRoot,
            // `./a.tif`, `a//b.tif`: what was meant is plain.
            RelPathError::Dots | RelPathError::EmptyPart => {
                let parts: Vec<&str> =
                    text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
                let meant = RelPath::parse(&parts.join("/")).ok();
                let nearest = meant
                    .filter(|path| matches!(self.by_path(path), Ok(Some(_))))
                    .map(String::from);
                Fault::NotFound { nearest }
            }
            RelPathError::Empty
            | RelPathError::LongPart
            | RelPathError::Long
            | RelPathError::Character(_) => Fault::NotFound { nearest: None },
        }
    }

    /// Finds the name that comes nearest to one that is not there.
    ///
    /// Folder parts that do not exist are replaced by the nearest that do; backslashes are read as
    /// slashes; at the top level ids of the catalogues count as well.
    fn nearest(&self, path: &RelPath) -> Option<String> {
        if path.as_str().contains('\\') {
            let slashes = RelPath::parse(&path.as_str().replace('\\', "/")).ok()?;
            if let Ok(Some(file)) = self.by_path(&slashes) {
                return Some(file.path.into());
            }
        }
        (0..self.roots.len()).find_map(|root| self.nearest_in(root, path)).or_else(|| {
            let titles = self.catalog.titles().chain(self.images.titles());
            let budget = self.spend(path.as_str(), titles);
            nearest(path.as_str(), budget).map(str::to_owned)
        })
    }

    fn nearest_in(&self, root: usize, path: &RelPath) -> Option<String> {
        let mut at: Option<RelPath> = None;
        let mut parts = path.as_str().split('/').peekable();
        while let Some(part) = parts.next() {
            let listing = self.folders.list(&self.roots, root, at.as_ref()).ok()?;
            let last = parts.peek().is_none();
            let kind = if last { Kind::File } else { Kind::Folder };
            let key: String = part.nfc().collect();
            if let Some(exact) = listing.called(&key).find(|name| name.kind == kind) {
                at = join(at.as_ref(), &exact.raw);
                continue;
            }
            if last && let Some(stem) = listing.with_stem(&key).next() {
                at = join(at.as_ref(), &stem.raw);
                continue;
            }
            let names = listing.names.iter().filter(|name| name.kind == kind && !name.is_ignored());
            // A name written without its extension is nearest to a stem.
            let stems = last && !key.contains('.');
            let words: Vec<(&str, &str)> = names
                .map(|name| (if stems { name.stem() } else { name.key() }, name.raw.as_str()))
                .collect();
            let budget = self.spend(&key, words.iter().map(|(word, _)| *word));
            let near = nearest(&key, budget)?;
            let (_, raw) = words.iter().find(|(word, _)| *word == near)?;
            at = join(at.as_ref(), raw);
        }
        at.map(String::from)
    }

    /// Takes the candidates of like length that the job's budget of comparisons still allows.
    fn spend<'c>(&self, word: &str, candidates: impl Iterator<Item = &'c str>) -> Vec<&'c str> {
        let left = self.comparisons.load(Ordering::Relaxed);
        let length = word.len();
        let taken: Vec<&str> = candidates
            .filter(|candidate| {
                candidate.len().abs_diff(length) <= length.max(candidate.len()) / 3 + 1
            })
            .take(left.min(MOST_COMPARED))
            .collect();
        self.comparisons.store(left - taken.len(), Ordering::Relaxed);
        taken
    }
}

/// Whether a name may be written without its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stems {
    Too,
    Whole,
}

/// One pattern on its way down one root.
struct Walk<'l> {
    library: &'l Library,
    root: usize,
    found: &'l mut BTreeMap<RelPath, usize>,
    /// Folder and how many parts were left: with two `**` many ways lead to one place.
    seen: HashSet<(Option<RelPath>, usize)>,
}

impl Walk<'_> {
    fn descend(&mut self, folder: Option<&RelPath>, parts: &[Part]) {
        let Some((part, rest)) = parts.split_first() else { return };
        if !self.seen.insert((folder.cloned(), parts.len())) {
            return;
        }
        let Ok(listing) = self.library.folders.list(&self.library.roots, self.root, folder) else {
            return;
        };
        match part {
            Part::Name(name) => {
                for entry in listing.called(name) {
                    self.take(folder, entry, rest);
                }
            }
            Part::Names(names) => {
                for entry in listing.beginning_with(&names.prefix) {
                    if names.matches(entry.key()) {
                        self.take(folder, entry, rest);
                    }
                }
            }
            Part::Folders => {
                self.descend(folder, rest);
                for entry in &listing.names {
                    if entry.kind == Kind::Folder && !entry.is_ignored() {
                        self.descend(join(folder, &entry.raw).as_ref(), parts);
                    }
                }
            }
        }
    }

    /// Goes on with a name that matched a part: down into a folder, or to the end at a file.
    fn take(&mut self, folder: Option<&RelPath>, entry: &folders::Name, rest: &[Part]) {
        if entry.is_ignored() || (folder.is_none() && entry.raw == CATALOG) {
            return;
        }
        let Some(path) = join(folder, &entry.raw) else { return };
        match (entry.kind, rest) {
            (Kind::File, []) => {
                self.found.entry(path).or_insert(self.root);
            }
            (Kind::Folder, [_, ..]) => self.descend(Some(&path), rest),
            _ => {}
        }
    }
}

/// Tells whether a name is hidden, unfinished or a system's own, so that no pattern means it.
#[must_use]
pub fn is_ignored(name: &str) -> bool {
    const NAMES: [&str; 3] = ["thumbs.db", "desktop.ini", "ehthumbs.db"];
    const ENDS: [&str; 6] = [".part", ".filepart", ".crdownload", ".tmp", ".swp", "~"];
    let lower = name.to_ascii_lowercase();
    lower.starts_with('.')
        || NAMES.contains(&lower.as_str())
        || ENDS.iter().any(|end| lower.ends_with(end))
}

/// Reads the catalogue of a root; `None` when it has none.
fn read_catalog(root: &Root) -> Result<Option<String>, LibraryError> {
    let wrong = |reason: String| LibraryError::Catalog { path: root.path().join(CATALOG), reason };
    let name = RelPath::parse(CATALOG).map_err(|error| wrong(error.to_string()))?;
    let Some(bytes) = read_bounded(root, &name, catalog::MOST_BYTES).map_err(wrong)? else {
        return Ok(None);
    };
    String::from_utf8(bytes).map(Some).map_err(|error| {
        wrong(format!("byte {} is not UTF-8; save it as UTF-8", error.utf8_error().valid_up_to()))
    })
}

/// Reads a whole file of at most so many bytes; `None` when there is none.
fn read_bounded(root: &Root, path: &RelPath, most: u64) -> Result<Option<Vec<u8>>, String> {
    let (file, stamp) = match root.open_file(path) {
        Ok(opened) => opened,
        Err(OpenError::NotFound) => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if stamp.size > most {
        return Err(format!("{} bytes, at most {most} are read", stamp.size));
    }
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(Some(bytes))
}

/// Says that the mask of a record is not there: without it the picture would be another.
fn no_mask(place: &Place) -> Fault {
    let message = match place {
        Place::Below(path) | Place::In(_, path) => {
            phrase!(
                "mask-missing",
                "its mask \"{path}\" is not in the asset folders",
                path = path.as_str()
            )
        }
        Place::Outside => {
            phrase!("mask-outside", "its mask does not lie below an asset folder")
        }
    };
    let help = phrase!(
        "put-mask",
        "tell whoever looks after the catalogue: put the mask there, or correct MaskPath"
    );
    let help = Some(help);
    Fault::Modifiers { message, help }
}

fn fault_of(error: &OpenError) -> Fault {
    match error {
        OpenError::NotFound => Fault::NotFound { nearest: None },
        OpenError::Outside => Fault::OutsideRoot,
        OpenError::NotAFile(what) => Fault::NotAFile { what: thing(what) },
        OpenError::Denied => Fault::Unreadable,
        OpenError::Io(source) => Fault::of_reading(source),
    }
}

/// Says what stands where a file should, in words that other languages know.
fn thing(what: &'static str) -> Phrase {
    match what {
        "a folder" => phrase!("thing-folder", "a folder"),
        "a named pipe" => phrase!("thing-pipe", "a named pipe"),
        "a socket" => phrase!("thing-socket", "a socket"),
        "a device" => phrase!("thing-device", "a device"),
        "a socket or a device" => phrase!("thing-socket-or-device", "a socket or a device"),
        "something else" => phrase!("thing-else", "something else"),
        other => other.into(),
    }
}

/// What makes two handles one asset: the same file, seen in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    file: Option<SourceFile>,
    kind: AssetType,
    modifiers: [Option<String>; 2],
    mask: Option<SourceFile>,
    scope: Scope,
    /// What has no file is told by its name alone.
    handle: Option<String>,
}

impl Asset {
    /// Returns what makes two handles one asset.
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            file: self.file.clone(),
            kind: self.kind,
            modifiers: [self.modifier.clone(), self.post_modifier.clone()],
            mask: self.mask.as_deref().cloned(),
            scope: self.scope,
            handle: self.file.is_none().then(|| self.handle.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
