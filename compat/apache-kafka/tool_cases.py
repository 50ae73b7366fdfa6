"""Apache Kafka's tools for topics, records, directories and the cluster; those that measure and verify."""

import json
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from cases import create, files_of, produce, run, tool

from harness import environment
from harness.case import case, unique
from harness.wire import Connection, batch, now_ms, record

PER_TOOL = 60
DESCRIBE_ACLS = 29


def fill(broker, topic, count, partition=0):
    with Connection(broker.bootstrap) as connection:
        for number in range(count):
            sent = batch([record(str(number).encode())], base_timestamp=now_ms() + number)
            assert connection.produce(topic, sent, partition=partition)["error"] == "NONE"


def bounds(broker, topic, partition=0) -> tuple[int, int]:
    with Connection(broker.bootstrap) as connection:
        return connection.offset_of(topic, partition, -2)[1], connection.offset_of(topic, partition, -1)[1]


# ---- topics

@case(seconds=PER_TOOL)
def topics_tells_what_is_there_already_or_not(broker):
    topic = unique("java-options")
    create_it = ["--create", "--topic", topic, "--if-not-exists"]
    assert f"Created topic {topic}." in tool(broker, "TopicCommand", *create_it)
    assert "Created" not in tool(broker, "TopicCommand", *create_it), "it is there"
    assert "does not exist as expected" in tool(broker, "TopicCommand", "--describe", "--topic", unique("no"), succeeds=False)
    assert tool(broker, "TopicCommand", "--describe", "--topic", unique("no"), "--if-exists") == ""
    tool(broker, "TopicCommand", "--delete", "--topic", topic)
    assert "does not exist as expected" in tool(broker, "TopicCommand", "--delete", "--topic", topic, succeeds=False)
    assert tool(broker, "TopicCommand", "--delete", "--topic", topic, "--if-exists") == ""


@case(seconds=PER_TOOL)
def topics_refuses_with_kafkas_words(broker):
    def refused(*arguments) -> str:
        return tool(broker, "TopicCommand", "--create", "--topic", *arguments, succeeds=False)

    assert "InvalidTopicException" in refused("a/b")
    assert "InvalidReplicationFactorException" in refused(unique("rf"), "--replication-factor", 2)
    assert "The partitions must be greater than 0" in refused(unique("none"), "--partitions", 0)
    assert "PolicyViolationException" in refused(unique("many"), "--partitions", 2_000_000_000)
    assert "Unknown topic config name: no.such.key" in refused(unique("key"), "--config", "no.such.key=1")
    assert "InvalidConfigurationException" in refused(unique("value"), "--config", "segment.ms=1", "--config", "max.compaction.lag.ms=1",
                                                     "--config", "min.compaction.lag.ms=2")


@case(seconds=PER_TOOL, needs="DescribeTopicPartitions")
def topics_describes_what_is_asked_for(broker):
    stem = unique("java-chosen")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(f"{stem}-plain", 3)
        connection.create_topic(f"{stem}-kept", 3, {"cleanup.policy": "compact", "min.insync.replicas": 1})

    def described(*arguments) -> list[str]:
        said = tool(broker, "TopicCommand", "--describe", "--topic", f"{stem}.*", *arguments)
        return sorted(set(re.findall(rf"Topic: {stem}-(\w+)", said)))

    assert described() == ["kept", "plain"]
    assert "kept" in described("--topics-with-overrides"), "Apache Kafka counts the cluster's min.insync.replicas as one, too"
    assert described("--at-min-isr-partitions") == ["kept", "plain"]
    for nothing in ("--under-replicated-partitions", "--unavailable-partitions", "--under-min-isr-partitions"):
        assert described(nothing) == [], nothing
    whole = tool(broker, "TopicCommand", "--describe", "--topic", f"{stem}-kept")
    assert re.search(r"\tPartition: 2\tLeader: \d+\tReplicas: \d+\tIsr: \d+\tElr: \tLastKnownElr: $", whole, re.MULTILINE), whole
    assert "cleanup.policy=compact" in whole and "min.insync.replicas=1" in whole
    [topic_id] = re.findall(r"TopicId: (\S{22})\t", whole)
    assert tool(broker, "TopicCommand", "--describe", "--topic-id", topic_id).replace("N/A", "") == whole, "by Metadata"


@case(seconds=PER_TOOL)
def topics_lists_with_and_without_internal_ones(broker):
    topic = create(broker, "java-listed")
    with ThreadPoolExecutor(2) as together:
        everything = together.submit(tool, broker, "TopicCommand", "--list")
        own = together.submit(tool, broker, "TopicCommand", "--list", "--exclude-internal")
    assert topic in everything.result().split() and topic in own.result().split()
    assert not [name for name in own.result().split() if name.startswith("__")]


