//! The fixed words of pages: what a template says whatever the run.

use serde::Serialize;

use super::locale::{Language, Say};

/// Words in the language of a sheet, each by the name that templates know it by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Words {
    /// Above the counts.
    pub result: String,
    /// Above places and facts.
    pub place: String,
    /// Above the mistakes of a manifest.
    pub correct: String,
    /// Above failures.
    pub needs_you: String,
    /// Above warnings.
    pub look: String,
    /// What the bar of progress shows.
    pub done: String,
    /// Above the contact sheet.
    pub sheet: String,
    /// What it shows.
    pub sheet_about: String,
    /// What a source on it is.
    pub original: String,
    /// What an output on it is.
    pub exported: String,
    /// In the place of a source that is not shown.
    pub no_original: String,
    /// Above what was asked for.
    pub recipe: String,
    /// Where originals were asked for.
    pub originals: String,
    /// Where the manifest asks for nothing of its own.
    pub nothing_own: String,
    /// Above commands.
    pub holds: String,
    /// Above who said them.
    pub said_by: String,
    /// Above the table of all files.
    pub files: String,
    /// Above what a row is about.
    pub asset: String,
    /// Above its files.
    pub exported_as: String,
}

impl Words {
    pub(super) fn new(language: Language) -> Self {
        let say = |message: Say<'_>| language.say(message);
        Self {
            result: say(Say::Result),
            place: say(Say::Where),
            correct: say(Say::PageCorrect),
            needs_you: say(Say::PageNeedsYou),
            look: say(Say::PageLook),
            done: say(Say::PageDone),
            sheet: say(Say::PageSheet),
            sheet_about: say(Say::PageSheetAbout),
            original: say(Say::PageOriginal),
            exported: say(Say::PageResult),
            no_original: say(Say::PageNoOriginal),
            recipe: say(Say::PageRecipe),
            originals: say(Say::PageOriginals),
            nothing_own: say(Say::PageNothingOwn),
            holds: say(Say::PageHolds),
            said_by: say(Say::PageSaidBy),
            files: say(Say::PageFiles),
            asset: say(Say::PageAsset),
            exported_as: say(Say::PageExportedAs),
        }
    }
}
