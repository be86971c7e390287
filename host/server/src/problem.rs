//! Every no that this server gives, as `application/problem+json` (RFC 9457).
//!
//! A handler returns a [`Problem`]; the door that let the request in writes it out, because only the
//! door knows the operation and the place.

use crate::code::Code;
use crate::limits::RETRY_AFTER_SECONDS;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use countersign_core::approval::refusal::Refusal;
use countersign_core::document::Fault as DocumentFault;
use countersign_core::exchange::Misfit;
use countersign_core::going_live::{Lack, NotLive};
use countersign_core::intent::TokenFault;
use countersign_core::publish::Found;
use countersign_engine::fault::Fault;
use countersign_engine::port::catalogue::NotInstalled;
use countersign_engine::port::connectors::NotTaken;
use countersign_engine::port::store::StoreFault;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The media type of every problem.
pub const PROBLEM_TYPE: &str = "application/problem+json";

/// What is said of an intent that is not there, or not for whoever asks.
const NO_INTENT: &str = "CS-E0101";

/// A request that was not done, and why.
#[derive(Debug, Clone)]
pub struct Problem {
    told: Box<Told>,
}

/// What a problem tells. Boxed, so that the happy path carries one pointer.
#[derive(Debug, Clone)]
struct Told {
    code: &'static Code,
    detail: String,
    help: String,
    errors: Vec<Flaw>,
    headers: HeaderMap,
    kind: Option<&'static str>,
}

/// The body of a problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemView {
    /// Reference to the page of the code, on this host.
    #[serde(rename = "type")]
    pub kind: String,
    /// What every problem with this code has in common.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong here.
    pub detail: String,
    /// The path that was asked.
    pub instance: String,
    /// The documented code.
    pub code: String,
    /// The operation, as the host's own records name it.
    pub operation_id: String,
    /// What to do next.
    pub help: String,
    /// Every place that is wrong, all at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Flaw>,
}

/// One place that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Flaw {
    /// JSON Pointer (RFC 6901) into the body; a query parameter or header by its name; in a file that is
    /// no JSON, the place in the words of its format, such as `sheet Rules, cell C4`.
    pub pointer: String,
    /// What was expected there.
    pub expected: String,
    /// What was found.
    pub found: String,
}

impl Problem {
    /// A problem with a code, what is wrong here, and what to do next.
    #[must_use]
    pub fn new(code: &str, detail: impl Into<String>, help: impl Into<String>) -> Problem {
        let told = Told {
            code: Code::of(code),
            detail: detail.into(),
            help: help.into(),
            errors: Vec::new(),
            headers: HeaderMap::new(),
            kind: None,
        };
        Problem { told: Box::new(told) }
    }

    /// What is said of an intent that is not there, or not for whoever asks.
    pub(crate) fn no_intent() -> Problem {
        Problem::new(
            NO_INTENT,
            "there is no such intent",
            "check the id; `GET /v1/intents` lists what there is",
        )
    }

    /// Whether it says of an intent that there is none, to whom it may only not be shown.
    pub(crate) fn hides_intent(&self) -> bool {
        self.told.code.code == NO_INTENT
    }