@case(seconds=PER_TOOL)
def topics_places_replicas_as_told(broker):
    with Connection(broker.bootstrap) as connection:
        [(node, *_)] = connection.metadata([])["brokers"]
    topic = unique("java-placed")
    tool(broker, "TopicCommand", "--create", "--topic", topic, "--replica-assignment", f"{node},{node},{node}")
    with Connection(broker.bootstrap) as connection:
        assert connection.metadata([topic])["topics"] == {topic: ("NONE", 3)}
    said = tool(broker, "TopicCommand", "--create", "--topic", unique("misplaced"), "--replica-assignment", node + 70, succeeds=False)
    assert "InvalidReplicaAssignmentException" in said, said


@case(seconds=PER_TOOL, needs="CreatePartitions")
def topics_adds_partitions(broker):
    topic = create(broker, "java-grown", 2)
    assert tool(broker, "TopicCommand", "--alter", "--topic", topic, "--partitions", 5) == ""
    with Connection(broker.bootstrap) as connection:
        assert connection.metadata([topic])["topics"] == {topic: ("NONE", 5)}
        assert connection.end_offset(topic, 4) == 0
    for fewer in (5, 3):
        said = tool(broker, "TopicCommand", "--alter", "--topic", topic, "--partitions", fewer, succeeds=False)
        assert "InvalidPartitionsException" in said, said
    said = tool(broker, "TopicCommand", "--alter", "--topic", unique("none"), "--partitions", 3, succeeds=False)
    assert "does not exist as expected" in said, said


# ---- records

@case(seconds=PER_TOOL, needs="DeleteRecords")
def delete_records_moves_the_start(broker):
    """trap 58: the new start is durable and told; -1 is the high watermark; beyond it is out of range."""
    topic = create(broker, "java-trimmed", 2)
    fill(broker, topic, 10)
    fill(broker, topic, 4, partition=1)

    def delete(*wanted) -> str:
        asked = environment.BUILD / f"{topic}.json"
        asked.write_text(json.dumps({"version": 1, "partitions": [
            {"topic": topic, "partition": partition, "offset": offset} for partition, offset in wanted]}))
        said = tool(broker, "DeleteRecordsCommand", "--offset-json-file", asked)
        asked.unlink()
        return said

    said = delete((0, 7), (1, -1))
    assert f"partition: {topic}-0\tlow_watermark: 7" in said and f"partition: {topic}-1\tlow_watermark: 4" in said, said
    assert (bounds(broker, topic), bounds(broker, topic, 1)) == ((7, 10), (4, 4))
    assert f"partition: {topic}-0\tlow_watermark: 7" in delete((0, 3)), "not back"
    assert "OffsetOutOfRangeException" in delete((0, 11))
    assert bounds(broker, topic) == (7, 10)


@case(seconds=PER_TOOL)
def console_consumer_prints_as_it_is_told(broker):
    topic = create(broker, "java-printed")
    produce(broker, topic, ["key=one", "=two", "nothing=NULL"], "--reader-property", "parse.key=true", "--reader-property",
            "key.separator==", "--reader-property", "null.marker=NULL")

    def consume(*options) -> str:
        return tool(broker, "consumer.ConsoleConsumer", "--topic", topic, "--from-beginning", "--max-messages", 3, "--timeout-ms",
                    30_000, "--isolation-level", "read_committed", *options)

    shaped = [word for each in ("print.key=true", "key.separator=|", "line.separator=;", "null.literal=none", "print.epoch=true",
                                "print.delivery=false") for word in ("--formatter-property", each)]
    assert consume(*shaped) == "".join(f"Epoch:NOT_PRESENT|{each};" for each in ("key|one", "|two", "nothing|none"))
    assert consume("--formatter", "org.apache.kafka.tools.consumer.NoOpMessageFormatter") == ""


@case(seconds=PER_TOOL)
def get_offsets_of_chosen_partitions(broker):
    topic = create(broker, "java-chosen", 3)
    for partition, count in enumerate((5, 6, 7)):
        fill(broker, topic, count, partition)

    def offsets(*arguments) -> list[str]:
        return tool(broker, "GetOffsetShell", *arguments).split()

    assert offsets("--topic", topic) == [f"{topic}:0:5", f"{topic}:1:6", f"{topic}:2:7"]
    assert offsets("--topic", topic, "--partitions", "0,2") == [f"{topic}:0:5", f"{topic}:2:7"]
    assert offsets("--topic-partitions", f"{topic}:1-3", "--time", "earliest") == [f"{topic}:1:0", f"{topic}:2:0"]
    assert offsets("--topic-partitions", f"{topic}:1", "--time", "max-timestamp", "--exclude-internal-topics") == [f"{topic}:1:5"]


