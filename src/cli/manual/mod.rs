//! `man`: manual pages, made of what is there already.
//!
//! exportd.1 is the command line itself and sections of docs/operations.md; exportd.toml.5 is the
//! shipped configuration with its table of keys, exportd-manifest.5 is docs/manifest.md. So nothing
//! is written twice, and a page cannot say what the program does not.

use std::io::Write;

use clap::{Args, Command, ValueEnum};
use clap_mangen::Man;

use super::completions::visible;
use super::{Exit, print};

mod roff;
mod settings;

/// What whoever runs it reads.
const OPERATIONS: &str = include_str!("../../../docs/operations.md");
/// What it is for.
const README: &str = include_str!("../../../README.md");
/// What is to be known of a manifest.
const MANIFEST: &str = include_str!("../../../docs/manifest.md");
/// The day the pages bear: when this version was begun.
const DAY: &str = "2026-11-29";

/// What the configuration's page says before its keys.
const LAYERS: &str = "\
What is built in counts first, then `/etc/exportd/exportd.toml`, then `/etc/exportd/conf.d/*.toml` in \
the order of their names, then the options `--config` and `--root`; the later wins, key by key. \
`--config` replaces both of the files' layers. `exportd config` shows what is in force and where it came \
from.

The files are TOML. The shipped one has every key, switched off by a `#`, with its default or an \
example. An unknown key or a wrong value is an error with its line: the daemon does not start then \
(exit code 78). `systemctl reload exportd` reads the files again; when they are wrong, what was in \
force before stays so.";

/// The pages there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Page {
    #[value(name = "exportd")]
    Program,
    #[value(name = "exportd.toml")]
    Settings,
    #[value(name = "exportd-manifest")]
    Manifest,
}

impl Page {
    fn write(self) -> String {
        let page = match self {
            Self::Program => program(),
            Self::Settings => settings_page(),
            Self::Manifest => manifest(),
        };
        roff::fold(&page)
    }
}

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// exportd(1), exportd.toml(5) or exportd-manifest(5)
    #[arg(value_enum, value_name = "PAGE", default_value = "exportd")]
    page: Page,
}

pub(super) fn man(args: &ManArgs) -> Exit {
    print(&args.page.write());
    Exit::Well
}

fn program() -> String {
    let mut whole = visible();
    whole.build();
    let mut page = title("EXPORTD", 1, "User Commands");
    let man = Man::new(with_usage(&whole));
    page.push_str(&part(|to| man.render_name_section(to)));
    page.push_str(&part(|to| man.render_synopsis_section(to)));
    roff::section(&mut page, "DESCRIPTION");
    page.push_str(&roff::from_markdown(introduction(README)));
    page.push_str(&part(|to| man.render_options_section(to)));
    roff::section(&mut page, "COMMANDS");
    whole.get_subcommands().for_each(|command| describe(&mut page, command));
    for (heading, name) in [
        ("Exit codes", "EXIT STATUS"),
        ("Signals and commands", "SIGNALS AND COMMANDS"),
        ("Environment", "ENVIRONMENT"),
        ("Installed files", "FILES"),
    ] {
        roff::section(&mut page, name);
        page.push_str(&roff::from_markdown(section(OPERATIONS, heading)));
    }
    see_also(
        &mut page,
        &["exportd.toml(5)", "exportd-manifest(5)", "systemctl(1)", "journalctl(1)"],
    );
    page
}

fn settings_page() -> String {
    let mut page = title("EXPORTD.TOML", 5, "File Formats");
    roff::section(&mut page, "NAME");
    page.push_str("exportd.toml \\- configuration of exportd\n");
    roff::section(&mut page, "SYNOPSIS");
    page.push_str(&roff::from_markdown(
        "`/etc/exportd/exportd.toml`, `/etc/exportd/conf.d/*.toml`",
    ));
    roff::section(&mut page, "DESCRIPTION");
    page.push_str(&roff::from_markdown(LAYERS));
    page.push_str(&settings::keys());
    see_also(&mut page, &["exportd(1)", "exportd-manifest(5)"]);
    page
}

fn manifest() -> String {
    let mut page = title("EXPORTD-MANIFEST", 5, "File Formats");
    roff::section(&mut page, "NAME");
    page.push_str("exportd-manifest \\- what exportd is to export, and how\n");
    roff::section(&mut page, "DESCRIPTION");
    page.push_str(&roff::from_markdown(MANIFEST));
    see_also(&mut page, &["exportd(1)", "exportd.toml(5)"]);
    page
}

/// Writes one command, and those below it.
fn describe(page: &mut String, command: &Command) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    page.push_str(&format!(".SS \"{}\"\n", roff::literal(name)));
    // What all commands take is said once, above.
    let own = with_usage(command).mut_args(|arg| {
        let everywhere = arg.is_global_set() || arg.get_id() == "help";
        arg.hide(everywhere)
    });
    let takes = own.get_arguments().any(|arg| !arg.is_hide_set());
    let man = Man::new(own);
    page.push_str(without_heading(&part(|to| man.render_synopsis_section(to))));
    page.push_str(".PP\n");
    page.push_str(without_heading(&part(|to| man.render_description_section(to))));
    if takes {
        page.push_str(without_heading(&part(|to| man.render_options_section(to))));
    }
    command.get_subcommands().for_each(|below| describe(page, below));
}

