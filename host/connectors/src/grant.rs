//! What a connector may do on one connection: manifest ∩ operator ∩ connection, nothing by default.
//!
//! A [`Grant`] is plain data, computed once when a connection is made; the gate only reads it.

use crate::connection::{ConnectionOptions, EndpointOptions};
use crate::egress::address::Cidr;
use crate::egress::credential::{Credential, SignIn};
use crate::egress::oauth2::{Keyring, Parties};
use crate::fault::{ConnectorFault, FaultCode};
use crate::inbound::Verifier;
use crate::manifest::{Class, Endpoint, IdempotencyMode, Manifest, Rate, Scheme};
use http::HeaderName;
use std::collections::{BTreeMap, BTreeSet};
use url::{Host, Url};

/// What the operator lets connectors want at all. Checked when one is installed.
#[derive(Debug, Clone)]
pub struct OperatorGrant {
    /// The largest class of limits.
    pub class_max: Class,
    /// Hosts that a manifest may name: `api.stripe.com`, `*.salesforce.com`, or `*` for any.
    pub hosts: Vec<String>,
}

impl OperatorGrant {
    /// Any host and any class: what a manifest wants is then shown to a person instead.
    #[must_use]
    pub fn everything() -> OperatorGrant {
        OperatorGrant { class_max: Class::Large, hosts: vec!["*".to_owned()] }
    }

    /// Refuses a manifest that wants more than this.
    pub(crate) fn covers(&self, manifest: &Manifest) -> Result<(), ConnectorFault> {
        let about = &manifest.connector;
        let refuse = |what: String| {
            let message = format!("connector `{}` {} {what}", about.id, about.version);
            Err(ConnectorFault::host(FaultCode::NotGranted, message))
        };
        if about.class > self.class_max {
            return refuse(
                "wants a larger class of limits than the operator grants; raise the class or decline it"
                    .into(),
            );
        }
        for (name, endpoint) in &manifest.endpoints {
            for address in endpoint.base.iter().chain(&endpoint.auth.token) {
                let host = host_pattern(address);
                if self.hosts.iter().any(|granted| covers_host(granted, &host)) {
                    continue;
                }
                return refuse(format!(
                    "wants to reach `{host}` (endpoint `{name}`), which the operator does not grant; \
                     add it to `hosts` under `[connectors]` in the configuration, or do without the connector"
                ));
            }
        }
        Ok(())
    }
}

