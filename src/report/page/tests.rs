use super::*;
use crate::imaging::thumbnail::Thumbnail;
use crate::job::Verdict;
use crate::job::log::Change;
use crate::job::run::Subject;
use crate::report::{html, samples};

fn jpeg(length: usize) -> Thumbnail {
    let mut bytes = vec![0; length];
    bytes[..3].copy_from_slice(&[0xff, 0xd8, 0xff]);
    Thumbnail::recognise(bytes).unwrap()
}

/// Shows source and output of every asset.
fn show(folder: &Path, log: &JobLog, length: usize) {
    for asset in &log.assets {
        if let Some(source) = &asset.source {
            thumbnails::keep(folder, Subject::Source(source), &jpeg(length)).unwrap();
        }
        for file in asset.outcome.files() {
            thumbnails::keep(folder, Subject::Output(&file.output), &jpeg(length)).unwrap();
        }
    }
}

fn page(log: &JobLog, folder: &Path) -> String {
    let places = samples::places();
    let front = Front::over(&Report { log, places: &places, retry: None });
    let mut out = Vec::new();
    html::page(&front, (log, &Thumbnails::of(folder)), None, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn every_verdict_has_its_page() {
    let dir = tempfile::tempdir().unwrap();
    for verdict in Verdict::ALL {
        let log = samples::log(verdict);
        let html = page(&log, dir.path());
        assert_eq!(html.matches("<h1").count(), 1, "{verdict:?}");
        assert!(html.contains("<html lang=\"en\">"));
        assert!(!html.contains("http-equiv=\"refresh\""), "it is over");
        for word in ["http:", "https:", "<script", "<link", "@import", "url(", "<img", "onerror"] {
            assert!(!html.contains(word), "{verdict:?}: {word}");
        }
        let sheet = Sheet::new(
            &Report { log: &log, places: &samples::places(), retry: None },
            MailContent::Lists,
        );
        let html = html.replace("&#x2f;", "/").replace("&quot;", "\"").replace("&#x27;", "'");
        for failure in sheet.failures.items {
            assert!(html.contains(&failure.todo), "{verdict:?}: {}", failure.todo);
        }
        assert_eq!(html.matches("class=\"what\"").count(), log.assets.len());
    }
}

#[test]
fn what_can_be_shown_is_shown_failures_first() {
    let dir = tempfile::tempdir().unwrap();
    let log = samples::log(Verdict::Partial);
    show(dir.path(), &log, 40);
    let html = page(&log, dir.path());
    assert_eq!(html.matches("<img src=\"data:image/jpeg;base64,").count(), 4);
    let sheet = html.split_once("id=\"sheet\"").unwrap().1;
    let at = |name: &str| sheet.find(&format!("<p class=\"name\"><bdi>{name}")).unwrap();
    assert!(at("tops&#x2f;back.tif") < at("tops&#x2f;front.tif"));
    assert!(html.contains("2000 × 1500 px · 123 kB · sRGB"));
    assert!(html.contains("<td><code>wid=1200</code></td><td class=\"soft\">macro $web$</td>"));
}

#[test]
fn names_are_text_whatever_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let odd =
        "</td><script>alert(1)</script><img src=x onerror=y>\"'&{{ 7 * 7 }}{% for %}\u{202e}\n\r";
    let odd = &format!("{odd}{}", "ü".repeat((255 - odd.len()) / 2));
    assert!((254..=255).contains(&odd.len()));
    let mut log = samples::log(Verdict::Partial);
    log.about.job_name = odd.into();
    log.about.description = Some(odd.into());
    for asset in &mut log.assets {
        asset.handle = odd.into();
        asset.rendition = Some(odd.into());
    }
    log.assets[0].outcome =
        AssetOutcome::NotExportable { reason: format!("{odd} is not exported").into() };
    log.recipes[0].request = Some(odd.into());
    show(dir.path(), &log, 40);
    let html = page(&log, dir.path());
    assert!(!html.contains("<script") && !html.contains("<img src=x") && !html.contains("49"));
    assert!(html.contains("&lt;script&gt;alert(1)") && !html.contains('\u{202e}'));
}

#[test]
fn a_page_of_two_thousand_stays_small_and_needs_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = samples::log(Verdict::Clean);
    log.assets = (0..2_000).map(|n| samples::converted(&format!("{n:05}-front"), &[])).collect();
    for (n, asset) in log.assets.iter_mut().enumerate() {
        asset.source = Some(format!("tops/{n}.tif"));
    }
    show(dir.path(), &log, 9_000);
    let html = page(&log, dir.path());
    assert!(html.len() < 5_000_000, "{} bytes", html.len());
    assert_eq!(html.matches("<img ").count(), 4_000);
    assert_eq!(html.matches("<img src=\"data:").count(), MOST_INSIDE);
    assert_eq!(html.matches("<img src=\"thumbnails/").count(), 4_000 - MOST_INSIDE);
}

