//! A support bundle of a house with a canary in every slot for a secret, and in all that people wrote: none gets out.

use countersign_core::hash::Digest;
use countersign_engine::port::store::{Append, Batch, Store as _};
use countersign_store_local::{LocalStore, Options};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

/// The canary of a slot, which has no part in common with that of another: what is taken out for one slot takes out nothing for
/// another. `+` and `/` look otherwise in each form. That of the file is the key of a webhook.
fn canary(slot: &str) -> String {
    let digits = Digest::of(slot.as_bytes()).to_string();
    let (front, rest) = digits.split_at(12);
    let plain = format!("{front}+{}/{}", &rest[..12], &rest[12..24]);
    if slot == "file" { format!("whsec_{}", BASE64.encode(plain.as_bytes())) } else { plain }
}

/// The number that stands where a secret is written as one.
const NUMBER: &str = "4821337745";
/// What nobody knows to be secret: it stays, so that what is not there was taken out and not lost.
const STAYS: &str = "somebody+else/unknown";

/// Where a canary sits in this house.
const SLOTS: [&str; 20] = [
    "environment",
    "file",
    "client",
    "refresh",
    "command",
    "literal",
    "unknown-key",
    "user",
    "query",
    "setting",
    "variable",
    "webhook-path",
    "override",
    "token",
    "log-key",
    "install-key",
    "links-key",
    "entry",
    "stream",
    "people",
];

/// A house, in a sound and in a broken configuration.
fn house(folder: &Path, admin: SocketAddr, is_sound: bool) {
    let (setting, variable) = (canary("setting"), canary("variable"));
    let (user, query, path) = (canary("user"), canary("query"), canary("webhook-path"));
    let command = canary("command");
    // A secret that stands there itself is a mistake, and the reason why somebody asks for help.
    let literal = if is_sound { "env:CANARY_ENVIRONMENT".to_owned() } else { canary("literal") };
    let number = if is_sound { String::new() } else { format!("account = {NUMBER}\n") };
    let key = if is_sound { String::new() } else { format!("key = \"{}\"\n", canary("unknown-key")) };
    let text = format!(
        "[data]\nfolder = \"data\"\n[server]\nlisten = \"127.0.0.1:1\"\nadmin-listen = \"{admin}\"\n\
         public-address = \"http://127.0.0.1:1\"\n[connectors]\nunsigned = true\n[log]\nkey = \"log.key\"\n\
         [connection.billing]\nconnector = \"countersign.stripe\"\n[connection.billing.endpoints.api]\n\
         base = \"https://u:{user}@billing.example/v1?key={query}\"\nsecret = \"env:CANARY_ENVIRONMENT\"\n\
         variables = {{ database = \"{variable}\" }}\n[connection.billing.settings]\nfolder = \"{setting}\"\n\
         {number}[connection.crm]\nconnector = \"countersign.tryton\"\n[connection.crm.endpoints.api]\n\
         secret = \"file:secrets/crm\"\n{key}\
         [connection.books]\nconnector = \"countersign.xero\"\n[connection.books.endpoints.api]\n\
         secret = \"command:printf {command}\"\n[mail]\nserver = \"127.0.0.1\"\nsecurity = \"none\"\nfrom = \"a@example.com\"\n\
         user = \"approvals\"\npassword = \"{literal}\"\n[webhook.chat]\nurl = \"https://hooks.example/{path}\"\n\
         secret = \"file:secrets/chat\"\n[sign-in]\nissuer = \"https://id.example\"\nclient-id = \"countersign\"\n\
         client-secret = \"env:CANARY_ENVIRONMENT\"\n",
    );
    fs::write(folder.join("countersign.toml"), text).expect("it is written");
}

#[tokio::main(flavor = "current_thread")]
async fn set(folder: &Path) {
    fs::create_dir_all(folder.join("secrets")).expect("it is made");
    fs::create_dir_all(folder.join("data")).expect("it is made");
    let of_oauth = format!("{}:{}\n{}\n", canary("client"), canary("client"), canary("refresh"));
    for (name, content) in [
        ("secrets/crm", of_oauth),
        ("secrets/chat", format!("{}\n", canary("file"))),
        ("log.key", canary("log-key")),
        ("data/install.key", canary("install-key")),
        ("data/links.key", canary("links-key")),
        ("people.md", format!("# People\n{}\n", canary("people"))),
    ] {
        fs::write(folder.join(name), content).expect("it is written");
    }
    let store = LocalStore::open(Options::at(folder.join("data"))).expect("it opens");
    for number in 0..30 {
        let entry = format!(
            r#"{{"at":{number},"by":"engine","event":{{"submitted":{{"note":"{}"}}}}}}"#,
            canary("entry")
        );
        let stream = Arc::from(format!("{}/{number}", canary("stream")));
        let entries = vec![Arc::from(entry.as_bytes())];
        let append = Append { stream, expected: 0, entries, errands: Vec::new(), row: None };
        store.append(Batch { appends: vec![append], caller_key: None }).await.expect("it is appended");
    }
    store.close().expect("it closes");
}

