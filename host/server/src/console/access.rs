//! Access: what each person may do, and the form by which somebody reviews it.

use super::form::{Form, Review, escaped, parameter, words};
use super::guard::{self, Signed};
use super::intent::{denied, is_once, once, why_not};
use super::measures::filled;
use super::page::{self, Here, framed};
use super::part::moment::Clocks;
use crate::api::access::{reviewed, seen};
use crate::api::view::RightView;
use crate::api::view::access::Shown;
use crate::asked::Query;
use crate::denied::Try;
use crate::limits::{ACCESS_ROWS, PAGE_ROWS};
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use countersign_core::access::{Asked, Reviews, Right, Said, Standing, reviewers};
use countersign_core::hash::Digest;
use countersign_core::intent::Day;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use countersign_engine::engine::Key;
use maud::{Markup, html};

/// What the names of the fields that say something of a right begin with.
const SAID: &str = "said.";
/// What a field says of a right that stays although somebody wanted it gone.
const AFTER_ALL: &str = "keep-after-all";
/// What is said in an address once a review is kept.
const REVIEWED: &str = "reviewed";

/// What a page says beside what stands in the record.
#[derive(Default)]
struct Beside<'a> {
    /// Whether an address says that a review was kept.
    said: bool,
    /// What was chosen, and why it was not kept.
    not_kept: Option<(&'a Form, String)>,
    /// Whose rights are listed; everybody's if it is empty.
    person: String,
    from: usize,
    /// What was to stay before this day is looked at again too.
    since: Option<Day>,
}

/// Shows it.
pub(super) async fn show(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    let signed = match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let uri = filled(&uri);
    let mut query = match Query::of(&uri, &["said", "person", "cursor", "since"]) {
        Ok(query) => query,
        Err(problem) => return page::problem_to(&signed.session.person, &problem),
    };
    let from = query.read("cursor", "a `next` of an earlier page", |text| text.parse::<usize>().ok());
    let since = query.read("since", "a day such as 2026-10-01", Day::parse);
    if let Err(problem) = query.checked() {
        return page::problem_to(&signed.session.person, &problem);
    }
    let beside = Beside {
        said: parameter(&uri, "said").as_deref() == Some(REVIEWED),
        person: parameter(&uri, "person").unwrap_or_default(),
        from: from.unwrap_or_default(),
        since,
        ..Beside::default()
    };
    shown(&host, &signed, StatusCode::OK, &beside).await
}

/// Sends a browser that opens the address of the form to its page.
pub(super) async fn again() -> Response {
    page::see_other("/access")
}

