//! How the values of a metadata record stand in Kafka's flexible encoding, on top of the protocol's reader and writer.
//!
//! Here a value that Kafka marks as absent by -1 (or -2) becomes `None`.

use crate::protocol::DecodeError;
use crate::protocol::codec::{Reader, Writer};
use crate::types::{
    BrokerEpoch, DirectoryId, IncarnationId, LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex, ProducerId, TopicId, TopicName,
};

/// A value of a metadata record.
pub(super) trait Wire: Sized {
    fn write(&self, to: &mut Writer);
    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

macro_rules! wire_numbers {
    ($($name:ident),*) => {$(
        impl Wire for $name {
            fn write(&self, to: &mut Writer) {
                to.$name(*self);
            }

            fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
                from.$name()
            }
        }
    )*};
}
wire_numbers!(bool, i8, i16, i32, i64, u16);

macro_rules! wire_newtypes {
    ($($name:ident: $raw:ident),* $(,)?) => {$(
        impl Wire for $name {
            fn write(&self, to: &mut Writer) {
                to.$raw(self.0);
            }

            fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
                from.$raw().map(Self)
            }
        }
    )*};
}
wire_newtypes!(
    NodeId: i32,
    PartitionIndex: i32,
    LeaderEpoch: i32,
    PartitionEpoch: i32,
    BrokerEpoch: i64,
    ProducerId: i64,
    TopicId: uuid,
    DirectoryId: uuid,
    IncarnationId: uuid,
);

/// Absent is -1.
impl Wire for Option<NodeId> {
    fn write(&self, to: &mut Writer) {
        self.unwrap_or(NodeId(-1)).write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let id = NodeId::read(from)?;
        Ok((id != NodeId(-1)).then_some(id))
    }
}

/// Unchanged is -2, changed to none is -1.
impl Wire for Option<Option<NodeId>> {
    fn write(&self, to: &mut Writer) {
        self.unwrap_or(Some(NodeId(-2))).write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let id = Option::<NodeId>::read(from)?;
        Ok((id != Some(NodeId(-2))).then_some(id))
    }
}

/// Absent is -1.
impl Wire for Option<BrokerEpoch> {
    fn write(&self, to: &mut Writer) {
        self.unwrap_or(BrokerEpoch(-1)).write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let epoch = BrokerEpoch::read(from)?;
        Ok((epoch != BrokerEpoch(-1)).then_some(epoch))
    }
}

impl Wire for String {
    fn write(&self, to: &mut Writer) {
        to.compact_string(self);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        from.compact_string().map(str::to_owned)
    }
}

impl Wire for Option<String> {
    fn write(&self, to: &mut Writer) {
        to.compact_nullable_string(self.as_deref());
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(from.compact_nullable_string()?.map(str::to_owned))
    }
}

impl Wire for TopicName {
    fn write(&self, to: &mut Writer) {
        to.compact_string(self.as_str());
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        from.compact_string().map(Self::new)
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn write(&self, to: &mut Writer) {
        to.compact_array_of(self, |to, element| element.write(to));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        from.compact_array_of(T::read)
    }
}

impl<T: Wire> Wire for Option<Vec<T>> {
    fn write(&self, to: &mut Writer) {
        to.compact_nullable_array_of(self.as_deref(), |to, element| element.write(to));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        from.compact_nullable_array_of(T::read)
    }
}
