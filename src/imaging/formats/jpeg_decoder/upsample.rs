//! Rows of subsampled components as wide as the picture (ITU T.81, A.1.1; not in the standard).
//!
//! Twice as many samples come from weighting the nearer of two by three quarters, in each
//! direction, and are rounded up and down in turns. All other factors repeat samples.

use super::error::{Error, UNEVEN};
#[cfg(target_arch = "x86_64")]
use super::machine::Vectors;
use super::machine::vectors;

/// How a component grows to the size of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Upsampling {
    /// It has that size.
    None,
    /// Twice as wide, weighted.
    Across,
    /// Twice as high, weighted.
    Down,
    /// Twice as wide and high, weighted.
    Both,
    /// Every sample comes so many times across and down.
    Repeated(usize, usize),
}

impl Upsampling {
    /// Chooses as libjpeg does from the samples that a group has and those it has to have.
    pub(super) fn choose(
        (across, down): (usize, usize),
        (most_across, most_down): (usize, usize),
        weighted: bool,
        wide: bool,
    ) -> Result<Self, Error> {
        let twice_across = across * 2 == most_across;
        let twice_down = down * 2 == most_down;
        if across == most_across && down == most_down {
            Ok(Self::None)
        } else if twice_across && down == most_down && weighted && wide {
            Ok(Self::Across)
        } else if across == most_across && twice_down && weighted {
            Ok(Self::Down)
        } else if twice_across && twice_down && weighted && wide {
            Ok(Self::Both)
        } else if most_across.is_multiple_of(across) && most_down.is_multiple_of(down) {
            Ok(Self::Repeated(most_across / across, most_down / down))
        } else {
            Err(Error::Unsupported(UNEVEN))
        }
    }

    /// Tells whether a row needs the rows above and below.
    pub(super) const fn needs_neighbours(self) -> bool {
        matches!(self, Self::Down | Self::Both)
    }

    /// Tells which rows of the component a row of the picture comes from: the nearer one and, for
    /// those that need it, the other one before the ends are seen to.
    pub(super) const fn rows(self, row: usize) -> (usize, usize) {
        match self {
            Self::None | Self::Across => (row, row),
            Self::Down | Self::Both => {
                let near = row / 2;
                (near, if row.is_multiple_of(2) { near.saturating_sub(1) } else { near + 1 })
            }
            Self::Repeated(_, down) => (row / down, row / down),
        }
    }

    /// Makes one row of the picture, the first of two or the second.
    pub(super) fn grow(self, near: &[u8], far: &[u8], first: bool, row: &mut Row) {
        match self {
            Self::None => row.samples[..near.len()].copy_from_slice(near),
            Self::Across | Self::Down | Self::Both => self.weigh((near, far), first, row),
            Self::Repeated(times, _) => {
                for (to, from) in row.samples.chunks_mut(times).zip(near) {
                    to.fill(*from);
                }
            }
        }
    }
}

impl Upsampling {
    fn weigh(self, (near, far): (&[u8], &[u8]), first: bool, row: &mut Row) {
        match vectors() {
            #[cfg(target_arch = "x86_64")]
            Some(Vectors::Whole(avx2)) => wide(avx2, self, (near, far), first, row),
            _ => weighed(self, (near, far), first, row),
        }
    }
}

#[cfg(target_arch = "x86_64")]
fearless_simd::kernel!(
    /// The same, made for vectors of 256 bits.
    fn wide(avx2: Avx2, upsampling: Upsampling, rows: (&[u8], &[u8]), first: bool, row: &mut Row) {
        weighed(upsampling, rows, first, row)
    }
);

#[inline(always)]
fn weighed(upsampling: Upsampling, (near, far): (&[u8], &[u8]), first: bool, row: &mut Row) {
    match upsampling {
        Upsampling::Across => across(near, &mut row.samples),
        Upsampling::Down => down(near, far, if first { 1 } else { 2 }, &mut row.samples),
        _ => both(near, far, row),
    }
}

/// A row to write to.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) samples: Vec<u8>,
    sums: Vec<u16>,
}

impl Row {
    /// Makes one for pictures of a width.
    pub(super) fn new(width: usize) -> Self {
        // Room for what a last sample grows to.
        Self { samples: vec![0; width + 8], sums: vec![0; width / 2 + 8] }
    }
}

#[inline(always)]
fn across(near: &[u8], out: &mut [u8]) {
    let [first, .., last] = *near else { return };
    let wide = u16::from;
    let pairs = out.as_chunks_mut::<2>().0;
    for (pair, window) in pairs.iter_mut().skip(1).zip(near.windows(3)) {
        let [before, this, behind] = [wide(window[0]), wide(window[1]) * 3, wide(window[2])];
        *pair = ((this + before + 1) >> 2 | (this + behind + 2) >> 2 << 8).to_le_bytes();
    }
    let mixed = |a: u8, b: u8, bias: u16| ((wide(a) * 3 + wide(b) + bias) >> 2).to_le_bytes()[0];
    if let Some(pair) = pairs.first_mut() {
        *pair = [first, mixed(first, near[1], 2)];
    }
    if let Some(pair) = pairs.get_mut(near.len() - 1) {
        *pair = [mixed(last, near[near.len() - 2], 1), last];
    }
}

#[inline(always)]
fn down(near: &[u8], far: &[u8], bias: u16, out: &mut [u8]) {
    for ((to, near), far) in out.iter_mut().zip(near).zip(far) {
        *to = ((u16::from(*near) * 3 + u16::from(*far) + bias) >> 2).to_le_bytes()[0];
    }
}

#[inline(always)]
fn both(near: &[u8], far: &[u8], row: &mut Row) {
    let sums = &mut row.sums[..near.len()];
    for ((sum, near), far) in sums.iter_mut().zip(near).zip(far) {
        *sum = u16::from(*near) * 3 + u16::from(*far);
    }
    let [first, .., last] = *sums else { return };
    let pairs = row.samples.as_chunks_mut::<2>().0;
    for (pair, window) in pairs.iter_mut().skip(1).zip(sums.windows(3)) {
        let [before, this, behind] = [window[0], window[1] * 3, window[2]];
        *pair = ((this + before + 8) >> 4 | (this + behind + 7) >> 4 << 8).to_le_bytes();
    }
    let byte = |value: u16| value.to_le_bytes()[0];
    if let Some(pair) = pairs.first_mut() {
        *pair = [byte((first * 4 + 8) >> 4), byte((first * 3 + sums[1] + 7) >> 4)];
    }
    if let Some(pair) = pairs.get_mut(sums.len() - 1) {
        let before = sums[sums.len() - 2];
        *pair = [byte((last * 3 + before + 8) >> 4), byte((last * 4 + 7) >> 4)];
    }
}
