"""Bytes that no good client sends: lying batches, broken frames, floods. A good client is served all the while."""

import random
import socket
import struct
import threading
import time
from pathlib import Path

import batches
from harness.case import case, eventually, unique
from harness.wire import (API_VERSIONS, FETCH, METADATA, PRODUCE, Connection, Refused, array, batch, batch_headers, header, int16,
                          int32, record, string)

MIB = 1 << 20


def version() -> str:
    return "own bytes"


def records_in(connection, topic) -> int:
    """How many records a topic's only partition has, by reading it from front to end."""
    count, offset, end = 0, 0, connection.end_offset(topic)
    while offset < end:
        found = batch_headers(connection.fetch(topic, offset)["records"])
        assert found and found[0]["base_offset"] == offset, f"at {offset} of {end}: {found[:1]}"
        count += sum(each["count"] for each in found)
        offset = found[-1]["base_offset"] + found[-1]["last_offset_delta"] + 1
    return count


# ---- one lying batch each

def crafted_case(crafted: batches.Crafted):
    def refused_or_stored(broker):
        topic = unique("crafted")
        expected = crafted.expected(broker)
        with Connection(broker.bootstrap) as connection:
            connection.create_topic(topic, configs={"retention.ms": -1})
            answer = connection.produce(topic, crafted.make())
            assert answer["error"] == expected, f"answered {answer}, expected {expected}"
            stored = crafted.stored if expected == "NONE" else 0
            assert answer["base_offset"] == (0 if stored else -1), answer
            assert connection.end_offset(topic) == stored
            assert connection.produce(topic, batch())["base_offset"] == stored, "a good batch after it is not stored"
            assert records_in(connection, topic) == stored + 1

    return refused_or_stored


for each in batches.ALL:
    case(crafted_case(each), name=f"batch: {each.name}")


def bomb_case(crafted: batches.Crafted):
    def refused_without_memory(broker):
        sent, before = crafted.make(), broker.resident_bytes()
        assert len(sent) < MIB
        crafted.make = lambda: sent
        crafted_case(crafted)(broker)
        assert broker.resident_bytes() - before < 200 * MIB, "the bomb was kept in memory"

    return refused_without_memory


for each in batches.BOMBS:
    case(bomb_case(each), name=f"batch: {each.name}", klamm_only=each.why)


@case
def accepted_batches_are_stamped(broker):
    """What a client claims about offsets, epochs and times is replaced by what is so."""
    topic = unique("stamped")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic)
        now = batches.now_ms()
        connection.produce(topic, batch())
        connection.produce(topic, batch(leader_epoch=7, base_timestamp=now, max_timestamp=5))
        found = batch_headers(connection.fetch(topic)["records"])
    assert [each["base_offset"] for each in found] == [0, 1]
    assert {each["leader_epoch"] for each in found} == {found[0]["leader_epoch"]} and found[0]["leader_epoch"] != 7
    assert found[1]["max_timestamp"] == now, found


@case
def log_append_time_is_not_the_clients_to_set(broker):
    topic = unique("append-time")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic, configs={"message.timestamp.type": "LogAppendTime"})
        answer = connection.produce(topic, batch([record(), record(offset_delta=1)], attributes=batches.LOG_APPEND_TIME))
        assert answer["error"] == "INVALID_TIMESTAMP" and answer["record_errors"], answer
        answer = connection.produce(topic, batch(base_timestamp=batches.MAX64))
        assert answer["error"] == "NONE" and abs(answer["append_time"] - batches.now_ms()) < 10_000, answer


@case
def compacted_topic_needs_keys(broker):
    topic = unique("compacted")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic, configs={"cleanup.policy": "compact"})
        answer = connection.produce(topic, batch([record(), record(key=None, offset_delta=1), record(key=None, offset_delta=2)]))
        assert answer["error"] == "INVALID_RECORD", answer
        assert [index for index, _ in answer["record_errors"]] == [1, 2], answer
        assert connection.end_offset(topic) == 0


