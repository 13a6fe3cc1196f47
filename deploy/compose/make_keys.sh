#!/bin/sh
# Makes the keys of the demo pool once, into a volume only the services mount. Prints the API key.
set -eu
dir=/run/regulars/keys
umask 027
for name in pepper seal-key api-keys; do
  [ -s "$dir/$name" ] || openssl rand -hex 32 >"$dir/$name"
done
echo "API key of pool demo: $(cat "$dir/api-keys")"
