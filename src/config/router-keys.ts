// The keys of `deploy.router`: the HAProxy that splits traffic on Kubernetes.
import { z } from "zod";
import { referencePattern } from "./image-keys.ts";

/** Name of a header: a token of RFC 9110, and no more than proxies and people agree on. */
const headerName = /^[A-Za-z][A-Za-z0-9-]{0,63}$/;

/** `deploy.router`. */
export const router = z
  .strictObject({
    image: z
      .string()
      .max(400)
      .regex(referencePattern, "must be an image reference such as haproxy:3.2-alpine")
      .describe(
        "Image of the router, HAProxy 2.6 or later. Its digest is looked up when it is first deployed, and kept.",
      )
      .default("haproxy:3.2-alpine"),
    sticky: z
      .enum(["none", "cookie", "header"])
      .describe(
        "Whether a user stays on the side that first answered: none, by a cookie that the router sets, or by the value of a header.",
      )
      .default("none"),
    header: z
      .string()
      .regex(headerName, "must be the name of a header such as x-user")
      .describe("The header that a user is recognised by; with sticky: header.")
      .optional(),
  })
  .refine(({ sticky, header }) => sticky !== "header" || header !== undefined, {
    path: ["header"],
    error: "must name the header that sticky: header goes by",
  })
  .refine(({ sticky, header }) => sticky === "header" || header === undefined, {
    path: ["header"],
    error: "counts only with sticky: header",
  })
  .describe("The router in front of the servers, where deploy.canary.split is router.");
