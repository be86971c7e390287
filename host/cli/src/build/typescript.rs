//! Connectors in TypeScript: npm brings the tools that the project names, tsc looks at the types, esbuild
//! makes one file of it, and componentize-qjs a component with QuickJS inside.

use super::{Module, npm, tool, world};
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The manifest of an npm package.
pub(super) const PACKAGE_FILE: &str = "package.json";
/// Where npm puts what it installs.
pub(super) const INSTALLED: &str = "node_modules";

/// A `package.json`, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    countersign: Build,
}

/// What to build, under `countersign` in the `package.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Build {
    /// The file that exports `identity`, `reader` and whatever else the world wants.
    entry: PathBuf,
    /// The world of the contract.
    world: String,
    /// The folder of the contract.
    wit: PathBuf,
}

/// Builds the component of the npm package in `folder`; the manifest goes into it later.
pub(super) fn module(folder: &Path, between: &Path, progress: &dyn Fn(&str)) -> Result<Module> {
    let file = folder.join(PACKAGE_FILE);
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    let package: Package = serde_json::from_str(&text).with_context(|| {
        format!(
            "`{}` does not say what to build; it needs `\"countersign\": {{\"entry\", \"world\", \"wit\"}}`",
            file.display()
        )
    })?;
    install(folder, progress)?;
    let installed = |name: &str| folder.join(INSTALLED).join(".bin").join(name);
    if folder.join("tsconfig.json").is_file() {
        progress("looking at the types");
        tool::run(Command::new(installed("tsc")).args(["--project", "."]), folder, "tsc found faults")?;
    }
    progress(&format!("bundling {}", package.name));
    let work = tool::folder_of(between, &package.name)?;
    let bundle = work.join("connector.js");
    let inputs = work.join("inputs.json");
    let mut esbuild = Command::new(installed("esbuild"));
    esbuild
        .arg(&package.countersign.entry)
        .args([
            "--bundle",
            "--format=esm",
            "--target=es2023",
            "--external:countersign:*",
            "--log-level=warning",
        ])
        .arg(format!("--metafile={}", inputs.display()))
        .arg(format!("--outfile={}", bundle.display()));
    tool::run(&mut esbuild, folder, "esbuild could not bundle it")?;
    let wit = folder.join(&package.countersign.wit);
    // The component would be made all the same, and break at the first call of what is not there.
    let lacking = npm::lacks(&inputs, &world::exports(&wit, &package.countersign.world)?)?;
    if !lacking.is_empty() {
        bail!(
            "`{}` does not export {}, which the world `{}` of `{}` wants",
            folder.join(&package.countersign.entry).display(),
            lacking.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
            package.countersign.world,
            file.display()
        );
    }
    progress(&format!("making a component of {}", package.name));
    let component = work.join("connector.wasm");
    let mut componentize = Command::new(installed("componentize-qjs"));
    // Without `--sync` it would want what no host of ours has switched on.
    componentize
        .arg("--wit")
        .arg(&wit)
        .args(["--world", &package.countersign.world, "--sync", "--opt-size", "--minify", "--js"])
        .arg(&bundle)
        .arg("--output")
        .arg(&component)
        .stdout(Stdio::null());
    tool::run(&mut componentize, &work, "componentize-qjs could not make a component")?;
    let materials = npm::materials(folder, &inputs)?;
    Ok(Module { name: package.name, folder: folder.to_owned(), file: component, materials })
}

/// Brings the tools, if they are not there as the package names them.
fn install(folder: &Path, progress: &dyn Fn(&str)) -> Result<()> {
    let changed = |file: &str| std::fs::metadata(folder.join(file)).and_then(|about| about.modified()).ok();
    let installed = changed(&format!("{INSTALLED}/.package-lock.json"));
    let lock = changed("package-lock.json");
    let wanted = changed(PACKAGE_FILE).max(lock);
    if installed.is_some() && wanted <= installed {
        return Ok(());
    }
    let how = if lock.is_some() { "ci" } else { "install" };
    progress(&format!("npm {how}"));
    let mut npm = Command::new("npm");
    npm.args([how, "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]).stdout(Stdio::null());
    tool::run(&mut npm, folder, "npm could not install what `package.json` names")
        .context("a connector in TypeScript is built by Node.js 20 or newer, with npm")
}
