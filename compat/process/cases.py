"""The broker as a process: killed under load, stopped, started wrongly."""

import json
import random
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

import confluent_kafka
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from harness.brokers import free_port
from harness.case import case, eventually, unique
from harness.wire import FETCH, Connection, batch, batch_headers, record

PARTITIONS = 3


def version() -> str:
    return f"librdkafka {confluent_kafka.libversion()[0]}"


# ---- kill -9 under a producer

class Producing:
    """An idempotent acks=all producer that sends numbered messages until told to stop, and notes what was acknowledged."""

    def __init__(self, broker, topic):
        self.topic, self.sent, self.acknowledged, self.refused = topic, 0, {}, []
        self.client = Producer({"bootstrap.servers": broker.bootstrap, "enable.idempotence": True, "acks": "all", "linger.ms": 2,
                                "message.timeout.ms": 0, "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200,
                                "compression.type": "lz4", "log_level": 2})
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._produce, daemon=True)
        self.thread.start()

    def _produce(self):
        while not self.stopping.is_set():
            if self.sent - len(self.acknowledged) < 5000:
                self._send(self.sent)
                self.sent += 1
            self.client.poll(0 if self.sent % 50 else 0.002)

    def _send(self, number):
        def delivered(error, message):
            if error:
                self.refused.append((number, error))
            else:
                self.acknowledged[number] = (message.partition(), message.offset())

        self.client.produce(self.topic, f"{number}".encode(), partition=number % PARTITIONS, on_delivery=delivered)

    def finish(self):
        """Waits until every message has its answer."""
        self.stopping.set()
        self.thread.join()
        assert self.client.flush(60) == 0, "messages without an answer"
        assert not self.refused, f"refused: {self.refused[:3]}"


def read_everything(broker, topic) -> dict[int, list[tuple[int, int]]]:
    """Per partition, (offset, number) of each record from front to end."""
    client = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "not-used", "enable.auto.commit": False, "log_level": 2})
    partitions = [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)]
    wanted = sum(client.get_watermark_offsets(each, timeout=20)[1] for each in partitions)
    client.assign(partitions)
    found, count, deadline = {partition: [] for partition in range(PARTITIONS)}, 0, time.monotonic() + 120
    while count < wanted:
        assert time.monotonic() < deadline, f"{count} of {wanted} records read"
        for message in client.consume(10_000, timeout=0.5):
            assert message.error() is None, message.error()
            found[message.partition()].append((message.offset(), int(message.value())))
            count += 1
    return found


def kill_cycles(fresh, cycles):
    broker = fresh().start()
    topic, chance = unique("killed"), random.Random(cycles)
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic, PARTITIONS, {"segment.bytes": 1 << 20})
    producing = Producing(broker, topic)
    for cycle in range(cycles):
        before = len(producing.acknowledged)
        eventually(lambda: len(producing.acknowledged) > before, seconds=60)
        time.sleep(chance.uniform(0.1, 1.0))
        broker.kill()
        broker.start()
    producing.finish()
    found = read_everything(broker, topic)
    for partition, records in found.items():
        numbers = [number for _, number in records]
        expected = list(range(partition, producing.sent, PARTITIONS))
        assert numbers == expected, f"partition {partition}: {first_difference(numbers, expected)}"
        wrong = [number for offset, number in records if producing.acknowledged[number] != (partition, offset)]
        assert not wrong, f"partition {partition}: {wrong[:5]} are not at the offset that was acknowledged"
    print(f"    {producing.sent} messages over {cycles} kills", flush=True)


def first_difference(numbers, expected) -> str:
    at = next((at for at, pair in enumerate(zip(numbers, expected)) if pair[0] != pair[1]), min(len(numbers), len(expected)))
    return f"{len(numbers)} records of {len(expected)}; from record {at} on {numbers[at:at + 5]}, expected {expected[at:at + 5]}"


@case(seconds=300)
def three_kills_under_an_idempotent_producer(fresh):
    kill_cycles(fresh, 3)


@case(seconds=1800, long=True)
def thirty_kills_under_an_idempotent_producer(fresh):
    kill_cycles(fresh, 30)


# ---- stopping

