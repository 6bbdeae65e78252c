//! What each function of a Go template does.

use super::format;
use super::functions::Function;
use super::render::{Argument, MOST_BYTES, Renderer};
use super::value::{Value, print};
use super::{BuildValues, Fields, ResourceNames, User};
use super::{declare, undeclared_variable};
use crate::diagnostic::{Diagnostic, Severity};
use crate::go_time;
use crate::secret_store;
use crate::suggest::did_you_mean;
use crate::version::PACKER_COMPATIBLE;
use std::cmp::Ordering;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

impl Renderer<'_, '_> {
    /// Runs a function whose arguments are of the right number and types, or unknown.
    pub(super) fn function(&mut self, function: Function, range: &Range<usize>, arguments: &[Argument]) -> Value {
        match function {
            Function::Sed => {
                let help = "use `replace_all`: {{replace_all `old` `new` (user `name`)}}";
                return self.mistake("unsupported-function", range.clone(), "Packer took `sed` away", help);
            }
            Function::Secret(name) if !self.context.environment_allowed => return self.no_secrets(name, range),
            Function::Env if !self.context.environment_allowed => return self.no_environment(range),
            Function::Build if matches!(self.context.build_values, BuildValues::Forbidden) => {
                return self.no_build(range);
            }
            Function::User if matches!(self.context.user, User::Forbidden) => {
                let name = text(arguments, 0);
                let help = format!("use `${{var.{}}}`", if name.is_empty() { "name" } else { name });
                return self.mistake("function-not-allowed", range.clone(), "`user` is not available in HCL2", help);
            }
            Function::CleanResourceName if self.context.resource_names.is_none() => {
                let help = "only the builders of AWS, Azure and Google Cloud have it; use `replace_all` and `lower`";
                let message = "there is no function `clean_resource_name` here";
                return self.mistake("undefined-function", range.clone(), message, help);
            }
            _ => {}
        }
        if arguments.iter().any(|argument| argument.value == Value::Unknown) {
            return Value::Unknown;
        }
        let values: Vec<Value> = arguments.iter().map(|argument| argument.value.clone()).collect();
        let size: usize = values.iter().map(|value| if let Value::Text(text) = value { text.len() } else { 8 }).sum();
        if size > MOST_BYTES {
            self.stop(range.clone(), "the text grows without end", "make it shorter");
            return Value::Unknown;
        }
        match function {
            Function::Build => self.build(arguments),
            Function::BuildName => self.name_of_build("build_name", self.context.build_name.clone(), range),
            Function::BuildType => self.name_of_build("build_type", self.context.build_type.clone(), range),
            Function::CleanResourceName => match self.context.resource_names {
                Some(rule) => Value::text(clean_resource_name(rule, text(arguments, 0))),
                None => Value::Unknown,
            },
            Function::Env => self.environment(text(arguments, 0), range),
            Function::Isotime => {
                let layout = if arguments.is_empty() { go_time::RFC3339 } else { text(arguments, 0) };
                Value::text(go_time::format_layout(layout, self.context.host.started()))
            }
            Function::Strftime => self.strftime(arguments),
            Function::Timestamp => Value::text(self.context.host.started().to_string()),
            Function::Lower => Value::text(map_case(text(arguments, 0), char::to_lowercase)),
            Function::Upper => Value::text(map_case(text(arguments, 0), char::to_uppercase)),
            Function::PackerVersion => Value::text(PACKER_COMPATIBLE),
            Function::Pwd => Value::text(self.context.host.working_directory().to_string_lossy()),
            Function::TemplateDir => self.template_dir(range),
            Function::Uuid => Value::text(self.context.host.uuid()),
            Function::Secret(name) => self.secret(name, arguments, range),
            Function::Split => self.split(arguments),
            Function::Replace => self.replace(range, text(arguments, 3), arguments, integer(arguments, 2)),
            Function::ReplaceAll => self.replace(range, text(arguments, 2), arguments, -1),
            Function::User => self.user(arguments),
            Function::Not => match values.first().and_then(Value::truth) {
                Some(truth) => Value::Bool(!truth),
                None => Value::Unknown,
            },
            Function::Equal => self.equal(arguments, false),
            Function::NotEqual => self.equal(arguments, true),
            Function::Less => self.ordered(arguments, Ordering::is_lt),
            Function::LessOrEqual => self.ordered(arguments, Ordering::is_le),
            Function::Greater => self.ordered(arguments, Ordering::is_gt),
            Function::GreaterOrEqual => self.ordered(arguments, Ordering::is_ge),
            Function::Length => self.length(arguments),
            Function::Index => self.index(arguments),
            Function::Slice => self.slice(arguments),
            Function::Print => Value::text(print(&values)),
            Function::Println => {
                let words: Vec<String> = values.iter().map(Value::written).collect();
                Value::text(words.join(" ") + "\n")
            }
            Function::Printf => self.printf(range, text(arguments, 0), values.get(1..).unwrap_or_default()),
            Function::Html => Value::text(format::html(&print(&values))),
            Function::Js => Value::text(format::js(&print(&values))),
            Function::UrlQuery => Value::text(format::url_query(&print(&values))),
            // These two look at one argument after the other, and the rest is dealt with above.
            Function::And | Function::Or | Function::Sed => Value::Unknown,
        }
    }

