//! The boxes before the codestream: colours, palette, which component is what, print resolution.
//!
//! ISO/IEC 15444-1, annex I.

use super::super::boxes::{Bytes, nonsense};
use super::super::{resolution, unsupported};
use super::codestream::Codestream;
use super::type_of_profile;
use crate::diag::phrase;
use crate::imaging::{ConvertError, PixelType};

/// Entries of the largest palette.
const PALETTE: u16 = 1024;

/// What the colours are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Colour {
    Gray,
    Srgb,
    /// Luma and two differences.
    Sycc,
    Cmyk,
    /// What a profile says, and which components that takes.
    Profile(Vec<u8>, PixelType),
}

/// One row of `cdef`: channel, kind, association.
type Definition = (u16, u16, u16);

/// What the boxes say; nothing for a bare codestream.
#[derive(Debug, Clone, Default)]
pub(super) struct Description {
    pub(super) colour: Option<Colour>,
    /// Whether there was a colour box, understood or not.
    coloured: bool,
    /// Columns of the palette as fractions, and their bits.
    palette: Vec<(Vec<f32>, u8)>,
    mapping: Vec<Channel>,
    definitions: Vec<Definition>,
    /// Pixels an inch across.
    pub(super) dpi: Option<f64>,
}

/// Where the values of one channel come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Channel {
    pub(super) component: usize,
    /// The column of the palette they are looked up in.
    pub(super) column: Option<usize>,
}

/// Which channels make a pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) pixel_type: PixelType,
    pub(super) colors: Vec<Channel>,
    pub(super) alpha: Option<Channel>,
    pub(super) premultiplied: bool,
    /// Whether 8 bits are not enough.
    pub(super) wide: bool,
}

impl Description {
    pub(super) fn parse(content: &[u8]) -> Result<Self, ConvertError> {
        let mut found = Self::default();
        let mut bytes = Bytes(content);
        while let Some((kind, content)) = bytes.next()? {
            match &kind {
                b"colr" => found.add_colour(content)?,
                b"pclr" => found.palette = palette(content)?,
                b"cmap" => found.mapping = mapping(content)?,
                b"cdef" => found.definitions = definitions(content)?,
                b"res " => found.dpi = dpi(content)?,
                _ => {}
            }
        }
        Ok(found)
    }

    /// Takes the first colour box that is understood.
    fn add_colour(&mut self, mut bytes: Bytes) -> Result<(), ConvertError> {
        let (method, _, _) = (bytes.byte()?, bytes.byte()?, bytes.byte()?);
        self.coloured = true;
        if self.colour.is_some() {
            return Ok(());
        }
        self.colour = match method {
            1 => match bytes.long()? {
                12 => Some(Colour::Cmyk),
                16 => Some(Colour::Srgb),
                17 => Some(Colour::Gray),
                18 => Some(Colour::Sycc),
                _ => None,
            },
            2 | 3 => type_of_profile(bytes.0).map(|kind| Colour::Profile(bytes.0.to_vec(), kind)),
            _ => None,
        };
        Ok(())
    }

    pub(super) fn profile(&self) -> Option<Vec<u8>> {
        match &self.colour {
            Some(Colour::Profile(profile, _)) => Some(profile.clone()),
            Some(Colour::Gray | Colour::Srgb | Colour::Sycc | Colour::Cmyk) | None => None,
        }
    }

    pub(super) fn column(&self, number: usize) -> Option<&[f32]> {
        self.palette.get(number).map(|(values, _)| values.as_slice())
    }

    /// Decides which channel is what.
    pub(super) fn layout(&self, codestream: &Codestream) -> Result<Layout, ConvertError> {
        let channels = self.channels(codestream)?;
        let pixel_type = match &self.colour {
            Some(Colour::Gray) => PixelType::Gray,
            Some(Colour::Srgb | Colour::Sycc) => PixelType::Rgb,
            Some(Colour::Cmyk) => PixelType::Cmyk,
            Some(Colour::Profile(_, kind)) => *kind,
            None if self.coloured => {
                return Err(unsupported(phrase!(
                    "source-jpeg-2000-rare-kind-colours",
                    "a JPEG 2000 with a rare kind of colours"
                )));
            }
            None if channels.len() < 3 => PixelType::Gray,
            None => PixelType::Rgb,
        };
        let count = pixel_type.components();
        let (order, alpha) = self.order(count, channels.len());
        let pick = |number: usize| channels.get(number).copied().ok_or_else(nonsense);
        let colors: Result<Vec<Channel>, _> = order.into_iter().map(pick).collect();
        let colors = colors?;
        let depth = |channel: &Channel| match channel.column {
            Some(column) => self.palette.get(column).map(|(_, bits)| *bits),
            None => codestream.bits.get(channel.component).copied(),
        };
        let wide = colors.iter().any(|channel| depth(channel).is_some_and(|bits| bits > 8));
        let premultiplied = alpha.is_some_and(|(_, premultiplied)| premultiplied);
        let alpha = alpha.map(|(number, _)| pick(number)).transpose()?;
        Ok(Layout { pixel_type, colors, alpha, premultiplied, wide })
    }

