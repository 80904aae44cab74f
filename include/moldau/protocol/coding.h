#pragma once
// How a field's C++ type decides its encoding; for generated code alone.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

#include <moldau/base/strong.h>
#include <moldau/base/uuid.h>
#include <moldau/protocol/error_code.h>
#include <moldau/protocol/reader.h>
#include <moldau/protocol/records_field.h>
#include <moldau/protocol/text.h>
#include <moldau/protocol/writer.h>

namespace moldau::protocol::coding {

/// What of a message's version its fields' encodings need.
struct Form {
    std::int16_t version;
    bool flexible;
    bool tagged = false;

    Form in_tag() const { return {.version = version, .flexible = flexible, .tagged = true}; }
};

// Before a structure that may be null: a byte; within a tagged field an unsigned varint, with another number for null.
inline bool read_presence(Reader& reader, Form form) {
    return form.tagged ? reader.uvarint() != 0 : reader.integer<std::int8_t>() >= 0;
}
inline void write_presence(Writer& writer, Form form, bool present) {
    const std::int8_t absent = form.tagged ? 0 : -1;
    writer.integer<std::int8_t>(present ? 1 : absent);
}

template <class T>
concept Structure = requires(T& value, Reader& reader, std::int16_t version) { value.read_from(reader, version); };

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

/// The fewest bytes that a value takes in any version: what bounds announced counts.
template <class T>
constexpr std::size_t min_encoded_bytes() {
    if constexpr (Structure<T>) {
        return T::min_encoded_bytes;
    } else if constexpr (std::is_same_v<T, Uuid>) {
        return 16;
    } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T> || StrongType<T>) {
        return sizeof(T);
    } else {
        return 1;
    }
}

// Kept out of line: a message has many fields of few types, and inlined code would multiply the build's time.
template <class T>
[[gnu::noinline]] void read(Reader& reader, Form form, T& value);

/// Returns whether there was a value.
template <class T>
bool read_unless_null(Reader& reader, Form form, T& value) {
    if constexpr (std::is_same_v<T, Text>) {
        const auto length = reader.text_length(form.flexible);
        if (!length.null) value = Text::borrow(text_of(reader.bytes(length.value)));
        return !length.null;
    } else if constexpr (std::is_same_v<T, Blob> || std::is_same_v<T, Records>) {
        const auto length = reader.bytes_length(form.flexible);
        if (!length.null) value = T::borrow(reader.bytes(length.value));
        return !length.null;
    } else if constexpr (is_vector<T>) {
        using Item = typename T::value_type;
        const auto count = reader.array_count(form.flexible, min_encoded_bytes<Item>(), sizeof(Item));
        value = T(count.value);
        for (std::size_t i = 0; i < count.value && reader.ok(); ++i) {
            if constexpr (Structure<Item>) {
                value[i].read_from(reader, form.version);
            } else {
                read(reader, form, value[i]);
            }
        }
        return !count.null;
    } else {
        static_assert(Structure<T>);
        const bool present = read_presence(reader, form);
        if (present) value.read_from(reader, form.version);
        return present;
    }
}

template <class T>
void read_not_null(Reader& reader, Form form, T& value) {
    if constexpr (is_optional<T>) {
        value.emplace();
        read_not_null(reader, form, *value);
    } else if (!read_unless_null(reader, form, value)) {
        reader.fail("a field is null that must not be");
    }
}

/// An optional may be null, as may Records; all else must not.
template <class T>
void read(Reader& reader, Form form, T& value) {
    if constexpr (std::is_same_v<T, bool>) {
        value = reader.boolean();
    } else if constexpr (std::is_same_v<T, double>) {
        value = reader.float64();
    } else if constexpr (std::is_same_v<T, Uuid>) {
        value = reader.uuid();
    } else if constexpr (std::is_enum_v<T>) {
        value = static_cast<T>(reader.integer<std::underlying_type_t<T>>());
    } else if constexpr (StrongType<T>) {
        value = T(reader.integer<typename T::rep>());
    } else if constexpr (std::is_integral_v<T>) {
        value = reader.integer<T>();
    } else if constexpr (Structure<T>) {
        value.read_from(reader, form.version);
    } else if constexpr (is_optional<T>) {
        value.emplace();
        if (!read_unless_null(reader, form, *value)) value.reset();
    } else if constexpr (std::is_same_v<T, Records>) {
        if (!read_unless_null(reader, form, value)) value = Records();
    } else {
        read_not_null(reader, form, value);
    }
}

template <class T>
[[gnu::noinline]] void write(Writer& writer, Form form, const T& value);

template <class T>
void write_null(Writer& writer, Form form) {
    if constexpr (std::is_same_v<T, Text>) {
        writer.null_text(form.flexible);
    } else if constexpr (std::is_same_v<T, Blob> || is_vector<T>) {
        writer.null_bytes(form.flexible);
    } else {
        static_assert(Structure<T>);
        write_presence(writer, form, false);
    }
}

/// Null has no encoding here: it is written as empty.
template <class T>
void write_not_null(Writer& writer, Form form, const T& value) {
    if constexpr (is_optional<T>) {
        using Value = typename T::value_type;
        if (value.has_value()) {
            write(writer, form, *value);
        } else {
            write(writer, form, Value{});
        }
    } else {
        static_assert(std::is_same_v<T, Records>);
        writer.records(value, form.flexible, false);
    }
}

template <class T>
void write(Writer& writer, Form form, const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
        writer.boolean(value);
    } else if constexpr (std::is_same_v<T, double>) {
        writer.float64(value);
    } else if constexpr (std::is_same_v<T, Uuid>) {
        writer.uuid(value);
    } else if constexpr (std::is_enum_v<T>) {
        writer.integer(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (StrongType<T>) {
        writer.integer(value.value());
    } else if constexpr (std::is_integral_v<T>) {
        writer.integer(value);
    } else if constexpr (Structure<T>) {
        value.encode(writer, form.version);
    } else if constexpr (std::is_same_v<T, Text>) {
        writer.text_length(value.size(), form.flexible);
        writer.bytes(bytes_of(value.view()));
    } else if constexpr (std::is_same_v<T, Blob>) {
        writer.bytes_length(value.size(), form.flexible);
        writer.bytes(value.view());
    } else if constexpr (std::is_same_v<T, Records>) {
        writer.records(value, form.flexible, true);
    } else if constexpr (is_vector<T>) {
        writer.bytes_length(value.size(), form.flexible);
        for (const auto& item : value) {
            // A vector<bool>'s items are not references.
            write<typename T::value_type>(writer, form, item);
        }
    } else {
        static_assert(is_optional<T>);
        using Value = typename T::value_type;
        if (!value.has_value()) return write_null<Value>(writer, form);
        if constexpr (Structure<Value>) write_presence(writer, form, true);
        write(writer, form, *value);
    }
}

}  // namespace moldau::protocol::coding
