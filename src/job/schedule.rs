//! When a job runs again and again: `execSchedule`, a Quartz cron expression.
//!
//! Quartz writes `seconds minutes hours day-of-month month day-of-week [year]`, counts the days of
//! the week from Sunday = 1, and wants exactly one of the two day fields to be `?`. The fields are
//! read here, so that a mistake is named in words and with its place, and handed to the crate
//! croner as plain lists of numbers; it only searches the calendar.
//!
//! Times are those of the server's clock on the wall. The calendar is therefore searched without a
//! zone, and the zone comes in afterwards: a time that the clock skips runs at the first moment
//! after the gap, a time that it shows twice runs the first time only.

use std::ops::Range;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, Zoned};

use crate::diag::{Argument, Phrase, phrase, shown};
use crate::library::toml::write;

/// Longest expression in bytes; every minute of an hour listed by hand has fewer.
const MOST_BYTES: usize = 1000;

/// A schedule that can be asked for its next firing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    cron: Cron,
}

/// What is wrong with a schedule, and where in its text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScheduleError {
    /// What was found and what is allowed.
    pub message: Phrase,
    /// The part of the text concerned, in bytes.
    pub part: Range<usize>,
    /// What to write instead.
    pub help: Option<Phrase>,
}

impl ScheduleError {
    fn new(part: Range<usize>, message: impl Into<Phrase>) -> Self {
        Self { message: message.into(), part, help: None }
    }

    fn help(mut self, help: impl Into<Phrase>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Schedule {
    /// Reads a Quartz expression.
    ///
    /// # Errors
    /// What is wrong with each field; see [`ScheduleError`]. Whether it ever fires is another
    /// question: [`Schedule::next_after`].
    pub fn parse(text: &str) -> Result<Self, Vec<ScheduleError>> {
        if text.len() > MOST_BYTES {
            return Err(vec![ScheduleError::new(
                0..text.len(),
                phrase!(
                    "schedule-long",
                    "a schedule has at most {most} bytes, this one has {bytes}",
                    most = Argument::count(MOST_BYTES),
                    bytes = Argument::count(text.len()),
                ),
            )]);
        }
        let words = words(text);
        if !(6..=7).contains(&words.len()) {
            return Err(vec![wrong_count(text, &words)]);
        }
        let mut errors = Vec::new();
        if words[3].1 == "?" && words[5].1 == "?" || words[3].1 != "?" && words[5].1 != "?" {
            errors.push(wrong_days(&words));
        }
        let mut fields = Vec::with_capacity(7);
        for (field, (at, word)) in FIELDS.iter().zip(&words) {
            match field.read(word, *at) {
                Ok(read) => fields.push(read),
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Required)
            .year(Year::Optional)
            .alternative_weekdays(true)
            .dom_and_dow(true)
            .sloppy_ranges(true)
            .build();
        let cron = parser
            .parse(&fields.join(" "))
            .map_err(|error| vec![ScheduleError::new(0..text.len(), shown(&error.to_string()))])?;
        Ok(Self { text: text.to_owned(), cron })
    }

    /// Returns the expression as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the first firing after a moment, in that moment's zone; `None` when there is none.
    #[must_use]
    pub fn next_after(&self, after: &Zoned) -> Option<Zoned> {
        let zone = after.time_zone();
        let mut civil = after.datetime();
        // Inside a doubled hour the wall clock is behind what has run already.
        loop {
            civil = self.cron.find_next_occurrence(&civil, false).ok()?;
            let firing = on_the_clock(civil, zone)?;
            if firing > *after {
                return Some(firing);
            }
        }
    }
}

impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Finds the moment at which a clock in `zone` shows `civil` for the first time, or the first
/// moment after the gap when it skips it.
fn on_the_clock(civil: DateTime, zone: &TimeZone) -> Option<Zoned> {
    let ambiguous = zone.to_ambiguous_zoned(civil);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => {
            ambiguous.earlier().ok()
        }
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the offset that holds after the gap, the skipped time lies before it.
            let before: Timestamp = after.to_timestamp(civil).ok()?;
            let transition = zone.following(before).next()?;
            Some(transition.timestamp().to_zoned(zone.clone()))
        }
    }
}

/// Splits at white space, keeping each word's place.
fn words(text: &str) -> Vec<(usize, &str)> {
    let start = text.as_ptr() as usize;
    text.split_whitespace().map(|word| (word.as_ptr() as usize - start, word)).collect()
}

fn wrong_count(text: &str, words: &[(usize, &str)]) -> ScheduleError {
    let error = ScheduleError::new(
        0..text.len(),
        phrase!(
            "schedule-fields",
            "a schedule has 6 or 7 fields (seconds minutes hours day-of-month month day-of-week \
             [year]), this one has {fields}",
            fields = Argument::count(words.len())
        ),
    );
    // As in some tables of examples, where the day has slipped into the words behind it.
    if let [.., (_, "?"), (_, _month)] = words
        && words.len() == 5
    {
        return error.help(phrase!(
            "schedule-weekdays-missing",
            "the days of the week are missing at the end: \"{all} Mon-Fri\" for working days, \
             \"{all} *\" for every day",
            all = text.trim()
        ));
    }
    if let [(_, minutes), (_, hours), (_, day), (_, month), (_, weekday)] = words {
        let (day, weekday) = match (*day, *weekday) {
            (day, "*") => (day, "?"),
            ("*", weekday) => ("?", weekday),
            both => both,
        };
        return error.help(phrase!(
            "seconds-first",
            "the seconds come first: \"{schedule}\"",
            schedule = format!("0 {minutes} {hours} {day} {month} {weekday}")
        ));
    }
    if let [(_, name)] = words
        && name.starts_with('@')
    {
        return error.help(phrase!(
            "write-schedule-out",
            "write it out, for example \"0 0 6 * * ?\" for every day at six"
        ));
    }
    error
}

fn wrong_days(words: &[(usize, &str)]) -> ScheduleError {
    let part = words[3].0..words[5].0 + words[5].1.len();
    let error = ScheduleError::new(
        part,
        phrase!(
            "schedule-days",
            "exactly one of day-of-month and day-of-week has to be \"?\", the other says which days"
        ),
    );
    let mut fixed: Vec<&str> = words.iter().map(|(_, word)| *word).collect();
    match (fixed[3], fixed[5]) {
        ("?", _) => fixed[3] = "*",
        (_, "*") => fixed[5] = "?",
        ("*", _) => fixed[3] = "?",
        // Both say something: which one is meant is not ours to guess.
        _ => {
            return error.help(phrase!(
                "write-question-mark",
                "write \"?\" in place of the one that does not matter"
            ));
        }
    }
    error.help(write(format!("\"{}\"", fixed.join(" "))))
}

/// One of the seven fields.
struct Field {
    name: &'static str,
    least: u16,
    most: u16,
    names: &'static [&'static str],
    special: Special,
}

