//! The words of a shell script, and how its blocks are nested.

use super::Mistake;

/// Why reading ends before the end.
pub(super) enum Stop {
    Mistake(Mistake),
    /// Something that is not understood here.
    Unclear,
}

type Read<T> = Result<T, Stop>;

/// More substitutions inside each other than anyone writes.
const MAX_DEPTH: usize = 40;

/// A block that is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    /// `if` or `elif`, before its `then`.
    If,
    Then,
    Else,
    /// `for`, `while`, `until`, `select`, before its `do`.
    Loop,
    Do,
    /// Between `case` and the pattern's `)`.
    Pattern,
    /// Behind it.
    Case,
    Brace,
    Parenthesis,
}

impl Open {
    fn unclosed(self) -> &'static str {
        match self {
            Self::If | Self::Then | Self::Else => "this `if` has no `fi`",
            Self::Loop | Self::Do => "this loop has no `done`",
            Self::Pattern | Self::Case => "this `case` has no `esac`",
            Self::Brace => "this `{` has no `}`",
            Self::Parenthesis => "this `(` has no `)`",
        }
    }
}

/// A document that begins on the next line.
struct Heredoc {
    end: String,
    /// Tabs before its end don't count.
    strips: bool,
}

pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    heredocs: Vec<Heredoc>,
    depth: usize,
}

