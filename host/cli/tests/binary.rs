//! The program as an operator meets it: from an empty folder to a host that listens and stops when
//! it is told to. No connector is needed.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// The program, in a folder, without anything of the caller's environment that it would read.
fn countersign(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    for name in ["COUNTERSIGN_URL", "COUNTERSIGN_TOKEN", "COUNTERSIGN__SERVER__LISTEN", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    countersign(folder, arguments).output().expect("the program runs")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder as `init` leaves it.
fn house() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let begun = run(folder.path(), &["init", "--quiet"]);
    assert_eq!(begun.status.code(), Some(0), "{}", err(&begun));
    folder
}

/// Starts a host on a free port; gives it with the address that it says on its first line.
fn started(folder: &Path, arguments: &[&str]) -> (Child, String) {
    let mut host = countersign(folder, arguments)
        .env("COUNTERSIGN__SERVER__LISTEN", "127.0.0.1:0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the host starts");
    let mut lines = BufReader::new(host.stdout.take().expect("its output")).lines();
    let address = lines.find_map(|line| line.ok()?.strip_prefix("listening on http://").map(str::to_owned));
    (host, address.expect("it says where it listens"))
}

/// Asks a host for a path and gives the first line of the answer.
fn answer(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")
        .expect("it is asked");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    text.lines().next().unwrap_or_default().to_owned()
}

/// Sends a form of a page of a host and gives the answer.
fn sent(address: &str, path: &str, form: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}",
        form.len()
    );
    write!(stream, "{head}\r\n\r\n{form}").expect("it is sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    text
}

/// Sends a host the signal of a supervisor and waits; gives its exit code.
fn stopped(mut host: Child) -> Option<i32> {
    let signal = Command::new("kill").args(["-TERM", &host.id().to_string()]).status().expect("kill runs");
    assert!(signal.success());
    host.wait().expect("it ends").code()
}

#[test]
fn check_names_every_way_to_tell_people_that_nobody_configured() {
    let house = house();
    let people = house.path().join("people.md");
    let text = std::fs::read_to_string(&people).expect("people.md");
    let rows = "## Contacts\n\n| person | by | address |\n|---|---|---|\n\
                | ae-1 | mail | sam@example.com |\n| ae-2 | mail | kim@example.com |\n\
                | ae-2 | webhook | chat |\n\n## Pools";
    std::fs::write(&people, text.replacen("## Pools", rows, 1)).expect("it is written");
    let checked = run(house.path(), &["check"]);
    assert_eq!(checked.status.code(), Some(0), "{}{}", out(&checked), err(&checked));
    let mail =
        "warning: `people.md` has 2 contacts by `[mail]`, which is not configured: they are told nothing";
    assert!(out(&checked).contains(mail), "{}", out(&checked));
    assert!(out(&checked).contains("`people.md` has 1 contact by `[webhook.chat]`"), "{}", out(&checked));
    assert!(out(&checked).contains("nobody of `audit`, `billing`,"), "{}", out(&checked));
    let file = house.path().join("countersign.toml");
    let mut text = std::fs::read_to_string(&file).expect("countersign.toml");
    text.push_str(
        "\n[mail]\nserver = \"127.0.0.1\"\nsecurity = \"none\"\nfrom = \"approvals@example.com\"\n",
    );
    std::fs::write(&file, text).expect("it is written");
    let checked = run(house.path(), &["check"]);
    assert!(!out(&checked).contains("`[mail]`"), "{}", out(&checked));
    assert!(out(&checked).contains("`[webhook.chat]`"), "{}", out(&checked));
}

#[test]
fn what_init_writes_is_clean_for_check_and_doctor() {
    let house = house();
    let checked = run(house.path(), &["check"]);
    assert_eq!(checked.status.code(), Some(0), "{}{}", out(&checked), err(&checked));
    assert!(out(&checked).contains("nothing is wrong"), "{}", out(&checked));
    let healthy = run(house.path(), &["doctor", "--offline", "--json"]);
    assert_eq!(healthy.status.code(), Some(0), "{}", out(&healthy));
    assert!(out(&healthy).contains("\"disk flush\""), "{}", out(&healthy));
}

