//! One policy component, many kinds of misbehaviour: the text of the intent says which.

wit_bindgen::generate!({ path: "../../../wit/policy@0.1.0", world: "policy" });

use exports::countersign::policy::contributor::{Contribution, Guest, Outcome};

struct Contributor;

export!(Contributor);

impl Guest for Contributor {
    fn contribute(intent: String, facts: String) -> Result<Vec<Contribution>, String> {
        match intent.as_str() {
            "trap" => core::arch::wasm32::unreachable(),
            "spin" => spin(),
            "memory" => Ok(hoard()),
            "error" => Err("the text\nis in no language that I know".to_owned()),
            "nothing" => Ok(Vec::new()),
            "deny" => Ok(vec![one("deny", Outcome::Deny)]),
            "nobody" => Ok(vec![one("nobody", Outcome::Needs(Vec::new()))]),
            "flood" => Ok(vec![one(&"x".repeat(1024), Outcome::Deny); 1024]),
            _ => Ok(vec![one(&facts, Outcome::Needs(vec![intent]))]),
        }
    }
}

fn one(id: &str, outcome: Outcome) -> Contribution {
    Contribution { id: id.to_owned(), outcome, because: "so it is".to_owned(), reads: vec!["note".to_owned()] }
}

fn spin<T>() -> T {
    let mut number = 1_u64;
    loop {
        // Volatile, so that the loop stays.
        unsafe { core::ptr::write_volatile(&raw mut number, number.wrapping_mul(3)) };
    }
}

fn hoard() -> Vec<Contribution> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    loop {
        all.push(vec![1; 1 << 20]);
        core::hint::black_box(&all);
    }
}
