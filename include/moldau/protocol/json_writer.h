#pragma once
// Writes JSON in the shape that Apache Kafka's own converters print: for generated code.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <moldau/base/strong.h>
#include <moldau/base/uuid.h>
#include <moldau/protocol/error_code.h>
#include <moldau/protocol/records_field.h>
#include <moldau/protocol/text.h>

namespace moldau::protocol {

class JsonWriter {
 public:
    explicit JsonWriter(std::int16_t version) : version_(version) {}

    std::string take() { return std::move(out_); }

    void begin_object() { open('{'); }
    void end_object() { close('}'); }

    // Out of line: there are thousands of calls, of few types.
    template <class T>
    [[gnu::noinline]] void field(std::string_view name, const T& value) {
        key(name);
        this->value(value);
    }
    /// Records are shown by their size alone, under a name that says so.
    void field(std::string_view name, const Records& records);

    void value(bool value);
    void value(double value);
    void value(const Uuid& id);
    void value(const Text& text);
    void value(const Blob& blob);
    template <class T>
    void value(const std::optional<T>& optional) {
        if (optional.has_value()) {
            value(*optional);
        } else {
            null();
        }
    }
    template <class T>
    void value(const std::vector<T>& items) {
        open('[');
        for (const auto& item : items) {
            separate();
            value(item);
        }
        close(']');
    }
    template <class T>
    void value(const T& value) {
        if constexpr (std::is_enum_v<T>) {
            integer(static_cast<std::underlying_type_t<T>>(value));
        } else if constexpr (StrongType<T>) {
            integer(value.value());
        } else if constexpr (std::is_integral_v<T>) {
            integer(value);
        } else {
            describe(*this, value, version_);  // generated
        }
    }

 private:
    void open(char bracket);
    void close(char bracket);
    void separate();
    void key(std::string_view name);
    void null();
    void integer(std::int64_t value);
    void quoted(std::string_view text);

    std::int16_t version_;
    std::string out_;
    bool first_ = true;  // nothing stands yet in the innermost object or array
};

}  // namespace moldau::protocol
