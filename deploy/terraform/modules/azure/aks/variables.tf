variable "kubernetes_version" {
  description = "Minor version of Kubernetes. Keep both clouds on the same one: manifests are tested against one."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["1.33", "1.34", "1.35"], var.kubernetes_version)
    error_message = "kubernetes_version must be 1.33, 1.34 or 1.35; extend the list when the manifests have been checked against a newer one."
  }
}

variable "tenant_id" {
  description = "Entra tenant of people and groups."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.tenant_id))
    error_message = "tenant_id must be a GUID."
  }
}

variable "subnet_id" {
  description = "Subnet of the nodes; pods have an overlay of their own."
  type        = string
  nullable    = false
}

variable "virtual_network_id" {
  description = "The network; the cluster's identity may join load balancers to it."
  type        = string
  nullable    = false
}

variable "overlay" {
  description = "Ranges inside the cluster for pods and services; they overlap neither each other nor a network they are routed beside."
  type = object({
    pod_cidr     = optional(string, "100.64.0.0/16")
    service_cidr = optional(string, "100.65.0.0/20")
  })
  nullable = false
  default  = {}

  validation {
    condition     = can(cidrnetmask(var.overlay.pod_cidr)) && can(cidrnetmask(var.overlay.service_cidr))
    error_message = "overlay.pod_cidr and overlay.service_cidr must be IPv4 networks."
  }

  # Two networks overlap exactly if they are the same after cutting both to the shorter prefix.
  validation {
    condition = try(
      cidrsubnet("${split("/", var.overlay.pod_cidr)[0]}/${min(split("/", var.overlay.pod_cidr)[1], split("/", var.overlay.service_cidr)[1])}", 0, 0) !=
      cidrsubnet("${split("/", var.overlay.service_cidr)[0]}/${min(split("/", var.overlay.pod_cidr)[1], split("/", var.overlay.service_cidr)[1])}", 0, 0),
      true,
    )
    error_message = "overlay.pod_cidr and overlay.service_cidr must not overlap."
  }
}

variable "admin_group_object_ids" {
  description = "Entra groups that administer the cluster. Local accounts are off: there is no other way in."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.admin_group_object_ids) > 0 && alltrue([for id in var.admin_group_object_ids : can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", id))])
    error_message = "admin_group_object_ids must be GUIDs, one at least, or nobody could administer the cluster."
  }
}

variable "nodes" {
  description = <<-EOT
    Size of the workload pool. A warm standby keeps `min` small and `max` large: the nodes it lacks are bought at failover.
    - `size`: virtual machine size, for instance `Standard_D2ps_v6`.
    - `min`, `max`: nodes between which the autoscaler moves.
    - `disk_gib`: root disk, 30 to 500.
  EOT
  type = object({
    size     = string
    min      = number
    max      = number
    disk_gib = optional(number, 64)
  })
  nullable = false

  validation {
    condition     = can(regex("^Standard_(B[0-9]+[a-z]*_v2|[DEF][0-9]+[a-z]*_v[5-7])$", var.nodes.size))
    error_message = "nodes.size must be a current B, D, E or F size, for instance Standard_D2ps_v6."
  }

  validation {
    condition     = var.nodes.min >= 1 && var.nodes.min <= var.nodes.max && var.nodes.max <= 100
    error_message = "nodes must satisfy 1 <= min <= max <= 100."
  }

  validation {
    condition     = var.context.environment != "production" || (var.nodes.min >= 2 && !startswith(var.nodes.size, "Standard_B"))
    error_message = "Production keeps two nodes at least, and none of a burstable size."
  }

  validation {
    condition     = var.nodes.disk_gib >= 30 && var.nodes.disk_gib <= 500
    error_message = "nodes.disk_gib must be 30 to 500."
  }
}

variable "workload_identities" {
  description = <<-EOT
    Identities that pods take through their service account (workload identity), by name, and the roles each has.
    - `roles`: scope by role name, for instance `{ "Key Vault Secrets User" = vault id }`.
  EOT
  type = map(object({
    namespace       = string
    service_account = string
    roles           = optional(map(string), {})
  }))
  nullable = false
  default  = {}

  validation {
    condition = alltrue([for identity in values(var.workload_identities) :
      can(regex("^[a-z0-9-]{1,63}$", identity.namespace)) && can(regex("^[a-z0-9-]{1,63}$", identity.service_account))
    ])
    error_message = "workload_identities name one namespace and one service account each, without wildcards."
  }

  validation {
    condition     = alltrue(flatten([for identity in values(var.workload_identities) : [for role in keys(identity.roles) : !contains(["Owner", "Contributor", "User Access Administrator", "Role Based Access Control Administrator"], role)]]))
    error_message = "workload_identities[*].roles must not be Owner, Contributor or an access administrator; choose the role of the one service."
  }
}

variable "peer_trust" {
  description = <<-EOT
    The other cloud's cluster, whose pods of the same namespace and service account may take these identities too; null trusts nobody there.
    - `issuer_url`: its OIDC issuer, exactly as it prints it (a final slash counts).
    - `identities`: names of `workload_identities`; those that copy data between the clouds.
  EOT
  type        = object({ issuer_url = string, identities = set(string) })
  default     = null

  validation {
    condition     = var.peer_trust == null ? true : can(regex("^https://[a-z0-9.-]+/.+$", var.peer_trust.issuer_url))
    error_message = "peer_trust.issuer_url must be the https URL of an OIDC issuer: the output oidc_issuer_url of the other stack."
  }

  validation {
    condition     = var.peer_trust == null ? true : length(var.peer_trust.identities) > 0 && length(setsubtract(var.peer_trust.identities, keys(var.workload_identities))) == 0
    error_message = "peer_trust.identities must name some of workload_identities."
  }
}

variable "log_workspace_id" {
  description = "Workspace of the control plane's logs."
  type        = string
  nullable    = false
}
