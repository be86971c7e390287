//! The grammar of expressions: text to a tree. What the names mean is checked in [`super::typed`].

use crate::document::Wrong;
use crate::intent::kind::Rounding;
use crate::intent::literal::Literal;
use crate::intent::value::Day;

/// Deepest nesting of an expression; deeper ones nobody reads, and the stack is finite.
pub(crate) const EXPRESSION_DEPTH_MAX: usize = 32;
/// Most words and signs of one expression.
pub(crate) const EXPRESSION_TOKENS_MAX: usize = 500;

pub(crate) fn wrong<T>(at: usize, message: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { at, message: message.into(), help: None })
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ast {
    pub(crate) at: usize,
    pub(crate) node: AstNode,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AstNode {
    Number(Literal),
    Day(Day),
    Word(String),
    Text(String),
    Not(Box<Ast>),
    Negate(Box<Ast>),
    Binary(Op, Box<Ast>, Box<Ast>),
    In(Box<Ast>, Vec<Ast>),
    Round { value: Box<Ast>, by: Option<Box<Ast>>, step: Literal, mode: Rounding },
    Extreme { greatest: bool, of: Vec<Ast> },
    Fold { kind: FoldKind, value: Box<Ast>, filter: Option<Box<Ast>> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
    Plus,
    Minus,
    Times,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FoldKind {
    Sum,
    Least,
    Greatest,
    Count,
    Any,
    All,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Lexeme {
    Number(Literal, String),
    Day(Day),
    Word(String),
    Text(String),
    Sign(&'static str),
}

/// Two characters before one, so that `<=` is not `<`.
const SIGNS: [&str; 13] = ["<=", ">=", "!=", "<", ">", "=", "(", ")", ",", "+", "-", "*", "/"];

/// Words behind which a value begins.
const KEYWORDS: [&str; 5] = ["and", "or", "not", "in", "where"];

fn lex(text: &str) -> Result<Vec<(usize, Lexeme)>, Wrong> {
    let mut out: Vec<(usize, Lexeme)> = Vec::new();
    let mut rest = text;
    let mut at = 0_usize;
    while let Some(first) = rest.chars().next() {
        if out.len() == EXPRESSION_TOKENS_MAX {
            return wrong(at, format!("an expression has at most {EXPRESSION_TOKENS_MAX} words"));
        }
        let (lexeme, length) = if first == ' ' {
            (None, 1)
        } else if first == '"' {
            let inner = rest.get(1..).unwrap_or("");
            let Some((inside, _)) = inner.split_once('"') else {
                return wrong(at, "a text without its closing `\"`");
            };
            (Some(Lexeme::Text(inside.to_owned())), inside.len().saturating_add(2))
        } else if first.is_ascii_lowercase() || first.is_ascii_digit() {
            word(rest, at)?
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            let between = matches!(out.last(), Some((_, before)) if before.is_value());
            spacing(sign, text, at, between)?;
            (Some(Lexeme::Sign(sign)), sign.len())
        } else {
            return wrong(at, format!("`{first}` has no meaning in an expression"));
        };
        if let Some(lexeme) = lexeme {
            out.push((at, lexeme));
        }
        at = at.saturating_add(length);
        rest = rest.get(length..).unwrap_or("");
    }
    Ok(out)
}

impl Lexeme {
    /// Whether it can end a value, so that a minus behind it takes something away.
    fn is_value(&self) -> bool {
        match self {
            Lexeme::Number(..) | Lexeme::Day(_) | Lexeme::Text(_) => true,
            Lexeme::Word(word) => !KEYWORDS.contains(&word.as_str()),
            Lexeme::Sign(sign) => *sign == ")",
        }
    }
}

/// A `*` without blanks is rendered as emphasis, and a `-` without them belongs to an id.
fn spacing(sign: &str, text: &str, at: usize, between: bool) -> Result<(), Wrong> {
    let blank = |index: Option<usize>| {
        index.and_then(|index| text.as_bytes().get(index)).is_none_or(|byte| *byte == b' ')
    };
    if sign == "*" && !(blank(at.checked_sub(1)) && blank(at.checked_add(1))) {
        return wrong(at, "a `*` has a blank on each side");
    }
    if sign == "-" && between && !(blank(at.checked_sub(1)) && blank(at.checked_add(1))) {
        return wrong(at, "a `-` between two values has a blank on each side");
    }
    Ok(())
}

fn word(rest: &str, at: usize) -> Result<(Option<Lexeme>, usize), Wrong> {
    let length = rest
        .bytes()
        .take_while(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.' | b'%')
        })
        .count();
    let text = rest.get(..length).unwrap_or("");
    if let Some(day) = Day::parse(text) {
        return Ok((Some(Lexeme::Day(day)), length));
    }
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'%'));
    if !numeric {
        if text.contains('%') {
            return wrong(at, format!("`{text}` is neither a number nor a name"));
        }
        return Ok((Some(Lexeme::Word(text.to_owned())), length));
    }
    // A currency behind a blank belongs to the number.
    let code = rest.get(length..).and_then(|behind| behind.strip_prefix(' ')).and_then(|code| code.get(..3));
    let with_code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_uppercase()));
    let (text, length) = match with_code {
        Some(code) => (format!("{text} {code}"), length.saturating_add(4)),
        None => (text.to_owned(), length),
    };
    let literal = Literal::parse(&text).map_err(|message| Wrong { at, message, help: None })?;
    Ok((Some(Lexeme::Number(literal, text)), length))
}

