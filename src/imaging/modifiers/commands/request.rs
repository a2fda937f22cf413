//! Commands about the reply as a file, and about the request itself.

use super::arguments::{above_zero, whole_from};
use super::{Arguments, Class, Command, Concerns, Empty, Group, Reader, Support};
use crate::diag::{Diagnostic, nearest, phrase};
use crate::imaging::modifiers::Value;
use crate::imaging::modifiers::values::{
    Compression, Fmt, Format, Icc, Intent, Kernel, PIXEL_TYPES, PaletteKind, Qlt, Quantize, Req,
};

const REQUEST: Command = Command { group: Group::Request, ..Command::BASE };

/// Switches and addresses of a server that are passed over.
const SERVER: Command = Command {
    class: Class::Server,
    support: Support::Ignored,
    empty: Empty::Default,
    range: "any",
    ..REQUEST
};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "fmt",
        syntax: "fmt=format[,[rgb|gray|cmyk][,compression]]",
        range: "see the table of formats",
        default: "jpeg",
        page: "r-is-http-fmt",
        empty: Empty::Default,
        reader: Reader::Typed(fmt),
        ..REQUEST
    },
    Command {
        name: "qlt",
        syntax: "qlt=quality[,0|1]",
        range: "1 to 100; 1 keeps chroma at full resolution",
        default: "the configuration's jpeg_quality",
        page: "r-is-http-qlt",
        reader: Reader::Typed(qlt),
        ..REQUEST
    },
    Command {
        name: "jpegSize",
        syntax: "jpegSize=kilobytes",
        range: "0 or more; 0 is off",
        default: "0",
        page: "r-jpegsize",
        differs: "a kilobyte is 1,024 bytes",
        reader: Reader::Typed(|items| Ok(Value::JpegSize(items.length(0)?.unwrap_or(0)))),
        class: Class::Secondary,
        concerns: Concerns::Jpeg,
        ..REQUEST
    },
    Command {
        name: "pscan",
        syntax: "pscan=auto|3|4|5",
        range: "for pjpeg",
        default: "auto",
        page: "r-pscan",
        differs: "RGB has at least 4 scans and CMYK 5: the format has no fewer",
        reader: Reader::Typed(|items| {
            let words = [("auto", None), ("3", Some(3)), ("4", Some(4)), ("5", Some(5))];
            Ok(Value::Pscan(items.word(&words)?.flatten()))
        }),
        class: Class::Secondary,
        concerns: Concerns::Progressive,
        ..REQUEST
    },
    Command {
        name: "quantize",
        syntax: "quantize=adaptive|web|mac[,diffuse|off[,colours[,rrggbb...]]]",
        range: "2 to 256 colours, for gif and png8",
        default: "adaptive,diffuse,256",
        page: "r-is-http-quantize",
        differs: "colours of web and mac that are too many: the ones used most stay",
        reader: Reader::Typed(quantize),
        class: Class::Secondary,
        concerns: Concerns::Palette,
        ..REQUEST
    },
    Command {
        name: "icc",
        syntax: "icc=profile[,perceptual|relative|saturation|absolute[,0|1[,0|1]]]",
        range: "a name of `[imaging.profiles]` or of a catalogue, a path, `sRGB` or `gray`",
        default: "the configuration's icc_rgb, icc_gray or icc_cmyk",
        page: "r-icc",
        differs: "profiles are those of the configuration or the catalogue",
        reader: Reader::Typed(icc),
        ..REQUEST
    },
    Command {
        name: "iccEmbed",
        syntax: "iccEmbed=0|1",
        range: "0 or 1",
        default: "0",
        page: "r-iccembed",
        reader: Reader::Typed(|items| Ok(Value::IccEmbed(items.flag()?.unwrap_or(false)))),
        ..REQUEST
    },
    Command {
        name: "printRes",
        syntax: "printRes=dpi",
        range: "number above 0",
        default: "the source's",
        page: "r-printres",
        reader: Reader::Typed(|items| {
            items.positive()?.map(Value::PrintRes).ok_or_else(|| items.missing(above_zero()))
        }),
        ..REQUEST
    },
    Command {
        name: "xmpEmbed",
        syntax: "xmpEmbed=0|1",
        range: "0 or 1",
        default: "0",
        page: "r-xmpembed",
        differs: "the packet is copied as it is; a JPEG holds 65,504 bytes, and is made without it where it is longer",
        reader: Reader::Typed(|items| Ok(Value::XmpEmbed(items.flag()?.unwrap_or(false)))),
        class: Class::Secondary,
        ..REQUEST
    },
    Command {
        name: "pathEmbed",
        syntax: "pathEmbed=0|1",
        range: "0 or 1",
        default: "0",
        page: "r-pathembed",
        reader: Reader::Typed(|items| Ok(Value::PathEmbed(items.flag()?.unwrap_or(false)))),
        class: Class::Secondary,
        ..REQUEST
    },
    Command {
        name: "resMode",
        syntax: "resMode=bilin|bicub|sharp2|bisharp",
        range: "sharp and trilin are taken as sharp2 and bilin",
        default: "the configuration's res_mode",
        page: "r-is-http-resmode",
        reader: Reader::Typed(res_mode),
        ..REQUEST
    },
    Command {
        name: "req",
        syntax: "req=img|mask|tmb",
        range: "requests for anything but a picture are refused",
        default: "img",
        page: "r-req",
        differs: "answers in text have no place in an export",
        reader: Reader::Typed(req),
        ..REQUEST
    },
    Command {
        name: "template",
        syntax: "template=entry",
        range: "a template of the catalogue",
        page: "r-template",
        class: Class::Layers,
        support: Support::NotYet,
        ..REQUEST
    },
    Command {
        name: "defaultImage",
        syntax: "defaultImage=[object]",
        range: "any; a missing source is an error of an export",
        page: "r-is-http-defaultimage",
        support: Support::IgnoredWithWarning,
        ..SERVER
    },
    Command {
        name: "effectMask",
        syntax: "effectMask=0|1",
        range: "0 or 1",
        default: "1",
        page: "r-effectmask",
        class: Class::Layers,
        support: Support::NotYet,
        neutral: &["0", "1"],
        ..REQUEST
    },
    Command {
        name: "dpr",
        syntax: "dpr=off|on,ratio",
        range: "ratio above 0",
        default: "off",
        page: "r-dpr",
        differs: "nothing is asked of a browser",
        class: Class::Secondary,
        reader: Reader::Typed(dpr),
        ..REQUEST
    },
    Command { name: "bfc", syntax: "bfc=on|off", page: "r-bfc", ..SERVER },
    Command { name: "network", syntax: "network=on|off", page: "r-network", ..SERVER },
    Command { name: "cache", syntax: "cache=on|off[,on|off]", page: "r-is-http-cache", ..SERVER },
    Command { name: "id", syntax: "id=text", page: "r-id", ..SERVER },
    Command {
        name: "locale",
        syntax: "locale=name",
        page: "r-locale",
        support: Support::IgnoredWithWarning,
        ..SERVER
    },
    Command {
        name: "imageSet",
        syntax: "imageSet=set",
        page: "r-imageset",
        support: Support::IgnoredWithWarning,
        ..SERVER
    },
    Command {
        name: "type",
        syntax: "type=name",
        page: "r-type",
        support: Support::IgnoredWithWarning,
        ..SERVER
    },
];

