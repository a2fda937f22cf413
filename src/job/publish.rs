//! From staging to the output folder: decided first, journalled, then only forward.
//!
//! A run has a staging folder of its own on the output's file system,
//! `out/.exportd-stage/<id>/files`, in which outputs stand under their final names. A run without
//! `destination` appears by one rename of that folder to `out/RUN`. With `destination` its files
//! are moved one by one; what each move does to what is there is decided beforehand and, like the
//! whole list, journalled. After that record recovery only rolls forward: a file that is no longer
//! staged and whose target has the right hash has been moved.
//!
//! Whoever works in a staging folder holds its lock, so that [`sweep`] tells what a crash left from
//! what is being made, by this daemon or by an `exportd once` beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

mod destination;

use destination::{There, what_is_there};

use super::check::Existing;
use super::log::{AssetEntry, AssetOutcome, Change};
use super::names::SUMS;
use crate::diag::{Fault, phrase};
use crate::fs::{self, ContentHash, Folder, FolderLock, Found, OpenError, RelPath};

/// The staging folders of all runs, below the output folder.
pub const STAGE: &str = ".exportd-stage";

/// Where the outputs of a run end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// A folder of its own, which must not exist.
    Run(RelPath),
    /// A folder that may exist, whose other files stay.
    Destination {
        /// Below the output root.
        folder: RelPath,
        /// What happens to different files there.
        existing: Existing,
    },
}

/// The staging folder of one run.
#[derive(Debug)]
pub struct Stage {
    out: PathBuf,
    folder: PathBuf,
    /// `None` when there is no folder (any more).
    _lock: Option<FolderLock>,
}

/// Why outputs could not be staged or published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The system refused.
    #[error("{path}: {source}")]
    Io {
        /// What was touched.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The run's folder was made by somebody else meanwhile.
    #[error("{0} exists already")]
    Exists(RelPath),
    /// A different file of that name came to the destination meanwhile.
    #[error("{0} exists with other content")]
    Taken(RelPath),
    /// A link or a file is where a folder has to be.
    #[error("{0} is not a folder")]
    NotAFolder(PathBuf),
    /// What was staged is gone, and is not in its place either.
    #[error("somebody removed the output before it was published")]
    Vanished,
}

impl PublishError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    /// As [`PublishError::io`], of a folder that could not be entered.
    fn entering(path: &Path) -> impl FnOnce(OpenError) -> Self + '_ {
        move |error| match error {
            OpenError::Outside | OpenError::NotAFile(_) => Self::NotAFolder(path.to_owned()),
            OpenError::NotFound => Self::io(path)(io::ErrorKind::NotFound.into()),
            OpenError::Denied => Self::io(path)(io::ErrorKind::PermissionDenied.into()),
            OpenError::Io(source) => Self::io(path)(source),
        }
    }

    /// Turns into the reason a run failed.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Io { source, .. } => Fault::of_output(source),
            Self::Exists(name) => Fault::NotWritable {
                detail: phrase!(
                    "folder-made-meanwhile",
                    "a folder named {name} appeared there in the meantime",
                    name = name.to_string()
                ),
            },
            Self::Taken(name) => Fault::Exists { name: name.to_string() },
            Self::NotAFolder(path) => {
                let path = path.display().to_string();
                let detail = phrase!("not-a-folder", "{path} is not a folder", path = path);
                Fault::NotWritable { detail }
            }
            Self::Vanished => {
                let detail = phrase!(
                    "output-removed",
                    "the exported file was deleted before it could be delivered"
                );
                Fault::NotWritable { detail }
            }
        }
    }
}

impl Stage {
    /// Makes, or finds again, the staging folder of the run `id` below the output root.
    ///
    /// # Errors
    /// The system's.
    pub fn open(out: &Path, id: &str) -> Result<Self, PublishError> {
        let folder = out.join(STAGE).join(id);
        let files = folder.join("files");
        make_folders(&files).map_err(PublishError::io(&files))?;
        let lock = FolderLock::take(&folder).map_err(PublishError::io(&folder))?;
        Ok(Self { out: out.to_owned(), folder, _lock: Some(lock) })
    }

