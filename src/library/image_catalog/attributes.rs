//! Attribute files: `default.ini` and one `.ini` for each further catalogue.
//!
//! Lines are `Name = value[,value…]`, names the same in any case; a line whose first character is
//! `#` is a comment, a `\` at the end of a line joins it with the next, and of two lines with one
//! name the later one holds. What a catalogue does not say, it inherits from `default.ini`
//! (reference page *Attribute Reference*).

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::diag::{Code, Diagnostic, nearest, shown};

/// Where a catalogue says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Name of the file.
    pub file: Arc<str>,
    /// Line in it, from 1.
    pub line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A value that a catalogue gives, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub from: Origin,
}

/// The resamplers that an attribute can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResMode {
    /// 2.
    Bilin,
    /// 3.
    Bicub,
    /// 4, and the outdated 1.
    Sharp2,
}

/// How a thumbnail is made of its picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThumbType {
    /// 1: it fills the frame and is cut.
    Crop,
    /// 2: it fits into the frame.
    Fit,
    /// 3: it is shown at `ThumbRes`.
    Texture,
}

/// Where a thumbnail stands in its frame, along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThumbAlign {
    /// 1: left or top.
    Start,
    /// 2: in the middle.
    Middle,
    /// 3: right or bottom.
    End,
}

/// How colours outside of the output's range are brought into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenderIntent {
    /// 0.
    Perceptual,
    /// 1.
    Relative,
    /// 2.
    Saturation,
    /// 3.
    Absolute,
}

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// The attributes of a catalogue, and the fields of a record that stand in for them, that matter
/// for an export; what nobody says is `None`.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(missing_docs, reason = "each is the attribute of the reference of the same name")]
pub struct Attributes {
    pub default_pix: Option<Given<(u32, u32)>>,
    pub max_pix: Option<Given<(u32, u32)>>,
    pub bkg_color: Option<Given<Rgb>>,
    /// Quality 1–100, and whether chroma keeps its resolution.
    pub jpeg_quality: Option<Given<(u8, bool)>>,
    pub res_mode: Option<Given<ResMode>>,
    pub resolution: Option<Given<f64>>,
    /// Dots per inch.
    pub print_resolution: Option<Given<f64>>,
    pub default_thumb_pix: Option<Given<(u32, u32)>>,
    pub thumb_bkg_color: Option<Given<Rgb>>,
    pub thumb_type: Option<Given<ThumbType>>,
    pub thumb_res: Option<Given<f64>>,
    pub thumb_horiz_align: Option<Given<ThumbAlign>>,
    pub thumb_vert_align: Option<Given<ThumbAlign>>,
    /// A name of the profile map or a path; empty is none.
    pub icc_profile_rgb: Option<Given<String>>,
    pub icc_profile_gray: Option<Given<String>>,
    pub icc_profile_cmyk: Option<Given<String>>,
    pub icc_profile_src_rgb: Option<Given<String>>,
    pub icc_profile_src_gray: Option<Given<String>>,
    pub icc_profile_src_cmyk: Option<Given<String>>,
    pub icc_render_intent: Option<Given<RenderIntent>>,
    pub icc_black_point_compensation: Option<Given<bool>>,
    pub icc_dither: Option<Given<bool>>,
}

/// Lays each field over the one of a default.
macro_rules! inherit {
    ($own:expr, $default:expr, $($field:ident)+) => {
        Attributes { $($field: $own.$field.clone().or_else(|| $default.$field.clone()),)+ }
    };
}

impl Attributes {
    /// Returns these with what they do not say taken from others.
    #[must_use]
    pub fn over(&self, default: &Self) -> Self {
        inherit!(self, default,
            default_pix max_pix bkg_color jpeg_quality res_mode resolution print_resolution
            default_thumb_pix thumb_bkg_color thumb_type thumb_res thumb_horiz_align
            thumb_vert_align icc_profile_rgb icc_profile_gray icc_profile_cmyk
            icc_profile_src_rgb icc_profile_src_gray icc_profile_src_cmyk icc_render_intent
            icc_black_point_compensation icc_dither)
    }

