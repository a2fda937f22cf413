//! Resampling by several threads, bit by bit as by one.
//!
//! The resizer goes over a picture twice, down and across, with a picture in between; bytes it first
//! reduces down, words across. Here the two are done one by one, in the same order and with the same
//! weights, each in as many parts as there are threads: columns of the way down, rows of the way
//! across, which know nothing of each other.

use std::num::NonZeroU32;

use fast_image_resize::images::{Image, TypedImage};
use fast_image_resize::{
    FilterType, ImageView, ImageViewMut, IntoImageView, IntoImageViewMut, PixelTrait, PixelType,
    ResizeAlg, ResizeError, ResizeOptions, Resizer, pixels,
};

use super::Resized;
use crate::imaging::hands::Hands;
use crate::imaging::plan::Area;

/// From where and how a picture is resampled.
#[derive(Clone, Copy)]
pub(super) struct Way<'h> {
    pub(super) crop: Area,
    pub(super) filter: FilterType,
    pub(super) hands: Hands<'h>,
}

/// Resamples an area of `source` to all of `out`.
pub(super) fn resize(
    source: &impl IntoImageView,
    out: &mut Image<'_>,
    way: Way<'_>,
) -> Resized<()> {
    match out.pixel_type() {
        PixelType::U8 => way.typed::<pixels::U8>(source, out, First::Down),
        PixelType::U8x2 => way.typed::<pixels::U8x2>(source, out, First::Down),
        PixelType::U8x3 => way.typed::<pixels::U8x3>(source, out, First::Down),
        PixelType::U8x4 => way.typed::<pixels::U8x4>(source, out, First::Down),
        PixelType::U16 => way.typed::<pixels::U16>(source, out, First::Across),
        PixelType::U16x2 => way.typed::<pixels::U16x2>(source, out, First::Across),
        PixelType::U16x3 => way.typed::<pixels::U16x3>(source, out, First::Across),
        PixelType::U16x4 => way.typed::<pixels::U16x4>(source, out, First::Across),
        _ => Err(ResizeError::PixelTypesAreDifferent.into()),
    }
}

/// Which of the two passes comes first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    Down,
    Across,
}

impl Way<'_> {
    fn typed<P: PixelTrait>(
        self,
        source: &impl IntoImageView,
        out: &mut Image<'_>,
        first: First,
    ) -> Resized<()> {
        let source = source.image_view::<P>().ok_or(ResizeError::PixelTypesAreDifferent)?;
        let mut out = out.image_view_mut::<P>().ok_or(ResizeError::PixelTypesAreDifferent)?;
        let Area { x, y, width, height } = self.crop;
        let still = |start: f64, length: f64, to: u32| {
            // Exactly: this is what the resizer asks.
            length.to_bits() == f64::from(to).to_bits()
                && start.to_bits() == start.round().to_bits()
        };
        if still(x, width, out.width()) || still(y, height, out.height()) {
            let options = self.options(self.crop);
            return Ok(Resizer::new().resize_typed(&source, &mut out, &options)?);
        }
        match first {
            First::Down => {
                let mut between = TypedImage::<P>::new(source.width(), out.height());
                self.down(&source, &mut between)?;
                self.across(&between, &mut out)
            }
            First::Across => {
                let mut between = TypedImage::<P>::new(out.width(), source.height());
                self.across(&source, &mut between)?;
                self.down(&between, &mut out)
            }
        }
    }

    /// Brings columns to their height; the width stays.
    fn down<P: PixelTrait>(
        self,
        source: &impl ImageView<Pixel = P>,
        out: &mut impl ImageViewMut<Pixel = P>,
    ) -> Resized<()> {
        let (width, parts) = self.parts(out.width());
        let from = source.split_by_width(0, width, parts);
        let to = out.split_by_width_mut(0, width, parts);
        let (from, to) = from.zip(to).ok_or("columns that cannot be told apart")?;
        let work = |(): &mut (), (from, mut to): (_, _)| {
            let crop = Area { x: 0.0, width: f64::from(ImageView::width(&to)), ..self.crop };
            Resizer::new().resize_typed(&from, &mut to, &self.options(crop))
        };
        Ok(self.hands.try_each(from.into_iter().zip(to), || (), work)?)
    }

    /// Brings rows to their width; the height stays.
    fn across<P: PixelTrait>(
        self,
        source: &impl ImageView<Pixel = P>,
        out: &mut impl ImageViewMut<Pixel = P>,
    ) -> Resized<()> {
        let (height, parts) = self.parts(out.height());
        let from = source.split_by_height(0, height, parts);
        let to = out.split_by_height_mut(0, height, parts);
        let (from, to) = from.zip(to).ok_or("rows that cannot be told apart")?;
        let work = |(): &mut (), (from, mut to): (_, _)| {
            let crop = Area { y: 0.0, height: f64::from(ImageView::height(&to)), ..self.crop };
            Resizer::new().resize_typed(&from, &mut to, &self.options(crop))
        };
        Ok(self.hands.try_each(from.into_iter().zip(to), || (), work)?)
    }

    /// Returns a side and its parts: as many as threads, for each has the weights worked out anew.
    fn parts(self, side: u32) -> (NonZeroU32, NonZeroU32) {
        let side = NonZeroU32::new(side).unwrap_or(NonZeroU32::MIN);
        let threads = u32::try_from(self.hands.threads()).ok().and_then(NonZeroU32::new);
        (side, threads.unwrap_or(NonZeroU32::MIN).min(side))
    }

    fn options(self, crop: Area) -> ResizeOptions {
        let Area { x, y, width, height } = crop;
        ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(self.filter))
            .crop(x, y, width, height)
            .use_alpha(false)
    }
}
