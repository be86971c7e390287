//! From a core module and a manifest to a component, and back to what a component says of itself.
//!
//! Everything happens in this process: a connector's author needs no further tool.

use crate::fault::{ConnectorFault, FaultCode};
use crate::manifest::{CONTRACTS, MANIFEST_BYTES_MAX, MANIFEST_SECTION, Manifest, rebuild};
use crate::wrap::component_of;
use countersign_core::hash::Digest;
use wasmparser::{Encoding, Parser, Payload};
use wasmtime::Engine;

/// Largest component: several times the largest guest language runtime (Python, 18 MB).
pub const COMPONENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What the bytes of a component say without being run.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// SHA-256 of all bytes.
    pub digest: Digest,
    /// Length in bytes.
    pub size: usize,
    /// Names that it imports.
    pub imports: Vec<String>,
    /// Names that it exports.
    pub exports: Vec<String>,
    /// The manifest inside.
    pub manifest: Manifest,
    /// The manifest as its author wrote it.
    pub manifest_text: String,
}

/// Makes a connector: `module` wrapped into a component if it is none yet, with the manifest inside.
///
/// The module needs the `component-type` section that `wit-bindgen` leaves in it, or that
/// [`embed_contract`](crate::embed_contract) writes.
///
/// # Errors
/// [`FaultCode::BadManifest`], [`FaultCode::NotAComponent`], [`FaultCode::TooLarge`], or
/// [`FaultCode::UnknownImport`] when the module asks for more than the contract offers.
pub fn componentize(module: &[u8], manifest_toml: &str) -> Result<Vec<u8>, ConnectorFault> {
    let manifest = Manifest::parse(manifest_toml)?;
    let id = &manifest.connector.id;
    let malformed = |error: String| {
        ConnectorFault::connector(
            FaultCode::NotAComponent,
            format!(
                "`{id}` does not wrap into a component: {error}; build it against the contract with the SDK"
            ),
        )
    };
    let mut component = if Parser::is_component(module) {
        module.to_vec()
    } else {
        component_of(module).map_err(|error| malformed(one_line(&error)))?
    };
    match Contents::read(&component).map_err(malformed)?.manifest {
        Some(inside) if inside == manifest_toml => {}
        Some(_) => {
            return Err(ConnectorFault::connector(
                FaultCode::BadManifest,
                format!("`{id}` already carries another manifest; build it anew instead of packing it twice"),
            ));
        }
        None => append_manifest(&mut component, manifest_toml),
    }
    inspect(&component)?;
    Ok(component)
}

/// Reads what a component says of itself, without compiling or running it.
///
/// # Errors
/// [`FaultCode::Precompiled`], [`FaultCode::TooLarge`], [`FaultCode::NotAComponent`],
/// [`FaultCode::BadManifest`] or [`FaultCode::UnknownImport`].
pub fn inspect(bytes: &[u8]) -> Result<Inspected, ConnectorFault> {
    inspected(Digest::of(bytes), bytes)
}

/// The same of bytes that were hashed already: a large component takes longer to hash than to read.
pub(crate) fn inspected(digest: Digest, bytes: &[u8]) -> Result<Inspected, ConnectorFault> {
    let short = digest.to_string().chars().take(12).collect::<String>();
    let refuse =
        |code, what: String| Err(ConnectorFault::connector(code, format!("file sha256:{short} {what}")));
    if bytes.len() > COMPONENT_BYTES_MAX {
        let limit = COMPONENT_BYTES_MAX / (1024 * 1024);
        return refuse(FaultCode::TooLarge, format!("is larger than {limit} MiB; build it in release mode"));
    }
    if Engine::detect_precompiled(bytes).is_some() {
        let what = "is precompiled native code, which nobody can check; ask for the component itself";
        return refuse(FaultCode::Precompiled, what.to_owned());
    }
    if !Parser::is_component(bytes) {
        let what = if Parser::is_core_wasm(bytes) {
            "is a core module, not a component; run `countersign connector build --core` on it"
        } else {
            "is no WebAssembly at all; give the `.wasm` that `countersign connector build` made"
        };
        return refuse(FaultCode::NotAComponent, what.to_owned());
    }
    let contents = match Contents::read(bytes) {
        Ok(contents) => contents,
        Err(error) => return refuse(FaultCode::NotAComponent, format!("is not a whole component: {error}")),
    };
    let Some(manifest_text) = contents.manifest else {
        let what = "carries no manifest; pack it with `countersign connector build`";
        return refuse(FaultCode::BadManifest, what.to_owned());
    };
    let manifest = Manifest::parse(&manifest_text)?;
    if let Some(import) = contents.imports.iter().find(|import| !is_offered(import)) {
        return refuse(FaultCode::UnknownImport, unknown_import(&manifest, import));
    }
    Ok(Inspected {
        digest,
        size: bytes.len(),
        imports: contents.imports,
        exports: contents.exports,
        manifest,
        manifest_text,
    })
}

/// Whether the host offers an import of this name: the contract, and a WASI with nothing behind it for guests
/// whose language runtime wants one.
fn is_offered(import: &str) -> bool {
    const INERT: &[&str] = &["cli", "clocks", "filesystem", "io", "random", "sockets"];
    if let Some((package, rest)) = import.strip_prefix("wasi:").and_then(|rest| rest.split_once('/')) {
        let version = rest.split_once('@').map(|(_, version)| version);
        return INERT.contains(&package) && version.is_some_and(|version| is_patch_of(version, "0.2"));
    }
    const OFFERED: &[&str] = &["types", "http", "settings", "diagnostics"];
    let Some((interface, version)) =
        import.strip_prefix("countersign:connector/").and_then(|rest| rest.split_once('@'))
    else {
        return false;
    };
    OFFERED.contains(&interface) && is_spoken(version)
}

