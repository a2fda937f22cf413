//! The webhook: whether somebody listens there, and whether its key can be read. Nothing is posted.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use super::Finding;
use crate::config::Settings;
use crate::report::WebhookSettings;
use crate::report::webhook::key;

/// How long an address is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn webhook(settings: &Settings) -> Vec<Finding> {
    let mut settings = settings.clone();
    crate::daemon::lend_secrets(&mut settings);
    settings.webhook.iter().flat_map(|webhook| [secret(webhook), address(webhook)]).collect()
}

fn secret(webhook: &WebhookSettings) -> Finding {
    let Some(file) = &webhook.secret_file else {
        return Finding::ok(
            "webhook",
            "calls are not signed, unless the service is lent the credential webhook-secret",
        );
    };
    match std::fs::read_to_string(file).map(|text| key(&text)) {
        Ok(Ok(_)) => {
            Finding::ok("webhook", format!("calls are signed with the key in {}", file.display()))
        }
        Ok(Err(why)) => Finding::error(
            "webhook",
            format!("no call is made: {why} ({})", file.display()),
            "write the key that the receiver knows, or take webhook.secret_file away",
        ),
        Err(error) => Finding::error(
            "webhook",
            format!("{} cannot be read, so no call is made: {error}", file.display()),
            "let the daemon read webhook.secret_file, or use the credential webhook-secret",
        ),
    }
}

fn address(webhook: &WebhookSettings) -> Finding {
    let (host, port) = (webhook.host(), webhook.port());
    let found = (host.trim_matches(['[', ']']), port).to_socket_addrs();
    let all: Vec<_> = match found {
        Ok(found) => found.collect(),
        Err(error) => {
            return Finding::error(
                "webhook",
                format!("{host} cannot be found: {error}"),
                "see webhook.url, and whether names are resolved here",
            );
        }
    };
    let mut why = "it has no address".to_owned();
    for address in all {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => {
                return Finding::ok(
                    "webhook",
                    format!("{host}:{port} listens; `exportd webhook test` posts a document"),
                );
            }
            Err(error) => why = error.to_string(),
        }
    }
    Finding::error(
        "webhook",
        format!("{host}:{port} does not answer: {why}"),
        "see webhook.url, and whether its receiver runs; calls wait for five days",
    )
}
