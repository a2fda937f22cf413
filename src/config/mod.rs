//! The configuration: as written in up to three kinds of places, decided into [`Settings`].
//!
//! Built-in values < `/etc/exportd/exportd.toml` < `/etc/exportd/conf.d/*.toml` in the order of
//! their names < flags of the command line; `--config FILE` stands in for both file layers. Every
//! key is one entry of the table in `keys`: its name, what it means, its default, and how it is
//! decided. A later layer replaces single keys, never whole tables, and each key remembers where
//! its value came from.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use crate::diag::{Code, Diagnostic, Rendering, nearest, render, shown};
use crate::imaging::plan::Defaults;
use crate::job::check::Policy;
use crate::report::{Address, MailSettings, Pace, SettingsError, SmtpSettings, WebhookSettings};
use crate::spool;
use crate::worker::PoolSettings;

mod keys;
mod profiles;

pub use keys::{KEYS, Key, find_key};

/// Where the files of the configuration are when `--config` does not say.
pub const SYSTEM_FILE: &str = "/etc/exportd/exportd.toml";
/// Further files, read in the order of their names.
pub const SYSTEM_FOLDER: &str = "/etc/exportd/conf.d";

/// A value as written.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A string.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Real(f64),
    /// `true` or `false`.
    Flag(bool),
    /// A list of strings.
    Texts(Vec<String>),
    /// A list of whole numbers.
    Integers(Vec<i64>),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let toml = match self.clone() {
            Self::Text(text) => toml::Value::from(text),
            Self::Integer(n) => toml::Value::from(n),
            Self::Real(n) => toml::Value::from(n),
            Self::Flag(flag) => toml::Value::from(flag),
            Self::Texts(texts) => toml::Value::from(texts),
            Self::Integers(numbers) => toml::Value::from(numbers),
        };
        toml.fmt(f)
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The table of keys.
    BuiltIn,
    /// A file, with the line.
    File(PathBuf, usize),
    /// A flag of the command line.
    Flag(&'static str),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// Somebody who gets mail: a key of `[users]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct User {
    /// Mailboxes, at least one.
    pub addresses: Vec<String>,
    /// Language of the mail, when the manifest names none.
    pub locale: Option<String>,
    /// The system account whose files are this user's.
    pub unix_user: Option<String>,
}

/// Every folder, decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Manifests.
    pub drop: PathBuf,
    /// Originals, in order of precedence.
    pub assets: Vec<PathBuf>,
    /// Image catalogues, where there are any.
    pub catalogs: Option<PathBuf>,
    /// Outputs.
    pub out: PathBuf,
    /// Reports.
    pub reports: PathBuf,
    /// Queue and journals.
    pub spool: PathBuf,
    /// Outbox.
    pub mail: PathBuf,
}

/// What the daemon runs by; nothing in it is open.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where everything is.
    pub folders: Folders,
    /// Worker processes and their bounds.
    pub pool: PoolSettings,
    /// What holds for every job.
    pub policy: Policy,
    /// Whether a user with this key, and who it is.
    pub users: BTreeMap<String, User>,
    /// Who gets the mail of runs that belong to nobody.
    pub mail_to: Vec<String>,
    /// The outbox and the relay.
    pub mail: MailSettings,
    /// Who is told of every run besides, by a call.
    pub webhook: Option<WebhookSettings>,
    /// How people's computers see our folders: server path to share path.
    pub path_prefixes: BTreeMap<String, String>,
    /// How many days finished jobs stay in the spool.
    pub keep_days: u32,
    /// So many assets of a run, from the first, are shown by thumbnails (`report.thumbnails`).
    pub thumbnails: usize,
    /// Where figures for Prometheus go (`metrics.textfile`).
    pub metrics: Option<PathBuf>,
}

impl Settings {
    /// Returns the part that the spool needs.
    #[must_use]
    pub fn spool_folders(&self) -> spool::Folders {
        let Folders { drop, spool, .. } = &self.folders;
        spool::Folders { drop: drop.clone(), spool: spool.clone(), aside: None }
    }
}

