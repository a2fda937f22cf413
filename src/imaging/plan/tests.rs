//! The worked examples of the reference digest, by their numbers, and what must hold for all.

use proptest::prelude::*;

use super::*;
use crate::diag::Diagnostic;
use crate::imaging::formats::SourceFormat;
use crate::imaging::modifiers::{Modifiers, Presets, Rules, parse};
use crate::imaging::{Limits, Orientation, PathBounds};

mod secondary;

/// An RGB picture without alpha or profile.
fn picture(width: u32, height: u32) -> SourceInfo {
    SourceInfo {
        format: SourceFormat::Png,
        size: Size::new(width, height),
        pixel_type: PixelType::Rgb,
        bits: 8,
        alpha: false,
        dpi: Some(72.0),
        orientation: Orientation::Upright,
        profile: None,
        pages: Vec::new(),
        page: None,
        paths: Vec::new(),
    }
}

fn request(text: &str) -> Modifiers {
    let parsed = parse(text, &Presets::default(), Rules::default());
    assert_eq!(parsed.error(), None, "{text}");
    parsed.modifiers
}

/// Plans what parses without errors; `None` for an error of either.
fn planned(text: &str, source: &SourceInfo, defaults: &Defaults) -> Option<Plan> {
    let parsed = parse(text, &Presets::default(), Rules::default());
    if parsed.error().is_some() {
        return None;
    }
    let plan = plan(&parsed.modifiers, source, defaults).ok()?.plan;
    walk(&plan, source);
    Some(plan)
}

fn steps_of(text: &str, source: &SourceInfo) -> Vec<Step> {
    planned(text, source, &Defaults::default()).unwrap().steps
}

/// Obeys a plan with sizes instead of pixels, and checks every promise of [`Step`].
fn walk(plan: &Plan, source: &SourceInfo) {
    let mut size = plan.source;
    let mut pixel_type = source.pixel_type;
    let mut conversions = 0;
    for step in &plan.steps {
        match *step {
            Step::Resample { from: Area { x, y, width, height }, to, .. } => {
                assert!(x >= 0.0 && y >= 0.0 && width > 0.0 && height > 0.0, "{plan:?}");
                assert!(x + width <= f64::from(size.width), "{plan:?}");
                assert!(y + height <= f64::from(size.height), "{plan:?}");
                let same = |a: f64, b: u32| a.to_bits() == f64::from(b).to_bits();
                let whole = x.fract() == 0.0 && y.fract() == 0.0;
                let idle = same(width, to.width) && same(height, to.height) && whole;
                assert!(!idle, "resampled to the same size: {plan:?}");
                size = to;
            }
            Step::Place { x, y, canvas } => {
                assert!((x, y) != (0, 0) || canvas != size, "placed as it was: {plan:?}");
                size = canvas;
            }
            Step::Turn { by: Turn::Half } | Step::Flip { .. } => {}
            Step::Turn { .. } => size = Size::new(size.height, size.width),
            Step::Rotate { degrees, to, .. } => {
                assert!(degrees > 0.0 && degrees < 360.0);
                let (w, h) = (f64::from(size.width), f64::from(size.height));
                let diagonal = (w * w + h * h).sqrt().ceil();
                assert!(f64::from(to.width.max(to.height)) <= diagonal + 1.0);
                size = to;
            }
            Step::Fill { color } => assert_eq!(color.pixel_type, pixel_type, "{plan:?}"),
            Step::Usm { amount, radius, .. } => assert!(amount > 0.0 && radius > 0.0),
            Step::ToRgb => {
                assert_ne!(pixel_type, PixelType::Rgb, "{plan:?}");
                pixel_type = PixelType::Rgb;
            }
            Step::Brightness { amount: n }
            | Step::Contrast { amount: n }
            | Step::Saturation { amount: n }
            | Step::Hue { degrees: n } => {
                assert_ne!(n, 0);
                assert_eq!(pixel_type, PixelType::Rgb, "{plan:?}");
            }
            Step::ColorBalance { .. } | Step::Colorize { .. } => {
                assert_eq!(pixel_type, PixelType::Rgb, "{plan:?}");
            }
            Step::GrowMask { radius } | Step::Grow { radius } | Step::Blur { radius } => {
                assert_ne!(radius.to_bits(), 0);
            }
            Step::Opacity { percent } => assert!((0.0..100.0).contains(&percent)),
            Step::Noise { noise } => assert!(noise.percent > 0.0),
            Step::TakeMask { ref mask } => assert!(plan.aux.contains(mask)),
            Step::Clip { ref names, .. } => assert!(!names.is_empty()),
            Step::InvertMask | Step::Unmask | Step::Invert | Step::Sharpen => {}
            Step::ToOutput => {
                conversions += 1;
                pixel_type = plan.output.pixel_type;
            }
            Step::Mask => {
                assert_eq!(conversions, 1, "{plan:?}");
                assert_eq!(Some(step), plan.steps.last());
            }
        }
        assert!(size.pixels() > 0);
    }
    assert_eq!(size, plan.reply, "{plan:?}");
    assert_eq!(conversions, 1, "{plan:?}");
    assert_eq!(plan.output.background.pixel_type, plan.output.pixel_type);
}

/// The attributes a row of the table sets.
#[derive(Clone, Copy)]
struct Config {
    default_pix: (u32, u32),
    max_pix: (u32, u32),
    resolution: Option<f64>,
}

const PLAIN: Config = Config { default_pix: (0, 0), max_pix: (0, 0), resolution: None };

impl Config {
    fn defaults(self) -> Defaults {
        let Self { default_pix, max_pix, resolution } = self;
        Defaults { default_pix, max_pix, resolution, ..Defaults::default() }
    }
}

type Pair = (u32, u32);

