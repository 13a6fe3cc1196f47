"""Guarded writes of the view against MSETs of the same keys and values on the same Redis."""

import context

VALUE_BYTES = 300


def run(stage, size, shown):
    answer = context.tool("view", redis=stage.redis_address, keys=size.view_keys,
                          value_bytes=VALUE_BYTES)
    shown["view_apply_keys_per_s"] = answer["view_keys_per_s"]
    shown["mset_keys_per_s"] = answer["mset_keys_per_s"]
    shown["view_vs_mset"] = answer["view_keys_per_s"] / answer["mset_keys_per_s"]
    return []
