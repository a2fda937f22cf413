//! Which colours stand for a picture.
//!
//! The colours are counted, similar ones together where there are very many. The box around them
//! is split again and again where that lessens the error most (X. Wu, *Color Quantization by
//! Dynamic Programming and Principal Analysis*, 1992, in its greedy form), and the means of the
//! boxes are moved to where they are right (S. Lloyd, *Least Squares Quantization in PCM*, 1982),
//! forced colours staying where they are.

use std::collections::HashMap;

use super::space::{Nearest, Point, color, distance, point};
use super::{Rgba, byte};

/// Most different colours that are told apart.
const MOST_COUNTED: usize = 32_768;

/// Places of the hash table, as a power of two.
const PLACES: u32 = MOST_COUNTED.ilog2() + 2;

/// Most rounds in which colours are moved.
const ROUNDS: usize = 16;

/// How often which colour occurs.
///
/// As soon as there are too many, one more bit of each component is ignored; the mean of what is
/// counted together stays exact.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    /// Ignored bits of each component.
    coarse: u8,
    counted: Vec<Counted>,
    /// Number of the entry plus 1, by hash; as long as the table is or empty.
    table: Vec<u32>,
    /// Where the last colour was.
    last: Option<(u32, usize)>,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    key: u32,
    count: u64,
    sums: [u64; 4],
}

impl Histogram {
    /// Counts one pixel.
    pub(super) fn add(&mut self, color: Rgba) {
        let sums = color.map(u64::from);
        self.put(Counted { key: u32::from_ne_bytes(color), count: 1, sums });
    }

    fn put(&mut self, colors: Counted) {
        let mask = u8::MAX << self.coarse;
        let key = colors.key & u32::from_ne_bytes([mask; 4]);
        let at = match self.last {
            Some((last, at)) if last == key => at,
            _ => self.place_of(key),
        };
        self.last = Some((key, at));
        let counted = &mut self.counted[at];
        counted.count += colors.count;
        for (sum, more) in counted.sums.iter_mut().zip(colors.sums) {
            *sum += more;
        }
        if self.counted.len() > MOST_COUNTED {
            self.coarsen();
        }
    }

    /// Finds the entry of a key, or makes it.
    #[expect(clippy::cast_possible_truncation, reason = "far fewer than 2³² entries")]
    fn place_of(&mut self, key: u32) -> usize {
        self.table.resize(1 << PLACES, 0);
        // The byte order of a key may differ: the order of the table shows nowhere.
        let mut place = (key.wrapping_mul(0x9e37_79b1) >> (u32::BITS - PLACES)) as usize;
        loop {
            match self.table[place] {
                0 => {
                    self.counted.push(Counted { key, count: 0, sums: [0; 4] });
                    self.table[place] = self.counted.len() as u32;
                    return self.counted.len() - 1;
                }
                n if self.counted[n as usize - 1].key == key => return n as usize - 1,
                _ => place = (place + 1) % self.table.len(),
            }
        }
    }

    fn coarsen(&mut self) {
        let before = std::mem::take(self);
        self.coarse = before.coarse + 1;
        for colors in before.counted {
            self.put(colors);
        }
    }

    /// Returns the means of what was counted together, in order of appearance.
    fn weighted(&self) -> Vec<Weighted> {
        let mean = |counted: &Counted| Weighted {
            #[expect(clippy::cast_possible_truncation, reason = "a mean of bytes is a byte")]
            at: point(counted.sums.map(|sum| ((sum + counted.count / 2) / counted.count) as u8)),
            #[expect(clippy::cast_precision_loss, reason = "no picture has 2⁵³ pixels")]
            weight: counted.count as f64,
        };
        self.counted.iter().map(mean).collect()
    }
}

/// A colour and how many pixels have it.
#[derive(Debug, Clone, Copy)]
struct Weighted {
    at: Point,
    weight: f64,
}

