//! Who was told what and when: the entries about notices in words. They name the way and not the address;
//! what a server answered stands there as it came.

use countersign_core::approval::event::Event;
use countersign_core::notice::Notice;

/// The notices that were recorded so far, in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Notices<'a>(Vec<&'a Notice>);

impl<'a> Notices<'a> {
    /// The sentence of an entry about notices; `None` for every other entry. Entries come in their order.
    pub(super) fn words(&mut self, event: &'a Event) -> Option<String> {
        match event {
            Event::Noticed { notices } => {
                self.0.extend(notices);
                Some(format!("to be told: {}", listed(notices.iter())))
            }
            Event::Told { notice, .. } => Some(match self.of(*notice) {
                Some(notice) => format!("told {}", listed(std::iter::once(notice))),
                None => format!("told notice {notice}"),
            }),
            Event::NotTold { notice, detail, due: Some(due) } => {
                Some(format!("could not tell {}: {}; again at {due}", self.whom(*notice), detail.message))
            }
            Event::NotTold { notice, detail, due: None } => {
                Some(format!("gave up telling {}: {}", self.whom(*notice), detail.message))
            }
            Event::NoticesMoot { notices } => {
                let moot = notices.iter().filter_map(|number| self.of(*number));
                Some(format!("not told any more, as it is over: {}", listed(moot)))
            }
            Event::Submitted { .. }
            | Event::Postponed { .. }
            | Event::Repinned { .. }
            | Event::Evaluated { .. }
            | Event::Sealed { .. }
            | Event::Seated { .. }
            | Event::SeatOpened { .. }
            | Event::SeatMoved { .. }
            | Event::Claimed { .. }
            | Event::Released { .. }
            | Event::Handed { .. }
            | Event::Recalled { .. }
            | Event::VoiceAdded { .. }
            | Event::VoiceDropped { .. }
            | Event::Commented { .. }
            | Event::Reminded { .. }
            | Event::Overridden { .. }
            | Event::Reopened { .. }
            | Event::Reconsidered { .. }
            | Event::Renewed { .. }
            | Event::Asked { .. }
            | Event::Answered { .. }
            | Event::Unanswered { .. }
            | Event::Carried { .. }
            | Event::SentBack { .. }
            | Event::Amended { .. }
            | Event::Voted { .. }
            | Event::Approved { .. }
            | Event::Activated { .. }
            | Event::FilePublished { .. }
            | Event::WentLive { .. }
            | Event::Declined { .. }
            | Event::Withdrawn { .. }
            | Event::Sending { .. }
            | Event::Attempted { .. }
            | Event::Probed { .. }
            | Event::Replanned { .. }
            | Event::UndoBegun { .. }
            | Event::UndoPlanned { .. }
            | Event::Watched { .. }
            | Event::Reconciled { .. }
            | Event::ReAsserted { .. }
            | Event::NotReAsserted { .. }
            | Event::Superseded { .. }
            | Event::ExceptionOpened { .. }
            | Event::ExceptionEscalated { .. }
            | Event::ExceptionReminded { .. }
            | Event::ExceptionMoved { .. }
            | Event::ExceptionReview { .. }
            | Event::ExceptionClosed { .. }
            | Event::FailedOpen { .. }
            | Event::GlassBroken { .. }
            | Event::LinkUsed { .. }
            | Event::Closed => None,
        }
    }

    fn of(&self, number: u32) -> Option<&'a Notice> {
        self.0.get(usize::try_from(number.checked_sub(1)?).ok()?).copied()
    }

    fn whom(&self, number: u32) -> String {
        let named =
            |notice: &Notice| format!("`{}` by {} ({})", notice.to, notice.by.way(), notice.about.words());
        self.of(number).map_or_else(|| format!("notice {number}"), named)
    }
}

/// `finance-1`, `finance-2` by mail: asked to decide. Those that differ in the person only stand together.
fn listed<'a>(notices: impl Iterator<Item = &'a Notice>) -> String {
    let mut groups: Vec<(&Notice, Vec<String>)> = Vec::new();
    for notice in notices {
        let like =
            |other: &Notice| other.by.way() == notice.by.way() && other.about.words() == notice.about.words();
        let person = format!("`{}`", notice.to);
        match groups.iter_mut().find(|(other, _)| like(other)) {
            Some((_, people)) => people.push(person),
            None => groups.push((notice, vec![person])),
        }
    }
    let words = groups.into_iter().map(|(first, people)| {
        format!("{} by {}: {}", people.join(", "), first.by.way(), first.about.words())
    });
    words.collect::<Vec<_>>().join("; ")
}
