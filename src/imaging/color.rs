//! The meaning of components: colour profiles and conversions between gray, RGB and CMYK.
//!
//! A plan says from which space to which a picture goes ([`Conversion`]); here that is done. Where
//! both are known, the colour library converts from one profile to the other, with the intent,
//! black-point compensation and dithering of the plan. Where one is not, the naïve formulas stand
//! in; RGB is then sRGB:
//!
//! | from | to | road |
//! |---|---|---|
//! | known | known | one transform |
//! | known | CMYK of nobody's, or the built-in gray from colours | to sRGB, then naïve |
//! | CMYK of nobody's | known | naïve to sRGB, then from there |
//! | either is nobody's | the same type | components are kept |
//!
//! Between sRGB, its gray and CMYK of nobody's everything is naïve and exact. A profile that
//! cannot be read, is not for the picture's type, or not that of a device, is treated as if it
//! were not there. Alpha is never touched.
//!
//! Everything here is the same on every run: the tables come from one library that is linked
//! statically, and the profiles that are made carry a fixed date.

use std::fmt;
use std::rc::Rc;

use lcms2::{Flags, Intent as Library, Profile, Transform};

use super::hands::Hands;
use super::plan::{Aux, Conversion, GRAY, Intent, Output, Space};
use super::raster::{Alpha, Raster, Sample, Samples};
use super::{ConvertError, PixelType};

mod dither;
mod kept;
mod lab;
mod naive;
mod profiles;

use crate::diag::phrase;
pub(super) use dither::diffuse;
pub use lab::LabToRgb;
pub use naive::color_in;
pub(super) use naive::naive;
pub use profiles::{HEADER, pixel_type_of, profile_name, reply_profile};
use profiles::{format_of, gray_curve_profile, open};

/// From so many pixels on, it is worth it that each thread makes the transform for itself.
const LARGE: u64 = if cfg!(test) { 0 } else { 4_000_000 };

/// What the components of one source mean, and the conversions made for it so far.
pub struct Colors<'a> {
    /// Meaning of the source's components.
    source: PixelType,
    /// The source's profile, if it is of use.
    own: Option<Own<'a>>,
    /// What was handed over for the plans.
    aux: &'a [(Aux, Vec<u8>)],
    opened: Vec<(Place, Profile)>,
    transforms: Vec<(Route, Rc<Transform<u8, u8>>)>,
    hands: Hands<'a>,
}

/// The profile embedded in a source.
struct Own<'a> {
    bytes: &'a [u8],
    /// Whether it is sRGB in effect.
    srgb: bool,
}

/// A known space.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// sRGB.
    Srgb,
    /// Gray with the tone curve of sRGB.
    Gray,
    /// That of the source's profile.
    Own,
    /// That of a profile that was handed over.
    Named(String, PixelType),
}

/// From where to where a transform leads, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Route {
    from: Place,
    to: Place,
    intent: Intent,
    black_point: bool,
    /// Bytes per component.
    depth: usize,
}

impl Place {
    /// Tells whether this is what naïve conversions lead to and from.
    const fn is_plain(&self) -> bool {
        matches!(self, Self::Srgb | Self::Gray)
    }

    /// Returns the plain space of a type; CMYK has none.
    const fn plain(pixel_type: PixelType) -> Option<Self> {
        match pixel_type {
            PixelType::Gray => Some(Self::Gray),
            PixelType::Rgb => Some(Self::Srgb),
            PixelType::Cmyk => None,
        }
    }
}

impl fmt::Debug for Colors<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes: Vec<_> = self.transforms.iter().map(|(route, _)| route).collect();
        let own = self.own.is_some();
        f.debug_struct("Colors").field("own", &own).field("routes", &routes).finish()
    }
}

