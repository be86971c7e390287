//! The rulebook: every intent type, every policy, the people and the shared routes, checked as one
//! set. A fault anywhere keeps the whole set from being used, so the last good one stays in force.

mod check;
mod exception;
mod format;
pub mod outlook;
mod published;
mod shared;
mod shared_file;

pub use exception::{Answerable, ExceptionRoute, ExceptionRule, Happening};
pub use format::{formatted, layout};
pub(crate) use published::same_document;
pub use published::{Publications, Published, Turn, bare_document};
pub use shared::Shared;

use crate::built_in::{self, BuiltIn, is_built_in};
use crate::canonical;
use crate::document::{Fault, Faults, SourceFile};
use crate::going_live::{Lives, WentLive, shape};
use crate::hash::Digest;
use crate::id::{ConnectionName, IntentTypeName, PersonId, PoolName, RouteName};
use crate::intent::{IntentType, TypeState};
use crate::people::register::Register;
use crate::people::{self, Directory};
use crate::policy::{LANGUAGE, Outcome, Policy, Route, RouteRow, RouteStep, Whom};
use crate::shared_change::{PublishedFile, SharedFile};
use crate::time::{Millis, Timestamp};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most files of one rulebook.
pub const FILES_MAX: usize = 1_000;

/// The file that says who there is.
pub const PEOPLE_FILE: &str = "people.md";

/// The file with the routes of our own changes and the exception table.
pub const ROUTES_FILE: &str = "routes.md";

/// Of a file whose name says nothing.
const NO_KIND: &str = "the name says no kind: `*.intent.md`, `*.policy.md`, `people.md`, `routes.md`";

/// A checked set of intent types, policies, people and routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rulebook {
    intents: BTreeMap<IntentTypeName, IntentType>,
    /// By intent type, the oldest first.
    policies: BTreeMap<IntentTypeName, Vec<Arc<Policy>>>,
    /// By intent type, the earliest first.
    turns: BTreeMap<IntentTypeName, Vec<Turn>>,
    built_in: BTreeMap<IntentTypeName, BuiltIn>,
    /// As `people.md` has it: what the files ask for is looked up here.
    house: Arc<Directory>,
    /// Who is on record.
    register: Arc<Register>,
    /// Both together: who is in force.
    directory: Arc<Directory>,
    shared: Shared,
    /// The files of the house, as they were read.
    files: Arc<[SourceFile]>,
    /// Which versions of policies were published, in the order of the log.
    published: Arc<[Arc<Published>]>,
    /// Which texts of shared files were, in the order of the log.
    published_files: Arc<[Arc<PublishedFile>]>,
    /// Which types went live.
    lives: Arc<Lives>,
    /// What tells this set from others, whoever is on record beside it.
    set: Arc<()>,
    /// Paths of published documents that do not check any more.
    left_out: Vec<(IntentTypeName, String)>,
}

/// One policy file to a policy, among the shared routes.
type PolicyReader = fn(&SourceFile, &BTreeMap<RouteName, Route>, &mut Faults) -> Option<Policy>;

/// What the version of a policy is computed over.
#[derive(Serialize)]
struct Bundle<'a> {
    language: u32,
    policy: &'a Policy,
    intent_type: &'a IntentType,
}

impl Rulebook {
    /// Reads and checks all files: `*.intent.md`, `*.policy.md`, one `people.md`, one `routes.md`.
    ///
    /// # Errors
    /// Every fault of every file at once, sorted by file and line.
    pub fn load(files: &[SourceFile]) -> Result<Rulebook, Vec<Fault>> {
        Self::read(files, Policy::parse)
    }

    /// The same without running the examples of the policies: for a check that says more than that
    /// an example fails. Never to be put in force.
    ///
    /// # Errors
    /// Every fault of every file at once, sorted by file and line.
    pub fn draft(files: &[SourceFile]) -> Result<Rulebook, Vec<Fault>> {
        Self::read(files, Policy::draft)
    }

    /// The same set with another `people.md` of the house. It means nothing once that file was published: see
    /// [`Rulebook::published_file`].
    ///
    /// # Errors
    /// Every fault, if the set does not check with it: a route may ask for a pool that is gone.
    pub fn with_people(&self, text: &str, now: Timestamp) -> Result<Rulebook, Vec<Fault>> {
        let others = self.files.iter().filter(|file| file.path != PEOPLE_FILE).cloned();
        let people = SourceFile { path: PEOPLE_FILE.to_owned(), text: text.to_owned() };
        let files: Vec<SourceFile> = others.chain([people]).collect();
        Ok(Rulebook::with_published(&files, self.publications(), now)?.with_record_of(self))
    }

