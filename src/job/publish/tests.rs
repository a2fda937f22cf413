use super::*;
use crate::job::log::Delivered;

fn rel(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

fn staged(stage: &Stage, name: &str, bytes: &[u8]) -> AssetEntry {
    use std::io::Write as _;
    stage.create(&rel(name)).unwrap().write_all(bytes).unwrap();
    AssetEntry {
        handle: name.into(),
        name: name.into(),
        asset_type: None,
        rendition: None,
        source: None,
        outcome: AssetOutcome::Copied {
            file: Box::new(Delivered {
                output: rel(name),
                bytes: bytes.len() as u64,
                sha256: fs::ContentHash::of(bytes),
                width: None,
                height: None,
                profile: None,
                change: Change::New,
            }),
            warnings: Vec::new(),
        },
    }
}

#[test]
fn what_no_entry_delivers_is_not_published() {
    let dir = tempfile::tempdir().unwrap();
    let stage = Stage::open(dir.path(), "id").unwrap();
    let entries = vec![staged(&stage, "a/É.jpg", b"one"), staged(&stage, "b.jpg", b"two")];
    for left in ["a/É-2.jpg", "b", "c/d/e.jpg"] {
        stage.create(&rel(left)).unwrap();
    }
    let place = Place::Run(rel("run"));
    stage.seal(&place, &entries).unwrap();
    assert!(stage.publish(&place, &entries).is_empty());
    let out = dir.path().join("run");
    assert_eq!(std::fs::read(out.join("a/É.jpg")).unwrap(), b"one");
    assert!(out.join("b.jpg").exists() && out.join(SUMS).exists());
    for left in ["a/É-2.jpg", "b", "c/d/e.jpg"] {
        assert!(!out.join(left).exists(), "{left}");
    }
}

#[test]
fn a_run_appears_whole_with_its_hashes_and_again_is_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let stage = Stage::open(dir.path(), "id").unwrap();
    let entries = [staged(&stage, "b/x.png", b"x"), staged(&stage, "a.png", b"a")];
    let place = Place::Run(rel("run"));
    stage.seal(&place, &entries).unwrap();
    assert!(stage.publish(&place, &entries).is_empty());
    // As after a crash before that was written down.
    drop(stage);
    let stage = Stage::decided(dir.path(), "id");
    assert!(stage.publish(&place, &entries).is_empty());
    stage.remove();
    let sums = std::fs::read_to_string(dir.path().join("run/SHA256SUMS")).unwrap();
    assert_eq!(sums, format!("{}  a.png\n{}  b/x.png\n", fs::sha256(b"a"), fs::sha256(b"x")));
    assert_eq!(std::fs::read(dir.path().join("run/b/x.png")).unwrap(), b"x");
    assert!(!dir.path().join(STAGE).join("id").exists());
}

#[test]
fn a_destination_keeps_what_differs_unless_told() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("web")).unwrap();
    for (name, content) in [("same", b"s"), ("other", b"o")] {
        fs::write_new(&dir.path().join("web").join(name), content, 0o644).unwrap();
    }
    let make = |existing| {
        let stage = Stage::open(dir.path(), "id").unwrap();
        let mut entries = vec![
            staged(&stage, "same", b"s"),
            staged(&stage, "other", b"n"),
            staged(&stage, "sub/new", b"n"),
        ];
        let place = Place::Destination { folder: rel("web"), existing };
        stage.decide(&place, &mut entries).unwrap();
        stage.seal(&place, &entries).unwrap();
        assert!(stage.publish(&place, &entries).is_empty());
        stage.remove();
        entries
    };
    let entries = make(Existing::Keep);
    assert_eq!(entries[0].outcome.files()[0].change, Change::Identical);
    assert_eq!(
        entries[1].outcome,
        AssetOutcome::Failed { fault: Fault::Exists { name: "web/other".into() } }
    );
    assert_eq!(std::fs::read(dir.path().join("web/other")).unwrap(), b"o");
    assert_eq!(std::fs::read(dir.path().join("web/sub/new")).unwrap(), b"n");
    let entries = make(Existing::Replace);
    assert_eq!(entries[1].outcome.files()[0].change, Change::Replaced);
    assert_eq!(std::fs::read(dir.path().join("web/other")).unwrap(), b"n");
}

#[test]
fn moving_goes_on_where_it_was_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let stage = Stage::open(dir.path(), "id").unwrap();
    let mut entries = vec![staged(&stage, "a", b"a"), staged(&stage, "b", b"b")];
    let place = Place::Destination { folder: rel("web"), existing: Existing::Keep };
    stage.decide(&place, &mut entries).unwrap();
    stage.seal(&place, &entries).unwrap();
    std::fs::create_dir(dir.path().join("web")).unwrap();
    fs::publish(&stage.staged(&rel("a")), &dir.path().join("web/a")).unwrap();
    assert!(stage.publish(&place, &entries).is_empty());
    assert_eq!(std::fs::read(dir.path().join("web/b")).unwrap(), b"b");
}

