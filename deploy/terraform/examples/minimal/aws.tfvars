# The smallest site that can fail over: development, active, one tunnel to come.
application = "shop"
environment = "development"
region      = "eu-central-1"
owner       = "payments@example.com"
cost_center = "CC-4711"
account_id  = "123456789012"
posture     = "active"
alert_mail  = ["payments@example.com"]

network = {
  cidr                = "10.20.0.0/16"
  peer_cidrs          = ["10.40.0.0/16"]
  availability_zones  = ["eu-central-1a", "eu-central-1b"]
  nat_gateways        = "single"
  interface_endpoints = []
}

kubernetes = { version = "1.34" }
database   = { engine_version = 17, peer_engine_version = 17 }

capacity = {
  active = {
    nodes    = { instance_types = ["t4g.medium"], min = 1, desired = 2, max = 4 }
    database = { class = "db.t4g.medium", storage_gib = 20, max_storage_gib = 100 }
  }
  standby = {
    nodes    = { instance_types = ["t4g.medium"], min = 1, desired = 1, max = 4 }
    database = { class = "db.t4g.medium", storage_gib = 20, max_storage_gib = 100 }
  }
}

entry = {
  host            = "shop.example.com"
  hosts           = { storefront = "www.shop.example.com" }
  certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
}

cloudphoenix = {
  entry_url    = "https://aws.shop.example.com"
  provider_url = "https://provider.aws.shop.example.com"
  agent_url    = "http://agent.aws.internal.example.com:8081"
  traffic = {
    server = "ns1.example.com:53"
    zone   = "example.com"
    name   = "shop.example.com"
  }
}
