"""Brings what the clients need, into `build/` or as Debian packages, and says what it could not bring."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

COMPAT = Path(__file__).resolve().parent.parent
ROOT = COMPAT.parent
BUILD = ROOT / "build"
VENV = BUILD / "venv"
KAFKA_VERSION = "4.3.0"
KAFKA = BUILD / f"kafka-{KAFKA_VERSION}"
SHARED_REQUIREMENTS = COMPAT / "confluent-kafka/requirements.txt"  # several clients' cases use it


class Missing(Exception):
    """Something that a client needs is not there and could not be brought; the text is the command that would."""


def _run(command: list[str], **keywords):
    print("  $", " ".join(map(str, command)), flush=True)
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **keywords)
    except (subprocess.CalledProcessError, OSError) as failure:
        raise Missing(" ".join(map(str, command))) from failure


def debian(package: str, program: str) -> str:
    """The path of `program`, from the Debian package if it has to be."""
    if not shutil.which(program):
        _apt_install(package)
    path = shutil.which(program)
    if not path:
        raise Missing(f"apt-get install {package}")
    return path


def _apt_install(package: str):
    """Installs a Debian package if this user may; else the command is what is missing."""
    patient = ["apt-get", "-y", "-qq", "-o", "Acquire::Retries=5", "-o", "Acquire::http::Timeout=30"]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Missing(f"sudo apt-get install {package}")
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    _run([*patient, "update"], env=quiet)
    _run([*patient, "install", "--no-install-recommends", package], env=quiet)


def _stamped(stamp: Path, sources: list[Path]) -> bool:
    """Whether `stamp` was written for these sources as they are now."""
    return stamp.exists() and stamp.read_text() == _digest(sources)


def _digest(sources: list[Path]) -> str:
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def python() -> Path:
    """The Python that runs the cases."""
    interpreter, stamp = VENV / "bin/python", VENV / "requirements.sha256"
    if not _stamped(stamp, [SHARED_REQUIREMENTS]):
        try:
            _run([sys.executable, "-m", "venv", "--clear", str(VENV)])
        except Missing:
            _apt_install("python3-venv")
            _run([sys.executable, "-m", "venv", "--clear", str(VENV)])
        _pip("-r", str(SHARED_REQUIREMENTS))
        stamp.write_text(_digest([SHARED_REQUIREMENTS]))
    return interpreter


def packages(client: Path) -> Path | None:
    """The folder with the Python packages of this client alone: two clients may be two versions of one package."""
    requirements, folder = client / "requirements.txt", BUILD / "python" / client.name
    stamp = folder / "requirements.sha256"
    if requirements == SHARED_REQUIREMENTS or not requirements.exists():
        return None
    if not _stamped(stamp, [requirements]):
        shutil.rmtree(folder, ignore_errors=True)
        _pip("--target", str(folder), "-r", str(requirements))
        stamp.write_text(_digest([requirements]))
    return folder


def _pip(*arguments: str):
    _run([str(VENV / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--timeout", "30",
          "--retries", "5", *arguments])


def jars() -> Path:
    """The folder with Apache Kafka's jars."""
    pom, folder, stamp = COMPAT / "apache-kafka/pom.xml", KAFKA / "libs", KAFKA / "pom.sha256"
    if not _stamped(stamp, [pom]):
        debian("openjdk-17-jdk-headless", "java")
        debian("maven", "mvn")
        shutil.rmtree(folder, ignore_errors=True)
        _run(["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={folder}",
              "-Dmaven.wagon.http.retryHandler.count=5"])
        stamp.write_text(_digest([pom]))
    return folder


QUICK_TO_START = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]


def java(main_class: str, *arguments: str, machine=QUICK_TO_START, classes: Path | None = None) -> list[str]:
    """The command line of a program of Apache Kafka's; with `classes`, of one of ours, which loads the tools by itself."""
    libraries = jars()
    if classes:
        path = os.pathsep.join([str(classes), *(str(jar) for jar in libraries.glob("*.jar") if jar not in tool_jars())])
    else:
        path = f"{libraries}/*"
    return ["java", *machine, f"-Dlog4j2.configurationFile={COMPAT / 'apache-kafka/log4j2.xml'}", "-cp", path, main_class, *arguments]


def tool_jars() -> list[Path]:
    """Where the tools' own classes are."""
    return [jars() / f"kafka-{part}-{KAFKA_VERSION}.jar" for part in ("tools", "shell")]


def java_program() -> Path:
    """The folder with the classes of `java-client/`."""
    folder = COMPAT / "java-client"
    sources, classes = sorted(folder.glob("*.java")), BUILD / folder.name
    stamp = classes / "sources.sha256"
    if not _stamped(stamp, sources):
        libraries = jars()
        debian("openjdk-17-jdk-headless", "javac")
        shutil.rmtree(classes, ignore_errors=True)
        _run(["javac", "-nowarn", "-Xlint:-options", "-d", str(classes), "-cp", f"{libraries}/*", *map(str, sources)])
        stamp.write_text(_digest(sources))
    return classes


def rust_program(folder: Path) -> Path:
    """The program that this folder's Rust package makes, built into `build/`."""
    target = BUILD / folder.name
    sources, stamp = [folder / "Cargo.toml", folder / "Cargo.lock", *sorted(folder.glob("src/*.rs"))], target / "sources.sha256"
    if not _stamped(stamp, sources):
        _run(["cargo", "build", "--quiet", "--locked", "--manifest-path", str(folder / "Cargo.toml"), "--target-dir", str(target)])
        stamp.write_text(_digest(sources))
    return target / "debug" / f"compat-{folder.name}"


GO = "1.26.8"


def go_program(folder: Path) -> Path:
    """The program that this folder's Go module makes, built into `build/`."""
    sources = [folder / "go.mod", folder / "go.sum", *sorted(folder.glob("*.go"))]
    program, stamp = BUILD / folder.name / "client", BUILD / folder.name / "sources.sha256"
    if not _stamped(stamp, sources):
        if not shutil.which("go"):
            raise Missing(f"curl -L https://go.dev/dl/go{GO}.linux-amd64.tar.gz | sudo tar -C /usr/local -xz && "
                          "export PATH=$PATH:/usr/local/go/bin")
        program.parent.mkdir(parents=True, exist_ok=True)
        _run(["go", "build", "-C", str(folder), "-o", str(program), "."])
        stamp.write_text(_digest(sources))
    return program


def node_modules(folder: Path) -> Path:
    """The folder with the packages of this folder's package-lock.json."""
    sources, home = [folder / "package.json", folder / "package-lock.json"], BUILD / folder.name
    stamp = home / "package-lock.sha256"
    if not _stamped(stamp, sources):
        debian("nodejs", "node")
        debian("npm", "npm")
        home.mkdir(parents=True, exist_ok=True)
        for source in sources:
            shutil.copy(source, home)
        _run(["npm", "ci", "--prefix", str(home), "--ignore-scripts", "--no-audit", "--no-fund"])
        stamp.write_text(_digest(sources))
    return home / "node_modules"
