//! The folder `reports/RUN/thumbnails/`: what the page and the mail of a run show.
//!
//! Files are named after what they show, not after its place in a list: a run that is taken up again
//! finds those of its earlier attempt, and never one of something else. They come as they are made
//! and are not synced, since they are worth no report: one that is missing or damaged is not shown.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::fs::{sha256, write_swiftly};
use crate::imaging::thumbnail::{Kind, MOST_BYTES, Thumbnail};
use crate::job::log::AssetEntry;
use crate::job::run::Subject;

/// Its name in the folder of a run.
pub const FOLDER: &str = "thumbnails";
/// So many digits of a hash are a name.
const DIGITS: usize = 24;

/// The thumbnails of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnails {
    folder: PathBuf,
    /// The names there are, without their suffix, and how each is written.
    names: BTreeMap<String, Kind>,
}

fn stem(subject: Subject<'_>) -> String {
    let (kind, name) = match subject {
        Subject::Source(path) => ("source", path),
        Subject::Output(path) => ("output", path.as_str()),
    };
    format!("{kind}-{}", &sha256(name.as_bytes())[..DIGITS])
}

fn name(stem: &str, kind: Kind) -> String {
    format!("{stem}.{}", kind.suffix())
}

/// Keeps a thumbnail in the folder of a run.
///
/// # Errors
/// The system's; it is worth no report.
pub fn keep(run: &Path, subject: Subject<'_>, thumbnail: &Thumbnail) -> io::Result<()> {
    let folder = run.join(FOLDER);
    let stem = stem(subject);
    let path = folder.join(name(&stem, thumbnail.kind));
    match write_swiftly(&path, &thumbnail.bytes, 0o644) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            std::fs::DirBuilder::new().mode(0o755).create(&folder)?;
            rustix::fs::chmod(&folder, rustix::fs::Mode::from_raw_mode(0o755))?;
            write_swiftly(&path, &thumbnail.bytes, 0o644)
        }
        done => done,
    }
}

impl Thumbnails {
    /// Looks what there is in the folder of a run.
    #[must_use]
    pub fn of(run: &Path) -> Self {
        let folder = run.join(FOLDER);
        let mut names = BTreeMap::new();
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(file) = entry.file_name().into_string() else { continue };
            let kind = match file.rsplit_once('.') {
                Some((_, "jpg")) => Kind::Jpeg,
                Some((_, "png")) => Kind::Png,
                _ => continue,
            };
            names.insert(file[..file.len() - 4].to_owned(), kind);
        }
        Self { folder, names }
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Returns the name of that of an asset's source.
    #[must_use]
    pub fn source(&self, asset: &AssetEntry) -> Option<String> {
        self.find(Subject::Source(asset.source.as_deref()?))
    }

    /// Returns the name of that of what an asset became.
    #[must_use]
    pub fn output(&self, asset: &AssetEntry) -> Option<String> {
        self.find(Subject::Output(&asset.outcome.files().first()?.output))
    }

    fn find(&self, subject: Subject<'_>) -> Option<String> {
        let stem = stem(subject);
        self.names.get(&stem).map(|kind| name(&stem, *kind))
    }

    /// Reads one; `None` when it is not what it should be.
    #[must_use]
    pub fn read(&self, name: &str) -> Option<Thumbnail> {
        let file = std::fs::File::open(self.folder.join(name)).ok()?;
        let mut bytes = Vec::new();
        let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
        file.take(most + 1).read_to_end(&mut bytes).ok()?;
        Thumbnail::recognise(bytes)
    }

    /// Removes what shows nothing that these assets have, such as what an attempt left that was
    /// interrupted.
    pub fn clear(&self, assets: &[AssetEntry]) {
        let of = |asset| [self.source(asset), self.output(asset)].into_iter().flatten();
        let wanted: std::collections::BTreeSet<String> = assets.iter().flat_map(of).collect();
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_none_or(|name| !wanted.contains(name)) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
        if wanted.is_empty() {
            let _ = std::fs::remove_dir(&self.folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::log::Change;
    use crate::report::samples;

    #[test]
    fn a_thumbnail_is_found_by_what_it_shows() {
        let dir = tempfile::tempdir().unwrap();
        let assets = [samples::converted("front", &[]), samples::converted("back", &[])];
        assert!(Thumbnails::of(dir.path()).is_empty());
        let jpeg = Thumbnail::recognise(vec![0xff, 0xd8, 0xff, 1]).unwrap();
        keep(dir.path(), Subject::Source("tops/front.tif"), &jpeg).unwrap();
        let file = samples::delivered("front", Change::New);
        let png = Thumbnail::recognise(b"\x89PNG\r\n\x1a\n2".to_vec()).unwrap();
        keep(dir.path(), Subject::Output(&file.output), &png).unwrap();
        let folder = dir.path().join(FOLDER);
        for (name, bytes) in [
            ("source-0.jpg", &b"nobody's"[..]),
            (".output-0.png.1-2.tmp", b"half"),
            ("notes.txt", b"x"),
        ] {
            crate::fs::write_new(&folder.join(name), bytes, 0o600).unwrap();
        }
        let there = Thumbnails::of(dir.path());
        let [source, output] =
            [there.source(&assets[0]), there.output(&assets[0])].map(Option::unwrap);
        assert_eq!((there.read(&source), there.read(&output)), (Some(jpeg), Some(png)));
        assert_eq!((there.source(&assets[1]), there.output(&assets[1])), (None, None));
        assert_eq!(there.read("source-0.jpg"), None, "it is no picture");
        there.clear(&assets);
        let mut left: Vec<String> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, [output, source]);
        there.clear(&[]);
        assert!(!folder.exists());
    }
}
