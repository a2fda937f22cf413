//! The only door to lettre: letters become bytes here, and bytes go to the relay.
//!
//! The relay is spoken to by a short-lived child process, the hidden command `exportd mailer`
//! ([`mailer_main`]). A relay can dribble one byte a second for ever, or send a line without end
//! until memory is gone, and a read timeout sees neither. So the child has an address-space limit,
//! the parent a wall clock ([`send`]), and what the child had reached when it ended says whether
//! the message may have been taken.
//!
//! ```text
//! parent ── stdin ──▶ {"host":…,"password":…,"from":…,"to":…}\n  message bytes, to the end
//! parent ◀─ stdout ── {"phase":"rcpt"}\n {"phase":"dot"}\n … {"result":{"phase":…,"code":…}}\n
//! ```
//!
//! The password passes through that pipe only: never through an argument, the environment or a
//! log.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use lettre::message::header::{self, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use rustix::process::{
    Resource, Rlimit, Signal, getpid, kill_process, set_parent_process_death_signal, setrlimit,
};
use serde::{Deserialize, Serialize};

use super::{Letter, Matter, SmtpSettings, Tls};
use crate::diag::shown;
use crate::fs::is_invisible;

/// Address space of the sending child, in bytes.
const CHILD_MEMORY: u64 = 256 << 20;
/// A shortened message keeps at most so many bytes of its text.
const SHORT: usize = 32 << 10;
/// Every relay takes messages of this length (RFC 5321 §4.5.3.1.7); for longer ones it is asked.
const ALWAYS_TAKEN: usize = 64 << 10;
/// Longest message the child takes.
const MOST_MESSAGE: u64 = 16 << 20;
/// How long the child may say good-bye after the result is known.
const FAREWELL: Duration = Duration::from_secs(3);

// ---------------------------------------------------------------------------------- addresses

/// One address that mail can go to, with the name people see.
///
/// The domain is kept as ASCII (A-labels, RFC 5890), which every relay takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    name: Option<String>,
    mailbox: String,
}

/// A text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a mail address; write name@domain or Name <name@domain>")]
pub struct AddressError(String);

impl Address {
    /// Reads `name@domain` or `Name <name@domain>`.
    ///
    /// # Errors
    /// Anything else, and any invisible character.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError(shown(text));
        if text.chars().any(is_invisible) {
            return Err(wrong());
        }
        let mailbox: Mailbox = text.trim().parse().map_err(|_| wrong())?;
        let domain = mailbox.email.domain();
        let domain = if domain.is_ascii() {
            domain.to_owned()
        } else {
            idna::domain_to_ascii(domain).map_err(|_| wrong())?
        };
        let email = lettre::Address::new(mailbox.email.user(), domain).map_err(|_| wrong())?;
        let name = mailbox.name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        Ok(Self { name, mailbox: email.to_string() })
    }

    /// Who is told when the configuration names nobody.
    #[must_use]
    pub fn operator() -> Self {
        Self { name: None, mailbox: "operator@localhost".into() }
    }

    /// Returns `name@domain`.
    #[must_use]
    pub fn mailbox(&self) -> &str {
        &self.mailbox
    }

    fn to_lettre(&self) -> Result<Mailbox, RenderError> {
        let email = self.mailbox.parse().map_err(|_| RenderError::Address(self.mailbox.clone()))?;
        Ok(Mailbox::new(self.name.clone(), email))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.mailbox),
            None => f.write_str(&self.mailbox),
        }
    }
}

// ---------------------------------------------------------------------------------- rendering

/// Why a letter cannot be bytes.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// An address that is none.
    #[error("\"{0}\" is not a mail address")]
    Address(String),
    /// Whatever lettre says.
    #[error("the message cannot be built")]
    Build(#[from] lettre::error::Error),
}

