//! One byte string per value: the canonical form that seals and log entries are computed over.
//!
//! It is JSON (RFC 8259) narrowed until only one spelling is left: object keys sorted by their
//! UTF-8 bytes (RFC 8785 sorts UTF-16 units; the two differ only outside the basic plane, and our
//! keys are ASCII), no insignificant white space, integers only, text escaped only where JSON
//! demands it. Floats have no canonical form and are refused, so none can reach a seal.

use serde::ser::{self, Serialize};
use std::fmt::{self, Write as _};

/// Writes `value` in its canonical form.
///
/// # Errors
/// [`NotCanonical`] if the value holds a float, a byte string or a map key that is not text.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, NotCanonical> {
    let mut page = Page::default();
    page.out.reserve(FIRST_BYTES);
    value.serialize(Writer { page: &mut page })?;
    Ok(page.out)
}

/// Room for a small entry, in bytes; larger ones grow it.
const FIRST_BYTES: usize = 1024;

/// Digits of the largest whole number.
const NUMBER_DIGITS_MAX: usize = 20;

/// A value that has no canonical form, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotCanonical(String);

impl fmt::Display for NotCanonical {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "no canonical form: {}", self.0)
    }
}

impl std::error::Error for NotCanonical {}

impl ser::Error for NotCanonical {
    fn custom<T: fmt::Display>(message: T) -> Self {
        NotCanonical(message.to_string())
    }
}

/// What is being written, and where the members of the open objects stand in it.
#[derive(Default)]
struct Page {
    out: Vec<u8>,
    /// Members of all open objects, the innermost last.
    members: Vec<Member>,
    /// Room to bring the members of an object into order.
    sorted: Vec<u8>,
}

/// Where a member of an object stands: its key with quotation marks, then colon and value.
#[derive(Clone, Copy)]
struct Member {
    start: usize,
    key_end: usize,
    end: usize,
}

impl Page {
    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Appends `text` as a JSON string.
    fn text(&mut self, text: &str) {
        self.out.push(b'"');
        self.part(text);
        self.out.push(b'"');
    }

    /// Appends a part of a JSON string.
    fn part(&mut self, text: &str) {
        // Nearly every text is plain; looking at all of it at once costs least.
        let special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
        if !text.bytes().fold(false, |found, byte| found | special(byte)) {
            return self.raw(text);
        }
        let mut plain = 0;
        for (index, byte) in text.bytes().enumerate() {
            if !special(byte) {
                continue;
            }
            self.raw(text.get(plain..index).unwrap_or_default());
            plain = index.saturating_add(1);
            match byte {
                b'"' => self.raw("\\\""),
                b'\\' => self.raw("\\\\"),
                b'\n' => self.raw("\\n"),
                b'\r' => self.raw("\\r"),
                b'\t' => self.raw("\\t"),
                0x8 => self.raw("\\b"),
                0xc => self.raw("\\f"),
                control => self.raw(&format!("\\u{control:04x}")),
            }
        }
        self.raw(text.get(plain..).unwrap_or_default());
    }

    /// Appends a whole number.
    fn number(&mut self, number: u64) {
        let mut digits = [b'0'; NUMBER_DIGITS_MAX];
        let mut rest = number;
        let mut count = 0_usize;
        for digit in digits.iter_mut().rev() {
            *digit = b'0'.saturating_add(u8::try_from(rest % 10).unwrap_or(0));
            rest /= 10;
            count = count.saturating_add(1);
            if rest == 0 {
                break;
            }
        }
        let (_, written) = digits.split_at(NUMBER_DIGITS_MAX.saturating_sub(count));
        self.out.extend_from_slice(written);
    }

    /// Ends an object whose members, from `first` on, stand in `out` as they came, with commas
    /// between them: brings them into the order of their keys.
    fn end(&mut self, first: usize) {
        let Page { out, members, sorted } = self;
        let key = |member: &Member| out.get(member.start..member.key_end).unwrap_or_default();
        let own = members.get_mut(first..).unwrap_or_default();
        if !own.is_sorted_by(|one, other| key(one) <= key(other)) {
            let start = own.first().map_or(out.len(), |member| member.start);
            own.sort_by(|one, other| key(one).cmp(key(other)));
            sorted.clear();
            for member in own.iter() {
                if !sorted.is_empty() {
                    sorted.push(b',');
                }
                sorted.extend_from_slice(out.get(member.start..member.end).unwrap_or_default());
            }
            out.truncate(start);
            out.extend_from_slice(sorted);
        }
        members.truncate(first);
    }
}

/// Text that is written in parts into an open JSON string.
struct Quoted<'a>(&'a mut Page);

