"""The one Java machine of a run (`java-client/Serve.java`): Apache Kafka's tools and the Java clients, without a start for each."""

import json
import socket
import subprocess
from collections import namedtuple

from . import environment
from .case import die_with_parent
from .members import Program

Outcome = namedtuple("Outcome", "code out err")

_port: int | None = None


def start():
    """Starts it, once; called by the runner itself, so that the cases' processes find it and it outlives them."""
    global _port
    if _port is None:
        classes = environment.java_program()
        command = environment.java("Serve", machine=["-Xmx768m", *environment.QUICK_TO_START[1:]], classes=classes)
        with open(classes / "machine.log", "w") as log:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, preexec_fn=die_with_parent)
        _port = int(process.stdout.readline())


class Session:
    """A connection to the machine, used like a process: what is written is its standard input."""

    def __init__(self, mode, settings):
        self.socket = socket.create_connection(("127.0.0.1", _port))
        self.stdin, self.stdout = self.socket.makefile("w"), self.socket.makefile("r")
        self.returncode: int | None = None
        self.stdin.write(json.dumps({"mode": mode, "settings": settings}) + "\n")
        self.stdin.flush()

    def communicate(self, said="", timeout=60) -> tuple[str, None]:
        self.stdin.write(said)
        self.stdin.flush()
        self.socket.shutdown(socket.SHUT_WR)
        self.socket.settimeout(timeout)
        answered = self.stdout.read()
        self.returncode = 1 if answered.startswith('{"failed"') or not answered else 0
        return answered, None

    def wait(self, timeout=None) -> int:
        """Until its other side has ended."""
        self.socket.settimeout(timeout)
        while self.stdout.readline():
            pass
        self.returncode = 0
        return 0

    def poll(self) -> int | None:
        return self.returncode

    def kill(self):
        self.socket.shutdown(socket.SHUT_RDWR)


class JavaProgram(Program):
    """The Java clients, as the programs around other clients are."""

    def __init__(self):
        super().__init__([])

    def start(self, mode, settings) -> Session:
        return Session(mode, settings)


def run(main_class, *arguments, stdin="", seconds=90) -> Outcome:
    """What a tool's main does and says, given these arguments."""
    said, _ = Session("tool", {"class": main_class, "arguments": [str(each) for each in arguments], "stdin": stdin,
                               "jars": [str(jar) for jar in environment.tool_jars()]}).communicate(timeout=seconds)
    answer = json.loads(said)
    assert "answer" in answer, answer
    return Outcome(**answer["answer"])
