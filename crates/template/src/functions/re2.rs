//! The regular expressions of Go, whose syntax is RE2's, as the crate `regex` reads them.
//!
//! The two differ in what `\d`, `\w`, `\s` and `\b` mean (ASCII in Go), in `\Q…\E` and octal escapes, in the operators
//! of classes (`&&`, `--`, brackets in brackets are nothing special in Go), and in much that is an error in Go alone.

use std::str::Chars;
use std::sync::Arc;

/// Counted repetitions inside each other may multiply to this, as in Go.
const MOST_REPEATS: usize = 1000;
/// Groups inside each other.
const DEEPEST: usize = 100;

/// A translated pattern.
#[derive(Debug, PartialEq)]
pub(super) struct Translated {
    /// For the crate `regex`. Its groups have no names.
    pub(super) source: String,
    /// The name of each group, in order. Several may have one name.
    pub(super) groups: Vec<Option<Arc<str>>>,
}

/// What is wrong with a pattern.
#[derive(Debug, PartialEq)]
pub(super) struct Problem {
    /// The part of the pattern that it is about.
    pub(super) part: Option<String>,
    pub(super) message: &'static str,
}

/// # Errors
/// With what Go would refuse too, except for names of Unicode classes, which are not looked at.
pub(super) fn translate(pattern: &str) -> Result<Translated, Problem> {
    let mut translator = Translator {
        rest: pattern.chars(),
        source: String::with_capacity(pattern.len() + 16),
        groups: Vec::new(),
        levels: Vec::new(),
        repeats: 1,
        atom: None,
        repeated: false,
    };
    translator.run()?;
    Ok(Translated { source: translator.source, groups: translator.groups })
}

struct Translator<'p> {
    rest: Chars<'p>,
    source: String,
    groups: Vec<Option<Arc<str>>>,
    /// What `repeats` was outside of each group that is open.
    levels: Vec<usize>,
    /// The largest product of counted repetitions inside each other in this group.
    repeats: usize,
    /// The same for what was read last; `None` where there is nothing that could be repeated.
    atom: Option<usize>,
    /// What was read last is a repetition.
    repeated: bool,
}

