use super::*;
use crate::scripts::testing::{Bool, List, Map, Str, World, Written};

const NEEDED: [(&str, Written); 3] =
    [("project_id", Str("images")), ("bucket", Str("uploads")), ("image_name", Str("web-1"))];

fn with(more: &[(&'static str, Written)]) -> Vec<(&'static str, Written)> {
    NEEDED.into_iter().chain(more.iter().cloned()).collect()
}

#[test]
fn mistakes_are_shown_at_their_places() {
    let world = World::new();
    let arguments = [
        ("project_id", Str("")),
        ("image_name", Str("Web_1")),
        ("image_labels", Map(vec![("Team", "a")])),
        ("image_architecture", Str("sparc")),
        ("image_platform_key", Str("pk.der")),
        ("iap", Bool(true)),
        ("imge_family", Str("web")),
    ];
    let mistakes = world.block(&arguments).mistakes(Import::new);
    assert_eq!(
        mistakes.iter().map(|mistake| world.without_folders(mistake)).collect::<Vec<_>>(),
        [
            "missing-argument at block: the argument `bucket` is required (add `bucket`, a string)",
            "invalid-value at \"\": `project_id` must not be empty (write its name)",
            "invalid-value at \"Web_1\": `image_name` can't be `Web_1` (it begins with a lower-case letter and has up to 63 \
             of a-z, 0-9 and `-`, which is not its end)",
            "invalid-value at { Team = \"a\", }: a label in `image_labels` can't have the key `Team` (it begins with a \
             lower-case letter and has up to 63 lower-case letters, digits, `-` and `_`)",
            "invalid-value at \"sparc\": there is no architecture `sparc` (use one of x86_64, arm64)",
            "missing-file at \"pk.der\": the key `pk.der` is not there (the path is relative to the working directory, `WORK`)",
            "ignored-argument at true: `iap` has no effect here (remove it)",
            "unknown-argument at imge_family: the post-processor `googlecompute-import` has no argument `imge_family` (did \
             you mean `image_family`?)",
        ]
    );
}

fn archive(world: &World, files: &[&str]) -> Result<PathBuf, String> {
    let artifact = Artifact { files: files.iter().map(Into::into).collect(), ..Artifact::default() };
    let found = world.block(&with(&[])).make(Import::new).archive(&artifact);
    found.map_err(|error| world.without_folders(&format!("{error:#}")))
}

#[test]
fn the_one_file_that_is_a_tar_gz_is_imported() {
    let world = World::new();
    std::fs::write(world.path("image.tar.gz"), [0x1f, 0x8b, 8]).unwrap();
    world.write("text.tar.gz", "not at all");
    assert_eq!(archive(&world, &["a.log", "image.tar.gz"]), Ok(world.path("image.tar.gz")));
    let refused = |files: &[&str]| archive(&world, files).unwrap_err();
    assert_eq!(
        refused(&["a.vmdk"]),
        "no file of the artifact ends in `.tar.gz`; `compress` makes one, and `artifice` names one"
    );
    assert_eq!(
        refused(&["image.tar.gz", "text.tar.gz"]),
        "several files of the artifact end in `.tar.gz`, and one can be imported"
    );
    assert_eq!(refused(&["text.tar.gz"]), "WORK/text.tar.gz is not compressed by gzip");
    assert_eq!(refused(&["gone.tar.gz"]), "read WORK/gone.tar.gz: No such file or directory (os error 2)");
}

#[test]
fn the_image_is_what_the_arguments_say_and_ours() {
    let world = World::new();
    let arguments = with(&[
        ("image_family", Str("web")),
        ("image_description", Str("A web server")),
        ("image_labels", Map(vec![("team", "a"), ("imgforge", "b")])),
        ("image_architecture", Str("arm64")),
        ("image_guest_os_features", List(vec!["GVNIC"])),
        ("image_storage_locations", List(vec!["eu"])),
    ]);
    let import = world.block(&arguments).make(Import::new);
    let mut request = import.request("https://storage.googleapis.com/b/o".to_owned(), &world.context).unwrap();
    let labels = std::mem::take(&mut request.labels);
    assert_eq!(labels["imgforge-run"], world.context.ledger.run());
    assert_eq!((labels["imgforge-role"].as_str(), labels["team"].as_str()), ("temp", "a"));
    assert_eq!(
        request,
        ImageRequest {
            project: "images".to_owned(),
            source: ImageSource::Archive("https://storage.googleapis.com/b/o".to_owned()),
            family: Some("web".to_owned()),
            description: "A web server".to_owned(),
            guest_os_features: vec!["GVNIC".to_owned()],
            architecture: Some("ARM64".to_owned()),
            storage_locations: vec!["eu".to_owned()],
            ..ImageRequest::default()
        }
    );
    assert_eq!(import.object_name(), "packer-import-1795382872-00000000-0000-4000-8000-000000000000.tar.gz");
}
