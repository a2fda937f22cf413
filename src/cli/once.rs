//! `once`: one manifest here and now, outside the spool.

use std::path::PathBuf;

use clap::Args;

use super::progress::Bar;
use super::{Exit, Places, complain, print, say};
use crate::daemon::conduct::{
    ConductError, Conducted, Epoch, Fired, Ledger, Order, Over, Stand, conduct,
};
use crate::daemon::{DaemonError, now};
use crate::diag::Fault;
use crate::job::check::When;
use crate::job::run::Cancel;
use crate::report::folder::Status;
use crate::report::html::Broken;
use crate::report::locale::Language;
use crate::report::outbox::Outbox;
use crate::report::text;

#[derive(Debug, Args)]
pub(super) struct OnceArgs {
    /// The manifest
    #[arg(value_name = "JOB")]
    job: PathBuf,
    /// Mail the report too, as the manifest asks
    #[arg(long)]
    mail: bool,
}

pub(super) fn once(places: &Places, args: &OnceArgs) -> Result<Exit, Exit> {
    let settings = places.settings()?.settings;
    let library = super::jobs::library(&settings)?;
    let read = super::jobs::read(&args.job, &library, &settings)?;
    if let Some(job) = &read.judged.job
        && job.when != When::Now
    {
        say("the schedule is ignored: this runs now");
    }
    for folder in [&settings.folders.out, &settings.folders.reports] {
        std::fs::create_dir_all(folder).map_err(|error| {
            complain(&format!("{}: {error}", folder.display()));
            Exit::NoOutput
        })?;
    }
    let epoch = Epoch::open(settings).map_err(|error| {
        complain(&error.to_string());
        match error {
            DaemonError::NoAssets(_) => Exit::Absent,
            _ => Exit::Failed,
        }
    })?;
    let at = now();
    let order = Order {
        id: &format!("once-{}-{}", std::process::id(), at.as_nanosecond()),
        name: &args.job.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
        bytes: &read.bytes,
        whole: true,
        uid: Some(rustix::process::getuid().as_raw()),
        received: at,
        due: None,
        number: 0,
        fired: Fired::Now,
        given_up: None,
    };
    let over = run(&order, &epoch)?;
    let report = over.report(&epoch.places);
    // Whoever types reads what the rest of the command line says, too.
    print(&text::summary(&report, Language::English));
    if let Some(Broken { file, reason }) = &over.broken {
        complain(&format!("the template {} cannot be used: {reason}", file.display()));
    }
    if args.mail {
        mail(&epoch, &over)?;
    }
    Ok(match over.log.fatal {
        Some(Fault::DiskFull | Fault::Blocked { .. } | Fault::NotWritable { .. }) => Exit::NoOutput,
        _ => over.log.verdict().into(),
    })
}

fn run(order: &Order<'_>, epoch: &Epoch) -> Result<Over, Exit> {
    let bar = Bar::new(order.name);
    let watch = |status: &Status<'_>| bar.show(status.run, status.progress, &status.counts);
    let stand = Stand {
        cancel: &Cancel::default(),
        ledger: Ledger::Nowhere,
        watch: &watch,
        refused: &|_| (),
        now,
    };
    let conducted = conduct(order, epoch, &stand, Vec::new());
    drop(bar);
    match conducted {
        Ok(Conducted::Over(over)) => Ok(*over),
        Ok(Conducted::Later(_) | Conducted::Suspended) => Err(Exit::Failed),
        Err(error) => {
            complain(&error.to_string());
            Err(match error {
                ConductError::Journal(_) => Exit::Journal,
                ConductError::Report(_) | ConductError::Output(_) | ConductError::NoRoom(_) => {
                    Exit::NoOutput
                }
            })
        }
    }
}

/// Puts the mail into the outbox and sends what is due.
fn mail(epoch: &Epoch, over: &Over) -> Result<(), Exit> {
    let unavailable = |error: std::io::Error| {
        complain(&format!("the mail cannot be sent: {error}"));
        Exit::Unavailable
    };
    let program = PathBuf::from("/proc/self/exe");
    let outbox = Outbox::attach(epoch.settings.mail.clone(), program).map_err(unavailable)?;
    let to = epoch.directory.recipients(&over.log.about);
    outbox.announce(&over.report(&epoch.places), &to).map_err(unavailable)?;
    let summary = outbox.deliver_due(now()).map_err(unavailable)?;
    match summary.relay_trouble {
        None => Ok(()),
        Some(trouble) => {
            complain(&format!("the relay takes no mail: {trouble}; the mail stays in the outbox"));
            Err(Exit::Unavailable)
        }
    }
}
