import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageCommand,
  SQSClient,
  type SQSClientConfig,
} from "@aws-sdk/client-sqs";
import { describe, expect, onTestFinished, test } from "vitest";
import type { LocalS3 } from "../src/index.ts";
import { clientOf, scratchServer, SIGNER } from "./scratch.ts";

const Bucket = "receipts";

interface Scene {
  readonly server: LocalS3;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly QueueUrl: string;
  readonly queueArn: string;
}

function queueClient(server: LocalS3, config: SQSClientConfig = {}): SQSClient {
  const client = new SQSClient({
    endpoint: server.queueEndpoint ?? "",
    region: server.region,
    credentials: SIGNER,
    maxAttempts: 1,
    ...config,
  });
  onTestFinished(() => client.destroy());
  return client;
}

async function scene(): Promise<Scene> {
  const server = await scratchServer({ queues: { port: 0, names: ["changes"] } });
  const [s3, sqs] = [clientOf(server), queueClient(server)];
  await s3.send(new CreateBucketCommand({ Bucket }));
  const { QueueUrl = "" } = await sqs.send(new GetQueueUrlCommand({ QueueName: "changes" }));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }),
  );
  return { server, s3, sqs, QueueUrl, queueArn: Attributes?.["QueueArn"] ?? "" };
}

async function notify({ s3, queueArn }: Scene, prefix = ""): Promise<void> {
  await s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket,
      NotificationConfiguration: {
        QueueConfigurations: [
          {
            Id: "all",
            QueueArn: queueArn,
            Events: ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
            Filter: { Key: { FilterRules: [{ Name: "prefix", Value: prefix }] } },
          },
        ],
      },
    }),
  );
}

async function receive(
  { sqs, QueueUrl }: Scene,
  input: Partial<ReceiveMessageCommandInput> = {},
): Promise<readonly Message[]> {
  const request = { QueueUrl, MaxNumberOfMessages: 10, ...input };
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(request));
  return Messages;
}

interface EventRecord {
  readonly eventName: string;
  readonly s3: {
    readonly bucket: { readonly name: string };
    readonly object: {
      readonly key: string;
      readonly size?: number;
      readonly eTag?: string;
      readonly versionId?: string;
      readonly sequencer: string;
    };
  };
}

function recordsOf(messages: readonly Message[]): readonly EventRecord[] {
  return messages.flatMap(({ Body = "{}" }) => {
    const { Records = [] } = JSON.parse(Body) as { readonly Records?: readonly EventRecord[] };
    return Records;
  });
}

describe("a bucket that notifies a queue", () => {
  test("tells of every object stored and deleted, in S3's JSON", async () => {
    const all = await scene();
    await notify(all);
    const Key = "a b/ü+(1)";
    await all.s3.send(new PutObjectCommand({ Bucket, Key, Body: "body" }));
    await all.s3.send(new DeleteObjectCommand({ Bucket, Key }));
    const messages = await receive(all);
    expect(JSON.parse(messages[0]?.Body ?? "")).toMatchObject({ Event: "s3:TestEvent", Bucket });
    const [created, removed] = recordsOf(messages);
    expect(created).toMatchObject({
      eventVersion: "2.1",
      eventSource: "aws:s3",
      awsRegion: "us-east-1",
      eventName: "ObjectCreated:Put",
      s3: {
        configurationId: "all",
        bucket: { name: Bucket, arn: `arn:aws:s3:::${Bucket}` },
        object: { key: "a+b/%C3%BC%2B%281%29", size: 4, eTag: "841a2d689ad86bd1611447453c22c6fc" },
      },
    });
    expect(created?.s3.object.versionId).toBeUndefined();
    expect(removed?.eventName).toBe("ObjectRemoved:Delete");
    expect(removed!.s3.object.sequencer > created!.s3.object.sequencer).toBe(true);
  });

  test("names versions and delete markers where versions are kept", async () => {
    const all = await scene();
    await all.s3.send(
      new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }),
    );
    await notify(all);
    const put = await all.s3.send(new PutObjectCommand({ Bucket, Key: "a", Body: "1" }));
    const marker = await all.s3.send(new DeleteObjectCommand({ Bucket, Key: "a" }));
    const records = recordsOf(await receive(all));
    expect(records.map(({ eventName, s3 }) => [eventName, s3.object.versionId])).toEqual([
      ["ObjectCreated:Put", put.VersionId],
      ["ObjectRemoved:DeleteMarkerCreated", marker.VersionId],
    ]);
  });

  test("tells only of keys that its filter lets through, and tells its configuration", async () => {
    const all = await scene();
    await notify(all, "in/");
    for (const Key of ["in/1", "out/1"]) {
      await all.s3.send(new PutObjectCommand({ Bucket, Key, Body: "x" }));
    }
    expect(recordsOf(await receive(all)).map(({ s3 }) => s3.object.key)).toEqual(["in/1"]);
    const told = await all.s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
    expect(told.QueueConfigurations?.[0]).toMatchObject({
      Id: "all",
      QueueArn: all.queueArn,
      Filter: { Key: { FilterRules: [{ Name: "prefix", Value: "in/" }] } },
    });
  });

  test("refuses a queue that does not exist and events it cannot tell", async () => {
    const all = await scene();
    const wrong = notify({ ...all, queueArn: `${all.queueArn}-no` });
    await expect(wrong).rejects.toMatchObject({ name: "InvalidArgument" });
  });
});

