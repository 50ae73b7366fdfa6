//! Groups, offsets, transactions, producer ids, share groups.

use super::super::key::{Key, Validator, boolean, int, list, long, short, string};

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    int("add.partitions.to.txn.retry.backoff.max.ms").default("100").at_least(0)
        .doc("Longest time the broker itself retries to add a partition to a transaction before it tells the producer to try again."),
    int("add.partitions.to.txn.retry.backoff.ms").default("20").at_least(1)
        .doc("Pause between the broker's own tries to add a partition to a transaction."),
    int("group.consumer.assignment.interval.ms").default("1000").at_least(0).cluster_wide()
        .doc("Least time between two assignments of a consumer group."),
    list("group.consumer.assignors").default("uniform,range").not_empty()
        .doc("Assignors for consumer groups on the broker; the first is the default."),
    int("group.consumer.heartbeat.interval.ms").default("5000").at_least(1)
        .doc("Time between two heartbeats of a member, as told to members of consumer groups."),
    int("group.consumer.max.assignment.interval.ms").default("15000").at_least(0)
        .doc("Largest assignment interval that a consumer group may be given."),
    int("group.consumer.max.heartbeat.interval.ms").default("15000").at_least(1)
        .doc("Largest heartbeat interval that a consumer group may be given."),
    int("group.consumer.max.session.timeout.ms").default("60000").at_least(1)
        .doc("Largest session timeout that a consumer group may be given."),
    int("group.consumer.max.size").default("2147483647").at_least(1)
        .doc("Most members of one consumer group."),
    string("group.consumer.migration.policy").default("bidirectional").allowed(Validator::OneOfIgnoringCase(&["bidirectional", "disabled", "downgrade", "upgrade"]))
        .doc("Which groups may change between the classic and the consumer protocol while they have members."),
    int("group.consumer.min.assignment.interval.ms").default("0").at_least(0)
        .doc("Smallest assignment interval that a consumer group may be given."),
    int("group.consumer.min.heartbeat.interval.ms").default("5000").at_least(1)
        .doc("Smallest heartbeat interval that a consumer group may be given."),
    int("group.consumer.min.session.timeout.ms").default("45000").at_least(1)
        .doc("Smallest session timeout that a consumer group may be given."),
    int("group.consumer.regex.refresh.interval.ms").default("600000").at_least(10_000).internal()
        .doc("Time after which a group's regular expression is matched against the topics anew."),
    int("group.consumer.session.timeout.ms").default("45000").at_least(1)
        .doc("Time without heartbeat after which a member leaves its consumer group."),
    int("group.coordinator.append.linger.ms").default("-1").at_least(-1)
        .doc("Time the group coordinator gathers records before it writes them; -1 adapts to the load."),
    int("group.coordinator.background.threads").default("2").at_least(1)
        .doc("Threads for long computations of the group coordinator."),
    int("group.coordinator.cached.buffer.max.bytes").default("1048588").at_least(524_288).cluster_wide()
        .doc("Largest write buffer that the group coordinator keeps for reuse."),
    list("group.coordinator.rebalance.protocols").default("classic,consumer,streams").allowed(Validator::Entries { allowed: &["consumer", "classic", "share", "streams"], may_be_empty: false })
        .doc("Group protocols that are switched on."),
    int("group.coordinator.threads").default("4").at_least(1)
        .doc("Threads of the group coordinator."),
    int("group.initial.rebalance.delay.ms").default("3000")
        .acts("group::classic::tests::joining::the_initial_delay_begins_again_with_each_new_member_up_to_the_rebalance_timeout")
        .doc("Time an empty classic group waits for more members before its first rebalance."),
    int("group.max.session.timeout.ms").default("1800000")
        .acts("group::classic::tests::joining::a_session_timeout_is_between_the_brokers_bounds")
        .doc("Largest session timeout that a member of a classic group may ask for."),
    int("group.max.size").default("2147483647").at_least(1)
        .acts("group::classic::tests::joining::a_full_group_takes_nobody_more")
        .doc("Most members of one classic group."),
    int("group.min.session.timeout.ms").default("6000")
        .acts("group::classic::tests::joining::a_session_timeout_is_between_the_brokers_bounds")
        .doc("Smallest session timeout that a member of a classic group may ask for."),
    int("group.share.assignment.interval.ms").default("1000").at_least(0).cluster_wide()
        .doc("Least time between two assignments of a share group."),
    list("group.share.assignors").default("simple").not_empty()
        .doc("Assignors for share groups on the broker; the first is the default."),
    int("group.share.delivery.count.limit").default("5").between(2, 10)
        .doc("Deliveries of one record to a share group before it counts as undeliverable."),
    int("group.share.heartbeat.interval.ms").default("5000").at_least(1)
        .doc("Time between two heartbeats of a member, as told to members of share groups."),
    int("group.share.initialize.retry.interval.ms").default("30000").at_least(1).internal()
        .doc("Time after which initialising a partition's share state is tried again."),
    int("group.share.max.assignment.interval.ms").default("15000").at_least(0)
        .doc("Largest assignment interval that a share group may be given."),
    int("group.share.max.delivery.count.limit").default("10").between(5, 25)
        .doc("Largest limit of deliveries that a share group may be given."),
    int("group.share.max.heartbeat.interval.ms").default("15000").at_least(1)
        .doc("Largest heartbeat interval that a share group may be given."),
    int("group.share.max.partition.max.record.locks").default("4000").between(2_000, 10_000)
        .doc("Largest bound of records in delivery per partition that a share group may be given."),
    int("group.share.max.record.lock.duration.ms").default("60000").between(30_000, 3_600_000)
        .doc("Longest acquisition lock that a share group may be given."),
    int("group.share.max.session.timeout.ms").default("60000").at_least(1)
        .doc("Largest session timeout that a share group may be given."),
    int("group.share.max.share.sessions").default("2000").at_least(1)
        .doc("Share sessions held by one broker."),
    int("group.share.max.size").default("200").between(1, 1_000)
        .doc("Most members of one share group."),
    int("group.share.min.assignment.interval.ms").default("0").at_least(0)
        .doc("Smallest assignment interval that a share group may be given."),
    int("group.share.min.delivery.count.limit").default("2").between(2, 5)
        .doc("Smallest limit of deliveries that a share group may be given."),
    int("group.share.min.heartbeat.interval.ms").default("5000").at_least(1)
        .doc("Smallest heartbeat interval that a share group may be given."),
    int("group.share.min.partition.max.record.locks").default("100").between(100, 2_000)
        .doc("Smallest bound of records in delivery per partition that a share group may be given."),
    int("group.share.min.record.lock.duration.ms").default("15000").between(1_000, 30_000)
        .doc("Shortest acquisition lock that a share group may be given."),
    int("group.share.min.session.timeout.ms").default("45000").at_least(1)
        .doc("Smallest session timeout that a share group may be given."),
    int("group.share.partition.max.record.locks").default("2000").between(100, 10_000)
        .doc("Records of one partition that may be in delivery to a share group at once."),
    string("group.share.persister.class.name").default("org.apache.kafka.server.share.persister.DefaultStatePersister").internal()
        .doc("Class that keeps the state of share groups. Java only."),
    int("group.share.record.lock.duration.ms").default("30000").between(1_000, 3_600_000)
        .doc("Time a member of a share group holds a record before it is given to another."),
    int("group.share.session.timeout.ms").default("45000").at_least(1)
        .doc("Time without heartbeat after which a member leaves its share group."),
    int("group.streams.assignment.interval.ms").default("1000").at_least(0).cluster_wide()
        .doc("Least time between two assignments of a streams group."),
    int("group.streams.heartbeat.interval.ms").default("5000").at_least(1)
        .doc("Time between two heartbeats of a member, as told to members of streams groups."),
    int("group.streams.initial.rebalance.delay.ms").default("3000").at_least(0)
        .doc("Time an empty streams group waits for more members before its first assignment."),
    int("group.streams.max.assignment.interval.ms").default("15000").at_least(0)
        .doc("Largest assignment interval that a streams group may be given."),
    int("group.streams.max.heartbeat.interval.ms").default("15000").at_least(1)
        .doc("Largest heartbeat interval that a streams group may be given."),
    int("group.streams.max.session.timeout.ms").default("60000").at_least(1)
        .doc("Largest session timeout that a streams group may be given."),
    int("group.streams.max.size").default("2147483647").at_least(1)
        .doc("Most members of one streams group."),
    int("group.streams.max.standby.replicas").default("2").at_least(0)
        .doc("Most standby tasks that a streams group may be given."),
    int("group.streams.min.assignment.interval.ms").default("0").at_least(0)
        .doc("Smallest assignment interval that a streams group may be given."),
    int("group.streams.min.heartbeat.interval.ms").default("5000").at_least(1)
        .doc("Smallest heartbeat interval that a streams group may be given."),
    int("group.streams.min.session.timeout.ms").default("45000").at_least(1)
        .doc("Smallest session timeout that a streams group may be given."),
    int("group.streams.num.standby.replicas").default("0").at_least(0)
        .doc("Standby copies of each stateful task of a streams group."),
    int("group.streams.session.timeout.ms").default("45000").at_least(1)
        .doc("Time without heartbeat after which a member leaves its streams group."),
    int("offset.metadata.max.bytes").default("4096")
        .acts("group::offsets::tests::committing::metadata_is_measured_in_utf_16_and_refused_for_its_partition_alone")
        .doc("Largest text that a client may store with a committed offset."),
    int("offsets.commit.timeout.ms").default("5000").at_least(1)
        .acts("it::settings::a_commit_that_is_not_synced_in_its_time_is_told_so")
        .doc("Time an offset commit waits for its replicas."),
    int("offsets.load.buffer.size").default("5242880").at_least(1)
        .acts("broker::coordinators::tests::a_replay_applies_every_record_once_and_in_order_however_large_its_pieces_are")
        .doc("Bytes read at once when group state is loaded."),
    long("offsets.retention.check.interval.ms").default("600000").at_least(1)
        .acts("group::offsets::tests::expiring::looks_begin_one_interval_after_the_partition_was_loaded")
        .doc("Time between two looks for expired offsets."),
    int("offsets.retention.minutes").default("10080").at_least(1)
        .acts("group::offsets::tests::expiring::an_offset_is_kept_for_the_whole_retention_and_not_much_longer")
        .doc("Minutes that a group's offsets are kept after its last member left."),
    int("offsets.topic.compression.codec").default("0")
        .acts("it::settings::the_offsets_topic_is_compressed_as_its_key_says")
        .doc("Codec of the offsets topic by number: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."),
    int("offsets.topic.num.partitions").default("50").at_least(1)
        .acts("it::groups::a_group_lies_in_the_partition_that_javas_hash_says")
        .doc("Partitions of the offsets topic; not to be changed later."),
    short("offsets.topic.replication.factor").default("3").at_least(1)
        .acts("it::settings::an_internal_topic_with_more_replicas_than_brokers_is_not_made")
        .doc("Replicas of the offsets topic."),
    int("offsets.topic.segment.bytes").default("104857600").at_least(1)
        .acts("it::settings::internal_topics_are_made_as_their_keys_say")
        .doc("Segment size of the offsets topic."),
    int("producer.id.expiration.check.interval.ms").default("600000").at_least(1).internal()
        .acts("it::settings::producers_are_forgotten_at_the_next_look")
        .doc("Time between two looks for expired producer ids."),
    int("producer.id.expiration.ms").default("86400000").at_least(1).cluster_wide()
        .acts("log::tests::producers::silent_producers_expire_but_not_those_in_a_transaction")
        .doc("Time after its last write at which a partition forgets a producer."),
    int("share.coordinator.append.linger.ms").default("-1").at_least(-1)
        .doc("Time the share coordinator gathers records before it writes them; -1 adapts to the load."),
    int("share.coordinator.cached.buffer.max.bytes").default("1048588").at_least(524_288).cluster_wide()
        .doc("Largest write buffer that the share coordinator keeps for reuse."),
    int("share.coordinator.cold.partition.snapshot.interval.ms").default("300000").at_least(1).internal()
        .doc("Time between two snapshots of share partitions that do not change."),
    int("share.coordinator.load.buffer.size").default("5242880").at_least(1)
        .doc("Bytes read at once when share state is loaded."),
    int("share.coordinator.snapshot.update.records.per.snapshot").default("500").between(0, 500)
        .doc("Changes of a share partition written between two snapshots of it."),
    int("share.coordinator.state.topic.compression.codec").default("0")
        .doc("Codec of the share state topic by number: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."),
    short("share.coordinator.state.topic.min.isr").default("2").at_least(1)
        .acts("it::settings::internal_topics_are_made_as_their_keys_say")
        .doc("min.insync.replicas of the share state topic."),
    int("share.coordinator.state.topic.num.partitions").default("50").at_least(1)
        .acts("it::settings::internal_topics_are_made_as_their_keys_say")
        .doc("Partitions of the share state topic; not to be changed later."),
    int("share.coordinator.state.topic.prune.interval.ms").default("300000").at_least(1).internal()
        .doc("Time between two looks for share state that is no longer needed."),
    short("share.coordinator.state.topic.replication.factor").default("3").at_least(1)
        .acts("it::settings::an_internal_topic_with_more_replicas_than_brokers_is_not_made")
        .doc("Replicas of the share state topic."),
    int("share.coordinator.state.topic.segment.bytes").default("104857600").at_least(1)
        .acts("it::settings::internal_topics_are_made_as_their_keys_say")
        .doc("Segment size of the share state topic."),
    int("share.coordinator.threads").default("1").at_least(1)
        .doc("Threads of the share coordinator."),
    int("share.coordinator.write.timeout.ms").default("5000").at_least(1)
        .doc("Time a write of the share coordinator waits for its replicas."),
    int("share.fetch.purgatory.purge.interval.requests").default("1000")
        .doc("Finished ShareFetch requests that may gather among the waiting ones before they are cleared out."),
    int("transaction.abort.timed.out.transaction.cleanup.interval.ms").default("10000").at_least(1)
        .doc("Time between two looks for transactions that have timed out."),
    int("transaction.max.timeout.ms").default("900000").at_least(1)
        .acts("it::refusals::a_transactional_producer_is_told_what_is_wrong_before_that_there_are_no_transactions")
        .doc("Longest transaction that a producer may ask for."),
    boolean("transaction.partition.verification.enable").default("true").cluster_wide()
        .doc("Ask the coordinator whether a partition belongs to a transaction before its first record is written."),
    int("transaction.remove.expired.transaction.cleanup.interval.ms").default("3600000").at_least(1)
        .doc("Time between two looks for transactional ids that have expired."),
    int("transaction.state.log.load.buffer.size").default("5242880").at_least(1)
        .doc("Bytes read at once when transaction state is loaded."),
    int("transaction.state.log.min.isr").default("2").at_least(1)
        .acts("it::settings::internal_topics_are_made_as_their_keys_say")
        .doc("min.insync.replicas of the transaction topic."),
    int("transaction.state.log.num.partitions").default("50").at_least(1)
        .acts("it::settings::internal_topics_are_made_as_their_keys_say")
        .doc("Partitions of the transaction topic; not to be changed later."),
    short("transaction.state.log.replication.factor").default("3").at_least(1)
        .acts("it::settings::an_internal_topic_with_more_replicas_than_brokers_is_not_made")
        .doc("Replicas of the transaction topic."),
    int("transaction.state.log.segment.bytes").default("104857600").at_least(1)
        .acts("it::settings::internal_topics_are_made_as_their_keys_say")
        .doc("Segment size of the transaction topic."),
    boolean("transaction.two.phase.commit.enable").default("false")
        .doc("Allow producers to prepare transactions that an outside coordinator decides."),
    int("transactional.id.expiration.ms").default("604800000").at_least(1)
        .doc("Time without activity after which a transactional id is forgotten."),
];
