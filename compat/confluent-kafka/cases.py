"""confluent-kafka for Python, which is librdkafka: Producer, Consumer with assign(), AdminClient."""

import random
import time

import confluent_kafka
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, OffsetSpec, ResourceType

from harness.case import case, eventually, unique
from harness.wire import Connection, batch_headers

KEEP = {"retention.ms": "-1"}  # for records of long ago
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


def version() -> str:
    return f"{confluent_kafka.version()} (librdkafka {confluent_kafka.libversion()[0]})"


def connect(broker) -> dict:
    """The settings of every client: where the broker is, and a log without what is no trouble."""
    return {"bootstrap.servers": broker.bootstrap, "log_level": 5}


def admin(broker) -> AdminClient:
    return AdminClient(connect(broker))


def create(broker, name, partitions=1, **config) -> str:
    topic, client = unique(name), admin(broker)
    client.create_topics([NewTopic(topic, partitions, 1, config=config)])[topic].result(20)
    return topic


class Sender:
    """A producer that keeps each message's outcome in the order of sending."""

    def __init__(self, broker, **settings):
        self.client = Producer(connect(broker) | settings)
        self.outcomes = {}

    def send(self, topic, value, **message):
        number = len(self.outcomes)
        self.outcomes[number] = None

        def delivered(error, answer):
            self.outcomes[number] = error or answer

        self.client.produce(topic, value, on_delivery=delivered, **message)
        self.client.poll(0)

    def flush(self) -> list:
        assert self.client.flush(30) == 0, "messages without an outcome after 30 s"
        return list(self.outcomes.values())

    def send_all(self, topic, values, **message) -> list[int]:
        """Sends, waits, and gives the offsets."""
        for value in values:
            self.send(topic, value, **message)
        outcomes = self.flush()
        failed = [outcome for outcome in outcomes if isinstance(outcome, KafkaError)]
        assert not failed, failed[:3]
        return [outcome.offset() for outcome in outcomes]


def consumer(broker, **settings) -> Consumer:
    """A consumer for assign(): librdkafka wants a group id, but nothing is committed and no group is joined."""
    return Consumer(connect(broker) | {"group.id": "not-used", "enable.auto.commit": False, "auto.offset.reset": "earliest"}
                    | settings)


def read(client, count, seconds=20) -> list:
    found, deadline = [], time.monotonic() + seconds
    while len(found) < count and time.monotonic() < deadline:
        for message in client.consume(count - len(found), timeout=0.5):
            assert message.error() is None, message.error()
            found.append(message)
    assert len(found) == count, f"{len(found)} of {count} messages"
    return found


def read_topic(broker, topic, count, partitions=1, **settings) -> list:
    client = consumer(broker, **settings)
    client.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(partitions)])
    found = read(client, count)
    client.close()
    return found


def refusal(call) -> int:
    """The code of the error that `call` raises."""
    try:
        call()
    except KafkaException as refused:
        return refused.args[0].code()
    raise AssertionError("not refused")


# ---- producing and reading back

def codec_round_trip(codec):
    def round_trip(broker):
        topic = create(broker, f"codec-{codec}")
        sent = [f"{number} {'compressible ' * 20}".encode() for number in range(500)]
        sender = Sender(broker, **{"compression.type": codec, "linger.ms": 50})
        assert sender.send_all(topic, sent) == list(range(500))
        assert [message.value() for message in read_topic(broker, topic, 500)] == sent
        with Connection(broker.bootstrap) as connection:
            stored = {header["attributes"] & 7 for header in batch_headers(connection.fetch(topic)["records"])}
        assert stored == {CODECS.index(codec)}, f"stored with codec {stored}"

    return round_trip


for each in CODECS:
    case(codec_round_trip(each), name=f"codec_{each}_round_trip")


def broker_codec_round_trip(codec):
    def round_trip(broker):
        topic = create(broker, f"broker-codec-{codec}", **{"compression.type": codec})
        sent = [f"{number} {'compressible ' * 20}".encode() for number in range(500)]
        offsets = Sender(broker, **{"compression.type": "lz4" if codec != "lz4" else "zstd", "linger.ms": 50}).send_all(topic, sent)
        assert offsets == list(range(500))
        assert [message.value() for message in read_topic(broker, topic, 500)] == sent
        with Connection(broker.bootstrap) as connection:
            stored = {header["attributes"] & 7 for header in batch_headers(connection.fetch(topic)["records"])}
        expected = 0 if codec == "uncompressed" else CODECS.index(codec)
        assert stored == {expected}, f"stored with codec {stored}"

    return round_trip


for each in ["uncompressed", *CODECS[1:]]:
    case(broker_codec_round_trip(each), name=f"compression_type_{each}_is_the_brokers_doing")


