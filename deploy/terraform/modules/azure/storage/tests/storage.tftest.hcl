mock_provider "azurerm" {
  override_during = plan
  mock_resource "azurerm_storage_account" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop-prod/providers/Microsoft.Storage/storageAccounts/shop" }
  }
  mock_resource "azurerm_eventgrid_system_topic" {
    defaults = { identity = { principal_id = "33333333-3333-3333-3333-333333333333" } }
  }
}

variables {
  context = {
    name        = "shop-prod"
    environment = "production"
    region      = "westeurope"
    tags        = { application = "shop", environment = "production", owner = "payments@example.com", cost-center = "CC-1", data-classification = "confidential", managed-by = "terraform" }
    protection  = { deletion_protection = true, multi_zone = true, backup_retention_days = 35, log_retention_days = 400 }
  }
  resource_group_name = "shop-prod"
  unique_suffix       = "a1b2c"
  containers          = ["documents"]
  endpoint            = { subnet_id = "subnet", private_zone_id = "zone", queue_zone_id = "queues" }
  encryption          = { key_id = "https://shop.vault.azure.net/keys/storage", identity_id = "identity" }
}

run "blobs_are_private_and_reached_over_tls_by_identity" {
  command = plan

  assert {
    condition     = !azurerm_storage_account.this.public_network_access_enabled && !azurerm_storage_account.this.allow_nested_items_to_be_public && !azurerm_storage_account.this.shared_access_key_enabled
    error_message = "No public network, no public containers, no shared keys."
  }

  assert {
    condition     = azurerm_storage_account.this.https_traffic_only_enabled && azurerm_storage_account.this.min_tls_version == "TLS1_2" && alltrue([for container in azurerm_storage_container.this : container.container_access_type == "private"])
    error_message = "TLS only, private containers."
  }
}

run "what_is_deleted_can_be_had_back" {
  command = plan

  assert {
    condition     = azurerm_storage_account.this.blob_properties[0].versioning_enabled && azurerm_storage_account.this.blob_properties[0].change_feed_enabled && azurerm_storage_account.this.blob_properties[0].delete_retention_policy[0].days == 35 && azurerm_storage_account.this.blob_properties[0].restore_policy[0].days == 34
    error_message = "Versions, change feed, soft delete and restore."
  }

  assert {
    condition     = azurerm_storage_account.this.account_replication_type == "ZRS" && length(azurerm_management_lock.this) == 1
    error_message = "Production survives a zone and is locked."
  }
}

run "every_change_of_a_blob_is_queued_by_identity" {
  command = plan

  assert {
    condition     = output.event_queue_url == "https://shopproda1b2c.queue.core.windows.net/events"
    error_message = "The reader is told where the queue is."
  }

  assert {
    condition     = azurerm_eventgrid_system_topic_event_subscription.this["documents"].delivery_identity[0].type == "SystemAssigned" && azurerm_eventgrid_system_topic_event_subscription.this["documents"].subject_filter[0].subject_begins_with == "/blobServices/default/containers/documents/"
    error_message = "A firewall lets the topic's own identity in and no other, and dead letters are no events."
  }

  assert {
    condition     = azurerm_storage_container.dead_letters[0].container_access_type == "private"
    error_message = "What could not be delivered is kept in private."
  }
}

run "without_events_there_is_no_queue" {
  command = plan
  variables {
    events   = false
    endpoint = { subnet_id = "subnet", private_zone_id = "zone" }
  }

  assert {
    condition     = output.event_queue_url == null && length(azurerm_private_endpoint.queue) == 0 && length(azurerm_eventgrid_system_topic.this) == 0
    error_message = "Nothing of it is made."
  }
}

run "refuses_queue_without_a_name" {
  command = plan
  variables {
    endpoint = { subnet_id = "subnet", private_zone_id = "zone" }
  }
  expect_failures = [var.endpoint]
}

run "refuses_long_suffix" {
  command = plan
  variables {
    unique_suffix = "a-long-one"
  }
  expect_failures = [var.unique_suffix]
}

run "refuses_container_with_capitals" {
  command = plan
  variables {
    containers = ["Documents"]
  }
  expect_failures = [var.containers]
}

run "refuses_unknown_replication" {
  command = plan
  variables {
    replication = "RAID1"
  }
  expect_failures = [var.replication]
}

run "refuses_one_copy_in_production" {
  command = plan
  variables {
    replication = "LRS"
  }
  expect_failures = [var.replication]
}

run "refuses_cool_tier_too_soon" {
  command = plan
  variables {
    lifecycle_days = { cool = 7 }
  }
  expect_failures = [var.lifecycle_days]
}

run "refuses_old_versions_gone_before_the_backup" {
  command = plan
  variables {
    lifecycle_days = { old_versions = 7 }
  }
  expect_failures = [var.lifecycle_days]
}

run "refuses_key_with_version" {
  command = plan
  variables {
    encryption = { key_id = "https://shop.vault.azure.net/keys/storage/0123", identity_id = "i" }
  }
  expect_failures = [var.encryption]
}

