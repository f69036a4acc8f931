// SPDX-License-Identifier: Apache-2.0
/// @file kernels/select.cpp
/// Which kernels a target's row names.
#include <doctest/doctest.h>

#include <kinglet/kernels/select.hpp>

using namespace kinglet;

namespace {

/// Kernels with code of its own for AVX-512 VNNI, in the order of the table.
template <class Row>
bool all_named(std::string_view name) {
  return Row::conv2d::name == name && Row::depthwise::name == name && Row::fully_connected::name == name &&
         Row::pointwise::name == name;
}

}  // namespace

TEST_CASE("scalar code is all generic") {
  CHECK(all_named<select::kernels<isa::scalar>>("generic"));
}

TEST_CASE("the AVX-512 VNNI row has its own kernels where they can be compiled, and else its fallback's") {
  using Row = select::kernels<isa::avx512_vnni>;
  using Fallback = select::kernels<isa::avx512bw>;
  if constexpr (std::is_same_v<isa::native, isa::avx512_vnni>) {
    CHECK(std::is_same_v<select::native, Row>);
    CHECK(all_named<Row>("avx512_vnni"));
  } else {
    CHECK(std::is_same_v<Row::conv2d, Fallback::conv2d>);
    CHECK(std::is_same_v<Row::depthwise, Fallback::depthwise>);
    CHECK(std::is_same_v<Row::fully_connected, Fallback::fully_connected>);
    CHECK(std::is_same_v<Row::pointwise, Fallback::pointwise>);
  }
  CHECK(Row::softmax::name == "generic");  // nothing of its own
  CHECK(!all_named<Fallback>("avx512_vnni"));
}

TEST_CASE("x86 rows have their own kernels where they can be compiled") {
#if defined(__SSE4_1__)
  CHECK(all_named<select::kernels<isa::sse4_1>>("sse4_1"));
  CHECK(select::kernels<isa::sse4_1>::add::name == "sse4_1");
#endif
#if defined(__AVX2__)
  CHECK(all_named<select::kernels<isa::avx2>>("avx2"));
  CHECK(select::kernels<isa::avx2>::add::name == "avx2");
#endif
#if defined(__AVX2__) && defined(__AVXVNNI__)
  using Vnni = select::kernels<isa::avx2_vnni>;
  CHECK((Vnni::conv2d::name == "avx2_vnni" && Vnni::fully_connected::name == "avx2_vnni"));
  CHECK(Vnni::pointwise::name == "avx2_vnni");
  CHECK((Vnni::depthwise::name == "avx2" && Vnni::add::name == "avx2"));
#endif
#if defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
  CHECK(all_named<select::kernels<isa::avx512bw>>("avx512bw"));
  CHECK(select::kernels<isa::avx512bw>::add::name == "avx512bw");
#endif
  CHECK(select::kernels<isa::scalar>::add::name == "generic");
}

TEST_CASE("the ARM rows have their own kernels where they can be compiled, and else their fallback's") {
  if constexpr (std::is_base_of_v<isa::neon, isa::native> && sizeof(void*) == 8) {
    CHECK(all_named<select::kernels<isa::neon>>("neon"));
    CHECK(select::native::add::name == "neon");
    if constexpr (std::is_same_v<isa::native, isa::neon_dotprod>) {
      CHECK(all_named<select::native>("neon_dotprod"));
    }
    if constexpr (std::is_same_v<isa::native, isa::neon_i8mm>) {
      CHECK(select::native::pointwise::name == "neon_i8mm");
      CHECK(select::native::conv2d::name == "neon_i8mm");
      CHECK(select::native::fully_connected::name == "neon_i8mm");
      CHECK(select::native::depthwise::name == "neon_dotprod");  // SMMLA has nothing for it
    }
  } else {
    CHECK(all_named<select::kernels<isa::neon_i8mm>>("generic"));
    MESSAGE("ARM kernels skipped: built for ", isa::native::name);
  }
}

TEST_CASE("a build without instruction sets has generic kernels in every row") {
  if constexpr (std::is_same_v<isa::native, isa::scalar>) {
    CHECK(all_named<select::kernels<isa::avx512_vnni>>("generic"));
    CHECK(all_named<select::kernels<isa::neon_i8mm>>("generic"));
    CHECK(all_named<select::native>("generic"));
  } else {
    MESSAGE("skipped: built for ", isa::native::name);
  }
}