    /// The same, with the places that are wrong.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<Flaw>) -> Problem {
        self.told.errors = errors;
        self
    }

    /// The same, with further places that are wrong.
    #[must_use]
    pub fn with_more(mut self, errors: impl Iterator<Item = Flaw>) -> Problem {
        self.told.errors.extend(errors);
        self
    }

    /// The same, with every place that is wrong in this member: what the host makes of a short body has
    /// places that its sender never wrote.
    #[must_use]
    pub fn at(mut self, pointer: &str) -> Problem {
        self.told.errors.iter_mut().for_each(|flaw| pointer.clone_into(&mut flaw.pointer));
        self
    }

    /// The same, with a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.told.headers.insert(name, value);
        self
    }

    /// The same, saying that waiting helps.
    #[must_use]
    pub fn later(self) -> Problem {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS))
    }

    /// The same, of a kind that RFC 7644 (3.12) has a word for.
    #[must_use]
    pub(crate) fn of_kind(mut self, kind: &'static str) -> Problem {
        self.told.kind = Some(kind);
        self
    }

    /// The word of RFC 7644 for its kind, if it was given one.
    pub(crate) fn kind(&self) -> Option<&'static str> {
        self.told.kind
    }

    /// What is wrong here.
    pub(crate) fn detail(&self) -> &str {
        &self.told.detail
    }

    /// What to do next.
    pub(crate) fn help(&self) -> &str {
        &self.told.help
    }

    /// Every place that is wrong.
    pub(crate) fn flaws(&self) -> &[Flaw] {
        &self.told.errors
    }

    /// Its headers.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.told.headers
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        self.told.code
    }

    /// What is wrong here, and what to do next.
    #[must_use]
    pub fn said(&self) -> (&str, &str) {
        (&self.told.detail, &self.told.help)
    }

    /// Nobody foresaw this.
    #[must_use]
    pub fn bug() -> Problem {
        Problem::new(
            "CS-E0307",
            "the host failed in a way that nobody foresaw",
            "send the request again with the same idempotency key; if it fails again, report the operation id",
        )
    }

    /// There is nothing under this address.
    #[must_use]
    pub fn no_route() -> Problem {
        Problem::new("CS-E0208", "there is nothing at this address", "`/openapi.json` lists every address")
    }

    /// There is no such thing.
    #[must_use]
    pub fn unknown(what: &str, name: &str) -> Problem {
        let detail = format!("there is no {what} `{}`", name.escape_debug());
        Problem::new("CS-E0220", detail, "check the name; the list of its kind shows what there is")
    }

    /// Writes the problem out.
    #[must_use]
    pub fn written(&self, instance: &str, operation: &str) -> Response {
        let told = &self.told;
        let view = ProblemView {
            kind: format!("/errors/{}", told.code.code),
            title: told.code.title().to_owned(),
            status: told.code.status,
            detail: told.detail.clone(),
            instance: instance.to_owned(),
            code: told.code.code.to_owned(),
            operation_id: operation.to_owned(),
            help: told.help.clone(),
            errors: told.errors.clone(),
        };
        // A structure of texts and numbers always has a JSON form; without one the code still says it all.
        let body = serde_json::to_vec(&view).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = told.code.status();
        *response.headers_mut() = told.headers.clone();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE));
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.told.code.status();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let errors = match &refusal {
            Refusal::Tokens(faults) => faults.iter().map(Flaw::of_token).collect(),
            Refusal::Change(found) | Refusal::Warnings(found) => found.iter().map(Flaw::of_finding).collect(),
            Refusal::GoingLive(NotLive::NotReady { lacking, .. }) => {
                lacking.iter().map(Flaw::of_lack).collect()
            }
            Refusal::UnknownIntent(_)
            | Refusal::UnknownIntentType { .. }
            | Refusal::NoPolicy(_)
            | Refusal::UnknownPerson(_)
            | Refusal::StaleRevision { .. }
            | Refusal::StaleSeal
            | Refusal::SealExpired
            | Refusal::WrongStage { .. }
            | Refusal::OwnIntent(_)
            | Refusal::NoSeat { .. }
            | Refusal::AlreadyDecided(_)
            | Refusal::Claimed { .. }
            | Refusal::NothingToClaim(_)
            | Refusal::NotClaimed(_)
            | Refusal::Ask(_)
            | Refusal::NoQuestion { .. }
            | Refusal::RoundsSpent(_)
            | Refusal::NothingAmended
            | Refusal::NotAmendable(_)
            | Refusal::Override(_)
            | Refusal::Glass(_)
            | Refusal::Adoption(_)
            | Refusal::MayNotAsk { .. }
            | Refusal::Hand(_)
            | Refusal::DeadLink(_)
            | Refusal::CommentsSpent(_)
            | Refusal::RemindedLately(_)
            | Refusal::NobodyToRemind
            | Refusal::NotRequester(_)
            | Refusal::ReasonMissing
            | Refusal::UnknownException(_)
            | Refusal::NotOwner { .. }
            | Refusal::WrongClosure { .. }
            | Refusal::OwnOpenIntent { .. }
            | Refusal::BudgetSpent(_)
            | Refusal::ChangeOvertaken(_)
            | Refusal::GoingLive(
                NotLive::Draft(_)
                | NotLive::NotDraft(_)
                | NotLive::NotOfOwner { .. }
                | NotLive::Overtaken(_)
                | NotLive::NoRoute(_)
                | NotLive::TooManyTrials { .. }
                | NotLive::Asked { .. },
            )
            | Refusal::Overtaken => Vec::new(),
        };
        Problem::new(refusal.code(), refusal.to_string(), refusal.help()).with_errors(errors)
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Problem {
        let detail = fault.to_string();
        match fault {
            Fault::Refused(refusal) => refusal.into(),
            Fault::People(refusal) => Problem::new(refusal.code(), detail, refusal.help()),
            Fault::Access(refusal) => Problem::new(refusal.code(), detail, refusal.help()),
            Fault::Connection(refusal) => Problem::new(refusal.code(), detail, refusal.help()),
            Fault::Connector(refusal) => Problem::new(refusal.code(), detail, refusal.help()),
            Fault::Catalogue(NotInstalled { ours: true, .. }) => Problem::new(
                "CS-E0309",
                detail,
                "look at the disk and the log of the host, and send it again",
            )
            .later(),
            Fault::Catalogue(NotInstalled { ours: false, .. }) => {
                let help = "nothing was put on record; put it right and add it again; a host takes up a changed \
                            configuration when it is started";
                Problem::new("CS-E0234", detail, help)
            }
            Fault::NotTaken(NotTaken::NoHook { connection, hook }) => {
                Problem::unknown("hook", &format!("{connection}/{hook}"))
            }
            Fault::NotTaken(NotTaken::NotProved(why)) => {
                // Whoever tries signatures out is told nothing that helps.
                tracing::warn!(why, blame = "remote", "a delivery is not taken");
                let help = "sign it with the secret of this hook; the operator finds the reason in the log of the host";
                Problem::new("CS-E0237", "it is not proved who sent this", help)
            }
            Fault::Store(fault) => fault.into(),
            Fault::KeyReused => Problem::new("CS-E0213", detail, "use a new key for every new request"),
            Fault::KeyBusy => {
                Problem::new("CS-E0214", detail, "wait for the first answer, then ask again").later()
            }
            Fault::KeyTooLong => Problem::new("CS-E0212", detail, "use a shorter key, such as a UUID"),
            Fault::Stopping => {
                Problem::new("CS-E0305", detail, "send it again with the same idempotency key").later()
            }
            Fault::Unreadable(_) => unreadable(&detail),
        }
    }
}

