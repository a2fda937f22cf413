//! Reading the items of one value: numbers in ranges, words of a list, flags, colours.

use crate::diag::{Code, Diagnostic, Phrase, nearest, phrase};
use crate::imaging::PixelType;
use crate::imaging::modifiers::Rules;
use crate::imaging::modifiers::values::{Color, Paint, PaintSpace};

/// The items of one value, taken from left to right.
///
/// An item that is absent or empty reads as `None`: the reference allows positional empties, as in
/// `fmt=tif,,lzw`.
pub(in crate::imaging::modifiers) struct Arguments<'a, 'f> {
    /// The command's name as the reference spells it.
    pub(in crate::imaging::modifiers) name: &'static str,
    /// The whole value.
    pub(in crate::imaging::modifiers) text: &'a str,
    /// Where it stands.
    pub(in crate::imaging::modifiers) span: std::ops::Range<usize>,
    /// How strict to be.
    pub(in crate::imaging::modifiers) rules: Rules,
    /// Warnings go here.
    pub(in crate::imaging::modifiers) findings: &'f mut Vec<Diagnostic>,
    items: std::str::Split<'a, char>,
}

/// Integers are bounded by what the reference allows for coordinates.
pub(super) const MOST: i64 = 1 << 31;

impl<'a, 'f> Arguments<'a, 'f> {
    /// Begins to read a value.
    pub(in crate::imaging::modifiers) fn new(
        name: &'static str,
        text: &'a str,
        span: std::ops::Range<usize>,
        rules: Rules,
        findings: &'f mut Vec<Diagnostic>,
    ) -> Self {
        Self { name, text, span, rules, findings, items: text.split(',') }
    }

    /// Makes the error for this command.
    pub(super) fn error(&self, message: impl Into<Phrase>) -> Diagnostic {
        Diagnostic::error(Code::Value, self.span.clone(), message)
    }

    /// Notes a warning for this command.
    pub(super) fn warn(&mut self, message: impl Into<Phrase>) {
        self.findings.push(Diagnostic::warning(Code::Value, self.span.clone(), message));
    }

