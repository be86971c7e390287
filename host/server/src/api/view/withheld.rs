//! What is not for whoever looks: taken out of an answer before it leaves.
//!
//! A value that is not shown must not be readable from what was made of it either: the answer of a policy that
//! read it, a field that it is written to, the words of a target about it. Every view is taken apart in full, so
//! that a new member of one asks here whether it may tell.

use super::effect::{EffectView, ReceiptView};
use super::evaluation::EvaluationView;
use super::exception::ExceptionView;
use super::intent::{AmendedView, IntentView, OutcomeView};
use super::plan::{PlanView, WriteView};
use super::value::{ValueView, WITHHELD};
use super::{ChangeView, ComparedView, DetailView, ReconciledView};
use countersign_core::approval::{Approval, Sight};
use countersign_core::intent::IntentType;
use countersign_core::rulebook::Rulebook;

/// What one person does not see of one approval.
pub(super) struct Withheld<'a> {
    sight: &'a Sight,
    schema: Option<&'a IntentType>,
    /// Whether the policy's answer rests on nothing that is withheld.
    answer: bool,
}

impl<'a> Withheld<'a> {
    pub(super) fn of(approval: &Approval, sight: &'a Sight, rulebook: &'a Rulebook) -> Withheld<'a> {
        let name = &approval.intent.intent_type;
        let policy = rulebook.policy_version(name, &approval.policy);
        // Components are told everything, and say what they like.
        let reads = |field: &str| {
            policy.is_none_or(|policy| {
                !policy.components.is_empty()
                    || policy.inputs.iter().any(|input| input.name.as_str() == field)
            })
        };
        let answer = match sight {
            Sight::Nothing => false,
            Sight::Part(hidden) => !hidden.iter().any(|field| reads(field.as_str())),
            Sight::Whole => true,
        };
        Withheld { sight, schema: rulebook.intent_type(name), answer }
    }

    /// Takes out of the view of an intent what is withheld.
    pub(super) fn strip_intent(&self, view: &mut IntentView) {
        if self.sight.is_whole() {
            return;
        }
        let IntentView {
            id: _,
            intent_type: _,
            revision: _,
            state: _,
            requester: _,
            submitted: _,
            tokens,
            facts,
            evaluation,
            seats: _,
            amended,
            reconsidered,
            // What people say to each other is theirs to say.
            returned: _,
            questions: _,
            progress: _,
            // Figures of the intent type, not of this intent.
            council: _,
            can: _,
            deputies: _,
            plan,
            // A change of a policy is for everybody. What an intent type goes live on names a trial of it.
            change: _,
            readiness,
            shared,
            trial: _,
            // Of the same type, and for whom that one is: the same people.
            adopts: _,
            advisory: _,
            effects,
            exceptions,
            overridden: _,
            answers: _,
            broken: _,
            outcome,
            withheld,
        } = view;
        let hidden = |name: &str| self.sight.hides_named(name);
        let kept: Vec<String> =
            tokens.keys().chain(facts.keys()).filter(|name| hidden(name)).cloned().collect();
        tokens.retain(|name, _| !hidden(name));
        facts.retain(|name, _| !hidden(name));
        if let Some(AmendedView { since: _, changes }) = amended {
            changes.retain(|change| !hidden(&change.token));
        }
        reconsidered.iter_mut().for_each(|why| WITHHELD.clone_into(why));
        evaluation.iter_mut().for_each(|evaluation| self.strip_evaluation(evaluation));
        plan.iter_mut().for_each(|plan| self.strip_plan(plan));
        effects.iter_mut().for_each(|effect| self.strip_effect(effect));
        exceptions.iter_mut().for_each(strip_exception);
        if let Some(OutcomeView { decision: _, by: _, authority, reason, at: _ }) = outcome
            && authority == "policy"
            && !self.answer
        {
            reason.iter_mut().for_each(|reason| WITHHELD.clone_into(reason));
        }
        *readiness = None;
        *shared = None;
        *withheld = kept;
    }

    /// Takes out of a policy's answer what rests on what is withheld: what stays says what was asked for, by
    /// which rows, in their owner's words.
    fn strip_evaluation(&self, view: &mut EvaluationView) {
        if self.answer {
            return;
        }
        let EvaluationView {
            outcome: _,
            words,
            text,
            routes: _,
            evidence: _,
            unsure,
            known: _,
            possible: _,
            fail_open: _,
            budget: _,
            policy: _,
            version: _,
            rules,
            guards,
            components,
            not_asked: _,
            terms,
            near,
            not_true,
        } = view;
        "the policy's answer rests on something that is not shown to you".clone_into(text);
        *words = vec![text.clone()];
        unsure.clear();
        rules.iter_mut().for_each(|rule| rule.cells.clear());
        guards.clear();
        components.clear();
        terms.clear();
        near.clear();
        not_true.clear();
    }

    /// Takes out of the plan itself what is withheld.
    pub(super) fn strip_plan(&self, view: &mut PlanView) {
        if self.sight.is_whole() {
            return;
        }
        let PlanView { seal, expires: _, writes } = view;
        // Whoever has the rest of what it is made of could guess at it until it fits.
        WITHHELD.clone_into(seal);
        writes.iter_mut().for_each(|write| self.strip_write(write));
    }

    fn strip_write(&self, view: &mut WriteView) {
        let WriteView {
            effect: _,
            binding,
            connection: _,
            connector: _,
            operation: _,
            guarantee: _,
            after: _,
            on_failure: _,
            reversible: _,
            subject,
            revision: _,
            changes,
            remarks,
        } = view;
        if self.hides_subject(binding) {
            WITHHELD.clone_into(subject);
        }
        remarks.clear();
        for ChangeView { field, before, after } in changes {
            if self.hides_write(binding, field) {
                *before = ValueView::withheld();
                *after = ValueView::withheld();
            }
        }
    }

    /// Takes out of an effect what is withheld.
    pub(super) fn strip_effect(&self, view: &mut EffectView) {
        if self.sight.is_whole() {
            return;
        }
        let EffectView {
            id: _,
            intent: _,
            binding,
            connection: _,
            operation: _,
            undoes: _,
            guarantee: _,
            state: _,
            due: _,
            attempts: _,
            cause: _,
            detail,
            receipt,
            re_asserts: _,
            watch: _,
        } = view;
        detail.iter_mut().for_each(strip_detail);
        if let Some(ReceiptView { at: _, subject, revision: _, url, vendor_request_id: _, applied }) = receipt
        {
            if self.hides_subject(binding) {
                WITHHELD.clone_into(subject);
                *url = None;
            }
            applied.retain(|field| !self.hides_write(binding, &field.field));
        }
    }

    /// Takes out of a comparison what is withheld.
    pub(super) fn strip_reconciled(&self, view: &mut ReconciledView) {
        if self.sight.is_whole() {
            return;
        }
        let ReconciledView {
            effect: _,
            binding,
            connection: _,
            undoes: _,
            subject,
            url,
            landed: _,
            verdict: _,
            why,
            fields,
        } = view;
        why.iter_mut().for_each(strip_detail);
        if self.hides_subject(binding) {
            WITHHELD.clone_into(subject);
            *url = None;
        }
        for ComparedView { field, before, approved, written, current, verdict: _ } in fields {
            if self.hides_write(binding, field) {
                for value in [before, approved].into_iter().chain(written).chain(current) {
                    *value = ValueView::withheld();
                }
            }
        }
    }

    fn hides_subject(&self, binding: &str) -> bool {
        self.sight.hides_subject(self.schema, binding)
    }

    fn hides_write(&self, binding: &str, field: &str) -> bool {
        self.sight.hides_write(self.schema, binding, field)
    }
}

fn strip_exception(view: &mut ExceptionView) {
    let ExceptionView {
        id: _,
        intent: _,
        cause: _,
        effect: _,
        pauses: _,
        route: _,
        owner: _,
        due: _,
        missed: _,
        closes_when: _,
        detail,
        burn: _,
        state: _,
        can: _,
        closed: _,
    } = view;
    strip_detail(detail);
}

fn strip_detail(view: &mut DetailView) {
    let DetailView { code, message, vendor_status: _, vendor_request_id: _ } = view;
    WITHHELD.clone_into(code);
    WITHHELD.clone_into(message);
}
