//! Evidence for auditors by the built program, over the log of an engine that has it open: populations, samples, cases.
//! Each is made again byte for byte, and judged by scripts in Python that share nothing with the program.

use super::{House, Ran, run};
use anyhow::{Context as _, Result, ensure};
use countersign_core::access::{self, Asked, Reviews, Right, Said};
use countersign_core::approval::command::{Command, Voice};
use countersign_core::approval::{Approval, Stage};
use countersign_core::id::{IntentId, PersonId};
use countersign_core::rulebook::Rulebook;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::engine::{Engine, Parts, Submission};
use countersign_engine::fault::Fault;
use countersign_engine::port::store::{Append, Batch, Logged, PAGE_ROWS_MAX, Position, Store as _};
use countersign_engine::simulated::{SeededChance, SimulatedClock};
use countersign_store_local::{LocalStore, Options};
use countersign_tests::deals;
use countersign_tests::servers::Postgres;
use countersign_tests::world::{root, starter};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command as Process;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A Monday morning in New York.
const MORNING: &str = "2026-11-23T15:00:00Z";
/// How long a step waits for the engine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Wait between two looks.
const LOOK: Duration = Duration::from_millis(2);
/// A day, in minutes.
const DAY: u64 = 24 * 60;

/// A house of which something is told: an engine over a data folder, which it keeps open.
struct Told {
    folder: TempDir,
    engine: Engine,
    store: Arc<LocalStore>,
    clock: Arc<SimulatedClock>,
    public: String,
}

fn is_over(approval: &Approval) -> bool {
    matches!(approval.stage, Stage::Closed(_))
}

impl Told {
    fn begin() -> Result<Told> {
        let folder = tempfile::tempdir()?;
        let store = Arc::new(LocalStore::open(Options::at(folder.path().join("data")))?);
        let clock = Arc::new(SimulatedClock::at(Timestamp::from_rfc3339(MORNING).context("a moment")?));
        let engine = Engine::start(Parts {
            record: countersign_engine::people::Record::default(),
            notifier: Arc::new(countersign_engine::port::notifier::NoNotifier),
            components: Arc::new(countersign_engine::port::components::NoComponents),
            catalogue: Arc::new(countersign_engine::port::catalogue::NoCatalogue),
            store: store.clone(),
            connectors: Arc::new(deals::connectors()),
            clock: clock.clone(),
            chance: Arc::new(SeededChance::new(7)),
            rulebook: starter()?,
        });
        let key = ["audit", "key", "acme.example/approvals", "log.key", "--quiet"];
        let drawn = run(folder.path(), &key, "")?;
        ensure!(drawn.code == Some(0), "{drawn:?}");
        Ok(Told { folder, engine, store, clock, public: drawn.out.trim().to_owned() })
    }

    /// What one day brings: a discount by the policy, one by a person, one that is declined, one that is withdrawn, and one
    /// that waits.
    async fn day(&self) -> Result<Vec<IntentId>> {
        let by_policy = self.asked("4%").await?;
        self.until(by_policy, is_over).await?;
        let approved = self.asked("12%").await?;
        self.says(approved, Voice::Approve { note: "as agreed".to_owned() }).await?;
        self.until(approved, is_over).await?;
        let declined = self.asked("12%").await?;
        self.says(declined, Voice::Decline { reason: "too much".to_owned() }).await?;
        let withdrawn = self.asked("12%").await?;
        let person = "ae-1".parse()?;
        self.engine.command(withdrawn, Command::Withdraw { person, revision: 1 }, None).await?;
        let waits = self.asked("12%").await?;
        Ok(vec![by_policy, approved, declined, withdrawn, waits])
    }

    async fn asked(&self, percent: &str) -> Result<IntentId> {
        let tokens = deals::discount("A-1", percent, "12000.00");
        let (requester, intent_type) = ("ae-1".to_owned(), "discount".to_owned());
        let submission = Submission { requester, intent_type, tokens, key: None };
        let id = self.engine.submit(submission).await?.approval.intent.id;
        self.until(id, |approval| {
            !matches!(approval.stage, Stage::Preparing { .. } | Stage::Executing { .. })
        })
        .await?;
        Ok(id)
    }

    async fn says(&self, id: IntentId, voice: Voice) -> Result<()> {
        self.clock.turn(Millis::minutes(1));
        let person = "sales-manager-1".parse()?;
        self.engine.command(id, Command::Decide { person, revision: 1, seal: None, voice }, None).await?;
        Ok(())
    }

