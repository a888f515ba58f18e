/** A client in TypeScript as its author writes it with generated types; checked by the compiler, and run. */

import createClient from "openapi-fetch";

import type { components, paths } from "./api";

export async function use(baseUrl: string): Promise<Record<string, unknown>> {
  const client = createClient<paths>({ baseUrl });
  const submission: components["schemas"]["Submission"] = { kind: "echo", input: { text: "typed" } };

  const { data, response } = await client.POST("/v1/jobs", {
    params: { header: { Prefer: "wait=30", "Idempotency-Key": '"typescript"' } },
    body: submission,
  });
  if (data === undefined || !("kind" in data)) throw new Error(`no outcome: ${response.status}`);
  const result: unknown = data.result;

  const looked = await client.GET("/v1/jobs/{token}", { params: { path: { token: data.token }, query: { after: 0 } } });
  const status: components["schemas"]["Snapshot"]["status"] | undefined = looked.data?.status;

  const refused = await client.POST("/v1/jobs", { body: { kind: "echo", input: { text: 1 } } });
  const field: string | null | undefined = refused.error?.field;

  // @ts-expect-error a submission has a kind
  const wrong: components["schemas"]["Submission"] = { input: {} };
  void wrong;

  const kinds = await client.GET("/v1/kinds");
  return { result, status, field, applied: response.headers.get("preference-applied"), kinds: kinds.data?.kinds.length };
}
