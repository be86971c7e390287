//! The configuration as it may be shown: each key with where it stands, its value only where that is known to be harmless.

use crate::config::{SECRET_KINDS, Whereabouts};
use serde::Serialize;
use std::ffi::OsString;
use std::net::SocketAddr;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// How variables of the environment begin that replace a key.
const VARIABLES: &str = "COUNTERSIGN__";
/// Keys whose value is a reference to a secret. Here and below a key is meant as a whole; `*` is a name that the operator chose.
const SECRETS: [&str; 7] = [
    "data.database",
    "connection.*.endpoints.*.secret",
    "connection.*.webhooks.*.secret",
    "mail.password",
    "webhook.*.secret",
    "sign-in.client-secret",
    "log.anchor.*.authorization",
];
/// Keys whose value is an address, which may hold a secret behind its host.
const ADDRESSES: [&str; 8] = [
    "server.public-address",
    "connection.*.endpoints.*.base",
    "connection.*.endpoints.*.token",
    "connection.*.endpoints.*.authorize",
    "webhook.*.url",
    "sign-in.issuer",
    "log.anchor.*.put",
    "log.anchor.*.post",
];
/// Keys whose value says nothing of anybody.
const PLAIN: [&str; 30] = [
    "data.folder",
    "rules.folder",
    "server.listen",
    "server.admin-listen",
    "server.shutdown-grace",
    "connectors.install",
    "connectors.hosts",
    "connectors.class-max",
    "connectors.unsigned",
    "connection.*.connector",
    "connection.*.allow",
    "connection.*.rate.per-second",
    "connection.*.rate.burst",
    "connection.*.rate.concurrent",
    "mail.server",
    "mail.port",
    "mail.security",
    "webhook.*.allow",
    "sign-in.claim",
    "sign-in.allow",
    "scim.calendar",
    "scim.domains",
    "trust.*.keys",
    "trust.*.testers",
    "trust.*.level",
    "log.key",
    "log.noted",
    "log.anchor.*.file",
    "log.anchor.*.git",
    "log.anchor.*.every",
];
/// Keys whose value names somebody or something, and lets nobody in: not shown, and not looked for elsewhere.
const NAMES: [&str; 5] = [
    "mail.user",
    "mail.from",
    "sign-in.client-id",
    "connection.*.endpoints.*.issuer",
    "connection.*.endpoints.*.subject",
];
/// What stands for a value that is not shown.
const HIDDEN: &str = "(not shown)";

/// What is known of a configuration.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// What may be shown.
    pub shown: Vec<Shown>,
    /// The texts that are not.
    pub hidden: Vec<String>,
    /// Where whoever watches over the host is answered.
    pub admin_listen: Option<SocketAddr>,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Section and key.
    pub key: String,
    /// Its value, or that it is not shown.
    pub value: String,
    /// Where it stands: a line of the file, or a variable.
    pub from: String,
}

/// Reads the file and what the environment puts over it.
#[must_use]
pub fn read(house: &Whereabouts) -> Known {
    // What is no text is passed over, as the host does: it is not shown, and is not looked for elsewhere, as that wants text.
    let texts =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    let variables = std::env::vars_os().filter_map(texts).filter(|(name, _)| name.starts_with(VARIABLES));
    of(&house.file.display().to_string(), &house.text, variables)
}

fn of(file: &str, text: &str, variables: impl Iterator<Item = (String, String)>) -> Known {
    let mut known = Known::default();
    let (parsed, _) = DeTable::parse_recoverable(text);
    let breaks: Vec<usize> = text.match_indices('\n').map(|(place, _)| place).collect();
    let line = |place: usize| format!("{file}:{}", breaks.partition_point(|end| *end < place) + 1);
    known.table("", parsed.get_ref(), &line);
    for (name, value) in variables {
        let path = name.trim_start_matches(VARIABLES).to_ascii_lowercase();
        let key = path.replace("__", ".").replace('_', "-");
        known.text(&key, &value, name);
    }
    known
}

impl Known {
    fn table(&mut self, above: &str, table: &DeTable<'_>, line: &dyn Fn(usize) -> String) {
        for (key, value) in table {
            let name = match above {
                "" => part(key.get_ref()),
                _ => format!("{above}.{}", part(key.get_ref())),
            };
            self.value(&name, value, line);
        }
    }

