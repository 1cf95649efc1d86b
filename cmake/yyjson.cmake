# castor::yyjson -- the system's yyjson, or else the one that ./setup unpacked into build/deps.
#
# The package files that come with an unpacked .deb carry the prefix /usr, so header and library are looked up here.

set(CASTOR_DEPS ${PROJECT_SOURCE_DIR}/build/deps/usr)
find_path(YYJSON_INCLUDE_DIR yyjson.h PATHS ${CASTOR_DEPS}/include)
find_library(YYJSON_LIBRARY yyjson PATHS ${CASTOR_DEPS}/lib/${CMAKE_LIBRARY_ARCHITECTURE} ${CASTOR_DEPS}/lib)

if(NOT YYJSON_INCLUDE_DIR OR NOT YYJSON_LIBRARY)
    message(FATAL_ERROR "yyjson was not found. Run ./setup, which installs it or fetches it into build/deps.")
endif()

file(STRINGS ${YYJSON_INCLUDE_DIR}/yyjson.h yyjson_version REGEX "^#define YYJSON_VERSION_STRING")
string(REGEX REPLACE ".*\"(.*)\".*" "\\1" yyjson_version "${yyjson_version}")
if(yyjson_version VERSION_LESS 0.10)
    message(FATAL_ERROR "yyjson ${yyjson_version} in ${YYJSON_INCLUDE_DIR} is too old; castor needs 0.10.")
endif()

add_library(castor::yyjson UNKNOWN IMPORTED)
set_target_properties(castor::yyjson PROPERTIES
    IMPORTED_LOCATION ${YYJSON_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${YYJSON_INCLUDE_DIR})

# A private yyjson is unknown to the run-time linker: it is installed with us, in a directory that only our own
# run paths name (see install.cmake).
string(FIND "${YYJSON_LIBRARY}" "${CASTOR_DEPS}/" at)
if(at EQUAL 0)
    set(YYJSON_IS_PRIVATE ON)
else()
    set(YYJSON_IS_PRIVATE OFF)
endif()
