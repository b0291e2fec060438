// What `mlship push` prints: the image by its digest, and nothing else, for people as for scripts.
import type { PushDocument } from "../commands/push.ts";
import type { Render } from "./screen.ts";

export const renderPush: Render<PushDocument> = ({ reference }) => `${reference}\n`;
