// SPDX-License-Identifier: Apache-2.0
/// @file support/tflite.hpp
/// A TensorFlow Lite C library that is found when the program runs. The declarations are what its public C API
/// documents; handles are opaque.
#pragma once

#include <dlfcn.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>

namespace bench::tflite {

/// The documented beginning of TfLiteXNNPackDelegateOptions, and zeros for what newer versions have behind it.
struct XnnpackOptions {
  std::int32_t num_threads;
  std::uint32_t flags;
  std::array<std::byte, 248> rest{};
};
inline constexpr std::uint32_t xnnpack_flag_qs8 = 1;  ///< TFLITE_XNNPACK_DELEGATE_FLAG_QS8
inline constexpr std::uint32_t xnnpack_flag_qu8 = 2;  ///< TFLITE_XNNPACK_DELEGATE_FLAG_QU8

class Library {
 public:
  explicit Library(const std::string& path) : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) {
      throw std::runtime_error(dlerror());
    }
    find(version, "TfLiteVersion");
    find(model_create, "TfLiteModelCreate");
    find(options_create, "TfLiteInterpreterOptionsCreate");
    find(options_set_threads, "TfLiteInterpreterOptionsSetNumThreads");
    find(options_add_delegate, "TfLiteInterpreterOptionsAddDelegate");
    find(interpreter_create, "TfLiteInterpreterCreate");
    find(allocate_tensors, "TfLiteInterpreterAllocateTensors");
    find(input_tensor, "TfLiteInterpreterGetInputTensor");
    find(output_tensor, "TfLiteInterpreterGetOutputTensor");
    find(tensor_bytes, "TfLiteTensorByteSize");
    find(tensor_data, "TfLiteTensorData");
    find(invoke, "TfLiteInterpreterInvoke");
    has_xnnpack = dlsym(handle_, "TfLiteXNNPackDelegateCreate") != nullptr;
    if (has_xnnpack) {
      find(xnnpack_create, "TfLiteXNNPackDelegateCreate");
    }
  }

  const char* (*version)() = nullptr;
  void* (*model_create)(const void* bytes, std::size_t size) = nullptr;
  void* (*options_create)() = nullptr;
  void (*options_set_threads)(void* options, std::int32_t threads) = nullptr;
  void (*options_add_delegate)(void* options, void* delegate) = nullptr;
  void* (*interpreter_create)(const void* model, const void* options) = nullptr;
  int (*allocate_tensors)(void* interpreter) = nullptr;
  void* (*input_tensor)(const void* interpreter, std::int32_t index) = nullptr;
  const void* (*output_tensor)(const void* interpreter, std::int32_t index) = nullptr;
  std::size_t (*tensor_bytes)(const void* tensor) = nullptr;
  void* (*tensor_data)(const void* tensor) = nullptr;
  int (*invoke)(void* interpreter) = nullptr;
  void* (*xnnpack_create)(const XnnpackOptions* options) = nullptr;
  bool has_xnnpack = false;

 private:
  template <class Function>
  void find(Function& function, const char* name) {
    void* const symbol = dlsym(handle_, name);
    if (symbol == nullptr) {
      throw std::runtime_error(std::string("the TFLite library has no ") + name);
    }
    std::memcpy(&function, &symbol, sizeof function);
  }
  void* handle_;
};

/// One thread. Library, model bytes and interpreter live until the program ends.
class Interpreter {
 public:
  Interpreter(const Library& library, std::span<const std::byte> file, bool xnnpack) : library_(library) {
    void* const options = library.options_create();
    library.options_set_threads(options, 1);
    if (xnnpack) {
      const XnnpackOptions settings{.num_threads = 1, .flags = xnnpack_flag_qs8 | xnnpack_flag_qu8};
      library.options_add_delegate(options, library.xnnpack_create(&settings));
    }
    void* const model = library.model_create(file.data(), file.size());
    interpreter_ = model == nullptr ? nullptr : library.interpreter_create(model, options);
    if (interpreter_ == nullptr || library.allocate_tensors(interpreter_) != 0) {
      throw std::runtime_error("TFLite does not take the model");
    }
  }
  [[nodiscard]] std::span<std::byte> input() const {
    void* const tensor = library_.input_tensor(interpreter_, 0);
    return {static_cast<std::byte*>(library_.tensor_data(tensor)), library_.tensor_bytes(tensor)};
  }
  [[nodiscard]] std::span<const std::byte> output() const {
    const void* const tensor = library_.output_tensor(interpreter_, 0);
    return {static_cast<const std::byte*>(library_.tensor_data(tensor)), library_.tensor_bytes(tensor)};
  }
  void run() const { library_.invoke(interpreter_); }

 private:
  const Library& library_;
  void* interpreter_ = nullptr;
};

}  // namespace bench::tflite
