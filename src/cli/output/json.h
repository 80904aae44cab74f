#pragma once
// Writes JSON on one line. Commas are its own affair; the caller keeps begin and end in pairs. Pure.

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <moldau/base/bytes.h>

namespace moldau::cli {

class Json {
 public:
    Json& begin_object() { return open('{'); }
    Json& end_object() { return close('}'); }
    Json& begin_array() { return open('['); }
    Json& end_array() { return close(']'); }

    /// Inside an object, before each value.
    Json& key(std::string_view name);

    Json& value(std::string_view text);
    Json& value(const char* text) { return value(std::string_view(text)); }
    Json& value(bool truth) { return raw(truth ? "true" : "false"); }
    template <std::integral T>
    Json& value(T number) {
        return raw(std::to_string(number));
    }
    Json& null() { return raw("null"); }
    template <class T>
    Json& value(const std::optional<T>& optional) {
        return optional ? value(*optional) : null();
    }

    template <class T>
    Json& field(std::string_view name, const T& content) {
        return key(name).value(content);
    }
    /// Bytes as text where they are UTF-8, else as base64 under the name with _base64 behind it.
    Json& bytes_field(std::string_view name, const std::optional<ByteView>& content);

    const std::string& text() const { return out_; }
    std::string take() { return std::move(out_); }
    /// Begins anew, keeping memory.
    void clear() { out_.clear(), first_ = true; }

 private:
    Json& open(char bracket);
    Json& close(char bracket);
    Json& raw(std::string_view text);
    void separate();

    std::string out_;
    bool first_ = true;  // of the innermost object or array: no comma before the next
};

/// Whether the bytes are UTF-8 as JSON allows it: no surrogates, no overlong forms.
bool is_utf8(std::string_view text);

std::string base64(ByteView bytes);

}  // namespace moldau::cli
