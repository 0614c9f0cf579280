# Production, warm standby of the complete aws example: zones, tunnels, DNS, images in two regions.
# Secrets go beside it: TF_VAR_database_password='{"value":"…","version":1}' and TF_VAR_preshared_keys='["…"]'
application         = "shop"
environment         = "production"
region              = "westeurope"
owner               = "payments@example.com"
cost_center         = "CC-4711"
data_classification = "restricted"
extra_tags          = { team = "payments" }
subscription_id     = "00000000-0000-0000-0000-000000000000"
tenant_id           = "11111111-1111-1111-1111-111111111111"
posture             = "warm-standby"
alert_mail          = ["oncall@example.com"]

network = {
  cidr         = "10.40.0.0/16"
  peer_cidrs   = ["10.20.0.0/16"]
  dns_resolver = true
}

connectivity = {
  gateway_sku           = "VpnGw2AZ"
  peer_tunnel_addresses = ["203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"]
}

kubernetes = {
  version                = "1.34"
  admin_group_object_ids = ["22222222-2222-2222-2222-222222222222"]
}

database = {
  engine_version       = 17
  peer_engine_version  = 17
  admin_group_id       = "22222222-2222-2222-2222-222222222222"
  admin_group_name     = "platform"
  geo_redundant_backup = false
}

capacity = {
  active = {
    nodes    = { size = "Standard_D2ps_v6", min = 6, max = 12 }
    database = { sku = "GP_Standard_D4ads_v5", storage_mib = 262144 }
  }
  standby = {
    nodes    = { size = "Standard_D2ps_v6", min = 2, max = 12 }
    database = { sku = "GP_Standard_D2ads_v5", storage_mib = 262144 }
  }
}

registry_replica_regions = ["northeurope"]

entry = { host = "shop.example.com" }

traffic_manager = {
  relative_name = "shop-prod"
  peer          = { site = "aws-eu-central-1", address = "203.0.113.10" }
}

peer_oidc_issuer_url = "https://oidc.eks.eu-central-1.amazonaws.com/id/ABC"

cloudphoenix = {
  entry_url    = "https://azure.shop.example.com"
  provider_url = "https://provider.azure.shop.example.com"
  agent_url    = "http://agent.azure.internal.example.com:8081"
}
