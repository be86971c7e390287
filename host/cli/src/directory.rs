//! `people.md` while a host serves: who joins, leaves or is away counts within seconds, without a restart.
//!
//! Only people. Intent types and routes are read at the start, and what was published is in the log: a changed file
//! of that means nothing, `people.md` like the others.

use countersign_core::rulebook::{PEOPLE_FILE, Rulebook};
use countersign_core::shared_change::SharedFile;
use countersign_engine::engine::Engine;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Wait between two looks at the file, in milliseconds.
const LOOK_MS: u64 = 1_000;

/// Looks in a row that cannot read the file before the host says so.
const UNREAD_LOOKS: u32 = 5;

/// Looks at `people.md` again and again; puts it in force if the whole set checks with it, and says what
/// is wrong with it if not. The last good one stays in force meanwhile.
pub async fn follow(engine: &Engine, rules: &Path) -> Infallible {
    let file = rules.join(PEOPLE_FILE);
    let mut refused: Option<String> = None;
    let mut unread: u32 = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        let text = match tokio::fs::read_to_string(&file).await {
            Ok(text) => text,
            Err(fault) => {
                // One that is being replaced can be missing for a moment: the next look finds it.
                unread = unread.saturating_add(1);
                if unread == UNREAD_LOOKS {
                    let file = file.display();
                    tracing::error!(%fault, %file, blame = "host", "people.md cannot be read, the last good one stays");
                }
                continue;
            }
        };
        unread = 0;
        let before = engine.rulebook();
        if before.people_of_house() == text || refused.as_ref() == Some(&text) {
            if before.people_of_house() == text && refused.take().is_some() {
                tracing::info!("people.md is again what is in force");
            }
            continue;
        }
        refused = None;
        let (checked, now) = (text.clone(), engine.now());
        let from = Arc::clone(&before);
        let made = tokio::task::spawn_blocking(move || from.with_people(&checked, now)).await;
        match made {
            Ok(Ok(rulebook)) => {
                let (persons, absences) = counted(&rulebook);
                // A policy was published meanwhile: the next look puts both together.
                let aside = rulebook.published_file(&SharedFile::People).map(|published| published.intent);
                if !engine.replace_rulebook(&before, rulebook) {
                    continue;
                }
                if let Some(intent) = aside {
                    tracing::warn!(
                        %intent, blame = "host",
                        "people.md has changed and does not count: what this intent published is in force, and \
                         `countersign rules publish` proposes the file"
                    );
                } else {
                    tracing::info!(persons, absences, "people.md has changed and is in force");
                    name_leavers(&engine.rulebook());
                }
            }
            Ok(Err(faults)) => {
                for fault in &faults {
                    tracing::error!(
                        blame = "host",
                        "people.md does not check, the last good one stays: {fault}"
                    );
                }
                refused = Some(text);
            }
            Err(fault) => tracing::error!(%fault, blame = "host", "people.md could not be read"),
        }
    }
}

/// Says whom the file still names although the record says that they have left: they count as nobody.
pub fn name_leavers(rulebook: &Rulebook) {
    for person in rulebook.leavers() {
        tracing::warn!(%person, blame = "host", "people.md names somebody who has left by the record: they count as nobody");
    }
}

fn counted(rulebook: &Rulebook) -> (usize, usize) {
    let directory = rulebook.directory();
    (directory.persons.len(), directory.absence.len())
}
