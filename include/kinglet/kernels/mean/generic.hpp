// SPDX-License-Identifier: Apache-2.0
/// @file kernels/mean/generic.hpp
/// MEAN in blocks of channels: their sums stay in registers while the averaged pixels pass by.
#pragma once

#include <kinglet/kernels/blocks.hpp>
#include <kinglet/kernels/mean/reference.hpp>

namespace kinglet::inline KINGLET_TARGET::mean {

struct Generic {
  static constexpr std::string_view name = "generic";

  template <Rounding R, MeanArithmetic M, class A>
  static constexpr void run(const A& tensors, const MeanQuantization& q) noexcept {
    using T = typename A::element_type;
    const auto& [input, output] = tensors;
    if (output.extent(3) != input.extent(3)) {
      Reference::run<R, M>(tensors, q);  // over channels: rare, and contiguous already
      return;
    }
    for (index_t n = 0; n < output.extent(0); ++n) {
      for (index_t y = 0; y < output.extent(1); ++y) {
        for (index_t x = 0; x < output.extent(2); ++x) {
          const index_t at[3] = {n, y, x};
          Range range[3];
          for (std::size_t d = 0; d < 3; ++d) {
            const bool kept = output.extent(d) == input.extent(d);
            range[d] = kept ? Range{at[d], at[d] + 1} : Range{0, input.extent(d)};
          }
          T* const pixel = output.data() + output.offset(n, y, x);
          for_blocks(output.extent(3), [&, &from = input](index_t c, auto count) {
            std::uint32_t sum[block_size] = {};
            for (index_t in = range[0].begin; in < range[0].end; ++in) {
              for (index_t iy = range[1].begin; iy < range[1].end; ++iy) {
                for (index_t ix = range[2].begin; ix < range[2].end; ++ix) {
                  const T* const values = from.data() + from.offset(in, iy, ix, c);
                  for (index_t i = 0; i < count; ++i) {
                    sum[i] += static_cast<std::uint32_t>(values[i]);
                  }
                }
              }
            }
            for (index_t i = 0; i < count; ++i) {
              pixel[c + i] = static_cast<T>(finish<R, M>(static_cast<std::int32_t>(sum[i]), q));
            }
          });
        }
      }
    }
  }

 private:
  struct Range {
    index_t begin;
    index_t end;
  };
};

}  // namespace kinglet::inline KINGLET_TARGET::mean
