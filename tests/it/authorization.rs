//! An authoriser that denies, all or in part, and Kafka's code for it from each API.

use std::collections::BTreeSet;

use kafka_protocol::messages::alter_configs_request;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::incremental_alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use kafka_protocol::messages::{
    AlterConfigsRequest, ApiVersionsRequest, CreateTopicsRequest, DeleteGroupsRequest, DescribeClusterRequest,
    DescribeConfigsRequest, DescribeGroupsRequest, DescribeLogDirsRequest, DescribeQuorumRequest, ElectLeadersRequest,
    FindCoordinatorRequest, IncrementalAlterConfigsRequest, InitProducerIdRequest, ListConfigResourcesRequest, ListGroupsRequest,
    ListPartitionReassignmentsRequest, MetadataRequest, OffsetDeleteRequest, OffsetForLeaderEpochRequest, TransactionalId,
    UpdateFeaturesRequest,
};
use klamm::protocol::ApiKey;
use klamm::security::{Authorizer, DenyAll, Operation, Principal, Resource};
use uuid::Uuid;

use crate::world::groups::{
    HEARTBEAT, JOIN_GROUP, LEAVE_GROUP, OFFSET_COMMIT, OFFSET_FETCH, SYNC_GROUP, commit, fetch_offsets, group_id, heartbeat,
    join, leave, sync,
};
use crate::world::requests::{
    CREATE_TOPICS, DELETE_TOPICS, EARLIEST, FETCH, METADATA, PRODUCE, Topic, batch, create_partitions, create_topics,
    delete_by_id, delete_by_name, delete_records, describe_producers, describe_topics, fetch, fetched, list_offsets, metadata_of,
    produce, produced, text, topic_name,
};
use crate::world::{Client, Running, Setup};

const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
const CLUSTER_AUTHORIZATION_FAILED: i16 = 31;
const GROUP_AUTHORIZATION_FAILED: i16 = 30;
const TRANSACTIONAL_ID_AUTHORIZATION_FAILED: i16 = 53;

/// A node that has the topic `t`, made before the authoriser came.
async fn with_topic(authorizer: impl Authorizer + 'static) -> (Running, Client, Topic) {
    let setup = Setup::new().with("auto.create.topics.enable", "true");
    let running = setup.start().await;
    let topic = running.client().await.create("t", 1, &[]).await;
    running.stop().await.unwrap();
    let running = setup.with_authorizer(authorizer).start().await;
    let client = running.client().await;
    (running, client, topic)
}

