// SPDX-License-Identifier: Apache-2.0
/// @file tests/model/verify.cpp
/// Every rule of verification, broken by itself: the right error, naming the right tensor and operator.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <kinglet/core/message.hpp>
#include <kinglet/model/verify.hpp>
#include <limits>

#include "raw_model.hpp"

using kinglet::Errc;
using kinglet::Status;

namespace {

/// A file of a known alignment: std::vector gives that of `new`, 16.
Status verified(const raw::Model& model) {
  const std::vector<std::byte> bytes = raw::write(model);
  return kinglet::verify(bytes);
}

/// Names are copied, since a Status points into the file.
struct Failure {
  Errc code;
  std::int32_t tensor;
  std::int32_t op;
  std::string tensor_name;
  std::string operator_name;
};

Failure failure(const raw::Model& model) {
  const std::vector<std::byte> bytes = raw::write(model);
  const Status s = kinglet::verify(bytes);
  return {s.code, s.tensor_index, s.operator_index, std::string(s.tensor_name), std::string(s.operator_name)};
}

void check_tensor(const raw::Model& model, Errc code, std::int32_t tensor) {
  const Failure f = failure(model);
  CHECK(f.code == code);
  CHECK(f.tensor == tensor);
  CHECK(f.op == -1);
  CHECK(f.tensor_name == model.tensors[static_cast<std::size_t>(tensor)].name);
}

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

}  // namespace

TEST_CASE("The unbroken model passes") {
  CHECK(verified({}).ok());
  raw::Model many;  // only the first subgraph counts
  many.subgraphs = 3;
  CHECK(verified(many).ok());
}

TEST_CASE("Bytes") {
  const std::vector<std::byte> good = raw::write({});
  SUBCASE("alignment") {
    std::vector<std::byte> room(good.size() + 16);
    for (std::size_t shift = 0; shift < 16; ++shift) {
      std::copy(good.begin(), good.end(), room.begin() + static_cast<std::ptrdiff_t>(shift));
      const Status s = kinglet::verify(std::span(room).subspan(shift, good.size()));
      CHECK(s.code == (shift % 8 == 0 ? Errc::ok : Errc::misaligned_model));
    }
  }
  SUBCASE("nothing, and less than an identifier") {
    CHECK(kinglet::verify({}).code == Errc::not_a_model);
    for (std::size_t size = 0; size < 8; ++size) {
      CHECK(kinglet::verify(std::span(good).first(size)).code == Errc::not_a_model);
    }
  }
  SUBCASE("another format") {
    raw::Model other;
    other.identifier = "TFL2";
    CHECK(verified(other).code == Errc::not_a_model);
    const std::vector<std::byte> zeros(64);
    CHECK(kinglet::verify(zeros).code == Errc::not_a_model);
    CHECK(kinglet::verify(zeros).detail == "the file identifier is not TFL3");
  }
  SUBCASE("2 GiB and more, which is refused by its size alone") {
    const std::span<const std::byte> huge(good.data(), 0x7fffffff);
    CHECK(kinglet::verify(huge).code == Errc::unsupported_model);
  }
  SUBCASE("a root offset outside the file") {
    std::vector<std::byte> bad = good;
    bad[2] = std::byte{0x7f};
    CHECK(kinglet::verify(bad).code == Errc::not_a_model);
  }
}

