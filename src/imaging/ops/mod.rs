//! What is done to pixels: one operation per file, pictures in, pictures out.
//!
//! Every function is deterministic: integer arithmetic, or floating point restricted to
//! operations IEEE 754 defines exactly. Alpha is not premultiplied in memory; operations that mix
//! pixels multiply, mix and divide.

mod blur;
mod clip;
mod fill;
mod geometry;
mod place;
mod resample;
mod rotate;
mod sharpen;
mod usm;

pub use clip::clip;
pub use fill::{fill, mask};
pub use geometry::{flip, orient, turn};
pub use place::place;
pub use resample::{Resampler, resample};
pub use rotate::{rotate, sin_cos_degrees};
pub use sharpen::sharpen;
pub use usm::{Usm, usm};
