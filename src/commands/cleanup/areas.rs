//! Where a cleanup looks: what flags and a template say.

use super::{Broom, CleanupArguments};
use crate::cli::TemplateArguments;
use crate::commands::loaded::{Purpose, load};
use crate::commands::session::Session;
use crate::exit::Exit;
use crate::host::LocalHost;
use crate::sweepers::{Area, BUCKETS};
use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::host::Host;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The flags that say where to look. With them alone the credentials are those of the environment.
#[derive(Args, Debug, Default)]
pub struct AreaArguments {
    /// Look in this project of Google Cloud; may be given many times
    #[arg(long = "gce-project", value_name = "PROJECT")]
    pub gce_projects: Vec<String>,
    /// Look in this bucket of Google Cloud too, at objects whose names begin so; may be given many times
    #[arg(long = "gce-bucket", value_name = "BUCKET[/PREFIX]")]
    pub gce_buckets: Vec<String>,
    /// The address of a service of Google Cloud, as in a template's `custom_endpoints`; may be given many times
    #[arg(long = "gce-endpoint", value_name = "KEY=ADDRESS", value_parser = endpoint)]
    pub gce_endpoints: Vec<(String, String)>,
}

fn endpoint(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, address)) if !key.is_empty() && !address.is_empty() => Ok((key.to_owned(), address.to_owned())),
        _ => Err("write it as KEY=ADDRESS".to_owned()),
    }
}

/// The sweeper of Google Cloud, if there is one.
const GCE: &str = "gce";

impl AreaArguments {
    fn is_given(&self) -> bool {
        !(self.gce_projects.is_empty() && self.gce_buckets.is_empty() && self.gce_endpoints.is_empty())
    }

    fn areas(&self) -> Result<Vec<Area>> {
        if self.gce_projects.is_empty() && self.is_given() {
            anyhow::bail!("`--gce-bucket` and `--gce-endpoint` go with `--gce-project`");
        }
        let mut details: BTreeMap<String, String> = BTreeMap::new();
        details.extend(self.gce_endpoints.iter().map(|(key, address)| (format!("endpoint.{key}"), address.clone())));
        if !self.gce_buckets.is_empty() {
            details.insert(BUCKETS.to_owned(), self.gce_buckets.join("\n"));
        }
        let area = |project: &String| {
            let project = [("project".to_owned(), project.clone())];
            Area { sweeper: GCE, details: details.clone().into_iter().chain(project).collect() }
        };
        Ok(self.gce_projects.iter().map(area).collect())
    }
}

/// All that is to be looked through.
///
/// # Errors
/// How the command ends where that can't be told, which has been said then.
pub(super) async fn areas(arguments: &CleanupArguments, broom: &Broom, session: &Session) -> Result<Vec<Area>, Exit> {
    let refuse = |why: anyhow::Error| session.refuse(&why);
    if arguments.areas.is_given() && broom.sweepers.of(GCE).is_none() {
        return Err(refuse(anyhow!("this imgforge is built without Google Cloud: it needs the feature `{GCE}`")));
    }
    let mut areas = arguments.areas.areas().map_err(refuse)?;
    if let Some(template) = &arguments.template {
        let built = of_template(template, arguments, broom, session).await;
        let built = built.map_err(|error| error.map_or(Exit::Failed, |error| session.fail(&error)))?;
        built.into_iter().for_each(|area| area.add_to(&mut areas));
    }
    if (arguments.expired || arguments.packer_leftovers) && areas.is_empty() {
        return Err(refuse(anyhow!("say where to look: `--gce-project`, or a template with a builder for a cloud")));
    }
    Ok(areas)
}

/// Where the builders and post-processors of a template make things. An error is none where the template's own mistakes have been told.
async fn of_template(
    template: &Path,
    arguments: &CleanupArguments,
    broom: &Broom,
    session: &Session,
) -> Result<Vec<Area>, Option<anyhow::Error>> {
    let host: Arc<dyn Host> = Arc::new(LocalHost::new().context("find the working directory")?);
    let (template, options) = (template.to_owned(), arguments.options.clone());
    let arguments = TemplateArguments { template, options, ..TemplateArguments::default() };
    let loaded = load(&arguments, Purpose::Check { read_data: false }, false, &host, session);
    if loaded.exit != Exit::Success {
        return Err(None);
    }
    let mut areas = Vec::new();
    for build in &loaded.plan.builds {
        let built = build.builder.areas(&broom.clients).await.with_context(|| build.name.clone())?;
        for planned in build.post_processors.iter().flatten() {
            // What is wrong with it has been told.
            let post_processor = planned.recipe.make(None, &mut Diagnostics::default());
            let made = post_processor.areas(&built, &broom.clients).await;
            areas.extend(made.with_context(|| format!("{}: {}", build.name, planned.recipe.component.name))?);
        }
        areas.extend(built);
    }
    Ok(areas)
}
