//! Kafka's message schemas as they are in its jars, and bytes read and written by them: nothing of the product's has a hand in it.

use std::collections::BTreeMap;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::batches;

/// As a schema writes it: `3`, `2-5`, `4+` or `none`.
#[derive(Clone, Copy, Deserialize, PartialEq, Debug)]
#[serde(try_from = "String")]
pub struct Versions {
    pub first: i16,
    pub last: i16,
}

impl TryFrom<String> for Versions {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "none" {
            return Ok(Self { first: 1, last: 0 });
        }
        if let Some(first) = text.strip_suffix('+') {
            return Ok(Self { first: first.parse()?, last: i16::MAX });
        }
        let (first, last) = text.split_once('-').unwrap_or((&text, &text));
        Ok(Self { first: first.parse()?, last: last.parse()? })
    }
}

impl Versions {
    pub fn contains(self, version: i16) -> bool {
        self.first <= version && version <= self.last
    }
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    versions: Versions,
    nullable_versions: Option<Versions>,
    tagged_versions: Option<Versions>,
    tag: Option<u32>,
    default: Option<Value>,
    #[serde(default)]
    fields: Vec<Field>,
}

#[derive(Deserialize, Debug)]
struct CommonStruct {
    name: String,
    fields: Vec<Field>,
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
struct Schema {
    api_key: i16,
    valid_versions: Versions,
    flexible_versions: Versions,
    fields: Vec<Field>,
    #[serde(default)]
    common_structs: Vec<CommonStruct>,
}

/// By name of the message, such as `FetchRequest`.
#[derive(Deserialize, Debug)]
pub struct Schemas(BTreeMap<String, Schema>);

/// One message in one version.
#[derive(Clone, Copy)]
pub struct Layout<'a> {
    schema: &'a Schema,
    version: i16,
}

impl Schemas {
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap()
    }

    fn schema(&self, message: &str) -> &Schema {
        self.0.get(message).unwrap_or_else(|| panic!("no schema of {message}"))
    }

    pub fn request(&self, api: &str, version: i16) -> Layout<'_> {
        let schema = self.schema(&format!("{api}Request"));
        Layout { schema, version: version.min(schema.valid_versions.last) }
    }

    pub fn response(&self, api: &str, version: i16) -> Layout<'_> {
        Layout { schema: self.schema(&format!("{api}Response")), version }
    }

    pub fn key(&self, api: &str) -> i16 {
        self.schema(&format!("{api}Request")).api_key
    }

    pub fn versions(&self, api: &str) -> Versions {
        self.schema(&format!("{api}Request")).valid_versions
    }

    pub fn api(&self, key: i16) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, schema)| schema.api_key == key && name.ends_with("Request"))
            .map(|(name, _)| &name[..name.len() - 7])
    }
}

/// What is wrong with bytes that were read.
pub type Wrong = String;

fn wrong(error: bytes::TryGetError) -> Wrong {
    error.to_string()
}

fn take(bytes: &mut Bytes, count: usize) -> Result<Bytes, Wrong> {
    if bytes.len() < count {
        return Err(format!("{count} bytes are wanted where {} are left", bytes.len()));
    }
    Ok(bytes.split_to(count))
}

fn get_varint(bytes: &mut Bytes) -> Result<usize, Wrong> {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = bytes.try_get_u8().map_err(wrong)?;
        value |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 || shift > 28 {
            return Ok(value);
        }
    }
}

fn put_varint(into: &mut BytesMut, mut value: usize) {
    while value > 0x7f {
        into.put_u8(value as u8 & 0x7f | 0x80);
        value >>= 7;
    }
    into.put_u8(value as u8);
}

/// Bytes as text if they are such, else as digits.
pub fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && !text.starts_with("hex:") => text.to_owned(),
        _ => format!("hex:{}", hex(bytes)),
    }
}