    /// Finds the staging folder of a run whose publishing was decided before a crash. Nothing is
    /// made: what is no longer there has been published.
    #[must_use]
    pub fn decided(out: &Path, id: &str) -> Self {
        let folder = out.join(STAGE).join(id);
        let lock = FolderLock::take(&folder).ok();
        Self { out: out.to_owned(), folder, _lock: lock }
    }

    fn files(&self) -> PathBuf {
        self.folder.join("files")
    }

    fn staged(&self, output: &RelPath) -> PathBuf {
        self.files().join(output.as_path())
    }

    /// Opens the output folder. Everything that a manifest names is found and made from there, by
    /// descriptors: people may change what lies in it at any time.
    fn root(&self) -> Result<Folder, PublishError> {
        Folder::open(&self.out).map_err(PublishError::io(&self.out))
    }

    /// Returns the folder that an output is staged in, by its path below the output folder.
    fn place_of(&self, output: Option<&RelPath>) -> Result<RelPath, PublishError> {
        let id = self.folder.file_name().unwrap_or_default().to_string_lossy();
        let files = match output.and_then(RelPath::folder) {
            Some(folder) => format!("{STAGE}/{id}/files/{folder}"),
            None => format!("{STAGE}/{id}/files"),
        };
        RelPath::parse(&files).map_err(|error| {
            PublishError::io(&self.folder)(io::Error::new(io::ErrorKind::InvalidInput, error))
        })
    }

    /// Opens the folder that an output is staged in, if the output is there.
    fn find_staged(&self, root: &Folder, output: &RelPath) -> Result<Option<Folder>, PublishError> {
        let path = self.staged(output);
        let Some(folder) = entered(root.enter(Some(&self.place_of(Some(output))?)), &path)? else {
            return Ok(None);
        };
        let there = folder.find(output.file_name()).map_err(PublishError::io(&path))?;
        Ok(there.is_some().then_some(folder))
    }

    /// Makes an empty file for an output, replacing what an interrupted attempt left.
    ///
    /// # Errors
    /// The system's.
    pub fn create(&self, output: &RelPath) -> Result<File, Fault> {
        let create = || -> Result<File, PublishError> {
            let path = self.staged(output);
            let folder = self
                .root()?
                .make(Some(&self.place_of(Some(output))?))
                .map_err(PublishError::entering(&path))?;
            folder.remove(output.file_name()).map_err(PublishError::io(&path))?;
            folder.create(output.file_name(), 0o644).map_err(PublishError::io(&path))
        };
        create().map_err(|error| error.fault())
    }

    /// Removes an output that came to nothing.
    pub fn discard(&self, output: &RelPath) {
        let _ = std::fs::remove_file(self.staged(output));
    }

    /// Tells whether every file of an outcome is staged as the journal says.
    #[must_use]
    pub fn holds(&self, outcome: &AssetOutcome) -> bool {
        let files = outcome.files();
        files
            .iter()
            .all(|file| has_hash(&self.staged(&file.output), file.sha256).is_ok_and(|same| same))
    }

    /// Decides what publishing does to each file, given what the destination holds now: fills in
    /// each file's [`Change`] and fails the assets that may not replace a different file, or that
    /// are not staged as they should be.
    ///
    /// # Errors
    /// The system's, when it cannot be seen what is there.
    pub fn decide(&self, place: &Place, entries: &mut [AssetEntry]) -> Result<(), PublishError> {
        for entry in &mut *entries {
            for file in entry.outcome.files() {
                let path = self.staged(&file.output);
                let meta = look(&path).map_err(PublishError::io(&path))?;
                if !meta.is_some_and(|meta| meta.is_file() && meta.len() == file.bytes) {
                    let fault = PublishError::Vanished.fault();
                    entry.outcome = AssetOutcome::Failed { fault };
                    break;
                }
            }
        }
        let Place::Destination { folder, existing } = place else { return Ok(()) };
        let target = self.out.join(folder.as_path());
        let there = entered(self.root()?.enter(Some(folder)), &target)?;
        for entry in entries {
            let mut fault = None;
            for file in files_mut(&mut entry.outcome) {
                file.change = match what_is_there(there.as_ref(), &target, file)? {
                    There::Nothing => Change::New,
                    There::Same => Change::Identical,
                    There::Other if *existing == Existing::Replace => Change::Replaced,
                    There::Other => {
                        fault = Some(Fault::Exists { name: format!("{folder}/{}", file.output) });
                        break;
                    }
                };
            }
            if let Some(fault) = fault {
                for file in entry.outcome.files() {
                    self.discard(&file.output);
                }
                entry.outcome = AssetOutcome::Failed { fault };
            }
        }
        Ok(())
    }

