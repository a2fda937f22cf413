//! The daily digest (`mail.daily`): what the last day brought, for whoever runs the daemon.
//!
//! It is made from the reports that were written in the day and named after its end, so it comes once
//! however often the daemon is started, and no run falls between two. It comes on days without a run, too: a
//! mail that is missing says that the service, or its mail, is not there.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::bulletin::{Bulletin, Entry, Section, capital};
use super::digest::{LABELS, NEEDS_YOU, rank};
use super::html::{self, Html};
use super::sheet::Row;
use super::text::{count, grouped, number};
use super::{Address, Event, Gist, Letter, MailSettings, Matter, Mid};
use crate::diag::{human_bytes, shown};
use crate::job::Verdict;

/// So many runs that need somebody are named.
const MOST_LISTED: usize = 100;
/// Why it comes to its reader.
const WHY: &str = "You are receiving this mail every day because mail.daily is in the configuration of exportd \
                   and mail.to names you. It comes on days without a run, too.";

/// A day, from one digest to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The date of its end, which names it.
    pub date: Date,
    /// Its first moment.
    pub since: Timestamp,
    /// The moment after its last.
    pub until: Timestamp,
}

impl Day {
    /// Returns the last day that was over at `now`, where days end at `time` on the clocks of `zone`.
    #[must_use]
    pub fn before(now: Timestamp, time: Time, zone: &TimeZone) -> Option<Self> {
        let today = now.to_zoned(zone.clone()).date();
        let end =
            |date: Date| zone.to_ambiguous_timestamp(date.to_datetime(time)).compatible().ok();
        let date = if end(today)? <= now { today } else { today.yesterday().ok()? };
        let since = end(date.checked_sub(1.day()).ok()?)?;
        Some(Self { date, since, until: end(date)? })
    }

    /// Names the letter to one operator.
    #[must_use]
    pub fn mid(&self, to: &Address) -> Mid {
        Mid::new(&format!("daily-{}-{}", self.date, self.until.as_second()), Event::Daily, to)
    }
}

/// What a day brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daily {
    day: Day,
    /// Those that need somebody first, the worst before the others.
    runs: Vec<Ended>,
    /// Their folder.
    reports: PathBuf,
    disks: Vec<Disk>,
}

/// A folder, and what its disk can still take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// What the folder is for.
    pub name: &'static str,
    /// The folder.
    pub path: PathBuf,
    /// Bytes that are left.
    pub free: u64,
}

/// A run that ended in it: what `report.json` says of it. Everything else in it is passed over as it is
/// read, for there may be much.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ended {
    run: String,
    end_date: Timestamp,
    verdict: Verdict,
    total_file_count: u64,
    file_success_count: u64,
    file_error_count: u64,
    /// Why it came to nothing, in the language of its report; of those that are named.
    #[serde(skip)]
    why: Option<String>,
}

/// The records of a report that say why a run came to nothing.
#[derive(Deserialize)]
struct Details {
    details: Vec<Detail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    log_type: String,
    log_message: String,
}

/// Reads a part of a report.
fn part<T: DeserializeOwned>(reports: &Path, run: &Path) -> Option<T> {
    let file = File::open(reports.join(run).join("report.json")).ok()?;
    serde_json::from_reader(BufReader::new(file)).ok()
}

impl Daily {
    /// Reads the reports of a day.
    ///
    /// # Errors
    /// The system's, when the folder of reports cannot be read.
    pub fn read(reports: &Path, day: Day, disks: Vec<Disk>) -> io::Result<Self> {
        let mut runs: Vec<Ended> = Vec::new();
        for entry in std::fs::read_dir(reports)? {
            let name = PathBuf::from(entry?.file_name());
            // It is written once, by a rename, when its run is over.
            let written = reports.join(&name).join("report.json").metadata();
            let written = written.and_then(|meta| meta.modified()).ok();
            let written = written.and_then(|at| Timestamp::try_from(at).ok());
            if written.is_some_and(|at| (day.since..day.until).contains(&at)) {
                runs.extend(part::<Ended>(reports, &name));
            }
        }
        runs.sort_by(|a, b| {
            let key = |run: &Ended| (rank(Some(run.verdict)), run.end_date);
            key(a).cmp(&key(b)).then_with(|| a.run.cmp(&b.run))
        });
        for run in runs.iter_mut().take(MOST_LISTED).filter(|run| run.came_to_nothing()) {
            let details = part::<Details>(reports, Path::new(&run.run));
            let mut details = details.into_iter().flat_map(|details| details.details);
            let fatal = details.find(|detail| detail.log_type == "FatalError");
            run.why = fatal.map(|fatal| shown(&fatal.log_message));
        }
        Ok(Self { day, runs, reports: reports.to_owned(), disks })
    }

