#pragma once
// Registrations of brokers and controllers, from their records and back.

#include <moldau/metadata/image.h>
#include <moldau/protocol/records/metadata_record.h>

namespace moldau::metadata {

BrokerRegistration registration_of(const protocol::RegisterBrokerRecord& record);
ControllerRegistration registration_of(const protocol::RegisterControllerRecord& record);

protocol::RegisterBrokerRecord record_of(const BrokerRegistration& broker);
protocol::RegisterControllerRecord record_of(const ControllerRegistration& controller);

}  // namespace moldau::metadata
