"""An independent look at the log: folds the changelogs, reads the shards' sums, compares the view.

Reads Kafka with isolation.level=read_committed and Redis directly; knows only the layout of keys
(libs/shard/keys.h, libs/redis/view.h) and the envelopes of proto/regulars/runtime/v1.
"""

import collections
import time

from confluent_kafka import Consumer, KafkaError, TopicPartition

from system import GENERATION, SHARDS, STATEFUL

SHARD_KEY = b"@shard"
LIMIT_S = 300.0
TAIL = 2000            # records looked back for the last @shard; doubled until one is found
# Which sub keys each service shows to readers (Program::InView).
IN_VIEW = {
    "identity": lambda sub: sub in (b"anchor", b"member"),
    "points": lambda sub: sub == b"",
    "segmentation": lambda sub: sub == b"",
    "messaging": lambda sub: sub == b"" or sub.startswith(b"send/"),
}


class FoldError(RuntimeError):
    pass


def changelog(service):
    return f"regulars.{service}.changelog.v1.{GENERATION}"


def consumer(bootstrap):
    return Consumer({"bootstrap.servers": bootstrap, "group.id": "demo-look",
                     "isolation.level": "read_committed", "enable.auto.commit": False,
                     "enable.partition.eof": True, "auto.offset.reset": "error",
                     "fetch.min.bytes": 1, "log_level": 3})


def read_to_end(bootstrap, assignment):
    """Every committed record of [(topic, partition, offset)] up to its end now, in order per
    partition: yields (topic, partition, key, value)."""
    reader = consumer(bootstrap)
    try:
        reader.assign([TopicPartition(*place) for place in assignment])
        open_ends = {(topic, partition) for topic, partition, _ in assignment}
        deadline = time.monotonic() + LIMIT_S
        while open_ends:
            if time.monotonic() > deadline:
                raise FoldError(f"the log could not be read in {LIMIT_S:.0f} s")
            for message in reader.consume(5000, 0.2):
                place = (message.topic(), message.partition())
                if message.error() is None:
                    if place in open_ends:
                        yield *place, message.key(), message.value()
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    open_ends.discard(place)
                else:
                    raise FoldError(str(message.error()))
    finally:
        reader.close()


def shard_records(bootstrap, service):
    """{shard: last ShardRecord}"""
    from regulars.runtime.v1 import runtime_state_pb2
    found = {}
    topic = changelog(service)
    probe = consumer(bootstrap)
    try:
        marks = {shard: probe.get_watermark_offsets(TopicPartition(topic, shard), timeout=10)
                 for shard in range(SHARDS)}
    finally:
        probe.close()
    tail = TAIL
    while len(found) < SHARDS:
        missing = [shard for shard in marks if shard not in found]
        places = [(topic, shard, max(marks[shard][0], marks[shard][1] - tail)) for shard in missing]
        for _, shard, key, value in read_to_end(bootstrap, places):
            if key == SHARD_KEY:
                found[shard] = runtime_state_pb2.ShardRecord.FromString(value)
        if all(place[2] == marks[place[1]][0] for place in places):
            break
        tail *= 16
    return found


def sums(bootstrap, service, pool):
    """{name: sum over all shards}"""
    total = collections.Counter()
    for record in shard_records(bootstrap, service).values():
        for entry in record.sums:
            if entry.pool == pool:
                total[entry.name] += entry.value
    return total


def all_sums(bootstrap, pool):
    return {service: sums(bootstrap, service, pool) for service in STATEFUL}


def sequences(bootstrap):
    """{(service, shard): sequence of the last transaction}"""
    return {(service, shard): record.sequence for service in STATEFUL
            for shard, record in shard_records(bootstrap, service).items()}


def wait_quiet(system, quiet_s=1.0, limit_s=60.0):
    """Until no shard has committed anything for `quiet_s`."""
    deadline = time.monotonic() + limit_s
    before = sequences(system.bootstrap)
    since = time.monotonic()
    while time.monotonic() - since < quiet_s:
        if time.monotonic() > deadline:
            raise FoldError(f"the services are still busy after {limit_s:.0f} s")
        time.sleep(0.1)
        now = sequences(system.bootstrap)
        if now != before:
            before, since = now, time.monotonic()


