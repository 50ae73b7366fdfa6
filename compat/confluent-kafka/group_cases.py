"""librdkafka's consumer with subscribe(), and what its AdminClient does with groups."""

import time
from functools import partial

from cases import Sender, admin, connect, create, refusal
from confluent_kafka import Consumer, ConsumerGroupState, ConsumerGroupTopicPartitions, KafkaError, TopicPartition
from confluent_kafka.admin import OffsetSpec

from harness.brokers import QUICK_GROUPS
from harness.case import case, eventually, in_a_process, unique
from harness.wire import Connection

group_case = partial(case, needs="JoinGroup")
QUICK = {"heartbeat.interval.ms": 100, "session.timeout.ms": 10_000, "enable.auto.commit": False}


class Member:
    """A consumer in a group that keeps what it gets and what happens to it."""

    def __init__(self, broker, group, *topics, **settings):
        settings = {"group.id": group, "auto.offset.reset": "earliest"} | settings
        self.client = Consumer(connect(broker) | settings)
        self.messages, self.errors, self.rebalances = [], [], []
        self.client.subscribe(list(topics), on_assign=self._note("assigned"), on_revoke=self._note("revoked"),
                              on_lost=self._note("lost"))

    def _note(self, what):
        return lambda _client, partitions: self.rebalances.append((what, sorted(each.partition for each in partitions)))

    def poll(self):
        for message in self.client.consume(1000, timeout=0.02):
            (self.errors if message.error() else self.messages).append(message)

    def share(self) -> list[int]:
        return sorted(each.partition for each in self.client.assignment())

    def values(self) -> list[int]:
        return [int(message.value()) for message in self.messages]

    def codes(self) -> list[int]:
        return [message.error().code() for message in self.errors]


def quick(broker, group, *topics, **settings) -> Member:
    """Hears of a rebalance soon and commits only when told."""
    return Member(broker, group, *topics, **QUICK | settings)


def until(members, check, **keywords):
    """Polls all members until the check holds."""
    def holds():
        for each in members:
            each.poll()
        return check()

    return eventually(holds, pause=0, **keywords)


def linger(members, seconds=0.3):
    """Polls all members for a while in which nothing should happen."""
    end = time.monotonic() + seconds
    until(members, lambda: time.monotonic() > end)


def settle(members, *wanted, **keywords):
    """Polls until the partitions are shared so, whoever has which share."""
    until(members, lambda: sorted(each.share() for each in members) == sorted(wanted), **keywords)


def send(broker, topic, numbers, partitions=1):
    """Sends each number to partition number % partitions."""
    sender = Sender(broker)
    for number in numbers:
        sender.send(topic, str(number).encode(), partition=number % partitions)
    assert not any(isinstance(outcome, KafkaError) for outcome in sender.flush())


def each_once_to_its_owner(members, expected):
    """Each of these values comes once, to the member that has its partition."""
    until(members, lambda: sum(len(each.messages) for each in members) >= len(expected))
    linger(members)
    assert sorted(value for each in members for value in each.values()) == list(expected)
    for each in members:
        assert sorted({message.partition() for message in each.messages}) == each.share()
        each.messages.clear()


def take(member, count) -> list[int]:
    """The values of the next `count` messages. No more may come."""
    until([member], lambda: len(member.messages) >= count, seconds=40)
    linger([member])
    found = member.values()
    assert len(found) == count, f"{len(found)} messages, expected {count}"
    member.messages.clear()
    return found


def committed(broker, group) -> dict[tuple[str, int], int]:
    client = admin(broker)
    found = result(client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))
    return {(each.topic, each.partition): each.offset for each in found.topic_partitions}


def result(futures):
    [future] = futures.values()
    return future.result(20)


# ---- sharing

@group_case(seconds=90)
def three_members_with_default_settings(fresh):
    """The broker waits for the others, so that there is one rebalance; closing commits."""
    broker = fresh().start()
    topic = create(broker, "defaults", 6)
    members = [Member(broker, "g", topic) for _ in range(3)]
    settle(members, [0, 1], [2, 3], [4, 5], seconds=30)
    assert [len(each.rebalances) for each in members] == [1, 1, 1], [each.rebalances for each in members]
    send(broker, topic, range(60), 6)
    each_once_to_its_owner(members, range(60))
    for each in members:
        each.client.close()
    assert committed(broker, "g") == {(topic, partition): 10 for partition in range(6)}


