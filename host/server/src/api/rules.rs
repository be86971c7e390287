//! Shared files: `people.md`, `routes.md` and the intent types. They are changed by an intent of type `shared_change`,
//! like everything else.

use super::view::{Listed, SharedFileView};
use crate::asked::{Place, Query};
use crate::door::Caller;
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use countersign_core::hash::Digest;
use countersign_core::policy::Whom;
use countersign_core::rulebook::Rulebook;
use countersign_core::shared_change::SharedFile;

/// Lists the shared files: which text of each is in force, and what put it there.
#[utoipa::path(
    get, path = "/v1/rules", tag = "rules", operation_id = "list_rules",
    responses(
        (status = 200, description = "every shared file, by name", body = Listed<SharedFileView>),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(host): State<Host>,
    uri: Uri,
) -> Result<Json<Listed<SharedFileView>>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    let rulebook = host.engine.rulebook();
    let files = rulebook.shared_files();
    Ok(Json(Listed::whole(files.iter().filter_map(|file| SharedFileView::of(file, &rulebook)).collect())))
}

/// Shows one shared file with one of its texts, to whoever owns or runs it or audits the house.
#[utoipa::path(
    get, path = "/v1/rules/{file}", tag = "rules", operation_id = "show_rules",
    params(
        ("file" = String, Path, description = "people.md, routes.md or NAME.intent.md"),
        ("version" = Option<String>, Query, description = "which text is shown; the one in force unless given"),
    ),
    responses(
        (status = 200, description = "the file", body = SharedFileView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    Place(name): Place<String>,
    uri: Uri,
) -> Result<Json<SharedFileView>, Problem> {
    let mut query = Query::of(&uri, &["version"])?;
    let version = query.read("version", "a content address of 64 digits", Digest::parse);
    query.checked()?;
    let rulebook = host.engine.rulebook();
    let unknown = || Problem::unknown("shared file", &name);
    let file = SharedFile::parse(&name).ok_or_else(unknown)?;
    let view = SharedFileView::of(&file, &rulebook).ok_or_else(unknown)?;
    readable(&rulebook, &file, &caller)?;
    let shown = version.or_else(|| Digest::parse(&view.version)).ok_or_else(Problem::bug)?;
    let missing = || Problem::unknown("version", &shown.to_string());
    view.with_document(&file, &shown, &rulebook).map(Json).ok_or_else(missing)
}

/// `people.md` says by which accounts people sign in, so a text is for those who answer for it.
fn readable(rulebook: &Rulebook, file: &SharedFile, caller: &Caller) -> Result<(), Problem> {
    let directory = rulebook.directory();
    let owner = rulebook.file_owner(file).ok_or_else(Problem::bug)?;
    if directory.has_a_duty(&caller.person) || directory.is_one(&caller.person, &Whom::Pool(owner.clone())) {
        return Ok(());
    }
    let detail = format!("the text of `{file}` is for pool {owner} and for those who run or audit the house");
    Err(Problem::new(
        "CS-E0243",
        detail,
        "ask one of them; `countersign rules list` says since when it is in force",
    ))
}
