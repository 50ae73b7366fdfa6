//! Record batches in requests, as recipes, and in answers, as what their headers say.

use std::io::{Read, Write};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde_json::{Value, json};

use super::schema::{hex, meant, shown};

const HEADER_BYTES: usize = 61;
/// Records up to here are shown; of more, a checksum.
const SHOWN_BYTES: usize = 48;

/// A number of a recipe.
fn number(recipe: &Value, name: &str, default: i64) -> i64 {
    match &recipe[name] {
        Value::Null => default,
        value => value.as_i64().unwrap_or_else(|| panic!("{name} of {recipe}")),
    }
}

fn put_zigzag(into: &mut BytesMut, number: i64) {
    let mut rest = ((number << 1) ^ (number >> 63)) as u64;
    while rest > 0x7f {
        into.put_u8(rest as u8 & 0x7f | 0x80);
        rest >>= 7;
    }
    into.put_u8(rest as u8);
}

fn put_sized(into: &mut BytesMut, value: &Value) {
    match value.as_str().map(meant) {
        Some(bytes) => {
            put_zigzag(into, bytes.len() as i64);
            into.put_slice(&bytes);
        }
        None => put_zigzag(into, -1),
    }
}

/// Records a millisecond apart: `values`, or `count` of them of `size` bytes.
fn records(recipe: &Value) -> (i64, BytesMut) {
    let made = |index: i64| {
        let letter = char::from(b'a' + (index % 26) as u8);
        json!(letter.to_string().repeat(number(recipe, "size", 1) as usize))
    };
    let values = recipe["values"].as_array().cloned().unwrap_or_else(|| (0..number(recipe, "count", 1)).map(made).collect());
    let mut all = BytesMut::new();
    for (index, value) in (0..).zip(&values) {
        let mut record = BytesMut::new();
        record.put_u8(0);
        put_zigzag(&mut record, index);
        put_zigzag(&mut record, index);
        put_sized(&mut record, recipe.get("key").unwrap_or(&json!("k")));
        put_sized(&mut record, value);
        put_zigzag(&mut record, 0);
        put_zigzag(&mut all, record.len() as i64);
        all.put(record);
    }
    (values.len() as i64, all)
}

fn compress(codec: i64, plain: &[u8]) -> Vec<u8> {
    match codec & 7 {
        1 => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        2 => {
            let block = snap::raw::Encoder::new().compress_vec(plain).unwrap();
            [b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01", &(block.len() as u32).to_be_bytes()[..], &block].concat()
        }
        3 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        4 => zstd::encode_all(plain, 3).unwrap(),
        _ => plain.to_vec(),
    }
}

fn decompress(codec: i16, packed: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    match codec & 7 {
        0 => plain.extend_from_slice(packed),
        1 => drop(flate2::read::MultiGzDecoder::new(packed).read_to_end(&mut plain).ok()?),
        2 => {
            let mut rest = packed.get(16..)?;
            while !rest.is_empty() {
                let size = rest.try_get_u32().ok()? as usize;
                plain.extend(snap::raw::Decoder::new().decompress_vec(rest.get(..size)?).ok()?);
                rest = &rest[size..];
            }
        }
        3 => drop(lz4_flex::frame::FrameDecoder::new(packed).read_to_end(&mut plain).ok()?),
        4 => plain = zstd::decode_all(packed).ok()?,
        _ => return None,
    }
    Some(plain)
}

/// A recipe's bytes, or a list's one after the other; bytes as they are where it is text. What a recipe does not say is as it should be.
pub fn write(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => meant(text),
        Value::Array(recipes) => recipes.iter().flat_map(write).collect(),
        recipe => write_batch(recipe),
    }
}

fn write_batch(recipe: &Value) -> Vec<u8> {
    let (count, plain) = records(recipe);
    let codec = number(recipe, "codec", 0);
    let time = number(recipe, "time", 1_700_000_000_000);
    let mut body = BytesMut::new();
    body.put_i16((number(recipe, "attributes", 0) | codec) as i16);
    body.put_i32(number(recipe, "lastOffsetDelta", count - 1) as i32);
    body.put_i64(time);
    body.put_i64(number(recipe, "maxTimestamp", time.saturating_add((count - 1).max(0))));
    body.put_i64(number(recipe, "producer", -1));
    body.put_i16(number(recipe, "epoch", -1) as i16);
    body.put_i32(number(recipe, "sequence", -1) as i32);
    body.put_i32(number(recipe, "claimed", count) as i32);
    body.put_slice(&compress(codec, &plain));
    let mut batch = BytesMut::new();
    batch.put_i64(number(recipe, "baseOffset", 0));
    batch.put_i32(number(recipe, "length", body.len() as i64 + 9) as i32);
    batch.put_i32(-1);
    batch.put_u8(number(recipe, "magic", 2) as u8);
    batch.put_u32(crc32c::crc32c(&body) ^ number(recipe, "damage", 0) as u32);
    batch.put(body);
    batch.truncate(batch.len() - number(recipe, "cut", 0) as usize);
    batch.to_vec()
}

/// One entry for each batch; how many bytes there are of one that is cut.
pub fn read(mut bytes: Bytes) -> Value {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let size = bytes.get(8..12).map_or(usize::MAX, |length| 12 + u32::from_be_bytes(length.try_into().unwrap()) as usize);
        if bytes.len() < size.max(HEADER_BYTES) {
            found.push(json!({ "cut": bytes.len() }));
            break;
        }
        found.push(read_batch(bytes.split_to(size)));
    }
    Value::Array(found)
}

fn read_batch(mut bytes: Bytes) -> Value {
    let computed = crc32c::crc32c(&bytes[21..]);
    let (base_offset, length, leader_epoch, magic) = (bytes.get_i64(), bytes.get_i32(), bytes.get_i32(), bytes.get_i8());
    let (checksum, attributes) = (bytes.get_u32(), bytes.get_i16());
    let last_offset_delta = bytes.get_i32();
    let (base_time, max_time) = (bytes.get_i64(), bytes.get_i64());
    let (producer, epoch, sequence, count) = (bytes.get_i64(), bytes.get_i16(), bytes.get_i32(), bytes.get_i32());
    let records = match decompress(attributes, &bytes) {
        Some(plain) if plain.len() > SHOWN_BYTES => json!(format!("{} bytes, {:08x}", plain.len(), crc32c::crc32c(&plain))),
        Some(plain) => json!(shown(&plain)),
        None => json!(format!("undecodable {}", hex(&bytes))),
    };
    json!({
        "baseOffset": base_offset, "length": length, "leaderEpoch": leader_epoch, "magic": magic,
        "checksum": if checksum == computed { "right" } else { "wrong" }, "attributes": attributes,
        "lastOffsetDelta": last_offset_delta, "baseTimestamp": base_time, "maxTimestamp": max_time,
        "producerId": producer, "producerEpoch": epoch, "baseSequence": sequence, "count": count, "records": records,
    })
}
