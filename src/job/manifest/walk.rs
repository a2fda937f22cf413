//! The table key by key.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use toml::de::DeValue;
use toml::value::{Datetime, Offset as TomlOffset};
use unicode_normalization::UnicodeNormalization;

use super::keys::{self, Kind};
use super::{
    MOST_HANDLES, MOST_RENDITIONS, Manifest, OutputName, Rendition, Request, did_you_mean_value,
    rules,
};
use crate::diag::{Argument, Code, Diagnostic, Phrase, Spanned, Text, nearest, phrase, shown};
use crate::fs::RelPath;
use crate::imaging::modifiers::{self, values::Format};
use crate::job::manifest::job_name::{JobName, JobNameError};
use crate::job::names::{name_of_ours, path_words};
use crate::job::schedule::Schedule;
use crate::job::{EmailSetting, Fmt};
use crate::library::toml::{Advice, Expected, Section, Source, write};
use crate::library::{AssetHandle, HandleError};

/// Reads a text; findings are added in no order.
pub(super) fn walk(text: &str, findings: &mut Vec<Diagnostic>) -> Manifest {
    let source = Source::new(text);
    let document = source.document();
    findings.extend(document.findings.iter().map(|finding| with_form(text, finding)));
    let mut top = Section::new(&document, document.table.get_ref()).with_examples(keys::example);
    top.unknown_keys(&keys::of_the_top(), top_advice);
    let mut handles_left = MOST_HANDLES;
    let mut manifest = Manifest {
        job_name: job_name(&mut top),
        description: top.text("description"),
        user_handle: top.text("userHandle"),
        locale: top.text("locale"),
        client_id: top.text("clientId"),
        email_setting: email_setting(&mut top),
        exec_time: exec_time(&mut top),
        exec_schedule: exec_schedule(&mut top),
        destination: destination(&mut top),
        overwrite: top.flag("overwrite"),
        common: request(&mut top, &mut handles_left),
        renditions: Vec::new(),
        refused: false,
    };
    let mut tables = renditions(&mut top, &mut handles_left);
    rules::required(&mut top, &mut tables);
    for table in tables {
        let Table { mut section, rendition } = table;
        findings.append(&mut section.findings);
        manifest.renditions.push(rendition);
    }
    rules::together(&manifest, &mut top);
    findings.append(&mut top.findings);
    manifest
}

/// Gives a line that does not parse the help of its key, when that holds no text: quotes around
/// what stands there would not make it right.
fn with_form(text: &str, finding: &Diagnostic) -> Diagnostic {
    let start = text[..finding.span.start].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..].lines().next().unwrap_or("");
    let (name, value) = line.split_once('=').unwrap_or((line, ""));
    let key = keys::TABLE.iter().find(|key| key.name == name.trim());
    let written_out = value.trim_start().starts_with(['"', '\'']);
    let Some(key) = key.filter(|key| key.kind.is_bare() && !written_out) else {
        return finding.clone();
    };
    let what = match key.kind {
        Kind::Flag => Expected::Flag,
        _ => Expected::Moment,
    };
    let message =
        phrase!("this-is-not", "`{key}`: this is not {what}", key = key.name, what = what.words());
    let told = Diagnostic { message, ..finding.clone() };
    match keys::example(key.name) {
        Some(help) => told.help(help),
        None => told,
    }
}

/// One `[[exportJob]]` while it is read.
pub(super) struct Table<'d, 't> {
    pub(super) section: Section<'d, 't>,
    pub(super) rendition: Rendition,
}

fn top_advice(key: &str) -> Option<Advice> {
    Some(match key {
        "is_modifer" | "modifier" | "modifiers" => Advice::Meant("is_modifier"),
        "assetHandle" | "assetHandles" | "handles" | "assets" | "files" => {
            Advice::Meant("assetHandleArray")
        }
        "preset" | "巨集" => Advice::Meant("macro"),
        "name" => Advice::Meant("jobName"),
        "rendition" => Advice::Words(phrase!(
            "rendition-belongs",
            "`rendition` belongs in an [[exportJob]] table"
        )),
        "companyHandle" | "company" => Advice::Words(phrase!(
            "company-is-set",
            "remove this line; the company is set in the configuration"
        )),
        "format" => Advice::Words(phrase!(
            "format-is-modifier",
            "`fmt` is orig or convert; the picture's format is a modifier: is_modifier = \"fmt=png\""
        )),
        "email" | "emailAddress" | "mail" | "to" => Advice::Words(phrase!(
            "user-not-address",
            "remove this line and write userHandle = \"your-name\"; a manifest never names an \
             address"
        )),
        _ => return modifier_advice(key),
    })
}

