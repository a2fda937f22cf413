//! One call, as the daemon makes it: by a child process, which is given so much time and no more.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::mpsc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{WebhookSettings, signature};
use crate::diag::shown;
use crate::report::child::spawn;

/// How long a child takes, beyond a call's limit, to say what came of it.
pub(super) const LEAVE: Duration = Duration::from_secs(5);
/// So many bytes of the child's answer are read.
const MOST_ANSWER: u64 = 64 << 10;
/// No receiver is obeyed that wants to be left alone for longer.
const LONGEST_REST: Duration = Duration::from_hours(1);

/// The first line on the child's stdin; the document follows.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) url: String,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) heads: Vec<(String, String)>,
    pub(super) limit_ms: u64,
}

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The status of HTTP, if there was an answer.
    pub status: Option<u16>,
    /// What the receiver or the system said, in one line.
    pub text: String,
    /// For how long the receiver wants to be left alone (`Retry-After`), in seconds.
    pub rest: Option<u64>,
}

/// What follows from an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The receiver has it.
    Taken,
    /// The receiver will never take this document.
    Refused,
    /// The receiver takes none now.
    Later,
}

impl Answer {
    pub(super) fn failed(text: &str) -> Self {
        Self { status: None, text: shown(text.trim()), rest: None }
    }

    /// Says what follows. Only what is about the document itself ends a call: a key or an address
    /// that is wrong can be mended (RFC 9110 §15.5).
    #[must_use]
    pub const fn meaning(&self) -> Meaning {
        match self.status {
            Some(200..=299) => Meaning::Taken,
            Some(413 | 415 | 422) => Meaning::Refused,
            _ => Meaning::Later,
        }
    }

    /// Returns for how long the receiver is left alone at its own wish.
    pub(super) fn rest(&self) -> Duration {
        Duration::from_secs(self.rest.unwrap_or(0)).min(LONGEST_REST)
    }

    /// Says it in one line: the status first.
    #[must_use]
    pub fn words(&self) -> String {
        let status = self.status.map_or_else(String::new, |status| format!("{status} "));
        format!("{status}{}", self.text).trim_end().to_owned()
    }
}

/// Posts one document and always comes back: at the latest after the timeout and [`LEAVE`].
pub(super) fn post(
    program: &Path,
    settings: &WebhookSettings,
    (id, body): (&str, &str),
    now: Timestamp,
) -> Answer {
    match order(settings, (id, body), now) {
        Ok(order) => run(program, settings.timeout + LEAVE, &order)
            .unwrap_or_else(|error| Answer::failed(&error.to_string())),
        Err(why) => Answer::failed(&why),
    }
}

/// Writes what the child is told.
fn order(
    settings: &WebhookSettings,
    (id, body): (&str, &str),
    now: Timestamp,
) -> Result<Vec<u8>, String> {
    let seconds = now.as_second();
    let mut heads = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("webhook-id".to_owned(), id.to_owned()),
        ("webhook-timestamp".to_owned(), seconds.to_string()),
    ];
    if let Some(file) = &settings.secret_file {
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("secret_file cannot be read: {error}"))?;
        let key = signature::key(&text)?;
        let signed = signature::sign(&key, id, seconds, body);
        let signed = signed.ok_or("secret_file cannot be used")?;
        heads.push(("webhook-signature".to_owned(), signed));
    }
    let order = Order {
        url: settings.url.clone(),
        ca_file: settings.ca_file.clone(),
        heads,
        limit_ms: u64::try_from(settings.timeout.as_millis()).unwrap_or(u64::MAX),
    };
    let mut bytes = serde_json::to_vec(&order).map_err(|error| error.to_string())?;
    bytes.push(b'\n');
    bytes.extend_from_slice(body.as_bytes());
    Ok(bytes)
}

/// A child that is gone, one way or the other, when this is dropped.
struct Caller(Child);

impl Drop for Caller {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Has a child make the call. The pipes have a thread of their own, because a child that neither
/// reads nor writes must not hold us up; the child's end is theirs.
fn run(program: &Path, limit: Duration, order: &[u8]) -> io::Result<Answer> {
    let mut caller = Caller(spawn(program, "caller")?);
    let pipes = (caller.0.stdin.take(), caller.0.stdout.take());
    let (Some(mut stdin), Some(stdout)) = pipes else {
        return Err(io::Error::other("the caller has no pipes"));
    };
    let (tell, told) = mpsc::channel();
    std::thread::scope(|scope| {
        std::thread::Builder::new().name("caller".into()).spawn_scoped(scope, move || {
            // A child that ended early has said why.
            let _ = stdin.write_all(order);
            drop(stdin);
            let mut answer = Vec::new();
            let _ = stdout.take(MOST_ANSWER).read_to_end(&mut answer);
            let _ = tell.send(answer);
        })?;
        let answer = told.recv_timeout(limit);
        drop(caller);
        match answer {
            Ok(answer) => serde_json::from_slice(&answer)
                .map_err(|_| io::Error::other("the caller ended without a result")),
            Err(_) => Ok(Answer::failed("it took too long")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: Option<u16>) -> Answer {
        Answer { status, ..Answer::failed("") }
    }

    #[test]
    fn only_what_is_about_the_document_ends_a_call() {
        for status in [200, 202, 204] {
            assert_eq!(answer(Some(status)).meaning(), Meaning::Taken, "{status}");
        }
        for status in [413, 415, 422] {
            assert_eq!(answer(Some(status)).meaning(), Meaning::Refused, "{status}");
        }
        for status in [301, 308, 400, 401, 403, 404, 408, 410, 429, 500, 503] {
            assert_eq!(answer(Some(status)).meaning(), Meaning::Later, "{status}");
        }
        assert_eq!(answer(None).meaning(), Meaning::Later);
    }

    #[test]
    fn a_receiver_rests_as_long_as_it_wants_within_an_hour() {
        let rest = |rest| Answer { rest, ..answer(Some(503)) }.rest();
        assert_eq!(rest(None), Duration::ZERO);
        assert_eq!(rest(Some(90)), Duration::from_secs(90));
        assert_eq!(rest(Some(u64::MAX)), Duration::from_hours(1));
    }

    #[test]
    fn a_caller_that_says_nothing_is_not_waited_for() {
        let limit = Duration::from_millis(300);
        let begun = std::time::Instant::now();
        // It reads nothing, says nothing, and would stay.
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("caller");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/caller.sh");
        std::os::unix::fs::symlink(script, &program).unwrap();
        let order = vec![b' '; 1 << 20];
        let came = run(&program, limit, &order).unwrap();
        assert_eq!(came, Answer::failed("it took too long"));
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        let error = run(Path::new("/bin/true"), limit * 50, b"").unwrap_err();
        assert_eq!(error.to_string(), "the caller ended without a result");
    }
}
