"""kcat: produce, consume, list, query; librdkafka as Debian builds it, two years older than confluent-kafka's."""

import json
import re
import subprocess

from harness import environment
from harness.case import case, eventually, unique
from harness.wire import Connection

PINNED = "1.7.1"  # Debian 12's


def version() -> str:
    said = subprocess.run([environment.debian("kcat", "kcat"), "-V"], capture_output=True, text=True, check=True).stdout
    found = next(line.split()[1] for line in said.splitlines() if line.startswith("Version"))
    if found != PINNED:
        raise environment.Missing(f"kcat {PINNED} (found {found})")
    return f"{found} (librdkafka {said.split('librdkafka ')[1].split()[0]})"


def kcat(broker, *arguments, stdin="", seconds=30, succeeds=True) -> str:
    done = subprocess.run(["kcat", "-b", broker.bootstrap, *arguments], input=stdin, capture_output=True, text=True, timeout=seconds)
    assert (done.returncode == 0) == succeeds, f"exit {done.returncode}: {done.stderr}"
    return done.stdout if succeeds else done.stderr


def produced(broker, name, lines, *arguments) -> str:
    topic = unique(name)
    kcat(broker, "-P", "-t", topic, *arguments, stdin="".join(f"{line}\n" for line in lines))
    return topic


def consumed(broker, topic, *arguments) -> list[str]:
    return kcat(broker, "-C", "-t", topic, "-e", "-q", *arguments).splitlines()


@case(seconds=180)
def readme_commands_without_configuration(fresh):
    fresh.alone().start()
    readme = (environment.ROOT / "README.md").read_text()
    commands = [line.strip() for line in readme.splitlines() if re.search(r"^    .*kcat -b", line)]
    assert len(commands) == 2, commands
    said = [subprocess.run(command, shell=True, check=True, capture_output=True, text=True, timeout=30).stdout for command in commands]
    assert said == ["", "hello world\n"], said


@case
def produce_and_consume(broker):
    lines = [f"line {number}" for number in range(1000)]
    topic = produced(broker, "lines", lines)
    assert consumed(broker, topic, "-o", "beginning") == lines


def codec_case(codec):
    def round_trip(broker):
        lines = [f"{number} {'compressible ' * 20}" for number in range(500)]
        topic = produced(broker, f"codec-{codec}", lines, "-z", codec)
        assert consumed(broker, topic, "-o", "beginning") == lines

    return round_trip


for each in ["gzip", "snappy", "lz4", "zstd"]:
    case(codec_case(each), name=f"codec_{each}_round_trip")


@case
def keys_headers_and_format(broker):
    topic = produced(broker, "keyed", ["key:value", "other:second"], "-K", ":", "-H", "name=content", "-p", "0")
    assert consumed(broker, topic, "-f", "%k=%s %h %o %p\\n") == ["key=value name=content 0 0", "other=second name=content 1 0"]


@case
def null_values(broker):
    topic = produced(broker, "nulls", ["gone:"], "-K", ":", "-Z")
    assert consumed(broker, topic, "-Z", "-f", "%k %S %s\\n") == ["gone -1 NULL"]


@case
def offsets_from_start_and_end(broker):
    topic = produced(broker, "offsets", [str(number) for number in range(10)], "-p", "0")
    assert consumed(broker, topic, "-p", "0", "-o", "6") == ["6", "7", "8", "9"]
    assert consumed(broker, topic, "-p", "0", "-o", "-2") == ["8", "9"]
    assert consumed(broker, topic, "-p", "0", "-o", "beginning", "-c", "3") == ["0", "1", "2"]


@case
def query_offsets_by_timestamp(broker):
    topic = produced(broker, "query", [str(number) for number in range(10)], "-p", "0")
    assert kcat(broker, "-Q", "-t", f"{topic}:0:-1").strip() == f"{topic} [0] offset 10"
    assert kcat(broker, "-Q", "-t", f"{topic}:0:-2").strip() == f"{topic} [0] offset 0"
    assert kcat(broker, "-Q", "-t", f"{topic}:0:1").strip() == f"{topic} [0] offset 0"


@case
def list_as_text_and_json(broker):
    topic = produced(broker, "listed", ["x"])
    assert f'topic "{topic}" with 1 partitions' in kcat(broker, "-L")
    listed = json.loads(kcat(broker, "-L", "-J", "-t", topic))
    assert [each["name"] for each in listed["brokers"]] == [broker.bootstrap]
    assert listed["topics"][0]["partitions"][0]["leader"] == listed["brokers"][0]["id"]


@case
def unknown_topic_is_listed_with_its_error(broker):
    topic = unique("nowhere")
    listed = json.loads(kcat(broker, "-L", "-J", "-t", topic, "-X", "allow.auto.create.topics=false"))
    assert "Unknown topic" in listed["topics"][0]["error"], listed


@case
def unknown_partition_is_an_error(broker):
    topic = produced(broker, "one-partition", ["x"])
    said = kcat(broker, "-C", "-t", topic, "-p", "7", "-e", succeeds=False)
    assert "partition 7 does not exist" in said, said


@case
def several_partitions(broker):
    topic = unique("partitions")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic, 3)
    for partition in range(3):
        kcat(broker, "-P", "-t", topic, "-p", str(partition), stdin=f"for {partition}\n")
    assert sorted(consumed(broker, topic, "-o", "beginning", "-f", "%p %s\\n")) == [f"{each} for {each}" for each in range(3)]


@case
def idempotent_producer_acks_all(broker):
    lines = [str(number) for number in range(2000)]
    topic = produced(broker, "idempotent", lines, "-X", "enable.idempotence=true", "-X", "batch.num.messages=10")
    assert consumed(broker, topic, "-o", "beginning") == lines


@case
def acks_0(broker):
    lines = [str(number) for number in range(500)]
    topic = produced(broker, "acks-0", ["first"])
    kcat(broker, "-P", "-t", topic, "-X", "acks=0", stdin="".join(f"{line}\n" for line in lines))
    with Connection(broker.bootstrap) as connection:
        eventually(lambda: connection.end_offset(topic) == 501)
    assert consumed(broker, topic, "-o", "beginning") == ["first", *lines]


@case
def message_too_large_is_told(broker):
    topic = produced(broker, "large", ["x"])
    said = kcat(broker, "-P", "-t", topic, "-X", "message.max.bytes=4000000", stdin="y" * 2_000_000, succeeds=False)
    assert "Message size too large" in said, said
