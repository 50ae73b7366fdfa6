//! What decoding allocates: every request and response of the crate, in every version, with hostile counts in every position.
//!
//! `KLAMM_DECODE_ROUNDS` sets how many bodies are made for each (key, version); a few by default.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tests"
)]

#[path = "support/allocations.rs"]
mod allocations;
#[macro_use]
#[path = "support/every_request.rs"]
mod every_request;

use std::fmt::Debug;

use allocations::counted;
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, Encodable, Request};
use klamm::protocol::{DecodeError, decode_request, decode_response};

/// Most bytes that one allocation may take while a body of so many bytes is decoded: an element takes a byte on the wire and at
/// most some hundred in memory.
const fn bound(body: usize) -> usize {
    (64 << 10) + 256 * body
}

/// Counts and lengths that lie: varints of five, four, three and two bytes, int32s, int16s, null and negative ones.
const HOSTILE: [&[u8]; 10] = [
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0x80, 0x80, 0x80, 0x80, 0x08],
    &[0xff, 0xff, 0xff, 0x7f],
    &[0xff, 0xff, 0x7f],
    &[0xff, 0x7f],
    &[0x7f, 0xff, 0xff, 0xff],
    &[0x00, 0x7f, 0xff, 0xff],
    &[0x00, 0x00, 0xff, 0xff],
    &[0xff, 0xff, 0xff, 0xfe],
    &[0x7f, 0xff],
];

/// A small generator (xorshift), so that every run sees the same bodies.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// `body` with one byte turned into a small count and some filling behind it: the empty list or string of flexible versions
    /// (1) or of older ones (0).
    fn widened(&mut self, body: &[u8]) -> Bytes {
        let position = self.next() as usize % (body.len() + 1);
        let (count, usual, filling) = (self.next() % 3 + 1, self.next() % 2, self.next() as usize % 60);
        let mut wider = body[..position].to_vec();
        wider.push(count as u8);
        wider.resize(wider.len() + filling, usual as u8);
        wider.extend_from_slice(body.get(position + 1..).unwrap_or_default());
        wider.into()
    }
}

#[derive(Default)]
struct Tally {
    cells: usize,
    valid: usize,
    with_elements: usize,
    hostile: usize,
    largest: usize,
}

type Bounded<T> = fn(i16, Bytes) -> Result<T, DecodeError>;

/// One message in one version: bodies made, compared with the plain decoding, then made hostile.
fn cell<T: Encodable + Decodable + Default + PartialEq + Debug>(
    version: i16,
    bounded: Bounded<T>,
    rounds: usize,
    tally: &mut Tally,
) {
    let name = std::any::type_name::<T>();
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ ((version as u64) << 32));
    tally.cells += 1;
    let mut body = BytesMut::new();
    for _ in 0..rounds {
        // A few steps towards a longer body: what decodes is written anew and must be read alike by the plain decoder.
        for _ in 0..40 {
            let wider = random.widened(&body);
            let (decoded, allocated) = counted(|| bounded(version, wider.clone()));
            assert!(allocated.largest <= bound(wider.len()), "{name} {version}: {allocated:?} for {wider:x?}");
            let mut written = BytesMut::new();
            let Ok(message) = decoded else { continue };
            if message.encode(&mut written, version).is_err() || written.len() < body.len() {
                continue;
            }
            let plain = T::decode(&mut written.clone().freeze(), version).unwrap();
            assert_eq!(bounded(version, written.clone().freeze()).unwrap(), plain, "{name} {version}: {written:x?}");
            tally.valid += 1;
            tally.with_elements += usize::from(format!("{plain:?}").replace("[]", "").contains('['));
            body = written;
        }
        for position in 0..body.len().min(150) {
            let lie = HOSTILE[random.next() as usize % HOSTILE.len()];
            let mut hostile = body.clone();
            hostile.truncate(position);
            hostile.extend_from_slice(lie);
            hostile.extend_from_slice(body.get(position + lie.len()..).unwrap_or_default());
            let (_, allocated) = counted(|| bounded(version, hostile.clone().freeze()));
            assert!(allocated.largest <= bound(hostile.len()), "{name} {version}: {allocated:?} for {hostile:x?}");
            tally.hostile += 1;
            tally.largest = tally.largest.max(allocated.largest);
        }
    }
}