/// Chooses solid and soft entries, `most` together; the forced ones come first among the solid.
pub(super) fn adaptive(
    [solid, soft]: [&Histogram; 2],
    forced: &[Rgba],
    most: usize,
) -> [Vec<Rgba>; 2] {
    let free = most - forced.len();
    let mut groups = [solid.weighted(), soft.weighted()];
    let counts = shares(&mut groups, free);
    let mut chosen = [forced.to_vec(), Vec::new()];
    for ((group, parts), entries) in groups.iter().zip(counts).zip(&mut chosen) {
        if group.is_empty() {
            continue;
        }
        let fixed = entries.len();
        let mut centres: Vec<Point> = entries.iter().map(|color| point(*color)).collect();
        centres.extend(parts);
        if centres.len() > fixed {
            refine(group, &mut centres, fixed);
        }
        for centre in &centres[fixed..] {
            let color = color(*centre);
            if !entries.contains(&color) {
                entries.push(color);
            }
        }
    }
    chosen
}

/// Chooses those of fixed colours that the picture uses most, in their order; forced ones first.
pub(super) fn most_used(
    solid: &Histogram,
    forced: &[Rgba],
    fixed: &[Rgba],
    most: usize,
) -> Vec<Rgba> {
    let others: Vec<Rgba> = fixed.iter().filter(|color| !forced.contains(color)).copied().collect();
    let all = [forced, others.as_slice()].concat();
    if all.len() <= most {
        return all;
    }
    let first: Vec<Point> = forced.iter().map(|color| point(*color)).collect();
    let second = Nearest::new(others.iter().map(|color| point(*color)).collect());
    let mut uses: HashMap<usize, f64> = HashMap::new();
    for colors in solid.weighted() {
        let number = second.find(colors.at, 0);
        let apart = distance(colors.at, second.points()[number]);
        let kept = first.iter().any(|point| distance(colors.at, *point) <= apart);
        if !kept {
            *uses.entry(forced.len() + number).or_default() += colors.weight;
        }
    }
    let used = |number: &usize| uses.get(number).copied().unwrap_or_default();
    let mut numbers: Vec<usize> = (forced.len()..all.len()).collect();
    numbers.sort_by(|a, b| used(b).total_cmp(&used(a)).then(a.cmp(b)));
    numbers.truncate(most - forced.len());
    numbers.sort_unstable();
    let kept = numbers.into_iter().map(|number| all[number]);
    forced.iter().copied().chain(kept).collect()
}

/// Splits both groups into boxes, `most` together, where it lessens the error most; returns the
/// means of the boxes. A group that is not empty has at least one if there are enough.
fn shares(groups: &mut [Vec<Weighted>; 2], most: usize) -> [Vec<Point>; 2] {
    let mut boxes: Vec<(usize, Cut)> = Vec::new();
    for (number, group) in groups.iter_mut().enumerate() {
        if !group.is_empty() && boxes.len() < most {
            boxes.push((number, Cut::new(group, 0)));
        }
    }
    while boxes.len() < most {
        let best = (0..boxes.len()).max_by(|a, b| {
            // The first of equals.
            boxes[*a].1.gain.total_cmp(&boxes[*b].1.gain).then(b.cmp(a))
        });
        let Some(best) = best.filter(|best| boxes[*best].1.gain > 0.0) else { break };
        let (number, cut) = &boxes[best];
        let (number, start, middle, end) = (*number, cut.start, cut.middle, cut.end);
        let group = &mut groups[number];
        boxes[best].1 = Cut::new(&mut group[start..middle], start);
        boxes.push((number, Cut::new(&mut group[middle..end], middle)));
    }
    let means = |wanted: usize| {
        let own = boxes.iter().filter(move |(number, _)| *number == wanted);
        own.map(|(_, cut)| cut.mean).collect()
    };
    [means(0), means(1)]
}

/// A box of colours and where it is best split.
struct Cut {
    start: usize,
    middle: usize,
    end: usize,
    mean: Point,
    /// What splitting it lessens the sum of squared errors by.
    gain: f64,
}

