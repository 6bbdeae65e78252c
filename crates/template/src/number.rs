//! Numbers as the HCL2 evaluator has them: binary floats of 512 bits, so that integers and decimals survive.

mod decimal;

pub(crate) use decimal::{Decimal, Digits};

use dashu_int::ops::{BitTest, DivRem};
use dashu_int::{IBig, Sign, UBig};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Bits of a significand, as in go-cty.
const PRECISION: usize = 512;
/// Numbers from 2^LIMIT are infinite, those below 2^-LIMIT zero: a number is printed without an exponent,
/// so its size in memory is its magnitude.
const LIMIT: i64 = 65_536;
/// The largest decimal exponent of a literal, just inside `LIMIT`.
const LITERAL_EXPONENT: i64 = 19_000;
/// The most digits a literal may have.
const LITERAL_DIGITS: usize = 20_000;

/// A number of a template. Never NaN; may be infinite (`1/0`). Integers up to 512 bits are exact.
#[derive(Clone, Debug, PartialEq)]
pub struct Number(Form);

/// Each number has one form only, so that equal numbers are equal in structure.
#[derive(Clone, Debug, PartialEq)]
enum Form {
    Integer(i64),
    /// Not an `i64`.
    Float(Arc<Float>),
    Infinite {
        negative: bool,
    },
}

/// `significand * 2^exponent`; the significand is odd and has at most `PRECISION` bits.
#[derive(Clone, Debug, PartialEq)]
struct Float {
    significand: IBig,
    exponent: i64,
}

impl Number {
    /// What [`Self::parse`] takes, as a help.
    pub(crate) const RANGE: &str = "a number has up to 20000 digits, and an exponent from -19000 to 19000";

