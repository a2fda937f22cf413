//! Image catalogues: the files that describe assets to an Image Serving server, read as they are.
//!
//! One folder holds them. `default.ini` is the default catalogue; each other `*.ini` is one with a
//! name of its own, its `RootId`, and inherits from the default one what it does not say. An
//! attribute file names the tables that belong to it: records of pictures, macros, colour
//! profiles, fonts.
//!
//! A handle is an object: `objId` names a record of the default catalogue, `rootId/objId` one of
//! that catalogue, or of the default one when that has none. What is no record is a path, below
//! the `RootPath` of the catalogue that its first part names unless that says `FullMatch`.
//!
//! Nothing stops at a mistake: what is wrong is left out and told with its line. And nothing here
//! knows what a modifier means: texts are handed over as texts, attributes as plain values.
//!
//! * `text`: bytes to text; `table`: records of fields.
//! * `attributes`, `records`, `macros`, `maps`: one kind of file each.
//! * `places`: where a path of a catalogue leads.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use super::{CatalogFindings, LibraryError, SourceFile, is_ignored, read_bounded};
use crate::diag::{Code, Diagnostic, shown};
use crate::fs::{RelPath, Root};

mod attributes;
mod macros;
mod maps;
mod places;
mod records;
mod table;
mod text;

pub use attributes::{
    Attributes, Given, Origin, RenderIntent, ResMode, Rgb, ThumbAlign, ThumbType,
};
pub use macros::Macro;
pub use maps::{FontEntry, ProfileEntry};

pub(super) use places::Place;
pub(super) use records::Record;

use attributes::{AttributeFile, Written};
use macros::Macros;
use maps::{Fonts, Profiles};
use places::{Prefix, Roots};
use records::Reading;

/// Name of the attribute file of the default catalogue.
const DEFAULT: &str = "default.ini";

/// Largest file of a catalogue in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// Which catalogue's attributes, macros and profiles hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Scope(usize);

impl Scope {
    /// The default catalogue, which is there even when nobody wrote it.
    pub const DEFAULT: Self = Self(0);
}

/// One catalogue.
#[derive(Debug, Default)]
struct Catalog {
    /// Empty for the default one.
    root_id: String,
    /// With those of the default one.
    attributes: Arc<Attributes>,
    macros: Macros,
    profiles: Profiles,
    fonts: Fonts,
    prefix: Prefix,
    default_ext: String,
    full_match: bool,
    records: Vec<Record>,
    /// By id in NFC.
    by_id: HashMap<String, usize>,
}

/// All catalogues of a folder.
#[derive(Debug)]
pub struct ImageCatalogs {
    /// The default one is the first.
    catalogs: Vec<Catalog>,
    by_root_id: HashMap<String, usize>,
    /// The record that describes a file; `None` when several do.
    by_path: HashMap<RelPath, Option<(usize, usize)>>,
    roots: Roots,
    /// Whether anybody wrote a catalogue.
    written: bool,
    findings: Vec<CatalogFindings>,
}

