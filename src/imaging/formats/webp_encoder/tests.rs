//! Two decoders restore what the encoder said, and vectors compute what one value after the other does.

#![expect(unsafe_code, reason = "libwebp is in C, and its safe face has no planes")]
#![expect(clippy::cast_possible_truncation, reason = "some bits of random numbers")]
#![expect(clippy::cast_sign_loss, reason = "sizes of pictures that fit in memory")]

use std::io::Cursor;

use super::frame::{Order, encode};
use super::header::LONGEST;
use super::kernels::{Block, Coded, Kernels, Matrix, Sides};
use super::macroblock::Macroblock;
use super::plain::Plain;
use super::planes::Planes;
use super::tokens::{Kind, Tokens};

/// Numbers without pattern, the same ones each time.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }

    fn below(&mut self, end: u32) -> u32 {
        self.next() % end
    }
}

#[derive(Clone, Copy, Debug)]
enum Subject {
    Noise,
    Extremes,
    Flat,
    Slopes,
    Shapes,
}

const SUBJECTS: [Subject; 5] =
    [Subject::Noise, Subject::Extremes, Subject::Flat, Subject::Slopes, Subject::Shapes];

fn picture(subject: Subject, width: usize, height: usize, noise: &mut Noise) -> Vec<u8> {
    let base = [noise.next(), noise.next(), noise.next()];
    let mut out = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            for (channel, base) in base.iter().enumerate() {
                let value = match subject {
                    Subject::Noise => noise.next() as usize,
                    Subject::Extremes => {
                        if noise.below(2) == 0 {
                            0
                        } else {
                            255
                        }
                    }
                    Subject::Flat => *base as usize,
                    Subject::Slopes => (*base as usize + x * (channel + 1) + y * 3) / 2,
                    Subject::Shapes => {
                        let inside = (x / 7 + y / 5) % 3 == channel || (x * x + y * y) % 900 < 300;
                        if inside { 230 - (x + y) % 40 } else { 20 + (x * y) % 9 }
                    }
                };
                out.push(value as u8);
            }
        }
    }
    out
}

/// Samples as they come out.
#[derive(Debug, Default, PartialEq, Eq)]
struct Restored {
    luma: Vec<u8>,
    chroma: [Vec<u8>; 2],
}

impl Restored {
    fn take(&mut self, (x, y): (usize, usize), wide: usize, done: &Macroblock) {
        let put = |plane: &mut [u8], blocks: &[Block], size: usize| {
            for (block, samples) in blocks.iter().enumerate() {
                for row in 0..4 {
                    let line = y * size + block / (size / 4) * 4 + row;
                    let at = line * wide * size + x * size + block % (size / 4) * 4;
                    plane[at..at + 4].copy_from_slice(&samples[row * 4..][..4]);
                }
            }
        };
        put(&mut self.luma, &done.samples, 16);
        put(&mut self.chroma[0], &done.chroma_samples[0], 8);
        put(&mut self.chroma[1], &done.chroma_samples[1], 8);
    }
}

/// Encodes so that decoders change nothing afterwards; the file and the samples it stands for.
fn encoded<K: Kernels>(
    kernels: K,
    rgb: &[u8],
    (width, height): (usize, usize),
    quality: u8,
    first: usize,
) -> (Vec<u8>, Restored) {
    let planes = &Planes::new(kernels, rgb, width, height);
    let order = Order { planes, width, height, quality, first, smoothing: false };
    let size = planes.wide * planes.tall * 64;
    let mut restored = Restored { luma: vec![0; size * 4], chroma: [vec![0; size], vec![0; size]] };
    let file = encode(kernels, &order, |place, done| restored.take(place, planes.wide, done));
    (file.unwrap(), restored)
}

fn check(rgb: &[u8], width: usize, height: usize, quality: u8) {
    let (file, restored) = encoded(Plain, rgb, (width, height), quality, LONGEST);
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = fearless_simd::Level::new().as_avx2() {
        let wide = encoded(avx2, rgb, (width, height), quality, LONGEST);
        assert!(wide.0 == file && wide.1 == restored);
    }
    decoded(&file, &restored, (width, height), quality);
}

