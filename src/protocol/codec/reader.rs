//! Reading primitives from a slice.

use uuid::Uuid;

use super::varint;
use crate::protocol::DecodeError;

type Result<T> = std::result::Result<T, DecodeError>;

/// Most elements that an array reserves room for before the first one is read; the rest grows as elements arrive.
const FIRST_RESERVATION: usize = 64;

/// Reads values one after the other; every call fails without a panic when the bytes do not hold the value.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

/// Declares readers of big-endian numbers.
macro_rules! numbers {
    ($($name:ident: $number:ty),*) => {
        $(
            pub fn $name(&mut self) -> Result<$number> {
                self.array().map(<$number>::from_be_bytes)
            }
        )*
    };
}

impl<'a> Reader<'a> {
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Bytes read so far.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Bytes not read yet.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// Fails when bytes are left over.
    pub const fn finish(&self) -> Result<()> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(DecodeError::LeftOver(left)),
        }
    }

    /// The next `length` bytes.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let taken = rest.get(..length).ok_or(DecodeError::Truncated { needed: length, left: rest.len() })?;
        self.position += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let left = self.remaining();
        self.take(N)?.try_into().map_err(|_| DecodeError::Truncated { needed: N, left })
    }

    numbers!(i8: i8, u8: u8, i16: i16, u16: u16, i32: i32, u32: u32, i64: i64, u64: u64, f64: f64);

    /// Any byte but 0 is true.
    pub fn bool(&mut self) -> Result<bool> {
        Ok(self.u8()? != 0)
    }

    pub fn uuid(&mut self) -> Result<Uuid> {
        self.array().map(Uuid::from_bytes)
    }

    /// At most five bytes.
    pub fn unsigned_varint(&mut self) -> Result<u32> {
        self.varint_of(5, varint::read_unsigned_varint)
    }

    /// Zigzag, at most five bytes.
    pub fn varint(&mut self) -> Result<i32> {
        self.varint_of(5, varint::read_varint)
    }

    /// Zigzag, at most ten bytes.
    pub fn varlong(&mut self) -> Result<i64> {
        self.varint_of(10, varint::read_varlong)
    }

    fn varint_of<T>(&mut self, longest: usize, read: impl Fn(&[u8]) -> Option<(T, usize)>) -> Result<T> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let (value, length) = read(rest).ok_or(if rest.len() < longest {
            DecodeError::Truncated { needed: rest.len() + 1, left: rest.len() }
        } else {
            DecodeError::Varint
        })?;
        self.position += length;
        Ok(value)
    }

    // Strings and bytes, classic form: a 16-bit or 32-bit length, -1 for null.

    pub fn string(&mut self) -> Result<&'a str> {
        self.nullable_string()?.ok_or(DecodeError::Null)
    }

    pub fn nullable_string(&mut self) -> Result<Option<&'a str>> {
        let length = self.i16()?;
        self.nullable(i64::from(length))?.map(utf8).transpose()
    }

    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        self.nullable_bytes()?.ok_or(DecodeError::Null)
    }

    pub fn nullable_bytes(&mut self) -> Result<Option<&'a [u8]>> {
        let length = self.i32()?;
        self.nullable(i64::from(length))
    }

    // Strings and bytes, compact form: an unsigned varint of length + 1, 0 for null.

    pub fn compact_string(&mut self) -> Result<&'a str> {
        self.compact_nullable_string()?.ok_or(DecodeError::Null)
    }

    pub fn compact_nullable_string(&mut self) -> Result<Option<&'a str>> {
        self.compact_nullable_bytes()?.map(utf8).transpose()
    }

    pub fn compact_bytes(&mut self) -> Result<&'a [u8]> {
        self.compact_nullable_bytes()?.ok_or(DecodeError::Null)
    }

    pub fn compact_nullable_bytes(&mut self) -> Result<Option<&'a [u8]>> {
        let length = self.unsigned_varint()?;
        self.nullable(i64::from(length) - 1)
    }

    fn nullable(&mut self, length: i64) -> Result<Option<&'a [u8]>> {
        if length == -1 {
            return Ok(None);
        }
        let length = usize::try_from(length).map_err(|_| DecodeError::Length(length))?;
        self.take(length).map(Some)
    }

    // Arrays. Every element takes at least one byte, so a count above what is left is refused at once.

    /// The count of a classic array, `None` for null.
    pub fn nullable_array_count(&mut self) -> Result<Option<usize>> {
        let count = self.i32()?;
        self.count(i64::from(count))
    }

    /// The count of a compact array, `None` for null.
    pub fn compact_nullable_array_count(&mut self) -> Result<Option<usize>> {
        let count = self.unsigned_varint()?;
        self.count(i64::from(count) - 1)
    }

    fn count(&self, count: i64) -> Result<Option<usize>> {
        match usize::try_from(count) {
            Ok(count) if count <= self.remaining() => Ok(Some(count)),
            Err(_) if count == -1 => Ok(None),
            _ => Err(DecodeError::Length(count)),
        }
    }

    pub fn array_of<T>(&mut self, element: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.nullable_array_of(element)?.ok_or(DecodeError::Null)
    }

    pub fn nullable_array_of<T>(&mut self, element: impl FnMut(&mut Self) -> Result<T>) -> Result<Option<Vec<T>>> {
        self.nullable_array_count()?.map(|count| self.elements(count, element)).transpose()
    }

    pub fn compact_array_of<T>(&mut self, element: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.compact_nullable_array_of(element)?.ok_or(DecodeError::Null)
    }

    pub fn compact_nullable_array_of<T>(&mut self, element: impl FnMut(&mut Self) -> Result<T>) -> Result<Option<Vec<T>>> {
        self.compact_nullable_array_count()?.map(|count| self.elements(count, element)).transpose()
    }

    fn elements<T>(&mut self, count: usize, mut element: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut elements = Vec::with_capacity(count.min(FIRST_RESERVATION));
        for _ in 0..count {
            elements.push(element(self)?);
        }
        Ok(elements)
    }

    /// A struct that may be null: a signed byte comes first, below 0 for null.
    pub fn nullable_struct<T>(&mut self, body: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        if self.i8()? < 0 { Ok(None) } else { body(self).map(Some) }
    }

    // Tagged fields.

    /// Reads a section of tagged fields. `field` gets each tag with a reader of just its bytes; it returns false for a tag that
    /// it does not know, which is then skipped.
    ///
    /// # Errors
    /// Besides `field`'s own: a known field that does not fill its announced length. Order is not checked, as Kafka does not.
    pub fn tagged_fields(&mut self, mut field: impl FnMut(u32, &mut Reader<'a>) -> Result<bool>) -> Result<()> {
        for _ in 0..self.unsigned_varint()? {
            let tag = self.unsigned_varint()?;
            let length = self.unsigned_varint()? as usize;
            let mut value = Reader::new(self.take(length)?);
            if field(tag, &mut value)? && value.remaining() > 0 {
                return Err(DecodeError::TagLength(tag));
            }
        }
        Ok(())
    }

    /// Skips a section of tagged fields of which none is known.
    pub fn skip_tagged_fields(&mut self) -> Result<()> {
        self.tagged_fields(|_, _| Ok(false))
    }
}

fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| DecodeError::Utf8)
}
