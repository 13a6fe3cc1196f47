"""The faults, each with its heal. A fault returns {figure: milliseconds until everything flowed again}.

The load runs all the time. "Flows again" is probe.flow: new customers go the whole way through every
service, read through gRPC. A heal is what an operator or Kubernetes would do (start the process), and
nothing else.
"""

import time

import probe
from rot import ViewRot
from system import STATEFUL, SystemFailure, service_of

ZOMBIE_BACKLOG = 800      # touches that keep a process busy while it is stopped
FREEZES_MAX, FREEZES_PER_BURST = 60, 10
ZOMBIE_BAIT = 12          # calls that wait for it in its socket
READY_LIMIT_S = 90.0


class Faults:
    def __init__(self, fleet, touches, redemptions, books, reader, zombies):
        self._fleet, self._touches, self._redemptions = fleet, touches, redemptions
        self._books, self._reader, self._zombies = books, reader, zombies
        self._rot = ViewRot(fleet, touches, books)

    def inject(self, chosen):
        self._rot.remember(chosen)
        time.sleep(chosen.pause_s)
        return getattr(self, chosen.kind)(chosen)

    # -- processes ---------------------------------------------------------------------------------
    def kill(self, chosen):
        start = time.monotonic()
        self._fleet.kill(chosen.node)
        self._fleet.start_node(chosen.node)
        return {"recover_service_ms": self._back(chosen.node, start)}

    def disk(self, chosen):
        self._fleet.end(chosen.node)
        self._fleet.wipe(chosen.node)
        time.sleep(chosen.pause_s)
        start = time.monotonic()
        self._fleet.start_node(chosen.node)
        return {"recover_disk_ms": self._back(chosen.node, start)}

    def zombie(self, chosen):
        service = service_of(chosen.node)
        other = next(node for node in self._fleet.nodes(service) if node != chosen.node)
        shards = self._fleet.owned(chosen.node).keys()
        watch = self._zombies.watch(chosen.node)
        start = self._freeze_inside_a_transaction(chosen.node, shards)
        try:
            if service == "points":
                self._redemptions.bait(chosen.node, ZOMBIE_BAIT, chosen.seed)
            self._fleet.wait(f"{other} owns the shards of {chosen.node}",
                             lambda: shards <= self._fleet.owned(other).keys(), READY_LIMIT_S)
            took_over = self._flow(start)
        finally:
            self._fleet.thaw(chosen.node)
        thawed = time.monotonic()
        self._wait_ready(chosen.node)
        back = self._flow(thawed)
        self._zombies.count(watch)
        return {"recover_takeover_ms": took_over, "recover_return_ms": back}

    # -- servers -----------------------------------------------------------------------------------
    def broker(self, _):
        start = time.monotonic()
        self._fleet.cluster.kill_broker()
        self._fleet.cluster.start_broker()
        booted = round((time.monotonic() - start) * 1000)
        return {"recover_broker_ms": self._flow(start), "broker_boot_ms": booted}

    def flushall(self, _):
        with self._rot.client() as client:
            start = time.monotonic()
            client.flushall()
        return {"recover_redis_ms": self._view_back(start)}

    def redis_kill(self, chosen):
        self._fleet.cluster.kill_redis()
        time.sleep(chosen.pause_s)
        start = time.monotonic()
        self._fleet.cluster.start_redis()
        return {"recover_redis_ms": self._view_back(start)}

    def view_rot(self, chosen):
        start = time.monotonic()
        rebuilt = self._rot.spoil(chosen)
        if rebuilt:
            return {"recover_view_ms": self._view_back(start)}
        return {}

    # -- inside ------------------------------------------------------------------------------------
    def _freeze_inside_a_transaction(self, node, shards):
        """A process that is stopped between two transactions hears that it has lost its place before it
        writes anything. So it is stopped again and again, until it stands still with one open. Returns
        the time of the stop."""
        with self._zombies.transactions(service_of(node), shards) as stays_open:
            for attempt in range(FREEZES_MAX):
                if attempt % FREEZES_PER_BURST == 0:
                    self._touches.burst(ZOMBIE_BACKLOG)
                stopped = time.monotonic()
                self._fleet.freeze(node)
                if stays_open():
                    return stopped
                self._fleet.thaw(node)
                time.sleep(0.005)
            self._fleet.freeze(node)
            return time.monotonic()

    def _flow(self, start):
        return probe.flow(self._fleet, self._touches, self._books, self._reader, start)

    def _back(self, node, start):
        flowed = self._flow(start)
        self._wait_ready(node)
        return max(flowed, round((time.monotonic() - start) * 1000))

    def _wait_ready(self, node):
        self._fleet.wait(f"{node} is ready", lambda: self._fleet.is_ready(node), READY_LIMIT_S, 0.02)

    def _view_back(self, start):
        """Until every shard's view is whole and fed by its owner, and reads answer."""
        nodes = self._fleet.nodes(*STATEFUL)
        try:
            self._fleet.wait("every view is whole again", lambda: self._rot.whole(nodes),
                             READY_LIMIT_S, 0.05)
        except SystemFailure as failure:
            raise SystemFailure(f"{failure}; put back: {self._rot.old}; now: "
                                f"{self._rot.shown()}") from failure
        return self._flow(start)
