"""Apache Kafka's own command line tools: the Java clients, and dump-log over the files that the broker wrote."""

import re
from concurrent.futures import ThreadPoolExecutor

from harness import environment, machine
from harness.case import case, unique
from harness.wire import Connection, batch, batch_headers, record

TOOLS = "org.apache.kafka.tools."
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
CLEAN = re.compile(r"^baseOffset: .* isvalid: true$")


def version() -> str:
    machine.start()
    return environment.KAFKA_VERSION


def run(main_class, *arguments, stdin="", seconds=90, succeeds=True) -> str:
    """What the tool prints; with `succeeds=False` it must fail, and what it says on standard error counts too."""
    done = machine.run(main_class if main_class.startswith(("kafka.", "org.")) else TOOLS + main_class, *arguments, stdin=stdin, seconds=seconds)
    assert (done.code == 0) == succeeds, f"exit {done.code}: {done.out[-2000:]} {done.err[-2000:]}"
    return done.out if succeeds else done.out + done.err


def tool(broker, main_class, *arguments, **keywords) -> str:
    return run(main_class, "--bootstrap-server", broker.bootstrap, *arguments, **keywords)


def create(broker, name, partitions=1, **configs) -> str:
    topic = unique(name)
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic, partitions, configs)
    return topic


def produce(broker, topic, lines, *arguments):
    tool(broker, "ConsoleProducer", "--topic", topic, *arguments, stdin="".join(f"{line}\n" for line in lines))


def consume(broker, topic, count, *arguments, partition=0, offset="earliest") -> list[str]:
    said = tool(broker, "consumer.ConsoleConsumer", "--topic", topic, "--partition", partition, "--offset", offset,
                "--max-messages", count, "--timeout-ms", 30_000, *arguments)
    return said.splitlines()


# ---- topics, producing, consuming

@case(seconds=180)
def topics_create_describe_list_delete(broker):
    topic = unique("java-topic")
    assert f"Created topic {topic}." in tool(
        broker, "TopicCommand", "--create", "--topic", topic, "--partitions", 3, "--replication-factor", 1, "--config", "retention.ms=1000000")
    described = tool(broker, "TopicCommand", "--describe", "--topic", topic)
    assert re.search(rf"Topic: {topic}\tTopicId: \S{{22}}\tPartitionCount: 3\tReplicationFactor: 1\tConfigs: .*retention.ms=1000000",
                     described), described
    assert len(re.findall(r"Partition: \d\tLeader: (\d+)\tReplicas: \1\tIsr: \1\t", described)) == 3, described
    assert "already exists" in tool(broker, "TopicCommand", "--create", "--topic", topic, succeeds=False)
    tool(broker, "TopicCommand", "--delete", "--topic", topic)
    assert topic not in tool(broker, "TopicCommand", "--list").split()


@case(seconds=240)
def console_producer_in_every_codec(broker):
    topic = create(broker, "java-codecs")
    expected = []
    for codec in CODECS:
        lines = [f"{codec} {number} {'compressible ' * 10}" for number in range(200)]
        produce(broker, topic, lines, "--compression-codec", codec)
        expected += lines
    assert consume(broker, topic, len(expected)) == expected
    with Connection(broker.bootstrap) as connection:
        stored = [header["attributes"] & 7 for header in batch_headers(connection.fetch(topic)["records"])]
    assert sorted(set(stored)) == [0, 1, 2, 3, 4] and stored == sorted(stored), stored


@case(seconds=120)
def console_consumer_shows_every_part_of_a_record(broker):
    topic = create(broker, "java-parts")
    produce(broker, topic, ["h1:a,h2:b\tkey\tvalue", "h1:\tkey\tNULL"], "--reader-property", "parse.key=true", "--reader-property",
            "parse.headers=true", "--reader-property", "null.marker=NULL")
    found = consume(broker, topic, 2, *[word for each in ("key", "headers", "offset", "partition", "timestamp")
                                        for word in ("--formatter-property", f"print.{each}=true")])
    assert re.fullmatch(r"CreateTime:\d{13}\tPartition:0\tOffset:0\th1:a,h2:b\tkey\tvalue", found[0]), found
    assert re.fullmatch(r"CreateTime:\d{13}\tPartition:0\tOffset:1\th1:\tkey\tnull", found[1]), found


