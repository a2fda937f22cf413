//! Kinds of assets, and what each becomes when it is exported.

use serde::{Deserialize, Serialize};

use crate::diag::{Phrase, nearest, phrase};

/// The kind of an asset: what the catalogue says, else what the suffix says.
///
/// The words are those of the IPS API (reference page "Asset Types"); kinds that are treated alike
/// share one variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AssetType {
    /// A picture of pixels, PSD included.
    Image,
    /// A picture with modifiers of its own over its parent's file.
    AdjustedView,
    /// A picture made of layers that modifiers describe.
    Template,
    /// A template made from the layers of a PSD file.
    PsdTemplate,
    /// PDF.
    Pdf,
    /// PostScript, EPS, Illustrator.
    PostScript,
    /// SVG.
    Svg,
    /// Film.
    Video,
    /// Sound.
    Audio,
    /// A font.
    Font,
    /// A colour profile.
    IccProfile,
    /// A text, a table, slides, a layout.
    Office,
    /// XML, XSL.
    Xml,
    /// A packed archive.
    Archive,
    /// Anything else that is a file.
    Unknown,
    /// Pictures shown as one.
    ImageSet,
    /// Materials and objects for rendering.
    RenderSet,
    /// Pictures around an object.
    SpinSet,
    /// Pictures, films and sets shown as one.
    MediaSet,
    /// One film at several rates.
    MultiBitrateSet,
    /// Films shown as one.
    VideoSet,
    /// Pages to leaf through.
    #[serde(rename = "eCatalog")]
    ECatalog,
    /// Offers shown in turn.
    OfferSet,
    /// A record: a part of a picture to look at.
    ZoomTarget,
    /// A record: areas of a picture that are links.
    ImageMap,
    /// A record: a moment of a film.
    CuePoint,
    /// A record: how a viewer looks.
    ViewerPreset,
    /// A record: what is laid over pictures.
    Watermark,
}

/// What is done with an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Its file is delivered byte for byte.
    Copy,
    /// A picture is made from it.
    Convert,
    /// Its file is delivered although a picture was asked for: why.
    CopyWithWarning(Reason),
    /// Nothing is delivered, which is no error: why.
    NotExportable(Reason),
}

/// Why an asset is not delivered as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It is a list of others.
    Set,
    /// It is no file.
    Record,
    /// It is made when it is converted.
    Template,
    /// No picture can be made of it.
    NoPicture,
}

impl Reason {
    /// Says so.
    #[must_use]
    pub fn words(self) -> Phrase {
        match self {
            Self::Set => {
                phrase!("a-set", "a set only lists other assets; list those instead")
            }
            Self::Record => phrase!(
                "a-record",
                "it is a record about an asset, not a file; take it out of the list"
            ),
            Self::Template => phrase!(
                "a-template",
                "a template has no original of its own; use fmt = \"convert\""
            ),
            Self::NoPicture => {
                phrase!(
                    "no-picture",
                    "cannot be converted, so the original was delivered; if you do not want \
                     it, take it out of the list"
                )
            }
        }
    }
}