@case
def key_headers_and_timestamp_come_back(broker):
    topic = create(broker, "parts-of-a-record", **KEEP)
    headers = [("one", b"1"), ("one", b"again"), ("empty", b""), ("null", None)]
    Sender(broker).send_all(topic, [b"value"], key=b"key", headers=headers, timestamp=1_700_000_000_123)
    [message] = read_topic(broker, topic, 1)
    assert (message.key(), message.value(), message.headers()) == (b"key", b"value", headers)
    assert message.timestamp() == (confluent_kafka.TIMESTAMP_CREATE_TIME, 1_700_000_000_123)


@case
def null_value_and_null_key_stay_null(broker):
    topic = create(broker, "nulls")
    sender = Sender(broker)
    sender.send(topic, None, key=b"tombstone")
    sender.send(topic, b"no key")
    sender.send(topic, b"", key=b"")
    sender.flush()
    found = [(message.key(), message.value()) for message in read_topic(broker, topic, 3)]
    assert found == [(b"tombstone", None), (None, b"no key"), (b"", b"")]


@case
def log_append_time_is_the_brokers(broker):
    topic = create(broker, "append-time", **{"message.timestamp.type": "LogAppendTime"})
    before = time.time() * 1000
    Sender(broker).send_all(topic, [b"value"], timestamp=1_700_000_000_123)
    [message] = read_topic(broker, topic, 1)
    kind, timestamp = message.timestamp()
    assert kind == confluent_kafka.TIMESTAMP_LOG_APPEND_TIME
    assert before - 1 <= timestamp <= time.time() * 1000 + 1


@case
def acks_0_1_and_all(broker):
    topic = create(broker, "acks")
    for acks in ("0", "1", "all"):
        Sender(broker, acks=acks).send_all(topic, [f"{acks}-{number}".encode() for number in range(100)])
    expected = [f"{acks}-{number}".encode() for acks in ("0", "1", "all") for number in range(100)]
    assert [message.value() for message in read_topic(broker, topic, 300)] == expected


@case
def idempotent_producer_with_five_batches_in_flight(broker):
    topic = create(broker, "idempotent", 3)
    sender = Sender(broker, **{"enable.idempotence": True, "linger.ms": 0, "batch.num.messages": 3})
    for number in range(3000):
        sender.send(topic, str(number).encode(), partition=number % 3)
    assert all(not isinstance(outcome, KafkaError) for outcome in sender.flush())
    found = read_topic(broker, topic, 3000, partitions=3)
    for partition in range(3):
        values = [int(message.value()) for message in found if message.partition() == partition]
        assert values == list(range(partition, 3000, 3))


@case(klamm_only="Apache Kafka has transactions")
def transactions_are_refused_clearly(broker):
    """Until there are transactions a transactional producer gets a final error, not a hang."""
    client = Producer(connect(broker) | {"transactional.id": unique("txn")})
    assert refusal(lambda: client.init_transactions(20)) not in (KafkaError._TIMED_OUT, KafkaError._STATE)


@case
def large_messages_up_to_the_limit(broker):
    topic = create(broker, "large")
    sender = Sender(broker, **{"message.max.bytes": 4 << 20})
    fits = random.Random(1).randbytes(1_048_588 - 200)
    for value in (fits, fits + bytes(200), b"small"):
        sender.send(topic, value)
    stored, refused, small = sender.flush()
    assert stored.offset() == 0 and small.offset() == 1
    assert refused.code() == KafkaError.MSG_SIZE_TOO_LARGE, refused
    assert [message.value() for message in read_topic(broker, topic, 2)] == [fits, b"small"]


@case
def topic_limit_beats_the_brokers(broker):
    topic = create(broker, "small-limit", **{"max.message.bytes": "1000"})
    sender = Sender(broker)
    sender.send(topic, bytes(2000))
    [refused] = sender.flush()
    assert refused.code() == KafkaError.MSG_SIZE_TOO_LARGE, refused


@case
def message_larger_than_the_fetch_limits_is_still_read(broker):
    topic = create(broker, "larger-than-fetch")
    values = [bytes([number]) * 200_000 for number in range(5)]
    Sender(broker, **{"linger.ms": 0}).send_all(topic, values)
    settings = {"fetch.message.max.bytes": 1000, "fetch.max.bytes": 1000, "message.max.bytes": 1000}
    assert [message.value() for message in read_topic(broker, topic, 5, **settings)] == values


@case
def hundred_thousand_messages(broker):
    topic = create(broker, "many", 4)
    client = Producer(connect(broker) | {"linger.ms": 20})
    for number in range(100_000):
        client.produce(topic, str(number).encode(), partition=number % 4)
    assert client.flush(40) == 0
    found = read_topic(broker, topic, 100_000, partitions=4)
    for partition in range(4):
        values = [int(message.value()) for message in found if message.partition() == partition]
        assert values == list(range(partition, 100_000, 4))


