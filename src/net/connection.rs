//! One connection: frames in, answers out.
//!
//! A single task does all of it, in turns: read what is there, hand every complete frame to the service, collect the answers that
//! are ready, write them in one call. Answers that come later wait side by side and leave in the order of their requests.
//!
//! What bounds it: requests without an answer (number and bytes) and answers that the peer does not take; above either, no frame
//! is taken and the socket is not read. A frame's memory grows with the bytes that arrived: by 64 KiB, threefold, or to the size
//! of the largest frame that this peer has sent in full before. What exceeds one read is paid for from the
//! [`super::budget::Budget`], large steps before they are read.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::stream::FuturesOrdered;
use futures_util::{FutureExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::time::Sleep;

use super::budget::Charge;
use super::pool::{BufferPool, READ};
use super::server::Shared;
use super::{ConnectionContext, Outcome, Reply, Response};
use crate::seams::{BoxFuture, Connection};
use crate::types::Now;

/// Bytes of the size before each frame.
const SIZE: usize = 4;
/// A started frame shorter than this is copied out of the pooled buffer when the connection has to wait for the rest.
const SMALL_PART: usize = 16 << 10;
/// Most pieces in one vectored write.
const PIECES: usize = 64;
/// How long, while others wait for the budget, a started frame may stand still, or may keep the turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a connection came to its end.
#[derive(Debug)]
pub(super) enum End {
    /// The peer closed it, or the server stops.
    Usual,
    /// Nothing was read or written for `connections.max.idle.ms`.
    Idle,
    /// We close it, for the reason given.
    Refused(String),
    Broken(io::Error),
}

/// An answer whose time has come, with what its request held.
struct Answered {
    outcome: Outcome,
    charge: Charge,
    frame_bytes: usize,
    /// Bytes of the answer that were ready before their turn.
    early_bytes: usize,
    was_alone: bool,
}

pub(super) struct Conversation {
    stream: Connection,
    context: Arc<ConnectionContext>,
    shared: Arc<Shared>,
    pool: Arc<BufferPool>,

    /// Bytes read and not taken as frames yet.
    buffer: BytesMut,
    /// Whether its memory is the pool's.
    is_pooled: bool,
    /// Paid for `buffer`, and ahead of it for the rest of a started frame.
    charge: Charge,
    charging: Option<BoxFuture<'static, Charge>>,
    largest_frame: usize,

    answers: FuturesOrdered<BoxFuture<'static, Answered>>,
    unanswered_requests: usize,
    unanswered_bytes: usize,
    output: VecDeque<Bytes>,
    output_bytes: usize,
    /// Bytes of answers that are ready and wait behind others.
    early_bytes: usize,
    /// A request is in flight that is to be the last one until it is answered.
    is_alone: bool,

    /// Set when no more is read: what is in flight is answered, then this is the end.
    closing: Option<End>,
    draining: BoxFuture<'static, ()>,
    timer: Pin<Box<Sleep>>,
    last_read: Now,
    last_write: Now,
    /// Since when the turn beyond the budget is held.
    turn_since: Option<Now>,
    /// Whether the timer is set to look after a started frame.
    watches_part: bool,
}

impl Conversation {
    pub(super) fn new(
        stream: Connection,
        context: Arc<ConnectionContext>,
        shared: Arc<Shared>,
        pool: Arc<BufferPool>,
        draining: BoxFuture<'static, ()>,
    ) -> Self {
        let now = shared.clock.now();
        let timer = Box::pin(tokio::time::sleep(shared.limits.max_idle));
        Self {
            stream,
            context,
            shared,
            pool,
            buffer: BytesMut::new(),
            is_pooled: false,
            charge: Charge::allowance(READ),
            charging: None,
            largest_frame: 0,
            answers: FuturesOrdered::new(),
            unanswered_requests: 0,
            unanswered_bytes: 0,
            output: VecDeque::new(),
            output_bytes: 0,
            early_bytes: 0,
            is_alone: false,
            closing: None,
            draining,
            timer,
            last_read: now,
            last_write: now,
            turn_since: None,
            watches_part: false,
        }
    }

    /// Runs the connection to its end.
    pub(super) async fn run(mut self) -> End {
        let end = std::future::poll_fn(|context| self.poll_turns(context)).await;
        if matches!(end, End::Usual | End::Refused(_)) {
            let _ = std::future::poll_fn(|context| Pin::new(&mut self.stream).poll_shutdown(context)).await;
        }
        end
    }

    fn poll_turns(&mut self, context: &mut Context<'_>) -> Poll<End> {
        loop {
            if self.closing.is_none() && self.draining.as_mut().poll(context).is_ready() {
                self.close(End::Usual);
            }
            let paid = self.poll_paid(self.buffer.len(), context).is_ready();
            let mut progress = paid && self.take_frames();
            progress |= self.collect_answers(context);
            match self.write(context) {
                Ok(written) => progress |= written,
                Err(error) => return Poll::Ready(End::Broken(error)),
            }
            if self.answers.is_empty() && self.output.is_empty() && self.closing.is_some() {
                return Poll::Ready(self.closing.take().unwrap_or(End::Usual));
            }
            if let Poll::Ready(read) = self.poll_read(context) {
                match read {
                    Ok(0) => self.close(End::Usual),
                    Ok(_) => {}
                    Err(error) => return Poll::Ready(End::Broken(error)),
                }
                progress = true;
            }
            if let Poll::Ready(end) = self.poll_timer(context) {
                return Poll::Ready(end);
            }
            if !progress {
                return Poll::Pending;
            }
        }
    }

    /// Reads no more; what is in flight is still answered.
    fn close(&mut self, end: End) {
        self.closing = Some(end);
        self.buffer.clear();
        self.charging = None;
        self.charge = Charge::default();
    }

    // Paying.

    /// Ready when `bytes` of the buffer, and ahead of it, are paid for.
    fn poll_paid(&mut self, bytes: usize, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(charging) = &mut self.charging {
                let charge = ready!(charging.as_mut().poll(context));
                self.charging = None;
                if charge.has_turn() {
                    self.turn_since = Some(self.shared.clock.now());
                }
                self.charge.add(charge);
            }
            let missing = bytes.saturating_sub(self.charge.bytes());
            if missing == 0 || self.shared.budget.try_charge(missing, &mut self.charge) {
                return Poll::Ready(());
            }
            self.charging = Some(Box::pin(Arc::clone(&self.shared.budget).charge(missing)));
        }
    }

    // Reading.

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.closing.is_some() || self.charging.is_some() || !self.may_take_frame() {
            return Poll::Pending;
        }
        if !self.is_pooled && self.buffer.len() < SMALL_PART {
            let part = std::mem::replace(&mut self.buffer, self.pool.take());
            self.buffer.extend_from_slice(&part);
            self.is_pooled = true;
        }
        let window = self.window();
        if self.buffer.capacity() - self.buffer.len() < window {
            self.is_pooled &= window <= READ;
            self.buffer.reserve(window);
        }
        let read = pin!(self.stream.read_buf(&mut (&mut self.buffer).limit(window))).poll(context);
        if read.is_pending() {
            self.return_buffer();
        } else {
            self.last_read = self.shared.clock.now();
        }
        read
    }

    /// How much to read at once. The rest of a frame that is well under way may come in one piece if the budget has room; else
    /// little is read and paid for afterwards, so that nobody stands in line for bytes that may never come.
    fn window(&mut self) -> usize {
        let Some(missing) = self.missing() else { return READ };
        let trusted = self.largest_frame.max(3 * self.buffer.len());
        let ahead = missing.min(trusted);
        if self.buffer.len() < SMALL_PART || ahead <= READ {
            return missing.min(READ);
        }
        let unpaid = (self.buffer.len() + ahead).saturating_sub(self.charge.bytes());
        if self.shared.budget.try_charge(unpaid, &mut self.charge) { ahead } else { READ }
    }

    /// Gives the buffer back before a wait; a short part of a frame is copied out of it.
    fn return_buffer(&mut self) {
        if self.is_pooled && self.buffer.len() < SMALL_PART {
            let part = BytesMut::from(&*self.buffer);
            self.pool.put(std::mem::replace(&mut self.buffer, part));
            self.is_pooled = false;
        }
    }

    /// The size that stands before the first frame in the buffer.
    fn announced(&self) -> Option<i32> {
        self.buffer.first_chunk::<SIZE>().map(|size| i32::from_be_bytes(*size))
    }

    /// Bytes that the first frame in the buffer still lacks, if its size is known.
    fn missing(&self) -> Option<usize> {
        let size = usize::try_from(self.announced()?).ok()?;
        (SIZE + size).checked_sub(self.buffer.len()).filter(|missing| *missing > 0)
    }

    // Taking frames.

    /// Whether the bounds allow one more request. A request larger than the bound is taken when it is alone.
    fn may_take_frame(&self) -> bool {
        let limits = &self.shared.limits;
        let unsent = !self.is_alone && self.output_bytes + self.early_bytes < limits.max_unsent_bytes;
        let unanswered =
            self.unanswered_requests < limits.max_pipelined_requests && self.unanswered_bytes < limits.max_unanswered_bytes;
        unsent && (unanswered || self.unanswered_requests == 0)
    }

    fn take_frames(&mut self) -> bool {
        let mut taken = false;
        while self.closing.is_none() && self.may_take_frame() {
            let Some(announced) = self.announced() else { break };
            let size = match usize::try_from(announced) {
                Ok(size) if size <= self.shared.limits.max_request_bytes => size,
                _ => {
                    self.close(End::Refused(format!("a frame of {announced} bytes was announced")));
                    return true;
                }
            };
            if self.buffer.len() < SIZE + size {
                break;
            }
            self.buffer.advance(SIZE);
            let frame = self.buffer.split_to(size);
            self.largest_frame = self.largest_frame.max(size);
            self.call(frame);
            taken = true;
        }
        if self.buffer.is_empty() && !self.is_pooled {
            self.buffer = BytesMut::new();
        }
        taken
    }

    fn call(&mut self, frame: BytesMut) {
        let frame_bytes = SIZE + frame.len();
        let charge = self.charge.split(frame_bytes);
        self.turn_since = None;
        self.unanswered_requests += 1;
        self.unanswered_bytes += frame_bytes;
        let answered = move |outcome| Answered { outcome, charge, frame_bytes, early_bytes: 0, was_alone: false };
        let reply = match self.shared.service() {
            Some(service) => service.call(&self.context, frame),
            None => Reply::Close("the server does not serve yet".to_owned()),
        };
        match reply {
            Reply::Later(outcome) => self.answers.push_back(Box::pin(outcome.map(answered))),
            Reply::Alone(outcome) => {
                self.is_alone = true;
                let alone = move |outcome| Answered { was_alone: true, ..answered(outcome) };
                self.answers.push_back(Box::pin(outcome.map(alone)));
            }
            Reply::Now(response) => self.answer(answered(Outcome::Response(response))),
            Reply::Nothing => self.answer(answered(Outcome::Nothing)),
            Reply::Close(reason) => self.close(End::Refused(reason)),
        }
    }

    // Answering.

    /// An answer that is ready: sent at once when no earlier one is outstanding.
    fn answer(&mut self, mut answered: Answered) {
        if self.answers.is_empty() {
            self.finish(answered);
        } else {
            answered.early_bytes = answered.outcome.bytes();
            self.early_bytes += answered.early_bytes;
            self.answers.push_back(Box::pin(std::future::ready(answered)));
        }
    }

    fn finish(&mut self, answered: Answered) {
        let Answered { outcome, charge, frame_bytes, early_bytes, was_alone } = answered;
        self.early_bytes -= early_bytes;
        self.is_alone &= !was_alone;
        self.charge.add(charge.pay_back());
        self.unanswered_requests -= 1;
        self.unanswered_bytes -= frame_bytes;
        match outcome {
            Outcome::Response(Response { pieces }) => {
                self.output_bytes += pieces.iter().map(Bytes::len).sum::<usize>();
                self.output.extend(pieces.into_iter().filter(|piece| !piece.is_empty()));
            }
            Outcome::Nothing => {}
            Outcome::Close(reason) => {
                self.answers = FuturesOrdered::new();
                self.close(End::Refused(reason));
            }
        }
    }

    /// Moves answers whose turn it is to the output, as long as the peer takes what is there.
    fn collect_answers(&mut self, context: &mut Context<'_>) -> bool {
        let mut any = false;
        while self.output_bytes < self.shared.limits.max_unsent_bytes {
            let Poll::Ready(Some(answered)) = self.answers.poll_next_unpin(context) else { break };
            self.finish(answered);
            any = true;
        }
        any
    }

    /// Writes what the socket takes; true if that was anything.
    fn write(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        let mut any = false;
        while !self.output.is_empty() {
            let mut slices = [IoSlice::new(&[]); PIECES];
            let count = self.output.iter().zip(&mut slices).map(|(piece, slice)| *slice = IoSlice::new(piece)).count();
            let slices = slices.get(..count).unwrap_or_default();
            let Poll::Ready(written) = Pin::new(&mut self.stream).poll_write_vectored(context, slices) else { break };
            match written? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => self.sent(written),
            }
            any = true;
        }
        if any {
            self.last_write = self.shared.clock.now();
        }
        Ok(any)
    }

    fn sent(&mut self, mut bytes: usize) {
        self.output_bytes -= bytes;
        while let Some(piece) = self.output.front_mut() {
            if bytes < piece.len() {
                piece.advance(bytes);
                return;
            }
            bytes -= piece.len();
            self.output.pop_front();
        }
    }

    // Waiting.

    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<End> {
        let max_idle = self.shared.limits.max_idle;
        if !self.buffer.is_empty() && !self.watches_part {
            self.watches_part = true;
            self.timer.set(tokio::time::sleep(PATIENCE.min(max_idle)));
        }
        loop {
            ready!(self.timer.as_mut().poll(context));
            let now = self.shared.clock.now();
            let idle = now.since(self.last_read.max(self.last_write));
            let waits_for_us = self.closing.is_none() && !self.answers.is_empty() && self.output.is_empty();
            if idle >= max_idle && !waits_for_us {
                return Poll::Ready(End::Idle);
            }
            if self.keeps_others_waiting(now) {
                return Poll::Ready(End::Refused("it left a frame unfinished while others waited for memory".to_owned()));
            }
            self.watches_part = !self.buffer.is_empty();
            let next = if self.watches_part { PATIENCE.min(max_idle) } else { max_idle.saturating_sub(idle) };
            let next = if waits_for_us { max_idle } else { next };
            self.timer.set(tokio::time::sleep(next.max(Duration::from_millis(1))));
        }
    }

    /// Whether others wait for the budget while this peer owes us the rest of a frame that holds some of it.
    fn keeps_others_waiting(&self, now: Now) -> bool {
        let owes = self.charging.is_none() && self.may_take_frame() && !self.buffer.is_empty();
        let stands_still = now.since(self.last_read) >= PATIENCE;
        let has_turn_long = self.turn_since.is_some_and(|since| now.since(since) >= PATIENCE);
        owes && self.shared.budget.is_contended() && (stands_still || has_turn_long)
    }
}
