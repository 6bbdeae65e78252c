//! How loud a check is, and who says so: `-lint CODE=LEVEL` and `lint:` in `imgforge.yml`.

use super::{LINTS, find};
use imgforge_template::diagnostic::{Diagnostics, Severity};
use imgforge_template::suggest;

/// What becomes of what a check finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Off,
    Warning,
    Error,
}

impl Level {
    /// Reads a level.
    ///
    /// # Errors
    /// What there is in its place.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "warning" => Ok(Self::Warning),
            "error" => Ok(Self::Error),
            _ => Err(format!("`{text}` is no level: write `off`, `warning` or `error`")),
        }
    }
}

/// One check, or all of them, at another level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// `None` is every check that can be switched.
    code: Option<&'static str>,
    level: Level,
}

impl Switch {
    /// The name of all checks together.
    pub const ALL: &'static str = "all";

    /// A check at a level.
    ///
    /// # Errors
    /// When there is no such check, or it is none that can be switched.
    pub fn new(code: &str, level: Level) -> Result<Self, String> {
        if code == Self::ALL {
            return Ok(Self { code: None, level });
        }
        let code = switchable(code)?;
        Ok(Self { code: Some(code), level })
    }

    /// Reads `CODE=LEVEL`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (code, level) = text.split_once('=').ok_or("write it as CODE=LEVEL")?;
        Self::new(code, Level::parse(level)?)
    }
}

/// The code of a check that users may switch.
///
/// # Errors
/// When there is none.
pub(super) fn switchable(code: &str) -> Result<&'static str, String> {
    match find(code) {
        Some(lint) if lint.severity == Severity::Warning => Ok(lint.code),
        Some(_) => Err(format!("`{code}` can't be switched: the build would fail")),
        None if code.is_empty() => Err("the name of a check is missing".to_owned()),
        None => {
            let names = LINTS.iter().filter(|lint| lint.severity == Severity::Warning).map(|lint| lint.code);
            let close = suggest::closest(code, names).map(|close| format!(": did you mean `{close}`?"));
            Err(format!("there is no check `{code}`{}", close.unwrap_or_default()))
        }
    }
}

/// Sets the levels of what was found. The last switch of a check counts.
pub(super) fn apply(switches: &[Switch], diagnostics: &mut Diagnostics) {
    let level = |code: &str| {
        let is_meant = |switch: &&Switch| switch.code.is_none_or(|own| own == code);
        switches.iter().rev().find(is_meant).filter(|_| switchable(code).is_ok()).map(|switch| switch.level)
    };
    let mut set = Diagnostics::default();
    for mut diagnostic in std::mem::take(diagnostics).into_sorted() {
        match level(diagnostic.code) {
            Some(Level::Off) => continue,
            Some(Level::Warning) => diagnostic.severity = Severity::Warning,
            Some(Level::Error) => diagnostic.severity = Severity::Error,
            None => {}
        }
        set.push(diagnostic);
    }
    *diagnostics = set;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_names_a_check_and_a_level() {
        assert_eq!(
            Switch::parse("unused-variable=off"),
            Ok(Switch { code: Some("unused-variable"), level: Level::Off })
        );
        assert_eq!(Switch::parse("all=error"), Ok(Switch { code: None, level: Level::Error }));
        for (text, why) in [
            ("unused-variable", "write it as CODE=LEVEL"),
            ("unused-varable=off", "there is no check `unused-varable`: did you mean `unused-variable`?"),
            ("=off", "the name of a check is missing"),
            ("missing-argument=off", "there is no check `missing-argument`"),
            ("no-machine=off", "`no-machine` can't be switched: the build would fail"),
            ("unused-variable=none", "`none` is no level: write `off`, `warning` or `error`"),
        ] {
            assert_eq!(Switch::parse(text), Err(why.to_owned()));
        }
    }
}
