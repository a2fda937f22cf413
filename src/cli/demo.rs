//! `demo`: a playground with the real daemon run over it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;

use super::progress::Bar;
use super::{Exit, Places, complain, print, say};
use crate::daemon::board::Board;
use crate::report::thumbnails;

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// The folder, a new one; without it a temporary one
    dir: Option<PathBuf>,
}

/// Names every file of the playground with its content.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../config/demo/", $name)))),*]
    };
}

/// What the playground is made of.
const FILES: &[(&str, &[u8])] = files![
    "assets/bags/backpack-blue.tif",
    "assets/bags/tote-sand.png",
    "assets/catalog.toml",
    "assets/fabrics/colour-card.gif",
    "assets/fabrics/linen-natural.webp",
    "assets/kitchen/mug-clay.jpg",
    "assets/labels/care-linen.bmp",
    "assets/lighting/lamp-pine.png",
    "assets/shoes/runner-coral.jpg",
    "assets/tops/10023-back.jpg",
    "assets/tops/10023-front.jpg",
    "assets/tops/10041-front.jpg",
];

/// The configuration; where the playground is stands above it.
const CONFIG: &str = include_str!("../../config/demo/exportd.toml");

/// The manifests that are dropped, in this order.
const MANIFESTS: &[(&str, &[u8])] = files!["clean.toml", "partly-failing.toml", "wrong.toml"];

/// The longest the demo waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn demo(places: &Places, args: &DemoArgs) -> Result<Exit, Exit> {
    let dir = args.dir.as_deref().or(places.root.as_deref());
    let root = playground(dir).map_err(|error| {
        complain(&error);
        Exit::NoOutput
    })?;
    say(&format!("playground: {}", root.display()));
    let mut daemon = Daemon::start(&root)?;
    let mut reports = Vec::new();
    for (name, bytes) in MANIFESTS {
        let before = finished(&root).len();
        crate::spool::drop_manifest(&root.join("drop"), name, bytes).map_err(|error| {
            complain(&format!("{name} cannot be dropped: {error}"));
            Exit::NoOutput
        })?;
        say(&format!("dropped {name}"));
        let bar = Bar::new(name);
        daemon
            .wait("the report", || {
                let board = Board::read(&root.join("drop"));
                board.iter().flat_map(|board| &board.jobs).for_each(|job| bar.show_posting(job));
                let runs = finished(&root);
                (runs.len() > before)
                    .then(|| runs.into_iter().find(|run| !reports.contains(run)))?
            })
            .map(|run| reports.push(run))?;
    }
    daemon.wait("the mails", || (mails(&root).len() >= MANIFESTS.len()).then_some(()))?;
    daemon.stop()?;
    show(&root, &reports);
    Ok(Exit::Well)
}

/// Makes the folders and writes the sample files.
fn playground(dir: Option<&Path>) -> Result<PathBuf, String> {
    let root = match dir {
        Some(dir) => {
            std::fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
            dir.to_owned()
        }
        None => fresh_folder()?,
    };
    let root = std::path::absolute(&root).map_err(|e| format!("{}: {e}", root.display()))?;
    if root.join("drop").exists() {
        return Err(format!(
            "{} is in use: name a new folder, or none for a temporary one",
            root.display()
        ));
    }
    // A JSON text is a TOML text too.
    let place = serde_json::to_string(&root).map_err(|e| format!("{}: {e}", root.display()))?;
    let config = format!("root = {place}\n\n{CONFIG}");
    let write = |name: &str, bytes: &[u8]| {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(&root))
            .and_then(|()| crate::fs::write_new(&path, bytes, 0o644))
            .map_err(|error| format!("{}: {error}", path.display()))
    };
    for (name, bytes) in FILES {
        write(name, bytes)?;
    }
    for (name, bytes) in MANIFESTS {
        write(&format!("manifests/{name}"), bytes)?;
    }
    write("exportd.toml", config.as_bytes())?;
    std::fs::create_dir_all(root.join("drop")).map_err(|e| format!("{}: {e}", root.display()))?;
    Ok(root)
}

/// Makes a folder in the system's temporary one that nobody has.
fn fresh_folder() -> Result<PathBuf, String> {
    let base = std::env::temp_dir();
    (0..1000)
        .map(|n| base.join(format!("exportd-demo-{}-{n}", std::process::id())))
        .find(|path| std::fs::create_dir(path).is_ok())
        .ok_or_else(|| format!("{}: no folder can be made there", base.display()))
}

/// The daemon of the demo; ended when this is dropped.
struct Daemon {
    child: Child,
    root: PathBuf,
}

