// What the fake S3 server answers when it does not do what it was asked, and how its answers are written.
import type { Reply } from "./request.ts";

/** An error as S3 knows them: a status, a code, a sentence, and members of its own. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly members: Record<string, string>;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    code: string,
    message: string,
    members: Record<string, string> = {},
    headers: Record<string, string> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.members = members;
    this.headers = headers;
  }
}

/** Members of an XML document: text, or members again; a list repeats its name. */
export interface Members {
  [name: string]: string | Members | Members[] | undefined;
}

/** The XML document of an answer. */
export function xml(root: string, members: Members): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside(members)}</${root}>`;
}

/** @param request its number, by which an answer is found again in a log. */
export function replyOf(refusal: Refusal, request: string): Reply {
  const { code, message, members } = refusal;
  const content = inside({ Code: code, Message: message, ...members, RequestId: request });
  return {
    status: refusal.status,
    headers: { "content-type": "application/xml", ...refusal.headers },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${content}</Error>`,
  };
}

function inside(members: Members): string {
  let text = "";
  for (const [name, value] of Object.entries(members)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) {
      text += `<${name}>${typeof one === "string" ? escape(one) : inside(one)}</${name}>`;
    }
  }
  return text;
}

function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
