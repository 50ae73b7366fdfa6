//! Groups and offsets over the wire: members, commits, restarts, stops.

use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::{
    DeleteGroupsRequest, DescribeGroupsRequest, FindCoordinatorRequest, ListGroupsRequest, OffsetDeleteRequest,
};
use klamm::protocol::ApiKey;

use crate::world::groups::{
    HEARTBEAT, JOIN_GROUP, LEAVE_GROUP, OFFSET_COMMIT, OFFSET_FETCH, SYNC_GROUP, commit, fetch_offsets, group_id, heartbeat,
    join, leave, sync,
};
use crate::world::requests::{text, topic_name};
use crate::world::{Client, Running, Setup, on_control, soon};

fn setup() -> Setup {
    Setup::new().with("group.initial.rebalance.delay.ms", "0").with("offsets.topic.num.partitions", "4")
}

async fn started(setup: &Setup) -> (Running, Client) {
    let running = setup.start().await;
    let mut client = running.client().await;
    client.coordinator("g").await;
    (running, client)
}

#[tokio::test]
async fn a_member_joins_commits_leaves_and_its_offsets_stay_over_a_power_cut() {
    let setup = setup();
    let (running, mut client) = started(&setup).await;
    client.create("t", 2, &[]).await;
    let (member, generation) = client.join_alone("g").await;
    assert!(member.starts_with("it-"), "trap 49: the client's id and a random one: {member}");
    assert_eq!(client.call(HEARTBEAT, &heartbeat("g", &member, generation)).await.error_code, 0);
    assert_eq!(client.call(HEARTBEAT, &heartbeat("g", &member, generation + 1)).await.error_code, 22);
    let committed = client.call(OFFSET_COMMIT, &commit("g", &member, generation, &[("t", 0, 7), ("t", 1, 9), ("t", 2, 1)])).await;
    assert_eq!(committed.topics.len(), 1);
    let codes: Vec<_> =
        committed.topics[0].partitions.iter().map(|partition| (partition.partition_index, partition.error_code)).collect();
    assert_eq!(codes, [(2, 3), (0, 0), (1, 0)], "the topic has two partitions; what is refused comes first");
    running.crash();

    let (running, mut client) = started(&setup).await;
    assert_eq!((client.committed("g", "t", 0).await, client.committed("g", "t", 1).await), (7, 9));
    assert_eq!(client.call(HEARTBEAT, &heartbeat("g", &member, generation)).await.error_code, 0, "it is still a member");
    assert_eq!(client.call(LEAVE_GROUP, &leave("g", &member)).await.members[0].error_code, 0);
    assert_eq!(client.call(HEARTBEAT, &heartbeat("g", &member, generation)).await.error_code, 25);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_answers_who_waits_to_join_and_the_member_goes_on_after_the_restart() {
    let setup = setup();
    let (running, mut first) = started(&setup).await;
    let mut second = running.client().await;
    let (member, generation) = first.join_alone("g").await;
    let id = second.call(JOIN_GROUP, &join("g", "")).await.member_id;
    let parked = second.send(JOIN_GROUP, &join("g", &id)).await;
    assert_eq!(first.call(HEARTBEAT, &heartbeat("g", &member, generation)).await.error_code, 27, "there is a rebalance");
    let stopping = running.begin_stop();
    assert_eq!(second.receive(parked).await.error_code, 16, "look for the coordinator again");
    soon(stopping).await.unwrap();

    let (running, mut client) = started(&setup).await;
    assert_eq!(client.call(HEARTBEAT, &heartbeat("g", &member, generation)).await.error_code, 0);
    running.stop().await.unwrap();
}

/// What cannot be written did not happen; the group is loaded anew, with what stands in the log.
#[tokio::test]
async fn a_full_disk_costs_a_commit_and_a_rebalance_and_the_group_comes_back_as_it_was_written() {
    let (running, mut client) = started(&setup()).await;
    client.create("t", 1, &[]).await;
    let (member, generation) = client.join_alone("g").await;
    let code = |answer: kafka_protocol::messages::OffsetCommitResponse| answer.topics[0].partitions[0].error_code;
    assert_eq!(code(client.call(OFFSET_COMMIT, &commit("g", &member, generation, &[("t", 0, 5)])).await), 0);
    let mut second = running.client().await;
    let id = second.call(JOIN_GROUP, &join("g", "")).await.member_id;
    let parked = second.send(JOIN_GROUP, &join("g", &id)).await;
    assert_eq!(client.call(HEARTBEAT, &heartbeat("g", &member, generation)).await.error_code, 27, "there is a rebalance");

    running.disk.configure(|faults| faults.capacity = Some(0));
    assert_eq!(code(client.call(OFFSET_COMMIT, &commit("g", &member, generation, &[("t", 0, 6)])).await), 16);
    assert_eq!(second.receive(parked).await.error_code, 16, "whoever waits looks for the coordinator again");
    client.coordinator("g").await;
    assert_eq!(client.committed("g", "t", 0).await, 5);
    running.disk.configure(|faults| faults.capacity = None);

    assert_eq!(client.call(HEARTBEAT, &heartbeat("g", &member, generation)).await.error_code, 0, "it is still a member");
    assert_eq!(code(client.call(OFFSET_COMMIT, &commit("g", &member, generation, &[("t", 0, 7)])).await), 0);
    assert_eq!(client.committed("g", "t", 0).await, 7);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn two_members_share_and_every_version_of_the_requests_is_served() {
    let (running, mut client) = started(&setup()).await;
    client.create("t", 1, &[]).await;
    for version in versions(ApiKey::JoinGroup) {
        let group = format!("join-{version}");
        client.coordinator(&group).await;
        let request = join(&group, "").with_rebalance_timeout_ms(if version == 0 { -1 } else { 10_000 });
        let mut joined = client.call(version, &request).await;
        if version >= 4 {
            assert_eq!(joined.error_code, 79, "version {version}");
            joined = client.call(version, &join(&group, &joined.member_id)).await;
        }
        assert_eq!((joined.error_code, joined.generation_id), (0, 1), "version {version}");
        assert_eq!(joined.protocol_name.as_deref(), Some("range"));
        assert_eq!(joined.protocol_type.as_deref(), if version >= 7 { Some("consumer") } else { None });
        assert_eq!(joined.members.len(), 1);
        for version in versions(ApiKey::SyncGroup) {
            let mut request = sync(&group, &joined.member_id, 1, &[(&joined.member_id, "all")]);
            if version < 5 {
                request = request.with_protocol_type(None).with_protocol_name(None);
            }
            let synced = client.call(version, &request).await;
            assert_eq!((synced.error_code, &*synced.assignment), (0, &b"all"[..]), "version {version}");
        }
        for version in versions(ApiKey::Heartbeat) {
            assert_eq!(client.call(version, &heartbeat(&group, &joined.member_id, 1)).await.error_code, 0, "version {version}");
        }
        for version in versions(ApiKey::OffsetCommit).filter(|version| *version <= OFFSET_COMMIT) {
            let request = commit(&group, &joined.member_id, 1, &[("t", 0, i64::from(version))]);
            let answer = client.call(version, &request).await;
            assert_eq!(answer.topics[0].partitions[0].error_code, 0, "version {version}");
            assert_eq!(client.committed(&group, "t", 0).await, i64::from(version));
        }
    }
    running.stop().await.unwrap();
}

fn versions(key: ApiKey) -> std::ops::RangeInclusive<i16> {
    let served = key.served().unwrap();
    served.min..=served.max
}

#[tokio::test]
async fn the_tools_requests_describe_list_and_delete() {
    let (running, mut client) = started(&setup()).await;
    client.create("t", 1, &[]).await;
    let (member, generation) = client.join_alone("g").await;
    client.call(OFFSET_COMMIT, &commit("g", &member, generation, &[("t", 0, 5)])).await;
    for version in versions(ApiKey::DescribeGroups) {
        let request = DescribeGroupsRequest::default().with_groups(vec![group_id("g"), group_id("missing")]);
        let answer = client.call(version, &request).await;
        let (group, missing) = (&answer.groups[0], &answer.groups[1]);
        assert_eq!((group.error_code, &*group.group_state, &*group.protocol_data), (0, "Stable", "range"));
        assert_eq!(&*group.members[0].client_host, "/127.0.0.1");
        assert_eq!(&*group.members[0].member_assignment, b"all");
        // Trap 26.
        assert_eq!((missing.error_code, &*missing.group_state), (if version >= 6 { 69 } else { 0 }, "Dead"));
    }
    for version in versions(ApiKey::ListGroups) {
        let mut request = ListGroupsRequest::default();
        if version >= 4 {
            // Trap 32: without regard to case.
            request = request.with_states_filter(vec![text("sTABLE")]);
        }
        let answer = client.call(version, &request).await;
        assert_eq!(answer.groups.iter().map(|group| &**group.group_id).collect::<Vec<_>>(), ["g"], "version {version}");
    }
    let none = ListGroupsRequest::default().with_states_filter(vec![text("Empty")]);
    assert!(client.call(5, &none).await.groups.is_empty());
    let delete = DeleteGroupsRequest::default().with_groups_names(vec![group_id("g"), group_id("missing")]);
    let codes = |answer: kafka_protocol::messages::DeleteGroupsResponse| {
        answer.results.iter().map(|result| result.error_code).collect::<Vec<_>>()
    };
    assert_eq!(codes(client.call(2, &delete).await), [68, 69], "trap 29");
    client.call(LEAVE_GROUP, &leave("g", &member)).await;
    let partition = OffsetDeleteRequestPartition::default().with_partition_index(0);
    let topic = OffsetDeleteRequestTopic::default().with_name(topic_name("t")).with_partitions(vec![partition]);
    let request = OffsetDeleteRequest::default().with_group_id(group_id("g")).with_topics(vec![topic]);
    let answer = client.call(0, &request).await;
    assert_eq!((answer.error_code, answer.topics[0].partitions[0].error_code), (0, 0));
    assert_eq!(client.committed("g", "t", 0).await, -1);
    assert_eq!(codes(client.call(2, &delete).await), [0, 69]);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn offsets_are_fetched_in_every_version_and_deleted_with_their_topic() {
    let (running, mut client) = started(&setup()).await;
    client.create("t", 2, &[]).await;
    client.call(OFFSET_COMMIT, &commit("g", "", -1, &[("t", 0, 5)])).await;
    for version in versions(ApiKey::OffsetFetch).filter(|version| *version <= OFFSET_FETCH) {
        let partitions = if version >= 8 {
            let answer = client.call(version, &fetch_offsets("g", Some(&[("t", &[0, 1])]))).await;
            let of = |index: usize| &answer.groups[0].topics[0].partitions[index];
            vec![(of(0).committed_offset, of(0).metadata.clone()), (of(1).committed_offset, of(1).metadata.clone())]
        } else {
            let topics = kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic::default()
                .with_name(topic_name("t"))
                .with_partition_indexes(vec![0, 1]);
            let request = kafka_protocol::messages::OffsetFetchRequest::default()
                .with_group_id(group_id("g"))
                .with_topics(Some(vec![topics]));
            let answer = client.call(version, &request).await;
            let partitions = &answer.topics[0].partitions;
            partitions.iter().map(|partition| (partition.committed_offset, partition.metadata.clone())).collect()
        };
        // Trap 27.
        assert_eq!(partitions, [(5, Some(text("kept"))), (-1, Some(text("")))], "version {version}");
    }
    let all = client.call(OFFSET_FETCH, &fetch_offsets("g", None)).await;
    assert_eq!(all.groups[0].topics[0].partitions.len(), 1);
    client.call(6, &crate::world::requests::delete_by_name("t")).await;
    soon(async {
        while !client.call(OFFSET_FETCH, &fetch_offsets("g", None)).await.groups[0].topics.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    running.stop().await.unwrap();
}

/// Traps 28 and 31: while a partition is loaded its groups are told to wait, each request in its own way; heartbeats hear that all is well.
#[tokio::test]
async fn while_groups_are_loaded_clients_are_told_to_wait() {
    // One read at a time may go to the disk, and a job of ours holds that place.
    let setup = setup().with("klamm.disk.max.queued.jobs", "2");
    let running = setup.start().await;
    let (release, held) = std::sync::mpsc::sync_channel::<()>(1);
    let broker = std::sync::Arc::clone(running.broker());
    let holding = on_control(&running.execution, async move { broker.disk_reads.run(move || held.recv()).await });
    let mut client = running.client().await;
    client.create("t", 1, &[]).await;
    let find = FindCoordinatorRequest::default().with_coordinator_keys(vec![text("g")]);
    soon(async { while client.call(4, &find).await.coordinators[0].error_code != 0 {} }).await;

    assert_eq!(client.call(JOIN_GROUP, &join("g", "")).await.error_code, 14);
    assert_eq!(client.call(SYNC_GROUP, &sync("g", "m", 1, &[])).await.error_code, 14);
    assert_eq!(client.call(LEAVE_GROUP, &leave("g", "m")).await.error_code, 14);
    assert_eq!(client.call(HEARTBEAT, &heartbeat("g", "m", 1)).await.error_code, 0);
    assert_eq!(client.call(OFFSET_COMMIT, &commit("g", "", -1, &[("t", 0, 1)])).await.topics[0].partitions[0].error_code, 14);
    assert_eq!(client.call(5, &ListGroupsRequest::default()).await.error_code, 14, "the list would not be whole");
    let describe = DescribeGroupsRequest::default().with_groups(vec![group_id("g")]);
    assert_eq!(client.call(6, &describe).await.groups[0].error_code, 14);
    assert_eq!(client.call(OFFSET_FETCH, &fetch_offsets("g", Some(&[("t", &[0])]))).await.groups[0].error_code, 14);
    let topic = kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic::default()
        .with_name(topic_name("t"))
        .with_partition_indexes(vec![0]);
    let old = kafka_protocol::messages::OffsetFetchRequest::default().with_group_id(group_id("g")).with_topics(Some(vec![topic]));
    for version in 2..=7 {
        let answer = client.call(version, &old).await;
        assert_eq!((answer.error_code, answer.topics.len()), (14, 0), "version {version}: on top");
    }
    let answer = client.call(1, &old).await;
    assert_eq!((answer.error_code, answer.topics[0].partitions[0].error_code), (0, 14), "version 1: with the partition");

    release.send(()).unwrap();
    soon(holding).await.unwrap().unwrap();
    client.coordinator("g").await;
    client.join_alone("g").await;
    running.stop().await.unwrap();
}

/// Retention by time or size never takes a live offset: the topic is compacted, and nothing of it is deleted until there is compaction.
#[tokio::test]
async fn retention_takes_no_offset() {
    let setup = setup()
        .with("log.retention.ms", "1")
        .with("log.retention.bytes", "1")
        .with("log.retention.check.interval.ms", "5")
        .with("log.initial.task.delay.ms", "1")
        .with("offsets.topic.segment.bytes", "1048576");
    let (running, mut client) = started(&setup).await;
    client.create("t", 50, &[]).await;
    client.call(OFFSET_COMMIT, &commit("g", "", -1, &[("t", 0, 77)])).await;
    let partitions: Vec<_> = (1..50).map(|partition| ("t", partition, 99)).collect();
    let mut large = commit("g", "", -1, &partitions);
    large.topics.iter_mut().for_each(|topic| topic.partitions[0].committed_metadata = Some(text(&"x".repeat(4_000))));
    for _ in 0..20 {
        assert_eq!(client.call(OFFSET_COMMIT, &large).await.topics[48].partitions[0].error_code, 0);
    }
    let segments = |running: &Running| {
        let in_partition = |partition: i32| running.list(format!("/data/__consumer_offsets-{partition}"));
        (0..4).flat_map(in_partition).filter(|name| name.ends_with(".log")).count()
    };
    let written = segments(&running);
    assert!(written >= 6, "{written} segments");
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(segments(&running), written);
    running.stop().await.unwrap();
    let (running, mut client) = started(&setup).await;
    assert_eq!((client.committed("g", "t", 0).await, client.committed("g", "t", 1).await), (77, 99));
    running.stop().await.unwrap();
}

/// Trap 30, trap 48: Java's hash chooses the partition, so the same group lands on the same partition as in Kafka.
#[tokio::test]
async fn a_group_lies_in_the_partition_that_javas_hash_says() {
    let setup = Setup::new().with("group.initial.rebalance.delay.ms", "0");
    let running = setup.start().await;
    let mut client = running.client().await;
    let find = FindCoordinatorRequest::default().with_key_type(0).with_coordinator_keys(vec![text("polygenelubricants")]);
    let first = client.call(4, &find).await.coordinators.remove(0);
    assert_eq!((first.error_code, first.node_id.0, &*first.host, first.port), (15, -1, "", -1), "the topic is being made");
    client.coordinator("g").await;
    assert_eq!(client.call(4, &find).await.coordinators[0].error_code, 0);
    client.create("t", 1, &[]).await;
    // "polygenelubricants".hashCode() is the smallest int, which counts as 0; "g".hashCode() is 103.
    for (group, partition) in [("polygenelubricants", 0), ("g", 103 % 50)] {
        client.coordinator(group).await;
        client.call(OFFSET_COMMIT, &commit(group, "", -1, &[("t", 0, 1)])).await;
        let image = running.broker().image();
        let topic = image.topics().by_name("__consumer_offsets").unwrap();
        let log = crate::world::requests::Topic { name: "__consumer_offsets".to_owned(), id: topic.id.0 };
        let end = client.offset(&log, partition, crate::world::requests::LATEST).await;
        assert!(end >= 1, "{group} stands in partition {partition}");
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_kafkas_codes() {
    let (running, mut client) = started(&setup()).await;
    // Trap 20.
    assert_eq!(client.call(JOIN_GROUP, &join("g", "").with_session_timeout_ms(5_999)).await.error_code, 26);
    assert_eq!(client.call(JOIN_GROUP, &join("g", "").with_session_timeout_ms(1_800_001)).await.error_code, 26);
    assert_eq!(client.call(JOIN_GROUP, &join("g", "unknown")).await.error_code, 25);
    assert_eq!(client.call(JOIN_GROUP, &join("", "")).await.error_code, 24);
    assert_eq!(client.call(HEARTBEAT, &heartbeat("", "m", 1)).await.error_code, 24);
    assert_eq!(client.call(SYNC_GROUP, &sync("", "m", 1, &[])).await.error_code, 24);
    // Trap 24.
    let nameless = sync("g", "m", 1, &[]).with_protocol_name(None);
    assert_eq!(client.call(SYNC_GROUP, &nameless).await.error_code, 23);
    assert_eq!(client.call(HEARTBEAT, &heartbeat("g", "m", 1)).await.error_code, 25);
    assert_eq!(client.call(LEAVE_GROUP, &leave("g", "m")).await.members[0].error_code, 25);
    client.create("t", 1, &[]).await;
    // Trap 21.
    let code = |answer: kafka_protocol::messages::OffsetCommitResponse| answer.topics[0].partitions[0].error_code;
    assert_eq!(code(client.call(8, &commit("g", "m", 3, &[("t", 0, 1)])).await), 22);
    assert_eq!(code(client.call(9, &commit("g", "m", 3, &[("t", 0, 1)])).await), 69);
    running.stop().await.unwrap();
}
