//! From RGB to Y'CbCr of ITU-R BT.601 with the chroma halved, in whole macroblocks.

use super::kernels::Kernels;

/// A picture in whole macroblocks; what is beyond its edges repeats them.
#[derive(Debug)]
pub(super) struct Planes {
    /// Macroblocks across.
    pub(super) wide: usize,
    /// Macroblocks down.
    pub(super) tall: usize,
    pub(super) luma: Vec<u8>,
    pub(super) blue: Vec<u8>,
    pub(super) red: Vec<u8>,
}

impl Planes {
    /// Converts RGB.
    pub(super) fn new<K: Kernels>(kernels: K, rgb: &[u8], width: usize, height: usize) -> Self {
        let (wide, tall) = (width.div_ceil(16), height.div_ceil(16));
        let mut planes = Self {
            wide,
            tall,
            luma: vec![0; wide * tall * 256],
            blue: vec![0; wide * tall * 64],
            red: vec![0; wide * tall * 64],
        };
        let (stride, half) = (wide * 16, wide * 8);
        for y in 0..tall * 8 {
            let above = &rgb[(2 * y).min(height - 1) * width * 3..][..width * 3];
            let below = &rgb[(2 * y + 1).min(height - 1) * width * 3..][..width * 3];
            if 2 * y >= height && y > 0 {
                let at = 2 * y * stride;
                planes.luma.copy_within(at - stride..at, at);
                planes.luma.copy_within(at - stride..at, at + stride);
                planes.blue.copy_within((y - 1) * half..y * half, y * half);
                planes.red.copy_within((y - 1) * half..y * half, y * half);
                continue;
            }
            luma(kernels, above, &mut planes.luma[2 * y * stride..][..stride]);
            luma(kernels, below, &mut planes.luma[(2 * y + 1) * stride..][..stride]);
            let blue = &mut planes.blue[y * half..][..half];
            chroma(kernels, [above, below], blue, &mut planes.red[y * half..][..half]);
        }
        planes
    }
}

/// Computes the luma of a row, and repeats the last sample.
fn luma<K: Kernels>(kernels: K, row: &[u8], out: &mut [u8]) {
    let (inside, beyond) = out.split_at_mut(row.len() / 3);
    kernels.luma(row, inside);
    beyond.fill(inside.last().copied().unwrap_or(0));
}

/// Computes the chroma of two rows, and repeats the last samples.
fn chroma<K: Kernels>(kernels: K, rows: [&[u8]; 2], blue: &mut [u8], red: &mut [u8]) {
    let half = (rows[0].len() / 3).div_ceil(2);
    let ((blue, blue_beyond), (red, red_beyond)) =
        (blue.split_at_mut(half), red.split_at_mut(half));
    kernels.chroma(rows, blue, red);
    blue_beyond.fill(blue.last().copied().unwrap_or(0));
    red_beyond.fill(red.last().copied().unwrap_or(0));
}

#[cfg(test)]
mod tests {
    use super::super::plain::Plain;
    use super::Planes;

    #[test]
    fn colours_are_those_of_bt_601() {
        for (rgb, yuv) in [
            ([0, 0, 0], [16, 128, 128]),
            ([255, 255, 255], [235, 128, 128]),
            ([255, 0, 0], [82, 90, 240]),
            ([0, 255, 0], [145, 54, 34]),
            ([0, 0, 255], [41, 240, 110]),
        ] {
            let planes = Planes::new(Plain, &rgb.repeat(4), 2, 2);
            assert_eq!([planes.luma[0], planes.blue[0], planes.red[0]], yuv, "{rgb:?}");
        }
    }

    #[test]
    fn edges_are_repeated() {
        let rgb: Vec<u8> = (0..3 * 3 * 3).map(|i| i * 9).collect();
        let planes = Planes::new(Plain, &rgb, 3, 3);
        assert_eq!((planes.wide, planes.tall), (1, 1));
        let rows: Vec<&[u8]> = planes.luma.chunks(16).collect();
        for row in &rows[..3] {
            assert!(row[0] < row[1] && row[1] < row[2]);
            assert!(row[3..].iter().all(|sample| *sample == row[2]));
        }
        assert!(rows[3..].iter().all(|row| row == &rows[2]));
        for plane in [&planes.blue, &planes.red] {
            let rows: Vec<&[u8]> = plane.chunks(8).collect();
            assert!(rows.iter().all(|row| row[2..].iter().all(|sample| *sample == row[1])));
            assert!(rows[2..].iter().all(|row| row == &rows[1]));
        }
    }
}