# ---- measuring and verifying

@case(seconds=PER_TOOL)
def performance_tools_count_their_records(broker):
    topic, group = create(broker, "java-performance", 2), unique("java-performance")
    said = tool(broker, "ProducerPerformance", "--topic", topic, "--num-records", 5000, "--record-size", 200, "--throughput", -1,
                "--command-property", "acks=all", "--command-property", "compression.type=zstd", "--print-metrics")
    assert re.search(r"^5000 records sent, [\d.]+ records/sec", said, re.MULTILINE), said[:500]
    assert re.search(r"producer-metrics:record-error-total:\S* *: 0\.000", said), "records failed"
    assert sum(bounds(broker, topic, partition)[1] for partition in (0, 1)) == 5000
    said = tool(broker, "ConsumerPerformance", "--topic", topic, "--group", group, "--num-records", 5000, "--timeout", 20_000)
    titles, figures = [line.split(", ") for line in said.splitlines()]
    assert dict(zip(titles, figures))["data.consumed.in.nMsg"] == "5000", said


@case(seconds=PER_TOOL)
def end_to_end_latency_gets_every_record_back(broker):
    topic = create(broker, "java-latency")
    said = tool(broker, "EndToEndLatency", "--topic", topic, "--num-records", 100, "--producer-acks", "all", "--record-size", 100,
                "--record-key-size", 10, "--num-headers", 2)
    assert re.search(r"^Percentiles: 50th = \d+, 99th = \d+, 99.9th = \d+$", said, re.MULTILINE), said
    assert bounds(broker, topic) == (0, 100)


@case(seconds=PER_TOOL)
def client_compatibility_is_that_of_a_new_broker(broker):
    topic = create(broker, "java-compatible")
    with Connection(broker.bootstrap) as connection:
        nodes, acls = len(connection.metadata([])["brokers"]), DESCRIBE_ACLS in connection.api_versions()
    supported = [word for each in ("offsets-for-times", "cluster-id", "create-topics", "describe-configs", "idempotent-producer")
                 for word in (f"--{each}-supported", "true")]
    said = tool(broker, "ClientCompatibilityTest", "--topic", topic, "--expect-record-too-large-exception", "false",
                "--num-cluster-nodes", nodes, "--describe-acls-supported", str(acls).lower(), *supported)
    assert said.endswith("SUCCESS.\n"), said


@case(seconds=PER_TOOL, needs="JoinGroup")
def verifiable_producer_and_consumer_agree(broker):
    """Each in a machine of its own: they end it without asking."""
    topic = create(broker, "java-verified")

    def events(main_class, *arguments) -> list[dict]:
        command = environment.java(f"org.apache.kafka.tools.{main_class}", "--bootstrap-server", broker.bootstrap, "--topic", topic,
                                   "--max-messages", "500", *arguments)
        done = subprocess.run(command, capture_output=True, text=True, timeout=50)
        assert done.returncode == 0, done.stderr[-1000:]
        return [json.loads(line) for line in done.stdout.splitlines()]

    with ThreadPoolExecutor(2) as together:
        producing = together.submit(events, "VerifiableProducer", "--acks", "-1", "--value-prefix", "7")
        consuming = together.submit(events, "VerifiableConsumer", "--group-id", unique("java-verified"), "--reset-policy", "earliest",
                                    "--verbose")
    sent = {each["offset"]: each["value"] for each in producing.result() if each["name"] == "producer_send_success"}
    assert sorted(sent.values()) == sorted(f"7.{number}" for number in range(500))
    assert [(each["sent"], each["acked"]) for each in producing.result() if each["name"] == "tool_data"] == [(500, 500)]
    read = {each["offset"]: each["value"] for each in consuming.result() if each["name"] == "record_data"}
    assert read == sent
    committed = [each for each in consuming.result() if each["name"] == "offsets_committed"]
    assert all(each["success"] for each in committed) and committed[-1]["offsets"] == [{"topic": topic, "partition": 0, "offset": 500}]


# ---- directories

