#!/usr/bin/env python3
"""A webhook provider that is as unreliable as told: the other side of the messaging sender in the
demo, in end-to-end tests and in chaos runs.

  provider.py [--port 0] [--port-file F] [--seed N] [--record FILE]
              [--fail SHARE] [--refuse SHARE] [--cut SHARE] [--delay SHARE] [--delay-ms MS]

Listens on 127.0.0.1 only; port 0 takes a free one. Prints one line of JSON {"port": P, "pid": P} when
it is ready, and writes the port to --port-file. Ends on SIGTERM or SIGINT.

  POST /...       a message. Header Idempotency-Key is required (400 without it). 200 {"id": ...}: taken;
                  the same key again gives the same id and is counted as a repeat, not as a message.
  GET  /counts    what happened so far, see Ledger.counts()
  GET  /messages  {"messages": [{key, pool, member, origin_member, campaign, occurrence, requests}, ...]}
  POST /faults    {"fail": 0.3, ...} changes the shares while running; answers the shares in force

Shares are in [0, 1] and are drawn per request from (seed, key, number of the request with this key), so
a run is repeatable however requests interleave:
  fail    503, nothing taken            cut     the connection is closed: half of them before the
  refuse  400, nothing taken                    message is taken, half after it (the answer is lost)
  delay   answers after --delay-ms

Every request is appended to --record as one JSON line before it is answered, so that a reader of the
file sees all a sender can know. Limits: 64 KiB of headers or body, else 413.
"""

import argparse
import asyncio
import hashlib
import json
import os
import pathlib
import signal
import sys

BYTES_MAX = 64 * 1024
SHARES = ("fail", "refuse", "cut", "delay")


class Ledger:
    """What was asked and what was taken."""

    def __init__(self, record):
        self.record = record
        self.results = dict.fromkeys(
            ("taken", "repeated", "failed", "refused", "cut_before", "cut_after", "malformed"), 0)
        self.requests = 0
        self.delayed = 0
        self.messages = {}      # key -> {id, pool, member, origin_member, campaign, occurrence, requests}
        self.attempts = {}      # key -> requests with this key
        self.keys_of_send = {}  # (pool, member, campaign, occurrence) -> keys

    def note(self, key, body, result):
        self.requests += 1
        self.results[result] += 1
        if self.record:
            self.record.write(json.dumps({"key": key, "result": result, "body": body}) + "\n")
            self.record.flush()

    def ask(self, key, body):
        """Counts a request; the number of this request among those with the key, from 1."""
        self.attempts[key] = self.attempts.get(key, 0) + 1
        send = tuple(body.get(field) for field in ("pool", "member", "campaign", "occurrence"))
        # The send is one, whoever the member that it is of became part of.
        send = (send[0], body.get("origin_member", send[1]), *send[2:])
        self.keys_of_send.setdefault(send, set()).add(key)
        return self.attempts[key]

    def take(self, key, body):
        """Takes the message once; (provider's id, whether it was there before)."""
        known = key in self.messages
        message = self.messages.setdefault(key, {
            "id": "p_" + hashlib.sha256(key.encode()).hexdigest()[:16],
            "origin_member": body.get("origin_member", body.get("member")),
            **{field: body.get(field) for field in ("pool", "member", "campaign", "occurrence")}})
        message["requests"] = self.attempts[key]
        return message["id"], known

    def counts(self):
        return {
            "requests": self.requests,
            "messages": len(self.messages),          # distinct keys taken
            "keys": len(self.attempts),              # distinct keys ever asked
            "sends": len(self.keys_of_send),         # distinct (pool, member, campaign, occurrence)
            "keys_per_send_max": max((len(k) for k in self.keys_of_send.values()), default=0),
            "requests_per_key_max": max(self.attempts.values(), default=0),
            "delayed": self.delayed,
            **self.results,
        }