impl<'a> Colors<'a> {
    /// Looks at the profile of a source; `aux` holds the bytes of the profiles that plans name.
    #[must_use]
    pub fn of(profile: Option<&'a [u8]>, pixel_type: PixelType, aux: &'a [(Aux, Vec<u8>)]) -> Self {
        let mut colors = Self {
            source: pixel_type,
            own: None,
            aux,
            opened: Vec::new(),
            transforms: Vec::new(),
            hands: Hands::ALONE,
        };
        let Some(bytes) = profile else { return colors };
        if !kept::is_of_use(bytes, pixel_type) {
            return colors;
        }
        colors.own = Some(Own { bytes, srgb: false });
        if pixel_type == PixelType::Rgb {
            let Conversion { intent, black_point, .. } = Conversion::default();
            let (from, to) = (Place::Own, Place::Srgb);
            let route = Route { from, to, intent, black_point, depth: 1 };
            let srgb = colors.transform(route).is_ok_and(|made| is_identity(&made));
            colors.own = Some(Own { bytes, srgb });
        }
        colors
    }

    /// Has several threads convert large pictures; what comes out is the same.
    #[must_use]
    pub fn by(self, hands: Hands<'a>) -> Self {
        Self { hands, ..self }
    }

    /// Converts a picture of this source to the space of a reply.
    ///
    /// # Errors
    /// [`ConvertError::Unwritable`] when a profile of the configuration cannot be used.
    pub fn to_output(&mut self, picture: Raster, output: &Output) -> Result<Raster, ConvertError> {
        let (found, wanted) = (picture.pixel_type(), output.pixel_type);
        let how = &output.conversion;
        let from = self.origin(&picture, &how.from);
        let to = self.place(&how.to, wanted);
        // Colours become the built-in gray as they always did: by luma.
        let luma = how.to == Space::BuiltIn && wanted == PixelType::Gray && found != wanted;
        let made = match (from, to) {
            (from, to) if found == wanted && (from.is_none() || to.is_none() || from == to) => {
                picture
            }
            (Some(from), Some(to)) if !luma => self.managed(picture, (from, to), output)?,
            (Some(from), _) => {
                let srgb = if from.is_plain() {
                    picture
                } else {
                    let between = Output { pixel_type: PixelType::Rgb, ..output.clone() };
                    self.managed(picture, (from, Place::Srgb), &between)?
                };
                naive(srgb, wanted)
            }
            (None, Some(to)) if !to.is_plain() => {
                let srgb = naive(picture, PixelType::Rgb);
                self.managed(srgb, (Place::Srgb, to), output)?
            }
            (None, _) => naive(picture, wanted),
        };
        Ok(made.with_profile(None))
    }

    /// Tells whether a source of a reply's pixel type is in the reply's space already.
    #[must_use]
    pub fn keeps(&self, how: &Conversion, pixel_type: PixelType) -> bool {
        let (from, to) = (self.place(&how.from, pixel_type), self.place(&how.to, pixel_type));
        pixel_type == self.source && (from.is_none() || to.is_none() || from == to)
    }

    /// Converts a picture that is in the space of a reply to sRGB.
    ///
    /// # Errors
    /// As [`Self::to_output`].
    pub fn reply_to_srgb(
        &mut self,
        picture: Raster,
        reply: &Output,
    ) -> Result<Raster, ConvertError> {
        let made = match self.place(&reply.conversion.to, reply.pixel_type) {
            Some(from) if !from.is_plain() => {
                let conversion = Conversion::default();
                let shown = Output { pixel_type: PixelType::Rgb, conversion, ..reply.clone() };
                self.managed(picture, (from, Place::Srgb), &shown)?
            }
            Some(_) | None => naive(picture, PixelType::Rgb),
        };
        Ok(made.with_profile(None))
    }

    /// Returns the profile that says what the components of a reply mean; none where nobody knows.
    #[must_use]
    pub fn profile_of(&self, output: &Output) -> Option<Vec<u8>> {
        match self.place(&output.conversion.to, output.pixel_type)? {
            Place::Srgb => reply_profile(PixelType::Rgb),
            Place::Gray => reply_profile(PixelType::Gray),
            Place::Own => self.own.as_ref().map(|own| own.bytes.to_vec()),
            Place::Named(name, _) => self.bytes(&name).map(<[u8]>::to_vec),
        }
    }