@group_case
def members_share_the_partitions_and_one_leaves(broker):
    topic, group = create(broker, "shared", 6), unique("shared")
    members = [quick(broker, group, topic)]
    settle(members, [0, 1, 2, 3, 4, 5])
    members.append(quick(broker, group, topic))
    settle(members, [0, 1, 2], [3, 4, 5])
    members.append(quick(broker, group, topic))
    settle(members, [0, 1], [2, 3], [4, 5])
    send(broker, topic, range(60), 6)
    each_once_to_its_owner(members, range(60))
    for each in members:
        each.client.commit(asynchronous=False)
    members.pop().client.close()
    settle(members, [0, 1, 2], [3, 4, 5])
    send(broker, topic, range(60, 120), 6)
    each_once_to_its_owner(members, range(60, 120))


@group_case
def cooperative_sticky_moves_only_what_has_to_move(broker):
    topic, group = create(broker, "cooperative", 6), unique("cooperative")
    settings = {"partition.assignment.strategy": "cooperative-sticky"}
    members = [quick(broker, group, topic, **settings) for _ in range(2)]
    until(members, lambda: [len(each.share()) for each in members] == [3, 3])
    send(broker, topic, range(60), 6)
    each_once_to_its_owner(members, range(60))
    before = [set(each.share()) for each in members]
    for each in members:
        each.rebalances.clear()
    members.append(quick(broker, group, topic, **settings))
    until(members, lambda: [len(each.share()) for each in members] == [2, 2, 2])
    for each, had in zip(members, before):
        [given_up] = had - set(each.share())
        assert set(each.share()) < had
        assert [told for told in each.rebalances if told[1]] == [("revoked", [given_up])], each.rebalances
        assert given_up in members[2].share()
    # Nobody committed: what did not move goes on where it was, what moved begins anew.
    send(broker, topic, range(60, 120), 6)
    moved = [number for number in range(60) if number % 6 in members[2].share()]
    until(members, lambda: sum(len(each.messages) for each in members) >= 60 + len(moved))
    linger(members)
    assert sorted(members[2].values()) == moved + [number for number in range(60, 120) if number % 6 in members[2].share()]
    assert sorted(members[0].values() + members[1].values()) == [
        number for number in range(60, 120) if number % 6 not in members[2].share()]


@group_case
def member_without_a_common_assignor_is_refused(broker):
    topic, group = create(broker, "inconsistent", 2), unique("inconsistent")
    first = quick(broker, group, topic, **{"partition.assignment.strategy": "range"})
    settle([first], [0, 1])
    other = quick(broker, group, topic, **{"partition.assignment.strategy": "roundrobin"})
    until([first, other], lambda: other.errors)
    assert set(other.codes()) == {KafkaError.INCONSISTENT_GROUP_PROTOCOL}, other.codes()
    assert first.share() == [0, 1] and len(first.rebalances) == 1


@group_case
def killed_members_partitions_move_after_the_session_timeout(broker):
    topic, group = unique("killed"), unique("killed")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic, 6)

    def stay():
        client = quick(broker, group, topic, **{"session.timeout.ms": 2000})
        while True:
            client.poll()

    other = in_a_process(stay)
    left = quick(broker, group, topic)
    until([left], lambda: left.share() in ([0, 1, 2], [3, 4, 5]))
    mine = left.share()
    send(broker, topic, range(60), 6)
    each_once_to_its_owner([left], [number for number in range(60) if number % 6 in mine])
    left.client.commit(asynchronous=False)
    other.kill()
    killed_at = time.monotonic()
    settle([left], [0, 1, 2, 3, 4, 5])
    waited = time.monotonic() - killed_at
    assert sorted(take(left, 30)) == [number for number in range(60) if number % 6 not in mine]
    assert 1.5 < waited < 8, f"moved after {waited:.1f} s"