@case(seconds=120)
def sigterm_stops_cleanly(fresh):
    broker = fresh().start()
    topic = unique("stopped")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic)
        assert connection.produce(topic, batch())["error"] == "NONE"
    assert not (broker.data / ".kafka_cleanshutdown").exists()
    broker.stop()
    assert (broker.data / ".kafka_cleanshutdown").exists()
    broker.start()
    with Connection(broker.bootstrap) as connection:
        assert connection.end_offset(topic) == 1


@case(seconds=60, klamm_only="Kafka closes the connection of a fetch that waits")
def sigterm_answers_what_is_in_flight(fresh):
    broker = fresh().start()
    topic = unique("in-flight")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic)
        asked = connection.send(FETCH, 11, connection.fetch_body(topic, 0, wait_ms=20_000))
        time.sleep(0.3)
        began = time.monotonic()
        broker.process.send_signal(signal.SIGTERM)
        assert connection.receive().answered == asked
        assert broker.process.wait(10) == 0
        assert time.monotonic() - began < 5


@case(seconds=120)
def topics_and_offsets_outlive_a_kill_and_a_stop(fresh):
    broker = fresh().start()
    topics = [unique("outlives") for _ in range(5)]
    with Connection(broker.bootstrap) as connection:
        for topic in topics:
            connection.create_topic(topic, 2)
            assert connection.produce(topic, batch(), partition=1)["base_offset"] == 0
        cluster = connection.metadata([])["cluster"]
    for end in (broker.kill, broker.stop):
        end()
        broker.start()
        with Connection(broker.bootstrap) as connection:
            described = connection.metadata(topics)
            assert described["cluster"] == cluster
            assert described["topics"] == {topic: ("NONE", 2) for topic in topics}
            assert [connection.end_offset(topic, 1) for topic in topics] == [1] * 5


# ---- without what a broker needs

class SmallDisk:
    """A file system of a few MiB, in a mount namespace of its own that needs no rights; it ends with its keeper."""

    def __init__(self, folder: Path, mib: int):
        folder.mkdir()
        self.keeper = subprocess.Popen(
            ["unshare", "--map-root-user", "--mount", "sh", "-c",
             f"mount -t tmpfs -o size={mib}m tmpfs '{folder}' && echo ready && exec sleep 600"], stdout=subprocess.PIPE, text=True)
        assert self.keeper.stdout.readline() == "ready\n", "no small disk could be mounted"
        self.seen_from_here = Path(f"/proc/{self.keeper.pid}/root{folder}")

    def inside(self, command: list[str]) -> list[str]:
        return ["nsenter", "--target", str(self.keeper.pid), "--user", "--mount", "--preserve-credentials", *command]


@case(seconds=120, klamm_only="Kafka ends when its only disk is full")
def full_disk_refuses_writes_until_there_is_room(fresh):
    broker = fresh()
    disk = SmallDisk(broker.data, 48)
    (disk.seen_from_here / "filler").write_bytes(bytes(24 << 20))
    broker.settings["log.dirs"] = str(broker.data / "logs")
    start = broker.command()
    broker.command = lambda: disk.inside(start)
    broker.start()
    topic, large = unique("full"), batch([record(bytes(900_000))])
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic)
        answers = [connection.produce(topic, large)["error"] for _ in range(40)]
        stored = answers.count("NONE")
        assert 5 < stored < 40 and set(answers) == {"NONE", "KAFKA_STORAGE_ERROR"}, answers
        assert connection.end_offset(topic) == stored
        assert batch_headers(connection.fetch(topic, stored - 1)["records"]), "what is stored is not served"
        (disk.seen_from_here / "filler").unlink()
        assert eventually(lambda: connection.produce(topic, large)["base_offset"] >= 0)
        assert connection.end_offset(topic) == stored + 1
    broker.kill()
    broker.start()
    with Connection(broker.bootstrap) as connection:
        assert connection.end_offset(topic) == stored + 1
        assert connection.produce(topic, large)["base_offset"] == stored + 1
    disk.keeper.kill()


