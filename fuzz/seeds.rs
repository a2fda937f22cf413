//! What inputs are made of: small pictures by our own writers or by hand, and lines of modifiers.

use std::io::Cursor;

use exportd::imaging::modifiers::{Presets, Rules, parse};
use exportd::imaging::plan::{Defaults, plan};
use exportd::imaging::{Inputs, Limits, PixelType, SourceInfo, Uprighting, convert, probe};

/// Lines as people and servers write them; together they name every command.
pub(crate) const MODIFIERS: [&str; 24] = [
    "wid=500&hei=400&fmt=jpeg&qlt=85,1&op_sharpen=0&resMode=bicub&op_usm=1,1,8,0&iccEmbed=0&printRes=72",
    "$p$&hei=20",
    "wid=$w$&$w=20&fmt=png-alpha&.comment",
    "scl=2&fit=crop,1&wid=30&hei=30&align=-1,0.5&bgc=255,128,0",
    "rgn=1,2,10,10&rect=0,0,20,20&wid=40",
    "layer=0&crop=1,1,20,10&size=10,0&rotate=33&extend=1,2,3,4&bgColor=0x80ff00ff&layer=comp&flip=lr",
    "cropN=0.1,0.1,0.5,0.5&extendN=.1,.1,.1,.1&flip=lrud&rotate=90",
    "op_blur=2&op_brightness=10&op_contrast=-20&op_hue=90&op_saturation=-100&op_invert=1&op_grow=2",
    "op_colorize=255,0,0,off,50&op_colorbalance=1,2,3&op_noise=10,gaussian,1&op_usmR=2,3,1,1",
    "op_growMask=3&op_growMaskR=-2&maskUse=invert&mask=other&opac=50&color=0,0,100,0k",
    "fmt=gif-alpha&quantize=adaptive,diffuse,16,000000,ffffff&wid=20",
    "fmt=png8-alpha&quantize=web,off,256",
    "fmt=tif,cmyk,lzw&icc=a,perceptual,1,1&xmpEmbed=1&pathEmbed=1",
    "fmt=webp-alpha,,lossless&dpr=on,1.5&wid=9",
    "fmt=avif-alpha,,lossy&qlt=50&wid=12",
    "fmt=jpeg2000,gray,lossless&hei=9",
    "fmt=pdf,rgb,zip&wid=30",
    "fmt=eps,gray&scl=3",
    "fmt=pjpeg&pscan=4&jpegSize=10&wid=30",
    "req=mask&wid=20",
    "req=tmb&wid=20&hei=20",
    "clipPath=M,0,0,L,10,0,10,10,C,1,2,3,4,5,6,Z&clipXPath=M2,2l3,3,0,3z&cropPathE=a,b&clipPathE=c",
    "scale=0.5&res=10&anchor=3,4&origin=1,1&hide=0&cache=on&id=1&bfc=on&network=off&locale=de",
    "src=is{a/b?wid=3&hei=4}&layer=1&text=%7b\\rtf1 x%7d&effect=-1&perspective=1,2,3,4,5,6,7,8,R3T9",
];

/// Files of an image catalogue.
pub(crate) const CATALOGUE_FILES: [&str; 7] =
    ["default.ini", "acme.ini", "default.dat", "acme.dat", "default.mac", "icc.dat", "fonts.dat"];

/// What is in them, a form feed between one and the next.
pub(crate) const CATALOGUE: &str = "RootPath = all\nDefaultExt = .tif\nCatalogFile = default.dat\n\
    MacroFile = default.mac\nIccProfileMapFile = icc.dat\nFontMapFile = fonts.dat\n\
    JpegQuality = 70\nResolution = 100\nThumbType = 2\nBkgColor = 255,0,0\nDefaultPix = 10,10\n\
    \x0cRootId = acme\nRootPath = acme-co\nCatalogFile = acme.dat\nMacroFile = \nFullMatch = 1\n\
    JpegQuality = 90,1\nResMode = sharp2\nMaxPix = 0,0\n\
    \x0cId\tPath\tModifier\nshoe\tshoe\tbgc=ff0000\nacme/odd\tplain\nonly\t/etc/passwd\n\
    \x0cId\tPath\tMaskPath\tModifier\tPostModifier\tResolution\tAssetType\n\
    bag\tbag\tbag-mask\t$web$\tqlt=1\t300\nset\t\t\t\t\t\tSPINSET\nt\t\t\tlayer=1&src=bag\n\
    \x0cName\tDefinition\nweb\twid=100\nbase\t$web$&hei=5\n\
    \x0cName\tProfilePath\nsRGB\tsrgb.icc\n\
    \x0cName\tFontPath\nA\ta.ttf\nA\tb.ttf\n";

