//! A credential on its way from the operator's configuration to the egress gate.

use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::{ExposeSecret, SecretString};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Longest that a command may take to tell a secret, in milliseconds.
const COMMAND_MS_MAX: u64 = 10_000;
/// Longest secret that a command may tell, in bytes.
const COMMAND_BYTES_MAX: u64 = 64 * 1_024;

/// A credential. It has no `Debug`, `Display` or `Serialize`, so it cannot reach a log by accident,
/// and its bytes are wiped when it is dropped.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "a secret must not be printable")]
pub struct Secret {
    text: SecretString,
    kept: Kept,
}

/// Where a secret is kept: what is rotated there counts without a restart.
#[derive(Clone)]
enum Kept {
    /// Where nobody can look again.
    Nowhere,
    File(PathBuf),
    /// A program tells it: its name and its arguments, and the folder that it runs in.
    Command {
        words: Vec<String>,
        folder: PathBuf,
    },
}

impl Secret {
    /// Takes the bytes that the caller resolved from a reference such as `env:STRIPE_KEY`.
    #[must_use]
    pub fn new(text: String) -> Secret {
        Secret { text: SecretString::from(text), kept: Kept::Nowhere }
    }

    /// Reads it from a file, without the end of its last line.
    ///
    /// # Errors
    /// Which file cannot be read, and why.
    pub fn of_file(file: &Path) -> Result<Secret, String> {
        let text = Zeroizing::new(
            fs::read_to_string(file)
                .map_err(|fault| format!("`{}` cannot be read: {fault}", file.display()))?,
        );
        let text = text.trim_end_matches(['\r', '\n']).to_owned();
        Ok(Secret { kept: Kept::File(file.to_owned()), ..Secret::new(text) })
    }

    /// Has a program tell it: what it writes to its standard output, without the end of the last line. The words of the
    /// command stand apart by spaces, and no shell reads them; it runs in `folder`, and its standard error is the host's.
    ///
    /// # Errors
    /// That it cannot be started, says nothing or too much, fails, or takes longer than ten seconds: then it is killed.
    pub fn of_command(command: &str, folder: &Path) -> Result<Secret, String> {
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        let text = told(&words, folder)?;
        Ok(Secret { kept: Kept::Command { words, folder: folder.to_owned() }, ..Secret::new(text) })
    }

    /// What is kept now where it is kept, if that is something else.
    ///
    /// # Errors
    /// Those of [`Secret::of_file`] and [`Secret::of_command`].
    pub(crate) fn renewed(&self) -> Result<Option<Secret>, String> {
        let now = match &self.kept {
            Kept::Nowhere => return Ok(None),
            Kept::File(file) => Secret::of_file(file)?,
            Kept::Command { words, folder } => {
                let text = told(words, folder)?;
                Secret { kept: self.kept.clone(), ..Secret::new(text) }
            }
        };
        Ok((now.expose() != self.expose()).then_some(now))
    }

    /// What is kept now where it is kept.
    ///
    /// # Errors
    /// Those of [`Secret::of_file`] and [`Secret::of_command`].
    pub fn again(&self) -> Result<Zeroizing<String>, String> {
        let now = self.renewed()?;
        Ok(Zeroizing::new(now.as_ref().unwrap_or(self).expose().to_owned()))
    }

    /// Whether both are in one file, however it is named.
    pub(crate) fn is_kept_with(&self, other: &Secret) -> bool {
        let (Kept::File(one), Kept::File(other)) = (&self.kept, &other.kept) else { return false };
        let file = |path| fs::metadata(path).map(|found| (found.dev(), found.ino()));
        one == other || matches!((file(one), file(other)), (Ok(one), Ok(other)) if one == other)
    }

