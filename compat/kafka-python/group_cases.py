"""kafka-python's KafkaConsumer with a group id, and what KafkaAdminClient does with groups."""

import subprocess
import sys
import threading
import time
from functools import partial

from cases import NEW, admin, consumer, create, expect, producer
from kafka import ConsumerRebalanceListener, TopicPartition, errors
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.structs import OffsetAndMetadata

from harness.brokers import QUICK_GROUPS
from harness.case import case, eventually, in_a_process, unique
from harness.wire import Connection

if NEW:
    from kafka.admin import OffsetSpec

group_case = partial(case, needs="JoinGroup")
group_case_of_3 = group_case if NEW else lambda body: body


def member(broker, group, *topics, **settings):
    """A consumer in a group that hears of a rebalance soon and commits only when told."""
    settings = {"heartbeat_interval_ms": 100, "session_timeout_ms": 10_000, "enable_auto_commit": False,
                "reconnect_backoff_max_ms": 500} | settings
    return consumer(broker, *topics, group_id=group, **settings)


class Polled:
    """A member that is polled in a thread of its own and commits what it got. Told to leave by a message, since its polls are
    long: a 3.0.12 whose poll ends while it joins may wait for the answer for ever."""

    LEAVE = b"leave"

    def __init__(self, broker, client):
        self.broker, self.client, self.records, self.failure = broker, client, [], None
        self.thread = threading.Thread(target=self._poll, daemon=True)
        self.thread.start()

    def _poll(self):
        try:
            leaving = False
            while not leaving:
                polled = [record for records in self.client.poll(timeout_ms=60_000).values() for record in records]
                leaving = any(record.value == self.LEAVE for record in polled)
                self.records += [record for record in polled if record.value != self.LEAVE]
                if polled:
                    self.client.commit()
            self.client.close()
        except errors.KafkaError as failure:
            self.failure = failure

    def share(self) -> set[TopicPartition]:
        assert self.failure is None, repr(self.failure)
        return self.client.assignment()

    def leave(self):
        """The message goes to the first of its partitions."""
        partition, sender = min(self.share()), producer(self.broker)
        sender.send(partition.topic, self.LEAVE, partition=partition.partition)
        sender.close()
        self.thread.join()
        assert self.failure is None, repr(self.failure)


def polled(broker, group, *topics, **settings) -> Polled:
    return Polled(broker, member(broker, group, *topics, **settings))


def numbers_of(partitions) -> list[int]:
    return sorted(each.partition for each in partitions)


def settle(members, *wanted):
    """Waits until the partitions are shared so, whoever has which share."""
    eventually(lambda: sorted(numbers_of(each.share()) for each in members) == sorted(wanted))


def values(records) -> list[int]:
    return [int(record.value) for record in records]


def take(client, count) -> list[int]:
    return values(take_records(client, count))


def take_records(client, count) -> list:
    """The next `count` records. No more may come."""
    found = []
    eventually(lambda: found.extend(next_records(client, 10_000)) or len(found) >= count, seconds=40, pause=0)
    found += next_records(client, 200)
    assert len(found) == count, f"{len(found)} records, expected {count}"
    return found


def next_records(client, milliseconds) -> list:
    return [record for records in client.poll(timeout_ms=milliseconds).values() for record in records]


def each_once_to_its_owner(members, expected):
    """Each of these values comes once, to the member that has its partition."""
    eventually(lambda: sum(len(each.records) for each in members) >= len(expected))
    time.sleep(0.2)
    assert sorted(value for each in members for value in values(each.records)) == list(expected)
    for each in members:
        assert {TopicPartition(record.topic, record.partition) for record in each.records} == each.share()
        each.records.clear()


def send(broker, topic, numbers, partitions=1):
    """Sends each number to partition number % partitions."""
    client = producer(broker, linger_ms=5)
    for number in numbers:
        client.send(topic, str(number).encode(), partition=number % partitions)
    client.close()


def committed(broker, group) -> dict[TopicPartition, int]:
    client = admin(broker)
    found = client.list_group_offsets({group: None})[group] if NEW else client.list_consumer_group_offsets(group)
    client.close()
    return {partition: each.offset for partition, each in found.items()}


# ---- the program as everybody writes it, against a broker with default settings

PROGRAM = """
from kafka import KafkaConsumer
for message in KafkaConsumer('test', group_id='g', bootstrap_servers='{}', auto_offset_reset='earliest'):
    print(message.value.decode(), flush=True)
"""


