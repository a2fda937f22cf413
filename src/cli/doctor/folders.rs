//! Folders: whether they can be used, how much room they have, where they lie.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;

use super::{Finding, State};
use crate::config::Settings;
use crate::daemon::space::Room;
use crate::diag::human_bytes;
use crate::spool::watch::{Mode, Watch, Why};

/// With less room than this nothing large can be exported.
const LITTLE: u64 = 1 << 30;
/// And with less than this nothing at all.
const NONE: u64 = 64 << 20;
/// So many files and folders more must fit.
const FEW_FILES: u64 = 1000;
/// Folders below the output folder that are looked at, from the top.
const DEEP: usize = 2;

/// What a folder must allow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Read,
    Write,
}

pub(super) fn folders(settings: &Settings) -> Vec<Finding> {
    let folders = &settings.folders;
    let mut findings = Vec::new();
    let written = [
        ("drop", &folders.drop),
        ("out", &folders.out),
        ("reports", &folders.reports),
        ("spool", &folders.spool),
        ("mail", &folders.mail),
    ];
    for (name, path) in written {
        let usable = usable(name, path, Need::Write);
        let is_ok = usable.state == State::Ok;
        findings.push(usable);
        if is_ok {
            findings.extend(room(name, path));
        }
    }
    findings.extend(folders.assets.iter().map(|path| usable("assets", path, Need::Read)));
    findings.extend(folders.catalogs.iter().map(|path| usable("catalogs", path, Need::Read)));
    findings
        .extend(settings.mail.templates.iter().map(|path| usable("templates", path, Need::Read)));
    let figures = settings.metrics.as_deref().and_then(Path::parent);
    findings.extend(figures.map(|path| usable("metrics", path, Need::Write)));
    let profiles = settings.policy.profiles.values();
    findings.extend(profiles.filter_map(|path| profile(path)));
    findings.extend(mounts(&folders.out));
    findings.extend(clones(&folders.assets, &folders.out));
    findings.push(watch(&folders.drop));
    findings
}

fn usable(name: &'static str, path: &Path, need: Need) -> Finding {
    let shown = path.display();
    if let Ok(meta) = std::fs::metadata(path)
        && !meta.is_dir()
    {
        return Finding::error(name, format!("{shown} is not a folder"), "move it away");
    }
    let wanted = match need {
        Need::Read => Access::READ_OK | Access::EXEC_OK,
        Need::Write => Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK,
    };
    match accessat(CWD, path, wanted, AtFlags::EACCESS) {
        Ok(()) if need == Need::Write => Finding::ok(name, format!("{shown} can be written")),
        Ok(()) => Finding::ok(name, format!("{shown} can be read")),
        Err(Errno::NOENT) if need == Need::Write => to_be_made(name, path),
        Err(Errno::NOENT) => Finding::error(
            name,
            format!("{shown} is not there"),
            format!("make it, mount it, or name another as folders.{name}"),
        ),
        Err(Errno::ROFS) => Finding::error(
            name,
            format!("{shown} is on a file system that is mounted read-only"),
            "mount it for writing; after an error of the disk it is read-only by itself: see `dmesg`",
        ),
        Err(_) => Finding::error(
            name,
            format!(
                "the daemon has no permission to {} {shown}",
                if need == Need::Read { "read" } else { "write to" }
            ),
            "give its account permission, for the packaged service by `systemd-tmpfiles --create exportd.conf`",
        ),
    }
}

/// The daemon makes what is missing, if it may.
fn to_be_made(name: &'static str, path: &Path) -> Finding {
    let above = path.ancestors().skip(1).find(|above| above.exists());
    let may = above.is_some_and(|above| {
        accessat(CWD, above, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).is_ok()
    });
    if may {
        return Finding::ok(name, format!("{} is not there; the daemon makes it", path.display()));
    }
    Finding::error(
        name,
        format!("{} is not there, and the daemon has no permission to make it", path.display()),
        "make it, for the packaged service by `systemd-tmpfiles --create exportd.conf`",
    )
}

fn room(name: &'static str, path: &Path) -> Option<Finding> {
    let left = Room::left(path);
    if left == Room::default() {
        // Full to the last byte, or nothing is known.
        rustix::fs::statvfs(path).ok()?;
    }
    judge_room(name, path, left)
}

