"""The figures as the services have them: control sums of their shards, and answers over gRPC."""

import time

import fold
from system import HISTORY

DELIVERY_LIMIT_S = 180.0


def wait_delivered(system, say):
    """Until every decided message was delivered or given up. The sums of messaging."""
    deadline = time.monotonic() + DELIVERY_LIMIT_S
    shown = 0.0
    while True:
        sums = fold.sums(system.bootstrap, "messaging", HISTORY)
        open_sends = sums["sends_decided"] - sums["sends_delivered"] - sums["sends_failed"]
        if open_sends == 0 or time.monotonic() > deadline:
            return sums
        if time.monotonic() - shown > 2:
            shown = time.monotonic()
            say(f"  waiting for {open_sends:,} win-back messages to be delivered")
        time.sleep(0.2)


def ledger_imbalance(bootstrap, pool):
    """Sum over the shards of |issued + moved_in - outstanding - redeemed - expired - reversed -
    moved_out|; 0 = every shard's books balance by themselves."""
    total = 0
    for record in fold.shard_records(bootstrap, "points").values():
        book = {entry.name.rsplit("/", 1)[-1]: entry.value for entry in record.sums
                if entry.pool == pool}
        total += abs(book.get("issued", 0) + book.get("moved_in", 0)
                     - sum(book.get(name, 0) for name in
                           ("outstanding", "redeemed", "expired", "reversed", "moved_out")))
    return total


def collect(system):
    """Flat figures of the history pool, by the names of the report."""
    sums = fold.all_sums(system.bootstrap, HISTORY)
    points, segments, sends = sums["points"], sums["segmentation"], sums["messaging"]
    return {
        "members": sums["identity"]["members_created"],
        "purchases": segments["purchases"],
        "purchase_cents": segments["purchase_minor/USD"],
        "repeat_members": segments["repeat_members"],
        "points_issued": points["loyalty/issued"],
        "points_expired": points["loyalty/expired"],
        "points_outstanding": points["loyalty/outstanding"],
        "lapsed_entries": segments["segment/lapsed/entries"],
        "lapsed_members": segments["segment/lapsed/members"],
        "sends_decided": sends["sends_decided"],
        "sends_delivered": sends["sends_delivered"],
    }


def segment_sizes(system):
    """{segment: (members, entries)} as ListSegments says."""
    from regulars.segmentation.v1 import segmentation_service_pb2
    answer = system.stub("segmentation").ListSegments(
        segmentation_service_pb2.ListSegmentsRequest(parent=f"pools/{HISTORY}"),
        metadata=system.auth(HISTORY), timeout=30)
    return {segment.name.rsplit("/", 1)[-1]: (segment.member_count, segment.entry_count)
            for segment in answer.segments}


def top_members(act, expected):
    """The same rows as `expected`, from LookupMember and GetMembership."""
    rows = []
    for row in expected:
        membership = act.membership(act.lookup(row["customer"]))
        cents = {money.currency_code: money.amount_minor for money in membership.purchase_sums}
        rows.append({"customer": row["customer"], "purchase_cents": cents.get("USD"),
                     "purchases": membership.purchase_count})
    return rows
