//! The conversion engine: bytes and modifiers in, bytes out.
//!
//! Nothing in here knows a path, a clock, an environment variable or a network. The road is
//!
//! ```text
//! text ──modifiers::parse──▶ Modifiers ─┐
//! bytes ──probe──▶ SourceInfo ──────────┼─plan──▶ Plan ──convert──▶ bytes
//! Limits, Defaults ─────────────────────┘
//! ```
//!
//! [`plan`] is pure arithmetic, everything that can be decided without pixels; [`convert()`]
//! obeys. A reply depends on the source's bytes and its own plan alone: it is the same whatever
//! else is made from the source in the same call. A source is read once, for all scales its plans
//! allow it to be decoded at. A document is a row of pages, each a picture with plans of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Cursor, Seek};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::diag::{Argument, Fault, Phrase, phrase};
use formats::Shrink;
use hands::Hands;
use thumbnail::Thumbnail;

mod angle;
pub mod color;
mod finish;
pub mod formats;
pub mod hands;
pub mod modifiers;
pub mod ops;
mod paths;
pub mod plan;
pub mod raster;
pub mod thumbnail;

mod execute;
#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the numbers of generated pictures are small"
)]
mod tests;

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl Size {
    /// Makes a size.
    #[must_use]
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// Counts the pixels.
    #[must_use]
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }
}

/// What the components of a pixel mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PixelType {
    /// One component, black to white.
    Gray,
    /// Red, green, blue.
    Rgb,
    /// Cyan, magenta, yellow, black; 0 is no ink.
    Cmyk,
}

impl PixelType {
    /// Counts the colour components, alpha not included.
    #[must_use]
    pub const fn components(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }
}

/// The eight EXIF orientations: what has to be done to the stored pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Orientation {
    /// Nothing (1).
    #[default]
    Upright,
    /// Mirror left and right (2).
    FlipHorizontal,
    /// Half a turn (3).
    Rotate180,
    /// Mirror top and bottom (4).
    FlipVertical,
    /// Mirror left and right, then turn by 270° clockwise (5).
    Transpose,
    /// Turn by 90° clockwise (6).
    Rotate90,
    /// Mirror left and right, then turn by 90° clockwise (7).
    Transverse,
    /// Turn by 270° clockwise (8).
    Rotate270,
}

impl Orientation {
    /// Tells whether width and height change places.
    #[must_use]
    pub const fn swaps(self) -> bool {
        matches!(self, Self::Transpose | Self::Rotate90 | Self::Transverse | Self::Rotate270)
    }

    /// Returns the upright size of a picture of this stored size.
    #[must_use]
    pub const fn applied(self, stored: Size) -> Size {
        if self.swaps() { Size::new(stored.height, stored.width) } else { stored }
    }
}

/// What the header of a source says; everything [`plan`] needs to know of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// The format of the bytes, whatever the file is called.
    pub format: formats::SourceFormat,
    /// Size after the orientation has been applied; of a document, that of the page.
    pub size: Size,
    /// Meaning of the components (a palette counts as what it holds).
    pub pixel_type: PixelType,
    /// Bits per component: 1, 2, 4, 8, 16 or 32.
    pub bits: u8,
    /// Whether any pixel can be transparent.
    pub alpha: bool,
    /// Print resolution in dots per inch, where the file tells it.
    pub dpi: Option<f64>,
    /// What turns the stored pixels upright.
    pub orientation: Orientation,
    /// Name of the embedded colour profile, where there is one.
    pub profile: Option<String>,
    /// Sizes of the pages of a document, at least one; empty for a picture.
    pub pages: Vec<Size>,
    /// The page this is about, from 1; `None` for a picture.
    pub page: Option<u32>,
    /// Paths embedded in the file, at most 100.
    pub paths: Vec<PathBounds>,
}

