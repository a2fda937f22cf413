//! A corpus of manifests: the good ones become jobs without a word, each wrong one is shown as
//! the text beside it. `UPDATE=1` writes those texts anew.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

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

#[test]
fn ten_mistakes_are_ten_findings() {
    let world = World::new();
    let file = corpus("wrong").into_iter().find(|f| f.ends_with("ten-mistakes.toml")).unwrap();
    let judged = world.judge(&std::fs::read(&file).unwrap());
    let lines: Vec<usize> = judged
        .findings
        .iter()
        .map(|finding| exportd::diag::position(&judged.text, finding.span.start).0)
        .collect();
    assert_eq!(lines, (1..=10).collect::<Vec<_>>());
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
    for key in exportd::job::manifest::KEYS.iter().filter(|key| key.is_ascii()) {
        // The two that exclude each other stand beside each other in a comment.
        assert!(all.contains(&format!("{key} ")) || all.contains(&format!("[[{key}]]")), "{key}");
    }
    assert_eq!(manifest.renditions.len(), 2);
}
