//! `breakpoint`: waits until somebody on the terminal has seen enough of the machine.

use super::Provisioner;
use crate::communicators::Communicator;
use crate::component::Component;
use crate::context::BuildContext;
use anyhow::{Result, ensure};
use async_trait::async_trait;
use imgforge_template::arguments;
use imgforge_template::arguments::Arguments as _;

arguments! {
    /// What `breakpoint` takes.
    pub struct BreakpointArguments {
        /// What it is for, said when it is reached.
        note: Option<String>,
        /// Go on without waiting.
        disable: bool = "false",
    }
}

pub(super) const PROVISIONER: Component<dyn Provisioner> = Component {
    name: "breakpoint",
    arguments: &[BreakpointArguments::TABLE],
    new: |body, diagnostics| {
        let arguments = body.read(diagnostics);
        body.finish("the provisioner `breakpoint`", diagnostics);
        Box::new(Breakpoint(arguments))
    },
};

struct Breakpoint(BreakpointArguments);

#[async_trait]
impl Provisioner for Breakpoint {
    async fn provision(&self, build: &BuildContext, _: &dyn Communicator) -> Result<()> {
        let note = self.0.note.as_deref().filter(|note| !note.is_empty());
        let note = note.map(|note| format!(" with note \"{note}\"")).unwrap_or_default();
        if self.0.disable {
            build.say(format!("Breakpoint provisioner{note} disabled; continuing..."));
            return Ok(());
        }
        build.say(format!("Pausing at breakpoint provisioner{note}."));
        let answer = build.ask("Press enter to continue. ").await;
        ensure!(
            answer.is_some(),
            "there is nobody to ask: a breakpoint needs a terminal; `disable = true` lets a build go on without one"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::communicators::none::NoCommunicator;
    use crate::scripts::testing::{Bool, Str, World};

    #[tokio::test]
    async fn a_breakpoint_that_is_disabled_asks_nobody() {
        let world = World::new();
        let block = world.block(&[("note", Str("look")), ("disable", Bool(true))]);
        let nobody = NoCommunicator { reason: "nobody is spoken to" };
        block.make(PROVISIONER.new).provision(&world.context, &nobody).await.unwrap();
        assert_eq!(world.lines(), ["Breakpoint provisioner with note \"look\" disabled; continuing..."]);
    }
}
