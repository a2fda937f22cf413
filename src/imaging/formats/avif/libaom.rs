//! The AV1 encoder of a build with the feature `libaom`, in C and assembly: faster than rav1e and with
//! smaller files, but its build needs cmake and nasm.

use core::ffi::{CStr, c_int};
use core::{mem, ptr, slice};

use libaom_sys as sys;

use super::write::{finer, gave_up};
use crate::imaging::raster::Raster;
use crate::imaging::{ConvertError, Size};

/// How the encoder works, in its own words; what is not here is as its authors have it. Step 8 takes
/// three times as long as 9. Of photographs with equal scores (SSIMULACRA2), sharpness and matrices
/// make smaller files; what tune and metric add is within half a per cent.
const SETTINGS: &[(&CStr, &CStr)] = &[
    (c"cpu-used", c"9"),
    (c"tune", c"ssim"),
    (c"dist-metric", c"qm-psnr"),
    (c"sharpness", c"7"),
    (c"enable-qm", c"1"),
];

/// What differs between coarse and fine pictures.
struct Grade {
    /// How much coarser detail is coded than the rest, from 0 (most) to 15.
    matrices: [&'static CStr; 2],
    /// Quality and the quantizer that scores what rav1e does there, in rising order; between them
    /// lie straight lines.
    curve: &'static [(f32, f32)],
}

const COARSE: Grade = Grade {
    matrices: [c"0", c"8"],
    curve: &[
        (1.0, 60.0),
        (30.0, 40.0),
        (45.0, 34.0),
        (60.0, 26.5),
        (82.0, 13.3),
        (85.0, 7.6),
        (90.0, 3.0),
    ],
};

const FINE: Grade = Grade { matrices: [c"5", c"10"], curve: &[(90.0, 8.6), (97.0, 1.0)] };

/// The quality from which on pictures are fine, and chroma keeps its full resolution, as in libvips:
/// below, its bits do more for brightness.
const FINE_FROM: f32 = 90.0;

impl Grade {
    fn of(quality: f32) -> &'static Self {
        if quality < FINE_FROM { &COARSE } else { &FINE }
    }

    /// Returns the step of the encoder's quantizer, 1 (finest) to 63, for a quality of rav1e.
    fn quantizer(&self, quality: f32) -> u32 {
        let mut pieces = self.curve.iter().zip(&self.curve[1..]).rev();
        let piece = pieces.find(|((from, _), _)| *from <= quality);
        let exact = piece.map_or(63.0, |((from, high), (to, low))| {
            high + (low - high) * ((quality - from) / (to - from)).min(1.0)
        });
        (1_u8..63).find(|&step| f32::from(step) >= exact - 0.5).unwrap_or(63).into()
    }
}

/// Codes colour and, unless the picture is opaque, transparency.
pub(super) fn code(
    picture: &Raster,
    samples: &[u8],
    quality: u8,
) -> Result<Vec<Vec<u8>>, ConvertError> {
    let quality = f32::from(quality);
    let layout = if quality < FINE_FROM { Layout::Halved } else { Layout::Full };
    let mut coded = vec![Planes::of_colour(picture, samples, layout).code(quality)?];
    if picture.has_alpha() && !picture.is_opaque() {
        coded.push(Planes::of_opacity(picture, samples).code(finer(quality))?);
    }
    Ok(coded)
}

/// A picture as the encoder takes it.
struct Planes {
    size: Size,
    layout: Layout,
    /// Side by side, each row of `across` samples.
    planes: [Vec<u8>; 3],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// YCbCr by the numbers of BT.601, full range, chroma in full resolution.
    Full,
    /// The same with half the chroma, across and down.
    Halved,
    /// Brightness alone.
    Gray,
}

impl Planes {
    fn of_colour(picture: &Raster, samples: &[u8], layout: Layout) -> Self {
        let pixels = samples.chunks_exact(picture.channels());
        let mut planes = [0; 3].map(|_: u8| Vec::with_capacity(pixels.len()));
        for pixel in pixels {
            for (plane, sample) in planes.iter_mut().zip(ycbcr([pixel[0], pixel[1], pixel[2]])) {
                plane.push(sample);
            }
        }
        if layout == Layout::Halved {
            for plane in &mut planes[1..] {
                *plane = halved(plane, picture.width());
            }
        }
        Self { size: picture.size(), layout, planes }
    }