async function sent(all: Scene, bodies: readonly string[]): Promise<void> {
  const { sqs, QueueUrl } = all;
  for (const MessageBody of bodies) {
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  }
}

describe("a queue", () => {
  test("hides what it gave out, and gives it again if it is not deleted in time", async () => {
    const all = await scene();
    const { sqs, QueueUrl } = all;
    await sent(all, ["a"]);
    const input = { MessageSystemAttributeNames: ["All" as const] };
    const [first] = await receive(all, { ...input, VisibilityTimeout: 600 });
    expect(await receive(all)).toEqual([]);
    const { ReceiptHandle } = first!;
    const again = { QueueUrl, ReceiptHandle, VisibilityTimeout: 0 };
    await sqs.send(new ChangeMessageVisibilityCommand(again));
    const [second] = await receive(all, input);
    expect(second).toMatchObject({ Body: "a", Attributes: { ApproximateReceiveCount: "2" } });
    // The old handle no longer counts.
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    const late = sqs.send(new ChangeMessageVisibilityCommand(again));
    await expect(late).rejects.toMatchObject({ name: "ReceiptHandleIsInvalid" });
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: second!.ReceiptHandle }));
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }),
    );
    expect(Attributes).toMatchObject({
      ApproximateNumberOfMessages: "0",
      ApproximateNumberOfMessagesNotVisible: "0",
    });
  });

  test("lets its reader wait for a message, and for one that becomes visible again", async () => {
    const all = await scene();
    const waiting = receive(all, { WaitTimeSeconds: 20 });
    await sent(all, ["late"]);
    const [message] = await waiting;
    expect(message?.Body).toBe("late");
    const second = receive(all, { WaitTimeSeconds: 20 });
    const { sqs, QueueUrl } = all;
    const { ReceiptHandle } = message!;
    await sqs.send(
      new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }),
    );
    expect((await second)[0]?.Body).toBe("late");
  });

  test("lets go of a reader who hangs up, without losing the message", async () => {
    const all = await scene();
    const leaving = new AbortController();
    const { sqs, QueueUrl } = all;
    const wait = sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }), {
      abortSignal: leaving.signal,
    });
    leaving.abort();
    await expect(wait).rejects.toMatchObject({ name: "AbortError" });
    await sent(all, ["kept"]);
    expect((await receive(all, { WaitTimeSeconds: 20 }))[0]?.Body).toBe("kept");
  });

  test("deletes in batches and is purged", async () => {
    const all = await scene();
    const { sqs, QueueUrl } = all;
    await sent(all, ["a", "b", "c"]);
    const messages = await receive(all, { MaxNumberOfMessages: 2 });
    const Entries = messages.map(({ ReceiptHandle }, at) => ({ Id: String(at), ReceiptHandle }));
    const deleted = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    expect(deleted.Successful).toHaveLength(2);
    await sqs.send(new PurgeQueueCommand({ QueueUrl }));
    expect(await receive(all)).toEqual([]);
  });

  test("can be told to lose, repeat and shuffle", async () => {
    const all = await scene();
    const queue = all.server.queues.get("changes");
    queue?.setFaults({ duplicateShare: 0, lossShare: 1, reorderWindow: 0 });
    await sent(all, ["lost"]);
    expect(await receive(all)).toEqual([]);
    queue?.setFaults({ duplicateShare: 1, lossShare: 0, reorderWindow: 0 });
    await sent(all, ["twice"]);
    expect((await receive(all)).map(({ Body }) => Body)).toEqual(["twice", "twice"]);
    queue?.setFaults({ duplicateShare: 0, lossShare: 0, reorderWindow: 5 });
    const bodies = Array.from({ length: 10 }, (_, at) => `m${at}`);
    await sent(all, bodies);
    const seen: string[] = [];
    for (let page = await receive(all); page.length > 0; page = await receive(all)) {
      seen.push(...page.map(({ Body = "" }) => Body));
    }
    expect(seen.toSorted()).toEqual(bodies);
  });

  test("refuses strangers, unknown queues and unknown operations by name", async () => {
    const all = await scene();
    const { server, sqs } = all;
    const stranger = queueClient(server, {
      credentials: { ...SIGNER, secretAccessKey: "wrong" },
    });
    const create = new CreateQueueCommand({ QueueName: "more" });
    await expect(stranger.send(create)).rejects.toMatchObject({ name: "SignatureDoesNotMatch" });
    const { QueueUrl = "" } = await sqs.send(create);
    expect(QueueUrl).toBe(`${server.queueEndpoint}/000000000000/more`);
    const unknown = sqs.send(new GetQueueUrlCommand({ QueueName: "none" }));
    await expect(unknown).rejects.toMatchObject({ name: "QueueDoesNotExist" });
    const unsigned = await fetch(server.queueEndpoint ?? "", {
      method: "POST",
      headers: { "x-amz-target": "AmazonSQS.CreateQueue" },
      body: "{}",
    });
    expect(unsigned.status).toBe(403);
  });
});
