//! Notes every artifact in a JSON file that later jobs read.
//!
//! The file is byte for byte what Packer writes: two spaces of indentation, no newline at the end, `<`, `>` and `&`
//! as escapes, the keys in this order. Unlike Packer's, it is replaced as a whole and under a lock, so that builds
//! that end at the same time don't lose each other's entries.

use super::{InputArtifact, PostProcessor};
use crate::artifact::Artifact;
use crate::component::Component;
use crate::context::BuildContext;
use crate::scripts::{Known, value_names};
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use imgforge_ledger::Resource;
use imgforge_template::arguments;
use imgforge_template::arguments::{Arguments as _, Late};
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::gotemplate::GoContext;
use imgforge_template::source::Spanned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) const POST_PROCESSOR: Component<dyn PostProcessor> = Component {
    name: "manifest",
    arguments: &[ManifestArguments::TABLE],
    new: |body, diagnostics| Box::new(ManifestPostProcessor::new(body, diagnostics)),
};

arguments! {
    /// What `manifest` takes.
    pub struct ManifestArguments {
        /// What else to write into the entry.
        custom_data: BTreeMap<String, Late>,
        /// The manifest file, relative to the working directory.
        output: Option<Spanned<PathBuf>>,
        /// Write the names of files without their folders.
        strip_path: bool = "false",
        /// Leave out the time.
        strip_time: bool = "false",
    }
}

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    #[serde(default, deserialize_with = "null_is_default")]
    pub builds: Vec<ManifestBuild>,
    /// `PACKER_RUN_UUID` of the run that wrote the file last.
    #[serde(default, deserialize_with = "null_is_default")]
    pub last_run_uuid: String,
}

/// What came of one build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ManifestBuild {
    #[serde(deserialize_with = "null_is_default")]
    pub name: String,
    #[serde(deserialize_with = "null_is_default")]
    pub builder_type: String,
    /// Seconds since 1970; 0 is left out.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "is_zero")]
    pub build_time: i64,
    /// `null` for an artifact without files.
    pub files: Option<Vec<ManifestFile>>,
    #[serde(deserialize_with = "null_is_default")]
    pub artifact_id: String,
    #[serde(deserialize_with = "null_is_default")]
    pub packer_run_uuid: String,
    /// `null` where there is none.
    pub custom_data: Option<BTreeMap<String, String>>,
}

/// A file of an artifact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ManifestFile {
    #[serde(deserialize_with = "null_is_default")]
    pub name: String,
    /// In bytes; 0 for one that is not there any more.
    #[serde(deserialize_with = "null_is_default")]
    pub size: u64,
}

