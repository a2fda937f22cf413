//! Which pixel gets which colour.

use super::space::{CELLS, Nearest, Point, cell, clamped, point};
use super::{Pixels, byte};

/// The entries of a palette, to be searched.
pub(super) struct Table {
    /// Those of opaque pixels, numbered from 0.
    pub(super) solid: Nearest,
    /// Those of soft pixels, numbered from there on.
    pub(super) soft: Nearest,
}

impl Table {
    /// Returns the number of the clear entry.
    fn clear(&self) -> usize {
        self.solid.points().len() + self.soft.points().len()
    }

    /// Gives every pixel the colour next to its own.
    pub(super) fn nearest(&self, pixels: Pixels) -> Vec<u8> {
        let mut search = Search::of(self);
        let mut last = ([0; 4], self.clear());
        let each = pixels.iter().map(|color| {
            if color != last.0 {
                let found = match color[3] {
                    0 => self.clear(),
                    opacity => search.find(point(color), opacity).0,
                };
                last = (color, found);
            }
            byte(last.1)
        });
        each.collect()
    }

    /// Hands what a pixel misses on to its neighbours (R. Floyd, L. Steinberg, *An Adaptive
    /// Algorithm for Spatial Greyscale*, 1976), every other row from right to left.
    pub(super) fn diffuse(&self, pixels: Pixels, width: usize) -> Vec<u8> {
        let mut search = Search::of(self);
        let mut indexes = vec![byte(self.clear()); pixels.count()];
        // What is owed to the pixels of this row and the next, one of margin on both sides.
        let mut now: Vec<Point> = vec![[0.0; 4]; width + 2];
        let mut next = now.clone();
        for (y, row) in indexes.chunks_exact_mut(width).enumerate() {
            next.fill([0.0; 4]);
            let backwards = y % 2 == 1;
            for step in 0..width {
                let x = if backwards { width - 1 - step } else { step };
                let color = pixels.at(y * width + x);
                if color[3] == 0 {
                    continue;
                }
                let wanted = clamped(sum(point(color), now[x + 1], 1.0));
                let (number, found) = search.find(wanted, color[3]);
                row[x] = byte(number);
                let error = sum(wanted, found, -1.0);
                let (ahead, behind) = if backwards { (x, x + 2) } else { (x + 2, x) };
                now[ahead] = sum(now[ahead], error, 7.0 / 16.0);
                next[behind] = sum(next[behind], error, 3.0 / 16.0);
                next[x + 1] = sum(next[x + 1], error, 5.0 / 16.0);
                next[ahead] = sum(next[ahead], error, 1.0 / 16.0);
            }
            std::mem::swap(&mut now, &mut next);
        }
        indexes
    }
}

/// Looks for pixel after pixel, beginning with what was found for the last one of similar colour.
struct Search<'a> {
    table: &'a Table,
    /// For solid and soft pixels, by cell.
    guesses: [Vec<u8>; 2],
}

impl<'a> Search<'a> {
    fn of(table: &'a Table) -> Self {
        Self { table, guesses: [vec![0; CELLS], vec![0; CELLS]] }
    }

    /// Returns the number and the place of the entry next to a pixel that is not clear.
    fn find(&mut self, wanted: Point, opacity: u8) -> (usize, Point) {
        let soft = opacity < 255;
        let entries = if soft { &self.table.soft } else { &self.table.solid };
        let guess = &mut self.guesses[usize::from(soft)][cell(wanted)];
        let number = entries.find(wanted, usize::from(*guess));
        *guess = byte(number);
        let before = if soft { self.table.solid.points().len() } else { 0 };
        (before + number, entries.points()[number])
    }
}

fn sum(a: Point, b: Point, times: f32) -> Point {
    std::array::from_fn(|n| a[n] + b[n] * times)
}