impl ImageCatalogs {
    /// Reads every catalogue of a folder; without a folder there is only the empty default one.
    ///
    /// `roots` are the asset roots, as absolute as they were given; nothing of them is opened.
    ///
    /// # Errors
    /// The folder cannot be read. What is wrong in it is no error: see
    /// [`ImageCatalogs::findings`].
    pub fn open(folder: Option<&Path>, roots: &[PathBuf]) -> Result<Self, LibraryError> {
        let mut all = Self {
            catalogs: vec![Catalog::default()],
            by_root_id: HashMap::new(),
            by_path: HashMap::new(),
            roots: Roots::new(roots),
            written: false,
            findings: Vec::new(),
        };
        let Some(folder) = folder else { return Ok(all) };
        let wrong = |reason: String| LibraryError::Catalog { path: folder.to_owned(), reason };
        let root = Root::open(folder).map_err(|error| wrong(error.to_string()))?;
        let entries = root.list(None).map_err(|error| wrong(error.to_string()))?;
        let is_ini = |name: &str| {
            name.rsplit_once('.').is_some_and(|(_, suffix)| suffix.eq_ignore_ascii_case("ini"))
        };
        let mut names: Vec<String> = entries
            .into_iter()
            .filter(|entry| !entry.folder && is_ini(&entry.name) && !is_ignored(&entry.name))
            .map(|entry| entry.name)
            .collect();
        // The others inherit from the default one.
        names.sort_by_key(|name| (!name.eq_ignore_ascii_case(DEFAULT), name.clone()));
        let mut shelf = Shelf { folder: &root, papers: BTreeMap::new() };
        for name in names {
            let Some(own) = shelf.attribute_file(&name) else { continue };
            all.written = true;
            if name.eq_ignore_ascii_case(DEFAULT) {
                if let Some(id) = own.root_id.as_ref().filter(|id| !id.value.is_empty()) {
                    let message = "the default catalogue has no `RootId`; it is ignored";
                    let place = id.span.clone();
                    shelf.tell(&name, Diagnostic::warning(Code::Value, place, message));
                }
                all.catalogs[0] = all.catalog((&name, String::new()), &own, None, &mut shelf);
            } else {
                let Some(root_id) = all.root_id(&name, &own, &mut shelf) else { continue };
                let default = Some(&all.catalogs[0]);
                let made = all.catalog((&name, root_id.clone()), &own, default, &mut shelf);
                all.by_root_id.insert(root_id, all.catalogs.len());
                all.catalogs.push(made);
            }
        }
        all.findings = shelf.findings(folder);
        all.index();
        Ok(all)
    }

    /// Returns what is wrong in the files.
    #[must_use]
    pub fn findings(&self) -> &[CatalogFindings] {
        &self.findings
    }

    /// Returns the attributes of a catalogue, inherited ones included.
    #[must_use]
    pub fn attributes(&self, scope: Scope) -> Arc<Attributes> {
        self.of(scope).attributes.clone()
    }

    /// Returns the `RootId` of a catalogue; empty for the default one.
    #[must_use]
    pub fn root_id_of(&self, scope: Scope) -> &str {
        &self.of(scope).root_id
    }

    /// Returns every catalogue, the default one first.
    pub fn scopes(&self) -> impl Iterator<Item = Scope> {
        (0..self.catalogs.len()).map(Scope)
    }

    /// Returns the macros that a catalogue defines itself, sorted by name.
    pub fn macros(&self, scope: Scope) -> impl Iterator<Item = &Macro> {
        self.of(scope).macros.values()
    }

    /// Tells whether a catalogue names profiles itself.
    #[must_use]
    pub fn has_profiles(&self, scope: Scope) -> bool {
        !self.of(scope).profiles.is_empty()
    }

    /// Returns the profile that a name stands for: in the catalogue's own map, else in that of the
    /// default one.
    #[must_use]
    pub fn profile(&self, scope: Scope, name: &str) -> Option<&ProfileEntry> {
        let default = &self.catalogs[0].profiles;
        self.of(scope).profiles.get(name).or_else(|| default.get(name))
    }

    /// Returns the styles of a font, from the catalogue's own map, else from that of the default
    /// one.
    #[must_use]
    pub fn font(&self, scope: Scope, name: &str) -> Vec<&FontEntry> {
        let of = |catalog: &Catalog| catalog.fonts.keys().any(|(known, _, _)| known == name);
        let catalog = if of(self.of(scope)) { self.of(scope) } else { &self.catalogs[0] };
        catalog.fonts.values().filter(|font| font.name == name).collect()
    }

