// SPDX-License-Identifier: Apache-2.0
/// @file core/message.cpp
/// The words of a Status: complete, one line, and never past the caller's buffer.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <kinglet/core/message.hpp>
#include <kinglet/core/result.hpp>
#include <set>
#include <string>
#include <type_traits>

namespace {

using namespace kinglet;

std::string text(const Status& status) {
  std::array<char, message_capacity> buffer{};
  return std::string(message(status, buffer));
}

const int last_code = static_cast<int>(Errc::unknown_weights);

}  // namespace

TEST_CASE("every error code has a sentence of its own, without a full stop") {
  std::set<std::string_view> sentences;
  for (int code = 0; code <= last_code; ++code) {
    const std::string_view words = sentence(static_cast<Errc>(code));
    CHECK(words != "unknown error");
    CHECK(words.size() > 5);
    CHECK(words.back() != '.');
    sentences.insert(words);
  }
  CHECK(sentences.size() == static_cast<std::size_t>(last_code) + 1);
  CHECK(sentence(static_cast<Errc>(last_code + 1)) == "unknown error");  // else last_code is out of date
}

TEST_CASE("messages name the operator, the tensor, the rule and the numbers") {
  const Status plain = Status::failure(Errc::bad_shape);
  CHECK(text(plain) == "a shape is invalid or does not fit the operator");
  CHECK(text(Status::failure(Errc::bad_option, "stride is 0")) == "an option is out of range: stride is 0");
  CHECK(text(Status::failure(Errc::arena_too_small, "", 16, 4096)) ==
        "the arena is too small (found 16, limit 4096)");
  CHECK(text(plain.at_operator(3, "CONV_2D")) ==
        "operator 3 CONV_2D: a shape is invalid or does not fit the operator");
  CHECK(text(plain.at_tensor(17, "conv1/weights")) ==
        "tensor 17 'conv1/weights': a shape is invalid or does not fit the operator");
  CHECK(text(Status::failure(Errc::bad_shape, "rank", 4, 3).at_tensor(17, "w").at_operator(0, "ADD")) ==
        "operator 0 ADD, tensor 17 'w': a shape is invalid or does not fit the operator: rank (found 4, "
        "limit 3)");
  CHECK(text(Status::failure(Errc::target_not_runnable, "avx2, scalar").asking_for("avx512\nbw")) ==
        "'avx512?bw': this machine cannot run the target; what it can run: avx2, scalar");
  CHECK(text(Status{}) == "no error");
}

TEST_CASE("numbers are written whole, from the least to the greatest") {
  CHECK(text(Status::failure(Errc::bad_index, "i", INT64_MIN, INT64_MAX)) ==
        "an index points outside its table: i (found -9223372036854775808, limit 9223372036854775807)");
  CHECK(text(Status::failure(Errc::bad_index, "i", 0, -10)) ==
        "an index points outside its table: i (found 0, limit -10)");
}

TEST_CASE("names from a file cannot break the line or fill it") {
  using namespace std::string_view_literals;
  const Status status = Status::failure(Errc::bad_index);
  CHECK(text(status.at_tensor(1, "a\nb\tc\0d\x7f\x1b[31m"sv)) ==
        "tensor 1 'a?b?c?d??[31m': an index points outside its table");
  CHECK(text(status.at_operator(1, "x\r\ny"sv)) == "operator 1 x??y: an index points outside its table");
  CHECK(text(status.at_tensor(1, "h\xc3\xa9")) == "tensor 1 'h\xc3\xa9': an index points outside its table");
  const std::string exact(80, 'n');
  const std::string longer(81, 'n');
  CHECK(text(status.at_tensor(1, exact)) == "tensor 1 '" + exact + "': an index points outside its table");
  CHECK(text(status.at_tensor(1, longer)) ==
        "tensor 1 '" + exact + "...': an index points outside its table");
  CHECK(text(status.at_tensor(1, "")) == "tensor 1 '': an index points outside its table");
}

TEST_CASE("the stated capacity holds the longest message") {
  const std::string name(1000, 'x');
  const std::string detail(200, 'd');
  for (int code = 0; code <= last_code; ++code) {
    const Status longest = Status::failure(static_cast<Errc>(code), detail, INT64_MIN, INT64_MIN)
                               .at_tensor(INT32_MAX, name)
                               .at_operator(INT32_MAX, name);
    std::array<char, 4096> room{};
    CHECK(message(longest, room).size() <= message_capacity);
    CHECK(message(longest, room).ends_with("limit -9223372036854775808)"));
  }
}

TEST_CASE("a short buffer gets the beginning and nothing past its end") {
  const Status status = Status::failure(Errc::bad_shape, "rank", 4, 3).at_operator(12, "CONV_2D");
  const std::string whole = text(status);
  for (std::size_t room = 0; room <= whole.size() + 1; ++room) {
    std::array<char, 160> buffer{};
    buffer.fill('#');
    const std::string_view cut = message(status, std::span(buffer).first(room));
    REQUIRE(cut == whole.substr(0, room));
    REQUIRE(std::all_of(buffer.begin() + static_cast<std::ptrdiff_t>(room), buffer.end(),
                        [](char c) { return c == '#'; }));
  }
}

TEST_CASE("a result holds a value or the reason why there is none") {
  const Result<int> value = 42;
  CHECK(value.ok());
  CHECK(*value == 42);
  CHECK(value.status().ok());
  const Result<int> none = Status::failure(Errc::bad_option, "why");
  CHECK(!none);
  CHECK(none.status().code == Errc::bad_option);
  CHECK(none.status().detail == "why");
  Result<std::string> text = std::string("kinglet");
  CHECK(text->size() == 7);
  CHECK(*std::move(text) == "kinglet");
  static_assert(!std::is_convertible_v<Result<int>, bool>);  // a result is asked, not read as a number
}

static_assert([] {
  char buffer[64]{};
  return message(Status::failure(Errc::bad_option, "here"), buffer) == "an option is out of range: here";
}());
static_assert(Status{}.ok() && !Status::failure(Errc::bad_graph).ok());
