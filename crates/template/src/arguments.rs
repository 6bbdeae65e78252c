//! The arguments of a component as a Rust struct: what [`arguments!`](crate::arguments!) makes and reads.
//!
//! One declaration gives the struct, the table that `schema` prints and checks, and the reading with all mistakes
//! at once. See `src/provisioners/` in the main package for how it looks in use.

mod block;
mod collections;
mod late;

pub use block::{Block, Blocks};
pub use collections::ListElement;
pub use late::Late;

use crate::body::{Body, Located};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::duration;
use crate::gotemplate::{self, Fields, GoTemplate};
use crate::number::Number;
use crate::source::{Span, Spanned};
use crate::value::Kind;
use crate::weak;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// One row of a component's table of arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    pub name: &'static str,
    /// In the words of HCL2 types: `string`, `list(string)`, …; `block` or `blocks` where it has arguments itself.
    pub kind: &'static str,
    /// The arguments of a block; else empty.
    pub fields: &'static [Argument],
    pub required: bool,
    /// All that it can be, where that is a few words; else empty.
    pub words: &'static [&'static str],
    /// Whether Go templates in it are rendered only when its step runs.
    pub is_late: bool,
    /// As the user would write it in a string; `None` where leaving it out means "not set".
    pub default: Option<&'static str>,
    /// Which others must not be given beside it; said of one of the two.
    pub excludes: &'static [&'static str],
    /// What it is called now, if this is an old name.
    pub renamed: Option<&'static str>,
    pub help: &'static str,
}

/// A struct made by [`arguments!`](crate::arguments!).
pub trait Arguments: Sized {
    const TABLE: &'static [Argument];

    /// Reads every field; mistakes are in the reader's diagnostics, and the fields they concern hold placeholders.
    fn read(reader: &mut Reader<'_>) -> Self;
}

/// Which arguments the user gave, and where. An argument whose value is unknown or wrong counts as given, so that
/// checks like "one of the two is needed" say nothing about it.
#[derive(Clone, Debug, Default)]
pub struct Given {
    spans: BTreeMap<&'static str, Span>,
    /// Those of the above whose value is not known: it may turn out to be null, and then they were not given.
    unknown: BTreeSet<&'static str>,
    /// Lists without an element.
    empty: BTreeSet<&'static str>,
}

impl Given {
    /// Where the value of an argument stands.
    pub fn span(&self, name: &str) -> Option<Span> {
        self.spans.get(name).copied()
    }

    pub fn has(&self, name: &str) -> bool {
        self.spans.contains_key(name)
    }

    /// Whether its value is not known yet, so that it may not be given in the end. Who finds that two arguments exclude
    /// each other asks for this.
    pub fn is_unknown(&self, name: &str) -> bool {
        self.unknown.contains(name)
    }

    /// Whether it is a list without an element. What was read may lack those that are not known yet.
    pub fn is_empty(&self, name: &str) -> bool {
        self.empty.contains(name)
    }
}

/// Reads the fields of one struct from a body.
pub struct Reader<'a> {
    body: &'a Body,
    diagnostics: &'a mut Diagnostics,
    given: Given,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(body: &'a Body, diagnostics: &'a mut Diagnostics) -> Self {
        Self { body, diagnostics, given: Given::default() }
    }

    /// The value of one argument: what was written, else the default, else what the type says of absence, else an error.
    pub fn argument<T: FromArgument>(&mut self, name: &'static str, default: Option<&'static str>) -> T {
        let absent = || default.and_then(T::from_default).or_else(T::absent);
        let Some((key, located)) = self.body.take(name) else {
            return absent().unwrap_or_else(|| {
                self.diagnostics.push(
                    Diagnostic::error("missing-argument", format!("the argument `{name}` is required"))
                        .at(self.body.header())
                        .help(format!("add `{name}`, a {}", T::KIND)),
                );
                T::placeholder()
            });
        };
        let span = located.span;
        if located.is_null() {
            // A null argument is one that was not set, as in HCL2 everywhere.
            if let Some(value) = absent() {
                return value;
            }
            self.diagnostics.push(
                Diagnostic::error(
                    "missing-argument",
                    format!("the argument `{name}` is required and must not be null"),
                )
                .at(span)
                .related(key, "set here"),
            );
            return T::placeholder();
        }
        self.given.spans.insert(name, span);
        if located.is_unknown() {
            self.given.unknown.insert(name);
        }
        if located.elements().is_some_and(|elements| elements.is_empty()) {
            self.given.empty.insert(name);
        }
        let mut context = Context { name, body: self.body, diagnostics: self.diagnostics };
        T::from_value(&located, &mut context).or_else(absent).unwrap_or_else(T::placeholder)
    }

    /// Which arguments were given; used once all are read.
    pub fn take_given(&mut self) -> Given {
        std::mem::take(&mut self.given)
    }
}

/// What reading one value may use.
pub struct Context<'a> {
    /// The argument being read.
    pub name: &'static str,
    pub body: &'a Body,
    pub diagnostics: &'a mut Diagnostics,
}

