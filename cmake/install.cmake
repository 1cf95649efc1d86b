# What `cmake --install` puts where: headers, libraries, both programs, manual, pkg-config files, CMake package.

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/castor)

install(DIRECTORY include/castor DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

# One export set each: who has no libcurl for development can still link the shared library.
foreach(kind shared static)
    install(TARGETS castor_${kind} EXPORT castor_${kind} DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(EXPORT castor_${kind} NAMESPACE castor:: FILE castor-${kind}.cmake DESTINATION ${package_dir})
endforeach()

install(TARGETS pollux_static EXPORT castor_pollux DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT castor_pollux NAMESPACE castor:: FILE castor-pollux.cmake DESTINATION ${package_dir})

install(TARGETS castor pollux)
file(GLOB pages CONFIGURE_DEPENDS man/*.1)
install(FILES ${pages} ${PROJECT_BINARY_DIR}/castor.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

# From <prefix>/lib to <prefix>, however many steps that is (lib/x86_64-linux-gnu is two).
file(RELATIVE_PATH from_libdir /p/${CMAKE_INSTALL_LIBDIR} /p)
file(RELATIVE_PATH from_pcdir /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
file(RELATIVE_PATH libdir_from_bindir /p/${CMAKE_INSTALL_BINDIR} /p/${CMAKE_INSTALL_LIBDIR})

if(YYJSON_IS_PRIVATE)
    file(GLOB yyjson_files ${CASTOR_DEPS}/lib/${CMAKE_LIBRARY_ARCHITECTURE}/libyyjson.so.*)
    install(FILES ${yyjson_files} DESTINATION ${CMAKE_INSTALL_LIBDIR}/castor)
    set_target_properties(castor_shared PROPERTIES INSTALL_RPATH "$ORIGIN/castor")
    set_target_properties(castor pollux PROPERTIES INSTALL_RPATH "$ORIGIN/${libdir_from_bindir}/castor")
    set(pc_requires_private "libcurl")
    set(pc_yyjson "-L\${libdir}/castor -l:libyyjson.so.0 -Wl,-rpath,\${libdir}/castor")
else()
    set(pc_requires_private "libcurl yyjson")
    set(pc_yyjson "-lyyjson")
endif()

foreach(name castor pollux)
    configure_file(cmake/${name}.pc.in ${name}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

configure_package_config_file(cmake/castorConfig.cmake.in castorConfig.cmake INSTALL_DESTINATION ${package_dir}
    PATH_VARS CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(castorConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/castorConfig.cmake ${PROJECT_BINARY_DIR}/castorConfigVersion.cmake
    DESTINATION ${package_dir})
