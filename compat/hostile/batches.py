"""Batches that lie, and what becomes of each: reliability is judged by what a broker does with these.

`kafka` is what Apache Kafka 4.3.0 answered when it was asked. Where Klamm answers something else, `klamm` says what and `why`.
"""

import gzip
import zlib
from dataclasses import dataclass
from typing import Callable

import cramjam
import lz4.frame
import zstandard

from harness.wire import (CONTROL, DELETE_HORIZON, GZIP, LOG_APPEND_TIME, LZ4, SNAPPY, TRANSACTIONAL, ZSTD, batch, int8, int32, now_ms,
                          record, sized, varint)

HOUR = 3_600_000
MAX32, MAX64 = 2**31 - 1, 2**63 - 1
NO_CRASH = "Kafka fails inside and answers UNKNOWN_SERVER_ERROR; the client's batch is at fault and is told so"
NO_DISORDER = "Kafka stores it, and consumers then see offsets twice or out of order"
NO_TAIL = "Kafka drops bytes behind the batch without a word; a client that sends them counts wrongly"
NO_BITS = "Kafka stores bits that only brokers set, or that a later format may give a meaning"
NO_EPOCH = "Kafka stores it; a producer id has an epoch, and -1 is none"
UNAUTHORIZED = "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"
NO_BOMB = "Kafka unpacks without a bound"


@dataclass
class Crafted:
    name: str
    make: Callable[[], bytes]
    kafka: str
    klamm: str = ""
    why: str = ""
    stored: int = 1
    """Records in the log when it is accepted."""

    def expected(self, broker) -> str:
        return self.klamm if self.klamm and broker.name == "klamm" else self.kafka


def two(**first) -> list[bytes]:
    return [record(b"zero", **first), record(b"one", offset_delta=1)]


def packed(codec: int, payload: bytes, count=1, **fields) -> bytes:
    return batch(attributes=codec, payload=payload, count=count, **fields)


def zipped(data: bytes) -> bytes:
    return gzip.compress(data)


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def raw_snappy(data: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(data))


def xerial(block: bytes) -> bytes:
    """Snappy as the Java client frames it, with this one block, length included."""
    return b"\x82SNAPPY\0" + int32(1) + int32(1) + block


def lz4_frame(data: bytes, **settings) -> bytes:
    return lz4.frame.compress(data, **{"block_linked": False} | settings)


def flipped(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1:]


def bomb(codec: int, size: int) -> bytes:
    """One record whose value is `size` zero bytes, a whole number of MiB; packed piece by piece."""
    pack = {ZSTD: zstandard.ZstdCompressor().compressobj, GZIP: lambda: zlib.compressobj(9, wbits=31),
            LZ4: _Lz4Packer}[codec]()
    inside = int8(0) + varint(0) + varint(0) + varint(-1) + varint(size)
    pieces = [varint(len(inside) + size + 1) + inside] + [bytes(1 << 20)] * (size >> 20) + [varint(0)]
    return b"".join([pack.compress(piece) for piece in pieces] + [pack.flush()])


class _Lz4Packer(lz4.frame.LZ4FrameCompressor):
    """Begins its frame by itself, as the other packers do."""

    def compress(self, data):
        return (b"" if self.started() else self.begin()) + super().compress(data)


FRAME = [
    Crafted("wrong checksum", lambda: batch(crc=1), "CORRUPT_MESSAGE"),
    Crafted("length 0", lambda: batch(length=0), "CORRUPT_MESSAGE"),
    Crafted("length -1", lambda: batch(length=-1), "CORRUPT_MESSAGE"),
    Crafted("length 2^31-1", lambda: batch(length=MAX32), "UNKNOWN_SERVER_ERROR", "INVALID_RECORD", NO_CRASH),
    Crafted("length short of the header", lambda: batch(length=40), "CORRUPT_MESSAGE"),
    Crafted("length one byte short", lambda: batch(length=len(batch()) - 13), "CORRUPT_MESSAGE", "INVALID_RECORD", NO_TAIL),
    Crafted("length one byte over", lambda: batch(length=len(batch()) - 11), "INVALID_RECORD"),
    Crafted("cut in the header", lambda: batch()[:40], "INVALID_RECORD"),
    Crafted("cut before the length ends", lambda: batch()[:11], "INVALID_RECORD"),
    Crafted("no bytes at all", lambda: b"", "INVALID_RECORD"),
    Crafted("bytes after the records", lambda: batch(trailing=b"\0\0\0"), "INVALID_RECORD"),
    Crafted("bytes after the batch", lambda: batch() + b"\0\0\0", "NONE", "INVALID_RECORD", NO_TAIL),
    Crafted("two batches", lambda: batch() + batch(), "INVALID_RECORD"),
    Crafted("magic 0", lambda: batch(magic=0), "INVALID_RECORD"),
    Crafted("magic 1", lambda: batch(magic=1), "INVALID_RECORD"),
    Crafted("magic 3", lambda: batch(magic=3), "CORRUPT_MESSAGE"),
    Crafted("magic -1", lambda: batch(magic=-1), "CORRUPT_MESSAGE"),
    Crafted("larger than max.message.bytes", lambda: batch([record(bytes(1_048_588))]), "MESSAGE_TOO_LARGE"),
]

