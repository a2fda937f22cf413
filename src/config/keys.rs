//! The table of all keys: adding one is adding an entry here and a line in `config/exportd.toml`.

use std::path::PathBuf;
use std::time::Duration;

use super::{Draft, Value};
use crate::imaging::plan::{Intent, Kernel, UsmScaling, is_built_in};
use crate::job::check::known_locale;
use crate::job::manifest::LOCALES;
use crate::report::{Address, Patience, SmtpSettings, Tls, WebhookSettings};

/// One key of the configuration.
pub struct Key {
    /// Its full name; `*` stands for any one part.
    pub name: &'static str,
    /// What it means, one sentence.
    pub about: &'static str,
    /// Its default as TOML; empty when it has none.
    pub default: &'static str,
    /// A value as one would write it.
    pub example: &'static str,
    /// Takes a value over: the draft, what `*` stood for, the value.
    pub(super) set: fn(&mut Draft, &str, &Value) -> Result<(), String>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Finds the entry of a key by its full name.
#[must_use]
pub fn find_key(name: &str) -> Option<&'static Key> {
    find(name).map(|(key, _)| key)
}

/// Finds the entry of a key and what its `*` stands for.
pub(super) fn find(name: &str) -> Option<(&'static Key, &str)> {
    KEYS.iter().find_map(|key| match key.name.split_once('*') {
        None => (key.name == name).then_some((key, "")),
        Some((before, after)) => {
            let wild = name.strip_prefix(before)?.strip_suffix(after)?;
            (!wild.is_empty() && (after.is_empty() || !wild.contains('.'))).then_some((key, wild))
        }
    })
}

/// Tells whether keys lie below this name.
pub(super) fn is_table(name: &str) -> bool {
    KEYS.iter().any(|key| {
        let mut parts = key.name.split('.');
        let mut named = name.split('.');
        loop {
            match (parts.next(), named.next()) {
                (Some(_), None) => return true,
                (Some(part), Some(own)) if part == own || part == "*" => {}
                _ => return false,
            }
        }
    })
}

fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::Text(text) if !text.is_empty() => Ok(text.clone()),
        _ => Err("expected a text".into()),
    }
}

fn folder(value: &Value) -> Result<PathBuf, String> {
    let path = PathBuf::from(text(value)?);
    if path.is_absolute() { Ok(path) } else { Err("expected an absolute path".into()) }
}

fn texts(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Texts(list) if !list.is_empty() => Ok(list.clone()),
        Value::Text(one) if !one.is_empty() => Ok(vec![one.clone()]),
        _ => Err("expected a text or a list of texts".into()),
    }
}

fn mailboxes(list: &[String]) -> Result<(), String> {
    list.iter()
        .try_for_each(|text| Address::parse(text).map(drop).map_err(|error| error.to_string()))
}

fn flag(value: &Value) -> Result<bool, String> {
    match value {
        Value::Flag(flag) => Ok(*flag),
        _ => Err("expected true or false".into()),
    }
}

fn whole(value: &Value, least: i64, most: i64) -> Result<u64, String> {
    match value {
        Value::Integer(n) if (least..=most).contains(n) => Ok(n.unsigned_abs()),
        _ => Err(format!("expected a whole number from {least} to {most}")),
    }
}

fn small(value: &Value, least: i64, most: u32) -> Result<u32, String> {
    let n = whole(value, least, i64::from(most))?;
    u32::try_from(n).map_err(|_| "too large".into())
}

fn pair(value: &Value) -> Result<(u32, u32), String> {
    let wrong = || "expected two whole numbers, [width, height]; 0 is no limit".to_owned();
    let Value::Integers(list) = value else { return Err(wrong()) };
    let [width, height] = list.as_slice() else { return Err(wrong()) };
    Ok((u32::try_from(*width).map_err(|_| wrong())?, u32::try_from(*height).map_err(|_| wrong())?))
}

