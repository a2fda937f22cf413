//! The webhook: when a run is over, a small JSON document is posted to one address.
//!
//! ```text
//! mail/webhook/waiting/   to be posted     <id>.json   the document, byte for byte as it goes out,
//! mail/webhook/sent/      taken                        and when, how often, what was answered
//! mail/webhook/dead/      refused for good, or older than five days
//! ```
//!
//! A call is named after its run, so reporting a run twice posts once, and each record is replaced
//! whole. It is posted until the receiver says that it has it: at least once, and after a crash
//! between its answer and our note of it, once more under the same `webhook-id`. Head and signature
//! are those of the Standard Webhooks specification (<https://www.standardwebhooks.com>), so that
//! its libraries can check them.
//!
//! What the receiver says of one document (413, 415, 422) ends that call. Everything else means that
//! it takes none now: the calls wait, and one finds out, after 1, 1 and then every 5 minutes, and not
//! before `Retry-After` says, within an hour. Nothing waits for a call: jobs go on, and mail too.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Report;
use crate::fs::{remove_temporaries, replace, sha256, sync_dir, write_atomic};
use crate::pulse::Pulse;

mod call;
mod caller;
mod event;
mod round;
mod signature;

pub use call::{Answer, Meaning};
pub use caller::caller_main;
pub use signature::key;

/// Records are ours alone.
const MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// Where and how runs are told about: the configuration's `[webhook]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    /// `mail/webhook/`.
    pub folder: PathBuf,
    /// The address, `https://…`; `http://…` on loopback only.
    pub url: String,
    /// Where the key of the signature is read from, at each call: `secret_file`, or the systemd
    /// credential `webhook-secret`. Without one calls are not signed.
    pub secret_file: Option<PathBuf>,
    /// Further trusted certificates, PEM.
    pub ca_file: Option<PathBuf>,
    /// How long one call may take.
    pub timeout: Duration,
}

/// Why `[webhook]` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Something else, or nothing that an address is made of.
    #[error("url: expected an address such as \"https://hooks.studio.example/exportd\"")]
    NoAddress,
    /// No encryption on a network.
    #[error("url: http:// is allowed on the loopback interface only; use https://")]
    PlainOffLoopback,
    /// A password in the address would be in every list of the configuration.
    #[error("url: no user and password in an address; calls are signed with secret_file instead")]
    Credentials,
}

impl WebhookSettings {
    /// Finds what can be known to be wrong without calling.
    ///
    /// # Errors
    /// See [`UrlError`].
    pub fn check(url: &str) -> Result<(), UrlError> {
        let (scheme, _) = url.split_once("://").ok_or(UrlError::NoAddress)?;
        let authority = authority_of(url);
        if authority.contains('@') {
            return Err(UrlError::Credentials);
        }
        let printable =
            |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '#');
        let host = host_of(authority);
        let port = authority.strip_prefix(host).and_then(|rest| rest.strip_prefix(':'));
        if host.is_empty()
            || !url.chars().all(printable)
            || port.is_some_and(|port| port.parse::<u16>().is_err())
        {
            return Err(UrlError::NoAddress);
        }
        match scheme {
            "https" => Ok(()),
            "http" if is_loopback(host) => Ok(()),
            "http" => Err(UrlError::PlainOffLoopback),
            _ => Err(UrlError::NoAddress),
        }
    }

    /// Returns the host of the address, an IPv6 address in brackets. The rest of an address may be
    /// a secret, so this is what is said of it.
    #[must_use]
    pub fn host(&self) -> &str {
        host_of(authority_of(&self.url))
    }

    /// Returns the port of the address.
    #[must_use]
    pub fn port(&self) -> u16 {
        let named = authority_of(&self.url).strip_prefix(self.host());
        let named = named.and_then(|port| port.strip_prefix(':'));
        let usual = if self.url.starts_with("http:") { 80 } else { 443 };
        named.and_then(|port| port.parse().ok()).unwrap_or(usual)
    }
}

fn authority_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn host_of(authority: &str) -> &str {
    match authority.split_once(']') {
        Some((v6, _)) if authority.starts_with('[') => &authority[..=v6.len()],
        _ => authority.split(':').next().unwrap_or_default(),
    }
}

fn is_loopback(host: &str) -> bool {
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

/// Where a call is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// To be posted.
    Waiting,
    /// Taken.
    Sent,
    /// Given up.
    Dead,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Sent, Self::Dead];

    const fn folder(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Dead => "dead",
        }
    }
}

/// One call: what is posted, and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// The run it is about.
    pub run: String,
    /// When it was queued.
    pub created: Timestamp,
    /// How often it was posted.
    pub attempts: u32,
    /// Not to be posted before.
    pub next_try: Timestamp,
    /// The last status of HTTP that was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_status: Option<u16>,
    /// The last thing that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_text: Option<String>,
    /// When it was taken or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// The document.
    pub body: String,
}

impl Call {
    /// Says what was answered last, in one line.
    #[must_use]
    pub fn words(&self) -> String {
        let status = self.last_status.map_or_else(String::new, |status| format!("{status} "));
        format!("{status}{}", self.last_text.as_deref().unwrap_or_default()).trim().to_owned()
    }
}

/// One call, for `exportd webhook list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its name, also in the head `webhook-id`.
    pub id: String,
    /// Where it is.
    pub state: State,
    /// What is known about it.
    #[serde(flatten)]
    pub call: Call,
}

/// The queue of calls. One process posts; others may look at it and have calls posted again.
#[derive(Debug)]
pub struct Webhook {
    settings: WebhookSettings,
    program: PathBuf,
    round: Mutex<round::Round>,
    /// Of the thread whose round it is.
    pulse: Pulse,
}

