//! Names that somebody made up to get out: not one file outside is read, not one is written.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use exportd::diag::Fault;
use exportd::fs::{ContentHash, MOST_NAME_BYTES, RelPath, Root, is_invisible};
use exportd::job::check::Existing;
use exportd::job::log::{AssetEntry, AssetOutcome, Change, Delivered};
use exportd::job::manifest::{Filling, OutputName};
use exportd::job::names::{collisions, output_name};
use exportd::job::publish::{Place, Stage};
use exportd::library::{AssetHandle, Library};
use rustix::fs::{CWD, RenameFlags};

const SECRET: &str = "nobody may read this";
const OURS: &str = "an asset";

/// `outside/` with secrets beside `assets/`, into which every kind of link leads.
struct Trap {
    dir: tempfile::TempDir,
}

impl Trap {
    fn new() -> Self {
        let this = Self { dir: tempfile::tempdir().unwrap() };
        for name in ["outside/secret.txt", "outside/sub/secret.txt", "secret.txt"] {
            this.write(name, SECRET);
        }
        for name in ["a.txt", "sub/a.txt", "sub/deep/a.txt", "-a.txt", "CON", "caf\u{e9}.txt"] {
            this.write(&format!("assets/{name}"), OURS);
        }
        for (name, to) in [
            ("link.txt", "../outside/secret.txt"),
            ("linked", "../outside"),
            ("up", ".."),
            ("sub/up", "../.."),
            ("root", "/"),
            ("self", "/proc/self/root"),
            ("fd", "/proc/self/cwd"),
        ] {
            symlink(to, this.path("assets").join(name)).unwrap();
        }
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

const BEFORE: [&str; 19] = [
    "", "./", ".//", "/", "//", "sub/", "sub/../", "sub/up/", "up/", "linked/", "root/", "self/",
    "\\", "..\\", "%2e%2e/", "-", " ", "\u{202e}", "\0",
];
const AFTER: [&str; 17] = [
    "", "/", "/.", "/..", "\0", "\0.tif", " ", ".", "\n", "\r\n", "\u{202e}", "\u{2066}", "*", "?",
    "/*", "/**", ":stream",
];

/// Every combination of a way out with what may hide it.
fn crafted(ways: &[String]) -> BTreeSet<String> {
    let long = ["x".repeat(256), "x/".repeat(3000), "../".repeat(2000), "\u{e9}".repeat(200)];
    let mut all: BTreeSet<String> = long.into();
    for way in ways {
        for before in BEFORE {
            all.extend(AFTER.iter().map(|after| format!("{before}{way}{after}")));
        }
    }
    all
}

fn ways(trap: &Trap) -> Vec<String> {
    let absolute = trap.path("outside/secret.txt").to_str().unwrap().to_owned();
    let relative = [
        "../outside/secret.txt",
        "../secret.txt",
        "../*",
        "../**/secret.txt",
        "../outsid[e]/*",
        "link.txt",
        "link",
        "l?nk.txt",
        "secret.txt",
        "**/secret*",
        "outside/secret.txt",
        "a.txt",
        "cafe\u{301}.txt",
        "A.TXT",
        "..",
        ".",
        "CON",
        "etc/passwd",
        "proc/self/environ",
    ];
    relative.map(str::to_owned).into_iter().chain([absolute]).collect()
}

#[test]
fn crafted_handles_lead_to_no_file_outside() {
    let trap = Trap::new();
    // What a catalogue says is no more trusted than what a manifest does.
    let entries: Vec<String> = ways(&trap)
        .iter()
        .enumerate()
        .map(|(n, way)| format!("[[asset]]\nid = \"c{n}\"\npath = '{way}'\n"))
        .collect();
    trap.write("assets/catalog.toml", &entries.concat());
    let library = Library::open(&[trap.path("assets")], None).unwrap();
    let mut handles = crafted(&ways(&trap));
    handles.extend((0..entries.len()).map(|n| format!("c{n}")));
    assert!(handles.len() >= 500, "{}", handles.len());
    let (mut read, mut refused) = (0, 0);
    for handle in &handles {
        let assets = AssetHandle::parse(handle).ok().map(|handle| library.resolve(&handle));
        let Some(Ok(assets)) = assets else {
            refused += 1;
            continue;
        };
        for file in assets.iter().filter_map(|asset| asset.file.as_ref()) {
            let Ok((file, _)) = library.open_source(file) else { continue };
            let text = std::io::read_to_string(file).unwrap();
            assert!(!text.contains(SECRET), "{handle:?} leads outside");
            read += 1;
        }
    }
    assert!(read > 10 && refused > 500, "{read} read, {refused} refused: the table is blunt");
}

#[test]
fn crafted_output_names_make_no_file_outside() {
    let trap = Trap::new();
    std::fs::create_dir(trap.path("out")).unwrap();
    let before = tree(trap.dir.path());
    let stage = Stage::open(&trap.path("out"), "id").unwrap();
    let files = trap.path("out/.exportd-stage/id/files");
    let mut ways = ways(&trap);
    ways.extend(
        [
            ".exportd-stage/id",
            "SHA256SUMS",
            "{stem}",
            "{path}/../{stem}",
            "{path}{path}",
            "{x",
            "~",
        ]
        .map(str::to_owned),
    );
    let names = crafted(&ways);
    assert!(names.len() >= 500, "{}", names.len());
    let (mut made, mut refused) = (0, 0);
    for text in &names {
        // Once as the template, once as what fills one.
        let templates = [OutputName::parse(text).ok(), Some(OutputName::of_job())];
        for template in templates.into_iter().flatten() {
            let (path, stem) = text.rsplit_once('/').unwrap_or(("", text));
            let filling = Filling { path, stem, size: None, n: 1, job_name: text, rendition: text };
            let Ok(name) = output_name(&template.fill(&filling), Some("tiff")) else {
                refused += 1;
                continue;
            };
            check_name(text, &name);
            if stage.create(&name).is_ok() {
                let real = files.join(name.as_path()).canonicalize().unwrap();
                assert!(real.starts_with(&files), "{text:?} is written to {}", real.display());
                made += 1;
            }
        }
    }
    assert!(made > 50 && refused > 500, "{made} made, {refused} refused: the table is blunt");
    let after: BTreeSet<PathBuf> =
        tree(trap.dir.path()).into_iter().filter(|p| !p.starts_with(trap.path("out"))).collect();
    let before: BTreeSet<PathBuf> =
        before.into_iter().filter(|p| !p.starts_with(trap.path("out"))).collect();
    assert_eq!(after, before);
}

fn check_name(text: &str, name: &RelPath) {
    let parts = name.as_path().components();
    assert!(parts.clone().all(|part| matches!(part, Component::Normal(_))), "{text:?}: {name}");
    assert!(parts.clone().all(|part| part.as_os_str().len() <= MOST_NAME_BYTES), "{text:?}");
    assert!(!name.as_str().chars().any(is_invisible), "{text:?} becomes {name:?}");
    assert_eq!(*name, name.nfc(), "{text:?} is not in one form");
    let ours = |part: Component<'_>| part.as_os_str().to_string_lossy().starts_with(".exportd");
    assert!(!parts.clone().any(ours), "{text:?} takes a name of ours");
}

fn tree(root: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
            found.insert(entry.path());
        }
    }
    found
}

