//! The relay: whether it answers, and takes our password.

use std::path::PathBuf;

use super::Finding;
use crate::config::Settings;
use crate::report::smtp::{Outcome, Phase, knock};
use crate::report::{SmtpSettings, Tls};

pub(super) fn relay(settings: &Settings) -> Vec<Finding> {
    let mut settings = settings.clone();
    crate::daemon::lend_secrets(&mut settings);
    let mail = &settings.mail;
    let Some(relay) = &mail.smtp else {
        return vec![Finding::ok("relay", "none: mails are written to files below folders.mail")];
    };
    if let SmtpSettings { user: Some(user), password_file: None, .. } = relay {
        return vec![Finding::warning(
            "relay",
            format!("mail.user \"{user}\" has no mail.password_file that can be tried here"),
            "the credential smtp-password is lent to the service alone: see `exportd mail test`",
        )];
    }
    let outcome = knock(&PathBuf::from("/proc/self/exe"), relay, &mail.host);
    vec![judge(relay, &outcome)]
}

fn judge(relay: &SmtpSettings, outcome: &Outcome) -> Finding {
    let name = format!("{}:{}", relay.host, relay.port);
    let code = outcome.code.map_or_else(String::new, |code| format!("{code} "));
    let said = format!("{code}{}", outcome.text);
    match outcome.phase {
        Phase::Mail if outcome.code == Some(250) => {
            Finding::ok("relay", format!("{name} answers and takes our mail"))
        }
        Phase::Start => Finding::error("relay", said, "see mail.password_file and mail.ca_file"),
        Phase::Connect => Finding::error(
            "relay",
            format!("{name} does not answer: {said}"),
            match relay.tls {
                Tls::Implicit => "see mail.host and mail.port (465 with mail.tls = \"implicit\")",
                Tls::None | Tls::Starttls => {
                    "see mail.host and mail.port, and whether the relay runs"
                }
            },
        ),
        Phase::Starttls => Finding::error(
            "relay",
            format!("no safe connection to {name}: {said}"),
            "see mail.tls, and mail.ca_file for a certificate of one's own",
        ),
        Phase::Auth => Finding::error(
            "relay",
            format!("{name} does not take the password of mail.user: {said}"),
            "see mail.user and mail.password_file",
        ),
        Phase::Mail | Phase::Rcpt | Phase::Data | Phase::Dot => Finding::error(
            "relay",
            format!("{name} takes no mail from us: {said}"),
            "ask who runs it",
        ),
    }
}
