"""What the figures of the demo must be, computed from the file alone.

A second, independent program: no code, library or state of the services is used here. The program of
the shop: 1 point per whole dollar of an order, rounded down; a lot expires at purchase + 365 days (a
lot that is due at the end has expired); `lapsed` begins when more than 180 days have passed since the
last purchase, i.e. 180 days and one microsecond after it, and ends with the next purchase; a purchase
exactly 180 days later therefore keeps a member. Every entry gives one message.
"""

import calendar
import collections

DAY_S = 24 * 3600
EXPIRY_DAYS = 365
LAPSED_DAYS = 180
END_S = calendar.timegm((1998, 6, 30, 23, 59, 59))
TOP = 5


def lapses(times, end_s):
    """(entries, inside at the end) of one member whose purchases are at `times`, ascending."""
    limit = LAPSED_DAYS * DAY_S
    entries = sum(1 for before, after in zip(times, times[1:]) if after - before > limit)
    # At end_s exactly 180 days are not "more than": the entry would come a microsecond later.
    inside = end_s - times[-1] > limit
    return entries + inside, inside


def figures(purchases, end_s=END_S):
    """The expected figures; `purchases` in order of time."""
    times = collections.defaultdict(list)
    value = collections.Counter()
    for purchase in purchases:
        times[purchase.customer].append(purchase.time_s)
        value[purchase.customer] += purchase.cents
    issued = sum(purchase.cents // 100 for purchase in purchases)
    expired = sum(purchase.cents // 100 for purchase in purchases
                  if purchase.time_s + EXPIRY_DAYS * DAY_S <= end_s)
    lapsed = [lapses(own, end_s) for own in times.values()]
    entries = sum(count for count, _ in lapsed)
    top = sorted(value.items(), key=lambda item: (-item[1], item[0]))[:TOP]
    return {
        "members": len(times),
        "purchases": len(purchases),
        "purchase_cents": sum(purchase.cents for purchase in purchases),
        "repeat_members": sum(1 for own in times.values() if len(own) >= 2),
        "points_issued": issued,
        "points_expired": expired,
        "points_outstanding": issued - expired,
        "lapsed_entries": entries,
        "lapsed_members": sum(1 for _, inside in lapsed if inside),
        "sends_decided": entries,
        "sends_delivered": entries,
        "top_members": [{"customer": customer, "purchase_cents": cents,
                         "purchases": len(times[customer])} for customer, cents in top],
    }
