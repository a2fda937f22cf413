//! Files merged into a folder that people work in: by descriptors, so that whatever its path has
//! become meanwhile, nothing is read, made or replaced where a link leads.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use super::{PublishError, Stage, delivered, entered};
use crate::diag::Fault;
use crate::fs::{self, ContentHash, Folder, Found, RelPath};
use crate::job::check::Existing;
use crate::job::log::{AssetEntry, Change, Delivered};

/// What a destination holds under the name of an output.
pub(super) enum There {
    Nothing,
    Same,
    Other,
}

/// Looks for an output in a destination. Nothing that a link leads to is in it: publishing will
/// refuse the way there.
pub(super) fn what_is_there(
    folder: Option<&Folder>,
    path: &Path,
    file: &Delivered,
) -> Result<There, PublishError> {
    let path = path.join(file.output.as_path());
    let below = file.output.folder();
    let folder = match folder {
        Some(folder) => entered(folder.enter(below.as_ref()), &path)?,
        None => None,
    };
    let Some(folder) = folder else { return Ok(There::Nothing) };
    let name = file.output.file_name();
    if folder.find(name).map_err(PublishError::io(&path))?.is_none() {
        return Ok(There::Nothing);
    }
    let same = is_same(&folder, name, file.sha256).map_err(PublishError::io(&path))?;
    Ok(if same { There::Same } else { There::Other })
}

/// Tells whether a regular file of that name has this SHA-256.
fn is_same(folder: &Folder, name: &str, sha256: ContentHash) -> io::Result<bool> {
    match folder.read(name)? {
        Some(file) => Ok(fs::hash_file(&file)?.sha256 == sha256),
        None => Ok(false),
    }
}

impl Stage {
    /// Moves every file to its place; returns the assets that could not be put there.
    pub(super) fn publish_into(
        &self,
        folder: &RelPath,
        existing: Existing,
        entries: &[AssetEntry],
    ) -> BTreeMap<usize, Fault> {
        let root = match self.root() {
            Ok(root) => root,
            Err(error) => return delivered(entries).map(|at| (at, error.fault())).collect(),
        };
        let mut touched: BTreeSet<Option<RelPath>> = BTreeSet::new();
        let mut failed = BTreeMap::new();
        for at in delivered(entries) {
            let mut moved = Ok(());
            for file in entries[at].outcome.files() {
                moved = moved.and_then(|()| self.publish_file(&root, file, (folder, existing)));
                touched.insert(file.output.folder());
            }
            if let Err(error) = moved {
                failed.insert(at, error.fault());
            }
        }
        // One sync for all files of a folder; recovery moves again what a crash takes back.
        if let Err(error) = self.sync_touched(&root, folder, touched) {
            failed.extend(delivered(entries).map(|at| (at, error.fault())));
        }
        failed
    }

    /// Makes durable what was moved into folders of a destination, with the folders above them:
    /// they may have been made by an attempt before.
    fn sync_touched(
        &self,
        root: &Folder,
        folder: &RelPath,
        touched: BTreeSet<Option<RelPath>>,
    ) -> Result<(), PublishError> {
        if touched.is_empty() {
            return Ok(());
        }
        let target = self.out.join(folder.as_path());
        let mut above = Some(folder.clone());
        while let Some(path) = above {
            sync_below(root, Some(&path), &target)?;
            above = path.folder();
        }
        root.sync().map_err(PublishError::io(&self.out))?;
        let Some(there) = entered(root.enter(Some(folder)), &target)? else { return Ok(()) };
        let mut all = BTreeSet::new();
        for below in touched.into_iter().flatten() {
            let mut at = Some(below);
            while let Some(path) = at {
                at = path.folder();
                all.insert(path);
            }
        }
        all.iter().try_for_each(|below| sync_below(&there, Some(below), &target))
    }

    /// Moves one file to its place in a destination.
    fn publish_file(
        &self,
        root: &Folder,
        file: &Delivered,
        (folder, existing): (&RelPath, Existing),
    ) -> Result<(), PublishError> {
        if file.change == Change::Identical {
            return Ok(());
        }
        let name = file.output.file_name();
        let target = self.out.join(folder.as_path()).join(file.output.as_path());
        let below = file.output.folder();
        let Some(staged) = self.find_staged(root, &file.output)? else {
            // Moved by an attempt before; another run may have replaced it since.
            let there = entered(root.enter(Some(folder)), &target)?;
            let there = match &there {
                Some(there) => entered(there.enter(below.as_ref()), &target)?,
                None => None,
            };
            if there.is_some_and(|there| matches!(there.find(name), Ok(Some(Found::File { .. })))) {
                return Ok(());
            }
            self.must_be_mounted()?;
            return Err(PublishError::Vanished);
        };
        let there = root
            .make(Some(folder))
            .and_then(|there| there.make(below.as_ref()))
            .map_err(PublishError::entering(&target))?;
        let moved = match (file.change, existing) {
            (Change::Replaced, Existing::Replace) => staged.move_over(name, &there, name),
            _ => staged.move_new(name, &there, name),
        };
        match moved {
            // Somebody else wrote it meanwhile: another run, for example, into the same folder.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let is_file = matches!(there.find(name), Ok(Some(Found::File { .. })));
                if existing == Existing::Replace && is_file {
                    return staged.move_over(name, &there, name).map_err(PublishError::io(&target));
                }
                let same = is_same(&there, name, file.sha256).map_err(PublishError::io(&target))?;
                if same { Ok(()) } else { Err(PublishError::Taken(file.output.clone())) }
            }
            other => other.map_err(PublishError::io(&target)),
        }
    }
}

/// Makes the entries of a folder durable if it is there.
fn sync_below(root: &Folder, below: Option<&RelPath>, path: &Path) -> Result<(), PublishError> {
    match entered(root.enter(below), path)? {
        Some(folder) => folder.sync().map_err(PublishError::io(path)),
        None => Ok(()),
    }
}
