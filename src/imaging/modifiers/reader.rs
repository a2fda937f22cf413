//! From text to [`Modifiers`]: presets, variables, scopes, and what is said about them.

use std::collections::HashMap;
use std::ops::Range;

use super::commands::{Arguments, Empty, Reader as ValueReader, echo, suggestion};
use super::text::{Plus, decode, is_name, pieces, substitute};
use super::values::Format;
use super::{
    Binding, Command, Concerns, Modifiers, Parsed, Presets, Rules, Setting, Support, Target, Value,
    find, upper_target,
};
use crate::diag::{Argument, Code, Diagnostic, Phrase, Severity, nearest, phrase};

/// Findings of one severity beyond this many are not kept: nobody reads them.
const MOST_FINDINGS: usize = 100;

/// Presets and variables may blow a request up to this many bytes, then it is an error.
const MOST_BYTES: usize = 1 << 20;

/// Presets may use presets this deep.
const MOST_DEPTH: usize = 32;

/// Parameters that sites add to get round caches; no command of the reference.
const CACHE_BUSTERS: [&str; 1] = ["ts"];

/// Reads a request.
///
/// Nothing makes this fail: what cannot be understood is a finding, and the rest is still read.
/// Values are findings where they stand; commands and formats that cannot be done are findings
/// only if nothing later in the text replaces them.
#[must_use]
pub fn parse(text: &str, presets: &Presets, rules: Rules) -> Parsed {
    let mut reader = Reader {
        presets,
        rules,
        modifiers: Modifiers::default(),
        findings: Vec::new(),
        variables: HashMap::new(),
        layer_names: HashMap::new(),
        scope: Some(Target::Composite),
        layer: None,
        unread: Vec::new(),
        expanded: 0,
        used_up: false,
    };
    reader.read(text, None, &mut Vec::new());
    reader.settle_unread();
    let unsupported = reader.modifiers.unsupported_on_single_layer();
    for finding in unsupported {
        reader.report(finding);
    }
    reader.findings.sort_by_key(|finding| finding.span.start);
    Parsed { modifiers: reader.modifiers, findings: reader.findings }
}

/// The state between two modifiers.
struct Reader<'p> {
    presets: &'p Presets,
    rules: Rules,
    modifiers: Modifiers,
    findings: Vec<Diagnostic>,
    /// Variables defined so far, by lower-case name.
    variables: HashMap<String, String>,
    /// Layers named so far.
    layer_names: HashMap<String, u32>,
    /// What commands act on; `None` behind a `layer=` that names nothing.
    scope: Option<Target>,
    /// The layer selected last, `None` for the composite: what `effect=` belongs to.
    layer: Option<u32>,
    /// Values that were not understood, of commands that concern some formats only.
    unread: Vec<(&'static Command, Diagnostic)>,
    /// Bytes that presets and variables have brought in.
    expanded: usize,
    /// Whether the limit of that has been reported.
    used_up: bool,
}

