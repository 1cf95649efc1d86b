#!/bin/sh
# Runs every fuzz target for a while, from the bytes of the wire cases and, where CASTOR_CORPUS names a directory of
# recordings, from those. What a run finds is kept in BUILD_DIR/corpus/TARGET for the next.
# Usage: fuzz.sh BUILD_DIR SECONDS. The last line says how many targets held.
set -eu
cd "$(dirname "$0")/.."
build=$1 seconds=$2

seeds=$build/seeds
rm -rf "$seeds"
mkdir -p "$seeds"
LC_ALL=C awk -v out="$seeds" -f tests/seeds.awk tests/wire/*.md
# For the readers of scripts and of requests.
cp tests/wire/*.md emulator/script/answers.md "$seeds"
printf 'POST /v1/models?key=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n{}' >"$seeds/length"
printf 'GET http://h/a HTTP/1.0\r\nConnection: a, Keep-Alive\r\n\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n' >"$seeds/two"
printf 'PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0A;a=b\r\n0123456789\r\n0\r\nT: v\r\n\r\n' >"$seeds/chunks"
printf '%s' '{"contents":[{"role":"user","parts":[{"text":"q"},{"inlineData":{"mimeType":"image/png","data":"QUJD"}}]},{"role":"model","parts":[{"functionCall":{"name":"w","args":{"c":1}}}]},{"parts":[{"functionResponse":{"name":"w","response":{}}}]}],"tools":[{"functionDeclarations":[{"name":"w","parameters":{"type":"OBJECT","nullable":true}}]}],"generationConfig":{"seed":1}}' >"$seeds/tools"
printf '%s' '{"messages":[{"role":"user","content":[{"type":"text","text":"w in Paris and Rome"},{"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}}]}],"n":2,"stop":["x"],"stream":true,"tools":[{"type":"function","function":{"name":"w","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}],"tool_choice":"required","reasoning_effort":"low"}' >"$seeds/chat"
# shellcheck disable=SC2016 # $ref is no variable
printf '%s' '{"contents":[{"parts":[{"text":"pollux: think 9"}]}],"generationConfig":{"responseMimeType":"application/json","responseJsonSchema":{"$defs":{"a":{"type":"string","pattern":"^[A-Z]{2}-\\d+$"}},"type":"object","properties":{"x":{"$ref":"#/$defs/a"},"l":{"type":"array","items":{"anyOf":[{"type":"number"},{"type":"null"}]},"minItems":3}}}}}' >"$seeds/schema"
# SETTINGS; HEADERS of GET /, of POST /h (held), and its DATA; PING; RST_STREAM; WINDOW_UPDATE.
printf '\0\0\6\4\0\0\0\0\0\0\4\0\0\0\2\0\0\6\1\5\0\0\0\1\202\204\206\101\1x\0\0\11\1\4\0\0\0\3\203\4\2/h\206\101\1x\0\0\2\0\1\0\0\0\3{}' >"$seeds/frames"
printf '\0\0\10\6\0\0\0\0\0abcdefgh\0\0\4\3\0\0\0\0\1\0\0\0\10\0\0\4\10\0\0\0\0\0\0\1\0\0' >"$seeds/control"
# Small ones only: a long input teaches a fuzzer nothing and costs it its pace.
if [ -d "${CASTOR_CORPUS-}" ]; then
    mkdir "$seeds/recorded"
    find "$CASTOR_CORPUS" -type f -size -8k \( -name '*.sse' -o -name '*.json' -o -name '*.txt' \) \
        -exec cp --backup=numbered -t "$seeds/recorded" {} +
fi

passed=0 failed=0
for target in "$build"/fuzz_*; do
    [ -x "$target" ] || continue
    name=$(basename "$target")
    found=$build/corpus/$name
    mkdir -p "$found" "$build/crashes"
    if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
        -artifact_prefix="$build/crashes/$name-" -print_final_stats=1 "$found" "$seeds" >"$build/$name.log" 2>&1; then
        passed=$((passed + 1))
        echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log") runs, nothing found"
    else
        failed=$((failed + 1))
        tail -n 40 "$build/$name.log"
        echo "$name: FAILED, see $build/crashes"
    fi
done
echo "fuzz: $passed passed, $failed failed"
[ $failed = 0 ] && [ $passed != 0 ]
