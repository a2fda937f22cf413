//! The sending child, which speaks to the relay.

use std::io::{self, BufRead, Read as _, Write as _};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Noop, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use rustix::process::{Signal, getpid, kill_process};
use serde::de::DeserializeOwned;

use super::sender::{FAREWELL, Order, Parcel, Word};
use super::{Class, Outcome, Phase};
use crate::diag::shown;
use crate::report::Tls;
use crate::report::child::confine;

/// Every relay takes messages of this length (RFC 5321 §4.5.3.1.7); for longer ones it is asked.
pub(super) const ALWAYS_TAKEN: usize = 64 << 10;

/// Runs the hidden command `exportd mailer`: one order and then messages on stdin, words on stdout.
///
/// Ends with 0 when it could say what came of each, whatever that was, else with 69.
#[must_use]
pub fn mailer_main() -> ExitCode {
    match mailer(io::stdin().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(69),
    }
}

fn mailer(mut stdin: impl BufRead) -> io::Result<()> {
    confine()?;
    let Some(order) = read_line::<Order>(&mut stdin)? else { return Ok(()) };
    let alarm = Alarm::start(Duration::from_millis(order.limit_ms))?;
    let mut connection = None;
    while let Some(parcel) = read_line::<Parcel>(&mut stdin)? {
        alarm.start_again();
        let mut message = vec![0; parcel.length];
        stdin.read_exact(&mut message)?;
        let mut phase = Phase::Start;
        let outcome = match transact(&order, (&parcel, &message), &mut connection, &mut phase) {
            Ok(answer) => Outcome {
                phase,
                code: Some(answer.code().into()),
                text: shown(&answer.message().collect::<Vec<_>>().join(" ")),
                class: Class::Sent,
            },
            Err(trouble) => trouble.outcome(phase),
        };
        let goes_on = outcome.leaves_the_connection_in_order();
        say(&Word::Result(outcome))?;
        if !goes_on {
            return Ok(());
        }
    }
    if let Some(Connection { mut smtp, .. }) = connection {
        smtp.set_timeout(Some(FAREWELL))?;
        let _ = smtp.quit();
    }
    Ok(())
}

/// Reads one line of JSON; `None` at the end.
fn read_line<T: DeserializeOwned>(stdin: &mut impl BufRead) -> io::Result<Option<T>> {
    let mut line = String::new();
    if stdin.by_ref().take(1 << 16).read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&line)?))
}

/// Ends this process when a mail takes too long. Should the parent be gone: nobody waits for an
/// answer.
struct Alarm {
    at: Arc<Mutex<Instant>>,
    limit: Duration,
}

impl Alarm {
    fn start(limit: Duration) -> io::Result<Self> {
        let at = Arc::new(Mutex::new(Instant::now() + limit));
        let shared = Arc::clone(&at);
        thread::Builder::new().stack_size(64 << 10).spawn(move || {
            loop {
                let at = *shared.lock().unwrap_or_else(PoisonError::into_inner);
                let rest = at.saturating_duration_since(Instant::now());
                if rest.is_zero() {
                    let _ = kill_process(getpid(), Signal::KILL);
                }
                thread::sleep(rest);
            }
        })?;
        Ok(Self { at, limit })
    }

    fn start_again(&self) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + self.limit;
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

/// A connection, and whether the last transaction on it came to its end.
struct Connection {
    smtp: SmtpConnection,
    is_clean: bool,
}

/// One transaction; `phase` says how far it came. Without a connection it makes one.
fn transact(
    order: &Order,
    (parcel, message): (&Parcel, &[u8]),
    connection: &mut Option<Connection>,
    phase: &mut Phase,
) -> Result<Response, Trouble> {
    let wrong = |what: &str| Trouble::Order(format!("{what} is not an address"));
    let address = |text: &str| text.parse::<lettre::Address>().map_err(|_| wrong(text));
    let mail = match &parcel.to {
        Some(to) => Some((to, address(&parcel.from)?, address(to)?)),
        None => None,
    };
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(Connection { smtp: connect(order, phase)?, is_clean: true }),
    };
    enter(phase, Phase::Mail)?;
    let Some((name, from, to)) = mail else {
        return Ok(connection.smtp.command(Noop)?);
    };
    let smtp = &mut connection.smtp;
    if !std::mem::replace(&mut connection.is_clean, false) {
        smtp.set_timeout(Some(FAREWELL))?;
        smtp.command(Rset)?;
    }
    smtp.set_timeout(Some(Duration::from_millis(order.silence_ms)))?;
    let parameters = mail_parameters(smtp, (&parcel.from, name), message)?;
    if message.len() > ALWAYS_TAKEN {
        // lettre does not keep what was offered beside its own extensions, so it is asked again.
        let offers = smtp.command(Ehlo::new(ClientId::Domain(order.hello.clone())))?;
        let length = message.len();
        match size_offered(offers.message()) {
            Some(most) if most > 0 && length > most => {
                return Err(Trouble::TooBig { most, length });
            }
            _ => {}
        }
    }
    smtp.command(Mail::new(Some(from), parameters))?;
    enter(phase, Phase::Rcpt)?;
    smtp.command(Rcpt::new(to, Vec::new()))?;
    enter(phase, Phase::Data)?;
    // lettre takes any 2xx and 3xx. An answer slipped in before TLS began would stand for the next
    // one from then on, so the two that must be what they are, are looked at.
    in_step(&smtp.command(Data)?, 354)?;
    smtp.set_timeout(Some(Duration::from_millis(order.answer_ms)))?;
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
    let answer = smtp.message_iter(pieces)?;
    told?;
    in_step(&answer, 250)?;
    connection.is_clean = true;
    Ok(answer)
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
    (from, to): (&str, &str),
    message: &[u8],
) -> Result<Vec<MailParameter>, Trouble> {
    let offers = |extension| connection.server_info().supports_feature(extension);
    let mut parameters = Vec::new();
    if !from.is_ascii() || !to.is_ascii() {
        if !offers(Extension::SmtpUtfEight) {
            return Err(Trouble::Never(format!(
                "the relay takes only ASCII addresses (no SMTPUTF8), and {} is none",
                if to.is_ascii() { from } else { to }
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

    #[test]
    fn the_relay_says_how_much_it_takes() {
        let size = |lines: &[&str]| size_offered(lines.iter().copied());
        assert_eq!(size(&["relay.example hello", "8BITMIME", "SIZE 1048576"]), Some(1 << 20));
        assert_eq!(size(&["relay.example", "size 70000 "]), Some(70_000));
        assert_eq!(size(&["relay.example", "SIZE", "HELP"]), None);
        assert_eq!(size(&["SIZE 99999999999999999999999999"]), None);
        assert_eq!(size(&[]), None);
    }
}