/// Number of the example, source, request, attributes; composite, reply and placement, or an error.
type Row = (u32, Pair, &'static str, Config, Option<(Pair, Pair, (i64, i64, u32, u32))>);

#[rustfmt::skip]
const GEOMETRY: &[Row] = &[
    (1, (2000, 1000), "wid=500", PLAIN, Some(((2000, 1000), (500, 250), (0, 0, 500, 250)))),
    (3, (1000, 667), "wid=200", PLAIN, Some(((1000, 667), (200, 133), (0, 0, 200, 133)))),
    (4, (1000, 1500), "wid=333", PLAIN, Some(((1000, 1500), (333, 500), (0, 0, 333, 500)))),
    (5, (2000, 1000), "wid=500&hei=500", PLAIN, Some(((2000, 1000), (500, 500), (0, 125, 500, 250)))),
    (7, (2000, 1000), "wid=500&hei=500&align=0,-1", PLAIN, Some(((2000, 1000), (500, 500), (0, 0, 500, 250)))),
    (8, (2000, 1000), "wid=500&hei=500&align=0,1", PLAIN, Some(((2000, 1000), (500, 500), (0, 250, 500, 250)))),
    (9, (1000, 2000), "wid=500&hei=500&align=-1,0", PLAIN, Some(((1000, 2000), (500, 500), (0, 0, 250, 500)))),
    (11, (1000, 1000), "wid=200&hei=200", PLAIN, Some(((1000, 1000), (200, 200), (0, 0, 200, 200)))),
    (12, (2000, 1000), "wid=500&hei=500&fit=constrain", PLAIN, Some(((2000, 1000), (500, 250), (0, 0, 500, 250)))),
    (13, (1000, 2000), "wid=500&hei=500&fit=constrain", PLAIN, Some(((1000, 2000), (250, 500), (0, 0, 250, 500)))),
    (15, (2000, 1000), "wid=500&hei=500&fit=crop", PLAIN, Some(((2000, 1000), (500, 500), (-250, 0, 1000, 500)))),
    (16, (2000, 1000), "wid=500&hei=500&fit=crop&align=-1,0", PLAIN, Some(((2000, 1000), (500, 500), (0, 0, 1000, 500)))),
    (17, (2000, 1000), "wid=500&hei=500&fit=crop&align=1,0", PLAIN, Some(((2000, 1000), (500, 500), (-500, 0, 1000, 500)))),
    (19, (2000, 1000), "wid=500&hei=500&fit=stretch", PLAIN, Some(((2000, 1000), (500, 500), (0, 0, 500, 500)))),
    (20, (2000, 1000), "wid=500&hei=500&fit=hfit", PLAIN, Some(((2000, 1000), (500, 500), (0, 125, 500, 250)))),
    (21, (2000, 1000), "wid=500&hei=500&fit=vfit", PLAIN, Some(((2000, 1000), (500, 500), (-250, 0, 1000, 500)))),
    (23, (300, 200), "wid=600&hei=600", PLAIN, Some(((300, 200), (600, 600), (150, 200, 300, 200)))),
    (24, (300, 200), "wid=600&hei=600&fit=fit,1", PLAIN, Some(((300, 200), (600, 600), (0, 100, 600, 400)))),
    (25, (300, 200), "wid=600&hei=600&fit=constrain", PLAIN, Some(((300, 200), (300, 200), (0, 0, 300, 200)))),
    (27, (300, 200), "wid=600&hei=600&fit=crop,0", PLAIN, Some(((300, 200), (600, 600), (150, 200, 300, 200)))),
    (28, (300, 200), "wid=600&hei=600&fit=crop,1", PLAIN, Some(((300, 200), (600, 600), (-150, 0, 900, 600)))),
    (29, (300, 200), "wid=600&hei=600&fit=wrap,0", PLAIN, Some(((300, 200), (300, 200), (0, 0, 300, 200)))),
    (31, (300, 200), "wid=600&hei=600&fit=stretch,0", PLAIN, Some(((300, 200), (600, 600), (150, 200, 300, 200)))),
    (32, (300, 200), "wid=600&hei=600&fit=stretch,1", PLAIN, Some(((300, 200), (600, 600), (0, 0, 600, 600)))),
    (33, (1000, 400), "wid=800&hei=600", PLAIN, Some(((1000, 400), (800, 600), (0, 140, 800, 320)))),
    (35, (1000, 400), "wid=800&hei=600&fit=crop,1", PLAIN, Some(((1000, 400), (800, 600), (-350, 0, 1500, 600)))),
    (36, (1000, 400), "wid=800&hei=600&fit=stretch,0", PLAIN, Some(((1000, 400), (800, 600), (0, 100, 800, 400)))),
    (37, (1000, 400), "wid=800&hei=600&fit=vfit,0", PLAIN, Some(((1000, 400), (800, 600), (-100, 100, 1000, 400)))),
    (39, (400, 300), "hei=600", PLAIN, Some(((400, 300), (400, 600), (0, 150, 400, 300)))),
    (40, (400, 300), "wid=800&fit=constrain", PLAIN, Some(((400, 300), (400, 300), (0, 0, 400, 300)))),
    (41, (400, 300), "wid=800&fit=constrain,1", PLAIN, Some(((400, 300), (800, 600), (0, 0, 800, 600)))),
    (43, (2000, 1000), "wid=640&fit=stretch,1", PLAIN, Some(((2000, 1000), (640, 320), (0, 0, 640, 320)))),
    (44, (2000, 1000), "scl=4", PLAIN, Some(((2000, 1000), (500, 250), (0, 0, 500, 250)))),
    (45, (2000, 1000), "scl=3", PLAIN, Some(((2000, 1000), (667, 333), (0, 0, 667, 333)))),
    (47, (2000, 1000), "scl=0.5", PLAIN, Some(((2000, 1000), (4000, 2000), (0, 0, 4000, 2000)))),
    (48, (2000, 1000), "scl=0.5", Config { max_pix: (3000, 3000), ..PLAIN }, None),
    (49, (2000, 1000), "scl=1&wid=800&hei=600", PLAIN, Some(((2000, 1000), (800, 600), (-600, -200, 2000, 1000)))),
    (51, (2000, 1000), "scl=1&wid=800&hei=600&align=1,1", PLAIN, Some(((2000, 1000), (800, 600), (-1200, -400, 2000, 1000)))),
    (52, (2000, 1000), "scl=4&wid=800&hei=600", PLAIN, Some(((2000, 1000), (800, 600), (150, 175, 500, 250)))),
    (53, (2000, 1000), "scl=2&wid=600", PLAIN, Some(((2000, 1000), (600, 500), (-200, 0, 1000, 500)))),
    (55, (4000, 3000), "", Config { default_pix: (1280, 1280), ..PLAIN }, Some(((4000, 3000), (1280, 960), (0, 0, 1280, 960)))),
    (56, (3000, 4000), "", Config { default_pix: (1280, 1280), ..PLAIN }, Some(((3000, 4000), (960, 1280), (0, 0, 960, 1280)))),
    (57, (1000, 800), "", Config { default_pix: (1280, 1280), ..PLAIN }, Some(((1000, 800), (1000, 800), (0, 0, 1000, 800)))),
    (59, (4000, 3000), "", Config { default_pix: (0, 0), ..PLAIN }, Some(((4000, 3000), (4000, 3000), (0, 0, 4000, 3000)))),
    (60, (4000, 3000), "qlt=60&fmt=jpeg", Config { default_pix: (1280, 1280), ..PLAIN }, Some(((4000, 3000), (1280, 960), (0, 0, 1280, 960)))),
    (61, (4000, 3000), "wid=2000", Config { default_pix: (1280, 1280), ..PLAIN }, Some(((4000, 3000), (2000, 1500), (0, 0, 2000, 1500)))),
    (63, (4000, 3000), "size=2000,0&scl=1", Config { default_pix: (1280, 1280), ..PLAIN }, Some(((2000, 1500), (2000, 1500), (0, 0, 2000, 1500)))),
    (64, (4000, 3000), "wid=3200", Config { max_pix: (3000, 3000), ..PLAIN }, None),
    (65, (2000, 1000), "wid=4000&hei=4000&fit=constrain", Config { max_pix: (3000, 3000), ..PLAIN }, Some(((2000, 1000), (2000, 1000), (0, 0, 2000, 1000)))),
    (67, (4000, 3000), "scl=1", Config { max_pix: (3000, 3000), ..PLAIN }, None),
    (68, (4000, 3000), "scl=1&rgn=0,0,2000,2000", Config { max_pix: (3000, 3000), ..PLAIN }, Some(((4000, 3000), (2000, 2000), (0, 0, 2000, 2000)))),
    (69, (4000, 3000), "wid=816&hei=500&dpr=on,2", PLAIN, Some(((4000, 3000), (1632, 1000), (149, 0, 1333, 1000)))),
    (71, (4000, 3000), "wid=816&hei=500&dpr=off,2", PLAIN, Some(((4000, 3000), (816, 500), (74, 0, 667, 500)))),
    (72, (2000, 1000), "rgn=500,250,1000,500", PLAIN, Some(((2000, 1000), (1000, 500), (0, 0, 1000, 500)))),
    (73, (2000, 1000), "rgn=500,250,1000,500&wid=500", PLAIN, Some(((2000, 1000), (500, 250), (0, 0, 500, 250)))),
    (75, (2000, 1000), "rgn=500,250,400,400&wid=800&hei=800", PLAIN, Some(((2000, 1000), (800, 800), (200, 200, 400, 400)))),
    (76, (2000, 1000), "rgn=500,250,400,400&wid=800&hei=800&fit=fit,1", PLAIN, Some(((2000, 1000), (800, 800), (0, 0, 800, 800)))),
    (77, (2000, 1000), "rgn=1800,800,400,400", PLAIN, Some(((2000, 1000), (400, 400), (0, 0, 400, 400)))),
    (79, (2000, 1000), "rgn=0,0,1000,500&wid=300&hei=300&fit=constrain", PLAIN, Some(((2000, 1000), (300, 150), (0, 0, 300, 150)))),
    (80, (2000, 1000), "rgn=0,0,1000,500&wid=300&hei=300", PLAIN, Some(((2000, 1000), (300, 300), (0, 75, 300, 150)))),
    (81, (4000, 3000), "rgn=0,0,2000,2000", Config { default_pix: (1280, 1280), ..PLAIN }, Some(((4000, 3000), (1280, 1280), (0, 0, 1280, 1280)))),
    (83, (2000, 1000), "scl=1&rect=0,800,2000,600", PLAIN, Some(((2000, 1000), (2000, 600), (0, -800, 2000, 1000)))),
    (84, (2000, 1000), "crop=100,100,800,600", PLAIN, Some(((800, 600), (800, 600), (0, 0, 800, 600)))),
    (85, (2000, 1000), "cropN=0.1,0,0.8,1", PLAIN, Some(((1600, 1000), (1600, 1000), (0, 0, 1600, 1000)))),
    (87, (2000, 1000), "crop=-50,-50,2100,1100", PLAIN, Some(((2100, 1100), (2100, 1100), (0, 0, 2100, 1100)))),
    (88, (2000, 1000), "crop=0,0,0,0&wid=540&hei=540", PLAIN, Some(((2000, 1000), (540, 540), (0, 135, 540, 270)))),
    (89, (2000, 1000), "cropN=.2,.3,.8,.9", PLAIN, Some(((1600, 900), (1600, 900), (0, 0, 1600, 900)))),
    (91, (2000, 1000), "crop=500,0,1000,1000&wid=300&hei=300", PLAIN, Some(((1000, 1000), (300, 300), (0, 0, 300, 300)))),
    (92, (2000, 1000), "crop=500,0,1000,1000&rgn=0,0,500,500", PLAIN, Some(((1000, 1000), (500, 500), (0, 0, 500, 500)))),
    (93, (2000, 1000), "size=300,300", PLAIN, Some(((300, 150), (300, 150), (0, 0, 300, 150)))),
    (95, (2000, 1000), "size=0,200", PLAIN, Some(((400, 200), (400, 200), (0, 0, 400, 200)))),
    (96, (2000, 1000), "size=0,0", PLAIN, Some(((2000, 1000), (2000, 1000), (0, 0, 2000, 1000)))),
    (97, (200, 100), "size=400,400", PLAIN, Some(((400, 200), (400, 200), (0, 0, 400, 200)))),
    (99, (2000, 1000), "sizeN=0.5,0.5", PLAIN, None),
    (100, (2000, 1000), "scale=0.5", PLAIN, Some(((1000, 500), (1000, 500), (0, 0, 1000, 500)))),
    (101, (2000, 1000), "scale=0.333", PLAIN, Some(((666, 333), (666, 333), (0, 0, 666, 333)))),
    (103, (2000, 1000), "scale=0.5&size=300,300", PLAIN, Some(((300, 150), (300, 150), (0, 0, 300, 150)))),
    (104, (2000, 1000), "res=72", Config { resolution: Some(300.0), ..PLAIN }, Some(((480, 240), (480, 240), (0, 0, 480, 240)))),
    (105, (2000, 1000), "scale=0.5&res=72", Config { resolution: Some(300.0), ..PLAIN }, Some(((1000, 500), (1000, 500), (0, 0, 1000, 500)))),
    (107, (2000, 1000), "extend=10,20,30,40", PLAIN, Some(((2040, 1060), (2040, 1060), (0, 0, 2040, 1060)))),
    (108, (2000, 1000), "extend=-100,-100,-100,-100", PLAIN, Some(((1800, 800), (1800, 800), (0, 0, 1800, 800)))),
    (109, (2000, 1000), "extendN=0.1,0.1,0.1,0.1", PLAIN, Some(((2400, 1200), (2400, 1200), (0, 0, 2400, 1200)))),
    (111, (2000, 1000), "cropN=0,0,0.5,0.5&extend=5,5,5,5&bgColor=255,0,0", PLAIN, Some(((1010, 510), (1010, 510), (0, 0, 1010, 510)))),
    (112, (2000, 1000), "extend=-1000,0,-1000,0", PLAIN, None),
    (113, (2000, 1000), "rotate=90", PLAIN, Some(((1000, 2000), (1000, 2000), (0, 0, 1000, 2000)))),
    (115, (2000, 1000), "rotate=180", PLAIN, Some(((2000, 1000), (2000, 1000), (0, 0, 2000, 1000)))),
    (116, (1000, 500), "rotate=30", PLAIN, Some(((1117, 934), (1117, 934), (0, 0, 1117, 934)))),
    (117, (1000, 1000), "rotate=45", PLAIN, Some(((1415, 1415), (1415, 1415), (0, 0, 1415, 1415)))),
    (119, (2000, 1000), "rotate=90&wid=500", PLAIN, Some(((1000, 2000), (500, 1000), (0, 0, 500, 1000)))),
    (120, (2000, 1000), "crop=0,0,1000,1000&size=400,0&rotate=90&extend=0,0,0,50&wid=200", PLAIN, Some(((400, 450), (200, 225), (0, 0, 200, 225)))),
    (121, (2000, 1000), "flip=lr", PLAIN, Some(((2000, 1000), (2000, 1000), (0, 0, 2000, 1000)))),
    (123, (2000, 1000), "fit=constrain", PLAIN, None),
    (124, (2000, 1000), "scl=1&fit=constrain", PLAIN, None),
    (125, (2000, 1000), "wid=300&hei=300&fit=crop&scl=2", PLAIN, Some(((2000, 1000), (300, 300), (-350, -100, 1000, 500)))),
    (127, (2000, 1000), "wid=0", PLAIN, None),
    (128, (2000, 1000), "wid=300&hei=300&fit=cover", PLAIN, None),
    (129, (2000, 1000), "wid=800&fit=vfit,1&fit=constrain", PLAIN, Some(((2000, 1000), (800, 400), (0, 0, 800, 400)))),];

#[test]
fn geometry_is_as_computed_by_hand() {
    for &(row, (width, height), text, config, want) in GEOMETRY {
        let plan = planned(text, &picture(width, height), &config.defaults());
        let got = plan.map(|plan| {
            let pair = |size: Size| (size.width, size.height);
            let Rect { x, y, size } = plan.placement;
            let placement = (x, y, size.width, size.height);
            (pair(plan.composite), pair(plan.reply), placement)
        });
        assert_eq!(got, want, "row {row}: {text}");
    }
}

fn output_of(text: &str, source: &SourceInfo) -> Output {
    planned(text, source, &Defaults::default()).unwrap_or_else(|| panic!("{text}")).output
}

fn jpeg(quality: u8, full_chroma: bool, progressive: bool) -> Encoding {
    let scans = if progressive { Scans::Progressive } else { Scans::Baseline };
    Encoding::Jpeg { quality, full_chroma, scans, most_bytes: None }
}

#[test]
fn formats_are_written_as_asked() {
    let source = SourceInfo { alpha: true, ..picture(1000, 1000) };
    let tiff = |compression| Encoding::Tiff { compression };
    for (text, encoding, pixel_type, alpha) in [
        ("wid=500", jpeg(80, false, false), PixelType::Rgb, false),
        ("fmt=", jpeg(80, false, false), PixelType::Rgb, false),
        ("qlt=85", jpeg(85, false, false), PixelType::Rgb, false),
        ("qlt=85,1", jpeg(85, true, false), PixelType::Rgb, false),
        ("fmt=pjpeg", jpeg(80, false, true), PixelType::Rgb, false),
        ("fmt=jpeg&pscan=4", jpeg(80, false, false), PixelType::Rgb, false),
        ("fmt=jpeg&quantize=adaptive,off,300", jpeg(80, false, false), PixelType::Rgb, false),
        ("fmt=jpeg,gray", jpeg(80, false, false), PixelType::Gray, false),
        ("fmt=jpeg,cmyk", jpeg(80, false, false), PixelType::Cmyk, false),
        ("fmt=png&bgc=f1f1f1", Encoding::Png, PixelType::Rgb, false),
        ("fmt=png-alpha&bgc=f1f1f1", Encoding::Png, PixelType::Rgb, true),
        ("fmt=tif", tiff(TiffCompression::None), PixelType::Rgb, false),
        ("fmt=tif,cmyk&wid=100", tiff(TiffCompression::None), PixelType::Cmyk, false),
        ("fmt=tif,,lzw", tiff(TiffCompression::Lzw), PixelType::Rgb, false),
        ("fmt=tif-alpha,gray,zip", tiff(TiffCompression::Zip), PixelType::Gray, true),
        ("fmt=gif", Encoding::Gif { palette: Quantize::default() }, PixelType::Rgb, false),
        (
            "fmt=tif,,jpeg&qlt=95",
            tiff(TiffCompression::Jpeg { quality: 95, full_chroma: false }),
            PixelType::Rgb,
            false,
        ),
        (
            "fmt=pdf,cmyk,zip",
            Encoding::Pdf { compression: PdfCompression::Zip },
            PixelType::Cmyk,
            false,
        ),
        ("fmt=eps,gray", Encoding::Eps, PixelType::Gray, false),
        ("fmt=gif-alpha", Encoding::Gif { palette: Quantize::default() }, PixelType::Rgb, true),
        ("fmt=png8-alpha", Encoding::Png8 { palette: Quantize::default() }, PixelType::Rgb, true),
        ("fmt=webp&qlt=80,1", Encoding::Webp { quality: Some(80) }, PixelType::Rgb, false),
        ("fmt=webp-alpha,,lossless", Encoding::Webp { quality: None }, PixelType::Rgb, true),
        ("req=mask", jpeg(80, false, false), PixelType::Gray, false),
        ("req=mask&fmt=webp", Encoding::Webp { quality: Some(80) }, PixelType::Rgb, false),
    ] {
        let output = output_of(text, &source);
        let got = (output.encoding, output.pixel_type, output.alpha);
        assert_eq!(got, (encoding, pixel_type, alpha), "{text}");
    }
}

#[test]
fn every_supported_format_is_encoded_as_itself() {
    use crate::imaging::modifiers::Support;
    use crate::imaging::modifiers::values::Format;
    let source = picture(10, 10);
    for entry in Format::table() {
        let text = format!("fmt={}", entry.name);
        let plan = planned(&text, &source, &Defaults::default());
        assert_eq!(plan.is_some(), entry.support == Support::Supported, "{text}");
        if let Some(plan) = plan {
            let explained = Explained::new(&plan, Vec::new());
            assert_eq!(explained.format, entry.name.trim_end_matches("-alpha"));
            assert_eq!((explained.alpha, plan.extension.as_str()), (entry.alpha, entry.extension));
        }
    }
}

#[test]
fn backgrounds_are_of_the_reply_s_pixel_type() {
    let source = picture(10, 10);
    let background = |text: &str| output_of(text, &source).background;
    assert_eq!(background(""), Color::rgb([255; 3]));
    assert_eq!(background("bgc=255,0,0"), Color::rgb([255, 0, 0]));
    assert_eq!(background("bgc=ff000080"), Color::rgb([255, 0, 0]));
    assert_eq!(background("bgc=255,0,0&fmt=jpeg,gray"), Color::gray(76));
    assert_eq!(background("bgc=0,100,0,0k&fmt=png"), Color::rgb([255, 0, 255]));
}

#[test]
fn header_values_follow_request_then_source() {
    let source = picture(1000, 1000);
    assert_eq!(output_of("wid=500", &source).dpi, Some(72.0));
    assert_eq!(output_of("printRes=300&wid=500", &source).dpi, Some(300.0));
    let steps = |text| steps_of(text, &source);
    assert_eq!(steps("printRes=300&wid=500"), steps("wid=500"));
    assert!(output_of("icc=sRGB,relative,1,0&iccEmbed=1&fmt=png", &source).embed_profile);
    assert!(!output_of("iccEmbed=1&fmt=webp", &source).embed_profile);
}

#[test]
fn a_profile_wins_over_the_pixel_type() {
    let source = picture(10, 10);
    let gray = request("fmt=jpeg,gray&icc=sRGB");
    let planned = plan(&gray, &source, &Defaults::default()).unwrap();
    assert_eq!(planned.plan.output.pixel_type, PixelType::Rgb);
    assert_eq!(planned.warnings.len(), 1);
    let strict = Defaults { strict: true, ..Defaults::default() };
    assert!(plan(&gray, &source, &strict).unwrap_err().is_error());
}

/// Defaults that know a CMYK and an RGB profile.
fn with_profiles() -> Defaults {
    let profiles = [("WebCoated", PixelType::Cmyk), ("AdobeRGB", PixelType::Rgb)];
    let colors = ColorDefaults { profiles: Profiles::new(profiles), ..ColorDefaults::default() };
    Defaults { colors, ..Defaults::default() }
}

#[test]
fn a_profile_decides_what_the_reply_is() {
    let defaults = with_profiles();
    let source = picture(10, 10);
    let made = |text: &str| plan(&request(text), &source, &defaults).map(|planned| planned.plan);
    // F-29, with either of its names.
    for text in ["fmt=jpeg&icc=WebCoated", "icc=U.S.%20Web%20Coated%20(SWOP)%20v2,perceptual,0,1"] {
        let Plan { output, aux, .. } = made(text).unwrap();
        assert_eq!(output.pixel_type, PixelType::Cmyk);
        assert_eq!(output.conversion.to, Space::Named("WebCoated".into()));
        assert_eq!(output.conversion.from, Space::BuiltIn);
        assert_eq!(aux, [Aux::Profile("WebCoated".into())]);
    }
    let dithered = made("icc=WebCoated,perceptual,0,1").unwrap().output.conversion;
    assert_eq!((dithered.intent, dithered.black_point), (Intent::Perceptual, false));
    assert!(dithered.dither);
    // F-28b.
    for text in ["fmt=webp&icc=WebCoated", "fmt=png&icc=WebCoated"] {
        let error = made(text).unwrap_err();
        assert!(error.message.contains("cannot hold CMYK"), "{error:?}");
        assert!(check(&request(text), &defaults).iter().any(Diagnostic::is_error));
    }
    // Known, but not here: the key to set is named.
    let error = made("icc=CoatedFogra39").unwrap_err();
    assert!(error.help.unwrap().contains("`imaging.profiles.CoatedFogra39`"));
    // F-30: nothing has to be handed over.
    let own = made("icc=sRGB,relative,1,0&iccEmbed=1&fmt=png").unwrap();
    assert!(own.output.embed_profile && own.aux.is_empty());
    assert_eq!(own.output.conversion, Conversion { from: Space::BuiltIn, ..Conversion::default() });
}

#[test]
fn spaces_are_inherited_in_the_order_of_the_reference() {
    let mut defaults = with_profiles();
    defaults.colors.profiles = Profiles::new([
        ("in", PixelType::Cmyk),
        ("out", PixelType::Cmyk),
        ("wide", PixelType::Rgb),
    ]);
    let inks = SourceInfo { pixel_type: PixelType::Cmyk, ..picture(10, 10) };
    let tagged = SourceInfo { profile: Some("a press".into()), ..inks.clone() };
    let spaces = |text: &str, source: &SourceInfo, defaults: &Defaults| {
        let output = plan(&request(text), source, defaults).unwrap().plan.output;
        (output.conversion.from, output.conversion.to)
    };
    let named = |name: &str| Space::Named(name.into());
    // Nothing is configured: CMYK is nobody's, or the source's own.
    assert_eq!(spaces("fmt=tif,cmyk", &inks, &defaults), (Space::Unknown, Space::Unknown));
    assert_eq!(spaces("fmt=tif,cmyk", &tagged, &defaults), (Space::Embedded, Space::Embedded));
    assert_eq!(spaces("", &tagged, &defaults), (Space::Embedded, Space::BuiltIn));
    // The default of replies is that of sources too, unless these have one of their own.
    defaults.colors.output.cmyk = Some("out".into());
    assert_eq!(spaces("fmt=tif,cmyk", &inks, &defaults), (named("out"), named("out")));
    assert_eq!(spaces("fmt=tif,cmyk", &tagged, &defaults), (Space::Embedded, named("out")));
    defaults.colors.source.cmyk = Some("in".into());
    assert_eq!(spaces("fmt=tif,cmyk", &inks, &defaults), (named("in"), named("out")));
    assert_eq!(spaces("icc=wide", &inks, &defaults), (named("in"), named("wide")));
    assert_eq!(spaces("", &picture(10, 10), &defaults), (Space::BuiltIn, Space::BuiltIn));
}

#[test]
fn profiles_that_change_nothing_are_handed_over_only_to_be_embedded() {
    let mut defaults = with_profiles();
    defaults.colors.output.cmyk = Some("WebCoated".into());
    let inks = SourceInfo { pixel_type: PixelType::Cmyk, ..picture(10, 10) };
    let aux =
        |text: &str, defaults: &Defaults| plan(&request(text), &inks, defaults).unwrap().plan.aux;
    let profile = || Aux::Profile("WebCoated".into());
    assert_eq!(aux("fmt=tif,cmyk", &defaults), []);
    assert_eq!(aux("fmt=tif,cmyk&iccEmbed=1", &defaults), [profile()]);
    assert_eq!(aux("fmt=tif", &defaults), [profile()]);
    // With a mask beside it, each once.
    let both = aux("fmt=tif&mask=m.png", &defaults);
    assert_eq!(both, [profile(), Aux::Mask("m.png".into())]);
}

#[test]
fn nobody_s_cmyk_has_no_profile_to_embed() {
    let inks = SourceInfo { pixel_type: PixelType::Cmyk, ..picture(10, 10) };
    let planned = plan(&request("fmt=tif,cmyk&iccEmbed=1"), &inks, &Defaults::default()).unwrap();
    assert!(!planned.plan.output.embed_profile);
    assert_eq!((planned.warnings.len(), planned.warnings[0].span.clone()), (1, 13..23));
    let none = plan(&request("fmt=tif,cmyk&iccEmbed=0"), &inks, &Defaults::default()).unwrap();
    assert_eq!(none.warnings, []);
}

#[test]
fn a_fill_before_a_managed_conversion_waits_for_it() {
    let mut defaults = with_profiles();
    let source = SourceInfo { alpha: true, ..picture(10, 10) };
    let fills_last = |text: &str, defaults: &Defaults| {
        let steps = plan(&request(text), &source, defaults).unwrap().plan.steps;
        let at = |wanted: fn(&Step) -> bool| steps.iter().position(wanted).unwrap();
        at(|step| matches!(step, Step::Fill { .. })) > at(|step| *step == Step::ToOutput)
    };
    assert!(!fills_last("bgColor=255,0,0", &defaults));
    assert!(fills_last("bgColor=255,0,0&icc=AdobeRGB&fmt=png", &defaults));
    assert!(!fills_last("bgColor=255,0,0s&icc=AdobeRGB&fmt=png", &defaults));
    defaults.colors.source.rgb = Some("AdobeRGB".into());
    assert!(fills_last("bgColor=255,0,0", &defaults));
}

#[test]
fn fit_with_scl_is_said_to_be_unused() {
    let modifiers = request("wid=300&hei=300&fit=crop&scl=2");
    let planned = plan(&modifiers, &picture(10, 10), &Defaults::default()).unwrap();
    assert_eq!(planned.warnings.len(), 1);
    assert_eq!(planned.warnings[0].span, 16..24);
}

#[test]
fn a_small_source_is_a_hint_and_no_warning() {
    let planned =
        |text: &str| plan(&request(text), &picture(400, 300), &Defaults::default()).unwrap();
    let narrow = planned("hei=600");
    assert_eq!((narrow.warnings.len(), narrow.hints.len()), (0, 1));
    assert_eq!(narrow.hints[0].span, 0..7);
    for text in ["hei=300", "hei=600&fit=constrain", "hei=600&fit=fit,1", "hei=600&scl=1"] {
        assert_eq!(planned(text).hints, [], "{text}");
    }
}

#[test]
fn what_needs_no_resampling_gets_none() {
    let source = picture(2000, 1000);
    let place = |x, y, width, height| Step::Place { x, y, canvas: Size::new(width, height) };
    for (text, steps) in [
        ("fmt=png", vec![Step::ToOutput]),
        ("wid=2000&hei=1000&fit=stretch", vec![Step::ToOutput]),
        ("rotate=360", vec![Step::ToOutput]),
        ("rotate=-90&rotate=0", vec![Step::ToOutput]),
        ("bgColor=255,0,0", vec![Step::ToOutput]),
        ("op_usm=1,0,0,0&op_sharpen=0", vec![Step::ToOutput]),
        ("crop=10,20,30,40&scl=1", vec![place(-10, -20, 30, 40), Step::ToOutput]),
        ("rgn=10,20,30,40&scl=1", vec![place(-10, -20, 30, 40), Step::ToOutput]),
        ("crop=10,20,300,400&rgn=1,2,30,40", vec![place(-11, -22, 30, 40), Step::ToOutput]),
        ("scl=1&rect=0,800,2000,600", vec![place(0, -800, 2000, 600), Step::ToOutput]),
        ("wid=3000&hei=1000", vec![place(500, 0, 3000, 1000), Step::ToOutput]),
        // Bars beside a crop: the first cut keeps the rest of the source out of them.
        (
            "crop=500,0,1000,1000&wid=3000&hei=1000",
            vec![place(-500, 0, 1000, 1000), place(1000, 0, 3000, 1000), Step::ToOutput],
        ),
        ("rgn=5000,0,10,10", vec![place(10, 0, 10, 10), Step::ToOutput]),
        ("rotate=180&flip=lrud", vec![Step::ToOutput]),
        (
            "rotate=90&flip=lr",
            vec![
                Step::Flip { axis: Flip::Lr },
                Step::Turn { by: Turn::ThreeQuarters },
                Step::ToOutput,
            ],
        ),
    ] {
        assert_eq!(steps_of(text, &source), steps, "{text}");
    }
}

#[test]
fn crop_and_both_scalings_are_one_resampling() {
    let source = picture(2000, 1000);
    let steps = steps_of("crop=500,100,800,600&size=400,0&resMode=bicub&wid=100&hei=100", &source);
    let from = Area { x: 500.0, y: 100.0, width: 800.0, height: 600.0 };
    let to = Size::new(100, 75);
    let resample = Step::Resample { from, to, kernel: Kernel::Bicub };
    let place = Step::Place { x: 0, y: 12, canvas: Size::new(100, 100) };
    assert_eq!(steps, [resample, place, Step::ToOutput]);
}

#[test]
fn a_turned_picture_is_reduced_before_it_is_turned() {
    let steps = steps_of("rotate=90&wid=100", &picture(2000, 1000));
    let from = Area { x: 0.0, y: 0.0, width: 2000.0, height: 1000.0 };
    let resample = Step::Resample { from, to: Size::new(200, 100), kernel: Kernel::Sharp2 };
    assert_eq!(steps, [resample, Step::Turn { by: Turn::Quarter }, Step::ToOutput]);
}

#[test]
fn only_what_shows_is_sampled_and_what_the_filter_looks_at() {
    let steps = steps_of("wid=500&hei=500&fit=crop&resMode=bilin", &picture(3000, 1000));
    // Of 1500 × 500 the middle 500 columns show; a triangle looks at one more, plus one spare.
    let from = Area { x: 996.0, y: 0.0, width: 1008.0, height: 1000.0 };
    let resample = Step::Resample { from, to: Size::new(504, 500), kernel: Kernel::Bilin };
    let place = Step::Place { x: -2, y: 0, canvas: Size::new(500, 500) };
    assert_eq!(steps, [resample, place, Step::ToOutput]);
}

#[test]
fn a_reduced_layer_stays_soft_when_it_is_enlarged() {
    let steps = steps_of("scale=0.1&wid=2000&fit=fit,1", &picture(2000, 1000));
    assert_eq!(steps.iter().filter(|s| matches!(s, Step::Resample { .. })).count(), 2);
}

#[test]
fn mirroring_keeps_its_place_among_the_layer_s_transforms() {
    let source = picture(200, 100);
    let flip = Step::Flip { axis: Flip::Lr };
    let place = Step::Place { x: 10, y: 0, canvas: Size::new(210, 100) };
    assert_eq!(
        steps_of("extend=10,0,0,0&flip=lr", &source),
        [place.clone(), flip.clone(), Step::ToOutput]
    );
    assert_eq!(steps_of("layer=0&extend=10,0,0,0&flip=lr", &source), [flip, place, Step::ToOutput]);
}

#[test]
fn a_colour_of_another_space_is_filled_in_after_the_conversion() {
    let kinds = |text: &str, source: &SourceInfo| -> Vec<&'static str> {
        steps_of(text, source)
            .iter()
            .filter_map(|step| match step {
                Step::Resample { .. } => Some("resample"),
                Step::Fill { .. } => Some("fill"),
                Step::ToOutput => Some("convert"),
                _ => None,
            })
            .collect()
    };
    let rgb = SourceInfo { alpha: true, ..picture(100, 100) };
    let tagged = SourceInfo { profile: Some("Adobe RGB (1998)".into()), ..rgb.clone() };
    let cmyk = SourceInfo { pixel_type: PixelType::Cmyk, ..rgb.clone() };
    assert_eq!(kinds("wid=5&bgColor=255,0,0", &rgb), ["resample", "fill", "convert"]);
    assert_eq!(kinds("wid=5&bgColor=255,0,0", &tagged), ["resample", "convert", "fill"]);
    assert_eq!(kinds("wid=5&bgColor=255,0,0s", &tagged), ["resample", "fill", "convert"]);
    assert_eq!(kinds("wid=5&bgColor=255,0,0", &cmyk), ["resample", "convert", "fill"]);
    assert_eq!(
        kinds("wid=5&bgColor=0,9,9,9k&fmt=tif,cmyk", &cmyk),
        ["resample", "fill", "convert"]
    );
    assert_eq!(kinds("rotate=9&wid=5&bgColor=1,2,3", &tagged), ["convert", "fill", "resample"]);
}

