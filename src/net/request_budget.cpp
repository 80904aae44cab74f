#include <moldau/net/request_budget.h>

namespace moldau::net {

RequestBudget::RequestBudget(std::size_t total_bytes)
    : account_(std::make_shared<Account>(total_bytes)), reserve_bytes_(total_bytes / 8) {}

RequestBudget::Ticket RequestBudget::start_frame() {
    started_.insert(next_ticket_);
    return next_ticket_++;
}

void RequestBudget::end_frame(Ticket ticket) {
    if (ticket == 0) return;
    const bool was_oldest = *started_.begin() == ticket;
    started_.erase(ticket);
    if (was_oldest && is_spent() && account_->notify) account_->notify();
}

bool RequestBudget::may_read(Ticket ticket, std::size_t frame_bytes) const {
    if (!is_spent()) return true;
    if (!started_.empty() && *started_.begin() == ticket) return true;
    return frame_bytes <= small_frame_bytes && account_->used_bytes < account_->total_bytes + reserve_bytes_;
}

void RequestBudget::Account::give_back(std::size_t bytes) {
    const bool was_spent = is_spent();
    used_bytes -= bytes;
    if (was_spent && notify) notify();
}

}  // namespace moldau::net
