//! Builds that plan a share of the intents, or plan in the shadow, through the API of a host with real components.

use super::{Host, Target, component, component_with, digest_of, narrower, runtime, states, wider};
use crate::world::MANIFEST;
use countersign_engine::memory::MemoryStore;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

fn what_happened(history: &Value) -> Vec<String> {
    let entries = history["items"].as_array().expect("they are listed").iter();
    let said = entries.map(|entry| match entry["share"].as_u64() {
        Some(percent) => format!("{} {percent} %", entry["what"].as_str().unwrap_or_default()),
        None => entry["what"].as_str().unwrap_or_default().to_owned(),
    });
    said.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_is_a_shadow_then_a_canary_and_goes_with_a_roll_back() {
    let (folder, target) = (tempfile::tempdir().expect("a folder"), Target::start().await);
    let (first, second) = (component("plain"), component_with("plain", &narrower()));
    runtime(folder.path()).install(first.clone()).await.expect("it installs");
    let store: Arc<MemoryStore> = Arc::default();
    let host = Host::start(folder.path(), &target, store.clone()).await;
    host.add(second.clone(), "?stage=true", "a").await;
    let digest = digest_of(&second);
    let nominated = async |host: &Host, share: Value, key: &str| {
        let body = json!({"digest": digest, "share": share, "reason": "it is tried"});
        host.change("activations", &body, key).await
    };
    let state = |view: &Value| states(view).remove(&digest).expect("it is there");
    let build = |view: &Value| {
        let builds = view["builds"].as_array().expect("they are listed");
        builds.iter().find(|build| build["digest"] == digest.as_str()).cloned().expect("it is there")
    };
    let nothing = json!({"same": 0, "differs": 0, "failed": 0, "unknown": 0, "skipped": 0});

    let (status, view) = nominated(&host, json!(0), "b").await;
    assert_eq!((status, state(&view)), (200, "shadow".to_owned()), "{view}");
    assert_eq!((&build(&view)["shadow"], &build(&view)["share"]), (&nothing, &Value::Null));
    let (status, view) = nominated(&host, json!(25), "c").await;
    assert_eq!((status, state(&view)), (200, "canary".to_owned()), "{view}");
    assert_eq!((&build(&view)["shadow"], &build(&view)["share"]), (&Value::Null, &json!(25)));
    assert_eq!(host.serving(&[&first, &second]), [Some(0), Some(0)]);
    // It is a canary after a start too, and cannot be taken away meanwhile.
    drop(host);
    let host = Host::start(folder.path(), &target, store).await;
    let (_, view) = host.ask("GET", "/v1/connectors/tests.hostile", ("", Vec::new()), "d").await;
    assert_eq!((state(&view), &build(&view)["share"]), ("canary".to_owned(), &json!(25)));
    let (status, problem) =
        host.change("removals", &json!({"digest": digest, "reason": "it is old"}), "e").await;
    assert_eq!((status, &problem["code"]), (409, &json!("CS-E0231")), "{problem}");

    let (status, view) = host.change("rollbacks", &json!({"reason": "not yet"}), "f").await;
    assert_eq!((status, state(&view)), (200, "staged".to_owned()), "{view}");
    let (_, history) = host.ask("GET", "/v1/connectors/tests.hostile/history", ("", Vec::new()), "g").await;
    assert_eq!(
        what_happened(&history),
        ["dropped", "canary 25 %", "shadow", "added", "activated", "added"],
        "{history}"
    );
    // What was tried was not in force: there is nothing to go back to.
    let (status, problem) = host.change("rollbacks", &json!({"reason": "once more"}), "h").await;
    assert_eq!((status, &problem["code"]), (409, &json!("CS-E0232")), "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_share_is_given_to_what_may_not_serve() {
    let (folder, target) = (tempfile::tempdir().expect("a folder"), Target::start().await);
    let first = component("plain");
    let host = Host::start(folder.path(), &target, Arc::default()).await;
    let add = async |component: &Vec<u8>, query: &str, key: &str| {
        let (status, view) = host.add(component.clone(), query, key).await;
        assert_eq!(status, 200, "{view}");
    };
    let refused = async |component: &[u8], more: Value, key: &str| {
        let mut body = json!({"digest": digest_of(component), "share": 10, "reason": "it is tried"});
        let more: BTreeMap<String, Value> = serde_json::from_value(more).expect("members");
        more.into_iter().for_each(|(name, value)| body[name] = value);
        let (status, problem) = host.change("activations", &body, key).await;
        assert!(status >= 400, "{problem}");
        problem
    };
    add(&first, "?stage=true", "a").await;
    assert_eq!(refused(&first, json!({}), "b").await["code"], "CS-E0238");
    let body = json!({"digest": digest_of(&first), "reason": "it is sound"});
    assert_eq!(host.change("activations", &body, "c").await.0, 200);
    assert_eq!(refused(&first, json!({}), "d").await["code"], "CS-E0228");

    let greedy = component_with("plain", &wider());
    add(&greedy, "?stage=true", "e").await;
    assert_eq!(refused(&greedy, json!({}), "f").await["code"], "CS-E0229");
    assert_eq!(refused(&greedy, json!({"share": 0}), "g").await["code"], "CS-E0229");

    let misfit = component_with("plain", &MANIFEST.replace("[endpoints.api]", "[endpoints.web]"));
    add(&misfit, "?stage=true", "h").await;
    let body = json!({"digest": digest_of(&misfit), "reason": "it was broken"});
    assert_eq!(host.change("quarantines", &body, "i").await.0, 200);
    assert_eq!(refused(&misfit, json!({}), "j").await["code"], "CS-E0230");

    let narrow = component_with("plain", &narrower());
    add(&narrow, "?stage=true", "k").await;
    for (number, share) in
        [json!(100), json!(-1), json!("10"), json!(1.5), json!(null)].into_iter().enumerate()
    {
        let problem = refused(&narrow, json!({ "share": share }), &format!("l{number}")).await;
        assert_eq!(problem["errors"][0]["pointer"], "/share", "{share}: {problem}");
    }
    let problem = refused(&narrow, json!({"connection": "crm-eu"}), "m").await;
    assert_eq!(problem["errors"][0]["pointer"], "/share", "{problem}");
    let (_, view) = host.ask("GET", "/v1/connectors/tests.hostile", ("", Vec::new()), "n").await;
    assert_eq!(states(&view).remove(&digest_of(&narrow)), Some("staged".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fits_no_connection_is_no_candidate() {
    let (folder, target) = (tempfile::tempdir().expect("a folder"), Target::start().await);
    runtime(folder.path()).install(component("plain")).await.expect("it installs");
    let host = Host::start(folder.path(), &target, Arc::default()).await;
    // It asks for no more than is granted, and for a setting that no connection has.
    let misfit = component_with("plain", &MANIFEST.replace(r#"default = "hello""#, "required = true"));
    host.add(misfit.clone(), "?stage=true", "a").await;
    let body = json!({"digest": digest_of(&misfit), "share": 10, "reason": "it is tried"});
    let (status, problem) = host.change("activations", &body, "b").await;
    assert_eq!((status, &problem["code"]), (422, &json!("CS-E0234")), "{problem}");
    let record = host.engine.connector(&super::id()).await.expect("it is read");
    assert_eq!(record.serving.candidate, None);
}