/// Writes a letter as a message (RFC 5322, MIME), every line ASCII.
///
/// The same letter gives the same bytes. Nothing that comes from outside can add a header: control
/// characters are gone before lettre sees a value, and what is not ASCII becomes an encoded word
/// (RFC 2047).
///
/// # Errors
/// See [`RenderError`].
pub fn render(letter: &Letter) -> Result<Vec<u8>, RenderError> {
    let from = Address::parse(&letter.from)
        .map_err(|_| RenderError::Address(shown(&letter.from)))?
        .to_lettre()?;
    let id = |mid: &super::Mid| format!("<{mid}@{}>", letter.host);
    let date = SystemTime::from(letter.date).max(SystemTime::UNIX_EPOCH);
    let mut builder = lettre::Message::builder()
        .date(date)
        .from(from)
        .to(letter.to.to_lettre()?)
        .subject(header_text(&letter.subject))
        .message_id(Some(id(&letter.mid)));
    if let Some(earlier) = &letter.in_reply_to {
        builder = builder.in_reply_to(id(earlier)).references(id(earlier));
    }
    for (name, value) in [
        // RFC 3834 §5; Exchange wants its own word.
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("X-Auto-Response-Suppress", "All".to_owned()),
        // RFC 2919.
        ("List-Id", format!("<exports.{}>", letter.host)),
    ]
    .into_iter()
    .chain(matter(letter))
    {
        builder = builder.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
    }
    // The one place to change when a second form of the body comes: multipart/alternative here.
    let text =
        SinglePart::builder().header(header::ContentType::TEXT_PLAIN).body(body_text(&letter.text));
    Ok(builder.singlepart(text)?.formatted())
}

/// Names what a letter is about, for programs that sort mail.
fn matter(letter: &Letter) -> Vec<(&'static str, String)> {
    match &letter.matter {
        Matter::Run { run, verdict } => vec![
            ("X-Exportd-Run", header_text(run)),
            ("X-Exportd-Verdict", verdict.word().to_owned()),
        ],
        Matter::Digest { reports } => vec![("X-Exportd-Digest", reports.to_string())],
        Matter::Notice { word } => vec![("X-Exportd-Notice", (*word).to_owned())],
    }
}

/// Makes a message smaller that a relay found too large: the same headers, the text alone, and of
/// a long text the beginning. `None` when that makes it no smaller.
#[must_use]
pub fn shortened(message: &[u8]) -> Option<Vec<u8>> {
    let mail = mailparse::parse_mail(message).ok()?;
    let part = mail.parts().find(|part| part.ctype.mimetype == "text/plain")?;
    let text = part.get_body().ok()?.replace("\r\n", "\n");
    let most = if mail.subparts.is_empty() { (text.len() / 2).min(SHORT) } else { SHORT };
    let mut kept = String::new();
    for line in text.split_inclusive('\n') {
        if kept.len() + line.len() > most {
            break;
        }
        kept.push_str(line);
    }
    if kept.len() < text.len() {
        kept.push_str(
            "\nThis mail was too large for the relay and ends here. The report has the rest.\n",
        );
    }
    let mut out = Vec::new();
    for header in &mail.headers {
        let key = header.get_key().to_ascii_lowercase();
        if key.starts_with("content-") {
            continue;
        }
        out.extend_from_slice(header.get_key_raw());
        out.extend_from_slice(b": ");
        out.extend_from_slice(header.get_value_raw());
        out.extend_from_slice(b"\r\n");
    }
    let text = SinglePart::builder().header(header::ContentType::TEXT_PLAIN).body(body_text(&kept));
    out.extend_from_slice(&text.formatted());
    (out.len() < message.len()).then_some(out)
}

/// Makes a text fit for one header: invisible characters become spaces, runs of spaces one.
///
/// `=?` would be read as the beginning of an encoded word and is taken apart.
fn header_text(text: &str) -> String {
    let plain: String = text.chars().map(|c| if is_invisible(c) { ' ' } else { c }).collect();
    plain.replace("=?", "= ?").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Makes a text fit for a body: lines, and no other control characters. The last line's end is
/// lettre's to write.
fn body_text(text: &str) -> String {
    text.strip_suffix('\n')
        .unwrap_or(text)
        .chars()
        .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
        .collect()
}

// ------------------------------------------------------------------------------------ results

/// How far a transaction had come (RFC 5321 §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Before the child spoke to anybody.
    Start,
    /// Name look-up, connection, TLS from the first byte, greeting, EHLO.
    Connect,
    /// STARTTLS and what comes with it.
    Starttls,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA and the message.
    Data,
    /// From the final dot on; without an answer nobody knows.
    Dot,
}