impl fmt::Write for Quoted<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.0.part(part);
        Ok(())
    }
}

struct Writer<'a> {
    page: &'a mut Page,
}

type Done = Result<(), NotCanonical>;

fn refuse<T>(what: &str) -> Result<T, NotCanonical> {
    Err(NotCanonical(what.to_owned()))
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = NotCanonical;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Items<'a>;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeStructVariant = Members<'a>;

    fn serialize_bool(self, value: bool) -> Done {
        self.page.raw(if value { "true" } else { "false" });
        Ok(())
    }
    fn serialize_i8(self, value: i8) -> Done {
        self.serialize_i64(value.into())
    }
    fn serialize_i16(self, value: i16) -> Done {
        self.serialize_i64(value.into())
    }
    fn serialize_i32(self, value: i32) -> Done {
        self.serialize_i64(value.into())
    }
    fn serialize_i64(self, value: i64) -> Done {
        if value < 0 {
            self.page.raw("-");
        }
        self.page.number(value.unsigned_abs());
        Ok(())
    }
    fn serialize_u8(self, value: u8) -> Done {
        self.serialize_u64(value.into())
    }
    fn serialize_u16(self, value: u16) -> Done {
        self.serialize_u64(value.into())
    }
    fn serialize_u32(self, value: u32) -> Done {
        self.serialize_u64(value.into())
    }
    fn serialize_u64(self, value: u64) -> Done {
        self.page.number(value);
        Ok(())
    }
    fn serialize_f32(self, _: f32) -> Done {
        refuse("a float")
    }
    fn serialize_f64(self, _: f64) -> Done {
        refuse("a float")
    }
    fn serialize_char(self, value: char) -> Done {
        let mut buffer = [0; 4];
        self.page.text(value.encode_utf8(&mut buffer));
        Ok(())
    }
    fn serialize_str(self, value: &str) -> Done {
        self.page.text(value);
        Ok(())
    }
    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Done {
        self.page.out.push(b'"');
        let written = write!(Quoted(self.page), "{value}");
        self.page.out.push(b'"');
        written.or_else(|_| refuse("a value that does not print"))
    }
    fn serialize_bytes(self, _: &[u8]) -> Done {
        refuse("a byte string")
    }
    fn serialize_none(self) -> Done {
        self.page.raw("null");
        Ok(())
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Done {
        self.serialize_none()
    }
    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.serialize_none()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        self.page.out.push(b'{');
        self.page.text(variant);
        self.page.out.push(b':');
        value.serialize(Writer { page: self.page })?;
        self.page.out.push(b'}');
        Ok(())
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'a>, NotCanonical> {
        self.page.out.push(b'[');
        Ok(Items { page: self.page, first: true, close: "]" })
    }
    fn serialize_tuple(self, length: usize) -> Result<Items<'a>, NotCanonical> {
        self.serialize_seq(Some(length))
    }
    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Items<'a>, NotCanonical> {
        self.serialize_seq(Some(length))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<'a>, NotCanonical> {
        self.page.out.push(b'{');
        self.page.text(variant);
        self.page.raw(":[");
        Ok(Items { page: self.page, first: true, close: "]}" })
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a>, NotCanonical> {
        Ok(Members::open(self.page, "}"))
    }
    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Members<'a>, NotCanonical> {
        self.serialize_map(Some(length))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a>, NotCanonical> {
        self.page.out.push(b'{');
        self.page.text(variant);
        self.page.out.push(b':');
        Ok(Members::open(self.page, "}}"))
    }
}

/// An array in progress.
struct Items<'a> {
    page: &'a mut Page,
    first: bool,
    close: &'static str,
}

impl Items<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        if !self.first {
            self.page.out.push(b',');
        }
        self.first = false;
        value.serialize(Writer { page: self.page })
    }
    fn finish(self) -> Done {
        self.page.raw(self.close);
        Ok(())
    }
}

/// An object in progress: members are written as they come and brought into order at its end.
struct Members<'a> {
    page: &'a mut Page,
    /// Where its own members begin among those of all open objects.
    first: usize,
    /// Start and end of a key whose value has not come yet.
    key: Option<(usize, usize)>,
    close: &'static str,
}

