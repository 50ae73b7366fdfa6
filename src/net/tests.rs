#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::*;
use crate::config::ListenerPurpose;
use crate::seams::{Blocking, BoxFuture, Clock, Execution, Incoming, Lane, Net};
use crate::types::{Now, Timestamp};

#[derive(Debug)]
struct TestClock(Instant);

impl Clock for TestClock {
    fn now(&self) -> Now {
        Now(self.0.elapsed())
    }

    fn timestamp(&self) -> Timestamp {
        Timestamp(0)
    }

    fn random(&self) -> u64 {
        0
    }
}

/// Everything on the test's own runtime.
#[derive(Debug)]
struct TestExecution(tokio::runtime::Handle);

impl Execution for TestExecution {
    fn workers(&self) -> usize {
        2
    }

    fn spawn(&self, _lane: Lane, task: BoxFuture<'static, ()>) {
        drop(self.0.spawn(task));
    }

    fn block(&self, _place: Blocking, job: Box<dyn FnOnce() + Send>) {
        job();
    }
}

/// Answers by the first byte of a frame: `n`ow (echo), `l`ater (when the test says so, by the second byte), `s`ilent, `x`: closes,
/// `b`ig: 1 MiB of answer.
#[derive(Default)]
struct TestService {
    seen: Mutex<Vec<Bytes>>,
    later: Mutex<HashMap<u8, oneshot::Sender<Outcome>>>,
    gone: AtomicUsize,
}

fn echo(frame: &[u8]) -> Response {
    let size = u32::try_from(frame.len()).unwrap().to_be_bytes();
    Response { pieces: vec![Bytes::copy_from_slice(&size), Bytes::copy_from_slice(frame)] }
}

impl Service for TestService {
    fn call(&self, _context: &Arc<ConnectionContext>, frame: BytesMut) -> Reply {
        let frame = frame.freeze();
        self.seen.lock().unwrap().push(frame.clone());
        match frame.first() {
            Some(b'n') => Reply::Now(echo(&frame)),
            Some(b'b') => Reply::Now(Response { pieces: vec![Bytes::from(vec![0; 1 << 20])] }),
            Some(b's') => Reply::Nothing,
            Some(kind @ (b'l' | b'a')) => {
                let (sender, receiver) = oneshot::channel();
                self.later.lock().unwrap().insert(frame[1], sender);
                let outcome = Box::pin(async move { receiver.await.unwrap_or(Outcome::Nothing) });
                if *kind == b'a' { Reply::Alone(outcome) } else { Reply::Later(outcome) }
            }
            _ => Reply::Close("unknown".to_owned()),
        }
    }

    fn disconnected(&self, _context: &ConnectionContext) {
        self.gone.fetch_add(1, Ordering::Relaxed);
    }
}

impl TestService {
    fn seen(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    fn complete(&self, key: u8, outcome: Outcome) {
        drop(self.later.lock().unwrap().remove(&key).unwrap().send(outcome));
    }
}

fn limits() -> Limits {
    Limits {
        max_request_bytes: 100 << 20,
        max_queued_request_bytes: None,
        connections: ConnectionLimits::default(),
        max_idle: Duration::from_secs(600),
        max_pipelined_requests: 100,
        max_unanswered_bytes: 64 << 20,
        max_unsent_bytes: 16 << 20,
    }
}

struct Fixture {
    service: Arc<TestService>,
    server: ServerHandle,
}

async fn start_on(net: Arc<dyn Net>, limits: Limits) -> Fixture {
    let service = Arc::new(TestService::default());
    let options = ServeOptions {
        net,
        execution: Arc::new(TestExecution(tokio::runtime::Handle::current())),
        clock: Arc::new(TestClock(Instant::now())),
        addresses: vec![ListenAddress {
            listener: Arc::from("PLAINTEXT"),
            purpose: ListenerPurpose::Broker,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        }],
        limits,
    };
    let server = bind(options).await.unwrap().serve(Arc::clone(&service) as Arc<dyn Service>);
    Fixture { service, server }
}

async fn start(limits: Limits) -> Fixture {
    start_on(Arc::new(TcpNet { backlog: 50 }), limits).await
}

impl Fixture {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.server.addresses()[0].address).await.unwrap()
    }
}

fn frame(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
}

async fn answer(stream: &mut TcpStream) -> Vec<u8> {
    timeout(Duration::from_secs(10), async {
        let size = stream.read_u32().await.unwrap();
        let mut body = vec![0; size as usize];
        stream.read_exact(&mut body).await.unwrap();
        body
    })
    .await
    .expect("an answer within ten seconds")
}