    fn value(&mut self, key: &str, value: &Spanned<DeValue<'_>>, line: &dyn Fn(usize) -> String) {
        let from = line(value.span().start);
        match value.get_ref() {
            DeValue::Table(table) => self.table(key, table, line),
            DeValue::Array(values) => values.iter().for_each(|value| self.value(key, value, line)),
            DeValue::String(text) => self.text(key, text, from),
            DeValue::Integer(number) => self.text(key, number.as_str(), from),
            DeValue::Float(number) => self.text(key, number.as_str(), from),
            // One of two words lets nobody in.
            DeValue::Boolean(flag) => self.show(key, flag.to_string(), from),
            DeValue::Datetime(moment) => self.text(key, &moment.to_string(), from),
        }
    }

    fn text(&mut self, key: &str, text: &str, from: String) {
        if key == "server.admin-listen" {
            self.admin_listen = text.parse().ok();
        }
        let value = if is_one_of(&SECRETS, key) {
            reference(text)
        } else if is_one_of(&ADDRESSES, key) {
            host_of(text)
        } else if is_one_of(&PLAIN, key) {
            Some(text.to_owned())
        } else {
            None
        };
        if value.as_deref() != Some(text) && !is_one_of(&NAMES, key) {
            self.hide(text, value.as_deref().unwrap_or_default());
        }
        self.show(key, value.unwrap_or_else(|| HIDDEN.to_owned()), from);
    }

    fn show(&mut self, key: &str, value: String, from: String) {
        self.shown.push(Shown { key: key.to_owned(), value, from });
    }

    /// Keeps in mind what must not be shown: the whole, and each part of it that could be a secret alone.
    fn hide(&mut self, text: &str, shown: &str) {
        let mut parts: Vec<&str> = vec![text];
        parts.extend(text.split(['?', '&', '=', '@', ':', ' ']));
        parts.extend(text.split(['/', '?', '&', '=', '@', ':', ' ']));
        // What stands behind the host of an address.
        let behind = text.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(_, path)| path);
        parts.extend(behind.iter().flat_map(|path| path.split(['?', '#'])));
        self.hidden.extend(parts.into_iter().filter(|part| !shown.contains(part)).map(str::to_owned));
    }
}

/// A part of a key, so that a dot in it does not go for one between two parts.
fn part(name: &str) -> String {
    if name.contains('.') { format!("\"{}\"", name.replace('.', "\\.")) } else { name.to_owned() }
}

/// Whether a whole key is one of these.
fn is_one_of(keys: &[&str], key: &str) -> bool {
    keys.iter().any(|known| is_key(known, key))
}

fn is_key(known: &str, key: &str) -> bool {
    let is_name = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let same = |(known, part): (&str, &str)| if known == "*" { is_name(part) } else { known == part };
    known.split('.').count() == key.split('.').count() && known.split('.').zip(key.split('.')).all(same)
}

/// A reference as it may be shown; nothing if it is none.
fn reference(text: &str) -> Option<String> {
    if !SECRET_KINDS.iter().any(|kind| text.starts_with(kind)) {
        return None;
    }
    match text.strip_prefix("command:") {
        // Its words may be anything.
        Some(command) => command.split_whitespace().next().map(|program| format!("command:{program} …")),
        None => Some(text.to_owned()),
    }
}

