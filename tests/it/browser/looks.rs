//! What people see of each page of the console: one table, a row a look. A page that is added gets a row here.

use crate::house::{House, Intent};
use crate::world::SMALL;
use anyhow::{Context as _, Result};
use std::collections::BTreeMap;

/// How a page is come to. Words in braces stand for what the [`Scene`] calls so.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    /// Its address is opened.
    Address(&'static str),
    /// Its address is opened, and it leads to another page at once.
    Way(&'static str),
    /// A form of the page at an address is sent, which answers with a page.
    Form(Sent),
    /// Every page brings it.
    Part,
}

/// A form that is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    /// The address of its page.
    pub(crate) at: &'static str,
    /// What must be unfolded first; nothing if it is empty.
    pub(crate) fold: &'static str,
    /// What is written, by its label.
    pub(crate) words: &'static [(&'static str, &'static str)],
    /// The button.
    pub(crate) button: &'static str,
}

/// One look at a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// The page: its method and its path, as the table of pages has them.
    pub(crate) page: &'static str,
    /// Who looks.
    pub(crate) who: &'static str,
    pub(crate) by: By,
    /// What is seen: words that stand on this page and in this state alone.
    pub(crate) says: &'static str,
}

/// Whoever is not signed in.
pub(crate) const NOBODY: &str = "";

const fn look(page: &'static str, who: &'static str, by: By, says: &'static str) -> Look {
    Look { page, who, by, says }
}

const fn form(
    at: &'static str,
    fold: &'static str,
    words: &'static [(&'static str, &'static str)],
    button: &'static str,
) -> By {
    By::Form(Sent { at, fold, words, button })
}

const GET_LINK: &str = "GET /links/{intent}/{notice}/{verb}/{code}";
const POST_LINK: &str = "POST /links/{intent}/{notice}/{verb}/{code}";
const EXCEPTION: &str = "GET /intents/{id}/exceptions/{exception}";
const CLOSURES: &str = "GET /intents/{id}/exceptions/{exception}/closures";
const ADOPTIONS: &str = "GET /intents/{id}/exceptions/{exception}/adoptions";
const COMPARED: &str = "GET /intents/{id}/reconciliation";
const CHANGE: &str = "GET /policies/{name}/change";
const CONNECTOR: &str = "GET /connectors/{id}";
const WRONG: [(&str, &str); 2] = [("Person", "ae-1"), ("Password", "not this one at all")];

/// What has no look of its own, and the page that shows what comes of it; or whose content it is, in a file.
pub(crate) const BEHIND: [(&str, &str); 12] = [
    ("POST /people/returns", "GET /people"),
    ("GET /intents/{id}/proof", "GET /audit"),
    ("POST /connectors/{id}/rollbacks", CONNECTOR),
    ("POST /connectors/{id}/activations", CONNECTOR),
    ("POST /connectors/{id}/releases", CONNECTOR),
    ("POST /connectors/{id}/quarantines", CONNECTOR),
    ("POST /intents/{id}/exceptions/{exception}/closures", EXCEPTION),
    ("POST /intents/{id}/exceptions/{exception}/adoptions", EXCEPTION),
    ("POST /policies/{name}/rollback", "GET /policies/{name}"),
    ("GET /measures.csv", "GET /measures"),
    ("GET /live", "GET /inbox"),
    ("POST /you/keys", "GET /you"),
];

