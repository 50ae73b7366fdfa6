"""Brokers as processes: Klamm, Apache Kafka with the same interface, and one that somebody else runs."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from . import environment
from .case import die_with_parent
from .wire import Connection, Refused

# Groups that form at once and lose a silent member soon. With Kafka's defaults that is 3 s and at least 6 s.
QUICK_GROUPS = {"group.initial.rebalance.delay.ms": 0, "group.min.session.timeout.ms": 500}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Broker:
    """A broker process on loopback with a folder of its own. Subclasses say how it is started."""

    name = ""
    patience = 30.0
    clean_exit = 0

    def __init__(self, folder: Path, settings: dict | None = None):
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "broker.log"
        self.port = free_port()
        self.settings = settings or {}
        self.process: subprocess.Popen | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @classmethod
    def alone(cls, folder: Path) -> "Broker":
        """As a user who configures nothing gets it, on port 9092."""
        broker = cls(folder)
        broker.port = 9092
        return broker

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def controller(self) -> str:
        """The address of its controller listener; to be asked for before the start."""
        raise NotImplementedError

    def command(self) -> list[str]:
        raise NotImplementedError

    def launch(self):
        """Starts the process and does not wait for it."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=die_with_parent)

    def start(self) -> "Broker":
        """Starts the process and waits until it serves."""
        self.launch()
        deadline = time.monotonic() + self.patience
        while not self.serves():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name} does not serve after {self.patience} s:\n{self.log_tail()}")
            time.sleep(0.02)
        return self

    def serves(self) -> bool:
        """Whether it answers Metadata with a broker in it."""
        try:
            with Connection(self.bootstrap, seconds=5) as connection:
                return bool(connection.metadata([])["brokers"])
        except (OSError, Refused):
            return False

    def stop(self):
        """SIGTERM, then waits for the exit of a clean stop."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(self.patience)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop within {self.patience} s:\n{self.log_tail()}") from None
        if code != self.clean_exit:
            raise AssertionError(f"{self.name} stopped with exit code {code}:\n{self.log_tail()}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def resident_bytes(self) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def log_tail(self, lines=15) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


class Klamm(Broker):
    name = "klamm"
    binary = environment.ROOT / "target/debug/klamm"

    def __init__(self, folder: Path, settings: dict | None = None):
        super().__init__(folder, settings)
        self.admin_port = free_port()

    @classmethod
    def alone(cls, folder: Path) -> "Broker":
        return UnconfiguredKlamm(folder)

    def controller(self) -> str:
        address = f"127.0.0.1:{free_port()}"
        self.settings |= {"listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{address}", "controller.listener.names": "CONTROLLER",
                          "controller.quorum.bootstrap.servers": address}
        return address

    def command(self) -> list[str]:
        settings = {
            "listeners": f"PLAINTEXT://{self.bootstrap}",
            "log.dirs": str(self.data),
            "klamm.admin.listener": f"127.0.0.1:{self.admin_port}",
        } | self.settings
        return [str(self.binary), "serve"] + [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]


class UnconfiguredKlamm(Klamm):
    """`klamm` without a word more, in an empty directory."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.port, self.data = 9092, folder / "klamm-data"

    def command(self) -> list[str]:
        return [str(self.binary)]


class ApacheKafka(Broker):
    """One node, broker and controller, with the jars that the cases of `apache-kafka/` use. Shows that a case is right."""

    name = "kafka"
    patience = 120.0
    clean_exit = 128 + signal.SIGTERM  # as the Java machine does it
    machine = environment.QUICK_TO_START

    def __init__(self, folder: Path, settings: dict | None = None):
        super().__init__(folder, settings)
        self.controller_port = free_port()
        self.properties = folder / "node.properties"

    def command(self) -> list[str]:
        return environment.java("kafka.Kafka", str(self.properties), machine=self.machine)

    def controller(self) -> str:
        return f"127.0.0.1:{self.controller_port}"

    def launch(self):
        if not self.data.exists():
            self.format()
        super().launch()

    def format_options(self) -> list[str]:
        return []

    def format(self):
        """Writes the configuration and makes the data directory, as `kafka-storage format` does."""
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://127.0.0.1:{self.controller_port}",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self.controller_port}",
            "log.dirs": self.data,
            "broker.heartbeat.interval.ms": 500,
            "broker.session.timeout.ms": 2000,  # for so long a killed one cannot come back
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
        } | {key: value for key, value in self.settings.items() if not key.startswith("klamm.")}
        self.properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        subprocess.run(
            environment.java("kafka.tools.StorageTool", "format", "--standalone", "-t", "Klamm-compat-cluster-w",
                             "-c", str(self.properties), *self.format_options()),
            check=True, stdout=subprocess.DEVNULL)


class Running:
    """A broker that somebody else runs: cases that start, stop or look into one cannot be run against it."""

    name = "running"

    def __init__(self, bootstrap: str):
        self.bootstrap = bootstrap

    def alive(self) -> bool:
        with Connection(self.bootstrap, seconds=5) as connection:
            return bool(connection.metadata([])["brokers"])

    def log_tail(self, lines=15) -> str:
        return "(not ours)"