/// Where an address leads, without what stands before and behind the host.
fn host_of(text: &str) -> Option<String> {
    let url = reqwest::Url::parse(text).ok()?;
    let host = url.host_str()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let shown = format!("{}://{host}{port}", url.scheme());
    if shown == text { Some(shown) } else { Some(format!("{shown}/…")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_to_be_harmless_is_shown() {
        let text = "[server]\nlisten = \"127.0.0.1:1\"\nadmin-listen = \"127.0.0.1:2\"\n[connection.crm]\n\
            connector = \"acme.crm\"\n[connection.crm.endpoints.api]\nbase = \"https://user:pass@crm.example/path?key=word\"\n\
            secret = \"a literal secret\"\n[connection.crm.settings]\nfolder = \"in a section of free names\"\n\
            [connection.crm.rate]\nburst = 5\n[mail]\npassword = \"command:vault kv get word\"\nuser = \"somebody\"\n\
            [sign-in]\nclient-secret = \"env:SIGN_IN\"\n";
        let variables =
            [("COUNTERSIGN__MAIL__PASSWORD", "typed here"), ("COUNTERSIGN__SERVER__SHUTDOWN_GRACE", "5s")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let known = of("c.toml", text, variables.into_iter());
        let shown: Vec<String> =
            known.shown.iter().map(|shown| format!("{}={} {}", shown.key, shown.value, shown.from)).collect();
        let mut expected = [
            "server.listen=127.0.0.1:1 c.toml:2",
            "server.admin-listen=127.0.0.1:2 c.toml:3",
            "connection.crm.connector=acme.crm c.toml:5",
            "connection.crm.endpoints.api.base=https://crm.example/… c.toml:7",
            "connection.crm.endpoints.api.secret=(not shown) c.toml:8",
            "connection.crm.settings.folder=(not shown) c.toml:10",
            "connection.crm.rate.burst=5 c.toml:12",
            "mail.password=command:vault … c.toml:14",
            "mail.user=(not shown) c.toml:15",
            "sign-in.client-secret=env:SIGN_IN c.toml:17",
            "mail.password=(not shown) COUNTERSIGN__MAIL__PASSWORD",
            "server.shutdown-grace=5s COUNTERSIGN__SERVER__SHUTDOWN_GRACE",
        ];
        let mut found: Vec<&str> = shown.iter().map(String::as_str).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
        for hidden in ["pass", "word", "a literal secret", "in a section of free names", "typed here"] {
            assert!(known.hidden.iter().any(|text| text == hidden), "{hidden}: {:?}", known.hidden);
        }
        assert!(!known.hidden.iter().any(|text| text == "somebody"), "{:?}", known.hidden);
        assert_eq!(known.admin_listen, "127.0.0.1:2".parse().ok());
    }

    #[test]
    fn a_key_is_known_by_the_whole_of_it_and_a_value_is_hidden_whatever_it_is_made_of() {
        let check = |text: &str, key: &str, value: &str, hidden: Option<&str>| {
            let known = of("c.toml", text, std::iter::empty());
            let shown: Vec<(&str, &str)> =
                known.shown.iter().map(|shown| (shown.key.as_str(), shown.value.as_str())).collect();
            assert_eq!(shown, [(key, value)], "{text}");
            let looked_for = hidden.is_some_and(|hidden| known.hidden.iter().any(|text| text == hidden));
            assert_eq!(looked_for, hidden.is_some(), "{text}: {:?}", known.hidden);
        };
        let api = "connection.crm.endpoints.api";
        check("[log]\nkey = \"log.key\"", "log.key", "log.key", None);
        check("[mail]\nport = 2525", "mail.port", "2525", None);
        check("[trust.acme]\nkeys = [\"ed25519:a\"]", "trust.acme.keys", "ed25519:a", None);
        check("[connectors]\nunsigned = true", "connectors.unsigned", "true", None);
        check("[mail]\nuser = \"somebody\"", "mail.user", HIDDEN, None);
        for key in ["key", "claim", "file", "noted", "keys", "folder", "base.secret"] {
            let full = format!("{api}.{key}");
            check(&format!("[{api}]\n{key} = \"sk_live_1\""), &full, HIDDEN, Some("sk_live_1"));
        }
        for key in ["mail.keys", "mail.key", "key", "log.file", "trust.keys", "connection.crm.settings.port"]
        {
            check(&format!("{key} = \"sk_live_1\""), key, HIDDEN, Some("sk_live_1"));
            check(&format!("{key} = 48213377"), key, HIDDEN, Some("48213377"));
        }
        check("mail.key = 4821.3377", "mail.key", HIDDEN, Some("4821.3377"));
        check("mail.key = 2026-11-30", "mail.key", HIDDEN, Some("2026-11-30"));
        // A dot in a name makes no other key of it.
        check("\"log.key\" = \"sk_live_1\"", r#""log\.key""#, HIDDEN, Some("sk_live_1"));
        check(
            "[connection.\"a.endpoints\".b]\nbase = \"https://sk_live_1\"",
            r#"connection."a\.endpoints".b.base"#,
            HIDDEN,
            Some("https://sk_live_1"),
        );
    }
}