/// Every look, in the order in which they are taken: what changes an intent stands behind what shows it.
pub(crate) const LOOKS: &[Look] = &[
    look("GET /sign-in", NOBODY, By::Address("/sign-in"), "Password"),
    look(
        "POST /sign-in",
        NOBODY,
        form("/sign-in", "", &WRONG, "Sign in"),
        "Person and password do not match.",
    ),
    look(
        "GET /sign-in/provider",
        NOBODY,
        By::Address("/sign-in/provider"),
        "This host has no identity provider.",
    ),
    look(
        "GET /sign-in/back",
        NOBODY,
        By::Address("/sign-in/back"),
        "This sign-in was not begun in this browser",
    ),
    look("GET /inbox", "auditor-1", By::Address("/inbox"), "Nothing waits for you."),
    look("GET /", "sales-manager-1", By::Way("/"), "Waiting for you"),
    look(
        "GET /inbox",
        "sales-manager-1",
        By::Address("/inbox"),
        "the route manager asks manager of requester",
    ),
    look("GET /assets/console.css", "sales-manager-1", By::Part, "Waiting for you"),
    look("GET /assets/console.js", "sales-manager-1", By::Part, "Waiting for you"),
    look("GET /intents", "sales-manager-1", By::Address("/intents"), "Every intent that you may see"),
    look("GET /intents", "sales-manager-1", By::Address("/intents?requester=me"), "No intent is like that."),
    look(
        "GET /intents",
        "sales-manager-1",
        By::Address("/intents?state=lost"),
        "of the query parameters do not fit",
    ),
    look("GET /intents/{id}", "sales-manager-1", By::Address("{seated}"), "What you can do"),
    look("GET /intents/{id}", "sales-manager-1", By::Address("{done}"), "What became of each write"),
    look("GET /intents/{id}", "sales-manager-1", By::Address("{returned}"), "Sent back by sales-manager-1"),
    look("GET /intents/{id}", "sales-manager-1", By::Address("/intents/none"), "There is no such intent"),
    look("GET /intents/{id}/decisions", "sales-manager-1", By::Way("{seated}/decisions"), "What you can do"),
    look(
        "POST /intents/{id}/decisions",
        "sales-manager-1",
        form("{seated}", "Comment", &[("Your comment", " ")], "Comment"),
        "Nothing was kept.",
    ),
    look(
        "POST /intents/{id}/decisions",
        "sales-manager-1",
        form("{seated}", "Comment", &[("Your comment", "as agreed on the phone")], "Comment"),
        "Your comment is kept.",
    ),
    look(GET_LINK, "sales-manager-1", By::Address("{approve}"), "A note, if you like"),
    look(GET_LINK, "sales-manager-1", By::Address("{decline}"), "Why"),
    look(GET_LINK, "sales-manager-1", By::Address("{over}"), "Nothing can be said through it."),
    look(POST_LINK, "sales-manager-1", form("{approve}", "", &[], "Approve"), "Your approval is kept"),
    look("GET /intents/{id}", "ae-1", By::Address("{asked}"), "Your answer"),
    look("GET /intents/{id}", "ae-1", By::Address("{claimed}"), "finance-1 will decide, until"),
    look("GET /inbox", "ae-1", By::Address("/inbox"), "sales-manager-1 asks you something"),
    look(
        "GET /intents/{id}",
        "pricing-lead",
        By::Address("{broken}"),
        "you answer for an exception (unsure)",
    ),
    look("GET /exceptions", "pricing-lead", By::Address("/exceptions"), "The policy could not decide it"),
    look(EXCEPTION, "pricing-lead", By::Address("{exception}"), "What is to become of it"),
    look(CLOSURES, "pricing-lead", By::Way("{exception}/closures"), "What is to become of it"),
    look(ADOPTIONS, "pricing-lead", By::Way("{exception}/adoptions"), "What is to become of it"),
    look("GET /policies", "pricing-lead", By::Address("/policies"), "The rules that decide."),
    look("GET /policies/{name}", "pricing-lead", By::Address("/policies/discount"), "What it says"),
    look("GET /policies/{name}", "pricing-lead", By::Address("/policies/none"), "There is no policy"),
    look("GET /policies/{name}/check", "pricing-lead", By::Address("/policies/discount/check"), "Findings"),
    look(
        "GET /policies/{name}/rollback",
        "pricing-lead",
        By::Way("/policies/discount/rollback"),
        "What it says",
    ),
    look(CHANGE, "pricing-lead", By::Address("/policies/discount/change"), "The whole document"),
    look(
        "POST /policies/{name}/change",
        "pricing-lead",
        form("/policies/discount/change", "", &[], "Try it"),
        "What the check found",
    ),
    look("GET /measures", "revops-lead", By::Address("/measures"), "Four leaks"),
    look(
        "GET /measures",
        "revops-lead",
        By::Address("/measures?by=policy&per=day"),
        "By version of the policy",
    ),
    look("GET /assets/measures.css", "revops-lead", By::Part, "Four leaks"),
    look(
        "GET /measures/review",
        "revops-lead",
        By::Address("/measures/review?day=2026-11-23"),
        "This week is not over yet",
    ),
    look("GET /measures/review", "revops-lead", By::Address("/measures/review?of=month"), "What was changed"),
    look("GET /exceptions", "auditor-1", By::Address("/exceptions"), "No exception is yours."),
    look(EXCEPTION, "auditor-1", By::Address("{exception}"), "pricing-lead answers for it, and closes it."),
    look(COMPARED, "auditor-1", By::Address("{done}/reconciliation"), "No such record: "),
    look(COMPARED, "auditor-1", By::Address("{seated}/reconciliation"), "the intent is seated"),
    look("GET /reconciliation", "integration-1", By::Address("/reconciliation"), "Of no write it is known"),
    look("GET /connections/{name}", "integration-1", By::Address("/connections/crm"), "Pause it"),
    look("GET /connections/{name}/pauses", "integration-1", By::Way("/connections/crm/pauses"), "Pause it"),
    look("GET /connections/{name}/check", "integration-1", By::Way("/connections/crm/check"), "Pause it"),
    look(
        "GET /connections/{name}/resumptions",
        "integration-1",
        By::Way("/connections/crm/resumptions"),
        "Pause it",
    ),
    look(
        "POST /connections/{name}/check",
        "integration-1",
        form("/connections/crm", "", &[], "Check it now"),
        "Its target answers",
    ),
    look(
        "POST /connections/{name}/pauses",
        "integration-1",
        form("/connections/crm", "", &[("Why it is paused", "they move house")], "Pause it"),
        "You have paused it.",
    ),
    look("GET /reconciliation", "integration-1", By::Address("/reconciliation"), "by integration-1"),
    look(
        "POST /connections/{name}/resumptions",
        "integration-1",
        form("/connections/crm", "", &[("Why it may go on", "they have moved")], "Let it go on"),
        "Nobody keeps it paused by hand.",
    ),
    look("GET /connectors", "integration-1", By::Address("/connectors"), "The programs that speak"),
    look(
        CONNECTOR,
        "integration-1",
        By::Address("/connectors/scripted.crm"),
        "Not any more, as the build in force does:",
    ),
    look(CONNECTOR, "integration-1", By::Address("/connectors/none"), "There is no connector"),
    look(
        "GET /connectors/{id}/activations",
        "integration-1",
        By::Way("/connectors/scripted.crm/activations"),
        "What it serves",
    ),
    look(
        "GET /connectors/{id}/rollbacks",
        "integration-1",
        By::Way("/connectors/scripted.crm/rollbacks"),
        "What it serves",
    ),
    look(
        "GET /connectors/{id}/quarantines",
        "integration-1",
        By::Way("/connectors/scripted.crm/quarantines"),
        "What it serves",
    ),
    look(
        "GET /connectors/{id}/releases",
        "integration-1",
        By::Way("/connectors/scripted.crm/releases"),
        "What it serves",
    ),
    look(
        "GET /connectors/{id}/removals",
        "integration-1",
        By::Way("/connectors/scripted.crm/removals"),
        "What it serves",
    ),
    look(
        "POST /connectors/{id}/removals",
        "integration-1",
        form("/connectors/scripted.crm", "Take it away", &[("Why it is taken away", " ")], "Take it away"),
        "Nothing was kept.",
    ),
    look("GET /audit", "auditor-1", By::Address("/audit"), "Its checkpoint"),
    look("GET /audit", "auditor-1", By::Address("/audit?kind=none"), "No entry is like that."),
    look(
        "GET /audit/denied",
        "auditor-1",
        By::Address("/audit/denied"),
        "Nothing of what they sent is kept.",
    ),
    look("GET /audit/checkpoint", "auditor-1", By::Way("/audit/checkpoint"), "Its checkpoint"),
    look(
        "POST /audit/checkpoint",
        "auditor-1",
        form("/audit", "", &[("The whole checkpoint", "none")], "Check it now"),
        "It is no whole checkpoint",
    ),
    look("GET /audit", "ae-2", By::Address("/audit"), "Name an intent."),
    look("GET /start", "ae-2", By::Address("/start"), "All three steps are done"),
    look("GET /access", "ae-2", By::Address("/access"), "Nothing waits for your review."),
    look("GET /access", "revops-lead", By::Address("/access"), "For you to review"),
    look("GET /access/reviews", "ae-2", By::Way("/access/reviews"), "Nothing waits for your review."),
    look(
        "POST /access/reviews",
        "revops-lead",
        form(
            "/access",
            "",
            &[("Why, of those that are to go or stay after all", "none")],
            "Put the review on record",
        ),
        "Choose what is to become of one of them or more.",
    ),
    look("GET /people", "ae-2", By::Address("/people"), "What could not be decided"),
    look("GET /people/absences", "ae-2", By::Way("/people/absences"), "Everybody"),
    look("GET /people/returns", "ae-2", By::Way("/people/returns"), "Everybody"),
    look(
        "POST /people/absences",
        "ae-2",
        form(
            "/people",
            "Say that you are away",
            &[("First day", "11302026"), ("Last day", "12042026"), ("Who is asked instead", "ae-1")],
            "Put it on record",
        ),
        "Nothing was kept.",
    ),
    look("GET /you", "ae-2", By::Address("/you"), "by password"),
    look("GET /you/terminal", "ae-2", By::Way("/you/terminal"), "by password"),
    look("GET /you/others", "ae-2", By::Way("/you/others"), "by password"),
    look("GET /you/keys", "ae-2", By::Way("/you/keys"), "Switch the keys off"),
    look("GET /sign-out", "ae-2", By::Way("/sign-out"), "by password"),
    look(
        "POST /you/terminal",
        "ae-2",
        form("/you", "", &[], "Make a token for your terminal"),
        "COUNTERSIGN_TOKEN=",
    ),
    look(
        "POST /you/others",
        "ae-2",
        form("/you", "", &[], "End my other sessions"),
        "Other sessions that were ended",
    ),
    look("POST /sign-out", "ae-2", form("/you", "", &[], "Sign out"), "You are signed out"),
];

