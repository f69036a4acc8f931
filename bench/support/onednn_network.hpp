// SPDX-License-Identifier: Apache-2.0
/// @file support/onednn_network.hpp
/// A MobileNet's .tflite file as a chain of oneDNN primitives with the file's own weights.
#pragma once

#include <kinglet/model/model.hpp>
#include <map>
#include <set>
#include <span>
#include <stdexcept>

#include "support/onednn.hpp"

namespace bench::onednn {

/// int8 files whose operators are CONV_2D, DEPTHWISE_CONV_2D, ADD behind one of them, MEAN or AVERAGE_POOL_2D of a
/// whole image, FULLY_CONNECTED, SOFTMAX, and RESHAPE, SQUEEZE and QUANTIZE where they move nothing.
class Network {
 public:
  /// Throws std::runtime_error or dnnl::error where oneDNN or this class lacks something.
  explicit Network(const kinglet::Model& model) : model_(model) {
    for (std::int32_t i = 0; i < model.operator_count(); ++i) {
      for (const std::int32_t tensor : model.op(i).inputs) {
        last_use_[tensor] = i;
      }
    }
    Value input{image_of(model.inputs()[0]), {}, -1};
    input.image.is_signed = true;  // padded with its zero point, which is 0 in the signed type as a rule
    input.image.zero_point -= 128;
    input.memory = memory(input.image.nhwc(), machine_.engine);
    input_ = input.memory;
    values_.emplace(model.inputs()[0], input);
    for (std::int32_t i = 0; i < model.operator_count();) {
      i += append(i);
    }
  }

  void run() {
    for (const Call& call : calls_) {
      call.primitive.execute(machine_.stream, call.arguments);
    }
    machine_.stream.wait();
  }
  /// The file's input, as int8.
  [[nodiscard]] std::span<std::int8_t> input() const {
    return {static_cast<std::int8_t*>(input_.get_data_handle()), input_.get_desc().get_size()};
  }
  /// Probabilities.
  [[nodiscard]] std::span<const float> output() const {
    return {static_cast<const float*>(output_.get_data_handle()), output_.get_desc().get_size() / 4};
  }
  /// Names of oneDNN's implementations of the convolutions.
  [[nodiscard]] const std::set<std::string>& implementations() const { return implementations_; }

 private:
  struct Value {
    Image image;
    dnnl::memory memory;
    int slot;  ///< in `slots_`, -1 for memory of its own
  };

  /// A tensor's shape and quantization, as uint8.
  [[nodiscard]] Image image_of(std::int32_t tensor) const {
    const kinglet::TensorInfo info = model_.tensor(tensor);
    Image image{.scale = info.per_tensor().scale, .zero_point = info.per_tensor().zero_point};
    image.zero_point += info.type == kinglet::ElementType::int8 ? 128 : 0;
    image.dims = info.rank() == 4 ? memory::dims{info.shape[0], info.shape[3], info.shape[1], info.shape[2]}
                                  : memory::dims{1, info.shape[info.rank() - 1], 1, 1};
    return image;
  }

  /// Memory for an output, in a slot whose value nothing after operator `at` reads.
  dnnl::memory allocate(const memory::desc& description, std::int32_t at, int& slot) {
    std::set<int> taken;
    for (const auto& [tensor, value] : values_) {
      if (last_use_[tensor] >= at) {
        taken.insert(value.slot);
      }
    }
    for (slot = 0; taken.contains(slot);) {
      ++slot;
    }
    if (slots_.size() <= static_cast<std::size_t>(slot)) {
      slots_.emplace_back(memory::desc({largest}, memory::data_type::u8, memory::format_tag::a),
                          machine_.engine);
    }
    return {description, machine_.engine, slots_[static_cast<std::size_t>(slot)].get_data_handle()};
  }

  /// The value in another format, if a primitive insists on one.
  dnnl::memory in_format(const Value& value, const memory::desc& wanted) {
    if (value.memory.get_desc() == wanted) {
      return value.memory;
    }
    dnnl::memory copy(wanted, machine_.engine);
    calls_.push_back(
        {dnnl::reorder(value.memory, copy), {{DNNL_ARG_FROM, value.memory}, {DNNL_ARG_TO, copy}}});
    return copy;
  }

