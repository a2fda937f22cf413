//! The calls a worker makes into the imaging engine, with their errors as [`Fault`]s.

use std::fs::File;
use std::io::BufReader;

use super::wire::Setup;
use crate::diag::Fault;
use crate::imaging::plan::Plan;
use crate::imaging::thumbnail::Thumbnail;
use crate::imaging::{self, Inputs, Made, Reply, Showing, SourceInfo};

/// What comes of a conversion, piece by piece.
pub(super) enum Piece {
    /// What the source looks like.
    Source(Thumbnail),
    /// The plan's index, and its reply or why there is none.
    Reply(usize, Result<Reply, Fault>),
}

/// Where each piece goes.
pub(super) type Each<'a> = &'a mut dyn FnMut(Piece);

/// Makes a thumbnail.
pub(super) fn show(source: &[u8], setup: &Setup) -> Result<Option<Thumbnail>, Fault> {
    imaging::show(source, &setup.limits, setup.exif_orientation.into())
        .map_err(|error| error.fault())
}

/// Reads the header.
pub(super) fn probe(input: &File, setup: &Setup) -> Result<SourceInfo, Fault> {
    imaging::probe(BufReader::new(input), &setup.limits, setup.exif_orientation.into())
        .map_err(|error| error.fault())
}

/// Carries out the plans on one picture, in any order.
pub(super) fn convert(
    inputs: Inputs<'_>,
    (plans, showing): (&[Plan], Showing),
    setup: &Setup,
    each: Each<'_>,
) -> Result<(), Fault> {
    let mut reply = |at, reply| each(Piece::Reply(at, reply));
    #[cfg(test)]
    if let Some(done) = super::tests::obey(inputs, plans, &mut |at, file| {
        reply(at, file.map(|file| Reply { file, thumbnail: None }));
    }) {
        return done;
    }
    let (limits, uprighting) = (&setup.limits, setup.exif_orientation.into());
    let done = match showing {
        Showing::Nothing => imaging::convert(inputs, plans, limits, uprighting, &mut |at, file| {
            let made = file.map(|file| Reply { file, thumbnail: None });
            reply(at, made.map_err(|error| error.fault()));
        }),
        Showing::Thumbnails => {
            imaging::convert_and_show(inputs, plans, limits, uprighting, &mut |made| {
                each(match made {
                    Made::Source(thumbnail) => Piece::Source(thumbnail),
                    Made::Reply(at, reply) => {
                        Piece::Reply(at, reply.map_err(|error| error.fault()))
                    }
                });
            })
        }
    };
    done.map_err(|error| error.fault())
}