TEST_CASE("The file") {
  raw::Model m;
  SUBCASE("version") {
    m.version = 4;
    CHECK(verified(m).code == Errc::unsupported_model);
  }
  SUBCASE("no subgraph") {
    m.subgraphs = 0;
    CHECK(verified(m).code == Errc::bad_graph);
  }
  SUBCASE("too many tensors") {
    m.tensors.resize(65'535);
    CHECK(verified(m).ok());
    m.tensors.resize(65'536);
    CHECK(verified(m).code == Errc::unsupported_model);
  }
  SUBCASE("too many operators") {
    m.operators.resize(65'536);  // those without inputs and outputs are well formed
    CHECK(verified(m).code == Errc::unsupported_model);
    m.operators.resize(65'535);
    CHECK(verified(m).ok());
  }
}

TEST_CASE("Where a tensor's bytes are") {
  raw::Model m;
  SUBCASE("no such buffer") {
    m.tensors[1].buffer = 3;
    check_tensor(m, Errc::bad_index, 1);
  }
  SUBCASE("buffer index of 32 bits") {
    m.tensors[4].buffer = 0xffffffff;
    check_tensor(m, Errc::bad_index, 4);
  }
  SUBCASE("no buffers at all") {
    m.buffers.clear();
    check_tensor(m, Errc::bad_index, 0);
  }
  SUBCASE("behind the FlatBuffer, by offset") {
    m.buffers[2].offset = 1000;
    check_tensor(m, Errc::unsupported_model, 2);
  }
  SUBCASE("behind the FlatBuffer, by size") {
    m.buffers[2].size = 12;
    check_tensor(m, Errc::unsupported_model, 2);
  }
  SUBCASE("in another file") {
    m.tensors[3].external_buffer = 1;
    check_tensor(m, Errc::unsupported_model, 3);
  }
  SUBCASE("sparse") {
    m.tensors[1].sparse = true;
    check_tensor(m, Errc::unsupported_model, 1);
  }
  SUBCASE("quantization of another kind") {
    m.tensors[1].details_type = 2;
    check_tensor(m, Errc::unsupported_model, 1);
  }
}

TEST_CASE("Shapes") {
  raw::Model m;
  SUBCASE("negative") {
    m.tensors[3].shape[1] = -1;
    check_tensor(m, Errc::bad_shape, 3);
  }
  SUBCASE("zero") {
    m.tensors[4].shape[3] = 0;
    check_tensor(m, Errc::bad_shape, 4);
  }
  SUBCASE("rank 8 passes, 9 does not") {
    m.tensors[0].shape = {1, 1, 1, 1, 1, 4, 4, 2};
    CHECK(verified(m).ok());
    m.tensors[0].shape = {1, 1, 1, 1, 1, 1, 4, 4, 2};
    check_tensor(m, Errc::bad_shape, 0);
  }
  SUBCASE("2^28 - 1 elements pass, 2^28 do not") {
    m.tensors[0].shape = {(1 << 28) - 1};
    CHECK(verified(m).ok());
    m.tensors[0].shape = {1 << 14, 1 << 14};
    check_tensor(m, Errc::bad_shape, 0);
  }
  SUBCASE("a product that wraps to 0 in 64 bits") {
    m.tensors[0].shape = {1 << 30, 1 << 30, 16};
    check_tensor(m, Errc::bad_shape, 0);
  }
  SUBCASE("a scalar has one element") {
    m.tensors[0].shape = {};
    CHECK(verified(m).ok());
  }
}

TEST_CASE("Constants") {
  raw::Model m;
  SUBCASE("a byte too few") {
    m.buffers[1].data.pop_back();
    check_tensor(m, Errc::bad_buffer, 1);
  }
  SUBCASE("a byte too many") {
    m.buffers[2].data.push_back(0);
    check_tensor(m, Errc::bad_buffer, 2);
  }
  SUBCASE("types that are not computed with, packed ones rounded up") {
    m.tensors.push_back({"half", {3}, raw::schema::TensorType::FLOAT16, 3});
    m.tensors.push_back({"nibbles", {3}, raw::schema::TensorType::INT4, 4});
    m.buffers.push_back({std::vector<std::uint8_t>(6)});
    m.buffers.push_back({std::vector<std::uint8_t>(2)});
    CHECK(verified(m).ok());
    m.buffers[4].data.resize(3);
    check_tensor(m, Errc::bad_buffer, 6);
    m.buffers[3].data.resize(3);
    check_tensor(m, Errc::bad_buffer, 5);
  }
  SUBCASE("types without a size, and types that nobody knows, are not compared") {
    m.tensors.push_back({"text", {3}, raw::schema::TensorType::STRING, 1});
    m.tensors.push_back({"future", {3}, static_cast<raw::schema::TensorType>(100), 1});
    m.tensors.push_back({"negative", {3}, static_cast<raw::schema::TensorType>(-100), 1});
    CHECK(verified(m).ok());
  }
  SUBCASE("buffer 0 stands for no constant, whatever it holds") {
    m.buffers[0].data = {1, 2, 3};
    CHECK(verified(m).ok());
  }
}

TEST_CASE("Quantization") {
  raw::Model m;
  SUBCASE("scales that are not finite positive numbers") {
    for (const float scale : {0.0F, -0.5F, infinity, not_a_number}) {
      m.tensors[1].scale[2] = scale;
      check_tensor(m, Errc::bad_quantization, 1);
    }
  }
  SUBCASE("number of zero points") {
    m.tensors[1].zero_point = {0};
    CHECK(verified(m).ok());
    m.tensors[1].zero_point = {};
    CHECK(verified(m).ok());
    m.tensors[1].zero_point = {0, 0};
    check_tensor(m, Errc::bad_quantization, 1);
    m.tensors[1].zero_point = {0, 0, 0, 0};
    check_tensor(m, Errc::bad_quantization, 1);
  }
  SUBCASE("range of zero points") {
    struct Case {
      raw::schema::TensorType type;
      std::int64_t min;
      std::int64_t max;
    };
    for (const Case& c :
         {Case{raw::schema::TensorType::INT8, -128, 127}, Case{raw::schema::TensorType::UINT8, 0, 255},
          Case{raw::schema::TensorType::INT16, -32768, 32767}}) {
      m.tensors[3].type = c.type;
      for (const std::int64_t good : {c.min, c.max}) {
        m.tensors[3].zero_point = {good};
        CHECK(verified(m).ok());
      }
      for (const std::int64_t bad : {c.min - 1, c.max + 1, std::int64_t{1} << 32}) {
        m.tensors[3].zero_point = {bad};
        check_tensor(m, Errc::bad_quantization, 3);
      }
    }
  }
  SUBCASE("quantized_dimension") {
    for (const std::int32_t dimension : {-1, 4, 1}) {  // 1 exists, but has extent 1
      m.tensors[1].quantized_dimension = dimension;
      check_tensor(m, Errc::bad_quantization, 1);
      CHECK((verified(m).detail == "quantized_dimension") == (dimension != 1));
    }
    m.tensors[0].quantized_dimension = 77;  // of a single scale it does not matter
    m.tensors[1].quantized_dimension = 0;
    CHECK(verified(m).ok());
  }
  SUBCASE("number of scales") {
    m.tensors[1].scale = {1.0F, 1.0F};
    m.tensors[1].zero_point = {};
    check_tensor(m, Errc::bad_quantization, 1);
  }
  SUBCASE("a bias's is ignored, and so is a table without a scale") {
    m.tensors[2].scale = {0.0F, not_a_number};
    m.tensors[2].zero_point = {1, 2, 3, 4, 5};
    m.tensors[2].quantized_dimension = 3;
    m.tensors[3].scale = {};
    m.tensors[3].zero_point = {1, 2, 1000};
    CHECK(verified(m).ok());
  }
}

TEST_CASE("Indexes") {
  raw::Model m;
  SUBCASE("operator code") {
    m.operators[1].opcode_index = 2;
    const Failure f = failure(m);
    CHECK(f.code == Errc::bad_index);
    CHECK(f.op == 1);
  }
  SUBCASE("operator input") {
    for (const std::int32_t index : {5, -2, std::numeric_limits<std::int32_t>::min()}) {
      m.operators[1].inputs[1] = index;
      const Failure f = failure(m);
      CHECK(f.code == Errc::bad_index);
      CHECK(f.op == 1);
      CHECK(f.operator_name == "ADD");
    }
    m.operators[1].inputs[1] = -1;  // absent
    CHECK(verified(m).ok());
  }
  SUBCASE("operator output") {
    for (const std::int32_t index : {5, -1}) {
      m.operators[0].outputs[0] = index;
      const Failure f = failure(m);
      CHECK(f.code == Errc::bad_index);
      CHECK(f.op == 0);
      CHECK(f.operator_name == "CONV_2D");
    }
  }
  SUBCASE("graph input") {
    for (const std::int32_t index : {5, -1}) {
      m.inputs = {0, index};
      CHECK(failure(m).code == Errc::bad_index);
    }
  }
  SUBCASE("graph output") {
    for (const std::int32_t index : {5, -1}) {
      m.outputs = {index};
      CHECK(failure(m).code == Errc::bad_index);
    }
  }
}

TEST_CASE("Order") {
  raw::Model m;
  const auto check = [&](std::int32_t op, std::int32_t tensor) {
    const Failure f = failure(m);
    CHECK(f.code == Errc::bad_graph);
    CHECK(f.op == op);
    CHECK(f.tensor == tensor);
    CHECK(f.tensor_name == m.tensors[static_cast<std::size_t>(tensor)].name);
    CHECK(f.operator_name == (op < 0                                                         ? ""
                              : m.operators[static_cast<std::size_t>(op)].inputs.size() == 3 ? "CONV_2D"
                                                                                             : "ADD"));
  };
  SUBCASE("read before it is written") {
    std::swap(m.operators[0], m.operators[1]);
    check(0, 3);
  }
  SUBCASE("read and written by the same operator") {
    m.operators[0].inputs[0] = 3;
    check(0, 3);
  }
  SUBCASE("read, never written") {
    m.inputs = {};
    check(0, 0);
  }
  SUBCASE("written twice") {
    m.operators[1].outputs = {3};
    check(1, 3);
  }
  SUBCASE("written twice by one operator") {
    m.operators[1].outputs = {4, 4};
    check(1, 4);
  }
  SUBCASE("a constant written") {
    m.operators[1].outputs = {2};
    check(1, 2);
  }
  SUBCASE("a graph input written") {
    m.operators[1].outputs = {0};
    check(1, 0);
  }
  SUBCASE("a variable written") {
    m.tensors[4].is_variable = true;
    check(1, 4);
  }
  SUBCASE("a variable may be read without being written") {
    m.inputs = {};
    m.tensors[0].is_variable = true;
    CHECK(verified(m).ok());
  }
  SUBCASE("a constant as graph input") {
    m.inputs = {0, 1};
    check(-1, 1);
  }
  SUBCASE("a graph input twice") {
    m.inputs = {0, 0};
    check(-1, 0);
  }
  SUBCASE("a graph output never written") {
    m.operators.pop_back();
    check(-1, 4);
  }
  SUBCASE("inputs and constants may be graph outputs") {
    m.outputs = {0, 1, 4, 4};
    CHECK(verified(m).ok());
  }
  SUBCASE("beyond the tensors that one walk follows") {
    // A chain whose tensors have rising indexes, over several walks; then its last link reads too far ahead.
    const auto first = static_cast<std::int32_t>(m.tensors.size());
    m.tensors.resize(6'000);
    const auto last = static_cast<std::int32_t>(m.tensors.size()) - 1;
    m.operators.push_back({1, {4, 4}, {first}});
    for (std::int32_t t = first; t < last; ++t) {
      m.operators.push_back({1, {t, 3}, {t + 1}});
    }
    m.outputs = {last};
    CHECK(verified(m).ok());
    m.operators[m.operators.size() - 2].inputs = {last, 3};
    const auto reader = static_cast<std::int32_t>(m.operators.size()) - 2;
    check(reader, last);
    m.operators[m.operators.size() - 2].inputs = {3, 3};
    m.operators.back().outputs = {4'096};
    check(reader + 1, 4'096);
  }
}

TEST_CASE("A long list shared by many tables is refused quickly") {
  // 60,000 operators or tensors that all name one list of 100,000 entries: 6 * 10^9 in a file of less than 1 MB.
  constexpr std::size_t tables = 60'000;
  constexpr std::int32_t entries = 100'000;
  namespace schema = kinglet::schema;
  flatbuffers::FlatBufferBuilder to;
  std::vector<flatbuffers::Offset<schema::Tensor>> tensors(1, schema::CreateTensor(to));
  std::vector<flatbuffers::Offset<schema::Operator>> operators;
  SUBCASE("inputs of operators") {
    const auto list = to.CreateVector(std::vector<std::int32_t>(entries, 0));
    operators.assign(tables, schema::CreateOperator(to, 0, list));
  }
  SUBCASE("scales of tensors") {
    const auto list = to.CreateVector(std::vector<float>(entries, 1.0F));
    const auto quantization = schema::CreateQuantizationParameters(to, 0, 0, list);
    const auto shape = to.CreateVector(std::vector<std::int32_t>{entries});
    tensors.assign(tables, schema::CreateTensor(to, shape, schema::TensorType::INT8, 0, 0, quantization));
  }
  const auto tensor_list = to.CreateVector(tensors);
  const auto operator_list = to.CreateVector(operators);
  const auto inputs = to.CreateVector(std::vector<std::int32_t>{0});
  const auto graph = schema::CreateSubGraph(to, tensor_list, inputs, 0, operator_list);
  const auto graphs = to.CreateVector(&graph, 1);
  const auto code = schema::CreateOperatorCode(to);
  const auto codes = to.CreateVector(&code, 1);
  const auto buffer = schema::CreateBuffer(to);
  const auto buffers = to.CreateVector(&buffer, 1);
  schema::FinishModelBuffer(to, schema::CreateModel(to, 3, codes, graphs, 0, buffers));
  const auto* const bytes = reinterpret_cast<const std::byte*>(to.GetBufferPointer());
  const std::vector<std::byte> file(bytes, bytes + to.GetSize());

  const auto start = std::chrono::steady_clock::now();
  const Status s = kinglet::verify(file);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
  CHECK(s.code == Errc::unsupported_model);
  CHECK(std::max(s.operator_index, s.tensor_index) == 41);  // 2^22 / 100,000 lists fit
}

TEST_CASE("A failure reads as a sentence") {
  raw::Model m;
  m.operators[1].outputs = {3};
  const std::vector<std::byte> bytes = raw::write(m);
  char room[400];
  CHECK(kinglet::message(kinglet::verify(bytes), room) ==
        "operator 1 ADD, tensor 3 'hidden': the operators do not form a valid graph: it is written, but has "
        "a value "
        "already: a constant, a variable, a graph input, or written twice");
}