@case(seconds=60)
def idle_connections_are_closed(fresh):
    broker = fresh(**{"connections.max.idle.ms": 1000}).start()
    with Connection(broker.bootstrap) as connection:
        connection.api_versions()
        began = time.monotonic()
        assert connection.closed_by_peer(seconds=20)
        assert time.monotonic() - began > 0.8


@case(seconds=60, klamm_only="Apache Kafka needs more descriptors to start")
def running_out_of_descriptors_is_survived(fresh):
    broker = fresh()
    start = broker.command()
    broker.command = lambda: ["prlimit", "--nofile=256:256", *start]
    broker.start()
    topic = unique("descriptors")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic)
        peers = [socket.socket() for _ in range(400)]
        for peer in peers:
            peer.setblocking(False)
            peer.connect_ex(("127.0.0.1", broker.port))
        time.sleep(6)  # past the next checkpoint of the high watermarks, which needs a descriptor
        assert connection.produce(topic, batch())["base_offset"] == 0, "a connection of before is not served"
        for peer in peers:
            peer.close()
    with Connection(broker.bootstrap) as connection:
        assert connection.produce(topic, batch())["base_offset"] == 1


# ---- starting wrongly: a clear sentence with the path, an exit code, nothing touched

def state_of(folder: Path) -> dict:
    """Every file below a folder with its content and time of change."""
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
            for path in sorted(folder.rglob("*"))}


def refuses_to_start(broker, *mentions) -> str:
    """Starts the broker and expects one clear sentence on standard error that has these words in it."""
    done = subprocess.run(broker.command(), cwd=broker.folder, capture_output=True, text=True, timeout=30)
    said = done.stderr.strip()
    assert done.returncode not in (0, 101) and done.returncode > 0, f"exit {done.returncode}: {said}"
    assert all(str(word) in said for word in mentions), f"{mentions} not in: {said}"
    told = [line for line in said.splitlines() if " INFO start: " not in line]
    assert len(told) == 1 and "panicked" not in said, f"not one sentence: {said}"
    return said


def stopped_broker(fresh, **settings):
    broker = fresh(**settings).start()
    broker.stop()
    return broker


KLAMM = {"klamm_only": "about Klamm's own command line", "seconds": 60}


@case(**KLAMM)
def port_in_use_is_told(fresh):
    first, second = fresh().start(), stopped_broker(fresh)
    second.port = first.port
    before = state_of(second.data)
    refuses_to_start(second, first.bootstrap)
    assert state_of(second.data) == before
    new = fresh()
    new.port = first.port
    refuses_to_start(new, first.bootstrap)
    assert not new.data.exists(), "a directory was made"
    assert first.serves()


@case(**KLAMM)
def directory_in_use_is_told(fresh):
    first, second = fresh().start(), fresh()
    second.data = first.data
    before = state_of(first.data)
    refuses_to_start(second, first.data)
    assert state_of(first.data) == before
    assert first.serves()


@case(**KLAMM)
def directory_of_another_cluster_is_told(fresh):
    first, second = stopped_broker(fresh), stopped_broker(fresh)
    both = fresh(**{"log.dirs": f"{first.data},{second.data}"})
    before = [state_of(each.data) for each in (first, second)]
    refuses_to_start(both, second.data)
    assert [state_of(each.data) for each in (first, second)] == before


@case(**KLAMM)
def directory_of_another_node_is_told(fresh):
    first = stopped_broker(fresh)
    other = fresh(**{"node.id": 7})
    other.data = first.data
    before = state_of(first.data)
    refuses_to_start(other, first.data, 7)
    assert state_of(first.data) == before


@case(**KLAMM)
def damaged_meta_properties_is_told(fresh):
    broker = stopped_broker(fresh)
    meta = broker.data / "meta.properties"
    for damage in ("", "version=1\n", "version=99\ncluster.id=x\nnode.id=1\n", "\0\1\2\3" * 10):
        meta.write_text(damage)
        before = state_of(broker.data)
        refuses_to_start(broker, meta)
        assert state_of(broker.data) == before, repr(damage)


@case(**KLAMM)
def foreign_directory_among_the_logs_is_told(fresh):
    broker = stopped_broker(fresh)
    foreign = broker.data / "holiday pictures"
    foreign.mkdir()
    (foreign / "beach.jpg").write_bytes(b"x")
    before = state_of(broker.data)
    refuses_to_start(broker, foreign)
    assert state_of(broker.data) == before