#[test]
fn a_house_that_takes_unsigned_connectors_hears_of_it_from_doctor_and_at_each_start() {
    let house = house();
    let file = house.path().join("countersign.toml");
    let without = std::fs::read_to_string(&file).expect("it reads");
    let said = |text: &str| {
        std::fs::write(&file, text).expect("it is written");
        let looked = run(house.path(), &["doctor", "--offline", "--json"]);
        assert_eq!(looked.status.code(), Some(0), "{}", out(&looked));
        // It cannot serve: the address is nobody's.
        let began =
            countersign(house.path(), &["serve"]).env("COUNTERSIGN__SERVER__LISTEN", "192.0.2.1:1").output();
        (
            out(&looked).contains("`unsigned = true`"),
            err(&began.expect("the program runs")).contains("`unsigned = true`"),
        )
    };
    assert_eq!(said(&without), (false, false));
    assert_eq!(said(&without.replacen("[connectors]\n", "[connectors]\nunsigned = true\n", 1)), (true, true));
}

#[test]
fn a_mistake_has_its_place_and_the_way_out_and_wrong_configuration_is_3() {
    let house = house();
    let file = house.path().join("countersign.toml");
    std::fs::write(&file, "[server]\nlisen = \"127.0.0.1:1\"\n").expect("it is changed");
    let refused = run(house.path(), &["serve"]);
    assert_eq!(refused.status.code(), Some(3));
    let said = err(&refused);
    assert!(
        said.contains("countersign.toml:2: there is no `lisen`") && said.contains("try: `listen`"),
        "{said}"
    );
    assert_eq!(run(house.path(), &["check"]).status.code(), Some(1), "to a check the answer is no");
}

#[test]
fn a_host_says_where_it_listens_answers_and_ends_with_0_when_it_is_told_to() {
    let house = house();
    for arguments in [&["serve"][..], &["dev", "--data", "tried"], &["dev"]] {
        let (host, address) = started(house.path(), arguments);
        assert_eq!(answer(&address, "/readyz"), "HTTP/1.1 200 OK", "{arguments:?}");
        assert_eq!(answer(&address, "/v1/intents"), "HTTP/1.1 401 Unauthorized", "{arguments:?}");
        assert_eq!(stopped(host), Some(0), "{arguments:?}");
    }
    let verified = run(house.path(), &["audit", "verify", "--quiet"]);
    assert_eq!(verified.status.code(), Some(0), "{}", err(&verified));
    // What was tried is no record of a host, and a host's record is no place to try something.
    let refused = countersign(house.path(), &["serve"]).env("COUNTERSIGN__DATA__FOLDER", "tried").output();
    let refused = refused.expect("the program runs");
    assert_eq!(refused.status.code(), Some(3), "{}", err(&refused));
    assert!(err(&refused).contains("tried` is a data folder of `countersign dev`"), "{}", err(&refused));
    let refused = run(house.path(), &["dev", "--data", "data"]);
    assert_eq!(refused.status.code(), Some(3), "{}", err(&refused));
    assert!(err(&refused).contains("data` is the data folder of a host"), "{}", err(&refused));
}

#[test]
fn a_host_to_try_things_on_says_with_what_its_people_sign_in() {
    let house = house();
    let mut dev = countersign(house.path(), &["dev", "--port", "0", "--json"]);
    let mut host = dev.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program runs");
    let mut said = String::new();
    let stdout = host.stdout.take().expect("stdout");
    let mut lines = BufReader::new(stdout).lines();
    while !said.ends_with("\n}\n") {
        said.push_str(&lines.next().expect("it says how to get in").expect("text"));
        said.push('\n');
    }
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let address = said["url"].as_str().and_then(|url| url.strip_prefix("http://")).expect("an address");
    let password = said["password"].as_str().expect("a password");
    let signs_in = |person: &str, password: &str| {
        let form = format!("person={person}&password={password}&next=");
        sent(address, "/sign-in", &form)
    };
    for person in ["sales-manager-1", "ae-1"] {
        let answer = signs_in(person, password);
        assert!(answer.contains("location: /inbox"), "{answer}");
    }
    let answer = signs_in("ae-1", "another password of many letters");
    assert!(!answer.contains("location:"), "{answer}");
    assert_eq!(stopped(host), Some(0));
}