    async fn until(&self, id: IntentId, wanted: impl Fn(&Approval) -> bool) -> Result<Arc<Approval>> {
        let looked = async {
            loop {
                let approval = self.engine.read(id).await?.approval;
                if wanted(&approval) {
                    return anyhow::Ok(approval);
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, looked).await;
        found.unwrap_or_else(|_| anyhow::bail!("{id} does not come to that in time"))
    }

    /// Every entry of the log.
    async fn entries(&self) -> Result<Vec<Logged>> {
        let mut entries: Vec<Logged> = Vec::new();
        loop {
            let from = entries.last().map_or(1, |last| last.position.0 + 1);
            let page = self.store.scan(Position(from), PAGE_ROWS_MAX).await?;
            if page.is_empty() {
                return Ok(entries);
            }
            entries.extend(page);
        }
    }

    /// From now on nobody has the log open.
    async fn stop(&self) -> Result<()> {
        self.engine.stop().await;
        Ok(self.store.close()?)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &str) -> Result<Ran> {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        run(self.folder.path(), &[&["--quiet"], &arguments[..]].concat(), "")
    }

    fn done(&self, arguments: &str) -> Result<String> {
        let ran = self.run(arguments)?;
        ensure!(ran.code == Some(0), "{arguments}: {ran:?}");
        Ok(ran.out.trim().to_owned())
    }

    /// What the program says that refuses.
    fn refused(&self, arguments: &str) -> Result<String> {
        let ran = self.run(arguments)?;
        ensure!(ran.code == Some(1), "{arguments}: {ran:?}");
        Ok(ran.err)
    }

    /// Writes a population with the key of the log.
    fn population(&self, file: &str, query: &str) -> Result<String> {
        self.done(&format!("audit population {file} {query} --data data --key log.key").replace("  ", " "))
    }

    /// The verifier's line.
    fn judged(&self, arguments: &[&str]) -> Result<String> {
        let verifier = root().join("tests/verifier/verify_evidence.py");
        let mut python = Process::new("python3");
        python.current_dir(self.folder.path()).arg(verifier).arg(&self.public).args(arguments);
        let output = python.output()?;
        ensure!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}

/// The lines of a file, each a value.
fn lines(file: &Path) -> Result<Vec<Json>> {
    fs::read_to_string(file)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// The items of a file, counted by one of their fields.
fn counted(file: &Path, field: &str) -> Result<BTreeMap<String, usize>> {
    let mut counts = BTreeMap::new();
    for line in lines(file)?.iter().filter(|line| line.get("position").is_some()) {
        *counts.entry(line[field].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    Ok(counts)
}

fn counts(of: &[(&str, usize)]) -> BTreeMap<String, usize> {
    of.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

/// The text with a last line that fits it again: what somebody forges who knows the format.
fn fitting(text: &str, end: impl FnOnce(&mut Json)) -> Result<String> {
    let (above, _) = text.trim_end().rsplit_once('\n').context("a last line")?;
    let (above, last) = above.rsplit_once('\n').context("a line with the counts")?;
    let mut last: Json = serde_json::from_str(last)?;
    end(&mut last["end"]);
    let above = format!("{above}\n{last}\n");
    let sha256 = countersign_core::hash::Digest::of(above.as_bytes());
    Ok(format!("{above}{{\"sha256\":\"{sha256}\"}}\n"))
}

/// What a file counts.
fn end(file: &Path) -> Result<Json> {
    let lines = lines(file)?;
    Ok(lines.iter().rev().nth(1).context("a line with the counts")?["end"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_population_is_whole_counts_what_it_leaves_out_and_is_made_again_from_the_log() -> Result<()> {
    let told = Told::begin()?;
    let ids = told.day().await?;
    told.clock.turn(Millis::minutes(2 * DAY));
    told.day().await?;
    let said = told.population("all", "")?;
    ensure!(said.starts_with("`all` is written: 10 intents, by entries 1 to "), "{said}");
    let five = [("declined", 2), ("done", 4), ("open", 2), ("withdrawn", 2)];
    assert_eq!(counted(&told.path("all"), "outcome")?, counts(&five));

    // Each item says which entry settled it: of the withdrawal that is its last.
    let whole = told.entries().await?;
    for item in lines(&told.path("all"))?.iter().filter(|line| line.get("position").is_some()) {
        let (id, outcome) = (item["id"].as_str().context("an id")?, item["outcome"].as_str());
        let settled = item["settled"].as_u64();
        assert_eq!(settled.is_none(), outcome == Some("open"), "{item}");
        let Some(settled) = settled else { continue };
        let entry = whole.get(usize::try_from(settled)? - 1).context("an entry")?;
        let text = std::str::from_utf8(&entry.entry)?;
        let says = match outcome.context("an outcome")? {
            "done" => "\"closed\"",
            "declined" => "\"declined\"",
            "withdrawn" => "\"withdrawn\"",
            other => anyhow::bail!("{other}"),
        };
        ensure!(*entry.stream == *id && text.contains(says), "{item}: {text}");
    }

    // By day and by type, with what is left out.
    told.population("first", "--since 2026-11-23 --until 2026-11-24 --type discount")?;
    told.population("second", "--since 2026-11-25")?;
    told.population("none", "--type refund")?;
    for (file, count, left_out) in
        [("all", 10, [0, 0, 0]), ("first", 5, [0, 5, 0]), ("second", 5, [5, 0, 0]), ("none", 0, [0, 0, 10])]
    {
        let last = end(&told.path(file))?;
        let found = &last["left_out"];
        let found = ["earlier", "later", "other_types"].map(|name| found[name].as_u64());
        assert_eq!((last["count"].as_u64(), found), (Some(count), left_out.map(Some)), "{file}");
    }

    // Of the other kinds: six decisions, and what each approval writes.
    told.population("decisions", "--of decisions")?;
    let authorities = [("people", 4), ("policy", 2), ("requester", 2)];
    assert_eq!(counted(&told.path("decisions"), "authority")?, counts(&authorities));
    told.population("effects", "--of effects")?;
    assert_eq!(counted(&told.path("effects"), "outcome")?, counts(&[("landed", 12)]));
    assert_eq!(counted(&told.path("effects"), "connection")?, counts(&[("billing", 4), ("crm", 8)]));
    // What the scripted targets do not let be read back is an exception.
    let first = told.until(ids[0], |approval| !approval.exceptions.is_empty()).await?;
    told.population("exceptions", "--of exceptions")?;
    let exceptions = counted(&told.path("exceptions"), "id")?;
    for (id, exception) in &first.exceptions {
        ensure!(exceptions.get(&id.to_string()) == Some(&1), "{id} is missing: {exceptions:?}");
        let cause = exception.cause.as_str();
        ensure!(counted(&told.path("exceptions"), "cause")?.contains_key(cause), "{cause}");
    }

    // The log goes on; up to the checkpoint in the file it says the same, byte for byte.
    told.asked("12%").await?;
    let again = format!("--again --data data --public {}", told.public);
    for file in ["all", "first", "none", "decisions", "effects"] {
        let said = told.done(&format!("audit population {file} {again}"))?;
        ensure!(said.starts_with(&format!("`{file}` is what the log says: ")), "{said}");
    }
    let note = lines(&told.path("all"))?[0]["log"]["checkpoint"].as_str().context("a note")?.to_owned();
    fs::write(told.path("noted"), note)?;
    let under = format!("--checkpoint noted --data data --public {}", told.public);
    told.done(&format!("audit population twice {under}"))?;
    ensure!(fs::read(told.path("all"))? == fs::read(told.path("twice"))?, "the same bytes");
    told.population("later", "")?;
    ensure!(counted(&told.path("later"), "outcome")?["open"] == 3);

    // Nothing is written over, and the table has a row for each item.
    let taken = told.refused("audit population all --data data --key log.key")?;
    ensure!(taken.contains("`all` is there already"), "{taken}");
    told.population("tabled", "--of decisions --csv table.csv")?;
    let table = fs::read_to_string(told.path("table.csv"))?;
    assert_eq!(table.lines().count(), 9, "{table}");
    told.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_changed_in_a_population_is_found_by_the_log_and_by_a_second_verifier() -> Result<()> {
    let told = Told::begin()?;
    told.day().await?;
    told.population("all", "")?;
    told.stop().await?;
    told.done("audit export tiles --data data --key log.key")?;
    let first = lines(&told.path("all"))?[1]["position"].as_u64().context("a place")?;
    let last = lines(&told.path("all"))?[5]["position"].as_u64().context("a place")?;
    assert_eq!(told.judged(&["all", "--tiles", "tiles"])?, format!("yes 5 {first} {last}"));

    let whole = fs::read_to_string(told.path("all"))?;
    let again = format!("audit population other --again --data data --public {}", told.public);
    let check = |what: &str, text: &str, by_log: &str, by_script: &str| -> Result<()> {
        ensure!(text != whole, "{what} is none");
        fs::write(told.path("other"), text)?;
        let said = told.refused(&again)?;
        ensure!(said.contains(by_log), "{what}: {said}");
        let judged = told.judged(&["other", "--tiles", "tiles"])?;
        ensure!(judged.starts_with("no ") && judged.contains(by_script), "{what}: {judged}");
        Ok(())
    };
    let changed = "is not what the log says";
    let (bytes, mut at) = (whole.len(), 0);
    while at < bytes {
        // One byte each, all over the file.
        let mut one = whole.clone().into_bytes();
        one[at] ^= 1;
        check(&format!("byte {at}"), &String::from_utf8(one)?, "", "")?;
        at += bytes / 25;
    }
    check("a cut", &whole[..whole.len() / 2], "", "")?;
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let without = [&lines[..2], &lines[3..]].concat().concat();
    check("an item that is missing", &without, changed, "the bytes do not fit")?;

    // Whoever forges it knows how the last line is made.
    let forged = fitting(&without, |end| end["count"] = 4.into())?;
    check("a forged count", &forged, "line 3 of `other` is not what the log says", "the log has 5 intents")?;
    let hidden = fitting(&without, |end| {
        end["count"] = 4.into();
        end["left_out"]["later"] = 1.into();
    })?;
    // Of what is said to be left out the leaves tell nothing: the log does.
    fs::write(told.path("other"), &hidden)?;
    ensure!(told.refused(&again)?.contains(changed));
    assert!(told.judged(&["other", "--tiles", "tiles"])?.starts_with("yes 4 "));
    let renamed = fitting(&whole.replacen("declined", "approved", 1), |_| ())?;
    fs::write(told.path("other"), &renamed)?;
    ensure!(told.refused(&again)?.contains(changed), "an outcome is what the log says");
    let moved = fitting(&whole.replacen("\"sequence\":1,", "\"sequence\":2,", 1), |_| ())?;
    check("an item of another entry", &moved, changed, "is not at its place in the log")?;

    // Another log with the same key, and a stranger's key.
    let stranger = told.done("audit key acme.example/approvals other.key")?;
    fs::write(told.path("other"), &whole)?;
    let said = told.refused(&format!("audit population other --again --data data --public {stranger}"))?;
    ensure!(said.contains("is not signed by `acme.example/approvals`"), "{said}");
    let elsewhere = Told::begin()?;
    elsewhere.asked("12%").await?;
    fs::copy(told.path("log.key"), elsewhere.path("log.key"))?;
    fs::copy(told.path("all"), elsewhere.path("all"))?;
    let said = elsewhere.refused("audit population all --again --data data --key log.key")?;
    ensure!(said.contains("entries and had") && said.contains("at the checkpoint"), "{said}");
    elsewhere.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_is_drawn_again_by_its_seed_by_the_program_a_script_and_sha256sum() -> Result<()> {
    let told = Told::begin()?;
    for _ in 0..4 {
        told.day().await?;
    }
    told.population("all", "")?;
    let draw = |file: &str, rest: &str| told.done(&format!("audit sample all {file} {rest}"));
    let said = draw("few", "--seed 4-1-6-2 --count 6")?;
    ensure!(said == "`few` is written: 6 of 20 items by seed 4-1-6-2", "{said}");
    draw("strata", "--seed 4-1-6-2 --count 3 --by outcome")?;
    draw("types", "--seed 4-1-6-2 --count 50 --by type")?;
    draw("others", "--seed 4-1-6-3 --count 6")?;
    for file in ["few", "strata", "types", "others"] {
        let judged = told.judged(&["all", "--sample", file])?;
        ensure!(judged.starts_with("yes 20 "), "{file}: {judged}");
    }
    let ids = |file: &str| -> Result<Vec<String>> {
        let lines = lines(&told.path(file))?;
        Ok(lines.iter().filter_map(|line| line["item"]["id"].as_str().map(str::to_owned)).collect())
    };
    ensure!(ids("few")? != ids("others")?, "another seed draws others");
    assert_eq!(ids("few")?, ids("types")?[..6], "a larger sample begins with the smaller one");
    let drawn = lines(&told.path("strata"))?;
    let strata: Vec<&str> = drawn.iter().filter_map(|line| line["stratum"].as_str()).collect();
    let three = |name| std::iter::repeat_n(name, 3);
    let expected: Vec<&str> = ["declined", "done", "open", "withdrawn"].into_iter().flat_map(three).collect();
    assert_eq!(strata, expected);

    // By hand.
    let by_hand = "tail -n +2 all | head -n -2 | sed 's/.*\"id\":\"\\([^\"]*\\)\".*/\\1/' | while read id; do \
                   echo \"$(printf '%s %s' 4-1-6-2 $id | sha256sum | cut -d' ' -f1) $id\"; done | sort | head -n 6 | cut -d' ' -f2";
    let output = Process::new("sh").current_dir(told.folder.path()).args(["-c", by_hand]).output()?;
    let found: Vec<String> = String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect();
    assert_eq!(found, ids("few")?);

    // What is changed in it, or in its population, is found.
    let again = "--again --seed 4-1-6-2 --count 6";
    ensure!(draw("few", again)?.starts_with("`few` is what comes out"));
    let few = fs::read_to_string(told.path("few"))?;
    let swapped = fitting(&few.replacen(&ids("few")?[2], &ids("others")?[0], 2), |_| ())?;
    fs::write(told.path("few"), &swapped)?;
    let said = told.refused(&format!("audit sample all few {again}"))?;
    ensure!(said.contains("line 4 of `few` is not what"), "{said}");
    assert_eq!(told.judged(&["all", "--sample", "few"])?, "no ValueError another sample comes out");
    fs::write(told.path("all"), fs::read_to_string(told.path("all"))?.replacen("declined", "approved", 1))?;
    let said = told.refused("audit sample all new --seed 1 --count 1")?;
    ensure!(said.contains("`all` was changed: its bytes do not fit its last line"), "{said}");
    ensure!(!told.path("new").exists(), "nothing is left behind");
    told.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_one_file_and_one_page_that_are_checked_without_the_log() -> Result<()> {
    let told = Told::begin()?;
    let ids = told.day().await?;
    told.clock.turn(Millis::minutes(2));
    told.until(ids[1], |approval| !approval.watches.is_empty()).await?;
    for (number, id) in ids.iter().enumerate() {
        let case = format!("audit case {id} case-{number} --page page-{number} --data data --key log.key");
        let said = told.done(&case)?;
        ensure!(said.starts_with(&format!("`case-{number}` is written: {id} (")), "{said}");
        let checked = told.done(&format!("audit check case-{number} --public {}", told.public))?;
        ensure!(checked.contains("holds what it says"), "{checked}");
        let again = format!("audit case {id} case-{number} --again --data data --public {}", told.public);
        told.done(&again)?;
        assert_eq!(told.judged(&["--case", &format!("case-{number}")])?, format!("yes {id}"));
    }
    // What a person approved: every link is there, in the order of the case.
    let case: Json = serde_json::from_slice(&fs::read(told.path("case-1"))?)?;
    let links = case["chain"]["links"].as_array().context("links")?;
    let abouts: Vec<&str> = links.iter().filter_map(|link| link["about"].as_str()).collect();
    let mut once = abouts.clone();
    once.dedup();
    // What the scripted targets do not let be read back is an exception.
    once.retain(|about| !["reconciliation", "exception"].contains(about));
    assert_eq!(once, ["intent", "policy", "answer", "decision", "write-plan", "attempt", "receipt", "end"]);
    assert_eq!(abouts.iter().filter(|about| **about == "receipt").count(), 3);
    let page = fs::read_to_string(told.path("page-1"))?;
    ensure!(page.contains("`sales-manager-1` approves in 1 of its seats"), "{page}");
    ensure!(page.contains("every check holds") && !page.contains("does not fit"), "{page}");
    let open: Json = serde_json::from_slice(&fs::read(told.path("case-4"))?)?;
    assert_eq!(open["chain"]["missing"][0], "a decision: it is open");

    // Whatever is changed in it is found by two programs.
    let whole = fs::read_to_string(told.path("case-1"))?;
    let check = |what: &str, text: &str, expected: &str| -> Result<()> {
        ensure!(text != whole, "{what} is none");
        fs::write(told.path("other"), text)?;
        let said = told.refused(&format!("audit check other --public {}", told.public))?;
        ensure!(said.contains(expected), "{what}: {said}");
        Ok(())
    };
    let voter =
        whole.replacen("\\\"person\\\":\\\"sales-manager-1\\\"", "\\\"person\\\":\\\"sales-manager-2\\\"", 1);
    check("another voice", &voter, "its text is not what its SHA-256 says")?;
    assert!(told.judged(&["--case", "other"])?.starts_with("no "));
    check("another link", &whole.replacen("approves in 1", "approves in 2", 1), "its links are not those")?;
    check(
        "another root",
        &whole.replacen("\"entries\": ", "\"entries\": 1", 1),
        "its log is not that of its checkpoint",
    )?;
    let mut without = case.clone();
    without["entries"].as_array_mut().context("entries")?.remove(2);
    check(
        "an entry that is missing",
        &serde_json::to_string_pretty(&without)?,
        "entry 3 of the intent is missing",
    )?;
    let mut swapped = case.clone();
    let proof = swapped["entries"][3]["proof"].clone();
    swapped["entries"][2]["proof"] = proof;
    check(
        "a proof of another entry",
        &serde_json::to_string_pretty(&swapped)?,
        "its proof is of another entry",
    )?;
    let bytes = whole.len();
    for at in (0..bytes).step_by(bytes / 40) {
        let mut one = whole.clone().into_bytes();
        one[at] ^= 1;
        let Ok(text) = String::from_utf8(one) else { continue };
        // White space that JSON does not mind is found by the log alone.
        fs::write(told.path("other"), &text)?;
        let again = format!("audit case {} other --again --data data --public {}", ids[1], told.public);
        told.refused(&again)?;
    }
    let none = told.refused("audit case int_00000000000000000000000001 none --data data --key log.key")?;
    ensure!(none.contains("has no intent `int_00000000000000000000000001`"), "{none}");
    told.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_whose_end_is_cut_off_is_whole_in_itself_and_the_tiles_have_more() -> Result<()> {
    let told = Told::begin()?;
    let ids = told.day().await?;
    told.done(&format!("audit case {} case-1 --data data --key log.key", ids[1]))?;
    // The log grows meanwhile.
    told.asked("4%").await?;
    told.stop().await?;
    told.done("audit export tiles --data data --key log.key")?;
    assert_eq!(told.judged(&["--case", "case-1", "--tiles", "tiles"])?, format!("yes {}", ids[1]));
    let mut cut: Json = serde_json::from_slice(&fs::read(told.path("case-1"))?)?;
    let entries = cut["entries"].as_array_mut().context("entries")?;
    let own = entries.iter().filter(|entry| entry["stream"] == ids[1].to_string()).count();
    entries.retain(|entry| entry["stream"] != ids[1].to_string() || entry["sequence"] != own);
    fs::write(told.path("other"), serde_json::to_string_pretty(&cut)?)?;
    assert_eq!(told.judged(&["--case", "other"])?, format!("yes {}", ids[1]));
    let says = format!("no ValueError the log has {own} entries of the intent, and the case {}", own - 1);
    assert_eq!(told.judged(&["--case", "other", "--tiles", "tiles"])?, says);
    Ok(())
}

/// Copies the log into another folder, with what `change` makes of each entry.
async fn forged(told: &Told, to: &str, change: impl Fn(&str) -> String) -> Result<()> {
    let mut ends = BTreeMap::new();
    let store = LocalStore::open(Options::at(told.path(to)))?;
    for logged in told.entries().await? {
        let text = change(std::str::from_utf8(&logged.entry)?);
        let end: &mut u64 = ends.entry(logged.stream.clone()).or_default();
        let entries = vec![text.into_bytes().into()];
        let append =
            Append { stream: logged.stream, expected: *end, entries, errands: Vec::new(), row: None };
        store.append(Batch { appends: vec![append], caller_key: None }).await?;
        *end += 1;
    }
    store.close()?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breach_that_somebody_wrote_into_the_log_is_found_and_none_is_told_from_nothing_looked_at()
-> Result<()> {
    let told = Told::begin()?;
    let ids = told.day().await?;
    let duties = |file: &str, data: &str, more: &str| {
        let command = format!("audit duties {file} {more} --data {data} --key log.key");
        told.run(&command.replace("  ", " "))
    };
    let clean = duties("clean", "data", "")?;
    ensure!(clean.code == Some(0), "{clean:?}");
    let line = |rule: &str, text: &str| {
        text.lines().find(|line| line.starts_with(rule)).unwrap_or_default().to_owned()
    };
    let asked = line("asked-and-decided", &clean.out);
    ensure!(asked.contains("0") && asked.ends_with("2 decisions of persons"), "{}", clean.out);
    let stake = line("stake-and-decided", &clean.out);
    ensure!(stake.contains("nothing to look at: no voices on changes"), "{}", clean.out);
    let later = duties("later", "data", "--since 2026-12-01")?;
    ensure!(line("asked-and-decided", &later.out).contains("nothing to look at"), "{later:?}");
    told.done(&format!("audit duties clean --again --data data --public {}", told.public))?;

    told.population("before", "")?;

    // The requester's own voice in the place of the manager's.
    let voice = |text: &str| {
        let is_voice = text.contains("\"voted\"") || text.contains("\"approved\":{\"authority\":{\"people\"");
        if is_voice { text.replace("sales-manager-1", "ae-1") } else { text.to_owned() }
    };
    forged(&told, "forged", voice).await?;
    let found = duties("breach", "forged", "")?;
    ensure!(found.code == Some(1), "{found:?}");
    ensure!(
        found.err.contains(&format!("{} `ae-1` decides on what they asked for (entries ", ids[1])),
        "{found:?}"
    );
    let breaches = lines(&told.path("breach"))?;
    let breach = breaches.iter().find(|line| line["meaning"] == "breach").context("a breach")?;
    let entries: Vec<u64> = serde_json::from_value(breach["entries"].clone())?;
    let voted = told.store.scan(Position(entries[1]), 1).await?;
    ensure!(std::str::from_utf8(&voted[0].entry)?.contains("\"voted\""), "the entry is the voice");
    ensure!(*voted[0].stream == *ids[1].to_string());
    assert_eq!(end(&told.path("breach"))?["rules"]["asked-and-decided"]["found"], 1);

    // Whoever noted a checkpoint before sees that it is another log.
    let said =
        told.refused(&format!("audit population before --again --data forged --public {}", told.public))?;
    ensure!(said.contains("entries of the log are not those of the checkpoint"), "{said}");

    // Its case does not fit together either, and says where.
    let case = told.refused(&format!("audit case {} case --data forged --key log.key", ids[1]))?;
    ensure!(case.contains("`ae-1` decides: asked for it is not did not ask for it"), "{case}");
    // Nor does one in which something else was sealed.
    let later = |text: &str| {
        let is_sealed = text.contains("\"sealed\"");
        if is_sealed { text.replacen("\"expires\":1", "\"expires\":2", 1) } else { text.to_owned() }
    };
    forged(&told, "resealed", later).await?;
    let case = told.refused(&format!("audit case {} resealed-case --data resealed --key log.key", ids[1]))?;
    ensure!(
        case.contains("seal: on record, and made again of intent, policy version and write plan"),
        "{case}"
    );
    // Nor one that the policy is said to have approved, which had asked for people.
    let by_policy = |text: &str| match text.contains("\"approved\":{\"authority\":{\"people\"") {
        true => text.replace("{\"people\":[\"sales-manager-1\"]}", "\"policy\""),
        false => text.to_owned(),
    };
    forged(&told, "unasked", by_policy).await?;
    let case = told.refused(&format!("audit case {} unasked-case --data unasked --key log.key", ids[1]))?;
    ensure!(case.contains("answer of the policy: needs people is not approve"), "{case}");
    told.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn reviews_of_access_are_listed_from_the_log_and_one_of_an_own_right_is_a_breach() -> Result<()> {
    let told = Told::begin()?;
    let says = async |by: &str, of: &[(&str, Said)]| {
        let by: PersonId = by.parse()?;
        let ask = |rulebook: &Rulebook, reviews: &Reviews, now: Timestamp| {
            let rights = access::rights(rulebook, &[], now);
            let asked: Vec<Asked> = of
                .iter()
                .filter_map(|(person, said)| {
                    let is =
                        |right: &&Right| right.what == "pool finance" && right.person.as_str() == *person;
                    let id = rights.iter().find(is)?.id();
                    Some(Asked { id, said: *said, reason: "as it was read".to_owned() })
                })
                .collect();
            Ok::<_, Fault>(access::decide((rulebook.directory(), &rights), reviews, &by, &asked)?)
        };
        told.engine.review_access(&by, None, ask).await?;
        anyhow::Ok(())
    };
    says("finance-lead", &[("finance-1", Said::Keep), ("finance-2", Said::Remove)]).await?;
    told.clock.turn(Millis::minutes(2 * DAY));
    says("revops-1", &[("finance-lead", Said::Keep), ("finance-1", Said::Keep)]).await?;
    let list = |file: &str, data: &str, more: &str| {
        told.run(&format!("audit access {file} {more} --data {data} --key log.key").replace("  ", " "))
    };
    let all = list("all", "data", "")?;
    ensure!(all.code == Some(0), "{all:?}");
    ensure!(all.out.contains("verdicts of 2 reviews, 3 keep and 1 remove; of "), "{all:?}");
    let verdicts: Vec<Json> =
        lines(&told.path("all"))?.into_iter().filter(|line| line.get("position").is_some()).collect();
    let of: Vec<_> = verdicts
        .iter()
        .map(|one| (one["by"].as_str(), one["right"]["person"].as_str(), one["said"].as_str()))
        .collect();
    assert_eq!(of[1], (Some("finance-lead"), Some("finance-2"), Some("remove")));
    assert_eq!((of.len(), verdicts[1]["reason"].as_str()), (4, Some("as it was read")));
    ensure!(
        verdicts[0]["right"]["leads_to"].as_array().is_some_and(|leads| !leads.is_empty()),
        "{verdicts:?}"
    );
    let place = verdicts[0]["position"].as_u64().context("a place")?;
    let logged = told.store.scan(Position(place), 1).await?;
    ensure!(*logged[0].stream == *"access/1");
    assert_eq!(verdicts[0]["entry"], countersign_core::hash::Digest::of(&logged[0].entry).to_string());

    list("later", "data", "--since 2026-11-24")?;
    let counts = end(&told.path("later"))?;
    assert_eq!((&counts["reviews"], &counts["earlier"]), (&1.into(), &1.into()), "{counts}");
    told.done(&format!("audit access all --again --data data --public {}", told.public))?;

    // Somebody writes into the log that they keep what they have.
    let own = |text: &str| match text.contains("\"by\":\"revops-1\"") && text.contains("\"reviewed\"") {
        true => text.replace("\"by\":\"revops-1\"", "\"by\":\"finance-lead\""),
        false => text.to_owned(),
    };
    forged(&told, "forged", own).await?;
    let found = list("breach", "forged", "")?;
    ensure!(found.code == Some(1), "{found:?}");
    ensure!(found.err.contains("`finance-lead` reviews `pool finance` (entry "), "{found:?}");
    let said = told.refused(&format!("audit access all --again --data forged --public {}", told.public))?;
    ensure!(said.contains("line 4 of `all` is not what the log says"), "{said}");
    told.stop().await?;
    Ok(())
}

#[test]
fn a_host_that_runs_is_asked_for_the_checkpoint_and_its_log_is_read_beside_it() -> Result<()> {
    let mut house = House::start()?;
    house.host.start()?;
    house.asked()?;
    house.asked()?;
    let said = house.done(&["audit", "population", "all", "--public", &house.public, "--quiet"])?;
    ensure!(said.starts_with("`all` is written: 2 intents"), "{said}");
    house.asked()?;
    let again = ["audit", "population", "all", "--again", "--public", &house.public, "--quiet"];
    ensure!(house.done(&again)?.starts_with("`all` is what the log says: 2 intents"));
    let duties = ["audit", "duties", "duties", "--public", &house.public, "--quiet"];
    ensure!(house.done(&duties)?.starts_with("`duties` is written"));
    house.host.stop()?;
    ensure!(house.done(&again)?.starts_with("`all` is what the log says: 2 intents"), "and without it");
    Ok(())
}

#[test]
fn a_log_in_a_database_is_read_beside_the_host_that_writes_to_it() -> Result<()> {
    let server = Postgres::shared()?;
    let url = server.database()?;
    let mut house = House::noting(|folder| {
        fs::write(folder.join("database.url"), &url)?;
        Ok("[data]\ndatabase = \"file:database.url\"\n".to_owned())
    })?;
    house.host.start()?;
    let id = house.asked()?;
    house.asked()?;
    let said = house.done(&["audit", "population", "all", "--public", &house.public, "--quiet"])?;
    ensure!(said.starts_with("`all` is written: 2 intents"), "{said}");
    house.done(&["audit", "case", &id, "case", "--public", &house.public, "--quiet"])?;
    house.done(&["audit", "check", "case", "--public", &house.public])?;
    house.asked()?;
    let again = ["audit", "population", "all", "--again", "--public", &house.public, "--quiet"];
    ensure!(house.done(&again)?.starts_with("`all` is what the log says: 2 intents"));
    house.host.stop()?;
    Ok(())
}
