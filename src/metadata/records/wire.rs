//! How single values stand in a metadata record: Kafka's flexible encoding (compact lengths, tagged fields at the end).

use std::collections::BTreeMap;

use super::RecordError;
use crate::types::{
    BrokerEpoch, DirectoryId, IncarnationId, LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex, ProducerId, TopicId, TopicName,
};

/// What is left of a record's bytes. Every length is judged against that before anything is reserved.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], RecordError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(RecordError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], RecordError> {
        let (taken, rest) = self.rest.split_first_chunk::<LENGTH>().ok_or(RecordError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// An unsigned varint of at most five bytes and 32 bits.
    pub(super) fn varint(&mut self) -> Result<u32, RecordError> {
        let mut value = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array()?;
            if shift == 28 && byte > 0x0f {
                return Err(RecordError::Varint);
            }
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(RecordError::Varint)
    }

    /// A compact length: the varint is one more than the length, 0 stands for null. No element is shorter than a byte, so a
    /// length above what is left is refused here.
    fn length(&mut self) -> Result<Option<usize>, RecordError> {
        let Some(length) = self.varint()?.checked_sub(1) else { return Ok(None) };
        usize::try_from(length).ok().filter(|length| *length <= self.remaining()).map(Some).ok_or(RecordError::Truncated)
    }

    /// The tagged fields at the end of a structure: each tag once, in rising order, with the bytes of its value.
    pub(super) fn tagged_fields(&mut self) -> Result<BTreeMap<u32, Self>, RecordError> {
        let mut fields = BTreeMap::new();
        for _ in 0..self.varint()? {
            let tag = self.varint()?;
            let size = usize::try_from(self.varint()?).map_err(|_| RecordError::Truncated)?;
            if fields.last_key_value().is_some_and(|(last, _)| *last >= tag) {
                return Err(RecordError::TagOrder(tag));
            }
            fields.insert(tag, Self::new(self.take(size)?));
        }
        Ok(fields)
    }

    /// The whole of what is left as one value: nothing may follow it.
    pub(super) fn only<T: Wire>(mut self) -> Result<T, RecordError> {
        let value = T::read(&mut self)?;
        self.finish().map(|()| value)
    }

    pub(super) const fn finish(&self) -> Result<(), RecordError> {
        if self.rest.is_empty() { Ok(()) } else { Err(RecordError::TrailingBytes(self.rest.len())) }
    }
}

pub(super) fn write_varint(out: &mut Vec<u8>, mut value: u32) {
    while value > 0x7f {
        out.extend_from_slice(&[(value & 0x7f) as u8 | 0x80]);
        value >>= 7;
    }
    out.extend_from_slice(&[value as u8]);
}

pub(super) fn write_length(out: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).ok().and_then(|length| length.checked_add(1));
    write_varint(out, length.expect("a batch of metadata records is at most 8 MiB"));
}

/// Writes the tagged fields that are not at their default: `fields` in rising order of the tags.
pub(super) fn write_tagged_fields(out: &mut Vec<u8>, fields: &[(u32, Vec<u8>)]) {
    write_varint(out, u32::try_from(fields.len()).expect("a structure has a handful of tags"));
    for (tag, value) in fields {
        write_varint(out, *tag);
        write_varint(out, u32::try_from(value.len()).expect("a batch of metadata records is at most 8 MiB"));
        out.extend_from_slice(value);
    }
}

/// A value of a metadata record.
pub(super) trait Wire: Sized {
    fn write(&self, out: &mut Vec<u8>);
    fn read(input: &mut Reader<'_>) -> Result<Self, RecordError>;
}

macro_rules! wire_integer {
    ($($raw:ty),*) => {$(
        impl Wire for $raw {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            fn read(input: &mut Reader<'_>) -> Result<Self, RecordError> {
                input.array().map(Self::from_be_bytes)
            }
        }
    )*};
}
wire_integer!(i8, i16, i32, i64, u16);

macro_rules! wire_newtype {
    ($($name:ident),*) => {$(
        impl Wire for $name {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }

            fn read(input: &mut Reader<'_>) -> Result<Self, RecordError> {
                Wire::read(input).map(Self)
            }
        }
    )*};
}
wire_newtype!(NodeId, PartitionIndex, LeaderEpoch, PartitionEpoch, BrokerEpoch, ProducerId, TopicId, DirectoryId, IncarnationId);

impl Wire for uuid::Uuid {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, RecordError> {
        input.array().map(Self::from_bytes)
    }
}

impl Wire for bool {
    fn write(&self, out: &mut Vec<u8>) {
        i8::from(*self).write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, RecordError> {
        i8::read(input).map(|byte| byte != 0)
    }
}

/// Absent is -1.
impl Wire for Option<NodeId> {
    fn write(&self, out: &mut Vec<u8>) {
        self.unwrap_or(NodeId(-1)).write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, RecordError> {
        let id = NodeId::read(input)?;
        Ok((id != NodeId(-1)).then_some(id))
    }
}

/// Unchanged is -2, changed to none is -1.
impl Wire for Option<Option<NodeId>> {
    fn write(&self, out: &mut Vec<u8>) {
        self.unwrap_or(Some(NodeId(-2))).write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, RecordError> {
        let id = Option::<NodeId>::read(input)?;
        Ok((id != Some(NodeId(-2))).then_some(id))
    }
}

/// Absent is -1.
impl Wire for Option<BrokerEpoch> {
    fn write(&self, out: &mut Vec<u8>) {
        self.unwrap_or(BrokerEpoch(-1)).write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, RecordError> {
        let epoch = BrokerEpoch::read(input)?;
        Ok((epoch != BrokerEpoch(-1)).then_some(epoch))
    }
}

fn read_text<'a>(input: &mut Reader<'a>) -> Result<Option<&'a str>, RecordError> {
    let Some(length) = input.length()? else { return Ok(None) };
    std::str::from_utf8(input.take(length)?).map(Some).map_err(|_| RecordError::Utf8)
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    write_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

impl Wire for String {
    fn write(&self, out: &mut Vec<u8>) {
        write_text(out, self);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, RecordError> {
        read_text(input)?.map(str::to_owned).ok_or(RecordError::Null)
    }
}

impl Wire for Option<String> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Some(text) => write_text(out, text),
            None => write_varint(out, 0),
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, RecordError> {
        Ok(read_text(input)?.map(str::to_owned))
    }
}

impl Wire for TopicName {
    fn write(&self, out: &mut Vec<u8>) {
        write_text(out, self.as_str());
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, RecordError> {
        read_text(input)?.map(Self::new).ok_or(RecordError::Null)
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        write_length(out, self.len());
        for element in self {
            element.write(out);
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, RecordError> {
        Option::<Self>::read(input)?.ok_or(RecordError::Null)
    }
}

impl<T: Wire> Wire for Option<Vec<T>> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Some(elements) => elements.write(out),
            None => write_varint(out, 0),
        }
    }

    /// Grows as elements arrive, so that memory is bounded by the bytes there are.
    fn read(input: &mut Reader<'_>) -> Result<Self, RecordError> {
        let Some(length) = input.length()? else { return Ok(None) };
        (0..length).map(|_| T::read(input)).collect::<Result<Vec<T>, _>>().map(Some)
    }
}
