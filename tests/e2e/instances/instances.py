#!/usr/bin/env python3
"""Two instances of each service that is asked: reads by any of them, writes to any of them.

Real Kafka, Redis and services in a folder of its own; run by ctest (label e2e, `instances`). Shows
that an instance that does not own a shard answers its reads from Redis; that without Redis, or
without the key in Redis, the owner answers and publishes again; that a read with the token of a
write is never older than the write; that writes are sent on, once, within their deadline; and that
ListSegments adds up over instances. Exit status 0 only if every check held.
"""

import argparse
import contextlib
import os
import pathlib
import signal
import socket
import sys
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE.parent / "demo"))

import stubs  # noqa: E402  (needs the path above)

stubs.generate()

import grpc  # noqa: E402
from google.protobuf import timestamp_pb2  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from regulars.identity.v1 import identity_service_pb2  # noqa: E402
from regulars.ingest.v1 import ingest_service_pb2, touch_pb2  # noqa: E402
from regulars.points.v1 import points_service_pb2  # noqa: E402
from regulars.runtime.v1 import runtime_service_pb2  # noqa: E402
from regulars.segmentation.v1 import segmentation_service_pb2  # noqa: E402
from regulars.types.v1 import identifier_pb2  # noqa: E402

from system import System  # noqa: E402

POOL = "shop"
MEMBERS = 16
POINTS_EACH = 1000
LIMIT_S = 60.0
REDEMPTIONS = 60


class Pair(System):
    pools = ((POOL, "live"),)
    instances = {"identity": 2, "points": 2, "segmentation": 2}


class Checks:
    def __init__(self):
        self.failed = 0

    def __call__(self, what, held, detail=""):
        self.failed += not held
        print(f"{'ok ' if held else 'NOT'} {what}{'' if held else f' ({detail})'}", flush=True)


def await_(what, condition):
    deadline = time.monotonic() + LIMIT_S
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {LIMIT_S:.0f} s: {what}")
        time.sleep(0.05)


def reason_of(error):
    """(code name, ErrorInfo reason, has RetryInfo) of a gRPC error."""
    reason, retry = None, False
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(value).details:
            info = error_details_pb2.ErrorInfo()
            if detail.Unpack(info):
                reason = info.reason
            retry |= detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR)
    return error.code().name, reason, retry


class Scene:
    def __init__(self, system):
        self.system, self.auth = system, system.auth(POOL)

    # -- calls ---------------------------------------------------------------------------------------
    def order(self, customer, number, cents):
        touch = ingest_service_pb2.TouchInput(
            source="till", native_id=f"{customer}-{number}", channel="store",
            occur_time=timestamp_pb2.Timestamp(seconds=int(time.time()) - 60),
            identifiers=[self.identifier(customer)],
            body=touch_pb2.TouchBody(order_paid=touch_pb2.OrderPaid(
                order_id=f"{customer}-{number}", amount_minor=cents, currency_code="USD")))
        self.system.stub("ingest").RecordTouch(
            ingest_service_pb2.RecordTouchRequest(parent=f"pools/{POOL}", touch=touch),
            metadata=self.auth, timeout=10)

    @staticmethod
    def identifier(customer):
        return identifier_pb2.ClearIdentifier(type="card", scope="shop", value=customer)

    def lookup(self, node, customer):
        return self.system.stub(node).LookupMember(identity_service_pb2.LookupMemberRequest(
            parent=f"pools/{POOL}", identifier=self.identifier(customer)),
            metadata=self.auth, timeout=10).member

    def member(self, node, member):
        return self.system.stub(node).GetMember(
            identity_service_pb2.GetMemberRequest(name=member), metadata=self.auth, timeout=10)

    def balance(self, node, member, token=""):
        return self.system.stub(node).GetBalance(points_service_pb2.GetBalanceRequest(
            name=f"{member}/balances/loyalty", position_token=token),
            metadata=self.auth, timeout=10)

    def membership(self, node, member):
        return self.system.stub(node).GetMembership(
            segmentation_service_pb2.GetMembershipRequest(name=f"{member}/membership"),
            metadata=self.auth, timeout=10)

    def redeem(self, node, member, redemption, points=1, timeout=10, request_id="", extra=()):
        return self.system.stub(node).RedeemPoints(points_service_pb2.RedeemPointsRequest(
            name=f"{member}/balances/loyalty", redemption_id=redemption, points=points,
            request_id=request_id), metadata=(*self.auth, *extra), timeout=timeout)

    # -- looking in ----------------------------------------------------------------------------------
    def reads(self, node, result):
        return self.system.metrics(node).get(f'regulars_view_reads_total{{result="{result}"}}', 0)

    def applied(self, node):
        """Calls and records that the node's worker has applied or answered."""
        return sum(value for name, value in self.system.metrics(node).items()
                   if name.startswith("regulars_rpc_requests_total")
                   and "PointsService" in name)

    def shards(self, node):
        clock = self.system.clock_stub(node).GetClock(
            runtime_service_pb2.GetClockRequest(name=f"pools/{POOL}/clock"),
            metadata=self.auth, timeout=10)
        return {row.shard for row in clock.shards if row.owned}

    def is_at(self, node, member):
        """Whether the node owns the member: it answers a call that is marked as sent on already."""
        try:
            self.system.stub(node).ListEntries(points_service_pb2.ListEntriesRequest(
                parent=f"{member}/balances/loyalty", page_size=1),
                metadata=(*self.auth, ("x-regulars-forwarded", "1")), timeout=10)
            return True
        except grpc.RpcError as error:
            assert reason_of(error)[1] == "SHARD_NOT_OWNED", error
            return False

    def redis(self, *words):
        host, port = self.system.redis_address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), 5) as connection:
            connection.sendall(b"*%d\r\n" % len(words) + b"".join(
                b"$%d\r\n%s\r\n" % (len(word), word) for word in map(str.encode, words)))
            return connection.makefile("rb").readline()


