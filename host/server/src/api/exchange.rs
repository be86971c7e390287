//! Policies from and to the formats of other tools. An import answers with the document and what it
//! would change; whoever wants it publishes it.

use super::drafts::{file, named};
use super::view::ImportView;
use crate::asked::{Line, Place, Query, Upload, media_type};
use crate::busy;
use crate::limits::{IMPORT_BYTES_MAX, SIDE_BYTES_MAX};
use crate::problem::{Flaw, Problem, ProblemView};
use crate::state::Host;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use countersign_core::exchange::{Changes, Format, MISFITS_MAX, Reading, Refused, Writing, Written};
use countersign_core::hash::Digest;
use countersign_core::policy::Policy;
use countersign_engine::port::exchange::{Imported, Incoming};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// The header that says what of a policy a file does not hold.
const LEFT_OUT: HeaderName = HeaderName::from_static("countersign-left-out");
/// The table that a CSV file holds unless another is named.
const TABLE: &str = "Rules";
/// What both ways say to whoever comes from the command line.
const SWITCHES: &str = "a switch of the command line is a query parameter here: `--rules-only` is `rules_only=true`, \
    `--side FILE` is `side` with its text";

/// The bytes of a workbook.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read as it is")]
#[schema(value_type = String, format = Binary)]
pub(crate) struct FileBody(Vec<u8>);

/// The word of a format.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a parameter that is read by hand")]
#[schema(rename_all = "lowercase")]
pub(crate) enum FormatName {
    Xlsx,
    Csv,
    Dmn,
    Json,
}

/// A document that was made of a file, and what it would change.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    policy: String,
    #[serde(flatten)]
    changes: Changes,
}