impl SourceInfo {
    /// Returns what there is to know of each page of a document; of a picture, what this says.
    pub fn each_page(&self) -> impl Iterator<Item = Self> {
        let picture = self.pages.is_empty().then(|| self.clone());
        let pages = (1..).zip(&self.pages);
        let page =
            |(number, size): (u32, &Size)| Self { size: *size, page: Some(number), ..self.clone() };
        picture.into_iter().chain(pages.map(page))
    }
}

/// The place of a path that a source holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PathBounds {
    /// Its name, at most 255 bytes.
    pub name: String,
    /// Left, top, right and bottom; 0 to 1 is the source, parts may lie outside.
    pub bounds: [f64; 4],
}

/// Most paths of a source that can be named.
const MAX_PATHS: usize = 100;

/// What a source may be before anything of it is decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Most pixels (width × height) of a source, a composite or a reply.
    pub max_pixels: u64,
    /// Longest side in pixels.
    pub max_side: u32,
    /// Most memory in bytes a decoder may ask for.
    pub max_alloc: u64,
    /// Dots per inch a page of a document is drawn at, which decides its size in pixels.
    pub page_resolution: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pixels: 100_000_000,
            max_side: 65_500,
            max_alloc: 640 << 20,
            page_resolution: 150,
        }
    }
}

impl Limits {
    /// Refuses a size, and a number of bytes it takes to hold it, that are over the limits.
    ///
    /// # Errors
    /// [`ConvertError::TooLarge`], and [`ConvertError::Damaged`] when a side is 0.
    pub fn allow(&self, size: Size, bytes: u64) -> Result<(), ConvertError> {
        if size.width == 0 || size.height == 0 {
            return Err(ConvertError::Damaged { detail: phrase!("no-pixels", "it has no pixels") });
        }
        let limit = if size.width > self.max_side || size.height > self.max_side {
            phrase!(
                "limit-side",
                "{pixels} pixels on each side",
                pixels = Argument::pixels(self.max_side)
            )
        } else if size.pixels() > self.max_pixels {
            phrase!("limit-pixels", "{pixels} pixels", pixels = Argument::Count(self.max_pixels))
        } else if bytes > self.max_alloc {
            phrase!("limit-memory", "{bytes} of memory", bytes = Argument::bytes(self.max_alloc))
        } else {
            return Ok(());
        };
        let (width, height) = (u64::from(size.width), u64::from(size.height));
        Err(ConvertError::TooLarge { width, height, limit })
    }
}

/// What is done about the orientation a camera noted in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Uprighting {
    /// The picture is turned upright when it is decoded.
    #[default]
    Apply,
    /// The stored pixels are taken as they lie.
    Ignore,
}

impl Uprighting {
    const fn of(self, header: &formats::Header) -> Orientation {
        match self {
            Self::Apply => header.orientation,
            Self::Ignore => Orientation::Upright,
        }
    }
}

impl From<bool> for Uprighting {
    fn from(apply: bool) -> Self {
        if apply { Self::Apply } else { Self::Ignore }
    }
}

/// Reads what a picture's header says, and refuses what is over the limits.
///
/// Allocates nothing that grows with the picture; a few kilobytes at the start are read, for
/// TIFF also the directory, wherever in the file it is, and the paths of a file that has some.
///
/// # Errors
/// [`ConvertError::Unknown`], [`ConvertError::Unsupported`], [`ConvertError::TooLarge`],
/// [`ConvertError::Damaged`] when the header is, [`ConvertError::Read`].
pub fn probe<R: BufRead + Seek>(
    mut input: R,
    limits: &Limits,
    uprighting: Uprighting,
) -> Result<SourceInfo, ConvertError> {
    let header = formats::header(&mut input, limits)?;
    let orientation = uprighting.of(&header);
    let upright = paths::upright(orientation);
    let paths = formats::paths(input, &header, limits);
    let bounds = |path: &paths::Path| {
        let bounds = path.mapped(&upright).bounds()?;
        Some(PathBounds { name: path.name.clone(), bounds })
    };
    let profile = header.profile.as_deref();
    Ok(SourceInfo {
        format: header.format,
        size: orientation.applied(header.size),
        pixel_type: header.pixel_type,
        bits: header.bits,
        alpha: header.alpha,
        dpi: header.dpi,
        orientation,
        profile: profile.and_then(|bytes| color::profile_name(bytes, header.pixel_type)),
        pages: header.pages.to_vec(),
        page: header.page,
        paths: paths.iter().filter_map(bounds).take(MAX_PATHS).collect(),
    })
}

