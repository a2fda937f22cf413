//! Many reports in one mail: what is said when more happens than a person wants to be told singly.
//!
//! The order is that of every text here: what to do, the counts, then the runs, those that came to
//! nothing for the same cause together and the worst first, then why it is one mail.

use jiff::{SignedDuration, Timestamp};

use super::bulletin::{Bulletin, Entry, Section, capital};
use super::html::{self, Html};
use super::sheet::Row;
use super::text::{count, grouped, number};
use super::{Gist, Letter, MailSettings, Matter, Mid};
use crate::diag::shown;
use crate::fs::sha256;
use crate::job::Verdict;
use crate::report::{Address, Event};

/// So many lines about single runs are written, over all causes; the rest is counted.
const MOST_LINES: usize = 1_000;
/// And so many of one cause.
const MOST_OF_ONE: usize = 100;
/// A report that comes later than this says so.
pub(super) const LATE: SignedDuration = SignedDuration::from_hours(4);

/// One report that is folded.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Its mail's name.
    pub(super) mid: String,
    /// When it was queued.
    pub(super) created: Timestamp,
    /// What is said of it.
    pub(super) gist: Gist,
}

/// What is folded, and what else its reader should know.
#[derive(Debug, Clone, Default)]
pub(super) struct Digest {
    /// The reports, oldest first.
    pub(super) parts: Vec<Part>,
    /// What the mail server said last about one that is late.
    pub(super) delayed_by: Option<String>,
    /// Mails to this person that never went, each with its reason.
    pub(super) dead: Vec<(Gist, String)>,
}

/// How bad it is, the worst first; notices about the daemon stand between failures and the rest.
pub(super) const fn rank(verdict: Option<Verdict>) -> usize {
    match verdict {
        Some(Verdict::Fatal) => 0,
        Some(Verdict::Failed) => 1,
        Some(Verdict::Refused) => 2,
        Some(Verdict::Partial) => 3,
        None => 4,
        Some(Verdict::Stopped) => 5,
        Some(Verdict::Warnings) => 6,
        Some(Verdict::Clean) => 7,
    }
}

pub(super) const LABELS: [&str; 8] = [
    "NOT exported, the job could not run",
    "NOT exported, all files failed",
    "NOT exported, the manifest is wrong",
    "Some files failed",
    "About the service itself",
    "Stopped by somebody",
    "Done, with warnings",
    "Done",
];

/// Why it is one mail.
const WHY: &str = "Each run has its report in a folder of its name in the reports folder. You are \
                   receiving one mail instead of many because many reports came in a short time.";

/// Ranks below this need somebody.
pub(super) const NEEDS_YOU: usize = 5;

impl Digest {
    /// Writes the letter. The same reports at the same time are the same letter.
    pub(super) fn letter(&self, settings: &MailSettings, to: &Address, now: Timestamp) -> Letter {
        let mids: Vec<&str> = self.parts.iter().map(|part| part.mid.as_str()).collect();
        let hash = sha256(mids.join("\n").as_bytes());
        let subject = format!("[exportd] {}", self.outcome());
        let bulletin = self.bulletin(now);
        let Html { part, broken } = html::notice(&bulletin, settings.templates.as_deref());
        Letter {
            from: settings.from.clone(),
            to: to.clone(),
            host: settings.host.clone(),
            mid: Mid::new(&format!("{}-{}", now.as_second(), &hash[..12]), Event::Digest, to),
            in_reply_to: None,
            date: now,
            matter: Matter::Digest { reports: self.parts.len() },
            subject,
            text: bulletin.text(),
            html: part,
            pictures: Vec::new(),
            broken,
            gist: Gist { outcome: self.outcome(), ..Gist::default() },
        }
    }

    fn count(&self, of: impl Fn(usize) -> bool) -> u64 {
        number(self.parts.iter().filter(|part| of(rank(part.gist.verdict))).count())
    }

    fn outcome(&self) -> String {
        let all = grouped(number(self.parts.len()));
        match self.count(|rank| rank < NEEDS_YOU) {
            0 => format!("{all} reports in one mail, nothing to do"),
            need => format!("{} of {all} reports need you", grouped(need)),
        }
    }