/// Knows the commands that people write as if they were keys.
fn modifier_advice(key: &str) -> Option<Advice> {
    if nearest(key, keys::of_the_top()).is_some() {
        return None;
    }
    let names = modifiers::table().iter().map(|command| command.name);
    let near = modifiers::find(key).map(|command| command.name).or_else(|| nearest(key, names))?;
    Some(Advice::Words(phrase!(
        "is-a-modifier",
        "`{near}` is a modifier: write it into is_modifier = \"{near}=…\"",
        near = near
    )))
}

fn rendition_advice(key: &str) -> Option<Advice> {
    match key {
        "exportJob" => Some(Advice::Words(phrase!("tables-nested", "tables cannot be nested"))),
        "name" => Some(Advice::Meant("rendition")),
        _ if keys::of_the_top().contains(&key) => Some(Advice::Words(phrase!(
            "move-above",
            "what stands below [[exportJob]] belongs to it: move `{key}` above the first \
             [[exportJob]]",
            key = key
        ))),
        _ => top_advice(key),
    }
}

/// Reads what the top level and an `[[exportJob]]` have in common.
fn request(section: &mut Section<'_, '_>, handles_left: &mut usize) -> Request {
    Request {
        handles: handles(section, handles_left),
        fmt: fmt(section),
        is_modifier: section.text("is_modifier"),
        preset: preset(section),
        output_name: output_name(section),
    }
}

fn job_name(section: &mut Section<'_, '_>) -> Option<Spanned<JobName>> {
    let text = section.text("jobName")?;
    let errors = match JobName::parse(&text.value) {
        // A run bears only a name that was written as its name.
        Ok(_) if section.is_guess("jobName") => return None,
        Ok(name) => return Some(Spanned::new(name, text.span)),
        Err(errors) => errors,
    };
    let cleaned = JobName::cleaned(&text.value);
    for error in errors {
        let span = match error {
            JobNameError::Character { found, at } => text.place(&(at..at + found.len_utf8())),
            _ => text.span.clone(),
        };
        let help = match error {
            JobNameError::Empty => {
                phrase!("write-job-name", "write a name, such as \"spring-tops\"")
            }
            JobNameError::Characters(_) | JobNameError::Bytes(_) => {
                phrase!("shorten-job-name", "shorten it; `description` takes the rest")
            }
            JobNameError::Beginning { found: '\u{fffd}' }
            | JobNameError::Character { found: '\u{fffd}', .. } => {
                phrase!("save-letter", "save the file as UTF-8, and write that letter again")
            }
            JobNameError::Beginning { .. } | JobNameError::Character { .. } => {
                write(format!("\"{}\"", shown(cleaned.as_str())))
            }
        };
        section.findings.push(Diagnostic::error(Code::Value, span, error.words()).help(help));
    }
    None
}

fn handles(
    section: &mut Section<'_, '_>,
    left: &mut usize,
) -> Option<Spanned<Vec<Spanned<AssetHandle>>>> {
    let entry = section.get_list("assetHandleArray")?;
    let DeValue::Array(items) = entry.value.get_ref() else {
        section.wrong_type(&entry, Expected::Texts);
        return None;
    };
    if items.is_empty() {
        section.findings.push(
            Diagnostic::error(
                Code::Value,
                entry.span(),
                phrase!(
                    "lists-nothing",
                    "`assetHandleArray` lists nothing; at least one handle is needed"
                ),
            )
            .help(phrase!(
                "list-files",
                "list files or patterns below the asset folder: [\"tops/*.tif\"]"
            )),
        );
        return None;
    }
    let mut handles = Vec::with_capacity(items.len().min(MOST_HANDLES));
    for item in items {
        if section.document.is_broken(&item.span()) {
            continue;
        }
        if *left == 0 {
            section.findings.push(
                Diagnostic::error(
                    Code::Value,
                    item.span(),
                    phrase!(
                        "too-many-handles",
                        "this is handle {number}, at most {most} are allowed",
                        number = Argument::count(MOST_HANDLES + 1),
                        most = Argument::count(MOST_HANDLES),
                    ),
                )
                .help(phrase!(
                    "use-patterns",
                    "use patterns such as \"tops/*.tif\", or split the manifest"
                )),
            );
            break;
        }
        *left -= 1;
        let Some(text) = section.text_of("assetHandleArray", item) else { continue };
        match AssetHandle::parse(&text.value) {
            Ok(handle) => handles.push(Spanned::new(handle, text.span)),
            Err(error) => {
                let help = match error {
                    HandleError::Empty => {
                        phrase!("take-out-of-list", "take it out of the list, or name a file")
                    }
                    HandleError::Long(_) => {
                        phrase!("name-by-path", "name the file by its path below the asset folder")
                    }
                    HandleError::Character(_) => {
                        phrase!("delete-unseen", "delete the invisible character")
                    }
                };
                let finding = Diagnostic::error(Code::Value, text.span, error.words());
                section.findings.push(finding.help(help));
            }
        }
    }
    Some(Spanned::new(handles, entry.span()))
}