fn decoded(file: &[u8], restored: &Restored, (width, height): (usize, usize), quality: u8) {
    let length = u32::from_le_bytes(file[16..20].try_into().unwrap()) as usize;
    let frame =
        image_webp::vp8::Vp8Decoder::decode_frame(Cursor::new(&file[20..20 + length])).unwrap();
    assert_eq!((usize::from(frame.width), usize::from(frame.height)), (width, height));
    let about = format!("{width} × {height}, quality {quality}");
    assert!(frame.ybuf == restored.luma, "luma of {about}");
    assert!(frame.ubuf == restored.chroma[0], "Cb of {about}");
    assert!(frame.vbuf == restored.chroma[1], "Cr of {about}");
    let theirs = libwebp_planes(file, width, height);
    let stride = width.next_multiple_of(16);
    for y in 0..height {
        assert!(
            theirs.0[y * width..][..width] == restored.luma[y * stride..][..width],
            "row {y} of {about}"
        );
    }
    let half = width.div_ceil(2);
    for y in 0..height.div_ceil(2) {
        for plane in 0..2 {
            assert!(
                theirs.1[plane][y * half..][..half]
                    == restored.chroma[plane][y * stride / 2..][..half],
                "chroma row {y} of {about}"
            );
        }
    }
}

/// What libwebp restores.
fn libwebp_planes(file: &[u8], width: usize, height: usize) -> (Vec<u8>, [Vec<u8>; 2]) {
    let (mut w, mut h, mut stride, mut half) = (0, 0, 0, 0);
    let (mut u, mut v) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: the lengths are the slice's own, and the planes are as large as libwebp says.
    unsafe {
        let y = libwebp_sys::WebPDecodeYUV(
            file.as_ptr(),
            file.len(),
            &mut w,
            &mut h,
            &mut u,
            &mut v,
            &mut stride,
            &mut half,
        );
        assert!(!y.is_null(), "{width} × {height}");
        assert_eq!((w as usize, h as usize), (width, height));
        let plane = |from: *const u8, stride: usize, width: usize, height: usize| {
            (0..height)
                .flat_map(|row| std::slice::from_raw_parts(from.add(row * stride), width).to_vec())
                .collect::<Vec<u8>>()
        };
        let (cw, ch) = (width.div_ceil(2), height.div_ceil(2));
        let out = (
            plane(y, stride as usize, width, height),
            [plane(u, half as usize, cw, ch), plane(v, half as usize, cw, ch)],
        );
        libwebp_sys::WebPFree(y.cast());
        out
    }
}

#[test]
fn decoders_restore_what_the_encoder_means() {
    let mut noise = Noise(1);
    let sizes = [
        (1, 1),
        (2, 1),
        (1, 2),
        (15, 16),
        (16, 16),
        (17, 33),
        (33, 17),
        (64, 48),
        (100, 70),
        (257, 40),
    ];
    for (width, height) in sizes {
        for subject in SUBJECTS {
            for quality in [0, 20, 60, 80, 95, 100] {
                let rgb = picture(subject, width, height, &mut noise);
                check(&rgb, width, height, quality);
            }
        }
    }
}

#[test]
fn the_longest_sides_are_taken() {
    let mut noise = Noise(2);
    for (width, height) in [(16_383, 3), (3, 16_383), (16_383, 20)] {
        check(&picture(Subject::Shapes, width, height, &mut noise), width, height, 80);
    }
}

#[test]
fn the_first_partition_keeps_its_length() {
    let mut noise = Noise(5);
    let (width, height) = (400, 300);
    let rgb = picture(Subject::Noise, width, height, &mut noise);
    let free = encoded(Plain, &rgb, (width, height), 90, LONGEST);
    for first in [3500, 2500, 1850] {
        let (file, restored) = encoded(Plain, &rgb, (width, height), 90, first);
        assert!(file != free.0);
        let tag = u32::from_le_bytes([file[20], file[21], file[22], 0]);
        assert!((tag >> 5) as usize <= first, "{} bytes of {first}", tag >> 5);
        decoded(&file, &restored, (width, height), 90);
    }
}

