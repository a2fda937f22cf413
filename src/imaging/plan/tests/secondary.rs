//! Thumbnails, operations, masks and paths: what plans say of the commands that matter less often.

use super::*;
use crate::imaging::plan::{Aux, Side, ThumbType, Thumbnails};

fn cut_out(width: u32, height: u32) -> SourceInfo {
    SourceInfo { alpha: true, ..picture(width, height) }
}

fn with_path(bounds: [f64; 4]) -> SourceInfo {
    SourceInfo { paths: vec![PathBounds { name: "Path 1".into(), bounds }], ..picture(200, 100) }
}

// -- thumbnails (reference pages *req*, *ThumbType*)

type Placed = ((u32, u32), (i64, i64, u32, u32));

fn thumbnail(text: &str, thumbnails: Thumbnails, resolution: Option<f64>) -> Placed {
    let defaults = Defaults { thumbnails, resolution, ..Defaults::default() };
    let plan = planned(text, &picture(2000, 1000), &defaults).unwrap();
    let Rect { x, y, size } = plan.placement;
    ((plan.reply.width, plan.reply.height), (x, y, size.width, size.height))
}

#[test]
fn thumbnails_follow_their_type() {
    let of = |kind| Thumbnails { kind, ..Thumbnails::default() };
    let hundred = "req=tmb&wid=100&hei=100";
    let texture = ThumbType::Texture { resolution: 6.0 };
    let fit = thumbnail(hundred, of(ThumbType::Fit), None);
    assert_eq!(fit, ((100, 100), (0, 25, 100, 50)), "T-1");
    let crop = thumbnail(hundred, of(ThumbType::Crop), None);
    assert_eq!(crop, ((100, 100), (-50, 0, 200, 100)), "T-2");
    let found = thumbnail(hundred, of(texture), Some(300.0));
    assert_eq!(found, ((100, 100), (30, 40, 40, 20)), "T-4");
    let top = Thumbnails { pix: (80, 80), align: (0.0, -1.0), ..Thumbnails::default() };
    assert_eq!(thumbnail("req=tmb", top, None), ((80, 80), (0, 0, 80, 40)), "T-5");
    // A smaller source is enlarged, and `size` makes the canvas.
    assert_eq!(thumbnail("req=tmb&crop=0,0,20,20", of(ThumbType::Fit), None).1, (0, 0, 100, 100));
    assert_eq!(thumbnail("req=tmb&size=50,50", of(ThumbType::Fit), None).1, (0, 25, 100, 50));
}

#[test]
fn thumbnails_have_a_background_of_their_own_and_no_fit() {
    let thumbnails = Thumbnails { background: [9, 8, 7], ..Thumbnails::default() };
    let defaults = Defaults { thumbnails, ..Defaults::default() };
    let of =
        |text| planned(text, &picture(2000, 1000), &defaults).map(|plan| plan.output.background);
    assert_eq!(of("req=tmb"), Some(Color::rgb([9, 8, 7])));
    assert_eq!(of("req=tmb&bgc=214,245,130&wid=64&hei=64"), Some(Color::rgb([214, 245, 130])));
    assert_eq!(of("req=tmb&fit=crop&wid=64&hei=64"), None);
}

// -- operations

#[test]
fn operations_come_in_their_order_after_scaling() {
    let text = "op_noise=5&op_blur=8&op_grow=-4&op_colorize=ff0000&op_saturation=3&op_hue=9\
                &op_colorbalance=1,2,3&op_contrast=-5&op_brightness=7&op_invert=1&wid=100\
                &op_usm=1,1&op_sharpen=1";
    let steps = steps_of(text, &picture(200, 100));
    let names: Vec<&str> = steps
        .iter()
        .map(|step| match step {
            Step::Resample { .. } => "scale",
            Step::Invert => "invert",
            Step::Brightness { amount: 7 } => "brightness",
            Step::Contrast { amount: -5 } => "contrast",
            Step::ColorBalance { amounts: [1, 2, 3] } => "balance",
            Step::Hue { degrees: 9 } => "hue",
            Step::Saturation { amount: 3 } => "saturation",
            Step::Colorize { .. } => "colorize",
            Step::Grow { radius: -2.0 } => "grow",
            Step::Blur { radius: 4.0 } => "blur",
            Step::Noise { .. } => "noise",
            Step::Sharpen => "sharpen",
            Step::Usm { .. } => "usm",
            Step::ToOutput => "output",
            other => panic!("{other:?}"),
        })
        .collect();
    let wanted = "scale invert brightness contrast balance hue saturation colorize grow blur noise \
                  sharpen usm output";
    assert_eq!(names.join(" "), wanted);
}

