//! The parent of the sending child: what it is told, how long it may take, what is heard from it.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Class, Outcome, Phase};
use crate::report::child::spawn;
use crate::report::{SmtpSettings, Tls};

/// How long the child may say good-bye when there is nothing more to send.
pub(super) const FAREWELL: Duration = Duration::from_secs(3);
/// How long a child takes, beyond a limit, to be taken leave of and gone.
const LEAVE: Duration = Duration::from_secs(2 * FAREWELL.as_secs());
/// One connection carries at most so many mails.
const MOST_ON_A_CONNECTION: usize = 50;
/// Longest message that is handed to the child.
const MOST_MESSAGE: usize = 16 << 20;

/// For whom a message is, and from whom.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The sender, `name@domain`.
    pub from: &'a str,
    /// The one recipient, `name@domain`.
    pub to: &'a str,
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
    /// The child ends itself when a mail takes longer, should nobody else do it.
    pub(super) limit_ms: u64,
    /// Longest silence of the relay, in milliseconds: until the message goes out, and then.
    pub(super) silence_ms: u64,
    pub(super) answer_ms: u64,
}

/// The line before each message on the child's stdin.
#[derive(Serialize, Deserialize)]
pub(super) struct Parcel {
    pub(super) from: String,
    /// Nobody, when the relay is only asked whether it takes mail from us.
    pub(super) to: Option<String>,
    /// So many bytes follow the line.
    pub(super) length: usize,
}

/// A line on the child's stdout.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Word {
    /// This phase of the mail in hand begins.
    Phase(Phase),
    /// This mail is over.
    Result(Outcome),
}

/// Sends one message through a child process and always comes back: at the latest after both
/// limits of [`crate::report::Patience`] and a few seconds.
///
/// `program` is our own executable, `hello` our own host name.
#[must_use]
pub fn send(
    program: &Path,
    settings: &SmtpSettings,
    hello: &str,
    envelope: Envelope<'_>,
    message: &[u8],
) -> Outcome {
    Line::new(program, settings, hello).send(envelope, message, &mut || {})
}

/// Asks the relay through a child process whether it takes mail from us: connects, makes the
/// connection safe, logs in, and goes again. It does if the outcome is 250 in [`Phase::Mail`].
#[must_use]
pub fn knock(program: &Path, settings: &SmtpSettings, hello: &str) -> Outcome {
    let parcel = Parcel { from: String::new(), to: None, length: 0 };
    let mut bytes = match serde_json::to_vec(&parcel) {
        Ok(bytes) => bytes,
        Err(error) => return Outcome::failed(Phase::Start, None, &error.to_string()),
    };
    bytes.push(b'\n');
    match Line::new(program, settings, hello).sender() {
        Ok(mut sender) => sender.carry(bytes, settings, &mut || {}),
        Err(outcome) => outcome,
    }
}

/// The way to the relay for the mails of one round.
///
/// A connection is made when a mail needs one, and carries the mails that follow: so many, and not
/// for longer than one transaction may take. What goes wrong with one mail is that mail's alone: a
/// connection that may be out of order carries no other.
#[derive(Debug)]
pub struct Line<'a> {
    program: &'a Path,
    settings: &'a SmtpSettings,
    hello: &'a str,
    sender: Option<Sender>,
}

impl<'a> Line<'a> {
    /// Makes a line on which nothing was said yet.
    ///
    /// `program` is our own executable, `hello` our own host name.
    #[must_use]
    pub const fn new(program: &'a Path, settings: &'a SmtpSettings, hello: &'a str) -> Self {
        Self { program, settings, hello, sender: None }
    }

    /// Returns how long a mail may take until the final dot: the relay may have enough of the
    /// connection, and then it is tried on another.
    #[must_use]
    pub fn longest(&self) -> Duration {
        2 * (self.settings.patience.transaction + LEAVE)
    }

    /// Returns how long it may take from there on.
    #[must_use]
    pub fn longest_answer(&self) -> Duration {
        self.settings.patience.answer + LEAVE
    }

