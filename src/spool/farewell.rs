//! The farewell: which jobs a daemon leaves in `active/` though it is not they that ended it.
//!
//! An attempt counts as interrupted when nothing says that it was not, because what breaks the
//! daemon cannot say good-bye. A daemon that ends by itself can: because it was asked to and a job
//! did not come to rest in time, or because a journal cannot be written. The job's own journal is
//! of no use for that, as it may be just what cannot be written, so one file names all of them. If
//! the spool takes nothing at all it is left where a restart finds it, but no reboot
//! ([`Folders::aside`]).

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use super::record::JobId;
use super::{Folders, Spool, SpoolError, at, disk};

pub(super) const FILE: &str = "farewell";

impl Spool {
    /// Says that the daemon ends and that none of these jobs is to blame for it: the attempt of
    /// those that are in `active/` then does not count as interrupted. It holds for the next start.
    ///
    /// # Errors
    /// The disk's, when it can be said nowhere: then the attempts count.
    pub fn farewell(&self, excused: &[JobId]) -> Result<(), SpoolError> {
        if excused.is_empty() {
            return Ok(());
        }
        let mut text: String = excused.iter().map(|id| format!("{id}\n")).collect();
        text.push_str(END);
        let path = self.home.folders.spool.join(FILE);
        let said = self
            .home
            .with_room(|| disk::write_atomic(&path, text.as_bytes()).map_err(at("write", &path)));
        match (said, &self.home.folders.aside) {
            (Err(_), Some(aside)) => {
                let path = aside.join(FILE);
                crate::fs::write_atomic(&path, text.as_bytes(), 0o600).map_err(at("write", &path))
            }
            (said, _) => said,
        }
    }
}

/// The last line, without which it is not whole.
const END: &str = "end\n";

fn places(folders: &Folders) -> impl Iterator<Item = PathBuf> {
    folders.aside.iter().chain([&folders.spool]).map(|folder| folder.join(FILE))
}

/// Reads who was excused; what cannot be read excuses nobody.
pub(super) fn read(folders: &Folders) -> BTreeSet<JobId> {
    let texts = places(folders).filter_map(|path| std::fs::read_to_string(path).ok());
    let whole = texts.filter_map(|text| text.strip_suffix(END).map(str::to_owned));
    whole
        .flat_map(|text| text.lines().filter_map(|id| JobId::parse(id).ok()).collect::<Vec<_>>())
        .collect()
}

/// Forgets it, once what it says is in the journals.
pub(super) fn forget(folders: &Folders) -> Result<(), SpoolError> {
    for path in places(folders) {
        match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            _ => disk::remove_tree(&path).map_err(at("remove", &path))?,
        }
    }
    Ok(())
}
