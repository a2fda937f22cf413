//! Pages in the language of `man`, from the Markdown that the documentation is written in.
//!
//! Of Markdown it knows what the pages under `docs/` use: headings, paragraphs, lists, tables,
//! blocks of code; code, strong words and links in a line. A row of a table becomes an entry: the
//! first cell its name, each other cell headed by its column. Pictures are left out.

/// How long a line of text is at most, unless a word is longer.
const LONGEST: usize = 79;

/// A part of a page while it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Block<'a> {
    Heading(usize, &'a str),
    Paragraph(String),
    Item { mark: Option<&'a str>, text: String },
    Table(Vec<Vec<String>>),
    Code(Vec<&'a str>),
}

/// Writes Markdown as roff. A heading of the second level is a section, one below a subsection.
pub(super) fn from_markdown(markdown: &str) -> String {
    let mut page = String::new();
    let mut after_heading = true;
    for block in blocks(markdown) {
        let heading = matches!(block, Block::Heading(..));
        match block {
            Block::Heading(1, _) => {}
            Block::Heading(2, text) => section(&mut page, &text.to_uppercase()),
            Block::Heading(_, text) => {
                page.push_str(&format!(".SS \"{}\"\n", literal(&text.replace('`', ""))));
            }
            Block::Paragraph(text) => {
                if !after_heading {
                    page.push_str(".PP\n");
                }
                line(&mut page, &inline(&text));
            }
            Block::Item { mark, text } => {
                match mark {
                    Some(number) => page.push_str(&format!(".IP {number} 4\n")),
                    None => page.push_str(".IP \\(bu 2\n"),
                }
                line(&mut page, &inline(&text));
            }
            Block::Table(rows) => table(&mut page, &rows),
            Block::Code(lines) => code(&mut page, lines),
        }
        after_heading = heading;
    }
    page
}

/// Begins a section.
pub(super) fn section(page: &mut String, name: &str) {
    page.push_str(&format!(".SH \"{}\"\n", literal(name)));
}

/// Writes an entry: its name, and what there is to say of it, both as Markdown.
pub(super) fn entry(page: &mut String, name: &str, text: &str) {
    page.push_str(".TP\n");
    line(page, &inline(name));
    line(page, &inline(text));
}

/// Writes lines as they are.
pub(super) fn code<'a>(page: &mut String, lines: impl IntoIterator<Item = &'a str>) {
    page.push_str(".PP\n.RS 4\n.EX\n");
    for text in lines {
        line(page, &literal(text));
    }
    page.push_str(".EE\n.RE\n");
}

/// Breaks long lines of text between words, as people do who write such pages.
pub(super) fn fold(page: &str) -> String {
    let mut folded = String::with_capacity(page.len() + page.len() / 40);
    let (mut as_is, mut name) = (false, false);
    for text in page.lines() {
        match text {
            ".EX" => as_is = true,
            ".EE" => as_is = false,
            _ => {}
        }
        if as_is || text.starts_with('.') {
            folded.push_str(text);
            folded.push('\n');
        } else {
            // The name of an entry is one line, unless each but the last says that it goes on.
            words(&mut folded, text, if name { " \\c" } else { "" });
        }
        name = text == ".TP";
    }
    folded
}

fn words(page: &mut String, text: &str, joint: &str) {
    let mut row = String::new();
    for word in text.split(' ') {
        if !row.is_empty() && width(&row) + width(word) + joint.len() >= LONGEST {
            line(page, &format!("{row}{joint}"));
            row.clear();
        }
        if !row.is_empty() {
            row.push(' ');
        }
        row.push_str(word);
    }
    line(page, &row);
}

/// How long a text is once what is not ASCII is written by its number, as readers of pages do.
fn width(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() { 1 } else { "\\[u12345]".len() }).sum()
}

fn table(page: &mut String, rows: &[Vec<String>]) {
    let Some((head, rows)) = rows.split_first() else { return };
    for row in rows {
        let Some((name, cells)) = row.split_first() else { continue };
        let plain = |column: &str| cells.len() == 1 || column == "meaning";
        let told: Vec<String> = head[1..]
            .iter()
            .zip(cells)
            .filter(|(_, cell)| !cell.is_empty())
            .map(
                |(column, cell)| {
                    if plain(column) { cell.clone() } else { format!("{column}: {cell}") }
                },
            )
            .collect();
        entry(page, name, &told.join("; "));
    }
}

/// Appends a line of text; one that begins as a request does is kept from being one.
fn line(page: &mut String, text: &str) {
    if text.starts_with(['.', '\'']) {
        page.push_str("\\&");
    }
    page.push_str(text);
    page.push('\n');
}

/// Takes a text apart into blocks.
fn blocks(markdown: &str) -> Vec<Block<'_>> {
    let mut found: Vec<Block<'_>> = Vec::new();
    let mut open = false; // whether a line may go on what is last
    let mut lines = markdown.lines();
    while let Some(text) = lines.next() {
        let trimmed = text.trim();
        if trimmed.starts_with("```") {
            let inside = lines.by_ref().take_while(|line| !line.trim().starts_with("```"));
            found.push(Block::Code(inside.collect()));
            open = false;
        } else if trimmed.is_empty() || trimmed.starts_with("![") {
            open = false;
        } else if let Some(heading) = heading(text) {
            found.push(heading);
            open = false;
        } else if let Some(row) = trimmed.strip_prefix('|') {
            match found.last_mut() {
                Some(Block::Table(rows)) if open => rows.extend(cells(row)),
                _ => found.push(Block::Table(cells(row).into_iter().collect())),
            }
            open = true;
        } else if let Some((mark, text)) = item(text) {
            found.push(Block::Item { mark, text: text.to_owned() });
            open = true;
        } else {
            match found.last_mut() {
                Some(Block::Paragraph(so_far) | Block::Item { text: so_far, .. }) if open => {
                    so_far.push(' ');
                    so_far.push_str(trimmed);
                }
                _ => found.push(Block::Paragraph(trimmed.to_owned())),
            }
            open = true;
        }
    }
    found
}