/// A house in which there is something of everything to be seen.
pub(crate) struct Scene {
    pub(crate) house: House,
    names: BTreeMap<&'static str, String>,
}

impl Scene {
    /// Sets it.
    pub(crate) async fn set() -> Result<Scene> {
        let house = House::open().await?;
        let mut names = BTreeMap::new();
        let mut known = |name: &'static str, intent: &Intent| names.insert(name, intent.page.clone());
        let seated = house.submitted(&long()).await?;
        known("{seated}", &seated);
        let done = house.small().await?;
        known("{done}", &done);
        let over = house.link("sales-manager-1", &done, "approve").await?;
        house.says("sales-manager-1", &done, "decisions", 1, r#"{"decision":"approve"}"#).await?;
        house.comes_to(&done, "done").await?;
        let returned = house.small().await?;
        known("{returned}", &returned);
        house.says("sales-manager-1", &returned, "returns", 1, r#"{"reason":"ten is enough"}"#).await?;
        let asked = house.small().await?;
        known("{asked}", &asked);
        house.says("sales-manager-1", &asked, "questions", 1, r#"{"words":"why so much"}"#).await?;
        let (broken, exception) = house.broken("pricing-lead").await?;
        known("{broken}", &broken);
        let linked = house.small().await?;
        let claimed = house.below_the_floor().await?;
        known("{claimed}", &claimed);
        house.says("finance-1", &claimed, "claims", 1, "{}").await?;
        for (name, verb) in [("{approve}", "approve"), ("{decline}", "decline")] {
            names.insert(name, house.link("sales-manager-1", &linked, verb).await?);
        }
        names.insert("{over}", over);
        names.insert("{exception}", exception);
        Ok(Scene { house, names })
    }

    /// An address of a look, as it is in this scene.
    pub(crate) fn address(&self, written: &str) -> Result<String> {
        let Some((name, rest)) = written.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
            return Ok(written.to_owned());
        };
        let name = format!("{{{name}}}");
        let known = self.names.get(name.as_str()).with_context(|| format!("no {name} in the scene"))?;
        Ok(format!("{known}{rest}"))
    }
}

/// A discount with a note that is as wide as a note can be: many words, and one that is longer than any screen.
fn long() -> String {
    let note = format!("{}{}", "a long story ".repeat(40), "W".repeat(300));
    SMALL.replacen("\"reason\"", &format!("\"note\":\"{note}\",\"reason\""), 1)
}

/// Whether a request was for a page, as the table of pages writes it.
pub(crate) fn is_of(asked: &str, page: &str) -> bool {
    let asked = asked.split('?').next().unwrap_or_default();
    let (mut wanted, mut found) = (page.split('/'), asked.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == found || wanted.starts_with('{') => {}
            (_, _) => return false,
        }
    }
}
