# Created and deleted blobs become messages in a queue: hints for replication to the other cloud, which
# compares listings anyway. Behind a firewall the service delivers with the topic's system-assigned
# identity only (https://learn.microsoft.com/azure/event-grid/handler-storage-queues). A message lives a week,
# longer than any outage of the other cloud this is meant to bridge; what could not be delivered in a day
# goes to a container of its own.
resource "azurerm_storage_queue" "events" {
  count = var.events ? 1 : 0

  name               = "events"
  storage_account_id = azurerm_storage_account.this.id
}

resource "azurerm_storage_container" "dead_letters" {
  count = var.events ? 1 : 0

  name                  = "events-dead"
  storage_account_id    = azurerm_storage_account.this.id
  container_access_type = "private"
}

resource "azurerm_eventgrid_system_topic" "this" {
  count = var.events ? 1 : 0

  name                = "${var.context.name}-blobs"
  location            = var.context.region
  resource_group_name = var.resource_group_name
  source_resource_id  = azurerm_storage_account.this.id
  topic_type          = "Microsoft.Storage.StorageAccounts"
  tags                = var.context.tags

  identity {
    type = "SystemAssigned"
  }
}

resource "azurerm_role_assignment" "event_sender" {
  count = var.events ? 1 : 0

  scope                = azurerm_storage_account.this.id
  role_definition_name = "Storage Queue Data Message Sender"
  principal_id         = azurerm_eventgrid_system_topic.this[0].identity[0].principal_id
}

resource "azurerm_role_assignment" "dead_letter_writer" {
  count = var.events ? 1 : 0

  scope                = azurerm_storage_container.dead_letters[0].id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = azurerm_eventgrid_system_topic.this[0].identity[0].principal_id
}

# Only the containers that are copied: a dead letter must not become an event of its own.
resource "azurerm_eventgrid_system_topic_event_subscription" "this" {
  for_each = var.events ? var.containers : []

  name                  = "${each.key}-events"
  system_topic          = azurerm_eventgrid_system_topic.this[0].name
  resource_group_name   = var.resource_group_name
  event_delivery_schema = "EventGridSchema"
  included_event_types  = ["Microsoft.Storage.BlobCreated", "Microsoft.Storage.BlobDeleted"]

  subject_filter {
    subject_begins_with = "/blobServices/default/containers/${each.key}/"
    case_sensitive      = true
  }

  storage_queue_endpoint {
    storage_account_id                    = azurerm_storage_account.this.id
    queue_name                            = azurerm_storage_queue.events[0].name
    queue_message_time_to_live_in_seconds = 604800
  }

  delivery_identity {
    type = "SystemAssigned"
  }

  retry_policy {
    event_time_to_live    = 1440
    max_delivery_attempts = 30
  }

  storage_blob_dead_letter_destination {
    storage_account_id          = azurerm_storage_account.this.id
    storage_blob_container_name = azurerm_storage_container.dead_letters[0].name
  }

  dead_letter_identity {
    type = "SystemAssigned"
  }

  depends_on = [azurerm_role_assignment.event_sender, azurerm_role_assignment.dead_letter_writer]
}

resource "azurerm_private_endpoint" "queue" {
  count = var.events ? 1 : 0

  name                = "${var.context.name}-queue"
  location            = var.context.region
  resource_group_name = var.resource_group_name
  subnet_id           = var.endpoint.subnet_id
  tags                = var.context.tags

  private_service_connection {
    name                           = "queue"
    private_connection_resource_id = azurerm_storage_account.this.id
    subresource_names              = ["queue"]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "queue"
    private_dns_zone_ids = [var.endpoint.queue_zone_id]
  }
}
