//! Progressive JPEG with a given number of scans (ISO/IEC 10918-1, G.1).
//!
//! The safe interface of the encoder offers one progression only. So a finished JPEG is taken
//! apart into its coefficients, which libjpeg writes anew in the order it is told; nothing is
//! decoded and no pixel changes. What programs keep in a file (APPn segments) is carried over here.
//!
//! The first scan holds the mean of every block of all components; of the rest, the brightness
//! comes first, then the colours, then finer detail of the brightness. Since the standard lets only
//! one component into such a scan, a picture of three components has at least four scans and one
//! of four has five.

use std::ffi::{c_int, c_ulong};
use std::panic::{AssertUnwindSafe, catch_unwind};

use mozjpeg_sys as sys;

use super::jpeg::error_manager;
use crate::imaging::ConvertError;

/// The last coefficients of the parts that the brightness comes in, by the number of parts.
const PARTS: [&[c_int]; 4] = [&[63], &[5, 63], &[2, 9, 63], &[2, 5, 14, 63]];

/// Writes a JPEG anew in so many scans, or the fewest its components allow if that is more.
pub(super) fn rescanned(file: &[u8], scans: u8) -> Result<Vec<u8>, ConvertError> {
    let made = catch_unwind(AssertUnwindSafe(|| transcode(file, scans)))
        .map_err(|_| ConvertError::internal("the JPEG writer gave up"))?;
    let applications = segments(file).filter(|segment| is_application(segment));
    Ok([&made[..2], &applications.collect::<Vec<_>>().concat(), &made[2..]].concat())
}

/// Drops the segments of applications (JFIF, Adobe, profiles).
pub(super) fn without_applications(file: &[u8]) -> Vec<u8> {
    let kept = segments(file).filter(|segment| !is_application(segment));
    let kept = kept.collect::<Vec<_>>().concat();
    let dropped: usize =
        segments(file).filter(|segment| is_application(segment)).map(<[u8]>::len).sum();
    [&file[..2], &kept, &file[2 + kept.len() + dropped..]].concat()
}

fn is_application(segment: &[u8]) -> bool {
    matches!(segment, [0xff, 0xe0..=0xef, ..])
}

/// Goes through the segments between the start of a JPEG and its first scan.
fn segments(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = &file[2..];
    std::iter::from_fn(move || {
        let [0xff, marker, high, low, ..] = *rest else { return None };
        let length = usize::from(u16::from_be_bytes([high, low])) + 2;
        if marker == 0xda || length > rest.len() {
            return None;
        }
        let (segment, behind) = rest.split_at(length);
        rest = behind;
        Some(segment)
    })
}

/// Lists the scans of a picture of so many components.
fn script(components: c_int, scans: u8) -> Vec<sys::jpeg_scan_info> {
    let scan = |components: &[c_int], first: c_int, last: c_int| {
        let mut scan =
            sys::jpeg_scan_info { Ss: first, Se: last, ..sys::jpeg_scan_info::default() };
        for (place, component) in scan.component_index.iter_mut().zip(components) {
            *place = *component;
            scan.comps_in_scan += 1;
        }
        scan
    };
    let all: Vec<c_int> = (0..components).collect();
    let extra = c_int::from(scans) - 1 - components;
    let parts = PARTS[usize::try_from(extra).unwrap_or_default().min(PARTS.len() - 1)];
    let mut list = vec![scan(&all, 0, 0), scan(&[0], 1, parts[0])];
    list.extend(all[1..].iter().map(|component| scan(&[*component], 1, 63)));
    list.extend(parts.windows(2).map(|pair| scan(&[0], pair[0] + 1, pair[1])));
    list
}

/// A reader of libjpeg with what it points to.
struct Reader {
    raw: sys::jpeg_decompress_struct,
    manager: Box<sys::jpeg_error_mgr>,
}

/// A writer of libjpeg with what it points to.
struct Writer {
    raw: sys::jpeg_compress_struct,
    manager: Box<sys::jpeg_error_mgr>,
}