/// The expression as its words with one blank between them: two spellings of one expression are one.
pub(crate) fn normal(text: &str) -> String {
    let Ok(lexemes) = lex(text) else { return text.to_owned() };
    let words: Vec<String> = lexemes
        .into_iter()
        .map(|(_, lexeme)| match lexeme {
            Lexeme::Number(_, text) | Lexeme::Word(text) => text,
            Lexeme::Day(day) => day.to_string(),
            Lexeme::Text(text) => format!("\"{text}\""),
            Lexeme::Sign(sign) => sign.to_owned(),
        })
        .collect();
    words.join(" ")
}

/// Reads an expression.
pub(crate) fn parse(text: &str) -> Result<Ast, Wrong> {
    if !text.is_ascii() && !text.contains('"') {
        let at = text.chars().take_while(char::is_ascii).count();
        return wrong(at, "an expression is written in ASCII");
    }
    let lexemes = lex(text)?;
    let mut parser = Parser { lexemes: &lexemes, next: 0, depth: 0, end: text.chars().count() };
    let ast = parser.or()?;
    match parser.peek() {
        None => Ok(ast),
        Some(_) => wrong(parser.at(), "the expression goes on where it should end"),
    }
}

struct Parser<'a> {
    lexemes: &'a [(usize, Lexeme)],
    next: usize,
    depth: usize,
    end: usize,
}

type Parsed = Result<Ast, Wrong>;

