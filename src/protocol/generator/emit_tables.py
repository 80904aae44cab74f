"""Emits the tables: all APIs, all message types."""

from cpp import NOTICE


def api_table(apis):
    lines = [NOTICE, "#include <moldau/protocol/api_table.h>", "", "namespace moldau::protocol {", ""]
    lines += ["static constexpr ApiInfo apis[] = {"]
    for api in sorted(apis, key=lambda api: api.key):
        request, response = api.request, api.response
        values = [
            str(api.key),
            f'"{api.name}"',
            str(request.versions.low),
            str(request.versions.high),
            str(api.stable_version),
            first_flexible(request),
            first_flexible(response),
            on(api, "broker"),
            on(api, "controller"),
        ]
        lines += ["    {" + ", ".join(values) + "},"]
    lines += ["};", "", "std::span<const ApiInfo> all_apis() { return apis; }", ""]
    return "\n".join(lines + ["}  // namespace moldau::protocol", ""])


def first_flexible(message):
    return "no_version" if message.flexible.is_empty() else str(message.flexible.low)


def on(api, listener):
    return "true" if listener in api.listeners else "false"


def message_type_table(parts):
    lines = [NOTICE, "#include <moldau/protocol/message_types.h>", "", "namespace moldau::protocol {", ""]
    lines += [f"std::vector<MessageType> message_types_{part:02}();" for part in range(parts)]
    lines += ["", "static std::vector<MessageType> gather() {", "    std::vector<MessageType> all;"]
    lines += [f"    for (auto& type : message_types_{part:02}()) all.push_back(type);" for part in range(parts)]
    lines += ["    std::ranges::sort(all, {}, &MessageType::name);", "    return all;", "}", ""]
    lines += ["std::span<const MessageType> all_message_types() {"]
    lines += ["    static const std::vector<MessageType> all = gather();", "    return all;", "}", ""]
    return "\n".join(lines + ["}  // namespace moldau::protocol", ""])
