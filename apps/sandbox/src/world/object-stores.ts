/** The object store of each site, as everybody who uses it addresses it. */
import type { ProgramSpec } from "../process/index.ts";
import type { ObjectStoreSpec } from "../site/operations.ts";
import type { Layout } from "./layout.ts";
import { HOME_PLACE, NAMES, type Place } from "./places.ts";
import type { PortBook } from "./ports.ts";
import { SECRETS } from "./secrets.ts";
import { linkName } from "./topology.ts";

/** Whether the site has S3; the other one has Blob. */
export function hasS3(place: Place): boolean {
  return place.id === HOME_PLACE.id;
}

/** What the site starts. */
export function objectStoreSpec(place: Place, layout: Layout, ports: PortBook): ObjectStoreSpec {
  const { cloud, region } = place;
  return {
    kind: hasS3(place) ? "s3" : "azblob",
    region,
    port: ports.get(`${cloud}:objects`),
    eventsPort: ports.get(`${cloud}:object-events`),
    queue: NAMES.objectEvents,
    account: hasS3(place) ? NAMES.s3KeyId : NAMES.blobAccount,
    keyFile: layout.secret(SECRETS.objects(cloud)),
  };
}

/** Its address for whoever reaches it at `port`. */
function objectStoreUrl(place: Place, port: number): string {
  const endpoint = `http://127.0.0.1:${port}`;
  return hasS3(place)
    ? `s3://${NAMES.bucket}?region=${place.region}&endpoint=${endpoint}`
    : `azblob://${NAMES.blobAccount}/${NAMES.bucket}?endpoint=${endpoint}`;
}

/** What the site's own services are told of it. */
export function storageEnvironment(
  place: Place,
  layout: Layout,
  ports: PortBook,
): ProgramSpec["env"] {
  return {
    STORAGE_URL: objectStoreUrl(place, ports.get(`${place.cloud}:objects`)),
    STORAGE_KEY_FILE: layout.secret(SECRETS.objects(place.cloud)),
    ...(hasS3(place) && { STORAGE_KEY_ID: NAMES.s3KeyId }),
  };
}

/** `sites[].objects` of the configuration: through the links, as the worker reaches it. */
export function objectsSection(place: Place, ports: PortBook): object {
  const { cloud } = place;
  const port = ports.get(linkName("control", cloud, "objects"));
  const events = ports.get(linkName("control", cloud, "object-events"));
  return {
    url: objectStoreUrl(place, port),
    credentials_file: `secrets/${SECRETS.objectCredentials(cloud)}`,
    hints_url: queueUrl(place, events),
  };
}

/** SQS has the account's number in front of a queue's name, an emulator of Azure the account's name. */
function queueUrl(place: Place, port: number): string {
  const account = hasS3(place) ? "000000000000" : NAMES.blobAccount;
  return `http://127.0.0.1:${port}/${account}/${NAMES.objectEvents}`;
}
