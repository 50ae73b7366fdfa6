"""Runs the clients' cases and tells how it went."""

import argparse
import importlib.util
import json
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import environment, report
from .brokers import ApacheKafka, Broker, Klamm, Running
from .case import Case, run_apart, take_declared

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
    missing: str | None = None


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

    def clients(self) -> list[Client]:
        folders = sorted(path.parent for path in environment.COMPAT.glob("*/cases.py"))
        unknown = set(self.wanted.client or ()) - {folder.name for folder in folders}
        if unknown:
            raise SystemExit(f"no client {', '.join(sorted(unknown))}; there are {', '.join(each.name for each in folders)}")
        return [load(folder) for folder in folders if not self.wanted.client or folder.name in self.wanted.client]

    def chosen(self, case: Case) -> bool:
        if self.wanted.case and self.wanted.case not in case.name:
            return False
        if self.wanted.bootstrap and case.needs != "broker":
            return False
        if self.wanted.case and case.needs == "stopped":
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
                self.shared = self.new_broker()
        if isinstance(self.shared, Broker) and not self.shared.alive():
            self.shared.start()
        return self.shared

    def stopped_broker(self) -> Broker:
        """The shared broker, from its last case on."""
        if not self.stopped:
            self.shared_broker().stop()
            self.stopped = True
        return self.shared

    def run_case(self, client: Client, case: Case):
        began = time.monotonic()
        try:
            failure = self.attempt(case)
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

    def attempt(self, case: Case) -> str | None:
        if case.needs == "fresh":
            number = len(self.started)
            self.started.append(None)
            own = _Fresh(self.kind, self.folder / f"own-{number}")
            return run_apart(lambda: own.use(case.body), case.seconds)
        if case.needs == "stopped":
            broker = self.stopped_broker()
            return run_apart(lambda: case.body(broker), case.seconds)
        broker = self.shared_broker()
        failure = run_apart(lambda: case.body(broker), case.seconds)
        if not broker.alive():
            failure = f"{failure or ''}\nthe broker died:\n{broker.log_tail()}"
        return failure

    def run(self) -> list[Client]:
        clients = self.clients()
        turns = [(client, case) for client in clients if not client.missing for case in client.cases if self.chosen(case)]
        for late in (False, True):
            for client, case in turns:
                if (case.needs == "stopped") == late:
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
    """The cases in a client's folder; a client that cannot be brought has none and says what is missing."""
    client = Client(folder.name)
    spec = importlib.util.spec_from_file_location(folder.name.replace("-", "_") + "_cases", folder / "cases.py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        client.version = module.version()
    except (environment.Missing, ModuleNotFoundError) as missing:
        client.missing = str(missing)
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
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0
