//! The coefficients of whole files, as libjpeg reads them.

#![expect(unsafe_code, reason = "libjpeg is in C, and its safe face has no coefficients")]
#![expect(clippy::cast_sign_loss, reason = "sizes of pictures that fit in memory")]

use std::ffi::{c_int, c_ulong};

use mozjpeg_sys as sys;

use super::super::super::jpeg::error_manager;
use super::super::super::jpeg_reference::guarded;
use super::super::picture::Coefficients;
use super::super::{Decoder, Error, Reading};

struct Reader {
    raw: sys::jpeg_decompress_struct,
    manager: Box<sys::jpeg_error_mgr>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        unsafe { sys::jpeg_destroy_decompress(&mut self.raw) }
    }
}

/// Reads the coefficients with libjpeg, only those of blocks that hold pixels.
fn reference(bytes: &[u8]) -> Result<Vec<Coefficients>, c_int> {
    guarded(|| unsafe {
        let manager = Box::new(error_manager());
        let mut reader = Box::new(Reader { raw: std::mem::zeroed(), manager });
        reader.raw.common.err = &raw mut *reader.manager;
        let size = size_of::<sys::jpeg_decompress_struct>();
        sys::jpeg_CreateDecompress(&mut reader.raw, sys::JPEG_LIB_VERSION, size);
        sys::jpeg_mem_src(&mut reader.raw, bytes.as_ptr(), bytes.len() as c_ulong);
        sys::jpeg_read_header(&mut reader.raw, 1);
        let arrays = sys::jpeg_read_coefficients(&mut reader.raw);
        let mut all = Vec::new();
        for index in 0..reader.raw.num_components as usize {
            let info = &*reader.raw.comp_info.add(index);
            let (across, down) = (info.width_in_blocks as usize, info.height_in_blocks as usize);
            let mut blocks = Vec::with_capacity(across * down);
            for row in 0..down {
                let memory = &*reader.raw.common.mem;
                let access = memory.access_virt_barray.unwrap();
                let common = (&raw mut reader.raw.common).as_mut().unwrap();
                let rows = access(common, *arrays.add(index), row as u32, 1, 0);
                let first = (*rows).cast::<[i16; 64]>();
                blocks.extend_from_slice(std::slice::from_raw_parts(first, across));
            }
            all.push(Coefficients { size: (across, down), stride: across, blocks });
        }
        sys::jpeg_finish_decompress(&mut reader.raw);
        Ok(all)
    })
}

/// Reads the coefficients with ours, only those of blocks that hold pixels.
fn ours(bytes: &[u8]) -> Result<Vec<Coefficients>, Error> {
    let all = Decoder::new(bytes, &[], Reading::Everything)?.coefficients()?;
    let trimmed = all.into_iter().map(|part| {
        let (across, down) = part.size;
        let rows = part.blocks.chunks(part.stride).take(down);
        let blocks = rows.flat_map(|row| row[..across].iter().copied()).collect();
        Coefficients { size: part.size, stride: across, blocks }
    });
    Ok(trimmed.collect())
}

/// Says whether coefficients differ.
pub(super) fn difference(bytes: &[u8]) -> Option<String> {
    match (reference(bytes), ours(bytes)) {
        (Ok(theirs), Ok(found)) => {
            for (component, (a, b)) in theirs.iter().zip(&found).enumerate() {
                if a.size != b.size {
                    return Some(format!("component {component}: {:?} {:?}", a.size, b.size));
                }
                let at = a.blocks.iter().zip(&b.blocks).position(|(a, b)| a != b);
                if let Some(at) = at {
                    let (a, b) = (a.blocks[at], b.blocks[at]);
                    return Some(format!("component {component} block {at}: {a:?} {b:?}"));
                }
            }
            None
        }
        (Err(_), Err(_)) => None,
        (Ok(_), Err(error)) => Some(format!("only ours says {error}")),
        (Err(code), Ok(_)) => Some(format!("only libjpeg says {code}")),
    }
}
