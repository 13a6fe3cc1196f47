"""A real Kafka broker and a real Redis on free loopback ports, in one folder.

    cluster = Cluster("build/local/demo")
    cluster.up()                       # idempotent; writes <dir>/env
    cluster.create_topics(shards=4)
    cluster.run("points", ["build/release/bin/regulars-points", "--config=..."])
    cluster.down()                     # services first, then Redis and Kafka

Layout of the folder: env (KEY=VALUE, see env()), pids (processes.py), kafka/ and redis/ (settings and
data), log/<name>.log. KAFKA_BOOTSTRAP or REDIS_ADDRESS in the environment means "use that one": it is
only written into env and never started or stopped. KAFKA_HOME means "take the jars from there",
otherwise .cache/kafka/<version>/ (`make setup`). KAFKA_HEAP sets the broker's heap (default 1g),
KAFKA_OPTS further options of its JVM.

Not thread-safe. Errors are ClusterError with the tail of the failing server's log. Ports are taken
below the ephemeral range, so that a client's outgoing connection cannot occupy the port of a broker
that is down for a moment.
"""

import base64
import hashlib
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid

import processes

ROOT = pathlib.Path(__file__).resolve().parents[2]
KAFKA_VERSION = "4.1.1"
READY_LIMIT_S = 90.0
PORTS = (21000, 31999)
_given = set()  # not listened on yet: binding would not notice


class ClusterError(RuntimeError):
    pass


def cache_dir():
    return pathlib.Path(os.environ.get("REGULARS_CACHE", ROOT / ".cache"))


def free_port():
    """A port of PORTS on which nothing listens now, and that no earlier call has given out."""
    for _ in range(1000):
        port = random.randint(*PORTS)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                _given.add(port)
                return port
            except OSError:
                continue
    raise ClusterError(f"no free port in {PORTS}")


def registry_dir():
    return pathlib.Path(tempfile.gettempdir()) / f"regulars-local-{os.getuid()}"


def running_clusters():
    """Folders of all clusters of this user on this machine that have a live process."""
    found = []
    for entry in sorted(registry_dir().glob("*")):
        folder = pathlib.Path(entry.read_text().strip())
        if folder.is_dir() and processes.PidTable(folder / "pids").alive():
            found.append(folder)
        else:
            entry.unlink(missing_ok=True)
    return found


