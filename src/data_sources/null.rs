//! `null`: gives back what it is given.

use super::{DataComponent, DataSource, ReadContext, object};
use crate::component::Component;
use anyhow::Result;
use async_trait::async_trait;
use imgforge_template::arguments;
use imgforge_template::arguments::Arguments as _;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::types::Type;
use imgforge_template::value::Value;

arguments! {
    /// What `null` takes.
    pub struct NullArguments {
        /// The text to give back.
        input: Option<String>,
    }
}

pub(super) const DATA_SOURCE: DataComponent = DataComponent {
    component: Component { name: "null", arguments: &[NullArguments::TABLE], new },
    outputs: || object([("output", Type::String)]),
};

struct Null {
    arguments: NullArguments,
}

fn new(body: &Body, diagnostics: &mut Diagnostics) -> Box<dyn DataSource> {
    let arguments = body.read(diagnostics);
    body.finish("the data source `null`", diagnostics);
    Box::new(Null { arguments })
}

#[async_trait]
impl DataSource for Null {
    async fn read(&self, _: &ReadContext) -> Result<Value> {
        let output = self.arguments.input.as_deref().unwrap_or_default();
        Ok(Value::object([("output", Value::string(output))]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripts::testing::{List, Str, World, Written};

    #[tokio::test]
    async fn the_input_comes_out() {
        let world = World::new();
        let read = async |arguments: &[_]| {
            let source = world.block(arguments).make(new);
            let value = source.read(&ReadContext::default()).await.unwrap();
            assert_eq!(value.type_of(), (DATA_SOURCE.outputs)());
            value.get("output").and_then(Value::as_str).unwrap().to_owned()
        };
        assert_eq!(read(&[("input", Str("a\nb"))]).await, "a\nb");
        assert_eq!(read(&[("input", Written::Number(1))]).await, "1");
        assert_eq!(read(&[]).await, "");
    }

    #[test]
    fn mistakes_are_shown_at_their_places() {
        let world = World::new();
        assert_eq!(
            world.block(&[("input", List(vec!["a"])), ("imput", Str("a"))]).mistakes(new),
            [
                "wrong-type at [\"a\"]: `input` takes a string, not a list",
                "unknown-argument at imput: the data source `null` has no argument `imput` (did you mean `input`?)",
            ]
        );
    }
}
