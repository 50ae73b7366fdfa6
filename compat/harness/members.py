"""Members of groups as processes: small programs of ours around a client in another language.

A program has two modes and takes its settings as JSON. `produce` sends the messages that standard input names and answers with
their offsets. `member` joins a group; on standard output it tells each rebalance and record, on standard input it is told to
commit, pause, resume, seek or leave, and answers. One JSON object a line.
"""

import json
import subprocess
import threading
import time
from collections import namedtuple
from queue import Empty, Queue

from .case import eventually

Record = namedtuple("Record", "topic partition offset value")


class Program:
    def __init__(self, command: list[str], environment: dict | None = None):
        self.command, self.environment = command, environment

    def start(self, mode, settings) -> subprocess.Popen:
        return subprocess.Popen([*self.command, mode, json.dumps(settings)], env=self.environment, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)

    def produce(self, broker, topic, numbers, partitions=1) -> list[int]:
        """Sends each number to partition number % partitions, and gives the offsets."""
        messages = [{"topic": topic, "partition": number % partitions, "value": str(number)} for number in numbers]
        sender = self.start("produce", {"bootstrap": broker.bootstrap})
        said, _ = sender.communicate("".join(f"{json.dumps(each)}\n" for each in messages), timeout=30)
        assert sender.returncode == 0, f"exit {sender.returncode}: {said}"
        return json.loads(said)["answer"]

    def member(self, broker, group, topic, **settings) -> "Member":
        """With the client's defaults where nothing is set."""
        return Member(self.start("member", {"bootstrap": broker.bootstrap, "group": group, "topics": [topic]} | settings), topic)

    def quick(self, broker, group, topic, **settings) -> "Member":
        """Hears of a rebalance soon, and waits for records no longer than other clients do."""
        return self.member(broker, group, topic, **{"heartbeat_ms": 100, "session_ms": 10_000, "fetch_ms": 500} | settings)


class Member:
    def __init__(self, process: subprocess.Popen, topic):
        self.process, self.topic = process, topic
        self.records: list[Record] = []
        self.rebalances: list[dict] = []
        self.errors: list[str] = []
        self.answers = Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stdout:
            [(what, content)] = json.loads(line).items()
            if what == "record":
                self.records.append(Record(**content))
            elif what == "rebalance":
                self.rebalances.append(content)
            elif what == "error":
                self.errors.append(content)
            else:
                self.answers.put(content)

    def ask(self, do, **arguments):
        """Tells it to do something and waits for the answer."""
        self.process.stdin.write(json.dumps({"do": do, "topic": self.topic} | arguments) + "\n")
        self.process.stdin.flush()
        try:
            return self.answers.get(timeout=20)
        except Empty:
            raise AssertionError(f"no answer to {do!r}; errors: {self.errors[-3:]}, exit code {self.process.poll()}") from None

    def do(self, do, **arguments):
        answer = self.ask(do, **arguments)
        assert answer == "done", f"{do}: {answer}"

    def committed(self) -> dict[tuple[str, int], int]:
        return {(topic, partition): offset for topic, partition, offset in self.ask("committed")}

    def all_shares(self) -> dict[str, list[int]]:
        return {topic: sorted(partitions) for topic, partitions in self.rebalances[-1]["share"].items()} if self.rebalances else {}

    def share(self) -> list[int]:
        return self.all_shares().get(self.topic, [])

    def values(self) -> list[int]:
        return [int(record.value) for record in self.records]

    def take(self, count) -> list[int]:
        """The values of the next `count` records. No more may come."""
        eventually(lambda: len(self.records) >= count, seconds=40)
        time.sleep(0.3)
        found = self.values()
        assert len(found) == count, f"{len(found)} records, expected {count}"
        self.records.clear()
        return found

    def leave(self):
        self.do("leave")
        assert self.process.wait(20) == 0

    def kill(self):
        self.process.kill()
        self.process.wait()


def settle(members, *wanted):
    """Waits until the topic's partitions are shared so, whoever has which share."""
    def shared():
        return sorted(each.share() for each in members) == sorted(wanted)

    try:
        eventually(shared)
    except AssertionError:
        told = [(each.all_shares(), each.errors[-3:], each.process.poll()) for each in members]
        raise AssertionError(f"not shared as {wanted}: {told}") from None


def each_once_to_its_owner(members, expected):
    """Each of these values comes once, to the member that has its partition."""
    eventually(lambda: sum(len(each.records) for each in members) >= len(expected))
    time.sleep(0.3)
    assert sorted(value for each in members for value in each.values()) == list(expected)
    for each in members:
        assert sorted({record.partition for record in each.records}) == each.share()
        each.records.clear()
