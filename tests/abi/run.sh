#!/bin/sh
# The binary interface of libcastor.so against the one that was agreed on: tests/abi/libcastor.abi.
#
#   tests/abi/run.sh LIBRARY           fails when a program built against the old one would not run with the new one
#   tests/abi/run.sh --renew LIBRARY   agrees on this one (`make abi`)
#
# LIBRARY has debug information. What may come without asking: functions, enumerators behind the last, and fields at the
# end of the structs that begin with their size (compatible.ini). All else asks for a renewal, and for a reason in its
# commit; from 1.0 on, for another SOVERSION.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
public=$here/../../include/castor

if ! command -v abidiff >/dev/null 2>&1; then
    echo "SKIPPED: abidiff is not installed here (./setup --dev)"
    exit 77
fi

if [ "$(uname -m)" != x86_64 ]; then
    echo "SKIPPED: the interface that was agreed on is that of x86-64"
    exit 77
fi

# Without what differs from one machine to the next: paths, lines of sources, the names of other libraries.
dump() {
    abidw --headers-dir "$public" --drop-private-types --exported-interfaces-only --drop-undefined-syms \
        --no-elf-needed --no-corpus-path --no-show-locs --no-comp-dir-path --type-id-style hash "$1" |
        sed "s| path='[^']*/src/| path='src/|"
}

if [ "$1" = --renew ]; then
    dump "$2" >"$here/libcastor.abi.new"
    mv "$here/libcastor.abi.new" "$here/libcastor.abi"
    echo "tests/abi/libcastor.abi: $(grep -c '<function-decl' "$here/libcastor.abi") functions," \
        "$(grep -c "<class-decl name='castor_.*size-in-bits" "$here/libcastor.abi") structs"
    exit 0
fi

# Two dumps of the same making: what is private is in neither.
now=$(mktemp)
trap 'rm -f "$now"' EXIT
dump "$1" >"$now"
status=0
abidiff --leaf-changes-only --no-added-syms --suppressions "$here/compatible.ini" "$here/libcastor.abi" "$now" ||
    status=$?
[ "$status" = 0 ] || echo "If that is meant to be: make abi, and say why in the commit."
exit "$status"
