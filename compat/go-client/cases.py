"""franz-go, by a small program of ours: producing. Its groups are in `group_cases.py`."""

import re
from pathlib import Path

from harness import environment
from harness.case import case, unique
from harness.members import Program
from harness.wire import Connection, batch_headers

FOLDER = Path(__file__).parent


def version() -> str:
    environment.go_program(FOLDER)
    return "franz-go " + re.search(r"twmb/franz-go v(\S+)", (FOLDER / "go.mod").read_text())[1]


def program() -> Program:
    return Program([str(environment.go_program(FOLDER))])


@case
def producer_with_default_settings_is_idempotent_and_compresses(broker):
    topic = unique("go-produced")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic, 3)
        assert program().produce(broker, topic, range(300), 3) == [number // 3 for number in range(300)]
        for partition in range(3):
            stored = batch_headers(connection.fetch(topic, partition=partition)["records"])
            assert sum(each["count"] for each in stored) == 100
            assert {each["attributes"] & 7 for each in stored} == {2}, "snappy"
            assert min(each["producer_id"] for each in stored) >= 0
