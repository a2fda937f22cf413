//! The two calls a worker makes into the imaging engine, with their errors as [`Fault`]s.

use std::fs::File;

use super::wire::Setup;
use crate::diag::Fault;
use crate::imaging::SourceInfo;
use crate::imaging::plan::Plan;

/// Where each reply goes: the plan's index, and its bytes or why there are none.
pub(super) type Each<'a> = &'a mut dyn FnMut(usize, Result<Vec<u8>, Fault>);

/// Reads the header.
pub(super) fn probe(_input: &File, _setup: &Setup) -> Result<SourceInfo, Fault> {
    Err(Fault::UnsupportedSource { detail: "no format is built in".into() })
}

/// Carries out the plans on one picture, in any order.
pub(super) fn convert(
    input: &[u8],
    plans: &[Plan],
    _setup: &Setup,
    each: Each<'_>,
) -> Result<(), Fault> {
    #[cfg(test)]
    if let Some(done) = super::tests::obey(input, plans, each) {
        return done;
    }
    let _ = (input, plans, each);
    Err(Fault::UnsupportedSource { detail: "no format is built in".into() })
}
