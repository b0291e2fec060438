// mlship.rollout/v1: the append-only record of one rollout, from which any driver can take it up.
// (the rollout room completes this file)
export interface Rollout {
  schema: "mlship.rollout/v1";
}
