//! The two calls a worker makes into the imaging engine, with their errors as [`Fault`]s.

use std::fs::File;
use std::io::BufReader;

use super::wire::Setup;
use crate::diag::Fault;
use crate::imaging::plan::Plan;
use crate::imaging::{self, Inputs, SourceInfo};

/// Where each reply goes: the plan's index, and its bytes or why there are none.
pub(super) type Each<'a> = &'a mut dyn FnMut(usize, Result<Vec<u8>, Fault>);

/// Reads the header.
pub(super) fn probe(input: &File, setup: &Setup) -> Result<SourceInfo, Fault> {
    imaging::probe(BufReader::new(input), &setup.limits, setup.exif_orientation.into())
        .map_err(|error| error.fault())
}

/// Carries out the plans on one picture, in any order.
pub(super) fn convert(
    inputs: Inputs<'_>,
    plans: &[Plan],
    setup: &Setup,
    each: Each<'_>,
) -> Result<(), Fault> {
    #[cfg(test)]
    if let Some(done) = super::tests::obey(inputs, plans, each) {
        return done;
    }
    imaging::convert(
        inputs,
        plans,
        &setup.limits,
        setup.exif_orientation.into(),
        &mut |at, reply| {
            each(at, reply.map_err(|error| error.fault()));
        },
    )
    .map_err(|error| error.fault())
}
