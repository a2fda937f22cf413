//! Sizes of a picture and its components (ITU T.81, A.1 and A.2).

use super::super::Shrink;
use super::error::Error;
use super::markers::{FrameHeader, Tables};
use super::upsample::Upsampling;
use crate::imaging::PixelType;

/// How the components become colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transform {
    /// They are what is wanted.
    None,
    /// Brightness and two differences become red, green and blue.
    ToRgb,
    /// The same for the complements of three inks; black stays.
    ToCmyk,
}

/// A component as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Component {
    pub(super) horizontal: usize,
    pub(super) vertical: usize,
    /// Its quantization table's number.
    pub(super) table: u8,
    /// Blocks that hold pixels.
    pub(super) blocks_across: usize,
    pub(super) blocks_down: usize,
    /// Blocks up to the end of the last unit of an interleaved scan.
    pub(super) stored_across: usize,
    pub(super) stored_down: usize,
}

/// A picture as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) progressive: bool,
    pub(super) components: Vec<Component>,
    most_horizontal: usize,
    most_vertical: usize,
    /// Interleaved units in each direction.
    pub(super) units_across: usize,
    pub(super) units_down: usize,
    width: usize,
    height: usize,
    pixel_type: PixelType,
    pub(super) transform: Transform,
}

impl Frame {
    /// Works out the sizes from what stands before the first scan.
    pub(super) fn new(tables: &Tables) -> Result<Self, Error> {
        let Some(header) = &tables.frame else {
            return Err(Error::Header("no frame header before the first scan"));
        };
        check(header)?;
        let (pixel_type, transform) = colours(header, tables)?;
        let (mut most_horizontal, mut most_vertical) = (1, 1);
        for component in &header.components {
            most_horizontal = most_horizontal.max(usize::from(component.horizontal));
            most_vertical = most_vertical.max(usize::from(component.vertical));
        }
        let (width, height) = (usize::from(header.width), usize::from(header.height));
        let units_across = width.div_ceil(8 * most_horizontal);
        let units_down = height.div_ceil(8 * most_vertical);
        let components = header.components.iter().map(|component| {
            let (horizontal, vertical) =
                (usize::from(component.horizontal), usize::from(component.vertical));
            Component {
                horizontal,
                vertical,
                table: component.table,
                blocks_across: (width * horizontal).div_ceil(most_horizontal * 8),
                blocks_down: (height * vertical).div_ceil(most_vertical * 8),
                stored_across: units_across * horizontal,
                stored_down: units_down * vertical,
            }
        });
        Ok(Self {
            progressive: header.progressive,
            components: components.collect(),
            most_horizontal,
            most_vertical,
            units_across,
            units_down,
            width,
            height,
            pixel_type,
            transform,
        })
    }
}

/// A component as it is decoded.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Samples in each direction that a block becomes: 1, 2, 4 or 8.
    pub(super) block: usize,
    /// Samples the component becomes.
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) upsampling: Upsampling,
}

/// A picture as it is decoded: at one of its sizes.
#[derive(Debug, Clone)]
pub(super) struct Scaled {
    /// Pixels of the decoded picture.
    pub(super) width: usize,
    pub(super) height: usize,
    /// The bytes of a row of them.
    pub(super) row: usize,
    /// Rows that a row of units comes to.
    pub(super) unit: usize,
    /// Rows of these that need what comes behind the row of units.
    pub(super) unsettled: usize,
    pub(super) parts: Vec<Part>,
}

impl Scaled {
    /// Works out the sizes at which a picture is decoded.
    pub(super) fn new(frame: &Frame, shrink: Shrink) -> Result<Self, Error> {
        let block = usize::from(shrink.eighths());
        let parts = frame.components.iter().map(|component| part(frame, component, block));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let needs_neighbours = parts.iter().any(|part| part.upsampling.needs_neighbours());
        let width = (frame.width * block).div_ceil(8);
        Ok(Self {
            width,
            height: (frame.height * block).div_ceil(8),
            row: width * frame.pixel_type.components(),
            unit: frame.most_vertical * block,
            unsettled: if needs_neighbours { frame.most_vertical } else { 0 },
            parts,
        })
    }
}

/// Works out a component's sizes where a block that is not subsampled becomes so many samples.
fn part(frame: &Frame, component: &Component, wanted: usize) -> Result<Part, Error> {
    let Component { horizontal, vertical, .. } = *component;
    let (most_horizontal, most_vertical) = (frame.most_horizontal, frame.most_vertical);
    // A subsampled component makes up for it by a larger transform as far as that goes.
    let mut block = wanted;
    while block < 8
        && (most_horizontal * wanted).is_multiple_of(horizontal * block * 2)
        && (most_vertical * wanted).is_multiple_of(vertical * block * 2)
    {
        block *= 2;
    }
    let width = (frame.width * horizontal * block).div_ceil(most_horizontal * 8);
    let height = (frame.height * vertical * block).div_ceil(most_vertical * 8);
    let group = (horizontal * block / wanted, vertical * block / wanted);
    let most = (most_horizontal, most_vertical);
    let upsampling = Upsampling::choose(group, most, wanted > 1, width > 2)?;
    Ok(Part { block, width, height, upsampling })
}

fn check(header: &FrameHeader) -> Result<(), Error> {
    if header.precision != 8 {
        return Err(Error::Unsupported("a JPEG whose samples have other than 8 bits"));
    }
    if header.width > 65_500 || header.height > 65_500 {
        return Err(Error::Unsupported("a JPEG of more than 65,500 pixels on each side"));
    }
    for component in &header.components {
        if !(1..=4).contains(&component.horizontal) || !(1..=4).contains(&component.vertical) {
            return Err(Error::Header("a sampling factor that is not 1 to 4"));
        }
    }
    Ok(())
}

/// Tells what the components mean (JFIF 1.02; Adobe technical note 5116, section 18).
fn colours(header: &FrameHeader, tables: &Tables) -> Result<(PixelType, Transform), Error> {
    let adobe = tables.adobe.transform;
    match header.components[..] {
        [_] => Ok((PixelType::Gray, Transform::None)),
        [a, b, c] => {
            let named_rgb = [a.id, b.id, c.id] == *b"RGB";
            let rgb = !tables.jfif && adobe.map_or(named_rgb, |transform| transform == 0);
            Ok((PixelType::Rgb, if rgb { Transform::None } else { Transform::ToRgb }))
        }
        [_, _, _, _] => {
            let plain = adobe.is_none_or(|transform| transform == 0);
            Ok((PixelType::Cmyk, if plain { Transform::None } else { Transform::ToCmyk }))
        }
        _ => Err(Error::Unsupported("a JPEG with other than 1, 3 or 4 components")),
    }
}
