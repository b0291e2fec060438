// One of the actions on a store, in a process of its own that can be killed: URL BUCKET ACTION VERSION FOLDER.
import { publishExample, promote, publishVersion, rollBack, collect } from "./actions.ts";
import { largeRelease } from "./large-release.ts";
import { openStore, openSweeper } from "./open-store.ts";

const [url = "", bucket = "", action, version = "", folder = ""] = process.argv.slice(2);
const place = { url, bucket };
const store = await openStore(place);
if (action === "publish") await publishVersion(store, version);
else if (action === "publish-large") await publishExample(store, largeRelease(version, folder));
else if (action === "promote") await promote(store, version);
else if (action === "roll-back") await rollBack(store, version);
else if (action === "collect") await collect(store, await openSweeper(place));
else throw new Error(`there is no action ${action}`);
process.exit(0);
