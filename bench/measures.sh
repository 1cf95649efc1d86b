# shellcheck shell=bash
# measures.sh -- one function for each measure: what is run in turn, and against which server. What they print goes to
# $results, one object of JSON a line; bench/report.py makes the page of it.
# SPDX-License-Identifier: MIT

# versus MEASURE OPTION... NAME COMMAND...: see bench/versus.c.
versus() {
    local measure=$1
    shift
    "$tools/versus" -m "$measure" -l 120 "$@" >>"$results"
}

# What has one thread stays on the first core, away from the servers; other people's clients have more and get both.
core=
[ "$server_core" = 0 ] || core='@0 '

# take_list NAME COMMAND...: what the command prints, apart at zero bytes, as the array `list`.
take_list() { mapfile -d '' -t list < <("$@"); }

as_gemini() { printf '/v1beta/models/%s:streamGenerateContent?alt=sse' "$1"; }
curl_post() { printf 'curl -sN -H x-goog-api-key:test-key -H Content-Type:application/json --data-binary @%s' "$scratch/body"; }

measure_decode() {
    "$tools/decode" -n "$(few 11 3)" -e "$(few 200000 20000)" >>"$results"
}

measure_long() {
    local list
    take_list google answers "$plain" long 1
    set -- "${list[@]}"
    take_list openai answers "$plain/openai/long" long 1
    versus long -o figures -n "$(few 11 3)" \
        castor "$core$tools/castor_answers $plain long 1" \
        'bare recv' "$core$tools/bare recv $plain_port $(as_gemini long)" \
        "recv + castor's decoder" "$core$tools/bare answers $plain_port $(as_gemini long) 1" \
        curl "$core$(curl_post) -o /dev/null $plain$(as_gemini long)" \
        -n "$(few 3 1)" "$@" "${list[@]}"
    versus long-unpinned -o figures -n "$(few 11 3)" \
        castor "$tools/castor_answers $plain long 1" \
        'bare recv' "$tools/bare recv $plain_port $(as_gemini long)"
}

measure_short() {
    local list count i
    count=$(few 2000 200)
    for ((i = 0; i < count; i++)); do
        printf 'url = "%s%s"\noutput = "/dev/null"\n' "$plain" "$(as_gemini fifty)"
    done >"$scratch/curl.short"
    take_list google answers "$plain" fifty "$count"
    set -- "${list[@]}"
    take_list openai answers "$plain/openai/fifty" fifty "$count"
    versus short -o figures -n "$(few 11 3)" \
        castor "$core$tools/castor_answers $plain fifty $count" \
        "recv + castor's decoder" "$core$tools/bare answers $plain_port $(as_gemini fifty) $count" \
        'curl, one process' "$core$(curl_post) -K $scratch/curl.short" \
        -n "$(few 3 1)" "$@" "${list[@]}"
}

measure_many() {
    local streams ramp list
    streams=$(few 10000 1000) ramp=$(few 5000 1000)
    start_pollux many
    versus many -o figures -w 0 -n "$(few 3 1)" \
        castor "$core$tools/castor_many -n $streams -e $paced_events -r $ramp $pollux paced" \
        'bare epoll' "$core$tools/streams -n $streams -e $paced_events -r $ramp ${pollux##*:} $pollux_id paced"
    take_list google many "$pollux" paced 100 200
    versus hundred -o figures -w 0 -n "$(few 2 1)" \
        castor "$core$tools/castor_many -n 100 -e $paced_events -r 0 $pollux paced" \
        'bare epoll' "$core$tools/streams -n 100 -e $paced_events -r 0 ${pollux##*:} 0 paced" \
        "${list[@]}"
    stop_pollux
}

