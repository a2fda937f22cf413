//! Every message there is, with what it is given: a name or a number that is missing does not compile.

use std::borrow::Cow;

use fluent_bundle::FluentValue;

use crate::diag::shown;

/// What a message can be given.
trait Given<'a> {
    /// Makes it a value of Fluent's. What is text has passed through [`shown`] then.
    fn given(self) -> FluentValue<'a>;
}

impl<'a> Given<'a> for u64 {
    fn given(self) -> FluentValue<'a> {
        FluentValue::from(self)
    }
}

impl<'a> Given<'a> for &str {
    fn given(self) -> FluentValue<'a> {
        FluentValue::String(Cow::Owned(shown(self)))
    }
}

/// Defines the messages: name, values, and how the language files call it.
macro_rules! messages {
    ($($name:ident $({ $($field:ident: $kind:ty),+ })? = $id:literal,)+) => {
        /// A message. Numbers are grouped as the language does, and rule its plurals; what must not be
        /// grouped, such as the number of a line, is text.
        #[derive(Debug, Clone, Copy)]
        pub(in crate::report) enum Say<'a> {
            $($name $({ $($field: $kind),+ })?,)+
        }

        impl Say<'_> {
            /// Returns the name by which the language files know it.
            pub(in crate::report) const fn id(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => $id,)+
                }
            }

            /// Returns what it is given.
            pub(super) fn values(&self) -> Vec<(&'static str, FluentValue<'static>)> {
                match *self {
                    $(Self::$name $({ $($field),+ })? => vec![$($((stringify!($field), $field.given())),+)?],)+
                }
            }
        }

        /// Every message and what it is given.
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &[&str])] = &[$(($id, &[$($(stringify!($field)),+)?])),+];
    };
}

