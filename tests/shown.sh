#!/bin/sh
# Runs each command of castor that README.md and castor(1) show, against pollux, in a directory that has the files they
# speak of: each must end with 0 and print something. And counts what README counts.
# Also that the map of the house, docs/architecture.md, has each file of src/ and emulator/http/.
# Usage: shown.sh BUILD_DIR
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$1
scratch=$(mktemp -d)
pollux=
trap '[ -z "$pollux" ] || kill "$pollux" 2>/dev/null; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
cd "$scratch"

mkfifo ready
"$build/pollux" --port 0 --instant --quiet >ready &
pollux=$!
read -r line <ready
unset GOOGLE_API_KEY CASTOR_MODEL
export GEMINI_API_KEY=test-key GOOGLE_GEMINI_BASE_URL="${line##* }" no_proxy=127.0.0.1 PATH="$build:$PATH"

printf '\211PNG\r\n\032\n' >photo.jpg
printf 'month,sold\nMay,3\n' >sales.csv
echo "Beavers build dams." | tee notes.txt >draft.txt
echo '{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}' | tee person.json >book.json
printf 'data: {"candidates":[{"content":{"parts":[{"text":"Dams."}]},"finishReason":"STOP"}]}\r\n\r\n' |
    tee captured.sse >answer.sse
if command -v git >/dev/null; then # so that there is a difference to tell of
    git init -q . && git add notes.txt && echo "They gnaw." >>notes.txt
fi

failed=0
run() { # run WHERE COMMAND
    for tool in git jq; do
        case " $2 " in
        *" $tool "*) command -v $tool >/dev/null || { echo "SKIPPED: $2: $tool is not here"; return; } ;;
        esac
    done
    rm -f person.out book
    if sh -c "$2" >out 2>err </dev/null && { [ -s out ] || [ -s person.out ] || [ -s book ]; }; then
        echo "ok: $1: $2"
    else
        echo "FAILED: $1: $2"
        cat out err
        failed=1
    fi
}

awk '/^```sh$/ { is_in = 1; next } /^```$/ { is_in = 0 } is_in && /castor / && !/^(cc|make|export) /' \
    "$root/README.md" >readme
awk '/^\.Bd -literal/ { is_in = 1; next } /^\.Ed$/ { is_in = 0 } is_in && /castor /' "$build/castor.1" |
    sed "s|http://127.0.0.1:PORT|$GOOGLE_GEMINI_BASE_URL|" >manual
for where in readme manual; do
    [ "$(wc -l <$where)" -ge 8 ] || { echo "FAILED: $where shows too few commands to be true"; failed=1; }
    # shellcheck disable=SC2094 # run only says where it is
    while IFS= read -r line <&3; do run "$where" "$line"; done 3<"$where"
done

# Numbers in README, from what they count.
count() { # count WORDS NUMBER
    grep -q "$1" "$root/README.md" || { echo "FAILED: README does not say '$1'"; failed=1; }
}
count "On $(cat "$root"/conformance/scoreboard/cases/*.md | grep -c '^- right: ') hostile answers"
[ "$("$build/pollux" faults | grep -c '^[a-z]')" -gt 60 ] || { echo "FAILED: no more than sixty faults"; failed=1; }

for file in "$root"/src/*.[ch] "$root"/emulator/http/*.[ch]; do
    name=$(basename "$file")
    case $name in dialect_*) continue ;; esac # dialect_*, it says
    grep -q "\`${name%.*}\`\|\`$name\`" "$root/docs/architecture.md" ||
        { echo "FAILED: docs/architecture.md has no $name"; failed=1; }
done
exit $failed
