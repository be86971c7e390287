//! The kinds of system that a connector can be begun for, and how a template takes the words of each.
//!
//! A template is a whole connector for one kind of system, its home: it is compiled and tested as it lies in `sdk/`.
//! For another kind each of the home's words gives way to that kind's, and where no money is asked for, the lines that
//! speak of an amount are left out.

use super::Id;
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a line that is about an amount of money says, in whatever letters.
const OF_AMOUNTS: [&str; 3] = ["amount", "currency", "money"];

/// Kinds of system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum System {
    /// A CRM: sets the price of a quote
    Crm,
    /// A contract repository: amends a clause
    Contract,
    /// Billing: creates a refund of a payment
    Billing,
    /// A ledger: posts an entry into a journal
    Ledger,
    /// Chat or mail: posts a message into a channel
    Messages,
    /// Anything else: cancels an order
    Other,
}

/// What an approval does in the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Shape {
    /// A record is changed that is there already.
    Change,
    /// Something new is made.
    Creation,
}

impl Shape {
    /// The kind of system whose words the templates have.
    fn home(self) -> System {
        match self {
            Shape::Change => System::Crm,
            Shape::Creation => System::Billing,
        }
    }
}

/// A file of `sdk/systems`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    shape: Shape,
    /// Whether an amount of money is asked for.
    amount: bool,
    /// Each word by what it is; the same names in every file of a shape.
    words: BTreeMap<String, String>,
}

impl System {
    fn words(self) -> Result<Words> {
        let text = match self {
            System::Crm => include_str!("../../../../../../sdk/systems/crm.toml"),
            System::Contract => include_str!("../../../../../../sdk/systems/contract.toml"),
            System::Billing => include_str!("../../../../../../sdk/systems/billing.toml"),
            System::Ledger => include_str!("../../../../../../sdk/systems/ledger.toml"),
            System::Messages => include_str!("../../../../../../sdk/systems/messages.toml"),
            System::Other => include_str!("../../../../../../sdk/systems/other.toml"),
        };
        toml::from_str(text).with_context(|| format!("the words of {self:?} cannot be read"))
    }
}

/// What becomes of the texts and names of a template.
pub(super) struct Filling {
    shape: Shape,
    amount: bool,
    /// What stands in the template and what stands for it in the project, the longest first.
    pairs: Vec<(String, String)>,
}

impl Filling {
    /// For a connector of this id to a system of this kind.
    pub(super) fn new(id: &Id, system: System) -> Result<Filling> {
        let ours = system.words()?;
        let home = ours.shape.home().words()?;
        let mut pairs = Vec::new();
        for (name, theirs) in &home.words {
            let word = ours.words.get(name).with_context(|| format!("{system:?} has no word `{name}`"))?;
            pairs.extend(forms(theirs).into_iter().zip(forms(word)));
        }
        let records = home.words.get("records").context("a template has records")?;
        let of_template = Id(format!("acme.{records}"));
        pairs.extend(of_template.forms().into_iter().zip(id.forms()));
        pairs.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
        Ok(Filling { shape: ours.shape, amount: ours.amount, pairs })
    }

    /// Which of a language's templates it is for.
    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// A text of the template in our words. What was put in is not looked at again.
    pub(super) fn fill(&self, text: &str) -> String {
        let kept = if self.amount { text.to_owned() } else { without_amounts(text) };
        let mut filled = String::with_capacity(kept.len());
        let mut rest = kept.as_str();
        while let Some(letter) = rest.chars().next() {
            let inside = filled.ends_with(|last: char| last.is_ascii_alphanumeric());
            let is_whole = |behind: &str| !behind.starts_with(|next: char| next.is_ascii_alphanumeric());
            let found = self.pairs.iter().find_map(|(from, to)| {
                rest.strip_prefix(from.as_str()).filter(|behind| !inside && is_whole(behind)).zip(Some(to))
            });
            match found {
                Some((behind, to)) => {
                    filled.push_str(to);
                    rest = behind;
                }
                None => {
                    filled.push(letter);
                    rest = rest.split_at(letter.len_utf8()).1;
                }
            }
        }
        filled
    }
}

/// A word as it can stand in a text: itself, with a capital, and as part of a name in a program.
fn forms(word: &str) -> [String; 3] {
    let mut letters = word.chars();
    let capital = letters.next().map(|first| first.to_uppercase().chain(letters).collect());
    [word.to_owned(), capital.unwrap_or_default(), word.replace(' ', "_")]
}

