//! The few words of an HTTP client that the engine knows. Every call fails: there is no network.

use std::fmt;

/// Why a call failed: always for the same reason.
#[derive(Debug)]
pub struct Error;

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("this engine reaches no network")
    }
}

impl std::error::Error for Error {}

/// The part of the client that waits.
pub mod blocking {
    use super::Error;

    /// A client that reaches nothing.
    #[derive(Debug, Default)]
    pub struct Client;

    impl Client {
        #[must_use]
        pub fn new() -> Client {
            Client
        }

        #[must_use]
        pub fn post(&self, _url: &str) -> Request {
            Request
        }
    }

    /// A request that is never sent.
    #[derive(Debug)]
    pub struct Request;

    impl Request {
        #[must_use]
        pub fn json<T: ?Sized>(self, _body: &T) -> Request {
            self
        }

        /// # Errors
        /// Always.
        pub fn send(self) -> Result<Response, Error> {
            Err(Error)
        }
    }

    /// An answer that never comes.
    #[derive(Debug)]
    pub enum Response {}

    impl Response {
        /// # Errors
        /// Never: there is no answer to read.
        pub fn json<T>(self) -> Result<T, Error> {
            match self {}
        }
    }
}
