#!/bin/sh
# Runs the examples and the README's snippet against pollux, as a newcomer would, and looks at what they print.
# Usage: examples.sh POLLUX EXAMPLES_DIR
set -eu
pollux_path=$1
examples=$2
scratch=$(mktemp -d)
pollux=
trap '[ -z "$pollux" ] || kill "$pollux" 2>/dev/null; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

mkfifo "$scratch/ready"
"$pollux_path" --port 0 --ttft 100 --rate 2000 --quiet >"$scratch/ready" &
pollux=$!
read -r line <"$scratch/ready" # waits for the line, not for a time
unset GOOGLE_API_KEY
export GEMINI_API_KEY=test-key GOOGLE_GEMINI_BASE_URL="${line##* }" no_proxy=127.0.0.1

failed=0
check() { # check NAME WORD COMMAND...: the command succeeds and prints the word
    name=$1 word=$2
    shift 2
    if "$@" >"$scratch/out" 2>"$scratch/err" && grep -q "$word" "$scratch/out"; then
        echo "ok: $name"
    else
        echo "FAILED: $name; it printed:"
        cat "$scratch/out" "$scratch/err"
        failed=1
    fi
}

check "stream.c prints the answer" "sunlight" "$examples/stream"
check "stream.c takes a prompt" "chlorophyll" "$examples/stream" "What is photosynthesis?"
check "unary.c prints the whole answer and its tokens" "tokens)" "$examples/unary"
spoil() { # spoil FAULT: the next answer
    curl -sf "$GOOGLE_GEMINI_BASE_URL/pollux/faults" -d "{\"fault\": \"$1\", \"count\": 1, \"path\": \"enerate\"}" >/dev/null
}
if command -v curl >/dev/null; then
    spoil status=503
    check "retry.c asks another model when one is overloaded" "sunlight" "$examples/retry"
    grep -q "attempt 1 of 4: .*503.* asks gemini-3.5-flash" "$scratch/err" || { echo "FAILED: retry.c does not tell"; failed=1; }
    spoil cut@event=1
    check "retry.c begins anew when an answer breaks off" "discard what stands above" "$examples/retry"
else
    echo "SKIPPED: retry.c, as curl is not here"
fi
check "async.c ends all six answers" "\[6\] -- done" "$examples/async"
check "in_process.c brings its own twin, and all its tests pass" "half an answer is not whole: TRUNCATED" "$examples/in_process"
check "the README's snippet prints an answer" "pollux" "$examples/readme"

for loop in poll libuv libev libevent glib sd-event; do
    if [ ! -x "$examples/loop_$loop" ]; then
        echo "SKIPPED: $loop is not installed here (./setup --dev)"
        continue
    fi
    check "loop_$loop.c ends all six answers" "\[6\] -- done" "$examples/loop_$loop"
    check "docs/async.md: the program for $loop" "AI?\] COMPLETE" "$examples/doc_$loop"
done
check "docs/async.md: the program without a loop" "AI?\] COMPLETE" "$examples/doc_wait"

# All six at once: the answers come out mixed, not one after the other.
"$examples/async" >"$scratch/out"
if [ "$(grep -n '^\[6\]' "$scratch/out" | head -n 1 | cut -d: -f1)" -lt "$(grep -n '^\[1\] -- done' "$scratch/out" | cut -d: -f1)" ]; then
    echo "ok: async.c shows the answers mixed"
else
    echo "FAILED: async.c shows one answer after the other"
    failed=1
fi

# A wrong key is told in a sentence, and the status says so.
if GEMINI_API_KEY=bad-key "$examples/stream" >"$scratch/out" 2>"$scratch/err" || ! grep -q "^AUTH: .*API key not valid" "$scratch/err"; then
    echo "FAILED: stream.c with a refused key"
    cat "$scratch/err"
    failed=1
fi
exit $failed
