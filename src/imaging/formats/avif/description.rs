//! The description of the picture in AVIF (ISO/IEC 14496-12, 23008-12): boxes inside of boxes, items with
//! properties, and where each item's bytes are.
//!
//! Every length comes from the file, so none is believed: bytes are taken from a slice that ends
//! where its box ends, lists grow by what is read and never by what is announced, and an item's
//! bytes are looked for only when they are wanted.

use std::io::{BufRead, Seek};

use super::super::boxes::{Bytes, Kind, content, next_box, nonsense, skip};
use super::super::{cut_short, unsupported};
use crate::diag::phrase;
use crate::imaging::{ConvertError, Size};

/// Most bytes of the description that stands before the pixels, colour profile included.
const META_BYTES: u64 = 16 << 20;

/// Most boxes that are looked through for the description.
const BOXES: usize = 64;

/// Most items and references of one picture; a grid of the largest kind has 65,536 tiles.
const ENTRIES: usize = 70_000;

/// What an item is said to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Property {
    /// `ispe`: the size before anything is done to it.
    Size(Size),
    /// `av1C`: how it is coded.
    Coding(Coding),
    /// `colr` with numbers (ISO/IEC 23091-2).
    Colour(Cicp),
    /// `colr` with a profile.
    Profile(Vec<u8>),
    /// `irot`: quarter turns against the clock.
    Turn(u8),
    /// `imir`: the parts that change places are left and right, else top and bottom.
    Mirror {
        /// Left and right.
        sideways: bool,
    },
    /// `clap`: width, height, and how far the centre is off, as fractions.
    Crop([(u32, u32); 4]),
    /// `auxC`: what an auxiliary picture means.
    Meaning(Vec<u8>),
    /// One that changes nothing here.
    Harmless,
    /// One that is not known.
    Unknown(Kind),
}

/// The first bytes of `av1C`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coding {
    /// 8, 10 or 12.
    pub(super) bits: u8,
    pub(super) monochrome: bool,
}

/// What the components of a coded picture mean (ISO/IEC 23091-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cicp {
    pub(super) primaries: u16,
    pub(super) transfer: u16,
    pub(super) matrix: u16,
    pub(super) full_range: bool,
}

/// One item: a picture, a tile, a rule to put tiles together.
#[derive(Debug, Clone, Default)]
pub(super) struct Item {
    pub(super) number: u32,
    pub(super) kind: Kind,
    hidden_method: bool,
    /// Whether its bytes are in the description itself.
    inside: bool,
    extents: Vec<(u64, u64)>,
    /// Numbers of its properties, in order, and whether each must be understood.
    properties: Vec<(usize, bool)>,
}

/// What a file says of its picture.
#[derive(Debug, Clone, Default)]
pub(super) struct Meta {
    primary: u32,
    items: Vec<Item>,
    properties: Vec<Property>,
    /// Kind, from, to.
    references: Vec<(Kind, u32, Vec<u32>)>,
    inside: Vec<u8>,
}

impl Meta {
    /// Looks for the description and reads it.
    pub(super) fn read<R: BufRead + Seek>(mut input: R) -> Result<Self, ConvertError> {
        for _ in 0..BOXES {
            let Some((kind, length)) = next_box(&mut input)? else { return Err(cut_short()) };
            if &kind == b"meta" {
                return Self::parse(&content(&mut input, length, META_BYTES)?);
            }
            let Some(length) = length else { return Err(no_still()) };
            skip(&mut input, length)?;
        }
        Err(no_still())
    }

