#!/bin/sh
# Installs the build into a fresh prefix, moves the prefix, and builds and runs a small program against it in every
# way a user might. Usage: run.sh BUILD_DIR CMAKE CC
set -eu
build=$1 cmake=$2 cc=$3
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
prefix=$scratch/moved

fail() { echo "install: $*" >&2; exit 1; }
greets() { [ "$("$@")" = "Hi." ] || fail "$1 does not run"; }

DESTDIR='' "$cmake" --install "$build" --prefix "$scratch/first" >"$scratch/log" 2>&1 ||
    { cat "$scratch/log"; fail "cmake --install"; }
mv "$scratch/first" "$prefix" # what holds an absolute path breaks here

pc=$(find "$prefix" -name castor.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
libdir=$(pkg-config --variable=libdir castor)

# shellcheck disable=SC2046 # pkg-config prints lists of options
{
    "$cc" -std=c11 $(pkg-config --cflags castor) "$here/consumer.c" -o "$scratch/shared" $(pkg-config --libs castor)
    greets env LD_LIBRARY_PATH="$libdir" "$scratch/shared"

    # Our archive with the distribution's shared libraries: Debian has no static yyjson.
    "$cc" -std=c11 $(pkg-config --cflags castor) "$here/consumer.c" -o "$scratch/static" \
        $(pkg-config --variable=archive_libs castor)
    greets "$scratch/static"

    # Both archives in one program: each has its own copy of what they share.
    "$cc" -std=c11 $(pkg-config --cflags pollux) "$here/twin.c" -o "$scratch/twin" \
        $(pkg-config --libs pollux) $(pkg-config --variable=archive_libs castor)
    greets "$scratch/twin"
}

{
    "$cmake" -S "$here" -B "$scratch/build" -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$prefix" &&
        "$cmake" --build "$scratch/build"
} >"$scratch/log" 2>&1 || { cat "$scratch/log"; fail "find_package(castor)"; }
greets "$scratch/build/shared"
greets "$scratch/build/static"
greets "$scratch/build/twin"

"$(dirname "$0")/exports.sh" "$libdir/libcastor.so"
strangers=$(nm -g --defined-only "$libdir/libpollux.a" | awk 'NF == 3 { print $3 }' | grep -v '^pollux_[a-z]*$' || true)
[ -z "$strangers" ] || fail "libpollux.a shows more than pollux_*: $strangers"

# The programs run from where they stand now, and every manual page is there and well formed.
for program in castor pollux; do
    "$prefix/bin/$program" --version >/dev/null || fail "installed $program does not run"
    page=$prefix/share/man/man1/$program.1
    [ -e "$page" ] || fail "no manual page $program(1)"
    ! command -v mandoc >/dev/null 2>&1 || mandoc -Tlint -Wwarning "$page" || fail "$program.1"
done
