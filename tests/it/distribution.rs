//! Connectors on their way from a vendor to an operator, by the built program: through a registry that nobody here wrote,
//! in one file, and from an address.

use anyhow::{Context as _, Result, ensure};
use countersign_connectors::componentize;
use countersign_core::hash::Digest;
use countersign_tests::guests;
use countersign_tests::host::Host;
use countersign_tests::servers::{Process, Registry, free_port, http, program_of};
use countersign_tests::world::{program, root};
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

const MANIFEST: &str = include_str!("../guests/rust-hostile/connector.toml");

/// How a run of the program ended.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    /// What it printed, if it is done.
    #[track_caller]
    fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    /// What it complained about, with this exit code.
    #[track_caller]
    fn refused(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self.err
    }
}

/// The connector in one version, whose endpoint takes these methods.
fn component(version: &str, methods: &str) -> Vec<u8> {
    static MODULE: OnceLock<Vec<u8>> = OnceLock::new();
    let module =
        MODULE.get_or_init(|| guests::module("rust-hostile", "hostile_guest", env!("CARGO_TARGET_TMPDIR")));
    let module = guests::marked(module, "version=", version);
    let manifest = MANIFEST
        .replace("version = \"1.0.0\"", &format!("version = \"{version}\""))
        .replace(r#"["GET", "POST"]"#, methods);
    componentize(&module, &manifest).expect("it is a connector")
}

const READS_AND_WRITES: &str = r#"["GET", "POST"]"#;

/// Whoever makes a connector and signs it.
struct Vendor {
    folder: TempDir,
    public: String,
}

impl Vendor {
    fn new() -> Result<Vendor> {
        let folder = tempfile::tempdir()?;
        let vendor = Vendor { folder, public: String::new() };
        let public = vendor.run(&["connector", "key", "vendor.pem", "--quiet"])?.done().trim().to_owned();
        Ok(Vendor { public, ..vendor })
    }

    /// Nobody is signed in anywhere unless a suite says so.
    fn run(&self, arguments: &[&str]) -> Result<Ran> {
        run(self.folder.path(), arguments, &[("DOCKER_CONFIG", self.folder.path().display().to_string())])
    }

    /// Makes one version of the connector.
    fn build(&self, version: &str, methods: &str) -> Result<PathBuf> {
        let file = self.folder.path().join(format!("hostile-{version}.wasm"));
        fs::write(&file, component(version, methods))?;
        Ok(file)
    }

    /// Makes one, and signs it.
    fn sign(&self, version: &str, methods: &str) -> Result<PathBuf> {
        let file = self.build(version, methods)?;
        self.run(&["connector", "sign", text(&file), "--key", "vendor.pem"])?.done();
        Ok(file)
    }

    /// Says of a component what it is made of: nothing.
    fn bill(&self, file: &Path) -> Result<()> {
        let digest = Digest::of(&fs::read(file)?).to_string();
        let hashes = json!([{"alg": "SHA-256", "content": digest}]);
        let bill = json!({"bomFormat": "CycloneDX", "metadata": {"component": {"hashes": hashes}}});
        Ok(fs::write(format!("{}.cdx.json", text(file)), bill.to_string())?)
    }

    /// Pushes it, and gives where exactly it is.
    fn push(&self, file: &Path, registry: &Registry) -> Result<String> {
        let to = format!("{}/acme/hostile", registry.host());
        Ok(self.run(&["connector", "push", text(file), &to])?.done().trim().to_owned())
    }
}

/// Whoever runs a host, on a data folder that nothing was in.
struct Operator {
    folder: TempDir,
    token: String,
    host: Host,
}

impl Operator {
    fn start(public: &str) -> Result<Operator> {
        Operator::who_trusts(&format!("[trust.tests]\nkeys = [\"{public}\"]"))
    }

    fn who_trusts(trust: &str) -> Result<Operator> {
        let folder = tempfile::tempdir()?;
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        run(folder.path(), &["init", "--quiet"], &[])?.done();
        let file = folder.path().join("countersign.toml");
        fs::write(
            &file,
            format!(
                "[server]\nlisten = \"{address}\"\n[connectors]\nhosts = [\"*\"]\n{trust}\n[connection.crm]\n\
                 connector = \"tests.hostile\"\nallow = [\"127.0.0.0/8\"]\n[connection.crm.endpoints.api]\n\
                 base = \"http://127.0.0.1:9/v1\"\nsecret = \"env:SECRET\"\n"
            ),
        )?;
        let token = run(
            folder.path(),
            &["token", "create", "integration-1", "--scope", "read,operate", "--quiet"],
            &[],
        )?
        .done();
        let mut host = Host::new(file, address)?;
        host.set("SECRET", "x");
        host.start()?;
        Ok(Operator { token: token.trim().to_owned(), folder, host })
    }

    fn run(&self, arguments: &[&str]) -> Result<Ran> {
        // Where the host is, its configuration in this folder says.
        let variables = [
            ("COUNTERSIGN_TOKEN", self.token.clone()),
            ("DOCKER_CONFIG", self.folder.path().display().to_string()),
        ];
        run(self.folder.path(), arguments, &variables)
    }

    /// The builds of the connector: version and state of each.
    fn builds(&self) -> Result<Vec<(String, String)>> {
        let listed: Value = serde_json::from_str(&self.run(&["connector", "list", "--json"])?.done())?;
        let builds = listed["items"].as_array().context("a list")?.iter().flat_map(|connector| {
            let builds = connector["builds"].as_array().cloned().unwrap_or_default();
            builds.into_iter().map(|build| (word(&build["version"]), word(&build["state"])))
        });
        let mut builds: Vec<_> = builds.collect();
        builds.sort();
        Ok(builds)
    }
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a folder of a test has a name in letters")
}

fn states(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(version, state)| ((*version).to_owned(), (*state).to_owned())).collect()
}

