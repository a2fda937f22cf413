//! The spool's way to the disk: every durable step goes through here, and nowhere else.
//!
//! That is for the tests: a countdown per thread makes the N-th step fail, and every step after
//! it, as if the process had been killed there, or the N-th that needs room, as if the disk were
//! full from there on. A write that is hit leaves half of its bytes.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, FallocateFlags, Mode, OFlags, RenameFlags};
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
