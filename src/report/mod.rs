//! What people are told when a run is over: files in the report folder, and mail.
//!
//! Everything here is made from the [`JobLog`] and from [`crate::diag::Fault`]; nothing is looked
//! up again. [`sheet`] says what is to be said, [`text`] has the words, [`html`] the mail as a page,
//! [`folder`] the files below `reports/RUN/`, [`smtp`] turns a
//! [`Letter`] into bytes and speaks to the relay (from a child process), and [`outbox`] keeps what
//! is to be sent until it is.
//!
//! The order at the end of a run is: report folder, then outbox, then the spool's own record. Each
//! is durable before the next and does nothing when it was done before, so a run that is taken up
//! again after a crash is reported once.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fs::sha256;
use crate::job::log::{About, JobLog};
use crate::job::{EmailSetting, Fmt, MailContent, Verdict};

pub mod digest;
pub mod folder;
pub mod html;
pub mod notice;
pub mod outbox;
pub mod pace;
pub mod reading;
pub mod sheet;
pub mod smtp;
pub mod text;

use html::{Broken, Html};
pub use notice::Notice;
pub use pace::Pace;
use sheet::Sheet;
pub use smtp::Address;

/// How mail leaves: the configuration's `[mail]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpSettings {
    /// Relay.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Whether and when the connection is encrypted.
    pub tls: Tls,
    /// User for AUTH; none is sent without it.
    pub user: Option<String>,
    /// Where the password is read from, at each sending: `password_file`, or the systemd
    /// credential `smtp-password`.
    pub password_file: Option<PathBuf>,
    /// Further trusted certificates, PEM.
    pub ca_file: Option<PathBuf>,
    /// How long the relay is waited for.
    pub patience: Patience,
}

/// How the connection to the relay is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Not at all; loopback only.
    None,
    /// STARTTLS, required.
    Starttls,
    /// From the first byte.
    Implicit,
}

/// Wall-clock limits of one transaction, however the relay spends the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// From the connection to the last byte of the message.
    pub transaction: Duration,
    /// For the answer to the final dot. RFC 5321 §4.5.3.2.6 asks for 10 minutes, because giving up
    /// earlier makes duplicates.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { transaction: Duration::from_mins(5), answer: Duration::from_mins(10) }
    }
}

/// Why `[mail]` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No encryption on a network.
    #[error(
        "tls = \"none\" is allowed on the loopback interface only, and \"{0}\" is not on it; use \"starttls\" or \"implicit\""
    )]
    PlainOffLoopback(String),
    /// A user but no password.
    #[error("user \"{0}\" has no password: set password_file or the credential smtp-password")]
    NoPassword(String),
    /// A host that is no host name.
    #[error("\"{0}\" is not a host name")]
    BadHost(String),
    /// A sender that is no address.
    #[error("from: {0}")]
    BadFrom(#[from] smtp::AddressError),
}

impl SmtpSettings {
    /// Finds what can be known to be wrong without speaking to the relay.
    ///
    /// # Errors
    /// See [`SettingsError`].
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.tls == Tls::None && !is_loopback(&self.host) {
            return Err(SettingsError::PlainOffLoopback(self.host.clone()));
        }
        match (&self.user, &self.password_file) {
            (Some(user), None) => Err(SettingsError::NoPassword(user.clone())),
            _ => Ok(()),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

/// Everything the outbox needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSettings {
    /// `mail/`.
    pub folder: PathBuf,
    /// The relay; without one messages end in `mail/sent/` unsent.
    pub smtp: Option<SmtpSettings>,
    /// `From:`.
    pub from: String,
    /// Host part of Message-IDs and `List-Id`, and what we call ourselves towards the relay.
    pub host: String,
    /// Who is told about the daemon itself (`mail.to`); without anybody `operator@localhost`.
    pub operators: Vec<Address>,
    /// How much leaves in what time.
    pub pace: Pace,
    /// A folder with templates that are used instead of the shipped ones.
    pub templates: Option<PathBuf>,
}

impl MailSettings {
    /// Returns who is told about the daemon itself.
    #[must_use]
    pub fn operators(&self) -> Vec<Address> {
        if self.operators.is_empty() { vec![Address::operator()] } else { self.operators.clone() }
    }

    /// Finds what can be known to be wrong without speaking to the relay.
    ///
    /// # Errors
    /// See [`SettingsError`].
    pub fn check(&self) -> Result<(), SettingsError> {
        Address::parse(&self.from)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if self.host.split('.').any(str::is_empty) || !self.host.chars().all(fits) {
            return Err(SettingsError::BadHost(self.host.clone()));
        }
        self.smtp.as_ref().map_or(Ok(()), SmtpSettings::check)
    }
}

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
}

