"""What is asked: per API at least three ordinary questions and five odd ones, in several versions, one after the other over one connection.

Fields that are left out have the schema's default. `topic_id(...)` and `SESSION` stand for what the broker makes up; whoever sends a request
puts in what the broker said.
"""

import gzip
import struct
from typing import NamedTuple


class Step(NamedTuple):
    about: str
    api: str
    version: int
    body: dict | bytes  # bytes are sent as they are


def topic_id(name: str) -> bytes:
    return ("id of " + name).encode().ljust(16, b".")


NOBODY = topic_id("nobody")
SESSION = b"SESS"
SESSION_NUMBER = struct.unpack(">i", SESSION)[0]
NO_ID = bytes(16)

# Told as a star: they differ from run to run.
VARIES = {"clusterId", "host", "port", "producerId", "sessionId", "logAppendTimeMs", "finalizedFeaturesEpoch"}


# ---- record batches

def checksum(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def zigzag(number: int) -> bytes:
    number, out = (number << 1) ^ (number >> 63), bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def sized(data: bytes | None) -> bytes:
    return zigzag(-1) if data is None else zigzag(len(data)) + data


TIME = 1_700_000_000_000


def batch(*values: str, key: bytes | None = b"k", attributes: int = 0, producer=(-1, -1, -1), count=None, time=TIME, damage=0) -> bytes:
    """Of records a millisecond apart; `producer` is id, epoch and first sequence, `count` what the header says of their number."""
    records = b""
    for index, value in enumerate(values):
        record = b"\0" + zigzag(index) + zigzag(index) + sized(key) + sized(value.encode()) + zigzag(0)
        records += zigzag(len(record)) + record
    if attributes & 7 == 1:
        records = gzip.compress(records, mtime=0)
    last = len(values) - 1
    body = struct.pack(">hiqqqhi", attributes, last, time, time + last, *producer)
    body += struct.pack(">i", len(values) if count is None else count) + records
    return struct.pack(">qiibI", 0, len(body) + 9, -1, 2, checksum(body) ^ damage) + body


ZSTD, TRANSACTIONAL = 4, 16
BY_NAME, BY_ID = "name", "topicId"


def produce(topic, *records: bytes, acks=-1, partition=0, transaction=None, field=BY_NAME) -> dict:
    data = [{"index": partition, "records": one} for one in records]
    return {"transactionalId": transaction, "acks": acks, "timeoutMs": 30000, "topicData": [{field: topic, "partitionData": data}]}


def fetch(topic, offset: int, partition=0, limit=1 << 20, wait=0, field="topic", session=None, forgotten=(), least=1, **asked) -> dict:
    data = {"partition": partition, "fetchOffset": offset, "partitionMaxBytes": limit} | asked
    body = {"maxWaitMs": wait, "minBytes": least, "maxBytes": 1 << 20, "topics": [{field: topic, "partitions": [data]}] if topic else []}
    if session is not None:
        body |= {"sessionId": session[0], "sessionEpoch": session[1]}
    if forgotten:
        body["forgottenTopicsData"] = [{field: name, "partitions": [0]} for name in forgotten]
    return body


def list_offsets(topic: str, timestamp: int, partition=0, **asked) -> dict:
    data = {"partitionIndex": partition, "timestamp": timestamp} | asked
    return {"replicaId": -1, "topics": [{"name": topic, "partitions": [data]}]}


def create(name: str, partitions=1, replicas=1, assigned=(), validate=False, **configs) -> dict:
    assignments = [{"partitionIndex": index, "brokerIds": list(brokers)} for index, brokers in assigned]
    settings = [{"name": key.replace("_", "."), "value": value} for key, value in configs.items()]
    topic = {"name": name, "numPartitions": partitions, "replicationFactor": replicas, "assignments": assignments, "configs": settings}
    return {"topics": [topic], "timeoutMs": 30000, "validateOnly": validate}


def delete(*topics: tuple) -> dict:
    return {"topics": [{"name": name, "topicId": identity} for name, identity in topics], "timeoutMs": 30000}


def metadata(*topics, auto=False, **more) -> dict:
    named = [topic if isinstance(topic, dict) else {"name": topic} for topic in topics]
    return {"topics": named, "allowAutoTopicCreation": auto} | more


def describe(kind: int, name: str, *keys: str, **more) -> dict:
    return {"resources": [{"resourceType": kind, "resourceName": name, "configurationKeys": list(keys) or None}]} | more


def end_of_epoch(topic: str, epoch: int, partition=0, current=-1) -> dict:
    data = {"partition": partition, "currentLeaderEpoch": current, "leaderEpoch": epoch}
    return {"replicaId": -1, "topics": [{"topic": topic, "partitions": [data]}]}


CLIENT = {"clientSoftwareName": "golden", "clientSoftwareVersion": "1.0"}

API_VERSIONS = [
    Step("what a client says first", "ApiVersions", 4, CLIENT),
    Step("an older client", "ApiVersions", 3, CLIENT),
    Step("a client before names", "ApiVersions", 0, {}),
    Step("odd: a version of the future, answered in version 0", "ApiVersions", 99, CLIENT),
    Step("odd: a name that is none", "ApiVersions", 3, CLIENT | {"clientSoftwareName": "-bad-"}),
    Step("odd: no name", "ApiVersions", 4, CLIENT | {"clientSoftwareName": ""}),
    Step("odd: a version with a space", "ApiVersions", 3, CLIENT | {"clientSoftwareVersion": "1 0"}),
    Step("odd: a body that ends too soon", "ApiVersions", 3, b"\x07gold"),
]

CREATE_TOPICS = [
    Step("three partitions", "CreateTopics", 4, create("t", 3)),
    Step("with a setting of its own", "CreateTopics", 7, create("stamped", message_timestamp_type="LogAppendTime")),
    Step("compacted", "CreateTopics", 2, create("compacted", cleanup_policy="compact")),
    Step("for small batches", "CreateTopics", 3, create("small", max_message_bytes="100")),
    Step("replicas where they are wanted", "CreateTopics", 4, create("placed", -1, -1, [(0, [1]), (1, [1])])),
    Step("the broker's defaults", "CreateTopics", 4, create("default", -1, -1)),
    Step("only asked whether it could be", "CreateTopics", 6, create("checked", 2, validate=True)),
    Step("a dot in its name", "CreateTopics", 2, create("a.b")),
    Step("odd: it exists", "CreateTopics", 7, create("t", 0)),
    Step("odd: a dot and a dash look alike in metrics", "CreateTopics", 5, create("a_b")),
    Step("odd: a name with a space", "CreateTopics", 3, create("bad name")),
    Step("odd: no name", "CreateTopics", 7, create("")),
    Step("odd: more replicas than brokers", "CreateTopics", 7, create("many", 1, 3)),
    Step("odd: no partitions", "CreateTopics", 4, create("none", 0)),
    Step("odd: no replicas", "CreateTopics", 4, create("none", 1, 0)),
    Step("odd: a setting that nobody knows", "CreateTopics", 7, create("odd", no_such_key="1")),
    Step("odd: a setting that is null", "CreateTopics", 7, create("odd", retention_ms=None)),
    Step("odd: a setting out of bounds", "CreateTopics", 5, create("odd", segment_bytes="1")),
    Step("odd: assigned and counted", "CreateTopics", 7, create("odd", 2, -1, [(0, [1])])),
    Step("odd: assigned with a gap", "CreateTopics", 7, create("odd", -1, -1, [(0, [1]), (2, [1])])),
    Step("odd: assigned to nobody we know", "CreateTopics", 2, create("odd", -1, -1, [(0, [9])])),
    Step("odd: named twice", "CreateTopics", 7, {"topics": create("odd")["topics"] * 2, "timeoutMs": 30000}),
]

METADATA = [
    Step("all topics", "Metadata", 13, metadata() | {"topics": None}),
    Step("all topics, as long ago", "Metadata", 0, {"topics": []}),
    Step("one by name", "Metadata", 4, metadata("t")),
    Step("one by id", "Metadata", 12, metadata({"topicId": topic_id("t"), "name": None})),
    Step("with what may be done to it", "Metadata", 9, metadata("placed", includeTopicAuthorizedOperations=True)),
    Step("with what may be done to the cluster", "Metadata", 8, metadata("t", includeClusterAuthorizedOperations=True)),
    Step("only the brokers", "Metadata", 1, {"topics": []}),
    Step("odd: one that is not there", "Metadata", 5, metadata("nobody")),
    Step("odd: an id that is not there", "Metadata", 13, metadata({"topicId": NOBODY, "name": None})),
    Step("odd: an id before ids were", "Metadata", 10, metadata({"topicId": topic_id("t"), "name": "t"})),
    Step("odd: a name that is none", "Metadata", 6, metadata("bad name", auto=True)),
    Step("odd: no name", "Metadata", 2, {"topics": [{"name": ""}]}),
    Step("odd: twice the same", "Metadata", 7, metadata("t", "t")),
    Step("odd: a name that another one's id comes with", "Metadata", 12, metadata({"topicId": topic_id("t"), "name": "placed"})),
    Step("odd: neither name nor id", "Metadata", 11, metadata({"name": None})),
    Step("odd: made on first use, and not there yet", "Metadata", 4, metadata("later", auto=True)),
]

IDEMPOTENT = (4711, 0)

PRODUCE = [
    Step("two records", "Produce", 13, produce(topic_id("t"), batch("a", "b"), field=BY_ID)),
    Step("compressed", "Produce", 9, produce("t", batch("c" * 50, "d" * 50, attributes=1))),
    Step("for the leader to take", "Produce", 3, produce("t", batch("e"), acks=1)),
    Step("stamped by the broker", "Produce", 11, produce("stamped", batch("a"))),
    Step("an idempotent producer begins", "Produce", 7, produce("t", batch("a", "b", producer=(*IDEMPOTENT, 0)), partition=1)),
    Step("it goes on", "Produce", 8, produce("t", batch("c", producer=(*IDEMPOTENT, 2)), partition=1)),
    Step("it repeats itself", "Produce", 13, produce(topic_id("t"), batch("c", producer=(*IDEMPOTENT, 2)), partition=1, field=BY_ID)),
    Step("odd: it leaves a gap", "Produce", 8, produce("t", batch("e", producer=(*IDEMPOTENT, 7)), partition=1)),
    Step("odd: its new epoch does not begin at 0", "Produce", 9, produce("t", batch("e", producer=(4711, 1, 3)), partition=1)),
    Step("odd: a topic that is not there", "Produce", 12, produce("nobody", batch("a"))),
    Step("odd: an id that is not there", "Produce", 13, produce(NOBODY, batch("a"), field=BY_ID)),
    Step("odd: a partition that is not there", "Produce", 10, produce("t", batch("a"), partition=3)),
    Step("odd: acks that do not exist", "Produce", 8, produce("t", batch("a"), acks=2)),
    Step("odd: a wrong checksum", "Produce", 13, produce(topic_id("t"), batch("a", damage=1), field=BY_ID)),
    Step("odd: a count that is too large", "Produce", 8, produce("t", batch("a", count=2))),
    Step("odd: zstd before its time", "Produce", 6, produce("t", batch("a", attributes=ZSTD))),
    Step("odd: two batches", "Produce", 9, produce("t", batch("a") + batch("b"))),
    Step("odd: no records", "Produce", 7, produce("t", b"")),
    Step("odd: the same partition twice", "Produce", 9, produce("t", batch("f"), batch("g"), partition=2)),
    Step("odd: a record without a key in a compacted topic", "Produce", 11, produce("compacted", batch("a", "b", key=None))),
    Step("odd: larger than a batch may be", "Produce", 9, produce("small", batch("x" * 50))),
    Step("odd: a time that is far ahead", "Produce", 8, produce("t", batch("a", time=TIME * 3))),
    Step("odd: transactional without an id", "Produce", 9, produce("t", batch("a", attributes=TRANSACTIONAL, producer=(4711, 0, 0)))),
    Step("odd: a version that is gone", "Produce", 2, b""),
]

FETCH = [
    Step("from the beginning", "Fetch", 4, fetch("t", 0)),
    Step("the second record's batch", "Fetch", 11, fetch("t", 1, limit=1)),
    Step("by id", "Fetch", 13, fetch(topic_id("t"), 4, field=BY_ID)),
    Step("at the end, without patience", "Fetch", 12, fetch("t", 5)),
    Step("only what is committed", "Fetch", 10, fetch("t", 0, partition=1) | {"isolationLevel": 1}),
    Step("a session begins", "Fetch", 18, fetch(topic_id("t"), 5, field=BY_ID, session=(0, 0))),
    Step("it has nothing new to tell", "Fetch", 18, fetch(None, 0, session=(SESSION_NUMBER, 1))),
    Step("it takes another one in", "Fetch", 17, fetch(topic_id("t"), 0, 2, field=BY_ID, session=(SESSION_NUMBER, 2))),
    Step("it forgets one", "Fetch", 16, fetch(None, 0, field=BY_ID, session=(SESSION_NUMBER, 3), forgotten=[topic_id("t")])),
    Step("odd: it is out of step", "Fetch", 18, fetch(None, 0, session=(SESSION_NUMBER, 9))),
    Step("odd: a session that nobody has", "Fetch", 7, fetch("t", 0, session=(77, 1))),
    Step("odd: behind the end", "Fetch", 5, fetch("t", 6)),
    Step("odd: before the beginning", "Fetch", 15, fetch(topic_id("t"), -1, field=BY_ID)),
    Step("odd: a topic that is not there", "Fetch", 12, fetch("nobody", 0)),
    Step("odd: an id that is not there", "Fetch", 14, fetch(NOBODY, 0, field=BY_ID)),
    Step("odd: a partition that is not there", "Fetch", 8, fetch("t", 0, partition=3)),
    Step("odd: an epoch of the future", "Fetch", 9, fetch("t", 0, currentLeaderEpoch=5)),
    Step("odd: records of an epoch that never was", "Fetch", 12, fetch("t", 3, lastFetchedEpoch=5)),
    Step("odd: more than there is of an epoch", "Fetch", 18, fetch(topic_id("t"), 9, field=BY_ID, lastFetchedEpoch=0)),
    Step("odd: no room at all", "Fetch", 6, fetch("t", 0, limit=0)),
    Step("odd: a version that is gone", "Fetch", 3, b""),
]

LIST_OFFSETS = [
    Step("the end", "ListOffsets", 1, list_offsets("t", -1)),
    Step("the beginning", "ListOffsets", 4, list_offsets("t", -2)),
    Step("the largest time", "ListOffsets", 7, list_offsets("t", -3)),
    Step("by time", "ListOffsets", 10, list_offsets("t", TIME + 1)),
    Step("what lies here", "ListOffsets", 8, list_offsets("t", -4)),
    Step("what is tiered", "ListOffsets", 9, list_offsets("t", -5)),
    Step("what waits to be tiered", "ListOffsets", 11, list_offsets("t", -6)),
    Step("odd: a time that nothing has", "ListOffsets", 6, list_offsets("t", TIME + 10)),
    Step("odd: before the largest time could be asked for", "ListOffsets", 6, list_offsets("t", -3)),
    Step("odd: a time that means nothing", "ListOffsets", 10, list_offsets("t", -9)),
    Step("odd: a topic that is not there", "ListOffsets", 5, list_offsets("nobody", -1)),
    Step("odd: a partition that is not there", "ListOffsets", 3, list_offsets("t", -1, partition=3)),
    Step("odd: an epoch of the future", "ListOffsets", 7, list_offsets("t", -1, currentLeaderEpoch=5)),
    Step("odd: asked twice", "ListOffsets", 2, {"replicaId": -1, "topics": list_offsets("t", -1)["topics"] * 2}),
    Step("odd: an empty partition by time", "ListOffsets", 6, list_offsets("placed", 0)),
]

INIT_PRODUCER_ID = [
    Step("an idempotent producer", "InitProducerId", 5, {"transactionalId": None}),
    Step("an older one", "InitProducerId", 2, {"transactionalId": None}),
    Step("the oldest", "InitProducerId", 0, {"transactionalId": None}),
    Step("odd: one that has an id and says so", "InitProducerId", 4, {"transactionalId": None, "producerId": 77, "producerEpoch": 3}),
    Step("odd: an id without its epoch", "InitProducerId", 3, {"transactionalId": None, "producerId": 77}),
    Step("odd: an epoch without its id", "InitProducerId", 5, {"transactionalId": None, "producerEpoch": 3}),
    Step("odd: a transactional id of no letters", "InitProducerId", 5, {"transactionalId": "", "transactionTimeoutMs": 1000}),
    Step("odd: a transaction of no time", "InitProducerId", 1, {"transactionalId": "x", "transactionTimeoutMs": 0}),
    Step("odd: a transaction of too long a time", "InitProducerId", 3, {"transactionalId": "x", "transactionTimeoutMs": 900_001}),
]

DESCRIBE_CLUSTER = [
    Step("the brokers", "DescribeCluster", 2, {}),
    Step("with what may be done", "DescribeCluster", 1, {"includeClusterAuthorizedOperations": True}),
    Step("as it was first", "DescribeCluster", 0, {}),
    Step("fenced ones too", "DescribeCluster", 2, {"includeFencedBrokers": True}),
    Step("odd: controllers, of a broker", "DescribeCluster", 1, {"endpointType": 2}),
    Step("odd: controllers, and what may be done", "DescribeCluster", 2, {"endpointType": 2, "includeClusterAuthorizedOperations": True}),
    Step("odd: endpoints of no kind", "DescribeCluster", 2, {"endpointType": 9}),
    Step("odd: endpoints of kind 0", "DescribeCluster", 1, {"endpointType": 0}),
    Step("odd: a body that ends too soon", "DescribeCluster", 2, b"\1"),
]

TOPIC, BROKER, LOGGER_OF_NOBODY = 2, 4, 3

DESCRIBE_CONFIGS = [
    Step("some of a topic", "DescribeConfigs", 1, describe(TOPIC, "stamped", "message.timestamp.type", "retention.ms")),
    Step("all of a topic", "DescribeConfigs", 4, describe(TOPIC, "compacted")),
    Step("where they come from", "DescribeConfigs", 2, describe(TOPIC, "t", "retention.ms", "segment.bytes", includeSynonyms=True)),
    Step("some of the broker", "DescribeConfigs", 4, describe(BROKER, "1", "log.retention.hours", "message.max.bytes", "log.cleaner.threads")),
    Step("what was set for all brokers", "DescribeConfigs", 3, describe(BROKER, "")),
    Step("odd: a topic that is not there", "DescribeConfigs", 4, describe(TOPIC, "nobody")),
    Step("odd: a topic whose name is none", "DescribeConfigs", 3, describe(TOPIC, "bad name")),
    Step("odd: a topic of no name", "DescribeConfigs", 1, describe(TOPIC, "")),
    Step("odd: another broker", "DescribeConfigs", 4, describe(BROKER, "9")),
    Step("odd: a broker whose id is none", "DescribeConfigs", 2, describe(BROKER, "one")),
    Step("odd: a key that nobody knows", "DescribeConfigs", 4, describe(TOPIC, "t", "no.such.key")),
    Step("odd: a kind of thing that nobody knows", "DescribeConfigs", 4, describe(LOGGER_OF_NOBODY, "t")),
    Step("odd: nothing", "DescribeConfigs", 4, {"resources": []}),
]

OFFSET_FOR_LEADER_EPOCH = [
    Step("the epoch that goes on", "OffsetForLeaderEpoch", 4, end_of_epoch("t", 0)),
    Step("as older clients ask", "OffsetForLeaderEpoch", 3, end_of_epoch("t", 0, partition=1)),
    Step("as the oldest ask", "OffsetForLeaderEpoch", 2, {"topics": end_of_epoch("t", 0, partition=2)["topics"]}),
    Step("one who knows the leader's epoch", "OffsetForLeaderEpoch", 4, end_of_epoch("t", 0, current=0)),
    Step("odd: an epoch that is to come", "OffsetForLeaderEpoch", 4, end_of_epoch("t", 5)),
    Step("odd: no epoch", "OffsetForLeaderEpoch", 3, end_of_epoch("t", -1)),
    Step("odd: a leader's epoch that is to come", "OffsetForLeaderEpoch", 4, end_of_epoch("t", 0, current=5)),
    Step("odd: a topic that is not there", "OffsetForLeaderEpoch", 4, end_of_epoch("nobody", 0)),
    Step("odd: a partition that is not there", "OffsetForLeaderEpoch", 2, {"topics": end_of_epoch("t", 0, partition=3)["topics"]}),
    Step("odd: an empty partition", "OffsetForLeaderEpoch", 4, end_of_epoch("placed", 0)),
]

DELETE_TOPICS = [
    Step("one by name", "DeleteTopics", 6, delete(("placed", NO_ID))),
    Step("one by id", "DeleteTopics", 6, delete((None, topic_id("stamped")))),
    Step("as it was asked before ids", "DeleteTopics", 5, {"topicNames": ["default"], "timeoutMs": 30000}),
    Step("two at a time", "DeleteTopics", 1, {"topicNames": ["compacted", "a.b"], "timeoutMs": 30000}),
    Step("odd: it is gone", "DeleteTopics", 4, {"topicNames": ["placed"], "timeoutMs": 30000}),
    Step("odd: an id that is gone", "DeleteTopics", 6, delete((None, topic_id("stamped")))),
    Step("odd: name and id", "DeleteTopics", 6, delete(("t", topic_id("t")))),
    Step("odd: neither", "DeleteTopics", 6, delete((None, NO_ID))),
    Step("odd: twice", "DeleteTopics", 6, delete(("t", NO_ID), ("t", NO_ID))),
    Step("odd: no name", "DeleteTopics", 3, {"topicNames": [""], "timeoutMs": 30000}),
    Step("and it is still there", "Metadata", 12, metadata("t")),
]

STEPS = [
    *API_VERSIONS, *CREATE_TOPICS, *METADATA, *PRODUCE, *FETCH, *LIST_OFFSETS, *INIT_PRODUCER_ID, *DESCRIBE_CLUSTER, *DESCRIBE_CONFIGS,
    *OFFSET_FOR_LEADER_EPOCH, *DELETE_TOPICS,
]
