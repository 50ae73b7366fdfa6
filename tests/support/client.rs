//! One connection of a small Kafka client: frames and correlation ids, nothing more.

use std::io::{self, ErrorKind};
use std::marker::PhantomData;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// No answer in a test is larger.
const FRAME_BYTES_MAX: usize = 64 << 20;

#[derive(Debug)]
pub struct Client<S> {
    stream: S,
    client_id: StrBytes,
    next_correlation_id: i32,
}

/// A request that was sent and not yet answered. Answers come in the order of the requests.
#[derive(Debug)]
pub struct Sent<R> {
    correlation_id: i32,
    version: i16,
    request: PhantomData<R>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub fn new(stream: S, client_id: &str) -> Self {
        Self { stream, client_id: StrBytes::from_string(client_id.to_owned()), next_correlation_id: 0 }
    }

    /// Sends a request and waits for its answer.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    pub async fn call<R: Request>(&mut self, version: i16, request: &R) -> io::Result<R::Response> {
        let sent = self.send(version, request).await?;
        self.receive(sent).await
    }

    pub async fn send<R: Request>(&mut self, version: i16, request: &R) -> io::Result<Sent<R>> {
        let correlation_id = self.next_correlation_id;
        self.next_correlation_id += 1;
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(correlation_id)
            .with_client_id(Some(self.client_id.clone()));
        let mut frame = BytesMut::new();
        header.encode(&mut frame, R::header_version(version)).map_err(io::Error::other)?;
        request.encode(&mut frame, version).map_err(io::Error::other)?;
        self.send_frame(&frame).await?;
        Ok(Sent { correlation_id, version, request: PhantomData })
    }

    pub async fn receive<R: Request>(&mut self, sent: Sent<R>) -> io::Result<R::Response> {
        let mut frame = self.receive_frame().await?;
        let header = ResponseHeader::decode(&mut frame, R::Response::header_version(sent.version)).map_err(io::Error::other)?;
        if header.correlation_id != sent.correlation_id {
            return Err(io::Error::other(format!("the answer is to {}, not {}", header.correlation_id, sent.correlation_id)));
        }
        let response = R::Response::decode(&mut frame, sent.version).map_err(io::Error::other)?;
        if frame.has_remaining() {
            return Err(io::Error::other(format!("{} bytes follow the answer", frame.remaining())));
        }
        Ok(response)
    }

    /// Sends any bytes as one frame.
    pub async fn send_frame(&mut self, frame: &[u8]) -> io::Result<()> {
        let mut bytes = BytesMut::with_capacity(frame.len() + 4);
        bytes.put_u32(u32::try_from(frame.len()).map_err(io::Error::other)?);
        bytes.put_slice(frame);
        self.stream.write_all(&bytes).await?;
        self.stream.flush().await
    }

    pub async fn receive_frame(&mut self) -> io::Result<Bytes> {
        let length = usize::try_from(self.stream.read_i32().await?).map_err(io::Error::other)?;
        if length > FRAME_BYTES_MAX {
            return Err(ErrorKind::InvalidData.into());
        }
        let mut frame = BytesMut::zeroed(length);
        self.stream.read_exact(&mut frame).await?;
        Ok(frame.freeze())
    }
}
