//! A browser as far as the tests need one: cookies by host, redirects, forms, and what it says of where it is.

use crate::servers::http::{self, Answer};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;

/// More redirects than any sign-in has.
const REDIRECTS_MAX: usize = 20;

/// A browser without history.
#[derive(Debug, Default)]
pub struct Browser {
    /// Cookies by host and name: value and path.
    cookies: BTreeMap<(String, String), (String, String)>,
}

/// A page that it ended on.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its address.
    pub url: String,
    /// What came.
    pub answer: Answer,
}

impl Page {
    /// Its text.
    #[must_use]
    pub fn text(&self) -> String {
        self.answer.text()
    }

    /// The value of a hidden field.
    ///
    /// # Errors
    /// If there is no such field.
    pub fn hidden(&self, name: &str) -> Result<String> {
        let text = self.text();
        let rest = text.split(&format!("name=\"{name}\" value=\"")).nth(1);
        let value =
            rest.and_then(|rest| rest.split('"').next()).with_context(|| format!("no {name}: {text}"))?;
        Ok(value.to_owned())
    }
}

impl Browser {
    /// Opens an address and follows where it leads.
    ///
    /// # Errors
    /// If somebody does not answer, or sends it around for ever.
    pub fn open(&mut self, url: &str) -> Result<Page> {
        self.follow("GET", url, None, "none")
    }

    /// Sends a form of `page` to an address of the same host, and follows where it leads.
    ///
    /// # Errors
    /// Those of [`Browser::open`].
    pub fn send(&mut self, page: &Page, path: &str, fields: &[(&str, &str)]) -> Result<Page> {
        let url = format!("{}{path}", origin(&page.url));
        let pairs = fields.iter().map(|(name, value)| format!("{name}={}", http::encode(value)));
        let form = pairs.collect::<Vec<_>>().join("&");
        self.follow("POST", &url, Some(form), "same-origin")
    }

    fn follow(&mut self, method: &str, url: &str, form: Option<String>, site: &str) -> Result<Page> {
        let (mut method, mut url, mut form) = (method.to_owned(), url.to_owned(), form);
        for _ in 0..REDIRECTS_MAX {
            let answer = self.once(&method, &url, form.take(), site)?;
            let Some(to) = answer.header("location").filter(|_| (300..400).contains(&answer.status)) else {
                return Ok(Page { url, answer });
            };
            url = if to.starts_with('/') { format!("{}{to}", origin(&url)) } else { to.to_owned() };
            method = "GET".to_owned();
        }
        bail!("sent around for ever, at last to {url}")
    }

    fn once(&mut self, method: &str, url: &str, form: Option<String>, site: &str) -> Result<Answer> {
        let host = origin(url);
        let path = url.strip_prefix(&host).unwrap_or("/").to_owned();
        let own = self
            .cookies
            .iter()
            .filter(|((of, _), (_, below))| *of == host && path.starts_with(below.as_str()));
        let cookies: Vec<String> = own.map(|((_, name), (value, _))| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("sec-fetch-site", site)];
        if !cookies.is_empty() {
            headers.push(("cookie", cookies.as_str()));
        }
        if form.is_some() {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
        }
        let answer = http::send(method, url, &headers, form.unwrap_or_default().as_bytes())?;
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            self.keep(&host, cookie);
        }
        Ok(answer)
    }

    fn keep(&mut self, host: &str, cookie: &str) {
        let mut parts = cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let rest: Vec<(String, &str)> = parts
            .filter_map(|part| part.split_once('='))
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        let said = |wanted: &str| rest.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
        let path = said("path").unwrap_or("/").to_owned();
        let past = said("expires").is_some_and(|moment| moment.starts_with("Thu, 01 Jan 1970"));
        let gone = past || said("max-age") == Some("0");
        let key = (host.to_owned(), name.to_owned());
        if gone {
            self.cookies.remove(&key);
        } else {
            self.cookies.insert(key, (value.to_owned(), path));
        }
    }

    /// Forgets everything of one host.
    pub fn forget(&mut self, url: &str) {
        let host = origin(url);
        self.cookies.retain(|(of, _), _| *of != host);
    }
}

/// `http://host:port` of an address.
fn origin(url: &str) -> String {
    let behind = url.find("://").map_or(0, |place| place + 3);
    let end = url[behind..].find('/').map_or(url.len(), |place| behind + place);
    url[..end].to_owned()
}