#[test]
fn the_view_is_sharpened_before_it_is_cut() {
    let steps = steps_of("wid=50&op_usm=1,2,3,1&op_sharpen=1&rect=0,0,10,10", &picture(100, 100));
    let [resample, sharpen, usm, place, convert] = steps.as_slice() else { panic!("{steps:?}") };
    assert!(matches!(resample, Step::Resample { to: Size { width: 50, height: 50 }, .. }));
    assert_eq!(sharpen, &Step::Sharpen);
    assert_eq!(usm, &Step::Usm { amount: 1.0, radius: 2.0, threshold: 3.0, mono: true });
    assert!(matches!(place, Step::Place { x: 0, y: 0, .. }));
    assert_eq!(convert, &Step::ToOutput);
}

#[test]
fn the_radius_shrinks_with_the_picture_where_the_configuration_says_so() {
    let reference = Defaults { usm_scaling: UsmScaling::Reference, ..Defaults::default() };
    let radius = |text: &str, defaults: &Defaults| {
        let plan = planned(text, &picture(1000, 1000), defaults).unwrap();
        plan.steps.iter().find_map(|step| match step {
            Step::Usm { radius, .. } => Some(*radius),
            _ => None,
        })
    };
    assert_eq!(radius("wid=500&op_usm=1,4", &Defaults::default()), Some(4.0));
    assert_eq!(radius("wid=500&op_usm=1,4", &reference), Some(2.0));
    assert_eq!(radius("size=500,500&wid=250&op_usm=1,4", &reference), Some(1.0));
    assert_eq!(radius("wid=2000&fit=fit,1&op_usm=1,4", &reference), Some(4.0));
    assert_eq!(radius("wid=10&op_usm=1,4", &reference), Some(0.3));
    assert_eq!(radius("wid=500&op_usmR=1,4", &reference), Some(4.0));
}

