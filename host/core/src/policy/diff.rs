//! The exact difference of two versions of a policy: the regions that are decided otherwise.

use super::Policy;
use super::space::{Space, Verdict};
use super::stop::{Stop, Stopped};
use super::sweep::Region;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Most regions of one diff that are listed.
pub const DIFF_REGIONS_MAX: usize = 200;

/// A region that is decided otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The region, in the spelling of the documents.
    pub region: String,
    /// What the old version answers there.
    pub was: String,
    /// What the new version answers there.
    pub now: String,
    /// One intent that shows it.
    pub witness: String,
    /// Whether it was found by trying points: a guard there computes, so only the witness is sure.
    pub tried: bool,
}

/// Everything that two versions decide otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// The regions, in the order of the inputs.
    pub changed: Vec<Changed>,
    /// Inputs that only one of the versions has, or that mean something else now.
    pub inputs: Vec<String>,
    /// Whether these are all regions.
    pub all: bool,
    /// Regions in which a guard that computes may differ, but no tried point does.
    pub unsettled: usize,
}

/// A diff with the versions that it is between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The intent type that both decide.
    pub intent: String,
    /// The version that is replaced.
    pub old: String,
    /// The version that replaces it.
    pub new: String,
    /// What is decided otherwise.
    #[serde(flatten)]
    pub diff: Diff,
}

impl Difference {
    /// What `new` decides otherwise than `old`; both are policies of one intent type.
    ///
    /// # Errors
    /// If it was stopped.
    pub fn between(old: &Policy, new: &Policy, stop: &Stop<'_>) -> Result<Difference, Stopped> {
        let (intent, diff) = (new.intent.to_string(), stop.kept(diff(old, new, stop))?);
        Ok(Difference { intent, old: old.version().to_string(), new: new.version().to_string(), diff })
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for input in &self.inputs {
            writeln!(formatter, "input {input}")?;
        }
        for changed in &self.changed {
            let how = if changed.tried { " (tried, not proved)" } else { "" };
            writeln!(formatter, "{}: was {}, now {}{how}", changed.region, changed.was, changed.now)?;
            writeln!(formatter, "  such as: {}", changed.witness)?;
        }
        if self.changed.iter().any(|changed| changed.tried) {
            writeln!(
                formatter,
                "where a guard computes, the request that is shown is sure, and those beside it as far as they were tried"
            )?;
        }
        if self.unsettled > 0 {
            writeln!(formatter, "{} further regions: no tried point differs, not proved", self.unsettled)?;
        }
        if !self.all {
            writeln!(formatter, "these are not all")?;
        }
        if self.changed.is_empty() && self.unsettled == 0 && self.all {
            writeln!(formatter, "nothing is decided otherwise")?;
        }
        Ok(())
    }
}

/// What `new` decides otherwise than `old`; worth nothing if it was stopped.
pub(crate) fn diff(old: &Policy, new: &Policy, stop: &Stop<'_>) -> Diff {
    let space = Space::over(&[old, new], stop);
    let mut diff = Diff { changed: Vec::new(), inputs: inputs(old, new), all: true, unsettled: 0 };
    let [was, now] = space.models.as_slice() else { return diff };
    let order = space.order();
    let asked = |model| space.asked(model, &order, |_| true);
    let both = asked(was).zip(asked(now));
    let diagram = both.and_then(|(old, new)| {
        old.with(&new, &order, stop, |old, new| (space.verdict(was, *old), space.verdict(now, *new)))
    });
    let differs = |(was, now): &(Verdict, Verdict)| was != now;
    let tried = |region: &Region, wanted: &dyn Fn(&(Verdict, Verdict)) -> bool| {
        space.points(region).find_map(|point| {
            let answers = (space.answer(was, &point).verdict, space.answer(now, &point).verdict);
            wanted(&answers).then(|| (space.said(&point), answers))
        })
    };
    let Some(diagram) = diagram else {
        diff.all = false;
        if let Some((witness, (was, now))) = tried(&Region::new(), &differs) {
            diff.changed.push(Changed {
                region: "somewhere".to_owned(),
                was: was.to_string(),
                now: now.to_string(),
                witness,
                tried: true,
            });
        }
        return diff;
    };
    let (regions, all) = diagram.regions(DIFF_REGIONS_MAX, stop, differs);
    diff.all = all;
    for (region, answers) in regions {
        let computed = space.is_derived(&region);
        // What one region answers is not what its neighbour does, although both read the same.
        let found = if computed {
            tried(&region, &|tried| *tried == answers)
        } else {
            Some((space.said(&space.corner(&region)), answers))
        };
        let Some((witness, (was, now))) = found else {
            diff.unsettled = diff.unsettled.saturating_add(1);
            continue;
        };
        let changed = Changed {
            region: space.shown(&region),
            was: was.to_string(),
            now: now.to_string(),
            witness,
            tried: computed,
        };
        // Regions that differ only in what a term comes to read the same.
        if !diff.changed.contains(&changed) {
            diff.changed.push(changed);
        }
    }
    diff
}

fn inputs(old: &Policy, new: &Policy) -> Vec<String> {
    let mut lines = Vec::new();
    for input in &old.inputs {
        match new.inputs.iter().find(|other| other.name == input.name) {
            None => lines.push(format!("`{}` is gone", input.name)),
            Some(other) if other.kind != input.kind => {
                lines.push(format!("`{}` was {}, is {}", input.name, input.kind, other.kind));
            }
            Some(_) => {}
        }
    }
    let added = new.inputs.iter().filter(|input| !old.inputs.iter().any(|other| other.name == input.name));
    lines.extend(added.map(|input| format!("`{}` is new", input.name)));
    lines
}
