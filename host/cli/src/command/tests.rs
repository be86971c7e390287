//! The tree of commands, and the words that scripts rely on. What each says of itself stands in
//! `host/docs/reference/commands.md`, which a test of documents writes.

use super::*;
use clap::CommandFactory as _;

#[test]
fn the_tree_of_commands_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn words_that_scripts_use_are_understood() {
    let check = |line: &str| {
        if let Err(fault) = Arguments::try_parse_from(line.split_whitespace()) {
            panic!("{line}\n{fault}");
        }
    };
    check("countersign demo");
    check("countersign dev --port 0");
    check("countersign dev --data house --json");
    check("countersign serve --config countersign.toml");
    check("countersign init house");
    check("countersign check --json");
    check("countersign doctor --offline");
    check("countersign intent list --url http://127.0.0.1:8700");
    check("countersign intent show int_1");
    check("countersign decide int_1 --approve --revision 1");
    check("countersign decide int_1 --decline --revision 1 --reason late");
    check("countersign exception list");
    check("countersign connection sign-in books --again --json");
    check(
        "countersign connection sign-in books --endpoint api --paste --redirect https://approvals.example.com/",
    );
    check("countersign connector build plugins");
    check("countersign connector inspect one.wasm");
    check("countersign connector profile plugins/webhook --json");
    check("countersign connector profile one.wasm --cassettes cassettes --runs 1000");
    check("countersign policy fmt --check");
    check("countersign policy new refund");
    check("countersign policy import book.xlsx --as discount --dry-run");
    check("countersign policy export discount --to xlsx -o book.xlsx");
    check("countersign token create ae-1");
    check("countersign policy publish draft/discount.policy.md --reason memo --accept edge-without-example");
    check("countersign policy rollback discount --reason late");
    check("countersign policy list --json");
    check("countersign policy show discount --version 00 --document");
    check("countersign audit verify --data data");
    check("countersign audit key acme.example/approvals log.key");
    check("countersign audit checkpoint --key log.key --data data");
    check("countersign audit prove int_1 --key log.key --entry entry.json");
    check("countersign audit prove connection/crm --sequence 3 --key log.key");
    check("countersign audit denied --day 2026-11-23 --person ae-1 --json");
    check("countersign policy check --since 90d --data data");
    check("countersign policy backtest new.policy.md --since 90d --max-newly-approved 0 --json");
    check("countersign policy backtest new.policy.md --from old.jsonl");
    check("countersign completions bash");
    check("countersign version --json");
}

#[test]
fn a_word_that_is_not_known_is_wrong_usage() {
    for line in [
        "countersign frobnicate",
        "countersign decide",
        "countersign dev --listen 0.0.0.0:1",
        "countersign policy backtest",
        "countersign policy backtest new.policy.md --since 90",
        "countersign policy backtest new.policy.md --from old.jsonl --data data",
        "countersign policy backtest new.policy.md --from old.jsonl --since 90d",
        "countersign policy check --data data",
        "countersign audit verify --since noted",
        "countersign connection sign-in books --wait 0",
        "countersign connection sign-in books --build 1.0.0",
        "countersign audit check one.tlog-proof --public log.key",
    ] {
        let fault = Arguments::try_parse_from(line.split_whitespace()).expect_err(line);
        assert_eq!(fault.exit_code(), i32::from(crate::exit::USAGE), "{line}");
    }
}
