#pragma once
// Topics and partitions: create, delete, add.

#include <moldau/controller/controller.h>

namespace moldau::controller {

/// What all of them look at.
struct TopicControl {
    const metadata::Image& image;
    const metadata::ConfigView& config;
    const std::map<std::string, std::set<std::string>>& similar_names;  ///< topics by collision key
    const Context& context;

    Outcome<protocol::CreateTopicsResponse> create(const protocol::CreateTopicsRequest& request) const;
    Outcome<protocol::DeleteTopicsResponse> remove(const protocol::DeleteTopicsRequest& request) const;
    Outcome<protocol::CreatePartitionsResponse> add_partitions(const protocol::CreatePartitionsRequest& request) const;
};

}  // namespace moldau::controller
