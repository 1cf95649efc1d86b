#!/bin/sh
# `make demo`: pollux on a free port, one question by castor, pollux stopped. No key, no network.
# Usage: demo.sh BUILD_DIR; exits with castor's status.
set -eu
bin=$1
log=$(mktemp)
"$bin/pollux" --port 0 >"$log" 2>&1 &
pollux=$!
trap 'kill "$pollux" 2>/dev/null; wait "$pollux" 2>/dev/null; rm -f "$log"' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

url=
tries=0
while [ -z "$url" ]; do
    url=$(sed -n 's|.*\(http://[^ ]*\).*|\1|p' "$log" | head -n 1)
    tries=$((tries + 1))
    if [ $tries -gt 100 ] || ! kill -0 "$pollux" 2>/dev/null; then
        cat "$log" >&2
        echo "demo: pollux did not start" >&2
        exit 1
    fi
    [ -n "$url" ] || sleep 0.05
done

prompt="Explain the benefits of renewable energy."
printf '$ castor "%s"        (pollux answers, at %s)\n\n' "$prompt" "$url"
# Settings of the caller's own must not lead the demo to the real API.
status=0
env -u GOOGLE_API_KEY GEMINI_API_KEY=test-key GOOGLE_GEMINI_BASE_URL="$url" no_proxy=127.0.0.1 \
    "$bin/castor" "$prompt" || status=$?
exit $status