impl Directory {
    /// Says to whom a run's mail goes: `userHandle`, else the owner of the dropped file, else
    /// `mail.to`, else `operator@localhost`. Nobody is named twice.
    #[must_use]
    pub fn recipients(&self, about: &About) -> Vec<Address> {
        let named = about
            .user_handle
            .as_ref()
            .and_then(|handle| self.users.iter().find(|user| user.handle == *handle));
        let owner = || {
            about.submitter_uid.and_then(|uid| self.users.iter().find(|user| user.uid == Some(uid)))
        };
        let mut out: Vec<Address> = Vec::new();
        for address in named
            .or_else(owner)
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
        let sheet = Sheet::new(self, content).mailed(log);
        let Html { part, broken } = html::set(&sheet, settings.templates.as_deref());
        Some(Letter {
            from: settings.from.clone(),
            to: to.clone(),
            host: settings.host.clone(),
            mid: Mid::new(&log.run, Event::Report, to),
            in_reply_to: log
                .about
                .retry_of
                .as_deref()
                .map(|earlier| Mid::new(earlier, Event::Report, to)),
            date: log.end,
            matter: Matter::Run { run: log.run.clone(), verdict: log.verdict() },
            subject: text::subject(log),
            text: text::letter(&sheet),
            html: part,
            broken,
            gist: text::gist(log),
        })
    }
}

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The end of a run.
    Report,
    /// Many ends of runs in one mail.
    Digest,
    /// Something about the daemon itself.
    Notice,
    /// Other mails that did not arrive.
    Undelivered,
    /// A test of the way to the relay.
    Test,
}

impl Event {
    const fn word(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Digest => "digest",
            Self::Notice => "notice",
            Self::Undelivered => "undelivered",
            Self::Test => "test",
        }
    }
}

/// The name of one mail: `<run>.<event>.<first 8 hex of sha256(recipient)>`.
///
/// The same run, event and recipient give the same name, so a second enqueue is recognised. It is
/// a dot-atom of RFC 5322 in ASCII and at most 160 bytes long, fit for a file name and for the
/// left part of a Message-ID; a run whose name is not gets the first 8 hex of its hash instead of
/// what is lost.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mid(String);

impl Mid {
    const MOST_OF_RUN: usize = 120;

    /// Names a mail.
    #[must_use]
    pub fn new(run: &str, event: Event, to: &Address) -> Self {
        let mut kept = String::new();
        for c in run.chars() {
            let fits = c.is_ascii_alphanumeric() || c == '-' || c == '_';
            let dot = c == '.' && !kept.is_empty() && !kept.ends_with('.');
            if fits || dot {
                kept.push(c);
            }
        }
        kept.truncate(Self::MOST_OF_RUN);
        if kept.is_empty() || kept != run || kept.ends_with('.') {
            while kept.ends_with('.') {
                kept.pop();
            }
            kept.push('-');
            kept.push_str(&sha256(run.as_bytes())[..8]);
        }
        let recipient = &sha256(to.mailbox().to_lowercase().as_bytes())[..8];
        Self(format!("{kept}.{}.{recipient}", event.word()))
    }

    /// Takes a file's stem for what it is; `None` when it cannot be one of ours.
    #[must_use]
    pub fn from_stem(stem: &str) -> Option<Self> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let parts = stem.split('.').count();
        (parts >= 3 && stem.len() <= 200 && stem.chars().all(fits)).then(|| Self(stem.to_owned()))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether a name is that of a mail about such an event.
    #[must_use]
    pub fn is_about(mid: &str, event: Event) -> bool {
        mid.rsplit('.').nth(1) == Some(event.word())
    }
}

impl fmt::Display for Mid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One mail to one recipient, before it is bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// `From:`, as configured.
    pub from: String,
    /// The one recipient.
    pub to: Address,
    /// Host part of Message-IDs and `List-Id`.
    pub host: String,
    /// Its name, also in `Message-ID`.
    pub mid: Mid,
    /// The mail of the run that this one retries.
    pub in_reply_to: Option<Mid>,
    /// `Date:`; fixed, so that the same letter is the same bytes.
    pub date: Timestamp,
    /// What it is about.
    pub matter: Matter,
    /// `Subject:`.
    pub subject: String,
    /// The text part, complete in itself.
    pub text: String,
    /// The same as HTML, where there is such a part.
    pub html: Option<String>,
    /// Why it is not set by the template of whoever runs the daemon.
    pub broken: Option<Broken>,
    /// What a digest says of it.
    pub gist: Gist,
}

/// What a mail is about, as its headers say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matter {
    /// One run.
    Run {
        /// `X-Exportd-Run`.
        run: String,
        /// `X-Exportd-Verdict`.
        verdict: Verdict,
    },
    /// Many reports in one mail.
    Digest {
        /// `X-Exportd-Digest`: how many.
        reports: usize,
    },
    /// The daemon itself.
    Notice {
        /// `X-Exportd-Notice`: one word.
        word: &'static str,
    },
}

/// What a digest says of a mail that is folded into it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Gist {
    /// The run, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// How the run ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// How it ended, in a few words.
    pub outcome: String,
    /// Why. Runs that came to nothing for one cause stand together.
    pub cause: String,
    /// What to do about it; empty when nothing is.
    pub todo: String,
}

/// A way by which a finished run is told about.
#[derive(Debug)]
pub enum Channel {
    /// Mail, one letter a recipient; the outbox is shared with the thread that empties it.
    Mail(Arc<outbox::Outbox>),
}

