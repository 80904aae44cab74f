#pragma once
// Reading and writing of golden files.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <moldau/base/bytes.h>

namespace moldau::protocol::golden {

inline Bytes bytes_in(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline std::vector<std::string> lines_in(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

}  // namespace moldau::protocol::golden
