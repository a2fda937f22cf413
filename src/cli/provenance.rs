//! Where each thing a plan obeys was said: the last part of what `explain` prints.

use super::presets::origin;
use crate::config::Config;
use crate::imaging::modifiers::{Modifiers, Target};
use crate::imaging::plan::{Defaults, Encoding, Plan, Step};
use crate::job::precedence::Own;
use crate::job::recipe::on;
use crate::library::{Asset, Attributes, Given, ImageCatalogs, Origin, Scope};

/// Everything that was asked before a plan was made.
pub(super) struct Asked<'a> {
    /// The modifiers as given.
    pub(super) text: &'a str,
    /// What they mean.
    pub(super) modifiers: &'a Modifiers,
    /// The catalogue's.
    pub(super) own: &'a Own,
    /// The picture, when it lies below an asset root.
    pub(super) asset: Option<&'a Asset>,
    /// What stands in for commands.
    pub(super) attributes: &'a Attributes,
    /// The same, decided.
    pub(super) defaults: &'a Defaults,
    /// The configuration.
    pub(super) config: &'a Config,
    /// The image catalogues.
    pub(super) images: &'a ImageCatalogs,
    /// The flags that stand in for attributes, where they were given.
    pub(super) flags: Flags,
}

/// Whether the flags that stand in for attributes were given.
pub(super) struct Flags {
    pub(super) default_pix: bool,
    pub(super) max_pix: bool,
    pub(super) resolution: bool,
}

/// Tells for each command, and for each default that was needed, who said so.
pub(super) fn told(asked: &Asked<'_>, plan: &Plan) -> String {
    let mut lines: Vec<(&str, String, String)> = Vec::new();
    let Own { below, above } = asked.own;
    let layers = [(above, Source::Post), (asked.modifiers, Source::Text), (below, Source::Entry)];
    for (at, (modifiers, source)) in layers.iter().enumerate() {
        for (target, setting) in modifiers.iter() {
            let name = setting.value.name();
            if layers[..at].iter().any(|(above, _)| above.sets(target, name)) {
                continue;
            }
            let command = format!("{}{name}={}", on(target), setting.value);
            let from = match source {
                Source::Entry if name == "mask" && asked.has_mask() => asked.record("MaskPath"),
                _ => asked.source(*source, setting.span.as_ref()),
            };
            lines.push(("command", command, from));
        }
    }
    for (value, from) in asked.defaults(plan) {
        lines.push(("default", value, from));
    }
    let width = lines.iter().map(|(_, value, _)| value.chars().count()).max().unwrap_or(0);
    lines
        .iter()
        .map(|(label, value, from)| format!("{label:<11}{value:<width$}  {from}\n"))
        .collect()
}

/// Which text a command stands in.
#[derive(Clone, Copy)]
enum Source {
    Text,
    Entry,
    Post,
}