#[test]
fn a_mask_is_taken_last() {
    let source = SourceInfo { alpha: true, ..picture(100, 100) };
    let steps = steps_of("req=mask&wid=50", &source);
    assert_eq!(&steps[1..], [Step::ToOutput, Step::Mask]);
}

#[test]
fn sizes_without_measure_are_errors_with_a_place() {
    let source = picture(2000, 1000);
    for (text, span) in [
        ("scale=1e9", 0..9),
        ("scale=1e300", 0..11),
        ("wid=2147483647&hei=2147483647", 0..14),
        ("hei=1&scl=1e-300", 0..5),
        ("scl=1e-300", 0..10),
        ("crop=-2147483648,-2147483648,2147483648,2147483648", 0..50),
        ("crop=0,0,2147483648,1&scale=1e-9", 0..21),
        ("cropN=-1e300,0,1e300,1", 0..22),
        ("extend=2147483648,0,2147483648,0", 0..32),
        ("extendN=1e300,0,0,0", 0..19),
        ("extend=-1000,0,-1000,0", 0..22),
        ("scale=40&rotate=45", 0..8),
        ("rgn=0,0,2147483648,2147483648", 0..29),
        ("rect=0,0,70000,1", 0..16),
        ("rect=0,0,10,10,1e300", 0..20),
        ("wid=5&res=3", 6..11),
        ("fit=constrain", 0..13),
        ("wid=20000&hei=20000&fit=stretch,1", 0..9),
    ] {
        let error = plan(&request(text), &source, &Defaults::default()).unwrap_err();
        assert!(error.is_error() && error.span == span, "{text}: {error:?}");
    }
    let tiny =
        "scl=1e300&rgn=-2147483648,-2147483648,2147483647,2147483647&rect=-2147483648,5,9,9,1e-9";
    assert!(planned(tiny, &source, &Defaults::default()).is_some());
}

