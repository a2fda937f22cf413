//! Huffman codes made for what they code (ITU T.81, annexes C and K.2).

/// Longest code of a JPEG.
const LONGEST: usize = 16;

/// The codes of one table.
pub(super) struct Codes {
    /// How many codes have 1 to 16 bits.
    pub(super) counts: [u8; LONGEST],
    /// What they stand for, in the order of the codes.
    pub(super) symbols: Vec<u8>,
    /// Of each symbol the code, and the length of it in the lowest 8 bits; 0 for none.
    pub(super) entries: [u32; 256],
}

impl Codes {
    /// Finds the codes with which symbols that come so often take the fewest bits.
    pub(super) fn of(frequencies: &[u32; 256]) -> Self {
        let lengths = lengths(frequencies);
        let mut symbols: Vec<u8> =
            (0..=u8::MAX).filter(|at| lengths[usize::from(*at)] > 0).collect();
        symbols.sort_by_key(|symbol| (lengths[usize::from(*symbol)], *symbol));
        let (mut counts, mut entries) = ([0; LONGEST], [0; 256]);
        let (mut code, mut last) = (0_u32, 0);
        for symbol in symbols.iter().map(|symbol| usize::from(*symbol)) {
            let length = lengths[symbol];
            code <<= length - last;
            entries[symbol] = code << 8 | u32::from(length);
            counts[usize::from(length) - 1] += 1;
            code += 1;
            last = length;
        }
        Self { counts, symbols, entries }
    }
}

/// Finds the lengths of the best codes of at most 16 bits, none of which is all ones, by packages
/// (Larmore and Hirschberg, 1990): the lengths of all but those that come never.
fn lengths(frequencies: &[u32; 256]) -> [u8; 256] {
    /// What stands for the code of all ones: it comes never, and so is among the longest.
    const NONE: u16 = 256;
    let mut coins = vec![(0_u64, vec![NONE])];
    let some = (0_u16..).zip(frequencies).filter(|(_, frequency)| **frequency > 0);
    coins.extend(some.map(|(symbol, frequency)| (u64::from(*frequency), vec![symbol])));
    coins.sort_by_key(|(weight, _)| *weight);
    let mut packages: Vec<(u64, Vec<u16>)> = Vec::new();
    for _ in 0..LONGEST {
        packages.extend(coins.iter().cloned());
        // Stable: of those that weigh the same, packages come first, which are the same every time.
        packages.sort_by_key(|(weight, _)| *weight);
        packages = packages
            .chunks_exact(2)
            .map(|two| (two[0].0 + two[1].0, [&two[0].1[..], &two[1].1[..]].concat()))
            .collect();
    }
    let mut lengths = [0; 256];
    for symbol in packages.iter().take(coins.len() - 1).flat_map(|(_, symbols)| symbols) {
        if let Some(length) = lengths.get_mut(usize::from(*symbol)) {
            *length += 1;
        }
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts the bits that symbols take.
    fn cost(frequencies: &[u32; 256], lengths: &[u8; 256]) -> u64 {
        let each = frequencies.iter().zip(lengths);
        each.map(|(frequency, length)| u64::from(*frequency) * u64::from(*length)).sum()
    }

    /// How much of all codes is used, in parts of 65,536.
    fn used(lengths: &[u8; 256]) -> u32 {
        lengths.iter().filter(|length| **length > 0).map(|length| 1 << (16 - length)).sum()
    }

    fn some(list: &[(usize, u32)]) -> [u32; 256] {
        let mut frequencies = [0; 256];
        for (symbol, frequency) in list {
            frequencies[*symbol] = *frequency;
        }
        frequencies
    }

    #[test]
    fn codes_are_the_shortest_there_can_be() {
        // With the code of all ones they are: 1, 2, 3, 3 bits.
        let frequencies = some(&[(7, 5), (9, 3), (200, 1)]);
        let found = lengths(&frequencies);
        assert_eq!((found[7], found[9], found[200]), (1, 2, 3));
        assert_eq!(cost(&frequencies, &found), 14);
        let one = lengths(&some(&[(3, 1000)]));
        assert_eq!((one[3], used(&one)), (1, 1 << 15));
    }

    #[test]
    fn codes_are_never_longer_than_16_bits_and_never_all_ones() {
        let (mut a, mut b) = (1_u32, 1_u32);
        let mut steep = [0; 256];
        for frequency in steep.iter_mut().take(44) {
            *frequency = a;
            (a, b) = (b, a.saturating_add(b));
        }
        for frequencies in [steep, [1; 256], [u32::MAX; 256]] {
            let found = lengths(&frequencies);
            assert!(found.iter().all(|length| *length <= 16));
            assert!(used(&found) < 1 << 16, "{}", used(&found));
            let codes = Codes::of(&frequencies);
            for (entry, length) in codes.entries.iter().zip(found) {
                assert_eq!(entry & 0xff, u32::from(length));
                assert!(length == 0 || entry >> 8 < (1 << length) - 1);
            }
        }
        // Steep as they are, they are sorted: what comes more often has no longer code.
        let found = lengths(&steep);
        assert!(found[..44].is_sorted_by(|a, b| a >= b), "{found:?}");
    }
}
