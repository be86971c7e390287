//! `people.md` to a [`Directory`].

use super::{
    Absence, Account, Assigns, Calendar, CalendarName, Contact, Directory, Person, Pool, Standby, Whom,
    Within,
};
use crate::document::{Cell, Document, Faults, SourceFile, day, required};
use crate::id::{IntentTypeName, NotAName, PersonId, PoolName, RoleName};
use crate::policy::route_take as take;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// The sections that `people.md` may have.
pub(crate) const SECTIONS: [&str; 13] = [
    "Persons",
    "Machines",
    "Accounts",
    "Contacts",
    "Pools",
    "Rotations",
    "Roles",
    "Duties",
    "Connections",
    "Standby",
    "Calendars",
    "Holidays",
    "Absence",
];

/// Most that one voice weighs.
const WEIGHT_MAX: u32 = 100;

/// Longest chain of managers; beyond it there is a circle or no house anybody knows.
pub(crate) const MANAGERS_MAX: u32 = 32;

fn named<T: FromStr<Err = NotAName>>(cell: &Cell, faults: &mut Faults) -> Option<T> {
    take(cell.text.parse().map_err(|fault: NotAName| fault.to_string()), cell, faults)
}

impl Directory {
    /// Reads and checks `people.md`. Faults are noted; it is only usable if there is none.
    pub fn parse(file: &SourceFile, faults: &mut Faults) -> Option<Directory> {
        let document = crate::document::read(file, &SECTIONS, faults)?;
        if document.settings.header.cells.first().is_none_or(|cell| cell.text != "people") {
            faults.on_line(
                document.settings.header.line,
                "the settings table of this file begins with `people`",
            );
        }
        let settings = document.settings(&["owner", "calendar", "groups"], faults);
        let groups = settings.iter().find(|(name, _)| *name == "groups").map(|(_, cell)| *cell);
        let owner = required(&settings, "owner", &document, faults).and_then(|cell| named(cell, faults));
        let usual = required(&settings, "calendar", &document, faults);
        let usual = usual.and_then(|cell| take(CalendarName::parse(&cell.text), cell, faults));
        let calendars = calendars(&document, faults);
        let mut reader = Reader {
            document: &document,
            calendars: &calendars,
            usual: usual.clone()?,
            persons: BTreeMap::new(),
            faults,
        };
        reader.persons();
        let pools = reader.pools();
        let rotations = super::rotation::read(reader.document, &pools, reader.faults);
        let roles = reader.roles();
        let duties = super::duty::read(reader.document, &pools, reader.faults);
        let integrations = super::duty::read_integrations(reader.document, &pools, &duties, reader.faults);
        let standby = reader.standby(&roles);
        let absence = reader.absence();
        let contacts = reader.contacts();
        let accounts = reader.accounts();
        let machines = reader.machines();
        let persons = reader.persons;
        if let (Some(usual), false) = (&usual, calendars.is_empty())
            && !calendars.contains_key(usual)
        {
            faults.on_line(document.settings.header.line, format!("`{usual}` is no calendar"));
        }
        let directory = Directory {
            owner: owner?,
            calendar: usual?,
            groups: groups.map(|cell| filled_by_groups(cell, &pools, faults)).unwrap_or_default(),
            persons,
            pools,
            rotations,
            roles,
            duties,
            integrations,
            standby,
            calendars,
            absence,
            contacts,
            accounts,
            machines,
        };
        for name in directory.persons.keys() {
            if directory.manager(name, MANAGERS_MAX).is_some() {
                faults.on_line(0, format!("the managers of `{name}` form a circle"));
            }
        }
        if !directory.pools.contains_key(&directory.owner) {
            faults.on_line(document.settings.header.line, format!("`{}` is no pool", directory.owner));
        }
        Some(directory)
    }
}

/// Pools of the file that a group of the identity provider may fill.
fn filled_by_groups(
    cell: &Cell,
    pools: &BTreeMap<PoolName, Pool>,
    faults: &mut Faults,
) -> BTreeSet<PoolName> {
    let mut named = BTreeSet::new();
    for text in cell.text.split(", ") {
        match PoolName::parse(text) {
            Ok(pool) if pools.contains_key(&pool) => drop(named.insert(pool)),
            Ok(_) | Err(_) => {
                faults.at(cell, format!("`{text}` is no pool of this file"));
                faults
                    .help("pools that groups of the identity provider may fill, such as `finance, billing`");
            }
        }
    }
    named
}

