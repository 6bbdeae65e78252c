//! How values are written in HCL2.

use crate::gotemplate::Piece;
use crate::hcl;

/// Words that don't stand for themselves where a name may stand.
const WORDS: [&str; 5] = ["null", "true", "false", "for", "if"];

/// A string of HCL2 for a text.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            control if control.is_control() => escaped.push_str(&format!("\\u{:04x}", u32::from(control))),
            letter => escaped.push(letter),
        }
    }
    without_templates(&escaped)
}

/// Text in which `${` and `%{` mean nothing.
fn without_templates(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

/// The name of a member of an object.
pub(super) fn key(pieces: &[Piece]) -> String {
    match pieces {
        [Piece::Text(name)] if hcl::is_identifier(name) && !WORDS.contains(&name.as_str()) => name.clone(),
        pieces => in_quotes(pieces),
    }
}

/// A string as an expression: alone if it is all there is, a heredoc if it has lines and may be one, else in quotes.
pub(super) fn expression(pieces: &[Piece], may_be_heredoc: bool) -> String {
    match pieces {
        [Piece::Expression { written, is_text: true }] => written.clone(),
        pieces if may_be_heredoc && has_lines(pieces) => heredoc(pieces),
        pieces => in_quotes(pieces),
    }
}

fn in_quotes(pieces: &[Piece]) -> String {
    let mut inner = String::new();
    for piece in pieces {
        // A dollar or percent sign before what is computed would be read as an escape.
        if !matches!(piece, Piece::Text(_))
            && let Some(sign) = inner.chars().next_back().filter(|last| matches!(last, '$' | '%'))
        {
            inner.pop();
            inner.push_str(&format!("\\u{:04x}", u32::from(sign)));
        }
        inner.push_str(&template_part(piece, escaped));
    }
    format!("\"{inner}\"")
}

fn template_part(piece: &Piece, text: impl Fn(&str) -> String) -> String {
    match piece {
        Piece::Text(written) => text(written),
        Piece::Expression { written, .. } => format!("${{{written}}}"),
        Piece::Directive(written) => format!("%{{ {written} }}"),
    }
}

/// Whether a text is one of several whole lines that a heredoc can show as they are.
fn has_lines(pieces: &[Piece]) -> bool {
    let lines = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.matches('\n').count(),
        _ => 0,
    });
    let ends = matches!(pieces.last(), Some(Piece::Text(text)) if text.ends_with('\n'));
    let is_plain = |piece: &Piece| match piece {
        Piece::Text(text) => !text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\t')),
        _ => true,
    };
    // A dollar or percent sign before what is computed would be read as an escape.
    let is_sound = |pair: &[Piece]| match pair {
        [Piece::Text(text), _] => !text.ends_with(['$', '%']),
        _ => true,
    };
    ends && lines.sum::<usize>() > 1 && pieces.iter().all(is_plain) && pieces.windows(2).all(is_sound)
}

fn heredoc(pieces: &[Piece]) -> String {
    let inner: String = pieces.iter().map(|piece| template_part(piece, without_templates)).collect();
    let mut marker = "EOF".to_owned();
    while inner.lines().any(|line| line.trim() == marker) {
        marker.push('_');
    }
    format!("<<{marker}\n{inner}{marker}")
}

/// A list, in one line if it is short.
pub(super) fn list(elements: &[String]) -> String {
    let length: usize = elements.iter().map(|element| element.len() + 2).sum();
    if length < 80 && !elements.iter().any(|element| element.contains('\n')) {
        return format!("[{}]", elements.join(", "));
    }
    format!("[\n{},\n]", elements.join(",\n"))
}

pub(super) fn object(members: &[(String, String)]) -> String {
    if members.is_empty() {
        return "{}".to_owned();
    }
    let lines: Vec<String> = members.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    format!("{{\n{}\n}}", lines.join("\n"))
}

/// A block with what stands in it; each argument and each block in it ends with a newline.
pub(super) fn block(header: &str, body: &str) -> String {
    match body {
        "" => format!("{header} {{\n}}\n"),
        body => format!("{header} {{\n{body}}}\n"),
    }
}

/// A name that HCL2 takes, as near to this one as can be.
pub(super) fn identifier(name: &str) -> String {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let mut found = String::new();
    for letter in name.chars() {
        match is_allowed(letter) {
            true => found.push(letter),
            false if found.ends_with('_') => {}
            false => found.push('_'),
        }
    }
    let found = found.trim_matches('_');
    if hcl::is_identifier(found) { found.to_owned() } else { format!("_{found}") }
}

/// The same name, or with a number behind it if that is taken.
pub(super) fn unique(name: String, is_taken: impl Fn(&str) -> bool) -> String {
    let mut candidate = name.clone();
    let mut number = 2;
    while is_taken(&candidate) {
        candidate = format!("{name}_{number}");
        number += 1;
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostics;
    use crate::source::{Origin, Sources};
    use crate::syntax::{Expression, ExpressionKind, TemplatePart};

    fn read(written: &str) -> Expression {
        let mut diagnostics = Diagnostics::default();
        let file = Sources::default().add("t", Origin::Argument, written);
        let expression = hcl::parse_expression(file, written, &mut diagnostics);
        assert!(diagnostics.is_empty(), "{written}: {:?}", diagnostics.into_sorted());
        expression
    }

    #[test]
    fn texts_are_read_as_they_were() {
        let table =
            ["", "a\"b\\c", "${x}", "$${x}", "$$${x}", "%{if}", "%%{x}", "a\nb\n", "\u{1}\t\r", "{{.Vars}} `$`", "é${"];
        for text in table {
            let written = expression(&[Piece::Text(text.to_owned())], false);
            let ExpressionKind::String(found) = read(&written).kind else { panic!("{written}") };
            assert_eq!(found.value(), text, "{written}");
        }
    }

    #[test]
    fn signs_before_what_is_computed_stay() {
        for text in ["$", "a%", "$$", "\\$"] {
            let value = Piece::Expression { written: "x".to_owned(), is_text: true };
            let written = expression(&[Piece::Text(text.to_owned()), value], false);
            let ExpressionKind::Template(parts) = read(&written).kind else { panic!("{written}") };
            let [TemplatePart::Literal(found), TemplatePart::Interpolation(_)] = parts.as_slice() else {
                panic!("{written}: {parts:?}")
            };
            assert_eq!(found.value(), text, "{written}");
        }
    }

    #[test]
    fn lines_stand_in_a_heredoc() {
        let written = expression(&[Piece::Text("a \"b\"\n${c}\nEOF\n".to_owned())], true);
        assert_eq!(written, "<<EOF_\na \"b\"\n$${c}\nEOF\nEOF_");
    }
}
