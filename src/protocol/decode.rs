//! Bodies into kafka-protocol's messages, without reserving memory on the sender's word.
//!
//! The crate's decoders reserve room for as many elements as an array announces, so a body of seven bytes can ask for 300 GB.
//! They read through the trait `ByteBuf`, and the two here never let such a count through:
//! - [`Flexible`]: in flexible versions every unsigned varint is a length, a count or a tag, so one above what is left plus one is
//!   refused. Varints and booleans arrive as the same single-byte reads, so every run of up to five bytes that could be a varint
//!   is judged, and any other read ends the run. A varint of one byte always passes: room for 126 elements is no danger, and
//!   the number of an unknown tag may well be above what is left. What is refused besides is an unknown tag of several bytes close
//!   to the end of a body: nothing in the bytes tells it from a count. Kafka's own tags have one byte.
//! - [`Classic`]: in older versions a count is an int32, and so are many plain numbers. The first pass hands on `left + 1` in
//!   place of anything larger: a count then fails for lack of bytes. If the pass succeeds, what was lowered were plain numbers,
//!   and the body is decoded once more as it is.

use bytes::{Buf, Bytes, TryGetError};
use kafka_protocol::protocol::buf::ByteBuf;
use kafka_protocol::protocol::{Decodable, Request};

use super::{ApiKey, DecodeError};

/// Longest body that becomes a message of the crate. An element takes at least one byte on the wire and at most some hundred in
/// memory, so this bounds what one decoding can reserve. Produce requests may be longer: they are read by [`super::produce`].
const LONGEST_BODY: usize = 2 << 20;

/// Decodes a request's body, of which bytes after the last field are left unread, as Kafka does.
///
/// # Errors
/// When the version is unknown, the body is malformed or longer than 2 MiB.
pub fn decode_request<R: Request>(version: i16, body: Bytes) -> Result<R, DecodeError> {
    let api = api::<R>()?;
    if body.len() > LONGEST_BODY {
        return Err(DecodeError::TooLarge { api: api.name(), length: body.len(), limit: LONGEST_BODY });
    }
    decode(api, version, body)
}

/// Decodes the body of the response to a request of type `R`.
///
/// # Errors
/// When the version is unknown or the body is malformed.
pub fn decode_response<R: Request>(version: i16, body: Bytes) -> Result<R::Response, DecodeError> {
    decode(api::<R>()?, version, body)
}

fn api<R: Request>() -> Result<ApiKey, DecodeError> {
    ApiKey::from_number(R::KEY).ok_or(DecodeError::UnknownApi(R::KEY))
}

fn decode<T: Decodable>(api: ApiKey, version: i16, mut body: Bytes) -> Result<T, DecodeError> {
    let layout = api.layout_version(version);
    let message = if api.is_flexible(version) {
        T::decode(&mut Flexible { bytes: body, run: 0, length: 0 }, layout)
    } else {
        let mut first = Classic { bytes: body.clone(), lowered: false };
        match T::decode(&mut first, layout) {
            Ok(_) if first.lowered => T::decode(&mut body, layout),
            decoded => decoded,
        }
    };
    message.map_err(|error| match error.downcast_ref::<TryGetError>() {
        Some(short) => DecodeError::Truncated { needed: short.requested, left: short.available },
        None => DecodeError::Malformed(error.to_string()),
    })
}

/// A body in a flexible version.
struct Flexible {
    bytes: Bytes,
    /// The latest single-byte reads in a row, the last one in the lowest byte.
    run: u64,
    /// How many of them there are, at most five.
    length: u32,
}

impl Flexible {
    /// Takes note of a single byte and refuses it when it completes anything that, read as a varint of several bytes, is above
    /// `left + 1`, or has more than five bytes.
    fn judge(&mut self, byte: u8, left: usize) -> Result<(), TryGetError> {
        self.run = (self.run << 8) | u64::from(byte);
        self.length = (self.length + 1).min(5);
        let mut value = u64::from(byte & 0x7f);
        for back in 1..self.length {
            let candidate = self.run >> (8 * back) & 0xff;
            if candidate < 0x80 {
                break;
            }
            value = value << 7 | candidate & 0x7f;
            // The crate takes five bytes for a varint even if it goes on behind them; Kafka refuses it.
            let is_refused = if byte < 0x80 { value > left as u64 + 1 } else { back == 4 };
            if is_refused {
                let requested = usize::try_from(value).unwrap_or(usize::MAX);
                return Err(TryGetError { requested, available: left });
            }
        }
        Ok(())
    }
}

impl Buf for Flexible {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, count: usize) {
        self.length = 0;
        self.bytes.advance(count);
    }

    fn try_get_u8(&mut self) -> Result<u8, TryGetError> {
        let byte = self.bytes.try_get_u8()?;
        self.judge(byte, self.bytes.len())?;
        Ok(byte)
    }
}

impl ByteBuf for Flexible {
    fn peek_bytes(&mut self, range: std::ops::Range<usize>) -> Bytes {
        self.bytes.slice(range)
    }

    fn get_bytes(&mut self, size: usize) -> Bytes {
        self.length = 0;
        self.bytes.split_to(size)
    }
}

/// A body in a version before the flexible ones, first pass.
struct Classic {
    bytes: Bytes,
    /// Whether anything but the truth was handed on.
    lowered: bool,
}

impl Buf for Classic {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }

    fn try_get_i32(&mut self) -> Result<i32, TryGetError> {
        let value = self.bytes.try_get_i32()?;
        let most = i32::try_from(self.bytes.len() + 1).unwrap_or(i32::MAX);
        self.lowered |= value > most;
        Ok(value.min(most))
    }
}

impl ByteBuf for Classic {
    fn peek_bytes(&mut self, range: std::ops::Range<usize>) -> Bytes {
        self.bytes.slice(range)
    }

    fn get_bytes(&mut self, size: usize) -> Bytes {
        self.bytes.split_to(size)
    }
}
