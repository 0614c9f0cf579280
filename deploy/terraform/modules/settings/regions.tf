# Regions with at least three availability zones, as both clouds publish them.
# Sources: https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
#          https://learn.microsoft.com/azure/reliability/regions-list
locals {
  regions = {
    aws = [
      "af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1",
      "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2",
      "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-2",
    ]
    azure = [
      "australiaeast", "brazilsouth", "canadacentral", "centralindia", "centralus", "eastasia", "eastus", "eastus2",
      "francecentral", "germanywestcentral", "italynorth", "japaneast", "koreacentral", "northeurope", "norwayeast",
      "polandcentral", "southafricanorth", "southcentralus", "southeastasia", "spaincentral", "swedencentral",
      "switzerlandnorth", "uksouth", "westeurope", "westus2", "westus3",
    ]
  }
}
