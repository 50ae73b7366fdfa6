//! Settings of one topic; the broker keys behind them stand in [`super::super::synonyms`].

use super::super::key::{Key, Validator, boolean, double, int, list, long, string};

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    list("cleanup.policy").default("delete").allowed(Validator::Entries { allowed: &["compact", "delete"], may_be_empty: true }).of_topic()
        .acts("it::upkeep::retention_moves_the_log_start_and_removes_files_after_their_delay")
        .doc("What happens to old segments: `delete` removes them by time and size, `compact` keeps the newest record of each key, nothing keeps all for ever."),
    int("compression.gzip.level").default("-1").allowed(Validator::BetweenOr(1, 9, -1)).of_topic()
        .acts("record::validate::tests::levels_change_the_size")
        .doc("Level when the broker compresses with gzip; -1 leaves it to the codec."),
    int("compression.lz4.level").default("9").between(1, 17).of_topic()
        .acts("record::validate::tests::levels_change_the_size")
        .doc("Level when the broker compresses with lz4."),
    string("compression.type").default("producer").one_of(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]).of_topic()
        .acts("record::validate::tests::recompression_keeps_the_records")
        .doc("Codec in which records are stored; `producer` keeps the one they arrived in, `uncompressed` stores them plain."),
    int("compression.zstd.level").default("3").between(-131_072, 22).of_topic()
        .acts("record::validate::tests::levels_change_the_size")
        .doc("Level when the broker compresses with zstd."),
    long("delete.retention.ms").default("86400000").at_least(0).of_topic()
        .doc("Time that tombstones and transaction markers stay after compaction."),
    long("file.delete.delay.ms").default("60000").at_least(0).of_topic()
        .acts("log::tests::retention::deleted_files_go_after_their_delay")
        .doc("Time between renaming and deleting the files of a removed segment."),
    long("flush.messages").default("9223372036854775807").at_least(1).of_topic()
        .acts("it::acknowledgement::page_cache_mode_acknowledges_before_the_sync_and_syncs_when_it_is_told_to")
        .doc("Records after which the log is flushed. Without effect on what is acknowledged while klamm.flush.mode is durable."),
    long("flush.ms").default("9223372036854775807").at_least(0).of_topic()
        .acts("it::acknowledgement::page_cache_mode_syncs_by_time")
        .doc("Time after which the log is flushed. Without effect on what is acknowledged while klamm.flush.mode is durable."),
    list("follower.replication.throttled.replicas").default("").allowed(Validator::ThrottledReplicas).of_topic()
        .doc("Replicas whose copying is throttled on the follower's side, as partition:broker, or * for all."),
    int("index.interval.bytes").default("4096").at_least(0).of_topic()
        .acts("log::tests::append::an_index_has_an_entry_for_each_interval")
        .doc("Bytes of log between two entries of its indexes."),
    int("internal.segment.bytes").of_topic().internal()
        .acts("config::topic::tests::the_segment_size_for_tests_holds_against_the_other")
        .doc("Segment size without a lower bound. For tests."),
    list("leader.replication.throttled.replicas").default("").allowed(Validator::ThrottledReplicas).of_topic()
        .doc("Replicas whose copying is throttled on the leader's side, as partition:broker, or * for all."),
    long("local.retention.bytes").default("-2").at_least(-2).of_topic()
        .doc("Bytes kept on the local disk when old segments go to a remote tier; -2: as retention.bytes."),
    long("local.retention.ms").default("-2").at_least(-2).of_topic()
        .doc("Time that records stay on the local disk when old segments go to a remote tier; -2: as retention.ms."),
    long("max.compaction.lag.ms").default("9223372036854775807").at_least(1).of_topic()
        .doc("Time after which a record must have been considered for compaction."),
    int("max.message.bytes").default("1048588").at_least(0).of_topic()
        .acts("record::validate::tests::sizes")
        .doc("Largest batch of records that is taken, as compressed."),
    long("message.timestamp.after.max.ms").default("3600000").at_least(0).of_topic()
        .acts("record::validate::tests::timestamps_out_of_range_are_named")
        .doc("How far a record's timestamp may lie ahead of the broker's clock."),
    long("message.timestamp.before.max.ms").default("9223372036854775807").at_least(0).of_topic()
        .acts("record::validate::tests::timestamps_out_of_range_are_named")
        .doc("How far a record's timestamp may lie behind the broker's clock."),
    string("message.timestamp.type").default("CreateTime").one_of(&["CreateTime", "LogAppendTime"]).of_topic()
        .acts("record::validate::tests::log_append_time_is_stamped")
        .doc("Whose clock stamps records: the producer's (CreateTime) or the broker's (LogAppendTime)."),
    double("min.cleanable.dirty.ratio").default("0.5").allowed(Validator::Fraction(0.0, 1.0)).of_topic()
        .doc("Share of the log that must be uncompacted before it is compacted."),
    long("min.compaction.lag.ms").default("0").at_least(0).of_topic()
        .doc("Time that a record stays uncompacted at least."),
    int("min.insync.replicas").default("1").at_least(1).of_topic()
        .doc("Replicas that must be in sync for a write with acks=all to be taken."),
    boolean("preallocate").default("false").of_topic()
        .acts("log::tests::append::a_preallocated_segment_has_its_space_from_the_start")
        .doc("Reserve the whole size of a new segment on the disk."),
    boolean("remote.log.copy.disable").default("false").of_topic()
        .doc("Copy no more segments to the remote tier, keep what is there."),
    boolean("remote.log.delete.on.disable").default("false").of_topic()
        .doc("Delete what the remote tier holds when it is switched off for the topic."),
    boolean("remote.storage.enable").default("false").of_topic()
        .doc("Keep old segments in a remote tier."),
    long("retention.bytes").default("-1").of_topic()
        .acts("log::tests::retention::segments_go_by_size_but_never_below_the_limit")
        .doc("Bytes of a partition above which its oldest segments are deleted; -1: no bound."),
    long("retention.ms").default("604800000").at_least(-1).of_topic()
        .acts("log::tests::retention::old_segments_go_by_time")
        .doc("Milliseconds that records are kept; -1: for ever."),
    int("segment.bytes").default("1073741824").at_least(1_048_576).of_topic()
        .acts("log::tests::append::a_segment_ends_by_size")
        .doc("Size at which a new segment is started."),
    int("segment.index.bytes").default("10485760").at_least(4).of_topic()
        .acts("log::tests::append::a_segment_ends_with_a_full_index_and_before_offsets_outgrow_it")
        .doc("Largest size of an index file; a full one rolls the segment."),
    long("segment.jitter.ms").default("0").at_least(0).of_topic()
        .acts("log::tests::append::jitter_shortens_segments_and_differs_between_them")
        .doc("Most milliseconds by which the start of a new segment is randomly advanced."),
    long("segment.ms").default("604800000").at_least(1).of_topic()
        .acts("log::tests::append::a_segment_ends_by_the_time_of_its_first_batch")
        .doc("Milliseconds after which a new segment is started even if the old one is not full."),
    boolean("unclean.leader.election.enable").default("false").of_topic()
        .doc("Let a replica that is not in sync become leader when no other is left; records can be lost."),
];