    /// Finds the record that a handle names, and whose attributes hold for it.
    pub(super) fn find(&self, handle: &str) -> Option<(Scope, &Record)> {
        let object = handle.strip_prefix('/').unwrap_or(handle);
        self.matched(object)
            .and_then(|(scope, rest)| {
                let record =
                    self.record(scope, rest).or_else(|| self.record(Scope::DEFAULT, rest))?;
                Some((scope, record))
            })
            .or_else(|| Some((Scope::DEFAULT, self.record(Scope::DEFAULT, object)?)))
    }

    /// Finds the record that an object inside of a request names, as in `src=`: an id of the main
    /// catalogue or of the default one, then one of the catalogue it names. A leading `/` means
    /// the default catalogue instead of the main one.
    pub(super) fn find_in(&self, main: Scope, object: &str) -> Option<(Scope, &Record)> {
        let (main, object) = match object.strip_prefix('/') {
            Some(rest) => (Scope::DEFAULT, rest),
            None => (main, object),
        };
        let own = self.record(main, object).or_else(|| self.record(Scope::DEFAULT, object));
        own.map(|record| (main, record)).or_else(|| {
            let (scope, rest) = self.matched(object)?;
            Some((scope, self.record(scope, rest)?))
        })
    }

    /// Finds where an object that is no record lies as a file; `None` without catalogues.
    ///
    /// The catalogue that its first part names keeps hold of it, its `RootPath` standing for that
    /// part, unless it says `FullMatch`: then it belongs to the default catalogue as it is.
    pub(super) fn path_of(&self, object: &str) -> Option<(Scope, Place)> {
        if !self.written {
            return None;
        }
        let object = object.strip_prefix('/').unwrap_or(object);
        let matched = self.matched(object).filter(|(scope, _)| !self.of(*scope).full_match);
        let (scope, path) = matched.unwrap_or((Scope::DEFAULT, object));
        let catalog = self.of(scope);
        Some((scope, catalog.prefix.place(path, &catalog.default_ext, &self.roots)))
    }

    /// Returns the only record that describes a file; `None` also when there are several.
    pub(super) fn of_file(&self, file: &SourceFile) -> Option<(Scope, &Record)> {
        let (catalog, record) = self.by_path.get(&file.path).copied()??;
        let found = &self.catalogs[catalog].records[record];
        match &found.path {
            Some(Place::In(root, _)) if *root != file.root => None,
            _ => Some((Scope(catalog), found)),
        }
    }

    /// Returns how a record of another catalogue than the default one is named, by its id alone.
    pub(super) fn titled(&self, id: &str) -> Option<&str> {
        let record = self.scopes().skip(1).find_map(|scope| self.record(scope, id))?;
        Some(&record.title)
    }

    /// Returns what names each record, for comparing.
    pub(super) fn titles(&self) -> impl Iterator<Item = &str> {
        self.catalogs.iter().flat_map(|catalog| &catalog.records).map(|r| r.title.as_str())
    }

    fn of(&self, scope: Scope) -> &Catalog {
        self.catalogs.get(scope.0).unwrap_or(&self.catalogs[0])
    }

    fn record(&self, scope: Scope, id: &str) -> Option<&Record> {
        let catalog = self.of(scope);
        if catalog.records.is_empty() {
            return None;
        }
        let id: String = id.nfc().collect();
        Some(&catalog.records[*catalog.by_id.get(&id)?])
    }

