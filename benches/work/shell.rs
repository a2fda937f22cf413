//! What the service does around a conversion: looking up, checking, writing down, accepting.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::fs::{File, create_dir_all};
use std::hint::black_box;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use exportd::imaging::plan::Defaults;
use exportd::job::check::{Moment, Policy, judge};
use exportd::job::manifest::is_complete;
use exportd::library::{AssetHandle, Library};
use exportd::spool::{Ended, Folders, Journal, Look, Settle, Spool, drop_manifest};

use crate::stage::{Result, Work};

/// Files in one folder of the library.
const FILES_A_FOLDER: usize = 1000;
/// Events that are added together.
const EVENTS: usize = 1000;

/// One stage.
#[derive(Clone, Copy)]
pub(crate) enum Stage {
    /// The first look at a library: a pattern for which every folder is listed.
    Walk,
    /// Handles without extension.
    Stems,
    /// A pattern inside of one folder.
    Glob,
    /// A pattern for which every name is compared.
    GlobDeep,
    /// A manifest that lists many handles.
    Check,
    /// An event that is on the disk afterwards.
    Append,
    /// Events that may come later.
    AppendLazily,
    /// So many manifests that were moved into the drop folder.
    Accept(usize),
}

/// All of them by name.
pub(crate) const STAGES: &[(&str, Stage)] = &[
    ("library/walk", Stage::Walk),
    ("library/stems", Stage::Stems),
    ("library/glob", Stage::Glob),
    ("library/glob-deep", Stage::GlobDeep),
    ("manifest/check", Stage::Check),
    ("journal/append", Stage::Append),
    ("journal/append-lazily", Stage::AppendLazily),
    ("spool/accept", Stage::Accept(1)),
    ("spool/accept-128", Stage::Accept(128)),
];

/// What the stages work on.
pub(crate) struct Desk {
    /// An empty folder.
    pub(crate) folder: PathBuf,
    /// How many files the library has; more than there are handles.
    pub(crate) files: usize,
    /// How many handles are looked up.
    pub(crate) handles: usize,
}

impl Desk {
    /// Makes a stage ready.
    pub(crate) fn prepare(&self, stage: Stage) -> Result<Work> {
        match stage {
            Stage::Walk => self.walk(),
            Stage::Stems => {
                let handles: Vec<String> = (0..self.handles).map(|k| self.stem(k)).collect();
                self.resolve(&handles, 1)
            }
            Stage::Glob => self.resolve(&["0000/picture-*.jpg".into()], FILES_A_FOLDER),
            Stage::GlobDeep => self.resolve(&["**/*-0000?23.jpg".into()], 1),
            Stage::Check => self.check(),
            Stage::Append => self.append(1),
            Stage::AppendLazily => self.append(EVENTS),
            Stage::Accept(manifests) => self.accept(manifests),
        }
    }

    /// Names a file without its extension; with rising numbers, all over the library.
    fn stem(&self, number: usize) -> String {
        let file = number * (self.files / self.handles.max(1)).max(1) % self.files;
        format!("{:04}/picture-{file:07}", file / FILES_A_FOLDER)
    }

    /// Opens the library, which is made if it is not there.
    fn library(&self) -> Result<Library> {
        let root = self.folder.join("assets");
        if !root.exists() {
            for file in 0..self.files {
                let folder = root.join(format!("{:04}", file / FILES_A_FOLDER));
                if file % FILES_A_FOLDER == 0 {
                    create_dir_all(&folder)?;
                }
                File::create(folder.join(format!("picture-{file:07}.jpg")))?;
            }
        }
        Ok(Library::open(&[root], None)?)
    }

    fn walk(&self) -> Result<Work> {
        let (library, handle) = (Rc::new(self.library()?), AssetHandle::parse("**/*-0000023.jpg")?);
        Ok(Work::on(&[], move || {
            let (library, handle) = (Rc::clone(&library), handle.clone());
            library.refresh();
            Ok(Box::new(move || {
                black_box(library.resolve(&handle)).is_ok_and(|all| all.len() == 1)
            }))
        }))
    }

