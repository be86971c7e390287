//! `[mail]` and `[webhook.NAME]`: how people are told.

use super::keys::Section;
use super::problem::Problems;
use super::secret;
use countersign_connectors::{
    MailOptions, Messengers, NotifyOptions, Secret, Security, WebhookOptions, webhook_secret,
};
use countersign_core::id::WebhookName;
use std::path::Path;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where secrets are looked up.
#[derive(Clone, Copy)]
pub(super) struct Lookup<'a> {
    pub(super) here: &'a Path,
    pub(super) environment: &'a dyn Fn(&str) -> Option<String>,
}

/// Everything through which people can be told; each way is tried out as far as that needs no network.
pub(super) fn read(
    top: &Section<'_>,
    root: &DeTable<'_>,
    host: Option<String>,
    lookup: Lookup<'_>,
    problems: &mut Problems,
) -> NotifyOptions {
    let mut options = NotifyOptions { mail: mail(top, root, lookup, problems), host, ..Default::default() };
    let Some(DeValue::Table(all)) = root.get("webhook").map(Spanned::get_ref) else { return options };
    for (name, value) in all {
        let name = match WebhookName::parse(name.get_ref()) {
            Ok(name) => name,
            Err(fault) => {
                problems.at(name.span().start, fault.to_string());
                continue;
            }
        };
        if let Some(webhook) = webhook(&name, value, lookup, problems) {
            options.webhooks.insert(name, webhook);
        }
    }
    options
}

fn mail(
    top: &Section<'_>,
    root: &DeTable<'_>,
    lookup: Lookup<'_>,
    problems: &mut Problems,
) -> Option<MailOptions> {
    let place = root.get("mail")?.span().start;
    let known = problems.all().len();
    let mut mail = top.section("mail", problems);
    mail.only(&["server", "port", "security", "from", "user", "password"], problems);
    let server = mail.text("server", problems);
    let from = mail.text("from", problems);
    for (name, found, example) in
        [("server", &server, "mail.example.com"), ("from", &from, "approvals@example.com")]
    {
        if found.is_none() {
            problems.add(
                place,
                format!("`[mail]` has no `{name}`"),
                Some(format!("`{name} = \"{example}\"`")),
            );
        }
    }
    let port = mail.number("port", "a port", problems);
    let ways = [("tls", Security::Tls), ("starttls", Security::StartTls), ("none", Security::None)];
    let security = mail.word("security", &ways, problems).unwrap_or(Security::Tls);
    let user = mail.text("user", problems);
    let password = mail.text("password", problems).and_then(|reference| {
        let found = secret(&reference, lookup.here, lookup.environment);
        found.map_err(|why| problems.at(place, format!("`password` of `[mail]`: {why}"))).ok()
    });
    let login = match (user, password) {
        (Some(user), Some(password)) => Some((user, password)),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            if known == problems.all().len() {
                problems.at(place, "`[mail]` has one of `user` and `password`: both or none".to_owned());
            }
            None
        }
    };
    if known < problems.all().len() {
        return None;
    }
    let (server, from) = (server?, from?);
    let options = MailOptions { server, port, security, from, login };
    let tried = NotifyOptions { mail: Some(options.clone()), ..Default::default() };
    if let Err(why) = Messengers::new(tried, Arc::new(crate::wire::SystemClock)) {
        let help = "`security = \"tls\"` or `\"starttls\"`; `none` is for 127.0.0.1, ::1 and localhost";
        problems.add(place, format!("`[mail]`: {why}"), Some(help.to_owned()));
        return None;
    }
    Some(options)
}

fn webhook(
    name: &WebhookName,
    value: &Spanned<DeValue<'_>>,
    lookup: Lookup<'_>,
    problems: &mut Problems,
) -> Option<WebhookOptions> {
    let place = value.span().start;
    let DeValue::Table(table) = value.get_ref() else {
        problems.at(place, format!("`{name}` is a section: write `[webhook.{name}]`"));
        return None;
    };
    let full = format!("webhook.{name}");
    let known = problems.all().len();
    let mut section = Section::new(&full, Some(table), lookup.environment);
    section.only(&["url", "secret", "allow"], problems);
    let url = section.text("url", problems);
    let key = section.text("secret", problems).and_then(|reference| {
        let found = secret(&reference, lookup.here, lookup.environment);
        let found = found.and_then(|secret: Secret| webhook_secret(&secret).map(|_| secret));
        found.map_err(|why| problems.at(place, format!("secret of `[{full}]`: {why}"))).ok()
    });
    let allow = section.ranges("allow", place, problems);
    for (name, there) in [("url", url.is_some()), ("secret", table.contains_key("secret"))] {
        if !there {
            problems.at(place, format!("`[{full}]` has no `{name}`"));
        }
    }
    if known < problems.all().len() {
        return None;
    }
    let (url, secret) = (url?, key?);
    let options = WebhookOptions { url, secret, allow };
    let tried = NotifyOptions { webhooks: [(name.clone(), options.clone())].into(), ..Default::default() };
    if let Err(why) = Messengers::new(tried, Arc::new(crate::wire::SystemClock)) {
        problems.at(place, why);
        return None;
    }
    Some(options)
}