pub fn meant(text: &str) -> Vec<u8> {
    text.strip_prefix("hex:").map_or_else(|| text.as_bytes().to_vec(), unhex)
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

impl<'a> Layout<'a> {
    pub fn is_flexible(self) -> bool {
        self.schema.flexible_versions.contains(self.version)
    }

    /// The fields of a message, without anything behind them.
    pub fn decode(self, bytes: &mut Bytes) -> Result<Value, Wrong> {
        let value = self.get_fields(&self.schema.fields, bytes)?;
        if bytes.is_empty() { Ok(value) } else { Err(format!("{} bytes behind the answer, which says {value}", bytes.len())) }
    }

    /// Fields that `value` leaves out have their defaults; one that this version does not have is a mistake of the script.
    pub fn encode(self, value: &Value) -> Vec<u8> {
        let mut into = BytesMut::new();
        self.put_fields(&self.schema.fields, value, &mut into);
        into.to_vec()
    }

    /// The fields that this version has.
    pub fn fields(self) -> impl Iterator<Item = &'a Field> {
        self.here(&self.schema.fields)
    }

    /// Those of a structure's, or of a list's elements.
    pub fn fields_of(self, field: &'a Field) -> Option<impl Iterator<Item = &'a Field>> {
        self.inner(field).map(|fields| self.here(fields))
    }

    fn here(self, fields: &'a [Field]) -> impl Iterator<Item = &'a Field> {
        fields.iter().filter(move |field| field.versions.contains(self.version))
    }

    pub fn is_tagged(self, field: &Field) -> bool {
        self.is_here(field.tagged_versions)
    }

    pub fn is_nullable(self, field: &Field) -> bool {
        self.is_here(field.nullable_versions)
    }

    fn inner(self, field: &'a Field) -> Option<&'a [Field]> {
        if !field.fields.is_empty() {
            return Some(&field.fields);
        }
        let name = field.kind.trim_start_matches("[]");
        self.schema.common_structs.iter().find(|common| common.name == name).map(|common| &*common.fields)
    }

    fn is_here(self, versions: Option<Versions>) -> bool {
        versions.is_some_and(|versions| versions.contains(self.version))
    }

    fn get_fields(self, fields: &'a [Field], bytes: &mut Bytes) -> Result<Value, Wrong> {
        let mut values = Map::new();
        let here: Vec<_> = fields.iter().filter(|field| field.versions.contains(self.version)).collect();
        let (tagged, plain): (Vec<_>, Vec<_>) = here.into_iter().partition(|field| self.is_here(field.tagged_versions));
        for field in plain {
            values.insert(field.name.clone(), self.get_field(field, bytes).map_err(|wrong| format!("{}: {wrong}", field.name))?);
        }
        for _ in 0..if self.is_flexible() { get_varint(bytes)? } else { 0 } {
            let (tag, size) = (get_varint(bytes)?, get_varint(bytes)?);
            let mut inner = take(bytes, size)?;
            let field = tagged.iter().find(|field| field.tag == u32::try_from(tag).ok());
            let field = field.ok_or_else(|| format!("tag {tag} is not one of Kafka's"))?;
            values.insert(field.name.clone(), self.get_field(field, &mut inner)?);
            if !inner.is_empty() {
                return Err(format!("{} bytes behind tag {tag}", inner.len()));
            }
        }
        Ok(Value::Object(values))
    }

    fn get_field(self, field: &'a Field, bytes: &mut Bytes) -> Result<Value, Wrong> {
        let Some(element) = field.kind.strip_prefix("[]") else { return self.get_one(field, &field.kind, bytes) };
        let Some(count) = self.get_length(false, bytes)? else { return Ok(Value::Null) };
        if count > bytes.len() {
            return Err(format!("{count} elements in {} bytes", bytes.len()));
        }
        (0..count).map(|_| self.get_one(field, element, bytes)).collect()
    }

    fn get_length(self, is_string: bool, bytes: &mut Bytes) -> Result<Option<usize>, Wrong> {
        if self.is_flexible() {
            return Ok(get_varint(bytes)?.checked_sub(1));
        }
        let length = if is_string {
            i64::from(bytes.try_get_i16().map_err(wrong)?)
        } else {
            i64::from(bytes.try_get_i32().map_err(wrong)?)
        };
        Ok(usize::try_from(length).ok())
    }

    fn get_one(self, field: &'a Field, kind: &str, bytes: &mut Bytes) -> Result<Value, Wrong> {
        if let Some(fields) = self.inner(field) {
            let is_null =
                !field.kind.starts_with("[]") && self.is_here(field.nullable_versions) && bytes.try_get_i8().map_err(wrong)? < 0;
            return if is_null { Ok(Value::Null) } else { self.get_fields(fields, bytes) };
        }
        Ok(match kind {
            "bool" => match bytes.try_get_u8().map_err(wrong)? {
                0 => json!(false),
                1 => json!(true),
                other => return Err(format!("a truth of {other}")),
            },
            "int8" => json!(bytes.try_get_i8().map_err(wrong)?),
            "int16" => json!(bytes.try_get_i16().map_err(wrong)?),
            "uint16" => json!(bytes.try_get_u16().map_err(wrong)?),
            "int32" => json!(bytes.try_get_i32().map_err(wrong)?),
            "uint32" => json!(bytes.try_get_u32().map_err(wrong)?),
            "int64" => json!(bytes.try_get_i64().map_err(wrong)?),
            "float64" => json!(bytes.try_get_f64().map_err(wrong)?),
            "uuid" => json!(hex(&take(bytes, 16)?)),
            "string" => match self.get_length(true, bytes)? {
                Some(length) => json!(String::from_utf8(take(bytes, length)?.to_vec()).map_err(|error| error.to_string())?),
                None => Value::Null,
            },
            "bytes" => self
                .get_length(false, bytes)?
                .map(|length| take(bytes, length))
                .transpose()?
                .map_or(Value::Null, |taken| json!(shown(&taken))),
            "records" => {
                self.get_length(false, bytes)?.map(|length| take(bytes, length)).transpose()?.map_or(Value::Null, batches::read)
            }
            other => return Err(format!("no such type: {other}")),
        })
    }

    fn put_fields(self, fields: &'a [Field], value: &Value, into: &mut BytesMut) {
        let known: Vec<_> = fields.iter().filter(|field| field.versions.contains(self.version)).collect();
        let given = value.as_object().unwrap_or_else(|| panic!("fields are wanted, not {value}"));
        let unknown = given.keys().find(|name| known.iter().all(|field| field.name != **name));
        assert!(unknown.is_none(), "version {} has no such field: {unknown:?}", self.version);
        let (tagged, plain): (Vec<_>, Vec<_>) = known.into_iter().partition(|field| self.is_here(field.tagged_versions));
        for field in plain {
            self.put_field(field, given.get(&field.name), into);
        }
        if !self.is_flexible() {
            return;
        }
        let tagged: Vec<_> = tagged.into_iter().filter(|field| given.contains_key(&field.name)).collect();
        put_varint(into, tagged.len());
        for field in tagged {
            let mut inner = BytesMut::new();
            self.put_field(field, given.get(&field.name), &mut inner);
            put_varint(into, field.tag.unwrap() as usize);
            put_varint(into, inner.len());
            into.put(inner);
        }
    }

    fn put_field(self, field: &'a Field, given: Option<&Value>, into: &mut BytesMut) {
        let value = given.cloned().unwrap_or_else(|| self.default(field));
        if !field.kind.starts_with("[]") {
            return self.put_one(field, &field.kind, &value, into);
        }
        let elements = value.as_array();
        self.put_length(elements.map(Vec::len), false, into);
        for element in elements.into_iter().flatten() {
            self.put_one(field, &field.kind[2..], element, into);
        }
    }

    fn default(self, field: &Field) -> Value {
        let is_number = field.kind.contains("int") || field.kind.contains("float");
        match field.default.as_ref() {
            _ if field.kind.starts_with("[]") => json!([]),
            Some(Value::String(text)) if text == "null" => Value::Null,
            Some(Value::String(text)) if field.kind == "bool" => json!(text == "true"),
            Some(Value::String(text)) if text.starts_with("0x") => json!(i64::from_str_radix(&text[2..], 16).unwrap()),
            Some(Value::String(text)) if is_number => {
                text.parse::<i64>().map_or_else(|_| json!(text.parse::<f64>().unwrap()), |number| json!(number))
            }
            Some(other) => other.clone(),
            None if is_number => json!(0),
            None if field.kind == "bool" => json!(false),
            None if field.kind == "uuid" => json!("0".repeat(32)),
            None if field.kind == "records" => Value::Null,
            None if self.inner(field).is_some() => json!({}),
            None => json!(""),
        }
    }

    fn put_length(self, length: Option<usize>, is_string: bool, into: &mut BytesMut) {
        if self.is_flexible() {
            put_varint(into, length.map_or(0, |length| length + 1));
        } else if is_string {
            into.put_i16(length.map_or(-1, |length| length as i16));
        } else {
            into.put_i32(length.map_or(-1, |length| length as i32));
        }
    }

    fn put_one(self, field: &'a Field, kind: &str, value: &Value, into: &mut BytesMut) {
        if let Some(fields) = self.inner(field) {
            if !field.kind.starts_with("[]") && self.is_here(field.nullable_versions) {
                into.put_i8(if value.is_null() { -1 } else { 1 });
            }
            if !value.is_null() {
                self.put_fields(fields, value, into);
            }
            return;
        }
        let number = || value.as_i64().unwrap_or_else(|| panic!("{} is a number, not {value}", field.name));
        match kind {
            "bool" => into.put_u8(u8::from(value.as_bool().unwrap())),
            "int8" => into.put_i8(number() as i8),
            "int16" => into.put_i16(number() as i16),
            "uint16" => into.put_u16(number() as u16),
            "int32" => into.put_i32(number() as i32),
            "uint32" => into.put_u32(number() as u32),
            "int64" => into.put_i64(number()),
            "float64" => into.put_f64(value.as_f64().unwrap()),
            "uuid" => into.put_slice(&unhex(value.as_str().unwrap())),
            _ => {
                let bytes = match (kind, value) {
                    (_, Value::Null) => None,
                    ("records", value) => Some(batches::write(value)),
                    ("string", value) => {
                        Some(value.as_str().unwrap_or_else(|| panic!("{} is text, not {value}", field.name)).as_bytes().to_vec())
                    }
                    (_, value) => Some(meant(value.as_str().unwrap())),
                };
                self.put_length(bytes.as_ref().map(Vec::len), kind == "string", into);
                into.put_slice(&bytes.unwrap_or_default());
            }
        }
    }
}
