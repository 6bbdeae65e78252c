//! Guesses about brackets from how the lines are indented. Asked only for a file whose brackets do not match: where
//! they do, indentation says nothing.

use super::quote::Skimmer;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// More strings in odd places than this are not looked at closely.
const MOST_GUESSES: usize = 200;

/// What to do about brackets at some places of a text.
#[derive(Default)]
pub(super) struct Plan {
    actions: BTreeMap<usize, Vec<Action>>,
    /// Stretches of lines that end with a surplus bracket: other mistakes there follow from it.
    pub(super) broken: Vec<Range<usize>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Before this place the bracket that was opened at the other one is to be closed.
    Close(usize),
    /// Before this place an opening bracket is missing.
    Open(u8),
    /// The closing bracket here closes nothing.
    Surplus,
    /// The closing bracket here is the wrong one of the two.
    Wrong,
}

impl Plan {
    pub(super) fn has(&self, at: usize, action: Action) -> bool {
        self.actions.get(&at).is_some_and(|actions| actions.contains(&action))
    }
}

struct Open {
    at: usize,
    close: u8,
    line_start: usize,
    indentation: usize,
    /// Nothing follows it on its line.
    ends_line: bool,
    is_added: bool,
    /// See [`Planner::settled`].
    is_settled: bool,
}

struct Planner<'t> {
    text: &'t str,
    skimmer: Skimmer<'t>,
    open: Vec<Open>,
    line_start: usize,
    indentation: usize,
    /// The indentation of the line before.
    above: usize,
    is_first_of_line: bool,
    /// The last sign, bracket or quote.
    before: u8,
    plan: Plan,
    /// Where brackets open whose partner is on the same line, or starts a line that is as deep: whatever is wrong, it
    /// is elsewhere.
    settled: BTreeSet<usize>,
    /// Only looks for what is settled.
    is_first_look: bool,
}

/// Finds out where brackets are missing, and where there are too many.
pub(super) fn plan(text: &str) -> Plan {
    let settled = look(text, BTreeSet::new(), true).settled;
    look(text, settled, false).plan
}

fn look(text: &str, settled: BTreeSet<usize>, is_first_look: bool) -> Planner<'_> {
    let mut planner = Planner {
        text,
        skimmer: Skimmer { text, guesses: MOST_GUESSES },
        open: Vec::new(),
        line_start: 0,
        indentation: 0,
        above: 0,
        is_first_of_line: true,
        before: 0,
        plan: Plan::default(),
        settled,
        is_first_look,
    };
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        at = planner.step(at, *byte);
    }
    planner
}