#[test]
fn a_token_of_the_command_line_opens_the_door_and_nobody_at_the_address_is_4() {
    let house = house();
    let made = run(house.path(), &["token", "create", "ae-1", "--quiet"]);
    let token = out(&made).trim().to_owned();
    assert!(token.starts_with("cs_live_"), "{token}");
    let (host, address) = started(house.path(), &["serve"]);
    let url = format!("http://{address}");
    let list = ["intent", "list", "--json", "--url", &url, "--token", &token];
    let listed = run(house.path(), &list);
    assert_eq!(listed.status.code(), Some(0), "{}", err(&listed));
    assert!(out(&listed).contains("\"items\": []"), "{}", out(&listed));
    assert_eq!(stopped(host), Some(0));
    assert_eq!(run(house.path(), &list).status.code(), Some(4));
}

#[test]
fn a_pricing_manager_sees_what_a_changed_threshold_decides_otherwise() {
    let house = house();
    let checked = run(house.path(), &["policy", "check"]);
    assert_eq!(checked.status.code(), Some(0), "{}{}", out(&checked), err(&checked));
    let policies = house.path().join("policies");
    let text = std::fs::read_to_string(policies.join("discount.policy.md")).expect("it reads");
    let drafts = tempfile::tempdir().expect("a folder");
    let draft = drafts.path().join("discount.policy.md");
    assert!(text.contains("<= 5%"), "the starter's first threshold has moved: change this test");
    std::fs::write(&draft, text.replace("<= 5%", "<= 6%")).expect("it is written");
    let draft = draft.to_str().expect("a name");
    let diff = run(house.path(), &["policy", "diff", draft]);
    assert_eq!(diff.status.code(), Some(0), "{}{}", out(&diff), err(&diff));
    assert!(out(&diff).contains("now approve"), "{}", out(&diff));
    let text = out(&diff);
    let mut regions: Vec<_> = text.lines().filter(|line| line.starts_with("segment")).collect();
    let count = regions.len();
    regions.sort_unstable();
    regions.dedup();
    assert_eq!(regions.len(), count, "no region is told twice");
    let same = policies.join("discount.policy.md");
    let same = run(house.path(), &["policy", "diff", same.to_str().expect("a name")]);
    assert!(out(&same).contains("nothing is decided otherwise"), "{}", out(&same));
}

#[test]
fn a_policy_with_a_gap_fails_the_check_with_its_place() {
    let house = house();
    let file = house.path().join("policies/discount.policy.md");
    let text = std::fs::read_to_string(&file).expect("it reads");
    let without_catch_all: Vec<_> = text.lines().filter(|line| !line.starts_with("| rest ")).collect();
    assert_ne!(without_catch_all.len(), text.lines().count(), "the starter's catch-all row has moved");
    std::fs::write(&file, without_catch_all.join("\n")).expect("it is written");
    let checked = run(house.path(), &["policy", "check", "discount"]);
    assert_eq!(checked.status.code(), Some(1), "{}{}", out(&checked), err(&checked));
    let gap = "discount.policy.md:";
    assert!(out(&checked).contains(gap) && out(&checked).contains("error gap"), "{}", out(&checked));
}

