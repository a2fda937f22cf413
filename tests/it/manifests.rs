//! A corpus of manifests: the good ones become jobs without a word, each wrong one is shown as
//! the text beside it. `UPDATE=1` writes those texts anew.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use exportd::diag::{Rendering, render};
use exportd::fs::write_new;
use exportd::imaging::plan::Defaults;
use exportd::job::check::{Judged, Moment, Policy, judge};
use exportd::library::Library;

fn corpus(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/manifests").join(kind);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    assert!(files.len() >= 5, "the corpus of {kind} manifests is not where it should be");
    files
}

/// A library with a few assets, and the rest of what a check needs.
struct World {
    _dir: tempfile::TempDir,
    library: Library,
    policy: Policy,
    now: jiff::Zoned,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for file in [
            "tops/10023-front.tif",
            "tops/10023-back.tif",
            "tops/a.psd",
            "tops/twice.tif",
            "tops/twice.jpg",
            "logo.jpg",
            "notes.txt",
        ] {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            write_new(&path, b"", 0o644).unwrap();
        }
        let catalog = "[[asset]]\nhandle = \"a|944|1|535\"\npath = \"logo.jpg\"\n";
        write_new(&dir.path().join("catalog.toml"), catalog.as_bytes(), 0o644).unwrap();
        let library = Library::open(&[dir.path().to_owned()], None).unwrap();
        assert!(library.findings().is_empty());
        let policy = Policy {
            company: "1".into(),
            wait_for_assets: std::time::Duration::ZERO,
            macros: [("web".into(), "wid=1200&fmt=jpeg&qlt=85".into())].into(),
            profiles: std::collections::BTreeMap::new(),
            users: vec!["mia".into()],
            imaging: Defaults::default(),
        };
        let now = "2026-11-24T12:00+01:00[Europe/Berlin]".parse().unwrap();
        Self { _dir: dir, library, policy, now }
    }

    fn judge(&self, bytes: &[u8]) -> Judged {
        judge(bytes, &self.library, &self.policy, &Moment::HandedIn(self.now.clone()))
    }
}

fn shown(file: &Path, judged: &Judged) -> String {
    let name = file.file_name().unwrap().to_str().unwrap();
    render(name, &judged.text, &judged.all(), Rendering::Plain)
}

#[test]
fn good_manifests_become_jobs_without_a_word() {
    let world = World::new();
    for file in corpus("good") {
        let judged = world.judge(&std::fs::read(&file).unwrap());
        assert_eq!(shown(&file, &judged), "", "{}", file.display());
        let job = judged.job.unwrap();
        assert!(job.renditions.iter().all(|rendition| !rendition.items.is_empty()));
    }
}

#[test]
fn wrong_manifests_are_shown_as_the_text_beside_them() {
    let world = World::new();
    let mut different = Vec::new();
    for file in corpus("wrong") {
        let judged = world.judge(&std::fs::read(&file).unwrap());
        let text = shown(&file, &judged);
        assert_ne!(text, "", "{} is not wrong", file.display());
        assert!(judged.job.is_none(), "{} became a job", file.display());
        let expected = file.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            let _ = std::fs::remove_file(&expected);
            write_new(&expected, text.as_bytes(), 0o644).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != text {
            different.push(text);
        }
    }
    assert!(different.is_empty(), "UPDATE=1 accepts:\n{}", different.join("\n"));
}

/// What somebody who reads the files finds wrong: of each file the lines, once for each mistake, and
/// whether it is a warning.
fn mistakes() -> BTreeMap<String, Vec<(usize, bool)>> {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/manifests/wrong/mistakes.list");
    let list = std::fs::read_to_string(list).unwrap();
    let line = |line: &str| {
        let (name, lines) = line.split_once(':').unwrap();
        let mistake = |word: &str| {
            let number = word.strip_suffix('w');
            (number.unwrap_or(word).parse().unwrap(), number.is_some())
        };
        (name.to_owned(), lines.split_whitespace().map(mistake).collect())
    };
    list.lines().filter(|text| !text.starts_with('#')).map(line).collect()
}

#[test]
fn every_mistake_is_told_at_once_on_its_line_and_nothing_else() {
    let world = World::new();
    let mistakes = mistakes();
    let mut different = Vec::new();
    let files = corpus("wrong");
    assert_eq!(files.len(), mistakes.len(), "files and list");
    assert!(files.len() >= 60);
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let judged = world.judge(&std::fs::read(&file).unwrap());
        let found: Vec<(usize, bool)> = judged
            .told()
            .iter()
            .map(|finding| {
                let (line, _) = exportd::diag::position(&judged.text, finding.span.start);
                (line, !finding.is_error())
            })
            .collect();
        let mut expected = mistakes[name].clone();
        expected.sort_by_key(|(line, _)| *line);
        let sorted = |list: &[(usize, bool)]| {
            let mut list = list.to_vec();
            list.sort_unstable();
            list
        };
        if sorted(&found) != sorted(&expected) {
            different.push(format!("{name}: {found:?} instead of {expected:?}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn every_error_says_what_to_do() {
    let world = World::new();
    let mut silent = Vec::new();
    for file in corpus("wrong") {
        let judged = world.judge(&std::fs::read(&file).unwrap());
        // What a modifier must be is said in its message.
        let told = judged.all();
        let errors = told.iter().filter(|f| f.is_error() && f.message.id() != Some("wants"));
        for finding in errors.filter(|f| f.help.is_none()) {
            silent.push(format!("{}: {}", file.display(), finding.message));
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

#[test]
fn the_example_holds_every_key_and_is_a_good_manifest() {
    let world = World::new();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/manifest.example.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let judged = world.judge(text.as_bytes());
    assert_eq!(shown(&file, &judged), "");
    assert!(judged.job.is_some());
    // With every key that is commented out written out, all of them are known and well formed.
    let all: String = text
        .lines()
        .map(|line| line.strip_prefix("#= ").unwrap_or(line))
        .fold(String::new(), |all, line| all + line + "\n");
    let judged = world.judge(all.as_bytes());
    assert_eq!(shown(&file, &judged), "");
    let manifest = judged.manifest.unwrap();
    for key in exportd::job::manifest::keys::of_the_top().iter().filter(|key| key.is_ascii()) {
        // The two that exclude each other stand beside each other in a comment.
        assert!(all.contains(&format!("{key} ")) || all.contains(&format!("[[{key}]]")), "{key}");
    }
    assert_eq!(manifest.renditions.len(), 2);
}
