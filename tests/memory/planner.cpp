// SPDX-License-Identifier: Apache-2.0
/// @file memory/planner.cpp
/// The planner: golden plans, plans that never overlap, sharing, and use by the compiler.
#include <doctest/doctest.h>

#include <array>
#include <kinglet/memory/planner.hpp>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace kinglet;

BufferRequest request(std::size_t bytes, std::int32_t first, std::int32_t last) {
  BufferRequest r;
  r.bytes = bytes;
  r.lifetime = {first, last};
  return r;
}

// One line per buffer: its bytes, its lifetime and where it lies.
std::string plan(std::vector<BufferRequest> requests) {
  const std::vector<BufferRequest> asked = requests;
  const std::size_t total = plan_memory(requests);
  std::ostringstream text;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    text << asked[i].bytes << " in [" << asked[i].lifetime.first << "," << asked[i].lifetime.last << "] at "
         << requests[i].offset << "\n";
  }
  text << "arena " << total << ", at least " << memory_lower_bound(requests) << "\n";
  return text.str();
}

// True when the two, alive at one time and not sharing, have a byte in common.
bool collide(const BufferRequest& a, const BufferRequest& b) {
  return a.lifetime.overlaps(b.lifetime) && a.bytes != 0 && b.bytes != 0 && a.offset < b.offset + b.bytes &&
         b.offset < a.offset + a.bytes;
}

}  // namespace

TEST_CASE("lifetimes include both ends") {
  CHECK(Lifetime{2, 5}.overlaps({5, 9}));
  CHECK(Lifetime{5, 9}.overlaps({2, 5}));
  CHECK(Lifetime{2, 5}.overlaps({3, 3}));
  CHECK(!Lifetime{2, 5}.overlaps({6, 9}));
  CHECK(!Lifetime{6, 9}.overlaps({2, 5}));
  Lifetime l{3, 3};
  l.include(before_first_step);
  l.include(7);
  l.include(5);
  CHECK(l == Lifetime{-1, 7});
}

TEST_CASE("golden: nothing") {
  CHECK(plan({}) == "arena 0, at least 0\n");
  CHECK(plan({request(0, 0, 9)}) == "0 in [0,9] at 0\narena 0, at least 0\n");
}

TEST_CASE("golden: a chain of layers uses two ends of the arena") {
  CHECK(plan({request(100, -1, 0), request(200, 0, 1), request(50, 1, 2), request(10, 2, 3)}) ==
        "100 in [-1,0] at 208\n"
        "200 in [0,1] at 0\n"
        "50 in [1,2] at 208\n"
        "10 in [2,3] at 0\n"
        "arena 320, at least 300\n");
}

TEST_CASE("golden: a residual connection outlives the layers it skips") {
  CHECK(plan({request(64, -1, 3), request(384, 0, 1), request(384, 1, 2), request(64, 2, 3),
              request(64, 3, 4)}) ==
        "64 in [-1,3] at 768\n"
        "384 in [0,1] at 0\n"
        "384 in [1,2] at 384\n"
        "64 in [2,3] at 0\n"
        "64 in [3,4] at 64\n"
        "arena 832, at least 832\n");
}

TEST_CASE("golden: the first gap that is large enough is taken") {
  // The last buffer fits between the second and the third, whose neighbour below is dead by then.
  CHECK(
      plan({request(96, 0, 9), request(80, 0, 1), request(64, 0, 9), request(48, 2, 3), request(32, 2, 3)}) ==
      "96 in [0,9] at 0\n"
      "80 in [0,1] at 96\n"
      "64 in [0,9] at 176\n"
      "48 in [2,3] at 96\n"
      "32 in [2,3] at 144\n"
      "arena 240, at least 240\n");
}

TEST_CASE("golden: of equals the one alive earliest comes first, then the first listed") {
  CHECK(plan({request(16, 2, 5), request(16, 1, 5), request(16, 1, 5)}) ==
        "16 in [2,5] at 32\n"
        "16 in [1,5] at 0\n"
        "16 in [1,5] at 16\n"
        "arena 48, at least 48\n");
}