/// What a field allows beyond numbers, ranges and steps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Special {
    Nothing,
    DayOfMonth,
    DayOfWeek,
}

const MONTHS: &[&str] =
    &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const FIELDS: [Field; 7] = [
    Field { name: "seconds", least: 0, most: 59, names: &[], special: Special::Nothing },
    Field { name: "minutes", least: 0, most: 59, names: &[], special: Special::Nothing },
    Field { name: "hours", least: 0, most: 23, names: &[], special: Special::Nothing },
    Field { name: "day-of-month", least: 1, most: 31, names: &[], special: Special::DayOfMonth },
    Field { name: "month", least: 1, most: 12, names: MONTHS, special: Special::Nothing },
    Field { name: "day-of-week", least: 1, most: 7, names: WEEKDAYS, special: Special::DayOfWeek },
    Field { name: "year", least: 1970, most: 2199, names: &[], special: Special::Nothing },
];

impl Field {
    /// Turns a field into the form croner reads: `*`, or a list of numbers and special terms.
    fn read(&self, word: &str, at: usize) -> Result<String, ScheduleError> {
        let upper = word.to_ascii_uppercase();
        if upper == "*" || (upper == "?" && self.special != Special::Nothing) {
            return Ok("*".into());
        }
        let mut out: Vec<String> = Vec::new();
        let mut start = at;
        for term in upper.split(',') {
            let part = start..start + term.len();
            start = part.end + 1;
            if let Some(special) = self.special_term(term, &part)? {
                out.push(special);
            } else {
                out.extend(self.numbers(term, &part)?.iter().map(u16::to_string));
            }
        }
        Ok(out.join(","))
    }