/// Waits for the peer to close; whatever comes before that is dropped.
async fn closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let _ = timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await.expect("closed within ten seconds");
}

/// Waits until `holds`, for ten seconds at most.
async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within ten seconds: {what}");
}

#[tokio::test]
async fn answers_leave_in_the_order_of_requests_whenever_they_are_ready() {
    let fixture = start(limits()).await;
    let mut stream = fixture.connect().await;
    stream.write_all(&[frame(b"l1"), frame(b"n"), frame(b"l2"), frame(b"s"), frame(b"n3")].concat()).await.unwrap();
    until("all five taken, none answered", || fixture.service.seen() == 5).await;
    fixture.service.complete(b'2', Outcome::Response(echo(b"two")));
    fixture.service.complete(b'1', Outcome::Response(echo(b"one")));
    for expected in [&b"one"[..], b"n", b"two", b"n3"] {
        assert_eq!(answer(&mut stream).await, expected);
    }
}

#[tokio::test]
async fn a_frame_may_come_in_any_pieces() {
    let fixture = start(limits()).await;
    let mut stream = fixture.connect().await;
    for byte in frame(b"n slow") {
        stream.write_all(&[byte]).await.unwrap();
        stream.flush().await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(answer(&mut stream).await, b"n slow");
    let large = [b"n".to_vec(), (0..3_000_000_u32).map(|i| i.to_le_bytes()[0]).collect()].concat();
    let (mut reading, mut writing) = stream.split();
    let both = [frame(&large), frame(&large), frame(b"n")].concat();
    let write = async { writing.write_all(&both).await.unwrap() };
    let read = async {
        for expected in [&large[..], &large, b"n"] {
            let mut body = vec![0; reading.read_u32().await.unwrap() as usize];
            reading.read_exact(&mut body).await.unwrap();
            assert!(body == expected);
        }
    };
    tokio::join!(write, read);
}

#[tokio::test]
async fn sizes_that_cannot_be_close_the_connection_and_what_came_before_is_answered() {
    let fixture = start(Limits { max_request_bytes: 1000, ..limits() }).await;
    for size in [-1, i32::MIN, 1001, i32::MAX] {
        let mut stream = fixture.connect().await;
        stream.write_all(&[frame(b"n"), size.to_be_bytes().to_vec(), b"nnn".to_vec()].concat()).await.unwrap();
        assert_eq!(answer(&mut stream).await, b"n");
        closed(&mut stream).await;
    }
    until("all are gone", || fixture.service.gone.load(Ordering::Relaxed) == 4).await;
    assert_eq!(fixture.service.seen(), 4, "nothing after the size was taken");
}

#[tokio::test]
async fn an_empty_frame_reaches_the_service_which_closes() {
    let fixture = start(limits()).await;
    let mut stream = fixture.connect().await;
    stream.write_all(&[frame(b""), frame(b"n")].concat()).await.unwrap();
    closed(&mut stream).await;
    assert_eq!(fixture.service.seen(), 1, "no frame is taken after the one that closed");
}

#[tokio::test]
async fn a_later_close_drops_the_answers_behind_it() {
    let fixture = start(limits()).await;
    let mut stream = fixture.connect().await;
    stream.write_all(&[frame(b"l1"), frame(b"n")].concat()).await.unwrap();
    until("both taken", || fixture.service.seen() == 2).await;
    fixture.service.complete(b'1', Outcome::Close("refused".to_owned()));
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
}

#[tokio::test]
async fn no_more_than_the_bound_is_in_flight_on_a_connection() {
    let fixture = start(Limits { max_pipelined_requests: 3, ..limits() }).await;
    let mut stream = fixture.connect().await;
    for key in b'1'..=b'9' {
        stream.write_all(&frame(&[b'l', key])).await.unwrap();
    }
    until("three taken", || fixture.service.seen() == 3).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(fixture.service.seen(), 3);
    for key in b'1'..=b'9' {
        until("the next one taken", || fixture.service.later.lock().unwrap().contains_key(&key)).await;
        fixture.service.complete(key, Outcome::Response(echo(&[key])));
        assert_eq!(answer(&mut stream).await, [key]);
    }
}

#[tokio::test]
async fn nothing_is_taken_beside_a_request_that_is_to_be_alone() {
    let fixture = start(limits()).await;
    let mut stream = fixture.connect().await;
    stream.write_all(&[frame(b"l1"), frame(b"a2"), frame(b"n")].concat()).await.unwrap();
    until("two taken", || fixture.service.seen() == 2).await;
    fixture.service.complete(b'1', Outcome::Response(echo(b"1")));
    assert_eq!(answer(&mut stream).await, b"1");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(fixture.service.seen(), 2);
    fixture.service.complete(b'2', Outcome::Response(echo(b"2")));
    assert_eq!([answer(&mut stream).await, answer(&mut stream).await], [&b"2"[..], b"n"]);
}

#[tokio::test]
async fn answers_that_wait_behind_another_count_as_unsent() {
    let fixture = start(Limits { max_unsent_bytes: 2 << 20, max_pipelined_requests: 1000, ..limits() }).await;
    let mut stream = fixture.connect().await;
    stream.write_all(&[frame(b"l1"), frame(b"b").repeat(500)].concat()).await.unwrap();
    until("some taken", || fixture.service.seen() > 1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(fixture.service.seen() <= 4, "{} answers of 1 MiB wait behind one that does not come", fixture.service.seen());
    fixture.service.complete(b'1', Outcome::Response(echo(b"1")));
    assert_eq!(answer(&mut stream).await, b"1");
    let mut all = vec![0; 1 << 20];
    for _ in 0..500 {
        stream.read_exact(&mut all).await.unwrap();
    }
}

#[tokio::test]
async fn a_peer_that_takes_no_answers_gets_no_more() {
    let fixture = start(Limits { max_unsent_bytes: 2 << 20, max_pipelined_requests: 1000, ..limits() }).await;
    let mut stream = fixture.connect().await;
    stream.write_all(&frame(b"b").repeat(500)).await.unwrap();
    let mut before = usize::MAX;
    while std::mem::replace(&mut before, fixture.service.seen()) != fixture.service.seen() || before == 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(before < 100, "{before} answers of 1 MiB were made for a peer that reads none");
    let mut all = vec![0; 500 << 20 >> 4];
    for _ in 0..16 {
        stream.read_exact(&mut all).await.unwrap();
    }
}

#[tokio::test]
async fn idle_connections_are_closed_busy_and_waiting_ones_not() {
    let fixture = start(Limits { max_idle: Duration::from_millis(300), ..limits() }).await;
    let (mut idle, mut started, mut busy, mut waiting) =
        tokio::join!(fixture.connect(), fixture.connect(), fixture.connect(), fixture.connect());
    let begin = Instant::now();
    started.write_all(&[0, 0, 1]).await.unwrap();
    waiting.write_all(&frame(b"l1")).await.unwrap();
    for _ in 0..10 {
        busy.write_all(&frame(b"n")).await.unwrap();
        assert_eq!(answer(&mut busy).await, b"n");
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    closed(&mut idle).await;
    closed(&mut started).await;
    assert!(begin.elapsed() >= Duration::from_millis(300));
    fixture.service.complete(b'1', Outcome::Response(echo(b"still here")));
    assert_eq!(answer(&mut waiting).await, b"still here");
}

#[tokio::test]
async fn half_read_frames_cannot_use_the_budget_up_for_good() {
    let fixture = start(Limits { max_queued_request_bytes: Some(1 << 20), ..limits() }).await;
    // Three frames of 1 MiB, each begun with 600 KiB: together above the budget, none complete.
    let body = [b"n".to_vec(), vec![7; 1 << 20]].concat();
    let whole = frame(&body);
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = fixture.connect().await;
        stream.write_all(&whole[..600 << 10]).await.unwrap();
        streams.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let finish = |mut stream: TcpStream| {
        let whole = &whole;
        async move {
            let (mut reading, mut writing) = stream.split();
            let rest = async { writing.write_all(&whole[600 << 10..]).await.unwrap() };
            let answer = async {
                let mut answer = vec![0; whole.len()];
                timeout(Duration::from_secs(10), reading.read_exact(&mut answer)).await.expect("an answer").unwrap();
                assert!(answer == *whole);
            };
            tokio::join!(rest, answer);
        }
    };
    futures_util::future::join_all(streams.into_iter().map(finish)).await;
}

#[tokio::test]
async fn requests_in_flight_hold_the_budget_until_they_are_answered() {
    // Each connection's own 64 KiB are not counted.
    let fixture = start(Limits { max_queued_request_bytes: Some(200_000), ..limits() }).await;
    let request = |key| frame(&[vec![b'l', key], vec![0; 200_000]].concat());
    let (mut first, mut second, mut third) = tokio::join!(fixture.connect(), fixture.connect(), fixture.connect());
    first.write_all(&request(1)).await.unwrap();
    until("the first taken", || fixture.service.seen() == 1).await;
    second.write_all(&request(2)).await.unwrap();
    until("the second taken, by the turn", || fixture.service.seen() == 2).await;
    let late = async {
        third.write_all(&request(3)).await.unwrap();
        third
    };
    let rest = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(fixture.service.seen(), 2, "the third waits");
        fixture.service.complete(1, Outcome::Nothing);
        until("the third taken", || fixture.service.seen() == 3).await;
    };
    tokio::join!(late, rest);
}

#[tokio::test]
async fn stopping_answers_what_is_in_flight_and_takes_nothing_new() {
    let fixture = start(limits()).await;
    let address = fixture.server.addresses()[0].address;
    let (mut idle, mut waiting) = tokio::join!(fixture.connect(), fixture.connect());
    waiting.write_all(&frame(b"l1")).await.unwrap();
    until("the request taken", || fixture.service.seen() == 1).await;
    let service = Arc::clone(&fixture.service);
    let client = async {
        closed(&mut idle).await;
        waiting.write_all(&frame(b"n")).await.unwrap();
        service.complete(b'1', Outcome::Response(echo(b"last")));
        assert_eq!(answer(&mut waiting).await, b"last");
        closed(&mut waiting).await;
    };
    let (drained, ()) = tokio::join!(fixture.server.stop(Duration::from_secs(10)), client);
    assert!(drained);
    assert_eq!((service.seen(), service.gone.load(Ordering::Relaxed)), (1, 2));
    assert!(TcpStream::connect(address).await.is_err(), "the address is free");
}

#[tokio::test]
async fn stopping_cuts_off_what_is_not_answered_in_time() {
    let fixture = start(limits()).await;
    let mut waiting = fixture.connect().await;
    waiting.write_all(&frame(b"l1")).await.unwrap();
    until("the request taken", || fixture.service.seen() == 1).await;
    assert!(!fixture.server.stop(Duration::from_millis(50)).await);
    assert_eq!(fixture.service.gone.load(Ordering::Relaxed), 1);
    closed(&mut waiting).await;
}

#[tokio::test]
async fn connections_above_the_most_wait_until_one_leaves() {
    let fixture = start(Limits {
        connections: ConnectionLimits { node: Room { max: 1, ..Room::default() }, ..ConnectionLimits::default() },
        ..limits()
    })
    .await;
    let (mut first, mut second) = (fixture.connect().await, fixture.connect().await);
    second.write_all(&frame(b"n")).await.unwrap();
    first.write_all(&frame(b"n")).await.unwrap();
    assert_eq!(answer(&mut first).await, b"n");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(fixture.service.seen(), 1);
    drop(first);
    assert_eq!(answer(&mut second).await, b"n");
}

#[tokio::test]
async fn an_address_in_use_is_named_and_no_other_is_kept() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let name: Arc<str> = Arc::from("PLAINTEXT");
    let addresses = [free, taken.local_addr().unwrap()].map(|address| ListenAddress {
        listener: Arc::clone(&name),
        purpose: ListenerPurpose::Broker,
        address,
    });
    let options = ServeOptions {
        net: Arc::new(TcpNet { backlog: 50 }),
        execution: Arc::new(TestExecution(tokio::runtime::Handle::current())),
        clock: Arc::new(TestClock(Instant::now())),
        addresses: addresses.to_vec(),
        limits: limits(),
    };
    let error = bind(options).await.unwrap_err().to_string();
    assert!(error.contains(&taken.local_addr().unwrap().to_string()) && error.contains("in use"), "{error}");
}

/// A network in memory, for tests on virtual time: what the test sends is accepted, errors included.
#[derive(Debug)]
struct MemoryNet(Mutex<Option<mpsc::Receiver<io::Result<DuplexStream>>>>);

#[derive(Debug)]
struct MemoryListener(mpsc::Receiver<io::Result<DuplexStream>>);

#[derive(Debug)]
struct MemoryStream(DuplexStream);

impl crate::seams::Stream for MemoryStream {}

impl AsyncRead for MemoryStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(context, buffer)
    }
}

