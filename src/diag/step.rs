//! What to do about each fault.

use super::{Fault, Phrase, phrase};

impl Fault {
    /// Says what to do about it, as one sentence without a full stop.
    #[must_use]
    pub fn next_step(&self) -> Phrase {
        match self {
            Self::NotFound { nearest: Some(near) } => phrase!(
                "step-did-you-mean",
                "did you mean \"{near}\"? If so, correct the name; if not, put the file into \
                 the asset folder",
                near = near
            ),
            Self::NotFound { nearest: None } => {
                phrase!("step-put-there", "put the file into the asset folder, or correct the name")
            }
            Self::NothingMatches => {
                phrase!("step-pattern", "correct the pattern, or put the files there")
            }
            Self::Ambiguous { .. } => {
                phrase!("step-extension", "write the name with its extension")
            }
            Self::OutsideRoot => {
                phrase!("step-below", "name the file by its path below the asset folder")
            }
            Self::NotAFile { .. } => phrase!(
                "step-name-a-file",
                "name a file, or a pattern such as \"tops/*.tif\" for a whole folder"
            ),
            Self::Unreadable => {
                phrase!("step-right", "ask whoever runs exportd to give it permission")
            }
            Self::ReadFailed { .. } | Self::NoAssets { .. } => {
                phrase!("step-asset-folder", "ask whoever runs exportd to check the asset folder")
            }
            Self::KeepsChanging => {
                phrase!("step-wait-complete", "wait until the file is complete, then retry")
            }
            Self::Mismatch { found, .. } => of(found).unwrap_or_else(|| {
                phrase!(
                    "step-format",
                    "save it again in the format of its name, or rename it to what it is"
                )
            }),
            Self::Damaged { detail } => of(detail).unwrap_or_else(|| {
                phrase!("step-save-again", "open it in an image editor, save it again and retry")
            }),
            Self::TooLarge { .. } => phrase!(
                "step-reduce",
                "make the picture smaller, or ask whoever runs exportd for a higher limit"
            ),
            Self::UnsupportedSource { detail } => of(detail).unwrap_or_else(|| {
                phrase!("step-other-format", "save it as TIFF, PNG or JPEG and retry")
            }),
            Self::Page { fault, .. } => fault.next_step(),
            Self::Modifiers { help: Some(help), .. } => help.clone(),
            Self::Modifiers { message, help: None } => of(message)
                .unwrap_or_else(|| phrase!("step-modifiers", "correct the modifiers and retry")),
            Self::OutOfMemory { .. } => more_memory(),
            Self::TooSlow { .. } => phrase!(
                "step-time-limit",
                "make the picture smaller, or ask whoever runs exportd for a longer time limit"
            ),
            Self::WorkerDied { how } => of(how).unwrap_or_else(|| {
                phrase!(
                    "step-probably-damaged",
                    "the file is probably damaged: save it again in an image editor and retry"
                )
            }),
            Self::Collision { .. } => phrase!(
                "step-tell-apart",
                "give each file its own name, for example outputName = {example}",
                example = "\"{path}/{stem}-{n}\""
            ),
            Self::BadOutputName { .. } => {
                phrase!("step-output-name", "change outputName or the file's name")
            }
            Self::Exists { .. } => phrase!(
                "step-overwrite",
                "to replace it, write overwrite = true in the manifest; otherwise choose \
                 another destination"
            ),
            Self::DiskFull => phrase!(
                "step-free-space",
                "make room on the output disk, or ask whoever runs exportd to do so"
            ),
            Self::Blocked { .. } => output_folder(),
            Self::NotWritable { detail } => of(detail).unwrap_or_else(output_folder),
            Self::Refused { .. } => {
                phrase!("step-manifest", "correct the manifest and drop it again")
            }
            Self::NothingExportable => {
                phrase!("step-list-pictures", "list pictures or other single files")
            }
            Self::Poison { .. } => phrase!(
                "step-fewer-files",
                "drop it again with fewer files, and pass this on to whoever runs exportd"
            ),
            Self::Internal { .. } => {
                phrase!("step-tell-operator", "tell whoever runs exportd; its log has the details")
            }
        }
    }
}

fn more_memory() -> Phrase {
    phrase!(
        "step-memory",
        "make the picture smaller, or ask whoever runs exportd to allow more memory per picture"
    )
}

fn output_folder() -> Phrase {
    phrase!("step-output-folder", "ask whoever runs exportd to check the output folder")
}

/// Says what helps against what one message tells, where that is more than against all of its
/// kind. A test knows that each name is that of a message.
pub(super) fn of(message: &Phrase) -> Option<Phrase> {
    Some(match message.id()? {
        "thing-empty" | "thing-zeroes" => {
            phrase!("step-copy-again", "copy the file again, then retry")
        }
        // What no image editor writes.
        "damage-encryption-makes-no-sense"
        | "damage-imagedata-line-makes-no-sense"
        | "damage-no-pages"
        | "damage-pages-not-found"
        | "damage-picture-on-page"
        | "damage-pixels-another-picture-than-says"
        | "damage-pixels-fewer-than-it-says"
        | "damage-svg"
        | "damage-text-makes-no-sense"
        | "damage-too-many-elements"
        | "damage-width-height-or-viewbox-make"
        | "damage-xml"
        | "source-pdf-document-jpeg-colours-stored" => phrase!(
            "step-save-there",
            "open it in the program that made it, save it again and retry"
        ),
        "source-svg-drawing-text-which-no" => phrase!(
            "step-outlines",
            "convert its text to outlines in the program that made it, and retry"
        ),
        "source-svg-other-file" => {
            phrase!("step-embed", "embed that file in the drawing and retry")
        }
        "source-pdf-document-needs-password-save" => {
            phrase!("step-no-password", "save it without a password and retry")
        }
        "source-pdf-document-encrypted-rare-way" => {
            phrase!("step-no-encryption", "save it without encryption and retry")
        }
        "source-pdf-pages" => phrase!("step-split-document", "split the document and retry"),
        "source-postscript-document-program-instead-pixels" => {
            phrase!("step-save-as-pdf", "save it as PDF and retry")
        }
        "source-photoshop-document-without-merged-picture" => {
            phrase!("step-switch-on", "switch that on, save it again and retry")
        }
        // A program reads its words alone: see `explain --json`.
        "fit-needs-size" => phrase!("add-wid-or-hei", "add wid or hei"),
        "killed-for-memory" => more_memory(),
        "file-name-too-long" => phrase!("step-shorten-output-name", "shorten outputName and retry"),
        "folder-made-meanwhile" | "not-a-folder" => {
            phrase!("step-rename-there", "rename it, or choose another destination")
        }
        "output-too-large" => phrase!("help-ask-smaller-size", "ask for a smaller size"),
        "output-removed" => phrase!("step-retry", "try again"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_message_tells_may_have_a_step_of_its_own() {
        let empty = phrase!("thing-empty", "an empty file");
        let picture = || phrase!("thing-any-picture", "a picture");
        let step = |found: Phrase| Fault::Mismatch { named: picture(), found }.next_step();
        assert_eq!(step(empty), "copy the file again, then retry");
        assert!(step("a hat".into()).starts_with("save it again in the format"));
        let of_output = |errno: rustix::io::Errno| Fault::of_output(&errno.into()).next_step();
        assert_eq!(of_output(rustix::io::Errno::NAMETOOLONG), "shorten outputName and retry");
        assert!(of_output(rustix::io::Errno::FBIG).ends_with("check the output folder"));
    }
}
