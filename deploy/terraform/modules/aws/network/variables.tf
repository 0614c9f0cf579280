variable "cidr" {
  description = "Private IPv4 range of the VPC, /16 to /20. It must not overlap the other cloud's: both are routed over one tunnel."
  type        = string
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.cidr)) && try(cidrhost(var.cidr, 0) == split("/", var.cidr)[0], false)
    error_message = "cidr must be an IPv4 network with its first address, for instance 10.20.0.0/16."
  }

  validation {
    condition     = try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 20, false)
    error_message = "cidr must be a /16 to /20: subnets for nodes, databases and load balancers in up to four zones are cut from it."
  }

  validation {
    condition     = can(regex("^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)", var.cidr))
    error_message = "cidr must be private (RFC 1918), for instance 10.20.0.0/16."
  }
}

variable "peer_cidrs" {
  description = "Ranges on the other side of the tunnel (the other cloud's network)."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for peer in var.peer_cidrs : can(cidrnetmask(peer))])
    error_message = "peer_cidrs must be IPv4 networks, for instance [\"10.40.0.0/16\"]."
  }

  # Two networks overlap exactly if they are the same after cutting both to the shorter prefix.
  validation {
    condition = alltrue([
      for peer in var.peer_cidrs : try(
        cidrsubnet("${split("/", peer)[0]}/${min(split("/", peer)[1], split("/", var.cidr)[1])}", 0, 0) !=
        cidrsubnet("${split("/", var.cidr)[0]}/${min(split("/", peer)[1], split("/", var.cidr)[1])}", 0, 0),
        true,
      )
    ])
    error_message = "peer_cidrs must not overlap cidr: packets for the other cloud would stay here. Give the clouds ranges such as 10.20.0.0/16 and 10.40.0.0/16."
  }
}

variable "availability_zones" {
  description = "Zones to spread over, two to four; production needs three so that a lost zone leaves a quorum."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.availability_zones) >= 2 && length(var.availability_zones) <= 4 && length(distinct(var.availability_zones)) == length(var.availability_zones)
    error_message = "availability_zones must be two to four different zones, for instance [\"eu-central-1a\", \"eu-central-1b\", \"eu-central-1c\"]."
  }

  validation {
    condition     = alltrue([for zone in var.availability_zones : can(regex("^${var.context.region}[a-f]$", zone))])
    error_message = "availability_zones must be zones of context.region."
  }

  validation {
    condition     = var.context.environment != "production" || length(var.availability_zones) >= 3
    error_message = "Production needs three availability zones."
  }
}

variable "nat_gateways" {
  description = "How private subnets reach the internet: `none` (interface endpoints only), `single` (a zone's loss cuts egress) or `per-zone` (each about 33 USD a month before traffic)."
  type        = string
  nullable    = false
  default     = "per-zone"

  validation {
    condition     = contains(["none", "single", "per-zone"], var.nat_gateways)
    error_message = "nat_gateways must be none, single or per-zone."
  }

  validation {
    condition     = !(var.context.environment == "production" && var.nat_gateways == "single")
    error_message = "Production has a NAT gateway in each zone or none: with one, the loss of its zone cuts the others off."
  }
}

variable "interface_endpoints" {
  description = "AWS services reached over private endpoints in the VPC (each about 7 USD a month and zone). S3 has a gateway endpoint in any case."
  type        = set(string)
  nullable    = false
  default     = ["ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "kms", "logs", "rds", "secretsmanager", "sqs", "sts"]

  validation {
    condition     = alltrue([for service in var.interface_endpoints : can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)?$", service))])
    error_message = "interface_endpoints are short service names, for instance secretsmanager or ecr.api."
  }

  validation {
    condition     = var.nat_gateways != "none" || length(setsubtract(["ec2", "ecr.api", "ecr.dkr", "eks", "sts"], var.interface_endpoints)) == 0
    error_message = "Without a NAT gateway nodes need the endpoints ec2, ecr.api, ecr.dkr, eks and sts, or they never join the cluster."
  }
}

variable "log_key_arn" {
  description = "KMS key of the flow logs."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.log_key_arn))
    error_message = "log_key_arn must be the ARN of a KMS key."
  }
}
