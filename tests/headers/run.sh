#!/bin/sh
# The public headers compile alone, as C11 and as C++17, without a warning. Usage: run.sh CC
set -eu
cd "$(dirname "$0")/../.."
cc=$1
warn="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"

# shellcheck disable=SC2086 # a list of options
check() {
    compiler=$1
    shift
    "$compiler" "$@" $warn -Iinclude -fsyntax-only tests/headers/headers.c
    for header in include/castor/*.h; do
        "$compiler" "$@" $warn -Iinclude -fsyntax-only "$header"
    done
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