    /// Finds the catalogue that the first part of an object names, and what is left.
    fn matched<'o>(&self, object: &'o str) -> Option<(Scope, &'o str)> {
        let (root_id, rest) = object.split_once('/')?;
        Some((Scope(*self.by_root_id.get(root_id)?), rest))
    }

    /// Takes the name of a catalogue; `None` when it has none of its own.
    fn root_id(&self, name: &str, own: &AttributeFile, shelf: &mut Shelf<'_>) -> Option<String> {
        let (span, problem) = match &own.root_id {
            Some(id) if id.value.contains('/') => {
                (id.span.clone(), "a `RootId` is one part of a path, without \"/\"".to_owned())
            }
            Some(id) if self.by_root_id.contains_key(&id.value) => {
                let message = format!("another catalogue is called `{}` too", shown(&id.value));
                (id.span.clone(), message)
            }
            Some(id) if !id.value.is_empty() => return Some(id.value.clone()),
            Some(_) | None => (0..1, "this catalogue has no `RootId`".to_owned()),
        };
        let help =
            "every catalogue but default.ini needs a `RootId` of its own; this one is left out";
        shelf.tell(name, Diagnostic::error(Code::Value, span, problem).help(help));
        None
    }

    /// Reads what belongs to an attribute file; `default` is what it inherits from.
    fn catalog(
        &self,
        (name, root_id): (&str, String),
        own: &AttributeFile,
        default: Option<&Catalog>,
        shelf: &mut Shelf<'_>,
    ) -> Catalog {
        let bare = Catalog::default();
        let inherited = default.unwrap_or(&bare);
        let prefix = match &own.root_path {
            Some(written) => Prefix::new(&written.value, &self.roots),
            None => inherited.prefix.clone(),
        };
        let default_ext = own.default_ext.clone();
        let default_ext = default_ext.unwrap_or_else(|| inherited.default_ext.clone());
        let mut catalog = Catalog {
            attributes: Arc::new(own.attributes.over(&inherited.attributes)),
            full_match: own.full_match.unwrap_or(inherited.full_match),
            root_id,
            ..Catalog::default()
        };
        if let (Prefix::Outside, Some(written)) = (&prefix, &own.root_path) {
            let message = format!(
                "`RootPath`: `{}` does not lie below an asset folder",
                shown(&written.value)
            );
            shelf.tell(
                name,
                Diagnostic::error(Code::Value, written.span.clone(), message).help(
                    "write a folder below one of `folders.assets`, or add this one to that list",
                ),
            );
        }
        let title = if catalog.root_id.is_empty() {
            String::new()
        } else {
            format!("{}/", catalog.root_id)
        };
        for paper in shelf.papers(name, own.catalog_files.as_ref()) {
            let reading = Reading {
                file: &paper.name,
                title: &title,
                prefix: &prefix,
                default_ext: &default_ext,
                roots: &self.roots,
            };
            let Catalog { by_id, records, .. } = &mut catalog;
            shelf.read(&paper, |text, told| {
                reading.each(text, told, |id, record| {
                    by_id.insert(id.nfc().collect(), records.len());
                    records.push(record);
                });
            });
        }
        if let Some(paper) = shelf.paper_of(name, own.macro_file.as_ref()) {
            catalog.macros = shelf.read(&paper, |text, told| {
                macros::read(text, &paper.name, &inherited.macros, told)
            });
        }
        if let Some(paper) = shelf.paper_of(name, own.profile_map.as_ref()) {
            catalog.profiles =
                shelf.read(&paper, |text, told| maps::profiles(text, &paper.name, told));
        }
        if let Some(paper) = shelf.paper_of(name, own.font_map.as_ref()) {
            catalog.fonts = shelf.read(&paper, |text, told| maps::fonts(text, &paper.name, told));
        }
        Catalog { prefix, default_ext, ..catalog }
    }

    /// Notes which records describe which file; records that a later one hides do not count.
    fn index(&mut self) {
        for (at, catalog) in self.catalogs.iter().enumerate() {
            for &record in catalog.by_id.values() {
                if let Some(Place::Below(path) | Place::In(_, path)) = &catalog.records[record].path
                {
                    let only = self.by_path.entry(path.clone());
                    only.and_modify(|only| *only = None).or_insert(Some((at, record)));
                }
            }
        }
    }
}

/// The files of the folder that were read, each with what was found in it.
struct Shelf<'f> {
    folder: &'f Root,
    papers: BTreeMap<Arc<str>, (Arc<str>, Vec<Diagnostic>)>,
}

/// A file that was read.
struct Paper {
    name: Arc<str>,
    text: Arc<str>,
}

