//! Writes that are whole or not there, and renames that last.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

/// Makes the entries of a folder durable.
///
/// # Errors
/// The system's.
pub fn sync_dir(folder: &Path) -> io::Result<()> {
    let fd = rustix::fs::open(
        folder,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    Ok(rustix::fs::fsync(fd)?)
}

/// Writes a whole file under its final name, durably, replacing what was there: `.NAME.tmp`,
/// `fsync`, rename, `fsync` of the folder.
///
/// # Errors
/// The system's; the temporary file is removed and the old content is untouched.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    write_atomic_by(path, mode, |file| file.write_all(bytes))
}

/// As [`write_atomic`], of content that is made as it is written.
///
/// # Errors
/// As [`write_atomic`], and those of `fill`.
pub fn write_atomic_by(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    write_ahead_by(path, mode, fill)?;
    sync_dir(parent_of(path))
}

/// As [`write_atomic_by`], for a file that is followed by others: its name is durable when the folder
/// has been synced.
///
/// # Errors
/// As [`write_atomic_by`].
pub fn write_ahead_by(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let tmp = temporary_name(path);
    let result = create_filled(&tmp, mode, fill).and_then(|file| {
        file.sync_all()?;
        Ok(rustix::fs::rename(&tmp, path)?)
    });
    if result.is_err() {
        let _ = std::fs::remove_file(&tmp);
    }
    result
}

/// As [`write_atomic`], but not durable: after a power cut there may be the old content, the new, or
/// none. For what is made again, or not missed.
///
/// # Errors
/// The system's; the temporary file is removed and the old content is untouched.
pub fn write_swiftly(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let tmp = temporary_name(path);
    let result =
        write_unsynced(&tmp, bytes, mode).and_then(|_| Ok(rustix::fs::rename(&tmp, path)?));
    if result.is_err() {
        let _ = std::fs::remove_file(&tmp);
    }
    result
}

/// Removes from a folder what a killed [`write_atomic`] has left there of files that `wanted` names.
///
/// # Errors
/// The system's.
pub fn remove_temporaries(folder: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        // What is no file was not left by an interrupted write, whatever it is called.
        if name.to_str().and_then(temporary_of).is_some_and(&wanted) && entry.file_type()?.is_file()
        {
            std::fs::remove_file(folder.join(name))?;
        }
    }
    Ok(())
}

/// Returns for which file, if its name was not cut, a temporary name was made.
fn temporary_of(name: &str) -> Option<&str> {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (name, numbers) = name.strip_prefix('.')?.strip_suffix(".tmp")?.rsplit_once('.')?;
    let (process, count) = numbers.split_once('-')?;
    (number(process) && number(count)).then_some(name)
}

/// Writes a new file and makes its content durable; its name is not until the folder is synced.
///
/// # Errors
/// The system's, `AlreadyExists` when the name is taken.
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    write_unsynced(path, bytes, mode)?.sync_all()
}

/// Writes a new file and leaves it open: its content is durable when it has been synced.
///
/// # Errors
/// The system's, `AlreadyExists` when the name is taken.
pub fn write_unsynced(path: &Path, bytes: &[u8], mode: u32) -> io::Result<File> {
    create_filled(path, mode, |file| file.write_all(bytes))
}

fn create_filled(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<File> {
    let fd = rustix::fs::open(
        path,
        OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW,
        Mode::RUSR | Mode::WUSR,
    )?;
    let mut file = BufWriter::new(File::from(fd));
    fill(&mut file)?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    // After the content: the umask must not decide who reads a published file.
    rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
    Ok(file)
}

/// Renames, never over something that exists, and makes both folders durable.
///
/// # Errors
/// `AlreadyExists` when `to` exists, else the system's.
pub fn publish(from: &Path, to: &Path) -> io::Result<()> {
    rename_new(from, to)?;
    sync_parents(from, to)
}

/// Renames, never over something that exists. Not durable before both folders are synced.
///
/// # Errors
/// `AlreadyExists` when `to` exists, else the system's.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // File systems without RENAME_NOREPLACE (some network ones): look, then rename.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            if to.symlink_metadata().is_ok() {
                return Err(io::Error::from(io::ErrorKind::AlreadyExists));
            }
            Ok(rustix::fs::rename(from, to)?)
        }
        Err(other) => Err(other.into()),
    }
}

/// Renames over whatever is there and makes both folders durable.
///
/// # Errors
/// The system's.
pub fn replace(from: &Path, to: &Path) -> io::Result<()> {
    rustix::fs::rename(from, to)?;
    sync_parents(from, to)
}

/// Makes both folders of a rename durable.
///
/// # Errors
/// The system's.
pub fn sync_parents(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (parent_of(from), parent_of(to));
    sync_dir(to)?;
    if from == to { Ok(()) } else { sync_dir(from) }
}

/// Removes a file durably; one that is not there is fine.
///
/// # Errors
/// The system's.
pub fn remove_durable(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Ok(()) => sync_dir(parent_of(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Returns a hidden name beside `path` that nobody else uses at the same time.
fn temporary_name(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or(OsStr::new("file"));
    let mut tmp = Vec::from(b".");
    // A name of 255 bytes has no room for more.
    tmp.extend_from_slice(&name.as_bytes()[..name.len().min(200)]);
    tmp.extend_from_slice(format!(".{}-{n}.tmp", std::process::id()).as_bytes());
    parent_of(path).join(OsStr::from_bytes(&tmp))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_atomic_replaces_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        write_atomic(&path, b"one", 0o640).unwrap();
        write_atomic(&path, b"two", 0o640).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn publish_never_replaces() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        write_new(&a, b"a", 0o600).unwrap();
        write_new(&b, b"b", 0o600).unwrap();
        assert_eq!(publish(&a, &b).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&b).unwrap(), b"b");
    }

    #[test]
    fn only_our_own_temporary_names_are_cleared() {
        let dir = tempfile::tempdir().unwrap();
        let ours = [".a.toml.12-3.tmp", ".a.b.1-0.tmp"];
        let others =
            ["a.12-3.tmp", ".a.tmp", ".a.12.tmp", ".a.12-.tmp", ".a.12-3.part", ".a.x-3.tmp"];
        for name in ours.iter().chain(&others) {
            write_new(&dir.path().join(name), b"", 0o600).unwrap();
        }
        // Anybody may make a folder of such a name in a drop folder.
        let folder = dir.path().join(".x.1-1.tmp");
        std::fs::create_dir(&folder).unwrap();
        remove_temporaries(dir.path(), |name| name == "a.b").unwrap();
        assert!(dir.path().join(ours[0]).exists() && !dir.path().join(ours[1]).exists());
        remove_temporaries(dir.path(), |_| true).unwrap();
        assert!(!dir.path().join(ours[0]).exists());
        assert!(folder.exists() && others.iter().all(|name| dir.path().join(name).exists()));
        // What is written has such a name until it is whole.
        let name = temporary_name(Path::new("x/report.json"));
        assert_eq!(temporary_of(name.file_name().unwrap().to_str().unwrap()), Some("report.json"));
    }
}