impl Asked<'_> {
    /// Tells whether a record gives the picture a mask.
    fn has_mask(&self) -> bool {
        self.asset.is_some_and(|asset| asset.mask.is_some())
    }

    /// Says that something stands in a field of the picture's record.
    fn record(&self, field: &str) -> String {
        let entry = self.asset.and_then(|asset| asset.entry.as_ref());
        let place = entry.map_or(String::new(), |entry| format!(" ({entry})"));
        format!("from {field} of its record{place}")
    }

    /// Says where a command stands.
    fn source(&self, source: Source, span: Option<&std::ops::Range<usize>>) -> String {
        match source {
            Source::Entry if self.asset.is_some_and(|asset| asset.entry.is_none()) => {
                "from its entry in catalog.toml".into()
            }
            Source::Entry => self.record("Modifier"),
            Source::Post => self.record("PostModifier"),
            Source::Text => {
                let written = span.and_then(|span| self.text.get(span.clone())).unwrap_or("");
                match written.strip_prefix('$').and_then(|rest| rest.strip_suffix('$')) {
                    Some(preset) => {
                        let scope = self.asset.map_or(Scope::DEFAULT, |asset| asset.scope);
                        let from = origin(self.config, self.images, scope, preset);
                        let from = from.map_or(String::new(), |from| format!(" ({from})"));
                        format!("from the preset ${preset}${from}")
                    }
                    None => "from the modifiers".into(),
                }
            }
        }
    }

    /// Lists what stood in for commands that nobody gave.
    fn defaults(&self, plan: &Plan) -> Vec<(String, String)> {
        let Defaults {
            default_pix,
            max_pix,
            jpeg_quality,
            res_mode,
            background: [r, g, b],
            resolution,
            print_resolution,
            ..
        } = self.defaults;
        let all = self.attributes;
        let given = |target, names: &[&str]| names.iter().any(|name| self.is_given(target, name));
        let request = |names: &[&str]| given(Target::Request, names);
        let mut lines = Vec::new();
        if has_quality(&plan.output.encoding) && !request(&["qlt"]) {
            let (quality, chroma) = *jpeg_quality;
            let from = self.attribute("JpegQuality", &all.jpeg_quality, "imaging.jpeg_quality");
            lines.push((format!("qlt={quality},{}", u8::from(chroma)), from));
        }
        let resamples = |step: &Step| matches!(step, Step::Resample { .. } | Step::Rotate { .. });
        if plan.steps.iter().any(resamples) && !request(&["resMode"]) {
            let from = self.attribute("ResMode", &all.res_mode, "imaging.res_mode");
            lines.push((format!("resMode={res_mode}"), from));
        }
        if !plan.output.alpha && !request(&["bgc"]) {
            let from = self.attribute("BkgColor", &all.bkg_color, "imaging.bkg_color");
            lines.push((format!("bgc={r:02x}{g:02x}{b:02x}"), from));
        }
        if *default_pix != (0, 0) && !request(&["wid", "hei", "scl"]) {
            let from = match self.flags.default_pix {
                true => "from --default-pix".into(),
                false => self.attribute("DefaultPix", &all.default_pix, "imaging.default_pix"),
            };
            lines.push((format!("DefaultPix={},{}", default_pix.0, default_pix.1), from));
        }
        if *max_pix != (0, 0) {
            let from = match self.flags.max_pix {
                true => "from --max-pix".into(),
                false => self.attribute("MaxPix", &all.max_pix, "imaging.max_pix"),
            };
            lines.push((format!("MaxPix={},{}", max_pix.0, max_pix.1), from));
        }
        if let Some(resolution) = resolution
            && given(Target::Layer(0), &["res"])
        {
            let from = match self.flags.resolution {
                true => "from --resolution".into(),
                false => self.attribute("Resolution", &all.resolution, "imaging.resolution"),
            };
            lines.push((format!("Resolution={resolution}"), from));
        }
        if let Some(dpi) = print_resolution
            && !request(&["printRes"])
        {
            let key = "imaging.print_resolution";
            let from = self.attribute("PrintResolution", &all.print_resolution, key);
            lines.push((format!("printRes={dpi}"), from));
        }
        if !request(&["icc"]) {
            lines.extend(self.colors());
        }
        lines
    }

    /// Lists what a catalogue says about colours.
    fn colors(&self) -> impl Iterator<Item = (String, String)> {
        let all = self.attributes;
        let profiles = [
            ("IccProfileRgb", &all.icc_profile_rgb),
            ("IccProfileGray", &all.icc_profile_gray),
            ("IccProfileCmyk", &all.icc_profile_cmyk),
            ("IccProfileSrcRgb", &all.icc_profile_src_rgb),
            ("IccProfileSrcGray", &all.icc_profile_src_gray),
            ("IccProfileSrcCmyk", &all.icc_profile_src_cmyk),
        ];
        let told = |name: &str, value: &str, from: &Origin| {
            (format!("{name}={value}"), format!("from {name} ({from})"))
        };
        let flag = |on: bool| if on { "1" } else { "0" };
        let options = [
            all.icc_render_intent.as_ref().map(|given| {
                told("IccRenderIntent", &format!("{:?}", given.value).to_lowercase(), &given.from)
            }),
            all.icc_black_point_compensation
                .as_ref()
                .map(|given| told("IccBlackPointCompensation", flag(given.value), &given.from)),
            all.icc_dither.as_ref().map(|given| told("IccDither", flag(given.value), &given.from)),
        ];
        let profiles = profiles
            .map(|(name, given)| given.as_ref().map(|given| told(name, &given.value, &given.from)));
        profiles.into_iter().chain(options).flatten()
    }

    fn is_given(&self, target: Target, command: &str) -> bool {
        let Own { below, above } = self.own;
        [above, self.modifiers, below].iter().any(|modifiers| modifiers.sets(target, command))
    }

    /// Says which attribute a value is from, else which key of the configuration.
    fn attribute<T>(&self, name: &str, given: &Option<Given<T>>, key: &str) -> String {
        match (given, self.config.origins.get(key)) {
            (Some(given), _) => format!("from {name} ({})", given.from),
            (None, Some((_, origin))) => format!("from {key} ({origin})"),
            (None, None) => format!("from {key}"),
        }
    }
}

/// Tells whether `qlt` means something for a format.
fn has_quality(encoding: &Encoding) -> bool {
    match encoding {
        Encoding::Jpeg { .. } => true,
        Encoding::Webp { quality }
        | Encoding::Avif { quality }
        | Encoding::Jpeg2000 { quality } => quality.is_some(),
        Encoding::Tiff { compression } => {
            matches!(compression, crate::imaging::plan::TiffCompression::Jpeg { .. })
        }
        Encoding::Pdf { compression } => {
            matches!(compression, crate::imaging::plan::PdfCompression::Jpeg { .. })
        }
        Encoding::Png | Encoding::Png8 { .. } | Encoding::Gif { .. } | Encoding::Eps => false,
    }
}
