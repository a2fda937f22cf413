//! `catalog.toml`: what people say about assets beyond their files.
//!
//! Any asset root may hold one. Each `[[asset]]` gives a file (or a set, which has none) a handle,
//! an id, a name, a type and modifiers of its own. A wrong entry is left out and named; the others
//! hold.

use std::collections::HashMap;

use ::toml::de::DeValue;
use unicode_normalization::UnicodeNormalization;

use super::asset_type::AssetType;
use super::toml::{Expected, Section, Source};
use super::{AssetHandle, SourceFile};
use crate::diag::{Code, Diagnostic, Text};
use crate::fs::RelPath;

/// Name of the file in an asset root.
pub const CATALOG: &str = "catalog.toml";

/// Largest catalogue in bytes.
pub(super) const MOST_BYTES: u64 = 64 << 20;

const KEYS: &[&str] = &["handle", "id", "name", "type", "path", "modifier"];

/// What is wrong in one catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogFindings {
    /// The file, for people.
    pub file: String,
    /// Its text, which the findings point into.
    pub text: String,
    /// What was found, in the text's order.
    pub findings: Vec<Diagnostic>,
}

/// One sound entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CatalogEntry {
    /// The first of id and handle.
    pub(super) title: String,
    pub(super) name: Option<String>,
    pub(super) kind: AssetType,
    pub(super) file: Option<SourceFile>,
    pub(super) modifier: Option<String>,
}

/// The entries of all roots.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    entries: Vec<CatalogEntry>,
    /// Id or handle in NFC.
    by_name: HashMap<String, usize>,
    by_file: HashMap<SourceFile, usize>,
}

impl Catalog {
    /// Looks an id or a handle up.
    pub(super) fn find(&self, handle: &str) -> Option<&CatalogEntry> {
        if self.entries.is_empty() {
            return None;
        }
        let name: String = handle.nfc().collect();
        Some(&self.entries[*self.by_name.get(&name)?])
    }

    /// Returns the entry that describes a file: never a view or a template made from it.
    pub(super) fn of_file(&self, file: &SourceFile) -> Option<&CatalogEntry> {
        Some(&self.entries[*self.by_file.get(file)?])
    }

    /// Returns all ids and handles, in the order of the catalogues.
    pub(super) fn titles(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.title.as_str())
    }

    /// Adds the catalogue of one root and returns what is wrong in it.
    ///
    /// An id that an earlier root knows is hidden by that root's; twice in one file is a mistake.
    pub(super) fn add(&mut self, root: usize, text: &str) -> Vec<Diagnostic> {
        let source = Source::new(text);
        let document = source.document();
        let mut findings = document.findings.to_vec();
        let mut top = Section::new(&document, document.table.get_ref());
        top.unknown_keys(&["asset"], |_| None);
        let mut own: HashMap<String, std::ops::Range<usize>> = HashMap::new();
        if let Some(list) = top.get_list("asset") {
            match list.value.get_ref() {
                DeValue::Array(tables) => {
                    for table in tables {
                        let DeValue::Table(keys) = table.get_ref() else {
                            let finding = top.type_finding("asset", table, Expected::Table);
                            top.findings.push(finding);
                            continue;
                        };
                        let mut section = Section::new(&document, keys);
                        let draft = read_entry(&mut section, root, &table.span());
                        if let Some((names, entry)) = draft {
                            self.insert(names, entry, &mut own, &mut section.findings);
                        }
                        findings.append(&mut section.findings);
                    }
                }
                _ => top.wrong_type(&list, Expected::Tables("asset")),
            }
        }
        findings.append(&mut top.findings);
        findings.sort_by_key(|finding| finding.span.start);
        findings
    }

    fn insert(
        &mut self,
        names: Vec<Text>,
        entry: CatalogEntry,
        own: &mut HashMap<String, std::ops::Range<usize>>,
        findings: &mut Vec<Diagnostic>,
    ) {
        let at = self.entries.len();
        let mut known = false;
        for name in names {
            let key: String = name.value.nfc().collect();
            if own.insert(key.clone(), name.span.clone()).is_some() {
                findings.push(
                    Diagnostic::error(
                        Code::Value,
                        name.span,
                        format!("another asset of this catalogue is called \"{key}\" too"),
                    )
                    .help("the first one holds; give this one a name of its own"),
                );
                continue;
            }
            known = true;
            self.by_name.entry(key).or_insert(at);
        }
        if !known {
            return;
        }
        if let Some(file) = &entry.file
            && !matches!(
                entry.kind,
                AssetType::AdjustedView | AssetType::Template | AssetType::PsdTemplate
            )
        {
            self.by_file.entry(file.clone()).or_insert(at);
        }
        self.entries.push(entry);
    }
}

