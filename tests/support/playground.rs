//! A real daemon over a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The binary under test.
pub fn exportd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_exportd"));
    command.env("NO_COLOR", "1").env("EXPORTD_LOG", "info").stdin(Stdio::null());
    command
}

/// A folder with everything the daemon has below one root, and the daemon when it runs.
pub struct Playground {
    dir: tempfile::TempDir,
    daemon: Option<Child>,
}

impl Playground {
    /// Makes the folders.
    pub fn new() -> Self {
        Self::with_config("")
    }

    /// Makes the folders; `config` is appended to the configuration.
    pub fn with_config(config: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for name in ["drop", "assets"] {
            std::fs::create_dir(dir.path().join(name)).expect("a folder");
        }
        let this = Self { dir, daemon: None };
        this.write("exportd.toml", config.as_bytes());
        this
    }

    /// Returns a path below the root.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file below the root, with the folders on the way.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, bytes).expect("a file");
    }

    /// A command over this playground.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = exportd();
        command
            .arg("--config")
            .arg(self.path("exportd.toml"))
            .arg("--root")
            .arg(self.dir.path())
            .args(args);
        command
    }

    /// Starts the daemon and waits until it is ready.
    pub fn start(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("daemon.log"))
            .expect("a log");
        let child = self.command(&["run"]).stderr(log).spawn().expect("the daemon starts");
        let pid = child.id();
        self.daemon = Some(child);
        self.wait("the daemon is ready", Duration::from_secs(20), || {
            let status = self.json("drop/.exportd/status.json")?;
            (status["pid"].as_u64() == Some(u64::from(pid))).then_some(())
        });
    }

    /// Process id of the daemon.
    pub fn pid(&self) -> u32 {
        self.daemon.as_ref().expect("a daemon").id()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("kill");
        assert!(sent.success());
    }

    /// Kills the daemon as a power cut would, and waits for its end.
    pub fn kill(&mut self) {
        let mut child = self.daemon.take().expect("a daemon");
        child.kill().expect("kill");
        child.wait().expect("an end");
    }

    /// Stops the daemon in order and returns its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        let mut child = self.daemon.take().expect("a daemon");
        let until = Instant::now() + Duration::from_secs(45);
        loop {
            if let Some(status) = child.try_wait().expect("a status") {
                return status.code();
            }
            if Instant::now() > until {
                child.kill().expect("kill");
                child.wait().expect("an end");
                panic!("the daemon did not stop\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What the daemon has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("daemon.log")).unwrap_or_default()
    }

    /// Drops a manifest as scripts should: under another name, then renamed.
    pub fn drop_manifest(&self, name: &str, text: &str) {
        self.write(&format!("drop/.{name}.tmp"), text.as_bytes());
        let from = self.path(&format!("drop/.{name}.tmp"));
        std::fs::rename(from, self.path(&format!("drop/{name}"))).expect("a rename");
    }

    /// Waits for the end of the run of the job and returns its name and report.
    pub fn report_of(&self, job: &str, patience: Duration) -> (String, Value) {
        let mut reports = self.reports_of(job, 1, patience);
        reports.remove(0)
    }

    /// Waits for the end of so many runs of the job, in the order of their names.
    pub fn reports_of(&self, job: &str, many: usize, patience: Duration) -> Vec<(String, Value)> {
        self.wait(&format!("{many} runs of {job}"), patience, || {
            let mut found: Vec<(String, Value)> = list(&self.path("reports"))
                .into_iter()
                .filter(|run| run.starts_with(&format!("{job}_")))
                .filter_map(|run| {
                    let report = self.json(&format!("reports/{run}/report.json"))?;
                    Some((run, report))
                })
                .collect();
            found.sort_by(|a, b| a.0.cmp(&b.0));
            (found.len() >= many).then_some(found)
        })
    }

    /// Waits until something is there.
    pub fn wait<T>(
        &self,
        what: &str,
        patience: Duration,
        mut look: impl FnMut() -> Option<T>,
    ) -> T {
        let until = Instant::now() + patience;
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(Instant::now() < until, "no {what} in {patience:?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Reads a JSON file below the root, when it is there and whole.
    pub fn json(&self, name: &str) -> Option<Value> {
        serde_json::from_slice(&std::fs::read(self.path(name)).ok()?).ok()
    }

    /// The mails that were written to files, by subject.
    pub fn mails(&self) -> Vec<String> {
        list(&self.path("mail/sent"))
            .into_iter()
            .filter(|name| name.ends_with(".eml"))
            .map(|name| std::fs::read_to_string(self.path("mail/sent").join(name)).expect("a mail"))
            .collect()
    }
}

impl Drop for Playground {
    fn drop(&mut self) {
        if let Some(child) = &mut self.daemon {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- daemon.log\n{}", self.log());
        }
    }
}

/// Names in a folder, sorted; none when it is not there.
pub fn list(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .map(|entries| {
            entries
                .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
                .collect()
        })
        .unwrap_or_default();
    names.sort();
    names
}

/// A picture of one colour wash, as PNG or JPEG by its name.
pub fn picture(name: &str, width: u32, height: u32) -> Vec<u8> {
    let image = image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(x % 256) as u8, (y % 256) as u8, ((x + y) / 2 % 256) as u8])
    });
    let format = image::ImageFormat::from_path(name).expect("a picture's name");
    let mut bytes = std::io::Cursor::new(Vec::new());
    if format == image::ImageFormat::Jpeg {
        let mut jpeg = mozjpeg::Compress::new(mozjpeg::ColorSpace::JCS_RGB);
        jpeg.set_size(width as usize, height as usize);
        jpeg.set_fastest_defaults();
        let mut started = jpeg.start_compress(Vec::new()).expect("a JPEG");
        started.write_scanlines(image.as_raw()).expect("lines");
        return started.finish().expect("a JPEG");
    }
    image.write_to(&mut bytes, format).expect("a picture");
    bytes.into_inner()
}
