// The gateway's admin port: what drivers ask of it, behind a bearer token, on loopback only.
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createHash, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { MlshipError } from "../../errors.ts";
import type { Deployment } from "./deployment.ts";
import { launchSpecSchema } from "./documents.ts";
import type { Fault } from "./documents.ts";
import { errorText } from "./durable.ts";

/** Bytes of an admin request. */
const requestBytes = 256 * 1024;

const epoch = z.int().min(0);
const id = z.string();

/** What a driver may ask, by route. All but the two readings carry the epoch of the driver's lock. */
const adminRequests = {
  status: z.strictObject({}),
  measured: z.strictObject({}),
  admit: z.strictObject({ epoch }),
  start: z.strictObject({ epoch, spec: launchSpecSchema }),
  share: z.strictObject({ epoch, id, share: z.number().min(0).max(1) }),
  renew: z.strictObject({ epoch }),
  fallback: z.strictObject({ epoch }),
  promote: z.strictObject({ epoch, id }),
  retire: z.strictObject({ epoch, id }),
  stop: z.strictObject({}),
};
export type AdminRoute = keyof typeof adminRequests;
export type AdminRequest<R extends AdminRoute> = z.infer<(typeof adminRequests)[R]>;

/** The admin port of a deployment. @param stop ends the gateway; the answer is sent after it. */
export function createAdmin(deployment: Deployment, token: string, stop: () => Promise<void>): Server {
  const answer = async (route: string, body: unknown): Promise<unknown> => {
    switch (route) {
      case "status":
        return deployment.status();
      case "measured":
        return deployment.measured();
      case "admit":
        deployment.admit(adminRequests.admit.parse(body).epoch);
        return {};
      case "start": {
        const { epoch: seen, spec } = adminRequests.start.parse(body);
        deployment.admit(seen);
        await deployment.start(spec);
        return {};
      }
      case "share": {
        const asked = adminRequests.share.parse(body);
        deployment.admit(asked.epoch);
        deployment.share(asked.id, asked.share);
        return {};
      }
      case "renew":
        deployment.admit(adminRequests.renew.parse(body).epoch);
        return { renewed: deployment.renew() };
      case "fallback":
        deployment.admit(adminRequests.fallback.parse(body).epoch);
        deployment.fallback();
        return {};
      case "promote": {
        const asked = adminRequests.promote.parse(body);
        deployment.admit(asked.epoch);
        deployment.promote(asked.id);
        return {};
      }
      case "retire": {
        const asked = adminRequests.retire.parse(body);
        deployment.admit(asked.epoch);
        await deployment.retire(asked.id);
        return {};
      }
      case "stop":
        await stop();
        return {};
      default:
        return null;
    }
  };
  return createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
    if (!bears(request, token)) return reply(response, 401, { error: "the token is not the gateway's" });
    const route = (request.url ?? "").slice(1);
    void readJsonBody(request)
      .then((body) => answer(route, body))
      .then((result) => reply(response, result === null ? 404 : 200, result ?? { error: "no such route" }))
      .catch((cause: unknown) => reply(response, 409, faultOf(cause)));
  });
}

/** An error as it crosses to the driver. */
export function faultOf(cause: unknown): Fault {
  if (!(cause instanceof MlshipError)) {
    return { code: "gateway.internal", what: "the gateway failed", why: errorText(cause), exit: "internal" };
  }
  const { code, what, why, fix, exit } = cause;
  return { code, what, ...(why === undefined ? {} : { why }), ...(fix === undefined ? {} : { fix }), exit };
}

function bears(request: IncomingMessage, token: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(request.headers.authorization ?? ""), hash(`Bearer ${token}`));
}

async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  let text = "";
  request.setEncoding("utf8");
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > requestBytes) throw new RangeError("the request is too large");
  }
  return text === "" ? {} : JSON.parse(text);
}

function reply(response: ServerResponse, status: number, document: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(document));
}
