"""RedeemPoints through gRPC, and a bare transaction of the same shape, in turn, idle."""

import context


def run(stage, size, shown):
    answer = context.tool("redeem", bootstrap=stage.bootstrap, api_key=stage.api_key,
                          address=f"127.0.0.1:{stage.ports['grpc']}", members=size.members,
                          count=size.redemptions, bare_input="bench.idle",
                          bare_events="bench.txn.events", bare_commands="bench.txn.commands",
                          bare_changelog="bench.txn.changelog")
    shown.update(answer)
    shown["redeem_vs_bare_txn"] = answer["redeem_p50_ms"] / answer["bare_txn_p50_ms"]
    return []