fn calendars(document: &Document, faults: &mut Faults) -> BTreeMap<CalendarName, Calendar> {
    let mut calendars = BTreeMap::new();
    let Some(table) = document.table("Calendars") else {
        faults.on_line(0, "the file has no section `Calendars`");
        return calendars;
    };
    for row in table.rows_of(["calendar", "zone", "days", "hours"], faults) {
        let [name, zone, days, hours] = row;
        let Some(parsed) = take(CalendarName::parse(&name.text), name, faults) else { continue };
        match Calendar::parse(&zone.text, &days.text, &hours.text) {
            Ok(calendar) => {
                if calendars.insert(parsed, calendar).is_some() {
                    faults.at(name, format!("calendar `{}` stands here twice", name.text));
                }
            }
            Err((column, message)) => {
                let cell = [zone, days, hours].get(column).copied().unwrap_or(name);
                faults.at(cell, message);
            }
        }
    }
    let Some(table) = document.table("Holidays") else { return calendars };
    for [name, date, _] in table.rows_of(["calendar", "date", "name"], faults) {
        let day = take(day(&date.text), date, faults);
        match (calendars.get_mut(&CalendarName(name.text.clone())), day) {
            (Some(calendar), Some(day)) => {
                calendar.holidays.insert(day);
            }
            (None, _) => faults.at(name, format!("`{}` is no calendar", name.text)),
            (Some(_), None) => {}
        }
    }
    calendars
}

struct Reader<'a> {
    document: &'a Document,
    calendars: &'a BTreeMap<CalendarName, Calendar>,
    usual: CalendarName,
    persons: BTreeMap<PersonId, Person>,
    faults: &'a mut Faults,
}

