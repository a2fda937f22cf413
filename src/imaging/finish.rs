//! The last step before a picture is written.

use super::color::{color_in, diffuse, naive};
use super::ops;
use super::plan::{Color, Output};
use super::raster::Raster;

/// Brings a converted picture to what is written: the reply's components, 8 bits, alpha or none.
pub(super) fn finished(picture: Raster, output: &Output) -> Raster {
    let picture = naive(picture, output.pixel_type);
    let picture = if output.alpha {
        picture.with_alpha()
    } else {
        let background = color_in(output.background, picture.pixel_type());
        ops::fill(picture, &Color { alpha: 255, ..background })
    };
    if output.conversion.dither { diffuse(picture) } else { picture.to_eight() }
}
