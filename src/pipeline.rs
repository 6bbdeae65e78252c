//! `imgforge.yml`: what the CI job is to do. Read whole and checked whole, so that one run tells every mistake.

use crate::build::OnFailure;
use crate::lint::{Level, Switch};
use crate::version::{TagTemplate, Version};
use crate::yaml::{self, Kind, Node};
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::source::{FileId, Span, Spanned};
use imgforge_template::suggest;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// A checked pipeline. All paths are relative to the folder of the file.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// In the order of the file.
    pub images: Vec<Image>,
    pub default_branch: Option<String>,
    /// `{image}` stands for the image's name.
    pub manifest: String,
    /// The checks of all templates at other levels.
    pub lints: Vec<Switch>,
}

/// One image to build.
#[derive(Clone, Debug)]
pub struct Image {
    pub name: String,
    pub template: Spanned<PathBuf>,
    pub var_files: Vec<PathBuf>,
    /// As `-var` takes them.
    pub variables: Vec<(String, String)>,
    pub only: Vec<String>,
    pub except: Vec<String>,
    /// What becomes of the artifacts of its builds when one of them fails.
    pub on_failure: OnFailure,
    pub versioning: Versioning,
}

/// How versions are counted and tagged.
#[derive(Clone, Debug)]
pub struct Versioning {
    pub initial: Version,
    pub tag: TagTemplate,
}

/// Where the manifest of an image goes if nothing else is said.
const MANIFEST: &str = "out/{image}/manifest.json";