impl Translator<'_> {
    fn run(&mut self) -> Result<(), Problem> {
        while let Some(character) = self.rest.next() {
            let repeated = std::mem::take(&mut self.repeated);
            match character {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' => self.group()?,
                ')' => {
                    let outer = self.levels.pop().ok_or_else(|| problem(")", "it closes no group"))?;
                    self.source.push(')');
                    self.atom = Some(self.repeats);
                    self.repeats = self.repeats.max(outer);
                }
                '|' => {
                    self.source.push('|');
                    self.atom = None;
                }
                '.' | '^' | '$' => {
                    self.source.push(character);
                    self.atom = Some(1);
                }
                '*' | '+' | '?' => self.repeat(repeated, &character.to_string(), None)?,
                '{' => match self.counted()? {
                    Some((operator, most)) => self.repeat(repeated, &operator, Some(most))?,
                    None => self.literal('{'),
                },
                other => self.literal(other),
            }
        }
        if self.levels.is_empty() { Ok(()) } else { Err(problem("(", "the group is not closed")) }
    }

    fn eat(&mut self, prefix: &str) -> bool {
        match self.rest.as_str().strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest.chars();
                true
            }
            None => false,
        }
    }

    fn literal(&mut self, character: char) {
        if r"\.+*?()|[]{}^$#&-~".contains(character) {
            self.source.push('\\');
        }
        self.source.push(character);
        self.atom = Some(1);
    }

    /// An operator that repeats up to `most` times, if it counts.
    fn repeat(&mut self, repeated: bool, operator: &str, most: Option<usize>) -> Result<(), Problem> {
        if repeated {
            return Err(problem(operator, "it follows another repetition; put the inner one into a group"));
        }
        let inner = self.atom.ok_or_else(|| problem(operator, "there is nothing before it to repeat"))?;
        let product = inner.saturating_mul(most.unwrap_or(1).max(1));
        if product > MOST_REPEATS {
            return Err(problem(operator, "this repeats more than 1000 times"));
        }
        self.source.push_str(operator);
        if self.eat("?") {
            self.source.push('?');
        }
        self.atom = Some(product);
        self.repeats = self.repeats.max(product);
        self.repeated = true;
        Ok(())
    }

    /// After a `{`: the whole `{2}`, `{2,}` or `{2,5}` and the larger of its numbers. `None` for a mere bracket.
    fn counted(&mut self) -> Result<Option<(String, usize)>, Problem> {
        let Some((inside, rest)) = self.rest.as_str().split_once('}') else { return Ok(None) };
        let (least, most) = inside.split_once(',').map_or((inside, None), |(least, most)| (least, Some(most)));
        let is_number = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_digit())
                && (text == "0" || !text.starts_with('0'))
        };
        if !is_number(least) || most.is_some_and(|most| !most.is_empty() && !is_number(most)) {
            return Ok(None);
        }
        let operator = format!("{{{inside}}}");
        let number = |text: &str| {
            let number = text.parse().ok().filter(|number| *number <= MOST_REPEATS);
            number.ok_or_else(|| problem(&operator, "this repeats more than 1000 times"))
        };
        let least = number(least)?;
        let most = most.filter(|most| !most.is_empty()).map_or(Ok(least), number)?;
        if most < least {
            return Err(problem(&operator, "the first number is the larger one"));
        }
        self.rest = rest.chars();
        Ok(Some((operator, most)))
    }

    /// After a `(`.
    fn group(&mut self) -> Result<(), Problem> {
        if self.levels.len() >= DEEPEST {
            return Err(Problem { part: None, message: "groups are nested too deeply" });
        }
        let start = self.rest.as_str();
        if ["?=", "?!", "?<=", "?<!"].iter().any(|look| start.starts_with(look)) {
            return Err(problem(&format!("({}", first(start, 2)), "there is no looking ahead or behind"));
        }
        if self.eat("?P<") || self.eat("?<") {
            self.source.push('(');
            let name = self.group_name()?;
            self.groups.push(Some(name));
        } else if self.eat("?") {
            if !self.flags()? {
                return Ok(());
            }
        } else {
            self.source.push('(');
            self.groups.push(None);
        }
        self.levels.push(self.repeats);
        self.repeats = 1;
        self.atom = None;
        Ok(())
    }

    fn group_name(&mut self) -> Result<Arc<str>, Problem> {
        let (name, rest) =
            self.rest.as_str().split_once('>').ok_or(Problem { part: None, message: "a name is not closed by `>`" })?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(problem(name, "the name of a group is made of letters, digits and `_`"));
        }
        self.rest = rest.chars();
        Ok(name.into())
    }

    /// After `(?`: flags for what follows, or for a group of which this says that it begins.
    fn flags(&mut self) -> Result<bool, Problem> {
        let start = self.rest.as_str();
        let mut flags = String::new();
        loop {
            let read = flags.len();
            match self.rest.next() {
                Some(flag @ ('i' | 'm' | 's' | 'U')) if flags.contains(flag) && !flags.contains('-') => {}
                Some(flag @ ('i' | 'm' | 's' | 'U')) => flags.push(flag),
                Some('-') if !flags.contains('-') => flags.push('-'),
                Some(end @ (':' | ')')) if !flags.ends_with('-') => {
                    // Without flags this sets nothing, and `regex` does not know it.
                    if end == ':' || read > 0 {
                        self.source.push_str(&format!("(?{flags}{end}"));
                    }
                    return Ok(end == ':');
                }
                _ => return Err(problem(&format!("(?{}", first(start, read + 1)), "no group begins like this")),
            }
        }
    }

    /// After a `\` outside of classes.
    fn escape(&mut self) -> Result<(), Problem> {
        let start = self.rest.as_str();
        self.atom = Some(1);
        match self.rest.next() {
            Some(same @ ('A' | 'z')) => {
                self.source.push('\\');
                self.source.push(same);
            }
            Some('b') => self.source.push_str(r"(?-u:\b)"),
            Some('B') => self.source.push_str(r"(?-u:\B)"),
            Some('Q') => {
                let (quoted, rest) = self.rest.as_str().split_once("\\E").unwrap_or((self.rest.as_str(), ""));
                self.rest = rest.chars();
                self.atom = None;
                quoted.chars().for_each(|character| self.literal(character));
            }
            Some(letter) if self.predefined(letter)? => {}
            _ => {
                self.rest = start.chars();
                let character = self.character()?;
                self.literal(character);
            }
        }
        Ok(())
    }

    /// The classes that have a letter, inside of brackets and outside. False if it is another letter.
    fn predefined(&mut self, letter: char) -> Result<bool, Problem> {
        self.source.push_str(match letter {
            'd' => "[0-9]",
            'D' => "[^0-9]",
            's' => r"[\t\n\x0c\r ]",
            'S' => r"[^\t\n\x0c\r ]",
            'w' => "[0-9A-Za-z_]",
            'W' => "[^0-9A-Za-z_]",
            'p' | 'P' => {
                self.unicode_class(letter == 'P')?;
                return Ok(true);
            }
            _ => return Ok(false),
        });
        Ok(true)
    }

    /// After `\p` or `\P`.
    fn unicode_class(&mut self, mut negated: bool) -> Result<(), Problem> {
        let wrong = |part: &str| Err(problem(part, "this is no class of Unicode characters"));
        let start = self.rest.as_str();
        let name = match self.rest.next() {
            Some('{') => {
                let inside = self.rest.as_str();
                let Some((name, rest)) = inside.split_once('}') else { return wrong(&format!("\\p{start}")) };
                self.rest = rest.chars();
                name
            }
            Some(letter) => first(start, letter.len_utf8()),
            None => return wrong("\\p"),
        };
        let name = match name.strip_prefix('^') {
            Some(name) => {
                negated = !negated;
                name
            }
            None => name,
        };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b' ')) {
            return wrong(name);
        }
        self.source.push_str(&format!("\\{}{{{name}}}", if negated { 'P' } else { 'p' }));
        Ok(())
    }

    /// After a `\` that stands for one character.
    fn character(&mut self) -> Result<char, Problem> {
        let start = self.rest.as_str();
        let wrong = |length: usize| problem(&format!("\\{}", first(start, length)), "there is no such escape");
        let letter = self.rest.next().ok_or_else(|| problem("\\", "nothing follows it"))?;
        let code = match letter {
            'a' => 0x07,
            'f' => 0x0c,
            'n' => 0x0a,
            'r' => 0x0d,
            't' => 0x09,
            'v' => 0x0b,
            'x' => {
                let (digits, rest) = match self.rest.as_str().strip_prefix('{') {
                    Some(braced) => braced.split_once('}'),
                    None => self.rest.as_str().split_at_checked(2),
                }
                .ok_or_else(|| wrong(1))?;
                self.rest = rest.chars();
                if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Err(wrong(1 + digits.len()));
                }
                u32::from_str_radix(digits, 16).map_err(|_| wrong(1 + digits.len()))?
            }
            '0'..='7' => {
                let is_octal = |character: char| character.is_digit(8);
                // A lone digit other than 0 would be a reference to a group.
                if letter != '0' && !self.rest.clone().next().is_some_and(is_octal) {
                    return Err(problem(&format!("\\{letter}"), "a pattern cannot refer to its own groups"));
                }
                let mut code = letter.to_digit(8).unwrap_or_default();
                for _ in 0..2 {
                    let Some(digit) = self.rest.clone().next().and_then(|next| next.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    self.rest.next();
                }
                code
            }
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => return Ok(other),
            other => return Err(wrong(other.len_utf8())),
        };
        char::from_u32(code).ok_or_else(|| wrong(start.len() - self.rest.as_str().len()))
    }

    /// After a `[`.
    fn class(&mut self) -> Result<(), Problem> {
        let unclosed = || problem("[", "the class is not closed");
        self.source.push('[');
        if self.eat("^") {
            self.source.push('^');
        }
        let mut is_first = true;
        loop {
            let start = self.rest.as_str();
            let character = self.rest.next().ok_or_else(unclosed)?;
            let escaped = if character == '\\' { self.rest.clone().next() } else { None };
            match (character, escaped) {
                (']', _) if !is_first => break,
                ('[', _) if self.named_class()? => {}
                (_, Some(letter @ ('d' | 'D' | 's' | 'S' | 'w' | 'W' | 'p' | 'P'))) => {
                    self.rest.next();
                    self.predefined(letter)?;
                }
                _ => self.range(start, character)?,
            }
            is_first = false;
        }
        self.source.push(']');
        self.atom = Some(1);
        Ok(())
    }

    /// A character of a class, which is the first of a range if `-` and another one follow.
    fn range(&mut self, start: &str, character: char) -> Result<(), Problem> {
        let low = if character == '\\' { self.character()? } else { character };
        self.class_character(low);
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('-') || matches!(ahead.next(), None | Some(']')) {
            return Ok(());
        }
        self.rest.next();
        let high = match self.rest.next() {
            Some('\\') => self.character()?,
            Some(other) => other,
            None => return Ok(()),
        };
        if high < low {
            let part = first(start, start.len() - self.rest.as_str().len());
            return Err(problem(part, "the range ends before it begins"));
        }
        self.source.push('-');
        self.class_character(high);
        Ok(())
    }

    fn class_character(&mut self, character: char) {
        if character.is_ascii() && !character.is_ascii_alphanumeric() {
            self.source.push_str(&format!("\\x{:02x}", u32::from(character)));
        } else {
            self.source.push(character);
        }
    }

    /// After the `[` of a `[:alpha:]`. False if it is a mere bracket.
    fn named_class(&mut self) -> Result<bool, Problem> {
        let Some((name, rest)) = self.rest.as_str().strip_prefix(':').and_then(|inside| inside.split_once(":]")) else {
            return Ok(false);
        };
        let bare = name.strip_prefix('^').unwrap_or(name);
        if !NAMED_CLASSES.contains(&bare) {
            return Err(problem(&format!("[:{name}:]"), "there is no class of this name"));
        }
        self.rest = rest.chars();
        self.source.push_str(&format!("[:{name}:]"));
        Ok(true)
    }
}