    /// Whether [`Secret::replace`] can keep another one.
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) fn is_replaceable(&self) -> Result<(), String> {
        self.replaceable().map(drop)
    }

    /// The file that another one takes the place of: where a link leads, since whoever made the link wants it there.
    fn replaceable(&self) -> Result<PathBuf, String> {
        let Kept::File(file) = &self.kept else {
            return Err(
                "must be in a file (`file:PATH`): the host writes there what takes its place".to_owned()
            );
        };
        // It is written beside the file first, so both must be allowed.
        let why = |fault: std::io::Error| {
            format!("is in `{}`, which the host cannot replace: {fault}", file.display())
        };
        let file = fs::canonicalize(file).map_err(why)?;
        if is_mounted(&file) {
            return Err(format!(
                "is in `{}`, which is mounted as one file, so that nothing can take its place; mount the folder that it \
                 is in",
                file.display()
            ));
        }
        File::options().append(true).open(&file).map_err(why)?;
        beside(&file).map(drop).map_err(why)?;
        Ok(file)
    }

    /// Puts another secret where this one is kept, with the permissions of what stood there. It is whole on disk
    /// before the old one goes: if the process stops in here, either the old one or the new one is there.
    ///
    /// # Errors
    /// Why the old one still stands.
    pub(crate) fn replace(&self, text: &str) -> Result<(), String> {
        self.put(text, |stood, new| new.set_permissions(stood.permissions()))
    }

    /// The same on behalf of a host that may run as somebody else: what was put there stays its owner's, and nobody else
    /// reads it.
    ///
    /// # Errors
    /// Why the old one still stands.
    pub(crate) fn replace_privately(&self, text: &str) -> Result<(), String> {
        self.put(text, |stood, new| {
            let made = new.metadata()?;
            if (made.uid(), made.gid()) != (stood.uid(), stood.gid()) {
                std::os::unix::fs::fchown(new, Some(stood.uid()), Some(stood.gid()))?;
            }
            new.set_permissions(fs::Permissions::from_mode(private(stood.mode())))
        })
    }

    /// Puts another secret where this one is kept; `keep` gives the new file what it keeps of the old one.
    fn put(
        &self,
        text: &str,
        keep: impl FnOnce(&fs::Metadata, &File) -> std::io::Result<()>,
    ) -> Result<(), String> {
        let file = &self.replaceable()?;
        let why = |fault: std::io::Error| format!("`{}` cannot be replaced: {fault}", file.display());
        let mut new = beside(file).map_err(why)?;
        new.write_all(text.as_bytes()).and_then(|()| new.write_all(b"\n")).map_err(why)?;
        let stood = fs::metadata(file).map_err(why)?;
        keep(&stood, new.as_file()).map_err(why)?;
        new.as_file().sync_all().map_err(why)?;
        new.persist(file).map_err(|fault| why(fault.error))?;
        File::open(folder_of(file)).and_then(|folder| folder.sync_all()).map_err(why)
    }

    /// Whether [`Secret::replace_privately`] can keep another one that the owner of its file can read.
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) fn is_replaceable_for_its_owner(&self) -> Result<(), String> {
        let file = self.replaceable()?;
        let owner = fs::metadata(&file).map(|stood| stood.uid());
        let owner =
            owner.map_err(|fault| format!("is in `{}`, which cannot be read: {fault}", file.display()))?;
        let us = rustix::process::geteuid();
        if us.is_root() || us.as_raw() == owner {
            return Ok(());
        }
        Err(format!(
            "is in `{}`, which is the file of user {owner}: what takes its place would be that of user {us}",
            file.display(),
            us = us.as_raw()
        ))
    }

    /// The secret itself, for the gate only.
    pub(crate) fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

/// The folder that a file is in.
fn folder_of(file: &Path) -> &Path {
    this_if_empty(file.parent().unwrap_or(Path::new("")))
}