    /// Lists the channels: the components, or what the palette makes of them.
    fn channels(&self, codestream: &Codestream) -> Result<Vec<Channel>, ConvertError> {
        let components = codestream.bits.len();
        if self.palette.is_empty() {
            return Ok((0..components)
                .map(|component| Channel { component, column: None })
                .collect());
        }
        // Without a map, every column is looked up with the only component there should be.
        let all = |column| Channel { component: 0, column: Some(column) };
        let channels: Vec<Channel> = if self.mapping.is_empty() {
            (0..self.palette.len()).map(all).collect()
        } else {
            self.mapping.clone()
        };
        let exists = |channel: &Channel| {
            channel.component < components
                && channel.column.is_none_or(|column| column < self.palette.len())
        };
        if channels.iter().all(exists) { Ok(channels) } else { Err(nonsense()) }
    }

    /// Returns the channels of the colours, in order, and the one of the transparency.
    fn order(&self, colors: usize, channels: usize) -> (Vec<usize>, Option<(usize, bool)>) {
        let mut order: Vec<usize> = (0..colors).collect();
        if self.definitions.is_empty() {
            return (order, (channels == colors + 1).then_some((colors, false)));
        }
        let mut alpha = None;
        for &(channel, kind, association) in &self.definitions {
            match (kind, association) {
                (0, 1..) => {
                    if let Some(place) = order.get_mut(usize::from(association) - 1) {
                        *place = usize::from(channel);
                    }
                }
                (1 | 2, 0) => alpha = Some((usize::from(channel), kind == 2)),
                _ => {}
            }
        }
        (order, alpha)
    }
}

fn palette(mut bytes: Bytes) -> Result<Vec<(Vec<f32>, u8)>, ConvertError> {
    let (entries, columns) = (bytes.short()?, bytes.byte()?);
    if entries == 0 || entries > PALETTE || columns == 0 {
        return Err(nonsense());
    }
    let mut table = Vec::new();
    for &depth in bytes.take(usize::from(columns))? {
        if depth > 15 {
            return Err(unsupported(phrase!(
                "source-jpeg-2000-rare-kind-palette",
                "a JPEG 2000 with a rare kind of palette"
            )));
        }
        table.push((Vec::with_capacity(usize::from(entries)), depth + 1));
    }
    for _ in 0..entries {
        for (values, bits) in &mut table {
            let value = if *bits > 8 { bytes.short()? } else { bytes.byte()?.into() };
            let top = u16::MAX >> (16 - *bits);
            values.push(f32::from(value.min(top)) / f32::from(top));
        }
    }
    Ok(table)
}

fn mapping(mut bytes: Bytes) -> Result<Vec<Channel>, ConvertError> {
    let mut list = Vec::new();
    while !bytes.0.is_empty() {
        let (component, kind, column) = (bytes.short()?, bytes.byte()?, bytes.byte()?);
        let column = (kind == 1).then_some(usize::from(column));
        list.push(Channel { component: usize::from(component), column });
    }
    Ok(list)
}

fn definitions(mut bytes: Bytes) -> Result<Vec<Definition>, ConvertError> {
    let count = bytes.short()?;
    (0..count).map(|_| Ok((bytes.short()?, bytes.short()?, bytes.short()?))).collect()
}

/// Reads the resolution meant for showing, else the one of the scanner; in pixels a metre.
fn dpi(mut bytes: Bytes) -> Result<Option<f64>, ConvertError> {
    let mut found = [None; 2];
    while let Some((kind, mut content)) = bytes.next()? {
        let place = match &kind {
            b"resd" => 0,
            b"resc" => 1,
            _ => continue,
        };
        content.take(4)?;
        let (above, below) = (f64::from(content.short()?), f64::from(content.short()?));
        content.byte()?;
        let exponent = content.byte()?.cast_signed();
        let mut metre = above / below;
        for _ in 0..exponent.unsigned_abs() {
            metre = if exponent < 0 { metre / 10.0 } else { metre * 10.0 };
        }
        // Fractions of metres come back as the inches they were, to a thousandth.
        found[place] = resolution((metre * 25.4).round() / 1000.0);
    }
    Ok(found[0].or(found[1]))
}
