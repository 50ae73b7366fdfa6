#!/usr/bin/env python3
"""Puts the requests of script.py to a broker and prints them with its answers, as answers.json keeps them.

    build/venv/bin/python tests/golden/answers/record.py HOST:PORT > tests/golden/answers/answers.json

The broker is to be a fresh Apache Kafka of one node whose id is 1, everything else as by default. Of kafka-python only the message schemas
are used, which are Apache Kafka's own.
"""

import json
import socket
import struct
import sys
import time
from pathlib import Path

from kafka.protocol.schemas import load_json

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import script  # noqa: E402

COORDINATOR_LOAD_IN_PROGRESS = 14


# ---- layouts: what stands where in a message of one version

def matches(versions: str | None, version: int) -> bool:
    if versions in (None, "none"):
        return False
    first, _, last = versions.partition("-")
    if versions.endswith("+"):
        return version >= int(versions[:-1])
    return int(first) <= version <= int(last or first)


def layout(fields: list, version: int, flexible: bool, common: dict) -> list:
    """Per field a name, a type, and what goes with it; a trailing list of tagged fields if the version has such."""
    plain, tagged = [], []
    for field in fields:
        if not matches(field["versions"], version):
            continue
        entry = {"name": field["name"][0].lower() + field["name"][1:], "type": field["type"].removeprefix("[]")}
        if matches(field.get("nullableVersions"), version):
            entry["nullable"] = True
        if field["type"].startswith("[]"):
            entry["array"] = True
        inner = field.get("fields") or common.get(entry["type"])
        if inner is not None:
            entry["type"] = "struct"
            entry["fields"] = layout(inner, version, flexible, common)
        if "default" in field:
            entry["default"] = field["default"]
        if matches(field.get("taggedVersions"), version):
            tagged.append(entry | {"tag": field["tag"]})
        else:
            plain.append(entry)
    if flexible:
        plain.append({"tags": tagged})
    return plain


def compact(fields: list) -> list:
    """As answers.json keeps it: [name, type] or [name, type, fields]; [] before the type for an array, ? behind it for nullable. Last comes
    ["#", tagged fields by tag] if the version is a flexible one."""
    out = []
    for entry in fields:
        if "tags" in entry:
            out.append(["#", {str(tagged["tag"]): compact([tagged])[0] for tagged in entry["tags"]}])
            continue
        kind = "[]" * entry.get("array", False) + entry["type"] + "?" * entry.get("nullable", False)
        out.append([entry["name"], kind] + ([compact(entry["fields"])] if "fields" in entry else []))
    return out


class Schema:
    def __init__(self, api: str, direction: str):
        self.json = load_json(api + direction)
        self.common = {struct["name"]: struct["fields"] for struct in self.json.get("commonStructs", [])}

    def is_flexible(self, version: int) -> bool:
        return matches(self.json["flexibleVersions"], version)

    def layout(self, version: int) -> list:
        return layout(self.json["fields"], version, self.is_flexible(version), self.common)


# ---- values to bytes

NUMBERS = {"int8": ">b", "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q", "float64": ">d", "bool": ">?"}


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def length(count: int | None, flexible: bool, plain: str) -> bytes:
    if flexible:
        return varint(0 if count is None else count + 1)
    return struct.pack(plain, -1 if count is None else count)


def encode_value(entry: dict, value, flexible: bool) -> bytes:
    kind = entry["type"]
    if kind in NUMBERS:
        return struct.pack(NUMBERS[kind], value)
    if kind == "uuid":
        return value
    if kind == "struct":
        return encode(entry["fields"], value, flexible)
    raw = value.encode() if isinstance(value, str) else value
    return length(None if raw is None else len(raw), flexible, ">h" if kind == "string" else ">i") + (raw or b"")


def default(entry: dict):
    if entry.get("array"):
        return []
    given = entry.get("default")
    if given == "null":
        return None
    if entry["type"] == "bool":
        return given in (True, "true")
    if entry["type"] in NUMBERS:
        return int(given, 0) if isinstance(given, str) else given or 0
    return {"uuid": bytes(16), "struct": {}, "string": given or ""}.get(entry["type"], b"")


def encode(fields: list, values: dict, flexible: bool) -> bytes:
    unknown = set(values) - {entry.get("name") for entry in fields}
    assert not unknown, f"no such fields in this version: {unknown}"
    out = b""
    for entry in fields:
        if "tags" in entry:
            out += varint(0)
            continue
        value = values.get(entry["name"], default(entry))
        if entry.get("array"):
            out += length(None if value is None else len(value), flexible, ">i")
            out += b"".join(encode_value(entry, one, flexible) for one in value or [])
        else:
            out += encode_value(entry, value, flexible)
    return out


# ---- bytes to values

class Reader:
    def __init__(self, raw: bytes, flexible: bool):
        self.raw, self.flexible = raw, flexible

    def take(self, count: int) -> bytes:
        assert count <= len(self.raw), "the answer ends too soon"
        taken, self.raw = self.raw[:count], self.raw[count:]
        return taken

    def number(self, form: str):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def length(self, plain: str) -> int:
        return self.varint() - 1 if self.flexible else self.number(plain)

    def value(self, entry: dict):
        kind = entry["type"]
        if kind in NUMBERS:
            return self.number(NUMBERS[kind])
        if kind == "uuid":
            return self.take(16)
        if kind == "struct":
            return self.fields(entry["fields"])
        size = self.length(">h" if kind == "string" else ">i")
        if size < 0:
            return None
        return self.take(size).decode() if kind == "string" else self.take(size).hex()

    def field(self, entry: dict):
        if not entry.get("array"):
            return self.value(entry)
        count = self.length(">i")
        return None if count < 0 else [self.value(entry) for _ in range(count)]

    def fields(self, fields: list) -> dict:
        values = {}
        for entry in fields:
            if "tags" not in entry:
                values[entry["name"]] = self.field(entry)
                continue
            for _ in range(self.varint()):
                tag, size = self.varint(), self.varint()
                inner = Reader(self.take(size), self.flexible)
                known = [tagged for tagged in entry["tags"] if tagged["tag"] == tag]
                values[known[0]["name"] if known else f"tag {tag}"] = inner.field(known[0]) if known else inner.raw.hex()
        return values


