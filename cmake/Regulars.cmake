# Build vocabulary of the project: regulars_proto(), regulars_library(), regulars_service().
# Dependency levels are checked here, at configure time: a library may only depend on lower levels
# (or, inside level 1 and 2, on `base`, `model`, `config`, `log`, `metrics`).

find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(Protobuf REQUIRED)
find_package(GTest REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(GRPC REQUIRED IMPORTED_TARGET grpc++)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(regulars_flags INTERFACE)
target_include_directories(regulars_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(regulars_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Werror
                       -fno-omit-frame-pointer)
if(REGULARS_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
elseif(REGULARS_SANITIZE STREQUAL "fuzzer")
  # clang only (preset fuzz). Its warnings are not those of the compiler the tree is kept clean for.
  add_compile_options(-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined -w)
  add_link_options(-fsanitize=address,undefined)
elseif(REGULARS_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
endif()

# The services allocate millions of small strings per second: jemalloc takes a quarter less processor time
# than glibc for the shard loop (docs/bench.md). Sanitizers bring their own.
find_library(JEMALLOC_LIBRARY jemalloc)

# google/rpc and google/api protos: from the PyPI package googleapis-common-protos, installed by
# `make setup` into the project's venv.
set(GOOGLEAPIS_DIR "" CACHE PATH "folder that holds google/api/*.proto")
if(NOT GOOGLEAPIS_DIR)
  file(GLOB _venv_site ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages)
  foreach(site IN LISTS _venv_site)
    if(EXISTS ${site}/google/api/field_behavior.proto)
      set(GOOGLEAPIS_DIR ${site} CACHE PATH "folder that holds google/api/*.proto" FORCE)
    endif()
  endforeach()
endif()

set(REGULARS_PROTO_ROOT ${PROJECT_SOURCE_DIR}/proto)
set(REGULARS_GEN_DIR ${PROJECT_BINARY_DIR}/gen)
file(MAKE_DIRECTORY ${REGULARS_GEN_DIR})

# regulars_proto(NAME points FILES a.proto... GRPC b_service.proto... DEPS types...)
# Generated code exists only in the build folder. GRPC files also get service stubs.
function(regulars_proto)
  cmake_parse_arguments(ARG "" "NAME" "FILES;GRPC;DEPS" ${ARGN})
  set(out)
  foreach(file IN LISTS ARG_FILES ARG_GRPC)
    string(REGEX REPLACE "\\.proto$" "" stem ${file})
    set(gen ${REGULARS_GEN_DIR}/${stem}.pb.cc ${REGULARS_GEN_DIR}/${stem}.pb.h)
    set(grpc_args)
    if(file IN_LIST ARG_GRPC)
      list(APPEND gen ${REGULARS_GEN_DIR}/${stem}.grpc.pb.cc ${REGULARS_GEN_DIR}/${stem}.grpc.pb.h)
      set(grpc_args --grpc_out=${REGULARS_GEN_DIR}
                    --plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN})
    endif()
    set(root ${REGULARS_PROTO_ROOT})
    if(NOT EXISTS ${REGULARS_PROTO_ROOT}/${file})
      set(root ${GOOGLEAPIS_DIR})
    endif()
    add_custom_command(
      OUTPUT ${gen}
      COMMAND protobuf::protoc -I${REGULARS_PROTO_ROOT} -I${GOOGLEAPIS_DIR}
              --cpp_out=${REGULARS_GEN_DIR} ${grpc_args} ${root}/${file}
      DEPENDS ${root}/${file} VERBATIM)
    list(APPEND out ${gen})
  endforeach()
  add_library(regulars_proto_${ARG_NAME} STATIC ${out})
  target_include_directories(regulars_proto_${ARG_NAME} SYSTEM PUBLIC ${REGULARS_GEN_DIR})
  target_link_libraries(regulars_proto_${ARG_NAME} PUBLIC protobuf::libprotobuf)
  if(ARG_GRPC)
    target_link_libraries(regulars_proto_${ARG_NAME} PUBLIC PkgConfig::GRPC)
  endif()
  foreach(dep IN LISTS ARG_DEPS)
    target_link_libraries(regulars_proto_${ARG_NAME} PUBLIC regulars_proto_${dep})
    add_dependencies(regulars_proto_${ARG_NAME} regulars_proto_${dep})
  endforeach()
endfunction()

function(_regulars_test file label)
  get_filename_component(stem ${file} NAME_WE)
  add_executable(${stem} ${file})
  target_link_libraries(${stem} PRIVATE ${ARGN} regulars_flags GTest::gmock GTest::gtest_main)
  if(label MATCHES "^(integration|conformance)$")
    # One Kafka and one Redis for all of them: the fixture of deploy/CMakeLists.txt.
    add_test(NAME ${stem} COMMAND ${PROJECT_SOURCE_DIR}/deploy/local/local.py exec
             ${PROJECT_BINARY_DIR}/local/ctest -- $<TARGET_FILE:${stem}>)
    set_tests_properties(${stem} PROPERTIES FIXTURES_REQUIRED local_cluster)
  else()
    add_test(NAME ${stem} COMMAND ${stem})
  endif()
  set_tests_properties(${stem} PROPERTIES LABELS ${label})
endfunction()

# regulars_library(NAME kafka LEVEL 2 SRCS a.cc HDRS a.h DEPS base LIBS absl::status
#                  TESTS a_test.cc ITESTS a_itest.cc TEST_DEPS x)
# DEPS are other regulars libraries (checked by level); LIBS are outside targets; TESTS run without a
# broker (label unit), ITESTS need a real Kafka or Redis (label integration).
function(regulars_library)
  cmake_parse_arguments(ARG "" "NAME;LEVEL" "SRCS;HDRS;DEPS;LIBS;TESTS;ITESTS;TEST_DEPS" ${ARGN})
  set(target regulars_${ARG_NAME})
  if(ARG_SRCS)
    add_library(${target} STATIC ${ARG_SRCS} ${ARG_HDRS})
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE ${ARG_HDRS})
    set(scope INTERFACE)
  endif()
  set_property(GLOBAL PROPERTY REGULARS_LEVEL_${ARG_NAME} ${ARG_LEVEL})
  target_link_libraries(${target} ${scope} regulars_flags ${ARG_LIBS})
  foreach(dep IN LISTS ARG_DEPS)
    if(NOT dep MATCHES "^proto_")
      get_property(dep_level GLOBAL PROPERTY REGULARS_LEVEL_${dep})
      if("${dep_level}" STREQUAL "")
        message(FATAL_ERROR "${ARG_NAME}: dependency ${dep} is not declared (order in CMakeLists.txt?)")
      endif()
      if(NOT dep_level LESS ARG_LEVEL AND NOT (dep_level EQUAL ARG_LEVEL AND ARG_LEVEL LESS 3))
        message(FATAL_ERROR "${ARG_NAME} (level ${ARG_LEVEL}) must not depend on ${dep} (level ${dep_level})")
      endif()
    endif()
    target_link_libraries(${target} ${scope} regulars_${dep})
  endforeach()
  foreach(test IN LISTS ARG_TESTS)
    _regulars_test(${test} unit ${target} ${ARG_TEST_DEPS})
  endforeach()
  foreach(test IN LISTS ARG_ITESTS)
    _regulars_test(${test} integration ${target} ${ARG_TEST_DEPS})
  endforeach()
endfunction()

# regulars_service(NAME points SRCS main.cc DEPS points_shell): the executable regulars-points.
function(regulars_service)
  cmake_parse_arguments(ARG "" "NAME" "SRCS;DEPS;LIBS" ${ARGN})
  set(target regulars-${ARG_NAME})
  add_executable(${target} ${ARG_SRCS})
  target_link_libraries(${target} PRIVATE regulars_flags ${ARG_LIBS})
  foreach(dep IN LISTS ARG_DEPS)
    target_link_libraries(${target} PRIVATE regulars_${dep})
  endforeach()
  if(JEMALLOC_LIBRARY AND NOT REGULARS_SANITIZE)
    # No symbol is named: a linker that drops unneeded libraries must keep it, and it alone.
    target_link_libraries(
      ${target} PRIVATE "-Wl,--push-state,--no-as-needed,${JEMALLOC_LIBRARY},--pop-state")
  endif()
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
endfunction()
