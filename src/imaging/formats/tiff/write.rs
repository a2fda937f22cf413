//! Writing TIFF: one page in strips of about a megabyte, packed by as many threads as there are.

use std::borrow::Cow;
use std::io::{Cursor, Seek, Write};

use flate2::write::ZlibEncoder;
use tiff::encoder::{DirectoryEncoder, Rational, TiffEncoder, TiffKind, TiffValue};
use tiff::tags::{
    CompressionMethod, PhotometricInterpretation, Predictor, ResolutionUnit, SampleFormat, Tag,
    Type,
};
use tiff::{TiffError, TiffResult};
use weezl::BitOrder;

use super::super::jpeg::Settings;
use super::super::{Embedded, photoshop, tiff_jpeg, whole};
use super::{PHOTOSHOP, XMP};
use crate::imaging::hands::Hands;
use crate::imaging::plan::{Scans, TiffCompression};
use crate::imaging::raster::{Raster, Samples, as_usize};
use crate::imaging::{ConvertError, PixelType, Size};

/// Least bytes of a strip; the last may have fewer.
const STRIP: usize = 1_000_000;

/// Strips that are packed before they are written, for each thread.
const AT_ONCE: usize = 4;

/// Bytes whose meaning is the tag's alone.
struct Undefined<'a>(&'a [u8]);

impl TiffValue for Undefined<'_> {
    const BYTE_LEN: u8 = 1;
    const FIELD_TYPE: Type = Type::UNDEFINED;

    fn count(&self) -> usize {
        self.0.len()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.0)
    }
}

/// Writes a TIFF; LZW and deflate with prediction.
pub(in super::super) fn encode(
    picture: &Raster,
    compression: TiffCompression,
    dpi: Option<f64>,
    embedded: Embedded<'_>,
    hands: Hands<'_>,
) -> Result<Vec<u8>, ConvertError> {
    let Samples::Eight(samples) = picture.samples() else {
        return Err(ConvertError::internal("16-bit pixels reached the TIFF writer"));
    };
    let method = match compression {
        TiffCompression::None => CompressionMethod::None,
        TiffCompression::Lzw => CompressionMethod::LZW,
        TiffCompression::Zip => CompressionMethod::Deflate,
        TiffCompression::Jpeg { quality, full_chroma } => {
            let settings = Settings { quality, full_chroma, scans: Scans::Baseline };
            return tiff_jpeg::encode(picture, settings, dpi, embedded);
        }
    };
    let photometric = match picture.pixel_type() {
        PixelType::Gray => PhotometricInterpretation::BlackIsZero,
        PixelType::Rgb => PhotometricInterpretation::RGB,
        PixelType::Cmyk => PhotometricInterpretation::CMYK,
    };
    let file = File {
        size: picture.size(),
        photometric,
        channels: picture.channels(),
        alpha: picture.has_alpha(),
        samples,
        method,
        dpi,
        embedded,
    };
    file.write(hands).map_err(|error| ConvertError::internal(error.to_string()))
}

struct File<'a> {
    size: Size,
    photometric: PhotometricInterpretation,
    channels: usize,
    alpha: bool,
    samples: &'a [u8],
    method: CompressionMethod,
    dpi: Option<f64>,
    embedded: Embedded<'a>,
}

