//! What a mail says that is about no single run, before it is set as text or as HTML.
//!
//! As in a [`super::sheet::Sheet`], everything is words already, and whatever comes from outside has
//! passed through [`crate::diag::shown`].

use serde::Serialize;

use super::sheet::Row;
use super::text::Page;

/// A digest or a notice in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bulletin {
    /// What it is about, in a few words.
    pub headline: String,
    /// `good` when there is nothing to do, else `bad`.
    pub tone: &'static str,
    /// What to do, and what else comes first.
    pub opening: Vec<String>,
    /// What there is to say.
    pub sections: Vec<Section>,
    /// Why this mail came.
    pub closing: Option<String>,
}

/// A part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Section {
    /// What it is about; all there is when the rest is empty.
    pub heading: String,
    /// What to do about it.
    pub todo: Option<String>,
    /// Figures.
    pub counts: Vec<Row>,
    /// Other things with a name.
    pub facts: Vec<Row>,
    /// What belongs to it, one by one.
    pub entries: Vec<Entry>,
    /// How many are not listed.
    pub more: Option<String>,
}

/// One of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// What it is.
    pub what: String,
    /// What there is to say of it.
    pub note: Option<String>,
}

impl Bulletin {
    /// Sets it as the text part of a mail.
    #[must_use]
    pub fn text(&self) -> String {
        let mut page = Page::default();
        for paragraph in &self.opening {
            page.paragraph(paragraph);
        }
        for section in &self.sections {
            section.set(&mut page);
        }
        if let Some(closing) = &self.closing {
            page.paragraph(closing);
        }
        page.finish()
    }
}

impl Section {
    fn set(&self, page: &mut Page) {
        page.item("", &self.heading);
        if let Some(todo) = &self.todo {
            page.item("     ", &format!("What to do: {todo}"));
        }
        for Row { label, value, .. } in &self.counts {
            page.line(&format!("  {label:<40}{value:>10}"));
        }
        for Row { label, value, .. } in &self.facts {
            page.item(&format!("  {label:<9}"), value);
        }
        for Entry { what, note } in &self.entries {
            page.item("  - ", what);
            if let Some(note) = note {
                page.item("    ", note);
            }
        }
        if let Some(more) = &self.more {
            page.line(&format!("    {more}"));
        }
        page.gap();
    }
}

/// Begins a sentence.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
