//! Colour profiles made byte by byte (ICC.1:2001-04), so that no test needs anybody's file.

/// The white of the connection space, as a profile writes it.
const D50: [u32; 3] = [0x0000_f6d6, 0x0001_0000, 0x0000_d32d];

/// Exchanges red and green of an RGB profile that has a matrix.
pub(crate) fn swapped(mut rgb: Vec<u8>) -> Vec<u8> {
    // The tag table starts at 128 with a count; entries are 12 bytes.
    let count = usize::from(rgb[131]);
    for entry in rgb[132..].chunks_exact_mut(12).take(count) {
        match &entry[..4] {
            b"rXYZ" => entry[..4].copy_from_slice(b"gXYZ"),
            b"gXYZ" => entry[..4].copy_from_slice(b"rXYZ"),
            _ => {}
        }
    }
    rgb
}

/// Makes a CMYK profile of a simple press. Its intents can be told apart by the black they print
/// for black, and the paper is a tenth darker than white: only the absolute intent shows that.
pub(crate) fn cmyk() -> Vec<u8> {
    let paper = D50.map(|part| part / 10 * 9);
    let tags = [
        (*b"wtpt", xyz(paper)),
        (*b"A2B0", to_lab()),
        (*b"B2A0", from_lab(0.8)),
        (*b"B2A1", from_lab(1.0)),
        (*b"B2A2", from_lab(0.9)),
    ];
    profile(*b"prtr", *b"CMYK", &tags)
}

fn profile(class: [u8; 4], space: [u8; 4], tags: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![0; 128];
    bytes[8] = 2;
    bytes[12..16].copy_from_slice(&class);
    bytes[16..20].copy_from_slice(&space);
    bytes[20..24].copy_from_slice(b"Lab ");
    bytes[36..40].copy_from_slice(b"acsp");
    for (at, part) in D50.iter().enumerate() {
        bytes[68 + 4 * at..][..4].copy_from_slice(&part.to_be_bytes());
    }
    bytes.extend(u32_of(tags.len()));
    let mut at = bytes.len() + 12 * tags.len();
    for (name, data) in tags {
        bytes.extend(name);
        bytes.extend(u32_of(at));
        bytes.extend(u32_of(data.len()));
        at += data.len();
    }
    bytes.extend(tags.iter().flat_map(|(_, data)| data));
    let length = u32_of(bytes.len());
    bytes[..4].copy_from_slice(&length);
    bytes
}

fn u32_of(n: usize) -> [u8; 4] {
    u32::try_from(n).unwrap_or_default().to_be_bytes()
}

fn xyz(parts: [u32; 3]) -> Vec<u8> {
    let mut bytes = b"XYZ \0\0\0\0".to_vec();
    bytes.extend(parts.iter().flat_map(|part| part.to_be_bytes()));
    bytes
}

/// Makes an 8-bit table whose curves do nothing; its length is a multiple of 4.
fn table(inputs: u8, outputs: u8, points: u8, nodes: &[u8]) -> Vec<u8> {
    let mut bytes = b"mft1\0\0\0\0".to_vec();
    bytes.extend([inputs, outputs, points, 0]);
    for at in 0..9_u32 {
        bytes.extend((u32::from(at % 4 == 0) << 16).to_be_bytes());
    }
    let line = || 0..=255_u8;
    bytes.extend((0..inputs).flat_map(|_| line()));
    bytes.extend(nodes);
    bytes.extend((0..outputs).flat_map(|_| line()));
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn byte(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

/// Inks to L*a*b*, from the sixteen corners.
fn to_lab() -> Vec<u8> {
    let corners = (0..16_u8).map(|n| [8, 4, 2, 1].map(|bit| f64::from(u8::from(n & bit != 0))));
    let nodes: Vec<u8> = corners
        .flat_map(|[c, m, y, k]| {
            let light = (1.0 - 0.45 * c) * (1.0 - 0.5 * m) * (1.0 - 0.1 * y) * (1.0 - k);
            let (a, b) = ((70.0 * m - 40.0 * c) * light, (80.0 * y - 45.0 * c) * light);
            [byte(255.0 * light), byte(128.0 + a), byte(128.0 + b)]
        })
        .collect();
    table(4, 3, 2, &nodes)
}

/// L*a*b* to inks; `black` is what black is printed with.
fn from_lab(black: f64) -> Vec<u8> {
    let steps = || [0.0, 127.5, 255.0];
    let mut nodes = Vec::new();
    for light in steps() {
        for a in steps().map(|v| v - 127.5) {
            for b in steps().map(|v| v - 127.5) {
                let inks = [-a - b / 2.0, a, b];
                nodes.extend(inks.map(|ink| byte(ink * light / 127.5)));
                nodes.push(byte((255.0 - light) * black));
            }
        }
    }
    table(3, 4, 3, &nodes)
}
