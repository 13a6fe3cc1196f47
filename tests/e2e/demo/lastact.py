"""The last act: calls a shop's own system would make, each with its effect shown and checked."""

import time
import uuid

import fold
import load
from google.protobuf import timestamp_pb2
from system import HISTORY

LIMIT_S = 30.0


class Act:
    """Runs the steps for one member; `checks` is [(what, held)]."""

    def __init__(self, system, say):
        self._system, self._say = system, say
        self._auth = system.auth(HISTORY)
        self._points = system.stub("points")
        self.checks = []

    def lookup(self, customer):
        from regulars.identity.v1 import identity_service_pb2
        answer = self._system.stub("identity").LookupMember(
            identity_service_pb2.LookupMemberRequest(
                parent=f"pools/{HISTORY}", identifier=load.customer_identifier(customer)),
            metadata=self._auth, timeout=10)
        return answer.member

    def balance(self, member, token=""):
        from regulars.points.v1 import points_service_pb2
        return self._points.GetBalance(
            points_service_pb2.GetBalanceRequest(name=f"{member}/balances/loyalty",
                                                 position_token=token),
            metadata=self._auth, timeout=10)

    def membership(self, member):
        from regulars.segmentation.v1 import segmentation_service_pb2
        return self._system.stub("segmentation").GetMembership(
            segmentation_service_pb2.GetMembershipRequest(name=f"{member}/membership"),
            metadata=self._auth, timeout=10)

    def _check(self, what, held):
        self.checks.append((what, bool(held)))
        self._say(f"    {'ok ' if held else 'NOT'} {what}")

    def run(self, purchases, customer, order):
        """`order` is a purchase of `customer` whose lot is still open."""
        member = self.lookup(customer)
        before = self.balance(member)
        self._say(f"  member {member} (customer {customer}) has {before.points:,} points")
        token = self._redeem(member, before.points)
        self._refund(member, order, token)
        self._repeat(member, order)
        return member

    def _redeem(self, member, start):
        from regulars.points.v1 import points_service_pb2
        points = max(1, min(100, start // 2))
        # A run of its own: the same demo can be shown again on the same state.
        redemption = f"voucher-{uuid.uuid4().hex[:12]}"
        request = points_service_pb2.RedeemPointsRequest(
            name=f"{member}/balances/loyalty", redemption_id=redemption, points=points,
            reason="voucher", request_id=str(uuid.uuid4()))
        self._say(f"  RedeemPoints {points}, for a voucher:")
        first = self._points.RedeemPoints(request, metadata=self._auth, timeout=10)
        self._check(f"balance {start:,} -> {first.balance.points:,}, taken from "
                    f"{len(first.redemption.lots)} lot(s), earliest expiry first",
                    first.balance.points == start - points)
        self._say("  the same request_id again, as after a lost answer:")
        second = self._points.RedeemPoints(request, metadata=self._auth, timeout=10)
        now = self.balance(member, second.position_token or first.position_token).points
        self._check(f"the same answer; the balance stays {now:,}",
                    second.redemption == first.redemption and second.balance == first.balance
                    and now == start - points)
        self._say("  ReversePoints, the voucher was not used:")
        back = self._points.ReversePoints(
            points_service_pb2.ReversePointsRequest(name=first.redemption.name,
                                                    request_id=str(uuid.uuid4())),
            metadata=self._auth, timeout=10)
        self._check(f"balance {now:,} -> {back.balance.points:,}, into the lots they came from",
                    back.balance.points == start
                    and back.redemption.lots == first.redemption.lots and back.redemption.reversed)
        return back.position_token

    def _send(self, touch):
        from regulars.ingest.v1 import ingest_service_pb2
        return self._system.stub("ingest").RecordTouch(
            ingest_service_pb2.RecordTouchRequest(parent=f"pools/{HISTORY}", touch=touch),
            metadata=self._auth, timeout=10)

    def _await(self, read, wanted):
        deadline = time.monotonic() + LIMIT_S
        while True:
            value = read()
            if value == wanted or time.monotonic() > deadline:
                return value
            time.sleep(0.02)

    def _refund(self, member, order, token):
        from regulars.ingest.v1 import ingest_service_pb2, touch_pb2
        start = self.balance(member, token).points
        lost = order.cents // 100
        clock = load.clocks(self._system, HISTORY)["ingest"]
        self._say(f"  a refund of order {order.line} (${order.cents // 100}.{order.cents % 100:02}):")
        self._send(ingest_service_pb2.TouchInput(
            source=load.SOURCE, native_id=f"refund-{order.line}", channel="web",
            occur_time=timestamp_pb2.Timestamp(seconds=clock),
            identifiers=[load.customer_identifier(order.customer)],
            body=touch_pb2.TouchBody(order_refunded=touch_pb2.OrderRefunded(
                order_id=str(order.line), refund_id="r1", amount_minor=order.cents,
                currency_code="USD", whole_order=True))))
        now = self._await(lambda: self.balance(member).points, start - lost)
        self._check(f"balance {start:,} -> {now:,}: exactly the points of that order",
                    now == start - lost)

    def _repeat(self, member, order):
        start = self.balance(member)
        known = self._duplicates()
        self._say(f"  order {order.line} reported once more, as shops do:")
        name = self._send(load.order_touch(order)).name
        now = self._await(self._duplicates, known + 1)
        fold.wait_quiet(self._system, quiet_s=0.5)
        after = self.balance(member)
        self._check(f"acknowledged as {name.rsplit('/', 1)[-1]}, recognised as a repeat; balance stays "
                    f"{after.points:,}", now == known + 1 and after == start)

    def _duplicates(self):
        return fold.sums(self._system.bootstrap, "identity", HISTORY)["touches_duplicate"]
