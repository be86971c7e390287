//! Access: what each person may do, and reviews of it.

use super::view::access::Shown;
use super::view::{Listed, RightView};
use crate::asked::{self, Members, Posted, Query};
use crate::door::Caller;
use crate::limits::ACCESS_REVIEW_BYTES_MAX;
use crate::problem::{Flaw, Problem, ProblemView};
use crate::state::Host;
use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use countersign_core::access::{self, Asked, Event, Reviews, Right, Said, Token, VERDICTS_MAX, reviewers};
use countersign_core::id::PersonId;
use countersign_core::intent::{Day, Raw};
use countersign_core::people::Duty;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use countersign_engine::fault::Fault;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// What somebody says of rights.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct ReviewBody {
    /// One for each right that is reviewed.
    #[schema(max_items = 500)]
    verdicts: Vec<VerdictBody>,
}

/// What is said of one right.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct VerdictBody {
    /// The id of the right, as it was read.
    #[schema(example = "3f0c6f4c7c1f1f7a")]
    right: String,
    /// `keep` or `remove`.
    #[schema(example = "keep", pattern = "^(keep|remove)$")]
    said: String,
    /// Why: of a right that is to be taken away it must be there.
    reason: Option<String>,
}

/// Lists rights, in the order of what they are. Auditors see all of them; everybody else their own, and those that they can
/// review.
#[utoipa::path(
    get, path = "/v1/access", tag = "people", operation_id = "list_access",
    params(
        ("person" = Option<String>, Query, description = "whose; `me` is the token's person"),
        ("reviewer" = Option<String>, Query, description = "those that this person can review; `me` is the token's person"),
        ("open" = Option<bool>, Query, description = "`true`: those at which somebody should look, as nothing was said of \
            them as they stand, or they are to be taken away"),
        ("since" = Option<String>, Query, description = "with `open`: those too that were to stay before this day, in UTC"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<usize>, Query, description = "most items of the page"),
    ),
    responses(
        (status = 200, description = "rights", body = Listed<RightView>),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listed<RightView>>, Problem> {
    let mut query = Query::of(&uri, &["person", "reviewer", "open", "since", "cursor", "limit"])?;
    let person = query.read("person", "the id of a person", |text| asked::person(text, &caller));
    let reviewer = query.read("reviewer", "the id of a person", |text| asked::person(text, &caller));
    let open = query.is("open");
    let since = query.read("since", "a day such as 2026-10-01", Day::parse);
    let from = query.read("cursor", "a `next` of an earlier answer", |text| text.parse::<usize>().ok());
    let rows = asked::rows(&mut query);
    query.checked()?;
    let reviews = host.engine.access_reviews().await?;
    let rulebook = host.engine.rulebook();
    let directory = rulebook.directory();
    let since = since.map(Day::begins);
    let wanted = |right: &Right| {
        person.as_deref().is_none_or(|person| right.person.as_str() == person)
            && reviewer.as_deref().is_none_or(|name| {
                reviewers(directory, right).iter().any(|reviewer| reviewer.as_str() == name)
            })
            && (!open || reviews.standing(right).is_open(since))
    };
    let seen = seen(&host, &rulebook, &caller.person);
    let from = from.unwrap_or_default();
    let mut found = seen.iter().filter(|right| wanted(right)).skip(from);
    let page: Vec<&Right> = found.by_ref().take(rows).collect();
    let next = found.next().map(|_| from.saturating_add(page.len()).to_string());
    let shown = Shown { directory, reviews: &reviews, to: &caller.person };
    let items = page.into_iter().map(|right| RightView::of(right, shown)).collect();
    Ok(Json(Listed { items, next }))
}

/// Puts on record what the token's person says of rights: the whole review, or nothing. Nobody reviews their own. A right
/// that is to be taken away is listed as such until the files or the identity provider give it no more.
#[utoipa::path(
    post, path = "/v1/access/reviews", tag = "people", operation_id = "review_access",
    request_body = ReviewBody,
    params(
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
    ),
    responses(
        (status = 200, description = "it is on record; the rights that were reviewed", body = Listed<RightView>),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn review(
    State(host): State<Host>,
    Posted { caller, key, body, .. }: Posted<ACCESS_REVIEW_BYTES_MAX>,
) -> Result<Json<Listed<RightView>>, Problem> {
    let mut members = Members::of(body, &["verdicts"]);
    let asked = verdicts(&mut members);
    members.checked()?;
    let ask = |rulebook: &Rulebook, reviews: &Reviews, now: Timestamp| {
        reviewed((&host, now), rulebook, reviews, (&caller.person, &asked))
    };
    let reviews = host.engine.review_access(&caller.person, Some(key), ask).await?;
    let rulebook = host.engine.rulebook();
    let said: BTreeSet<&String> = asked.iter().map(|one| &one.id).collect();
    let rights = rights(&host, &rulebook, host.engine.now());
    let items = rights.iter().filter(|right| said.contains(&right.id()));
    let shown = Shown { directory: rulebook.directory(), reviews: &reviews, to: &caller.person };
    Ok(Json(Listed::whole(items.map(|right| RightView::of(right, shown)).collect())))
}

fn verdicts(members: &mut Members) -> Vec<Asked> {
    let expected = format!("a list of 1 to {VERDICTS_MAX} objects");
    let given = match members.take("verdicts") {
        Some(Raw::List(given)) if (1..=VERDICTS_MAX).contains(&given.len()) => given,
        Some(other) => {
            members.flaw(Flaw::new("/verdicts", expected, other.found()));
            return Vec::new();
        }
        None => {
            members.flaw(Flaw::new("/verdicts", expected, "nothing"));
            return Vec::new();
        }
    };
    let mut read = Vec::with_capacity(given.len());
    for (index, raw) in given.into_iter().enumerate() {
        let place = format!("/verdicts/{index}");
        let mut one = Members::of(raw, &["right", "said", "reason"]).below(&place);
        let id = one.required("right", "the id of a right", |text| Some(text.to_owned()));
        let said = one.required("said", "`keep` or `remove`", Said::parse);
        let reason = one.words("reason");
        read.extend(id.zip(said).map(|(id, said)| Asked { id, said, reason }));
        members.take_flaws(one);
    }
    read
}

/// What goes on record if this person says this.
pub(crate) fn reviewed(
    (host, now): (&Host, Timestamp),
    rulebook: &Rulebook,
    reviews: &Reviews,
    (by, asked): (&PersonId, &[Asked]),
) -> Result<Event, Problem> {
    let rights = rights(host, rulebook, now);
    Ok(access::decide((rulebook.directory(), &rights), reviews, by, asked).map_err(Fault::from)?)
}

/// Every right by these rules.
fn rights(host: &Host, rulebook: &Rulebook, now: Timestamp) -> Vec<Right> {
    let tokens: Vec<Token> = host
        .tokens
        .in_force()
        .iter()
        .map(|entry| Token {
            name: entry.name.clone(),
            person: entry.person.clone(),
            sha256: entry.sha256,
            scopes: entry.scopes.iter().map(ToString::to_string).collect(),
        })
        .collect();
    access::rights(rulebook, &tokens, now)
}

/// Those that a person sees: all of them, or their own and what they can review.
pub(crate) fn seen(host: &Host, rulebook: &Rulebook, person: &PersonId) -> Vec<Right> {
    let directory = rulebook.directory();
    let mut rights = rights(host, rulebook, host.engine.now());
    if !directory.has_duty(person, Duty::Auditor) {
        rights.retain(|right| right.is_of(person) || reviewers(directory, right).contains(person));
    }
    rights
}