impl Reader<'_> {
    fn rows<const N: usize>(&mut self, section: &str, columns: [&str; N]) -> Vec<[Cell; N]> {
        let Some(table) = self.document.table(section) else { return Vec::new() };
        table.rows_of(columns, self.faults).into_iter().cloned().collect()
    }

    fn calendar(&mut self, cell: &Cell) -> CalendarName {
        if cell.text.is_empty() {
            return self.usual.clone();
        }
        let name = CalendarName(cell.text.clone());
        if !self.calendars.contains_key(&name) {
            self.faults.at(cell, format!("`{}` is no calendar", cell.text));
        }
        name
    }

    fn person(&mut self, cell: &Cell) -> Option<PersonId> {
        let person: PersonId = named(cell, self.faults)?;
        self.known(&person, cell)
    }

    fn known(&mut self, person: &PersonId, cell: &Cell) -> Option<PersonId> {
        if self.persons.contains_key(person) {
            return Some(person.clone());
        }
        self.faults.at(cell, format!("`{person}` is no person of this file"));
        None
    }

    fn persons(&mut self) {
        let rows = self.rows("Persons", ["person", "manager", "calendar"]);
        for [person, manager, calendar] in &rows {
            let Some(id) = named::<PersonId>(person, self.faults) else { continue };
            let above = if manager.text.is_empty() { None } else { named::<PersonId>(manager, self.faults) };
            let calendar = self.calendar(calendar);
            if self.persons.insert(id, Person { manager: above, calendar }).is_some() {
                self.faults.at(person, format!("person `{}` stands here twice", person.text));
            }
        }
        for [_, manager, _] in &rows {
            if !manager.text.is_empty() {
                self.person(manager);
            }
        }
        if self.persons.is_empty() {
            self.faults.on_line(0, "the file names nobody");
        }
    }

    fn pools(&mut self) -> BTreeMap<PoolName, Pool> {
        let mut pools = BTreeMap::new();
        for ([pool, members, lead, calendar, returns], [weights, assigns]) in &self.pool_rows() {
            let name: Option<PoolName> = named(pool, self.faults);
            let mut people: Vec<PersonId> = Vec::new();
            for text in members.text.split(", ") {
                let person = PersonId::parse(text).map_err(|fault| fault.to_string());
                let person = take(person, members, self.faults);
                let Some(person) = person.and_then(|person| self.known(&person, members)) else { continue };
                if people.contains(&person) {
                    self.faults.at(members, format!("`{person}` stands in the pool twice"));
                } else {
                    people.push(person);
                }
            }
            if people.len() < 2 {
                self.faults.at(members, format!("pool `{}` has fewer than two members", pool.text));
            }
            let head = self.person(lead);
            let calendar = self.calendar(calendar);
            let returns = take(Within::parse(&returns.text), returns, self.faults);
            let (Some(name), Some(head), Some(claim_returns)) = (name, head, returns) else { continue };
            if !people.contains(&head) {
                self.faults.at(lead, format!("`{head}` leads the pool `{name}` without being a member"));
            }
            if pools.contains_key(&name) {
                self.faults.at(pool, format!("pool `{name}` stands here twice"));
            }
            let weights = weights.as_ref().map(|cell| self.weights(cell, &people)).unwrap_or_default();
            let assigns = assigns.as_ref().map(|cell| self.assigns(cell)).unwrap_or_default();
            let pool = Pool { members: people, lead: head, calendar, claim_returns, weights, assigns };
            pools.insert(name, pool);
        }
        pools
    }

    /// The rows of the pools; the last columns, `weights` and `assigns`, may be left out.
    fn pool_rows(&mut self) -> Vec<([Cell; 5], [Option<Cell>; 2])> {
        let Some(table) = self.document.table("Pools") else { return Vec::new() };
        let has = |name: &&str| table.header.cells.iter().any(|cell| cell.text == **name);
        let more = ["weights", "assigns"].into_iter().filter(has);
        let names: Vec<&str> =
            ["pool", "members", "lead", "calendar", "claim returns"].into_iter().chain(more).collect();
        let place = |name: &str| names.iter().position(|column| *column == name);
        let [weights, assigns] = ["weights", "assigns"].map(place);
        let rows = table.rows_with(&names, self.faults).into_iter();
        let split = |row: &[Cell]| {
            let more = [weights, assigns].map(|place| place.and_then(|place| row.get(place)).cloned());
            Some((row.first_chunk()?.clone(), more))
        };
        rows.filter_map(split).collect()
    }

    fn assigns(&mut self, cell: &Cell) -> Assigns {
        match cell.text.as_str() {
            "" | "lead" => Assigns::Lead,
            "fair" => Assigns::Fair,
            other => {
                self.faults.at(cell, format!("`{other}` is none of `lead`, `fair`"));
                self.faults.help(
                    "`fair` gives a seat to whoever has time until it is due and answers for the fewest",
                );
                Assigns::Lead
            }
        }
    }

    /// Reads `finance-lead 2, finance-1 3`.
    fn weights(&mut self, cell: &Cell, members: &[PersonId]) -> BTreeMap<PersonId, u32> {
        let mut weights = BTreeMap::new();
        for text in cell.text.split(", ").filter(|text| !text.is_empty()) {
            let read = text.split_once(' ').and_then(|(who, weight)| {
                let who = PersonId::parse(who).ok().filter(|who| members.contains(who))?;
                let digits = weight.bytes().all(|byte| byte.is_ascii_digit()).then_some(weight)?;
                let weight = digits.parse().ok().filter(|weight| (1..=WEIGHT_MAX).contains(weight))?;
                Some((who, weight))
            });
            match read {
                Some((who, weight)) => {
                    if weights.insert(who, weight).is_some() {
                        self.faults.at(cell, format!("`{text}`: this member has a weight already"));
                    }
                }
                None => {
                    self.faults.at(cell, format!("`{text}` is no weight of a member"));
                    self.faults.help(format!(
                        "write `finance-lead 2`, from 1 to {WEIGHT_MAX}; whoever is left out weighs 1"
                    ));
                }
            }
        }
        weights
    }

    fn roles(&mut self) -> BTreeMap<RoleName, PersonId> {
        let mut roles = BTreeMap::new();
        for [role, holder] in &self.rows("Roles", ["role", "held by"]) {
            let name: Option<RoleName> = named(role, self.faults);
            let person = self.person(holder);
            let (Some(name), Some(person)) = (name, person) else { continue };
            if roles.insert(name, person).is_some() {
                self.faults.at(role, format!("role `{}` stands here twice", role.text));
            }
        }
        roles
    }

    fn standby(&mut self, roles: &BTreeMap<RoleName, PersonId>) -> Vec<Standby> {
        let mut list = Vec::new();
        for [whose, first, second] in &self.rows("Standby", ["for", "standby", "second standby"]) {
            let instead_of = take(Whom::parse(&whose.text), whose, self.faults);
            match &instead_of {
                Some(Whom::Role(role)) if !roles.contains_key(role) => {
                    self.faults.at(whose, format!("`{role}` is no role"));
                }
                Some(Whom::Person(person)) => {
                    self.known(person, whose);
                }
                Some(Whom::Role(_)) | None => {}
                Some(Whom::Pool(_) | Whom::Manager(_) | Whom::NamedIn(_) | Whom::OwnerOfPolicy) => {
                    self.faults.at(whose, "a standby is for a role or a person");
                }
            }
            let mut people: Vec<PersonId> = self.person(first).into_iter().collect();
            if !second.text.is_empty() {
                people.extend(self.person(second));
            }
            if let Some(instead_of) = instead_of {
                list.push(Standby { instead_of, people });
            }
        }
        list
    }

    fn contacts(&mut self) -> BTreeMap<PersonId, Vec<Contact>> {
        let mut contacts: BTreeMap<PersonId, Vec<Contact>> = BTreeMap::new();
        for [person, by, address] in &self.rows("Contacts", ["person", "by", "address"]) {
            let who = self.person(person);
            let contact = match by.text.as_str() {
                "mail" => take(Contact::mail(&address.text), address, self.faults),
                "webhook" => take(Contact::webhook(&address.text), address, self.faults),
                other => {
                    self.faults.at(by, format!("`{other}` is no way to tell somebody"));
                    self.faults.help("`mail` with an address, or `webhook` with a name of the configuration");
                    None
                }
            };
            let (Some(who), Some(contact)) = (who, contact) else { continue };
            let known = contacts.entry(who).or_default();
            if known.contains(&contact) {
                self.faults.at(person, format!("`{}` is told by {contact} already", person.text));
            } else {
                known.push(contact);
            }
        }
        contacts
    }

    fn machines(&mut self) -> BTreeMap<PersonId, PersonId> {
        let mut machines = BTreeMap::new();
        for [machine, answers] in &self.rows("Machines", ["machine", "answers for it"]) {
            let name: Option<PersonId> = named(machine, self.faults);
            let who = self.person(answers);
            let (Some(name), Some(who)) = (name, who) else { continue };
            if self.persons.contains_key(&name) {
                self.faults.at(machine, format!("`{name}` is a person of this file"));
            } else if machines.insert(name, who).is_some() {
                self.faults.at(machine, format!("machine `{}` stands here twice", machine.text));
            }
        }
        machines
    }

    fn accounts(&mut self) -> BTreeMap<Account, PersonId> {
        let mut accounts: BTreeMap<Account, PersonId> = BTreeMap::new();
        for [person, account] in &self.rows("Accounts", ["person", "account"]) {
            let who = self.person(person);
            let known = take(Account::parse(&account.text), account, self.faults);
            let (Some(who), Some(known)) = (who, known) else { continue };
            if let Some(other) = accounts.get(&known) {
                self.faults.at(account, format!("`{known}` is the account of `{other}` already"));
                self.faults.help("an account is of one person; a person may have several accounts");
            } else {
                accounts.insert(known, who);
            }
        }
        accounts
    }

    fn absence(&mut self) -> Vec<Absence> {
        let mut list = Vec::new();
        for [person, from, until, cover, of] in
            &self.rows("Absence", ["person", "from", "until", "cover", "for"])
        {
            let who = self.person(person);
            let instead = self.person(cover);
            let first = take(day(&from.text), from, self.faults);
            let last = take(day(&until.text), until, self.faults);
            let of: Option<Option<IntentTypeName>> =
                if of.text == "all" { Some(None) } else { named(of, self.faults).map(Some) };
            let (Some(who), Some(instead), Some(first), Some(last), Some(of)) =
                (who, instead, first, last, of)
            else {
                continue;
            };
            if last < first {
                self.faults.at(until, "the absence ends before it begins");
            }
            if who == instead {
                self.faults.at(cover, "nobody covers themselves");
            }
            list.push(Absence { by: None, person: who, from: first, until: last, cover: Some(instead), of });
        }
        list
    }
}