#[test]
fn limits_hold_for_composite_and_reply() {
    let limits = Limits { max_pixels: 1_000_000, max_side: 5000, ..Limits::default() };
    let defaults = Defaults { limits, ..Defaults::default() };
    let ok = |text: &str| planned(text, &picture(1000, 1000), &defaults).is_some();
    assert!(ok("") && !ok("wid=1001&hei=1000") && !ok("scale=1.1&wid=10"));
    assert!(ok("scl=0.1&rect=5000,5000,100,100"), "a tile of a view beyond the limits");
    assert!(!ok("scl=0.1&rect=5000,5000,100,100&op_sharpen=1"));
}

#[test]
fn an_enlarging_size_can_be_forbidden() {
    let defaults = Defaults { size_upscale: false, ..Defaults::default() };
    let plan = planned("size=400,400", &picture(200, 100), &defaults).unwrap();
    assert_eq!(plan.composite, Size::new(200, 100));
}

#[test]
fn dpr_shrinks_instead_of_failing() {
    let defaults = Config { max_pix: (1000, 1000), ..PLAIN }.defaults();
    let reply = |text: &str| planned(text, &picture(4000, 3000), &defaults).map(|plan| plan.reply);
    // 612.75 is rounded as every length; a derived side never exceeds what is allowed.
    assert_eq!(reply("wid=816&hei=500&dpr=on,2"), Some(Size::new(1000, 613)));
    let upright = |text: &str| planned(text, &picture(3001, 4000), &defaults).map(|p| p.reply);
    for wid in 800..900 {
        let size = upright(&format!("wid={wid}&dpr=on,2")).unwrap();
        assert!(size.height <= 1000 && size.height >= 998, "{wid}: {size:?}");
    }
    assert_eq!(reply("wid=900&dpr=on,3&fit=constrain"), Some(Size::new(1000, 750)));
    assert_eq!(reply("wid=1001"), None);
}

