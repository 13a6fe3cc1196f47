#!/bin/sh
# Makes the keys of one pool, once: what exists is never overwritten.
# Usage: make_keys.sh POOL FOLDER
#   pepper     one line `<id> <32 bytes, base64>`: HMAC of identifiers. Losing it = not knowing anybody.
#   seal-key   lines of the same form: the last one seals contact data, all of them open it.
#   api-keys   lines `<id> <pool> <SHA-256 of the key, hex>`: who may call for this pool.
#   api-key    the API key itself, for callers: send `authorization: Bearer <key>`. Not for the services.
# For Kubernetes: kubectl create secret generic regulars-pool-POOL \
#   --from-file=FOLDER/pepper --from-file=FOLDER/seal-key --from-file=FOLDER/api-keys
set -eu
pool=$1
dir=$2
umask 027
mkdir -p "$dir"
[ -s "$dir/pepper" ] || echo "p1 $(openssl rand -base64 32)" >"$dir/pepper"
[ -s "$dir/seal-key" ] || echo "s1 $(openssl rand -base64 32)" >"$dir/seal-key"
if [ ! -s "$dir/api-keys" ]; then
  openssl rand -hex 32 | tr -d '\n' >"$dir/api-key"
  echo "k1 $pool $(openssl dgst -sha256 -r <"$dir/api-key" | cut -d ' ' -f 1)" >"$dir/api-keys"
fi
[ ! -s "$dir/api-key" ] || echo "API key of pool $pool: $(cat "$dir/api-key")"
