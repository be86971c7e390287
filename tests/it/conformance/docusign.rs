//! What a stand-in for DocuSign answers is recorded and certifies; and what no recording shows: its refusals, an envelope
//! whose transaction id is forgotten, and what cannot be known of a letter that may have gone out.

use super::scripted::{Scripted, World, case, mac, proposal};
use super::{asked, connection, recorded};
use anyhow::{Context as _, Result, bail, ensure};
use countersign_core::effect::attempt::{Ended, Failure, Finding, Guarantee};
use countersign_core::effect::plan::{Proposal, WritePlan};
use countersign_core::id::EffectId;
use countersign_core::record::{RecordRef, Value};
use countersign_core::time::Millis;
use countersign_engine::port::connectors::{Call, Connectors as _};
use countersign_tests::servers::Vendor;
use data_encoding::BASE64;
use serde_json::{Value as Json, json};

/// The account of the stand-in.
const ACCOUNT: &str = "624e3e00-0000-4000-8000-000000000001";
/// Where tokens are given, below the address of the target.
const TOKENS: &str = "/oauth/token";
/// The private key of an app that nobody has, whose public half the stand-in knows.
const KEY: &str = include_str!("../../support/servers/vendor/docusign.pem");
const ENVELOPES: &str = "/envelopes";
const ENVELOPE: &str = "/envelopes/e1";
const FIELDS: &str = "/envelopes/e1/custom_fields";
const TEMPLATE: &str = "/templates/t1";
const RECIPIENTS: &str = "/templates/t1/recipients";
/// When template and envelope were changed.
const CHANGED: &str = "2026-11-01T10:00:00.0000000Z";

/// A record of the stand-in: all of them end alike.
fn id(number: &str) -> String {
    format!("000000{number}-0000-4000-8000-0000000000d5")
}

fn texts(of: &[(&str, &str)]) -> Json {
    of.iter().map(|(name, text)| json!({"name": name, "value": {"text": text}})).collect()
}