fn both<R>(rounds: usize, tally: &mut Tally)
where
    R: Request + Default + PartialEq + Debug,
    R::Response: Default + PartialEq + Debug,
{
    let versions = ApiKey::try_from(R::KEY).unwrap().valid_versions();
    for version in versions.min..=versions.max {
        cell::<R>(version, decode_request::<R>, rounds, tally);
        cell::<R::Response>(version, decode_response::<R>, rounds, tally);
    }
}

macro_rules! both {
    ($rounds:ident $tally:ident $($request:ident)*) => {
        $(both::<$request>($rounds, $tally);)*
    };
}

fn every_cell(rounds: usize, tally: &mut Tally) {
    every_request!(both!(rounds tally));
}

#[test]
fn no_count_reserves_more_than_its_body_is_worth() {
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, not a setting")]
    let rounds = std::env::var("KLAMM_DECODE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(16);
    let mut tally = Tally::default();
    every_cell(rounds, &mut tally);
    let Tally { cells, valid, with_elements, hostile, largest } = tally;
    println!("{cells} cells, {valid} valid bodies ({with_elements} with elements), {hostile} hostile, largest {largest} bytes");
    let known: i16 = ApiKey::iter().map(|key| key.valid_versions().max - key.valid_versions().min + 1).sum();
    assert_eq!(cells, 2 * known as usize, "a request and a response for every key and version of the crate");
    assert!(with_elements >= cells, "only {with_elements} of {valid} bodies had elements");
}

/// Without this, the test above could not fail: the plain decoder does reserve what a body announces.
#[test]
fn the_allocator_sees_what_the_plain_decoder_reserves() {
    let mut body = Bytes::from_static(&[0xff, 0xff, 0x7f, 0, 0, 0, 0]);
    let (decoded, allocated) = counted(|| MetadataRequest::decode(&mut body.clone(), 9));
    assert!(decoded.is_err() && allocated.largest > 50 << 20, "{allocated:?}");
    let (decoded, allocated) = counted(|| decode_request::<MetadataRequest>(9, body.split_off(0)));
    assert!(decoded.is_err() && allocated.largest < 4096, "{allocated:?}");
}

#[test]
fn long_bodies_are_refused_before_they_are_looked_at() {
    let body = Bytes::from(vec![0; (2 << 20) + 1]);
    let (decoded, allocated) = counted(|| decode_request::<MetadataRequest>(9, body));
    assert!(matches!(decoded, Err(DecodeError::TooLarge { .. })) && allocated.times == 0, "{allocated:?}");
}

/// Numbers above the length of what is left are no counts, and come through the two passes unharmed.
#[test]
fn plain_numbers_of_old_versions_keep_their_value() {
    let request = FetchRequest::default().with_max_wait_ms(i32::MAX).with_max_bytes(1 << 30).with_session_id(i32::MIN);
    let mut body = BytesMut::new();
    request.encode(&mut body, 7).unwrap();
    let decoded = decode_request::<FetchRequest>(7, body.freeze()).unwrap();
    assert_eq!((decoded.max_wait_ms, decoded.max_bytes, decoded.session_id), (i32::MAX, 1 << 30, i32::MIN));
}

/// The crate would read this one as null and go on in its middle; Kafka refuses it (ByteUtils.readUnsignedVarint).
#[test]
fn varints_of_more_than_five_bytes_are_refused() {
    let body = |count: &[u8]| Bytes::from([count, &[0; 4]].concat());
    assert!(decode_request::<MetadataRequest>(9, body(&[0x80, 0x80, 0x80, 0x80, 0x00])).is_ok());
    let longer = body(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00]);
    assert!(MetadataRequest::decode(&mut longer.clone(), 9).is_ok());
    assert!(decode_request::<MetadataRequest>(9, longer).is_err());
}
