/** The local S3 server in a process of its own, so that its CPU time is not the contestants'. */
import { startLocalS3 } from "@cloudphoenix/local-objects";

const [directory = "", accessKeyId = "", secretAccessKey = ""] = process.argv.slice(2);
const server = await startLocalS3({
  directory,
  port: 0,
  credentials: [{ accessKeyId, secretAccessKey }],
});
process.send?.({ endpoint: server.endpoint, region: server.region });
process.once("disconnect", () => void server.stop().then(() => process.exit(0)));