@case(**KLAMM)
def directory_that_is_a_file_is_told(fresh):
    broker = fresh()
    broker.data.write_text("not a directory")
    refuses_to_start(broker, broker.data)
    assert broker.data.read_text() == "not a directory"


@case(**KLAMM)
def metadata_lost_with_logs_left_is_told(fresh):
    """A directory that has a cluster's logs but no meta.properties is somebody's data, not a new cluster."""
    broker = fresh().start()
    with Connection(broker.bootstrap) as connection:
        connection.create_topic("kept")
    broker.stop()
    (broker.data / "meta.properties").unlink()
    before = state_of(broker.data)
    refuses_to_start(broker, broker.data)
    assert state_of(broker.data) == before


# ---- the command line and the configuration file

def klamm(fresh, *words) -> subprocess.CompletedProcess:
    return subprocess.run([str(fresh().binary), *map(str, words)], capture_output=True, text=True, timeout=30)


@case(**KLAMM)
def help_and_version(fresh):
    told = klamm(fresh, "--help")
    assert told.returncode == 0 and "serve" in told.stdout and not told.stderr, told
    told = klamm(fresh, "serve", "--help")
    assert told.returncode == 0 and "--config" in told.stdout and "--set" in told.stdout, told
    told = klamm(fresh, "--version")
    assert told.returncode == 0 and told.stdout.startswith("klamm "), told
    told = klamm(fresh, "no-such-command")
    assert told.returncode == 2 and "no-such-command" in told.stderr, told


@case(**KLAMM)
def configuration_file_with_settings_over_it(fresh):
    broker = fresh()
    file = broker.folder / "server.properties"
    file.write_text(f"# a comment\nlisteners = PLAINTEXT://{broker.bootstrap}\nlog.dirs:{broker.data}\nnum.partitions=4\n"
                    f"klamm.admin.listener=127.0.0.1:{broker.admin_port}\nlog.retention.\\\n  hours=5\n")
    broker.command = lambda: [str(broker.binary), "serve", "--config", str(file), "--set", "num.partitions=6"]
    broker.start()
    topic = unique("defaults")
    with Connection(broker.bootstrap) as connection:
        eventually(lambda: connection.metadata([topic], create=True)["topics"][topic] == ("NONE", 6))


@case(**KLAMM)
def bad_configuration_is_told(fresh):
    broker = fresh()
    file = broker.folder / "server.properties"
    broker.command = lambda: [str(broker.binary), "serve", "--config", str(file)]
    for number, (line, mentions) in enumerate([
            ("num.partitions=many", ["num.partitions", "many", "line 2"]), ("num.partitions=0", ["num.partitions", "0", "line 2"]),
            ("no.such.key=1", ["no.such.key", "line 2"]), ("klamm.no.such.key=1", ["klamm.no.such.key", "line 2"])]):
        file.write_text(f"log.dirs={broker.data}\n{line}\n")
        refuses_to_start(broker, *mentions)
        assert not broker.data.exists(), number
    file.unlink()
    refuses_to_start(broker, file)
    broker.command = lambda: [str(broker.binary), "serve", "--set", f"log.dirs={broker.data}", "--set", "num.partitions=many"]
    refuses_to_start(broker, "num.partitions", "many")


@case(**KLAMM)
def several_listeners_each_give_their_own_address(fresh):
    other = free_port()
    broker = fresh()
    broker.settings = {"listeners": f"PLAINTEXT://{broker.bootstrap},SECOND://127.0.0.1:{other}",
                       "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SECOND:PLAINTEXT",
                       "advertised.listeners": f"PLAINTEXT://{broker.bootstrap},SECOND://localhost:{other}"}
    broker.start()
    for bootstrap, address in [(broker.bootstrap, ("127.0.0.1", broker.port)), (f"127.0.0.1:{other}", ("localhost", other))]:
        with Connection(bootstrap) as connection:
            [(_, host, port, _)] = connection.metadata([])["brokers"]
            assert (host, port) == address