    /// Takes the next item.
    pub(super) fn item(&mut self) -> Option<&'a str> {
        self.items.next().map(str::trim).filter(|item| !item.is_empty())
    }

    /// Reports an item that may not be left out.
    pub(super) fn missing(&self, wanted: Phrase) -> Diagnostic {
        if self.text.trim().is_empty() {
            return self.error(phrase!(
                "has-no-value",
                "`{command}` has no value; it must be {wanted}",
                command = self.name,
                wanted = wanted,
            ));
        }
        self.error(self.wants(wanted, self.text))
    }

    /// Says what a value should be, and what it is.
    fn wants(&self, wanted: impl Into<Phrase>, found: &str) -> Phrase {
        phrase!(
            "wants",
            "`{command}` must be {wanted}, not `{found}`",
            command = self.name,
            wanted = wanted.into(),
            found = echo(found),
        )
    }

    /// Reads a part of the value by itself; what it finds goes where the rest goes.
    pub(super) fn part<'b>(&'b mut self, text: &'b str) -> Arguments<'b, 'b> {
        Arguments::new(self.name, text, self.span.clone(), self.rules, &mut *self.findings)
    }

    /// Counts everything that is left as taken.
    pub(super) fn skip(&mut self) {
        self.items = "".split(',');
    }

    /// Makes sure that nothing is left over.
    pub(in crate::imaging::modifiers) fn end(&mut self) -> Result<(), Diagnostic> {
        while let Some(item) = self.items.next() {
            if !item.trim().is_empty() {
                let message = phrase!(
                    "no-further-value",
                    "`{command}` takes no further value `{found}`",
                    command = self.name,
                    found = echo(item),
                );
                return Err(self.error(message).help(phrase!("leave-it-out", "leave it out")));
            }
        }
        Ok(())
    }

    /// Takes a whole number from `low` to `high`.
    pub(super) fn int(&mut self, low: i64, high: i64) -> Result<Option<i64>, Diagnostic> {
        let Some(item) = self.item() else { return Ok(None) };
        let digits = item.strip_prefix(['-', '+']).unwrap_or(item);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(self.error(self.wants(int_range(low, high), item)));
        }
        let number =
            item.parse().unwrap_or(if item.starts_with('-') { i64::MIN } else { i64::MAX });
        if (low..=high).contains(&number) {
            return Ok(Some(number));
        }
        self.out_of_range(item, int_range(low, high))?;
        Ok(Some(number.clamp(low, high)))
    }

    /// Takes a whole number that fits into an unsigned field, from `low` up.
    pub(super) fn length(&mut self, low: u32) -> Result<Option<u32>, Diagnostic> {
        let number = self.int(i64::from(low), MOST)?;
        Ok(number.map(|n| u32::try_from(n).unwrap_or(u32::MAX)))
    }

    /// Takes a number from `low` to `high`.
    pub(super) fn real(&mut self, low: f64, high: f64) -> Result<Option<f64>, Diagnostic> {
        let Some(item) = self.item() else { return Ok(None) };
        let Some(number) = number(item) else {
            return Err(self.error(self.wants(real_range(low, high), item)));
        };
        if (low..=high).contains(&number) {
            return Ok(Some(number));
        }
        self.out_of_range(item, real_range(low, high))?;
        Ok(Some(number.clamp(low, high)))
    }

    /// Takes a number above 0; it cannot be clamped to anything sensible.
    pub(super) fn positive(&mut self) -> Result<Option<f64>, Diagnostic> {
        let Some(item) = self.item() else { return Ok(None) };
        match number(item) {
            Some(number) if number > 0.0 => Ok(Some(number)),
            Some(_) | None => Err(self.error(self.wants(above_zero(), item))),
        }
    }

    /// Takes a number without bounds.
    pub(super) fn any(&mut self) -> Result<Option<f64>, Diagnostic> {
        let Some(item) = self.item() else { return Ok(None) };
        number(item)
            .map(Some)
            .ok_or_else(|| self.error(self.wants(phrase!("a-number", "a number"), item)))
    }

    /// Reports a number out of its range: an error, or a warning where the rules are lenient.
    fn out_of_range(&mut self, item: &str, wanted: Phrase) -> Result<(), Diagnostic> {
        let message = self.wants(wanted, item);
        if !self.rules.lenient {
            return Err(self.error(message));
        }
        self.warn(phrase!(
            "nearest-used",
            "{message}; the nearest allowed value is used",
            message = message
        ));
        Ok(())
    }

    /// Takes one of a list of words, in any case.
    pub(super) fn word<T: Copy>(
        &mut self,
        words: &[(&'static str, T)],
    ) -> Result<Option<T>, Diagnostic> {
        let Some(item) = self.item() else { return Ok(None) };
        if let Some((_, value)) = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(item)) {
            return Ok(Some(*value));
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let error = self.error(self.wants(names.join(" | "), item));
        Err(match nearest(&echo(item), names) {
            Some(near) => {
                error.help(phrase!("did-you-mean", "did you mean `{near}`?", near = near))
            }
            None => error,
        })
    }

    /// Takes 0 or 1; the words are seen in real requests.
    pub(super) fn flag(&mut self) -> Result<Option<bool>, Diagnostic> {
        self.word(&[("0", false), ("1", true), ("false", false), ("true", true)])
    }

    /// Takes exactly `N` numbers without bounds.
    pub(super) fn reals<const N: usize>(
        &mut self,
        wanted: &Phrase,
    ) -> Result<[f64; N], Diagnostic> {
        let mut numbers = [0.0; N];
        for number in &mut numbers {
            *number = self.any()?.ok_or_else(|| self.missing(wanted.clone()))?;
        }
        Ok(numbers)
    }

    /// Takes exactly `N` coordinates.
    pub(super) fn ints<const N: usize>(&mut self, wanted: &Phrase) -> Result<[i64; N], Diagnostic> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = self.int(-MOST, MOST)?.ok_or_else(|| self.missing(wanted.clone()))?;
        }
        Ok(numbers)
    }

    /// Takes everything that is left as a colour (reference page *color*).
    ///
    /// One or two decimal numbers are gray in percent, three or four are RGB in 0–255, four or
    /// five with the suffix `k` are CMYK in percent. Six or eight hexadecimal digits are RGB;
    /// `0x` stands before gray (two or four digits), `k` behind CMYK (eight or ten, each byte a
    /// percentage). The suffix `s` names the source's colour space.
    pub(super) fn paint(&mut self) -> Result<Paint, Diagnostic> {
        let text = self.text.trim().to_ascii_lowercase();
        let (text, space) = match text.strip_suffix('s') {
            Some(text) => (text, PaintSpace::Source),
            None => (text.as_str(), PaintSpace::Output),
        };
        let (body, suffix) = match text.char_indices().last() {
            Some((at, c @ ('g' | 'r' | 'k'))) => (&text[..at], Some(c)),
            _ => (text, None),
        };
        self.skip();
        let color = match hex(body, suffix) {
            Some(Ok(color)) => color,
            Some(Err(())) => return Err(self.missing(a_colour())),
            None => self.decimal(body, suffix)?,
        };
        Ok(Paint { color, space })
    }

    /// Reads a colour of decimal numbers.
    fn decimal(&mut self, body: &str, suffix: Option<char>) -> Result<Color, Diagnostic> {
        let count = body.split(',').count();
        let (pixel_type, top) = match (count, suffix) {
            (1 | 2, None | Some('g')) => (PixelType::Gray, 100.0),
            (3 | 4, None | Some('r')) => (PixelType::Rgb, 255.0),
            (4 | 5, Some('k')) => (PixelType::Cmyk, 100.0),
            _ => return Err(self.missing(a_colour())),
        };
        if !body.split(',').all(|item| number(item.trim()).is_some()) {
            return Err(self.missing(a_colour()));
        }
        let mut levels = [0; 5];
        let mut items = self.part(body);
        for level in levels.iter_mut().take(count) {
            let number = items.real(0.0, top)?;
            let number = number.ok_or_else(|| items.missing(a_colour()))?;
            *level = level_of(number * 255.0 / top);
        }
        let components = pixel_type.components();
        let alpha = if count > components { levels[components] } else { 255 };
        Ok(color_of(pixel_type, &levels[..components], alpha))
    }
}