impl File<'_> {
    fn write(&self, hands: Hands<'_>) -> TiffResult<Vec<u8>> {
        let mut file = Cursor::new(Vec::with_capacity(self.samples.len() + 4096));
        let mut encoder = TiffEncoder::new(&mut file)?;
        let mut page = encoder.image_directory()?;
        let row = as_usize(self.size.width) * self.channels;
        let rows = STRIP.div_ceil(row);
        // Values that do not fit into their entry are written at once, in this order.
        self.describe(&mut page, u32::try_from(rows)?)?;
        let strips = self.strips(&mut page, row * rows, hands)?;
        page.write_tag(Tag::BitsPerSample, vec![8_u16; self.channels].as_slice())?;
        let whole = vec![SampleFormat::Uint.to_u16(); self.channels];
        page.write_tag(Tag::SampleFormat, whole.as_slice())?;
        let (offsets, lengths): (Vec<u32>, Vec<u32>) = strips.into_iter().unzip();
        page.write_tag(Tag::StripOffsets, offsets.as_slice())?;
        page.write_tag(Tag::StripByteCounts, lengths.as_slice())?;
        page.finish()?;
        Ok(file.into_inner())
    }

    fn describe<W: Write + Seek, K: TiffKind>(
        &self,
        page: &mut DirectoryEncoder<'_, W, K>,
        rows: u32,
    ) -> TiffResult<()> {
        let predictor = match self.method {
            CompressionMethod::None => Predictor::None,
            _ => Predictor::Horizontal,
        };
        page.write_tag(Tag::ImageWidth, self.size.width)?;
        page.write_tag(Tag::ImageLength, self.size.height)?;
        page.write_tag(Tag::Compression, self.method.to_u16())?;
        page.write_tag(Tag::Predictor, predictor.to_u16())?;
        page.write_tag(Tag::PhotometricInterpretation, self.photometric.to_u16())?;
        page.write_tag(Tag::RowsPerStrip, rows)?;
        page.write_tag(Tag::SamplesPerPixel, u16::try_from(self.channels)?)?;
        page.write_tag(Tag::XResolution, Rational { n: 1, d: 1 })?;
        page.write_tag(Tag::YResolution, Rational { n: 1, d: 1 })?;
        page.write_tag(Tag::ResolutionUnit, ResolutionUnit::None.to_u16())?;
        if self.alpha {
            // 2 is unassociated: the colour is not multiplied by it.
            page.write_tag(Tag::ExtraSamples, &[2_u16][..])?;
        }
        if let Some(dpi) = self.dpi {
            let hundredths = || Rational { n: whole(dpi * 100.0, u32::MAX), d: 100 };
            page.write_tag(Tag::ResolutionUnit, ResolutionUnit::Inch.to_u16())?;
            page.write_tag(Tag::XResolution, hundredths())?;
            page.write_tag(Tag::YResolution, hundredths())?;
        }
        if let Some(xmp) = self.embedded.xmp {
            page.write_tag(XMP, xmp)?;
        }
        let paths = photoshop::block(self.embedded.paths);
        if !paths.is_empty() {
            page.write_tag(PHOTOSHOP, Undefined(&paths))?;
        }
        if let Some(profile) = self.embedded.profile {
            page.write_tag(Tag::IccProfile, Undefined(profile))?;
        }
        Ok(())
    }

    /// Writes the strips, each of so many components; returns where they are and how long.
    fn strips<W: Write + Seek, K: TiffKind>(
        &self,
        page: &mut DirectoryEncoder<'_, W, K>,
        strip: usize,
        hands: Hands<'_>,
    ) -> TiffResult<Vec<(u32, u32)>> {
        let mut places = Vec::with_capacity(self.samples.len().div_ceil(strip));
        let mut write = |bytes: &[u8]| {
            let at = page.write_data(bytes)?;
            places.push((u32::try_from(at)?, u32::try_from(bytes.len())?));
            TiffResult::Ok(())
        };
        let strips: Vec<&[u8]> = self.samples.chunks(strip).collect();
        if self.method == CompressionMethod::None {
            strips.into_iter().try_for_each(write)?;
            return Ok(places);
        }
        for several in strips.chunks(hands.threads() * AT_ONCE) {
            let mut packed: Vec<Vec<u8>> = vec![Vec::new(); several.len()];
            hands.try_each(
                several.iter().zip(&mut packed),
                Vec::new,
                |differences, (strip, packed)| {
                    *packed = self.packed(strip, differences)?;
                    Ok::<(), TiffError>(())
                },
            )?;
            packed.iter().try_for_each(|packed| write(packed))?;
        }
        Ok(places)
    }

    /// Packs a strip; `differences` is kept from one to the next.
    fn packed(&self, strip: &[u8], differences: &mut Vec<u8>) -> TiffResult<Vec<u8>> {
        differences.clear();
        for row in strip.chunks_exact(as_usize(self.size.width) * self.channels) {
            match self.channels {
                1 => predict::<1>(row, differences),
                2 => predict::<2>(row, differences),
                3 => predict::<3>(row, differences),
                4 => predict::<4>(row, differences),
                _ => predict::<5>(row, differences),
            }
        }
        let mut packed = Vec::with_capacity(differences.len() / 2);
        if self.method == CompressionMethod::LZW {
            let mut encoder = weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8);
            encoder.into_stream(&mut packed).encode_all(differences.as_slice()).status?;
            return Ok(packed);
        }
        let mut encoder = ZlibEncoder::new(packed, flate2::Compression::new(6));
        encoder.write_all(differences)?;
        Ok(encoder.finish()?)
    }
}

/// Stores differences to the pixel on the left (TIFF 6.0, section 14).
fn predict<const N: usize>(row: &[u8], result: &mut Vec<u8>) {
    result.extend_from_slice(&row[..N]);
    result.extend(row.iter().zip(&row[N..]).map(|(left, here)| here.wrapping_sub(*left)));
}
