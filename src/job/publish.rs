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

use super::check::Existing;
use super::log::{AssetEntry, AssetOutcome, Change};
use super::names::SUMS;
use crate::diag::Fault;
use crate::fs::{self, FolderLock, RelPath};

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

    /// Turns into the reason a run failed.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Io { source, .. } => Fault::of_output(source),
            Self::Exists(name) => Fault::NotWritable {
                detail: format!("somebody made a folder {name} there meanwhile"),
            },
            Self::Taken(name) => Fault::Exists { name: name.to_string() },
            Self::NotAFolder(path) => {
                Fault::NotWritable { detail: format!("{} is not a folder", path.display()) }
            }
            Self::Vanished => {
                let detail = "somebody removed its output before it was published".into();
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

    /// Makes an empty file for an output, replacing what an interrupted attempt left.
    ///
    /// # Errors
    /// The system's.
    pub fn create(&self, output: &RelPath) -> Result<File, Fault> {
        let path = self.staged(output);
        let create = || -> io::Result<File> {
            if let Some(parent) = path.parent() {
                make_folders(parent)?;
            }
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let fd = rustix::fs::open(
                &path,
                rustix::fs::OFlags::WRONLY
                    | rustix::fs::OFlags::CREATE
                    | rustix::fs::OFlags::EXCL
                    | rustix::fs::OFlags::CLOEXEC,
                rustix::fs::Mode::from_raw_mode(0o644),
            )?;
            rustix::fs::fchmod(&fd, rustix::fs::Mode::from_raw_mode(0o644))?;
            Ok(File::from(fd))
        };
        create().map_err(|error| Fault::of_output(&error))
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
            .all(|file| has_hash(&self.staged(&file.output), &file.sha256).is_ok_and(|same| same))
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
        for entry in entries {
            let mut fault = None;
            for file in files_mut(&mut entry.outcome) {
                let path = target.join(file.output.as_path());
                let same =
                    |path: &Path| has_hash(path, &file.sha256).map_err(PublishError::io(path));
                file.change = match look(&path).map_err(PublishError::io(&path))? {
                    None => Change::New,
                    Some(_) if same(&path)? => Change::Identical,
                    Some(_) if *existing == Existing::Replace => Change::Replaced,
                    Some(_) => {
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
        if look(&files).map_err(PublishError::io(&files))?.is_none() {
            if look(&target).map_err(PublishError::io(&target))?.is_some() {
                // Renamed by an attempt of which nobody knows whether it came to the sync.
                return fs::sync_parents(&files, &target).map_err(PublishError::io(&target));
            }
            self.must_be_mounted()?;
            return Err(PublishError::Vanished);
        }
        match fs::publish(&files, &target) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(PublishError::Exists(run.clone()))
            }
            Err(error) => Err(PublishError::Io { path: target, source: error }),
        }
    }

    fn publish_into(
        &self,
        folder: &RelPath,
        existing: Existing,
        entries: &[AssetEntry],
    ) -> BTreeMap<usize, Fault> {
        let root = self.out.join(folder.as_path());
        let mut touched = BTreeSet::new();
        let mut failed = BTreeMap::new();
        for at in delivered(entries) {
            let mut moved = Ok(());
            for file in entries[at].outcome.files() {
                let target = root.join(file.output.as_path());
                moved = moved.and_then(|()| self.publish_file(file, &target, existing));
                // With those above it: they may have been made by an attempt before.
                let above = target.ancestors().skip(1);
                touched.extend(above.take_while(|f| f.starts_with(&self.out)).map(Path::to_owned));
            }
            if let Err(error) = moved {
                failed.insert(at, error.fault());
            }
        }
        // One sync for all files of a folder; recovery moves again what a crash takes back.
        let synced = touched
            .iter()
            .filter(|parent| parent.is_dir())
            .try_for_each(|parent| fs::sync_dir(parent).map_err(PublishError::io(parent)));
        if let Err(error) = synced {
            failed.extend(delivered(entries).map(|at| (at, error.fault())));
        }
        failed
    }

    /// Moves one file to its place in a destination.
    fn publish_file(
        &self,
        file: &super::log::Delivered,
        target: &Path,
        existing: Existing,
    ) -> Result<(), PublishError> {
        if file.change == Change::Identical {
            return Ok(());
        }
        let staged = self.staged(&file.output);
        let is_there = || has_hash(target, &file.sha256).map_err(PublishError::io(target));
        if look(&staged).map_err(PublishError::io(&staged))?.is_none() {
            // Moved by an attempt before; another run may have replaced it since.
            if is_file(look(target).map_err(PublishError::io(target))?) {
                return Ok(());
            }
            self.must_be_mounted()?;
            return Err(PublishError::Vanished);
        }
        make_folders_beneath(&self.out, target.parent().unwrap_or(&self.out))?;
        let moved = match (file.change, existing) {
            (Change::Replaced, Existing::Replace) => {
                rustix::fs::rename(&staged, target).map_err(io::Error::from)
            }
            _ => fs::rename_new(&staged, target),
        };
        match moved {
            // Somebody else wrote it meanwhile: another run, for example, into the same folder.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if existing == Existing::Replace && look(target).is_ok_and(is_file) {
                    return rustix::fs::rename(&staged, target)
                        .map_err(|error| PublishError::io(target)(error.into()));
                }
                if is_there()? { Ok(()) } else { Err(PublishError::Taken(file.output.clone())) }
            }
            other => other.map_err(PublishError::io(target)),
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
    let mut lines: Vec<(&RelPath, &str)> = entries
        .iter()
        .flat_map(|entry| entry.outcome.files())
        .map(|file| (&file.output, file.sha256.as_str()))
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
        AssetOutcome::Copied { file, .. } => std::slice::from_mut(file),
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

fn is_file(meta: Option<std::fs::Metadata>) -> bool {
    meta.is_some_and(|meta| meta.is_file())
}

/// Tells whether there is a regular file with this SHA-256.
fn has_hash(path: &Path, sha256: &str) -> io::Result<bool> {
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

/// Makes the folders from `root` down to `path`, refusing links on the way, and syncs each parent
/// that got a new entry.
fn make_folders_beneath(root: &Path, path: &Path) -> Result<(), PublishError> {
    let Ok(below) = path.strip_prefix(root) else {
        return Err(PublishError::NotAFolder(path.to_owned()));
    };
    let mut at = root.to_owned();
    for part in below.components() {
        let parent = at.clone();
        at.push(part);
        match at.symlink_metadata() {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return Err(PublishError::NotAFolder(at)),
            Err(_) => {
                make_folders(&at).map_err(PublishError::io(&at))?;
                fs::sync_dir(&parent).map_err(PublishError::io(&parent))?;
            }
        }
    }
    Ok(())
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
mod tests {
    use super::*;
    use crate::job::log::Delivered;

    fn rel(text: &str) -> RelPath {
        RelPath::parse(text).unwrap()
    }

    fn staged(stage: &Stage, name: &str, bytes: &[u8]) -> AssetEntry {
        use std::io::Write as _;
        stage.create(&rel(name)).unwrap().write_all(bytes).unwrap();
        AssetEntry {
            handle: name.into(),
            name: name.into(),
            asset_type: None,
            rendition: None,
            source: None,
            outcome: AssetOutcome::Copied {
                file: Delivered {
                    output: rel(name),
                    bytes: bytes.len() as u64,
                    sha256: fs::sha256(bytes),
                    width: None,
                    height: None,
                    change: Change::New,
                },
                warnings: Vec::new(),
            },
        }
    }

    #[test]
    fn what_no_entry_delivers_is_not_published() {
        let dir = tempfile::tempdir().unwrap();
        let stage = Stage::open(dir.path(), "id").unwrap();
        let entries = vec![staged(&stage, "a/É.jpg", b"one"), staged(&stage, "b.jpg", b"two")];
        for left in ["a/É-2.jpg", "b", "c/d/e.jpg"] {
            stage.create(&rel(left)).unwrap();
        }
        let place = Place::Run(rel("run"));
        stage.seal(&place, &entries).unwrap();
        assert!(stage.publish(&place, &entries).is_empty());
        let out = dir.path().join("run");
        assert_eq!(std::fs::read(out.join("a/É.jpg")).unwrap(), b"one");
        assert!(out.join("b.jpg").exists() && out.join(SUMS).exists());
        for left in ["a/É-2.jpg", "b", "c/d/e.jpg"] {
            assert!(!out.join(left).exists(), "{left}");
        }
    }

    #[test]
    fn a_run_appears_whole_with_its_hashes_and_again_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let stage = Stage::open(dir.path(), "id").unwrap();
        let entries = [staged(&stage, "b/x.png", b"x"), staged(&stage, "a.png", b"a")];
        let place = Place::Run(rel("run"));
        stage.seal(&place, &entries).unwrap();
        assert!(stage.publish(&place, &entries).is_empty());
        // As after a crash before that was written down.
        drop(stage);
        let stage = Stage::decided(dir.path(), "id");
        assert!(stage.publish(&place, &entries).is_empty());
        stage.remove();
        let sums = std::fs::read_to_string(dir.path().join("run/SHA256SUMS")).unwrap();
        assert_eq!(sums, format!("{}  a.png\n{}  b/x.png\n", fs::sha256(b"a"), fs::sha256(b"x")));
        assert_eq!(std::fs::read(dir.path().join("run/b/x.png")).unwrap(), b"x");
        assert!(!dir.path().join(STAGE).join("id").exists());
    }

    #[test]
    fn a_destination_keeps_what_differs_unless_told() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("web")).unwrap();
        for (name, content) in [("same", b"s"), ("other", b"o")] {
            fs::write_new(&dir.path().join("web").join(name), content, 0o644).unwrap();
        }
        let make = |existing| {
            let stage = Stage::open(dir.path(), "id").unwrap();
            let mut entries = vec![
                staged(&stage, "same", b"s"),
                staged(&stage, "other", b"n"),
                staged(&stage, "sub/new", b"n"),
            ];
            let place = Place::Destination { folder: rel("web"), existing };
            stage.decide(&place, &mut entries).unwrap();
            stage.seal(&place, &entries).unwrap();
            assert!(stage.publish(&place, &entries).is_empty());
            stage.remove();
            entries
        };
        let entries = make(Existing::Keep);
        assert_eq!(entries[0].outcome.files()[0].change, Change::Identical);
        assert_eq!(
            entries[1].outcome,
            AssetOutcome::Failed { fault: Fault::Exists { name: "web/other".into() } }
        );
        assert_eq!(std::fs::read(dir.path().join("web/other")).unwrap(), b"o");
        assert_eq!(std::fs::read(dir.path().join("web/sub/new")).unwrap(), b"n");
        let entries = make(Existing::Replace);
        assert_eq!(entries[1].outcome.files()[0].change, Change::Replaced);
        assert_eq!(std::fs::read(dir.path().join("web/other")).unwrap(), b"n");
    }

    #[test]
    fn moving_goes_on_where_it_was_interrupted() {
        let dir = tempfile::tempdir().unwrap();
        let stage = Stage::open(dir.path(), "id").unwrap();
        let mut entries = vec![staged(&stage, "a", b"a"), staged(&stage, "b", b"b")];
        let place = Place::Destination { folder: rel("web"), existing: Existing::Keep };
        stage.decide(&place, &mut entries).unwrap();
        stage.seal(&place, &entries).unwrap();
        std::fs::create_dir(dir.path().join("web")).unwrap();
        fs::publish(&stage.staged(&rel("a")), &dir.path().join("web/a")).unwrap();
        assert!(stage.publish(&place, &entries).is_empty());
        assert_eq!(std::fs::read(dir.path().join("web/b")).unwrap(), b"b");
    }

    #[test]
    fn two_runs_into_one_destination_do_not_fail_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::Destination { folder: rel("web"), existing: Existing::Replace };
        let decided = |id: &str, content: &[u8]| {
            let stage = Stage::open(dir.path(), id).unwrap();
            let mut entries = vec![staged(&stage, "a", content)];
            stage.decide(&place, &mut entries).unwrap();
            stage.seal(&place, &entries).unwrap();
            (stage, entries)
        };
        // For both of them it is a new file when they decide.
        let (first, of_first) = decided("first", b"one");
        let (second, of_second) = decided("second", b"two");
        assert!(first.publish(&place, &of_first).is_empty());
        assert!(second.publish(&place, &of_second).is_empty());
        assert_eq!(std::fs::read(dir.path().join("web/a")).unwrap(), b"two");
        // The first was interrupted before it had written that down.
        assert!(first.publish(&place, &of_first).is_empty());
        assert_eq!(std::fs::read(dir.path().join("web/a")).unwrap(), b"two");
        // Without leave to replace, what came meanwhile stays.
        let keep = Place::Destination { folder: rel("web"), existing: Existing::Keep };
        let (third, of_third) = decided("third", b"three");
        let mut of_third = of_third;
        files_mut(&mut of_third[0].outcome)[0].change = Change::New;
        let failed = third.publish(&keep, &of_third);
        assert!(matches!(failed[&0], Fault::Exists { .. }), "{failed:?}");
    }

    #[test]
    fn a_link_in_the_destination_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), dir.path().join("web")).unwrap();
        let stage = Stage::open(dir.path(), "id").unwrap();
        let entries = vec![staged(&stage, "a", b"a")];
        let place = Place::Destination { folder: rel("web"), existing: Existing::Keep };
        stage.seal(&place, &entries).unwrap();
        let failed = stage.publish(&place, &entries);
        assert!(matches!(failed[&0], Fault::NotWritable { .. }), "{failed:?}");
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }

    #[test]
    fn one_file_that_cannot_be_put_there_fails_alone() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("web")).unwrap();
        fs::write_new(&dir.path().join("web/tops"), b"a file", 0o644).unwrap();
        let stage = Stage::open(dir.path(), "id").unwrap();
        let mut entries = vec![staged(&stage, "b.png", b"b"), staged(&stage, "tops/c.png", b"c")];
        let place = Place::Destination { folder: rel("web"), existing: Existing::Keep };
        stage.decide(&place, &mut entries).unwrap();
        stage.seal(&place, &entries).unwrap();
        let failed = stage.publish(&place, &entries);
        assert_eq!(failed.keys().collect::<Vec<_>>(), [&1]);
        assert_eq!(std::fs::read(dir.path().join("web/b.png")).unwrap(), b"b");
    }

    #[test]
    fn what_vanished_from_the_stage_is_not_delivered() {
        let dir = tempfile::tempdir().unwrap();
        let stage = Stage::open(dir.path(), "id").unwrap();
        let mut entries = vec![staged(&stage, "a", b"a"), staged(&stage, "b", b"b")];
        stage.discard(&rel("a"));
        stage.decide(&Place::Run(rel("run")), &mut entries).unwrap();
        assert!(matches!(entries[0].outcome, AssetOutcome::Failed { .. }));
        assert_eq!(entries[1].outcome.files().len(), 1);
    }

    #[test]
    fn what_vanished_after_the_decision_is_told_from_a_disk_that_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let stage = Stage::open(&out, "id").unwrap();
        let entries = [staged(&stage, "a", b"a")];
        let places = [
            Place::Run(rel("run")),
            Place::Destination { folder: rel("web"), existing: Existing::Keep },
        ];
        std::fs::remove_dir_all(out.join(STAGE).join("id")).unwrap();
        for place in &places {
            let failed = Stage::decided(&out, "id").publish(place, &entries);
            assert!(matches!(failed[&0], Fault::NotWritable { .. }), "{failed:?}");
        }
        // Unmounted: what was staged may be there again later.
        fs::replace(&out, &dir.path().join("elsewhere")).unwrap();
        std::fs::create_dir(&out).unwrap();
        for place in &places {
            let failed = Stage::decided(&out, "id").publish(place, &entries);
            assert!(failed[&0].blocks_output(), "{failed:?}");
        }
    }

    #[test]
    fn a_stage_that_was_half_removed_is_swept_and_a_stranger_stays() {
        let dir = tempfile::tempdir().unwrap();
        drop(Stage::open(dir.path(), "published").unwrap());
        std::fs::remove_dir(dir.path().join(STAGE).join("published/files")).unwrap();
        let strange = dir.path().join(STAGE).join("strange");
        std::fs::create_dir_all(strange.join("files")).unwrap();
        fs::write_new(&strange.join("letter.txt"), b"mine", 0o600).unwrap();
        sweep(dir.path(), &BTreeSet::new());
        assert!(!dir.path().join(STAGE).join("published").exists());
        assert!(strange.join("letter.txt").exists());
    }

    #[test]
    fn sweeping_leaves_what_is_worked_in() {
        let dir = tempfile::tempdir().unwrap();
        let held = Stage::open(dir.path(), "held").unwrap();
        drop(Stage::open(dir.path(), "left").unwrap());
        drop(Stage::open(dir.path(), "live").unwrap());
        sweep(dir.path(), &BTreeSet::from(["live".to_owned()]));
        let there = |id: &str| dir.path().join(STAGE).join(id).exists();
        assert!(there("held") && there("live") && !there("left"));
        drop(held);
    }
}
