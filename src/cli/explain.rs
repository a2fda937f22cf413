//! `explain`: the plan of one conversion.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::provenance::{self, Asked, Flags};
use super::{Exit, Places, complain, complain_of, print, print_json, rendering, say};
use crate::diag::{Diagnostic, Fault, render};
use crate::fs::RelPath;
use crate::imaging::formats::SourceFormat;
use crate::imaging::modifiers::{Parsed, parse};
use crate::imaging::plan::{Defaults, Explanation, Plan, Refusal, explain as explained, plan};
use crate::imaging::{Orientation, PixelType, Size, SourceInfo};
use crate::job::beside::Beside;
use crate::job::precedence::{self, Own};
use crate::library::{Asset, Library, Scope, SourceFile};
use crate::worker::{Answer, Pool, PoolSettings, Task};

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// A picture, or just a size in pixels such as 2000x1000
    #[arg(long, value_name = "WxH|FILE")]
    source: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Largest reply when the modifiers name no size (DefaultPix); 0 is no limit
    #[arg(long, value_name = "W,H", value_parser = pair)]
    default_pix: Option<(u32, u32)>,
    /// Largest reply at all (MaxPix); 0 is no limit
    #[arg(long, value_name = "W,H", value_parser = pair)]
    max_pix: Option<(u32, u32)>,
    /// Pixels per unit of the source, for `res` (Resolution)
    #[arg(long, value_name = "R")]
    resolution: Option<f64>,
    /// Image Serving modifiers, for example 'wid=500&fmt=png'
    #[arg(last = true, default_value = "", hide_default_value = true)]
    modifiers: String,
}

fn pair(text: &str) -> Result<(u32, u32), String> {
    let wrong = || "expected two whole numbers, W,H".to_owned();
    let (width, height) = text.split_once(',').ok_or_else(wrong)?;
    Ok((width.trim().parse().map_err(|_| wrong())?, height.trim().parse().map_err(|_| wrong())?))
}

pub(super) fn explain(places: &Places, args: &ExplainArgs) -> Result<Exit, Exit> {
    let config = places.settings()?;
    let settings = &config.settings;
    let (source, path) = match size(&args.source) {
        Some(size) => (imagined(size), None),
        None => {
            let path = Path::new(&args.source);
            (probe(path, settings.pool.clone())?, Some(path))
        }
    };
    let folders = &settings.folders;
    // Without its folders there is nothing that a catalogue could describe.
    let library = Library::open(&folders.assets, folders.catalogs.as_deref()).ok();
    let alone = if library.is_none() { Some(super::presets::images(settings)?) } else { None };
    let Some(images) = library.as_ref().map(Library::images).or(alone.as_ref()) else {
        return Err(Exit::Failed);
    };
    let asset = library.as_ref().zip(path).and_then(|(library, path)| asset(library, path));
    let scope = asset.as_ref().map_or(Scope::DEFAULT, |asset| asset.scope);
    let attributes = match &asset {
        Some(asset) => asset.attributes.clone(),
        None => images.attributes(scope),
    };
    let mut defaults = precedence::defaults(&settings.policy.imaging, &attributes);
    args.stand_in(&mut defaults);
    let presets = precedence::presets(images, scope, &settings.policy.macros);
    let own = match asset.as_ref().map(|asset| Own::read(asset, &presets, defaults.rules())) {
        Some(Ok(own)) => own,
        None => Own::default(),
        Some(Err(fault)) => return Ok(wrong_entry(&fault, args.json)),
    };
    let Parsed { modifiers, mut findings } = parse(&args.modifiers, &presets, defaults.rules());
    if let Some(library) = &library {
        let beside = Beside { library, profiles: &settings.policy.profiles };
        match beside.colors(scope, defaults.colors, own.around(&modifiers).profile()) {
            Ok(colors) => defaults.colors = colors,
            Err(fault) => return Ok(wrong_entry(&fault, args.json)),
        }
    }
    if args.json {
        let around = (&own.below, &own.above);
        let explanation = explained(&args.modifiers, &presets, around, &source, &defaults);
        print_json(&explanation);
        return Ok(match explanation {
            Explanation::Planned(_) => Exit::Well,
            Explanation::Refused(_) => Exit::Wrong,
        });
    }
    let asked = Asked {
        text: &args.modifiers,
        modifiers: &modifiers,
        own: &own,
        asset: asset.as_ref(),
        attributes: &attributes,
        defaults: &defaults,
        config: &config,
        images,
        flags: args.flags(),
    };
    let exit = match told(&asked, &source, &mut findings) {
        Some(text) => {
            print(&text);
            Exit::Well
        }
        None => Exit::Wrong,
    };
    if !findings.is_empty() {
        say(render("modifiers", &args.modifiers, &findings, rendering()).trim_end());
    }
    Ok(exit)
}

