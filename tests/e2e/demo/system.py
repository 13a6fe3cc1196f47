"""The running system: Kafka, Redis, the webhook provider and the five services, in one folder.

    system = System("build/local/demo")
    system.start()          # or attach() to one that runs
    system.stub("points")   # gRPC, with the API key of a pool in system.auth(pool)

Two pools: `cdnow` replays history (`clock: event`), `live` runs on the wall clock. A node is an instance
of a service: `points` where there is one, else `points-0`, `points-1` (`instances`). The folder holds
config.yaml, keys/<pool>/, state/<node>/, log/<node>.log and demo.json (ports). Not thread-safe.
"""

import http.client
import json
import os
import pathlib
import subprocess
import sys
import time

import grpc
import yaml

import stubs

ROOT = stubs.ROOT
sys.path.insert(0, str(ROOT / "deploy/local"))
from cluster import Cluster, free_port  # noqa: E402  (needs the path above)

SHARDS = 4
GENERATION = "g1"
HISTORY, LIVE = "cdnow", "live"
STATEFUL = ("identity", "points", "segmentation", "messaging")
SERVICES = ("ingest", *STATEFUL)
READY_LIMIT_S = 60.0
RULES = {
    "points": {"program": "loyalty", "points": 1, "per_units": 1, "expiry_days": 365},
    "segmentation": {"lapsed_after_days": 180, "repeat_purchases": 2},
    "messaging": {"campaigns": [{"id": "win-back", "segment": "lapsed", "channel": "webhook"}]},
}


class SystemFailure(RuntimeError):
    pass


def service_of(node):
    return node.partition("-")[0]