#[test]
fn check_finds_what_no_source_can_mend() {
    let defaults = Defaults::default();
    let first = |text: &str| {
        let modifiers = parse(text, &Presets::default(), Rules::default()).modifiers;
        check(&modifiers, &defaults).into_iter().next().map(|finding| finding.message)
    };
    assert_eq!(first("fit=crop").as_deref(), Some("fit needs wid or hei"));
    assert_eq!(
        first("fmt=heic").as_deref(),
        Some("`fmt=heic` is not supported by this installation")
    );
    assert_eq!(first("layer=1&opac=5").as_deref(), Some("layers above 0 are not supported yet"));
    assert_eq!(first("wid=1&fit=crop&scale=1e9"), None);
}

#[test]
fn explanations_are_the_json_of_the_contract() {
    let explained = |text: &str| {
        let presets = Presets::new([("web", "wid=500&fmt=jpeg")]);
        let defaults = Defaults::default();
        let explanation = explain(
            text,
            &presets,
            (&Modifiers::default(), &Modifiers::default()),
            &picture(2000, 1000),
            &defaults,
        );
        serde_json::to_string(&explanation).unwrap()
    };
    assert_eq!(
        explained("wid=500&hei=500"),
        r#"{"composite":[2000,1000],"reply":[500,500],"placement":[0,125,500,250],"format":"jpeg","pixel_type":"rgb","alpha":false,"extension":"jpg","quality":80,"warnings":[]}"#
    );
    assert_eq!(
        explained("fit=constrain"),
        r#"{"error":"fit needs wid or hei","span":[0,13],"warnings":[]}"#
    );
    assert_eq!(
        explained("xyzzy=1&$web$&fmt=tif,gray"),
        r#"{"composite":[2000,1000],"reply":[500,250],"placement":[0,0,500,250],"format":"tif","pixel_type":"gray","alpha":false,"extension":"tiff","quality":null,"warnings":[{"message":"unknown command `xyzzy` is ignored","span":[0,7]},{"message":"`fmt=jpeg` is overridden by `fmt=tif`","span":[8,13]}]}"#
    );
    assert_eq!(
        explained("heigt=1&wid=0&hei=0"),
        r#"{"error":"`wid` must be a whole number above 0, not `0`","span":[8,13],"warnings":[{"message":"unknown command `heigt` is ignored; did you mean `hei`?","span":[0,7]}]}"#
    );
}

/// What one request does, in numbers; [`Self::source_of`] works out in its own way, from the
/// rules alone, what a reply's pixel shows.
#[derive(Debug, Clone)]
struct Case {
    source: Pair,
    crop: Option<(i64, i64, u32, u32)>,
    scale: Option<f64>,
    layer_flip: Option<Flip>,
    rotate: Option<f64>,
    extend: Option<[i64; 4]>,
    flip: Option<Flip>,
    rgn: Option<(i64, i64, u32, u32)>,
    size: (Option<u32>, Option<u32>),
    fit: Option<&'static str>,
    align: (f64, f64),
    rect: Option<(i64, i64, u32, u32)>,
    sharpen: bool,
}