@group_case(seconds=90)
def program_with_a_group_as_it_is(fresh):
    broker = fresh().start()
    send(broker, "test", range(2))
    command = [sys.executable, "-c", PROGRAM.format(broker.bootstrap)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        assert [reader.stdout.readline() for _ in range(2)] == ["0\n", "1\n"]
        send(broker, "test", [2])
        assert reader.stdout.readline() == "2\n"
        eventually(lambda: committed(broker, "g") == {TopicPartition("test", 0): 3})  # every 5 s
        reader.kill()


# ---- sharing

@group_case
def members_share_the_partitions_and_one_leaves(broker):
    topic, group = create(broker, "shared", 6), unique("shared")
    members = [polled(broker, group, topic)]
    settle(members, [0, 1, 2, 3, 4, 5])
    members.append(polled(broker, group, topic))
    settle(members, [0, 1, 2], [3, 4, 5])
    members.append(polled(broker, group, topic))
    settle(members, [0, 1], [2, 3], [4, 5])
    send(broker, topic, range(60), 6)
    each_once_to_its_owner(members, range(60))
    members.pop().leave()
    settle(members, [0, 1, 2], [3, 4, 5])
    send(broker, topic, range(60, 120), 6)
    each_once_to_its_owner(members, range(60, 120))


@group_case
def round_robin_over_two_topics_and_another_group_gets_all_again(broker):
    topics, group = [create(broker, "mixed", 3) for _ in range(2)], unique("mixed")
    for each in topics:
        send(broker, each, range(9), 3)
    members = [polled(broker, group, *topics, partition_assignment_strategy=[RoundRobinPartitionAssignor]) for _ in range(2)]
    eventually(lambda: [len(each.share()) for each in members] == [3, 3])
    everything = {TopicPartition(topic, partition) for topic in topics for partition in range(3)}
    assert members[0].share() | members[1].share() == everything
    assert all({partition.topic for partition in each.share()} == set(topics) for each in members)
    assert sorted(take(member(broker, unique("other"), *topics), 18)) == sorted(2 * list(range(9)))


@group_case
def killed_members_partitions_move_after_the_session_timeout(broker):
    topic, group = unique("killed"), unique("killed")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic, 6)

    def stay():
        client = member(broker, group, topic, session_timeout_ms=2000)
        while True:
            client.poll(timeout_ms=60_000)

    other = in_a_process(stay)
    left = polled(broker, group, topic)
    eventually(lambda: numbers_of(left.share()) in ([0, 1, 2], [3, 4, 5]))
    mine = numbers_of(left.share())
    send(broker, topic, range(60), 6)
    each_once_to_its_owner([left], [number for number in range(60) if number % 6 in mine])
    other.kill()
    killed_at = time.monotonic()
    settle([left], [0, 1, 2, 3, 4, 5])
    waited = time.monotonic() - killed_at
    eventually(lambda: len(left.records) >= 30)
    time.sleep(0.2)
    assert sorted(values(left.records)) == [number for number in range(60) if number % 6 not in mine]
    assert 1.5 < waited < 8, f"moved after {waited:.1f} s"


# ---- offsets

@group_case
def commit_and_resume(broker):
    topic, group = create(broker, "committed"), unique("committed")
    send(broker, topic, range(10))
    partition = TopicPartition(topic, 0)
    first = member(broker, group, topic, max_poll_records=4)
    assert values(eventually(lambda: next_records(first, 10_000))) == [0, 1, 2, 3]
    assert first.committed(partition) is None
    first.commit()
    first.close()
    second = member(broker, group, topic)
    assert second.committed(partition) == 4
    assert take(second, 6) == [4, 5, 6, 7, 8, 9]
    second.commit({partition: OffsetAndMetadata(7, "a note", -1)})
    second.close()
    third = member(broker, group, topic)
    found = third.committed(partition, metadata=True)
    assert (found.offset, found.metadata) == (7, "a note")
    assert take(third, 3) == [7, 8, 9]
    assert committed(broker, group) == {partition: 7}


@group_case
def auto_commit_when_closing(broker):
    topic, group = create(broker, "auto-commit"), unique("auto-commit")
    send(broker, topic, range(10))
    first = member(broker, group, topic, enable_auto_commit=True, auto_commit_interval_ms=60_000)
    assert take(first, 10) == list(range(10))
    first.close()
    send(broker, topic, [10])
    assert take(member(broker, group, topic), 1) == [10]


