//! The browser of people: Chromium, driven by its own chromedriver; and axe-core, which looks whether a page can be
//! used by everybody.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Process, install_folder};

/// The words of chromedriver before the port that it has found for itself.
const BEFORE_THE_PORT: &str = "started successfully on port ";

/// A running chromedriver. When it ends, every browser that it started ends too.
#[derive(Debug)]
pub struct ChromeDriver {
    process: Process,
    port: u16,
}

impl ChromeDriver {
    /// Starts one on a port of its own choice.
    ///
    /// # Errors
    /// It is not installed, or does not say its port in time.
    pub fn start() -> Result<ChromeDriver> {
        let log = RefCell::new(PathBuf::new());
        let process =
            Process::start_when("chromedriver", &|_| port_in(&log.borrow()).is_some(), |folder, _| {
                log.replace(folder.join("server.log"));
                let mut command = Command::new("chromedriver");
                command.arg("--port=0");
                Ok(command)
            })
            .context("are Chromium and its driver installed? `tests/install` does it")?;
        let port = port_in(&log.borrow()).context("chromedriver has said its port")?;
        Ok(ChromeDriver { process, port })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The end of what it wrote, for messages of failed tests.
    #[must_use]
    pub fn log_tail(&self) -> String {
        self.process.log_tail()
    }
}

/// The port that stands in the log of a chromedriver, once it does.
fn port_in(log: &Path) -> Option<u16> {
    let text = std::fs::read_to_string(log).ok()?;
    let (_, rest) = text.split_once(BEFORE_THE_PORT)?;
    // A line that is not whole yet could hold half of a number.
    let (port, _) = rest.split_once('\n')?;
    port.trim_end_matches('.').parse().ok()
}

/// The source of axe-core, which a test gives to a page.
///
/// # Errors
/// It is not installed.
pub fn axe() -> Result<String> {
    let path = install_folder().join("node/node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(path).context("axe-core is not installed: run `tests/install`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_from_a_whole_line() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let log = folder.path().join("server.log");
        assert_eq!(port_in(&log), None);
        for (text, port) in [
            ("Starting ChromeDriver 1 on port 0\n", None),
            ("ChromeDriver was started successfully on port 4", None),
            ("ChromeDriver was started successfully on port 40123.\n", Some(40_123)),
            ("ChromeDriver was started successfully on port 40123\nmore\n", Some(40_123)),
        ] {
            std::fs::write(&log, text)?;
            assert_eq!(port_in(&log), port, "{text}");
        }
        Ok(())
    }
}
