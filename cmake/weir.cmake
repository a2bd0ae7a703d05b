# Helpers shared by all folders.

find_package(Threads REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(yaml-cpp REQUIRED)
if(WEIR_STATIC)
  # One binary for machines that lack these libraries.
  find_library(SQLite3_LIBRARY NAMES libsqlite3.a REQUIRED)
  find_library(WEIR_YAML_ARCHIVE NAMES libyaml-cpp.a REQUIRED)
endif()
find_package(SQLite3 REQUIRED)
find_package(SQLiteCpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)

# Debian 12's yaml-cpp 0.7 exports `yaml-cpp`, newer ones `yaml-cpp::yaml-cpp`.
if(WEIR_STATIC)
  add_library(weir_yaml INTERFACE)
  target_link_libraries(weir_yaml INTERFACE ${WEIR_YAML_ARCHIVE})
  set(WEIR_YAML weir_yaml)
elseif(TARGET yaml-cpp::yaml-cpp)
  set(WEIR_YAML yaml-cpp::yaml-cpp)
else()
  set(WEIR_YAML yaml-cpp)
endif()
if(NOT TARGET yaml-cpp::yaml-cpp)
  add_library(yaml-cpp::yaml-cpp INTERFACE IMPORTED)
  target_link_libraries(yaml-cpp::yaml-cpp INTERFACE ${WEIR_YAML})
endif()

# The CUDA toolkit is optional: only headers are compiled against, every library is opened at run time. Without the headers the
# program predicts, replays, reports and serves; `weir doctor` says what is missing.
find_package(CUDAToolkit QUIET)
set(WEIR_CUDA_HEADERS OFF)
if(CUDAToolkit_FOUND)
  find_path(WEIR_CUPTI_INCLUDE cupti_profiler_host.h
    HINTS ${CUDAToolkit_INCLUDE_DIRS} ${CUDAToolkit_LIBRARY_ROOT}/extras/CUPTI/include)
  if(WEIR_CUPTI_INCLUDE)
    set(WEIR_CUDA_HEADERS ON)
  endif()
endif()
if(NOT WEIR_CUDA_HEADERS)
  message(STATUS "CUDA toolkit headers (with CUPTI) not found: the build leaves out measuring on a GPU")
endif()

add_library(weir_flags INTERFACE)
target_include_directories(weir_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(weir_flags INTERFACE -Wall -Wextra -Wno-missing-field-initializers
  # GCC 12 warns wrongly about joining strings (GCC bug 105651).
  -Wno-restrict)
if(WEIR_SANITIZE)
  target_compile_options(weir_flags INTERFACE -fsanitize=${WEIR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(weir_flags INTERFACE -fsanitize=${WEIR_SANITIZE})
endif()
if(WEIR_STATIC)
  target_link_options(weir_flags INTERFACE -static-libgcc -static-libstdc++)
endif()

# weir_library(name SOURCES a.cpp … LINK other …): a static library of this repository.
function(weir_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC weir_flags ${ARG_LINK} PRIVATE ${ARG_PRIVATE_LINK})
endfunction()

# Code that runs once for each command or test: half of the time that -O3 takes to compile it would be for nothing.
function(weir_compile_quickly name)
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# weir_test(name SOURCES a_test.cpp … LINK lib … [LABELS unit|property|fault|gpu]): one test program, each test case a ctest test.
function(weir_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE weir_flags ${ARG_LINK} GTest::gtest GTest::gtest_main GTest::gmock)
  target_compile_definitions(${name} PRIVATE WEIR_SOURCE_DIR="${CMAKE_SOURCE_DIR}" WEIR_BINARY_DIR="${CMAKE_BINARY_DIR}")
  weir_compile_quickly(${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  # Long ones first, so that none is left alone at the end.
  set(cost 1)
  if("slow" IN_LIST ARG_LABELS OR "property" IN_LIST ARG_LABELS)
    set(cost 10)
  endif()
  gtest_discover_tests(${name} PROPERTIES LABELS "${ARG_LABELS}" COST ${cost} TIMEOUT 300 DISCOVERY_TIMEOUT 120)
endfunction()