impl<'a> Members<'a> {
    fn open(page: &'a mut Page, close: &'static str) -> Members<'a> {
        page.out.push(b'{');
        let first = page.members.len();
        Members { page, first, key: None, close }
    }
    /// Where the next member begins, behind a comma if it is not the first one.
    fn start(&mut self) -> usize {
        if self.first < self.page.members.len() {
            self.page.out.push(b',');
        }
        self.page.out.len()
    }
    fn value<T: Serialize + ?Sized>(&mut self, (start, key_end): (usize, usize), value: &T) -> Done {
        self.page.out.push(b':');
        value.serialize(Writer { page: self.page })?;
        let end = self.page.out.len();
        self.page.members.push(Member { start, key_end, end });
        Ok(())
    }
    fn named<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Done {
        let start = self.start();
        self.page.text(name);
        let key_end = self.page.out.len();
        self.value((start, key_end), value)
    }
    fn finish(self) -> Done {
        self.page.end(self.first);
        self.page.raw(self.close);
        Ok(())
    }
}

impl ser::SerializeSeq for Items<'_> {
    type Ok = ();
    type Error = NotCanonical;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.item(value)
    }
    fn end(self) -> Done {
        self.finish()
    }
}

impl ser::SerializeTuple for Items<'_> {
    type Ok = ();
    type Error = NotCanonical;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.item(value)
    }
    fn end(self) -> Done {
        self.finish()
    }
}

impl ser::SerializeTupleStruct for Items<'_> {
    type Ok = ();
    type Error = NotCanonical;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.item(value)
    }
    fn end(self) -> Done {
        self.finish()
    }
}

impl ser::SerializeTupleVariant for Items<'_> {
    type Ok = ();
    type Error = NotCanonical;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.item(value)
    }
    fn end(self) -> Done {
        self.finish()
    }
}

impl ser::SerializeMap for Members<'_> {
    type Ok = ();
    type Error = NotCanonical;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        let start = self.start();
        key.serialize(Writer { page: self.page })?;
        if self.page.out.get(start) != Some(&b'"') {
            return refuse("a map key that is not text");
        }
        self.key = Some((start, self.page.out.len()));
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        match self.key.take() {
            Some(key) => self.value(key, value),
            None => refuse("a map value without a key"),
        }
    }
    fn end(self) -> Done {
        self.finish()
    }
}

impl ser::SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = NotCanonical;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Done {
        self.named(name, value)
    }
    fn end(self) -> Done {
        self.finish()
    }
}

impl ser::SerializeStructVariant for Members<'_> {
    type Ok = ();
    type Error = NotCanonical;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Done {
        self.named(name, value)
    }
    fn end(self) -> Done {
        self.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn check<T: Serialize>(value: &T, expected: &str) {
        let written = to_vec(value).expect("it has a canonical form");
        assert_eq!(String::from_utf8(written).expect("it is text"), expected);
    }

    #[derive(serde::Serialize)]
    struct Nested {
        z: u8,
        inner: Inner,
        a: u8,
    }

    #[derive(serde::Serialize)]
    struct Inner {
        y: &'static str,
        x: u8,
    }

    #[test]
    fn one_value_has_one_spelling() {
        #[derive(serde::Serialize)]
        enum Shape {
            Unit,
            Tuple(u8, bool),
            Struct { b: u8, a: Option<u8> },
        }
        check(&BTreeMap::from([("b", 1), ("a", 2)]), r#"{"a":2,"b":1}"#);
        check(&[Shape::Unit], r#"["Unit"]"#);
        check(&Shape::Tuple(1, true), r#"{"Tuple":[1,true]}"#);
        check(&Shape::Struct { b: 1, a: None }, r#"{"Struct":{"a":null,"b":1}}"#);
        let nested = BTreeMap::from([("b", BTreeMap::from([("d", 1), ("c", 2)])), ("a", BTreeMap::new())]);
        check(&nested, r#"{"a":{},"b":{"c":2,"d":1}}"#);
        check(
            &[Nested { z: 1, inner: Inner { y: "é\\", x: 2 }, a: 3 }],
            r#"[{"a":3,"inner":{"x":2,"y":"é\\"},"z":1}]"#,
        );
        check(&"line\n\u{1}\"é", "\"line\\n\\u0001\\\"é\"");
        check(&(i64::MIN, u64::MAX), "[-9223372036854775808,18446744073709551615]");
        check(&[0, 7, 10, -10, 1_000], "[0,7,10,-10,1000]");
    }

    #[test]
    fn a_printed_value_is_escaped_like_text() {
        struct Printed;
        impl Serialize for Printed {
            fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&format_args!("{}{}\n{}", 7, '"', "é\\"))
            }
        }
        check(&BTreeMap::from([("a", Printed)]), r#"{"a":"7\"\né\\"}"#);
    }

    #[test]
    fn a_float_has_no_canonical_form() {
        assert!(to_vec(&1.5_f64).is_err());
        assert!(to_vec(&BTreeMap::from([(1, 2)])).is_err());
    }
}