/// Puts components and alpha together.
fn color_of(pixel_type: PixelType, levels: &[u8], alpha: u8) -> Color {
    let mut components = [0; 4];
    for (component, level) in components.iter_mut().zip(levels) {
        *component = *level;
    }
    Color { pixel_type, components, alpha }
}

/// Reads a colour of hexadecimal digits; `None` when it is not one, an error when it is but wrong.
fn hex(body: &str, suffix: Option<char>) -> Option<Result<Color, ()>> {
    let (digits, prefixed) = match body.strip_prefix("0x") {
        Some(digits) => (digits, true),
        None => (body, false),
    };
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) || !digits.is_ascii() {
        return prefixed.then_some(Err(()));
    }
    let pixel_type = match (digits.len(), suffix, prefixed) {
        (2 | 4, None | Some('g'), true) => PixelType::Gray,
        (6 | 8, None | Some('r'), _) => PixelType::Rgb,
        (8 | 10, Some('k'), _) => PixelType::Cmyk,
        (_, _, true) => return Some(Err(())),
        (_, _, false) => return None,
    };
    let bytes: Vec<u8> = (0..digits.len())
        .step_by(2)
        .filter_map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok())
        .collect();
    let levels: Vec<u8> = if pixel_type == PixelType::Cmyk {
        if bytes.iter().any(|percent| *percent > 100) {
            return Some(Err(()));
        }
        bytes.iter().map(|percent| level_of(f64::from(*percent) * 255.0 / 100.0)).collect()
    } else {
        bytes
    };
    let components = pixel_type.components();
    let alpha = levels.get(components).copied().unwrap_or(255);
    Some(Ok(color_of(pixel_type, &levels[..components], alpha)))
}

/// Rounds a level to a byte.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0–255 before"
)]
fn level_of(level: f64) -> u8 {
    level.round().clamp(0.0, 255.0) as u8
}

/// Reads a finite number in decimal notation.
fn number(text: &str) -> Option<f64> {
    let plain = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E');
    let number: f64 = text.bytes().all(plain).then(|| text.parse().ok()).flatten()?;
    number.is_finite().then_some(number)
}

/// Words for a range of whole numbers.
fn int_range(low: i64, high: i64) -> Phrase {
    match (low, high) {
        (1, MOST) => above_zero_whole(),
        (0, MOST) => phrase!("a-whole-number-or-zero", "a whole number, 0 or more"),
        _ if high == MOST => phrase!("a-whole-number", "a whole number"),
        _ => whole_from(low, high),
    }
}