  /// @returns how many operators of the file were appended
  std::int32_t append(std::int32_t i) {
    using enum kinglet::BuiltinOperator;
    const kinglet::OperatorInfo op = model_.op(i);
    switch (op.code) {
      case conv_2d:
        if (is_matrix(op)) {
          append_matrix(op);
          return 1;
        }
        return append_convolution(i, *op.conv2d_options(), false);
      case depthwise_conv_2d: return append_convolution(i, *op.depthwise_conv2d_options(), true);
      case mean:
      case average_pool_2d: append_average(op); return 1;
      case fully_connected: append_matrix(op); return 1;
      case softmax: append_softmax(op); return 1;
      case reshape:
      case squeeze:
      case quantize: {  // the numbers stay: int8 and uint8 are both uint8 here
        const auto found = values_.find(op.inputs[0]);
        if (found != values_.end()) {
          last_use_[op.inputs[0]] = std::max(last_use_[op.inputs[0]], last_use_[op.outputs[0]]);
          values_.emplace(op.outputs[0], Value(found->second));
        }
        return 1;
      }
      default: throw std::runtime_error("oneDNN: no primitive for " + std::string(op.name));
    }
  }

  /// A 1x1 convolution of a single pixel.
  [[nodiscard]] bool is_matrix(const kinglet::OperatorInfo& op) const {
    const kinglet::TensorInfo filter = model_.tensor(op.inputs[1]);
    const memory::dims& source = values_.at(op.inputs[0]).image.dims;
    return filter.shape[1] == 1 && filter.shape[2] == 1 && source[2] == 1 && source[3] == 1;
  }

  std::int32_t append_convolution(std::int32_t i, const auto& options, bool depthwise) {
    const kinglet::OperatorInfo op = model_.op(i);
    const Value source = values_.at(op.inputs[0]);
    const kinglet::TensorInfo filter = model_.tensor(op.inputs[1]);
    Convolution c{.source = source.image,
                  .height = filter.shape[1],
                  .width = filter.shape[2],
                  .strides = {options.stride_h, options.stride_w},
                  .depthwise = depthwise,
                  .filter = reinterpret_cast<const std::int8_t*>(filter.constant.data()),
                  .bias = reinterpret_cast<const std::int32_t*>(model_.tensor(op.inputs[2]).constant.data()),
                  .filter_scales = {filter.scale.begin(), filter.scale.end()}};
    for (std::size_t d = 0; d < 2; ++d) {
      c.pad_before[d] = window_extent(options.padding, static_cast<std::int32_t>(c.source.dims[d + 2]),
                                      filter.shape[d + 1], static_cast<std::int32_t>(c.strides[d]), 1)
                            .pad_before;
    }
    const std::int32_t addition = added_by_next(i);
    std::int32_t output = op.outputs[0];
    std::optional<Value> addend;
    if (addition >= 0) {
      output = model_.op(i + 1).outputs[0];
      addend = values_.at(addition);
      c.addend = addend->image;
    }
    c.destination = image_of(output);
    const PreparedConvolution prepared(machine_, c);
    implementations_.insert(prepared.description.impl_info_str());
    const memory from = in_format(source, prepared.description.src_desc());
    Value result{c.destination, {}, 0};
    if (addend) {
      result.memory = in_format(*addend, prepared.description.dst_desc());
      result.slot = addend->slot;
    } else {
      result.memory = allocate(prepared.description.dst_desc(), i, result.slot);
    }
    calls_.push_back(prepared.call(from, result.memory));
    values_.emplace(output, result);
    return addend ? 2 : 1;
  }