/// Finds the meaning of a word among those allowed, or says which are.
fn one_of<T: Copy>(
    section: &mut Section<'_, '_>,
    key: &'static str,
    allowed: &[(&str, T)],
    shown_words: usize,
) -> Option<Spanned<T>> {
    let entry = section.get(key)?;
    if !matches!(entry.value.get_ref(), DeValue::String(_)) {
        let finding = section.type_finding(key, entry.value, Expected::Text);
        section.findings.push(section.with_example(key, finding));
        return None;
    }
    let text = section.text(key)?;
    if let Some((_, meaning)) = allowed.iter().find(|(word, _)| *word == text.value) {
        return Some(Spanned::new(*meaning, text.span));
    }
    let words: Vec<&str> = allowed.iter().take(shown_words).map(|(word, _)| *word).collect();
    let finding = Diagnostic::error(
        Code::Value,
        text.span,
        phrase!(
            "not-allowed",
            "`{key}` cannot be \"{value}\"; allowed: {words}",
            key = key,
            value = shown(&text.value),
            words = words.join(", "),
        ),
    );
    section.findings.push(match nearest(text.value.trim(), words.iter().copied()) {
        Some(near) => finding.help(did_you_mean_value(near)),
        None if key == "fmt" && Format::named(&text.value).is_some() => finding.help(phrase!(
            "write-convert",
            "write fmt = \"convert\" and is_modifier = \"fmt={format}\"",
            format = shown(&text.value)
        )),
        None => section.with_example(key, finding),
    });
    None
}

fn fmt(section: &mut Section<'_, '_>) -> Option<Spanned<Fmt>> {
    one_of(section, "fmt", &[("orig", Fmt::Orig), ("convert", Fmt::Convert)], 2)
}

fn email_setting(section: &mut Section<'_, '_>) -> Option<Spanned<EmailSetting>> {
    // The Chinese reference translates three of the values.
    const WORDS: [(&str, EmailSetting); 10] = [
        ("All", EmailSetting::All),
        ("Error", EmailSetting::Error),
        ("ErrorAndWarning", EmailSetting::ErrorAndWarning),
        ("JobCompletion", EmailSetting::JobCompletion),
        ("None", EmailSetting::None),
        ("全部", EmailSetting::All),
        ("錯誤", EmailSetting::Error),
        ("错误", EmailSetting::Error),
        ("無", EmailSetting::None),
        ("无", EmailSetting::None),
    ];
    // A misspelt key must not silence the mail that says so.
    one_of(section, "emailSetting", &WORDS, 5).filter(|_| !section.is_guess("emailSetting"))
}

/// Reads `macro`, or its name in the Chinese reference.
fn preset(section: &mut Section<'_, '_>) -> Option<Spanned<String>> {
    let both = (section.get("macro"), section.get("宏"));
    if let (Some(english), Some(chinese)) = &both {
        let later = english.key_span.start.max(chinese.key_span.start);
        let span =
            if later == english.key_span.start { &english.key_span } else { &chinese.key_span };
        section.findings.push(
            Diagnostic::error(
                Code::Value,
                span.clone(),
                phrase!("macro-twice", "`macro` and \"宏\" are the same key"),
            )
            .help(phrase!("keep-one", "keep one of them")),
        );
        return None;
    }
    let text = if both.0.is_some() { section.text("macro")? } else { section.text("宏")? };
    let written = text.value.trim();
    let name = match (written.strip_prefix('$'), written.strip_suffix('$')) {
        (Some(_), Some(_)) if written.len() > 1 => &written[1..written.len() - 1],
        (None, None) => written,
        _ => {
            let bare = written.trim_matches('$');
            wrong_preset(section, &text, write(format!("\"${}$\"", shown(bare))));
            return None;
        }
    };
    let odd =
        |c: char| "$&=?%/\\\"'".contains(c) || c.is_whitespace() || crate::fs::is_invisible(c);
    if name.is_empty() || name.contains(odd) {
        let help = if name.contains('=') {
            phrase!("modifiers-go", "modifiers go into `is_modifier`")
        } else {
            phrase!(
                "write-macro",
                "write one name, such as \"$web$\"; ask whoever runs exportd which there are"
            )
        };
        wrong_preset(section, &text, help);
        return None;
    }
    Some(Spanned::new(name.to_owned(), text.span))
}

