//! Golden pictures: every folder `cases/<command>/<case>/` is a test.
//!
//! `case.toml` names a generated source and what is done to it; `expected.png` is what must come
//! out, bit for bit, before any lossy coding. A case with `written = true` goes through the format
//! it asks for and back; a lossy one says how many levels it may be off, and `said` is what else must
//! be in the file. `GOLDEN=update cargo test --test golden` writes the expected pictures anew. A difference leaves a picture of three parts (expected, found, sixteen
//! times the difference) in the folder the failure names.

use std::error::Error;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use exportd::imaging::modifiers::values::Format;
use exportd::imaging::modifiers::{Presets, Rules, Support, parse, table};
use exportd::imaging::plan::{
    Color, ColorDefaults, Conversion, Defaults, Encoding, Output, Plan, Rect, Step, plan,
};
use exportd::imaging::{Inputs, Limits, PixelType, Size, Uprighting, convert, probe};
use image::{DynamicImage, Rgba, RgbaImage};
use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;

mod sources;

use sources::Source;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A case as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Name of a picture in [`sources`].
    source: String,
    /// What is asked, as in a manifest; the rest of the case is then not needed.
    modifiers: Option<String>,
    /// Whether transparent parts are flattened as the request says, instead of kept.
    #[serde(default)]
    flat: bool,
    /// Whether what is compared was written in the format that is asked for, and read again.
    #[serde(default)]
    written: bool,
    /// How far a component may be off, in levels.
    #[serde(default)]
    most: u8,
    /// The resolution that the source's catalogue gives it.
    resolution: Option<f64>,
    /// What the file that was written says beside its pixels.
    said: Option<Said>,
    /// Width and height of the result, of a case that is not asked by modifiers.
    #[serde(default)]
    reply: [u32; 2],
    /// What is done, in the form of a plan's steps.
    #[serde(default)]
    steps: Vec<Step>,
}

/// What a file says of itself.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    /// Dots per inch, to a tenth; none is 0.
    #[serde(default)]
    dpi: f64,
    /// Whether the XMP of the source is in it, byte for byte.
    #[serde(default)]
    xmp: bool,
    /// Names of its paths with the corners of their boxes, to a hundredth of the picture.
    #[serde(default)]
    paths: Vec<(String, [f64; 4])>,
}

impl Said {
    fn of(file: &[u8]) -> Result<Self> {
        let info = probe(Cursor::new(file), &Limits::default(), Uprighting::Ignore)?;
        let to = |parts: f64, value: f64| (value * parts).round() / parts;
        let paths = info.paths.into_iter();
        Ok(Self {
            dpi: to(10.0, info.dpi.unwrap_or_default()),
            xmp: file.windows(sources::XMP.len()).any(|bytes| bytes == sources::XMP),
            paths: paths.map(|path| (path.name, path.bounds.map(|at| to(100.0, at)))).collect(),
        })
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cases");
    let trials = match cases(&root) {
        Ok(folders) if !folders.is_empty() => folders,
        Ok(_) | Err(_) => return ExitCode::FAILURE,
    };
    let all = trials.clone();
    let enough = Trial::test("enough", move || {
        enough(&all).map_err(|error| Failed::from(error.to_string()))
    });
    let trials = trials.into_iter().map(|folder| {
        let name = folder.strip_prefix(&root).unwrap_or(&folder).display().to_string();
        Trial::test(name.clone(), move || {
            run(&folder, &name).map_err(|error| Failed::from(error.to_string()))
        })
    });
    libtest_mimic::run(&arguments, trials.chain([enough]).collect()).exit_code()
}

/// Checks that there are three cases for each command that has an effect, and one for each format
/// that can be written.
fn enough(folders: &[PathBuf]) -> Result<()> {
    let of = |command: &str| {
        let parents = folders.iter().filter_map(|folder| folder.parent()?.file_name());
        parents.filter(|name| *name == command).count()
    };
    let commands = table().iter().filter(|command| command.support == Support::Supported);
    let few: Vec<&str> = commands.map(|command| command.name).filter(|name| of(name) < 3).collect();
    let mut written = Vec::new();
    for folder in folders {
        let text = std::fs::read_to_string(folder.join("case.toml"))?;
        let case: Case = toml::from_str(&text)?;
        let modifiers = case.modifiers.filter(|_| case.written).unwrap_or_default();
        let format = modifiers.split('&').find_map(|part| part.strip_prefix("fmt="));
        let name = format.unwrap_or_default().split(',').next().unwrap_or_default();
        written.push(name.to_owned());
    }
    let formats = Format::table().iter().filter(|entry| entry.support == Support::Supported);
    let names = formats.map(|entry| entry.name);
    let none: Vec<&str> = names.filter(|name| !written.iter().any(|known| known == name)).collect();
    if few.is_empty() && none.is_empty() {
        return Ok(());
    }
    Err(format!("fewer than three cases: {few:?}; formats without one: {none:?}").into())
}

/// Lists the folders of all cases, sorted.
fn cases(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for command in std::fs::read_dir(root)? {
        for case in std::fs::read_dir(command?.path())? {
            folders.push(case?.path());
        }
    }
    folders.sort();
    Ok(folders)
}

fn run(folder: &Path, name: &str) -> Result<()> {
    let case: Case = toml::from_str(&std::fs::read_to_string(folder.join("case.toml"))?)?;
    let source = sources::make(&case.source)?;
    let file = reply(&source, &made(&case, &source.file, source.size)?)?;
    if let Some(said) = &case.said {
        let found = Said::of(&file)?;
        if found != *said {
            return Err(format!("the file says {found:?}, not {said:?}").into());
        }
    }
    let file = if case.written { through_its_format(file)? } else { file };
    let expected = folder.join("expected.png");
    if std::env::var_os("GOLDEN").is_some_and(|value| value == "update") {
        exportd::fs::write_atomic(&expected, &file, 0o644)?;
        return Ok(());
    }
    let found = image::load_from_memory(&file)?;
    let expected = image::load_from_memory(&std::fs::read(&expected)?)?;
    if found == expected || near(&expected, &found, case.most) {
        return Ok(());
    }
    let shown = triptych(&expected.to_rgba8(), &found.to_rgba8());
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name.replace('/', "-") + ".png");
    shown.save(&to)?;
    Err(format!("not the expected picture: see {}", to.display()).into())
}