# ---- finding offsets

def filled(broker, name, count=10) -> str:
    """A topic whose record N has value N and timestamp 1,700,000,000,000 + 1,000 N, one batch each."""
    topic = create(broker, name, **KEEP)
    sender = Sender(broker, **{"batch.num.messages": 1})
    for number in range(count):
        sender.send(topic, str(number).encode(), timestamp=1_700_000_000_000 + 1000 * number)
    sender.flush()
    return topic


@case
def assign_at_an_offset_and_seek(broker):
    topic = filled(broker, "seek")
    client = consumer(broker)
    client.assign([TopicPartition(topic, 0, 7)])
    assert [message.value() for message in read(client, 3)] == [b"7", b"8", b"9"]
    client.seek(TopicPartition(topic, 0, 2))
    assert read(client, 1)[0].offset() == 2
    client.seek(TopicPartition(topic, 0, OFFSET_BEGINNING))
    assert read(client, 1)[0].offset() == 0


@case
def assign_at_the_end_sees_only_what_comes(broker):
    topic = filled(broker, "tail")
    client = consumer(broker)
    client.assign([TopicPartition(topic, 0, OFFSET_END)])
    assert client.poll(1.0) is None
    Sender(broker).send_all(topic, [b"later"])
    assert [message.value() for message in read(client, 1)] == [b"later"]


@case
def end_of_partition_is_reported(broker):
    topic = filled(broker, "end")
    client = consumer(broker, **{"enable.partition.eof": True})
    client.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    messages = [eventually(lambda: client.poll(0.5)) for _ in range(11)]
    assert messages[10].error().code() == KafkaError._PARTITION_EOF and messages[10].offset() == 10


@case
def watermarks_and_offsets_for_times(broker):
    topic = filled(broker, "times")
    client = consumer(broker)
    assert client.get_watermark_offsets(TopicPartition(topic, 0), timeout=20) == (0, 10)
    for timestamp, offset in [(0, 0), (1_700_000_003_000, 3), (1_700_000_003_001, 4), (1_700_000_009_001, OFFSET_END)]:
        [found] = client.offsets_for_times([TopicPartition(topic, 0, timestamp)], timeout=20)
        assert found.error is None and found.offset == offset, (timestamp, found)


@case
def list_offsets_by_the_admin_client(broker):
    topic = filled(broker, "listed")
    partition, client = TopicPartition(topic, 0), admin(broker)

    def offset(spec):
        return client.list_offsets({partition: spec})[partition].result(20).offset

    assert offset(OffsetSpec.earliest()) == 0
    assert offset(OffsetSpec.latest()) == 10
    assert offset(OffsetSpec.max_timestamp()) == 9
    assert offset(OffsetSpec.for_timestamp(1_700_000_004_500)) == 5


@case
def offset_out_of_range_goes_where_the_reset_says(broker):
    topic = filled(broker, "out-of-range")
    client = consumer(broker)
    client.assign([TopicPartition(topic, 0, 1000)])
    assert read(client, 1)[0].offset() == 0
    strict = consumer(broker, **{"auto.offset.reset": "error"})
    strict.assign([TopicPartition(topic, 0, 1000)])
    message = eventually(lambda: strict.poll(0.5))
    assert message.error().code() == KafkaError._AUTO_OFFSET_RESET, message.error()


# ---- waiting

@case
def waiting_consumer_gets_new_records_promptly(broker):
    topic = create(broker, "prompt")
    client = consumer(broker, **{"fetch.wait.max.ms": 5000})
    client.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    assert client.poll(1.0) is None
    sender = Sender(broker, **{"linger.ms": 0})
    for number in range(5):
        time.sleep(0.3)
        sent_at = time.monotonic()
        sender.send_all(topic, [str(number).encode()])
        [message] = read(client, 1)
        delay = time.monotonic() - sent_at
        assert message.value() == str(number).encode()
        assert delay < 1.0, f"record {number} came after {delay:.2f} s"


@case
def two_topics_through_one_consumer(broker):
    topics = [create(broker, "left", 2), create(broker, "right", 2)]
    sender = Sender(broker)
    for number in range(200):
        sender.send(topics[number % 2], str(number).encode())
    sender.flush()
    client = consumer(broker)
    client.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for topic in topics for partition in (0, 1)])
    found = read(client, 200)
    for parity in (0, 1):
        values = sorted(int(message.value()) for message in found if message.topic() == topics[parity])
        assert values == list(range(parity, 200, 2))