COUNTS = [
    Crafted("count 0 without records", lambda: batch([]), "INVALID_RECORD"),
    Crafted("count 0 with a record", lambda: batch(count=0, last_offset_delta=0), "INVALID_RECORD"),
    Crafted("count -1", lambda: batch(count=-1), "INVALID_RECORD"),
    Crafted("count 2^31-1", lambda: batch(count=MAX32), "INVALID_RECORD"),
    Crafted("count above the records", lambda: batch(count=2), "INVALID_RECORD"),
    Crafted("count below the records", lambda: batch(two(), count=1), "INVALID_RECORD"),
    Crafted("count below the records, delta right", lambda: batch(two(), count=1, last_offset_delta=1), "INVALID_RECORD"),
    Crafted("count above the packed records", lambda: packed(GZIP, zipped(record()), count=2), "INVALID_RECORD"),
    Crafted("count below the packed records", lambda: packed(GZIP, zipped(b"".join(two()))), "INVALID_RECORD"),
    Crafted("last offset delta 5 of 0", lambda: batch(last_offset_delta=5), "INVALID_RECORD"),
    Crafted("last offset delta -1", lambda: batch(last_offset_delta=-1), "INVALID_RECORD"),
    Crafted("last offset delta 2^31-1", lambda: batch(last_offset_delta=MAX32), "INVALID_RECORD"),
    Crafted("base offset 5", lambda: batch(base_offset=5), "INVALID_RECORD"),
    Crafted("base offset -1", lambda: batch(base_offset=-1), "INVALID_RECORD"),
    Crafted("base offset -2^63", lambda: batch(base_offset=-MAX64 - 1), "INVALID_RECORD"),
    Crafted("leader epoch 7", lambda: batch(leader_epoch=7), "NONE"),
    Crafted("offset delta -1", lambda: batch([record(offset_delta=-1)]), "NONE", "INVALID_RECORD", NO_DISORDER),
    Crafted("offset delta 1 first", lambda: batch([record(offset_delta=1)]), "NONE", "INVALID_RECORD", NO_DISORDER),
    Crafted("offset deltas swapped", lambda: batch(two()[::-1]), "NONE", "INVALID_RECORD", NO_DISORDER, stored=2),
    Crafted("offset deltas the same", lambda: batch([record(), record()]), "NONE", "INVALID_RECORD", NO_DISORDER, stored=2),
    Crafted("packed offset deltas swapped", lambda: packed(GZIP, zipped(b"".join(two()[::-1])), count=2), "UNKNOWN_SERVER_ERROR",
            "INVALID_RECORD", NO_CRASH),
]

RECORDS = [
    Crafted("record length over the batch", lambda: batch([record(length=len(record()))]), "INVALID_RECORD"),
    Crafted("record length 0", lambda: batch([record(length=0)]), "INVALID_RECORD"),
    Crafted("record length -1", lambda: batch([record(length=-1)]), "INVALID_RECORD"),
    Crafted("record length 2^31-1", lambda: batch([record(length=MAX32)]), "INVALID_RECORD"),
    Crafted("record length short", lambda: batch([record(length=5)]), "INVALID_RECORD"),
    Crafted("key length -2", lambda: batch([record(key_length=-2)]), "INVALID_RECORD"),
    Crafted("key length over the record", lambda: batch([record(key_length=1000)]), "INVALID_RECORD"),
    Crafted("value length -2", lambda: batch([record(value_length=-2)]), "INVALID_RECORD"),
    Crafted("value length 2^31-1", lambda: batch([record(value_length=MAX32)]), "INVALID_RECORD"),
    Crafted("value length short", lambda: batch([record(value_length=2)]), "INVALID_RECORD"),
    Crafted("header count -1", lambda: batch([record(header_count=-1)]), "INVALID_RECORD"),
    Crafted("header count 2^31-1", lambda: batch([record(header_count=MAX32)]), "INVALID_RECORD"),
    Crafted("header count 1 of 0", lambda: batch([record(header_count=1)]), "INVALID_RECORD"),
    Crafted("header without a key", lambda: batch([record(headers=[(None, b"x")])]), "INVALID_RECORD"),
    Crafted("header without a value", lambda: batch([record(headers=[(b"key", None)])]), "NONE"),
    Crafted("header key not UTF-8", lambda: batch([record(headers=[(b"\xff\xfe", b"x")])]), "NONE"),
    Crafted("unknown record attributes", lambda: batch([record(attributes=0x7F)]), "NONE"),
    Crafted("null key and null value", lambda: batch([record(None, None)]), "NONE"),
]