    fn environment(&mut self, name: &str, range: &Range<usize>) -> Value {
        let host = &self.context.host;
        if host.is_garbled(name) {
            let message = format!("the environment variable `{name}` is not valid UTF-8");
            return self.mistake("go-template-value", range.clone(), message, "give it text in UTF-8, or unset it");
        }
        Value::text(host.environment(name).unwrap_or_default())
    }

    /// A secret of a store; not known where there is none to ask.
    fn secret(&mut self, name: &str, arguments: &[Argument], range: &Range<usize>) -> Value {
        let Some(stores) = &self.context.secrets else { return Value::Unknown };
        let texts: Vec<&str> = (0..arguments.len()).map(|index| text(arguments, index)).collect();
        match stores.read(name, &texts) {
            Ok(secret) => Value::text(secret),
            Err(why) => {
                let message = format!("`{name}`: {why}");
                self.mistake("network-function", range.clone(), message, secret_store::help(name))
            }
        }
    }

    fn no_secrets(&mut self, name: &str, range: &Range<usize>) -> Value {
        let help = match self.context.user {
            User::Forbidden => format!("use `${{{name}(…)}}`"),
            User::Variables { .. } => "read it in `variables`, and use the variable here by {{user `name`}}".to_owned(),
        };
        self.mistake("function-not-allowed", range.clone(), format!("`{name}` is not available here"), help)
    }

    fn no_environment(&mut self, range: &Range<usize>) -> Value {
        let help = match self.context.user {
            User::Forbidden => "read it in the default of a variable, by `env(\"NAME\")`, and use `${var.name}`",
            User::Variables { .. } => "read it in `variables`, and use the variable here by {{user `name`}}",
        };
        let message = "the environment is not available here";
        self.mistake("function-not-allowed", range.clone(), message, help)
    }

    fn no_build(&mut self, range: &Range<usize>) -> Value {
        let help = match self.context.user {
            User::Forbidden => "use `${build.ID}` and the like, in provisioners and post-processors",
            User::Variables { .. } => "provisioners and post-processors can use it",
        };
        self.mistake("function-not-allowed", range.clone(), "`build` is not available here", help)
    }

    fn name_of_build(&mut self, function: &str, name: Option<String>, range: &Range<usize>) -> Value {
        match name {
            Some(name) => Value::text(name),
            None => {
                let help = "builders, provisioners and post-processors can use it";
                let message = format!("`{function}` is not available here, outside of any build");
                self.mistake("function-not-allowed", range.clone(), message, help)
            }
        }
    }

    fn build(&mut self, arguments: &[Argument]) -> Value {
        let key = text(arguments, 0);
        let (value, names): (Option<Value>, Vec<&str>) = match &self.context.build_values {
            BuildValues::Forbidden => return Value::Unknown,
            BuildValues::Later(names) => {
                let known = names.iter().any(|name| name == key);
                (known.then_some(Value::Unknown), names.iter().map(|name| &**name).collect())
            }
            BuildValues::Known(values) => {
                let value = values.get(key).map(|value| Value::text(&**value));
                (value, values.keys().map(|name| &**name).collect())
            }
        };
        if let Some(value) = value {
            return value;
        }
        let help =
            did_you_mean(key, names.iter().copied()).unwrap_or_else(|| format!("there are {}", in_backticks(&names)));
        let place = place(arguments, 0);
        self.mistake("unknown-build-value", place, format!("a build has no value `{key}` here"), help)
    }