/// What follows from a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The relay has it.
    Sent,
    /// The relay wants this mail later.
    Deferred,
    /// The relay will never take this mail.
    Dead,
    /// The relay takes no mail at all now; this one is not to blame.
    Relay,
    /// The final dot went out and no answer came.
    Unknown,
    /// The relay takes no message of this length.
    TooBig,
}

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Where it ended.
    pub phase: Phase,
    /// The relay's code, if it gave one.
    pub code: Option<u16>,
    /// What the relay or the system said, in one line.
    pub text: String,
    /// What follows.
    pub class: Class,
}

impl Outcome {
    /// Judges an attempt that did not succeed.
    #[must_use]
    pub fn failed(phase: Phase, code: Option<u16>, text: &str) -> Self {
        Self { phase, code, text: shown(text.trim()), class: classify(phase, code, text.trim()) }
    }
}

/// Says what a failure means: whose fault it is, and whether later helps.
///
/// 421 (RFC 5321 §3.8), 530 and 535 (RFC 4954 §6) are about the connection or the account wherever
/// they come; a refusal before RCPT is about us and not about the recipient. 552 is about the
/// length of the message (RFC 1870 §6.1), unless it says that the mailbox is full (RFC 3463, X.2.2).
fn classify(phase: Phase, code: Option<u16>, text: &str) -> Class {
    let says_too_big = text.starts_with("5.3.4") || !text.starts_with("5.2.");
    match (phase, code) {
        (_, Some(421 | 454 | 530 | 534 | 535 | 538)) => Class::Relay,
        (Phase::Start | Phase::Connect | Phase::Starttls | Phase::Auth, _) => Class::Relay,
        (_, Some(400..=499)) => Class::Deferred,
        (Phase::Mail | Phase::Data | Phase::Dot, Some(552)) if says_too_big => Class::TooBig,
        (Phase::Rcpt | Phase::Data | Phase::Dot, Some(500..=599)) => Class::Dead,
        (Phase::Mail | Phase::Rcpt | Phase::Data, _) => Class::Relay,
        (Phase::Dot, _) => Class::Unknown,
    }
}

// --------------------------------------------------------------------------------- the parent

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
struct Order {
    host: String,
    port: u16,
    tls: Tls,
    user: Option<String>,
    password: Option<String>,
    ca_file: Option<PathBuf>,
    hello: String,
    from: String,
    to: String,
    /// The child ends itself after so many milliseconds, should nobody else do it.
    limit_ms: u64,
    /// Longest silence of the relay, in milliseconds: until the message goes out, and then.
    silence_ms: u64,
    answer_ms: u64,
}

/// A line on the child's stdout.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    /// This phase begins.
    Phase(Phase),
    /// It is over.
    Result(Outcome),
}

/// Sends one message through a child process and always comes back: at the latest after both
/// limits of [`super::Patience`] and a few seconds.
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

// ---------------------------------------------------------------------------------- the child

/// Runs the hidden command `exportd mailer`: one order and one message on stdin, words on stdout.
///
/// Ends with 0 when it could say what came of it, whatever that was, else with 69.
#[must_use]
pub fn mailer_main() -> ExitCode {
    match mailer(io::stdin().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(69),
    }
}

fn mailer(mut stdin: impl BufRead) -> io::Result<()> {
    let bound = |bytes| Rlimit { current: Some(bytes), maximum: Some(bytes) };
    setrlimit(Resource::As, bound(CHILD_MEMORY))?;
    setrlimit(Resource::Core, bound(0))?;
    // A daemon that is gone must not have mail sent that it has no record of.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut line = String::new();
    stdin.by_ref().take(1 << 16).read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)?;
    // The line holds the password; nothing needs it any more.
    drop(line);
    let mut message = Vec::new();
    stdin.take(MOST_MESSAGE).read_to_end(&mut message)?;
    let limit = Duration::from_millis(order.limit_ms);
    thread::Builder::new().stack_size(64 << 10).spawn(move || {
        thread::sleep(limit);
        // Should the parent be gone: nobody waits for an answer.
        let _ = kill_process(getpid(), Signal::KILL);
    })?;
    let mut phase = Phase::Start;
    match transact(&order, &message, &mut phase) {
        Ok((mut connection, answer)) => {
            say(&Word::Result(Outcome {
                phase: Phase::Dot,
                code: Some(answer.code().into()),
                text: shown(&answer.message().collect::<Vec<_>>().join(" ")),
                class: Class::Sent,
            }))?;
            connection.set_timeout(Some(FAREWELL))?;
            let _ = connection.quit();
            Ok(())
        }
        Err(trouble) => say(&Word::Result(trouble.outcome(phase))),
    }
}