class Provider:
    def __init__(self, options, record):
        self.seed = options.seed
        self.delay_ms = options.delay_ms
        self.shares = {name: getattr(options, name) for name in SHARES}
        self.ledger = Ledger(record)

    def draw(self, what, key, number):
        text = f"{self.seed}/{what}/{key}/{number}".encode()
        return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") / 2**64

    def has(self, what, key, number):
        return self.draw(what, key, number) < self.shares[what]

    async def deliver(self, headers, raw):
        """(status, answer), or None: cut the connection."""
        key = headers.get("idempotency-key", "")
        try:
            body = json.loads(raw)
            if not key or not isinstance(body, dict):
                raise ValueError
        except ValueError:
            self.ledger.note(key, None, "malformed")
            return 400, {"error": "a JSON object and an Idempotency-Key are required"}
        number = self.ledger.ask(key, body)
        if self.has("delay", key, number):
            self.ledger.delayed += 1
            await asyncio.sleep(self.delay_ms / 1000)
        if self.has("fail", key, number):
            self.ledger.note(key, body, "failed")
            return 503, {"error": "try again"}
        if self.has("refuse", key, number):
            self.ledger.note(key, body, "refused")
            return 400, {"error": "refused"}
        cut = self.has("cut", key, number)
        if cut and self.draw("cut_side", key, number) < 0.5:
            self.ledger.note(key, body, "cut_before")
            return None
        message_id, known = self.ledger.take(key, body)
        if cut:
            self.ledger.note(key, body, "cut_after")
            return None
        self.ledger.note(key, body, "repeated" if known else "taken")
        return 200, {"id": message_id}

    def set_faults(self, raw):
        try:
            wanted = json.loads(raw)
            if not isinstance(wanted, dict) or set(wanted) - set(SHARES) - {"delay_ms"}:
                raise ValueError
            values = {name: float(value) for name, value in wanted.items()}
            if any(not 0 <= values[name] <= 1 for name in values if name in SHARES):
                raise ValueError
        except (TypeError, ValueError):
            return 400, {"error": f"an object of {', '.join(SHARES)} in [0, 1] and delay_ms"}
        self.delay_ms = values.pop("delay_ms", self.delay_ms)
        self.shares.update(values)
        return 200, {**self.shares, "delay_ms": self.delay_ms}

    async def answer(self, method, path, headers, raw):
        if (method, path) == ("GET", "/counts"):
            return 200, self.ledger.counts()
        if (method, path) == ("GET", "/messages"):
            return 200, {"messages": [{"key": key, **message}
                                      for key, message in self.ledger.messages.items()]}
        if (method, path) == ("POST", "/faults"):
            return self.set_faults(raw)
        if method == "POST":
            return await self.deliver(headers, raw)
        return 404, {"error": "no such page"}

    async def connection(self, reader, writer):
        try:
            while await self.exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
            pass
        finally:
            writer.close()

    async def exchange(self, reader, writer):
        """One request and its answer; False: close the connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip()
                   for name, _, value in (line.partition(":") for line in lines if line)}
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = int(headers.get("content-length", "0"))
        if not 0 <= length <= BYTES_MAX:
            answer = (413, {"error": "too big"})
        else:
            answer = await self.answer(method, path, headers, await reader.readexactly(length))
        if answer is None:
            writer.transport.abort()
            return False
        status, body = answer
        payload = json.dumps(body).encode() + b"\n"
        writer.write(f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\n"
                     f"content-length: {len(payload)}\r\n\r\n".encode() + payload)
        await writer.drain()
        return status != 413 and headers.get("connection", "").lower() != "close"


def share(text):
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("not in [0, 1]")
    return value


async def serve(options):
    record = open(options.record, "a", encoding="utf-8") if options.record else None
    provider = Provider(options, record)
    server = await asyncio.start_server(provider.connection, "127.0.0.1", options.port,
                                        limit=BYTES_MAX)
    port = server.sockets[0].getsockname()[1]
    if options.port_file:
        path = pathlib.Path(options.port_file)
        path.with_suffix(".new").write_text(f"{port}\n", encoding="utf-8")
        path.with_suffix(".new").rename(path)
    print(json.dumps({"port": port, "pid": os.getpid()}), flush=True)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
    server.close()
    if record:
        record.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--port-file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record")
    parser.add_argument("--delay-ms", type=float, default=200)
    for name in SHARES:
        parser.add_argument(f"--{name}", type=share, default=0.0)
    asyncio.run(serve(parser.parse_args()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
