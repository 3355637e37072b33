//! How far two words are from each other.

/// True when `one` becomes `other` by at most `most` letters put in, left out, replaced or swapped with the next.
pub(super) fn within(one: &str, other: &str, most: usize) -> bool {
    if most == 0 || one == other {
        return one == other;
    }
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > most {
        return false;
    }
    // Rows of the table of distances between beginnings: the one before the last, the last, and this.
    let (mut before, mut last) = (Vec::new(), (0..=other.len()).collect::<Vec<usize>>());
    for (n, a) in one.iter().enumerate() {
        let mut row = vec![n + 1];
        for (m, b) in other.iter().enumerate() {
            let replaced = last[m] + usize::from(a != b);
            let mut least = replaced.min(last[m + 1] + 1).min(row[m] + 1);
            if n > 0 && m > 0 && *a == other[m - 1] && one[n - 1] == *b {
                least = least.min(before_of(&before, m - 1) + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().is_some_and(|distance| *distance <= most)
}

fn before_of(row: &[usize], place: usize) -> usize {
    row.get(place).copied().unwrap_or(usize::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn counts_letters_that_are_wrong() {
        for (one, other, distance) in [
            ("enter", "enter", 0),
            ("enter", "entre", 1),
            ("enter", "eenter", 1),
            ("enter", "entr", 1),
            ("metallica", "metalicca", 2),
            ("кино", "кина", 1),
            ("", "ab", 2),
        ] {
            assert!(within(one, other, distance), "{one} {other}");
            assert!(distance == 0 || !within(one, other, distance - 1), "{one} {other}");
        }
    }
}
