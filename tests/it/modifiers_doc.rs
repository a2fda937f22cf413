//! `docs/modifiers.md` is the command table, written out.
//!
//! `UPDATE_DOCS=1 cargo test --test it modifiers_doc` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use exportd::imaging::PixelType;
use exportd::imaging::modifiers::commands::{CHOICES, Choice};
use exportd::imaging::modifiers::values::Format;
use exportd::imaging::modifiers::{Binding, Command, Group, Support, table};

const HEAD: &str = "\
# Modifiers

Every command of the Image Serving reference, and what becomes of it in an export. This page is
written from the program's own table; `exportd explain --source 2000x1000 -- 'wid=500'` shows what
a request does.

Commands are joined with `&`, in any case of letters; the later one of two wins. Between an asset's
`modifier` in the catalogue, `is_modifier` and `macro`, the last named wins.

| word | meaning |
|---|---|
| yes | it has its effect |
| no effect | it means something to a server only, and is passed over in silence |
| no effect, warning | a server would do something; passed over with a warning |
| not yet | an error of the asset, never silence; values that do nothing are welcome |
| never | cannot be part of an export: an error of the asset |

\"Differs\" says what is otherwise here than in the reference, or where it leaves a choice.
\"Acts on\" is what a command changes when no `layer=` stands before it. \"Source\" is a page of the
public reference below
`image-serving-api-ref/c-http-protocol-reference/c-command-reference`.
";

const GROUPS: [(Group, &str); 6] = [
    (Group::View, "Size and placement of the reply"),
    (Group::Request, "The reply as a file, and the request"),
    (Group::Source, "The source picture and the layer made of it"),
    (Group::Operation, "Image operations"),
    (Group::Layer, "Further layers, effects and templates"),
    (Group::Text, "Text"),
];

fn word(support: Support) -> &'static str {
    match support {
        Support::Supported => "yes",
        Support::Ignored => "no effect",
        Support::IgnoredWithWarning => "no effect, warning",
        Support::NotYet => "not yet",
        Support::NotInThisBuild => "not in this build",
        Support::Refused => "never",
    }
}

fn acts_on(binding: Binding) -> &'static str {
    match binding {
        Binding::Request => "request",
        Binding::Layer0 => "layer 0",
        Binding::Composite => "composite",
        Binding::View => "view",
        Binding::UpperLayers => "upper layers only",
    }
}

fn pixel_types(types: &[PixelType]) -> String {
    let names = types.iter().map(|kind| match kind {
        PixelType::Gray => "gray",
        PixelType::Rgb => "rgb",
        PixelType::Cmyk => "cmyk",
    });
    names.collect::<Vec<_>>().join(", ")
}

/// A cell: code when it is some, with the bars that would end it escaped.
fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{}`", text.replace('|', "\\|")) }
}

fn row(command: &Command) -> String {
    let mut written = code(if command.syntax.is_empty() { command.name } else { command.syntax });
    for alias in command.aliases {
        let _ = write!(written, ", {}", code(alias));
    }
    let mut support = word(command.support).to_owned();
    if command.support == Support::NotYet && !command.neutral.is_empty() {
        let neutral: Vec<String> = command.neutral.iter().map(|value| code(value)).collect();
        let _ = write!(support, " (but {})", neutral.join(", "));
    }
    format!(
        "| {written} | {support} | {} | {} | {} | {} | {} |\n",
        command.range.replace('|', "\\|"),
        command.default.replace('|', "\\|"),
        acts_on(command.binding),
        command.differs,
        command.page,
    )
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    let mut rows = 0;
    for (group, title) in GROUPS {
        let commands: Vec<_> = table().iter().filter(|command| command.group == group).collect();
        if commands.is_empty() {
            continue;
        }
        let _ = write!(
            page,
            "\n## {title}\n\n| written | works | values | without it | acts on | differs | source |\n\
             |---|---|---|---|---|---|---|\n"
        );
        for command in commands {
            page.push_str(&row(command));
            rows += 1;
        }
    }
    assert_eq!(rows, table().len(), "a group is not shown");
    page.push_str(&formats());
    page.push_str(&choices());
    page
}

fn choices() -> String {
    let mut part = String::from(
        "\n## Choices\n\nWhere the reference is silent or says two things, and what is done here.\n\n\
         | question | here | configuration |\n|---|---|---|\n",
    );
    for Choice { question, answer, key } in CHOICES {
        let keys: Vec<String> = key.split(", ").map(code).collect();
        let _ = writeln!(part, "| {question} | {answer} | {} |", keys.join(", "));
    }
    part
}

fn formats() -> String {
    let mut part = String::from(
        "\n## Formats\n\nWhat `fmt=` may name, and the extension of the file that comes of it.\n\n\
         | `fmt=` | works | extension | pixel types | alpha | profile | compression |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for entry in Format::table() {
        let names: Vec<String> =
            [&entry.name].into_iter().chain(entry.aliases).map(|name| code(name)).collect();
        let compressions: Vec<String> =
            entry.compressions.iter().map(|kind| kind.name().to_owned()).collect();
        let _ = writeln!(
            part,
            "| {} | {} | `.{}` | {} | {} | {} | {} |",
            names.join(", "),
            word(entry.support),
            entry.extension,
            pixel_types(entry.pixel_types),
            if entry.alpha { "kept" } else { "" },
            if entry.icc { "with iccEmbed" } else { "" },
            compressions.join(", "),
        );
    }
    part
}

#[test]
fn the_page_of_modifiers_is_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/modifiers.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("the page");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    for (number, (now, then)) in page.lines().zip(written.lines()).enumerate() {
        assert_eq!(now, then, "docs/modifiers.md:{}: UPDATE_DOCS=1 writes it anew", number + 1);
    }
    assert_eq!(page.lines().count(), written.lines().count(), "UPDATE_DOCS=1 writes it anew");
}
