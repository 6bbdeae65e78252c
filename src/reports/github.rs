//! Commands for the runner of GitHub Actions, which makes annotations of them: as many as it shows, errors first.

use super::Format;
use super::record::Record;
use crate::ci::github::{Count, command};
use anyhow::Result;
use imgforge_template::diagnostic::Severity;

pub(super) const FORMAT: Format = Format { name: "github", render };

fn render(record: &Record) -> Result<String> {
    let mut lines = Vec::new();
    for (kind, severity) in [("error", Severity::Error), ("warning", Severity::Warning)] {
        let mut count = Count::default();
        for finding in record.all().filter(|finding| finding.diagnostic.severity == severity) {
            let root = Some(record.root.as_path());
            let line = command(&finding.diagnostic, &finding.sources, root, &record.working_directory);
            lines.extend(count.next(line));
        }
        lines.extend(count.last(kind));
    }
    lines.push(String::new());
    Ok(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{record, sample};
    use super::*;
    use crate::event::Event;

    #[test]
    fn the_sample_is_commands() {
        insta::assert_snapshot!(render(&sample()).unwrap(), @r#"
::error title=undefined-variable,file=images/wéb & db/a%3Ab%2Cc%25.pkr.hcl,line=2,endLine=2,col=27,endColumn=32::there is no variable `rgion`%0Adeclared <here>: wéb & db/a:b,c%25.pkr.hcl:1%0Aset to <sensitive> here: -var x:1%0Ahelp: did you mean `region`?
::error title=invalid-value,file=images/wéb & db/a%3Ab%2Cc%25.pkr.hcl,line=3,endLine=3,col=9,endColumn=18::the password `<sensitive>` <&"']]> is%0D%0A::error::100%25 wrong, [a](b) {0}
::error title=duplicate-key,file=shared/db.json,line=2,endLine=2,col=2,endColumn=5::the key `a` is here twice
::error title=duplicate-key,file=shared/db.json,line=2,endLine=2,col=7,endColumn=8::the key `a` is here twice
::error title=type-mismatch::`x` is no number
::error title=failure::<sensitive> is in the way: 100%25%0A::error::no
::warning title=unused-pattern::`-only=x` matches nothing
::warning title=unknown-code,file=images/wéb & db/a%3Ab%2Cc%25.pkr.hcl,line=4,endLine=6::over lines
::warning title=undeclared-variable::there is no variable `z`
"#);
    }

    #[test]
    fn no_more_are_written_than_are_shown() {
        let mut record = record();
        for index in 0..12 {
            record.event(&Event::Failure { text: format!("mistake {index}") });
        }
        let text = render(&record).unwrap();
        let last = text.lines().last().unwrap();
        assert_eq!(text.lines().count(), 10);
        assert_eq!(last, "::error title=imgforge::3 more errors are in the log of this step");
        assert_eq!(render(&super::super::testing::record()).unwrap(), "");
    }
}