    /// Reads the terms with letters that only the day fields have.
    fn special_term(
        &self,
        term: &str,
        part: &Range<usize>,
    ) -> Result<Option<String>, ScheduleError> {
        if self.special == Special::Nothing {
            return Ok(None);
        }
        let refused = |what: Phrase, instead: Phrase| {
            Err(ScheduleError::new(part.clone(), what).help(instead))
        };
        if term == "C" || (term.ends_with('C') && term[..term.len() - 1].parse::<u16>().is_ok()) {
            return refused(
                phrase!(
                    "business-calendar",
                    "\"C\" asks for a business calendar, and there is none here"
                ),
                phrase!("write-days", "write the days themselves"),
            );
        }
        match self.special {
            Special::Nothing => Ok(None),
            Special::DayOfMonth if term == "L" || term == "LW" => Ok(Some(term.into())),
            Special::DayOfMonth if term.starts_with("L-") => refused(
                phrase!(
                    "distance-from-last-day",
                    "a distance from the last day (\"L-3\") is not supported"
                ),
                phrase!("write-last-day", "write \"L\" for the last day, or the days as numbers"),
            ),
            Special::DayOfMonth => match term.strip_suffix('W') {
                Some(day) => Ok(Some(format!("{}W", self.number(day, part)?))),
                None => Ok(None),
            },
            // Quartz: alone it is the last day of the week, Saturday.
            Special::DayOfWeek if term == "L" => Ok(Some("7".into())),
            Special::DayOfWeek => {
                if let Some((day, nth)) = term.split_once('#') {
                    let day = self.number(day, part)?;
                    return match nth.parse::<u8>() {
                        Ok(nth @ 1..=5) => Ok(Some(format!("{day}#{nth}"))),
                        _ => refused(
                            phrase!("nth-weekday", "after \"#\" comes 1 to 5"),
                            phrase!("write-nth-weekday", "write \"6#3\" for the third Friday"),
                        ),
                    };
                }
                match term.strip_suffix('L') {
                    Some(day) => Ok(Some(format!("{}L", self.number(day, part)?))),
                    None => Ok(None),
                }
            }
        }
    }

