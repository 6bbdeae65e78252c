//! Numbers as decimal digits: the fewest that are enough, or as many as are asked for.

use super::{Number, PRECISION, signed};
use dashu_int::ops::{BitTest, DivRem};
use dashu_int::{IBig, Sign, UBig};
use std::cmp::Ordering;

/// How many digits of a number are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Digits {
    /// As few as still tell the number from its neighbours.
    Shortest,
    /// This many behind the decimal point.
    Fraction(usize),
    /// This many in all, at least one.
    Significant(usize),
}

/// A finite number in decimal: `0.digits * 10^point`; the digits end in no zero and are empty for zero.
#[derive(Debug, PartialEq)]
pub(crate) struct Decimal {
    pub(crate) negative: bool,
    pub(crate) digits: String,
    pub(crate) point: i64,
}

impl Number {
    /// The number in decimal, rounded half to even; `None` if infinite.
    pub(crate) fn decimal(&self, digits: Digits) -> Option<Decimal> {
        let (significand, exponent) = self.parts()?;
        let negative = significand.sign() == Sign::Negative;
        let (_, magnitude) = significand.into_parts();
        if magnitude.is_zero() {
            return Some(Decimal { negative: false, digits: String::new(), point: 0 });
        }
        let exact = Ratio::new(&magnitude, exponent);
        // At least the number of digits before the point, at most one more.
        let top = exponent + signed(magnitude.bit_len());
        let whole = (top as f64 * std::f64::consts::LOG10_2).floor() as i64 + 1;
        let (rounded, scale) = match digits {
            Digits::Fraction(places) => (exact.scaled(signed(places)), signed(places)),
            Digits::Significant(count) => {
                // The estimate may be one too high: ask the number itself.
                let first = exact.scaled(signed(count) - whole);
                let short = first.to_string().len() < count;
                let scale = signed(count) - whole + i64::from(short);
                (if short { exact.scaled(scale) } else { first }, scale)
            }
            Digits::Shortest => {
                let scale = shortest_scale(&magnitude, exponent, whole);
                (exact.scaled(scale), scale)
            }
        };
        let text = rounded.to_string();
        let point = signed(text.len()) - scale;
        let digits = if rounded.is_zero() { "" } else { text.trim_end_matches('0') };
        Some(Decimal { negative, digits: digits.to_owned(), point: if digits.is_empty() { 0 } else { point } })
    }
}

/// A positive fraction of integers.
struct Ratio {
    numerator: UBig,
    denominator: UBig,
}

impl Ratio {
    fn new(magnitude: &UBig, exponent: i64) -> Self {
        let places = usize::try_from(exponent.unsigned_abs()).unwrap_or_default();
        if exponent >= 0 {
            Self { numerator: magnitude.clone() << places, denominator: UBig::from(1u32) }
        } else {
            Self { numerator: magnitude.clone(), denominator: UBig::from(1u32) << places }
        }
    }

    /// The nearest integer to the ratio times `10^scale`, half to even.
    fn scaled(&self, scale: i64) -> UBig {
        let power = ten(scale);
        let (numerator, denominator) = if scale >= 0 {
            (&self.numerator * &power, self.denominator.clone())
        } else {
            (self.numerator.clone(), &self.denominator * &power)
        };
        let (quotient, remainder) = numerator.div_rem(&denominator);
        match (remainder << 1usize).cmp(&denominator) {
            Ordering::Greater => quotient + 1u32,
            Ordering::Equal if quotient.bit(0) => quotient + 1u32,
            _ => quotient,
        }
    }

    /// Whether `integer / 10^scale` is nearer to the ratio than `half`, or just as far where `inclusive`.
    fn is_near(&self, integer: &UBig, scale: i64, half: &Self, inclusive: bool) -> bool {
        let power = ten(scale);
        // Both ratios have the same denominator.
        let (candidate, exact, half) = if scale >= 0 {
            (integer * &self.denominator, &self.numerator * &power, &half.numerator * &power)
        } else {
            (integer * &self.denominator * power, self.numerator.clone(), half.numerator.clone())
        };
        let distance = IBig::from(candidate) - IBig::from(exact);
        match distance.into_parts().1.cmp(&half) {
            Ordering::Less => true,
            Ordering::Equal => inclusive,
            Ordering::Greater => false,
        }
    }
}

fn ten(power: i64) -> UBig {
    UBig::from(10u32).pow(usize::try_from(power.unsigned_abs()).unwrap_or_default())
}

/// The power of ten that makes an integer of the shortest decimal that is read back as the same 512 bits.
fn shortest_scale(magnitude: &UBig, exponent: i64, whole: i64) -> i64 {
    // The neighbours are half a unit in the last of 512 places away.
    let widening = PRECISION + 1 - magnitude.bit_len().min(PRECISION);
    let unit = exponent - signed(widening);
    let wide = magnitude.clone() << widening;
    let (exact, half) = (Ratio::new(&wide, unit), Ratio::new(&UBig::from(1u32), unit));
    let inclusive = !wide.bit(1);
    // With more digits the nearest decimal only comes nearer.
    let (mut low, mut high) = (1, 160);
    while low < high {
        let middle = (low + high) / 2;
        let scale = middle - whole;
        if exact.is_near(&exact.scaled(scale), scale, &half, inclusive) { high = middle } else { low = middle + 1 }
    }
    low - whole
}

impl Decimal {
    /// Without an exponent, with at least `places` digits behind the point.
    pub(crate) fn plain(&self, places: usize) -> String {
        let mut text = String::from(if self.negative { "-" } else { "" });
        let point = usize::try_from(self.point).unwrap_or_default();
        let (whole, fraction) = self.digits.split_at(point.min(self.digits.len()));
        text.push_str(whole);
        text.extend(std::iter::repeat_n('0', point - whole.len()));
        if point == 0 {
            text.push('0');
        }
        let leading = usize::try_from(-self.point).unwrap_or_default();
        let leading = if fraction.is_empty() { 0 } else { leading };
        if !fraction.is_empty() || places > 0 {
            text.push('.');
            text.extend(std::iter::repeat_n('0', leading));
            text.push_str(fraction);
            text.extend(std::iter::repeat_n('0', places.saturating_sub(leading + fraction.len())));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_digits() {
        let plain = |text: &str, places| {
            Number::parse(text).expect(text).decimal(Digits::Fraction(places)).map(|it| it.plain(places))
        };
        assert_eq!(plain("1234567.5", 6).as_deref(), Some("1234567.500000"));
        assert_eq!(plain("0.125", 2).as_deref(), Some("0.12"));
        assert_eq!(plain("0.004", 2).as_deref(), Some("0.00"));
        assert_eq!(plain("9.999", 1).as_deref(), Some("10.0"));
        let significant = |text: &str, count| {
            Number::parse(text).expect(text).decimal(Digits::Significant(count)).map(|it| (it.digits, it.point))
        };
        assert_eq!(significant("1234567.5", 7), Some(("1234568".to_owned(), 7)));
        assert_eq!(significant("0.00099", 1), Some(("1".to_owned(), -2)));
    }
}
