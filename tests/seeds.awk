# The bytes of every wire case, one file each: what a fuzzer starts from. The marks are in docs/wire-cases.md.
# Usage: LC_ALL=C awk -v out=DIRECTORY -f tests/seeds.awk tests/wire/*.md

function hex(digits,    i, value) {
    for (i = 1; i <= length(digits); i++)
        value = value * 16 + index("0123456789abcdef", tolower(substr(digits, i, 1))) - 1
    return value
}

# "\\n" to a newline and so on. NUL cannot stand in an awk string everywhere, so bytes go straight to the file.
function emit_decoded(text,    i, c) {
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (c != "\\") { printf "%s", c > file; continue }
        c = substr(text, ++i, 1)
        if (c == "r") printf "\r" > file
        else if (c == "n") printf "\n" > file
        else if (c == "t") printf "\t" > file
        else if (c == "0") printf "%c", 0 > file
        else if (c == "x") { printf "%c", hex(substr(text, i + 1, 2)) > file; i += 2 }
        else printf "%s", c > file
    }
}

function close_case() {
    if (file != "") close(file)
    file = ""
}

FNR == 1 { close_case() }
/^## / {
    close_case()
    file = sprintf("%s/wire-%03d", out, ++count)
    eol = "\r\n"
    next
}
file == "" { next }
/^@ eol: *lf/ { eol = "\n"; next }
/^@ eol: *cr *$/ { eol = "\r"; next }
/^<\. / { printf "%s", substr($0, 4) > file; next }
/^<\\ / { emit_decoded(substr($0, 4)); next }
/^<\* / {
    text = $0
    sub(/^<\* *[0-9]+ /, "", text)
    for (n = $2 < 100 ? $2 : 100; n > 0; n--) emit_decoded(text) # a seed is small
    next
}
/^<$/ { printf "%s", eol > file; next }
/^< / { printf "%s%s", substr($0, 3), eol > file; next }
END { close_case() }
