# Secrets that the manifests ask for. Those of the other site are kept here too: a controller must work while
# the other cloud is gone.
locals {
  site_secrets = {
    database-controller = "Role cloudphoenix of the database: promotes and fences"
    database-replicator = "Role replicator of the database: the other site subscribes with it"
    database-app        = "Role of the application in the database"
    keeper-database     = "Role agent of the database: renews the lease and nothing more"
    keeper-witness      = "Login of the agent here at the state database"
    provider-token      = "Bearer token of the site's provider API"
    agent-token         = "Bearer token of the agent in this site"
  }
  peer_secrets = {
    peer-database-controller = "Role cloudphoenix of the other site's database"
    peer-database-replicator = "Role replicator of the other site's database"
    peer-provider-token      = "Bearer token of the other site's provider API"
    peer-agent-token         = "Bearer token of the other site's agent"
  }
  shared_secrets = {
    tsig                = "Key that signs DNS updates"
    alert-webhook       = "URL of the channel that is told, which holds its secret"
    api-token           = "Bearer token of the controller's API, 32 characters or more"
    state-password      = "Password of the state database"
    outside-agent-token = "Bearer token of the agent in neither cloud"
  }
  secrets = merge(local.site_secrets, local.peer_secrets, local.shared_secrets)
}
