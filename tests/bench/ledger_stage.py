"""The stage of the points figures: Kafka, Redis, regulars-points alone, and its input topic filled in
advance in the form in which identity writes it. One pool with a live clock."""

import pathlib
import signal
import subprocess
import time

import yaml
from confluent_kafka.admin import AdminClient, NewTopic

from context import ROOT, SHARDS, BenchFailure, binaries, tool, wait_for
from system import System
from cluster import Cluster, free_port

POOL = "bench"
INPUT = "regulars.identity.events.v1.g1"
EVENTS = "regulars.points.events.v1.g1"
CHANGELOG = "regulars.points.changelog.v1.g1"
GROUP = "regulars.points.g1"
# What the bare clients and the peer write to.
BENCH_TOPICS = ("bench.echo.events", "bench.echo.changelog", "bench.echo.copy", "bench.idle",
                "bench.txn.events", "bench.txn.commands", "bench.txn.changelog",
                "bench.streams.events")
STOP_LIMIT_S = 60.0


class LedgerStage:
    service = "points"
    rules = {"points": {"program": "loyalty", "points": 1, "per_units": 1, "expiry_days": 365}}

    def __init__(self, folder, size, alone):
        self.dir = pathlib.Path(folder).resolve()
        self.size = size
        self.cluster = Cluster(self.dir)
        self._alone = alone
        self.ports = {"grpc": free_port(), "health": free_port()}
        self.begin_us = 0

    def start(self):
        self.cluster.up(fresh=True, exclusive=self._alone)
        self.cluster.create_topics(shards=SHARDS)
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 3})
        for made in admin.create_topics([NewTopic(name, SHARDS, 1) for name in BENCH_TOPICS]).values():
            made.result(30)
        self._write_config()
        # All inputs lie in the past, and no lot expires during the run.
        self.begin_us = time.time_ns() // 1000 - self.size.records * 1000 - 3_600_000_000
        self.fill()

    def fill(self):
        tool("fill", bootstrap=self.bootstrap, topic=INPUT, **self.workload())

    def stop(self, wipe):
        self.cluster.down(wipe=wipe)

    def workload(self):
        return {"members": self.size.members, "records": self.size.records, "pool": POOL,
                "begin_us": self.begin_us, "shards": SHARDS}

    @property
    def bootstrap(self):
        return self.cluster.env()["KAFKA_BOOTSTRAP"]

    @property
    def redis_address(self):
        return self.cluster.env()["REDIS_ADDRESS"]

    @property
    def api_key(self):
        return (self.dir / "keys/api-key").read_text().strip()

    @property
    def state_dir(self):
        return self.dir / "state"

    # -- the service ---------------------------------------------------------------------------
    def start_service(self, wait=True):
        settings = {"grpc_listen": f"127.0.0.1:{self.ports['grpc']}",
                    "health_listen": f"127.0.0.1:{self.ports['health']}",
                    "state_dir": self.state_dir}
        self.state_dir.mkdir(exist_ok=True)
        pid = self.cluster.run(self.service, [
            binaries() / f"regulars-{self.service}", f"--config={self.dir}/config.yaml",
            *(f"--set={name}={value}" for name, value in settings.items())])
        if wait:
            wait_for(self.service_ready, f"{self.service} is ready", 120.0, 0.005)
        return pid

    def stop_service(self, sig=signal.SIGTERM):
        self.cluster.stop(self.service, STOP_LIMIT_S, sig)

    def service_ready(self):
        if self.service not in self.cluster.pids.alive():
            raise BenchFailure(f"{self.service} has ended:\n"
                               + self.cluster.log_tail(self.service))
        try:
            return System._get(self.ports["health"], "/readyz")[0] == 200
        except OSError:
            return False

    def service_metrics(self):
        _, text = System._get(self.ports["health"], "/metrics")
        rows = (line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#")
        return {name: float(value) for name, value in rows}

    def view_caught_up(self):
        return self.service_metrics().get("regulars_view_caught_up") == 1

    # -- inside ------------------------------------------------------------------------------------
    def _write_config(self):
        keys = self.dir / "keys"
        subprocess.run([ROOT / "deploy/keys/make_keys.sh", POOL, keys], check=True,
                       stdout=subprocess.DEVNULL)
        pool = {"name": POOL, "clock": "live", "pepper_file": str(keys / "pepper"),
                "seal_key_file": str(keys / "seal-key"), "api_keys_file": str(keys / "api-keys"),
                **self.rules}
        config = {"generation": "g1", "shards": SHARDS, "slot": 0, "instances": 1,
                  "kafka_bootstrap": self.bootstrap, "redis_addresses": [self.redis_address],
                  "pools": [pool]}
        (self.dir / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
