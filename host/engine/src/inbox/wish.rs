//! What a delivery asks for: an intent, in the name of whoever asked for it at the vendor.
//!
//! It passes the same door as what a person asks for. Before that, three must agree: the manifest says that the connector
//! asks for intents of this type, the file of the intent type that it begins by this hook, and the people who it is.

use crate::engine::{Inner, Key, Submission};
use crate::fault::Fault;
use crate::port::connectors::Connection;
use crate::port::store::StoreFault;
use countersign_core::approval::refusal::Refusal;
use countersign_core::delivery::{ANY_TYPE, CameTo, DEDUPE_KEY_CHARS_MAX, Draft};
use countersign_core::effect::attempt::Detail;
use countersign_core::hash::Digest;
use countersign_core::id::{IntentTypeName, PersonId};
use countersign_core::intent::{IntentType, Raw, Trigger, TypeState};
use countersign_core::people::{Contact, Directory};
use countersign_core::record::{Field, Value};
use std::sync::Arc;

/// Most tokens that do not fit of which a refusal says what was expected.
const FAULTS_SHOWN_MAX: usize = 10;

/// Asks for one intent, as whoever asked for it there. What is refused is part of the answer.
pub(super) async fn came_to(
    inner: &Arc<Inner>,
    connection: &Connection,
    hook: &str,
    draft: &Draft,
) -> Result<CameTo, Fault> {
    // Whatever else it says when it is delivered again, it is the same wish. No person is called so.
    let name = Digest::of_parts(&[connection.name.as_str().as_bytes(), draft.dedupe_key.as_bytes()]);
    let key = Some(Key { key: format!(":intake/{name}"), fingerprint: name });
    if let Some(intent) = inner.answered(key.as_ref()).await? {
        return Ok(CameTo::Intent(intent));
    }
    let (requester, trial) = match granted(inner, connection, hook, draft) {
        Ok(granted) => granted,
        Err(why) => return Ok(CameTo::Refused(why)),
    };
    let tokens = match tokens(draft) {
        Ok(tokens) => tokens,
        Err(why) => return Ok(CameTo::Refused(Detail::new("bad-draft", why))),
    };
    let intent_type = draft.intent_type.clone();
    let submission = Submission { requester: requester.to_string(), intent_type, tokens, key };
    match inner.submit(submission, trial, None).await {
        Ok(standing) => Ok(CameTo::Intent(standing.approval.intent.id)),
        Err(Fault::Refused(refusal)) => Ok(CameTo::Refused(Detail::new(refusal.code(), words(&refusal)))),
        // It is as long the next time.
        Err(fault @ Fault::Store(StoreFault::TooLarge(_))) => {
            Ok(CameTo::Refused(Detail::new("too-large", fault.to_string())))
        }
        Err(fault) => Err(fault),
    }
}

/// A refusal for whoever looks at deliveries, who are not those who may see what was asked: of tokens that do not fit, it
/// says where and what was expected.
fn words(refusal: &Refusal) -> String {
    let Refusal::Tokens(faults) = refusal else { return refusal.to_string() };
    let said = faults.iter().take(FAULTS_SHOWN_MAX);
    let said = said.map(|fault| format!("`{}`: expected {}", fault.pointer, fault.expected));
    format!("{refusal}: {}", said.collect::<Vec<_>>().join("; "))
}

/// Who asks, and by what a trial begins if it is one; or why nobody may ask for this here.
fn granted(
    inner: &Inner,
    connection: &Connection,
    hook: &str,
    draft: &Draft,
) -> Result<(PersonId, Option<Trigger>), Detail> {
    let refused = |code: &str, message: String| Err(Detail::new(code, message));
    let wanted = &draft.intent_type;
    let length = draft.dedupe_key.chars().count();
    if length == 0 || DEDUPE_KEY_CHARS_MAX < length {
        let message = format!("its `dedupe-key` has {length} characters and not 1 to {DEDUPE_KEY_CHARS_MAX}");
        return refused("bad-draft", message);
    }
    let is_named = |named: &String| named == wanted || named == ANY_TYPE;
    if !connection.inbound.brings.iter().any(is_named) {
        let message =
            format!("the manifest of `{}` does not name `{wanted}` in `[intake]`", connection.connector);
        return refused("not-granted", message);
    }
    let rulebook = inner.rulebook();
    let schema = IntentTypeName::parse(wanted).ok().and_then(|name| rulebook.intent_type(&name));
    let by = Trigger::Webhook { connection: connection.name.clone(), hook: hook.to_owned() };
    let schema = match schema {
        Some(schema) if schema.trigger == by => schema,
        Some(IntentType { trigger, .. }) => {
            let message = format!(
                "an intent of type `{wanted}` begins by `{trigger}` and not by `{by}`; its file says which"
            );
            return refused("not-granted", message);
        }
        None => return refused("not-granted", format!("there is no intent type `{wanted}`")),
    };
    let Some(asked) = &draft.requester else {
        return refused("no-requester", "it does not say who asks".to_owned());
    };
    let Some(requester) = person(rulebook.directory(), asked) else {
        let message = format!(
            "nobody of the people is `{}`; give them this mail address in the people file",
            asked.escape_debug()
        );
        return refused("unknown-requester", message);
    };
    let trial = (rulebook.state_of(schema) == TypeState::Draft).then_some(by);
    Ok((requester, trial))
}

