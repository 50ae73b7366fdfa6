"""kafka-python: KafkaProducer, KafkaConsumer without a group, KafkaAdminClient. `kafka-python-2/` runs the same cases with the
last 2.x."""

import random
import re
import subprocess
import sys
import threading
import time

import kafka
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition, errors
from kafka.admin import ConfigResource, NewTopic

from harness import environment
from harness.case import case, eventually, unique

KEEP = {"retention.ms": "-1"}  # for records of long ago
CODECS = [None, "gzip", "snappy", "lz4", "zstd"]
NEW = kafka.__version__.startswith("3.")


def version() -> str:
    return kafka.__version__


def case_of_3(body):
    """A case that a 2.x cannot pass, whatever the broker does."""
    return case(body) if NEW else body


def producer(broker, **settings) -> KafkaProducer:
    return KafkaProducer(bootstrap_servers=broker.bootstrap, **settings)


def consumer(broker, *topics, **settings) -> KafkaConsumer:
    settings = {"group_id": None, "auto_offset_reset": "earliest"} | settings
    return KafkaConsumer(*topics, bootstrap_servers=broker.bootstrap, **settings)


def admin(broker) -> KafkaAdminClient:
    return KafkaAdminClient(bootstrap_servers=broker.bootstrap)


def create(broker, name, partitions=1, **configs) -> str:
    topic = unique(name)
    client = admin(broker)
    client.create_topics([NewTopic(name=topic, num_partitions=partitions, replication_factor=1, topic_configs=configs)])
    client.close()
    return topic


def read(broker, topic, count, seconds=20, **settings) -> list:
    """The first `count` records of a topic."""
    found = list_until(consumer(broker, topic, **settings), count, seconds)
    assert len(found) == count, f"{len(found)} of {count} records"
    return found


def list_until(client, count, seconds=20) -> list:
    found, deadline = [], time.monotonic() + seconds
    while len(found) < count and time.monotonic() < deadline:
        for records in client.poll(timeout_ms=500).values():
            found += records
    client.close()
    return found


def expect(error, call):
    try:
        call()
    except error:
        return
    raise AssertionError(f"no {error.__name__}")


def refused(client, error, topic, **message):
    """Sends one message and expects its answer to be this error."""
    expect(error, lambda: client.send(topic, **message).get(timeout=20))


# ---- the programs of Klamm's README, as they stand there: on localhost:9092, against a broker without configuration

def readme_programs() -> list[str]:
    programs = re.findall(r"```python\n(.*?)```", (environment.ROOT / "README.md").read_text(), re.DOTALL)
    assert len(programs) == 4, "the README has a producer, a consumer, one of a group and an administrator"
    return programs


