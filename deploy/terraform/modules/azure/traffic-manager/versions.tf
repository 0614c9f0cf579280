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
}