/// Words of the IPS API and of people, lower case without separators.
const WORDS: &[(&str, AssetType)] = &[
    ("image", AssetType::Image),
    ("psd", AssetType::Image),
    ("animatedgif", AssetType::Image),
    ("mask", AssetType::Image),
    ("colorswatch", AssetType::Image),
    ("adjustedview", AssetType::AdjustedView),
    ("layerview", AssetType::AdjustedView),
    ("template", AssetType::Template),
    ("psdtemplate", AssetType::PsdTemplate),
    ("pdf", AssetType::Pdf),
    ("postscript", AssetType::PostScript),
    ("illustrator", AssetType::PostScript),
    ("eps", AssetType::PostScript),
    ("svg", AssetType::Svg),
    ("video", AssetType::Video),
    ("mastervideo", AssetType::Video),
    ("flash", AssetType::Video),
    ("viewerswf", AssetType::Video),
    ("audio", AssetType::Audio),
    ("font", AssetType::Font),
    ("iccprofile", AssetType::IccProfile),
    ("profile", AssetType::IccProfile),
    ("office", AssetType::Office),
    ("excel", AssetType::Office),
    ("word", AssetType::Office),
    ("powerpoint", AssetType::Office),
    ("indesign", AssetType::Office),
    ("rtf", AssetType::Office),
    ("xml", AssetType::Xml),
    ("xsl", AssetType::Xml),
    ("archive", AssetType::Archive),
    ("zip", AssetType::Archive),
    ("unknown", AssetType::Unknown),
    ("asset", AssetType::Unknown),
    ("aco", AssetType::Unknown),
    ("cabinet", AssetType::Unknown),
    ("pdfsettings", AssetType::Unknown),
    ("premierexpressremix", AssetType::Unknown),
    ("renderscene", AssetType::Unknown),
    ("videocaption", AssetType::Unknown),
    ("vignette", AssetType::Unknown),
    ("windowscovering", AssetType::Unknown),
    ("imageset", AssetType::ImageSet),
    ("renderset", AssetType::RenderSet),
    ("spinset", AssetType::SpinSet),
    ("spinset2d", AssetType::SpinSet),
    ("mediaset", AssetType::MediaSet),
    ("assetset", AssetType::MediaSet),
    ("multibitrateset", AssetType::MultiBitrateSet),
    ("videoset", AssetType::VideoSet),
    ("ecatalog", AssetType::ECatalog),
    ("catalog", AssetType::ECatalog),
    ("offerset", AssetType::OfferSet),
    ("zoomtarget", AssetType::ZoomTarget),
    ("imagemap", AssetType::ImageMap),
    ("cuepoint", AssetType::CuePoint),
    ("viewerpreset", AssetType::ViewerPreset),
    ("watermark", AssetType::Watermark),
];