@case(seconds=180)
def readme_programs_without_configuration(fresh):
    fresh.alone().start()
    produce, consume, share, administer = readme_programs()

    def run(program):
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60)

    run(produce)
    with subprocess.Popen([sys.executable, "-u", "-c", consume], stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout.readline().strip() == "b'hello world'"
        run(produce)
        assert reader.stdout.readline().strip() == "b'hello world'"
        reader.kill()
    with subprocess.Popen([sys.executable, "-u", "-c", share], stdout=subprocess.PIPE, text=True) as reader:
        assert [reader.stdout.readline().strip() for _ in range(2)] == ["0 b'hello world'"] * 2
        reader.kill()
    run(administer)
    client = KafkaConsumer(bootstrap_servers="localhost:9092")
    assert client.partitions_for_topic("t") == {0, 1, 2}
    assert client.topics() >= {"test", "t"}


# ---- producing and reading back

def codec_round_trip(codec):
    def round_trip(broker):
        topic = create(broker, f"codec-{codec}")
        sent = [f"{number} {'compressible ' * 20}".encode() for number in range(500)]
        client = producer(broker, compression_type=codec, linger_ms=20)
        answers = [client.send(topic, value) for value in sent]
        client.flush()
        assert [answer.get(timeout=5).offset for answer in answers] == list(range(len(sent)))
        found = read(broker, topic, len(sent))
        assert [record.value for record in found] == sent
        assert [record.offset for record in found] == list(range(len(sent)))

    return round_trip


for each in CODECS:
    case(codec_round_trip(each), name=f"codec_{each or 'none'}_round_trip")


@case
def key_headers_and_timestamp_come_back(broker):
    topic = create(broker, "parts-of-a-record", **KEEP)
    client = producer(broker)
    headers = [("one", b"1"), ("one", b"again"), ("empty", b"")]
    answer = client.send(topic, b"value", key=b"key", headers=headers, timestamp_ms=1_700_000_000_123).get(timeout=20)
    assert answer.timestamp == 1_700_000_000_123
    [record] = read(broker, topic, 1)
    assert (record.key, record.value, record.headers) == (b"key", b"value", headers)
    assert (record.timestamp, record.timestamp_type) == (1_700_000_000_123, 0)


@case
def null_value_and_null_key_stay_null(broker):
    topic = create(broker, "nulls")
    client = producer(broker)
    client.send(topic, None, key=b"tombstone")
    client.send(topic, b"no key")
    client.send(topic, b"", key=b"")
    client.flush()
    found = [(record.key, record.value) for record in read(broker, topic, 3)]
    assert found == [(b"tombstone", None), (None, b"no key"), (b"", b"")]


@case
def log_append_time_is_the_brokers(broker):
    topic = create(broker, "append-time", **{"message.timestamp.type": "LogAppendTime"})
    before = time.time() * 1000
    client = producer(broker)
    answer = client.send(topic, b"value", timestamp_ms=1_700_000_000_123).get(timeout=20)
    [record] = read(broker, topic, 1)
    assert record.timestamp_type == 1
    assert before - 1 <= record.timestamp <= time.time() * 1000 + 1
    assert answer.timestamp == record.timestamp


@case_of_3  # with acks=0 a 2.x never sends the last of its requests
def acks_0_1_and_all(broker):
    topic = create(broker, "acks")
    for acks in (0, 1, "all"):
        client = producer(broker, acks=acks, enable_idempotence=False)
        for number in range(100):
            client.send(topic, f"{acks}-{number}".encode())
        client.flush()
        client.close()
    expected = [f"{acks}-{number}".encode() for acks in (0, 1, "all") for number in range(100)]
    assert [record.value for record in read(broker, topic, 300)] == expected


@case
def idempotent_producer_in_small_batches(broker):
    topic = create(broker, "idempotent")
    client = producer(broker, enable_idempotence=True, acks="all", linger_ms=0, batch_size=64)
    answers = [client.send(topic, str(number).encode()) for number in range(500)]
    assert [answer.get(timeout=20).offset for answer in answers] == list(range(500))
    assert [record.value for record in read(broker, topic, 500)] == [str(number).encode() for number in range(500)]


@case
def large_messages_up_to_the_limit(broker):
    topic = create(broker, "large")
    client = producer(broker, max_request_size=4 << 20, enable_idempotence=False)
    fits = random.Random(1).randbytes(1_048_588 - 200)
    client.send(topic, fits).get(timeout=20)
    refused(client, errors.MessageSizeTooLargeError, topic, value=fits + bytes(200))
    client.send(topic, b"small").get(timeout=20)
    assert [record.value for record in read(broker, topic, 2)] == [fits, b"small"]


@case
def message_larger_than_the_fetch_limits_is_still_read(broker):
    topic = create(broker, "larger-than-fetch")
    client = producer(broker)
    values = [bytes([number]) * 200_000 for number in range(5)]
    for value in values:
        client.send(topic, value).get(timeout=20)
    found = read(broker, topic, 5, max_partition_fetch_bytes=1000, fetch_max_bytes=1000)
    assert [record.value for record in found] == values


@case
def ten_thousand_records_in_batches(broker):
    topic = create(broker, "batches", 4)
    client = producer(broker, linger_ms=10)
    for number in range(10_000):
        client.send(topic, str(number).encode(), partition=number % 4)
    client.flush()
    found = read(broker, topic, 10_000, seconds=40)
    for partition in range(4):
        values = [int(record.value) for record in found if record.partition == partition]
        assert values == list(range(partition, 10_000, 4))


@case
def keys_keep_to_their_partition(broker):
    topic = create(broker, "by-key", 6)
    client = producer(broker)
    for number in range(300):
        client.send(topic, str(number).encode(), key=str(number % 30).encode())
    client.flush()
    found = read(broker, topic, 300)
    homes = {(record.key, record.partition) for record in found}
    assert len(homes) == 30 and len({home for _, home in homes}) > 1


# ---- finding offsets

def filled(broker, name, count=10) -> TopicPartition:
    """A partition whose record N has value N and timestamp 1,700,000,000,000 + 1,000 N."""
    topic = create(broker, name, **KEEP)
    client = producer(broker, acks="all")  # with the acks=1 of a 2.x the end that readers see may still lie behind the answer
    for number in range(count):
        client.send(topic, str(number).encode(), timestamp_ms=1_700_000_000_000 + 1000 * number).get(timeout=20)
    client.close()
    return TopicPartition(topic, 0)


@case
def seek_to_beginning_end_and_offset(broker):
    partition = filled(broker, "seek")
    client = consumer(broker)
    client.assign([partition])
    client.seek_to_end(partition)
    assert client.position(partition) == 10
    client.seek(partition, 7)
    assert [record.value for record in next_records(client)] == [b"7", b"8", b"9"]
    client.seek_to_beginning(partition)
    assert client.position(partition) == 0
    assert next_records(client)[0].value == b"0"


def next_records(client) -> list:
    return eventually(lambda: [record for records in client.poll(timeout_ms=200).values() for record in records])


@case
def beginning_and_end_offsets(broker):
    partition = filled(broker, "offsets")
    client = consumer(broker)
    assert client.beginning_offsets([partition]) == {partition: 0}
    assert client.end_offsets([partition]) == {partition: 10}


@case
def offsets_for_times(broker):
    partition = filled(broker, "times")
    client = consumer(broker)
    for timestamp, offset in [(0, 0), (1_700_000_003_000, 3), (1_700_000_003_001, 4), (1_700_000_009_000, 9)]:
        found = client.offsets_for_times({partition: timestamp})[partition]
        assert (found.offset, found.timestamp) == (offset, 1_700_000_000_000 + 1000 * offset), (timestamp, found)
    assert client.offsets_for_times({partition: 1_700_000_009_001})[partition] is None


@case
def offset_out_of_range_goes_where_the_reset_says(broker):
    partition = filled(broker, "out-of-range")
    client = consumer(broker, auto_offset_reset="earliest")
    client.assign([partition])
    client.seek(partition, 1000)
    assert next_records(client)[0].offset == 0
    strict = consumer(broker, auto_offset_reset="none")
    strict.assign([partition])
    strict.seek(partition, 1000)
    expect(errors.OffsetOutOfRangeError, lambda: [strict.poll(timeout_ms=500) for _ in range(20)])


# ---- waiting

@case
def waiting_consumer_gets_new_records_promptly(broker):
    topic = create(broker, "prompt")
    client = consumer(broker, fetch_max_wait_ms=5000)
    client.assign([TopicPartition(topic, 0)])
    assert client.poll(timeout_ms=300) == {}
    sender, sent_at = producer(broker), {}

    def send():
        for number in range(5):
            time.sleep(0.3)
            sent_at[number] = time.monotonic()
            sender.send(topic, str(number).encode())
            sender.flush()

    thread = threading.Thread(target=send)
    thread.start()
    for number in range(5):
        [record] = next_records(client)
        delay = time.monotonic() - sent_at[number]
        assert record.value == str(number).encode()
        assert delay < 1.0, f"record {number} came after {delay:.2f} s"
    thread.join()


@case
def two_topics_through_one_consumer(broker):
    topics = [create(broker, "left", 2), create(broker, "right", 2)]
    client = producer(broker)
    for number in range(200):
        client.send(topics[number % 2], str(number).encode())
    client.flush()
    found = list_until(consumer(broker, *topics), 200)
    for parity in (0, 1):
        values = sorted(int(record.value) for record in found if record.topic == topics[parity])
        assert values == list(range(parity, 200, 2))


@case
def pattern_subscription_finds_topics_made_later(broker):
    prefix = unique("pattern")
    client = consumer(broker, metadata_max_age_ms=500)
    client.subscribe(pattern=f"^{prefix}-.*")
    client.poll(timeout_ms=200)
    sender = producer(broker)
    sender.send(f"{prefix}-later", b"found")
    sender.flush()
    assert [record.value for record in next_records(client)] == [b"found"]


# ---- topics

@case
def topic_is_created_by_the_first_send(broker):
    topic = unique("auto-created")
    client = producer(broker)
    assert client.send(topic, b"first").get(timeout=20).offset == 0
    assert [record.value for record in read(broker, topic, 1)] == [b"first"]


@case
def topic_with_a_bad_name_is_refused(broker):
    client = admin(broker)
    for name in ("spaces are bad", "a" * 250, "..", "sla/sh"):
        wanted = [NewTopic(name=name, num_partitions=1, replication_factor=1)]
        expect(errors.InvalidTopicError, lambda wanted=wanted: client.create_topics(wanted))


@case
def creating_twice_and_impossible_topics_are_refused(broker):
    topic, client = create(broker, "twice"), admin(broker)

    def attempt(**settings):
        settings = {"name": unique("impossible"), "num_partitions": 1, "replication_factor": 1} | settings
        return lambda: client.create_topics([NewTopic(**settings)])

    expect(errors.TopicAlreadyExistsError, attempt(name=topic))
    expect(errors.InvalidPartitionsError, attempt(num_partitions=0))
    expect(errors.InvalidReplicationFactorError, attempt(replication_factor=3))
    expect(errors.InvalidConfigurationError, attempt(topic_configs={"retention.ms": "soon"}))
    expect(errors.InvalidConfigurationError, attempt(topic_configs={"no.such.key": "1"}))


@case
def validate_only_creates_nothing(broker):
    topic, client = unique("validated"), admin(broker)
    client.create_topics([NewTopic(name=topic, num_partitions=2, replication_factor=1)], validate_only=True)
    assert topic not in client.list_topics()


@case
def list_describe_and_delete_topics(broker):
    topic, client = create(broker, "short-lived", 3), admin(broker)
    assert topic in client.list_topics()
    [described] = client.describe_topics([topic])
    assert described["error_code"] == 0 and len(described["partitions"]) == 3
    client.delete_topics([topic])
    eventually(lambda: topic not in client.list_topics())
    expect(errors.UnknownTopicOrPartitionError, lambda: client.delete_topics([topic]))


@case
def deleted_topic_comes_back_empty(broker):
    topic, client = create(broker, "reborn"), admin(broker)
    sender = producer(broker)
    sender.send(topic, b"old").get(timeout=20)
    sender.close()
    client.delete_topics([topic])
    eventually(lambda: topic not in client.list_topics())
    client.create_topics([NewTopic(name=topic, num_partitions=1, replication_factor=1)])
    sender = producer(broker)
    assert sender.send(topic, b"new").get(timeout=20).offset == 0
    assert [record.value for record in read(broker, topic, 1)] == [b"new"]


@case
def describe_cluster_names_the_broker(broker):
    described = admin(broker).describe_cluster()
    host, port = broker.bootstrap.rsplit(":", 1)
    addresses = [(node["host"], node["port"]) for node in described["brokers"]]
    assert addresses == [(host, int(port))], described
    [node] = described["brokers"]
    assert described["cluster_id"] and described["controller_id"] == node["broker_id" if NEW else "node_id"], described


@case_of_3  # a 2.x gives the answers as they come
def describe_configs_of_topic_and_broker(broker):
    topic, client = create(broker, "configured", **{"retention.ms": "123456"}), admin(broker)
    configs = client.describe_configs([ConfigResource("topic", topic)], config_filter="all")["topic"][topic]
    assert (configs["retention.ms"]["value"], configs["retention.ms"]["config_source"]) == ("123456", "DYNAMIC_TOPIC_CONFIG")
    assert (configs["cleanup.policy"]["value"], configs["cleanup.policy"]["config_source"]) == ("delete", "DEFAULT_CONFIG")
    node = str(client.describe_cluster()["brokers"][0]["broker_id"])
    configs = client.describe_configs([ConfigResource("broker", node)], config_filter="all")["broker"][node]
    assert configs["log.dirs"]["read_only"] and configs["log.dirs"]["config_source"] == "STATIC_BROKER_CONFIG", configs["log.dirs"]


@case(seconds=180)
def producer_and_consumer_go_on_over_a_restart(fresh):
    broker = fresh().start()
    topic = create(broker, "restart")
    sender = producer(broker, acks="all")
    answers = [sender.send(topic, str(number).encode()) for number in range(100)]
    sender.flush()
    client = consumer(broker)
    client.assign([TopicPartition(topic, 0)])
    seen = [record.value for record in next_records(client)]
    broker.stop()
    answers += [sender.send(topic, str(number).encode()) for number in range(100, 200)]
    broker.start()
    answers += [sender.send(topic, str(number).encode()) for number in range(200, 300)]
    sender.flush()
    assert [answer.get(timeout=30).offset for answer in answers] == list(range(300))
    while len(seen) < 300:
        seen += [record.value for record in next_records(client)]
    assert seen == [str(number).encode() for number in range(300)]
