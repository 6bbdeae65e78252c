//! Guesses about double quotes: which one is missing, and which ones were meant as text. JSON that is sound never
//! gets here.

/// How far a line is looked at, in bytes: there are files of one long line.
const LOOK_AHEAD: usize = 2000;

/// What a string is whose closing quote nothing sensible follows.
pub(super) enum Guess {
    /// As it stands; something else is wrong.
    Sound,
    /// The closing quote is missing where the content ends.
    Unclosed(usize),
    /// It goes on to the quote that ends here, and those in between are text.
    Longer(usize),
}

/// Looks again at the string that starts with the quote at `start` and seems to end with the one at `end`.
pub(super) fn guess(text: &str, start: usize, end: usize) -> Guess {
    let line = line(text, start);
    let quotes = quotes(line);
    if quotes.len() % 2 == 1 {
        return Guess::Unclosed(content_end(text, start, end));
    }
    let is_text = text[end + 1..].starts_with(|next: char| next.is_alphanumeric() || matches!(next, '{' | '$' | '/'));
    let last = quotes.iter().skip(3).step_by(2).find(|quote| is_followed_well(text, start + **quote + 1));
    match last {
        Some(last) if is_text => Guess::Longer(start + last + 1),
        _ => Guess::Sound,
    }
}

/// The content of a string whose opening quote is missing before `at`, by its closing quote.
pub(super) fn unopened(text: &str, at: usize, is_key: bool) -> Option<usize> {
    let line = line(text, at);
    let quotes = quotes(line);
    let end = at + quotes.first().filter(|_| quotes.len() % 2 == 1)?;
    let is_followed_by_colon = text[end + 1..].trim_start_matches([' ', '\t']).starts_with(':');
    (is_followed_well(text, end + 1) && is_followed_by_colon == is_key).then_some(end)
}

/// Whether what stands at `at` may follow a string: a sign, a comment, or the end of the line.
pub(super) fn is_followed_well(text: &str, at: usize) -> bool {
    let rest = text[at..].trim_start_matches([' ', '\t', '\r']);
    rest.is_empty() || rest.starts_with([',', ':', ']', '}', '\n', '#', '/'])
}

/// Where a string without a closing quote ends, which starts with the quote at `start` and is over before `stop`: what
/// would have followed the quote is most likely inside of it, as in `"a": "b,`.
pub(super) fn content_end(text: &str, start: usize, stop: usize) -> usize {
    let content = text[start + 1..stop].trim_end();
    let kept = content.trim_end_matches(['[', '{', '"', ' ']);
    let kept = kept.strip_suffix(':').unwrap_or(kept);
    let brackets: &[char] = if kept.contains(['{', '[']) { &[','] } else { &[',', '}', ']', ' '] };
    let kept = kept.trim_end_matches(brackets);
    start + 1 + kept.trim_end().len()
}

/// Looks at strings and words of a file that is not read. Guesses cost time, so there is a limit to them.
pub(super) struct Skimmer<'t> {
    pub(super) text: &'t str,
    pub(super) guesses: usize,
}

impl Skimmer<'_> {
    fn may_guess(&mut self) -> bool {
        self.guesses = self.guesses.saturating_sub(1);
        self.guesses > 0
    }

    /// Where the string that starts with the quote at `start` ends, as far as anyone can tell.
    pub(super) fn string_end(&mut self, start: usize) -> usize {
        let mut is_escaped = false;
        let stop = self.text.bytes().enumerate().skip(start + 1).find(|(_, byte)| {
            let is_stop = matches!(byte, b'\n' | b'"') && !is_escaped;
            is_escaped = *byte == b'\\' && !is_escaped;
            is_stop
        });
        let (stop, is_closed) = stop.map_or((self.text.len(), false), |(at, byte)| (at, byte == b'"'));
        if !is_closed {
            return content_end(self.text, start, stop);
        }
        if is_followed_well(self.text, stop + 1) || !self.may_guess() {
            return stop + 1;
        }
        match guess(self.text, start, stop) {
            Guess::Sound => stop + 1,
            Guess::Unclosed(end) | Guess::Longer(end) => end,
        }
    }

    /// Where a word ends that is in no quotes, or of which the opening one is missing.
    pub(super) fn word_end(&mut self, at: usize) -> usize {
        let rest = &self.text[at..];
        let length = rest.find(|next: char| next.is_whitespace() || ",:{}[]\"".contains(next)).unwrap_or(rest.len());
        let end = at + length.max(rest.chars().next().map_or(1, char::len_utf8));
        let is_sound = is_followed_well(self.text, end) && !self.text[end..].starts_with(':');
        if is_sound || !self.may_guess() {
            return end;
        }
        let quote = unopened(self.text, at, true).or_else(|| unopened(self.text, at, false));
        quote.map_or(end, |quote| quote + 1)
    }
}

fn line(text: &str, at: usize) -> &str {
    let line = &text[at..text.floor_char_boundary((at + LOOK_AHEAD).min(text.len()))];
    &line[..line.find('\n').unwrap_or(line.len())]
}

/// The places of quotes without a backslash before them.
fn quotes(line: &str) -> Vec<usize> {
    let mut is_escaped = false;
    let is_quote = |(_, byte): &(usize, u8)| {
        let is_quote = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_quote
    };
    line.bytes().enumerate().filter(is_quote).map(|(at, _)| at).collect()
}
