"""A case is a function; what it needs, it names as its parameter.

    broker   the broker shared by all such cases, running; leave it running
    fresh    a function: fresh(**settings) gives a broker of the case's own, not yet started
    stopped  the shared broker after its last case, stopped cleanly: for those who read its files

Each case runs in a process of its own, forked from the runner, so that a client that hangs or crashes takes nothing along.
"""

import ctypes
import inspect
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from typing import Callable

_declared: list["Case"] = []


@dataclass
class Case:
    name: str
    body: Callable
    fixture: str
    needs: str | None
    seconds: int
    long: bool
    klamm_only: str | None


def case(body=None, *, name=None, needs=None, seconds=60, long=False, klamm_only=None):
    """Declares a case. `needs` names an API without which it cannot be run, `seconds` is its limit, `long` keeps it out of
    the short run, `klamm_only` says why the case does not hold for Apache Kafka."""

    def declare(function):
        parameters = list(inspect.signature(function).parameters)
        if parameters not in (["broker"], ["fresh"], ["stopped"]):
            raise TypeError(f"{function.__name__} asks for {parameters}")
        _declared.append(Case(name or function.__name__, function, parameters[0], needs, seconds, long, klamm_only))
        return function

    return declare(body) if body else declare


def take_declared() -> list[Case]:
    """The cases declared since the last call."""
    taken = _declared[:]
    _declared.clear()
    names = [each.name for each in taken]
    if len(names) != len(set(names)):
        raise ValueError(f"two cases of one name among {sorted(names)}")
    return taken


def unique(name: str) -> str:
    """A topic name that no other case uses."""
    return f"{name}-{random.SystemRandom().randrange(16**8):08x}"


def eventually(check, seconds=15.0, pause=0.05):
    """Repeats `check` until it returns something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {inspect.getsource(check).strip()}")
        time.sleep(pause)


def in_a_process(work: Callable[[], None]) -> multiprocessing.Process:
    """Does `work` in a process that can be killed. Only before the case has made a client: threads do not come along."""
    process = multiprocessing.get_context("fork").Process(target=work, daemon=True)
    process.start()
    return process


def die_with_parent():
    """Asks Linux to kill this process when its parent ends: nothing that a case starts outlives the run."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def run_apart(work: Callable[[], None], seconds: int) -> str | None:
    """Runs `work` in a forked process. None if it passed, else what went wrong, with what it said last on standard error."""
    with tempfile.TemporaryFile() as said:
        failure = _run_apart(work, seconds, said)
        if failure is None:
            return None
        said.seek(0)
        return "\n".join([failure.rstrip(), *said.read().decode(errors="replace").splitlines()[-8:]])


def _run_apart(work: Callable[[], None], seconds: int, said) -> str | None:
    sys.stdout.flush()
    report, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(said.fileno(), sys.stderr.fileno())
        os.close(report)
        os.setpgid(0, 0)
        die_with_parent()
        try:
            work()
            failure = b""
        except BaseException as raised:  # whatever it was, it is the case's failure
            failure = _told(raised).encode()
        with os.fdopen(write_end, "wb") as pipe:
            pipe.write(b"=" + failure)
        os._exit(0)
    os.close(write_end)
    return _await(child, report, seconds)


def _told(raised: BaseException) -> str:
    """The exception and where in the client's cases it came from."""
    frames = [f"{frame.name}, line {frame.lineno}: {frame.line}" for frame in traceback.extract_tb(raised.__traceback__)
              if frame.filename.endswith("cases.py")]
    return "".join(traceback.format_exception_only(raised)) + "\n".join(frames)


def _await(child: int, report: int, seconds: int) -> str | None:
    deadline = time.monotonic() + seconds
    os.set_blocking(report, False)
    said, ended = b"", False
    while not ended and time.monotonic() < deadline:
        try:
            chunk = os.read(report, 65536)
            said, ended = said + chunk, not chunk
        except BlockingIOError:
            time.sleep(0.005)
    os.close(report)
    if not ended:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
    if not ended:
        return f"not done after {seconds} s"
    if not said.startswith(b"="):
        return f"the case's process died: status {os.waitstatus_to_exitcode(status)}"
    return said[1:].decode() or None