impl Context<'_> {
    fn wrong_type(&mut self, located: &Located<'_>, expected: &str) {
        self.diagnostics.push(located.wrong_type(self.name, expected));
    }

    fn invalid(&mut self, located: &Located<'_>, why: &str) {
        let message = format!("`{}` {why}", self.name);
        self.diagnostics.push(Diagnostic::error("invalid-value", message).at(located.span));
    }
}

/// A type that an argument can have.
pub trait FromArgument: Sized {
    /// In the words of HCL2 types.
    const KIND: &'static str;
    /// Whether an argument of this type may be left out without a default.
    const IS_OPTIONAL: bool = false;
    /// All that it can be, where that is a few words.
    const WORDS: &'static [&'static str] = &[];
    /// Whether Go templates in it are rendered only when it is used.
    const IS_LATE: bool = false;
    /// The arguments of a block.
    const FIELDS: &'static [Argument] = &[];

    /// The value of an argument that was not given; `None` if it must be. Not `None` where it is optional.
    fn absent() -> Option<Self> {
        None
    }

    /// The value of a default, as the table shows it.
    fn from_default(_text: &'static str) -> Option<Self> {
        None
    }

    /// Stands in for a value that is unknown or wrong; nothing is built with it.
    fn placeholder() -> Self;

    /// `None` where the value is unknown, or wrong and reported.
    fn from_value(located: &Located<'_>, context: &mut Context<'_>) -> Option<Self>;
}

/// The text of a string, number or bool, with Go template actions rendered; `None` where it is unknown or wrong.
fn rendered(located: &Located<'_>, context: &mut Context<'_>, expected: &str) -> Option<Spanned<String>> {
    let text = match &located.value.kind {
        Kind::Unknown(_) => return None,
        Kind::String(text) => text.to_string(),
        Kind::Number(number) => number.to_string(),
        Kind::Bool(value) => value.to_string(),
        _ => {
            context.wrong_type(located, expected);
            return None;
        }
    };
    if !gotemplate::is_template(&text) {
        return Some(Spanned::new(text, located.span));
    }
    let template = GoTemplate::parse(located.text(&text), context.diagnostics);
    let text = template.render(context.body.context(), &Fields::None, context.diagnostics)?;
    Some(Spanned::new(text, located.span))
}

impl FromArgument for String {
    const KIND: &'static str = "string";

    fn from_default(text: &'static str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn placeholder() -> Self {
        Self::new()
    }

    fn from_value(located: &Located<'_>, context: &mut Context<'_>) -> Option<Self> {
        rendered(located, context, Self::KIND).map(|text| text.value)
    }
}

impl FromArgument for PathBuf {
    const KIND: &'static str = "string";

    fn from_default(text: &'static str) -> Option<Self> {
        Some(Self::from(text))
    }

    fn placeholder() -> Self {
        Self::new()
    }

    fn from_value(located: &Located<'_>, context: &mut Context<'_>) -> Option<Self> {
        rendered(located, context, Self::KIND).map(|text| Self::from(text.value))
    }
}

impl FromArgument for bool {
    const KIND: &'static str = "bool";

    fn from_default(text: &'static str) -> Option<Self> {
        text.parse().ok()
    }

    fn placeholder() -> Self {
        false
    }

    fn from_value(located: &Located<'_>, context: &mut Context<'_>) -> Option<Self> {
        let text = rendered(located, context, Self::KIND)?;
        match (text.as_str(), context.body.is_weak()) {
            ("true", _) => Some(true),
            ("false", _) => Some(false),
            // HCL2 makes a bool of these strings, but not of the numbers.
            ("1", false) if matches!(located.value.kind, Kind::String(_)) => Some(true),
            ("0", false) if matches!(located.value.kind, Kind::String(_)) => Some(false),
            (text, true) if let Some(value) = weak::bool(&located.value.kind, text) => Some(value),
            _ => {
                context.wrong_type(located, Self::KIND);
                None
            }
        }
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl FromArgument for $integer {
            const KIND: &'static str = "number";

            fn from_default(text: &'static str) -> Option<Self> {
                text.parse().ok()
            }

            fn placeholder() -> Self {
                0
            }

            fn from_value(located: &Located<'_>, context: &mut Context<'_>) -> Option<Self> {
                let mut text = rendered(located, context, Self::KIND)?;
                if context.body.is_weak() {
                    text.value = weak::integer(&located.value.kind, text.value);
                }
                if let Ok(value) = text.parse() {
                    return Some(value);
                }
                if Number::parse(&text).is_some() {
                    let (low, high) = (Self::MIN, Self::MAX);
                    context.invalid(located, &format!("must be a whole number from {low} to {high}, not {}", text.value));
                } else {
                    context.wrong_type(located, Self::KIND);
                }
                None
            }
        }
    )*};
}
integers!(u16, u32, u64, i64);

