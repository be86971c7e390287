//! What a connector may ask of the host: send a request, read a setting, say a line.

use crate::failure::Failure;
use crate::http::{Draft, Method, Request, Response};

/// How much a line of diagnostics matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// For the connector's author.
    Debug,
    /// Worth knowing.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something failed.
    Error,
}

/// The imports of the contract. Inside a component the SDK implements it over the real host;
/// in a native test `testing::ScriptedTarget` does. Connectors use it through [`Context`].
pub trait Host {
    /// Sends one request and waits for the whole answer.
    ///
    /// # Errors
    /// `transient` when nothing left the host, `uncertain` when a step was sent and not
    /// answered, `denied` and `rejected` when the gate stopped it.
    fn send(&self, request: Request) -> Result<Response, Failure>;

    /// The value of a setting that the manifest declares.
    fn setting(&self, name: &str) -> Option<String>;

    /// Says one line to the operator.
    fn emit(&self, level: Level, message: &str, fields: &[(&str, &str)]);
}

/// The host, as a connector sees it during one call.
#[derive(Clone, Copy)]
pub struct Context<'h> {
    host: &'h dyn Host,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Context")
    }
}

impl<'h> Context<'h> {
    /// A context over `host`.
    #[must_use]
    pub fn new(host: &'h dyn Host) -> Context<'h> {
        Context { host }
    }

    /// Begins a `GET` of `path` below the endpoint's base. Build the path with
    /// [`path`](crate::path).
    pub fn get(&self, endpoint: &str, path: impl Into<String>) -> Draft<'h> {
        self.request(Method::Get, endpoint, path)
    }

    /// Begins a `POST`.
    pub fn post(&self, endpoint: &str, path: impl Into<String>) -> Draft<'h> {
        self.request(Method::Post, endpoint, path)
    }

    /// Begins a `PUT`.
    pub fn put(&self, endpoint: &str, path: impl Into<String>) -> Draft<'h> {
        self.request(Method::Put, endpoint, path)
    }

    /// Begins a `PATCH`.
    pub fn patch(&self, endpoint: &str, path: impl Into<String>) -> Draft<'h> {
        self.request(Method::Patch, endpoint, path)
    }

    /// Begins a `DELETE`.
    pub fn delete(&self, endpoint: &str, path: impl Into<String>) -> Draft<'h> {
        self.request(Method::Delete, endpoint, path)
    }

    /// Begins a request with any method.
    pub fn request(&self, method: Method, endpoint: &str, path: impl Into<String>) -> Draft<'h> {
        Draft::new(self.host, method, endpoint, path.into())
    }

    /// The value of a setting; `None` if the operator left it out and it has no default.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<String> {
        self.host.setting(name)
    }

    /// The value of a setting that the connector cannot do without.
    ///
    /// # Errors
    /// `rejected` with the code `missing-setting`.
    pub fn required_setting(&self, name: &str) -> Result<String, Failure> {
        self.host.setting(name).ok_or_else(|| {
            Failure::rejected("missing-setting", format!("the connection needs the setting `{name}`"))
        })
    }

    /// Says one line to the operator. No values of intents, no personal data.
    pub fn say(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        self.host.emit(level, message, fields);
    }
}