    /// Sets the attribute of a name, given in lower case; `None` when there is none of that name.
    ///
    /// An empty value unsets, except of a profile, which it switches off.
    fn set(&mut self, name: &str, value: &str, from: &Origin) -> Option<Result<(), String>> {
        macro_rules! put {
            ($field:ident, $read:expr) => {
                if value.is_empty() {
                    self.$field = None;
                    Ok(())
                } else {
                    let read: Result<_, String> = $read(value);
                    read.map(|value| self.$field = Some(Given { value, from: from.clone() }))
                }
            };
        }
        let mut profile = |field: fn(&mut Self) -> &mut Option<Given<String>>| {
            *field(self) = Some(Given { value: value.to_owned(), from: from.clone() });
            Ok(())
        };
        Some(match name {
            "defaultpix" => put!(default_pix, pair),
            "maxpix" => put!(max_pix, pair),
            "bkgcolor" => put!(bkg_color, rgb),
            "jpegquality" => put!(jpeg_quality, jpeg_quality),
            "resmode" => put!(res_mode, res_mode),
            "resolution" => put!(resolution, positive),
            "printresolution" => put!(print_resolution, positive),
            "defaultthumbpix" => put!(default_thumb_pix, pair),
            "thumbbkgcolor" => put!(thumb_bkg_color, rgb),
            "thumbtype" => put!(thumb_type, thumb_type),
            "thumbres" => put!(thumb_res, positive),
            "thumbhorizalign" => put!(thumb_horiz_align, thumb_align),
            "thumbvertalign" => put!(thumb_vert_align, thumb_align),
            "iccprofilergb" => profile(|all| &mut all.icc_profile_rgb),
            "iccprofilegray" => profile(|all| &mut all.icc_profile_gray),
            "iccprofilecmyk" => profile(|all| &mut all.icc_profile_cmyk),
            "iccprofilesrcrgb" => profile(|all| &mut all.icc_profile_src_rgb),
            "iccprofilesrcgray" => profile(|all| &mut all.icc_profile_src_gray),
            "iccprofilesrccmyk" => profile(|all| &mut all.icc_profile_src_cmyk),
            "iccrenderintent" => put!(icc_render_intent, render_intent),
            "iccblackpointcompensation" => put!(icc_black_point_compensation, flag),
            "iccdither" => put!(icc_dither, flag),
            _ => return None,
        })
    }
}

/// Attributes that are about the catalogue's own files, in [`AttributeFile`].
const FILES: &[&str] = &[
    "RootId",
    "RootPath",
    "CatalogFile",
    "MacroFile",
    "IccProfileMapFile",
    "FontMapFile",
    "DefaultExt",
    "FullMatch",
];

/// Attributes about pictures, in [`Attributes`].
const USED: &[&str] = &[
    "DefaultPix",
    "MaxPix",
    "BkgColor",
    "JpegQuality",
    "ResMode",
    "Resolution",
    "PrintResolution",
    "DefaultThumbPix",
    "ThumbBkgColor",
    "ThumbType",
    "ThumbRes",
    "ThumbHorizAlign",
    "ThumbVertAlign",
    "IccProfileRgb",
    "IccProfileGray",
    "IccProfileCmyk",
    "IccProfileSrcRgb",
    "IccProfileSrcGray",
    "IccProfileSrcCmyk",
    "IccRenderIntent",
    "IccBlackPointCompensation",
    "IccDither",
];

/// Attributes that would change pictures and do not: a warning when they are set.
const WITHOUT_EFFECT: &[&str] = &["Watermark", "DefaultImage", "RuleSetFile", "SvgCatalogFile"];

/// Attributes that only mean something to a server, or to layers.
const SERVER: &[&str] = &[
    "AllowDirectAccess",
    "AllowDirectUrls",
    "ApplyEffectMask",
    "AudioBitRate",
    "Bfc",
    "CacheValidationPolicy",
    "ClientAddressFilter",
    "DefaultExpiration",
    "DefaultFont",
    "DefaultImageMode",
    "DefaultLocale",
    "DigimarcId",
    "DigimarcInfo",
    "ErrorDetail",
    "ErrorImage",
    "ErrorImagePath",
    "Expiration",
    "HttpAppleStreamingContext",
    "HttpFlashStreamingContext",
    "HttpStreamingContext",
    "LocaleMap",
    "LocaleStrMap",
    "NonImgExpiration",
    "PublishInfo",
    "RequestLock",
    "RequestObfuscation",
    "RootUrl",
    "SavePath",
    "StaticContentCatalogFile",
    "StaticContentRootPath",
    "SynthesizeFontStyles",
    "TimeStamp",
    "TotalStreamBitRate",
    "TrustedDomains",
    "UseLastModified",
    "VideoBitRate",
    "VideoSize",
];

