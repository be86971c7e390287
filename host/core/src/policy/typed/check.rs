//! The type checker: walks an expression once, resolves its names and compiles it.

use super::units::{
    Checked, Typed, adopt, aligned, name_of, negated, number, numeric, numeric_kind, on_grid_or_bare,
    overflow, power, rounded_unit, same, truth,
};
use super::{Expression, Input, Kind, Scope};
use crate::document::{Wrong, did_you_mean, listed, nearest};
use crate::id::FieldName;
use crate::intent::kind::{FieldType, Rounding, Unit};
use crate::intent::literal::Literal;
use crate::policy::expr::{Ast, AstNode, FoldKind, Op, wrong};
use crate::policy::node::{Compare, Fold, Node, TextOf};

/// What is known while an expression is walked.
pub(super) struct Checker<'a> {
    pub(super) scope: Scope<'a>,
    pub(super) reads: Vec<FieldName>,
    pub(super) per_element: bool,
    pub(super) in_fold: bool,
}

impl Checker<'_> {
    pub(super) fn check(&mut self, ast: &Ast, words: Option<&[String]>) -> Checked {
        match &ast.node {
            AstNode::Number(literal) => number(literal, ast.at),
            AstNode::Day(day) => {
                let low = i128::from(day.0);
                Ok(Typed { node: Node::Const(low), kind: Kind::Day, scale: 0, low, high: low })
            }
            AstNode::Text(text) => {
                let node = Node::Text(TextOf::Const(text.clone()));
                Ok(Typed { node, kind: Kind::Text, scale: 0, low: 0, high: 0 })
            }
            AstNode::Word(word) => self.word(word, ast.at, words),
            AstNode::Not(inner) => {
                let inner = self.truth(inner)?;
                Ok(truth(Node::Not(Box::new(inner.node))))
            }
            AstNode::Negate(inner) => {
                let at = inner.at;
                let inner = self.check(inner, None)?;
                numeric(&inner, at)?;
                let (low, high) = negated(&inner).ok_or_else(|| overflow(at))?;
                Ok(Typed { node: Node::Negate(Box::new(inner.node)), low, high, ..inner })
            }
            AstNode::Binary(op, left, right) => self.binary(*op, left, right, ast.at),
            AstNode::In(value, list) => self.within(value, list, ast.at),
            AstNode::Round { value, by, step, mode } => self.round(value, by.as_deref(), step, *mode, ast.at),
            AstNode::Extreme { greatest, of } => self.extreme(*greatest, of, ast.at),
            AstNode::Fold { kind, value, filter } => self.fold(*kind, value, filter.as_deref(), ast.at),
        }
    }

    fn truth(&mut self, ast: &Ast) -> Checked {
        let typed = self.check(ast, None)?;
        match typed.kind {
            Kind::Truth => Ok(typed),
            Kind::Number(_) | Kind::Bare | Kind::Word(_) | Kind::Day | Kind::Text => {
                wrong(ast.at, format!("expected yes or no, found {}", name_of(&typed.kind)))
            }
        }
    }

    /// The enum of a bare name, so that a word on the other side is looked up in it.
    fn words_of(&self, ast: &Ast) -> Option<Vec<String>> {
        let AstNode::Word(word) = &ast.node else { return None };
        let input = self.scope.inputs.iter().find(|input| input.name.as_str() == word);
        if let Some(Input { kind: FieldType::OneOf(words), .. }) = input {
            return Some(words.clone());
        }
        match self.scope.terms.iter().find(|(name, _)| name.as_str() == word) {
            Some((_, Expression { kind: Kind::Word(words), .. })) => Some(words.clone()),
            Some(_) | None => None,
        }
    }

    fn names(&self, word: &str) -> bool {
        self.scope.inputs.iter().any(|input| input.name.as_str() == word)
            || self.scope.terms.iter().any(|(name, _)| name.as_str() == word)
    }

    fn word(&mut self, word: &str, at: usize, words: Option<&[String]>) -> Checked {
        let place = words.and_then(|words| words.iter().position(|other| other == word));
        let input = self.scope.inputs.iter().position(|input| input.name.as_str() == word);
        let term = self.scope.terms.iter().position(|(name, _)| name.as_str() == word);
        if let (Some(place), Some(words)) = (place, words) {
            if input.is_some() || term.is_some() {
                return wrong(at, format!("`{word}` is both a value and a name; rename one of them"));
            }
            let low = i128::try_from(place).unwrap_or(0);
            let kind = Kind::Word(words.to_vec());
            return Ok(Typed { node: Node::Const(low), kind, scale: 0, low, high: low });
        }
        if let Some(index) = input {
            return self.input(index, at);
        }
        if let Some(index) = term {
            return self.term(index, at);
        }
        match (word, words) {
            ("yes", None) => Ok(truth(Node::Const(1))),
            ("no", None) => Ok(truth(Node::Const(0))),
            (_, Some(words)) => {
                let help = did_you_mean(word, words.iter().map(String::as_str), "the values are");
                let message = format!("`{word}` is not one of {}", listed(words.iter().map(String::as_str)));
                Err(Wrong { at, message, help: Some(help) })
            }
            (_, None) if self.scope.broken.iter().any(|name| name.as_str() == word) => {
                let help = Some("correct the row of it under `Terms`".to_owned());
                Err(Wrong { at, message: format!("`{word}` has a fault of its own"), help })
            }
            (_, None) => {
                let inputs = self.scope.inputs.iter().map(|input| input.name.as_str());
                let names = inputs.chain(self.scope.terms.iter().map(|(name, _)| name.as_str()));
                let help = nearest(word, names).map(|name| format!("did you mean `{name}`?"));
                Err(Wrong { at, message: format!("`{word}` is no input and no term"), help })
            }
        }
    }

    fn input(&mut self, index: usize, at: usize) -> Checked {
        let Some(input) = self.scope.inputs.get(index) else { return wrong(at, "unknown input") };
        let dotted = input.is_of_element();
        if dotted && !self.in_fold {
            if !self.scope.in_element {
                return wrong(at, format!("`{}` has many values: fold it, such as `any(..)`", input.name));
            }
            self.per_element = true;
        }
        self.reads.push(input.name.clone());
        let node = if dotted { Node::Element(index) } else { Node::Input(index) };
        let (low, high) = input.kind.bounds().unwrap_or((0, 0));
        let (low, high) = (i128::from(low), i128::from(high));
        let (kind, scale, node) = match &input.kind {
            FieldType::Number(grid) => (Kind::Number(grid.unit), grid.unit.scale(), node),
            FieldType::YesNo => (Kind::Truth, 0, node),
            FieldType::OneOf(words) => (Kind::Word(words.clone()), 0, node),
            FieldType::Date { .. } => (Kind::Day, 0, node),
            FieldType::Text { .. } => {
                let text = if dotted { TextOf::Element(index) } else { TextOf::Input(index) };
                (Kind::Text, 0, Node::Text(text))
            }
            FieldType::Record { .. } | FieldType::List { .. } => {
                return wrong(at, format!("`{}` is {}, which no expression reads", input.name, input.kind));
            }
        };
        Ok(Typed { node, kind, scale, low, high })
    }

    fn term(&mut self, index: usize, at: usize) -> Checked {
        let Some((_, term)) = self.scope.terms.get(index) else { return wrong(at, "unknown term") };
        self.reads.extend(term.reads.iter().cloned());
        let scale = match term.kind {
            Kind::Number(unit) => unit.scale(),
            Kind::Bare | Kind::Truth | Kind::Word(_) | Kind::Day | Kind::Text => 0,
        };
        let kind = term.kind.clone();
        Ok(Typed { node: Node::Term(index), kind, scale, low: term.low, high: term.high })
    }

    fn pair(&mut self, left: &Ast, right: &Ast) -> Result<(Typed, Typed), Wrong> {
        let of_left = self.words_of(left);
        let of_right = self.words_of(right);
        let mut first = self.check(left, of_right.as_deref())?;
        let mut second = self.check(right, of_left.as_deref())?;
        adopt(&mut first, &second.kind, left.at)?;
        adopt(&mut second, &first.kind, right.at)?;
        Ok((first, second))
    }

    fn binary(&mut self, op: Op, left: &Ast, right: &Ast, at: usize) -> Checked {
        match op {
            Op::And | Op::Or => {
                let first = Box::new(self.truth(left)?.node);
                let second = Box::new(self.truth(right)?.node);
                Ok(truth(if op == Op::And { Node::And(first, second) } else { Node::Or(first, second) }))
            }
            Op::Times => self.product(left, right, at),
            Op::Plus | Op::Minus => {
                let (first, second) = self.pair(left, right)?;
                numeric(&first, left.at)?;
                numeric(&second, right.at)?;
                same(&first, &second, at)?;
                let (first, second) = aligned(first, second, at)?;
                let (low, high, node): (_, _, fn(_, _) -> Node) = if op == Op::Plus {
                    (first.low.checked_add(second.low), first.high.checked_add(second.high), Node::Add)
                } else {
                    (first.low.checked_sub(second.high), first.high.checked_sub(second.low), Node::Subtract)
                };
                let (Some(low), Some(high)) = (low, high) else { return Err(overflow(at)) };
                let node = node(Box::new(first.node), Box::new(second.node));
                Ok(Typed { node, low, high, ..first })
            }
            Op::Equal | Op::NotEqual | Op::Less | Op::AtMost | Op::More | Op::AtLeast => {
                self.compare(op, left, right, at)
            }
        }
    }

    fn compare(&mut self, op: Op, left: &Ast, right: &Ast, at: usize) -> Checked {
        let (first, second) = self.pair(left, right)?;
        let literal = [right, left].into_iter().find(|side| matches!(side.node, AstNode::Number(_)));
        same(&first, &second, literal.map_or(at, |side| side.at))?;
        let compare = match op {
            Op::Equal => Compare::Equal,
            Op::NotEqual => Compare::NotEqual,
            Op::Less => Compare::Less,
            Op::AtMost => Compare::AtMost,
            Op::More => Compare::More,
            Op::AtLeast => Compare::AtLeast,
            Op::Or | Op::And | Op::Plus | Op::Minus | Op::Times => return wrong(at, "not a comparison"),
        };
        let equality = matches!(compare, Compare::Equal | Compare::NotEqual);
        if let (Node::Text(one), Node::Text(other)) = (&first.node, &second.node) {
            if !equality {
                return wrong(at, "text is compared for equality only");
            }
            let node = Node::SameText(one.clone(), other.clone());
            let negate = compare == Compare::NotEqual;
            return Ok(truth(if negate { Node::Not(Box::new(node)) } else { node }));
        }
        if !equality && !matches!(first.kind, Kind::Number(_) | Kind::Bare | Kind::Day) {
            return wrong(at, format!("{} has no order", name_of(&first.kind)));
        }
        on_grid_or_bare(&first, left.at)?;
        on_grid_or_bare(&second, right.at)?;
        let (first, second) = aligned(first, second, at)?;
        Ok(truth(Node::Compare(compare, Box::new(first.node), Box::new(second.node))))
    }

    fn within(&mut self, value: &Ast, list: &[Ast], at: usize) -> Checked {
        let mut any: Option<Node> = None;
        for item in list {
            // An input or term in the list would be no value, however its type may fit.
            if let AstNode::Word(word) = &item.node
                && self.names(word)
                && self.words_of(value).is_none_or(|words| !words.contains(word))
            {
                return wrong(item.at, format!("`{word}` is a name; a list holds values"));
            }
            let equal = self.compare(Op::Equal, value, item, at)?.node;
            any = Some(match any {
                None => equal,
                Some(before) => Node::Or(Box::new(before), Box::new(equal)),
            });
        }
        any.map_or_else(|| wrong(at, "the list is empty"), |node| Ok(truth(node)))
    }

    fn product(&mut self, left: &Ast, right: &Ast, at: usize) -> Checked {
        let first = self.check(left, None)?;
        let second = self.check(right, None)?;
        numeric(&first, left.at)?;
        numeric(&second, right.at)?;
        let plain = |kind: &Kind| matches!(kind, Kind::Bare | Kind::Number(Unit::Count | Unit::Percent));
        let time = |kind: &Kind| matches!(kind, Kind::Number(Unit::Months | Unit::Days));
        let money = |kind: &Kind| matches!(kind, Kind::Number(Unit::Money(_)));
        let kind = match (&first.kind, &second.kind) {
            (Kind::Bare, other) => other.clone(),
            (other, Kind::Bare) => other.clone(),
            (one, Kind::Number(Unit::Count)) => one.clone(),
            (one, other) if plain(one) => other.clone(),
            (one, other) if plain(other) => one.clone(),
            (one, other) if money(one) && time(other) => one.clone(),
            (one, other) if time(one) && money(other) => other.clone(),
            (one, other) => {
                return wrong(at, format!("{} times {} has no unit", name_of(one), name_of(other)));
            }
        };
        let corners = [
            first.low.checked_mul(second.low),
            first.low.checked_mul(second.high),
            first.high.checked_mul(second.low),
            first.high.checked_mul(second.high),
        ];
        let corners: Option<Vec<i128>> = corners.into_iter().collect();
        let Some(corners) = corners else { return Err(overflow(at)) };
        let low = corners.iter().copied().min().unwrap_or(0);
        let high = corners.iter().copied().max().unwrap_or(0);
        let node = Node::Multiply(Box::new(first.node), Box::new(second.node));
        Ok(Typed { node, kind, scale: first.scale.saturating_add(second.scale), low, high })
    }

    fn round(&mut self, value: &Ast, by: Option<&Ast>, step: &Literal, mode: Rounding, at: usize) -> Checked {
        let number = self.check(value, None)?;
        numeric(&number, value.at)?;
        let by = match by {
            None => None,
            Some(ast) => {
                let typed = self.check(ast, None)?;
                numeric(&typed, ast.at)?;
                Some(typed)
            }
        };
        let unit = rounded_unit(&number, by.as_ref(), step, at)?;
        let step = step.in_unit(unit).map_err(|why| Wrong {
            at,
            message: format!("the step of `round`: {why}"),
            help: None,
        })?;
        if step < 1 {
            return wrong(at, "the step of `round` is more than 0");
        }
        let step = i128::from(step);
        let above = unit.scale().saturating_add(by.as_ref().map_or(0, |by| by.scale));
        let up = power(above.saturating_sub(number.scale)).ok_or_else(|| overflow(at))?;
        let down = power(number.scale.saturating_sub(above)).ok_or_else(|| overflow(at))?;
        let node = Node::Round {
            value: Box::new(number.node),
            by: by.map(|by| Box::new(by.node)),
            up,
            down,
            step,
            mode,
        };
        // The smallest divisor is one small step, so no quotient is larger than its dividend.
        let divided = matches!(&node, Node::Round { by: Some(_), .. });
        let quotient = |number: i128| number.checked_mul(up)?.checked_div(down);
        let (first, last) = if divided {
            (number.low.min(number.high.saturating_neg()), number.high.max(number.low.saturating_neg()))
        } else {
            (number.low, number.high)
        };
        let low = quotient(first).and_then(|low| low.checked_sub(step));
        let high = quotient(last).and_then(|high| high.checked_add(step));
        let (Some(low), Some(high)) = (low, high) else { return Err(overflow(at)) };
        Ok(Typed { node, kind: Kind::Number(unit), scale: unit.scale(), low, high })
    }

    fn extreme(&mut self, greatest: bool, of: &[Ast], at: usize) -> Checked {
        let mut result: Option<Typed> = None;
        for item in of {
            let mut next = self.check(item, None)?;
            numeric(&next, item.at)?;
            let Some(mut before) = result else {
                result = Some(next);
                continue;
            };
            adopt(&mut before, &next.kind, at)?;
            adopt(&mut next, &before.kind, item.at)?;
            same(&before, &next, item.at)?;
            let (before, next) = aligned(before, next, item.at)?;
            let (low, high) = if greatest {
                (before.low.max(next.low), before.high.max(next.high))
            } else {
                (before.low.min(next.low), before.high.min(next.high))
            };
            let node = Node::Extreme { greatest, one: Box::new(before.node), other: Box::new(next.node) };
            result = Some(Typed { node, low, high, ..before });
        }
        result.map_or_else(|| wrong(at, "nothing to compare"), Ok)
    }

    fn fold(&mut self, kind: FoldKind, value: &Ast, filter: Option<&Ast>, at: usize) -> Checked {
        if !self.scope.folds {
            return wrong(at, "a fold over the list stands in Terms");
        }
        if self.in_fold {
            return wrong(at, "a fold inside a fold");
        }
        self.in_fold = true;
        let before = self.reads.len();
        let typed = match kind {
            FoldKind::Sum | FoldKind::Least | FoldKind::Greatest => self.check(value, None)?,
            FoldKind::Count | FoldKind::Any | FoldKind::All => self.truth(value)?,
        };
        let filter = match filter {
            Some(filter) => Some(Box::new(self.truth(filter)?.node)),
            None => None,
        };
        self.in_fold = false;
        if !self.reads.iter().skip(before).any(|name| name.as_str().contains('.')) {
            return wrong(at, "a fold reads a dotted name of the list");
        }
        let elements = i128::from(crate::intent::kind::LIST_ELEMENTS_MAX);
        let inner = Box::new(typed.node);
        let (fold, kind, low, high) = match kind {
            FoldKind::Sum => {
                numeric_kind(&typed.kind, at)?;
                let low = typed.low.min(0).checked_mul(elements).ok_or_else(|| overflow(at))?;
                let high = typed.high.max(0).checked_mul(elements).ok_or_else(|| overflow(at))?;
                (Fold::Sum, typed.kind, low, high)
            }
            FoldKind::Least | FoldKind::Greatest => {
                numeric_kind(&typed.kind, at)?;
                let fold = if kind == FoldKind::Least { Fold::Least } else { Fold::Greatest };
                (fold, typed.kind, typed.low, typed.high)
            }
            FoldKind::Count => (Fold::Count, Kind::Number(Unit::Count), 0, elements),
            FoldKind::Any => (Fold::Any, Kind::Truth, 0, 1),
            FoldKind::All => (Fold::All, Kind::Truth, 0, 1),
        };
        Ok(Typed { node: Node::Fold { fold, value: inner, filter }, kind, scale: typed.scale, low, high })
    }
}
