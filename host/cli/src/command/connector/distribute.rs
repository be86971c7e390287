//! Connectors on their way: into a registry, out of one, and into one file.

use super::{Global, short};
use crate::distribution::reference::{At, Reference, SCHEME};
use crate::distribution::registry::{Pushed, Registry};
use crate::distribution::{self, Fetched, Kind, Source, layout};
use crate::exit;
use crate::output::{self, Failure, plain};
use anyhow::{Context as _, Result};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Reads a reference, with `oci://` or without.
pub(super) fn reference(text: &str) -> Result<Reference, String> {
    if text.starts_with(SCHEME) {
        Reference::parse(text)
    } else {
        Reference::parse(&format!("{SCHEME}{text}"))
    }
}

/// What lies beside a component, in words.
fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Signature => "signature",
        Kind::Conformance => "conformance report",
        Kind::Materials => "bill of materials",
    }
}

/// Puts a component and what lies beside it into a registry.
pub(super) async fn push(file: &Path, reference: &Reference, global: &Global) -> Result<ExitCode> {
    let component = distribution::one(&Source::File(file.to_owned())).await?;
    let Pushed { pinned, was_there, evidence } =
        Registry::open(reference)?.push(reference, &component).await?;
    if global.json {
        let evidence: Vec<_> = evidence
            .iter()
            .map(|(kind, was_there)| json!({ "type": kind.artifact_type(), "new": !was_there }))
            .collect();
        output::json(&json!({
            "reference": pinned.to_string(),
            "new": !was_there,
            "digest": component.about.digest.to_string(),
            "evidence": evidence,
        }))?;
        return Ok(ExitCode::from(exit::DONE));
    }
    output::line(&pinned.to_string())?;
    if global.quiet {
        return Ok(ExitCode::from(exit::DONE));
    }
    let named = &component.about.manifest.connector;
    let (id, version) = (plain(&named.id), plain(&named.version));
    let came = if was_there { "was there already" } else { "is pushed" };
    output::say(&format!("`{id}` {version} {came}"));
    for (kind, was_there) in &evidence {
        let came = if *was_there { "was there already" } else { "is pushed" };
        output::say(&format!("its {} {came}", words(*kind)));
    }
    for (kind, again) in [(Kind::Signature, "sign"), (Kind::Conformance, "test --key")] {
        if let Some(why) = component.unfit(kind) {
            output::say(&plain(&format!(
                "no host takes it so: it {why}; make that anew (`countersign connector {again}`) and push again"
            )));
        }
    }
    if component.of(Kind::Materials).is_none() {
        output::say(
            "nothing says what it is made of; `countersign connector build` writes that beside what it builds",
        );
    }
    if component.of(Kind::Signature).is_none() {
        output::say(
            "it is not signed: an operator takes it only where unsigned connectors are taken; \
             `countersign connector sign` signs it, then push it again",
        );
    }
    Ok(ExitCode::from(exit::DONE))
}

/// Prints the bill of materials of a component, as it is.
pub(super) async fn materials(source: &Source) -> Result<ExitCode> {
    let component = distribution::one(source).await?;
    let Some(bill) = component.of(Kind::Materials) else {
        let failure = Failure::new(exit::NO, format!("{} has no bill of materials", component.from));
        let help =
            "`countersign connector build` writes one beside what it builds; whoever made this can push it";
        return Err(failure.with_help(help).into());
    };
    let text = std::str::from_utf8(bill).context("the bill of materials is no text")?;
    output::line(text.trim_end())?;
    Ok(ExitCode::from(exit::DONE))
}

/// Fetches a component into a file, and what is said of it beside that.
pub(super) async fn pull(source: &Source, out: Option<&Path>, global: &Global) -> Result<ExitCode> {
    let component = distribution::one(source).await?;
    let named = &component.about.manifest.connector;
    let file =
        out.map_or_else(|| PathBuf::from(format!("{}-{}.wasm", named.id, named.version)), Path::to_owned);
    component.write(&file)?;
    if global.json {
        output::json(&json!({
            "file": file.display().to_string(),
            "id": named.id,
            "version": named.version,
            "digest": component.about.digest.to_string(),
            "from": component.pinned,
            "evidence": component.evidence.iter().map(|(kind, _)| kind.artifact_type()).collect::<Vec<_>>(),
        }))?;
    } else if !global.quiet {
        output::say(&plain(&format!("{} is in `{}`", of(&component), file.display())));
        for (kind, _) in &component.evidence {
            output::say(&format!("its {} is in `{}`", words(*kind), kind.place_of(&file).display()));
        }
    }
    Ok(ExitCode::from(exit::DONE))
}

/// Writes components from wherever they are into one file.
pub(super) async fn export(sources: &[Source], out: &Path, global: &Global) -> Result<ExitCode> {
    let mut components: Vec<Fetched> = Vec::new();
    for source in sources {
        for component in source.fetch().await? {
            // Named twice, or in two archives.
            if components.iter().all(|other| other.about.digest != component.about.digest) {
                components.push(component);
            }
        }
    }
    let named = || format!("`{}` cannot be written", out.display());
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Beside, and renamed: nobody ever reads half an archive.
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(named)?;
    layout::write(&components, &mut file).with_context(named)?;
    file.as_file().sync_all().with_context(named)?;
    file.persist(out).with_context(named)?;
    if global.json {
        let items: Vec<_> = components
            .iter()
            .map(|one| {
                let about = &one.about.manifest.connector;
                json!({ "id": about.id, "version": about.version, "digest": one.about.digest.to_string() })
            })
            .collect();
        output::json(&json!({ "file": out.display().to_string(), "items": items }))?;
    } else if !global.quiet {
        for component in &components {
            output::say(&plain(&format!("{} is in `{}`", of(component), out.display())));
        }
        output::say(&format!("`countersign connector add {}` adds them to a host", out.display()));
    }
    Ok(ExitCode::from(exit::DONE))
}

/// A component by its names.
fn of(component: &Fetched) -> String {
    let named = &component.about.manifest.connector;
    format!("`{}` {} (sha256:{})", named.id, named.version, short(&component.about.digest.to_string()))
}

/// Reads where a component goes in a registry: a version, not a digest.
pub(super) fn destination(text: &str) -> Result<Reference, String> {
    let reference = reference(text)?;
    match reference.at {
        At::Unsaid | At::Version(_) => Ok(reference),
        At::Manifest(_) => Err("a component is pushed as its version; its digest is known then".to_owned()),
    }
}
