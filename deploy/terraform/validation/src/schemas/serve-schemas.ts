/**
 * A provider that has a schema and nothing else. It speaks Terraform's plugin protocol 5 on the loopback
 * interface; Terraform finds it through TF_REATTACH_PROVIDERS, its hook for debugging providers. It can
 * validate and plan; what a cloud would compute stays unknown.
 */
import { join } from "node:path";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";
import { decode, encode, ExtData } from "@msgpack/msgpack";
import type { Block, ProviderSchema, Schema } from "./provider-schema.ts";

/** The running providers: what Terraform's environment must hold, and how to end them. */
export interface ServedSchemas {
  readonly environment: Readonly<Record<string, string>>;
  readonly close: () => void;
}

const NESTING: Readonly<Record<string, number>> = { single: 1, list: 2, set: 3, map: 4 };
const UNKNOWN = new ExtData(0, new Uint8Array([0]));

type Value = Record<string, unknown>;

/** Serves each schema as a provider of its own until `close` is called. */
export async function serveSchemas(schemas: readonly ProviderSchema[]): Promise<ServedSchemas> {
  const servers = await Promise.all(schemas.map(serve));
  const addresses = servers.map(({ name, port }) => [
    name,
    {
      Protocol: "grpc",
      ProtocolVersion: 5,
      Pid: process.pid,
      Test: true,
      Addr: { Network: "tcp", String: `127.0.0.1:${port}` },
    },
  ]);
  return {
    environment: { TF_REATTACH_PROVIDERS: JSON.stringify(Object.fromEntries(addresses)) },
    close: () => servers.forEach(({ server }) => server.forceShutdown()),
  };
}

async function serve(
  schema: ProviderSchema,
): Promise<{ name: string; port: number; server: grpc.Server }> {
  const server = new grpc.Server({
    "grpc.max_send_message_length": -1,
    "grpc.max_receive_message_length": -1,
  });
  server.addService(protocol(), handlers(schema));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { name: schema.source.name, port, server };
}

function protocol(): grpc.ServiceDefinition {
  const definition = loader.loadSync(join(import.meta.dirname, "../../tf5.proto"), {
    keepCase: true,
    longs: Number,
    defaults: true,
  });
  const loaded = grpc.loadPackageDefinition(definition) as unknown as {
    readonly tfplugin5: { readonly Provider: { readonly service: grpc.ServiceDefinition } };
  };
  return loaded.tfplugin5.Provider.service;
}

interface PlanRequest {
  readonly type_name: string;
  readonly proposed_new_state: { readonly msgpack: Uint8Array };
  readonly config: { readonly msgpack: Uint8Array };
}

function handlers(schema: ProviderSchema): grpc.UntypedServiceImplementation {
  const described = {
    provider: protocolSchema(schema.provider),
    resource_schemas: mapped(schema.resource_schemas),
    data_source_schemas: mapped(schema.data_source_schemas),
    server_capabilities: { get_provider_schema_optional: true },
  };
  return {
    GetSchema: answer(() => described),
    PrepareProviderConfig: answer((request: { readonly config: unknown }) => ({
      prepared_config: request.config,
    })),
    ValidateResourceTypeConfig: answer(() => ({})),
    ValidateDataSourceConfig: answer(() => ({})),
    Configure: answer(() => ({})),
    Stop: answer(() => ({})),
    PlanResourceChange: answer((request: PlanRequest) => planned(schema, request)),
  };
}

function answer<Request>(
  respond: (request: Request) => unknown,
): grpc.handleUnaryCall<Request, unknown> {
  return (call, done) => done(null, respond(call.request));
}

function planned(schema: ProviderSchema, request: PlanRequest): unknown {
  const value = decode(request.proposed_new_state.msgpack) as Value | null;
  const block = schema.resource_schemas[request.type_name]?.block;
  if (value === null || block === undefined) return { planned_state: request.proposed_new_state };
  leaveUnknown(block, value, decode(request.config.msgpack) as Value | null);
  return { planned_state: { msgpack: Buffer.from(encode(value)) }, legacy_type_system: true };
}

/** A plan keeps what was configured and leaves what the cloud computes unknown. */
function leaveUnknown(block: Block, value: Value, config: Value | null): void {
  for (const [name, attribute] of Object.entries(block.attributes)) {
    const given = config?.[name] ?? null;
    if (attribute.computed === true && (value[name] ?? null) === null && given === null) {
      value[name] = UNKNOWN;
    }
  }
  for (const [name, nested] of Object.entries(block.block_types)) {
    const values = [value[name]].flat();
    const configs = [config?.[name]].flat();
    for (const [index, inner] of values.entries()) {
      if (typeof inner !== "object" || inner === null || inner instanceof ExtData) continue;
      leaveUnknown(nested.block, inner as Value, (configs[index] ?? null) as Value | null);
    }
  }
}

function mapped(schemas: Readonly<Record<string, Schema>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schemas).map(([type, schema]) => [type, protocolSchema(schema)]),
  );
}

function protocolSchema(schema: Schema): unknown {
  return { version: schema.version, block: protocolBlock(schema.block, false) };
}

function protocolBlock(block: Block, inSet: boolean): unknown {
  return {
    attributes: Object.entries(block.attributes).map(([name, attribute]) => ({
      ...attribute,
      name,
      type: Buffer.from(JSON.stringify(allowedType(attribute.type, inSet))),
    })),
    block_types: Object.entries(block.block_types).map(([type_name, nested]) => ({
      type_name,
      nesting: NESTING[nested.nesting_mode],
      min_items: nested.min_items ?? 0,
      max_items: nested.max_items ?? 0,
      block: protocolBlock(nested.block, inSet || nested.nesting_mode === "set"),
    })),
  };
}

/** Terraform refuses dynamic types below a set block. */
function allowedType(type: unknown, inSet: boolean): unknown {
  return inSet && JSON.stringify(type).includes("dynamic") ? "string" : type;
}
