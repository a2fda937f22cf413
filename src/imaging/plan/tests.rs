//! The worked examples of the reference digest, by their numbers, and what must hold for all.

use proptest::prelude::*;

use super::*;
use crate::imaging::formats::SourceFormat;
use crate::imaging::modifiers::{Modifiers, Presets, Rules, parse};
use crate::imaging::{Limits, Orientation};

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
            Step::Sharpen => {}
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
