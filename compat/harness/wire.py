"""A small client that writes its own bytes: the few requests that the cases need, and batches that may lie.

Only versions below the flexible ones, whose layout is plain: Metadata 4, CreateTopics 4, Produce 8, Fetch 11, ListOffsets 5,
InitProducerId 1, ApiVersions 0. Layouts as in Kafka's clients/src/main/resources/common/message; errors by Kafka's names.
"""

import socket
import struct
import time

PRODUCE, FETCH, LIST_OFFSETS, METADATA, API_VERSIONS, CREATE_TOPICS, INIT_PRODUCER_ID = 0, 1, 2, 3, 18, 19, 22
# Those that a case may wait for.
API_KEYS = {"JoinGroup": 11, "DeleteRecords": 21, "DescribeLogDirs": 35, "CreatePartitions": 37, "IncrementalAlterConfigs": 44,
            "DescribeQuorum": 55, "UpdateFeatures": 57, "DescribeProducers": 61, "ListConfigResources": 74, "DescribeTopicPartitions": 75}

ERRORS = {
    -1: "UNKNOWN_SERVER_ERROR", 0: "NONE", 1: "OFFSET_OUT_OF_RANGE", 2: "CORRUPT_MESSAGE", 3: "UNKNOWN_TOPIC_OR_PARTITION",
    5: "LEADER_NOT_AVAILABLE", 6: "NOT_LEADER_OR_FOLLOWER", 7: "REQUEST_TIMED_OUT", 10: "MESSAGE_TOO_LARGE", 14: "COORDINATOR_LOAD_IN_PROGRESS",
    17: "INVALID_TOPIC_EXCEPTION", 18: "RECORD_LIST_TOO_LARGE", 21: "INVALID_REQUIRED_ACKS", 32: "INVALID_TIMESTAMP",
    35: "UNSUPPORTED_VERSION", 36: "TOPIC_ALREADY_EXISTS", 42: "INVALID_REQUEST", 43: "UNSUPPORTED_FOR_MESSAGE_FORMAT",
    45: "OUT_OF_ORDER_SEQUENCE_NUMBER", 47: "INVALID_PRODUCER_EPOCH", 48: "INVALID_TXN_STATE", 56: "KAFKA_STORAGE_ERROR",
    53: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", 76: "UNSUPPORTED_COMPRESSION_TYPE", 87: "INVALID_RECORD",
}
NONE_CODEC, GZIP, SNAPPY, LZ4, ZSTD = range(5)
LOG_APPEND_TIME, TRANSACTIONAL, CONTROL, DELETE_HORIZON = 0x08, 0x10, 0x20, 0x40


class Refused(Exception):
    """The broker closed the connection instead of answering."""


# ---- writing

def int8(value):
    return struct.pack(">b", value)


def int16(value):
    return struct.pack(">h", value)


def int32(value):
    return struct.pack(">i", value)


def int64(value):
    return struct.pack(">q", value)


def string(text):
    """A nullable string: None is length -1."""
    return int16(-1) if text is None else int16(len(text.encode())) + text.encode()


def array(items):
    return int32(len(items)) + b"".join(items)


def sized(data):
    """Nullable bytes."""
    return int32(-1) if data is None else int32(len(data)) + data


def varint(value):
    """Zigzag varint, as records use it."""
    return unsigned_varint((value << 1) ^ (value >> 63) if value < 0 else value << 1)


def unsigned_varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