/// A whole number in a range.
pub(super) fn whole_from(low: i64, high: i64) -> Phrase {
    phrase!("a-whole-number-from", "a whole number from {low} to {high}", low = low, high = high,)
}

/// Takes two numbers that no coordinate exceeds; none is the default.
pub(super) fn place(items: &mut Arguments<'_, '_>) -> Result<(), Diagnostic> {
    const MOST: f64 = 2_147_483_648.0;
    items.real(-MOST, MOST)?;
    items.real(-MOST, MOST).map(|_| ())
}

/// A whole number above 0.
pub(super) fn above_zero_whole() -> Phrase {
    phrase!("a-whole-number-above-zero", "a whole number above 0")
}

/// A number above 0.
pub(super) fn above_zero() -> Phrase {
    phrase!("a-number-above-zero", "a number above 0")
}

/// The corner and the size of a part of a picture.
pub(super) fn corner_and_size() -> Phrase {
    phrase!("corner-and-size", "x, y, width and height")
}

fn a_colour() -> Phrase {
    phrase!("a-colour", "a colour")
}

/// Words for a range of numbers.
fn real_range(low: f64, high: f64) -> Phrase {
    phrase!("a-number-from", "a number from {low} to {high}", low = low, high = high)
}

/// Cuts what somebody wrote to what fits into a message.
pub(in crate::imaging::modifiers) fn echo(text: &str) -> String {
    const LONGEST: usize = 40;
    let cut: String = text.chars().take(LONGEST).collect();
    let shown = crate::diag::shown(&cut);
    if text.chars().nth(LONGEST).is_some() { shown + "…" } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paint(text: &str) -> Result<Paint, Diagnostic> {
        let mut findings = Vec::new();
        Arguments::new("bgc", text, 0..0, Rules::default(), &mut findings).paint()
    }

    fn color(text: &str) -> Option<(PixelType, [u8; 4], u8)> {
        let Color { pixel_type, components, alpha } = paint(text).ok()?.color;
        Some((pixel_type, components, alpha))
    }

    #[test]
    fn colours_of_every_form() {
        use PixelType::{Cmyk, Gray, Rgb};
        for (text, want) in [
            ("f1f1f1", (Rgb, [0xf1, 0xf1, 0xf1, 0], 255)),
            ("0xF1F1F180", (Rgb, [0xf1, 0xf1, 0xf1, 0], 0x80)),
            ("255,0,0", (Rgb, [255, 0, 0, 0], 255)),
            ("255,0,0,128r", (Rgb, [255, 0, 0, 0], 128)),
            ("200000", (Rgb, [0x20, 0, 0, 0], 255)),
            ("100", (Gray, [255, 0, 0, 0], 255)),
            ("50,0g", (Gray, [128, 0, 0, 0], 0)),
            ("0x70g", (Gray, [0x70, 0, 0, 0], 255)),
            ("0x7080", (Gray, [0x70, 0, 0, 0], 0x80)),
            ("0,100,50,0k", (Cmyk, [0, 255, 128, 0], 255)),
            ("0,100,50,0,100K", (Cmyk, [0, 255, 128, 0], 255)),
            ("00643200k", (Cmyk, [0, 255, 128, 0], 255)),
        ] {
            assert_eq!(color(text), Some(want), "{text}");
        }
    }

    #[test]
    fn wrong_colours_are_errors() {
        for text in ["red", "0x12345", "256,0,0", "1,2,3,4,5", "ff000000k", "101", "", ",", "0xgg"]
        {
            assert!(paint(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_printed_colour_reads_back() {
        for text in
            ["f1f1f1", "f1f1f180", "0x70g", "0x7080", "12.5,3,99,0k", "1,2,3,4,5ks", "0x70gs"]
        {
            let first = paint(text).unwrap();
            assert_eq!(paint(&first.to_string()), Ok(first), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_number_is_none() {
        for text in ["inf", "nan", "1e999", "", "0x10", "1,5", "--1"] {
            assert_eq!(number(text), None, "{text}");
        }
        assert_eq!(number("-.5"), Some(-0.5));
        assert_eq!(number("1e9"), Some(1e9));
    }
}