/// Suffixes, lower case.
const SUFFIXES: &[(AssetType, &[&str])] = &[
    (
        AssetType::Image,
        &[
            "jpg", "jpeg", "jpe", "jfif", "pjpeg", "png", "tif", "tiff", "gif", "webp", "bmp",
            "dib", "psd", "psb", "heic", "heif", "avif", "jp2", "j2k", "j2c", "jpc", "jpx", "jpf",
            "jxr", "wdp", "hdp", "pct", "pict",
        ],
    ),
    (AssetType::Pdf, &["pdf"]),
    (AssetType::PostScript, &["ps", "eps", "epsf", "ai"]),
    (AssetType::Svg, &["svg", "svgz"]),
    (
        AssetType::Video,
        &[
            "mp4", "m4v", "mov", "avi", "wmv", "flv", "f4v", "mpg", "mpeg", "mkv", "webm", "3gp",
            "swf", "ogv", "mts", "m2ts", "mxf", "vob",
        ],
    ),
    (
        AssetType::Audio,
        &["mp3", "wav", "aac", "m4a", "flac", "ogg", "oga", "opus", "aif", "aiff", "wma"],
    ),
    (AssetType::Font, &["ttf", "otf", "ttc", "pfb", "pfm", "afm", "woff", "woff2"]),
    (AssetType::IccProfile, &["icc", "icm"]),
    (
        AssetType::Office,
        &["doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "rtf", "indd", "idml"],
    ),
    (AssetType::Xml, &["xml", "xsl", "xslt"]),
    (AssetType::Archive, &["zip", "gz", "tgz", "tar", "7z", "rar", "bz2", "xz"]),
];

impl AssetType {
    /// All kinds.
    pub const ALL: [Self; 28] = [
        Self::Image,
        Self::AdjustedView,
        Self::Template,
        Self::PsdTemplate,
        Self::Pdf,
        Self::PostScript,
        Self::Svg,
        Self::Video,
        Self::Audio,
        Self::Font,
        Self::IccProfile,
        Self::Office,
        Self::Xml,
        Self::Archive,
        Self::Unknown,
        Self::ImageSet,
        Self::RenderSet,
        Self::SpinSet,
        Self::MediaSet,
        Self::MultiBitrateSet,
        Self::VideoSet,
        Self::ECatalog,
        Self::OfferSet,
        Self::ZoomTarget,
        Self::ImageMap,
        Self::CuePoint,
        Self::ViewerPreset,
        Self::Watermark,
    ];

    /// Returns the word of reports and catalogues.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Image => "Image",
            Self::AdjustedView => "AdjustedView",
            Self::Template => "Template",
            Self::PsdTemplate => "PsdTemplate",
            Self::Pdf => "Pdf",
            Self::PostScript => "PostScript",
            Self::Svg => "Svg",
            Self::Video => "Video",
            Self::Audio => "Audio",
            Self::Font => "Font",
            Self::IccProfile => "IccProfile",
            Self::Office => "Office",
            Self::Xml => "Xml",
            Self::Archive => "Archive",
            Self::Unknown => "Unknown",
            Self::ImageSet => "ImageSet",
            Self::RenderSet => "RenderSet",
            Self::SpinSet => "SpinSet",
            Self::MediaSet => "MediaSet",
            Self::MultiBitrateSet => "MultiBitrateSet",
            Self::VideoSet => "VideoSet",
            Self::ECatalog => "eCatalog",
            Self::OfferSet => "OfferSet",
            Self::ZoomTarget => "ZoomTarget",
            Self::ImageMap => "ImageMap",
            Self::CuePoint => "CuePoint",
            Self::ViewerPreset => "ViewerPreset",
            Self::Watermark => "Watermark",
        }
    }

    /// Reads a word of a catalogue; case, spaces, `-` and `_` do not matter.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let plain: String = word
            .chars()
            .filter(|c| !matches!(c, ' ' | '-' | '_'))
            .flat_map(char::to_lowercase)
            .collect();
        WORDS.iter().find(|(known, _)| *known == plain).map(|(_, kind)| *kind)
    }

    /// Returns the word that comes nearest to one that [`AssetType::from_word`] does not know.
    #[must_use]
    pub fn nearest_word(word: &str) -> Option<&'static str> {
        nearest(word, Self::ALL.map(Self::word))
    }

    /// Returns the kind that a file's extension stands for, [`AssetType::Unknown`] by default.
    #[must_use]
    pub fn from_extension(extension: Option<&str>) -> Self {
        let Some(extension) = extension.map(str::to_lowercase) else { return Self::Unknown };
        SUFFIXES
            .iter()
            .find(|(_, suffixes)| suffixes.contains(&extension.as_str()))
            .map_or(Self::Unknown, |(kind, _)| *kind)
    }

    /// Recognises the handles that say by themselves that they name a set: `a|<id>|22|…` is a
    /// render set, `a|<id>|44|…` an asset set.
    #[must_use]
    pub fn of_handle(handle: &str) -> Option<Self> {
        let mut parts = handle.split('|');
        let number = |part: Option<&str>| {
            part.filter(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit())).is_some()
        };
        if parts.next() != Some("a") || !number(parts.next()) {
            return None;
        }
        let kind = match parts.next()? {
            "22" => Self::RenderSet,
            "44" => Self::MediaSet,
            _ => return None,
        };
        (parts.next().is_some_and(|rest| !rest.is_empty())).then_some(kind)
    }

    /// Tells whether the asset is a list of others.
    #[must_use]
    pub const fn is_set(self) -> bool {
        matches!(
            self,
            Self::ImageSet
                | Self::RenderSet
                | Self::SpinSet
                | Self::MediaSet
                | Self::MultiBitrateSet
                | Self::VideoSet
                | Self::ECatalog
                | Self::OfferSet
        )
    }

    /// Tells whether a catalogue entry of this kind has to name a file.
    #[must_use]
    pub const fn needs_file(self) -> bool {
        !matches!(self.orig(), Delivery::NotExportable(_)) || matches!(self, Self::PsdTemplate)
    }

    /// Says what `fmt = "orig"` does with it.
    #[must_use]
    pub const fn orig(self) -> Delivery {
        match self {
            Self::Image
            | Self::AdjustedView
            | Self::Pdf
            | Self::PostScript
            | Self::Svg
            | Self::Video
            | Self::Audio
            | Self::Font
            | Self::IccProfile
            | Self::Office
            | Self::Xml
            | Self::Archive
            | Self::Unknown => Delivery::Copy,
            Self::Template | Self::PsdTemplate => Delivery::NotExportable(Reason::Template),
            _ => self.never(),
        }
    }

    /// Says what `fmt = "convert"` does with it.
    #[must_use]
    pub const fn convert(self) -> Delivery {
        match self {
            Self::Image
            | Self::AdjustedView
            | Self::Template
            | Self::PsdTemplate
            | Self::Pdf
            | Self::PostScript
            | Self::Svg => Delivery::Convert,
            Self::Video
            | Self::Audio
            | Self::Font
            | Self::IccProfile
            | Self::Office
            | Self::Xml
            | Self::Archive
            | Self::Unknown => Delivery::CopyWithWarning(Reason::NoPicture),
            _ => self.never(),
        }
    }

    const fn never(self) -> Delivery {
        Delivery::NotExportable(if self.is_set() { Reason::Set } else { Reason::Record })
    }
}

