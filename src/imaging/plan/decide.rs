//! [`plan()`]: geometry, steps and output put together.

use super::layer::Layer;
use super::spaces::{Embed, Reply};
use super::steps::steps;
use super::view::View;
use super::wanted::Wanted;
use super::{
    Aux, Color, Defaults, Encoding, Output, PdfCompression, Plan, Scans, Space, Step,
    TiffCompression, geometry,
};
use crate::diag::{Code, Diagnostic, phrase};
use crate::imaging::SourceInfo;
use crate::imaging::modifiers::values::{Compression, Fmt, Format, Req};
use crate::imaging::modifiers::{Modifiers, Rules};

/// A plan, and what is to be said about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// What will be done.
    pub plan: Plan,
    /// What counts as a warning of the asset.
    pub warnings: Vec<Diagnostic>,
    /// What is worth knowing but is no warning: nothing was left out.
    pub hints: Vec<Diagnostic>,
}

impl Defaults {
    /// Returns how much the parser lets pass.
    #[must_use]
    pub const fn rules(&self) -> Rules {
        Rules { strict: self.strict, lenient: self.lenient }
    }
}

/// Decides everything about one reply that can be decided without pixels.
///
/// The same modifiers, source and defaults always give the same plan.
///
/// # Errors
/// The finding that stops the asset: a command or format that cannot be written, `fit` without a
/// size, an empty picture, a picture beyond `MaxPix` or the limits.
pub fn plan(
    modifiers: &Modifiers,
    source: &SourceInfo,
    defaults: &Defaults,
) -> Result<Planned, Diagnostic> {
    let wanted = Wanted::new(modifiers)?;
    let mut warnings = Vec::new();
    let output = output(&wanted, modifiers.fmt(), (source, defaults), &mut warnings)?;
    let layer = Layer::new(&wanted, source, defaults)?;
    let view = View::new(&wanted, layer.composite, defaults)?;
    if let (Some(_), Some(fit)) = (&wanted.scl, &wanted.fit) {
        let message = phrase!("fit-with-scl", "`fit` has no effect together with `scl`");
        let warning = Diagnostic::warning(Code::Value, fit.place.clone(), message);
        warnings.push(warning.help(phrase!("leave-fit-out", "leave `fit` out")));
    }
    let output = Output {
        paths: wanted
            .path_embed
            .then(|| Box::new(geometry::whole_map(&layer, &view, wanted.composite.flip))),
        ..output
    };
    let steps = steps(&wanted, (&layer, &view), (source, &output), defaults)?;
    let aux = needs(&steps, source, &output);
    let plan = Plan {
        page: source.page,
        source: source.size,
        composite: layer.composite,
        reply: view.window.size,
        placement: view.placement(),
        steps,
        output,
        aux,
        extension: modifiers.fmt().format.entry().extension.to_owned(),
    };
    let hints = smaller_than_asked(&wanted, &view).into_iter().collect();
    Ok(Planned { plan, warnings, hints })
}

/// Lists what is needed beside the source, each once.
fn needs(steps: &[Step], source: &SourceInfo, output: &Output) -> Vec<Aux> {
    let embed = if output.embed_profile { Embed::Profile } else { Embed::Nothing };
    let profiles = output.conversion.needs(source.pixel_type, output.pixel_type, embed);
    let mut aux: Vec<Aux> = steps.iter().filter_map(Step::needs).cloned().chain(profiles).collect();
    aux.sort();
    aux.dedup();
    aux
}

/// Lists what is wrong with modifiers whatever the source: commands and formats that cannot be
/// written, `fit` without a size, and profiles that are not there or do not fit.
///
/// [`plan()`] reports the same; this is for looking at a manifest before its sources are there.
#[must_use]
pub fn check(modifiers: &Modifiers, defaults: &Defaults) -> Vec<Diagnostic> {
    let mut findings = modifiers.unsupported();
    if findings.is_empty() {
        let source = crate::imaging::Size::new(1, 1);
        let wanted = Wanted::new(modifiers);
        let lonely =
            |wanted: &Wanted| wanted.fit.is_some() && wanted.wid.is_none() && wanted.hei.is_none();
        match wanted {
            Ok(wanted) if lonely(&wanted) => {
                findings.extend(View::new(&wanted, source, defaults).err());
            }
            Ok(wanted) => {
                let reply = Reply::new(&wanted, modifiers.fmt(), defaults, &mut Vec::new());
                findings.extend(reply.err());
            }
            Err(finding) => findings.push(finding),
        }
    }
    findings
}

