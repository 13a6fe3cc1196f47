"""Spoils the view in Redis as an operator's mistake or a bad fail-over would.

delete        some keys of members are gone: a miss, which the owner answers
older_value   some keys of members hold what they held before: stale until the next write, which this
              harness makes; the law promises no more for a single key
lost_meta     the record that guards a shard's view is gone: the owner writes the view anew
old_dump      everything of one service as it was some seconds ago: the owner notices and writes anew
"""

import contextlib
import random

import redis as redis_client

from system import SHARDS, STATEFUL

KEYS = 12


class ViewRot:
    def __init__(self, fleet, touches, books):
        self._fleet, self._touches, self._books = fleet, touches, books
        self.old = {}            # {meta: generation} of what was put back
        self._dump, self._values, self._dumped_metas = {}, {}, {}

    @contextlib.contextmanager
    def client(self):
        host, port = self._fleet.redis_address.rsplit(":", 1)
        client = redis_client.Redis(host=host, port=int(port), socket_timeout=10)
        try:
            yield client
        finally:
            client.close()

    def remember(self, chosen):
        """What is put back later; call some seconds before spoil()."""
        self._dump, self._values, self.old = {}, {}, {}
        if chosen.rot not in ("older_value", "old_dump"):
            return
        with self.client() as client:
            if chosen.rot == "old_dump":
                names = list(client.scan_iter(match=f"r1:*:{chosen.service}:*", count=5000))
                # At one instant, as a replica or a snapshot would have it.
                dumps = client.pipeline(transaction=True)
                for name in names:
                    dumps.dump(name)
                metas = self._metas(client, chosen.service)
                for name in metas:
                    dumps.hgetall(name)
                answers = dumps.execute()
                self._dump = {name: dump for name, dump in zip(names, answers) if dump}
                self._dumped_metas = dict(zip(metas, answers[len(names):]))
                return
            for name, row in self._names(client, chosen):
                self._values[name] = (row, client.get(name))
        # Something must change, or an older value is none.
        for row, _ in list(self._values.values()):
            self._touches.order(row.name)

    def spoil(self, chosen):
        """True if the owner must write views anew."""
        with self.client() as client:
            return getattr(self, "_" + chosen.rot)(chosen, client)

    def shown(self):
        """The record of every shard's view, for a reader of a failure."""
        with self.client() as client:
            return {name.decode(): {key.decode(): value.decode() for key, value in
                                    client.hgetall(name).items()}
                    for name in client.scan_iter(match="r1:*:meta", count=5000)}

    def whole(self, nodes):
        """Every shard's view is whole, newer than what was put back, and its owner has no more to say."""
        with self.client() as client:
            metas = {name: client.hgetall(name)
                     for name in client.scan_iter(match="r1:*:meta", count=5000)}
        if len(metas) < SHARDS * len(STATEFUL) or any(
                meta.get(b"whole") != b"1"
                or int(meta[b"generation"]) <= self.old.get(name, -1) for name, meta in metas.items()):
            return False
        return all(self._fleet.metrics(node).get("regulars_view_caught_up") == 1 for node in nodes)

    # -- inside ------------------------------------------------------------------------------------
    def _pick(self, chosen):
        rows = sorted((row for row in self._books.rows()
                       if row.member and row.purchases > 1 and not row.partner),
                      key=lambda row: row.name)
        return random.Random(chosen.seed).sample(rows, min(KEYS, len(rows)))

    def _names(self, client, chosen):
        """[(key, row)] of the root states of some members."""
        rows = {row.member.rsplit("/", 1)[-1]: row for row in self._pick(chosen)}
        keys = ((name, name.decode().split("|")) for name in client.scan_iter(
            match=f"r1:*:{chosen.service}:*|", count=5000))
        return [(name, rows[parts[1]]) for name, parts in keys if parts[1] in rows]

    @staticmethod
    def _metas(client, service):
        return sorted(client.scan_iter(match=f"r1:*:{service}:meta", count=5000))

    def _delete(self, chosen, client):
        for name, _ in self._names(client, chosen):
            client.delete(name)
        return False

    def _older_value(self, _, client):
        for name, (row, value) in self._values.items():
            if value is not None and client.exists(name):
                client.set(name, value, keepttl=True)
            self._touches.order(row.name)
        return False

    def _lost_meta(self, chosen, client):
        client.delete(random.Random(chosen.seed).choice(self._metas(client, chosen.service)))
        return True

    def _old_dump(self, chosen, client):
        put_back = client.pipeline(transaction=True)
        names = list(client.scan_iter(match=f"r1:*:{chosen.service}:*", count=5000))
        put_back.delete(*names)
        for name, dump in self._dump.items():
            put_back.restore(name, 0 if name.endswith(b":meta") else 600_000, dump)
        before = {name: client.hgetall(name) for name in self._dumped_metas}
        put_back.execute()
        # A shard in which nothing had happened since is as it was: its owner has nothing to mend.
        self.old = {name: int(meta[b"generation"]) for name, meta in self._dumped_metas.items()
                     if meta and meta != before[name]}
        return True
