use super::*;
use crate::scripts::testing::{List, Map, Str, Unknown, World, Written};
use std::collections::BTreeMap;

const DESTINATION: (&str, Written) = ("destination_image", Str("gs://images/web.tar.gz"));

fn export(body: &Body, diagnostics: &mut Diagnostics) -> Box<dyn PostProcessor> {
    (POST_PROCESSOR.new)(body, diagnostics)
}

fn in_short(body: &Body, diagnostics: &mut Diagnostics) -> Box<dyn PostProcessor> {
    (IN_SHORT.new)(body, diagnostics)
}

#[test]
fn mistakes_are_shown_at_their_places() {
    let world = World::new();
    let paths = ["s3://images/web.tar.gz", "gs://Images/web.tar.gz", "gs://images/", "gs://images/a", "gs://images/a"];
    let arguments = [
        ("paths", List(paths.to_vec())),
        ("disk_size", Written::Number(0)),
        ("source_image_family", Str("Debian")),
        ("custom_endpoints", Map(vec![("compute", "127.0.0.1")])),
        ("machine", Str("n1-highcpu-4")),
    ];
    assert_eq!(
        world.block(&arguments).mistakes(export),
        [
            "invalid-value at \"s3://images/web.tar.gz\": the destination `s3://images/web.tar.gz` does not begin with \
             `gs://` (write it as `gs://BUCKET/NAME.tar.gz`)",
            "invalid-value at \"gs://Images/web.tar.gz\": the destination `gs://Images/web.tar.gz` names no bucket: these \
             have 3 characters or more of a-z, 0-9, `-`, `_` and `.` (write it as `gs://BUCKET/NAME.tar.gz`)",
            "invalid-value at \"gs://images/\": the destination `gs://images/` names no object in the bucket (write it as \
             `gs://BUCKET/NAME.tar.gz`)",
            "invalid-value at \"gs://images/a\": the destination `gs://images/a` is there twice (write it as \
             `gs://BUCKET/NAME.tar.gz`)",
            "invalid-value at 0: `disk_size` must not be 0 (leave it out)",
            "invalid-value at \"Debian\": `source_image_family` can't be `Debian` (it begins with a lower-case letter and \
             has up to 63 of a-z, 0-9 and `-`, which is not its end)",
            "invalid-value at { compute = \"127.0.0.1\", }: the address of `compute` is not one: `127.0.0.1` (write it with \
             `https://`, as `https://compute.example.org/compute/v1/`)",
            "unknown-argument at machine: the post-processor `googlecompute-export` has no argument `machine` (remove it, or \
             check the name in the component's documentation)",
        ]
    );
}

#[test]
fn a_destination_is_needed_unless_it_is_not_known_yet() {
    let world = World::new();
    let missing = |argument: &str| {
        let help = "say where the image goes: `gs://BUCKET/NAME.tar.gz`";
        [format!("missing-argument at block: the argument `{argument}` is required ({help})")]
    };
    assert_eq!(world.block(&[]).mistakes(export), missing("paths"));
    assert_eq!(world.block(&[]).mistakes(in_short), missing("destination_image"));
    assert_eq!(
        world.block(&[("paths", List(Vec::new()))]).mistakes(export),
        ["invalid-value at []: `paths` is empty (name an object: `gs://BUCKET/NAME.tar.gz`)"]
    );
    for argument in ["paths", "destination_image"] {
        assert_eq!(world.block(&[(argument, Unknown)]).mistakes(in_short), [""; 0]);
    }
    let later = List(vec!["gs://images/{{build `ID`}}.tar.gz"]);
    assert_eq!(world.block(&[("paths", later)]).mistakes(export), [""; 0]);
    let both = [DESTINATION, ("paths", List(vec!["gs://images/other.tar.gz"]))];
    assert_eq!(world.block(&both).mistakes(in_short).len(), 1);
}

async fn refusal(artifact: Artifact) -> String {
    let world = World::new();
    let post_processor = world.block(&[DESTINATION]).make(in_short);
    let error = post_processor.process(&world.context, &artifact).await.unwrap_err();
    assert_eq!(world.context.ledger.remaining(), []);
    format!("{error:#}")
}

#[tokio::test]
async fn what_is_no_image_is_refused_before_anything_is_made() {
    let files = Artifact { builder_id: "transcend.qemu".to_owned(), id: "VM".to_owned(), ..Artifact::default() };
    assert_eq!(
        refusal(files).await,
        "this is no image of Google Cloud: only what the builder `googlecompute` makes can be exported"
    );
    let unclaimed = Artifact { builder_id: BUILDER_ID.to_owned(), id: "web-1".to_owned(), ..Artifact::default() };
    assert_eq!(refusal(unclaimed).await, "the image web-1 is not one that this run has made");
}

#[test]
fn an_image_is_where_its_claim_says() {
    let world = World::new();
    let details = BTreeMap::from([("project".to_owned(), "images".to_owned())]);
    let claim = world.context.ledger.claim_named(CLEANER, kind::IMAGE, "web-1", details).unwrap();
    let artifact = Artifact {
        builder_id: BUILDER_ID.to_owned(),
        id: "web-1".to_owned(),
        values: BTreeMap::from([("BuildZone".to_owned(), "europe-west1-b".to_owned())]),
        claims: vec![claim.resource().clone()],
        ..Artifact::default()
    };
    let source = Source::of(&artifact).unwrap();
    assert_eq!(
        (source.project.as_str(), source.name.as_str(), source.zone.as_str()),
        ("images", "web-1", "europe-west1-b")
    );
}