/// Writes a policy as a workbook, CSV, DMN or JSON.
#[utoipa::path(
    get, path = "/v1/policies/{name}/export", tag = "policies", operation_id = "export_policy",
    params(
        ("name" = String, Path, description = "the intent type that the policy decides"),
        ("format" = inline(FormatName), Query, description = "`xlsx` and `json` hold the whole policy, `csv` one table, `dmn` the rules"),
        ("version" = Option<String>, Query, description = "which version; the one that stands unless given"),
        ("table" = Option<String>, Query, description = "`csv`: which table; `Rules` unless given"),
        ("rules_only" = Option<bool>, Query, description = "`dmn`: leave out what is not in the rules"),
    ),
    responses(
        (
            status = 200, description = "the file",
            content(
                (FileBody = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
                (String = "text/csv; charset=utf-8"),
                (String = "application/xml; charset=utf-8"),
                (serde_json::Value = "application/json"),
            ),
            headers(("countersign-left-out" = String, description = "what of the policy the file does not hold")),
        ),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn export(
    State(host): State<Host>,
    Place(name): Place<String>,
    line: Line,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri, &["format", "version", "table", "rules_only"])?;
    let format = query.required("format", "`xlsx`, `csv`, `dmn` or `json`", Format::parse);
    let version = query.read("version", "a content address of 64 digits", Digest::parse);
    let table = query.text("table").unwrap_or(TABLE).to_owned();
    let writing = Writing { table, rules_only: query.is("rules_only") };
    query.checked()?;
    let rulebook = host.engine.rulebook();
    let (intent, now) = (named(&rulebook, &name)?, host.engine.now());
    let standing = rulebook.standing(&intent, now).map(Policy::version);
    let version = version.or(standing).ok_or_else(|| Problem::unknown("policy", &name))?;
    let text = rulebook.document(&intent, &version);
    let text = text.ok_or_else(|| Problem::unknown("version", &version.to_string()))?;
    let document = file(&intent, text.to_owned());
    // INVARIANT: without a format the query was not checked.
    let format = format.ok_or_else(Problem::bug)?;
    let exchange = Arc::clone(&host.exchange);
    let written = busy::proved(&host, line, move |_| {
        let what = format!("this policy does not fit {format}");
        exchange.write(&document, format, &writing).map_err(|misfits| refused(what, &misfits))
    });
    Ok(sent(written.await?, format, intent.as_str()))
}

/// Reads a file as a policy: the document that it makes, and what it would change row by row. Nothing
/// is stored; what holds only a table is put into the policy that stands.
#[utoipa::path(
    post, path = "/v1/policies/{name}/import", tag = "policies", operation_id = "import_policy",
    request_body(content(
        (FileBody = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (String = "text/csv"),
        (String = "application/xml"),
        (serde_json::Value = "application/json"),
    )),
    params(
        ("name" = String, Path, description = "the intent type that the policy decides"),
        ("values" = Option<bool>, Query, description = "workbook: take the values of formulas"),
        ("table" = Option<String>, Query, description = "CSV: which table it is; `Rules` unless given"),
        ("delimiter" = Option<String>, Query, description = "CSV: what separates the cells: `,`, `;` or `tab`"),
        ("decimal_comma" = Option<bool>, Query, description = "CSV: the decimal mark is a comma"),
        ("side" = Option<String>, Query, description = "DMN, JDM: the side table with types, ids and outcomes, as TOML"),
    ),
    responses(
        (status = 200, description = "the document and what it would change", body = ImportView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn import(
    State(host): State<Host>,
    Place(name): Place<String>,
    line: Line,
    uri: Uri,
    Upload { format, bytes }: Upload<IMPORT_BYTES_MAX>,
) -> Result<Json<Answer>, Problem> {
    let mut query = Query::of(&uri, &["values", "table", "delimiter", "decimal_comma", "side"])?;
    let side = query.read("side", &format!("at most {SIDE_BYTES_MAX} bytes of TOML"), |text| {
        (text.len() <= SIDE_BYTES_MAX).then(|| text.to_owned())
    });
    let reading = Reading {
        values: query.is("values"),
        table: query.text("table").unwrap_or(TABLE).to_owned(),
        delimiter: query.read("delimiter", "`,`, `;` or `tab`", Reading::mark),
        decimal_comma: query.is("decimal_comma"),
        side,
    };
    query.checked()?;
    let rulebook = host.engine.rulebook();
    let (intent, now) = (named(&rulebook, &name)?, host.engine.now());
    let version = rulebook.standing(&intent, now).map(Policy::version);
    let text = version.and_then(|version| rulebook.document(&intent, &version));
    let standing = text.map(|text| file(&intent, text.to_owned()));
    let exchange = Arc::clone(&host.exchange);
    let imported = busy::imported(&host, line, move || {
        let file = Incoming {
            bytes: &bytes,
            format,
            intent: &intent,
            reading: &reading,
            standing: standing.as_ref(),
        };
        let sound = |document: &_| rulebook.trying(document).map(drop);
        let read = exchange.read(file, &format!("{intent}.policy.md"), &sound);
        read.map_err(|misfits| refused("the file cannot be carried over as it is".to_owned(), &misfits))
    });
    let Imported { document, changes } = imported.await?;
    Ok(Json(Answer { policy: document, changes }))
}

/// What cannot be carried over, each at its place.
fn refused(detail: String, misfits: &Refused) -> Problem {
    let flaws = misfits.0.iter().take(MISFITS_MAX).map(Flaw::of_misfit).collect();
    let help = format!("change every listed place, or say how it is to be read; {SWITCHES}");
    Problem::new("CS-E0221", detail, help).with_errors(flaws)
}

/// A file as an answer.
fn sent(written: Written, format: Format, name: &str) -> Response {
    let kind = match format {
        Format::Xlsx | Format::Json => media_type(format).to_owned(),
        Format::Csv | Format::Dmn => format!("{}; charset=utf-8", media_type(format)),
    };
    let disposition = format!("attachment; filename=\"{name}.{}\"", format.word());
    let mut response = Bytes::from(written.bytes).into_response();
    let left_out = written.left_out.join(", ");
    let lines =
        [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition), (LEFT_OUT, left_out)];
    for (name, text) in lines.into_iter().filter(|(_, text)| !text.is_empty()) {
        // Names of types and tables are plain letters.
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
