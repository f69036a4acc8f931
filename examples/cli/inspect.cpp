// SPDX-License-Identifier: Apache-2.0
/// @file inspect.cpp
/// `kinglet inspect`
#include "commands.hpp"
#include "failure.hpp"
#include "files.hpp"
#include "inspection.hpp"
#include "json.hpp"

namespace cli {
namespace {

template <class List>
Json array(const List& list) {
  Json json = Json::array();
  for (const auto& value : list) {
    json.push_back(value);
  }
  return json;
}

Json tensor_json(const kinglet::TensorInfo& t) {
  Json json{{"index", t.index}, {"name", t.name}, {"type", t.type_name}, {"shape", array(t.shape)}};
  if (t.is_quantized()) {
    Json zero_points = Json::array();
    for (std::size_t k = 0; k < t.zero_points.size(); ++k) {
      zero_points.push_back(t.zero_points[k]);
    }
    json["scale"] = array(t.scale);
    json["zero_point"] = std::move(zero_points);
    json["quantized_dimension"] = t.quantized_dimension;
  }
  json["constant_bytes"] = t.constant.size();
  json["is_variable"] = t.is_variable;
  return json;
}

Json operator_json(const kinglet::Model& model, const kinglet::OperatorInfo& op) {
  return {{"index", op.index},
          {"name", op.name},
          {"version", op.version},
          {"inputs", array(op.inputs)},
          {"outputs", array(op.outputs)},
          {"macs", count_macs(model, op)},
          {"weight_bytes", weight_bytes(model, op)}};
}

Json plan_json(const Plan& plan) {
  Json json = Json::array();
  for (const PlannedBuffer& buffer : plan.buffers) {
    const kinglet::BufferRequest& r = buffer.request;
    json.push_back({{"tensor", buffer.tensor < 0 ? Json() : Json(buffer.tensor)},
                    {"scratch_of_operator", buffer.op < 0 ? Json() : Json(buffer.op)},
                    {"rows", buffer.rows == 0 ? Json() : Json(buffer.rows)},
                    {"bytes", r.bytes},
                    {"offset", r.offset},
                    {"first_operator", r.lifetime.first},
                    {"last_operator", r.lifetime.last}});
  }
  return json;
}

Json chains_json(const Plan& plan) {
  Json json = Json::array();
  for (const Chain& chain : plan.chains) {
    json.push_back({{"first_operator", chain.first}, {"last_operator", chain.last}});
  }
  return json;
}

Json folded_json(const Plan& plan) {
  Json json = Json::array();
  for (const Folded& folded : plan.folded) {
    json.push_back({{"operator", folded.op}, {"into", folded.into}});
  }
  return json;
}

Json inspection_json(const Inspection& inspection) {
  const kinglet::Model& model = inspection.file.model();
  Json tensors = Json::array();
  for (std::int32_t i = 0; i < model.tensor_count(); ++i) {
    tensors.push_back(tensor_json(model.tensor(i)));
  }
  Json operators = Json::array();
  for (std::int32_t i = 0; i < model.operator_count(); ++i) {
    operators.push_back(operator_json(model, model.op(i)));
  }
  Json json{{"model", inspection.file.name()},
            {"description", model.description()},
            {"profile", inspection.engine.profile},
            {"aim", inspection.engine.aim},
            {"weights", inspection.engine.weights},
            {"target", inspection.target},
            {"inputs", array(model.inputs())},
            {"outputs", array(model.outputs())},
            {"tensors", std::move(tensors)},
            {"operators", std::move(operators)},
            {"macs", inspection.macs},
            {"constant_bytes", inspection.constant_bytes}};
  const auto& plan = inspection.plan;
  json["arena_bytes"] = plan ? Json(plan->needs.arena_bytes) : Json();
  json["state_bytes"] = plan ? Json(plan->needs.state_bytes) : Json();
  json["packed_weight_bytes"] = plan ? Json(plan->needs.packed_weight_bytes) : Json();
  json["lower_bound"] = plan ? Json(plan->needs.lower_bound) : Json();
  json["plan"] = plan ? plan_json(*plan) : Json();
  json["chains"] = plan ? chains_json(*plan) : Json();
  json["folded"] = plan ? folded_json(*plan) : Json();
  json["problems"] = array(inspection.problems);
  return json;
}

}  // namespace

int inspect(const InspectOptions& options) {
  const ModelFile file = ModelFile::read(options.model);
  const Inspection inspection = make_inspection(file, options.engine);
  if (!options.plan.empty()) {
    if (!inspection.plan) {
      throw Failure("'" + file.name() + "' cannot run, so it has no plan: " + inspection.problems.front());
    }
    OutputFile page(options.plan);
    page.write(plan_page(inspection));
    page.commit();
  }
  options.json ? print_json(inspection_json(inspection)) : print(inspection_text(inspection));
  return 0;
}

}  // namespace cli
