//! Letters become bytes here.

use std::time::SystemTime;

use lettre::message::header::{self, HeaderName, HeaderValue};
use lettre::message::{Attachment, MultiPart, MultiPartKind, SinglePart};

use super::Address;
use crate::diag::shown;
use crate::fs::{is_invisible, sha256};
use crate::imaging::thumbnail::Kind;
use crate::report::{Attached, Letter, Matter, Mid};

/// A message with HTML is at most so long; otherwise it is its text alone.
const MOST_MESSAGE: usize = 1 << 20;
/// A shortened message keeps at most so many bytes of its text.
const SHORT: usize = 32 << 10;

/// Why a letter cannot be bytes.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// An address that is none.
    #[error("\"{0}\" is not a mail address")]
    Address(String),
    /// Whatever lettre says.
    #[error("the message cannot be built")]
    Build(#[from] lettre::error::Error),
}

/// Writes a letter as a message (RFC 5322, MIME), every line ASCII.
///
/// The same letter gives the same bytes. Nothing that comes from outside can add a header: control
/// characters are gone before lettre sees a value, and what is not ASCII becomes an encoded word
/// (RFC 2047).
///
/// # Errors
/// See [`RenderError`].
pub fn render(letter: &Letter) -> Result<Vec<u8>, RenderError> {
    let from = Address::parse(&letter.from)
        .map_err(|_| RenderError::Address(shown(&letter.from)))?
        .to_lettre()?;
    let id = |mid: &Mid| format!("<{mid}@{}>", letter.host);
    let date = SystemTime::from(letter.date).max(SystemTime::UNIX_EPOCH);
    let mut builder = lettre::Message::builder()
        .date(date)
        .from(from)
        .to(letter.to.to_lettre()?)
        .subject(header_text(&letter.subject))
        .message_id(Some(id(&letter.mid)));
    if let Some(earlier) = &letter.in_reply_to {
        builder = builder.in_reply_to(id(earlier)).references(id(earlier));
    }
    for (name, value) in [
        // RFC 3834 §5; Exchange wants its own word.
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("X-Auto-Response-Suppress", "All".to_owned()),
        // RFC 2919.
        ("List-Id", format!("<exports.{}>", letter.host)),
    ]
    .into_iter()
    .chain(matter(letter))
    {
        builder = builder.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
    }
    let part = |kind, text: &str| SinglePart::builder().header(kind).body(body_text(text));
    let text = part(header::ContentType::TEXT_PLAIN, &letter.text);
    let Some(html) = &letter.html else { return Ok(builder.singlepart(text)?.formatted()) };
    // No line of either part can be this one: neither encoding has lines that begin with "=_".
    let boundary = format!("=_{}", &sha256(letter.mid.as_str().as_bytes())[..32]);
    let both = MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(&boundary)
        .singlepart(text.clone());
    let page = part(header::ContentType::TEXT_HTML, html);
    let both =
        if letter.pictures.is_empty() {
            both.singlepart(page)
        } else {
            let related = MultiPart::builder()
                .kind(MultiPartKind::Related)
                // Neither may begin like the other.
                .boundary(boundary.replacen("=_", "=_r", 1))
                .singlepart(page);
            both.multipart(
                letter.pictures.iter().enumerate().fold(related, |all, (at, picture)| {
                    all.singlepart(shown_inside(at + 1, picture))
                }),
            )
        };
    let message = builder.clone().multipart(both)?.formatted();
    if message.len() > MOST_MESSAGE {
        return Ok(builder.singlepart(text)?.formatted());
    }
    Ok(message)
}

/// Makes a part of a picture that the page shows (RFC 2392).
fn shown_inside(number: usize, Attached { cid, thumbnail }: &Attached) -> SinglePart {
    let name = format!("picture-{number}.{}", thumbnail.kind.suffix());
    let attachment = Attachment::new_inline_with_name(cid.clone(), name);
    let kind = match thumbnail.kind {
        Kind::Jpeg => "image/jpeg",
        Kind::Png => "image/png",
    };
    let kind = header::ContentType::parse(kind).unwrap_or(header::ContentType::TEXT_PLAIN);
    attachment.body(thumbnail.bytes.clone(), kind)
}