/// A configuration with the origin of each value.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The decided values.
    pub settings: Settings,
    /// Each key that has a value, with the value as written and its origin.
    pub origins: BTreeMap<String, (Value, Origin)>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// Something in it is wrong; the findings with their lines.
    #[error("the configuration is wrong\n\n{0}")]
    Wrong(String),
}

/// What the command line says about the configuration.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config FILE`.
    pub config: Option<PathBuf>,
    /// `--root DIR`.
    pub root: Option<PathBuf>,
}

/// One file of the configuration.
struct Layer {
    file: PathBuf,
    text: String,
}

/// Values on their way to being [`Settings`].
#[derive(Debug, Default)]
pub(crate) struct Draft {
    root: Option<PathBuf>,
    drop: Option<PathBuf>,
    assets: Option<Vec<PathBuf>>,
    catalogs: Option<PathBuf>,
    out: Option<PathBuf>,
    reports: Option<PathBuf>,
    spool: Option<PathBuf>,
    mail_folder: Option<PathBuf>,
    company: String,
    workers: usize,
    wait_for_assets: std::time::Duration,
    keep_days: u32,
    imaging: Defaults,
    pool: PoolSettings,
    macros: BTreeMap<String, String>,
    profiles: BTreeMap<String, PathBuf>,
    users: BTreeMap<String, User>,
    smtp: Option<SmtpSettings>,
    mail_from: String,
    mail_to: Vec<String>,
    mail_daily: Option<jiff::civil::Time>,
    webhook: Webhook,
    templates: Option<PathBuf>,
    thumbnails: usize,
    metrics: Option<PathBuf>,
    path_prefixes: BTreeMap<String, String>,
}

/// `[webhook]` on its way.
#[derive(Debug, Default)]
struct Webhook {
    url: Option<String>,
    secret_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    timeout: std::time::Duration,
}

/// Reads all layers.
///
/// # Errors
/// [`ConfigError`]: every mistake of every file at once.
pub fn load(flags: &Flags) -> Result<Config, ConfigError> {
    let mut reader = Reader::default();
    for layer in layers(flags)? {
        reader.read(&layer);
    }
    if let Some(root) = &flags.root {
        let value = Value::Text(root.display().to_string());
        reader.draft.root = Some(root.clone());
        reader.origins.insert("root".into(), (value, Origin::Flag("--root")));
    }
    let mut config = reader.finish()?;
    profiles::look(&mut config)?;
    Ok(config)
}

fn layers(flags: &Flags) -> Result<Vec<Layer>, ConfigError> {
    let read = |file: &Path| match std::fs::read_to_string(file) {
        Ok(text) => Ok(Layer { file: file.to_owned(), text }),
        Err(error) => Err(ConfigError::Unreadable(file.to_owned(), error)),
    };
    if let Some(file) = &flags.config {
        return Ok(vec![read(file)?]);
    }
    let mut found = Vec::new();
    if Path::new(SYSTEM_FILE).exists() {
        found.push(read(Path::new(SYSTEM_FILE))?);
    }
    if let Ok(entries) = std::fs::read_dir(SYSTEM_FOLDER) {
        let mut files: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "toml"))
            // What editors keep beside a file.
            .filter(|path| {
                !path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."))
            })
            .collect();
        files.sort();
        for file in files {
            found.push(read(&file)?);
        }
    }
    Ok(found)
}

/// Applies layer after layer.
struct Reader {
    draft: Draft,
    origins: BTreeMap<String, (Value, Origin)>,
    wrong: String,
}

