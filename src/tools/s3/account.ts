// Who asks and where: credentials, region and endpoint, found as every AWS tool finds them.
import { S3Client } from "@aws-sdk/client-s3";
import type { ArtifactSettings } from "../../config/config.ts";
import { MlshipError } from "../../errors.ts";
import type { Location } from "../../artifacts/location.ts";
import type { Credentials } from "./sign.ts";

/** The address of a bucket. */
export interface Endpoint {
  /** Origin; the bucket is in its host or in `path`. */
  origin: URL;
  /** Begins the path of every request: empty, or `/BUCKET`. */
  path: string;
  /** Region that requests are signed for. */
  region: string;
}

/** What requests are signed with, and where they go. */
export interface Account {
  /** @param renew whether those that were given before are refused by now */
  credentials(renew: boolean): Promise<Credentials>;
  /** @param region where the bucket turned out to be; null: as configured */
  endpoint(region: string | null): Promise<Endpoint>;
}

const googleEndpoint = "https://storage.googleapis.com";
/** AWS answers there for every bucket, if only to say in which region it is. */
const usualRegion = "us-east-1";

/**
 * The account that the environment, the profile and `artifacts.s3` describe. The SDK finds
 * credentials (environment, profiles, SSO, web identity, containers, instances), refreshes them
 * before they expire, and knows the endpoints of AWS.
 */
export async function openAccount(location: Location, settings: ArtifactSettings["s3"]): Promise<Account> {
  const { profile, pathStyle } = settings;
  const chosen = profile === null ? {} : { profile };
  const usual = location.scheme === "gs" ? "auto" : await regionOf(chosen);
  const region = settings.region ?? usual;
  const { config } = new S3Client({ ...chosen, region });
  const configured = async () => {
    if (location.scheme === "gs") return settings.endpoint ?? googleEndpoint;
    return settings.endpoint ?? (await config.serviceConfiguredEndpoint?.()) ?? null;
  };
  return {
    async credentials(renew) {
      try {
        return await config.credentials({ forceRefresh: renew });
      } catch (error) {
        throw noCredentials(location, error);
      }
    },
    async endpoint(found) {
      const custom = await configured();
      const { url, properties } = config.endpointProvider({
        Bucket: location.bucket,
        Region: found ?? region,
        ForcePathStyle: pathStyle === "always" || (pathStyle === "auto" && custom !== null),
        UseFIPS: await config.useFipsEndpoint(),
        UseDualStack: await config.useDualstackEndpoint(),
        ...(custom !== null && { Endpoint: custom }),
      });
      const [scheme] = Array.isArray(properties?.["authSchemes"]) ? properties["authSchemes"] : [];
      return {
        origin: url,
        path: url.pathname.replace(/\/$/, ""),
        region: scheme?.signingRegion ?? found ?? region,
      };
    },
  };
}

/** The region of the environment or profile; the bucket's own is learnt from the server's first answer. */
async function regionOf(chosen: { profile?: string }): Promise<string> {
  try {
    return await new S3Client(chosen).config.region();
  } catch {
    return usualRegion;
  }
}

function noCredentials(location: Location, cause: unknown): MlshipError {
  const keys =
    location.scheme === "gs"
      ? "put an HMAC key of Cloud Storage into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or into a profile"
      : "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile in artifacts.s3.profile, log in with `aws sso login`, or give the CI job a role";
  return new MlshipError({
    code: "store.credentials",
    what: `there are no credentials for ${location.shown}`,
    why: cause instanceof Error ? cause.message : String(cause),
    fix: keys,
    exit: "unavailable",
    cause,
  });
}
