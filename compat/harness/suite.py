"""Runs the clients' cases and tells how it went."""

import argparse
import importlib
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from . import environment, report
from .brokers import QUICK_GROUPS, ApacheKafka, Broker, Klamm, Running
from .case import Case, run_apart, take_declared
from .wire import API_KEYS, Connection

EXCLUSIONS = environment.COMPAT / "exclusions.json"


@dataclass
class Client:
    """A folder of cases, and how they went."""

    name: str
    version: str = ""
    cases: list[Case] = field(default_factory=list)
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    missing: str | None = None
    path: list[str] = field(default_factory=list)
    modules: dict[str, ModuleType] = field(default_factory=dict)

    def enter(self):
        """Makes this client's modules and packages the ones that are found."""
        sys.path[:0] = self.path
        sys.modules.update(self.modules)
        os.environ["PYTHONPATH"] = os.pathsep.join(self.path)

    def leave(self):
        """Takes them away again, since another client may have others of the same names."""
        del sys.path[:len(self.path)]
        del os.environ["PYTHONPATH"]
        homes = tuple(f"{folder}/" for folder in self.path)
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(homes):
                self.modules[name] = sys.modules.pop(name)


class Suite:
    def __init__(self, wanted: argparse.Namespace, folder: Path):
        self.wanted, self.folder = wanted, folder
        self.exclusions = {(each["client"], each["case"]): each["reason"] for each in json.loads(EXCLUSIONS.read_text())}
        self.kind = ApacheKafka if wanted.broker == "kafka" else Klamm
        if wanted.binary:
            Klamm.binary = wanted.binary.resolve()
        self.started: list[Broker] = []
        self.shared: Broker | Running | None = None
        self.stopped = False
        self.advertised: set[int] | None = None

    def clients(self) -> list[Client]:
        folders = sorted(path.parent for path in environment.COMPAT.glob("*/cases.py"))
        unknown = set(self.wanted.client or ()) - {folder.name for folder in folders}
        if unknown:
            raise SystemExit(f"no client {', '.join(sorted(unknown))}; there are {', '.join(each.name for each in folders)}")
        return [load(folder) for folder in folders if not self.wanted.client or folder.name in self.wanted.client]

    def chosen(self, case: Case) -> bool:
        if self.wanted.case and self.wanted.case not in case.name:
            return False
        if self.wanted.needs and case.needs != self.wanted.needs:
            return False
        if self.wanted.bootstrap and case.fixture != "broker":
            return False
        if self.wanted.case and case.fixture == "stopped":
            return False  # it looks at what the others left
        if case.klamm_only and (self.wanted.broker != "klamm" or self.wanted.bootstrap):
            return False
        return self.wanted.long or not case.long

    def new_broker(self, **settings) -> Broker:
        broker = self.kind(self.folder / f"broker-{len(self.started)}", settings)
        self.started.append(broker)
        return broker

    def shared_broker(self) -> Broker | Running:
        """The broker that most cases share. One that died under a case is started again for the next."""
        if self.shared is None:
            if self.wanted.bootstrap:
                self.shared = Running(self.wanted.bootstrap)
            else:
                self.shared = self.new_broker(**QUICK_GROUPS)
        if isinstance(self.shared, Broker) and not self.shared.alive():
            self.shared.start()
        return self.shared

    def stopped_broker(self) -> Broker:
        """The shared broker, from its last case on."""
        if not self.stopped:
            self.shared_broker().stop()
            self.stopped = True
        return self.shared

    def lacks(self, api: str) -> bool:
        """Whether the broker does not advertise this API. The first answer holds for the run."""
        if self.advertised is None:
            with Connection(self.shared_broker().bootstrap) as connection:
                self.advertised = set(connection.api_versions())
        return API_KEYS[api] not in self.advertised

    def run_case(self, client: Client, case: Case):
        if case.needs and self.lacks(case.needs):
            client.waiting.append(case.name)
            print(f"{client.name:16} {case.name:60} waiting for {case.needs}", flush=True)
            return
        began = time.monotonic()
        try:
            failure = self.attempt(client, case)
        except AssertionError as unfit:
            failure = str(unfit)
        took = time.monotonic() - began
        reason = self.exclusions.get((client.name, case.name))
        if reason and failure:
            client.excluded.append(f"{case.name}: {reason}")
            outcome, failure = "excluded", None
        elif reason:
            failure = f"passes, though exclusions.json excludes it ({reason}): drop the exclusion"
            outcome = "FAILED"
        else:
            outcome = "FAILED" if failure else "ok"
        print(f"{client.name:16} {case.name:60} {outcome} {took:.1f} s", flush=True)
        if failure:
            client.failed.append(case.name)
            print("    " + failure.strip().replace("\n", "\n    "), flush=True)
        elif outcome == "ok":
            client.passed += 1

    def attempt(self, client: Client, case: Case) -> str | None:
        def run(*arguments):
            client.enter()
            case.body(*arguments)

        if case.fixture == "fresh":
            number = len(self.started)
            self.started.append(None)
            own = _Fresh(self.kind, self.folder / f"own-{number}")
            return run_apart(lambda: own.use(run), case.seconds)
        if case.fixture == "stopped":
            broker = self.stopped_broker()
            return run_apart(lambda: run(broker), case.seconds)
        broker = self.shared_broker()
        failure = run_apart(lambda: run(broker), case.seconds)
        if not broker.alive():
            failure = f"{failure or ''}\nthe broker died:\n{broker.log_tail()}"
        return failure

    def run(self) -> list[Client]:
        clients = self.clients()
        turns = [(client, case) for client in clients if not client.missing for case in client.cases if self.chosen(case)]
        for late in (False, True):
            for client, case in turns:
                if (case.fixture == "stopped") == late:
                    self.run_case(client, case)
        return clients

    def close(self):
        if isinstance(self.shared, Broker) and self.shared.alive():
            self.shared.kill()


