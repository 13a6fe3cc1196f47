"""Bad calls about people: merges, splits and personal data; rows of docs/bad-inputs.md, section "Calls about
people". `prepare` makes the members that the rows need; each row returns what the caller was told."""

import threading
import time

import grpc

import touches
from calls import DEADLINE_S, EVENT, LIVE, error_of

POOL = f"pools/{EVENT}"
NOBODY = f"{POOL}/members/m_00000000000000000000000000"
PHONE = "139 0000 0001"
REUSED = "00000000-0000-4000-8000-000000000001"
AT_ONCE = "00000000-0000-4000-8000-000000000002"
CONSENTS_MAX = 32
NEW_YEAR_10000_S = 253402300800


def await_(what, condition):
    limit = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        if time.monotonic() > limit:
            raise RuntimeError(f"not within {DEADLINE_S} s: {what}")
        time.sleep(0.05)  # between two looks at the condition
    return value


class People:
    """The rows, against a running system."""

    def __init__(self, system, caller):
        from regulars.identity.v1 import (identity_service_pb2_grpc, link_service_pb2,
                                          link_service_pb2_grpc, privacy_events_pb2,
                                          privacy_service_pb2, privacy_service_pb2_grpc)
        channel = system.channel("identity")
        self.caller, self.link, self.kinds = caller, link_service_pb2, privacy_events_pb2
        self.privacy = privacy_service_pb2
        self.links = link_service_pb2_grpc.LinkServiceStub(channel)
        self.vault = privacy_service_pb2_grpc.PrivacyServiceStub(channel)
        self.reads = identity_service_pb2_grpc.IdentityServiceStub(channel)
        keys = system.dir / "keys" / EVENT
        self.till, self.staff, self.officer = (
            (("authorization", f"Bearer {(keys / name).read_text().strip()}"),)
            for name in ("api-key", "link-key", "privacy-key"))
        self.members = {}

    # -- members ---------------------------------------------------------------------------------
    def prepare(self):
        """Ann: a card and a proved phone, and Dan, who became part of her. Fay and Gus: a split keeps
        them apart. Eve: erased. Cid: as many consents as are kept. Xia: a card, a phone, a mail address."""
        for name, identifiers in {"ann": (("card", "people-ann"), ("phone", PHONE)),
                                  "bob": (("card", "people-bob"),),
                                  "cid": (("card", "people-cid"),),
                                  "dan": (("email", "dan@people.example"),),
                                  "eve": (("card", "people-eve"),),
                                  "fay": (("email", "fay@people.example"),),
                                  "gus": (("card", "people-gus"),),
                                  "xia": (("card", "people-xia"), ("phone", "139 0000 0002"),
                                          ("email", "xia@people.example"))}.items():
            self._touch(name, identifiers)
        self._same("ann", ("phone", PHONE))
        self._same("xia", ("email", "xia@people.example"))
        self._merge("ann", "dan", request_id=REUSED)
        self._same("ann", ("email", "dan@people.example"))
        self._merge("gus", "fay")
        self._same("fay", ("card", "people-gus"))
        self._undo("fay")
        self._same("gus", ("card", "people-gus"))
        await_("a settled merge of ann", lambda: self._told_ok(
            self.split("ann", ("phone", PHONE), validate_only=True)))
        for number in range(CONSENTS_MAX):
            assert self.consent("cid", purpose=f"p{number}") is None
        assert self.erase("eve") is None

    def _touch(self, name, identifiers):
        touch = touches.good(f"people-{name}")
        touch.body.order_paid.order_id = f"people-{name}"
        touch.ClearField("identifiers")
        for kind, value in identifiers:
            proof = {} if kind == "card" else {"verified": True, "verified_by": "sms_code"}
            touch.identifiers.add(type=kind, value=value, **proof)
        if (error := self.caller.record(touch)) is not None:
            raise error
        self.members[name] = await_(f"member {name}", lambda: self._member_of(*identifiers[0]))

    def _member_of(self, kind, value):
        request = self.caller.identity.LookupMemberRequest(
            parent=POOL, identifier=self.caller.identifier(type=kind, value=value))
        get = self.caller.identity.GetMemberRequest
        try:
            name = self.reads.LookupMember(request, metadata=self.till, timeout=DEADLINE_S).member
            # Known to itself, too.
            self.reads.GetMember(get(name=name), metadata=self.till, timeout=DEADLINE_S)
            return name
        except grpc.RpcError:
            return None

    def _same(self, name, identifier):
        await_(f"{identifier[0]} of {name}",
               lambda: self._member_of(*identifier) == self.members[name])

    def _merge(self, name, other, **more):
        if (error := self.merge(name, self.members[other], **more)) is not None:
            raise error

    def _undo(self, name):
        merges = self.links.ListMerges(self.link.ListMergesRequest(parent=self.members[name]),
                                       metadata=self.staff, timeout=DEADLINE_S).merges
        request = self.link.UndoMergeRequest(name=merges[0].name)
        await_(f"the undo at {name}", lambda: self._told_ok(
            error_of(self.links.UndoMerge, request, metadata=self.staff)))

    @staticmethod
    def _told_ok(error):
        if error is not None and "not settled" not in (error.details() or ""):
            raise error
        return error is None

    # -- calls -----------------------------------------------------------------------------------
    def merge(self, name, other, key=None, **more):
        request = self.link.MergeMembersRequest(name=self.members.get(name, name), other=other, **more)
        return error_of(self.links.MergeMembers, request, metadata=key or self.staff)

    def split(self, name, *identifiers, key=None, **more):
        request = self.link.SplitMemberRequest(
            name=self.members.get(name, name),
            identifiers=[self.caller.identifier(type=kind, value=value)
                         for kind, value in identifiers], **more)
        return error_of(self.links.SplitMember, request, metadata=key or self.staff)

    def undo(self, name, **more):
        return error_of(self.links.UndoMerge, self.link.UndoMergeRequest(name=name, **more),
                        metadata=self.staff)

    def explain(self, first, second):
        clear = self.caller.identifier
        request = self.link.ExplainLinkRequest(
            parent=POOL, first=clear(type=first[0], value=first[1]),
            second=clear(type=second[0], value=second[1]))
        return error_of(self.links.ExplainLink, request, metadata=self.staff)

    def merges(self, name, **more):
        request = self.link.ListMergesRequest(parent=self.members.get(name, name), **more)
        return error_of(self.links.ListMerges, request, metadata=self.staff)

    def resolve(self, name, purpose="p0", channel="sms", kinds=(1,), key=None):
        request = self.privacy.ResolveContactRequest(
            name=self.members.get(name, name), purpose=purpose, channel=channel, kinds=kinds)
        return error_of(self.vault.ResolveContact, request, metadata=key or self.officer)

    def consent(self, name, purpose="p0", channel="sms", source="shop", time_s=None, request_id="",
                decision=1, **more):
        consent = self.privacy.Consent(purpose=purpose, channel=channel, source=source,
                                       decision=decision, **more)
        if time_s is not None:
            consent.decide_time.seconds = time_s
        request = self.privacy.RecordConsentRequest(parent=self.members.get(name, name),
                                                    consent=consent, request_id=request_id)
        return error_of(self.vault.RecordConsent, request, metadata=self.till)

    def read_consent(self, name):
        return error_of(self.vault.GetConsent, self.privacy.GetConsentRequest(name=name),
                        metadata=self.till)

    def consents(self, name, time_s):
        request = self.privacy.ListConsentsRequest(parent=self.members.get(name, name))
        request.as_of_time.seconds = time_s
        return error_of(self.vault.ListConsents, request, metadata=self.till)

    def erase(self, name, key=None, **more):
        request = self.privacy.EraseMemberRequest(name=self.members.get(name, name), **more)
        return error_of(self.vault.EraseMember, request, metadata=key or self.officer)

    def export(self, name, key=None):
        request = self.privacy.ExportMemberRequest(name=self.members.get(name, name))
        return error_of(self.vault.ExportMember, request, metadata=key or self.officer)

    # -- rows ------------------------------------------------------------------------------------
    def rows(self):
        return {**self._merges(), **self._splits(), **self._reads(), **self._personal()}

    def _merges(self):
        m = self.members
        return {
            "merge-right-missing": lambda: self.merge("ann", m["bob"], key=self.till),
            "merge-name-malformed": lambda: self.merge("members/x", m["bob"]),
            "merge-other-malformed": lambda: self.merge("ann", "x"),
            "merge-other-pool": lambda: self.merge("ann", m["bob"].replace(EVENT, LIVE)),
            "merge-request-id-malformed": lambda: self.merge("ann", m["bob"], request_id="1"),
            "merge-request-id-reused": lambda: self.merge("ann", m["bob"], request_id=REUSED),
            "merge-unknown": lambda: self.merge(NOBODY, m["bob"]),
            "merge-erased": lambda: self.merge("eve", m["bob"]),
            "merge-itself": lambda: self.merge("ann", m["ann"]),
            "merge-part-of-it": lambda: self.merge("ann", m["dan"]),
            "merge-alias": lambda: self.merge("dan", m["bob"]),
            "merge-other-unknown": lambda: self.merge("ann", NOBODY),
            "merge-other-alias": lambda: self.merge("bob", m["dan"]),
            "merge-kept-apart": lambda: self.merge("fay", m["gus"]),
            "merge-two-cards": lambda: self.merge("ann", m["bob"]),
            "undo-unknown": lambda: self.undo(f"{m['ann']}/merges/none"),
            "undo-alias": lambda: self.undo(f"{m['dan']}/merges/none"),
            "undo-name-malformed": lambda: self.undo(m["ann"]),
        }

    def _splits(self):
        own = ("card", "people-ann")
        return {
            "split-right-missing": lambda: self.split("ann", own, key=self.till),
            "split-nothing-named": lambda: self.split("ann"),
            "split-101": lambda: self.split("ann", *[own] * 101),
            "split-10000": lambda: self.split("ann", *[own] * 10_000),
            "split-zeros": lambda: self.split("ann", ("card", "0000")),
            "split-null": lambda: self.split("ann", ("card", "null")),
            "split-1mb": lambda: self.split("ann", ("card", "x" * 1_000_000)),
            "split-control": lambda: self.split("ann", ("card", "a\x00b")),
            "split-masked": lambda: self.split("ann", ("phone", "138****8000")),
            "split-unknown-identifier": lambda: self.split("ann", ("card", "nobody's")),
            "split-somebody-elses": lambda: self.split("ann", ("card", "people-bob")),
            "split-everything": lambda: self.split("ann", own, ("phone", PHONE),
                                                   ("email", "dan@people.example")),
            "split-alias": lambda: self.split("dan", ("email", "dan@people.example")),
            "split-unknown": lambda: self.split(NOBODY, own),
        }

    def _reads(self):
        own = ("card", "people-ann")
        return {
            "merges-page-size": lambda: self.merges("ann", page_size=-1),
            "merges-page-token": lambda: self.merges("ann", page_token="1"),
            "explain-unknown": lambda: self.explain(own, ("card", "nobody's")),
            "explain-malformed": lambda: self.explain(("Card!", "1"), own),
        }

    def _personal(self):
        ann = self.members["ann"]
        return {
            "resolve-right-missing": lambda: self.resolve("cid", key=self.till),
            "resolve-purpose-malformed": lambda: self.resolve("cid", purpose="Marketing!"),
            "resolve-channel-missing": lambda: self.resolve("cid", channel=""),
            "resolve-nothing-named": lambda: self.resolve("cid", kinds=()),
            "resolve-named-twice": lambda: self.resolve("cid", kinds=(1, 1)),
            "resolve-no-consent": lambda: self.resolve("ann"),
            "resolve-nothing-known": lambda: self.resolve("cid"),
            "resolve-alias": lambda: self.resolve("dan"),
            "resolve-erased": lambda: self.resolve("eve"),
            "consent-undecided": lambda: self.consent("ann", decision=0),
            "consent-source-missing": lambda: self.consent("ann", source=""),
            "consent-evidence-text": lambda: self.consent("ann", evidence="she said: yes"),
            "consent-notice-too-long": lambda: self.consent("ann", notice_version="x" * 65),
            "consent-year-10000": lambda: self.consent("ann", time_s=NEW_YEAR_10000_S),
            "consent-in-future": lambda: self.consent("ann", time_s=NEW_YEAR_10000_S - 1),
            "consent-request-id": lambda: self.consent("ann", request_id="1"),
            "consents-too-many": lambda: self.consent("cid", purpose="one_more"),
            "consent-name-malformed": lambda: self.read_consent(f"{ann}/consents/marketing"),
            "consents-before-1970": lambda: self.consents("ann", -1),
            "erase-right-missing": lambda: self.erase("ann", key=self.till),
            "erase-reason-text": lambda: self.erase("ann", reason="she asked for it"),
            "erase-alias": lambda: self.erase("dan"),
            "erase-unknown": lambda: self.erase(NOBODY),
            "export-right-missing": lambda: self.export("ann", key=self.till),
            "export-unknown": lambda: self.export(NOBODY),
            "export-erased": lambda: self.export("eve"),
        }

    # -- two at once -----------------------------------------------------------------------------
    def at_once(self):
        """{row: what the two callers were told}. Of two commands that contradict each other one is done;
        they change something, so they come last."""
        merges = self.links.ListMerges(self.link.ListMergesRequest(parent=self.members["ann"]),
                                       metadata=self.staff, timeout=DEADLINE_S).merges
        phone, mail = ("phone", "139 0000 0002"), ("email", "xia@people.example")
        return {
            "at-once-one-request-id": self._both(
                lambda: self.split("xia", phone, request_id=AT_ONCE),
                lambda: self.split("xia", mail, request_id=AT_ONCE)),
            "at-once-two-ways": self._both(
                lambda: self.undo(merges[0].name),
                lambda: self.split("ann", ("email", "dan@people.example"))),
        }

    def dan_is_himself(self):
        self._same("dan", ("email", "dan@people.example"))
        return self._member_of("card", "people-ann") == self.members["ann"]

    @staticmethod
    def _both(*calls):
        told = [None] * len(calls)

        def ask(number, call):
            told[number] = call()

        threads = [threading.Thread(target=ask, args=pair) for pair in enumerate(calls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return told
