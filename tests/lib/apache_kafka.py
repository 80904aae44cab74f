"""Apache Kafka as reference: its jars by Maven's client, its broker as a process, its tools as commands."""

import base64
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import uuid

import processes

INTEROP = pathlib.Path(__file__).resolve().parents[1] / "interop"
VERSION = re.search(r"<kafka.version>(.*)</kafka.version>", (INTEROP / "pom.xml").read_text()).group(1)
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "moldau" / f"kafka-{VERSION}"
# With 10,000 partitions on one core it takes minutes after a kill.
START_TIMEOUT_S = 300

# The feature levels that our own directories finalise; a directory that we are to open must not finalise more.
FEATURES = {"metadata.version": 30, "kraft.version": 1, "transaction.version": 0, "group.version": 0,
            "eligible.leader.replicas.version": 0, "share.version": 0, "streams.version": 0}

ACLS = "org.apache.kafka.tools.AclCommand"
FEATURES_TOOL = "org.apache.kafka.tools.FeatureCommand"
TOPICS = "org.apache.kafka.tools.TopicCommand"
CONFIGS = "kafka.admin.ConfigCommand"
CONSOLE_PRODUCER = "org.apache.kafka.tools.ConsoleProducer"
CONSOLE_CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"
CONSUMER_GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
VERIFIABLE_CONSUMER = "org.apache.kafka.tools.VerifiableConsumer"
VERIFIABLE_PRODUCER = "org.apache.kafka.tools.VerifiableProducer"
GET_OFFSETS = "org.apache.kafka.tools.GetOffsetShell"
API_VERSIONS = "org.apache.kafka.tools.BrokerApiVersionsCommand"
METADATA_QUORUM = "org.apache.kafka.tools.MetadataQuorumCommand"
CLUSTER = "org.apache.kafka.tools.ClusterTool"
LOG_DIRS = "org.apache.kafka.tools.LogDirsCommand"
DELETE_RECORDS = "org.apache.kafka.tools.DeleteRecordsCommand"
DUMP_LOG = "org.apache.kafka.tools.DumpLogSegments"
STORAGE = "kafka.tools.StorageTool"


class Unavailable(Exception):
    """Something that a registry or this machine should give is not there: the tests that need it are skipped."""


def class_path():
    """Kafka's jars and our compiled test clients; fetched and compiled at first use, kept in the user's cache."""
    for tool in ("java", "javac", "mvn"):
        if not shutil.which(tool):
            raise Unavailable(f"{tool} is not installed; Apache Kafka {VERSION} needs a JDK of 17 or later and Maven")
    return f"{_clients()}:{_jars()}/*"


def _jars():
    folder = CACHE / "libs"
    if folder.is_dir():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        command = ["mvn", "-q", "-B", "-f", str(INTEROP / "pom.xml"), "dependency:copy-dependencies",
                   f"-DoutputDirectory={scratch}/libs", "-DincludeScope=runtime"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=900)
        except subprocess.TimeoutExpired as e:
            raise Unavailable("Maven brought no jars within 15 minutes") from e
        if done.returncode != 0:
            reason = (done.stdout + done.stderr).strip().partition("\n")[0]
            raise Unavailable(f"Maven cannot resolve Apache Kafka {VERSION}: {reason[:400]}")
        os.rename(f"{scratch}/libs", folder)
    return folder


def _clients():
    """The folder of the compiled classes of tests/interop/java, named by a hash of the sources."""
    sources = sorted((INTEROP / "java").rglob("*.java"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    folder = CACHE / f"classes-{digest}"
    if folder.is_dir():
        return folder
    jars = _jars()
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        subprocess.run(["javac", "-nowarn", "-d", f"{scratch}/classes", "-cp", f"{jars}/*", *map(str, sources)],
                       check=True, timeout=300, stderr=subprocess.PIPE)
        os.rename(f"{scratch}/classes", folder)
    return folder


def java_command(main_class, *arguments):
    """The command of one of Kafka's tools or of our test clients, for a program that lives shortly."""
    return ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto",
            f"-Dlog4j2.configurationFile={INTEROP / 'log4j2.xml'}", "-cp", class_path(), main_class, *map(str, arguments)]


def java(main_class, *arguments, timeout_s=90, stdin=None, check=True):
    """Runs one of Kafka's tools or our test clients to its end; returns the process with its output as text."""
    done = subprocess.run(java_command(main_class, *arguments), input=stdin, capture_output=True, text=True, timeout=timeout_s)
    done.stdout = _without_noise(done.stdout)
    done.stderr = _without_noise(done.stderr)
    if check and done.returncode != 0:
        raise RuntimeError(f"{main_class} {' '.join(map(str, arguments))} ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


def _without_noise(text):
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("SLF4J"))


def dump_log(path, *options):
    return java(DUMP_LOG, *options, "--files", path).stdout


def random_uuid():
    """As Kafka prints it; not with a leading '-', which its tools take for a flag."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text


class KafkaBroker:
    """An Apache Kafka broker and controller in one process, used like MoldauBroker."""

    def __init__(self, directory=None, ports=None, overrides=None, prefix=(), heap="512m", features=None):
        self._own = None if directory else tempfile.TemporaryDirectory(prefix="kafka-")
        self.directory = pathlib.Path(directory or self._own.name)
        self.data = self.directory / "data"
        self.log_path = self.directory / "kafka.log"
        self.port, self.controller_port = ports or processes.free_ports(2)
        self.address = f"127.0.0.1:{self.port}"
        self._overrides = dict(overrides or {})
        self._prefix = list(prefix)
        self._heap = heap
        self._features = FEATURES if features is None else features
        self.server = None

    def configuration(self):
        return {
            "node.id": "1",
            "process.roles": "broker,controller",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self.controller_port}",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(self.data),
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            **self._overrides,
        }

    def write_properties(self, **more):
        path = self.directory / "server.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in {**self.configuration(), **more}.items()))
        return path

    def format(self, properties):
        features = [word for name, level in self._features.items() for word in ("-f", f"{name}={level}")]
        java(STORAGE, "format", "-t", random_uuid(), "-c", properties, "--standalone", *features)

    def start(self, **more):
        """Formats an empty directory, starts the broker and waits until it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        properties = self.write_properties(**more)
        if not (self.data / "meta.properties").exists():
            self.format(properties)
        command = [*self._prefix, "java", f"-Xmx{self._heap}", "-XX:+UseG1GC", f"-Dlog4j2.configurationFile={INTEROP / 'log4j2.xml'}",
                   "-Dmoldau.level=INFO", "-cp", class_path(), "kafka.Kafka", str(properties)]
        self.server = processes.Server(f"Apache Kafka {VERSION}", command, self.log_path)
        self.server.wait_until_it_answers(self.port, START_TIMEOUT_S)
        return self

    def stop(self):
        self.server.stop(START_TIMEOUT_S)

    def kill(self):
        self.server.kill()

    def close(self):
        if self.server:
            self.server.kill()
        if self._own:
            self._own.cleanup()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()
