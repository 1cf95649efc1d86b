# shellcheck shell=bash
# prepare.sh -- fetches other people's clients once, as the lock files say, for conformance/peers/run and
# conformance/scoreboard/run, which include it at the root of the checkout.
#
# ready_js, ready_python, ready_go and so on print nothing where a client can run, else why it cannot; version CLIENT is
# what the lock files pin. $place is where it all lies, $node the Node.js to use.
# SPDX-License-Identifier: MIT
peers=$PWD/conformance/peers
place=$PWD/build/peers
node_major=22  # what the newest SDKs ask for
prepare_max=600  # seconds
mkdir -p "$place"

# Settings of the caller's own must lead nowhere else.
unset GOOGLE_API_KEY GEMINI_API_KEY GOOGLE_GEMINI_BASE_URL GOOGLE_GENAI_USE_VERTEXAI GOOGLE_GENAI_USE_ENTERPRISE
unset GOOGLE_GENAI_API_VERSION OPENAI_API_KEY OPENAI_BASE_URL GOOGLE_CLOUD_PROJECT GOOGLE_CLOUD_LOCATION
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost

# once NAME FILE... -- COMMAND...: runs the command unless it succeeded before with these very files.
once() {
    local stamp=$place/$1/stamp files=() sum
    shift
    while [ "$1" != -- ]; do files+=("$1"); shift; done
    shift
    sum=$(cat "${files[@]}" <(printf '%s ' "$@") | sha256sum)
    [ "$(cat "$stamp" 2>/dev/null)" != "$sum" ] || return 0
    rm -f "$stamp"
    timeout "$prepare_max" "$@" >"$place/prepare.log" 2>&1 || { tail -n 5 "$place/prepare.log" >&2; return 1; }
    printf '%s\n' "$sum" >"$stamp"
}

packages() { # packages DIRECTORY: what the lock file of this directory names
    mkdir -p "$place/$1"
    cp "$peers/$1/package.json" "$peers/$1/package-lock.json" "$peers/$1/.npmrc" "$place/$1/"
    (cd "$place/$1" && npm ci --ignore-scripts)
}

python_packages() {
    rm -rf "$place/python"
    python3 -m venv "$place/python"
    "$place/python/bin/pip" install --require-hashes --only-binary :all: -r "$peers/python/requirements.txt"
}

go_build() {
    export GOMODCACHE=$place/go/mod GOTOOLCHAIN=local GOFLAGS='-modcacherw -buildvcs=false -mod=readonly'
    (cd "$peers/go" && go build -o "$place/go/peer" .)
}
export -f packages python_packages go_build
export peers place

node=node
find_node() {
    local major
    major=$(node --version 2>/dev/null | sed -n 's/^v\([0-9]*\).*/\1/p')
    [ "${major:-0}" -lt "$node_major" ] || return 0
    # A Node that is too old still brings npm, and npm a newer Node.
    command -v npm >/dev/null && once node "$peers/node/package-lock.json" -- bash -c 'packages node' || return 1
    node=$(find "$place/node/node_modules" -path '*/bin/node' | head -n 1)
    [ -x "$node" ]
}

# Each prints a word when its client cannot run.
ready_node() {
    [ "$node_found" = yes ] || echo "no Node.js $node_major"
}
ready_js() {
    ready_node
    [ "$node_found" = no ] || once js "$peers/js/package-lock.json" -- bash -c 'packages js' || echo "no packages"
}
ready_python() {
    if ! python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "no Python 3.11 with venv"
    else
        once python "$peers/python/requirements.txt" -- bash -c python_packages "$(python3 --version)" || echo "no packages"
    fi
}
ready_go() {
    if ! go version 2>/dev/null | grep -Eq 'go1\.(2[4-9]|[3-9][0-9])'; then
        echo "no Go 1.24"
    else
        once go "$peers"/go/*.go "$peers/go/go.sum" -- bash -c go_build "$(go version)" || echo "no packages"
    fi
}
ready_command() {
    command -v "$1" >/dev/null || echo "no $1"
}

locked() { sed -n "s|^ *\"$1\": \"\(.*\)\",\{0,1\}|\1|p" "$peers/js/package.json"; }
pinned() { sed -n "s/^$1==\([^ ]*\).*/\1/p" "$peers/python/requirements.txt"; }
first_number() { grep -oE '[0-9]+\.[0-9.]+' | head -n 1; }
version() {
    case $1 in
    google-genai | httpx) pinned "$1" ;;
    openai-python) pinned openai ;;
    go-genai) sed -n 's|.*google.golang.org/genai v\(.*\)|\1|p' "$peers/go/go.mod" | head -n 1 ;;
    ai-sdk) echo "ai $(locked ai), @ai-sdk/google $(locked @ai-sdk/google)" ;;
    langchain) locked @langchain/google-genai ;;
    gemini-cli) locked @google/gemini-cli ;;
    node:http2) "$node" --version 2>/dev/null | first_number ;;
    curl | nghttp | h2load) "$1" --version 2>/dev/null | first_number ;;
    *) locked "$1" ;;
    esac
}

node_found=yes
find_node || node_found=no
export node
