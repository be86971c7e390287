//! What a connector asks for, as sentences that a person reads and that can be compared: each is one thing that it may
//! do, or that the host is to believe of its target, and one that another build does not have was granted by nobody yet.
//!
//! A narrower path is another sentence, too, and so is asked for once more: to grant too little is put right by a word,
//! to grant too much is not. How fast a target may be asked is no grant, since a connection can say it (`rate`).

use crate::egress::oauth2::ClientProof;
use crate::fault::{ConnectorFault, FaultCode};
use crate::manifest::{Auth, Class, Encoding, Endpoint, IdempotencyMode, Manifest, Scheme, Verify};
use countersign_core::delivery::ANY_TYPE;
use std::collections::BTreeSet;

/// Most sentences: more than anybody reads before they say yes.
const WANTS_MAX: usize = 1_000;

/// As people say it: whole hours where they are whole.
fn minutes_in_words(minutes: u64) -> String {
    if minutes.is_multiple_of(60) { format!("{} h", minutes / 60) } else { format!("{minutes} min") }
}

impl Manifest {
    /// Everything that it asks for.
    ///
    /// # Errors
    /// [`FaultCode::BadManifest`] if it is more than a person reads.
    pub fn wants(&self) -> Result<BTreeSet<String>, ConnectorFault> {
        let mut wants = BTreeSet::new();
        // A larger class includes what the smaller one asks for, so that to become smaller asks for nothing.
        if Class::Medium <= self.connector.class {
            wants.insert("a call may take 128 MiB of memory and 1 s of processor time".to_owned());
        }
        if Class::Large <= self.connector.class {
            wants.insert("a call may take 256 MiB of memory and 5 s of processor time".to_owned());
        }
        for (name, endpoint) in &self.endpoints {
            endpoint.wants(name, &mut wants);
        }
        wants.extend(self.webhooks.iter().map(|(kind, webhook)| {
            format!("takes deliveries of kind `{kind}`, proved by {}", webhook.verify.words())
        }));
        let intents = self.intake.iter().flat_map(|intake| &intake.intent_types);
        wants.extend(intents.map(|name| match name.as_str() {
            ANY_TYPE => "brings in intents of every type whose file says that it begins here".to_owned(),
            name => format!("brings in intents of type `{name}`"),
        }));
        // They are read by a person and compared byte by byte: nothing in them may look like something else.
        let is_plain = |want: &&String| want.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if let Some(want) = wants.iter().find(|want| !is_plain(want)) {
            let (id, version) = (&self.connector.id, &self.connector.version);
            let what = format!(
                "`{id}` {version} asks for `{}`, which nobody can read for what it is; write it in visible ASCII",
                want.escape_debug()
            );
            return Err(ConnectorFault::connector(FaultCode::BadManifest, what));
        }
        if WANTS_MAX < wants.len() {
            let (id, version) = (&self.connector.id, &self.connector.version);
            let what = format!(
                "`{id}` {version} asks for more than {WANTS_MAX} things, which nobody reads; ask for fewer"
            );
            return Err(ConnectorFault::connector(FaultCode::BadManifest, what));
        }
        Ok(wants)
    }
}

impl Endpoint {
    fn wants(&self, name: &str, wants: &mut BTreeSet<String>) {
        wants.insert(match &self.base {
            Some(base) => format!("endpoint `{name}` leads to {base}"),
            None => format!("endpoint `{name}` leads wherever the connection says"),
        });
        for method in &self.methods {
            wants.extend(self.paths.iter().map(|path| format!("endpoint `{name}`: {method} {path}")));
        }
        let reads = self.read_posts.iter();
        wants.extend(reads.map(|path| format!("endpoint `{name}`: POST {path} changes nothing, it says")));
        if self.auth.scheme != Scheme::None {
            wants.insert(format!("endpoint `{name}` is sent a credential: {}", self.auth.scheme.words()));
        }
        wants.extend(self.auth.sign.iter().flat_map(|sign| sign.wants(&format!("endpoint `{name}`"))));
        let place = if self.auth.scheme == Scheme::Query { "the query as" } else { "header" };
        wants.extend(self.auth.name.iter().map(|called| format!("endpoint `{name}`: in {place} `{called}`")));
        wants.extend(
            self.auth.token.iter().map(|token| format!("endpoint `{name}` has tokens given at {token}")),
        );
        if self.auth.client == ClientProof::Body {
            wants.insert(format!(
                "endpoint `{name}`: its client proves itself in the body where tokens are given"
            ));
        }
        wants.extend(
            self.auth
                .audience
                .iter()
                .map(|audience| format!("endpoint `{name}` signs for {audience} to believe")),
        );
        self.auth.tokens(name, wants);
        match (self.idempotency.mode, &self.idempotency.name, self.idempotency.lifetime_min) {
            (IdempotencyMode::None, _, _) => {}
            (IdempotencyMode::NaturalKey, _, _) => {
                wants.insert(format!(
                    "endpoint `{name}` does nothing twice: it says that it writes a unique field"
                ));
            }
            (IdempotencyMode::Header, header, minutes) => {
                let header = header.as_deref().unwrap_or_default();
                let long = minutes.map_or_else(|| "the usual time".to_owned(), minutes_in_words);
                wants.insert(format!(
                    "endpoint `{name}` does nothing twice: it says that its target keeps what `{header}` holds for {long}"
                ));
            }
        }
        wants.extend(self.settle_ms.map(|settle| {
            format!(
                "endpoint `{name}`: it says that nothing arrives later than {settle} ms after it was sent"
            )
        }));
    }
}

