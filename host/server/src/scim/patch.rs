//! Changes: operations with paths (RFC 7644, 3.5.2), as Okta and Entra ID write them.

use super::error::{invalid_path, invalid_syntax};
use super::filter::{Filter, parse};
use super::sent::{Members, member, text};
use super::{ENTERPRISE, GROUP, PERSON, USER};
use crate::limits::SCIM_OPERATIONS_MAX;
use crate::problem::Problem;
use countersign_core::intent::Raw;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    Add,
    Replace,
    Remove,
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operation {
    pub(super) does: Does,
    pub(super) path: Path,
    /// `null` if there is none.
    pub(super) value: Raw,
}

/// Where an operation is done.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    /// The schema of the attribute; `None` is that of the resource.
    pub(super) schema: Schema,
    /// The attribute in lower case; empty is the whole of an extension.
    pub(super) attribute: String,
    /// Which of its values.
    pub(super) of: Option<Filter>,
    /// Which part of the value, in lower case.
    pub(super) part: Option<String>,
}

/// The schemas that attributes can be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Schema {
    /// That of the resource.
    Core,
    /// The enterprise's.
    Enterprise,
    /// Ours.
    Person,
    /// One that nobody here knows: what it says is passed over.
    Foreign,
}

/// Operations, one after the other. One that leads nowhere stands there as why: what the others say still
/// counts for somebody who leaves.
pub(super) type Operations = Vec<Result<Operation, Problem>>;

/// What a whole resource says, as operations.
pub(super) fn whole(members: &Members) -> Operations {
    members.iter().map(|(name, value)| Operation::on(Does::Replace, name, value.clone())).collect()
}

/// Takes them one after the other, up to the first that does not fit.
pub(super) fn taken(
    operations: &Operations,
    mut change: impl FnMut(&Operation) -> Result<(), Problem>,
) -> Result<(), Problem> {
    operations.iter().try_for_each(|operation| change(operation.as_ref().map_err(Clone::clone)?))
}

/// The operations of a body; those without a path are taken apart.
pub(super) fn operations(members: &Members) -> Result<Operations, Problem> {
    let Some(Raw::List(listed)) = member(members, "Operations") else {
        return Err(invalid_syntax("the body has no list `Operations`"));
    };
    let mut operations = Vec::new();
    for raw in listed {
        let Raw::Map(members) = raw else {
            return Err(invalid_syntax(format!("an operation is {}, not an object", raw.found())));
        };
        operation(members, &mut operations)?;
        if SCIM_OPERATIONS_MAX < operations.len() {
            return Err(invalid_syntax(format!("more than {SCIM_OPERATIONS_MAX} operations")));
        }
    }
    Ok(operations)
}

fn operation(members: &Members, operations: &mut Operations) -> Result<(), Problem> {
    let op = member(members, "op").map(|op| text("op", op)).transpose()?.flatten().unwrap_or_default();
    // Entra ID writes them with a capital.
    let does = match op.to_ascii_lowercase().as_str() {
        "add" => Does::Add,
        "replace" => Does::Replace,
        "remove" => Does::Remove,
        _ => return Err(invalid_syntax("`op` is none of add, replace and remove")),
    };
    let value = member(members, "value").cloned().unwrap_or(Raw::Null);
    let path = member(members, "path").map(|path| text("path", path)).transpose()?.flatten();
    match (path.filter(|path| !path.is_empty()), value) {
        (Some(path), value) => operations.push(Operation::on(does, &path, value)),
        (None, _) if does == Does::Remove => {
            let problem = invalid_path("an operation `remove` has no path");
            return Err(problem.of_kind("noTarget"));
        }
        // Okta names attributes as members of the value; so does Entra ID, paths among them.
        (None, Raw::Map(members)) => {
            for (name, value) in members {
                operations.push(Operation::on(does, &name, value));
            }
        }
        (None, other) => {
            return Err(invalid_syntax(format!(
                "`value` of an operation without a path is {}, not an object",
                other.found()
            )));
        }
    }
    Ok(())
}

