//! Checkpoints noted where the operator does not rule alone: a real WebDAV server by a plain PUT, a sink that takes what
//! is posted, a repository that is pushed to.

use super::{House, noted, run, size};
use anyhow::{Context as _, Result, ensure};
use countersign_tests::servers::WebDav;
use countersign_tests::servers::http;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};

/// Where the checkpoint lies on the server.
const THERE: &str = "/approvals.checkpoint";

/// What was posted: the headers in small letters, and the body.
type Posted = (BTreeMap<String, String>, String);

fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output()?;
    ensure!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// A repository that is pushed to, and a clone of it beside the house.
fn repository(folder: &Path) -> Result<()> {
    git(folder, &["init", "--quiet", "--bare", "--initial-branch", "main", "auditor.git"])?;
    git(folder, &["clone", "--quiet", "auditor.git", "clone"])?;
    let clone = folder.join("clone");
    for (name, value) in [("user.name", "countersign"), ("user.email", "host@example.com")] {
        git(&clone, &["config", name, value])?;
    }
    git(&clone, &["commit", "--quiet", "--allow-empty", "--message", "Begin"])?;
    git(&clone, &["push", "--quiet", "--set-upstream", "origin", "HEAD:main"])?;
    Ok(())
}

/// Takes whatever is posted, until the test is over.
fn sink() -> Result<(u16, Receiver<Posted>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let (port, (sender, posted)) = (listener.local_addr()?.port(), channel());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Ok(request) = taken(&stream)
                && sender.send(request).is_err()
            {
                return;
            }
        }
    });
    Ok((port, posted))
}

fn taken(mut stream: &TcpStream) -> Result<Posted> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut headers) = (String::new(), BTreeMap::new());
    reader.read_line(&mut line)?;
    ensure!(line.starts_with("POST "), "{line}");
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers.get("content-length").context("a length")?.parse()?];
    reader.read_exact(&mut body)?;
    stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")?;
    Ok((headers, String::from_utf8(body)?))
}

/// Whether a metric of the host has this value, or any but 0 where none is said.
fn metric(watched: &str, name: &str, expected: &str) -> Result<bool> {
    let page = http::get(&format!("{watched}/metrics"), &[])?.text();
    let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    Ok(value.is_some_and(|value| if expected.is_empty() { value != "0" } else { value == expected }))
}

#[test]
fn a_log_is_noted_in_every_place_and_an_old_copy_is_found_by_each_that_gives_it_back() -> Result<()> {
    let server = WebDav::start()?;
    let (port, posted) = sink()?;
    let mut house = House::noting(|folder| {
        repository(folder)?;
        fs::write(folder.join("dav"), http::basic(server.user(), server.password()))?;
        fs::write(folder.join("hook"), "Bearer told-to-nobody")?;
        Ok(format!(
            "[log.anchor.bucket]\nput = \"{}{THERE}\"\nauthorization = \"file:dav\"\nevery = \"1s\"\n\
             [log.anchor.auditor]\npost = \"http://127.0.0.1:{port}/log?key=hidden\"\nauthorization = \"file:hook\"\n\
             every = \"1s\"\n[log.anchor.repository]\ngit = \"clone\"\nevery = \"1s\"\n",
            server.base_url()
        ))
    })?;
    let watched = house.host.watched()?;
    house.host.start()?;
    house.asked()?;
    let entries = size(&house.done(&["audit", "checkpoint"])?).context("a size")?;

    // The same note everywhere, and anybody can check it.
    let bucket = || {
        server
            .send("GET", THERE, &[], b"")
            .ok()
            .filter(|answer| answer.status == 200)
            .map(|answer| answer.text())
    };
    let pushed = || git(&house.folder.path().join("auditor.git"), &["show", "main:checkpoint"]).ok();
    let notes = [noted(entries, bucket)?, format!("{}\n", noted(entries, pushed)?)];
    let (headers, body) =
        posted.iter().find(|(_, body)| size(body).is_some_and(|size| entries <= size)).context("a post")?;
    assert_eq!(headers.get("authorization").map(String::as_str), Some("Bearer told-to-nobody"));
    assert_eq!(headers.get("content-type").map(String::as_str), Some("text/plain; charset=utf-8"));
    for (number, note) in notes.iter().chain([&body]).enumerate() {
        let file = format!("note-{number}");
        fs::write(house.folder.path().join(&file), note)?;
        house.done(&["audit", "extends", &file, "--public", &house.public])?;
    }

    let metric = |name: &str, expected: &str| metric(&watched, name, expected);
    super::until(|| metric("countersign_log_noted_entries{anchor=\"repository\"}", &entries.to_string()))?;
    ensure!(metric("countersign_log_notings_total{anchor=\"bucket\",outcome=\"noted\"}", "")?);

    // A backup of now, the log goes on, and the old copy is put back.
    house.host.stop()?;
    house.copy("data", "backup")?;
    house.host.start()?;
    house.asked()?;
    let grown = size(&house.done(&["audit", "checkpoint"])?).context("a size")?;
    ensure!(entries < grown);
    let newest = noted(grown, bucket)?;
    noted(grown, pushed)?;
    house.host.stop()?;
    fs::remove_dir_all(house.folder.path().join("data"))?;
    house.copy("backup", "data")?;
    let refused = house.run(&["serve"])?;
    ensure!(refused.code == Some(1) && refused.err.contains("says that it had"), "{refused:?}");
    ensure!(!refused.err.contains("hidden"), "an address may hold a key: {refused:?}");

    // Taken away in one place, the other one still says so.
    assert_eq!(server.send("DELETE", THERE, &[], b"")?.status, 204);
    let refused = house.run(&["serve"])?;
    ensure!(refused.code == Some(1) && refused.err.contains("the repository `"), "{refused:?}");

    // A place that cannot be reached keeps no host from starting, and nothing is put over what it holds.
    git(&house.folder.path().join("clone"), &["rm", "--quiet", "checkpoint"])?;
    git(&house.folder.path().join("clone"), &["commit", "--quiet", "--message", "Away"])?;
    git(&house.folder.path().join("clone"), &["push", "--quiet"])?;
    assert!([200, 201, 204].contains(&server.send("PUT", THERE, &[], newest.as_bytes())?.status));
    fs::write(house.folder.path().join("dav"), http::basic("nobody", "x"))?;
    house.host.start()?;
    let again = size(&house.done(&["audit", "checkpoint"])?).context("a size")?;
    noted(again, pushed)?;
    let told = house.host.told()?;
    ensure!(
        told.contains("cannot be read: it answers 401; nothing is noted there until it can be"),
        "{told}"
    );
    super::until(|| metric("countersign_log_notings_total{anchor=\"bucket\",outcome=\"failed\"}", ""))?;
    // It can be read again, and is found to be another log's.
    fs::write(house.folder.path().join("dav"), http::basic(server.user(), server.password()))?;
    house.asked()?;
    noted(again + 1, pushed)?;
    super::until(|| Ok(house.host.told()?.contains("are not those of the checkpoint in `http")))?;
    assert_eq!(bucket().as_deref(), Some(newest.as_str()), "what was noted there stays");
    house.host.stop()?;
    Ok(())
}

