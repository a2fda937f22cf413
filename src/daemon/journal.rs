//! Where the operator's log goes: to a terminal with a time, under the service manager to the journal.
//!
//! The journal takes entries with fields (systemd's "Native Journal Protocol"): beside `MESSAGE`, which
//! is the whole line, each value that a line names is a field of its own, `EXPORTD_` and its name in
//! capitals, of the job as well: `journalctl EXPORTD_RUN=…` finds a run's end, `EXPORTD_ID=…` all that
//! was said while a job was worked on. An entry that the journal does not take goes to standard error,
//! as a line with its priority before it.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Where the journal takes entries.
const SOCKET: &str = "/run/systemd/journal/socket";
/// Longest value in bytes: an entry stays below what a datagram may hold.
const MOST: usize = 16 << 10;

/// Begins the log. `EXPORTD_LOG` chooses what is logged (`info` when unset).
pub(super) fn start() {
    let asked = std::env::var("EXPORTD_LOG").ok().and_then(|words| words.parse::<Targets>().ok());
    let filter = asked.unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    let registry = tracing_subscriber::registry().with(filter);
    if !stderr_is_the_journal() {
        let layer = tracing_subscriber::fmt::layer()
            .with_target(false)
            .with_ansi(false)
            .with_writer(io::stderr);
        let _ = registry.with(layer).try_init();
    } else if let Ok(journal) = Journal::open(Path::new(SOCKET)) {
        let _ = registry.with(journal).try_init();
    } else {
        let layer = tracing_subscriber::fmt::layer()
            .without_time()
            .with_level(false)
            .with_target(false)
            .with_ansi(false)
            .with_writer(Priorities);
        let _ = registry.with(layer).try_init();
    }
}

/// Tells whether standard error is the journal's: it says which file that is (systemd.exec(5)), and a
/// process that was started by a service with another standard error inherits only the saying.
fn stderr_is_the_journal() -> bool {
    let stream = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    let ours = std::fs::metadata("/proc/self/fd/2");
    ours.is_ok_and(|meta| stream == format!("{}:{}", meta.dev(), meta.ino()))
}

/// Returns the priority of syslog.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// Sends entries to the journal.
#[derive(Debug)]
struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
    /// Where lines go that it does not take.
    aside: fn(&[u8]),
}

impl Journal {
    fn open(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        // What a busy journal does not take at once goes the other way.
        socket.set_nonblocking(true)?;
        // Not connected: it may be started again.
        std::fs::metadata(path)?;
        Ok(Self { socket, path: path.to_owned(), aside: to_stderr })
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Journal {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut entry = Entry { priority: priority(*event.metadata().level()), ..Entry::default() };
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            if let Some(fields) = span.extensions().get::<Fields>() {
                entry.within(span.name(), fields);
            }
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        entry.says(&fields);
        if self.socket.send_to(&entry.encoded(), &self.path).is_err() {
            (self.aside)(&prefixed(entry.priority, entry.message.as_bytes()));
        }
    }
}

/// What a span or an event names.
#[derive(Debug, Default)]
struct Fields {
    message: String,
    /// Name, value, and the value as a line shows it.
    named: Vec<(&'static str, String, String)>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.named.push((field.name(), value.to_owned(), format!("{value:?}")));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.named.push((field.name(), text.clone(), text));
        }
    }
}

impl Fields {
    fn shown(&self) -> String {
        let shown = self.named.iter().map(|(name, _, shown)| format!("{name}={shown}"));
        shown.collect::<Vec<_>>().join(" ")
    }
}

/// One entry.
#[derive(Debug, Default)]
struct Entry {
    priority: u8,
    message: String,
    fields: Vec<(String, String)>,
}

impl Entry {
    fn within(&mut self, name: &str, fields: &Fields) {
        let _ = write!(self.message, "{name}{{{}}}: ", fields.shown());
        self.keep(fields);
    }

    fn says(&mut self, fields: &Fields) {
        let parts = [fields.message.clone(), fields.shown()];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        self.message.push_str(&parts.join(" "));
        self.keep(fields);
    }

    fn keep(&mut self, fields: &Fields) {
        for (name, value, _) in &fields.named {
            let fits =
                |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
            let name: String = name.chars().map(fits).collect();
            self.fields.push((format!("EXPORTD_{name}"), value.clone()));
        }
    }

