use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;
use crate::fs::write_new;

/// A root with these files, each holding its own name.
fn tree(files: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_new(&path, file.as_bytes(), 0o644).unwrap();
    }
    dir
}

fn open(dirs: &[&tempfile::TempDir]) -> Library {
    let roots: Vec<PathBuf> = dirs.iter().map(|dir| dir.path().to_owned()).collect();
    Library::open(&roots, None).unwrap()
}

fn resolve(library: &Library, handle: &str) -> Result<Vec<Asset>, Fault> {
    library.resolve(&AssetHandle::parse(handle).unwrap())
}

/// The paths a handle resolves to.
fn paths(library: &Library, handle: &str) -> Vec<String> {
    resolve(library, handle)
        .unwrap()
        .into_iter()
        .map(|asset| asset.file.unwrap().path.into())
        .collect()
}

fn fault(library: &Library, handle: &str) -> Fault {
    resolve(library, handle).unwrap_err()
}

fn not_found(nearest: Option<&str>) -> Fault {
    Fault::NotFound { nearest: nearest.map(str::to_owned) }
}

fn catalog(dir: &tempfile::TempDir, text: &str) {
    write_new(&dir.path().join(CATALOG), text.as_bytes(), 0o644).unwrap();
}

#[test]
fn a_path_names_its_file_with_and_without_extension() {
    let dir = tree(&["tops/10023-front.tif", "tops/a.b.psd", "logo.svg"]);
    let library = open(&[&dir]);
    let asset = &resolve(&library, "tops/10023-front.tif").unwrap()[0];
    assert_eq!(
        (asset.name.as_str(), asset.kind, asset.modifier.as_ref()),
        ("10023-front.tif", AssetType::Image, None)
    );
    assert_eq!(paths(&library, "tops/10023-front"), ["tops/10023-front.tif"]);
    assert_eq!(paths(&library, "tops/a.b"), ["tops/a.b.psd"]);
    assert_eq!(paths(&library, "logo"), ["logo.svg"]);
    let (file, stamp) = library.open_source(asset.file.as_ref().unwrap()).unwrap();
    assert_eq!((std::io::read_to_string(file).unwrap().len() as u64, stamp.size), (20, 20));
}

#[test]
fn a_stem_of_several_files_is_ambiguous_and_unfinished_files_do_not_count() {
    let dir = tree(&["a.jpg", "a.tif", "b.tif", "b.part", "b.tif.tmp", "c/x", "c.tif"]);
    let library = open(&[&dir]);
    assert_eq!(
        fault(&library, "a"),
        Fault::Ambiguous { candidates: vec!["a.jpg".into(), "a.tif".into()] }
    );
    assert_eq!(paths(&library, "b"), ["b.tif"]);
    assert_eq!(paths(&library, "c"), ["c.tif"]);
    assert_eq!(paths(&library, "c/x"), ["c/x"]);
}

#[test]
fn the_first_root_wins() {
    let (first, second) = (tree(&["a.tif", "only1.tif"]), tree(&["a.tif", "b.tif", "a.jpg"]));
    let library = open(&[&first, &second]);
    let roots = |handle: &str| -> Vec<usize> {
        resolve(&library, handle).unwrap().iter().map(|a| a.file.as_ref().unwrap().root).collect()
    };
    assert_eq!(roots("a.tif"), [0]);
    assert_eq!(roots("a"), [0]);
    assert_eq!(roots("b"), [1]);
    assert_eq!(paths(&library, "*.tif"), ["a.tif", "b.tif", "only1.tif"]);
    assert_eq!(roots("*.tif"), [0, 1, 0]);
    assert_eq!(library.root(1), Some(second.path()));
}

#[test]
fn names_are_found_in_any_unicode_form_exact_first() {
    let nfd = "cafe\u{301}";
    let dir = tree(&["cafe\u{301}/e\u{301}.tif", "both/é.tif", "both/e\u{301}.tif", "ö.tif"]);
    let library = open(&[&dir]);
    assert_eq!(paths(&library, "café/é.tif"), [format!("{nfd}/e\u{301}.tif")]);
    assert_eq!(paths(&library, "café/é"), [format!("{nfd}/e\u{301}.tif")]);
    assert_eq!(paths(&library, "café/*.tif"), [format!("{nfd}/e\u{301}.tif")]);
    assert_eq!(paths(&library, "both/e\u{301}.tif"), ["both/e\u{301}.tif"]);
    assert_eq!(paths(&library, "both/é.tif"), ["both/é.tif"]);
    assert_eq!(paths(&library, "o\u{308}.tif"), ["ö.tif"]);
    assert!(
        matches!(fault(&library, "both/é"), Fault::Ambiguous { candidates } if candidates.len() == 2)
    );
}

