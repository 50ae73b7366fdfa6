//! Zigzag varints of at most 5 (32 bits) and 10 bytes (64 bits), as ByteUtils.java reads and writes them.

/// Appends `value`.
pub(super) fn write_varint(out: &mut Vec<u8>, value: i32) {
    write_varlong(out, i64::from(value));
}

/// Appends `value`. For a value in the range of i32 these are also the bytes of its 32-bit form.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "zigzag keeps every bit; a byte takes seven of them")]
pub(super) fn write_varlong(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// The value at the start of `bytes` and its length; `None` when it is cut off or longer than five bytes.
#[inline]
#[expect(clippy::cast_possible_wrap, reason = "zigzag keeps every bit")]
pub(super) fn read_varint(bytes: &[u8]) -> Option<(i32, usize)> {
    let mut value = 0_u32;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= u32::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some(((value >> 1) as i32 ^ -((value & 1) as i32), index + 1));
        }
    }
    None
}

/// The value at the start of `bytes` and its length; `None` when it is cut off or longer than ten bytes.
#[inline]
#[expect(clippy::cast_possible_wrap, reason = "zigzag keeps every bit")]
pub(super) fn read_varlong(bytes: &[u8]) -> Option<(i64, usize)> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some(((value >> 1) as i64 ^ -((value & 1) as i64), index + 1));
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
