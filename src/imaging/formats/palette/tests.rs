use proptest::prelude::*;

use super::*;
use crate::imaging::Size;
use crate::imaging::raster::Alpha;

const BLACK: Rgba = [0, 0, 0, 255];
const WHITE: Rgba = [255, 255, 255, 255];

fn rgb(width: u32, samples: Vec<u8>) -> Raster {
    let height = u32::try_from(samples.len()).unwrap() / 3 / width;
    let samples = Samples::Eight(samples);
    Raster::new(Size::new(width, height), PixelType::Rgb, Alpha::None, samples).unwrap()
}

fn rgba(width: u32, samples: Vec<u8>) -> Raster {
    let height = u32::try_from(samples.len()).unwrap() / 4 / width;
    let samples = Samples::Eight(samples);
    Raster::new(Size::new(width, height), PixelType::Rgb, Alpha::Straight, samples).unwrap()
}

fn adaptive(colors: u16, diffuse: bool) -> Quantize {
    Quantize { palette: PaletteKind::Adaptive, diffuse, colors, forced: Vec::new() }
}

/// Ramps in all three components: many thousands of colours.
fn many_colors(side: u32) -> Raster {
    let at = |x: u32| u8::try_from(x * 255 / (side - 1)).unwrap();
    let pixel = |x, y| [at(x), at(y), at((x + y) / 2)];
    let rows = (0..side).flat_map(|y| (0..side).flat_map(move |x| pixel(x, y)));
    rgb(side, rows.collect())
}

/// A disk whose edge is `soft` pixels wide, with a colour under what is clear.
fn disk(side: u32, hidden: [u8; 3]) -> Raster {
    let middle = f64::from(side) / 2.0;
    let mut samples = Vec::new();
    for y in 0..side {
        for x in 0..side {
            let (dx, dy) = (f64::from(x) - middle, f64::from(y) - middle);
            let inside = (middle - 4.0 - (dx * dx + dy * dy).sqrt()) / 8.0 + 0.5;
            let alpha = (inside.clamp(0.0, 1.0) * 255.0).round() as u8;
            let color = [(x * 255 / side) as u8, (y * 255 / side) as u8, 90];
            samples.extend(if alpha == 0 { hidden } else { color });
            samples.push(alpha);
        }
    }
    rgba(side, samples)
}

fn colors_of(made: &Indexed) -> Vec<Rgba> {
    made.indexes.iter().map(|n| made.palette[usize::from(*n)]).collect()
}

fn pixels_of(picture: &Raster) -> Vec<Rgba> {
    Pixels::of(picture, Edges::Soft).unwrap().iter().collect()
}

#[test]
fn few_colours_are_kept() {
    let samples: Vec<u8> = (0..=255).flat_map(|n| [n, 255 - n, n / 3]).collect();
    let picture = rgb(16, samples);
    let made = index(&picture, &Quantize::default(), Edges::Hard).unwrap();
    assert_eq!(made.palette.len(), 256);
    assert_eq!(colors_of(&made), pixels_of(&picture));
    // One more is too many.
    let made = index(&picture, &adaptive(255, false), Edges::Hard).unwrap();
    assert!(made.palette.len() <= 255);
    assert_ne!(colors_of(&made), pixels_of(&picture));
}

#[test]
fn a_clear_entry_leaves_room_for_255_colours() {
    let mut samples: Vec<u8> = (0..255).flat_map(|n| [n, 255 - n, 7, 255]).collect();
    samples.extend([1, 2, 3, 0]);
    let picture = rgba(16, samples);
    for edges in [Edges::Hard, Edges::Soft] {
        let made = index(&picture, &Quantize::default(), edges).unwrap();
        assert_eq!((made.palette.len(), made.clear()), (256, Some(255)));
        assert_eq!(colors_of(&made), pixels_of(&picture));
    }
}

#[test]
fn black_white_and_a_key_are_all_there_is() {
    let forced = vec![[0, 0, 0], [255, 255, 255]];
    let wanted = Quantize { forced, ..adaptive(2, false) };
    let made = index(&disk(64, [9, 9, 9]), &wanted, Edges::Hard).unwrap();
    assert_eq!(made.palette, [BLACK, WHITE, [0; 4]]);
    // Without diffusion each pixel is the nearer one of both.
    for (found, [r, g, b, a]) in colors_of(&made).into_iter().zip(pixels_of(&disk(64, [9; 3]))) {
        let wanted = match [r, g, b, a] {
            [.., 0..=127] => [0; 4],
            [0..=100, 0..=100, ..] => BLACK,
            [156..=255, 156..=255, ..] => WHITE,
            _ => found,
        };
        assert_eq!(found, wanted);
    }
    // The key is there even if nothing is transparent.
    let opaque = rgb(8, vec![77; 8 * 8 * 3]).with_alpha();
    assert_eq!(index(&opaque, &wanted, Edges::Hard).unwrap().palette.len(), 3);
    assert_eq!(index(&opaque, &wanted, Edges::Soft).unwrap().palette.len(), 2);
}

