//! Writing primitives to a growing buffer.

use bytes::{BufMut, BytesMut};
use uuid::Uuid;

use super::varint;

/// Appends values one after the other. Cannot fail: a length that its field cannot carry is a bug of the caller and asserts.
#[derive(Debug, Default)]
pub struct Writer {
    buffer: BytesMut,
}

impl Writer {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { buffer: BytesMut::with_capacity(capacity) }
    }

    /// Goes on where `buffer` ends.
    #[must_use]
    pub const fn append_to(buffer: BytesMut) -> Self {
        Self { buffer }
    }

    #[must_use]
    pub fn into_inner(self) -> BytesMut {
        self.buffer
    }

    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.buffer
    }

    /// Bytes in the buffer.
    #[must_use]
    pub fn length(&self) -> usize {
        self.buffer.len()
    }

    /// Bytes as they are, without a length.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.buffer.put_slice(bytes);
    }

    pub fn bool(&mut self, value: bool) {
        self.buffer.put_u8(u8::from(value));
    }

    pub fn i8(&mut self, value: i8) {
        self.buffer.put_i8(value);
    }

    pub fn u8(&mut self, value: u8) {
        self.buffer.put_u8(value);
    }

    pub fn i16(&mut self, value: i16) {
        self.buffer.put_i16(value);
    }

    pub fn u16(&mut self, value: u16) {
        self.buffer.put_u16(value);
    }

    pub fn i32(&mut self, value: i32) {
        self.buffer.put_i32(value);
    }

    pub fn u32(&mut self, value: u32) {
        self.buffer.put_u32(value);
    }

    pub fn i64(&mut self, value: i64) {
        self.buffer.put_i64(value);
    }

    pub fn u64(&mut self, value: u64) {
        self.buffer.put_u64(value);
    }

    pub fn f64(&mut self, value: f64) {
        self.buffer.put_f64(value);
    }

    pub fn uuid(&mut self, value: Uuid) {
        self.raw(value.as_bytes());
    }

    pub fn unsigned_varint(&mut self, value: u32) {
        varint::write_unsigned(&mut self.buffer, u64::from(value));
    }

    /// Zigzag.
    pub fn varint(&mut self, value: i32) {
        varint::write_varint(&mut self.buffer, value);
    }

    /// Zigzag.
    pub fn varlong(&mut self, value: i64) {
        varint::write_varlong(&mut self.buffer, value);
    }

    // Classic form.

    pub fn string(&mut self, value: &str) {
        self.nullable_string(Some(value));
    }

    /// # Panics
    /// When the string is longer than 32,767 bytes.
    pub fn nullable_string(&mut self, value: Option<&str>) {
        let length = value.map_or(-1, |text| i16::try_from(text.len()).expect("a classic string is shorter than 32 KiB"));
        self.i16(length);
        self.raw(value.unwrap_or_default().as_bytes());
    }

    pub fn bytes(&mut self, value: &[u8]) {
        self.nullable_bytes(Some(value));
    }

    /// # Panics
    /// When there are more than 2^31-1 bytes.
    pub fn nullable_bytes(&mut self, value: Option<&[u8]>) {
        self.nullable_array_count(value.map(<[u8]>::len));
        self.raw(value.unwrap_or_default());
    }

    /// # Panics
    /// When there are more than 2^31-1 elements.
    pub fn nullable_array_count(&mut self, count: Option<usize>) {
        self.i32(count.map_or(-1, |count| i32::try_from(count).expect("a count fits 31 bits")));
    }

    pub fn array_of<T>(&mut self, elements: &[T], element: impl FnMut(&mut Self, &T)) {
        self.nullable_array_of(Some(elements), element);
    }

    pub fn nullable_array_of<T>(&mut self, elements: Option<&[T]>, element: impl FnMut(&mut Self, &T)) {
        self.nullable_array_count(elements.map(<[T]>::len));
        self.elements(elements, element);
    }

    // Compact form.

    pub fn compact_string(&mut self, value: &str) {
        self.compact_nullable_string(Some(value));
    }

    pub fn compact_nullable_string(&mut self, value: Option<&str>) {
        self.compact_nullable_bytes(value.map(str::as_bytes));
    }

    pub fn compact_bytes(&mut self, value: &[u8]) {
        self.compact_nullable_bytes(Some(value));
    }

    pub fn compact_nullable_bytes(&mut self, value: Option<&[u8]>) {
        self.compact_nullable_array_count(value.map(<[u8]>::len));
        self.raw(value.unwrap_or_default());
    }

    /// # Panics
    /// When there are more than 2^32-2 elements.
    pub fn compact_nullable_array_count(&mut self, count: Option<usize>) {
        self.unsigned_varint(count.map_or(0, |count| u32::try_from(count + 1).expect("a count fits 32 bits")));
    }

    pub fn compact_array_of<T>(&mut self, elements: &[T], element: impl FnMut(&mut Self, &T)) {
        self.compact_nullable_array_of(Some(elements), element);
    }

    pub fn compact_nullable_array_of<T>(&mut self, elements: Option<&[T]>, element: impl FnMut(&mut Self, &T)) {
        self.compact_nullable_array_count(elements.map(<[T]>::len));
        self.elements(elements, element);
    }

    fn elements<T>(&mut self, elements: Option<&[T]>, mut element: impl FnMut(&mut Self, &T)) {
        for value in elements.unwrap_or_default() {
            element(self, value);
        }
    }

    /// A struct that may be null: a signed byte comes first, -1 for null, else 1.
    pub fn nullable_struct<T>(&mut self, value: Option<&T>, body: impl FnOnce(&mut Self, &T)) {
        self.i8(if value.is_some() { 1 } else { -1 });
        if let Some(value) = value {
            body(self, value);
        }
    }

    // Tagged fields.

    /// Writes a section of tagged fields: those whose value is given, in order of their tags.
    ///
    /// # Panics
    /// When a value is longer than 2^32-1 bytes.
    pub fn tagged_fields<const N: usize>(&mut self, fields: [(u32, Option<Writer>); N]) {
        debug_assert!(fields.is_sorted_by(|(left, _), (right, _)| left < right), "tags rise");
        let count = fields.iter().filter(|(_, value)| value.is_some()).count();
        self.unsigned_varint(u32::try_from(count).expect("a schema has few tags"));
        for (tag, value) in fields {
            if let Some(value) = value {
                self.unsigned_varint(tag);
                self.unsigned_varint(u32::try_from(value.length()).expect("a tagged field fits 32 bits"));
                self.raw(value.as_slice());
            }
        }
    }

    /// The section of tagged fields of a struct that has none set.
    pub fn no_tagged_fields(&mut self) {
        self.unsigned_varint(0);
    }

    /// What `write` writes, apart: the value of a tagged field.
    #[must_use]
    pub fn apart(write: impl FnOnce(&mut Self)) -> Self {
        let mut writer = Self::new();
        write(&mut writer);
        writer
    }
}
