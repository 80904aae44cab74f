#include "output/table.h"

#include <algorithm>

#include <moldau/base/assert.h>

namespace moldau::cli {

namespace {

/// Characters, so that text beyond ASCII stays aligned.
std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
    MOLDAU_ASSERT(cells.size() == columns_.size());
    rows_.push_back(std::move(cells));
}

std::string Table::text() const {
    std::vector<std::string> titles;
    std::vector<std::size_t> widths;
    for (const Column& column : columns_) {
        titles.push_back(column.title);
        widths.push_back(width_of(column.title));
    }
    for (const auto& row : rows_)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));

    std::string out;
    const auto print = [&](const std::vector<std::string>& cells) {
        for (std::size_t i = 0; i < cells.size(); ++i) {
            if (i > 0) out += "  ";
            const std::string padding(widths[i] - width_of(cells[i]), ' ');
            out += columns_[i].align == Align::right ? padding + cells[i] : cells[i] + padding;
        }
        out.erase(out.find_last_not_of(' ') + 1);
        out += '\n';
    };
    print(titles);
    for (const auto& row : rows_) print(row);
    return out;
}

}  // namespace moldau::cli
