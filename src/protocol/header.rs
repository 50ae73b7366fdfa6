//! The header before a request.

use std::ops::Range;

use super::codec::Reader;
use super::{ApiKey, DecodeError};
use crate::config::ListenerPurpose;

/// What stands before a request's body. It holds positions in the frame instead of slices, so that the frame can be changed in
/// place while the header is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestHeader {
    pub api_key: ApiKey,
    /// As sent: not yet known to be served.
    pub api_version: i16,
    /// Any number; echoed in the answer.
    pub correlation_id: i32,
    client_id: Range<usize>,
    body: usize,
}

impl RequestHeader {
    /// Reads the header at the start of a frame (without its size prefix).
    ///
    /// # Errors
    /// When the key is unknown or the bytes are malformed: there is no answer to that, the connection is closed. An unsupported
    /// version is not an error here, because ApiVersions answers it.
    pub fn parse(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(frame);
        let key = reader.i16()?;
        let api_key = ApiKey::from_number(key).ok_or(DecodeError::UnknownApi(key))?;
        let api_version = reader.i16()?;
        let correlation_id = reader.i32()?;
        let client_id = reader.nullable_string()?.map_or(0, str::len);
        let client_id = reader.position() - client_id..reader.position();
        if api_key.is_flexible(api_version) {
            reader.skip_tagged_fields()?;
        }
        Ok(Self { api_key, api_version, correlation_id, client_id, body: reader.position() })
    }

    /// The client's name for itself; empty when it gave none, as Kafka has it.
    #[must_use]
    pub fn client_id<'a>(&self, frame: &'a [u8]) -> &'a str {
        frame.get(self.client_id.clone()).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// Position of the body in the frame.
    #[must_use]
    pub const fn body_position(&self) -> usize {
        self.body
    }

    /// Whether the version is one that Klamm serves on such a listener.
    #[must_use]
    pub fn is_served(&self, listener: ListenerPurpose) -> bool {
        self.api_key.is_on(listener) && self.api_key.served().is_some_and(|served| served.contains(self.api_version))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "tests")]

    use proptest::prelude::*;

    use super::*;
    use crate::protocol::codec::Writer;

    /// Writes a request's header in the version that belongs to the request's.
    fn put_request_header(writer: &mut Writer, api_key: ApiKey, api_version: i16, correlation_id: i32, client_id: Option<&str>) {
        writer.i16(api_key.number());
        writer.i16(api_version);
        writer.i32(correlation_id);
        writer.nullable_string(client_id);
        if api_key.is_flexible(api_version) {
            writer.no_tagged_fields();
        }
    }

    fn header(api_key: ApiKey, api_version: i16, client_id: Option<&str>) -> Vec<u8> {
        Writer::apart(|writer| put_request_header(writer, api_key, api_version, -7, client_id)).as_slice().to_vec()
    }

    #[test]
    fn both_versions_are_read_and_the_body_follows() {
        for (version, tags) in [(8, 0), (9, 1)] {
            let mut frame = header(ApiKey::Metadata, version, Some("me"));
            frame.extend([1, 2, 3]);
            let read = RequestHeader::parse(&frame).unwrap();
            assert_eq!((read.api_key, read.api_version, read.correlation_id), (ApiKey::Metadata, version, -7));
            assert_eq!((read.client_id(&frame), read.body_position()), ("me", 12 + tags));
        }
    }

    #[test]
    fn a_null_client_id_is_an_empty_one() {
        let frame = header(ApiKey::Fetch, 4, None);
        let read = RequestHeader::parse(&frame).unwrap();
        assert_eq!((read.client_id(&frame), read.body_position()), ("", frame.len()));
    }

    #[test]
    fn unknown_tags_are_skipped() {
        let mut frame = header(ApiKey::ApiVersions, 3, None);
        assert_eq!(frame.pop(), Some(0));
        frame.extend([1, 9, 2, 0xaa, 0xbb]);
        assert_eq!(RequestHeader::parse(&frame).unwrap().body_position(), frame.len());
    }

    #[test]
    fn an_unserved_version_is_read_and_an_unknown_key_refused() {
        let read = RequestHeader::parse(&header(ApiKey::ApiVersions, 99, None)).unwrap();
        assert!(!read.is_served(ListenerPurpose::Broker));
        assert_eq!(RequestHeader::parse(&[0, 4, 0, 0, 0, 0, 0, 0, 0xff, 0xff]), Err(DecodeError::UnknownApi(4)));
    }

    #[test]
    fn every_cut_is_refused() {
        let frame = header(ApiKey::Metadata, 12, Some("client"));
        for cut in 0..frame.len() {
            assert!(RequestHeader::parse(&frame[..cut]).is_err(), "{cut}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(read) = RequestHeader::parse(&bytes) {
                prop_assert!(read.body_position() <= bytes.len());
                prop_assert!(read.client_id(&bytes).len() <= bytes.len());
            }
        }
    }
}