@case(seconds=120)
def console_consumer_starts_where_it_is_told(broker):
    topic = create(broker, "java-offsets", 2)
    with Connection(broker.bootstrap) as connection:
        for number in range(10):
            connection.produce(topic, batch([record(str(number).encode())]), partition=1)
    assert consume(broker, topic, 3, partition=1, offset=7) == ["7", "8", "9"]


@case(seconds=120)
def get_offsets_of_every_kind(broker):
    topic = create(broker, "java-get-offsets", 2, **{"retention.ms": -1})
    with Connection(broker.bootstrap) as connection:
        for number in range(10):
            sent = batch([record()], base_timestamp=1_700_000_000_000 + 1000 * (number % 7))
            assert connection.produce(topic, sent, partition=1)["error"] == "NONE"
    for time, offset in [(-1, 10), (-2, 0), (-3, 6), (1_700_000_004_000, 4)]:
        said = tool(broker, "GetOffsetShell", "--topic", topic, "--time", time)
        assert f"{topic}:1:{offset}" in said.split(), (time, said)


@case(seconds=120)
def broker_api_versions_reads_all(broker):
    said = tool(broker, "BrokerApiVersionsCommand")
    with Connection(broker.bootstrap) as connection:
        advertised = connection.api_versions()
    for key, name in [(0, "Produce"), (1, "Fetch"), (2, "ListOffsets"), (3, "Metadata"), (18, "ApiVersions"), (19, "CreateTopics")]:
        low, high = advertised[key]
        assert re.search(rf"\t{name}\({key}\): {low} to {high} \[usable: {high}\]", said), f"{name}: {said}"


@case(seconds=120)
def message_too_large_is_told(broker):
    topic = create(broker, "java-large", **{"max.message.bytes": 2000})
    said = run("ConsoleProducer", "--bootstrap-server", broker.bootstrap, "--topic", topic, stdin="x" * 5000 + "\n")
    # The tool logs the failure and exits 0.
    with Connection(broker.bootstrap) as connection:
        assert connection.end_offset(topic) == 0, said


# ---- the files

def dump(*options, files) -> str:
    """What dump-log prints over the files. What it finds wrong it says on standard error, and exits 0."""
    assert files, "no files to read"
    done = machine.run(TOOLS + "DumpLogSegments", *options, "--files", ",".join(map(str, files)), seconds=240)
    wrong = complaints(done.err)
    assert done.code == 0 and not wrong, f"exit {done.code}: {wrong[:20]}"
    assert done.out.count("Dumping ") == len(files)
    invalid = [line for line in done.out.splitlines() if line.startswith("baseOffset") and not CLEAN.match(line)]
    assert not invalid, invalid[:3]
    return done.out


def complaints(said: str) -> list[str]:
    """Of a segment that does not begin at offset 0 the tool believes that it follows on offset -1: no complaint."""
    found, segment = [], ""
    for line in said.splitlines():
        if line.startswith("Non-consecutive offsets in "):
            segment = line
        elif not segment.endswith(f"/{line.removeprefix('  -1 is followed by '):0>20}.log"):
            found += [segment, line]
    return found


def files_of(broker, pattern) -> list:
    return sorted(broker.data.glob(pattern))