    /// Finds the space a picture is in: as planned, unless it has left that on the way here.
    fn origin(&self, picture: &Raster, planned: &Space) -> Option<Place> {
        let pixel_type = picture.pixel_type();
        let dropped = self.own.is_some() && picture.profile().is_none();
        if pixel_type != self.source || dropped {
            return Place::plain(pixel_type);
        }
        self.place(planned, pixel_type)
    }

    /// Finds the place of a space for pictures of a type.
    fn place(&self, space: &Space, pixel_type: PixelType) -> Option<Place> {
        match space {
            Space::Unknown => None,
            Space::BuiltIn => Place::plain(pixel_type),
            Space::Embedded => match &self.own {
                Some(own) if pixel_type == self.source && !own.srgb => Some(Place::Own),
                Some(_) | None => Place::plain(pixel_type),
            },
            Space::Named(name) if name == GRAY => Some(Place::Gray),
            Space::Named(name) => Some(Place::Named(name.clone(), pixel_type)),
        }
    }

    fn bytes(&self, name: &str) -> Option<&'a [u8]> {
        self.aux.iter().find_map(|(aux, bytes)| match aux {
            Aux::Profile(known) if known == name => Some(bytes.as_slice()),
            Aux::Profile(_) | Aux::Mask(_) => None,
        })
    }

    /// Converts from profile to profile.
    fn managed(
        &mut self,
        picture: Raster,
        (from, to): (Place, Place),
        output: &Output,
    ) -> Result<Raster, ConvertError> {
        let wanted = output.pixel_type;
        if from == to {
            return Ok(picture);
        }
        if (&from, &to) == (&Place::Gray, &Place::Srgb) {
            // The same curve: exactly what a profile would say.
            return Ok(naive(picture, wanted));
        }
        let Conversion { intent, black_point, dither, .. } = output.conversion;
        let wide = dither || matches!(picture.samples(), Samples::Sixteen(_));
        let depth = if wide { 2 } else { 1 };
        let route = Route { from, to, intent, black_point, depth };
        self.transform(route.clone())?;
        let alpha = Alpha::from_bool(picture.has_alpha());
        let rows = Rows::of(&picture, wanted);
        let samples = match picture.samples() {
            Samples::Eight(s) if !wide && alpha == Alpha::None => {
                self.rows(&route, s, &rows, |transform, s, out| transform.transform_pixels(s, out))
            }
            Samples::Eight(s) if !wide => {
                self.rows(&route, s, &rows, |t, s, out| rows.convert(t, s, out, |v: u8| v))
            }
            Samples::Eight(s) => {
                self.rows(&route, s, &rows, |t, s, out| rows.convert(t, s, out, u16::widen))
            }
            Samples::Sixteen(s) => {
                self.rows(&route, s, &rows, |t, s, out| rows.convert(t, s, out, |v: u16| v))
            }
        };
        Ok(picture.retyped(wanted, alpha, samples?))
    }

    /// Converts all rows of a picture, in bands where several threads do.
    fn rows<S: Sample, T: Sample>(
        &mut self,
        route: &Route,
        samples: &[S],
        rows: &Rows,
        convert: impl Fn(&Transform<u8, u8>, &[S], &mut [T]) + Sync,
    ) -> Result<Samples, ConvertError> {
        let transform = self.transform(route.clone())?;
        let mut out = vec![T::default(); rows.height * rows.made()];
        let worth = (rows.height * rows.width) as u64 >= LARGE && !self.hands.is_alone();
        match self.key(route).filter(|_| worth) {
            None => convert(&transform, samples, &mut out),
            Some(key) => {
                let band = self.hands.band(rows.height);
                let bands = samples.chunks(band * rows.given());
                self.hands.try_each(
                    bands.zip(out.chunks_mut(band * rows.made())),
                    || made(&key),
                    |transform, (samples, out)| {
                        let transform = transform.as_ref().ok_or_else(unmade)?;
                        convert(transform, samples, out);
                        Ok::<(), ConvertError>(())
                    },
                )?;
            }
        }
        Ok(T::wrap(out))
    }

    fn transform(&mut self, route: Route) -> Result<Rc<Transform<u8, u8>>, ConvertError> {
        if let Some((_, made)) = self.transforms.iter().find(|(made, _)| *made == route) {
            return Ok(Rc::clone(made));
        }
        let made = match self.key(&route).and_then(|key| kept::find(&key)) {
            Some(kept) => kept,
            None => {
                let made = Rc::new(self.make(&route)?);
                if let Some(key) = self.key(&route) {
                    kept::keep(&key, &made);
                }
                made
            }
        };
        self.transforms.push((route, Rc::clone(&made)));
        Ok(made)
    }

    /// Returns what tells a transform from those of all other pictures.
    fn key(&self, route: &Route) -> Option<kept::Key<'_>> {
        let end = |place: &Place| {
            Some(match place {
                Place::Srgb => kept::End::Srgb,
                Place::Gray => kept::End::Gray,
                Place::Own => kept::End::Profile(self.source, self.own.as_ref()?.bytes),
                Place::Named(name, pixel_type) => {
                    kept::End::Profile(*pixel_type, self.bytes(name)?)
                }
            })
        };
        let Route { from, to, intent, black_point, depth } = route;
        let how = (*intent, *black_point, *depth);
        Some(kept::Key { from: end(from)?, to: end(to)?, how })
    }

    fn make(&mut self, route: &Route) -> Result<Transform<u8, u8>, ConvertError> {
        let Route { from, to, intent, black_point, depth } = route;
        let (at_from, at_to) = (self.opened(from)?, self.opened(to)?);
        let (input, output) = (&self.opened[at_from].1, &self.opened[at_to].1);
        let ends = [(input, self.type_of(from)), (output, self.type_of(to))];
        between(ends, (*intent, *black_point, *depth)).ok_or_else(|| self.useless(to))
    }

    /// Opens the profile of a place, once.
    fn opened(&mut self, place: &Place) -> Result<usize, ConvertError> {
        if let Some(at) = self.opened.iter().position(|(opened, _)| opened == place) {
            return Ok(at);
        }
        let profile = match place {
            Place::Srgb => Some(Profile::new_srgb()),
            Place::Gray => gray_curve_profile().ok(),
            Place::Own => self.own.as_ref().and_then(|own| open(own.bytes, self.source)),
            Place::Named(name, pixel_type) => match self.bytes(name) {
                Some(bytes) => open(bytes, *pixel_type),
                None => {
                    let detail = format!("the profile {name} was not handed over");
                    return Err(ConvertError::internal(detail));
                }
            },
        };
        let profile = profile.ok_or_else(|| self.useless(place))?;
        self.opened.push((place.clone(), profile));
        Ok(self.opened.len() - 1)
    }

    fn type_of(&self, place: &Place) -> PixelType {
        match place {
            Place::Srgb => PixelType::Rgb,
            Place::Gray => PixelType::Gray,
            Place::Own => self.source,
            Place::Named(_, pixel_type) => *pixel_type,
        }
    }

    /// Says that a profile opened by its header, but does not convert.
    fn useless(&self, place: &Place) -> ConvertError {
        match place {
            Place::Named(name, _) => ConvertError::unwritable(
                phrase!(
                    "profile-damaged",
                    "the colour profile {name} is damaged, or cannot be used for this \
                     conversion",
                    name = name
                ),
                phrase!(
                    "operator-looks-at-profiles",
                    "ask whoever runs exportd to check `imaging.profiles`"
                ),
            ),
            Place::Own => ConvertError::unwritable(
                phrase!(
                    "source-profile-one-way",
                    "the picture's own colour profile cannot be used for output"
                ),
                phrase!("ask-for-other-profile", "ask for another one with `icc`"),
            ),
            Place::Srgb | Place::Gray => ConvertError::internal("a built-in profile is of no use"),
        }
    }
}