impl Parser<'_> {
    fn peek(&self) -> Option<&Lexeme> {
        self.lexemes.get(self.next).map(|(_, lexeme)| lexeme)
    }

    fn at(&self) -> usize {
        self.lexemes.get(self.next).map_or(self.end, |(at, _)| *at)
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Lexeme::Sign(other)) if *other == sign);
        if found {
            self.next = self.next.saturating_add(1);
        }
        found
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Some(Lexeme::Word(word)) if word == keyword);
        if found {
            self.next = self.next.saturating_add(1);
        }
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), Wrong> {
        if self.sign(sign) { Ok(()) } else { wrong(self.at(), format!("expected `{sign}` here")) }
    }

    fn binary(at: usize, op: Op, left: Ast, right: Ast) -> Ast {
        Ast { at, node: AstNode::Binary(op, Box::new(left), Box::new(right)) }
    }

    fn or(&mut self) -> Parsed {
        self.depth = self.depth.saturating_add(1);
        if self.depth > EXPRESSION_DEPTH_MAX {
            return wrong(self.at(), format!("an expression is at most {EXPRESSION_DEPTH_MAX} deep"));
        }
        let at = self.at();
        let mut left = self.and()?;
        while self.keyword("or") {
            left = Self::binary(at, Op::Or, left, self.and()?);
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(left)
    }

    fn and(&mut self) -> Parsed {
        let at = self.at();
        let mut left = self.not()?;
        while self.keyword("and") {
            left = Self::binary(at, Op::And, left, self.not()?);
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed {
        let at = self.at();
        if self.keyword("not") {
            self.depth = self.depth.saturating_add(1);
            if self.depth > EXPRESSION_DEPTH_MAX {
                return wrong(at, format!("an expression is at most {EXPRESSION_DEPTH_MAX} deep"));
            }
            let inner = self.not()?;
            self.depth = self.depth.saturating_sub(1);
            return Ok(Ast { at, node: AstNode::Not(Box::new(inner)) });
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parsed {
        let at = self.at();
        let left = self.sum()?;
        let ops = [
            ("=", Op::Equal),
            ("!=", Op::NotEqual),
            ("<=", Op::AtMost),
            (">=", Op::AtLeast),
            ("<", Op::Less),
            (">", Op::More),
        ];
        for (sign, op) in ops {
            if self.sign(sign) {
                let right = self.sum()?;
                return Ok(Self::binary(at, op, left, right));
            }
        }
        if self.keyword("in") {
            self.expect("(")?;
            let mut values = vec![self.value()?];
            while self.sign(",") {
                values.push(self.value()?);
            }
            self.expect(")")?;
            return Ok(Ast { at, node: AstNode::In(Box::new(left), values) });
        }
        Ok(left)
    }

    fn sum(&mut self) -> Parsed {
        let at = self.at();
        let mut left = self.product()?;
        loop {
            let op = if self.sign("+") {
                Op::Plus
            } else if self.sign("-") {
                Op::Minus
            } else {
                return Ok(left);
            };
            left = Self::binary(at, op, left, self.product()?);
        }
    }

    fn product(&mut self) -> Parsed {
        let at = self.at();
        let mut left = self.unary()?;
        while self.sign("*") {
            left = Self::binary(at, Op::Times, left, self.unary()?);
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed {
        let at = self.at();
        if self.sign("-") {
            let inner = self.atom()?;
            return Ok(Ast { at, node: AstNode::Negate(Box::new(inner)) });
        }
        self.atom()
    }

    fn atom(&mut self) -> Parsed {
        let at = self.at();
        if self.sign("(") {
            let inner = self.or()?;
            self.expect(")")?;
            return Ok(inner);
        }
        let lexeme = self.peek().cloned();
        self.next = self.next.saturating_add(1);
        let node = match lexeme {
            Some(Lexeme::Number(literal, _)) => AstNode::Number(literal),
            Some(Lexeme::Day(day)) => AstNode::Day(day),
            Some(Lexeme::Text(text)) => AstNode::Text(text),
            Some(Lexeme::Word(word)) => {
                if self.sign("(") {
                    return self.call(at, &word);
                }
                AstNode::Word(word)
            }
            Some(Lexeme::Sign("/")) => {
                return wrong(at, "division stands only inside `round(x / y, STEP)`");
            }
            Some(Lexeme::Sign(_)) | None => return wrong(at, "expected a value, a name or `(` here"),
        };
        Ok(Ast { at, node })
    }

    /// A value of a list: nothing that has to be computed.
    fn value(&mut self) -> Parsed {
        let at = self.at();
        let negated = self.sign("-");
        let node = match self.peek() {
            Some(Lexeme::Number(literal, _)) => AstNode::Number(*literal),
            Some(Lexeme::Day(day)) if !negated => AstNode::Day(*day),
            Some(Lexeme::Word(word)) if !negated => AstNode::Word(word.clone()),
            Some(Lexeme::Day(_) | Lexeme::Word(_) | Lexeme::Text(_) | Lexeme::Sign(_)) | None => {
                return wrong(self.at(), "expected a value here, such as `3` or a word of the enum");
            }
        };
        self.next = self.next.saturating_add(1);
        let value = Ast { at, node };
        Ok(if negated { Ast { at, node: AstNode::Negate(Box::new(value)) } } else { value })
    }

    fn call(&mut self, at: usize, name: &str) -> Parsed {
        if name == "round" {
            return self.round(at);
        }
        let value = self.or()?;
        if self.sign(",") {
            let greatest = match name {
                "max" => true,
                "min" => false,
                _ => return wrong(at, format!("`{name}` takes one argument")),
            };
            let mut of = vec![value, self.or()?];
            while self.sign(",") {
                of.push(self.or()?);
            }
            self.expect(")")?;
            return Ok(Ast { at, node: AstNode::Extreme { greatest, of } });
        }
        let kind = match name {
            "sum" => FoldKind::Sum,
            "min" => FoldKind::Least,
            "max" => FoldKind::Greatest,
            "count" => FoldKind::Count,
            "any" => FoldKind::Any,
            "all" => FoldKind::All,
            _ => return wrong(at, format!("`{name}` is no function; round, min, max, sum, count, any, all")),
        };
        let takes_filter = matches!(kind, FoldKind::Sum | FoldKind::Least | FoldKind::Greatest);
        let filter = if takes_filter && self.keyword("where") { Some(Box::new(self.or()?)) } else { None };
        self.expect(")")?;
        Ok(Ast { at, node: AstNode::Fold { kind, value: Box::new(value), filter } })
    }

    /// Whether one pair of brackets encloses the lexemes from `start` to before `end`.
    fn is_group(&self, start: usize, end: usize) -> bool {
        let mut depth = 0_usize;
        for index in start..end {
            match self.lexemes.get(index) {
                Some((_, Lexeme::Sign("("))) => depth = depth.saturating_add(1),
                Some((_, Lexeme::Sign(")"))) => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && index.saturating_add(1) < end {
                return false;
            }
        }
        true
    }

    fn round(&mut self, at: usize) -> Parsed {
        let start = self.next;
        let value = self.or()?;
        let end = self.next;
        let by = if self.sign("/") {
            let loose = matches!(value.node, AstNode::Binary(op, ..) if op != Op::Times);
            if loose && !self.is_group(start, end) {
                return wrong(value.at, "put brackets around what is divided");
            }
            Some(Box::new(self.product()?))
        } else {
            None
        };
        self.expect(",")?;
        let step_at = self.at();
        let step = match self.peek() {
            Some(Lexeme::Number(literal, _)) => *literal,
            Some(Lexeme::Day(_) | Lexeme::Word(_) | Lexeme::Text(_) | Lexeme::Sign(_)) | None => {
                return wrong(step_at, "expected the step, such as `0.01`");
            }
        };
        self.next = self.next.saturating_add(1);
        let mut mode = Rounding::HalfEven;
        if self.sign(",") {
            let mode_at = self.at();
            let found = match self.peek() {
                Some(Lexeme::Word(word)) => Rounding::parse(word),
                Some(Lexeme::Day(_) | Lexeme::Number(..) | Lexeme::Text(_) | Lexeme::Sign(_)) | None => None,
            };
            let Some(found) = found else {
                return wrong(mode_at, "expected up, down or half-even");
            };
            mode = found;
            self.next = self.next.saturating_add(1);
        }
        self.expect(")")?;
        Ok(Ast { at, node: AstNode::Round { value: Box::new(value), by, step, mode } })
    }
}
