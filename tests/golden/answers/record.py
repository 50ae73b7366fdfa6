#!/usr/bin/env python3
"""Puts the scripts to Apache Kafka and keeps its answers, as README.md beside this file says.

    tests/golden/answers/record.py [RECORDING...]    all of them if none is named

Each recording is made on a fresh broker, whose features are lowered to what Klamm finalises, and once more on another fresh one: fields
that are not the same twice are marked in it.
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(ROOT / "compat")]

import scripts  # noqa: E402
from harness import environment  # noqa: E402
from harness.brokers import ApacheKafka  # noqa: E402

RELEASE = "4.3-IV0"
LOWERED = ["group.version", "transaction.version", "share.version", "streams.version"]
KEPT = {"apiKey", "validVersions", "flexibleVersions", "fields", "commonStructs", "name", "type", "versions", "nullableVersions",
        "taggedVersions", "tag", "default"}


def kept(schema, name=None):
    """Of a schema what says how bytes are read; field names begin small."""
    if isinstance(schema, list):
        return [kept(one, name) for one in schema]
    if not isinstance(schema, dict):
        return schema
    small = {key: kept(value, key) for key, value in schema.items() if key in KEPT}
    if name == "fields":
        small["name"] = small["name"][0].lower() + small["name"][1:]
    return small


def schemas() -> dict:
    """By name of the message, from Kafka's jar."""
    found = {}
    with zipfile.ZipFile(next(environment.jars().glob("kafka-clients-4*.jar"))) as jar:
        for api in sorted(scripts.APIS):
            for message in (api + "Request", api + "Response"):
                lines = jar.read(f"common/message/{message}.json").decode().splitlines()
                schema = kept(json.loads("\n".join(line.split("//")[0] for line in lines)))
                schema.pop("name")
                found[message] = schema
    return found


# Records of scripts are old: Kafka's first look for what its retention does not keep comes half a minute after its start.
NOT_YET = {"log.initial.task.delay.ms": 3_600_000}


class Kafka(ApacheKafka):
    def format_options(self) -> list[str]:
        return ["--release-version", RELEASE, *(word for feature in LOWERED for word in ("--feature", f"{feature}=0"))]


def write(name: str, recording: dict, known: dict):
    """What is asked, without answers yet."""
    lines = [{name: recording[name] for name in ("about", "settings", "seed") if name in recording}]
    for chapter, steps in scripts.chapters(recording, known):
        lines += [{"chapter": chapter}, *steps]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    if "seed" in recording:
        (HERE / f"{name}.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    else:
        (HERE / f"{name}.jsonl").write_text(text)
    print(f"{name}: {len(lines) - 1} lines")


def ask(name: str, settings: dict):
    """Puts a recording to a fresh broker."""
    folder = Path(tempfile.mkdtemp(prefix="klamm-answers-"))
    broker = Kafka(folder, settings | NOT_YET).start()
    try:
        told = os.environ | {"ANSWERS_BROKER": broker.bootstrap, "ANSWERS_RECORDING": name}
        subprocess.run([os.environ.get("CARGO", "cargo"), "test", "--quiet", "--test", "it", "--", "--ignored", "--exact", "answers::record"],
                       cwd=ROOT, env=told, check=True)
    finally:
        broker.kill()
        shutil.rmtree(folder)


def main():
    known = schemas()
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(schema)}" for name, schema in known.items())
    (HERE / "schemas.json").write_text("{\n" + lines + "\n}\n")
    for name in sys.argv[1:] or scripts.RECORDINGS:
        recording = scripts.RECORDINGS[name]
        write(name, recording, known)
        for _ in range(2):
            ask(name, recording["settings"])


if __name__ == "__main__":
    main()