    /// Writes it as the journal takes it: a value with line feeds has its length before it.
    fn encoded(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let own = [
            ("MESSAGE".to_owned(), self.message.clone()),
            ("PRIORITY".to_owned(), self.priority.to_string()),
            ("SYSLOG_IDENTIFIER".to_owned(), "exportd".to_owned()),
        ];
        for (name, value) in own.iter().chain(&self.fields) {
            let value = &value[..value.floor_char_boundary(MOST)];
            out.extend_from_slice(name.as_bytes());
            if value.contains('\n') {
                out.push(b'\n');
                out.extend_from_slice(&(value.len() as u64).to_le_bytes());
            } else {
                out.push(b'=');
            }
            out.extend_from_slice(value.as_bytes());
            out.push(b'\n');
        }
        out
    }
}

/// Makes writers that put `<N>`, the priority of syslog, before each line.
struct Priorities;

/// Collects one event and writes it at once, so that lines of two threads do not mix.
struct PriorityLine {
    priority: u8,
    text: Vec<u8>,
}

impl<'a> MakeWriter<'a> for Priorities {
    type Writer = PriorityLine;

    fn make_writer(&'a self) -> PriorityLine {
        PriorityLine { priority: 6, text: Vec::new() }
    }

    fn make_writer_for(&'a self, meta: &tracing::Metadata<'_>) -> PriorityLine {
        PriorityLine { priority: priority(*meta.level()), text: Vec::new() }
    }
}

impl io::Write for PriorityLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the lines with the priority before each: the journal looks at every line alone.
fn prefixed(priority: u8, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 8);
    for line in text.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
        out.extend_from_slice(format!("<{priority}>").as_bytes());
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out
}

fn to_stderr(lines: &[u8]) {
    let _ = io::stderr().lock().write_all(lines);
}

impl Drop for PriorityLine {
    fn drop(&mut self) {
        to_stderr(&prefixed(self.priority, &self.text));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn every_line_has_its_priority() {
        assert_eq!(prefixed(3, b"one\ntwo\n"), b"<3>one\n<3>two\n");
    }

    /// What the journal gets while something is logged.
    fn entries(log: impl FnOnce()) -> Vec<Vec<u8>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let journal = UnixDatagram::bind(&path).unwrap();
        let layer = Journal::open(&path).unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        journal.set_nonblocking(true).unwrap();
        let mut entry = vec![0; 256 << 10];
        std::iter::from_fn(|| journal.recv(&mut entry).ok().map(|n| entry[..n].to_vec())).collect()
    }

    #[test]
    fn an_entry_has_a_field_for_each_value_of_its_own_and_its_jobs() {
        let entries = entries(|| {
            let _job =
                tracing::info_span!("job", id = "20261201-1", manifest = "tops.toml").entered();
            tracing::warn!(run = "tops_1", total = 3, error = %"no room", "job over");
        });
        let expected = "MESSAGE=job{id=\"20261201-1\" manifest=\"tops.toml\"}: job over run=\"tops_1\" \
                        total=3 error=no room\nPRIORITY=4\nSYSLOG_IDENTIFIER=exportd\n\
                        EXPORTD_ID=20261201-1\nEXPORTD_MANIFEST=tops.toml\nEXPORTD_RUN=tops_1\n\
                        EXPORTD_TOTAL=3\nEXPORTD_ERROR=no room\n";
        let text: Vec<_> = entries.iter().map(|entry| String::from_utf8_lossy(entry)).collect();
        assert_eq!(text, [expected]);
    }

    #[test]
    fn nothing_that_is_logged_adds_a_field_and_nothing_is_too_long() {
        let entries = entries(|| {
            tracing::info!(run = "x\nPRIORITY=0", "of\nseveral lines");
            tracing::info!(reason = "é".repeat(200 << 10), "long");
        });
        let run = b"EXPORTD_RUN\n\x0c\0\0\0\0\0\0\0x\nPRIORITY=0\n";
        assert!(entries[0].windows(run.len()).any(|part| part == run), "{:?}", entries[0]);
        let message = b"MESSAGE\n";
        assert!(entries[0].starts_with(message));
        assert!(entries[1].len() < 40 << 10, "{}", entries[1].len());
        assert_eq!(entries.len(), 2);
    }

    #[test]
    fn what_a_journal_does_not_take_goes_the_other_way() {
        static ASIDE: Mutex<Vec<u8>> = Mutex::new(Vec::new());
        let dir = tempfile::tempdir().unwrap();
        assert!(Journal::open(&dir.path().join("socket")).is_err());
        let path = dir.path().join("gone");
        let journal = UnixDatagram::bind(&path).unwrap();
        let aside = |lines: &[u8]| ASIDE.lock().unwrap().extend_from_slice(lines);
        let layer = Journal { aside, ..Journal::open(&path).unwrap() };
        drop(journal);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::warn!(run = "tops", "said");
        });
        assert_eq!(*ASIDE.lock().unwrap(), b"<4>said run=\"tops\"\n");
    }
}