    fn user(&mut self, arguments: &[Argument]) -> Value {
        let name = text(arguments, 0);
        let User::Variables { values, undeclared } = &self.context.user else { return Value::Unknown };
        if let Some(value) = values.get(name) {
            return value.as_deref().map_or(Value::Unknown, Value::text);
        }
        let help = declare(name, values.keys().map(|name| &**name));
        self.tell(place(arguments, 0), undeclared_variable(name, *undeclared).help(help));
        match undeclared {
            Severity::Error => Value::Unknown,
            Severity::Warning => Value::text(""),
        }
    }

    fn template_dir(&mut self, range: &Range<usize>) -> Value {
        match &self.context.template_dir {
            Some(directory) => {
                let path = cleaned(&self.context.host.working_directory().join(directory));
                Value::text(path.to_string_lossy())
            }
            None => {
                let (message, help) = match self.context.user {
                    User::Forbidden => ("`template_dir` is not available in HCL2", "use `${path.root}`"),
                    User::Variables { .. } => ("`template_dir` is not available here", "write the path itself"),
                };
                self.mistake("function-not-allowed", range.clone(), message, help)
            }
        }
    }

    fn strftime(&mut self, arguments: &[Argument]) -> Value {
        let (text, unknown) = go_time::strftime(text(arguments, 0), self.context.host.started());
        if let Some(verb) = unknown {
            let message = format!("`{verb}` is nothing that `strftime` knows, and stays as it is");
            let help = "write `%%` for a percent sign";
            self.tell(place(arguments, 0), Diagnostic::warning("go-template-value", message).help(help));
        }
        Value::text(text)
    }

    fn split(&mut self, arguments: &[Argument]) -> Value {
        let (whole, separator, index) = (text(arguments, 0), text(arguments, 1), integer(arguments, 2));
        let pieces: Vec<&str> = if separator.is_empty() {
            whole.char_indices().map(|(at, letter)| &whole[at..at + letter.len_utf8()]).collect()
        } else {
            whole.split(separator).collect()
        };
        match usize::try_from(index).ok().and_then(|index| pieces.get(index)) {
            Some(piece) => Value::text(*piece),
            None => {
                let count = pieces.len();
                let message = format!("there is no piece {index}: `{separator}` splits this text in {count}");
                self.fault(place(arguments, 2), message, "pieces are counted from 0")
            }
        }
    }

    fn replace(&mut self, range: &Range<usize>, whole: &str, arguments: &[Argument], count: i64) -> Value {
        let (old, new) = (text(arguments, 0), text(arguments, 1));
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let places = whole.matches(old).take(count).count();
        if places.saturating_mul(new.len()) > MOST_BYTES {
            self.stop(range.clone(), "the text grows without end", "make it shorter");
            return Value::Unknown;
        }
        Value::text(whole.replacen(old, new, count))
    }

    fn equal(&mut self, arguments: &[Argument], negated: bool) -> Value {
        let Some((first, others)) = arguments.split_first() else { return Value::Unknown };
        for other in others {
            match first.value.equals(&other.value) {
                Some(true) => return Value::Bool(!negated),
                Some(false) => {}
                None => return self.incomparable(first, other),
            }
        }
        Value::Bool(negated)
    }

    fn ordered(&mut self, arguments: &[Argument], holds: fn(Ordering) -> bool) -> Value {
        let [one, other] = arguments else { return Value::Unknown };
        match one.value.order(&other.value) {
            Some(order) => Value::Bool(holds(order)),
            None => self.incomparable(one, other),
        }
    }

    fn incomparable(&mut self, one: &Argument, other: &Argument) -> Value {
        let message = format!("{} and {} can't be compared", one.value.kind(), other.value.kind());
        self.fault(other.range.clone(), message, "all that templates read is text: compare with text")
    }

    fn length(&mut self, arguments: &[Argument]) -> Value {
        match arguments.first() {
            Some(Argument { value: Value::Text(text), .. }) => Value::Integer(count(text.len())),
            Some(other) => {
                let message = format!("{} has no length", other.value.kind());
                self.fault(other.range.clone(), message, "give it text")
            }
            None => Value::Unknown,
        }
    }

