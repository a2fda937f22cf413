//! The first partition: what holds for the whole picture, and the modes (RFC 6386, 9 and 19).

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "counts and steps are small"
)]

use super::blocks::BLOCK_PATHS;
use super::coder::Coder;
use super::macroblock::IN_BLOCKS;
use super::segments::Analysis;
use super::tables::{BLOCK_MODE, TOKEN_DEFAULT, TOKEN_UPDATE};
use super::tokens::Tokens;

/// Bytes that the first partition may have.
pub(super) const LONGEST: usize = (1 << 19) - 1;

/// What the header says of a macroblock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub(super) empty: bool,
    pub(super) mode: u8,
    pub(super) chroma_mode: u8,
    pub(super) block_modes: [u8; 16],
}

/// Writes the first partition: what holds for all, then the modes.
#[inline(always)]
pub(super) fn header(
    analysis: &Analysis,
    choices: &[Choice],
    wide: usize,
    tokens: &Tokens,
) -> Vec<u8> {
    let mut coder = Coder::new(choices.len() * 8 + 1024);
    coder.put_bits(0, 2);
    let segmented = analysis.segments.len() > 1;
    coder.put_even(u32::from(segmented));
    let map = segmented.then(|| segment_probabilities(&analysis.map));
    if let Some(map) = map {
        put_segments(&mut coder, analysis, map);
    }
    let first = &analysis.segments[0];
    let filter = analysis.segments.iter().map(|segment| segment.filter).max().unwrap_or(0);
    // The normal filter, its level and sharpness; no adjustments.
    coder.put_even(0);
    coder.put_bits(u32::from(filter), 6);
    coder.put_bits(0, 3);
    coder.put_even(0);
    // One partition of tokens.
    coder.put_bits(0, 2);
    coder.put_bits(first.index as u32, 7);
    for difference in [0, 0, 0, analysis.chroma_steps.0, analysis.chroma_steps.1] {
        coder.put_signed(difference, 4);
    }
    coder.put_even(0);
    put_probabilities(&mut coder, tokens);
    let empty = choices.iter().filter(|choice| choice.empty).count();
    let skipped = 255 - (255 * empty / choices.len()).min(254) as u8;
    coder.put_even(1);
    coder.put_bits(u32::from(skipped), 8);
    put_modes(&mut coder, analysis, choices, (wide, map, skipped));
    coder.finish()
}

fn segment_probabilities(map: &[u8]) -> [u8; 3] {
    let mut counts = [0_usize; 4];
    map.iter().for_each(|&segment| counts[usize::from(segment)] += 1);
    let share = |a: usize, b: usize| {
        (255 * a + (a + b) / 2).checked_div(a + b).map_or(255, |share| share.max(1) as u8)
    };
    [
        share(counts[0] + counts[1], counts[2] + counts[3]),
        share(counts[0], counts[1]),
        share(counts[2], counts[3]),
    ]
}

/// Says how the segments differ (9.3): all is absolute, and there is a map.
fn put_segments(coder: &mut Coder, analysis: &Analysis, map: [u8; 3]) {
    coder.put_bits(0b111, 3);
    let padded = |i: usize| &analysis.segments[i.min(analysis.segments.len() - 1)];
    for i in 0..4 {
        coder.put_signed(padded(i).index as i32, 7);
    }
    for i in 0..4 {
        coder.put_signed(i32::from(padded(i).filter), 6);
    }
    for p in map {
        coder.put_even(u32::from(p != 255));
        if p != 255 {
            coder.put_bits(u32::from(p), 8);
        }
    }
}

fn put_probabilities(coder: &mut Coder, tokens: &Tokens) {
    let flat = |table| -> &[u8] { table };
    let new = flat(tokens.probabilities.as_flattened().as_flattened().as_flattened());
    let old = flat(TOKEN_DEFAULT.as_flattened().as_flattened().as_flattened());
    let update = flat(TOKEN_UPDATE.as_flattened().as_flattened().as_flattened());
    for ((&new, &old), &update) in new.iter().zip(old).zip(update) {
        coder.put(u32::from(new != old), update);
        if new != old {
            coder.put_bits(u32::from(new), 8);
        }
    }
}

