//! A diagnostic as text with the lines it is about, in the way of rustc. The one user of annotate-snippets.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use imgforge_template::diagnostic::{Diagnostic, Label, Severity};
use imgforge_template::source::Sources;

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
                let mut snippet = Snippet::source(sources.text(file).to_string()).path(sources.name(file).to_string());
                let labels = [(AnnotationKind::Primary, primary)].into_iter();
                let labels = labels.chain(diagnostic.related.iter().map(|label| (AnnotationKind::Context, label)));
                for (kind, label) in labels.filter(|(_, label)| label.span.file == file) {
                    snippet = snippet.annotation(annotation(kind, label, sources));
                }
                group = group.element(snippet);
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

fn annotation<'a>(kind: AnnotationKind, label: &'a Label, sources: &Sources) -> annotate_snippets::Annotation<'a> {
    let text = sources.text(label.span.file);
    let start = text.floor_char_boundary((label.span.start as usize).min(text.len()));
    let end = text.ceil_char_boundary((label.span.end as usize).min(text.len())).max(start);
    let annotation = kind.span(start..end);
    if label.message.is_empty() { annotation } else { annotation.label(label.message.as_str()) }
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