    /// Looks each handle up, which is at least so many files.
    fn resolve(&self, handles: &[String], least: usize) -> Result<Work> {
        let library = Rc::new(self.library()?);
        let parsed: std::result::Result<Vec<_>, _> =
            handles.iter().map(|handle| AssetHandle::parse(handle)).collect();
        let parsed = Rc::new(parsed?);
        Ok(Work::on(handles.concat().as_bytes(), move || {
            let (library, handles) = (Rc::clone(&library), Rc::clone(&parsed));
            Ok(Box::new(move || {
                let found = |handle| black_box(library.resolve(handle));
                handles.iter().all(|handle| found(handle).is_ok_and(|all| all.len() >= least))
            }))
        }))
    }

    fn check(&self) -> Result<Work> {
        let library = Rc::new(self.library()?);
        let mut text = String::from(
            "jobName = \"many\"\nuserHandle = \"mia\"\nemailSetting = \"None\"\nfmt = \"convert\"\nis_modifier = \"wid=1200&fmt=jpeg\"\n",
        );
        text.push_str("assetHandleArray = [\n");
        for number in 0..self.handles {
            writeln!(text, "    \"{}\",", self.stem(number))?;
        }
        text.push_str("]\n");
        let policy = Rc::new(Policy {
            company: "1".into(),
            wait_for_assets: Duration::ZERO,
            macros: BTreeMap::new(),
            profiles: BTreeMap::new(),
            users: vec!["mia".into()],
            imaging: Defaults::default(),
        });
        let handles = self.handles;
        let text: Rc<str> = text.into();
        Ok(Work::on(Rc::clone(&text).as_bytes(), move || {
            let (library, policy, text) =
                (Rc::clone(&library), Rc::clone(&policy), Rc::clone(&text));
            Ok(Box::new(move || {
                let judged = judge(text.as_bytes(), &library, &policy, &Moment::Due);
                let items = |job: exportd::job::check::ExportJob| job.renditions[0].items.len();
                black_box(judged).job.map(items) == Some(handles)
            }))
        }))
    }

    /// Adds events; one by itself is made durable.
    fn append(&self, events: usize) -> Result<Work> {
        let path = self.folder.join(format!("journal-{events}"));
        let event = ("converted", 4711_u32, "tops/10023-front.jpg", "a".repeat(64));
        Ok(Work::on(event.3.clone().as_bytes(), move || {
            if path.metadata().is_ok_and(|found| found.len() > 1 << 20) {
                std::fs::remove_file(&path)?;
            }
            let (journal, event) = (Journal::open(&path)?, event.clone());
            Ok(Box::new(move || match events {
                1 => journal.append(&event).is_ok(),
                _ => (0..events).all(|_| journal.append_lazily(&event).is_ok()),
            }))
        }))
    }

    fn accept(&self, manifests: usize) -> Result<Work> {
        let place = self.folder.join(format!("spool-{manifests}"));
        let folders = Folders { drop: place.join("drop"), spool: place.join("spool"), aside: None };
        let (spool, _) = Spool::open(&folders)?;
        let text =
            "jobName = \"one\"\nassetHandleArray = [\"a\", \"b\"]\nemailSetting = \"None\"\n";
        let mut number = 0;
        Ok(Work::on(text.as_bytes(), move || {
            // What was accepted before is out of the way.
            while let Some(claim) = spool.claim()? {
                claim.finish(Ended::Done)?;
            }
            let mut moved_in = HashSet::new();
            for _ in 0..manifests {
                number += 1;
                let name = format!("manifest-{number:07}.toml");
                drop_manifest(&folders.drop, &name, text.as_bytes())?;
                moved_in.insert(name);
            }
            let spool = spool.clone();
            Ok(Box::new(move || {
                let look = Look {
                    now: Instant::now(),
                    wall: Default::default(),
                    settle: Settle::default(),
                    moved_in: &moved_in,
                    complete: &|bytes, _| is_complete(bytes),
                };
                spool.scan(&look).is_ok_and(|scanned| scanned.accepted.len() == manifests)
            }))
        }))
    }
}
