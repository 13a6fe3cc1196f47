"""FLUSHALL, and how long until every shard's view is whole again; bytes of state per member."""

import redis

import context

LIMIT_S = 300.0


def run(stage, size, shown):
    host, port = stage.redis_address.rsplit(":", 1)
    client = redis.Redis(host=host, port=int(port))
    try:
        context.wait_for(stage.view_caught_up, "the view is current", LIMIT_S, 0.1)
        metas = [name for name in client.scan_iter(match=b"r1:*:points:meta", count=10_000)]
        keys = client.dbsize()
        shown["view_bytes_per_member"] = client.info("memory")["used_memory"] / size.members
        client.flushall()
        seconds, _ = context.wait_for(
            lambda: all(client.hget(meta, "whole") == b"1" for meta in metas),
            "the view is whole again", LIMIT_S, 0.02)
        rebuilt = client.dbsize()
    finally:
        client.close()
    shown["rebuild_keys"] = rebuilt - len(metas)
    shown["rebuild_s"] = seconds
    shown["rebuild_keys_per_s"] = (rebuilt - len(metas)) / seconds
    if rebuilt != keys or len(metas) != context.SHARDS:
        return [f"{rebuilt} keys in Redis after the rebuild, {keys} before"]
    return []