  /// The tensor that operator i + 1 adds to the output of i, or -1.
  [[nodiscard]] std::int32_t added_by_next(std::int32_t i) const {
    if (i + 1 == model_.operator_count() || model_.op(i + 1).code != kinglet::BuiltinOperator::add) {
      return -1;
    }
    const kinglet::OperatorInfo next = model_.op(i + 1);
    const std::int32_t output = model_.op(i).outputs[0];
    return next.inputs[0] == output ? next.inputs[1] : next.inputs[1] == output ? next.inputs[0] : -1;
  }

  /// Of a whole image. The result keeps the image's scale, which is more exact than the file asks for.
  void append_average(const kinglet::OperatorInfo& op) {
    const Value source = values_.at(op.inputs[0]);
    Value result{source.image, {}, 0};
    result.image.dims[2] = result.image.dims[3] = 1;
    const memory::dims window{source.image.dims[2], source.image.dims[3]};
    const dnnl::pooling_forward::primitive_desc description({dnnl::prop_kind::forward_inference,
                                                             dnnl::algorithm::pooling_avg_exclude_padding,
                                                             source.memory.get_desc(),
                                                             result.image.any(),
                                                             window,
                                                             window,
                                                             {0, 0},
                                                             {0, 0}},
                                                            machine_.engine);
    result.memory = allocate(description.dst_desc(), op.index, result.slot);
    calls_.push_back(
        {dnnl::pooling_forward(description), {{DNNL_ARG_SRC, source.memory}, {DNNL_ARG_DST, result.memory}}});
    values_.emplace(op.outputs[0], result);
  }

  /// To real numbers, which SOFTMAX wants.
  void append_matrix(const kinglet::OperatorInfo& op) {
    const Value source = values_.at(op.inputs[0]);
    const kinglet::TensorInfo filter = model_.tensor(op.inputs[1]);
    Convolution c{.source = source.image,
                  .filter = reinterpret_cast<const std::int8_t*>(filter.constant.data()),
                  .bias = reinterpret_cast<const std::int32_t*>(model_.tensor(op.inputs[2]).constant.data()),
                  .filter_scales = {filter.scale.begin(), filter.scale.end()}};
    c.destination.dims = {1, filter.shape[0], 1, 1};
    const memory::desc to({1, c.outputs()}, memory::data_type::f32, memory::format_tag::nc);
    const dnnl::inner_product_forward::primitive_desc description(
        {dnnl::prop_kind::forward_inference, c.source.any(),
         memory::desc(c.filter_dims(), memory::data_type::s8, memory::format_tag::any),
         memory::desc({c.outputs()}, memory::data_type::s32, memory::format_tag::x), to},
        c.attributes(), machine_.engine);
    const memory weights =
        reordered(machine_, {c.filter_dims(), memory::data_type::s8, memory::format_tag::ohwi}, c.filter,
                  description.weights_desc());
    const memory bias =
        reordered(machine_, description.bias_desc(), c.folded_bias().data(), description.bias_desc());
    output_ = memory(to, machine_.engine);
    calls_.push_back({dnnl::inner_product_forward(description),
                      {{DNNL_ARG_SRC, in_format(source, description.src_desc())},
                       {DNNL_ARG_WEIGHTS, weights},
                       {DNNL_ARG_BIAS, bias},
                       {DNNL_ARG_DST, output_}}});
  }

  void append_softmax(const kinglet::OperatorInfo&) {
    const dnnl::softmax_forward::primitive_desc description(
        {dnnl::prop_kind::forward_inference, output_.get_desc(), 1}, machine_.engine);
    calls_.push_back(
        {dnnl::softmax_forward(description), {{DNNL_ARG_SRC, output_}, {DNNL_ARG_DST, output_}}});
  }

  static constexpr memory::dim largest = memory::dim{4} << 20;  ///< bytes of a slot
  Machine machine_{};
  kinglet::Model model_;
  std::map<std::int32_t, std::int32_t> last_use_{};
  std::map<std::int32_t, Value> values_{};
  std::vector<dnnl::memory> slots_{};
  std::vector<Call> calls_{};
  std::set<std::string> implementations_{};
  dnnl::memory input_{};
  dnnl::memory output_{};
};

}  // namespace bench::onednn