@case(seconds=PER_TOOL, needs="DescribeLogDirs")
def log_dirs_tells_sizes(broker):
    topic = create(broker, "java-sized", 2)
    sent = batch([record(b"x" * 5000)])
    with Connection(broker.bootstrap) as connection:
        connection.produce(topic, sent, partition=1)
        [(node, *_)] = connection.metadata([])["brokers"]
    said = tool(broker, "LogDirsCommand", "--describe", "--topic-list", topic)
    [told] = json.loads(said.splitlines()[-1])["brokers"]
    [directory] = told["logDirs"]
    assert told["broker"] == node and directory["error"] is None, said
    sizes = {each["partition"]: (each["size"], each["offsetLag"], each["isFuture"]) for each in directory["partitions"]}
    assert sizes == {f"{topic}-0": (0, 0, False), f"{topic}-1": (len(sent), 0, False)}, said
    everything = json.loads(tool(broker, "LogDirsCommand", "--describe", "--broker-list", node).splitlines()[-1])
    named = {each["partition"] for each in everything["brokers"][0]["logDirs"][0]["partitions"]}
    assert {f"{topic}-0", f"{topic}-1"} <= named
    refused = tool(broker, "LogDirsCommand", "--describe", "--broker-list", node + 70, succeeds=False)
    assert "do not exist" in refused, refused


@case(seconds=120)
def storage_and_metadata_shell_read_a_stopped_brokers_directory(fresh):
    broker = fresh(**{"metadata.log.max.record.bytes.between.snapshots": 1000}).start()
    topics = [create(broker, "java-shown", 3) for _ in range(20)]
    broker.stop()
    identity = dict(line.split("=", 1) for line in (broker.data / "meta.properties").read_text().splitlines() if "=" in line)
    assert identity["version"] == "1" and len(identity["cluster.id"]) == 22 and len(identity["directory.id"]) == 22, identity
    configuration = broker.folder / "storage.properties"
    configuration.write_text(f"process.roles=broker,controller\nnode.id={identity['node.id']}\nlog.dirs={broker.data}\n"
                             "controller.quorum.voters=\ncontroller.quorum.bootstrap.servers=127.0.0.1:1\n"
                             "listeners=PLAINTEXT://:0,CONTROLLER://:0\ncontroller.listener.names=CONTROLLER\n")
    said = run("kafka.tools.StorageTool", "info", "-c", configuration)
    assert f"  {broker.data}" in said.splitlines() and "Found metadata: {" in said, said
    assert all(f"{key}={identity[key]}" in said for key in ("cluster.id", "node.id", "directory.id", "version")), said
    formatted = ["kafka.tools.StorageTool", "format", "-t", identity["cluster.id"], "--standalone", "-c", configuration]
    assert "already formatted" in run(*formatted, succeeds=False)
    run(*formatted, "--ignore-formatted")
    shell(broker, topics)
    broker.start()
    with Connection(broker.bootstrap) as connection:
        assert connection.metadata(topics)["topics"] == {topic: ("NONE", 3) for topic in topics}


def shell(broker, topics):
    """metadata-shell over the newest snapshot; it locks the directory that it reads, so it gets a copy."""
    newest = files_of(broker, "__cluster_metadata-0/*.checkpoint")[-1]
    snapshot = broker.folder / "shown" / newest.name
    snapshot.parent.mkdir()
    shutil.copy(newest, snapshot)
    # Now and then the tool shows the tree before it has read anything into it.
    tree = nothing = "metadataVersion:\n    Optional.empty"
    while nothing in tree:
        try:
            tree = run("org.apache.kafka.shell.MetadataShell", "--snapshot", snapshot, "tree", "/image", seconds=5)
        except TimeoutError:  # now and then the tool waits for good for what it has missed already
            pass
    assert re.search(r"^  metadataVersion:\n    Optional\[4\.\d-IV\d\]$", tree, re.MULTILINE), tree[:3000]
    assert re.search(r"^      BrokerRegistration\(id=\d+, .*listeners=\[Endpoint\(listenerName='PLAINTEXT'", tree, re.MULTILINE), tree[:3000]
    named = re.findall(r"^      name:\n        (.*)$", tree, re.MULTILINE)
    assert named and set(named) <= set(topics), named
    assert len(re.findall(r"^        PartitionRegistration\(replicas=\[\d+\], ", tree, re.MULTILINE)) >= 3 * len(named), tree[:3000]


@case(seconds=PER_TOOL)
def storage_makes_names(broker):
    assert re.fullmatch(r"[\w-]{22}\n", run("kafka.tools.StorageTool", "random-uuid"))


# ---- the cluster

@case(seconds=PER_TOOL)
def cluster_tells_its_id_and_endpoints(broker):
    with Connection(broker.bootstrap) as connection:
        metadata = connection.metadata([])
    assert run("ClusterTool", "cluster-id", "--bootstrap-server", broker.bootstrap) == f"Cluster ID: {metadata['cluster']}\n"
    [(node, host, port, _)] = metadata["brokers"]
    said = run("ClusterTool", "list-endpoints", "--bootstrap-server", broker.bootstrap)
    titles, values = [line.split() for line in said.splitlines()]
    assert titles == ["ID", "HOST", "PORT", "RACK", "STATE", "ENDPOINT_TYPE"], said
    assert values == [str(node), host, str(port), "null", "unfenced", "broker"], said


