//! Checkstyle's XML, as the plug-ins of Jenkins and many other tools read it.

use super::Format;
use super::markup::xml;
use super::record::{Finding, Record};
use anyhow::Result;
use std::collections::BTreeMap;

pub(super) const FORMAT: Format = Format { name: "checkstyle", render };

fn render(record: &Record) -> Result<String> {
    let mut files: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in record.all() {
        files.entry(finding.path()).or_default().push(finding);
    }
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<checkstyle version=\"4.3\">\n");
    for (path, findings) in files {
        text.push_str(&format!("  <file name=\"{}\">\n", xml(path)));
        for finding in findings {
            let place = finding.in_file().map_or_else(String::new, |place| {
                format!("line=\"{}\" column=\"{}\" ", place.start.line, place.start.column)
            });
            text.push_str(&format!(
                "    <error {place}severity=\"{}\" message=\"{}\" source=\"imgforge.{}\"/>\n",
                finding.severity(),
                xml(&finding.text()),
                xml(finding.diagnostic.code)
            ));
        }
        text.push_str("  </file>\n");
    }
    Ok(text + "</checkstyle>\n")
}

#[cfg(test)]
mod tests {
    use super::super::testing::sample;
    use super::*;

    #[test]
    fn the_sample_is_errors_of_files() {
        insta::assert_snapshot!(render(&sample()).unwrap(), @r#"
<?xml version="1.0" encoding="UTF-8"?>
<checkstyle version="4.3">
  <file name=".">
    <error severity="error" message="&lt;sensitive&gt; is in the way: 100%&#10;::error::no" source="imgforge.failure"/>
  </file>
  <file name="/etc/outside.pkrvars.hcl">
    <error line="1" column="1" severity="warning" message="there is no variable `z`" source="imgforge.undeclared-variable"/>
  </file>
  <file name="images/wéb &amp; db/a:b,c%.pkr.hcl">
    <error severity="warning" message="`-only=x` matches nothing" source="imgforge.unused-pattern"/>
    <error line="2" column="27" severity="error" message="there is no variable `rgion`&#10;help: did you mean `region`?" source="imgforge.undefined-variable"/>
    <error line="3" column="9" severity="error" message="the password `&lt;sensitive&gt;` &lt;&amp;&quot;']]&gt; is&#13;&#10;::error::100% wrong, [a](b) {0}" source="imgforge.invalid-value"/>
    <error line="4" column="5" severity="warning" message="over lines" source="imgforge.unknown-code"/>
    <error severity="error" message="-var x: `x` is no number" source="imgforge.type-mismatch"/>
  </file>
  <file name="shared/db.json">
    <error line="2" column="2" severity="error" message="the key `a` is here twice" source="imgforge.duplicate-key"/>
    <error line="2" column="7" severity="error" message="the key `a` is here twice" source="imgforge.duplicate-key"/>
  </file>
</checkstyle>
"#);
    }
}