impl Planner<'_> {
    /// Looks at what starts at a place, and returns where it ends.
    fn step(&mut self, at: usize, byte: u8) -> usize {
        match byte {
            b'\n' => {
                if !self.is_first_of_line {
                    self.above = self.indentation;
                }
                self.line_start = at + 1;
                self.is_first_of_line = true;
                return at + 1;
            }
            b' ' | b'\t' | b'\r' => return at + 1,
            b'#' => return self.line_end(at),
            b'/' if self.text[at..].starts_with("//") => return self.line_end(at),
            _ => {}
        }
        if self.is_first_of_line {
            self.indentation = at - self.line_start;
            self.start_line(at, byte);
        }
        let end = match byte {
            b'"' => self.string(at),
            b'{' if self.text[at..].starts_with("{{") => {
                let line = &self.text[at..self.line_end(at)];
                at + line.find("}}").map_or(2, |end| end + 2)
            }
            b'{' | b'[' => {
                if self.is_value_on_its_own_line() {
                    self.add(at, b']');
                }
                self.push(at, if byte == b'{' { b'}' } else { b']' }, false);
                at + 1
            }
            b'}' | b']' => {
                self.close(at, byte);
                at + 1
            }
            b',' | b':' => at + 1,
            _ => self.skimmer.word_end(at),
        };
        self.before = if matches!(byte, b',' | b':' | b'{' | b'[') { byte } else { b'"' };
        self.is_first_of_line = false;
        end
    }

    fn line_end(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |length| at + length)
    }

    /// Closes what a new line can't belong to.
    fn start_line(&mut self, at: usize, byte: u8) {
        let is_closing = matches!(byte, b'}' | b']');
        let indentation = self.indentation;
        while let [.., outer, last] = self.open.as_slice() {
            let is_other = last.close != byte && outer.close == byte && outer.indentation == indentation;
            let is_level = indentation == last.indentation && (!is_closing || is_other);
            if self.is_first_look || last.is_settled || (indentation >= last.indentation && !is_level) {
                return;
            }
            self.close_before(at);
        }
    }

    fn close_before(&mut self, at: usize) {
        if let Some(last) = self.open.pop() {
            self.act(at, Action::Close(last.at));
        }
    }

    fn act(&mut self, at: usize, action: Action) {
        self.plan.actions.entry(at).or_default().push(action);
    }

    fn push(&mut self, at: usize, close: u8, is_added: bool) {
        let ends_line = self.text[at + 1..self.line_end(at)].trim().is_empty();
        let indentation = match self.open.last() {
            Some(outer) if is_added => outer.indentation,
            _ => self.indentation,
        };
        let is_settled = !is_added && self.settled.contains(&at);
        self.open.push(Open { at, close, line_start: self.line_start, indentation, ends_line, is_added, is_settled });
    }

    fn add(&mut self, at: usize, close: u8) {
        self.act(at, Action::Open(close));
        self.push(at, close, true);
    }

    /// Whether what is here is the value of a key, on a deeper line of its own: people open brackets on the key's.
    fn is_value_on_its_own_line(&self) -> bool {
        !self.is_first_look && self.is_first_of_line && self.before == b':' && self.indentation > self.above
    }

    fn string(&mut self, at: usize) -> usize {
        let end = self.skimmer.string_end(at);
        let is_key = self.text[end..].trim_start_matches([' ', '\t']).starts_with(':');
        let is_in_list = self.open.last().is_some_and(|open| open.close == b']');
        if is_key && ((is_in_list && !self.is_first_look) || self.is_value_on_its_own_line()) {
            self.add(at, b'}');
        } else if !is_key && self.is_value_on_its_own_line() {
            self.add(at, b']');
        }
        end
    }

    fn close(&mut self, at: usize, byte: u8) {
        let Some(last) = self.open.last() else { return self.surplus(at) };
        let is_same_line = last.line_start == self.line_start;
        if last.close == byte {
            if !is_same_line && self.is_repeated_below(last, at) {
                return self.surplus(at);
            }
            if is_same_line || (self.is_first_of_line && self.indentation == last.indentation) {
                self.settled.insert(last.at);
            }
            self.open.pop();
            return;
        }
        // Bounded, so that hostile input does not cost the square of its length.
        let depth = self.open.iter().rev().take(64).position(|open| {
            let is_near = if self.is_first_of_line {
                open.indentation == self.indentation
            } else {
                open.line_start == self.line_start || !open.ends_line
            };
            open.close == byte && (is_near || open.is_added)
        });
        match depth {
            Some(depth) => {
                for _ in 0..depth {
                    self.close_before(at);
                }
                self.open.pop();
            }
            None if is_same_line => {
                self.act(at, Action::Wrong);
                self.open.pop();
            }
            None => self.surplus(at),
        }
    }

    /// Whether a bracket that would close what began on a line above is followed by another one for that, or by more of
    /// a list: then this one closes something of its own line, whose opening bracket is missing.
    fn is_repeated_below(&self, open: &Open, at: usize) -> bool {
        if self.is_first_look || self.is_first_of_line || !open.ends_line {
            return false;
        }
        let is_member = self.open.iter().rev().nth(1).is_some_and(|outer| outer.close == b'}');
        let after = self.text[at + 1..].trim_start().strip_prefix(',').map(str::trim_start);
        if is_member && after.is_some_and(|after| after.starts_with(['[', '{'])) {
            return true;
        }
        let below = self.text[at..].lines().skip(1).find(|line| !line.trim().is_empty());
        below.is_some_and(|line| {
            let bracket = line.trim_start_matches([' ', '\t']);
            bracket.as_bytes().first() == Some(&open.close) && line.len() - bracket.len() == open.indentation
        })
    }

    fn surplus(&mut self, at: usize) {
        self.act(at, Action::Surplus);
        self.plan.broken.push(self.line_start..at + 1);
    }
}
