terraform {
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.60.0, < 7.0.0"
    }
  }

  # State stays in this cloud: the loss of the other one must not keep anybody from changing this one.
  # Bucket, region and key come from stacks/bootstrap-aws: terraform init -backend-config=backend.hcl
  backend "s3" {
    key          = "aws/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = module.settings.context.tags
  }
}