    /// The same set with these people on record. It always checks: the files ask for pools and roles of
    /// `people.md`, and a seat that nobody fills any more is an exception.
    #[must_use]
    pub fn with_register(mut self, register: Arc<Register>) -> Rulebook {
        if !Arc::ptr_eq(&self.register, &register) {
            self.directory = Arc::new(self.house.with(&register));
            self.register = register;
        }
        self
    }

    /// The same set with these types on record as live. It always checks.
    #[must_use]
    pub fn with_lives(self, lives: Arc<Lives>) -> Rulebook {
        Rulebook { lives, ..self }
    }

    /// The same set with what is on record beside another one: who is there, and which types went live.
    #[must_use]
    pub fn with_record_of(self, other: &Rulebook) -> Rulebook {
        self.with_register(Arc::clone(&other.register)).with_lives(Arc::clone(&other.lives))
    }

    /// Which types went live, as the log has it.
    #[must_use]
    pub fn lives(&self) -> &Arc<Lives> {
        &self.lives
    }

    /// When a type of this name and of just this shape went live; nothing if the record does not say so.
    #[must_use]
    pub fn went_live(&self, schema: &IntentType) -> Option<&Arc<WentLive>> {
        self.lives.of(&schema.name, &shape(schema)?)
    }

    /// Whether a type takes intents, or trials only: a file that says `draft` is overruled by the record alone.
    #[must_use]
    pub fn state_of(&self, schema: &IntentType) -> TypeState {
        match schema.state {
            TypeState::Draft if self.went_live(schema).is_none() => TypeState::Draft,
            TypeState::Draft | TypeState::Live => TypeState::Live,
        }
    }

    /// Whether it is the same set of files and publications, whoever is on record.
    #[must_use]
    pub fn is_same_set(&self, other: &Rulebook) -> bool {
        Arc::ptr_eq(&self.set, &other.set)
    }

    /// Who is on record.
    #[must_use]
    pub fn register(&self) -> &Arc<Register> {
        &self.register
    }

    /// The people as `people.md` has them, whatever is on record.
    #[must_use]
    pub fn house(&self) -> &Directory {
        &self.house
    }

    /// Who answers in the place of a person: themselves, or whoever is above them if they have left.
    #[must_use]
    pub fn successor(&self, person: &PersonId) -> PersonId {
        people::successor(person, &self.house, &self.register, &self.directory)
    }

    /// Whom `people.md` still names and the record says has left: they count as nobody.
    pub fn leavers(&self) -> impl Iterator<Item = &PersonId> {
        self.house.persons.keys().filter(|person| self.register.has_left(person))
    }

    /// `people.md` as it is in force.
    #[must_use]
    pub fn people(&self) -> &str {
        self.text_of(&SharedFile::People).unwrap_or_default()
    }

    /// `people.md` of the house as it was read, whether or not it is in force.
    #[must_use]
    pub fn people_of_house(&self) -> &str {
        self.files.iter().find(|file| file.path == PEOPLE_FILE).map_or("", |file| &file.text)
    }

    fn read(files: &[SourceFile], policy: PolicyReader) -> Result<Rulebook, Vec<Fault>> {
        let mut faults: Vec<Fault> = Vec::new();
        let count = files.iter().filter(|file| !published::is_from_log(file)).count();
        if count > FILES_MAX {
            let mut own = Faults::new("");
            own.on_line(0, format!("{count} files, at most {FILES_MAX} are read"));
            return Err(own.into_list());
        }
        let directory = only(files, PEOPLE_FILE, &mut faults).and_then(|file| {
            let mut own = Faults::new(&file.path);
            let directory = Directory::parse(file, &mut own);
            faults.extend(own.into_list());
            directory
        });
        let intents = intents(files, &mut faults);
        let shared = only(files, ROUTES_FILE, &mut faults).and_then(|file| {
            let mut own = Faults::new(&file.path);
            let shared = Shared::parse(file, &intents, &mut own);
            faults.extend(own.into_list());
            shared
        });
        let none = BTreeMap::new();
        let routes = shared.as_ref().map_or(&none, |shared| &shared.routes);
        let mut policies: BTreeMap<IntentTypeName, Vec<Policy>> = BTreeMap::new();
        for file in files.iter().filter(|file| file.path.ends_with(".policy.md")) {
            let mut own = Faults::new(&file.path);
            if let Some(policy) = policy(file, routes, &mut own) {
                policies.entry(policy.intent.clone()).or_default().push(policy);
            }
            faults.extend(own.into_list());
        }
        of_no_kind(files, &mut faults);
        let (Some(directory), Some(shared)) = (directory, shared) else {
            faults.sort();
            return Err(faults);
        };
        for versions in policies.values_mut() {
            versions.sort_by_key(|policy| policy.effective);
            for policy in versions {
                if let Some(intent) = intents.get(&policy.intent) {
                    policy.version = version(policy, intent, &mut faults);
                }
            }
        }
        let policies = policies
            .into_iter()
            .map(|(name, versions)| (name, versions.into_iter().map(Arc::new).collect()))
            .collect();
        let house = Arc::new(directory);
        let mut rulebook = Rulebook {
            set: Arc::default(),
            lives: Arc::default(),
            intents,
            policies,
            turns: BTreeMap::new(),
            built_in: built_in::all(&shared, &house),
            directory: Arc::clone(&house),
            register: Arc::default(),
            house,
            shared,
            files: files.into(),
            published: Arc::from([]),
            published_files: Arc::from([]),
            left_out: Vec::new(),
        };
        rulebook.address_built_in(&mut faults);
        rulebook.take_turns_of_files();
        check::all(&rulebook, &mut faults);
        if faults.is_empty() {
            return Ok(rulebook);
        }
        faults.sort();
        faults.dedup();
        Err(faults)
    }

