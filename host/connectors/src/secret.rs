//! A credential on its way from the operator's configuration to the egress gate.

use secrecy::{ExposeSecret, SecretString};
use std::path::{Path, PathBuf};

/// A credential. It has no `Debug`, `Display` or `Serialize`, so it cannot reach a log by accident,
/// and its bytes are wiped when it is dropped.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "a secret must not be printable")]
pub struct Secret {
    text: SecretString,
    /// The file that holds it, if one does: what is rotated there counts without a restart.
    file: Option<PathBuf>,
}

impl Secret {
    /// Takes the bytes that the caller resolved from a reference such as `env:STRIPE_KEY`.
    #[must_use]
    pub fn new(text: String) -> Secret {
        Secret { text: SecretString::from(text), file: None }
    }

    /// Reads it from a file, without the end of its last line.
    ///
    /// # Errors
    /// Which file cannot be read, and why.
    pub fn of_file(file: &Path) -> Result<Secret, String> {
        let text = std::fs::read_to_string(file)
            .map_err(|fault| format!("`{}` cannot be read: {fault}", file.display()))?;
        let text = text.trim_end_matches(['\r', '\n']).to_owned();
        Ok(Secret { file: Some(file.to_owned()), ..Secret::new(text) })
    }

    /// What its file holds now, if that is something else.
    ///
    /// # Errors
    /// Those of [`Secret::of_file`].
    pub(crate) fn renewed(&self) -> Result<Option<Secret>, String> {
        let Some(file) = &self.file else { return Ok(None) };
        let now = Secret::of_file(file)?;
        Ok((now.expose() != self.expose()).then_some(now))
    }

    /// The secret itself, for the gate only.
    pub(crate) fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rotated_in_its_file_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key");
        std::fs::write(&file, "one\n").expect("it is written");
        let secret = Secret::of_file(&file).expect("it is read");
        assert_eq!(secret.expose(), "one");
        assert!(secret.renewed().expect("it is read").is_none());
        std::fs::write(&file, "two").expect("it is written");
        let renewed = secret.renewed().expect("it is read").expect("it is another one");
        assert_eq!(renewed.expose(), "two");
        std::fs::remove_file(&file).expect("it is removed");
        assert!(renewed.renewed().is_err_and(|why| why.contains("key")));
        assert!(Secret::new("one".to_owned()).renewed().expect("nothing is read").is_none());
    }
}