/// Sources a plan can be made for.
pub(crate) fn infos() -> Vec<SourceInfo> {
    let limits = Limits::default();
    let info = |file: &[u8]| probe(Cursor::new(file), &limits, Uprighting::Apply).ok();
    let mut infos: Vec<SourceInfo> = info(&small_png()).into_iter().collect();
    let mut like = |pixel_type, bits, alpha, width, height| {
        if let Some(mut info) = infos.first().cloned() {
            (info.pixel_type, info.bits, info.alpha) = (pixel_type, bits, alpha);
            (info.size.width, info.size.height) = (width, height);
            infos.push(info);
        }
    };
    like(PixelType::Cmyk, 8, false, 1999, 3);
    like(PixelType::Gray, 16, true, 1, 1);
    like(PixelType::Rgb, 8, false, 1600, 1200);
    infos
}

/// Files of each format, by its name: what our own writers make, and what stands here by hand.
pub(crate) fn pictures() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let written = |texts: &[&str]| texts.iter().filter_map(|text| written(text)).collect();
    let mut found: Vec<(&'static str, Vec<Vec<u8>>)> = vec![
        ("bmp", vec![bmp(24), bmp(8), bmp(4), bmp(1), bmp_runs()]),
        ("gif", written(&["fmt=gif", "fmt=gif-alpha"])),
        (
            "jpeg",
            written(&[
                "fmt=jpeg",
                "fmt=jpeg,gray",
                "fmt=jpeg,cmyk",
                "fmt=pjpeg&qlt=90,1",
                "fmt=jpeg&printRes=300",
            ]),
        ),
        (
            "png",
            written(&["fmt=png", "fmt=png-alpha", "fmt=png,gray", "fmt=png8", "fmt=png8-alpha"]),
        ),
        (
            "tiff",
            written(&[
                "fmt=tif",
                "fmt=tif,,lzw",
                "fmt=tif,gray,zip",
                "fmt=tif,cmyk",
                "fmt=tif,,jpeg",
                "fmt=tif-alpha,,lzw",
            ]),
        ),
        ("webp", written(&["fmt=webp", "fmt=webp-alpha", "fmt=webp-alpha,,lossless"])),
        ("avif", written(&["fmt=avif", "fmt=avif-alpha", "fmt=avif,,lossless"])),
        ("jpeg2000", written(&["fmt=jpeg2000", "fmt=jpeg2000-alpha,,lossless"])),
        (
            "pdf",
            written(&["fmt=pdf", "fmt=pdf,,jpeg", "fmt=pdf,cmyk,zip"])
                .into_iter()
                .chain([pdf()])
                .collect(),
        ),
        ("eps", written(&["fmt=eps", "fmt=eps,gray"]).into_iter().chain([eps()]).collect()),
        ("psd", vec![psd(0), psd(1)]),
        ("svg", vec![SVG.into(), SVG_DEEP.into()]),
    ];
    // A format that this build neither writes nor knows by hand has no target.
    found.retain(|(_, files): &(&str, Vec<Vec<u8>>)| !files.is_empty());
    found
}

/// Makes a file of the small picture with one of our own writers, where there is one.
fn written(text: &str) -> Option<Vec<u8>> {
    let source = small_png();
    let limits = Limits::default();
    let info = probe(Cursor::new(&source), &limits, Uprighting::Apply).ok()?;
    let parsed = parse(text, &Presets::default(), Rules::default());
    if parsed.error().is_some() || !parsed.modifiers.unsupported().is_empty() {
        return None;
    }
    let plan = plan(&parsed.modifiers, &info, &Defaults::default()).ok()?.plan;
    let mut file = None;
    convert(Inputs::of(&source), &[plan], &limits, Uprighting::Apply, &mut |_, made| {
        file = made.ok();
    })
    .ok()?;
    file
}