impl Default for Reader {
    fn default() -> Self {
        let mut reader =
            Self { draft: Draft::default(), origins: BTreeMap::new(), wrong: String::new() };
        for key in KEYS {
            if key.default.is_empty() {
                continue;
            }
            // The table is ours: a default that does not fit is caught by the test below.
            let text = format!("x = {}", key.default);
            let Ok(table) = DeTable::parse(&text) else { continue };
            let Some(value) = table.get_ref().values().next().and_then(|v| value_of(v.get_ref()))
            else {
                continue;
            };
            if (key.set)(&mut reader.draft, "", &value).is_ok() {
                reader.origins.insert(key.name.into(), (value, Origin::BuiltIn));
            }
        }
        reader
    }
}

impl Reader {
    fn read(&mut self, layer: &Layer) {
        let (table, errors) = DeTable::parse_recoverable(&layer.text);
        let mut findings: Vec<Diagnostic> = errors
            .iter()
            .map(|error| {
                Diagnostic::error(
                    Code::Syntax,
                    error.span().unwrap_or(0..0),
                    shown(error.message()),
                )
            })
            .collect();
        if table.get_ref().contains_key("mail") {
            // An empty table is enough to ask for the relay on this machine.
            keys::smtp(&mut self.draft);
        }
        self.table(layer, "", table.get_ref(), &mut findings);
        if !findings.is_empty() {
            let file = layer.file.display().to_string();
            self.wrong.push_str(&render(&file, &layer.text, &findings, Rendering::Plain));
        }
    }

    fn table(
        &mut self,
        layer: &Layer,
        prefix: &str,
        table: &DeTable<'_>,
        findings: &mut Vec<Diagnostic>,
    ) {
        for (key, value) in table {
            let name = if prefix.is_empty() {
                key.get_ref().to_string()
            } else {
                format!("{prefix}.{}", key.get_ref())
            };
            let found = keys::find(&name);
            if found.is_none() && keys::is_table(&name) {
                if let DeValue::Table(inner) = value.get_ref() {
                    self.table(layer, &name, inner, findings);
                } else {
                    findings.push(
                        Diagnostic::error(
                            Code::Value,
                            value.span(),
                            format!("`{}` is a table, not a value", shown(&name)),
                        )
                        .help(format!("write `[{}]` and the keys below it", shown(&name))),
                    );
                }
                continue;
            }
            let Some((entry, wild)) = found else {
                findings.push(unknown_key(&name, key.span()));
                continue;
            };
            self.value(layer, (entry, &name, wild), value, findings);
        }
    }

    fn value(
        &mut self,
        layer: &Layer,
        (entry, name, wild): (&Key, &str, &str),
        value: &toml::Spanned<DeValue<'_>>,
        findings: &mut Vec<Diagnostic>,
    ) {
        let problem = match value_of(value.get_ref()) {
            None => Some("a value of this type is not allowed here".to_owned()),
            Some(plain) => match (entry.set)(&mut self.draft, wild, &plain) {
                Ok(()) => {
                    let (line, _) = crate::diag::position(&layer.text, value.span().start);
                    let origin = Origin::File(layer.file.clone(), line);
                    self.origins.insert(name.to_owned(), (plain, origin));
                    None
                }
                Err(problem) => Some(problem),
            },
        };
        if let Some(problem) = problem {
            findings.push(
                Diagnostic::error(
                    Code::Value,
                    value.span(),
                    format!("`{}`: {problem}", shown(name)),
                )
                .help(format!("{} = {}", entry.name, entry.example)),
            );
        }
    }

    fn finish(mut self) -> Result<Config, ConfigError> {
        let settings = self.draft.decide().map_err(|problem| {
            let _ = write!(self.wrong, "error: {problem}\n\n");
        });
        match settings {
            Ok(settings) if self.wrong.is_empty() => Ok(Config { settings, origins: self.origins }),
            _ => Err(ConfigError::Wrong(self.wrong)),
        }
    }
}

fn unknown_key(name: &str, span: Range<usize>) -> Diagnostic {
    let finding = Diagnostic::error(Code::Value, span, format!("unknown key `{}`", shown(name)));
    let tables = KEYS.iter().filter_map(|k| k.name.rsplit_once('.')).map(|(table, _)| table);
    match nearest(name, KEYS.iter().map(|k| k.name).chain(tables)) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.help("`exportd config` lists every key"),
    }
}

