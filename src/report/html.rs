//! The HTML part of mails and the page of a run, and the only door to minijinja.
//!
//! What is said is a [`Sheet`], the same that the text part is set from; how it looks is a template.
//! The shipped one is below `templates/`. Whoever runs the daemon may put another of its name into a
//! folder of their own. That one may be wrong, and a wrong template must not cost anybody a report:
//! then the shipped one is used, and whoever wrote it is told.
//!
//! Every value is escaped unless a template says otherwise; undefined names are mistakes.

use std::error::Error as _;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::sync_channel;
use std::thread::{Builder, Scope};

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use serde::Serialize;

use super::bulletin::Bulletin;
use super::page::{self, Front};
use super::sheet::Sheet;
use super::thumbnails::Thumbnails;
use crate::diag::shown;
use crate::job::log::JobLog;

/// The template of the page of a run.
const PAGE: &str = "page.html";
const SHIPPED_PAGE: &str = include_str!("templates/page.html");
/// Further steps for each asset on a page.
const FUEL_OF_ONE: u64 = 2_000;
/// So many pictures or rows of a page are made ahead.
const AHEAD: usize = 16;
/// The template of the mail about a run.
const NAME: &str = "report.html";
const SHIPPED: &str = include_str!("templates/report.html");
/// The template of mails about no single run.
const NOTICE: &str = "notice.html";
const SHIPPED_NOTICE: &str = include_str!("templates/notice.html");
/// Steps that a template may take: a loop in a loop must end. A full report takes some thousands.
const FUEL: u64 = 1_000_000;
/// Longest template that is read.
const MOST_TEMPLATE: u64 = 1 << 20;
/// Longest HTML that is sent; with its text part and what encoding adds the mail stays below 1 MiB.
const MOST_HTML: usize = 512 << 10;

/// A template of the user's that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Where it is.
    pub file: PathBuf,
    /// Why; lower case, no full stop.
    pub reason: String,
}

/// A mail as HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Html {
    /// The part; `None` when it would be too long for a mail.
    pub part: Option<String>,
    /// Why it is not set by the user's template, if there is one.
    pub broken: Option<Broken>,
}

/// Sets a sheet as HTML, by the template in `folder` if there is one.
#[must_use]
pub fn set(sheet: &Sheet, folder: Option<&Path>) -> Html {
    set_mail((NAME, SHIPPED), sheet, folder)
}

/// Sets a bulletin as HTML, by the template in `folder` if there is one.
#[must_use]
pub fn notice(bulletin: &Bulletin, folder: Option<&Path>) -> Html {
    let mut bulletin = bulletin.clone();
    // It stands above.
    if let Some(first) = bulletin.opening.first_mut()
        && let Some(rest) = first.strip_prefix(&format!("{}. ", bulletin.headline))
    {
        *first = rest.to_owned();
    }
    set_mail((NOTICE, SHIPPED_NOTICE), &bulletin, folder)
}

fn set_mail((name, shipped): (&str, &str), said: &impl Serialize, folder: Option<&Path>) -> Html {
    let mut broken = None;
    if let Some(file) = folder.map(|folder| folder.join(name)) {
        match read(&file).map(|source| source.map(|source| render(&source, said))) {
            Ok(None) => {}
            Ok(Some(Ok(part))) if part.len() <= MOST_HTML => {
                return Html { part: Some(part), broken: None };
            }
            Ok(Some(Ok(part))) => {
                let reason = format!("it makes {} bytes, {MOST_HTML} are allowed", part.len());
                broken = Some(Broken { file, reason });
            }
            Ok(Some(Err(error))) => broken = Some(Broken { reason: words(&error), file }),
            Err(error) => broken = Some(Broken { reason: error.to_string(), file }),
        }
    }
    // What is shipped is tested with all it can say; should it fail all the same, the text is there.
    let part = render(shipped, said).ok().filter(|part| part.len() <= MOST_HTML);
    Html { part, broken }
}

fn read(file: &Path) -> io::Result<Option<String>> {
    let opened = match std::fs::File::open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut source = String::new();
    opened.take(MOST_TEMPLATE).read_to_string(&mut source)?;
    Ok(Some(source))
}

fn render(source: &str, sheet: &impl Serialize) -> Result<String, minijinja::Error> {
    environment(FUEL).render_named_str(NAME, source, Serde(sheet))
}

fn environment(fuel: u64) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_fuel(Some(fuel));
    environment
}

