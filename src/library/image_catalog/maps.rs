//! The profile map and the font map: names for files that pictures are made with.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::attributes::Origin;
use super::table::{Columns, Table};
use crate::diag::{Code, Diagnostic, shown};

const PROFILES: Columns = Columns { read: &["Name", "ProfilePath"], ignored: &[] };

const FONTS: Columns = Columns {
    read: &["Name", "FontPath", "MetricsPath", "Bold", "Italic", "PsName"],
    ignored: &[],
};

/// A colour profile of a catalogue, as its map says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileEntry {
    /// Path of the file as written.
    pub path: String,
    /// Where the map says so.
    pub from: Origin,
}

/// One style of a font of a catalogue, as its map says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FontEntry {
    /// Name of the family.
    pub name: String,
    /// Whether this is the bold style.
    pub bold: bool,
    /// Whether this is the italic style.
    pub italic: bool,
    /// Path of the file as written.
    pub path: String,
    /// Path of the metrics of a Type 1 font.
    pub metrics: Option<String>,
    /// PostScript name.
    pub ps_name: Option<String>,
    /// Where the map says so.
    pub from: Origin,
}

/// Profiles by name.
pub(super) type Profiles = BTreeMap<String, ProfileEntry>;

/// Fonts by name, bold and italic.
pub(super) type Fonts = BTreeMap<(String, bool, bool), FontEntry>;

/// Reads a profile map; of two entries of one name the later one holds.
pub(super) fn profiles(text: &str, file: &Arc<str>, findings: &mut Vec<Diagnostic>) -> Profiles {
    let mut profiles = Profiles::new();
    let mut table = Table::new(text, &PROFILES, findings);
    while let Some(mut record) = table.next(findings) {
        let (name, path) = (record.take(0), record.take(1));
        let (Some(name), Some(path)) = (name, path) else {
            let message = "this profile has no name or no path";
            findings.push(Diagnostic::error(Code::Missing, record.place(), message));
            continue;
        };
        if name.value.contains(',') {
            let message = format!("`{}`: a name of a profile has no comma", shown(&name.value));
            findings.push(Diagnostic::error(Code::Value, name.span, message));
            continue;
        }
        let from = Origin { file: file.clone(), line: record.line };
        profiles.insert(name.value, ProfileEntry { path: path.value, from });
    }
    profiles
}

/// Reads a font map; a name may have up to four entries, one a style.
pub(super) fn fonts(text: &str, file: &Arc<str>, findings: &mut Vec<Diagnostic>) -> Fonts {
    let mut fonts = Fonts::new();
    let mut table = Table::new(text, &FONTS, findings);
    while let Some(mut record) = table.next(findings) {
        let (name, path) = (record.take(0), record.take(1));
        let (Some(name), Some(path)) = (name, path) else {
            let message = "this font has no name or no path";
            findings.push(Diagnostic::error(Code::Missing, record.place(), message));
            continue;
        };
        let metrics = record.take(2).map(|field| field.value);
        // Anything but 1 is unset.
        let mut flag = |column| record.take(column).is_some_and(|field| field.value.trim() == "1");
        let (bold, italic) = (flag(3), flag(4));
        let ps_name = record.take(5).map(|field| field.value);
        let from = Origin { file: file.clone(), line: record.line };
        let (name, path) = (name.value, path.value);
        let key = (name.clone(), bold, italic);
        fonts.insert(key, FontEntry { name, bold, italic, path, metrics, ps_name, from });
    }
    fonts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_have_names_without_commas() {
        let mut findings = Vec::new();
        let text = "Name\tProfilePath\nsRGB\ta.icc\nx,y\tb.icc\nUS Web\tc d.icc\nsRGB\te.icc\nz\n";
        let read = profiles(text, &Arc::from("icc.dat"), &mut findings);
        assert_eq!(read["sRGB"].path, "e.icc");
        assert_eq!(read["sRGB"].from.to_string(), "icc.dat:5");
        assert_eq!((read.len(), read["US Web"].path.as_str()), (2, "c d.icc"));
        let told: Vec<&str> = findings.iter().map(|f| f.message.as_str()).collect();
        assert_eq!(
            told,
            ["`x,y`: a name of a profile has no comma", "this profile has no name or no path"]
        );
    }

    #[test]
    fn a_font_has_up_to_four_styles() {
        let mut findings = Vec::new();
        let text = "Name\tFontPath\tBold\tItalic\tMetricsPath\tPsName\nA\ta.ttf\nA\tab.ttf\t1\t0\n\
                    A\tai.pfb\t\t1\tai.afm\tA-Italic\nA\tac.ttf\t1\n\tnone.ttf\n";
        let read = fonts(text, &Arc::from("fonts.dat"), &mut findings);
        assert_eq!(findings.len(), 1);
        let style = |bold, italic| &read[&("A".to_owned(), bold, italic)];
        assert_eq!((read.len(), style(false, false).path.as_str()), (3, "a.ttf"));
        assert_eq!(style(true, false).path, "ac.ttf");
        let italic = style(false, true);
        assert_eq!(italic.metrics.as_deref(), Some("ai.afm"));
        assert_eq!(italic.ps_name.as_deref(), Some("A-Italic"));
    }
}