    /// Puts it into words.
    fn bulletin(&self, now: Timestamp) -> Bulletin {
        let all = Row::new("Reports in this mail", &grouped(number(self.parts.len())));
        let ranked = LABELS.into_iter().enumerate().filter_map(|(at, label)| {
            let n = self.count(|rank| rank == at);
            (n > 0).then(|| Row::new(label, &grouped(n)))
        });
        let counts = [all].into_iter().chain(ranked).collect();
        let result = Section { heading: "Result".into(), counts, ..Section::default() };
        let mut sections = vec![result];
        self.groups(&mut sections);
        sections.extend(self.undelivered());
        let need = self.count(|rank| rank < NEEDS_YOU);
        Bulletin {
            headline: capital(&self.outcome()),
            tone: if need == 0 { "good" } else { "bad" },
            opening: self.opening(now),
            sections,
            closing: Some(WHY.into()),
        }
    }

    fn opening(&self, now: Timestamp) -> Vec<String> {
        let need = self.count(|rank| rank < NEEDS_YOU);
        let mut opening = vec![match need {
            0 => "Nothing to do: everything in this mail is done.".into(),
            1 => "1 report needs your attention. What to do is below, with its cause.".into(),
            _ => format!(
                "{} reports need your attention. What to do is below, once for each cause.",
                grouped(need)
            ),
        }];
        let oldest = self.parts.iter().map(|part| part.created).min().unwrap_or(now);
        if now.duration_since(oldest) > LATE {
            let why = self.delayed_by.as_deref().map_or_else(String::new, |why| {
                format!(" The mail server said: {}.", shown(why.trim_end_matches('.')))
            });
            let hours = now.duration_since(oldest).as_hours().max(0);
            opening.push(format!(
                "This mail is late: its oldest report waited {} before it could be sent.{why}",
                count(u64::try_from(hours).unwrap_or(0), "hour")
            ));
        }
        opening
    }

    /// The runs, by how bad it is and by cause; causes that many share come first.
    fn groups(&self, sections: &mut Vec<Section>) {
        let mut groups: Vec<(usize, &str, Vec<&Part>)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for part in &self.parts {
            let key = (rank(part.gist.verdict), part.gist.cause.as_str());
            let place = *places.entry(key).or_insert_with(|| {
                groups.push((key.0, key.1, Vec::new()));
                groups.len() - 1
            });
            if let Some((_, _, parts)) = groups.get_mut(place) {
                parts.push(part);
            }
        }
        groups.sort_by_key(|(rank, _, parts)| (*rank, std::cmp::Reverse(parts.len())));
        let mut room = MOST_LINES;
        let mut unsaid = 0;
        for (rank, cause, parts) in &groups {
            if room == 0 {
                unsaid += parts.len();
                continue;
            }
            let listed = parts.len().min(MOST_OF_ONE).min(room);
            room -= listed;
            sections.push(group((*rank, cause), parts, listed));
        }
        if unsaid > 0 {
            let heading = format!("and {} more, each with its report", grouped(number(unsaid)));
            sections.push(Section { heading, ..Section::default() });
        }
    }

    fn undelivered(&self) -> Option<Section> {
        if self.dead.is_empty() {
            return None;
        }
        let heading = format!("Mails to you that could not be delivered ({})", self.dead.len());
        let entries = self.dead.iter().take(MOST_OF_ONE).map(|(gist, why)| Entry {
            what: format!("{}: {}", line(gist), shown(why)),
            note: None,
        });
        Some(Section { heading, entries: entries.collect(), ..Section::default() })
    }
}

/// Puts runs that ended in one way, for one cause, into words; so many are listed.
fn group((rank, cause): (usize, &str), parts: &[&Part], listed: usize) -> Section {
    let label = LABELS.get(rank).copied().unwrap_or_default();
    let total = grouped(number(parts.len()));
    let heading = match cause {
        "" => format!("{label} ({total})"),
        cause => format!("{label} ({total}): {}", shown(cause)),
    };
    let todo = parts.first().map(|part| shown(&part.gist.todo)).filter(|todo| !todo.is_empty());
    let entry = |part: &&Part| Entry { what: line(&part.gist), note: None };
    let rest = parts.len() - listed;
    Section {
        heading,
        todo,
        entries: parts.iter().take(listed).map(entry).collect(),
        more: (rest > 0).then(|| format!("and {} more", grouped(number(rest)))),
        ..Section::default()
    }
}

