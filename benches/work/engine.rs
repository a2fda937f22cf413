//! The stages of a conversion, each by itself.
//!
//! Sources are written by our own writers: when one of those writes something else, what is decoded
//! is something else.

use std::hint::black_box;
use std::io::Cursor;
use std::rc::Rc;
use std::sync::Arc;

use exportd::imaging::color::{Colors, reply_profile};
use exportd::imaging::formats::{decode_alone, encode_alone};
use exportd::imaging::ops::{Resampler, Usm, resample, usm};
use exportd::imaging::plan::{Area, Kernel};
use exportd::imaging::raster::{Raster, Samples};
use exportd::imaging::{Limits, PixelType, Size, Uprighting, probe};

use crate::stage::{Result, Work};

#[path = "pictures.rs"]
mod pictures;
#[path = "../../tests/support/profiles.rs"]
mod profiles;

use pictures::Pictures;

/// One stage.
#[derive(Clone, Copy)]
pub(crate) enum Stage {
    /// Reading the header of a file that was made by these modifiers.
    Probe(&'static str),
    /// Decoding such a file, to so many pixels of eight where it is JPEG.
    Decode(&'static str, u8),
    /// Making it two fifths as wide and high.
    Resample(Kernel),
    /// `op_usm=1,1,4`.
    Sharpen,
    /// From a profile for this type to sRGB.
    Color(PixelType),
    /// Writing as modifiers say.
    Encode(&'static str),
}

const JPEG: &str = "fmt=jpeg&qlt=90";
const PROGRESSIVE: &str = "fmt=pjpeg&qlt=90";

/// All of them by name.
pub(crate) const STAGES: &[(&str, Stage)] = &[
    ("probe/jpeg", Stage::Probe(JPEG)),
    ("probe/tiff", Stage::Probe("fmt=tif,,lzw")),
    ("decode/jpeg", Stage::Decode(JPEG, 8)),
    ("decode/jpeg-half", Stage::Decode(JPEG, 4)),
    ("decode/jpeg-quarter", Stage::Decode(JPEG, 2)),
    ("decode/jpeg-eighth", Stage::Decode(JPEG, 1)),
    ("decode/progressive", Stage::Decode(PROGRESSIVE, 8)),
    ("decode/progressive-half", Stage::Decode(PROGRESSIVE, 4)),
    ("decode/progressive-quarter", Stage::Decode(PROGRESSIVE, 2)),
    ("decode/progressive-eighth", Stage::Decode(PROGRESSIVE, 1)),
    ("decode/png", Stage::Decode("fmt=png", 8)),
    ("decode/tiff-lzw", Stage::Decode("fmt=tif,,lzw", 8)),
    ("decode/tiff-deflate", Stage::Decode("fmt=tif,,zip", 8)),
    ("decode/webp", Stage::Decode("fmt=webp&qlt=85", 8)),
    ("resample/sharp2", Stage::Resample(Kernel::Sharp2)),
    ("resample/bicub", Stage::Resample(Kernel::Bicub)),
    ("sharpen/usm", Stage::Sharpen),
    ("color/cmyk", Stage::Color(PixelType::Cmyk)),
    ("color/rgb", Stage::Color(PixelType::Rgb)),
    ("encode/jpeg", Stage::Encode("fmt=jpeg&qlt=85")),
    ("encode/progressive", Stage::Encode("fmt=pjpeg&qlt=85")),
    ("encode/png", Stage::Encode("fmt=png")),
    ("encode/png8", Stage::Encode("fmt=png8")),
    ("encode/gif", Stage::Encode("fmt=gif")),
    ("encode/tiff-lzw", Stage::Encode("fmt=tif,,lzw")),
    ("encode/tiff-deflate", Stage::Encode("fmt=tif,,zip")),
    ("encode/webp", Stage::Encode("fmt=webp&qlt=80")),
    ("encode/avif", Stage::Encode("fmt=avif&qlt=60")),
    ("encode/jpeg2000", Stage::Encode("fmt=jpeg2000&qlt=80")),
];

/// What the stages work on.
pub(crate) struct Desk {
    /// Decoded and made smaller.
    source: Pictures,
    /// Sharpened, converted and written.
    reply: Pictures,
}

impl Desk {
    pub(crate) fn new(source: Size, reply: Size) -> Self {
        Self { source: Pictures::new(source), reply: Pictures::new(reply) }
    }

    /// Makes a stage ready.
    pub(crate) fn prepare(&self, stage: Stage) -> Result<Work> {
        match stage {
            Stage::Probe(modifiers) => self.probe(modifiers),
            Stage::Decode(modifiers, eighths) => self.decode(modifiers, eighths),
            Stage::Resample(kernel) => self.resample(kernel),
            Stage::Sharpen => self.sharpen(),
            Stage::Color(pixel_type) => self.color(pixel_type),
            Stage::Encode(modifiers) => self.encode(modifiers),
        }
    }

    fn probe(&self, modifiers: &str) -> Result<Work> {
        let file: Rc<[u8]> = self.source.file(modifiers)?.into();
        Ok(Work::on(&Rc::clone(&file), move || {
            let file = Rc::clone(&file);
            let input = move || probe(Cursor::new(&*file), &Limits::default(), Uprighting::Apply);
            Ok(Box::new(move || black_box(input()).is_ok()))
        }))
    }

    fn decode(&self, modifiers: &str, eighths: u8) -> Result<Work> {
        let file: Rc<[u8]> = self.source.file(modifiers)?.into();
        Ok(Work::on(&Rc::clone(&file), move || {
            let file = Rc::clone(&file);
            Ok(Box::new(move || black_box(decode_alone(&file, eighths)).is_ok()))
        }))
    }

    fn resample(&self, kernel: Kernel) -> Result<Work> {
        let picture = Rc::new(self.source.picture()?);
        let Size { width, height } = picture.size();
        let to = Size::new(width * 2 / 5, height * 2 / 5);
        let area = Area { x: 0.0, y: 0.0, width: width.into(), height: height.into() };
        Ok(Work::on(&samples(&picture), move || {
            let picture = Rc::clone(&picture);
            Ok(Box::new(move || {
                let mut resampler = Resampler::default();
                black_box(resample(&mut resampler, &picture, area, to, kernel)).is_ok()
            }))
        }))
    }

    fn sharpen(&self) -> Result<Work> {
        let picture = self.reply.picture()?;
        let parameters = Usm { amount: 1.0, radius: 1.0, threshold: 4.0, mono: false };
        Ok(Work::on(&samples(&picture), move || {
            let picture = picture.clone();
            Ok(Box::new(move || black_box(usm(picture, parameters)).size().width > 0))
        }))
    }

    fn color(&self, pixel_type: PixelType) -> Result<Work> {
        let (picture, profile) = match pixel_type {
            PixelType::Cmyk => (self.reply.inks()?, profiles::cmyk()),
            PixelType::Rgb | PixelType::Gray => {
                let srgb = reply_profile(PixelType::Rgb).ok_or("there is no sRGB")?;
                (self.reply.picture()?, profiles::swapped(srgb))
            }
        };
        let profile: Arc<[u8]> = profile.into();
        let picture = picture.with_profile(Some(Arc::clone(&profile)));
        let output = self.reply.plan("fmt=jpeg", pixel_type)?.output;
        Ok(Work::on(&samples(&picture), move || {
            let (picture, profile, output) =
                (picture.clone(), Arc::clone(&profile), output.clone());
            Ok(Box::new(move || {
                let mut colors = Colors::of(Some(&profile), pixel_type, &[]);
                black_box(colors.to_output(picture, &output))
                    .is_ok_and(|made| made.pixel_type() == PixelType::Rgb)
            }))
        }))
    }

    fn encode(&self, modifiers: &str) -> Result<Work> {
        let picture = Rc::new(self.reply.picture()?);
        let output = Rc::new(self.reply.plan(modifiers, PixelType::Rgb)?.output);
        Ok(Work::on(&samples(&picture), move || {
            let (picture, output) = (Rc::clone(&picture), Rc::clone(&output));
            Ok(Box::new(move || black_box(encode_alone(&picture, &output)).is_ok()))
        }))
    }
}

fn samples(picture: &Raster) -> Vec<u8> {
    match picture.samples() {
        Samples::Eight(samples) => samples.clone(),
        Samples::Sixteen(samples) => samples.iter().flat_map(|v| v.to_le_bytes()).collect(),
    }
}