fn mistake<T>(at: usize, what: &'static str) -> Read<T> {
    Err(Stop::Mistake(Mistake { at, what }))
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, heredocs: Vec::new(), depth: 0 }
    }

    pub(super) fn script(&mut self) -> Read<()> {
        if !self.commands()? {
            return Ok(());
        }
        mistake(self.at.saturating_sub(1), "this `)` closes nothing")
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn takes(&mut self, text: &str) -> bool {
        let is_next = self.rest().starts_with(text);
        if is_next {
            self.at += text.len();
        }
        is_next
    }

    fn skip(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    /// Reads commands up to the end of the text, or past a `)` that none of them opened: true.
    fn commands(&mut self) -> Read<bool> {
        let mut open: Vec<(Open, usize)> = Vec::new();
        // Whether the next word may be one of the language's own.
        let mut is_start = true;
        let mut is_target = false;
        while let Some(next) = self.peek() {
            let in_pattern = open.last().is_some_and(|(open, _)| *open == Open::Pattern);
            let start = self.at;
            match next {
                ' ' | '\t' | '\r' => self.skip(),
                '\\' if self.takes("\\\n") => {}
                '\n' => {
                    self.skip();
                    self.skip_heredocs();
                    is_start = true;
                }
                '#' => self.skip_comment(),
                ';' => {
                    let is_end = [";;&", ";;", ";&"].iter().any(|end| self.takes(end));
                    if is_end {
                        match open.last_mut() {
                            Some((open @ Open::Case, _)) => *open = Open::Pattern,
                            _ => return Err(Stop::Unclear),
                        }
                    } else {
                        self.skip();
                    }
                    is_start = true;
                }
                '&' if self.rest().starts_with("&>") => self.skip(),
                '&' | '|' => {
                    self.skip();
                    is_start = true;
                }
                '<' | '>' if self.rest().get(1..2) == Some("(") => {
                    self.at += 2;
                    self.nested(start, "this `(` has no `)`")?;
                    (is_start, is_target) = (is_start && is_target, false);
                }
                '<' | '>' => is_target = self.redirection(),
                '(' if in_pattern => self.skip(),
                '(' if self.rest().starts_with("((") && is_start => {
                    // An arithmetic command, or two of the others: both close what they open.
                    self.parentheses()?;
                    is_start = true;
                }
                '(' if is_start => {
                    self.skip();
                    open.push((Open::Parenthesis, start));
                }
                '(' => {
                    self.skip();
                    self.skip_blanks();
                    if !self.takes(")") {
                        return Err(Stop::Unclear);
                    }
                    is_start = true;
                }
                ')' => {
                    self.skip();
                    match open.last_mut() {
                        Some((open @ Open::Pattern, _)) => *open = Open::Case,
                        Some((Open::Parenthesis, _)) => drop(open.pop()),
                        Some((other, at)) => return mistake(*at, other.unclosed()),
                        None => return Ok(true),
                    }
                    is_start = true;
                }
                _ => {
                    let word = self.word()?;
                    if is_target {
                        is_target = false;
                    } else if in_pattern {
                        if word == Some("esac") {
                            open.pop();
                            is_start = true;
                        }
                    } else {
                        is_start = is_start && self.own_word(word.unwrap_or_default(), start, &mut open)?;
                    }
                }
            }
        }
        match open.first() {
            Some((open, at)) => mistake(*at, open.unclosed()),
            None => Ok(false),
        }
    }

    /// Takes a word where a command begins; true if another command may begin behind it.
    fn own_word(&mut self, word: &str, at: usize, open: &mut Vec<(Open, usize)>) -> Read<bool> {
        let mut turn = |from: &[Open], to: Option<Open>, wrong: &'static str| match open.last().copied() {
            Some((last, begun)) if from.contains(&last) => {
                open.pop();
                open.extend(to.map(|to| (to, begun)));
                Ok(true)
            }
            _ => mistake(at, wrong),
        };
        match word {
            "if" => open.push((Open::If, at)),
            "then" => return turn(&[Open::If], Some(Open::Then), "this `then` belongs to no `if`"),
            "elif" => return turn(&[Open::Then], Some(Open::If), "this `elif` belongs to no `if`"),
            "else" => return turn(&[Open::Then], Some(Open::Else), "this `else` belongs to no `if`"),
            "fi" => return turn(&[Open::Then, Open::Else], None, "this `fi` ends no `if`"),
            "do" => return turn(&[Open::Loop], Some(Open::Do), "this `do` begins no loop"),
            "done" => return turn(&[Open::Do], None, "this `done` ends no loop"),
            "}" => return turn(&[Open::Brace], None, "this `}` closes nothing"),
            "esac" => return turn(&[Open::Case], None, "this `esac` ends no `case`"),
            "while" | "until" => open.push((Open::Loop, at)),
            "{" => open.push((Open::Brace, at)),
            "!" | "time" => {}
            "for" | "select" => {
                open.push((Open::Loop, at));
                self.skip_blanks();
                if self.rest().starts_with("((") {
                    self.parentheses()?;
                } else {
                    self.word()?;
                }
            }
            "case" => {
                self.skip_blanks();
                self.word()?;
                self.skip_space();
                if self.word()? != Some("in") {
                    return Err(Stop::Unclear);
                }
                open.push((Open::Pattern, at));
            }
            "function" => {
                self.skip_blanks();
                self.word()?;
                self.skip_blanks();
                self.takes("()");
            }
            "[[" => {
                self.condition()?;
            }
            // What stands before a command changes the environment for it.
            _ => return Ok(is_assignment(word)),
        }
        Ok(true)
    }

    /// Reads a word. `None` if some of it is quoted or is to be replaced, so that it is none of the language's own.
    fn word(&mut self) -> Read<Option<&'a str>> {
        let start = self.at;
        let mut is_plain = true;
        while let Some(next) = self.peek() {
            match next {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '<' | '>' | ')' => break,
                '(' => {
                    let before = self.text.get(start..self.at).unwrap_or_default();
                    // A list, or a pattern of Bash.
                    if !before.ends_with(['=', '?', '*', '+', '@', '!']) {
                        break;
                    }
                    is_plain = false;
                    self.parentheses()?;
                }
                '\\' | '\'' | '"' | '`' | '$' => {
                    is_plain = false;
                    self.part()?;
                }
                _ => self.skip(),
            }
        }
        if self.at == start {
            return Err(Stop::Unclear);
        }
        Ok(self.text.get(start..self.at).filter(|_| is_plain))
    }

    /// Reads what begins with a quote, a backslash or a dollar sign, outside of double quotes.
    fn part(&mut self) -> Read<()> {
        let start = self.at;
        if self.takes("$'") {
            return self.until('\'', true, start, "this quote is not closed");
        }
        match self.peek() {
            Some('\'') => {
                self.skip();
                self.until('\'', false, start, "this quote is not closed")
            }
            Some('"') => {
                self.skip();
                self.double_quoted(start)
            }
            _ => self.escape_or_substitution(),
        }
    }

    fn double_quoted(&mut self, start: usize) -> Read<()> {
        loop {
            match self.peek() {
                None => return mistake(start, "this quote is not closed"),
                Some('"') => {
                    self.skip();
                    return Ok(());
                }
                Some('\\' | '`' | '$') => self.escape_or_substitution()?,
                Some(_) => self.skip(),
            }
        }
    }

    /// Reads what means the same inside and outside of double quotes.
    fn escape_or_substitution(&mut self) -> Read<()> {
        let start = self.at;
        if self.takes("\\") {
            self.skip();
        } else if self.takes("`") {
            return self.until('`', true, start, "this backtick is not closed");
        } else if self.rest().starts_with("$((") {
            self.at += 1;
            return self.parentheses();
        } else if self.takes("$(") {
            return self.nested(start, "this `$(` has no `)`");
        } else if self.takes("${") {
            return self.parameter(start);
        } else {
            self.skip();
        }
        Ok(())
    }

    fn until(&mut self, end: char, escapes: bool, start: usize, what: &'static str) -> Read<()> {
        while let Some(next) = self.peek() {
            self.skip();
            if next == end {
                return Ok(());
            }
            if escapes && next == '\\' {
                self.skip();
            }
        }
        mistake(start, what)
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth == MAX_DEPTH {
            return Err(Stop::Unclear);
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Commands up to the `)` that closes them.
    fn nested(&mut self, start: usize, what: &'static str) -> Read<()> {
        if self.deeper(Self::commands)? { Ok(()) } else { mistake(start, what) }
    }

    /// What stands in `${…}`.
    fn parameter(&mut self, start: usize) -> Read<()> {
        self.deeper(|reader| {
            while let Some(next) = reader.peek() {
                match next {
                    '}' => {
                        reader.skip();
                        return Ok(());
                    }
                    '"' => {
                        let quote = reader.at;
                        reader.skip();
                        reader.double_quoted(quote)?;
                    }
                    '\\' | '`' | '$' => reader.escape_or_substitution()?,
                    // Whether a single quote is one depends on what is around it.
                    _ => reader.skip(),
                }
            }
            mistake(start, "this `${` has no `}`")
        })
    }

    /// What stands in parentheses that are no commands: arithmetic, lists, patterns.
    fn parentheses(&mut self) -> Read<()> {
        self.deeper(Self::in_parentheses)
    }

    fn in_parentheses(&mut self) -> Read<()> {
        let start = self.at;
        let mut depth = 0;
        while let Some(next) = self.peek() {
            match next {
                '(' => {
                    self.skip();
                    depth += 1;
                }
                ')' => {
                    self.skip();
                    depth -= 1;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                '\\' | '\'' | '"' | '`' | '$' => self.part()?,
                '#' if self.text.get(..self.at).is_some_and(|before| before.ends_with([' ', '\n', '\t'])) => {
                    self.skip_comment();
                }
                _ => self.skip(),
            }
        }
        mistake(start, "this `(` has no `)`")
    }

    /// The rest of `[[ … ]]`, in which parentheses and operators are other ones.
    fn condition(&mut self) -> Read<()> {
        let mut is_start = true;
        while let Some(next) = self.peek() {
            // `[[:space:]]` ends with it too.
            if is_start && self.takes("]]") {
                return Ok(());
            }
            is_start = next.is_whitespace();
            match next {
                '\\' | '\'' | '"' | '`' | '$' => self.part()?,
                _ => self.skip(),
            }
        }
        Err(Stop::Unclear)
    }

    /// Reads the operator; true if a word follows that belongs to it.
    fn redirection(&mut self) -> bool {
        if self.takes("<<<") {
            return true;
        }
        if !self.rest().starts_with("<<") {
            ["&>>", ">>", ">&", "<&", "<>", ">|", ">", "<"].iter().any(|operator| self.takes(operator));
            return true;
        }
        self.at += 2;
        let strips = self.takes("-");
        self.skip_blanks();
        let start = self.at;
        let mut quote = None;
        while let Some(next) = self.peek() {
            match (quote, next) {
                (None, ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')') => break,
                (None, '\'' | '"') => quote = Some(next),
                (Some(open), close) if open == close => quote = None,
                _ => {}
            }
            self.skip();
        }
        let end = self.text.get(start..self.at).unwrap_or_default();
        self.heredocs.push(Heredoc { end: end.replace(['\'', '"', '\\'], ""), strips });
        false
    }

    /// Skips the documents that begin here. One without an end goes to the end of the script, as shells have it.
    fn skip_heredocs(&mut self) {
        for heredoc in std::mem::take(&mut self.heredocs) {
            while !self.rest().is_empty() {
                let line = self.rest().split_inclusive('\n').next().unwrap_or_default();
                self.at += line.len();
                let line = line.trim_end_matches(['\n', '\r']);
                if line == heredoc.end || heredoc.strips && line.trim_start_matches('\t') == heredoc.end {
                    break;
                }
            }
        }
    }

    fn skip_comment(&mut self) {
        let length = self.rest().find('\n').unwrap_or(self.rest().len());
        self.at += length;
    }

    fn skip_blanks(&mut self) {
        while self.rest().starts_with([' ', '\t']) || self.rest().starts_with("\\\n") {
            self.skip();
        }
    }

    fn skip_space(&mut self) {
        while self.rest().starts_with([' ', '\t', '\n']) {
            self.skip();
        }
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+".contains(&byte))
    })
}
