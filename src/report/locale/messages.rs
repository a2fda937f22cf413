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
    // -- causes
    CauseNotFound = "cause-not-found",
    CauseNothingMatches = "cause-nothing-matches",
    CauseAmbiguous { files: &'a str } = "cause-ambiguous",
    CauseOutside = "cause-outside",
    CauseNotAFile { what: &'a str } = "cause-not-a-file",
    CauseUnreadable = "cause-unreadable",
    CauseKeepsChanging = "cause-keeps-changing",
    CauseMismatch { named: &'a str, found: &'a str } = "cause-mismatch",
    CauseDamaged { detail: &'a str } = "cause-damaged",
    CauseTooLarge { width: &'a str, height: &'a str, limit: &'a str } = "cause-too-large",
    CauseUnsupported { detail: &'a str } = "cause-unsupported",
    CausePage { page: &'a str, cause: &'a str } = "cause-page",
    CauseOutOfMemory { limit: &'a str } = "cause-out-of-memory",
    CauseTooSlow { seconds: &'a str } = "cause-too-slow",
    CauseWorkerDied { how: &'a str } = "cause-worker-died",
    CauseCollision { name: &'a str, others: &'a str } = "cause-collision",
    CauseBadName { name: &'a str, reason: &'a str } = "cause-bad-name",
    CauseExists { name: &'a str } = "cause-exists",
    CauseDiskFull = "cause-disk-full",
    CauseBlocked { detail: &'a str } = "cause-blocked",
    CauseNotWritable { detail: &'a str } = "cause-not-writable",
    CauseRefused { line: &'a str, message: &'a str } = "cause-refused",
    CauseNothingExportable = "cause-nothing-exportable",
    CausePoison { attempts: &'a str } = "cause-poison",
    CauseInternal { detail: &'a str } = "cause-internal",
    // -- what stands where a file should
    ThingPicture { format: &'a str } = "thing-picture",
    ThingDrawing { format: &'a str } = "thing-drawing",
    ThingDocument { format: &'a str } = "thing-document",
    ThingAnyPicture = "thing-any-picture",
    ThingFolder = "thing-folder",
    ThingPipe = "thing-pipe",
    ThingSocket = "thing-socket",
    ThingDevice = "thing-device",
    ThingSocketOrDevice = "thing-socket-or-device",
    ThingElse = "thing-else",
    ThingEmpty = "thing-empty",
    ThingZip = "thing-zip",
    ThingRaw = "thing-raw",
    ThingVideo = "thing-video",
    ThingIcon = "thing-icon",
    ThingText = "thing-text",
    ThingZeroes = "thing-zeroes",
    ThingWebPage = "thing-web-page",
    DetailDenied = "detail-denied",
    DetailReadOnly = "detail-read-only",
    DetailGone = "detail-gone",
    DetailDiskErrors = "detail-disk-errors",
    // -- next steps
    StepDidYouMean { near: &'a str } = "step-did-you-mean",
    StepPutThere = "step-put-there",
    StepPattern = "step-pattern",
    StepExtension = "step-extension",
    StepBelow = "step-below",
    StepNameAFile = "step-name-a-file",
    StepRight = "step-right",
    StepWaitComplete = "step-wait-complete",
    StepFormat = "step-format",
    StepSaveAgain = "step-save-again",
    StepReduce = "step-reduce",
    StepOtherFormat = "step-other-format",
    StepModifiers = "step-modifiers",
    StepMemory = "step-memory",
    StepProbablyDamaged = "step-probably-damaged",
    StepTellApart { example: &'a str } = "step-tell-apart",
    StepOutputName = "step-output-name",
    StepOverwrite = "step-overwrite",
    StepFreeSpace = "step-free-space",
    StepOutputFolder = "step-output-folder",
    StepManifest = "step-manifest",
    StepListPictures = "step-list-pictures",
    StepTellOperator = "step-tell-operator",
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
