//! A sender that answers as it is told, at once.

use super::*;

/// A program in place of the sending child: it keeps what it is given and answers as told.
pub(super) struct Relay {
    pub(super) dir: tempfile::TempDir,
}

impl Relay {
    pub(super) fn new() -> Self {
        // Ten thousand mails are many syncs; memory makes them cheap.
        let shm = Path::new("/dev/shm");
        let dir = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() };
        let this = Self { dir: dir.unwrap() };
        this.says(Phase::Dot, Some(250), Class::Sent, "2.0.0 queued");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/sender.sh");
        std::os::unix::fs::symlink(script, this.program()).unwrap();
        this
    }

    pub(super) fn program(&self) -> PathBuf {
        self.dir.path().join("sender")
    }

    pub(super) fn says(&self, phase: Phase, code: Option<u16>, class: Class, text: &str) {
        let result = Outcome { phase, code, text: text.into(), class };
        let mut lines = String::new();
        if phase == Phase::Dot {
            lines.push_str("{\"phase\":\"dot\"}\n");
        }
        lines.push_str(&serde_json::json!({ "result": result }).to_string());
        lines.push('\n');
        write_atomic(&self.dir.path().join("answer"), lines.as_bytes(), 0o600).unwrap();
    }

    /// What was sent so far, without order: the line before each message, and the message.
    pub(super) fn given(&self) -> Vec<(serde_json::Value, Vec<u8>)> {
        let mut out = Vec::new();
        for entry in fs::read_dir(self.dir.path()).unwrap().flatten() {
            if !entry.file_name().to_string_lossy().starts_with("in.") {
                continue;
            }
            let bytes = fs::read(entry.path()).unwrap();
            let end = bytes.iter().position(|&b| b == b'\n').unwrap();
            let parcel = serde_json::from_slice(&bytes[..end]).unwrap();
            out.push((parcel, bytes[end + 1..].to_vec()));
        }
        out
    }

    pub(super) fn forget(&self) {
        for entry in fs::read_dir(self.dir.path()).unwrap().flatten() {
            if entry.file_name().to_string_lossy().starts_with("in.") {
                fs::remove_file(entry.path()).unwrap();
            }
        }
    }

    pub(super) fn settings(&self) -> MailSettings {
        settings(&self.dir.path().join("mail"), Some(samples::nowhere()))
    }

    pub(super) fn outbox(&self) -> Outbox {
        Outbox::open(self.settings(), self.program()).unwrap()
    }
}

pub(super) fn text_of(message: &[u8]) -> String {
    crate::report::reading::readable(message)
}

/// The letter about run number `n`, which ended at `date`.
pub(super) fn numbered(
    settings: &MailSettings,
    n: usize,
    verdict: Verdict,
    date: Timestamp,
) -> Letter {
    let mut log = samples::log(verdict);
    log.run = format!("tops-{n}_2026-12-01-06-00-00");
    log.end = date;
    let places = samples::places();
    let to = Address::parse("mia@studio.example").unwrap();
    Report { log: &log, places: &places, retry: None }.letter(settings, &to).unwrap()
}

pub(super) fn start() -> Timestamp {
    "2026-12-01T06:00:00Z".parse().unwrap()
}

/// Rounds until nothing is due before `end`, each at its time.
pub(super) fn run_until(outbox: &Outbox, mut now: Timestamp, end: Timestamp) -> Timestamp {
    for _ in 0..100_000 {
        let next = outbox.deliver_due(now).unwrap().next_due;
        match next.filter(|next| *next <= end) {
            Some(next) => now = next.max(in_seconds(now, 1)),
            None => return end,
        }
    }
    panic!("no end");
}