@case
def sequences_of_an_idempotent_producer(broker):
    """Five batches are remembered: those again are acknowledged with their offsets, anything else must follow on."""
    topic = unique("sequences")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic)
        producer_id, epoch = connection.producer_id()

        def send(sequence, count=1, epoch=epoch):
            records = [record(offset_delta=delta) for delta in range(count)]
            answer = connection.produce(topic, batch(records, producer_id=producer_id, producer_epoch=epoch, base_sequence=sequence))
            return answer["base_offset"] if answer["error"] == "NONE" else answer["error"]

        gap, old_epoch = "OUT_OF_ORDER_SEQUENCE_NUMBER", "INVALID_PRODUCER_EPOCH"
        steps = [((0,), 0), ((1,), 1), ((1,), 1), ((0,), 0), ((5,), gap), ((2, 3), 2), ((2, 2), gap), ((5,), 5), ((6,), 6), ((7,), 7),
                 ((8,), 8), ((9,), 9), ((0,), gap), ((0, 1, 1), 10), ((9, 1, 0), old_epoch), ((5, 1, 2), gap), ((1, 1, 1), 11)]
        assert [send(*arguments) for arguments, _ in steps] == [expected for _, expected in steps]


@case
def sequences_wrap(broker):
    with Connection(broker.bootstrap) as connection:
        topic = unique("wrap")
        connection.create_topic(topic)
        producer_id, epoch = connection.producer_id()
        for sequence, count, offset in [(batches.MAX32 - 1, 4, 0), (2, 1, 4)]:
            records = [record(offset_delta=delta) for delta in range(count)]
            sent = batch(records, producer_id=producer_id, producer_epoch=epoch, base_sequence=sequence)
            assert connection.produce(topic, sent)["base_offset"] == offset


@case
def produce_requests_that_are_refused(broker):
    topic = unique("refused")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic)
        for acks in (2, -2):
            assert connection.produce(topic, batch(), acks=acks)["error"] == "INVALID_REQUIRED_ACKS"
        assert connection.produce(topic, batch(), partition=5)["error"] == "UNKNOWN_TOPIC_OR_PARTITION"
        assert connection.produce(topic, batch(), partition=-1)["error"] == "UNKNOWN_TOPIC_OR_PARTITION"
        assert connection.produce("sla/sh", batch())["error"] == "UNKNOWN_TOPIC_OR_PARTITION"
        packed = batches.packed(batches.ZSTD, batches.zstd(record()))
        for old in (3, 5, 6):
            assert connection.produce(topic, packed, version=old)["error"] == "UNSUPPORTED_COMPRESSION_TYPE"
        assert connection.end_offset(topic) == 0


@case
def refused_acks_0_closes_the_connection(broker):
    topic = unique("acks-0")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic)
        connection.send(PRODUCE, 8, connection.produce_body(topic, batch(crc=1), acks=0))
        assert connection.closed_by_peer()


# ---- frames

class Customer:
    """A good client beside the attack: produces and reads back, before, during and after it."""

    def __init__(self, broker, patience=5.0):
        self.broker, self.patience, self.stopping = broker, patience, threading.Event()
        self.failure, self.slowest, self.turns = None, 0.0, 0
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        self._await_turn()
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self._await_turn()
            assert self.slowest < self.patience, f"the good client waited {self.slowest:.1f} s"
        self.stopping.set()
        self.thread.join()

    def _await_turn(self):
        now = self.turns
        eventually(lambda: self.turns > now or self.failure, seconds=2 * self.patience)
        assert self.failure is None, f"the good client failed: {self.failure!r}"

    def _serve(self):
        try:
            with Connection(self.broker.bootstrap) as connection:
                topic = unique("customer")
                connection.create_topic(topic)
                while not self.stopping.is_set():
                    began = time.monotonic()
                    assert connection.produce(topic, batch())["base_offset"] == self.turns
                    assert connection.fetch(topic, self.turns)["records"]
                    self.slowest = max(self.slowest, time.monotonic() - began)
                    self.turns += 1
                    time.sleep(0.02)
        except BaseException as failure:  # told by _await_turn
            self.failure = failure


def raw(broker) -> socket.socket:
    host, port = broker.bootstrap.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=10)


def send_and_hang_up(broker, data: bytes):
    with raw(broker) as peer:
        try:
            peer.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass


@case
def frame_lengths_that_cannot_be_close_the_connection(broker):
    with Customer(broker):
        for length in (-1, -(2**31), 2**31 - 1, 100 * MIB + 1):
            with Connection(broker.bootstrap) as connection:
                connection.socket.sendall(int32(length) + b"x" * 100)
                assert connection.closed_by_peer(), f"length {length}"


