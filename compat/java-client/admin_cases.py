"""The Java AdminClient."""

import json

from cases import client

from harness.case import case, eventually, unique
from harness.record_cases import create, send
from harness.wire import Connection, batch, record

GROUP_CASE = {"needs": "JoinGroup"}


class Administrator:
    def __init__(self, broker):
        self.process = client.start("admin", {"bootstrap": broker.bootstrap})

    def __call__(self, do, **arguments):
        """The answer, or {"error": its name, "message": ...}."""
        self.process.stdin.write(json.dumps({"do": do} | arguments) + "\n")
        self.process.stdin.flush()
        line = json.loads(self.process.stdout.readline())
        assert "answer" in line, line
        return line["answer"]

    def refusal(self, do, **arguments) -> str:
        answer = self(do, **arguments)
        assert isinstance(answer, dict) and "error" in answer, f"not refused: {answer}"
        return answer["error"]


def fill(broker, topic, count, partition=0):
    messages = [{"topic": topic, "partition": partition, "value": str(number), "timestamp": 1_700_000_000_000 + (number * 7 % count)}
                for number in range(count)]
    assert send(client, broker, messages) == list(range(count))


@case
def topics_are_created_listed_and_deleted(broker):
    admin, topic = Administrator(broker), unique("java-topic")
    wanted = {"topic": topic, "partitions": 3, "configs": {"retention.ms": "1000000"}}
    assert admin("create topic", **wanted) == "done" and topic in admin("list topics")
    assert admin.refusal("create topic", **wanted) == "TopicExistsException"
    assert admin.refusal("create topic", topic="a/b", partitions=1) == "InvalidTopicException"
    assert admin.refusal("create topic", topic=unique("bad"), partitions=1, configs={"retention.ms": "x"}) == "InvalidConfigurationException"
    assert admin("describe configs", type="TOPIC", name=topic)["retention.ms"] == ["1000000", "DYNAMIC_TOPIC_CONFIG", "LONG", False, False]
    assert admin("delete topic", topic=topic) == "done" and topic not in admin("list topics")
    assert admin.refusal("delete topic", topic=topic) == "UnknownTopicOrPartitionException"


@case(needs="DescribeTopicPartitions")
def topics_are_described_beyond_one_page(broker):
    """The client asks for 2,000 partitions at a time."""
    admin, topic = Administrator(broker), create(broker, "java-described", 5)
    node = admin("describe cluster")["controller"]
    told = admin("describe topic", topic=topic)
    assert told["partitions"] == [[partition, node, 1, 1] for partition in range(5)] and not told["internal"] and len(told["id"]) == 22
    assert admin.refusal("describe topic", topic=unique("none")) == "UnknownTopicOrPartitionException"


@case(needs="CreatePartitions")
def partitions_are_added(broker):
    admin, topic = Administrator(broker), create(broker, "java-grown", 2)
    assert admin("create partitions", topic=topic, count=4) == "done"
    eventually(lambda: len(admin("describe topic", topic=topic)["partitions"]) == 4)
    assert send(client, broker, [{"topic": topic, "partition": 3, "value": "new"}]) == [0]
    assert admin.refusal("create partitions", topic=topic, count=4) == "InvalidPartitionsException"
    assert admin.refusal("create partitions", topic=unique("none"), count=4) == "UnknownTopicOrPartitionException"


@case(needs="DeleteRecords")
def records_are_deleted(broker):
    admin, topic = Administrator(broker), create(broker, "java-trimmed", **{"retention.ms": -1})
    fill(broker, topic, 10)
    assert admin("delete records", topic=topic, partition=0, before=7) == 7
    assert admin("delete records", topic=topic, partition=0, before=3) == 7
    assert admin("list offset", topic=topic, partition=0, of="earliest") == 7
    assert admin.refusal("delete records", topic=topic, partition=0, before=11) == "OffsetOutOfRangeException"
    assert admin("delete records", topic=topic, partition=0, before=-1) == 10


@case
def offsets_of_every_kind(broker):
    admin, topic = Administrator(broker), create(broker, "java-offsets", 2, **{"retention.ms": -1})
    with Connection(broker.bootstrap) as connection:
        for number in range(10):
            connection.produce(topic, batch([record()], base_timestamp=1_700_000_000_000 + 1000 * (number % 7)), partition=1)
    for of, offset in [("earliest", 0), ("latest", 10), ("max timestamp", 6), (1_700_000_004_000, 4), (1_700_000_006_001, -1)]:
        assert admin("list offset", topic=topic, partition=1, of=of) == offset, of


@case(needs="DescribeProducers")
def producers_are_described(broker):
    admin, topic = Administrator(broker), create(broker, "java-producers")
    assert admin("describe producers", topic=topic, partition=0) == []
    assert send(client, broker, [{"topic": topic, "partition": 0, "value": str(number)} for number in range(5)]) == list(range(5))
    [told] = admin("describe producers", topic=topic, partition=0)
    with Connection(broker.bootstrap) as connection:
        later, _ = connection.producer_id()
    assert 0 <= told["id"] < later and (told["epoch"], told["sequence"], told["coordinator"], told["transaction"]) == (0, 4, -1, -1), told


