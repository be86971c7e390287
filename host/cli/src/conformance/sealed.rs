//! What is written is what was sealed, what is taken back is as it was, and the same answers give the
//! same results: laws `seal`, `compensation` and `determinism`.

use super::bench::{Bench, Call, Doing, Gave, Outcome};
use super::cassette::Actor;
use super::law::{self, Book, Breach, Law};
use super::straight::Straight;
use super::vendor::Until;
use anyhow::Result;
use countersign_core::effect::attempt::Ended;
use countersign_core::effect::plan::Change;
use countersign_core::hash::Digest;
use countersign_core::record::{Field, Value};
use countersign_core::time::Millis;

/// How much later the same attempt is made once more, in hours.
const LATER_H: u64 = 31;

/// Looks at the three laws for one cassette without a rival.
///
/// # Errors
/// If the connector cannot be connected.
pub(super) async fn look(bench: &Bench, straight: &Straight, book: &mut Book) -> Result<()> {
    let look = Look { bench, straight };
    look.determinism(book).await?;
    look.seal(book).await?;
    if straight.undone.is_some() {
        look.compensation(book).await?;
    }
    Ok(())
}

struct Look<'l> {
    bench: &'l Bench,
    straight: &'l Straight,
}

impl Look<'_> {
    fn breach(&self, doing: &str, found: String, wanted: &str) -> Breach {
        Breach {
            cassette: self.straight.cassette.name.clone(),
            doing: doing.to_owned(),
            found,
            wanted: wanted.to_owned(),
        }
    }

    async fn call(&self, call: &Call, landed: &[String]) -> Result<Outcome> {
        self.bench.begin(&self.straight.cassette)?;
        self.bench.vendor()?.set_landed(landed);
        Ok(self.bench.call(call, self.straight.cassette.moment_of(call), None).await)
    }

    /// The first attempt at `doing`, and each step that it sent.
    async fn attempt(&self, doing: Doing) -> Result<(Outcome, Vec<(String, Digest)>)> {
        let outcome = self.call(&Call::Attempt(doing), &[]).await?;
        Ok((outcome, self.bench.vendor()?.sent()))
    }

    fn doing(&self) -> Doing {
        self.straight.doing(Actor::Effect, 1, Until::the_end())
    }

    async fn determinism(&self, book: &mut Book) -> Result<()> {
        let wanted = "the same plan: nothing but its arguments and the answers belongs into it";
        for _ in 0..2 {
            let plan = self.call(&Call::Plan(self.straight.cassette.proposal()), &[]).await?;
            let is_same =
                matches!(&plan.ended, Ended::Returned(Gave::Plan(plan)) if *plan == self.straight.plan);
            let breach = (!is_same).then(|| self.breach("plan, once more", law::told(&plan), wanted));
            book.enter(Law::Determinism, breach);
        }
        let (first, sent) = self.attempt(self.doing()).await?;
        let (second, sent_again) = self.attempt(self.doing()).await?;
        // The next day: nothing of the clock belongs into a step.
        self.bench.begin(&self.straight.cassette)?;
        let later = self.straight.cassette.moment().plus(Millis::hours(LATER_H));
        let third = self.bench.call(&Call::Attempt(self.doing()), later, None).await;
        let is_same = first.ended == second.ended
            && first.ended == third.ended
            && sent == sent_again
            && sent == self.bench.vendor()?.sent();
        let wanted = "the same requests and the same receipt";
        let breach = (!is_same).then(|| self.breach("apply, once more", law::told(&second), wanted));
        book.enter(Law::Determinism, breach);
        Ok(())
    }

    async fn seal(&self, book: &mut Book) -> Result<()> {
        let (outcome, sent) = self.attempt(self.doing()).await?;
        if let Ended::Returned(Gave::Receipt(receipt)) = &outcome.ended {
            for Change { name, after, .. } in &self.straight.plan.changes {
                let applied = receipt.applied.iter().find(|field| field.name == *name);
                let found = match applied {
                    Some(field) if field.value == *after => None,
                    Some(field) => Some(format!("`{name}` became {}, and {after} was sealed", field.value)),
                    None => Some(format!("the receipt does not say what became of `{name}`")),
                };
                let wanted = "each sealed field as it was sealed, or a failure";
                let breach = found.map(|found| self.breach("apply", found, wanted));
                book.enter(Law::Seal, breach);
            }
        }
        let mut asked_otherwise = self.doing();
        for field in &mut asked_otherwise.what.fields {
            field.value = other(&field.value);
        }
        let (now, sent_now) = self.attempt(asked_otherwise).await?;
        let wanted = "requests made of the sealed plan alone: `plan.changes` says what to write";
        // Whoever sees that the two do not fit may refuse, as long as nothing was sent.
        let is_refused = sent_now.is_empty() && matches!(now.ended, Ended::Failed(_));
        let breach = (sent_now != sent && !is_refused).then(|| {
            let found = "the steps were others, though the sealed plan was the same".to_owned();
            self.breach("apply, with other fields in `what`", found, wanted)
        });
        book.enter(Law::Seal, breach);
        let mut is_used = self.straight.plan.changes.is_empty();
        for number in 0..self.straight.plan.changes.len() {
            let mut sealed_otherwise = self.doing();
            let mut changed = None;
            if let Some(change) = sealed_otherwise.plan.changes.get_mut(number) {
                change.after = other(&change.after);
                changed = Some(Field { name: change.name.clone(), value: change.after.clone() });
            }
            // A step that holds another value than the sealed one is what is wanted; the target's
            // answer to it is not.
            let (_, sent_now) = self.attempt(sealed_otherwise).await?;
            is_used |= changed.is_some() && sent_now != sent;
        }
        let breach = (!is_used).then(|| {
            let found = "the steps were the same, whatever was sealed".to_owned();
            self.breach("apply, with other values in the plan", found, wanted)
        });
        book.enter(Law::Seal, breach);
        Ok(())
    }

    async fn compensation(&self, book: &mut Book) -> Result<()> {
        let (Some(undone), Some(before)) = (&self.straight.undone, &self.straight.before) else {
            let wanted = "a record that can be read, so that it can be seen to be as it was";
            let found = "cannot be read".to_owned();
            book.enter(Law::Compensation, Some(self.breach("fetch, before apply and undo", found, wanted)));
            return Ok(());
        };
        let all = [self.straight.done.steps.as_slice(), &undone.steps].concat();
        let outcome = self.call(&Call::Fetch(self.straight.cassette.subject.clone()), &all).await?;
        for change in &self.straight.plan.changes {
            let now = match &outcome.ended {
                Ended::Returned(Gave::Record(record)) => record.field(&change.name),
                Ended::Returned(_) | Ended::Failed(_) | Ended::Broke(_) => None,
            };
            let was = before.field(&change.name);
            let breach = (now != was).then(|| {
                let words =
                    |value: Option<&Value>| value.map_or_else(|| "missing".to_owned(), Value::to_string);
                let found = format!("`{}` is {}, and was {}", change.name, words(now), words(was));
                self.breach("fetch, after apply and undo", found, "the field as it was before")
            });
            book.enter(Law::Compensation, breach);
        }
        Ok(())
    }
}

/// Another value of the same kind.
fn other(value: &Value) -> Value {
    match value {
        Value::Absent => Value::Text("other".to_owned()),
        Value::Flag(flag) => Value::Flag(!flag),
        Value::Integer(number) => Value::Integer(number.saturating_add(1)),
        Value::Decimal(text) => Value::Decimal(if text == "1" { "2".to_owned() } else { "1".to_owned() }),
        Value::Text(text) => Value::Text(format!("{text} other")),
        Value::Date(text) => {
            Value::Date(if text == "2026-01-02" { "2026-01-03".to_owned() } else { "2026-01-02".to_owned() })
        }
        Value::Instant(moment) => Value::Instant(moment.plus(Millis::hours(1))),
        Value::Money(money) => {
            let more = countersign_core::money::Money::parse("1", money.currency);
            let other = more.ok().filter(|one| one != money);
            let other = other.or_else(|| countersign_core::money::Money::parse("2", money.currency).ok());
            Value::Money(other.unwrap_or(*money))
        }
        Value::Reference(record) => {
            let mut record = record.clone();
            record.id.push_str("-other");
            Value::Reference(record)
        }
        Value::Json(_) => Value::Json("{\"other\":true}".to_owned()),
    }
}
