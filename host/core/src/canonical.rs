//! One byte string per value: the canonical form that seals and log entries are computed over.
//!
//! It is JSON (RFC 8259) narrowed until only one spelling is left: object keys sorted by their
//! UTF-8 bytes (RFC 8785 sorts UTF-16 units; the two differ only outside the basic plane, and our
//! keys are ASCII), no insignificant white space, integers only, text escaped only where JSON
//! demands it. Floats have no canonical form and are refused, so none can reach a seal.

use serde::ser::{self, Serialize};
use std::fmt;

/// Writes `value` in its canonical form.
///
/// # Errors
/// [`NotCanonical`] if the value holds a float, a byte string or a map key that is not text.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, NotCanonical> {
    let mut out = Vec::with_capacity(256);
    value.serialize(Writer { out: &mut out })?;
    Ok(out)
}

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

struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    fn raw(self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }
}

/// Appends `text` as a JSON string.
fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            control if (control as u32) < 0x20 => {
                out.extend_from_slice(format!("\\u{:04x}", control as u32).as_bytes());
            }
            plain => {
                let mut buffer = [0; 4];
                out.extend_from_slice(plain.encode_utf8(&mut buffer).as_bytes());
            }
        }
    }
    out.push(b'"');
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
        self.raw(if value { "true" } else { "false" });
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
        self.raw(&value.to_string());
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
        self.raw(&value.to_string());
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
        write_text(self.out, value.encode_utf8(&mut buffer));
        Ok(())
    }
    fn serialize_str(self, value: &str) -> Done {
        write_text(self.out, value);
        Ok(())
    }
    fn serialize_bytes(self, _: &[u8]) -> Done {
        refuse("a byte string")
    }
    fn serialize_none(self) -> Done {
        self.raw("null");
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
        self.out.push(b'{');
        write_text(self.out, variant);
        self.out.push(b':');
        value.serialize(Writer { out: self.out })?;
        self.out.push(b'}');
        Ok(())
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'a>, NotCanonical> {
        self.out.push(b'[');
        Ok(Items { out: self.out, first: true, close: "]" })
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
        self.out.push(b'{');
        write_text(self.out, variant);
        self.out.extend_from_slice(b":[");
        Ok(Items { out: self.out, first: true, close: "]}" })
    }
    fn serialize_map(self, length: Option<usize>) -> Result<Members<'a>, NotCanonical> {
        Ok(Members {
            out: self.out,
            members: Vec::with_capacity(length.unwrap_or(0)),
            key: None,
            open: "{",
            close: "}",
        })
    }
    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Members<'a>, NotCanonical> {
        self.serialize_map(Some(length))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Members<'a>, NotCanonical> {
        self.out.push(b'{');
        write_text(self.out, variant);
        self.out.push(b':');
        Ok(Members { out: self.out, members: Vec::with_capacity(length), key: None, open: "{", close: "}}" })
    }
}

/// An array in progress.
struct Items<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
    close: &'static str,
}

impl Items<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        value.serialize(Writer { out: self.out })
    }
    fn finish(self) -> Done {
        self.out.extend_from_slice(self.close.as_bytes());
        Ok(())
    }
}

/// An object in progress: members are held back until all are there, then written in key order.
struct Members<'a> {
    out: &'a mut Vec<u8>,
    members: Vec<(Vec<u8>, Vec<u8>)>,
    key: Option<Vec<u8>>,
    open: &'static str,
    close: &'static str,
}

impl Members<'_> {
    fn member<T: Serialize + ?Sized>(&mut self, key: Vec<u8>, value: &T) -> Done {
        let mut written = Vec::new();
        value.serialize(Writer { out: &mut written })?;
        self.members.push((key, written));
        Ok(())
    }
    fn named<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Done {
        let mut key = Vec::with_capacity(name.len().saturating_add(2));
        write_text(&mut key, name);
        self.member(key, value)
    }
    fn finish(mut self) -> Done {
        self.members.sort();
        self.out.extend_from_slice(self.open.as_bytes());
        let mut first = true;
        for (key, value) in &self.members {
            if !first {
                self.out.push(b',');
            }
            first = false;
            self.out.extend_from_slice(key);
            self.out.push(b':');
            self.out.extend_from_slice(value);
        }
        self.out.extend_from_slice(self.close.as_bytes());
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
        let mut written = Vec::new();
        key.serialize(Writer { out: &mut written })?;
        if written.first() != Some(&b'"') {
            return refuse("a map key that is not text");
        }
        self.key = Some(written);
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        match self.key.take() {
            Some(key) => self.member(key, value),
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
        check(&"line\n\u{1}\"é", "\"line\\n\\u0001\\\"é\"");
        check(&(i64::MIN, u64::MAX), "[-9223372036854775808,18446744073709551615]");
    }

    #[test]
    fn a_float_has_no_canonical_form() {
        assert!(to_vec(&1.5_f64).is_err());
        assert!(to_vec(&BTreeMap::from([(1, 2)])).is_err());
    }
}