impl Shelf<'_> {
    /// Reads a file, once.
    fn open(&mut self, path: &RelPath) -> Result<Paper, String> {
        let name: Arc<str> = Arc::from(path.as_str());
        if let Some((text, _)) = self.papers.get(&name) {
            return Ok(Paper { name, text: text.clone() });
        }
        let bytes = read_bounded(self.folder, path, MOST_BYTES)?
            .ok_or_else(|| "there is no such file in the folder of the catalogues".to_owned())?;
        let (text, findings) = text::decode(&bytes);
        let text: Arc<str> = text.into();
        self.papers.insert(name.clone(), (text.clone(), findings));
        Ok(Paper { name, text })
    }

    /// Takes a file apart, keeping what is found in it.
    fn read<T>(&mut self, paper: &Paper, read: impl FnOnce(&str, &mut Vec<Diagnostic>) -> T) -> T {
        let mut told = Vec::new();
        let made = read(&paper.text, &mut told);
        if let Some((_, findings)) = self.papers.get_mut(&paper.name) {
            findings.append(&mut told);
        }
        made
    }

    /// Reads an attribute file; `None` when that cannot be done.
    fn attribute_file(&mut self, name: &str) -> Option<AttributeFile> {
        let paper = RelPath::parse(name)
            .map_err(|error| error.to_string())
            .and_then(|path| self.open(&path));
        match paper {
            Ok(paper) => {
                let read =
                    self.read(&paper, |text, told| attributes::read(text, &paper.name, told));
                Some(read)
            }
            Err(problem) => {
                let told = vec![Diagnostic::error(Code::Other, 0..1, problem)];
                self.papers.insert(Arc::from(name), (Arc::from(" "), told));
                None
            }
        }
    }

    /// Adds a finding about a file that was read.
    fn tell(&mut self, name: &str, finding: Diagnostic) {
        if let Some((_, findings)) = self.papers.get_mut(name) {
            findings.push(finding);
        }
    }

    /// Reads the files that an attribute lists.
    fn papers(&mut self, name: &str, written: Option<&Written>) -> Vec<Paper> {
        let Some(written) = written else { return Vec::new() };
        let files = written.value.split(',').map(str::trim).filter(|file| !file.is_empty());
        files.filter_map(|file| self.named(name, written, file)).collect()
    }

    /// Reads the file that an attribute names.
    fn paper_of(&mut self, name: &str, written: Option<&Written>) -> Option<Paper> {
        let written = written.filter(|written| !written.value.is_empty())?;
        self.named(name, written, &written.value)
    }

    fn named(&mut self, name: &str, written: &Written, file: &str) -> Option<Paper> {
        let folder = Roots::new(&[self.folder.path().to_owned()]);
        let paper = match Prefix::default().place(file, "", &folder) {
            Place::Below(path) | Place::In(_, path) => self.open(&path),
            Place::Outside => Err("it does not lie in the folder of the catalogues".to_owned()),
        };
        paper
            .map_err(|problem| {
                let message = format!("`{}`: {problem}", shown(file));
                let finding = Diagnostic::error(Code::Value, written.span.clone(), message);
                self.tell(name, finding.help("put it beside this file and write its name"));
            })
            .ok()
    }

    /// Returns what was found, file by file.
    fn findings(self, folder: &Path) -> Vec<CatalogFindings> {
        let told = self.papers.into_iter().filter(|(_, (_, findings))| !findings.is_empty());
        told.map(|(name, (text, mut findings))| {
            findings.sort_by_key(|finding| finding.span.start);
            // A file that two catalogues share is read for each of them.
            findings.dedup();
            // A place that is one byte long means the character there.
            for Diagnostic { span, .. } in &mut findings {
                *span = text.floor_char_boundary(span.start)..text.ceil_char_boundary(span.end);
            }
            let file = folder.join(&*name).display().to_string();
            CatalogFindings { file, text: text.to_string(), findings }
        })
        .collect()
    }
}

#[cfg(test)]
mod tests;
