"""The cases that every client passes whose members are processes (`members.py`). The partitions of a topic are shared as the
client's assignor does it: in ranges or in turns."""

import time
from functools import partial

from .brokers import QUICK_GROUPS
from .case import case, eventually, unique
from .members import Program, each_once_to_its_owner, settle
from .wire import Connection

group_case = partial(case, needs="JoinGroup")
RANGES = {1: [[0, 1, 2, 3, 4, 5]], 2: [[0, 1, 2], [3, 4, 5]], 3: [[0, 1], [2, 3], [4, 5]]}
IN_TURNS = {1: [[0, 1, 2, 3, 4, 5]], 2: [[0, 2, 4], [1, 3, 5]], 3: [[0, 3], [1, 4], [2, 5]]}


def create(broker, name, partitions=1) -> str:
    topic = unique(name)
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic, partitions)
    return topic


def declare(program: Program, shares: dict, **settings):
    """Declares the cases; `settings` makes the members share like `shares`."""

    def member(broker, group, topic, **more):
        return program.quick(broker, group, topic, **settings | more)

    @group_case(seconds=90)
    def two_members_with_default_settings(fresh):
        broker = fresh().start()
        topic = create(broker, "defaults", 6)
        members = [program.member(broker, "g", topic) for _ in range(2)]
        eventually(lambda: sorted(members[0].share() + members[1].share()) == [0, 1, 2, 3, 4, 5])
        assert [len(each.share()) for each in members] == [3, 3]
        program.produce(broker, topic, range(60), 6)
        each_once_to_its_owner(members, range(60))
        for each in members:
            each.do("commit")
        assert members[0].committed() == {(topic, partition): 10 for partition in range(6)}

    @group_case
    def members_share_the_partitions_and_one_leaves(broker):
        topic, group = create(broker, "shared", 6), unique("shared")
        members = []
        for count in (1, 2, 3):
            members.append(member(broker, group, topic))
            settle(members, *shares[count])
        program.produce(broker, topic, range(60), 6)
        each_once_to_its_owner(members, range(60))
        for each in members:
            each.do("commit")
        members.pop().leave()
        settle(members, *shares[2])
        program.produce(broker, topic, range(60, 120), 6)
        each_once_to_its_owner(members, range(60, 120))

    @group_case
    def killed_members_partitions_move_after_the_session_timeout(broker):
        topic, group = create(broker, "killed", 6), unique("killed")
        members = [member(broker, group, topic, session_ms=2000) for _ in range(2)]
        settle(members, *shares[2])
        program.produce(broker, topic, range(60), 6)
        each_once_to_its_owner(members, range(60))
        left, killed = members
        left.do("commit")
        theirs = killed.share()
        killed.kill()
        killed_at = time.monotonic()
        settle([left], *shares[1])
        waited = time.monotonic() - killed_at
        assert sorted(left.take(30)) == [number for number in range(60) if number % 6 in theirs]
        assert 1.5 < waited < 8, f"moved after {waited:.1f} s"

    @group_case
    def commit_and_resume(broker):
        topic, group = create(broker, "committed"), unique("committed")
        assert program.produce(broker, topic, range(10)) == list(range(10))
        first = member(broker, group, topic)
        assert first.take(10) == list(range(10))
        assert first.committed() == {}
        first.do("commit offset", partition=0, offset=4)
        first.leave()
        second = member(broker, group, topic)
        assert second.take(6) == [4, 5, 6, 7, 8, 9]
        assert second.committed() == {(topic, 0): 4}
        second.do("commit")
        second.leave()
        program.produce(broker, topic, [10])
        assert member(broker, group, topic).take(1) == [10]

    @group_case
    def pause_and_seek_in_a_group(broker):
        topic, group = create(broker, "paused", 2), unique("paused")
        client = member(broker, group, topic)
        settle([client], [0, 1])
        client.do("pause", partition=0)
        program.produce(broker, topic, range(20), 2)
        assert client.take(10) == list(range(1, 20, 2))
        client.do("resume", partition=0)
        assert client.take(10) == list(range(0, 20, 2))
        client.do("seek", partition=1, offset=7)
        assert client.take(3) == [15, 17, 19]

    @group_case(seconds=90)
    def offsets_and_members_outlive_a_kill_of_the_broker(fresh):
        broker = fresh(**QUICK_GROUPS).start()
        topic, left, stayed = create(broker, "outlived"), unique("left"), unique("stayed")
        program.produce(broker, topic, range(50))
        gone = member(broker, left, topic)
        assert gone.take(50) == list(range(50))
        gone.do("commit offset", partition=0, offset=30)
        gone.leave()
        client = member(broker, stayed, topic)
        assert client.take(50) == list(range(50))
        client.do("commit")
        broker.kill()
        broker.start()
        assert member(broker, left, topic).take(20) == list(range(30, 50))
        program.produce(broker, topic, range(50, 60))
        assert client.take(10) == list(range(50, 60)), "the member is where it was"
        client.do("commit")
        assert client.committed() == {(topic, 0): 60}