/// The bytes a conversion is made of.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The file of the source.
    pub source: &'a [u8],
    /// What the plans name beside it, in any order.
    pub aux: &'a [(plan::Aux, Vec<u8>)],
    /// Who works on it. The replies do not depend on it.
    pub hands: Hands<'a>,
}

impl<'a> Inputs<'a> {
    /// Starts with a source that needs nothing else, and one thread.
    #[must_use]
    pub const fn of(source: &'a [u8]) -> Self {
        Self { source, aux: &[], hands: Hands::ALONE }
    }
}

/// Whether what is made is also shown small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Showing {
    /// Only the replies are made.
    #[default]
    Nothing,
    /// Thumbnails of the source and of each reply are made with them.
    Thumbnails,
}

/// What was made of a source.
#[derive(Debug)]
pub enum Made {
    /// A thumbnail of it; before the first reply that takes as much of it, or none.
    Source(Thumbnail),
    /// The reply to the plan of that number.
    Reply(usize, Result<Reply, ConvertError>),
}

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The file.
    pub file: Vec<u8>,
    /// What it looks like, where that is shown.
    pub thumbnail: Option<Thumbnail>,
}

/// Makes the replies of one source and hands each over, with the number of its plan, as soon as
/// it is made; the order is free.
///
/// # Errors
/// When the source cannot be read at all, before anything is handed over. A reply that fails
/// alone is handed over as its error.
pub fn convert(
    inputs: Inputs<'_>,
    plans: &[plan::Plan],
    limits: &Limits,
    uprighting: Uprighting,
    each: &mut dyn FnMut(usize, Result<Vec<u8>, ConvertError>),
) -> Result<(), ConvertError> {
    make((inputs, plans), (limits, uprighting), Showing::Nothing, &mut |made| match made {
        Made::Source(_) => {}
        Made::Reply(number, reply) => each(number, reply.map(|reply| reply.file)),
    })
}

/// As [`convert()`], with thumbnails.
///
/// # Errors
/// As [`convert()`].
pub fn convert_and_show(
    inputs: Inputs<'_>,
    plans: &[plan::Plan],
    limits: &Limits,
    uprighting: Uprighting,
    each: &mut dyn FnMut(Made),
) -> Result<(), ConvertError> {
    make((inputs, plans), (limits, uprighting), Showing::Thumbnails, each)
}

/// Shows a source of which nothing is made; `None` when it cannot be shown.
///
/// # Errors
/// When it cannot be read.
pub fn show(
    source: &[u8],
    limits: &Limits,
    uprighting: Uprighting,
) -> Result<Option<Thumbnail>, ConvertError> {
    let header = formats::header(Cursor::new(source), limits)?;
    let page = (!header.pages.is_empty()).then_some(1);
    let Some(header) = header.on_page(page) else { return Err(ConvertError::Changed) };
    let mut engine = execute::Engine::new(Inputs::of(source), &header, uprighting, limits);
    let shrinks = [thumbnail::shrink(&header)];
    let picture = decode((Inputs::of(source), &header), uprighting, limits, &shrinks);
    let Some(picture) = picture.into_iter().next() else { return Ok(None) };
    Ok(engine.thumbnail(&*picture?))
}

