/** The hook of the guide in a strict project; compiled, never run. */
import { Tidings, TidingsError } from "tidings";
import { useJob } from "../../../examples/browser/use-job.js";

const tidings = new Tidings("http://host:8700");

export function Words({ token }: { token: string | null }) {
  const { status, progress, result, error } = useJob(tidings, token);
  if (error) {
    const failed: TidingsError = error;
    return <output>{failed.code}: {error.problem.detail}</output>;
  }
  if (progress) return <progress value={progress.fraction ?? undefined}>{progress.message?.toUpperCase()}</progress>;
  // @ts-expect-error there is no such field
  if (error?.words || progress?.words) return null;
  const text: string = status?.toUpperCase() ?? "";
  return <output>{text} {result?.words}</output>;
}
