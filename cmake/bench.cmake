# The programs of bench/, built by the target `bench` alone.

set(bench_figures ${PROJECT_SOURCE_DIR}/bench/figures.c)
set(bench_http ${PROJECT_SOURCE_DIR}/bench/http.c)

add_custom_target(bench DEPENDS castor pollux castor_shared)
# bench_program(NAME [SOURCES source...] [LIBRARIES library...])
function(bench_program name)
    cmake_parse_arguments(BENCH "" "" "SOURCES;LIBRARIES" ${ARGN})
    add_executable(bench_${name} EXCLUDE_FROM_ALL bench/${name}.c ${BENCH_SOURCES})
    target_link_libraries(bench_${name} PRIVATE ${BENCH_LIBRARIES})
    set_target_properties(bench_${name} PROPERTIES
        OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
    add_dependencies(bench bench_${name})
endfunction()

bench_program(versus)
bench_program(bodies SOURCES ${bench_figures})
bench_program(writer SOURCES ${bench_figures})
bench_program(bare_pacer SOURCES ${bench_figures})
bench_program(streams SOURCES ${bench_figures} LIBRARIES PkgConfig::NGHTTP2)
bench_program(bare SOURCES ${bench_figures} ${bench_http} LIBRARIES castor_static)
bench_program(bare_calls SOURCES ${bench_figures} ${bench_http} LIBRARIES castor_static)
bench_program(decode LIBRARIES castor_static castor::yyjson)
foreach(name answers calls many)
    bench_program(castor_${name} SOURCES ${bench_figures} LIBRARIES castor_shared)
endforeach()
bench_program(castor_silent SOURCES ${bench_figures} LIBRARIES castor_shared CURL::libcurl)

# What a child's peak memory starts at is its parent's: the smaller the better.
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_LINK_OPTIONS -static)
check_c_source_compiles("int main(void) { return 0; }" CAN_LINK_STATICALLY)
unset(CMAKE_REQUIRED_LINK_OPTIONS)
if(CAN_LINK_STATICALLY)
    target_link_options(bench_versus PRIVATE -static)
    set_target_properties(bench_versus PROPERTIES POSITION_INDEPENDENT_CODE OFF)
endif()