/// Writes the modes of the macroblocks (11.2, 11.3).
#[inline(always)]
fn put_modes(
    coder: &mut Coder,
    analysis: &Analysis,
    choices: &[Choice],
    (wide, map, skipped): (usize, Option<[u8; 3]>, u8),
) {
    let mut above = vec![[0_u8; 4]; wide];
    for (row, segments) in choices.chunks(wide).zip(analysis.map.chunks(wide)) {
        let mut left = [0_u8; 4];
        for ((choice, &segment), above) in row.iter().zip(segments).zip(&mut above) {
            if let Some(map) = map {
                let segment = u32::from(segment);
                coder.put(segment >> 1, map[0]);
                coder.put(segment & 1, map[1 + (segment >> 1) as usize]);
            }
            coder.put(u32::from(choice.empty), skipped);
            put_luma_mode(coder, choice, above, &mut left);
            let path: &[(u8, u8)] = match choice.chroma_mode {
                0 => &[(142, 0)],
                1 => &[(142, 1), (114, 0)],
                2 => &[(142, 1), (114, 1), (183, 0)],
                _ => &[(142, 1), (114, 1), (183, 1)],
            };
            path.iter().for_each(|&(p, bit)| coder.put(u32::from(bit), p));
        }
    }
}

#[inline(always)]
fn put_luma_mode(coder: &mut Coder, choice: &Choice, above: &mut [u8; 4], left: &mut [u8; 4]) {
    let path: &[(u8, u8)] = match choice.mode {
        0 => &[(145, 1), (156, 0), (163, 0)],
        1 => &[(145, 1), (156, 0), (163, 1)],
        2 => &[(145, 1), (156, 1), (128, 0)],
        3 => &[(145, 1), (156, 1), (128, 1)],
        _ => &[(145, 0)],
    };
    path.iter().for_each(|&(p, bit)| coder.put(u32::from(bit), p));
    for (block, &mode) in choice.block_modes.iter().enumerate() {
        let (x, y) = (block % 4, block / 4);
        if choice.mode == IN_BLOCKS {
            let probabilities = &BLOCK_MODE[usize::from(above[x])][usize::from(left[y])];
            for &(branch, bit) in BLOCK_PATHS[usize::from(mode)] {
                coder.put(u32::from(bit), probabilities[usize::from(branch)]);
            }
        }
        (above[x], left[y]) = (mode, mode);
    }
}

/// Puts the parts together in a RIFF file (RFC 9649).
pub(super) fn assemble(
    (width, height): (usize, usize),
    first: &[u8],
    tokens: &[u8],
) -> Option<Vec<u8>> {
    let size = u32::try_from(first.len()).ok().filter(|_| first.len() <= LONGEST)?;
    // A key frame of version 0 that is shown.
    let tag = size << 5 | 1 << 4;
    let mut frame = Vec::with_capacity(first.len() + tokens.len() + 30);
    frame.extend(&tag.to_le_bytes()[..3]);
    frame.extend([0x9d, 0x01, 0x2a]);
    frame.extend(u16::try_from(width).ok()?.to_le_bytes());
    frame.extend(u16::try_from(height).ok()?.to_le_bytes());
    frame.extend(first);
    frame.extend(tokens);
    let length = u32::try_from(frame.len()).ok()?;
    frame.resize(frame.len().next_multiple_of(2), 0);
    let whole = u32::try_from(frame.len()).ok()?.checked_add(12)?;
    Some(
        [b"RIFF".as_slice(), &whole.to_le_bytes(), b"WEBPVP8 ", &length.to_le_bytes(), &frame]
            .concat(),
    )
}
