#pragma once
// PersistentMap: an ordered map whose copies cost nothing and share their nodes. A change copies the O(log n) nodes on
// its path (an AVL tree), so that an image of ten thousand topics and the next one with one topic more have nearly all
// in common. Nodes are immutable: copies may be read on any shard.

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace moldau::metadata {

template <class Key, class Value>
class PersistentMap {
    struct Node;
    using NodePtr = std::shared_ptr<const Node>;
    using ItemPtr = std::shared_ptr<const std::pair<Key, Value>>;

    struct Node {
        ItemPtr item;  // of its own: a copied path shares what it holds
        NodePtr left, right;
        int height;        // of the tree under it: 1 + the higher child's
        std::size_t size;  // of the tree under it: 1 + both children's
    };

 public:
    using value_type = std::pair<Key, Value>;

    /// In order of key. Valid as long as the map, or a copy of it, is unchanged.
    class Iterator {
     public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = std::pair<Key, Value>;
        using difference_type = std::ptrdiff_t;
        using pointer = const value_type*;
        using reference = const value_type&;

        Iterator() = default;
        reference operator*() const { return *path_.back()->item; }
        pointer operator->() const { return path_.back()->item.get(); }
        Iterator& operator++() {
            const Node* next = path_.back()->right.get();
            path_.pop_back();
            descend(next);
            return *this;
        }
        Iterator operator++(int) {
            Iterator before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const Iterator& a, const Iterator& b) {
            return a.path_.empty() || b.path_.empty() ? a.path_.empty() == b.path_.empty()
                                                      : a.path_.back() == b.path_.back();
        }

     private:
        friend class PersistentMap;
        void descend(const Node* node) {
            for (; node != nullptr; node = node->left.get()) path_.push_back(node);
        }
        std::vector<const Node*> path_;  // the node itself, below it those that come later
    };

    std::size_t size() const { return size_of(root_); }
    bool empty() const { return root_ == nullptr; }
    Iterator begin() const {
        Iterator first;
        first.descend(root_.get());
        return first;
    }
    Iterator end() const { return {}; }

    /// The first whose key is not less than `key`.
    template <class K>
    Iterator lower_bound(const K& key) const {
        Iterator found;
        for (const Node* node = root_.get(); node != nullptr;) {
            if (node->item->first < key) {
                node = node->right.get();
            } else {
                found.path_.push_back(node);
                node = node->left.get();
            }
        }
        return found;
    }

    /// Null when there is none.
    template <class K>
    const Value* find(const K& key) const {
        const Node* node = root_.get();
        while (node != nullptr) {
            if (key < node->item->first) {
                node = node->left.get();
            } else if (node->item->first < key) {
                node = node->right.get();
            } else {
                return &node->item->second;
            }
        }
        return nullptr;
    }
    template <class K>
    bool contains(const K& key) const {
        return find(key) != nullptr;
    }

    /// Inserts or replaces.
    void set(Key key, Value value) { root_ = inserted(root_, std::move(key), std::move(value)); }
    template <class K>
    void erase(const K& key) {
        if (contains(key)) root_ = erased(root_, key);
    }
    void clear() { root_ = nullptr; }

    friend bool operator==(const PersistentMap& a, const PersistentMap& b) {
        return a.root_ == b.root_ || (a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin()));
    }

 private:
    static std::size_t size_of(const NodePtr& node) { return node == nullptr ? 0 : node->size; }
    static int height_of(const NodePtr& node) { return node == nullptr ? 0 : node->height; }

    static ItemPtr item_of(Key&& key, Value&& value) {
        return std::make_shared<const value_type>(std::move(key), std::move(value));
    }

    static NodePtr make(ItemPtr item, NodePtr left, NodePtr right) {
        const int height = 1 + std::max(height_of(left), height_of(right));
        const std::size_t size = 1 + size_of(left) + size_of(right);
        return std::make_shared<const Node>(Node{std::move(item), std::move(left), std::move(right), height, size});
    }

    /// Joins two trees whose heights differ by at most two.
    static NodePtr balanced(ItemPtr item, NodePtr left, NodePtr right) {
        if (height_of(left) > height_of(right) + 1) {
            if (height_of(left->left) >= height_of(left->right)) {
                return make(left->item, left->left, make(std::move(item), left->right, std::move(right)));
            }
            const NodePtr middle = left->right;
            return make(middle->item, make(left->item, left->left, middle->left),
                        make(std::move(item), middle->right, std::move(right)));
        }
        if (height_of(right) > height_of(left) + 1) {
            if (height_of(right->right) >= height_of(right->left)) {
                return make(right->item, make(std::move(item), std::move(left), right->left), right->right);
            }
            const NodePtr middle = right->left;
            return make(middle->item, make(std::move(item), std::move(left), middle->left),
                        make(right->item, middle->right, right->right));
        }
        return make(std::move(item), std::move(left), std::move(right));
    }

    static NodePtr inserted(const NodePtr& node, Key&& key, Value&& value) {
        if (node == nullptr) return make(item_of(std::move(key), std::move(value)), nullptr, nullptr);
        if (key < node->item->first) {
            return balanced(node->item, inserted(node->left, std::move(key), std::move(value)), node->right);
        }
        if (node->item->first < key) {
            return balanced(node->item, node->left, inserted(node->right, std::move(key), std::move(value)));
        }
        return make(item_of(std::move(key), std::move(value)), node->left, node->right);
    }

    static NodePtr without_first(const NodePtr& node) {
        if (node->left == nullptr) return node->right;
        return balanced(node->item, without_first(node->left), node->right);
    }

    template <class K>
    static NodePtr erased(const NodePtr& node, const K& key) {
        if (key < node->item->first) return balanced(node->item, erased(node->left, key), node->right);
        if (node->item->first < key) return balanced(node->item, node->left, erased(node->right, key));
        if (node->left == nullptr) return node->right;
        if (node->right == nullptr) return node->left;
        const Node* next = node->right.get();
        while (next->left != nullptr) next = next->left.get();
        return balanced(next->item, node->left, without_first(node->right));
    }

    NodePtr root_;
};

}  // namespace moldau::metadata
