//! Log directories, segments, retention, compaction, flushing, and the metadata log.

use super::super::key::{Key, Validator, boolean, double, int, list, long, string};

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    int("compression.gzip.level").default("-1").allowed(Validator::BetweenOr(1, 9, -1)).cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Level when the broker compresses with gzip; -1 leaves it to the codec."),
    int("compression.lz4.level").default("9").between(1, 17).cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Level when the broker compresses with lz4."),
    string("compression.type").default("producer").one_of(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]).cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Codec in which records are stored; `producer` keeps the one they arrived in, `uncompressed` stores them plain."),
    int("compression.zstd.level").default("3").between(-131_072, 22).cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Level when the broker compresses with zstd."),
    list("cordoned.log.dirs").default("").per_broker()
        .doc("Log directories that get no new partitions; `*` means all."),
    long("internal.metadata.delete.delay.millis").default("60000").internal()
        .doc("Time between renaming and deleting a file of the metadata log. For tests."),
    int("internal.metadata.log.segment.bytes").internal()
        .doc("Segment size of the metadata log without a lower bound. For tests."),
    int("internal.metadata.max.batch.size.in.bytes").default("8388608").internal()
        .doc("Largest batch of the metadata log. For tests."),
    long("log.cleaner.backoff.ms").default("15000").at_least(0).cluster_wide()
        .doc("Pause of a compaction thread when there was nothing to compact."),
    long("log.cleaner.dedupe.buffer.size").default("134217728").cluster_wide()
        .doc("Memory of all compaction threads for the keys they have seen."),
    long("log.cleaner.delete.retention.ms").default("86400000").at_least(0).cluster_wide()
        .doc("Time that tombstones and transaction markers stay in a compacted topic."),
    boolean("log.cleaner.enable").default("true")
        .doc("Run compaction."),
    double("log.cleaner.io.buffer.load.factor").default("0.9").cluster_wide()
        .doc("How full the compaction's key memory may get."),
    int("log.cleaner.io.buffer.size").default("524288").at_least(0).cluster_wide()
        .doc("Memory of all compaction threads for reading and writing."),
    double("log.cleaner.io.max.bytes.per.second").default("1.7976931348623157E308").cluster_wide()
        .doc("Bytes a second that compaction reads and writes at most."),
    long("log.cleaner.max.compaction.lag.ms").default("9223372036854775807").at_least(1).cluster_wide()
        .doc("Time after which a record must have been considered for compaction."),
    double("log.cleaner.min.cleanable.ratio").default("0.5").allowed(Validator::Fraction(0.0, 1.0)).cluster_wide()
        .doc("Share of a log that must be uncompacted before it is compacted."),
    long("log.cleaner.min.compaction.lag.ms").default("0").at_least(0).cluster_wide()
        .doc("Time that a record stays uncompacted at least."),
    int("log.cleaner.threads").default("1").at_least(0).cluster_wide()
        .doc("Threads for compaction."),
    list("log.cleanup.policy").default("delete").allowed(Validator::Entries { allowed: &["compact", "delete"], may_be_empty: true }).cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("What happens to old segments: `delete` removes them by time and size, `compact` keeps the newest record of each key, nothing keeps all for ever."),
    list("log.dir").default("./klamm-data").not_empty()
        .acts("cli::tests::without_a_command_it_serves_with_the_defaults")
        .doc("The log directory, when log.dirs is not set."),
    long("log.dir.failure.timeout.ms").default("30000").at_least(1)
        .doc("Time a broker with a failed log directory tries to tell the controller before it exits."),
    list("log.dirs").not_empty()
        .acts("compat process several_directories_share_the_partitions")
        .doc("Log directories; partitions are spread over them."),
    long("log.flush.interval.messages").default("9223372036854775807").at_least(1).cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Records of a partition after which its log is flushed."),
    long("log.flush.interval.ms").cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Time after which a partition's log is flushed; unset: log.flush.scheduler.interval.ms."),
    int("log.flush.offset.checkpoint.interval.ms").default("60000").at_least(0)
        .acts("it::settings::checkpoints_are_written_at_their_intervals")
        .doc("Time between two writes of the recovery points."),
    long("log.flush.scheduler.interval.ms").default("9223372036854775807")
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Time between two looks for logs that are due for a flush."),
    int("log.flush.start.offset.checkpoint.interval.ms").default("60000").at_least(0)
        .acts("it::settings::checkpoints_are_written_at_their_intervals")
        .doc("Time between two writes of the log start offsets."),
    int("log.index.interval.bytes").default("4096").at_least(0).cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Bytes of log between two entries of its indexes."),
    int("log.index.size.max.bytes").default("10485760").at_least(4).cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Largest size of an index file; a full one rolls the segment."),
    long("log.initial.task.delay.ms").default("30000").at_least(0).internal()
        .acts("it::upkeep::retention_moves_the_log_start_and_removes_files_after_their_delay")
        .doc("Time after the start at which retention and checkpoints run for the first time."),
    long("log.message.timestamp.after.max.ms").default("3600000").at_least(0).cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("How far a record's timestamp may lie ahead of the broker's clock."),
    long("log.message.timestamp.before.max.ms").default("9223372036854775807").at_least(0).cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("How far a record's timestamp may lie behind the broker's clock."),
    string("log.message.timestamp.type").default("CreateTime").one_of(&["CreateTime", "LogAppendTime"]).cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Whose clock stamps records: the producer's (CreateTime) or the broker's (LogAppendTime)."),
    boolean("log.preallocate").default("false").cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Reserve the whole size of a new segment on the disk."),
    long("log.retention.bytes").default("-1").cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Bytes of a partition above which its oldest segments are deleted; -1: no bound."),
    long("log.retention.check.interval.ms").default("300000").at_least(1)
        .acts("it::upkeep::retention_moves_the_log_start_and_removes_files_after_their_delay")
        .doc("Time between two looks for segments to delete."),
    int("log.retention.hours").default("168")
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Hours that records are kept; used when the keys in minutes and milliseconds are not set."),
    int("log.retention.minutes")
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Minutes that records are kept; used when log.retention.ms is not set."),
    long("log.retention.ms").cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Milliseconds that records are kept; -1: for ever. Unset: log.retention.minutes, then log.retention.hours."),
    int("log.roll.hours").default("168").at_least(1)
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Hours after which a new segment is started; used when log.roll.ms is not set."),
    int("log.roll.jitter.hours").default("0").at_least(0)
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Most hours by which the start of a new segment is randomly advanced; used when log.roll.jitter.ms is not set."),
    long("log.roll.jitter.ms").cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Most milliseconds by which the start of a new segment is randomly advanced. Unset: log.roll.jitter.hours."),
    long("log.roll.ms").cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Milliseconds after which a new segment is started even if the old one is not full. Unset: log.roll.hours."),
    int("log.segment.bytes").default("1073741824").at_least(1_048_576).cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Size at which a new segment is started."),
    long("log.segment.delete.delay.ms").default("60000").at_least(0).cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Time between renaming and deleting the files of a removed segment."),
    int("message.max.bytes").default("1048588").at_least(0).cluster_wide()
        .acts("config::topic::tests::every_broker_key_behind_a_topic_key_changes_it")
        .doc("Largest batch of records that is taken, as compressed."),
    string("metadata.log.dir")
        .acts("it::storage::losing_the_directory_of_the_metadata_ends_the_node")
        .doc("Directory of the metadata log; unset: the first log directory."),
    long("metadata.log.max.record.bytes.between.snapshots").default("20971520").at_least(1)
        .acts("quorum::tests::snapshots_cut_the_log_and_a_restart_begins_with_the_newest")
        .doc("Bytes of metadata records after which a snapshot is made."),
    long("metadata.log.max.snapshot.interval.ms").default("3600000").at_least(0)
        .acts("quorum::tests::a_snapshot_is_made_when_its_time_has_come_and_something_is_new")
        .doc("Time after which a snapshot is made if there are new metadata records; 0: never by time."),
    int("metadata.log.segment.bytes").default("1073741824").at_least(8_388_608)
        .acts("quorum::tests::the_log_rolls_by_size_and_time")
        .doc("Segment size of the metadata log."),
    long("metadata.log.segment.ms").default("604800000")
        .acts("quorum::tests::the_log_rolls_by_size_and_time")
        .doc("Time after which the metadata log starts a new segment."),
    int("metadata.max.idle.interval.ms").default("500").at_least(0)
        .doc("Time between two empty records that an idle controller writes; 0: none."),
    long("metadata.max.retention.bytes").default("104857600")
        .doc("Bytes of metadata log and snapshots above which old ones are deleted; negative: no bound."),
    long("metadata.max.retention.ms").default("604800000")
        .doc("Time that old segments and snapshots of the metadata log are kept; negative: for ever."),
    int("num.recovery.threads.per.data.dir").default("2").at_least(1).cluster_wide()
        .doc("Threads per log directory that recover logs at start and flush them at the end."),
    int("num.replica.alter.log.dirs.threads")
        .doc("Threads that move replicas between log directories; unset: one per directory."),
];
