//! What people are told when a run is over: files in the report folder, and mail.
//!
//! Everything here is made from the [`JobLog`] and from [`crate::diag::Fault`]; nothing is looked
//! up again. [`sheet`] says what is to be said, [`locale`] has the words, [`text`] sets them as lines and
//! [`html`] as a page, [`folder`] has the files below `reports/RUN/`, [`smtp`] turns a [`Letter`] into
//! bytes and speaks to the relay (from a child process, see `child`), and [`outbox`] keeps what is to be sent until it
//! is; [`webhook`] does both for a call of an address. [`Channel`] is what the daemon sees of them.
//!
//! The order at the end of a run is: report folder, then outbox, then the spool's own record. Each
//! is durable before the next and does nothing when it was done before, so a run that is taken up
//! again after a crash is reported once.

use std::path::{Path, PathBuf};

use crate::job::log::{About, JobLog};
use crate::job::{EmailSetting, Fmt, MailContent, Verdict};

pub mod bulletin;
mod channel;
mod child;
pub mod csv;
pub mod daily;
pub mod digest;
pub mod folder;
pub mod html;
mod letter;
pub mod locale;
pub mod notice;
pub mod outbox;
pub mod pace;
pub mod page;
mod pictures;
pub mod reading;
mod settings;
pub mod sheet;
pub mod smtp;
pub mod text;
pub mod thumbnails;
pub mod webhook;
pub mod words;

pub use channel::{Channel, Delivery};
use html::Html;
pub use letter::{Event, Gist, Letter, Matter, Mid};
pub use notice::Notice;
pub use pace::Pace;
pub use pictures::Attached;
pub use settings::{MailSettings, Patience, SettingsError, SmtpSettings, Tls};
use sheet::Sheet;
pub use smtp::Address;
pub use webhook::WebhookSettings;

/// Longest HTML part in bytes that has pictures beside it.
const MOST_WITH_PICTURES: usize = 200 << 10;

/// Who may be mailed: `[users]` and `mail.to`. A manifest can name no address beyond these.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directory {
    /// The people.
    pub users: Vec<User>,
    /// Who is told when nobody else is known (`mail.to`).
    pub fallback: Vec<Address>,
}

/// One entry of `[users]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its key.
    pub handle: String,
    /// Where mail goes.
    pub addresses: Vec<Address>,
    /// The system user whose files are this person's (`unix_user`, looked up).
    pub uid: Option<u32>,
    /// Language of what this person reads where a manifest names none (`locale`), a tag of ours.
    pub locale: Option<&'static str>,
}

impl Directory {
    /// Finds whose run it is: `userHandle`, else the owner of the dropped file.
    fn user(&self, about: &About) -> Option<&User> {
        let named = about
            .user_handle
            .as_ref()
            .and_then(|handle| self.users.iter().find(|user| user.handle == *handle));
        let owner = || {
            about.submitter_uid.and_then(|uid| self.users.iter().find(|user| user.uid == Some(uid)))
        };
        named.or_else(owner)
    }

    /// Returns the language in which whoever a run is for reads, where the manifest names none.
    #[must_use]
    pub fn locale(&self, about: &About) -> Option<&'static str> {
        self.user(about)?.locale
    }

    /// Says to whom a run's mail goes: `userHandle`, else the owner of the dropped file, else
    /// `mail.to`, else `operator@localhost`. Nobody is named twice.
    #[must_use]
    pub fn recipients(&self, about: &About) -> Vec<Address> {
        let mut out: Vec<Address> = Vec::new();
        for address in self
            .user(about)
            .map(|user| user.addresses.as_slice())
            .filter(|addresses| !addresses.is_empty())
            .unwrap_or(&self.fallback)
        {
            if !out.iter().any(|known| known.mailbox().eq_ignore_ascii_case(address.mailbox())) {
                out.push(address.clone());
            }
        }
        if out.is_empty() {
            out.push(Address::operator());
        }
        out
    }
}