fn say(word: &Word) -> io::Result<()> {
    let mut line = serde_json::to_vec(word)?;
    line.push(b'\n');
    let mut stdout = io::stdout().lock();
    stdout.write_all(&line)?;
    stdout.flush()
}

/// Why a transaction ended early.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Smtp(#[from] lettre::transport::smtp::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The message can never go this way.
    #[error("{0}")]
    Never(String),
    /// The message is longer than the relay says it takes.
    #[error("the relay takes messages of at most {most} bytes, and this one has {length}")]
    TooBig { most: usize, length: usize },
    #[error("{0}")]
    Order(String),
}

impl Trouble {
    fn outcome(&self, phase: Phase) -> Outcome {
        match self {
            Self::Smtp(error) => {
                let code = error.status().map(u16::from);
                let said = code.and_then(|_| std::error::Error::source(error));
                let text = said.map_or_else(|| error.to_string(), ToString::to_string);
                Outcome::failed(phase, code, &text)
            }
            Self::Never(_) => {
                Outcome { class: Class::Dead, ..Outcome::failed(phase, None, &self.to_string()) }
            }
            Self::TooBig { .. } => {
                Outcome { class: Class::TooBig, ..Outcome::failed(phase, None, &self.to_string()) }
            }
            Self::Io(_) | Self::Order(_) => Outcome::failed(phase, None, &self.to_string()),
        }
    }
}

fn enter(phase: &mut Phase, next: Phase) -> io::Result<()> {
    *phase = next;
    say(&Word::Phase(next))
}

/// One transaction; `phase` says how far it came.
fn transact(
    order: &Order,
    message: &[u8],
    phase: &mut Phase,
) -> Result<(SmtpConnection, Response), Trouble> {
    let wrong = |what: &str| Trouble::Order(format!("{what} is not an address"));
    let from: lettre::Address = order.from.parse().map_err(|_| wrong(&order.from))?;
    let to: lettre::Address = order.to.parse().map_err(|_| wrong(&order.to))?;
    let mut connection = connect(order, phase)?;
    enter(phase, Phase::Mail)?;
    let parameters = mail_parameters(&connection, order, message)?;
    if message.len() > ALWAYS_TAKEN {
        // lettre does not keep what was offered beside its own extensions, so it is asked again.
        let offers = connection.command(Ehlo::new(ClientId::Domain(order.hello.clone())))?;
        let length = message.len();
        match size_offered(offers.message()) {
            Some(most) if most > 0 && length > most => {
                return Err(Trouble::TooBig { most, length });
            }
            _ => {}
        }
    }
    connection.command(Mail::new(Some(from), parameters))?;
    enter(phase, Phase::Rcpt)?;
    connection.command(Rcpt::new(to, Vec::new()))?;
    enter(phase, Phase::Data)?;
    // lettre takes any 2xx and 3xx. An answer slipped in before TLS began would stand for the next
    // one from then on, so the two that must be what they are, are looked at.
    in_step(&connection.command(Data)?, 354)?;
    connection.set_timeout(Some(Duration::from_millis(order.answer_ms)))?;
    // The final dot goes out when this iterator is at its end, so its end is where doubt begins.
    let mut rest = Some(message);
    let mut told = Ok(());
    let pieces = std::iter::from_fn(|| {
        let piece = rest.take();
        if piece.is_none() {
            told = enter(phase, Phase::Dot);
        }
        piece
    });
    let answer = connection.message_iter(pieces)?;
    told?;
    in_step(&answer, 250)?;
    Ok((connection, answer))
}

/// Reads the longest message that a relay takes from its answer to EHLO (RFC 1870 §4); 0 is no
/// limit.
fn size_offered<'a>(mut lines: impl Iterator<Item = &'a str>) -> Option<usize> {
    lines.find_map(|line| {
        let (keyword, value) = line.trim().split_once(' ')?;
        keyword.eq_ignore_ascii_case("SIZE").then(|| value.trim().parse().ok())?
    })
}

fn in_step(answer: &Response, code: u16) -> Result<(), Trouble> {
    if answer.has_code(code) {
        return Ok(());
    }
    Err(Trouble::Order(format!("the relay answers out of step ({} for {code})", answer.code())))
}