/// Returns a command that shows in its synopsis what `--help` does.
fn with_usage(command: &Command) -> Command {
    let usage = command.clone().render_usage().to_string();
    command.clone().override_usage(usage.trim_start_matches("Usage: ").to_owned())
}

/// Renders a part of a page, without what each begins with.
fn part(render: impl Fn(&mut dyn Write) -> std::io::Result<()>) -> String {
    let mut bytes = Vec::new();
    // A vector takes everything.
    let _ = render(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    let begin = text.find(".SH").unwrap_or(text.len());
    // It leaves a line free before the values that there are, and linters mind.
    text[begin..].replace("\n.br\n\n.br\n", "\n.br\n")
}

fn without_heading(part: &str) -> &str {
    part.split_once('\n').map_or("", |(_, rest)| rest)
}

fn title(name: &str, number: u8, manual: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    // An apostrophe that typesetters leave alone; what clap_mangen writes asks for it.
    let apostrophe = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";
    format!("{apostrophe}.TH {name} {number} {DAY} \"exportd {version}\" \"{manual}\"\n")
}

fn see_also(page: &mut String, pages: &[&str]) {
    roff::section(page, "SEE ALSO");
    let names: Vec<String> = pages
        .iter()
        .filter_map(|page| page.split_once('('))
        .map(|(name, number)| format!("\\fB{}\\fR({number}", roff::literal(name)))
        .collect();
    page.push_str(&names.join(",\n"));
    page.push_str("\n.PP\nThe documentation in \\fI/usr/share/doc/exportd\\fR says more.\n");
}

/// Returns what stands before the first heading of the second level.
fn introduction(text: &str) -> &str {
    text.split("\n## ").next().unwrap_or(text)
}

/// Returns what stands under a heading of the second level.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let begin = format!("\n## {heading}\n");
    let Some((_, rest)) = text.split_once(&begin) else { return "" };
    rest.split("\n## ").next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names every command that people see, those below others too, with its long options.
    fn commands(of: &Command, into: &mut Vec<(String, Vec<String>)>) {
        for command in of.get_subcommands() {
            let name = command.get_bin_name().unwrap_or_default().to_owned();
            let options =
                command.get_arguments().filter_map(|arg| Some(arg.get_long()?.to_owned()));
            into.push((name, options.collect()));
            commands(command, into);
        }
    }

    #[test]
    fn the_page_of_the_program_has_every_command_and_option() {
        let mut whole = visible();
        whole.build();
        let mut all = Vec::new();
        commands(&whole, &mut all);
        assert!(all.len() > 15, "{all:?}");
        let page = Page::Program.write();
        for (command, options) in all {
            let head = format!("\n.SS \"{}\"\n", roff::literal(&command));
            let (_, told) = page.split_once(&head).expect(&command);
            let told = told.split("\n.S").next().expect("a part");
            for option in options {
                let everywhere = ["config", "root", "help"].contains(&option.as_str());
                let written = told.contains(&format!("\n\\fB\\-\\-{}\\fR", roff::literal(&option)));
                assert_eq!(written, !everywhere, "{command} --{option}");
            }
        }
        for hidden in ["exportd worker", "exportd mailer", "exportd caller"] {
            assert!(!page.contains(hidden), "{hidden}");
        }
    }

    #[test]
    fn the_page_of_the_program_has_every_exit_code() {
        let page = Page::Program.write();
        let (_, rest) = page.split_once(".SH \"EXIT STATUS\"\n").expect("a section");
        let codes = rest.split("\n.SH").next().expect("a section");
        use crate::cli::Exit::*;
        for exit in [
            Well,
            Failed,
            Usage,
            Partial,
            Wrong,
            Absent,
            Unavailable,
            NoOutput,
            Journal,
            Held,
            Configuration,
        ] {
            assert!(codes.contains(&format!(".TP\n{}\n", exit.code())), "{exit:?}");
        }
        for name in ["SIGNALS AND COMMANDS", "ENVIRONMENT", "FILES"] {
            let (_, rest) = page.split_once(&format!(".SH \"{name}\"\n")).expect(name);
            assert!(
                rest.split("\n.SH").next().is_some_and(|part| part.contains(".TP\n")),
                "{name}"
            );
        }
    }

    #[test]
    fn the_page_of_the_manifest_has_every_key() {
        let page = Page::Manifest.write();
        for key in crate::job::manifest::keys::TABLE {
            let written = if key.name.is_ascii() {
                format!(".SS \"{}\"\n", key.name)
            } else {
                key.name.to_owned()
            };
            assert!(key.name == "exportJob" || page.contains(&written), "{}", key.name);
        }
    }

    #[test]
    fn pages_hold_no_markdown() {
        for page in [Page::Program, Page::Settings, Page::Manifest] {
            let page = page.write();
            let (_, rest) = page.split_once("DESCRIPTION").expect("a page");
            for mark in ["](", "**Shape", "|---", "\n#"] {
                assert!(!rest.contains(mark), "{mark}");
            }
        }
    }
}