@case
def pause_and_resume_keep_the_place(broker):
    topic = filled(broker, "paused")
    partition = TopicPartition(topic, 0, OFFSET_BEGINNING)
    client = consumer(broker)
    client.assign([partition])
    assert read(client, 1)[0].offset() == 0
    client.pause([partition])
    assert client.poll(1.0) is None
    client.resume([partition])
    assert [message.offset() for message in read(client, 9)] == list(range(1, 10))


# ---- topics and the cluster

@case
def topic_is_created_by_the_first_message(broker):
    topic = unique("auto-created")
    assert Sender(broker).send_all(topic, [b"first"]) == [0]
    assert [message.value() for message in read_topic(broker, topic, 1)] == [b"first"]


@case
def unknown_topic_is_an_error_and_stays_unknown(broker):
    topic, client = unique("nowhere"), consumer(broker)
    assert refusal(lambda: client.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)) == KafkaError._UNKNOWN_PARTITION
    for _ in range(2):
        assert client.list_topics(topic, timeout=20).topics[topic].error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART


@case
def create_describe_and_delete_topics(broker):
    topic, client = create(broker, "short-lived", 3), admin(broker)
    described = client.list_topics(timeout=20).topics[topic]
    assert described.error is None and sorted(described.partitions) == [0, 1, 2]
    assert all(partition.leader >= 0 and partition.isrs == partition.replicas for partition in described.partitions.values())
    again = client.create_topics([NewTopic(topic, 3, 1)])[topic]
    assert refusal(lambda: again.result(20)) == KafkaError.TOPIC_ALREADY_EXISTS
    client.delete_topics([topic])[topic].result(20)
    eventually(lambda: topic not in client.list_topics(timeout=20).topics)
    gone = client.delete_topics([topic])[topic]
    assert refusal(lambda: gone.result(20)) == KafkaError.UNKNOWN_TOPIC_OR_PART


@case
def impossible_topics_are_refused(broker):
    client = admin(broker)

    def code(*arguments, **settings):
        [future] = client.create_topics([NewTopic(*arguments, **settings)]).values()
        return refusal(lambda: future.result(20))

    assert code("spaces are bad", 1, 1) == KafkaError.TOPIC_EXCEPTION
    assert code(unique("zero"), 0, 1) in (KafkaError.INVALID_PARTITIONS, KafkaError._INVALID_ARG)
    assert code(unique("three"), 1, 3) == KafkaError.INVALID_REPLICATION_FACTOR
    assert code(unique("config"), 1, 1, config={"retention.ms": "soon"}) == KafkaError.INVALID_CONFIG
    assert code(unique("assigned"), 1, replica_assignment=[[99]]) == KafkaError.INVALID_REPLICA_ASSIGNMENT


@case
def describe_configs_of_topic_and_broker(broker):
    topic, client = create(broker, "configured", **{"retention.ms": "123456"}), admin(broker)

    def describe(kind, name):
        [future] = client.describe_configs([ConfigResource(kind, name)]).values()
        return future.result(20)

    configs = describe(ResourceType.TOPIC, topic)
    assert configs["retention.ms"].value == "123456" and not configs["retention.ms"].is_default
    assert configs["segment.bytes"].value == str(1 << 30) and configs["segment.bytes"].is_default
    node = str(next(iter(client.list_topics(timeout=20).brokers)))
    assert describe(ResourceType.BROKER, node)["log.dirs"].is_read_only
    assert refusal(lambda: describe(ResourceType.TOPIC, unique("nowhere"))) == KafkaError.UNKNOWN_TOPIC_OR_PART


@case
def describe_cluster_names_the_broker(broker):
    client = admin(broker)
    described = client.describe_cluster().result(20)
    assert [f"{node.host}:{node.port}" for node in described.nodes] == [broker.bootstrap]
    assert described.cluster_id and described.controller.id == described.nodes[0].id


@case(seconds=180)
def producer_and_consumer_go_on_over_a_restart(fresh):
    broker = fresh().start()
    topic = create(broker, "restart")
    sender = Sender(broker, **{"enable.idempotence": True})
    client = consumer(broker)
    client.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    sender.send_all(topic, [str(number).encode() for number in range(100)])
    seen = read(client, 100)
    broker.stop()
    for number in range(100, 200):
        sender.send(topic, str(number).encode())
    broker.start()
    offsets = sender.send_all(topic, [str(number).encode() for number in range(200, 300)])
    assert offsets == list(range(300))
    deadline = time.monotonic() + 60
    while len(seen) < 300 and time.monotonic() < deadline:
        # Errors of the transport while the broker is away are told and passed over.
        seen += [message for message in client.consume(300 - len(seen), timeout=0.5) if message.error() is None]
    assert [message.value() for message in seen] == [str(number).encode() for number in range(300)]