/// Reads `fmt`; a combination the format cannot hold is an error.
fn fmt(items: &mut Arguments<'_, '_>) -> Result<Value, Diagnostic> {
    let Some(name) = items.item() else {
        let (pixel_type, compression) =
            (items.word(&PIXEL_TYPES)?, items.word(&Compression::NAMES)?);
        return held(items, Fmt { pixel_type, compression, ..Fmt::DEFAULT });
    };
    let Some(entry) = Format::named(name) else {
        let message =
            phrase!("unknown-format", "there is no format `{format}`", format = super::echo(name));
        let names = Format::table().iter().map(|entry| entry.name);
        let near = nearest(&super::echo(name), names);
        let error = items.error(message);
        return Err(match near {
            Some(near) => {
                error.help(phrase!("did-you-mean", "did you mean `{near}`?", near = near))
            }
            None => error.help(phrase!(
                "write-format",
                "write fmt=jpeg, png, tif, gif, webp, avif, jpeg2000, pdf or eps"
            )),
        });
    };
    let pixel_type = items.word(&PIXEL_TYPES)?;
    let compression = items.word(&Compression::NAMES)?;
    held(items, Fmt { format: entry.format, pixel_type, compression })
}

/// Refuses pixel types and compressions that a format cannot hold.
fn held(items: &Arguments<'_, '_>, fmt: Fmt) -> Result<Value, Diagnostic> {
    let entry = fmt.format.entry();
    if let Some(pixel_type) = fmt.pixel_type
        && !entry.pixel_types.contains(&pixel_type)
    {
        let names = PIXEL_TYPES.iter().filter(|(_, known)| entry.pixel_types.contains(known));
        let names: Vec<&str> = names.map(|(name, _)| *name).collect();
        let message = match names.as_slice() {
            [first, second] => phrase!(
                "format-holds-two",
                "`{format}` holds {first} or {second} only",
                format = entry.name,
                first = *first,
                second = *second,
            ),
            names => phrase!(
                "format-holds",
                "`{format}` holds {pixels} only",
                format = entry.name,
                pixels = names.join(" or "),
            ),
        };
        let help = phrase!("help-leave-pixel-type-out", "leave the pixel type out");
        return Err(items.error(message).help(help));
    }
    if let Some(compression) = fmt.compression
        && !entry.compressions.contains(&compression)
    {
        let names: Vec<&str> = entry.compressions.iter().map(|known| known.name()).collect();
        let message = match names.as_slice() {
            [] => phrase!(
                "no-choice-of-compression",
                "`{format}` leaves no choice of compression",
                format = entry.name
            ),
            names => phrase!(
                "compressed-by",
                "`{format}` is compressed by {words}, not {found}",
                format = entry.name,
                words = names.join(" | "),
                found = compression.name(),
            ),
        };
        let help = phrase!("leave-compression-out", "leave the compression out");
        return Err(items.error(message).help(help));
    }
    Ok(Value::Fmt(fmt))
}