/// Runs the program in a folder.
fn run(folder: &Path, arguments: &[&str], variables: &[(&str, String)]) -> Result<Ran> {
    let mut command = Command::new(program()?);
    command.current_dir(folder).args(arguments).env("SECRET", "x").env_remove("COUNTERSIGN_TOKEN");
    // A proxy that takes nothing: what is on this machine is asked directly.
    command.env("HTTP_PROXY", "http://127.0.0.1:9").env("http_proxy", "http://127.0.0.1:9");
    for (name, value) in variables {
        command.env(name, value);
    }
    let output = command.output()?;
    let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ran { code: output.status.code(), out: words(&output.stdout), err: words(&output.stderr) })
}

#[test]
fn what_a_vendor_pushes_an_operator_adds_by_digest_upgrades_and_rolls_back() -> Result<()> {
    let registry = Registry::start()?;
    let vendor = Vendor::new()?;
    let first = vendor.sign("1.0.0", READS_AND_WRITES)?;
    vendor.bill(&first)?;
    let pinned = vendor.push(&first, &registry)?;
    ensure!(pinned.starts_with(&format!("oci://{}/acme/hostile@sha256:", registry.host())), "{pinned}");

    // The registry holds the very bytes, as others keep components.
    let base = format!("{}/v2/acme/hostile", registry.base_url());
    let accept = [("Accept", "application/vnd.oci.image.manifest.v1+json")];
    let manifest = http::get(&format!("{base}/manifests/1.0.0"), &accept)?.json()?;
    let digest = Digest::of(&fs::read(&first)?).to_string();
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    assert_eq!(manifest["layers"].as_array().map(Vec::len), Some(1));
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    assert_eq!(manifest["layers"][0]["digest"], format!("sha256:{digest}"));
    assert_eq!(fs::read(registry.blob(&digest))?, fs::read(&first)?);
    // It does not know what refers to what, so that is kept under a tag.
    let about = pinned.rsplit("sha256:").next().context("a digest")?;
    let accept = [("Accept", "application/vnd.oci.image.index.v1+json")];
    let index = http::get(&format!("{base}/manifests/sha256-{about}"), &accept)?.json()?;
    let kinds: Vec<_> = index["manifests"]
        .as_array()
        .context("a list")?
        .iter()
        .map(|one| word(&one["artifactType"]))
        .collect();
    assert_eq!(kinds, ["application/vnd.countersign.signature.v1+json", "application/vnd.cyclonedx+json"]);

    // Once more changes nothing, and other bytes are another version.
    let again = vendor.run(&[
        "connector",
        "push",
        text(&first),
        &format!("{}/acme/hostile:1.0.0", registry.host()),
    ])?;
    assert_eq!(again.err.matches("was there already").count(), 3, "{again:?}");
    assert_eq!(again.done().trim(), pinned);
    let other = vendor.folder.path().join("other.wasm");
    fs::write(&other, component("1.0.0", r#"["GET"]"#))?;
    let to = format!("{}/acme/hostile", registry.host());
    let words = vendor.run(&["connector", "push", text(&other), &to])?.refused(6);
    ensure!(words.contains("is there already, and is another component"), "{words}");
    let words = vendor.run(&["connector", "push", text(&first), &format!("{to}:2.0.0")])?.refused(2);
    ensure!(words.contains("is version 1.0.0"), "{words}");

    let operator = Operator::start(&vendor.public)?;
    let shown = operator.run(&["connector", "add", &pinned])?;
    ensure!(shown.out.contains("GET POST") && shown.out.contains(&pinned), "{shown:?}");
    let words = shown.refused(1);
    ensure!(words.contains("nobody agreed to what it wants"), "{words}");
    ensure!(words.contains(&format!("`countersign connector add {pinned} --yes`")), "{words}");
    assert_eq!(operator.builds()?, []);
    let words = operator.run(&["connector", "add", &pinned, "--yes"])?;
    ensure!(words.err.contains("serves crm"), "{words:?}");
    words.done();
    let listed: Value = serde_json::from_str(&operator.run(&["connector", "list", "--json"])?.done())?;
    assert_eq!(listed["items"][0]["builds"][0]["signer"], json!(vendor.public));
    assert_eq!(listed["items"][0]["builds"][0]["digest"], json!(digest));

    let second = vendor.sign("1.0.1", r#"["GET"]"#)?;
    vendor.push(&second, &registry)?;
    operator.run(&["connector", "add", &format!("oci://{to}:1.0.1"), "--yes"])?.done();
    assert_eq!(operator.builds()?, states(&[("1.0.0", "previous"), ("1.0.1", "active")]));
    operator.run(&["connector", "rollback", "tests.hostile", "--reason", "it reads only"])?.done();
    assert_eq!(operator.builds()?, states(&[("1.0.0", "active"), ("1.0.1", "staged")]));
    let log = operator.run(&["connector", "log", "tests.hostile", "--limit", "2"])?.done();
    let lines: Vec<&str> = log.lines().map(str::trim_end).collect();
    ensure!(
        lines.len() == 3 && lines[1].ends_with("it reads only") && lines[1].contains("rolled-back"),
        "{log}"
    );
    ensure!(lines[2].contains("activated") && lines[2].contains("1.0.1"), "{log}");
    let none = operator.run(&["connector", "log", "tests.nobody"])?.refused(1);
    ensure!(none.contains("tests.nobody"), "{none}");
    let third = vendor.sign("1.1.0", r#"["GET", "POST", "DELETE"]"#)?;
    let pinned = vendor.push(&third, &registry)?;
    let added = operator.run(&["connector", "add", &pinned, "--yes"])?;
    ensure!(
        added.err.contains("asks for more than was granted") && added.err.contains("DELETE"),
        "{added:?}"
    );
    added.done();
    ensure!(operator.builds()?.contains(&("1.1.0".to_owned(), "held".to_owned())));
    Ok(())
}

#[test]
fn a_bill_of_materials_goes_with_its_component_and_with_no_other() -> Result<()> {
    let registry = Registry::start()?;
    let vendor = Vendor::new()?;
    let (first, second) = (vendor.sign("1.0.0", READS_AND_WRITES)?, vendor.sign("1.0.1", READS_AND_WRITES)?);
    vendor.bill(&first)?;
    let held = fs::read_to_string(format!("{}.cdx.json", text(&first)))?;
    let pinned = vendor.push(&first, &registry)?;
    vendor.run(&["connector", "export", &pinned, "--out", "one.tar"])?.done();
    for from in [text(&first), &pinned, "one.tar"] {
        let printed = vendor.run(&["connector", "inspect", from, "--sbom"])?.done();
        assert_eq!(printed.trim_end(), held, "{from}");
        ensure!(
            vendor.run(&["connector", "inspect", from])?.done().contains("made of    0 packages"),
            "{from}"
        );
    }
    let none = vendor.run(&["connector", "inspect", text(&second), "--sbom"])?.refused(1);
    ensure!(none.contains("has no bill of materials") && none.contains("connector build"), "{none}");

    // Of another build, which is what a file that was left there is.
    fs::copy(format!("{}.cdx.json", text(&first)), format!("{}.cdx.json", text(&second)))?;
    let to = format!("{}/acme/hostile", registry.host());
    for arguments in [
        &["connector", "sign", text(&second), "--key", "vendor.pem"][..],
        &["connector", "push", text(&second), &to],
        &["connector", "export", text(&second), "--out", "two.tar"],
        &["connector", "inspect", text(&second)],
    ] {
        let words = vendor.run(arguments)?.refused(1);
        ensure!(
            words.contains("it is about other bytes") && words.contains("hostile-1.0.1.wasm.cdx.json"),
            "{words}"
        );
    }
    fs::write(format!("{}.cdx.json", text(&second)), r#"{"bomFormat":"CycloneDX"}"#)?;
    let words = vendor.run(&["connector", "push", text(&second), &to])?.refused(1);
    ensure!(
        words.contains("does not say which bytes") && words.contains("metadata.component.hashes"),
        "{words}"
    );
    Ok(())
}

/// A disk that has spoilt one file is no reason to serve nothing, and the same build added again puts it right.
#[test]
fn a_host_goes_on_without_a_build_that_was_changed_on_disk() -> Result<()> {
    let vendor = Vendor::new()?;
    let mut operator = Operator::start(&vendor.public)?;
    let file = vendor.sign("1.0.0", READS_AND_WRITES)?;
    operator.run(&["connector", "add", text(&file), "--yes"])?.done();
    let kept = operator.folder.path().join("data/connectors");
    let digest = Digest::of(&fs::read(&file)?);
    let blob = kept.join(format!("blobs/sha256/{digest}.wasm"));

    operator.host.stop()?;
    let mut bytes = fs::read(&blob)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(&blob)?;
    fs::write(&blob, bytes)?;
    fs::remove_dir_all(kept.join("aot"))?;
    operator.host.start()?;
    assert_eq!(operator.builds()?, states(&[("1.0.0", "active")]), "on record");
    let listed = operator.run(&["connector", "list"])?.done();
    ensure!(listed.contains("gone"), "and not there: {listed}");

    operator.run(&["connector", "add", text(&file), "--yes"])?.done();
    assert_eq!(operator.builds()?, states(&[("1.0.0", "active")]));
    assert_eq!(fs::read(&blob)?, fs::read(&file)?);
    Ok(())
}

/// Whatever its language: what is built says of what it is made, as the published schema has it.
#[test]
fn what_is_built_in_each_language_has_a_bill_that_others_read() -> Result<()> {
    let mut files = Vec::new();
    for (system, inside) in [
        ("stripe", "pkg:cargo/serde@"),
        ("slack", "pkg:npm/componentize-qjs@"),
        ("hubspot", "pkg:pypi/componentize-py@"),
        ("quickbooks", "pkg:golang/std@"),
    ] {
        let component = root().join(format!("target/connectors/countersign.{system}.wasm"));
        let file = PathBuf::from(format!("{}.cdx.json", component.display()));
        let text = fs::read_to_string(&file)
            .with_context(|| format!("{}: `countersign connector build plugins` makes it", file.display()))?;
        let bill: Value = serde_json::from_str(&text)?;
        let digest = Digest::of(&fs::read(&component)?).to_string();
        assert_eq!(bill["metadata"]["component"]["hashes"][0]["content"], digest, "{system}");
        let parts = bill["components"].as_array().context("parts")?;
        let is_inside =
            |part: &&Value| part["scope"] == "required" && word(&part["purl"]).starts_with(inside);
        assert_eq!(parts.iter().filter(is_inside).count(), 1, "{system}: {inside}");
        let has_sdk = parts.iter().any(|part| {
            part["scope"] == "required"
                && ["countersign-sdk", "countersign_sdk", "countersign/sdk"].contains(&&*word(&part["name"]))
        });
        ensure!(has_sdk, "{system} has the SDK in it");
        ensure!(!text.contains(text_of_root()?.as_str()), "{system}: no path of this machine is in it");
        files.push(file);
    }
    // The schema is strict: a member that it does not know is a fault.
    let mut python = Command::new(program_of("cyclonedx", "python")?);
    let checked = python.arg("-c").arg(CHECK).args(&files).output()?;
    ensure!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    Ok(())
}

/// Has the library of CycloneDX look at files.
const CHECK: &str = "\
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
for file in sys.argv[1:]:
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(file).read())
    if fault is not None:
        sys.exit(f'{file}: {fault}')
assert JsonStrictValidator(SchemaVersion.V1_6).validate_str('{}') is not None, 'it checks nothing'
";

fn text_of_root() -> Result<String> {
    Ok(root().canonicalize()?.display().to_string())
}

#[test]
fn what_is_not_what_it_says_does_not_get_to_a_host() -> Result<()> {
    let registry = Registry::start()?;
    let vendor = Vendor::new()?;
    let operator = Operator::start(&vendor.public)?;
    let at = |version: &str| format!("oci://{}/acme/hostile:{version}", registry.host());
    let add = |from: &str| operator.run(&["connector", "add", from, "--yes"]);

    let unsigned = vendor.build("1.0.0", READS_AND_WRITES)?;
    let pushed =
        vendor.run(&["connector", "push", text(&unsigned), at("1.0.0").trim_start_matches("oci://")])?;
    ensure!(pushed.err.contains("it is not signed"), "{pushed:?}");
    pushed.done();
    let words = add(&at("1.0.0"))?.refused(1);
    ensure!(words.contains("is not signed"), "{words}");

    // Somebody else who may push signs it too: what counts is the key that the operator trusts.
    let stranger = Vendor::new()?;
    stranger.push(&stranger.sign("1.0.0", READS_AND_WRITES)?, &registry)?;
    let words = add(&at("1.0.0"))?.refused(1);
    ensure!(words.contains("is signed by no key of `[trust.tests]`"), "{words}");
    vendor.push(&vendor.sign("1.0.0", READS_AND_WRITES)?, &registry)?;
    add(&at("1.0.0"))?.done();
    assert_eq!(operator.builds()?, states(&[("1.0.0", "active")]));

    // Bytes that were changed where they lie.
    let file = vendor.sign("1.0.1", READS_AND_WRITES)?;
    vendor.push(&file, &registry)?;
    let blob = registry.blob(&Digest::of(&fs::read(&file)?).to_string());
    let mut bytes = fs::read(&blob)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&blob, bytes)?;
    let words = add(&at("1.0.1"))?.refused(1);
    ensure!(words.to_lowercase().contains("digest"), "{words}");

    // A signature of another build.
    let file = vendor.build("1.0.2", READS_AND_WRITES)?;
    fs::copy(
        vendor.folder.path().join("hostile-1.0.1.wasm.sig"),
        vendor.folder.path().join("hostile-1.0.2.wasm.sig"),
    )?;
    let to = format!("{}/acme/hostile", registry.host());
    let pushed = vendor.run(&["connector", "push", text(&file), &to])?;
    ensure!(
        pushed.err.contains("no host takes it so: it has a signature of `tests.hostile` 1.0.1"),
        "{pushed:?}"
    );
    pushed.done();
    let shown = vendor.run(&["connector", "inspect", text(&file)])?.done();
    ensure!(shown.contains("signed     no: it has a signature of `tests.hostile` 1.0.1"), "{shown}");
    let words = add(&at("1.0.2"))?.refused(1);
    ensure!(words.contains("which is another component"), "{words}");

    for (from, code, expected) in [
        (at("9.9.9"), 1, "is not there"),
        (at("1.0.0").replace(":1.0.0", ""), 2, "names no version"),
        (format!("oci://127.0.0.1:{}/acme/hostile:1.0.0", free_port()?), 4, "cannot be reached"),
        (at("1.0.0").trim_start_matches("oci://").to_owned(), 2, "write `oci://127.0.0.1"),
        ("oci://acme/hostile:1.0.0".to_owned(), 2, "its first part is no host"),
    ] {
        let words = add(&from)?.refused(code);
        ensure!(words.contains(expected), "{from}: {words}");
    }
    assert_eq!(operator.builds()?, states(&[("1.0.0", "active")]));
    Ok(())
}

#[test]
fn a_registry_that_wants_a_password_gets_what_this_machine_keeps() -> Result<()> {
    let registry = Registry::with_password()?;
    let vendor = Vendor::new()?;
    let file = vendor.sign("1.0.0", READS_AND_WRITES)?;
    let to = format!("{}/acme/hostile", registry.host());
    let words = vendor.run(&["connector", "push", text(&file), &to])?.refused(5);
    ensure!(words.contains(&format!("docker login {}", registry.host())), "{words}");
    // What `docker login` writes.
    let kept = |password: &str| {
        let both = data_encoding::BASE64.encode(format!("vendor:{password}").as_bytes());
        let kept = json!({ "auths": { registry.host(): { "auth": both } } });
        fs::write(vendor.folder.path().join("config.json"), kept.to_string())
    };
    kept("wrong")?;
    let words = vendor.run(&["connector", "push", text(&file), &to])?.refused(5);
    ensure!(!words.contains("wrong"), "{words}");
    kept("correct horse")?;
    let pinned = vendor.push(&file, &registry)?;
    vendor.run(&["connector", "pull", &pinned, "--out", "there.wasm"])?.done();
    assert_eq!(fs::read(vendor.folder.path().join("there.wasm"))?, fs::read(&file)?);
    let signature = fs::read(vendor.folder.path().join("hostile-1.0.0.wasm.sig"))?;
    assert_eq!(fs::read(vendor.folder.path().join("there.wasm.sig"))?, signature);
    // Not over something else, and nothing is taken away.
    let beside = vendor.folder.path().join("there.wasm.sig");
    fs::write(&beside, "mine")?;
    let words = vendor.run(&["connector", "pull", &pinned, "--out", "there.wasm"])?.refused(1);
    ensure!(words.contains("there.wasm.sig` is there and is something else"), "{words}");
    assert_eq!(fs::read(&beside)?, b"mine");
    let words = vendor.run(&["connector", "pull", &pinned, "--out", "vendor.pem"])?.refused(1);
    ensure!(words.contains("is there and is something else"), "{words}");
    Ok(())
}

#[test]
fn one_file_brings_connectors_to_a_host_that_reaches_no_registry() -> Result<()> {
    let registry = Registry::start()?;
    let vendor = Vendor::new()?;
    let pinned = vendor.push(&vendor.sign("1.0.0", READS_AND_WRITES)?, &registry)?;
    let second = vendor.sign("1.0.1", READS_AND_WRITES)?;
    let export = |out: &str| vendor.run(&["connector", "export", &pinned, text(&second), "--out", out]);
    export("connectors.tar")?.done();
    export("again.tar")?.done();
    let file = vendor.folder.path().join("connectors.tar");
    let bytes = fs::read(&file)?;
    assert_eq!(fs::read(vendor.folder.path().join("again.tar"))?, bytes, "the same gives the same file");

    let operator = Operator::start(&vendor.public)?;
    operator.run(&["connector", "add", text(&file), "--yes"])?.done();
    assert_eq!(operator.builds()?, states(&[("1.0.0", "previous"), ("1.0.1", "active")]));

    // Unpacked by others, it is the same.
    let folder = vendor.folder.path().join("unpacked");
    fs::create_dir(&folder)?;
    let unpacked = Command::new("tar").arg("-xf").arg(&file).arg("-C").arg(&folder).status()?;
    ensure!(unpacked.success());
    let shown = vendor.run(&["connector", "inspect", text(&folder)])?.done();
    ensure!(shown.contains("1.0.0") && shown.contains("1.0.1"), "{shown}");

    // One bit of a component.
    let digest = Digest::of(&fs::read(&second)?).to_string();
    let blob = folder.join("blobs/sha256").join(&digest);
    let mut changed = fs::read(&blob)?;
    let last = changed.len() - 1;
    changed[last] ^= 1;
    fs::remove_file(&blob)?;
    fs::write(&blob, changed)?;
    let words = operator.run(&["connector", "add", text(&folder), "--yes"])?.refused(1);
    ensure!(words.contains(&format!("sha256:{digest} in it was changed")), "{words}");
    for (name, bytes) in [("cut.tar", &bytes[..bytes.len() / 2]), ("none.tar", b"none of it".as_slice())] {
        let file = vendor.folder.path().join(name);
        fs::write(&file, bytes)?;
        let words = operator.run(&["connector", "add", text(&file), "--yes"])?.refused(1);
        ensure!(words.contains(name), "{words}");
    }
    assert_eq!(operator.builds()?, states(&[("1.0.0", "previous"), ("1.0.1", "active")]));
    Ok(())
}

#[test]
fn an_address_gives_what_its_digest_says_or_nothing() -> Result<()> {
    let vendor = Vendor::new()?;
    let file = vendor.sign("1.0.0", READS_AND_WRITES)?;
    let served = vendor.folder.path().to_owned();
    let server = Process::start("python3", "/", |_, port| {
        let mut command = Command::new("python3");
        command
            .args(["-m", "http.server", "--bind", "127.0.0.1", "--directory"])
            .arg(&served)
            .arg(port.to_string());
        Ok(command)
    })?;
    let digest = Digest::of(&fs::read(&file)?).to_string();
    let operator = Operator::start(&vendor.public)?;
    let at = |digest: &str| format!("{}/hostile-1.0.0.wasm#sha256:{digest}", server.base_url());
    let words = operator.run(&["connector", "add", &at(&"0".repeat(64)), "--yes"])?.refused(5);
    ensure!(words.contains(&format!("another component than you named: sha256:{digest}")), "{words}");
    let words =
        operator.run(&["connector", "add", &format!("{}/x.wasm", server.base_url()), "--yes"])?.refused(2);
    ensure!(words.contains("says no digest"), "{words}");
    operator.run(&["connector", "add", &at(&digest), "--yes"])?.done();
    assert_eq!(operator.builds()?, states(&[("1.0.0", "active")]));
    Ok(())
}

#[test]
fn a_host_that_wants_a_level_takes_what_shows_it() -> Result<()> {
    let registry = Registry::start()?;
    let vendor = Vendor::new()?;
    let file = vendor.folder.path().join("ledger.wasm");
    fs::copy(root().join("target/connectors/countersign.hledger.wasm"), &file)
        .context("`countersign connector build plugins` makes it")?;
    vendor.run(&["connector", "sign", text(&file), "--key", "vendor.pem"])?.done();
    let certified = Operator::who_trusts(&format!(
        "[trust.countersign]\nkeys = [\"{}\"]\nlevel = \"certified\"",
        vendor.public
    ))?;
    let words = certified.run(&["connector", "add", text(&file), "--yes"])?.refused(1);
    ensure!(words.contains("wants one of level `certified`"), "{words}");

    // Without cassettes a run shows little, and its report says so.
    let nothing = vendor.folder.path().join("nothing");
    fs::create_dir(&nothing)?;
    let cassettes = root().join("plugins/hledger/cassettes");
    let test = |folder: &Path, level: &str| {
        let cassettes = ["--cassettes", text(folder), "--level", level, "--inputs", "100"];
        vendor.run(&[&["connector", "test", text(&file), "--key", "vendor.pem"][..], &cassettes].concat())
    };
    test(&nothing, "loads")?.done();
    let words = certified.run(&["connector", "add", text(&file), "--yes"])?.refused(1);
    ensure!(words.contains("is `loads` by its conformance report"), "{words}");
    test(&cassettes, "certified")?.done();

    let to = format!("{}/countersign/ledger", registry.host());
    let pushed = vendor.run(&["connector", "push", text(&file), &to])?;
    ensure!(pushed.err.contains("its conformance report is pushed"), "{pushed:?}");
    let pinned = pushed.done().trim().to_owned();
    let shown = certified.run(&["connector", "inspect", &pinned])?.done();
    ensure!(shown.contains("`certified` by kit 3"), "{shown}");
    certified.run(&["connector", "add", &pinned, "--yes"])?.done();
    let listed: Value = serde_json::from_str(&certified.run(&["connector", "list", "--json"])?.done())?;
    assert_eq!(listed["items"][0]["builds"][0]["level"], "certified");
    Ok(())
}

#[test]
fn a_host_is_made_as_its_lock_has_it_and_nothing_more() -> Result<()> {
    let registry = Registry::start()?;
    let vendor = Vendor::new()?;
    let pinned = vendor.push(&vendor.sign("1.0.0", READS_AND_WRITES)?, &registry)?;
    let first = Operator::start(&vendor.public)?;
    first.run(&["connector", "add", &pinned, "--yes", "--lock"])?.done();
    let lock = first.folder.path().join("connectors.lock");
    let written = fs::read_to_string(&lock)?;
    for expected in ["id = \"tests.hostile\"", "version = \"1.0.0\"", &pinned, &vendor.public] {
        ensure!(written.contains(expected), "{expected}: {written}");
    }

    // Another host of the same operator, from the same repository.
    let second = Operator::start(&vendor.public)?;
    let place = second.folder.path().join("connectors.lock");
    ensure!(second.run(&["connector", "add", "--locked"])?.refused(2).contains("names no connector"));
    fs::copy(&lock, &place)?;
    let words = second.run(&["connector", "add", "--locked"])?;
    ensure!(words.err.contains("serves crm"), "{words:?}");
    words.done();
    // Nothing has changed, so nothing is done: the registry is not even asked.
    drop(registry);
    let listed = second.run(&["connector", "list", "--json"])?.done();
    let words = second.run(&["connector", "add", "--locked"])?;
    ensure!(words.err.contains("nothing to do"), "{words:?}");
    words.done();
    assert_eq!(second.run(&["connector", "list", "--json"])?.done(), listed);

    // A file lies beside the lock; what serves is what the lock says, whatever was put in force meanwhile.
    let file = second.folder.path().join("hostile.wasm");
    fs::copy(vendor.sign("1.0.1", READS_AND_WRITES)?, &file)?;
    fs::copy(
        vendor.folder.path().join("hostile-1.0.1.wasm.sig"),
        second.folder.path().join("hostile.wasm.sig"),
    )?;
    second.run(&["connector", "add", "hostile.wasm", "--yes", "--lock"])?.done();
    ensure!(fs::read_to_string(&place)?.contains("from = \"hostile.wasm\""));
    second.run(&["connector", "rollback", "tests.hostile", "--reason", "to see"])?.done();
    assert_eq!(second.builds()?, states(&[("1.0.0", "active"), ("1.0.1", "staged")]));
    second.run(&["connector", "add", "--locked"])?.done();
    assert_eq!(second.builds()?, states(&[("1.0.0", "previous"), ("1.0.1", "active")]));

    // What waits for a person is said, and is no success.
    let wider = vendor.sign("1.1.0", r#"["GET", "POST", "DELETE"]"#)?;
    second.run(&["connector", "add", text(&wider), "--yes", "--lock"])?.done();
    let words = second.run(&["connector", "add", "--locked"])?.refused(1);
    ensure!(words.contains("waits for somebody who may accept"), "{words}");

    // Other bytes than were locked, and a lock that says what its component does not.
    let third = Operator::start(&vendor.public)?;
    let place = third.folder.path().join("connectors.lock");
    let locked = fs::read_to_string(second.folder.path().join("connectors.lock"))?;
    fs::write(&place, &locked)?;
    fs::write(&wider, component("1.1.0", r#"["GET"]"#))?;
    let words = third.run(&["connector", "add", "--locked"])?.refused(5);
    ensure!(words.contains("holds another component"), "{words}");
    fs::write(&wider, component("1.1.0", r#"["GET", "POST", "DELETE"]"#))?;
    fs::write(&place, locked.replace("version = \"1.1.0\"", "version = \"1.2.0\""))?;
    let words = third.run(&["connector", "add", "--locked"])?.refused(1);
    ensure!(words.contains("what its component does not"), "{words}");
    assert_eq!(third.builds()?, []);
    Ok(())
}

/// A registry that is unlike docker-registry.
fn odd_registry(arguments: &[&str]) -> Result<Process> {
    let script = root().join("tests/support/servers/odd_registry.py");
    Process::start("odd-registry", "/v2/", |_, port| {
        let mut command = Command::new("python3");
        command.arg(&script).arg(port.to_string()).args(arguments);
        Ok(command)
    })
}

#[test]
fn a_registry_that_lists_referrers_by_itself_is_not_given_a_list() -> Result<()> {
    let registry = odd_registry(&["native", "no-location"])?;
    let vendor = Vendor::new()?;
    let file = vendor.sign("1.0.0", READS_AND_WRITES)?;
    let to = format!("127.0.0.1:{}/acme/hostile", registry.port());
    let pinned = vendor.run(&["connector", "push", text(&file), &to])?.done().trim().to_owned();
    vendor.run(&["connector", "pull", &pinned, "--out", "there.wasm"])?.done();
    let signature = fs::read(vendor.folder.path().join("hostile-1.0.0.wasm.sig"))?;
    assert_eq!(fs::read(vendor.folder.path().join("there.wasm.sig"))?, signature);
    let about = pinned.rsplit("sha256:").next().context("a digest")?;
    let list = format!("{}/v2/acme/hostile/manifests/sha256-{about}", registry.base_url());
    assert_eq!(http::get(&list, &[])?.status, 404, "nobody needs a list under a tag there");
    let again = vendor.run(&["connector", "push", text(&file), &to])?;
    assert_eq!(again.err.matches("was there already").count(), 2, "{again:?}");
    Ok(())
}

#[test]
fn a_list_that_cannot_be_read_is_neither_empty_nor_written_over() -> Result<()> {
    let registry = odd_registry(&["tag"])?;
    let vendor = Vendor::new()?;
    let file = vendor.sign("1.0.0", READS_AND_WRITES)?;
    let to = format!("127.0.0.1:{}/acme/hostile", registry.port());
    let pinned = vendor.run(&["connector", "push", text(&file), &to])?.done().trim().to_owned();
    vendor.bill(&file)?;
    let say = |word: &str| http::send("POST", &format!("{}/{word}", registry.base_url()), &[], b"");
    say("busy")?;
    let pull = ["connector", "pull", &pinned, "--out", "there.wasm"];
    let words = vendor.run(&pull)?.refused(1);
    ensure!(words.contains("429") || words.contains("TOOMANYREQUESTS"), "{words}");
    ensure!(!vendor.folder.path().join("there.wasm").exists(), "nothing came of it");
    vendor.run(&["connector", "push", text(&file), &to])?.refused(1);
    say("idle")?;
    vendor.run(&["connector", "push", text(&file), &to])?.done();
    vendor.run(&pull)?.done();
    for ending in [".sig", ".cdx.json"] {
        let held = fs::read(vendor.folder.path().join(format!("there.wasm{ending}")))?;
        assert_eq!(held, fs::read(vendor.folder.path().join(format!("hostile-1.0.0.wasm{ending}")))?);
    }
    // Something that nobody can use, said of it by somebody: it is left out, and the rest is there.
    let about = pinned.rsplit("sha256:").next().context("a digest")?;
    let list = format!("{}/v2/acme/hostile/manifests/sha256-{about}", registry.base_url());
    let mut index = http::get(&list, &[])?.json()?;
    let gone = json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 2,
        "digest": format!("sha256:{}", "0".repeat(64)),
        "artifactType": "application/vnd.countersign.signature.v1+json"});
    index["manifests"].as_array_mut().context("a list")?.insert(0, gone);
    let kind = [("Content-Type", "application/vnd.oci.image.index.v1+json")];
    http::send("PUT", &list, &kind, index.to_string().as_bytes())?;
    let pulled = vendor.run(&["connector", "pull", &pinned, "--out", "again.wasm"])?;
    ensure!(pulled.err.contains("is left out"), "{pulled:?}");
    pulled.done();
    ensure!(vendor.folder.path().join("again.wasm.sig").exists());
    Ok(())
}