@case
def frames_too_short_for_a_header_close_the_connection(broker):
    with Customer(broker):
        for frame in (b"", b"\0", int16(API_VERSIONS), int16(API_VERSIONS) + int16(0), int16(METADATA) + int16(1) + b"\0\0\0"):
            with Connection(broker.bootstrap) as connection:
                connection.send_frame(frame)
                assert connection.closed_by_peer(), frame


@case
def unknown_keys_and_versions_close_the_connection(broker):
    with Customer(broker):
        with Connection(broker.bootstrap) as connection:
            advertised = connection.api_versions()
        wrong = [(-1, 0), (9999, 0)] + [(key, high + 1) for key, (_, high) in advertised.items() if key != API_VERSIONS]
        wrong += [(key, -1) for key in advertised if key != API_VERSIONS]
        for key, version_ in wrong:
            with Connection(broker.bootstrap) as connection:
                connection.send_frame(header(key, version_, 1) + bytes(20))
                assert connection.closed_by_peer(), (key, version_)


@case
def unknown_version_of_api_versions_is_answered(broker):
    """In the oldest layout, so that every client can read it, with the versions of ApiVersions itself."""
    for version_ in (99, 2**15 - 1):
        with Connection(broker.bootstrap) as connection:
            connection.send_frame(header(API_VERSIONS, version_, 1, flexible=True) + b"whatever")
            reader = connection.receive()
            assert reader.error() == "UNSUPPORTED_VERSION"
            keys = reader.array(lambda: (reader.int16(), reader.int16(), reader.int16()))
            assert [key for key, _, _ in keys] == [API_VERSIONS] and reader.at == len(reader.data), keys
            assert connection.api_versions(), "the connection goes on"


@case
def random_bytes(broker):
    chance = random.Random(1)
    with Customer(broker):
        for _ in range(500):
            send_and_hang_up(broker, chance.randbytes(chance.randrange(1, 2000)))
        for _ in range(500):  # framed, so that they reach the decoder
            frame = chance.randbytes(chance.randrange(1, 500))
            send_and_hang_up(broker, int32(len(frame)) + frame)


@case
def requests_cut_at_every_byte(broker):
    topic = unique("cut")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic)
    body = header(PRODUCE, 8, 1) + Connection.produce_body(topic, batch())
    whole = int32(len(body)) + body
    with Customer(broker):
        for end in range(len(whole)):
            send_and_hang_up(broker, whole[:end])  # the frame says more comes
        for end in range(len(body)):
            send_and_hang_up(broker, int32(end) + body[:end])  # the frame is whole, the request in it is cut
    with Connection(broker.bootstrap) as connection:
        assert connection.end_offset(topic) == 0, "half a request was taken for a whole one"


@case(seconds=120)
def lying_counts_in_every_request(broker):
    """For each key and version: bodies whose first count or length, wherever it may lie, claims far more than there is."""
    lies = [b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff\x07", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x80\0\0\0", b"\xff\xff"]
    with Connection(broker.bootstrap) as connection:
        cells = [(key, version_) for key, (low, high) in connection.api_versions().items() for version_ in range(low, high + 1)]
    bodies = [header(key, version_, 1, flexible=flexible) + bytes(lead) + lie * 4
              for key, version_ in cells for lie in lies for lead in (0, 1, 2, 4, 8) for flexible in (False, True)]
    random.Random(1).shuffle(bodies)
    before = broker.resident_bytes() if broker.name == "klamm" else 0
    with Customer(broker):
        for body in bodies[:3000]:
            send_and_hang_up(broker, int32(len(body)) + body)
    if broker.name == "klamm":
        rise = broker.resident_bytes() - before
        assert rise < 64 * MIB, f"memory rose by {rise // MIB} MiB"


@case
def slow_bytes_are_waited_for(broker):
    with Customer(broker), Connection(broker.bootstrap) as connection:
        frame = header(API_VERSIONS, 0, 77)
        for byte in int32(len(frame)) + frame:
            connection.socket.sendall(bytes([byte]))
            time.sleep(0.05)
        assert connection.receive().answered == 77


@case
def answers_keep_the_order_of_requests(broker):
    """A fetch that waits, a produce, and small requests behind it, sent in one go."""
    topic = unique("pipelined")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic)
        asked = [connection.send(FETCH, 11, connection.fetch_body(topic, 0, wait_ms=700))]
        asked += [connection.send(PRODUCE, 8, connection.produce_body(topic, batch())) for _ in range(20)]
        asked += [connection.send(METADATA, 4, array([string(topic)]) + b"\0"), connection.send(API_VERSIONS, 0, b"")]
        answers = [connection.receive() for _ in asked]
        assert [answer.answered for answer in answers] == asked
        offsets = []
        for answer in answers[1:21]:
            offsets.append(connection.produced(answer)["base_offset"])
        assert offsets == list(range(20))


