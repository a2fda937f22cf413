//! The spool's way to the disk: every durable step goes through here, and nowhere else.
//!
//! That is for the tests: a countdown per thread makes the N-th step fail, and every step after
//! it, as if the process had been killed there, or the N-th that needs room, as if the disk were
//! full from there on. A write that is hit leaves half of its bytes.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{Advice, AtFlags, FallocateFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::fs;

/// Makes a folder that only we enter; one that is there is fine.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    step_leaving(|| {})?;
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_folder(path) => Ok(()),
        other => other,
    }
}

/// Tells whether the path is a folder, not following a link.
pub(super) fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|meta| meta.is_dir())
}

/// Writes a new private file; its content is durable when it has been synced.
pub(super) fn write_unsynced(path: &Path, bytes: &[u8]) -> io::Result<File> {
    step_leaving(|| drop(fs::write_new(path, half(bytes), 0o600)))?;
    fs::write_unsynced(path, bytes, 0o600)
}

/// Makes a private file and opens it with these flags; its name is not durable yet.
pub(super) fn open_new(path: &Path, flags: OFlags) -> io::Result<File> {
    step_leaving(|| {})?;
    let flags = flags | OFlags::CREATE | OFlags::EXCL;
    Ok(File::from(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?))
}

/// Replaces a private file as a whole, durably.
pub(super) fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    step_leaving(|| {})?;
    fs::write_atomic(path, bytes, 0o600)
}

/// Makes the entries of a folder durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    step()?;
    fs::sync_dir(path)
}

/// Renames a job's folder, never over another, and makes both parents durable.
pub(super) fn publish(from: &Path, to: &Path) -> io::Result<()> {
    step()?;
    fs::publish(from, to)?;
    // Refused only once both are where they belong.
    step_leaving(|| {})
}

/// Renames a job's folder, never over another; not durable before both parents are.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    step()?;
    fs::rename_new(from, to)
}

/// Removes a file durably; one that is not there is fine.
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    step()?;
    fs::remove_durable(path)
}

/// Removes whatever is at the path, a folder with all it holds.
pub(super) fn remove_tree(path: &Path) -> io::Result<()> {
    step()?;
    let result =
        if is_folder(path) { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Moves a file between two open folders, never over another.
pub(super) fn move_at(
    from: impl AsFd,
    name: &str,
    to: impl AsFd,
    new_name: &str,
) -> io::Result<()> {
    step()?;
    match rustix::fs::renameat_with(&from, name, &to, new_name, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // File systems that cannot promise it (FUSE, some network ones): look, then rename.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            match rustix::fs::statat(&to, new_name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
                Err(Errno::NOENT) => Ok(rustix::fs::renameat(&from, name, &to, new_name)?),
                Err(other) => Err(other.into()),
            }
        }
        Err(other) => Err(other.into()),
    }
}

/// Removes a file from an open folder.
pub(super) fn unlink_at(folder: impl AsFd, name: &str) -> io::Result<()> {
    step()?;
    Ok(rustix::fs::unlinkat(folder, name, AtFlags::empty())?)
}

/// Makes an open file or folder durable.
pub(super) fn sync_file(file: impl AsFd) -> io::Result<()> {
    step()?;
    Ok(rustix::fs::fsync(file)?)
}

/// Makes open files or folders durable, several at the same time.
///
/// Most of a sync is waiting for the file system to close a transaction and for the disk to empty
/// its cache, and that takes no longer for many who wait together than for one. Returns how many,
/// from the first on, are durable for certain, and what kept the others.
pub(super) fn sync_together(files: &[File]) -> (usize, io::Result<()>) {
    // Counted here: the tests' countdown is one per thread.
    let refused = files.iter().enumerate().find_map(|(at, _)| Some((at, step().err()?)));
    let allowed = refused.as_ref().map_or(files.len(), |(at, _)| *at);
    match first_unsynced(&files[..allowed]).or(refused) {
        Some((at, error)) => (at, Err(error)),
        None => (files.len(), Ok(())),
    }
}