TEST_CASE("random plans: aligned, never overlapping, not below the bound") {
  std::mt19937 random(1);
  std::size_t planned = 0;
  std::size_t bounds = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<BufferRequest> requests;
    const std::size_t count = random() % 40;
    for (std::size_t i = 0; i < count; ++i) {
      const auto first = static_cast<std::int32_t>(random() % 30) - 1;
      requests.push_back(request(random() % 8 == 0 ? 0 : random() % 500, first,
                                 first + static_cast<std::int32_t>(random() % 6)));
    }
    const std::vector<BufferRequest> asked = requests;
    const std::size_t bound = memory_lower_bound(requests);
    const std::size_t total = plan_memory(requests);
    REQUIRE(total >= bound);
    REQUIRE(total % buffer_alignment == 0);
    REQUIRE(memory_lower_bound(requests) == bound);
    for (std::size_t i = 0; i < count; ++i) {
      REQUIRE(requests[i].offset % buffer_alignment == 0);
      REQUIRE(requests[i].offset + requests[i].bytes <= total);
      REQUIRE(requests[i].bytes == asked[i].bytes);
      REQUIRE(requests[i].lifetime == asked[i].lifetime);
      for (std::size_t k = 0; k < i; ++k) {
        REQUIRE(!collide(requests[i], requests[k]));
      }
    }
    planned += total;
    bounds += bound;
  }
  // Alignment alone costs 3 %; this keeps a change from wasting memory unseen.
  CHECK(planned * 100 < bounds * 115);
}

TEST_CASE("planning again gives the same plan") {
  std::mt19937 random(2);
  std::vector<BufferRequest> requests;
  for (int i = 0; i < 30; ++i) {
    const auto first = static_cast<std::int32_t>(random() % 20);
    requests.push_back(request(1 + random() % 300, first, first + static_cast<std::int32_t>(random() % 5)));
  }
  share_if_dead(requests, 0, 1, requests[0].lifetime.last);
  const std::size_t total = plan_memory(requests);
  std::vector<BufferRequest> again = requests;
  CHECK(plan_memory(again) == total);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    CHECK(again[i].offset == requests[i].offset);
  }
}

TEST_CASE("an output may take the place of an input that dies in the same step") {
  std::vector<BufferRequest> requests = {request(100, -1, 0), request(100, 0, 1), request(300, 1, 2)};
  CHECK(share_if_dead(requests, 0, 1, 0));
  CHECK(share_if_dead(requests, 1, 2, 1));
  CHECK(requests[2].shares_with == 0);  // one link, to the block's first
  CHECK(plan_memory(requests) == 304);
  CHECK(requests[0].offset == requests[1].offset);
  CHECK(requests[0].offset == requests[2].offset);
  CHECK(requests[0].bytes == 100);
  CHECK(requests[0].lifetime == Lifetime{-1, 0});
}

TEST_CASE("an input that is read later, or an output that exists before, keeps its own place") {
  std::vector<BufferRequest> requests = {request(100, -1, 5), request(100, 0, 1), request(100, 1, 2),
                                         request(0, 0, 1)};
  CHECK(!share_if_dead(requests, 0, 1, 0));  // read until step 5
  CHECK(!share_if_dead(requests, 1, 2, 0));  // written in step 1
  CHECK(!share_if_dead(requests, 2, 1, 2));  // there since step 0
  CHECK(!share_if_dead(requests, 3, 2, 1));  // no bytes to write over
  CHECK(plan_memory(requests) == 336);
}

TEST_CASE("pieces of a block are alive each by itself") {
  std::vector<BufferRequest> requests = {request(100, 3, 4), request(100, 0, 1), request(64, 0, 0),
                                         request(64, 2, 2)};
  requests[1].shares_with = 0;
  CHECK(plan_memory(requests) == 176);
  CHECK(requests[2].offset == 112);
  CHECK(requests[3].offset == 0);  // step 2 belongs to no piece's life
}

TEST_CASE("results of an earlier plan do not show") {
  std::vector<BufferRequest> requests = {request(0, 0, 1), request(16, 0, 1)};
  requests[0].offset = 999;
  requests[1].offset = 999;
  requests[1].next = 0;
  CHECK(plan_memory(requests) == 16);
  CHECK(requests[0].offset == 0);
  CHECK(requests[1].offset == 0);
}