#[test]
fn nothing_leads_out_of_a_root() {
    let dir = tree(&["assets/ok.tif", "secret.tif", "outside/x.tif"]);
    let assets = dir.path().join("assets");
    symlink("../secret.tif", assets.join("link.tif")).unwrap();
    symlink("../outside", assets.join("folder")).unwrap();
    symlink("ok.tif", assets.join("inside.tif")).unwrap();
    let library = Library::open(std::slice::from_ref(&assets), None).unwrap();
    for handle in [
        "../secret.tif",
        "..",
        "a/../../secret.tif",
        "/etc/passwd",
        "link.tif",
        "inside.tif",
        "folder/x.tif",
        "folder/x",
        "folder/*.tif",
        "../*.tif",
    ] {
        assert_eq!(fault(&library, handle), Fault::OutsideRoot, "{handle}");
    }
    assert_eq!(paths(&library, "**"), ["ok.tif"]);
    let direct = SourceFile { root: 0, path: RelPath::parse("link.tif").unwrap() };
    assert_eq!(library.open_source(&direct).unwrap_err(), Fault::OutsideRoot);
    let gone = SourceFile { root: 7, path: RelPath::parse("ok.tif").unwrap() };
    assert_eq!(library.open_source(&gone).unwrap_err(), not_found(None));
}

