//! Varints as ByteUtils.java reads and writes them: seven bits to a byte, the lowest first, at most 5 bytes for 32 bits and 10 for 64.
//! Signed ones are zigzag. Bits beyond the type's are dropped, as there.

use bytes::BufMut;

/// Appends `value`. For a value in the range of u32 these are also the bytes of its 32-bit form.
#[expect(clippy::cast_possible_truncation, reason = "a byte takes seven bits")]
pub(crate) fn write_unsigned(out: &mut impl BufMut, value: u64) {
    let mut rest = value;
    while rest >= 0x80 {
        out.put_u8(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.put_u8(rest as u8);
}

/// Appends `value`.
pub(crate) fn write_varint(out: &mut impl BufMut, value: i32) {
    write_varlong(out, i64::from(value));
}

/// Appends `value`. For a value in the range of i32 these are also the bytes of its 32-bit form.
pub(crate) fn write_varlong(out: &mut impl BufMut, value: i64) {
    write_unsigned(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

/// The value at the start of `bytes` and its length; `None` when it is cut off or longer than five bytes.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "bits beyond the type's are dropped")]
pub(crate) fn read_unsigned_varint(bytes: &[u8]) -> Option<(u32, usize)> {
    read(bytes, 5).map(|(value, length)| (value as u32, length))
}

/// As [`read_unsigned_varint`].
#[inline]
pub(crate) fn read_varint(bytes: &[u8]) -> Option<(i32, usize)> {
    let (value, length) = read_unsigned_varint(bytes)?;
    Some(((value >> 1).cast_signed() ^ -(value & 1).cast_signed(), length))
}

/// The value at the start of `bytes` and its length; `None` when it is cut off or longer than ten bytes.
#[inline]
pub(crate) fn read_varlong(bytes: &[u8]) -> Option<(i64, usize)> {
    let (value, length) = read(bytes, 10)?;
    Some(((value >> 1).cast_signed() ^ -(value & 1).cast_signed(), length))
}

#[inline]
fn read(bytes: &[u8], longest: usize) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(longest).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn known_encodings() {
        for (value, bytes) in [
            (0, &[0_u8][..]),
            (-1, &[1]),
            (1, &[2]),
            (63, &[126]),
            (-64, &[127]),
            (64, &[0x80, 1]),
            (i32::MAX, &[0xfe, 0xff, 0xff, 0xff, 0x0f]),
            (i32::MIN, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        ] {
            let mut out = Vec::new();
            write_varint(&mut out, value);
            assert_eq!(out, bytes);
            assert_eq!(read_varint(bytes), Some((value, bytes.len())));
        }
    }

    #[test]
    fn bits_beyond_the_type_are_dropped() {
        assert_eq!(read_unsigned_varint(&[0xff, 0xff, 0xff, 0xff, 0x7f]), Some((u32::MAX, 5)));
        assert_eq!(read_varlong(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]), Some((i64::MIN, 10)));
    }

    #[test]
    fn too_long_or_cut_off() {
        assert_eq!(read_varint(&[0x80; 5]), None);
        assert_eq!(read_varint(&[0x80, 0x80]), None);
        assert_eq!(read_varint(&[]), None);
        assert_eq!(read_varlong(&[0x80; 10]), None);
        assert_eq!(read_varlong(&[0x80; 9]), None);
    }

    proptest::proptest! {
        #[test]
        fn round_trip(value: i64) {
            let mut out = Vec::new();
            write_varlong(&mut out, value);
            proptest::prop_assert!(out.len() <= 10);
            proptest::prop_assert_eq!(read_varlong(&out), Some((value, out.len())));
        }
    }
}
