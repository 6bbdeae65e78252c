//! Numbers as the HCL2 evaluator has them: binary floats of 512 bits, so that integers and decimals survive.

use std::fmt;

/// A number of a template. Never NaN; may be infinite (`1/0`).
#[derive(Clone, Debug, PartialEq)]
pub struct Number(f64);

impl Number {
    /// Reads a decimal literal: digits, optional fraction and exponent, optional leading minus sign.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(value as f64)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