class Cluster:
    # For a test that needs servers with more than the plain settings.
    redis_options = ()

    def broker_properties(self, text):
        return text

    def __init__(self, folder):
        self.dir = pathlib.Path(folder).resolve()
        self.pids = processes.PidTable(self.dir / "pids")

    # -- whole cluster -----------------------------------------------------------------------------
    def up(self, fresh=False, exclusive=False):
        """Starts what is not running and waits until it answers. `fresh` wipes the folder first;
        `exclusive` refuses while another cluster of this user runs (benchmarks)."""
        if exclusive:
            others = [str(folder) for folder in running_clusters() if folder != self.dir]
            if others:
                raise ClusterError("another local cluster is running: " + ", ".join(others))
        if fresh:
            self.down()
            shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True, exist_ok=True)
        self._register()
        self.start_redis()
        self.start_broker()
        return self.env()

    def down(self, wipe=False):
        """Stops services (last started first), then Redis and the broker. Idempotent."""
        alive = self.pids.alive()
        servers = [name for name in ("redis", "kafka") if name in alive]
        for name in [name for name in reversed(list(alive)) if name not in servers] + servers:
            processes.stop(alive[name], grace_s=15.0 if name == "kafka" else 10.0)
        if (self.dir / "pids").exists():
            (self.dir / "pids").unlink()
        self._registry_entry().unlink(missing_ok=True)
        if wipe:
            shutil.rmtree(self.dir, ignore_errors=True)

    def env(self):
        """{KAFKA_BOOTSTRAP, REDIS_ADDRESS, LOCAL_DIR}; empty before the first up()."""
        path = self.dir / "env"
        if not path.exists():
            return {}
        return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)

    def status(self):
        """{name: pid}, plus env()."""
        return {"running": self.pids.alive(), "env": self.env()}

    # -- services ----------------------------------------------------------------------------------
    def run(self, name, argv, env=None, cwd=None):
        """Starts a service that down() will stop; refuses a name that is alive. Returns its pid."""
        if name in self.pids.alive():
            raise ClusterError(f"{name} is already running")
        pid = processes.start([str(part) for part in argv], self.dir / "log" / f"{name}.log",
                              env={**self.env(), **(env or {})}, cwd=cwd)
        self.pids.add(name, pid)
        return pid

    def stop(self, name, grace_s=10.0, sig=signal.SIGTERM):
        """Ends one process. True if it ended by itself within `grace_s` (or was not running)."""
        pid = self.pids.alive().get(name)
        ended = True if pid is None else processes.stop(pid, grace_s, sig)
        self.pids.remove(name)
        return ended

    def create_topics(self, shards=4, generation="g1", profile="local"):
        import topics
        return topics.create(self.env()["KAFKA_BOOTSTRAP"], shards=shards, generation=generation,
                             profile=profile)

    # -- Kafka -------------------------------------------------------------------------------------
    def start_broker(self):
        """Starts the broker on the port it had before (a new one the first time)."""
        if os.environ.get("KAFKA_BOOTSTRAP"):
            self._set_env("KAFKA_BOOTSTRAP", os.environ["KAFKA_BOOTSTRAP"])
        elif "kafka" not in self.pids.alive():
            self._launch_broker()
        self._wait_kafka()

    def kill_broker(self):
        """kill -9; the data stays."""
        self._kill("kafka")

    def _launch_broker(self):
        home = self.dir / "kafka"
        properties = home / "server.properties"
        if not properties.exists():
            self._format_broker(home, properties)
        heap = os.environ.get("KAFKA_HEAP", "1g")
        # G1 with a short pause goal keeps latency figures of 2-core machines steady.
        self.run("kafka", [*self._java(), f"-Xmx{heap}", "-Xms256m", "-XX:+UseG1GC",
                           "-XX:MaxGCPauseMillis=20", "-XX:+ExitOnOutOfMemoryError",
                           *os.environ.get("KAFKA_OPTS", "").split(),
                           f"-Dregulars.kafka.log={self.dir}/log/broker.log",
                           f"-Dlog4j.configuration=file:{ROOT}/deploy/local/log4j.properties",
                           "kafka.Kafka", properties])

    def _format_broker(self, home, properties):
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        port, controller = free_port(), free_port()
        template = (ROOT / "deploy/local/server.properties").read_text()
        properties.write_text(self.broker_properties(
            template.replace("@PORT@", str(port)).replace("@CONTROLLER_PORT@", str(controller))
            .replace("@DATA@", str(home / "data"))))
        done = subprocess.run([*self._java(), "-Xmx256m", "-XX:TieredStopAtLevel=1",
                               f"-Dregulars.kafka.log={home}/format.log",
                               f"-Dlog4j.configuration=file:{ROOT}/deploy/local/log4j.properties",
                               "kafka.tools.StorageTool", "format", "-t", _cluster_id(),
                               "-c", str(properties)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            properties.unlink()
            raise ClusterError("formatting the broker's folder failed: " + done.stdout + done.stderr)
        self._set_env("KAFKA_BOOTSTRAP", f"127.0.0.1:{port}")

    def _java(self):
        home = os.environ.get("KAFKA_HOME")
        jars = pathlib.Path(home) / "libs" if home else cache_dir() / "kafka" / KAFKA_VERSION
        if not any(jars.glob("kafka_2.13-*.jar")):
            raise ClusterError(f"no Kafka jars in {jars}: run `make setup` or set KAFKA_HOME")
        java = os.environ.get("JAVA_HOME")
        return [f"{java}/bin/java" if java else "java", "-cp", f"{jars}/*"]

    def _wait_kafka(self):
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient
        bootstrap = self.env()["KAFKA_BOOTSTRAP"]
        own = not os.environ.get("KAFKA_BOOTSTRAP")
        deadline = time.monotonic() + READY_LIMIT_S
        self._wait_port(bootstrap, "kafka" if own else None, deadline)
        admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0,
                             "error_cb": lambda error: None, "reconnect.backoff.max.ms": 100})
        while True:
            try:
                if admin.list_topics(timeout=1.0).brokers:
                    return
            except KafkaException:
                pass
            self._check_alive("kafka" if own else None, deadline)

    # -- Redis -------------------------------------------------------------------------------------
    def start_redis(self):
        """Starts an empty Redis on the port it had before (a new one the first time)."""
        if os.environ.get("REDIS_ADDRESS"):
            self._set_env("REDIS_ADDRESS", os.environ["REDIS_ADDRESS"])
        elif "redis" not in self.pids.alive():
            address = self.env().get("REDIS_ADDRESS") or f"127.0.0.1:{free_port()}"
            self._set_env("REDIS_ADDRESS", address)
            (self.dir / "redis").mkdir(exist_ok=True)
            # A view that can be thrown away: nothing on disk, hot members evicted first.
            self.run("redis", ["redis-server", "--bind", "127.0.0.1", "--port",
                               address.rsplit(":", 1)[1], "--dir", self.dir / "redis", "--save", "",
                               "--appendonly", "no", "--maxmemory",
                               os.environ.get("REDIS_MAXMEMORY", "1gb"),
                               "--maxmemory-policy", "volatile-lru", "--daemonize", "no",
                               *self.redis_options])
        self._wait_redis()

    def kill_redis(self):
        """kill -9; everything in it is lost, as intended."""
        self._kill("redis")

    def _wait_redis(self):
        address = self.env()["REDIS_ADDRESS"]
        own = "redis" if not os.environ.get("REDIS_ADDRESS") else None
        deadline = time.monotonic() + READY_LIMIT_S
        while True:
            self._wait_port(address, own, deadline)
            host, port = address.rsplit(":", 1)
            try:
                with socket.create_connection((host, int(port)), 1.0) as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(64).startswith((b"+PONG", b"-NOAUTH")):
                        return
            except OSError:
                pass
            self._check_alive(own, deadline)

    # -- inside ------------------------------------------------------------------------------------
    def _wait_port(self, address, name, deadline):
        host, port = address.rsplit(":", 1)
        while True:
            try:
                socket.create_connection((host, int(port)), 1.0).close()
                return
            except OSError:
                self._check_alive(name, deadline)

    def _check_alive(self, name, deadline):
        """Pauses briefly; raises when `name` died or the deadline passed."""
        if name and name not in self.pids.alive():
            raise ClusterError(f"{name} ended while starting:\n{self.log_tail(name)}")
        if time.monotonic() > deadline:
            raise ClusterError(f"{name or 'server'} not ready in {READY_LIMIT_S:.0f} s")
        time.sleep(0.05)

    def log_tail(self, name, lines=20):
        text = ""
        for path in [self.dir / "log" / f"{name}.log"] + (
                [self.dir / "log/broker.log"] if name == "kafka" else []):
            if path.exists():
                text += "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) + "\n"
        return text

    def _kill(self, name):
        pid = self.pids.alive().get(name)
        if pid is None:
            raise ClusterError(f"{name} is not running in {self.dir} (or not started by it)")
        processes.stop(pid, grace_s=10.0, sig=signal.SIGKILL)
        self.pids.remove(name)

    def _set_env(self, key, value):
        values = {**self.env(), "LOCAL_DIR": str(self.dir), key: value}
        (self.dir / "env").write_text("".join(f"{k}={v}\n" for k, v in sorted(values.items())))

    def _registry_entry(self):
        return registry_dir() / hashlib.sha256(str(self.dir).encode()).hexdigest()[:16]

    def _register(self):
        registry_dir().mkdir(mode=0o700, exist_ok=True)
        self._registry_entry().write_text(f"{self.dir}\n")


def _cluster_id():
    """22 characters of URL-safe base64 that do not start with '-' (StorageTool reads an option)."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