#[test]
fn forced_colours_stay_and_the_others_are_found_around_them() {
    let forced = vec![[255, 0, 255], [0, 255, 0], [255, 0, 255]];
    let wanted = Quantize { forced, ..adaptive(16, false) };
    let made = index(&many_colors(64), &wanted, Edges::Hard).unwrap();
    assert_eq!(made.palette.len(), 16);
    assert_eq!(made.palette[..2], [[255, 0, 255, 255], [0, 255, 0, 255]]);
    // More than there is room for: the first ones.
    let forced = vec![[1; 3], [2; 3], [3; 3]];
    let wanted = Quantize { forced, ..adaptive(2, true) };
    let made = index(&many_colors(8), &wanted, Edges::Hard).unwrap();
    assert_eq!(made.palette, [[1, 1, 1, 255], [2, 2, 2, 255]]);
}

#[test]
fn web_and_mac_are_what_they_were() {
    let wanted = |palette| Quantize { palette, ..Quantize::default() };
    let made = index(&many_colors(32), &wanted(PaletteKind::Web), Edges::Hard).unwrap();
    assert_eq!(made.palette.len(), 216);
    assert!(made.palette.iter().all(|color| color[..3].iter().all(|v| v % 51 == 0)));
    let made = index(&many_colors(32), &wanted(PaletteKind::Mac), Edges::Hard).unwrap();
    let sorted: std::collections::BTreeSet<Rgba> = made.palette.iter().copied().collect();
    assert_eq!(sorted.len(), 256);
    for (number, color) in [
        (0, [255, 255, 255]),
        (1, [255, 255, 204]),
        (35, [255, 0, 0]),
        (214, [0, 0, 51]),
        (215, [238, 0, 0]),
        (254, [17, 17, 17]),
        (255, [0, 0, 0]),
    ] {
        assert_eq!(made.palette[number][..3], color, "{number}");
    }
    // Fewer than all: those that are used.
    let few = Quantize { colors: 3, ..wanted(PaletteKind::Web) };
    let made = index(&rgb(3, vec![250, 0, 0, 2, 0, 0, 250, 10, 0]), &few, Edges::Hard).unwrap();
    assert!(made.palette.contains(&[255, 0, 0, 255]) && made.palette.contains(&BLACK));
    assert_eq!(made.palette.len(), 3);
}

#[test]
fn diffusion_keeps_the_mean_of_every_part() {
    let side = 64_u32;
    let gray = |x: u32| u8::try_from(x * 255 / (side - 1)).unwrap();
    let picture = rgb(side, (0..side * side).flat_map(|n| [gray(n % side); 3]).collect());
    let forced = vec![[0; 3], [255; 3]];
    let made = index(&picture, &Quantize { forced, ..adaptive(2, true) }, Edges::Hard).unwrap();
    let off = |made: &Indexed| {
        let found = colors_of(made);
        let (found, wanted) = (&found, &pixels_of(&picture));
        let means = (0..side as usize).step_by(8).map(move |left| {
            let sum = |pixels: &[Rgba]| {
                let rows = pixels.chunks(side as usize).flat_map(|row| &row[left..left + 8]);
                rows.map(|color| f64::from(color[0])).sum::<f64>() / f64::from(side * 8)
            };
            (sum(found) - sum(wanted)).abs()
        });
        means.fold(0.0, f64::max)
    };
    assert!(off(&made) < 6.0, "{}", off(&made));
    let wanted = Quantize { diffuse: false, forced: vec![[0; 3], [255; 3]], ..adaptive(2, true) };
    assert!(off(&index(&picture, &wanted, Edges::Hard).unwrap()) > 50.0);
}

#[test]
fn what_is_clear_has_no_influence() {
    for edges in [Edges::Hard, Edges::Soft] {
        for wanted in [adaptive(16, true), adaptive(16, false)] {
            let one = index(&disk(48, [255, 0, 0]), &wanted, edges).unwrap();
            let other = index(&disk(48, [0, 0, 255]), &wanted, edges).unwrap();
            assert_eq!(one, other);
            // Nor are there clear pixels the entry of which hides a colour.
            assert_eq!(one.palette.last(), Some(&[0; 4]));
        }
    }
}