/// Where things are, as people reach them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    /// The output root.
    pub out: PathBuf,
    /// The root of report folders.
    pub reports: PathBuf,
    /// `path_prefixes`: a folder of this machine and the share under which others see it.
    pub shares: Vec<(PathBuf, String)>,
    /// A folder with templates that are used instead of the shipped ones.
    pub templates: Option<PathBuf>,
}

impl Places {
    /// Returns the folder of a run's outputs; `None` when it has none.
    #[must_use]
    pub fn output(&self, log: &JobLog) -> Option<PathBuf> {
        log.output_folder.as_ref().map(|folder| self.out.join(folder.as_path()))
    }

    /// Returns the folder of a run's report.
    #[must_use]
    pub fn report(&self, log: &JobLog) -> PathBuf {
        self.reports.join(&log.run)
    }

    /// Writes a path as Windows machines reach it: the longest prefix that is shared counts.
    #[must_use]
    pub fn share(&self, path: &Path) -> Option<String> {
        let (rest, share) = self
            .shares
            .iter()
            .filter_map(|(prefix, share)| Some((path.strip_prefix(prefix).ok()?, share)))
            .min_by_key(|(rest, _)| rest.components().count())?;
        let mut out = share.trim_end_matches(['\\', '/']).to_owned();
        for part in rest.components() {
            out.push('\\');
            out.push_str(&part.as_os_str().to_string_lossy());
        }
        Some(out)
    }
}

/// What a retry has to ask for again: the manifest's keys, without its handles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryRequest {
    /// `description`.
    pub description: Option<String>,
    /// `userHandle`.
    pub user_handle: Option<String>,
    /// `locale`.
    pub locale: Option<String>,
    /// `clientId`.
    pub client_id: Option<String>,
    /// `emailSetting`.
    pub email_setting: EmailSetting,
    /// `destination`.
    pub destination: Option<String>,
    /// `overwrite`.
    pub overwrite: bool,
    /// One for the whole manifest, or one for each `[[exportJob]]`.
    pub renditions: Vec<RetryRendition>,
}

/// What one rendition asks for, everything inherited from the top level filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryRendition {
    /// `rendition`; absent when the manifest has no `[[exportJob]]`.
    pub rendition: Option<String>,
    /// `fmt`.
    pub fmt: Fmt,
    /// `is_modifier`, as written.
    pub is_modifier: Option<String>,
    /// `macro`, as written.
    pub preset: Option<String>,
    /// `outputName`, as written.
    pub output_name: Option<String>,
}

/// Everything that is said about one run.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// What came of it.
    pub log: &'a JobLog,
    /// Where it lies.
    pub places: &'a Places,
    /// What `retry-failed.toml` asks for; without it no such file is written or spoken of.
    pub retry: Option<&'a RetryRequest>,
}