@case(**KLAMM)
def several_directories_share_the_partitions(fresh):
    broker = fresh()
    folders = [broker.folder / "one", broker.folder / "two"]
    broker.settings = {"log.dirs": ",".join(map(str, folders))}
    broker.start()
    topic = unique("spread")
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(topic, 10)
        for partition in range(10):
            assert connection.produce(topic, batch(), partition=partition)["error"] == "NONE"
    counts = [len(list(folder.glob(f"{topic}-*"))) for folder in folders]
    assert sum(counts) == 10 and min(counts) >= 4, counts
    broker.kill()
    broker.start()
    with Connection(broker.bootstrap) as connection:
        assert [connection.end_offset(topic, partition) for partition in range(10)] == [1] * 10


@case(**KLAMM)
def admin_listener_tells_health_and_metrics(fresh):
    broker = fresh().start()

    def get(path):
        with urllib.request.urlopen(f"http://127.0.0.1:{broker.admin_port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()

    assert get("/healthz")[0] == 200 and get("/readyz")[0] == 200
    with Connection(broker.bootstrap) as connection:
        topic = unique("measured")
        connection.create_topic(topic)
        assert connection.produce(topic, batch())["error"] == "NONE"
    status, text = get("/metrics")
    assert status == 200
    # Prometheus's own reader of the format, which takes nothing that is not exact.
    samples = {(sample.name, sample.labels.get("topic")): sample.value
               for family in text_string_to_metric_families(text) for sample in family.samples}
    assert samples["kafka_server_brokertopicmetrics_messagesin_total", topic] == 1
    assert samples["kafka_network_requestmetrics_totaltimems_count", None] > 0


@case(**KLAMM)
def log_lines_tell_what_happened(fresh):
    broker = fresh(**{"klamm.disk.slow.ms": 0}).start()
    topic, group, deleted = unique("told"), unique("group"), unique("deleted")
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    topics = [NewTopic(name, 3, config={"retention.ms": "5000"}) for name in (topic, deleted)]
    for created in admin.create_topics(topics).values():
        created.result(20)
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": group, "log_level": 2})
    consumer.subscribe([topic])
    eventually(lambda: consumer.poll(0.1) is None and consumer.assignment(), seconds=30)
    consumer.commit(offsets=[TopicPartition(topic, 0, 0)], asynchronous=False)
    consumer.close()
    with socket.create_connection(("127.0.0.1", broker.port)) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert stranger.recv(1) == b""
    admin.delete_topics([deleted])[deleted].result(20)
    broker.stop()
    broker.start()
    eventually(lambda: "groups loaded in " in broker.log.read_text(), seconds=30)
    lines = broker.log.read_text().splitlines()
    for parts in [("start: storage ", " ms"), ("start: metadata ", " ms"), ("start: partitions ", " ms"), (" in all, clients are served",),
                  ("topic created", f"topic={topic}", "partitions=3"), ("topic deleted", f"topic={deleted}"),
                  ("topic config changed", f"topic={topic}", "retention.ms=5000"),
                  ("rebalance started", f"group={group}"), ("rebalance finished", f"group={group}", "generation=1", "members=1"),
                  ("a member is gone", f"group={group}", "it left"), ("the group is empty", f"group={group}"),
                  ("groups loaded in ",), ("slow disk: a sync took ",), ("closed a connection", "bytes was announced")]:
        assert any(all(part in line for part in parts) for line in lines), f"no line says {parts}: {lines}"
    assert sum("slow disk" in line for line in lines) < 60, "so many lines a second, however slow it is"


@case(**KLAMM)
def log_lines_have_the_shape_and_level_asked_for(fresh):
    def lines(**settings):
        broker = fresh(**{f"klamm.log.{key}": value for key, value in settings.items()}).start()
        broker.stop()
        return broker.log.read_text().splitlines()

    text = lines()
    assert text and not any(line.startswith("{") for line in text) and any(" INFO " in line for line in text), text
    structured = [json.loads(line) for line in lines(format="json")]
    assert structured and all(line["level"] in ("INFO", "WARN") for line in structured), structured
    assert not lines(level="error"), "nothing is an error"