/// A Go duration (`1m30s`). Legacy JSON also has bare numbers, which are nanoseconds.
impl FromArgument for Duration {
    const KIND: &'static str = "string";

    fn from_default(text: &'static str) -> Option<Self> {
        duration::parse(text).ok().and_then(|nanoseconds| u64::try_from(nanoseconds).ok()).map(Self::from_nanos)
    }

    fn placeholder() -> Self {
        Self::ZERO
    }

    fn from_value(located: &Located<'_>, context: &mut Context<'_>) -> Option<Self> {
        let text = rendered(located, context, "duration such as `5m`")?;
        if matches!(located.value.kind, Kind::Number(_))
            && context.body.is_weak()
            && let Ok(nanoseconds) = text.parse()
        {
            return Some(Self::from_nanos(nanoseconds));
        }
        match duration::parse(&text) {
            Ok(nanoseconds) => match u64::try_from(nanoseconds) {
                Ok(nanoseconds) => Some(Self::from_nanos(nanoseconds)),
                Err(_) => {
                    context.invalid(located, "must not be negative");
                    None
                }
            },
            Err(why) => {
                context.invalid(located, &format!("is not a duration: {why}"));
                None
            }
        }
    }
}

impl<T: FromArgument> FromArgument for Option<T> {
    const KIND: &'static str = T::KIND;
    const IS_OPTIONAL: bool = true;
    const WORDS: &'static [&'static str] = T::WORDS;
    const IS_LATE: bool = T::IS_LATE;

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn placeholder() -> Self {
        None
    }

    fn from_value(located: &Located<'_>, context: &mut Context<'_>) -> Option<Self> {
        T::from_value(located, context).map(Some)
    }
}

impl<T: FromArgument> FromArgument for Spanned<T> {
    const KIND: &'static str = T::KIND;
    const WORDS: &'static [&'static str] = T::WORDS;
    const IS_LATE: bool = T::IS_LATE;

    fn placeholder() -> Self {
        // Never looked at: what needed it is reported, or its value is not known yet.
        Self::new(T::placeholder(), Span::nowhere())
    }

    fn from_value(located: &Located<'_>, context: &mut Context<'_>) -> Option<Self> {
        T::from_value(located, context).map(|value| Self::new(value, located.span))
    }
}

/// Declares the arguments of a component.
///
/// A field is required unless its type is `Option`, `Vec`, a map or a block, or it has a default, written as the user
/// would write it in a string. `#[named("…")]` says how users write a name that is none in Rust. A field `given: Given`
/// is added: which arguments were written, and where.
///
/// ```
/// use imgforge_template::arguments;
/// arguments! {
///     /// Arguments of a `sleep` block.
///     pub struct SleepArguments {
///         /// How long to wait.
///         duration: std::time::Duration = "5s",
///     }
/// }
/// # use imgforge_template::arguments::Arguments as _;
/// assert_eq!(SleepArguments::TABLE[0].default, Some("5s"));
/// ```
#[macro_export]
macro_rules! arguments {
    (
        $(#[doc = $doc:literal])*
        $visibility:vis struct $name:ident {
            $(
                $(#[doc = $help:literal])*
                $(#[excludes($($other:ident),+)])?
                $(#[renamed($new:ident)])?
                $(#[named($written:literal)])?
                $field:ident : $kind:ty $(= $default:literal)?
            ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        $visibility struct $name {
            $( $(#[doc = $help])* pub $field: $kind, )*
            /// Which arguments were written, and where.
            pub given: $crate::arguments::Given,
        }

        impl $crate::arguments::Arguments for $name {
            const TABLE: &'static [$crate::arguments::Argument] = &[
                $( $crate::arguments::Argument {
                    name: $crate::arguments!(@name $field $($written)?),
                    kind: <$kind as $crate::arguments::FromArgument>::KIND,
                    fields: <$kind as $crate::arguments::FromArgument>::FIELDS,
                    words: <$kind as $crate::arguments::FromArgument>::WORDS,
                    is_late: <$kind as $crate::arguments::FromArgument>::IS_LATE,
                    required: !<$kind as $crate::arguments::FromArgument>::IS_OPTIONAL
                        && $crate::arguments!(@is_required $($default)?),
                    default: $crate::arguments!(@default $($default)?),
                    excludes: &[$($(stringify!($other)),+)?],
                    renamed: $crate::arguments!(@renamed $($new)?),
                    help: concat!($($help),*),
                }, )*
            ];

            fn read(reader: &mut $crate::arguments::Reader<'_>) -> Self {
                $( let $field = reader.argument::<$kind>(
                    $crate::arguments!(@name $field $($written)?),
                    $crate::arguments!(@default $($default)?),
                ); )*
                Self { $( $field, )* given: reader.take_given() }
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $written:literal) => { $written };
    (@is_required) => { true };
    (@is_required $default:literal) => { false };
    (@renamed) => { None };
    (@renamed $new:ident) => { Some(stringify!($new)) };
    (@default) => { None };
    (@default $default:literal) => { Some($default) };
}