/// A text of an attribute file with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) value: String,
    pub(super) span: Range<usize>,
    pub(super) line: usize,
}

/// One attribute file, as written.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct AttributeFile {
    pub(super) root_id: Option<Written>,
    pub(super) root_path: Option<Written>,
    pub(super) catalog_files: Option<Written>,
    pub(super) macro_file: Option<Written>,
    pub(super) profile_map: Option<Written>,
    pub(super) font_map: Option<Written>,
    /// With its dot; empty switches it off.
    pub(super) default_ext: Option<String>,
    pub(super) full_match: Option<bool>,
    pub(super) attributes: Attributes,
}

/// Reads an attribute file.
pub(super) fn read(text: &str, file: &Arc<str>, findings: &mut Vec<Diagnostic>) -> AttributeFile {
    let mut read = AttributeFile::default();
    for line in lines(text) {
        let Some((name, value)) = split(text, &line, findings) else { continue };
        let key = name.value.to_ascii_lowercase();
        if let Some(problem) = read.set(&key, &value, file) {
            let message = format!("`{}`: {problem}, not `{}`", name.value, shown(&value.value));
            findings.push(
                Diagnostic::error(Code::Value, value.span.clone(), message)
                    .help("the line has no effect until it is corrected"),
            );
        }
        findings.extend(about(&name, &value));
    }
    read
}

/// Says what is odd about a name.
fn about(name: &Written, value: &Written) -> Option<Diagnostic> {
    let is = |known: &&str| known.eq_ignore_ascii_case(&name.value);
    if WITHOUT_EFFECT.iter().any(is) {
        let message = format!("`{}` has no effect on an export", name.value);
        return (!value.value.is_empty())
            .then(|| Diagnostic::warning(Code::Other, name.span.clone(), message));
    }
    if FILES.iter().chain(USED).chain(SERVER).any(is) {
        return None;
    }
    let message = format!("unknown attribute `{}` is ignored", shown(&name.value));
    let finding = Diagnostic::warning(Code::Other, name.span.clone(), message);
    let known = FILES.iter().chain(USED).chain(WITHOUT_EFFECT).chain(SERVER).copied();
    Some(match nearest(&name.value, known) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding,
    })
}

impl AttributeFile {
    /// Takes one line over; returns what is allowed when its value is not.
    fn set(&mut self, key: &str, value: &Written, file: &Arc<str>) -> Option<String> {
        let some = || Some(value.clone());
        match key {
            "rootid" => self.root_id = some(),
            "rootpath" => self.root_path = some(),
            "catalogfile" => self.catalog_files = some(),
            "macrofile" => self.macro_file = some(),
            "iccprofilemapfile" => self.profile_map = some(),
            "fontmapfile" => self.font_map = some(),
            "defaultext" => match value.value.as_str() {
                "" | "." => self.default_ext = Some(String::new()),
                dotted if dotted.starts_with('.') => self.default_ext = Some(dotted.to_owned()),
                bare => self.default_ext = Some(format!(".{bare}")),
            },
            "fullmatch" => match flag(&value.value) {
                Ok(on) => self.full_match = Some(on),
                Err(_) if value.value.is_empty() => self.full_match = None,
                Err(problem) => return Some(problem),
            },
            _ => {
                let from = Origin { file: file.clone(), line: value.line };
                return self.attributes.set(key, &value.value, &from)?.err();
            }
        }
        None
    }
}

/// One line with those that it is joined with, and its number.
struct Line {
    span: Range<usize>,
    number: usize,
}

/// Cuts a text into lines, joined where a `\` escapes their end; comments and blanks left out.
fn lines(text: &str) -> Vec<Line> {
    let mut found = Vec::new();
    let (mut at, mut number) = (0, 1);
    while at < text.len() {
        let (start, first) = (at, number);
        let mut end;
        loop {
            end = at + text[at..].find('\n').unwrap_or(text.len() - at);
            at = (end + 1).min(text.len());
            number += 1;
            let line = &text[start..end];
            if end == text.len() || line.starts_with('#') || !line.ends_with('\\') {
                break;
            }
        }
        let content = text[start..end].trim();
        if !content.is_empty() && !content.starts_with('#') {
            found.push(Line { span: start..end, number: first });
        }
    }
    found
}

