"""Bad calls: one function per row of docs/bad-inputs.md, section "Calls". Each returns what the caller
was told: a grpc.RpcError, or a google.rpc.Status inside a stream."""

import pathlib
import queue
import subprocess
import sys
import time

import grpc

import touches

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECORD = "/regulars.ingest.v1.IngestService/RecordTouch"
EVENT, LIVE = "cdnow", "live"
DEADLINE_S = 30


def error_of(call, *args, **kwargs):
    try:
        call(*args, timeout=kwargs.pop("timeout", DEADLINE_S), **kwargs)
    except grpc.RpcError as error:
        return error
    return None


class Calls:
    """The rows, against a running system."""

    def __init__(self, system):
        from regulars.identity.v1 import identity_service_pb2
        from regulars.ingest.v1 import ingest_service_pb2
        from regulars.types.v1 import identifier_pb2
        self.system = system
        self.ingest, self.identity = ingest_service_pb2, identity_service_pb2
        self.identifier = identifier_pb2.ClearIdentifier
        self.key = system.auth(EVENT)

    def record(self, touch, parent=f"pools/{EVENT}", metadata=None, **kwargs):
        request = self.ingest.RecordTouchRequest(parent=parent, touch=touch)
        metadata = self.key if metadata is None else metadata
        return error_of(self.system.stub("ingest").RecordTouch, request, metadata=metadata, **kwargs)

    def record_bytes(self, data):
        call = self.system.channel("ingest").unary_unary(RECORD, request_serializer=bytes,
                                                         response_deserializer=bytes)
        return error_of(call, data, metadata=self.key)

    def advance(self, seconds, pool=EVENT):
        request = self.ingest.AdvanceClockRequest(name=f"pools/{pool}/clock")
        if seconds is not None:
            request.clock_time.seconds = seconds
        return error_of(self.system.stub("ingest").AdvanceClock, request,
                        metadata=self.system.auth(pool))

    def lookup(self, kind, value):
        request = self.identity.LookupMemberRequest(
            parent=f"pools/{EVENT}", identifier=self.identifier(type=kind, value=value))
        return error_of(self.system.stub("identity").LookupMember, request, metadata=self.key)

    def member(self, name):
        return error_of(self.system.stub("identity").GetMember,
                        self.identity.GetMemberRequest(name=name), metadata=self.key)

    def members_of_a_shared_hint(self, names=("hint-a", "hint-b")):
        """The members of two cards that came with one phone nobody proved."""
        members = set()
        for name in names:
            touch = touches.good(name)
            touch.identifiers[0].value = name
            touch.body.order_paid.order_id = name
            touches.TAKEN["taken-unverified"](touch)
            if (error := self.record(touch)) is not None:
                raise error
            members.add(self._member_of(name))
        return members

    def _member_of(self, card):
        request = self.identity.LookupMemberRequest(
            parent=f"pools/{EVENT}", identifier=self.identifier(type="card", value=card))
        limit = time.monotonic() + DEADLINE_S
        while True:
            try:
                return self.system.stub("identity").LookupMember(
                    request, metadata=self.key, timeout=DEADLINE_S).member
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.NOT_FOUND or time.monotonic() > limit:
                    raise
                time.sleep(0.1)  # between two looks; the condition is that the card is known

    def stream(self, parents):
        """The statuses of one bad touch per parent, in one stream."""
        waiting = queue.Queue()
        answers = self.system.stub("ingest").RecordTouches(iter(waiting.get, None),
                                                           metadata=self.key, timeout=DEADLINE_S)
        statuses = []
        for sequence, parent in enumerate(parents):
            bad = touches.good()
            bad.ClearField("channel")  # refused by content, so that nothing is written
            waiting.put(self.ingest.RecordTouchesRequest(sequence=sequence, parent=parent, touch=bad))
            statuses.append(next(answers).status)
        waiting.put(None)
        return statuses

    def rows(self):
        own, nobody = f"pools/{EVENT}", "m_00000000000000000000000000"
        marked = touches.good()
        marked.shop = "QQQQ"
        # A call whose deadline is over may still be under way when its client has given up, and what
        # is written then is written: this one would be refused for its content, too.
        late = touches.good("late")
        late.ClearField("channel")
        wrong_text = self.ingest.RecordTouchRequest(parent=own, touch=marked).SerializeToString()
        wrong_text = wrong_text.replace(b"QQQQ", b"\xff\xfe\xc0\x80")
        named = touches.good()
        named.identifiers[0].value = "QQQQ"
        name_bytes = self.ingest.RecordTouchRequest(parent=own, touch=named).SerializeToString()
        return {
            "credential-missing": lambda: self.record(touches.good(), metadata=()),
            "credential-invalid": lambda: self.record(
                touches.good(), metadata=(("authorization", "Bearer nobody"),)),
            "pool-foreign": lambda: self.record(touches.good(), parent=f"pools/{LIVE}"),
            "pool-unknown": lambda: self.record(touches.good(), parent="pools/moon"),
            "pool-malformed": lambda: self.record(touches.good(), parent="tea"),
            "utf8-wrong": lambda: self.record_bytes(wrong_text),
            "identifier-utf8-wrong": lambda: self.record_bytes(
                name_bytes.replace(b"QQQQ", b"\xff\xfe\xc0\x80")),
            "identifier-surrogate": lambda: self.record_bytes(
                name_bytes.replace(b"QQQQ", b"\xed\xa0\x80Q")),
            "bytes-wrong": lambda: self.record_bytes(b"\x0a\xffnonsense"),
            "deadline-over": lambda: self.record(late, timeout=-1),
            "stream-pool-changes": lambda: self.stream([own, f"pools/{LIVE}"])[1],
            "clock-backwards": lambda: self.advance(999),
            "clock-is-wall": lambda: self.advance(1000, pool=LIVE),
            "clock-time-missing": lambda: self.advance(None),
            "lookup-unknown": lambda: self.lookup("card", "nobody's"),
            "lookup-type-unknown": lambda: self.lookup("horoscope", "leo"),
            "lookup-type-malformed": lambda: self.lookup("Phone!", "1"),
            "lookup-phone-masked": lambda: self.lookup("phone", "138****8000"),
            "lookup-value-blocked": lambda: self.lookup("card", "null"),
            "lookup-value-empty": lambda: self.lookup("card", " "),
            "member-unknown": lambda: self.member(f"{own}/members/{nobody}"),
            "member-name-malformed": lambda: self.member("members/x"),
            "message-too-big": lambda: self.record_bytes(b"x" * (1024 * 1024 + 1)),
        }


# Rows that other tests send, because they need a log that waits or an edge in front.
ELSEWHERE = {
    "stream-window": "services/ingest/shell/ingest_service_test.cc",
    "clock-in-flight": "services/ingest/shell/clock_desk_test.cc",
}


def edge_stops_headers():
    """Row headers-20mb: 20 MB of headers through the documented edge."""
    done = subprocess.run([sys.executable, ROOT / "deploy/edge/selftest.py"], capture_output=True,
                          text=True, check=False, timeout=300)
    return done.returncode == 0, done.stdout[-500:] + done.stderr[-500:]