    /// What is said of a text that has the form of a decimal literal and that [`Self::parse`] refuses.
    pub(crate) fn out_of_range(text: &str) -> &'static str {
        if text.contains("e-") || text.contains("E-") {
            "this number is too near to zero"
        } else {
            "this number is too large"
        }
    }

    /// Reads a decimal literal: optional sign, digits, optional fraction and exponent. `None` if it is none, and
    /// for those with an absurd number of digits or an exponent beyond ±19000.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, fraction].concat();
        if digits.is_empty() || digits.len() > LITERAL_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let significand = IBig::from_str_radix(&digits, 10).ok()?;
        let significand = if negative { -significand } else { significand };
        let scale = exponent - i64::try_from(fraction.len()).ok()?;
        let power = IBig::from(10).pow(usize::try_from(scale.unsigned_abs()).ok()?);
        Some(if scale >= 0 { Self::make(significand * power, 0) } else { Self::quotient(significand, 0, power, 0) })
    }

    /// Reads an integer in a base from 2 to 62: digits, then `a` to `z` and `A` to `Z`, which mean the same up to
    /// base 36. `None` if it is none.
    pub fn parse_radix(text: &str, base: u32) -> Option<Self> {
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        if digits.is_empty() || digits.len() > LITERAL_DIGITS || !(2..=62).contains(&base) {
            return None;
        }
        let mut value = IBig::from(0);
        for byte in digits.bytes() {
            let digit = u32::from(match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'z' => byte - b'a' + 10,
                b'A'..=b'Z' if base <= 36 => byte - b'A' + 10,
                b'A'..=b'Z' => byte - b'A' + 36,
                _ => return None,
            });
            if digit >= base {
                return None;
            }
            value = value * base + digit;
        }
        Some(Self::make(if negative { -value } else { value }, 0))
    }

    /// How many there are of something.
    pub fn from_count(count: usize) -> Self {
        Self::make(IBig::from(count), 0)
    }

    /// The exact value of a float; `None` for NaN.
    pub fn from_f64(value: f64) -> Option<Self> {
        if value.is_nan() {
            return None;
        }
        let negative = value.is_sign_negative();
        if value.is_infinite() {
            return Some(Self(Form::Infinite { negative }));
        }
        let bits = value.to_bits();
        let (fraction, biased) = (bits & ((1 << 52) - 1), (bits >> 52) & 0x7ff);
        let significand = IBig::from(if biased == 0 { fraction } else { fraction | (1 << 52) });
        let exponent = i64::try_from(biased.max(1)).ok()? - 1075;
        Some(Self::make(if negative { -significand } else { significand }, exponent))
    }

    /// The number nearest to `significand * 2^exponent`, half to even.
    fn make(significand: IBig, exponent: i64) -> Self {
        let (sign, mut magnitude) = significand.into_parts();
        let mut exponent = exponent;
        let bits = magnitude.bit_len();
        if bits > PRECISION {
            let dropped = bits - PRECISION;
            let half = magnitude.bit(dropped - 1);
            let more = magnitude.trailing_zeros().is_some_and(|zeros| zeros < dropped - 1);
            magnitude >>= dropped;
            if half && (more || magnitude.bit(0)) {
                magnitude += 1u32;
            }
            exponent = exponent.saturating_add(signed(dropped));
        }
        let Some(zeros) = magnitude.trailing_zeros() else { return Self::from(0) };
        magnitude >>= zeros;
        exponent = exponent.saturating_add(signed(zeros));
        let top = exponent.saturating_add(signed(magnitude.bit_len()));
        if top > LIMIT {
            return Self(Form::Infinite { negative: sign == Sign::Negative });
        }
        if top < -LIMIT {
            return Self::from(0);
        }
        let significand = IBig::from_parts(sign, magnitude);
        if (0..=64).contains(&exponent) && top <= 64 {
            let integer = significand.clone() << usize::try_from(exponent).unwrap_or_default();
            if let Ok(integer) = i64::try_from(&integer) {
                return Self(Form::Integer(integer));
            }
        }
        Self(Form::Float(Arc::new(Float { significand, exponent })))
    }

    /// `a * 2^a_exponent / (b * 2^b_exponent)`; `b` is not zero.
    fn quotient(a: IBig, a_exponent: i64, b: IBig, b_exponent: i64) -> Self {
        let (a_sign, a) = a.into_parts();
        let (b_sign, b) = b.into_parts();
        let shift = (PRECISION + 2 + b.bit_len()).saturating_sub(a.bit_len());
        let (quotient, remainder) = (a << shift).div_rem(&b);
        // One more bit stands for all that the division left over: rounding only asks whether there is some.
        let quotient = (quotient << 1usize) + UBig::from(!remainder.is_zero());
        let exponent = a_exponent - b_exponent - signed(shift) - 1;
        Self::make(IBig::from_parts(a_sign * b_sign, quotient), exponent)
    }

    /// Significand and exponent; `None` if infinite.
    fn parts(&self) -> Option<(IBig, i64)> {
        match &self.0 {
            Form::Integer(value) => Some((IBig::from(*value), 0)),
            Form::Float(float) => Some((float.significand.clone(), float.exponent)),
            Form::Infinite { .. } => None,
        }
    }

    /// The sum; `None` for infinity minus infinity.
    #[must_use]
    pub fn add(&self, other: &Self) -> Option<Self> {
        if let (Form::Integer(a), Form::Integer(b)) = (&self.0, &other.0)
            && let Some(sum) = a.checked_add(*b)
        {
            return Some(sum.into());
        }
        match (self.parts(), other.parts()) {
            (Some(a), Some(b)) => {
                let (a, b, exponent) = align(a, b);
                Some(Self::make(a + b, exponent))
            }
            (None, Some(_)) => Some(self.clone()),
            (Some(_), None) => Some(other.clone()),
            (None, None) => (self == other).then(|| self.clone()),
        }
    }

    /// The difference; `None` for infinity minus infinity.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Option<Self> {
        self.add(&other.negate())
    }

    /// The product; `None` for infinity times zero.
    #[must_use]
    pub fn multiply(&self, other: &Self) -> Option<Self> {
        if let (Form::Integer(a), Form::Integer(b)) = (&self.0, &other.0)
            && let Some(product) = a.checked_mul(*b)
        {
            return Some(product.into());
        }
        if let (Some((a, a_exponent)), Some((b, b_exponent))) = (self.parts(), other.parts()) {
            return Some(Self::make(a * b, a_exponent + b_exponent));
        }
        (!self.is_zero() && !other.is_zero())
            .then(|| Self(Form::Infinite { negative: self.is_negative() != other.is_negative() }))
    }

    /// The quotient; infinite where only the divisor is zero, `None` for zero by zero and infinity by infinity.
    #[must_use]
    pub fn divide(&self, other: &Self) -> Option<Self> {
        match (self.parts(), other.parts()) {
            (Some(_), Some((divisor, _))) if divisor.is_zero() => {
                (!self.is_zero()).then(|| Self(Form::Infinite { negative: self.is_negative() }))
            }
            (Some((a, a_exponent)), Some((b, b_exponent))) => Some(Self::quotient(a, a_exponent, b, b_exponent)),
            (Some(_), None) => Some(Self::from(0)),
            (None, Some(_)) => Some(Self(Form::Infinite { negative: self.is_negative() != other.is_negative() })),
            (None, None) => None,
        }
    }

    /// What division to a whole number leaves, with the sign of the dividend. As in go-cty the dividend itself where
    /// the divisor is zero, and infinite where one of the two is; `None` for zero and infinity.
    #[must_use]
    pub fn modulo(&self, other: &Self) -> Option<Self> {
        if self.is_infinite() || other.is_infinite() {
            return self.multiply(other);
        }
        if other.is_zero() {
            return Some(self.clone());
        }
        let whole = self.divide(other)?.truncate();
        self.subtract(&whole.multiply(other)?)
    }

    #[must_use]
    pub fn negate(&self) -> Self {
        match &self.0 {
            Form::Integer(value) => match value.checked_neg() {
                Some(value) => value.into(),
                None => Self::make(-IBig::from(*value), 0),
            },
            Form::Float(float) => Self::make(-float.significand.clone(), float.exponent),
            Form::Infinite { negative } => Self(Form::Infinite { negative: !negative }),
        }
    }

    /// Without the digits behind the decimal point.
    #[must_use]
    pub fn truncate(&self) -> Self {
        match &self.0 {
            Form::Float(float) if float.exponent < 0 => {
                let (sign, magnitude) = float.significand.clone().into_parts();
                let places = usize::try_from(float.exponent.unsigned_abs()).unwrap_or(usize::MAX);
                Self::make(IBig::from_parts(sign, magnitude >> places), 0)
            }
            _ => self.clone(),
        }
    }

    /// The largest integer that is not above it.
    #[must_use]
    pub fn floor(&self) -> Self {
        let whole = self.truncate();
        if self.is_negative() && whole != *self { whole.add(&Self::from(-1)).unwrap_or(whole) } else { whole }
    }

    /// The smallest integer that is not below it.
    #[must_use]
    pub fn ceil(&self) -> Self {
        self.negate().floor().negate()
    }

    pub fn is_zero(&self) -> bool {
        matches!(self.0, Form::Integer(0))
    }

    pub fn is_negative(&self) -> bool {
        match &self.0 {
            Form::Integer(value) => *value < 0,
            Form::Float(float) => float.significand.sign() == Sign::Negative,
            Form::Infinite { negative } => *negative,
        }
    }

    pub fn is_infinite(&self) -> bool {
        matches!(self.0, Form::Infinite { .. })
    }

    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Form::Integer(_) => true,
            Form::Float(float) => float.exponent >= 0,
            Form::Infinite { .. } => false,
        }
    }

    /// The integer it is, if it is one that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Form::Integer(value) => Some(*value),
            Form::Float(_) | Form::Infinite { .. } => None,
        }
    }

    /// The nearest float.
    pub fn as_f64(&self) -> f64 {
        match &self.0 {
            Form::Integer(value) => *value as f64,
            Form::Float(_) => self.to_string().parse().unwrap_or_default(),
            Form::Infinite { negative } => {
                if *negative {
                    f64::NEG_INFINITY
                } else {
                    f64::INFINITY
                }
            }
        }
    }

    /// An integer in another base, with a minus sign where there is one. `None` if it is no integer.
    pub(crate) fn to_radix(&self, base: u8) -> Option<String> {
        if !self.is_integer() || !(2..=36).contains(&base) {
            return None;
        }
        let (significand, exponent) = self.parts()?;
        Some((significand << usize::try_from(exponent).ok()?).in_radix(base).to_string())
    }
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: i64 = digits.parse().ok().filter(|value| *value <= LITERAL_EXPONENT)?;
    Some(if text.starts_with('-') { -value } else { value })
}