/// Reads a pipeline. `None` after a mistake; all of them are in the diagnostics.
pub fn parse(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Option<Pipeline> {
    let root = yaml::parse(file, text, diagnostics)?;
    let mut found = Diagnostics::default();
    let pipeline = Reader { diagnostics: &mut found }.pipeline(&root);
    let sound = !found.has_errors();
    diagnostics.append(found);
    pipeline.filter(|_| sound)
}

type Members<'a> = BTreeMap<&'a str, (Span, &'a Node)>;

struct Reader<'a> {
    diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn error(&mut self, code: &'static str, message: impl Into<String>, span: Span) {
        self.diagnostics.push(Diagnostic::error(code, message).at(span));
    }

    fn wrong(&mut self, node: &Node, name: &str, wanted: &str) {
        self.error("wrong-type", format!("`{name}` takes {wanted}, not {}", node.describe()), node.span);
    }

    /// The members of a map, with unknown and repeated keys reported. `None` if it is no map.
    fn map<'n>(&mut self, node: &'n Node, name: &str, known: &[&str]) -> Option<Members<'n>> {
        let Kind::Map(members) = &node.kind else {
            self.wrong(node, name, "a map");
            return None;
        };
        let mut found = Members::new();
        for (key, value) in members {
            if !known.is_empty() && !known.contains(&key.value.as_str()) {
                let message = format!("`{name}` has no key `{}`", key.value);
                let diagnostic = Diagnostic::error("unknown-key", message).at(key.span);
                self.diagnostics.push(match suggest::closest(&key.value, known.iter().copied()) {
                    Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
                    None => diagnostic.help(format!("the keys are {}", known.join(", "))),
                });
                continue;
            }
            if let Some((first, _)) = found.get(key.value.as_str()) {
                let message = format!("the key `{}` stands here twice", key.value);
                self.diagnostics
                    .push(Diagnostic::error("duplicate-key", message).at(key.span).related(*first, "the first one"));
                continue;
            }
            found.insert(&key.value, (key.span, value));
        }
        Some(found)
    }

    fn string(&mut self, node: &Node, name: &str) -> Option<Spanned<String>> {
        if let Kind::String(text) = &node.kind {
            return Some(Spanned::new(text.clone(), node.span));
        }
        self.wrong(node, name, "a string");
        None
    }

    fn strings(&mut self, node: &Node, name: &str) -> Vec<Spanned<String>> {
        let Kind::List(elements) = &node.kind else {
            self.wrong(node, name, "a list of strings");
            return Vec::new();
        };
        elements.iter().filter_map(|element| self.string(element, name)).collect()
    }

    fn pipeline(&mut self, root: &Node) -> Option<Pipeline> {
        let known = ["version", "default_branch", "defaults", "images", "versioning", "publish", "lint"];
        let members = self.map(root, "imgforge.yml", &known)?;
        match members.get("version") {
            Some((_, Node { kind: Kind::Number(number), .. })) if number == "1" => {}
            Some((_, node)) => {
                self.error("unsupported-version", "this version of imgforge reads `version: 1`", node.span);
            }
            None => {
                let start = Span { end: root.span.start, ..root.span };
                self.diagnostics.push(
                    Diagnostic::error("missing-key", "`version` is missing").at(start).help("begin with `version: 1`"),
                );
            }
        }
        let versioning = members.get("versioning").map(|(_, node)| self.versioning(node, None));
        let mut defaults = versioning.unwrap_or_default();
        defaults.on_failure = members.get("defaults").and_then(|(_, node)| self.defaults(node));
        let images = match members.get("images") {
            Some((_, node)) => self.images(node, &defaults),
            None => {
                let start = Span { end: root.span.start, ..root.span };
                self.error("missing-key", "`images` is missing: there is nothing to build", start);
                Vec::new()
            }
        };
        let manifest = members.get("publish").and_then(|(_, node)| self.publish(node));
        let default_branch = members.get("default_branch").and_then(|(_, node)| self.string(node, "default_branch"));
        let lints = members.get("lint").map(|(_, node)| self.lints(node)).unwrap_or_default();
        Some(Pipeline {
            lints,
            images,
            default_branch: default_branch.map(|branch| branch.value),
            manifest: manifest.unwrap_or_else(|| MANIFEST.to_owned()),
        })
    }

    fn defaults(&mut self, node: &Node) -> Option<OnFailure> {
        let members = self.map(node, "defaults", &["on_failure"])?;
        members.get("on_failure").and_then(|(_, node)| self.on_failure(node))
    }

    fn on_failure(&mut self, node: &Node) -> Option<OnFailure> {
        let text = self.string(node, "on_failure")?;
        match text.value.as_str() {
            "keep" => Some(OnFailure::Keep),
            "cleanup" => Some(OnFailure::Cleanup),
            _ => {
                self.error("invalid-value", "`on_failure` is `keep` or `cleanup`", text.span);
                None
            }
        }
    }

    fn lints(&mut self, node: &Node) -> Vec<Switch> {
        let Some(members) = self.map(node, "lint", &[]) else { return Vec::new() };
        let mut members: Vec<_> = members.into_iter().collect();
        // The last switch wins, and one check is more than all of them.
        members.sort_by_key(|(code, (span, _))| (*code != Switch::ALL, span.start));
        let mut switches = Vec::new();
        for (code, (span, node)) in members {
            // YAML's word for it is no text.
            let level = match &node.kind {
                Kind::Bool(false) => Ok(Level::Off),
                Kind::String(text) => Level::parse(text),
                _ => Err(format!("a level is `off`, `warning` or `error`, not {}", node.describe())),
            };
            match (Switch::new(code, Level::Off), level) {
                (Ok(_), Ok(level)) => switches.extend(Switch::new(code, level)),
                (Err(why), _) => self.error("unknown-lint", why, span),
                (_, Err(why)) => self.error("invalid-value", why, node.span),
            }
        }
        switches
    }

    fn images(&mut self, node: &Node, defaults: &Given) -> Vec<Image> {
        let Some(members) = self.map(node, "images", &[]) else { return Vec::new() };
        if members.is_empty() {
            self.error("missing-key", "`images` is empty: there is nothing to build", node.span);
        }
        let mut images: Vec<_> = members.into_iter().collect();
        images.sort_by_key(|(_, (span, _))| span.start);
        let images = images.into_iter().filter_map(|(name, (span, node))| self.image(name, span, node, defaults));
        let images: Vec<_> = images.collect();
        for (index, (image, place)) in images.iter().enumerate() {
            let tags = |image: &Image| image.versioning.tag.of_image(&image.name);
            let earlier = images.iter().take(index).find(|(other, _)| tags(other) == tags(image));
            // One of the two says how its tags are called, or they would be called by their names.
            if let Some((other, other_place)) = earlier
                && let Some(place) = place.or(*other_place)
            {
                let message = format!("`{}` and `{}` would have the same tags", other.name, image.name);
                let diagnostic = Diagnostic::error("shared-tag", message).at(place);
                self.diagnostics.push(diagnostic.help("put `{image}` into the tag"));
            }
        }
        images.into_iter().map(|(image, _)| image).collect()
    }

    /// The image, and the place that says how its tags are called.
    fn image(&mut self, name: &str, span: Span, node: &Node, defaults: &Given) -> Option<(Image, Option<Span>)> {
        if !is_name(name) {
            self.diagnostics.push(
                Diagnostic::error("invalid-name", format!("`{name}` can't be the name of an image"))
                    .at(span)
                    .help("names begin with a letter and have up to 40 of a-z, 0-9 and -, so that they fit git tags and clouds"),
            );
        }
        let known = ["template", "var_files", "vars", "only", "except", "on_failure", "versioning"];
        let members = self.map(node, &format!("images.{name}"), &known)?;
        let mut list = |key: &str| {
            let list = members.get(key).map(|(_, node)| self.strings(node, key)).unwrap_or_default();
            list.into_iter().map(|text| text.value).collect::<Vec<_>>()
        };
        let (var_files, only, except) = (list("var_files"), list("only"), list("except"));
        let variables = members.get("vars").map(|(_, node)| self.variables(node)).unwrap_or_default();
        let given = members.get("versioning").map(|(_, node)| self.versioning(node, Some(name)));
        let given = given.unwrap_or_default();
        let on_failure = members.get("on_failure").and_then(|(_, node)| self.on_failure(node));
        let template = match members.get("template") {
            Some((_, node)) => self.string(node, "template")?,
            None => {
                self.diagnostics.push(
                    Diagnostic::error("missing-key", format!("the image `{name}` has no `template`"))
                        .at(span)
                        .help("say which template it is built from: `template: image.pkr.hcl`"),
                );
                return None;
            }
        };
        let tag = given.tag.as_ref().or(defaults.tag.as_ref());
        let image = Image {
            name: name.to_owned(),
            template: Spanned::new(PathBuf::from(template.value), template.span),
            var_files: var_files.into_iter().map(PathBuf::from).collect(),
            variables,
            only,
            except,
            // A version is of all that its builds make.
            on_failure: on_failure.or(defaults.on_failure).unwrap_or(OnFailure::Cleanup),
            versioning: Versioning {
                initial: given.initial.or(defaults.initial).unwrap_or(Version { major: 0, minor: 1, patch: 0 }),
                tag: tag.map(|tag| tag.value.clone()).unwrap_or_default(),
            },
        };
        Some((image, tag.map(|tag| tag.span)))
    }

    fn variables(&mut self, node: &Node) -> Vec<(String, String)> {
        let Some(members) = self.map(node, "vars", &[]) else { return Vec::new() };
        let values = members.into_iter().filter_map(|(name, (_, value))| {
            if matches!(value.kind, Kind::Null) {
                self.error("wrong-type", format!("the variable `{name}` has no value"), value.span);
                return None;
            }
            // Text is taken as it is; in lists and maps it stands in the syntax of the template.
            let text = match &value.kind {
                Kind::String(text) | Kind::Number(text) => text.clone(),
                _ => expression(value),
            };
            Some((name.to_owned(), text))
        });
        values.collect()
    }

    fn versioning(&mut self, node: &Node, image: Option<&str>) -> Given {
        let mut given = Given::default();
        let Some(members) = self.map(node, "versioning", &["initial", "tag"]) else { return given };
        if let Some((_, node)) = members.get("initial") {
            let text = match &node.kind {
                Kind::String(text) | Kind::Number(text) => text.as_str(),
                _ => "",
            };
            given.initial = Version::parse(text);
            if given.initial.is_none() {
                self.error("invalid-value", "`initial` is a version of three numbers, such as 0.1.0", node.span);
            }
        }
        if let Some(text) = members.get("tag").and_then(|(_, node)| self.string(node, "tag")) {
            match TagTemplate::parse(&text.value, image.is_some()) {
                Ok(tag) => given.tag = Some(Spanned::new(tag, text.span)),
                Err(why) => self.error("invalid-value", why, text.span),
            }
        }
        given
    }

    fn publish(&mut self, node: &Node) -> Option<String> {
        let members = self.map(node, "publish", &["manifest"])?;
        let (_, manifest) = members.get("manifest")?;
        let members = self.map(manifest, "publish.manifest", &["path"])?;
        let (_, path) = members.get("path")?;
        let path = self.string(path, "path")?;
        let inside = |component: Component<'_>| matches!(component, Component::Normal(_) | Component::CurDir);
        if !Path::new(&path.value).components().all(inside) {
            self.error(
                "invalid-value",
                "the manifest must stay inside the repository: a relative path without `..`",
                path.span,
            );
        } else if !path.value.contains("{image}") {
            self.error(
                "invalid-value",
                "the path needs `{image}`, so that images don't overwrite each other's manifest",
                path.span,
            );
        } else if path.value.replace("{image}", "").contains(['{', '}']) {
            self.error("invalid-value", "the only field of a manifest's path is `{image}`", path.span);
        }
        Some(path.value)
    }
}

