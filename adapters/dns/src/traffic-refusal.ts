/** What a refusal by a DNS server means to an operator. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { DnsReply } from "./dns-client.ts";
import type { DnsServerAddress } from "./exchange.ts";
import { RCODE, rcodeName, TSIG_ERROR } from "./rcode.ts";

/** What was asked of whom. */
interface Refused {
  readonly server: DnsServerAddress;
  readonly zone: string;
  readonly key: { readonly name: string };
}

/** The error for a reply that is not what was needed. Never holds the secret. */
export function refusal(reply: DnsReply, asked: Refused): CloudPhoenixError {
  const where = `DNS server ${asked.server.host}:${asked.server.port}`;
  if (reply.rcode === RCODE.SERVFAIL) {
    return new CloudPhoenixError("UNREACHABLE", `${where} failed to answer (SERVFAIL)`, {
      retryable: true,
      hint: "Look at the log of the DNS server.",
    });
  }
  const { reason, hint, retryable } = explain(reply, asked);
  return new CloudPhoenixError("TRAFFIC_REFUSED", `${where} ${reason}`, { retryable, hint });
}

interface Explanation {
  readonly reason: string;
  readonly hint: string;
  readonly retryable: boolean;
}

function final(reason: string, hint: string): Explanation {
  return { reason, hint, retryable: false };
}

function explain(reply: DnsReply, asked: Refused): Explanation {
  const key = asked.key.name;
  switch (reply.tsigError) {
    case TSIG_ERROR.BADKEY:
      return final(
        `does not know the TSIG key ${key}`,
        "Check the TSIG key: its name and its algorithm must be the same at the server.",
      );
    case TSIG_ERROR.BADSIG:
      return final(
        `says the signature of TSIG key ${key} is wrong`,
        "Check the TSIG key: the secret must be the same at the server.",
      );
    case TSIG_ERROR.BADTIME:
      // Clocks get corrected, and an update that was overtaken by another may be sent again.
      return {
        reason: "says the time of the signature is wrong",
        hint: "Check the clocks of this machine and of the DNS server.",
        retryable: true,
      };
    default:
      return explainCode(reply, asked);
  }
}

function explainCode(reply: DnsReply, asked: Refused): Explanation {
  const code = rcodeName(reply.rcode);
  switch (reply.rcode) {
    case RCODE.REFUSED:
    case RCODE.NOTAUTH:
      return final(
        `refused (${code})`,
        `Check the TSIG key, that it may update zone ${asked.zone}, and that the server is its primary.`,
      );
    case RCODE.NOTZONE:
    case RCODE.NXDOMAIN:
      return final(
        `says the name is not in its zone (${code})`,
        "Check traffic.zone and traffic.name.",
      );
    case RCODE.NOTIMP:
    case RCODE.FORMERR:
      return final(
        `does not take RFC 2136 updates (${code})`,
        "Point traffic.server at a primary server with dynamic updates enabled.",
      );
    default:
      return reply.authentic
        ? final(`refused (${code})`, "Look at the log of the DNS server.")
        : final(
            `answered without a valid signature of TSIG key ${asked.key.name}`,
            "Check the TSIG key, and that nothing rewrites DNS on the way to the server.",
          );
  }
}