#[test]
fn random_pictures_are_restored() {
    let mut noise = Noise(3);
    let rounds = std::env::var("ROUNDS").map_or(60, |rounds| rounds.parse().unwrap());
    for _ in 0..rounds {
        let (width, height) = (1 + noise.below(90) as usize, 1 + noise.below(90) as usize);
        let subject = SUBJECTS[noise.below(5) as usize];
        let rgb = picture(subject, width, height, &mut noise);
        check(&rgb, width, height, noise.below(101) as u8);
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn vectors_compute_the_same() {
    let Some(avx2) = fearless_simd::Level::new().as_avx2() else { return };
    let mut noise = Noise(4);
    let tokens = Tokens::new(0);
    for round in 0..20_000 {
        let wide = round % 3 == 0;
        let mut sample =
            || if wide { [0, 255][noise.below(2) as usize] } else { noise.next() as u8 };
        let mut quad = || [0; 4].map(|_| [0; 16].map(|_| sample()));
        let (source, guess) = (quad(), quad());
        let lines = Plain.lines(&source);
        assert_eq!(avx2.lines(&source), lines);
        let sides =
            Sides { above: guess[0], left: guess[1], corner: guess[2][0], flat: guess[2][1] };
        let guess_lines = Plain.guess_part(&sides, round % 4);
        assert_eq!(avx2.guess_part(&sides, round % 4), guess_lines);
        let (mut a, mut b) = ([0; 4], [0; 4]);
        avx2.rank_parts(&lines, &sides, &mut a);
        Plain.rank_parts(&lines, &sides, &mut b);
        assert_eq!(a, b);
        assert_eq!(avx2.texture(&lines), Plain.texture(&lines));
        let frequencies = Plain.forward(&lines, &guess_lines);
        assert_eq!(avx2.forward(&lines, &guess_lines), frequencies);
        let (mut a, mut b) = ([[0; 16]; 12], [[0; 16]; 12]);
        let costs = [0; 16].map(|_| noise.below(4096) as u16);
        let lambda = noise.below(2000) as u16;
        let one = Plain.lines(&[source[0]; 4]);
        let theirs = avx2.guess(&guess[0], &one, (&costs, lambda), &mut a);
        assert_eq!(theirs, Plain.guess(&guess[0], &one, (&costs, lambda), &mut b));
        assert_eq!(a[..10], b[..10]);
        let matrix = matrix(&mut noise);
        let lowest = (round % 2 == 0).then(|| [0; 4].map(|_| noise.below(4000) as i16 - 2000));
        let (mut a, mut b) = (Coded::default(), Coded::default());
        avx2.finish((&frequencies, lowest), &matrix, (&lines, &guess_lines), &mut a);
        Plain.finish((&frequencies, lowest), &matrix, (&lines, &guess_lines), &mut b);
        assert_eq!(a, b);
        avx2.code(&lines, &guess, &matrix, &mut a);
        Plain.code(&lines, &guess, &matrix, &mut b);
        assert_eq!(a, b);
        let (mut a, mut b) = ([[0; 5]; 2], [[0; 5]; 2]);
        avx2.spread(&lines, &sides, &mut a);
        Plain.spread(&lines, &sides, &mut b);
        assert_eq!(a, b);
        let most = [2, 5, 80, 2000][noise.below(4) as usize];
        let count = noise.below(17) as usize;
        for kind in [Kind::LumaRest, Kind::Luma] {
            let mut levels = [0_i16; 16];
            levels[kind.first()..]
                .iter_mut()
                .take(count)
                .for_each(|level| *level = noise.below(2 * most) as i16 - most as i16);
            for context in 0..3 {
                let costs = &tokens.costs[kind as usize];
                assert_eq!(
                    avx2.price(&levels, costs, kind.first(), context),
                    Plain.price(&levels, costs, kind.first(), context),
                    "{levels:?}"
                );
            }
        }
    }
}

fn matrix(noise: &mut Noise) -> Matrix {
    let mut matrix = Matrix::default();
    for row in 0..4 {
        for place in 0..4 {
            let step = 4 + noise.below(300) as u16;
            for copy in 0..4 {
                matrix.step[row][copy * 4 + place] = step;
                matrix.inverse[row][copy * 4 + place] = (65_536 / u32::from(step) + 1) as u16;
                matrix.offset[row][copy * 4 + place] = step / 2;
            }
        }
    }
    matrix
}