    /// Makes everything staged durable, with the list of hashes of a run's own folder. What
    /// attempts before a crash left there and no entry delivers is removed.
    ///
    /// # Errors
    /// The system's.
    pub fn seal(&self, place: &Place, entries: &[AssetEntry]) -> Result<(), PublishError> {
        let files = self.files();
        let wanted: BTreeSet<String> = entries
            .iter()
            .flat_map(|entry| entry.outcome.files())
            .map(|file| file.output.folded())
            .collect();
        remove_others(&files, "", &wanted).map_err(PublishError::io(&files))?;
        if matches!(place, Place::Run(_)) {
            let path = files.join(SUMS);
            fs::write_atomic(&path, sums(entries).as_bytes(), 0o644)
                .map_err(PublishError::io(&path))?;
        }
        sync_tree(&files).map_err(PublishError::io(&files))?;
        // Up to a folder that was there before: no name on the way may be lost.
        for folder in [&self.folder, &self.out.join(STAGE), &self.out] {
            fs::sync_dir(folder).map_err(PublishError::io(folder))?;
        }
        Ok(())
    }

    /// Carries out what was decided; may be repeated after a crash until it has succeeded.
    ///
    /// Returns the assets, by their place in the list, that could not be put there after all:
    /// those of a run's own folder all together, those of a destination one by one.
    #[must_use]
    pub fn publish(&self, place: &Place, entries: &[AssetEntry]) -> BTreeMap<usize, Fault> {
        match place {
            Place::Run(run) => match self.publish_run(run) {
                Ok(()) => BTreeMap::new(),
                Err(error) => delivered(entries).map(|at| (at, error.fault())).collect(),
            },
            Place::Destination { folder, existing } => {
                self.publish_into(folder, *existing, entries)
            }
        }
    }

    fn publish_run(&self, run: &RelPath) -> Result<(), PublishError> {
        let (files, target) = (self.files(), self.out.join(run.as_path()));
        let root = self.root()?;
        let stage = self.place_of(None)?.folder();
        let stage = entered(root.enter(stage.as_ref()), &self.folder)?;
        let staged = match &stage {
            Some(stage) => stage.find("files").map_err(PublishError::io(&files))?,
            None => None,
        };
        let (Some(stage), Some(Found::Folder)) = (&stage, staged) else {
            if root.find(run.as_str()).map_err(PublishError::io(&target))?.is_some() {
                // Renamed by an attempt of which nobody knows whether it came to the sync.
                let synced = root.sync().and_then(|()| stage.as_ref().map_or(Ok(()), Folder::sync));
                return synced.map_err(PublishError::io(&target));
            }
            self.must_be_mounted()?;
            return Err(PublishError::Vanished);
        };
        match stage.move_new("files", &root, run.as_str()) {
            Ok(()) => root.sync().and_then(|()| stage.sync()).map_err(PublishError::io(&target)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(PublishError::Exists(run.clone()))
            }
            Err(error) => Err(PublishError::Io { path: target, source: error }),
        }
    }

    /// Counts the bytes and the files that are staged.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        let (mut bytes, mut files) = (0, 0);
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let Ok(meta) = entry.metadata() else { continue };
                files += 1;
                if meta.is_dir() {
                    folders.push(entry.path());
                } else {
                    bytes += meta.len();
                }
            }
        }
        (bytes, files)
    }

    /// Fails when nothing can be said about what is staged, because the output folder itself is
    /// another than it was: not mounted, or not there.
    fn must_be_mounted(&self) -> Result<(), PublishError> {
        let stage = self.out.join(STAGE);
        match look(&stage).map_err(PublishError::io(&stage))? {
            Some(_) => Ok(()),
            None => Err(PublishError::io(&stage)(io::ErrorKind::NotFound.into())),
        }
    }

    /// Removes the staging folder with all that is in it.
    pub fn remove(&self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(folder = %self.folder.display(), %error, "staging folder stays");
        }
    }
}

