# shellcheck shell=bash
# servers.sh -- the servers of bench/run: nginx for bodies that lie ready, pollux for what has a pace, and a writer whose
# answers say when they were written. Each on loopback, on a port that the kernel chose, on the last core.
# SPDX-License-Identifier: MIT

servers=()     # process ids
server_core=$(($(nproc) - 1))

# as_server COMMAND...: in the background, on the core of the servers.
as_server() {
    taskset -c "$server_core" "$@" &
    servers+=($!)
}

stop_servers() {
    [ ${#servers[@]} = 0 ] || kill "${servers[@]}" 2>/dev/null || true
    wait
    servers=()
}

# until_there COMMAND...: until it succeeds, five seconds at most.
until_there() {
    local i
    for ((i = 0; i < 100; i++)); do
        ! "$@" 2>/dev/null || return 0
        sleep 0.05
    done
    return 1
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
is_open() { (: <"/dev/tcp/127.0.0.1/$1"); }

find_nginx() {
    nginx=build/deps/usr/sbin/nginx
    [ -x "$nginx" ] || nginx=$(PATH=$PATH:/usr/sbin command -v nginx) || die "there is no nginx; run ./setup"
}

nginx_version() { "$nginx" -v 2>&1 | sed -n 's|.*nginx/\([0-9.]*\).*|nginx \1|p'; }

# start_nginx: $plain is its URL, $plain_port its port. A port may be taken between asking and listening: then another.
start_nginx() {
    local tries
    for tries in 1 2 3 4 5; do
        plain_port=$(free_port)
        sed "s/@PORT@/$plain_port/" bench/nginx.conf >"$scratch/nginx.conf"
        as_server "$nginx" -p "$scratch/" -e "$scratch/error.log" -c nginx.conf
        plain=http://127.0.0.1:$plain_port
        ! until_there is_open "$plain_port" || return 0
    done
    cat "$scratch/error.log" >&2
    die "nginx did not start ($tries tries)"
}

# start_pollux NAME OPTION...: its URL is in $pollux, its process id in $pollux_id.
start_pollux() {
    local name=$1
    shift
    start_plain_pollux "$name" --script "$scratch/streams.md" "$@"
}

# start_plain_pollux NAME OPTION...: the same, with none but the built-in answers.
start_plain_pollux() {
    local log=$scratch/$1
    shift
    : >"$log"
    as_server "$bin/pollux" --port 0 --instant --quiet --grace 100 "$@" >"$log"
    pollux_id=$!
    until_there grep -q 'listening on' "$log" || die "pollux did not start"
    pollux=$(sed -n 's|.*listening on \([^ ]*\).*|\1|p' "$log")
}

stop_pollux() { stop_last_server; }

stop_last_server() {
    kill "${servers[-1]}"
    wait "${servers[-1]}" || true
    unset 'servers[-1]'
}

# start_pacer EVENTS GAP_MS: its port is in $pacer_port, its process id in $pacer_id.
start_pacer() {
    as_server "$tools/bare_pacer" "$1" "$2" "$middle" >"$scratch/pacer"
    pacer_id=$!
    until_there test -s "$scratch/pacer" || die "the pacer did not start"
    pacer_port=$(cat "$scratch/pacer")
}

# start_writer DELAY_MS: its URL is in $writer, its port in $writer_port.
start_writer() {
    as_server "$tools/writer" "$1" >"$scratch/writer"
    until_there test -s "$scratch/writer" || die "the writer did not start"
    writer_port=$(cat "$scratch/writer")
    writer=http://127.0.0.1:$writer_port
}

# ---- What pollux answers: $scratch/streams.md ----

event='data: {"candidates": [{"content": {"parts": [{"text": "Dams slow the water, and keep a pond. "}],"role": "model"},FINISH"index": 0}],"usageMetadata": {"promptTokenCount": 7,"candidatesTokenCount": 9,"totalTokenCount": 16},"modelVersion": "m"}'
middle=${event/FINISH/}
last=${event/FINISH/\"finishReason\": \"STOP\",}

# paced NAME EVENTS GAP_MS: a case for the prompt NAME.
paced() {
    local i
    printf '\n## %s\n? %s\n' "$1" "$1"
    for ((i = 1; i < $2; i++)); do printf '~ %s\n< %s\n<\n' "$3" "$middle"; done
    printf '~ %s\n< %s\n<\n' "$3" "$last"
}

write_script() {
    {
        printf '# Streams\n'
        paced paced "$paced_events" 200
        paced quarter "$quarter_events" 400
        paced slow "$slow_events" 1000
        paced one 1 0
        printf '\n## silent\n? silent\n< %s\n<\n~ 600000\n< %s\n<\n' "$middle" "$last"
        printf '\n## fast\n? fast\n@ cuts: no\n<* 20000 %s\\r\\n\\r\\n\n' "${middle//\\/\\\\}"
    } >"$scratch/streams.md"
}