/// The names and texts of what an envelope of the stand-in keeps.
fn kept(envelope: &Json) -> Vec<(&str, &str)> {
    let of = envelope["customFields"]["textCustomFields"].as_array().into_iter().flatten();
    of.filter_map(|one| Some((one["name"].as_str()?, one["value"].as_str()?))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_docusign_answers_is_recorded_and_certifies() -> Result<()> {
    let vendor = tokio::task::spawn_blocking(|| Vendor::start("docusign")).await??;
    let about = "Recorded at a stand-in made from what DocuSign publishes.";
    let of = |operation: &str, kind: &str, number: &str, fields: &Json, personal: Json| {
        let mut asked = asked(about, operation, (kind, &id(number)), fields);
        asked["personal"] = personal;
        asked
    };
    let (cap, terms) = ("Liability is capped at the fees of the last 12 months.", "45 days & “net”");
    let letter = texts(&[
        ("role", "Customer"),
        ("signer_name", "Grace Sample"),
        ("signer_email", "grace@example.org"),
        ("email_subject", "Agreement Q-1042: please sign"),
        ("tab-liability_cap", cap),
        ("tab-payment_terms", terms),
    ]);
    let people = json!(["Grace Sample", "grace@example.org", "archive@example.com", "Contract Archive"]);
    let ours = texts(&[("field-liability_cap", "24 months"), ("field-contract_number", "C-1042")]);
    let signer = json!(["Ada Example", "ada@example.com"]);
    let mut moved = of("set-fields", "envelope", "e2", &ours, signer.clone());
    moved["rival"] = texts(&[("field-liability_cap", "36 months"), ("field-contract_number", "C-1043")]);
    let all = vec![
        ("envelope", of("send-envelope", "template", "a1", &letter, people)),
        ("fields-that-moved", moved),
        ("fields", of("set-fields", "envelope", "e1", &ours, signer)),
    ];
    let base = format!("{}/restapi/v2.1/accounts/{ACCOUNT}", vendor.base_url());
    let mut target = connection("docusign", &base, KEY)?;
    let api = target.endpoints.get_mut("api").context("the endpoint")?;
    api.token = Some(format!("{}{TOKENS}", vendor.base_url()));
    api.variables.insert("sign-in".to_owned(), "account-d.docusign.com".to_owned());
    recorded("docusign", target, all).await?;
    let state = tokio::task::spawn_blocking(move || vendor.state()).await??;
    let envelopes = state["envelopes"].as_object().context("envelopes")?;
    let made: Vec<&Json> = envelopes.values().filter(|one| one["transactionId"].is_string()).collect();
    let [sent] = made.as_slice() else { bail!("one letter went out, not {}", made.len()) };
    ensure!(envelopes.len() == 4 && sent["status"] == "sent", "{sent:#}");
    assert_eq!(kept(sent), [("countersign_effect", sent["transactionId"].as_str().context("an id")?)]);
    let signer = &sent["recipients"]["signers"][0];
    assert_eq!((&signer["name"], &signer["email"]), (&json!("Grace Sample"), &json!("grace@example.org")));
    let tabs = signer["tabs"]["textTabs"].as_array().context("tabs")?;
    assert_eq!(tabs.iter().map(|tab| tab["value"].clone()).collect::<Vec<_>>(), [cap, terms, terms]);
    for (number, held) in [
        ("e1", ["24 months", "C-1042"]),
        // The rival's, and not ours.
        ("e2", ["36 months", "C-1043"]),
        ("e3", ["12 months", ""]),
    ] {
        let now = kept(&envelopes[&id(number)]);
        assert_eq!(now, [("Liability Cap", held[0]), ("Contract Number", held[1])], "{number}");
    }
    Ok(())
}

async fn world() -> Result<World> {
    let world = World::start("docusign", KEY).await?;
    anew(&world)?;
    Ok(world)
}

/// Forgets what was said, and gives a token to whoever asks for one.
fn anew(world: &World) -> Result<()> {
    world.anew()?;
    world.target.say(TOKENS, &json!({"access_token": "token-canary-4711", "token_type": "Bearer"}));
    Ok(())
}

/// What was asked beside a token.
fn questions(world: &World) -> Vec<String> {
    let mut asked = world.target.take();
    asked.retain(|line| !line.contains(TOKENS));
    asked
}

fn text(of: &str) -> Value {
    Value::Text(of.into())
}

fn set_fields() -> Proposal {
    proposal("set-fields", ("envelope", "e1"), &[("field-cap", text("24 months"))])
}

/// A letter, with one word of it otherwise.
fn letter(otherwise: &str, word: &str) -> Proposal {
    let fields = [
        ("role", "Customer"),
        ("signer_name", "Grace Sample"),
        ("signer_email", "grace@example.org"),
        ("email_subject", "Please sign"),
        ("tab-cap", "24 months"),
    ];
    let fields = fields.map(|(name, of)| (name, text(if name == otherwise { word } else { of })));
    proposal("send-envelope", ("template", "t1"), &fields)
}

/// An envelope with this text in its one field, and this mark.
fn envelope(cap: &str, revision: &str, mark: &str) -> Json {
    let signer = json!({"roleName": "Customer", "name": "Grace Sample", "email": "grace@example.org",
                        "tabs": {"textTabs": [{"tabLabel": "Cap", "value": "24 months"}]}});
    json!({
        "envelopeId": "e1", "status": "sent", "emailSubject": "Please sign", "lastModifiedDateTime": revision,
        "recipients": {"signers": [signer]},
        "customFields": {"textCustomFields": [
            {"fieldId": "1", "name": "Cap", "value": cap, "show": "true", "required": "false"},
            {"fieldId": "2", "name": "countersign_effect", "value": mark},
        ]},
    })
}

fn listed(ids: &[&str]) -> Json {
    let envelopes: Vec<_> = ids.iter().map(|id| json!({"envelopeId": id})).collect();
    json!({"resultSetSize": ids.len().to_string(), "envelopes": envelopes})
}

fn none() -> Json {
    json!({"resultSetSize": "0", "totalSetSize": "0"})
}

fn error(word: &str) -> Json {
    json!({"errorCode": word, "message": "words about grace@example.org"})
}

/// The template, with these signers and those who get a copy.
fn say_template(target: &Scripted, changed: &str, signers: &Json, copies: &Json) {
    target.say(TEMPLATE, &json!({"templateId": "t1", "name": "Agreement", "lastModified": changed}));
    target.say(RECIPIENTS, &json!({"signers": signers, "carbonCopies": copies, "recipientCount": "1"}));
}

fn customer() -> Json {
    let tabs = json!({"textTabs": [
        {"tabLabel": "Cap", "value": "", "locked": "true", "maxLength": "100"},
        {"tabLabel": "Term!", "value": "", "locked": "false"},
        {"tabLabel": "Term?", "value": "", "locked": "false"},
    ]});
    json!([{"roleName": "Customer", "name": "", "email": "", "tabs": tabs}])
}

/// One attempt at what is planned now.
async fn planned(world: &World, what: Proposal) -> Result<Call> {
    let Ended::Returned(plan) = world.plan(what.clone()).await? else { bail!("it is planned") };
    world.call(what, plan, Guarantee::ByProbe)
}

/// One attempt at a letter; the target has nothing more to say then.
async fn sending(world: &World) -> Result<Call> {
    anew(world)?;
    say_template(&world.target, CHANGED, &customer(), &json!([]));
    let call = planned(world, letter("", "")).await?;
    anew(world)?;
    Ok(call)
}

fn waits<T>(ended: &Ended<T>) -> Option<Millis> {
    match ended {
        Ended::Failed(Failure::Transient { after, .. }) => *after,
        Ended::Failed(_) | Ended::Returned(_) | Ended::Broke(_) => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_docusign_refuses_is_named_as_what_it_is() -> Result<()> {
    let world = world().await?;
    for (status, word, looking, writing, wait) in [
        (401, "AUTHORIZATION_INVALID_TOKEN", "denied authorization-invalid-token", None, None),
        (400, "USER_LACKS_PERMISSIONS", "denied user-lacks-permissions", None, None),
        (404, "ENVELOPE_DOES_NOT_EXIST", "rejected not-found", None, None),
        (400, "ENVELOPE_DOES_NOT_EXIST", "rejected not-found", None, None),
        (400, "ENVELOPE_INVALID_STATUS", "conflict envelope-invalid-status", None, None),
        (400, "EDIT_LOCK_NOT_LOCK_OWNER", "transient edit-lock-not-lock-owner", None, Some(300)),
        // As it was told until 2026, and as it is since.
        (
            400,
            "BURST_APIINVOCATION_LIMIT_EXCEEDED",
            "transient burst-apiinvocation-limit-exceeded",
            None,
            Some(30),
        ),
        (
            429,
            "Burst_Envelope_Polling_Limit_Exceeded",
            "transient burst-envelope-polling-limit-exceeded",
            None,
            Some(30),
        ),
        (
            429,
            "HOURLY_APIINVOCATION_LIMIT_EXCEEDED",
            "transient hourly-apiinvocation-limit-exceeded",
            None,
            None,
        ),
        (400, "RECIPIENT_LIMIT_EXCEEDED", "rejected recipient-limit-exceeded", None, None),
        (400, "A_WORD_OF_TOMORROW", "rejected a-word-of-tomorrow", None, None),
        (400, "UNSPECIFIED_ERROR", "transient unspecified-error", Some("uncertain unspecified-error"), None),
        (
            503,
            "A_WORD_OF_TOMORROW",
            "transient a-word-of-tomorrow",
            Some("uncertain a-word-of-tomorrow"),
            None,
        ),
    ] {
        let wait = wait.map(Millis::seconds);
        anew(&world)?;
        world.target.say_with(status, ENVELOPE, &error(word));
        let subject = RecordRef { kind: "envelope".into(), id: "e1".into() };
        let looked = world.fetch(subject).await?;
        assert_eq!((case(&looked).as_str(), waits(&looked)), (looking, wait), "{word}");
        ensure!(!format!("{looked:?}").contains("grace"), "{word}: it names a signer");
        anew(&world)?;
        world.target.say(ENVELOPE, &envelope("12 months", CHANGED, ""));
        world.target.say_with(status, FIELDS, &error(word));
        let call = planned(&world, set_fields()).await?;
        let wrote = world.apply(call).await;
        assert_eq!((case(&wrote).as_str(), waits(&wrote)), (writing.unwrap_or(looking), wait), "{word}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_envelope_is_found_when_its_transaction_id_is_forgotten_and_is_not_sent_again() -> Result<()> {
    let world = world().await?;
    let effect = EffectId::from_bits(1).to_string();
    let call = sending(&world).await?;
    for lists in [
        vec![listed(&["e1"])],
        vec![none(), listed(&["e1"])],
        vec![
            json!({"resultSetSize": "1", "envelopeTransactionStatuses": [{"transactionId": effect, "envelopeId": "e1"}]}),
        ],
    ] {
        anew(&world)?;
        for list in &lists {
            world.target.say(ENVELOPES, list);
        }
        world.target.say(ENVELOPE, &envelope("", CHANGED, &effect));
        let Ended::Returned(receipt) = world.apply(call.clone()).await else {
            bail!("it is there: {lists:?}")
        };
        assert_eq!((receipt.subject.kind.as_str(), receipt.subject.id.as_str()), ("envelope", "e1"));
        let applied = receipt.applied.iter().find(|field| field.name == "tab-cap").context("the tab")?;
        assert_eq!(applied.value, text("24 months"));
        let asked = questions(&world);
        ensure!(!asked.iter().any(|line| line.starts_with("POST")), "it was sent again: {asked:?}");
        ensure!(asked[0].contains(&format!("transaction_ids={effect}")), "{asked:?}");
        let marked = format!("custom_field=countersign_effect%3D{effect}");
        ensure!(lists.len() == 1 || asked[1].contains(&marked), "{asked:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_known_of_a_letter_is_not_guessed() -> Result<()> {
    let world = world().await?;
    let call = sending(&world).await?;
    for (status, answer, wanted) in [
        (201, json!({"status": "sent"}), "uncertain unreadable-answer"),
        (500, json!({}), "uncertain unavailable"),
        (400, error("UNSPECIFIED_ERROR"), "uncertain unspecified-error"),
        // It was made, and the look at it fails.
        (201, json!({"envelopeId": "e1", "status": "sent"}), "uncertain not-seen"),
    ] {
        anew(&world)?;
        world.target.say(ENVELOPES, &none());
        world.target.say(ENVELOPES, &none());
        world.target.say_with(status, ENVELOPES, &answer);
        say_template(&world.target, CHANGED, &customer(), &json!([]));
        world.target.say_with(429, ENVELOPE, &error("BURST_ENVELOPE_POLLING_LIMIT_EXCEEDED"));
        assert_eq!(case(&world.apply(call.clone()).await), wanted, "{answer}");
    }
    for (list, wanted) in [
        // Neither a list nor the word that there is none.
        (json!({}), "transient unreadable-answer"),
        (json!({"resultSetSize": "1"}), "transient unreadable-answer"),
        // A filter that was passed over.
        (listed(&["e1"]), "uncertain not-ours"),
    ] {
        anew(&world)?;
        world.target.say(ENVELOPES, &list);
        world.target.say(ENVELOPE, &envelope("", CHANGED, "eff_somebody"));
        assert_eq!(case(&world.runtime.probe(call.clone()).await), wanted, "{list}");
        assert_eq!(case(&world.apply(call.clone()).await), wanted, "{list}");
    }
    // Ours, but as a draft: it may still be sent by somebody.
    let mut draft = envelope("", CHANGED, &EffectId::from_bits(1).to_string());
    draft["status"] = json!("created");
    anew(&world)?;
    world.target.say(ENVELOPES, &listed(&["e1"]));
    world.target.say(ENVELOPE, &draft);
    assert_eq!(case(&world.apply(call.clone()).await), "uncertain left-as-draft");
    assert_eq!(case(&world.runtime.probe(call).await), "uncertain left-as-draft");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_of_a_template_that_changed_is_decided_anew() -> Result<()> {
    let world = world().await?;
    let call = sending(&world).await?;
    world.target.say(ENVELOPES, &none());
    say_template(&world.target, "2026-11-02T09:00:00.0000000Z", &customer(), &json!([]));
    assert_eq!(case(&world.apply(call).await), "conflict moved");
    let asked = questions(&world);
    ensure!(!asked.iter().any(|line| line.starts_with("POST")), "{asked:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_sent_is_refused_before_anybody_approves_it() -> Result<()> {
    let world = world().await?;
    let named = json!([{"roleName": "Customer", "name": "Ada", "email": "ada@example.com"}]);
    let open = json!([{"roleName": "Counsel", "name": "", "email": ""}]);
    let archive = json!([{"roleName": "Archive", "name": "Archive", "email": "archive@example.com"}]);
    for (what, signers, copies, code) in [
        (letter("signer_email", "grace"), customer(), json!([]), "bad-input"),
        (letter("email_subject", &"x".repeat(101)), customer(), json!([]), "bad-input"),
        (letter("signer_name", "Grace\nSample"), customer(), json!([]), "bad-input"),
        (letter("tab-cap", &"x".repeat(101)), customer(), json!([]), "bad-input"),
        (letter("role", "Supplier"), customer(), json!([]), "no-such-role"),
        (letter("", ""), named, json!([]), "no-such-role"),
        (letter("", ""), customer(), open, "open-roles"),
        (
            proposal("send-envelope", ("template", "t1"), &tab("tab-none")),
            customer(),
            json!([]),
            "no-such-tab",
        ),
        (proposal("send-envelope", ("template", "t1"), &tab("tab-term")), customer(), json!([]), "ambiguous"),
    ] {
        anew(&world)?;
        say_template(&world.target, CHANGED, &signers, &copies);
        assert_eq!(case(&world.plan(what).await?), format!("rejected {code}"));
    }
    anew(&world)?;
    say_template(&world.target, CHANGED, &customer(), &archive);
    let Ended::Returned(WritePlan { revision, changes, remarks, .. }) = world.plan(letter("", "")).await?
    else {
        bail!("it is planned")
    };
    let changed = changes.iter().find(|change| change.name == "template_changed").context("the template")?;
    assert_eq!((revision, &changed.after), (None, &text(CHANGED)));
    ensure!(remarks.len() == 2 && remarks[1].ends_with(": 1"), "{remarks:?}");
    Ok(())
}

/// A letter that fills this tab.
fn tab(name: &'static str) -> [(&'static str, Value); 5] {
    [
        ("role", text("Customer")),
        ("signer_name", text("Grace Sample")),
        ("signer_email", text("grace@example.org")),
        ("email_subject", text("Please sign")),
        (name, text("24 months")),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_that_somebody_else_wrote_are_not_written_over() -> Result<()> {
    let world = world().await?;
    world.target.say(ENVELOPE, &envelope("12 months", CHANGED, "eff_somebody"));
    let call = planned(&world, set_fields()).await?;
    let later = "2026-11-02T09:00:00.0000000Z";
    for (cap, revision, wanted) in [
        ("36 months", CHANGED, "conflict moved"),
        // The same text again, after somebody changed something.
        ("12 months", later, "conflict moved"),
    ] {
        anew(&world)?;
        world.target.say(ENVELOPE, &envelope(cap, revision, "eff_somebody"));
        assert_eq!(case(&world.apply(call.clone()).await), wanted);
    }
    for (cap, wanted) in [("36 months", "Unknown"), ("12 months", "Absent"), ("24 months", "Landed")] {
        anew(&world)?;
        world.target.say(ENVELOPE, &envelope(cap, later, "eff_somebody"));
        let Ended::Returned(found) = world.runtime.probe(call.clone()).await else {
            bail!("it is looked for")
        };
        let found = match found {
            Finding::Landed(_) => "Landed",
            Finding::Absent => "Absent",
            Finding::Unknown => "Unknown",
        };
        assert_eq!(found, wanted, "{cap}");
    }
    // Which effect made an envelope is nothing to be set.
    anew(&world)?;
    world.target.say(ENVELOPE, &envelope("12 months", CHANGED, "eff_somebody"));
    let mark = [("field-countersign_effect", text("eff_other"))];
    let refused = world.plan(proposal("set-fields", ("envelope", "e1"), &mark)).await?;
    assert_eq!(case(&refused), "rejected no-such-field");
    // A field that is refused with status 200.
    for (errors, wanted) in [
        (json!([{"errorDetails": {"errorCode": "INVALID_FIELD"}}]), "rejected invalid-field"),
        (json!([{"errorDetails": {"errorCode": "INVALID_FIELD"}}, {}]), "uncertain invalid-field"),
        (json!([{"errorDetails": {"errorCode": "SUCCESS"}}]), "uncertain not-seen"),
        (json!([]), "uncertain unreadable-answer"),
    ] {
        anew(&world)?;
        world.target.say(ENVELOPE, &envelope("12 months", CHANGED, "eff_somebody"));
        world.target.say(FIELDS, &json!({"textCustomFields": errors}));
        assert_eq!(case(&world.apply(call.clone()).await), wanted);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_about_the_envelope_that_something_became_of() -> Result<()> {
    const SIGNING: &str = "connect-canary-4711";
    let world = world().await?;
    assert_eq!(world.listen(SIGNING)?, "hmac-sha256");
    let told = async |said: Json| {
        let body = said.to_string();
        let signature = BASE64.encode(&mac(SIGNING.as_bytes(), &[&body])?);
        world.told(&[("X-DocuSign-Signature-1", &signature)], body).await
    };
    let envelope = RecordRef { kind: "envelope".into(), id: id("e1") };
    let event = |of: &str| json!({"event": of, "apiVersion": "v2.1", "data": {"accountId": ACCOUNT, "envelopeId": id("e1")}});
    for (said, wanted) in [
        (event("envelope-voided"), vec![envelope.clone()]),
        (event("recipient-completed"), vec![envelope]),
        (json!({"event": "template-modified", "data": {"templateId": id("a1")}}), Vec::new()),
    ] {
        assert_eq!(told(said.clone()).await?, Ended::Returned(wanted), "{said}");
    }
    for said in [json!({"event": "envelope-sent", "data": {}}), json!({"event": "envelope-sent"}), json!({})]
    {
        assert_eq!(case(&told(said.clone()).await?), "rejected bad-delivery", "{said}");
    }
    ensure!(questions(&world).is_empty(), "nothing is asked for it");
    Ok(())
}