fn connect(order: &Order, phase: &mut Phase) -> Result<SmtpConnection, Trouble> {
    enter(phase, Phase::Connect)?;
    let tls = match order.tls {
        Tls::None => None,
        Tls::Starttls | Tls::Implicit => Some(tls_parameters(order)?),
    };
    let bare = order.host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let hello = ClientId::Domain(order.hello.clone());
    let mut connection = SmtpConnection::connect(
        (bare.unwrap_or(&order.host), order.port),
        Some(Duration::from_millis(order.silence_ms)),
        &hello,
        tls.as_ref().filter(|_| order.tls == Tls::Implicit),
        None,
    )?;
    if let (Tls::Starttls, Some(tls)) = (order.tls, &tls) {
        enter(phase, Phase::Starttls)?;
        if !connection.can_starttls() {
            return Err(Trouble::Order("the relay does not offer STARTTLS".into()));
        }
        connection.starttls(tls, &hello)?;
    }
    if let (Some(user), Some(password)) = (&order.user, &order.password) {
        enter(phase, Phase::Auth)?;
        let credentials = Credentials::new(user.clone(), password.clone());
        connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials)?;
    }
    Ok(connection)
}

/// Trusts the machine's certificates and those of `ca_file`; the name is always checked.
fn tls_parameters(order: &Order) -> Result<TlsParameters, Trouble> {
    let bare = order.host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let mut builder = TlsParameters::builder(bare.unwrap_or(&order.host).to_owned());
    if let Some(file) = &order.ca_file {
        let pem = std::fs::read(file)
            .map_err(|error| Trouble::Order(format!("ca_file cannot be read: {error}")))?;
        builder = builder.add_root_certificate(Certificate::from_pem(&pem)?);
    }
    Ok(builder.build()?)
}