impl Case {
    fn text(&self) -> String {
        let mut parts = Vec::new();
        let window = |(x, y, w, h): (i64, i64, u32, u32)| format!("{x},{y},{w},{h}");
        parts.extend(self.crop.map(|w| format!("crop={}", window(w))));
        parts.extend(self.scale.map(|scale| format!("scale={scale}")));
        parts.extend(self.rotate.map(|degrees| format!("rotate={degrees}")));
        parts.extend(self.extend.map(|[l, t, r, b]| format!("extend={l},{t},{r},{b}")));
        parts.extend(self.flip.map(|flip| format!("flip={flip}")));
        parts.extend(self.rgn.map(|w| format!("rgn={}", window(w))));
        parts.extend(self.size.0.map(|wid| format!("wid={wid}")));
        parts.extend(self.size.1.map(|hei| format!("hei={hei}")));
        if self.size != (None, None) {
            parts.extend(self.fit.map(|fit| format!("fit={fit}")));
        }
        parts.push(format!("align={},{}", self.align.0, self.align.1));
        parts.extend(self.rect.map(|w| format!("rect={}", window(w))));
        parts.push(format!("op_sharpen={}", u8::from(self.sharpen)));
        parts.extend(self.layer_flip.map(|flip| format!("layer=0&flip={flip}")));
        parts.join("&")
    }

    /// Returns the point of the source that a point of the reply shows, if any; the sizes in
    /// between are the plan's, as they are tested by the table.
    fn source_of(&self, plan: &Plan, view: Size, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let real = |n: i64| f64::from(i32::try_from(n).unwrap());
        let side = |size: Size| (f64::from(size.width), f64::from(size.height));
        let mirror = |flip: Option<Flip>, (x, y): (f64, f64), (w, h): (f64, f64)| match flip {
            None => (x, y),
            Some(Flip::Lr) => (w - x, y),
            Some(Flip::Ud) => (x, h - y),
            Some(Flip::Lrud) => (w - x, h - y),
        };
        let inside =
            |(x, y): (f64, f64), (w, h): (f64, f64)| x >= 0.0 && y >= 0.0 && x <= w && y <= h;
        // Reply to view, view to composite.
        let (left, top, _, _) = self.rect.unwrap_or_default();
        if !inside((x + real(left), y + real(top)), side(view)) {
            return None;
        }
        let composite = side(plan.composite);
        let (rx, ry, rw, rh) =
            self.rgn.unwrap_or((0, 0, plan.composite.width, plan.composite.height));
        let (pw, ph) = side(plan.placement.size);
        let x = real(rx) + (x - real(plan.placement.x)) * f64::from(rw) / pw;
        let y = real(ry) + (y - real(plan.placement.y)) * f64::from(rh) / ph;
        if !inside((x, y), composite) {
            return None;
        }
        let (x, y) = mirror(self.flip, (x, y), composite);
        // Composite to layer.
        let [left, top, right, bottom] = self.extend.unwrap_or_default().map(real);
        let (x, y) = (x - left, y - top);
        let rotated = (composite.0 - left - right, composite.1 - top - bottom);
        if !inside((x, y), rotated) {
            return None;
        }
        let (_, _, cw, ch) = self.crop.unwrap_or((0, 0, self.source.0, self.source.1));
        let scale = self.scale.unwrap_or(1.0);
        let scaled = |side: u32| (f64::from(side) * scale + 0.5).floor().max(1.0);
        let (lw, lh) = (scaled(cw), scaled(ch));
        let (sin, cos) = self.rotate.unwrap_or(0.0).to_radians().sin_cos();
        let (dx, dy) = (x - rotated.0 / 2.0, y - rotated.1 / 2.0);
        let (x, y) = (dx * cos + dy * sin + lw / 2.0, dy * cos - dx * sin + lh / 2.0);
        if !inside((x, y), (lw, lh)) {
            return None;
        }
        let (x, y) = mirror(self.layer_flip, (x, y), (lw, lh));
        // Layer to source.
        let (cx, cy, _, _) = self.crop.unwrap_or((0, 0, 0, 0));
        let (x, y) = (x * f64::from(cw) / lw + real(cx), y * f64::from(ch) / lh + real(cy));
        inside((x, y), (f64::from(self.source.0), f64::from(self.source.1))).then_some((x, y))
    }
}

/// Follows a point of the reply back through the steps to the source.
fn trace(plan: &Plan, (mut x, mut y): (f64, f64)) -> Option<(f64, f64)> {
    let mut sizes = vec![plan.source];
    for step in &plan.steps {
        let Size { width, height } = *sizes.last().unwrap();
        sizes.push(match step {
            Step::Resample { to, .. } | Step::Rotate { to, .. } => *to,
            Step::Place { canvas, .. } => *canvas,
            Step::Turn { by: Turn::Quarter | Turn::ThreeQuarters } => Size::new(height, width),
            _ => Size::new(width, height),
        });
    }
    for (step, size) in plan.steps.iter().zip(&sizes).rev() {
        let (w, h) = (f64::from(size.width), f64::from(size.height));
        (x, y) = match step {
            Step::Resample { from, to, .. } => (
                from.x + x * from.width / f64::from(to.width),
                from.y + y * from.height / f64::from(to.height),
            ),
            Step::Place { x: left, y: top, .. } => {
                let real = |n: &i64| f64::from(i32::try_from(*n).unwrap());
                (x - real(left), y - real(top))
            }
            Step::Flip { axis: Flip::Lr } => (w - x, y),
            Step::Flip { axis: Flip::Ud } => (x, h - y),
            Step::Flip { axis: Flip::Lrud } | Step::Turn { by: Turn::Half } => (w - x, h - y),
            Step::Turn { by: Turn::Quarter } => (y, h - x),
            Step::Turn { by: Turn::ThreeQuarters } => (w - y, x),
            Step::Rotate { degrees, to, .. } => {
                let (sin, cos) = degrees.to_radians().sin_cos();
                let (dx, dy) = (x - f64::from(to.width) / 2.0, y - f64::from(to.height) / 2.0);
                (dx * cos + dy * sin + w / 2.0, dy * cos - dx * sin + h / 2.0)
            }
            _ => (x, y),
        };
        if x < 0.0 || y < 0.0 || x > w || y > h {
            return None;
        }
    }
    Some((x, y))
}

fn any_flip() -> impl Strategy<Value = Option<Flip>> {
    let flips = vec![None, None, Some(Flip::Lr), Some(Flip::Ud), Some(Flip::Lrud)];
    proptest::sample::select(flips)
}

fn any_window() -> impl Strategy<Value = Option<(i64, i64, u32, u32)>> {
    proptest::option::of((-40i64..150, -40i64..150, 1u32..200, 1u32..200))
}

prop_compose! {
    fn any_layer()(
        source in (1u32..200, 1u32..200),
        crop in any_window(),
        scale in proptest::option::of(0.05f64..3.0),
        layer_flip in any_flip(),
        rotate in proptest::option::of(proptest::sample::select(
            vec![0.0, 90.0, 180.0, 270.0, -90.0, 450.0, 30.0, 137.5])),
        extend in proptest::option::of(proptest::array::uniform4(-10i64..20)),
        flip in any_flip(),
    ) -> Case {
        Case {
            source, crop, scale, layer_flip, rotate, extend, flip,
            rgn: None, size: (None, None), fit: None, align: (0.0, 0.0), rect: None, sharpen: false,
        }
    }
}

