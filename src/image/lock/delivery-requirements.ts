// Distributions that the way of delivery adds to what the model and the server need.
import type { Delivery } from "../../config/image-keys.ts";

/**
 * PEP 508 lines by delivery. A pod that fetches its model needs an S3 client that knows all ways in
 * which a cluster gives credentials; `fetch.py` of the server uses obstore.
 */
export const deliveryRequirements: Readonly<Record<Delivery, readonly string[]>> = {
  baked: [],
  "image-volume": [],
  s3: ["obstore>=0.11,<0.13"],
};
