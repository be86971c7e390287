//! The built-in intent type `connector_upgrade`: that a build asks for more than was granted, and that somebody accepts
//! it. The host asks for it when such a build is added, in the name of whoever adds it.

use super::Build;
use crate::approval::event::{Entry, Event};
use crate::approval::{Approval, Authority, Outcome, Stage};
use crate::built_in::{Described, token, words};
use crate::hash::Digest;
use crate::id::{ConnectorId, FieldName, IntentId, IntentTypeName, RouteName};
use crate::intent::value::TokenValue;
use crate::intent::{FieldType, Raw, Tokens};
use std::collections::BTreeSet;

/// Name of the built-in intent type.
pub const CONNECTOR_UPGRADE: &str = "connector_upgrade";
/// Name of the shared route that decides it.
pub const CONNECTOR_UPGRADE_ROUTE: &str = "connector-upgrade";
/// Most sentences that are accepted at once.
const ASKS_MAX: i64 = 1_000;

/// Whether this is the built-in intent type by which a build is accepted.
#[must_use]
pub fn is_upgrade(name: &IntentTypeName) -> bool {
    name.as_str() == CONNECTOR_UPGRADE
}

/// The built-in intent type `connector_upgrade`.
pub(crate) fn described() -> Option<Described> {
    Some(Described {
        name: IntentTypeName::parse(CONNECTOR_UPGRADE).ok()?,
        route: RouteName::parse(CONNECTOR_UPGRADE_ROUTE).ok()?,
        because: "no connector is granted more on one person's word",
        subject: "connector",
        tokens: vec![
            token("connector", words(1, 64), true, "the connector of which a build asks for more")?,
            token("version", words(1, 64), true, "the version that the build gives itself")?,
            token("digest", words(64, 64), true, "SHA-256 of the component")?,
            token("asks", FieldType::List { min: 1, max: ASKS_MAX }, true, "what was not granted before")?,
            token("asks.want", words(1, 2_000), true, "one thing that it asks for")?,
            token("reason", words(1, 2_000), true, "why, in the words of whoever added it")?,
        ],
        list: "connectors",
        withheld: Vec::new(),
    })
}

/// What a `connector_upgrade` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The connector.
    pub connector: ConnectorId,
    /// The build.
    pub digest: Digest,
    /// Everything that is to be accepted.
    pub asks: BTreeSet<String>,
}

impl Asked {
    /// Reads the tokens of a `connector_upgrade`; `None` if these are not such tokens.
    #[must_use]
    pub fn of(tokens: &Tokens) -> Option<Asked> {
        let value = |name: &str| tokens.get(&FieldName::parse(name).ok()?);
        let text = |name: &str| match value(name) {
            Some(TokenValue::Text(text)) => Some(text.as_str()),
            Some(_) | None => None,
        };
        let Some(TokenValue::List(elements)) = value("asks") else { return None };
        let want = FieldName::parse("want").ok()?;
        let asks = elements.iter().map(|element| match element.get(&want) {
            Some(TokenValue::Text(text)) => Some(text.clone()),
            Some(_) | None => None,
        });
        Some(Asked {
            connector: ConnectorId::parse(text("connector")?).ok()?,
            digest: Digest::parse(text("digest")?)?,
            asks: asks.collect::<Option<_>>()?,
        })
    }

    /// The tokens by which the host asks for a build of a connector.
    #[must_use]
    pub fn tokens(connector: &ConnectorId, build: &Build, asks: &[String], reason: &str) -> Raw {
        let text = |name: &str, text: &str| (name.to_owned(), Raw::Text(text.to_owned()));
        let asks = asks.iter().map(|want| Raw::Map(vec![text("want", want)])).collect();
        Raw::Map(vec![
            text("connector", connector.as_str()),
            text("version", &build.version),
            text("digest", &build.digest.to_string()),
            ("asks".to_owned(), Raw::List(asks)),
            text("reason", reason),
        ])
    }
}

/// That people have accepted what a build asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The intent by which they did.
    pub intent: IntentId,
    /// What they accepted.
    pub asked: Asked,
}

impl Accepted {
    /// What an approval has accepted, from the entry that approves it; `None` if that is no such entry, or not of people.
    #[must_use]
    pub fn of(approval: &Approval, entry: &Entry) -> Option<Accepted> {
        let Event::Approved { authority: Authority::People(_) } = &entry.event else { return None };
        let stands = matches!(&approval.stage, Stage::Executing { .. } | Stage::Closed(Outcome::Done { .. }));
        if !is_upgrade(&approval.intent.intent_type) || !stands {
            return None;
        }
        Some(Accepted { intent: approval.intent.id, asked: Asked::of(&approval.intent.tokens)? })
    }
}