impl Channel {
    /// Hands a report over, durably. Doing it again changes nothing.
    ///
    /// Returns how many letters are new.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn announce(&self, report: &Report<'_>, to: &[Address]) -> io::Result<usize> {
        match self {
            Self::Mail(outbox) => {
                let mut new = 0;
                for recipient in to {
                    let Some(letter) = report.letter(outbox.settings(), recipient) else {
                        continue;
                    };
                    if outbox.enqueue(&letter)? == outbox::Queued::New {
                        new += 1;
                    }
                    if let Some(broken) = &letter.broken {
                        self.tell_of_template(broken, letter.date);
                    }
                }
                Ok(new)
            }
        }
    }

    /// Tells of a template that cannot be used. The report itself is out, so this may fail.
    fn tell_of_template(&self, Broken { file, reason }: &Broken, now: Timestamp) {
        tracing::warn!(file = %file.display(), reason, "the template of the mail cannot be used");
        for letter in self.to_operators(&Notice::BadTemplate { file, reason }, now) {
            if let Err(error) = self.hand_over(&letter) {
                tracing::error!(%error, "the operator cannot be told");
            }
        }
    }

    /// Writes what whoever runs the daemon is told, a letter to each.
    #[must_use]
    pub fn to_operators(&self, notice: &Notice<'_>, now: Timestamp) -> Vec<Letter> {
        let Self::Mail(outbox) = self;
        let settings = outbox.settings();
        settings.operators().iter().map(|to| notice.letter(settings, to, now)).collect()
    }

    /// Hands a letter over, durably. The same incident is told once: a letter that is there already
    /// is not new.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn hand_over(&self, letter: &Letter) -> io::Result<outbox::Queued> {
        let Self::Mail(outbox) = self;
        outbox.enqueue(letter)
    }
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

    fn smtp(host: &str, tls: Tls) -> SmtpSettings {
        SmtpSettings { host: host.into(), tls, ..samples::nowhere() }
    }

    #[test]
    fn nothing_leaves_the_machine_in_the_clear() {
        for host in ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LocalHost"] {
            assert_eq!(smtp(host, Tls::None).check(), Ok(()), "{host}");
        }
        for host in ["mail.example", "10.0.0.1", "localhost.example", "128.0.0.1"] {
            let error = smtp(host, Tls::None).check().unwrap_err();
            assert_eq!(error, SettingsError::PlainOffLoopback(host.into()));
            assert_eq!(smtp(host, Tls::Starttls).check(), Ok(()));
        }
    }

    #[test]
    fn a_user_needs_a_password() {
        let mut settings = smtp("mail.example", Tls::Implicit);
        settings.user = Some("exportd".into());
        assert_eq!(settings.check(), Err(SettingsError::NoPassword("exportd".into())));
    }

    #[test]
    fn our_own_name_is_a_host_name() {
        let mut settings = samples::mail();
        assert_eq!(settings.check(), Ok(()));
        for host in ["", "a..b", "a b", "a>\r\nX-Evil: 1", "exämple.org", ".a"] {
            settings.host = host.into();
            assert_eq!(settings.check(), Err(SettingsError::BadHost(host.into())));
        }
    }

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
                },
                User {
                    handle: "tom".into(),
                    addresses: vec![address("tom@studio.example")],
                    uid: None,
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
        assert_eq!(to(&directory, &about), ["tom@studio.example"]);
        about.user_handle = None;
        assert_eq!(to(&directory, &about), ["mia@studio.example"]);
        about.submitter_uid = Some(4);
        assert_eq!(to(&directory, &about), ["ops@studio.example"]);
        directory.fallback.clear();
        assert_eq!(to(&directory, &about), ["operator@localhost"]);
    }

    #[test]
    fn a_mail_is_named_by_run_and_recipient() {
        let mia = Address::parse("Mia <Mia@studio.example>").unwrap();
        let same = Address::parse("mia@studio.example").unwrap();
        let tom = Address::parse("tom@studio.example").unwrap();
        let mid = Mid::new("tops_2026-12-01-06-00-00", Event::Report, &mia);
        assert!(mid.as_str().starts_with("tops_2026-12-01-06-00-00.report."), "{mid}");
        assert_eq!(mid, Mid::new("tops_2026-12-01-06-00-00", Event::Report, &same));
        assert_ne!(mid, Mid::new("tops_2026-12-01-06-00-00", Event::Report, &tom));
        assert_eq!(Mid::from_stem(mid.as_str()), Some(mid));
        let chinese = Mid::new("春_2026-12-01-06-00-00", Event::Report, &mia);
        assert_ne!(chinese, Mid::new("秋_2026-12-01-06-00-00", Event::Report, &mia));
        for run in ["春", "...", "a..b", "a.", "", &"x".repeat(240)] {
            let mid = Mid::new(run, Event::Report, &mia);
            assert!(mid.as_str().is_ascii() && mid.as_str().len() <= 160, "{mid}");
            assert!(mid.as_str().split('.').all(|part| !part.is_empty()), "{mid}");
        }
    }
}