/// The one person whom a vendor's user is: by the id, or by the mail address that only they have.
fn person(directory: &Directory, asked: &str) -> Option<PersonId> {
    if let Some(person) = PersonId::parse(asked).ok().filter(|person| directory.knows(person)) {
        return Some(person);
    }
    let is_theirs = |contact: &Contact| match contact {
        Contact::Mail(address) => address.to_string().eq_ignore_ascii_case(asked),
        Contact::Webhook(_) => false,
    };
    let mut all = directory.contacts.iter().filter(|(_, contacts)| contacts.iter().any(is_theirs));
    let (person, _) = all.next()?;
    all.next().is_none().then(|| person.clone())
}

/// The tokens as a caller would send them; what the vendor does not hold is left out, and JSON is taken apart.
fn tokens(draft: &Draft) -> Result<Raw, String> {
    let present = draft.fields.iter().filter(|field| field.value != Value::Absent);
    let token = |field: &Field| Ok((field.name.clone(), raw(field)?));
    present.map(token).collect::<Result<_, String>>().map(Raw::Map)
}

fn raw(field: &Field) -> Result<Raw, String> {
    Ok(match &field.value {
        Value::Absent => Raw::Null,
        Value::Flag(flag) => Raw::Bool(*flag),
        Value::Integer(number) => Raw::Integer(*number),
        Value::Decimal(text) | Value::Text(text) | Value::Date(text) => Raw::Text(text.clone()),
        Value::Instant(moment) => Raw::Text(moment.to_string()),
        Value::Money(money) => Raw::Map(vec![
            ("amount".to_owned(), Raw::Text(money.amount())),
            ("currency".to_owned(), Raw::Text(money.currency.to_string())),
        ]),
        Value::Reference(record) => Raw::Text(record.id.clone()),
        Value::Json(text) => serde_json::from_str(text)
            .map_err(|fault| format!("the field `{}` holds JSON that is none: {fault}", field.name))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::money::{Currency, Money};
    use countersign_core::record::RecordRef;

    #[test]
    fn a_draft_says_its_tokens_as_a_caller_would() {
        let field = |name: &str, value| Field { name: name.to_owned(), value };
        let mut draft = Draft {
            intent_type: "discount".to_owned(),
            source: RecordRef { kind: "deal".to_owned(), id: "7".to_owned() },
            fields: vec![
                field("deal", Value::Reference(RecordRef { kind: "deal".to_owned(), id: "7".to_owned() })),
                field(
                    "list",
                    Value::Money(
                        Money::parse("80000.00", Currency::parse("USD").expect("one")).expect("money"),
                    ),
                ),
                field("months", Value::Integer(18)),
                field("note", Value::Absent),
                field("lines", Value::Json(r#"[{"sku":"A"}]"#.to_owned())),
            ],
            dedupe_key: "deal/7".to_owned(),
            requester: None,
        };
        let text = |text: &str| Raw::Text(text.to_owned());
        let named = |name: &str, raw| (name.to_owned(), raw);
        let money = vec![named("amount", text("80000.00")), named("currency", text("USD"))];
        let expected = vec![
            named("deal", text("7")),
            named("list", Raw::Map(money)),
            named("months", Raw::Integer(18)),
            named("lines", Raw::List(vec![Raw::Map(vec![named("sku", text("A"))])])),
        ];
        assert_eq!(tokens(&draft), Ok(Raw::Map(expected)));
        draft.fields = vec![field("lines", Value::Json("[".to_owned()))];
        assert!(tokens(&draft).is_err_and(|why| why.contains("`lines`")));
    }
}