impl Reader<'_> {
    /// Tells whether another finding of a severity would be kept.
    fn has_room(&self, severity: Severity) -> bool {
        self.findings.iter().filter(|f| f.severity == severity).count() < MOST_FINDINGS
    }

    /// Keeps a finding, if not too many are there already.
    fn report(&mut self, finding: Diagnostic) {
        if self.has_room(finding.severity) {
            self.findings.push(finding);
        }
    }

    fn error(&mut self, span: Range<usize>, message: Phrase, help: Phrase) {
        self.report(Diagnostic::error(Code::Value, span, message).help(help));
    }

    /// Reads a text; `place` is where findings point when it is a preset's.
    fn read(&mut self, text: &str, place: Option<&Range<usize>>, active: &mut Vec<String>) {
        for piece in pieces(text) {
            let span = place.cloned().unwrap_or_else(|| piece.clone());
            self.modifier(&text[piece], &span, active);
        }
    }

    /// Reads one modifier: a comment, a preset, a variable or a command.
    fn modifier(&mut self, text: &str, span: &Range<usize>, active: &mut Vec<String>) {
        // People copy the question mark too.
        let text = text.trim_start_matches('?');
        if text.starts_with('.') {
            return;
        }
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let name = decode(name, Plus::Literal);
        let name = name.trim();
        if let Some(named) = name.strip_prefix('$') {
            match (named.strip_suffix('$'), value) {
                (Some(preset), None) => self.preset(preset, span, active),
                (_, value) => self.define(named, value.unwrap_or(""), span),
            }
            return;
        }
        match find(name) {
            Some(command) => self.command(command, value.unwrap_or(""), span),
            None => self.unknown(name, span),
        }
    }

    /// Reads the text a preset stands for.
    fn preset(&mut self, name: &str, span: &Range<usize>, active: &mut Vec<String>) {
        let key = name.to_ascii_lowercase();
        let usable = !active.contains(&key) && active.len() < MOST_DEPTH;
        let presets = self.presets;
        let Some(definition) = presets.get(&key).filter(|_| usable) else {
            let message = phrase!("no-preset", "there is no preset `${name}$`", name = echo(name));
            let candidates = presets.names().filter(|known| !active.iter().any(|a| a == known));
            let error = Diagnostic::error(Code::Value, span.clone(), message);
            let near = if name.len() < 64 { nearest(name, candidates) } else { None };
            self.report(match near {
                Some(near) => error.help(phrase!(
                    "did-you-mean-preset",
                    "did you mean `${near}$`?",
                    near = near
                )),
                None if presets.get(&key).is_some() => {
                    error.help(phrase!("preset-uses-itself", "a preset cannot use itself"))
                }
                None => error.help(known(presets)),
            });
            return;
        };
        let definition = match definition {
            Ok(definition) => definition,
            Err(reason) => {
                let message = phrase!(
                    "preset-unusable",
                    "the preset `${name}$` cannot be used: it {reason}",
                    name = echo(name),
                    reason = reason.clone(),
                );
                let help = phrase!("step-catalogue", "tell whoever looks after the catalogue");
                self.error(span.clone(), message, help);
                return;
            }
        };
        if self.expand(definition.len(), span) {
            active.push(key);
            self.read(definition, Some(span), active);
            active.pop();
        }
    }

    /// Accounts for text brought in; false when it is too much.
    fn expand(&mut self, bytes: usize, span: &Range<usize>) -> bool {
        self.expanded = self.expanded.saturating_add(bytes);
        if self.expanded <= MOST_BYTES {
            return true;
        }
        if !self.used_up {
            self.used_up = true;
            let message = phrase!(
                "request-too-long",
                "presets and variables make the request longer than 1 MiB"
            );
            self.error(
                span.clone(),
                message,
                phrase!("use-fewer", "use fewer presets and variables"),
            );
        }
        false
    }

    /// Defines a variable for what follows.
    fn define(&mut self, name: &str, value: &str, span: &Range<usize>) {
        if is_name(name) {
            let value = decode(value, Plus::Space).into_owned();
            self.variables.insert(name.to_ascii_lowercase(), value);
        } else {
            let message = phrase!(
                "no-variable-name",
                "`${name}` is not a name for a variable",
                name = echo(name)
            );
            let help =
                phrase!("variable-names", "names are made of letters, digits, `-`, `_` and `.`");
            self.report(Diagnostic::error(Code::Value, span.clone(), message).help(help));
        }
    }

    /// Reports a name that is no command.
    fn unknown(&mut self, name: &str, span: &Range<usize>) {
        if CACHE_BUSTERS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return;
        }
        let finding = if self.rules.strict {
            Diagnostic::error(
                Code::Other,
                span.clone(),
                phrase!("unknown-command", "unknown command `{name}`", name = echo(name)),
            )
        } else {
            let message = phrase!(
                "unknown-command-ignored",
                "unknown command `{name}` is ignored",
                name = echo(name)
            );
            Diagnostic::warning(Code::Other, span.clone(), message)
        };
        if !self.has_room(finding.severity) {
            return;
        }
        self.report(match suggestion(name) {
            Some(near) => {
                finding.help(phrase!("did-you-mean", "did you mean `{near}`?", near = near))
            }
            None => finding,
        });
    }

    /// Reads a command of the reference.
    fn command(&mut self, command: &'static Command, value: &str, span: &Range<usize>) {
        let free_text = matches!(command.name, "text" | "textPs");
        let value = decode(value, if free_text { Plus::Space } else { Plus::Literal });
        if matches!(command.reader, ValueReader::Scope) {
            self.select(command, value.trim(), span);
            return;
        }
        let Some(value) = substitute(&value, &self.variables, MOST_BYTES) else {
            self.expand(MOST_BYTES + 1, span);
            return;
        };
        if !self.expand(value.len(), span) {
            return;
        }
        match command.support {
            Support::Ignored => self.look_over(command, &value, span),
            Support::IgnoredWithWarning if value.trim().is_empty() => {}
            Support::IgnoredWithWarning => {
                let message = phrase!(
                    "no-effect",
                    "`{command}` has no effect on an export",
                    command = command.name
                );
                self.report(Diagnostic::warning(Code::Other, span.clone(), message));
            }
            Support::Refused => {
                let message = phrase!(
                    "not-exportable",
                    "`{command}` cannot be exported",
                    command = command.name
                );
                self.error(span.clone(), message, leave_it_out());
            }
            Support::Supported | Support::NotYet | Support::NotInThisBuild => {
                self.set(command, &value, span);
            }
        }
    }

    /// Says what is wrong with a value that has no effect.
    fn look_over(&mut self, command: &'static Command, text: &str, span: &Range<usize>) {
        let ValueReader::Checked(check) = command.reader else { return };
        let mut findings = Vec::new();
        let mut items = Arguments::new(command.name, text, span.clone(), self.rules, &mut findings);
        let checked = check(&mut items).and_then(|()| items.end());
        findings.extend(checked.err());
        findings.into_iter().for_each(|finding| self.report(finding));
    }

    /// Reads a command's value and keeps it.
    fn set(&mut self, command: &'static Command, text: &str, span: &Range<usize>) {
        let Some(target) = self.target(command) else { return };
        if command.binding == Binding::UpperLayers && target.is_single_layer() {
            let message = phrase!(
                "not-on-layer-0",
                "`{command}` is not allowed on layer 0 or the composite",
                command = command.name
            );
            self.error(span.clone(), message, leave_it_out());
            return;
        }
        if text.trim().is_empty() && command.empty == Empty::Warned {
            let message = phrase!(
                "no-value-ignored",
                "`{command}` has no value and is ignored",
                command = command.name
            );
            self.report(Diagnostic::warning(Code::Missing, span.clone(), message));
            return;
        }
        let mut findings = Vec::new();
        let value = match command.reader {
            ValueReader::Typed(read) => {
                let mut items =
                    Arguments::new(command.name, text, span.clone(), self.rules, &mut findings);
                read(&mut items).and_then(|value| items.end().map(|()| value))
            }
            ValueReader::Checked(_) | ValueReader::Raw | ValueReader::Scope => {
                Ok(Value::Other(command, text.to_owned()))
            }
        };
        findings.into_iter().for_each(|finding| self.report(finding));
        match value {
            Ok(value) => {
                self.unread.retain(|(other, _)| other.attribute() != command.attribute());
                self.keep(target, command, value, span);
            }
            Err(error) if command.concerns == Concerns::All => self.report(error),
            Err(error) => self.unread.push((command, error)),
        }
    }

    /// Reports values that were not understood: errors if the reply's format is concerned.
    fn settle_unread(&mut self) {
        let format = self.modifiers.fmt().format;
        for (command, finding) in std::mem::take(&mut self.unread) {
            self.report(if command.concerns.format(format) {
                finding
            } else {
                Diagnostic { severity: Severity::Warning, ..finding }
            });
        }
    }

    /// Keeps a value; says so when it changes the format that was asked for before.
    fn keep(&mut self, target: Target, command: &Command, value: Value, span: &Range<usize>) {
        let setting = Setting { value, span: Some(span.clone()) };
        let new = setting.value.clone();
        let Some(old) = self.modifiers.set(target, command, setting) else { return };
        if let (Value::Fmt(old_fmt), Value::Fmt(new_fmt)) = (&old.value, &new)
            && old_fmt.format != new_fmt.format
        {
            let name = |format: Format| format.entry().name;
            let message = phrase!(
                "fmt-overridden",
                "`fmt={old}` is overridden by `fmt={new}`",
                old = name(old_fmt.format),
                new = name(new_fmt.format),
            );
            self.report(Diagnostic::warning(Code::Value, old.place(), message));
        }
    }

    /// Returns what a command acts on here.
    fn target(&self, command: &Command) -> Option<Target> {
        match (command.binding, self.scope) {
            (Binding::Request, _) => Some(Target::Request),
            (Binding::Layer0, Some(Target::Composite)) => Some(Target::Layer(0)),
            (_, scope) => scope,
        }
    }

    /// Selects what the following commands act on.
    fn select(&mut self, command: &Command, value: &str, span: &Range<usize>) {
        if value.is_empty() {
            let message =
                phrase!("selects-nothing", "`{command}` selects nothing", command = command.name);
            self.error(span.clone(), message, leave_it_out());
        } else if command.name == "effect" {
            self.select_effect(value, span);
        } else {
            self.scope = self.select_layer(value, span);
            if let Some(target @ Target::Layer(1..)) = self.scope {
                self.report(upper_target(target, span.clone()));
            }
        }
    }

    /// Selects an effect of the layer selected last.
    fn select_effect(&mut self, value: &str, span: &Range<usize>) {
        self.scope = match value.parse() {
            Ok(number) if number != 0 => {
                let target = Target::Effect(self.layer, number);
                self.report(upper_target(target, span.clone()));
                Some(target)
            }
            _ => {
                let message = phrase!(
                    "effect-number",
                    "`effect` must be a whole number other than 0, not `{found}`",
                    found = echo(value)
                );
                self.error(span.clone(), message, leave_it_out());
                None
            }
        };
    }

    /// Selects a layer by number or name, and names it (reference page *layer*).
    fn select_layer(&mut self, value: &str, span: &Range<usize>) -> Option<Target> {
        let (head, name) = match value.split_once(',') {
            Some((head, name)) => (head.trim(), Some(name.trim())),
            None => (value, None),
        };
        if let Ok(number) = head.parse::<u32>() {
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                self.name_layer(name, number, span);
            }
            self.layer = Some(number);
            return Some(Target::Layer(number));
        }
        if head.eq_ignore_ascii_case("comp") {
            self.layer = None;
            return Some(Target::Composite);
        }
        let Some(number) = self.layer_names.get(head).copied() else {
            let message = phrase!("no-such-layer", "no layer is named `{name}`", name = echo(head));
            self.error(
                span.clone(),
                message,
                phrase!("write-layer-0", "write `layer=0`, or leave it out"),
            );
            return None;
        };
        self.layer = Some(number);
        Some(Target::Layer(number))
    }

    /// Gives a layer a name; one name is for one number only.
    fn name_layer(&mut self, name: &str, number: u32, span: &Range<usize>) {
        if name.eq_ignore_ascii_case("comp") {
            let message = phrase!("layer-named-comp", "`comp` cannot be the name of a layer");
            self.error(span.clone(), message, other_layer_name());
            return;
        }
        match self.layer_names.insert(name.to_owned(), number) {
            Some(other) if other != number => {
                let message = phrase!(
                    "layer-name-taken",
                    "`{name}` already names layer {other}",
                    name = echo(name),
                    other = other,
                );
                self.error(span.clone(), message, other_layer_name());
            }
            Some(_) | None => {}
        }
    }
}

fn leave_it_out() -> Phrase {
    phrase!("leave-it-out", "leave it out")
}

fn other_layer_name() -> Phrase {
    phrase!("other-layer-name", "give the layer another name")
}

/// Names the presets there are, the first of many.
fn known(presets: &Presets) -> Phrase {
    const MOST: usize = 10;
    let names: Vec<String> = presets.names().take(MOST).map(|name| format!("${name}$")).collect();
    match presets.names().count() {
        0 => phrase!(
            "presets-none",
            "there are none; ask whoever runs exportd to add one to [macros]"
        ),
        count if count > MOST => phrase!(
            "presets-and-more",
            "there are {names}, and {more} more",
            names = names.join(", "),
            more = Argument::count(count - MOST),
        ),
        _ => phrase!("presets", "there are {names}", names = names.join(", ")),
    }
}