/// Go reads `null` as if the key were not there.
fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl Manifest {
    /// The manifest at a path; `None` where there is no file or, as `mktemp` makes it, an empty one. Unknown keys are
    /// dropped.
    ///
    /// # Errors
    /// When it cannot be read, or is not a manifest.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
        };
        if text.is_empty() {
            return Ok(None);
        }
        let manifest = serde_json::from_slice::<serde_json::Map<_, _>>(&text)
            .and_then(|object| serde_json::from_value(object.into()))
            .with_context(|| format!("{} is no manifest; move it away or mend it", path.display()))?;
        Ok(Some(manifest))
    }

    /// The file's text.
    ///
    /// # Errors
    /// Never for what [`Manifest::read`] gives and Rust can hold.
    pub fn to_json(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self).context("write the manifest as JSON")?;
        let mut escaped = String::with_capacity(text.len());
        // All of these can only stand inside strings.
        for letter in text.chars() {
            match letter {
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => escaped.push_str(&format!("\\u{:04x}", u32::from(letter))),
                letter => escaped.push(letter),
            }
        }
        Ok(escaped)
    }

    /// Replaces the file at a path as a whole; whoever reads it sees the old one or the new one. A new file has mode
    /// 0664 less the umask, an old one keeps its mode.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let json = self.to_json()?;
        // A link stays a link.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut new = target.clone().into_os_string();
        // One left by a crash is overwritten by the next run.
        new.push(".new");
        let (new, replaced) = (PathBuf::from(new), fs::metadata(&target).ok());
        let write = || -> std::io::Result<()> {
            let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o664).open(&new)?;
            if let Some(old) = replaced {
                file.set_permissions(fs::Permissions::from_mode(old.permissions().mode() & 0o7777))?;
            }
            file.write_all(json.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &target)
        };
        write().with_context(|| format!("write {}", path.display()))
    }

    /// Adds a build to the file at a path, after what other runs left there. With `force`, what other runs left goes.
    /// Blocks while another process or thread does the same.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is not a manifest. It is as it was then.
    pub fn append(path: &Path, build: ManifestBuild, force: bool) -> Result<()> {
        let folder = folder_of(path);
        fs::create_dir_all(folder).with_context(|| format!("make the folder {}", folder.display()))?;
        let _alone = Alone::with(folder)?;
        let run_uuid = build.packer_run_uuid.clone();
        let mut manifest = Self::read(path)?.unwrap_or_default();
        if force && manifest.last_run_uuid != run_uuid {
            manifest.builds.clear();
        }
        manifest.builds.push(build);
        manifest.last_run_uuid = run_uuid;
        manifest.write(path)
    }

    /// Takes the entries out of the file at a path that are about the same artifact as this one. A file that has no other
    /// goes; one that is not there has none. Blocks as [`Manifest::append`] does.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is not a manifest.
    pub fn withdraw(path: &Path, entry: &ManifestBuild) -> Result<()> {
        if !path.exists() {
            return Ok(());
        }
        let _alone = Alone::with(folder_of(path))?;
        let Some(mut manifest) = Self::read(path)? else { return Ok(()) };
        let before = manifest.builds.len();
        manifest.builds.retain(|build| build.about() != entry.about());
        if manifest.builds.len() == before {
            return Ok(());
        }
        match manifest.builds.last() {
            Some(last) => {
                manifest.last_run_uuid.clone_from(&last.packer_run_uuid);
                manifest.write(path)
            }
            None => fs::remove_file(path).with_context(|| format!("remove {}", path.display())),
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Nobody else writes a manifest of this folder meanwhile.
struct Alone {
    _thread: MutexGuard<'static, ()>,
    /// The system lets go of the lock when this is closed.
    _process: fs::File,
}

impl Alone {
    fn with(folder: &Path) -> Result<Self> {
        /// The lock on the folder is not to be had on every network file system; this one at least keeps the builds
        /// of one run apart.
        static WRITING: Mutex<()> = Mutex::new(());

        let thread = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let process = fs::File::open(folder).with_context(|| format!("open the folder {}", folder.display()))?;
        if let Err(error) = process.lock() {
            tracing::warn!("the folder {} cannot be locked: {error}", folder.display());
        }
        Ok(Self { _thread: thread, _process: process })
    }
}

/// The cleaner of entries; their claims have the manifest's absolute path as the name.
pub const CLEANER: &str = "manifest";

impl ManifestBuild {
    /// The entry of a build's artifact: no time, no custom data. Sizes are looked up from `directory`.
    pub fn of(
        (name, builder_type, run_uuid): (&str, &str, &str),
        artifact: &Artifact,
        directory: &Path,
        strip_path: bool,
    ) -> Self {
        let entry = |path: &PathBuf| {
            let name = if strip_path { path.file_name().map_or(path.as_path(), Path::new) } else { path };
            let size = fs::metadata(directory.join(path)).map_or(0, |status| status.len());
            ManifestFile { name: name.to_string_lossy().into_owned(), size }
        };
        Self {
            name: name.to_owned(),
            builder_type: builder_type.to_owned(),
            build_time: 0,
            files: (!artifact.files.is_empty()).then(|| artifact.files.iter().map(entry).collect()),
            artifact_id: artifact.id.clone(),
            packer_run_uuid: run_uuid.to_owned(),
            custom_data: None,
        }
    }

    /// What it is about: the run, the build, the artifact.
    fn about(&self) -> [(&'static str, &str); 4] {
        [
            ("run_uuid", &self.packer_run_uuid),
            ("name", &self.name),
            ("builder_type", &self.builder_type),
            ("artifact_id", &self.artifact_id),
        ]
    }

    /// That as the details of a claim.
    fn details(&self) -> BTreeMap<String, String> {
        self.about().into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// An entry about the same, by the details of its claim.
    pub fn of_claim(resource: &Resource) -> Self {
        let detail = |key: &str| resource.details.get(key).cloned().unwrap_or_default();
        Self {
            name: detail("name"),
            builder_type: detail("builder_type"),
            artifact_id: detail("artifact_id"),
            packer_run_uuid: detail("run_uuid"),
            ..Self::default()
        }
    }
}

struct ManifestPostProcessor {
    arguments: ManifestArguments,
    context: Arc<GoContext>,
}

impl ManifestPostProcessor {
    fn new(body: &Body, diagnostics: &mut Diagnostics) -> Self {
        let arguments: ManifestArguments = body.read(diagnostics);
        for late in arguments.custom_data.values() {
            late.check(body.context(), &value_names(body.context()), diagnostics);
        }
        if let Some(output) = arguments.output.as_ref().filter(|output| output.value.as_os_str().is_empty()) {
            diagnostics.push(
                Diagnostic::error("invalid-value", "`output` is empty")
                    .at(output.span)
                    .help("write the path of the manifest, or remove it to get `packer-manifest.json`"),
            );
        }
        body.finish("the post-processor `manifest`", diagnostics);
        Self { arguments, context: body.context().clone() }
    }
}

#[async_trait]
impl PostProcessor for ManifestPostProcessor {
    fn input_artifact(&self) -> InputArtifact {
        InputArtifact::MustKeep
    }

    async fn process(&self, build: &BuildContext, artifact: &Artifact) -> Result<Artifact> {
        let host = &self.context.host;
        let directory = host.working_directory();
        let names = (build.label.as_str(), build.builder_type.as_str(), build.run_uuid.as_str());
        let mut entry = ManifestBuild::of(names, artifact, &directory, self.arguments.strip_path);
        if !self.arguments.strip_time {
            entry.build_time = host.now();
        }
        let known = Known::new(&self.context, build, artifact.values.clone());
        let mut custom_data = BTreeMap::new();
        for (name, late) in &self.arguments.custom_data {
            let value = known.render(late).with_context(|| format!("`{name}` of `custom_data`"))?;
            custom_data.insert(name.clone(), value);
        }
        entry.custom_data = (!custom_data.is_empty()).then_some(custom_data);
        let output = match (&self.arguments.output, self.arguments.given.has("output")) {
            (Some(output), _) => directory.join(&output.value),
            (None, false) => directory.join("packer-manifest.json"),
            (None, true) => anyhow::bail!("the value of `output` is not known"),
        };
        // An artifact that goes takes its entry along.
        let name = output.to_str().context("the path of the manifest is not UTF-8")?;
        let claim = build.ledger.claim_named(CLEANER, "manifest entry", name, entry.details());
        let claim = claim.context("note the entry in the journal")?;
        let force = build.force;
        let appended = tokio::task::spawn_blocking(move || Manifest::append(&output, entry, force)).await?;
        if let Err(error) = appended {
            build.ledger.released(claim.resource()).context("write the journal")?;
            return Err(error);
        }
        let mut artifact = artifact.clone();
        artifact.claims.push(claim.resource().clone());
        Ok(artifact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cleaners::CLEANERS;
    use crate::scripts::testing::{Bool, List, Map, Str, World, Written};
    use std::os::unix::fs::symlink;

    fn artifact() -> Artifact {
        Artifact {
            builder_id: "packer.file".to_owned(),
            id: "File".to_owned(),
            files: vec!["out/a.txt".into(), "gone.txt".into()],
            values: BTreeMap::from([("ID".to_owned(), "i-<1>".to_owned())]),
            ..Artifact::default()
        }
    }

    async fn process(world: &World, arguments: &[(&str, Written)], artifact: &Artifact) -> Result<Artifact> {
        world.block(arguments).make(ManifestPostProcessor::new).process(&world.context, artifact).await
    }

    #[tokio::test]
    async fn the_file_is_byte_for_byte_what_readers_of_packer_know() {
        let world = World::new();
        world.write("out/a.txt", "hello");
        let arguments = [("custom_data", Map(vec![("tag", "a<b>&\u{2028}\t\"c\""), ("b", "")]))];
        let processed = process(&world, &arguments, &artifact()).await.unwrap();
        assert_eq!(processed, Artifact { claims: world.ledger.remaining(), ..artifact() });
        let bare = Artifact { id: "Null".to_owned(), ..Artifact::default() };
        process(&world, &[("strip_time", Bool(true))], &bare).await.unwrap();
        assert_eq!(
            world.read("packer-manifest.json"),
            r#"{
  "builds": [
    {
      "name": "web",
      "builder_type": "null",
      "build_time": 1795382872,
      "files": [
        {
          "name": "out/a.txt",
          "size": 5
        },
        {
          "name": "gone.txt",
          "size": 0
        }
      ],
      "artifact_id": "File",
      "packer_run_uuid": "run-1",
      "custom_data": {
        "b": "",
        "tag": "a\u003cb\u003e\u0026\u2028\t\"c\""
      }
    },
    {
      "name": "web",
      "builder_type": "null",
      "files": null,
      "artifact_id": "Null",
      "packer_run_uuid": "run-1",
      "custom_data": null
    }
  ],
  "last_run_uuid": "run-1"
}"#
        );
    }

    #[tokio::test]
    async fn names_lose_their_folders_but_sizes_are_those_of_the_files() {
        let world = World::new();
        world.write("out/a.txt", "hello");
        process(&world, &[("strip_path", Bool(true)), ("output", Str("deep/er/m.json"))], &artifact()).await.unwrap();
        let manifest = Manifest::read(&world.path("deep/er/m.json")).unwrap().unwrap();
        let file = |name: &str, size| ManifestFile { name: name.to_owned(), size };
        assert_eq!(manifest.builds[0].files, Some(vec![file("a.txt", 5), file("gone.txt", 0)]));
    }

    #[tokio::test]
    async fn custom_data_knows_the_values_of_the_build() {
        let world = World::new();
        let arguments = [("custom_data", Map(vec![("a", "{{ .ID }}"), ("b", "{{ build `ID` }}")]))];
        process(&world, &arguments, &artifact()).await.unwrap();
        let manifest = Manifest::read(&world.path("packer-manifest.json")).unwrap().unwrap();
        let pairs = [("a", "i-<1>"), ("b", "i-<1>")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(manifest.builds[0].custom_data, Some(BTreeMap::from(pairs)));
    }

    #[test]
    fn other_runs_are_kept_unless_forced_and_unknown_keys_go() {
        let world = World::new();
        let path = world.write(
            "m.json",
            r#"{"builds": [{"name": "old", "files": null, "custom_data": null, "x": 1}], "last_run_uuid": null, "y": 2}"#,
        );
        let build = |name: &str, run: &str| ManifestBuild {
            name: name.to_owned(),
            packer_run_uuid: run.to_owned(),
            ..ManifestBuild::default()
        };
        let names = || {
            let manifest = Manifest::read(&path).unwrap().unwrap();
            let names: Vec<String> = manifest.builds.into_iter().map(|build| build.name).collect();
            format!("{} by {}", names.join(" "), manifest.last_run_uuid)
        };
        Manifest::append(&path, build("a", "run-1"), false).unwrap();
        assert_eq!(names(), "old a by run-1");
        Manifest::append(&path, build("b", "run-2"), true).unwrap();
        Manifest::append(&path, build("c", "run-2"), true).unwrap();
        assert_eq!(names(), "b c by run-2");
    }

    #[tokio::test]
    async fn an_artifact_that_goes_takes_its_entry_along_and_the_last_one_the_file() {
        let world = World::new();
        let path = world.path("packer-manifest.json");
        let old = ManifestBuild { name: "old".to_owned(), packer_run_uuid: "run-0".to_owned(), ..Default::default() };
        Manifest::append(&path, old.clone(), false).unwrap();
        let before = world.read("packer-manifest.json");
        let image = process(&world, &[], &artifact()).await.unwrap();
        let other = Artifact { id: "Other".to_owned(), ..artifact() };
        let other = process(&world, &[], &other).await.unwrap();
        let remove = async |artifact: &Artifact| {
            CLEANERS.destroy(&artifact.claims[0], &world.context.clients).await.unwrap();
        };
        remove(&image).await;
        let left: Vec<String> =
            Manifest::read(&path).unwrap().unwrap().builds.into_iter().map(|build| build.artifact_id).collect();
        assert_eq!(left, ["", "Other"]);
        remove(&other).await;
        assert_eq!(world.read("packer-manifest.json"), before);
        remove(&other).await;
        Manifest::withdraw(&path, &old).unwrap();
        assert!(!path.exists());
        remove(&other).await;
    }

    #[test]
    fn an_empty_file_is_a_new_manifest() {
        let world = World::new();
        let path = world.write("m.json", "");
        Manifest::append(&path, ManifestBuild::default(), false).unwrap();
        assert_eq!(Manifest::read(&path).unwrap().unwrap().builds, [ManifestBuild::default()]);
    }

    #[test]
    fn what_is_no_manifest_is_left_alone() {
        let world = World::new();
        for text in [" ", "[]", "{\"builds\": {}}"] {
            let path = world.write("m.json", text);
            let error = Manifest::append(&path, ManifestBuild::default(), true).unwrap_err();
            assert_eq!(
                world.without_folders(&error.to_string()),
                "WORK/m.json is no manifest; move it away or mend it"
            );
            assert_eq!(world.read("m.json"), text);
        }
    }

    #[test]
    fn links_and_modes_survive() {
        let world = World::new();
        let path = world.write("real.json", "{}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        symlink("real.json", world.path("m.json")).unwrap();
        Manifest::append(&world.path("m.json"), ManifestBuild::default(), false).unwrap();
        assert!(fs::symlink_metadata(world.path("m.json")).unwrap().is_symlink());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Manifest::read(&path).unwrap().unwrap().builds.len(), 1);
        assert_eq!(fs::read_dir(world.directory.path()).unwrap().count(), 2);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn builds_that_end_at_once_lose_nothing() {
        let world = World::new();
        let path = world.path("m.json");
        let tasks: Vec<_> = (0..8)
            .map(|number| {
                let path = path.clone();
                tokio::task::spawn_blocking(move || {
                    for part in 0..5 {
                        let build = ManifestBuild { name: format!("{number}.{part}"), ..ManifestBuild::default() };
                        Manifest::append(&path, build, false).unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let mut names: Vec<_> =
            Manifest::read(&path).unwrap().unwrap().builds.into_iter().map(|build| build.name).collect();
        names.sort();
        let expected: Vec<_> = (0..8).flat_map(|number| (0..5).map(move |part| format!("{number}.{part}"))).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn mistakes_are_shown_at_their_places() {
        let world = World::new();
        let block = world.block(&[("output", Str("")), ("strip_path", List(vec![])), ("strip_paths", Bool(true))]);
        let mistakes = block.mistakes(ManifestPostProcessor::new);
        assert_eq!(
            mistakes[..2],
            [
                "invalid-value at \"\": `output` is empty (write the path of the manifest, or remove it to get \
                 `packer-manifest.json`)",
                "wrong-type at []: `strip_path` takes a bool, not a list",
            ]
        );
        assert!(
            mistakes[2].starts_with(
                "unknown-argument at strip_paths: the post-processor `manifest` has no argument `strip_paths`"
            ),
            "{mistakes:?}"
        );
    }
}
