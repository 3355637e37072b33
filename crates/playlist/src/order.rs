//! Order keys: fractions between 0 and 1 as bytes, base 256, most significant first, without zeros at the end. Between two of
//! them there is always another, so that placing one item rewrites no other. Compared as bytes they are in order.
//!
//! A key grows by one bit with each item that is placed at the same spot, and not at all at the ends, where keys are counted
//! up or down. When one has become too long, those around it are spread anew (see `repository::items`).

/// Longest key that is written.
pub(crate) const MOST_BYTES: usize = 64;
/// Keys that are spread anew are at most this long, else more of them are.
pub(crate) const COMFORT_BYTES: usize = 40;
/// Bytes of keys at the ends, which are counted: 8,388,608 of them on each side of the first.
const COUNTED: usize = 3;
/// Bytes that are looked at together; less than a `u128` has.
const WINDOW: usize = 14;

/// `n` keys between two neighbours, ascending; nothing is before the first (`low`) or after the last (`high`). Must be
/// `low < high`.
pub(crate) fn between(low: Option<&[u8]>, high: Option<&[u8]>, n: usize) -> Vec<Vec<u8>> {
    if n == 0 {
        return Vec::new();
    }
    let counted = match (low, high) {
        (None, None) => count_from((1 << (8 * COUNTED - 1)) - n as u128 / 2, n),
        (Some(low), None) => count_from(number(low, COUNTED) + 1, n),
        (None, Some(high)) => {
            number(high, COUNTED).checked_sub(n as u128).and_then(|first| count_from(first, n))
        }
        (Some(_), Some(_)) => None,
    };
    counted.unwrap_or_else(|| spread(low.unwrap_or_default(), high, n))
}

/// `n` keys of [`COUNTED`] bytes in a row; `None` when there is no room.
fn count_from(first: u128, n: usize) -> Option<Vec<Vec<u8>>> {
    let last = first + n as u128 - 1;
    let room = first > 0 && last < 1 << (8 * COUNTED);
    room.then(|| (first..=last).map(|at| key(&[], at, COUNTED)).collect())
}

/// `n` keys at even distances, as short as they can be; `high` of `None` is 1.
fn spread(low: &[u8], high: Option<&[u8]>, n: usize) -> Vec<Vec<u8>> {
    let (mut prefix, mut low, mut high) = (Vec::new(), low, high);
    loop {
        // What both begin with, all of the keys begin with.
        while let Some([first, rest @ ..]) = high
            && low.first().copied().unwrap_or(0) == *first
        {
            prefix.push(*first);
            low = low.get(1..).unwrap_or_default();
            high = Some(rest);
        }
        for length in 1..=WINDOW {
            // The first and the last key of this length that lie between.
            let first = number(low, length) + 1;
            let last = match high {
                None => (1 << (8 * length)) - 1,
                Some(high) if high.len() > length => number(high, length),
                Some(high) => number(high, length) - 1,
            };
            let room = (last + 1).saturating_sub(first);
            if room >= n as u128 {
                // The middle of each of `n` equal parts.
                let at = |i: usize| first + (2 * i as u128 + 1) * room / (2 * n as u128);
                return (0..n).map(|i| key(&prefix, at(i), length)).collect();
            }
        }
        // They differ in the last place of a long row: whatever begins as `low` does is below `high`, and above `low` there
        // is room.
        let (first, rest) = low.split_first().unwrap_or((&0, &[]));
        prefix.push(*first);
        (low, high) = (rest, None);
    }
}

/// The first `length` bytes as a number; zeros stand for what is not there.
fn number(bytes: &[u8], length: usize) -> u128 {
    (0..length).fold(0, |sum, i| sum << 8 | u128::from(bytes.get(i).copied().unwrap_or(0)))
}

fn key(prefix: &[u8], at: u128, length: usize) -> Vec<u8> {
    let mut key = prefix.to_vec();
    key.extend_from_slice(&at.to_be_bytes()[16 - length..]);
    key.truncate(key.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    fn check(low: Option<&[u8]>, high: Option<&[u8]>, n: usize) -> Vec<Vec<u8>> {
        let keys = between(low, high, n);
        assert_eq!(keys.len(), n);
        let mut before = low.unwrap_or_default().to_vec();
        for key in &keys {
            assert!(*key > before, "{before:?} {key:?} in {low:?} {high:?}");
            assert!(key.last().is_some_and(|byte| *byte != 0), "{key:?}");
            before.clone_from(key);
        }
        assert!(high.is_none_or(|high| before.as_slice() < high), "{before:?} in {low:?} {high:?}");
        keys
    }

    #[test]
    fn between_any_two_keys_there_are_as_many_as_wanted() {
        let mut random = StdRng::seed_from_u64(1);
        // Bytes that are hard: ends of the range, and rows of them.
        let byte = |random: &mut StdRng| [0, 0, 1, 127, 254, 255, 255, 7][random.random_range(0..8)];
        for _ in 0..20_000 {
            let mut draw = || {
                let mut key: Vec<u8> = (0..random.random_range(0..30)).map(|_| byte(&mut random)).collect();
                key.push(random.random_range(1..=255));
                key
            };
            let (a, b) = (draw(), draw());
            let n = random.random_range(1..300);
            match a.cmp(&b) {
                std::cmp::Ordering::Less => drop(check(Some(&a), Some(&b), n)),
                std::cmp::Ordering::Greater => drop(check(Some(&b), Some(&a), n)),
                std::cmp::Ordering::Equal => {}
            }
            check(None, Some(&a), n);
            check(Some(&a), None, n);
        }
        check(None, None, 10_000);
        check(Some(&[5]), Some(&[5, 0, 0, 1]), 10_000);
        check(Some(&[5, 255, 255]), Some(&[6]), 10_000);
    }

    #[test]
    fn keys_at_the_ends_stay_short() {
        let (mut first, mut last) = (vec![128], vec![128]);
        for _ in 0..100_000 {
            first = check(None, Some(&first), 1).remove(0);
            last = check(Some(&last), None, 1).remove(0);
        }
        assert!(first.len() <= COUNTED && last.len() <= COUNTED);
    }

    #[test]
    fn keys_at_one_spot_grow_by_a_bit_each() {
        for towards_low in [true, false] {
            let (mut low, mut high) = (vec![128], vec![128, 0, 1]);
            for _ in 0..400 {
                let middle = check(Some(&low), Some(&high), 1).remove(0);
                if towards_low { high = middle } else { low = middle }
            }
            assert!(low.len().max(high.len()) <= MOST_BYTES, "{} {}", low.len(), high.len());
        }
    }
}
