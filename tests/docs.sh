#!/bin/sh
# Runs what docs/pollux.md shows, as a reader would, and looks for what it promises: each block of code behind a line
# `<!-- expect: WORDS -->` must print what matches. Shell blocks share one shell, in their order; C is built by CMake. What
# needs a runtime or a package that is not here is skipped with a word. Packages are those that conformance/peers/run has
# fetched into build/peers (CASTOR_PEERS: another such place).
#
# Usage: docs.sh BUILD_DIR CC
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$1 cc=$2
packages=${CASTOR_PEERS:-$root/build/peers}
python=$packages/python/bin/python
[ -x "$python" ] || python=python3
command -v curl >/dev/null || { echo "curl is not here"; exit 77; }
scratch=$(mktemp -d)
started=
# shellcheck disable=SC2086 # a list of processes
trap '[ -z "$started" ] || kill $started 2>/dev/null || true; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
cd "$scratch"
PATH=$build:$PATH
unset GOOGLE_API_KEY GEMINI_API_KEY GOOGLE_GEMINI_BASE_URL
export RUNNER_TEMP="$scratch/runner" GITHUB_ENV="$scratch/github_env" no_proxy=127.0.0.1
mkdir runner

# N.LANGUAGE and N.expect, of the blocks with a promise.
awk '
    /^<!-- expect: .* -->$/ { expect = $0; sub(/^<!-- expect: /, "", expect); sub(/ -->$/, "", expect); next }
    /^```/ && file != "" { close(file); file = ""; next }
    /^```[a-z]+$/ && expect != "" {
        language = substr($0, 4)
        name = sprintf("%02d", ++count)
        file = name "." language
        print expect > (name ".expect")
        expect = ""
        next
    }
    file != "" { print > file }
' "$root/docs/pollux.md"

failed=0
skip() { echo "skipped: $1 ($2)"; }

# fragment NAME: lines of C without a main() are at least what the compiler takes
fragment() {
    { printf '#include <castor/castor.h>\n#include <castor/pollux.h>\nint main(void)\n{\n'; cat; printf 'return 0;\n}\n'; } >fragment.c
    if "$cc" -std=c11 -I"$root/include" -fsyntax-only fragment.c 2>fragment.err; then
        echo "ok: a fragment of $1"
    else
        cat fragment.err
        failed=1
    fi
}
for document in README.md docs/pollux.md; do
    awk '/^```c$/ { text = ""; is_in = 1; next }
         /^```$/ { if (is_in && text !~ /int main\(/ && text ~ /pollux_/) printf "%s", text; is_in = 0 }
         is_in { text = text $0 "\n" }' "$root/$document" | fragment "$document"
done

# run_LANGUAGE NAME: 77 when it cannot be run here
run_python() {
    "$python" -c 'import google.genai, openai' 2>/dev/null || return 77
    "$python" "$1.python"
}
run_js() {
    [ -d "$packages/js/node_modules/@google/genai" ] && command -v node >/dev/null || return 77
    [ -e node_modules ] || ln -s "$packages/js/node_modules" node_modules
    cp "$1.js" "$1.mjs"
    node "$1.mjs"
}
run_go() {
    [ -d "$packages/go/mod" ] && command -v go >/dev/null || return 77
    mkdir "go$1"
    cp "$root/conformance/peers/go/go.mod" "$root/conformance/peers/go/go.sum" "go$1"
    cp "$1.go" "go$1/main.go"
    (cd "go$1" && GOMODCACHE=$packages/go/mod GOTOOLCHAIN=local GOPROXY=off go run .)
}

for file in [0-9][0-9].*; do
    name=${file%.*} language=${file##*.} status=0
    case $language in
    expect) continue ;;
    yaml) # the step that starts pollux; what it leaves to later steps is what counts
        awk '/^ *- run: \|$/ { is_in = 1; next } is_in && /^ *- / { is_in = 0 } is_in' "$file" >"$name.sh.yaml"
        # shellcheck disable=SC1090
        . "./$name.sh.yaml"
        started="$started $!"
        mv "$GITHUB_ENV" "$name.out"
        ;;
    sh)
        set +e
        # shellcheck disable=SC1090
        . "./$file" >"$name.out" 2>"$name.err"
        set -e
        case "$started " in *" ${!:-} "*) ;; *) started="$started $!" ;; esac
        ;;
    python) run_python "$name" >"$name.out" 2>"$name.err" || status=$? ;;
    js) run_js "$name" >"$name.out" 2>"$name.err" || status=$? ;;
    go) run_go "$name" >"$name.out" 2>"$name.err" || status=$? ;;
    c) "$build/examples/docs" >"$name.out" 2>"$name.err" || status=$? ;;
    *) status=1 ;;
    esac
    if [ "$status" = 77 ]; then
        skip "block $name" "$language, or a package of it, is not here"
    elif [ "$status" = 0 ] && grep -q -e "$(cat "$name.expect")" "$name.out"; then
        echo "ok: block $name, $language: $(cat "$name.expect")"
    else
        echo "FAILED: block $name, $language, status $status; it does not print: $(cat "$name.expect")"
        cat "$file" "$name.out" "$name.err" 2>/dev/null
        failed=1
    fi
done
exit $failed
