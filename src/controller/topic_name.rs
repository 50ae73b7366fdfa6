//! Which names a topic may have.

use super::{Reason, Refusal};

/// A partition's directory is named after its topic, with room for "-", the partition and the marks of deletion.
const LONGEST_NAME: usize = 249;

/// Kafka's rule (org.apache.kafka.common.internals.Topic): 1 to 249 of the letters a-z and A-Z, digits, '.', '_' and '-', but
/// neither "." nor "..".
///
/// # Errors
/// Says what is wrong with the name.
pub fn check_topic_name(name: &str) -> Result<(), Refusal> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
    let wrong = match name {
        "" => "it is empty".to_owned(),
        "." | ".." => "it must not be '.' or '..'".to_owned(),
        name if name.chars().count() > LONGEST_NAME => format!("it is longer than {LONGEST_NAME} characters"),
        name if !name.chars().all(allowed) => "only ASCII letters, digits, '.', '_' and '-' are allowed".to_owned(),
        _ => return Ok(()),
    };
    let shown: String = name.chars().take(LONGEST_NAME).collect();
    Err(Refusal::new(Reason::InvalidTopic, format!("'{shown}' cannot be the name of a topic: {wrong}.")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn names_are_judged_as_kafka_does() {
        let longest = "x".repeat(LONGEST_NAME);
        for good in ["a", "A.b_c-9", "...", "__consumer_offsets", longest.as_str()] {
            assert_eq!(check_topic_name(good), Ok(()), "{good}");
        }
        let too_long = "x".repeat(LONGEST_NAME + 1);
        for bad in ["", ".", "..", "a b", "a/b", "a,b", "ä", "a\0", too_long.as_str()] {
            let refusal = check_topic_name(bad).unwrap_err();
            assert_eq!(refusal.reason, Reason::InvalidTopic, "{bad}");
            assert!(refusal.message.len() < 400, "a long name is not echoed whole");
        }
    }
}
