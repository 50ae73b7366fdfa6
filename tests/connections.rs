//! Hostile and idle connections against the real network: what they cost in memory, and what happens when no descriptor is left.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use klamm::net::{
    ConnectionContext, Limits, ListenAddress, Reply, Response, ServeOptions, ServerHandle, Service, TcpNet, bind,
    raise_descriptor_limit,
};
use klamm::seams::{Blocking, BoxFuture, Clock, Execution, Lane};
use klamm::types::{Now, Timestamp};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// Bytes that are allocated at the moment.
static LIVE: AtomicUsize = AtomicUsize::new(0);
/// Descriptors belong to the process, so one test runs at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

struct Counting;

#[expect(unsafe_code, reason = "the trait demands it; every call goes on to the system's allocator as it came")]
// SAFETY: see above.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps GlobalAlloc's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps GlobalAlloc's contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

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

#[derive(Debug)]
struct TestExecution(tokio::runtime::Handle);

impl Execution for TestExecution {
    fn workers(&self) -> usize {
        1
    }

    fn spawn(&self, _lane: Lane, task: BoxFuture<'static, ()>) {
        drop(self.0.spawn(task));
    }

    fn block(&self, _place: Blocking, job: Box<dyn FnOnce() + Send>) {
        job();
    }
}

/// Sends every frame back.
struct Echo;

impl Service for Echo {
    fn call(&self, _context: &Arc<ConnectionContext>, frame: BytesMut) -> Reply {
        let size = u32::try_from(frame.len()).unwrap().to_be_bytes();
        Reply::Now(Response { pieces: vec![Bytes::copy_from_slice(&size), frame.freeze()] })
    }

    fn disconnected(&self, _context: &ConnectionContext) {}
}

async fn start() -> ServerHandle {
    let limits = Limits {
        max_request_bytes: 100 << 20,
        max_queued_request_bytes: Some(256 << 20),
        connections: klamm::net::ConnectionLimits::default(),
        max_idle: Duration::from_secs(600),
        max_pipelined_requests: 100,
        max_unanswered_bytes: 16 << 20,
        max_unsent_bytes: 16 << 20,
    };
    let address = ListenAddress {
        listener: Arc::from("PLAINTEXT"),
        purpose: klamm::config::ListenerPurpose::Broker,
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
    };
    let options = ServeOptions {
        net: Arc::new(TcpNet { backlog: 1000 }),
        execution: Arc::new(TestExecution(tokio::runtime::Handle::current())),
        clock: Arc::new(TestClock(Instant::now())),
        addresses: vec![address],
        limits,
    };
    bind(options).await.unwrap().serve(Arc::new(Echo))
}

async fn echoed(stream: &mut TcpStream) -> bool {
    stream.write_all(&[0, 0, 0, 1, b'x']).await.unwrap();
    let mut answer = [0; 5];
    timeout(Duration::from_secs(5), stream.read_exact(&mut answer)).await.is_ok_and(|read| read.is_ok())
}

/// Opens connections that each send `bytes`, lets the server read them, and returns the memory that each one takes.
async fn cost_of(address: SocketAddr, count: usize, bytes: &[u8]) -> usize {
    let before = LIVE.load(Ordering::Relaxed);
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        streams.push(stream);
    }
    sleep(Duration::from_millis(500)).await;
    let mut good = TcpStream::connect(address).await.unwrap();
    assert!(echoed(&mut good).await, "a good client is served meanwhile");
    let cost = LIVE.load(Ordering::Relaxed).saturating_sub(before) / count;
    drop(streams);
    sleep(Duration::from_millis(200)).await;
    cost
}

fn run(test: impl Future<Output = ()>) {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

#[test]
fn memory_follows_what_was_sent_not_what_was_announced() {
    run(async {
        let descriptors = raise_descriptor_limit().unwrap().unwrap_or(u64::MAX);
        let count = if descriptors > 5000 { 2000 } else { 400 };
        let server = start().await;
        let address = server.addresses().first().unwrap().address;
        let idle = cost_of(address, count, &[]).await;
        let announced = cost_of(address, count, &(100_u32 << 20).to_be_bytes()).await;
        let begun = [&(100_u32 << 20).to_be_bytes()[..], &[0; 4092]].concat();
        let begun = cost_of(address, count, &begun).await;
        println!("{count} connections: {idle} bytes each when idle, {announced} with 100 MiB announced, {begun} with 4 KiB sent");
        assert!(idle < 8 << 10, "{idle} bytes for an idle connection");
        assert!(announced < 8 << 10, "{announced} bytes for an announced frame");
        assert!(begun < 16 << 10, "{begun} bytes for 4 KiB of a frame");
        assert!(server.stop(Duration::from_secs(5)).await);
    });
}

#[test]
fn running_out_of_descriptors_ends_when_some_come_free() {
    run(async {
        let server = start().await;
        let address = server.addresses().first().unwrap().address;
        let mut first = TcpStream::connect(address).await.unwrap();
        assert!(echoed(&mut first).await);

        // The kernel completes these connections; the server has not run yet when the last descriptor is gone.
        let streams: Vec<_> = (0..5).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
        let limit = getrlimit(Resource::Nofile);
        let used = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64 - 1;
        setrlimit(Resource::Nofile, Rlimit { current: Some(used), maximum: limit.maximum }).unwrap();
        assert!(echoed(&mut first).await, "who is connected is served");
        let mut waiting = streams.into_iter().map(|stream| {
            stream.set_nonblocking(true).unwrap();
            TcpStream::from_std(stream).unwrap()
        });
        let mut last = waiting.next_back().unwrap();
        last.write_all(&[0, 0, 0, 1, b'x']).await.unwrap();
        let mut answer = [0; 5];
        assert!(timeout(Duration::from_millis(300), last.read(&mut answer)).await.is_err(), "nobody can accept this one");
        setrlimit(Resource::Nofile, limit).unwrap();
        timeout(Duration::from_secs(5), last.read_exact(&mut answer)).await.expect("accepted after all").unwrap();
        assert!(server.stop(Duration::from_secs(5)).await);
    });
}
