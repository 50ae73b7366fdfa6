#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "tests")]

use proptest::prelude::*;
use uuid::Uuid;

use super::{Reader, Writer};
use crate::protocol::DecodeError;

fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    Writer::apart(write).as_slice().to_vec()
}

#[test]
fn varints_have_kafkas_bytes() {
    assert_eq!(written(|w| w.unsigned_varint(300)), [0xac, 0x02]);
    assert_eq!(written(|w| w.varint(300)), [0xd8, 0x04]);
    assert_eq!(written(|w| w.varint(-1)), [0x01]);
    assert_eq!(written(|w| w.varint(i32::MIN)), [0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert_eq!(written(|w| w.varlong(i64::MIN)), [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
}

#[test]
fn a_varint_longer_than_its_type_is_refused() {
    assert_eq!(Reader::new(&[0xff; 6]).unsigned_varint(), Err(DecodeError::Varint), "no end after five bytes");
    assert_eq!(Reader::new(&[0xff; 11]).varlong(), Err(DecodeError::Varint), "no end after ten bytes");
    assert_eq!(Reader::new(&[0xff; 3]).varint(), Err(DecodeError::Truncated { needed: 4, left: 3 }));
}

#[test]
fn strings_and_bytes_have_both_forms_and_null() {
    assert_eq!(written(|w| w.string("ab")), [0, 2, b'a', b'b']);
    assert_eq!(written(|w| w.nullable_string(None)), [0xff, 0xff]);
    assert_eq!(written(|w| w.compact_string("ab")), [3, b'a', b'b']);
    assert_eq!(written(|w| w.compact_nullable_string(None)), [0]);
    assert_eq!(written(|w| w.nullable_bytes(None)), [0xff; 4]);
    assert_eq!(Reader::new(&[0xff, 0xff]).string(), Err(DecodeError::Null));
    assert_eq!(Reader::new(&[0xff, 0xfe]).nullable_string(), Err(DecodeError::Length(-2)));
    assert_eq!(Reader::new(&[2, 0xff]).compact_string(), Err(DecodeError::Utf8));
    assert_eq!(Reader::new(&[9, 1]).compact_bytes(), Err(DecodeError::Truncated { needed: 8, left: 1 }));
}

#[test]
fn a_count_above_what_is_left_is_refused_before_an_element_is_read() {
    let mut hostile = Reader::new(&[0x7f, 0xff, 0xff, 0xff, 0]);
    assert_eq!(hostile.array_of(|_| -> Result<(), _> { unreachable!() }), Err(DecodeError::Length(i64::from(i32::MAX))));
    let mut hostile = Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0]);
    assert_eq!(
        hostile.compact_array_of(|_| -> Result<(), _> { unreachable!() }),
        Err(DecodeError::Length(i64::from(u32::MAX) - 1))
    );
}

#[test]
fn tagged_fields_are_sorted_skipped_and_filled() {
    let bytes =
        written(|w| w.tagged_fields([(0, None), (1, Some(Writer::apart(|w| w.i16(7)))), (5, Some(Writer::apart(|w| w.i8(1))))]));
    assert_eq!(bytes, [2, 1, 2, 0, 7, 5, 1, 1]);
    let mut seen = None;
    let mut reader = Reader::new(&bytes);
    reader
        .tagged_fields(|tag, value| {
            if tag == 1 {
                seen = Some(value.i16()?);
            }
            Ok(tag == 1)
        })
        .unwrap();
    assert_eq!((seen, reader.remaining()), (Some(7), 0));
    assert_eq!(Reader::new(&[1, 3, 1, 9]).tagged_fields(|_, _| Ok(true)), Err(DecodeError::TagLength(3)));
}

#[test]
fn a_nullable_struct_starts_with_a_sign() {
    assert_eq!(written(|w| w.nullable_struct(Some(&5), |w, value| w.i8(*value))), [1, 5]);
    assert_eq!(written(|w| w.nullable_struct(None::<&i8>, |w, value| w.i8(*value))), [0xff]);
    assert_eq!(Reader::new(&[0xff]).nullable_struct(Reader::i8), Ok(None));
    assert_eq!(Reader::new(&[1, 5]).nullable_struct(Reader::i8), Ok(Some(5)));
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        varint: i32, varlong: i64, unsigned: u32, id: u128, text in ".{0,40}",
        bytes in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)),
        list in proptest::option::of(proptest::collection::vec(any::<i32>(), 0..200)),
    ) {
        let written = written(|w| {
            w.varint(varint);
            w.varlong(varlong);
            w.unsigned_varint(unsigned);
            w.uuid(Uuid::from_u128(id));
            w.string(&text);
            w.compact_string(&text);
            w.nullable_bytes(bytes.as_deref());
            w.compact_nullable_bytes(bytes.as_deref());
            w.nullable_array_of(list.as_deref(), |w, element| w.i32(*element));
            w.compact_nullable_array_of(list.as_deref(), |w, element| w.i32(*element));
        });
        let mut reader = Reader::new(&written);
        prop_assert_eq!(reader.varint().unwrap(), varint);
        prop_assert_eq!(reader.varlong().unwrap(), varlong);
        prop_assert_eq!(reader.unsigned_varint().unwrap(), unsigned);
        prop_assert_eq!(reader.uuid().unwrap(), Uuid::from_u128(id));
        prop_assert_eq!(reader.string().unwrap(), &text);
        prop_assert_eq!(reader.compact_string().unwrap(), &text);
        prop_assert_eq!(reader.nullable_bytes().unwrap(), bytes.as_deref());
        prop_assert_eq!(reader.compact_nullable_bytes().unwrap(), bytes.as_deref());
        prop_assert_eq!(reader.nullable_array_of(Reader::i32).unwrap(), list.clone());
        prop_assert_eq!(reader.compact_nullable_array_of(Reader::i32).unwrap(), list);
        prop_assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn damaged_bytes_are_refused_not_feared(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let mut reader = Reader::new(&bytes);
        while reader.remaining() > 0 {
            let before = reader.position();
            let _ = reader.compact_nullable_array_of(|r| r.compact_nullable_string().map(|text| text.map(str::len)));
            let _ = reader.nullable_array_of(Reader::varlong);
            let _ = reader.skip_tagged_fields();
            if reader.position() == before && reader.u8().is_err() {
                break;
            }
        }
    }
}