impl ExplainArgs {
    /// Puts the flags that were given in the place of attributes.
    fn stand_in(&self, defaults: &mut Defaults) {
        defaults.default_pix = self.default_pix.unwrap_or(defaults.default_pix);
        defaults.max_pix = self.max_pix.unwrap_or(defaults.max_pix);
        defaults.resolution = self.resolution.or(defaults.resolution);
    }

    fn flags(&self) -> Flags {
        Flags {
            default_pix: self.default_pix.is_some(),
            max_pix: self.max_pix.is_some(),
            resolution: self.resolution.is_some(),
        }
    }
}

/// Tells what is made and by whose word; `None` when nothing can be.
fn told(asked: &Asked<'_>, source: &SourceInfo, findings: &mut Vec<Diagnostic>) -> Option<String> {
    if findings.iter().any(Diagnostic::is_error) {
        return None;
    }
    match plan(&asked.own.around(asked.modifiers), source, asked.defaults) {
        Ok(planned) => {
            findings.extend(planned.warnings);
            findings.extend(planned.hints);
            Some(described(&planned.plan) + &provenance::told(asked, &planned.plan))
        }
        Err(error) => {
            findings.push(error);
            None
        }
    }
}

/// Says that what a catalogue asks for a picture is wrong.
fn wrong_entry(fault: &Fault, json: bool) -> Exit {
    if json {
        let refusal = Refusal { error: fault.to_string(), span: [0, 0], warnings: Vec::new() };
        print_json(&Explanation::Refused(refusal));
    } else {
        complain(&format!("{fault}; {}", fault.next_step()));
    }
    Exit::Wrong
}

/// Returns what the catalogues say about a file, when it lies below an asset root.
fn asset(library: &Library, path: &Path) -> Option<Asset> {
    let path = path.canonicalize().ok()?;
    (0..).map_while(|root| Some((root, library.root(root)?))).find_map(|(root, folder)| {
        let below = path.strip_prefix(folder.canonicalize().ok()?).ok()?;
        let path = RelPath::parse(below.to_str()?).ok()?;
        Some(library.describe(&SourceFile { root, path }))
    })
}

/// Prints a plan for people: what is made, then each step.
fn described(plan: &Plan) -> String {
    let Plan { page: _, source, composite, reply, placement, steps, output, aux: _, extension } =
        plan;
    let mut out = format!(
        "source     {} x {}\ncomposite  {} x {}\nreply      {} x {}  .{extension}\n\
         placement  {} x {} at {}, {}\n",
        source.width,
        source.height,
        composite.width,
        composite.height,
        reply.width,
        reply.height,
        placement.size.width,
        placement.size.height,
        placement.x,
        placement.y,
    );
    for (label, text) in
        steps.iter().map(|step| ("step", step.to_string())).chain([("output", output.to_string())])
    {
        out.push_str(&format!("{label:<11}{text}\n"));
    }
    out
}

/// Reads `WxH`.
fn size(text: &str) -> Option<Size> {
    let (width, height) = text.split_once(['x', '×'])?;
    let size = Size::new(width.parse().ok()?, height.parse().ok()?);
    (size.width > 0 && size.height > 0).then_some(size)
}

/// An opaque picture of 8 bits RGB with nothing special about it.
fn imagined(size: Size) -> SourceInfo {
    SourceInfo {
        format: SourceFormat::Tiff,
        size,
        pixel_type: PixelType::Rgb,
        bits: 8,
        alpha: false,
        dpi: None,
        orientation: Orientation::Upright,
        profile: None,
        pages: Vec::new(),
        page: None,
        paths: Vec::new(),
    }
}

/// Reads a picture's header, in a worker as always.
fn probe(path: &Path, settings: PoolSettings) -> Result<SourceInfo, Exit> {
    let input = std::fs::File::open(path).map_err(|error| {
        complain_of(path, &error);
        say("  = help: --source is a picture, or a size such as 2000x1000");
        Exit::Absent
    })?;
    if !input.metadata().is_ok_and(|meta| meta.is_file()) {
        complain(&format!("{}: that is no file", path.display()));
        return Err(Exit::Absent);
    }
    let deadline = settings.deadline + Duration::from_secs(5);
    let settings =
        PoolSettings { workers: 1, program: PathBuf::from("/proc/self/exe"), ..settings };
    let pool = Pool::start(settings).map_err(|error| {
        complain(&error.to_string());
        Exit::Failed
    })?;
    let lane = pool.lane();
    lane.submit(0, Task::Probe { input });
    match lane.wait(deadline) {
        Some((_, Ok(Answer::Probed(info)))) => Ok(info),
        Some((_, Err(fault))) => {
            complain(&format!("{}: {fault}; {}", path.display(), fault.next_step()));
            Err(Exit::Failed)
        }
        Some((_, Ok(_))) | None => {
            complain("the worker did not answer");
            Err(Exit::Failed)
        }
    }
}