#[test]
fn a_run_that_goes_on_is_looked_at_again() {
    let log = samples::log(Verdict::Clean);
    let places = samples::places();
    let report = Report { log: &log, places: &places, retry: None };
    let progress = Progress { done: 0.374, counts: log.counts() };
    let mut out = Vec::new();
    let now: Zoned = "2026-12-01T06:03:07+01:00[+01:00]".parse().unwrap();
    let front = Front::running(&report, (&progress, &now), Doing::Running);
    html::progress(&front, None, &mut out).unwrap();
    let html = String::from_utf8(out).unwrap();
    assert!(html.contains("<meta http-equiv=\"refresh\" content=\"5\">"), "{html}");
    assert!(html.contains("37% done") && html.contains("style=\"width:37%\""));
    assert!(html.contains(">running</h1>"));
    assert!(
        html.contains("<dt>As of</dt><dd class=\"plain\"><bdi>2026-12-01 06:03:07</bdi></dd>"),
        "{html}"
    );
}

#[test]
fn a_template_of_ones_own_is_used_and_a_wrong_one_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let log = samples::log(Verdict::Partial);
    let places = samples::places();
    let front = Front::over(&Report { log: &log, places: &places, retry: None });
    let thumbnails = Thumbnails::of(dir.path());
    let with = |source: &str| {
        let file = dir.path().join("page.html");
        let _ = std::fs::remove_file(&file);
        crate::fs::write_new(&file, source.as_bytes(), 0o600).unwrap();
        let mut out = Vec::new();
        html::page(&front, (&log, &thumbnails), Some(dir.path()), &mut out)
            .map(|()| String::from_utf8(out).unwrap())
    };
    let own = with("{{ job }}{% for line in lines %} {{ line.outcome }}{% endfor %}");
    assert_eq!(own.unwrap(), "spring-tops exported failed failed");
    for wrong in [
        "{{ jobb }}",
        "{% for x in %}",
        "{% for x in range(9999) %}{% for y in range(9999) %}{% endfor %}{% endfor %}",
    ] {
        let error = with(wrong).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{wrong}: {error}");
    }
}

#[test]
fn a_full_disk_is_not_the_templates_fault() {
    let log = samples::log(Verdict::Partial);
    let places = samples::places();
    let front = Front::over(&Report { log: &log, places: &places, retry: None });
    let mut full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let nothing = Thumbnails::of(Path::new("/nowhere"));
    let error = html::page(&front, (&log, &nothing), None, &mut full).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{error}");
}

#[test]
fn ways_are_relative_and_written_as_references() {
    let way = |from: &str, to: &str| href(Path::new(from), Path::new(to));
    assert_eq!(
        way("/srv/e/reports/a b", "/srv/e/out/a b/SHA256SUMS").as_deref(),
        Some("../../out/a%20b/SHA256SUMS")
    );
    assert_eq!(way("/a", "/春/\"<?#%").as_deref(), Some("../%E6%98%A5/%22%3C%3F%23%25"));
    assert_eq!(way("reports/a", "/out/a"), None);
    assert_eq!(way("/a/../b", "/out/a"), None);
}

#[test]
fn facts_leave_out_what_is_not_known() {
    let mut file = samples::delivered("front", Change::New);
    (file.width, file.profile) = (None, None);
    assert_eq!(facts(&file, Language::English), ["123 kB"]);
}