#[test]
fn what_does_nothing_leaves_no_step() {
    let source = cut_out(200, 100);
    let nothing = "op_blur=0&op_brightness=0&op_contrast=0&op_colorbalance=0,0,0&op_hue=0\
                   &op_saturation=0&op_invert=0&op_grow=0&op_noise=0&op_growMask=0&opac=100\
                   &maskUse=norm&clipPathE=nobody&cropPathE=nobody&mask=";
    assert_eq!(steps_of(nothing, &source), steps_of("", &source));
    // The mask of a picture that has none cannot grow or be left out.
    assert_eq!(
        steps_of("op_growMask=5&maskUse=off&color=ff0000", &picture(9, 9)),
        [Step::ToOutput]
    );
}

/// An anchor is where a layer is held; the one there is fills its canvas wherever that is.
#[test]
fn an_anchor_moves_nothing() {
    let source = cut_out(200, 100);
    for change in ["rotate=30&wid=50", "flip=lr", "crop=5,6,70,80&scale=0.5&extend=1,2,3,4"] {
        for anchor in ["anchor=5,7", "anchorN=-0.5,0.25", "layer=0&anchor=0,0"] {
            assert_eq!(steps_of(&format!("{change}&{anchor}"), &source), steps_of(change, &source));
        }
    }
}

#[test]
fn operations_that_know_rgb_only_get_it() {
    let gray = SourceInfo { pixel_type: PixelType::Gray, ..picture(9, 9) };
    assert_eq!(
        steps_of("op_brightness=5", &gray),
        [Step::ToRgb, Step::Brightness { amount: 5 }, Step::ToOutput]
    );
    assert_eq!(steps_of("op_invert=1", &gray), [Step::Invert, Step::ToOutput]);
    let cmyk = SourceInfo { pixel_type: PixelType::Cmyk, ..picture(9, 9) };
    assert_eq!(steps_of("op_hue=5&fmt=tif,cmyk", &cmyk)[0], Step::ToRgb);
}

#[test]
fn operations_on_layer_0_come_before_it_is_turned() {
    let text = "layer=0&op_blur=2&flip=lr&layer=comp&op_blur=6&wid=50";
    let steps = steps_of(text, &picture(200, 100));
    let blurs: Vec<_> =
        steps.iter().filter(|s| matches!(s, Step::Blur { .. } | Step::Flip { .. })).collect();
    assert_eq!(blurs[0], &Step::Blur { radius: 2.0 });
    assert!(matches!(blurs[1], Step::Flip { .. }));
    assert_eq!(blurs[2], &Step::Blur { radius: 1.5 });
}

/// The edge of a cut must be the same as without the cut: more is read than is shown.
#[test]
fn a_blur_sees_beyond_the_edge_of_a_cut() {
    let steps = steps_of("op_blur=4&rgn=50,20,60,40&scl=1", &picture(200, 100));
    let Step::Place { x: -38, y: -8, canvas } = steps[0] else { panic!("{steps:?}") };
    assert_eq!(canvas, Size::new(84, 64));
    assert_eq!(steps[1], Step::Blur { radius: 4.0 });
    assert_eq!(steps[2], Step::Place { x: -12, y: -12, canvas: Size::new(60, 40) });
}

#[test]
fn tiles_are_cut_from_what_was_looked_at_as_a_whole() {
    let source = picture(200, 100);
    let last = |text: &str| steps_of(text, &source).into_iter().rev().nth(1);
    // A tile of a scaled view, of noise, and of levels: all of the view is made.
    let tile = Some(Step::Place { x: -10, y: -20, canvas: Size::new(30, 30) });
    for text in ["wid=150", "op_noise=5", "op_colorize=ff0000"] {
        let text = format!("{text}&rect=10,20,30,30");
        let steps = steps_of(&text, &source);
        assert_eq!(last(&text), tile, "{steps:?}");
        let size = steps.iter().find_map(Step::resized);
        assert!(size.is_none_or(|size| size.width == 150 || size.width == 30), "{steps:?}");
    }
    // Pixel by pixel, nothing but the tile is touched.
    let steps = steps_of("op_brightness=5&rect=10,20,30,30", &source);
    assert!(matches!(steps[0], Step::Place { x: -10, y: -20, .. }), "{steps:?}");
}

// -- masks

#[test]
fn masks_come_first_and_grow_before_scaling() {
    let text = "mask=a.tif&maskUse=invert&op_growMask=-10&wid=20&fmt=png-alpha";
    let plan = planned(text, &picture(200, 100), &Defaults::default()).unwrap();
    let mask = Aux::Mask("a.tif".into());
    assert_eq!(plan.aux, std::slice::from_ref(&mask));
    let shrunk = Step::GrowMask { radius: -10.0 };
    assert_eq!(plan.steps[..3], [Step::TakeMask { mask }, Step::InvertMask, shrunk]);
    assert!(matches!(plan.steps[3], Step::Resample { .. }));
    // As wide as asked once layer 0 has been scaled.
    let grown = |text| steps_of(text, &cut_out(200, 100)).swap_remove(0);
    assert_eq!(grown("size=20,0&op_growMaskR=3"), Step::GrowMask { radius: 30.0 });
    assert_eq!(grown("scale=2&op_growMaskR=3"), Step::GrowMask { radius: 1.5 });
    assert_eq!(grown("wid=20&op_growMaskR=3"), Step::GrowMask { radius: 3.0 });
    let steps = steps_of("maskUse=off&bgColor=ff0000", &cut_out(9, 9));
    assert_eq!(steps, [Step::Unmask, Step::ToOutput]);
}