/// Takes a TOML value as one of ours; `None` for kinds that no key has.
fn value_of(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(n) => Value::Integer(i64::from_str_radix(n.as_str(), n.radix()).ok()?),
        DeValue::Float(n) => Value::Real(n.as_str().parse().ok()?),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Array(items) => {
            let items: Vec<Value> =
                items.iter().map(|item| value_of(item.get_ref())).collect::<Option<_>>()?;
            if items.iter().all(|item| matches!(item, Value::Text(_))) {
                Value::Texts(
                    items
                        .into_iter()
                        .filter_map(|item| if let Value::Text(t) = item { Some(t) } else { None })
                        .collect(),
                )
            } else {
                Value::Integers(
                    items
                        .into_iter()
                        .map(|item| if let Value::Integer(n) = item { Some(n) } else { None })
                        .collect::<Option<_>>()?,
                )
            }
        }
        DeValue::Datetime(_) | DeValue::Table(_) => return None,
    })
}

impl Draft {
    fn decide(&mut self) -> Result<Settings, String> {
        let shared = self.root.clone().unwrap_or_else(|| PathBuf::from("/srv/exportd"));
        let private = self.root.clone().unwrap_or_else(|| PathBuf::from("/var/lib/exportd"));
        let folders = Folders {
            drop: self.drop.take().unwrap_or_else(|| shared.join("drop")),
            assets: self.assets.take().unwrap_or_else(|| vec![shared.join("assets")]),
            catalogs: self.catalogs.take(),
            out: self.out.take().unwrap_or_else(|| shared.join("out")),
            reports: self.reports.take().unwrap_or_else(|| shared.join("reports")),
            spool: self.spool.take().unwrap_or_else(|| private.join("spool")),
            mail: self.mail_folder.take().unwrap_or_else(|| private.join("mail")),
        };
        if let Some(smtp) = &self.smtp {
            match smtp.check() {
                // The daemon may be lent one by the service manager.
                Ok(()) | Err(SettingsError::NoPassword(_)) => {}
                Err(error) => return Err(format!("[mail] {error}")),
            }
        }
        for (name, user) in &self.users {
            if user.addresses.is_empty() {
                return Err(format!("[users.{name}] has no `address`"));
            }
        }
        let mut pool = self.pool.clone();
        if self.workers > 0 {
            pool.workers = self.workers;
        }
        pool.limits = self.imaging.limits.clone();
        let host = mail_host(&self.mail_from);
        Ok(Settings {
            policy: Policy {
                company: self.company.clone(),
                wait_for_assets: self.wait_for_assets,
                macros: self.macros.clone(),
                profiles: self.profiles.clone(),
                users: self.users.keys().cloned().collect(),
                imaging: self.imaging.clone(),
            },
            webhook: self.webhook.decide(calls(&folders))?,
            mail: MailSettings {
                folder: folders.mail.clone(),
                smtp: self.smtp.clone(),
                from: self.mail_from.clone(),
                host,
                operators: self.mail_to.iter().filter_map(|to| Address::parse(to).ok()).collect(),
                daily: self.mail_daily,
                pace: Pace::default(),
                templates: self.templates.clone(),
            },
            folders,
            pool,
            users: self.users.clone(),
            mail_to: self.mail_to.clone(),
            path_prefixes: self.path_prefixes.clone(),
            keep_days: self.keep_days,
            thumbnails: self.thumbnails,
            metrics: self.metrics.clone(),
        })
    }
}

impl Webhook {
    fn decide(&self, folder: PathBuf) -> Result<Option<WebhookSettings>, String> {
        let Some(url) = self.url.clone() else {
            let without = self.secret_file.is_some() || self.ca_file.is_some();
            return if without { Err("[webhook] has no `url`".into()) } else { Ok(None) };
        };
        let (secret_file, ca_file) = (self.secret_file.clone(), self.ca_file.clone());
        Ok(Some(WebhookSettings { folder, url, secret_file, ca_file, timeout: self.timeout }))
    }
}

