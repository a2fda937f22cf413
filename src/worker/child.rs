//! The loop of a worker: the hidden command `exportd worker`.
//!
//! A worker has one socket, on its standard input, and no arguments or configuration, and nothing
//! in its environment but how its memory is managed.
//! It is told its bounds, shuts itself in ([`super::sandbox`]), and then serves one request at a
//! time until the socket is closed. It knows no path: it reads from the first descriptor of a
//! request and those named in it, and writes to the others.
//!
//! A panic of the engine is answered like any other failure, but the worker ends after it, since
//! nobody knows what state the panic left. Everything worse ends the worker at once, and the
//! parent finds the reason in how it ended.

use std::any::Any;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use super::engine::Piece;
use super::wire::{Channel, Convert, Report, Request, Setup, WireError};
use super::{MAX_AUX_BYTES, Sandbox, Written, engine, sandbox};
use crate::diag::{Argument, Fault, phrase};
use crate::imaging::hands::{Hands, Helpers};
use crate::imaging::plan::{Aux, Plan};
use crate::imaging::thumbnail::Thumbnail;
use crate::imaging::{Inputs, Reply, Showing};

/// Most characters of a panic's message that are passed on.
const MOST_WORDS: usize = 1000;

/// What the last panic said, and where; empty when it was quiet.
static PANIC: Mutex<String> = Mutex::new(String::new());

/// Serves requests from the socket on standard input until it is closed.
///
/// Returns 2 when standard input is not such a socket: somebody typed the command.
#[must_use]
pub fn child_main() -> ExitCode {
    let Some(channel) = Channel::from_stdin() else {
        let _ = writeln!(io::stderr(), "exportd worker: is started by exportd itself");
        return ExitCode::from(2);
    };
    set_hook(Box::new(remember_panic));
    match serve(&channel, sandbox::enter) {
        Ok(()) | Err(WireError::Closed) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "exportd worker: {error}");
            ExitCode::FAILURE
        }
    }
}

fn remember_panic(info: &PanicHookInfo<'_>) {
    // Of several threads that panic the last one counts. Nothing is done under the lock.
    *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = info.to_string();
}

/// Serves requests; `enter` shuts the process in.
pub(super) fn serve(
    channel: &Channel,
    enter: fn(&Setup) -> (Sandbox, Helpers),
) -> Result<(), WireError> {
    let (setup, _): (Setup, _) = channel.receive_with_files()?;
    let (sandbox, helpers) = enter(&setup);
    channel.send(&Report::Ready(sandbox), &[])?;
    loop {
        let (request, files) = channel.receive_with_files()?;
        channel.send(&Report::Started, &[])?;
        let hands = match &request {
            Request::Convert(convert) => helpers.hands(convert.threads),
            Request::Probe | Request::Copy | Request::Show => Hands::ALONE,
        };
        let desk = Desk { channel, setup: &setup, hands };
        desk.grant_time();
        match catch_unwind(AssertUnwindSafe(|| desk.perform(&request, files))) {
            Ok(end) => channel.send(&end?, &[])?,
            Err(payload) => {
                let message = panic_message(payload.as_ref());
                return channel.send(&Report::Panicked { message }, &[]);
            }
        }
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let mut message = PANIC.lock().unwrap_or_else(PoisonError::into_inner);
    if message.is_empty() {
        // Resumed without the hook, as bindings to C libraries do for their errors.
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        text.unwrap_or("a panic without a message").clone_into(&mut message);
    }
    message.chars().take(MOST_WORDS).collect()
}

/// Where one request is worked on.
struct Desk<'a> {
    channel: &'a Channel,
    setup: &'a Setup,
    hands: Hands<'a>,
}

