"""The Java clients by a program of ours: producer and consumer without a group. Groups are in `group_cases.py`, the AdminClient in
`admin_cases.py`."""

import json

from harness import environment, machine
from harness.case import case
from harness.record_cases import create, declare, read, send, values
from harness.wire import Connection, batch_headers

client = machine.JavaProgram()
declare(client)


def version() -> str:
    machine.start()
    return environment.KAFKA_VERSION


@case
def acks_0_1_and_all(broker):
    topic = create(broker, "java-acks")
    expected = []
    for acks in ("0", "1", "all"):
        sent = [f"{acks}-{number}" for number in range(100)]
        offsets = send(client, broker, [{"topic": topic, "partition": 0, "value": value} for value in sent],
                       client={"acks": acks, "enable.idempotence": acks == "all"})
        assert offsets == ([-1] * 100 if acks == "0" else list(range(len(expected), len(expected) + 100)))
        expected += sent
    assert values(read(client, broker, topic, 300)) == expected


@case
def idempotent_producer_with_five_batches_in_flight(broker):
    topic = create(broker, "java-idempotent", 3)
    messages = [{"topic": topic, "partition": number % 3, "value": str(number)} for number in range(3000)]
    offsets = send(client, broker, messages, client={"linger.ms": 0, "batch.size": 100, "max.in.flight.requests.per.connection": 5})
    assert offsets == [number // 3 for number in range(3000)]
    with Connection(broker.bootstrap) as connection:
        for partition in range(3):
            assert values(read(client, broker, topic, 1000, partition=partition)) == [str(each) for each in range(partition, 3000, 3)]
            stored = batch_headers(connection.fetch(topic, partition=partition)["records"])
            [(producer, epoch)] = {(each["producer_id"], each["producer_epoch"]) for each in stored}
            assert producer >= 0 and epoch == 0 and len(stored) > 100
            sequences = [each["base_sequence"] for each in stored]
            assert sequences == [each["base_offset"] for each in stored], "in order"


@case
def records_larger_than_the_fetch_limits_are_still_read(broker):
    topic = create(broker, "java-larger-than-fetch")
    sent = [str(number) * 200_000 for number in range(5)]
    for value in sent:
        send(client, broker, [{"topic": topic, "partition": 0, "value": value}])
    process = client.start("consume", {"bootstrap": broker.bootstrap, "topic": topic, "from": "start", "count": 5, "client": {
        "max.partition.fetch.bytes": 1000, "fetch.max.bytes": 1000}})
    said, _ = process.communicate()
    assert [json.loads(line)["record"]["value"] for line in said.splitlines()[1:]] == sent


@case
def a_record_without_a_partition_goes_where_its_key_says(broker):
    topic = create(broker, "java-keyed", 4)
    send(client, broker, [{"topic": topic, "key": f"key {number % 10}", "value": str(number)} for number in range(200)])
    with Connection(broker.bootstrap) as connection:
        ends = [connection.end_offset(topic, partition) for partition in range(4)]
    found = [{each["key"] for each in read(client, broker, topic, end, partition=partition)} for partition, end in enumerate(ends) if end]
    assert sum(ends) == 200 and sum(len(keys) for keys in found) == 10, "each key in one partition"
