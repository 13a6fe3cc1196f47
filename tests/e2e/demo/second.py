"""The second source: a third of the shop's customers also follow it on WeChat.

Deterministic, made of the purchases alone. All sightings fall on the instant at which a step of the
replay begins, before the purchases of that step. None of them is a purchase.

  follow   unionid, openid, phone   the person follows the account and proves a phone
  bind     customer, openid         later the person shows the customer number in the mini-program
  wrong    customer, openid         somebody else's number is typed in; taken back within the instant,
                                    so before the next purchase of either side

Every twentieth follower has the phone of the one before (a family): a unionid is one person's, so a
shared phone must not make one person of two.
"""

import collections

EVERY_STEPS = 3          # steps of the replay between two instants with sightings
WRONG_EVERY = 40         # customers, of those who do not follow
FAMILY_EVERY = 20        # followers
CALM_S = 170 * 24 * 3600  # a wrong link is made of two who bought within this time
APP = "wx:shop-mini"

Sighting = collections.namedtuple("Sighting", "native_id kind time_s identifiers")
Wrong = collections.namedtuple("Wrong", "sighting customer follower")


class Moment(collections.namedtuple("Moment", "time_s sightings wrong")):
    __slots__ = ()

    def everything(self):
        return [*self.sightings, *(wrong.sighting for wrong in self.wrong)]


def openid(customer):
    return ("openid", APP, f"oShop{int(customer):023d}")


def unionid(customer):
    return ("unionid", "", f"uShop{int(customer):023d}")


def phone(number):
    return ("phone", "", f"+86138{10_000_000 + number * 7:08d}")


def number_of(customer):
    return ("customer", "cdnow", customer)


def follows(customer):
    return int(customer) % 3 == 0


class Plan:
    """`moments`: {step: Moment}, steps counted from 0 as the replay does."""

    def __init__(self, purchases, step_s, end_s):
        self._first = purchases[0].time_s
        self._step_s = step_s
        self._steps = list(range(1, (end_s - self._first) // step_s + 1, EVERY_STEPS))
        self._times = collections.defaultdict(list)
        for purchase in purchases:
            self._times[purchase.customer].append(purchase.time_s)
        self._bound = {}                      # follower -> index of the moment of its bind
        found = {index: ([], []) for index in range(len(self._steps))}
        customers = sorted(self._times)
        self._follow([c for c in customers if follows(c)], found)
        self._mistakes([c for c in customers if not follows(c)], found)
        self.moments = {self._steps[index]: Moment(self._at(index), *lists)
                        for index, lists in found.items() if any(lists)}

    def sightings(self):
        """All of them, in order of time."""
        return [sighting for moment in self.moments.values() for sighting in moment.everything()]

    def _at(self, index):
        return self._first + self._steps[index] * self._step_s

    def _follow(self, followers, found):
        last = len(self._steps) - 1
        for place, customer in enumerate(followers):
            family = place % FAMILY_EVERY == 1
            rank = place - 1 if family else place
            # Half of them follow in the second week, most before they buy for the first time.
            follow = 0 if rank % 2 == 0 else rank * 5 % (last - 3)
            bind = follow + 1 + (place // 2 % (last - follow) if follow == 0 else place % 3)
            self._bound[customer] = bind
            found[follow][0].append(Sighting(
                f"follow-{customer}", "followed", self._at(follow),
                (unionid(customer), openid(customer), phone(int(followers[rank])))))
            found[bind][0].append(Sighting(
                f"bind-{customer}", "visit", self._at(bind), (number_of(customer), openid(customer))))

    def _mistakes(self, others, found):
        taken = set()
        for customer in others[::WRONG_EVERY]:
            follower = f"{int(customer) // 3 * 3:05d}"
            index = self._calm(customer, follower)
            if index is None or follower in taken:
                continue
            taken.add(follower)
            sighting = Sighting(f"wrong-{customer}", "visit", self._at(index),
                                (number_of(customer), openid(follower)))
            found[index][1].append(Wrong(sighting, customer, follower))

    def _calm(self, customer, follower):
        """First moment at which the follower is bound and both have bought not long ago."""
        for index in range(self._bound.get(follower, len(self._steps)) + 1, len(self._steps)):
            at = self._at(index)
            bought = [max((t for t in self._times[c] if t < at), default=None)
                      for c in (customer, follower)]
            if all(t is not None and at - t < CALM_S for t in bought):
                return index
        return None


def touch(sighting):
    """The sighting as the shop's WeChat service reports it."""
    from google.protobuf import timestamp_pb2
    from regulars.ingest.v1 import ingest_service_pb2, touch_pb2
    from regulars.types.v1 import identifier_pb2
    when = timestamp_pb2.Timestamp(seconds=sighting.time_s)
    prover = {"unionid": "wechat", "openid": "wechat", "phone": "sms_code", "customer": "shop"}
    body = (touch_pb2.TouchBody(followed=touch_pb2.Followed(target="shop"))
            if sighting.kind == "followed"
            else touch_pb2.TouchBody(visit=touch_pb2.Visit(place="mini-program")))
    return ingest_service_pb2.TouchInput(
        source="wechat", native_id=sighting.native_id, channel="wechat", occur_time=when, body=body,
        identifiers=[identifier_pb2.ClearIdentifier(type=kind, scope=scope, value=value, verified=True,
                                                    verified_by=prover[kind], verify_time=when)
                     for kind, scope, value in sighting.identifiers])
