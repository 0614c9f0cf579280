# Production, active, everything on: three zones, tunnels, DNS, a copy of backups in another region.
application         = "shop"
environment         = "production"
region              = "eu-central-1"
owner               = "payments@example.com"
cost_center         = "CC-4711"
data_classification = "restricted"
extra_tags          = { team = "payments" }
account_id          = "123456789012"
posture             = "active"
alert_mail          = ["oncall@example.com"]

network = {
  cidr               = "10.20.0.0/16"
  peer_cidrs         = ["10.40.0.0/16"]
  availability_zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
}

connectivity = {
  peer_gateway_addresses = ["198.51.100.4", "198.51.100.5"]
  peer_dns = {
    domains            = ["shop-prod.postgres.database.azure.com", "shop-prod.private.postgres.database.azure.com"]
    resolver_addresses = ["10.40.254.4"]
  }
}

kubernetes = {
  version         = "1.34"
  admin_role_arns = { platform = "arn:aws:iam::123456789012:role/platform" }
}

database = { engine_version = 17, peer_engine_version = 17 }

capacity = {
  active = {
    nodes    = { instance_types = ["m7g.large", "m6g.large"], min = 3, desired = 6, max = 12 }
    database = { class = "db.m7g.xlarge", storage_gib = 200, max_storage_gib = 1000 }
  }
  standby = {
    nodes    = { instance_types = ["m7g.large", "m6g.large"], min = 2, desired = 2, max = 12 }
    database = { class = "db.m7g.large", storage_gib = 200, max_storage_gib = 1000 }
  }
}

entry = {
  host              = "shop.example.com"
  hosts             = { storefront = "www.shop.example.com" }
  certificate_arn   = "arn:aws:acm:eu-central-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  access_log_bucket = "shop-prod-access-logs-123456789012"
}

# One switch must own the name clients resolve: this one, thrown by hand, or `cloudphoenix.traffic` below, thrown by CloudPhoenix.
dns = {
  zone_name           = "example.com"
  secondary_addresses = ["198.51.100.10"]
  switch_url          = "https://shopswitch.blob.core.windows.net/switch/secondary"
}

backup_copy_vault_arn = "arn:aws:backup:eu-west-1:123456789012:backup-vault:shop-prod"

peer_oidc_issuer_url = "https://westeurope.oic.prod-aks.azure.com/11111111-1111-1111-1111-111111111111/abc/"

cloudphoenix = {
  entry_url    = "https://aws.shop.example.com"
  provider_url = "https://provider.aws.shop.example.com"
  agent_url    = "http://agent.aws.internal.example.com:8081"
  traffic = {
    server      = "ns1.example.com:53"
    zone        = "example.com"
    name        = "shop.example.com"
    ttl_seconds = 5
  }
}