fn qlt(items: &mut Arguments<'_, '_>) -> Result<Value, Diagnostic> {
    let quality = items.int(1, 100)?;
    let quality = quality.ok_or_else(|| items.missing(whole_from(1, 100)))?;
    let quality = u8::try_from(quality).unwrap_or(100);
    Ok(Value::Qlt(Qlt { quality, full_chroma: items.flag()?.unwrap_or(false) }))
}

fn icc(items: &mut Arguments<'_, '_>) -> Result<Value, Diagnostic> {
    let profile =
        items.item().ok_or_else(|| items.missing(phrase!("a-profile", "a profile")))?.to_owned();
    let intent = items.word(&Intent::NAMES)?;
    let (bpc, dither) = (items.flag()?, items.flag()?);
    Ok(Value::Icc(Icc { profile, intent, bpc, dither }))
}

/// Reads `quantize`; forced colours are six hexadecimal digits each, as many as there are colours.
fn quantize(items: &mut Arguments<'_, '_>) -> Result<Value, Diagnostic> {
    let most = Quantize::MOST;
    let palette = items.word(&PaletteKind::NAMES)?.unwrap_or(PaletteKind::Adaptive);
    let diffuse = items.word(&Quantize::DIFFUSION)?.unwrap_or(true);
    let colors = items.int(2, i64::from(most))?;
    let colors = colors.map_or(most, |n| u16::try_from(n).unwrap_or(most));
    let mut forced = Vec::new();
    while let Some(item) = items.item() {
        let color = (item.len() == 6).then(|| u32::from_str_radix(item, 16).ok()).flatten();
        let Some(color) = color else {
            return Err(items.missing(phrase!("forced-colours", "forced colours as rrggbb")));
        };
        let [_, r, g, b] = color.to_be_bytes();
        forced.push([r, g, b]);
    }
    if forced.len() > usize::from(colors) {
        let message = phrase!(
            "too-many-forced",
            "`quantize` forces {forced} colours of {colors}",
            forced = forced.len(),
            colors = colors,
        );
        let help = phrase!("force-fewer", "force fewer colours, or allow more of them");
        return Err(items.error(message).help(help));
    }
    Ok(Value::Quantize(Quantize { palette, diffuse, colors, forced }))
}

/// Reads `resMode`; two names of old servers are taken for their successors.
fn res_mode(items: &mut Arguments<'_, '_>) -> Result<Value, Diagnostic> {
    const NAMES: [(&str, (Kernel, &str)); 6] = [
        ("bilin", (Kernel::Bilin, "")),
        ("bicub", (Kernel::Bicub, "")),
        ("sharp2", (Kernel::Sharp2, "")),
        ("bisharp", (Kernel::Bisharp, "")),
        ("sharp", (Kernel::Sharp2, "sharp")),
        ("trilin", (Kernel::Bilin, "trilin")),
    ];
    let word = items.word(&NAMES)?;
    let (kernel, old) = word.ok_or_else(|| items.missing(phrase!("a-filter", "a filter")))?;
    if !old.is_empty() {
        items.warn(phrase!(
            "filter-out-of-use",
            "`resMode={old}` is out of use; {new} is used",
            old = old,
            new = kernel.to_string(),
        ));
    }
    Ok(Value::ResMode(kernel))
}

/// Reads `req`; a request for anything but a picture is no export.
fn req(items: &mut Arguments<'_, '_>) -> Result<Value, Diagnostic> {
    const OTHERS: [&str; 17] = [
        "props",
        "imageprops",
        "exists",
        "catalogprops",
        "resolve",
        "validate",
        "imageset",
        "set",
        "mbrSet",
        "map",
        "targets",
        "userdata",
        "xmp",
        "xlate",
        "message",
        "loadcache",
        "saveToFile",
    ];
    if let Some(other) = items.text.split(',').next().map(str::trim)
        && OTHERS.iter().any(|known| known.eq_ignore_ascii_case(other))
    {
        let message = phrase!(
            "req-not-picture",
            "`req={what}` does not ask for a picture",
            what = super::echo(other)
        );
        let help = phrase!("write-req-img", "leave it out, or write `req=img`");
        return Err(items.error(message).help(help));
    }
    let word = items.word(&[("img", Req::Img), ("mask", Req::Mask), ("tmb", Req::Tmb)])?;
    Ok(Value::Req(word.unwrap_or(Req::Img)))
}

/// Reads `dpr`; without a ratio a server would ask the browser, and there is none.
fn dpr(items: &mut Arguments<'_, '_>) -> Result<Value, Diagnostic> {
    let on = items.word(&[("off", false), ("on", true)])?.unwrap_or(false);
    let ratio = items.positive()?.unwrap_or(1.0);
    Ok(Value::Dpr(if on { ratio } else { 1.0 }))
}
