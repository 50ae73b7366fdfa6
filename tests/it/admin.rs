//! The admin server: health, readiness, metrics.

use std::net::SocketAddr;

use klamm::net::TcpNet;
use klamm::ops::{AdminServer, Health};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{Scrape, Setup, on_control, soon};

/// Status and body.
async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[tokio::test]
async fn health_readiness_and_metrics() {
    let running = Setup::new().start().await;
    let health = Health::default();
    let (execution, shown) = (std::sync::Arc::clone(&running.execution), health.clone());
    let starting = async move {
        let address = "127.0.0.1:0".parse().unwrap();
        AdminServer::start(&TcpNet { backlog: 5 }, &*execution, address, shown).await
    };
    let admin = on_control(&running.execution, starting).await.unwrap().address;
    assert_eq!(get(admin, "/healthz").await, (200, "alive\n".to_owned()));
    assert_eq!(get(admin, "/readyz").await, (503, "not ready\n".to_owned()));
    assert_eq!(get(admin, "/metrics").await.0, 503);
    assert_eq!(get(admin, "/nothing").await.0, 404);
    health.ready(std::sync::Arc::clone(running.broker()));
    assert_eq!(get(admin, "/readyz").await, (200, "ready\n".to_owned()));
    let mut client = running.client().await;
    let topic = client.create("t", 3, &[]).await;
    client.produce(&topic, 0, &["a", "b"]).await;
    client.fetch(&topic, 0, 0).await;
    let (status, text) = get(admin, "/metrics").await;
    assert_eq!(status, 200);
    let seen = Scrape::parse(&text);
    assert_eq!(seen.value("kafka_server_brokertopicmetrics_messagesin_total", &[("topic", "t")]), 2.0);
    let bytes = |name: &str| seen.value(&format!("kafka_server_brokertopicmetrics_{name}_total"), &[]);
    assert_eq!(bytes("bytesin"), bytes("bytesout"));
    // A node that stops is not ready, and still lives.
    let execution = std::sync::Arc::clone(&running.execution);
    execution.hold_syncs();
    client.raw();
    let written = crate::world::requests::produce(13, -1, &[(&topic, 0, crate::world::requests::batch(&["c"]))]);
    let sent = client.send(13, &written).await;
    crate::world::until(|| execution.held_syncs() == 1).await;
    let stopping = running.begin_stop();
    soon(async { while get(admin, "/readyz").await.0 == 200 {} }).await;
    assert_eq!(get(admin, "/readyz").await.0, 503);
    assert_eq!(get(admin, "/healthz").await.0, 200);
    let seen = Scrape::parse(&get(admin, "/metrics").await.1);
    assert_eq!(seen.value("kafka_server_kafkaserver_brokerstate", &[]), 7.0);
    execution.release_syncs();
    assert_eq!(crate::world::requests::produced(client.receive(sent).await).error_code, 0);
    stopping.await.unwrap();
}
