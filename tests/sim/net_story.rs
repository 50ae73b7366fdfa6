//! The real server of `net/` in the simulated world: the harness itself, shown on an echo.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use klamm::broker::Seams;
use klamm::net::{ConnectionContext, Limits, ListenAddress, Reply, Response, ServeOptions, Service, bind};
use klamm::seams::run_blocking;
use klamm::seams::{Blocking, Execution};
use turmoil::net::TcpStream;

use crate::support::client::Client;
use crate::world::{Machine, Outcome, world};

/// Sends every frame back; a frame that starts with `s` takes the way of a sync.
struct Echo {
    execution: Arc<dyn Execution>,
}

impl Service for Echo {
    fn call(&self, _context: &Arc<ConnectionContext>, frame: BytesMut) -> Reply {
        let slow = frame.first() == Some(&b's');
        let mut answer = BytesMut::new();
        answer.put_u32(u32::try_from(frame.len()).unwrap());
        answer.put_slice(&frame);
        let response = Response { pieces: vec![answer.freeze()] };
        if !slow {
            return Reply::Now(response);
        }
        let synced = run_blocking(&*self.execution, Blocking::Sync(0), move || response);
        Reply::Later(Box::pin(async move { klamm::net::Outcome::Response(synced.await.unwrap()) }))
    }

    fn disconnected(&self, _context: &ConnectionContext) {}
}

async fn echo(seams: Seams) -> Outcome {
    let limits = Limits {
        max_request_bytes: 1 << 20,
        max_queued_request_bytes: None,
        connections: klamm::net::ConnectionLimits::default(),
        max_idle: Duration::from_secs(600),
        max_pipelined_requests: 100,
        max_unanswered_bytes: 1 << 20,
        max_unsent_bytes: 1 << 20,
    };
    let bound = bind(ServeOptions {
        net: seams.net,
        clock: seams.clock,
        addresses: vec![ListenAddress {
            listener: "PLAINTEXT".into(),
            purpose: klamm::config::ListenerPurpose::Broker,
            address: ([0, 0, 0, 0], 9092).into(),
        }],
        limits,
        execution: Arc::clone(&seams.execution),
    });
    let _server = bound.await?.serve(Arc::new(Echo { execution: seams.execution }));
    std::future::pending().await
}

/// Sends frames over some connections; returns the hash of all that happened on the machine.
fn run(seed: u64) -> (u64, u64) {
    let mut sim = world(seed, Duration::from_secs(60));
    let machine = Machine::new("broker", seed);
    machine.install(&mut sim, echo);
    for client in ["a", "b"] {
        sim.client(client, async move {
            let mut connection = Client::new(TcpStream::connect(("broker", 9092)).await?, client);
            for round in 0..20u8 {
                let frame = vec![if round % 3 == 0 { b's' } else { b'f' }; usize::from(round) * 100 + 1];
                connection.send_frame(&frame).await?;
                assert_eq!(connection.receive_frame().await?, frame);
            }
            Ok(())
        });
    }
    machine.run(&mut sim).unwrap();
    (machine.trace.hash(), machine.trace.events())
}

#[test]
fn a_server_answers_and_the_same_seed_gives_the_same_trace() {
    let (first, events) = run(1);
    assert!(events > 80, "{events} events");
    assert_eq!((first, events), run(1));
    assert_ne!(first, run(2).0);
}
