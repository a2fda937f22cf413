//! Runs with every verdict, for tests inside and outside the crate (hence `super::exportd`).
#![allow(dead_code, unreachable_pub, reason = "not every test needs every sample")]

use std::time::Duration;

use jiff::Timestamp;

use super::exportd;
use exportd::diag::{Code, Diagnostic, Fault, Phrase};
use exportd::fs::RelPath;
use exportd::job::log::{About, AssetEntry, AssetOutcome, Change, Delivered, JobLog};
use exportd::job::recipe::{Recipe, Said};
use exportd::job::{EmailSetting, Fmt, Verdict};
use exportd::library::AssetType;
use exportd::report::{
    MailSettings, Pace, Patience, Places, RetryRendition, RetryRequest, SmtpSettings, Tls,
};

pub const RUN: &str = "spring-tops_2026-12-01-06-00-00";

pub fn about() -> About {
    About {
        job_name: "spring-tops".into(),
        description: Some("Spring season, web".into()),
        client_id: None,
        user_handle: Some("mia".into()),
        locale: None,
        email_setting: Some(EmailSetting::All),
        submitter_uid: Some(1000),
        manifest_name: "spring-tops.toml".into(),
        retry_of: None,
    }
}

pub fn places() -> Places {
    Places {
        out: "/srv/exportd/out".into(),
        reports: "/srv/exportd/reports".into(),
        shares: vec![("/srv/exportd".into(), r"\\nas\exports".into())],
        templates: None,
    }
}

/// Mail that is kept in `mail/` and leaves for nowhere.
pub fn mail() -> MailSettings {
    MailSettings {
        folder: "mail".into(),
        smtp: None,
        from: "exportd <exportd@studio.example>".into(),
        host: "studio.example".into(),
        daily: None,
        operators: Vec::new(),
        // Tests are not kept waiting.
        pace: Pace { gap: Duration::ZERO, ..Pace::default() },
        templates: None,
    }
}

/// A relay on this machine that nobody listens on.
pub fn nowhere() -> SmtpSettings {
    SmtpSettings {
        host: "127.0.0.1".into(),
        port: 1,
        tls: Tls::None,
        user: None,
        password_file: None,
        ca_file: None,
        patience: Patience::default(),
    }
}

pub fn retry() -> RetryRequest {
    RetryRequest {
        description: Some("Spring season, web".into()),
        user_handle: Some("mia".into()),
        locale: None,
        client_id: None,
        email_setting: EmailSetting::All,
        destination: None,
        overwrite: false,
        renditions: vec![RetryRendition {
            rendition: None,
            fmt: Fmt::Convert,
            is_modifier: Some("&wid=2000&fmt=png".into()),
            preset: Some("$web$".into()),
            output_name: None,
        }],
    }
}

pub fn asset(name: &str, outcome: AssetOutcome) -> AssetEntry {
    AssetEntry {
        handle: format!("tops/{name}.tif"),
        name: format!("{name}.tif"),
        asset_type: match &outcome {
            AssetOutcome::Failed { fault: Fault::NotFound { .. } } => None,
            _ => Some(AssetType::Image),
        },
        rendition: None,
        source: Some(format!("tops/{name}.tif")),
        outcome,
    }
}

pub fn delivered(name: &str, change: Change) -> Delivered {
    Delivered {
        output: RelPath::parse(&format!("tops/{name}.png")).unwrap(),
        bytes: 123_456,
        sha256: exportd::fs::ContentHash::of(name.as_bytes()),
        width: Some(2000),
        height: Some(1500),
        profile: Some("sRGB".into()),
        change,
    }
}

pub fn converted(name: &str, warnings: &[&str]) -> AssetEntry {
    asset(
        name,
        AssetOutcome::Converted {
            files: vec![delivered(name, Change::New)],
            warnings: warnings.iter().map(|&w| w.to_owned().into()).collect(),
        },
    )
}

pub fn failed(name: &str, fault: Fault) -> AssetEntry {
    asset(name, AssetOutcome::Failed { fault })
}

fn mistakes() -> Vec<Diagnostic> {
    vec![
        Diagnostic::error(Code::Value, 24..35, unknown_key()).help(Phrase::named(
            "did-you-mean",
            "did you mean `emailSetting`?",
            vec![("near", "emailSetting".into())],
        )),
        Diagnostic::error(
            Code::Missing,
            0..7,
            Phrase::named(
                "key-missing",
                "`assetHandleArray` is missing",
                vec![("key", "assetHandleArray".into())],
            ),
        ),
    ]
}

fn unknown_key() -> Phrase {
    let given = vec![("key", "emailSeting".into())];
    Phrase::named("unknown-key", "unknown key `emailSeting`", given)
}

fn said_by() -> Phrase {
    Phrase::named("by-macro", "macro $web$", vec![("name", "$web$".into())])
}

fn recipe() -> Recipe {
    Recipe {
        rendition: None,
        request: Some("wid=2000&fmt=png&wid=1200&qlt=85".into()),
        commands: vec![Said { command: "wid=1200".into(), by: said_by() }],
    }
}

/// A run that ends with `verdict`.
pub fn log(verdict: Verdict) -> JobLog {
    let mut log = JobLog {
        about: about(),
        run: RUN.into(),
        job_handle: format!("j|1|spring-tops|{RUN}|17"),
        start: "2026-12-01T05:00:00Z".parse::<Timestamp>().unwrap(),
        end: "2026-12-01T05:03:12Z".parse::<Timestamp>().unwrap(),
        assets: Vec::new(),
        findings: Vec::new(),
        fatal: None,
        stopped: false,
        resumed: 0,
        recipes: vec![recipe()],
        manifest: "jobName = \"spring-tops\"\nemailSeting = \"All\"\n".into(),
        output_folder: Some(RelPath::parse(RUN).unwrap()),
    };
    let damaged = || Fault::Damaged { detail: "the file ends in the middle of line 1,204".into() };
    match verdict {
        Verdict::Clean => {
            log.assets = vec![converted("front", &[]), converted("back", &[])];
        }
        Verdict::Warnings => {
            log.assets = vec![
                converted("front", &["the modifier \"widt\" is not known; did you mean \"wid\"?"]),
                asset(
                    "spin",
                    AssetOutcome::NotExportable { reason: "a spin set is not exported".into() },
                ),
            ];
        }
        Verdict::Partial => {
            log.assets = vec![
                converted("front", &["upscaled from 800 to 2000 pixels"]),
                failed("back", Fault::NotFound { nearest: Some("tops/black.tif".into()) }),
                failed("side", damaged()),
            ];
        }
        Verdict::Failed => {
            log.assets = vec![failed("front", damaged()), failed("back", damaged())];
            log.findings = vec![Diagnostic::warning(Code::Value, 10..23, "an old spelling")];
            log.output_folder = None;
        }
        Verdict::Fatal => {
            log.fatal = Some(Fault::DiskFull);
            log.output_folder = None;
        }
        Verdict::Refused => {
            log.findings = mistakes();
            log.fatal = Some(Fault::Refused { line: 2, message: unknown_key(), findings: 2 });
            log.output_folder = None;
        }
        Verdict::Stopped => {
            log.stopped = true;
            log.assets = vec![
                converted("front", &[]),
                asset("back", AssetOutcome::Cancelled),
                asset("side", AssetOutcome::Cancelled),
            ];
        }
    }
    log
}
