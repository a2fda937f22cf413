//! What whoever runs the daemon is told about the daemon itself.
//!
//! The outbox takes its letters ([`super::outbox::Outbox::to_operators`]). A notice is named after its
//! incident, so that one incident is told once, however often it is noticed.

use std::path::Path;

use jiff::Timestamp;

use super::bulletin::{Bulletin, Entry, Section, capital};
use super::digest::line;
use super::html::{self, Html};
use super::sheet::Row;
use super::text::{count, grouped, number};
use super::{Address, Event, Gist, Letter, MailSettings, Matter, Mid};
use crate::diag::shown;
use crate::fs::sha256;

/// Why it comes to its reader.
const WHY: &str = "You are receiving this mail because mail.to in the configuration of exportd names you as \
                   whoever looks after it.";
/// So many mails are named one by one.
const MOST_LISTED: usize = 100;

/// Something that whoever runs the daemon should know.
#[derive(Debug, Clone, Copy)]
pub enum Notice<'a> {
    /// The drop folder has been out of reach for a while.
    DropGone {
        /// Where it should be.
        folder: &'a Path,
        /// Since when; names the incident.
        since: Timestamp,
        /// What the system says.
        reason: &'a str,
    },
    /// A disk is full, and jobs wait for room.
    DiskFull {
        /// A folder on it.
        folder: &'a Path,
        /// Since when; names the incident.
        since: Timestamp,
    },
    /// Something in the spool could not be used and lies elsewhere now.
    PutAside {
        /// What was found, below the spool.
        found: &'a str,
        /// Where it is now, below the spool.
        moved_to: &'a str,
        /// Why; lower case, no full stop.
        reason: &'a str,
    },
    /// A template of mails or pages cannot be used, and the shipped one is used instead.
    BadTemplate {
        /// Where it is.
        file: &'a Path,
        /// Why; lower case, no full stop.
        reason: &'a str,
    },
    /// The webhook has taken no call for a while.
    WebhookSilent {
        /// Its host.
        host: &'a str,
        /// Since when; names the incident.
        since: Timestamp,
        /// What was said last.
        reason: &'a str,
    },
    /// Calls of the webhook will not be made again.
    CallsGivenUp {
        /// Its host.
        host: &'a str,
        /// The run of the first; names the incident.
        run: &'a str,
        /// How many.
        given_up: usize,
        /// What was said last.
        reason: &'a str,
    },
}