/// Cuts a line into name and value.
fn split(text: &str, line: &Line, findings: &mut Vec<Diagnostic>) -> Option<(Written, Written)> {
    let content = &text[line.span.clone()];
    let part = |part: Range<usize>| {
        let trimmed = content[part.clone()].trim_start();
        let start = part.end - trimmed.len();
        line.span.start + start..line.span.start + start + trimmed.trim_end().len()
    };
    let Some(equals) = content.find('=') else {
        let span = part(0..content.len());
        let message = "this line is neither `Name = value` nor a comment";
        findings
            .push(Diagnostic::error(Code::Syntax, span, message).help("a comment begins with `#`"));
        return None;
    };
    let name = part(0..equals);
    let value = part(equals + 1..content.len());
    let written = |span: Range<usize>| {
        let value = text[span.clone()].replace("\\\n", "");
        // An empty value is shown where it would stand.
        let span = if span.is_empty() {
            line.span.start + equals..line.span.start + equals + 1
        } else {
            span
        };
        Written { value, span, line: line.number }
    };
    Some((written(name), written(value)))
}

fn flag(text: &str) -> Result<bool, String> {
    match text {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err("expected 0 or 1".into()),
    }
}

fn pair(text: &str) -> Result<(u32, u32), String> {
    let wrong = || "expected width and height, two whole numbers from 0".to_owned();
    let (width, height) = text.split_once(',').ok_or_else(wrong)?;
    let number = |text: &str| text.trim().parse().map_err(|_| wrong());
    Ok((number(width)?, number(height)?))
}

fn rgb(text: &str) -> Result<Rgb, String> {
    let wrong = || "expected a colour rrggbb".to_owned();
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| wrong());
    Ok([part(0)?, part(2)?, part(4)?])
}

fn jpeg_quality(text: &str) -> Result<(u8, bool), String> {
    let wrong = || "expected a quality from 1 to 100, and 0 or 1 for full chroma".to_owned();
    let (quality, chroma) = match text.split_once(',') {
        Some((quality, chroma)) => (quality.trim(), flag(chroma.trim()).map_err(|_| wrong())?),
        None => (text, false),
    };
    match quality.parse() {
        Ok(quality @ 1..=100) => Ok((quality, chroma)),
        _ => Err(wrong()),
    }
}

fn res_mode(text: &str) -> Result<ResMode, String> {
    match text {
        "1" | "4" => Ok(ResMode::Sharp2),
        "2" => Ok(ResMode::Bilin),
        "3" => Ok(ResMode::Bicub),
        _ => Err("expected 2 (bilin), 3 (bicub) or 4 (sharp2)".into()),
    }
}

/// Reads a number above 0.
pub(super) fn positive(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
        _ => Err("expected a number above 0".into()),
    }
}

pub(super) fn thumb_type(text: &str) -> Result<ThumbType, String> {
    match text.trim() {
        "1" => Ok(ThumbType::Crop),
        "2" => Ok(ThumbType::Fit),
        "3" => Ok(ThumbType::Texture),
        _ => Err("expected 1 (crop), 2 (fit) or 3 (texture)".into()),
    }
}

fn thumb_align(text: &str) -> Result<ThumbAlign, String> {
    match text {
        "1" => Ok(ThumbAlign::Start),
        "2" => Ok(ThumbAlign::Middle),
        "3" => Ok(ThumbAlign::End),
        _ => Err("expected 1, 2 (middle) or 3".into()),
    }
}

