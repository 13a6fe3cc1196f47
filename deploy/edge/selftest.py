#!/usr/bin/env python3
"""Shows that deploy/edge/haproxy.cfg lets our calls through and stops what it promises to stop.

A plain gRPC server stands in for ingest. Sent through the edge: a unary call, a stream, headers of
exactly one step below and above the limit, 20 MB of headers (over a raw HTTP/2 connection as well,
since a well-behaved client never sends them), reflection, and a GET. Refused calls must not reach the
server. Prints one line per row; exit status 1 if a row is wrong.
"""

import concurrent.futures
import os
import pathlib
import socket
import struct
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "local"))
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc  # noqa: E402
import processes  # noqa: E402
from cluster import free_port  # noqa: E402

SERVICES = ("INGEST", "IDENTITY", "POINTS", "SEGMENTATION", "MESSAGING")
RECORD = "/regulars.ingest.v1.IngestService/RecordTouch"
STREAM = "/regulars.ingest.v1.IngestService/RecordTouches"


class Echo(grpc.GenericRpcHandler):
    """Answers every method with what it got; remembers how many calls arrived."""

    def __init__(self):
        self.calls = 0

    def service(self, details):
        self.calls += 1
        if details.method == STREAM:
            return grpc.stream_stream_rpc_method_handler(lambda requests, _: requests)
        return grpc.unary_unary_rpc_method_handler(lambda request, _: request)


def wait_listening(port, deadline):
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit("the edge did not start")


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def raw_headers(port, total_bytes):
    """Sends one HEADERS and CONTINUATION frames until `total_bytes`; returns how many were taken."""
    literal = b"\x00" + b"\x07x-bloat" + b"\x7f\x81\x7f" + b"a" * 16384  # name, 16,384-byte value
    literal = literal[:16384]
    sent = 0
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.settimeout(10)
        try:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b""))
            connection.sendall(frame(1, 0, 1, literal))
            while sent < total_bytes:
                connection.sendall(frame(9, 0, 1, literal))
                sent += len(literal)
            while connection.recv(65536):
                pass
        except OSError:
            pass
    return sent


def status_of(call):
    try:
        call()
        return "OK"
    except grpc.RpcError as error:
        return error.code().name


def rows(channel, port, echo):
    unary = channel.unary_unary(RECORD)
    yield "unary call", status_of(lambda: unary(b"x", timeout=5)), {"OK"}, 1

    def stream():
        answers = list(channel.stream_stream(STREAM)(iter([b"1", b"2", b"3"]), timeout=5))
        assert answers == [b"1", b"2", b"3"], answers
    yield "stream of three", status_of(stream), {"OK"}, 1
    yield "4 KiB of headers", status_of(
        lambda: unary(b"x", timeout=5, metadata=[("x-a", "a" * 4096)])), {"OK"}, 1
    yield "16 KiB + 1 of headers", status_of(
        lambda: unary(b"x", timeout=5, metadata=[("x-a", "a" * 16385)])), {
            "UNAVAILABLE", "INTERNAL", "RESOURCE_EXHAUSTED", "UNKNOWN"}, 0
    yield "65 header fields", status_of(
        lambda: unary(b"x", timeout=5, metadata=[(f"x-{i}", "a") for i in range(65)])), {
            "UNAVAILABLE", "INTERNAL", "RESOURCE_EXHAUSTED", "UNKNOWN"}, 0
    yield "20 MB of headers", status_of(
        lambda: unary(b"x", timeout=20, metadata=[("x-a", "a" * 20_000_000)])), {
            "UNAVAILABLE", "INTERNAL", "RESOURCE_EXHAUSTED", "UNKNOWN"}, 0
    taken = raw_headers(port, 20_000_000)
    yield "20 MB in CONTINUATION frames", "cut" if taken < 20_000_000 else "taken", {"cut"}, 0
    yield "reflection", status_of(lambda: channel.unary_unary(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")(b"", timeout=5)), {
            "UNIMPLEMENTED"}, 0
    yield "still serving", status_of(lambda: unary(b"x", timeout=5)), {"OK"}, 1


def main():
    echo = Echo()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), handlers=[echo])
    backend = server.add_insecure_port("127.0.0.1:0")
    server.start()
    port = free_port()
    env = {f"{name}_ADDRESS": f"127.0.0.1:{backend}" for name in SERVICES}
    with tempfile.TemporaryDirectory() as folder:
        pid = processes.start(["haproxy", "-db", "-f", str(HERE / "haproxy.cfg")],
                              pathlib.Path(folder) / "haproxy.log",
                              env={**env, "EDGE_LISTEN": f"127.0.0.1:{port}"})
        failed = 0
        try:
            wait_listening(port, time.monotonic() + 10)
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                before = echo.calls
                for name, got, wanted, reaching in rows(channel, port, echo):
                    arrived, before = echo.calls - before, echo.calls
                    good = got in wanted and arrived == reaching
                    failed += not good
                    print(f"{'ok  ' if good else 'FAIL'} {name}: {got}, {arrived} reached the server")
        finally:
            processes.stop(pid)
            server.stop(0)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
