/**
 * Arguments as the providers' own documentation states them, an independent source for the snapshot, which is
 * rebuilt from generated bindings. Read from website/docs/r in hashicorp/terraform-provider-aws (commits 05389d4,
 * 07e0d0b) and hashicorp/terraform-provider-azurerm (commits 015f68e, 02a8af2). A trailing `!` means required;
 * `block.argument` stands inside a block.
 */
export const DOCUMENTED: Readonly<Record<string, string>> = {
  aws_route53_health_check: `reference_name fqdn ip_address port type! failure_threshold request_interval resource_path
    search_string measure_latency invert_healthcheck disabled enable_sni child_healthchecks child_health_threshold
    cloudwatch_alarm_name cloudwatch_alarm_region insufficient_data_health_status regions routing_control_arn tags
    triggers`,
  aws_eks_node_group: `cluster_name! node_role_arn! subnet_ids! scaling_config! ami_type capacity_type disk_size
    force_update_version instance_types labels launch_template node_group_name node_group_name_prefix release_version
    remote_access tags taint version launch_template.id launch_template.name launch_template.version!
    remote_access.ec2_ssh_key remote_access.source_security_group_ids scaling_config.desired_size!
    scaling_config.max_size! scaling_config.min_size! taint.key! taint.value taint.effect!
    update_config.max_unavailable update_config.max_unavailable_percentage`,
  azurerm_postgresql_flexible_server: `location! administrator_login administrator_password authentication
    backup_retention_days customer_managed_key geo_redundant_backup_enabled create_mode delegated_subnet_id
    private_dns_zone_id public_network_access_enabled high_availability identity maintenance_window
    point_in_time_restore_time_in_utc replication_role sku_name source_server_id auto_grow_enabled storage_mb
    storage_tier tags version zone authentication.active_directory_auth_enabled authentication.password_auth_enabled
    authentication.tenant_id customer_managed_key.key_vault_key_id!
    customer_managed_key.primary_user_assigned_identity_id customer_managed_key.geo_backup_key_vault_key_id
    customer_managed_key.geo_backup_user_assigned_identity_id identity.type! maintenance_window.day_of_week
    maintenance_window.start_hour maintenance_window.start_minute high_availability.mode!
    high_availability.standby_availability_zone`,
  azurerm_data_protection_backup_vault: `name! resource_group_name! location! datastore_type! redundancy!
    cross_region_restore_enabled identity retention_duration_in_days immutability soft_delete tags identity.type!`,
};