/// Reads one `[[asset]]`: its names, and what it is. `None` when it cannot be used.
fn read_entry(
    section: &mut Section<'_, '_>,
    root: usize,
    span: &std::ops::Range<usize>,
) -> Option<(Vec<Text>, CatalogEntry)> {
    section.unknown_keys(KEYS, |_| None);
    let id = section.text("id");
    let handle = section.text("handle");
    let mut names = Vec::new();
    for name in [id, handle].into_iter().flatten() {
        match AssetHandle::parse(&name.value) {
            Ok(_) => names.push(name),
            Err(error) => section.wrong(name.span, error.words()),
        }
    }
    let kind = read_kind(section);
    let path = read_path(section);
    if names.is_empty() && !section.has("id") && !section.has("handle") {
        section.findings.push(
            Diagnostic::error(Code::Missing, span.clone(), "this asset has neither id nor handle")
                .help("add id = \"…\""),
        );
    }
    if kind.is_none_or(AssetType::needs_file) && path.is_none() && !section.has("path") {
        section.findings.push(
            Diagnostic::error(Code::Missing, span.clone(), "this asset has no path")
                .help("add path = \"folder/file.tif\", relative to the folder of the catalogue"),
        );
    }
    let name = section.text("name").map(|text| text.value);
    let modifier = section.text("modifier").map(|text| text.value);
    if section.findings.iter().any(Diagnostic::is_error) || names.is_empty() {
        return None;
    }
    let kind = kind.unwrap_or_else(|| {
        AssetType::from_extension(path.as_ref().and_then(|path| path.extension()))
    });
    if kind.needs_file() && path.is_none() {
        return None;
    }
    let entry = CatalogEntry {
        title: names[0].value.clone(),
        name,
        kind,
        file: path.map(|path| SourceFile { root, path }),
        modifier,
    };
    Some((names, entry))
}

fn read_kind(section: &mut Section<'_, '_>) -> Option<AssetType> {
    let word = section.text("type")?;
    let kind = AssetType::from_word(&word.value);
    if kind.is_none() {
        let finding = Diagnostic::error(
            Code::Value,
            word.span.clone(),
            format!("`{}` is no type of asset", crate::diag::shown(&word.value)),
        );
        section.findings.push(match AssetType::nearest_word(&word.value) {
            Some(near) => finding.help(format!("did you mean \"{near}\"?")),
            None => {
                finding.help(format!("allowed: {}", AssetType::ALL.map(AssetType::word).join(", ")))
            }
        });
    }
    kind
}