TEST_CASE("random plans with sharing never overlap") {
  std::mt19937 random(3);
  for (int round = 0; round < 1000; ++round) {
    // A chain with side buffers: every second step writes over its input where it may.
    std::vector<BufferRequest> requests = {request(1 + random() % 400, -1, 0)};
    const std::int32_t steps = 3 + static_cast<std::int32_t>(random() % 20);
    std::vector<std::int32_t> chain = {0};
    for (std::int32_t step = 0; step < steps; ++step) {
      requests.push_back(request(1 + random() % 400, step, step + 1));
      chain.push_back(static_cast<std::int32_t>(requests.size()) - 1);
      if (random() % 3 == 0) {
        requests.push_back(request(1 + random() % 400, step, step + static_cast<std::int32_t>(random() % 4)));
      }
    }
    const std::vector<BufferRequest> asked = requests;
    for (std::int32_t step = 0; step < steps; ++step) {
      if (random() % 2 == 0) {
        const auto at = static_cast<std::size_t>(step);
        REQUIRE(share_if_dead(requests, chain[at], chain[at + 1], step));
      }
    }
    const auto group = [&](std::size_t i) {
      return requests[i].shares_with == no_buffer ? static_cast<std::int32_t>(i) : requests[i].shares_with;
    };
    const std::size_t total = plan_memory(requests);
    REQUIRE(total >= memory_lower_bound(requests));
    for (std::size_t i = 0; i < requests.size(); ++i) {
      REQUIRE(requests[i].offset + asked[i].bytes <= total);
      for (std::size_t k = 0; k < i; ++k) {
        if (group(i) == group(k)) {
          REQUIRE(requests[i].offset == requests[k].offset);
        } else {
          REQUIRE(!collide(requests[static_cast<std::size_t>(group(i))],
                           requests[static_cast<std::size_t>(group(k))]));
        }
      }
    }
  }
}

TEST_CASE("a piece begins before or behind the block's first, and the block fits where every piece does") {
  // The output of step 1 follows behind its input: 64 bytes lower. Nothing else of the block is alive in step 3.
  std::vector<BufferRequest> requests = {request(128, 0, 1), request(96, 1, 4), request(64, 2, 3)};
  share_block(requests, 0, 1, -64);
  CHECK(memory_lower_bound(requests) == 192);
  CHECK(plan_memory(requests) == 192);
  CHECK(requests[0].offset == 64);
  CHECK(requests[1].offset == 0);
  CHECK(requests[2].offset == 96);
}

TEST_CASE("an owner without bytes of its own still has a place for those who share it") {
  std::vector<BufferRequest> requests = {request(0, 0, 1), request(64, 1, 2), request(64, 1, 2)};
  requests[1].shares_with = 0;
  CHECK(plan_memory(requests) == 128);
  CHECK(requests[1].offset != requests[2].offset);
}

TEST_CASE("offsets that no size can hold are an answer, not a wrong plan") {
  const std::size_t most = SIZE_MAX / 2 / buffer_alignment * buffer_alignment;
  const auto total = [](std::vector<BufferRequest> requests) { return plan_memory(requests); };
  CHECK(total({request(most / 2, 0, 1), request(most / 2 + 1, 1, 2)}) == unplannable);
  CHECK(total({request(most, 0, 1), request(most, 2, 3)}) == most);
  CHECK(total({request(SIZE_MAX, 0, 1)}) == unplannable);
  CHECK(total({request(most + 1, 0, 1)}) == unplannable);
  CHECK(total({request(most, 0, 1), request(1, 0, 1)}) == unplannable);
}

namespace {

// A network like MobileNetV2, planned by the compiler: 17 blocks of expand, depthwise, project and (mostly) add.
constexpr std::size_t block_count = 17;
constexpr std::size_t buffer_count = 2 + 4 * block_count;

constexpr std::array<BufferRequest, buffer_count> planned_by_compiler = [] {
  std::array<BufferRequest, buffer_count> all{};
  std::size_t next = 0;
  const auto add = [&](std::size_t bytes, std::int32_t first, std::int32_t last) {
    all[next].bytes = bytes;
    all[next].lifetime = {first, last};
    ++next;
  };
  add(224 * 224 * 3, before_first_step, 0);
  std::int32_t step = 0;
  add(112 * 112 * 32, step, step + 4);
  std::size_t side = 112;
  for (std::size_t block = 0; block < block_count; ++block) {
    const std::size_t area = side * side;
    const std::size_t channels = 16 + 8 * block;
    side = block % 3 == 1 && side > 7 ? side / 2 : side;
    add(area * channels * 6, step + 1, step + 2);
    add(side * side * channels * 6, step + 2, step + 3);
    add(side * side * channels, step + 3, step + 4);
    add(side * side * channels, step + 4, step + 8);
    step += 4;
  }
  return all;
}();

constexpr std::size_t compiled_total = [] {
  auto requests = planned_by_compiler;
  return plan_memory(requests);
}();
constexpr std::size_t compiled_bound = [] {
  auto requests = planned_by_compiler;
  return memory_lower_bound(requests);
}();
static_assert(compiled_total >= compiled_bound);
static_assert(compiled_total % buffer_alignment == 0);

}  // namespace

TEST_CASE("the compiler and the program make one plan") {
  std::vector<BufferRequest> requests(planned_by_compiler.begin(), planned_by_compiler.end());
  CHECK(plan_memory(requests) == compiled_total);
}
