# Turns emulator/answers.md into a C file, so that pollux has its answers with it wherever it is copied:
#     cmake -DINPUT=emulator/answers.md -DOUTPUT=build/answers.c -P emulator/embed.cmake
file(READ "${INPUT}" hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)"
    "\\1\n    " bytes "${bytes}")
file(WRITE "${OUTPUT}.new" "/* answers.c -- made from emulator/answers.md by emulator/embed.cmake; do not edit. */
#include \"script/catalogue.h\"

const unsigned char plx_builtin_answers[] = {
    ${bytes}
};
const size_t plx_builtin_answers_len = sizeof plx_builtin_answers;
")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
