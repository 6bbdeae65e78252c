//! What Packer makes in Google Cloud, and may leave behind, by its names for such things.

use super::kind;

/// Whether a thing has a name and a description that Packer gives. Where it does, nobody says whose it is: that it is old
/// and not used is for the caller to see.
pub fn is_leftover_of_packer(kind: &str, name: &str, description: &str) -> bool {
    let has_name = name.strip_prefix("packer-").is_some_and(is_uuid);
    match kind {
        kind::INSTANCE => has_name && description == "New instance created by Packer",
        // A boot disk, which is made with its machine, has no description.
        kind::DISK => has_name && matches!(description, "" | "created by Packer"),
        _ => false,
    }
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let may_be = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(may_be)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packer_s_things_have_its_names_and_its_words() {
        let name = "packer-65c2f3aa-1b2c-4d5e-8f90-a1b2c3d4e5f6";
        let words = "New instance created by Packer";
        assert!(is_leftover_of_packer(kind::INSTANCE, name, words));
        assert!(is_leftover_of_packer(kind::DISK, name, ""));
        assert!(is_leftover_of_packer(kind::DISK, name, "created by Packer"));
        for (kind, name, description) in [
            (kind::INSTANCE, "packer-web", words),
            (kind::INSTANCE, name, "the build server"),
            (kind::INSTANCE, "my-65c2f3aa-1b2c-4d5e-8f90-a1b2c3d4e5f6", words),
            (kind::INSTANCE, "packer-65c2f3aa1b2c4d5e8f90a1b2c3d4e5f6", words),
            (kind::DISK, name, "data of the shop"),
            (kind::IMAGE, name, ""),
        ] {
            assert!(!is_leftover_of_packer(kind, name, description), "{kind} {name}: {description}");
        }
    }
}
