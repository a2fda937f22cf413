//! What happened, and what to do about it: each [`Fault`] in every language.
//!
//! In English these are the words that the fault itself has; a test holds them together.

use super::{Language, Say};
use crate::diag::{Fault, shown};

impl Language {
    /// Says why something failed: no capital, no full stop.
    #[must_use]
    pub fn cause(self, fault: &Fault) -> String {
        let told = match fault {
            Fault::NotFound { .. } => Say::CauseNotFound,
            Fault::NothingMatches => Say::CauseNothingMatches,
            Fault::Ambiguous { candidates } => {
                return self.say(Say::CauseAmbiguous { files: &self.list(candidates) });
            }
            Fault::OutsideRoot => Say::CauseOutside,
            Fault::NotAFile { what } => {
                return self.say(Say::CauseNotAFile { what: &self.thing(what) });
            }
            Fault::Unreadable => Say::CauseUnreadable,
            Fault::KeepsChanging => Say::CauseKeepsChanging,
            Fault::Mismatch { named, found } => {
                let (named, found) = (self.thing(named), self.thing(found));
                return self.say(Say::CauseMismatch { named: &named, found: &found });
            }
            Fault::Damaged { detail } => Say::CauseDamaged { detail },
            Fault::TooLarge { width, height, limit } => {
                let (width, height) = (&width.to_string(), &height.to_string());
                return self.say(Say::CauseTooLarge { width, height, limit });
            }
            Fault::UnsupportedSource { detail } => Say::CauseUnsupported { detail },
            Fault::Page { number, fault } => {
                let (page, cause) = (&number.to_string(), &self.behind_colon(&self.cause(fault)));
                return self.say(Say::CausePage { page, cause });
            }
            Fault::Modifiers { message, .. } => return message.clone(),
            Fault::OutOfMemory { .. }
            | Fault::TooSlow { .. }
            | Fault::WorkerDied { .. }
            | Fault::Collision { .. }
            | Fault::BadOutputName { .. }
            | Fault::Exists { .. }
            | Fault::DiskFull
            | Fault::Blocked { .. }
            | Fault::NotWritable { .. }
            | Fault::Refused { .. }
            | Fault::NothingExportable
            | Fault::Poison { .. }
            | Fault::Internal { .. } => return self.cause_of_the_work(fault),
        };
        self.say(told)
    }

    /// The rest of the causes: the work, the output, whole runs.
    fn cause_of_the_work(self, fault: &Fault) -> String {
        let told = match fault {
            Fault::OutOfMemory { limit } => {
                return self.say(Say::CauseOutOfMemory { limit: &self.bytes(*limit) });
            }
            Fault::TooSlow { seconds } => {
                return self.say(Say::CauseTooSlow { seconds: &seconds.to_string() });
            }
            Fault::WorkerDied { how } => Say::CauseWorkerDied { how },
            Fault::Collision { name, others } => {
                return self.say(Say::CauseCollision { name, others: &self.list(others) });
            }
            Fault::BadOutputName { name, reason } => Say::CauseBadName { name, reason },
            Fault::Exists { name } => Say::CauseExists { name },
            Fault::DiskFull => Say::CauseDiskFull,
            Fault::Blocked { detail } => {
                return self.say(Say::CauseBlocked { detail: &self.detail(detail) });
            }
            Fault::NotWritable { detail } => Say::CauseNotWritable { detail },
            Fault::Refused { line, message, .. } => {
                return self.say(Say::CauseRefused { line: &line.to_string(), message });
            }
            Fault::NothingExportable => Say::CauseNothingExportable,
            Fault::Poison { attempts } => {
                return self.say(Say::CausePoison { attempts: &attempts.to_string() });
            }
            Fault::Internal { detail } => Say::CauseInternal { detail },
            // Those of `cause`, which has them all.
            other => return other.to_string(),
        };
        self.say(told)
    }