/// What each API says to somebody who may do nothing. An API that comes to be served needs a line here.
#[expect(clippy::wildcard_enum_match_arm, reason = "it fails the test")]
async fn refusals(key: ApiKey, client: &mut Client, topic: &Topic) -> Vec<i16> {
    match key {
        ApiKey::Produce => {
            let by_id = client.call(PRODUCE, &produce(PRODUCE, -1, &[(topic, 0, batch(&["a"]))])).await;
            let by_name = client.call(12, &produce(12, 1, &[(topic, 0, batch(&["a"]))])).await;
            vec![produced(by_id).error_code, produced(by_name).error_code]
        }
        ApiKey::Fetch => {
            let by_id = client.call(FETCH, &fetch(FETCH, &[(topic, 0, 0)]).with_max_wait_ms(60_000)).await;
            let by_name = client.call(12, &fetch(12, &[(topic, 0, 0)])).await;
            vec![fetched(by_id).error_code, fetched(by_name).error_code]
        }
        ApiKey::ListOffsets => {
            let response = client.call(10, &list_offsets(topic, 0, EARLIEST)).await;
            vec![response.topics[0].partitions[0].error_code]
        }
        ApiKey::Metadata => {
            let response = client.call(METADATA, &metadata_of(&["t", "missing", "__consumer_offsets"])).await;
            assert!(response.topics.iter().all(|topic| topic.topic_id.is_nil() && topic.partitions.is_empty()));
            assert!(response.topics.iter().all(|topic| !topic.is_internal));
            let by_id = MetadataRequestTopic::default().with_name(None).with_topic_id(topic.id);
            let by_id = client.call(METADATA, &MetadataRequest::default().with_topics(Some(vec![by_id]))).await;
            assert_eq!((by_id.topics[0].name.clone(), by_id.topics[0].topic_id), (None, topic.id));
            response.topics.iter().chain(&by_id.topics).map(|topic| topic.error_code).collect()
        }
        ApiKey::CreateTopics => {
            let response = client.call(CREATE_TOPICS, &create_topics("new", 1, &[])).await;
            vec![response.topics[0].error_code]
        }
        ApiKey::DeleteTopics => {
            let by_name = client.call(DELETE_TOPICS, &delete_by_name("t")).await;
            let missing = client.call(DELETE_TOPICS, &delete_by_name("missing")).await;
            let by_id = client.call(DELETE_TOPICS, &delete_by_id(topic.id)).await;
            assert_eq!((by_id.responses[0].name.clone(), by_id.responses[0].topic_id), (None, topic.id), "the name is not told");
            [by_name, missing, by_id].iter().map(|response| response.responses[0].error_code).collect()
        }
        ApiKey::CreatePartitions => vec![client.call(3, &create_partitions("t", 3)).await.results[0].error_code],
        ApiKey::DeleteRecords => {
            vec![client.call(2, &delete_records("t", &[(0, 0)])).await.topics[0].partitions[0].error_code]
        }
        ApiKey::DescribeTopicPartitions => {
            let all = client.call(0, &describe_topics(&[], 100, None)).await;
            assert_eq!((all.topics.len(), all.next_cursor), (0, None), "not even the names");
            vec![client.call(0, &describe_topics(&["t"], 100, None)).await.topics[0].error_code]
        }
        ApiKey::DescribeProducers => {
            vec![client.call(0, &describe_producers("t", &[0])).await.topics[0].partitions[0].error_code]
        }
        ApiKey::OffsetForLeaderEpoch => vec![end_of_epoch(client, topic).await.0],
        ApiKey::DescribeConfigs => vec![describe_configs(client, 2, "t").await.0],
        ApiKey::AlterConfigs => {
            let asked =
                alter_configs_request::AlterConfigsResource::default().with_resource_type(2).with_resource_name(text("t"));
            let request = AlterConfigsRequest::default().with_resources(vec![asked]);
            vec![client.call(2, &request).await.responses[0].error_code]
        }
        ApiKey::IncrementalAlterConfigs => vec![alter_configs(client, 2, "t").await],
        // Handled apart: their codes are not the topic's.
        key if cluster_code(key, client).await.is_some() => vec![TOPIC_AUTHORIZATION_FAILED],
        key if group_codes(key, client).await.is_some() => vec![TOPIC_AUTHORIZATION_FAILED],
        ApiKey::InitProducerId
        | ApiKey::FindCoordinator
        | ApiKey::ApiVersions
        | ApiKey::DescribeCluster
        | ApiKey::ListConfigResources => {
            vec![TOPIC_AUTHORIZATION_FAILED]
        }
        other => panic!("{other} is served and nothing says what it answers to somebody who may do nothing"),
    }
}

/// What the APIs of the cluster say to somebody who may do nothing to it; `None` for other APIs.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others have codes of their own")]
async fn cluster_code(key: ApiKey, client: &mut Client) -> Option<i16> {
    Some(match key {
        ApiKey::DescribeLogDirs => {
            let request = DescribeLogDirsRequest::default().with_topics(None);
            assert!(client.call(2, &request).await.results.is_empty());
            let answer = client.call(4, &request).await;
            assert!(answer.results.is_empty());
            answer.error_code
        }
        ApiKey::DescribeQuorum => {
            let answer = client.call(2, &DescribeQuorumRequest::default()).await;
            assert!(answer.topics.is_empty() && answer.nodes.is_empty());
            answer.error_code
        }
        ApiKey::UpdateFeatures => client.call(2, &UpdateFeaturesRequest::default()).await.error_code,
        ApiKey::ElectLeaders => {
            let named = TopicPartitions::default().with_topic(topic_name("t")).with_partitions(vec![0]);
            let request = ElectLeadersRequest::default().with_topic_partitions(Some(vec![named]));
            let answer = client.call(2, &request).await;
            assert_eq!(answer.replica_election_results[0].partition_result[0].error_code, answer.error_code);
            answer.error_code
        }
        ApiKey::ListPartitionReassignments => {
            let answer = client.call(0, &ListPartitionReassignmentsRequest::default().with_topics(None)).await;
            assert!(answer.topics.is_empty());
            answer.error_code
        }
        _ => return None,
    })
}