/// Makes a transform between two profiles and the types of their pictures.
fn between(
    [from, to]: [(&Profile, PixelType); 2],
    (intent, black_point, depth): (Intent, bool, usize),
) -> Option<Transform<u8, u8>> {
    let intent = match intent {
        Intent::Perceptual => Library::Perceptual,
        Intent::Relative => Library::RelativeColorimetric,
        Intent::Saturation => Library::Saturation,
        Intent::Absolute => Library::AbsoluteColorimetric,
    };
    let flags = if black_point { Flags::BLACKPOINT_COMPENSATION } else { Flags::default() };
    let format = |pixel_type| format_of(pixel_type, depth);
    Transform::new_flags(from.0, format(from.1), to.0, format(to.1), intent, flags).ok()
}

/// Returns the transform of this thread for a key, the same as that of any other.
fn made(key: &kept::Key<'_>) -> Option<Rc<Transform<u8, u8>>> {
    if let Some(kept) = kept::find(key) {
        return Some(kept);
    }
    let end = |end: kept::End<'_>| match end {
        kept::End::Srgb => Some((Profile::new_srgb(), PixelType::Rgb)),
        kept::End::Gray => Some((gray_curve_profile().ok()?, PixelType::Gray)),
        kept::End::Profile(pixel_type, bytes) => Some((open(bytes, pixel_type)?, pixel_type)),
    };
    let (from, to) = (end(key.from)?, end(key.to)?);
    let made = Rc::new(between([(&from.0, from.1), (&to.0, to.1)], key.how)?);
    kept::keep(key, &made);
    Some(made)
}

