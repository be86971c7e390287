//! What a host is run by: the unit of systemd, the manifests of Kubernetes and the image of a container, by the judgement of
//! tools that are not ours.

#[path = "packaging/container.rs"]
mod container;

use anyhow::{Context as _, Result, ensure};
use countersign_tests::servers::program_of;
use countersign_tests::world::{program, root};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Most that `systemd-analyze security` may find open to a host.
const EXPOSURE_MAX: f64 = 1.5;
/// The manifests, each a whole.
const MANIFESTS: [&str; 2] = ["local.yaml", "postgres.yaml"];

fn packaging() -> PathBuf {
    root().join("host/packaging")
}

/// What a program prints to both, and whether it says yes.
fn asked(command: &mut Command) -> Result<(bool, String)> {
    let output = command.output().context("it is installed by `tests/install`")?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

#[test]
fn a_service_can_do_little_that_a_host_does_not_need() -> Result<()> {
    let unit = packaging().join("countersign.service");
    let (_, said) = asked(Command::new("systemd-analyze").args(["security", "--offline=true"]).arg(&unit))?;
    let level =
        said.lines().find_map(|line| line.split_once("countersign.service: ")).map(|(_, level)| level);
    let level = level.and_then(|level| level.split(' ').next()).with_context(|| said.clone())?;
    ensure!(level.parse::<f64>()? <= EXPOSURE_MAX, "the exposure is {level}: {said}");

    // With a program that is there it is a unit without a fault.
    let folder = tempfile::tempdir()?;
    let here = folder.path().join("countersign.service");
    let program = program()?;
    let text =
        fs::read_to_string(&unit)?.replace("/usr/local/bin/countersign", &program.display().to_string());
    ensure!(text.contains(&program.display().to_string()), "the unit starts the program");
    fs::write(&here, text)?;
    let (verified, said) = asked(Command::new("systemd-analyze").arg("verify").arg(&here))?;
    assert!(verified && said.is_empty(), "{said}");
    Ok(())
}

/// The documents of a file, as JSON.
fn documents(file: &Path) -> Result<Vec<Value>> {
    let script = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
    let (read, said) =
        asked(Command::new(program_of("kubernetes", "python")?).args(["-c", script]).arg(file))?;
    ensure!(read, "{said}");
    Ok(serde_json::from_str(&said)?)
}

/// Every name that stands under one of these keys, however deep.
fn named(value: &Value, keys: &[&str], found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let name = match value {
                    Value::String(name) => Some(name.as_str()),
                    value => value["name"].as_str(),
                };
                if keys.contains(&key.as_str()) {
                    found.extend(name.map(str::to_owned));
                }
                named(value, keys, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| named(value, keys, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_manifests_are_whole_and_the_configuration_in_them_is_one() -> Result<()> {
    for name in MANIFESTS {
        let file = packaging().join("kubernetes").join(name);
        let mut validator = Command::new(program_of("kubernetes", "kubernetes-validate")?);
        let (valid, said) = asked(validator.args(["--strict", "--quiet"]).arg(&file))?;
        assert!(valid, "{name}: {said}");

        let documents = documents(&file)?;
        let of = |kind: &str| -> BTreeSet<String> {
            let of_kind = documents.iter().filter(|document| document["kind"] == kind);
            of_kind.filter_map(|document| document["metadata"]["name"].as_str().map(str::to_owned)).collect()
        };
        for (kind, keys) in [("ConfigMap", &["configMap"][..]), ("Secret", &["secretName", "secretKeyRef"])] {
            let mut wanted = BTreeSet::new();
            documents.iter().for_each(|document| named(document, keys, &mut wanted));
            assert_eq!(wanted, of(kind), "{name}: each {kind} is there and is used");
        }
        for (kind, replicas) in [("StatefulSet", 1), ("Deployment", 2)] {
            for set in documents.iter().filter(|document| document["kind"] == kind) {
                assert_eq!(set["spec"]["replicas"], replicas, "{name}");
                let pod = &set["spec"]["template"]["spec"];
                assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{name}");
                for container in pod["containers"].as_array().context("containers")? {
                    let context = &container["securityContext"];
                    assert_eq!(context["readOnlyRootFilesystem"], true, "{name}: {}", container["name"]);
                    assert_eq!(context["capabilities"]["drop"], serde_json::json!(["ALL"]), "{name}");
                }
            }
        }

        let house = documents.iter().find_map(|document| document["data"]["countersign.toml"].as_str());
        let environment = |variable: &str| {
            (variable == "LOG_DATABASE").then(|| "postgresql://countersign@localhost/countersign".to_owned())
        };
        let read = countersign::config::read(
            Path::new("countersign.toml"),
            house.context("a configuration")?,
            &environment,
        );
        let settings = read.map_err(|problems| anyhow::anyhow!("{name}: {problems}"))?;
        assert_eq!(settings.database.is_some(), name == "postgres.yaml");
        let mounts = of_mounts(&documents);
        for folder in [&settings.data, &settings.rules] {
            assert!(
                mounts.contains(&folder.display().to_string()),
                "{name}: {} in {mounts:?}",
                folder.display()
            );
        }
    }
    Ok(())
}

/// Where the host finds volumes.
fn of_mounts(documents: &[Value]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    documents.iter().for_each(|document| named(document, &["mountPath"], &mut found));
    found
}