impl From<StoreFault> for Problem {
    fn from(fault: StoreFault) -> Problem {
        let detail = fault.to_string();
        match fault {
            StoreFault::Conflict { .. } => Refusal::Overtaken.into(),
            StoreFault::Full => {
                Problem::new("CS-E0301", detail, "ask the operator to free space; reading goes on").later()
            }
            StoreFault::Busy => {
                Problem::new("CS-E0302", detail, "send it again with the same idempotency key").later()
            }
            StoreFault::Lost(_) => Problem::new(
                "CS-E0303",
                "the disk could not confirm a write, so the host takes no more commands",
                "ask the operator to check the disk; send it again with the same idempotency key",
            )
            .later(),
            StoreFault::TooLarge(_) => Problem::new("CS-E0308", detail, "ask for less in one intent"),
            StoreFault::Corrupt { .. }
            | StoreFault::Version { .. }
            | StoreFault::InUse(_)
            | StoreFault::Io(_) => unreadable(&detail),
        }
    }
}

/// What is stored cannot be had. The particulars name files, so they go to the operator alone.
fn unreadable(detail: &str) -> Problem {
    tracing::error!(fault = detail, blame = "host", "the store failed");
    Problem::new(
        "CS-E0304",
        "what is stored cannot be read",
        "report the operation id to the operator, whose log has the particulars",
    )
}