/// Says in a line what a mail was about.
pub(super) fn line(gist: &Gist) -> String {
    match &gist.run {
        Some(run) => format!("{}: {}", shown(run), shown(&gist.outcome)),
        None => shown(&gist.outcome),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Fault;
    use crate::report::{samples, text};

    fn now() -> Timestamp {
        "2026-12-01T06:00:00Z".parse().unwrap()
    }

    fn part(n: usize, verdict: Verdict) -> Part {
        let mut log = samples::log(verdict);
        log.run = format!("tops-{n}");
        Part { mid: format!("tops-{n}.report.0"), created: log.end, gist: text::gist(&log) }
    }

    fn letter(digest: &Digest) -> Letter {
        digest.letter(&samples::mail(), &Address::parse("mia@studio.example").unwrap(), now())
    }

    #[test]
    fn what_to_do_comes_first_and_causes_stand_together() {
        let mut digest = Digest::default();
        for (n, verdict) in Verdict::ALL.into_iter().chain([Verdict::Fatal; 3]).enumerate() {
            digest.parts.push(part(n, verdict));
        }
        digest.dead.push((digest.parts[0].gist.clone(), "5.7.1 spam".into()));
        let letter = letter(&digest);
        insta::assert_snapshot!(
            "digest",
            format!("Subject: {}\n\n{}", letter.subject, letter.text)
        );
        assert_eq!(letter.matter, Matter::Digest { reports: 10 });
        let html = letter.html.unwrap();
        for word in letter.text.split(|c: char| !c.is_alphanumeric()) {
            assert!(html.contains(word), "{word} is not in {html}");
        }
        assert!(html.contains(">tops-2: 2 of 3 need you<"));
    }

    #[test]
    fn ten_thousand_are_counted_and_the_mail_stays_small() {
        let mut digest = Digest::default();
        for n in 0..10_000 {
            let mut part = part(n, Verdict::Fatal);
            part.gist.cause = format!("cause {}", n % 700);
            digest.parts.push(part);
        }
        let letter = letter(&digest);
        assert!(
            letter.subject.ends_with("10,000 of 10,000 reports need you"),
            "{}",
            letter.subject
        );
        assert!(letter.text.contains("NOT exported, the job could not run         10,000\n"));
        assert!(letter.text.len() < 200_000, "{} bytes", letter.text.len());
        // Lines and what is said not to have one make the whole.
        let lines = letter.text.lines().filter(|line| line.starts_with("  - ")).count();
        let more: usize = letter
            .text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("and ")?.split(' ').next())
            .map(|n| n.replace(',', "").parse::<usize>().unwrap())
            .sum();
        assert_eq!(lines + more, 10_000);
    }

    proptest::proptest! {
        #[test]
        fn nothing_in_a_digest_adds_or_takes_a_header(
            run in proptest::prelude::any::<String>(), cause in proptest::prelude::any::<String>(),
        ) {
            let mut part = part(1, Verdict::Fatal);
            part.gist.run = Some(run.clone());
            part.gist.outcome = format!("{cause}\r\nBcc: x");
            part.gist.cause = cause;
            part.mid = run;
            let digest = Digest { parts: vec![part], ..Digest::default() };
            let bytes = crate::report::smtp::render(&letter(&digest)).unwrap();
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
            let names: Vec<&str> = lines.filter_map(|line| line.split(':').next()).collect();
            proptest::prop_assert_eq!(names, [
                "Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted",
                "X-Auto-Response-Suppress", "List-Id", "X-Exportd-Digest", "MIME-Version",
                "Content-Type",
            ]);
        }
    }

    #[test]
    fn a_late_digest_says_so() {
        let mut digest = Digest { parts: vec![part(1, Verdict::Clean)], ..Digest::default() };
        assert!(!letter(&digest).text.contains("late"));
        digest.parts[0].created = now() - SignedDuration::from_hours(9);
        digest.delayed_by = Some("4.3.2 the relay is being mended.".into());
        let text = letter(&digest).text.replace('\n', " ");
        assert!(text.contains("waited 9 hours"), "{text}");
        assert!(text.contains("4.3.2 the relay is being mended."), "{text}");
    }

    #[test]
    fn names_stay_in_their_line() {
        let mut log = samples::log(Verdict::Fatal);
        log.run = "a\r\nBcc: x\u{202e}".into();
        log.fatal = Some(Fault::Refused { line: 1, message: "x\n\n- y".into(), findings: 1 });
        let gist = text::gist(&log);
        let part = Part { mid: "a.report.0".into(), created: now(), gist: gist.clone() };
        let digest =
            Digest { parts: vec![part], dead: vec![(gist, "a\nb".into())], ..Digest::default() };
        let letter = letter(&digest);
        assert!(letter.text.chars().all(|c| c == '\n' || !crate::fs::is_invisible(c)));
        assert!(!letter.text.contains("\nBcc"), "{}", letter.text);
    }
}