/// The text without the lines that speak of an amount, and without what is indented below one or closes it.
fn without_amounts(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let speaks = |line: &str| {
        let line = line.to_lowercase();
        OF_AMOUNTS.iter().any(|word| line.contains(word))
    };
    let closes = |line: &str| line.trim_start().starts_with(['}', ')', ']']);
    let mut kept = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        if !speaks(line) {
            kept.push_str(line);
            continue;
        }
        let mut opened = false;
        while lines.next_if(|below| indent(line) < indent(below) && !below.trim().is_empty()).is_some() {
            opened = true;
        }
        if opened {
            lines.next_if(|below| indent(below) == indent(line) && closes(below));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::languages::Language;
    use super::*;
    use clap::ValueEnum as _;
    use std::path::Path;

    #[test]
    fn kinds_of_one_shape_have_the_same_words() {
        for system in System::value_variants() {
            let words = system.words().expect("words");
            let home = words.shape.home().words().expect("words");
            assert_eq!((home.shape, home.amount), (words.shape, true), "{system:?}");
            assert!(words.words.keys().eq(home.words.keys()), "{system:?}: {:?}", words.words.keys());
            // They stand in TOML, JSON, and the texts of five languages.
            let is_plain = |word: &String| !word.contains(['"', '\\', '\n']) && word.trim() == word;
            assert!(words.words.values().all(is_plain), "{system:?}: {words:?}");
        }
    }

    #[test]
    fn a_word_is_replaced_where_it_stands_whole_in_each_of_its_forms() {
        let id = Id("vendor.desk".to_owned());
        let check = |system: System, text: &str, expected: &str| {
            assert_eq!(Filling::new(&id, system).expect("words").fill(text), expected, "{text}");
        };
        check(System::Other, "Quotes: a quote, A quote", "Orders: an order, An order");
        check(System::Other, "fn a_quote_is_priced()", "fn an_order_is_cancelled()");
        check(System::Other, "set-price of quotes/7/price.", "cancel-order of orders/7/cancel.");
        // The longest word that stands there is the one that is meant.
        check(System::Other, "quote_price.policy.md", "order_cancellation.policy.md");
        check(System::Other, "unquoted misquotes overpriced", "unquoted misquotes overpriced");
        check(System::Ledger, "acme.refunds refunds of payments", "vendor.desk entries into journals");
        // What was put in holds a word of the template: `post`s are no refunds, a text has no reason.
        check(System::Messages, "reason creates refund", "text posts message");
        check(System::Crm, "a quote of 7 EUR, quoted", "a quote of 7 EUR, quoted");
        check(System::Messages, "é a refund: ü", "é a message: ü");
    }

    #[test]
    fn lines_about_an_amount_are_left_out_with_what_they_hold() {
        let check = |text: &str, expected: &str| assert_eq!(without_amounts(text), expected, "{text}");
        check("a\nnet_amount: 1,\nb\n", "a\nb\n");
        check("use sdk::Money;\na", "a");
        check("Currency string\n", "");
        check("if amount {\n\treturn\n}\nb\n", "b\n");
        check("amount(\n  1,\n)\n(b)\n", "(b)\n");
        check("amount\n}\n", "}\n");
        check("amount:\n    a\nb\n", "b\n");
        check("", "");
    }

    /// Every file of a folder but the SDK's: its place and its text.
    fn files(folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).expect("it can be read") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "sdk") {
                found.extend(files(&path));
            } else if path.is_file() {
                let text = std::fs::read_to_string(&path).expect("text");
                let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
                found.push(format!("{name}\n{text}"));
            }
        }
        found
    }

    #[test]
    fn nothing_of_another_kind_is_left_in_a_new_project() {
        let folder = tempfile::tempdir().expect("a folder");
        for (number, system) in System::value_variants().iter().enumerate() {
            let ours = system.words().expect("words");
            let home = ours.shape.home().words().expect("words");
            let not_ours = |(name, word): &(&String, &String)| ours.words.get(*name) != Some(*word);
            // `why` is also what a manifest says.
            let not_ours = home.words.iter().filter(not_ours).filter(|(name, _)| *name != "title");
            let mut left: Vec<String> = not_ours.map(|(_, word)| word.to_lowercase()).collect();
            left.extend(["acme.quotes", "acme.refunds", "../../"].map(str::to_owned));
            left.extend(["acme-quotes", "acme-refunds", "acme_quotes", "acme_refunds"].map(str::to_owned));
            if !ours.amount {
                left.extend(OF_AMOUNTS.map(str::to_owned));
            }
            for lang in Language::value_variants() {
                let project = folder.path().join(format!("{number}-{lang:?}"));
                let filling = Filling::new(&Id("vendor.desk".to_owned()), *system).expect("words");
                lang.write(&filling, &project).expect("it is written");
                let files = files(&project);
                assert!(6 <= files.len(), "{lang:?}: {}", files.len());
                for text in &files {
                    let text = text.to_lowercase().replace("api.acme.example", "");
                    for (line, word) in
                        text.lines().flat_map(|line| left.iter().map(move |word| (line, word)))
                    {
                        assert!(!line.contains(word.as_str()), "{lang:?} {system:?} holds `{word}`: {line}");
                    }
                }
                for word in [&ours.words["operation"], &ours.words["records"], &ours.words["value"]] {
                    let holds = files.iter().filter(|text| text.contains(word.as_str())).count();
                    assert!(holds != 0, "{lang:?} {system:?} lacks `{word}`");
                }
            }
        }
    }
}