# ---- the conversation

class Broker:
    def __init__(self, address: str):
        host, _, port = address.rpartition(":")
        self.address, self.socket = (host, int(port)), None

    def ask(self, frame: bytes) -> bytes | None:
        """The answer; None if the connection is closed instead."""
        if self.socket is None:
            self.socket = socket.create_connection(self.address, timeout=30)
        self.socket.sendall(struct.pack(">i", len(frame)) + frame)
        try:
            return self.read(struct.unpack(">i", self.read(4))[0])
        except EOFError:
            self.socket.close()
            self.socket = None
            return None

    def read(self, count: int) -> bytes:
        out = b""
        while len(out) < count:
            chunk = self.socket.recv(count - len(out))
            if not chunk:
                raise EOFError
            out += chunk
        return out


class Recorder:
    def __init__(self, address: str):
        self.broker, self.layouts, self.steps = Broker(address), {}, []
        self.known = {}  # what the broker made up, by its stand-in

    def frame(self, step: script.Step, correlation: int) -> bytes:
        schema = Schema(step.api, "Request")
        version = min(step.version, int(schema.json["validVersions"].split("-")[1]))
        body = step.body if isinstance(step.body, bytes) else encode(schema.layout(version), step.body, schema.is_flexible(version))
        key = schema.json["apiKey"]
        header = struct.pack(">hhi", key, step.version, correlation) + struct.pack(">h", 6) + b"golden"
        return header + (b"\0" if schema.is_flexible(version) else b"") + body

    def answer(self, step: script.Step, raw: bytes, correlation: int):
        schema = Schema(step.api, "Response")
        version = step.version
        if step.api == "ApiVersions" and raw[4:6] == b"\0\x23":
            version = 0  # UNSUPPORTED_VERSION comes in the oldest one
        flexible = schema.is_flexible(version)
        fields = schema.layout(version)
        self.layouts[f"{step.api} {version}"] = compact(fields)
        reader = Reader(raw, flexible)
        assert reader.number(">i") == correlation
        if flexible and step.api != "ApiVersions":
            assert reader.varint() == 0
        values = reader.fields(fields)
        assert not reader.raw, "bytes behind the answer"
        return version, values

    def learn(self, values) -> None:
        """Ids of topics by their names, and the newest fetch session."""
        if isinstance(values, dict):
            if values.get("topicId", bytes(16)) != bytes(16) and values.get("name"):
                self.known[script.topic_id(values["name"])] = values["topicId"]
            if values.get("sessionId"):
                self.known[script.SESSION] = struct.pack(">i", values["sessionId"])
        for value in values.values() if isinstance(values, dict) else values if isinstance(values, list) else []:
            self.learn(value)

    def ask(self, step: script.Step) -> None:
        frame = self.frame(step, len(self.steps))
        sent = frame
        for stand_in, real in self.known.items():
            sent = sent.replace(stand_in, real)
        raw = self.broker.ask(sent)
        version, values = (None, "closed") if raw is None else self.answer(step, raw, len(self.steps))
        while values != "closed" and values.get("errorCode") == COORDINATOR_LOAD_IN_PROGRESS:
            time.sleep(0.05)
            version, values = self.answer(step, self.broker.ask(sent), len(self.steps))
        if values != "closed":
            self.learn(values)
        request = step.body.hex() if isinstance(step.body, bytes) else self.shown(step.body)
        answer = values if values == "closed" else {f"{step.api} {version}": self.shown(values)}
        self.steps.append({"about": step.about, "api": f"{step.api} {step.version}", "request": request, "bytes": frame.hex(),
                           "answer": answer})

    def shown(self, value, name=""):
        """As it is printed: ids by their stand-ins, what differs from run to run as a star."""
        if isinstance(value, dict):
            return {name: self.shown(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.shown(one, name) for one in value]
        if isinstance(value, bytes) and len(value) == 16:
            stand_ins = {real: stand_in for stand_in, real in self.known.items()}
            return stand_ins.get(value, value).decode(errors="replace").rstrip("\0.")
        if isinstance(value, bytes):
            return value.hex()
        if name in script.VARIES and value not in (None, 0, -1):
            return "*"
        return value


def text(value, indent: int = 0, room: int = 140) -> str:
    """JSON of which what fits stands on one line."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent <= room or not isinstance(value, dict | list) or not value:
        return line
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        inner = [f"{pad}{json.dumps(key)}: {text(one, indent + 1, room)}" for key, one in value.items()]
        return "{\n" + ",\n".join(inner) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(pad + text(one, indent + 1, room) for one in value) + "\n" + " " * indent + "]"


def main() -> None:
    recorder = Recorder(sys.argv[1])
    for step in script.STEPS:
        recorder.ask(step)
    layouts = ",\n".join(f"  {json.dumps(name)}: {json.dumps(fields)}" for name, fields in sorted(recorder.layouts.items()))
    steps = ",\n".join("  " + text(step, 2) for step in recorder.steps)
    print(f'{{\n "layouts": {{\n{layouts}\n }},\n "steps": [\n{steps}\n ]\n}}')


main()