impl std::fmt::Display for AssetType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_deliveries() {
        let of = |kind: AssetType| (kind.orig(), kind.convert());
        for kind in AssetType::ALL {
            match kind {
                AssetType::Image
                | AssetType::Pdf
                | AssetType::PostScript
                | AssetType::Svg
                | AssetType::AdjustedView => {
                    assert_eq!(of(kind), (Delivery::Copy, Delivery::Convert), "{kind}");
                }
                AssetType::Template | AssetType::PsdTemplate => {
                    assert!(
                        matches!(of(kind), (Delivery::NotExportable(_), Delivery::Convert)),
                        "{kind}"
                    );
                }
                AssetType::Video
                | AssetType::Audio
                | AssetType::Font
                | AssetType::IccProfile
                | AssetType::Office
                | AssetType::Xml
                | AssetType::Archive
                | AssetType::Unknown => {
                    assert_eq!(
                        of(kind),
                        (Delivery::Copy, Delivery::CopyWithWarning(Reason::NoPicture)),
                        "{kind}"
                    );
                }
                set if set.is_set() => {
                    let never = Delivery::NotExportable(Reason::Set);
                    assert_eq!(of(kind), (never, never), "{kind}");
                }
                _ => {
                    let never = Delivery::NotExportable(Reason::Record);
                    assert_eq!(of(kind), (never, never), "{kind}");
                }
            }
        }
        assert_eq!(AssetType::ALL.iter().filter(|kind| kind.is_set()).count(), 8);
    }

    #[test]
    fn words_are_read_back_and_written_alike_in_json() {
        for kind in AssetType::ALL {
            assert_eq!(AssetType::from_word(kind.word()), Some(kind));
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.word()));
        }
        assert_eq!(AssetType::from_word("AssetSet"), Some(AssetType::MediaSet));
        assert_eq!(AssetType::from_word("Catalog"), Some(AssetType::ECatalog));
        assert_eq!(AssetType::from_word("image set"), Some(AssetType::ImageSet));
        assert_eq!(AssetType::from_word("Multi-bitrate Set"), Some(AssetType::MultiBitrateSet));
        assert_eq!(AssetType::from_word("Picture"), None);
        assert_eq!(AssetType::nearest_word("Imge"), Some("Image"));
    }

    #[test]
    fn suffixes_decide_without_a_catalogue() {
        for (suffix, kind) in [
            ("JPG", AssetType::Image),
            ("psd", AssetType::Image),
            ("pdf", AssetType::Pdf),
            ("ai", AssetType::PostScript),
            ("svg", AssetType::Svg),
            ("mov", AssetType::Video),
            ("icc", AssetType::IccProfile),
            ("docx", AssetType::Office),
            ("dat", AssetType::Unknown),
        ] {
            assert_eq!(AssetType::from_extension(Some(suffix)), kind, "{suffix}");
        }
        assert_eq!(AssetType::from_extension(None), AssetType::Unknown);
    }

    #[test]
    fn handles_of_sets_are_recognised() {
        assert_eq!(AssetType::of_handle("a|944|22|535"), Some(AssetType::RenderSet));
        assert_eq!(AssetType::of_handle("a|944|44|535"), Some(AssetType::MediaSet));
        for other in ["a|944|1|535", "a|x|22|5", "a|944|22", "a|944|22|", "b|944|22|5", "a", ""] {
            assert_eq!(AssetType::of_handle(other), None, "{other}");
        }
    }
}
