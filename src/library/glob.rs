//! Patterns over names: `*`, `?`, `[..]` within one part of a path, `**` over any number of them.
//!
//! A pattern is taken apart at its slashes and walked down the folders part by part, so that only
//! folders it can reach are listed, and `*` never matches a slash. Names and patterns are compared
//! in Unicode NFC and by characters, so that `?` is one letter in every script. Braces and
//! backslashes are ordinary characters.

use unicode_normalization::UnicodeNormalization;

/// One part of a pattern.
#[derive(Debug)]
pub(super) enum Part {
    /// Exactly this name.
    Name(String),
    /// Any name that matches.
    Names(Names),
    /// Any number of folders, none included.
    Folders,
}

/// A pattern for one name.
#[derive(Debug)]
pub(super) struct Names {
    /// What every match begins with, in NFC.
    pub(super) prefix: String,
    tokens: Vec<Token>,
}

/// One step of a pattern for a name.
#[derive(Debug, PartialEq, Eq)]
enum Token {
    /// `*`
    Any,
    /// `?`
    One,
    /// `[..]`, as ranges; with `!` or `^` in front everything else.
    Class { ranges: Vec<(char, char)>, negated: bool },
    /// Itself.
    Char(char),
}

/// Tells whether a handle asks for more than one name.
pub(super) fn is_pattern(handle: &str) -> bool {
    handle.contains(['*', '?', '['])
}

/// Takes a pattern apart; `None` when a bracket is not closed.
pub(super) fn parse(pattern: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    for part in pattern.split('/') {
        let part: String = part.nfc().collect();
        if part == "**" {
            if !matches!(parts.last(), Some(Part::Folders)) {
                parts.push(Part::Folders);
            }
        } else if is_pattern(&part) {
            parts.push(Part::Names(Names::parse(&part)?));
        } else {
            parts.push(Part::Name(part));
        }
    }
    // `tops/**` asks for everything below.
    if matches!(parts.last(), Some(Part::Folders)) {
        parts.push(Part::Names(Names { prefix: String::new(), tokens: vec![Token::Any] }));
    }
    Some(parts)
}

impl Names {
    fn parse(part: &str) -> Option<Self> {
        let prefix = part.split(['*', '?', '[']).next().unwrap_or("").to_owned();
        let mut tokens = Vec::new();
        let mut rest = part.chars();
        while let Some(c) = rest.next() {
            match c {
                '*' if tokens.last() == Some(&Token::Any) => {}
                '*' => tokens.push(Token::Any),
                '?' => tokens.push(Token::One),
                '[' => tokens.push(class(&mut rest)?),
                other => tokens.push(Token::Char(other)),
            }
        }
        Some(Self { prefix, tokens })
    }

    /// Tells whether a name in NFC matches; at worst as many steps as name times pattern.
    pub(super) fn matches(&self, name: &str) -> bool {
        let (mut left, mut tokens) = (name.chars(), self.tokens.as_slice());
        // After a `*`: what was left of the name where it was tried last, and the tokens behind it.
        let mut retry: Option<(std::str::Chars<'_>, &[Token])> = None;
        loop {
            if let [Token::Any, behind @ ..] = tokens {
                if behind.is_empty() {
                    return true;
                }
                tokens = behind;
                retry = Some((left.clone(), behind));
                continue;
            }
            let mut after = left.clone();
            let Some(c) = after.next() else { return tokens.is_empty() };
            match tokens {
                [one, behind @ ..] if one.takes(c) => (left, tokens) = (after, behind),
                _ => {
                    // The `*` takes one more.
                    let Some((tried, behind)) = &mut retry else { return false };
                    tried.next();
                    (left, tokens) = (tried.clone(), behind);
                }
            }
        }
    }
}

impl Token {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Any | Self::One => true,
            Self::Char(own) => *own == c,
            Self::Class { ranges, negated } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated
            }
        }
    }
}

/// Reads a class behind its `[`; a `]` as its first member is a member.
fn class(rest: &mut std::str::Chars<'_>) -> Option<Token> {
    let mut ranges: Vec<(char, char)> = Vec::new();
    let mut next = rest.next()?;
    let negated = matches!(next, '!' | '^');
    if negated {
        next = rest.next()?;
    }
    loop {
        let from = next;
        next = rest.next()?;
        let mut ahead = rest.clone();
        match (next, ahead.next()) {
            ('-', Some(to)) if to != ']' => {
                ranges.push((from, to));
                *rest = ahead;
                next = rest.next()?;
            }
            _ => ranges.push((from, from)),
        }
        if next == ']' {
            return Some(Token::Class { ranges, negated });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        let names = Names::parse(pattern).unwrap();
        let matched = names.matches(name);
        assert!(!matched || name.starts_with(&names.prefix), "{pattern} {name}");
        matched
    }

    #[test]
    fn parts_match_names() {
        for (pattern, name) in [
            ("*", ""),
            ("*.tif", "a.tif"),
            ("*.tif", ".tif.tif"),
            ("a?.tif", "aé.tif"),
            ("[ab]*", "b1"),
            ("[!a]*", "b1"),
            ("[^a]*", "é"),
            ("[a-c]x", "bx"),
            ("[а-я]*", "дом"),
            ("[a-]", "-"),
            ("[-a]", "-"),
            ("[]a]", "]"),
            ("[]{]*", "{a"),
            ("x{1}*", "x{1}y"),
            ("a\\*", "a\\b"),
            ("**x", "abx"),
            ("*a*b*", "xxaxxbxx"),
            ("*ab", "aab"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*.tif", "a.TIF"),
            ("x{a,b}*", "xa"),
            ("[!a]*", "a1"),
            ("a?", "a"),
            ("a?", "abc"),
            ("[a-c]", "d"),
            ("[a-c]", "ab"),
            ("*ab", "abc"),
            ("?", ""),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    /// What matching means, without a thought for its cost.
    fn plainly(tokens: &[Token], name: &[char]) -> bool {
        match (tokens, name) {
            ([], rest) => rest.is_empty(),
            ([Token::Any, behind @ ..], _) => {
                (0..=name.len()).any(|skipped| plainly(behind, &name[skipped..]))
            }
            ([one, behind @ ..], [c, after @ ..]) => one.takes(*c) && plainly(behind, after),
            (_, []) => false,
        }
    }

    #[test]
    fn a_pattern_made_to_be_slow_is_not() {
        assert!(!matches(&"*a".repeat(100), &("a".repeat(99) + &"b".repeat(150))));
    }

    #[test]
    fn a_bracket_that_is_not_closed_is_no_pattern() {
        for open in ["a[b*", "[", "[]", "[!]", "[a-", "a/[b/c]"] {
            assert!(parse(open).is_none(), "{open}");
        }
    }

    #[test]
    fn folders_are_any_number() {
        assert_eq!(parse("**/**/x").unwrap().len(), 2);
        assert!(matches!(
            parse("a/**").unwrap().as_slice(),
            [Part::Name(_), Part::Folders, Part::Names(_)]
        ));
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_panics(text in "[a-cé*?\\[\\]!^{},/\\\\-]{0,20}", name in "[a-cé\\[\\]-]{0,8}") {
            for part in parse(&text).unwrap_or_default() {
                if let Part::Names(names) = part {
                    names.matches(&name);
                }
            }
        }

        #[test]
        fn it_matches_what_it_means(text in "[abé*?]{0,8}", name in "[abé]{0,8}") {
            let names = Names::parse(&text).unwrap();
            let characters: Vec<char> = name.chars().collect();
            proptest::prop_assert_eq!(names.matches(&name), plainly(&names.tokens, &characters));
        }
    }
}
