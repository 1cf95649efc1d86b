# Turns a file into a C array, so that pollux has it with it wherever it is copied. HEADER declares NAME and NAME_len:
#     cmake -DINPUT=emulator/script/answers.md -DOUTPUT=build/answers.c -DNAME=plx_builtin_answers
#         -DHEADER=script/catalogue.h -P emulator/script/embed.cmake
file(READ "${INPUT}" hex HEX)
get_filename_component(file "${INPUT}" NAME)
get_filename_component(made "${OUTPUT}" NAME)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)"
    "\\1\n    " bytes "${bytes}")
file(WRITE "${OUTPUT}.new" "/* ${made} -- made from ${file} by emulator/script/embed.cmake; do not edit. */
#include \"${HEADER}\"

const unsigned char ${NAME}[] = {
    ${bytes}
};
const size_t ${NAME}_len = sizeof ${NAME};
")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