def refused(call):
    try:
        call()
    except grpc.RpcError as error:
        return reason_of(error)
    return None


def read_anywhere(scene, check, members, owners):
    """Every read at the instance that does not own the shard, from Redis."""
    others = {member: 1 - slot for member, slot in owners.items()}
    before = {node: scene.reads(node, "view") for node in scene.system.nodes("points")}
    asked = {node: scene.applied(node) for node in before}
    balances = [scene.balance(f"points-{others[member]}", member).points for member in members]
    check("an instance that does not own the shard has the balances",
          balances == [POINTS_EACH] * len(members), balances)
    gained = sum(scene.reads(node, "view") - before[node] for node in before)
    check("all of them came from Redis", gained == len(members), gained)
    calls = sum(scene.applied(node) - asked[node] for node in asked)
    check("and nothing was sent on", calls == len(members), calls)
    for node in scene.system.nodes("identity"):
        found = {scene.lookup(node, f"customer-{n}") for n in range(MEMBERS)}
        check(f"{node} looks every member up", found == set(members))
        check(f"{node} shows every member",
              all(scene.member(node, member).name == member for member in members))
    for node in scene.system.nodes("segmentation"):
        check(f"{node} shows every membership", all(
            scene.membership(node, member).purchase_count == 2 for member in members))


def without_redis(scene, check, members, owners):
    member = members[0]
    other = f"points-{1 - owners[member]}"
    scene.redis("FLUSHALL")
    check("right after FLUSHALL the balance is right", scene.balance(other, member).points
          == POINTS_EACH)
    await_("the view is written anew", lambda: seen_in_view(scene, other, member))

    keys = scene.redis("EVAL", "local n = 0 for _, k in ipairs(redis.call('KEYS', "
                       "'r1:{*}:points:*|" + member.rsplit("/", 1)[1] + "|')) do "
                       "n = n + redis.call('DEL', k) end return n", "0")
    missing = scene.reads(other, "missing")
    check("a key is evicted", keys == b":1\r\n", keys)
    check("the owner answers instead", scene.balance(other, member).points == POINTS_EACH
          and scene.reads(other, "missing") == missing + 1)
    await_("the key is published again", lambda: seen_in_view(scene, other, member))

    scene.system.cluster.kill_redis()
    begin = time.monotonic()
    answers = [scene.balance(other, one).points for one in members]
    took = time.monotonic() - begin
    check("with Redis away the owners answer", answers == [POINTS_EACH] * len(members), answers)
    check("and at once", took < 5, f"{took:.2f} s for {len(members)} reads")
    scene.system.cluster.start_redis()
    await_("reads from the view are back", lambda: seen_in_view(scene, other, member))


def seen_in_view(scene, node, member):
    before = scene.reads(node, "view")
    scene.balance(node, member)
    return scene.reads(node, "view") == before + 1


def tokens(scene, check, member):
    """Writes to both instances in turn; a read with the token is never older than the write."""
    stale, wrong = 0, 0
    points = scene.balance("points-0", member).points
    for number in range(REDEMPTIONS):
        writer, reader = f"points-{number % 2}", f"points-{(number // 2) % 2}"
        done = scene.redeem(writer, member, f"t-{number}")
        points -= 1
        wrong += done.balance.points != points
        stale += scene.balance(reader, member, done.position_token).points != points
    check(f"{REDEMPTIONS} writes to either instance, each answered with its balance", wrong == 0,
          wrong)
    check("no read with a token is older than its write", stale == 0, stale)
    for bad in ("x", "0" * 600):
        check("a token that nobody gave is refused", refused(
            lambda bad=bad: scene.balance("points-0", member, bad))
            == ("INVALID_ARGUMENT", "POSITION_TOKEN_INVALID", False))