#[test]
fn what_is_no_file_is_refused_without_waiting_for_it() {
    let dir = tree(&["sub/x.tif"]);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        dir.path().join("pipe.tif"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("sock.tif")).unwrap();
    let library = open(&[&dir]);
    let what = |handle: &str| match fault(&library, handle) {
        Fault::NotAFile { what } => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(what("pipe.tif"), "a named pipe");
    assert_eq!(what("sock.tif"), "a socket");
    assert_eq!(what("sub"), "a folder");
    assert_eq!(paths(&library, "**/*.tif"), ["sub/x.tif"]);
    assert_eq!(fault(&library, "pipe"), not_found(None));
}

#[test]
fn a_file_that_may_not_be_read_says_so() {
    let dir = tree(&["a.tif", "shut/b.tif"]);
    for path in ["a.tif", "shut"] {
        std::fs::set_permissions(dir.path().join(path), std::fs::Permissions::from_mode(0o000))
            .unwrap();
    }
    if File::open(dir.path().join("a.tif")).is_ok() {
        // Nothing is closed to the superuser.
        return;
    }
    let library = open(&[&dir]);
    assert_eq!(fault(&library, "a.tif"), Fault::Unreadable);
    assert_eq!(fault(&library, "shut/b.tif"), Fault::Unreadable);
}

#[test]
fn globs_are_sorted_and_skip_what_is_hidden_or_unfinished() {
    let dir = tree(&[
        "tops/b.tif",
        "tops/a.tif",
        "tops/.c.tif",
        "tops/d.tif.part",
        "tops/._a.tif",
        "tops/deep/e.tif",
        "tops/.hidden/f.tif",
        "Thumbs.db",
        ".DS_Store",
        "x~",
        "one.psd",
        "tops/odd{1}.tif",
    ]);
    catalog(&dir, "");
    let library = open(&[&dir]);
    assert_eq!(paths(&library, "tops/*.tif"), ["tops/a.tif", "tops/b.tif", "tops/odd{1}.tif"]);
    assert_eq!(paths(&library, "tops/[ab].tif"), ["tops/a.tif", "tops/b.tif"]);
    assert_eq!(paths(&library, "tops/?.tif"), ["tops/a.tif", "tops/b.tif"]);
    assert_eq!(paths(&library, "**/e.tif"), ["tops/deep/e.tif"]);
    assert_eq!(paths(&library, "tops/**/e.tif"), ["tops/deep/e.tif"]);
    assert_eq!(paths(&library, "tops/deep/**"), ["tops/deep/e.tif"]);
    assert_eq!(
        paths(&library, "**"),
        ["one.psd", "tops/a.tif", "tops/b.tif", "tops/deep/e.tif", "tops/odd{1}.tif"]
    );
    assert_eq!(paths(&library, "**/**/?.tif"), ["tops/a.tif", "tops/b.tif", "tops/deep/e.tif"]);
    assert_eq!(paths(&library, "*/odd{1}.*"), ["tops/odd{1}.tif"]);
    for nothing in ["*.jpg", ".*", "tops/.hidden/*", "*/*/*/*", "none/*"] {
        assert_eq!(fault(&library, nothing), Fault::NothingMatches, "{nothing}");
    }
    assert_eq!(fault(&library, "tops/[a"), not_found(None));
}

#[test]
fn a_name_with_the_characters_of_a_pattern_is_a_name_first() {
    let dir = tree(&["a[1].tif", "a1.tif"]);
    let library = open(&[&dir]);
    assert_eq!(paths(&library, "a[1].tif"), ["a[1].tif"]);
}

#[test]
fn the_catalogue_comes_first_and_describes_its_file_however_it_is_named() {
    let dir = tree(&["bags/backpack.tif", "backpack", "set.tif"]);
    catalog(
        &dir,
        "[[asset]]\nid = \"backpack\"\nhandle = \"a|944|1|535\"\nname = \"Backpack, blue\"\n\
         path = \"bags/backpack.tif\"\nmodifier = \"bgc=ffffff\"\n\
         [[asset]]\nid = \"red\"\ntype = \"AdjustedView\"\npath = \"bags/backpack.tif\"\n\
         modifier = \"op_colorize=ff0000\"\n\
         [[asset]]\nid = \"gone\"\npath = \"bags/bakpack.tif\"\n\
         [[asset]]\nid = \"swatches\"\ntype = \"ImageSet\"\nname = \"Swatches\"\n",
    );
    let library = open(&[&dir]);
    assert!(library.findings().is_empty());
    let one = |handle: &str| resolve(&library, handle).unwrap().remove(0);
    let by_id = one("backpack");
    assert_eq!(
        (by_id.name.as_str(), by_id.modifier.as_deref()),
        ("Backpack, blue", Some("bgc=ffffff"))
    );
    for other in ["a|944|1|535", "bags/backpack.tif", "bags/backpack", "bags/*"] {
        assert_eq!(one(other).identity(), by_id.identity(), "{other}");
    }
    assert_ne!(one("red").identity(), by_id.identity());
    assert_eq!(one("red").kind, AssetType::AdjustedView);
    assert_eq!(one("swatches").kind, AssetType::ImageSet);
    assert_eq!(fault(&library, "gone"), not_found(Some("bags/backpack.tif")));
    assert_eq!(one("a|1|22|3").kind, AssetType::RenderSet);
    assert_eq!(one("a|1|44|3").kind, AssetType::MediaSet);
    assert_eq!(fault(&library, "a|944|1|536"), not_found(None));
    assert_eq!(fault(&library, "swatchs"), not_found(Some("swatches")));
}

#[test]
fn wrong_catalogues_are_named_and_the_library_stays_usable() {
    let dir = tree(&["a.tif"]);
    catalog(&dir, "[[asset]]\npath = \"a.tif\"\n");
    let library = open(&[&dir]);
    let findings = &library.findings()[0];
    assert!(findings.file.ends_with("/catalog.toml"));
    assert_eq!(findings.findings[0].message, "this asset has neither id nor handle");
    assert_eq!(paths(&library, "a"), ["a.tif"]);

    let odd = tree(&["a.tif"]);
    write_new(&odd.path().join(CATALOG), b"id = \"\xe9\"", 0o644).unwrap();
    let error = Library::open(&[odd.path().to_owned()], None).unwrap_err();
    assert!(error.to_string().contains("byte 6 is not UTF-8"), "{error}");
    let absent = odd.path().join("absent");
    let error = Library::open(std::slice::from_ref(&absent), None).unwrap_err();
    assert!(matches!(error, LibraryError::Root { path, .. } if path == absent));
}

#[test]
fn the_nearest_name_is_suggested() {
    let dir = tree(&["tops/10023-front.tif", "tops/10023-back.tif", "logo.svg", "tops/big/x.tif"]);
    let library = open(&[&dir]);
    for (handle, near) in [
        ("tops/10023-frnt.tif", Some("tops/10023-front.tif")),
        ("tops/10023-frnt", Some("tops/10023-front.tif")),
        ("tops/10023-FRONT.TIF", Some("tops/10023-front.tif")),
        ("top/10023-front.tif", Some("tops/10023-front.tif")),
        ("top/10023-front", Some("tops/10023-front.tif")),
        ("tops\\10023-front.tif", Some("tops/10023-front.tif")),
        ("./tops/10023-front.tif", Some("tops/10023-front.tif")),
        ("tops//10023-front.tif", Some("tops/10023-front.tif")),
        ("lgo.svg", Some("logo.svg")),
        ("entirely-else.png", None),
        ("none/at/all.tif", None),
    ] {
        assert_eq!(fault(&library, handle), not_found(near), "{handle}");
    }
}

#[test]
fn new_files_are_seen_after_a_refresh() {
    let dir = tree(&["a.tif"]);
    let library = open(&[&dir]);
    assert_eq!(fault(&library, "b"), not_found(None));
    write_new(&dir.path().join("b.tif"), b"", 0o644).unwrap();
    assert_eq!(paths(&library, "b.tif"), ["b.tif"]);
    library.refresh();
    assert_eq!(paths(&library, "b"), ["b.tif"]);
}

#[test]
fn ten_thousand_handles_cost_one_listing() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..3000 {
        File::create(dir.path().join(format!("{n:05}.tif"))).unwrap();
    }
    let library = open(&[&dir]);
    let started = std::time::Instant::now();
    for n in 0..10_000 {
        let found = resolve(&library, &format!("{n:05}"));
        assert_eq!(found.is_ok(), n < 3000, "{n}");
    }
    for n in 0..1000 {
        assert_eq!(paths(&library, &format!("{n:05}*")).len(), 1);
    }
    // Walking the folder for each would take minutes.
    assert!(started.elapsed().as_secs() < 8, "{:?}", started.elapsed());
}
