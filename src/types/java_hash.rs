//! Java's hash of a string: Kafka derives what clients see from it, partitions of coordinators and the order of topics.

/// Java's `String.hashCode`: over UTF-16 units, wrapping.
#[must_use]
pub fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

#[cfg(test)]
mod tests {
    use super::java_hash;

    #[test]
    fn keys_hash_as_in_java() {
        // "".hashCode(), "g1".hashCode(), "polygenelubricants".hashCode() (the smallest int), and a pair of surrogates.
        assert_eq!(java_hash(""), 0);
        assert_eq!(java_hash("g1"), 103 * 31 + 49);
        assert_eq!(java_hash("polygenelubricants"), i32::MIN);
        assert_eq!(java_hash("\u{1f600}"), 0xd83d * 31 + 0xde00);
    }
}
