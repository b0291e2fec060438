// The reverse proxy in front of the servers: splits requests, rescues what the canary fails, counts.
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { attempt } from "./attempt.ts";
import type { Answer, Outcome, Question, User } from "./attempt.ts";
import { Bodies } from "./body.ts";
import type { Body } from "./body.ts";
import type { Side } from "./counters.ts";
import type { Crew } from "./crew.ts";
import type { Deployment } from "./deployment.ts";
import { failedWith } from "./durable.ts";
import { requestHeaders, responseHeaders } from "./headers.ts";
import { metricsText } from "./metrics-text.ts";
import type { Replica } from "./replica.ts";

/** Requests under way at one time; beyond it users are asked to come again. */
const requestsTogether = 512;
/** Open connections, idle ones included. */
const connections = 4_096;
/** Bytes of a request's headers. */
const headerBytes = 16 * 1024;
/** Milliseconds for a request's headers, for all of it, between two requests, and between two writes. */
const headersTime = 10_000;
const requestTime = 60_000;
const idleTime = 65_000;
const writeTime = 30_000;

const healthPaths = new Set(["/health/live", "/health/ready", "/health/startup"]);

/** How a request went: who is to answer, or why nobody can. */
type Result = { side: Side; crew: Crew; outcome: Outcome; rescued: boolean };