/// Notes that a request of one dimension got bars because the source is smaller.
fn smaller_than_asked(wanted: &Wanted, view: &View) -> Option<Diagnostic> {
    let (given, axis) = match (&wanted.wid, &wanted.hei) {
        (Some(wid), None) => (wid, &view.x),
        (None, Some(hei)) => (hei, &view.y),
        (Some(_), Some(_)) | (None, None) => return None,
    };
    let bars = axis.scaled < axis.view && wanted.fit.is_none() && wanted.scl.is_none();
    bars.then(|| {
        let message = phrase!(
            "between-bars",
            "the picture is smaller than the size asked for, so bars were added beside it"
        );
        Diagnostic::warning(Code::Value, given.place.clone(), message)
            .help(phrase!("no-bars", "add `fit=constrain` for no bars, or `fit=fit,1` to enlarge"))
    })
}

/// Decides what the reply is written as.
fn output(
    wanted: &Wanted,
    fmt: Fmt,
    (source, defaults): (&SourceInfo, &Defaults),
    warnings: &mut Vec<Diagnostic>,
) -> Result<Output, Diagnostic> {
    let entry = fmt.format.entry();
    let reply = Reply::new(wanted, fmt, defaults, warnings)?;
    let pixel_type = reply.pixel_type;
    let conversion = reply.conversion(wanted, source, defaults);
    if wanted.icc_embed.value && entry.icc && conversion.to == Space::Unknown {
        let message = phrase!(
            "no-profile-to-embed",
            "there is no profile to embed: it is not known which kind of CMYK this is"
        );
        let finding = Diagnostic::warning(Code::Value, wanted.icc_embed.place.clone(), message);
        warnings.push(finding.help(phrase!(
            "ask-for-profile",
            "ask for one with `icc`, or ask whoever runs exportd to set `imaging.icc_cmyk`"
        )));
    }
    let default_background = Color::rgb(match wanted.req.value {
        Req::Tmb => defaults.thumbnails.background,
        Req::Img | Req::Mask => defaults.background,
    });
    let background = wanted.bgc.map_or(default_background, |paint| paint.color);
    let background = Color { alpha: 255, ..background.naive(pixel_type) };
    Ok(Output {
        encoding: encoding(wanted, fmt, defaults),
        pixel_type,
        alpha: entry.alpha,
        background,
        embed_profile: wanted.icc_embed.value && entry.icc && conversion.to != Space::Unknown,
        conversion,
        embed_xmp: wanted.xmp_embed,
        paths: None,
        dpi: wanted.print_res.or(defaults.print_resolution).or(source.dpi),
    })
}

/// Decides how the file is written; formats that cannot be were refused before.
fn encoding(wanted: &Wanted, fmt: Fmt, defaults: &Defaults) -> Encoding {
    let (quality, full_chroma) =
        wanted.qlt.map_or(defaults.jpeg_quality, |qlt| (qlt.quality, qlt.full_chroma));
    let palette = || wanted.quantize.clone().unwrap_or_default();
    let lossy = (fmt.compression() != Some(Compression::Lossless)).then_some(quality);
    let jpeg = |scans| {
        let most_bytes = (wanted.jpeg_size > 0).then(|| u64::from(wanted.jpeg_size) * 1024);
        Encoding::Jpeg { quality, full_chroma, scans, most_bytes }
    };
    match fmt.format {
        Format::Png | Format::PngAlpha => Encoding::Png,
        Format::Png8 | Format::Png8Alpha => Encoding::Png8 { palette: palette() },
        Format::Gif | Format::GifAlpha => Encoding::Gif { palette: palette() },
        Format::Tif | Format::TifAlpha => Encoding::Tiff {
            compression: match fmt.compression() {
                Some(Compression::Lzw) => TiffCompression::Lzw,
                Some(Compression::Zip) => TiffCompression::Zip,
                Some(Compression::Jpeg) => TiffCompression::Jpeg { quality, full_chroma },
                _ => TiffCompression::None,
            },
        },
        Format::Pdf => Encoding::Pdf {
            compression: match fmt.compression() {
                Some(Compression::Zip) => PdfCompression::Zip,
                Some(Compression::Jpeg) => PdfCompression::Jpeg { quality, full_chroma },
                _ => PdfCompression::None,
            },
        },
        Format::Eps => Encoding::Eps,
        Format::Webp | Format::WebpAlpha => Encoding::Webp { quality: lossy },
        Format::Avif | Format::AvifAlpha => Encoding::Avif { quality: lossy },
        Format::Jpeg2000 | Format::Jpeg2000Alpha => Encoding::Jpeg2000 { quality: lossy },
        Format::Pjpeg => jpeg(wanted.pscan.map_or(Scans::Progressive, Scans::Exactly)),
        Format::Jpeg
        | Format::Jpegxr
        | Format::JpegxrAlpha
        | Format::Heic
        | Format::Swf
        | Format::SwfAlpha
        | Format::Swf3
        | Format::Swf3Alpha
        | Format::F4m
        | Format::M3u8 => jpeg(Scans::Baseline),
    }
}
