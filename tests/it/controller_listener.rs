//! The controller's listener: which keys it has, what it tells, and that it decides as the clients' does.

use kafka_protocol::messages::{
    ApiVersionsRequest, CreateTopicsRequest, DescribeClusterRequest, DescribeClusterResponse, MetadataRequest,
};
use klamm::protocol::ApiKey;

use crate::world::requests::{CREATE_TOPICS, METADATA, create_topics, metadata_of, text};
use crate::world::{Client, Running, Setup};

const INVALID_REQUEST: i16 = 42;
const MISMATCHED_ENDPOINT_TYPE: i16 = 114;
const UNSUPPORTED_ENDPOINT_TYPE: i16 = 115;

/// As Kafka's own file has it, on other ports.
fn combined() -> Setup {
    Setup::new()
        .with("process.roles", "broker,controller")
        .with("listeners", "PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0")
        .with("controller.listener.names", "CONTROLLER")
        .with("controller.quorum.bootstrap.servers", "localhost:9093")
}

async fn controller(running: &Running) -> Client {
    let bound = running.node.addresses().iter().find(|bound| &*bound.listener == "CONTROLLER").unwrap();
    running.client_of(bound.address).await
}

async fn describe(client: &mut Client, version: i16, endpoint_type: i8) -> DescribeClusterResponse {
    let request = DescribeClusterRequest::default().with_endpoint_type(endpoint_type);
    client.call(version, &request).await
}

#[tokio::test]
async fn it_has_the_keys_of_a_controller_and_no_others() {
    let running = combined().start().await;
    let mut client = controller(&running).await;
    let asked = ApiVersionsRequest::default().with_client_software_name(text("it")).with_client_software_version(text("1"));
    let told = client.call(4, &asked).await;
    let keys: Vec<ApiKey> = told.api_keys.iter().map(|key| ApiKey::from_number(key.api_key).unwrap()).collect();
    for key in [ApiKey::ApiVersions, ApiKey::CreateTopics, ApiKey::DescribeConfigs, ApiKey::DescribeCluster] {
        assert!(keys.contains(&key), "{key}");
    }
    for key in [ApiKey::Produce, ApiKey::Fetch, ApiKey::Metadata, ApiKey::JoinGroup, ApiKey::DeleteRecords] {
        assert!(!keys.contains(&key), "{key}");
    }
    assert!(told.finalized_features.iter().any(|feature| &*feature.name == "metadata.version"));
    // As Apache Kafka does with what a listener does not have.
    client.send(METADATA, &MetadataRequest::default()).await;
    client.is_closed().await;
    running.stop().await.unwrap();
}

/// The answers of Apache Kafka 4.3.0, but for its texts.
#[tokio::test]
async fn each_listener_tells_of_its_own_kind_of_nodes() {
    let running = combined().start().await;
    let (mut client, mut at_controller) = (running.client().await, controller(&running).await);
    for (client, own, listener) in [(&mut client, 1, "PLAINTEXT"), (&mut at_controller, 2, "CONTROLLER")] {
        let port = running.node.addresses().iter().find(|bound| &*bound.listener == listener).unwrap().address.port();
        let told = describe(client, 2, own).await;
        assert_eq!((told.error_code, told.endpoint_type, told.controller_id.0), (0, own, 1));
        let nodes: Vec<_> = told.brokers.iter().map(|node| (node.broker_id.0, node.host.to_string(), node.port)).collect();
        assert_eq!(nodes, [(1, "127.0.0.1".to_owned(), i32::from(port))]);
        assert_eq!(describe(client, 2, 3 - own).await.error_code, MISMATCHED_ENDPOINT_TYPE);
        assert_eq!(describe(client, 1, 3).await.error_code, UNSUPPORTED_ENDPOINT_TYPE);
    }
    // Version 0 knows brokers only.
    assert_eq!(describe(&mut client, 0, 1).await.error_code, 0);
    assert_eq!(describe(&mut at_controller, 0, 1).await.error_code, INVALID_REQUEST);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_it_decides_holds_for_clients_and_the_node_registers_at_each_start() {
    let setup = combined();
    for topic in ["a", "b"] {
        let running = setup.start().await;
        let request: CreateTopicsRequest = create_topics(topic, 2, &[]);
        assert_eq!(controller(&running).await.call(CREATE_TOPICS, &request).await.topics[0].error_code, 0);
        let known = running.client().await.call(METADATA, &metadata_of(&[topic])).await;
        assert_eq!(known.topics[0].partitions.len(), 2);
        let image = running.broker().image();
        let bound = running.node.addresses().iter().find(|bound| &*bound.listener == "CONTROLLER").unwrap();
        let registered: Vec<_> = image.controllers().values().flat_map(|controller| &controller.endpoints).collect();
        assert_eq!(registered.len(), 1);
        assert_eq!((registered[0].name.as_str(), registered[0].port), ("CONTROLLER", bound.address.port()));
        running.stop().await.unwrap();
    }
}