def sent_on(scene, check, member, slot):
    """Writes to the instance that does not own the shard."""
    owner, other = f"points-{slot}", f"points-{1 - slot}"
    start = scene.balance(owner, member).points
    check("a write that was sent on once is not sent on again", refused(
        lambda: scene.redeem(other, member, "once", extra=(("x-regulars-forwarded", "1"),)))
        == ("UNAVAILABLE", "SHARD_NOT_OWNED", True))

    pid = scene.system.cluster.pids.alive()[owner]
    request_id = str(uuid.uuid4())
    os.kill(pid, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        answer = refused(lambda: scene.redeem(other, member, "late", timeout=1.0,
                                              request_id=request_id))
        took = time.monotonic() - begin
    finally:
        os.kill(pid, signal.SIGCONT)
    check("an owner that hangs: the deadline holds", answer is not None
          and answer[0] == "DEADLINE_EXCEEDED" and took < 2.0, (answer, took))
    done = await_("the same request is answered", lambda: again(
        lambda: scene.redeem(other, member, "late", request_id=request_id)))
    check("the same request again counts once", done.balance.points == start - 1
          and scene.balance(other, member, done.position_token).points == start - 1,
          (start, done.balance.points))
    check("other content under its id is refused", refused(
        lambda: scene.redeem(other, member, "late", points=2, request_id=request_id))
        == ("ALREADY_EXISTS", "REQUEST_ID_CONFLICT", False))


def again(call):
    with contextlib.suppress(grpc.RpcError):
        return call()
    return None


def owner_dies(scene, check, members, owners):
    """The owner goes away for good: its shards move, and every instance says the same again."""
    slot = owners[members[0]]
    gone, left = f"points-{slot}", f"points-{1 - slot}"
    expected = {member: scene.balance(left, member).points for member in members}
    scene.system.cluster.stop(gone)
    check("while shards move, balances come from Redis",
          {member: scene.balance(left, member).points for member in members} == expected)
    await_("the shards have moved", lambda: len(scene.shards(left)) == 4)
    done = await_("the next owner takes writes",
                  lambda: again(lambda: scene.redeem(left, members[0], "after")))
    check("and nothing was lost", done.balance.points == expected[members[0]] - 1,
          done.balance.points)


def segments(scene, check):
    for node in scene.system.nodes("segmentation"):
        page = scene.system.stub(node).ListSegments(
            segmentation_service_pb2.ListSegmentsRequest(parent=f"pools/{POOL}"),
            metadata=scene.auth, timeout=10)
        sizes = {one.name.rsplit("/", 1)[1]: one.member_count for one in page.segments}
        check(f"{node} counts the members of all instances",
              sizes == {"lapsed": 0, "repeat_buyer": MEMBERS}, sizes)


def run(system, check):
    scene = Scene(system)
    await_("both instances own shards", lambda: all(
        scene.shards(f"{service}-{slot}") for service in Pair.instances for slot in (0, 1)))
    for number in (1, 2):
        for customer in range(MEMBERS):
            scene.order(f"customer-{customer}", number, POINTS_EACH * 50)
    members = [await_("a member is known", lambda c=customer: again(
        lambda: scene.lookup("identity-0", f"customer-{c}"))) for customer in range(MEMBERS)]
    for member in members:
        await_("its points are there", lambda m=member: again(
            lambda: scene.balance("points-0", m).points == POINTS_EACH))
        await_("its orders are counted", lambda m=member: again(
            lambda: scene.membership("segmentation-0", m).purchase_count == 2))
    owners = {member: 0 if scene.is_at("points-0", member) else 1 for member in members}
    check("both own some of the members", len(set(owners.values())) == 2, owners)
    read_anywhere(scene, check, members, owners)
    segments(scene, check)
    without_redis(scene, check, members, owners)
    tokens(scene, check, members[0])
    sent_on(scene, check, members[1], owners[members[1]])
    owner_dies(scene, check, members, owners)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", default=str(ROOT / "build/local/instances"))
    system = Pair(parser.parse_args().dir)
    check = Checks()
    try:
        system.start()
        run(system, check)
    finally:
        system.stop(wipe=check.failed == 0)
    print(f"{check.failed} checks failed")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
