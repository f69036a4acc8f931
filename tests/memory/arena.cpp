// SPDX-License-Identifier: Apache-2.0
/// @file memory/arena.cpp
/// The arena: what it measures is what it needs, and it never hands out more than it has.
#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <kinglet/memory/arena.hpp>
#include <vector>

namespace {

using namespace kinglet;

struct Node {
  std::int64_t value = 42;
  Node* next = nullptr;
};

// What a table of a network might look like: run once to measure and once to make.
struct Tables {
  Node* nodes;
  std::uint8_t* flags;
  std::byte* scratch;
  double* number;
};
Tables build(Arena& arena) {
  return {arena.make<Node>(3), arena.make<std::uint8_t>(5), arena.take(33), arena.make<double>()};
}

struct alignas(buffer_alignment) Block {
  std::array<std::byte, 4096> bytes{};
};

}  // namespace

TEST_CASE("measuring counts and gives nothing") {
  Arena measure;
  const Tables none = build(measure);
  CHECK(measure.counting());
  CHECK(!measure.exhausted());
  CHECK(measure.used() == 48 + 16 + 48 + 16);
  CHECK(none.nodes == nullptr);
  CHECK(none.scratch == nullptr);
}

TEST_CASE("the measured bytes suffice, one less does not") {
  Arena measure;
  build(measure);
  Block memory;
  std::memset(memory.bytes.data(), 0xa5, sizeof(memory));
  Arena arena(std::span(memory.bytes).first(measure.used()));
  const Tables made = build(arena);
  CHECK(!arena.counting());
  CHECK(!arena.exhausted());
  CHECK(arena.used() == measure.used());
  CHECK(made.nodes[2].value == 42);  // constructed, not left as they were
  CHECK(made.nodes[2].next == nullptr);
  CHECK(made.flags[4] == 0);
  CHECK(*made.number == 0.0);
  CHECK(is_aligned(made.nodes));
  CHECK(is_aligned(made.flags));
  CHECK(is_aligned(made.scratch));
  CHECK(is_aligned(made.number));
  // One after another, none over another.
  CHECK(reinterpret_cast<std::byte*>(made.flags) >= reinterpret_cast<std::byte*>(made.nodes + 3));
  CHECK(made.scratch >= reinterpret_cast<std::byte*>(made.flags + 5));
  CHECK(reinterpret_cast<std::byte*>(made.number) >= made.scratch + 33);
  CHECK(memory.bytes[measure.used()] == std::byte{0xa5});

  Arena large_enough(std::span(memory.bytes).first(measure.used() - 8));  // the last piece is 8 bytes, not 16
  build(large_enough);
  CHECK(!large_enough.exhausted());
  Arena short_of_one(std::span(memory.bytes).first(measure.used() - 9));
  CHECK(build(short_of_one).number == nullptr);
  CHECK(short_of_one.exhausted());
}

TEST_CASE("an exhausted arena stays so, and touches nothing past its end") {
  Block memory;
  std::memset(memory.bytes.data(), 0xa5, sizeof(memory));
  Arena arena(std::span(memory.bytes).first(32));
  CHECK(arena.take(16) == memory.bytes.data());
  CHECK(arena.make<Node>(3) == nullptr);
  CHECK(arena.exhausted());
  CHECK(arena.take(1) == nullptr);
  CHECK(arena.exhausted());
  for (const std::byte b : memory.bytes) {
    REQUIRE(b == std::byte{0xa5});
  }
}

TEST_CASE("an arena without memory is exhausted by the first byte") {
  Arena arena{std::span<std::byte>{}};
  CHECK(arena.take(0) == nullptr);
  CHECK(!arena.exhausted());
  CHECK(arena.take(1) == nullptr);
  CHECK(arena.exhausted());
}

TEST_CASE_TEMPLATE("requests that overflow a size exhaust any arena", Memory, std::false_type,
                   std::true_type) {
  Block memory;
  const auto fresh = [&] { return Memory::value ? Arena(memory.bytes) : Arena(); };
  {
    Arena arena = fresh();
    CHECK(arena.template make<Node>(SIZE_MAX / sizeof(Node) + 1) == nullptr);
    CHECK(arena.exhausted());
  }
  {
    Arena arena = fresh();
    CHECK(arena.take(SIZE_MAX) == nullptr);
    CHECK(arena.exhausted());
  }
  {
    Arena arena = fresh();
    arena.take(16);
    CHECK(arena.take(SIZE_MAX - 16) == nullptr);
    CHECK(arena.exhausted());
  }
  {
    Arena arena = fresh();
    arena.take(1);  // rounding up to the alignment must not wrap either
    CHECK(arena.take(SIZE_MAX - 16 - 7) == nullptr);
    CHECK(arena.exhausted());
  }
}
