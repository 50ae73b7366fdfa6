"""Apache Kafka's tools for groups. The groups that they look at are librdkafka's."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from cases import create, dump, files_of, tool
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from harness.case import case, eventually, unique
from harness.wire import Connection, batch, now_ms, record

group_case = partial(case, needs="JoinGroup", seconds=180)
NOTE = "a note\0"  # the Python client sends the end of the C string along
FORMATTERS = "org.apache.kafka.tools.consumer."


def groups_tool(broker, group, *arguments, **keywords) -> str:
    return tool(broker, "consumer.group.ConsumerGroupCommand", "--group", group, *arguments, **keywords)


def together(*calls) -> list:
    with ThreadPoolExecutor(2) as pool:
        return [each.result() for each in [pool.submit(call) for call in calls]]


def rows(said) -> list[list[str]]:
    """A table that a tool prints, without its titles."""
    lines = [line.split() for line in said.splitlines()]
    start = next(at for at, line in enumerate(lines) if line[:1] in (["GROUP"], ["TOPIC"])) + 1
    return sorted(line for line in lines[start:] if line)


def members(broker, group, topic, partitions=4) -> list[Consumer]:
    """Two members, client-a and client-b, that have half of the partitions each."""
    found = [Consumer({"bootstrap.servers": broker.bootstrap, "group.id": group, "client.id": f"client-{name}", "log_level": 5,
                       "heartbeat.interval.ms": 100, "session.timeout.ms": 10_000, "enable.auto.commit": False,
                       "group.instance.id": f"static-{name}"}) for name in "ab"]
    for each in found:
        each.subscribe([topic])
    eventually(lambda: [each.poll(0.02) for each in found] and [len(each.assignment()) for each in found] == [partitions // 2] * 2, pause=0)
    return found


def share(member) -> list[int]:
    return sorted(each.partition for each in member.assignment())


def commit(broker, group, topic, *offsets, metadata=""):
    """One offset for each partition, by nobody who is in the group."""
    client = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": group, "log_level": 5})
    wanted = [TopicPartition(topic, partition, offset, metadata) for partition, offset in enumerate(offsets)]

    def done() -> bool:
        try:
            return [each.error for each in client.commit(offsets=wanted, asynchronous=False)] == [None] * len(offsets)
        except KafkaException as refused:
            # A broker whose first group this is may name the coordinator before it is one.
            assert refused.args[0].code() in (KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS), refused
            return False

    eventually(done)
    client.close()


def committed(broker, group) -> dict[int, int]:
    client = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 5})
    [future] = client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).values()
    return {each.partition: each.offset for each in future.result(20).topic_partitions}


def filled(broker, name, partitions=4) -> str:
    """Three records in each partition: two of two hours ago, one of now."""
    topic = create(broker, name, partitions)
    with Connection(broker.bootstrap) as connection:
        for partition in range(partitions):
            for age in (7_200_000, 7_200_000, 0):
                sent = batch([record()], base_timestamp=now_ms() - age)
                assert connection.produce(topic, sent, partition=partition)["error"] == "NONE"
    return topic


# ---- console-consumer

@group_case
def console_consumer_resumes_with_default_settings(fresh):
    broker = fresh().start()
    topic = create(broker, "java-resumed")

    def consume(first) -> list[str]:
        with Connection(broker.bootstrap) as connection:
            for number in range(first, first + 10):
                connection.produce(topic, batch([record(str(number).encode())]))
        return tool(broker, "consumer.ConsoleConsumer", "--topic", topic, "--group", "g", "--from-beginning", "--max-messages", 10,
                    "--timeout-ms", 30_000).split()

    assert consume(0) == [str(number) for number in range(10)]
    assert consume(10) == [str(number) for number in range(10, 20)]
    assert committed(broker, "g") == {0: 20}


@group_case
def two_console_consumers_share_a_topic(broker):
    topic, group = create(broker, "java-shared", 2), unique("java-shared")
    commit(broker, unique("java-first"), topic, 0)  # librdkafka's AdminClient asks three times for a coordinator, then hangs

    def consume() -> list[str]:
        return tool(broker, "consumer.ConsoleConsumer", "--topic", topic, "--group", group, "--max-messages", 5, "--timeout-ms", 30_000,
                    "--command-property", "heartbeat.interval.ms=100", "--command-property", "auto.offset.reset=earliest",
                    "--formatter-property", "print.partition=true").splitlines()

    def send_when_both_are_in():
        admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 5})

        def shared() -> bool:
            [future] = admin.describe_consumer_groups([group]).values()
            if future.exception(20):
                return False  # there is no such group yet
            return [len(each.assignment.topic_partitions) for each in future.result().members] == [1, 1]

        eventually(shared, seconds=40)
        with Connection(broker.bootstrap) as connection:
            for number in range(10):
                connection.produce(topic, batch([record(str(number).encode())]), partition=number % 2)

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(consume) for _ in range(2)]
        send_when_both_are_in()
        found = sorted(each.result() for each in both)
    assert found == [[f"Partition:{partition}\t{number}" for number in range(partition, 10, 2)] for partition in (0, 1)]


@group_case
def console_consumer_formats_offsets_and_group_metadata(broker):
    topic, group = create(broker, "java-formatted", 4), unique("java-formatted")
    both = members(broker, group, topic)
    both[0].commit(offsets=[TopicPartition(topic, partition, 11 * partition, "a note") for partition in (1, 2)], asynchronous=False)

    def formatted(formatter) -> list[tuple[dict, dict]]:
        said = tool(broker, "consumer.ConsoleConsumer", "--topic", "__consumer_offsets", "--from-beginning", "--timeout-ms", 3000,
                    "--formatter", FORMATTERS + formatter)
        found = [(each["key"]["data"], each["value"]["data"]) for each in objects(said)]
        return [(key, value) for key, value in found if key["group"] == group]

    offsets, metadata = together(lambda: formatted("OffsetsMessageFormatter"), lambda: formatted("GroupMetadataMessageFormatter"))
    assert [(key["topic"], key["partition"], value["offset"], value["metadata"]) for key, value in offsets] == [
        (topic, 1, 11, NOTE), (topic, 2, 22, NOTE)], offsets
    check_group(metadata[-1][1], both)


def objects(said) -> list[dict]:
    """JSON objects one after the other, with or without anything between them."""
    found, at, decoder = [], 0, json.JSONDecoder()
    while (at := said.find("{", at)) >= 0:
        value, at = decoder.raw_decode(said, at)
        found.append(value)
    return found


def check_group(value, both):
    """The stored value of a group with these two members."""
    assert (value["protocolType"], value["protocol"]) == ("consumer", "range") and value["generation"] >= 1, value
    assert value["leader"] in [each["memberId"] for each in value["members"]], value
    told = sorted((each["clientId"], each["groupInstanceId"], each["clientHost"], each["sessionTimeout"]) for each in value["members"])
    assert told == [(f"client-{name}", f"static-{name}", "/127.0.0.1", 10_000) for name in "ab"], value
    assert all(each["memberId"].startswith(f"{each['groupInstanceId']}-") for each in value["members"]), value


# ---- consumer-groups and groups

@group_case
def consumer_groups_lists_and_describes_an_active_group(broker):
    topic, group = filled(broker, "java-active"), unique("java-active")
    both = members(broker, group, topic)
    both[0].commit(offsets=[TopicPartition(topic, share(both[0])[0], 1)], asynchronous=False)

    def describe(*arguments):
        return lambda: rows(groups_tool(broker, group, "--describe", *arguments))

    offsets, verbose, state, listed, all_groups = together(
        describe("--offsets"), describe("--members", "--verbose"), describe("--state"),
        lambda: rows(tool(broker, "consumer.group.ConsumerGroupCommand", "--list", "--state", "stable")),
        lambda: rows(tool(broker, "GroupsCommand", "--list")))
    ids = {client: member_id for _, member_id, _, _, client, *_ in verbose}
    for member, name in zip(both, "ab"):
        client, partitions = f"client-{name}", share(member)
        assert ids[client].startswith(f"static-{name}-"), ids
        assert [group, ids[client], f"static-{name}", "/127.0.0.1", client, "2", "-",
                f"{topic}:{partitions[0]},{partitions[1]}", "-", "-"] in verbose
        first_of_all = partitions[0] == share(both[0])[0]
        for partition in partitions:
            expected = ["1", "3", "2"] if first_of_all and partition == partitions[0] else ["-", "3", "-"]
            assert [group, topic, str(partition), *expected, ids[client], "/127.0.0.1", client] in offsets, offsets
    assert len(verbose) == 2 and len(offsets) == 4
    [(_, coordinator, _, strategy, told, count)] = state
    assert (coordinator, strategy, told, count) == (broker.bootstrap, "range", "Stable", "2")
    assert [group, "Stable"] in listed and {told for _, told in listed} == {"Stable"}
    assert [group, "Classic", "consumer"] in all_groups


@group_case
def consumer_groups_changes_nothing_of_an_active_group(broker):
    topic, group = filled(broker, "java-refused"), unique("java-refused")
    both = members(broker, group, topic)
    both[0].commit(offsets=[TopicPartition(topic, partition, 1) for partition in share(both[0])], asynchronous=False)
    reset, deleted, offsets = together(
        lambda: groups_tool(broker, group, "--reset-offsets", "--topic", topic, "--to-earliest", "--execute"),
        lambda: groups_tool(broker, group, "--delete"),
        lambda: groups_tool(broker, group, "--delete-offsets", "--topic", topic))
    assert "the current state is Stable" in reset, reset
    assert "GroupNotEmptyException" in deleted, deleted
    assert offsets.count("GroupSubscribedToTopicException") == 4, offsets
    assert committed(broker, group) == dict.fromkeys(share(both[0]), 1)


@group_case
def consumer_groups_resets_offsets(broker):
    topic = filled(broker, "java-reset", 3)

    def reset(group, *how, scope=topic):
        """What the tool says that it sets, and what the broker then has."""
        said = groups_tool(broker, group, "--reset-offsets", "--topic", scope, *how)
        return {int(partition): int(offset) for _, _, partition, offset in rows(said)}, committed(broker, group)

    def by_numbers():
        group = unique("java-reset")
        commit(broker, group, topic, 2, 2, 2)
        assert reset(group, "--to-earliest", "--dry-run") == ({0: 0, 1: 0, 2: 0}, {0: 2, 1: 2, 2: 2})
        assert reset(group, "--shift-by", -1, "--execute") == ({0: 1, 1: 1, 2: 1}, {0: 1, 1: 1, 2: 1})
        assert reset(group, "--to-offset", 3, "--execute", scope=f"{topic}:0,2") == ({0: 3, 2: 3}, {0: 3, 1: 1, 2: 3})

    def by_what_is_there():
        group = unique("java-reset")
        assert reset(group, "--to-latest", "--execute", scope=f"{topic}:1") == ({1: 3}, {1: 3})
        assert reset(group, "--to-earliest", "--execute") == ({0: 0, 1: 0, 2: 0}, {0: 0, 1: 0, 2: 0})
        assert reset(group, "--by-duration", "PT1H", "--execute") == ({0: 2, 1: 2, 2: 2}, {0: 2, 1: 2, 2: 2})

    together(by_numbers, by_what_is_there)


@group_case
def consumer_groups_deletes_offsets_and_groups(broker):
    topic, group, other = filled(broker, "java-deleted", 2), unique("java-deleted"), unique("java-kept")
    commit(broker, group, topic, 1, 3)
    commit(broker, other, topic, 2)
    offsets, state = together(
        lambda: rows(groups_tool(broker, group, "--describe", "--group", other)), lambda: rows(groups_tool(broker, group, "--describe", "--state")))
    nobody = ["-", "-", "-"]
    assert [[group, topic, "0", "1", "3", "2", *nobody], [group, topic, "1", "3", "3", "0", *nobody]] == [
        row for row in offsets if row[0] == group], offsets
    assert [other, topic, "0", "2", "3", "1", *nobody] in offsets, offsets
    assert [row[-2:] for row in state] == [["Empty", "0"]], state
    assert rows(groups_tool(broker, group, "--delete-offsets", "--topic", f"{topic}:0")) == [[topic, "0", "Successful"]]
    assert committed(broker, group) == {1: 3}
    assert "was successful" in groups_tool(broker, group, "--delete")
    assert committed(broker, group) == {} and committed(broker, other) == {0: 2}
    again, gone = together(lambda: groups_tool(broker, group, "--delete"), lambda: groups_tool(broker, group, "--describe"))
    assert "GroupIdNotFoundException" in again, again
    assert f"Group {group} not found" in gone, gone


# ---- the files

@group_case
def dump_log_decodes_offsets_and_groups(fresh):
    broker = fresh(**{"group.initial.rebalance.delay.ms": 0}).start()
    topic = create(broker, "java-dumped", 4)
    both = members(broker, "g", topic)
    both[0].commit(offsets=[TopicPartition(topic, share(both[0])[0], 7, "a note")], asynchronous=False)
    commit(broker, "gone", topic, 1)
    client = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 2})
    [deleted] = client.delete_consumer_groups(["gone"]).values()
    deleted.result(20)
    broker.stop()
    found = decoded(broker)
    assert all(value for _, group, _, value in found if group == "g")
    [at] = [(key, value) for kind, group, key, value in found if kind == OFFSET and group == "g"]
    assert (at[0]["topic"], at[0]["partition"]) == (topic, share(both[0])[0])
    assert (at[1]["offset"], at[1]["leaderEpoch"], at[1]["metadata"]) == (7, -1, NOTE) and len(at[1]["topicId"]) == 22
    last = [value for kind, group, _, value in found if kind == GROUP and group == "g"][-1]
    check_group(last, both)
    for each in last["members"]:
        member = both["ab".index(each["clientId"][-1])]
        assert each["subscription"]["topics"] == [topic]
        assert each["assignment"]["assignedPartitions"] == [{"topic": topic, "partitions": share(member)}]
    assert [value is None for kind, group, _, value in found if kind == OFFSET and group == "gone"] == [False, True]
    assert [value for kind, group, _, value in found if kind == GROUP and group == "gone"][-1] is None


@group_case
def dump_log_decodes_the_offsets_of_the_run(stopped):
    """Every record of every group of the cases before this one, in the partition of the group's hash."""
    found = decoded(stopped)
    assert {kind for kind, *_ in found} == {OFFSET, GROUP}
    assert len({group for _, group, *_ in found}) >= 5


