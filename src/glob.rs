//! The patterns of `-only` and `-except`: `*` and `?` match any character, dots too; `[ab]`, `[!a-c]`, `{a,b}`, `\` escapes.

/// A checked pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// The alternatives that `{…}` stands for, each a plain sequence.
    alternatives: Vec<Vec<Piece>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Literal(char),
    Any,
    AnySequence,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

/// `{a,b}{c,d}…` multiplies; nobody writes more by hand.
const MAX_ALTERNATIVES: usize = 1000;

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let characters: Vec<char> = text.chars().collect();
        let mut parser = Parser { characters: &characters, at: 0, depth: 0 };
        let alternatives = parser.sequence()?;
        if parser.at < characters.len() {
            return Err("`}` without `{`".to_owned());
        }
        Ok(Self { alternatives })
    }

    pub fn matches(&self, text: &str) -> bool {
        let characters: Vec<char> = text.chars().collect();
        self.alternatives.iter().any(|pieces| matches(pieces, &characters))
    }
}

struct Parser<'a> {
    characters: &'a [char],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<char> {
        let character = self.characters.get(self.at).copied();
        self.at += 1;
        character
    }

    /// Up to the end, or to `,` or `}` inside braces, which are left for the caller.
    fn sequence(&mut self) -> Result<Vec<Vec<Piece>>, String> {
        let mut all = vec![Vec::new()];
        while let Some(character) = self.characters.get(self.at).copied() {
            if character == '}' || (character == ',' && self.depth > 0) {
                break;
            }
            self.at += 1;
            let added = match character {
                '*' => vec![vec![Piece::AnySequence]],
                '?' => vec![vec![Piece::Any]],
                '[' => vec![vec![self.class()?]],
                '{' => self.braces()?,
                '\\' => vec![vec![Piece::Literal(self.next().ok_or("nothing follows the `\\`")?)]],
                literal => vec![vec![Piece::Literal(literal)]],
            };
            if all.len() * added.len() > MAX_ALTERNATIVES {
                return Err("the braces stand for too many alternatives".to_owned());
            }
            all = all
                .iter()
                .flat_map(|head| added.iter().map(|tail| head.iter().chain(tail).cloned().collect()))
                .collect();
        }
        Ok(all)
    }

    fn braces(&mut self) -> Result<Vec<Vec<Piece>>, String> {
        self.depth += 1;
        if self.depth > 20 {
            return Err("the braces are nested too deeply".to_owned());
        }
        let mut all = Vec::new();
        loop {
            all.extend(self.sequence()?);
            match self.next() {
                Some(',') => {}
                Some(_) => break,
                None => return Err("`{` is never closed".to_owned()),
            }
        }
        self.depth -= 1;
        Ok(all)
    }

    fn class(&mut self) -> Result<Piece, String> {
        let unclosed = "`[` is never closed";
        let negated = self.characters.get(self.at) == Some(&'!');
        if negated {
            self.at += 1;
        }
        let mut ranges = Vec::new();
        loop {
            let first = match self.next().ok_or(unclosed)? {
                ']' if ranges.is_empty() => return Err("`[]` matches nothing".to_owned()),
                ']' => return Ok(Piece::Class { negated, ranges }),
                '\\' => self.next().ok_or(unclosed)?,
                character => character,
            };
            let is_range = self.characters.get(self.at) == Some(&'-') && self.characters.get(self.at + 1) != Some(&']');
            if is_range {
                self.at += 1;
                ranges.push((first, self.next().ok_or(unclosed)?));
            } else {
                ranges.push((first, first));
            }
        }
    }
}

/// Without recursion: on a mismatch the last `*` takes one more character.
fn matches(pieces: &[Piece], text: &[char]) -> bool {
    let (mut piece, mut at) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let matched = match (pieces.get(piece), text.get(at)) {
            (Some(Piece::AnySequence), _) => {
                retry = Some((piece, at));
                piece += 1;
                continue;
            }
            (None, None) => return true,
            (Some(Piece::Any), Some(_)) => true,
            (Some(Piece::Literal(wanted)), Some(character)) => wanted == character,
            (Some(Piece::Class { negated, ranges }), Some(character)) => {
                ranges.iter().any(|(low, high)| (low..=high).contains(&character)) != *negated
            }
            _ => false,
        };
        if matched {
            piece += 1;
            at += 1;
        } else {
            match retry {
                Some((star, taken)) if taken < text.len() => {
                    retry = Some((star, taken + 1));
                    piece = star + 1;
                    at = taken + 1;
                }
                _ => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn patterns_match_as_users_know_them() {
        let table = [
            ("my_build.*", "my_build.file.chocolate", true),
            ("*chocolate*", "file.chocolate", true),
            ("*ch*", "file.vanilla", false),
            ("file.?herry", "file.cherry", true),
            ("file.[cv]*", "file.vanilla", true),
            ("file.[!cv]*", "file.vanilla", false),
            ("file.[a-c]x", "file.bx", true),
            ("file.{cherry,vanilla}", "file.vanilla", true),
            ("{file,null}.{a,b}", "null.b", true),
            ("\\*", "x", false),
            ("\\*", "*", true),
            ("", "", true),
            ("*a*b", "xaxxb", true),
            ("*a*b", "xaxxbc", false),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(Pattern::new(pattern).unwrap().matches(text), expected, "{pattern} {text}");
        }
        assert_eq!(Pattern::new("a[b").unwrap_err(), "`[` is never closed");
        assert_eq!(Pattern::new("a{b").unwrap_err(), "`{` is never closed");
        assert_eq!(Pattern::new("a}b").unwrap_err(), "`}` without `{`");
        assert_eq!(Pattern::new("a\\").unwrap_err(), "nothing follows the `\\`");
    }
}