/// Two floats with the smaller of their exponents.
fn align((a, a_exponent): (IBig, i64), (b, b_exponent): (IBig, i64)) -> (IBig, IBig, i64) {
    let exponent = a_exponent.min(b_exponent);
    let shift = |value: IBig, own: i64| value << usize::try_from(own - exponent).unwrap_or_default();
    (shift(a, a_exponent), shift(b, b_exponent), exponent)
}

fn signed(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(Form::Integer(value))
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Form::Integer(a), Form::Integer(b)) = (&self.0, &other.0) {
            return a.cmp(b);
        }
        match (self.parts(), other.parts()) {
            (Some(a), Some(b)) => {
                let (a, b, _) = align(a, b);
                a.cmp(&b)
            }
            // Infinity is beyond all that is finite, on its side; two of them differ in sign at most.
            (None, Some(_)) => self.is_negative().cmp(&false).reverse().then(Ordering::Greater),
            (Some(_), None) => other.is_negative().cmp(&false).then(Ordering::Less),
            (None, None) => other.is_negative().cmp(&self.is_negative()),
        }
    }
}

impl fmt::Display for Number {
    /// The shortest decimal that is read back as the same number, never with an exponent; `+Inf` and `-Inf`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Form::Integer(value) = &self.0 {
            return value.fmt(f);
        }
        match self.decimal(Digits::Shortest) {
            Some(decimal) => f.write_str(&decimal.plain(0)),
            None => f.write_str(if self.is_negative() { "-Inf" } else { "+Inf" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Number {
        Number::parse(text).expect(text)
    }

    #[test]
    fn decimals_print_as_they_were_written() {
        for text in [
            "0",
            "1",
            "-1",
            "0.1",
            "0.30000000000000004",
            "1.5",
            "-12.000001",
            "9007199254740993",
            "-9223372036854775808",
            "9223372036854775808",
            "18446744073709551616",
            "152415787532388367501905199875019052100",
            "0.0000001",
        ] {
            assert_eq!(number(text).to_string(), text);
        }
        assert_eq!(number("1e21").to_string(), "1000000000000000000000");
        assert_eq!(number("1.50").to_string(), "1.5");
        assert_eq!(number("1.").to_string(), "1");
        assert_eq!(number("-0").to_string(), "0");
        assert_eq!(number("25e-3").to_string(), "0.025");
        assert_eq!(number("1e400").to_string(), format!("1{}", "0".repeat(400)));
    }

    #[test]
    fn what_is_no_literal_is_refused() {
        for text in ["", "-", ".", "e3", "1e", "0x10", " 1", "1 ", "1_000", "Inf", "--1", "1e999999999", "1e-999999999"]
        {
            assert_eq!(Number::parse(text), None, "{text}");
        }
        assert_eq!(Number::parse(&"9".repeat(1_000_000)), None);
    }

    #[test]
    fn arithmetic_is_that_of_512_bits() {
        assert_eq!(number("0.1").add(&number("0.2")), Some(number("0.3")));
        assert_eq!(
            number("9007199254740993").add(&1.into()).map(|sum| sum.to_string()).as_deref(),
            Some("9007199254740994")
        );
        assert_eq!(i64::MAX.to_string(), Number::from(i64::MAX).to_string());
        assert_eq!(Number::from(i64::MAX).add(&1.into()), Some(number("9223372036854775808")));
        assert_eq!(Number::from(i64::MIN).negate(), number("9223372036854775808"));
        assert_eq!(number("9223372036854775808").subtract(&1.into()), Some(Number::from(i64::MAX)));
        let square = number("12345678901234567890").multiply(&number("12345678901234567890"));
        assert_eq!(square, Some(number("152415787532388367501905199875019052100")));
        let third = Number::from(1).divide(&3.into()).expect("finite");
        assert_eq!(third.to_string(), format!("0.{}5", "3".repeat(154)));
        assert_eq!(number("4").divide(&2.into()), Some(2.into()));
    }

    #[test]
    fn modulo_has_the_sign_of_the_dividend() {
        let modulo = |a: &str, b: &str| number(a).modulo(&number(b)).map(|rest| rest.to_string());
        assert_eq!(modulo("-7", "3").as_deref(), Some("-1"));
        assert_eq!(modulo("7", "-3").as_deref(), Some("1"));
        assert_eq!(modulo("5.5", "2").as_deref(), Some("1.5"));
        assert_eq!(modulo("5", "0").as_deref(), Some("5"));
    }

    #[test]
    fn infinities_order_and_do_not_cancel() {
        let infinity = Number::from(1).divide(&0.into()).expect("infinite");
        let negative = infinity.negate();
        assert_eq!((infinity.to_string(), negative.to_string()), ("+Inf".to_owned(), "-Inf".to_owned()));
        assert!(infinity > number("1e18999") && negative < number("-1e18999") && infinity > negative);
        assert!(number("1e3") < infinity && number("-1e3") > negative);
        assert_eq!(infinity.add(&negative), None);
        assert_eq!(infinity.multiply(&0.into()), None);
        assert_eq!(Number::from(0).divide(&0.into()), None);
        assert_eq!(Number::from(7).divide(&infinity), Some(0.into()));
    }

    #[test]
    fn overflow_ends_in_infinity_and_underflow_in_zero() {
        let large = number("1e19000");
        assert!(large.multiply(&large).is_some_and(|product| product.is_infinite()));
        let small = number("1e-19000");
        assert_eq!(small.multiply(&small), Some(0.into()));
        assert_eq!(number(&large.to_string()), large);
    }

    #[test]
    fn whole_parts() {
        assert_eq!(number("-1.2").floor(), (-2).into());
        assert_eq!(number("-1.2").ceil(), (-1).into());
        assert_eq!(number("1.2").ceil(), 2.into());
        assert_eq!(number("-1.2").truncate(), (-1).into());
        assert!(number("1e30").is_integer() && !number("0.5").is_integer());
    }

    #[test]
    fn other_bases() {
        assert_eq!(Number::parse_radix("zz", 36), Some(1295.into()));
        assert_eq!(Number::parse_radix("-ff", 16), Some((-255).into()));
        assert_eq!(Number::parse_radix("Z", 62), Some(61.into()));
        assert_eq!(Number::parse_radix("2", 2), None);
        assert_eq!(number("-255").to_radix(16).as_deref(), Some("-ff"));
        assert_eq!(number("0.5").to_radix(2), None);
    }

    proptest! {
        #[test]
        fn printing_and_reading_give_the_same_number(value in any::<f64>()) {
            prop_assume!(value.is_finite());
            let number = Number::from_f64(value).expect("not NaN");
            prop_assert_eq!(Number::parse(&number.to_string()), Some(number.clone()));
            prop_assert_eq!(number.as_f64(), value);
        }

        #[test]
        fn thirds_and_such_are_read_back(a in any::<i64>(), b in 1_i64..) {
            let quotient = Number::from(a).divide(&b.into()).expect("finite");
            prop_assert_eq!(Number::parse(&quotient.to_string()), Some(quotient));
        }

        #[test]
        fn order_is_that_of_floats(a in -1e300..1e300_f64, b in -1e300..1e300_f64) {
            let (x, y) = (Number::from_f64(a).expect("finite"), Number::from_f64(b).expect("finite"));
            prop_assert_eq!(Some(x.cmp(&y)), a.partial_cmp(&b));
        }
    }
}
