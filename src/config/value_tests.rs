use super::super::key::{double, int, list, long, short, string};
use super::*;

#[test]
fn numbers_are_read_as_java_reads_them() {
    assert_eq!(int("k").parse(" +5 "), Ok(Value::Integer(5)));
    assert_eq!(int("k").parse("2147483648"), Err("Not a number of type INT".to_owned()));
    assert_eq!(short("k").parse("-32769"), Err("Not a number of type SHORT".to_owned()));
    assert_eq!(long("k").parse("9223372036854775807"), Ok(Value::Integer(i64::MAX)));
    assert_eq!(long("k").parse("9223372036854775808"), Err("Not a number of type LONG".to_owned()));
    assert_eq!(long("k").parse(""), Err("Not a number of type LONG".to_owned()));
    assert_eq!(long("k").parse("0x5"), Err("Not a number of type LONG".to_owned()));
    assert_eq!(double("k").parse("0.50f"), Ok(Value::Double(0.5)));
    assert_eq!(double("k").parse("1e-1"), Ok(Value::Double(0.1)));
    for text in ["NaN", "infinity", "abc", "", "1e999"] {
        assert_eq!(double("k").parse(text), Err("Not a number of type DOUBLE".to_owned()), "{text}");
    }
}

#[test]
fn numbers_are_printed_as_java_prints_them() {
    let printed = |value: f64| Value::Double(value).to_text();
    assert_eq!(printed(0.9), "0.9");
    assert_eq!(printed(1.0), "1.0");
    assert_eq!(printed(0.0), "0.0");
    assert_eq!(printed(0.001), "0.001");
    assert_eq!(printed(0.0001), "1.0E-4");
    assert_eq!(printed(-12_345_678.5), "-1.23456785E7");
    assert_eq!(printed(f64::MAX), "1.7976931348623157E308");
}

#[test]
fn booleans_have_two_names_in_any_case() {
    let key = super::super::key::boolean("k");
    assert_eq!(key.parse("TRUE "), Ok(Value::Boolean(true)));
    assert_eq!(key.parse("false"), Ok(Value::Boolean(false)));
    assert_eq!(key.parse("yes"), Err("Expected value to be either true or false".to_owned()));
}

#[test]
fn lists_are_split_trimmed_and_have_each_entry_once() {
    let entries = |text| list("k").parse(text).map(|value| value.to_text());
    assert_eq!(entries(" b , a,b "), Ok("b,a".to_owned()));
    assert_eq!(entries("  "), Ok(String::new()));
    assert_eq!(entries("a,"), Err("k values must not be empty".to_owned()));
    assert_eq!(list("k").not_empty().parse(""), Err("k must not be empty".to_owned()));
}

#[test]
fn every_validator_refuses_what_lies_outside() {
    let refused = |key: super::super::key::Key, text: &str| key.parse(text).expect_err("refused");
    assert_eq!(refused(int("k").at_least(1), "0"), "Value must be at least 1");
    assert_eq!(refused(int("k").between(1, 3), "0"), "Value must be at least 1");
    assert_eq!(refused(int("k").between(1, 3), "4"), "Value must be no more than 3");
    let or = int("k").allowed(Validator::BetweenOr(1, 9, -1));
    assert_eq!(refused(or, "0"), "Value must be between 1 and 9 or equal to -1");
    assert_eq!(refused(double("k").allowed(Validator::Fraction(0.0, 1.0)), "1.5"), "Value must be no more than 1");
    assert_eq!(refused(string("k").one_of(&["a", "b"]), "A"), "String must be one of: a, b");
    let any_case = string("k").allowed(Validator::OneOfIgnoringCase(&["a", "b"]));
    assert_eq!(refused(any_case, "c"), "String must be one of (case insensitive): a, b");
    assert_eq!(refused(string("k").allowed(Validator::NotEmpty), ""), "String must be non-empty");
    let entries = list("k").allowed(Validator::Entries { allowed: &["a"], may_be_empty: true });
    assert_eq!(refused(entries, "a,b"), "String must be one of: a");
    assert!(refused(list("k").allowed(Validator::ThrottledReplicas), "*,1:2").starts_with("k must be the literal '*'"));
    assert!(refused(list("k").allowed(Validator::Voters), "1@host").contains("id@host:port"));
    assert!(refused(list("k").allowed(Validator::Servers), "host:99999").contains("host:port"));
    assert!(refused(string("k").allowed(Validator::Reading(|_| Err("never".to_owned()), "nothing")), "x").contains("never"));
}

#[test]
fn every_validator_takes_its_bounds() {
    let taken = |key: super::super::key::Key, text: &str| key.parse(text).is_ok();
    assert!(taken(int("k").at_least(1), "1"));
    assert!(taken(int("k").between(1, 3), "1") && taken(int("k").between(1, 3), "3"));
    let or = int("k").allowed(Validator::BetweenOr(1, 9, -1));
    assert!(taken(or, "-1") && taken(or, "9"));
    assert!(taken(double("k").allowed(Validator::Fraction(0.0, 1.0)), "1"));
    assert!(taken(string("k").allowed(Validator::OneOfIgnoringCase(&["a"])), "A"));
    let throttled = list("k").allowed(Validator::ThrottledReplicas);
    assert!(taken(throttled, "*") && taken(throttled, "0:1,2:3") && taken(throttled, ""));
    assert!(taken(list("k").allowed(Validator::Voters), "1@a:9093,2@[::1]:9093"));
    assert!(taken(list("k").allowed(Validator::Servers), "a:9093"));
}