    fn index(&mut self, arguments: &[Argument]) -> Value {
        let Some((first, keys)) = arguments.split_first() else { return Value::Unknown };
        let mut value = first.value.clone();
        for key in keys {
            value = match (&value, &key.value) {
                (Value::Fields, Value::Text(name)) => {
                    if !matches!(self.fields, Fields::Values(values) if !values.contains_key(&**name)) {
                        self.field(name, &key.content)
                    } else {
                        // A map of Go answers with an empty text here.
                        Value::text("")
                    }
                }
                (Value::Unknown, _) => Value::Unknown,
                (Value::Text(text), Value::Integer(at)) => {
                    match usize::try_from(*at).ok().and_then(|at| text.as_bytes().get(at)) {
                        Some(byte) => Value::Integer(i64::from(*byte)),
                        None => {
                            let message = format!("there is no byte {at} in a text of {}", text.len());
                            self.fault(key.range.clone(), message, "bytes are counted from 0")
                        }
                    }
                }
                (other, key_value) => {
                    let message = format!("{} has no index that is {}", other.kind(), key_value.kind());
                    self.fault(key.range.clone(), message, "fields have names, bytes of text have numbers")
                }
            };
        }
        value
    }

    fn slice(&mut self, arguments: &[Argument]) -> Value {
        let whole = text(arguments, 0);
        let bound = |index: usize| arguments.get(index).map(|_| integer(arguments, index));
        let start = bound(1).unwrap_or(0);
        let end = bound(2).unwrap_or(count(whole.len()));
        let range = usize::try_from(start).unwrap_or(usize::MAX)..usize::try_from(end).unwrap_or(usize::MAX);
        match whole.get(range) {
            Some(part) => Value::text(part),
            None => {
                let message = format!("bytes {start} to {end} are no part of a text of {} bytes", whole.len());
                let place = place(arguments, arguments.len().saturating_sub(1));
                self.fault(place, message, "bytes are counted from 0, and letters above ASCII have several")
            }
        }
    }

    fn printf(&mut self, range: &Range<usize>, format: &str, values: &[Value]) -> Value {
        let (text, wrong) = format::sprintf(format, values);
        if text.len() > MOST_BYTES {
            self.stop(range.clone(), "the text grows without end", "make it shorter");
            return Value::Unknown;
        }
        if wrong {
            let message = format!("the format does not fit its arguments: it makes `{text}`");
            self.tell(
                range.clone(),
                Diagnostic::warning("go-template-value", message)
                    .help("text goes with `%s`, whole numbers with `%d`, anything with `%v`"),
            );
        }
        Value::text(text)
    }
}

fn text(arguments: &[Argument], index: usize) -> &str {
    match arguments.get(index).map(|argument| &argument.value) {
        Some(Value::Text(text)) => text,
        _ => "",
    }
}

fn integer(arguments: &[Argument], index: usize) -> i64 {
    match arguments.get(index).map(|argument| &argument.value) {
        Some(Value::Integer(value)) => *value,
        _ => 0,
    }
}

fn place(arguments: &[Argument], index: usize) -> Range<usize> {
    arguments.get(index).map_or(0..0, |argument| argument.content.clone())
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn in_backticks(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Letter by letter as Go does it: one that would become several stays as it is.
fn map_case<I: Iterator<Item = char>>(text: &str, change: fn(char) -> I) -> String {
    text.chars()
        .map(|letter| {
            let mut changed = change(letter);
            match (changed.next(), changed.next()) {
                (Some(one), None) => one,
                _ => letter,
            }
        })
        .collect()
}

/// Without `.` and `..`, like Go's `filepath.Clean`: links are not followed.
fn cleaned(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

/// Makes a text fit for the name of an image. Each byte that is not allowed becomes a `-`.
fn clean_resource_name(rule: ResourceNames, name: &str) -> String {
    let replaced = |name: &str, allowed: &str| -> String {
        let keeps = |byte: u8| byte.is_ascii_alphanumeric() || allowed.as_bytes().contains(&byte);
        name.bytes().map(|byte| if keeps(byte) { char::from(byte) } else { '-' }).collect()
    };
    match rule {
        ResourceNames::Amazon => replaced(name, "()[] ./-'@_"),
        ResourceNames::Azure => replaced(name, "-_.").trim_end_matches(['-', '_', '.']).to_owned(),
        ResourceNames::Google => {
            let inner = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            let starts = name.starts_with(|first: char| first.is_ascii_lowercase());
            if inner && starts && !name.ends_with('-') && name.len() <= 63 {
                name.to_owned()
            } else {
                replaced(&name.to_lowercase(), "")
            }
        }
    }
}
