# Pods prove who they are with the cluster's own tokens; IAM trusts exactly one service account per role.
locals {
  issuer = trimprefix(aws_eks_cluster.this.identity[0].oidc[0].issuer, "https://")

  # The network plug-in is the one identity every cluster needs.
  identities = merge(
    { for name, identity in var.workload_identities : name => { namespace = identity.namespace, service_account = identity.service_account } },
    { vpc-cni = { namespace = "kube-system", service_account = "aws-node" } },
  )

  # Issuers whose tokens count, by identity: the cluster's own, and for some the other cloud's.
  trusted = { for name in keys(local.identities) : name => concat(
    [{ provider = aws_iam_openid_connect_provider.this.arn, issuer = local.issuer }],
    var.peer_trust == null ? [] : contains(var.peer_trust.identities, name) ? [{
      provider = aws_iam_openid_connect_provider.peer[0].arn
      issuer   = trimprefix(var.peer_trust.issuer_url, "https://")
    }] : [],
  ) }
}

resource "aws_iam_openid_connect_provider" "this" {
  url            = aws_eks_cluster.this.identity[0].oidc[0].issuer
  client_id_list = ["sts.amazonaws.com"]
  tags           = var.context.tags
}

# No key crosses the clouds: the other cluster's pods show their own token here.
resource "aws_iam_openid_connect_provider" "peer" {
  count = var.peer_trust == null ? 0 : 1

  url            = var.peer_trust.issuer_url
  client_id_list = ["sts.amazonaws.com"]
  tags           = var.context.tags
}

resource "aws_iam_role" "workload" {
  for_each = local.identities

  name_prefix          = "${substr("${var.context.name}-${each.key}", 0, 37)}-"
  description          = "Pods with service account ${each.value.namespace}/${each.value.service_account}"
  max_session_duration = 3600
  tags                 = var.context.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [for trusted in local.trusted[each.key] : {
      Effect    = "Allow"
      Principal = { Federated = trusted.provider }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "${trusted.issuer}:sub" = "system:serviceaccount:${each.value.namespace}:${each.value.service_account}"
          "${trusted.issuer}:aud" = "sts.amazonaws.com"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "workload" {
  for_each = var.workload_identities

  name_prefix = "least-"
  role        = aws_iam_role.workload[each.key].id
  policy      = each.value.policy
}

resource "aws_iam_role_policy_attachment" "network" {
  role       = aws_iam_role.workload["vpc-cni"].name
  policy_arn = "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"
}