@group_case
def member_that_does_not_poll_is_out_until_it_polls_again(broker):
    topic, group = create(broker, "max-poll", 2), unique("max-poll")
    settings = {"session.timeout.ms": 1000, "max.poll.interval.ms": 1500}
    slow = quick(broker, group, topic, **settings)
    other = quick(broker, group, topic)
    settle([slow, other], [0], [1])
    had = slow.share()
    settle([other], [0, 1])
    assert refusal(lambda: slow.client.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False)) in (
        KafkaError.UNKNOWN_MEMBER_ID, KafkaError.ILLEGAL_GENERATION, KafkaError._STATE)
    settle([slow, other], [0], [1])
    assert KafkaError._MAX_POLL_EXCEEDED in slow.codes()
    assert ("lost", had) in slow.rebalances, slow.rebalances


# ---- offsets

@group_case
def commit_and_resume(broker):
    topic, group = create(broker, "committed"), unique("committed")
    send(broker, topic, range(10))
    first = quick(broker, group, topic)
    assert take(first, 10) == list(range(10))
    [none] = first.client.committed([TopicPartition(topic, 0)], timeout=20)
    assert none.offset < 0 and none.error is None
    [done] = first.client.commit(offsets=[TopicPartition(topic, 0, 4)], asynchronous=False)
    assert done.error is None and done.offset == 4
    first.client.close()
    second = quick(broker, group, topic)
    assert take(second, 6) == [4, 5, 6, 7, 8, 9]
    second.client.commit(offsets=[TopicPartition(topic, 0, 7, "a note")], asynchronous=False)
    second.client.close()
    third = quick(broker, group, topic)
    [found] = third.client.committed([TopicPartition(topic, 0)], timeout=20)
    assert (found.offset, found.metadata) == (7, "a note")
    assert take(third, 3) == [7, 8, 9]


@group_case
def asynchronous_commits_are_answered_in_order(broker):
    topic, group, answers = create(broker, "async"), unique("async"), []
    client = quick(broker, group, topic, on_commit=lambda error, partitions: answers.append((error, partitions[0].offset)))
    settle([client], [0])
    for offset in range(1, 51):
        client.client.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=True)
    until([client], lambda: len(answers) == 50)
    assert answers == [(None, offset) for offset in range(1, 51)]
    assert committed(broker, group) == {(topic, 0): 50}


