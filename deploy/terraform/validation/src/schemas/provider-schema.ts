/** A provider's schema, in the words of `terraform providers schema -json`, as far as Terraform needs it. */

/** `"string"`, `["list", "string"]`, `["object", { … }]`, and so on: Terraform's own notation of types. */
export type AttributeType = string | readonly [string, unknown];

export interface Attribute {
  readonly type: AttributeType;
  readonly required?: boolean;
  readonly optional?: boolean;
  readonly computed?: boolean;
  readonly write_only?: boolean;
}

export interface NestedBlock {
  readonly nesting_mode: string;
  readonly min_items?: number;
  readonly max_items?: number;
  readonly block: Block;
}

export interface Block {
  readonly attributes: Record<string, Attribute>;
  readonly block_types: Record<string, NestedBlock>;
}

export interface Schema {
  readonly version: number;
  readonly block: Block;
}

export interface ProviderSchema {
  /** Address and version of the provider, and the package the schema was read from. */
  readonly source: { readonly name: string; readonly version: string; readonly package: string };
  readonly provider: Schema;
  readonly resource_schemas: Record<string, Schema>;
  readonly data_source_schemas: Record<string, Schema>;
}
