variable "vpc_id" {
  description = "VPC of the load balancers."
  type        = string
  nullable    = false
}

variable "vpc_cidr" {
  description = "Range of the VPC; the only addresses the inner load balancer forwards to."
  type        = string
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.vpc_cidr))
    error_message = "vpc_cidr must be an IPv4 network, for instance 10.20.0.0/16."
  }
}

variable "public_subnet_ids" {
  description = "Public subnets, one a zone."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.public_subnet_ids) >= (var.context.protection.multi_zone ? 3 : 2)
    error_message = "public_subnet_ids must be two subnets at least, three where context.protection.multi_zone is set."
  }
}

variable "certificate_arn" {
  description = "ACM certificate of the application's name, in this region. Issue it before the failover, in both clouds: a certificate cannot be had during one."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:acm:${var.context.region}:[0-9]{12}:certificate/", var.certificate_arn))
    error_message = "certificate_arn must be an ACM certificate in context.region."
  }
}

variable "tls_policy" {
  description = "Protocols and ciphers offered to clients; TLS 1.2 with forward secrecy or better."
  type        = string
  nullable    = false
  default     = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"

  validation {
    condition     = contains(["ELBSecurityPolicy-TLS13-1-2-Res-2021-06", "ELBSecurityPolicy-TLS13-1-3-2021-06", "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09", "ELBSecurityPolicy-TLS13-1-3-PQ-2025-09"], var.tls_policy)
    error_message = "tls_policy must be a TLS 1.2 restricted or TLS 1.3 policy, for instance ELBSecurityPolicy-TLS13-1-2-Res-2021-06."
  }
}

variable "target" {
  description = "Pods behind the load balancer: their port, and the path that tells whether one is ready."
  type = object({
    port        = optional(number, 8080)
    health_path = optional(string, "/ready")
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.target.port >= 1024 && var.target.port <= 65535 && startswith(var.target.health_path, "/")
    error_message = "target.port must be 1024 to 65535 (pods have no rights to lower ones), target.health_path must begin with /."
  }
}

variable "hosts" {
  description = "Other services by name and the host each is asked for, for instance `{ storefront = \"www.shop.example.com\" }`; every other host goes to `target`. The certificate must name them, and DNS must lead them here."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.hosts) : can(regex("^[a-z][a-z0-9]{2,30}$", name))]) && length(distinct([for name in keys(var.hosts) : substr(name, 0, 5)])) == length(var.hosts)
    error_message = "hosts must have names of 3 to 31 lower-case letters or digits that differ in their first five, for instance storefront."
  }

  validation {
    condition     = alltrue([for host in values(var.hosts) : can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", host))]) && length(distinct(values(var.hosts))) == length(var.hosts)
    error_message = "hosts must lead to different DNS names, for instance www.shop.example.com."
  }
}

variable "public_paths" {
  description = "Paths that users and whoever watches the site may ask for, by name in `hosts`; `default` are those of `target`. `*` stands for anything. Every other path is answered 404."
  type        = map(list(string))
  nullable    = false
  default = {
    default    = ["/orders", "/orders/*", "/live", "/ready", "/health", "/traffic", "/cloud-status"]
    storefront = ["/", "/orders", "/orders/*", "/status", "/assets/*", "/live", "/ready", "/health", "/traffic", "/cloud-status"]
  }

  validation {
    condition     = alltrue([for name in concat(["default"], keys(var.hosts)) : length(lookup(var.public_paths, name, [])) > 0])
    error_message = "public_paths must have the paths of default and of every name in hosts."
  }

  validation {
    condition     = alltrue([for path in flatten(values(var.public_paths)) : can(regex("^/([A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*(/\\*)?)?$", path))])
    error_message = "public_paths must be paths like /, /orders or /assets/*; one that opens everything, like /*, is none."
  }

  validation {
    condition     = contains(lookup(var.public_paths, "default", []), var.target.health_path)
    error_message = "public_paths.default must hold target.health_path: the network load balancer asks for it."
  }
}

variable "access_log_bucket" {
  description = "Bucket for access logs in this region; null writes none."
  type        = string
  default     = null

  validation {
    condition     = var.access_log_bucket == null ? var.context.environment != "production" : can(regex("^[a-z0-9][a-z0-9.-]{2,62}$", var.access_log_bucket))
    error_message = "access_log_bucket must be a bucket's name; production needs one."
  }
}