@group_case
def auto_commit_while_running(broker):
    topic, group = create(broker, "auto-commit", 2), unique("auto-commit")
    client = quick(broker, group, topic, **{"enable.auto.commit": True, "auto.commit.interval.ms": 100})
    settle([client], [0, 1])
    for sent in (range(10), range(10, 20)):
        send(broker, topic, sent, 2)
        each_once_to_its_owner([client], sent)
        until([client], lambda sent=sent: committed(broker, group) == {(topic, 0): sent.stop // 2, (topic, 1): sent.stop // 2})


@group_case
def stored_offsets_are_what_is_committed(broker):
    topic, group = create(broker, "stored"), unique("stored")
    settings = {"enable.auto.commit": True, "enable.auto.offset.store": False}
    send(broker, topic, range(10))
    client = quick(broker, group, topic, **settings)
    assert take(client, 10) == list(range(10))
    client.client.store_offsets(offsets=[TopicPartition(topic, 0, 6)])
    client.client.close()
    assert committed(broker, group) == {(topic, 0): 6}
    assert take(quick(broker, group, topic), 4) == [6, 7, 8, 9]


@group_case
def pause_and_seek_in_a_group(broker):
    topic, group = create(broker, "paused", 2), unique("paused")
    client = quick(broker, group, topic)
    settle([client], [0, 1])
    client.client.pause([TopicPartition(topic, 0)])
    send(broker, topic, range(20), 2)
    assert take(client, 10) == list(range(1, 20, 2))
    client.client.resume([TopicPartition(topic, 0)])
    assert take(client, 10) == list(range(0, 20, 2))
    client.client.seek(TopicPartition(topic, 1, 7))
    assert take(client, 3) == [15, 17, 19]


@group_case
def assigned_without_a_group_commits_only_while_nobody_is_in_it(broker):
    topic, group = create(broker, "simple"), unique("simple")
    simple = Consumer(connect(broker) | {"group.id": group})
    client = quick(broker, group, topic)
    settle([client], [0])
    client.client.close()
    [done] = simple.commit(offsets=[TopicPartition(topic, 0, 0)], asynchronous=False)
    assert done.error is None
    client = quick(broker, group, topic)
    settle([client], [0])
    assert refusal(lambda: simple.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False)) == KafkaError.UNKNOWN_MEMBER_ID
    assert committed(broker, group) == {(topic, 0): 0}


@group_case(seconds=90)
def offsets_and_members_outlive_a_kill_of_the_broker(fresh):
    broker = fresh(**QUICK_GROUPS).start()
    topic, left, stayed = create(broker, "outlived"), unique("left"), unique("stayed")
    settings = {"reconnect.backoff.max.ms": 500, "session.timeout.ms": 30_000}
    send(broker, topic, range(50))
    gone = quick(broker, left, topic)
    assert take(gone, 50) == list(range(50))
    gone.client.commit(offsets=[TopicPartition(topic, 0, 30)], asynchronous=False)
    gone.client.close()
    client = quick(broker, stayed, topic, **settings)
    assert take(client, 50) == list(range(50))
    client.client.commit(offsets=[TopicPartition(topic, 0, 40)], asynchronous=False)
    broker.kill()
    broker.start()
    assert take(quick(broker, left, topic), 20) == list(range(30, 50))
    send(broker, topic, range(50, 60))
    assert take(client, 10) == list(range(50, 60)), "the member is where it was"
    assert [what for what, _ in client.rebalances] == ["assigned"]
    [found] = client.client.committed([TopicPartition(topic, 0)], timeout=20)
    assert found.offset == 40
    client.client.commit(asynchronous=False)
    assert committed(broker, stayed) == {(topic, 0): 60}


# ---- subscriptions and static members

@group_case
def pattern_subscription_sees_a_new_topic(broker):
    prefix, group = unique("pattern"), unique("pattern")
    settings = {"topic.metadata.refresh.interval.ms": 300}
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(f"{prefix}-old", 2)
        members = [quick(broker, group, f"^{prefix}-.*", **settings) for _ in range(2)]
        settle(members, [0], [1])
        connection.create_topic(f"{prefix}-new", 2)
    settle(members, [0, 0], [1, 1])
    for name in ("old", "new"):
        send(broker, f"{prefix}-{name}", range(10), 2)
    until(members, lambda: [len(each.messages) for each in members] == [10, 10])


@group_case
def static_member_comes_back_without_a_rebalance(broker):
    """Whether it is the leader or not."""
    topic, group = create(broker, "static", 6), unique("static")

    def join(name):
        return quick(broker, group, topic, **{"group.instance.id": name})

    members = [join("one"), join("two")]
    settle(members, [0, 1, 2], [3, 4, 5])
    before = [each.share() for each in members]
    for index, name in enumerate(("one", "two")):
        other = members[1 - index]
        told = list(other.rebalances)
        members[index].client.close()
        members[index] = join(name)
        until(members, lambda index=index: members[index].share())
        linger(members, 0.5)
        assert [each.share() for each in members] == before
        assert other.rebalances == told, f"the other member was rebalanced: {other.rebalances}"
    send(broker, topic, range(60), 6)
    each_once_to_its_owner(members, range(60))


@group_case
def static_member_that_stays_away_is_missed_after_its_session_timeout(broker):
    topic, group = create(broker, "away", 2), unique("away")
    gone = quick(broker, group, topic, **{"group.instance.id": "one", "session.timeout.ms": 2000})
    left = quick(broker, group, topic, **{"group.instance.id": "two"})
    settle([gone, left], [0], [1])
    gone.client.close()
    closed_at = time.monotonic()
    settle([left], [0, 1])
    waited = time.monotonic() - closed_at
    assert 1.5 < waited < 8, f"missed after {waited:.1f} s"


@group_case
def twin_of_a_static_member_fences_it(broker):
    topic, group = create(broker, "twins", 2), unique("twins")
    first = quick(broker, group, topic, **{"group.instance.id": "one"})
    settle([first], [0, 1])
    second = quick(broker, group, topic, **{"group.instance.id": "one"})
    settle([second], [0, 1])
    error = until([second], lambda: first.client.poll(0.05)).error()
    assert error.code() == KafkaError._FATAL and "fenced by other consumer with same group.instance.id" in error.str(), error
    assert refusal(lambda: first.client.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False)) == KafkaError._FATAL
    send(broker, topic, range(10), 2)
    each_once_to_its_owner([second], range(10))