fn make(
    (inputs, plans): (Inputs<'_>, &[plan::Plan]),
    (limits, uprighting): (&Limits, Uprighting),
    showing: Showing,
    each: &mut dyn FnMut(Made),
) -> Result<(), ConvertError> {
    let header = formats::header(Cursor::new(inputs.source), limits)?;
    let pages: BTreeSet<Option<u32>> = plans.iter().map(|plan| plan.page).collect();
    for page in pages {
        let Some(header) = header.on_page(page) else { return Err(ConvertError::Changed) };
        let mut engine = execute::Engine::new(inputs, &header, uprighting, limits).showing(showing);
        let decode = |shrinks: &[Shrink]| decode((inputs, &header), uprighting, limits, shrinks);
        convert_page((plans, page), &decode, &mut engine, each)?;
    }
    Ok(())
}

/// The pixels of a page at one size, upright.
type Picture = Result<Arc<raster::Raster>, ConvertError>;

/// Decodes a page, or a picture, at each of some sizes.
fn decode(
    (inputs, header): (Inputs<'_>, &formats::Header),
    uprighting: Uprighting,
    limits: &Limits,
    shrinks: &[Shrink],
) -> Vec<Picture> {
    let orientation = uprighting.of(header);
    let Inputs { source, hands, .. } = inputs;
    let all = formats::decode_each(source, header, shrinks, limits, hands).into_iter();
    let upright = |(stored, shrink): (Result<raster::Raster, ConvertError>, &Shrink)| {
        let stored = stored.map_err(|error| error.on_page(header.page))?;
        let stored = match shrink {
            Shrink::Full => stored,
            // Decoded smaller, it holds means.
            Shrink::Half | Shrink::Quarter | Shrink::Eighth => ops::sampled(stored),
        };
        Ok(Arc::new(ops::orient(stored, orientation)))
    };
    all.zip(shrinks).map(upright).collect()
}

/// Makes the replies of one page, or of a picture; `decode` makes its pixels at each of some sizes.
fn convert_page(
    (plans, page): (&[plan::Plan], Option<u32>),
    decode: &dyn Fn(&[Shrink]) -> Vec<Picture>,
    engine: &mut execute::Engine<'_>,
    each: &mut dyn FnMut(Made),
) -> Result<(), ConvertError> {
    let of_page = |n: &usize| plans[*n].page == page;
    let mut wanted: BTreeMap<Shrink, Vec<usize>> = BTreeMap::new();
    for number in (0..plans.len()).filter(of_page) {
        if let Some(file) = engine.recoded(&plans[number]) {
            // Of what is never decoded there is nothing to be seen here.
            each(Made::Reply(number, Ok(Reply { file, thumbnail: None })));
            continue;
        }
        wanted.entry(engine.shrink(&plans[number])).or_default().push(number);
    }
    let shrinks: Vec<Shrink> = wanted.keys().copied().collect();
    let mut shows = engine.shows();
    // The smallest first: damage that only larger ones have does not keep it away.
    for (picture, mut numbers) in decode(&shrinks).into_iter().zip(wanted.into_values()).rev() {
        let picture = picture?;
        // Another size, only to be shown, would be a tenth of the work.
        if std::mem::take(&mut shows)
            && let Some(thumbnail) = engine.thumbnail(&picture)
        {
            each(Made::Source(thumbnail));
        }
        let last = numbers.pop();
        for number in numbers {
            each(Made::Reply(number, engine.reply(Arc::clone(&picture), &plans[number])));
        }
        // The last one may have the picture to itself.
        if let Some(last) = last {
            each(Made::Reply(last, engine.reply(picture, &plans[last])));
        }
    }
    Ok(())
}

/// Why a picture cannot be read, or a reply not be made.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// The bytes are no picture.
    #[error("it is {found}")]
    Unknown {
        /// What they look like, with its article.
        found: Phrase,
    },
    /// The picture is cut short or damaged.
    #[error("the picture is damaged: {detail}")]
    Damaged {
        /// What was found, in plain words.
        detail: Phrase,
    },
    /// The picture is over the limits.
    #[error("the picture is too large: {width} × {height} pixels; the limit is {limit}")]
    TooLarge {
        /// Width in pixels.
        width: u64,
        /// Height in pixels.
        height: u64,
        /// The limit, in words.
        limit: Phrase,
    },
    /// One page of a document.
    #[error("page {number}: {source}")]
    Page {
        /// Which, from 1.
        number: u32,
        /// What is wrong with it.
        source: Box<ConvertError>,
    },
    /// A variant of a format that is not read.
    #[error("this kind of picture cannot be read: {detail}")]
    Unsupported {
        /// Which variant, with its article.
        detail: Phrase,
    },
    /// The reply's format cannot hold the picture.
    #[error("{message}")]
    Unwritable {
        /// What does not fit.
        message: Phrase,
        /// What to write instead.
        help: Option<Phrase>,
    },
    /// The picture is not the one the plan was made for.
    #[error("the picture is not the one that was looked at before")]
    Changed,
    /// The system could not read the bytes.
    #[error("the bytes cannot be read")]
    Read(#[source] std::io::Error),
    /// A mistake of ours.
    #[error("{detail}")]
    Internal {
        /// What happened.
        detail: Phrase,
    },
}

impl ConvertError {
    /// Says what a person is told.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Unknown { found } => Fault::Mismatch {
                named: phrase!("thing-any-picture", "a picture"),
                found: found.clone(),
            },
            Self::Damaged { detail } => Fault::Damaged { detail: detail.clone() },
            Self::TooLarge { width, height, limit } => {
                Fault::TooLarge { width: *width, height: *height, limit: limit.clone() }
            }
            Self::Page { number, source } => {
                Fault::Page { number: *number, fault: Box::new(source.fault()) }
            }
            Self::Unsupported { detail } => Fault::UnsupportedSource { detail: detail.clone() },
            Self::Unwritable { message, help } => {
                Fault::Modifiers { message: message.clone(), help: help.clone() }
            }
            Self::Changed => Fault::KeepsChanging,
            Self::Read(error) => Fault::of_reading(error),
            Self::Internal { detail } => Fault::Internal { detail: detail.clone() },
        }
    }

    /// Says what is wrong, in words that other languages know.
    fn words(&self) -> Phrase {
        match self {
            Self::Unknown { found } => {
                phrase!("it-holds", "it is {found}", found = found.clone())
            }
            Self::Changed => {
                phrase!("picture-changed", "the picture is not the one that was looked at before")
            }
            Self::Read(_) => phrase!("bytes-unreadable", "the bytes cannot be read"),
            Self::Internal { detail } => detail.clone(),
            Self::Damaged { .. }
            | Self::TooLarge { .. }
            | Self::Page { .. }
            | Self::Unsupported { .. }
            | Self::Unwritable { .. } => self.fault().words(),
        }
    }

    /// Says which page of a document it is about, from 1; `None` is a picture.
    pub(crate) fn on_page(self, page: Option<u32>) -> Self {
        match page {
            Some(number) => Self::Page { number, source: Box::new(self) },
            None => self,
        }
    }

    pub(crate) fn internal(detail: impl Into<Phrase>) -> Self {
        Self::Internal { detail: detail.into() }
    }

    pub(crate) fn unwritable(message: Phrase, help: Phrase) -> Self {
        Self::Unwritable { message, help: Some(help) }
    }

    /// A picture with a side longer than a format can count.
    pub(crate) fn too_large_for(format: &str, longest: u32, size: Size) -> Self {
        let Size { width, height } = size;
        let message = phrase!(
            "too-long-for-format",
            "a {format} can have at most {longest} pixels on each side; this one would have \
             {width} × {height}",
            format = format,
            longest = Argument::pixels(longest),
            width = Argument::pixels(width),
            height = Argument::pixels(height),
        );
        let help = phrase!("smaller-or-other", "ask for a smaller size or another format");
        Self::unwritable(message, help)
    }
}
