//! A question with a list of answers, for whoever sits at a terminal.

use super::name;
use crate::exit;
use crate::output::Failure;
use anyhow::{Context as _, Result};
use clap::ValueEnum;
use std::io::{BufRead, Read as _, Write};

/// How often somebody may answer with what is not on the list.
const ANSWERS_MAX: usize = 3;
/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 256;

/// What is asked.
pub(super) struct Question<'q> {
    /// In words, without the question mark.
    pub(super) words: &'q str,
    /// The option that answers it beforehand.
    pub(super) option: &'q str,
}

/// Which of its values somebody chooses: by number, by name, or the usual one by nothing.
///
/// # Errors
/// If nobody answers, or what is answered is not on the list.
pub(super) fn choice<T: ValueEnum + PartialEq>(
    question: &Question<'_>,
    usual: T,
    from: &mut impl BufRead,
    to: &mut impl Write,
) -> Result<T> {
    let all = T::value_variants();
    let mut list = format!("{}?\n", question.words);
    for (number, one) in (1..).zip(all) {
        let value = one.to_possible_value();
        let help = value.as_ref().and_then(|value| value.get_help()).map(ToString::to_string);
        list.push_str(&format!("  {number}  {:<11} {}\n", name(one.clone()), help.unwrap_or_default()));
    }
    write!(to, "{list}").context("the question cannot be shown")?;
    for _ in 0..ANSWERS_MAX {
        write!(to, "number or name [{}]: ", name(usual.clone()))
            .and_then(|()| to.flush())
            .context("the question cannot be shown")?;
        let mut answer = String::new();
        let read = from
            .by_ref()
            .take(ANSWER_BYTES_MAX)
            .read_line(&mut answer)
            .context("the answer cannot be read")?;
        if read == 0 {
            break;
        }
        let answer = answer.trim();
        if answer.is_empty() {
            return Ok(usual);
        }
        let place = answer.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let by_number = place.and_then(|place| all.get(place)).cloned();
        if let Some(chosen) = by_number.or_else(|| T::from_str(answer, true).ok()) {
            return Ok(chosen);
        }
        writeln!(to, "that is not on the list").context("the question cannot be shown")?;
    }
    let message = format!("nothing of the list was chosen, and nothing was written: {}?", question.words);
    Err(Failure::new(exit::USAGE, message)
        .with_help(format!("say it with `--{} NAME`", question.option))
        .into())
}

#[cfg(test)]
mod tests {
    use super::super::systems::System;
    use super::*;

    #[test]
    fn an_answer_is_a_number_a_name_or_nothing() {
        let question = Question { words: "which kind of system", option: "system" };
        let said = |answers: &str| {
            let mut shown = Vec::new();
            let chosen = choice(&question, System::Other, &mut answers.as_bytes(), &mut shown);
            (chosen.map_err(|fault| fault.to_string()), String::from_utf8(shown).expect("text"))
        };
        let check = |answers: &str, chosen: System| assert_eq!(said(answers).0, Ok(chosen), "{answers}");
        check("1\n", System::Crm);
        check("4\n", System::Ledger);
        check(" ledger \n", System::Ledger);
        check("LEDGER\n", System::Ledger);
        check("\n", System::Other);
        check("0\n7\n2\n", System::Contract);
        check("6", System::Other);
        for nobody in ["", "0\n", "7\n8\nno\n1\n", &"1".repeat(1_000)] {
            let why = "nothing of the list was chosen, and nothing was written: which kind of system?";
            assert_eq!(said(nobody).0, Err(why.to_owned()), "{nobody}");
        }
        insta::assert_snapshot!(said("8\n\n").1);
    }
}