impl Daemon {
    fn start(root: &Path) -> Result<Self, Exit> {
        let failed = |error: std::io::Error| {
            complain(&format!("the daemon cannot be started: {error}"));
            Exit::Unavailable
        };
        let log = std::fs::File::create(root.join("daemon.log")).map_err(failed)?;
        let child = Command::new("/proc/self/exe")
            .arg("run")
            .arg("--config")
            .arg(root.join("exportd.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(failed)?;
        let mut daemon = Self { child, root: root.to_owned() };
        let board = crate::daemon::board::path(&root.join("drop"));
        daemon.wait("the daemon", || board.exists().then_some(()))?;
        Ok(daemon)
    }

    fn wait<T>(&mut self, what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T, Exit> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look() {
                return Ok(found);
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                complain(&format!("the daemon ended ({status}), see {}", self.log()));
                return Err(Exit::Unavailable);
            }
            if Instant::now() > until {
                complain(&format!("{what} did not come, see {}", self.log()));
                return Err(Exit::Unavailable);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        self.root.join("daemon.log").display().to_string()
    }

    fn stop(mut self) -> Result<(), Exit> {
        if let Some(pid) =
            i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => {
                complain(&format!("the daemon ended with {status}, see {}", self.log()));
                Err(Exit::Failed)
            }
            Err(error) => {
                complain(&error.to_string());
                Err(Exit::Failed)
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Names the runs that are over, oldest first.
fn finished(root: &Path) -> Vec<String> {
    let mut runs: Vec<String> = names(&root.join("reports"))
        .into_iter()
        .filter(|run| root.join("reports").join(run).join("report.json").exists())
        .collect();
    runs.sort();
    runs
}

fn mails(root: &Path) -> Vec<PathBuf> {
    let folder = root.join("mail/sent");
    names(&folder)
        .into_iter()
        .filter(|name| name.ends_with(".eml"))
        .map(|name| folder.join(name))
        .collect()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .map(|entries| {
            entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
        })
        .unwrap_or_default();
    names.sort();
    names
}

fn show(root: &Path, reports: &[String]) {
    print(&format!("{}\n", root.display()));
    for name in ["drop", "out", "reports", "mail/sent"] {
        print(&format!("├── {name}\n"));
        tree(&root.join(name), "│   ");
    }
    print("└── assets, manifests, spool, daemon.log, exportd.toml\n");
    let mut letters = mails(root);
    let place = |path: &PathBuf| {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        reports.iter().position(|run| name.starts_with(run.as_str()))
    };
    letters.sort_by_key(place);
    for letter in letters {
        let bytes = std::fs::read(&letter).unwrap_or_default();
        print(&format!("\n{}\n", "─".repeat(78)));
        print(&crate::report::reading::readable(&bytes));
    }
    print(&format!("\n{}\n", "─".repeat(78)));
    print(&format!(
        "Everything stays there to look at. To go on playing, start the daemon again\n  \
         exportd run --config {0}/exportd.toml\n\
         and drop manifests from another terminal:\n  \
         cp {0}/manifests/clean.toml {0}/drop/\n",
        root.display()
    ));
}

/// Prints what lies below a folder; hidden names are ours.
fn tree(folder: &Path, indent: &str) {
    let visible: Vec<String> =
        names(folder).into_iter().filter(|name| !name.starts_with('.')).collect();
    for (at, name) in visible.iter().enumerate() {
        let last = at + 1 == visible.len();
        let path = folder.join(name);
        let branch = if last { "└──" } else { "├──" };
        if name == thumbnails::FOLDER {
            print(&format!("{indent}{branch} {name} ({})\n", names(&path).len()));
        } else {
            print(&format!("{indent}{branch} {name}\n"));
        }
        if path.is_dir() && name != thumbnails::FOLDER {
            tree(&path, &format!("{indent}{}   ", if last { " " } else { "│" }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_playground_holds_every_sample_file() {
        fn collect(folder: &Path, base: &Path, out: &mut Vec<String>) {
            for name in names(folder) {
                let path = folder.join(name);
                if path.is_dir() {
                    collect(&path, base, out);
                } else {
                    out.push(path.strip_prefix(base).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo");
        let mut there = Vec::new();
        collect(&base, &base, &mut there);
        there.retain(|name| name != "draw.py" && name != "exportd.toml");
        let mut listed: Vec<String> =
            FILES.iter().chain(MANIFESTS).map(|(name, _)| (*name).to_owned()).collect();
        there.sort();
        listed.sort();
        assert_eq!(listed, there);
    }
}