fn judge_room(name: &'static str, path: &Path, left: Room) -> Option<Finding> {
    let (bytes, shown) = (human_bytes(left.bytes), path.display());
    let help = format!("make room there, or move folders.{name} to a larger disk");
    if left.bytes < NONE {
        return Some(Finding::error(
            name,
            format!("its disk is full: {bytes} left for {shown}"),
            help,
        ));
    }
    if left.files < FEW_FILES {
        let message = format!("its disk has room for only {} more files: {shown}", left.files);
        return Some(Finding::error(name, message, help));
    }
    let message = format!("its disk is nearly full: {bytes} left for {shown}");
    (left.bytes < LITTLE).then(|| Finding::warning(name, message, help))
}

fn profile(path: &Path) -> Option<Finding> {
    accessat(CWD, path, Access::READ_OK, AtFlags::EACCESS).is_err().then(|| {
        Finding::error(
            "profiles",
            format!("the daemon has no permission to read the colour profile {}", path.display()),
            "give its account permission, for example `chmod a+r`",
        )
    })
}

/// Outputs are moved to their place by a rename, which cannot cross file systems.
fn mounts(out: &Path) -> Vec<Finding> {
    let Ok(home) = std::fs::metadata(out) else { return Vec::new() };
    let mut elsewhere = Vec::new();
    look_for_mounts(out, home.dev(), DEEP, &mut elsewhere);
    elsewhere
        .iter()
        .map(|path| {
            let staging = path.ends_with(".exportd-stage");
            let what =
                if staging { "what is published from it" } else { "what is published there" };
            Finding::error(
                "file systems",
                format!(
                    "{} is another file system than {}: {what} cannot be renamed into place",
                    path.display(),
                    out.display()
                ),
                "let folders.out be on that file system as a whole",
            )
        })
        .collect()
}

fn look_for_mounts(folder: &Path, device: u64, deep: usize, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(meta) = entry.metadata() else { continue };
        if !meta.is_dir() {
            continue;
        }
        if meta.dev() != device {
            found.push(entry.path());
        } else if deep > 1 {
            look_for_mounts(&entry.path(), device, deep - 1, found);
        }
    }
}

/// Originals are cloned where both folders are on one file system that can do that.
fn clones(assets: &[PathBuf], out: &Path) -> Option<Finding> {
    let device = |path: &Path| std::fs::metadata(path).map(|meta| meta.dev()).ok();
    let home = device(out)?;
    let apart = assets.iter().find(|path| device(path).is_some_and(|dev| dev != home))?;
    let message = format!(
        "{} and {} are different file systems: originals are copied, not cloned",
        apart.display(),
        out.display()
    );
    Some(Finding::ok("file systems", message))
}

fn watch(drop: &Path) -> Finding {
    let watch = Watch::start(drop, Instant::now(), || {});
    match watch.mode() {
        Mode::Events => Finding::ok("watching", "the drop folder is watched by events"),
        mode @ Mode::Polling(why) => {
            let help = match why {
                Why::Limit => {
                    "raise the limits: `sysctl fs.inotify.max_user_instances=512 \
                     fs.inotify.max_user_watches=262144`"
                }
                Why::FileSystem(_) => {
                    "manifests are found all the same, some seconds later; a drop folder on a disk \
                     of this machine is faster"
                }
                Why::Gone => "make the folder",
                Why::Other(_) => "manifests are found all the same, some seconds later",
            };
            Finding::warning("watching", mode.to_string(), help)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_judged_by_what_it_takes() {
        let judged = |bytes, files| {
            let room = Room { bytes, files };
            judge_room("out", Path::new("/o"), room).map(|finding| finding.state)
        };
        assert_eq!(judged(2 << 30, u64::MAX), None);
        assert_eq!(judged(LITTLE - 1, u64::MAX), Some(State::Warning));
        assert_eq!(judged(NONE - 1, u64::MAX), Some(State::Error));
        assert_eq!(judged(0, 0), Some(State::Error));
        assert_eq!(judged(2 << 30, FEW_FILES - 1), Some(State::Error));
    }

    #[test]
    fn a_mount_below_the_output_folder_is_found() {
        let mut found = Vec::new();
        look_for_mounts(Path::new("/"), std::fs::metadata("/").unwrap().dev(), 1, &mut found);
        assert!(found.iter().any(|path| path == Path::new("/proc")), "{found:?}");
    }
}
