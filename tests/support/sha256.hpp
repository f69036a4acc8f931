// SPDX-License-Identifier: Apache-2.0
/// @file support/sha256.hpp
/// SHA-256 (FIPS 180-4), to compare with the data's hashes without a library for it.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace test {

namespace sha256_detail {

/// The first 32 bits behind the point of the square root (power 2) or cube root (power 3) of the n-th prime: found
/// by trial in integers, so that there is no table to mistype.
constexpr std::uint32_t root_of_prime(unsigned n, unsigned power) {
  std::uint64_t prime = 2;
  for (unsigned found = 0;; ++prime) {
    bool divides = false;
    for (std::uint64_t d = 2; d * d <= prime; ++d) {
      divides = divides || prime % d == 0;
    }
    if (!divides && found++ == n) {
      break;
    }
  }
  // The largest r with r^power <= prime * 2^(32 power), in 128 bits.
  __extension__ using Wide = unsigned __int128;
  std::uint64_t root = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 36; bit != 0; bit >>= 1) {
    const std::uint64_t r = root + bit;
    // r < 2^37, so r^3 < 2^111.
    const Wide raised = power == 2 ? Wide{r} * r : Wide{r} * r * r;
    root = raised <= Wide{prime} << (32 * power) ? r : root;
  }
  return static_cast<std::uint32_t>(root);
}

template <std::size_t N>
constexpr std::array<std::uint32_t, N> roots(unsigned power) {
  std::array<std::uint32_t, N> result{};
  for (std::size_t i = 0; i < N; ++i) {
    result[i] = root_of_prime(static_cast<unsigned>(i), power);
  }
  return result;
}

inline void add_block(std::array<std::uint32_t, 8>& hash, std::span<const std::uint8_t, 64> block) {
  static const auto k = roots<64>(3);
  std::array<std::uint32_t, 64> w{};
  for (std::size_t i = 0; i < 16; ++i) {
    w[i] = std::uint32_t{block[4 * i]} << 24 | std::uint32_t{block[4 * i + 1]} << 16 |
           std::uint32_t{block[4 * i + 2]} << 8 | std::uint32_t{block[4 * i + 3]};
  }
  for (std::size_t i = 16; i < 64; ++i) {
    const std::uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
    const std::uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = hash;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + k[i] + w[i];
    const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  const std::uint32_t sums[] = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < hash.size(); ++i) {
    hash[i] += sums[i];
  }
}

}  // namespace sha256_detail

/// The hash as 64 lower-case hexadecimal digits.
inline std::string sha256(std::span<const std::byte> bytes) {
  std::vector<std::uint8_t> padded(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    padded[i] = static_cast<std::uint8_t>(bytes[i]);
  }
  padded.push_back(0x80);
  padded.resize((padded.size() + 8 + 63) / 64 * 64 - 8);
  for (int shift = 56; shift >= 0; shift -= 8) {
    padded.push_back(static_cast<std::uint8_t>(std::uint64_t{bytes.size()} * 8 >> shift));
  }
  auto hash = sha256_detail::roots<8>(2);
  for (std::size_t at = 0; at < padded.size(); at += 64) {
    sha256_detail::add_block(hash, std::span<const std::uint8_t, 64>(padded.data() + at, 64));
  }
  std::string text;
  for (const std::uint32_t word : hash) {
    for (int shift = 28; shift >= 0; shift -= 4) {
      text += "0123456789abcdef"[word >> shift & 15U];
    }
  }
  return text;
}

}  // namespace test