class _Fresh:
    """Makes brokers for one case, inside the case's process, and ends them with it."""

    def __init__(self, kind, folder: Path):
        self.kind, self.folder, self.made = kind, folder, []

    def __call__(self, **settings) -> Broker:
        return self._keep(self.kind(self.folder / str(len(self.made)), settings))

    def alone(self) -> Broker:
        """A broker that nobody configured."""
        return self._keep(self.kind.alone(self.folder / str(len(self.made))))

    def _keep(self, broker: Broker) -> Broker:
        self.made.append(broker)
        return broker

    def use(self, body):
        try:
            body(self)
        except BaseException as failure:
            for broker in self.made:
                failure.add_note(f"{broker.name} at {broker.folder} said last:\n{broker.log_tail()}")
            raise
        finally:
            for broker in self.made:
                if broker.alive():
                    broker.kill()


def load(folder: Path) -> Client:
    """The cases in a client's folder: what `cases.py` and `*_cases.py` declare. A client that cannot be brought has none and
    says what is missing."""
    client = Client(folder.name, path=[str(folder)])
    try:
        if packages := environment.packages(folder):
            client.path.append(str(packages))
        client.enter()
        for file in sorted(folder.glob("*cases.py")):
            importlib.import_module(file.stem)
        client.version = sys.modules["cases"].version()
    except (environment.Missing, ModuleNotFoundError) as missing:
        client.missing = str(missing)
    client.leave()
    client.cases = take_declared()
    return client


def run(wanted: argparse.Namespace) -> int:
    """The exit code: 0 only if every case of every client passed or is excluded with its reason."""
    environment.BUILD.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="compat-", dir=environment.BUILD))
    suite = Suite(wanted, folder)
    try:
        clients = suite.run()
    finally:
        suite.close()
    failed = sum(len(client.failed) + bool(client.missing) for client in clients)
    passed = sum(client.passed for client in clients)
    if failed:
        print(f"\nData and logs of this run are kept in {folder}")
    else:
        shutil.rmtree(folder)
    print("\n" + report.table(clients))
    if wanted.write_readme:
        report.write(clients)
    waiting = sum(len(client.waiting) for client in clients)
    print(f"\n{passed} passed, {failed} failed" + (f", {waiting} skipped" if waiting else ""))
    return 1 if failed or not passed else 0
