//! Profiles for colours that are told by numbers (ISO/IEC 23091-2), where they are not sRGB's.

use super::description::Cicp;
use crate::diag::phrase;
use crate::imaging::ConvertError;
use crate::imaging::formats::unsupported;

const DISPLAY_P3: u16 = 12;
const BT_2020: u16 = 9;
const LINEAR: u16 = 8;
const PQ: u16 = 16;
const HLG: u16 = 18;

/// Red, green, blue of one device as X, Y, Z under D50.
type Primaries = [[f64; 3]; 3];

const P3: Primaries = [
    [0.515_12, 0.241_20, -0.001_05],
    [0.291_98, 0.692_25, 0.041_89],
    [0.157_10, 0.066_57, 0.784_07],
];
const WIDE: Primaries = [
    [0.673_48, 0.279_04, -0.001_93],
    [0.165_66, 0.675_34, 0.029_98],
    [0.125_05, 0.045_61, 0.796_86],
];

/// sRGB's curve (IEC 61966-2-1): exponent, slope, offset, slope and end of the straight part.
const SRGB: [f64; 5] = [2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.040_45];

/// The curve of cameras (BT.709, BT.2020).
const CAMERA: [f64; 5] = [1.0 / 0.45, 1.0 / 1.099, 0.099 / 1.099, 1.0 / 4.5, 0.081];

/// Returns the profile of a kind of colour; none is sRGB, or as good as it.
///
/// # Errors
/// For high dynamic range.
pub(super) fn of(cicp: Cicp) -> Result<Option<Vec<u8>>, ConvertError> {
    match (cicp.primaries, cicp.transfer) {
        (_, PQ | HLG | LINEAR) => Err(unsupported(phrase!(
            "source-avif-high-dynamic-range",
            "an AVIF of high dynamic range"
        ))),
        (DISPLAY_P3, _) => Ok(Some(build("Display P3", &P3, SRGB))),
        (BT_2020, _) => Ok(Some(build("BT.2020", &WIDE, CAMERA))),
        (_, _) => Ok(None),
    }
}

/// Makes a profile of three primaries and one curve (ICC.1:2022, 8.3.3).
fn build(name: &str, primaries: &Primaries, curve: [f64; 5]) -> Vec<u8> {
    let text = |kind: &[u8; 4]| {
        let mut tag = [b"mluc\0\0\0\0\0\0\0\x01\0\0\0\x0cenUS".as_slice()].concat();
        let words = if kind == b"desc" { name } else { "No rights are claimed" };
        let letters: Vec<u8> = words.encode_utf16().flat_map(u16::to_be_bytes).collect();
        tag.extend(u32::try_from(letters.len()).unwrap_or_default().to_be_bytes());
        tag.extend(28_u32.to_be_bytes());
        tag.extend(letters);
        tag
    };
    let numbers = |kind: &[u8], values: &[f64]| {
        let fixed = values.iter().flat_map(|&value| fixed(value).to_be_bytes());
        kind.iter().copied().chain(fixed).collect::<Vec<u8>>()
    };
    let xyz = |values: &[f64]| numbers(b"XYZ \0\0\0\0", values);
    let tone = numbers(b"para\0\0\0\0\0\x03\0\0", &curve);
    let tags: [(&[u8; 4], Vec<u8>); 9] = [
        (b"desc", text(b"desc")),
        (b"cprt", text(b"cprt")),
        (b"wtpt", xyz(&[0.9642, 1.0, 0.8249])),
        (b"rXYZ", xyz(&primaries[0])),
        (b"gXYZ", xyz(&primaries[1])),
        (b"bXYZ", xyz(&primaries[2])),
        (b"rTRC", tone.clone()),
        (b"gTRC", tone.clone()),
        (b"bTRC", tone),
    ];
    let mut table = 9_u32.to_be_bytes().to_vec();
    let mut data = Vec::new();
    for (signature, mut tag) in tags {
        let start = 128 + 4 + 9 * 12 + data.len();
        table.extend(signature);
        for number in [start, tag.len()] {
            table.extend(u32::try_from(number).unwrap_or_default().to_be_bytes());
        }
        tag.resize(tag.len().next_multiple_of(4), 0);
        data.extend(tag);
    }
    let size = u32::try_from(128 + table.len() + data.len()).unwrap_or_default();
    let mut header = size.to_be_bytes().to_vec();
    header.extend(b"\0\0\0\0\x04\x30\0\0mntrRGB XYZ ");
    // The day of the standard, as in every profile of replies.
    header.extend([1999_u16, 10, 18, 0, 0, 0].iter().flat_map(|part| part.to_be_bytes()));
    header.extend(b"acsp");
    header.resize(68, 0);
    header.extend([0.9642, 1.0, 0.8249].iter().flat_map(|&value| fixed(value).to_be_bytes()));
    header.resize(128, 0);
    [header, table, data].concat()
}

/// Returns a number in units of 1/65536.
#[expect(clippy::cast_possible_truncation, reason = "the numbers above are small")]
fn fixed(value: f64) -> i32 {
    (value * 65_536.0).round() as i32
}
