// What the tests of the cluster stand on: the engines of the testbed, and one image for all of them.
import findEngines from "../e2e/setup.ts";
import { buildKitImage } from "./kit/image.ts";

/** @throws when an engine is not up, saying how to start it */
export default async function setup(): Promise<void> {
  findEngines();
  process.env["MLSHIP_TEST_KIT_IMAGE"] = await buildKitImage();
}