class System:
    pools = ((HISTORY, "event"), (LIVE, "live"))
    rules = RULES
    pool_rules = {}          # {pool: further keys of its configuration}
    instances = {}           # {service: how many}, one where nothing is said
    channel_options = (("grpc.enable_http_proxy", 0),)

    def __init__(self, folder, binaries=None):
        self.dir = pathlib.Path(folder).resolve()
        self.binaries = pathlib.Path(binaries or os.environ.get("REGULARS_BIN",
                                                                ROOT / "build/release/bin"))
        self.cluster = Cluster(self.dir)
        self.ports = {}       # {node: {"grpc": port, "health": port}}, provider: {"http": port}
        self._channels = {}

    def nodes(self, *services):
        """The nodes of these services, of all without an argument."""
        return [name if self.instances.get(name, 1) == 1 else f"{name}-{slot}"
                for name in services or SERVICES for slot in range(self.instances.get(name, 1))]

    # -- start and stop ----------------------------------------------------------------------------
    def start(self):
        """Everything from nothing; what was in the folder is lost."""
        self._check_binaries()
        if self.cluster.pids.alive():
            self.cluster.down()
        # A broker that lives for minutes spends half its time on the second JIT compiler otherwise.
        os.environ.setdefault("KAFKA_OPTS", "-XX:TieredStopAtLevel=1")
        self.cluster.up(fresh=True)
        self.cluster.create_topics(shards=SHARDS, generation=GENERATION)
        self._write_keys_and_config()
        self._start_provider()
        self.ports.update({node: {"grpc": free_port(), "health": free_port()}
                           for node in self.nodes()})
        for node in self.nodes():
            self.start_node(node)
        for node in self.nodes():
            self.wait_ready(node)
        (self.dir / "demo.json").write_text(json.dumps({"ports": self.ports}, indent=1) + "\n")

    def attach(self):
        """To the system that an earlier run left running in this folder."""
        path = self.dir / "demo.json"
        missing = {"kafka", "redis", "provider", *self.nodes()} - set(self.cluster.pids.alive())
        if os.environ.get("KAFKA_BOOTSTRAP"):
            missing.discard("kafka")
        if os.environ.get("REDIS_ADDRESS"):
            missing.discard("redis")
        if not path.exists() or missing:
            raise SystemFailure("nothing to attach to: run `make demo` first"
                               + (f" (not running: {', '.join(sorted(missing))})" if missing else ""))
        self.ports = json.loads(path.read_text())["ports"]

    def stop(self, wipe=False):
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()
        self.cluster.down(wipe=wipe)

    def check_alive(self):
        """Raises with the tail of the log when a process has ended."""
        alive = self.cluster.pids.alive()
        for name in ("provider", *self.nodes()):
            if name not in alive:
                raise SystemFailure(f"{name} has ended:\n{self.cluster.log_tail(name)}")

    # -- talk --------------------------------------------------------------------------------------
    def auth(self, pool, name="api-key"):
        """Of one of the keys that deploy/keys/make_keys.sh made."""
        key = (self.dir / "keys" / pool / name).read_text().strip()
        return (("authorization", f"Bearer {key}"),)

    def channel(self, node):
        if node not in self._channels:
            self._channels[node] = grpc.insecure_channel(
                f"127.0.0.1:{self.ports[node]['grpc']}", options=list(self.channel_options))
        return self._channels[node]

    def stub(self, node):
        service = service_of(node)
        name = f"{service}_service_pb2_grpc"
        module = __import__(f"regulars.{service}.v1.{name}", fromlist=["x"])
        return getattr(module, f"{service.capitalize()}ServiceStub")(self.channel(node))

    def clock_stub(self, node):
        from regulars.runtime.v1 import runtime_service_pb2_grpc
        return runtime_service_pb2_grpc.RuntimeServiceStub(self.channel(node))

    def metrics(self, node):
        """{name{labels}: value} of the node's /metrics."""
        _, text = self._get(self.ports[node]["health"], "/metrics")
        rows = (line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#")
        return {name: float(value) for name, value in rows}

    def provider_counts(self):
        return json.loads(self._get(self.ports["provider"]["http"], "/counts")[1])

    @property
    def bootstrap(self):
        return self.cluster.env()["KAFKA_BOOTSTRAP"]

    @property
    def redis_address(self):
        return self.cluster.env()["REDIS_ADDRESS"]

    # -- inside ------------------------------------------------------------------------------------
    def _check_binaries(self):
        services = dict.fromkeys(map(service_of, self.nodes()))
        missing = [name for name in services if not (self.binaries / f"regulars-{name}").exists()]
        if missing:
            raise SystemFailure(f"not built in {self.binaries}: {', '.join(missing)}; run `make build`")

    def _write_keys_and_config(self):
        pools = []
        for name, clock in self.pools:
            keys = self.dir / "keys" / name
            subprocess.run([ROOT / "deploy/keys/make_keys.sh", name, keys], check=True,
                           stdout=subprocess.DEVNULL)
            pools.append({"name": name, "clock": clock, "pepper_file": str(keys / "pepper"),
                          "seal_key_file": str(keys / "seal-key"),
                          "transport_keys_file": str(keys / "transport-keys"),
                          "kek_file": str(keys / "kek"),
                          "api_keys_file": str(keys / "api-keys"), **self.rules,
                          **self.pool_rules.get(name, {})})
        config = {"generation": GENERATION, "shards": SHARDS,
                  "kafka_bootstrap": self.bootstrap, "redis_addresses": [self.redis_address],
                  "pools": pools}
        (self.dir / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))

    def _start_provider(self):
        port_file = self.dir / "provider.port"
        port_file.unlink(missing_ok=True)
        self.cluster.run("provider", [sys.executable, ROOT / "tests/e2e/provider/provider.py",
                                      "--port-file", port_file])
        deadline = time.monotonic() + READY_LIMIT_S
        while not port_file.exists():
            if "provider" not in self.cluster.pids.alive() or time.monotonic() > deadline:
                raise SystemFailure("the provider did not start:\n" + self.cluster.log_tail("provider"))
            time.sleep(0.02)
        self.ports["provider"] = {"http": int(port_file.read_text())}

    def start_node(self, node):
        service, ports = service_of(node), self.ports[node]
        settings = {"grpc_listen": f"127.0.0.1:{ports['grpc']}",
                    "health_listen": f"127.0.0.1:{ports['health']}",
                    "slot": node.partition("-")[2] or "0",
                    "instances": self.instances.get(service, 1),
                    "state_dir": self.dir / "state" / node}
        if service == "messaging":
            settings["webhook_url"] = f"http://127.0.0.1:{self.ports['provider']['http']}/deliver"
        settings["state_dir"].mkdir(parents=True, exist_ok=True)
        argv = [self.binaries / f"regulars-{service}", f"--config={self.dir}/config.yaml"]
        argv += [f"--set={key}={value}" for key, value in settings.items()]
        self.cluster.run(node, argv)

    def wait_ready(self, name):
        deadline = time.monotonic() + READY_LIMIT_S
        said = "no answer"
        while True:
            if name not in self.cluster.pids.alive():
                raise SystemFailure(f"{name} ended while starting:\n{self.cluster.log_tail(name)}")
            try:
                code, said = self._get(self.ports[name]["health"], "/readyz")
                if code == 200:
                    return
            except OSError:
                pass
            if time.monotonic() > deadline:
                raise SystemFailure(f"{name} is not ready after {READY_LIMIT_S:.0f} s ({said.strip()}):\n"
                                   + self.cluster.log_tail(name))
            time.sleep(0.05)

    @staticmethod
    def _get(port, path):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()
