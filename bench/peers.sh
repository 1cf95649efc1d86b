# shellcheck shell=bash
# peers.sh -- the clients that others wrote, fetched and pinned as `make peers` has them. One that cannot be had is left
# out, and the page says so.
# SPDX-License-Identifier: MIT

js_peer='' python_peer='' go_peer=''   # the commands; empty: not to be had
missing=()                             # what is left out, and why

# is_ready LANGUAGE: fetches what it needs; notes why it cannot.
is_ready() {
    local why
    why=$("ready_$1" | head -n 1)
    [ -n "$why" ] || return 0
    missing+=("$1 ($why)")
    return 1
}

# Built with what the driver of the conformance tests is built with.
build_go_peer() {
    mkdir -p "$place/bench-go"
    cp "$peers/go/go.mod" "$peers/go/go.sum" bench/peers/go/main.go "$place/bench-go/"
    (cd "$place/bench-go" && GOMODCACHE=$place/go/mod GOTOOLCHAIN=local \
        GOFLAGS='-modcacherw -buildvcs=false -mod=readonly' go build -o peer .) >&2
}

find_peers() {
    # shellcheck source=conformance/peers/prepare.sh
    . conformance/peers/prepare.sh
    if is_ready js; then
        cp bench/peers/peer.mjs "$place/js/bench-peer.mjs" # packages are found beside the program
        js_peer="$node $place/js/bench-peer.mjs"
    fi
    ! is_ready python || python_peer="$place/python/bin/python $PWD/bench/peers/peer.py"
    if is_ready go; then
        if build_go_peer; then go_peer=$place/bench-go/peer; else missing+=("go (it does not build)"); fi
    fi
}

# google MODE URL MODEL REST...: arguments for versus, ended by zero bytes, that run Google's SDKs so.
google() {
    [ -z "$js_peer" ] || printf '%s\0' '@google/genai' "$js_peer genai $*"
    [ -z "$python_peer" ] || printf '%s\0' 'google-genai' "$python_peer genai $*"
    [ -z "$go_peer" ] || printf '%s\0' 'go-genai' "$go_peer $*"
}

# The same for the OpenAI SDKs, which get a base URL of their own.
openai() {
    [ -z "$js_peer" ] || printf '%s\0' 'openai (JS)' "$js_peer openai $*"
    [ -z "$python_peer" ] || printf '%s\0' 'openai (Python)' "$python_peer openai $*"
}

peer_versions() {
    [ -z "$js_peer" ] || printf '@google/genai %s and openai %s on Node.js %s; ' "$(version @google/genai)" \
        "$(version openai)" "$("$node" --version | tr -d v)"
    [ -z "$python_peer" ] || printf 'google-genai %s and openai %s on Python %s; ' "$(version google-genai)" \
        "$(version openai-python)" "$("$place/python/bin/python" --version | first_number)"
    [ -z "$go_peer" ] || printf 'go-genai %s with Go %s; ' "$(version go-genai)" "$(go env GOVERSION | sed 's/go//')"
}