#[test]
fn fills_and_opacity_stand_in_the_order_of_the_reference() {
    let source = cut_out(9, 9);
    let text = "layer=0&opac=50&bgColor=ff0000&color=00ff00&layer=comp&opac=50,50";
    let steps = steps_of(text, &source);
    assert!(matches!(steps[0], Step::Fill { color } if color.components[1] == 255));
    assert_eq!(steps[1], Step::Opacity { percent: 50.0 });
    assert!(matches!(steps[2], Step::Fill { color } if color.components[0] == 255));
    assert_eq!(steps[3], Step::Opacity { percent: 25.0 });
}

// -- paths

#[test]
fn a_picture_is_cut_to_the_box_of_its_path() {
    let source = with_path([0.25, 0.1, 0.75, 0.605]);
    let plan = planned("cropPathE=Path%201&wid=50", &source, &Defaults::default()).unwrap();
    assert_eq!(plan.composite, Size::new(100, 51));
    assert_eq!(plan.reply, Size::new(50, 26));
    let turned = planned("cropPathE=Path%201&rotate=90", &source, &Defaults::default()).unwrap();
    assert_eq!(turned.composite, Size::new(51, 100));
    assert_eq!(turned.steps[1], Step::Place { x: -39, y: -50, canvas: Size::new(51, 100) });
    let beside = with_path([-2.0, 0.0, -1.0, 1.0]);
    assert_eq!(planned("cropPathE=Path%201", &beside, &Defaults::default()), None);
}

/// Where a point of the source, 0 to 1, lies in the picture that is clipped.
fn clip_of(text: &str, point: (f64, f64)) -> (f64, f64) {
    let source = with_path([0.0, 0.0, 0.5, 0.5]);
    let steps = steps_of(text, &source);
    let clip = steps.iter().find_map(|step| match step {
        Step::Clip { names, keep: Side::Inside, map } => {
            assert_eq!(names, &["Path 1"]);
            Some(**map)
        }
        _ => None,
    });
    let [a, b, c, d, e, f] = clip.unwrap();
    let round = |n: f64| (n * 1e6).round() / 1e6;
    (round(a * point.0 + b * point.1 + c), round(d * point.0 + e * point.1 + f))
}

#[test]
fn paths_are_mapped_as_the_picture_is() {
    let clip = "clipPathE=Path%201";
    assert_eq!(clip_of(clip, (0.3, 0.7)), (0.3, 0.7));
    assert_eq!(clip_of(&format!("{clip}&wid=31"), (0.3, 0.7)), (0.3, 0.7));
    assert_eq!(clip_of(&format!("{clip}&flip=lr"), (0.3, 0.7)), (0.7, 0.7));
    assert_eq!(clip_of(&format!("{clip}&rotate=90"), (0.3, 0.7)), (0.3, 0.3));
    assert_eq!(clip_of(&format!("{clip}&rotate=270"), (0.3, 0.7)), (0.7, 0.7));
    assert_eq!(clip_of(&format!("{clip}&crop=50,0,100,50"), (0.3, 0.3)), (0.1, 0.6));
    assert_eq!(clip_of(&format!("layer=0&{clip}&extend=0,0,200,0"), (0.5, 0.5)), (0.25, 0.5));
    // A turned picture keeps its centre.
    assert_eq!(clip_of(&format!("{clip}&rotate=30"), (0.5, 0.5)), (0.5, 0.5));
    let corner = clip_of(&format!("layer=0&{clip}&rotate=30"), (0.0, 0.0));
    // The upper left corner of 200 × 100 turned by 30° lies 50 pixels right of the box's edge.
    assert!((corner.0 - 50.0 / 224.0).abs() < 0.01 && corner.1.abs() < 0.01, "{corner:?}");
}

#[test]
fn embedded_paths_follow_into_the_reply() {
    let source = with_path([0.0, 0.0, 0.5, 0.5]);
    let map = output_of("pathEmbed=1&wid=100&hei=100&fmt=tif", &source).paths.unwrap();
    // Bars above and below: the picture takes the middle half.
    assert_eq!(*map, [1.0, 0.0, 0.0, 0.0, 0.5, 0.25]);
    assert_eq!(output_of("wid=100", &source).paths, None);
}