impl AsyncWrite for MemoryStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(context)
    }
}

impl crate::seams::Listener for MemoryListener {
    fn local_address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 9092))
    }

    fn accept(&mut self) -> BoxFuture<'_, io::Result<(Incoming, SocketAddr)>> {
        Box::pin(async {
            match self.0.recv().await {
                Some(accepted) => Ok((Incoming::Simulated(Box::new(MemoryStream(accepted?))), self.local_address())),
                None => std::future::pending().await,
            }
        })
    }
}

impl Net for MemoryNet {
    fn bind(&self, _address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn crate::seams::Listener>>> {
        let receiver = self.0.lock().unwrap().take().expect("bound once");
        Box::pin(async { Ok(Box::new(MemoryListener(receiver)) as Box<dyn crate::seams::Listener>) })
    }

    fn connect(&self, _address: SocketAddr) -> BoxFuture<'_, io::Result<crate::seams::Connection>> {
        unreachable!("only listened on")
    }
}

async fn start_in_memory(limits: Limits) -> (Fixture, mpsc::Sender<io::Result<DuplexStream>>) {
    let (sender, receiver) = mpsc::channel(10);
    (start_on(Arc::new(MemoryNet(Mutex::new(Some(receiver)))), limits).await, sender)
}

async fn connect_in_memory(sender: &mpsc::Sender<io::Result<DuplexStream>>) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    sender.send(Ok(theirs)).await.unwrap();
    ours
}

