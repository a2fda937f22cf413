//! Whole files: the same coefficients and the same pixels as libjpeg.

#![expect(clippy::cast_possible_truncation, reason = "the numbers of made files are small")]

use super::super::Shrink;
use super::super::jpeg_reference::{jpeg_difference, ours};
use super::{Error, Reading};
use made::Numbers;

mod coefficients;
mod made;

/// Decodes in full.
fn full(file: &[u8]) -> Result<Vec<u8>, Error> {
    ours(file, &[Shrink::Full], Reading::Everything).map(|mut all| all.remove(0))
}

/// All ways to decode give the same.
fn check(name: &str, file: &[u8]) {
    let found = coefficients::difference(file).or_else(|| jpeg_difference(file));
    assert_eq!(found, None, "{name}");
}

#[test]
fn made_files_decode_as_with_libjpeg() {
    for seed in 0..150 {
        let file = made::file(&mut Numbers(seed << 20));
        check(&format!("file {seed}"), &file);
        full(&file).unwrap();
    }
}

#[test]
fn sizes_decoded_together_are_those_decoded_alone() {
    for seed in 1000..1040 {
        let file = made::file(&mut Numbers(seed << 20));
        let alone = Shrink::STRONGEST_FIRST
            .map(|shrink| ours(&file, &[shrink], Reading::Needed).unwrap().remove(0));
        for some in 1..16 {
            let some = |at: &usize| some >> at & 1 == 1;
            let chosen: Vec<_> =
                (0..4).filter(some).map(|at| Shrink::STRONGEST_FIRST[at]).collect();
            let expected: Vec<_> = (0..4).filter(some).map(|at| alone[at].clone()).collect();
            let found = ours(&file, &chosen, Reading::Needed);
            assert_eq!(found.as_ref(), Ok(&expected), "file {seed}: {chosen:?}");
        }
    }
}

#[test]
fn damaged_files_decode_as_with_libjpeg() {
    let mut decoded = 0;
    for seed in 0..400 {
        let mut numbers = Numbers((1 << 32) + seed);
        let mut file = made::file(&mut numbers);
        damage(&mut numbers, &mut file);
        check(&format!("file {seed}"), &file);
        decoded += usize::from(full(&file).is_ok());
    }
    // Of the kinds that libjpeg has no words for, and of those that it has.
    assert!((40..360).contains(&decoded), "{decoded}");
}

#[test]
fn damage_in_scans_that_are_passed_over_is_not_found_but_a_missing_end_is() {
    let mut files = (0..).map(|seed| made::file(&mut Numbers(seed << 20)));
    let progressive = |file: &Vec<u8>| file.windows(2).any(|pair| pair == [0xff, 0xc2]);
    let file = files.find(progressive).unwrap();
    let decode = |file: &[u8], shrinks: &[Shrink]| ours(file, shrinks, Reading::Needed);
    let whole = decode(&file, &[Shrink::Eighth]).unwrap();
    // The last scan refines the brightness.
    let last = file.windows(2).rposition(|pair| pair == [0xff, 0xda]).unwrap();
    let data = last + 2 + usize::from(file[last + 3]);
    let mut damaged = file.clone();
    damaged[data..data + 2].copy_from_slice(&[0xff, 0xd3]);
    assert_eq!(decode(&damaged, &[Shrink::Eighth]), Ok(whole));
    assert!(ours(&damaged, &[Shrink::Eighth], Reading::Everything).is_err());
    for shrink in [Shrink::Quarter, Shrink::Half, Shrink::Full] {
        assert!(decode(&damaged, &[shrink]).is_err());
        assert!(decode(&damaged, &[Shrink::Eighth, shrink]).is_err());
    }
    assert_eq!(decode(&file[..data + 2], &[Shrink::Eighth]), Err(Error::CutShort));
}

/// Damages a file in a way that the numbers choose.
fn damage(numbers: &mut Numbers, file: &mut Vec<u8>) {
    // Most often behind the headers.
    let scan = file.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap_or_default();
    for _ in 0..=numbers.below(3) {
        let start = if numbers.below(3) > 0 && scan < file.len() { scan } else { 0 };
        let at = start + numbers.below(file.len() - start);
        match numbers.below(12) {
            0..=3 => file[at] ^= 1 << numbers.below(8),
            4 | 5 => file[at] = numbers.next() as u8,
            6 => file.truncate(at.max(2)),
            7 => {
                file.insert(at, numbers.next() as u8);
            }
            8 => {
                file.remove(at);
            }
            9 => {
                let marker = [0xff, 0xd0 + numbers.below(16) as u8];
                file.splice(at..at, marker);
            }
            10 => {
                let end = (at + numbers.below(40)).min(file.len());
                let piece = file[at..end].to_vec();
                let to = start + numbers.below(file.len() - start);
                file.splice(to..to, piece);
            }
            _ => {
                let end = (at + numbers.below(40)).min(file.len());
                file.drain(at..end);
            }
        }
        if file.len() < 4 {
            return;
        }
    }
}

/// A file of one gray block row, for what no encoder makes.
fn gray(extra: &[u8], data: &[u8]) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8, 0xff, 0xdb, 0, 67, 0];
    file.extend([8; 64]);
    file.extend([0xff, 0xc0, 0, 11, 8, 0, 8, 0, 16, 1, 1, 0x11, 0]);
    file.extend(extra);
    file.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
    file.extend(data);
    file
}

#[test]
fn tables_that_are_left_out_are_those_of_the_standard() {
    // Two blocks: difference 0 and the end of the block, in six bits each.
    let file = gray(&[], &[0b0010_1000, 0b1010_1111, 0xff, 0xd9]);
    check("without tables", &file);
    assert_eq!(full(&file).unwrap(), vec![128; 128]);
}

#[test]
fn what_is_odd_but_harmless_decodes() {
    let whole = gray(&[], &[0b0010_1000, 0b1010_1111, 0xff, 0xd9]);
    let cases: [(&str, Vec<u8>); 5] = [
        ("bytes before the end", gray(&[], &[0x28, 0xaf, 1, 2, 3, 0xff, 0, 4, 0xff, 0xd9])),
        ("padding before the end", gray(&[], &[0x28, 0xaf, 0xff, 0xff, 0xff, 0xd9])),
        (
            "bytes before a segment",
            gray(&[1, 2, 3, 0xff, 0xfe, 0, 4, 5, 6], &[0x28, 0xaf, 0xff, 0xd9]),
        ),
        ("an empty segment", gray(&[0xff, 0xec, 0, 0], &[0x28, 0xaf, 0xff, 0xd9])),
        ("bytes behind the end", [&whole[..], &[1, 2, 3]].concat()),
    ];
    for (name, file) in cases {
        check(name, &file);
        full(&file).unwrap();
    }
}

#[test]
fn what_is_damaged_says_how() {
    let cases: [(Vec<u8>, Error); 5] = [
        (gray(&[], &[0x28, 0xaf]), Error::CutShort),
        (gray(&[], &[0x28, 0xff, 0xd9]), Error::MissingData),
        (gray(&[], &[0xff, 0, 0xff, 0, 0xff, 0xd9]), Error::BadCode),
        (
            gray(&[0xff, 0xdd, 0, 4, 0, 1], &[0x2b, 0xff, 0xd1, 0x2b, 0xff, 0xd9]),
            Error::Restart { expected: 0xd0, found: 0xd1 },
        ),
        (vec![0xff, 0xd9], Error::NotJpeg),
    ];
    for (file, error) in cases {
        check(&error.to_string(), &file);
        assert_eq!(full(&file), Err(error));
    }
}