/** Serves users from a deployment. */
export class Proxy {
  readonly server: Server;
  readonly #deployment: Deployment;
  readonly #bodies = new Bodies();
  #underWay = 0;
  #draining = false;

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
    this.server = createServer(
      {
        maxHeaderSize: headerBytes,
        headersTimeout: headersTime,
        requestTimeout: requestTime,
        keepAliveTimeout: idleTime,
        connectionsCheckingInterval: 2_000,
        noDelay: true,
      },
      (request, response) => void this.#handle(request, response),
    );
    this.server.maxConnections = connections;
  }

  /** Takes no new connections and resolves when requests under way are answered, or the time is over. */
  async drain(patienceMs: number): Promise<void> {
    this.#draining = true;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    const timer = setTimeout(() => this.server.closeAllConnections(), patienceMs);
    await closed;
    clearTimeout(timer);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#draining) response.shouldKeepAlive = false;
    const counted = request.method === "POST";
    try {
      await this.#answer(request, response, counted);
    } catch (cause) {
      // A fault of the gateway's own must cost one request, not all.
      this.#deployment.note(`a request failed inside the gateway: ${String(cause)}`);
      if (response.headersSent) response.destroy();
      else this.#say(response, counted, 500, "gateway.internal", "the gateway failed on this request");
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse, counted: boolean): Promise<void> {
    const path = request.url ?? "";
    if (!path.startsWith("/"))
      return say(response, 400, "request.target", "the request target must be a path");
    if (this.#answersItself(request, response, path)) return;
    const { body, release } = await this.#bodies.read(request);
    try {
      if (body === "gone") return;
      if (body === "crowded" || this.#underWay >= requestsTogether) {
        return this.#say(response, counted, 503, "gateway.busy", "too many requests at one time");
      }
      this.#underWay += 1;
      await this.#pass(request, response, body, counted).finally(() => (this.#underWay -= 1));
    } finally {
      release();
    }
  }

  async #pass(
    request: IncomingMessage,
    response: ServerResponse,
    body: Body,
    counted: boolean,
  ): Promise<void> {
    const user: User = { left: response.destroyed, onLeave: null };
    response.once("close", () => {
      user.left = true;
      user.onLeave?.();
    });
    // What cannot be sent twice cannot be rescued, so that it never goes to the canary.
    const side = counted && body.kind === "whole" ? this.#deployment.choose() : "stable";
    const result = await this.#ask(side, questionOf(request, body), counted, user);
    if (result?.outcome.kind === "left") return;
    if (result === null) {
      return this.#say(response, counted, 503, "gateway.no-server", "no server of the model is running");
    }
    const { outcome } = result;
    if (outcome.kind === "broken") {
      if (outcome.timedOut) {
        return this.#say(
          response,
          counted,
          504,
          "gateway.timeout",
          "the model's server did not answer in time",
        );
      }
      return this.#say(
        response,
        counted,
        502,
        "gateway.no-answer",
        "the model's server broke the connection",
      );
    }
    if (counted && outcome.answer.status >= 500) this.#deployment.counters.fail();
    await this.#give(response, result, outcome.answer, counted);
  }

  async #ask(side: Side, question: Question, counted: boolean, user: User): Promise<Result | null> {
    const canary = side === "canary" ? this.#deployment.crew("canary") : null;
    const replica = canary?.next() ?? null;
    if (canary === null || replica === null) return this.#askStable(question, counted, user);
    const outcome = await this.#try("canary", canary, replica, question, counted, user);
    const result: Result = { side: "canary", crew: canary, outcome, rescued: false };
    if (!failed(outcome)) return result;
    const rescue = await this.#askStable(question, counted, user);
    if (rescue === null) return result;
    discard(outcome);
    if (!failed(rescue.outcome) && rescue.outcome.kind === "answer") this.#deployment.counters.rescue();
    return { ...rescue, rescued: true };
  }

  async #askStable(question: Question, counted: boolean, user: User): Promise<Result | null> {
    const crew = this.#deployment.crew("stable");
    const replica = crew?.nextOrLast() ?? null;
    if (crew === null || replica === null) return null;
    const outcome = await this.#try("stable", crew, replica, question, counted, user);
    const result: Result = { side: "stable", crew, outcome, rescued: false };
    // 503 says that no work was done; any other answer may be the model's own and is passed on.
    const repeatable =
      outcome.kind === "broken" || (outcome.kind === "answer" && outcome.answer.status === 503);
    const other = repeatable && question.body.kind === "whole" ? crew.next(replica) : null;
    if (other === null) return result;
    discard(outcome);
    return { ...result, outcome: await this.#try("stable", crew, other, question, counted, user) };
  }

  async #try(
    side: Side,
    crew: Crew,
    replica: Replica,
    question: Question,
    counted: boolean,
    user: User,
  ): Promise<Outcome> {
    const { term } = this.#deployment.counters;
    const outcome = await attempt(replica, question, crew.spec.timeoutMs, user);
    if (counted) this.#deployment.counters.attempt(side, failed(outcome), term);
    return outcome;
  }

  async #give(response: ServerResponse, result: Result, answer: Answer, counted: boolean): Promise<void> {
    const { revision } = result.crew.spec;
    const headers = responseHeaders(answer.headers);
    headers.push("x-mlship-version", revision.version, "x-mlship-revision", revision.id);
    if (result.rescued) headers.push("x-mlship-fallback", "1");
    if (response.destroyed) {
      answer.stream.destroy();
      return;
    }
    // The server answered before it had read all: the rest of the body is in the way of a next request.
    if (!response.req.complete) response.shouldKeepAlive = false;
    response.writeHead(answer.status, answer.reason, headers);
    if (answer.bytes !== null) {
      response.end(answer.bytes);
      return;
    }
    answer.stream.setTimeout(writeTime, () => answer.stream.destroy(new Error("the server fell silent")));
    try {
      await pipeline(answer.stream, response);
    } catch (cause) {
      // A user who leaves closes the response too early; every other break is the server's.
      if (!counted || failedWith(cause, "ERR_STREAM_PREMATURE_CLOSE")) return;
      this.#deployment.counters.breakOff(result.side);
      this.#deployment.counters.fail();
    }
  }

  #answersItself(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    if (request.method !== "GET" && request.method !== "HEAD") return false;
    const [route] = path.split("?");
    if (route === "/metrics") {
      const text = metricsText(this.#deployment.measured(), this.#deployment.status());
      response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }).end(text);
      return true;
    }
    if (route === undefined || !healthPaths.has(route)) return false;
    const serves = route === "/health/live" || (this.#deployment.crew("stable")?.ready ?? 0) > 0;
    if (serves) response.writeHead(200, { "content-type": "application/json" }).end('{"status":"ok"}');
    else say(response, 503, "gateway.not-ready", "no stable server is ready");
    return true;
  }

  #say(response: ServerResponse, counted: boolean, status: number, code: string, message: string): void {
    if (counted && status >= 500) this.#deployment.counters.fail();
    say(response, status, code, message);
  }
}

/** An answer of the gateway's own. It echoes nothing of the request. */
function say(response: ServerResponse, status: number, code: string, message: string): void {
  if (response.destroyed) return;
  const retry = status === 503 ? { "retry-after": "1" } : {};
  // What is left of the body is not read: the connection cannot be used again.
  if (!response.req.complete) response.shouldKeepAlive = false;
  response.writeHead(status, { "content-type": "application/json", ...retry });
  response.end(JSON.stringify({ error: { code, message } }));
}

function questionOf(request: IncomingMessage, body: Body): Question {
  const { headers } = request;
  return {
    method: request.method ?? "GET",
    path: request.url ?? "/",
    headers: requestHeaders(request.rawHeaders),
    body: body.kind === "whole" ? body : { ...body, rest: request },
    hasBody: headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined,
    length: headers["content-length"] ?? null,
  };
}

function failed(outcome: Outcome): boolean {
  return outcome.kind === "broken" || (outcome.kind === "answer" && outcome.answer.status >= 500);
}

/** Reads away an answer that nobody gets, so that its connection can be used again. */
function discard(outcome: Outcome): void {
  if (outcome.kind === "answer" && outcome.answer.bytes === null) outcome.answer.stream.destroy();
}
