//! Functions that read secrets from services. What they return is sensitive, whatever their arguments are.

use super::Accepts::String as Str;
use super::{Context, Failure, Function, Parameter};
use crate::secret_store;
use crate::types::Type;
use crate::value::Value;

const NAME: Parameter = Parameter::string("name");

pub(super) const TABLE: &[Function] = &[
    // The key may be null: a secret that has one key alone needs none.
    Function::new("aws_secretsmanager", &[NAME, Parameter::string("key").nullable()], Str, |context, arguments| {
        read(context, "aws_secretsmanager", arguments)
    }),
    Function::new("aws_secretsmanager_raw", &[NAME], Str, |context, arguments| {
        read(context, "aws_secretsmanager_raw", arguments)
    }),
    Function::new("consul_key", &[Parameter::string("key")], Str, |context, arguments| {
        read(context, "consul_key", arguments)
    }),
    Function::new("vault", &[Parameter::string("path"), Parameter::string("key")], Str, |context, arguments| {
        read(context, "vault", arguments)
    }),
];

fn read(context: &Context<'_>, function: &str, arguments: &[Value]) -> Result<Value, Failure> {
    // Who only checks a template asks nobody.
    let Some(stores) = &context.scope.secrets else { return Ok(Value::unknown_of(Type::String).marked(true)) };
    let texts: Vec<&str> = arguments.iter().filter_map(Value::as_str).collect();
    match stores.read(function, &texts) {
        Ok(secret) => Ok(Value::string(secret).marked(true)),
        Err(why) => Err(Failure::new(why).code("network-function").help(secret_store::help(function))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::world::{empty, show};
    use crate::scope::Functions;
    use crate::secret_store::SecretStores;
    use std::cell::Cell;
    use std::sync::Arc;

    #[derive(Debug)]
    struct Paper;

    impl SecretStores for Paper {
        fn read(&self, function: &str, arguments: &[&str]) -> Result<String, String> {
            if arguments == ["lost"] {
                Err("the page is gone".to_owned())
            } else {
                Ok(format!("{function} {arguments:?}"))
            }
        }
    }

    #[test]
    fn secrets_come_from_those_who_bring_them_along() {
        let mut scope = empty(Functions::All);
        let call = |name: &str, arguments: &[Value], scope: &_| match super::super::find(name).unwrap().invoke(
            scope,
            arguments,
            &Cell::default(),
        ) {
            Ok(value) => show(&value),
            Err(failures) => format!("{failures:?}"),
        };
        let s = Value::string;
        assert_eq!(call("vault", &[s("a"), s("b")], &scope), "sensitive unknown string");
        scope.secrets = Some(Arc::new(Paper));
        assert_eq!(call("vault", &[s("a"), s("b")], &scope), r#"sensitive "vault [\"a\", \"b\"]""#);
        assert_eq!(call("consul_key", &[s("a")], &scope), r#"sensitive "consul_key [\"a\"]""#);
        let one = r#"sensitive "aws_secretsmanager [\"a\"]""#;
        assert_eq!(call("aws_secretsmanager", &[s("a"), Value::null(Type::Any)], &scope), one);
        assert_eq!(call("aws_secretsmanager_raw", &[Value::unknown()], &scope), "unknown string");
        let lost = "[Failure { argument: None, code: Some(\"network-function\"), message: \"the page is gone\", \
                    help: Some(\"read it with `consul kv get` in the CI job, and give it by `-var` or the environment\") }]";
        assert_eq!(call("consul_key", &[s("lost")], &scope), lost);
    }
}
