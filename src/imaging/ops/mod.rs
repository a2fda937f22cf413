//! What is done to pixels: one operation per file, pictures in, pictures out.
//!
//! Every function is deterministic: integer arithmetic, or floating point restricted to
//! operations IEEE 754 defines exactly. Alpha is not premultiplied in memory; operations that mix
//! pixels multiply, mix and divide.

mod blur;
mod cells;
mod chroma;
mod colorize;
mod fill;
mod geometry;
mod grow;
mod levels;
mod mask;
mod noise;
mod place;
mod resample;
mod rotate;
mod sharpen;
mod thin;
mod usm;

pub(super) use blur::blur_by;
pub use blur::{blur, blur_memory};
pub use cells::sampled;
pub use chroma::{hue, saturation};
pub use colorize::colorize;
pub use fill::{fill, mask};
pub use geometry::{flip, orient, turn};
pub use grow::{grow, grow_mask};
pub use levels::{brightness, color_balance, contrast, invert};
pub use mask::{clip, invert_mask, opacity, take_mask, unmask};
pub use noise::noise;
pub use place::place;
pub use resample::{Resampler, resample};
pub use rotate::rotate;
pub use sharpen::sharpen;
pub(super) use sharpen::sharpen_by;
pub use thin::thinned;
pub(super) use usm::usm_by;
pub use usm::{Usm, usm};
