//! Shell scripts that no shell can read: quotes, brackets and blocks that nothing closes.
//!
//! It knows where words are quoted, where commands begin, and which words belong together; nothing of what they mean.
//! What it does not understand it lets pass.

mod words;

use super::block::{Block, elements};
use super::{Report, Subject, scripts};
use imgforge_template::source::Span;
use std::collections::BTreeSet;
use words::{Reader, Stop};

/// What is wrong with a script.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// Where, in bytes.
    pub(super) at: usize,
    pub(super) what: &'static str,
}

/// Programs that read another language than a Unix shell's.
const OTHERS: &[&str] =
    &["python", "perl", "ruby", "node", "php", "pwsh", "powershell", "fish", "zsh", "csh", "expect", "awk"];

/// Finds the first mistake of a script.
pub(super) fn mistake(script: &str) -> Option<Mistake> {
    match Reader::new(script).script() {
        Err(Stop::Mistake(mistake)) => Some(mistake),
        Ok(()) | Err(Stop::Unclear) => None,
    }
}

pub(super) fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    let mut seen = BTreeSet::new();
    for step in subject.builds.iter().flat_map(|build| build.steps()).filter(|step| is_read_by_shell(step)) {
        ["inline", "command"].iter().for_each(|name| inline(step, name, &mut seen, report));
    }
    scripts::each(subject, |step, path, script| {
        if let Some((line, what)) = script.syntax.filter(|_| is_read_by_shell(step)) {
            let message = format!("no shell can read line {line} of `{}`: {what}", path.value);
            report.say(path.span, message, HELP);
        }
    });
}

const HELP: &str = "close it, or quote what is meant as text";

fn is_read_by_shell(step: &Block<'_>) -> bool {
    let is_shell = matches!(step.kind(), "shell" | "shell-local");
    is_shell && !step.texts("execute_command").iter().any(|word| names_another(word))
}

/// The first mistake of a script in a file, and its line. Scripts for others than a Unix shell have none.
pub(super) fn mistake_in_file(text: &str) -> Option<(usize, &'static str)> {
    let first = text.lines().next().unwrap_or_default();
    let mut words = first.strip_prefix("#!")?.split(['/', ' ']);
    let is_shell = words.any(|word| ["sh", "bash", "dash", "ksh"].contains(&word));
    let found = mistake(text).filter(|_| is_shell)?;
    let before = text.get(..found.at).unwrap_or_default();
    Some((before.matches('\n').count() + 1, found.what))
}

fn names_another(command: &str) -> bool {
    OTHERS.iter().any(|other| command.contains(other))
}

/// `seen` are the scripts of other builds, which mostly share them.
fn inline(step: &Block<'_>, name: &str, seen: &mut BTreeSet<(Span, String)>, report: &mut Report<'_>) {
    let Some(given) = step.given(name) else { return };
    if step.text("inline_shebang").is_some_and(|shebang| names_another(&shebang.value)) {
        return;
    }
    let mut script = String::new();
    let mut places: Vec<(usize, Span)> = Vec::new();
    for (value, _, span) in elements(&given.value, given.expression.as_deref(), given.span) {
        // A command that is not known may open or close anything.
        let Some(command) = step.rendered(value, span) else { return };
        places.push((script.len(), span));
        script.push_str(&command.value);
        script.push('\n');
    }
    if script.strip_prefix("#!").is_some_and(|rest| names_another(rest.lines().next().unwrap_or_default())) {
        return;
    }
    if !seen.insert((given.span, script.clone())) {
        return;
    }
    let Some(mistake) = mistake(&script) else { return };
    let place = places.iter().rev().find(|(start, _)| *start <= mistake.at).map_or(given.span, |(_, span)| *span);
    report.say(place, format!("no shell can read this: {}", mistake.what), HELP);
}

#[cfg(test)]
mod tests {
    use super::mistake;

    #[test]
    fn what_shells_read_is_right() {
        for script in [
            "echo \"a 'b' $(echo \"c\" | sed 's/)/x/') ${d:-it's} `e \"f\"`\" # it's",
            "if true; then echo; elif [ -n \"$x\" ]; then :; else { a; } fi",
            "for x in a b; do while read -r y; do echo; done < /dev/null; done",
            "for ((i = 0; i < 3; i++)); do echo $((1 << i)); done",
            "case $x in\n  a|b) echo ;;\n  (c) echo 'x)' ;;\n  *) if a; then b; fi\nesac",
            "cat <<-'EOF' >x\n\tit's \"text\n\tEOF\necho done",
            "f() { (a; b) || { c; }; }\nfunction g { echo fi; }",
            "a=(one 'two (' $(three))\nb+=(x)\n[[ $x =~ ^[[:space:]](a|b)\\(\\)$ && -n $y ]] && echo if then fi",
            "echo $'it\\'s' \\\" it\\'s # \" '\necho a#'b'",
            "! grep -q <<<'x' 2>&1 >/dev/null & wait",
            "echo }; echo done; x=fi; echo {a,b} $# ${#x} $? @(a|b)",
            "select x in a; do break; done",
        ] {
            assert_eq!(mistake(script), None, "{script}");
        }
    }

    #[test]
    fn what_is_not_closed_is_told_where_it_begins() {
        let table = [
            ("echo 'it", 5, "this quote is not closed"),
            ("echo \"a\necho b", 5, "this quote is not closed"),
            ("echo $(date", 5, "this `$(` has no `)`"),
            ("echo ${x", 5, "this `${` has no `}`"),
            ("echo `date", 5, "this backtick is not closed"),
            ("a; if true; then\n  b", 3, "this `if` has no `fi`"),
            ("while true; do b", 0, "this loop has no `done`"),
            ("for x in a; echo; done", 18, "this `done` ends no loop"),
            ("case a in b) c;;", 0, "this `case` has no `esac`"),
            ("a; fi", 3, "this `fi` ends no `if`"),
            ("{ a", 0, "this `{` has no `}`"),
            ("(a; b", 0, "this `(` has no `)`"),
            ("a; b)", 4, "this `)` closes nothing"),
            ("if a; do b; fi", 6, "this `do` begins no loop"),
        ];
        for (script, at, what) in table {
            let found = mistake(script).map(|mistake| (mistake.at, mistake.what));
            assert_eq!(found, Some((at, what)), "{script}");
        }
    }

    #[test]
    fn what_goes_too_deep_is_let_pass() {
        for opening in ["$((", "$(", "${", "\"$(", "a=(", "`", "if ", "{ ", "case a in b) "] {
            let found = mistake(&opening.repeat(100_000));
            assert!(found.is_none_or(|mistake| mistake.at < opening.len() * 2), "{opening}");
        }
    }

    #[test]
    fn scripts_that_end_anywhere_are_read() {
        let script = "ä=(ü 'é' \"ö${ß:-€}\") <<-É\n\tÉ\ncase 😀 in ä) $((1 << 2)) ;; esac; [[ ü ]] >(é) `ß` $'ö\\' \\é";
        for (start, _) in script.char_indices() {
            for (end, _) in script.char_indices().filter(|(end, _)| *end >= start) {
                let found = mistake(&script[start..end]);
                assert!(found.is_none_or(|mistake| mistake.at <= end - start), "{start} {end}");
            }
        }
    }
}