@case(needs="DescribeLogDirs")
def log_directories_are_described(broker):
    admin, topic = Administrator(broker), create(broker, "java-sized", 2)
    sent = batch([record(b"x" * 3000)])
    with Connection(broker.bootstrap) as connection:
        connection.produce(topic, sent, partition=1)
    [directory] = admin("describe log dirs", broker=admin("describe cluster")["controller"], topic=topic).values()
    assert directory["fine"] and 0 < directory["usable"] < directory["total"], directory
    assert directory["partitions"] == {"0": [0, 0, False], "1": [len(sent), 0, False]}


@case
def cluster_and_features_are_described(broker):
    admin = Administrator(broker)
    told = admin("describe cluster")
    with Connection(broker.bootstrap) as connection:
        metadata = connection.metadata([])
    [(node, host, port, _)] = metadata["brokers"]
    assert told == {"cluster": metadata["cluster"], "controller": node, "nodes": [f"{node}@{host}:{port}"]}
    features = admin("describe features")
    low, high = features["supported"]["metadata.version"]
    assert low <= features["finalized"]["metadata.version"] == 30 <= high, features


@case(needs="DescribeQuorum")
def quorum_is_described(broker):
    admin = Administrator(broker)
    told = admin("describe quorum")
    node = admin("describe cluster")["controller"]
    [(voter, end, directory)] = told["voters"]
    assert (told["leader"], voter, told["observers"]) == (node, node, 0) and told["epoch"] >= 1 and len(directory) == 22, told
    create(broker, "java-one-more")
    assert admin("describe quorum")["highWatermark"] > told["highWatermark"] and end >= told["highWatermark"]


@case(needs="IncrementalAlterConfigs")
def settings_are_altered(broker):
    admin, topic = Administrator(broker), create(broker, "java-altered")
    of = {"type": "TOPIC", "name": topic}

    def shown(key):
        return admin("describe configs", **of)[key][:2]

    changes = [["SET", "retention.ms", "5000"], ["APPEND", "cleanup.policy", "compact"]]
    assert admin("alter configs", **of, changes=changes) == "done"
    eventually(lambda: shown("retention.ms") == ["5000", "DYNAMIC_TOPIC_CONFIG"])
    assert sorted(shown("cleanup.policy")[0].split(",")) == ["compact", "delete"]
    assert admin("alter configs", **of, changes=[["DELETE", "retention.ms", ""], ["SUBTRACT", "cleanup.policy", "delete"]]) == "done"
    eventually(lambda: shown("cleanup.policy") == ["compact", "DYNAMIC_TOPIC_CONFIG"])
    assert shown("retention.ms") == ["604800000", "DEFAULT_CONFIG"]
    assert admin.refusal("alter configs", **of, changes=[["SET", "retention.ms", "x"]]) == "InvalidConfigurationException"
    assert admin.refusal("alter configs", **of, changes=[["APPEND", "retention.ms", "1"]]) == "InvalidConfigurationException"


@case(needs="ListConfigResources")
def config_resources_are_listed(broker):
    admin, topic, group = Administrator(broker), create(broker, "java-listed"), unique("java-listed")
    node = str(admin("describe cluster")["controller"])
    assert topic in admin("list config resources", type="TOPIC") and admin("list config resources", type="BROKER") == [node]
    assert node in admin("list config resources", type="BROKER_LOGGER")
    assert admin("alter configs", type="GROUP", name=group, changes=[["SET", "consumer.heartbeat.interval.ms", "6000"]]) == "done"
    eventually(lambda: group in admin("list config resources", type="GROUP"))


@case(**GROUP_CASE)
def groups_are_listed_described_and_deleted(broker):
    admin, topic, group = Administrator(broker), create(broker, "java-grouped", 2), unique("java-grouped")
    member = client.quick(broker, group, topic)
    eventually(lambda: member.share() == [0, 1])
    assert admin("list groups")[group] == ["Classic", "consumer", "Stable"]
    assert admin("describe group", group=group) == {"state": "Stable", "assignor": "range", "members": [[0, 1]]}
    assert admin.refusal("delete group", group=group) == "GroupNotEmptyException"
    member.leave()
    eventually(lambda: admin("list groups")[group][2] == "Empty")
    assert admin("delete group", group=group) == "done" and group not in admin("list groups")
    assert admin.refusal("describe group", group=group) == "GroupIdNotFoundException"


@case(**GROUP_CASE)
def offsets_of_a_group_are_set_read_and_deleted(broker):
    admin, topic, group = Administrator(broker), create(broker, "java-committed", 2), unique("java-committed")
    for partition in (0, 1):
        eventually(lambda: admin("commit", group=group, topic=topic, partition=partition, offset=4 + partition) == "done")
    assert sorted(admin("committed", group=group)) == [[topic, 0, 4, "a note"], [topic, 1, 5, "a note"]]
    assert admin("delete offset", group=group, topic=topic, partition=0) == "done"
    assert admin("committed", group=group) == [[topic, 1, 5, "a note"]]