measure_tls() {
    local large
    large=$(few 5000 500)
    start_pollux tls --tls-ca-out "$scratch/pollux.pem"
    set -- "$core$tools/castor_many -c $scratch/pollux.pem"
    versus tls -o figures -w 0 -n "$(few 2 1)" \
        '1,000, HTTP/1.1' "$1 -n $(few 1000 200) -e $paced_events -r 2000 $pollux paced" \
        '1,000, HTTP/2' "$1 -2 100 -n $(few 1000 200) -e $paced_events -r 2000 $pollux paced" \
        '5,000, HTTP/1.1' "$1 -n $large -e $slow_events -g 1000 -r $(few 10000 1000) $pollux slow" \
        '5,000, HTTP/2' "$1 -2 100 -n $large -e $slow_events -g 1000 -r $(few 10000 1000) $pollux slow"
    stop_pollux
}

measure_calls() {
    local count path=/v1beta/models/one:generateContent
    count=$(few 20000 2000)
    versus calls -o figures -n "$(few 9 3)" \
        castor "$core$tools/castor_calls $plain one $count 16" \
        'bare epoll' "$core$tools/bare_calls $plain_port $path $count 16" \
        "epoll + castor's decoder" "$core$tools/bare_calls $plain_port $path $count 16 decode"
}

measure_lag() {
    local list count
    count=$(few 60 20)
    start_writer 50
    take_list google lag "$writer" m "$count"
    set -- "${list[@]}"
    take_list openai lag "$writer/v1" m "$count"
    versus lag -o figures -w 0 -n "$(few 7 2)" \
        castor "$core$tools/castor_answers -l $writer m $count" \
        'bare recv' "$core$tools/bare lag $writer_port $(as_gemini m) $count" \
        -n "$(few 2 1)" "$@" "${list[@]}"
}

# The command against curl. Over TLS both trust what the system trusts, and it trusts pollux: in a name space of their own
# in which its authority stands among the others in /etc/ssl/certs.
measure_start() {
    local list
    take_list google print "$plain" one
    set -- "${list[@]}"
    take_list openai print "$plain/openai/one" one
    versus start -o first -n "$(few 51 9)" \
        castor "${core}GEMINI_API_KEY=test-key GOOGLE_GEMINI_BASE_URL=$plain $bin/castor -m one hi" \
        curl "$core$(curl_post) $plain$(as_gemini one)" \
        -n "$(few 5 1)" "$@" "${list[@]}"
    start_pollux start --tls-ca-out "$scratch/pollux.pem"
    if trust_pollux; then
        # shellcheck disable=SC2016 # the shell inside expands it
        unshare -rm sh -c 'mount --bind "$1" /etc/ssl/certs && shift && exec "$@"' sh "$scratch/certs" \
            "$tools/versus" -m start-tls -l 120 -o first -n "$(few 51 9)" \
            castor "${core}GEMINI_API_KEY=test-key GOOGLE_GEMINI_BASE_URL=$pollux $bin/castor one" \
            curl "$core$(curl_post) $pollux$(as_gemini one)" >>"$results"
    else
        say_failed start-tls castor 'needs unshare and /etc/ssl/certs'
    fi
    stop_pollux
}

trust_pollux() {
    unshare -rm true 2>/dev/null && [ -e /etc/ssl/certs/ca-certificates.crt ] || return 1
    cp -a /etc/ssl/certs "$scratch/certs"
    cat "$scratch/pollux.pem" >>"$scratch/certs/ca-certificates.crt"
    cp "$scratch/pollux.pem" "$scratch/certs/$(openssl x509 -hash -noout -in "$scratch/pollux.pem").0"
}

# 64 MB each, in events of 1, 8 and 64.
measure_events() {
    versus events -o figures -n "$(few 7 3)" \
        '64 of 1 MB' "$core$tools/castor_answers $plain event1 64" \
        '8 of 8 MB' "$core$tools/castor_answers $plain event8 8" \
        '1 of 64 MB' "$core$tools/castor_answers $plain event64 1"
}

measure_size() {
    strip -o "$scratch/libcastor.so" "$(readlink -f "$bin/libcastor.so")"
    printf '{"measure":"size","side":"libcastor.so, stripped","round":0,"bytes":%s}\n' \
        "$(wc -c <"$scratch/libcastor.so")" >>"$results"
}

measure_silent() {
    start_pollux silent
    versus silent -o figures -w 0 -n 1 castor "$tools/castor_silent $pollux silent 1000 $(few 15 1) $(few 60 5)"
    stop_pollux
}

