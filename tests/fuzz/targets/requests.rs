//! Requests of every API in every version: the body as the bounded decoder sees it, and the header before it as a connection does.
//!
//! The first two bytes of the input choose API and version, the others are what a client sends behind them. No panic, no allocation
//! beyond what the bytes are worth, and what was understood is understood again when it is written anew.

#![no_main]

#[path = "../../support/allocations.rs"]
mod allocations;
#[macro_use]
#[path = "../../support/every_request.rs"]
mod every_request;

use allocations::counted;
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Encodable, Request};
use klamm::protocol::produce;
use klamm::protocol::{DecodeError, RequestHeader, decode_request};
use libfuzzer_sys::fuzz_target;

/// As in tests/decode_memory.rs.
const fn bound(body: usize) -> usize {
    (64 << 10) + 256 * body
}

macro_rules! one_of {
    ($api:ident $version:ident $rest:ident $($request:ident)*) => {{
        const TARGETS: &[fn(u8, &[u8])] = &[$(both::<$request>),*];
        TARGETS[usize::from(*$api) % TARGETS.len()](*$version, $rest)
    }};
}

fuzz_target!(|input: &[u8]| {
    if let [api, version, rest @ ..] = input {
        every_request!(one_of!(api version rest));
    }
});

fn both<R: Request + std::fmt::Debug>(version: u8, rest: &[u8]) {
    let versions = ApiKey::try_from(R::KEY).unwrap().valid_versions();
    let version = versions.min + i16::from(version) % (versions.max - versions.min + 1);
    body::<R>(version, rest);
    frame(R::KEY, version, rest);
}

fn body<R: Request + std::fmt::Debug>(version: i16, bytes: &[u8]) {
    let (decoded, allocated) = counted(|| decode_request::<R>(version, Bytes::copy_from_slice(bytes)));
    assert!(allocated.largest <= bound(bytes.len()), "{allocated:?}");
    let Ok(request) = decoded else { return };
    let Some(written) = write(&request, version) else { return };
    match decode_request::<R>(version, written.clone()) {
        // Compared as bytes: a number that is none equals nothing.
        Ok(again) => assert_eq!(write(&again, version), Some(written)),
        Err(error) => assert!(is_for_a_tag(&error) && has_unknown_tags(&request), "{error} for {request:?}"),
    }
}

fn write(request: &impl Encodable, version: i16) -> Option<Bytes> {
    let mut written = BytesMut::new();
    request.encode(&mut written, version).ok().map(|()| written.freeze())
}

/// The bounded decoder refuses an unknown tag of several bytes above what is left.
fn is_for_a_tag(error: &DecodeError) -> bool {
    matches!(error, DecodeError::Truncated { .. })
}

fn has_unknown_tags(request: &impl std::fmt::Debug) -> bool {
    format!("{request:?}").replace("unknown_tagged_fields: {}", "").contains("unknown_tagged_fields")
}

fn frame(key: i16, version: i16, rest: &[u8]) {
    let frame = [&key.to_be_bytes(), &version.to_be_bytes(), rest].concat();
    let read = || {
        let header = RequestHeader::parse(&frame).ok()?;
        let _ = header.client_id(&frame);
        (key == ProduceRequest::KEY).then(|| produce::ProduceRequest::decode(&frame, header.body_position(), version).is_ok())
    };
    let (by_hand, allocated) = counted(read);
    assert!(allocated.largest <= bound(rest.len()), "{allocated:?}");
    if let Some(understood) = by_hand {
        let header = RequestHeader::parse(&frame).expect("as before");
        let body = Bytes::copy_from_slice(&frame[header.body_position()..]);
        let decoded = decode_request::<ProduceRequest>(version, body);
        assert!(understood == decoded.is_ok() || understood && decoded.as_ref().is_err_and(is_for_a_tag), "{decoded:?}");
    }
}