/// Tells whether two pictures are alike but for a few levels.
fn near(expected: &DynamicImage, found: &DynamicImage, most: u8) -> bool {
    let (a, b) = (expected.to_rgba8(), found.to_rgba8());
    let alike = |(a, b): (&u8, &u8)| a.abs_diff(*b) <= most;
    most > 0 && a.dimensions() == b.dimensions() && a.iter().zip(b.iter()).all(alike)
}

/// Reads a reply as a source again and writes it as a PNG with alpha.
fn through_its_format(file: Vec<u8>) -> Result<Vec<u8>> {
    let info = probe(Cursor::new(&file), &Limits::default(), Uprighting::Ignore)?;
    let parsed = parse("fmt=png-alpha&scl=1", &Presets::default(), Rules::default());
    let planned = plan(&parsed.modifiers, &info, &Defaults::default());
    let source = Source { file, size: info.size, aux: Vec::new() };
    reply(&source, &planned.map_err(|finding| finding.message.to_string())?.plan)
}

/// The one place where a case becomes a plan. What is compared is always a PNG with alpha, so
/// that nothing that is lost in a format hides what the operations do.
fn made(case: &Case, file: &[u8], size: Size) -> Result<Plan> {
    let Some(text) = &case.modifiers else { return Ok(written(case, size)) };
    let limits = Limits::default();
    let info = probe(Cursor::new(file), &limits, Uprighting::Apply)?;
    let parsed = parse(text, &Presets::default(), Rules::default());
    if let Some(error) = parsed.error() {
        return Err(error.message.to_string().into());
    }
    let colors = ColorDefaults { profiles: sources::profiles(), ..ColorDefaults::default() };
    let defaults = Defaults { colors, resolution: case.resolution, ..Defaults::default() };
    let planned = plan(&parsed.modifiers, &info, &defaults);
    let mut plan = planned.map_err(|finding| finding.message.to_string())?.plan;
    if !case.written {
        plan.output.encoding = Encoding::Png;
        plan.output.alpha = !case.flat;
    }
    Ok(plan)
}

fn written(case: &Case, source: Size) -> Plan {
    let [width, height] = case.reply;
    let reply = Size::new(width, height);
    let white = Color { pixel_type: PixelType::Rgb, components: [255, 255, 255, 0], alpha: 255 };
    Plan {
        page: None,
        source,
        composite: reply,
        reply,
        placement: Rect { x: 0, y: 0, size: reply },
        steps: case.steps.clone(),
        output: Output {
            encoding: Encoding::Png,
            pixel_type: PixelType::Rgb,
            alpha: true,
            background: white,
            conversion: Conversion::default(),
            embed_profile: false,
            embed_xmp: false,
            paths: None,
            dpi: None,
        },
        aux: Vec::new(),
        extension: "png".into(),
    }
}

fn reply(source: &Source, plan: &Plan) -> Result<Vec<u8>> {
    let mut reply = Err("nothing was made".into());
    let plans = std::slice::from_ref(plan);
    let inputs = Inputs { aux: &source.aux, ..Inputs::of(&source.file) };
    convert(inputs, plans, &Limits::default(), Uprighting::Apply, &mut |_, made| {
        reply = made.map_err(Into::into);
    })?;
    reply
}

/// Puts expected, found and sixteen times their difference side by side.
fn triptych(expected: &RgbaImage, found: &RgbaImage) -> RgbaImage {
    let width = expected.width().max(found.width());
    let height = expected.height().max(found.height());
    RgbaImage::from_fn(width * 3 + 2, height, |x, y| {
        let pixel = |picture: &RgbaImage| {
            picture
                .get_pixel_checked(x % (width + 1), y)
                .copied()
                .unwrap_or(Rgba([255, 0, 255, 255]))
        };
        match x / (width + 1) {
            _ if x % (width + 1) == width => Rgba([255, 0, 255, 255]),
            0 => pixel(expected),
            1 => pixel(found),
            _ => {
                let (Rgba(a), Rgba(b)) = (pixel(expected), pixel(found));
                let [red, green, blue, alpha] =
                    std::array::from_fn(|n| a[n].abs_diff(b[n]).saturating_mul(16));
                Rgba([red.max(alpha), green.max(alpha), blue.max(alpha), 255])
            }
        }
    })
}