#[tokio::test(start_paused = true)]
async fn accepting_goes_on_after_errors() {
    let (_fixture, sender) = start_in_memory(limits()).await;
    for code in [24, 23, 103, 24] {
        sender.send(Err(io::Error::from_raw_os_error(code))).await.unwrap();
    }
    let mut stream = connect_in_memory(&sender).await;
    stream.write_all(&frame(b"n")).await.unwrap();
    assert_eq!(stream.read_u32().await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_a_frame_unfinished_while_others_wait_is_closed() {
    let (fixture, sender) = start_in_memory(Limits { max_queued_request_bytes: Some(100_000), ..limits() }).await;
    let begun = |bytes: usize| [&200_000_u32.to_be_bytes()[..], &vec![0; bytes]].concat();
    let (mut holds_budget, mut holds_turn, mut waits) =
        (connect_in_memory(&sender).await, connect_in_memory(&sender).await, connect_in_memory(&sender).await);
    holds_budget.write_all(&begun(150_000)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    holds_turn.write_all(&begun(110_000)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    let asked = Instant::now();
    let mut small = connect_in_memory(&sender).await;
    small.write_all(&frame(&[b"n".to_vec(), vec![0; 50_000]].concat())).await.unwrap();
    assert_eq!(small.read_u32().await.unwrap(), 50_001);
    assert!(asked.elapsed() < Duration::from_millis(100), "a small request waits for nobody");
    waits.write_all(&frame(&[b"n".to_vec(), vec![0; 110_000]].concat())).await.unwrap();
    assert_eq!(waits.read_u32().await.unwrap(), 110_001);
    assert!(asked.elapsed() > Duration::from_secs(5), "{:?}: it had to wait", asked.elapsed());
    assert!(asked.elapsed() < Duration::from_secs(25), "{:?}: the unfinished were closed", asked.elapsed());
    assert!(fixture.service.gone.load(Ordering::Relaxed) >= 1);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_costs_one_wake_up_at_its_end() {
    let (fixture, sender) = start_in_memory(limits()).await;
    let mut stream = connect_in_memory(&sender).await;
    stream.write_all(&frame(b"n")).await.unwrap();
    assert_eq!(stream.read_u32().await.unwrap(), 1);
    stream.read_u8().await.unwrap();
    let polls = || tokio::runtime::Handle::current().metrics().worker_poll_count(0);
    let before = polls();
    tokio::time::sleep(Duration::from_secs(590)).await;
    assert!(polls() - before <= 1, "{} polls while nothing happened", polls() - before);
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "closed");
    assert_eq!(fixture.service.gone.load(Ordering::Relaxed), 1);
}

/// The kernel completes as many connections as wait to be accepted, and one more.
#[tokio::test]
async fn no_more_connections_than_the_backlog_wait_to_be_accepted() {
    for backlog in [1, 4] {
        let listener = TcpNet { backlog }.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_address();
        let mut waiting = Vec::new();
        while let Ok(stream) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
            waiting.push(stream.unwrap());
            assert!(waiting.len() < 50, "there is no bound");
        }
        assert_eq!(i32::try_from(waiting.len()).unwrap(), backlog + 1);
    }
}
