//! What the stores of secrets and parameters give: a text that is secret, and one member of it where it is JSON.

use anyhow::{Context as _, Result, anyhow};
use imgforge_template::arguments::Given;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::source::Spanned;
use imgforge_template::value::Value;
use serde_json::Value as Json;

/// A text that is shown nowhere. `what` in the messages says what was done with what, and no message says what is in it.
pub(super) struct Payload(String);

impl Payload {
    /// # Errors
    /// When it is no text.
    pub(super) fn read(bytes: Vec<u8>, what: &str) -> Result<Self> {
        let text = String::from_utf8(bytes).map_err(|_| anyhow!("it is not text in UTF-8"));
        text.map(Self).with_context(|| what.to_owned())
    }

    /// The outputs `payload` and `value`, which are sensitive, and these further ones.
    ///
    /// # Errors
    /// When there is no member of that name.
    pub(super) fn outputs<const N: usize>(
        self,
        key: Option<&str>,
        what: &str,
        more: [(&str, Value); N],
    ) -> Result<Value> {
        let value = match key.filter(|key| !key.is_empty()) {
            Some(key) => self.member(key).with_context(|| what.to_owned())?,
            None => self.0.clone(),
        };
        let outputs = [("payload", self.0), ("value", value)];
        let outputs = outputs.map(|(name, text)| (name, Value::string(text).marked(true)));
        Ok(Value::object(outputs.into_iter().chain(more)))
    }

    fn member(&self, key: &str) -> Result<String> {
        // Words of the parser would show a part of the text.
        let json: Json = serde_json::from_str(&self.0).map_err(|_| anyhow!("it is not JSON, so it has no `{key}`"))?;
        match json.get(key) {
            Some(Json::String(text)) => Ok(text.clone()),
            Some(other) => Ok(other.to_string()),
            None if json.is_object() => Err(anyhow!("it has no member `{key}`")),
            None => Err(anyhow!("it is no object of JSON, so it has no `{key}`")),
        }
    }
}

/// Says which of these arguments are empty.
pub(super) fn require(arguments: &[(&'static str, &Spanned<String>)], given: &Given, diagnostics: &mut Diagnostics) {
    for (name, value) in arguments {
        if value.trim().is_empty() && given.span(name) == Some(value.span) && !given.is_unknown(name) {
            let message = format!("`{name}` must not be empty");
            diagnostics.push(Diagnostic::error("invalid-value", message).at(value.span).help("write its name"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(payload: &str, key: &str) -> Result<String, String> {
        let payload = Payload::read(payload.as_bytes().to_vec(), "read the secret pw of p").unwrap();
        let outputs =
            payload.outputs(Some(key), "read the secret pw of p", []).map_err(|error| format!("{error:#}"))?;
        assert!(["payload", "value"].iter().all(|name| outputs.get(name).unwrap().sensitive));
        Ok(outputs.get("value").unwrap().as_str().unwrap().to_owned())
    }

    #[test]
    fn a_key_selects_a_member_of_json() {
        let json = r#"{"user": "admin", "port": 5432, "tls": {"on": true}}"#;
        assert_eq!(value(json, "user").unwrap(), "admin");
        assert_eq!(value(json, "port").unwrap(), "5432");
        assert_eq!(value(json, "tls").unwrap(), r#"{"on":true}"#);
        assert_eq!(value("hunter2", "").unwrap(), "hunter2");
    }

    #[test]
    fn no_message_shows_what_is_in_it() {
        assert_eq!(value(r#"{"a": "b"}"#, "c").unwrap_err(), "read the secret pw of p: it has no member `c`");
        assert_eq!(
            value("[\"hunter2\"]", "c").unwrap_err(),
            "read the secret pw of p: it is no object of JSON, so it has no `c`"
        );
        assert_eq!(value("hunter2", "c").unwrap_err(), "read the secret pw of p: it is not JSON, so it has no `c`");
        let error = Payload::read(vec![0xff, b'h'], "read the secret pw of p").err().unwrap();
        assert_eq!(format!("{error:#}"), "read the secret pw of p: it is not text in UTF-8");
    }
}
