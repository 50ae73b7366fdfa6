"""The cases about records that every client passes whose program has the modes `produce` and `consume` (`members.py`)."""

import json
import random

from .case import case, unique
from .members import Program
from .wire import Connection, batch_headers

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
START = 1_700_000_000_000
KEEP = {"retention.ms": -1}  # these timestamps are old


def create(broker, name, partitions=1, **configs) -> str:
    topic = unique(name)
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic, partitions, configs)
    return topic


def send(program: Program, broker, messages, **settings) -> list:
    """The offset of each message, or what its error is called."""
    sender = program.start("produce", {"bootstrap": broker.bootstrap} | settings)
    said, _ = sender.communicate("".join(f"{json.dumps(each)}\n" for each in messages), timeout=50)
    assert sender.returncode == 0, f"exit {sender.returncode}: {said[:2000]}"
    return json.loads(said)["answer"]


class Reading:
    """A program that consumes a partition: it tells where it starts, then each record."""

    def __init__(self, program: Program, broker, topic, where, count, partition=0):
        self.process = program.start("consume", {"bootstrap": broker.bootstrap, "topic": topic, "partition": partition, "from": where,
                                                 "count": count})
        self.start = json.loads(self.process.stdout.readline())["answer"]

    def records(self) -> list[dict]:
        found = [json.loads(line)["record"] for line in self.process.stdout]
        assert self.process.wait(20) == 0
        return found


def read(program, broker, topic, count, where="start", partition=0) -> list[dict]:
    found = Reading(program, broker, topic, where, count, partition).records()
    assert len(found) >= count, f"{len(found)} records, expected {count}"
    return found[:count]


def values(records) -> list[str]:
    return [each["value"] for each in records]


def declare(program: Program, codecs=CODECS, null_headers=True):
    """Declares the cases. A program that cannot send a header without a value says so with `null_headers`."""

    def round_trip(codec):
        def in_this_codec(broker):
            topic = create(broker, f"codec-{codec}")
            sent = [f"{number} {'compressible ' * 20}" for number in range(500)]
            messages = [{"topic": topic, "partition": 0, "value": value} for value in sent]
            assert send(program, broker, messages, codec=codec) == list(range(500))
            assert values(read(program, broker, topic, 500)) == sent
            with Connection(broker.bootstrap) as connection:
                stored = {header["attributes"] & 7 for header in batch_headers(connection.fetch(topic)["records"])}
            assert stored == {CODECS.index(codec)}, f"stored with codec {stored}"

        return in_this_codec

    for codec in codecs:
        case(round_trip(codec), name=f"codec_{codec}_round_trip")

    @case
    def every_part_of_a_record_comes_back(broker):
        topic = create(broker, "parts", **KEEP)
        headers = [["empty", ""], ["one", "1"]] + ([["null", None], ["one", "again"]] if null_headers else [])
        sent = [{"key": "key", "value": "value", "headers": headers, "timestamp": START + 123},
                {"key": "tombstone", "value": None, "headers": [], "timestamp": START},
                {"key": None, "value": "no key", "headers": [], "timestamp": START + 2},
                {"key": "", "value": "", "headers": [], "timestamp": START + 1}]
        assert send(program, broker, [each | {"topic": topic, "partition": 0} for each in sent]) == [0, 1, 2, 3]
        assert read(program, broker, topic, 4) == [each | {"offset": offset} for offset, each in enumerate(sent)]

    @case
    def large_records_up_to_the_limit(broker):
        """Some clients refuse by themselves what is larger than a broker takes."""
        topic = create(broker, "large")
        fits = random.Random(1).randbytes(500_000).hex()
        assert send(program, broker, [{"topic": topic, "partition": 0, "value": fits}]) == [0]
        [refused] = send(program, broker, [{"topic": topic, "partition": 0, "value": fits + "x" * 60_000}])
        assert isinstance(refused, str) and "TooLarge" in refused, refused
        assert send(program, broker, [{"topic": topic, "partition": 0, "value": "small"}]) == [1]
        assert values(read(program, broker, topic, 2)) == [fits, "small"]

    @case
    def topic_limit_is_told(broker):
        topic = create(broker, "small-limit", **{"max.message.bytes": 1000})
        [refused] = send(program, broker, [{"topic": topic, "partition": 0, "value": "x" * 2000}])
        assert isinstance(refused, str) and "TooLarge" in refused, refused

    @case
    def consumes_from_start_offset_and_timestamp(broker):
        topic = create(broker, "places", 2, **KEEP)
        for number in range(10):
            messages = [{"topic": topic, "partition": 1, "value": str(number), "timestamp": START + 1000 * number}]
            assert send(program, broker, messages) == [number]
        for where, first in [("start", 0), ({"offset": 7}, 7), ({"timestamp": START + 3001}, 4), ({"timestamp": START + 3000}, 3)]:
            found = read(program, broker, topic, 10 - first, where, partition=1)
            assert values(found) == [str(number) for number in range(first, 10)], where

    @case
    def consumes_from_the_end_only_what_comes(broker):
        topic = create(broker, "end")
        send(program, broker, [{"topic": topic, "partition": 0, "value": str(number)} for number in range(10)])
        reading = Reading(program, broker, topic, "end", 2)
        assert reading.start == 10
        send(program, broker, [{"topic": topic, "partition": 0, "value": value} for value in ("later", "last")])
        assert values(reading.records()) == ["later", "last"]
