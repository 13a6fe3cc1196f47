"""Bad calls about linking rules; rows of docs/bad-inputs.md, section "Calls about rules". Each returns what the
caller was told."""

import threading

from calls import DEADLINE_S, EVENT, LIVE, error_of

POOL = f"pools/{EVENT}"
GONE, GONE_KEY = "gone", "a key of a pool that is not configured here"
GOOD = "linking: true\nlink_rules_version: '2'\n"
RULES_BYTES_MAX = 65_536
TRIES = 50

# Rows that another test sends, because they need a service with other bounds.
ELSEWHERE = {
    "rules-history-too-large": "services/identity/shell/rule_service_test.cc",
    "rules-too-long": "services/identity/shell/rule_service_test.cc",
}


class Rules:
    """The rows, against a running system."""

    def __init__(self, system):
        from regulars.identity.v1 import rule_service_pb2, rule_service_pb2_grpc
        self.request = rule_service_pb2.SimulateRulesRequest
        self.stub = rule_service_pb2_grpc.RuleServiceStub(system.channel("identity"))
        keys = system.dir / "keys" / EVENT
        self.till, self.staff, self.ruler = (
            (keys / name).read_text().strip() for name in ("api-key", "link-key", "rules-key"))

    def simulate(self, rules=GOOD, parent=POOL, key=None, **more):
        def call(request, **kwargs):
            return list(self.stub.SimulateRules(request, **kwargs))

        return error_of(call, self.request(parent=parent, rules=rules, **more),
                        metadata=(("authorization", f"Bearer {key or self.ruler}"),))

    def rows(self):
        return {
            "rules-right-missing": lambda: self.simulate(key=self.till),
            "rules-right-other": lambda: self.simulate(key=self.staff),
            "rules-pool-foreign": lambda: self.simulate(parent=f"pools/{LIVE}"),
            "rules-pool-malformed": lambda: self.simulate(parent="tea"),
            "rules-of-a-member": lambda: self.simulate(parent=f"{POOL}/members/m_1"),
            "rules-pool-unknown": lambda: self.simulate(parent=f"pools/{GONE}", key=GONE_KEY),
            "rules-missing": lambda: self.simulate(""),
            "rules-no-yaml": lambda: self.simulate("linking: ["),
            "rules-list": lambda: self.simulate("[linking]"),
            "rules-deep": lambda: self.simulate("[" * 60_000),
            "rules-too-large": lambda: self.simulate(GOOD.ljust(RULES_BYTES_MAX + 1)),
            "rules-1mb": lambda: self.simulate(GOOD.ljust(1_000_000)),
            "rules-key-unknown": lambda: self.simulate(GOOD + "link_limts: []"),
            "rules-limit-malformed": lambda: self.simulate(GOOD + "link_limits: [phone]"),
            "rules-merges-101": lambda: self.simulate(GOOD + "merges_max: 101"),
            "rules-negative": lambda: self.simulate(GOOD + "identifiers_max: -1"),
            "rules-linking-off": lambda: self.simulate("linking: false"),
            "rules-recycling": lambda: self.simulate(GOOD + "recycle_after_days: 1"),
            "rules-differences-negative": lambda: self.simulate(differences_max=-1),
            "rules-differences-1001": lambda: self.simulate(differences_max=1_001),
            "rules-two-at-once": self._two_at_once,
        }

    def at_the_limit(self):
        """What is just good enough passes: the largest rules, and as many differences as may be."""
        return self.simulate(GOOD.ljust(RULES_BYTES_MAX), differences_max=1_000)

    def _two_at_once(self):
        """What the second one is told; a simulation of so small a log may be over too early."""
        for _ in range(TRIES):
            told = [None, None]
            start = threading.Barrier(2)

            def ask(number, told=told, start=start):
                start.wait(DEADLINE_S)
                told[number] = self.simulate()

            threads = [threading.Thread(target=ask, args=(number,)) for number in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            refused = [error for error in told if error is not None]
            if refused:
                # The other one was not disturbed.
                return refused[0] if len(refused) == 1 else None
        return None