impl Drop for Reader {
    #[expect(unsafe_code, reason = "frees what C allocated")]
    fn drop(&mut self) {
        // SAFETY: created in `transcode` before anything could unwind, destroyed nowhere else.
        unsafe { sys::jpeg_destroy_decompress(&mut self.raw) }
    }
}

impl Drop for Writer {
    #[expect(unsafe_code, reason = "frees what C allocated")]
    fn drop(&mut self) {
        // SAFETY: as for the reader.
        unsafe { sys::jpeg_destroy_compress(&mut self.raw) }
    }
}

/// Moves the coefficients from a reader to a writer with a list of scans; unwinds on errors.
#[expect(unsafe_code, reason = "a list of scans goes to libjpeg through a pointer")]
fn transcode(file: &[u8], scans: u8) -> Vec<u8> {
    // SAFETY: all-zero is what both structures are before they are created. They, their error
    // managers, the list and `file` stay in place until both are dropped, the writer first. The
    // buffer is the C library's; it is looked at only once it is finished, and freed then.
    unsafe {
        let mut reader =
            Box::new(Reader { raw: std::mem::zeroed(), manager: Box::new(error_manager()) });
        reader.raw.common.err = &raw mut *reader.manager;
        let size = size_of::<sys::jpeg_decompress_struct>();
        sys::jpeg_CreateDecompress(&mut reader.raw, sys::JPEG_LIB_VERSION, size);
        sys::jpeg_mem_src(&mut reader.raw, file.as_ptr(), file.len() as c_ulong);
        sys::jpeg_read_header(&mut reader.raw, 1);
        let coefficients = sys::jpeg_read_coefficients(&mut reader.raw);
        let script = script(reader.raw.num_components, scans);

        let mut writer =
            Box::new(Writer { raw: std::mem::zeroed(), manager: Box::new(error_manager()) });
        writer.raw.common.err = &raw mut *writer.manager;
        let size = size_of::<sys::jpeg_compress_struct>();
        sys::jpeg_CreateCompress(&mut writer.raw, sys::JPEG_LIB_VERSION, size);
        let fastest = sys::JINT_COMPRESS_PROFILE_VALUE::JCP_FASTEST as c_int;
        let profile = sys::J_INT_PARAM::JINT_COMPRESS_PROFILE;
        sys::jpeg_c_set_int_param(&mut writer.raw, profile, fastest);
        sys::jpeg_copy_critical_parameters(&reader.raw, &mut writer.raw);
        writer.raw.optimize_coding = 1;
        writer.raw.write_JFIF_header = 0;
        writer.raw.write_Adobe_marker = 0;
        writer.raw.scan_info = script.as_ptr();
        writer.raw.num_scans = c_int::try_from(script.len()).unwrap_or_default();
        let (mut buffer, mut length) = (std::ptr::null_mut(), 0);
        sys::jpeg_mem_dest(&mut writer.raw, &raw mut buffer, &raw mut length);
        sys::jpeg_write_coefficients(&mut writer.raw, coefficients);
        sys::jpeg_finish_compress(&mut writer.raw);
        let made = std::slice::from_raw_parts(buffer, usize::try_from(length).unwrap_or_default())
            .to_vec();
        libc::free(buffer.cast());
        drop(writer);
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_have_as_many_scans_as_asked_where_that_is_allowed() {
        for (components, asked, found) in
            [(1, 3, 3), (1, 4, 4), (1, 5, 5), (3, 3, 4), (3, 4, 4), (3, 5, 5), (4, 3, 5), (4, 5, 5)]
        {
            let list = script(components, asked);
            assert_eq!(list.len(), found, "{components} {asked}");
            // Every coefficient of every component comes exactly once.
            for component in 0..components {
                let mut next = 0;
                for scan in &list {
                    let count = usize::try_from(scan.comps_in_scan).unwrap();
                    if scan.component_index[..count].contains(&component) {
                        assert_eq!(scan.Ss, next);
                        next = scan.Se + 1;
                    }
                }
                assert_eq!(next, 64);
            }
        }
    }
}