    fn of_opacity(picture: &Raster, samples: &[u8]) -> Self {
        let opacity = samples.chunks_exact(picture.channels()).map(|pixel| pixel[3]);
        // Chroma is not coded, but read nevertheless.
        let quarter = picture.width().div_ceil(2) * picture.height().div_ceil(2);
        let planes = [opacity.collect(), vec![128; quarter], vec![128; quarter]];
        Self { size: picture.size(), layout: Layout::Gray, planes }
    }

    fn code(mut self, quality: f32) -> Result<Vec<u8>, ConvertError> {
        let mut encoder = Encoder::new(self.size, self.layout, quality)?;
        let bytes = encoder.code(&mut self)?;
        Ok(bytes.strip_prefix(DELIMITER).unwrap_or(&bytes).to_vec())
    }
}

/// Turns a colour into brightness and two differences, rounded to the nearest.
fn ycbcr([r, g, b]: [u8; 3]) -> [u8; 3] {
    let sum = |weights: [i32; 3], zero: i32| {
        let sum = weights[0] * i32::from(r) + weights[1] * i32::from(g) + weights[2] * i32::from(b);
        u8::try_from((zero * 65_536 + sum + 32_768) >> 16).unwrap_or(u8::MAX)
    };
    [
        sum([19_595, 38_470, 7_471], 0),
        sum([-11_058, -21_710, 32_768], 128),
        sum([32_768, -27_439, -5_329], 128),
    ]
}

/// Makes one sample of four; at an odd edge, of the two or the one that are there.
fn halved(plane: &[u8], width: usize) -> Vec<u8> {
    let mut small = Vec::with_capacity(plane.len() / 4 + width);
    for rows in plane.chunks(2 * width) {
        let (upper, lower) = rows.split_at(width);
        let lower = if lower.is_empty() { upper } else { lower };
        for (upper, lower) in upper.chunks(2).zip(lower.chunks(2)) {
            let four = [upper, lower]
                .map(|two| u16::from(two[0]) + u16::from(*two.last().unwrap_or(&two[0])));
            small.push(u8::try_from((four[0] + four[1] + 2) / 4).unwrap_or(u8::MAX));
        }
    }
    small
}

/// The mark between pictures of a film, which a still picture does without.
const DELIMITER: &[u8] = &[0x12, 0];

/// An encoder for one picture.
struct Encoder(Box<sys::aom_codec_ctx_t>);

impl Encoder {
    #[expect(unsafe_code, reason = "the encoder is in C")]
    fn new(size: Size, layout: Layout, quality: f32) -> Result<Self, ConvertError> {
        let grade = Grade::of(quality);
        let quantizer = grade.quantizer(quality);
        // SAFETY: both are structures of C for which all zeros are a value, and which the functions
        // fill in; what is made of them is kept, unmoved, until it is destroyed by `drop`.
        let encoder = unsafe {
            let kind = sys::aom_codec_av1_cx();
            let mut wanted: sys::aom_codec_enc_cfg_t = mem::zeroed();
            done(sys::aom_codec_enc_config_default(kind, &mut wanted, sys::AOM_USAGE_ALL_INTRA))?;
            configure(&mut wanted, size, layout, quantizer);
            let mut context: Box<sys::aom_codec_ctx_t> = Box::new(mem::zeroed());
            let version = c_int::try_from(sys::AOM_ENCODER_ABI_VERSION).map_err(|_| gave_up())?;
            done(sys::aom_codec_enc_init_ver(&mut *context, kind, &wanted, 0, version))?;
            Self(context)
        };
        encoder.tuned(grade, quantizer)
    }

    /// Sets what belongs to this kind of encoder alone.
    #[expect(unsafe_code, reason = "the encoder is in C")]
    fn tuned(mut self, grade: &Grade, quantizer: u32) -> Result<Self, ConvertError> {
        let controls = [
            (sys::AOME_SET_CQ_LEVEL, quantizer),
            (sys::AV1E_SET_COLOR_PRIMARIES, sys::AOM_CICP_CP_BT_709),
            (sys::AV1E_SET_TRANSFER_CHARACTERISTICS, sys::AOM_CICP_TC_SRGB),
            (sys::AV1E_SET_MATRIX_COEFFICIENTS, sys::AOM_CICP_MC_BT_601),
            (sys::AV1E_SET_COLOR_RANGE, sys::AOM_CR_FULL_RANGE),
        ];
        for (control, value) in controls {
            let control = c_int::try_from(control).map_err(|_| gave_up())?;
            // SAFETY: the context is initialized, and each of these takes a number of 32 bits.
            done(unsafe { sys::aom_codec_control(&mut *self.0, control, value) })?;
        }
        let [least, most] = grade.matrices;
        for &(name, value) in SETTINGS.iter().chain(&[(c"qm-min", least), (c"qm-max", most)]) {
            // SAFETY: the context is initialized, and both are strings of C that outlive the call.
            done(unsafe {
                sys::aom_codec_set_option(&mut *self.0, name.as_ptr(), value.as_ptr())
            })?;
        }
        Ok(self)
    }

