// SPDX-License-Identifier: Apache-2.0
/// @file runtime/preparation.hpp
/// What an operator sees while it is made ready to run. Every operator has one function, `prepare`, which checks
/// everything, asks for memory and states how to run. It is called twice: first with nothing (`measuring()`), to
/// count and check; then with memory, to do the same again for good. Pointers are null the first time.
#pragma once

#include <kinglet/kernels/stream/pipeline.hpp>
#include <kinglet/kernels/stream/row_use.hpp>
#include <kinglet/memory/arena.hpp>
#include <kinglet/memory/stream_planner.hpp>
#include <kinglet/model/model.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// One operator, ready to run.
struct Step {
  void (*run)(const void* state) noexcept = nullptr;
  void (*run_rows)(const void* state, const stream::RowSlice& slice) noexcept = nullptr;
  const void* state = nullptr;
  stream::LineMemory line{};  ///< of the operator's first output, in the arena
  std::int32_t op = 0;        ///< index in the model
  std::uint16_t chain_length =
      0;                        ///< of a chain's first operator: so many run row by row together; 0: at once
  bool makes_unsigned = false;  ///< its first output lies as unsigned bytes although it is int8
};

/// Where tensors live while running; all null while measuring.
struct TensorAddresses {
  std::byte* arena = nullptr;
  std::span<const BufferRequest> buffers{};  ///< placed; activations first, by rising `owner` (tensor index)
  std::size_t activations = 0;               ///< how many of them are activations
  std::span<const bool> unsigned_bytes{};    ///< of each: kernels/unsigned_bytes.hpp

  /// Address of activation `tensor`, null while measuring or when nothing reads or writes it.
  [[nodiscard]] std::byte* find(std::int32_t tensor) const noexcept {
    const std::size_t i = index_of(tensor);
    return i == activations ? nullptr : arena + buffers[i].offset;
  }
  /// Whether it lies there as unsigned bytes although it is int8.
  [[nodiscard]] bool is_unsigned(std::int32_t tensor) const noexcept {
    const std::size_t i = index_of(tensor);
    return i != activations && unsigned_bytes[i];
  }

 private:
  [[nodiscard]] std::size_t index_of(std::int32_t tensor) const noexcept {
    std::size_t low = 0;
    std::size_t high = arena == nullptr ? 0 : activations;
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (buffers[middle].owner == tensor) {
        return middle;
      }
      (buffers[middle].owner < tensor ? low : high) = buffers[middle].owner < tensor ? middle + 1 : middle;
    }
    return activations;
  }
};

/// A PAD that a convolution does on the way (runtime/folded_pad.hpp).
struct FoldedPad {
  std::int32_t tensor =
      -1;  ///< what PAD reads, and the convolution instead of its input 0; -1: there is no PAD
  index_t top = 0;
  index_t left = 0;

  [[nodiscard]] constexpr bool exists() const noexcept { return tensor >= 0; }
};

/// Arena bytes that only one operator uses, only while it runs.
struct ScratchBytes {
  std::size_t whole = 0;  ///< at once
  /// Row by row, with the rows of stream::widened; folding: from the first row to the last.
  std::size_t rows[row_widths] = {};

  static constexpr ScratchBytes folding(std::size_t bytes) noexcept {
    static_assert(row_widths == 3);
    return {0, {bytes, bytes, bytes}};
  }
};

class Preparation {
 public:
  Preparation(const Model& model, const OperatorInfo& info, Arena& packed, const TensorAddresses& addresses,
              const FoldedPad& pad = {}) noexcept
      : model_(model), info_(info), packed_(packed), addresses_(addresses), pad_(pad) {}

  [[nodiscard]] bool measuring() const noexcept { return packed_.counting(); }
  [[nodiscard]] const OperatorInfo& info() const noexcept { return info_; }

  // Tensors. `input(k)` needs has_input(k).
  [[nodiscard]] bool has_input(std::size_t k) const noexcept {
    return k < info_.inputs.size() && info_.inputs[k] >= 0;
  }
  [[nodiscard]] TensorInfo input(std::size_t k) const noexcept { return model_.tensor(info_.inputs[k]); }
  [[nodiscard]] TensorInfo output(std::size_t k = 0) const noexcept {
    return model_.tensor(info_.outputs[k]);
  }

  /// Done by this operator, a convolution.
  [[nodiscard]] const FoldedPad& pad() const noexcept { return pad_; }
  /// What is read as input k: input(k), or with a folded PAD what that reads.
  [[nodiscard]] TensorInfo source(std::size_t k) const noexcept {
    return k == 0 && pad_.exists() ? model_.tensor(pad_.tensor) : input(k);
  }

  /// The tensor's elements while running: a constant's bytes in the file, or a place in the arena.
  template <class T>
  [[nodiscard]] const T* data(const TensorInfo& tensor) const noexcept {
    return reinterpret_cast<const T*>(tensor.constant.empty() ? addresses_.find(tensor.index)
                                                              : tensor.constant.data());
  }
  template <class T>
  [[nodiscard]] T* output_data(std::size_t k = 0) const noexcept {
    return reinterpret_cast<T*>(addresses_.find(info_.outputs[k]));
  }