fn heading(text: &str) -> Option<Block<'_>> {
    let rest = text.trim_start_matches('#');
    let level = text.len() - rest.len();
    let title = rest.strip_prefix(' ')?;
    (level > 0).then(|| Block::Heading(level, title.trim()))
}

fn item(text: &str) -> Option<(Option<&str>, &str)> {
    if let Some(rest) = text.strip_prefix("- ") {
        return Some((None, rest));
    }
    let (number, rest) = text.split_once(". ")?;
    number.parse::<u8>().ok().map(|_| (Some(number), rest))
}

/// Splits a row; none for the line of dashes. A `|` in code is none of a table's.
fn cells(row: &str) -> Option<Vec<String>> {
    let (mut cells, mut cell, mut code) = (Vec::new(), String::new(), false);
    for c in row.chars() {
        match c {
            '|' if !code => cells.push(std::mem::take(&mut cell).trim().to_owned()),
            _ => {
                code ^= c == '`';
                cell.push(c);
            }
        }
    }
    let dashes = cells.iter().all(|cell| cell.chars().all(|c| matches!(c, '-' | ':')));
    (!dashes).then_some(cells)
}

/// Writes the marks inside a line: code is bold, strong words and addresses are italic.
fn inline(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*', '[']) {
        out.push_str(&prose(&rest[..at]));
        rest = &rest[at..];
        let (written, read) = mark(rest);
        out.push_str(&written);
        rest = &rest[read..];
    }
    out.push_str(&prose(rest));
    out
}

/// Writes the mark that a text begins with, and says how many bytes of it that was.
fn mark(text: &str) -> (String, usize) {
    if let Some((code, _)) = text.strip_prefix('`').and_then(|rest| rest.split_once('`')) {
        return (format!("\\fB{}\\fR", literal(code)), code.len() + 2);
    }
    if let Some((strong, _)) = text.strip_prefix("**").and_then(|rest| rest.split_once("**")) {
        return (format!("\\fI{}\\fR", prose(strong)), strong.len() + 4);
    }
    if let Some((shown, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once("]("))
        && let Some((target, _)) = rest.split_once(')')
    {
        return (inline(shown), shown.len() + target.len() + 4);
    }
    let first = text.chars().next().map_or(0, char::len_utf8);
    (prose(&text[..first]), first)
}

/// Keeps words from being commands.
fn prose(text: &str) -> String {
    text.replace('\\', "\\e")
}

/// Keeps every sign as it is typed, also where typesetters have a finer one.
pub(super) fn literal(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            '\'' => out.push_str("\\(aq"),
            '"' => out.push_str("\\(dq"),
            '`' => out.push_str("\\(ga"),
            '^' => out.push_str("\\(ha"),
            '~' => out.push_str("\\(ti"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_a_page() {
        let markdown = "\
# Name

## One two

First line of `--a` \\ b
second **strong** [link `x`](y.md#z).

![a picture](p.png)

.dot begins.

- one
  goes on
- two

1. first
   and more

### `key`

| a | b | c |
|---|---|---|
| `x|y` | 1 | |
| z | 2 | 3 |

| code | what |
|---|---|
| 0 | well |

```toml
.x = 'y' # \"~\"
```
";
        let expected = r#".SH "ONE TWO"
First line of \fB\-\-a\fR \e b second \fIstrong\fR link \fBx\fR.
.PP
\&.dot begins.
.IP \(bu 2
one goes on
.IP \(bu 2
two
.IP 1 4
first and more
.SS "key"
.TP
\fBx|y\fR
b: 1
.TP
z
b: 2; c: 3
.TP
0
well
.PP
.RS 4
.EX
\&.x = \(aqy\(aq # \(dq\(ti\(dq
.EE
.RE
"#;
        assert_eq!(from_markdown(markdown), expected);
    }

    #[test]
    fn long_lines_are_folded() {
        let long = format!("{} .b", "word ".repeat(15).trim_end());
        let page = format!(".TP\n{long} cd\n{long} cd\n.EX\n{long} cd\n.EE\n");
        let words = long.trim_end_matches(" .b");
        let expected = format!(".TP\n{words} \\c\n\\&.b cd\n{long}\ncd\n.EX\n{long} cd\n.EE\n");
        assert_eq!(fold(&page), expected);
        // Seven letters that readers write as eight signs each.
        assert_eq!(fold(&format!("{} 宏宏宏宏宏宏宏\n", &long[..30])).lines().count(), 2);
    }

    #[test]
    fn marks_that_do_not_end_are_words() {
        assert_eq!(inline("a `b *c [d] e"), "a `b *c [d] e");
        assert_eq!(inline("宏 `宏`"), "宏 \\fB宏\\fR");
    }
}