    /// Writes the letter to one operator.
    #[must_use]
    pub fn letter(&self, settings: &MailSettings, to: &Address) -> Letter {
        let outcome = self.outcome();
        let bulletin = self.bulletin();
        let Html { part, broken } = html::notice(&bulletin, settings.templates.as_deref());
        Letter {
            from: settings.from.clone(),
            to: to.clone(),
            host: settings.host.clone(),
            mid: self.day.mid(to),
            in_reply_to: None,
            date: self.day.until,
            matter: Matter::Notice { word: "daily" },
            subject: format!("[exportd] {}: {outcome}", self.day.date),
            text: bulletin.text(),
            html: part,
            pictures: Vec::new(),
            broken,
            gist: Gist { outcome, ..Gist::default() },
        }
    }

    fn needing(&self) -> impl Iterator<Item = &Ended> {
        self.runs.iter().filter(|run| rank(Some(run.verdict)) < NEEDS_YOU)
    }

    fn outcome(&self) -> String {
        let runs = count(number(self.runs.len()), "run");
        match (self.runs.len(), self.needing().count()) {
            (0, _) => "no runs".into(),
            (_, 0) => format!("{runs}, nothing to do"),
            (_, 1) => format!("{runs}, 1 needs attention"),
            (_, need) => format!("{runs}, {} need attention", grouped(number(need))),
        }
    }

    fn bulletin(&self) -> Bulletin {
        let need = self.needing().count();
        let opening = match need {
            0 => "Nothing to do: no run on this day needs attention.".into(),
            _ => format!(
                "The report of each run named below says what to do; the reports are in {}.",
                shown(&self.reports.to_string_lossy())
            ),
        };
        let mut sections = vec![self.counts()];
        sections.extend(self.named());
        sections.push(Section {
            heading: "Free disk space".into(),
            facts: self
                .disks
                .iter()
                .map(|Disk { name, path, free }| {
                    let path = path.to_string_lossy();
                    Row::new(name, &format!("{} free ({path})", human_bytes(*free)))
                })
                .collect(),
            ..Section::default()
        });
        Bulletin {
            headline: capital(&self.outcome()),
            tone: if need == 0 { "good" } else { "bad" },
            opening: vec![opening],
            sections,
            closing: Some(WHY.into()),
        }
    }

    fn counts(&self) -> Section {
        let row = |label: &str, n: u64| Row::new(label, &grouped(n));
        let mut counts = vec![row("Runs", number(self.runs.len()))];
        for (at, label) in LABELS.into_iter().enumerate() {
            let n = self.runs.iter().filter(|run| rank(Some(run.verdict)) == at).count();
            if n > 0 {
                counts.push(row(&format!("  {label}"), number(n)));
            }
        }
        let sum = |of: fn(&Ended) -> u64| self.runs.iter().map(of).sum();
        counts.push(row("Files exported", sum(|run| run.file_success_count)));
        counts.push(row("Files that failed", sum(|run| run.file_error_count)));
        Section { heading: "The day".into(), counts, ..Section::default() }
    }

    fn named(&self) -> Option<Section> {
        let need = self.needing().count();
        let rest = need.saturating_sub(MOST_LISTED);
        let entries = self.needing().take(MOST_LISTED).map(|run| Entry {
            what: format!("{}: {}", shown(&run.run), run.outcome()),
            note: None,
        });
        (need > 0).then(|| Section {
            heading: format!("Need attention ({})", grouped(number(need))),
            entries: entries.collect(),
            more: (rest > 0).then(|| format!("and {} more", grouped(number(rest)))),
            ..Section::default()
        })
    }
}

impl Ended {
    const fn came_to_nothing(&self) -> bool {
        matches!(self.verdict, Verdict::Fatal | Verdict::Refused)
    }