impl Notice<'_> {
    /// One word for it, for programs that sort mail.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::DropGone { .. } => "drop-gone",
            Self::DiskFull { .. } => "disk-full",
            Self::PutAside { .. } => "put-aside",
            Self::BadTemplate { .. } => "bad-template",
            Self::WebhookSilent { .. } => "webhook-silent",
            Self::CallsGivenUp { .. } => "calls-given-up",
        }
    }

    /// What makes two notices the same incident.
    fn incident(&self) -> String {
        let key = match self {
            Self::DropGone { folder, since, .. } | Self::DiskFull { folder, since } => {
                format!("{} {since}", folder.display())
            }
            Self::PutAside { found, moved_to, .. } => format!("{found} {moved_to}"),
            Self::BadTemplate { file, reason } => format!("{} {reason}", file.display()),
            Self::WebhookSilent { host, since, .. } => format!("{host} {since}"),
            Self::CallsGivenUp { host, run, .. } => format!("{host} {run}"),
        };
        format!("{}-{}", self.word(), &sha256(key.as_bytes())[..12])
    }

    fn outcome(&self) -> String {
        match self {
            Self::DropGone { folder, .. } => {
                format!("the drop folder {} cannot be read", shown(&folder.to_string_lossy()))
            }
            Self::DiskFull { folder, .. } => {
                format!(
                    "the disk of {} is full; jobs are waiting",
                    shown(&folder.to_string_lossy())
                )
            }
            Self::PutAside { found, .. } => {
                format!("exportd set aside a job it could not use ({})", shown(found))
            }
            Self::BadTemplate { file, .. } => {
                format!("the template {} cannot be used", shown(&file.to_string_lossy()))
            }
            Self::WebhookSilent { host, .. } => {
                format!("the webhook at {} does not accept calls", shown(host))
            }
            Self::CallsGivenUp { host, given_up, .. } => {
                let calls = count(number(*given_up), "call");
                format!("{calls} of the webhook at {} given up", shown(host))
            }
        }
    }

    fn todo(&self) -> &'static str {
        match self {
            Self::DropGone { .. } => {
                "Mount or create the folder again, or let the service read and write it. Nothing \
                 has to be restarted: exportd looks for it every few seconds and then takes what is \
                 in it."
            }
            Self::DiskFull { .. } => {
                "Make room on that disk. Nothing has to be restarted: jobs go on by themselves \
                 once there is room, and none is lost."
            }
            Self::PutAside { .. } => {
                "Look at it in the spool folder; exportd never deletes it. To have it tried again, \
                 stop the daemon, move the folder into queue/ and start it."
            }
            Self::BadTemplate { .. } => {
                "Correct the template, or remove it. Until then, mails and pages use the built-in \
                 design; what they say is the same, and none is held back."
            }
            Self::WebhookSilent { .. } => {
                "Read the answer below, and look at webhook.url and webhook.secret_file in the \
                 configuration; `exportd webhook test` tries it. Calls wait for five days and go out \
                 by themselves. Jobs and mail go on."
            }
            Self::CallsGivenUp { .. } => {
                "Read the answer below. Once the problem is fixed, `exportd webhook retry` makes a \
                 call again; the reports themselves are in the reports folder."
            }
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let path = |folder: &Path| folder.to_string_lossy().into_owned();
        match self {
            Self::DropGone { folder, since, reason } => vec![
                ("Folder", path(folder)),
                ("Since", since.to_string()),
                ("Because", (*reason).to_owned()),
            ],
            Self::DiskFull { folder, since } => {
                vec![("Folder", path(folder)), ("Since", since.to_string())]
            }
            Self::BadTemplate { file, reason } => {
                vec![("File", path(file)), ("Because", (*reason).to_owned())]
            }
            Self::WebhookSilent { host, since, reason } => vec![
                ("Host", (*host).to_owned()),
                ("Since", since.to_string()),
                ("Because", (*reason).to_owned()),
            ],
            Self::CallsGivenUp { host, run, reason, .. } => vec![
                ("Host", (*host).to_owned()),
                ("First run", (*run).to_owned()),
                ("Because", (*reason).to_owned()),
            ],
            Self::PutAside { found, moved_to, reason } => vec![
                ("Found", (*found).to_owned()),
                ("Now in", (*moved_to).to_owned()),
                ("Because", (*reason).to_owned()),
            ],
        }
    }

    /// Writes the letter to one operator.
    #[must_use]
    pub fn letter(&self, settings: &MailSettings, to: &Address, now: Timestamp) -> Letter {
        let facts = self.facts().into_iter().map(|(label, value)| Row::new(label, &value));
        let place =
            Section { heading: "Where".into(), facts: facts.collect(), ..Section::default() };
        let words = Words::new(self.outcome(), self.todo(), vec![place]);
        let mid = Mid::new(&self.incident(), Event::Notice, to);
        words.letter(settings, to, (mid, self.word(), now))
    }
}

/// A mail that did not arrive, or has not yet.
#[derive(Debug, Clone)]
pub(super) struct Missed {
    /// Its name.
    pub(super) mid: String,
    /// Whom it was for.
    pub(super) recipient: String,
    /// What it was about.
    pub(super) gist: Gist,
    /// What the relay said.
    pub(super) why: String,
    /// Whether it was given up; else it is tried further.
    pub(super) dead: bool,
}

/// Writes the letter to one operator about mails that did not arrive.
pub(super) fn undelivered(
    settings: &MailSettings,
    to: &Address,
    missed: &[Missed],
    now: Timestamp,
) -> Letter {
    let dead = missed.iter().filter(|mail| mail.dead).count();
    let late = missed.len() - dead;
    let of = |n: usize| count(number(n), "mail");
    let outcome = match (dead, late) {
        (dead, 0) => format!("{} could not be delivered", of(dead)),
        (0, late) => format!("{} still waiting after 4 hours", of(late)),
        (dead, late) => {
            format!("{} could not be delivered, {} still waiting", of(dead), grouped(number(late)))
        }
    };
    let todo = "Read the mail server's answer below. Once the problem is fixed, `exportd mail retry` \
                sends a mail again; the reports themselves are in the reports folder.";
    let mut sections = Vec::new();
    for (heading, wanted) in [("Given up", true), ("Still waiting; exportd keeps trying", false)] {
        let these: Vec<&Missed> = missed.iter().filter(|mail| mail.dead == wanted).collect();
        if these.is_empty() {
            continue;
        }
        let entries = these.iter().take(MOST_LISTED).map(|mail| Entry {
            what: format!("to {}: {}", shown(&mail.recipient), line(&mail.gist)),
            note: Some(shown(&mail.why)),
        });
        let rest = these.len().saturating_sub(MOST_LISTED);
        let more = || format!("and {} more, see `exportd mail list`", grouped(number(rest)));
        sections.push(Section {
            heading: format!("{heading} ({})", grouped(number(these.len()))),
            entries: entries.collect(),
            more: (rest > 0).then(more),
            ..Section::default()
        });
    }
    let mids: Vec<String> =
        missed.iter().map(|mail| format!("{} {}", mail.mid, mail.dead)).collect();
    let hash = sha256(mids.join("\n").as_bytes());
    let mid = Mid::new(&format!("undelivered-{}", &hash[..12]), Event::Undelivered, to);
    let words = Words::new(outcome, todo, sections);
    words.letter(settings, to, (mid, "undelivered", now))
}

