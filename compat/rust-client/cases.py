"""rskafka, by a small program of ours. It speaks old versions, and has no groups."""

import json
import re
from pathlib import Path

from harness import environment
from harness.case import case, unique
from harness.members import Program
from harness.record_cases import create, declare, send
from harness.wire import Connection

FOLDER = Path(__file__).parent


def version() -> str:
    environment.rust_program(FOLDER)
    return "rskafka " + re.search(r'rskafka = "=(\S+)"', (FOLDER / "Cargo.toml").read_text())[1]


client = Program([str(environment.rust_program(FOLDER))])
declare(client, null_headers=False)


def do(broker, *told):
    """What the program answers to each, one after the other."""
    said, _ = client.start("topics", {"bootstrap": broker.bootstrap}).communicate("".join(f"{json.dumps(each)}\n" for each in told), timeout=40)
    return [json.loads(line)["answer"] for line in said.splitlines()]


@case
def topics_are_created_listed_and_deleted(broker):
    topic = unique("rust-topic")
    create_it = {"do": "create", "topic": topic, "partitions": 3}
    done, again, listed = do(broker, create_it, create_it, {"do": "list"})
    assert (done, again, listed[topic]) == ("done", "TopicAlreadyExists", 3)
    delete_it = {"do": "delete", "topic": topic}
    done, again, listed = do(broker, delete_it, delete_it, {"do": "list"})
    assert (done, again) == ("done", "UnknownTopicOrPartition") and topic not in listed


@case(needs="DeleteRecords")
def records_are_deleted(broker):
    topic = create(broker, "rust-trimmed")
    send(client, broker, [{"topic": topic, "value": str(number)} for number in range(10)])
    assert do(broker, {"do": "delete records", "topic": topic, "before": 6}) == ["done"]
    with Connection(broker.bootstrap) as connection:
        assert connection.offset_of(topic, 0, -2) == ("NONE", 6)
    assert do(broker, {"do": "delete records", "topic": topic, "before": 11}) == ["OffsetOutOfRange"]