ATTRIBUTES = [
    Crafted(f"codec {codec}", lambda codec=codec: batch(attributes=codec), "UNKNOWN_SERVER_ERROR", "UNSUPPORTED_COMPRESSION_TYPE", NO_CRASH)
    for codec in (5, 6, 7)
] + [
    Crafted("unknown attribute bit 7", lambda: batch(attributes=0x80), "NONE", "INVALID_RECORD", NO_BITS),
    Crafted("unknown attribute bit 14", lambda: batch(attributes=0x4000), "NONE", "INVALID_RECORD", NO_BITS),
    Crafted("unknown attribute bit 15", lambda: batch(attributes=-0x8000), "NONE", "INVALID_RECORD", NO_BITS),
    Crafted("delete horizon set", lambda: batch(attributes=DELETE_HORIZON), "NONE", "INVALID_RECORD", NO_BITS),
    Crafted("LogAppendTime set by the client", lambda: batch(attributes=LOG_APPEND_TIME), "NONE"),
    Crafted("control batch", lambda: batch(attributes=CONTROL), "INVALID_RECORD"),
    Crafted("control batch of a transaction", lambda: batch(attributes=CONTROL | TRANSACTIONAL), UNAUTHORIZED),
    Crafted("transaction without a producer id", lambda: batch(attributes=TRANSACTIONAL), UNAUTHORIZED),
    Crafted("transaction without a transactional id",
            lambda: batch(attributes=TRANSACTIONAL, producer_id=10**15, producer_epoch=0, base_sequence=0), UNAUTHORIZED),
]

PRODUCERS = [
    Crafted("producer id without a sequence", lambda: batch(producer_id=10**15, producer_epoch=0), "INVALID_RECORD"),
    Crafted("sequence -2^31", lambda: batch(producer_id=10**15, producer_epoch=0, base_sequence=-MAX32 - 1), "INVALID_RECORD"),
    Crafted("producer id nobody gave out", lambda: batch(producer_id=10**15, producer_epoch=0, base_sequence=0), "NONE"),
    Crafted("producer id nobody gave out, sequence 7", lambda: batch(producer_id=10**15, producer_epoch=0, base_sequence=7), "NONE"),
    Crafted("producer id -2", lambda: batch(producer_id=-2, producer_epoch=0, base_sequence=0), "NONE"),
    Crafted("producer epoch -1", lambda: batch(producer_id=10**15, producer_epoch=-1, base_sequence=0), "NONE", "INVALID_RECORD", NO_EPOCH),
    Crafted("sequence without a producer id", lambda: batch(base_sequence=3), "NONE"),
    Crafted("epoch without a producer id", lambda: batch(producer_epoch=3), "NONE"),
]