/// Syncs all, and returns the first that could not be.
fn first_unsynced(files: &[File]) -> Option<(usize, io::Error)> {
    /// With how many threads, and from how many files on for each.
    const MOST: usize = 32;
    const EACH: usize = 4;
    if files.len() > EACH {
        // Where blocks are found for a file only when it is written out, as on ext4 and XFS, each
        // sync would close a transaction of its own. This begins to write them all out; that it
        // calls them not needed any more is of no consequence. A hint: the syncs decide.
        for file in files {
            let _ = rustix::fs::fadvise(file, 0, None, Advice::DontNeed);
        }
    }
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<(usize, io::Error)>> = Mutex::new(None);
    let sync = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(at) else { return };
            if let Err(error) = rustix::fs::fsync(file) {
                let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                if failed.as_ref().is_none_or(|(first, _)| at < *first) {
                    *failed = Some((at, error.into()));
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..MOST.min(files.len() / EACH) {
            // One that cannot be had is not missed: whoever is there does the work.
            let _ = std::thread::Builder::new().name("sync".into()).spawn_scoped(scope, sync);
        }
        sync();
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Adds bytes to the end of a journal.
pub(super) fn append(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    step_leaving(|| drop(file.write_all(half(bytes))))?;
    file.write_all(bytes)
}

/// Cuts a file to its first `length` bytes.
pub(super) fn truncate(file: &File, length: u64) -> io::Result<()> {
    step()?;
    file.set_len(length)
}

/// Makes what was appended durable.
pub(super) fn sync_data(file: &File) -> io::Result<()> {
    step()?;
    file.sync_data()
}

/// Returns what of a write is on the disk when it was killed in its middle.
fn half(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len() / 2]
}

/// Keeps some room for later: a file of so many bytes, which are really there.
pub(super) fn reserve(path: &Path, bytes: u64) -> io::Result<()> {
    step_leaving(|| {})?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?;
    Ok(rustix::fs::fallocate(fd, FallocateFlags::empty(), 0, bytes)?)
}

/// Gives that room back; tells whether there was any.
pub(super) fn give_room(path: &Path) -> bool {
    let given = step().is_ok() && std::fs::remove_file(path).is_ok();
    #[cfg(test)]
    if given {
        crash::room();
    }
    given
}

/// Counts a step that needs no room.
#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "the tests' version fails on demand")]
fn step() -> io::Result<()> {
    Ok(())
}

/// Counts a step that needs room; `half_way` does what of it is done when it fails.
#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "the tests' version fails on demand")]
fn step_leaving(_half_way: impl FnOnce()) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
use crash::{step, step_leaving};

/// Deaths, and full disks, at a chosen step.
#[cfg(test)]
pub(super) mod crash {
    use std::cell::Cell;
    use std::io;

    #[derive(Clone, Copy, PartialEq)]
    enum Plan {
        Fine,
        Kill { after: u64 },
        Full { after: u64 },
    }

    thread_local! {
        static PLAN: Cell<Plan> = const { Cell::new(Plan::Fine) };
        static MET: Cell<bool> = const { Cell::new(false) };
    }

    /// Lets `steps` steps succeed and every later one on this thread fail.
    pub(in crate::spool) fn after(steps: u64) {
        PLAN.set(Plan::Kill { after: steps });
        MET.set(false);
    }

    /// Lets `steps` steps that need room succeed and every later one on this thread fail.
    pub(in crate::spool) fn full_after(steps: u64) {
        PLAN.set(Plan::Full { after: steps });
        MET.set(false);
    }

    /// Ends it; tells whether a step failed.
    pub(in crate::spool) fn end() -> bool {
        PLAN.set(Plan::Fine);
        MET.replace(false)
    }

    pub(super) fn room() {
        if matches!(PLAN.get(), Plan::Full { .. }) {
            PLAN.set(Plan::Fine);
        }
    }

    pub(super) fn step() -> io::Result<()> {
        match PLAN.get() {
            Plan::Kill { .. } => step_leaving(|| {}),
            Plan::Fine | Plan::Full { .. } => Ok(()),
        }
    }

    pub(super) fn step_leaving(half_way: impl FnOnce()) -> io::Result<()> {
        match PLAN.get() {
            Plan::Fine => Ok(()),
            Plan::Kill { after: 0 } => {
                // Once: after the kill nothing happens any more.
                if !MET.replace(true) {
                    half_way();
                }
                Err(io::Error::other("killed here by the test"))
            }
            Plan::Full { after: 0 } => {
                MET.set(true);
                half_way();
                Err(io::ErrorKind::StorageFull.into())
            }
            Plan::Kill { after } => {
                PLAN.set(Plan::Kill { after: after - 1 });
                Ok(())
            }
            Plan::Full { after } => {
                PLAN.set(Plan::Full { after: after - 1 });
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_is_synced_together_the_first_failure_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let mut files: Vec<File> = (0..40)
            .map(|n| write_unsynced(&dir.path().join(n.to_string()), b"x").unwrap())
            .collect();
        assert!(matches!(sync_together(&files), (40, Ok(()))));
        assert!(matches!(sync_together(&[]), (0, Ok(()))));
        // A pipe cannot be synced.
        for at in [31, 17] {
            files[at] = File::from(rustix::pipe::pipe().unwrap().0);
        }
        assert!(matches!(sync_together(&files), (17, Err(_))));
        crash::after(5);
        assert!(matches!(sync_together(&files), (5, Err(_))));
        crash::end();
        crash::after(20);
        assert!(matches!(sync_together(&files), (17, Err(_))));
        crash::end();
    }
}
