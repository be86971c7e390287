//! Inputs and sealed fields of kinds that the SDK has no reader for, and words that fit into a record at Xero.

use countersign_sdk::{Context, Failure, Proposal, Value};

/// Text that is one line of at most so many characters.
pub(crate) fn line<'w>(what: &'w Proposal, name: &str, characters_max: usize) -> Result<&'w str, Failure> {
    let text = what.text(name)?;
    let fits =
        text.chars().count() <= characters_max && text.trim() == text && !text.chars().any(char::is_control);
    if fits {
        return Ok(text);
    }
    let message = format!(
        "the field `{name}` must be one line of at most {characters_max} characters, without white space at its ends"
    );
    Err(Failure::rejected("bad-input", message).naming(name))
}

pub(crate) fn date<'w>(what: &'w Proposal, name: &str) -> Result<&'w str, Failure> {
    match what.value(name) {
        Value::Date(date) => Ok(date),
        other => Err(wrong(name, "a date", other)),
    }
}

pub(crate) fn flag(what: &Proposal, name: &str) -> Result<bool, Failure> {
    match what.value(name) {
        Value::Flag(flag) => Ok(*flag),
        other => Err(wrong(name, "yes or no", other)),
    }
}

fn wrong(name: &str, wanted: &str, found: &Value) -> Failure {
    let message = format!("the field `{name}` must be {wanted}, not {}", found.case());
    Failure::rejected("bad-input", message).naming(name)
}

/// Whether what is written counts at once, as the setting `status` says. If not, it is a draft.
pub(crate) fn is_final(context: &Context<'_>) -> Result<bool, Failure> {
    match context.required_setting("status")?.as_str() {
        "posted" => Ok(true),
        "draft" => Ok(false),
        other => {
            let message = format!("the setting `status` is `{other}`, and must be `posted` or `draft`");
            Err(Failure::rejected("bad-setting", message))
        }
    }
}