/// Names what a letter is about, for programs that sort mail.
fn matter(letter: &Letter) -> Vec<(&'static str, String)> {
    match &letter.matter {
        Matter::Run { run, verdict } => vec![
            ("X-Exportd-Run", header_text(run)),
            ("X-Exportd-Verdict", verdict.word().to_owned()),
        ],
        Matter::Digest { reports } => vec![("X-Exportd-Digest", reports.to_string())],
        Matter::Notice { word } => vec![("X-Exportd-Notice", (*word).to_owned())],
    }
}

/// Makes a message smaller that a relay found too large: the same headers, the text alone, and of
/// a long text the beginning. `None` when that makes it no smaller.
#[must_use]
pub fn shortened(message: &[u8]) -> Option<Vec<u8>> {
    let mail = mailparse::parse_mail(message).ok()?;
    let part = mail.parts().find(|part| part.ctype.mimetype == "text/plain")?;
    let text = part.get_body().ok()?.replace("\r\n", "\n");
    let most = if mail.subparts.is_empty() { (text.len() / 2).min(SHORT) } else { SHORT };
    let mut kept = String::new();
    for line in text.split_inclusive('\n') {
        if kept.len() + line.len() > most {
            break;
        }
        kept.push_str(line);
    }
    if kept.len() < text.len() {
        kept.push_str(
            "\nThis mail was too large for the relay and ends here. The report has the rest.\n",
        );
    }
    let mut out = Vec::new();
    for header in &mail.headers {
        let key = header.get_key().to_ascii_lowercase();
        if key.starts_with("content-") {
            continue;
        }
        out.extend_from_slice(header.get_key_raw());
        out.extend_from_slice(b": ");
        out.extend_from_slice(header.get_value_raw());
        out.extend_from_slice(b"\r\n");
    }
    let text = SinglePart::builder().header(header::ContentType::TEXT_PLAIN).body(body_text(&kept));
    out.extend_from_slice(&text.formatted());
    (out.len() < message.len()).then_some(out)
}