# ---- the administrator


def listed(client, **filters) -> dict[str, ConsumerGroupState]:
    found = client.list_consumer_groups(**filters).result(20)
    assert not found.errors, found.errors
    return {each.group_id: each.state for each in found.valid}


@group_case
def admin_lists_describes_and_deletes_groups(broker):
    topic, group, client = create(broker, "described", 4), unique("described"), admin(broker)
    members = [quick(broker, group, topic, **{"client.id": name, "group.instance.id": f"static-{name}"}) for name in ("a", "b")]
    settle(members, [0, 1], [2, 3])
    assert listed(client)[group] == ConsumerGroupState.STABLE
    assert group in listed(client, states={ConsumerGroupState.STABLE})
    assert group not in listed(client, states={ConsumerGroupState.EMPTY})
    found = result(client.describe_consumer_groups([group]))
    assert (found.state, found.partition_assignor, found.is_simple_consumer_group) == (ConsumerGroupState.STABLE, "range", False)
    assert f"{found.coordinator.host}:{found.coordinator.port}" == broker.bootstrap
    told = {(each.client_id, each.group_instance_id, each.host): sorted(each.partition for each in each.assignment.topic_partitions)
            for each in found.members}
    assert told == {(name, f"static-{name}", "/127.0.0.1"): each.share() for name, each in zip("ab", members)}, told
    assert refusal(lambda: result(client.delete_consumer_groups([group]))) == KafkaError.NON_EMPTY_GROUP


@group_case
def admin_deletes_a_group_that_was_left(broker):
    topic, group, client = create(broker, "deleted"), unique("deleted"), admin(broker)
    member = quick(broker, group, topic)
    settle([member], [0])
    member.client.commit(offsets=[TopicPartition(topic, 0, 0)], asynchronous=False)
    member.client.close()
    assert listed(client)[group] == ConsumerGroupState.EMPTY
    assert result(client.describe_consumer_groups([group])).state == ConsumerGroupState.EMPTY
    assert committed(broker, group) == {(topic, 0): 0}
    result(client.delete_consumer_groups([group]))
    assert group not in listed(client)
    assert committed(broker, group) == {}
    assert refusal(lambda: result(client.delete_consumer_groups([group]))) == KafkaError.GROUP_ID_NOT_FOUND


@group_case
def admin_alters_offsets_and_tells_the_lag(broker):
    topic, group, client = create(broker, "altered", 3), unique("altered"), admin(broker)
    settle([quick(broker, unique("first"), topic)], [0, 1, 2])  # AdminClient asks three times for a coordinator, then hangs
    send(broker, topic, range(30), 3)
    partitions = [TopicPartition(topic, partition) for partition in range(3)]

    def alter(*offsets):
        wanted = [TopicPartition(topic, partition, offset) for partition, offset in enumerate(offsets)]
        done = result(client.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, wanted)]))
        return [each.error and each.error.code() for each in done.topic_partitions]

    assert alter(2, 10, 0) == [None, None, None]
    ends = client.list_offsets({each: OffsetSpec.latest() for each in partitions})
    at = committed(broker, group)
    assert [ends[each].result(20).offset - at[topic, each.partition] for each in partitions] == [8, 0, 10]
    member = quick(broker, group, topic)
    assert len(take(member, 18)) == 18
    assert alter(0, 0, 0) == [KafkaError.UNKNOWN_MEMBER_ID] * 3
    assert committed(broker, group) == at