    fn parse(description: &[u8]) -> Result<Self, ConvertError> {
        let mut meta = Self::default();
        let mut bytes = Bytes(description);
        bytes.version()?;
        let mut locations = None;
        let mut associations = Vec::new();
        while let Some((kind, mut content)) = bytes.next()? {
            match &kind {
                b"pitm" => {
                    let (version, _) = content.version()?;
                    meta.primary = content.item_number(version > 0)?;
                }
                b"iinf" => meta.items = items(content)?,
                b"iloc" => locations = Some(content),
                b"iref" => meta.references = references(content)?,
                b"idat" => meta.inside = content.0.to_vec(),
                b"iprp" => {
                    while let Some((kind, content)) = content.next()? {
                        match &kind {
                            b"ipco" => meta.properties = properties(content)?,
                            b"ipma" => associations.push(content),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        // Numbers only mean something once the items are there, wherever their box stands.
        meta.items.sort_by_key(|item| item.number);
        meta.locate(locations.ok_or_else(nonsense)?)?;
        for content in associations {
            meta.associate(content)?;
        }
        Ok(meta)
    }

    fn locate(&mut self, mut bytes: Bytes) -> Result<(), ConvertError> {
        let (version, _) = bytes.version()?;
        let sizes = bytes.short()?.to_be_bytes();
        let nibble = |byte: u8, high: bool| usize::from(if high { byte >> 4 } else { byte & 15 });
        let (offset, length) = (nibble(sizes[0], true), nibble(sizes[0], false));
        let (base, index) = (nibble(sizes[1], true), nibble(sizes[1], false));
        if version > 2 || [offset, length, base, index].iter().any(|&size| size > 8) {
            return Err(nonsense());
        }
        let count = bytes.item_number(version == 2)?;
        for _ in 0..count {
            let number = bytes.item_number(version == 2)?;
            let method = if version > 0 { bytes.short()? & 15 } else { 0 };
            let elsewhere = bytes.short()? != 0;
            let base = bytes.number(base)?;
            let mut extents = Vec::new();
            for _ in 0..bytes.short()? {
                bytes.number(if version > 0 { index } else { 0 })?;
                let start = base.checked_add(bytes.number(offset)?).ok_or_else(nonsense)?;
                extents.push((start, bytes.number(length)?));
                if offset + length == 0 && extents.len() > 1 {
                    return Err(nonsense());
                }
            }
            if let Some(item) = self.item_mut(number) {
                item.hidden_method = method > 1 || elsewhere;
                item.inside = method == 1;
                item.extents = extents;
            }
        }
        Ok(())
    }

    fn associate(&mut self, mut bytes: Bytes) -> Result<(), ConvertError> {
        let (version, flags) = bytes.version()?;
        for _ in 0..bytes.long()? {
            let number = bytes.item_number(version > 0)?;
            let mut list = Vec::new();
            for _ in 0..bytes.byte()? {
                let (index, essential) = if flags & 1 == 1 {
                    let index = bytes.short()?;
                    (index & 0x7fff, index >> 15 == 1)
                } else {
                    let index = bytes.byte()?;
                    (u16::from(index & 0x7f), index >> 7 == 1)
                };
                // 0 is no property.
                if let Some(index) = usize::from(index).checked_sub(1) {
                    list.push((index, essential));
                }
            }
            if let Some(item) = self.item_mut(number) {
                item.properties = list;
            }
        }
        Ok(())
    }

    fn item_mut(&mut self, number: u32) -> Option<&mut Item> {
        let at = self.items.binary_search_by_key(&number, |item| item.number).ok()?;
        self.items.get_mut(at)
    }

    pub(super) fn item(&self, number: u32) -> Result<&Item, ConvertError> {
        let at = self.items.binary_search_by_key(&number, |item| item.number);
        at.ok().and_then(|at| self.items.get(at)).ok_or_else(nonsense)
    }

    /// Returns the item that is the picture.
    pub(super) fn primary(&self) -> Result<&Item, ConvertError> {
        self.item(self.primary)
    }

    /// Returns the properties of an item, in order.
    ///
    /// # Errors
    /// When one that must be understood is not.
    pub(super) fn properties(&self, item: &Item) -> Result<Vec<&Property>, ConvertError> {
        let mut list = Vec::new();
        for &(index, essential) in &item.properties {
            match self.properties.get(index).ok_or_else(nonsense)? {
                Property::Unknown(kind) if essential => {
                    return Err(unsupported(phrase!(
                        "source-avif-property",
                        "an AVIF that makes use of “{name}”",
                        name = kind.escape_ascii().to_string()
                    )));
                }
                property => list.push(property),
            }
        }
        Ok(list)
    }

    /// Returns what an item refers to in one way.
    pub(super) fn referred(&self, kind: &Kind, from: u32) -> &[u32] {
        let found = self.references.iter().find(|(k, f, _)| k == kind && *f == from);
        found.map_or(&[], |(_, _, to)| to)
    }

    /// Returns the items that refer to one in one way.
    pub(super) fn referring(&self, kind: &Kind, to: u32) -> impl Iterator<Item = u32> {
        let of = move |(k, _, t): &&(Kind, u32, Vec<u32>)| k == kind && t.contains(&to);
        self.references.iter().filter(of).map(|(_, from, _)| *from)
    }

    /// Collects the bytes of an item from the file.
    ///
    /// # Errors
    /// When they reach over the end of the file.
    pub(super) fn bytes(&self, item: &Item, file: &[u8]) -> Result<Vec<u8>, ConvertError> {
        if item.hidden_method {
            return Err(unsupported(phrase!(
                "source-avif-picture-elsewhere",
                "an AVIF whose picture is not in the file itself"
            )));
        }
        let whole = if item.inside { self.inside.as_slice() } else { file };
        let mut collected = Vec::new();
        for &(start, length) in &item.extents {
            let start = usize::try_from(start).map_err(|_| nonsense())?;
            let from = whole.get(start..).ok_or_else(cut_short)?;
            let length = usize::try_from(length).map_err(|_| nonsense())?;
            // A length of 0 is all that is left.
            let extent = if length == 0 { Some(from) } else { from.get(..length) };
            let extent = extent.ok_or_else(cut_short)?;
            if collected.len() + extent.len() > whole.len() {
                return Err(nonsense());
            }
            collected.extend_from_slice(extent);
        }
        Ok(collected)
    }
}

fn no_still() -> ConvertError {
    unsupported(phrase!(
        "source-avif-moving-pictures-without-still",
        "an AVIF of moving pictures without a still one"
    ))
}

fn items(mut bytes: Bytes) -> Result<Vec<Item>, ConvertError> {
    let (version, _) = bytes.version()?;
    bytes.item_number(version > 0)?;
    let mut list = Vec::new();
    while let Some((kind, mut content)) = bytes.next()? {
        let (version, _) = content.version()?;
        if &kind != b"infe" || version < 2 {
            continue;
        }
        let number = content.item_number(version > 2)?;
        let protected = content.short()? != 0;
        let kind = if protected { *b"????" } else { content.kind()? };
        if list.len() == ENTRIES {
            return Err(nonsense());
        }
        list.push(Item { number, kind, ..Item::default() });
    }
    Ok(list)
}

fn references(mut bytes: Bytes) -> Result<Vec<(Kind, u32, Vec<u32>)>, ConvertError> {
    let (version, _) = bytes.version()?;
    let wide = version > 0;
    let mut list = Vec::new();
    while let Some((kind, mut content)) = bytes.next()? {
        let from = content.item_number(wide)?;
        let count = content.short()?;
        let to: Result<Vec<u32>, _> = (0..count).map(|_| content.item_number(wide)).collect();
        if list.len() == ENTRIES {
            return Err(nonsense());
        }
        list.push((kind, from, to?));
    }
    Ok(list)
}

fn properties(mut bytes: Bytes) -> Result<Vec<Property>, ConvertError> {
    let mut list = Vec::new();
    while let Some((kind, content)) = bytes.next()? {
        if list.len() == ENTRIES {
            return Err(nonsense());
        }
        list.push(property(kind, content)?);
    }
    Ok(list)
}

fn property(kind: Kind, mut bytes: Bytes) -> Result<Property, ConvertError> {
    Ok(match &kind {
        b"ispe" => {
            bytes.version()?;
            Property::Size(Size::new(bytes.long()?, bytes.long()?))
        }
        b"av1C" => {
            let [_, _, flags, _] = bytes.long()?.to_be_bytes();
            let bits = match (flags >> 6 & 1, flags >> 5 & 1) {
                (0, _) => 8,
                (_, 0) => 10,
                (_, _) => 12,
            };
            Property::Coding(Coding { bits, monochrome: flags >> 4 & 1 == 1 })
        }
        b"colr" => match &bytes.kind()? {
            b"nclx" => Property::Colour(Cicp {
                primaries: bytes.short()?,
                transfer: bytes.short()?,
                matrix: bytes.short()?,
                full_range: bytes.byte()? >> 7 == 1,
            }),
            b"prof" | b"rICC" => Property::Profile(bytes.0.to_vec()),
            _ => Property::Unknown(kind),
        },
        b"irot" => Property::Turn(bytes.byte()? & 3),
        b"imir" => Property::Mirror { sideways: bytes.byte()? & 1 == 1 },
        b"clap" => {
            let mut fractions = [(0, 0); 4];
            for fraction in &mut fractions {
                *fraction = (bytes.long()?, bytes.long()?);
            }
            Property::Crop(fractions)
        }
        b"auxC" => {
            bytes.version()?;
            let name = bytes.0.split(|&byte| byte == 0).next().unwrap_or_default();
            Property::Meaning(name.to_vec())
        }
        b"pixi" | b"pasp" | b"clli" | b"mdcv" | b"cclv" | b"a1lx" => Property::Harmless,
        _ => Property::Unknown(kind),
    })
}