fn wrong_preset(section: &mut Section<'_, '_>, text: &Text, help: Phrase) {
    section.findings.push(
        Diagnostic::error(
            Code::Value,
            text.span.clone(),
            phrase!(
                "macro-form",
                "`macro` takes one preset, written as $name$, not \"{found}\"",
                found = shown(&text.value)
            ),
        )
        .help(help),
    );
}

/// Says of which key something is wrong.
fn of_key(key: &'static str, what: Phrase) -> Phrase {
    phrase!("of-key", "`{key}`: {what}", key = key, what = what)
}

fn output_name(section: &mut Section<'_, '_>) -> Option<Spanned<OutputName>> {
    let text = section.text("outputName")?;
    match OutputName::parse(&text.value) {
        Ok(name) => Some(Spanned::new(name, text.span)),
        Err(errors) => {
            for error in errors {
                let finding = Diagnostic::error(
                    Code::Value,
                    text.place(&error.part),
                    of_key("outputName", error.message),
                );
                section.findings.push(match error.help {
                    Some(help) => finding.help(help),
                    None => section.with_example("outputName", finding),
                });
            }
            None
        }
    }
}

fn destination(section: &mut Section<'_, '_>) -> Option<Spanned<RelPath>> {
    let text = section.text("destination")?;
    // People end a folder's name with a slash.
    let written = text.value.strip_suffix('/').filter(|rest| !rest.is_empty());
    let name: String = written.unwrap_or(&text.value).nfc().collect();
    let refused = match RelPath::parse(&name) {
        Ok(path) if path.as_str().starts_with(".exportd") => name_of_ours(),
        Ok(path) => return Some(Spanned::new(path, text.span)),
        Err(error) => path_words(&error),
    };
    section.findings.push(
        Diagnostic::error(Code::Value, text.span, of_key("destination", refused)).help(phrase!(
            "write-destination",
            "write a folder below the output folder, such as \"web/spring\""
        )),
    );
    None
}

fn exec_schedule(section: &mut Section<'_, '_>) -> Option<Spanned<Schedule>> {
    let text = section.text("execSchedule")?;
    let errors = match Schedule::parse(&text.value) {
        Ok(schedule) => return Some(Spanned::new(schedule, text.span)),
        Err(errors) => errors,
    };
    for error in errors {
        let finding = Diagnostic::error(
            Code::Value,
            text.place(&error.part),
            of_key("execSchedule", error.message),
        );
        section.findings.push(match error.help {
            Some(help) => finding.help(help),
            None => section.with_example("execSchedule", finding),
        });
    }
    None
}

fn exec_time(section: &mut Section<'_, '_>) -> Option<Spanned<Timestamp>> {
    const FORM: &str = "2026-12-01T06:00:00+01:00";
    let entry = section.get("execTime")?;
    let DeValue::Datetime(written) = entry.value.get_ref() else {
        let finding = section.type_finding("execTime", entry.value, Expected::Moment);
        section.findings.push(finding.help(phrase!(
            "write-unquoted",
            "write it without quotes: {form}",
            form = FORM
        )));
        return None;
    };
    let source = section.document.text.get(entry.span()).unwrap_or("");
    let (message, help) = match (written.date, written.time, written.offset) {
        (Some(_), Some(_), Some(_)) => match timestamp(written) {
            Some(time) => return Some(Spanned::new(time, entry.span())),
            None => (phrase!("no-such-time", "`execTime`: there is no such time"), write(FORM)),
        },
        (Some(_), Some(_), None) => (
            phrase!(
                "time-needs-zone",
                "`execTime` needs a zone, or nobody knows which clock it means"
            ),
            phrase!("write-zone", "write {time}+01:00 or {time}Z", time = source),
        ),
        _ => (
            phrase!("time-needs-all", "`execTime` needs a date, a time and a zone"),
            phrase!("write-form", "write it in the form {form}", form = FORM),
        ),
    };
    section.findings.push(Diagnostic::error(Code::Value, entry.span(), message).help(help));
    None
}

