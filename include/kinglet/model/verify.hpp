// SPDX-License-Identifier: Apache-2.0
/// @file model/verify.hpp
/// Where an untrusted byte is first checked. What passes is safe to read through `Model`, and means something.
///
/// 1. The bytes: aligned, and a FlatBuffer whose offsets, lists and strings lie inside it (FlatBuffers' Verifier).
/// 2. The file: version 3, a subgraph, tables of a size that bounds the work below.
/// 3. Every tensor by itself (verify_tensor.hpp), every operator's indexes and the graph's order (verify_graph.hpp).
///
/// Work is bounded for any file: FlatBuffers visits at most a million tables; a file can name one long list from
/// many tables, so the entries of all lists visited are counted and limited as well.
#pragma once

#include <kinglet/core/align.hpp>
#include <kinglet/model/verify_graph.hpp>
#include <kinglet/model/verify_tensor.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// Bytes a file in memory starts at a multiple of: its widest field.
inline constexpr std::size_t model_alignment = 8;

namespace detail {

/// Step 1. The alignment counts because FlatBuffers checks that of fields relative to the first byte.
inline Status verify_bytes(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < 8) {
    return Status::failure(Errc::not_a_model, "too short for a file identifier",
                           static_cast<std::int64_t>(bytes.size()), 8);
  }
  if (bytes.size() >= 0x7fffffff) {  // offsets of the format are 31 bits
    return Status::failure(Errc::unsupported_model, "the file has 2 GiB or more");
  }
  if (!is_aligned(bytes.data(), model_alignment)) {
    return Status::failure(Errc::misaligned_model);
  }
  const auto* const data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  if (!schema::ModelBufferHasIdentifier(data)) {
    return Status::failure(Errc::not_a_model, "the file identifier is not TFL3");
  }
  flatbuffers::Verifier verifier(data, bytes.size());
  return schema::VerifyModelBuffer(verifier)
             ? Status{}
             : Status::failure(Errc::not_a_model, "an offset points outside the file");
}

/// Step 2.
inline Status verify_file(const schema::Model& model) noexcept {
  if (model.version() != 3) {
    return Status::failure(Errc::unsupported_model, "the format's version is not 3",
                           std::int64_t{model.version()}, 3);
  }
  if (count(model.subgraphs()) == 0) {
    return Status::failure(Errc::bad_graph, "there is no subgraph");
  }
  const schema::SubGraph& graph = entry(model.subgraphs(), 0);
  constexpr std::size_t limit = 65'535;  // of tensors, and of operators
  if (count(graph.tensors()) > limit) {
    return Status::failure(Errc::unsupported_model, "too many tensors",
                           static_cast<std::int64_t>(count(graph.tensors())), limit);
  }
  if (count(graph.operators()) > limit) {
    return Status::failure(Errc::unsupported_model, "too many operators",
                           static_cast<std::int64_t>(count(graph.operators())), limit);
  }
  return {};
}

}  // namespace detail

/// Everything that can be known about a file without knowing the operators. Names the first tensor or operator
/// that is wrong. No heap; 300 bytes of stack for the graph's order.
inline Status verify(std::span<const std::byte> bytes) noexcept {
  if (const Status status = detail::verify_bytes(bytes); !status.ok()) {
    return status;
  }
  const schema::Model& model = *schema::GetModel(bytes.data());
  if (const Status status = detail::verify_file(model); !status.ok()) {
    return status;
  }
  detail::Work work;
  if (const Status status = detail::verify_tensors(model, work); !status.ok()) {
    return status;
  }
  if (const Status status = detail::verify_indexes(model, work); !status.ok()) {
    return status;
  }
  return detail::verify_order(model);
}

}  // namespace kinglet::inline KINGLET_TARGET
