//! A diagnostic as text with the lines it is about, in the way of rustc. The one user of annotate-snippets.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use imgforge_template::diagnostic::{Diagnostic, Label, Severity};
use imgforge_template::source::{FileId, Sources};
use std::ops::Range;

/// Renders one diagnostic, without a newline at the end.
pub fn render(diagnostic: &Diagnostic, sources: &Sources, colour: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code);
    let mut group = match &diagnostic.primary {
        None => Group::with_title(title),
        Some(primary) => {
            // Labels of one file share one snippet; the file of the primary one comes first.
            let mut files = vec![primary.span.file];
            for label in &diagnostic.related {
                if !files.contains(&label.span.file) {
                    files.push(label.span.file);
                }
            }
            let mut group = title.elements(Vec::<Snippet<'_, annotate_snippets::Annotation<'_>>>::new());
            for file in files {
                let labels = [(AnnotationKind::Primary, primary)].into_iter();
                let labels = labels.chain(diagnostic.related.iter().map(|label| (AnnotationKind::Context, label)));
                let labels: Vec<_> = labels.filter(|(_, label)| label.span.file == file).collect();
                group = group.element(snippet(file, &labels, sources));
            }
            group
        }
    };
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

/// A name of a file for people's eyes: line endings and what terminals act upon are written out.
pub(crate) fn visible(name: &str) -> String {
    let shown = |character: char| match character.is_control() {
        true => character.escape_default().collect(),
        false => character.to_string(),
    };
    name.chars().map(shown).collect()
}

/// The lines from the first to the last label of one file: a whole file for each of many mistakes takes its time.
fn snippet<'a>(
    file: FileId,
    labels: &[(AnnotationKind, &'a Label)],
    sources: &Sources,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let text = sources.text(file);
    let spans: Vec<_> = labels.iter().map(|(_, label)| range(label, &text)).collect();
    let start = spans.iter().map(|span| span.start).min().unwrap_or(0);
    let start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = spans.iter().map(|span| span.end).max().unwrap_or(0);
    let end = text[end..].find('\n').map_or(text.len(), |newline| end + newline + 1);
    let first_line = sources.position(file, u32::try_from(start).unwrap_or(u32::MAX)).line;
    let snippet =
        Snippet::source(text[start..end].to_owned()).line_start(first_line).path(visible(&sources.name(file)));
    labels.iter().zip(spans).fold(snippet, |snippet, ((kind, label), span)| {
        let annotation = kind.span(span.start - start..span.end - start);
        snippet.annotation(if label.message.is_empty() { annotation } else { annotation.label(label.message.as_str()) })
    })
}

/// The place of a label, clamped to whole characters of the text.
fn range(label: &Label, text: &str) -> Range<usize> {
    let start = text.floor_char_boundary((label.span.start as usize).min(text.len()));
    let end = text.ceil_char_boundary((label.span.end as usize).min(text.len())).max(start);
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;
    use imgforge_template::source::{Origin, Span};

    #[test]
    fn a_diagnostic_shows_its_places_and_what_to_do() {
        let sources = Sources::default();
        let file = sources.add("a.pkr.hcl", Origin::File, "one = 1\ntwo = 2\none = 3\n");
        let diagnostic = Diagnostic::error("duplicate-argument", "`one` is set twice")
            .at(Span::new(file, 16..19))
            .related(Span::new(file, 0..3), "set here first")
            .help("remove one of them");
        assert_eq!(
            render(&diagnostic, &sources, false),
            "\
error[duplicate-argument]: `one` is set twice
 --> a.pkr.hcl:3:1
  |
1 | one = 1
  | --- set here first
2 | two = 2
3 | one = 3
  | ^^^
  |
  = help: remove one of them"
        );
    }

    #[test]
    fn a_diagnostic_without_a_place_is_a_title() {
        let diagnostic = Diagnostic::warning("unused-pattern", "`-only=x` matches nothing");
        assert_eq!(
            render(&diagnostic, &Sources::default(), false),
            "warning[unused-pattern]: `-only=x` matches nothing"
        );
    }
}
