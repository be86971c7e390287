//! Policy components: they import nothing, can only tighten, and whatever breaks in one makes the
//! policy unsure, never sure.

use countersign_connectors::{Contributors, FaultCode, componentize_contributor, inspect_contributor};
use countersign_core::hash::Digest;
use countersign_core::policy::component::{Contributed, Contribution};
use countersign_engine::port::components::Components as _;
use countersign_tests::guests::module;
use std::sync::OnceLock;

/// A component whose behaviour is the text of the intent.
fn hostile() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        componentize_contributor(&module(
            "rust-contributor",
            "contributor_guest",
            env!("CARGO_TARGET_TMPDIR"),
        ))
        .expect("it is a policy component")
    })
}

async fn asked(contributors: &Contributors, digest: Digest, intent: &str) -> Contributed {
    contributors.contribute(digest, intent.to_owned(), "facts".to_owned()).await
}

fn contribution(id: &str, routes: &[&str]) -> Contribution {
    Contribution {
        id: id.to_owned(),
        routes: routes.iter().map(ToString::to_string).collect(),
        because: "so it is".to_owned(),
        reads: vec!["note".to_owned()],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_breaks_in_a_component_is_said_in_one_line_and_the_next_call_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let contributors = Contributors::open(folder.path(), [7; 32]).expect("it opens");
    let digest = contributors.install(hostile()).expect("it is installed");
    for (behaviour, why) in [
        ("trap", "it trapped: wasm trap: wasm `unreachable` instruction executed"),
        ("spin", "it computed for more than 50000000 units of fuel"),
        ("memory", "it wanted more than 16 MiB of memory"),
        ("error", "the text is in no language that I know"),
        (
            "flood",
            "too much data is being copied between the host and the guest: \
             fuel allocated for hostcalls has been exhausted",
        ),
    ] {
        let answer = asked(&contributors, digest, behaviour).await;
        assert_eq!(answer, Contributed::Failed(why.to_owned()), "{behaviour}");
        assert_eq!(asked(&contributors, digest, "nothing").await, Contributed::Said(Vec::new()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_can_ask_for_more_and_has_no_word_for_less() {
    let folder = tempfile::tempdir().expect("a folder");
    let contributors = Contributors::open(folder.path(), [7; 32]).expect("it opens");
    let digest = contributors.install(hostile()).expect("it is installed");
    let said = |contribution| Contributed::Said(vec![contribution]);
    assert_eq!(asked(&contributors, digest, "deny").await, said(contribution("deny", &[])));
    assert_eq!(asked(&contributors, digest, "legal").await, said(contribution("facts", &["legal"])));
    // To ask for nobody is not to approve: the empty name is a route that no policy has.
    assert_eq!(asked(&contributors, digest, "nobody").await, said(contribution("nobody", &[""])));
}

#[tokio::test]
async fn a_component_that_is_not_there_fails_and_one_that_was_installed_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let contributors = Contributors::open(folder.path(), [7; 32]).expect("it opens");
    let unknown = Digest::of(b"another");
    let why = format!("component sha256:{unknown} is not installed");
    assert_eq!(asked(&contributors, unknown, "nothing").await, Contributed::Failed(why));
    let digest = contributors.install(hostile()).expect("it is installed");
    drop(contributors);
    let contributors = Contributors::open(folder.path(), [7; 32]).expect("it opens again");
    assert!(contributors.is_installed(&digest));
    assert_eq!(asked(&contributors, digest, "nothing").await, Contributed::Said(Vec::new()));
}

#[test]
fn what_imports_anything_is_refused_at_the_door() {
    let importing = wat::parse_str(
        r#"(component (import "wasi:clocks/wall-clock@0.2.6" (instance (export "now" (func)))))"#,
    )
    .expect("it is a component");
    let refused = inspect_contributor(&importing).expect_err("it is refused");
    assert_eq!(refused.code, FaultCode::UnknownImport);
    assert!(
        refused
            .message
            .contains("imports `wasi:clocks/wall-clock@0.2.6`; a policy component imports nothing"),
        "{}",
        refused.message
    );
    let code = |bytes: &[u8]| inspect_contributor(bytes).expect_err("it is refused").code;
    assert_eq!(code(b"hello"), FaultCode::NotAComponent);
    assert_eq!(code(&hostile()[..200]), FaultCode::NotAComponent);
    let folder = tempfile::tempdir().expect("a folder");
    let contributors = Contributors::open(folder.path(), [7; 32]).expect("it opens");
    let empty = wat::parse_str("(component)").expect("it is a component");
    assert_eq!(contributors.install(&empty).expect_err("it is refused").code, FaultCode::MissingExport);
}
