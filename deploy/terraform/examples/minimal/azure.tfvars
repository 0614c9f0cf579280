# The smallest standby: development, burstable sizes, a gateway for one tunnel to come.
# Secrets go beside it: TF_VAR_database_password='{"value":"…","version":1}'
application     = "shop"
environment     = "development"
region          = "westeurope"
owner           = "payments@example.com"
cost_center     = "CC-4711"
subscription_id = "00000000-0000-0000-0000-000000000000"
tenant_id       = "11111111-1111-1111-1111-111111111111"
posture         = "warm-standby"
alert_mail      = ["payments@example.com"]

network = {
  cidr       = "10.40.0.0/16"
  peer_cidrs = ["10.20.0.0/16"]
}

connectivity = {}

kubernetes = {
  version                = "1.34"
  admin_group_object_ids = ["22222222-2222-2222-2222-222222222222"]
}

database = {
  engine_version      = 17
  peer_engine_version = 17
  admin_group_id      = "22222222-2222-2222-2222-222222222222"
  admin_group_name    = "platform"
}

capacity = {
  active = {
    nodes    = { size = "Standard_B2s_v2", min = 2, max = 4 }
    database = { sku = "B_Standard_B2ms", storage_mib = 32768 }
  }
  standby = {
    nodes    = { size = "Standard_B2s_v2", min = 1, max = 4 }
    database = { sku = "B_Standard_B2ms", storage_mib = 32768 }
  }
}

entry = { host = "shop.example.com" }

cloudphoenix = {
  entry_url    = "https://azure.shop.example.com"
  provider_url = "https://provider.azure.shop.example.com"
  agent_url    = "http://agent.azure.internal.example.com:8081"
}
