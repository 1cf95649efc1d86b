#!/bin/sh
# libcastor.so exports castor_* and nothing else, all under CASTOR_0. Usage: exports.sh LIBCASTOR.SO
set -eu
symbols=$(nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }')
[ -n "$symbols" ] || { echo "$1 exports nothing"; exit 1; }
strangers=$(printf '%s\n' "$symbols" | grep -v '^castor_[a-z0-9_]*@@CASTOR_0$' || true)
[ -z "$strangers" ] || { printf 'exported, but not castor_*@@CASTOR_0:\n%s\n' "$strangers"; exit 1; }