fn duration(value: &Value) -> Result<Duration, String> {
    let wrong = || "expected a duration such as \"90s\" or \"10m\"".to_owned();
    let span: jiff::SignedDuration = text(value)?.parse().map_err(|_| wrong())?;
    Duration::try_from(span).map_err(|_| wrong())
}

fn bytes(value: &Value) -> Result<u64, String> {
    whole(value, 1 << 20, 1 << 40)
}

fn one_of<T: Copy>(value: &Value, choices: &[(&str, T)]) -> Result<T, String> {
    if let Value::Text(text) = value
        && let Some((_, choice)) = choices.iter().find(|(name, _)| name == text)
    {
        return Ok(*choice);
    }
    let names: Vec<String> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    Err(format!("expected one of {}", names.join(", ")))
}

fn color(value: &Value) -> Result<[u8; 3], String> {
    let wrong = || "expected a colour \"rrggbb\"".to_owned();
    let text = text(value)?;
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    if digits.len() != 6 || !digits.is_ascii() {
        return Err(wrong());
    }
    let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| wrong());
    Ok([part(0)?, part(2)?, part(4)?])
}

/// Returns the relay's settings, made with their defaults when there are none yet.
pub(super) fn smtp(draft: &mut Draft) -> &mut SmtpSettings {
    draft.smtp.get_or_insert_with(|| SmtpSettings {
        host: "127.0.0.1".into(),
        port: 25,
        tls: Tls::None,
        user: None,
        password_file: None,
        ca_file: None,
        patience: Patience::default(),
    })
}

