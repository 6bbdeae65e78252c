//! Types that only this builder's arguments have.

use imgforge_template::arguments::{Context, FromArgument};
use imgforge_template::body::Located;
use imgforge_template::diagnostic::Diagnostic;
use imgforge_template::value::{Kind, Value};
use std::fmt;

/// Declares an argument type that is one of a few words.
macro_rules! words {
    ($( $(#[doc = $doc:literal])* $name:ident { $($variant:ident = $text:literal),* $(,)? } )*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $name { $($variant),* }

        impl $name {
            const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// As the user writes it, and QEMU takes it.
            pub(super) fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.text())
            }
        }

        impl FromArgument for $name {
            const KIND: &'static str = "string";
            const WORDS: &'static [&'static str] = &[$($text),*];

            fn from_default(text: &'static str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.text() == text)
            }

            fn placeholder() -> Self {
                Self::ALL[0]
            }

            fn from_value(located: &Located<'_>, context: &mut Context<'_>) -> Option<Self> {
                let text = String::from_value(located, context)?;
                let found = Self::ALL.iter().copied().find(|word| word.text() == text);
                if found.is_none() {
                    let words: Vec<String> = Self::WORDS.iter().map(|word| format!("`{word}`")).collect();
                    let diagnostic =
                        Diagnostic::error("invalid-value", format!("`{}` can't be `{text}`", context.name))
                            .at(located.span)
                            .help(format!("use one of {}", words.join(", ")));
                    context.diagnostics.push(diagnostic);
                }
                found
            }
        }
    )*};
}

words! {
    /// Format of the disks.
    Format { Qcow2 = "qcow2", Raw = "raw" }
    /// How the guest sees its disks.
    Interface {
        Virtio = "virtio", VirtioScsi = "virtio-scsi", Ide = "ide", Sata = "sata", Scsi = "scsi", Sd = "sd",
    }
    /// QEMU's cache modes.
    Cache {
        Writeback = "writeback", Writethrough = "writethrough", None = "none", Unsafe = "unsafe",
        Directsync = "directsync",
    }
    /// What happens to blocks that the guest frees.
    Discard { Ignore = "ignore", Unmap = "unmap" }
    /// What happens to zeroes that the guest writes.
    DetectZeroes { Off = "off", On = "on", Unmap = "unmap" }
    /// What runs the guest's instructions.
    Accelerator {
        None = "none", Kvm = "kvm", Tcg = "tcg", Xen = "xen", Hax = "hax", Hvf = "hvf", Whpx = "whpx",
    }
}

/// The virtual size of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DiskSize {
    /// As `qemu-img` takes it, always with a unit: `40960M`.
    pub text: String,
    pub bytes: u64,
}

impl DiskSize {
    /// The size of a disk whose user wrote none, an empty one or 0.
    const DEFAULT: &'static str = "40960M";

    /// Digits and one of the units b, k, m, g and t; without a unit they are MiB.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = if matches!(text, "" | "0") { Self::DEFAULT } else { text };
        let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let unit = match text.get(digits.len()..)?.to_ascii_lowercase().as_str() {
            "b" => 1,
            "k" => 1 << 10,
            "" | "m" => 1 << 20,
            "g" => 1 << 30,
            "t" => 1_u64 << 40,
            _ => return None,
        };
        let bytes = digits.parse::<u64>().ok()?.checked_mul(unit)?;
        let text = if digits.len() == text.len() { format!("{text}M") } else { text.to_owned() };
        Some(Self { text, bytes })
    }
}

impl FromArgument for DiskSize {
    const KIND: &'static str = "string";

    fn from_default(text: &'static str) -> Option<Self> {
        Self::parse(text)
    }

    fn placeholder() -> Self {
        Self { text: Self::DEFAULT.to_owned(), bytes: 0 }
    }