@case(seconds=PER_TOOL)
def features_describes_what_is_finalised(broker):
    said = tool(broker, "FeatureCommand", "describe")
    told = dict(re.findall(r"^Feature: (\S+)\s+SupportedMinVersion: \S+\s+SupportedMaxVersion: \S+\s+FinalizedVersionLevel: (\S+)\s+Epoch: \d+$",
                           said, re.MULTILINE))
    assert told["metadata.version"] == "4.3-IV0", said


@case(seconds=PER_TOOL, needs="UpdateFeatures")
def features_refuses_what_cannot_be(broker):
    def refused(*arguments) -> str:
        return tool(broker, "FeatureCommand", *arguments, succeeds=False)

    unknown = refused("upgrade", "--feature", "no.such.feature=1")
    assert "Could not upgrade no.such.feature to 1." in unknown, unknown
    beyond = refused("upgrade", "--feature", "metadata.version=99")
    assert "Could not upgrade metadata.version to 99." in beyond, beyond
    lossy = refused("downgrade", "--feature", "metadata.version=7")
    assert "Could not downgrade metadata.version to 7." in lossy, lossy


@case(seconds=PER_TOOL, needs="UpdateFeatures")
def features_can_be_tried(broker):
    before = tool(broker, "FeatureCommand", "describe")
    said = tool(broker, "FeatureCommand", "upgrade", "--feature", "metadata.version=30", "--dry-run")
    assert said == "metadata.version can be upgraded to 30.\n", said
    assert tool(broker, "FeatureCommand", "describe") == before


@case(seconds=PER_TOOL, needs="DescribeQuorum")
def metadata_quorum_is_described(broker):
    with Connection(broker.bootstrap) as connection:
        metadata = connection.metadata([])
    node = metadata["brokers"][0][0]

    def describe(what) -> str:
        return tool(broker, "MetadataQuorumCommand", "describe", what)

    told = dict(re.findall(r"^(\w+): +(.*)$", describe("--status"), re.MULTILINE))
    assert (told["ClusterId"], told["LeaderId"], told["MaxFollowerLag"], told["CurrentObservers"]) == (
        metadata["cluster"], str(node), "0", "[]"), told
    assert int(told["LeaderEpoch"]) >= 1 and int(told["HighWatermark"]) >= 1, told
    [voter] = json.loads(told["CurrentVoters"])
    assert voter["id"] == node and len(voter["directoryId"]) == 22, told
    titles, row = [line.split("\t") for line in describe("--replication").splitlines()]
    row = dict(zip([each.strip() for each in titles], [each.strip() for each in row]))
    assert (row["NodeId"], row["Lag"], row["Status"]) == (str(node), "0", "Leader"), row
    assert row["DirectoryId"] == voter["directoryId"] and int(row["LogEndOffset"]) >= int(told["HighWatermark"]), row


@case(seconds=120, needs="IncrementalAlterConfigs")
def tools_reach_the_controller_itself(fresh):
    broker = fresh()
    address = broker.controller()
    broker.start()
    with Connection(broker.bootstrap) as connection:
        metadata = connection.metadata([])
    node = metadata["brokers"][0][0]

    def ask(main_class, *arguments) -> str:
        return run(main_class, "--bootstrap-controller", address, *arguments)

    assert run("ClusterTool", "cluster-id", "--bootstrap-controller", address) == f"Cluster ID: {metadata['cluster']}\n"
    endpoints = run("ClusterTool", "list-endpoints", "--bootstrap-controller", address)
    assert re.search(rf"^{node} +127.0.0.1 +{address.split(':')[1]} +null +controller", endpoints, re.MULTILINE), endpoints
    status = ask("MetadataQuorumCommand", "describe", "--status")
    assert re.search(rf"^LeaderId: +{node}$", status, re.MULTILINE), status
    assert f"CONTROLLER://{address}" in status, "where the voter is reached"
    assert re.search(r"^Feature: metadata.version\s.*FinalizedVersionLevel: 4.3-IV0\s", ask("FeatureCommand", "describe"), re.MULTILINE)
    altered = ["kafka.admin.ConfigCommand", "--entity-type", "brokers", "--entity-default"]
    ask(*altered, "--alter", "--add-config", "log.retention.ms=7000000")
    assert "log.retention.ms=7000000" in ask(*altered, "--describe")
