use std::io::{Cursor, Write as _};

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use super::examine::{LARGEST, MAX_DEPTH, is_beyond};
use super::far::is_far;
use super::*;

const NAMESPACES: &str =
    r#"xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink""#;

/// A drawing of 40 × 20 with this in it.
fn drawing(inside: &str) -> String {
    format!(r#"<svg {NAMESPACES} width="40" height="20">{inside}</svg>"#)
}

fn read(bytes: &[u8]) -> Result<(Header, Raster), ConvertError> {
    let limits = Limits { max_pixels: 1 << 22, ..Limits::default() };
    let header = super::super::header(Cursor::new(bytes), &limits)?;
    assert_eq!(header.format, SourceFormat::Svg);
    let picture = super::super::decode(bytes, &header, Shrink::Full, &limits)?;
    Ok((header, picture))
}

fn pixel(picture: &Raster, x: u32, y: u32) -> [u8; 4] {
    let Samples::Eight(samples) = picture.samples() else { panic!("16 bits") };
    let at = (y * picture.size().width + x) as usize * 4;
    samples[at..at + 4].try_into().unwrap()
}

fn refused(bytes: &str) -> String {
    match read(bytes.as_bytes()) {
        Err(ConvertError::Unsupported { detail }) => detail.into(),
        other => panic!("{bytes}: {other:?}"),
    }
}

fn damage(bytes: &str) -> String {
    match read(bytes.as_bytes()) {
        Err(ConvertError::Damaged { detail }) => detail.into(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_drawing_is_rgba_at_96_dots_per_inch() {
    let half = r##"<rect width="20" height="20" fill="#f00" fill-opacity="0.5"/>
        <rect x="20" width="10" height="20" fill="#00f"/>"##;
    let (header, picture) = read(drawing(half).as_bytes()).unwrap();
    assert_eq!((header.size, header.alpha, header.dpi), (Size::new(40, 20), true, Some(96.0)));
    assert_eq!(pixel(&picture, 5, 5), [255, 0, 0, 128]);
    assert_eq!(pixel(&picture, 25, 5), [0, 0, 255, 255]);
    assert_eq!(pixel(&picture, 35, 5)[3], 0);
}

#[test]
fn natural_sizes_follow_width_height_and_view_box() {
    for (attributes, width, height) in [
        (r#"width="1in" height="2.54cm""#, 96, 96),
        (r#"width="30.4" height="0.2""#, 30, 1),
        (r#"viewBox="0 0 300 100""#, 300, 100),
        (r#"viewBox="0 0 300 100" width="150""#, 150, 50),
        (r#"viewBox="10 10 30 10" width="100%" height="50%""#, 30, 5),
    ] {
        let text = format!(
            r##"<svg {NAMESPACES} {attributes}><rect width="999" height="999" fill="#0f0"/></svg>"##
        );
        let (header, picture) = read(text.as_bytes()).unwrap();
        assert_eq!(header.size, Size::new(width, height), "{attributes}");
        assert_eq!(picture.size(), header.size);
        assert_eq!(pixel(&picture, width / 2, height / 2), [0, 255, 0, 255], "{attributes}");
    }
}

#[test]
fn drawings_are_known_whatever_comes_first() {
    let svg = drawing("");
    let long = "x".repeat(3000);
    for before in [
        "",
        "\u{feff}",
        "  \n",
        "<?xml version='1.0' encoding='utf-8'?>\n",
        "<!-- made by hand -->",
        "<?xml version='1.0'?><!-- a > b --><!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd'>",
        &format!("<?xml version='1.0'?><!--{long}-->"),
    ] {
        read(format!("{before}{svg}").as_bytes()).unwrap();
    }
    assert!(begins(b"<s:svg xmlns:s='http://www.w3.org/2000/svg'>"));
    for other in
        ["<svga>", "<html><svg></svg></html>", "<!DOCTYPE html><svg>", "<!-- <svg> ", "text"]
    {
        assert!(!begins(other.as_bytes()), "{other}");
    }
}

#[test]
fn a_packed_drawing_is_unpacked_and_other_archives_are_named() {
    let packed = |text: &[u8]| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(text).unwrap();
        gzip.finish().unwrap()
    };
    let (_, plain) = read(drawing("<rect width='9' height='9'/>").as_bytes()).unwrap();
    let (_, unpacked) = read(&packed(drawing("<rect width='9' height='9'/>").as_bytes())).unwrap();
    assert_eq!(plain, unpacked);
    assert!(
        matches!(read(&packed(b"a letter")), Err(ConvertError::Unknown { found }) if found == "a gzip archive")
    );
    let mut cut = packed(drawing(&"<g/>".repeat(5000)).as_bytes());
    cut.truncate(cut.len() - 12);
    assert!(matches!(read(&cut), Err(ConvertError::Damaged { .. })));
    let bomb = packed(format!("<svg {NAMESPACES}>{}", " ".repeat(65 << 20)).as_bytes());
    assert!(
        matches!(read(&bomb), Err(ConvertError::Unsupported { detail }) if detail.contains("64 MiB"))
    );
}

#[test]
fn what_would_be_missing_is_refused() {
    assert!(refused(&drawing("<text y='10'>Hello</text>")).contains("with text"));
    assert!(
        refused(&drawing(
            "<defs><g id='a'><text><tspan>x</tspan></text></g></defs><use href='#a'/>"
        ))
        .contains("text")
    );
    assert!(refused(&drawing("<foreignObject><p>x</p></foreignObject>")).contains("HTML"));
    assert!(
        refused(&drawing("<image href='photo.jpg' width='9' height='9'/>")).contains("photo.jpg")
    );
    assert!(
        refused(&drawing("<image xlink:href='http://example.com/a.png'/>")).contains("example.com")
    );
    assert!(refused(&drawing("<use href='/etc/passwd#x'/>")).contains("passwd"));
    for harmless in [
        "<text> </text>",
        "<text display='none'>x</text>",
        "<g style='fill:red; display: none'><text>x</text></g>",
        "<switch><foreignObject requiredExtensions='x'><p>x</p></foreignObject><rect width='1' height='1'/></switch>",
        "<title>A title</title><desc>text</desc>",
    ] {
        read(drawing(harmless).as_bytes()).unwrap();
    }
}

/// A picture as a data URI.
fn data_uri(kind: &str, bytes: &[u8]) -> String {
    let escaped: String = bytes.iter().map(|b| format!("%{b:02x}")).collect();
    format!("data:{kind},{escaped}")
}

#[test]
fn pictures_inside_are_drawn_or_the_drawing_fails() {
    let red = Samples::Eight([255, 0, 0].repeat(64));
    let red = Raster::new(Size::new(8, 8), PixelType::Rgb, Alpha::None, red).unwrap();
    let png = super::super::png::encode(&red, None, None).unwrap();
    let image = |href: &str| drawing(&format!("<image href='{href}' width='20' height='20'/>"));
    // What it says it is does not matter.
    for kind in ["image/png", "image/jpeg"] {
        let (_, picture) = read(image(&data_uri(kind, &png)).as_bytes()).unwrap();
        assert_eq!(pixel(&picture, 10, 10), [255, 0, 0, 255]);
    }
    let nested = drawing("<rect width='40' height='20' fill='lime'/>");
    let (_, picture) =
        read(image(&data_uri("image/svg+xml", nested.as_bytes())).as_bytes()).unwrap();
    assert_eq!(pixel(&picture, 10, 10), [0, 255, 0, 255]);
    let cut = image(&data_uri("image/png", &png[..png.len() - 20]));
    assert!(matches!(read(cut.as_bytes()), Err(ConvertError::Damaged { .. })));
    let text = drawing("<text y='9'>x</text>");
    assert!(refused(&image(&data_uri("image/svg+xml", text.as_bytes()))).contains("with text"));
    let mut deep = drawing("");
    for _ in 0..5 {
        deep = image(&data_uri("image/svg+xml", deep.as_bytes()));
    }
    assert!(refused(&deep).contains("within drawings"));
}

#[test]
fn small_drawings_that_ask_for_a_lot_are_refused() {
    let huge = format!("<svg {NAMESPACES} width='3000000000' height='3000000000'/>");
    assert!(matches!(read(huge.as_bytes()), Err(ConvertError::TooLarge { .. })));
    let mut laughs = String::from("<!DOCTYPE svg [<!ENTITY a0 '<g/>'>");
    for n in 1..10 {
        laughs.push_str(&format!("<!ENTITY a{n} '{}'>", format!("&a{};", n - 1).repeat(10)));
    }
    let laughs = format!("{laughs}]>{}", drawing("&a9;"));
    damage(&laughs);
    let deep = drawing(&format!("{}{}", "<g>".repeat(100_000), "</g>".repeat(100_000)));
    assert!(refused(&deep).contains("nested"));
    let many = drawing(&"<g/>".repeat(600_000));
    damage(&many);
    let outside = "<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>".to_owned();
    damage(&(outside + &drawing("<desc>&x;</desc>")));
}

#[test]
fn uses_that_multiply_or_go_round_end() {
    let mut doubling = String::from("<defs><g id='u0'><rect width='1' height='1'/></g>");
    for n in 1..30 {
        let before = n - 1;
        doubling.push_str(&format!(
            "<g id='u{n}'><use href='#u{before}'/><use href='#u{before}'/></g>"
        ));
    }
    let doubling = drawing(&(doubling + "</defs><use href='#u29'/>"));
    let error = read(doubling.as_bytes()).unwrap_err();
    assert!(
        matches!(error, ConvertError::Damaged { .. } | ConvertError::Unsupported { .. }),
        "{error}"
    );
    for round in [
        "<use id='a' href='#a'/>",
        "<g id='a'><use href='#b'/></g><g id='b'><use href='#a'/></g>",
        "<pattern id='p' width='9' height='9'><rect width='9' height='9' fill='url(#p)'/></pattern><rect width='9' height='9' fill='url(#p)'/>",
        "<mask id='m'><g mask='url(#m)'/></mask><rect width='9' height='9' mask='url(#m)'/>",
    ] {
        let _ = read(drawing(round).as_bytes());
    }
}

#[test]
fn what_lies_too_far_out_is_refused_before_it_is_drawn() {
    let nines = "9".repeat(41);
    for far in [
        format!("<path d='M1 1A2 2 0 1 1 {nines} 8Z' transform='rotate(30)'/>"),
        "<path d='M1 1a2 2 0 1 1-3e37,8'/>".to_owned(),
        format!("<circle r='{nines}'/>"),
        "<ellipse rx='1e99in' ry='3'/>".to_owned(),
        "<rect width='1e300' height='1e300' rx='1e299'/>".to_owned(),
        "<svg viewBox='0 0 1e38 1e38'><circle r='1e2%'/></svg>".to_owned(),
        "<rect width='9' height='9' transform='scale(1e9)'/>".to_owned(),
        "<path d='M0 0H9' stroke='red' stroke-width='1e8'/>".to_owned(),
        "<rect width='9' height='2e6'/>".to_owned(),
        "<rect x='-2e6' width='9' height='9'/>".to_owned(),
        "<rect y='-2e6' width='9' height='9'/>".to_owned(),
    ] {
        assert!(refused(&drawing(&far)).contains("too far beyond"), "{far}");
    }
    let growing = "<g style='font-size: 1e30em'><circle r='1em'/></g>";
    assert!(refused(&drawing(growing)).contains("font sizes"));
    let within = "<svg width='1e9%' height='1e9%'>".repeat(9);
    let within = format!("{within}<circle r='50%'/>{}", "</svg>".repeat(9));
    assert!(refused(&drawing(&within)).contains("too far beyond"));
    for fine in [
        // Flags without spaces look like one long number.
        "<path d='M1 1a2 2 0 11123456 8'/>",
        "<rect x='-500000' y='-500000' width='999999' height='999999'/>",
        "<g transform='scale(1e-6)'><path d='M0 0H4e7V2e7H0z'/></g>",
        "<g font-size='12'><circle r='1em'/></g>",
        "<svg width='100%' height='50%'><rect width='150%' height='9'/></svg>",
        "<g id='99999999999' data-x='1e99'/>",
        "<filter id='f'><feGaussianBlur stdDeviation='9000'/></filter>
         <rect width='9' height='9' filter='url(#f)'/>",
        "<rect width='9' height='9' fill='#123456' stroke='#7e99' stroke-miterlimit='1e20'/>",
    ] {
        read(drawing(fine).as_bytes()).unwrap();
    }
}

/// What is small by itself.
const LARGE: &str = "<rect width='90000' height='90000'/>";

#[test]
fn what_is_enlarged_where_it_is_used_is_refused() {
    let user =
        |name: &str| format!("<g transform='scale(1e5)'><rect width='1' height='1' {name}/></g>");
    let one = "<rect width='1' height='1'/>";
    let drawn = format!("<g transform='scale(99999)'>{LARGE}</g>");
    let tile = "width='9' height='9' patternUnits='userSpaceOnUse'";
    for (def, name) in [
        (format!("<clipPath id='a'>{LARGE}</clipPath>"), "clip-path='url(#a)'"),
        (format!("<mask id='a'>{LARGE}</mask>"), "mask='url(#a)'"),
        (
            format!(
                "<clipPath id='b'>{LARGE}</clipPath>
                <clipPath id='a' clip-path='url(#b)'>{one}</clipPath>"
            ),
            "clip-path='url(#a)'",
        ),
        (
            format!("<mask id='b'>{LARGE}</mask><mask id='a' mask='url(#b)'>{one}</mask>"),
            "mask='url(#a)'",
        ),
        (
            "<clipPath id='a' transform='scale(99999)'><rect width='9' height='9'/></clipPath>"
                .to_owned(),
            "transform='scale(0.001)' clip-path='url(#a)'",
        ),
        (format!("<pattern id='a' {tile}>{drawn}</pattern>"), "fill='url(#a)'"),
    ] {
        assert!(
            refused(&drawing(&format!("{def}{}", user(name)))).contains("too far beyond"),
            "{name}"
        );
    }
}

#[test]
fn filters_that_reach_too_far_are_refused() {
    for (primitive, scale) in [
        ("<feGaussianBlur stdDeviation='2999999999'/>", "1"),
        ("<feGaussianBlur stdDeviation='3 2e6'/>", "1"),
        ("<feGaussianBlur stdDeviation='3'/>", "9e5"),
        ("<feDropShadow dx='-9e9'/>", "1"),
        ("<feDropShadow stdDeviation='9e9'/>", "1"),
        ("<feOffset dy='-2e6'/>", "1"),
        ("<feOffset dx='2e6'/>", "1"),
        ("<feDropShadow dy='9e9'/>", "1"),
        ("<feMorphology radius='2e6'/>", "1"),
        ("<feMorphology radius='3 2e6'/>", "1"),
        ("<feMorphology radius='2e6 3'/>", "1"),
        ("<feDisplacementMap scale='2e6' in2='SourceGraphic'/>", "1"),
    ] {
        let filter = format!(
            "<filter id='f'>{primitive}</filter><g filter='url(#f)' transform='scale({scale})'>
            <rect width='1' height='1'/></g>"
        );
        assert!(refused(&drawing(&filter)).contains("too far beyond"), "{filter}");
    }
}

#[test]
fn pictures_in_drawings_are_looked_at_as_they_are_enlarged() {
    let drawn = format!("<g transform='scale(99999)'>{LARGE}</g>");
    let tile = "width='9' height='9' patternUnits='userSpaceOnUse'";
    // Pictures, and pictures of filters; what is in them may be what is enlarged.
    let uri = |inside: &str| data_uri("image/svg+xml", drawing(inside).as_bytes());
    let painted = |what: &str| {
        format!(
            "<pattern id='p' {tile}>{what}</pattern><rect fill='url(#p)' width='9' height='9'/>"
        )
    };
    let (huge, large) = (painted(&drawn), painted(LARGE));
    for (inside, scale) in [
        ("<rect width='9e6' height='9'/>", 1),
        (LARGE, 999),
        (huge.as_str(), 1),
        (large.as_str(), 999),
    ] {
        let inner = uri(inside);
        let image = format!(
            "<g transform='scale({scale})'><image href='{inner}' width='40' height='20'/></g>"
        );
        assert!(refused(&drawing(&image)).contains("too far beyond"), "{image}");
        let filter = format!(
            "<filter id='f'><feImage href='{inner}'/></filter>
            <g transform='scale({scale})'><rect width='9' height='9' filter='url(#f)'/></g>"
        );
        assert!(refused(&drawing(&filter)).contains("too far beyond"), "{filter}");
    }
}

#[test]
fn what_is_no_number_is_far() {
    let unit = usvg::Rect::from_xywh(0.0, 0.0, 1.0, 1.0).unwrap();
    assert!(!is_far(unit, Transform::default()));
    assert!(is_far(unit, Transform::from_translate(f32::NAN, 0.0)));
    assert!(is_far(unit, Transform::from_translate(0.0, f32::NAN)));
}

#[test]
fn masks_that_multiply_are_refused() {
    // In units of their own the reader would make each of them anew.
    let whole = "maskUnits='userSpaceOnUse' width='40' height='20'";
    let rect = "<rect width='9' height='9'";
    let mut doubling = format!("<mask id='m0' {whole}>{rect}/></mask>");
    for n in 1..24 {
        let part = format!("{rect} mask='url(#m{})'/>", n - 1);
        doubling.push_str(&format!("<mask id='m{n}' {whole}>{part}{part}</mask>"));
    }
    doubling.push_str(&format!("{rect} mask='url(#m23)'/>"));
    assert!(refused(&drawing(&doubling)).contains("too many times"));
}

#[test]
fn turbulence_without_end_is_refused() {
    let turbulence = |octaves: &str| {
        drawing(&format!(
            "<filter id='f'><feTurbulence baseFrequency='.1' numOctaves='{octaves}'/></filter>
            <rect width='9' height='9' filter='url(#f)'/>"
        ))
    };
    read(turbulence("8").as_bytes()).unwrap();
    assert!(refused(&turbulence("4e9")).contains("octaves"));
}

#[test]
fn filters_with_numbers_beyond_the_reader_s_are_refused() {
    let filter = |part: &str| {
        drawing(&format!(
            "<filter id='f'>{part}</filter><rect width='9' height='9' filter='url(#f)'/>"
        ))
    };
    for part in [
        "<feTurbulence baseFrequency='1e309'/>",
        "<feTurbulence baseFrequency='.1 1e39'/>",
        "<feColorMatrix type='saturate' values='1e39'/>",
        "<feMorphology radius='1e39'/>",
        "<feComponentTransfer><feFuncR type='linear' slope='-1e39'/></feComponentTransfer>",
    ] {
        assert!(refused(&filter(part)).contains("too far beyond"), "{part}");
    }
    let named = "<feFlood id='a1e99' flood-color='#1e9999' result='1e999'/>
        <feOffset in='1e999' dx='1'/>";
    read(filter(named).as_bytes()).unwrap();
}

#[test]
fn numbers_are_found_among_letters() {
    assert!(is_beyond("M1-2e10", LARGEST));
    assert!(is_beyond("1.5.5 99999999999em", LARGEST));
    assert!(!is_beyond("M1e2.5e-99em9ex1e+3.-0.1234567891011121314", LARGEST));
}

#[test]
fn huge_filters_are_cut_to_the_drawing() {
    let filter = "<filter id='f' x='-99999' y='-99999' width='999999' height='999999'>
        <feGaussianBlur stdDeviation='3'/></filter>
        <rect width='10' height='10' fill='red' filter='url(#f)'/>";
    let (_, picture) = read(drawing(filter).as_bytes()).unwrap();
    assert!(pixel(&picture, 5, 5)[3] > 100);
}

/// Runs with the stack the only thread of a worker has.
fn on_a_worker_s_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(8 << 20).spawn(work).unwrap().join().unwrap();
}

#[test]
fn the_deepest_nesting_that_is_read_fits_the_stack() {
    on_a_worker_s_stack(|| {
        let levels = usize::from(MAX_DEPTH) - 2;
        let open = "<g opacity='0.99' transform='translate(0.01)'>".repeat(levels);
        let rect = "<rect width='9' height='9'/>";
        let deep = drawing(&format!("{open}{rect}{}", "</g>".repeat(levels)));
        read(deep.as_bytes()).unwrap();
        // A chain of uses is deeper than what is written.
        let mut chain = String::from("<g id='c0'><rect width='9' height='9'/></g>");
        for n in 1..1500 {
            chain.push_str(&format!("<g id='c{n}'><use href='#c{}'/></g>", n - 1));
        }
        let _ = read(drawing(&chain).as_bytes());
        let short = chain.split_inclusive("</g>").take(300).collect::<String>();
        let _ = read(drawing(&format!("<defs>{short}</defs><use href='#c299'/>")).as_bytes());
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn no_damage_ever_panics(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = drawing(
            "<defs><linearGradient id='g'><stop offset='0.1' stop-color='red'/><stop offset='1'/>
            </linearGradient><clipPath id='c'><circle cx='9' cy='9' r='9'/></clipPath></defs>
            <path d='M 1 2 L 30 4 C 1 2 3 4 5 6 A 3 4 5 0 1 9 9 z' fill='url(#g)' stroke='#123' stroke-width='2' stroke-dasharray='3 1'/>
            <g clip-path='url(#c)' opacity='0.5' transform='rotate(20 3 4)'><use xlink:href='#g' x='3'/></g>",
        ).into_bytes();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let limits = Limits { max_pixels: 1 << 16, ..Limits::default() };
        if let Ok(header) = super::super::header(Cursor::new(&bytes), &limits) {
            let _ = super::super::decode(&bytes, &header, Shrink::Full, &limits);
        }
    }
}
