//! The functions of Go templates in Packer: which there are, and what they take.

use std::ops::RangeInclusive;

/// What an argument has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameter {
    Text,
    Integer,
    Any,
}

/// What a function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    // Packer's own.
    Build,
    BuildName,
    BuildType,
    CleanResourceName,
    Env,
    Isotime,
    Lower,
    PackerVersion,
    Pwd,
    Replace,
    ReplaceAll,
    Sed,
    Split,
    Strftime,
    TemplateDir,
    Timestamp,
    Upper,
    User,
    Uuid,
    /// Reads a secret from a service.
    Secret(&'static str),
    // Go's own.
    And,
    Or,
    Not,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Length,
    Index,
    Slice,
    Print,
    Printf,
    Println,
    Html,
    Js,
    UrlQuery,
}

#[derive(Debug)]
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) function: Function,
    /// How many arguments it takes.
    pub(super) count: RangeInclusive<usize>,
    /// Of the arguments from the left; the last stands for all that follow.
    parameters: &'static [Parameter],
}

impl Signature {
    pub(super) fn parameter(&self, index: usize) -> Parameter {
        self.parameters.get(index).or(self.parameters.last()).copied().unwrap_or(Parameter::Any)
    }

    /// The count as words: `1 argument`, `1 or 2 arguments`, `at least 1 argument`.
    pub(super) fn wanted(&self) -> String {
        let (least, most) = (*self.count.start(), *self.count.end());
        let number = match (least, most) {
            (0, 0) => return "no arguments".to_owned(),
            (least, MANY) => format!("at least {least}"),
            (least, most) if least == most => least.to_string(),
            (least, most) if least + 1 == most => format!("{least} or {most}"),
            (least, most) => format!("{least} to {most}"),
        };
        format!("{number} argument{}", if least == 1 && matches!(most, 1 | MANY) || most == 1 { "" } else { "s" })
    }
}

const MANY: usize = usize::MAX;

pub(super) fn find(name: &str) -> Option<&'static Signature> {
    TABLE.iter().find(|signature| signature.name == name)
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|signature| signature.name)
}

const fn signature(
    name: &'static str,
    function: Function,
    count: RangeInclusive<usize>,
    parameters: &'static [Parameter],
) -> Signature {
    Signature { name, function, count, parameters }
}

const TEXT: &[Parameter] = &[Parameter::Text];
const ANY: &[Parameter] = &[Parameter::Any];

static TABLE: [Signature; 41] = [
    signature("build", Function::Build, 1..=1, TEXT),
    signature("build_name", Function::BuildName, 0..=0, ANY),
    signature("build_type", Function::BuildType, 0..=0, ANY),
    signature("clean_resource_name", Function::CleanResourceName, 1..=1, TEXT),
    signature("env", Function::Env, 1..=1, TEXT),
    signature("isotime", Function::Isotime, 0..=1, TEXT),
    signature("lower", Function::Lower, 1..=1, TEXT),
    signature("packer_version", Function::PackerVersion, 0..=0, ANY),
    signature("pwd", Function::Pwd, 0..=0, ANY),
    signature(
        "replace",
        Function::Replace,
        4..=4,
        &[Parameter::Text, Parameter::Text, Parameter::Integer, Parameter::Text],
    ),
    signature("replace_all", Function::ReplaceAll, 3..=3, TEXT),
    signature("sed", Function::Sed, 0..=MANY, ANY),
    signature("split", Function::Split, 3..=3, &[Parameter::Text, Parameter::Text, Parameter::Integer]),
    signature("strftime", Function::Strftime, 1..=1, TEXT),
    signature("template_dir", Function::TemplateDir, 0..=0, ANY),
    signature("timestamp", Function::Timestamp, 0..=0, ANY),
    signature("upper", Function::Upper, 1..=1, TEXT),
    signature("user", Function::User, 1..=1, TEXT),
    signature("uuid", Function::Uuid, 0..=0, ANY),
    signature("consul_key", Function::Secret("consul_key"), 1..=1, TEXT),
    signature("vault", Function::Secret("vault"), 2..=2, TEXT),
    signature("aws_secretsmanager", Function::Secret("aws_secretsmanager"), 1..=2, TEXT),
    signature("aws_secretsmanager_raw", Function::Secret("aws_secretsmanager_raw"), 1..=1, TEXT),
    signature("and", Function::And, 1..=MANY, ANY),
    signature("or", Function::Or, 1..=MANY, ANY),
    signature("not", Function::Not, 1..=1, ANY),
    signature("eq", Function::Equal, 2..=MANY, ANY),
    signature("ne", Function::NotEqual, 2..=2, ANY),
    signature("lt", Function::Less, 2..=2, ANY),
    signature("le", Function::LessOrEqual, 2..=2, ANY),
    signature("gt", Function::Greater, 2..=2, ANY),
    signature("ge", Function::GreaterOrEqual, 2..=2, ANY),
    signature("len", Function::Length, 1..=1, ANY),
    signature("index", Function::Index, 1..=MANY, ANY),
    signature("slice", Function::Slice, 1..=3, &[Parameter::Text, Parameter::Integer]),
    signature("print", Function::Print, 0..=MANY, ANY),
    signature("printf", Function::Printf, 1..=MANY, &[Parameter::Text, Parameter::Any]),
    signature("println", Function::Println, 0..=MANY, ANY),
    signature("html", Function::Html, 0..=MANY, ANY),
    signature("js", Function::Js, 0..=MANY, ANY),
    signature("urlquery", Function::UrlQuery, 0..=MANY, ANY),
];
