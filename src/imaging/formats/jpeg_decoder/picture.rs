//! From a file to pixels.

mod strips;

use super::super::Shrink;
use super::bands::{Bands, EachBand, Layout, layout};
use super::bits::Bits;
use super::blocks::{IntoPlanes, Plane};
use super::error::Error;
use super::frame::{Frame, Scaled};
use super::huffman::standard;
use super::markers::{Next, ScanHeader, Tables};
use super::progressive::{Progress, Progressive};
use super::scan::Scan;
use super::segments::Segments;
use super::smoothing::Smoothing;
use strips::{Direct, Strips, needs_lowest_only};

/// More scans than any encoder writes; each may cost the time of a whole picture.
const MOST_SCANS: usize = 1000;

/// Which scans of a progressive picture are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::imaging::formats) enum Reading {
    /// Those that count at a wanted size. The pixels are those of all scans; damage to what is
    /// passed over is not found.
    Needed,
    /// All.
    Everything,
}

/// Decodes one picture, to one size or several at once.
pub(in crate::imaging::formats) struct Decoder<'a> {
    file: &'a [u8],
    tables: Tables,
    frame: Frame,
    sizes: Vec<Scaled>,
    reading: Reading,
    /// Each component's quantization table, as it was when its first scan began.
    quantizers: Vec<Option<[u16; 64]>>,
    bits: Bits<'a>,
    /// The header of the first scan.
    first: ScanHeader,
    /// What has to be guessed, component by component.
    smoothing: Option<Vec<Smoothing>>,
}

/// The coefficients of a component, for comparison.
#[cfg(test)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coefficients {
    /// Blocks that hold pixels, across and down.
    pub(super) size: (usize, usize),
    /// Blocks in a stored row.
    pub(super) stride: usize,
    /// The blocks, row by row, each in rows of eight.
    pub(super) blocks: Vec<[i16; 64]>,
}

impl<'a> Decoder<'a> {
    /// Reads a file up to its first scan.
    ///
    /// # Errors
    /// When the header is damaged or not of a kind that is decoded.
    pub(in crate::imaging::formats) fn new(
        file: &'a [u8],
        shrinks: &[Shrink],
        reading: Reading,
    ) -> Result<Self, Error> {
        if !file.starts_with(&[0xff, 0xd8]) {
            return Err(Error::NotJpeg);
        }
        let mut segments = Segments::new(file, 2);
        let mut tables = Tables::default();
        let Next::Scan(first) = tables.read(&mut segments, None)? else {
            return Err(Error::Header("an end before the first scan"));
        };
        let frame = Frame::new(&tables)?;
        let sizes = shrinks.iter().map(|shrink| Scaled::new(&frame, *shrink));
        Ok(Self {
            file,
            sizes: sizes.collect::<Result<_, _>>()?,
            quantizers: vec![None; frame.components.len()],
            bits: Bits::new(file, segments.position()),
            tables,
            frame,
            reading,
            first,
            smoothing: None,
        })
    }

    /// Tells whether an Adobe marker is there, with which programs store four inks inverted; they
    /// come as they are stored.
    pub(in crate::imaging::formats) const fn has_adobe_marker(&self) -> bool {
        self.tables.adobe.named
    }

    /// Decodes the samples of all pixels, for each of the sizes.
    ///
    /// # Errors
    /// When the file is damaged.
    pub(in crate::imaging::formats) fn decode(mut self) -> Result<Vec<Vec<u8>>, Error> {
        let all =
            if self.keeps_coefficients() { self.by_way_of_planes()? } else { self.directly()? };
        Ok(all.into_iter().map(Strips::into_pixels).collect())
    }

    /// Tells how the components are stored, if their bands can be had.
    pub(in crate::imaging::formats) fn layout(&self) -> Option<Layout> {
        Bands::new(&self.frame).and_then(|_| layout(&self.frame))
    }

    /// Hands over the coefficients, band by band from the top.
    ///
    /// # Errors
    /// When the file is damaged, when it is progressive and ends before its last detail, and when
    /// no more is wanted.
    pub(in crate::imaging::formats) fn each_band(
        mut self,
        each: &mut EachBand<'_>,
    ) -> Result<(), Error> {
        const OTHERS: Error = Error::Unsupported("a JPEG that is to be decoded to pixels");
        let mut bands = Bands::new(&self.frame).ok_or(OTHERS)?;
        let numbers = 0..bands.count(&self.frame);
        if self.keeps_coefficients() {
            let mut planes = self.planes()?;
            if self.smoothing.is_some() {
                return Err(OTHERS);
            }
            for number in numbers {
                if !each(bands.copy(&self.frame, number, &mut planes), &self.quantizers) {
                    return Err(OTHERS);
                }
            }
            return Ok(());
        }
        let mut scan = self.scan(self.first.clone())?;
        let mut coded = scan.coded(&self.tables, &[])?;
        for number in numbers {
            let scan = (&mut scan, &mut coded[..]);
            let band = bands.decode(&self.frame, number, &mut self.bits, scan)?;
            if !each(band, &self.quantizers) {
                return Err(OTHERS);
            }
        }
        self.finish()
    }

