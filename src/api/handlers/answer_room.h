#pragma once
// How much an answer may take whose request names in a few bytes what takes many. Lives for one request.

#include <algorithm>
#include <cstddef>

namespace moldau::api {

/// What librdkafka takes at most (receive.message.max.bytes): 10,000 topics with all that can be told of their settings
/// fit.
inline constexpr std::size_t max_answer_bytes = 100'000'000;

class AnswerRoom {
 public:
    std::size_t left_bytes() const { return left_bytes_; }
    bool is_spent() const { return left_bytes_ == 0; }
    void take(std::size_t bytes) { left_bytes_ -= std::min(bytes, left_bytes_); }

 private:
    std::size_t left_bytes_ = max_answer_bytes;
};

/// So many groups of a request are asked about before others have their turn.
inline constexpr unsigned groups_a_turn = 64;

}  // namespace moldau::api