const NAMED_CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

fn problem(part: &str, message: &'static str) -> Problem {
    Problem { part: Some(part.to_owned()), message }
}

/// The first bytes of a text, as far as it has so many.
fn first(text: &str, bytes: usize) -> &str {
    text.get(..bytes).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pattern as `regex` takes it, or what is wrong with it.
    fn shown(pattern: &str) -> String {
        match translate(pattern) {
            Ok(translated) => translated.source,
            Err(problem) => format!("{}: {}", problem.part.unwrap_or_default(), problem.message),
        }
    }

    #[test]
    fn classes_and_borders_are_of_ascii() {
        assert_eq!(shown(r"\d\W[^\s-]"), r"[0-9][^0-9A-Za-z_][^[\t\n\x0c\r ]\x2d]");
        assert_eq!(shown(r"\bé\B"), r"(?-u:\b)é(?-u:\B)");
        assert_eq!(shown(r"\pL\P{^Greek}"), r"\p{L}\p{Greek}");
    }

    #[test]
    fn what_is_special_in_the_crate_alone_is_escaped() {
        assert_eq!(shown("[a-z&&b[]"), r"[a-z\x26\x26b\x5b]");
        assert_eq!(shown("[]a][^]b]"), r"[\x5da][^\x5db]");
        assert_eq!(shown("a{,3}{x}#&~"), r"a\{,3\}\{x\}\#\&\~");
        assert_eq!(shown(r"\Qa.b\E+\101\x41\<"), r"a\.b+AA<");
        assert_eq!(shown("(?)a(?ii)b(?s-U:c)"), "a(?i)b(?s-U:c)");
    }

    #[test]
    fn names_of_groups_are_kept_apart() {
        let names = |pattern: &str| translate(pattern).expect("a pattern").groups;
        assert_eq!(names("(a)(?:b)(?P<1>c)(?<d>e)"), [None, Some("1".into()), Some("d".into())]);
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for (pattern, wrong) in [
            ("a**", "*: it follows another repetition; put the inner one into a group"),
            ("a{2}{3}", "{3}: it follows another repetition; put the inner one into a group"),
            ("|*", "*: there is nothing before it to repeat"),
            ("a{3,2}", "{3,2}: the first number is the larger one"),
            ("a{1001}", "{1001}: this repeats more than 1000 times"),
            ("(a{100}b){11}", "{11}: this repeats more than 1000 times"),
            ("(a", "(: the group is not closed"),
            ("a)", "): it closes no group"),
            ("(?x)a", "(?x: no group begins like this"),
            ("(?<!a)", "(?<: there is no looking ahead or behind"),
            ("(?P<a-b>c)", "a-b: the name of a group is made of letters, digits and `_`"),
            ("(a)\\1", "\\1: a pattern cannot refer to its own groups"),
            ("\\Z", "\\Z: there is no such escape"),
            ("\\x{d800}", "\\x{d800}: there is no such escape"),
            ("\\", "\\: nothing follows it"),
            ("[z-a]", "z-a: the range ends before it begins"),
            ("[[:foo:]]", "[:foo:]: there is no class of this name"),
            ("[a", "[: the class is not closed"),
            ("\\p{L", "\\p{L: this is no class of Unicode characters"),
        ] {
            assert_eq!(shown(pattern), wrong, "{pattern}");
        }
        assert_eq!(shown(&"(".repeat(200)), ": groups are nested too deeply");
    }
}