    /// Decodes to coefficients instead, which are not dequantized.
    #[cfg(test)]
    pub(super) fn coefficients(mut self) -> Result<Vec<Coefficients>, Error> {
        let planes = self.planes()?;
        let all = planes.into_iter().zip(&self.frame.components);
        let all = all.map(|(plane, component)| Coefficients {
            size: (component.blocks_across, component.blocks_down),
            stride: plane.across,
            blocks: plane.whole(),
        });
        Ok(all.collect())
    }

    /// Tells whether all coefficients are kept in memory before any becomes a sample.
    fn keeps_coefficients(&self) -> bool {
        self.frame.progressive || self.first.components.len() < self.frame.components.len()
    }

    /// Makes room for the pixels; the quantization tables have to be known.
    fn strips(&self) -> Vec<Strips> {
        let sizes = self.sizes.iter();
        sizes.map(|scaled| Strips::new(&self.frame, scaled, &self.quantizers)).collect()
    }

    fn by_way_of_planes(&mut self) -> Result<Vec<Strips>, Error> {
        let mut planes = self.planes()?;
        let mut all = self.strips();
        for unit in 0..self.frame.units_down {
            for strips in &mut all {
                strips.transform(&self.frame, unit, &mut planes, self.smoothing.as_deref());
            }
        }
        Ok(all)
    }

    fn directly(&mut self) -> Result<Vec<Strips>, Error> {
        let scan = self.scan(self.first.clone())?;
        let mut direct = Direct::new(scan, &self.tables, &self.sizes)?;
        let mut all = self.strips();
        for unit in 0..self.frame.units_down {
            direct.decode(&self.frame, &mut self.bits, unit, &mut all)?;
        }
        self.finish()?;
        Ok(all)
    }

    /// Makes a scan ready: its tables are those that are there now.
    fn scan(&mut self, header: ScanHeader) -> Result<Scan, Error> {
        if !self.frame.progressive {
            for (place, colour) in [(0, false), (1, true)] {
                self.tables.dc[place].get_or_insert_with(|| standard(false, colour));
                self.tables.ac[place].get_or_insert_with(|| standard(true, colour));
            }
        }
        let scan = Scan::new(&self.frame, header, &self.tables)?;
        for index in &scan.indices {
            if self.quantizers[*index].is_none() {
                let number = usize::from(self.frame.components[*index].table);
                let table = self.tables.quantization.get(number).copied().flatten();
                let missing = Error::Header("a scan whose quantization table is missing");
                self.quantizers[*index] = Some(table.ok_or(missing)?);
            }
        }
        Ok(scan)
    }

    /// Reads all scans.
    fn planes(&mut self) -> Result<Vec<Plane>, Error> {
        let mut planes = Plane::of(&self.frame);
        let mut progress = vec![[None; 64]; planes.len()];
        let mut header = self.first.clone();
        for _ in 0..MOST_SCANS {
            let scan = self.scan(header)?;
            let marker = self.read(scan, &mut planes, &mut progress)?;
            let mut segments = Segments::new(self.file, self.bits.position());
            match self.tables.read(&mut segments, Some(marker))? {
                Next::End => {
                    self.smoothing = Smoothing::of(&self.frame, &progress, &self.quantizers);
                    return Ok(planes);
                }
                // All components were there, and so nothing can follow.
                Next::Scan(_) if !self.keeps_coefficients() => {
                    return Err(Error::Header("a scan behind the only one"));
                }
                Next::Scan(next) => header = next,
            }
            self.bits.start(segments.position());
        }
        Err(Error::TooManyScans)
    }

    /// Reads a scan and returns the marker behind it.
    fn read(
        &mut self,
        mut scan: Scan,
        planes: &mut [Plane],
        progress: &mut [Progress],
    ) -> Result<u8, Error> {
        let rows = 0..scan.down();
        let indices = scan.indices.clone();
        if self.frame.progressive {
            let header = scan.header.clone();
            let mut visitor = Progressive::new(planes, &header, &indices, &self.tables)?;
            for index in &indices {
                Progressive::note(&header, &mut progress[*index]);
            }
            let counts = header.first == 0
                || indices.iter().any(|index| !needs_lowest_only(&self.sizes, *index));
            if counts || self.reading == Reading::Everything {
                scan.walk(&mut self.bits, rows, &mut visitor)?;
            }
            return self.bits.marker();
        }
        let mut coded = scan.coded(&self.tables, &[])?;
        let lenient_from = scan.lenient_from();
        let (coded, indices) = (&mut coded[..], &indices[..]);
        let mut visitor = IntoPlanes { planes, coded, indices, lenient_from };
        scan.walk(&mut self.bits, rows, &mut visitor)?;
        self.bits.marker()
    }

    /// Looks for the end behind the last row (B.2.1).
    fn finish(&mut self) -> Result<(), Error> {
        let marker = self.bits.marker()?;
        let mut segments = Segments::new(self.file, self.bits.position());
        match self.tables.read(&mut segments, Some(marker))? {
            Next::End => Ok(()),
            Next::Scan(_) => Err(Error::Header("a scan behind the only one")),
        }
    }
}
