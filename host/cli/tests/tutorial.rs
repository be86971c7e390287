//! The tutorial as it is written: a first decision in three commands, an exception that is settled, and a proof that a script
//! of nobody's program checks. Only what a reader has to fill in is filled in here.

mod reader;

use reader::{Dev, Reader, blocks, program};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const TUTORIAL: &str = "host/docs/tutorial.md";
/// Most looks for an intent that is written by itself, and the wait between two.
const LOOKS_MAX: u32 = 100;
const LOOK_MS: u64 = 200;

/// The only block of a section that holds these words.
fn block<'a>(blocks: &'a [String], words: &str) -> &'a str {
    let mut found = blocks.iter().filter(|block| block.contains(words));
    let first = found.next().unwrap_or_else(|| panic!("{TUTORIAL} lacks `{words}`: {blocks:?}"));
    assert!(found.next().is_none(), "`{words}` stands there twice");
    first
}

#[test]
fn somebody_who_never_saw_it_decides_settles_an_exception_and_proves_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let house = folder.path().join("demo-house");
    let begin = blocks(TUTORIAL, "A house to try things in");
    assert!(block(&begin, "cargo build").contains("init demo-house\ncd demo-house\n"), "{begin:?}");
    let begun =
        Command::new(program()).args(["init", "--quiet", "demo-house"]).current_dir(folder.path()).status();
    assert!(begun.expect("the program runs").success());
    let with_key = Command::new("sh")
        .args(["-eu", "-c", block(&begin, "audit key")])
        .current_dir(&house)
        .env(
            "PATH",
            format!(
                "{}:{}",
                program().parent().expect("a folder").display(),
                std::env::var("PATH").expect("a path")
            ),
        )
        .status();
    assert!(with_key.expect("a shell runs").success());
    assert_eq!(begin.last().map(String::as_str), Some("countersign dev --stand-ins\n"));

    let dev = Dev::start(&house, &["--stand-ins"]);
    let mut reader = Reader::beside(&dev, &house);
    let first = blocks(TUTORIAL, "Your first decision");
    let mut said = String::new();
    for block in &first {
        if block.contains("intent submit") {
            said = reader.asks(block);
            for promised in
                ["needs manager", "if discount_percent is 5% or less", "write plan", "sales-manager-1"]
            {
                assert!(said.contains(promised), "{promised}: {said}");
            }
        } else if block.contains("intent show") {
            until_done(&mut reader);
            let shown = reader.run(block);
            assert!(shown.contains("state               done (approved by sales-manager-1)"), "{shown}");
            assert!(shown.trim_end().ends_with(": true"), "each field is held as approved: {shown}");
        } else {
            said = reader.run(block);
        }
    }
    assert!(said.contains("approved by sales-manager-1"), "{said}");
    let decided = reader.id.clone().expect("it was noted");

    for block in blocks(TUTORIAL, "Something that goes wrong") {
        let answer = match block.contains("intent submit") {
            true => reader.asks(&block),
            false => reader.run(&block),
        };
        let promised =
            if block.contains("intent submit") { "pricing-lead answers for it" } else { "declined" };
        assert!(answer.contains(promised), "{answer}");
    }

    let proof = blocks(TUTORIAL, "A proof for somebody who trusts nobody");
    reader.run(&block(&proof, "audit prove").replace("int_first", &decided));
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let check =
        block(&proof, "verify_proof.py").replace("../tests", &checkout.join("tests").display().to_string());
    let answer = reader.run(&check);
    assert!(answer.contains("yes "), "{answer}");
    // One letter otherwise.
    let file = house.join("decision.tlog-proof");
    let text = fs::read_to_string(&file).expect("the proof is there");
    assert!(text.len() < 2_000, "{} bytes", text.len());
    let place = text.find("index ").expect("it says where") + "index ".len();
    let digit = if text[place..].starts_with('1') { "2" } else { "1" };
    fs::write(&file, format!("{}{digit}{}", &text[..place], &text[place + 1..])).expect("it is written");
    let answer = reader.run(&format!("{} || true", check.trim_end()));
    assert!(answer.contains("no ") && !answer.contains("yes "), "{answer}");
}

#[test]
fn a_development_house_has_hosts_of_its_own_and_its_picture_is_not_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str], at: &Path| {
        let answer = Command::new(program()).args(arguments).current_dir(at).output().expect("it runs");
        let (out, err) = (String::from_utf8_lossy(&answer.stdout), String::from_utf8_lossy(&answer.stderr));
        (answer.status.success(), format!("{out}{err}"))
    };
    assert!(run(&["init", "--quiet", "own"], folder.path()).0);
    let house = folder.path().join("own");
    // What the stand-ins need is added to what the house has set, and its file stays as it is.
    let config = house.join("countersign.toml");
    let text = fs::read_to_string(&config).expect("it is there");
    let own = text.replacen("\nhosts = []\n", "\nhosts = [\"vendor.example.com\"]\n", 1);
    assert_ne!(own, text, "the starter configuration grants no hosts");
    fs::write(&config, &own).expect("it is written");
    let dev = Dev::start(&house, &["--stand-ins"]);
    assert!(dev.tokens.contains_key("ae-1"));
    assert_eq!(fs::read_to_string(&config).expect("it is there"), own);
    let picture = |name: &str| {
        let answer = Command::new(program())
            .args(["ownership", "--picture", name])
            .current_dir(&house)
            .env("COUNTERSIGN_URL", &dev.url)
            .env("COUNTERSIGN_TOKEN", &dev.tokens["ae-1"])
            .output()
            .expect("it runs");
        (answer.status.success(), String::from_utf8_lossy(&answer.stderr).into_owned())
    };
    let (done, says) = picture("house.svg");
    assert!(done, "{says}");
    let drawn = fs::read_to_string(house.join("house.svg")).expect("it is drawn");
    assert!(drawn.starts_with("<svg") && drawn.contains("pricing"), "{drawn}");
    let (done, says) = picture("house.svg");
    assert!(!done && says.contains("`house.svg` cannot be written"), "{says}");
    assert_eq!(fs::read_to_string(house.join("house.svg")).expect("it is there"), drawn);
}

/// Looks until what was approved is written.
fn until_done(reader: &mut Reader) {
    for _ in 0..LOOKS_MAX {
        if reader.run("countersign intent show int_...").contains("state               done") {
            return;
        }
        std::thread::sleep(Duration::from_millis(LOOK_MS));
    }
    panic!("it was not written");
}