#[test]
fn suggested_examples_are_the_same_in_words_and_in_json() {
    let house = house();
    let words = run(house.path(), &["policy", "check", "discount", "--suggest"]);
    let json = run(house.path(), &["policy", "check", "discount", "--suggest", "--json"]);
    assert_eq!((words.status.code(), json.status.code()), (Some(0), Some(0)), "{}", err(&json));
    let all: serde_json::Value = serde_json::from_str(&out(&json)).expect("it is JSON");
    assert_eq!((all.as_array().map(Vec::len), &all[0]["intent"]), (Some(1), &"discount".into()));
    let examples = all[0]["examples"].as_array().expect("examples");
    // The file's name, the header and the line below it stand before the rows.
    assert_eq!(out(&words).lines().count(), 3 + examples.len());
    for (example, row) in examples.iter().zip(out(&words).lines().skip(3)) {
        let case = example["case"].as_str().expect("a name");
        assert!(row.starts_with(&format!("| {case} | ")), "{row}");
    }
    let every = run(house.path(), &["policy", "check", "--suggest", "--json"]);
    let every: serde_json::Value = serde_json::from_str(&out(&every)).expect("it is JSON");
    assert_eq!(every.as_array().map(Vec::len), Some(3));

    let unknown = run(house.path(), &["policy", "check", "discuont", "--suggest"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", err(&unknown));
    let file = house.path().join("policies/discount.policy.md");
    let text = std::fs::read_to_string(&file).expect("it reads");
    std::fs::write(&file, text.replacen("<= 5% ", "<= 5 ", 1)).expect("it is written");
    let broken = run(house.path(), &["policy", "check", "--suggest", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&out(&broken)).expect("it is JSON");
    assert_eq!((broken.status.code(), &report["passes"]), (Some(1), &false.into()), "{report}");
    assert!(!report["faults"].as_array().expect("faults").is_empty());
}

/// A changed copy of the starter's discount policy, outside of the house.
fn draft(house: &Path, from: &str, to: &str) -> (tempfile::TempDir, String) {
    let text = std::fs::read_to_string(house.join("policies/discount.policy.md")).expect("it reads");
    assert!(text.contains(from), "the starter lacks {from}: change this test");
    let drafts = tempfile::tempdir().expect("a folder");
    let file = drafts.path().join("discount.policy.md");
    std::fs::write(&file, text.replacen(from, to, 1)).expect("it is written");
    let name = file.to_str().expect("a name").to_owned();
    (drafts, name)
}

/// One line of a file of recorded intents.
fn recorded(percent: &str, amount: &str, rest: &str) -> String {
    format!(
        r#"{{"tokens":{{"quote_id":"q","customer_id":"a","discount_percent":"{percent}","amount":{{"amount":"{amount}","currency":"USD"}},"term_months":12,"payment_days":30,"reason":"volume"}},"facts":{{"segment":"smb","margin":"40%","renewal":false}}{rest}}}"#
    )
}

#[test]
fn a_pricing_manager_sees_what_a_changed_threshold_does_to_recorded_intents() {
    let house = house();
    let (_drafts, draft) = draft(house.path(), "smb-auto  | smb     | <= 5%", "smb-auto  | smb     | <= 8%");
    let file = house.path().join("old.jsonl");
    let lines = [
        recorded("4%", "1000.00", r#","outcome":"approve","fate":"approved""#),
        recorded("7%", "30000.00", r#","outcome":"manager","fate":"declined""#),
        recorded("12%", "2000.00", ""),
    ];
    std::fs::write(&file, lines.join("\n")).expect("it is written");
    let from = ["policy", "backtest", draft.as_str(), "--from", "old.jsonl"];
    let tried = run(house.path(), &from);
    assert_eq!(tried.status.code(), Some(0), "{}{}", out(&tried), err(&tried));
    let text = out(&tried);
    for line in [
        "newly approved: 1 (30000.00 USD)",
        "of these declined by people: 1 (30000.00 USD)",
        "line 2: 30000.00 USD, was manager, would be approve (declined by people)",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let limited: Vec<&str> = from.iter().copied().chain(["--max-newly-approved", "0", "--json"]).collect();
    let (one, two) = (run(house.path(), &limited), run(house.path(), &limited));
    assert_eq!(one.status.code(), Some(1), "{}", err(&one));
    assert!(err(&one).contains("1 intents would newly be approved; at most 0 may be"), "{}", err(&one));
    assert!(out(&one).contains("\"newly_approved\"") && one.stdout == two.stdout, "equal bytes");
    let bad = [lines[0].clone(), "oops".to_owned(), recorded("7", "1.00", r#","fate":"lost""#)].join("\n");
    std::fs::write(&file, bad).expect("it is written");
    let refused = run(house.path(), &from);
    assert_eq!(refused.status.code(), Some(1), "{}", out(&refused));
    for place in
        ["`old.jsonl`: 3 faults", "line 2: no JSON", "line 3: `/tokens/discount_percent`", "line 3: `/fate`"]
    {
        assert!(err(&refused).contains(place), "{place}\n{}", err(&refused));
    }
}

#[test]
fn a_running_host_tries_a_policy_on_its_log_and_its_folder_is_left_alone() {
    let house = house();
    let (_drafts, draft) = draft(house.path(), "<= 5%", "<= 6%");
    let token = out(&run(house.path(), &["token", "create", "ae-1", "--quiet"])).trim().to_owned();
    let (host, address) = started(house.path(), &["serve"]);
    let url = format!("http://{address}");
    let asked = ["policy", "backtest", &draft, "--since", "90d", "--url", &url, "--token", &token, "--quiet"];
    let tried = run(house.path(), &asked);
    assert_eq!(tried.status.code(), Some(0), "{}", err(&tried));
    assert!(out(&tried).starts_with("discount: 0 recorded intents since "), "{}", out(&tried));
    let data = ["policy", "backtest", &draft, "--data", "data"];
    let held = run(house.path(), &data);
    assert_eq!(held.status.code(), Some(75), "{}", err(&held));
    assert!(err(&held).contains("leave `--data` out"), "{}", err(&held));
    assert_eq!(stopped(host), Some(0));
    let offline = run(house.path(), &data);
    assert_eq!(offline.status.code(), Some(0), "{}", err(&offline));
    assert!(out(&offline).starts_with("discount: 0 recorded intents\n"), "{}", out(&offline));
    assert_eq!(run(house.path(), &asked).status.code(), Some(4), "nobody is there any more");
    let unused = run(house.path(), &["policy", "check", "discount", "--since", "90d"]);
    assert_eq!(unused.status.code(), Some(0), "{}{}", out(&unused), err(&unused));
    assert!(out(&unused).contains("fired 0 times in 90 days (0 decisions)"), "{}", out(&unused));
}

#[test]
fn a_spent_budget_is_seen_in_one_line_and_whole_and_nothing_new_is_taken() {
    let house = house();
    let path = house.path().join("intents/discount.intent.md");
    let text = std::fs::read_to_string(&path).expect("the intent type");
    let row = "| exception budget | 1 in 7d, warn at 50%, then refuse |\n| QA checkpoint ";
    std::fs::write(&path, text.replacen("| QA checkpoint ", row, 1)).expect("it is written");
    let token = out(&run(house.path(), &["token", "create", "ae-1", "--quiet"])).trim().to_owned();
    let (host, address) = started(house.path(), &["serve"]);
    let url = format!("http://{address}");
    let asked = |arguments: &[&str]| {
        let door = ["--url", &url, "--token", &token];
        run(house.path(), &[arguments, &door].concat())
    };
    let calm = asked(&["exception", "budget"]);
    assert_eq!(calm.status.code(), Some(0), "{}", err(&calm));
    assert!(out(&calm).contains("0 of 1"), "{}", out(&calm));
    // No connection is configured, so nothing can be found out about the quote: a person must look.
    let submit = [
        "intent",
        "submit",
        "discount",
        "--wait",
        "60",
        "--set",
        "quote_id=q-1",
        "--set",
        "customer_id=a-1",
        "--set",
        "discount_percent=12%",
        "--set",
        r#"amount:={"amount":"12000.00","currency":"USD"}"#,
        "--set",
        "term_months:=12",
        "--set",
        "payment_days:=30",
        "--set",
        "reason=volume",
    ];
    let first = asked(&submit);
    assert!(out(&first).contains("unsettled"), "{}{}", out(&first), err(&first));
    let second = asked(&submit);
    assert!(
        err(&second).contains("CS-E0171") && err(&second).contains("can give it back"),
        "{}",
        err(&second)
    );
    let line = asked(&["exception", "budget"]);
    assert_eq!(line.status.code(), Some(1), "a spent budget is a no: {}", err(&line));
    assert!(out(&line).contains("spent") && out(&line).contains("1 of 1"), "{}", out(&line));
    let whole = asked(&["exception", "budget", "discount"]);
    assert_eq!(whole.status.code(), Some(1), "{}", err(&whole));
    for part in
        ["nothing new is taken, until", "answers for it, in int_", "by day", "in common", "unsure", "volume"]
    {
        assert!(out(&whole).contains(part), "{part}\n{}", out(&whole));
    }
    let rows = asked(&["exception", "budget", "discount", "--rows"]);
    assert_eq!(rows.status.code(), Some(0), "{}", err(&rows));
    assert!(out(&rows).starts_with("no row is suggested"), "{}", out(&rows));
    let owned = asked(&["ownership", "discount"]);
    assert!(out(&owned).contains("Exception budget: 1 in 7d, warn at 50%, then refuse."), "{}", out(&owned));
    let none = asked(&["exception", "budget", "refund"]);
    assert!(err(&none).contains("`refund` has no exception budget"), "{}", err(&none));
    assert_eq!(stopped(host), Some(0));
}
