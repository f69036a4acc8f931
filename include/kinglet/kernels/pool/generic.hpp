// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pool/generic.hpp
/// Pools in blocks of channels, which are contiguous: a block's sums or maxima stay in registers while the
/// window's pixels pass by.
#pragma once

#include <bit>
#include <kinglet/kernels/blocks.hpp>
#include <kinglet/kernels/pool/reference.hpp>

namespace kinglet::inline KINGLET_TARGET::pool {

namespace detail {
/// v / n as a multiplication, since vector units have no integer division: floor(v m / 2^k), with
/// k = 31 + floor(log2 n) and m = ceil(2^k / n) <= 2^31. Exact for 0 <= v <= 2^30: with e = m n - 2^k < n the
/// error stays below one step while v e < 2^k.
class Reciprocal {
 public:
  constexpr explicit Reciprocal(std::int32_t n) noexcept
      : shift_(30 + static_cast<int>(std::bit_width(static_cast<std::uint32_t>(n)))) {
    const auto divisor = static_cast<std::uint64_t>(n);
    multiplier_ = static_cast<std::uint32_t>(((std::uint64_t{1} << shift_) + divisor - 1) / divisor);
  }
  [[nodiscard]] constexpr std::int32_t divide(std::int32_t v) const noexcept {
    return static_cast<std::int32_t>((std::uint64_t{static_cast<std::uint32_t>(v)} * multiplier_) >> shift_);
  }

 private:
  int shift_;
  std::uint32_t multiplier_ = 0;
};

/// body(patch, pixel_at, to, count) for each block of channels of each output pixel: pixel_at(y, x) points to
/// the block in the input, `to` in the output.
template <class P, class Body>
constexpr void for_each_block(const Pooling& pooling, const P& tensors, Body body) noexcept {
  const auto& [input, output] = tensors;
  for (index_t n = 0; n < output.extent(0); ++n) {
    for (index_t y = 0; y < output.extent(1); ++y) {
      for (index_t x = 0; x < output.extent(2); ++x) {
        const Patch patch(pooling, input, y, x);
        for_blocks(output.extent(3), [&, &from = input, &to = output](index_t c, auto count) {
          const auto pixel_at = [&](index_t iy, index_t ix) {
            return from.data() + from.offset(n, iy, ix, c);
          };
          body(patch, pixel_at, to.data() + to.offset(n, y, x, c), count);
        });
      }
    }
  }
}
}  // namespace detail

struct GenericAverage {
  static constexpr std::string_view name = "generic";

  template <class P>
  static constexpr void run(const Pooling& pooling, const P& tensors, ActivationRange range) noexcept {
    using T = typename P::element_type;
    constexpr std::int64_t most = (std::int64_t{1} << 30) >> (8 * sizeof(T));  // keeps sums below 2^30
    if (std::int64_t{pooling.filter_h} * pooling.filter_w > most) {
      ReferenceAverage::run(pooling, tensors, range);
      return;
    }
    detail::for_each_block(pooling, tensors, [&](const Patch& patch, auto pixel_at, T* to, auto count) {
      std::int32_t sum[block_size] = {};
      for (index_t y = patch.top; y < patch.bottom; ++y) {
        for (index_t x = patch.left; x < patch.right; ++x) {
          const T* const from = pixel_at(y, x);
          for (index_t i = 0; i < count; ++i) {
            sum[i] += from[i];
          }
        }
      }
      const detail::Reciprocal reciprocal(patch.count());
      const std::int32_t half = patch.count() / 2;
      const ActivationRange clamp =
          range;  // local: a store of 8 bits may alias anything a reference leads to
      for (index_t i = 0; i < count; ++i) {
        const std::int32_t magnitude = reciprocal.divide((sum[i] < 0 ? -sum[i] : sum[i]) + half);
        to[i] = static_cast<T>(std::clamp(sum[i] < 0 ? -magnitude : magnitude, clamp.min, clamp.max));
      }
    });
  }
};

struct GenericMax {
  static constexpr std::string_view name = "generic";

  template <class P>
  static constexpr void run(const Pooling& pooling, const P& tensors, ActivationRange range) noexcept {
    using T = typename P::element_type;
    const auto lowest = static_cast<T>(range.min);
    const auto highest = static_cast<T>(range.max);
    detail::for_each_block(pooling, tensors, [&](const Patch& patch, auto pixel_at, T* to, auto count) {
      T maximum[block_size];
      std::fill_n(maximum, block_size, lowest);
      for (index_t y = patch.top; y < patch.bottom; ++y) {
        for (index_t x = patch.left; x < patch.right; ++x) {
          const T* const from = pixel_at(y, x);
          for (index_t i = 0; i < count; ++i) {
            maximum[i] = maximum[i] < from[i] ? from[i] : maximum[i];
          }
        }
      }
      const T limit = highest;  // local, as above
      for (index_t i = 0; i < count; ++i) {
        to[i] = std::min(maximum[i], limit);
      }
    });
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::pool