def states(bootstrap, service):
    """The fold: {shard: {(pool, entity, sub): stored StateValue bytes}}"""
    folded = {shard: {} for shard in range(SHARDS)}
    for _, shard, key, value in read_to_end(bootstrap,
                                            [(changelog(service), shard, 0) for shard in folded]):
        if key[:1] != b"s":
            continue
        name = tuple(key[1:].split(b"\0", 2))
        if value is None:
            folded[shard].pop(name, None)
        else:
            folded[shard][name] = value
    return folded


def of_pool(folded, pool):
    """One pool's part of a fold, all shards together."""
    wanted = pool.encode()
    return {name: value for shard in folded.values() for name, value in shard.items()
            if name[0] == wanted}


def view_of(redis_address, with_values=True):
    """What Redis holds: ({(service, shard): meta}, {(service, shard): {key: value}}) of the current
    generations. Keys are r1:{<shard>.<count>.<text>}:<service>:<generation>:<pool>|<entity>|<sub>."""
    import redis
    host, port = redis_address.rsplit(":", 1)
    client = redis.Redis(host=host, port=int(port))
    metas, names = {}, collections.defaultdict(list)
    for name in client.scan_iter(match=b"r1:*", count=5000):
        tag, service, rest = name[len(b"r1:"):].split(b":", 2)
        place = (service.decode(), int(tag[1:].split(b".", 1)[0]))
        if rest == b"meta":
            metas[place] = client.hgetall(name)
        else:
            names[place].append((rest, name))
    values = {}
    for place, found in names.items() if with_values else ():
        prefix = metas.get(place, {}).get(b"generation", b"?") + b":"
        current = [(rest[len(prefix):], name) for rest, name in found if rest.startswith(prefix)]
        values[place] = {}
        for start in range(0, len(current), 2000):
            part = current[start:start + 2000]
            read = client.mget([name for _, name in part])
            values[place].update(zip((key for key, _ in part), read))
    client.close()
    return metas, values


def wait_view(system, limit_s=60.0):
    """Until Redis has been told everything that is committed: applied = the last sequence."""
    deadline = time.monotonic() + limit_s
    while True:
        wanted = sequences(system.bootstrap)
        metas, _ = view_of(system.redis_address, with_values=False)
        shown = {place: int(meta.get(b"applied", b"-1")) for place, meta in metas.items()}
        whole = all(meta.get(b"whole") == b"1" for meta in metas.values())
        if whole and shown == wanted:
            return
        if time.monotonic() > deadline:
            raise FoldError(f"the view is late: shows {shown}, committed {wanted}, whole: {whole}")
        time.sleep(0.2)


def compare_view(bootstrap, redis_address):
    """Every readable key of the fold against Redis, both ways."""
    from regulars.runtime.v1 import runtime_state_pb2
    metas, values = view_of(redis_address)
    result = {"keys": 0, "missing": 0, "different": 0, "foreign": 0, "not_whole": 0}
    for service in STATEFUL:
        for shard, entries in states(bootstrap, service).items():
            meta = metas.get((service, shard), {})
            result["not_whole"] += meta.get(b"whole") != b"1"
            shown = values.get((service, shard), {})
            wanted = {b"|".join(name): stored for name, stored in entries.items()
                      if IN_VIEW[service](name[2])}
            result["keys"] += len(wanted)
            result["foreign"] += len(shown.keys() - wanted.keys())
            for key, stored in wanted.items():
                if key not in shown:
                    result["missing"] += 1
                elif runtime_state_pb2.StateValue.FromString(stored).value != shown[key]:
                    result["different"] += 1
    result["equal"] = result["keys"] > 0 and not any(
        result[name] for name in ("missing", "different", "foreign", "not_whole"))
    return result