/// 24 × 17 pixels with alpha; big enough for blocks and tiles to have neighbours.
pub(crate) fn small_png() -> Vec<u8> {
    const WIDTH: u32 = 24;
    const HEIGHT: u32 = 17;
    let mut rows = Vec::new();
    for y in 0..HEIGHT {
        rows.push(0);
        for x in 0..WIDTH {
            let value = |n: u32| n.to_le_bytes()[0];
            rows.extend([value(x * 10), value(y * 15), value(x * y), value(255 - x * 6)]);
        }
    }
    let mut data = vec![0x78, 0x01, 0x01];
    let length = u16::try_from(rows.len()).unwrap_or(0);
    data.extend(length.to_le_bytes());
    data.extend((!length).to_le_bytes());
    data.extend(&rows);
    data.extend(adler(&rows).to_be_bytes());
    let mut header = Vec::new();
    header.extend(WIDTH.to_be_bytes());
    header.extend(HEIGHT.to_be_bytes());
    header.extend([8, 6, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, body) in [(b"IHDR", header), (b"IDAT", data), (b"IEND", Vec::new())] {
        file.extend(u32::try_from(body.len()).unwrap_or(0).to_be_bytes());
        let start = file.len();
        file.extend(kind);
        file.extend(&body);
        let sum = crc32fast::hash(&file[start..]);
        file.extend(sum.to_be_bytes());
    }
    file
}

/// The check sum at the end of zlib data (RFC 1950).
fn adler(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

/// A bitmap of 8 × 4 pixels.
fn bmp(bits: u16) -> Vec<u8> {
    let row = 8 * usize::from(bits) / 8;
    let pixels: Vec<u8> = (0..row.next_multiple_of(4) * 4).map(|k| k.to_le_bytes()[0]).collect();
    let colors = if bits > 8 { 0 } else { 1_u32 << bits };
    bmp_of(bits, 0, colors, &pixels)
}

/// A bitmap of 8 × 4 pixels in runs: repeated, as they are, and steps.
fn bmp_runs() -> Vec<u8> {
    let runs = [8, 1, 0, 0, 4, 2, 0, 3, 7, 8, 9, 0, 0, 0, 0, 2, 1, 1, 3, 5, 0, 1];
    bmp_of(8, 1, 256, &runs)
}

fn bmp_of(bits: u16, compression: u32, colors: u32, pixels: &[u8]) -> Vec<u8> {
    let palette: Vec<u8> = (0..colors * 4).map(|k| k.to_le_bytes()[0]).collect();
    let start = 54 + palette.len();
    let number = |n: usize| u32::try_from(n).unwrap_or(0).to_le_bytes();
    let mut file = b"BM".to_vec();
    for word in
        [number(start + pixels.len()), number(0), number(start), number(40), number(8), number(4)]
    {
        file.extend(word);
    }
    file.extend(1_u16.to_le_bytes());
    file.extend(bits.to_le_bytes());
    for word in [compression, u32::try_from(pixels.len()).unwrap_or(0), 2835, 2835, colors, 0] {
        file.extend(word.to_le_bytes());
    }
    file.extend(palette);
    file.extend(pixels);
    file
}

/// A Photoshop document of 4 × 2 RGB pixels without layers; compression 0 is none, 1 is runs.
fn psd(compression: u8) -> Vec<u8> {
    let mut file = b"8BPS\0\x01\0\0\0\0\0\0\0\x03\0\0\0\x02\0\0\0\x04\0\x08\0\x03".to_vec();
    // No palette; a resolution; no layers.
    file.extend([0; 4]);
    let resolution = b"8BIM\x03\xed\0\0\0\0\0\x10\0\x48\0\0\0\x01\0\x01\0\x48\0\0\0\x01\0\x01";
    file.extend(u32::try_from(resolution.len()).unwrap_or(0).to_be_bytes());
    file.extend(resolution);
    file.extend([0; 4]);
    file.extend([0, compression]);
    if compression == 1 {
        file.extend([0, 2].repeat(6));
        file.extend([0xfd, 0x55].repeat(6));
    } else {
        file.extend(0..24_u8);
    }
    file
}

/// A page of a document with a drawing on it.
fn pdf() -> Vec<u8> {
    let content = "0.1 0.4 0.8 rg 2 2 12 8 re f 0 0 m 10 10 20 5 18 9 c S";
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 20 16] /Contents 4 0 R >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
    ];
    let mut file = String::from("%PDF-1.4\n");
    let mut places = String::new();
    for (number, object) in objects.iter().enumerate() {
        places += &format!("{:010} 00000 n \n", file.len());
        file += &format!("{} 0 obj\n{object}\nendobj\n", number + 1);
    }
    let start = file.len();
    file += &format!("xref\n0 5\n0000000000 65535 f \n{places}trailer << /Size 5 /Root 1 0 R >>\n");
    file += &format!("startxref\n{start}\n%%EOF\n");
    file.into_bytes()
}

/// A picture as Photoshop wraps it into EPS.
fn eps() -> Vec<u8> {
    let mut file = b"%!PS-Adobe-3.0 EPSF-3.0\r%%BoundingBox: 0 0 4 2\r%%EndComments\r\
        %ImageData: 4 2 8 3 0 1 1 \"beginimage\"\r%%BeginBinary: 35\rbeginimage\r"
        .to_vec();
    file.extend(0..24_u8);
    file.extend(b"\r%%EndBinary\rshowpage\r%%EOF\r");
    file
}

const SVG: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" width="24" height="16" viewBox="0 0 12 8">
<defs><linearGradient id="g"><stop stop-color="#06c"/><stop offset="1" stop-color="red"/></linearGradient></defs>
<rect x="1" y="1" width="9" height="6" rx="1" fill="url(#g)" stroke="#000" stroke-width=".5"/>
<path d="M1 1L5 6Q9 9 11 2C1 2 3 4 5 6A2 2 0 1 1 8 8Z" fill-opacity=".5" transform="rotate(30)"/></svg>"##;

const SVG_DEEP: &str = r##"<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY c "#f00">]>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="16" height="16">
<filter id="f"><feGaussianBlur stdDeviation="2"/></filter><clipPath id="k"><circle r="7"/></clipPath>
<pattern id="p" width="4" height="4" patternUnits="userSpaceOnUse"><circle r="2"/></pattern>
<g id="a" filter="url(#f)" clip-path="url(#k)"><rect width="9" height="9" fill="&c;"/></g>
<use xlink:href="#a" x="3" opacity=".5"/><mask id="m"><use href="#a"/></mask><rect mask="url(#m)" width="8" height="8" fill="url(#p)"/></svg>"##;
