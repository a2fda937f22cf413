//! A folder that one process works in.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags};

/// A folder that belongs to one process as long as this lives.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Closing is not enough: a process that is being started right now may have the file too.
        let _ = rustix::fs::flock(&self.file, FlockOperation::Unlock);
    }
}

impl FolderLock {
    /// Takes the lock `FOLDER/lock` and writes our process id into it.
    ///
    /// # Errors
    /// `WouldBlock` when another process holds it, else the system's.
    pub fn take(folder: &Path) -> io::Result<Self> {
        let fd = rustix::fs::open(
            folder.join("lock"),
            OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW,
            Mode::RUSR | Mode::WUSR,
        )?;
        rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive)?;
        let mut file = File::from(fd);
        // The number is for people: on a full disk the lock holds without it.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_taken_once() {
        let dir = tempfile::tempdir().unwrap();
        let held = FolderLock::take(dir.path()).unwrap();
        assert_eq!(FolderLock::take(dir.path()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(held);
        FolderLock::take(dir.path()).unwrap();
    }
}
