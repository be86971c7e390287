//! Hostile connectors: each harms nobody but itself, and the operator reads one sentence about it. And those in other
//! languages than ours.
//!
//! What a guest is denied is tried with one of every contract that the host speaks: an old one gets no further.

#[path = "guests/compiled.rs"]
mod compiled;
#[path = "guests/hooks.rs"]
mod hooks;
#[path = "guests/hot.rs"]
mod hot;
#[path = "guests/in_c.rs"]
mod in_c;
#[path = "guests/inert.rs"]
mod inert;
#[path = "guests/target.rs"]
mod target;
#[path = "guests/tokens.rs"]
mod tokens;
#[path = "guests/world.rs"]
mod world;

use countersign_connectors::{FaultCode, RawConnection, Runtime, Secret, componentize, inspect};
use countersign_core::effect::attempt::{Answer, BreakKind, Ended, Failure, Finding, Guarantee};
use countersign_core::effect::plan::Proposal;
use countersign_core::hash::Digest;
use countersign_core::id::EffectId;
use countersign_core::record::{Field, RecordRef, Value};
use countersign_core::time::Timestamp;
use countersign_engine::port::connectors::{Call, Connectors};
use countersign_tests::host::{now, resident_kib};
use countersign_tests::world::root;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use world::{MANIFEST, Notes, SECRET, World, name};

/// How a fetch ended, in one text: the break, or the failure, or `returned`.
fn told<T>(ended: Ended<T>) -> (Option<BreakKind>, String) {
    match ended {
        Ended::Returned(_) => (None, "returned".to_owned()),
        Ended::Failed(failure) => (None, format!("{}: {}", failure.detail().code, failure.detail().message)),
        Ended::Broke(broke) => (Some(broke.kind), broke.message),
    }
}

/// Behaviour, how its call ends, and what the operator reads behind the connector's name.
const BREAKS: &[(&str, BreakKind, &str)] = &[
    ("spin", BreakKind::Cpu, "computed for more than the 200 ms of its class; report it to its author"),
    ("host-calls", BreakKind::Cpu, "computed for more than the 200 ms of its class; report it to its author"),
    ("fill", BreakKind::Cpu, "computed for more than the 200 ms of its class; report it to its author"),
    (
        "memory",
        BreakKind::Memory,
        "wanted more than the 32 MiB of its class; a larger class needs a new manifest",
    ),
    // Rust keeps its own stack in linear memory; running below it is out of bounds.
    (
        "recursion",
        BreakKind::Trap,
        "trapped: wasm trap: out of bounds memory access; report it to its author",
    ),
    (
        "trap",
        BreakKind::Trap,
        "trapped: wasm trap: wasm `unreachable` instruction executed; report it to its author",
    ),
    (
        "last-words",
        BreakKind::Trap,
        "trapped: wasm trap: wasm `unreachable` instruction executed \
         (its last words: `the vendor sent a circle\\nand I fell`); report it to its author",
    ),
    ("long-text", BreakKind::BadAnswer, "the value of `text` has 307200 bytes; 262144 are allowed"),
    (
        "huge-text",
        BreakKind::BadAnswer,
        "too much data is being copied between the host and the guest: \
         fuel allocated for hostcalls has been exhausted",
    ),
    ("many-fields", BreakKind::BadAnswer, "the snapshot has 501 fields; 500 are allowed"),
    ("same-field", BreakKind::BadAnswer, "the snapshot has field `a` twice"),
    ("bad-money", BreakKind::BadAnswer, "the value of `price`: not a decimal number such as `1250.00`"),
    ("bad-utf8", BreakKind::BadAnswer, "invalid utf-8 sequence of 1 bytes from index 1"),
    ("bad-link", BreakKind::BadAnswer, "the web address is neither http nor https"),
    ("path", BreakKind::Forbidden, "tried path `/admin` at endpoint `api`, which its manifest does not list"),
    ("method", BreakKind::Forbidden, "tried DELETE at endpoint `api`, which its manifest does not list"),
    (
        "endpoint",
        BreakKind::Forbidden,
        "asked for endpoint `other`, which its manifest does not have; \
         whoever writes the connector adds `[endpoints.other]` there",
    ),
    (
        "write-as-read",
        BreakKind::Forbidden,
        "tried to POST `/v1/things` as if it read; a write needs a step, and a reading POST stands in `read-posts`",
    ),
    ("step-in-read", BreakKind::Forbidden, "tried to send step `create` in a call that may only read"),
];