impl Webhook {
    /// Opens the queue as its owner: makes its folders and clears what a crash left half done.
    ///
    /// `program` is our own executable, which is started as the caller.
    ///
    /// # Errors
    /// The system's; `InvalidInput` when the address cannot be used.
    pub fn open(settings: WebhookSettings, program: PathBuf) -> io::Result<Self> {
        let webhook = Self::attach(settings, program)?;
        for state in State::ALL {
            remove_temporaries(&webhook.settings.folder.join(state.folder()), |_| true)?;
        }
        Ok(webhook)
    }

    /// Opens the queue beside its owner: nothing that may be half done is touched.
    ///
    /// # Errors
    /// As [`Webhook::open`].
    pub fn attach(settings: WebhookSettings, program: PathBuf) -> io::Result<Self> {
        WebhookSettings::check(&settings.url)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        for state in State::ALL {
            let folder = settings.folder.join(state.folder());
            fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
        }
        sync_dir(&settings.folder)?;
        Ok(Self { settings, program, round: Mutex::default(), pulse: Pulse::default() })
    }

    /// Goes on where another left off, if it is about the same address: what is known of the receiver
    /// outlives a reload.
    #[must_use]
    pub fn after(mut self, other: &Self) -> Self {
        if self.settings.url == other.settings.url
            // One that is at work has to be left alone.
            && let Ok(mut round) = other.round.try_lock()
        {
            self.round = Mutex::new(std::mem::take(&mut *round));
        }
        self
    }

    /// Returns what tells whether a round of calls hangs.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Returns its settings.
    #[must_use]
    pub const fn settings(&self) -> &WebhookSettings {
        &self.settings
    }

    /// Writes down, durably, that a run is to be told of; tells whether that is new.
    ///
    /// # Errors
    /// The system's.
    pub fn announce(&self, report: &Report<'_>) -> io::Result<bool> {
        let log = report.log;
        let id = id(&super::round(&log.run, log.resumed));
        if State::ALL.iter().any(|&state| self.path(state, &id).exists()) {
            return Ok(false);
        }
        let call = Call {
            run: log.run.clone(),
            created: log.end,
            attempts: 0,
            next_try: log.end,
            last_status: None,
            last_text: None,
            ended: None,
            body: event::of_run(report)?,
        };
        self.write(State::Waiting, &id, &call)?;
        Ok(true)
    }

    /// Posts a test document now, past the queue, and returns what was answered.
    #[must_use]
    pub fn test(&self, now: Timestamp) -> Answer {
        let id = id(&format!("test {}", now.as_nanosecond()));
        call::post(&self.program, &self.settings, (&id, &event::of_test(now)), now)
    }

    /// Lists every call, by state and name. What cannot be read is left out.
    ///
    /// # Errors
    /// The system's.
    pub fn list(&self) -> io::Result<Vec<Item>> {
        let mut items = Vec::new();
        for state in State::ALL {
            for id in self.ids(state)? {
                if let Ok(call) = self.read(state, &id) {
                    items.push(Item { id, state, call });
                }
            }
        }
        Ok(items)
    }

    /// Has a call that was given up posted again, as if it were new.
    ///
    /// # Errors
    /// `NotFound` when none of that name was given up, else the system's.
    pub fn retry(&self, id: &str, now: Timestamp) -> io::Result<()> {
        if !is_id(id) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut call = self.read(State::Dead, id)?;
        (call.attempts, call.created, call.next_try, call.ended) = (0, now, now, None);
        // It is in one place all the time.
        self.write(State::Dead, id, &call)?;
        replace(&self.path(State::Dead, id), &self.path(State::Waiting, id))
    }

    /// Moves a call: what came of it is written first, then it changes its place. On a full disk it
    /// changes its place as it is: where it lies says the most.
    fn shift(&self, id: &str, to: State, call: &Call) -> io::Result<()> {
        let written = self.write(State::Waiting, id, call);
        if to == State::Waiting {
            return written;
        }
        replace(&self.path(State::Waiting, id), &self.path(to, id))
    }

    fn write(&self, state: State, id: &str, call: &Call) -> io::Result<()> {
        let mut bytes = serde_json::to_vec_pretty(call)?;
        bytes.push(b'\n');
        write_atomic(&self.path(state, id), &bytes, MODE)
    }

    fn read(&self, state: State, id: &str) -> io::Result<Call> {
        Ok(serde_json::from_slice(&fs::read(self.path(state, id))?)?)
    }

    fn ids(&self, state: State) -> io::Result<Vec<String>> {
        let mut out = Vec::new();
        for entry in fs::read_dir(self.settings.folder.join(state.folder()))? {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
            out.extend(id.filter(|id| is_id(id)).map(str::to_owned));
        }
        out.sort_unstable();
        Ok(out)
    }

    fn path(&self, state: State, id: &str) -> PathBuf {
        path(&self.settings.folder, state, id)
    }
}

/// Says where a call's record is.
#[must_use]
pub fn path(folder: &Path, state: State, id: &str) -> PathBuf {
    folder.join(state.folder()).join(format!("{id}.json"))
}

/// Names a call.
fn id(about: &str) -> String {
    format!("exportd_{}", &sha256(about.as_bytes())[..24])
}

fn is_id(text: &str) -> bool {
    text.strip_prefix("exportd_").is_some_and(|hash| {
        hash.len() == 24 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

impl Webhook {
    fn round(&self) -> std::sync::MutexGuard<'_, round::Round> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
