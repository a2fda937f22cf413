//! The child that makes one call: the hidden command `exportd caller`.
//!
//! What comes from the network is read here and nowhere else, within bounds of memory and time.
//! Redirections are not followed: an address that has moved is for whoever runs the daemon to
//! change.

use std::io::{self, BufRead, Read as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, http};

use super::call::{Answer, Order};
use crate::diag::shown;
use crate::report::child::confine;

/// Longest document.
const MOST_BODY: u64 = 1 << 20;
/// So many bytes of what a receiver says are read, of which so many characters are kept.
const MOST_WORDS: (u64, usize) = (2 << 10, 200);

/// Makes one call: an order and a document on stdin, an [`Answer`] on stdout.
///
/// Ends with 0 when it could say what came of it, whatever that was, else with 69.
#[must_use]
pub fn caller_main() -> ExitCode {
    match caller(io::stdin().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(69),
    }
}

fn caller(mut stdin: impl BufRead) -> io::Result<()> {
    confine()?;
    let mut line = String::new();
    stdin.by_ref().take(64 << 10).read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)?;
    let mut body = Vec::new();
    if stdin.take(MOST_BODY).read_to_end(&mut body)? as u64 == MOST_BODY {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut answer = post(&order, &body).unwrap_or_else(|why| Answer::failed(&why));
    answer.text = told(&order.url, &answer.text);
    let mut stdout = io::stdout().lock();
    stdout.write_all(&serde_json::to_vec(&answer)?)?;
    stdout.flush()
}

fn post(order: &Order, body: &[u8]) -> Result<Answer, String> {
    let agent = agent(order)?;
    let mut request = agent.post(&order.url);
    for (name, value) in &order.heads {
        request = request.header(name, value);
    }
    let response = request.send(body).map_err(|error| match error {
        // Its own words name the whole address.
        ureq::Error::BadUri(_) => "the address cannot be used".to_owned(),
        ureq::Error::Timeout(_) => "it took too long".to_owned(),
        ureq::Error::HostNotFound => "its host is not known".to_owned(),
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::Rustls(error) => error.to_string(),
        other => other.to_string(),
    })?;
    Ok(answer(response))
}

fn answer(response: http::Response<Body>) -> Answer {
    let (head, body) = response.into_parts();
    let status = head.status;
    let field = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let rest = field(http::header::RETRY_AFTER).and_then(|text| text.trim().parse().ok());
    let mut said = Vec::new();
    let text = if status.is_success() {
        // Nobody reads it, and it may never end.
        String::new()
    } else if status.is_redirection() {
        let place = field(http::header::LOCATION).unwrap_or_default();
        let place = place.split_inclusive('/').take(3).collect::<String>();
        format!("it has moved, to {place}…: change webhook.url")
    } else {
        let _ = body.into_reader().take(MOST_WORDS.0).read_to_end(&mut said);
        String::from_utf8_lossy(&said).into_owned()
    };
    let text = if text.trim().is_empty() {
        status.canonical_reason().unwrap_or_default()
    } else {
        text.trim()
    };
    Answer { status: Some(status.as_u16()), text: text.to_owned(), rest }
}

/// Makes fit to be shown what was said: in one line, not too long, and without what follows the host
/// in our address, which may be a secret and which receivers like to repeat.
fn told(url: &str, said: &str) -> String {
    let place = url.splitn(4, '/').nth(3).unwrap_or_default();
    let mut said = said.to_owned();
    for secret in [place, place.split(['?', '#']).next().unwrap_or_default()] {
        if secret.len() > 1 {
            said = said.replace(secret, "…");
        }
    }
    shown(&said).chars().take(MOST_WORDS.1).collect()
}

fn agent(order: &Order) -> Result<Agent, String> {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent(concat!("exportd/", env!("CARGO_PKG_VERSION")))
        .timeout_global(Some(Duration::from_millis(order.limit_ms)));
    if order.url.starts_with("https:") {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        config = config.tls_config(
            TlsConfig::builder()
                .root_certs(RootCerts::new_with_certs(&trusted(order)?))
                .unversioned_rustls_crypto_provider(provider)
                .build(),
        );
    }
    Ok(Agent::new_with_config(config.build()))
}

/// The machine's certificates and those of `ca_file`; the name is always checked.
fn trusted(order: &Order) -> Result<Vec<Certificate<'static>>, String> {
    let found = rustls_native_certs::load_native_certs().certs;
    let mut all: Vec<_> = found.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    if let Some(file) = &order.ca_file {
        let pem =
            std::fs::read(file).map_err(|error| format!("ca_file cannot be read: {error}"))?;
        let before = all.len();
        for item in parse_pem(&pem) {
            if let Ok(PemItem::Certificate(certificate)) = item {
                all.push(certificate);
            }
        }
        if all.len() == before {
            return Err("ca_file holds no certificate".into());
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_keeps_the_secret_of_the_address() {
        let url = "https://hooks.studio.example/hook/TOKEN?key=SECRET";
        let told = |said: &str| told(url, said);
        assert_eq!(told("Cannot POST /hook/TOKEN?key=SECRET"), "Cannot POST /…");
        assert_eq!(told("no route /hook/TOKEN here"), "no route /… here");
        assert_eq!(told("a\u{1b}b\n"), shown("a\u{1b}b\n"));
        assert_eq!(told(&"é".repeat(1000)).chars().count(), MOST_WORDS.1);
        assert_eq!(super::told("https://x/", "a / b"), "a / b");
    }
}