impl Report<'_> {
    /// Says what the mail about this run holds; `None` when the manifest's level asks for none. A
    /// manifest too broken to name its level is mailed.
    #[must_use]
    pub fn mail_content(&self) -> Option<MailContent> {
        let level = self.log.about.email_setting.unwrap_or(EmailSetting::All);
        level.wants(self.log.verdict())
    }

    /// Returns the folder with templates of whoever runs the daemon.
    #[must_use]
    pub fn templates(&self) -> Option<&Path> {
        self.places.templates.as_deref()
    }

    /// Tells whether `retry-failed.toml` belongs to this run.
    #[must_use]
    pub fn has_retry(&self) -> bool {
        self.retry.is_some()
            && matches!(self.log.verdict(), Verdict::Partial | Verdict::Failed | Verdict::Stopped)
            && self.log.counts().file_error_count > 0
    }

    /// Writes the letter to one recipient; `None` when the level asks for none.
    #[must_use]
    pub fn letter(&self, settings: &MailSettings, to: &Address) -> Option<Letter> {
        let content = self.mail_content()?;
        let log = self.log;
        let mut sheet = Sheet::new(self, content).mailed(log);
        let mut pictures = pictures::attach(&mut sheet, self, &settings.host);
        let templates = settings.templates.as_deref();
        let mut set = html::set(&sheet, templates);
        // A mail that would be too long goes without pictures rather than without its page.
        if set.part.as_ref().is_some_and(|part| part.len() > MOST_WITH_PICTURES) {
            pictures::detach(&mut sheet);
            pictures.clear();
            set = html::set(&sheet, templates);
        }
        let Html { part, broken } = set;
        Some(Letter {
            from: settings.from.clone(),
            to: to.clone(),
            host: settings.host.clone(),
            mid: Mid::new(&round(&log.run, log.resumed), Event::Report, to),
            in_reply_to: match log.resumed.checked_sub(1) {
                Some(before) => Some(Mid::new(&round(&log.run, before), Event::Report, to)),
                None => log
                    .about
                    .retry_of
                    .as_deref()
                    .map(|earlier| Mid::new(earlier, Event::Report, to)),
            },
            date: log.end,
            matter: Matter::Run { run: log.run.clone(), verdict: log.verdict() },
            subject: text::subject(log),
            text: text::letter(&sheet),
            pictures: if part.is_some() { pictures } else { Vec::new() },
            html: part,
            broken,
            gist: text::gist(log),
        })
    }
}

/// Names what a mail is about: a run, or what came of it after it was stopped and went on.
fn round(run: &str, resumed: u32) -> String {
    if resumed == 0 { run.to_owned() } else { format!("{run}-resumed-{resumed}") }
}

/// The samples are shared with the integration tests, which know this crate by its name.
#[cfg(test)]
extern crate self as exportd;
#[cfg(test)]
#[path = "../../tests/support/runs.rs"]
pub(crate) mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_shared_prefix_counts() {
        let places = Places {
            shares: vec![
                ("/srv".into(), r"\\nas\all".into()),
                ("/srv/exportd".into(), r"\\nas\exports\".into()),
                ("/srv/exp".into(), r"\\nas\wrong".into()),
            ],
            ..Places::default()
        };
        let share = |path: &str| places.share(Path::new(path));
        assert_eq!(share("/srv/exportd/out/a b").as_deref(), Some(r"\\nas\exports\out\a b"));
        assert_eq!(share("/srv/other").as_deref(), Some(r"\\nas\all\other"));
        assert_eq!(share("/srv/exportd").as_deref(), Some(r"\\nas\exports"));
        assert_eq!(share("/var/out"), None);
    }

    #[test]
    fn the_mail_goes_to_whom_the_configuration_knows() {
        let address = |text| Address::parse(text).unwrap();
        let mut directory = Directory {
            users: vec![
                User {
                    handle: "mia".into(),
                    addresses: vec![
                        address("Mia <mia@studio.example>"),
                        address("mia@Studio.example"),
                    ],
                    uid: Some(1000),
                    locale: Some("zh-Hant"),
                },
                User {
                    handle: "tom".into(),
                    addresses: vec![address("tom@studio.example")],
                    uid: None,
                    locale: None,
                },
            ],
            fallback: vec![address("ops@studio.example")],
        };
        let mut about = samples::about();
        let to = |directory: &Directory, about: &About| -> Vec<String> {
            directory.recipients(about).iter().map(|a| a.mailbox().to_owned()).collect()
        };
        about.user_handle = Some("tom".into());
        about.submitter_uid = Some(1000);
        assert_eq!(directory.locale(&about), None, "tom reads the mail");
        assert_eq!(to(&directory, &about), ["tom@studio.example"]);
        about.user_handle = None;
        assert_eq!(to(&directory, &about), ["mia@studio.example"]);
        assert_eq!(directory.locale(&about), Some("zh-Hant"));
        about.submitter_uid = Some(4);
        assert_eq!(to(&directory, &about), ["ops@studio.example"]);
        directory.fallback.clear();
        assert_eq!(to(&directory, &about), ["operator@localhost"]);
    }
}