@group_case
def pause_and_seek_in_a_group(broker):
    topic, group = create(broker, "paused", 2), unique("paused")
    client = member(broker, group, topic)
    eventually(lambda: [client.poll(timeout_ms=1000), numbers_of(client.assignment()) == [0, 1]][1])
    client.pause(TopicPartition(topic, 0))
    send(broker, topic, range(20), 2)
    assert take(client, 10) == list(range(1, 20, 2))
    client.resume(TopicPartition(topic, 0))
    assert take(client, 10) == list(range(0, 20, 2))
    client.seek(TopicPartition(topic, 1), 7)
    assert take(client, 3) == [15, 17, 19]


@group_case(seconds=90)
def offsets_and_members_outlive_a_kill_of_the_broker(fresh):
    broker = fresh(**QUICK_GROUPS).start()
    topic = create(broker, "outlived")
    partition = TopicPartition(topic, 0)
    send(broker, topic, range(50))
    left, stayed = unique("left"), unique("stayed")
    gone = member(broker, left, topic)
    assert take(gone, 50) == list(range(50))
    gone.commit({partition: OffsetAndMetadata(30, "", -1)})
    gone.close()
    client = member(broker, stayed, topic, session_timeout_ms=30_000)
    assert take(client, 50) == list(range(50))
    client.commit({partition: OffsetAndMetadata(40, "", -1)})
    broker.kill()
    broker.start()
    assert take(member(broker, left, topic), 20) == list(range(30, 50))
    send(broker, topic, range(50, 60))
    assert take(client, 10) == list(range(50, 60)), "the member is where it was"
    assert client.committed(partition) == 40
    client.commit()
    client.close()
    assert committed(broker, stayed) == {partition: 60}


# ---- subscriptions and static members

@group_case
def pattern_subscription_sees_a_new_topic(broker):
    prefix, group = unique("pattern"), unique("pattern")
    topics = [f"{prefix}-{name}" for name in ("old", "new")]
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topics[0], 2)
        clients = [member(broker, group, metadata_max_age_ms=300) for _ in range(2)]
        for each in clients:
            each.subscribe(pattern=f"^{prefix}-.*")
        members = [Polled(broker, each) for each in clients]
        settle(members, [0], [1])
        connection.create_topic(topics[1], 2)
    settle(members, [0, 0], [1, 1])
    for each in topics:
        send(broker, each, range(10), 2)
    eventually(lambda: [len(each.records) for each in members] == [10, 10])


class Rebalances(ConsumerRebalanceListener):
    def __init__(self):
        self.seen = []

    def on_partitions_revoked(self, revoked):
        self.seen.append(("revoked", numbers_of(revoked)))

    def on_partitions_assigned(self, assigned):
        self.seen.append(("assigned", numbers_of(assigned)))


@group_case
def static_member_comes_back_without_a_rebalance(broker):
    """Whether it is the leader or not."""
    topic, group = create(broker, "static", 6), unique("static")

    def join(name):
        client, listener = member(broker, group, group_instance_id=name), Rebalances()
        client.subscribe([topic], listener=listener)
        return Polled(broker, client), listener

    members, listeners = map(list, zip(join("one"), join("two")))
    settle(members, [0, 1, 2], [3, 4, 5])
    before = [each.share() for each in members]
    for index, name in enumerate(("one", "two")):
        other = listeners[1 - index]
        told = list(other.seen)
        members[index].leave()
        members[index], listeners[index] = join(name)
        eventually(lambda index=index: members[index].share())
        time.sleep(0.5)
        assert [each.share() for each in members] == before
        assert other.seen == told, f"the other member was rebalanced: {other.seen}"
    send(broker, topic, range(60), 6)
    each_once_to_its_owner(members, range(60))


@group_case
def twin_of_a_static_member_fences_it(broker):
    topic, group = create(broker, "twins", 2), unique("twins")
    first = member(broker, group, topic, group_instance_id="one")
    eventually(lambda: [first.poll(timeout_ms=1000), first.assignment()][1])
    second = polled(broker, group, topic, group_instance_id="one")
    settle([second], [0, 1])
    expect(errors.FencedInstanceIdError, lambda: first.commit({TopicPartition(topic, 0): OffsetAndMetadata(0, "", -1)}))
    send(broker, topic, range(10), 2)
    each_once_to_its_owner([second], range(10))


# ---- the administrator

def two_members(broker, group, topic):
    members = [polled(broker, group, topic, client_id=name) for name in ("client-a", "client-b")]
    settle(members, [0, 1], [2, 3])
    return members


