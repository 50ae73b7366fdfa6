"""kcat -G: a member of a group per process."""

import re
import signal
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from cases import kcat

from harness.case import case, eventually, unique
from harness.wire import Connection

group_case = partial(case, needs="JoinGroup")
QUICK = ["-X", "heartbeat.interval.ms=100", "-X", "session.timeout.ms=10000"]


def create(broker, name, partitions) -> str:
    topic = unique(name)
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic, partitions)
    return topic


def send(broker, topic, numbers, partitions):
    for partition in range(partitions):
        lines = [f"{number}\n" for number in numbers if number % partitions == partition]
        kcat(broker, "-P", "-t", topic, "-p", str(partition), stdin="".join(lines))


class Member:
    """A running kcat -G that prints partition and value of what it gets."""

    def __init__(self, broker, group, topic, *arguments):
        self.folder = tempfile.TemporaryDirectory()
        self.out, self.said = Path(self.folder.name) / "out", Path(self.folder.name) / "said"
        with open(self.out, "wb") as out, open(self.said, "wb") as said:
            self.process = subprocess.Popen(
                ["kcat", "-b", broker.bootstrap, "-u", "-f", "%p %s\\n", "-X", "auto.offset.reset=earliest", *arguments,
                 "-G", group, topic], stdin=subprocess.DEVNULL, stdout=out, stderr=said)

    def share(self) -> list[int]:
        """What the last rebalance gave it, as it said on standard error."""
        told = re.findall(r"^% Group \S+ rebalanced \(memberid \S+\): (assigned|revoked): (.*)\n", self.said.read_text(), re.MULTILINE)
        return sorted(map(int, re.findall(r"\[(\d+)\]", told[-1][1]))) if told and told[-1][0] == "assigned" else []

    def records(self) -> list[tuple[int, int]]:
        """It writes a line in pieces: one without its end does not count."""
        return [tuple(map(int, line.split())) for line in self.out.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0, self.said.read_text()


def settle(members, *wanted):
    eventually(lambda: sorted(each.share() for each in members) == sorted(wanted))


@group_case(seconds=90)
def group_with_default_settings_resumes_where_it_stopped(fresh):
    broker = fresh().start()
    topic = create(broker, "resumed", 1)
    send(broker, topic, range(10), 1)
    for first in (0, 10):
        said = kcat(broker, "-X", "auto.offset.reset=earliest", "-c", "10", "-G", "g", topic, seconds=40)
        assert said.split() == [str(number) for number in range(first, first + 10)]
        send(broker, topic, range(first + 10, first + 20), 1)


@group_case
def two_members_share_and_one_leaves(broker):
    topic, group = create(broker, "shared", 4), unique("shared")
    members = [Member(broker, group, topic, *QUICK) for _ in range(2)]
    settle(members, [0, 1], [2, 3])
    send(broker, topic, range(40), 4)
    eventually(lambda: sum(len(each.records()) for each in members) >= 40)
    for each in members:
        assert sorted(each.records()) == sorted((number % 4, number) for number in range(40) if number % 4 in each.share())
    left, gone = members
    before = left.records()
    gone.stop()
    settle([left], [0, 1, 2, 3])
    send(broker, topic, range(40, 80), 4)
    eventually(lambda: len(left.records()) >= len(before) + 40)
    assert sorted(left.records()[len(before):]) == sorted((number % 4, number) for number in range(40, 80)), "nothing twice"
    left.stop()


@group_case
def killed_member_is_missed_after_its_session_timeout(broker):
    topic, group = create(broker, "killed", 4), unique("killed")
    members = [Member(broker, group, topic, "-X", "heartbeat.interval.ms=100", "-X", "session.timeout.ms=2000") for _ in range(2)]
    settle(members, [0, 1], [2, 3])
    members[0].process.kill()
    settle(members[1:], [0, 1, 2, 3])
    send(broker, topic, range(40), 4)
    eventually(lambda: len(members[1].records()) >= 40)
    assert sorted(members[1].records()) == sorted((number % 4, number) for number in range(40))
    members[1].stop()
