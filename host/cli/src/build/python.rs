//! Connectors in Python: pip brings the tools that the project names into an environment of their own, and
//! componentize-py makes a component with CPython inside.

use super::{Module, tool, wheels};
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The manifest of a Python project.
pub(super) const PROJECT_FILE: &str = "pyproject.toml";

/// A `pyproject.toml`, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Pyproject {
    project: Project,
    tool: Tool,
}

#[derive(Debug, Deserialize)]
struct Project {
    name: String,
    /// What the connector imports.
    #[serde(default)]
    dependencies: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Tool {
    countersign: Build,
}

/// What to build, as `[tool.countersign]` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Build {
    /// The module that has the classes `Identity`, `Reader` and whatever else the world wants.
    module: String,
    /// The world of the contract.
    world: String,
    /// The folder of the contract.
    wit: PathBuf,
    /// The folder of the SDK.
    sdk: PathBuf,
    /// What pip installs to build with.
    tools: Vec<String>,
}

/// Builds the component of the Python project in `folder`; the manifest goes into it later.
pub(super) fn module(folder: &Path, between: &Path, progress: &dyn Fn(&str)) -> Result<Module> {
    let file = folder.join(PROJECT_FILE);
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    let Pyproject { project, tool: Tool { countersign: build } } = toml::from_str(&text).with_context(|| {
        format!(
            "`{}` does not say what to build; it needs `[tool.countersign]` with `module`, `world`, `wit`, `sdk` and `tools`",
            file.display()
        )
    })?;
    let work = tool::folder_of(between, &project.name)?;
    let wanted: Vec<&String> = build.tools.iter().chain(&project.dependencies).collect();
    let needed = "a connector in Python is built by Python 3.10 or newer, with `venv` and `pip`";
    let environment = tool::environment(&work, &wanted, progress).context(needed)?;
    progress(&format!("making a component of {}", project.name));
    let component = work.join("connector.wasm");
    let mut componentize = Command::new(environment.join("bin").join("componentize-py"));
    componentize
        .env("VIRTUAL_ENV", &environment)
        // The order of sets and names is part of the snapshot. Two builds of one source differ all the same.
        .env("PYTHONHASHSEED", "0")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg("--wit-path")
        .arg(folder.join(&build.wit))
        .args(["--world", &build.world, "--quiet", "componentize", "--python-path", ".", "--python-path"])
        .arg(folder.join(&build.sdk))
        .arg(&build.module)
        .arg("--output")
        .arg(&component);
    tool::run(&mut componentize, folder, "componentize-py could not make a component")?;
    let materials = wheels::materials(&environment, &project.dependencies, &folder.join(&build.sdk))?;
    Ok(Module { name: project.name, folder: folder.to_owned(), file: component, materials })
}