/// What the APIs of groups say to somebody who may do nothing to a group; `None` for other APIs.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others have codes of their own")]
async fn group_codes(key: ApiKey, client: &mut Client) -> Option<i16> {
    Some(match key {
        ApiKey::JoinGroup => client.call(JOIN_GROUP, &join("g", "")).await.error_code,
        ApiKey::SyncGroup => client.call(SYNC_GROUP, &sync("g", "m", 1, &[])).await.error_code,
        ApiKey::Heartbeat => client.call(HEARTBEAT, &heartbeat("g", "m", 1)).await.error_code,
        ApiKey::LeaveGroup => client.call(LEAVE_GROUP, &leave("g", "m")).await.error_code,
        ApiKey::OffsetCommit => {
            let answer = client.call(OFFSET_COMMIT, &commit("g", "", -1, &[("t", 0, 1)])).await;
            answer.topics[0].partitions[0].error_code
        }
        ApiKey::OffsetFetch => client.call(OFFSET_FETCH, &fetch_offsets("g", None)).await.groups[0].error_code,
        ApiKey::OffsetDelete => client.call(0, &OffsetDeleteRequest::default().with_group_id(group_id("g"))).await.error_code,
        ApiKey::DescribeGroups => {
            let request = DescribeGroupsRequest::default().with_groups(vec![group_id("g")]);
            client.call(6, &request).await.groups[0].error_code
        }
        ApiKey::DeleteGroups => {
            let request = DeleteGroupsRequest::default().with_groups_names(vec![group_id("g")]);
            client.call(2, &request).await.results[0].error_code
        }
        // Who may see no group sees none.
        ApiKey::ListGroups => {
            let answer = client.call(5, &ListGroupsRequest::default()).await;
            assert!(answer.groups.is_empty());
            if answer.error_code == 0 { GROUP_AUTHORIZATION_FAILED } else { answer.error_code }
        }
        _ => return None,
    })
}

async fn end_of_epoch(client: &mut Client, topic: &Topic) -> (i16, i64) {
    let asked = OffsetForLeaderPartition::default().with_partition(0).with_current_leader_epoch(-1).with_leader_epoch(0);
    let asked = OffsetForLeaderTopic::default().with_topic(topic.wire()).with_partitions(vec![asked]);
    let request = OffsetForLeaderEpochRequest::default().with_replica_id((-1).into()).with_topics(vec![asked]);
    let response = client.call(4, &request).await;
    let end = &response.topics[0].partitions[0];
    (end.error_code, end.end_offset)
}

async fn describe_configs(client: &mut Client, resource_type: i8, name: &str) -> (i16, usize) {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(resource_type)
        .with_resource_name(text(name))
        .with_configuration_keys(None);
    let response = client.call(4, &DescribeConfigsRequest::default().with_resources(vec![resource])).await;
    (response.results[0].error_code, response.results[0].configs.len())
}

async fn alter_configs(client: &mut Client, resource_type: i8, name: &str) -> i16 {
    let asked = AlterConfigsResource::default().with_resource_type(resource_type).with_resource_name(text(name));
    client.call(1, &IncrementalAlterConfigsRequest::default().with_resources(vec![asked])).await.responses[0].error_code
}

async fn init_producer_id(client: &mut Client, transactional_id: Option<&str>) -> (i16, i64) {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(transactional_id.map(|id| TransactionalId(text(id))))
        .with_producer_id((-1).into())
        .with_producer_epoch(-1);
    let response = client.call(5, &request).await;
    (response.error_code, response.producer_id.0)
}

async fn find_coordinator(client: &mut Client, key_type: i8) -> i16 {
    let request = FindCoordinatorRequest::default().with_key_type(key_type).with_coordinator_keys(vec![text("x")]);
    client.call(4, &request).await.coordinators[0].error_code
}

