//! How a person lets the host in, for the scheme `oauth2-refresh`: declared here, done by `countersign connection sign-in`.
//!
//! ```toml
//! [endpoints.api.auth]
//! scheme = "oauth2-refresh"
//! token = "https://id.acme.example/token"
//! authorize = "https://id.acme.example/authorize"
//! scopes = ["orders", "offline_access"]
//! parameters = { prompt = "consent" }
//! redirect = "localhost"
//! ```
//! What some vendors want:
//!
//! | vendor | `authorize` | gives a refresh token | `redirect` |
//! |---|---|---|---|
//! | Intuit | `https://appcenter.intuit.com/connect/oauth2` | always | `https`, without an IP address; of a sandbox `http://localhost`, too |
//! | Xero | `https://login.xero.com/identity/connect/authorize` | for the scope `offline_access` | `localhost` |
//! | HubSpot | `https://app.hubspot.com/oauth/authorize` | always | `https`; while testing `http://localhost`, too |
//! | Salesforce | `https://{instance}.my.salesforce.com/services/oauth2/authorize` | for the scope `refresh_token` | `https` |
//! | Google | `https://accounts.google.com/o/oauth2/v2/auth` | for `access_type = "offline"`, and once only without `prompt = "consent"` | `loopback` |
//!
//! As they say at <https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/set-redirect-uri>,
//! <https://developer.xero.com/documentation/oauth2/pkce-flow>,
//! <https://developers.hubspot.com/docs/methods/oauth2/oauth2-quickstart>,
//! <https://help.salesforce.com/apex/HTViewHelpDoc?id=xcloud.configure_external_client_app_oauth_settings.htm> and
//! <https://developers.google.com/identity/protocols/oauth2/native-app>.

use super::{Auth, Scheme};
use serde::Deserialize;

/// What the host says itself where a person signs in (RFC 6749, §4.1.1; RFC 7636, §4.3).
const OWN_PARAMETERS: [&str; 7] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
];

/// Where a provider sends the browser of whoever has signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Redirect {
    /// To this machine by its address, `http://127.0.0.1`, as RFC 8252 has it.
    #[default]
    Loopback,
    /// To this machine by its name only, `http://localhost`.
    Localhost,
    /// To what begins with `https://` only, where nobody of ours listens: the address is pasted back by hand.
    Https,
}

impl Auth {
    /// What is wrong with how a person lets the host in, to stand behind `says of endpoint`.
    pub(super) fn authorize_fault(&self) -> Option<String> {
        let said = |what: &str| Some(what.to_owned());
        let Some(authorize) = &self.authorize else {
            if !self.parameters.is_empty() {
                return said(
                    "what a person is asked with (`auth.parameters`), but not where (`auth.authorize`)",
                );
            }
            if self.redirect.is_some() {
                return said(
                    "where a browser comes back to (`auth.redirect`), but not from where (`auth.authorize`)",
                );
            }
            if !self.scopes.is_empty() && self.scheme == Scheme::Oauth2Refresh {
                return said(
                    "scopes (`auth.scopes`), but not where a person is asked for them (`auth.authorize`): whoever gave \
                     the refresh token has granted some already",
                );
            }
            return None;
        };
        if self.scheme != Scheme::Oauth2Refresh {
            return said(
                "where a person signs in (`auth.authorize`), and its scheme has no refresh token given there",
            );
        }
        if !authorize.starts_with("https://") {
            return Some(format!(
                "that a person signs in at `{authorize}`, which does not begin with `https://`"
            ));
        }
        if authorize.contains(['?', '#']) {
            return Some(format!(
                "that a person signs in at `{authorize}`; what stands behind `?` belongs into `auth.parameters`"
            ));
        }
        let is_own = |name: &&String| OWN_PARAMETERS.contains(&name.as_str());
        if let Some(name) = self.parameters.keys().find(is_own) {
            return Some(format!("that `{name}` is one of `auth.parameters`, which the host says itself"));
        }
        self.parameters
            .keys()
            .any(String::is_empty)
            .then(|| "that one of `auth.parameters` has no name".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "scheme = \"oauth2-refresh\"\ntoken = \"https://id.example.com/token\"\n";
    const AUTHORIZE: &str = "authorize = \"https://id.example.com/authorize\"\n";

    fn auth(text: &str) -> Auth {
        toml::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn how_a_person_lets_the_host_in_may_be_left_out_or_said_whole() {
        assert_eq!(auth(TOKEN).authorize_fault(), None, "as manifests had it before");
        let all = "scopes = [\"a\"]\nparameters = { prompt = \"consent\" }\nredirect = \"https\"\n";
        let said = auth(&format!("{TOKEN}{AUTHORIZE}{all}"));
        assert_eq!((said.authorize_fault(), said.redirect), (None, Some(Redirect::Https)));
    }

    #[test]
    fn each_fault_of_it_has_its_sentence() {
        let check = |text: &str, expected: &str| {
            let fault = auth(text).authorize_fault().unwrap_or_default();
            assert!(fault.contains(expected), "{text}: {fault}");
        };
        check(&format!("{TOKEN}scopes = [\"a\"]"), "not where a person is asked for them (`auth.authorize`)");
        check(&format!("{TOKEN}parameters = {{ a = \"b\" }}"), "(`auth.parameters`), but not where");
        check(&format!("{TOKEN}redirect = \"https\""), "(`auth.redirect`), but not from where");
        check(&format!("scheme = \"bearer\"\n{AUTHORIZE}"), "no refresh token given there");
        let client = TOKEN.replace("oauth2-refresh", "oauth2-client");
        check(&format!("{client}{AUTHORIZE}"), "no refresh token given there");
        check(&format!("{TOKEN}{}", AUTHORIZE.replace("https", "http")), "does not begin with `https://`");
        check(
            &format!("{TOKEN}{}", AUTHORIZE.replace("rize\"\n", "rize?a=b\"\n")),
            "belongs into `auth.parameters`",
        );
        for name in OWN_PARAMETERS {
            check(
                &format!("{TOKEN}{AUTHORIZE}parameters = {{ {name} = \"x\" }}"),
                "which the host says itself",
            );
        }
        check(&format!("{TOKEN}{AUTHORIZE}parameters = {{ \"\" = \"x\" }}"), "has no name");
    }
}