/// Makes a text fit for one header: invisible characters become spaces, runs of spaces one.
///
/// `=?` would be read as the beginning of an encoded word and is taken apart.
fn header_text(text: &str) -> String {
    let plain: String = text.chars().map(|c| if is_invisible(c) { ' ' } else { c }).collect();
    plain.replace("=?", "= ?").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Makes a text fit for a body: lines, and no other control characters. The last line's end is
/// lettre's to write.
fn body_text(text: &str) -> String {
    text.strip_suffix('\n')
        .unwrap_or(text)
        .chars()
        .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::thumbnail::Thumbnail;
    use crate::report::smtp::mailer::ALWAYS_TAKEN;
    use crate::report::{Event, Report, samples};
    use mailparse::MailHeaderMap;
    use proptest::prelude::*;

    fn letter() -> Letter {
        let log = samples::log(crate::job::Verdict::Partial);
        let places = samples::places();
        let to = Address::parse("Mia Wang <mia@studio.example>").unwrap();
        Report { log: &log, places: &places, retry: None }.letter(&samples::mail(), &to).unwrap()
    }

    const HEADERS: [&str; 12] = [
        "Date",
        "From",
        "To",
        "Subject",
        "Message-ID",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "List-Id",
        "X-Exportd-Run",
        "X-Exportd-Verdict",
        "MIME-Version",
        "Content-Type",
    ];

    fn names(message: &[u8]) -> Vec<String> {
        let (headers, _) = mailparse::parse_headers(message).unwrap();
        headers.iter().map(mailparse::MailHeader::get_key).collect()
    }

    #[test]
    fn a_letter_has_our_headers() {
        let letter = letter();
        let bytes = render(&letter).unwrap();
        assert_eq!(bytes, render(&letter).unwrap());
        assert_eq!(names(&bytes), HEADERS);
        let mail = mailparse::parse_mail(&bytes).unwrap();
        let value = |name: &str| mail.headers.get_first_value(name).unwrap();
        assert_eq!(value("From"), "exportd <exportd@studio.example>");
        assert_eq!(value("To"), "\"Mia Wang\" <mia@studio.example>");
        assert_eq!(value("Subject"), "[exportd] spring-tops: 2 of 3 need you");
        assert_eq!(value("Date"), "Tue, 01 Dec 2026 05:03:12 +0000");
        assert_eq!(value("Message-ID"), format!("<{}@studio.example>", letter.mid));
        assert_eq!(value("Auto-Submitted"), "auto-generated");
        assert_eq!(value("X-Auto-Response-Suppress"), "All");
        assert_eq!(value("List-Id"), "<exports.studio.example>");
        assert_eq!(value("X-Exportd-Run"), samples::RUN);
        assert_eq!(value("X-Exportd-Verdict"), "partial");
        let [text, html] = mail.subparts.as_slice() else {
            panic!("{} parts", mail.subparts.len())
        };
        assert_eq!(mail.ctype.mimetype, "multipart/alternative");
        assert_eq!(text.ctype.mimetype, "text/plain");
        let words = text.get_body().unwrap().replace("\r\n", "\n");
        // The last line's end belongs to the boundary.
        assert_eq!(words, letter.text.trim_end());
        assert_eq!(html.ctype.mimetype, "text/html");
        let page = html.get_body().unwrap().replace("\r\n", "\n");
        assert_eq!(Some(page), letter.html);
        assert!(bytes.split(|&byte| byte == b'\n').all(|line| line.len() <= 999));
    }

    #[test]
    fn pictures_go_beside_the_page_that_shows_them() {
        let mut letter = letter();
        let thumbnail = |bytes: &[u8]| Thumbnail::recognise(bytes.to_vec()).unwrap();
        let shown = [
            ("picture-1.ab@studio.example", thumbnail(b"\xff\xd8\xff one")),
            ("picture-2.ab@studio.example", thumbnail(b"\x89PNG\r\n\x1a\n two")),
        ];
        letter.pictures = shown
            .iter()
            .map(|(cid, thumbnail)| Attached {
                cid: (*cid).to_owned(),
                thumbnail: thumbnail.clone(),
            })
            .collect();
        let bytes = render(&letter).unwrap();
        assert_eq!(bytes, render(&letter).unwrap());
        assert_eq!(names(&bytes), HEADERS);
        let mail = mailparse::parse_mail(&bytes).unwrap();
        let [text, related] = mail.subparts.as_slice() else { panic!("not two parts") };
        assert_eq!(text.ctype.mimetype, "text/plain");
        assert_eq!(related.ctype.mimetype, "multipart/related");
        let [page, one, two] = related.subparts.as_slice() else { panic!("not three parts") };
        assert_eq!(page.ctype.mimetype, "text/html");
        for (part, ((cid, thumbnail), kind)) in
            [one, two].iter().zip(shown.iter().zip(["image/jpeg", "image/png"]))
        {
            assert_eq!(part.ctype.mimetype, kind);
            let id = part.headers.get_first_value("Content-ID").unwrap();
            assert_eq!(id, format!("<{cid}>"));
            let how = part.headers.get_first_value("Content-Disposition").unwrap();
            assert!(how.starts_with("inline"), "{how}");
            assert_eq!(part.get_body_raw().unwrap(), thumbnail.bytes);
        }
        let short = shortened(&bytes);
        assert!(short.is_none_or(|short| !short.windows(6).any(|six| six == b"image/")));
    }

    #[test]
    fn a_page_that_makes_a_mail_too_long_is_left_out() {
        let mut letter = letter();
        letter.html = Some("long ".repeat(300_000));
        let bytes = render(&letter).unwrap();
        letter.html = None;
        assert_eq!(bytes, render(&letter).unwrap());
    }

    #[test]
    fn a_retry_refers_to_the_mail_of_its_run() {
        let mut letter = letter();
        let earlier = Mid::new("春_2026-11-30-06-00-00", Event::Report, &letter.to);
        letter.in_reply_to = Some(earlier.clone());
        let bytes = render(&letter).unwrap();
        let (headers, _) = mailparse::parse_headers(&bytes).unwrap();
        for name in ["In-Reply-To", "References"] {
            assert_eq!(
                headers.get_first_value(name).unwrap(),
                format!("<{earlier}@studio.example>")
            );
        }
    }

    #[test]
    fn a_mail_that_is_too_large_keeps_its_headers_and_the_beginning_of_its_text() {
        let mut letter = letter();
        letter.text = (0..9_000).map(|n| format!("line {n} äöü\n")).collect();
        let long = render(&letter).unwrap();
        let short = shortened(&long).unwrap();
        assert!(short.len() < ALWAYS_TAKEN && short.is_ascii(), "{} bytes", short.len());
        let (long, short) =
            (mailparse::parse_mail(&long).unwrap(), mailparse::parse_mail(&short).unwrap());
        for name in HEADERS.iter().filter(|name| !name.starts_with("Content-")) {
            let value = |mail: &mailparse::ParsedMail<'_>| mail.headers.get_all_values(name);
            assert_eq!(value(&long), value(&short), "{name}");
            assert_eq!(value(&short).len(), 1, "{name}");
        }
        let text = short.get_body().unwrap();
        assert!(text.starts_with("line 0 äöü\r\nline 1 äöü\r\n"));
        assert!(text.trim_end().ends_with("The report has the rest."));
        // Of a mail with pictures the whole text stays.
        letter.text = "short\n".into();
        let head = render(&letter).unwrap();
        let end = head.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 2;
        let head = String::from_utf8(head[..end].to_vec()).unwrap();
        let head: String =
            head.split_inclusive("\r\n").filter(|line| !line.starts_with("Content-")).collect();
        let mixed = format!(
            "{head}Content-Type: multipart/related; boundary=\"x\"\r\n\r\n--x\r\n\
             Content-Type: text/plain\r\n\r\nthe text\r\n--x\r\nContent-Type: image/png\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--x--\r\n",
            "AAAA".repeat(30_000)
        );
        let short = shortened(mixed.as_bytes()).unwrap();
        assert_eq!(names(&short), [&HEADERS[..], &["Content-Transfer-Encoding"]].concat());
        assert_eq!(mailparse::parse_mail(&short).unwrap().get_body().unwrap().trim(), "the text");
        assert_eq!(shortened(&short), None);
    }

    proptest! {
        #[test]
        fn nothing_in_a_notice_adds_or_takes_a_header(
            found in any::<String>(), reason in any::<String>(), name in any::<String>(),
            head in "(\r\nBcc: |\n\n|\r|=\\?utf-8\\?q\\?=0D=0A\\?=)?",
        ) {
            let found = format!("{head}{found}");
            let notice =
                crate::report::Notice::PutAside { found: &found, moved_to: &name, reason: &reason };
            let at = letter().date;
            // Whatever is an address at all.
            let to = Address::parse(&format!("{name} <ops@studio.example>"))
                .unwrap_or_else(|_| Address::operator());
            let letter = notice.letter(&samples::mail(), &to, at);
            let mut wanted = HEADERS.to_vec();
            wanted.splice(8..10, ["X-Exportd-Notice"]);
            prop_assert_eq!(names(&render(&letter).unwrap()), wanted);
        }

        #[test]
        fn no_text_adds_or_takes_a_header(
            subject in any::<String>(), run in any::<String>(), text in any::<String>(),
            head in "(\r\nBcc: |\n\n|\r|=\\?utf-8\\?q\\?=0D=0A\\?=)?",
        ) {
            let mut letter = letter();
            letter.subject = format!("x{head}{subject}");
            letter.matter =
                Matter::Run { run: format!("{head}r{run}"), verdict: crate::job::Verdict::Partial };
            letter.text = format!("{text}{head}");
            let bytes = render(&letter).unwrap();
            prop_assert!(bytes.is_ascii());
            prop_assert_eq!(names(&bytes), HEADERS);
            let mail = mailparse::parse_mail(&bytes).unwrap();
            prop_assert_eq!(mail.subparts.len(), 2);
            let back = mail.headers.get_first_value("Subject").unwrap();
            prop_assert!(!back.chars().any(char::is_control), "{:?}", back);
            prop_assert_eq!(back, header_text(&letter.subject));
        }
    }
}