impl Operation {
    fn on(does: Does, path: &str, value: Raw) -> Result<Operation, Problem> {
        Ok(Operation { does, path: Path::of(path)?, value })
    }
}

impl Path {
    /// Reads `attribute`, `attribute.part`, `attribute[part eq "value"].part`, each behind a schema or not.
    pub(super) fn of(whole: &str) -> Result<Path, Problem> {
        let shown = || whole.chars().take(60).flat_map(char::escape_debug).collect::<String>();
        let (schema, rest) = schema_of(whole);
        if schema == Schema::Foreign {
            return Ok(Path { schema, attribute: String::new(), of: None, part: None });
        }
        let (name, of, rest) = match rest.split_once('[') {
            Some((name, rest)) => {
                let Some((filter, rest)) = rest.rsplit_once(']') else {
                    return Err(invalid_path(format!("`{}` opens a filter and does not close it", shown())));
                };
                (name, Some(parse(filter)?), rest.strip_prefix('.').or(rest.is_empty().then_some("")))
            }
            None => match rest.split_once('.') {
                Some((name, part)) => (name, None, Some(part)),
                None => (rest, None, Some("")),
            },
        };
        let word =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"$-_".contains(&byte));
        let Some(part) = rest.filter(|part| word(part) && word(name)) else {
            return Err(invalid_path(format!("`{}` is no path", shown())));
        };
        let part = (!part.is_empty()).then(|| part.to_ascii_lowercase());
        Ok(Path { schema, attribute: name.to_ascii_lowercase(), of, part })
    }
}

/// The schema that a path begins with, and the rest of it.
fn schema_of(whole: &str) -> (Schema, &str) {
    let known = [
        (USER, Schema::Core),
        (GROUP, Schema::Core),
        (ENTERPRISE, Schema::Enterprise),
        (PERSON, Schema::Person),
    ];
    for (urn, schema) in known {
        let begins = whole.get(..urn.len()).is_some_and(|start| start.eq_ignore_ascii_case(urn));
        let rest = whole.get(urn.len()..).filter(|_| begins);
        match rest {
            Some("") => return (schema, ""),
            Some(rest) if rest.starts_with(':') => return (schema, rest.trim_start_matches(':')),
            Some(_) | None => {}
        }
    }
    let foreign = whole.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
    if foreign { (Schema::Foreign, "") } else { (Schema::Core, whole) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        Path::of(text).unwrap_or_else(|problem| panic!("{text}: {}", problem.detail()))
    }

    #[test]
    fn a_path_is_read_in_every_form_that_is_sent() {
        let check = |text: &str, schema: Schema, attribute: &str, part: Option<&str>, filtered: bool| {
            let path = path(text);
            let found = (path.schema, path.attribute.as_str(), path.part.as_deref(), path.of.is_some());
            assert_eq!(found, (schema, attribute, part, filtered), "{text}");
        };
        check("active", Schema::Core, "active", None, false);
        check("userName", Schema::Core, "username", None, false);
        check("name.givenName", Schema::Core, "name", Some("givenname"), false);
        check("emails[type eq \"work\"].value", Schema::Core, "emails", Some("value"), true);
        check("members[value eq \"a.b]c\"]", Schema::Core, "members", None, true);
        check(&format!("{USER}:userName"), Schema::Core, "username", None, false);
        check(&format!("{ENTERPRISE}:manager"), Schema::Enterprise, "manager", None, false);
        check(
            &format!("{}:manager.value", ENTERPRISE.to_uppercase()),
            Schema::Enterprise,
            "manager",
            Some("value"),
            false,
        );
        check(ENTERPRISE, Schema::Enterprise, "", None, false);
        check("urn:acme:1.0:User:x.y[z", Schema::Foreign, "", None, false);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for bad in
            ["a b", "members[value eq \"x\"", "members[value eq \"x\"]x", "a.b.c", "members[value pr]", "é"]
        {
            assert!(Path::of(bad).is_err(), "{bad}");
        }
    }
}
