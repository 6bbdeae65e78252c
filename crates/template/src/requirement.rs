//! Version constraints such as `>= 1.7.0, < 2.0`, held against the version of Packer that we are compatible with.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::Requirement;
use crate::version::PACKER_COMPATIBLE;
use std::cmp::Ordering;

/// Reports constraints that are malformed, and those that [`PACKER_COMPATIBLE`] does not meet.
///
/// False if one is not met. Nothing else is said then: what else looks wrong may be right for the version asked for.
pub fn check(requirements: &[Requirement], diagnostics: &mut Diagnostics) -> bool {
    let mut unmet = Diagnostics::default();
    for Requirement { constraint } in requirements {
        match is_met(constraint, PACKER_COMPATIBLE) {
            Ok(true) => {}
            Ok(false) => unmet.push(
                Diagnostic::error(
                    "unsupported-version",
                    format!(
                        "this template asks for Packer `{}`; imgforge is compatible with {PACKER_COMPATIBLE}",
                        constraint.value
                    ),
                )
                .at(constraint.span),
            ),
            Err(why) => diagnostics.push(
                Diagnostic::error(
                    "invalid-version",
                    format!("`{}` is not a version constraint: {why}", constraint.value),
                )
                .at(constraint.span)
                .help("write, for example, `>= 1.7.0, < 2.0.0` or `~> 1.9`"),
            ),
        }
    }
    let met = unmet.is_empty();
    if !met {
        *diagnostics = unmet;
    }
    met
}

/// Whether a version meets all the constraints in a comma-separated list.
///
/// # Errors
/// What is wrong with the list.
pub fn is_met(constraints: &str, version: &str) -> Result<bool, String> {
    let (version, _) = numbers(version)?;
    let mut met = true;
    for constraint in constraints.split(',') {
        let constraint = constraint.trim();
        let operators = [">=", "<=", "!=", "~>", "=", ">", "<", ""];
        let operator = operators.into_iter().find(|operator| constraint.starts_with(operator)).unwrap_or("");
        let (wanted, given) = numbers(constraint[operator.len()..].trim())?;
        let order = version.cmp(&wanted);
        met &= match operator {
            ">=" => order != Ordering::Less,
            "<=" => order != Ordering::Greater,
            "!=" => order != Ordering::Equal,
            ">" => order == Ordering::Greater,
            "<" => order == Ordering::Less,
            // The last number given may grow, those before it may not.
            "~>" => order != Ordering::Less && version.iter().zip(&wanted).take(given.max(2) - 1).all(|(a, b)| a == b),
            _ => order == Ordering::Equal,
        };
    }
    Ok(met)
}

/// The most numbers that a version may have; others have three or four.
const MOST_NUMBERS: usize = 8;

/// The numbers of a version, those that are missing as zero, and how many were given; a leading `v` and pre-release or
/// build parts are allowed.
fn numbers(text: &str) -> Result<([u64; MOST_NUMBERS], usize), String> {
    let core = text.strip_prefix('v').unwrap_or(text);
    let core = core.split(['-', '+']).next().unwrap_or(core);
    let mut numbers = [0; MOST_NUMBERS];
    let mut given = 0;
    for part in core.split('.') {
        let Some(number) = numbers.get_mut(given) else {
            return Err(format!("`{text}` has more than {MOST_NUMBERS} numbers"));
        };
        *number = part.parse().map_err(|_| {
            if text.is_empty() { "a version is missing".to_owned() } else { format!("`{text}` is not a version") }
        })?;
        given += 1;
    }
    Ok((numbers, given))
}

#[cfg(test)]
mod tests {
    use super::is_met;

    #[test]
    fn constraints_are_met_or_not() {
        let table = [
            (">= 1.7.0", true),
            (">= v1.0.0", true),
            (">= 1.16.0, < 2", true),
            ("< 1.16", false),
            ("~> 1.9", true),
            ("~> 1.9.0", false),
            ("~> 1", true),
            ("~> 2.0", false),
            ("1.16.0", true),
            ("= 1.15.9", false),
            ("!= 1.16.0", false),
            ("> 700000.0.0", false),
            ("> 1.16.0.0", false),
            ("< 1.16.0.1", true),
            ("~> 1.16.0.0", true),
        ];
        for (constraint, expected) in table {
            assert_eq!(is_met(constraint, "1.16.0"), Ok(expected), "{constraint}");
        }
        assert_eq!(is_met("~> latest", "1.16.0"), Err("`latest` is not a version".to_owned()));
        assert_eq!(is_met(">= 1.0,", "1.16.0"), Err("a version is missing".to_owned()));
        assert_eq!(
            is_met("1.2.3.4.5.6.7.8.9", "1.16.0"),
            Err("`1.2.3.4.5.6.7.8.9` has more than 8 numbers".to_owned())
        );
        assert_eq!(is_met(">= +1.0", "1.16.0"), Err("`+1.0` is not a version".to_owned()));
    }
}