impl Desk<'_> {
    /// Allows the next piece its processor time: as much for each thread.
    fn grant_time(&self) {
        let seconds = self.setup.seconds.saturating_mul(self.hands.threads() as u64);
        // Where it fails the parent's deadline still holds, and `Ready` has said so.
        let _ = sandbox::grant_time(seconds);
    }

    /// Does what is asked and returns the report that ends it.
    fn perform(&self, request: &Request, files: Vec<OwnedFd>) -> Result<Report, WireError> {
        let mut files = files.into_iter().map(File::from);
        let Some(mut input) = files.next() else {
            return Ok(Report::Failed(mismatch(request)));
        };
        let named: &[Aux] = match request {
            Request::Convert(Convert { aux, .. }) => aux,
            Request::Probe | Request::Copy | Request::Show => &[],
        };
        let mut beside: Vec<File> = files.by_ref().take(named.len()).collect();
        // A worker before this one may have read from them.
        let mut readable = std::iter::once(&mut input).chain(&mut beside);
        if let Err(error) = readable.try_for_each(io::Seek::rewind) {
            return Ok(Report::Failed(Fault::of_reading(&error)));
        }
        let mut outputs: Vec<File> = files.collect();
        if let Err(error) = outputs.iter_mut().try_for_each(empty) {
            return Ok(Report::Failed(Fault::of_output(&error)));
        }
        Ok(match (request, outputs.as_mut_slice()) {
            (Request::Probe, []) => match engine::probe(&input, self.setup) {
                Ok(info) => Report::Probed(info),
                Err(fault) => Report::Failed(fault),
            },
            (Request::Copy, [output]) => match self.copy(&input, output) {
                Ok(written) => Report::Copied(written),
                Err(fault) => Report::Failed(fault),
            },
            (Request::Show, []) => match self.show(input) {
                Ok(shown) => Report::Shown(shown),
                Err(fault) => Report::Failed(fault),
            },
            (Request::Convert(Convert { aux, plans, showing, threads: _ }), outputs)
                if aux.len() == beside.len() && plans.len() == outputs.len() =>
            {
                let aux = aux.iter().cloned().zip(beside).collect();
                match self.convert((input, aux), (plans, *showing), outputs)? {
                    Ok(()) => Report::Finished,
                    Err(fault) => Report::Failed(fault),
                }
            }
            (Request::Probe | Request::Copy | Request::Show | Request::Convert(_), _) => {
                Report::Failed(mismatch(request))
            }
        })
    }

    /// Reports each plan as soon as its output is written, so that what comes later and breaks
    /// this worker does not take it along.
    fn convert(
        &self,
        (input, aux): (File, Vec<(Aux, File)>),
        plans: (&[Plan], Showing),
        outputs: &[File],
    ) -> Result<Result<(), Fault>, WireError> {
        let bytes = self.read_whole(input).and_then(|source| Ok((source, self.read_aux(aux)?)));
        let (source, aux) = match bytes {
            Ok(bytes) => bytes,
            Err(fault) => return Ok(Err(fault)),
        };
        let mut sent = Ok(());
        let done = engine::convert(
            Inputs { source: &source, aux: &aux, hands: self.hands },
            plans,
            self.setup,
            &mut |piece| {
                let report = match piece {
                    Piece::Source(thumbnail) => Report::Seen(thumbnail),
                    Piece::Reply(index, reply) => {
                        let result = match (reply, outputs.get(index)) {
                            (Ok(reply), Some(output)) => self.write(output, reply),
                            (Ok(_), None) => return,
                            (Err(fault), _) => Err(fault),
                        };
                        Report::Rendered { index, result }
                    }
                };
                if sent.is_ok() {
                    sent = self.channel.send(&report, &[]);
                }
                self.grant_time();
            },
        );
        sent.map(|()| done)
    }

    fn read_aux(&self, aux: Vec<(Aux, File)>) -> Result<Vec<(Aux, Vec<u8>)>, Fault> {
        let read = |(aux, file): (Aux, File)| {
            if length(&file)? > MAX_AUX_BYTES {
                let most = Argument::bytes(MAX_AUX_BYTES);
                let (message, help) = match aux {
                    Aux::Profile(name) => (
                        phrase!(
                            "profile-too-large",
                            "the colour profile {name} is larger than {most}",
                            name = name,
                            most = most,
                        ),
                        phrase!("ask-for-other-profile", "ask for another one with `icc`"),
                    ),
                    Aux::Mask(handle) => (
                        phrase!(
                            "mask-too-large",
                            "the mask {handle} is larger than {most}",
                            handle = handle,
                            most = most,
                        ),
                        phrase!("smaller-mask", "save the mask smaller and retry"),
                    ),
                };
                return Err(Fault::Modifiers { message, help: Some(help) });
            }
            Ok((aux, self.read_whole(file)?))
        };
        aux.into_iter().map(read).collect()
    }

    fn read_whole(&self, input: File) -> Result<Vec<u8>, Fault> {
        let too_much = || Fault::OutOfMemory { limit: self.setup.memory };
        let mut bytes = Vec::new();
        let length = usize::try_from(length(&input)?).map_err(|_| too_much())?;
        bytes.try_reserve_exact(length).map_err(|_| too_much())?;
        // Not `read_to_end`: a file that grows must not make us grow with it.
        let limit = length as u64;
        input.take(limit).read_to_end(&mut bytes).map_err(|error| Fault::of_reading(&error))?;
        Ok(bytes)
    }

    fn show(&self, input: File) -> Result<Option<Thumbnail>, Fault> {
        engine::show(&self.read_whole(input)?, self.setup)
    }

    fn write(
        &self,
        mut output: &File,
        Reply { file: bytes, thumbnail }: Reply,
    ) -> Result<Written, Fault> {
        self.check_size(bytes.len() as u64)?;
        // Durable it becomes in the parent, while the next picture is converted.
        output.write_all(&bytes).map_err(|error| Fault::of_output(&error))?;
        Ok(Written { bytes: bytes.len() as u64, sha256: crate::fs::sha256(&bytes), thumbnail })
    }

    fn copy(&self, input: &File, output: &mut File) -> Result<Written, Fault> {
        self.check_size(length(input)?)?;
        let copied = crate::fs::copy_hashed(input, output)
            .and_then(|copied| output.sync_data().map(|()| copied))
            .map_err(|error| Fault::of_output(&error))?;
        Ok(Written { bytes: copied.bytes, sha256: copied.sha256.to_string(), thumbnail: None })
    }

    fn check_size(&self, bytes: u64) -> Result<(), Fault> {
        if bytes <= self.setup.max_output {
            return Ok(());
        }
        Err(too_long(self.setup.max_output))
    }
}

