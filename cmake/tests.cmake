# Every tests/test_NAME.c is one cmocka program under CTest. What else stands in tests/ is their shared toolbox.

pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

# ---- Programs in C ---------------------------------------------------------------------------------------------

file(GLOB test_sources CONFIGURE_DEPENDS tests/test_*.c tests/nginx/test_*.c)
file(GLOB toolbox CONFIGURE_DEPENDS tests/*.c src/transport_memory.c)
list(FILTER toolbox EXCLUDE REGEX "/tests/test_")

# They see the internals. Of pollux they take the reader of wire cases.
add_library(castor_toolbox STATIC ${toolbox})
target_include_directories(castor_toolbox PUBLIC tests include)
target_compile_options(castor_toolbox PUBLIC ${inside})
target_link_options(castor_toolbox PUBLIC -Wl,--wrap=_cmocka_run_group_tests) # stock.c
target_link_libraries(castor_toolbox PUBLIC pollux_static castor_pollux castor_static CURL::libcurl PkgConfig::CMOCKA)
target_compile_definitions(castor_toolbox PUBLIC CASTOR_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
    CASTOR_MAN_PATH="${PROJECT_BINARY_DIR}/castor.1"
    CASTOR_PATH="$<TARGET_FILE:castor>" POLLUX_PATH="$<TARGET_FILE:pollux>")

if(CASTOR_VALGRIND)
    set(valgrind valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite
        --child-silent-after-fork=yes)
    set(patience 900)
elseif(CMAKE_C_FLAGS MATCHES "-fsanitize")
    set(valgrind)
    set(patience 600) # on a loaded machine
else()
    set(valgrind)
    set(patience 170)
endif()

function(castor_test name)
    add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    # 77: what the test needs is not on this machine; it says what
    set_tests_properties(${name} PROPERTIES TIMEOUT ${patience} SKIP_RETURN_CODE 77)
endfunction()

foreach(source ${test_sources})
    get_filename_component(target ${source} NAME_WE)
    string(REPLACE test_ "" name ${target})
    add_executable(${target} ${source})
    target_link_libraries(${target} PRIVATE castor_toolbox)
    # Where the server is another process, valgrind would watch the wrong one.
    file(STRINGS ${source} servers REGEX "TST_POLLUX\\(|tst_host_start\\(")
    if(NOT (CASTOR_VALGRIND AND servers))
        castor_test(${name} ${valgrind} $<TARGET_FILE:${target}>)
    endif()
    add_dependencies(${target} castor pollux)
endforeach()
target_link_libraries(test_memory_network PRIVATE ${CMAKE_DL_LIBS})
# What fails in the clear fails over TLS too; with CASTOR_FAILURES=all that takes minutes.
foreach(name memory_network system_calls)
    foreach(wire tls h2)
        castor_test(${name}_${wire} $<TARGET_FILE:test_${name}> ${wire})
        set_tests_properties(${name}_${wire} PROPERTIES TIMEOUT 1800)
    endforeach()
endforeach()

# Calls of the C library that fail on request, for the library and for the command.
add_executable(castor_spoilt ${command} tests/calls/calls.c tests/calls/command.c)
target_include_directories(castor_spoilt PRIVATE tests)
target_link_libraries(castor_spoilt PRIVATE castor_static ${CMAKE_DL_LIBS})
target_sources(test_system_calls PRIVATE tests/calls/calls.c)
target_link_libraries(test_system_calls PRIVATE ${CMAKE_DL_LIBS})
target_compile_definitions(test_system_calls PRIVATE CASTOR_SPOILT_PATH="$<TARGET_FILE:castor_spoilt>")
add_dependencies(test_system_calls castor_spoilt)
if(CASTOR_VALGRIND)
    set_tests_properties(every_byte PROPERTIES ENVIRONMENT CASTOR_CUTS=23) # each cut costs a hundred times as much
endif()

# ---- Adapters: each with a test in tests/loops/ and an example, where its library is -----------------------------

pkg_check_modules(LIBEVENT IMPORTED_TARGET libevent_core)
pkg_check_modules(GLIB IMPORTED_TARGET glib-2.0)
pkg_check_modules(SYSTEMD IMPORTED_TARGET libsystemd)
find_path(LIBEV_INCLUDE ev.h) # it has no pkg-config file
find_library(LIBEV_LIBRARY ev)

set(loop_poll "")
set(loop_libuv PkgConfig::UV)
if(LIBEVENT_FOUND)
    set(loop_libevent PkgConfig::LIBEVENT)
endif()
if(GLIB_FOUND)
    set(loop_glib PkgConfig::GLIB)
endif()
if(SYSTEMD_FOUND)
    set(loop_sd-event PkgConfig::SYSTEMD)
endif()
if(LIBEV_INCLUDE AND LIBEV_LIBRARY)
    set(loop_libev ${LIBEV_LIBRARY})
endif()

add_library(castor_storm STATIC tests/loops/storm.c)
target_link_libraries(castor_storm PUBLIC castor_toolbox)
foreach(name poll libuv libev libevent glib sd-event)
    if(DEFINED loop_${name})
        add_executable(loop_${name} tests/loops/${name}.c)
        target_link_libraries(loop_${name} PRIVATE castor_storm ${loop_${name}})
        castor_test(loop_${name} ${valgrind} $<TARGET_FILE:loop_${name}>)
    else()
        castor_test(loop_${name} sh -c "echo 'SKIPPED: ${name} is not installed here (./setup --dev)'; exit 77")
    endif()
endforeach()

# ---- Examples and the README's snippet: built as a user would, run by tests/examples.sh ------------------------

file(GLOB examples CONFIGURE_DEPENDS examples/*.c)
list(FILTER examples EXCLUDE REGEX "/loop_")
foreach(source ${examples})
    get_filename_component(name ${source} NAME_WE)
    add_executable(example_${name} ${source})
    target_link_libraries(example_${name} PRIVATE castor_shared)
    set_target_properties(example_${name} PROPERTIES
        OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
endforeach()
target_link_libraries(example_in_process PRIVATE pollux_static)

set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS docs/async.md)
include(tests/async_snippets.cmake)
function(castor_loop_example target source name)
    add_executable(${target} ${source})
    target_link_libraries(${target} PRIVATE castor_shared ${loop_${name}})
    string(REPLACE example_ "" output ${target})
    set_target_properties(${target} PROPERTIES
        OUTPUT_NAME ${output} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
endfunction()
set(loop_wait "")
foreach(name wait poll libuv libev libevent glib sd-event)
    if(DEFINED loop_${name})
        async_snippet(docs/async.md ${name} ${PROJECT_BINARY_DIR}/examples/doc_${name}.c)
        castor_loop_example(example_doc_${name} ${PROJECT_BINARY_DIR}/examples/doc_${name}.c ${name})
        if(NOT name STREQUAL wait)
            castor_loop_example(example_loop_${name} examples/loop_${name}.c ${name})
        endif()
    endif()
endforeach()

if(EXISTS ${PROJECT_SOURCE_DIR}/README.md)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS README.md)
    include(tests/readme_snippet.cmake)
    readme_snippet(README.md ${PROJECT_BINARY_DIR}/examples/readme.c)
    add_executable(example_readme ${PROJECT_BINARY_DIR}/examples/readme.c)
    target_link_libraries(example_readme PRIVATE castor_shared)
    set_target_properties(example_readme PROPERTIES
        OUTPUT_NAME readme RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
endif()

set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS docs/pollux.md)
readme_snippet(docs/pollux.md ${PROJECT_BINARY_DIR}/examples/docs.c)
add_executable(example_docs ${PROJECT_BINARY_DIR}/examples/docs.c)
target_link_libraries(example_docs PRIVATE castor_shared pollux_static)
set_target_properties(example_docs PROPERTIES
    OUTPUT_NAME docs RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)

# ---- Scripts ---------------------------------------------------------------------------------------------------

if(EXISTS ${PROJECT_SOURCE_DIR}/tests/examples.sh)
    castor_test(examples tests/examples.sh $<TARGET_FILE:pollux> ${PROJECT_BINARY_DIR}/examples)
endif()
castor_test(docs tests/docs.sh ${PROJECT_BINARY_DIR} ${CMAKE_C_COMPILER})
castor_test(shown tests/shown.sh ${PROJECT_BINARY_DIR})
# A sanitizer or valgrind learns nothing from these.
if(NOT CMAKE_C_FLAGS MATCHES "-fsanitize" AND NOT CASTOR_VALGRIND)
    castor_test(purity tests/purity.sh)
    if(CMAKE_BUILD_TYPE MATCHES "Deb") # it reads debug information
        castor_test(abi tests/abi/run.sh $<TARGET_FILE:castor_shared>)
    endif()
    castor_test(headers tests/headers/run.sh ${CMAKE_C_COMPILER})
    castor_test(install tests/install/run.sh ${PROJECT_BINARY_DIR} ${CMAKE_COMMAND} ${CMAKE_C_COMPILER})
endif()

# ---- The soak: conformance/soak/run starts it against twins ------------------------------------------------------

file(GLOB soak CONFIGURE_DEPENDS conformance/soak/*.c)
add_executable(soak ${soak} tests/fates.c tests/history.c tests/sample.c)
target_include_directories(soak PRIVATE tests)
target_compile_options(soak PRIVATE ${inside})
target_link_libraries(soak PRIVATE castor_static CURL::libcurl)

# ---- The scoreboard: castor's driver runs it ---------------------------------------------------------------------

add_executable(two-questions conformance/scoreboard/drivers/castor.c)
target_link_libraries(two-questions PRIVATE castor_static)