#[tokio::test]
async fn who_may_do_nothing_is_refused_by_every_api() {
    let (running, mut client, topic) = with_topic(DenyAll).await;
    let served: Vec<ApiKey> = ApiKey::ALL.iter().copied().filter(|key| key.served().is_some()).collect();
    assert!(served.len() >= 11);
    for key in served {
        let codes: BTreeSet<i16> = refusals(key, &mut client, &topic).await.into_iter().collect();
        assert_eq!(codes, BTreeSet::from([TOPIC_AUTHORIZATION_FAILED]), "{key}");
    }
    for (kind, code) in [
        (4, CLUSTER_AUTHORIZATION_FAILED),
        (8, CLUSTER_AUTHORIZATION_FAILED),
        (16, CLUSTER_AUTHORIZATION_FAILED),
        (32, GROUP_AUTHORIZATION_FAILED),
    ] {
        assert_eq!(describe_configs(&mut client, kind, "1").await, (code, 0));
        assert_eq!(alter_configs(&mut client, kind, "1").await, code);
    }
    let listed = client.call(1, &ListConfigResourcesRequest::default()).await;
    assert_eq!((listed.error_code, listed.config_resources.len()), (CLUSTER_AUTHORIZATION_FAILED, 0));
    assert_eq!(init_producer_id(&mut client, None).await, (CLUSTER_AUTHORIZATION_FAILED, -1));
    assert_eq!(init_producer_id(&mut client, Some("x")).await, (TRANSACTIONAL_ID_AUTHORIZATION_FAILED, -1));
    assert_eq!(find_coordinator(&mut client, 0).await, GROUP_AUTHORIZATION_FAILED);
    let mut of_groups = 0;
    for key in ApiKey::ALL {
        if let Some(code) = group_codes(*key, &mut client).await {
            assert_eq!(code, GROUP_AUTHORIZATION_FAILED, "{key}");
            of_groups += 1;
        }
    }
    assert_eq!(of_groups, 10);
    let mut of_the_cluster = 0;
    for key in ApiKey::ALL {
        if let Some(code) = cluster_code(*key, &mut client).await {
            assert_eq!(code, CLUSTER_AUTHORIZATION_FAILED, "{key}");
            of_the_cluster += 1;
        }
    }
    assert_eq!(of_the_cluster, 5);
    assert_eq!(find_coordinator(&mut client, 1).await, TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    // These two anybody may ask; what may be done to the cluster is nothing.
    assert_eq!(client.call(0, &ApiVersionsRequest::default()).await.error_code, 0);
    let asked = DescribeClusterRequest::default().with_include_cluster_authorized_operations(true);
    let described = client.call(2, &asked).await;
    assert_eq!((described.error_code, described.cluster_authorized_operations), (0, 0));
    // All topics are those that one may see.
    assert!(client.call(METADATA, &MetadataRequest::default().with_topics(None)).await.topics.is_empty());
    let operations = MetadataRequest::default().with_topics(None).with_include_cluster_authorized_operations(true);
    assert_eq!(client.call(9, &operations).await.cluster_authorized_operations, 0);
    // None of it did anything.
    assert_eq!(running.broker().image().topics().len(), 1);
    running.stop().await.unwrap();
}

/// Allows some operations on topics, and some on the cluster.
#[derive(Debug)]
struct Partly {
    on_topics: &'static [Operation],
    on_cluster: &'static [Operation],
}

impl Authorizer for Partly {
    fn allows(&self, _: &Principal, operation: Operation, resource: Resource<'_>) -> bool {
        match resource {
            Resource::Topic(_) => self.on_topics.contains(&operation),
            Resource::Cluster => self.on_cluster.contains(&operation),
            Resource::Group(_) | Resource::TransactionalId(_) => false,
        }
    }

    fn allows_any_topic(&self, _: &Principal, operation: Operation) -> bool {
        self.on_topics.contains(&operation)
    }
}

async fn with(on_topics: &'static [Operation], on_cluster: &'static [Operation]) -> (Running, Client, Topic) {
    with_topic(Partly { on_topics, on_cluster }).await
}

#[tokio::test]
async fn describe_alone_shows_topics_and_changes_nothing() {
    let (running, mut client, topic) = with(&[Operation::Describe], &[]).await;
    let request = metadata_of(&["t", "missing"]).with_include_topic_authorized_operations(true);
    let response = client.call(METADATA, &request).await;
    assert_eq!((response.topics[0].error_code, response.topics[0].topic_id), (0, topic.id));
    assert_eq!(response.topics[0].topic_authorized_operations, 1 << Operation::Describe as i8);
    assert_eq!(response.topics[1].error_code, TOPIC_AUTHORIZATION_FAILED, "it may not be created");
    let response = client.call(METADATA, &metadata_of(&["missing"]).with_allow_auto_topic_creation(false)).await;
    assert_eq!(response.topics[0].error_code, 3);
    assert_eq!(client.call(METADATA, &MetadataRequest::default().with_topics(None)).await.topics.len(), 1);
    assert_eq!(client.offset(&topic, 0, EARLIEST).await, 0);
    assert_eq!(end_of_epoch(&mut client, &topic).await, (0, 0));
    // A topic that one may see and not delete: its name is no secret, nor that another is not there.
    let by_id = client.call(DELETE_TOPICS, &delete_by_id(topic.id)).await;
    assert_eq!(
        (by_id.responses[0].error_code, by_id.responses[0].name.clone()),
        (TOPIC_AUTHORIZATION_FAILED, Some(topic.wire()))
    );
    assert_eq!(client.call(DELETE_TOPICS, &delete_by_name("t")).await.responses[0].error_code, TOPIC_AUTHORIZATION_FAILED);
    assert_eq!(client.call(DELETE_TOPICS, &delete_by_name("missing")).await.responses[0].error_code, 3);
    let unknown = Uuid::from_u128(5);
    assert_eq!(client.call(DELETE_TOPICS, &delete_by_id(unknown)).await.responses[0].error_code, 100);
    for code in refusals(ApiKey::Produce, &mut client, &topic).await {
        assert_eq!(code, TOPIC_AUTHORIZATION_FAILED);
    }
    for code in refusals(ApiKey::Fetch, &mut client, &topic).await {
        assert_eq!(code, TOPIC_AUTHORIZATION_FAILED);
    }
    assert_eq!(running.broker().image().topics().len(), 1);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn delete_without_describe_deletes_by_id_only() {
    let (running, mut client, topic) = with(&[Operation::Delete], &[]).await;
    for name in ["t", "missing"] {
        let response = client.call(DELETE_TOPICS, &delete_by_name(name)).await;
        assert_eq!(response.responses[0].error_code, TOPIC_AUTHORIZATION_FAILED, "whether {name} exists is not told");
    }
    assert_eq!(client.call(DELETE_TOPICS, &delete_by_id(topic.id)).await.responses[0].error_code, 0);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn delete_on_the_cluster_deletes_all() {
    let (running, mut client, _) = with(&[], &[Operation::Delete]).await;
    assert_eq!(client.call(DELETE_TOPICS, &delete_by_name("missing")).await.responses[0].error_code, 3);
    assert_eq!(client.call(DELETE_TOPICS, &delete_by_name("t")).await.responses[0].error_code, 0);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn create_on_topics_or_on_the_cluster_creates_and_tells_settings_only_to_who_may_see_them() {
    for (on_topics, on_cluster) in [(&[Operation::Create][..], &[][..]), (&[], &[Operation::Create])] {
        let (running, mut client, _) = with(on_topics, on_cluster).await;
        let response = client.call(CREATE_TOPICS, &create_topics("new", 1, &[])).await;
        let created = &response.topics[0];
        assert_eq!((created.error_code, created.topic_config_error_code), (0, TOPIC_AUTHORIZATION_FAILED));
        assert_eq!((created.num_partitions, created.replication_factor), (-1, -1));
        assert!(created.configs.as_ref().is_none_or(Vec::is_empty));
        running.stop().await.unwrap();
    }
    let (running, mut client, _) = with(&[Operation::Create, Operation::DescribeConfigs], &[]).await;
    let response = client.call(CREATE_TOPICS, &create_topics("new", 2, &[])).await;
    assert_eq!((response.topics[0].topic_config_error_code, response.topics[0].num_partitions), (0, 2));
    assert!(describe_configs(&mut client, 2, "new").await.1 > 20);
    running.stop().await.unwrap();
}

/// Whoever names a topic twice has made a mistake, with or without the right to it.
#[tokio::test]
async fn a_name_that_stands_twice_is_refused_before_rights_are_asked() {
    let (running, mut client, _) = with(&[], &[]).await;
    let topic = CreatableTopic::default().with_name(crate::world::requests::topic_name("new")).with_num_partitions(1);
    let topic = topic.with_replication_factor(1);
    let request = CreateTopicsRequest::default().with_topics(vec![topic.clone(), topic]).with_timeout_ms(30_000);
    let response = client.call(CREATE_TOPICS, &request).await;
    assert_eq!(response.topics.iter().map(|topic| topic.error_code).collect::<Vec<_>>(), [42]);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn describe_and_create_make_a_topic_on_first_use() {
    let (running, mut client, _) = with(&[Operation::Describe, Operation::Create], &[]).await;
    assert_eq!(client.call(METADATA, &metadata_of(&["new"])).await.topics[0].error_code, 3, "not yet");
    crate::world::until(|| running.broker().image().topics().by_name("new").is_some()).await;
    assert_eq!(client.call(METADATA, &metadata_of(&["new"])).await.topics[0].error_code, 0);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn an_idempotent_producer_needs_the_cluster_or_any_topic() {
    for (on_topics, on_cluster) in [(&[Operation::Write][..], &[][..]), (&[], &[Operation::IdempotentWrite])] {
        let (running, mut client, _) = with(on_topics, on_cluster).await;
        client.producer_id().await;
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn cluster_action_stands_for_describe_where_followers_ask() {
    let (running, mut client, topic) = with(&[], &[Operation::ClusterAction]).await;
    assert_eq!(end_of_epoch(&mut client, &topic).await, (0, 0));
    let asked = DescribeClusterRequest::default().with_include_cluster_authorized_operations(true);
    assert_eq!(client.call(2, &asked).await.cluster_authorized_operations, 0, "it needs Describe to be told");
    running.stop().await.unwrap();
}