@case(seconds=300)
def dump_log_shows_records_indexes_and_producers(fresh):
    broker = fresh().start()
    settings = {"segment.bytes": 1 << 20, "index.interval.bytes": 4096}
    topic = create(broker, "dumped", **settings)
    values = [f"value {number:05} ".encode() * 60 for number in range(4000)]
    with Connection(broker.bootstrap) as connection:
        producer_id, epoch = connection.producer_id()
        for first in range(0, len(values), 20):
            records = [record(value, b"key", delta, headers=[(b"name", b"x")]) for delta, value in enumerate(values[first:first + 20])]
            sent = batch(records, producer_id=producer_id, producer_epoch=epoch, base_sequence=first)
            assert connection.produce(topic, sent)["error"] == "NONE"
    broker.stop()
    check_dumped(broker, topic, values, producer_id)


def check_dumped(broker, topic, values, producer_id):
    logs = files_of(broker, f"{topic}-0/*.log")
    assert len(logs) >= 3, logs
    with ThreadPoolExecutor(2) as together:
        records = together.submit(dump, "--print-data-log", files=logs)
        sanity = together.submit(dump, "--index-sanity-check", files=files_of(broker, f"{topic}-0/*.*index"))
        verify = together.submit(dump, "--verify-index-only", files=files_of(broker, f"{topic}-0/*.*index"))
        snapshots = together.submit(dump, files=files_of(broker, f"{topic}-0/*.snapshot"))
    payloads = re.findall(r"^\| offset: (\d+) CreateTime: \d+ keySize: 3 .* headerKeys: \[name\] key: key payload: (.*)$",
                          records.result(), re.MULTILINE)
    assert payloads == [(str(offset), value.decode()) for offset, value in enumerate(values)]
    assert sanity.result().count("passed sanity check") >= len(logs), sanity.result()
    verify.result()
    assert f"producerId: {producer_id} producerEpoch: 0 " in snapshots.result(), snapshots.result()
    assert f"lastSequence: {len(values) - 1} " in snapshots.result(), snapshots.result()


@case(seconds=300)
def dump_log_reads_every_file_of_the_run(stopped):
    """Logs, indexes and producer snapshots of all topics that the cases before this one wrote."""
    logs = [path for path in files_of(stopped, "*-*/*.log") if not path.parent.name.startswith("__") and not path.parent.name.endswith("-delete")]
    if stopped.name == "kafka":  # it stores some of hostile/'s disorder
        logs = [path for path in logs if not path.parent.name.startswith("crafted-")]
    dump("--deep-iteration", files=logs)
    indexes = [path.with_suffix(suffix) for path in logs for suffix in (".index", ".timeindex")]
    dump("--verify-index-only", files=indexes)
    dump(files=files_of(stopped, "*-*/*.snapshot"))


@case(seconds=300)
def dump_log_decodes_the_metadata_log(stopped):
    log = files_of(stopped, "__cluster_metadata-0/*.log")
    said = dump("--cluster-metadata-decoder", files=log)
    types = set(re.findall(r'payload: \{"type":"([A-Z_]+)"', said))
    assert {"REGISTER_BROKER_RECORD", "TOPIC_RECORD", "PARTITION_RECORD", "FEATURE_LEVEL_RECORD"} <= types, types
    assert "LeaderChange: " in said and "KRaftVoters " in said
    assert "payload: null" not in said and "Error" not in said


@case(seconds=300)
def dump_log_decodes_metadata_snapshots(fresh):
    """A snapshot is forced by a small interval; the one that Kafka's format command makes would do too, but is empty."""
    broker = fresh(**{"metadata.log.max.record.bytes.between.snapshots": 1000}).start()
    topics = [create(broker, "snapshotted", 5) for _ in range(20)]
    with Connection(broker.bootstrap) as connection:
        assert connection.metadata(topics)["topics"] == {topic: ("NONE", 5) for topic in topics}
    broker.stop()
    snapshots = files_of(broker, "__cluster_metadata-0/*.checkpoint")
    said = dump("--cluster-metadata-decoder", files=snapshots[-1:])
    assert "SnapshotHeader " in said and "SnapshotFooter " in said
    assert '"type":"TOPIC_RECORD"' in said and '"type":"REGISTER_BROKER_RECORD"' in said, said[:2000]