fn unmade() -> ConvertError {
    ConvertError::internal("a transform that can be made only once")
}

/// How the components lie in the rows of a picture, before and after.
struct Rows {
    width: usize,
    height: usize,
    from: usize,
    to: usize,
    alpha: usize,
}

impl Rows {
    fn of(picture: &Raster, wanted: PixelType) -> Self {
        Self {
            width: picture.width(),
            height: picture.height(),
            from: picture.pixel_type().components(),
            to: wanted.components(),
            alpha: usize::from(picture.has_alpha()),
        }
    }

    /// Counts the components of a row before.
    const fn given(&self) -> usize {
        self.width * (self.from + self.alpha)
    }

    /// Counts the components of a row after.
    const fn made(&self) -> usize {
        self.width * (self.to + self.alpha)
    }

    /// Transforms row by row through buffers of bytes: the library takes no alpha and no words.
    fn convert<S: Sample, T: Sample>(
        &self,
        transform: &Transform<u8, u8>,
        samples: &[S],
        out: &mut [T],
        widen: impl Fn(S) -> T,
    ) {
        let depth = size_of::<T>();
        let (from, to, alpha) = (self.from, self.to, self.alpha);
        let mut given = Vec::with_capacity(self.width * from * depth);
        let mut made = vec![0; self.width * to * depth];
        let rows = samples.chunks_exact(self.given()).zip(out.chunks_exact_mut(self.made()));
        for (pixels, out) in rows {
            given.clear();
            for pixel in pixels.chunks_exact(from + alpha) {
                for value in &pixel[..from] {
                    widen(*value).put(&mut given);
                }
            }
            transform.transform_pixels(&given, &mut made);
            let colors = made.chunks_exact(to * depth).zip(pixels.chunks_exact(from + alpha));
            for (out, (color, pixel)) in out.chunks_exact_mut(to + alpha).zip(colors) {
                for (out, value) in out.iter_mut().zip(color.chunks_exact(depth)) {
                    *out = T::take(value);
                }
                if alpha > 0 {
                    out[to] = widen(pixel[from]);
                }
            }
        }
    }
}

/// Tells whether a transform from RGB to sRGB changes no colour by more than one level of 255.
fn is_identity(transform: &Transform<u8, u8>) -> bool {
    let levels = || (0..=255_u8).step_by(51);
    let grid: Vec<u8> = levels()
        .flat_map(|r| levels().flat_map(move |g| levels().flat_map(move |b| [r, g, b])))
        .collect();
    let mut out = vec![0; grid.len()];
    transform.transform_pixels(&grid, &mut out);
    grid.iter().zip(&out).all(|(a, b)| a.abs_diff(*b) <= 1)
}

#[cfg(test)]
pub(super) mod tests;