fn timestamp(written: &Datetime) -> Option<Timestamp> {
    let (date, time) = (written.date?, written.time?);
    let date = Date::new(
        i16::try_from(date.year).ok()?,
        i8::try_from(date.month).ok()?,
        i8::try_from(date.day).ok()?,
    );
    let time = Time::new(
        i8::try_from(time.hour).ok()?,
        i8::try_from(time.minute).ok()?,
        i8::try_from(time.second.unwrap_or(0)).ok()?,
        i32::try_from(time.nanosecond.unwrap_or(0)).ok()?,
    );
    let minutes = match written.offset? {
        TomlOffset::Z => 0,
        TomlOffset::Custom { minutes } => minutes,
    };
    let offset = Offset::from_seconds(i32::from(minutes) * 60).ok()?;
    offset.to_timestamp(DateTime::from_parts(date.ok()?, time.ok()?)).ok()
}

/// Reads the `[[exportJob]]` tables.
fn renditions<'d, 't>(top: &mut Section<'d, 't>, handles_left: &mut usize) -> Vec<Table<'d, 't>> {
    let Some(entry) = top.get_list("exportJob") else { return Vec::new() };
    let items = match entry.value.get_ref() {
        DeValue::Array(items) => items.iter().collect(),
        // Written with one bracket; what stands in it is looked at all the same.
        DeValue::Table(_) => {
            top.findings.push(
                Diagnostic::error(
                    Code::Value,
                    entry.span(),
                    phrase!("single-table", "`exportJob` must have two brackets on each side"),
                )
                .help(phrase!("two-brackets", "write [[exportJob]] with two brackets")),
            );
            vec![entry.value]
        }
        _ => {
            let finding = top.type_finding("exportJob", entry.value, Expected::Tables("exportJob"));
            top.findings.push(finding);
            return Vec::new();
        }
    };
    let mut tables: Vec<Table<'d, 't>> = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        if at == MOST_RENDITIONS {
            let message = phrase!(
                "too-many-renditions",
                "this is [[exportJob]] {number}, at most {most} are allowed",
                number = Argument::count(at + 1),
                most = Argument::count(at),
            );
            top.wrong(item.span(), message);
            break;
        }
        let DeValue::Table(table) = item.get_ref() else {
            let finding = top.type_finding("exportJob", item, Expected::Table);
            top.findings.push(finding);
            continue;
        };
        let mut section = Section::new(top.document, table).with_examples(keys::example);
        section.unknown_keys(&keys::of_a_rendition(), rendition_advice);
        let name = rendition_name(&mut section);
        let request = request(&mut section, handles_left);
        let span = item.span();
        tables.push(Table { section, rendition: Rendition { name, request, span } });
    }
    rules::unique_names(&mut tables);
    tables
}

fn rendition_name(section: &mut Section<'_, '_>) -> Option<Spanned<String>> {
    const MOST_BYTES: usize = 100;
    let text = section.text("rendition")?;
    let name: String = text.value.nfc().collect();
    let refused = match RelPath::parse(&name) {
        Err(error) => path_words(&error),
        Ok(path) if path.as_str().contains('/') => {
            phrase!("one-name", "it is one name, without \"/\"")
        }
        Ok(path) if path.as_str().starts_with('.') => {
            phrase!("begins-with-dot", "it cannot begin with a dot")
        }
        Ok(path) if path.as_str().len() > MOST_BYTES => phrase!(
            "it-has-too-many-bytes",
            "it has {bytes} bytes, at most {most} are allowed",
            bytes = Argument::count(path.as_str().len()),
            most = Argument::count(MOST_BYTES),
        ),
        Ok(_) => return Some(Spanned::new(name, text.span)),
    };
    let message = phrase!(
        "rendition-folder",
        "`rendition` becomes the name of a folder: {refused}",
        refused = refused
    );
    let finding = Diagnostic::error(Code::Value, text.span, message);
    section.findings.push(section.with_example("rendition", finding));
    None
}