    /// Lists the numbers of `*`, `a`, `a-b`, each with or without `/step`.
    ///
    /// A range whose end lies before its start goes on from the beginning (`Fri-Mon`, `22-2`).
    fn numbers(&self, term: &str, part: &Range<usize>) -> Result<Vec<u16>, ScheduleError> {
        let (range, step) = match term.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step, part)?)),
            None => (term, None),
        };
        let (from, to) = if range == "*" || (range.is_empty() && step.is_some()) {
            (self.least, self.most)
        } else if let Some((from, to)) = range.split_once('-') {
            (self.number(from, part)?, self.number(to, part)?)
        } else {
            let from = self.number(range, part)?;
            (from, if step.is_some() { self.most } else { from })
        };
        let step = usize::from(step.unwrap_or(1));
        if from <= to {
            return Ok((from..=to).step_by(step).collect());
        }
        if self.name == "year" {
            return Err(self.wrong(range, part));
        }
        Ok((from..=self.most).chain(self.least..=to).step_by(step).collect())
    }

    fn step(&self, text: &str, part: &Range<usize>) -> Result<u16, ScheduleError> {
        match text.parse::<u16>() {
            Ok(step) if step > 0 && step <= self.most => Ok(step),
            _ => Err(ScheduleError::new(
                part.clone(),
                phrase!(
                    "schedule-step",
                    "after \"/\" in {field} comes a number from 1 to {most}, found \"{found}\"",
                    field = self.words(),
                    most = self.most,
                    found = shown(text),
                ),
            )
            .help(phrase!("write-step", "write \"0/15\" for every fifteenth, from 0 on"))),
        }
    }

    fn number(&self, text: &str, part: &Range<usize>) -> Result<u16, ScheduleError> {
        if let Some(at) = self.names.iter().position(|name| *name == text) {
            return Ok(self.least + u16::try_from(at).unwrap_or(0));
        }
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse::<u16>() {
            Ok(number) if digits && (self.least..=self.most).contains(&number) => Ok(number),
            _ => Err(self.wrong(text, part)),
        }
    }

    fn wrong(&self, text: &str, part: &Range<usize>) -> ScheduleError {
        let message = match (self.names.first(), self.names.last()) {
            (Some(first), Some(last)) => phrase!(
                "schedule-value-named",
                "{least} to {most} or {first} to {last} are allowed for {field}, found \"{found}\"",
                least = self.least,
                most = self.most,
                first = *first,
                last = *last,
                field = self.words(),
                found = shown(text),
            ),
            _ => phrase!(
                "schedule-value",
                "{least} to {most} are allowed for {field}, found \"{found}\"",
                least = self.least,
                most = self.most,
                field = self.words(),
                found = shown(text),
            ),
        };
        let error = ScheduleError::new(part.clone(), message);
        match (self.special, text) {
            (Special::DayOfWeek, "0") => {
                error.help(phrase!("sunday-is-1", "Sunday is 1, Saturday is 7"))
            }
            (Special::Nothing, "?") => error.help(phrase!(
                "question-mark-place",
                "\"?\" stands in one of the two day fields only"
            )),
            _ => error.help(phrase!(
                "write-schedule-value",
                "write a number, a range such as {range}, several with \",\", or \"*\" for every one",
                range = format!("{}-{}", self.least, self.least + 1)
            )),
        }
    }

    /// Names it.
    fn words(&self) -> Phrase {
        match self.name {
            "seconds" => phrase!("field-seconds", "seconds"),
            "minutes" => phrase!("field-minutes", "minutes"),
            "hours" => phrase!("field-hours", "hours"),
            "day-of-month" => phrase!("field-day-of-month", "day-of-month"),
            "month" => phrase!("field-month", "month"),
            "day-of-week" => phrase!("field-day-of-week", "day-of-week"),
            "year" => phrase!("field-year", "year"),
            other => other.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::*;

    fn berlin(text: &str) -> Zoned {
        text.parse::<DateTime>().unwrap().in_tz("Europe/Berlin").unwrap()
    }

    fn firings(schedule: &str, after: &Zoned, count: usize) -> Vec<String> {
        let schedule = Schedule::parse(schedule).unwrap();
        let mut at = after.clone();
        let mut list = Vec::new();
        for _ in 0..count {
            at = schedule.next_after(&at).unwrap();
            list.push(at.strftime("%a %Y-%m-%d %H:%M:%S %:z").to_string());
        }
        list
    }

    fn days(schedule: &str, count: usize) -> Vec<String> {
        let all = firings(schedule, &berlin("2026-11-24T12:00"), count);
        all.into_iter().map(|text| text[..14].to_owned()).collect()
    }

    #[test]
    fn the_rows_of_the_quartz_manual() {
        assert_eq!(
            days("0 0 6 ? * Mon-Fri", 3),
            ["Wed 2026-11-25", "Thu 2026-11-26", "Fri 2026-11-27"]
        );
        assert_eq!(days("0 15 10 L * ?", 2), ["Mon 2026-11-30", "Thu 2026-12-31"]);
        assert_eq!(
            days("0 15 10 LW * ?", 3),
            ["Mon 2026-11-30", "Thu 2026-12-31", "Fri 2027-01-29"]
        );
        assert_eq!(days("0 15 10 15W * ?", 2), ["Tue 2026-12-15", "Fri 2027-01-15"]);
        assert_eq!(days("0 15 10 ? * 6L", 2), ["Fri 2026-11-27", "Fri 2026-12-25"]);
        assert_eq!(days("0 15 10 ? * 6#3", 2), ["Fri 2026-12-18", "Fri 2027-01-15"]);
        assert_eq!(days("0 15 10 ? * L", 2), ["Sat 2026-11-28", "Sat 2026-12-05"]);
        assert_eq!(days("0 15 10 ? * 1", 1), ["Sun 2026-11-29"]);
        assert_eq!(days("0 15 10 ? * Fri-Mon", 4)[..2], ["Fri 2026-11-27", "Sat 2026-11-28"]);
        assert_eq!(days("0 11 11 11 11 ?", 2), ["Thu 2027-11-11", "Sat 2028-11-11"]);
        assert_eq!(days("0 0 0 1 jan ? 2030", 1), ["Tue 2030-01-01"]);
        assert_eq!(days("0 0 0 29 2 ?", 2), ["Tue 2028-02-29", "Sun 2032-02-29"]);
    }

    #[test]
    fn steps_and_lists() {
        let after = berlin("2026-11-24T12:00");
        let times = |text: &str| -> Vec<String> {
            firings(text, &after, 4).iter().map(|s| s[15..23].to_owned()).collect()
        };
        assert_eq!(times("0 0/20 * * * ?"), ["12:20:00", "12:40:00", "13:00:00", "13:20:00"]);
        assert_eq!(times("0 5/25 14-15 * * ?"), ["14:05:00", "14:30:00", "14:55:00", "15:05:00"]);
        assert_eq!(times("*/30 1,2 23 * * ?"), ["23:01:00", "23:01:30", "23:02:00", "23:02:30"]);
        assert_eq!(times("0 0 22-1 * * ?"), ["22:00:00", "23:00:00", "00:00:00", "01:00:00"]);
    }

    /// The table of the user guide of Dynamic Media Classic (checking-job-files), each row beside
    /// what it says in words.
    #[test]
    fn the_rows_of_the_user_guide_fire_when_they_should_for_five_years() {
        use jiff::civil::{Date, Time, Weekday, date, time};
        type Days = fn(Date) -> bool;
        let every_five = |hours: &[i8]| -> Vec<Time> {
            let minutes = || (0..60).step_by(5);
            hours.iter().flat_map(|&h| minutes().map(move |m| time(h, m, 0, 0))).collect()
        };
        let quarter_past_ten = vec![time(10, 15, 0, 0)];
        let rows: [(&str, Vec<Time>, Days); 9] = [
            ("0 0 12 * * ?", vec![time(12, 0, 0, 0)], |_| true),
            ("0 15 10 * * ?", quarter_past_ten.clone(), |_| true),
            ("0 15 10 ? * *", quarter_past_ten.clone(), |_| true),
            ("0 0/5 14 * * ?", every_five(&[14]), |_| true),
            ("0 0/5 14,18 * * ?", every_five(&[14, 18]), |_| true),
            ("0 15 10 20 * ?", quarter_past_ten.clone(), |day| day.day() == 20),
            ("0 15 10 L * ?", quarter_past_ten.clone(), |day| day == day.last_of_month()),
            ("0 15 10 ? * 6L", quarter_past_ten.clone(), |day| {
                day.weekday() == Weekday::Friday && day.day() + 7 > day.days_in_month()
            }),
            // Capital L alone, as the table of wildcards has it.
            ("0 15 10 ? * L", quarter_past_ten, |day| day.weekday() == Weekday::Saturday),
        ];
        for (row, times, days) in rows {
            let all = date(2026, 1, 1).series(1.day()).take_while(|day| day.year() < 2031);
            let expected: Vec<DateTime> = all
                .filter(|day| days(*day))
                .flat_map(|day| times.iter().map(move |time| day.to_datetime(*time)))
                .collect();
            let schedule = Schedule::parse(row).unwrap();
            let mut at = berlin("2025-12-31T23:59:59");
            let mut fired = Vec::new();
            loop {
                at = schedule.next_after(&at).unwrap();
                if at.year() >= 2031 {
                    break;
                }
                fired.push(at.datetime());
            }
            assert!(expected == fired, "{row}: {} and {}", expected.len(), fired.len());
        }
    }

    #[test]
    fn the_malformed_rows_of_the_user_guide_are_told_how_they_are_meant() {
        let help = |text: &str| Schedule::parse(text).unwrap_err().remove(0).help.unwrap();
        assert_eq!(
            help("0 10,44 14 ? 3"),
            "the days of the week are missing at the end: \"0 10,44 14 ? 3 Mon-Fri\" for working \
             days, \"0 10,44 14 ? 3 *\" for every day"
        );
        assert!(help("0 15 10 ? *").contains("\"0 15 10 ? * Mon-Fri\" for working days"));
        assert_eq!(help("0 15 10 * * 6#3"), "write \"0 15 10 ? * 6#3\"");
        // And what is written as it is meant fires.
        for meant in ["0 10,44 14 ? 3 Wed", "0 15 10 ? * Mon-Fri", "0 15 10 ? * 6#3"] {
            assert!(
                Schedule::parse(meant).unwrap().next_after(&berlin("2026-11-24T12:00")).is_some()
            );
        }
        // No calendar day that only a server's own calendar could tell.
        assert!(Schedule::parse("0 15 10 1C * ?").is_err());
    }

    #[test]
    fn a_skipped_time_runs_after_the_gap() {
        // Clocks go from 02:00 to 03:00 on 2027-03-28.
        assert_eq!(
            firings("0 30 2 * * ?", &berlin("2027-03-27T12:00"), 2),
            ["Sun 2027-03-28 03:00:00 +02:00", "Mon 2027-03-29 02:30:00 +02:00"]
        );
        // Three skipped times and one real one are one firing.
        assert_eq!(
            firings("0 0/30 2-3 * * ?", &berlin("2027-03-27T12:00"), 2),
            ["Sun 2027-03-28 03:00:00 +02:00", "Sun 2027-03-28 03:30:00 +02:00"]
        );
    }

    #[test]
    fn a_doubled_time_runs_once() {
        // Clocks go from 03:00 back to 02:00 on 2026-10-25.
        assert_eq!(
            firings("0 30 2 * * ?", &berlin("2026-10-24T12:00"), 2),
            ["Sun 2026-10-25 02:30:00 +02:00", "Mon 2026-10-26 02:30:00 +01:00"]
        );
        assert_eq!(
            firings("0 0/30 * * * ?", &berlin("2026-10-25T01:45"), 3),
            [
                "Sun 2026-10-25 02:00:00 +02:00",
                "Sun 2026-10-25 02:30:00 +02:00",
                "Sun 2026-10-25 03:00:00 +01:00"
            ]
        );
        // Asked from within the second showing of the hour.
        let second = berlin("2026-10-25T02:15").timestamp() + jiff::SignedDuration::from_hours(1);
        let second = second.to_zoned(TimeZone::get("Europe/Berlin").unwrap());
        assert_eq!(second.to_string(), "2026-10-25T02:15:00+01:00[Europe/Berlin]");
        assert_eq!(firings("0 30 2 * * ?", &second, 1), ["Mon 2026-10-26 02:30:00 +01:00"]);
    }

    #[test]
    fn what_never_comes_has_no_next() {
        let now = berlin("2026-11-24T12:00");
        for never in ["0 0 0 30 2 ?", "0 0 0 1 1 ? 2020", "0 0 0 31 4,6,9,11 ?", "0 0 0 30W 2 ?"] {
            let started = std::time::Instant::now();
            assert_eq!(Schedule::parse(never).unwrap().next_after(&now), None, "{never}");
            assert!(started.elapsed().as_millis() < 1000, "{never}: {:?}", started.elapsed());
        }
    }

    #[test]
    fn mistakes_are_named_with_their_place_and_way_out() {
        let wrong = |text: &str| {
            let error = Schedule::parse(text).unwrap_err().remove(0);
            (text[error.part.clone()].to_owned(), error.message, error.help.unwrap_or_default())
        };
        let (part, message, help) = wrong("0 6 * * Mon-Fri");
        assert_eq!(part, "0 6 * * Mon-Fri");
        assert!(message.ends_with("this one has 5"), "{message}");
        assert_eq!(help, "the seconds come first: \"0 0 6 ? * Mon-Fri\"");
        let (part, _, help) = wrong("0 0 6 * * Mon");
        assert_eq!((part.as_str(), help.as_str()), ("* * Mon", "write \"0 0 6 ? * Mon\""));
        assert_eq!(wrong("0 0 6 ? * ?").2, "write \"0 0 6 * * ?\"");
        assert!(wrong("0 0 6 1 * 2").2.starts_with("write \"?\" in place"));
        assert_eq!(wrong("0 60 6 * * ?").1, "0 to 59 are allowed for minutes, found \"60\"");
        assert_eq!(wrong("0 0 6 ? * 0").2, "Sunday is 1, Saturday is 7");
        assert_eq!(wrong("0 0 6 L-3 * ?").0, "L-3");
        assert_eq!(wrong("0 0 6 ? * 5C").0, "5C");
        assert_eq!(wrong("0 0 6 ? * C").0, "C");
        assert_eq!(wrong("0 0 6 ? * 6#6").0, "6#6");
        assert_eq!(wrong("0 0 6 ? Foo 2").0, "Foo");
        assert_eq!(wrong("0 0 6 1,,2 * ?").0, "");
        assert_eq!(wrong("0 0 +6 * * ?").0, "+6");
        assert_eq!(wrong("0 0/0 6 * * ?").0, "0/0");
        assert_eq!(wrong("? 0 6 * * ?").2, "\"?\" stands in one of the two day fields only");
        assert!(wrong(&"1,".repeat(600)).1.starts_with("a schedule has at most"));
        assert!(wrong("@daily").2.starts_with("write it out"));
        let both = Schedule::parse("0 60 25 * * Mon").unwrap_err();
        assert_eq!(both.len(), 3, "{both:?}");
        assert_eq!(wrong("").1.split(',').next_back().unwrap().trim(), "this one has 0");
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[0-9*?,/#LWCA-Za-z -]{0,40}") {
            if let Ok(schedule) = Schedule::parse(&text) {
                let _ = schedule.as_str();
            }
        }
    }
}