/// Removes the staging folders of runs that are over; `live` holds the ids that are not. What
/// somebody works in stays.
pub fn sweep(out: &Path, live: &BTreeSet<String>) {
    let Ok(entries) = std::fs::read_dir(out.join(STAGE)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours = is_stage(&entry.path());
        if !live.contains(&name) && ours && FolderLock::take(&entry.path()).is_ok() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Tells whether a folder holds nothing but what a stage does.
fn is_stage(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    let known = |name: &OsStr| name == "files" || name == "lock";
    entries.flatten().all(|entry| known(&entry.file_name()))
}

/// Returns the places of the assets that have outputs.
fn delivered(entries: &[AssetEntry]) -> impl Iterator<Item = usize> {
    let with_files =
        |(at, entry): (usize, &AssetEntry)| (!entry.outcome.files().is_empty()).then_some(at);
    entries.iter().enumerate().filter_map(with_files)
}

/// Writes the list of hashes in the form of coreutils' `sha256sum`, sorted by name.
#[must_use]
pub fn sums(entries: &[AssetEntry]) -> String {
    let mut lines: Vec<(&RelPath, ContentHash)> = entries
        .iter()
        .flat_map(|entry| entry.outcome.files())
        .map(|file| (&file.output, file.sha256))
        .collect();
    lines.sort();
    lines.dedup();
    lines
        .into_iter()
        .map(|(name, hash)| {
            // A backslash in a name is escaped, and said so by one at the beginning of the line.
            if name.as_str().contains('\\') {
                format!("\\{hash}  {}\n", name.as_str().replace('\\', "\\\\"))
            } else {
                format!("{hash}  {name}\n")
            }
        })
        .collect()
}

fn files_mut(outcome: &mut AssetOutcome) -> &mut [super::log::Delivered] {
    match outcome {
        AssetOutcome::Copied { file, .. } => std::slice::from_mut(&mut **file),
        AssetOutcome::Converted { files, .. } => files,
        AssetOutcome::NotExportable { .. }
        | AssetOutcome::Failed { .. }
        | AssetOutcome::Cancelled => &mut [],
    }
}

/// Looks at what is there, not following a link; `None` when nothing is.
fn look(path: &Path) -> io::Result<Option<std::fs::Metadata>> {
    match path.symlink_metadata() {
        Ok(meta) => Ok(Some(meta)),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
            _ => Err(error),
        },
    }
}

/// Tells whether there is a regular file with this SHA-256.
fn has_hash(path: &Path, sha256: ContentHash) -> io::Result<bool> {
    if !look(path)?.is_some_and(|meta| meta.is_file()) {
        return Ok(false);
    }
    Ok(fs::hash_file(&File::open(path)?)?.sha256 == sha256)
}

/// Makes a folder and those above it, readable by all whatever the umask.
fn make_folders(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_folders(parent)?;
    }
    match std::fs::DirBuilder::new().mode(0o755).create(path) {
        Ok(()) => Ok(rustix::fs::chmod(path, rustix::fs::Mode::from_raw_mode(0o755))?),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Takes a folder that is not there, or that a link or a file stands in for, for none.
fn entered(folder: Result<Folder, OpenError>, path: &Path) -> Result<Option<Folder>, PublishError> {
    match folder {
        Ok(folder) => Ok(Some(folder)),
        Err(OpenError::NotFound | OpenError::Outside) => Ok(None),
        Err(error) => Err(PublishError::entering(path)(error)),
    }
}

/// Removes the files below a folder whose names are not wanted. Names are compared folded: a file
/// system may show another form of a name than the one it was given.
fn remove_others(folder: &Path, above: &str, wanted: &BTreeSet<String>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = RelPath::parse(&format!("{above}{}", entry.file_name().to_string_lossy()))
        else {
            continue;
        };
        if entry.file_type()?.is_dir() {
            remove_others(&entry.path(), &format!("{name}/"), wanted)?;
        } else if !wanted.contains(&name.folded()) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Makes the entries of a folder and of all below it durable.
fn sync_tree(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    fs::sync_dir(folder)
}

#[cfg(test)]
mod tests;
