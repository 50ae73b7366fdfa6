//! Requests with one very long list.

use std::fmt;

use klamm::config::ListenerPurpose;
use klamm::protocol::ApiKey;
use serde_json::{Map, Value, json};

use crate::support::made_up::{Choices, Pools, element};
use crate::support::schema::{Field, Layout, Schemas};

/// Stands in the one element that is written, to be replaced in each by another value.
const MARK: &[u8; 4] = b"zzzz";
const MARK_NUMBER: i32 = i32::from_be_bytes(*MARK);
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Lists that are left empty where another list is the long one: with them a request would contradict itself, or be refused as a whole.
const LEFT_EMPTY: [&str; 4] = ["assignments", "configs", "forgottenTopicsData", "brokerIds"];

pub struct Flood {
    pub key: ApiKey,
    pub version: i16,
    pub list: String,
    is_distinct: bool,
    /// Header and body.
    pub frame: Vec<u8>,
}

impl fmt::Display for Flood {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_distinct { "different" } else { "the same" };
        write!(formatter, "{} {} with many of {}, all {kind}", self.key, self.version, self.list)
    }
}

/// Every list of an API in its oldest and newest version, as long as the body may be.
pub fn floods(schemas: &Schemas, key: ApiKey, pools: &Pools, body_bytes: usize) -> Vec<Flood> {
    let versions = key.served().unwrap();
    assert!(key.advertised(ListenerPurpose::Broker).is_some());
    let mut floods = Vec::new();
    for version in if versions.min == versions.max { vec![versions.max] } else { vec![versions.min, versions.max] } {
        let layout = schemas.request(key.name(), version);
        let mut paths = Vec::new();
        lists(layout, layout.fields(), &mut Vec::new(), &mut paths);
        for path in paths {
            for is_distinct in [false, true] {
                let maker = Maker { layout, pools, path: &path, is_distinct };
                let mut frame = [&key.number().to_be_bytes()[..], &version.to_be_bytes(), &[0; 4], &[0, 1, b'c']].concat();
                frame.extend(if layout.is_flexible() { &[0][..] } else { &[] });
                frame.extend(maker.body(body_bytes));
                floods.push(Flood { key, version, list: path.join("."), is_distinct, frame });
            }
        }
    }
    floods
}

/// Paths to all lists.
fn lists<'a>(
    layout: Layout<'a>,
    fields: impl Iterator<Item = &'a Field>,
    path: &mut Vec<&'a str>,
    found: &mut Vec<Vec<&'a str>>,
) {
    for field in fields {
        path.push(&field.name);
        if field.kind.starts_with("[]") {
            found.push(path.clone());
        }
        if let Some(inner) = layout.fields_of(field) {
            lists(layout, inner.collect::<Vec<_>>().into_iter(), path, found);
        }
        path.pop();
    }
}

struct Maker<'a> {
    layout: Layout<'a>,
    pools: &'a Pools,
    path: &'a [&'a str],
    is_distinct: bool,
}

impl<'a> Maker<'a> {
    /// A body of at most so many bytes. Where the list stands in the bytes is told by what two elements change against one.
    fn body(&self, bytes: usize) -> Vec<u8> {
        let with = |count| self.layout.encode(&Value::Object(self.fields(self.layout.fields(), "", self.path, count)));
        let (one, two) = (with(1), with(2));
        let length = two.len() - one.len();
        let differs = one.iter().zip(&two).position(|(one, two)| one != two).unwrap();
        let (start, before) = (differs + 1, if self.layout.is_flexible() { differs } else { differs - 3 });
        let element = &one[start..start + length];
        let count = bytes.saturating_sub(one.len() + 8) / length;
        let mut body = one[..before].to_vec();
        put_count(&mut body, count, self.layout.is_flexible());
        let mark = element.windows(4).position(|window| window == MARK).filter(|_| self.is_distinct);
        for number in 0..count {
            let from = body.len();
            body.extend_from_slice(element);
            if let Some(mark) = mark {
                body[from + mark..from + mark + 4].copy_from_slice(&digits(number));
            }
        }
        body.extend_from_slice(&one[start + length..]);
        body
    }

    fn fields(&self, fields: impl Iterator<Item = &'a Field>, parent: &str, path: &[&str], count: usize) -> Map<String, Value> {
        let mut values = Map::new();
        for field in fields {
            let on_path = path.first() == Some(&&*field.name);
            let value = match (on_path, path.len()) {
                (false, _) if self.layout.is_tagged(field) => continue,
                (false, _) => self.beside(field, parent),
                (true, 1) => Value::Array(vec![self.element(field, parent); count]),
                (true, _) => {
                    let inner = self.layout.fields_of(field).unwrap().collect::<Vec<_>>();
                    let inner = Value::Object(self.fields(inner.into_iter(), &field.name, &path[1..], count));
                    if field.kind.starts_with("[]") { json!([inner]) } else { inner }
                }
            };
            values.insert(field.name.clone(), value);
        }
        values
    }

    /// A field that is not the long list, so that as much as possible has to be told, and nothing is done that takes a disk's time.
    fn beside(&self, field: &'a Field, parent: &str) -> Value {
        if field.name.starts_with("include") || field.name == "validateOnly" {
            return json!(true);
        }
        if !field.kind.starts_with("[]") {
            return element(self.layout, field, parent, self.pools, &mut Choices::new(&[]));
        }
        if self.layout.is_nullable(field) {
            return Value::Null;
        }
        let is_empty = LEFT_EMPTY.contains(&&*field.name) || self.path.len() == 1 && parent.is_empty();
        if is_empty { json!([]) } else { json!([self.usual(field, parent)]) }
    }

    fn usual(&self, field: &'a Field, parent: &str) -> Value {
        match self.layout.fields_of(field) {
            Some(inner) => {
                let inner = inner.collect::<Vec<_>>();
                Value::Object(self.fields(inner.into_iter(), &field.name, &[], 0))
            }
            None => element(self.layout, field, parent, self.pools, &mut Choices::new(&[])),
        }
    }

    /// The element of the long list, marked if each is to be another.
    fn element(&self, field: &'a Field, parent: &str) -> Value {
        let mut value = self.usual(field, parent);
        if self.is_distinct {
            let kind = field.kind.trim_start_matches("[]");
            match (self.layout.fields_of(field), mark(kind)) {
                (Some(inner), _) => {
                    let marked = inner.filter_map(|inner| Some((&inner.name, mark(&inner.kind)?))).next();
                    marked.into_iter().for_each(|(name, mark)| value[name] = mark);
                }
                (None, mark) => value = mark.unwrap_or(value),
            }
        }
        value
    }
}

fn mark(kind: &str) -> Option<Value> {
    match kind {
        "string" => Some(json!(std::str::from_utf8(MARK).unwrap())),
        "int32" => Some(json!(MARK_NUMBER)),
        "uuid" => Some(json!("7a".repeat(16))),
        _ => None,
    }
}

fn digits(mut number: usize) -> [u8; 4] {
    let mut digits = *MARK;
    for digit in &mut digits {
        *digit = DIGITS[number % DIGITS.len()];
        number /= DIGITS.len();
    }
    digits
}

fn put_count(body: &mut Vec<u8>, count: usize, is_flexible: bool) {
    if !is_flexible {
        return body.extend((count as u32).to_be_bytes());
    }
    let mut rest = count + 1;
    while rest > 0x7f {
        body.push(rest as u8 & 0x7f | 0x80);
        rest >>= 7;
    }
    body.push(rest as u8);
}