    /// Says how it ended, in a few words.
    fn outcome(&self) -> String {
        let failed = self.file_error_count;
        match (self.verdict, &self.why) {
            (Verdict::Fatal | Verdict::Refused, Some(why)) => why.clone(),
            (Verdict::Refused, None) => "the manifest is wrong".into(),
            (Verdict::Fatal, None) => "it could not run".into(),
            (Verdict::Failed, _) => format!("all {} failed", count(failed, "file")),
            (Verdict::Clean | Verdict::Warnings | Verdict::Partial | Verdict::Stopped, _) => {
                format!("{} of {} failed", grouped(failed), count(self.total_file_count, "file"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::folder::ReportFolder;
    use crate::report::{Report, samples};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn to() -> Address {
        Address::parse("ops@studio.example").unwrap()
    }

    fn day(now: &str, time: &str, zone: &str) -> (String, String) {
        let zone = TimeZone::get(zone).unwrap();
        let day = Day::before(at(now), time.parse().unwrap(), &zone).unwrap();
        (day.since.to_string(), day.until.to_string())
    }

    #[test]
    fn a_day_ends_at_its_time_on_the_clocks_there() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let berlin = |now| day(now, "07:00:00", "Europe/Berlin");
        let first = pair("2026-11-29T06:00:00Z", "2026-11-30T06:00:00Z");
        assert_eq!(berlin("2026-11-30T06:00:00Z"), first);
        assert_eq!(berlin("2026-12-01T05:59:59Z"), first);
        assert_ne!(berlin("2026-12-01T06:00:00Z"), first);
        // 25 hours, and 23; a time that does not exist is the one after the gap.
        let long = pair("2026-10-24T05:00:00Z", "2026-10-25T06:00:00Z");
        assert_eq!(berlin("2026-10-25T12:00:00Z"), long);
        let gap = day("2026-03-29T12:00:00Z", "02:30:00", "Europe/Berlin");
        assert_eq!(gap, pair("2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z"));
    }

    /// Reports of one day; two of the day before and after.
    fn reports() -> (tempfile::TempDir, Day) {
        let dir = tempfile::tempdir().unwrap();
        let day = Day {
            date: "2025-12-01".parse().unwrap(),
            since: at("2025-11-30T06:00:00Z"),
            until: at("2025-12-01T06:00:00Z"),
        };
        let all = [
            ("early", Verdict::Failed, "2025-11-30T05:59:59Z"),
            ("first", Verdict::Clean, "2025-11-30T06:00:00Z"),
            ("some", Verdict::Partial, "2025-11-30T12:00:00Z"),
            ("wrong", Verdict::Refused, "2025-12-01T05:00:00Z"),
            ("late", Verdict::Fatal, "2025-12-01T06:00:00Z"),
        ];
        for (run, verdict, end) in all {
            let mut log = samples::log(verdict);
            (log.run, log.end) = (run.into(), at(end));
            let places = samples::places();
            let report = Report { log: &log, places: &places, retry: None };
            let (_, folder) = ReportFolder::claim(dir.path(), run, run, &|_| true).unwrap();
            folder.begin(log.manifest.as_bytes()).unwrap();
            folder.finish(&report).unwrap();
            let file = File::open(dir.path().join(run).join("report.json")).unwrap();
            file.set_modified(at(end).into()).unwrap();
        }
        (dir, day)
    }

    #[test]
    fn the_runs_of_the_day_are_counted_and_those_that_need_somebody_named() {
        let (dir, day) = reports();
        let path = "/srv/exportd/out".into();
        let disks = vec![Disk { name: "out", path, free: 412_000_000_000 }];
        let daily = Daily::read(dir.path(), day, disks).unwrap();
        let letter = daily.letter(&samples::mail(), &to());
        assert_eq!(letter.subject, "[exportd] 2025-12-01: 3 runs, 2 need attention");
        let text = &letter.text;
        for words in [
            "some: 2 of ",
            "wrong: line 2",
            "out      412 GB free (/srv/exportd/out)",
            "Files exported",
        ] {
            assert!(text.contains(words), "{words}\n{text}");
        }
        for other in ["early", "late", "first:"] {
            assert!(!text.contains(other), "{other}\n{text}");
        }
        assert!(letter.html.unwrap().contains("wrong: line 2"));
        assert_eq!(letter.mid, day.mid(&to()));
    }

    #[test]
    fn every_end_of_a_day_has_a_name_of_its_own() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let day = |time: &str| {
            Day::before(at("2026-12-01T20:00:00Z"), time.parse().unwrap(), &zone).unwrap()
        };
        assert_eq!(day("07:00").date, day("18:00").date);
        assert_ne!(day("07:00").mid(&to()), day("18:00").mid(&to()));
    }

    #[test]
    fn a_day_without_a_run_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let (_, day) = reports();
        let daily = Daily::read(dir.path(), day, Vec::new()).unwrap();
        let letter = daily.letter(&samples::mail(), &to());
        assert_eq!(letter.subject, "[exportd] 2025-12-01: no runs");
        assert!(letter.text.starts_with("Nothing to do: "), "{}", letter.text);
    }

    #[test]
    fn what_is_no_report_is_passed_over() {
        let (dir, day) = reports();
        let whole = Daily::read(dir.path(), day, Vec::new()).unwrap();
        for (name, bytes) in [("half", "{\"run\":"), ("other", "[]")] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
            let path = dir.path().join(name).join("report.json");
            crate::fs::write_new(&path, bytes.as_bytes(), 0o600).unwrap();
        }
        std::fs::create_dir(dir.path().join("not over")).unwrap();
        crate::fs::write_new(&dir.path().join("a file"), b"", 0o600).unwrap();
        assert_eq!(Daily::read(dir.path(), day, Vec::new()).unwrap(), whole);
    }
}