    #[expect(unsafe_code, reason = "the encoder is in C, and pixels go there through pointers")]
    fn code(&mut self, planes: &mut Planes) -> Result<Vec<u8>, ConvertError> {
        let picture = described(planes)?;
        // SAFETY: the context is initialized. The planes are as long as the description says, and
        // outlive the call, which copies them.
        done(unsafe { sys::aom_codec_encode(&mut *self.0, &picture, 0, 1, 0) })?;
        let mut coded = self.written();
        // No picture: there are no more, whatever is held back must come.
        // SAFETY: the context is initialized.
        done(unsafe { sys::aom_codec_encode(&mut *self.0, ptr::null(), 0, 1, 0) })?;
        coded.extend(self.written());
        Ok(coded)
    }

    /// Takes what the last call made.
    #[expect(unsafe_code, reason = "what is written comes as a pointer and a length")]
    fn written(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut at: sys::aom_codec_iter_t = ptr::null();
        // SAFETY: the context is initialized. A packet is valid until the next call that is not this
        // one, and of its union, the kind says that this is the part that was filled in.
        unsafe {
            while let Some(packet) = sys::aom_codec_get_cx_data(&mut *self.0, &mut at).as_ref() {
                if packet.kind == sys::AOM_CODEC_CX_FRAME_PKT {
                    let frame = packet.data.frame;
                    bytes.extend_from_slice(slice::from_raw_parts(frame.buf.cast(), frame.sz));
                }
            }
        }
        bytes
    }
}

impl Drop for Encoder {
    #[expect(unsafe_code, reason = "frees what C allocated")]
    fn drop(&mut self) {
        // SAFETY: the context was initialized, and nothing uses it after this.
        unsafe { sys::aom_codec_destroy(&mut *self.0) };
    }
}

/// Asks for one still picture of a constant quantizer, without threads.
fn configure(wanted: &mut sys::aom_codec_enc_cfg_t, size: Size, layout: Layout, quantizer: u32) {
    wanted.g_w = size.width;
    wanted.g_h = size.height;
    wanted.g_threads = 1;
    wanted.g_limit = 1;
    wanted.g_lag_in_frames = 0;
    wanted.g_profile = u32::from(layout == Layout::Full);
    wanted.monochrome = u32::from(layout == Layout::Gray);
    wanted.rc_end_usage = sys::AOM_Q;
    wanted.rc_min_quantizer = quantizer;
    wanted.rc_max_quantizer = quantizer;
}

/// Says where the planes are.
#[expect(unsafe_code, reason = "the description is a structure of C with pointers")]
fn described(planes: &mut Planes) -> Result<sys::aom_image_t, ConvertError> {
    let Size { width, height } = planes.size;
    // SAFETY: a structure of C of numbers and pointers, for which all zeros are a value.
    let mut picture: sys::aom_image_t = unsafe { mem::zeroed() };
    let halved = u32::from(planes.layout != Layout::Full);
    (picture.fmt, picture.bps) = match planes.layout {
        Layout::Full => (sys::AOM_IMG_FMT_I444, 24),
        Layout::Halved | Layout::Gray => (sys::AOM_IMG_FMT_I420, 12),
    };
    (picture.x_chroma_shift, picture.y_chroma_shift) = (halved, halved);
    picture.monochrome = c_int::from(planes.layout == Layout::Gray);
    picture.range = sys::AOM_CR_FULL_RANGE;
    picture.bit_depth = 8;
    (picture.w, picture.h, picture.d_w, picture.d_h) = (width, height, width, height);
    let rows = [width, width.div_ceil(1 << halved), width.div_ceil(1 << halved)];
    for (n, (plane, row)) in planes.planes.iter_mut().zip(rows).enumerate() {
        picture.planes[n] = plane.as_mut_ptr();
        picture.stride[n] = c_int::try_from(row).map_err(|_| gave_up())?;
    }
    Ok(picture)
}

fn done(answer: sys::aom_codec_err_t) -> Result<(), ConvertError> {
    if answer == sys::AOM_CODEC_OK { Ok(()) } else { Err(gave_up()) }
}