    fn from_value(located: &Located<'_>, context: &mut Context<'_>) -> Option<Self> {
        let text = String::from_value(located, context)?;
        let size = Self::parse(&text);
        if size.is_none() {
            let message = format!("`{}` is not a size: `{text}`", context.name);
            let help = "write digits and one of the units `b`, `k`, `M`, `G`, `T`, for example `40G`";
            context.diagnostics.push(Diagnostic::error("invalid-value", message).at(located.span).help(help));
        }
        size
    }
}

/// The block `qemu_img_args`: what is added to calls of `qemu-img`, after its command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ImageArguments {
    pub convert: Vec<String>,
    pub create: Vec<String>,
    pub resize: Vec<String>,
}

impl FromArgument for ImageArguments {
    const KIND: &'static str = "object({ convert = list(string), create = list(string), resize = list(string) })";
    const IS_OPTIONAL: bool = true;

    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn placeholder() -> Self {
        Self::default()
    }

    fn from_value(located: &Located<'_>, context: &mut Context<'_>) -> Option<Self> {
        // A block comes as a list of one object, an object in JSON as itself.
        let object = match &located.value.kind {
            Kind::Unknown(_) => return None,
            Kind::List(_, blocks) | Kind::Tuple(blocks) if blocks.len() == 1 => blocks.first().map(|block| &block.kind),
            kind => Some(kind),
        };
        let mut wrong = |message: String, help: &str| {
            context.diagnostics.push(Diagnostic::error("wrong-type", message).at(located.span).help(help));
            None
        };
        let Some(Kind::Object(members) | Kind::Map(_, members)) = object else {
            return wrong(
                format!("`{}` takes one block with lists of arguments", context.name),
                "write `qemu_img_args { convert = [\"-o\", \"preallocation=off\"] }`",
            );
        };
        let mut read = Self::default();
        for (name, value) in members.iter() {
            let list = match &**name {
                "convert" => &mut read.convert,
                "create" => &mut read.create,
                "resize" => &mut read.resize,
                other => {
                    return wrong(
                        format!("`qemu_img_args` has no argument `{other}`"),
                        "it has `convert`, `create` and `resize`",
                    );
                }
            };
            match strings(value) {
                Strings::Known(strings) => *list = strings,
                Strings::Unknown => return None,
                Strings::Wrong => {
                    return wrong(
                        format!("`{name}` in `qemu_img_args` takes a list(string)"),
                        "write each argument as a string of its own: `[\"-o\", \"preallocation=off\"]`",
                    );
                }
            }
        }
        Some(read)
    }
}

enum Strings {
    Known(Vec<String>),
    Unknown,
    Wrong,
}

fn strings(value: &Value) -> Strings {
    let values = match &value.kind {
        Kind::Null(_) => return Strings::Known(Vec::new()),
        Kind::Unknown(_) => return Strings::Unknown,
        Kind::List(_, values) | Kind::Tuple(values) | Kind::Set(_, values) => values,
        _ => return Strings::Wrong,
    };
    let mut strings = Vec::new();
    for value in values.iter() {
        match &value.kind {
            Kind::String(text) => strings.push(text.to_string()),
            Kind::Number(number) => strings.push(number.to_string()),
            Kind::Unknown(_) => return Strings::Unknown,
            _ => return Strings::Wrong,
        }
    }
    Strings::Known(strings)
}

#[cfg(test)]
mod tests {
    use super::DiskSize;

    #[test]
    fn sizes_have_a_unit_of_one_letter_or_are_mebibytes() {
        let size = |text| DiskSize::parse(text).map(|size| (size.text, size.bytes));
        assert_eq!(size("8G"), Some(("8G".to_owned(), 8 << 30)));
        assert_eq!(size("512b"), Some(("512b".to_owned(), 512)));
        assert_eq!(size("10"), Some(("10M".to_owned(), 10 << 20)));
        for unset in ["", "0"] {
            assert_eq!(size(unset), Some(("40960M".to_owned(), 40960 << 20)));
        }
        for wrong in ["8GB", "G", "8 G", "-1G", "1.5G", "99999999999999999999T", "16777216T", "8é", "é"] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
    }
}