#[test]
fn twins_by_form_and_by_case_collide_and_both_are_named() {
    let twins = [
        ("caf\u{e9}", "cafe\u{301}"),
        ("Straße", "STRASSE"),
        ("A/b", "a/B"),
        ("ﬁne", "FINE"),
        ("\u{212b}", "\u{e5}"),
        ("Ａ", "ａ"),
    ];
    for (one, other) in twins {
        let names = [one, other].map(|text| output_name(text, Some("png")).unwrap());
        let faults = collisions(&[(&names[0], "first"), (&names[1], "second")]);
        let told: Vec<&Fault> = faults.values().collect();
        assert!(
            matches!(told.as_slice(), [Fault::Collision { others: a, .. }, Fault::Collision { others: b, .. }]
                if *a == ["second"] && *b == ["first"]),
            "{one} and {other}: {told:?}"
        );
    }
}

#[test]
fn a_folder_that_becomes_a_link_while_it_is_read_leads_nowhere() {
    let long = std::env::var("EXPORTD_LONG").is_ok_and(|long| long == "1");
    let patience = Duration::from_secs(if long { 60 } else { 10 });
    let trap = Trap::new();
    trap.write("assets/d/secret.txt", OURS);
    symlink("../outside", trap.path("assets/l")).unwrap();
    let (folder, link) = (trap.path("assets/d"), trap.path("assets/l"));
    let root = Root::open(&trap.path("assets")).unwrap();
    let library = Library::open(&[trap.path("assets")], None).unwrap();
    let path = RelPath::parse("d/secret.txt").unwrap();
    let handles = ["d/secret.txt", "d/secret", "d/*", "l/secret.txt"];
    let handles = handles.map(|text| AssetHandle::parse(text).unwrap());
    let over = AtomicBool::new(false);
    let (mut read, mut refused) = (0_u64, 0_u64);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let flags = RenameFlags::EXCHANGE;
                rustix::fs::renameat_with(CWD, &folder, CWD, &link, flags).unwrap();
            }
        });
        let until = Instant::now() + patience;
        let mut look = |opened: Option<std::fs::File>| match opened {
            Some(file) => {
                let text = std::io::read_to_string(file).unwrap();
                // The scope must end before the test does.
                if text.contains(SECRET) {
                    over.store(true, Ordering::Relaxed);
                }
                assert!(!text.contains(SECRET), "a file outside was read");
                read += 1;
            }
            None => refused += 1,
        };
        while Instant::now() < until {
            for _ in 0..50 {
                look(root.open_file(&path).ok().map(|(file, _)| file));
            }
            library.refresh();
            for handle in &handles {
                for asset in library.resolve(handle).into_iter().flatten() {
                    let file = asset.file.and_then(|file| library.open_source(&file).ok());
                    look(file.map(|(file, _)| file));
                }
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(read > 1000 && refused > 1000, "{read} read, {refused} refused: nothing was raced");
}

/// One output, staged.
fn staged(stage: &Stage, name: &str, text: &str) -> Option<AssetEntry> {
    let output = RelPath::parse(name).unwrap();
    stage.create(&output).ok()?.write_all(text.as_bytes()).unwrap();
    let file = Delivered {
        output,
        bytes: text.len() as u64,
        sha256: ContentHash::of(text.as_bytes()),
        width: None,
        height: None,
        profile: None,
        change: Change::New,
    };
    Some(AssetEntry {
        handle: name.into(),
        name: name.into(),
        asset_type: None,
        rendition: None,
        source: None,
        outcome: AssetOutcome::Copied { file: Box::new(file), warnings: Vec::new() },
    })
}

#[test]
fn a_folder_that_becomes_a_link_while_it_is_written_leads_nowhere() {
    let long = std::env::var("EXPORTD_LONG").is_ok_and(|long| long == "1");
    let patience = Duration::from_secs(if long { 60 } else { 10 });
    let trap = Trap::new();
    for folder in ["out/web/sub", "out/deep"] {
        std::fs::create_dir_all(trap.path(folder)).unwrap();
    }
    symlink("../outside", trap.path("out/l")).unwrap();
    symlink("../../outside", trap.path("out/deep/l")).unwrap();
    std::fs::create_dir(trap.path("out/deep/web")).unwrap();
    let outside = || -> Vec<(PathBuf, Option<String>)> {
        let all = tree(&trap.path("outside")).into_iter();
        all.map(|path| (path.clone(), std::fs::read_to_string(path).ok())).collect()
    };
    let before = outside();
    let names = ["a.txt", "secret.txt", "sub/secret.txt", "sub/a.txt", "made/b/c.txt"];
    let over = AtomicBool::new(false);
    let (mut put, mut refused) = (0_usize, 0_usize);
    std::thread::scope(|scope| {
        let pairs = [("out/web", "out/l"), ("out/deep/web", "out/deep/l")];
        let pairs = pairs.map(|(one, other)| (trap.path(one), trap.path(other)));
        let over = &over;
        scope.spawn(move || {
            while !over.load(Ordering::Relaxed) {
                for (folder, link) in &pairs {
                    let flags = RenameFlags::EXCHANGE;
                    rustix::fs::renameat_with(CWD, folder, CWD, link, flags).unwrap();
                }
            }
        });
        let until = Instant::now() + patience;
        let mut round = 0;
        while Instant::now() < until && outside() == before {
            round += 1;
            let stage = Stage::open(&trap.path("out"), &format!("r{round}")).unwrap();
            let text = format!("round {round}");
            let mut entries: Vec<AssetEntry> =
                names.iter().filter_map(|name| staged(&stage, name, &text)).collect();
            let folder = if round % 2 == 0 { "web" } else { "deep/web" };
            let folder = RelPath::parse(folder).unwrap();
            let place = Place::Destination { folder, existing: Existing::Replace };
            stage.decide(&place, &mut entries).unwrap();
            let failed = stage.publish(&place, &entries);
            put += entries.len() - failed.len();
            refused += failed.len();
            stage.remove();
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(outside(), before, "something outside was made or replaced");
    assert!(put > 100 && refused > 100, "{put} put there, {refused} refused: nothing was raced");
}