/// Sets the page of a run that is over, by the template in `folder` if there is one.
///
/// # Errors
/// Those of `to`; `InvalidData` when the template cannot be used.
pub fn page(
    front: &Front,
    (log, thumbnails): (&JobLog, &Thumbnails),
    folder: Option<&Path>,
    to: &mut dyn Write,
) -> io::Result<()> {
    std::thread::scope(|scope| {
        let tiles = stream(scope, page::tiles(log, thumbnails))?;
        let lines = stream(scope, page::lines(log))?;
        let assets = u64::try_from(log.assets.len()).unwrap_or(u64::MAX);
        let fuel = assets.saturating_mul(FUEL_OF_ONE).saturating_add(FUEL);
        let (has_tiles, has_lines) = (!thumbnails.is_empty(), !log.assets.is_empty());
        let given = context! { tiles, lines, has_tiles, has_lines, ..Serde(front) };
        set_page((folder, fuel), given, to)
    })
}

/// Sets the page of a run that goes on.
///
/// # Errors
/// As [`page()`].
pub fn progress(front: &Front, folder: Option<&Path>, to: &mut Vec<u8>) -> io::Result<()> {
    let given = |none: Value| {
        let (tiles, lines) = (none.clone(), none);
        context! { tiles, lines, has_tiles => false, has_lines => false, ..Serde(front) }
    };
    let none = || Value::from(Vec::<Value>::new());
    if folder.is_some() && set_page((folder, FUEL), given(none()), to).is_ok() {
        return Ok(());
    }
    to.clear();
    set_page((None, FUEL), given(none()), to)
}

fn set_page(
    (folder, fuel): (Option<&Path>, u64),
    given: Value,
    to: &mut dyn Write,
) -> io::Result<()> {
    let own = match folder {
        Some(folder) => read(&folder.join(PAGE))
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?,
        None => None,
    };
    let environment = environment(fuel);
    let done = environment
        .template_from_named_str(PAGE, own.as_deref().unwrap_or(SHIPPED_PAGE))
        .and_then(|template| template.render_captured_to(given, to).map(drop));
    done.map_err(|error| {
        match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
            // The disk's trouble is not the template's.
            Some(source) => io::Error::new(source.kind(), source.to_string()),
            None => io::Error::new(io::ErrorKind::InvalidData, words(&error)),
        }
    })
}

/// Makes values one after the other while a template goes through them, so that there are never
/// many of them in memory.
fn stream<'s, T: Serialize>(
    scope: &'s Scope<'s, '_>,
    items: impl Iterator<Item = T> + Send + 's,
) -> io::Result<Value> {
    let (sender, receiver) = sync_channel(AHEAD);
    Builder::new().name("page".into()).spawn_scoped(scope, move || {
        for item in items {
            if sender.send(Value::from(Serde(item))).is_err() {
                // The template does not want them.
                return;
            }
        }
    })?;
    let receiver = Mutex::new(receiver);
    Ok(Value::make_one_shot_iterator(std::iter::from_fn(move || receiver.lock().ok()?.recv().ok())))
}