class Reader:
    """Reads an answer from front to back."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise ValueError(f"the answer ends at {len(self.data)}, {count} bytes wanted at {self.at}")
        piece = self.data[self.at:self.at + count]
        self.at += count
        return piece

    def _number(self, layout, size):
        return struct.unpack(layout, self.take(size))[0]

    def int8(self):
        return self._number(">b", 1)

    def int16(self):
        return self._number(">h", 2)

    def int32(self):
        return self._number(">i", 4)

    def int64(self):
        return self._number(">q", 8)

    def string(self):
        length = self.int16()
        return None if length < 0 else self.take(length).decode()

    def sized(self):
        length = self.int32()
        return None if length < 0 else self.take(length)

    def array(self, item):
        return [item() for _ in range(max(self.int32(), 0))]

    def error(self):
        code = self.int16()
        return ERRORS.get(code, str(code))


# ---- records

def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_CRC_TABLE = _crc_table()


def crc32c(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value = _CRC_TABLE[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def record(value=b"value", key=b"key", offset_delta=0, timestamp_delta=0, headers=(), *, attributes=0, key_length=None,
           value_length=None, header_count=None, length=None):
    """One record; the lengths are the true ones unless given."""
    def counted(data, claimed):
        true = -1 if data is None else len(data)
        return varint(true if claimed is None else claimed) + (data or b"")

    body = int8(attributes) + varint(timestamp_delta) + varint(offset_delta)
    body += counted(key, key_length) + counted(value, value_length)
    body += varint(len(headers) if header_count is None else header_count)
    for name, content in headers:
        body += counted(name, None) + counted(content, None)
    return varint(len(body) if length is None else length) + body


def now_ms() -> int:
    return int(time.time() * 1000)


def batch(records=None, *, base_offset=0, leader_epoch=-1, magic=2, attributes=0, last_offset_delta=None, base_timestamp=None,
          max_timestamp=None, producer_id=-1, producer_epoch=-1, base_sequence=-1, count=None, payload=None, crc=None,
          length=None, trailing=b""):
    """A record batch. `payload` stands for the records as they follow the header (compressed ones); all fields are the true
    ones unless given."""
    records = [record()] if records is None else records
    payload = b"".join(records) if payload is None else payload
    count = len(records) if count is None else count
    base_timestamp = now_ms() if base_timestamp is None else base_timestamp
    covered = int16(attributes) + int32(count - 1 if last_offset_delta is None else last_offset_delta)
    covered += int64(base_timestamp) + int64(base_timestamp if max_timestamp is None else max_timestamp)
    covered += int64(producer_id) + int16(producer_epoch) + int32(base_sequence) + int32(count) + payload + trailing
    checksum = struct.pack(">I", crc32c(covered) if crc is None else crc)
    rest = int32(leader_epoch) + int8(magic) + checksum + covered
    return int64(base_offset) + int32(len(rest) if length is None else length) + rest


def batch_headers(data: bytes) -> list[dict]:
    """The headers of the batches that a Fetch answer carries, the last one left out if it is cut."""
    found = []
    while len(data) >= 61 and len(data) >= 12 + struct.unpack(">i", data[8:12])[0]:
        reader = Reader(data)
        header = {"base_offset": reader.int64(), "length": reader.int32(), "leader_epoch": reader.int32(), "magic": reader.int8()}
        header |= {"crc": reader.int32() & 0xFFFFFFFF, "attributes": reader.int16(), "last_offset_delta": reader.int32()}
        header |= {"base_timestamp": reader.int64(), "max_timestamp": reader.int64(), "producer_id": reader.int64()}
        header |= {"producer_epoch": reader.int16(), "base_sequence": reader.int32(), "count": reader.int32()}
        size = 12 + header["length"]
        header["bytes"] = data[:size]
        found.append(header)
        data = data[size:]
    return found


# ---- the connection

def header(api_key: int, version: int, correlation: int, client="klamm-compat", flexible=False) -> bytes:
    return int16(api_key) + int16(version) + int32(correlation) + string(client) + (b"\0" if flexible else b"")


class Connection:
    """One connection; frames are sent as given and answers read whole."""

    def __init__(self, bootstrap: str, seconds=30.0):
        host, port = bootstrap.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.correlation = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, api_key: int, version: int, body: bytes, flexible=False) -> int:
        self.correlation += 1
        self.send_frame(header(api_key, version, self.correlation, flexible=flexible) + body)
        return self.correlation

    def send_frame(self, frame: bytes):
        self.socket.sendall(int32(len(frame)) + frame)

    def _read(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            try:
                chunk = self.socket.recv(min(count - len(data), 1 << 20))
            except ConnectionResetError as reset:
                raise Refused("connection reset") from reset
            if not chunk:
                raise Refused(f"connection closed after {len(data)} of {count} bytes")
            data += chunk
        return bytes(data)

    def receive(self) -> Reader:
        """The next answer, past its correlation id, which is kept as `answered`."""
        reader = Reader(self._read(struct.unpack(">i", self._read(4))[0]))
        reader.answered = reader.int32()
        return reader

    def call(self, api_key: int, version: int, body: bytes) -> Reader:
        asked = self.send(api_key, version, body)
        reader = self.receive()
        if reader.answered != asked:
            raise AssertionError(f"answer {reader.answered} to request {asked}")
        return reader

    def closed_by_peer(self, seconds=10.0) -> bool:
        """Whether the broker closes the connection without another byte."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    # ---- requests

    def api_versions(self) -> dict[int, tuple[int, int]]:
        reader = self.call(API_VERSIONS, 0, b"")
        error = reader.error()
        if error != "NONE":
            raise AssertionError(f"ApiVersions: {error}")
        return {key: (low, high) for key, low, high in
                reader.array(lambda: (reader.int16(), reader.int16(), reader.int16()))}

    def metadata(self, topics: list[str], create=False) -> dict:
        reader = self.call(METADATA, 4, array([string(topic) for topic in topics]) + int8(create))
        reader.int32()
        brokers = reader.array(lambda: (reader.int32(), reader.string(), reader.int32(), reader.string()))
        cluster, controller = reader.string(), reader.int32()
        found = {}
        for _ in range(reader.int32()):
            error, name, _internal = reader.error(), reader.string(), reader.int8()
            partitions = reader.array(lambda: (reader.error(), reader.int32(), reader.int32(),
                                               reader.array(reader.int32), reader.array(reader.int32)))
            found[name] = (error, len(partitions))
        return {"brokers": brokers, "cluster": cluster, "controller": controller, "topics": found}

    def create_topic(self, topic: str, partitions=1, configs: dict | None = None):
        entries = array([string(key) + string(str(value)) for key, value in (configs or {}).items()])
        wanted = string(topic) + int32(partitions) + int16(1) + array([]) + entries
        reader = self.call(CREATE_TOPICS, 4, array([wanted]) + int32(30_000) + int8(0))
        reader.int32()
        [(_, error, message)] = reader.array(lambda: (reader.string(), reader.error(), reader.string()))
        if error != "NONE":
            raise AssertionError(f"CreateTopics {topic}: {error} {message}")
        while any(self.offset_of(topic, partition)[0] != "NONE" for partition in range(partitions)):
            time.sleep(0.02)

    @staticmethod
    def produce_body(topic: str, data: bytes | None, partition=0, acks=-1, transactional_id=None) -> bytes:
        partitions = array([int32(partition) + sized(data)])
        return string(transactional_id) + int16(acks) + int32(10_000) + array([string(topic) + partitions])

    def produce(self, topic: str, data: bytes | None, partition=0, acks=-1, transactional_id=None, version=8) -> dict:
        return self.produced(self.call(PRODUCE, version, self.produce_body(topic, data, partition, acks, transactional_id)), version)

    @staticmethod
    def produced(reader: Reader, version=8) -> dict:
        def partition():
            index, error, base_offset, append_time = reader.int32(), reader.error(), reader.int64(), reader.int64()
            answer = {"partition": index, "error": error, "base_offset": base_offset, "append_time": append_time}
            if version >= 5:
                answer["log_start_offset"] = reader.int64()
            if version >= 8:
                answer["record_errors"] = reader.array(lambda: (reader.int32(), reader.string()))
                answer["message"] = reader.string()
            return answer

        [(_, [answer])] = reader.array(lambda: (reader.string(), reader.array(partition)))
        return answer

    @staticmethod
    def fetch_body(topic: str, offset: int, partition=0, wait_ms=500, min_bytes=1, max_bytes=50 << 20) -> bytes:
        partitions = array([int32(partition) + int32(-1) + int64(offset) + int64(-1) + int32(max_bytes)])
        head = int32(-1) + int32(wait_ms) + int32(min_bytes) + int32(max_bytes) + int8(0) + int32(0) + int32(-1)
        return head + array([string(topic) + partitions]) + array([]) + string("")

    @staticmethod
    def fetched(reader: Reader) -> dict:
        reader.int32()
        error, _session = reader.error(), reader.int32()
        if error != "NONE":
            return {"error": error, "records": b""}

        def partition():
            reader.int32()
            error, high_watermark, _stable, start = reader.error(), reader.int64(), reader.int64(), reader.int64()
            reader.array(lambda: (reader.int64(), reader.int64()))
            reader.int32()
            return {"error": error, "high_watermark": high_watermark, "log_start_offset": start, "records": reader.sized() or b""}

        answers = reader.array(lambda: (reader.string(), reader.array(partition)))
        return answers[0][1][0] if answers else {"error": "NONE", "records": b""}

    def fetch(self, topic: str, offset=0, **keywords) -> dict:
        return self.fetched(self.call(FETCH, 11, self.fetch_body(topic, offset, **keywords)))

    def offset_of(self, topic: str, partition=0, timestamp=-1) -> tuple[str, int]:
        """ListOffsets: the error and the offset; of the end, unless a timestamp is given."""
        wanted = array([string(topic) + array([int32(partition) + int32(-1) + int64(timestamp)])])
        reader = self.call(LIST_OFFSETS, 5, int32(-1) + int8(0) + wanted)
        reader.int32()
        [(_, [(_, error, _, offset, _)])] = reader.array(lambda: (reader.string(), reader.array(
            lambda: (reader.int32(), reader.error(), reader.int64(), reader.int64(), reader.int32()))))
        return error, offset

    def end_offset(self, topic: str, partition=0) -> int:
        """The end of a partition, once it has a leader."""
        deadline = time.monotonic() + 15
        while True:
            error, offset = self.offset_of(topic, partition)
            if error == "NONE":
                return offset
            if error not in ("NOT_LEADER_OR_FOLLOWER", "LEADER_NOT_AVAILABLE") or time.monotonic() > deadline:
                raise AssertionError(f"ListOffsets {topic}-{partition}: {error}")
            time.sleep(0.02)

    def producer_id(self) -> tuple[int, int]:
        """A producer id and its epoch; a broker that is still fetching a block of ids is asked again."""
        while True:
            reader = self.call(INIT_PRODUCER_ID, 1, string(None) + int32(60_000))
            reader.int32()
            error, producer_id, epoch = reader.error(), reader.int64(), reader.int16()
            if error == "NONE":
                return producer_id, epoch
            if error != "COORDINATOR_LOAD_IN_PROGRESS":
                raise AssertionError(f"InitProducerId: {error}")
            time.sleep(0.02)
