// SPDX-License-Identifier: Apache-2.0
/// @file isa/target.cpp
/// The targets: names that agree with each other, with the compiler's flags and with the list of flags.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <kinglet/isa/target.hpp>
#include <sstream>
#include <string>
#include <type_traits>

namespace {

using namespace kinglet;

#define KINGLET_TEXT_OF(x) #x
#define KINGLET_TEXT(x) KINGLET_TEXT_OF(x)
static_assert(isa::native::name == KINGLET_TEXT(KINGLET_TARGET));

// The fallback is the base class.
template <class Target, class Fallback>
constexpr bool falls_back = std::is_base_of_v<Fallback, Target> && !std::is_base_of_v<Target, Fallback>;
static_assert(falls_back<isa::avx512_vnni, isa::avx512bw> && falls_back<isa::avx512bw, isa::avx2>);
static_assert(falls_back<isa::avx2_vnni, isa::avx2> && falls_back<isa::avx2, isa::sse4_1>);
static_assert(falls_back<isa::sse4_1, isa::scalar>);
static_assert(falls_back<isa::neon_i8mm, isa::neon_dotprod> && falls_back<isa::neon_dotprod, isa::neon>);
static_assert(falls_back<isa::neon, isa::scalar>);
static_assert(!std::is_base_of_v<isa::neon, isa::avx512_vnni> &&
              !std::is_base_of_v<isa::avx2_vnni, isa::avx512_vnni>);

constexpr std::array names = {isa::scalar::name,    isa::sse4_1::name,       isa::avx2::name,
                              isa::avx2_vnni::name, isa::avx512bw::name,     isa::avx512_vnni::name,
                              isa::neon::name,      isa::neon_dotprod::name, isa::neon_i8mm::name};

}  // namespace

TEST_CASE("every target has flags in cmake/targets.cmake") {
  std::ifstream file(KINGLET_SOURCE_DIR "/cmake/targets.cmake");
  REQUIRE(file);
  std::stringstream text;
  text << file.rdbuf();
  for (const std::string_view name : names) {
    CHECK(text.str().find("set(KINGLET_FLAGS_" + std::string(name) + " ") != std::string::npos);
  }
}

TEST_CASE("targets as data are the targets as types, each before its fallback") {
  REQUIRE(std::size(isa::targets) == names.size());
  std::size_t row = 0;
  for (const isa::TargetInfo& target : isa::targets) {
    CHECK(std::count(names.begin(), names.end(), target.name) == 1);
    const auto* const fallback =
        std::find_if(std::begin(isa::targets), std::end(isa::targets),
                     [&](const isa::TargetInfo& other) { return other.name == target.fallback; });
    CHECK((fallback == std::end(isa::targets)) == (target.name == "scalar"));
    CHECK(fallback > isa::targets + row);
    ++row;
  }
  CHECK(isa::targets[0].fallback == isa::avx512bw::name);
}
