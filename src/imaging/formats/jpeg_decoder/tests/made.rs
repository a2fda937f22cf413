//! Pictures made here. The fuzz targets include this file, too.

#![allow(clippy::cast_possible_truncation, reason = "numbers that were chosen small")]
#![allow(clippy::cast_precision_loss, reason = "numbers that were chosen small")]

use mozjpeg::{ColorSpace, Compress};

/// Numbers that look random and are the same every time.
#[derive(Debug)]
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// Makes a picture that has smooth parts, edges and noise.
fn picture(numbers: &mut Numbers, width: usize, height: usize, samples: usize) -> Vec<u8> {
    let (a, b, c) = (numbers.below(7) + 1, numbers.below(9) + 1, numbers.below(64) as u64 + 1);
    let noisy = numbers.below(3);
    let mut pixels = Vec::with_capacity(width * height * samples);
    for y in 0..height {
        for x in 0..width {
            for sample in 0..samples {
                let smooth = (x * a * (sample + 1) + y * b) / 2;
                let edge = if (x / 11 + y / 13) % 3 == sample % 3 { 90 } else { 0 };
                let noise = if noisy > 0 && y % 5 < 2 * noisy { numbers.next() % c } else { 0 };
                pixels.push((smooth + edge + noise as usize) as u8);
            }
        }
    }
    pixels
}

/// Makes a file of a kind that the numbers choose.
pub(crate) fn file(numbers: &mut Numbers) -> Vec<u8> {
    loop {
        // The writer leaves this way when it does not like what was chosen.
        let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| attempt(numbers)));
        if let Ok(Ok(file)) = made {
            return file;
        }
    }
}

fn attempt(numbers: &mut Numbers) -> std::io::Result<Vec<u8>> {
    let (width, height) = (numbers.below(90) + 1, numbers.below(70) + 1);
    let (space, samples) = [
        (ColorSpace::JCS_GRAYSCALE, 1),
        (ColorSpace::JCS_RGB, 3),
        (ColorSpace::JCS_RGB, 3),
        (ColorSpace::JCS_RGB, 3),
        (ColorSpace::JCS_CMYK, 4),
    ][numbers.below(5)];
    let mut compress = Compress::new(space);
    compress.set_size(width, height);
    compress.set_fastest_defaults();
    match samples {
        3 if numbers.below(6) > 0 => compress.set_color_space(ColorSpace::JCS_YCbCr),
        4 if numbers.below(2) > 0 => compress.set_color_space(ColorSpace::JCS_YCCK),
        _ => {}
    }
    let sampling = [(1, 1), (2, 1), (1, 2), (2, 2), (2, 2), (4, 1), (4, 2), (1, 4)];
    // The writer does not take one component that is sampled more than once.
    let (across, down) =
        if samples == 1 { (1, 1) } else { sampling[numbers.below(sampling.len())] };
    for (place, component) in compress.components_mut().iter_mut().enumerate() {
        let full = place == 0 || (place == 3 && across * down <= 4);
        component.h_samp_factor = if full { across } else { 1 };
        component.v_samp_factor = if full { down } else { 1 };
    }
    compress.set_quality(numbers.below(100) as f32 + 1.0);
    compress.set_optimize_coding(numbers.below(2) == 0);
    if numbers.below(5) < 2 {
        compress.set_optimize_scans(false);
        compress.set_progressive_mode();
    }
    let pixels = picture(numbers, width, height, samples);
    let mut started = compress.start_compress(Vec::new())?;
    started.write_scanlines(&pixels)?;
    started.finish()
}