#[test]
fn a_place_that_never_answers_keeps_no_host_from_starting() -> Result<()> {
    let silent = TcpListener::bind(("127.0.0.1", 0))?;
    let port = silent.local_addr()?.port();
    let mut house =
        House::noting(|_| Ok(format!("[log.anchor.silent]\nput = \"http://127.0.0.1:{port}/x\"\n")))?;
    house.host.start()?;
    house.asked()?;
    let told = house.host.told()?;
    ensure!(told.contains("cannot be read: it does not answer within 10000 ms"), "{told}");
    house.host.stop()?;
    Ok(())
}

#[test]
fn a_place_that_the_configuration_names_wrongly_is_told_with_the_way_out() -> Result<()> {
    let folder = tempfile::tempdir()?;
    ensure!(run(folder.path(), &["init", "--quiet"], "")?.code == Some(0));
    ensure!(run(folder.path(), &["audit", "key", "acme.example/approvals", "log.key"], "")?.code == Some(0));
    let check = |places: &str, expected: &str| -> Result<()> {
        fs::write(folder.path().join("countersign.toml"), format!("[log]\nkey = \"log.key\"\n{places}"))?;
        let ran = run(folder.path(), &["check"], "")?;
        ensure!(ran.code != Some(0) && ran.out.contains(expected), "{places}: {ran:?}");
        Ok(())
    };
    check("[log.anchor.a]\n", "`[log.anchor.a]` names 0 places, and is one")?;
    check("[log.anchor.a]\nput = \"https://a.example\"\ngit = \"b\"\n", "names 2 places")?;
    check("[log.anchor.a]\nput = \"http://a.example/x\"\n", "names no address that is safe to ask")?;
    check("[log.anchor.a]\nput = \"https://u:p@a.example/x\"\n", "that goes into `authorization`")?;
    check("[log.anchor.a]\ngit = \"b\"\nauthorization = \"env:X\"\n", "is for `put` and `post`")?;
    check("[log.anchor.a]\ngit = \"b\"\nevery = \"25h\"\n", "`1s` to `24h`")?;
    check("[log.anchor.noted]\ngit = \"b\"\n", "`noted` is no name of an anchor")?;
    check("[log.anchor.A]\ngit = \"b\"\n", "`A` is no name of an anchor")?;
    check("anchor = \"b\"\n", "an anchor is a section")?;
    check("[log.anchor.a]\nputt = \"b\"\n", "there is no `putt`")?;
    fs::write(folder.path().join("countersign.toml"), "[log.anchor.a]\ngit = \"b\"\n")?;
    let ran = run(folder.path(), &["check"], "")?;
    ensure!(ran.out.contains("wants a `key`, which signs what is noted"), "{ran:?}");
    Ok(())
}