impl Cut {
    /// Sorts the colours along the axis on which they differ most and finds the best place.
    fn new(colors: &mut [Weighted], start: usize) -> Self {
        let end = start + colors.len();
        let whole = colors.iter().fold(Moments::default(), Moments::with);
        let axis = whole.widest(colors);
        colors.sort_by(|a, b| a.at[axis].total_cmp(&b.at[axis]));
        let mut left = Moments::default();
        let (mut gain, mut middle) = (0.0, end);
        for (n, color) in colors.iter().enumerate().skip(1) {
            left = left.with(&colors[n - 1]);
            if color.at[axis] <= colors[n - 1].at[axis] {
                continue;
            }
            let found = left.strength() + whole.without(&left).strength() - whole.strength();
            if found > gain {
                (gain, middle) = (found, start + n);
            }
        }
        Self { start, middle, end, mean: whole.mean(), gain }
    }
}

/// Weight and weighted sum of colours.
#[derive(Clone, Copy, Default)]
struct Moments {
    weight: f64,
    sum: [f64; 4],
}

impl Moments {
    fn with(self, color: &Weighted) -> Self {
        let sum = |n: usize| self.sum[n] + f64::from(color.at[n]) * color.weight;
        Self { weight: self.weight + color.weight, sum: std::array::from_fn(sum) }
    }

    fn without(self, other: &Self) -> Self {
        let sum = std::array::from_fn(|n| self.sum[n] - other.sum[n]);
        Self { weight: self.weight - other.weight, sum }
    }

    /// Returns the part of the sum of squares that one mean explains.
    fn strength(&self) -> f64 {
        self.sum.iter().map(|sum| sum * sum).sum::<f64>() / self.weight
    }

    #[expect(clippy::cast_possible_truncation, reason = "a mean of such numbers")]
    fn mean(&self) -> Point {
        self.sum.map(|sum| (sum / self.weight) as f32)
    }

    /// Returns the axis with the largest variance.
    fn widest(&self, colors: &[Weighted]) -> usize {
        let mean = self.mean();
        let mut squares = [0.0; 4];
        for color in colors {
            for (n, square) in squares.iter_mut().enumerate() {
                let off = f64::from(color.at[n] - mean[n]);
                *square += off * off * color.weight;
            }
        }
        (0..4).fold(0, |best, n| if squares[n] > squares[best] { n } else { best })
    }
}

/// Moves the centres behind the fixed ones to the means of the colours that are nearest to them.
fn refine(colors: &[Weighted], centres: &mut [Point], fixed: usize) {
    let mut numbers = vec![0; colors.len()];
    for _ in 0..ROUNDS {
        let search = Nearest::new(centres.to_vec());
        let mut sums = vec![Moments::default(); centres.len()];
        let mut changed = false;
        for (color, number) in colors.iter().zip(&mut numbers) {
            let found = search.find(color.at, usize::from(*number));
            changed |= byte(found) != *number;
            *number = byte(found);
            sums[found] = sums[found].with(color);
        }
        for (centre, sum) in centres.iter_mut().zip(&sums).skip(fixed) {
            if sum.weight > 0.0 {
                *centre = sum.mean();
            }
        }
        let unused = (fixed..centres.len()).filter(|n| sums[*n].weight <= 0.0);
        for (number, color) in unused.zip(worst(colors, &numbers, search.points())) {
            centres[number] = color;
            changed = true;
        }
        if !changed {
            return;
        }
    }
}

/// Returns the colours with the largest errors, the worst first.
fn worst(
    colors: &[Weighted],
    numbers: &[u8],
    centres: &[Point],
) -> impl Iterator<Item = Point> + use<> {
    let error = |(color, number): (&Weighted, &u8)| {
        let apart = distance(color.at, centres[usize::from(*number)]);
        (f64::from(apart) * color.weight, color.at)
    };
    let mut errors: Vec<(f64, Point)> = colors.iter().zip(numbers).map(error).collect();
    errors.retain(|(error, _)| *error > 0.0);
    errors.sort_by(|a, b| b.0.total_cmp(&a.0));
    errors.into_iter().map(|(_, at)| at)
}
