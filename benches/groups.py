"""What groups cost: a heartbeat, an offset commit, a rebalance of many members, many groups at rest."""

import time

from harness.brokers import Broker
from harness.case import unique
from harness.wire import Connection, array, int32, int64, sized, string

OFFSET_COMMIT, FIND_COORDINATOR, JOIN_GROUP, HEARTBEAT, SYNC_GROUP, DESCRIBE_GROUPS = 8, 10, 11, 12, 14, 15
SESSION_MS = 300_000
MEMBERS = 500
GROUPS = 10_000


def wait_for_coordinator(connection: Connection, group: str):
    """Until a heartbeat of nobody is refused by the coordinator itself (UNKNOWN_MEMBER_ID)."""
    while True:
        connection.call(FIND_COORDINATOR, 0, string(group))
        answer = connection.call(HEARTBEAT, 0, string(group) + int32(1) + string("nobody"))
        if answer.int16() == 25:
            return
        time.sleep(0.05)


def join_body(group: str, member="") -> bytes:
    protocol = string("range") + sized(bytes(100))
    return string(group) + int32(SESSION_MS) + int32(SESSION_MS) + string(member) + string("consumer") + array([protocol])


def joined(answer) -> tuple[str, int]:
    """Member id and generation; version 2."""
    answer.int32()
    error, generation = answer.int16(), answer.int32()
    assert error == 0, f"join refused: {error}"
    answer.string()
    answer.string()
    return answer.string(), generation


def sync_body(group: str, member: str, generation: int, members: list[str]) -> bytes:
    assignments = array([string(each) + sized(bytes(50)) for each in members])
    return string(group) + int32(generation) + string(member) + assignments


def members_of(connection: Connection, group: str) -> int:
    """As DescribeGroups counts them; version 0."""
    answer = connection.call(DESCRIBE_GROUPS, 0, array([string(group)]))
    answer.int32()
    answer.int16()
    for _ in range(4):
        answer.string()
    return answer.int32()


def join_alone(connection: Connection, group: str) -> tuple[str, int]:
    member, generation = joined(connection.call(JOIN_GROUP, 2, join_body(group)))
    answer = connection.call(SYNC_GROUP, 1, sync_body(group, member, generation, [member]))
    answer.int32()
    assert answer.int16() == 0
    return member, generation


def small_requests(broker: Broker, figures, counted: bool, pipelined, meter, count: int):
    topic, group = unique("bench-group"), unique("group")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic)
        wait_for_coordinator(connection, group)
        member, generation = join_alone(connection, group)
        beat = string(group) + int32(generation) + string(member)
        partition = int32(0) + int64(7) + string("")
        commit = string(group) + int32(generation) + string(member) + int64(-1) + array([string(topic) + array([partition])])
        for label, key, version, body in (("heartbeat", HEARTBEAT, 1, beat), ("offset commit", OFFSET_COMMIT, 2, commit)):
            with meter(broker, figures) as measured:
                pipelined(connection, key, version, body, count)
            if counted:
                figures.note(f"{label}, CPU us/request", broker.name, measured.seconds / count * 1e6)


def rebalance(broker: Broker, figures, counted: bool, meter):
    """The first member is there; the others join, it joins again, and all have their assignment."""
    group = unique("crowd")
    connections = [Connection(broker.bootstrap, seconds=120) for _ in range(MEMBERS)]
    wait_for_coordinator(connections[0], group)
    leader, _ = join_alone(connections[0], group)
    with meter(broker, figures) as measured:
        began = time.monotonic()
        for connection in connections[1:]:
            connection.send(JOIN_GROUP, 2, join_body(group))
        # Whoever came after the leader would belong to the next generation.
        while members_of(connections[0], group) < MEMBERS:
            time.sleep(0.02)
        connections[0].send(JOIN_GROUP, 2, join_body(group, leader))
        answers = [joined(connection.receive()) for connection in connections]
        generations = {generation for _, generation in answers}
        assert len(generations) == 1, generations
        generation = generations.pop()
        members = [member for member, _ in answers]
        for connection, member in zip(connections[1:], members[1:]):
            connection.send(SYNC_GROUP, 1, sync_body(group, member, generation, []))
        connections[0].send(SYNC_GROUP, 1, sync_body(group, members[0], generation, members))
        for connection in connections:
            answer = connection.receive()
            answer.int32()
            assert answer.int16() == 0
        elapsed = time.monotonic() - began
    for connection in connections:
        connection.socket.close()
    if counted:
        figures.note(f"rebalance of {MEMBERS} members, ms", broker.name, elapsed * 1000)
        figures.note(f"rebalance of {MEMBERS} members, CPU ms", broker.name, measured.seconds * 1000)


def many_groups(broker: Broker, figures, meter):
    """Groups of one member and one offset each: what they hold, and what they cost while nothing happens."""
    topic, prefix = unique("bench-many"), unique("many")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic)
        wait_for_coordinator(connection, prefix)
        before = broker.resident_bytes()
        for number in range(GROUPS):
            group = f"{prefix}-{number}"
            member, generation = join_alone(connection, group)
            partition = int32(0) + int64(7) + string("")
            topics = array([string(topic) + array([partition])])
            connection.call(OFFSET_COMMIT, 2, string(group) + int32(generation) + string(member) + int64(-1) + topics)
        figures.note(f"{GROUPS} groups, KiB each", broker.name, (broker.resident_bytes() - before) / GROUPS / 1024)
    with meter(broker, figures) as measured:
        time.sleep(5)
    figures.note(f"{GROUPS} groups at rest, CPU ms per second", broker.name, measured.seconds * 200)