/// Whether a version of the contract, such as `1.0.0`, is one that this host speaks.
fn is_spoken(version: &str) -> bool {
    CONTRACTS.iter().any(|spoken| is_patch_of(version, spoken))
}

/// Whether a version is `minor` with a third number behind it.
fn is_patch_of(version: &str, minor: &str) -> bool {
    let patch = version.strip_prefix(minor).and_then(|rest| rest.strip_prefix('.'));
    patch.is_some_and(|patch| patch.parse::<u32>().is_ok_and(|number| number.to_string() == patch))
}

fn unknown_import(manifest: &Manifest, import: &str) -> String {
    let about = &manifest.connector;
    let ours = import.strip_prefix("countersign:connector/").and_then(|rest| rest.split_once('@'));
    let next = if import.starts_with("wasi:") {
        "of WASI 0.2 it may want cli, clocks, filesystem, io, random and sockets, with nothing behind them"
            .to_owned()
    } else if let Some((_, version)) = ours.filter(|(_, version)| !is_spoken(version)) {
        format!("its manifest says contract {}, and {version} is another: {}", about.contract, rebuild())
    } else {
        "a connector may import only what the contract offers (http, settings, diagnostics)".to_owned()
    };
    format!("(`{}` {}) imports `{import}`, which the contract does not know; {next}", about.id, about.version)
}

/// What the top level of a component holds.
#[derive(Default)]
pub(crate) struct Contents {
    pub(crate) imports: Vec<String>,
    exports: Vec<String>,
    manifest: Option<String>,
}

impl Contents {
    /// Reads the top level only: a nested component cannot smuggle a manifest in.
    pub(crate) fn read(bytes: &[u8]) -> Result<Contents, String> {
        let mut contents = Contents::default();
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(|error| error.message().to_owned())? {
                Payload::Version { encoding: Encoding::Module | Encoding::Component, .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(imports) if depth == 1 => {
                    for import in imports {
                        let import = import.map_err(|error| error.message().to_owned())?;
                        contents.imports.push(import.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(exports) if depth == 1 => {
                    for export in exports {
                        let export = export.map_err(|error| error.message().to_owned())?;
                        contents.exports.push(export.name.name.to_owned());
                    }
                }
                Payload::CustomSection(section) if depth == 1 && section.name() == MANIFEST_SECTION => {
                    contents.take_manifest(section.data())?;
                }
                // The rest is the guest's own matter until it is compiled.
                _ => {}
            }
        }
        Ok(contents)
    }

    fn take_manifest(&mut self, data: &[u8]) -> Result<(), String> {
        if self.manifest.is_some() {
            return Err("it carries two manifests".to_owned());
        }
        if data.len() > MANIFEST_BYTES_MAX {
            return Err(format!("its manifest is longer than {MANIFEST_BYTES_MAX} bytes"));
        }
        let text = std::str::from_utf8(data).map_err(|_| "its manifest is not UTF-8".to_owned())?;
        self.manifest = Some(text.to_owned());
        Ok(())
    }
}

/// Appends the custom section: id 0, length, length of the name, name, content.
fn append_manifest(component: &mut Vec<u8>, manifest: &str) {
    let mut section = Vec::new();
    leb128(&mut section, MANIFEST_SECTION.len());
    section.extend_from_slice(MANIFEST_SECTION.as_bytes());
    section.extend_from_slice(manifest.as_bytes());
    component.push(0);
    leb128(component, section.len());
    component.extend_from_slice(&section);
}

/// Unsigned LEB128, as every length in WebAssembly is written.
fn leb128(bytes: &mut Vec<u8>, mut number: usize) {
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// A chain of errors in one line.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_as_webassembly_reads_them() {
        let check = |number: usize, expected: &[u8]| {
            let mut bytes = Vec::new();
            leb128(&mut bytes, number);
            assert_eq!(bytes, expected);
        };
        check(0, &[0]);
        check(127, &[0x7f]);
        check(128, &[0x80, 1]);
        check(624_485, &[0xe5, 0x8e, 0x26]);
    }

    #[test]
    fn only_the_contract_is_offered() {
        for import in [
            "countersign:connector/http@1.0.0",
            "countersign:connector/types@1.0.3",
            "wasi:filesystem/types@0.2.12",
        ] {
            assert!(is_offered(import), "{import}");
        }
        for import in [
            "countersign:connector/http@0.1.0",
            "countersign:connector/http@1.1.0",
            "countersign:connector/http@1.00.0",
            "countersign:connector/http@1.0",
            "countersign:connector/http@2.0.0",
            "countersign:connector/secrets@1.0.0",
            "countersign:connector/http",
            "wasi:filesystem/types@0.3.0",
            "wasi:sockets/tcp@0.2.00",
            "wasi:sockets/tcp@0.2.",
            "wasi:filesystem/types",
            "wasi:keyvalue/store@0.2.0",
            "wasi:http/outgoing-handler@0.2.6",
            "env",
        ] {
            assert!(!is_offered(import), "{import}");
        }
    }
}
