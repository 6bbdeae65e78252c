//! `googlecompute-image`: an image of Google Cloud, found by a filter.

use super::{DataComponent, DataSource, ReadContext, object};
use crate::component::Component;
use crate::google::{Explain as _, GoogleArguments, connect};
use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use imgforge_gce::Image;
use imgforge_template::arguments;
use imgforge_template::arguments::Arguments as _;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::source::Spanned;
use imgforge_template::types::Type;
use imgforge_template::value::Value;

arguments! {
    /// What `googlecompute-image` takes.
    pub struct ImageArguments {
        /// The project that has the image.
        project_id: Spanned<String>,
        /// What the image is, in the language of Google's API: `family = debian-12 AND architecture = X86_64`.
        filters: Spanned<String>,
        /// Of several take the newest.
        most_recent: bool = "false",
    }
}

pub(super) const DATA_SOURCE: DataComponent = DataComponent {
    component: Component {
        name: "googlecompute-image",
        arguments: &[ImageArguments::TABLE, GoogleArguments::TABLE],
        new: |body, diagnostics| Box::new(FoundImage::new(body, diagnostics)),
    },
    outputs: || {
        let labels = Type::map(Type::String);
        object([("id", Type::String), ("name", Type::String), ("creation_date", Type::String), ("labels", labels)])
    },
};

/// So many of those that match are named in a message.
const NAMED: usize = 5;

struct FoundImage {
    arguments: ImageArguments,
    google: GoogleArguments,
}

impl FoundImage {
    fn new(body: &Body, diagnostics: &mut Diagnostics) -> Self {
        let arguments: ImageArguments = body.read(diagnostics);
        let google: GoogleArguments = body.read(diagnostics);
        google.check(body, diagnostics);
        for (name, value, help) in [
            ("project_id", &arguments.project_id, "such as `debian-cloud`"),
            ("filters", &arguments.filters, "such as `family = debian-12`"),
        ] {
            if value.trim().is_empty()
                && arguments.given.span(name) == Some(value.span)
                && !arguments.given.is_unknown(name)
            {
                let message = format!("`{name}` must not be empty");
                diagnostics.push(Diagnostic::error("invalid-value", message).at(value.span).help(help));
            }
        }
        body.finish("the data source `googlecompute-image`", diagnostics);
        Self { arguments, google }
    }

    async fn find(&self, context: &ReadContext) -> Result<Value> {
        let (project, filter) = (&self.arguments.project_id.value, &self.arguments.filters.value);
        let google = connect(&self.google, &context.clients).await?;
        let images = google.images(project, filter).await.explain(&format!("look for images in {project}"))?;
        let image = choose(images, self.arguments.most_recent);
        let image = image.with_context(|| format!("images of {project} by `{filter}`"))?;
        let labels = image.labels.into_iter().map(|(name, value)| (name, Value::string(value)));
        Ok(Value::object([
            ("id", Value::string(image.id)),
            ("name", Value::string(image.name)),
            ("creation_date", Value::string(image.created)),
            ("labels", Value::map(Type::String, labels)),
        ]))
    }
}

/// The one that is meant.
fn choose(mut images: Vec<Image>, most_recent: bool) -> Result<Image> {
    // Times are told with an offset. What is no time is the oldest.
    images.sort_by_cached_key(|image| std::cmp::Reverse(image.created.parse::<jiff::Timestamp>().ok()));
    if images.len() > 1 && !most_recent {
        let names: Vec<&str> = images.iter().take(NAMED).map(|image| image.name.as_str()).collect();
        let more = images.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        bail!(
            "{} match: {}{more}; make the filter narrower, or set `most_recent = true`",
            images.len(),
            names.join(", ")
        );
    }
    images.into_iter().next().context("none matches")
}

#[async_trait]
impl DataSource for FoundImage {
    async fn read(&self, context: &ReadContext) -> Result<Value> {
        context.unless_cancelled(self.find(context)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripts::testing::{Map, Str, World};

    fn image(name: &str, created: &str) -> Image {
        Image { name: name.to_owned(), created: created.to_owned(), ..Image::default() }
    }

    fn chosen(images: Vec<Image>, most_recent: bool) -> String {
        choose(images, most_recent).map_or_else(|error| error.to_string(), |image| image.name)
    }

    #[test]
    fn the_newest_is_taken_whatever_the_offset_of_its_time() {
        let three = vec![
            image("old", "2026-01-02T03:04:05.000-08:00"),
            image("new", "2026-01-02T12:30:00.000+00:00"),
            image("middle", "2026-01-02T12:00:00.000Z"),
        ];
        assert_eq!(chosen(three.clone(), true), "new");
        assert_eq!(
            chosen(three, false),
            "3 match: new, middle, old; make the filter narrower, or set `most_recent = true`"
        );
        let many = (1..=7).map(|number| image(&format!("a{number}"), "")).collect();
        assert_eq!(
            chosen(many, false),
            "7 match: a1, a2, a3, a4, a5 and 2 more; make the filter narrower, or set `most_recent = true`"
        );
        assert_eq!(chosen(vec![image("one", "")], false), "one");
        assert_eq!(chosen(Vec::new(), true), "none matches");
    }

    #[test]
    fn mistakes_are_shown_at_their_places() {
        let world = World::new();
        let arguments = [
            ("project_id", Str("")),
            ("custom_endpoints", Map(vec![("comput", "http://127.0.0.1/")])),
            ("zone", Str("a")),
        ];
        assert_eq!(
            world.block(&arguments).mistakes(FoundImage::new),
            [
                "missing-argument at block: the argument `filters` is required (add `filters`, a string)",
                "invalid-value at \"\": `project_id` must not be empty (such as `debian-cloud`)",
                "invalid-value at { comput = \"http://127.0.0.1/\", }: `custom_endpoints` has no key `comput` \
                 (did you mean `compute`?)",
                "unknown-argument at zone: the data source `googlecompute-image` has no argument `zone` (remove it, or \
                 check the name in the component's documentation)",
            ]
        );
    }
}
