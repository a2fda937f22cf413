//! Where the encoder's bytes go.
//!
//! The encoder writes through a function that gets a pointer to the bytes and one to whatever was
//! registered with it. Apart from a file that is opened by its name it knows no other way out.

use core::ffi::c_void;

use openjp2::Stream;
use openjp2::openjpeg::{opj_stream_set_user_data, opj_stream_set_write_function};

/// Bytes the encoder collects before it hands them over.
const CHUNK: usize = 1 << 16;

/// Runs the encoder's calls on a stream, and returns what was written to it.
#[expect(unsafe_code, reason = "the stream takes a function of C and a pointer")]
pub(super) fn collect<T>(calls: impl FnOnce(&mut Stream) -> T) -> (T, Vec<u8>) {
    let mut bytes = Vec::<u8>::new();
    let mut stream = Stream::new_custom(CHUNK, false);
    let handle = (&raw mut stream).cast();
    // SAFETY: `handle` is a live stream, and the vector behind the other pointer is touched by
    // nobody else until the stream, which is dropped first, has written its last bytes.
    unsafe {
        opj_stream_set_write_function(handle, Some(append));
        opj_stream_set_user_data(handle, (&raw mut bytes).cast(), None);
    }
    let result = calls(&mut stream);
    drop(stream);
    (result, bytes)
}

#[expect(unsafe_code, reason = "what is written comes as a pointer and a length")]
extern "C" fn append(from: *mut c_void, length: usize, to: *mut c_void) -> usize {
    // SAFETY: the stream calls this with a part of its buffer, and with the vector that
    // `collect` registered and keeps.
    unsafe {
        let bytes = core::slice::from_raw_parts(from.cast::<u8>(), length);
        (*to.cast::<Vec<u8>>()).extend_from_slice(bytes);
    }
    length
}