@group_case
def admin_lists_describes_and_deletes_groups(broker):
    topic, group, client = create(broker, "described", 4), unique("described"), admin(broker)
    members = two_members(broker, group, topic)
    send(broker, topic, range(20), 4)
    each_once_to_its_owner(members, range(20))
    assert listed(client)[group] == "consumer"
    state, protocol, found = described(client, group)
    assert (state, protocol, len(found)) == ("Stable", "range", 2)
    for client_id, host, assignment in found:
        [owner] = [each for each in members if each.client.config["client_id"] == client_id]
        assert host == "/127.0.0.1" and assignment == owner.share(), found
    assert deleted(client, group) == "NonEmptyGroupError"
    for each in members:
        each.leave()
    assert described(client, group) == ("Empty", "", [])
    assert committed(broker, group) == {TopicPartition(topic, partition): offset for partition, offset in enumerate((6, 5, 6, 5))}
    assert deleted(client, group) == "NoError"
    assert group not in listed(client)
    assert deleted(client, group) == "GroupIdNotFoundError"
    assert committed(broker, group) == {}


def listed(client) -> dict[str, str]:
    """The protocol type of each group."""
    if NEW:
        return {each["group_id"]: each["protocol_type"] for each in client.list_groups()}
    return dict(client.list_consumer_groups())


def described(client, group):
    """State, protocol, and each member's client id, host and partitions."""
    if NEW:
        found = client.describe_groups([group])[group]
        members = [(each["client_id"], each["client_host"], {
            TopicPartition(topic["topic"], partition) for topic in each["member_assignment"]["assigned_partitions"]
            for partition in topic["partitions"]}) for each in found["members"]]
        return found["group_state"], found["protocol_data"], members
    [found] = client.describe_consumer_groups([group])
    members = [(each.client_id, each.client_host, {TopicPartition(*each) for each in each.member_assignment.partitions()})
               for each in found.members]
    return found.state, found.protocol, members


def deleted(client, group) -> str:
    """The name of the error that deleting this group gives."""
    if NEW:
        answer = client.delete_groups([group])[group]
        return "NoError" if answer == "OK" else answer
    [(_, error)] = client.delete_consumer_groups([group])
    return error.__name__


@group_case_of_3
def admin_lists_the_offsets_of_many_groups_at_once(broker):
    """In one OffsetFetch."""
    topic, client = create(broker, "many", 2), admin(broker)
    groups = {unique("many"): number for number in range(100)}
    for group, number in groups.items():
        wanted = {TopicPartition(topic, number % 2): OffsetAndMetadata(number, f"of {number}", -1)}
        eventually(lambda group=group, wanted=wanted: set(client.alter_group_offsets(group, wanted).values()) == {errors.NoError})
    nowhere = unique("nowhere")
    found = client.list_group_offsets(dict.fromkeys([*groups, nowhere]))
    assert found.pop(nowhere) == {}
    told = {group: [(each.topic, each.partition, at.offset, at.metadata) for each, at in offsets.items()] for group, offsets in found.items()}
    assert told == {group: [(topic, number % 2, number, f"of {number}")] for group, number in groups.items()}


@group_case_of_3
def admin_alters_resets_and_deletes_offsets(broker):
    topic, group, client = create(broker, "altered", 4), unique("altered"), admin(broker)
    partitions = [TopicPartition(topic, partition) for partition in range(4)]
    members = two_members(broker, group, topic)
    send(broker, topic, range(20), 4)
    each_once_to_its_owner(members, range(20))
    wanted = {partitions[0]: OffsetAndMetadata(2, "altered", -1)}
    assert client.alter_group_offsets(group, wanted) == {partitions[0]: errors.UnknownMemberIdError}
    assert client.delete_group_offsets(group, partitions[:1]) == {partitions[0]: errors.GroupSubscribedToTopicError}
    for each in members:
        each.leave()
    assert client.alter_group_offsets(group, wanted) == {partitions[0]: errors.NoError}
    reset = client.reset_group_offsets(group, {partitions[1]: OffsetSpec.EARLIEST, partitions[2]: 4})
    assert reset == {partition: {"error": errors.NoError, "offset": offset} for partition, offset in ((partitions[1], 0), (partitions[2], 4))}
    assert client.delete_group_offsets(group, partitions[3:]) == {partitions[3]: errors.NoError}
    assert committed(broker, group) == {partitions[0]: 2, partitions[1]: 0, partitions[2]: 4}
    found = [(record.partition, record.offset) for record in take_records(member(broker, group, topic), 4 + 5 + 2 + 5)]
    expected = [(0, range(2, 6)), (1, range(5)), (2, range(4, 6)), (3, range(5))]
    assert sorted(found) == [(partition, offset) for partition, offsets in expected for offset in offsets]
