"""The stages of the identity figures. PeopleStage: Kafka, Redis, regulars-identity alone, and ingest's
topic filled in advance with touches of people whose card and openid are one; a pool that links, by
member, so that its input has as many partitions as that of the ledger. Whole: every service, with a
pool besides those of the demo that links in one shard, which is what a linking pool is by itself."""

import yaml

from context import tool
from ledger_stage import LedgerStage
from system import System

JOINED = "joined"
TOUCHES = "regulars.ingest.touches.v1.g1"
EVENTS = "regulars.identity.events.v1.g1"
POINTS = "regulars.points.events.v1.g1"
LINKS = "regulars.identity.links.v1.g1"
CHANGELOG = "regulars.identity.changelog.v1.g1"
GROUP = "regulars.identity.g1"


class PeopleStage(LedgerStage):
    service = "identity"
    rules = {"identity": {"linking": True, "link_scope": "member"}}

    def fill(self):
        self.fill_part(0, self.size.warm_up)

    def fill_part(self, begin, end):
        tool("fill-touches", bootstrap=self.bootstrap, topic=TOUCHES, to=end, **{"from": begin},
             **self.workload())

    def sum(self, name):
        return round(sum(value for key, value in self.service_metrics().items()
                         if key.startswith("regulars_shard_sum{") and f'sum="{name}"' in key))


class Whole(System):
    pools = (*System.pools, (JOINED, "live"))

    def _write_keys_and_config(self):
        super()._write_keys_and_config()
        path = self.dir / "config.yaml"
        config = yaml.safe_load(path.read_text())
        for pool in config["pools"]:
            if pool["name"] == JOINED:
                pool["identity"] = {"linking": True}
        path.write_text(yaml.safe_dump(config, sort_keys=False))