  // Requests.
  /// What the operator's kernel is called with, constant once it is prepared: null while measuring.
  template <class T>
  T* make_state() noexcept {
    return packed_.make<T>();
  }
  /// Constants in the form a kernel wants (multipliers, tables, packed weights): null while measuring.
  template <class T>
  T* make_constants(std::size_t count) noexcept {
    return packed_.make<T>(count);
  }
  /// Room for packed weights, not initialized: null while measuring.
  std::byte* make_packed(std::size_t bytes) noexcept { return bytes == 0 ? nullptr : packed_.take(bytes); }
  /// Call at most once.
  std::byte* scratch(const ScratchBytes& bytes) noexcept {
    scratch_bytes_ = bytes;
    return scratch_address_;
  }
  /// The operator gives the same result when its output begins where input k does; its pixels are no longer.
  void may_overwrite(std::size_t k) noexcept { overwrites_ |= 1U << k; }
  /// At once and of slices, the operator makes rows as `keeps_row_order` says (kernels/convolution.hpp), of input 0.
  /// @param pixel_bytes of that input, and of the output
  void may_follow(std::size_t pixel_bytes) noexcept { follow_step_ = pixel_bytes; }
  /// The operator can also run row by row. Then `may_overwrite` promises the same, and `Run` is called with
  /// `state.slice(slice)`, the same operator on a few rows,
  template <class State, auto Run>
  void set_rows(const stream::RowUse& use) noexcept {
    step_.run_rows = [](const void* s, const stream::RowSlice& slice) noexcept {
      Run(static_cast<const State*>(s)->slice(slice));
    };
    rows_ = use;
  }
  /// or with the state and the slice.
  template <class State, void (*Run)(const State&, const stream::RowSlice&) noexcept>
  void set_row_step(const stream::RowUse& use) noexcept {
    step_.run_rows = [](const void* s, const stream::RowSlice& slice) noexcept {
      Run(*static_cast<const State*>(s), slice);
    };
    rows_ = use;
  }
  /// The operator's kernel can read input 0 and make output 0 as unsigned bytes (kernels/unsigned_bytes.hpp).
  /// @param scratch needed if input 0 lies so
  void may_keep_unsigned(const ScratchBytes& scratch) noexcept {
    keeps_unsigned_ = true;
    unsigned_scratch_bytes_ = scratch;
  }
  /// Whether it does: never while measuring.
  [[nodiscard]] bool is_unsigned(const TensorInfo& tensor) const noexcept {
    return addresses_.is_unsigned(tensor.index);
  }
  /// Multiply-accumulates of one run, for reports.
  void set_macs(std::uint64_t macs) noexcept { macs_ = macs; }

  /// How to run: `Run` is called with the state.
  template <class State, auto Run>
  void set_step(const State* state) noexcept {
    step_.run = [](const void* s) noexcept { Run(*static_cast<const State*>(s)); };
    step_.state = state;
  }

  // Failures that name this operator.
  [[nodiscard]] Status fail(Errc code, std::string_view detail) const noexcept {
    return Status::failure(code, detail).at_operator(info_.index, info_.name);
  }
  [[nodiscard]] Status fail(const TensorInfo& tensor, Errc code, std::string_view detail) const noexcept {
    return fail(code, detail).at_tensor(tensor.index, tensor.name);
  }
  [[nodiscard]] Status fail(const TensorInfo& tensor, const Status& reason) const noexcept {
    return reason.at_tensor(tensor.index, tensor.name).at_operator(info_.index, info_.name);
  }

  // For the executor.
  [[nodiscard]] const ScratchBytes& scratch_bytes() const noexcept { return scratch_bytes_; }
  /// may_keep_unsigned was called, and with what.
  [[nodiscard]] bool keeps_unsigned() const noexcept { return keeps_unsigned_; }
  [[nodiscard]] const ScratchBytes& unsigned_scratch_bytes() const noexcept {
    return unsigned_scratch_bytes_;
  }
  [[nodiscard]] const stream::RowUse& rows() const noexcept { return rows_; }
  /// Bit k: may_overwrite(k) was called.
  [[nodiscard]] std::uint32_t overwrites() const noexcept { return overwrites_; }
  /// What may_follow was called with, or 0.
  [[nodiscard]] std::size_t follow_step() const noexcept { return follow_step_; }
  [[nodiscard]] std::uint64_t macs() const noexcept { return macs_; }
  [[nodiscard]] const Step& step() const noexcept { return step_; }
  void set_scratch_address(std::byte* address) noexcept { scratch_address_ = address; }

 private:
  const Model& model_;
  OperatorInfo info_;
  Arena& packed_;
  const TensorAddresses& addresses_;
  FoldedPad pad_;
  std::byte* scratch_address_ = nullptr;
  ScratchBytes scratch_bytes_{};
  bool keeps_unsigned_ = false;
  ScratchBytes unsigned_scratch_bytes_{};
  std::uint32_t overwrites_ = 0;
  std::size_t follow_step_ = 0;
  std::uint64_t macs_ = 0;
  Step step_{};
  stream::RowUse rows_{};
};

}  // namespace kinglet::inline KINGLET_TARGET