#[test]
fn soft_edges_stay_soft_and_solid_stays_solid() {
    let picture = disk(96, [3; 3]);
    for diffuse in [false, true] {
        let made = index(&picture, &adaptive(256, diffuse), Edges::Soft).unwrap();
        let soft = made.palette.iter().filter(|color| (1..255).contains(&color[3])).count();
        assert!(soft > 16, "{soft}");
        let mut off = 0_u64;
        for (found, wanted) in colors_of(&made).into_iter().zip(pixels_of(&picture)) {
            match wanted[3] {
                0 => assert_eq!(found, [0; 4]),
                255 => assert_eq!(found[3], 255),
                opacity => off += u64::from(found[3].abs_diff(opacity)),
            }
        }
        let edge = pixels_of(&picture).iter().filter(|c| (1..255).contains(&c[3])).count() as u64;
        assert!(off < edge * 16, "{off} over {edge} pixels");
    }
    // Fixed palettes have nothing soft.
    let web = Quantize { palette: PaletteKind::Web, ..Quantize::default() };
    let made = index(&picture, &web, Edges::Soft).unwrap();
    assert_eq!((made.palette.len(), made.clear()), (217, Some(216)));
}

#[test]
fn more_colours_than_are_counted_apart_are_no_trouble() {
    let picture = many_colors(256);
    let made = index(&picture, &adaptive(256, false), Edges::Hard).unwrap();
    assert!(made.palette.len() > 250);
    let square = |a: Rgba, b: Rgba| (0..3).map(|n| f64::from(a[n].abs_diff(b[n])).powi(2)).sum();
    let errors = colors_of(&made).into_iter().zip(pixels_of(&picture));
    let errors: f64 = errors.map(|(a, b)| -> f64 { square(a, b) }).sum();
    let mean = errors / f64::from(256 * 256 * 3);
    assert!(mean < 24.0, "{mean}");
}

#[test]
fn points_and_colours_are_each_other() {
    for color in [[0, 0, 0, 255], [255, 255, 255, 255], [1, 200, 77, 255], [9, 8, 250, 128]] {
        assert_eq!(space::color(space::point(color)), color);
    }
    assert_eq!(space::color(space::point([0; 4])), [0; 4]);
    // The same change is seen less the less opaque a colour is.
    let apart = |a, b| space::distance(space::point(a), space::point(b));
    assert!(apart([0, 0, 0, 255], [0, 90, 0, 255]) > apart([0, 0, 0, 60], [0, 90, 0, 60]));
    assert!(apart([0, 0, 0, 0], [200, 90, 0, 0]) == 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_palette_keeps_its_promises(
        samples in prop::collection::vec(any::<u8>(), 4 * 40..4 * 400),
        colors in 2_u16..=256,
        forced in prop::collection::vec(any::<[u8; 3]>(), 0..6),
        diffuse in any::<bool>(),
        kind in prop::sample::select(vec![PaletteKind::Adaptive, PaletteKind::Web]),
        edges in prop::sample::select(vec![Edges::Hard, Edges::Soft]),
    ) {
        let samples = samples[..samples.len() / 40 * 40].to_vec();
        let picture = rgba(10, samples);
        let wanted = Quantize { palette: kind, diffuse, colors, forced };
        let made = index(&picture, &wanted, edges).unwrap();
        let entries = made.palette.iter().filter(|color| color[3] > 0).count();
        prop_assert!(entries <= usize::from(colors) && made.palette.len() <= 256);
        for [r, g, b] in wanted.forced.iter().take(usize::from(colors)) {
            prop_assert!(made.palette.contains(&[*r, *g, *b, 255]));
        }
        for (found, wanted) in colors_of(&made).iter().zip(pixels_of(&picture)) {
            prop_assert!(wanted[3] > 0 || found[3] == 0);
            prop_assert!(wanted[3] < 255 || found[3] == 255);
        }
        if !diffuse {
            for (found, color) in colors_of(&made).iter().zip(pixels_of(&picture)) {
                if color[3] < 255 || found[3] < 255 { continue; }
                let apart = |entry: &Rgba| {
                    space::distance(space::point(*entry), space::point(color))
                };
                let least = made.palette.iter().filter(|c| c[3] == 255).map(apart);
                prop_assert!(apart(found) <= least.fold(f32::INFINITY, f32::min));
            }
        }
        prop_assert_eq!(made, index(&picture, &wanted, edges).unwrap());
    }
}
