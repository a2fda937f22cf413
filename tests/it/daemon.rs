//! The daemon as its users meet it: manifests in, folders, reports and mails out.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::Duration;

use crate::support::playground::{Playground, list, picture};

const SOON: Duration = Duration::from_secs(30);

fn manifest(job: &str, handles: &[&str], more: &str) -> String {
    format!(
        "jobName = \"{job}\"\nassetHandleArray = {handles:?}\nfmt = \"convert\"\n\
         emailSetting = \"All\"\n{more}\n"
    )
}

#[test]
fn the_macro_s_format_beats_the_modifier_s() {
    let mut play = Playground::with_config("[macros]\ntest = \"fmt=tif\"\n");
    play.write("assets/fileToExport.jpg", &picture("a.jpg", 64, 48));
    play.start();
    play.drop_manifest(
        "reference.toml",
        &manifest(
            "reference",
            &["fileToExport.jpg"],
            "is_modifier = \"&fmt=png\"\nmacro = \"$test$\"",
        ),
    );
    let (run, report) = play.report_of("reference", SOON);
    // Two formats were asked for: that is worth a warning, and the only one.
    assert_eq!(report["verdict"], "warnings", "{report:#}");
    let bytes = std::fs::read(play.path(&format!("out/{run}/fileToExport.tiff"))).unwrap();
    assert!(bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*"));
    let image = image::load_from_memory_with_format(&bytes, image::ImageFormat::Tiff).unwrap();
    assert_eq!((image.width(), image.height()), (64, 48));
    assert_eq!(list(&play.path("drop")), [".exportd"]);
    assert_eq!(play.stop(), Some(0));
}

#[test]
fn originals_come_out_byte_for_byte_with_their_hashes() {
    let mut play = Playground::new();
    let bytes = picture("a.png", 30, 20);
    play.write("assets/tops/a.png", &bytes);
    play.write("assets/tops/notes.txt", b"no picture at all");
    play.start();
    play.drop_manifest(
        "originals.toml",
        "jobName = \"originals\"\nassetHandleArray = [\"tops/*\"]\nfmt = \"orig\"\n\
         emailSetting = \"None\"\n",
    );
    let (run, report) = play.report_of("originals", SOON);
    assert_eq!(report["fileSuccessCount"], 2, "{report:#}");
    assert_eq!(std::fs::read(play.path(&format!("out/{run}/tops/a.png"))).unwrap(), bytes);
    let check = std::process::Command::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(play.path(&format!("out/{run}")))
        .output()
        .unwrap();
    assert!(check.status.success(), "{check:?}");
    assert!(play.mails().is_empty());
}

#[test]
fn each_bad_asset_has_its_own_reason_and_the_good_ones_come_out() {
    let mut play = Playground::new();
    let jpeg = picture("a.jpg", 320, 240);
    let mut handles: Vec<String> = Vec::new();
    for n in 0..20 {
        play.write(&format!("assets/good-{n:02}.jpg"), &jpeg);
        handles.push(format!("good-{n:02}.jpg"));
    }
    play.write("assets/cut.jpg", &jpeg[..jpeg.len() / 2]);
    play.write("assets/bomb.png", &bomb());
    play.write("assets/text.png", b"this is no picture\n");
    handles.extend(["cut.jpg", "bomb.png", "text.png", "a|1|22|7", "missing.jpg"].map(Into::into));
    let handles: Vec<&str> = handles.iter().map(String::as_str).collect();
    play.start();
    let before = own_memory(play.pid());
    play.drop_manifest("mixed.toml", &manifest("mixed", &handles, "is_modifier = \"wid=100\""));
    let (run, report) = play.report_of("mixed", SOON);
    assert_eq!(report["verdict"], "partial", "{report:#}");
    assert_eq!(report["fileSuccessCount"], 20);
    assert_eq!(report["fileErrorCount"], 4);
    assert_eq!(report["fileWarningCount"], 1);
    let reasons: std::collections::BTreeSet<String> = report["details"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|detail| {
            detail["logType"] == "ExportError"
                || detail["logType"] == "ExportWarning" && detail["assetHandle"] == "a|1|22|7"
        })
        .map(|detail| detail["logMessage"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(reasons.len(), 5, "{reasons:#?}");
    assert_eq!(list(&play.path(&format!("out/{run}"))).len(), 21);
    let after = own_memory(play.pid());
    assert!(after <= before + 5_000, "{before} kB before, {after} kB after");
    assert_eq!(play.stop(), Some(0));
}

/// A PNG that says it has 3.6 thousand million pixels.
fn bomb() -> Vec<u8> {
    let mut header = Vec::from(60_000_u32.to_be_bytes());
    header.extend(60_000_u32.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut bytes = Vec::from(*b"\x89PNG\r\n\x1a\n");
    for (name, content) in [(b"IHDR", header.as_slice()), (b"IDAT", &[0; 64]), (b"IEND", &[])] {
        let length = u32::try_from(content.len()).expect("a short chunk");
        bytes.extend(length.to_be_bytes());
        let chunk = [name.as_slice(), content].concat();
        bytes.extend(&chunk);
        bytes.extend(crc32fast::hash(&chunk).to_be_bytes());
    }
    bytes
}

/// Resident memory that a process has for itself, in kB.
///
/// Its code is not counted: how much of that is mapped depends on what has run so far, and on what the
/// page cache holds.
fn own_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn jobs_that_wait_for_their_assets_keep_no_other_from_its_turn() {
    let mut play = Playground::with_config("[job]\nwait_for_assets = \"60s\"\n");
    play.write("assets/a.png", &picture("a.png", 20, 10));
    play.start();
    let ask = |job: &str, handle: &str| {
        format!(
            "jobName = \"{job}\"\nassetHandleArray = [\"{handle}\"]\nfmt = \"orig\"\n\
             emailSetting = \"None\"\n"
        )
    };
    // More than may be at work at the same time.
    for n in 0..80 {
        play.drop_manifest(&format!("waits-{n}.toml"), &ask(&format!("waits-{n}"), "later.png"));
    }
    play.drop_manifest("ready.toml", &ask("ready", "a.png"));
    let (_, report) = play.report_of("ready", SOON);
    assert_eq!(report["verdict"], "clean", "{report:#}");
    assert!(play.reports_of("waits-0", 0, SOON).is_empty());
    play.write("assets/later.png", &picture("a.png", 20, 10));
    for n in [0, 79] {
        let (_, report) = play.report_of(&format!("waits-{n}"), SOON);
        assert_eq!(report["verdict"], "clean", "{report:#}");
    }
    assert_eq!(play.stop(), Some(0));
}

#[test]
fn a_wrong_manifest_is_answered_where_it_was_dropped() {
    let mut play = Playground::new();
    play.start();
    let text =
        "jobName = \"wrong\"\nfmt = \"konvert\"\nemailSeting = 1\nis_modifier = \"wid=abc\"\n";
    play.drop_manifest("wrong.toml", text);
    let (run, report) = play.report_of("wrong", SOON);
    assert_eq!(report["verdict"], "refused");
    let note = play.wait("a note", SOON, || {
        std::fs::read_to_string(play.path("drop/wrong.toml.FAILED.txt")).ok()
    });
    for word in ["konvert", "emailSetting", "assetHandleArray", "wrong.toml:2", "`wid` must be"] {
        assert!(note.contains(word), "{word} is not in\n{note}");
    }
    assert!(play.path(&format!("reports/{run}/WHY-IT-FAILED.txt")).exists());
    play.wait("a mail", SOON, || (play.mails().len() == 1).then_some(()));
    // Until that name is accepted again.
    play.write("assets/a.png", &picture("a.png", 8, 8));
    play.drop_manifest("wrong.toml", &manifest("right", &["a.png"], ""));
    play.report_of("right", SOON);
    assert!(!play.path("drop/wrong.toml.FAILED.txt").exists());
}

#[test]
fn people_read_in_their_language_and_a_manifest_may_name_another() {
    let mut play = Playground::with_config(
        "[users.mia]\naddress = \"mia@studio.example\"\nlocale = \"ja_JP\"\n",
    );
    play.start();
    let wrong = "userHandle = \"mia\"\nfmt = \"konvert\"\n";
    play.drop_manifest("hers.toml", &format!("jobName = \"hers\"\n{wrong}"));
    let german = format!("jobName = \"other\"\nlocale = \"de\"\n{wrong}");
    play.drop_manifest("other.toml", &german);
    let expected =
        [("hers", "ja", "受け付けられませんでした。"), ("other", "de", "wurde nicht angenommen.")];
    for (job, lang, words) in expected {
        let (run, _) = play.report_of(job, SOON);
        let note = play.wait("a note", SOON, || {
            std::fs::read_to_string(play.path(&format!("drop/{job}.toml.FAILED.txt"))).ok()
        });
        assert!(note.contains(words), "{note}");
        let read = |name: &str| {
            std::fs::read_to_string(play.path(&format!("reports/{run}/{name}"))).unwrap()
        };
        assert!(read("report.html").contains(&format!("<html lang=\"{lang}\">")), "{job}");
        // Words for people are theirs, keys and words for programs are not.
        assert!(read("report.json").contains("\"verdict\": \"refused\""), "{job}");
        assert!(!read("report.json").contains(" began"), "{job}");
    }
}

#[test]
fn killed_in_the_middle_it_ends_once_and_whole() {
    let mut play = Playground::new();
    for n in 0..200 {
        play.write(&format!("assets/p{n:03}.png"), &picture("a.png", 200 + n, 150));
    }
    play.start();
    play.drop_manifest(
        "big.toml",
        &manifest("big", &["*.png"], "is_modifier = \"wid=150&fmt=jpeg\""),
    );
    play.wait("some outputs", SOON, || {
        let stage = play.path("out/.exportd-stage");
        let run = list(&stage).pop()?;
        (list(&stage.join(run).join("files")).len() > 20).then_some(())
    });
    play.kill();
    assert!(list(&play.path("out")).iter().all(|name| name == ".exportd-stage"));
    play.start();
    let (run, report) = play.report_of("big", Duration::from_secs(60));
    assert_eq!(report["verdict"], "clean", "{report:#}");
    assert_eq!(report["totalFileCount"], 200);
    assert_eq!(list(&play.path(&format!("out/{run}"))).len(), 201);
    let check = std::process::Command::new("sha256sum")
        .args(["--check", "--strict", "--quiet", "SHA256SUMS"])
        .current_dir(play.path(&format!("out/{run}")))
        .status()
        .unwrap();
    assert!(check.success());
    assert_eq!(play.stop(), Some(0));
    assert_eq!(list(&play.path("out")).len(), 2, "{:?}", list(&play.path("out")));
    assert!(list(&play.path("out/.exportd-stage")).is_empty());
    assert_eq!(list(&play.path("reports")).len(), 1);
    assert_eq!(play.mails().len(), 1);
}

#[test]
fn the_same_job_gives_the_same_bytes() {
    let mut play = Playground::new();
    play.write("assets/a.jpg", &picture("a.jpg", 640, 480));
    play.write("assets/b.png", &picture("b.png", 333, 222));
    play.start();
    let text = "jobName = \"twice\"\nassetHandleArray = [\"*\"]\nfmt = \"convert\"\n\
                emailSetting = \"None\"\n\
                [[exportJob]]\nrendition = \"web\"\nis_modifier = \"wid=200&fmt=jpeg&op_usm=1,1,5\"\n\
                [[exportJob]]\nrendition = \"tif\"\nis_modifier = \"wid=100&fmt=tif,,lzw&rotate=10\"\n\
                [[exportJob]]\nrendition = \"webp\"\nis_modifier = \"hei=90&fmt=webp\"\n\
                [[exportJob]]\nrendition = \"tile\"\nis_modifier = \"wid=90&hei=90&fmt=png-alpha\"\n";
    play.drop_manifest("one.toml", text);
    play.reports_of("twice", 1, SOON);
    play.drop_manifest("two.toml", text);
    let reports = play.reports_of("twice", 2, SOON);
    let sums = |at: usize| {
        std::fs::read_to_string(play.path(&format!("out/{}/SHA256SUMS", reports[at].0))).unwrap()
    };
    assert_eq!(sums(0).lines().count(), 8);
    assert_eq!(sums(0), sums(1));
}

#[test]
fn a_small_job_does_not_wait_for_a_large_one() {
    let mut play = Playground::new();
    let png = picture("a.png", 64, 64);
    for n in 0..3000 {
        play.write(&format!("assets/many/p{n:04}.png"), &png);
    }
    play.start();
    play.drop_manifest(
        "large.toml",
        &manifest("large", &["many/*.png"], "is_modifier = \"wid=32\""),
    );
    play.wait("the large job", SOON, || {
        let run = list(&play.path("reports")).into_iter().find(|r| r.starts_with("large_"))?;
        let status = play.json(&format!("reports/{run}/status.json"))?;
        (status["state"] == "Running").then_some(())
    });
    let few = ["many/p0000.png", "many/p0001.png", "many/p0002.png"];
    play.drop_manifest("small.toml", &manifest("small", &few, ""));
    play.report_of("small", Duration::from_secs(5));
    assert!(
        !list(&play.path("out")).iter().any(|run| run.starts_with("large_")),
        "the large job was over before the small one: the test shows nothing"
    );
    play.report_of("large", Duration::from_secs(120));
}

#[test]
fn the_page_of_a_long_run_shows_how_far_it_is_and_that_it_is_interrupted() {
    let mut play = Playground::with_config("workers = 1\n");
    let png = picture("a.png", 700, 700);
    for n in 0..150 {
        play.write(&format!("assets/p{n:03}.png"), &png);
    }
    play.start();
    let modifier = "is_modifier = \"wid=650&op_blur=60&fmt=png\"";
    play.drop_manifest("long.toml", &manifest("long", &["*.png"], modifier));
    let page = |play: &Playground| {
        let run = list(&play.path("reports")).into_iter().find(|r| r.starts_with("long_"))?;
        std::fs::read_to_string(play.path(&format!("reports/{run}/report.html"))).ok()
    };
    let again = "http-equiv=\"refresh\"";
    play.wait("the page of a run that goes on", SOON, || {
        let page = page(&play)?;
        (page.contains(again) && page.contains(">running</h1>")).then_some(())
    });
    assert_eq!(play.stop(), Some(0));
    let left = page(&play).unwrap();
    assert!(left.contains(">interrupted until exportd runs again</h1>"), "{left}");
    play.start();
    let (run, report) = play.report_of("long", Duration::from_secs(120));
    assert_eq!(report["fileSuccessCount"], 150, "{report:#}");
    let whole = page(&play).unwrap();
    assert!(!whole.contains(again) && whole.contains(">done, 150 files</h1>"));
    // Those of the first attempt are shown as well.
    assert_eq!(list(&play.path(&format!("reports/{run}/thumbnails"))).len(), 300);
}

#[test]
fn what_takes_longest_is_made_first() {
    let mut play = Playground::with_config("workers = 1\n");
    for (name, side) in [("a.png", 500), ("b.png", 1500), ("c.png", 1000)] {
        play.write(&format!("assets/{name}"), &picture(name, side, side));
    }
    play.start();
    // Work enough that the kernel's clock of change times ticks between two of them.
    let modifier = "wid=900&op_blur=60&fmt=png";
    let manifest = manifest("order", &["*.png"], &format!("is_modifier = \"{modifier}\""));
    play.drop_manifest("order.toml", &manifest);
    let (run, _) = play.report_of("order", SOON);
    let made = |name: &str| {
        std::fs::metadata(play.path(&format!("out/{run}/{name}"))).unwrap().modified().unwrap()
    };
    assert!(made("b.png") < made("c.png") && made("c.png") < made("a.png"));
}

#[test]
fn a_second_daemon_is_sent_away() {
    let mut play = Playground::new();
    play.start();
    let second = play.command(&["run"]).output().unwrap();
    assert_eq!(second.status.code(), Some(75), "{second:?}");
    assert_eq!(play.stop(), Some(0));
}

#[test]
fn a_bad_new_configuration_keeps_the_old_one() {
    let mut play = Playground::with_config("[macros]\nweb = \"wid=20\"\n");
    play.write("assets/a.png", &picture("a.png", 40, 40));
    play.start();
    play.write("exportd.toml", b"[macros]\nweb = 12\n");
    play.signal("HUP");
    play.wait("a word about it", SOON, || play.log().contains("kept").then_some(()));
    play.drop_manifest("old.toml", &manifest("old", &["a.png"], "macro = \"web\""));
    let (run, _) = play.report_of("old", SOON);
    assert!(play.path(&format!("out/{run}/a.jpg")).exists());
    play.write("exportd.toml", b"[macros]\nweb = \"wid=10&fmt=png\"\n");
    play.signal("HUP");
    play.wait("the new one", SOON, || play.log().contains("configuration read").then_some(()));
    play.drop_manifest("new.toml", &manifest("new", &["a.png"], "macro = \"web\""));
    let (run, _) = play.report_of("new", SOON);
    assert!(play.path(&format!("out/{run}/a.png")).exists());
    assert_eq!(play.stop(), Some(0));
}

#[test]
fn a_job_waits_for_its_time_and_a_stopped_one_says_so() {
    let mut play = Playground::new();
    play.write("assets/a.png", &picture("a.png", 40, 40));
    play.start();
    play.drop_manifest(
        "later.toml",
        &manifest("later", &["a.png"], "execTime = 2099-01-01T00:00:00Z"),
    );
    play.wait("a schedule", SOON, || {
        let status = play.command(&["status", "--json"]).output().unwrap();
        String::from_utf8_lossy(&status.stdout).contains("2099-01-01").then_some(())
    });
    assert!(list(&play.path("out")).iter().all(|name| name == ".exportd-stage"));
}

#[test]
fn a_job_is_watched_until_it_is_over() {
    let mut play = Playground::new();
    play.write("exportd.toml", b"[job]\nwait_for_assets = \"60s\"\n");
    play.write("assets/a.png", &picture("a.png", 40, 40));
    play.start();
    play.drop_manifest(
        "two.toml",
        &manifest("two", &["a.png", "b.png"], "is_modifier = \"wid=9\""),
    );
    play.wait("the job", SOON, || {
        let status = play.command(&["status"]).output().unwrap();
        String::from_utf8_lossy(&status.stdout).contains("waiting-assets").then_some(())
    });
    let watch = |name: &str| {
        let mut command = play.command(&["status", "--watch", name]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut by_manifest = watch("two.toml");
    let mut output = BufReader::new(by_manifest.stdout.take().unwrap());
    let mut text = String::new();
    output.read_line(&mut text).unwrap();
    assert!(text.contains("waiting-assets"), "{text}");
    assert!(by_manifest.try_wait().unwrap().is_none(), "it is not over");
    play.write("assets/b.png", b"no picture");
    output.read_to_string(&mut text).unwrap();
    // One of two failed.
    assert_eq!(by_manifest.wait().unwrap().code(), Some(3), "{text}");
    let (run, _) = play.report_of("two", SOON);
    assert!(text.ends_with(&format!("{run}: partial\n")), "{text}");
    assert!(!text.contains('\x1b'), "it is no terminal: {text}");
    // One that was over before says the same, and what never was is told from it.
    assert_eq!(watch(&run).wait_with_output().unwrap().status.code(), Some(3));
    assert_eq!(watch("nothing").wait_with_output().unwrap().status.code(), Some(66));
}

#[test]
fn what_the_spool_cannot_use_is_put_aside_and_told_once() {
    let mut play = Playground::new();
    play.write("spool/active/rubbish/x", b"no job at all");
    play.start();
    let told = |play: &Playground| {
        let mut mails = play.mails();
        mails.retain(|mail| mail.contains("active/rubbish"));
        mails
    };
    let mail = play.wait("a mail", SOON, || told(&play).pop());
    assert!(mail.contains("corrupt/rubbish"), "{mail}");
    assert!(mail.contains("What to do"), "{mail}");
    assert_eq!(std::fs::read(play.path("spool/corrupt/rubbish/x")).unwrap(), b"no job at all");
    assert_eq!(play.stop(), Some(0));
    play.start();
    assert_eq!(play.stop(), Some(0));
    assert_eq!(told(&play).len(), 1);
}

#[test]
fn the_digest_of_a_day_comes_once_however_often_the_daemon_is_started() {
    // Mails stay in the outbox: nobody listens.
    let config = "[mail]\nport = 1\nto = [\"ops@studio.example\"]\ndaily = \"00:00\"\n";
    let mut play = Playground::with_config(config);
    let digests = |play: &Playground| -> Vec<String> {
        ["new", "deferred"]
            .iter()
            .flat_map(|state| std::fs::read_dir(play.path(&format!("mail/{state}"))).unwrap())
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect()
    };
    play.start();
    let wait = Duration::from_secs(20);
    let first = play.wait("a digest", wait, || digests(&play).pop());
    assert!(first.contains(": no runs\r\n"), "{first}");
    assert!(first.contains("X-Exportd-Notice: daily\r\n"), "{first}");
    play.kill();
    play.start();
    assert_eq!(play.stop(), Some(0));
    assert_eq!(digests(&play), [first]);
}

#[test]
fn a_manifest_that_is_too_large_is_refused_whatever_its_beginning_says() {
    let mut play = Playground::new();
    play.write("assets/a.png", &picture("a.png", 40, 40));
    play.start();
    let mut text = manifest("huge", &["a.png"], "");
    while text.len() <= 1 << 20 {
        text.push_str("# and so on, for a megabyte\n");
    }
    play.drop_manifest("huge.toml", &text);
    let (run, report) = play.report_of("huge", SOON);
    // It is there before the report is.
    let note = std::fs::read_to_string(play.path("drop/huge.toml.FAILED.txt")).unwrap();
    assert!(note.contains("the file is larger than 1 MiB"), "{note}");
    assert_eq!(report["verdict"], "refused", "{report:#}");
    assert!(!play.path(&format!("out/{run}")).exists());
    // To whom and how is in the beginning.
    let mail = play.wait("the mail", SOON, || play.mails().pop());
    assert!(mail.contains("Subject: [exportd] huge: NOT exported (line 1: "), "{mail}");
    text.truncate(1 << 20);
    play.drop_manifest("fits.toml", &text.replacen("huge", "fits", 1));
    assert_eq!(play.report_of("fits", SOON).1["verdict"], "clean");
    assert_eq!(play.stop(), Some(0));
}

#[test]
fn content_that_belies_the_type_of_the_catalogue_is_an_error() {
    let mut play = Playground::new();
    play.write("assets/a.png", &picture("a.png", 40, 40));
    play.write("assets/note.txt", b"no picture\n");
    play.write("assets/scan.dat", &picture("a.png", 40, 40));
    let entry = |id: &str, kind: &str, path: &str| {
        format!("[[asset]]\nid = \"{id}\"\ntype = \"{kind}\"\npath = \"{path}\"\n")
    };
    let catalog = [
        entry("leaflet", "Pdf", "a.png"),
        entry("portrait", "Image", "note.txt"),
        entry("scan", "Image", "scan.dat"),
    ];
    play.write("assets/catalog.toml", catalog.concat().as_bytes());
    play.start();
    for fmt in ["orig", "convert"] {
        let text = manifest(fmt, &["leaflet", "portrait", "scan"], "")
            .replace("fmt = \"convert\"", &format!("fmt = \"{fmt}\""));
        play.drop_manifest(&format!("{fmt}.toml"), &text);
        let (_, report) = play.report_of(fmt, SOON);
        assert_eq!(report["verdict"], "partial", "{report:#}");
        assert_eq!(report["fileErrorCount"], 2, "{report:#}");
        assert_eq!(report["fileSuccessCount"], 1, "{report:#}");
    }
    assert_eq!(play.stop(), Some(0));
}