/// Says that an output would pass the limit.
pub(super) fn too_long(limit: u64) -> Fault {
    Fault::NotWritable {
        detail: phrase!(
            "output-too-large",
            "the exported file would be larger than {most}",
            most = Argument::bytes(limit)
        ),
    }
}

/// Forgets what a worker before this one may have written.
fn empty(output: &mut File) -> io::Result<()> {
    io::Seek::rewind(output)?;
    if rustix::fs::fstat(&*output)?.st_size > 0 { output.set_len(0) } else { Ok(()) }
}

fn length(input: &File) -> Result<u64, Fault> {
    // Not `File::metadata`: `statx` can take a path and is forbidden here.
    let stat = rustix::fs::fstat(input).map_err(|errno| Fault::of_reading(&errno.into()))?;
    // A length below zero is none.
    Ok(u64::try_from(stat.st_size).unwrap_or(0))
}

fn mismatch(request: &Request) -> Fault {
    let what = match request {
        Request::Probe => "a probe",
        Request::Convert(_) => "a conversion",
        Request::Copy => "a copy",
        Request::Show => "a thumbnail",
    };
    Fault::Internal { detail: format!("{what} came with the wrong number of files").into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_a_quiet_panic_is_found() {
        let text: Box<dyn Any + Send> = Box::new("Insufficient memory".to_owned());
        assert_eq!(panic_message(text.as_ref()), "Insufficient memory");
    }
}