/// Every key there is.
pub const KEYS: &[Key] = &[
    Key {
        name: "root",
        about: "One folder for everything: drop, assets, out, reports, spool and mail below it.",
        default: "",
        example: "\"/srv/exportd\"",
        set: |d, _, v| folder(v).map(|path| d.root = Some(path)),
    },
    Key {
        name: "company",
        about: "The company in job handles.",
        default: "\"1\"",
        example: "\"1\"",
        set: |d, _, v| {
            let company = text(v)?;
            if company.contains('|') || company.chars().any(char::is_control) {
                return Err("expected a text without \"|\"".into());
            }
            d.company = company;
            Ok(())
        },
    },
    Key {
        name: "workers",
        about: "Worker processes; 0 is one a core.",
        default: "0",
        example: "4",
        set: |d, _, v| {
            d.workers = usize::try_from(whole(v, 0, 1024)?).unwrap_or(0);
            Ok(())
        },
    },
    Key {
        name: "keep_days",
        about: "How many days finished jobs stay in the spool.",
        default: "30",
        example: "30",
        set: |d, _, v| small(v, 1, 36_500).map(|n| d.keep_days = n),
    },
    Key {
        name: "folders.drop",
        about: "Where people drop manifests.",
        default: "",
        example: "\"/srv/exportd/drop\"",
        set: |d, _, v| folder(v).map(|path| d.drop = Some(path)),
    },
    Key {
        name: "folders.assets",
        about: "The originals; the first folder that has an asset wins.",
        default: "",
        example: "[\"/srv/exportd/assets\"]",
        set: |d, _, v| {
            let list = texts(v)?
                .into_iter()
                .map(|path| folder(&Value::Text(path)))
                .collect::<Result<_, _>>()?;
            d.assets = Some(list);
            Ok(())
        },
    },
    Key {
        name: "folders.catalogs",
        about: "Image catalogues: default.ini, further .ini files and the tables they name.",
        default: "",
        example: "\"/etc/exportd/catalogs\"",
        set: |d, _, v| folder(v).map(|path| d.catalogs = Some(path)),
    },
    Key {
        name: "folders.out",
        about: "Where runs and destinations appear.",
        default: "",
        example: "\"/srv/exportd/out\"",
        set: |d, _, v| folder(v).map(|path| d.out = Some(path)),
    },
    Key {
        name: "folders.reports",
        about: "One folder of reports a run.",
        default: "",
        example: "\"/srv/exportd/reports\"",
        set: |d, _, v| folder(v).map(|path| d.reports = Some(path)),
    },
    Key {
        name: "folders.spool",
        about: "Queue, schedules and journals; private.",
        default: "",
        example: "\"/var/lib/exportd/spool\"",
        set: |d, _, v| folder(v).map(|path| d.spool = Some(path)),
    },
    Key {
        name: "folders.mail",
        about: "The outbox; private.",
        default: "",
        example: "\"/var/lib/exportd/mail\"",
        set: |d, _, v| folder(v).map(|path| d.mail_folder = Some(path)),
    },
    Key {
        name: "job.wait_for_assets",
        about: "How long a job waits for a handle that names nothing.",
        default: "\"0s\"",
        example: "\"10m\"",
        set: |d, _, v| duration(v).map(|span| d.wait_for_assets = span),
    },
    Key {
        name: "job.strict",
        about: "Whether unknown modifier commands are errors instead of warnings.",
        default: "false",
        example: "true",
        set: |d, _, v| flag(v).map(|on| d.imaging.strict = on),
    },
    Key {
        name: "imaging.default_pix",
        about: "Largest reply when no size is asked, [width, height]; 0 is no limit.",
        default: "[0, 0]",
        example: "[1280, 1280]",
        set: |d, _, v| pair(v).map(|size| d.imaging.default_pix = size),
    },
    Key {
        name: "imaging.max_pix",
        about: "Largest reply at all, [width, height]; 0 is no limit.",
        default: "[0, 0]",
        example: "[3000, 3000]",
        set: |d, _, v| pair(v).map(|size| d.imaging.max_pix = size),
    },
    Key {
        name: "imaging.max_pixels",
        about: "Most pixels of a source or a reply.",
        default: "100_000_000",
        example: "100_000_000",
        set: |d, _, v| whole(v, 1, 1 << 40).map(|n| d.imaging.limits.max_pixels = n),
    },
    Key {
        name: "imaging.max_side",
        about: "Longest side of a source or a reply, in pixels.",
        default: "65_500",
        example: "30_000",
        set: |d, _, v| small(v, 1, 1_000_000).map(|n| d.imaging.limits.max_side = n),
    },
    Key {
        name: "imaging.pdf_resolution",
        about: "Resolution pages of a PDF are drawn at, in dots per inch, 1 to 2,400.",
        default: "150",
        example: "300",
        set: |d, _, v| small(v, 1, 2400).map(|n| d.imaging.limits.page_resolution = n),
    },
    Key {
        name: "imaging.worker_memory",
        about: "Address space of one worker, in bytes.",
        default: "1_073_741_824",
        example: "1_073_741_824",
        set: |d, _, v| bytes(v).map(|n| d.pool.memory = n),
    },
    Key {
        name: "imaging.decoder_memory",
        about: "Most memory one decoder may ask for, in bytes.",
        default: "671_088_640",
        example: "671_088_640",
        set: |d, _, v| bytes(v).map(|n| d.imaging.limits.max_alloc = n),
    },
    Key {
        name: "imaging.deadline",
        about: "Longest time for one picture.",
        default: "\"120s\"",
        example: "\"120s\"",
        set: |d, _, v| {
            let span = duration(v)?;
            if span < Duration::from_secs(1) {
                return Err("expected at least \"1s\"".into());
            }
            d.pool.deadline = span;
            Ok(())
        },
    },
    Key {
        name: "imaging.jpeg_quality",
        about: "JPEG quality when `qlt` does not say, 1 to 100.",
        default: "80",
        example: "85",
        set: |d, _, v| {
            let quality = u8::try_from(whole(v, 1, 100)?).unwrap_or(80);
            d.imaging.jpeg_quality = (quality, false);
            Ok(())
        },
    },
    Key {
        name: "imaging.res_mode",
        about: "Resampling when `resMode` does not say.",
        default: "\"sharp2\"",
        example: "\"bicub\"",
        set: |d, _, v| {
            let choices = [
                ("bilin", Kernel::Bilin),
                ("bicub", Kernel::Bicub),
                ("sharp2", Kernel::Sharp2),
                ("bisharp", Kernel::Bisharp),
            ];
            one_of(v, &choices).map(|kernel| d.imaging.res_mode = kernel)
        },
    },
    Key {
        name: "imaging.usm_scaling",
        about: "Whether the radius of `op_usm` counts in pixels of the output or of the reference.",
        default: "\"output\"",
        example: "\"reference\"",
        set: |d, _, v| {
            let choices = [("output", UsmScaling::Output), ("reference", UsmScaling::Reference)];
            one_of(v, &choices).map(|scaling| d.imaging.usm_scaling = scaling)
        },
    },
    Key {
        name: "imaging.bkg_color",
        about: "What shows through transparency and in bars when `bgc` does not say.",
        default: "\"ffffff\"",
        example: "\"f1f1f1\"",
        set: |d, _, v| color(v).map(|rgb| d.imaging.background = rgb),
    },
    Key {
        name: "imaging.exif_orientation",
        about: "Whether pictures are turned upright as their camera noted.",
        default: "true",
        example: "false",
        set: |d, _, v| flag(v).map(|on| d.pool.exif_orientation = on),
    },
    Key {
        name: "imaging.size_upscale",
        about: "Whether the command `size` enlarges.",
        default: "true",
        example: "false",
        set: |d, _, v| flag(v).map(|on| d.imaging.size_upscale = on),
    },
    Key {
        name: "imaging.lenient",
        about: "Whether numbers out of range are clamped with a warning instead of refused.",
        default: "false",
        example: "true",
        set: |d, _, v| flag(v).map(|on| d.imaging.lenient = on),
    },
    Key {
        name: "imaging.icc_rgb",
        about: "Colour profile of RGB pictures when `icc` does not say.",
        default: "\"sRGB\"",
        example: "\"AdobeRGB\"",
        set: |d, _, v| text(v).map(|name| d.imaging.colors.output.rgb = Some(name)),
    },
    Key {
        name: "imaging.icc_gray",
        about: "Colour profile of gray pictures when `icc` does not say.",
        default: "\"gray\"",
        example: "\"DotGain20\"",
        set: |d, _, v| text(v).map(|name| d.imaging.colors.output.gray = Some(name)),
    },
    Key {
        name: "imaging.icc_cmyk",
        about: "Colour profile of CMYK pictures when `icc` does not say; without it, the source's.",
        default: "",
        example: "\"WebCoated\"",
        set: |d, _, v| text(v).map(|name| d.imaging.colors.output.cmyk = Some(name)),
    },
    Key {
        name: "imaging.icc_src_rgb",
        about: "Colour profile of RGB sources that have none; without it, icc_rgb.",
        default: "",
        example: "\"AdobeRGB\"",
        set: |d, _, v| text(v).map(|name| d.imaging.colors.source.rgb = Some(name)),
    },
    Key {
        name: "imaging.icc_src_gray",
        about: "Colour profile of gray sources that have none; without it, icc_gray.",
        default: "",
        example: "\"DotGain20\"",
        set: |d, _, v| text(v).map(|name| d.imaging.colors.source.gray = Some(name)),
    },
    Key {
        name: "imaging.icc_src_cmyk",
        about: "Colour profile of CMYK sources that have none; without it, icc_cmyk.",
        default: "",
        example: "\"WebCoated\"",
        set: |d, _, v| text(v).map(|name| d.imaging.colors.source.cmyk = Some(name)),
    },
    Key {
        name: "imaging.render_intent",
        about: "What becomes of colours that a profile cannot show, when `icc` does not say.",
        default: "\"relative\"",
        example: "\"perceptual\"",
        set: |d, _, v| one_of(v, &Intent::NAMES).map(|intent| d.imaging.colors.intent = intent),
    },
    Key {
        name: "imaging.black_point_compensation",
        about: "Whether black of one profile becomes black of the other, when `icc` does not say.",
        default: "true",
        example: "false",
        set: |d, _, v| flag(v).map(|on| d.imaging.colors.black_point = on),
    },
    Key {
        name: "imaging.icc_dither",
        about: "Whether converted colours are reduced to 8 bits by error diffusion, when `icc` \
                does not say.",
        default: "false",
        example: "true",
        set: |d, _, v| flag(v).map(|on| d.imaging.colors.dither = on),
    },
    Key {
        name: "imaging.profiles.*",
        about: "A colour profile: its file under a name for `icc` and the keys `icc_...`.",
        default: "",
        example: "\"/usr/share/color/icc/compatibleWithAdobeRGB1998.icc\"",
        set: |d, name, v| {
            if is_built_in(name) {
                return Err(format!("{name} is built in; another profile needs another name"));
            }
            if name.contains(',') || name.trim() != name {
                return Err("a name has no comma and no space around it".into());
            }
            let path = folder(v)?;
            d.profiles.insert(name.into(), path);
            Ok(())
        },
    },
    Key {
        name: "macros.*",
        about: "A preset: modifiers under a name.",
        default: "",
        example: "\"wid=1200&fmt=jpeg&qlt=85\"",
        set: |d, name, v| {
            if !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
                return Err("a name has ASCII letters, digits, \"-\", \"_\" and \".\"".into());
            }
            let definition = text(v)?;
            d.macros.insert(name.to_lowercase(), definition);
            Ok(())
        },
    },
    Key {
        name: "users.*.address",
        about: "Where this user's mail goes: one mailbox or a list.",
        default: "",
        example: "\"Mia Wang <mia@studio.example>\"",
        set: |d, name, v| {
            let addresses = texts(v)?;
            mailboxes(&addresses)?;
            d.users.entry(name.into()).or_default().addresses = addresses;
            Ok(())
        },
    },
    Key {
        name: "users.*.locale",
        about: "Language of this user's mail.",
        default: "",
        example: "\"zh-Hant\"",
        set: |d, name, v| {
            let locale = text(v)?;
            if known_locale(&locale).is_none() {
                let known = LOCALES.map(|tag| format!("\"{tag}\"")).join(", ");
                return Err(format!("expected one of {known}"));
            }
            d.users.entry(name.into()).or_default().locale = Some(locale);
            Ok(())
        },
    },
    Key {
        name: "users.*.unix_user",
        about: "The system account whose files are this user's.",
        default: "",
        example: "\"mia\"",
        set: |d, name, v| {
            text(v).map(|user| d.users.entry(name.into()).or_default().unix_user = Some(user))
        },
    },
    Key {
        name: "mail.host",
        about: "The relay. Without a [mail] table, mails are files in mail/sent.",
        default: "",
        example: "\"127.0.0.1\"",
        set: |d, _, v| text(v).map(|host| smtp(d).host = host),
    },
    Key {
        name: "mail.port",
        about: "Port of the relay.",
        default: "",
        example: "25",
        set: |d, _, v| {
            smtp(d).port = u16::try_from(whole(v, 1, 65_535)?).unwrap_or(25);
            Ok(())
        },
    },
    Key {
        name: "mail.tls",
        about: "Encryption: none (loopback only), starttls (required) or implicit.",
        default: "",
        example: "\"starttls\"",
        set: |d, _, v| {
            let choices =
                [("none", Tls::None), ("starttls", Tls::Starttls), ("implicit", Tls::Implicit)];
            one_of(v, &choices).map(|tls| smtp(d).tls = tls)
        },
    },
    Key {
        name: "mail.user",
        about: "User for AUTH.",
        default: "",
        example: "\"exportd\"",
        set: |d, _, v| text(v).map(|user| smtp(d).user = Some(user)),
    },
    Key {
        name: "mail.password_file",
        about: "File with the password; without it the systemd credential smtp-password.",
        default: "",
        example: "\"/etc/exportd/smtp-password\"",
        set: |d, _, v| folder(v).map(|path| smtp(d).password_file = Some(path)),
    },
    Key {
        name: "mail.ca_file",
        about: "Further trusted certificates, PEM.",
        default: "",
        example: "\"/etc/exportd/relay-ca.pem\"",
        set: |d, _, v| folder(v).map(|path| smtp(d).ca_file = Some(path)),
    },
    Key {
        name: "mail.from",
        about: "Sender of all mails.",
        default: "\"exportd <exportd@localhost>\"",
        example: "\"exportd <exportd@studio.example>\"",
        set: |d, _, v| {
            let from = text(v)?;
            mailboxes(std::slice::from_ref(&from))?;
            d.mail_from = from;
            Ok(())
        },
    },
    Key {
        name: "mail.to",
        about: "Who gets the mail of runs that belong to no user.",
        default: "[\"operator@localhost\"]",
        example: "[\"ops@studio.example\"]",
        set: |d, _, v| {
            let to = texts(v)?;
            mailboxes(&to)?;
            d.mail_to = to;
            Ok(())
        },
    },
    Key {
        name: "mail.daily",
        about: "When on each day mail.to is sent a digest of it; without it never.",
        default: "",
        example: "\"07:00\"",
        set: |d, _, v| {
            let time = text(v)?.parse();
            d.mail_daily = Some(time.map_err(|_| "expected a time of day such as \"07:00\"")?);
            Ok(())
        },
    },
    Key {
        name: "webhook.url",
        about: "Where a small JSON document is posted when a run is over; https, or http on loopback.",
        default: "",
        example: "\"https://hooks.studio.example/exportd\"",
        set: |d, _, v| {
            let url = text(v)?;
            WebhookSettings::check(&url).map_err(|error| error.to_string())?;
            d.webhook.url = Some(url);
            Ok(())
        },
    },
    Key {
        name: "webhook.secret_file",
        about: "File with the key that signs calls; without it the systemd credential webhook-secret.",
        default: "",
        example: "\"/etc/exportd/webhook-key\"",
        set: |d, _, v| folder(v).map(|path| d.webhook.secret_file = Some(path)),
    },
    Key {
        name: "webhook.ca_file",
        about: "Further trusted certificates, PEM.",
        default: "",
        example: "\"/etc/exportd/webhook-ca.pem\"",
        set: |d, _, v| folder(v).map(|path| d.webhook.ca_file = Some(path)),
    },
    Key {
        name: "webhook.timeout",
        about: "How long a call may take.",
        default: "\"30s\"",
        example: "\"30s\"",
        set: |d, _, v| {
            let timeout = duration(v)?;
            if !(Duration::from_secs(1)..=Duration::from_mins(5)).contains(&timeout) {
                return Err("expected a duration from \"1s\" to \"5m\"".into());
            }
            d.webhook.timeout = timeout;
            Ok(())
        },
    },
    Key {
        name: "report.templates",
        about: "Folder with templates of mails and pages, used instead of the shipped ones of their name.",
        default: "",
        example: "\"/etc/exportd/templates\"",
        set: |d, _, v| folder(v).map(|path| d.templates = Some(path)),
    },
    Key {
        name: "report.thumbnails",
        about: "How many assets of a run, from the first, reports show by thumbnails; 0 is none.",
        default: "2000",
        example: "2000",
        set: |d, _, v| small(v, 0, 100_000).map(|n| d.thumbnails = n as usize),
    },
    Key {
        name: "metrics.textfile",
        about: "A file with figures for Prometheus, written every 15 s for a node exporter's textfile collector.",
        default: "",
        example: "\"/var/lib/exportd/metrics/exportd.prom\"",
        set: |d, _, v| folder(v).map(|path| d.metrics = Some(path)),
    },
    Key {
        name: "path_prefixes.*",
        about: "How people's computers see a folder of the server.",
        default: "",
        example: "'\\\\nas\\exports'",
        set: |d, name, v| {
            let share = text(v)?;
            d.path_prefixes.insert(name.into(), share);
            Ok(())
        },
    },
];
