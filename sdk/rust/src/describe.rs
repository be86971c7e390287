//! What a connector says of itself.

/// What the host may promise for an operation, and so what it does after an unknown outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarantee {
    /// The vendor honours an idempotency key: the same step sent twice lands once.
    ByKey,
    /// The vendor has a unique field that we choose: a repeat changes nothing.
    ByNaturalKey,
    /// `probe` finds the effect by a look-up; only what is absent is sent again.
    ByProbe,
    /// None of these: a person decides.
    Blind,
}

/// One kind of change that the connector can make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Name, such as `set-price`. Stable: policies and connections name it.
    pub name: String,
    /// Kind of record that the subject must have.
    pub kind: String,
    /// JSON Schema (2020-12) of the input, as text.
    pub input_schema: String,
    /// What the host may promise.
    pub guarantee: Guarantee,
    /// Whether it can be taken back.
    pub reversible: bool,
}

impl Operation {
    /// An operation that cannot be taken back; see [`reversible`](Operation::reversible).
    #[must_use]
    pub fn new(name: &str, kind: &str, guarantee: Guarantee, input_schema: &str) -> Operation {
        Operation {
            name: name.to_owned(),
            kind: kind.to_owned(),
            input_schema: input_schema.to_owned(),
            guarantee,
            reversible: false,
        }
    }

    /// The same, and a [`Compensator`](crate::Compensator) can take it back.
    #[must_use]
    pub fn reversible(mut self) -> Operation {
        self.reversible = true;
        self
    }
}

/// The whole self-description. It answers from constants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Connector id, equal to the manifest's.
    pub name: String,
    /// Semantic version, equal to the manifest's.
    pub version: String,
    /// The system it speaks to.
    pub system: String,
    /// The kinds of record it knows.
    pub kinds: Vec<String>,
    /// The changes it can make.
    pub operations: Vec<Operation>,
    /// Documented names.
    pub extra: Vec<(String, String)>,
}

impl Descriptor {
    /// A description without kinds and operations. Take `version` from
    /// `env!("CARGO_PKG_VERSION")`, so that it is written in one place.
    #[must_use]
    pub fn new(name: &str, version: &str, system: &str) -> Descriptor {
        Descriptor {
            name: name.to_owned(),
            version: version.to_owned(),
            system: system.to_owned(),
            kinds: Vec::new(),
            operations: Vec::new(),
            extra: Vec::new(),
        }
    }

    /// Adds the kinds of record that the connector knows.
    #[must_use]
    pub fn kinds(mut self, kinds: &[&str]) -> Descriptor {
        self.kinds.extend(kinds.iter().map(|&kind| kind.to_owned()));
        self
    }

    /// Says of which kinds of record [`changes`](crate::Connector::changes) tells; the host asks for no other.
    #[must_use]
    pub fn tells_changes_of(mut self, kinds: &[&str]) -> Descriptor {
        self.extra.push(("changes".to_owned(), kinds.join(",")));
        self
    }

    /// Adds an operation.
    #[must_use]
    pub fn operation(mut self, operation: Operation) -> Descriptor {
        self.operations.push(operation);
        self
    }
}