/// A folder that a path names; an empty path names the one that we are in.
fn this_if_empty(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

/// Whether a file, or a folder, is mounted where it stands: a file that is has another one in its place refused.
#[cfg(target_os = "linux")]
fn is_mounted(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    // Before Linux 5.8 nobody says; then the first replacement fails and is told of.
    statx(CWD, path, AtFlags::empty(), StatxFlags::empty())
        .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// The same of a system that mounts folders only.
#[cfg(not(target_os = "linux"))]
fn is_mounted(_path: &Path) -> bool {
    false
}

/// The permissions of a secret that is put where something with these permissions stood: its owner's alone, and those of a
/// group that could write it, which is how a host that runs as somebody else replaces it.
fn private(stood: u32) -> u32 {
    const OWNER: u32 = 0o600;
    const GROUP: u32 = 0o060;
    const GROUP_WRITES: u32 = 0o020;
    if stood & GROUP_WRITES == 0 { OWNER } else { OWNER | GROUP }
}

/// A new file beside this one, which nobody else can read.
fn beside(file: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let private = fs::Permissions::from_mode(0o600);
    tempfile::Builder::new().prefix(".countersign-").permissions(private).tempfile_in(folder_of(file))
}

/// What a command tells.
fn told(words: &[String], folder: &Path) -> Result<String, String> {
    let [program, arguments @ ..] = words else {
        return Err("`command:` names no program".to_owned());
    };
    let fault = |what: &str| format!("the command `{program}` {what}");
    let folder = this_if_empty(folder);
    let path = if program.contains('/') { folder.join(program) } else { PathBuf::from(program) };
    let mut command = Command::new(path);
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped());
    // A group of its own, so that whatever it starts is ended with it.
    let mut child =
        command.process_group(0).spawn().map_err(|why| fault(&format!("cannot be started: {why}")))?;
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let output = child.stdout.take();
    let (tell, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Zeroizing::new(Vec::new());
        let read = output.map_or(Ok(0), |output| output.take(COMMAND_BYTES_MAX + 1).read_to_end(&mut text));
        let how = read.and_then(|_| child.wait());
        // Nobody listens any more if it took too long.
        let _ = tell.send((text, how));
    });
    let Ok((text, how)) = ended.recv_timeout(Duration::from_millis(COMMAND_MS_MAX)) else {
        if let Some(group) = group {
            // It may have ended a moment ago.
            let _ = kill_process_group(group, Signal::KILL);
        }
        return Err(fault(&format!("took longer than {} s", COMMAND_MS_MAX / 1_000)));
    };
    if COMMAND_BYTES_MAX < text.len() as u64 {
        return Err(fault(&format!("told more than {} KiB", COMMAND_BYTES_MAX / 1_024)));
    }
    let is_well = how.as_ref().is_ok_and(ExitStatus::success);
    if !is_well {
        let how = how.map_or_else(|why| why.to_string(), |status| status.to_string());
        return Err(fault(&format!("failed ({how}); what it says stands in the output of the host")));
    }
    let text = std::str::from_utf8(&text).map_err(|_| fault("told what is no text in UTF-8"))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() { Err(fault("told nothing")) } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rotated_in_its_file_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key");
        fs::write(&file, "one\n").expect("it is written");
        let secret = Secret::of_file(&file).expect("it is read");
        assert_eq!(secret.expose(), "one");
        assert!(secret.renewed().expect("it is read").is_none());
        fs::write(&file, "two").expect("it is written");
        let renewed = secret.renewed().expect("it is read").expect("it is another one");
        assert_eq!(renewed.expose(), "two");
        fs::remove_file(&file).expect("it is removed");
        assert!(renewed.renewed().is_err_and(|why| why.contains("key")));
        assert!(Secret::new("one".to_owned()).renewed().expect("nothing is read").is_none());
    }

    #[test]
    fn a_command_tells_a_secret_and_is_asked_again() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("key"), "one\n").expect("it is written");
        let secret = Secret::of_command("cat  key", folder.path()).expect("it is told");
        assert_eq!(secret.expose(), "one");
        assert!(secret.renewed().expect("it is told").is_none());
        fs::write(folder.path().join("key"), "two\n").expect("it is written");
        let renewed = secret.renewed().expect("it is told").expect("it is another one");
        assert_eq!(renewed.expose(), "two");
        assert!(renewed.renewed().expect("it is told").is_none());
        for (command, why) in [
            ("", "names no program"),
            ("./no-such-program", "cannot be started"),
            ("false", "failed (exit status: 1)"),
            ("true", "told nothing"),
            ("head -c 65537 /dev/zero", "more than 64 KiB"),
        ] {
            let told = Secret::of_command(command, folder.path());
            assert!(told.is_err_and(|said| said.contains(why)), "{command}");
        }
        // A configuration in the folder that we are in.
        assert!(Secret::of_command("echo one", Path::new("")).is_ok_and(|told| told.expose() == "one"));
        // No shell reads it.
        let literal = Secret::of_command("echo $HOME ; false", folder.path()).expect("it is told");
        assert_eq!(literal.expose(), "$HOME ; false");
    }

    #[test]
    fn what_takes_the_place_of_a_secret_is_whole_and_as_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key");
        fs::write(&file, "one\n").expect("it is written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("they are set");
        let secret = Secret::of_file(&file).expect("it is read");
        secret.replace("two\nlines").expect("it is replaced");
        assert_eq!(fs::read_to_string(&file).expect("it is read"), "two\nlines\n");
        assert_eq!(fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).expect("it is read").count(), 1, "nothing is left beside it");
        let renewed = secret.renewed().expect("it is read").expect("it is another one");
        assert_eq!(renewed.expose(), "two\nlines");
        assert!(Secret::new("one".to_owned()).replace("two").is_err_and(|why| why.contains("`file:PATH`")));
        fs::remove_file(&file).expect("it is removed");
        assert!(secret.is_replaceable().is_err_and(|why| why.contains("cannot replace")));
    }

    #[test]
    fn what_somebody_else_puts_there_is_read_by_nobody_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key");
        for (stood, expected) in
            [(0o644, 0o600), (0o600, 0o600), (0o640, 0o600), (0o664, 0o660), (0o666, 0o660)]
        {
            fs::write(&file, "one\n").expect("it is written");
            fs::set_permissions(&file, fs::Permissions::from_mode(stood)).expect("they are set");
            let secret = Secret::of_file(&file).expect("it is read");
            assert_eq!(secret.is_replaceable_for_its_owner(), Ok(()));
            secret.replace_privately("two").expect("it is replaced");
            assert_eq!(fs::read_to_string(&file).expect("it is read"), "two\n");
            let mode = fs::metadata(&file).expect("it is there").permissions().mode() & 0o777;
            assert_eq!(mode, expected, "{stood:o}");
        }
        assert_eq!(fs::read_dir(folder.path()).expect("it is read").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let [file, link, other] = ["key", "link", "other"].map(|name| folder.path().join(name));
        fs::write(&file, "one\n").expect("it is written");
        fs::write(&other, "one\n").expect("it is written");
        std::os::unix::fs::symlink(&file, &link).expect("it is made");
        let secret = Secret::of_file(&link).expect("it is read");
        secret.replace("two").expect("it is replaced");
        assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
        assert_eq!(fs::read_to_string(&file).expect("it is read"), "two\n");
        let is_kept_with = |path| secret.is_kept_with(&Secret::of_file(path).expect("it is read"));
        assert!(is_kept_with(&link) && is_kept_with(&file) && !is_kept_with(&other));
        assert!(!Secret::new("one".to_owned()).is_kept_with(&Secret::new("one".to_owned())));
        fs::remove_file(&file).expect("it is removed");
        assert!(secret.is_replaceable().is_err_and(|why| why.contains("link")), "it leads nowhere");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_mounted_where_it_stands_is_not_replaceable() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let of = |path: &Path| Secret { kept: Kept::File(path.to_owned()), ..Secret::new("one".to_owned()) };
        assert_eq!(of(file.path()).is_replaceable(), Ok(()));
        // It takes rights to mount a file; this folder is mounted everywhere.
        let refused = of(Path::new("/proc")).is_replaceable().expect_err("it is mounted");
        assert!(
            refused.contains("`/proc`, which is mounted as one file") && refused.contains("mount the folder")
        );
    }
}