/// The host of a base address, with each variable as `*`.
fn host_pattern(base: &str) -> String {
    let rest = base.split_once("://").map_or(base, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let mut pattern = String::new();
    let mut inside = false;
    for letter in host.chars() {
        match letter {
            '{' => inside = true,
            '}' => {
                inside = false;
                pattern.push('*');
            }
            _ if inside => {}
            _ => pattern.push(letter.to_ascii_lowercase()),
        }
    }
    pattern
}

fn covers_host(granted: &str, host: &str) -> bool {
    match granted.strip_prefix("*.") {
        Some(parent) => host.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.')),
        None => granted == "*" || granted == host,
    }
}

/// What one connector may do on one connection.
pub(crate) struct Grant {
    /// The endpoints that may be used.
    pub(crate) endpoints: BTreeMap<String, GrantedEndpoint>,
    /// The endpoints that the manifest asks for.
    pub(crate) asked: BTreeSet<String>,
    /// The settings that may be read, with their values.
    pub(crate) settings: BTreeMap<String, String>,
    /// The hooks that take deliveries, each with how those are verified.
    pub(crate) hooks: BTreeMap<String, Verifier>,
    /// Special-purpose ranges that may be reached.
    pub(crate) allow: Vec<Cidr>,
    /// How much the target bears.
    pub(crate) rate: Rate,
}

/// One endpoint that may be used.
pub(crate) struct GrantedEndpoint {
    /// Where it leads.
    pub(crate) base: Url,
    /// Methods that it may be called with.
    pub(crate) methods: Vec<String>,
    /// Path patterns below the base.
    pub(crate) paths: Vec<String>,
    /// Path patterns whose `POST` changes nothing.
    pub(crate) read_posts: Vec<String>,
    /// How requests prove who sends them.
    pub(crate) credential: Credential,
    /// The header that takes the idempotency key.
    pub(crate) key_header: Option<HeaderName>,
}

impl Grant {
    /// The grant of a connector with this manifest on this connection, which shares its tokens with every other build's.
    pub(crate) fn of(
        manifest: &Manifest,
        options: &ConnectionOptions,
        keyring: &Keyring,
    ) -> Result<Grant, ConnectorFault> {
        let fault = |what: String| {
            let about = &manifest.connector;
            let message =
                format!("connection `{}` (connector `{}` {}) {what}", options.name, about.id, about.version);
            ConnectorFault::host(FaultCode::BadConnection, message)
        };
        let mut endpoints = BTreeMap::new();
        for (name, configured) in &options.endpoints {
            let wanted = manifest.endpoints.get(name).ok_or_else(|| {
                let known = manifest.endpoints.keys().cloned().collect::<Vec<_>>().join("`, `");
                fault(format!(
                    "grants endpoint `{name}`, which the connector does not have; it has `{known}`"
                ))
            })?;
            let granted = GrantedEndpoint::of(wanted, configured, (&options.allow, keyring))
                .map_err(|what| fault(format!("endpoint `{name}` {what}")))?;
            endpoints.insert(name.clone(), granted);
        }
        if let Some(name) = options.settings.keys().find(|name| !manifest.settings.contains_key(*name)) {
            return Err(fault(format!(
                "gives setting `{name}`, which the connector does not read; remove it"
            )));
        }
        let mut settings = BTreeMap::new();
        for (name, setting) in &manifest.settings {
            match options.settings.get(name).or(setting.default.as_ref()) {
                Some(value) => drop(settings.insert(name.clone(), value.clone())),
                None if setting.required => {
                    return Err(fault(format!("lacks setting `{name}`, which the connector needs; add it")));
                }
                None => {}
            }
        }
        let mut hooks = BTreeMap::new();
        for (name, secret) in &options.webhooks {
            let wanted = manifest.webhooks.get(name).ok_or_else(|| {
                let known = manifest.webhooks.keys().cloned().collect::<Vec<_>>().join("`, `");
                fault(format!("has hook `{name}`, which the connector does not have; it has `{known}`"))
            })?;
            let address =
                options.address.as_ref().map(|host| format!("{host}/hooks/{}/{name}", options.name));
            let verifier = Verifier::new(&wanted.verify, secret, address)
                .map_err(|what| fault(format!("hook `{name}` {what}")))?;
            hooks.insert(name.clone(), verifier);
        }
        let rate = options.rate.unwrap_or_else(|| slowest(manifest));
        let asked = manifest.endpoints.keys().cloned().collect();
        Ok(Grant { endpoints, asked, settings, hooks, allow: options.allow.clone(), rate })
    }
}

/// The rate of a connection is that of its most delicate endpoint.
fn slowest(manifest: &Manifest) -> Rate {
    let slower = |left: Rate, right: Rate| Rate {
        per_second: left.per_second.min(right.per_second),
        burst: left.burst.min(right.burst),
        concurrent: left.concurrent.min(right.concurrent),
    };
    manifest.endpoints.values().map(|endpoint| endpoint.rate).reduce(slower).unwrap_or_default()
}

impl GrantedEndpoint {
    fn of(
        wanted: &Endpoint,
        configured: &EndpointOptions,
        (allow, keyring): (&[Cidr], &Keyring),
    ) -> Result<GrantedEndpoint, String> {
        let base = match (&configured.base, &wanted.base) {
            (Some(base), _) => base.clone(),
            (None, Some(base)) => filled(base, &wanted.variables, configured)?,
            (None, None) => return Err("has no base address; give it as `base`".to_owned()),
        };
        let key_header = match (wanted.idempotency.mode, &wanted.idempotency.name) {
            (IdempotencyMode::Header, Some(name)) => Some(
                name.parse().map_err(|_| format!("sends its key in `{name}`, which is no header name"))?,
            ),
            (IdempotencyMode::Header | IdempotencyMode::NaturalKey | IdempotencyMode::None, _) => None,
        };
        let token = token_address(wanted, configured, allow)?;
        // It is asked for when somebody signs in; what cannot be used is told before.
        authorize_address(wanted, configured, allow)?;
        Ok(GrantedEndpoint {
            base: checked_base(&base, allow)?,
            methods: wanted.methods.clone(),
            paths: wanted.paths.clone(),
            read_posts: wanted.read_posts.clone(),
            credential: Credential::of(
                &wanted.auth,
                configured.secret.as_ref(),
                SignIn { keyring, token, parties: parties(wanted, configured)? },
            )?,
            key_header,
        })
    }
}

/// Where tokens are given, if the endpoint's requests bear any.
pub(crate) fn token_address(
    wanted: &Endpoint,
    configured: &EndpointOptions,
    allow: &[Cidr],
) -> Result<Option<Url>, String> {
    match (&configured.token, &wanted.auth.token) {
        (Some(_), None) => Err("is given an address for tokens, and its requests bear none".to_owned()),
        (Some(token), Some(_)) => checked_base(token, allow).map(Some),
        (None, Some(token)) => checked_base(&filled(token, &wanted.variables, configured)?, allow).map(Some),
        (None, None) => Ok(None),
    }
}

/// Where a person signs in to have the first refresh token given, if anybody says.
pub(crate) fn authorize_address(
    wanted: &Endpoint,
    configured: &EndpointOptions,
    allow: &[Cidr],
) -> Result<Option<Url>, String> {
    let address = match (&configured.authorize, &wanted.auth.authorize) {
        (Some(_), _) if wanted.auth.scheme != Scheme::Oauth2Refresh => {
            return Err(
                "is given an address to sign in at (`authorize`), and nobody signs in there".to_owned()
            );
        }
        (Some(address), _) => checked_base(address, allow)?,
        (None, Some(address)) => checked_base(&filled(address, &wanted.variables, configured)?, allow)?,
        (None, None) => return Ok(None),
    };
    // A name may lead anywhere; an address is one that the operator has allowed.
    if address.scheme() != "https" && matches!(address.host(), Some(Host::Domain(_))) {
        return Err(format!(
            "has a person sign in at `{address}`, where a password would travel in the open; write `https://`"
        ));
    }
    Ok(Some(address))
}

/// Who signs for whom, and who is to believe it, where an endpoint's tokens are given for what is signed.
fn parties(wanted: &Endpoint, configured: &EndpointOptions) -> Result<Option<Parties>, String> {
    let (auth, EndpointOptions { issuer, subject, .. }) = (&wanted.auth, configured);
    if auth.scheme != Scheme::Oauth2Jwt {
        return match (issuer, subject) {
            (None, None) => Ok(None),
            _ => {
                Err("is told who signs for whom (`issuer`, `subject`), and nothing is signed there"
                    .to_owned())
            }
        };
    }
    let (Some(issuer), Some(subject)) = (issuer.clone(), subject.clone()) else {
        return Err(
            "does not know who signs for whom; give the client's id as `issuer`, and the user as `subject`"
                .to_owned(),
        );
    };
    let audience = auth.audience.as_deref().or(auth.token.as_deref()).unwrap_or_default();
    let audience = filled(audience, &wanted.variables, configured)?;
    Ok(Some(Parties { issuer, subject, audience }))
}

/// An address, or an audience, with the operator's values for its variables.
fn filled(base: &str, variables: &[String], configured: &EndpointOptions) -> Result<String, String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let is_in = |name: &&String| base.contains(&format!("{{{name}}}"));
    let wanted = variables.iter().filter(is_in);
    let mut base = base.to_owned();
    for name in wanted {
        let value = configured
            .variables
            .get(name)
            .ok_or_else(|| format!("lacks variable `{name}` of its address; give it under `variables`"))?;
        if value.is_empty() || !value.chars().all(plain) {
            return Err(format!(
                "fills variable `{name}` with `{value}`; only letters, digits, `-`, `_` and `.` may stand there"
            ));
        }
        base = base.replace(&format!("{{{name}}}"), value);
    }
    Ok(base)
}

