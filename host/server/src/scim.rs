//! SCIM 2.0 (RFC 7643, RFC 7644): an identity provider says who is there, and who is in which group.
//!
//! A thin door in front of the record of people: it reads what is sent, in the forms that identity providers
//! really send, makes one command of it, and shows what is on record. It keeps no more of a human than their
//! account, whether it is active, and their manager; what else it is told, it passes over.

mod discovery;
mod error;
mod filter;
mod group;
mod groups;
mod patch;
mod sent;
mod shown;
mod user;
mod users;

pub(crate) use discovery::{config, resource_type, resource_types, schema, schemas};
pub(crate) use error::written;
pub(crate) mod at_groups {
    //! What is done at `/scim/v2/Groups`.
    pub(crate) use super::groups::{create, delete, list, patch, replace, show};
}
pub(crate) mod at_users {
    //! What is done at `/scim/v2/Users`.
    pub(crate) use super::users::{create, delete, list, patch, replace, show};
}

use countersign_core::people::CalendarName;
use std::collections::BTreeSet;

/// Where it stands.
pub const BASE: &str = "/scim/v2";

/// The media type of every body.
const SCIM_TYPE: &str = "application/scim+json";
/// Schema of a user.
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// Schema of a group.
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// Schema of what enterprises add to a user: here, the manager.
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Schema of what we add to a user: which person they are, where the user name does not say it.
const PERSON: &str = "urn:countersign:params:scim:schemas:extension:1.0:User";

/// What the operator says about provisioning.
#[derive(Debug, Clone, Default)]
pub struct Provisioning {
    /// The calendar of whoever joins and is not in `people.md`; the usual one of the file unless it is said.
    pub calendar: Option<CalendarName>,
    /// Mail domains whose user names are people of this house: `sam@example.com` is `sam` of `people.md` only if
    /// `example.com` is one of them. Empty unless it is said; then only our extension says who somebody is.
    pub domains: BTreeSet<String>,
    /// The address that the host is reached at, such as `https://approvals.example.com`.
    pub address: Option<String>,
}

impl Provisioning {
    /// Where resources are: below the address of the host, where it is known.
    fn base(&self) -> String {
        format!("{}{BASE}", self.address.as_deref().unwrap_or_default())
    }
}

/// Whether an address is one of these.
pub(crate) fn is_here(path: &str) -> bool {
    path.strip_prefix("/scim").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
