//! Bills of materials, written and read.

use super::*;
use countersign_connectors::Manifest;

fn about(bytes: &[u8]) -> Inspected {
    let manifest = "manifest = 1\n[connector]\nid = \"acme.crm\"\nversion = \"1.0.0\"\ncontract = \"1.0\"\nlicense = \"MIT\"\n\
                    [endpoints.api]\nbase = \"https://crm.example.com\"\nmethods = [\"PUT\"]\npaths = [\"/*\"]\n";
    Inspected {
        digest: Digest::of(bytes),
        size: bytes.len(),
        imports: Vec::new(),
        exports: Vec::new(),
        manifest: Manifest::parse(manifest).expect("it is good"),
        manifest_text: manifest.to_owned(),
    }
}

fn part(name: &str, licence: Licence, role: Role) -> Part {
    let version = Some("1.0.0".to_owned());
    let purl = Some(purl("cargo", name, "1.0.0"));
    Part { name: name.to_owned(), version, purl, licence, hash: None, role }
}

fn materials() -> Materials {
    let mit = || Licence::expression(Some("MIT"));
    Materials {
        parts: BTreeSet::from([
            part("serde", Licence::expression(Some("MIT/Apache-2.0")), Role::Inside),
            part("itoa", mit(), Role::Inside),
            part("ryu", mit(), Role::Inside),
            part("odd", Licence::expression(Some("SEE LICENSE IN X")), Role::Inside),
            part("mute", Licence::Unsaid, Role::Inside),
            part("syn", mit(), Role::Builds),
        ]),
        tools: BTreeMap::from([("rustc".to_owned(), "1.95.0".to_owned())]),
    }
}

#[test]
fn a_bill_is_read_as_it_was_written_and_is_the_same_each_time() {
    let about = about(b"bytes");
    let written = materials().document(&about).expect("it is written down");
    assert_eq!(written, materials().document(&about).expect("it is written down"));
    let said = read(&written, &about.digest).expect("it is one");
    assert_eq!(
        said.to_string(),
        "5 packages, built with 1 package; licences: MIT (2), MIT OR Apache-2.0 (1), SEE LICENSE IN X (1), none said (1)"
    );
    let document: Value = serde_json::from_slice(&written).expect("it is JSON");
    assert_eq!(document["metadata"]["component"]["licenses"], json!([{ "expression": "MIT" }]));
    assert!(document.get("serialNumber").is_none() && document["metadata"].get("timestamp").is_none());
}

#[test]
fn a_bill_that_is_not_about_these_bytes_is_none_of_theirs() {
    let (ours, other) = (about(b"bytes"), Digest::of(b"others"));
    let written = materials().document(&ours).expect("it is written down");
    assert_eq!(read(&written, &other), Err(Unfit::Other(ours.digest.to_string())));
    // Two hashes of two things: one of them is a lie.
    let two = String::from_utf8(written).expect("it is text").replace(
        "\"hashes\": [\n",
        &format!("\"hashes\": [{{ \"alg\": \"SHA-256\", \"content\": \"{other}\" }},\n"),
    );
    assert_eq!(read(two.as_bytes(), &ours.digest), Err(Unfit::Other(other.to_string())));
    let check = |text: &str, expected: &str| {
        let why = read(text.as_bytes(), &other).expect_err(text).to_string();
        assert!(why.starts_with(expected), "{text}: {why}");
    };
    check(r#"{"bomFormat": "CycloneDX"}"#, "it does not say which bytes");
    check(r#"{"bomFormat": "SPDX"}"#, "it is none in CycloneDX");
    check("words", "it is none in CycloneDX");
    let deep = r#"{"components": ["#.repeat(DEPTH_MAX + 2);
    let ends = "]}".repeat(DEPTH_MAX + 2);
    let hash = format!(r#"{{"component": {{"hashes": [{{"alg": "SHA-256", "content": "{other}"}}]}}}}"#);
    check(
        &format!(r#"{{"bomFormat": "CycloneDX", "metadata": {hash}, "components": [{deep}{ends}]}}"#),
        "it is none in CycloneDX: its components lie more than",
    );
}

#[test]
fn the_bill_of_another_tool_is_read() {
    let digest = Digest::of(b"bytes");
    let upper = digest.to_string().to_uppercase();
    let text = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.4",
        "metadata": { "component": { "name": "x", "hashes": [
            { "alg": "MD5", "content": "00" }, { "alg": "SHA-256", "content": upper },
        ] } },
        "components": [{
            "name": "a", "licenses": [{ "license": { "id": "MIT" } }, { "license": { "name": "Ours" } }],
            "components": [{ "name": "b", "scope": "optional" }],
        }],
    });
    let said = read(text.to_string().as_bytes(), &digest).expect("it is one");
    assert_eq!(said.to_string(), "2 packages; licences: MIT AND Ours (1), none said (1)");
}

#[test]
fn what_is_no_expression_is_told_in_its_own_words() {
    let check = |text: &str, expected: Licence| {
        assert_eq!(Licence::expression(Some(text)), expected, "{text}");
    };
    let expression = |text: &str| Licence::Expression(text.to_owned());
    check("MIT", expression("MIT"));
    check("MIT/Apache-2.0", expression("MIT OR Apache-2.0"));
    check("(MIT OR Apache-2.0) AND Unicode-3.0", expression("(MIT OR Apache-2.0) AND Unicode-3.0"));
    check("Apache-2.0 WITH LLVM-exception", expression("Apache-2.0 WITH LLVM-exception"));
    for words in
        ["BSD License", "SEE LICENSE IN LICENSE.md", "UNLICENSED", "(MIT", "MIT OR", "https://x.org/l"]
    {
        check(words, Licence::Words(words.to_owned()));
    }
    check(" ", Licence::Unsaid);
    assert_eq!(Licence::expression(None), Licence::Unsaid);
}

#[test]
fn a_package_url_escapes_what_has_a_meaning_in_one() {
    let check = |(ecosystem, name, version): (&str, &str, &str), expected: &str| {
        assert_eq!(purl(ecosystem, name, version), expected);
    };
    check(("cargo", "serde", "1.0.0"), "pkg:cargo/serde@1.0.0");
    check(("npm", "@types/node", "24.0.0"), "pkg:npm/%40types/node@24.0.0");
    check(("cargo", "x", "1.0.0+build 1"), "pkg:cargo/x@1.0.0%2Bbuild%201");
    check(("golang", "example.com/a", "v1.2.0"), "pkg:golang/example.com/a@v1.2.0");
}
