//! What documents say of the program is so: references are what the program says of itself, commands are ones that it
//! takes, links lead somewhere, and nothing that somebody looks for is without its section.
//!
//! The pages under `host/docs/reference/` and the list of error codes are written by these tests: `COUNTERSIGN_WRITE=1`
//! writes them anew.

#[path = "documents/commands.rs"]
mod commands;
#[path = "documents/links.rs"]
mod links;
#[path = "documents/references.rs"]
mod references;
#[path = "documents/site.rs"]
mod site;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the checkout").to_owned()
}

/// Every document of the checkout by its path below it, build output left out.
fn documents() -> BTreeMap<PathBuf, String> {
    let (mut found, mut open) = (BTreeMap::new(), vec![root()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_symlink() || ["target", "node_modules", ".git", "cassettes"].contains(&name) {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else if name.ends_with(".md") {
                let text =
                    fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
                found.insert(path.strip_prefix(root()).expect("it lies below").to_owned(), text);
            }
        }
    }
    found
}

/// A document in its parts: the code blocks, each line by itself, and what stands between them.
struct Parts {
    blocks: Vec<String>,
    prose: String,
}

impl Parts {
    fn of(text: &str) -> Parts {
        let (mut parts, mut block) = (Parts { blocks: Vec::new(), prose: String::new() }, None::<String>);
        for line in text.lines() {
            match (line.trim_start().starts_with("```"), &mut block) {
                (true, None) => block = Some(String::new()),
                (true, Some(_)) => parts.blocks.extend(block.take()),
                (false, Some(block)) => {
                    block.push_str(line);
                    block.push('\n');
                }
                (false, None) => {
                    parts.prose.push_str(line);
                    parts.prose.push('\n');
                }
            }
        }
        assert!(block.is_none(), "a code block is not closed");
        parts
    }

    /// What stands between backticks in the prose, over the ends of lines too.
    fn spans(&self) -> Vec<String> {
        let mut spans = Vec::new();
        // No span goes over the end of a paragraph or of a row.
        for paragraph in self.prose.split("\n\n").flat_map(|paragraph| paragraph.split("|\n")) {
            let of_code = paragraph.split('`').skip(1).step_by(2);
            spans.extend(of_code.map(|span| span.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
        spans
    }
}
