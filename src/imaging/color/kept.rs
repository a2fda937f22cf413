//! What pictures with the same profiles share: whether a profile is of use, and the transforms.
//!
//! To open a profile and make a transform of it takes as long as to convert a million pixels, and
//! pictures come in hundreds with the same one. So each thread keeps the last few, by the bytes of
//! their profiles; a transform is the same whether it was kept or is made.

use std::cell::RefCell;
use std::rc::Rc;

use lcms2::Transform;

use super::profiles::open;
use crate::imaging::PixelType;
use crate::imaging::plan::Intent;

/// How many of each are kept.
const MOST: usize = 8;

/// Larger profiles are not kept.
const MOST_BYTES: usize = 4 << 20;

/// Where a transform begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End<'a> {
    /// sRGB.
    Srgb,
    /// The built-in gray.
    Gray,
    /// A profile for pictures of this type.
    Profile(PixelType, &'a [u8]),
}

/// What a transform depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) from: End<'a>,
    pub(super) to: End<'a>,
    /// Intent, black-point compensation, bytes of a component.
    pub(super) how: (Intent, bool, usize),
}

/// The end of a transform that is kept.
enum Owned {
    Srgb,
    Gray,
    Profile(PixelType, Box<[u8]>),
}

impl Owned {
    fn of(end: End<'_>) -> Option<Self> {
        Some(match end {
            End::Srgb => Self::Srgb,
            End::Gray => Self::Gray,
            End::Profile(_, bytes) if bytes.len() > MOST_BYTES => return None,
            End::Profile(pixel_type, bytes) => Self::Profile(pixel_type, bytes.into()),
        })
    }

    fn borrowed(&self) -> End<'_> {
        match self {
            Self::Srgb => End::Srgb,
            Self::Gray => End::Gray,
            Self::Profile(pixel_type, bytes) => End::Profile(*pixel_type, bytes),
        }
    }
}

struct Kept {
    from: Owned,
    to: Owned,
    how: (Intent, bool, usize),
    transform: Rc<Transform<u8, u8>>,
}

struct Known {
    pixel_type: PixelType,
    bytes: Box<[u8]>,
    of_use: bool,
}

thread_local! {
    /// The one used last at the end.
    static TRANSFORMS: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
    static PROFILES: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
}

/// Tells whether a profile can be opened for pictures of this type.
pub(super) fn is_of_use(bytes: &[u8], pixel_type: PixelType) -> bool {
    let same = |known: &Known| known.pixel_type == pixel_type && *known.bytes == *bytes;
    if let Some(known) = PROFILES.with_borrow_mut(|kept| freshen(kept, same).map(|k| k.of_use)) {
        return known;
    }
    let of_use = open(bytes, pixel_type).is_some();
    if bytes.len() <= MOST_BYTES {
        let known = Known { pixel_type, bytes: bytes.into(), of_use };
        PROFILES.with_borrow_mut(|kept| add(kept, known));
    }
    of_use
}

/// Returns the transform if it is kept.
pub(super) fn find(key: &Key<'_>) -> Option<Rc<Transform<u8, u8>>> {
    let same = |kept: &Kept| {
        kept.how == key.how && kept.from.borrowed() == key.from && kept.to.borrowed() == key.to
    };
    TRANSFORMS.with_borrow_mut(|kept| freshen(kept, same).map(|found| Rc::clone(&found.transform)))
}

/// Keeps a transform in place of the one that was not used for longest.
pub(super) fn keep(key: &Key<'_>, transform: &Rc<Transform<u8, u8>>) {
    let (Some(from), Some(to)) = (Owned::of(key.from), Owned::of(key.to)) else { return };
    let made = Kept { from, to, how: key.how, transform: Rc::clone(transform) };
    TRANSFORMS.with_borrow_mut(|kept| add(kept, made));
}

fn freshen<T>(kept: &mut Vec<T>, same: impl Fn(&T) -> bool) -> Option<&T> {
    let at = kept.iter().position(same)?;
    let found = kept.remove(at);
    kept.push(found);
    kept.last()
}

fn add<T>(kept: &mut Vec<T>, new: T) {
    if kept.len() == MOST {
        kept.remove(0);
    }
    kept.push(new);
}

#[cfg(test)]
mod tests {
    use super::*;
    use lcms2::{Intent as Library, PixelFormat, Profile};

    fn transform() -> Rc<Transform<u8, u8>> {
        let srgb = Profile::new_srgb();
        let format = PixelFormat::RGB_8;
        Rc::new(Transform::new(&srgb, format, &srgb, format, Library::Perceptual).unwrap())
    }

    fn key(bytes: &[u8]) -> Key<'_> {
        let from = End::Profile(PixelType::Rgb, bytes);
        Key { from, to: End::Srgb, how: (Intent::Relative, true, 1) }
    }

    #[test]
    fn a_transform_is_found_again_by_all_that_it_depends_on() {
        let made = transform();
        keep(&key(b"one"), &made);
        assert!(find(&key(b"one")).is_some_and(|found| Rc::ptr_eq(&found, &made)));
        assert!(find(&key(b"two")).is_none());
        let how = (Intent::Relative, false, 1);
        assert!(find(&Key { how, ..key(b"one") }).is_none());
        assert!(find(&Key { to: End::Gray, ..key(b"one") }).is_none());
        let from = End::Profile(PixelType::Cmyk, b"one");
        assert!(find(&Key { from, ..key(b"one") }).is_none());
    }

    #[test]
    fn the_one_not_used_for_longest_goes() {
        let made = transform();
        let names: Vec<String> = (0..=MOST).map(|n| format!("lru {n}")).collect();
        for name in &names[..MOST] {
            keep(&key(name.as_bytes()), &made);
        }
        assert!(find(&key(names[0].as_bytes())).is_some());
        keep(&key(names[MOST].as_bytes()), &made);
        assert!(find(&key(names[0].as_bytes())).is_some(), "used lately");
        assert!(find(&key(names[1].as_bytes())).is_none());
    }

    #[test]
    fn large_profiles_are_not_kept() {
        let large = vec![0; MOST_BYTES + 1];
        keep(&key(&large), &transform());
        assert!(find(&key(&large)).is_none());
        assert!(!is_of_use(&large, PixelType::Rgb));
    }

    #[test]
    fn a_profile_is_of_use_for_one_type_alone() {
        let srgb = Profile::new_srgb().icc().unwrap();
        for _ in 0..2 {
            assert!(is_of_use(&srgb, PixelType::Rgb));
            assert!(!is_of_use(&srgb, PixelType::Cmyk));
            assert!(!is_of_use(&srgb[..300], PixelType::Rgb));
        }
    }
}
