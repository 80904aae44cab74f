#pragma once
// A table for people: columns as wide as their widest cell, two spaces between. Pure.

#include <string>
#include <vector>

namespace moldau::cli {

enum class Align { left, right };

struct Column {
    std::string title;
    Align align = Align::left;
};

class Table {
 public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// Requires: as many cells as there are columns.
    void add(std::vector<std::string> cells);
    bool empty() const { return rows_.empty(); }

    /// A line of titles and one a row; no spaces at the ends of lines.
    std::string text() const;

 private:
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace moldau::cli
