"""kafkajs, by a small program of ours: producing. Its groups are in `group_cases.py`."""

import json
import os
from pathlib import Path

from harness import environment
from harness.case import case, unique
from harness.members import Program
from harness.wire import Connection, batch_headers

FOLDER = Path(__file__).parent


def version() -> str:
    environment.node_modules(FOLDER)
    return json.loads((FOLDER / "package.json").read_text())["dependencies"]["kafkajs"]


def program() -> Program:
    modules = environment.node_modules(FOLDER)
    return Program(["node", str(FOLDER / "client.js")],
                   os.environ | {"NODE_PATH": str(modules), "KAFKAJS_NO_PARTITIONER_WARNING": "1"})


@case
def producer_with_default_settings(broker):
    topic = unique("js-produced")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic, 3)
        assert program().produce(broker, topic, range(300), 3) == [number // 3 for number in range(300)]
        for partition in range(3):
            stored = batch_headers(connection.fetch(topic, partition=partition)["records"])
            assert [each["count"] for each in stored] == [100]