@case(seconds=120, klamm_only="Kafka makes room for the announced size, here 200 GB")
def two_thousand_connections_announce_100_mib(broker):
    before, opened, peers = broker.resident_bytes(), descriptors(broker), []
    with Customer(broker):
        for _ in range(2000):
            peer = raw(broker)
            peer.sendall(int32(100 * MIB) + header(PRODUCE, 8, 1) + bytes(1000))
            peers.append(peer)
        time.sleep(1)
        rise = broker.resident_bytes() - before
    for peer in peers:
        peer.close()
    assert rise < 128 * MIB, f"memory rose by {rise // MIB} MiB"
    eventually(lambda: descriptors(broker) < opened + 100)


@case(seconds=120, klamm_only="Kafka has no bound on the bytes of requests in flight unless one is set")
def half_sent_requests_stay_within_the_budget(fresh):
    """400 connections send 1 MiB of a frame each and stop. The budget is 128 MiB; beyond it comes one frame of the largest size
    and one read per connection, which is each one's own: small requests are served while others wait for the budget."""
    budget, largest = 128 * MIB, 100 * MIB
    broker = fresh(**{"queued.max.request.bytes": budget, "socket.request.max.bytes": largest}).start()
    before, peers, piece = broker.resident_bytes(), [], bytes(1 * MIB)
    with Customer(broker):
        for _ in range(400):
            peer = raw(broker)
            peer.settimeout(0.05)
            try:
                peer.sendall(int32(largest) + header(PRODUCE, 8, 1) + piece)
            except (TimeoutError, BrokenPipeError, ConnectionResetError):
                pass
            peers.append(peer)
        rise = broker.resident_bytes() - before
    for peer in peers:
        peer.close()
    assert rise < budget + largest + 400 * 64 * 1024 + 32 * MIB, f"memory rose by {rise // MIB} MiB"


def descriptors(broker) -> int:
    return len(list(Path(f"/proc/{broker.process.pid}/fd").iterdir()))


@case(seconds=120, klamm_only="Kafka's heap is no measure")
def reader_that_never_reads_answers_costs_little(broker):
    """Twenty connections ask for 1 MB answers again and again and take none; the broker stops reading them."""
    topic = unique("unread")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic)
        assert connection.produce(topic, batch([record(bytes(1_000_000))]))["error"] == "NONE"
    before, peers = broker.resident_bytes(), []
    with Customer(broker):
        frame = header(FETCH, 11, 1) + Connection.fetch_body(topic, 0)
        flood = (int32(len(frame)) + frame) * 200
        for _ in range(20):
            peer = raw(broker)
            peer.settimeout(0.2)
            try:
                for _ in range(10):
                    peer.sendall(flood)
            except TimeoutError:
                pass
            peers.append(peer)
        time.sleep(1)
        rise = broker.resident_bytes() - before
    for peer in peers:
        peer.close()
    assert rise < 256 * MIB, f"memory rose by {rise // MIB} MiB"


@case
def pipelined_thousands_are_all_answered(broker):
    """More requests than any window, written while the answers are read."""
    count = 20_000
    with Customer(broker), Connection(broker.bootstrap) as connection:
        frame = [header(API_VERSIONS, 0, number) for number in range(count)]
        writer = threading.Thread(target=connection.socket.sendall, args=(b"".join(int32(len(each)) + each for each in frame),))
        writer.start()
        for number in range(count):
            assert connection.receive().answered == number
        writer.join()


@case
def hangs_up_in_the_middle_of_everything(broker):
    """Connections that end while their fetch waits or their produce is under way leave nothing behind."""
    topic = unique("gone")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic)
    with Customer(broker):
        for number in range(200):
            connection = Connection(broker.bootstrap)
            if number % 2:
                connection.send(FETCH, 11, connection.fetch_body(topic, 0, wait_ms=30_000, min_bytes=100 * MIB))
            else:
                connection.send(PRODUCE, 8, connection.produce_body(topic, batch([record(bytes(50_000))])))
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.socket.close()
    with Connection(broker.bootstrap) as connection:
        assert records_in(connection, topic) == connection.end_offset(topic) <= 100
