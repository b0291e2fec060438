// One attempt to have one server answer one request.
import { request as send } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { failedWith } from "./durable.ts";
import type { Replica } from "./replica.ts";

/** What is asked, ready to be sent more than once when the body is whole. */
export interface Question {
  method: string;
  path: string;
  /** Names and values in turn, without the body's length. */
  headers: string[];
  body: { kind: "whole"; bytes: Buffer } | { kind: "stream"; head: Buffer; rest: IncomingMessage };
  /** Whether the message declared a body, so that an empty one is sent as such. */
  hasBody: boolean;
  /** Declared bytes of a body that is not whole; null when it comes in chunks. */
  length: string | null;
}

/** A server's answer: whole when it is small, else its beginning and a stream. */
export interface Answer {
  status: number;
  reason: string;
  /** Names and values in turn, as the server sent them. */
  headers: string[];
  /** Null when the rest must be read from `stream`. */
  bytes: Buffer | null;
  stream: IncomingMessage;
}

/** How an attempt ended: an answer, no answer, or a user who left before there was one. */
export type Outcome =
  | { kind: "answer"; answer: Answer }
  | { kind: "broken"; timedOut: boolean }
  | { kind: "left" };

/** Whether the user still waits. An AbortSignal costs a twentieth of the gateway's time per request. */
export interface User {
  left: boolean;
  /** Called when the user leaves, while an attempt is under way. */
  onLeave: (() => void) | null;
}

/** Bytes of an answer that are awaited before the user gets the first: a break is still repairable. */
const awaitedBytes = 256 * 1024;
/** Milliseconds beyond a prediction's own time: a server that can still answer 504 itself should. */
const slack = 500;

/**
 * Asks a server. A connection that the server closed while it was idle is no failure of the server:
 * the question is then asked again on a new connection, once.
 */
export async function attempt(
  replica: Replica,
  question: Question,
  timeoutMs: number,
  user: User,
): Promise<Outcome> {
  const { port } = replica;
  if (port === null) return { kind: "broken", timedOut: false };
  replica.inFlight += 1;
  const done = () => void (replica.inFlight -= 1);
  const first = await ask(replica, port, question, timeoutMs, user, true);
  const last = first.kind === "stale" ? await ask(replica, port, question, timeoutMs, user, false) : first;
  if (last.kind === "answer" && last.answer.bytes === null) last.answer.stream.once("close", done);
  else done();
  return last.kind === "stale" ? { kind: "broken", timedOut: false } : last;
}

function ask(
  replica: Replica,
  port: number,
  question: Question,
  timeoutMs: number,
  user: User,
  pooled: boolean,
): Promise<Outcome | { kind: "stale" }> {
  const { promise, resolve } = Promise.withResolvers<Outcome | { kind: "stale" }>();
  if (user.left) return Promise.resolve({ kind: "left" });
  let timedOut = false;
  let answering = false;
  const request = send({
    host: "127.0.0.1",
    port,
    method: question.method,
    path: question.path,
    headers: [...question.headers, ...framing(question)],
    agent: pooled ? replica.agent : false,
  });
  // A large body takes the time that its sender takes: the server's own time begins after it.
  let timer: NodeJS.Timeout | undefined;
  request.once("finish", () => {
    timer = setTimeout(() => {
      timedOut = true;
      request.destroy(new Error("no answer in time"));
    }, timeoutMs + slack);
  });
  user.onLeave = () => request.destroy(new Error("the user has left"));
  const end = (outcome: Outcome | { kind: "stale" }) => {
    clearTimeout(timer);
    user.onLeave = null;
    resolve(user.left ? { kind: "left" } : outcome);
  };
  request.on("response", (stream) => {
    answering = true;
    void receive(stream).then((answer) =>
      end(answer === null ? { kind: "broken", timedOut } : { kind: "answer", answer }),
    );
  });
  request.on("error", (cause) => {
    // Once an answer has begun, `receive` sees the break.
    if (answering) return;
    const stale = request.reusedSocket && !timedOut && question.body.kind === "whole" && isReset(cause);
    end(stale ? { kind: "stale" } : { kind: "broken", timedOut });
  });
  sendBody(request, question);
  return promise;
}

function framing(question: Question): string[] {
  if (!question.hasBody) return [];
  if (question.body.kind === "whole") return ["Content-Length", String(question.body.bytes.length)];
  return question.length === null ? ["Transfer-Encoding", "chunked"] : ["Content-Length", question.length];
}

function sendBody(request: ClientRequest, { body }: Question): void {
  if (body.kind === "whole") {
    request.end(body.bytes.length > 0 ? body.bytes : undefined);
    return;
  }
  request.write(body.head);
  body.rest.pipe(request);
  request.on("close", () => body.rest.unpipe(request));
}

/** Waits for a small answer whole, null when it broke off; one of unknown or greater length is a stream. */
function receive(stream: IncomingMessage): Promise<Answer | null> {
  const { promise, resolve } = Promise.withResolvers<Answer | null>();
  const answer = (bytes: Buffer | null): Answer => ({
    status: stream.statusCode ?? 502,
    reason: stream.statusMessage ?? "",
    headers: stream.rawHeaders,
    bytes,
    stream,
  });
  // A break is followed by `close`, which decides; without a listener it would end the process.
  stream.on("error", () => undefined);
  const length = stream.headers["content-length"];
  if (length === undefined || Number(length) > awaitedBytes) return Promise.resolve(answer(null));
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("end", () => resolve(answer(Buffer.concat(chunks))));
  stream.on("close", () => resolve(null));
  return promise;
}

function isReset(cause: unknown): boolean {
  return failedWith(cause, "ECONNRESET") || failedWith(cause, "EPIPE");
}