impl Auth {
    /// What tokens are given for, at the endpoint of this name.
    fn tokens(&self, name: &str, wants: &mut BTreeSet<String>) {
        if self.token.is_none() {
            return;
        }
        if self.scheme == Scheme::Oauth2Refresh {
            wants.insert(format!("endpoint `{name}` has tokens given for what was granted with the first"));
            let Some(authorize) = &self.authorize else { return };
            let asked = format!("endpoint `{name}` has a person asked at {authorize}");
            wants.extend(self.scopes.iter().map(|scope| format!("{asked} for `{scope}`")));
            if self.scopes.is_empty() {
                wants.insert(format!("{asked} for whatever its client may"));
            }
            let with = self.parameters.iter().map(|(parameter, value)| format!("{parameter}={value}"));
            wants.extend(with.map(|with| format!("{asked} with `{with}`")));
            return;
        }
        let scopes = self.scopes.iter();
        wants.extend(scopes.map(|scope| format!("endpoint `{name}` has tokens given for `{scope}`")));
        if self.scopes.is_empty() {
            wants.insert(format!("endpoint `{name}` has tokens given for whatever its client may"));
        }
    }
}

impl Verify {
    fn words(&self) -> String {
        match &self.header {
            Some(header) => format!(
                "`{}` in header `{header}` as {} behind `{}`, whenever it was sent",
                self.scheme.as_str(),
                if self.encoding == Encoding::Hex { "hex" } else { "base64" },
                self.prefix
            ),
            None => format!("`{}`", self.scheme.as_str()),
        }
    }
}

impl Scheme {
    /// The scheme in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Scheme::None => "no credential",
            Scheme::Bearer => "bearer token",
            Scheme::Basic => "user and password",
            Scheme::Header => "key in a header",
            Scheme::Query => "key in the query",
            Scheme::StandardWebhooks => "signed requests",
            Scheme::Hmac => "requests signed as declared",
            Scheme::Oauth2Client => "OAuth 2.0 client credentials",
            Scheme::Oauth2Refresh => "OAuth 2.0 refresh token",
            Scheme::Oauth2Jwt => "OAuth 2.0 with what a private key signs",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "manifest = 1\n[connector]\nid = \"acme.crm\"\nversion = \"1.0.0\"\ncontract = \"1.0\"\n\
        class = \"medium\"\n[endpoints.api]\nbase = \"https://crm.example.com\"\nmethods = [\"GET\", \"POST\"]\n\
        paths = [\"/deals/*\"]\nread-posts = [\"/deals/search\"]\n\
        auth = { scheme = \"header\", name = \"x-api-key\" }\n";

    fn wants(manifest: &str) -> BTreeSet<String> {
        Manifest::parse(manifest).and_then(|manifest| manifest.wants()).expect("it is good")
    }

    #[test]
    fn everything_that_is_asked_for_is_a_sentence() {
        let said: Vec<String> = wants(MANIFEST).into_iter().collect();
        assert_eq!(
            said,
            [
                "a call may take 128 MiB of memory and 1 s of processor time",
                "endpoint `api` is sent a credential: key in a header",
                "endpoint `api` leads to https://crm.example.com",
                "endpoint `api`: GET /deals/*",
                "endpoint `api`: POST /deals/*",
                "endpoint `api`: POST /deals/search changes nothing, it says",
                "endpoint `api`: in header `x-api-key`",
            ]
        );
    }

