# azurerm 5 renames an argument of the private DNS zone link and makes another required in AKS; a module
# cannot satisfy 4 and 5 at once, so the bound is below 5.
terraform {
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.73.0, < 5.0.0"
    }
  }

  # State stays in this cloud: the loss of the other one must not keep anybody from changing this one.
  # Account and container come from stacks/bootstrap-azure: terraform init -backend-config=backend.hcl
  backend "azurerm" {
    key              = "azure.terraform.tfstate"
    use_azuread_auth = true
  }
}

provider "azurerm" {
  subscription_id     = var.subscription_id
  tenant_id           = var.tenant_id
  storage_use_azuread = true

  features {}
}