OFFSET, GROUP = "1", "2"
DUMPED = re.compile(r"Dumping .*/__consumer_offsets-(\d+)/|^\| offset: .* key: (\{.*\}) payload: (.*)$", re.MULTILINE)


def decoded(broker) -> list[tuple[str, str, dict, dict | None]]:
    """Type, group, key and value of each record in the broker's files."""
    said = dump("--offsets-decoder", files=[path for path in files_of(broker, "__consumer_offsets-*/*.log") if path.stat().st_size])
    found, partition = [], None
    for dumped, key, value in DUMPED.findall(said):
        if dumped:
            partition = int(dumped)
            continue
        key = json.loads(key)
        group = key["data"]["group"]
        assert java_hash(group) % 50 == partition, f"{group} in partition {partition}"
        found.append((key["type"], group, key["data"], None if value == "<DELETE>" else json.loads(value)["data"]))
    assert len(found) == len(re.findall(r"^\| offset: ", said, re.MULTILINE)), "records that are not decoded"
    return found


def java_hash(text) -> int:
    """The absolute value of String.hashCode() of a text in ASCII."""
    value = 0
    for byte in text.encode("ascii"):
        value = (31 * value + byte) & 0xFFFFFFFF
    return abs(value - (1 << 32) if value >> 31 else value)