#[test]
fn two_runs_into_one_destination_do_not_fail_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::Destination { folder: rel("web"), existing: Existing::Replace };
    let decided = |id: &str, content: &[u8]| {
        let stage = Stage::open(dir.path(), id).unwrap();
        let mut entries = vec![staged(&stage, "a", content)];
        stage.decide(&place, &mut entries).unwrap();
        stage.seal(&place, &entries).unwrap();
        (stage, entries)
    };
    // For both of them it is a new file when they decide.
    let (first, of_first) = decided("first", b"one");
    let (second, of_second) = decided("second", b"two");
    assert!(first.publish(&place, &of_first).is_empty());
    assert!(second.publish(&place, &of_second).is_empty());
    assert_eq!(std::fs::read(dir.path().join("web/a")).unwrap(), b"two");
    // The first was interrupted before it had written that down.
    assert!(first.publish(&place, &of_first).is_empty());
    assert_eq!(std::fs::read(dir.path().join("web/a")).unwrap(), b"two");
    // Without leave to replace, what came meanwhile stays.
    let keep = Place::Destination { folder: rel("web"), existing: Existing::Keep };
    let (third, of_third) = decided("third", b"three");
    let mut of_third = of_third;
    files_mut(&mut of_third[0].outcome)[0].change = Change::New;
    let failed = third.publish(&keep, &of_third);
    assert!(matches!(failed[&0], Fault::Exists { .. }), "{failed:?}");
}

#[test]
fn a_link_in_the_destination_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), dir.path().join("web")).unwrap();
    let stage = Stage::open(dir.path(), "id").unwrap();
    let entries = vec![staged(&stage, "a", b"a")];
    let place = Place::Destination { folder: rel("web"), existing: Existing::Keep };
    stage.seal(&place, &entries).unwrap();
    let failed = stage.publish(&place, &entries);
    assert!(matches!(failed[&0], Fault::NotWritable { .. }), "{failed:?}");
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn what_a_link_leads_to_is_not_what_the_destination_holds() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write_new(&elsewhere.path().join("a"), b"a", 0o644).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), dir.path().join("web")).unwrap();
    let stage = Stage::open(dir.path(), "id").unwrap();
    let mut entries = vec![staged(&stage, "a", b"a")];
    let place = Place::Destination { folder: rel("web"), existing: Existing::Keep };
    stage.decide(&place, &mut entries).unwrap();
    assert_eq!(entries[0].outcome.files()[0].change, Change::New);
    assert_eq!(stage.publish(&place, &entries).len(), 1);
}

#[test]
fn one_file_that_cannot_be_put_there_fails_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("web")).unwrap();
    fs::write_new(&dir.path().join("web/tops"), b"a file", 0o644).unwrap();
    let stage = Stage::open(dir.path(), "id").unwrap();
    let mut entries = vec![staged(&stage, "b.png", b"b"), staged(&stage, "tops/c.png", b"c")];
    let place = Place::Destination { folder: rel("web"), existing: Existing::Keep };
    stage.decide(&place, &mut entries).unwrap();
    stage.seal(&place, &entries).unwrap();
    let failed = stage.publish(&place, &entries);
    assert_eq!(failed.keys().collect::<Vec<_>>(), [&1]);
    assert_eq!(std::fs::read(dir.path().join("web/b.png")).unwrap(), b"b");
}

#[test]
fn what_vanished_from_the_stage_is_not_delivered() {
    let dir = tempfile::tempdir().unwrap();
    let stage = Stage::open(dir.path(), "id").unwrap();
    let mut entries = vec![staged(&stage, "a", b"a"), staged(&stage, "b", b"b")];
    stage.discard(&rel("a"));
    stage.decide(&Place::Run(rel("run")), &mut entries).unwrap();
    assert!(matches!(entries[0].outcome, AssetOutcome::Failed { .. }));
    assert_eq!(entries[1].outcome.files().len(), 1);
}

#[test]
fn what_vanished_after_the_decision_is_told_from_a_disk_that_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let stage = Stage::open(&out, "id").unwrap();
    let entries = [staged(&stage, "a", b"a")];
    let places = [
        Place::Run(rel("run")),
        Place::Destination { folder: rel("web"), existing: Existing::Keep },
    ];
    std::fs::remove_dir_all(out.join(STAGE).join("id")).unwrap();
    for place in &places {
        let failed = Stage::decided(&out, "id").publish(place, &entries);
        assert!(matches!(failed[&0], Fault::NotWritable { .. }), "{failed:?}");
    }
    // Unmounted: what was staged may be there again later.
    fs::replace(&out, &dir.path().join("elsewhere")).unwrap();
    std::fs::create_dir(&out).unwrap();
    for place in &places {
        let failed = Stage::decided(&out, "id").publish(place, &entries);
        assert!(failed[&0].blocks_output(), "{failed:?}");
    }
}

#[test]
fn a_stage_that_was_half_removed_is_swept_and_a_stranger_stays() {
    let dir = tempfile::tempdir().unwrap();
    drop(Stage::open(dir.path(), "published").unwrap());
    std::fs::remove_dir(dir.path().join(STAGE).join("published/files")).unwrap();
    let strange = dir.path().join(STAGE).join("strange");
    std::fs::create_dir_all(strange.join("files")).unwrap();
    fs::write_new(&strange.join("letter.txt"), b"mine", 0o600).unwrap();
    sweep(dir.path(), &BTreeSet::new());
    assert!(!dir.path().join(STAGE).join("published").exists());
    assert!(strange.join("letter.txt").exists());
}

#[test]
fn sweeping_leaves_what_is_worked_in() {
    let dir = tempfile::tempdir().unwrap();
    let held = Stage::open(dir.path(), "held").unwrap();
    drop(Stage::open(dir.path(), "left").unwrap());
    drop(Stage::open(dir.path(), "live").unwrap());
    sweep(dir.path(), &BTreeSet::from(["live".to_owned()]));
    let there = |id: &str| dir.path().join(STAGE).join(id).exists();
    assert!(there("held") && there("live") && !there("left"));
    drop(held);
}
