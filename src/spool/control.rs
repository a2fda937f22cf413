//! Requests of the command line to the daemon, as files.
//!
//! A request is one JSON object in `drop/.exportd/control/`, written under a hidden name and
//! renamed to `*.json`. The folder has the mode of the drop folder: who may drop may ask. The
//! daemon reads a request once and removes it before acting on it; one that a crash loses is asked
//! again by whoever waits for it. What is not understood is removed and logged. The name of the
//! request is that of its answer, which whoever obeys writes elsewhere.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use serde::{Deserialize, Serialize};

use super::accept::{CORNER, drop_error, known, make_at, mode_of, open_corner, open_folder};
use super::{Spool, SpoolError, disk};
use crate::fs::{OpenError, RelPath, Root};

pub(super) const CONTROL: &str = "control";
const MOST_REQUEST_BYTES: u64 = 4096;

/// What the daemon is asked to do with a run or a waiting job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// End it; what is done stays staged (`stopJob`).
    Stop,
    /// Put it on hold (`pauseJob`).
    Pause,
    /// Let it go on (`resumeJob`).
    Resume,
    /// Forget it, with what is staged (`deleteJob`).
    Delete,
    /// Run a scheduled job at once (`executeJob`).
    RunNow,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What to do.
    pub op: Operation,
    /// With what: the name of a run, or of a job that waits.
    pub run: String,
}

/// A request as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What the request, and its answer, are called.
    pub name: String,
    /// What is asked.
    pub request: Request,
    /// The owner of the file: who asks.
    pub uid: u32,
}

/// Asks the daemon that watches this drop folder; returns the name of the request.
///
/// # Errors
/// `NotFound` when no daemon has ever used the folder, else the system's.
pub fn request(drop: &Path, request: &Request) -> io::Result<String> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let corner = Root::open(drop)?.below(&known(CORNER)?);
    let folder = corner.and_then(|corner| corner.below(&known(CONTROL)?)).map_err(plain)?;
    // No name comes again, also of another process of that number: an answer may be older.
    let now = Timestamp::now().as_microsecond();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("{now}-{}-{count}", std::process::id());
    let (hidden, visible) = (format!(".{name}.tmp"), format!("{name}.json"));
    let json = serde_json::to_vec(request)?;
    // A process of the same number may have died here.
    match rustix::fs::unlinkat(&folder, &hidden, AtFlags::empty()) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => {}
        Err(other) => return Err(other.into()),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(&folder, &hidden, flags, Mode::RUSR | Mode::WUSR)?;
    let mut file = File::from(fd);
    file.write_all(&json)?;
    // The daemon reads it as the group that the folder hands down.
    rustix::fs::fchmod(&file, Mode::RUSR | Mode::WUSR | Mode::RGRP)?;
    rustix::fs::renameat(&folder, &hidden, &folder, &visible)?;
    Ok(name)
}

impl Spool {
    /// Takes the request that waits longest.
    ///
    /// # Errors
    /// The drop folder's; never a reason to end.
    pub fn take_request(&self) -> Result<Option<Asked>, SpoolError> {
        let home = &self.home;
        let taken = Root::open(&home.folders.drop).map_err(OpenError::Io).and_then(|drop| {
            let folder = open_control(&drop)?;
            take_request(&folder)
        });
        taken.map_err(|error| drop_error(home, "take the requests of", error))
    }
}

/// Opens the folder of requests, making it where it is missing.
pub(super) fn open_control(drop: &Root) -> Result<Root, OpenError> {
    let corner = open_corner(drop)?;
    make_at(&corner, CONTROL, mode_of(drop)?)?;
    corner.below(&known(CONTROL)?)
}

fn take_request(folder: &Root) -> Result<Option<Asked>, OpenError> {
    let mut found = Vec::new();
    for entry in Dir::read_from(open_folder(folder)?).map_err(io::Error::from)? {
        let entry = entry.map_err(io::Error::from)?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        if name.starts_with('.') || !name.ends_with(".json") {
            continue;
        }
        let Ok(path) = RelPath::parse(name) else { continue };
        let Ok(stamp) = folder.look(&path) else { continue };
        found.push((stamp.ctime_ns, path));
    }
    found.sort();
    for (_, path) in found {
        let read = read(folder, &path);
        // Before acting: a request that breaks us must not be there at the next start.
        disk::unlink_at(folder, path.as_str())?;
        match read {
            Ok(one) => return Ok(Some(one)),
            Err(error) => tracing::warn!(request = %path, %error, "request not understood"),
        }
    }
    Ok(None)
}

fn read(folder: &Root, path: &RelPath) -> io::Result<Asked> {
    let (file, stamp) = folder.open_file(path).map_err(plain)?;
    let mut bytes = Vec::new();
    file.take(MOST_REQUEST_BYTES).read_to_end(&mut bytes)?;
    let name = path.as_str().trim_end_matches(".json").to_owned();
    Ok(Asked { name, request: serde_json::from_slice(&bytes)?, uid: stamp.uid })
}

fn plain(error: OpenError) -> io::Error {
    match error {
        OpenError::NotFound => io::ErrorKind::NotFound.into(),
        OpenError::Denied => io::ErrorKind::PermissionDenied.into(),
        OpenError::Io(error) => error,
        other @ (OpenError::Outside | OpenError::NotAFile(_)) => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::{Folders, tests::Place};

    #[test]
    fn what_is_asked_arrives_once_in_order_and_nothing_else_does() {
        let place = Place::new();
        let Folders { drop, .. } = &place.folders;
        std::fs::create_dir(drop).unwrap();
        let stop = Request { op: Operation::Stop, run: "spring_2026".into() };
        assert_eq!(request(drop, &stop).unwrap_err().kind(), io::ErrorKind::NotFound);
        let (spool, _) = place.open();
        assert_eq!(spool.take_request().unwrap(), None);
        let run_now = Request { op: Operation::RunNow, run: "nightly".into() };
        request(drop, &stop).unwrap();
        request(drop, &run_now).unwrap();
        let control = drop.join(".exportd/control");
        for (name, text) in [
            ("bad.json", r#"{"op":"explode","run":"x"}"#),
            ("more.json", r#"{"op":"stop","run":"x","now":true}"#),
            ("part.json", "{"),
        ] {
            crate::fs::write_new(&control.join(name), text.as_bytes(), 0o600).unwrap();
        }
        std::os::unix::fs::symlink("/etc/passwd", control.join("link.json")).unwrap();
        std::fs::create_dir(control.join("folder.json")).unwrap();
        let asked: Vec<_> = std::iter::from_fn(|| spool.take_request().unwrap()).collect();
        let requests: Vec<_> = asked.iter().map(|asked| asked.request.clone()).collect();
        assert_eq!(requests, [stop, run_now]);
        assert_eq!(asked[0].uid, rustix::process::getuid().as_raw());
        assert!(!control.join("bad.json").exists() && !control.join("part.json").exists());
    }
}
