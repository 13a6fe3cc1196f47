#!/usr/bin/env python3
"""The system with every transport closed: mutual TLS on gRPC, SASL_SSL (PLAIN and a client
certificate) on Kafka, TLS and an ACL user with no more rights than needed on Redis.

Real servers in a folder of its own, certificates made by openssl for this run; run by ctest (label
e2e, `secure`). Shows that everything works that way, calls between instances included, and that who
lacks a certificate or a password gets nothing. Exit status 0 only if every check held.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import time

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE.parent / "demo"), str(HERE.parent / "instances"), str(ROOT / "deploy/local")]

import stubs  # noqa: E402  (needs the path above)

stubs.generate()

import grpc  # noqa: E402

from cluster import Cluster, free_port  # noqa: E402
from instances import MEMBERS, POINTS_EACH, Checks, Pair, Scene, again, await_  # noqa: E402

USER, PASSWORD = "regulars", "only-for-this-test"
# What libs/redis/redis_view.h says that owners and readers need.
ACL = ["~r1:*", "+fcall", "+fcall_ro", "+function|load", "+hmget", "+hset", "+mset", "+expire", "+del",
       "+unlink", "+mget", "+scan"]
EXTENSIONS = "subjectAltName=IP:127.0.0.1,DNS:localhost"


class Certificates:
    """A CA, and what it signed: `server`, `client`; and a stranger that signed itself."""

    def __init__(self, folder):
        self.dir = pathlib.Path(folder)
        self.dir.mkdir(parents=True, exist_ok=True)
        self._run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test-ca",
                  "-keyout", "ca.key", "-out", "ca.pem")
        (self.dir / "san").write_text(EXTENSIONS + "\n")
        for name in ("server", "client"):
            self._run("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
                      "-keyout", f"{name}.key", "-out", f"{name}.csr")
            self._run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                      "-CAcreateserial", "-days", "2", "-extfile", "san", "-out", f"{name}.pem")
            # Kafka reads key and certificate from one file.
            self.file(f"{name}-both.pem").write_bytes(
                self.read(f"{name}.key") + self.read(f"{name}.pem"))
        self._run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=stranger",
                  "-addext", EXTENSIONS, "-keyout", "stranger.key", "-out", "stranger.pem")
        self.file("user").write_text(USER + "\n")
        self.file("password").write_text(PASSWORD + "\n")
        self.file("wrong-password").write_text("guessed\n")

    def _run(self, *words):
        subprocess.run(["openssl", *words], cwd=self.dir, check=True, capture_output=True)

    def file(self, name):
        return self.dir / name

    def read(self, name):
        return self.file(name).read_bytes()


class SecureCluster(Cluster):
    """The local cluster with a second, closed listener on both servers."""

    def __init__(self, folder, certificates):
        super().__init__(folder)
        self.kafka_port, self.redis_port = free_port(), free_port()
        self._certificates = certificates
        self.redis_options = [
            "--tls-port", str(self.redis_port), "--tls-cert-file", certificates.file("server.pem"),
            "--tls-key-file", certificates.file("server.key"),
            "--tls-ca-cert-file", certificates.file("ca.pem"), "--tls-auth-clients", "no",
            "--user", USER, "on", f">{PASSWORD}", *ACL]

    def broker_properties(self, text):
        closed = f"CLOSED://127.0.0.1:{self.kafka_port}"
        lines = []
        for line in text.splitlines():
            if line.startswith(("listeners=", "advertised.listeners=")):
                line += f",{closed}"
            elif line.startswith("listener.security.protocol.map="):
                line += ",CLOSED:SASL_SSL"
            lines.append(line)
        prefix = "listener.name.closed."
        lines += [
            f"{prefix}sasl.enabled.mechanisms=PLAIN",
            f"{prefix}plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule"
            f' required user_{USER}="{PASSWORD}";',
            f"{prefix}ssl.keystore.type=PEM",
            f"{prefix}ssl.keystore.location={self._certificates.file('server-both.pem')}",
            f"{prefix}ssl.truststore.type=PEM",
            f"{prefix}ssl.truststore.location={self._certificates.file('ca.pem')}",
            f"{prefix}ssl.client.auth=required"]
        return "\n".join(lines) + "\n"


class SecureSystem(Pair):
    instances = {"points": 2}

    def __init__(self, folder):
        super().__init__(folder)
        # Beside the folder: the start wipes it.
        self.certificates = Certificates(f"{self.dir}-certificates")
        self.cluster = SecureCluster(self.dir, self.certificates)

    def _write_keys_and_config(self):
        super()._write_keys_and_config()
        path = self.dir / "config.yaml"
        config = yaml.safe_load(path.read_text())
        file = lambda name: str(self.certificates.file(name))  # noqa: E731
        config.update(
            kafka_bootstrap=f"127.0.0.1:{self.cluster.kafka_port}", kafka_security_protocol="sasl_ssl",
            kafka_ssl_ca_file=file("ca.pem"), kafka_ssl_cert_file=file("client.pem"),
            kafka_ssl_key_file=file("client.key"), kafka_sasl_mechanism="PLAIN",
            kafka_sasl_username_file=file("user"), kafka_sasl_password_file=file("password"),
            redis_addresses=[f"127.0.0.1:{self.cluster.redis_port}"], redis_tls=True,
            redis_tls_ca_file=file("ca.pem"), redis_user=USER, redis_password_file=file("password"),
            grpc_tls_cert_file=file("server.pem"), grpc_tls_key_file=file("server.key"),
            grpc_tls_client_ca_file=file("ca.pem"))
        path.write_text(yaml.safe_dump(config, sort_keys=False))

    def channel(self, node):
        if node not in self._channels:
            self._channels[node] = self.channel_as(node, "client", "ca.pem")
        return self._channels[node]

    def channel_as(self, node, who, trusted):
        """`who`: whose certificate; None: none."""
        read = self.certificates.read
        own = (read(f"{who}.key"), read(f"{who}.pem")) if who else (None, None)
        return grpc.secure_channel(f"127.0.0.1:{self.ports[node]['grpc']}",
                                   grpc.ssl_channel_credentials(read(trusted), *own),
                                   options=list(self.channel_options))


def works(scene, check):
    system = scene.system
    await_("both instances own shards", lambda: all(
        scene.shards(f"points-{slot}") for slot in (0, 1)))
    for number in (1, 2):
        for customer in range(MEMBERS):
            scene.order(f"customer-{customer}", number, POINTS_EACH * 50)
    members = [await_("a member is known", lambda c=customer: again(
        lambda: scene.lookup("identity", f"customer-{c}"))) for customer in range(MEMBERS)]
    for member in members:
        await_("its points are there", lambda m=member: again(
            lambda: scene.balance("points-0", m).points == POINTS_EACH))
    check("touches become points over SASL_SSL and mutual TLS", True)
    before = sum(scene.reads(node, "view") for node in system.nodes("points"))
    balances = [scene.balance(f"points-{number % 2}", member).points
                for number, member in enumerate(members)]
    after = sum(scene.reads(node, "view") for node in system.nodes("points"))
    check("balances come from Redis over TLS, for a user with few rights",
          balances == [POINTS_EACH] * MEMBERS and after - before == MEMBERS,
          (balances, after - before))
    done = [scene.redeem("points-0", member, "one") for member in members]
    check("instances send calls on to each other over mutual TLS",
          all(one.balance.points == POINTS_EACH - 1 for one in done)
          and any(not scene.is_at("points-0", member) for member in members))


def fails(scene, call):
    try:
        call()
        return None
    except grpc.RpcError as error:
        return error.code().name


def is_closed(scene, check):
    system = scene.system

    def ask(channel):
        from regulars.runtime.v1 import runtime_service_pb2, runtime_service_pb2_grpc
        with channel:
            runtime_service_pb2_grpc.RuntimeServiceStub(channel).GetClock(
                runtime_service_pb2.GetClockRequest(name="pools/shop/clock"), metadata=scene.auth,
                timeout=5)

    check("with certificate and key a call is answered",
          fails(scene, lambda: ask(system.channel_as("identity", "client", "ca.pem"))) is None)
    check("without a certificate it is not",
          fails(scene, lambda: ask(system.channel_as("identity", None, "ca.pem"))) == "UNAVAILABLE")
    check("nor with one that a stranger signed", fails(
        scene, lambda: ask(system.channel_as("identity", "stranger", "ca.pem"))) == "UNAVAILABLE")
    check("nor in plain text", fails(scene, lambda: ask(grpc.insecure_channel(
        f"127.0.0.1:{system.ports['identity']['grpc']}"))) == "UNAVAILABLE")
    check("a client that trusts another CA does not talk to us", fails(
        scene, lambda: ask(system.channel_as("identity", "client", "stranger.pem")))
        == "UNAVAILABLE")


def wrong_password(scene, check):
    """A service that has it wrong says so and is not ready."""
    system, name = scene.system, "segmentation"
    system.cluster.stop(name)
    ports, state = system.ports[name], system.dir / "state" / "wrong"
    state.mkdir(parents=True, exist_ok=True)
    system.cluster.run(name, [
        system.binaries / f"regulars-{name}", f"--config={system.dir}/config.yaml",
        f"--set=grpc_listen=127.0.0.1:{ports['grpc']}", f"--set=state_dir={state}",
        f"--set=health_listen=127.0.0.1:{ports['health']}",
        f"--set=kafka_sasl_password_file={system.certificates.file('wrong-password')}"])
    await_("it says why", lambda: "SASL" in system.cluster.log_tail(name, lines=200))
    check("with a wrong Kafka password a service is not ready", not_ready(system, ports["health"]))


def not_ready(system, port):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            return system._get(port, "/readyz")[0] == 503
        except OSError:
            time.sleep(0.05)
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", default=str(ROOT / "build/local/secure"))
    system = SecureSystem(parser.parse_args().dir)
    check = Checks()
    try:
        system.start()
        scene = Scene(system)
        works(scene, check)
        is_closed(scene, check)
        wrong_password(scene, check)
    finally:
        system.stop(wipe=check.failed == 0)
        if check.failed == 0:
            shutil.rmtree(system.certificates.dir)
    print(f"{check.failed} checks failed")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