/// The whole sentence of a row.
fn sentence(kind: BreakKind, what: &str) -> String {
    let who = "connector `tests.hostile` 1.0.0 on connection `hostile`";
    match kind {
        BreakKind::BadAnswer => {
            format!("{who} answered outside of the contract: {what}; report it to its author")
        }
        BreakKind::Forbidden => format!("{who} {what}; the request was not sent"),
        BreakKind::Trap | BreakKind::Cpu | BreakKind::Memory | BreakKind::Deadline => format!("{who} {what}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_breaks_ends_its_own_call_and_no_other() {
    World::each(async |world| {
        for (behaviour, kind, what) in BREAKS {
            world.target.take();
            let traps =
                format!("connector_traps_total{{connector=\"tests.hostile\",kind=\"{}\"}}", kind.as_str());
            let before = world.counted(&traps);
            let (broke, message) = told(world.fetch(behaviour).await);
            assert_eq!(world.counted(&traps), before + 1, "{behaviour} is counted");
            assert_eq!(
                (broke, message.as_str()),
                (Some(*kind), sentence(*kind, what).as_str()),
                "{behaviour}"
            );
            assert!(world.target.take().is_empty(), "{behaviour} must send nothing");
            world.assert_unharmed(behaviour).await;
        }
        world.target.take();
        let step = "tried to send step `create` in a call that may only read";
        let planned = told(world.plan("step-in-plan").await);
        assert_eq!(planned, (Some(BreakKind::Forbidden), sentence(BreakKind::Forbidden, step)));
        assert_eq!(told(world.probe("step-in-probe").await).0, Some(BreakKind::Forbidden));
        assert!(world.target.take().is_empty());
        world.assert_unharmed("step-in-plan").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_back_for_a_target_that_fails_is_said_to_be() {
    let world = World::start().await;
    let health = || world.runtime.health(&name("hostile"));
    for effect in 0..5 {
        assert_eq!(health().rests, None, "{effect} failed");
        let end = world.apply("dropped", 100 + effect, Guarantee::Blind).await;
        assert_eq!(end.held_back, None);
    }
    assert!(health().rests.is_some() && health().failing.is_some());
    let requests = |outcome| {
        world.counted(&format!("egress_requests_total{{connection=\"hostile\",outcome=\"{outcome}\"}}"))
    };
    assert_eq!(requests("unanswered"), 5);
    world.target.take();
    let end = world.apply("write", 200, Guarantee::Blind).await;
    assert!(end.held_back.is_some() && end.steps.is_empty(), "{end:?}");
    assert!(world.target.take().is_empty(), "nothing was sent");
    assert_eq!(requests("circuit-open"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_is_rotated_in_its_file_is_sent_once_it_was_read_again() {
    let world = World::start().await;
    let (file, hostile) = (world.folder.path().join("key"), name("hostile"));
    let write = |text: &str| std::fs::write(&file, text).expect("it is written");
    write("first-key");
    world.connect_with("hostile", &world.target.base, || Secret::of_file(&file));
    let sent = async || {
        world.target.take();
        assert!(matches!(world.fetch("ok").await, Ended::Returned(_)));
        world.target.take().remove(0).header("authorization").expect("it is signed").to_owned()
    };
    assert!(sent().await.ends_with("first-key"));
    assert!(!world.runtime.renew(&hostile).await, "it is the same");
    write("second-key");
    assert!(sent().await.ends_with("first-key"), "nobody has read it again");
    assert!(world.runtime.renew(&hostile).await);
    assert!(sent().await.ends_with("second-key"));
    std::fs::remove_file(&file).expect("it is removed");
    assert!(!world.runtime.renew(&hostile).await, "what was read stays");
    assert!(sent().await.ends_with("second-key"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_whether_an_effect_landed_has_heard_the_target() {
    World::each(async |world| {
    let unheard = "connector `tests.hostile` 1.0.0 on connection `hostile` said whether an effect landed, and the \
                   target was not heard; report it to its author";
    for behaviour in ["landed-unasked", "absent-unasked", "absent-unheard"] {
        let ended = told(world.probe(behaviour).await);
        assert_eq!(ended, (Some(BreakKind::BadAnswer), unheard.to_owned()), "{behaviour}");
    }
    assert!(matches!(world.probe("landed-asked").await, Ended::Returned(Finding::Landed(_))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_may_not_leave_fails_inside_of_the_guest() {
    World::each(async |world| {
    for (behaviour, arrived, expected) in [
        ("header", 0, "forbidden-header: sends header `authorization`, which is the host's own"),
        (
            "unknown-method",
            0,
            "malformed: asks by method `PROPFIND`, and this host knows GET, HEAD, POST, PUT, PATCH, DELETE",
        ),
        ("dots", 0, "malformed: asks for path `/v1/%2e%2e/admin`, which has dot segments"),
        ("big-body", 0, "malformed: sends a body of more than 1048576 bytes"),
        ("many-requests", 32, "too-many-requests: more than 32 requests in one call"),
        ("huge-answer", 1, "unusable-answer: the answer is larger than 4 MiB"),
        ("compressed", 1, "unusable-answer: the answer is compressed, which was not asked for"),
        ("drip", 1, "unanswered: the answer paused for more than 5000 ms"),
        ("log-flood", 0, "returned"),
    ] {
        world.target.take();
        assert_eq!(told(world.fetch(behaviour).await), (None, expected.to_owned()), "{behaviour}");
        assert_eq!(world.target.take().len(), arrived, "{behaviour}");
        world.assert_unharmed(behaviour).await;
    }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_sees_no_secret_and_no_environment() {
    World::each(async |world| {
        let Ended::Returned(echo) = world.fetch("echo").await else { panic!("it answers") };
        let arrived = world.target.take();
        assert_eq!(arrived[0].header("authorization"), Some("Bearer sk_canary_4711"));
        assert_eq!(arrived[0].header("user-agent"), Some("countersign/0.1.0 (tests.hostile/1.0.0)"));
        let Some(Value::Text(body)) = echo.field("body") else { panic!("it has a body") };
        assert!(body.contains("authorization: Bearer [secret]"), "{body}");
        assert!(!format!("{echo:?}").contains(SECRET));
        let Ended::Returned(read) = world.fetch("setting").await else { panic!("it answers") };
        assert_eq!(read.field("known"), Some(&Value::Text("hello".into())));
        assert_eq!(read.field("unknown"), Some(&Value::Absent));
        // A redirect is an answer; nobody follows it.
        let Ended::Returned(redirect) = world.fetch("redirect").await else { panic!("it answers") };
        assert_eq!(redirect.field("status"), Some(&Value::Integer(302)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_host_knows_what_left_it_whatever_the_guest_says() {
    World::each(async |world| {
    let answered = Answer::Answered { status: 200 };
    let mut effect = 0;
    for (behaviour, guarantee, kind, answers, arrived) in [
        ("write", Guarantee::ByKey, None, vec![answered], 1),
        ("same-step-twice", Guarantee::ByKey, None, vec![answered], 1),
        ("changed-step", Guarantee::ByKey, Some(BreakKind::Forbidden), vec![answered], 1),
        ("trap-after-send", Guarantee::ByKey, Some(BreakKind::Trap), vec![answered], 1),
        ("spin-after-send", Guarantee::Blind, Some(BreakKind::Cpu), vec![answered], 1),
        ("receipt-without-step", Guarantee::ByKey, None, vec![], 0),
        ("step-name", Guarantee::ByKey, None, vec![], 0),
        ("dropped", Guarantee::Blind, None, vec![Answer::Unanswered], 1),
        ("says-transient", Guarantee::Blind, None, vec![Answer::Unanswered], 1),
        ("huge-answer", Guarantee::Blind, None, vec![Answer::Unanswered], 1),
    ] {
        effect += 1;
        world.target.take();
        let end = world.apply(behaviour, effect, guarantee).await;
        let seen: Vec<_> = end.steps.iter().map(|step| step.answer).collect();
        assert_eq!(seen, answers, "{behaviour}: {:?}", end.claim);
        assert_eq!(world.target.take().len(), arrived, "{behaviour}");
        assert_eq!(told(end.claim).0, kind, "{behaviour}");
        world.assert_unharmed(behaviour).await;
    }
    let end = world.apply("changed-step", 99, Guarantee::ByKey).await;
    let sentence = "connector `tests.hostile` 1.0.0 on connection `hostile` sent step `create` again with other bytes, \
                    which could land twice; the request was not sent";
    assert_eq!(told(end.claim).1, sentence);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_carries_the_hosts_key_and_keeps_its_bytes_over_attempts() {
    World::each(async |world| {
        world.apply("write", 1, Guarantee::ByKey).await;
        world.apply("write", 1, Guarantee::ByKey).await;
        world.apply("write", 2, Guarantee::ByKey).await;
        let arrived = world.target.take();
        assert!(
            arrived.iter().all(|request| request.line == "POST /v1/things" && request.body == "{}"),
            "{arrived:?}"
        );
        let keys: Vec<_> = arrived
            .iter()
            .map(|request| request.header("idempotency-key").expect("a key").to_owned())
            .collect();
        assert_eq!(keys[0], keys[1]);
        assert_ne!(keys[0], keys[2]);
        assert_eq!(arrived[0].header("traceparent"), arrived[1].header("traceparent"));

        let mut call = world.call("changed-attempt", 3, Guarantee::ByKey);
        let first = world.runtime.apply(call.clone(), Arc::new(Notes::default())).await;
        assert!(matches!(first.claim, Ended::Returned(_)), "{first:?}");
        call.attempt = 2;
        let second = world.runtime.apply(call, Arc::new(Notes::default())).await;
        assert_eq!(told(second.claim).0, Some(BreakKind::Forbidden));
        assert!(second.steps.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_leaves_that_the_ledger_could_not_record() {
    World::each(async |world| {
        let ledger = Arc::new(Notes { refuses: true, ..Notes::default() });
        let end = world.runtime.apply(world.call("write", 1, Guarantee::Blind), ledger).await;
        assert!(end.steps.is_empty());
        let Ended::Failed(Failure::Transient { detail, .. }) = end.claim else {
            panic!("it is transient: {:?}", end.claim)
        };
        assert_eq!(detail.code, "not-recorded");
        assert!(world.target.take().is_empty());

        let ledger = Arc::new(Notes::default());
        let end =
            world.runtime.apply(world.call("write", 1, Guarantee::Blind), Arc::clone(&ledger) as _).await;
        let noted = ledger.steps.lock().expect("nobody panicked").clone();
        assert_eq!(noted, [("create".to_owned(), end.steps[0].request)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_cannot_be_reached_was_sent_nothing() {
    let world = World::start().await;
    // A port that was free a moment ago and that nobody listens on.
    let free =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("it is bound");
    world.connect("hostile", &format!("http://{free}"));
    let end = world.apply("write", 1, Guarantee::Blind).await;
    assert_eq!(end.steps[0].answer, Answer::NotSent);
    let Ended::Failed(Failure::Transient { detail, .. }) = end.claim else {
        panic!("it is transient: {:?}", end.claim)
    };
    assert_eq!(detail.code, "unreachable");
    world.connect("hostile", "http://localhost:1");
    let denied = told(world.fetch("ok").await).1;
    assert!(denied.starts_with("unreachable: ") || denied.starts_with("forbidden-address: "), "{denied}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_no_honest_connector_is_refused_at_the_door() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = world::runtime(folder.path());
    let wat = |text: &str| wat::parse_str(text).expect("it is WAT");
    let with_manifest = |text: &str| componentize(&wat(text), MANIFEST);
    let module = "is a core module, not a component; run `countersign connector build --core` on it";
    assert_refused(&runtime, wat("(module)"), FaultCode::NotAComponent, module).await;
    assert_refused(&runtime, b"hello".to_vec(), FaultCode::NotAComponent, "is no WebAssembly at all").await;
    assert_refused(&runtime, wat("(component)"), FaultCode::BadManifest, "carries no manifest").await;
    let large = vec![0; countersign_connectors::COMPONENT_BYTES_MAX + 1];
    assert_refused(&runtime, large, FaultCode::TooLarge, "is larger than 64 MiB").await;
    let whole = world::component("plain");
    assert_refused(
        &runtime,
        whole[..whole.len() / 2].to_vec(),
        FaultCode::NotAComponent,
        "is not a whole component",
    )
    .await;
    let section = |text: &str| {
        let name = b"countersign:manifest";
        let mut bytes = vec![0];
        let mut length = 1 + name.len() + text.len();
        while 0x80 <= length {
            bytes.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.push(name.len() as u8);
        [bytes.as_slice(), name, text.as_bytes()].concat()
    };
    let twice = [whole.as_slice(), &section(MANIFEST)].concat();
    assert_refused(&runtime, twice, FaultCode::NotAComponent, "it carries two manifests").await;
    let inside = wat("(component (core module (@custom \"countersign:manifest\" \"manifest = 1\")))");
    assert_refused(&runtime, inside, FaultCode::BadManifest, "carries no manifest").await;
    let old = countersign_tests::guests::marked(&whole, "contract = ", "\"0.9\"");
    let other = "was built for contract `0.9`, and this host speaks 1.0";
    assert_refused(&runtime, old, FaultCode::BadManifest, other).await;
    let empty = with_manifest("(component)").expect("it packs");
    assert_refused(&runtime, empty, FaultCode::MissingExport, "lacks an export that every connector has")
        .await;
    for (import, expected) in [
        ("wasi:http/outgoing-handler@0.2.6", "of WASI 0.2 it may want cli, clocks,"),
        ("wasi:filesystem/types@0.3.0", "with nothing behind them"),
        ("countersign:connector/secrets@1.0.0", "may import only what the contract offers"),
        ("countersign:connector/http@0.1.0", "and 0.1.0 is another: build it with the SDK of 1.0"),
    ] {
        let fault = with_manifest(&format!("(component (import \"{import}\" (instance)))"))
            .expect_err("it is refused");
        assert_eq!(fault.code, FaultCode::UnknownImport);
        assert!(
            fault.message.contains(&format!("imports `{import}`")) && fault.message.contains(expected),
            "{fault}"
        );
    }
    let wrong_type =
        "(component (import \"countersign:connector/settings@1.0.0\" (instance (export \"get\" (func)))))";
    let fault_at = with_manifest(wrong_type).expect("it packs");
    assert_refused(&runtime, fault_at, FaultCode::UnknownImport, "does not link with contract 1.0").await;
    assert!(runtime.stored().expect("the folder is there").is_empty(), "nothing refused is stored");
}

async fn assert_refused(runtime: &Runtime, bytes: Vec<u8>, code: FaultCode, expected: &str) {
    let fault = runtime.install(bytes).await.expect_err("it is refused");
    assert_eq!(fault.code, code, "{fault}");
    assert!(fault.message.contains(expected), "{fault}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_that_lies_about_itself_is_refused_at_the_door() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = world::runtime(folder.path());
    for (describe, expected) in [
        (
            "lies_",
            "describes itself as `tests.friendly` 1.0.0, which its manifest contradicts; report it to its author",
        ),
        (
            "natur",
            "promises `by-natural-key` for operation `write`, but no endpoint of its manifest has that kind of idempotency",
        ),
        ("talks", "tried to read a setting while it described itself"),
        ("http_", "tried to send a request while it described itself"),
        ("spins", "computed for more than the 200 ms of its class"),
    ] {
        let expected = format!("connector `tests.hostile` 1.0.0 {expected}");
        assert_refused(&runtime, world::component(describe), FaultCode::BadDescription, &expected).await;
    }
    runtime.install(world::component("plain")).await.expect("an honest one is welcome");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn native_code_and_changed_files_are_refused() {
    let world = World::start().await;
    let compiled = walk(world.folder.path())
        .into_iter()
        .find(|path| path.extension().is_some_and(|ending| ending == "cwasm"));
    let native = std::fs::read(compiled.expect("the guest was compiled")).expect("it is readable");
    let expected = "is precompiled native code, which nobody can check; ask for the component itself";
    assert_refused(&world.runtime, native, FaultCode::Precompiled, expected).await;

    let blob = world.folder.path().join(format!("blobs/sha256/{}.wasm", world.digest));
    let mut bytes = std::fs::read(&blob).expect("it is stored");
    std::fs::remove_file(&blob).expect("the folder is ours");
    *bytes.last_mut().expect("it is not empty") ^= 1;
    std::fs::write(&blob, bytes).expect("the folder is ours");
    let fresh = || world::runtime(world.folder.path());
    fresh().load(world.digest).await.expect("what serves is what was compiled; the file is not read");
    for cached in walk(&world.folder.path().join("aot")) {
        std::fs::remove_file(cached).expect("the folder is ours");
    }
    let fault = fresh().load(world.digest).await.expect_err("it was changed");
    let expected = "was changed after it was installed; install the connector again";
    assert!(fault.message.contains(expected), "{fault}");
    fresh().install(world::component("plain")).await.expect("it is installed again");
    for cached in walk(&world.folder.path().join("aot")) {
        std::fs::remove_file(cached).expect("the folder is ours");
    }
    fresh().load(world.digest).await.expect("the file is what it was");

    std::fs::remove_file(&blob).expect("the folder is ours");
    let fault = fresh().load(world.digest).await.expect_err("the cache is none of the connector");
    assert_eq!(fault.code, FaultCode::NotInstalled, "{fault}");
}

/// What a start needs is kept under this machine's mark: nobody else can say what a build wants.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_from_the_cache_says_the_same_of_a_build() {
    let world = World::start().await;
    let again = world::runtime(world.folder.path()).load(world.digest).await.expect("it is cached");
    let notes: Vec<_> = walk(&world.folder.path().join("aot"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "note"))
        .collect();
    let [note] = notes.as_slice() else { panic!("one note: {notes:?}") };
    std::fs::remove_file(note).expect("the folder is ours");
    let anew = world::runtime(world.folder.path()).load(world.digest).await.expect("it is described anew");
    assert!(note.is_file(), "what was lost is kept again");
    assert_eq!(format!("{again:?}"), format!("{anew:?}"));

    let mut altered = std::fs::read(note).expect("it is readable");
    let at = altered
        .windows(8)
        .position(|text| text == b"friendly")
        .or_else(|| altered.windows(7).position(|text| text == b"hostile"));
    altered[at.expect("it says who it is")] ^= 1;
    std::fs::remove_file(note).expect("the folder is ours");
    std::fs::write(note, altered).expect("the folder is ours");
    let read = world::runtime(world.folder.path()).load(world.digest).await.expect("the component is read");
    assert_eq!(format!("{read:?}"), format!("{anew:?}"), "nobody believes the note");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries =
        std::fs::read_dir(folder).expect("it is a folder").map(|entry| entry.expect("it is readable").path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_is_packed_inspected_installed_and_found_again() {
    let packed = world::component("plain");
    let inspected = inspect(&packed).expect("it is a connector");
    assert_eq!(inspected.manifest.connector.id, "tests.hostile");
    assert!(
        inspected.imports.iter().all(|import| import.starts_with("countersign:connector/")),
        "{:?}",
        inspected.imports
    );
    assert!(inspected.exports.iter().any(|export| export == "countersign:connector/writer@1.0.0"));
    assert_eq!(
        componentize(&packed, MANIFEST).as_deref(),
        Ok(packed.as_slice()),
        "packing twice changes nothing"
    );
    let other = MANIFEST.replace("1.0.0", "1.0.1");
    assert_eq!(componentize(&packed, &other).expect_err("it has a manifest").code, FaultCode::BadManifest);

    let folder = tempfile::tempdir().expect("a folder");
    let first = world::runtime(folder.path());
    let installed = first.install(packed).await.expect("it installs");
    assert_eq!(installed.digest, inspected.digest);
    let second = world::runtime(folder.path());
    assert_eq!(second.stored(), Ok(vec![installed.digest]));
    let again = second.load(installed.digest).await.expect("it is there");
    assert_eq!((again.id.as_str(), again.version.as_str()), ("tests.hostile", "1.0.0"));
}

/// A component of the Rust SDK begins with 256 KiB of memory: this takes several times as much.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_gets_more_memory_than_it_begins_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = world::runtime(folder.path());
    let component = root().join("target/connectors/countersign.webhook.wasm");
    runtime.install(std::fs::read(component).expect("it is built")).await.expect("it installs");
    let raw: RawConnection = toml::from_str(
        "connector = \"countersign.webhook\"\nallow = [\"127.0.0.0/8\"]\n\
         [endpoints.receiver]\nbase = \"http://127.0.0.1:9\"\nsecret = \"x\"\n",
    )
    .expect("a connection");
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let options = raw.resolve(name("sink"), |_| Ok(Secret::new(secret.to_owned()))).expect("it resolves");
    let connection = runtime.connect(options).expect("it connects");
    let field = |number: usize| Field { name: format!("f{number}"), value: Value::Text("é".repeat(20_000)) };
    let what = Proposal {
        operation: "deliver".to_owned(),
        subject: RecordRef { kind: "record".to_owned(), id: "order-1".to_owned() },
        fields: (0..12).map(field).collect(),
    };
    let ended = runtime.plan(&connection.name, connection.digest, what, Timestamp(0)).await;
    // It had all of it at hand, and the body that it made of it.
    let said = "too-long: the delivery would have 480273 bytes, more than 20000";
    assert_eq!(told(ended), (None, said.to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_effect_keeps_the_version_that_planned_it_behind_a_newer_one() {
    let world = World::start().await;
    let name = name("hostile");
    let before = world.runtime.connection(&name).expect("it is connected");
    // The newer one may write nothing.
    let manifest = MANIFEST.replace(r#", "POST""#, "");
    assert_ne!(manifest, MANIFEST);
    let build = world::component_with("plain", &manifest);
    world.runtime.install(build).await.expect("it installs");
    world.connect("hostile", &world.target.base);
    let after = world.runtime.connection(&name).expect("it is connected");
    assert_ne!(before.digest, after.digest);

    let kept = world.runtime.bound(&name, before.digest).expect("it stays installed");
    assert_eq!((kept.digest, kept.target()), (before.digest, before.target()));
    let call = world.call("write", 1, Guarantee::ByKey);
    let end = world.runtime.apply(call.clone(), Arc::new(Notes::default())).await;
    assert_eq!((told(end.claim).0, world.target.take().len()), (None, 1));
    let newer = Call { connector: after.digest, effect: EffectId::from_bits(2), ..call };
    let end = world.runtime.apply(newer, Arc::new(Notes::default())).await;
    assert_eq!((end.steps.len(), world.target.take().len()), (0, 0), "{:?}", end.claim);
    // What was installed last is what its id means after a start too, also what was there before.
    let build = world::component("plain");
    world.runtime.install(build).await.expect("it is there already");
    assert_eq!(world.runtime.stored(), Ok(vec![after.digest, before.digest]));
    // A host that never had the one before cannot use it.
    let why = world.runtime.bound(&name, Digest::of(b"never installed")).expect_err("it is not there");
    assert!(why.contains("is not loaded; install that version again"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_at_once_disturb_nobody() {
    let world = World::start().await;
    let calls = (0..1_000).map(|number| world.fetch(if number % 50 == 7 { "trap" } else { "setting" }));
    let ended = futures::future::join_all(calls).await;
    let broken = ended
        .iter()
        .filter(|ended| matches!(ended, Ended::Broke(broke) if broke.kind == BreakKind::Trap))
        .count();
    let whole = ended.iter().filter(|ended| matches!(ended, Ended::Returned(_))).count();
    assert_eq!((broken, whole), (20, 980));
}

/// Hostile calls of the storm below, unless `HOSTILE_CALLS` says otherwise.
const HOSTILE_CALLS: usize = 190;
/// Hostile calls at one time.
const HOSTILE_AT_ONCE: usize = 4;
/// Good calls before the storm.
const GOOD_CALLS: usize = 1_000;
/// What one guest of the small class may have in memory, and what the host may grow by beside that, in KiB.
const GROWTH_KIB_MAX: u64 = (32 + 16) * 1024;
/// What the other tests of this process may take meanwhile, in KiB.
const OTHERS_KIB_MAX: u64 = 256 * 1024;

/// How long a call of the good connector took, if it returned.
async fn good(world: &World) -> Duration {
    let begun = now();
    let ended = world.fetch_through("good", "setting").await;
    assert!(matches!(ended, Ended::Returned(_)), "a good call beside a hostile one: {ended:?}");
    begun.elapsed()
}

/// Hostile calls, so many at a time, each in a task of its own as a host runs them; how long the slowest took.
async fn storm(world: &Arc<World>, calls: usize) -> Duration {
    let (mut storm, mut slowest) = (JoinSet::new(), Duration::ZERO);
    for number in 0..calls {
        let (world, (behaviour, kind, _)) = (Arc::clone(world), &BREAKS[number % BREAKS.len()]);
        storm.spawn(async move {
            let begun = now();
            let (broke, message) = told(world.fetch(behaviour).await);
            assert_eq!(broke, Some(*kind), "{behaviour}: {message}");
            begun.elapsed()
        });
        if storm.len() == HOSTILE_AT_ONCE {
            let ended = storm.join_next().await.expect("some are under way");
            slowest = slowest.max(ended.expect("it breaks as it should"));
        }
    }
    storm.join_all().await.into_iter().fold(slowest, Duration::max)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_hostile_calls_hurts_neither_the_host_nor_a_good_connector() {
    let world = World::start().await;
    world.runtime.install(world::friendly()).await.expect("it installs");
    world.connect_to(world::FRIENDLY, "good");
    let world = Arc::new(world);
    let calls = std::env::var("HOSTILE_CALLS").map_or(HOSTILE_CALLS, |text| text.parse().expect("a number"));
    let percentile = |times: &mut Vec<Duration>| {
        times.sort();
        (times[times.len() / 2], times[times.len() * 99 / 100])
    };
    let mut alone = Vec::new();
    for _ in 0..GOOD_CALLS {
        alone.push(good(&world).await);
    }
    // What a first storm takes from the pool is kept for the next call, and grows no more.
    storm(&world, BREAKS.len()).await;
    let before = resident_kib(std::process::id()).expect("it has a size");
    let (mut raging, mut beside) = (JoinSet::new(), Vec::new());
    let storming = Arc::clone(&world);
    raging.spawn(async move { storm(&storming, calls).await });
    let slowest = loop {
        beside.push(good(&world).await);
        if let Some(ended) = raging.try_join_next() {
            break ended.expect("the storm ends");
        }
    };
    let growth = resident_kib(std::process::id()).expect("it has a size").saturating_sub(before);
    println!(
        "{calls} hostile calls, the slowest ended after {slowest:?}; good calls (median, p99): alone {:?}, {} beside \
         {HOSTILE_AT_ONCE} hostile ones {:?}; {growth} KiB more memory",
        percentile(&mut alone),
        beside.len(),
        percentile(&mut beside),
    );
    // Other tests of this process run beside it, unless it was asked for alone.
    let others = if std::env::var_os("HOSTILE_CALLS").is_some() { 0 } else { OTHERS_KIB_MAX };
    assert!(growth <= GROWTH_KIB_MAX + others, "the host grew by {growth} KiB");
    world.assert_unharmed("the storm").await;
}
