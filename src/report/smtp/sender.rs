//! The parent of the sending child: what it is told, how long it may take, what is heard from it.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Outcome, Phase};
use crate::report::{SmtpSettings, Tls};

/// How long the child may say good-bye after the result is known.
pub(super) const FAREWELL: Duration = Duration::from_secs(3);

/// What a child needs besides the message.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The sender, `name@domain`.
    pub from: &'a str,
    /// The one recipient, `name@domain`.
    pub to: &'a str,
    /// Our own host name, for EHLO.
    pub hello: &'a str,
}

/// The first line on the child's stdin. It holds the password, so it has no `Debug`.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Tls,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) hello: String,
    pub(super) from: String,
    pub(super) to: String,
    /// The child ends itself after so many milliseconds, should nobody else do it.
    pub(super) limit_ms: u64,
    /// Longest silence of the relay, in milliseconds: until the message goes out, and then.
    pub(super) silence_ms: u64,
    pub(super) answer_ms: u64,
}

/// A line on the child's stdout.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Word {
    /// This phase begins.
    Phase(Phase),
    /// It is over.
    Result(Outcome),
}

/// Sends one message through a child process and always comes back: at the latest after both
/// limits of [`crate::report::Patience`] and a few seconds.
///
/// `program` is our own executable.
#[must_use]
pub fn send(
    program: &Path,
    settings: &SmtpSettings,
    envelope: Envelope<'_>,
    message: &[u8],
) -> Outcome {
    send_watched(program, settings, envelope, message, &mut || {})
}

/// Sends as [`send`] does, and calls `at_the_dot` when doubt begins: from there on the relay may
/// have the message, whatever becomes of us.
pub fn send_watched(
    program: &Path,
    settings: &SmtpSettings,
    envelope: Envelope<'_>,
    message: &[u8],
    at_the_dot: &mut dyn FnMut(),
) -> Outcome {
    if let Err(error) = settings.check() {
        return Outcome::failed(Phase::Start, None, &error.to_string());
    }
    let order = match order(settings, envelope) {
        Ok(order) => order,
        Err(error) => {
            let what = format!("the password cannot be read: {error}");
            return Outcome::failed(Phase::Start, None, &what);
        }
    };
    let mut input = match serde_json::to_vec(&order) {
        Ok(line) => line,
        Err(error) => return Outcome::failed(Phase::Start, None, &error.to_string()),
    };
    input.push(b'\n');
    input.extend_from_slice(message);
    match spawn(program) {
        Ok(child) => converse(child, input, settings, at_the_dot),
        Err(error) => {
            let what = format!("the sender cannot be started: {error}");
            Outcome::failed(Phase::Start, None, &what)
        }
    }
}

fn order(settings: &SmtpSettings, envelope: Envelope<'_>) -> io::Result<Order> {
    let password = match (&settings.user, &settings.password_file) {
        (Some(_), Some(file)) => {
            let text = std::fs::read_to_string(file)?;
            Some(text.trim_end_matches(['\r', '\n']).to_owned())
        }
        _ => None,
    };
    let patience = settings.patience;
    let millis = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
    Ok(Order {
        host: settings.host.clone(),
        port: settings.port,
        tls: settings.tls,
        user: settings.user.clone(),
        password,
        ca_file: settings.ca_file.clone(),
        hello: envelope.hello.to_owned(),
        from: envelope.from.to_owned(),
        to: envelope.to.to_owned(),
        limit_ms: millis(patience.transaction + patience.answer + 2 * FAREWELL),
        silence_ms: millis(patience.transaction),
        answer_ms: millis(patience.answer),
    })
}

fn spawn(program: &Path) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.arg("mailer").env_clear().current_dir("/");
    // Where OpenSSL's certificates are, for machines that keep them elsewhere.
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
}

/// Feeds the child and listens to it until it ends or its time is over.
///
/// Both pipes have a thread of their own, because a child that does not read must not hold the
/// parent up; killing the child ends both.
fn converse(
    mut child: Child,
    input: Vec<u8>,
    settings: &SmtpSettings,
    at_the_dot: &mut dyn FnMut(),
) -> Outcome {
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return end(child, Outcome::failed(Phase::Start, None, "the sender has no pipes"));
    };
    let writer = thread::spawn(move || {
        // A child that ended early has said why, or will be asked how it ended.
        let _ = stdin.write_all(&input);
    });
    let (words, heard) = mpsc::channel();
    let reader = thread::spawn(move || listen(stdout, &words));

    let mut phase = Phase::Start;
    let mut limit = Instant::now() + settings.patience.transaction;
    let mut result = None;
    let late = loop {
        match heard.recv_timeout(limit.saturating_duration_since(Instant::now())) {
            Ok(Word::Phase(next)) => {
                phase = next;
                if next == Phase::Dot {
                    limit = Instant::now() + settings.patience.answer;
                    at_the_dot();
                }
            }
            Ok(Word::Result(outcome)) => {
                result = Some(outcome);
                limit = Instant::now() + FAREWELL;
            }
            Err(RecvTimeoutError::Timeout) => break true,
            Err(RecvTimeoutError::Disconnected) => break false,
        }
    };
    let _ = child.kill();
    let how = child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
    let _ = (writer.join(), reader.join());
    result.unwrap_or_else(|| {
        let what = if late {
            "the relay took too long".to_owned()
        } else {
            format!("the sender ended without a result ({how})")
        };
        Outcome::failed(phase, None, &what)
    })
}

fn end(mut child: Child, outcome: Outcome) -> Outcome {
    let _ = child.kill();
    let _ = child.wait();
    outcome
}

fn listen(stdout: ChildStdout, words: &mpsc::Sender<Word>) {
    // The child writes some ten lines; what is longer does not come from it.
    for line in BufReader::new(stdout.take(1 << 16)).lines() {
        let Ok(line) = line else { return };
        let Ok(word) = serde_json::from_str(&line) else { return };
        if words.send(word).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::smtp::Class;

    #[test]
    fn a_missing_sender_is_not_the_mails_fault() {
        let settings = crate::report::samples::nowhere();
        let envelope = Envelope { from: "a@b.example", to: "c@d.example", hello: "b.example" };
        let program = Path::new("/nonexistent/exportd");
        let outcome = send(program, &settings, envelope, b"");
        assert_eq!((outcome.phase, outcome.class), (Phase::Start, Class::Relay));
        // A program that is not ours ends without a word.
        let outcome = send(Path::new("/bin/true"), &settings, envelope, b"");
        assert_eq!((outcome.phase, outcome.class), (Phase::Start, Class::Relay));
    }
}