    #[test]
    fn whatever_grows_is_a_new_sentence_and_what_shrinks_is_none() {
        let before = wants(MANIFEST);
        let new = |from: &str, to: &str| {
            let changed = MANIFEST.replace(from, to);
            assert_ne!(changed, MANIFEST, "{from}");
            wants(&changed).difference(&before).count()
        };
        for (from, to) in [
            ("class = \"medium\"", "class = \"large\""),
            ("crm.example.com", "crm.example.org"),
            ("base = \"https://crm.example.com\"\n", ""),
            ("[\"/deals/*\"]", "[\"/*\"]"),
            ("\"POST\"]", "\"POST\", \"DELETE\"]"),
            ("[\"/deals/search\"]", "[\"/deals/*\"]"),
            ("x-api-key", "authorization-2"),
            ("\"header\", name = \"x-api-key\"", "\"bearer\""),
            ("[endpoints.api]", "[webhooks.paid]\nverify = { scheme = \"stripe\" }\n[endpoints.api]"),
            ("[endpoints.api]", "[endpoints.api]\nsettle-ms = 1"),
            ("[endpoints.api]", "[endpoints.api]\nidempotency = { mode = \"natural-key\" }"),
            (
                "[endpoints.api]",
                "[webhooks.a]\nverify = { scheme = \"slack\" }\n[intake]\nintent-types = [\"discount\"]\n[endpoints.api]",
            ),
        ] {
            assert_ne!(new(from, to), 0, "{to}");
        }
        for (from, to) in [
            ("class = \"medium\"", "class = \"small\""),
            ("\"GET\", \"POST\"", "\"POST\""),
            ("read-posts = [\"/deals/search\"]\n", ""),
            ("version = \"1.0.0\"", "version = \"2.0.0\""),
        ] {
            assert_eq!(new(from, to), 0, "{to}");
        }
    }

    #[test]
    fn what_a_person_is_asked_for_is_read_by_whoever_installs_it() {
        let refresh = "scheme = \"oauth2-refresh\", token = \"https://id.example.com/token\"";
        let of = |more: &str| {
            wants(&MANIFEST.replace("scheme = \"header\", name = \"x-api-key\"", &format!("{refresh}{more}")))
        };
        let before = of("");
        let authorize = ", authorize = \"https://id.example.com/ask\"";
        let check = |more: &str, expected: &[&str]| {
            let now = of(&format!("{authorize}{more}"));
            let new: Vec<&str> = now.difference(&before).map(String::as_str).collect();
            assert_eq!(new, expected);
            assert!(before.is_subset(&now));
        };
        check(
            "",
            &["endpoint `api` has a person asked at https://id.example.com/ask for whatever its client may"],
        );
        check(
            ", scopes = [\"deals\", \"offline_access\"], parameters = { prompt = \"consent\" }",
            &[
                "endpoint `api` has a person asked at https://id.example.com/ask for `deals`",
                "endpoint `api` has a person asked at https://id.example.com/ask for `offline_access`",
                "endpoint `api` has a person asked at https://id.example.com/ask with `prompt=consent`",
            ],
        );
    }

    #[test]
    fn what_looks_like_something_else_is_refused() {
        for hidden in ["/deals/\u{202e}*", "/de\u{430}ls/*", "/deals/\\t*"] {
            let manifest = MANIFEST.replace("/deals/*", hidden);
            let fault = Manifest::parse(&manifest).and_then(|manifest| manifest.wants());
            let message = fault.expect_err("it is hidden").message;
            assert!(message.contains("which nobody can read for what it is"), "{message}");
        }
    }

    #[test]
    fn more_than_anybody_reads_is_refused() {
        let paths: Vec<String> = (0..=WANTS_MAX / 2).map(|number| format!("\"/{number}\"")).collect();
        let manifest = MANIFEST.replace("\"/deals/*\"", &paths.join(", "));
        let fault = Manifest::parse(&manifest).and_then(|manifest| manifest.wants()).expect_err("it is long");
        assert_eq!(
            fault.message,
            "`acme.crm` 1.0.0 asks for more than 1000 things, which nobody reads; ask for fewer"
        );
    }
}
