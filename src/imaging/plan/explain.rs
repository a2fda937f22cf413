//! A plan in the words of `explain --json`.

use serde::Serialize;

use super::{Defaults, Encoding, PdfCompression, Plan, Scans, TiffCompression, plan};
use crate::diag::Diagnostic;
use crate::imaging::modifiers::{Modifiers, Presets, parse};
use crate::imaging::{PixelType, SourceInfo};

/// What one request makes of one source: the object that `explain --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Explanation {
    /// It can be done.
    Planned(Explained),
    /// It cannot.
    Refused(Refusal),
}

/// A plan as `explain --json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explained {
    /// Width and height of the composite.
    pub composite: [u32; 2],
    /// Width and height of the reply.
    pub reply: [u32; 2],
    /// Left, top, width and height of the scaled region in the reply.
    pub placement: [i64; 4],
    /// Name of the format in `fmt`, without `-alpha`.
    pub format: &'static str,
    /// What the components mean.
    pub pixel_type: PixelType,
    /// Whether the reply keeps its alpha.
    pub alpha: bool,
    /// File name extension without the dot.
    pub extension: String,
    /// 1–100, `None` where quality means nothing.
    pub quality: Option<u8>,
    /// What was found besides.
    pub warnings: Vec<Remark>,
}

/// The error form of `explain --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Refusal {
    /// What is wrong.
    pub error: String,
    /// Bytes of the request as given.
    pub span: [usize; 2],
    /// What was found besides.
    pub warnings: Vec<Remark>,
}

/// A warning in the JSON of `explain --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Remark {
    /// What was found.
    pub message: String,
    /// Bytes of the request as given.
    pub span: [usize; 2],
}

impl From<&Diagnostic> for Remark {
    fn from(finding: &Diagnostic) -> Self {
        let span = [finding.span.start, finding.span.end];
        Self { message: told(finding), span }
    }
}

/// Returns what a finding says and, where it knows better, what to write instead.
fn told(Diagnostic { message, help, .. }: &Diagnostic) -> String {
    match help {
        Some(help) => format!("{message}; {help}"),
        None => message.to_string(),
    }
}

/// Explains what a request makes of a source.
///
/// `below` and `above` are modifiers of lower and higher precedence, as a catalogue has them. The
/// error is the first of the text, else the one that stops the plan.
#[must_use]
pub fn explain(
    text: &str,
    presets: &Presets,
    (below, above): (&Modifiers, &Modifiers),
    source: &SourceInfo,
    defaults: &Defaults,
) -> Explanation {
    let parsed = parse(text, presets, defaults.rules());
    let error = parsed.error().cloned();
    let warnings = parsed.findings.iter().filter(|finding| !finding.is_error());
    let mut warnings: Vec<Remark> = warnings.map(Remark::from).collect();
    let planned = match error {
        Some(error) => Err(error),
        None => plan(&parsed.modifiers.over(below).under(above), source, defaults),
    };
    match planned {
        Ok(planned) => {
            warnings.extend(planned.warnings.iter().map(Remark::from));
            Explanation::Planned(Explained::new(&planned.plan, warnings))
        }
        Err(error) => {
            let span = [error.span.start, error.span.end];
            Explanation::Refused(Refusal { error: told(&error), span, warnings })
        }
    }
}

impl Explained {
    /// Takes from a plan what is printed.
    #[must_use]
    pub fn new(plan: &Plan, warnings: Vec<Remark>) -> Self {
        let Plan { composite, reply, placement, output, extension, .. } = plan;
        let (width, height) = (placement.size.width, placement.size.height);
        let (format, quality) = match output.encoding {
            Encoding::Jpeg { quality, scans: Scans::Baseline, .. } => ("jpeg", Some(quality)),
            Encoding::Jpeg { quality, .. } => ("pjpeg", Some(quality)),
            Encoding::Png8 { .. } => ("png8", None),
            Encoding::Png => ("png", None),
            Encoding::Tiff { compression: TiffCompression::Jpeg { quality, .. } } => {
                ("tif", Some(quality))
            }
            Encoding::Tiff { .. } => ("tif", None),
            Encoding::Gif { .. } => ("gif", None),
            Encoding::Avif { quality } => ("avif", quality),
            Encoding::Jpeg2000 { quality } => ("jpeg2000", quality),
            Encoding::Pdf { compression: PdfCompression::Jpeg { quality, .. } } => {
                ("pdf", Some(quality))
            }
            Encoding::Pdf { .. } => ("pdf", None),
            Encoding::Eps => ("eps", None),
            Encoding::Webp { quality } => ("webp", quality),
        };
        Self {
            composite: [composite.width, composite.height],
            reply: [reply.width, reply.height],
            placement: [placement.x, placement.y, i64::from(width), i64::from(height)],
            format,
            pixel_type: output.pixel_type,
            alpha: output.alpha,
            extension: extension.clone(),
            quality,
            warnings,
        }
    }
}