impl Flaw {
    /// A place that is wrong.
    #[must_use]
    pub fn new(pointer: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Flaw {
        Flaw { pointer: pointer.into(), expected: expected.into(), found: found.into() }
    }

    /// A fault of the tokens, as a place in the body.
    #[must_use]
    pub fn of_token(fault: &TokenFault) -> Flaw {
        Flaw::new(format!("/tokens{}", fault.pointer), fault.expected.clone(), fault.found.clone())
    }

    /// A fault of a policy's document in the member `policy` of a body.
    #[must_use]
    pub fn of_document(fault: &DocumentFault) -> Flaw {
        let expected = fault.help.clone().unwrap_or_else(|| "a sound policy".to_owned());
        Flaw::new("/policy", expected, fault.to_string())
    }

    /// Something in a file, or in a policy that is to become one, that cannot be carried over.
    #[must_use]
    pub fn of_misfit(misfit: &Misfit) -> Flaw {
        let expected = misfit.help.clone().unwrap_or_else(|| "what both formats hold".to_owned());
        Flaw::new(misfit.place.clone(), expected, misfit.message.clone())
    }

    /// A finding in the document of a policy, as a place in the body.
    #[must_use]
    pub fn of_finding(found: &Found) -> Flaw {
        let shown = found.witness.as_ref().map(|witness| format!(", such as {witness}")).unwrap_or_default();
        let expected = found.advice.clone().unwrap_or_else(|| "a policy without it".to_owned());
        Flaw::new("/tokens/document", expected, format!("{found}{shown}"))
    }

    /// What an intent type lacks before it goes live: a row of its file, or what its trial must show.
    #[must_use]
    pub fn of_lack(lack: &Lack) -> Flaw {
        Flaw::new(lack.point.as_str(), lack.point.takes(), lack.why.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::adopt::NotAdopted;
    use countersign_core::approval::hand::NotHanded;
    use countersign_core::approval::question::NotAsked;
    use countersign_core::break_glass::NotBroken;
    use countersign_core::budget::TakesNothing;
    use countersign_core::id::{ExceptionId, IntentId, IntentTypeName, PersonId, PoolName};
    use countersign_core::notice::link::Dead;
    use countersign_core::override_::NotOverridden;
    use countersign_core::time::Timestamp;
    use std::sync::Arc;

    fn pool() -> PoolName {
        PoolName::parse("pricing").expect("a pool")
    }

    fn discount() -> IntentTypeName {
        IntentTypeName::parse("discount").expect("a name")
    }

    fn person() -> PersonId {
        PersonId::parse("ann").expect("a person")
    }

    #[track_caller]
    fn check(fault: Fault, status: u16, code: &str) {
        let problem = Problem::from(fault);
        assert_eq!((problem.code().code, problem.code().status), (code, status));
        assert!(!problem.told.detail.is_empty() && !problem.told.help.is_empty(), "{code}");
    }

    #[test]
    fn every_reason_why_a_seat_stays_in_its_hands_has_its_status() {
        let refusals = [
            (NotHanded::NotTheirs { person: person(), whose: person() }, 403, "CS-E0150"),
            (NotHanded::NoDeputy { to: person(), deputies: Vec::new() }, 403, "CS-E0151"),
            (NotHanded::Time { latest: Timestamp(0) }, 422, "CS-E0152"),
            (NotHanded::Nothing(person()), 409, "CS-E0153"),
            (NotHanded::NoVoice(person()), 422, "CS-E0154"),
            (NotHanded::VoicesSpent(5), 409, "CS-E0155"),
            (NotHanded::TooLate(person()), 409, "CS-E0156"),
            (NotHanded::NoAdministrator(person()), 403, "CS-E0190"),
        ];
        for (refusal, status, code) in refusals {
            check(Fault::Refused(refusal.into()), status, code);
        }
    }

    #[test]
    fn a_spent_budget_is_a_conflict_that_says_until_when() {
        let of = IntentTypeName::parse("discount").expect("a name");
        let (opened, at_most, days, until) = (20, 20, 7, Timestamp(0));
        let refused = TakesNothing { of, opened, at_most, days, a_day: None, until, owner: None };
        let problem = Problem::from(Fault::from(Refusal::BudgetSpent(Box::new(refused))));
        assert_eq!((problem.code().code, problem.code().status), ("CS-E0171", 409));
        assert!(problem.told.detail.contains("until 1970-01-01T00:00:00.000Z"), "{}", problem.told.detail);
    }

    #[test]
    fn every_fault_of_the_engine_has_its_status() {
        let text = || "x".to_owned();
        let (id, exception) = (IntentId::from_bits(1), ExceptionId::from_bits(1));
        let refusals = [
            (Refusal::UnknownIntent(id), 404, "CS-E0101"),
            (Refusal::UnknownIntentType { found: text(), known: Vec::new() }, 422, "CS-E0102"),
            (Refusal::NoPolicy(text()), 422, "CS-E0103"),
            (Refusal::UnknownPerson(text()), 403, "CS-E0104"),
            (Refusal::Tokens(Vec::new()), 422, "CS-E0105"),
            (Refusal::StaleRevision { found: 1, now: 2 }, 412, "CS-E0106"),
            (Refusal::StaleSeal, 409, "CS-E0107"),
            (Refusal::SealExpired, 409, "CS-E0108"),
            (Refusal::WrongStage { command: "decide", stage: "done" }, 409, "CS-E0109"),
            (Refusal::OwnIntent(person()), 403, "CS-E0110"),
            (Refusal::NoSeat { person: person(), eligible: Vec::new() }, 403, "CS-E0111"),
            (Refusal::AlreadyDecided(person()), 409, "CS-E0112"),
            (Refusal::NotRequester(person()), 403, "CS-E0113"),
            (Refusal::ReasonMissing, 422, "CS-E0114"),
            (Refusal::UnknownException(exception), 404, "CS-E0115"),
            (Refusal::NotOwner { person: person(), owner: person() }, 403, "CS-E0116"),
            (Refusal::WrongClosure { allowed: Vec::new() }, 409, "CS-E0117"),
            (Refusal::Overtaken, 409, "CS-E0118"),
            (Refusal::Change(Vec::new()), 422, "CS-E0119"),
            (Refusal::Warnings(Vec::new()), 422, "CS-E0120"),
            (Refusal::OwnOpenIntent { person: person(), intent: id }, 403, "CS-E0121"),
            (Refusal::ChangeOvertaken(text()), 409, "CS-E0122"),
            (Refusal::Claimed { by: person(), until: Timestamp(0) }, 409, "CS-E0123"),
            (Refusal::NothingToClaim(person()), 422, "CS-E0124"),
            (Refusal::NotClaimed(person()), 409, "CS-E0125"),
            (Refusal::Ask(NotAsked::Already(person())), 409, "CS-E0126"),
            (Refusal::Ask(NotAsked::Spent(20)), 409, "CS-E0127"),
            (Refusal::Ask(NotAsked::Left(person())), 409, "CS-E0242"),
            (Refusal::NoQuestion { open: Vec::new() }, 422, "CS-E0128"),
            (Refusal::RoundsSpent(3), 409, "CS-E0129"),
            (Refusal::NothingAmended, 422, "CS-E0130"),
            (Refusal::NotAmendable(discount()), 422, "CS-E0131"),
            (NotOverridden::Never(IntentTypeName::parse("refund").expect("a name")).into(), 403, "CS-E0132"),
            (NotOverridden::UnknownReason { found: text(), known: Vec::new() }.into(), 422, "CS-E0133"),
            (NotOverridden::EvidenceMissing(Vec::new()).into(), 422, "CS-E0134"),
            (NotOverridden::MayNot { person: person(), eligible: Vec::new() }.into(), 403, "CS-E0135"),
            (NotOverridden::Blocked { reason: text(), intent: id }.into(), 409, "CS-E0136"),
            (NotOverridden::Own(person()).into(), 403, "CS-E0137"),
            (Refusal::MayNotAsk { person: person(), of: discount(), may: text() }, 403, "CS-E0143"),
            (NotBroken::Never(discount()).into(), 403, "CS-E0138"),
            (NotBroken::MayNot { person: person(), eligible: Vec::new() }.into(), 403, "CS-E0139"),
            (NotBroken::Already { by: person(), until: Timestamp(0) }.into(), 409, "CS-E0140"),
            (NotBroken::TooOften(5).into(), 409, "CS-E0141"),
            (NotBroken::Intact(person()).into(), 403, "CS-E0142"),
            (NotBroken::StillOpen(Timestamp(0)).into(), 409, "CS-E0144"),
            (NotAdopted::NothingThere.into(), 409, "CS-E0145"),
            (NotAdopted::UnderWay(id).into(), 409, "CS-E0146"),
            (Refusal::DeadLink(Dead::Used), 409, "CS-E0170"),
            (Refusal::CommentsSpent(200), 409, "CS-E0157"),
            (Refusal::RemindedLately(Timestamp(0)), 409, "CS-E0158"),
            (Refusal::NobodyToRemind, 409, "CS-E0159"),
        ];
        for (refusal, status, code) in refusals {
            check(Fault::Refused(refusal), status, code);
        }
        check(Fault::KeyReused, 422, "CS-E0213");
        check(Fault::KeyBusy, 409, "CS-E0214");
        check(Fault::KeyTooLong, 400, "CS-E0212");
        check(Fault::Stopping, 503, "CS-E0305");
        check(Fault::Unreadable(text()), 500, "CS-E0304");
        let conflict = StoreFault::Conflict { stream: Arc::from("int_"), expected: 1, found: 2 };
        let stores = [
            (conflict, 409, "CS-E0118"),
            (StoreFault::Full, 507, "CS-E0301"),
            (StoreFault::Busy, 429, "CS-E0302"),
            (StoreFault::Lost(text()), 503, "CS-E0303"),
            (StoreFault::Corrupt { place: text(), message: text() }, 500, "CS-E0304"),
            (StoreFault::Version { found: 2, known: 1 }, 500, "CS-E0304"),
            (StoreFault::InUse(text()), 500, "CS-E0304"),
            (StoreFault::Io(text()), 500, "CS-E0304"),
            (StoreFault::TooLarge("ENTRY_BYTES_MAX"), 422, "CS-E0308"),
        ];
        for (fault, status, code) in stores {
            check(Fault::Store(fault), status, code);
        }
    }

    #[test]
    fn every_refusal_on_the_way_to_live_has_its_status() {
        let refusals = [
            (NotLive::Draft(discount()).into(), 422, "CS-E0180"),
            (NotLive::NotDraft(discount()).into(), 409, "CS-E0181"),
            (NotLive::NotOfOwner { person: person(), pool: pool() }.into(), 403, "CS-E0182"),
            (NotLive::NotReady { of: discount(), lacking: Vec::new() }.into(), 422, "CS-E0183"),
            (NotLive::Overtaken(discount()).into(), 409, "CS-E0184"),
            (NotLive::NoRoute("go-live").into(), 422, "CS-E0185"),
            (NotLive::TooManyTrials { of: discount(), most: 20 }.into(), 409, "CS-E0186"),
            (NotLive::Asked { of: discount(), intent: IntentId::from_bits(1) }.into(), 409, "CS-E0187"),
        ];
        for (refusal, status, code) in refusals {
            let refusal: Refusal = refusal;
            let problem = Problem::from(refusal);
            assert_eq!((problem.code().status, problem.code().code), (status, code));
        }
    }

    #[test]
    fn an_undocumented_code_is_answered_as_our_bug() {
        assert_eq!(Problem::new("none", "x", "y").code().code, Problem::bug().code().code);
    }
}
