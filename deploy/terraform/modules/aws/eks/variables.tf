variable "account_id" {
  description = "AWS account; used in ARNs of service roles."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits, for instance 123456789012."
  }
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes. Keep both clouds on the same one: manifests are tested against one."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["1.33", "1.34", "1.35"], var.kubernetes_version)
    error_message = "kubernetes_version must be 1.33, 1.34 or 1.35; extend the list when the manifests have been checked against a newer one."
  }
}

variable "vpc_id" {
  description = "VPC of the cluster."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "Private subnets for nodes and the control plane's interfaces, in two zones at least."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= (var.context.protection.multi_zone ? 3 : 2)
    error_message = "subnet_ids must be two subnets at least, three where context.protection.multi_zone is set."
  }
}

variable "public_access_cidrs" {
  description = "Addresses that may reach the Kubernetes API over the internet. Empty, the default, keeps it private."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for cidr in var.public_access_cidrs : can(cidrnetmask(cidr))])
    error_message = "public_access_cidrs must be IPv4 networks, for instance [\"203.0.113.8/32\"]."
  }

  validation {
    condition     = alltrue([for cidr in var.public_access_cidrs : try(tonumber(split("/", cidr)[1]) >= 24, true)])
    error_message = "public_access_cidrs must be /24 or narrower: name the office or the runner, not the world."
  }

  validation {
    condition     = var.context.environment != "production" || length(var.public_access_cidrs) == 0
    error_message = "Production keeps the Kubernetes API private; go through the VPN or a runner inside."
  }
}

variable "api_client_security_group_ids" {
  description = "Security groups (runners, bastions, the CloudPhoenix controller) that may talk to the Kubernetes API, by a name known at plan time."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = alltrue([for group in values(var.api_client_security_group_ids) : startswith(group, "sg-")])
    error_message = "api_client_security_group_ids must be security group ids such as sg-0123."
  }
}

variable "nodes" {
  description = <<-EOT
    Size of the node group. A warm standby keeps `desired` small and `max` large: the nodes it lacks are bought at failover.
    - `instance_types`: in order of preference; several make a shortage of one less likely.
    - `min`, `desired`, `max`: nodes; `desired` is only the first value, the autoscaler owns it afterwards.
    - `disk_gib`: root volume, 20 to 500.
  EOT
  type = object({
    instance_types = list(string)
    min            = number
    desired        = number
    max            = number
    disk_gib       = optional(number, 50)
  })
  nullable = false

  validation {
    condition     = length(var.nodes.instance_types) > 0 && alltrue([for type in var.nodes.instance_types : can(regex("^(t3|t4g|[cmr][5-9][a-z]{0,3})\\.(medium|large|[0-9]{0,2}xlarge)$", type))])
    error_message = "nodes.instance_types must be current c, m, r or t types, for instance m7g.large."
  }

  validation {
    condition     = var.nodes.min >= 1 && var.nodes.min <= var.nodes.desired && var.nodes.desired <= var.nodes.max && var.nodes.max <= 100
    error_message = "nodes must satisfy 1 <= min <= desired <= max <= 100."
  }

  validation {
    condition     = var.context.environment != "production" || (var.nodes.min >= 2 && !anytrue([for type in var.nodes.instance_types : startswith(type, "t")]))
    error_message = "Production keeps two nodes at least (one may be drained), and none of a burstable type."
  }

  validation {
    condition     = var.nodes.disk_gib >= 20 && var.nodes.disk_gib <= 500
    error_message = "nodes.disk_gib must be 20 to 500."
  }

  validation {
    condition     = length(distinct([for type in var.nodes.instance_types : can(regex("^[a-z][0-9][a-z]*g[a-z]*\\.", type))])) <= 1
    error_message = "nodes.instance_types must all be of one architecture: an image runs on Graviton or on x86, not on either by chance."
  }
}

variable "workload_identities" {
  description = <<-EOT
    IAM roles that pods take through their service account (IRSA), by name. The policy is the least the pod needs, as JSON.
  EOT
  type = map(object({
    namespace       = string
    service_account = string
    policy          = string
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
    condition     = alltrue([for identity in values(var.workload_identities) : can(jsondecode(identity.policy).Statement)])
    error_message = "workload_identities[*].policy must be the JSON of an IAM policy."
  }

  # Administration in two characters: neither every action nor every resource of a service that has named ones.
  validation {
    condition = alltrue(flatten([for identity in values(var.workload_identities) : [
      for statement in try(jsondecode(identity.policy).Statement, []) :
      !contains(flatten([try(statement.Action, [])]), "*") && alltrue([for action in flatten([try(statement.Action, [])]) : !can(regex(":\\*$", action))])
    ]]))
    error_message = "workload_identities[*].policy must name its actions; * and service:* are not least privilege."
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

variable "admin_role_arns" {
  description = "IAM roles that administer the cluster, by name. Whoever creates the cluster is not one of them by accident."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = alltrue([for arn in values(var.admin_role_arns) : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/", arn))])
    error_message = "admin_role_arns must be ARNs of IAM roles, not users and not account roots."
  }
}

variable "key_arns" {
  description = "KMS keys: `cluster` encrypts Kubernetes secrets, `logs` the control plane's logs."
  type        = object({ cluster = string, logs = string })
  nullable    = false

  validation {
    condition     = alltrue([for arn in [var.key_arns.cluster, var.key_arns.logs] : can(regex("^arn:aws[a-z-]*:kms:", arn))])
    error_message = "key_arns must be ARNs of KMS keys."
  }
}
