#!/bin/sh
# The public headers compile alone, as C11 and as C++17, without a warning. Usage: run.sh CC
set -eu
cd "$(dirname "$0")/../.."
cc=$1
scratch=$(mktemp)
trap 'rm -f "$scratch"' EXIT
warn="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"

# shellcheck disable=SC2086 # a list of options
check() {
    compiler=$1
    shift
    "$compiler" "$@" $warn -Iinclude -fsyntax-only tests/headers/headers.c
    for header in include/castor/*.h; do
        # Included, not compiled as it stands: clang calls an inline function of the main file unused.
        echo "#include <castor/${header#include/castor/}>" | "$compiler" "$@" $warn -Iinclude -fsyntax-only -
    done
    for header in include/castor/adapters/*.h; do
        check_adapter "$compiler" "$header" "$@"
    done
}

# An adapter includes the header of its loop: where that is not installed, there is nothing to check.
# shellcheck disable=SC2086 # lists of options
check_adapter() {
    compiler=$1 header=$2
    shift 2
    # Clocks and sockets are not ISO C.
    flags="-D_POSIX_C_SOURCE=200809L $(pkg-config --cflags glib-2.0 2>/dev/null | sed 's/-I/-isystem /g')"
    sed -n 's/^#include <\(.*\)>$/#include <\1>/p' "$header" | grep -v castor >"$scratch"
    if ! "$compiler" "$@" $flags -fsyntax-only - <"$scratch" 2>/dev/null; then
        echo "SKIPPED: $header, its loop is not installed here (./setup --dev)"
        return
    fi
    echo "#include <castor/${header#include/castor/}>" | "$compiler" "$@" $warn $flags -Iinclude -fsyntax-only -
}

check "$cc" -std=c11 -xc
# whichever C++ compiler there is; without one the C++ half is left to the machines that have it
for cxx in c++ g++ clang++; do
    if command -v "$cxx" >/dev/null 2>&1; then
        check "$cxx" -std=c++17 -xc++
        exit 0
    fi
done
echo "no C++ compiler: the header was checked as C only"