/// SMTPUTF8 (RFC 6531) for an address that is not ASCII, and then 8BITMIME for its headers.
fn mail_parameters(
    connection: &SmtpConnection,
    order: &Order,
    message: &[u8],
) -> Result<Vec<MailParameter>, Trouble> {
    let offers = |extension| connection.server_info().supports_feature(extension);
    let mut parameters = Vec::new();
    if !order.from.is_ascii() || !order.to.is_ascii() {
        if !offers(Extension::SmtpUtfEight) {
            return Err(Trouble::Never(format!(
                "the relay takes only ASCII addresses (no SMTPUTF8), and {} is none",
                if order.to.is_ascii() { &order.from } else { &order.to }
            )));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !message.is_ascii() {
        if !offers(Extension::EightBitMime) {
            return Err(Trouble::Never("the relay takes only ASCII (no 8BITMIME)".into()));
        }
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Event, MailSettings, Mid, Report, samples};
    use mailparse::MailHeaderMap;
    use proptest::prelude::*;

    fn settings() -> MailSettings {
        MailSettings {
            folder: "mail".into(),
            smtp: None,
            from: "exportd <exportd@studio.example>".into(),
            host: "studio.example".into(),
            operators: Vec::new(),
            pace: crate::report::Pace::default(),
        }
    }

    fn letter() -> Letter {
        let log = samples::log(crate::job::Verdict::Partial);
        let places = samples::places();
        let to = Address::parse("Mia Wang <mia@studio.example>").unwrap();
        Report { log: &log, places: &places, retry: None }.letter(&settings(), &to).unwrap()
    }

    const HEADERS: [&str; 13] = [
        "Date",
        "From",
        "To",
        "Subject",
        "Message-ID",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "List-Id",
        "X-Exportd-Run",
        "X-Exportd-Verdict",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
    ];

    fn names(message: &[u8]) -> Vec<String> {
        let (headers, _) = mailparse::parse_headers(message).unwrap();
        headers.iter().map(mailparse::MailHeader::get_key).collect()
    }

    #[test]
    fn a_letter_has_our_headers() {
        let letter = letter();
        let bytes = render(&letter).unwrap();
        assert_eq!(bytes, render(&letter).unwrap());
        assert_eq!(names(&bytes), HEADERS);
        let mail = mailparse::parse_mail(&bytes).unwrap();
        let value = |name: &str| mail.headers.get_first_value(name).unwrap();
        assert_eq!(value("From"), "exportd <exportd@studio.example>");
        assert_eq!(value("To"), "\"Mia Wang\" <mia@studio.example>");
        assert_eq!(value("Subject"), "[exportd] spring-tops: 2 of 3 need you");
        assert_eq!(value("Date"), "Tue, 01 Dec 2026 05:03:12 +0000");
        assert_eq!(value("Message-ID"), format!("<{}@studio.example>", letter.mid));
        assert_eq!(value("Auto-Submitted"), "auto-generated");
        assert_eq!(value("X-Auto-Response-Suppress"), "All");
        assert_eq!(value("List-Id"), "<exports.studio.example>");
        assert_eq!(value("X-Exportd-Run"), samples::RUN);
        assert_eq!(value("X-Exportd-Verdict"), "partial");
        assert_eq!(mail.get_body().unwrap().replace("\r\n", "\n"), letter.text);
    }

    #[test]
    fn a_retry_refers_to_the_mail_of_its_run() {
        let mut letter = letter();
        let earlier = Mid::new("春_2026-11-30-06-00-00", Event::Report, &letter.to);
        letter.in_reply_to = Some(earlier.clone());
        let bytes = render(&letter).unwrap();
        let (headers, _) = mailparse::parse_headers(&bytes).unwrap();
        for name in ["In-Reply-To", "References"] {
            assert_eq!(
                headers.get_first_value(name).unwrap(),
                format!("<{earlier}@studio.example>")
            );
        }
    }

    #[test]
    fn addresses_are_read_and_their_domains_are_ascii() {
        let address = Address::parse("Jörg <ops@exämple.org>").unwrap();
        assert_eq!(address.mailbox(), "ops@xn--exmple-cua.org");
        assert_eq!(address.to_string(), "Jörg <ops@xn--exmple-cua.org>");
        assert_eq!(Address::operator(), Address::parse("operator@localhost").unwrap());
        for wrong in
            ["", "mia", "mia@", "@x", "a@b\r\nBcc: c@d", "a@b c", "a\0@b", "<a@b", "a@b, c@d"]
        {
            assert!(Address::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_a_failure_means() {
        for (phase, code, class) in [
            (Phase::Connect, None, Class::Relay),
            (Phase::Connect, Some(554), Class::Relay),
            (Phase::Starttls, Some(454), Class::Relay),
            (Phase::Auth, Some(535), Class::Relay),
            (Phase::Mail, Some(530), Class::Relay),
            (Phase::Mail, Some(550), Class::Relay),
            (Phase::Mail, Some(451), Class::Deferred),
            (Phase::Rcpt, Some(450), Class::Deferred),
            (Phase::Rcpt, Some(421), Class::Relay),
            (Phase::Rcpt, Some(550), Class::Dead),
            (Phase::Rcpt, None, Class::Relay),
            (Phase::Data, Some(554), Class::Dead),
            (Phase::Data, None, Class::Relay),
            (Phase::Dot, Some(552), Class::TooBig),
            (Phase::Mail, Some(552), Class::TooBig),
            (Phase::Rcpt, Some(552), Class::Dead),
            (Phase::Dot, Some(452), Class::Deferred),
            (Phase::Dot, None, Class::Unknown),
        ] {
            assert_eq!(classify(phase, code, ""), class, "{phase:?} {code:?}");
        }
        let full = "5.2.2 the mailbox is full";
        assert_eq!(classify(Phase::Dot, Some(552), full), Class::Dead);
    }

    #[test]
    fn a_missing_sender_is_not_the_mails_fault() {
        let settings = SmtpSettings {
            host: "127.0.0.1".into(),
            port: 1,
            tls: Tls::None,
            user: None,
            password_file: None,
            ca_file: None,
            patience: super::super::Patience::default(),
        };
        let envelope = Envelope { from: "a@b.example", to: "c@d.example", hello: "b.example" };
        let program = Path::new("/nonexistent/exportd");
        let outcome = send(program, &settings, envelope, b"");
        assert_eq!((outcome.phase, outcome.class), (Phase::Start, Class::Relay));
        // A program that is not ours ends without a word.
        let outcome = send(Path::new("/bin/true"), &settings, envelope, b"");
        assert_eq!((outcome.phase, outcome.class), (Phase::Start, Class::Relay));
    }

    #[test]
    fn a_mail_that_is_too_large_keeps_its_headers_and_the_beginning_of_its_text() {
        let mut letter = letter();
        letter.text = (0..9_000).map(|n| format!("line {n} äöü\n")).collect();
        let long = render(&letter).unwrap();
        let short = shortened(&long).unwrap();
        assert!(short.len() < ALWAYS_TAKEN && short.is_ascii(), "{} bytes", short.len());
        let (long, short) =
            (mailparse::parse_mail(&long).unwrap(), mailparse::parse_mail(&short).unwrap());
        for name in HEADERS.iter().filter(|name| !name.starts_with("Content-")) {
            let value = |mail: &mailparse::ParsedMail<'_>| mail.headers.get_all_values(name);
            assert_eq!(value(&long), value(&short), "{name}");
            assert_eq!(value(&short).len(), 1, "{name}");
        }
        let text = short.get_body().unwrap();
        assert!(text.starts_with("line 0 äöü\r\nline 1 äöü\r\n"));
        assert!(text.trim_end().ends_with("The report has the rest."));
        // Of a mail with pictures the whole text stays.
        letter.text = "short\n".into();
        let head = render(&letter).unwrap();
        let end = head.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 2;
        let head = String::from_utf8(head[..end].to_vec()).unwrap();
        let head: String =
            head.split_inclusive("\r\n").filter(|line| !line.starts_with("Content-")).collect();
        let mixed = format!(
            "{head}Content-Type: multipart/related; boundary=\"x\"\r\n\r\n--x\r\n\
             Content-Type: text/plain\r\n\r\nthe text\r\n--x\r\nContent-Type: image/png\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--x--\r\n",
            "AAAA".repeat(30_000)
        );
        let short = shortened(mixed.as_bytes()).unwrap();
        assert_eq!(names(&short), HEADERS);
        assert_eq!(mailparse::parse_mail(&short).unwrap().get_body().unwrap().trim(), "the text");
        assert_eq!(shortened(&short), None);
    }

    #[test]
    fn the_relay_says_how_much_it_takes() {
        let size = |lines: &[&str]| size_offered(lines.iter().copied());
        assert_eq!(size(&["relay.example hello", "8BITMIME", "SIZE 1048576"]), Some(1 << 20));
        assert_eq!(size(&["relay.example", "size 70000 "]), Some(70_000));
        assert_eq!(size(&["relay.example", "SIZE", "HELP"]), None);
        assert_eq!(size(&["SIZE 99999999999999999999999999"]), None);
        assert_eq!(size(&[]), None);
    }

    proptest! {
        #[test]
        fn nothing_in_a_notice_adds_or_takes_a_header(
            found in any::<String>(), reason in any::<String>(), name in any::<String>(),
            head in "(\r\nBcc: |\n\n|\r|=\\?utf-8\\?q\\?=0D=0A\\?=)?",
        ) {
            let found = format!("{head}{found}");
            let notice =
                crate::report::Notice::PutAside { found: &found, moved_to: &name, reason: &reason };
            let at = letter().date;
            // Whatever is an address at all.
            let to = Address::parse(&format!("{name} <ops@studio.example>"))
                .unwrap_or_else(|_| Address::operator());
            let letter = notice.letter(&settings(), &to, at);
            let mut wanted = HEADERS.to_vec();
            wanted.splice(8..10, ["X-Exportd-Notice"]);
            prop_assert_eq!(names(&render(&letter).unwrap()), wanted);
        }

        #[test]
        fn no_text_adds_or_takes_a_header(
            subject in any::<String>(), run in any::<String>(), text in any::<String>(),
            head in "(\r\nBcc: |\n\n|\r|=\\?utf-8\\?q\\?=0D=0A\\?=)?",
        ) {
            let mut letter = letter();
            letter.subject = format!("x{head}{subject}");
            letter.matter =
                Matter::Run { run: format!("{head}r{run}"), verdict: crate::job::Verdict::Partial };
            letter.text = format!("{text}{head}");
            let bytes = render(&letter).unwrap();
            prop_assert!(bytes.is_ascii());
            prop_assert_eq!(names(&bytes), HEADERS);
            let mail = mailparse::parse_mail(&bytes).unwrap();
            prop_assert_eq!(mail.subparts.len(), 0);
            let back = mail.headers.get_first_value("Subject").unwrap();
            prop_assert!(!back.chars().any(char::is_control), "{:?}", back);
            prop_assert_eq!(back, header_text(&letter.subject));
        }
    }
}
