//! How a manifest gets into the drop folder: as scripts are told to do it.

use std::io;
use std::path::Path;

use crate::fs::{publish, write_new};

/// Puts a manifest into a drop folder: under a hidden name first, then renamed, so that it is taken
/// at once and whole. Others than its owner and the folder's group cannot read it (0640).
///
/// # Errors
/// `AlreadyExists` when a manifest of that name waits there, else the system's.
pub fn drop_manifest(drop: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let hidden = drop.join(format!(".{name}.{}.tmp", std::process::id()));
    let dropped =
        write_new(&hidden, bytes, 0o640).and_then(|()| publish(&hidden, &drop.join(name)));
    if dropped.is_err() {
        let _ = std::fs::remove_file(&hidden);
    }
    dropped
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn it_arrives_whole_and_never_over_another() {
        let dir = tempfile::tempdir().unwrap();
        drop_manifest(dir.path(), "a.toml", b"one").unwrap();
        let again = drop_manifest(dir.path(), "a.toml", b"two").unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        let path = dir.path().join("a.toml");
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
