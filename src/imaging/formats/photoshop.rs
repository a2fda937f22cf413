//! Photoshop's image resources: what lies between `8BIM` marks in PSD, JPEG, TIFF and EPS.
//!
//! A resource is a signature, a number, a name and data, the last two padded to an even length
//! (Adobe Photoshop File Formats Specification, "Image Resource Blocks"). Nothing in them is worth
//! a picture: reading stops at the first thing that makes no sense, and what came before it holds.
//!
//! Resources 2000 to 2997 are saved paths, their names the resources' own; 2999 holds the name of
//! the clipping path. A path is a list of records of 26 bytes: one that opens a subpath and counts
//! its knots, then the knots with three points each, y before x, as fractions of the picture with
//! 24 bits behind the point.

use std::io::{BufRead, Read, Seek};
use std::ops::RangeInclusive;

use crate::imaging::paths::{Knot, MAX_KNOTS, Path, Subpath};

/// Numbers of saved paths.
const PATHS: RangeInclusive<u16> = 2000..=2997;
const CLIPPING_PATH: u16 = 2999;

/// Most bytes of all the resources somebody wants from one file.
pub(super) const MOST: u64 = 32 << 20;

/// Most resources of one file that are looked at.
const MAX_RESOURCES: usize = 10_000;

/// Bytes of a path's record.
const RECORD: usize = 26;

/// Selectors of a path's records.
const CLOSED: u16 = 0;
const OPEN: u16 = 3;
const FILL_RULE: u16 = 6;
const INITIAL_FILL: u16 = 8;
const CLOSED_KNOT: u16 = 2;

/// 1.0 in a record.
const ONE: f64 = 16_777_216.0;

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) id: u16,
    /// At most 255 bytes in an encoding nobody knows.
    pub(super) name: Vec<u8>,
    pub(super) data: Vec<u8>,
}

/// Reads the resources somebody wants out of the next `length` bytes, and passes over the others.
pub(super) fn resources<R: BufRead + Seek>(
    input: &mut R,
    length: u64,
    wanted: impl Fn(u16) -> bool,
) -> Vec<Resource> {
    let mut found = Vec::new();
    let mut left = length;
    let mut room = MOST;
    for _ in 0..MAX_RESOURCES {
        let Some((resource, used)) = resource(input, left, room, &wanted) else { break };
        left -= used;
        if let Some(resource) = resource {
            room -= resource.data.len() as u64;
            found.push(resource);
        }
    }
    found
}

/// Reads one resource of at most `left` bytes; returns it, if it is wanted, and its length.
fn resource<R: BufRead + Seek>(
    input: &mut R,
    left: u64,
    room: u64,
    wanted: &impl Fn(u16) -> bool,
) -> Option<(Option<Resource>, u64)> {
    let [signature @ .., i0, i1, name_length] = read::<7, _>(input)?;
    // What ImageReady and others left behind is laid out alike.
    if !matches!(&signature, b"8BIM" | b"MeSa" | b"PHUT" | b"AgHg" | b"DCSR") {
        return None;
    }
    let id = u16::from_be_bytes([i0, i1]);
    let mut name = vec![0; usize::from(name_length | 1)];
    input.read_exact(&mut name).ok()?;
    let padded = name.len() as u64;
    name.truncate(usize::from(name_length));
    let length = u32::from_be_bytes(read(input)?);
    let whole = u64::from(length) + u64::from(length % 2);
    let head = 7 + padded + 4;
    // The very last one may lack its padding.
    if left < head + u64::from(length) {
        return None;
    }
    let used = (head + whole).min(left);
    if !wanted(id) {
        input.seek_relative(i64::try_from(used - head).ok()?).ok()?;
        return Some((None, used));
    }
    if u64::from(length) > room {
        return None;
    }
    let mut data = Vec::new();
    input.take(used - head).read_to_end(&mut data).ok()?;
    if (data.len() as u64) < u64::from(length) {
        return None;
    }
    data.truncate(usize::try_from(length).ok()?);
    Some((Some(Resource { id, name, data }), used))
}

fn read<const N: usize, R: BufRead>(input: &mut R) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

/// Tells whether a resource is a path or says something of paths.
pub(super) fn is_path(id: u16) -> bool {
    PATHS.contains(&id) || id == CLIPPING_PATH
}

/// Makes the paths of resources, in their order; of all of them at most [`MAX_KNOTS`] are read.
pub(super) fn paths(resources: &[Resource]) -> Vec<Path> {
    let clipping = resources
        .iter()
        .find(|resource| resource.id == CLIPPING_PATH)
        .and_then(|resource| pascal(&resource.data));
    let mut room = MAX_KNOTS;
    let mut paths = Vec::new();
    for resource in resources.iter().filter(|resource| PATHS.contains(&resource.id)) {
        let Some(subpaths) = subpaths(&resource.data, &mut room) else { break };
        paths.push(Path {
            name: text(&resource.name),
            clipping: clipping == Some(&resource.name),
            subpaths,
        });
    }
    paths
}

