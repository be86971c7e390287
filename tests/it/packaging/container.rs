//! The image of a host: made twice it is the same, nothing is in it but what a host needs, and a host serves in it.

use super::{asked, documents, packaging};
use anyhow::{Context as _, Result, ensure};
use countersign::build::{build_all, out_folder};
use countersign_tests::servers::{free_port, http};
use countersign_tests::world::{program, root};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The connector that goes into the image, and the host that it wants to reach.
const CONNECTOR: (&str, &str) = ("countersign.stripe.wasm", "api.stripe.com");
/// An image in the store of whoever makes it.
const NAME: &str = "localhost/countersign:0.1.0";
/// Where the image has it.
const CONNECTORS: &str = "/usr/local/share/countersign/connectors";
/// How often it is looked whether a host answers, or has ended, and how long it is waited between: two minutes in all.
const LOOKS_MAX: u32 = 1_200;
const LOOK: Duration = Duration::from_millis(100);

/// Where buildah keeps what it makes, apart from what anybody else on this machine keeps.
struct Store {
    folder: TempDir,
}

impl Store {
    fn new() -> Result<Store> {
        let folder = tempfile::tempdir()?;
        let at = folder.path().display();
        let text =
            format!("[storage]\ndriver = \"vfs\"\ngraphroot = \"{at}/kept\"\nrunroot = \"{at}/running\"\n");
        fs::write(folder.path().join("storage.conf"), text)?;
        Ok(Store { folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        // Neither needs an engine, nor a file system in the kernel that a machine may lack.
        command.env("CONTAINERS_STORAGE_CONF", self.path("storage.conf")).env("BUILDAH_ISOLATION", "chroot");
        command
    }

    fn buildah(&self, arguments: &[&str]) -> Result<String> {
        let (done, said) = asked(self.command("buildah").args(arguments))?;
        ensure!(done, "buildah {arguments:?}: {said}");
        Ok(said.trim().to_owned())
    }

    /// The file of an image, as buildah is told of it.
    fn archive(&self, name: &str) -> String {
        format!("oci-archive:{}", self.path(name).display())
    }

    /// Makes an image; its digest.
    fn made(&self, to: &str, program: &Path, connector: &Path) -> Result<String> {
        let mut recipe = self.command(packaging().join("container.sh"));
        recipe.arg(program).arg(to).arg(connector);
        let (done, said) = asked(&mut recipe)?;
        ensure!(done, "{said}");
        let digest = said.lines().last().filter(|line| line.starts_with("sha256:"));
        digest.map(str::to_owned).with_context(|| format!("no digest: {said}"))
    }
}

/// A host that runs in a container. Dropping it ends it.
struct Host {
    run: Child,
}

impl Host {
    /// Asks it to stop, as whoever runs containers does; how it ended.
    fn stopped(mut self) -> Result<ExitStatus> {
        let group = self.run.id().to_string();
        let (sent, said) = asked(Command::new("pkill").args(["-TERM", "-x", "countersign", "-g", &group]))?;
        ensure!(sent, "nothing to stop: {said}");
        for _ in 0..LOOKS_MAX {
            if let Some(status) = self.run.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(LOOK);
        }
        anyhow::bail!("it does not stop")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // What is gone already cannot be ended, which is what is wanted.
        drop(Command::new("pkill").args(["-KILL", "-g", &self.run.id().to_string()]).status());
        drop(self.run.wait());
    }
}

/// The folders of a house on this machine: what `init` writes, served at a port, with the connector of the image.
fn house(store: &Store, port: u16) -> Result<()> {
    let (made, said) = asked(Command::new(program()?).arg("init").arg(store.path("house")))?;
    ensure!(made, "{said}");
    let file = store.path("house/countersign.toml");
    let mut text = fs::read_to_string(&file)?;
    let (connector, reaches) = CONNECTOR;
    for (from, to) in [
        ("folder = \"data\"", "folder = \"/var/lib/countersign\"".to_owned()),
        ("listen = \"127.0.0.1:8700\"", format!("listen = \"127.0.0.1:{port}\"")),
        ("install = []", format!("install = [\"{CONNECTORS}/{connector}\"]\nunsigned = true")),
        ("hosts = []", format!("hosts = [\"{reaches}\"]")),
    ] {
        ensure!(text.contains(from), "the configuration says {from}");
        text = text.replacen(from, &to, 1);
    }
    fs::write(&file, text)?;
    fs::create_dir(store.path("data"))?;
    // Whoever it belongs to here, in the image it is somebody else's.
    fs::set_permissions(store.path("data"), fs::Permissions::from_mode(0o777))?;
    Ok(())
}

/// Every file of a folder, by its path in it.
fn files(folder: &Path, below: &str, found: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{below}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            files(&entry.path(), &path, found)?;
        } else {
            found.insert(path);
        }
    }
    Ok(())
}