fn read_path(section: &mut Section<'_, '_>) -> Option<RelPath> {
    let text = section.text("path")?;
    match RelPath::parse(&text.value) {
        Ok(path) => Some(path),
        Err(error) => {
            section.wrong(text.span, error.to_string());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Catalog, Vec<String>) {
        let mut catalog = Catalog::default();
        let findings = catalog
            .add(0, text)
            .into_iter()
            .map(|d| {
                let (line, _) = crate::diag::position(text, d.span.start);
                format!(
                    "{line}: {}{}",
                    d.message,
                    d.help.map_or(String::new(), |h| format!(" ({h})"))
                )
            })
            .collect();
        (catalog, findings)
    }

    #[test]
    fn entries_are_found_by_id_and_handle() {
        let (catalog, findings) = read(
            "[[asset]]\nhandle = \"a|944|1|535\"\nid = \"backpack\"\nname = \"Backpack, blue\"\n\
             type = \"Image\"\npath = \"bags/backpack.tif\"\nmodifier = \"bgc=ffffff\"\n\
             [[asset]]\nid = \"view\"\ntype = \"AdjustedView\"\npath = \"bags/backpack.tif\"\n\
             [[asset]]\nid = \"set\"\ntype = \"Catalog\"\n\
             [[asset]]\nid = \"sheet\"\npath = \"a.pdf\"\n",
        );
        assert_eq!(findings, [""; 0]);
        let by_id = catalog.find("backpack").unwrap();
        assert_eq!(catalog.find("a|944|1|535"), Some(by_id));
        assert_eq!(by_id.modifier.as_deref(), Some("bgc=ffffff"));
        let file = by_id.file.clone().unwrap();
        assert_eq!(catalog.of_file(&file), Some(by_id));
        assert_eq!(catalog.find("view").unwrap().kind, AssetType::AdjustedView);
        assert_eq!(catalog.find("set").unwrap().kind, AssetType::ECatalog);
        assert_eq!(catalog.find("sheet").unwrap().kind, AssetType::Pdf);
        assert_eq!(catalog.find("nothing"), None);
    }

    #[test]
    fn names_are_equal_in_any_unicode_form() {
        let (catalog, _) = read("[[asset]]\nid = \"e\u{301}\"\npath = \"x.tif\"\n");
        assert!(catalog.find("é").is_some());
    }

    #[test]
    fn wrong_entries_are_named_and_left_out() {
        let (catalog, findings) = read(
            "[[asset]]\nid = \"a\"\npath = \"a.tif\"\n\n\
             [[asset]]\nid = \"a\"\npath = \"b.tif\"\n\n\
             [[asset]]\npath = \"c.tif\"\n\n\
             [[asset]]\nid = \"d\"\n\n\
             [[asset]]\nid = \"e\"\npath = \"../e.tif\"\n\n\
             [[asset]]\nid = \"f\"\ntype = \"Imge\"\npath = \"f.tif\"\n\n\
             [[asset]]\nid = 7\npth = \"g.tif\"\n",
        );
        assert_eq!(
            findings,
            [
                "6: another asset of this catalogue is called \"a\" too (the first one holds; give \
                 this one a name of its own)",
                "9: this asset has neither id nor handle (add id = \"…\")",
                "12: this asset has no path (add path = \"folder/file.tif\", relative to the folder \
                 of the catalogue)",
                "17: the name contains \".\" or \"..\" between slashes",
                "21: `Imge` is no type of asset (did you mean \"Image\"?)",
                "25: `id` must be text in quotes, not a whole number (write \"7\")",
                "26: unknown key `pth` (did you mean `path`?)",
            ]
        );
        assert_eq!(catalog.find("a").unwrap().file.as_ref().unwrap().path.as_str(), "a.tif");
        for gone in ["d", "e", "f"] {
            assert!(catalog.find(gone).is_none(), "{gone}");
        }
    }

    #[test]
    fn an_earlier_root_hides_a_later_one() {
        let mut catalog = Catalog::default();
        assert!(catalog.add(0, "[[asset]]\nid = \"x\"\npath = \"a.tif\"\n").is_empty());
        assert!(catalog.add(1, "[[asset]]\nid = \"x\"\npath = \"b.tif\"\n").is_empty());
        assert_eq!(catalog.find("x").unwrap().file.as_ref().unwrap().root, 0);
    }

    #[test]
    fn what_does_not_parse_is_a_finding_and_the_rest_holds() {
        let (catalog, findings) =
            read("[[asset]]\nid = a\npath = \"a.tif\"\n[[asset]]\nid = \"b\"\npath = \"b.tif\"\n");
        assert_eq!(findings, ["2: text must be in quotes (write \"a\")"]);
        assert!(catalog.find("a").is_none() && catalog.find("b").is_some());
    }
}
