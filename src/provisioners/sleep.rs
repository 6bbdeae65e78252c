//! `sleep`: waits, for what has no event to wait for.

use super::Provisioner;
use crate::communicators::Communicator;
use crate::component::Component;
use crate::context::BuildContext;
use crate::scripts::must_be_known;
use anyhow::Result;
use async_trait::async_trait;
use imgforge_template::arguments;
use imgforge_template::arguments::Arguments as _;
use imgforge_template::diagnostic::Diagnostic;
use std::time::Duration;

arguments! {
    /// What `sleep` takes.
    pub struct SleepArguments {
        /// How long.
        duration: Option<Duration>,
    }
}

pub(super) const PROVISIONER: Component<dyn Provisioner> = Component {
    name: "sleep",
    arguments: &[SleepArguments::TABLE],
    new: |body, diagnostics| {
        let arguments: SleepArguments = body.read(diagnostics);
        if !arguments.given.has("duration") {
            diagnostics.push(
                Diagnostic::warning("nothing-to-do", "there is no `duration`: this does not wait")
                    .at(body.header())
                    .help("say how long, as in `duration = \"30s\"`"),
            );
        }
        body.finish("the provisioner `sleep`", diagnostics);
        Box::new(Sleep(arguments))
    },
};

struct Sleep(SleepArguments);

#[async_trait]
impl Provisioner for Sleep {
    async fn provision(&self, build: &BuildContext, _: &dyn Communicator) -> Result<()> {
        match self.0.duration {
            Some(duration) => build.sleep(duration).await,
            None => must_be_known("duration", &self.0.given),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::communicators::none::NoCommunicator;
    use crate::scripts::testing::{Block, Str, World};
    use std::time::Instant;

    async fn sleep(world: &World, block: &Block) -> Result<()> {
        let nobody = NoCommunicator { reason: "nobody is spoken to" };
        block.make(PROVISIONER.new).provision(&world.context, &nobody).await
    }

    #[tokio::test]
    async fn it_takes_as_long_as_it_is_told_unless_the_run_is_cancelled() {
        let world = World::new();
        let started = Instant::now();
        sleep(&world, &world.block(&[("duration", Str("30ms"))])).await.unwrap();
        assert!(started.elapsed() >= Duration::from_millis(30));
        world.context.cancel.cancel();
        sleep(&world, &world.block(&[("duration", Str("1h"))])).await.unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn mistakes_are_shown_at_their_places() {
        let world = World::new();
        let mistakes = |block: Block| block.mistakes(PROVISIONER.new);
        assert_eq!(
            mistakes(world.block(&[])),
            [
                "nothing-to-do at block: there is no `duration`: this does not wait (say how long, as in `duration = \"30s\"`)"
            ]
        );
        assert_eq!(
            mistakes(world.block(&[("duration", Str("5"))])),
            ["invalid-value at \"5\": `duration` is not a duration: a unit is missing after `5`, as in `5s`"]
        );
    }
}