    /// The policy that `file` would be among the rest of this rulebook, in place of every version
    /// of its intent type. Its examples are not run, and it is not put in force.
    ///
    /// # Errors
    /// Every fault of the file at once, sorted by line.
    pub fn trying(&self, file: &SourceFile) -> Result<Policy, Vec<Fault>> {
        let mut own = Faults::new(&file.path);
        let policy = Policy::draft(file, &self.shared.routes, &mut own);
        let mut faults = own.into_list();
        if let Some(mut policy) = policy {
            if let Some(intent) = self.intents.get(&policy.intent) {
                policy.version = version(&policy, intent, &mut faults);
            }
            let (mut tried, policy) = (self.clone(), Arc::new(policy));
            tried.policies.insert(policy.intent.clone(), vec![Arc::clone(&policy)]);
            check::all(&tried, &mut faults);
            if faults.is_empty() {
                return Ok(Policy::clone(&policy));
            }
        }
        faults.sort();
        faults.dedup();
        Err(faults)
    }

    /// All intent types, by name; the built-in ones come last.
    pub fn intent_types(&self) -> impl Iterator<Item = &IntentType> {
        self.intents.values().chain(self.built_in.values().map(|built_in| &built_in.intent))
    }

    /// The intent type called `name`.
    #[must_use]
    pub fn intent_type(&self, name: &IntentTypeName) -> Option<&IntentType> {
        self.built_in.get(name).map(|built_in| &built_in.intent).or_else(|| self.intents.get(name))
    }

    /// The policy that is in force for an intent submitted at `submitted`: the one whose turn came
    /// last by then.
    #[must_use]
    pub fn policy(&self, name: &IntentTypeName, submitted: Timestamp) -> Option<&Policy> {
        if is_built_in(name) {
            return self.built_in_policy(name);
        }
        self.policy_version(name, &self.turn(name, submitted)?.version)
    }

    fn built_in_policy(&self, name: &IntentTypeName) -> Option<&Policy> {
        self.built_in.get(name)?.policy.as_deref()
    }

    /// Gives the policies of the built-in intent types their content addresses.
    fn address_built_in(&mut self, faults: &mut Vec<Fault>) {
        for BuiltIn { intent, policy } in self.built_in.values_mut() {
            let Some(policy) = policy else { continue };
            let mut addressed = Policy::clone(policy);
            addressed.version = version(&addressed, intent, faults);
            *policy = Arc::new(addressed);
        }
    }

