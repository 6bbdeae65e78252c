//! JUnit's XML, as every CI system reads it: one case for each code in each file, one for each build, and one for the
//! command itself. Their names are the same from run to run, so that CI systems see what is new.

use super::Format;
use super::markup::xml;
use super::record::{Finding, Record};
use anyhow::Result;
use imgforge_template::diagnostic::Severity;
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) const FORMAT: Format = Format { name: "junit", render };

/// One case.
#[derive(Default)]
struct Case {
    class: String,
    name: String,
    file: Option<String>,
    time: Option<Duration>,
    /// The element that says how it failed, its type and its text.
    outcome: Option<(&'static str, String, String)>,
    /// What is said without failing it.
    output: Option<String>,
}

fn render(record: &Record) -> Result<String> {
    let command = record.failures.iter().map(|failure| failure.diagnostic.message.clone()).collect::<Vec<_>>();
    let command = Case {
        class: "imgforge".to_owned(),
        name: "command".to_owned(),
        outcome: (!command.is_empty()).then(|| ("error", "failure".to_owned(), command.join("\n"))),
        ..Case::default()
    };
    let builds = record.builds.iter().map(|build| Case {
        class: "imgforge.build".to_owned(),
        name: build.name.clone(),
        time: build.duration,
        outcome: build.error.as_ref().map(|error| ("error", "build".to_owned(), error.clone())),
        ..Case::default()
    });
    let suites = [("command", vec![command]), ("templates", templates(record)), ("builds", builds.collect())];
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"imgforge\">\n");
    suites.iter().filter(|(_, cases)| !cases.is_empty()).for_each(|(name, cases)| suite(&mut text, name, cases));
    Ok(text + "</testsuites>\n")
}

/// A case for each code in each file: errors fail it, warnings do not.
fn templates(record: &Record) -> Vec<Case> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in &record.findings {
        groups.entry((finding.path(), finding.diagnostic.code)).or_default().push(finding);
    }
    let case = |((path, code), findings): ((&str, &str), Vec<&Finding>)| {
        let of = |severity: Severity| {
            let findings = findings.iter().filter(|finding| finding.diagnostic.severity == severity);
            let texts: Vec<String> = findings.map(|finding| line(finding)).collect();
            (!texts.is_empty()).then(|| texts.join("\n"))
        };
        Case {
            class: path.to_owned(),
            name: code.to_owned(),
            file: Some(path.to_owned()),
            time: None,
            outcome: of(Severity::Error).map(|text| ("failure", code.to_owned(), text)),
            output: of(Severity::Warning),
        }
    };
    groups.into_iter().map(case).collect()
}

/// `path:line:column: severity[code]: message`, and what to do.
fn line(finding: &Finding) -> String {
    let place = match finding.in_file() {
        Some(place) => format!("{}:{}:{}: ", place.name, place.start.line, place.start.column),
        None => String::new(),
    };
    format!("{place}{}[{}]: {}", finding.severity(), finding.diagnostic.code, finding.text())
}

fn suite(text: &mut String, name: &str, cases: &[Case]) {
    let count =
        |kind: &str| cases.iter().filter(|case| case.outcome.as_ref().is_some_and(|(is, ..)| *is == kind)).count();
    let time: Duration = cases.iter().filter_map(|case| case.time).sum();
    text.push_str(&format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{:.3}\">\n",
        xml(name),
        cases.len(),
        count("failure"),
        count("error"),
        time.as_secs_f64()
    ));
    for case in cases {
        text.push_str(&format!("    <testcase classname=\"{}\" name=\"{}\"", xml(&case.class), xml(&case.name)));
        if let Some(file) = &case.file {
            text.push_str(&format!(" file=\"{}\"", xml(file)));
        }
        text.push_str(&format!(" time=\"{:.3}\">\n", case.time.unwrap_or_default().as_secs_f64()));
        if let Some((kind, of, message)) = &case.outcome {
            let first = message.lines().next().unwrap_or_default();
            text.push_str(&format!(
                "      <{kind} type=\"{}\" message=\"{}\">{}</{kind}>\n",
                xml(of),
                xml(first),
                xml(message)
            ));
        }
        if let Some(output) = &case.output {
            text.push_str(&format!("      <system-out>{}</system-out>\n", xml(output)));
        }
        text.push_str("    </testcase>\n");
    }
    text.push_str("  </testsuite>\n");
}

