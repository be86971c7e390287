//! What the cells of a column are: a format that has numbers and dates of its own must know where a
//! document has text.

use crate::book::{Book, POLICY};
use countersign_core::document::PlainTable;
use countersign_core::intent::kind::FieldType;
use countersign_core::intent::literal::parse_type;
use std::collections::BTreeMap;

/// What a cell holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text, whatever it looks like.
    Text,
    /// A value of an input, or a cell of a rule about it.
    Typed(FieldType),
    /// A whole number, such as a step.
    Whole,
    /// A whole number or a share, such as a quorum.
    Quorum,
    /// A date.
    Day,
}

/// The types of a policy's inputs by name; what is no type is left to the reader of documents.
#[derive(Debug, Clone, Default)]
pub(crate) struct Types(BTreeMap<String, FieldType>);

impl Types {
    /// Those of a table `Inputs`.
    pub(crate) fn of_table(table: Option<&PlainTable>) -> Types {
        let rows = table.map_or(&[] as &[Vec<String>], |table| &table.rows);
        let typed = |row: &Vec<String>| {
            let [name, kind, ..] = row.as_slice() else { return None };
            Some((name.clone(), parse_type(kind).ok()?))
        };
        Types(rows.iter().filter_map(typed).collect())
    }

    pub(crate) fn of(book: &Book) -> Types {
        Types::of_table(book.table("Inputs"))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&FieldType> {
        self.0.get(name)
    }

    /// What the cells of the column `name` of a table hold; `first` is the first cell of the row.
    pub(crate) fn kind(&self, table: &str, name: &str, first: &str) -> Kind {
        match table {
            POLICY if first == "effective" && name != "policy" => Kind::Day,
            "Rules" | "Examples" => match self.get(name) {
                Some(FieldType::Text { .. }) | None => Kind::Text,
                Some(kind) => Kind::Typed(kind.clone()),
            },
            "Routes" if name == "step" => Kind::Whole,
            "Routes" if name == "need" => Kind::Quorum,
            _ => Kind::Text,
        }
    }
}