/// What is said of all images, or of one; the rest comes from further out.
#[derive(Default)]
struct Given {
    on_failure: Option<OnFailure>,
    initial: Option<Version>,
    tag: Option<Spanned<TagTemplate>>,
}

/// Names become parts of git refs, file names and, later, names in clouds.
fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_lowercase())
        && characters.all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-')
        && name.len() <= 40
}

/// A value in the syntax of HCL2, as `-var` takes lists and maps.
fn expression(node: &Node) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string().replace("${", "$${").replace("%{", "%%{");
    match &node.kind {
        Kind::Null => "null".to_owned(),
        Kind::Bool(value) => value.to_string(),
        // What only YAML takes for a number, such as `0x1F`, goes as text.
        Kind::Number(number) if serde_json::from_str::<serde_json::Number>(number).is_ok() => number.clone(),
        Kind::Number(value) | Kind::String(value) => text(value),
        Kind::List(elements) => {
            format!("[{}]", elements.iter().map(expression).collect::<Vec<_>>().join(", "))
        }
        Kind::Map(members) => {
            let members = members.iter().map(|(key, value)| format!("{} = {}", text(&key.value), expression(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use imgforge_template::source::{Origin, Sources};

    fn read(text: &str) -> (Option<Pipeline>, Vec<String>) {
        let sources = Sources::default();
        let file = sources.add("imgforge.yml", Origin::File, text);
        let mut diagnostics = Diagnostics::default();
        let pipeline = parse(file, text, &mut diagnostics);
        let told = diagnostics.into_sorted().into_iter().map(|diagnostic| {
            let place = diagnostic.primary.map_or("-".to_owned(), |label| {
                let position = sources.position(label.span.file, label.span.start);
                format!("{}:{} `{}`", position.line, position.column, sources.slice(label.span))
            });
            let help = diagnostic.help.map(|help| format!(" ({help})")).unwrap_or_default();
            format!("{place} {}: {}{help}", diagnostic.code, diagnostic.message)
        });
        (pipeline, told.collect())
    }

    #[test]
    fn a_small_pipeline_has_sane_defaults() {
        let text = "version: 1\nimages:\n  web:\n    template: web.pkr.hcl\n    vars: {size: 10, name: a b, on: true, list: [a, 1]}\n";
        let (pipeline, told) = read(text);
        assert_eq!(told, Vec::<String>::new());
        let pipeline = pipeline.unwrap();
        let image = &pipeline.images[0];
        assert_eq!(image.name, "web");
        let variables: Vec<(&str, &str)> =
            image.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(variables, [("list", "[\"a\", 1]"), ("name", "a b"), ("on", "true"), ("size", "10")]);
        assert_eq!(image.versioning.tag.render("web", Version { major: 0, minor: 1, patch: 0 }), "images/web/v0.1.0");
        assert_eq!(pipeline.manifest, "out/{image}/manifest.json");
    }

    #[test]
    fn every_mistake_is_told_at_its_place() {
        let text = "\
version: 2
imags: {}
images:
  Web:
    template: [x]
    vars: text
  db:
    templat: db.json
    versioning: { initial: 1, tag: no-version }
  db:
    template: x
publish:
  manifest: { path: ../manifest.json }
";
        let (pipeline, told) = read(text);
        assert!(pipeline.is_none());
        assert_eq!(
            told,
            [
                "1:10 `2` unsupported-version: this version of imgforge reads `version: 1`",
                "2:1 `imags` unknown-key: `imgforge.yml` has no key `imags` (did you mean `images`?)",
                "4:3 `Web` invalid-name: `Web` can't be the name of an image (names begin with a letter and have up to 40 of a-z, 0-9 and -, so that they fit git tags and clouds)",
                "5:15 `[` wrong-type: `template` takes a string, not a list",
                "6:11 `text` wrong-type: `vars` takes a map, not a string",
                "7:3 `db` missing-key: the image `db` has no `template` (say which template it is built from: `template: image.pkr.hcl`)",
                "8:5 `templat` unknown-key: `images.db` has no key `templat` (did you mean `template`?)",
                "9:28 `1` invalid-value: `initial` is a version of three numbers, such as 0.1.0",
                "9:36 `no-version` invalid-value: a tag needs `{version}`, as in `images/{image}/v{version}`",
                "10:3 `db` duplicate-key: the key `db` stands here twice",
                "13:21 `../manifest.json` invalid-value: the manifest must stay inside the repository: a relative path without `..`",
            ]
        );
    }

    #[test]
    fn images_do_not_share_tags() {
        let own = "versioning: { tag: \"v{version}\" }";
        let text = format!("version: 1\nimages:\n  a:\n    template: a\n    {own}\n  b:\n    template: b\n    {own}\n");
        let (pipeline, told) = read(&text);
        assert!(pipeline.is_none());
        assert_eq!(
            told,
            ["8:24 `\"v{version}\"` shared-tag: `a` and `b` would have the same tags (put `{image}` into the tag)"]
        );
        let stolen = "version: 1\nimages:\n  a: { template: a, versioning: { tag: \"images/b/v{version}\" } }\n  b: { template: b }\n";
        assert_eq!(
            read(stolen).1,
            [
                "3:40 `\"images/b/v{version}\"` shared-tag: `a` and `b` would have the same tags (put `{image}` into the tag)"
            ]
        );
        let one = format!("version: 1\nimages:\n  a:\n    template: a\n    {own}\n  b: {{ template: b }}\n");
        assert_eq!(read(&one).1, Vec::<String>::new());
    }

    #[test]
    fn values_go_as_they_are_written() {
        let vars = "{a: yes, b: 1.10, c: 0x1F, d: [1.5, 0x1F, +1, no]}";
        let (pipeline, told) = read(&format!("version: 1\nimages: {{a: {{template: a, vars: {vars}}}}}\n"));
        assert_eq!(told, Vec::<String>::new());
        let image = pipeline.unwrap().images.remove(0);
        let values: Vec<&str> = image.variables.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["yes", "1.10", "0x1F", "[1.5, \"0x1F\", \"+1\", \"no\"]"]);
    }

    #[test]
    fn what_a_failure_does_is_said_of_all_images_or_of_one() {
        let text = "version: 1\ndefaults: {on_failure: keep}\nimages:\n  a: {template: a}\n  b: {template: b, on_failure: cleanup}\n";
        let on_failure = |text: &str| {
            let images = read(text).0.unwrap().images;
            images.into_iter().map(|image| image.on_failure).collect::<Vec<_>>()
        };
        assert_eq!(on_failure(text), [OnFailure::Keep, OnFailure::Cleanup]);
        assert_eq!(on_failure("version: 1\nimages:\n  a: {template: a}\n"), [OnFailure::Cleanup]);
        let text = "version: 1\ndefaults: {on_failur: keep}\nimages:\n  a: {template: a, on_failure: abort}\n  b: {template: b, on_failure: true}\n";
        assert_eq!(
            read(text).1,
            [
                "2:12 `on_failur` unknown-key: `defaults` has no key `on_failur` (did you mean `on_failure`?)",
                "4:32 `abort` invalid-value: `on_failure` is `keep` or `cleanup`",
                "5:32 `true` wrong-type: `on_failure` takes a string, not true or false",
            ]
        );
    }

    #[test]
    fn broken_yaml_is_told_at_its_place() {
        let (_, told) = read("version: 1\nimages: [\n");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("yaml-syntax"), "{told:?}");
    }
}