    /// All policies that stand in documents, by intent type and effective date.
    pub fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.policies.values().flatten().map(AsRef::as_ref)
    }

    /// The policy with exactly this version.
    #[must_use]
    pub fn policy_version(&self, name: &IntentTypeName, version: &Digest) -> Option<&Policy> {
        if is_built_in(name) {
            return self.built_in_policy(name).filter(|policy| policy.version == *version);
        }
        let versions = self.policies.get(name)?;
        versions.iter().find(|policy| policy.version == *version).map(AsRef::as_ref)
    }

    /// The policy that was published last for an intent type, whether or not its day has come.
    #[must_use]
    pub fn newest(&self, name: &IntentTypeName) -> Option<&Policy> {
        if is_built_in(name) {
            return self.built_in_policy(name);
        }
        self.policies.get(name)?.last().map(AsRef::as_ref)
    }

    /// The people in force: those of `people.md` with those on record.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The routes and the exception table that all policies share.
    #[must_use]
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Every connection that an intent type names.
    #[must_use]
    pub fn connections(&self) -> BTreeSet<ConnectionName> {
        shared::connections(&self.intents)
    }

    /// How long a seal of this intent type lives; nothing if the type is not there.
    #[must_use]
    pub fn seal_life(&self, name: &IntentTypeName) -> Millis {
        self.intent_type(name).map_or(Millis(0), |intent| intent.expires)
    }

    /// The rows of every route that an answer of this version asks for, in the order of the routes and their
    /// steps; none if it asks for nobody. `owner of policy` is resolved to the pool of the policy
    /// that answered.
    #[must_use]
    pub fn rows_of(&self, name: &IntentTypeName, version: &Digest, outcome: &Outcome) -> Vec<RouteRow> {
        let owner = self.policy_version(name, version).map(|policy| policy.owner.clone());
        self.rows_for(name, version, outcome, owner.as_slice())
    }

    /// The same with `owner of policy` resolved to these pools: each of them is asked.
    #[must_use]
    pub fn rows_for(
        &self,
        name: &IntentTypeName,
        version: &Digest,
        outcome: &Outcome,
        owners: &[PoolName],
    ) -> Vec<RouteRow> {
        let routes = match outcome {
            Outcome::Needs(needs) => &needs.routes,
            Outcome::Approve | Outcome::Deny | Outcome::Unsure(_) => return Vec::new(),
        };
        let Some(policy) = self.policy_version(name, version) else { return Vec::new() };
        let mut rows = Vec::new();
        for route in routes.iter().filter_map(|route| policy.routes.get(route)) {
            for step in &route.steps {
                let asked = if step.whom == Whom::OwnerOfPolicy { owners.len() } else { 1 };
                rows.extend(owners.iter().take(asked).map(|owner| row_of(&route.name, step, owner)));
            }
        }
        rows
    }

    /// The rows of a route of `routes.md`, for seats that no policy asks for. `owner of policy` in it is the pool
    /// that owns the file.
    #[must_use]
    pub fn shared_rows(&self, route: &RouteName) -> Vec<RouteRow> {
        let shared = self.shared();
        let steps = shared.routes.get(route).map(|route| route.steps.as_slice()).unwrap_or_default();
        steps.iter().map(|step| row_of(route, step, &shared.owner)).collect()
    }
}

fn row_of(route: &RouteName, step: &RouteStep, owner: &PoolName) -> RouteRow {
    RouteRow {
        route: route.clone(),
        step: step.step,
        whom: step.whom.owned_by(owner),
        need: step.need,
        within: step.within,
        backup: step.backup.iter().map(|whom| whom.owned_by(owner)).collect(),
        finally: step.finally,
    }
}

/// Says which files are none of a rulebook.
fn of_no_kind(files: &[SourceFile], faults: &mut Vec<Fault>) {
    for file in files {
        let name = file.path.rsplit('/').next().unwrap_or(&file.path);
        let known = name.ends_with(".intent.md") || name.ends_with(".policy.md");
        if !known && name != PEOPLE_FILE && name != ROUTES_FILE {
            let mut own = Faults::new(&file.path);
            own.on_line(0, NO_KIND);
            faults.extend(own.into_list());
        }
    }
}

/// The one file of this name.
fn only<'a>(files: &'a [SourceFile], name: &str, faults: &mut Vec<Fault>) -> Option<&'a SourceFile> {
    let mut found = files.iter().filter(|file| file.path == name || file.path.ends_with(&format!("/{name}")));
    let first = found.next();
    let mut own = Faults::new(first.map_or(name, |file| &file.path));
    if first.is_none() {
        own.on_line(0, "the file is missing");
    }
    if found.next().is_some() {
        own.on_line(0, "the rulebook has two files of this name");
    }
    faults.extend(own.into_list());
    first
}

fn intents(files: &[SourceFile], faults: &mut Vec<Fault>) -> BTreeMap<IntentTypeName, IntentType> {
    let mut intents: BTreeMap<IntentTypeName, IntentType> = BTreeMap::new();
    for file in files.iter().filter(|file| file.path.ends_with(".intent.md")) {
        let mut own = Faults::new(&file.path);
        if let Some(intent) = IntentType::parse(file, &mut own) {
            if is_built_in(&intent.name) {
                own.at_place(
                    intent.places.get("intent").copied().unwrap_or_default(),
                    format!("intent type `{}` is built in: a file cannot define it", intent.name),
                );
                own.help("give the intent type another name");
            } else if let Some(other) = intents.get(&intent.name) {
                own.on_line(0, format!("intent type `{}` stands in `{}` too", intent.name, other.path));
            } else {
                intents.insert(intent.name.clone(), intent);
            }
        }
        faults.extend(own.into_list());
    }
    intents
}

fn version(policy: &Policy, intent_type: &IntentType, faults: &mut Vec<Fault>) -> Digest {
    match canonical::to_vec(&Bundle { language: LANGUAGE, policy, intent_type }) {
        Ok(bytes) => Digest::of(&bytes),
        Err(fault) => {
            let mut own = Faults::new(&policy.path);
            own.on_line(0, fault.to_string());
            faults.extend(own.into_list());
            Digest::ZERO
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