    /// Sends one message as [`send`] does, and calls `at_the_dot` when doubt begins: from there on
    /// the relay may have the message, whatever becomes of us.
    pub fn send(
        &mut self,
        envelope: Envelope<'_>,
        message: &[u8],
        at_the_dot: &mut dyn FnMut(),
    ) -> Outcome {
        if message.len() > MOST_MESSAGE {
            let text = format!("no relay takes messages of {} bytes", message.len());
            return Outcome { class: Class::TooBig, ..Outcome::failed(Phase::Start, None, &text) };
        }
        let parcel = match parcel(envelope, message) {
            Ok(parcel) => parcel,
            Err(error) => return Outcome::failed(Phase::Start, None, &error.to_string()),
        };
        if let Some(sender) = self.sender.take().filter(Sender::may_carry_more) {
            let outcome = self.carry(sender, parcel.clone(), at_the_dot);
            if !tired_of_the_connection(&outcome) {
                return outcome;
            }
        }
        match self.sender() {
            Ok(sender) => self.carry(sender, parcel, at_the_dot),
            Err(outcome) => outcome,
        }
    }

    /// Has a child carry one mail, and keeps the child when it can carry another.
    fn carry(
        &mut self,
        mut sender: Sender,
        parcel: Vec<u8>,
        at_the_dot: &mut dyn FnMut(),
    ) -> Outcome {
        let outcome = sender.carry(parcel, self.settings, at_the_dot);
        if outcome.leaves_the_connection_in_order() {
            self.sender = Some(sender);
        }
        outcome
    }

    /// Starts a child; it connects when it has a mail.
    fn sender(&self) -> Result<Sender, Outcome> {
        let failed = |what: &str| Outcome::failed(Phase::Start, None, what);
        self.settings.check().map_err(|error| failed(&error.to_string()))?;
        let order = order(self.settings, self.hello)
            .map_err(|error| failed(&format!("the password cannot be read: {error}")))?;
        let mut line = serde_json::to_vec(&order).map_err(|error| failed(&error.to_string()))?;
        line.push(b'\n');
        let until = Instant::now() + self.settings.patience.transaction;
        Sender::start(self.program, line, until)
            .map_err(|error| failed(&format!("the sender cannot be started: {error}")))
    }
}

/// Tells whether a mail that did not go on a connection that had carried others should be tried on
/// one of its own: a relay may have enough of a connection, which says nothing about the mail or
/// about the relay. Never when the relay may have the message.
fn tired_of_the_connection(outcome: &Outcome) -> bool {
    match outcome.class {
        Class::Relay => outcome.phase < Phase::Dot,
        Class::Deferred => outcome.phase <= Phase::Mail,
        Class::Sent | Class::Dead | Class::Unknown | Class::TooBig => false,
    }
}

fn parcel(envelope: Envelope<'_>, message: &[u8]) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(&Parcel {
        from: envelope.from.to_owned(),
        to: Some(envelope.to.to_owned()),
        length: message.len(),
    })?;
    bytes.push(b'\n');
    bytes.extend_from_slice(message);
    Ok(bytes)
}

fn order(settings: &SmtpSettings, hello: &str) -> io::Result<Order> {
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
        hello: hello.to_owned(),
        limit_ms: millis(patience.transaction + patience.answer + 2 * FAREWELL),
        silence_ms: millis(patience.transaction),
        answer_ms: millis(patience.answer),
    })
}

/// A child that is at work. When it is dropped it may take leave of the relay, and is killed then.
#[derive(Debug)]
struct Sender {
    child: Child,
    /// What the child is still to be told; dropping it closes the child's stdin.
    parcels: Option<mpsc::Sender<Vec<u8>>>,
    heard: Receiver<Word>,
    threads: Vec<JoinHandle<()>>,
    carried: usize,
    /// No mail begins later.
    until: Instant,
}

