// Events of the cluster about pods and about what should have made them.
import { z } from "zod";

/** One event, with the object that it is about. */
export interface PodEvent {
  /** Of the object that it is about. */
  uid: string;
  reason: string;
  message: string;
  /** Milliseconds since 1970, by the cluster's clock: when it last happened. */
  at: number;
}

const eventSchema = z.object({
  involvedObject: z.object({ uid: z.string().default("") }).prefault({}),
  reason: z.string().nullish(),
  message: z.string().nullish(),
  lastTimestamp: z.string().nullish(),
  eventTime: z.string().nullish(),
  metadata: z.object({ creationTimestamp: z.string().nullish() }),
});
const listSchema = z.object({ items: z.array(z.unknown()).nullish() });

/** Events of a list as the API server gives it, oldest first. What is not an event is left out. */
export function eventsOf(list: unknown): PodEvent[] {
  const items = listSchema.safeParse(list).data?.items ?? [];
  const events = items.flatMap((item) => {
    const parsed = eventSchema.safeParse(item);
    if (!parsed.success) return [];
    const { involvedObject, reason, message, lastTimestamp, eventTime, metadata } = parsed.data;
    const at = Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? "");
    if (Number.isNaN(at)) return [];
    return [{ uid: involvedObject.uid, reason: reason ?? "", message: message ?? "", at }];
  });
  return events.toSorted((a, b) => a.at - b.at);
}