fn render_intent(text: &str) -> Result<RenderIntent, String> {
    match text {
        "0" => Ok(RenderIntent::Perceptual),
        "1" => Ok(RenderIntent::Relative),
        "2" => Ok(RenderIntent::Saturation),
        "3" => Ok(RenderIntent::Absolute),
        _ => Err("expected 0 (perceptual), 1 (relative), 2 (saturation) or 3 (absolute)".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;

    fn read_all(text: &str) -> (AttributeFile, Vec<String>) {
        let mut findings = Vec::new();
        let file = read(text, &Arc::from("a.ini"), &mut findings);
        let told = told(text, &findings);
        (file, told)
    }

    #[test]
    fn lines_are_names_and_values() {
        let (file, told) = read_all(
            "# a comment\n\nRootId=acme\n ROOTPATH  =  images/acme \nDefaultExt = tif\n\
             DefaultPix = 1280, 960\nDefaultPix = 640,\\\n480\nJpegQuality = 90,1\nFullMatch=1\n\
             BkgColor = 0xF1f1f0\nResMode=3\nResolution = 72.5\nIccRenderIntent = 0\n\
             IccDither = 1\nErrorDetail = 2\nexpiration = 5",
        );
        assert_eq!(told, [""; 0]);
        assert_eq!(file.root_id.as_ref().map(|w| (w.value.as_str(), w.line)), Some(("acme", 3)));
        assert_eq!(file.root_path.as_ref().map(|w| w.value.as_str()), Some("images/acme"));
        assert_eq!(file.default_ext.as_deref(), Some(".tif"));
        assert_eq!(file.full_match, Some(true));
        let all = file.attributes;
        let size = all.default_pix.unwrap();
        assert_eq!((size.value, size.from.to_string()), ((640, 480), "a.ini:7".into()));
        assert_eq!(all.jpeg_quality.unwrap().value, (90, true));
        assert_eq!(all.bkg_color.unwrap().value, [0xf1, 0xf1, 0xf0]);
        assert_eq!(all.res_mode.unwrap().value, ResMode::Bicub);
        assert_eq!(all.resolution.unwrap().value.to_bits(), 72.5_f64.to_bits());
        assert_eq!(all.icc_render_intent.unwrap().value, RenderIntent::Perceptual);
        assert!(all.icc_dither.unwrap().value);
    }

    #[test]
    fn an_empty_value_switches_off_or_inherits() {
        let (file, told) = read_all(
            "RootPath =\nDefaultExt =\nJpegQuality = 90\nJpegQuality =\nIccProfileRgb =\nFullMatch=\n",
        );
        assert_eq!(told, [""; 0]);
        assert_eq!(file.root_path.unwrap().value, "");
        assert_eq!(file.default_ext.as_deref(), Some(""));
        assert_eq!((file.attributes.jpeg_quality.clone(), file.full_match), (None, None));
        let default = read_all("JpegQuality=70\nIccProfileRgb=sRGB\nIccProfileGray=Dot\n").0;
        let both = file.attributes.over(&default.attributes);
        assert_eq!(both.jpeg_quality.unwrap().value, (70, false));
        assert_eq!(both.icc_profile_rgb.unwrap().value, "");
        assert_eq!(both.icc_profile_gray.unwrap().value, "Dot");
    }

    #[test]
    fn mistakes_are_named_with_their_line_and_the_rest_holds() {
        let (file, told) = read_all(
            "MaxPix = 3000\nBkgColour = ffffff\nnothing\nResMode = 7\nJpegQuality = 101\n\
             Watermark = logo\nMaxPix = 5,6\n",
        );
        assert_eq!(
            told,
            [
                "1: `MaxPix`: expected width and height, two whole numbers from 0, not `3000` (the \
                 line has no effect until it is corrected)",
                "2: unknown attribute `BkgColour` is ignored (did you mean `BkgColor`?)",
                "3: this line is neither `Name = value` nor a comment (a comment begins with `#`)",
                "4: `ResMode`: expected 2 (bilin), 3 (bicub) or 4 (sharp2), not `7` (the line has \
                 no effect until it is corrected)",
                "5: `JpegQuality`: expected a quality from 1 to 100, and 0 or 1 for full chroma, \
                 not `101` (the line has no effect until it is corrected)",
                "6: `Watermark` has no effect on an export",
            ]
        );
        assert_eq!(file.attributes.max_pix.unwrap().value, (5, 6));
    }

    #[test]
    fn every_attribute_that_is_said_to_be_used_is() {
        let page = include_str!("../../../docs/catalogues.md");
        for name in FILES.iter().chain(USED).chain(WITHOUT_EFFECT) {
            assert!(page.contains(&format!("`{name}`")), "docs/catalogues.md lacks {name}");
        }
        for name in USED {
            let mut all = Attributes::default();
            let from = Origin { file: Arc::from("a.ini"), line: 1 };
            assert!(all.set(&name.to_ascii_lowercase(), "", &from).is_some(), "{name}");
        }
        assert!(Attributes::default().over(&Attributes::default()) == Attributes::default());
    }
}
