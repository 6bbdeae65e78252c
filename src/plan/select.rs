//! `-only` and `-except`: which builds run, and which post-processors are left out.

use crate::glob::Pattern;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::document::Language;

/// The checked flags of a run.
#[derive(Default)]
pub struct Selection {
    only: Vec<Matcher>,
    except: Vec<Matcher>,
}

struct Matcher {
    text: String,
    /// `None` compares as it stands: legacy JSON has no patterns.
    pattern: Option<Pattern>,
}

impl Matcher {
    fn matches(&self, name: &str) -> bool {
        self.pattern.as_ref().map_or(self.text == name, |pattern| pattern.matches(name))
    }
}

impl Selection {
    /// Reads the flags' values: patterns for HCL2, names for legacy JSON. An empty one is no build's: `-only=` takes none,
    /// and `-except=` leaves none out, which is nothing to be warned of.
    pub fn new(only: &[String], except: &[String], language: Language, diagnostics: &mut Diagnostics) -> Self {
        let mut read = |flag: &str, texts: &[String]| {
            let mut matchers = Vec::new();
            for text in texts {
                let pattern = match language {
                    Language::Legacy => None,
                    Language::Hcl2 => match Pattern::new(text) {
                        Ok(pattern) => Some(pattern),
                        Err(why) => {
                            let message = format!("the pattern `-{flag}={text}` can't be read: {why}");
                            diagnostics.push(Diagnostic::error("invalid-pattern", message));
                            continue;
                        }
                    },
                };
                matchers.push(Matcher { text: text.clone(), pattern });
            }
            matchers
        };
        let except: Vec<String> = except.iter().filter(|text| !text.is_empty()).cloned().collect();
        Self { only: read("only", only), except: read("except", &except) }
    }

    pub(super) fn takes_build(&self, name: &str) -> bool {
        let any = |matchers: &[Matcher]| matchers.iter().any(|matcher| matcher.matches(name));
        (self.only.is_empty() || any(&self.only)) && !any(&self.except)
    }

    pub(super) fn takes_post_processor(&self, name: &str) -> bool {
        !self.except.iter().any(|matcher| matcher.matches(name))
    }

    /// Warns of flags that match none of the names.
    pub(super) fn report_unused(&self, names: &[String], diagnostics: &mut Diagnostics) {
        for (flag, matchers) in [("only", &self.only), ("except", &self.except)] {
            for matcher in matchers.iter().filter(|matcher| !names.iter().any(|name| matcher.matches(name))) {
                let message = format!("`-{flag}={}` matches nothing", matcher.text);
                let mut known = names.to_vec();
                known.dedup();
                diagnostics.push(
                    Diagnostic::warning("unused-pattern", message).help(format!("there are {}", known.join(", "))),
                );
            }
        }
    }
}
