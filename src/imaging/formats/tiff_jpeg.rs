//! TIFF with JPEG inside (TIFF 6.0; TIFF Technical Note 2), which the encoder of the other kinds
//! does not write.
//!
//! One page in strips of about a megabyte, every strip a JPEG with its own tables. RGB is stored
//! as brightness and colour difference, CMYK component by component and not inverted. Little
//! endian: header, strips, what does not fit into the directory, the directory.

use super::jpeg::{self, Settings};
use super::{Embedded, photoshop, whole};
use crate::diag::phrase;
use crate::imaging::raster::{Alpha, Raster, Samples};
use crate::imaging::{ConvertError, PixelType, Size};

/// About how many bytes of pixels make a strip.
const STRIP: usize = 1 << 20;

/// Rows of a strip are a multiple of this, except in the last: two blocks of the JPEG.
const ROWS: usize = 16;

/// Types of directory entries.
const BYTE: u16 = 1;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;
const UNDEFINED: u16 = 7;

/// Writes a TIFF whose strips are JPEGs.
pub(super) fn encode(
    picture: &Raster,
    settings: Settings,
    dpi: Option<f64>,
    embedded: Embedded<'_>,
) -> Result<Vec<u8>, ConvertError> {
    let Samples::Eight(samples) = picture.samples() else {
        return Err(ConvertError::internal("16-bit pixels reached the TIFF writer"));
    };
    let row = picture.width() * picture.channels();
    let rows = (STRIP / row / ROWS * ROWS).max(ROWS);
    // The header; where the directory is comes last.
    let mut file = b"II\x2a\0\0\0\0\0".to_vec();
    let (mut offsets, mut lengths) = (Vec::new(), Vec::new());
    for strip in samples.chunks(rows * row) {
        let size = Size::new(picture.size().width, number(strip.len() / row)?);
        let strip = Samples::Eight(strip.to_vec());
        let strip = Raster::new(size, picture.pixel_type(), Alpha::None, strip)
            .map_err(|error| ConvertError::internal(error.to_string()))?;
        let strip = jpeg::encode_strip(&strip, settings)?;
        offsets.push(number(file.len())?);
        lengths.push(number(strip.len())?);
        file.extend(strip);
    }
    let mut directory = Directory { file, entries: Vec::new() };
    describe(&mut directory, picture, settings, number(rows)?)?;
    directory.longs(273, &offsets)?;
    directory.longs(279, &lengths)?;
    if let Some(dpi) = dpi {
        let hundredths = [whole(dpi * 100.0, u32::MAX), 100].map(u32::to_le_bytes).concat();
        directory.put(282, RATIONAL, 1, &hundredths)?;
        directory.put(283, RATIONAL, 1, &hundredths)?;
        directory.shorts(296, &[2])?;
    }
    if let Some(xmp) = embedded.xmp {
        directory.put(700, BYTE, xmp.len(), xmp)?;
    }
    let paths = photoshop::block(embedded.paths);
    if !paths.is_empty() {
        directory.put(34_377, UNDEFINED, paths.len(), &paths)?;
    }
    if let Some(profile) = embedded.profile {
        directory.put(34_675, UNDEFINED, profile.len(), profile)?;
    }
    directory.finish()
}

/// Says what the pixels are.
fn describe(
    directory: &mut Directory,
    picture: &Raster,
    settings: Settings,
    rows: u32,
) -> Result<(), ConvertError> {
    const SEPARATED: u16 = 5;
    const YCBCR: u16 = 6;
    let (photometric, channels): (_, u16) = match picture.pixel_type() {
        PixelType::Gray => (1, 1),
        PixelType::Rgb => (YCBCR, 3),
        PixelType::Cmyk => (SEPARATED, 4),
    };
    let Size { width, height } = picture.size();
    directory.longs(256, &[width])?;
    directory.longs(257, &[height])?;
    directory.shorts(258, &vec![8; usize::from(channels)])?;
    directory.shorts(259, &[7])?;
    directory.shorts(262, &[photometric])?;
    directory.shorts(277, &[channels])?;
    directory.longs(278, &[rows.min(height)])?;
    directory.shorts(284, &[1])?;
    if photometric == YCBCR {
        let factor = if settings.full_chroma { 1 } else { 2 };
        directory.shorts(530, &[factor; 2])?;
        // The whole range of every component, colour differences around the middle.
        let ends = [0_u32, 255, 128, 255, 128, 255];
        let ends = ends.map(|end| [end, 1].map(u32::to_le_bytes).concat()).concat();
        directory.put(532, RATIONAL, 6, &ends)?;
    }
    Ok(())
}

/// A directory being put together; what is longer than four bytes goes into the file at once.
struct Directory {
    file: Vec<u8>,
    entries: Vec<[u8; 12]>,
}

impl Directory {
    fn shorts(&mut self, tag: u16, values: &[u16]) -> Result<(), ConvertError> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.put(tag, SHORT, values.len(), &bytes)
    }

    fn longs(&mut self, tag: u16, values: &[u32]) -> Result<(), ConvertError> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.put(tag, LONG, values.len(), &bytes)
    }

    fn put(&mut self, tag: u16, kind: u16, count: usize, data: &[u8]) -> Result<(), ConvertError> {
        let mut value = [0; 4];
        if let Some(place) = value.get_mut(..data.len()) {
            place.copy_from_slice(data);
        } else {
            self.align();
            value = number(self.file.len())?.to_le_bytes();
            self.file.extend_from_slice(data);
        }
        let mut entry = [0; 12];
        entry[..2].copy_from_slice(&tag.to_le_bytes());
        entry[2..4].copy_from_slice(&kind.to_le_bytes());
        entry[4..8].copy_from_slice(&number(count)?.to_le_bytes());
        entry[8..].copy_from_slice(&value);
        self.entries.push(entry);
        Ok(())
    }

    /// Offsets are even.
    fn align(&mut self) {
        if self.file.len() % 2 == 1 {
            self.file.push(0);
        }
    }

    fn finish(mut self) -> Result<Vec<u8>, ConvertError> {
        self.align();
        let at = number(self.file.len())?;
        self.file[4..8].copy_from_slice(&at.to_le_bytes());
        self.entries.sort_by_key(|entry| u16::from_le_bytes([entry[0], entry[1]]));
        let count = u16::try_from(self.entries.len()).unwrap_or_default();
        self.file.extend(count.to_le_bytes());
        self.file.extend(self.entries.concat());
        // There is no second page.
        self.file.extend([0; 4]);
        Ok(self.file)
    }
}

/// Turns a length or a place into a number of the file.
fn number(value: usize) -> Result<u32, ConvertError> {
    u32::try_from(value).map_err(|_| {
        ConvertError::unwritable(
            phrase!("reply-tiff-at-most-4-gb", "a TIFF has at most 4 GB"),
            phrase!("help-ask-smaller-size", "ask for a smaller size"),
        )
    })
}
