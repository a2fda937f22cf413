//! A mail as a person sees it.

use mailparse::MailHeaderMap as _;

/// Writes a message as a mail program shows it: who, what about, when, and the text.
///
/// Bytes that are no message give what can be read of them.
#[must_use]
pub fn readable(message: &[u8]) -> String {
    let Ok(mail) = mailparse::parse_mail(message) else {
        return String::from_utf8_lossy(message).into_owned();
    };
    let mut out = String::new();
    for name in ["From", "To", "Subject", "Date"] {
        if let Some(value) = mail.headers.get_first_value(name) {
            out.push_str(&format!("{name}: {value}\n"));
        }
    }
    out.push('\n');
    let part = mail.parts().find(|part| part.ctype.mimetype == "text/plain");
    let text = part.and_then(|part| part.get_body().ok()).unwrap_or_default();
    out.push_str(text.replace("\r\n", "\n").trim_end());
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_and_bodies_are_read() {
        let mail = b"From: a@b\r\nSubject: =?utf-8?b?w6k=?=\r\nMIME-Version: 1.0\r\n\
            Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nw7w=\r\n";
        assert_eq!(readable(mail), "From: a@b\nSubject: \u{e9}\n\n\u{fc}\n");
    }
}