/// Reads the records of one path; none when there is no room for them all.
fn subpaths(data: &[u8], room: &mut usize) -> Option<Vec<Subpath>> {
    let mut subpaths: Vec<Subpath> = Vec::new();
    for record in data.as_chunks::<RECORD>().0 {
        match u16::from_be_bytes([record[0], record[1]]) {
            selector @ (CLOSED | OPEN) => {
                subpaths.push(Subpath { closed: selector == CLOSED, knots: Vec::new() });
            }
            // Linked or not: how its handles move matters to whoever edits it.
            1 | 2 | 4 | 5 => {
                *room = room.checked_sub(1)?;
                if let Some(subpath) = subpaths.last_mut() {
                    subpath.knots.push(knot(record));
                }
            }
            // Fill rules and the clipboard.
            _ => {}
        }
    }
    subpaths.retain(|subpath| !subpath.knots.is_empty());
    Some(subpaths)
}

fn knot(record: &[u8; RECORD]) -> Knot {
    let number = |at: usize| {
        let bytes = [record[at], record[at + 1], record[at + 2], record[at + 3]];
        f64::from(i32::from_be_bytes(bytes)) / ONE
    };
    let point = |at: usize| [number(at + 4), number(at)];
    Knot { before: point(2), at: point(10), after: point(18) }
}

/// Returns the characters of a string with its length before it.
fn pascal(data: &[u8]) -> Option<&[u8]> {
    let (length, rest) = data.split_first()?;
    rest.get(..usize::from(*length))
}

/// Reads a name as UTF-8 where it is, else as Latin-1; without control characters.
fn text(name: &[u8]) -> String {
    let name = std::str::from_utf8(name)
        .map_or_else(|_| name.iter().map(|&byte| char::from(byte)).collect(), str::to_owned);
    let mut text: String = name.chars().filter(|c| !c.is_control()).collect();
    text.truncate(text.floor_char_boundary(255));
    text
}

/// Writes paths as image resources, to be put into a file; empty when there is nothing to write.
///
/// Only closed subpaths are kept (reference page `pathEmbed`), and only paths that have some.
pub(super) fn block(paths: &[Path]) -> Vec<u8> {
    let mut block = Vec::new();
    let mut clipping = None;
    let mut ids = PATHS;
    for path in paths {
        let records = records(path);
        if records.is_empty() {
            continue;
        }
        let Some(id) = ids.next() else { break };
        put(&mut block, id, &path.name, &records);
        if path.clipping {
            clipping = Some(&path.name);
        }
    }
    if let Some(name) = clipping {
        put(&mut block, CLIPPING_PATH, "", &padded_pascal(name));
    }
    block
}

/// Writes the closed subpaths of a path; empty when there are none.
fn records(path: &Path) -> Vec<u8> {
    let mut records = Vec::new();
    for subpath in path.subpaths.iter().filter(|subpath| subpath.closed) {
        let Ok(count) = u16::try_from(subpath.knots.len()) else { continue };
        if records.is_empty() {
            put_record(&mut records, FILL_RULE, &[]);
            put_record(&mut records, INITIAL_FILL, &[]);
        }
        put_record(&mut records, CLOSED, &count.to_be_bytes());
        for knot in &subpath.knots {
            let points = [knot.before, knot.at, knot.after];
            let bytes: Vec<u8> =
                points.iter().flat_map(|[x, y]| [*y, *x]).flat_map(fixed).collect();
            put_record(&mut records, CLOSED_KNOT, &bytes);
        }
    }
    records
}

fn put_record(records: &mut Vec<u8>, selector: u16, bytes: &[u8]) {
    let end = records.len() + RECORD;
    records.extend(selector.to_be_bytes());
    records.extend_from_slice(bytes);
    records.resize(end, 0);
}

/// Rounds a coordinate to 24 bits behind the point; what is out of range (±128) is brought into it.
#[expect(clippy::cast_possible_truncation, reason = "a cast stays within the type's range")]
fn fixed(value: f64) -> [u8; 4] {
    ((value * ONE).round() as i32).to_be_bytes()
}

fn put(block: &mut Vec<u8>, id: u16, name: &str, data: &[u8]) {
    block.extend_from_slice(b"8BIM");
    block.extend(id.to_be_bytes());
    block.extend(padded_pascal(name));
    #[expect(clippy::cast_possible_truncation, reason = "knots are far fewer than a gigabyte's")]
    block.extend((data.len() as u32).to_be_bytes());
    block.extend_from_slice(data);
    if data.len() % 2 == 1 {
        block.push(0);
    }
}

