#include <moldau/net/request_budget.h>

namespace moldau::net {

RequestBudget::Ticket RequestBudget::start_frame() {
    started_.insert(next_ticket_);
    return next_ticket_++;
}

void RequestBudget::end_frame(Ticket ticket) {
    if (ticket == 0) return;
    const bool was_oldest = *started_.begin() == ticket;
    started_.erase(ticket);
    if (was_oldest && is_spent() && notify_) notify_();
}

bool RequestBudget::may_read(Ticket ticket, std::size_t frame_bytes) const {
    if (!is_spent()) return true;
    if (!started_.empty() && *started_.begin() == ticket) return true;
    return frame_bytes <= small_frame_bytes && used_bytes_ < total_bytes_ + reserve_bytes_;
}

void RequestBudget::give_back(std::size_t bytes) {
    const bool was_spent = is_spent();
    used_bytes_ -= bytes;
    if (was_spent && notify_) notify_();
}

}  // namespace moldau::net