#[cfg(test)]
mod tests {
    use super::super::testing::sample;
    use super::*;

    #[test]
    fn the_sample_is_cases_with_names_that_stay() {
        insta::assert_snapshot!(render(&sample()).unwrap(), @r#"
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="imgforge">
  <testsuite name="command" tests="1" failures="0" errors="1" time="0.000">
    <testcase classname="imgforge" name="command" time="0.000">
      <error type="failure" message="&lt;sensitive&gt; is in the way: 100%">&lt;sensitive&gt; is in the way: 100%&#10;::error::no</error>
    </testcase>
  </testsuite>
  <testsuite name="templates" tests="7" failures="4" errors="0" time="0.000">
    <testcase classname="/etc/outside.pkrvars.hcl" name="undeclared-variable" file="/etc/outside.pkrvars.hcl" time="0.000">
      <system-out>/etc/outside.pkrvars.hcl:1:1: warning[undeclared-variable]: there is no variable `z`</system-out>
    </testcase>
    <testcase classname="images/wéb &amp; db/a:b,c%.pkr.hcl" name="invalid-value" file="images/wéb &amp; db/a:b,c%.pkr.hcl" time="0.000">
      <failure type="invalid-value" message="images/wéb &amp; db/a:b,c%.pkr.hcl:3:9: error[invalid-value]: the password `&lt;sensitive&gt;` &lt;&amp;&quot;']]&gt; is">images/wéb &amp; db/a:b,c%.pkr.hcl:3:9: error[invalid-value]: the password `&lt;sensitive&gt;` &lt;&amp;&quot;']]&gt; is&#13;&#10;::error::100% wrong, [a](b) {0}</failure>
    </testcase>
    <testcase classname="images/wéb &amp; db/a:b,c%.pkr.hcl" name="type-mismatch" file="images/wéb &amp; db/a:b,c%.pkr.hcl" time="0.000">
      <failure type="type-mismatch" message="error[type-mismatch]: -var x: `x` is no number">error[type-mismatch]: -var x: `x` is no number</failure>
    </testcase>
    <testcase classname="images/wéb &amp; db/a:b,c%.pkr.hcl" name="undefined-variable" file="images/wéb &amp; db/a:b,c%.pkr.hcl" time="0.000">
      <failure type="undefined-variable" message="images/wéb &amp; db/a:b,c%.pkr.hcl:2:27: error[undefined-variable]: there is no variable `rgion`">images/wéb &amp; db/a:b,c%.pkr.hcl:2:27: error[undefined-variable]: there is no variable `rgion`&#10;help: did you mean `region`?</failure>
    </testcase>
    <testcase classname="images/wéb &amp; db/a:b,c%.pkr.hcl" name="unknown-code" file="images/wéb &amp; db/a:b,c%.pkr.hcl" time="0.000">
      <system-out>images/wéb &amp; db/a:b,c%.pkr.hcl:4:5: warning[unknown-code]: over lines</system-out>
    </testcase>
    <testcase classname="images/wéb &amp; db/a:b,c%.pkr.hcl" name="unused-pattern" file="images/wéb &amp; db/a:b,c%.pkr.hcl" time="0.000">
      <system-out>warning[unused-pattern]: `-only=x` matches nothing</system-out>
    </testcase>
    <testcase classname="shared/db.json" name="duplicate-key" file="shared/db.json" time="0.000">
      <failure type="duplicate-key" message="shared/db.json:2:2: error[duplicate-key]: the key `a` is here twice">shared/db.json:2:2: error[duplicate-key]: the key `a` is here twice&#10;shared/db.json:2:7: error[duplicate-key]: the key `a` is here twice</failure>
    </testcase>
  </testsuite>
  <testsuite name="builds" tests="2" failures="0" errors="1" time="3.000">
    <testcase classname="imgforge.build" name="null.web" time="1.500">
      <error type="build" message="connect: �[31mrefused�[0m &lt;sensitive&gt;">connect: �[31mrefused�[0m &lt;sensitive&gt;&#10;&lt;&amp;&quot;']]&gt;</error>
    </testcase>
    <testcase classname="imgforge.build" name="null.db" time="1.500">
    </testcase>
  </testsuite>
</testsuites>
"#);
    }
}