/// Writes a letter that tests the way to the relay.
#[must_use]
pub fn test(settings: &MailSettings, to: &Address, now: Timestamp) -> Letter {
    let bulletin = Bulletin {
        headline: "Test".into(),
        tone: "good",
        opening: vec![
            "Nothing to do: this is a test that somebody asked for with `exportd mail test`."
                .into(),
        ],
        sections: Vec::new(),
        closing: None,
    };
    let words = Words { outcome: "test".into(), todo: String::new(), bulletin };
    let mid = Mid::new(&format!("test-{}", now.as_nanosecond()), Event::Test, to);
    words.letter(settings, to, (mid, "test", now))
}

/// What a notice says.
struct Words {
    outcome: String,
    todo: String,
    bulletin: Bulletin,
}

impl Words {
    /// Says what happened, what to do, and whatever else there is to whoever runs the daemon.
    fn new(outcome: String, todo: &str, sections: Vec<Section>) -> Self {
        let headline = capital(&outcome);
        let opening = vec![format!("{headline}. What to do: {todo}")];
        let closing = Some(WHY.into());
        let bulletin = Bulletin { headline, tone: "bad", opening, sections, closing };
        Self { outcome, todo: todo.into(), bulletin }
    }

    fn letter(
        self,
        settings: &MailSettings,
        to: &Address,
        (mid, word, now): (Mid, &'static str, Timestamp),
    ) -> Letter {
        let Html { part, broken } = html::notice(&self.bulletin, settings.templates.as_deref());
        Letter {
            from: settings.from.clone(),
            to: to.clone(),
            host: settings.host.clone(),
            mid,
            in_reply_to: None,
            date: now,
            matter: Matter::Notice { word },
            subject: format!("[exportd] {}", self.outcome),
            text: self.bulletin.text(),
            html: part,
            pictures: Vec::new(),
            broken,
            gist: Gist { outcome: self.outcome, todo: self.todo, ..Gist::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn an_incident_has_one_name_and_says_what_to_do() {
        let to = Address::operator();
        let since: Timestamp = "2026-12-01T06:00:00Z".parse().unwrap();
        let later = since + jiff::SignedDuration::from_mins(7);
        let folder = Path::new("/srv/exportd/drop");
        let gone = Notice::DropGone { folder, since, reason: "no such file" };
        let full = Notice::DiskFull { folder, since };
        let aside =
            Notice::PutAside { found: "queue/x", moved_to: "corrupt/x", reason: "no record" };
        let mut names = Vec::new();
        let template = Notice::BadTemplate { file: folder, reason: "line 2: no such name" };
        let (host, reason) = ("hooks.studio.example", "503 Busy");
        let silent = Notice::WebhookSilent { host, since, reason };
        let given_up = Notice::CallsGivenUp { host, run: "tops", given_up: 2, reason };
        for notice in [gone, full, aside, template, silent, given_up] {
            let letter = notice.letter(&samples::mail(), &to, since);
            assert_eq!(letter.mid, notice.letter(&samples::mail(), &to, later).mid);
            assert!(letter.text.contains("What to do: "), "{}", letter.text);
            assert!(letter.subject.starts_with("[exportd] "), "{}", letter.subject);
            names.push(letter.mid);
        }
        names.dedup();
        assert_eq!(names.len(), 6);
        let again = Notice::DropGone { folder, since: later, reason: "no such file" };
        assert_ne!(again.letter(&samples::mail(), &to, later).mid, names[0]);
    }
}
