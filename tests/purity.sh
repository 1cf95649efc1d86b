#!/bin/sh
# The house rules that a grep can hold: pure files know no clock, socket, file or terminal;
# arrows only run down; the command sees only the public header; pollux shares only the ground with the library.
# Prints each offending line and passes silently.
set -eu
cd "$(dirname "$0")/.."

# From the ground up. A file may include those of its own line and of the lines above it, nothing further down.
levels='base maxima
error names deadlines input json json_cursor json_writer json_text json_token no_proxy recorder safe_text sse
frame given
dump
api_error request verdict retry
dialect tool_calls
openai_calls openai_request
dialect_gemini dialect_openai dialect_message
prediction
decoder decoder_take call
transport sockets address roots curl_failure exchange_curl exchange_callbacks exchange_options transport_curl transport_memory
attempt
sequel
client
stream stream_parts stream_attempts stream_life stream_take
drive recording
answer'
impure_from=transport # this line and all below it may touch the world

offences=$(mktemp)
trap 'rm -f "$offences"' EXIT

# level NAME: its line in the list, from 1; 0 for a stranger
level() {
    printf '%s\n' "$levels" |
        awk -v name="$1" '{ for (i = 1; i <= NF; i++) if ($i == name) at = NR } END { print at + 0 }'
}
border=$(level $impure_from)

headers='sys/.*|time\.h|unistd\.h|fcntl\.h|poll\.h|signal\.h|pthread\.h|threads\.h|netdb\.h|arpa/.*|netinet/.*'
headers="$headers|locale\.h|dirent\.h|curl/.*|uv\.h"
calls='getenv|setenv|printf|fprintf|dprintf|puts|putchar|fputs|fwrite|perror|fopen|freopen|fclose|fread|fgets'
calls="$calls|time|clock|clock_gettime|gettimeofday|nanosleep|sleep|rand|random|srand|exit|_exit|abort|system|fork|signal|raise|setlocale|strerror"

for file in src/*.c src/*.h; do
    [ -e "$file" ] || continue
    name=$(basename "$file" | sed 's/\.[ch]$//')
    own=$(level "$name")
    [ "$own" != 0 ] || { echo "$file: not in the order of tests/purity.sh; give it its place"; continue; }

    # shellcheck disable=SC2013 # words are lines here
    for included in $(sed -n 's/^ *# *include *"\(.*\)\.h".*/\1/p' "$file"); do
        [ "$included" != castor/castor ] || continue # the public face is below everything
        theirs=$(level "$included")
        [ "$theirs" != 0 ] && [ "$theirs" -le "$own" ] ||
            echo "$file: includes \"$included.h\", which does not stand below it"
    done
    [ "$own" -lt "$border" ] || continue
    grep -nE "^ *# *include *<($headers)>" "$file" | sed "s|^|$file:|"
    # Calls, not words in comments and strings, nor members. (Without its header nothing else can be called.)
    sed 's|"\([^"\\]\|\\.\)*"|""|g; s|/\*.*\*/||; s|^ *\*.*||; s|/\*.*||' "$file" |
        grep -nE "(^|[^A-Za-z0-9_.>])($calls) *\(" | sed "s|^|$file:|"
done >"$offences"

# forbid DIRECTORY PATTERN: no file there may include what matches
forbid() {
    grep -nE "^ *# *include *\"($2)\"" "$1"/*.c "$1"/*.h >>"$offences" || true
}
forbid cli '[^"]*src/[^"]*'
for header in src/*.h; do
    name=$(basename "$header")
    [ -e "cli/$name" ] || forbid cli "$name" # its own header of that name comes first
    case $name in base.h | maxima.h | json.h | json_cursor.h | json_writer.h) continue ;; esac
    for room in emulator emulator/*/; do forbid "${room%/}" "$name"; done
done

# The rooms of pollux, from the ground up: each may enter itself and those before it.
entered=
for room in script proto http generate fault upstream api; do
    entered="$entered${entered:+|}$room"
    [ -n "$(ls "emulator/$room" 2>/dev/null)" ] || continue
    grep -nE '^ *# *include *"[a-z]+/' "emulator/$room"/*.c "emulator/$room"/*.h 2>/dev/null |
        grep -vE "\"($entered)/" >>"$offences" || true
    forbid "emulator/$room" 'options\.h'
done

cat "$offences"
[ ! -s "$offences" ]