measure_pollux() {
    local streams ramp
    streams=$(few 10000 1000) ramp=$(few 5000 1000)
    start_pollux pollux
    set -- "$tools/streams" "${pollux##*:} $pollux_id"
    versus pollux -o figures -w 0 -n 1 \
        'paced, HTTP/1.1' "$1 -n $streams -e $paced_events -r $ramp $2 paced" \
        'paced, HTTP/2' "$1 -2 100 -n $streams -e $paced_events -r $ramp $2 paced" \
        'fast, HTTP/1.1' "$1 -n 50 -e 20000 -g 0 -r 0 $2 fast" \
        'fast, HTTP/2' "$1 -2 50 -n 50 -e 20000 -g 0 -r 0 $2 fast"
    measure_pollux_at_25000 "$streams"
    stop_pollux
    versus pollux-start -o server -n "$(few 51 9)" \
        'in the clear' "$core$bin/pollux --port 0 --quiet" \
        'with a certificate that it makes' "$core$bin/pollux --port 0 --quiet --tls"
    truncate -s "$(few 500000000 50000000)" "$scratch/large"
    measure_upload 'HTTP/1.1'
    measure_upload 'HTTP/1.1, TLS' --tls
    measure_upload 'HTTP/2, TLS' --tls
}

# measure_pollux_at_25000 STREAMS: of the pollux that runs. What the kernel takes for it is the bare server's figure.
measure_pollux_at_25000() {
    local streams
    streams="-n $1 -e $quarter_events -g 400 -r $(few 4000 1000)"
    start_pacer "$quarter_events" 400
    versus pollux-25000 -o figures -w 0 -n "$(few 5 1)" \
        'pollux, HTTP/1.1' "$tools/streams $streams ${pollux##*:} $pollux_id quarter" \
        'bare send()' "$tools/streams $streams $pacer_port $pacer_id quarter"
    stop_last_server
}

# measure_upload SIDE OPTION...: of a file by curl, to a pollux of its own.
measure_upload() {
    local side=$1 url seconds bytes cpu version=--http1.1 curl=(curl -sS --cacert "$scratch/upload.pem")
    shift
    [ "${side#HTTP/2}" = "$side" ] || version=--http2
    if [ $# -gt 0 ]; then set -- --tls-ca-out "$scratch/upload.pem"; else : >"$scratch/upload.pem"; fi
    start_plain_pollux upload "$@"
    url=$("${curl[@]}" -D - -o /dev/null -H x-goog-api-key:test-key -H 'X-Goog-Upload-Protocol: resumable' \
        -H 'X-Goog-Upload-Command: start' -d '{"file":{}}' "$pollux/upload/v1beta/files" |
        tr -d '\r' | sed -n 's/^x-goog-upload-url: //Ip')
    cpu=$(cpu_ms_of "$pollux_id")
    read -r seconds bytes < <("${curl[@]}" "$version" -X POST -T "$scratch/large" -o /dev/null \
        -w '%{time_total} %{size_upload}\n' -H 'X-Goog-Upload-Offset: 0' -H 'X-Goog-Upload-Command: upload, finalize' "$url")
    awk -v side="$side" -v s="$seconds" -v bytes="$bytes" -v cpu="$(($(cpu_ms_of "$pollux_id") - cpu))" \
        -v kb="$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pollux_id/status")" 'BEGIN {
            printf "{\"measure\":\"pollux-upload\",\"side\":\"%s\",\"round\":0,\"mb\":%.0f,", side, bytes / 1e6
            printf "\"mb_s\":%.0f,\"cpu_ms\":%d,\"peak_mib\":%.2f}\n", bytes / 1e6 / s, cpu, kb / 1024 }' >>"$results"
    stop_pollux
}

# cpu_ms_of PROCESS: user and system time so far.
cpu_ms_of() {
    local words
    read -ra words < <(sed 's/.*) //' "/proc/$1/stat")
    echo $(((words[11] + words[12]) * 1000 / $(getconf CLK_TCK)))
}
