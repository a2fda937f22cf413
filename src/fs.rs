//! Files that survive: names confined to their root, writes that are whole or not there.
//!
//! Everything durable goes through here. The pattern is always the same: write under another
//! name, `fsync` the file, rename, `fsync` the folder. Without the last step a finished rename can
//! vanish in a power cut, on ext4 and XFS alike, whenever nothing else is written after it.
//!
//! * `names`: what may be called what; `root`: looking up below a folder; `folder`: making and
//!   moving below one; `write`: whole files by path; `copy`: content and its hash; `lock`: whose a folder is.

mod copy;
mod folder;
mod lock;
mod names;
mod root;
mod write;

pub use copy::{ContentHash, Copied, NoHash, copy_hashed, hash_file, hex, sha256};
pub use folder::{Folder, Found};
pub use lock::FolderLock;
pub use names::{MOST_NAME_BYTES, MOST_PATH_BYTES, RelPath, RelPathError, is_invisible};
pub use root::{Content, Entry, OpenError, Root, Stamp};
pub use write::{
    publish, remove_durable, remove_temporaries, rename_new, replace, sync_dir, sync_parents,
    write_ahead_by, write_atomic, write_atomic_by, write_new, write_swiftly, write_unsynced,
};