/// Writes a string with its length before it, at most 255 bytes, padded to an even length.
fn padded_pascal(name: &str) -> Vec<u8> {
    let name = &name[..name.floor_char_boundary(255)];
    #[expect(clippy::cast_possible_truncation, reason = "at most 255")]
    let mut bytes = vec![name.len() as u8];
    bytes.extend_from_slice(name.as_bytes());
    if bytes.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::imaging::paths::tests::{circle, polygon, rectangle};

    fn all(block: &[u8]) -> Vec<Resource> {
        resources(&mut Cursor::new(block), block.len() as u64, |_| true)
    }

    /// Makes a resource by hand.
    pub(in crate::imaging) fn resource(id: u16, name: &str, data: &[u8]) -> Vec<u8> {
        let mut block = Vec::new();
        put(&mut block, id, name, data);
        block
    }

    #[test]
    fn resources_are_read_in_order_and_padding_is_skipped() {
        let block =
            [resource(1005, "", &[1, 2, 3]), resource(1039, "ab", &[4]), resource(7, "abc", &[])]
                .concat();
        let found: Vec<_> = all(&block).into_iter().map(|r| (r.id, r.name, r.data)).collect();
        let wanted = vec![
            (1005, vec![], vec![1, 2, 3]),
            (1039, b"ab".to_vec(), vec![4]),
            (7, b"abc".to_vec(), vec![]),
        ];
        assert_eq!(found, wanted);
        let some = resources(&mut Cursor::new(&block), block.len() as u64, |id| id == 7);
        assert_eq!(some.len(), 1);
        // Padding of the last one may be missing, its data may not.
        let odd = resource(1, "", &[1, 2, 3]);
        assert_eq!(all(&odd[..odd.len() - 1])[0].data, [1, 2, 3]);
        assert!(all(&odd[..odd.len() - 2]).is_empty());
        let mut huge = resource(1, "", &[1, 2]);
        huge[8..12].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(resources(&mut Cursor::new(&huge), u64::MAX, |_| true).is_empty());
    }

    #[test]
    fn a_record_written_by_hand_is_a_knot() {
        let number = |v: i32| v.to_be_bytes();
        let point = |x: i32, y: i32| [number(y), number(x)].concat();
        let half = 1 << 23;
        let mut data = [&[0, 6][..], &[0; 24]].concat();
        data.extend([&[0, 3, 0, 1][..], &[0; 22]].concat());
        data.extend([0, 4]);
        data.extend([point(0, half), point(half, 3 * half), point(-half, 0)].concat());
        let found = paths(&all(&resource(2003, "open one", &data)));
        assert_eq!(found[0].name, "open one");
        assert_eq!(
            found[0].subpaths,
            [Subpath {
                closed: false,
                knots: vec![Knot { before: [0.0, 0.5], at: [0.5, 1.5], after: [-0.5, 0.0] }],
            }]
        );
    }

    #[test]
    fn closed_paths_come_back_as_they_were() {
        let mut clip = circle("the clip", [0.5, 0.5], 0.25);
        clip.clipping = true;
        let open = {
            let mut path = polygon("open", &[[0.0, 0.0], [1.0, 1.0]]);
            path.subpaths[0].closed = false;
            path
        };
        let given = [rectangle("Pfad größer", [-0.25, 0.125, 1.5, 0.75]), open, clip];
        let found = paths(&all(&block(&given)));
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], given[0]);
        assert_eq!((found[1].name.as_str(), found[1].clipping), ("the clip", true));
        let [a, b] = [&found[1], &given[2]].map(|path| path.bounds().unwrap());
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6), "{a:?} {b:?}");
        assert!(block(&given[1..2]).is_empty());
    }

    #[test]
    fn names_of_any_kind_are_text_of_255_bytes() {
        assert_eq!(text(b"Pf\xe4d\0\n1"), "Pfäd1");
        assert_eq!(text("Größe".as_bytes()), "Größe");
        assert_eq!(text(&[0xff; 255]).len(), 254);
    }

    #[test]
    fn paths_without_end_are_cut_off() {
        let mut data = [&[0, 0, 0xff, 0xff][..], &[0; 22]].concat();
        for _ in 0..MAX_KNOTS {
            data.extend([&[0, 2][..], &[0; 24]].concat());
        }
        let block = [resource(2000, "a", &data), resource(2001, "b", &data)].concat();
        assert_eq!(paths(&all(&block)).len(), 1);
    }

    proptest! {
        #[test]
        fn bytes_of_any_kind_make_no_panic(
            mut block in prop::collection::vec(any::<u8>(), 0..400),
            data in prop::collection::vec(prop_oneof![0..9_u8, any::<u8>()], 0..200),
        ) {
            block.splice(0..0, resource(2000, "p", &data));
            for path in paths(&all(&block)) {
                let _ = path.bounds();
                let again = paths(&all(&super::block(std::slice::from_ref(&path))));
                prop_assert!(again.len() <= 1);
            }
        }
    }
}