/// Returns the folder of calls that wait: what goes out is below the outbox.
#[must_use]
pub fn calls(folders: &Folders) -> PathBuf {
    folders.mail.join("webhook")
}

/// Returns the host part of a mailbox, for Message-IDs.
fn mail_host(mailbox: &str) -> String {
    mailbox
        .rsplit_once('@')
        .map(|(_, host)| host.trim_end_matches('>').trim())
        .filter(|host| !host.is_empty())
        .unwrap_or("localhost")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, ConfigError> {
        let mut reader = Reader::default();
        reader.read(&Layer { file: PathBuf::from("a.toml"), text: text.into() });
        reader.finish()
    }

    #[test]
    fn every_default_fits_its_key() {
        for key in KEYS.iter().filter(|key| !key.default.is_empty()) {
            assert!(Reader::default().origins.contains_key(key.name), "{}", key.name);
        }
    }

    #[test]
    fn the_shipped_file_shows_every_key_and_is_the_defaults() {
        let shipped = include_str!("../../config/exportd.toml");
        let mut text = String::new();
        for line in shipped.lines() {
            // "#key = value" is a setting that is switched off, "# text" is a comment.
            let line = line.strip_prefix('#').filter(|l| !l.starts_with(' ')).unwrap_or(line);
            text.push_str(line);
            text.push('\n');
        }
        let config = match read(&text) {
            Ok(config) => config,
            Err(error) => panic!("{error}\n{text}"),
        };
        for key in KEYS {
            let (before, after) = key.name.split_once('*').unwrap_or((key.name, ""));
            assert!(
                config.origins.iter().any(|(name, (_, origin))| {
                    name.starts_with(before) && name.ends_with(after) && *origin != Origin::BuiltIn
                }),
                "config/exportd.toml does not show `{}`",
                key.name
            );
            if !key.default.is_empty() {
                let (built_in, _) = &Reader::default().origins[key.name];
                assert_eq!(&config.origins[key.name].0, built_in, "{}", key.name);
            }
        }
    }

    #[test]
    fn every_mistake_is_named_with_its_line() {
        let Err(ConfigError::Wrong(text)) = read(
            "workers = \"many\"\n[mial]\nhost = \"x\"\n[imaging]\njpeg_quality = 101\n\
                  [users.mia]\naddress = \"mia@studio.example\"\nlocale = \"klingon\"\n",
        ) else {
            panic!("accepted");
        };
        assert!(text.contains("`workers`: expected a whole number from 0 to 1024"), "{text}");
        assert!(text.contains("a.toml:2:2"), "{text}");
        assert!(text.contains("did you mean `mail`?"), "{text}");
        assert!(text.contains("a.toml:5:16"), "{text}");
        assert!(text.contains("`users.mia.locale`: expected one of \"en\", "), "{text}");
    }

    #[test]
    fn a_root_moves_every_folder_and_a_folder_alone_moves_itself() {
        let config = read("root = \"/data\"\n[folders]\nout = \"/nas/out\"\n").unwrap();
        let folders = &config.settings.folders;
        assert_eq!(folders.drop, Path::new("/data/drop"));
        assert_eq!(folders.spool, Path::new("/data/spool"));
        assert_eq!(folders.out, Path::new("/nas/out"));
        let (_, origin) = &config.origins["folders.out"];
        assert_eq!(origin.to_string(), "a.toml:3");
    }

    #[test]
    fn mail_goes_through_a_relay_only_when_asked() {
        assert!(read("").unwrap().settings.mail.smtp.is_none());
        assert!(read("[mail]\n").unwrap().settings.mail.smtp.is_some());
    }

    #[test]
    fn plain_text_leaves_this_machine_only_encrypted() {
        let error = read("[mail]\nhost = \"relay.example\"\n").unwrap_err().to_string();
        assert!(error.contains("starttls"), "{error}");
    }
}