TIMESTAMPS = [
    Crafted("timestamp 0", lambda: batch(base_timestamp=0), "NONE"),
    Crafted("timestamp -1", lambda: batch(base_timestamp=-1), "NONE"),
    Crafted("timestamp -2^63", lambda: batch(base_timestamp=-MAX64 - 1), "INVALID_TIMESTAMP"),
    Crafted("timestamp 2^63-1", lambda: batch(base_timestamp=MAX64), "INVALID_TIMESTAMP"),
    Crafted("timestamp in two hours", lambda: batch(base_timestamp=now_ms() + 2 * HOUR), "INVALID_TIMESTAMP"),
    Crafted("timestamp in half an hour", lambda: batch(base_timestamp=now_ms() + HOUR // 2), "NONE"),
    Crafted("timestamp delta of two hours", lambda: batch([record(timestamp_delta=2 * HOUR)]), "INVALID_TIMESTAMP"),
    Crafted("timestamp delta -1000", lambda: batch([record(timestamp_delta=-1000)]), "NONE"),
    Crafted("timestamp delta overflows", lambda: batch([record(timestamp_delta=MAX64)]), "INVALID_TIMESTAMP"),
    Crafted("largest timestamp too low", lambda: batch(max_timestamp=5), "NONE"),
    Crafted("largest timestamp too high", lambda: batch(max_timestamp=2**62), "NONE"),
]

PACKED = [
    Crafted("gzip: junk", lambda: packed(GZIP, b"junk" * 4), "UNKNOWN_SERVER_ERROR", "INVALID_RECORD", NO_CRASH),
    Crafted("gzip: nothing", lambda: packed(GZIP, b""), "UNKNOWN_SERVER_ERROR", "INVALID_RECORD", NO_CRASH),
    Crafted("gzip: cut", lambda: packed(GZIP, zipped(record())[:-6]), "UNKNOWN_SERVER_ERROR", "INVALID_RECORD", NO_CRASH),
    Crafted("gzip: wrong checksum", lambda: packed(GZIP, flipped(zipped(record()), -8)), "UNKNOWN_SERVER_ERROR", "INVALID_RECORD", NO_CRASH),
    Crafted("gzip: two members", lambda: packed(GZIP, b"".join(map(zipped, two())), count=2), "NONE", stored=2),
    Crafted("gzip: bytes after the records", lambda: packed(GZIP, zipped(record() + b"\0\0")), "INVALID_RECORD"),
    Crafted("gzip: records not packed", lambda: batch(payload=zipped(record()), count=1), "INVALID_RECORD"),
    Crafted("snappy: bare", lambda: packed(SNAPPY, raw_snappy(record())), "NONE"),
    Crafted("snappy: xerial", lambda: packed(SNAPPY, xerial(sized(raw_snappy(record())))), "NONE"),
    Crafted("snappy: junk", lambda: packed(SNAPPY, b"junk" * 6), "UNKNOWN_SERVER_ERROR", "INVALID_RECORD", NO_CRASH),
    Crafted("snappy: bare block claims 2 GiB", lambda: packed(SNAPPY, b"\xff\xff\xff\xff\x07" + b"abc" * 6), "UNKNOWN_SERVER_ERROR",
            "INVALID_RECORD", NO_CRASH),
    Crafted("snappy: xerial block claims 2 GiB", lambda: packed(SNAPPY, xerial(sized(b"\xff\xff\xff\xff\x07abc"))), "UNKNOWN_SERVER_ERROR",
            "INVALID_RECORD", NO_CRASH),
    Crafted("snappy: xerial block of -5", lambda: packed(SNAPPY, xerial(int32(-5) + b"abc")), "UNKNOWN_SERVER_ERROR", "INVALID_RECORD",
            NO_CRASH),
    Crafted("snappy: xerial block of 2^31-1", lambda: packed(SNAPPY, xerial(int32(MAX32) + b"abc")), "UNKNOWN_SERVER_ERROR",
            "INVALID_RECORD", NO_CRASH),
    Crafted("lz4: linked blocks", lambda: packed(LZ4, lz4_frame(record(), block_linked=True)), "NONE"),
    Crafted("lz4: sizes and checksums", lambda: packed(LZ4, lz4_frame(record(), store_size=True, block_checksum=True,
                                                                      content_checksum=True)), "NONE"),
    Crafted("lz4: junk", lambda: packed(LZ4, b"junk" * 4), "UNKNOWN_SERVER_ERROR", "INVALID_RECORD", NO_CRASH),
    Crafted("lz4: wrong header checksum", lambda: packed(LZ4, flipped(lz4_frame(record()), 14)), "UNKNOWN_SERVER_ERROR", "INVALID_RECORD",
            NO_CRASH),
    Crafted("zstd: junk", lambda: packed(ZSTD, b"junk" * 4), "UNKNOWN_SERVER_ERROR", "INVALID_RECORD", NO_CRASH),
    Crafted("zstd: cut", lambda: packed(ZSTD, zstd(record())[:-4]), "UNKNOWN_SERVER_ERROR", "INVALID_RECORD", NO_CRASH),
    Crafted("zstd: 64 MiB that are no records", lambda: packed(ZSTD, zstd(bytes(64 << 20))), "INVALID_RECORD"),
]

BOMBS = [
    Crafted("zstd bomb of 1 GiB", lambda: packed(ZSTD, bomb(ZSTD, 1 << 30)), "NONE", "INVALID_RECORD", NO_BOMB),
    Crafted("gzip bomb of 512 MiB", lambda: packed(GZIP, bomb(GZIP, 512 << 20)), "NONE", "INVALID_RECORD", NO_BOMB),
    Crafted("lz4 bomb of 200 MiB", lambda: packed(LZ4, bomb(LZ4, 200 << 20)), "NONE", "INVALID_RECORD", NO_BOMB),
]

ALL = FRAME + COUNTS + RECORDS + ATTRIBUTES + PRODUCERS + TIMESTAMPS + PACKED
