//! What a file's suffix promises, or its type in the catalogue, and content that is something else.

use crate::diag::{Fault, Phrase, phrase};
use crate::imaging::SourceInfo;
use crate::imaging::formats::SourceFormat;
use crate::library::{Asset, AssetType, SourceFile};

/// Returns the format that a file's suffix promises.
pub(super) fn promised(file: &SourceFile) -> Option<SourceFormat> {
    file.path.extension().and_then(SourceFormat::promised_by)
}

/// Returns the type that the catalogue gives a file against its suffix.
fn by_catalogue(asset: &Asset, file: &SourceFile) -> Option<AssetType> {
    (asset.kind != AssetType::from_extension(file.path.extension())).then_some(asset.kind)
}

/// Tells whether only the catalogue says that a file is a picture.
pub(super) fn is_picture_by_catalogue(asset: &Asset, file: &SourceFile) -> bool {
    let pictures = [Some(AssetType::Image), Some(AssetType::AdjustedView)];
    pictures.contains(&by_catalogue(asset, file))
        && AssetType::from_extension(file.path.extension()) != AssetType::Image
}

/// Refuses content that is another format than the catalogue says.
pub(super) fn belies_type(asset: &Asset, file: &SourceFile, info: &SourceInfo) -> Option<Fault> {
    let promised = match by_catalogue(asset, file)? {
        AssetType::Pdf => SourceFormat::Pdf,
        AssetType::PostScript => SourceFormat::Eps,
        AssetType::Svg => SourceFormat::Svg,
        _ => return None,
    };
    (info.format != promised)
        .then(|| Fault::Mismatch { named: promised.words(), found: info.format.words() })
}

/// Tells whether the original is delivered where a picture cannot be made of it: drawings are read
/// as far as that goes, and formats that no reader is for, not at all.
pub(super) fn may_stay(file: &SourceFile) -> bool {
    promised(file).is_none_or(|format| match format {
        SourceFormat::Svg | SourceFormat::Eps => true,
        SourceFormat::Jpeg
        | SourceFormat::Png
        | SourceFormat::Tiff
        | SourceFormat::Gif
        | SourceFormat::Webp
        | SourceFormat::Bmp
        | SourceFormat::Avif
        | SourceFormat::Jpeg2000
        | SourceFormat::Pdf
        | SourceFormat::Psd => false,
    })
}

/// Refuses content that is another picture than the suffix says.
pub(super) fn belies(file: &SourceFile, info: SourceInfo) -> Result<SourceInfo, Fault> {
    match promised(file) {
        Some(promised) if promised != info.format => Err(other_content(file, info.format.words())),
        Some(_) | None => Ok(info),
    }
}

/// Says why content that is not what it should be cannot be converted: the suffix lies, or this
/// release does not read such files.
pub(super) fn other_content(file: &SourceFile, found: Phrase) -> Fault {
    match promised(file) {
        Some(promised) => Fault::Mismatch { named: promised.words(), found },
        None => {
            Fault::UnsupportedSource { detail: phrase!("it-holds", "it is {found}", found = found) }
        }
    }
}
