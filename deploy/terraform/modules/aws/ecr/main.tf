# Images of this side, kept in this cloud: a failover must not pull from the cloud that is gone. Tags cannot be
# moved, so what a digest or a tag names today it names for ever; what nobody names any more is thrown away.
resource "aws_ecr_repository" "this" {
  for_each = var.repositories

  name                 = "${var.prefix}/${each.key}"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = !var.context.protection.deletion_protection
  tags                 = var.context.tags

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = var.key_arn
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Images that lost their tag"
      selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = var.keep.untagged_days }
      action       = { type = "expire" }
      }, {
      rulePriority = 2
      description  = "All but the newest releases"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = var.keep.images }
      action       = { type = "expire" }
    }]
  })
}