prop_compose! {
    fn any_case()(
        layer in any_layer(),
        rgn in any_window(),
        size in (proptest::option::of(1u32..300), proptest::option::of(1u32..300)),
        fit in proptest::option::of(proptest::sample::select(vec![
            "fit", "fit,1", "constrain", "constrain,1", "crop", "crop,1", "wrap", "wrap,1",
            "stretch", "stretch,1", "hfit", "hfit,1", "vfit", "vfit,1"])),
        align in (-1.0f64..1.0, -1.0f64..1.0),
        rect in any_window(),
        sharpen in proptest::bool::weighted(0.2),
    ) -> Case {
        Case { rgn, size, fit, align, rect, sharpen, ..layer }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever is fused, every pixel of the reply shows the point of the source that the rules
    /// say. Points within a pixel of an edge may fall on either side of it.
    #[test]
    fn steps_show_what_the_rules_say(case in any_case()) {
        let source = SourceInfo { alpha: true, ..picture(case.source.0, case.source.1) };
        let Some(plan) = planned(&case.text(), &source, &Defaults::default()) else {
            return Ok(());
        };
        let uncut = Case { rect: None, ..case.clone() };
        // A tile may belong to a view that is too large as a whole.
        let Some(view) = planned(&uncut.text(), &source, &Defaults::default()) else {
            return Ok(());
        };
        let view = view.reply;
        let (rw, rh) = (plan.reply.width, plan.reply.height);
        for (i, j) in [(0, 0), (1, 1), (2, 3), (4, 4), (7, 7), (6, 0), (0, 5), (3, 6)] {
            let at = |n: u32, side: u32| f64::from(n * (side - 1) / 7) + 0.5;
            let point = (at(i, rw), at(j, rh));
            let (want, got) = (case.source_of(&plan, view, point), trace(&plan, point));
            match (want, got) {
                (Some(want), Some(got)) => {
                    let off = (want.0 - got.0).abs().max((want.1 - got.1).abs());
                    prop_assert!(off < 1e-6, "{}: {point:?} {want:?} {got:?} {plan:?}", case.text());
                }
                (None, None) => {}
                (want, got) => {
                    // A pixel may reach over all there is, and its neighbours show nothing either.
                    let mut near = [1.0, 1e-3].into_iter().flat_map(|d| {
                        [(-d, 0.0), (d, 0.0), (0.0, -d), (0.0, d)].map(|(dx, dy)| {
                            case.source_of(&plan, view, (point.0 + dx, point.1 + dy)).is_some()
                        })
                    });
                    let edge = near.any(|shows| shows != want.is_some());
                    prop_assert!(edge, "{}: {point:?} {want:?} {got:?} {plan:?}", case.text());
                }
            }
        }
    }

    /// Replies are as large as the rules say (G1–G7), and bars stand only where a side is longer
    /// than what is shown.
    #[test]
    fn replies_have_the_size_the_rules_promise(
        (width, height) in (1u32..3000, 1u32..3000),
        size in (proptest::option::of(1u32..2000), proptest::option::of(1u32..2000)),
        mode in proptest::sample::select(
            vec!["fit", "constrain", "crop", "wrap", "stretch", "hfit", "vfit"]),
        upscale in 0..2,
    ) {
        let size = if size == (None, None) { (Some(width / 2 + 1), None) } else { size };
        let mut text = format!("fit={mode},{upscale}");
        text.extend(size.0.map(|wid| format!("&wid={wid}")));
        text.extend(size.1.map(|hei| format!("&hei={hei}")));
        let limits = Limits { max_pixels: u64::MAX, max_side: u32::MAX, ..Limits::default() };
        let defaults = Defaults { limits, ..Defaults::default() };
        let plan = planned(&text, &picture(width, height), &defaults).unwrap();
        let (reply, scaled) = (plan.reply, plan.placement.size);
        let shrinks = matches!(mode, "constrain" | "wrap");
        if shrinks {
            prop_assert_eq!(reply, scaled);
        } else {
            prop_assert_eq!(reply.width, size.0.unwrap_or(scaled.width));
            prop_assert_eq!(reply.height, size.1.unwrap_or(scaled.height));
        }
        if upscale == 0 {
            prop_assert!(scaled.width <= width && scaled.height <= height);
        }
        let (Some(wid), Some(hei)) = size else { return Ok(()) };
        let free = upscale == 1;
        match mode {
            "fit" | "constrain" => {
                prop_assert!(scaled.width <= wid && scaled.height <= hei);
                prop_assert!(!free || scaled.width == wid || scaled.height == hei);
            }
            "crop" | "wrap" if free => prop_assert!(scaled.width >= wid && scaled.height >= hei),
            "stretch" if free => prop_assert_eq!(scaled, reply),
            "hfit" if free => prop_assert_eq!(scaled.width, wid),
            "vfit" if free => prop_assert_eq!(scaled.height, hei),
            _ => {}
        }
        // Centred: what is left over differs by a pixel at most between the two sides.
        let centred = |at: i64, scaled: u32, reply: u32| {
            let behind = i64::from(reply) - i64::from(scaled) - at;
            (0..=1).contains(&(behind - at))
        };
        prop_assert!(centred(plan.placement.x, scaled.width, reply.width));
        prop_assert!(centred(plan.placement.y, scaled.height, reply.height));
    }
}

/// Numbers that sums and products go wrong with.
fn extreme() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "0",
            "1",
            "-1",
            "2147483648",
            "-2147483648",
            "65500",
            "1e300",
            "-1e300",
            "1e-300",
            "0.5",
            "359.9999999999",
            "1e9",
        ])
        .prop_map(str::to_owned),
        (-3000i32..3000).prop_map(|n| n.to_string()),
    ]
}

fn extreme_modifier() -> impl Strategy<Value = String> {
    let names = vec![
        "wid",
        "hei",
        "scl",
        "align",
        "rgn",
        "rect",
        "crop",
        "cropN",
        "size",
        "scale",
        "res",
        "extend",
        "extendN",
        "rotate",
        "op_usm",
        "printRes",
        "qlt",
        "op_blur",
        "op_grow",
        "op_growMask",
        "op_growMaskR",
        "op_noise",
        "opac",
        "op_brightness",
    ];
    let numbers = proptest::collection::vec(extreme(), 1..6);
    prop_oneof![
        (proptest::sample::select(names), numbers)
            .prop_map(|(name, numbers)| format!("{name}={}", numbers.join(","))),
        extreme().prop_map(|ratio| format!("dpr=on,{ratio}")),
        proptest::sample::select(vec![
            "fit=crop,1",
            "fit=wrap",
            "fit=stretch,1",
            "flip=lr",
            "layer=0",
            "op_sharpen=1",
            "bgColor=1,2,3",
            "color=1,2,3",
            "req=mask",
            "req=tmb",
            "mask=a",
            "maskUse=invert",
            "maskUse=off",
            "op_grow=100",
            "op_blur=100",
            "op_growMask=-100",
            "cropPathE=a",
            "clipPathE=a",
            "layer=comp&clipXPathE=a",
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Whatever numbers come, there is a plan that keeps its promises or an error, never a panic
    /// and never a picture beyond the limits.
    #[test]
    fn no_number_breaks_the_plan(
        modifiers in proptest::collection::vec(extreme_modifier(), 0..6),
        (width, height) in (1u32..66_000, 1u32..2000),
        alpha in proptest::bool::ANY,
        bounds in proptest::array::uniform4(-3.0..3.0),
    ) {
        let mut modifiers = modifiers;
        // One value that is out of its range would hide the others.
        modifiers.retain(|m| parse(m, &Presets::default(), Rules::default()).error().is_none());
        let paths = vec![PathBounds { name: "a".into(), bounds }];
        let source = SourceInfo { alpha, paths, ..picture(width, height) };
        let limits = Limits { max_side: 70_000, ..Limits::default() };
        let defaults = Defaults {
            default_pix: (1280, 0),
            max_pix: (0, 3000),
            resolution: Some(300.0),
            limits,
            ..Defaults::default()
        };
        let Some(plan) = planned(&modifiers.join("&"), &source, &defaults) else { return Ok(()) };
        for step in &plan.steps {
            let size = match step {
                Step::Resample { to, .. } | Step::Rotate { to, .. } => *to,
                Step::Place { canvas, .. } => *canvas,
                _ => continue,
            };
            prop_assert!(size.pixels() <= 100_000_000 && size.width.max(size.height) <= 70_000);
        }
    }
}

#[test]
fn decimals_are_taken_as_they_are_written() {
    let reply = |text: &str, (width, height): (u32, u32)| {
        planned(text, &picture(width, height), &Config { ..PLAIN }.defaults())
            .map(|plan| (plan.reply.width, plan.reply.height))
    };
    // 14.5, 85.5, 57.5: halves, although none of the decimals is a binary number.
    assert_eq!(reply("layer=0&scale=0.29", (50, 100)), Some((15, 29)));
    assert_eq!(reply("layer=0&scale=0.57", (150, 100)), Some((86, 57)));
    assert_eq!(reply("layer=0&scale=1.15", (50, 100)), Some((58, 115)));
    assert_eq!(reply("cropN=0.35,0,0.1,1", (30, 10)), Some((3, 10)));
    assert_eq!(reply("cropN=0.35,0,0.1,1", (250, 10)), Some((25, 10)));
    assert_eq!(reply("cropN=0.57,0,0.1,1", (50, 10)), Some((5, 10)));
    assert_eq!(reply("extendN=0.29,0,0,0", (50, 10)), Some((65, 10)));
    assert_eq!(reply("dpr=on,1.15&wid=50", (100, 100)), Some((58, 58)));
    assert_eq!(reply("scl=1.12", (14, 112)), Some((13, 100)));
}
