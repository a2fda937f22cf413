//! One piece of work, made ready once and done as often as one likes.

use std::error::Error;

/// What goes wrong while something is made ready.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What is measured; it tells whether it went as it should.
pub(crate) type Job = Box<dyn FnOnce() -> bool>;

/// A stage that is ready.
pub(crate) struct Work {
    /// A number of the bytes it is given: with others it may cost something else.
    #[allow(dead_code, reason = "the clock does not ask")]
    pub(crate) input: u32,
    /// Makes what the next job uses up; that is not measured.
    pub(crate) fresh: Box<dyn FnMut() -> Result<Job>>,
}

impl Work {
    /// Starts with what a job is given.
    pub(crate) fn on(input: &[u8], fresh: impl FnMut() -> Result<Job> + 'static) -> Self {
        // FNV-1a.
        let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        let input = input.iter().fold(0x811c_9dc5, step);
        Self { input, fresh: Box::new(fresh) }
    }

    /// Does it once.
    pub(crate) fn once(&mut self) -> Result<()> {
        let job = (self.fresh)()?;
        if job() { Ok(()) } else { Err("it does not do what it should".into()) }
    }
}