/// Puts a review on record.
pub(super) async fn review(State(host): State<Host>, Review(form): Review) -> Response {
    let signed = match guard::required(&host, &form.headers, "/access") {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let person = &signed.session.person;
    let once = form.field("once");
    let reason = match words(&form.field("reason").replace("\r\n", "\n")) {
        Ok(reason) => reason,
        Err(why) => return not_kept(&host, &signed, &form, why).await,
    };
    let asked = match chosen(&form, &reason) {
        Ok(asked) if is_once(once) => asked,
        Ok(_) => {
            return not_kept(&host, &signed, &form, "The form is not whole. Send the one below.".to_owned())
                .await;
        }
        Err(why) => return not_kept(&host, &signed, &form, why).await,
    };
    let said = asked.iter().flat_map(|one| [one.id.as_bytes(), one.said.as_str().as_bytes()]);
    let parts: Vec<&[u8]> = said.chain([reason.as_bytes()]).collect();
    let key = Key { key: format!("{person}/page/{once}/access"), fingerprint: Digest::of_parts(&parts) };
    let ask = |rulebook: &Rulebook, reviews: &Reviews, now: Timestamp| {
        reviewed((&host, now), rulebook, reviews, (person, &asked))
    };
    match host.engine.review_access(person, Some(key), ask).await {
        Ok(_) => page::see_other(&format!("/access?{}said={REVIEWED}", since_of(&form))),
        Err(problem) => {
            denied(&host, &signed, Try::of_page("review-access", ""), &problem);
            let why = why_not(&problem);
            let since = Day::parse(form.field("since"));
            let beside = Beside { not_kept: Some((&form, why)), since, ..Beside::default() };
            shown(&host, &signed, problem.code().status(), &beside).await
        }
    }
}

async fn not_kept(host: &Host, signed: &Signed, form: &Form, why: String) -> Response {
    let since = Day::parse(form.field("since"));
    let beside = Beside { not_kept: Some((form, why)), since, ..Beside::default() };
    shown(host, signed, StatusCode::UNPROCESSABLE_ENTITY, &beside).await
}

/// A day as fields have it.
fn day(of: Option<Day>) -> String {
    of.map(|day| day.to_string()).unwrap_or_default()
}

/// The part of an address that says from which day on what was said counts, as a form has it.
fn since_of(form: &Form) -> String {
    Day::parse(form.field("since")).map(|since| format!("since={since}&")).unwrap_or_default()
}

/// What a form says of which rights.
fn chosen(form: &Form, reason: &str) -> Result<Vec<Asked>, String> {
    let mut asked = Vec::new();
    for id in form.names(SAID) {
        let word = form.field(&format!("{SAID}{id}"));
        if word.is_empty() {
            continue;
        }
        let said = if word == AFTER_ALL { Some(Said::Keep) } else { Said::parse(word) };
        let said = said.ok_or("The form is not whole. Send the one below.")?;
        // What simply stays needs none, and the one that is given is not about it.
        let reason = if word == Said::Keep.as_str() { String::new() } else { reason.to_owned() };
        asked.push(Asked { id: id.to_owned(), said, reason });
    }
    if asked.is_empty() {
        return Err("Choose what is to become of one of them or more.".to_owned());
    }
    let needs = |id: &str| [Said::Remove.as_str(), AFTER_ALL].contains(&form.field(&format!("{SAID}{id}")));
    if reason.is_empty() && asked.iter().any(|one| needs(&one.id)) {
        return Err("Say why, so that whoever takes them away understands.".to_owned());
    }
    Ok(asked)
}

async fn shown(host: &Host, signed: &Signed, status: StatusCode, beside: &Beside<'_>) -> Response {
    let person = &signed.session.person;
    let reviews = match host.engine.access_reviews().await.map_err(Problem::from) {
        Ok(reviews) => reviews,
        Err(problem) => return page::problem_to(person, &problem),
    };
    let rulebook = host.engine.rulebook();
    let directory = rulebook.directory();
    let now = host.engine.now();
    let view = Shown { directory, reviews: &reviews, to: person };
    let since = beside.since.map(Day::begins);
    let all = seen(host, &rulebook, person);
    let mut open: Vec<&Right> = all
        .iter()
        .filter(|right| reviewers(directory, right).contains(person))
        .filter(|right| reviews.standing(right).is_open(since))
        .collect();
    // What somebody has said already, and waits for others, stands behind what nobody has looked at.
    open.sort_by_key(|right| matches!(reviews.standing(right), Standing::ToRemove(_)));
    let said =
        |right: &&&Right| matches!(reviews.standing(right), Standing::ToRemove(last) if last.by == *person);
    let has_said =
        all.iter().any(|right| reviews.standing(right).last().is_some_and(|last| last.by == *person));
    let left = open.iter().filter(|right| !said(right)).count();
    let open: Vec<RightView> = open.into_iter().map(|right| RightView::of(right, view)).collect();
    let listed =
        all.iter().filter(|right| beside.person.is_empty() || right.person.as_str() == beside.person);
    let mut listed = listed.skip(beside.from);
    let rows: Vec<RightView> =
        listed.by_ref().take(PAGE_ROWS).map(|right| RightView::of(right, view)).collect();
    let next = listed.next().map(|_| beside.from.saturating_add(rows.len()));
    let clocks = Clocks { directory, person, now };
    let body = html! {
        link rel="stylesheet" href="/assets/measures.css";
        p.purpose { "What each person may do here and what follows from it, and whether somebody has looked at that. Nothing on this page gives or takes a right: the files of the house and the identity provider do." }
        nav.lists aria-label="Lists" {
            a href="/people" { "People" }
            a href="/access" aria-current="true" { "What each may do" }
        }
        (told(left, has_said, beside))
        (to_review(&open, clocks, &once(host), beside))
        h2 #all { "What you see" }
        p.note { "Auditors see the rights of everybody. Others see their own, and those that they can review." }
        form.asking method="get" action="/access" {
            input type="hidden" name="since" value=(day(beside.since));
            p { label for="person" { "Person" } input #person name="person" value=(beside.person); }
            p { button { "Show" } }
        }
        @if rows.is_empty() { p { strong { "There is no right like that." } } p { "Look for another person, or for everybody with an empty field." } }
        @else { (table(&rows, clocks)) }
        @if let Some(next) = next {
            nav.pages aria-label="Pages" {
                a rel="next" href=(format!("/access?person={}&since={}&cursor={next}", escaped(&beside.person), day(beside.since))) { "Next page" }
            }
        }
    };
    (status, framed(Here::People, "Access", person, &body)).into_response()
}

/// What came of what was just sent. That a review was kept is told only to somebody of whom the record has one.
fn told(left: usize, has_said: bool, beside: &Beside<'_>) -> Markup {
    html! {
        @if beside.said && has_said {
            p.kept role="status" {
                "Your review is on record. "
                @match left { 0 => "Nothing more is left for you.", 1 => "One more is left for you.", more => { (more) " more are left for you." } }
            }
        }
        @if let Some((_, why)) = &beside.not_kept {
            div.warn role="alert" { p { strong { "Nothing was kept. " } (why) } p { "This is how it stands now." } }
        }
    }
}

/// The form over what somebody can review and nobody has, as far as it fits on a page.
fn to_review(open: &[RightView], clocks: Clocks<'_>, once: &str, beside: &Beside<'_>) -> Markup {
    let chosen = |id: &str| {
        let form = beside.not_kept.as_ref().map(|(form, _)| form);
        form.map_or("", |form| form.field(&format!("{SAID}{id}"))).to_owned()
    };
    let typed = beside.not_kept.as_ref().map_or("", |(form, _)| form.field("reason"));
    let since = day(beside.since);
    html! {
        section #can aria-labelledby="can-heading" {
            h2 #can-heading { "For you to review" }
            form.asking method="get" action="/access" {
                p { label for="since" { "What was to stay before this day, too" } input #since type="date" name="since" value=(since); }
                p { button.quiet { "Show" } }
            }
            @if open.is_empty() {
                p { strong { "Nothing waits for your review." } }
                p { "A right comes back here when something else follows from it, when somebody has it for the first time, or when it was to be taken away and is still there." }
            } @else {
                p { (open.len()) @if open.len() == 1 { " right" } @else { " rights" } " of others, which you can review. You need not say something of each at once." }
                form method="post" action="/access/reviews" {
                    input type="hidden" name="once" value=(once);
                    input type="hidden" name="since" value=(since);
                    table.rows {
                        thead { tr { th scope="col" { "right" } th scope="col" { "whose" } th scope="col" { "what follows from it" } th scope="col" { "so far" } th scope="col" { "your verdict" } } }
                        tbody {
                            @for right in open.iter().take(ACCESS_ROWS) {
                                @let name = format!("{SAID}{}", right.id);
                                tr {
                                    th scope="row" { (right.what) }
                                    td data-of="whose" { (right.person) }
                                    td data-of="what follows from it" { span { (follows(right)) } }
                                    td data-of="so far" { span { (so_far(right, clocks)) } }
                                    td data-of="your verdict" {
                                        select name=(name) aria-label=(format!("{} of {}", right.what, right.person)) {
                                            option value="" { "not yet" }
                                            @let stays = if right.standing == "to-remove" { (AFTER_ALL, "stays after all") } else { ("keep", "stays") };
                                            @for (word, says) in [stays, ("remove", "is to go")] {
                                                option value=(word) selected[chosen(&right.id) == word] { (says) }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                    label for="reason" { "Why, of those that are to go or stay after all" }
                    p.note { "It stands in the log for ever, for auditors and whoever reviews; whoever has the right does not read it here." }
                    input #reason name="reason" value=(typed);
                    button { "Put the review on record" }
                }
                @if ACCESS_ROWS < open.len() { p.note { "The first " (ACCESS_ROWS) " stand here; the others follow once something is said of these." } }
            }
        }
    }
}

fn table(rows: &[RightView], clocks: Clocks<'_>) -> Markup {
    html! {
        table.rows {
            thead { tr { th scope="col" { "right" } th scope="col" { "whose" } th scope="col" { "what follows from it" } th scope="col" { "reviewed" } th scope="col" { "by whom it can be" } } }
            tbody {
                @for right in rows {
                    tr {
                        th scope="row" { (right.what) }
                        td data-of="whose" { (right.person) }
                        td data-of="what follows from it" { span { (follows(right)) } }
                        td data-of="reviewed" { span { (so_far(right, clocks)) } }
                        td data-of="by whom it can be" { span { @if right.reviewers.is_empty() { b.late { "nobody" } } @else { (right.reviewers.join(", ")) } } }
                    }
                }
            }
        }
    }
}

fn follows(right: &RightView) -> Markup {
    html! { @if right.leads_to.is_empty() { "nothing" } @else { (right.leads_to.join("; ")) } }
}

/// What was said of it last, in words.
fn so_far(right: &RightView, clocks: Clocks<'_>) -> Markup {
    html! {
        @match &right.last {
            None => "never reviewed",
            Some(last) => {
                @match right.standing.as_str() {
                    "to-remove" => b.late { "was to go" },
                    "changed" => "stayed, and something else follows from it now",
                    _ => "stays",
                }
                ", said " (last.by) " " (clocks.exact(&last.at))
                @if !last.reason.is_empty() { ": " (last.reason) }
            }
        }
    }
}