/// A base address that is safe to build requests on. Parsed once, as browsers do (WHATWG).
fn checked_base(text: &str, allow: &[Cidr]) -> Result<Url, String> {
    let refuse = |why: &str| Err(format!("has base address `{text}`, {why}"));
    let Ok(url) = Url::parse(text) else {
        return refuse("which is no web address such as `https://api.example.com`");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return refuse("which is neither http nor https");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("which holds a credential; name it as `secret` instead");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("which has a query or a fragment; leave both out");
    }
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(address.into()),
        Some(Host::Ipv6(address)) => Some(address.into()),
        Some(Host::Domain(name)) if name.ends_with('.') => {
            return refuse("whose name ends in a dot; leave it out");
        }
        Some(Host::Domain(_)) => None,
        None => return refuse("which names no host"),
    };
    if let Some(address) = literal
        && !crate::egress::address::is_granted(address, allow)
    {
        return Err(format!(
            "leads to the address {address}, which is not granted; use a name, or add its range to `allow`"
        ));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_covered_by_itself_by_its_parent_or_by_all() {
        let check = |granted: &str, host: &str, expected: bool| {
            assert_eq!(covers_host(granted, host), expected, "{granted} {host}");
        };
        check("*", "anything", true);
        check("api.stripe.com", "api.stripe.com", true);
        check("api.stripe.com", "evil-api.stripe.com", false);
        check("*.salesforce.com", "*.my.salesforce.com", true);
        check("*.salesforce.com", "salesforce.com", false);
        check("*.salesforce.com", "evilsalesforce.com", false);
        assert_eq!(host_pattern("https://{instance}.My.salesforce.com:443/x"), "*.my.salesforce.com");
        assert_eq!(host_pattern("https://good.com@evil.com/"), "evil.com");
    }

    #[test]
    fn who_signs_for_whom_is_said_where_something_is_signed() {
        let endpoint = |auth: &str| -> Endpoint {
            let text =
                format!("methods = []\npaths = []\nvariables = [\"site\", \"sign-in\"]\nauth = {{ {auth} }}");
            toml::from_str(&text).expect("an endpoint")
        };
        let configured = |issuer: Option<&str>, subject: Option<&str>| EndpointOptions {
            issuer: issuer.map(str::to_owned),
            subject: subject.map(str::to_owned),
            variables: [("sign-in".to_owned(), "id.example.com".to_owned())].into(),
            ..EndpointOptions::default()
        };
        let jwt = "scheme = \"oauth2-jwt\", token = \"https://{sign-in}/token\"";
        let both = configured(Some("app"), Some("kim"));
        let named = parties(&endpoint(&format!("{jwt}, audience = \"{{sign-in}}\"")), &both);
        let named = named.expect("all is said").expect("something is signed");
        assert_eq!([named.issuer, named.subject, named.audience], ["app", "kim", "id.example.com"]);
        let usual = parties(&endpoint(jwt), &both).expect("all is said").expect("something is signed");
        assert_eq!(
            usual.audience, "https://id.example.com/token",
            "without the variable that it does not have"
        );
        for (issuer, subject) in [(None, Some("kim")), (Some("app"), None)] {
            let refused = parties(&endpoint(jwt), &configured(issuer, subject)).err();
            assert!(refused.is_some_and(|why| why.contains("`issuer`") && why.contains("`subject`")));
            let idle = parties(&endpoint("scheme = \"bearer\""), &configured(issuer, subject)).err();
            assert!(idle.is_some_and(|why| why.contains("nothing is signed there")));
        }
        assert!(parties(&endpoint("scheme = \"bearer\""), &configured(None, None)).expect("none").is_none());
    }

    #[test]
    fn a_base_address_in_disguise_is_refused_or_seen_through() {
        let loopback = [Cidr::parse("127.0.0.0/8").expect("it is a range")];
        // Spellings of 127.0.0.1 that a careless parser takes for a name.
        for text in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://127.0.1/",
            "http://2130706433/",
            "http://017700000001/",
            "http://0x7f000001/",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.1/",
            "http://127.0.0.1./",
            "http://①②⑦.0.0.1/",
            "http://127。0。0。1/",
            "http://[::ffff:7f00:1]/",
            "http://[::ffff:127.0.0.1]/",
            "HTTP://127.0.0.1/",
            "http://%31%32%37.0.0.1/",
            "http:127.0.0.1",
            "http:\\\\127.0.0.1\\",
            "http://127.00.00.01/",
            "http://0x7F.1/",
        ] {
            let refused = checked_base(text, &[]).expect_err(text);
            assert!(refused.contains("which is not granted"), "{text}: {refused}");
            let seen = checked_base(text, &loopback).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert!(matches!(seen.host(), Some(Host::Ipv4(_) | Host::Ipv6(_))), "{text}");
        }
        for text in [
            "ftp://api.example.com/",
            "file:///etc/passwd",
            "javascript:1",
            "api.example.com",
            "//api.example.com",
            "http://",
            "http:///",
            "https://user@api.example.com/",
            "https://user:pw@api.example.com/",
            "https://api.example.com/?x=1",
            "https://api.example.com/#x",
            "https://api.example.com.",
            "https://a b.example.com/",
            "https://a%00b.example.com/",
            "http://256.0.0.1/",
            "http://[::1/",
            "http://[::1]/",
            "http://1.1.1.1/",
            "http://[fe80::1%25eth0]/",
            "https://exa<mple.com/",
            "http://169.254.169.254/latest",
            "http://[fd00:ec2::254]/",
            "http://0/",
            "http://0.0.0.0/",
        ] {
            assert!(checked_base(text, &loopback).is_err(), "{text}");
        }
        assert!(checked_base("https://api.example.com/v1/", &[]).is_ok());
        assert_eq!(
            checked_base("https://bücher.example/", &[]).map(|url| url.to_string()).as_deref(),
            Ok("https://xn--bcher-kva.example/")
        );
    }
}