fn words(error: &minijinja::Error) -> String {
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.line() {
        Some(line) => shown(&format!("line {line}: {what}")),
        None => shown(&what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Fault;
    use crate::job::log::JobLog;
    use crate::job::{MailContent, Verdict};
    use crate::report::locale::Language;
    use crate::report::words::Words;
    use crate::report::{Notice, Report, samples};
    use proptest::prelude::*;

    fn sheet(log: &JobLog) -> Sheet {
        let places = samples::places();
        let report = Report { log, places: &places, retry: None };
        Sheet::new(&report, MailContent::Lists).mailed(log)
    }

    fn shipped(log: &JobLog) -> String {
        let html = set(&sheet(log), None);
        assert_eq!(html.broken, None);
        html.part.unwrap()
    }

    /// What is left when everything between angle brackets is taken away, words apart.
    fn visible(html: &str) -> String {
        let body = html.split_once("<body").unwrap().1;
        let text: String = body
            .split('<')
            .map(|piece| piece.split_once('>').map_or("", |(_, text)| text))
            .collect::<Vec<_>>()
            .join(" ");
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
        let text = text.replace("&#x27;", "'").replace("&#x2f;", "/").replace("&amp;", "&");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_verdict_has_its_page() {
        for verdict in Verdict::ALL {
            let html = shipped(&samples::log(verdict));
            insta::assert_snapshot!(format!("html_{}", verdict.word()), visible(&html));
            // Nothing is loaded from anywhere, and nothing runs.
            for word in ["http", "src=", "url(", "<script", "<img", "<link", "@import", "href"] {
                assert!(!html.contains(word), "{verdict:?}: {word}");
            }
            assert!(html.contains("prefers-color-scheme: dark"));
            assert!(!html.contains("white-space:nowrap"), "it must fit 320 px");
        }
    }

    #[test]
    fn a_page_is_in_one_language_and_says_which() {
        let places = samples::places();
        for language in Language::ALL {
            let mut log = samples::log(Verdict::Partial);
            log.about.locale = Some(language.tag().into());
            let report = Report { log: &log, places: &places, retry: None };
            let mail = shipped(&log);
            let mut page = Vec::new();
            let nothing = Thumbnails::of(Path::new("/nowhere"));
            super::page(&Front::over(&report), (&log, &nothing), None, &mut page).unwrap();
            let page = String::from_utf8(page).unwrap();
            let ours = serde_json::to_value(Words::new(language)).unwrap();
            let english = serde_json::to_value(Words::new(Language::English)).unwrap();
            for html in [&mail, &page] {
                assert!(html.contains(&format!("<html lang=\"{}\">", language.tag())));
                for (name, word) in english.as_object().unwrap() {
                    let foreign = ours[name] != *word;
                    let word = format!(">{}<", word.as_str().unwrap());
                    assert!(!(foreign && html.contains(&word)), "{}: {word}", language.tag());
                }
            }
            let own = ours["files"].as_str().unwrap();
            assert!(page.contains(&format!(">{own}</h2>")), "{page}");
        }
    }

    #[test]
    fn what_the_text_says_the_page_says() {
        for verdict in Verdict::ALL {
            let log = samples::log(verdict);
            let places = samples::places();
            let report = Report { log: &log, places: &places, retry: None };
            let page = visible(&shipped(&log));
            let text = crate::report::text::body(&report, MailContent::Lists);
            // Carets are not for a page; what they point at is marked in its line.
            let carets = sheet(&log).findings.unwrap_or_default();
            let lines = text.lines().filter(|line| !carets.lines().any(|c| c.trim_end() == *line));
            for word in lines.flat_map(str::split_whitespace) {
                let numbered = word.strip_suffix('.').is_some_and(|n| n.parse::<u32>().is_ok());
                assert!(numbered || word == "-" || page.contains(word), "{verdict:?}: {word}");
            }
            for mistake in sheet(&log).mistakes.items {
                assert!(page.contains(&format!("{} {}", mistake.what, mistake.place)), "{page}");
                assert!(page.contains(mistake.marked.trim()), "{page}");
                assert!(page.contains(&mistake.help.unwrap_or_default()), "{page}");
            }
        }
    }

    #[test]
    fn names_are_text_whatever_they_are() {
        let odd = "</td><script>alert(1)</script>\"'&{{ 7 * 7 }}{% for %}";
        let mut log = samples::log(Verdict::Partial);
        log.about.job_name = odd.into();
        log.about.manifest_name = odd.into();
        log.about.description = Some(odd.into());
        log.assets[1].handle = odd.into();
        let mut refused = samples::log(Verdict::Refused);
        refused.manifest = format!("# {odd}\n");
        refused.findings[0].message = odd.into();
        refused.findings[0].span = 10..20;
        let html = shipped(&refused);
        assert!(!html.contains("<script") && !html.contains("49"), "{html}");
        log.assets[2].outcome = crate::job::log::AssetOutcome::Failed {
            fault: Fault::NotFound { nearest: Some(odd.into()) },
        };
        let html = shipped(&log);
        assert!(!html.contains("<script") && !html.contains("49"), "{html}");
        assert!(visible(&html).contains(odd));
    }

    #[test]
    fn what_the_text_of_a_notice_says_its_page_says_and_as_text() {
        let odd = "</td><script>alert(1)</script>\"'&{{ 7 * 7 }}";
        let now: jiff::Timestamp = "2026-12-01T06:00:00Z".parse().unwrap();
        let to = crate::report::Address::operator();
        let notice = Notice::DropGone { folder: Path::new("/srv/a"), since: now, reason: odd };
        let letter = notice.letter(&samples::mail(), &to, now);
        let test = crate::report::notice::test(&samples::mail(), &to, now);
        for letter in [letter, test] {
            let html = letter.html.unwrap();
            assert!(!html.contains("<script") && !html.contains("49"), "{html}");
            for word in ["http", "src=", "url(", "<img", "<link", "@import", "href"] {
                assert!(!html.contains(word), "{word}");
            }
            assert_eq!(html.matches("<h1").count(), 1);
            let page = visible(&html);
            for word in letter.text.split_whitespace() {
                assert!(page.contains(word.trim_end_matches('.')), "{word} is not in {page}");
            }
        }
    }

    #[test]
    fn a_notice_is_set_by_a_template_of_ones_own_that_can_be_used() {
        let dir = tempfile::tempdir().unwrap();
        let bulletin = Bulletin {
            headline: "The disk is full".into(),
            tone: "bad",
            opening: vec!["The disk is full. What to do: Make room.".into()],
            sections: Vec::new(),
            closing: None,
        };
        let shipped = notice(&bulletin, None);
        let with = |source: &str| {
            let file = dir.path().join(NOTICE);
            let _ = std::fs::remove_file(&file);
            crate::fs::write_new(&file, source.as_bytes(), 0o600).unwrap();
            notice(&bulletin, Some(dir.path()))
        };
        let own = Html { part: Some("What to do: Make room.".into()), broken: None };
        assert_eq!(with("{{ opening[0] }}"), own);
        for wrong in ["{{ headlin }}", "{% for x in %}", "{{ 'x' * 600000 }}"] {
            let set = with(wrong);
            assert_eq!(set.part, shipped.part, "{wrong}");
            assert_eq!(set.broken.unwrap().file, dir.path().join(NOTICE), "{wrong}");
        }
    }

    #[test]
    fn a_folder_of_ones_own_is_used_and_what_is_wrong_in_it_costs_no_report() {
        let dir = tempfile::tempdir().unwrap();
        let log = samples::log(Verdict::Partial);
        let sheet = sheet(&log);
        let shipped = set(&sheet, None);
        // An empty folder, or none, is no mistake.
        assert_eq!(set(&sheet, Some(dir.path())), shipped);
        assert_eq!(set(&sheet, Some(&dir.path().join("none"))), shipped);
        let file = dir.path().join(NAME);
        let with = |source: &str| {
            let _ = std::fs::remove_file(&file);
            crate::fs::write_new(&file, source.as_bytes(), 0o600).unwrap();
            set(&sheet, Some(dir.path()))
        };
        let own = with("<p>{{ job }}: {{ failures.total }}</p>{{ '<b>' }}");
        assert_eq!(own.part.as_deref(), Some("<p>spring-tops: 2</p>&lt;b&gt;"));
        assert_eq!(own.broken, None);
        for (source, reason) in [
            ("{{ job }}\n{% for x in %}", "line 2: "),
            ("<p>{{ jobb }}</p>", "line 1: "),
            (
                "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
                "fuel",
            ),
            ("{{ 'x' * 600000 }}", "it makes 600000 bytes"),
        ] {
            let html = with(source);
            assert_eq!(html.part, shipped.part, "{source}");
            let broken = html.broken.unwrap();
            assert_eq!(broken.file, file);
            assert!(broken.reason.contains(reason), "{source}: {}", broken.reason);
        }
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        assert!(set(&sheet, Some(dir.path())).broken.is_some(), "a folder is no template");
    }

    #[test]
    fn the_longest_report_stays_small() {
        let mut log = samples::log(Verdict::Failed);
        log.assets = (0..10_000)
            .map(|n| samples::failed(&format!("{n}{}", "<".repeat(250)), Fault::Unreadable))
            .collect();
        let html = shipped(&log);
        assert!(html.len() < MOST_HTML / 2, "{} bytes", html.len());
        assert!(visible(&html).contains("and 9,950 more, see report.html"));
    }

    proptest! {
        #[test]
        fn no_name_makes_a_tag(name in any::<String>(), word in "[<>\"'&{}%a-z ]*") {
            let mut log = samples::log(Verdict::Partial);
            let tags = shipped(&log).matches('<').count();
            log.about.job_name.clone_from(&name);
            log.about.description = Some(word.clone());
            log.assets[1].handle = word;
            log.assets[2].handle = name;
            prop_assert_eq!(shipped(&log).matches('<').count(), tags);
        }
    }
}
