//! Text for the remote login shell: nothing of a path may mean anything to it but itself.

/// One word, whatever it holds. Works in sh, csh and fish.
pub(super) fn quote(text: &str) -> String {
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A path as one word. A leading `~/` stays the home folder, and a leading dash is no option.
pub(super) fn quote_path(path: &str) -> String {
    if path == "~" {
        return "~".to_owned();
    }
    match path.strip_prefix("~/") {
        Some("") => "~/".to_owned(),
        Some(rest) => format!("~/{}", quote(rest)),
        None if path.starts_with('-') => quote(&format!("./{path}")),
        None => quote(path),
    }
}

/// A path pattern: everything but `*`, `?` and `[…]` is quoted.
pub(super) fn quote_pattern(pattern: &str) -> String {
    let mut quoted = String::new();
    let mut run = String::new();
    for character in pattern.chars() {
        if is_plain(character) || is_wildcard(character) || matches!(character, ']' | '!' | '^') {
            if !run.is_empty() {
                quoted += &quote(&std::mem::take(&mut run));
            }
            quoted.push(character);
        } else {
            run.push(character);
        }
    }
    if !run.is_empty() {
        quoted += &quote(&run);
    }
    quoted
}

/// Whether a path is a pattern.
pub(super) fn is_pattern(path: &str) -> bool {
    path.chars().any(is_wildcard)
}

/// A pattern as the folder up to its first wildcard and the rest: `/var/log` and `*.log`.
pub(super) fn split_pattern(pattern: &str) -> (&str, &str) {
    let wildcard = pattern.find(is_wildcard).unwrap_or(pattern.len());
    match pattern[..wildcard].rfind('/') {
        Some(0) => ("/", &pattern[1..]),
        Some(slash) => (&pattern[..slash], &pattern[slash + 1..]),
        None => (".", pattern),
    }
}

fn is_wildcard(character: char) -> bool {
    matches!(character, '*' | '?' | '[')
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '/' | '.' | '_' | '-' | ':' | '+' | '@' | ',' | '%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_gives_every_word_back_as_it_was() {
        let words =
            ["", "a b", "$(id)", "`id`", "it's", "'; rm -rf /; '", "a\nb", "~root", "*", "\\", "!x", "-n", "ä", "a=b"];
        let command = format!("printf '<%s>' {}", words.map(quote).join(" "));
        let output = std::process::Command::new("sh").args(["-c", &command]).output().unwrap();
        let expected: String = words.iter().map(|word| format!("<{word}>")).collect();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }

    #[test]
    fn paths_keep_the_home_folder_and_are_never_options() {
        assert_eq!(
            ["~", "~/", "~/a b", "-rf", "/a/b", "~x y"].map(quote_path).join(" "),
            "~ ~/ ~/'a b' ./-rf /a/b '~x y'"
        );
    }

    #[test]
    fn patterns_match_and_run_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a b.log", "c d.log", "e.txt", "$(touch x).log"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let list = |pattern: &str| {
            let command = format!("printf '<%s>' {}", quote_pattern(pattern));
            let output = std::process::Command::new("sh").args(["-c", &command]).current_dir(&folder).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        assert_eq!(list("[a-c] ?.log"), "<a b.log><c d.log>");
        assert_eq!(list("$(touch x)*"), "<$(touch x).log>");
        assert_eq!(list("[!ac]*"), "<$(touch x).log><e.txt>");
        assert_eq!(split_pattern("/var/l*/x"), ("/var", "l*/x"));
        assert_eq!(split_pattern("/*"), ("/", "*"));
        assert_eq!(split_pattern("*"), (".", "*"));
    }
}