impl Sender {
    /// Starts the child and tells it the order.
    ///
    /// Both pipes have a thread of their own, because a child that does not read must not hold the
    /// parent up; killing the child ends both.
    fn start(program: &Path, order: Vec<u8>, until: Instant) -> io::Result<Self> {
        let mut child = spawn(program, "mailer")?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(io::Error::other("it has no pipes"));
        };
        let (parcels, told) = mpsc::channel();
        let _ = parcels.send(order);
        let (words, heard) = mpsc::channel();
        let parcels = Some(parcels);
        // From here on the child is ended with the sender.
        let mut sender = Self { child, parcels, heard, threads: Vec::new(), carried: 0, until };
        let thread = || thread::Builder::new().name("mailer".into());
        sender.threads.push(thread().spawn(move || feed(stdin, &told))?);
        sender.threads.push(thread().spawn(move || listen(stdout, &words))?);
        Ok(sender)
    }

    fn may_carry_more(&self) -> bool {
        self.carried < MOST_ON_A_CONNECTION && Instant::now() < self.until
    }

    /// Hands one mail over and listens until its end, or until its time is over.
    fn carry(
        &mut self,
        parcel: Vec<u8>,
        settings: &SmtpSettings,
        at_the_dot: &mut dyn FnMut(),
    ) -> Outcome {
        let mut phase = if self.carried == 0 { Phase::Start } else { Phase::Mail };
        self.carried += 1;
        if let Some(parcels) = &self.parcels {
            let _ = parcels.send(parcel);
        }
        let mut limit = Instant::now() + settings.patience.transaction;
        let late = loop {
            match self.heard.recv_timeout(limit.saturating_duration_since(Instant::now())) {
                Ok(Word::Phase(next)) => {
                    phase = next;
                    if next == Phase::Dot {
                        limit = Instant::now() + settings.patience.answer;
                        at_the_dot();
                    }
                }
                Ok(Word::Result(outcome)) => return outcome,
                Err(RecvTimeoutError::Timeout) => break true,
                Err(RecvTimeoutError::Disconnected) => break false,
            }
        };
        let _ = self.child.kill();
        let how = self.child.wait();
        let how = how.map_or_else(|error| error.to_string(), |status| status.to_string());
        let what = if late {
            "the relay took too long".to_owned()
        } else {
            format!("the sender ended without a result ({how})")
        };
        Outcome::failed(phase, None, &what)
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.parcels = None;
        let limit = Instant::now() + FAREWELL;
        // Its stdout ends with it; what it still says is of no interest.
        while self.heard.recv_timeout(limit.saturating_duration_since(Instant::now())).is_ok() {}
        let _ = self.child.kill();
        let _ = self.child.wait();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn feed(mut stdin: ChildStdin, told: &Receiver<Vec<u8>>) {
    for bytes in told {
        // A child that ended early has said why, or will be asked how it ended.
        if stdin.write_all(&bytes).is_err() {
            return;
        }
    }
}

fn listen(stdout: ChildStdout, words: &mpsc::Sender<Word>) {
    // The child writes some ten lines a mail; what is longer does not come from it.
    for line in BufReader::new(stdout.take(1 << 20)).lines() {
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
    use crate::report::samples;

    #[test]
    fn a_missing_sender_is_not_the_mails_fault() {
        let settings = samples::nowhere();
        let envelope = Envelope { from: "a@b.example", to: "c@d.example" };
        let program = Path::new("/nonexistent/exportd");
        let outcome = send(program, &settings, "b.example", envelope, b"");
        assert_eq!((outcome.phase, outcome.class), (Phase::Start, Class::Relay));
        // A program that is not ours ends without a word.
        let outcome = send(Path::new("/bin/true"), &settings, "b.example", envelope, b"");
        assert_eq!((outcome.phase, outcome.class), (Phase::Start, Class::Relay));
    }

    #[test]
    fn only_what_cannot_have_arrived_is_tried_on_a_connection_of_its_own() {
        for (phase, code, again) in [
            (Phase::Mail, None, true),
            (Phase::Mail, Some(421), true),
            (Phase::Mail, Some(452), true),
            (Phase::Mail, Some(550), true),
            (Phase::Rcpt, Some(421), true),
            (Phase::Rcpt, Some(450), false),
            (Phase::Rcpt, Some(550), false),
            (Phase::Data, None, true),
            (Phase::Dot, None, false),
            (Phase::Dot, Some(421), false),
            (Phase::Dot, Some(451), false),
        ] {
            let outcome = Outcome::failed(phase, code, "x");
            assert_eq!(tired_of_the_connection(&outcome), again, "{phase:?} {code:?}");
        }
    }
}
