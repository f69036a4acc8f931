// SPDX-License-Identifier: Apache-2.0
/// @file failure.hpp
/// How the command fails: an exception whose text becomes the one line on stderr.
#pragma once

#include <kinglet/core/message.hpp>
#include <stdexcept>
#include <string>

namespace cli {

/// Exit code 1.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The command line itself is wrong: exit code 2.
struct BadUsage : Failure {
  using Failure::Failure;
};

/// A library error as text, made while the model it points into is alive.
inline std::string text_of(const kinglet::Status& status) {
  char buffer[kinglet::message_capacity];
  return std::string(kinglet::message(status, buffer));
}

}  // namespace cli
