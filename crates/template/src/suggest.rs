//! "Did you mean": the known name that is nearest to a misspelt one.

/// Longer names are not compared: nobody mistypes a hundred letters by two.
const LONGEST: usize = 100;

/// The name nearest to what was written, if one is near enough to be meant.
///
/// Case counts for nothing; letters left out, added, changed or swapped count one each, and about a third of the
/// letters may differ. Of equally near names the first by bytes is taken, so the order given does not matter.
///
/// # Advice
/// Ask only for names that are not known: a name of the list is its own nearest.
pub fn closest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = letters(written)?;
    let allowed = allowed_distance(wanted.len());
    names
        .into_iter()
        .filter_map(|name| {
            let candidate = letters(name)?;
            if candidate.len().abs_diff(wanted.len()) > allowed {
                return None;
            }
            let distance = distance(&wanted, &candidate);
            // Nothing in common is no likeness, however short the two are.
            let alike = distance <= allowed && distance < wanted.len().max(candidate.len());
            alike.then_some((distance, name))
        })
        .min()
        .map(|(_, name)| name)
}

/// The help of a message about a misspelt name.
pub fn did_you_mean<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(written, names).map(|name| format!("did you mean `{name}`?"))
}

fn letters(name: &str) -> Option<Vec<char>> {
    let letters: Vec<char> = name.chars().take(LONGEST + 1).flat_map(char::to_lowercase).collect();
    (!letters.is_empty() && letters.len() <= LONGEST).then_some(letters)
}

fn allowed_distance(length: usize) -> usize {
    match length {
        0..=5 => 1,
        6..=8 => 2,
        9..=15 => 3,
        _ => length / 4,
    }
}

/// Optimal string alignment: Damerau-Levenshtein without edits inside swapped pairs.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, other_letter) in other.iter().enumerate() {
            let changed = last[column] + usize::from(letter != other_letter);
            let mut best = changed.min(last[column + 1] + 1).min(current[column] + 1);
            let swapped = row > 0 && column > 0 && one[row - 1] == *other_letter && other[column - 1] == *letter;
            if swapped {
                best = best.min(before_last[column - 1] + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 6] = ["ssh_username", "ssh_password", "ssh_port", "iso_url", "iso_urls", "vm"];

    #[test]
    fn near_names_are_found() {
        assert_eq!(closest("ssh_usrname", NAMES), Some("ssh_username"));
        assert_eq!(closest("ssh_usernmae", NAMES), Some("ssh_username"));
        assert_eq!(closest("SSH_Port", NAMES), Some("ssh_port"));
        assert_eq!(closest("iso_ulr", NAMES), Some("iso_url"));
        assert_eq!(did_you_mean("shh_port", NAMES), Some("did you mean `ssh_port`?".to_owned()));
    }

    #[test]
    fn far_names_are_not() {
        assert_eq!(closest("disk_size", NAMES), None);
        assert_eq!(closest("xy", NAMES), None);
        assert_eq!(closest("", NAMES), None);
        assert_eq!(closest("q", ["r"]), None);
        assert_eq!(closest(&"ssh_port".repeat(100_000), NAMES), None);
    }

    #[test]
    fn ties_do_not_depend_on_the_order() {
        assert_eq!(closest("nama", ["name", "nami"]), Some("name"));
        assert_eq!(closest("nama", ["nami", "name"]), Some("name"));
    }
}
