#!/bin/sh
# Makes the keys of one pool, once: what exists is never overwritten.
# Usage: make_keys.sh POOL FOLDER
#   pepper     one line `<id> <32 bytes, base64>`: HMAC of identifiers. Losing it = not knowing anybody.
#   seal-key   lines of the same form: the last one seals contact data, all of them open it.
#   transport-keys  a line per day: contact data and chat travel under the key of their day. For today and
#                   the next three days; `regularsctl keys rotate` goes on daily and destroys old ones.
#   kek        lines like seal-key: the last one wraps the data keys of members, all of them unwrap.
#   api-keys   lines `<id> <pool> <SHA-256 of the key, hex> [<right>,...]`: who may call for this pool.
#   api-key    the API key itself, for callers: send `authorization: Bearer <key>`. Not for the services.
#   privacy-key  another one, with the rights resolve-contact, export-member and erase-member.
#   link-key     another one, with the right link-members: for staff that merges and splits members.
#   rules-key    another one, with the right simulate-rules: for who changes the linking rules.
# For Kubernetes: kubectl create secret generic regulars-pool-POOL \
#   --from-file=FOLDER/pepper --from-file=FOLDER/seal-key --from-file=FOLDER/api-keys \
#   --from-file=FOLDER/transport-keys --from-file=FOLDER/kek
set -eu
pool=$1
dir=$2
umask 027
mkdir -p "$dir"
[ -s "$dir/pepper" ] || echo "p1 $(openssl rand -base64 32)" >"$dir/pepper"
[ -s "$dir/seal-key" ] || echo "s1 $(openssl rand -base64 32)" >"$dir/seal-key"
[ -s "$dir/kek" ] || echo "kek1 $(openssl rand -base64 32)" >"$dir/kek"
if [ ! -s "$dir/transport-keys" ]; then
  now=$(date -u +%s)
  for ahead in 0 1 2 3; do
    echo "transport/$(date -u -d "@$((now + ahead * 86400))" +%Y-%m-%d) $(openssl rand -base64 32)"
  done >"$dir/transport-keys"
fi
digest() { openssl dgst -sha256 -r <"$1" | cut -d ' ' -f 1; }
if [ ! -s "$dir/api-keys" ]; then
  openssl rand -hex 32 | tr -d '\n' >"$dir/api-key"
  openssl rand -hex 32 | tr -d '\n' >"$dir/privacy-key"
  openssl rand -hex 32 | tr -d '\n' >"$dir/link-key"
  openssl rand -hex 32 | tr -d '\n' >"$dir/rules-key"
  {
    echo "k1 $pool $(digest "$dir/api-key")"
    echo "privacy $pool $(digest "$dir/privacy-key") resolve-contact,export-member,erase-member"
    echo "links $pool $(digest "$dir/link-key") link-members"
    echo "rules $pool $(digest "$dir/rules-key") simulate-rules"
  } >"$dir/api-keys"
fi
[ ! -s "$dir/api-key" ] || echo "API key of pool $pool: $(cat "$dir/api-key")"