#[test]
fn an_image_is_the_same_each_time_holds_nothing_else_and_serves() -> Result<()> {
    let plugins = root().join("plugins");
    build_all(&plugins, &out_folder(&plugins), &|_| {})?;
    let connector = out_folder(&plugins).join(CONNECTOR.0);
    let (store, program) = (Store::new()?, program()?);
    let archive = store.archive("image.tar");
    let digest = store.made(&archive, &program, &connector)?;
    assert_eq!(store.made(&store.archive("again.tar"), &program, &connector)?, digest);
    assert_eq!(store.buildah(&["containers", "--quiet"])?, "", "nothing is left behind");
    assert_eq!(store.buildah(&["images", "--quiet"])?, "", "nothing is left behind");
    // One that whoever makes it has in their own store stays there.
    let named = format!("containers-storage:{NAME}");
    store.made(&named, &program, &connector)?;
    assert_eq!(store.buildah(&["images", "--format", "{{.Name}}:{{.Tag}}"])?, NAME);

    let container = store.buildah(&["from", "--quiet", &archive])?;
    let said: Value = serde_json::from_str(&store.buildah(&["inspect", &container])?)?;
    let config = &said["OCIv1"]["config"];
    let labels = config["Labels"].as_object().context("labels")?;
    assert!(labels.keys().all(|label| label.starts_with("org.opencontainers.image.")), "{labels:?}");
    is_as_the_manifests_have_it(config)?;

    let mut inside = BTreeSet::new();
    files(Path::new(&store.buildah(&["mount", &container])?), "", &mut inside)?;
    let own = [
        "/etc/ssl/certs/ca-certificates.crt".to_owned(),
        "/usr/local/bin/countersign".to_owned(),
        format!("{CONNECTORS}/{}", CONNECTOR.0),
    ];
    assert!(own.iter().all(|file| inside.remove(file)), "{inside:?}");
    let is_library = |file: &String| file.contains(".so") && file.contains("/lib");
    assert!(inside.iter().all(is_library), "{inside:?}");

    let port = free_port()?;
    house(&store, port)?;
    let log = fs::File::create(store.path("host.log"))?;
    let volume = |folder: &str, to: &str| format!("{}:{to}", store.path(folder).display());
    let mut run = store.command("buildah");
    run.args(["run", "--volume", &volume("house", "/etc/countersign:ro")]);
    run.args(["--volume", &volume("data", "/var/lib/countersign"), &container, "--"]);
    // `buildah run` goes by no entry point: what the image says is said once more.
    for part in [&config["Entrypoint"], &config["Cmd"]] {
        run.args(part.as_array().context("words")?.iter().filter_map(Value::as_str));
    }
    run.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
    let mut host = Host { run: run.spawn()? };
    let at = format!("http://127.0.0.1:{port}/readyz");
    for look in 0.. {
        if http::get(&at, &[]).is_ok_and(|answer| answer.status == 200) {
            break;
        }
        let words = || fs::read_to_string(store.path("host.log")).unwrap_or_default();
        ensure!(host.run.try_wait()?.is_none(), "it ended: {}", words());
        ensure!(look < LOOKS_MAX, "it does not serve: {}", words());
        std::thread::sleep(LOOK);
    }
    let ended = host.stopped()?;
    ensure!(ended.success(), "{ended}");
    ensure!(store.path("data/log").is_dir(), "its log is where it was told");
    Ok(())
}

/// The user, the words it is started with and the ports, as each manifest says them.
fn is_as_the_manifests_have_it(config: &Value) -> Result<()> {
    assert_eq!(config["Entrypoint"], json!(["/usr/local/bin/countersign"]));
    for name in super::MANIFESTS {
        let documents = documents(&packaging().join("kubernetes").join(name))?;
        let mut hosts = 0;
        for pod in documents.iter().map(|document| &document["spec"]["template"]["spec"]) {
            let containers = pod["containers"].as_array().into_iter().flatten();
            for host in containers.filter(|container| container["name"] == "host") {
                hosts += 1;
                let who = &pod["securityContext"];
                assert_eq!(config["User"], format!("{}:{}", who["runAsUser"], who["runAsGroup"]), "{name}");
                assert_eq!(config["Cmd"], host["args"], "{name}");
                let ports = host["ports"].as_array().context("ports")?.iter();
                let ports: BTreeSet<String> =
                    ports.map(|port| format!("{}/tcp", port["containerPort"])).collect();
                let exposed = config["ExposedPorts"].as_object().context("ports")?;
                assert!(ports.iter().all(|port| exposed.contains_key(port)), "{name}: {ports:?}");
            }
        }
        assert_eq!(hosts, 1, "{name}");
    }
    Ok(())
}

#[test]
fn an_image_of_nothing_is_not_made() -> Result<()> {
    let store = Store::new()?;
    let recipe = packaging().join("container.sh");
    let to = store.archive("image.tar");
    for (arguments, says) in [
        (vec![], "PROGRAM TO [CONNECTOR.wasm ...]"),
        (vec!["/nowhere", &to], "there is no file /nowhere"),
        (vec!["/bin/true", &to, "/etc/hostname", "/etc/hostname"], "two connectors are called hostname"),
        (vec!["/etc/hostname", &to], "/etc/hostname does not run on this machine"),
    ] {
        let (made, said) = asked(store.command(&recipe).args(&arguments))?;
        assert!(!made && said.contains(says), "{arguments:?}: {said}");
        assert!(!store.path("image.tar").exists(), "{arguments:?}");
    }
    Ok(())
}