messages! {
    // -- how it ended
    OutcomeClean { files: u64 } = "outcome-clean",
    OutcomeWarnings { files: u64, warnings: u64 } = "outcome-warnings",
    OutcomePartial { failed: u64, total: u64 } = "outcome-partial",
    OutcomeFailed { failed: u64 } = "outcome-failed",
    OutcomeNothing { cause: &'a str } = "outcome-nothing",
    OutcomeStopped { done: u64, total: u64 } = "outcome-stopped",
    // -- what to do
    TodoClean { files: u64 } = "todo-clean",
    FilesReady { files: u64 } = "files-ready",
    LookBelow { warnings: u64 } = "look-below",
    LookInReport { warnings: u64 } = "look-in-report",
    TodoPartial { failed: u64, total: u64 } = "todo-partial",
    NothingExported = "nothing-exported",
    NothingBecause { cause: &'a str } = "nothing-because",
    Step { step: &'a str } = "step",
    SeeReport = "see-report",
    CorrectBelow = "correct-below",
    DropAgain = "drop-again",
    CopyRetry { files: u64 } = "copy-retry",
    ShowOperator = "show-operator",
    RefusedMany { name: &'a str, mistakes: u64 } = "refused-many",
    RefusedOne { name: &'a str } = "refused-one",
    RefusedIn { name: &'a str, cause: &'a str } = "refused-in",
    StoppedAfter { done: u64, total: u64 } = "stopped-after",
    StoppedRest { rest: u64 } = "stopped-rest",
    StoppedKept { run: &'a str } = "stopped-kept",
    TodoRunning { done: u64 } = "todo-running",
    // -- why this mail
    WhyUnread { name: &'a str } = "why-unread",
    WhyAll { name: &'a str } = "why-all",
    WhyCompletion { name: &'a str } = "why-completion",
    WhyErrorAndWarning { name: &'a str } = "why-error-and-warning",
    WhyError { name: &'a str } = "why-error",
    WhyNone { name: &'a str } = "why-none",
    WhyUser { user: &'a str } = "why-user",
    WhyOwner = "why-owner",
    // -- headings and lists
    Result = "result",
    Failed = "failed",
    Warnings = "warnings",
    Where = "where",
    Counted { what: &'a str, total: u64 } = "counted",
    More { more: u64 } = "more",
    MoreInReport { more: u64 } = "more-in-report",
    MoreInTable { more: u64 } = "more-in-table",
    FindingPlace { file: &'a str, line: &'a str } = "finding-place",
    LeftOut { reason: &'a str } = "left-out",
    // -- counts
    CountListed = "count-listed",
    CountExported = "count-exported",
    CountIdentical = "count-identical",
    CountReplaced = "count-replaced",
    CountFailed = "count-failed",
    CountLeftOut = "count-left-out",
    CountCancelled = "count-cancelled",
    CountWarnings = "count-warnings",
    CountDone = "count-done",
    CountLeftOutSoFar = "count-left-out-so-far",
    // -- places and facts
    PlaceFiles = "place-files",
    PlaceReport = "place-report",
    PlaceWindows = "place-windows",
    FactAbout = "fact-about",
    FactRun = "fact-run",
    FactTook = "fact-took",
    FactAgain = "fact-again",
    FactBegan = "fact-began",
    FactAsOf = "fact-as-of",
    FailedIn { run: &'a str } = "failed-in",
    Seconds { seconds: u64 } = "seconds",
    Minutes { minutes: u64, seconds: u64 } = "minutes",
    Hours { hours: u64, minutes: u64 } = "hours",
    Bytes { bytes: u64 } = "bytes",
    // -- beside the drop
    NotTaken { name: &'a str } = "not-taken",
    NoteGoes { name: &'a str } = "note-goes",
    // -- findings with their lines
    LabelError = "label-error",
    LabelWarning = "label-warning",
    LabelHelp = "label-help",
    // -- an asset in a word or two
    WordExported = "word-exported",
    WordReplaced = "word-replaced",
    WordThere = "word-there",
    WordLeftOut = "word-left-out",
    WordFailed = "word-failed",
    WordNotDone = "word-not-done",
    // -- pictures
    HandedIn { name: &'a str } = "handed-in",
    AsExported { name: &'a str } = "as-exported",
    // -- the page of a run
    StateNew = "state-new",
    StateRunning = "state-running",
    StateStopping = "state-stopping",
    StateWaiting = "state-waiting",
    StateWaitingAssets = "state-waiting-assets",
    StateWaitingSpace = "state-waiting-space",
    StateOver = "state-over",
    StateInterrupted = "state-interrupted",
    StatePaused = "state-paused",
    PageDone = "page-done",
    PageProgress { percent: u64, seconds: u64 } = "page-progress",
    PageCorrect = "page-correct",
    PageNeedsYou = "page-needs-you",
    PageLook = "page-look",
    PageSheet = "page-sheet",
    PageSheetAbout = "page-sheet-about",
    PageOriginal = "page-original",
    PageResult = "page-result",
    PageNoOriginal = "page-no-original",
    PageAsItIs = "page-as-it-is",
    PageNotShown = "page-not-shown",
    PageNotExported = "page-not-exported",
    PageRecipe = "page-recipe",
    PageOriginals = "page-originals",
    PageNothingOwn = "page-nothing-own",
    PageHolds = "page-holds",
    PageSaidBy = "page-said-by",
    PageFiles = "page-files",
    PageAsset = "page-asset",
    PageExportedAs = "page-exported-as",
    LinkSums = "link-sums",
    LinkPrograms = "link-programs",
    LinkSpreadsheets = "link-spreadsheets",
    LinkRetry = "link-retry",
    LinkDropped = "link-dropped",
    // -- the log of a run
    LogBegan { run: &'a str } = "log-began",
    LogFinding { line: &'a str, column: &'a str, message: &'a str } = "log-finding",
    LogStep { cause: &'a str, step: &'a str } = "log-step",
    LogExported = "log-exported",
    LogIdentical = "log-identical",
    LogReplaced = "log-replaced",
    LogCancelled = "log-cancelled",
}