    /// Says what to do about it: no capital, no full stop.
    #[must_use]
    pub fn next_step(self, fault: &Fault) -> String {
        self.say(match fault {
            Fault::NotFound { nearest: Some(near) } => Say::StepDidYouMean { near },
            Fault::NotFound { nearest: None } => Say::StepPutThere,
            Fault::NothingMatches => Say::StepPattern,
            Fault::Ambiguous { .. } => Say::StepExtension,
            Fault::OutsideRoot => Say::StepBelow,
            Fault::NotAFile { .. } => Say::StepNameAFile,
            Fault::Unreadable => Say::StepRight,
            Fault::KeepsChanging => Say::StepWaitComplete,
            Fault::Mismatch { .. } => Say::StepFormat,
            Fault::Damaged { .. } | Fault::TooSlow { .. } => Say::StepSaveAgain,
            Fault::TooLarge { .. } => Say::StepReduce,
            Fault::UnsupportedSource { .. } => Say::StepOtherFormat,
            Fault::Page { fault, .. } => return self.next_step(fault),
            Fault::Modifiers { help: Some(help), .. } => return help.clone(),
            Fault::Modifiers { help: None, .. } => Say::StepModifiers,
            Fault::OutOfMemory { .. } => Say::StepMemory,
            Fault::WorkerDied { .. } => Say::StepProbablyDamaged,
            Fault::Collision { .. } => Say::StepTellApart { example: "\"{path}/{stem}-{n}\"" },
            Fault::BadOutputName { .. } => Say::StepOutputName,
            Fault::Exists { .. } => Say::StepOverwrite,
            Fault::DiskFull => Say::StepFreeSpace,
            Fault::Blocked { .. } | Fault::NotWritable { .. } => Say::StepOutputFolder,
            Fault::Refused { .. } => Say::StepManifest,
            Fault::NothingExportable => Say::StepListPictures,
            Fault::Poison { .. } | Fault::Internal { .. } => Say::StepTellOperator,
        })
    }

    /// Says both, in one line.
    pub(in crate::report) fn cause_and_step(self, fault: &Fault) -> String {
        let (cause, step) = (&self.cause(fault), &self.next_step(fault));
        shown(&self.say(Say::LogStep { cause, step }))
    }

    /// Says what a file is or holds, which faults name in English with its article.
    fn thing(self, english: &str) -> String {
        let bare = english.strip_prefix("an ").or_else(|| english.strip_prefix("a "));
        let format = |kind| bare.and_then(|bare| bare.strip_suffix(kind));
        self.say(match english {
            "a picture" => Say::ThingAnyPicture,
            "a folder" => Say::ThingFolder,
            "a named pipe" => Say::ThingPipe,
            "a socket" => Say::ThingSocket,
            "a device" => Say::ThingDevice,
            "a socket or a device" => Say::ThingSocketOrDevice,
            "something else" => Say::ThingElse,
            "an empty file" => Say::ThingEmpty,
            "a ZIP archive" => Say::ThingZip,
            "a camera raw file" => Say::ThingRaw,
            "a video" => Say::ThingVideo,
            "a Windows icon" => Say::ThingIcon,
            "text" => Say::ThingText,
            "nothing but zero bytes" => Say::ThingZeroes,
            "a web page" => Say::ThingWebPage,
            _ => match (format(" picture"), format(" drawing"), format(" document")) {
                (Some(format), ..) => Say::ThingPicture { format },
                (_, Some(format), _) => Say::ThingDrawing { format },
                (.., Some(format)) => Say::ThingDocument { format },
                _ => return english.to_owned(),
            },
        })
    }

    /// Says what is wrong with an output folder, which faults say in English.
    fn detail(self, english: &str) -> String {
        self.say(match english {
            "permission denied" => Say::DetailDenied,
            "the disk is read-only" => Say::DetailReadOnly,
            "the folder is gone" => Say::DetailGone,
            "the disk reports errors" => Say::DetailDiskErrors,
            other => return other.to_owned(),
        })
    }
}