/// Somebody who answers for the metrics, with a canary in each form among them; as often as it is asked.
fn admin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.expect("somebody asks");
            let mut asked = [0; 4_096];
            let _ = connection.read(&mut asked).expect("it is read");
            let forms: Vec<String> = SLOTS.iter().flat_map(|slot| forms(&canary(slot))).collect();
            let body = format!("countersign_open_items 3\nsaid{{by=\"{} {STAYS}\"}} 1\n", forms.join(" "));
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            connection.write_all(format!("{head}{body}").as_bytes()).expect("it is answered");
        }
    });
    address
}

/// Every form in which a secret is looked for.
fn forms(secret: &str) -> Vec<String> {
    let percent: String = secret
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    vec![
        secret.to_owned(),
        BASE64.encode(secret.as_bytes()),
        BASE64URL_NOPAD.encode(secret.as_bytes()),
        HEXLOWER.encode(secret.as_bytes()),
        HEXUPPER.encode(secret.as_bytes()),
        percent.to_ascii_lowercase(),
        percent,
    ]
}

fn bundle(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.current_dir(folder).args(["debug", "bundle"]).args(arguments).stdin(Stdio::null());
    command.env("CANARY_ENVIRONMENT", canary("environment"));
    command.env("COUNTERSIGN_TOKEN", canary("token"));
    command.env("COUNTERSIGN__SCIM__CALENDAR_OF_NOBODY", canary("override"));
    command.output().expect("the program runs")
}

/// The files of a bundle.
fn pieces(file: &Path) -> BTreeMap<String, Value> {
    let mut archive = tar::Archive::new(fs::File::open(file).expect("it is there"));
    let mut found = BTreeMap::new();
    for entry in archive.entries().expect("an archive") {
        let mut entry = entry.expect("a file");
        let name = entry.path().expect("a name").to_string_lossy().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("text");
        found.insert(name, serde_json::from_str(&text).expect("JSON"));
    }
    found
}

#[test]
fn a_support_bundle_tells_how_a_host_is_and_no_canary_gets_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    set(folder);
    let admin = admin();
    for is_sound in [true, false] {
        house(folder, admin, is_sound);
        let name = format!("{is_sound}.tar");
        let listed = bundle(folder, &[&name]);
        assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
        assert!(!folder.join(&name).exists(), "it is listed first, and written when somebody says so");
        let written = bundle(folder, &[&name, "--yes", "--last", "5"]);
        assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
        let mode = fs::metadata(folder.join(&name)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let bytes = fs::read(folder.join(&name)).expect("it reads");
        for said in [&bytes, &listed.stdout, &written.stdout] {
            let text = String::from_utf8_lossy(said);
            // What is nowhere to be known as a secret stands in nothing that is put in, but for what a stranger's metrics say.
            for slot in SLOTS.iter().filter(|slot| !["entry", "stream", "people"].contains(slot)) {
                if is_sound && ["literal", "unknown-key"].contains(slot) {
                    continue;
                }
                for form in forms(&canary(slot)) {
                    assert!(!text.contains(&form), "{slot} is in it as {form}");
                }
            }
        }
        let mut found = pieces(&folder.join(&name));
        let metrics = found.remove("metrics.json").expect("metrics").to_string();
        assert!(metrics.contains("countersign_open_items 3") && metrics.contains(STAYS), "{metrics}");
        // What is looked for stands there where nobody knows that it is secret: what is asserted above can fail.
        assert!(metrics.contains(&canary("entry")), "{metrics}");
        assert_eq!(metrics.contains(&canary("literal")), is_sound, "{metrics}");
        let all = format!("{found:?}");
        assert!(is_sound || !all.contains(NUMBER), "{all}");
        for slot in ["entry", "stream", "people"] {
            for form in forms(&canary(slot)) {
                assert!(!format!("{found:?}").contains(&form), "{slot} is in it as {form}");
            }
        }
        let log = &found["log.json"];
        assert_eq!((&log["entries"], &log["kinds"]["other submitted"]), (&30.into(), &30.into()), "{log}");
        assert_eq!(log["last"].as_array().map(Vec::len), Some(5));
        let shown = found["configuration.json"].to_string();
        for expected in
            ["env:CANARY_ENVIRONMENT", "file:secrets/crm", "command:printf …", "https://hooks.example/…"]
        {
            assert!(shown.contains(expected), "{expected}: {shown}");
        }
        assert_eq!(found["about.json"]["version"], env!("CARGO_PKG_VERSION"));
        let checked = &found["check.json"]["answer"]["problems"];
        assert!(checked.as_array().is_some_and(|problems| !problems.is_empty()), "{checked}");
        assert!(found["doctor.json"]["answer"]["items"].is_array());

        let again = bundle(folder, &[&name, "--yes"]);
        assert_eq!(again.status.code(), Some(1), "no file is written over");
    }
}
