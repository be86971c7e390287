//! `[sign-in]`: the identity provider by which people sign in.

use super::keys::Section;
use super::notify::Lookup;
use super::problem::Problems;
use super::secret;
use countersign_connectors::{Claim, OpenIdProvider, SignInOptions};
use toml::de::DeTable;

/// The provider; none if the section is not there.
pub(super) fn read(
    top: &Section<'_>,
    root: &DeTable<'_>,
    host: Option<&str>,
    lookup: Lookup<'_>,
    problems: &mut Problems,
) -> Option<SignInOptions> {
    let place = root.get("sign-in")?.span().start;
    let known = problems.all().len();
    let mut section = top.section("sign-in", problems);
    section.only(&["issuer", "client-id", "client-secret", "claim", "allow"], problems);
    let issuer = section.text("issuer", problems).filter(|text| !text.is_empty());
    let client = section.text("client-id", problems).filter(|text| !text.is_empty());
    for (name, found, example) in
        [("issuer", &issuer, "https://id.example.com"), ("client-id", &client, "countersign")]
    {
        if found.is_none() {
            let help = Some(format!("`{name} = \"{example}\"`"));
            problems.add(place, format!("`[sign-in]` has no `{name}`"), help);
        }
    }
    let key = section.text("client-secret", problems).and_then(|reference| {
        let found = secret(&reference, lookup.here, lookup.environment);
        found.map_err(|why| problems.at(place, format!("`client-secret` of `[sign-in]`: {why}"))).ok()
    });
    let claims =
        [("sub", Claim::Subject), ("email", Claim::Email), ("preferred_username", Claim::PreferredUsername)];
    let claim = section.word("claim", &claims, problems).unwrap_or_default();
    let allow = section.ranges("allow", place, problems);
    if host.is_none() {
        let help = Some("`public-address = \"https://approvals.example.com\"` under `[server]`".to_owned());
        let message = "`[sign-in]` needs to know where browsers reach this host".to_owned();
        problems.add(place, message, help);
    }
    if known < problems.all().len() {
        return None;
    }
    let (issuer, client, host) = (issuer?, client?, host?.to_owned());
    let options = SignInOptions { issuer, client, secret: key, claim, allow, host };
    if let Err(why) = OpenIdProvider::new(options.clone()) {
        problems.at(place, format!("`[sign-in]`: {why}"));
        return None;
    }
    Some(options)
}
